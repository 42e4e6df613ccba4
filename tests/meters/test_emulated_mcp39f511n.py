"""The emulated MCP39F511N by itself, and the driver reading it, in virtual time and over a pty.

By hand, once (2026-11-21), against clients nobody here wrote: green-metrics-tool's provider in C sets N = 1, power
range 6 and 16 and energy counting, and reads 50.000000 W, 40000 counts of 1.25 mW and growing energy counters for
50 W; after a NAK it hangs. What mcp39f511n-logger sends is answered with counts whose P / S is their power factor.
"""

from __future__ import annotations

import time

import pytest

from meters.deadline import Deadline
from meters.dialogue import DialogueMeter
from meters.emulators.mcp39f511n import Mcp39f511nDevice
from meters.emulators.virtual_sut import ScriptedPower, Steps
from meters.mcp39f511n.dialogue import Mcp39f511n
from meters.meter import Meter, MeterError, MeterGarbage, MeterMismatch, MeterRefused
from meters.registry import open_meter
from tests.meters.conftest import StartEmulator
from tests.meters.far_ends import DeviceWire


def watts(*steps: tuple[float, float]) -> ScriptedPower:
    return ScriptedPower(Steps(steps))


class Backwards:
    """A load that gives power back: a scripted one with its sign turned round."""

    def __init__(self, power_w: float) -> None:
        self._power = watts((0.0, power_w))

    def advance(self, to_s: float) -> object:
        span = self._power.advance(to_s)
        return type(span)(-span.mean_w, -span.max_w, -span.min_w)


def driver_of(
    device: Mcp39f511nDevice, channel: str = "1", sign_bits: str = "0-3", accumulation_n: int | None = None
) -> tuple[Mcp39f511n, DeviceWire]:
    wire = DeviceWire(device)
    driver = Mcp39f511n(wire, channel=channel, sign_bits=sign_bits, accumulation_n=accumulation_n, range_w=3450.0)
    return driver, wire


# --- the device -------------------------------------------------------------------------------------------------------


def test_a_request_in_pieces_and_two_at_once_are_answered() -> None:
    device = Mcp39f511nDevice(watts((0.0, 50.0)), seed=1)
    request = bytes.fromhex("A5 08 41 00 AE 4E 04 EE")
    for at in range(1, len(request)):
        assert device.receive(request[:at], 0.0) == []
        assert device.receive(request[at:], 0.0) == [bytes.fromhex("06 07 12 0C 13 00 3E")]
    assert len(device.receive(b"\0" + request + request, 0.0)) == 2


@pytest.mark.parametrize(
    ("request_hex", "reply"),
    [
        ("A5 08 41 00 AE 4E 04 EF", b"\x51"),
        ("A5 0A 41 00 DC 4D 02 01 00 1C", b"\x15"),  # not a register of this chip
        ("A5 04 53 FC", b"\x15"),
        ("A5 04 5A 03", b"\x15"),
        ("A5 0A 41 00 A8 4D 02 01 00 E8", b"\x06"),
        ("A5 0C 41 00 AE 4D 04 12 0C 06 00 15", b"\x06"),
    ],
)
def test_a_request_is_acknowledged_or_refused_as_the_data_sheet_says(request_hex: str, reply: bytes) -> None:
    device = Mcp39f511nDevice(watts((0.0, 50.0)), seed=1)
    assert device.receive(bytes.fromhex(request_hex), 0.0) == [reply]


def test_arbitrary_bytes_do_not_stop_the_device() -> None:
    device = Mcp39f511nDevice(watts((0.0, 50.0)), seed=1)
    for length in range(40):
        device.receive(bytes([0xA5, length]) * 3 + bytes(range(length)), 0.0)
    device.receive(bytes(300), 0.0)
    assert device.receive(bytes.fromhex("A5 08 41 00 AE 4E 04 EE"), 0.0)


# --- the driver in virtual time ---------------------------------------------------------------------------------------


def test_each_window_is_the_mean_over_its_line_cycles_and_their_sum_is_the_energy() -> None:
    driver, wire = driver_of(Mcp39f511nDevice(watts((0.0, 20.0), (1.0, 100.0), (2.5, 40.0)), seed=1))
    driver.greet()
    driver.sample(Deadline(1.0))  # what the registers hold when the clock starts
    joules, fresh = 0.0, 0
    for step in range(1, 400):
        wire.now_s = 0.01 + step * 0.02
        reading = driver.sample(Deadline(1.0))
        assert reading.power_w is not None
        if not reading.flags:
            joules += reading.power_w * 0.32
            fresh += 1
    windows = int(wire.now_s / 0.32)
    covered_s = windows * 0.32
    assert fresh == windows
    assert joules == pytest.approx(20.0 + 150.0 + 40.0 * (covered_s - 2.5), abs=0.01 * windows)


def test_both_outlets_with_a_load_each_are_added() -> None:
    device = Mcp39f511nDevice(watts((0.0, 60.0)), seed=1, second=watts((0.0, 25.0)))
    for channel, power_w in (("1", 60.0), ("2", 25.0), ("both", 85.0)):
        driver, _wire = driver_of(device, channel)
        driver.greet()
        reading = driver.sample(Deadline(1.0))
        assert reading.power_w == pytest.approx(power_w, abs=0.011)
        assert (reading.current_a is None) == (channel == "both")


