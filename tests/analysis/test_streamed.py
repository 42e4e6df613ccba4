"""Energies of many intervals in chunks: those of the power function, whatever the chunks."""

from fractions import Fraction
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from numpy.typing import NDArray

from harness.record.documents import PowerDescriptor
from reports.energy.power_function import power_function
from reports.energy.streamed import Cumulated, Exact, How, Readings, chunk_of, joined
from reports.readings.series import PowerSeries
from tests.analysis.streams import BASE_NS, at, descriptor, stream

STEPS = st.lists(st.sampled_from([0.2, 1.0, 1.0, 1.0, 1.4, 2.5, 40.0]), min_size=2, max_size=60)
SEEDS = st.integers(0, 2**32 - 1)
HOWS = st.builds(
    descriptor,
    averaging=st.sampled_from(["window", "instantaneous"]),
    stamp=st.sampled_from(["end", "start"]),
    window_s=st.sampled_from([0.5, 1.0]),
    latency_s=st.sampled_from([0.0, 0.3]),
)
PARTS = st.lists(st.integers(1, 20), max_size=8)


def streamed(series: PowerSeries, cuts_ns: NDArray[np.int64], sizes: list[int]) -> Cumulated:
    """The same readings in chunks of these sizes, and one with the rest."""
    instant = series.descriptor.averaging == "instantaneous"
    how = How(
        int(series.times_ns[0]), series.descriptor.latency_s, series.descriptor.stamp == "start" and not instant,
        series.reach_s if instant else None,
    )  # fmt: skip
    whole = Readings(series.times_ns, series.power_w, series.window_s)
    edges = [edge for edge in np.cumsum([0, *sizes]).tolist() if edge < len(whole)] + [len(whole)]
    return joined([chunk_of(whole[first:last], how, cuts_ns) for first, last in pairwise(edges)], how, cuts_ns)


@given(STEPS, SEEDS, HOWS, PARTS)
def test_any_partition_gives_the_energy_of_the_power_function(
    steps: list[float], seed: int, how: PowerDescriptor, sizes: list[int]
) -> None:
    random = np.random.default_rng(seed)
    series = stream((20 + np.cumsum(steps)).tolist(), random.uniform(1, 2000, len(steps)).tolist(), how)
    function = power_function(series)
    first_ns, last_ns = (function.origin_ns + round(1e9 * edge) for edge in (function.first_s, function.last_s))
    assume(last_ns > first_ns)
    cuts_ns = np.unique(np.array([at(0), at(10_000), first_ns, *random.integers(first_ns, last_ns, 9)]))
    begins, ends = np.sort(random.integers(0, cuts_ns.size, (2, 20)), axis=0)
    energy_j, covered_s = streamed(series, cuts_ns, sizes).between(begins, ends)
    inside_ns = np.clip(cuts_ns, first_ns, last_ns)
    expected_j = function.energy_j(inside_ns[begins], inside_ns[ends])
    assert energy_j == pytest.approx(expected_j, rel=1e-9, abs=2e-5)  # edges of windows are rounded to 1 ns here
    lengths_s = (inside_ns[ends] - inside_ns[begins]) * 1e-9
    assert covered_s == pytest.approx(lengths_s - function.gap_s(inside_ns[begins], inside_ns[ends]), abs=1e-8)
    again_j, _ = streamed(series, cuts_ns, []).between(begins, ends)
    assert energy_j == pytest.approx(again_j, rel=1e-12, abs=1e-12)


def test_a_long_sum_is_that_of_exact_arithmetic_to_1e_12() -> None:
    random = np.random.default_rng(1)
    size = 300_000
    times_ns = BASE_NS + 10_000_000 * np.arange(1, size + 1) + random.integers(0, 100_000, size)
    series = PowerSeries(
        descriptor(window_s=0.01), times_ns, random.uniform(1e-3, 2e3, size), np.full(size, 0.01), None, times_ns[:0]
    )
    cuts_ns = np.sort(random.integers(times_ns[0], times_ns[-1], 40))
    first, last = np.arange(39), np.arange(1, 40)
    energies = [streamed(series, cuts_ns, sizes).between(first, last)[0] for sizes in ([], [7, 100_000, 65_536, 1, 1])]
    assert energies[0] == pytest.approx(energies[1], rel=1e-12)
    ends_ns = np.maximum.accumulate(times_ns).tolist()
    place = int(np.searchsorted(times_ns, cuts_ns[3])), int(np.searchsorted(times_ns, cuts_ns[4]))
    edges = [int(cuts_ns[3]), *ends_ns[place[0] : place[1]], int(cuts_ns[4])]
    powers = series.power_w[place[0] : place[1] + 1].tolist()
    exact = sum(
        Fraction(later - sooner, 10**9) * Fraction(power)
        for sooner, later, power in zip(edges[:-1], edges[1:], powers, strict=True)
    )
    assert energies[0][3] == pytest.approx(float(exact), rel=1e-12)


def test_a_sum_of_two_doubles_forgets_nothing() -> None:
    total = Exact()
    for value in (1e16, 1.0, -1e16, 1e-3):
        total.add(value)
    assert total.high + total.low == 1.001
