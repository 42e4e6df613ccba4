"""Actions and epochs: a row of each action of a run, a record of each action over the runs that have it.

Knows analysed runs and the terms of their energies. Knows no scenario and no finding.
"""

from collections.abc import Sequence
from typing import TypeAlias

import numpy as np

from reports.campaign.means import mean_duration, mean_energy, mean_power
from reports.campaign.run import AnalysedRun
from reports.campaign.work import per_unit
from reports.energy import budget, hardware
from reports.energy.budget import Single
from reports.energy.contributions import RunTerms
from reports.energy.energy import WH
from reports.energy.sample import Kind
from reports.readings.bounded import number
from reports.results.action import ActionResult, EnergyPerWork, RunAction
from reports.results.nulls import finite_or_none, finite_values
from reports.results.uncertainty import mean_of

KINDS: tuple[Kind, Kind] = ("gross", "induced")


def action_rows(run: AnalysedRun, own: RunTerms | None) -> list[RunAction]:
    """One plain row per action of a run; energies of all of them in one go."""
    actions = run.series.actions
    if not actions or run.interval_ns is None:
        return []
    begins_ns = np.array([action.begin_ns for action in actions], dtype=np.int64)
    ends_ns = np.array([action.end_ns for action in actions], dtype=np.int64)
    warmth_c = hardware.gpu_temperatures_c(run.series.indicators, begins_ns, ends_ns)
    gross = None if own is None else budget.of_one(own, "gross")
    over = None if own is None else budget.of_one(own, "induced")
    at = [run.at_action(position) for position in range(len(actions))]
    until = [run.until_action(position) for position in range(len(actions))]
    energies = zip(_energies_wh(gross, at), _energies_wh(over, at), _energies_wh(gross, until), strict=True)
    return [
        RunAction(
            action.name, action.index, (action.begin_ns - run.interval_ns[0]) * 1e-9,
            (action.end_ns - action.begin_ns) * 1e-9, *own_wh, *induced_wh, *cumulative_wh,
            gpu_temperature_c=finite_or_none(warmth_c[place]), metrics=action.metrics, exit_code=action.exit_code,
            work=run.series.work.between(action.begin_ns, action.end_ns) or None,
        )
        for place, (action, (own_wh, induced_wh, cumulative_wh)) in enumerate(zip(actions, energies, strict=True))
    ]  # fmt: skip


Energy: TypeAlias = tuple[float | None, float | None, float | None, float | None]
"""Value, u, U (Wh), degrees of freedom."""


def _energies_wh(one: Single | None, at: Sequence[int]) -> list[Energy]:
    """The energies of some intervals."""
    if one is None:
        return [(None, None, None, None)] * len(at)
    columns = (one.energy_j / WH, one.u_j / WH, one.expanded_j / WH, one.dof)
    return list(zip(*(finite_values(column[list(at)].tolist()) for column in columns), strict=True))


def record(name: str, index: int, members: Sequence[tuple[RunAction, RunTerms, int, int]]) -> ActionResult:
    """One action over the runs that have it: its plain row, the run's terms, its place there and that of everything
    up to its end."""
    rows, terms = [row for row, *_ in members], [own for _, own, *_ in members]
    at, until = [place for *_, place, _ in members], [place for *_, place in members]
    lasting = [place for place, row in enumerate(rows) if row.duration_s > 0]
    metrics = sorted({key for row in rows for key, value in row.metrics.items() if np.isfinite(number(value))})
    return ActionResult(
        name=name,
        index=index,
        n=len(rows),
        begin_s=mean_of([row.begin_s for row in rows], "s"),
        duration_s=mean_duration([row.duration_s for row in rows], [own.clock_bound_s for own in terms]),
        energy_wh=mean_energy(terms, at, "gross"),
        induced_energy_wh=mean_energy(terms, at, "induced"),
        mean_power_w=mean_power([terms[i] for i in lasting], [at[i] for i in lasting]),
        gpu_temperature_c=mean_of([number(row.gpu_temperature_c) for row in rows], "°C"),
        cumulative_energy_wh=mean_energy(terms, until, "gross"),
        metrics={key: mean_of([number(row.metrics.get(key)) for row in rows], "1") for key in metrics},
        energy_per_work=_per_work(rows, terms, at),
    )


def _per_work(rows: Sequence[RunAction], terms: Sequence[RunTerms], at: Sequence[int]) -> tuple[EnergyPerWork, ...]:
    """Energy per unit of the work that was marked in an action."""
    worked = [row.work or {} for row in rows]
    if not any(worked):
        return ()
    means = [budget.of_mean(terms, at, np.full(len(terms), 1 / WH), "Wh", kind) for kind in KINDS]
    energies_wh = [
        np.array([number(row.energy_wh) for row in rows]), np.array([number(row.induced_energy_wh) for row in rows])
    ]  # fmt: skip
    return per_unit(worked, energies_wh, [None if mean is None else mean.shared for mean in means])
