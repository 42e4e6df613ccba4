"""A run as results.json has it (`runs[]`).

Knows an analysed run, the terms of its energies and the campaign's findings. Judges nothing.
"""

from collections.abc import Sequence

import numpy as np

from harness.record.documents import Json, WaitEvent
from reports.campaign.actions import action_rows
from reports.campaign.means import power_over
from reports.campaign.other_rules import published
from reports.campaign.ratings import stimulus_entry
from reports.campaign.run import AT_RUN, AnalysedRun
from reports.campaign.served import served_entry
from reports.energy import budget, hardware
from reports.energy.contributions import RunTerms
from reports.energy.energy import WH
from reports.readings.artifacts import artifact_of
from reports.results.finding import Finding
from reports.results.nulls import single_of
from reports.results.run import RunResult, Wait
from reports.results.uncertainty import Estimate, Number


def run_entry(run: AnalysedRun, own: RunTerms | None, found: Sequence[Finding]) -> RunResult:
    """The run; `own`: the terms of its energies, against the baseline where it is of a scenario."""
    start = run.run.start
    gross = None if own is None else budget.of_one(own, "gross").number(AT_RUN)
    over = None if own is None else budget.of_one(own, "induced").number(AT_RUN)
    because = run.excluded_because
    waits = (event for event in run.run.events if isinstance(event, WaitEvent))
    return RunResult(
        ordinal=start.ordinal,
        attempt=start.attempt,
        kind=start.kind,
        scenario=start.scenario,
        repetition=start.repetition,
        seed=start.seed,
        block=start.block,
        folder=run.run.path.name,
        status=run.run.exit_status,
        reason=run.run.reason,
        included=because is None,
        excluded_because=because,
        start_utc=start.utc,
        duration_s=single_of(run.duration_s, "s"),
        mean_power_w=power_over(gross, run.duration_s),
        energy_wh=gross,
        induced_energy_wh=over,
        gap_s=single_of(run.gap_s, "s"),
        gap_energy_wh=_gap_energy(run, own),
        publisher=published(run),
        gpu_energy_wh=_gpu_energy(run.gpu),
        indicators={name: value for name, value in run.indicator_means.items() if np.isfinite(value)},
        waits=tuple(Wait(event.name, event.outcome, event.waited_s, event.limit_s) for event in waits),
        final_metrics=run.summary,
        actions=tuple(action_rows(run, own)),
        history=_history(run),
        manifest=run.run.manifest_sha256,
        findings=tuple(sorted({finding.code for finding in found if finding.subject == run.run.path.name})),
        stimulus=None if run.served is None else stimulus_entry(run.served),
        served=served_entry(run),
        work=run.series.work.totals or None,
    )


def _gap_energy(run: AnalysedRun, own: RunTerms | None) -> Number | None:
    """Energy of the gaps with its own uncertainty (u_gap)."""
    if own is None or not np.isfinite(run.gap_energy_j):
        return None
    u_wh = float(np.sum([part.gap_j[AT_RUN] for part in own.parts])) / WH
    return Number(Estimate(run.gap_energy_j / WH, u_wh, np.inf), "Wh", n=1)


def _gpu_energy(gpu: hardware.GpuEnergy | None) -> Number | None:
    """GPU energy of one run with what is known of its uncertainty."""
    if gpu is None or not np.isfinite(gpu.energy_j[0]):
        return None
    u_j = np.nan if gpu.sampling_j is None else float(gpu.sampling_j[0])
    known = bool(np.isfinite(u_j))
    estimate = Estimate(float(gpu.energy_j[0]) / WH, u_j / WH if known else None, np.inf if known else None)
    return Number(estimate, "Wh", n=1)


def _history(run: AnalysedRun) -> Json:
    """Metric -> value each time: the program's own history, else what the repeated action was marked with."""
    written = artifact_of(run.run, "history.json")
    if written and all(isinstance(values, list) for values in written.values()):
        return written
    times = [action.metrics for action in run.series.actions if action.name == run.useful_work.repeats]
    names = sorted({name for metrics in times for name in metrics})
    return {name: [metrics.get(name) for metrics in times] for name in names}
