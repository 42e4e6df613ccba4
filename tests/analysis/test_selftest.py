"""The self-test of a meter, proved on meters whose truth is known."""

import gzip
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from harness.record.errors import AnalysisError
from reports.energy.selftest import Readings, Stated, WindowFit, constant_load, fit_window, window_check
from reports.results.uncertainty import t_quantile

STATED = Stated(interval_s=1.0, resolution_w=0.1, register_wh=0.1, gain=0.015, offset_w=0.3)
Floats = NDArray[np.float64]


def steady(seed: int, count: int = 120, step_s: float = 1.0, sd_w: float = 0.5, **changes: Any) -> Readings:  # noqa: ANN401
    """A sound meter before 50 W; `changes` replace whole columns."""
    random = np.random.default_rng(seed)
    times_s = np.arange(count) * step_s + random.normal(0, 0.002, count)
    power_w = np.round(50 + random.normal(0, sd_w, count), 1)
    register_wh = np.floor(np.cumsum(power_w) * step_s / 360) / 10
    return Readings(**({"times_s": times_s, "power_w": power_w, "register_wh": register_wh} | changes))


def grades(readings: Readings, stated: Stated = STATED) -> dict[str, str]:
    return {check.name: check.grade for check in constant_load(readings, stated)}


@given(st.integers(0, 10_000))
def test_a_sound_meter_passes(seed: int) -> None:
    found = grades(steady(seed, count=600))
    assert set(found) == {"rate", "values", "noise", "resolution", "stuck", "register"}
    assert "bad" not in found.values()


def test_each_fault_is_found_by_its_own_line() -> None:
    sound = steady(1, count=600)
    assert grades(Readings(sound.times_s * 2.5, sound.power_w, sound.register_wh))["rate"] == "bad"
    assert grades(Readings(sound.times_s * 1.2, sound.power_w, sound.register_wh))["rate"] == "remark"
    missing = np.where(np.arange(600) == 7, np.nan, sound.power_w)
    assert grades(Readings(sound.times_s, missing, sound.register_wh))["values"] == "bad"
    drifting = np.asarray(np.round(sound.power_w + np.arange(600) * 0.01, 1), dtype=np.float64)
    assert grades(Readings(sound.times_s, drifting, sound.register_wh))["noise"] == "remark"
    whole_watts = np.asarray(np.round(sound.power_w * 3 + np.random.default_rng(2).normal(0, 6, 600)), dtype=np.float64)
    assert grades(Readings(sound.times_s, whole_watts, sound.register_wh))["resolution"] == "bad"
    asked_twice = np.repeat(sound.power_w[::2], 2)
    assert grades(Readings(sound.times_s, asked_twice, sound.register_wh))["stuck"] == "bad"
    assert grades(Readings(sound.times_s, sound.power_w, sound.register_wh * 1.3))["register"] == "bad"
    wrapped = np.where(np.arange(600) > 300, 0.0, sound.register_wh)
    assert grades(Readings(sound.times_s, sound.power_w, wrapped))["register"] == "bad"


def test_a_load_as_steady_as_the_display_is_not_called_stuck_and_a_short_test_says_so() -> None:
    quiet = steady(3, count=30, sd_w=0.01)
    found = {check.name: check for check in constant_load(quiet, STATED)}
    assert found["stuck"].grade == "good"
    assert "as steady as the display" in found["stuck"].sentence
    assert found["register"].grade == "remark"
    assert "too short" in found["register"].sentence


def test_too_few_readings_are_refused() -> None:
    with pytest.raises(AnalysisError, match="9 readings with a value; at least 10"):
        constant_load(steady(1, count=9), STATED)


# --- switched load --------------------------------------------------------------------------------------------------


def switched(
    seed: int, window_s: float, offset_s: float, *, interval_s: float = 1.0, edges: int = 12, sd_w: float = 0.3
) -> tuple[Floats, Floats, list[float]]:
    """Stamps and powers of a meter with a known window and stamp, and when its load was switched (20 W to 70 W)."""
    random = np.random.default_rng(seed)
    moments = np.cumsum(random.uniform(2.0, 4.0, edges)).tolist()
    fine_s = 0.001
    on = np.zeros(int((moments[-1] + 8) / fine_s))
    for begin, end in zip(moments[::2], moments[1::2], strict=True):
        on[round(begin / fine_s) : round(end / fine_s)] = 1.0
    energy = np.concatenate([[0.0], np.cumsum(20 + 50 * on)]) * fine_s
    ends = np.arange(window_s + 0.1, moments[-1] + 4, interval_s) + random.uniform(0, interval_s)
    grid = np.arange(energy.size) * fine_s
    power_w = (np.interp(ends, grid, energy) - np.interp(ends - window_s, grid, energy)) / window_s
    return ends + offset_s, power_w + random.normal(0, sd_w, ends.size), moments


