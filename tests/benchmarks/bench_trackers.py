"""How often the intervals of the tracker comparison cover the truth, through the analysis itself, in virtual time.

Run: nice -n 19 .venv/bin/python -m tests.benchmarks.bench_trackers [CAMPAIGNS]

Machine and meter are those of bench_coverage.py: the meter errs by a gain and an offset drawn within its limits, one
for the whole campaign. A tracker says a share of the energy that was really drawn, times noise of its own. Asked is
whether the ratio's interval holds that share, the bias's and the limits' intervals what they estimate, and the interval
of the tracker's own energy what the tracker was made to add. Printed is one JSON line a setting.
"""

import json
import math
import sys
import time
from collections.abc import Iterator
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from harness.record.documents import Thresholds
from reports.campaign.group import Group
from reports.campaign.run import AnalysedRun
from reports.inference.agreement import Z, agreement, pooled
from reports.results.uncertainty import Term
from reports.trackers import cost as tracker_cost
from reports.trackers.account import Account
from reports.trackers.comparison import Comparison
from reports.trackers.pair import Pair, pair_of
from tests.benchmarks.bench_coverage import Bench, Floats, Setting

CAMPAIGNS = 2000
SHARE, NOISE = 0.78, 0.02
LIMITS = Thresholds()
SHARED_LIMIT = 0.015
"""Limit of error that all energies of a drawn series share, relative."""
SCENARIOS = 6
OWN_W = 2.0


class TrackedBench(Bench):
    """A bench that remembers what was drawn, and in which every second run draws `more_w` more."""

    def __init__(self, setting: Setting, more_w: float = 0.0) -> None:
        super().__init__(setting)
        self.more_w = more_w
        self.drawn_w: Floats = np.zeros(0)

    def _loads_w(self, random: np.random.Generator) -> Floats:
        loads_w, runs = super()._loads_w(random), np.flatnonzero(~self.is_block)
        loads_w[runs[::2]] += self.more_w
        self.drawn_w = (loads_w + self.setting.base_w)[runs]
        return loads_w

    def tracked(self, random: np.random.Generator) -> list[Pair]:
        """One campaign of runs with a tracker."""
        group, _ = self.campaign(random)
        drawn_wh = self.drawn_w * self.setting.duration_s / 3600
        said_wh = SHARE * drawn_wh * random.normal(1, NOISE, drawn_wh.size)
        return [pair_of(run, _said(wh), LIMITS) for run, wh in zip(group.runs, said_wh.tolist(), strict=True)]

    def pair(self, random: np.random.Generator) -> dict[str, Group]:
        """One campaign of two scenarios that alternate: with a tracker, and without."""
        group, _ = self.campaign(random)
        found: dict[str, list[AnalysedRun]] = {"with": [], "without": []}
        for place, run in enumerate(group.runs):
            name = "without" if place % 2 else "with"
            start = replace(
                run.run.start, scenario=name, repetition=place // 2, seed=place // 2, ordinal=place,
                scenario_config={"trackers": [] if place % 2 else ["codecarbon"], "parameters": {}},
            )  # fmt: skip
            folder = replace(run.run, start=start)
            found[name].append(replace(run, run=folder))
        return {name: Group(runs, group.baseline) for name, runs in found.items()}


def _said(energy_wh: float) -> Account:
    return Account(
        name="codecarbon", version=None, imported=False, clock="run", begin_ns=None, end_ns=None, bound_s=0.0,
        reported_wh=energy_wh, factor=1.0, factor_reason=None, parts_wh={}, methods={}, stretches=(), polls=None,
        problems=(),
    )  # fmt: skip


def settings(n: int) -> Iterator[Setting]:
    """A meter whose gain dominates, and runs whose spread does."""
    yield Setting(f"gain-{n}", n, duration_s=40.0, gain_percent=1.5, run_sd_w=0.3)
    yield Setting(f"spread-{n}", n, duration_s=40.0, gain_percent=0.1, run_sd_w=2.0)


def coverage_of_ratio(setting: Setting, campaigns: int, seed: int) -> float:
    """How often the ratio's interval holds the share, whole campaigns at reading level."""
    bench, random = TrackedBench(setting), np.random.default_rng([seed, setting.runs])
    hits = 0
    for _ in range(campaigns):
        interval = Comparison(bench.tracked(random), None).ratio.interval
        hits += interval is not None and interval[0] <= SHARE <= interval[1]
    return hits / campaigns


def coverage_of_cost(setting: Setting, campaigns: int, seed: int) -> float:
    """How often U of the tracker's own energy holds what it was made to add; `setting.runs` counts both scenarios."""
    bench, random = TrackedBench(setting, OWN_W), np.random.default_rng([seed, setting.runs])
    true_wh = OWN_W * setting.duration_s / 3600
    hits = 0
    for _ in range(campaigns):
        (cost,) = tracker_cost.evaluate(bench.pair(random), LIMITS)
        number = cost.induced_energy_wh
        assert number is not None
        assert number.expanded is not None
        hits += abs(number.value - true_wh) <= number.expanded
    return hits / campaigns


def coverage_of_agreement(n: int, draws: int, seed: int) -> dict[str, float]:
    """Bias and limits of agreement of n runs, and the bias over scenarios of n runs each; the meter's shared error is
    drawn within its limit."""
    random, hits = np.random.default_rng([seed, n]), np.zeros(4)
    shared = Term(SHARED_LIMIT / math.sqrt(3), math.inf)
    truth = math.log(SHARE) + np.array([0.0, -Z * NOISE, Z * NOISE])
    for _ in range(draws):
        y = 1 + random.uniform(-1, 1) * SHARED_LIMIT
        x = SHARE * np.exp(random.normal(0, NOISE, n))
        found = agreement(x, np.full(n, y), shared)
        assert found.interval is not None
        assert found.low is not None
        assert found.high is not None
        hits[:3] += _held((found.interval, found.low.interval, found.high.interval), np.exp(truth))
        between = random.normal(0, 0.05, SCENARIOS)
        groups = {
            str(k): (SHARE * np.exp(between[k] + random.normal(0, NOISE, n)), np.full(n, y)) for k in range(SCENARIOS)
        }
        together = pooled(groups, shared)
        assert together.interval is not None
        hits[3] += _held((together.interval,), np.array([SHARE]))[0]
    return dict(zip(("bias", "low", "high", "pooled"), (hits / draws).tolist(), strict=True))


def _held(intervals: tuple[tuple[float, float], ...], truth: Floats) -> NDArray[np.float64]:
    return np.array([low <= value <= high for (low, high), value in zip(intervals, truth.tolist(), strict=True)], float)


def main(campaigns: int) -> None:
    """One JSON line a setting."""
    for n in (3, 6, 30):
        begin = time.monotonic()
        print(json.dumps({"runs": n, "draws": campaigns, **coverage_of_agreement(n, campaigns, 1)}), flush=True)
        for setting in settings(n):
            found = {"ratio": coverage_of_ratio(setting, campaigns, 1)}
            found["own_energy"] = coverage_of_cost(replace(setting, runs=2 * n), campaigns, 1)
            wall_s = round(time.monotonic() - begin, 1)
            print(json.dumps({"setting": setting.name, "campaigns": campaigns, **found, "wall_s": wall_s}), flush=True)


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else CAMPAIGNS)
