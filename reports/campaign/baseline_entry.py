"""The baseline as results.json has it, and the findings about it as a whole.

Knows included baseline runs. Knows no scenario.
"""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from harness.record.documents import Thresholds
from reports.campaign.baseline import blocks_of
from reports.campaign.indicators import means_by_run
from reports.campaign.means import mean_duration, number_of
from reports.campaign.run import AT_RUN, AnalysedRun
from reports.energy import budget
from reports.energy.budget import Budget
from reports.energy.energy import pooled_w
from reports.findings import campaign as findings_campaign
from reports.results.baseline import BaselineBlock, BaselineResult
from reports.results.finding import Finding
from reports.results.uncertainty import count, mean_of, single
from reports.results.undeclared import goal_of

OS = "os"
"""The state of a machine on which nothing was started."""


def outlying_blocks(baseline_runs: Sequence[AnalysedRun], limits: Thresholds) -> list[tuple[AnalysedRun, float]]:
    """Blocks whose mean power is an outlier, with their scores."""
    means_w = np.array([run.mean_power_w for run in baseline_runs])
    return [(baseline_runs[at], score) for at, score in findings_campaign.outliers(means_w, limits)]


def baseline_findings(
    baseline_runs: Sequence[AnalysedRun], runs: Sequence[AnalysedRun], limits: Thresholds
) -> list[Finding]:
    """Findings about the baseline as a whole; `runs`: all of the campaign."""
    begun = sum(run.run.start.kind == "baseline" for run in runs)
    lost = findings_campaign.of_success("baseline", len(baseline_runs), begun, [], has_target=False, limits=limits)
    if not baseline_runs:
        return [Finding("baseline-missing", "warn", "campaign"), *lost]
    shortest_s = min(run.duration_s for run in baseline_runs)
    means_w = np.array([run.mean_power_w for run in baseline_runs])
    found = findings_campaign.of_correlation("baseline", means_w, limits)
    return [
        *lost,
        *found,
        *findings_campaign.shortened(
            "baseline", "baseline", len(baseline_runs), shortest_s, {}, [], goal_of({}), limits
        ),
    ]


def baseline_entry(
    runs: Sequence[AnalysedRun], baseline_runs: Sequence[AnalysedRun], outliers: Sequence[tuple[AnalysedRun, float]],
    lost: int,
) -> BaselineResult | None:  # fmt: skip
    """`baseline` of results.json; `lost`: blocks of which nothing is left."""
    if not baseline_runs:
        return None
    means_w = np.array([run.mean_power_w for run in baseline_runs])
    scores = findings_campaign.modified_z(means_w)
    out = {id(run) for run, _ in outliers}
    everyone = sum(run.run.start.kind == "baseline" for run in runs) + lost
    gpu_w = [run.gpu_energy_j / run.duration_s for run in baseline_runs]
    pooled = _pooled(baseline_runs)
    blocks = [
        BaselineBlock(
            ordinal=run.run.start.ordinal, folder=run.run.path.name, block=run.run.start.block,
            start_utc=run.run.start.utc, midpoint_s=_midpoint_s(run, runs[0]), duration_s=single(run.duration_s, "s"),
            mean_power_w=single(run.mean_power_w, "W"),
            modified_z=None if scores is None else float(scores[index]), outlier=id(run) in out,
        )
        for index, run in enumerate(baseline_runs)
    ]  # fmt: skip
    bounds_s = [run.series.clock_bound_s for run in baseline_runs]
    return BaselineResult(
        n_blocks=count(len(baseline_runs)),
        n_excluded=count(everyone - len(baseline_runs)),
        mean_power_w=number_of(pooled),
        budget=None if pooled is None else pooled.table,
        duration_s=mean_duration([run.duration_s for run in baseline_runs], bounds_s),
        drift_w=single(means_w[-1] - means_w[0], "W") if means_w.size > 1 else None,
        without_outliers=number_of(_pooled([run for run in baseline_runs if id(run) not in out])) if out else None,
        blocks=tuple(blocks),
        hardware={name: mean_of(values, unit) for name, (unit, values) in means_by_run(baseline_runs).items()},
        gpu_power_w=mean_of(gpu_w, "W"),
        state=state_of(baseline_runs),
    )


def state_of(baseline_runs: Sequence[AnalysedRun]) -> str | None:
    """The state of the machine in their blocks, several with a stroke between; None: the operating system only."""
    states = {str(run.run.start.scenario_config.get("baseline_state") or OS) for run in baseline_runs}
    return None if states == {OS} else " / ".join(sorted(states))


def _pooled(runs: Sequence[AnalysedRun]) -> Budget | None:
    """The budget of the pooled baseline power (W), its spread over the block means."""
    own = [(run.own_terms, run.duration_s) for run in runs]
    terms = [one for one, _ in own if one is not None]
    per_j = np.array([1 / duration_s for one, duration_s in own if one is not None])
    spread = budget.of_mean(terms, [AT_RUN] * len(terms), per_j, "W", "gross")
    if spread is None:
        return None
    level_w = pooled_w(blocks_of(runs))
    number = replace(spread.number, estimate=replace(spread.number.estimate, value=level_w))
    return replace(spread, number=number, independent=replace(spread.independent, value=level_w))


def _midpoint_s(run: AnalysedRun, first: AnalysedRun) -> float | None:
    """From the first run's beginning; None across boots, whose monotonic clocks have nothing in common."""
    if run.interval_ns is None or (run.session != first.session and run.run.start.time_base != "source-wall"):
        return None
    origin_ns = first.series.begin_ns if first.series.begin_ns is not None else first.run.start.time_ns
    return ((run.interval_ns[0] + run.interval_ns[1]) // 2 - origin_ns) * 1e-9
