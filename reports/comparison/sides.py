"""The sides of a comparison: which runs of which campaigns, and every quantity of them as a mean with its errors.

Knows campaigns as `campaign.analyse` returns them. Knows no difference, no test, no page.

A side is one scenario of a campaign, or that of several campaigns pooled (`comparability.refuse_to_pool` comes first).
What identifies a campaign is the head of its chained log, so the same campaign in two folders is one. A session is one
boot of host and SUT, wherever it was recorded; where either is not known, and of imports, it is the campaign's own.
"""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from harness.record.campaign_folder import CampaignFolder
from harness.record.documents import Json
from harness.record.errors import AnalysisError
from harness.record.verify import examine
from reports.campaign.analyse import analyse
from reports.campaign.document import Analysis, results_text
from reports.campaign.group import Group
from reports.campaign.iso14756 import TASK, Tasks, tasks_of
from reports.campaign.run import AT_RUN, AnalysedRun
from reports.campaign.work import work_by_run
from reports.comparison import comparability
from reports.energy import efficiency
from reports.energy.common_errors import shares_of
from reports.energy.energy import WH
from reports.energy.sample import MeasuredRun
from reports.energy.sources import Source
from reports.inference.contrast import Mean

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Part:
    """A part of a side as the user names it: a campaign folder, and one of its scenarios (None: each of them)."""

    folder: Path
    scenario: str | None = None


@dataclass(frozen=True)
class Campaign:
    """A campaign, recomputed from its run folders."""

    name: str
    head: str
    result: Analysis

    @cached_property
    def text(self) -> str:
        """Its results.json as it would be written now."""
        return results_text(self.result.results)

    @property
    def scenarios(self) -> tuple[str, ...]:
        """Scenarios of which a run is in the means."""
        return tuple(name for name, group in self.result.groups.items() if group.runs)


@dataclass(frozen=True, slots=True)
class Quantity:
    """One quantity of one side: its mean (None: `reason`, a code, says why there is none), the value of every run, what
    its uncertainty lacks as (code, meter)."""

    unit: str
    mean: Mean | None
    values: Floats
    reason: str | None = None
    missing: tuple[tuple[str, str | None], ...] = ()


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

    @cached_property
    def excluded(self) -> int:
        """Runs that were begun and are in no mean."""
        begun = [
            run for campaign, scenario in self.parts for run in campaign.result.numbers.runs
            if run.kind == "scenario" and run.scenario == scenario
        ]  # fmt: skip
        return len(begun) - len(self.runs)

    @cached_property
    def quantities(self) -> dict[str, Quantity]:
        """Name -> quantity: energies, duration, and every efficiency factor by total and by induced energy."""
        gross, induced = self._energy("gross"), self._energy("induced")
        found = {"energy_wh": gross, "induced_energy_wh": induced, "duration_s": self._duration()}
        for basis, energy in (("total", gross), ("induced", induced)):
            for kind in efficiency.WORK:
                quantity = self._efficiency(kind, energy, basis)
                if quantity is not None:
                    found[f"{kind}.{basis}"] = quantity
        return found

    @cached_property
    def tasks(self) -> Tasks:
        """The trainings as tasks (`iso14756`)."""
        trainings = [
            sum(marked) if (marked := [(a.end_ns - a.begin_ns) * 1e-9 for a in run.series.actions if a.name == TASK])
            else None
            for run in self.runs
        ]  # fmt: skip
        return tasks_of(trainings, self.durations_s)

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

    def _energy(self, kind: str) -> Quantity:
        if kind == "gross":
            values = np.concatenate([group.energies_wh for group in self.groups])
            shares = shares_of(self._measured, self.label, "gross", 1 / WH)
            budgets = [group.gross_budget for group in self.groups]
            missing = {one for budget in budgets if budget is not None for one in budget.missing}
            return Quantity("Wh", _mean(values, shares), values, None, _sorted(missing))
        values = np.concatenate([group.induced_wh for group in self.groups])
        if not np.isfinite(values).all():
            return Quantity("Wh", None, values, "no-baseline")
        missing = {
            one for group in self.groups if group.induced_budget is not None for one in group.induced_budget.missing
        }
        shares = shares_of(self._measured, self.label, "induced", 1 / WH)
        known = all(level is not None and level.sd_w is not None for group in self.groups for level in group.levels)
        return Quantity("Wh", _mean(values, shares, known=known), values, None, _sorted(missing))

    def _duration(self) -> Quantity:
        return Quantity("s", _mean(self.durations_s, {}), self.durations_s)

    def _efficiency(self, kind: str, energy: Quantity, basis: str) -> Quantity | None:
        """Ratio of the means of work and energy; its runs' deviations and errors to first order (delta method)."""
        work = np.array([one.get(kind, np.nan) for one in self._work])
        unit = efficiency.WORK[kind][1]
        if not np.isfinite(work).any():
            return None
        nothing = np.zeros(0)
        if energy.mean is None:
            return Quantity(unit, None, nothing, energy.reason)
        if not np.isfinite(work).all():
            return Quantity(unit, None, nothing, "work-not-in-every-run")
        expanded = energy.mean.estimate.expanded
        if basis == "induced" and (expanded is None or energy.mean.value <= expanded):
            return Quantity(unit, None, nothing, "induced-not-told-from-zero")
        scale = WH if unit == "1/J" else 1.0
        energies, mean = energy.values * scale, energy.mean.value * scale
        value = float(work.mean()) / mean
        away = (work - work.mean() - value * (energies - mean)) / mean
        shares = {source: -value * share * scale / mean for source, share in energy.mean.shares.items()}
        per_run = np.divide(work, energies, out=np.full(work.size, np.nan), where=energies > 0)
        return Quantity(unit, Mean(value, away, shares, energy.mean.known), per_run, None, energy.missing)

    @cached_property
    def _work(self) -> list[dict[str, float]]:
        return [work for group in self.groups for work in work_by_run(group)]


