"""The rule that tells a repeated value from a steady load, alone and in front of an emulated meter in virtual time."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from meters import register_maps
from meters.deadline import Deadline
from meters.dialogue import DialogueMeter, Repetitions
from meters.emulators.modbus import ModbusDevice
from meters.emulators.virtual_sut import parse_profile
from meters.modbus.dialogue import ModbusDialogue
from meters.modbus.frames import Rtu
from meters.reading import Column, Description, Identity, Reading
from meters.register_maps import RegisterMap
from tests.meters.far_ends import DeviceWire

SECOND_NS = 10**9
STEPS_NS = st.lists(st.integers(1, 2 * SECOND_NS), min_size=1, max_size=30)


@given(STEPS_NS, st.integers(1, 2 * SECOND_NS))
def test_of_equal_values_one_in_each_refresh_time_is_new_and_no_two_new_ones_are_closer(
    steps_ns: list[int], refresh_ns: int
) -> None:
    repetitions = Repetitions(refresh_ns / 1e9)
    times_ns = [7 + at for at in itertools.accumulate(steps_ns)]
    fresh_ns = [time_ns for time_ns in times_ns if not repetitions.is_repeated("steady", time_ns)]
    assert fresh_ns[0] == times_ns[0]
    slack_ns = 1  # a refresh time as a float of seconds
    assert all(later - earlier >= refresh_ns - slack_ns for earlier, later in itertools.pairwise(fresh_ns))
    for time_ns in set(times_ns) - set(fresh_ns):
        assert time_ns - max(fresh for fresh in fresh_ns if fresh < time_ns) < refresh_ns + slack_ns


@given(STEPS_NS)
def test_a_value_that_differs_in_anything_is_new(steps_ns: list[int]) -> None:
    repetitions = Repetitions(1.0)
    frames = [(60.0, 5000 + number) for number in range(len(steps_ns))]
    assert not any(
        repetitions.is_repeated(frame, time_ns)
        for frame, time_ns in zip(frames, itertools.accumulate(steps_ns), strict=True)
    )


def test_the_count_starts_at_the_first_of_the_equal_ones() -> None:
    repetitions = Repetitions(1.0)
    times_s = (0.0, 0.4, 0.8, 1.2, 1.6, 2.0, 2.4)
    assert [repetitions.is_repeated(60.0, int((1 + at) * 1e9)) for at in times_s] == [
        *(False, True, True),
        *(False, True, True),
        False,
    ]


@pytest.mark.parametrize("interval_s", [1.0, 3.0])
def test_a_meter_asked_once_in_a_refresh_time_repeats_nothing_however_its_replies_jitter(interval_s: float) -> None:
    repetitions = Repetitions(1.0, interval_s)
    assert not any(repetitions.is_repeated(60.0, at) for at in (1, SECOND_NS - 20_000_000, 2 * SECOND_NS))


MAPS = {
    "pzem": register_maps.PZEM,
    "sdm120": register_maps.SDM120,
    "sdm230": register_maps.SDM230,
    "umg604": register_maps.UMG604["sum"],
}


class SteadyMains:
    """The emulator's noise of its voltage, switched off: what the emulated meter shows is as steady as its load."""

    def gauss(self, mean: float, _deviation: float) -> float:
        return mean


def read_steadily(name: str, interval_s: float, seconds: float) -> list[Reading]:
    register_map: RegisterMap = MAPS[name]
    device = ModbusDevice(parse_profile("watts=0:60", 1), name, seed=1)
    device._random = SteadyMains()  # type: ignore[assignment]
    wire = DeviceWire(device)
    dialogue = ModbusDialogue(
        wire,  # type: ignore[arg-type]
        Rtu(),
        register_map,
        address=1,
        range_w=1e4,
        character_s=0.0,
        repetitions=Repetitions(register_map.refresh_s, interval_s),
    )
    readings = []
    while wire.now_s < seconds:
        readings.append(dialogue.sample(Deadline(1.0)))
        wire.now_s += interval_s
    return readings


@pytest.mark.parametrize("name", sorted(MAPS))
@pytest.mark.parametrize("interval_s", [0.1, 0.4, 0.7, 1.0, 2.5])
def test_a_steady_60_w_gives_a_new_reading_at_least_once_in_a_refresh_time_and_an_interval(
    name: str, interval_s: float
) -> None:
    refresh_s = MAPS[name].refresh_s
    readings = read_steadily(name, interval_s, 40.0)
    assert {round(reading.power_w or 0.0, 3) for reading in readings[3:]} == {60.0}
    fresh_s = [reading.time_ns / 1e9 for reading in readings if "stale" not in reading.flags]
    assert max(later - earlier for earlier, later in itertools.pairwise(fresh_s)) < refresh_s + interval_s + 1e-6
    if interval_s >= refresh_s:
        assert len(fresh_s) == len(readings)


class SameAnswer:
    """A dialogue whose power is new each 2 s, at 1 s a question."""

    port, reply_s = "/dev/null", 1.0

    def __init__(self) -> None:
        self.asked = 0

    @property
    def peer(self) -> None:
        return None

    def greet(self) -> Identity:
        return Identity("a", "b", "c", "d")

    def describe(self) -> Description:
        power = Column("power_w", "W", 0.1, (0.0, 100.0), None)
        return Description("hm8115", "instantaneous", 0.0, "unknown", 0.0, (power,), "indicative")

    def sample(self, deadline: Deadline) -> Reading:
        self.asked += 1
        return Reading(self.asked * 1_000_000_000, float((self.asked - 1) // 2))

    def regain(self, deadline: Deadline) -> Identity:
        return self.greet()

    def reopen(self) -> None: ...

    def close(self) -> None: ...


@pytest.mark.parametrize(("refresh_s", "stale", "told_s"), [(None, [], None), (0.0, [], 0.0), (2.0, [2, 4, 6], 2.0)])
def test_a_meter_whose_driver_tells_no_repetitions_has_them_told_by_the_refresh_that_a_lab_states(
    refresh_s: float | None, stale: list[int], told_s: float | None
) -> None:
    meter = DialogueMeter(SameAnswer(), 0.001, refresh_s=refresh_s)
    readings = [meter.read(1.0) for _ in range(6)]
    assert [number for number, reading in enumerate(readings, 1) if "stale" in reading.flags] == stale
    assert meter.describe().refresh_s == told_s
