"""Every driver against the whole fault set of its emulator: no hang, no wrong number, and back in step.

The meters of the fleet go through it side by side, some at a time, because most of it is waiting; each stage of each
meter is a test of its own.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

import pytest

from meters.emulators.faults import FRAME_FAULTS
from meters.meter import Meter, MeterError, MeterGarbage, MeterTimeout, MeterUnavailable, MeterUnplugged
from meters.reading import Reading
from meters.registry import DRIVERS, open_meter
from tests.meters.conftest import EmulatorProcess
from tests.meters.fleet import FLEET

POWER_W = 50.0
AT_A_TIME = 5
LONGEST_READ_S = 24.0
"""No call may take longer: the longest exchange of any driver, and a margin for a busy machine."""


def read_within_limit(meter: Meter, timeout_s: float = 0.5) -> Reading:
    """One call of `read`, which must end in time however it ends."""
    begin = time.monotonic()
    try:
        return meter.read(timeout_s)
    finally:
        assert time.monotonic() - begin < LONGEST_READ_S


def readings(meter: Meter, count: int, limit_s: float = 80.0) -> list[Reading]:
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


def reads_the_power_it_is_given_and_is_marked_as_emulated(name: str, meter: Meter, _emulator: EmulatorProcess) -> None:
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


def no_fault_of_the_wire_hangs_it_or_makes_a_wrong_number(name: str, meter: Meter, emulator: EmulatorProcess) -> None:
    for fault in FRAME_FAULTS:
        readings(meter, 1)
        emulator.fault(f"{fault}=3")
        # A protocol without a checksum cannot tell a flipped bit inside a number; digits likewise.
        found = readings(meter, 4)
        if fault not in ("flip", "digits", "garbage"):
            check_right(name, found)
        emulator.fault("clear")
        check_right(name, readings(meter, 3)[-1:])


def no_fault_of_its_own_protocol_hangs_it_or_makes_a_wrong_number(
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


def a_late_reply_does_not_answer_the_next_question(name: str, meter: Meter, emulator: EmulatorProcess) -> None:
    readings(meter, 1)
    emulator.fault("late=1.2")
    check_right(name, readings(meter, 5))


def silence_is_an_error_in_time_and_speech_is_heard_again(name: str, meter: Meter, emulator: EmulatorProcess) -> None:
    readings(meter, 1)
    emulator.fault("silence")
    assert isinstance(first_error(meter, MeterError), MeterTimeout | MeterGarbage | MeterUnplugged)
    emulator.fault("speak")
    with suppress(MeterUnplugged):
        check_right(name, readings(meter, 3))
        return
    reopened(meter)
    check_right(name, readings(meter, 3))


def unplugging_is_an_error_and_the_same_meter_is_taken_back(name: str, meter: Meter, emulator: EmulatorProcess) -> None:
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
    end = time.monotonic() + 40.0
    while True:
        try:
            return meter.reopen()
        except MeterError:
            assert time.monotonic() < end, "the meter did not come back within 40 s"
            time.sleep(0.05)


STAGES: tuple[Callable[[str, Meter, EmulatorProcess], None], ...] = (
    reads_the_power_it_is_given_and_is_marked_as_emulated,
    no_fault_of_the_wire_hangs_it_or_makes_a_wrong_number,
    no_fault_of_its_own_protocol_hangs_it_or_makes_a_wrong_number,
    a_late_reply_does_not_answer_the_next_question,
    silence_is_an_error_in_time_and_speech_is_heard_again,
    unplugging_is_an_error_and_the_same_meter_is_taken_back,
)
Outcome = dict[str, BaseException | None]


def whole_set(name: str, folder: Path) -> Outcome:
    """Put one meter through all stages; what each ended with, up to the first that failed."""
    entry, outcome = FLEET[name], Outcome()
    driver = entry.driver or name
    emulator = EmulatorProcess(folder, driver, "--profile", f"watts={POWER_W}", "--no-throttle", *entry.said)
    try:
        meter = open_meter(driver, emulator.address, capture=None, options=entry.options, access=entry.access)
        try:
            for stage in STAGES:
                try:
                    stage(name, meter, emulator)
                except Exception as error:
                    outcome[stage.__name__] = error
                    break
                outcome[stage.__name__] = None
        finally:
            meter.close()
    finally:
        emulator.stop()
    return outcome


@pytest.fixture(scope="module")
def outcomes(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Future[Outcome]]:
    """What became of every meter."""
    with ThreadPoolExecutor(AT_A_TIME) as pool:
        return {name: pool.submit(whole_set, name, tmp_path_factory.mktemp(name)) for name in sorted(FLEET)}


@pytest.mark.parametrize("stage", [stage.__name__ for stage in STAGES])
@pytest.mark.parametrize("name", sorted(FLEET))
def test_every_driver_passes_the_whole_fault_set(name: str, stage: str, outcomes: dict[str, Future[Outcome]]) -> None:
    outcome = outcomes[name].result()
    assert stage in outcome, f"not reached: {list(outcome)[-1:]} failed before"
    error = outcome[stage]
    if error is not None:
        raise error


def test_every_driver_is_in_the_fleet() -> None:
    assert {entry.driver or name for name, entry in FLEET.items()} == set(DRIVERS)