@pytest.mark.parametrize(("signs_at", "sign_bits"), [(0, "0-3"), (4, "4-7")])
def test_power_that_flows_back_is_negative_in_either_place_of_the_signs(signs_at: int, sign_bits: str) -> None:
    device = Mcp39f511nDevice(Backwards(30.0), seed=1, second=watts((0.0, 10.0)), signs_at=signs_at)  # type: ignore[arg-type]
    for channel, power_w in (("1", -30.0), ("2", 10.0), ("both", -20.0)):
        driver, _wire = driver_of(device, channel, sign_bits)
        driver.greet()
        assert driver.sample(Deadline(1.0)).power_w == pytest.approx(power_w, abs=0.011)


def test_a_board_whose_signs_stand_elsewhere_is_refused_with_the_option_to_set() -> None:
    driver, _wire = driver_of(Mcp39f511nDevice(watts((0.0, 50.0)), seed=1, signs_at=4))
    with pytest.raises(MeterMismatch, match="set sign_bits = '4-7'"):
        DialogueMeter(driver, 0.32)


@pytest.mark.parametrize("power_range", [19, 16, 6])
def test_another_power_range_gives_the_same_watts(power_range: int) -> None:
    device = Mcp39f511nDevice(watts((0.0, 123.45)), seed=1)
    frame = bytes.fromhex("A5 0C 41 00 AE 4D 04 12 0C") + bytes([power_range, 0])
    assert device.receive(frame + bytes([sum(frame) % 256]), 0.0) == [b"\x06"]
    driver, wire = driver_of(device)
    driver.greet()
    wire.now_s = 1.0
    assert driver.sample(Deadline(1.0)).power_w == pytest.approx(123.45, abs=0.005)


def test_an_interval_of_one_cycle_is_refused_and_one_that_is_asked_for_is_set(monkeypatch: pytest.MonkeyPatch) -> None:
    device = Mcp39f511nDevice(watts((0.0, 50.0)), seed=1, accumulation_n=0)
    driver, wire = driver_of(device)
    with pytest.raises(MeterRefused, match="/dev/null: accumulation interval N = 0"):
        driver.greet()
    monkeypatch.setattr(time, "sleep", lambda _seconds: None)
    driver, wire = driver_of(device, accumulation_n=3)
    driver.greet()
    assert driver.describe().window_s == pytest.approx(0.16, rel=1e-3)
    # A chip that lost power has forgotten it; getting back in step sets it anew.
    assert device.receive(bytes.fromhex("A5 0A 41 00 A8 4D 02 04 00 EB"), wire.now_s) == [b"\x06"]
    driver.regain(Deadline(1.0))
    assert driver.sample(Deadline(1.0)).window_s == pytest.approx(0.16, rel=1e-3)


def test_energy_counting_is_read_with_every_sample_and_reported_as_nothing() -> None:
    driver, wire = driver_of(Mcp39f511nDevice(watts((0.0, 3600.0)), seed=1, counts_energy=True))
    driver.greet()
    wire.now_s = 3.2
    reading = driver.sample(Deadline(1.0))
    assert reading.energy_wh is None
    assert wire.waiting == []


# --- over a pty -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("fault", "text"),
    [
        ("nak", "found 15, the chip does not understand"),
        ("csfail", "found 51, the request reached the chip damaged"),
        ("checksum", "expected the checksum"),
        ("short", "expected a reply of"),
        ("repeat", "expected a reply of"),
    ],
)
def test_each_of_its_own_faults_is_a_typed_error_and_reading_goes_on_after_it(
    start_emulator: StartEmulator, fault: str, text: str
) -> None:
    emulator = start_emulator("--profile", "watts=50", name="mcp39f511n")
    meter = open_meter("mcp39f511n", emulator.address, capture=None, options={"interval_s": 0.01})
    try:
        assert meter.read(5.0).power_w == 50.0
        emulator.fault(fault)
        with pytest.raises(MeterGarbage, match=text):
            read_many(meter, 100)
        again = meter.read(1.0)
        assert (again.power_w, "resynced" in again.flags) == (50.0, True)
    finally:
        meter.close()


def test_the_slowest_line_leaves_time_to_get_back_in_step(start_emulator: StartEmulator) -> None:
    emulator = start_emulator("--profile", "watts=50", "--baud", "1200", name="mcp39f511n")
    meter = open_meter("mcp39f511n", emulator.address, capture=None, options={"baud": 1200, "interval_s": 0.01})
    try:
        emulator.fault("checksum")
        with pytest.raises(MeterGarbage, match="expected the checksum"):
            read_many(meter, 2)
        assert meter.read(1.0).flags == {"resynced"}
    finally:
        meter.close()


def read_many(meter: Meter, count: int) -> None:
    for _reading in range(count):
        meter.read(1.0)


def test_a_chip_that_always_refuses_never_hangs_the_driver(start_emulator: StartEmulator) -> None:
    emulator = start_emulator("--profile", "watts=50", "--fault", "nak=always", name="mcp39f511n")
    begin = time.monotonic()
    with pytest.raises(MeterError, match="does not understand"):
        open_meter("mcp39f511n", emulator.address, capture=None, options={})
    assert time.monotonic() - begin < 12.0
