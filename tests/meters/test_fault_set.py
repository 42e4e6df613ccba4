"""Every driver against the whole fault set of its emulator: no hang, no wrong number, and back in step."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import suppress

import pytest

from meters.emulators.faults import FRAME_FAULTS
from meters.meter import Meter, MeterError, MeterGarbage, MeterTimeout, MeterUnavailable, MeterUnplugged
from meters.reading import Reading
from meters.registry import DRIVERS, open_meter
from tests.meters.conftest import EmulatorProcess, StartEmulator
from tests.meters.fleet import FLEET

POWER_W = 50.0
LONGEST_READ_S = 8.0
"""No call may take longer: the longest exchange of any driver, and a margin for a busy machine."""


@pytest.fixture(params=sorted(FLEET))
def name(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def emulator(name: str, start_emulator: StartEmulator) -> EmulatorProcess:
    driver = FLEET[name].driver or name
    return start_emulator("--profile", f"watts={POWER_W}", "--no-throttle", *FLEET[name].arguments, name=driver)


@pytest.fixture
def meter(name: str, emulator: EmulatorProcess) -> Iterator[Meter]:
    driver = FLEET[name].driver or name
    opened = open_meter(driver, emulator.address, capture=None, options=FLEET[name].options)
    yield opened
    opened.close()


def read_within_limit(meter: Meter, timeout_s: float = 0.5) -> Reading:
    """One call of `read`, which must end in time however it ends."""
    begin = time.monotonic()
    try:
        return meter.read(timeout_s)
    finally:
        assert time.monotonic() - begin < LONGEST_READ_S


def readings(meter: Meter, count: int, limit_s: float = 20.0) -> list[Reading]:
    """The next readings; errors between them are what the caller has caused."""
    found: list[Reading] = []
    end = time.monotonic() + limit_s
    while len(found) < count:
        assert time.monotonic() < end, f"{len(found)} of {count} readings within {limit_s} s"
        with suppress(MeterTimeout, MeterGarbage):
            found.append(read_within_limit(meter))
    return found


def check_right(name: str, found: list[Reading]) -> None:
    for reading in found:
        if reading.power_w is not None:
            assert reading.power_w == pytest.approx(POWER_W, abs=FLEET[name].tolerance_w)


def test_it_reads_the_power_it_is_given_and_is_marked_as_emulated(name: str, meter: Meter) -> None:
    found = readings(meter, 3)
    assert all(reading.power_w is not None for reading in found)
    check_right(name, found)
    assert [reading.time_ns for reading in found] == sorted({reading.time_ns for reading in found})
    assert meter.origin().kind == "emulated"
    assert {column.name for column in meter.describe().columns} >= {
        quantity
        for reading in found
        for quantity in ("power_w", "voltage_v", "current_a", "power_factor", "frequency_hz", "energy_wh")
        if getattr(reading, quantity) is not None
    }


def test_no_fault_of_the_wire_hangs_it_or_makes_a_wrong_number(
    name: str, meter: Meter, emulator: EmulatorProcess
) -> None:
    for fault in FRAME_FAULTS:
        readings(meter, 1)
        emulator.fault(f"{fault}=3")
        # A protocol without a checksum cannot tell a flipped bit inside a number; digits likewise.
        found = readings(meter, 4)
        if fault not in ("flip", "digits", "garbage"):
            check_right(name, found)
        emulator.fault("clear")
        check_right(name, readings(meter, 3)[-1:])


def test_no_fault_of_its_own_protocol_hangs_it_or_makes_a_wrong_number(
    name: str, meter: Meter, emulator: EmulatorProcess
) -> None:
    for fault in emulator.ready["faults"]:
        readings(meter, 1)
        emulator.fault(f"{fault}=2")
        end = time.monotonic() + 2.0
        found: list[Reading] = []
        while len(found) < 2 and time.monotonic() < end:
            with suppress(MeterTimeout, MeterGarbage):
                found.append(read_within_limit(meter))
        check_right(name, found)
        emulator.fault("clear")
        check_right(name, readings(meter, 3)[-1:])


def test_a_late_reply_does_not_answer_the_next_question(name: str, meter: Meter, emulator: EmulatorProcess) -> None:
    readings(meter, 1)
    emulator.fault("late=1.2")
    check_right(name, readings(meter, 5))


def test_silence_is_an_error_in_time_and_speech_is_heard_again(
    name: str, meter: Meter, emulator: EmulatorProcess
) -> None:
    readings(meter, 1)
    emulator.fault("silence")
    assert isinstance(first_error(meter, MeterError), MeterTimeout | MeterGarbage | MeterUnplugged)
    emulator.fault("speak")
    with suppress(MeterUnplugged):
        check_right(name, readings(meter, 3))
        return
    reopened(meter)
    check_right(name, readings(meter, 3))


def test_unplugging_is_an_error_and_the_same_meter_is_taken_back(
    name: str, meter: Meter, emulator: EmulatorProcess
) -> None:
    readings(meter, 1)
    emulator.fault("unplug")
    first_error(meter, MeterUnplugged)
    with pytest.raises(MeterUnavailable):
        meter.reopen()
    emulator.fault("replug")
    reopened(meter)
    found = readings(meter, 2)
    assert "resynced" in found[0].flags
    check_right(name, found)


def first_error(meter: Meter, kind: type[MeterError]) -> MeterError:
    """The first error of this kind that reading ends with."""
    end = time.monotonic() + LONGEST_READ_S
    while time.monotonic() < end:
        try:
            read_within_limit(meter)
        except kind as error:
            return error
        except (MeterTimeout, MeterGarbage):
            continue
    raise AssertionError(f"no {kind.__name__} within {LONGEST_READ_S} s")


def reopened(meter: Meter) -> None:
    end = time.monotonic() + 10.0
    while True:
        try:
            return meter.reopen()
        except MeterError:
            assert time.monotonic() < end, "the meter did not come back within 10 s"
            time.sleep(0.05)


def test_every_driver_is_in_the_fleet() -> None:
    assert {entry.driver or name for name, entry in FLEET.items()} == set(DRIVERS)
