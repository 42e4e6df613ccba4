"""Which errors two means have in common: all that makes a mean of runs uncertain but their own spread, each error by
what identifies it and with the sign with which it stands in the mean.

Knows the contributions of runs (`contributions.RunTerms`) and which of them are one and the same error in two means
(method.md section 6). Knows no file, no difference and no ratio; `contrast.py` adds up.

Model. A mean is X = mu + sum_s c_s e_s + spread of its runs, e_s independent of mean 0 and standard deviation 1. Two
means that contain the same `Source` contain the same error, so any linear combination of them contains it with the
combination of their c_s: it cancels in a difference as far as both are equal.

| source | one and the same error (rho = 1) | otherwise independent |
|---|---|---|
| gain, stability | the same instrument (serial number) on the same fixed range, any session | other meter or range |
| assumed | as a gain | other meter or range, as bad as can be: what is left of each adds up (`added_up`) |
| certificate | the same instrument, range and certificate | other meter, recalibrated |
| offset | the same instrument, fixed range and sessions | other session (rho = 0, conservative) |
| baseline | the same block: c = - weight of the block * s of the block means | other campaign |
| baseline-shape | the same session: what few blocks do not see between them | other session |
| edges, stamp-convention | the same instrument: known in sign, so they cancel as far as equal | other meter |
| reported, resolution, clock, observer, gaps, short-interval | never: of unknown sign or make | always |

The drift since a certificate (`stability`) is taken as one unknown rate: its part is the age of the certificate times
that rate, so between two sessions only the difference of both ages stays. Sources and their sizes are those of
`budget.py`: the shares of one mean add up to the type B and the baseline line of its budget (a test keeps them equal).
"""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np

from reports.energy.budget import EvaluationType, Kind
from reports.energy.contributions import PartBaseline, PartTerms, RunTerms
from reports.energy.energy import SHAPE_DOF
from reports.energy.meter_error import ASSUMED_LINE, ROOT_3, MeterError

UNKNOWN_SERIALS = frozenset({"", "0", "none", "unknown", "n/a", "-"})
"""Serial numbers that identify no instrument."""


@dataclass(frozen=True, slots=True)
class Source:
    """An error of mean 0 and standard deviation 1. Sources of one `group` share their estimate of size, and so its
    degrees of freedom; `part` tells them apart (the blocks of a session's baseline)."""

    name: str
    type: EvaluationType
    group: tuple[object, ...]
    dof: float = math.inf
    part: int = 0


Shares: TypeAlias = Mapping[Source, float]
"""Error -> its signed contribution to a mean, in the mean's unit."""


ASSUMED = Source(ASSUMED_LINE, "B", (ASSUMED_LINE,))
"""All that is assumed of meters, as one error."""
EQUAL = 1e-9
"""What is left of two equal contributions is rounding below this part of them."""


def added_up(first: Shares, second: Shares, ratio: float) -> tuple[Shares, Shares]:
    """The errors of two means with all that is assumed as one: every error of a meter with the sign that makes it add
    to the others in second - `ratio` * first. Nothing says that they are independent."""
    signs = {}
    for source in dict.fromkeys((*first, *second)):
        if source.name == ASSUMED_LINE:
            one, two = ratio * first.get(source, 0.0), second.get(source, 0.0)
            signs[source] = -1.0 if two - one < -EQUAL * (abs(one) + abs(two)) else 1.0
    if not signs:
        return first, second
    joint = [math.fsum(signs[source] * share for source, share in shares.items() if source in signs)
             for shares in (first, second)]  # fmt: skip
    apart = [{source: share for source, share in shares.items() if source not in signs} for shares in (first, second)]
    return {**apart[0], ASSUMED: joint[0]}, {**apart[1], ASSUMED: joint[1]}


@dataclass(frozen=True, slots=True)
class MeasuredRun:
    """One run of a mean: its contributions (interval `at` of them), the campaign and the session it was made in."""

    terms: RunTerms
    at: int
    campaign: str
    session: str


