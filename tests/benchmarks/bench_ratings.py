"""What the intervals of percentiles and of batch energies cover, and how far an HDR percentile lies from the exact one.

`python -m tests.benchmarks.bench_ratings [CAMPAIGNS]`. Latencies are those of an M/M/1 queue (Lindley's recursion),
whose percentiles are known: of a load rho and a service rate mu the time in the system is exponential with rate
mu (1 - rho). Whether `latency.percentiles` gives such an interval at all depends on `LEAST_BEYOND`: here it is formed
whatever lies beyond.
Batches are those of tests/ratings/virtual_batches.py.
"""

import sys
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from reports.ratings.batches import batch_energies
from reports.ratings.latency import by_sections, latencies_of
from tests.ratings.virtual_batches import IDLE_W, metered, of_batch

RHO, MU, TASKS, RUNS, PARTS = 0.7, 20.0, 6_000, 5, 10
SKIPPED = 500
"""Tasks before the rating interval."""


def latencies(random: np.random.Generator, count: int) -> NDArray[np.float64]:
    """Time in the system of some tasks, one after the other."""
    steps = random.exponential(1 / MU, count + SKIPPED) - random.exponential(1 / (RHO * MU), count + SKIPPED)
    walk = np.concatenate([[0.0], np.cumsum(steps)])[:-1]
    waits = walk - np.minimum.accumulate(walk)
    service = random.exponential(1 / MU, count + SKIPPED)
    return np.asarray((waits + service)[SKIPPED:])


def by_order(values: NDArray[np.float64], percent: float) -> tuple[float, float]:
    """The textbook interval by order statistics, as if tasks were independent."""
    low, high = stats.binom.ppf((0.025, 0.975), values.size, percent / 100).astype(int)
    ordered = np.sort(values)
    return float(ordered[max(low - 1, 0)]), float(ordered[min(high, values.size - 1)])


def coverage_of_percentiles(campaigns: int, percent: float) -> dict[str, float]:
    """How often each interval holds the truth."""
    truth, held = -np.log1p(-percent / 100) / (MU * (1 - RHO)), {"runs": 0, "parts of a run": 0, "order statistics": 0}
    for seed in range(campaigns):
        runs = [latencies(np.random.default_rng([seed, run]), TASKS) for run in range(RUNS)]
        whole = np.concatenate(runs)
        for name, all_of, sections in (
            ("runs", whole, runs), ("parts of a run", runs[0], np.array_split(runs[0], PARTS)),
        ):  # fmt: skip
            value = float(np.percentile(all_of, percent))
            found = by_sections(value, [float(np.percentile(one, percent)) for one in sections])
            held[name] += abs(found.value - truth) <= (found.expanded or 0.0)
        low, high = by_order(whole, percent)
        held["order statistics"] += low <= truth <= high
    return {name: count / campaigns for name, count in held.items()}


def coverage_of_batches(campaigns: int, sizes: Sequence[int], rate: float, late_s: float) -> dict[str, float]:
    """How often the interval of each energy holds the truth, that of the difference of the parts 0, and how often the
    fit was refused."""
    held: dict[str, list[bool]] = {}
    refused = 0
    truths = {f"{size}": of_batch(size) for size in sizes} | {
        "none": IDLE_W, "batch": of_batch(0), "item": of_batch(1) - of_batch(0)
    }  # fmt: skip
    for seed in range(campaigns):
        found = batch_energies([metered(seed, sizes=tuple(sizes), rate=rate, seconds=300, late_s=late_s)])
        refused += found.refused is not None
        for one in found.coefficients:
            away = abs(one.estimate.value - truths[one.name])
            held.setdefault(one.name, []).append(away <= (one.estimate.expanded or 0.0))
        if found.parts is not None:
            away = abs(found.parts.difference.value)
            held.setdefault("parts add up", []).append(away <= (found.parts.difference.expanded or 0.0))
    return {name: float(np.mean(hits)) for name, hits in held.items()} | {"refused": refused / campaigns}


def main() -> None:
    """Print them."""
    campaigns = int(sys.argv[1]) if len(sys.argv) > 1 else 200
    values = np.random.default_rng(1).lognormal(-3, 1, 100_000)
    exact = np.sort(values)
    for percent, found in latencies_of(values).percentiles_s().items():
        print(f"HDR {percent:g} %: {found / exact[round(percent * values.size / 100) - 1] - 1:+.5%}")
    for percent in (50.0, 90.0, 99.0):
        print(f"percentile {percent:g} %: {coverage_of_percentiles(campaigns, percent)}")
    for sizes, rate, late_s in (((4,), 40.0, 0.0), ((4,), 40.0, 0.2), ((2, 8), 60.0, 0.0), ((), 60.0, 0.0)):
        held = coverage_of_batches(campaigns // 4, sizes, rate, late_s)
        print(f"batches {sizes or 'of what waits'}, {late_s} s late: {held}")


if __name__ == "__main__":
    main()
