"""The emulated Modbus meters: their registers in virtual time, and the drivers against them over ptys and TCP."""

from __future__ import annotations

import struct
import time

import pytest

from meters.emulators.faults import Fault
from meters.emulators.modbus import FAMILIES, OWN_FAULTS, ModbusDevice, check_sum
from meters.emulators.virtual_sut import parse_profile
from meters.meter import Meter, MeterGarbage, MeterTimeout, MeterUnavailable, MeterUnplugged
from meters.modbus import dialogue as modbus_dialogue
from meters.reading import Reading
from meters.registry import DRIVERS, open_meter
from tests.meters.conftest import StartEmulator

FAST = {"interval_s": 0.02}


def request(function: int, start: int, count: int, address: int = 1) -> bytes:
    body = struct.pack(">BBHH", address, function, start, count)
    return body + check_sum(body)


def device(family: str = "pzem", profile: str = "watts=50", **more: bool | float) -> ModbusDevice:
    return ModbusDevice(parse_profile(profile, 1), family, seed=1, **more)  # type: ignore[arg-type]


def words(reply: list[bytes]) -> tuple[int, ...]:
    (frame,) = reply
    assert check_sum(frame[:-2]) == frame[-2:]
    return struct.unpack(f">{frame[2] // 2}H", frame[3:-2])


# --- the device, in virtual time ----------------------------------------------------------------------------------


def test_the_check_sum_is_that_of_a_real_frame() -> None:
    frame = bytes.fromhex("01 04 14 09 7D 34 42 00 00 76 69 00 00 1F 57 00 00 01 F4 00 5D 00 00 C2 6A")
    assert check_sum(frame[:-2]) == frame[-2:]


def test_the_counter_counts_power_times_time() -> None:
    meter = device(profile="watts=0:3600,10:36000")
    assert words(meter.receive(request(4, 5, 2), 0.0)) == (5000, 0)
    assert words(meter.receive(request(4, 5, 2), 10.0)) == (5010, 0)
    assert words(meter.receive(request(4, 5, 2), 7010.0)) == ((5010 + 70_000) & 0xFFFF, (5010 + 70_000) >> 16)


@pytest.mark.parametrize(("family", "refresh_s"), [("pzem", 1.0), ("sdm230", 1.0), ("umg604", 0.2)])
def test_values_stand_still_between_two_measurements(family: str, refresh_s: float) -> None:
    meter = device(family)
    ask = request(3, 19000, 2) if family == "umg604" else request(4, 0, 2)
    first = meter.receive(ask, 1.0)
    assert meter.receive(ask, 1.0 + 0.9 * refresh_s) == first
    later = {meter.receive(ask, 1.0 + 1.1 * refresh_s * turn)[0] for turn in range(1, 9)}
    assert len(later) > 3


def test_a_request_is_answered_wherever_the_stream_is_torn_and_after_noise() -> None:
    ask = request(4, 0, 10)
    for at in range(len(ask) + 1):
        meter = device()
        assert len(meter.receive(b"\xff\x01" + ask[:at], 1.0) + meter.receive(ask[at:], 1.0)) == 1


def test_another_address_is_not_answered_and_only_a_pzem_knows_the_general_one() -> None:
    assert device().receive(request(4, 0, 10, address=2), 1.0) == []
    assert len(device().receive(request(4, 0, 10, address=0xF8), 1.0)) == 1
    assert device("sdm120").receive(request(4, 0, 2, address=0xF8), 1.0) == []


@pytest.mark.parametrize(
    ("family", "ask", "code"),
    [
        ("pzem", request(4, 5, 6), 2),
        ("pzem", request(6, 2, 7), 1),
        ("sdm120", request(4, 1, 2), 2),
        ("sdm120", request(4, 0, 3), 2),
        ("sdm120", request(4, 0, 82), 3),
        ("umg604", request(3, 18999, 2), 2),
        ("umg604", request(3, 19000, 0), 3),
    ],
)
def test_a_wrong_question_is_an_exception(family: str, ask: bytes, code: int) -> None:
    (reply,) = device(family).receive(ask, 1.0)
    assert reply[:3] == bytes([1, ask[1] | 0x80, code])


