"""Every error source of an energy, once: what each run and meter contributes, with its sign, and which error it is.

Knows the runs of one number (`sample.Sample`), their contributions and the limits of their meters (method.md, 6).
Knows no number's spread, no budget (`budget.py`: the lines of a mean, and U of single intervals) and no difference of
two means (`common_errors.py`): these are views of `contributions`.

Model. X = mu + sum_e c_e e + spread of the runs, every error e of mean 0 and standard deviation 1. A contribution is
one source: u of its input, and for each error that it is made of the signed sensitivity of the number to it. An error
is identified by its `Group`, so numbers that contain the same one can be told:

| source | one and the same error (rho = 1) | otherwise independent |
|---|---|---|
| gain, stability | the same instrument (serial number) on the same fixed range, any session | other meter or range |
| assumed | as a gain | other meter or range, as bad as can be: what is left of each adds up |
| transfer, kind, wall | the same certificate and software meter; misfit, kind: in the same mean | other certificate |
| certificate | the same instrument, range and certificate | other meter, recalibrated |
| offset | the same instrument, fixed range and sessions | other session (rho = 0, conservative) |
| baseline | the same block: c = - weight of the block * s of the block means | other campaign |
| baseline-shape | the same session: what few blocks do not see between them | other session |
| edges, stamp-convention | the same instruments, which see one load step together: known in sign | other meters |
| reported, resolution, clock, observer, gaps, short-interval | never: of unknown sign or make | always |

The drift since a certificate (`stability`) is taken as one unknown rate: its part is the age of the certificate times
that rate, so between two sessions only the difference of both ages stays. Of a mean, what is random in single runs
stands in their spread and is no contribution (GUM 4.3.10): deviations at edges, sampling, dithered resolution, spill.
"""

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias

import numpy as np

from reports.energy.contributions import per_second
from reports.energy.energy import SHAPE_DOF, BaselineLevel
from reports.energy.meter_error import ROOT_3, Distribution, Floats
from reports.energy.sample import Member, Sample, Value, instrument
from reports.results.rules import Rule, was
from reports.results.transfer_error import TransferError

EvaluationType: TypeAlias = Literal["A", "B"]
Group: TypeAlias = tuple[object, ...]
"""What identifies an error. The blocks of one baseline share their estimate of size and are told apart by a part."""
Joint: TypeAlias = Literal["independent", "signed", "limits"]
"""How the errors of one source stand to each other: independent, one error with its sign, or alike as bad as can be."""
Subtracted: TypeAlias = tuple[Group, BaselineLevel, Value]
"""Campaign and session of the blocks, P_B, and how long it was subtracted from a run (s, in the result's unit)."""
HEIGHT, SLOPE, MISFIT, KIND, SCATTER = range(5)
"""Parts of the error of an estimate by a transfer function."""
OF_BASELINE = "of the baseline"
"""Marks an error that the baseline has by itself."""


@dataclass(frozen=True, slots=True)
class Source:
    """An error of mean 0 and standard deviation 1. Sources of one `group` share their estimate of size, and so its
    degrees of freedom; `part` tells them apart (the blocks of a session's baseline)."""

    name: str
    type: EvaluationType
    group: Group
    dof: float = math.inf
    part: int = 0


@dataclass(frozen=True, slots=True)
class Contribution:
    """One source of a number: u of its input (in `unit`; empty: the result's own), and the number's sensitivity to each
    error (`group`, part), signed. `meter` is None where no single one has it; `note` holds the figures behind it."""

    name: str
    shares: Mapping[tuple[Group, int], Value]
    u: Value = 1.0
    unit: str = ""
    meter: str | None = None
    type: EvaluationType = "B"
    distribution: Distribution = "rectangular"
    dof: Value = math.inf
    joint: Joint = "independent"
    note: str = ""

    @property
    def sensitivity(self) -> Value:
        """All its errors together."""
        shares = list(self.shares.values())
        if self.joint == "independent" and len(shares) > 1:
            return _square_root(_total([share * share for share in shares]))
        return _total([_magnitude(share) for share in shares] if self.joint == "limits" else shares)

    @property
    def size(self) -> Value:
        """Contribution to the standard uncertainty, in the result's unit."""
        return _magnitude(self.sensitivity) * self.u

    def sources(self) -> Iterator[tuple[Source, float]]:
        """Every error of it with its signed contribution to a mean."""
        for (group, part), share in self.shares.items():
            yield Source(self.name, self.type, group, float(self.dof), part), float(share * self.u)