def shares_of(runs: Sequence[MeasuredRun], side: str, kind: Kind, per_j: float) -> dict[Source, float]:
    """Every error of the mean energy of some runs but their spread; `per_j` turns joules into the result's unit.

    `side` names the mean: errors that nothing shares carry it.
    """
    found: dict[Source, float] = {}
    for source, share in (*_of_meters(runs, side, kind, per_j), *_of_runs(runs, side, kind, per_j)):
        found[source] = found.get(source, 0.0) + share
    for source, share in _of_baseline(runs, kind, per_j):
        found[source] = found.get(source, 0.0) + share
    return {source: share for source, share in found.items() if share}


@dataclass(frozen=True, slots=True)
class _Member:
    """One run as one meter saw it."""

    run: MeasuredRun
    part: PartTerms
    base: PartBaseline | None

    def of_run(self, name: str) -> float:
        return float(getattr(self.part, name)[self.run.at])

    @property
    def energy_j(self) -> float:
        return self.of_run("energy_j")

    @property
    def base_j(self) -> float:
        return 0.0 if self.base is None else float(self.base.energy_j[self.run.at])

    @property
    def duration_s(self) -> float:
        return float(self.run.terms.duration_s[self.run.at])


def _of_meters(runs: Sequence[MeasuredRun], side: str, kind: Kind, per_j: float) -> Iterator[tuple[Source, float]]:
    """Gain, offset, resolution or what the instrument stated, and the edges, of every meter on every range."""
    members: dict[tuple[object, ...], list[_Member]] = {}
    for run in runs:
        bases = run.terms.baselines if kind == "induced" and run.terms.baselines else (None,) * len(run.terms.parts)
        for part, base in zip(run.terms.parts, bases, strict=True):
            members.setdefault((run.campaign, *part.error.key), []).append(_Member(run, part, base))
    scale = per_j / len(runs)
    for (campaign, *_), own in members.items():
        yield from _of_meter(str(campaign), own, side, kind, scale)


def _of_meter(
    campaign: str, members: Sequence[_Member], side: str, kind: Kind, scale: float
) -> Iterator[tuple[Source, float]]:
    error = members[0].part.error
    meter = instrument(error, campaign)
    ranged = meter if error.one_range else (*meter, side)
    if all(member.part.reported_j is not None for member in members):
        own = math.fsum(member.of_run("reported_j") for member in members)
        base = math.fsum(
            float(m.base.reported_j[m.run.at]) for m in members if m.base is not None and m.base.reported_j is not None
        )
        yield Source("reported", "B", (*meter, side)), scale * math.hypot(own, base) / ROOT_3
    else:
        yield from _gains(campaign, members, ranged, scale)
        yield from _offsets(campaign, members, ranged, scale, kind)
    undithered = math.fsum(m.of_run("resolution_j") for m in members if not m.part.dithered[m.run.at])
    if error.resolution_w > 0 and undithered:
        both = math.sqrt(2.0) if kind == "induced" else 1.0
        yield Source("resolution", "B", (*meter, side)), scale * both * undithered
    loss = math.fsum(float(member.part.mean_loss_j[member.run.at]) for member in members)
    yield Source("edges", "B", meter), -scale * loss


def instrument(error: MeterError, campaign: str) -> tuple[object, ...]:
    """What identifies a meter on its range: model and serial number; without one its name in its campaign."""
    name, model, serial, span = error.key
    known = serial.strip().lower() not in UNKNOWN_SERIALS
    return (model, serial, span) if known else (campaign, name, model, span)