def fitted(seed: int, window_s: float, offset_s: float, **how: Any) -> WindowFit:  # noqa: ANN401
    return fit_window(*switched(seed, window_s, offset_s, **how), first_on=True)


@settings(max_examples=20, deadline=None)
@given(
    st.integers(0, 10_000), st.sampled_from([0.2, 0.5, 1.0, 2.0]), st.sampled_from([-1.0, -0.5, 0.0, 0.05, 0.4, 1.2])
)
def test_window_and_stamp_are_recovered(seed: int, window_s: float, offset_s: float) -> None:
    fit = fitted(seed, window_s, offset_s)
    assert fit.offset.expanded is not None
    assert fit.window.expanded is not None
    assert fit.offset.value == pytest.approx(offset_s, abs=max(0.05, 2 * fit.offset.expanded))
    assert fit.window.value == pytest.approx(window_s, abs=max(0.05, 2 * fit.window.expanded))
    assert fit.offset.expanded < 0.35
    assert fit.low_w == pytest.approx(20, abs=1)
    assert fit.high_w == pytest.approx(70, abs=1)
    assert fit.edges >= 11


def test_the_stated_uncertainty_of_the_stamp_covers_the_truth_about_as_often_as_it_says() -> None:
    covered = 0
    for seed in range(60):
        fit = fitted(seed, 1.0, 0.1, sd_w=1.0)
        assert fit.offset.u is not None
        covered += abs(fit.offset.value - 0.1) <= t_quantile(float(fit.offset.dof or 0)) * fit.offset.u
    assert 52 <= covered <= 59


def test_a_load_that_begins_switched_on_is_understood_too() -> None:
    times_s, power_w, edges = switched(5, 1.0, 0.0)
    fit = fit_window(times_s, 90 - power_w, edges, first_on=False)
    assert fit.offset.value == pytest.approx(0.0, abs=0.05)


def test_what_cannot_be_seen_is_refused() -> None:
    with pytest.raises(AnalysisError, match="4 switchings within"):
        fitted(1, 1.0, 0.0, edges=4)
    times_s, power_w, edges = switched(1, 1.0, 0.0)
    with pytest.raises(AnalysisError, match="switch a larger load"):
        fit_window(times_s, 20 + np.random.default_rng(1).normal(0, 5, power_w.size), edges, first_on=True)


def test_a_stamp_that_marks_the_start_does_not_pass_for_one_that_marks_the_end() -> None:
    fit = fitted(2, 1.0, -1.0)
    assert [check.grade for check in window_check(fit, stated_offset_s=-1.0, stated_window_s=1.0)] == ["good", "good"]
    assert [check.grade for check in window_check(fit, stated_offset_s=0.0, stated_window_s=1.0)] == ["good", "bad"]
    assert [check.grade for check in window_check(fit, stated_offset_s=-1.0, stated_window_s=2.0)] == ["bad", "good"]


@pytest.mark.parametrize("spread_w", [1.0, 5.0, 42.0, 400.0])
def test_a_fine_display_before_a_restless_load_is_not_called_coarse(spread_w: float) -> None:
    rng = np.random.default_rng(7)
    coarse = 0
    for count in (12, 14, 40, 120) * 100:
        power_w = np.round(60 + rng.uniform(0, spread_w, count), 1)
        readings = Readings(np.arange(count, dtype=np.float64), power_w, np.full(count, np.nan))
        coarse += grades(readings)["resolution"] == "bad"
    assert coarse <= 2  # of 400; each is called so by chance once in a thousand times


OKULAR = Path(__file__).parents[1] / "data" / "okular"


@pytest.mark.parametrize("name", ["baseline", "idle", "scenario"])
def test_a_real_meter_is_coarse_only_where_its_digits_are_taken_away(name: str) -> None:
    """An UMG604 that shows thousandths of a watt, before machines at work (Okular, KDE)."""
    with gzip.open(OKULAR / f"{name}-power.csv.gz", "rt", encoding="utf-8-sig") as file:
        rows = [line.split(";") for line in file.read().splitlines()[2:]]
    power_w = np.array([float(row[2].replace(",", ".")) for row in rows if len(row) > 5], dtype=np.float64)
    power_w = power_w[power_w > 9.0]  # before and after its runs the machine is off

    def graded(count: int, digits: int) -> set[str]:
        parts = (power_w[begin : begin + count] for begin in range(0, power_w.size - count, power_w.size // 20))
        nothing = np.full(count, np.nan)
        return {
            grades(
                Readings(np.arange(count, dtype=np.float64), np.asarray(np.round(part, digits)), nothing),
                Stated(1.0, 0.001, None, 0.01, 0.1),
            )["resolution"]
            for part in parts
        }

    assert "bad" not in graded(14, 3) | graded(60, 3) | graded(600, 3)
    assert graded(600, 2) == {"bad"}