def _total(values: Sequence[Value]) -> Value:
    total, *others = values
    for value in others:
        total = total + value
    return total


def _magnitude(value: Value) -> Value:
    return abs(value) if isinstance(value, float) else np.abs(value)


def _square_root(value: Value) -> Value:
    return math.sqrt(value) if isinstance(value, float) else np.sqrt(value)


def contributions(sample: Sample) -> Iterator[Contribution]:
    """Every error source of the number but the spread of its runs."""
    for members in sample.meters:
        yield from _of_meter(sample, members)
    subtracted = list(_subtracted(sample))
    yield from _edges(sample)
    yield from _clock(sample)
    yield from _observer(sample)
    yield from _shape(sample, subtracted)
    yield from _short_intervals(sample)
    yield from _gaps(sample)
    yield from _stamps(sample)
    yield from baseline_blocks(subtracted, len(sample.runs))


def _of_meter(sample: Sample, members: Sequence[Member]) -> Iterator[Contribution]:
    """What one meter on one range errs by."""
    transfer = members[0].part.error.transfer
    if transfer is not None:
        yield from _of_transfer(sample, members, transfer)
    elif all(member.part.reported_j is not None for member in members):
        yield _reported(sample, members)
    else:
        yield from _gains(sample, members)
        yield from _offset(sample, members)
    yield from _resolution(sample, members)
    if not sample.is_mean:
        yield from _of_single_readings(members[0])


def _identity(sample: Sample, members: Sequence[Member], *, ranged: bool) -> Group:
    """The instrument; `ranged`: of what changes with a range that the meter chooses, this number's own."""
    error = members[0].part.error
    meter = instrument(error, members[0].run.campaign)
    return meter if error.one_range or not ranged else (*meter, sample.side)


def _reported(sample: Sample, members: Sequence[Member]) -> Contribution:
    """What the instrument itself stated. What that is made of is not known, so nothing cancels."""
    own = sample.mean(member.of_part("reported_j") * member.run.per_j for member in members)
    base = sample.mean(member.base_reported_j * member.run.per_j for member in members)
    group = (*_identity(sample, members, ranged=False), sample.side)
    return Contribution(
        "reported", {(group, 0): 1.0}, np.hypot(own, base) / ROOT_3, "", members[0].part.error.meter,
        note="stated by the instrument",
    )  # fmt: skip


def _gains(sample: Sample, members: Sequence[Member]) -> Iterator[Contribution]:
    """What is a part of the reading: of the run, with the baseline's beside it where that has the same gain, else of
    each by itself."""
    own, apart = [], []
    for member in members:
        energy, base = member.of_part("energy_j") * member.run.per_j, member.base_j * member.run.per_j
        own.append(energy - (base if member.has_same_range else 0.0))
        apart.append(0.0 if member.has_same_range else base)
    seconds = sample.sum(member.run.duration_s for member in members)
    joules = sample.sum(member.of_part("energy_j") for member in members)
    group = _identity(sample, members, ranged=True)
    error, campaign = members[0].part.error, members[0].run.campaign
    rho = f", rho_g={int(all(member.has_same_range for member in members))}" if sample.is_induced else ""
    for gain in error.gains(per_second(np.atleast_1d(joules), np.atleast_1d(seconds))):
        u: Value = float(gain.relative_u[0]) if sample.is_mean else gain.relative_u
        proved: Group = (*group, *gain.proof)
        yield Contribution(
            gain.source,
            {(proved, 0): sample.mean(own), ((*proved, OF_BASELINE, campaign), 0): -sample.mean(apart)},
            u, "1", error.meter, distribution=gain.distribution, joint="limits" if gain.may_be_alike else "independent",
            note=f"u={_figure(100 * u, 4)} %{rho}",
        )  # fmt: skip