def _gains(
    campaign: str, members: Sequence[_Member], meter: tuple[object, ...], scale: float
) -> Iterator[tuple[Source, float]]:
    """What is a part of the reading: of the run, with the baseline's beside it where that has the same gain."""
    error = members[0].part.error
    same = [member.base is not None and member.base.same_range for member in members]
    own = math.fsum(m.energy_j - (m.base_j if one else 0.0) for m, one in zip(members, same, strict=True))
    apart = math.fsum(m.base_j for m, one in zip(members, same, strict=True) if not one)
    seconds = math.fsum(member.duration_s for member in members)
    joules = math.fsum(member.energy_j for member in members)
    for gain in error.gains(np.array([joules / seconds if seconds > 0 else 0.0])):
        u = float(gain.relative_u[0])
        proof = () if gain.source == "gain" or error.certificate is None else (error.certificate.day.isoformat(),)
        yield Source(gain.source, "B", (*meter, *proof)), scale * own * u
        yield Source(gain.source, "B", (*meter, *proof, "baseline", campaign)), -scale * apart * u


def _offsets(
    campaign: str, members: Sequence[_Member], meter: tuple[object, ...], scale: float, kind: Kind
) -> Iterator[tuple[Source, float]]:
    """Parts of range and last digit. In the induced energy only of runs whose baseline is of another session, where
    that baseline errs by itself too."""
    u_w = members[0].part.error.offset_u_w
    apart = [m for m in members if kind == "gross" or m.base is None or not m.base.same_session]
    seconds = math.fsum(member.duration_s for member in apart)
    sessions = frozenset(member.run.session for member in apart)
    yield Source("offset", "B", (*meter, sessions)), scale * seconds * u_w
    if kind == "induced":
        yield Source("offset", "B", (*meter, "baseline", campaign)), -scale * seconds * u_w


def _of_runs(runs: Sequence[MeasuredRun], side: str, kind: Kind, per_j: float) -> Iterator[tuple[Source, float]]:
    """What is of no single meter: clock, observer, gaps, an unknown convention of the stamps."""
    induced, scale = kind == "induced", per_j / len(runs)
    clock = math.fsum(float(run.terms.clock_w(induced=induced)[run.at]) for run in runs)
    bound_s = math.fsum(run.terms.clock_bound_s for run in runs) / len(runs)
    yield Source("clock", "B", (side,)), scale * clock * bound_s / ROOT_3
    observer = next((run.terms.observer_w(induced=induced) for run in runs), None)
    if observer is not None:
        seconds = math.fsum(float(run.terms.duration_s[run.at]) for run in runs)
        yield Source("observer", "B", (side,), observer.dof), scale * seconds * observer.u
    limit = math.fsum(float(run.terms.limit_j(induced=induced)[run.at]) for run in runs)
    yield Source("short-interval", "B", (side,)), scale * limit / ROOT_3
    gaps = math.fsum(float(part.gap_j[run.at]) for run in runs for part in run.terms.parts)
    yield Source("gaps", "B", (side,)), scale * gaps
    for run in runs:
        moved = run.terms.convention_induced_j if induced else run.terms.convention_j
        if moved is not None:
            meters = tuple(sorted(str(instrument(part.error, run.campaign)) for part in run.terms.parts))
            yield Source("stamp-convention", "B", meters), scale * float(moved[run.at]) / ROOT_3


def _of_baseline(runs: Sequence[MeasuredRun], kind: Kind, per_j: float) -> Iterator[tuple[Source, float]]:
    """Every baseline block by the weight with which it stands in the mean; in that of the total only beside intervals
    below two windows."""
    for run in runs:
        level = run.terms.level
        if level is None or level.sd_w is None:
            continue
        group = ("baseline", run.campaign, level.session, level.shares.size)
        seconds = float(run.terms.spill_s[run.at] + (run.terms.duration_s[run.at] if kind == "induced" else 0.0))
        factor = seconds * per_j / len(runs)
        unseen = Source("baseline-shape", "B", ("baseline-shape", run.campaign, level.session), SHAPE_DOF)
        yield unseen, -factor * level.shape_w / ROOT_3
        for block, weight in enumerate(level.shares.tolist()):
            yield Source("baseline", "A", group, level.dof, block), -factor * weight * level.sd_w