def test_a_umg604_answers_on_a_network_under_the_number_of_the_question() -> None:
    meter = device("umg604", tcp=True)
    (reply,) = meter.receive(b"\0" + bytes.fromhex("15 01 00 00 00 06 09 03 4A 6A 00 02"), 1.0)
    assert reply == bytes.fromhex("15 01 00 00 00 07 09 03 04 42 48 00 00")


@pytest.mark.parametrize("tcp", [False, True])
def test_every_fault_of_its_own_changes_one_reply_and_no_more(tcp: bool) -> None:
    ask = bytes.fromhex("00 07 00 00 00 06 01 03 4A 38 00 46") if tcp else request(3, 19000, 70)
    for name in sorted(OWN_FAULTS - {"duplicate-row", "counter-wrap"}):
        meter = device("umg604", tcp=tcp)
        sound = meter.receive(ask, 1.0)
        meter.faults.switch(Fault(name))
        assert meter.receive(ask, 1.1) != sound
        assert [len(reply) for reply in meter.receive(ask, 1.2)] == [len(reply) for reply in sound]
        begin = 9 if tcp else 3
        assert meter.receive(ask, 1.3)[0][:begin] == sound[0][:begin]


def test_a_counter_that_has_gone_over_its_end_begins_again() -> None:
    meter = device()
    assert words(meter.receive(request(4, 0, 10), 1.0))[5:7] == (5000, 0)
    meter.faults.switch(Fault("counter-wrap"))
    assert words(meter.receive(request(4, 0, 10), 1.1))[5:7] == (0, 0)


# --- the drivers against it ---------------------------------------------------------------------------------------


def readings(meter: Meter, count: int) -> list[Reading]:
    return [meter.read(1.0) for _ in range(count)]


@pytest.mark.parametrize("name", sorted(FAMILIES))
def test_a_driver_reads_its_emulated_meter_with_all_it_describes(start_emulator: StartEmulator, name: str) -> None:
    emulator = start_emulator("--profile", "watts=100", "--interval", "0.01", "--no-throttle", name=name)
    options: dict[str, float | str] = {**FAST}
    if name == "umg604":
        options |= {"phase": "L1"}
    meter = open_meter(name, emulator.address, capture=None, options=options)
    try:
        reading = readings(meter, 2)[1]
        columns = {column.name: column for column in meter.describe().columns}
    finally:
        meter.close()
    assert reading.power_w == pytest.approx(100.0, abs=0.05)
    assert reading.voltage_v == pytest.approx(230.0, abs=1.5)
    assert reading.energy_wh == pytest.approx(5000.0, abs=1.1)
    assert reading.frequency_hz == 50.0
    for quantity, column in columns.items():
        value = getattr(reading, quantity)
        assert column.range[0] <= value <= column.range[1]
    assert {"power_w", "voltage_v", "current_a", "energy_wh"} <= set(columns)
    assert meter.describe().tier == DRIVERS[name].tier
    assert meter.origin().kind == "emulated"


def test_a_umg604_on_a_network_is_read_through_its_faults(start_emulator: StartEmulator) -> None:
    emulator = start_emulator("--profile", "watts=50", "--interval", "0.01", "--listen", "127.0.0.1:0", name="umg604")
    meter = open_meter("umg604", emulator.address, capture=None, options={**FAST, "transport": "tcp"})
    try:
        for fault in ("bad-crc", "wrong-address", "exception", "half", "garbage", "stray", "duplicate", "split"):
            emulator.fault(fault)
            values = []
            for _ in range(4):
                try:
                    values.append(meter.read(1.0).power_w)
                except (MeterGarbage, MeterTimeout):
                    continue
            assert set(values) == {50.0}, fault
        for fault in ("no-value", "overrange"):
            emulator.fault(fault)
            assert {reading.power_w for reading in readings(meter, 4)} == {None, 50.0}, fault
        emulator.fault("unplug")
        with pytest.raises(MeterUnplugged):
            readings(meter, 20)
        with pytest.raises(MeterUnavailable):
            meter.reopen()
        emulator.fault("replug")
        time.sleep(0.1)
        meter.reopen()
        assert [reading.power_w for reading in readings(meter, 2)] == [50.0] * 2
    finally:
        meter.close()


