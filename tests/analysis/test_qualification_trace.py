"""Traces of energy: gauges by trapezoid, windows, counters with their wraps undone, circuits summed."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.record.errors import AnalysisError
from reports.qualification.trace import of_counter, of_gauge, of_windows, stepped, summed, unwrapped


def test_a_gauge_is_integrated_by_trapezoid() -> None:
    trace = of_gauge(np.array([0.0, 1.0, 3.0]), np.array([10.0, 20.0, 40.0]))
    assert trace.energy_j == pytest.approx([0.0, 15.0, 75.0])


def test_a_window_ends_at_its_stamp_and_a_gap_lies_between_its_neighbours() -> None:
    trace = of_windows(np.array([1.0, 2.0, 5.0]), np.array([10.0, 20.0, 40.0]), 1.0)
    assert trace.at(np.array([0.0, 1.0, 2.0])) == pytest.approx([0.0, 10.0, 30.0])
    assert trace.at(np.array([5.0]))[0] == pytest.approx(30 + 1.9 * 30 + 1.1 * 40)


@given(st.lists(st.floats(200, 500), min_size=2, max_size=50), st.floats(1000, 5000))
def test_wraps_are_undone(steps_j: list[float], range_j: float) -> None:
    counted = np.concatenate([[0.0], np.cumsum(steps_j)])
    shown = np.mod(counted, range_j)
    times_s = np.arange(float(counted.size))
    assert of_counter(times_s, shown, range_j).energy_j == pytest.approx(counted, abs=1e-6)
    assert unwrapped(times_s, shown, range_j).n_wraps == int(counted[-1] // range_j)


def test_a_counter_that_was_reset_has_its_energy_on_either_side_and_no_mean_over_it() -> None:
    times_s = np.arange(0.0, 30.0)
    counted = 50_000 + 100 * times_s
    counted[12:] -= 51_000
    trace = of_counter(times_s, counted, 65_536.0)
    assert np.diff(trace.energy_j) == pytest.approx(100)
    assert trace.resets_between(0.0, 29.0).tolist() == [12.0]
    assert (trace.covers(0.0, 11.0), trace.covers(12.0, 29.0), trace.covers(5.0, 20.0)) == (True, True, False)


def test_a_column_whose_rows_are_of_several_counters_is_refused() -> None:
    times_s = np.arange(0.0, 60.0)
    mixed = 2000 + 4 * times_s + np.where(times_s % 3 == 0, 400, 0)
    with pytest.raises(AnalysisError, match="falls 20 times in 59 steps where it cannot have begun anew"):
        of_counter(times_s, mixed, 65_536.0)


def test_a_counter_that_falls_without_a_range_is_refused() -> None:
    with pytest.raises(AnalysisError, match="falls 1 times and states no range"):
        of_counter(np.array([0.0, 1.0, 2.0]), np.array([5.0, 9.0, 1.0]), None)


def test_of_readings_at_one_instant_the_last_counts_and_order_is_by_time() -> None:
    trace = of_gauge(np.array([2.0, 0.0, 2.0, np.nan]), np.array([99.0, 10.0, 20.0, 5.0]))
    assert trace.energy_j == pytest.approx([0.0, 30.0])


def test_circuits_are_summed_by_time() -> None:
    first = of_windows(np.arange(1.0, 20.0), np.full(19, 10.0), 1.0)
    second = of_windows(np.arange(5.25, 30.0, 0.5), np.full(50, 7.0), 0.5)
    total = summed([first, second])
    assert total.mean_w(np.array([6.0]), np.array([18.0]))[0] == pytest.approx(17)
    with pytest.raises(AnalysisError, match="do not overlap"):
        summed([first, of_gauge(np.array([50.0, 60.0]), np.array([1.0, 1.0]))])


@given(st.floats(0.05, 0.95))
def test_a_step_within_a_window_is_found_where_its_energy_says(late: float) -> None:
    power_w = np.array([60.0] * 5 + [60 + 100 * (1 - late)] + [160.0] * 5)
    trace = stepped(of_windows(np.arange(1.0, 12.0), power_w, 1.0))
    assert trace.at(np.array([5.0 + late]))[0] == pytest.approx(60 * (5 + late))


@given(st.lists(st.floats(0, 500), min_size=4, max_size=40))
def test_steps_leave_the_energy_of_every_window(power_w: list[float]) -> None:
    plain = of_windows(np.arange(1.0, len(power_w) + 1), np.array(power_w), 1.0)
    assert stepped(plain).at(plain.times_s) == pytest.approx(plain.energy_j, rel=1e-12, abs=1e-9)
