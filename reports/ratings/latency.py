"""Latencies of tasks: percentiles by an HDR histogram, exact extremes and mean beside it, intervals by sections.

Knows durations. Knows no task, no population and no file.

Percentiles are those of the library HdrHistogram (hdrh), three significant digits from 1 us to an hour: the least value
that at least so large a share of the tasks does not exceed, at the upper border of its bucket, at most .1 % above it.
The library's own mean and maximum are made of such borders, and it drops what lies above its range, so mean, least and
largest value are computed of the durations themselves, and what was dropped is counted.

Intervals. Latencies of one run wait in one queue, so neighbours are alike and the interval by order statistics, which
takes them as independent, is far too narrow (`tests/benchmarks/bench_ratings.py`). Here every section (a run of a
campaign, or an equal part of a single run) gives its own percentile, and u = sqrt(sum (q_i - q)^2 / (k - 1) / k) about
the percentile q of all, with k - 1 degrees of freedom (sectioning: Asmussen and Glynn 2007, III.5). A section that
holds fewer than `LEAST_BEYOND` tasks beyond its percentile is short beside the time for which its queue remembers: its
percentile is biased, and the interval covers 72 to 92 % (same benchmark). Then there is none.
"""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from hdrh.histogram import HdrHistogram
from numpy.typing import NDArray

from reports.results.uncertainty import Estimate

UNIT_NS = 1_000
"""What is shorter counts as this."""
LARGEST_NS = 3_600 * 10**9
DIGITS = 3
BITS = 13
"""Leading bits of a duration that decide its bucket, and two more: 3 digits take 11."""
PERCENTS = (50.0, 90.0, 95.0, 99.0, 99.9)
LEAST_BEYOND = 100
LEAST_SECTIONS = 3
"""Runs, or parts of a run, below which there is no interval."""
PARTS_OF_RUN = 10
Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Latencies:
    """Durations by bucket, and what a histogram does not hold: `sum_s`, `squares_s2` (their
    squares' sum), `least_s`, `largest_s` are exact; `dropped` of
    the `n` lay above the histogram's range. Buckets: upper border (ns) and how many."""

    borders_ns: NDArray[np.int64]
    counts: NDArray[np.int64]
    n: int
    sum_s: float
    squares_s2: float
    least_s: float
    largest_s: float
    dropped: int

    @property
    def mean_s(self) -> float:
        """Mean of all; NaN of none."""
        return self.sum_s / self.n if self.n else math.nan

    @property
    def u_of_mean_s(self) -> float:
        """Standard uncertainty of the mean if every task were an observation of its own."""
        variance = max(self.squares_s2 - self.n * self.mean_s**2, 0.0) / (self.n - 1)
        return math.sqrt(variance / self.n)

    def percentiles_s(self, percents: Sequence[float] = PERCENTS) -> dict[float, float]:
        """Percentile of all -> duration; NaN of none, and where it lies among those that were dropped."""
        held = self.n - self.dropped
        asked = {percent: percent * self.n / held for percent in percents if held and percent * self.n <= 100 * held}
        found = _histogram(self.borders_ns, self.counts).get_percentile_to_value_dict(list(asked.values()))
        return {percent: found[asked[percent]] * 1e-9 if percent in asked else math.nan for percent in percents}

    def beyond(self, percent: float) -> float:
        """How many tasks lie on the scarcer side of a percentile."""
        return self.n * min(percent, 100 - percent) / 100

    def shares(self, places: int) -> tuple[tuple[float, float], ...]:
        """The cumulative distribution as at most so many points (s, share), for a picture."""
        if not self.n:
            return ()
        cumulated = np.cumsum(self.counts) / self.n
        wanted = np.unique(np.searchsorted(cumulated, np.linspace(0, cumulated[-1], places), side="left"))
        wanted = np.minimum(wanted, cumulated.size - 1)
        return tuple((float(self.borders_ns[at]) * 1e-9, float(cumulated[at])) for at in np.unique(wanted))


