"""The emulated SML meter against SMLLib, and against the driver with its own faults."""

from __future__ import annotations

import os
import time
import tty
from collections.abc import Iterator
from contextlib import closing

import pytest
from smllib.reader import SmlStreamReader
from smllib.sml_frame import SmlFrame

from meters.emulators.sml import OWN_FAULTS, SmlDevice
from meters.emulators.virtual_sut import parse_profile
from meters.meter import Meter, MeterGarbage
from meters.registry import open_meter
from tests.meters.conftest import EmulatorProcess, StartEmulator


@pytest.fixture
def emulator(start_emulator: StartEmulator) -> EmulatorProcess:
    return start_emulator("--profile", "watts=50", "--no-throttle", "--interval", "0.05", name="sml")


@pytest.fixture
def meter(emulator: EmulatorProcess) -> Iterator[Meter]:
    with closing(open_meter("sml", emulator.address, capture=None, options={})) as opened:
        yield opened


def test_smllib_reads_what_comes_out_of_the_emulators_port(emulator: EmulatorProcess) -> None:
    reader = SmlStreamReader()
    port = os.open(emulator.port, os.O_RDWR | os.O_NOCTTY)
    try:
        tty.setraw(port)
        end = time.monotonic() + 20.0
        frames: list[SmlFrame] = []
        while len(frames) < 3:
            assert time.monotonic() < end
            reader.add(os.read(port, 4096))
            while (found := reader.get_frame()) is not None:
                frames.append(found)
    finally:
        os.close(port)
    for frame in frames:
        assert len(frame.parse_frame()) == 3
        values = {str(one.obis): one for one in frame.get_obis()}
        power = values["0100100700ff"]
        assert (power.get_value(), power.unit, power.scaler) == (50.0, 27, -1)
        assert values["010060320101"].value == "EMULATED"
        assert values["0100010800ff"].status == 0x1C0104


def test_the_register_counts_mean_power_times_time_beyond_32_bits() -> None:
    device = SmlDevice(parse_profile("watts=0:0,1800:7200", 1), seed=1)
    assert register_wh(device.push(3600.0)[0]) == 3600.0
    assert register_wh(device.push(3600.0 + 3600.0 * 100_000)[0]) == 720_003_600.0


def register_wh(telegram: bytes) -> float:
    reader = SmlStreamReader()
    reader.add(telegram)
    frame = reader.get_frame()
    assert frame is not None
    (value,) = [one.get_value() for one in frame.get_obis() if str(one.obis) == "0100010800ff"]
    assert isinstance(value, float)
    return value


EXPECTED = {
    "bad-crc": {"resynced"},
    "bad-message-crc": {"resynced"},
    "counter-wrap": set(),
    "no-value": {"nan"},
    "overrange": {"overrange"},
    "same-second": {"stale"},
    "wrong-meter": {"resynced"},
    "wrong-obis": {"nan"},
    "wrong-unit": {"nan"},
}


def test_each_fault_of_the_protocol_is_flagged_and_no_wrong_number(emulator: EmulatorProcess, meter: Meter) -> None:
    assert set(EXPECTED) == OWN_FAULTS
    for fault, expected in EXPECTED.items():
        assert meter.read(5.0).power_w == 50.0
        emulator.fault(fault)
        found = [meter.read(1.0) for _reading in range(4)]
        assert {reading.power_w for reading in found} <= {50.0, None}
        assert {flag for reading in found for flag in reading.flags} == expected, fault


def test_a_meter_whose_check_sums_are_all_wrong_is_garbage_in_time(start_emulator: StartEmulator) -> None:
    emulator = start_emulator("--profile", "watts=50", "--no-throttle", "--interval", "0.02", name="sml")
    with closing(open_meter("sml", emulator.address, capture=None, options={})) as meter:
        emulator.fault("bad-crc=always")
        time.sleep(0.1)
        begin = time.monotonic()
        with pytest.raises(MeterGarbage, match="found the check sum"):  # noqa: PT012 - what was sent before comes first
            while True:
                meter.read(0.3)
        assert time.monotonic() - begin < 5.0
        emulator.fault("clear")
        assert meter.read(5.0).power_w == 50.0