def read_campaign(folder: Path) -> Campaign:
    """Examine and recompute a campaign.

    Raises:
        AnalysisError: it holds no run that can be read. RunFolderError: it is no campaign.
    """
    seen = examine(folder)
    return Campaign(folder.resolve().name, CampaignFolder(folder).head(), analyse(folder, seen))


def read_campaigns(sides: Sequence[Sequence[Part]]) -> dict[Path, Campaign]:
    """Every campaign that the sides name, each read once."""
    folders = dict.fromkeys(part.folder for side in sides for part in side)
    by_place = {place: read_campaign(place) for place in dict.fromkeys(folder.resolve() for folder in folders)}
    names = [campaign.name for campaign in by_place.values()]
    for place, campaign in by_place.items():
        if names.count(campaign.name) > 1:
            by_place[place] = replace(campaign, name=f"{place.parent.name}/{campaign.name}")
    return {folder: by_place[folder.resolve()] for folder in folders}


def line_up(
    sides: Sequence[Sequence[Part]], campaigns: dict[Path, Campaign], labels: Sequence[str] = ()
) -> list[tuple[str, list[Side]]]:
    """(name, sides) of every comparison that is meant: one where every part names its scenario, else one for each
    scenario that all campaigns have. `labels`: what each side is called, empty where its campaigns say it.

    Raises:
        AnalysisError: a scenario is not there, nothing is common, or a run stands there twice.
    """
    parts = [part for side in sides for part in side]
    called = list(zip(sides, labels or [""] * len(sides), strict=True))
    named = [part.scenario is not None for part in parts]
    if any(named) and not all(named):
        without = next(part for part in parts if part.scenario is None)
        has = ", ".join(campaigns[without.folder].scenarios)
        raise AnalysisError(
            f"{without.folder}: no scenario is named while another side names one; write {without.folder}:SCENARIO "
            f"(it has {has or 'none'}), or name none anywhere to compare every scenario that all have"
        )
    if all(named):
        found = [("", [_side(side, campaigns, None, label) for side, label in called])]
    else:
        common = [n for n in campaigns[parts[0].folder].scenarios
                  if all(n in campaigns[p.folder].scenarios for p in parts)]  # fmt: skip
        if not common:
            have = "; ".join(f"{p.folder} has {', '.join(campaigns[p.folder].scenarios) or 'none'}" for p in parts)
            raise AnalysisError(f"no scenario is in all of these campaigns: {have}; name them as FOLDER:SCENARIO")
        found = [(name, [_side(side, campaigns, name, label) for side, label in called]) for name in common]
    for _, of_set in found:
        of_parts = [
            (f"{campaign.name}:{name}", group.runs)
            for side in of_set
            for (campaign, name), group in zip(side.parts, side.groups, strict=True)
        ]
        if (twice := comparability.same_run(of_parts)) is not None:
            raise AnalysisError(f"{twice}; name each campaign and scenario once")
    return found


def _side(parts: Sequence[Part], campaigns: dict[Path, Campaign], scenario: str | None, called: str) -> Side:
    chosen = []
    for part in parts:
        campaign, name = campaigns[part.folder], part.scenario or scenario or ""
        if name not in campaign.scenarios:
            raise AnalysisError(
                f"{part.folder}: no run of a scenario {name!r} is in its means; it has "
                f"{', '.join(campaign.scenarios) or 'none'} (`wattlab report {part.folder}` lists every run)"
            )
        chosen.append((campaign, name))
    label = "+".join(campaign.name if scenario else f"{campaign.name}:{name}" for campaign, name in chosen)
    return Side(called or label, tuple(chosen))


def _mean(values: Floats, shares: dict[Source, float], *, known: bool = True) -> Mean:
    value = float(values.mean())
    return Mean(value, values - value, shares, known)


def _session(run: AnalysedRun, campaign: str) -> str:
    boots = (run.run.start.host.get("boot_id"), run.run.start.sut.get("boot_id"))
    return run.session if all(boots) and run.run.start.source is None else f"{campaign} {run.session}"


def _sorted(missing: Collection[tuple[str, str | None]]) -> tuple[tuple[str, str | None], ...]:
    return tuple(sorted(missing, key=lambda one: (one[0], one[1] or "")))


def inputs_of(sides: Sequence[Side]) -> Iterator[Json]:
    """Every campaign once: by name, uid, head of its chained log, and the manifests of its runs."""
    seen = dict.fromkeys(campaign.head for side in sides for campaign, _ in side.parts)
    by_head = {campaign.head: campaign for side in sides for campaign, _ in side.parts}
    for head in seen:
        campaign = by_head[head]
        numbers = campaign.result.numbers
        yield {
            "folder": campaign.name, "name": numbers.campaign.name, "uid": numbers.campaign.uid,
            "chain_head": head, "runs": numbers.inputs,
        }  # fmt: skip