def _of_transfer(sample: Sample, members: Sequence[Member], transfer: TransferError) -> Iterator[Contribution]:
    """What an estimate by a transfer function errs by: the line, the same in all that its certificate estimates; how
    far a load, and the idle machine, lie from it; and the wall that it was fitted to (`results/transfer_error.py`)."""
    meter, campaign = members[0].part.error.meter, members[0].run.campaign
    group = _identity(sample, members, ranged=False)
    energy = sample.mean(member.of_part("energy_j") * member.run.per_j for member in members)
    base = sample.mean(member.base_j * member.run.per_j for member in members)
    seconds = sample.mean(member.run.duration_s * member.run.per_j for member in members)
    idle = 0.0 if all(member.base is None for member in members) else seconds
    above, beyond = energy - base, seconds - idle
    line: dict[tuple[Group, int], Value] = {
        (group, HEIGHT): beyond * transfer.height_u_w,
        (group, SLOPE): (above - transfer.pivot_w * beyond) * transfer.slope_u,
        ((*group, sample.side), MISFIT): seconds * transfer.misfit_u_w,
        ((*group, OF_BASELINE, campaign), MISFIT): -idle * transfer.misfit_u_w,
    }
    parts = zip(("height", "slope", "misfit"), line.values(), strict=False)
    note = ", ".join(f"u_{name}={_figure(_magnitude(share), 4)}" for name, share in parts) if sample.is_mean else ""
    yield Contribution("transfer", line, meter=meter, distribution="t", dof=transfer.dof, note=note)
    kind: dict[tuple[Group, int], Value] = {
        ((*group, sample.side), KIND): seconds * transfer.kind_u_w,
        ((*group, OF_BASELINE, campaign), KIND): -idle * transfer.kind_u_w,
    }
    if transfer.kind_u_w > 0:
        yield Contribution("kind", kind, meter=meter, distribution="t", dof=transfer.kind_dof)
    lengths = [member.run.duration_s * member.run.per_j for member in members]
    apart = math.hypot(*map(float, lengths)) / len(sample.runs) if sample.is_mean else lengths[0]
    blocks = sample.mean(length * _of_blocks(member) for length, member in zip(lengths, members, strict=True))
    scatter: dict[tuple[Group, int], Value] = {
        ((*group, sample.side), SCATTER): apart * transfer.scatter_u_w,
        ((*group, OF_BASELINE, campaign), SCATTER): -blocks * transfer.scatter_u_w,
    }
    yield Contribution("scatter", scatter, meter=meter, distribution="t", dof=transfer.scatter_dof)
    wall: dict[tuple[Group, int], Value] = {
        (("wall", *group), HEIGHT): beyond * transfer.wall_u_w, (("wall", *group), SLOPE): above * transfer.wall_u
    }  # fmt: skip
    yield Contribution("wall", wall, meter=meter, note="limits of the meter that it was qualified with")


def _of_blocks(member: Member) -> float:
    """With which weight an error that every baseline block has by itself stands in the baseline of a run."""
    level = member.run.terms.level
    return 0.0 if member.base is None or level is None else float(np.linalg.norm(level.shares))


def _offset(sample: Sample, members: Sequence[Member]) -> Iterator[Contribution]:
    """Parts of range and last digit. In an induced energy only of runs whose baseline is of another session, where that
    baseline errs by itself too."""
    error = members[0].part.error
    if error.offset_u_w <= 0:
        return
    apart = [member for member in members if not member.has_same_session]
    seconds = sample.mean(member.run.duration_s * member.run.per_j for member in apart)
    group = _identity(sample, members, ranged=True)
    shares: dict[tuple[Group, int], Value] = {((*group, frozenset(m.run.session for m in apart)), 0): seconds}
    if sample.is_induced:
        shares[(*group, OF_BASELINE, members[0].run.campaign), 0] = -seconds
    note = f"rho={0 if apart else 1}" if sample.is_induced else ""
    yield Contribution("offset", shares, error.offset_u_w, "W", error.meter, note=note)