def test_what_the_pzem_repeats_is_stale_and_what_it_cannot_say_is_no_number(start_emulator: StartEmulator) -> None:
    emulator = start_emulator("--profile", "watts=50", "--interval", "0.01", "--no-throttle", name="pzem")
    meter = open_meter("pzem", emulator.address, capture=None, options=FAST)
    try:
        readings(meter, 1)
        for fault, power_w, flags in (
            ("duplicate-row", 50.0, {"stale"}),
            ("overrange", None, {"overrange"}),
            ("no-value", None, {"overrange"}),
        ):
            emulator.fault(fault)
            found = readings(meter, 5)
            assert (power_w, frozenset(flags)) in {(reading.power_w, reading.flags) for reading in found}, fault
        emulator.fault("counter-wrap")
        assert [reading.energy_wh for reading in readings(meter, 4)][-1] == 0
    finally:
        meter.close()


def test_a_float_meter_says_that_it_has_no_value(start_emulator: StartEmulator) -> None:
    emulator = start_emulator("--profile", "watts=50", "--interval", "0.01", "--no-throttle", name="sdm230")
    meter = open_meter("sdm230", emulator.address, capture=None, options=FAST)
    try:
        emulator.fault("no-value")
        assert (None, frozenset({"nan"})) in {(reading.power_w, reading.flags) for reading in readings(meter, 4)}
    finally:
        meter.close()


def test_after_an_exception_the_next_reading_is_resynced(start_emulator: StartEmulator) -> None:
    emulator = start_emulator("--profile", "watts=50", "--interval", "0.01", "--no-throttle", name="sdm120")
    meter = open_meter("sdm120", emulator.address, capture=None, options=FAST)
    try:
        readings(meter, 1)
        emulator.fault("exception")
        with pytest.raises(MeterGarbage, match=r"exception 4 \(device failure\).*check that it is a SDM120"):
            readings(meter, 20)
        assert [bool(reading.flags & {"resynced"}) for reading in readings(meter, 2)] == [True, False]
    finally:
        meter.close()


def test_a_meter_that_forgets_its_serial_number_is_no_other_meter(start_emulator: StartEmulator) -> None:
    emulator = start_emulator("--profile", "watts=50", "--interval", "0.01", "--no-throttle", name="sdm120")
    meter = open_meter("sdm120", emulator.address, capture=None, options=FAST)
    try:
        assert meter.identify().serial == "19000001"
        emulator.fault("exception=2")  # the reading, then the serial number
        for _attempt in range(2):
            with pytest.raises(MeterGarbage, match="exception 4"):
                readings(meter, 20)
        assert readings(meter, 1)[0].power_w == 50.0
    finally:
        meter.close()


def test_the_wrong_frames_on_a_network_are_named(
    start_emulator: StartEmulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(modbus_dialogue, "GREET_ATTEMPTS", 1)
    emulator = start_emulator("--profile", "watts=50", "--listen", "127.0.0.1:0", name="umg604")
    with pytest.raises(MeterTimeout, match=r"no answer of a UMG 604 .* check .* `transport` \(port 502 wants tcp\)"):
        open_meter("umg604", emulator.address, capture=None, options=FAST)


def test_a_serial_device_server_passes_rtu_through_tcp(start_emulator: StartEmulator) -> None:
    emulator = start_emulator("--profile", "watts=50", "--listen", "127.0.0.1:0", name="pzem")
    meter = open_meter("pzem", emulator.address, capture=None, options=FAST)
    try:
        assert [reading.power_w for reading in readings(meter, 2)] == [50.0] * 2
    finally:
        meter.close()


@pytest.mark.parametrize(("name", "bytes_of_a_reading"), [("pzem", 25), ("sdm120", 69 + 17)])
def test_a_reading_takes_as_long_as_its_bytes_take(
    start_emulator: StartEmulator, name: str, bytes_of_a_reading: int
) -> None:
    emulator = start_emulator("--profile", "watts=50", "--interval", "0.01", name=name)
    meter = open_meter(name, emulator.address, capture=None, options={"interval_s": 0.001})
    try:
        begin = time.monotonic()
        readings(meter, 2)
        baud = {"pzem": 9600, "sdm120": 2400}[name]
        assert time.monotonic() - begin >= 2 * (bytes_of_a_reading - 2) * 10 / baud
    finally:
        meter.close()
