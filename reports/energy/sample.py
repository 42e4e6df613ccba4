"""Runs whose energies are one number: one interval of each as a mean, or every interval of a single run by itself.

Knows the contributions of runs (`contributions.RunTerms`), which meter measured what, and the campaign and session of a
run. Knows no error source (`sources.py`), no budget and no comparison.
"""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Literal, TypeAlias

import numpy as np

from reports.energy.contributions import PartBaseline, PartTerms, RunTerms
from reports.energy.meter_error import Floats, MeterError

Kind: TypeAlias = Literal["gross", "induced"]
Value: TypeAlias = float | Floats
"""Of a mean one number, of a run one for each of its k intervals."""
UNKNOWN_SERIALS = frozenset({"", "0", "none", "unknown", "n/a", "-"})
"""Serial numbers that identify no instrument."""


@dataclass(frozen=True, slots=True)
class MeasuredRun:
    """One run: its contributions, the interval `at` of them (None: every one by itself), the campaign and the session
    it was made in; `per_j` turns its joules into the result's unit."""

    terms: RunTerms
    at: int | None
    campaign: str = ""
    session: str = ""
    per_j: float = 1.0

    def of(self, values: Floats) -> Value:
        """Its own of k values."""
        return values if self.at is None else float(values[self.at])

    @property
    def duration_s(self) -> Value:
        """Length of the interval."""
        return self.of(self.terms.duration_s)

    @property
    def spill_s(self) -> Value:
        """Time beside the interval over which the baseline was subtracted too."""
        return self.terms.spill_s if self.at is None else max(float(part.spill_s[self.at]) for part in self.terms.parts)


@dataclass(frozen=True, slots=True)
class Member:
    """One run as one meter saw it; `base` is the baseline of its circuit, None where none is subtracted."""

    run: MeasuredRun
    part: PartTerms
    base: PartBaseline | None

    def of_part(self, name: str) -> Value:
        """A contribution of `PartTerms`."""
        return self.run.of(getattr(self.part, name))

    @property
    def base_j(self) -> Value:
        """Energy of the baseline by its meter."""
        return 0.0 if self.base is None else self.run.of(self.base.energy_j)

    @property
    def base_reported_j(self) -> Value:
        """The limit that the instrument stated of the baseline."""
        limits_j = None if self.base is None else self.base.reported_j
        return 0.0 if limits_j is None else self.run.of(limits_j)

    @property
    def has_same_range(self) -> bool:
        """Whether the baseline was measured by the same meter on the same fixed range."""
        return self.base is not None and self.base.same_range

    @property
    def has_same_session(self) -> bool:
        """The same, in the same session."""
        return self.base is not None and self.base.same_session


@dataclass(frozen=True)
class Sample:
    """The runs of one number, at least one; `side` names it among others: errors that nothing shares carry it."""

    runs: Sequence[MeasuredRun]
    kind: Kind
    side: str = ""

    @property
    def is_mean(self) -> bool:
        """Whether it is a mean over runs, whose spread is evaluated by itself."""
        return self.runs[0].at is not None

    @property
    def is_induced(self) -> bool:
        """Whether the baseline is subtracted."""
        return self.kind == "induced"

    def sum(self, values: Iterable[Value]) -> Value:
        """Over all runs."""
        addends = list(values)
        return math.fsum(addends) if self.is_mean else np.asarray(np.sum(addends, axis=0))  # type: ignore[arg-type]

    def mean(self, values: Iterable[Value]) -> Value:
        """Sum over the runs that contribute, over the number of all."""
        return self.sum(values) / len(self.runs)

    @cached_property
    def members(self) -> tuple[Member, ...]:
        """Every run by every meter."""
        return tuple(
            Member(run, part, base) for run in self.runs
            for part, base in zip(run.terms.parts, self._baselines(run.terms), strict=True)
        )  # fmt: skip

    @cached_property
    def meters(self) -> tuple[tuple[Member, ...], ...]:
        """What each meter measured on each of its ranges."""
        members: dict[tuple[str, ...], list[Member]] = {}
        for member in self.members:
            members.setdefault((member.run.campaign, *member.part.error.key), []).append(member)
        return tuple(map(tuple, members.values()))

    def _baselines(self, terms: RunTerms) -> Sequence[PartBaseline | None]:
        return terms.baselines if self.is_induced and terms.baselines else (None,) * len(terms.parts)


def instrument(error: MeterError, campaign: str) -> tuple[object, ...]:
    """What identifies a meter on its range: model and serial number; without one its name in its campaign."""
    name, model, serial, span = error.key
    known = serial.strip().lower() not in UNKNOWN_SERIALS
    return (model, serial, span) if known else (campaign, name, model, span)
