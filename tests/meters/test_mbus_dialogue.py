"""The dialogue at an M-Bus: addresses, the frame count bit, readouts in parts, faults; pyMeterBus on the emulator."""

from __future__ import annotations

import io
from collections.abc import Mapping

import meterbus
import pytest
import serial

from meters.emulators.mbus import MbusDevice
from meters.emulators.virtual_sut import parse_profile
from meters.mbus import frames
from meters.meter import (
    Meter,
    MeterError,
    MeterGarbage,
    MeterMismatch,
    MeterOptionError,
    MeterRefused,
    MeterTimeout,
)
from meters.reading import Identity
from meters.registry import open_meter
from meters.wire_log import read_capture
from tests.meters.conftest import StartEmulator, wait_until

LOAD = ("--profile", "watts=50", "--interval", "0.05", "--no-throttle")
OPTIONS: Mapping[str, float | str] = {"interval_s": 0.02, "refresh_s": 0.01, "reply_s": 2.0, "baud": 38400.0}
WHO = Identity("EMU", "EMULATED", "12345678", "version 16")


def opened(port: str, sink: io.BytesIO | None = None, /, **more: float | str) -> Meter:
    return open_meter("mbus", port, capture=sink, options={**OPTIONS, **more})


def said(sink: io.BytesIO) -> list[bytes]:
    """What the driver said."""
    log = read_capture(io.BytesIO(sink.getvalue()), "log")
    return [part.data for part in log if part.direction == ">"]


@pytest.mark.parametrize("more", [{}, {"address": 5.0}, {"secondary": "12345678"}, {"secondary": "12345678B5151002"}])
def test_a_meter_is_found_by_each_of_its_addresses(start_emulator: StartEmulator, more: dict[str, float | str]) -> None:
    sink = io.BytesIO()
    meter = opened(start_emulator(*LOAD, name="mbus").address, sink, **more)
    found = [meter.read(5.0) for _ in range(3)]
    assert [(one.power_w, one.voltage_v, one.frequency_hz) for one in found] == [(50.0, 230.0, 50.0)] * 3
    assert (meter.identify(), meter.origin().kind) == (WHO, "emulated")
    meter.close()
    questions = [frame for frame in said(sink) if frame[0] == frames.SHORT and frame[1] != frames.RESET]
    assert [frame[1] for frame in questions] == [0x7B, 0x5B, 0x7B, 0x5B]


def test_a_readout_in_several_telegrams_begins_anew_each_time(start_emulator: StartEmulator) -> None:
    sink = io.BytesIO()
    meter = opened(start_emulator(*LOAD, "--kind", "strip", name="mbus").address, sink)
    assert [meter.read(5.0).power_w for _ in range(3)] == [50.0] * 3
    described = meter.describe()
    assert described.remarks == (
        "the power is record 7, which the maker qualifies by 00; what that means no standard says",
    )
    meter.close()
    assert said(sink).count(frames.encode_reset(254)) == 4


def test_a_record_is_named_by_the_lab(start_emulator: StartEmulator) -> None:
    address = start_emulator(*LOAD, name="mbus").address
    meter = opened(address, record=5.0)
    assert meter.read(5.0).power_w == 4000.0
    assert meter.describe().remarks == ("a record of the lab's choice",)
    meter.close()
    with pytest.raises(MeterOptionError, match=r"^\S+: option record is 0, expected the place of a power; there"):
        opened(address, record=0.0)


def test_a_meter_that_is_not_there_is_named_by_how_it_was_asked(start_emulator: StartEmulator) -> None:
    address = start_emulator(*LOAD, name="mbus").address
    with pytest.raises(MeterTimeout, match="no meter at this bus answers at the address 6; correct `address`"):
        opened(address, address=6.0, reply_s=0.2)
    with pytest.raises(MeterTimeout, match="no meter at this bus has the number '87654321'; correct `secondary`"):
        opened(address, secondary="87654321", reply_s=0.6)
    with pytest.raises(MeterOptionError, match="option address is 252, expected 0 to 250, or 254"):
        opened(address, address=252.0)


