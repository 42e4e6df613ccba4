"""The useful work of a scenario's runs and the energy that it took: efficiency factors, successes, energy by quality.

Knows a group of runs and the budgets of its means. Knows no finding.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from reports.campaign.group import Group
from reports.campaign.means import mean_energy, number_of
from reports.campaign.run import AnalysedRun
from reports.energy import budget, efficiency
from reports.energy.climbs import first_at
from reports.energy.energy import WH
from reports.results.action import EnergyPerWork
from reports.results.nulls import finite_values
from reports.results.scenario import (
    Efficiency,
    EnergyToAccuracy,
    MarginalEnergy,
    RatioIntervals,
    RatioValues,
    Success,
)
from reports.results.uncertainty import Estimate, Number, Term, mean_of
from reports.results.undeclared import Goal
from reports.results.useful_work import UsefulWork, kinds_of


def work_by_run(group: Group) -> list[dict[str, float]]:
    """The work of every run."""
    return [
        efficiency.work_of(
            run.summary,
            run.useful_work.work,
            Counter(action.name for action in run.series.actions),
            run.series.work.totals,
        )
        for run in group.runs
    ]


def units_of(runs: Iterable[AnalysedRun]) -> list[str]:
    """The units of work that the programs of some runs marked."""
    return list(dict.fromkeys(unit for run in runs for unit in run.series.work.totals))


def energy_per_work(group: Group) -> tuple[EnergyPerWork, ...]:
    """`scenarios.NAME.energy_per_work`."""
    worked = [run.series.work.totals for run in group.runs]
    shared = [None if own is None else own.shared for own in (group.gross_budget, group.induced_budget)]
    return per_unit(worked, (group.energies_wh, group.induced_wh), shared)


def per_unit(
    worked: Sequence[Mapping[str, float]], energies_wh: Sequence[NDArray[np.float64]], shared: Sequence[Term | None]
) -> tuple[EnergyPerWork, ...]:
    """Energy per unit of the work of each run; `energies_wh`, `shared`: total and induced, and what the runs have in
    common of each (None: there is none)."""
    found = []
    for unit in dict.fromkeys(unit for own in worked for unit in own):
        amounts = np.array([own.get(unit, np.nan) for own in worked])
        amount = mean_of(amounts, "1")
        gross, induced = (
            None if common is None else efficiency.energy_per_unit(amounts, energy, common, f"Wh/{unit}")
            for energy, common in zip(energies_wh, shared, strict=True)
        )
        if amount is not None and (gross is not None or induced is not None):
            found.append(EnergyPerWork(unit, amount, gross, induced))
    return tuple(found)


def efficiency_section(group: Group) -> Efficiency:
    """`scenarios.NAME.efficiency`."""
    work, declared = work_by_run(group), kinds_of(run.useful_work for run in group.runs).values()
    gross, over = group.gross_budget, group.induced_budget
    reason = suppressed_because(group)
    total = {} if gross is None else efficiency.ratios(declared, work, group.energies_wh, gross.shared)
    net = {} if reason or over is None else efficiency.ratios(declared, work, group.induced_wh, over.shared)
    return Efficiency(
        suppressed=reason,
        per_total={kind: ratio.number for kind, ratio in total.items()},
        per_induced={kind: ratio.number for kind, ratio in net.items()},
        intervals=RatioIntervals(
            total={kind: ratio.interval for kind, ratio in total.items()},
            induced={kind: ratio.interval for kind, ratio in net.items()},
        ),
        values={
            kind: RatioValues(
                total=finite_values(total[kind].per_run),
                induced=finite_values(net[kind].per_run) if kind in net else (),
            )
            for kind in total
        },
    )


def suppressed_because(group: Group) -> str | None:
    """Why there is no figure by induced energy; None where there is."""
    value = group.induced
    if value is None:
        return "there is no baseline, so there is no induced energy"
    expanded = value.estimate.expanded
    if expanded is None:
        return "the induced energy has no uncertainty (fewer than two runs or two baseline blocks)"
    if value.estimate.value <= expanded:
        return "the induced energy cannot be told from zero"
    return None


def success_section(group: Group, goal: Goal) -> Success | None:
    """`scenarios.NAME.success`: None where no run says whether it reached its target."""
    reached = [goal.reached(run.summary) for run in group.runs]
    known = [index for index, value in enumerate(reached) if value is not None]
    if not known:
        return None
    successes = np.array([float(bool(reached[index])) for index in known])
    gross = group.gross_budget
    shared = Term(0.0, np.inf) if gross is None else gross.shared
    per_success = efficiency.energy_per_success(successes, group.energies_wh[known], shared)
    fraction = Number(Estimate(float(successes.mean()), None, None), "1", n=len(known))
    return Success(int(successes.sum()), len(known), fraction, per_success)


def energy_to_accuracy(group: Group, declared: UsefulWork) -> list[EnergyToAccuracy]:
    """Energy from a run's beginning to the end of the first of its repeated actions at each level of quality."""
    if (quality := declared.quality) is None:
        return []
    rows = []
    first = [first_at(run.qualities, quality.levels) for run in group.runs]
    trained = sum(bool(run.repeated) for run in group.runs)
    for level in quality.levels:
        terms, at = [], []
        for run, own, places in zip(group.runs, group.terms, first, strict=True):
            if level in places:
                terms.append(own)
                at.append(run.until_action(run.series.actions.index(run.repeated[places[level]])))
        if terms:
            mean = mean_energy(terms, at, "gross")
            rows.append(EnergyToAccuracy(quality.metric, level, len(terms), trained, mean))
    return rows


def marginal_energy(group: Group, declared: UsefulWork) -> list[MarginalEnergy]:
    """Energy per percentage point between neighbouring levels of quality, where a run reached the lower one."""
    if (quality := declared.quality) is None:
        return []
    rows = []
    first = [first_at(run.qualities, quality.levels) for run in group.runs]
    for low, high in pairwise(quality.levels):
        started = sum(low in places for places in first)
        reached = sum(high in places for places in first)
        found = [
            (own, run.at_climb(position), 1 / (WH * climb.points))
            for run, own in zip(group.runs, group.terms, strict=True)
            for position, climb in enumerate(run.climbs)
            if (climb.low, climb.high) == (low, high)
        ]
        if started:
            terms, at, per_j = zip(*found, strict=True) if found else ((), (), ())
            mean = number_of(budget.of_mean(terms, at, np.array(per_j), "Wh/pp", "gross"))
            rows.append(MarginalEnergy(
                quality.metric, low, high, n=len(found), n_not_reached=started - reached,
                n_at_once=reached - len(found), energy_per_point=mean,
            ))  # fmt: skip
    return rows
