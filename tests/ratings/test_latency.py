"""Percentiles by the library against exact ones; what it loses stands beside; intervals by sections."""

import math

import numpy as np
import pytest
from hdrh.histogram import HdrHistogram
from hypothesis import given, settings
from hypothesis import strategies as st

from reports.ratings.latency import LARGEST_NS, PERCENTS, by_sections, joined, latencies_of, parts_of_run, percentiles

DRAWN = np.random.default_rng(4).lognormal(-3, 1, 20_000)


def test_percentiles_are_those_of_the_library_one_by_one() -> None:
    histogram = HdrHistogram(1_000, LARGEST_NS, 3)
    for value in np.rint(DRAWN * 1e9).astype(int).tolist():
        histogram.record_value(value)
    expected = {percent: histogram.get_value_at_percentile(percent) * 1e-9 for percent in PERCENTS}
    assert latencies_of(DRAWN).percentiles_s() == expected


def test_percentiles_are_at_most_a_thousandth_above_the_exact_ones() -> None:
    exact = np.sort(DRAWN)[[round(percent * DRAWN.size / 100) - 1 for percent in PERCENTS]]
    found = np.array(list(latencies_of(DRAWN).percentiles_s().values()))
    assert np.all(found >= exact - 1e-9)
    assert np.all(found <= exact * 1.001 + 1e-6)


@settings(max_examples=40, deadline=None)
@given(st.lists(st.floats(1e-6, 5e3), min_size=1, max_size=60), st.integers(1, 5))
def test_parts_joined_are_the_whole(values: list[float], parts: int) -> None:
    whole = latencies_of(np.array(values))
    again = joined([latencies_of(part) for part in np.array_split(np.array(values), parts)])
    assert (again.borders_ns.tolist(), again.counts.tolist()) == (whole.borders_ns.tolist(), whole.counts.tolist())
    assert (again.n, again.least_s, again.largest_s, again.dropped) == (
        whole.n, whole.least_s, whole.largest_s, whole.dropped,
    )  # fmt: skip
    assert again.mean_s == pytest.approx(whole.mean_s)


def test_what_the_histogram_drops_is_counted_and_its_largest_value_is_exact() -> None:
    values = np.append(np.full(98, 0.25), [7200.0, 7200.5])
    found = latencies_of(values)
    assert (found.n, found.dropped, found.largest_s) == (100, 2, 7200.5)
    assert found.percentiles_s((95.0, 99.0))[95.0] == pytest.approx(0.25, rel=1e-3)
    assert math.isnan(found.percentiles_s((99.0,))[99.0])  # it lies among those that were dropped


def test_mean_and_extremes_are_of_the_latencies_and_not_of_buckets() -> None:
    found = latencies_of(np.array([0.1234567, 0.7654321]))
    assert (found.least_s, found.largest_s, found.mean_s) == (0.1234567, 0.7654321, (0.1234567 + 0.7654321) / 2)
    assert found.percentiles_s((99.0,))[99.0] > found.largest_s  # the library's own is a border


def test_sections_give_the_uncertainty_about_the_whole() -> None:
    # k = 4, away -1 -1 1 2: u^2 = 7 / 3 / 4
    found = by_sections(10.0, [9.0, 9.0, 11.0, 12.0])
    assert found.u == pytest.approx(math.sqrt(7 / 12))
    assert found.dof == 3.0
    assert by_sections(10.0, [9.0, 11.0]).u is None


def test_a_percentile_that_the_sections_hardly_know_has_no_uncertainty() -> None:
    found = percentiles(latencies_of(DRAWN), parts_of_run(DRAWN))
    assert found[90.0].u is not None  # 2000 tasks a section, 200 above
    assert found[99.0].u is None  # 20 above


def test_no_task_has_no_percentile() -> None:
    empty = latencies_of(np.zeros(0))
    assert all(math.isnan(value) for value in empty.percentiles_s().values())
    assert empty.shares(10) == ()
    assert joined([]).n == 0


def test_shares_rise_to_one() -> None:
    shares = latencies_of(DRAWN).shares(50)
    assert len(shares) <= 50
    assert shares[-1][1] == 1.0
    assert shares == tuple(sorted(shares))