@pytest.mark.parametrize(
    ("fault", "error", "words"),
    [
        ("other-medium", MeterMismatch, "found the meter 12345678 of EMU for heat, expected one for electricity"),
        ("encrypted", MeterRefused, "the meter encrypts its telegrams"),
        ("no-power", MeterOptionError, "found powers of parts only"),
        ("busy", MeterMismatch, "the meter reports too busy"),
    ],
)
def test_what_cannot_be_read_is_named_when_it_is_opened(
    start_emulator: StartEmulator, fault: str, error: type[Exception], words: str
) -> None:
    emulator = start_emulator(*LOAD, "--fault", f"{fault}=always", name="mbus")
    with pytest.raises(error, match=rf"^{emulator.address}: {words}"):
        opened(emulator.address)


def test_the_faults_of_a_meter_are_errors_or_no_power_and_no_old_telegram_is_a_new_one(
    start_emulator: StartEmulator,
) -> None:
    emulator = start_emulator(*LOAD, name="mbus")
    meter = opened(emulator.address, reply_s=0.4)

    def found() -> object:
        try:
            return meter.read(5.0).flags - {"stale", "resynced"}
        except MeterError as error:
            return type(error)

    for fault, what in (
        ("bad-sum", MeterGarbage), ("busy", MeterGarbage), ("other-medium", MeterGarbage), ("no-power", MeterGarbage),
        ("encrypted", MeterGarbage), ("deaf", MeterTimeout), ("no-value", {"nan"}), ("overrange", {"overrange"}),
    ):  # fmt: skip
        emulator.fault(fault)
        wait_until(lambda what=what: found() == what, f"{fault} is seen")  # type: ignore[misc]
        assert (found(), found()) == (frozenset(), frozenset())
    emulator.fault("echo=5")
    assert [found() for _ in range(6)] == [frozenset()] * 6
    meter.close()


def test_a_fault_that_the_meter_reports_is_a_remark(start_emulator: StartEmulator) -> None:
    meter = opened(start_emulator(*LOAD, "--fault", "error-status=always", name="mbus").address)
    assert meter.describe().remarks == ("the meter reports a fault (status 08)",)
    meter.close()


def test_the_emulated_meter_sends_its_last_telegram_again_for_the_same_frame_count_bit() -> None:
    device = MbusDevice(parse_profile("watts=0:10,5:90", 1), refresh_s=1.0)
    (first,) = device.receive(frames.encode_request(5, count_bit=True), 2.0)
    assert device.receive(frames.encode_request(5, count_bit=True), 20.0) == [first]
    (second,) = device.receive(frames.encode_request(5, count_bit=False), 20.0)
    assert first != second
    assert device.receive(frames.encode_request(6, count_bit=True), 21.0) == []


def test_pymeterbus_reads_the_emulator_by_both_addresses(start_emulator: StartEmulator) -> None:
    address = start_emulator("--profile", "watts=50", "--interval", "0.05", name="mbus").address
    with serial.Serial(address, 2400, 8, "E", 1, timeout=10) as port:
        meterbus.send_ping_frame(port, 5)
        assert isinstance(meterbus.load(meterbus.recv_frame(port, 1)), meterbus.TelegramACK)
        meterbus.send_request_frame(port, 5)
        telegram = meterbus.load(meterbus.recv_frame(port, meterbus.FRAME_DATA_LENGTH))
        told = [record.interpreted for record in telegram.records]
        watts = [one["value"] for one in told if one["unit"] == "MeasureUnit.W"]
        assert [float(value) for value in watts] == [50.0, 4000.0, pytest.approx(77.7), 5.0]
        meterbus.send_select_frame(port, "12345678FFFFFFFF")
        assert isinstance(meterbus.load(meterbus.recv_frame(port, 1)), meterbus.TelegramACK)
        meterbus.send_request_frame(port, meterbus.ADDRESS_NETWORK_LAYER)
        chosen = meterbus.load(meterbus.recv_frame(port, meterbus.FRAME_DATA_LENGTH))
        assert chosen.secondary_address == "12345678B5151002"