def latencies_of(values_s: Floats) -> Latencies:
    """The latencies of some tasks (s, finite, any order)."""
    values_ns = np.maximum(np.rint(values_s * 1e9), UNIT_NS).astype(np.int64)
    held = values_ns[values_ns <= LARGEST_NS]
    # Leading bits beyond those of a bucket change nothing: the library is asked of each bucket a few times only.
    bits = np.maximum(np.frexp(held.astype(np.float64))[1] - BITS, 0)
    borders_ns, counts = _recorded(*np.unique((held >> bits) << bits, return_counts=True))
    n, has_any = int(values_s.size), bool(values_s.size)
    return Latencies(
        borders_ns, counts, n, math.fsum(values_s.tolist()), float(values_s @ values_s),
        float(values_s.min()) if has_any else math.nan, float(values_s.max()) if has_any else math.nan,
        n - int(held.size),
    )  # fmt: skip


def joined(parts: Iterable[Latencies]) -> Latencies:
    """The latencies of several runs together."""
    own = [part for part in parts if part.n]
    if not own:
        return latencies_of(np.zeros(0))
    borders_ns, counts = _added_up(
        np.concatenate([part.borders_ns for part in own]), np.concatenate([part.counts for part in own])
    )
    return Latencies(
        borders_ns, counts, sum(part.n for part in own), math.fsum(part.sum_s for part in own),
        math.fsum(part.squares_s2 for part in own),
        min(part.least_s for part in own), max(part.largest_s for part in own), sum(part.dropped for part in own),
    )  # fmt: skip


def parts_of_run(values_s: Floats, count: int = PARTS_OF_RUN) -> list[Latencies]:
    """Equal parts of one run's latencies, which stand in order of submission; none where there are too few."""
    return [latencies_of(part) for part in np.array_split(values_s, count)] if values_s.size >= 2 * count else []


def percentiles(whole: Latencies, sections: Sequence[Latencies]) -> dict[float, Estimate]:
    """Every percentile of all with its uncertainty by the sections; u is None where they know too little of it."""
    values_s, by_section = whole.percentiles_s(), [part.percentiles_s() for part in sections]
    found = {}
    for percent, value_s in values_s.items():
        enough = len(sections) >= LEAST_SECTIONS and all(part.beyond(percent) >= LEAST_BEYOND for part in sections)
        own = [of_part[percent] for of_part in by_section] if enough else [math.nan]
        found[percent] = by_sections(value_s, own)
    return found


def mean(whole: Latencies, sections: Sequence[Latencies]) -> Estimate:
    """The mean of all with its uncertainty by the sections."""
    return by_sections(whole.mean_s, [part.mean_s for part in sections])


def by_sections(value: float, sections: Sequence[float]) -> Estimate:
    """A figure of all with the uncertainty that the same figure of k sections shows."""
    count, away = len(sections), np.asarray(sections, dtype=np.float64) - value
    if count < LEAST_SECTIONS or not np.isfinite(away).all():
        return Estimate(value, None, None)
    return Estimate(value, math.sqrt(float(away @ away) / (count - 1) / count), count - 1.0)


def _recorded(values_ns: NDArray[np.int64], counts: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Upper border (ns) and count of every bucket with a value."""
    buckets = HdrHistogram(UNIT_NS, LARGEST_NS, DIGITS)  # its own iterator goes through all empty ones too
    borders = [buckets.get_highest_equivalent_value(value) for value in values_ns.tolist()]
    return _added_up(np.array(borders, dtype=np.int64), counts)


def _added_up(borders_ns: NDArray[np.int64], counts: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Every border once."""
    once, places = np.unique(borders_ns, return_inverse=True)
    sums = np.zeros(once.size, dtype=np.int64)
    np.add.at(sums, places, counts)
    return once, sums


def _histogram(borders_ns: NDArray[np.int64], counts: NDArray[np.int64]) -> HdrHistogram:
    """With room up to the largest border: where buckets lie does not depend on it."""
    histogram = HdrHistogram(UNIT_NS, max(2 * UNIT_NS, int(borders_ns.max(initial=0))), DIGITS)
    for border, count in zip(borders_ns.tolist(), counts.tolist(), strict=True):
        histogram.record_value(border, count)
    return histogram
