"""The thermal tail: energy after the run, above the baseline, never inside the induced energy."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from reports.energy.energy import Block, baseline_for
from reports.energy.power_function import power_function
from reports.energy.tail import tail_of
from reports.readings.series import PowerSeries
from tests.analysis.streams import descriptor

BASE_W = 40.0
S = 1_000_000_000


def falling(above_w: float, lag_s: float, seconds: int, sd_w: float = 0.0) -> PowerSeries:
    """60 s of load, then an exponential fall to the baseline; readings are exact means over 1 s."""
    edges = np.arange(seconds + 61.0)
    after = np.maximum(edges - 60, 0)
    energy = BASE_W * edges + 50.0 * np.minimum(edges, 60) + above_w * lag_s * (1 - np.exp(-after / lag_s))
    power_w = np.diff(energy) + np.random.default_rng(3).normal(0, sd_w, edges.size - 1)
    times_ns = (edges[1:] * S).astype(np.int64)
    nothing = np.zeros(0, dtype=np.int64)
    return PowerSeries(descriptor(), times_ns, power_w, np.ones(power_w.size), None, nothing)


BLOCKS = [Block(-200 * S, -100 * S, BASE_W - 0.05, "s"), Block(-100 * S, -10 * S, BASE_W + 0.05, "s")]


@given(st.floats(0.5, 20), st.floats(2, 30), st.integers(10, 200))
def test_the_tail_of_a_known_fall_is_its_integral(above_w: float, lag_s: float, seconds: int) -> None:
    series = falling(above_w, lag_s, seconds)
    level = baseline_for(BLOCKS, "s", 0, 60 * S)
    assert level is not None
    found = tail_of(power_function(series), [series], level, 60 * S, (60 + seconds) * S)
    assert found is not None
    off_j = level.energy_j(0, seconds * S) - BASE_W * seconds
    assert found.energy_j == pytest.approx(above_w * lag_s * (1 - np.exp(-seconds / lag_s)) - float(off_j), rel=1e-9)
    assert found.duration_s == pytest.approx(seconds)


def test_a_fall_that_is_over_has_settled_and_one_that_goes_on_has_not() -> None:
    level = baseline_for(BLOCKS, "s", 0, 60 * S)
    assert level is not None
    for lag_s, expected in ((3.0, True), (60.0, False)):
        series = falling(8.0, lag_s, 60, sd_w=0.2)
        found = tail_of(power_function(series), [series], level, 60 * S, 120 * S)
        assert found is not None
        assert found.settled is expected


def test_run_and_tail_together_are_the_energy_over_both() -> None:
    series = falling(8.0, 5.0, 60, sd_w=0.5)
    level = baseline_for(BLOCKS, "s", 0, 60 * S)
    assert level is not None
    function = power_function(series)
    found = tail_of(function, [series], level, 60 * S, 110 * S)
    assert found is not None
    run_j = float(function.energy_j(0, 60 * S) - level.energy_j(0, 60 * S))
    both_j = float(function.energy_j(0, 110 * S) - level.energy_j(0, 110 * S))
    assert run_j + found.energy_j == pytest.approx(both_j)


def test_nothing_recorded_after_the_run_is_no_tail() -> None:
    series = falling(8.0, 5.0, 60)
    level = baseline_for(BLOCKS, "s", 0, 60 * S)
    assert level is not None
    assert tail_of(power_function(series), [series], level, 60 * S, 60 * S) is None
    short = tail_of(power_function(series), [series], level, 60 * S, 61 * S)
    assert short is not None
    assert short.settled is None  # one reading says nothing