def _resolution(sample: Sample, members: Sequence[Member]) -> Iterator[Contribution]:
    """Rounding. Of a mean only what no noise dithers, and of an induced one the baseline's too, as large and of unknown
    sign; the rest stands in the spread of runs and blocks."""
    error = members[0].part.error
    rounded = [
        member.of_part("resolution_j") * member.run.per_j for member in members
        if not sample.is_mean or not member.run.of(member.part.dithered)  # type: ignore[arg-type]
    ]  # fmt: skip
    step, unit = (error.counter_step_j, "J") if error.counter_step_j else (error.resolution_w, "W")
    if step <= 0 or not rounded:
        return
    both = math.sqrt(2.0) if sample.is_mean and sample.is_induced else 1.0
    step_u = step / (2 * ROOT_3)
    group = (*_identity(sample, members, ranged=False), sample.side)
    shares = {(group, 0): both * sample.mean(rounded) / step_u}
    yield Contribution("resolution", shares, step_u, unit, error.meter, note=f"step={step:g} {unit}")


def _of_single_readings(member: Member) -> Iterator[Contribution]:
    """What one run knows of its power by readings: between instantaneous ones, and beside short intervals."""
    part, meter = member.part, member.part.error.meter
    only: dict[tuple[Group, int], Value] = {(part.error.key, 0): 1.0}
    yield Contribution("sampling", only, part.sampling_j, "", meter, "A", "normal")
    yield Contribution("spill", only, part.spill_j, "", meter, "A", "t", part.spill_count)


def _edges(sample: Sample) -> Iterator[Contribution]:
    """What load steps at both edges lose: in the mean, known in sign and not corrected; of one interval its deviation
    too. Several circuits see one load step, so theirs add up with their sign."""
    steps = _load_steps(sample)
    losses: dict[tuple[Group, int], list[Value]] = {}
    for member in sample.members:
        group = steps[instrument(member.part.error, member.run.campaign)]
        losses.setdefault((group, 0), []).append(-member.of_part("mean_loss_j") * member.run.per_j)
    shares = {key: sample.mean(values) for key, values in losses.items()}
    if any(np.any(share) for share in shares.values()):
        yield Contribution("edges", shares, joint="signed", note="mean loss of the steps at both edges")
    if not sample.is_mean:
        deviations: dict[tuple[Group, int], Value] = {
            (member.part.error.key, 0): member.of_part("loss_deviation_j") for member in sample.members
        }
        yield Contribution("edges", deviations, joint="independent" if was(Rule.EDGES_WITH_SIGN) else "signed")


def _load_steps(sample: Sample) -> Mapping[Group, Group]:
    """Instrument -> all instruments that see the same load steps, as they feed one SUT together in some run."""
    together: list[set[Group]] = []
    for run in sample.runs:
        own = [{instrument(part.error, run.campaign)} for part in run.terms.parts]
        for meters in own if was(Rule.COMPARED_EDGES) else [set().union(*own)]:
            joined = [others for others in together if others & meters]
            together = [others for others in together if not others & meters] + [meters.union(*joined)]
    return {
        meter: meter if len(meters) == 1 else tuple(sorted(map(str, meters))) for meters in together for meter in meters
    }


def _clock(sample: Sample) -> Iterator[Contribution]:
    """Where the edges lie in time, by the power at them."""
    induced = sample.is_induced
    power = sample.mean(run.of(run.terms.clock_w(induced=induced)) * run.per_j for run in sample.runs)
    bound_s = math.fsum(run.terms.clock_bound_s for run in sample.runs) / len(sample.runs)
    if bound_s > 0:
        yield Contribution("clock", {((sample.side,), 0): power}, bound_s / ROOT_3, "s", note=f"bound={bound_s:.3g} s")


def _observer(sample: Sample) -> Iterator[Contribution]:
    """What agent and link add; measured once for a campaign, by as many blocks for a single run as for a mean, so its
    degrees of freedom count in both (GUM G.4.1)."""
    observer = sample.runs[0].terms.observer_w(induced=sample.is_induced)
    if observer is None:
        return
    seconds = sample.mean(run.duration_s * run.per_j for run in sample.runs)
    dof = observer.dof if sample.is_mean or not was(Rule.OBSERVER_OF_RUNS) else math.inf
    note = "what agent and link add, not corrected"
    yield Contribution("observer", {((sample.side,), 0): seconds}, observer.u, "W", dof=dof, note=note)


