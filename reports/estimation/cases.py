"""Campaigns -> trainings with what is known of them.

Knows campaigns' runs and the table of facts. Knows no estimator.
"""

import re
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from harness.record.errors import AnalysisError
from harness.record.verify import examine
from reports.campaign.analyse import judged_runs
from reports.campaign.run import AnalysedRun
from reports.estimation.assessment import Case
from reports.estimation.facts import EPOCHS, FactTable
from reports.estimation.training import Source, training_of

GPU_LOAD = re.compile(r"gpu\d+_load_percent")


def cases_of(campaigns: Sequence[Path], source: Source, facts: FactTable) -> tuple[list[Case], dict[str, str]]:
    """The trainings of some campaigns, and run -> why it is none.

    Raises:
        AnalysisError: a campaign cannot be read, or none of them holds a training.
    """
    cases: list[Case] = []
    left_out: dict[str, str] = {}
    for path in campaigns:
        for run in judged_runs(path, examine(path)).runs:
            start = run.run.start
            if start.kind != "scenario":
                continue
            known = facts.of(start.scenario, start.repetition)
            epochs = None if EPOCHS not in known else int(known[EPOCHS])
            training = training_of(run, source, epochs)
            if isinstance(training, str):
                left_out[run.run.path.name] = training
            else:
                cases.append(Case(path.resolve().name, training, known, _gpu_use(run), circuits_of(run)))
    if not cases:
        why = next(iter(left_out.values()), "there is no run of a scenario")
        raise AnalysisError(f"{', '.join(map(str, campaigns))}: no run is a training that can be estimated: {why}")
    return cases, left_out


def circuits_of(run: AnalysedRun) -> tuple[str, ...]:
    """What its meters stand before, with the origin of their readings."""
    return tuple(f"{descriptor.circuit} ({descriptor.origin})" for descriptor in run.feeding)


def _gpu_use(run: AnalysedRun) -> float | None:
    loads = [value for name, value in run.indicator_means.items() if GPU_LOAD.fullmatch(name)]
    return float(np.mean(loads)) / 100 if loads else None
