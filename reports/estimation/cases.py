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
from reports.estimation.facts import EPOCHS, FactTable, own_facts
from reports.estimation.settling import FEWEST, MOST, regime_change
from reports.estimation.training import Source, Training, energies_of, training_of
from reports.results.estimation import Settling

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
                origins = ("estimated",) if source == "gpu" else tuple(one.origin for one in run.feeding)
                own = own_facts(start.scenario_config.get("parameters"))
                cases.append(
                    Case(
                        path.resolve().name, training, known, _gpu_use(run), circuits_of(run), origins,
                        machine_of(run), settling_of(run, training, source), own,
                    )
                )  # fmt: skip
    if not cases:
        why = next(iter(left_out.values()), "there is no run of a scenario")
        raise AnalysisError(f"{', '.join(map(str, campaigns))}: no run is a training that can be estimated: {why}")
    return cases, left_out


def circuits_of(run: AnalysedRun) -> tuple[str, ...]:
    """What its meters stand before, with the origin of their readings."""
    return tuple(f"{descriptor.circuit} ({descriptor.origin})" for descriptor in run.feeding)


def machine_of(run: AnalysedRun) -> str:
    """The SUT by its host name and its GPUs, as far as they are known."""
    sut = run.run.start.sut
    boards = [str(gpu.get("name", "")) for gpu in sut.get("gpus") or [] if isinstance(gpu, dict)]
    return ", ".join(filter(None, (str(sut.get("hostname") or ""), *boards)))


def settling_of(run: AnalysedRun, training: Training, source: Source) -> Settling | None:
    """When its power settles: FLUSS of its record in equal steps, as long as its readings lie apart."""
    begin_ns, end_ns = run.interval_ns or (0, 0)
    step_s = (
        max((part.usual_step_s for part in run.parts), default=0.0) if source == "meter" else run.series.sample_period_s
    )
    count = min(int((end_ns - begin_ns) * 1e-9 / step_s), MOST) if step_s else 0
    if count < FEWEST:
        return None
    edges_ns = np.linspace(begin_ns, end_ns, count + 1).astype(np.int64)
    energies_j = energies_of(run, source, edges_ns)
    if energies_j is None or not np.all(np.isfinite(energies_j)):
        return None
    change = regime_change(energies_j / (np.diff(edges_ns) * 1e-9))
    if change is None:
        return None
    at_s = float(edges_ns[change.sample] - begin_ns) * 1e-9
    borders_s = training.before_s + np.cumsum(training.epoch_s)
    return Settling(min(int(np.searchsorted(borders_s, at_s, side="right")), training.epochs - 1), at_s, change.arcs)


def _gpu_use(run: AnalysedRun) -> float | None:
    loads = [value for name, value in run.indicator_means.items() if GPU_LOAD.fullmatch(name)]
    return float(np.mean(loads)) / 100 if loads else None
