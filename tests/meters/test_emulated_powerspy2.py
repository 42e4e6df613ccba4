"""The emulated PowerSpy2 by itself, and the driver reading it.

By hand, once (2026-11-21), with programs nobody here wrote: Volker Krause's client takes name, calibration, frequency
and rows of the emulator and shows 50.0000 W for 50 W, and nothing plugged in as such; the driver reads all five rows
of patrickmarlier's simulator, once its mains frequency (125 Hz, refused) is one.
"""

from __future__ import annotations

import re
import time
from pathlib import Path

import pytest

from meters.emulators.powerspy2 import PowerSpy2Device
from meters.emulators.virtual_sut import ScriptedPower, Steps
from meters.meter import MeterMismatch
from meters.powerspy2 import Scale, decode_coefficient, decode_row, to_reading
from meters.registry import open_meter
from meters.wire_log import read_capture
from tests.meters.conftest import StartEmulator, wait_until

ROW = re.compile(rb"<(.{36})>\n\r")


def device_of(*steps: tuple[float, float], hardware: int = 3) -> PowerSpy2Device:
    return PowerSpy2Device(ScriptedPower(Steps(steps)), seed=1, hardware=hardware)


@pytest.mark.parametrize(
    ("request_bytes", "reply"),
    [
        (b"<?>", b"<POWERSPYR01FF35030001>"),
        (b"<F>", b"<F6C00>"),
        (b"<V04>", b"<A7>"),
        (b"<Q>", b"<K>"),
        (b"<J0032>", b"<K>"),
        (b"<J32>", b"<Z>"),
        (b"<J0000>", b"<Z>"),
        (b"<W0E6C>", b"<Z>"),
        (b"<R>", b"<Z>"),
        (b"<V1>", b"<Z>"),
        (b"<>", b"<Z>"),
    ],
)
def test_a_command_is_answered_or_refused(request_bytes: bytes, reply: bytes) -> None:
    device = device_of((0.0, 50.0))
    for at in range(1, len(request_bytes)):
        assert device.receive(request_bytes[:at], 0.0) == []
        assert device.receive(request_bytes[at:], 0.0) == [reply]


def test_the_older_hardware_wants_two_digits_and_has_another_clock() -> None:
    device = device_of((0.0, 50.0), hardware=2)
    assert device.receive(b"<F><J32><J0032>", 0.0) == [b"<F4E20>", b"<K>", b"<Z>"]


def test_each_row_is_the_mean_over_its_periods_and_their_sum_is_the_energy() -> None:
    device = device_of((0.0, 20.0), (1.05, 100.0), (2.5, 40.0))
    eeprom = b"".join(device.receive(b"<V%02X>" % at, 0.0)[0] for at in range(0x0E, 0x16))
    data = bytes.fromhex(eeprom.decode("ascii").replace("<", "").replace(">", ""))
    scale = Scale(decode_coefficient(data[:4], 0x0E), decode_coefficient(data[4:], 0x12), 0.2, 3680.0)
    device.receive(b"<J000A>", 0.0)
    joules = 0.0
    for index in range(1, 21):
        assert device.next_push_s == pytest.approx(index * 0.2)
        (row,) = device.push(index * 0.2)
        found = ROW.fullmatch(row)
        assert found is not None
        reading = to_reading(decode_row(found[1]), scale, 1, frozenset())
        assert reading.power_w is not None
        joules += reading.power_w * reading.window_s
    assert joules == pytest.approx(21.0 + 145.0 + 60.0, abs=0.001)


def test_the_driver_reads_it_and_stops_its_rows_when_it_closes(start_emulator: StartEmulator, tmp_path: Path) -> None:
    log = tmp_path / "sent.log"
    emulator = start_emulator("--profile", "watts=50", "--capture", str(log), name="powerspy2")
    meter = open_meter("powerspy2", emulator.address, capture=None, options={"periods": 5})
    try:
        readings = [meter.read(1.0) for _ in range(5)]
    finally:
        meter.close()
    for reading in readings:
        assert reading.power_w == pytest.approx(50.0, abs=0.001)
        assert (reading.window_s, reading.flags) == (0.1, frozenset())
    assert (readings[-1].time_ns - readings[0].time_ns) / 1e9 == pytest.approx(0.4, abs=0.15)
    wait_until(lambda: received(log).endswith(b"<J0005><Q>"), "the rows to be stopped")


def received(log: Path) -> bytes:
    with log.open("rb") as file:
        return b"".join(part.data for part in read_capture(file, "log") if part.direction == ">")


def test_nothing_plugged_in_is_nan_and_then_power_again(start_emulator: StartEmulator) -> None:
    emulator = start_emulator("--profile", "watts=50", name="powerspy2")
    meter = open_meter("powerspy2", emulator.address, capture=None, options={"periods": 2})
    try:
        meter.read(1.0)
        emulator.fault("no-value=2")
        found = [meter.read(1.0) for _ in range(6)]
        assert [reading.power_w for reading in found].count(None) == 2
        assert all(reading.flags == {"nan"} for reading in found if reading.power_w is None)
        assert found[-1].power_w == pytest.approx(50.0, abs=0.001)
    finally:
        meter.close()


def test_a_meter_that_fails_every_command_is_refused_in_time(start_emulator: StartEmulator) -> None:
    emulator = start_emulator("--profile", "watts=50", "--fault", "fail=always", name="powerspy2")
    begin = time.monotonic()
    with pytest.raises(MeterMismatch, match="failed to do <\\?>"):
        open_meter("powerspy2", emulator.address, capture=None, options={})
    assert time.monotonic() - begin < 20.0
