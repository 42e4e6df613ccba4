"""When a machine has settled, and when it is back: the rules, and a recorded meter before a scripted load."""

import time
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.measure.campaign_file import Gate, Settle
from harness.measure.gate import Condition, last_step, outside, recent_mean
from harness.measure.journal import Journal
from harness.measure.recorder import MeterRecorder
from harness.record.documents import Start
from harness.record.run_writer import RunWriter
from meters.registry import open_meter
from tests.harness.emulated import emulator
from tests.harness.start import START

SETTLE = Settle(limit_s=100, mean_s=30.0, percent=1.0)
GATE = Gate(limit_s=100, power_percent=2.0, cpu_c=3.0, gpu_c=5.0)


def trace(
    power_w: "np.ndarray[tuple[int], np.dtype[np.float64]]", interval_s: float = 1.0
) -> list[tuple[float, float]]:
    return [(interval_s * (k + 1), float(p)) for k, p in enumerate(power_w)]


def settled_after(power_w: "np.ndarray[tuple[int], np.dtype[np.float64]]") -> int | None:
    """The first second at which the rule holds."""
    whole = trace(power_w)
    for now_s in range(1, power_w.size + 1):
        step = last_step(whole[:now_s], float(now_s), SETTLE.mean_s)
        if step is not None and step.settled(SETTLE):
            return now_s
    return None


@given(st.floats(1, 500), st.integers(61, 90))
def test_a_constant_load_has_settled_as_soon_as_there_are_two_means(power_w: float, seconds: int) -> None:
    assert settled_after(np.full(seconds, power_w)) == 60


def test_a_machine_that_cools_settles_when_it_is_slow_enough_and_not_before() -> None:
    seconds = np.arange(600)
    found = settled_after(40 + 20 * np.exp(-seconds / 40))
    assert found is not None
    before, after = (40 + 20 * np.exp(-seconds[part] / 40) for part in
                     (slice(found - 60, found - 30), slice(found - 30, found)))  # fmt: skip
    assert before.mean() - after.mean() <= 0.01 * before.mean() + 2 * np.hypot(before.std(), after.std()) / np.sqrt(29)
    assert 60 < found < 240


def test_a_ramp_that_goes_on_never_settles() -> None:
    assert settled_after(np.linspace(40, 140, 600)) is None


def test_noise_alone_does_not_keep_a_machine_from_settling() -> None:
    dice = np.random.default_rng(8)
    found = [settled_after(40 + dice.normal(0, 8, 200)) for _ in range(40)]
    assert sum(at is not None and at <= 75 for at in found) >= 38


def test_too_few_readings_are_no_mean() -> None:
    assert last_step([], 100.0, 30.0) is None
    assert last_step(trace(np.full(50, 40.0)), 50.0, 30.0) is None
    assert last_step([(30.0, 40.0), (60.0, 40.0), (90.0, 40.0)], 90.0, 30.0) is None
    assert recent_mean([], 10.0, 10.0) is None


def test_the_gate_opens_when_power_and_temperatures_are_back_on_either_side() -> None:
    began = Condition({"wall": 40.0}, {"gpu0_temperature_c": 35.0, "cpu_temperature_c": 45.0})
    back = Condition({"wall": 40.7}, {"gpu0_temperature_c": 39.0, "cpu_temperature_c": 43.0})
    assert outside(back, began, GATE) == []
    hot = Condition({"wall": 42.0}, {"gpu0_temperature_c": 41.0, "cpu_temperature_c": 45.0})
    assert outside(hot, began, GATE) == ["wall", "gpu0_temperature_c"]
    cold = Condition({"wall": 40.0}, {"gpu0_temperature_c": 35.0, "cpu_temperature_c": 41.0})
    assert outside(cold, began, GATE) == ["cpu_temperature_c"]


def test_what_is_not_known_yet_is_not_back() -> None:
    began = Condition({"wall": 40.0}, {"gpu0_temperature_c": 35.0})
    assert outside(Condition({}, {}), began, GATE) == ["wall", "gpu0_temperature_c"]


def test_a_condition_comes_back_from_the_journal_as_it_was_noted() -> None:
    began = Condition({"wall": 40.0}, {"gpu0_temperature_c": 35.0})
    assert Condition.from_json(began.to_json()) == began


def test_a_recorded_meter_settles_leaves_the_band_with_the_load_and_comes_back_with_it(tmp_path: Path) -> None:
    settle, gate = Settle(limit_s=10, mean_s=0.5, percent=1.0), Gate(limit_s=10, power_percent=2.0, mean_s=0.3)
    with emulator(tmp_path / "port", profile="watts=0:100,4:150,6:100") as ready, RunWriter(tmp_path / "run") as writer:
        writer.append(Start(**START))
        journal = Journal(writer)
        wire = writer.open_stream("wire-wall.log")
        opened = open_meter("wattsup", ready["port"], capture=wire, options={})
        meter = MeterRecorder("wall", "sut-ac-inlet", opened, wire, writer, journal)
        assert meter.wait_spoken(40)
        seen: list[bool] = []
        began: Condition | None = None
        end_s = time.monotonic() + 40
        while time.monotonic() < end_s and seen[-3:] != [True, False, True]:
            time.sleep(0.05)
            now_s, readings = time.monotonic(), [(r.time_ns * 1e-9, r.power_w or 0.0) for r in tuple(meter.recent)]
            step, mean_w = last_step(readings, now_s, settle.mean_s), recent_mean(readings, now_s, gate.mean_s)
            if mean_w is None or step is None or not step.settled(settle):
                continue
            began = began or Condition({"wall": mean_w}, {})
            state = outside(Condition({"wall": mean_w}, {}), began, gate) == []
            if not seen or seen[-1] != state:
                seen.append(state)
        meter.stop()
        journal.close()
    assert began is not None
    assert began.power_w["wall"] == pytest.approx(100, abs=1)
    assert seen == [True, False, True]
