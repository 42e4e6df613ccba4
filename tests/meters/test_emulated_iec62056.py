"""The emulated IEC 62056-21 meter against a client nobody here wrote, and against the driver with its own faults."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import closing, suppress

import pytest
from iec62056_21.client import Iec6205621Client

from meters.emulators.iec62056 import OWN_FAULTS, Iec62056Device
from meters.emulators.virtual_sut import parse_profile
from meters.meter import Meter, MeterError, MeterGarbage, MeterTimeout
from meters.registry import open_meter
from tests.meters.conftest import EmulatorProcess, StartEmulator

QUICK = {"interval_s": 0.02, "reply_s": 2.0, "quiet_s": 0.15}


@pytest.fixture
def emulator(start_emulator: StartEmulator) -> EmulatorProcess:
    return start_emulator("--profile", "watts=50", "--no-throttle", name="iec62056")


@pytest.fixture
def meter(emulator: EmulatorProcess) -> Iterator[Meter]:
    with closing(open_meter("iec62056", emulator.address, capture=None, options=QUICK)) as opened:
        yield opened


def test_the_independent_client_reads_the_emulator_out(start_emulator: StartEmulator) -> None:
    emulator = start_emulator(
        *("--plain", "--profile", "watts=50", "--no-throttle", "--listen", "127.0.0.1:0"), name="iec62056"
    )
    host, _mark, port = emulator.address.removeprefix("socket://").rpartition(":")
    client = Iec6205621Client.with_tcp_transport((host, int(port)), device_address="12345678")
    client.transport.timeout = 5
    client.connect()
    try:
        values = {one.address: (one.value, one.unit) for one in client.standard_readout().data}
    finally:
        client.disconnect()
    assert (client.manufacturer_id, client.switchover_baudrate) == ("EMu", 9600)
    assert "EMULATED" in client.identification
    assert values["1-0:16.7.0"] == ("00000.05000", "kW")
    assert values["1-0:1.8.0"][1] == "kWh"


def answered(device: Iec62056Device, data: bytes, at_s: float) -> list[bytes]:
    """What the meter answers after its reaction time."""
    assert device.receive(data, at_s) == []
    if device.next_push_s is None:
        return []
    assert at_s + 0.02 < device.next_push_s < at_s + 0.2
    return device.push(device.next_push_s)


def test_a_session_is_forgotten_and_another_address_or_mode_is_not_answered() -> None:
    device = Iec62056Device(parse_profile("watts=50", 1), seed=1, parity=False)
    assert answered(device, b"\x06050\r\n", 0.0) == []
    assert answered(device, b"/?!\r\n", 1.0) == [b"/EMu5\\@EMULATED\r\n"]
    assert answered(device, b"\x06050\r\n", 3.5) == []
    assert answered(device, b"/?87654321!\r\n", 4.0) == []
    answered(device, b"/?!\r\n", 5.0)
    assert answered(device, b"\x06051\r\n\x01P1\x02(0)\x03a", 5.1) == []
    (message,) = answered(device, b"\x06050\r\n", 5.2)
    assert (message[:1], message[-5:-1]) == (b"\x02", b"!\r\n\x03")


def test_the_register_counts_mean_power_times_time() -> None:
    device = Iec62056Device(parse_profile("watts=0:0,1800:7200", 1), seed=1, push_interval_s=3600.0, parity=False)
    (telegram,) = device.push(3600.0)
    assert b"1-0:1.8.0(000003.6000*kWh)" in telegram
    assert b"1-0:16.7.0(00003.60000*kW)" in telegram
    assert device.receive(b"/?!\r\n", 3601.0) == []


EXPECTED = {
    **{fault: {"MeterGarbage", "resynced"} for fault in OWN_FAULTS},
    **{"overrange": {"overrange"}, "counter-wrap": set(), "echo": set()},
    **dict.fromkeys(("no-value", "wrong-obis", "wrong-unit"), frozenset({"nan"})),
}


def test_each_fault_of_the_protocol_is_no_number_and_the_meter_is_read_again(
    emulator: EmulatorProcess, meter: Meter
) -> None:
    for fault, expected in sorted(EXPECTED.items()):
        assert meter.read(5.0).power_w == 50.0
        emulator.fault(fault)
        kinds: set[str] = set()
        attempts, end_s = 0, time.monotonic() + 20.0
        # The emulator takes a fault when it comes to it: as many attempts as that takes.
        while attempts < 4 or (kinds != expected and time.monotonic() < end_s):
            attempts += 1
            try:
                reading = meter.read(5.0)
            except (MeterGarbage, MeterTimeout) as error:
                kinds.add(type(error).__name__)
                continue
            assert reading.power_w in (50.0, None)
            kinds |= reading.flags
        assert kinds == expected, fault


def test_a_pushing_meter_with_wrong_parity_in_one_character_is_garbage_once(start_emulator: StartEmulator) -> None:
    emulator = start_emulator(
        *("--push", "--interval", "0.1", "--profile", "watts=50", "--no-throttle"), name="iec62056"
    )
    with closing(open_meter("iec62056", emulator.address, capture=None, options={"mode": "push"})) as meter:
        assert meter.read(5.0).power_w == 50.0
        emulator.fault("bad-parity")
        flags: set[str] = set()
        for _reading in range(4):
            with suppress(MeterError):
                reading = meter.read(1.0)
                assert reading.power_w == 50.0
                flags |= reading.flags
        assert flags == {"resynced"}


def test_pushed_telegrams_with_wrong_parity_without_end_are_garbage_in_time(start_emulator: StartEmulator) -> None:
    emulator = start_emulator(
        *("--push", "--interval", "0.02", "--profile", "watts=50", "--no-throttle"), name="iec62056"
    )
    with closing(open_meter("iec62056", emulator.address, capture=None, options={"mode": "push"})) as meter:
        emulator.fault("bad-parity=always")
        time.sleep(0.1)
        begin = time.monotonic()
        with pytest.raises(MeterGarbage, match="parity right"):  # noqa: PT012 - what was sent before comes first
            while True:
                meter.read(0.3)
        assert time.monotonic() - begin < 5.0
