"""One side of a comparison: its runs, and every quantity of them as a mean with its errors.

Knows campaigns as `campaign.analyse` returns them. Knows no other side, no test, no page.

A side is one scenario of a campaign, or that of several campaigns pooled (`refusals.refuse_to_pool` comes first). A
session is one boot of host and SUT, wherever it was recorded; where either is not known, and of imports, it is the
campaign's own.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from harness.record.work import Work
from reports.campaign.group import Group
from reports.campaign.run import AT_RUN, AnalysedRun
from reports.campaign.work import work_by_run
from reports.comparison.campaign import Campaign
from reports.energy import efficiency
from reports.energy.budget import Budget
from reports.energy.common_errors import Shares, shares_of
from reports.energy.energy import WH
from reports.energy.sample import Kind, MeasuredRun
from reports.inference.contrast import Mean
from reports.ratings.iso14756 import Tasks, Timeliness, tasks_of
from reports.ratings.served import ServedType, timeliness_of
from reports.results.budget import Shortage
from reports.results.useful_work import kinds_of

Floats: TypeAlias = NDArray[np.float64]
Lack: TypeAlias = tuple[Shortage, str | None]
"""What an uncertainty lacks, of which meter."""
NOTHING: Floats = np.zeros(0)


@dataclass(frozen=True, slots=True)
class Quantity:
    """One quantity of one side: its mean (None: `reason`, a code, says why there is none), the value of every run, what
    its uncertainty lacks as (code, meter)."""

    unit: str
    mean: Mean | None
    values: Floats
    reason: str | None = None
    missing: tuple[Lack, ...] = ()


@dataclass(frozen=True, slots=True)
class SubmittedTasks:
    """Tasks of one type, arrays of shape (runs,): how many were submitted and done, execution time of those that were
    done, summed (s). `function`: their timeliness function, `timely`: e; None without one."""

    counts: Floats
    done: Floats
    sums_s: Floats
    function: Timeliness | None
    timely: int | None

    @classmethod
    def of(cls, types: Sequence[ServedType], function: Timeliness | None) -> "SubmittedTasks":
        """Of what the runs served."""
        counts, done, sums_s = (
            np.array(values, dtype=np.float64)
            for values in zip(*((one.count, one.execution.n, one.execution.sum_s) for one in types), strict=True)
        )
        timely = None if function is None else sum(one.counted_as_timely(function) for one in types)
        return cls(counts, done, sums_s, function, timely)


@dataclass(frozen=True)
class Side:
    """One side: scenario groups of one or more campaigns, under one label."""

    label: str
    parts: tuple[tuple[Campaign, str], ...]

    @cached_property
    def groups(self) -> list[Group]:
        """The included runs of each part."""
        return [campaign.result.groups[scenario] for campaign, scenario in self.parts]

    @cached_property
    def runs(self) -> list[AnalysedRun]:
        """All included runs, part by part in order of time."""
        return [run for group in self.groups for run in group.runs]

    @property
    def names_of_parts(self) -> list[str]:
        """What each part is called: its campaign and its scenario."""
        return [f"{campaign.name}:{scenario}" for campaign, scenario in self.parts]

    @property
    def excluded(self) -> int:
        """Runs that were begun and are in no mean."""
        return sum(campaign.begun(scenario) for campaign, scenario in self.parts) - len(self.runs)

    @cached_property
    def quantities(self) -> dict[str, Quantity]:
        """Name -> quantity: energies, duration, and every efficiency factor by total and by induced energy."""
        gross, induced = self._energy("gross"), self._energy("induced")
        duration = Quantity("s", _mean(self.durations_s, {}), self.durations_s)
        quantities = {"energy_wh": gross, "induced_energy_wh": induced, "duration_s": duration}
        for basis, energy in (("total", gross), ("induced", induced)):
            for work in self._declared:
                quantity = self._efficiency(work, energy, basis)
                if quantity is not None:
                    quantities[f"{work.name}.{basis}"] = quantity
        return quantities

    @cached_property
    def submitted(self) -> Mapping[str, SubmittedTasks]:
        """Task type -> its tasks, where every run served the same parameter set; empty where runs are tasks."""
        served = [run.served for run in self.runs if run.served is not None]
        if not served or len(served) < len(self.runs) or len({own.digest for own in served}) > 1:
            return {}
        return {
            name: SubmittedTasks.of([own.types[name] for own in served], timeliness_of(served[0].population, name))
            for name in served[0].population.task_types
        }

    @cached_property
    def counts(self) -> Floats:
        """Tasks of every run: b; one where the run is the task."""
        if not self.submitted:
            return np.ones(len(self.runs))
        return np.asarray(np.sum([own.counts for own in self.submitted.values()], axis=0), dtype=np.float64)

    @cached_property
    def energy_per_task(self) -> Mean | None:
        """Energy of one task (Wh), to first order; its errors are those of the energy."""
        energy = self.quantities["energy_wh"].mean
        if energy is None or not self.counts.any():
            return None
        found = ratio_mean(self.quantities["energy_wh"].values, self.counts)
        shares = {source: share / float(self.counts.mean()) for source, share in energy.shares.items()}
        return Mean(found.value, found.away, shares, energy.known)

    @cached_property
    def tasks(self) -> Tasks:
        """What each run is rated for as a task (`iso14756`), where runs are tasks."""
        marked_s = [
            sum(spans_s)
            if (spans_s := [(a.end_ns - a.begin_ns) * 1e-9 for a in run.series.actions if a.name == run.goal.task])
            else None
            for run in self.runs
        ]  # fmt: skip
        return tasks_of(marked_s, self.durations_s)

    @cached_property
    def durations_s(self) -> Floats:
        """Rating interval of every run."""
        return np.concatenate([group.durations_s for group in self.groups])

    @cached_property
    def repetitions(self) -> dict[int, tuple[int, int]]:
        """Repetition -> place among the runs, seed; only where each repetition stands once."""
        places = {run.run.start.repetition: (at, run.run.start.seed) for at, run in enumerate(self.runs)}
        return places if len(places) == len(self.runs) else {}

    @cached_property
    def sessions(self) -> frozenset[str]:
        """The sessions in which its runs were made."""
        return frozenset(run.session for run in self._measured)

    @cached_property
    def _measured(self) -> list[MeasuredRun]:
        return [
            MeasuredRun(terms, AT_RUN, campaign.head, _session(run, campaign.head))
            for (campaign, _), group in zip(self.parts, self.groups, strict=True)
            for run, terms in zip(group.runs, group.terms, strict=True)
        ]

    def _energy(self, kind: Kind) -> Quantity:
        if kind == "gross":
            values = np.concatenate([group.energies_wh for group in self.groups])
            missing, known = _missing(group.gross_budget for group in self.groups), True
        else:
            values = np.concatenate([group.induced_wh for group in self.groups])
            if not np.isfinite(values).all():
                return Quantity("Wh", None, values, "no-baseline")
            missing = _missing(group.induced_budget for group in self.groups)
            known = all(level is not None and level.sd_w is not None for group in self.groups for level in group.levels)
        shares = shares_of(self._measured, self.label, kind, 1 / WH)
        return Quantity("Wh", _mean(values, shares, known=known), values, None, missing)

    def _efficiency(self, declared: Work, energy: Quantity, basis: str) -> Quantity | None:
        """Ratio of the means of work and energy; its runs' deviations and errors to first order (delta method)."""
        work = np.array([done.get(declared.name, np.nan) for done in self._work])
        unit = declared.unit
        if not np.isfinite(work).any():
            return None
        if energy.mean is None:
            return Quantity(unit, None, NOTHING, energy.reason)
        if not np.isfinite(work).all():
            return Quantity(unit, None, NOTHING, "work-not-in-every-run")
        expanded = energy.mean.estimate.expanded
        if basis == "induced" and (expanded is None or energy.mean.value <= expanded):
            return Quantity(unit, None, NOTHING, "induced-not-told-from-zero")
        scale = efficiency.unit_of_wh(declared)
        energies, mean = energy.values * scale, energy.mean.value * scale
        value = float(work.mean()) / mean
        away = (work - work.mean() - value * (energies - mean)) / mean
        shares = {source: -value * share * scale / mean for source, share in energy.mean.shares.items()}
        per_run = np.divide(work, energies, out=np.full(work.size, np.nan), where=energies > 0)
        return Quantity(unit, Mean(value, away, shares, energy.mean.known), per_run, None, energy.missing)

    @cached_property
    def _declared(self) -> list[Work]:
        return list(kinds_of(run.useful_work for run in self.runs).values())

    @cached_property
    def _work(self) -> list[dict[str, float]]:
        return [work for group in self.groups for work in work_by_run(group)]


def _mean(values: Floats, shares: Shares, *, known: bool = True) -> Mean:
    value = float(values.mean())
    return Mean(value, values - value, shares, known)


def ratio_mean(above: Floats, below: Floats) -> Mean:
    """Ratio of the means of two values of every run, its runs' deviations to first order (delta method)."""
    value, scale = float(above.mean()) / float(below.mean()), float(below.mean())
    return Mean(value, (above - above.mean() - value * (below - below.mean())) / scale, {})


def _session(run: AnalysedRun, campaign: str) -> str:
    boots = (run.run.start.host.get("boot_id"), run.run.start.sut.get("boot_id"))
    return run.session if all(boots) and run.run.start.source is None else f"{campaign} {run.session}"


def _missing(budgets: Iterable[Budget | None]) -> tuple[Lack, ...]:
    """What the uncertainties of all parts lack."""
    lacks = {lack for budget in budgets if budget is not None for lack in budget.missing}
    return tuple(sorted(lacks, key=lambda lack: (lack[0], lack[1] or "")))
