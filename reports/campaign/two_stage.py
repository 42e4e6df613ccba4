"""The interval that a two-stage plan promised, with the pilot's spread.

Knows the plans in the campaign's log and the scenario's runs. The arithmetic is `reports.inference.planning`.
"""

from collections.abc import Sequence

import numpy as np

from harness.record.entries import Entry, Plan, of
from reports.campaign.baseline import Baseline
from reports.campaign.group import Group
from reports.campaign.run import AnalysedRun
from reports.inference import planning
from reports.results.scenario import TwoStage
from reports.results.uncertainty import Number, mean_of


def two_stage_section(
    name: str, group: Group, baseline_runs: Sequence[AnalysedRun], entries: Sequence[Entry]
) -> TwoStage | None:
    """The interval that was promised when the campaign was declared: with the pilot's spread (`planning`)."""
    plans = {plan.stage: plan for plan in of(Plan, entries)}
    rule = plans["first"].rule if "second" in plans and "first" in plans else None
    if rule is None or not group.runs:
        return None
    first = {run["ordinal"] for run in plans["first"].runs}
    pilot_runs = [run for run in group.runs if run.run.start.ordinal in first]
    pilot_blocks = [run for run in baseline_runs if run.run.start.ordinal in first]
    if not pilot_runs:
        return None
    pilot = planning.pilot_of(Group(pilot_runs, Baseline(pilot_blocks)).induced, _hours(pilot_runs))
    base = planning.baseline_of(mean_of([run.mean_power_w for run in pilot_blocks], "W"), _hours(pilot_blocks))
    everyone = group.induced
    if pilot is None or base is None or everyone is None:
        return None
    runs, blocks = len(group.runs), len(baseline_runs)
    final = planning.final_interval(everyone.estimate.value, pilot, base, runs, blocks)
    wanted = float(rule["half_width_percent"])
    reached = final.expanded is not None and final.expanded <= wanted / 100 * abs(final.value)
    sizes = (plans["second"].sizes or {}).get("repetitions", {})
    return TwoStage(
        half_width_percent=wanted, share_percent=float(rule["share_percent"]),
        pilot_runs=pilot.runs, pilot_blocks=base.blocks, planned_runs=sizes.get(name),
        induced_energy_wh=Number(final, "Wh", n=runs), reached=reached,
    )  # fmt: skip


def _hours(runs: Sequence[AnalysedRun]) -> float:
    return float(np.mean([run.duration_s for run in runs])) / 3600 if runs else float("nan")
