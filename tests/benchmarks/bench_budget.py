"""Budgets of all epochs of a campaign of Guldner's size: 30 runs x 3 scenarios x 50 epochs of 20 s. Target: 5 s.

Run: .venv/bin/python -m tests.benchmarks.bench_budget

The readings are made in memory and not counted. Timed is everything from readings to budgets: power functions, the
contributions of every interval, U of each epoch of each run, and the budget of each epoch's mean, total and induced.
"""

import json
import time

import numpy as np

from reports.campaign.group import Group
from reports.energy import budget
from reports.energy.energy import WH
from tests.benchmarks.bench_coverage import Bench, Setting

SETTING = Setting("guldner-size", 30, 30, duration_s=1000.0, memory=0.5, clock_bound_s=0.001, epochs=50)


def main() -> None:
    """Print one JSON line."""
    random = np.random.default_rng(5)
    groups = [Bench(SETTING).campaign(random)[0] for _ in range(3)]
    begin = time.monotonic()
    lines = sum(_lines(group) for group in groups)
    wall_s = time.monotonic() - begin
    print(json.dumps({"wall_s": round(wall_s, 2), "target_s": 5, "lines": lines, "epochs": 3 * SETTING.epochs}))


def _lines(group: Group) -> int:
    """How many lines all budgets of a scenario have."""
    found = 0
    for terms in group.terms:
        found += sum(int(np.isfinite(budget.of_one(terms, kind).expanded_j).sum()) for kind in ("gross", "induced"))
    for position in range(SETTING.epochs):
        at = [run.at_action(position) for run in group.runs]
        per_j = np.full(len(at), 1 / WH)
        both = [budget.of_mean(group.terms, at, per_j, "Wh", "gross"),
                budget.of_mean(group.terms, at, per_j, "Wh", "induced")]  # fmt: skip
        found += sum(len(one.lines) for one in both if one is not None)
    return found


if __name__ == "__main__":
    main()