def _short_intervals(sample: Sample) -> Iterator[Contribution]:
    """Intervals too short for their meter: the energy of what they touch is the limit."""
    name = "limit_induced_j" if sample.is_induced else "limit_j"
    limit = sample.mean(member.of_part(name) * member.run.per_j for member in sample.members)
    if np.any(limit > 0):
        note = "energy of the touched windows, as limit"
        yield Contribution("short-interval", {((sample.side,), 0): limit / ROOT_3}, note=note)


def _gaps(sample: Sample) -> Iterator[Contribution]:
    """What was not read; gaps of one cause add up."""
    missed = sample.mean(member.of_part("gap_j") * member.run.per_j for member in sample.members)
    if np.any(missed > 0):
        yield Contribution("gaps", {((sample.side,), 0): missed})


def _stamps(sample: Sample) -> Iterator[Contribution]:
    """Where nobody says which edge of its window a reading marks: the difference between both is the limit."""
    moved: dict[tuple[Group, int], list[Value]] = {}
    for run in sample.runs:
        difference_j = run.terms.convention_induced_j if sample.is_induced else run.terms.convention_j
        if difference_j is not None:
            meters = tuple(sorted(str(instrument(part.error, run.campaign)) for part in run.terms.parts))
            moved.setdefault((meters, 0), []).append(run.of(difference_j) * run.per_j)
    if moved:
        difference = sample.mean(value for values in moved.values() for value in values)
        shares = {key: sample.mean(values) / ROOT_3 for key, values in moved.items()}
        yield Contribution("stamp-convention", shares, joint="signed", note=f"difference={_figure(difference, 6)}")


def _shape(sample: Sample, subtracted: Sequence[Subtracted]) -> Iterator[Contribution]:
    """What few baseline blocks do not see between them, as limit."""
    missed: dict[tuple[Group, int], list[Value]] = {}
    for group, level, factor in subtracted:
        missed.setdefault((group, 0), []).append(-factor * level.shape_w)
    shares = {key: sample.mean(values) / ROOT_3 for key, values in missed.items()}
    if any(np.any(share) for share in shares.values()):
        note = "between blocks, by the slopes in them or the power just before a run, whichever differs more"
        yield Contribution("baseline-shape", shares, dof=SHAPE_DOF, joint="signed", note=note)


def baseline_blocks(subtracted: Iterable[Subtracted], n: int) -> Iterator[Contribution]:
    """Every block by the weight with which it stands in the mean over n runs, a contribution for each session; u is NaN
    where the spread of the blocks is not known."""
    levels: dict[Group, BaselineLevel] = {}
    weights: dict[Group, Floats] = {}
    for session, level, factor in subtracted:
        group = (*session, level.shares.size)
        levels.setdefault(group, level)
        weights[group] = weights.get(group, 0.0) - np.multiply.outer(level.shares, factor / n)
    for group, level in levels.items():
        blocks: list[Value] = list(weights[group]) if weights[group].ndim > 1 else weights[group].tolist()
        u_w = math.nan if level.sd_w is None else level.sd_w
        shares = {(group, block): weight for block, weight in enumerate(blocks)}
        yield Contribution("baseline", shares, u_w, "W", None, "A", "t", level.dof)


def _subtracted(sample: Sample) -> Iterator[Subtracted]:
    """The baseline of each run: in a total only beside intervals below two windows."""
    for run in sample.runs:
        level, seconds = run.terms.level, run.spill_s
        if sample.is_induced:
            seconds = seconds + run.duration_s
        if level is not None and (sample.is_induced or np.any(seconds)):
            yield (run.campaign, level.session), level, seconds * run.per_j


def _figure(value: Value, digits: int) -> str:
    """A number in a note; of several intervals there is none to say."""
    return f"{value:.{digits}g}" if isinstance(value, float) else ""
