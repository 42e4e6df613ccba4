"""One tracker beside the meter in the runs of one scenario: ratio, agreement, phases and epochs.

Knows pairs of one scenario and one tracker. Does not know other scenarios (section.py), nor how a figure is split into
parts (decomposition.py).

Over the n runs of a scenario

    R = mean(E_T) / mean(E_M)             Fieller's interval; what all E_M share (gain, offset, ...) joins it
    d_i = ln(E_T,i / E_M,i)               bias and limits of agreement (agreement.py); scenarios are clusters

Epochs of one run are no replicates: over all epochs together each run is one pair of sums.
"""

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from reports.energy import budget
from reports.energy.contributions import RunTerms
from reports.energy.efficiency import Ratio, ratio_of_means
from reports.energy.energy import WH
from reports.inference.agreement import agreement
from reports.results.trackers import ComparedStretch, Factor, TrackerComparison
from reports.results.uncertainty import Estimate, Term, count, mean_of, mean_with_shared
from reports.trackers.decomposition import Decomposition, certain
from reports.trackers.pair import WHOLE, Pair

Floats = NDArray[np.float64]
Value = TypeVar("Value")


@dataclass(frozen=True, slots=True)
class Member:
    """One stretch of one run: the run's terms, the stretch's place among them, the tracker's figure of it (Wh)."""

    terms: RunTerms
    place: int
    tracker_wh: float

    @property
    def meter_wh(self) -> float:
        """The meter's energy of it."""
        return float(self.terms.energy_j[self.place]) / WH


@dataclass(frozen=True)
class Comparison:
    """Pairs of one tracker in the runs of one scenario, each with an energy by the meter. `supply`: the power supply's
    efficiency, None where not stated."""

    pairs: Sequence[Pair]
    supply: Estimate | None

    @cached_property
    def terms(self) -> list[RunTerms]:
        """Of every pair (one without them enters no comparison)."""
        return [pair.terms for pair in self.pairs if pair.terms is not None]

    @cached_property
    def budget(self) -> budget.Budget:
        """The budget of the meter's mean energy (Wh)."""
        per_j = np.full(len(self.pairs), 1 / WH)
        whole = budget.of_mean(self.terms, [WHOLE] * len(self.pairs), per_j, "Wh", "gross")
        assert whole is not None  # every pair has an energy
        return whole

    @property
    def relative(self) -> Term:
        """What all energies of the meter share, relative to their mean."""
        shared, mean_wh = self.budget.shared, self.budget.number.value
        return Term(shared.u / mean_wh, shared.dof)

    @cached_property
    def tracker_wh(self) -> Floats:
        """The tracker's figures, shape (runs,)."""
        return np.array([pair.energy_wh for pair in self.pairs])

    @cached_property
    def meter_wh(self) -> Floats:
        """The meter's, shape (runs,)."""
        return np.array([pair.meter_wh for pair in self.pairs])

    @cached_property
    def ratio(self) -> Ratio:
        """Ratio of the means."""
        return ratio_of_means(self.tracker_wh, self.meter_wh, self.budget.shared, "1")

    def record(self) -> TrackerComparison:
        """`trackers.scenarios.NAME.TRACKER`."""
        accounts = [pair.account for pair in self.pairs]
        factors = distinct((account.factor, account.factor_reason) for account in accounts)
        parts = Decomposition(self.pairs, self.tracker_wh, self.meter_wh, self.budget.shared, self.ratio.number)
        return TrackerComparison(
            n=count(len(self.pairs)),
            versions=distinct(account.version for account in accounts if account.version is not None),
            factors=tuple(Factor(factor, reason) for factor, reason in factors),
            tracker_wh=certain(mean_of(self.tracker_wh, "Wh")), meter_wh=self.budget.number,
            complete=not any(source == "limits-of-error" for source, _ in self.budget.missing),
            duration_s=certain(mean_of([float(terms.duration_s[WHOLE]) for terms in self.terms], "s")),
            ratio=self.ratio.number, interval=self.ratio.interval,
            agreement=agreement(self.tracker_wh, self.meter_wh, self.relative), intervals=tuple(self._stretches()),
            parts=parts.parts(), gpu=parts.gpu(), rest=parts.rest(), supply=parts.supply(self.supply),
            methods=self._methods(), problems=distinct(text for account in accounts for text in account.problems),
        )  # fmt: skip

    def _methods(self) -> dict[str, tuple[str, ...]]:
        """Part -> how the tracker had its figure."""
        methods = [pair.account.methods for pair in self.pairs]
        names = sorted({name for own in methods for name in own})
        return {name: distinct(own[name] for own in methods if name in own) for name in names}

    def _stretches(self) -> Iterator[ComparedStretch]:
        """Each part that the tracker reports by itself, over the runs that have it; then all parts of a name together,
        each run one pair of sums (`index` None)."""
        gathered: dict[tuple[str, int], list[Member]] = {}
        for pair, terms in zip(self.pairs, self.terms, strict=True):
            for place, stretch in enumerate(pair.stretches, WHOLE + 1):
                own = gathered.setdefault((stretch.name, stretch.index), [])
                own.append(Member(terms, place, stretch.energy_wh))
        for (name, index), members in sorted(gathered.items()):
            yield _together(name, index, [[member] for member in members])
        names = [name for name, _ in gathered]
        for name in sorted({name for name in names if names.count(name) > 1}):
            by_run: dict[int, list[Member]] = {}
            for member in (member for (other, _), own in gathered.items() if other == name for member in own):
                by_run.setdefault(id(member.terms), []).append(member)
            yield _together(name, None, list(by_run.values()))


def _together(name: str, index: int | None, runs: Sequence[Sequence[Member]]) -> ComparedStretch:
    """Sums of each run's members by both; the meter's errors of one run's members are fully correlated."""
    flat = [member for members in runs for member in members]
    per_j = np.full(len(flat), len(flat) / len(runs) / WH)
    whole = budget.of_mean([member.terms for member in flat], [member.place for member in flat], per_j, "Wh", "gross")
    shared = Term(0.0, math.inf) if whole is None else whole.shared
    tracker_wh = np.array([math.fsum(member.tracker_wh for member in members) for members in runs])
    meter_wh = np.array([math.fsum(member.meter_wh for member in members) for members in runs])
    ratio = ratio_of_means(tracker_wh, meter_wh, shared, "1") if meter_wh.mean() > 0 else None
    return ComparedStretch(
        name, index, len(runs), certain(mean_of(tracker_wh, "Wh")), mean_with_shared(meter_wh, "Wh", shared),
        None if ratio is None else ratio.number, None if ratio is None else ratio.interval,
    )  # fmt: skip


def distinct(values: Iterable[Value]) -> tuple[Value, ...]:
    """Each value once, in the order of their first."""
    return tuple(dict.fromkeys(values))
