"""From what a software meter says to the wall: wall = offset + gain * software (method.md section 13).

Knows the means of runs, their levels and kinds of load. Knows no trace and no campaign.

Both sides err, so the line is fitted by York's equations for errors in variables (York et al. 2004, independent errors
of both coordinates). It goes through the means of levels: the repetitions of one level share what the line does not
follow. The covariance is scaled by chi^2 / (levels - 2), so U rests on how the levels lie about the line, with as many
degrees of freedom; but never below the part that the software meter's quantum has in their uncertainties.

A prediction asks a load that was not measured. So every level is left out once, and every kind of load, and how far the
rest misses them stands in its U:

    u^2(wall) = (1, s) C (1, s)^T + (gain u(s))^2 + max(residual, level spread)^2 + kind spread^2 + wall's limits^2
"""

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from reports.qualification.share import WallError
from reports.qualification.trace import Floats
from reports.results.software_meter import (
    LeftOut,
    LoadKind,
    Refusal,
    Transfer,
    TransferPoint,
    TransferRange,
)
from reports.results.uncertainty import Estimate, Number, Term, combine

LEAST_LEVELS, LEAST_REPETITIONS = 5, 3
STEPS = 100
CLOSE = 1e-12
MARGIN = 1e-9
LEAST_SHARE = 0.1
"""A kind of load over whose levels the software meter moves by less than this part of the wall is one that it does not
see: it says nothing of what the wall then takes."""
ALIKE = (
    "The levels differ by no more than they scatter, so the gain cannot be told from zero. Choose loads that draw "
    "different powers, and end what else runs."
)
BLIND = "The software meter hardly moves while the wall does, on every kind of load: it does not see them."


@dataclass(frozen=True, slots=True)
class LevelRun:
    """One run of one level: its means (W) on both sides and their standard uncertainties (W), without what all runs
    share. `software_quantum_u_w`: that of the software meter's steps, which all runs of a level have in common
    (`sampling.quantum_u_w`). `place`: its place in the order of measuring."""

    place: int
    run: str
    scenario: str
    kind: LoadKind
    level_percent: float
    software_w: float
    software_u_w: float
    software_quantum_u_w: float
    wall_w: float
    wall_u_w: float


@dataclass(frozen=True, slots=True)
class Line:
    """offset, gain, their covariance matrix as the uncertainties of the points give it, shape (2, 2), and chi^2."""

    offset_w: float
    gain: float
    covariance: Floats
    chi_squared: float


@dataclass(frozen=True, slots=True)
class _Level:
    """The mean of the repetitions of one level; `software_u_w` holds `software_quantum_u_w`."""

    scenario: str
    kind: LoadKind
    software_w: float
    software_u_w: float
    software_quantum_u_w: float
    wall_w: float
    wall_u_w: float


def line_through(x: Floats, u_x: Floats, y: Floats, u_y: Floats) -> Line:
    """York's line y = offset + gain x through at least two points with standard uncertainties of both coordinates; all
    of shape (n,), each point with one of them above 0."""
    gain = float(np.polyfit(x, y, 1)[0])
    for _ in range(STEPS):
        weights = 1 / (u_y**2 + (gain * u_x) ** 2)
        mean_x, mean_y = float(weights @ x / weights.sum()), float(weights @ y / weights.sum())
        away_x, away_y = x - mean_x, y - mean_y
        beta = weights * (away_x * u_y**2 + gain * away_y * u_x**2)
        before, gain = gain, float((weights * beta) @ away_y / ((weights * beta) @ away_x))
        if abs(gain - before) <= CLOSE * abs(gain):
            break
    offset_w = mean_y - gain * mean_x
    adjusted = mean_x + beta
    mean_adjusted = float(weights @ adjusted / weights.sum())
    variance_gain = 1 / float(weights @ (adjusted - mean_adjusted) ** 2)
    variance_offset = 1 / float(weights.sum()) + mean_adjusted**2 * variance_gain
    between = -mean_adjusted * variance_gain
    chi_squared = float(weights @ (y - offset_w - gain * x) ** 2)
    return Line(offset_w, gain, np.array([[variance_offset, between], [between, variance_gain]]), chi_squared)


def transfer_of(runs: Sequence[LevelRun], wall: WallError) -> Transfer | Refusal:
    """The transfer function over every kind of load that has enough of levels and repetitions in random order, and that
    the software meter sees; idle joins them as a level, and is no kind by itself. Refused, with what is missing, where
    no kind has."""
    lacking = {kind: _lacks([run for run in runs if run.kind == kind]) for kind in _kinds(runs)}
    kinds = [kind for kind, refusal in lacking.items() if refusal is None]
    if not kinds:
        return _nothing(lacking)
    kinds = [kind for kind in kinds if sees([run for run in runs if run.kind == kind])]
    if not kinds:
        return Refusal("constant", BLIND)
    used = [run for run in runs if run.kind in (*kinds, "idle")]
    levels = _levels(used)
    if np.ptp([level.software_w for level in levels]) <= 0:
        return Refusal("constant", "The software meter says the same on every load; no line can be drawn through that.")
    line = _fit(levels)
    dof = len(levels) - 2.0
    scale = max(line.chi_squared / dof, _stated_part(levels, line))
    residuals = np.array([level.wall_w - line.offset_w - line.gain * level.software_w for level in levels])
    left_out = tuple(_left_out(levels, kinds))
    level_spread_w = _root_mean_square(one.error_w for one in left_out if one.what == "level")
    u_offset, u_gain = (math.sqrt(scale * line.covariance[k, k]) for k in (0, 1))
    gain = Number(Estimate(line.gain, u_gain, dof), "1")
    if gain.expanded is None or gain.expanded >= abs(line.gain):
        return Refusal("constant", ALIKE)
    return Transfer(
        offset_w=Number(Estimate(line.offset_w, u_offset, dof), "W"),
        gain=gain,
        covariance_w=scale * float(line.covariance[0, 1]),
        wall_u_relative=wall.relative,
        wall_u_w=wall.offset_w,
        residual_sd_w=math.sqrt(float(residuals @ residuals) / dof),
        level_spread_w=level_spread_w or 0.0,
        kind_spread_w=_root_mean_square(one.error_w for one in left_out if one.what == "kind"),
        dof=dof,
        ranges={kind: _range([run for run in used if run.kind == kind]) for kind in _kinds(used)},
        points=tuple(_point(run, line) for run in used),
        left_out=left_out,
    )


def sees(runs: Sequence[LevelRun]) -> bool:
    """Whether a software meter moves with the wall over the runs of one kind of load."""
    software_w, wall_w = ([getattr(run, side) for run in runs] for side in ("software_w", "wall_w"))
    return float(np.ptp(software_w)) >= LEAST_SHARE * float(np.ptp(wall_w))


def predicted_w(transfer: Transfer, kind: LoadKind, software_w: float, software_u_w: float) -> Number | Refusal:
    """The wall's mean power where the software meter says `software_w` (W, u `software_u_w`) on a load of `kind`.

    Refused outside the range of that kind, and for a kind that was not measured. It is an estimate, no measurement.
    """
    holds = transfer.ranges.get(kind)
    if holds is None:
        measured = ", ".join(transfer.ranges)
        return Refusal("no-record", f"The transfer function holds for loads of kind {measured}, not {kind}.")
    low_w, high_w = holds.software_w
    if not low_w - MARGIN * abs(low_w) <= software_w <= high_w + MARGIN * abs(high_w):
        return Refusal(
            "no-overlap",
            f"{software_w:.6g} W lies outside {low_w:.6g} to {high_w:.6g} W, where the transfer function was measured.",
        )
    offset, gain = transfer.offset_w, transfer.gain
    wall_w = offset.value + gain.value * software_w
    variance = (
        (offset.estimate.u or 0.0) ** 2
        + (software_w * (gain.estimate.u or 0.0)) ** 2
        + 2 * software_w * transfer.covariance_w
    )
    terms = [
        Term(math.sqrt(max(variance, 0.0)), transfer.dof),
        Term(max(transfer.residual_sd_w, transfer.level_spread_w), transfer.dof),
        Term(abs(gain.value) * software_u_w, math.inf),
        Term(math.hypot(abs(wall_w) * transfer.wall_u_relative, transfer.wall_u_w), math.inf),
    ]
    if transfer.kind_spread_w is not None:
        terms.append(Term(transfer.kind_spread_w, max(len(transfer.ranges) - 1.0, 1.0)))
    return Number(combine(wall_w, terms), "W")


def _kinds(runs: Iterable[LevelRun]) -> list[LoadKind]:
    """Kinds of load in the order in which they come."""
    return list(dict.fromkeys(run.kind for run in runs))


def _lacks(runs: Sequence[LevelRun]) -> Refusal | None:
    """Why the runs of one kind are not enough; None where they are."""
    kind = runs[0].kind
    counts: dict[float, int] = {}
    for run in runs:
        counts[run.level_percent] = counts.get(run.level_percent, 0) + 1
    full = [level for level, n in counts.items() if n >= LEAST_REPETITIONS]
    if kind == "idle" or len(counts) < LEAST_LEVELS:
        text = f"Kind {kind} has {len(counts)} levels; a transfer function needs {LEAST_LEVELS} of a kind beside idle."
        return Refusal("too-few-levels", text)
    if len(full) < LEAST_LEVELS:
        text = f"Kind {kind} has {len(full)} levels with {LEAST_REPETITIONS} repetitions; {LEAST_LEVELS} are needed."
        return Refusal("too-few-repetitions", text)
    if not _is_random([run.level_percent for run in sorted(runs, key=lambda run: run.place)]):
        text = f"The levels of kind {kind} were measured in order, not at random: drift would pass for a gain."
        return Refusal("order-not-random", text)
    return None


def _is_random(levels: Sequence[float]) -> bool:
    """Whether levels in order of measuring are neither sorted as a whole nor up, or down, in every round."""
    steps = np.sign(np.diff(levels))
    n_turns = int(np.sum(steps != 0))
    n_levels = len(set(levels))
    rises, falls = int(np.sum(steps > 0)), int(np.sum(steps < 0))
    rounds = math.ceil(len(levels) / n_levels)
    in_blocks = n_turns == n_levels - 1
    in_order = min(rises, falls) <= rounds - 1
    return not (in_blocks or in_order)


def _nothing(lacking: Mapping[LoadKind, Refusal | None]) -> Refusal:
    """What every kind lacks, in one refusal; of idle alone nothing but that there is no load."""
    refusals = [refusal for kind, refusal in lacking.items() if refusal is not None and kind != "idle"]
    if not refusals:
        return Refusal("too-few-levels", f"There is no load beside idle; {LEAST_LEVELS} levels of a kind are needed.")
    return Refusal(refusals[0].code, " ".join(refusal.text for refusal in refusals))


def _levels(runs: Sequence[LevelRun]) -> list[_Level]:
    """The means of the levels. A level's uncertainty is that of its runs, or their scatter, pooled over the levels,
    where that is larger."""
    groups: dict[tuple[LoadKind, float], list[LevelRun]] = {}
    for run in runs:
        groups.setdefault((run.kind, run.level_percent), []).append(run)
    scatter = {side: _pooled_sd([[getattr(run, side) for run in group] for group in groups.values()])
               for side in ("software_w", "wall_w")}  # fmt: skip

    def mean(group: Sequence[LevelRun], side: str) -> tuple[float, float]:
        values = np.array([getattr(run, side) for run in group])
        stated_w = float(np.sqrt(np.mean([getattr(run, side.replace("_w", "_u_w")) ** 2 for run in group])))
        floor_w = MARGIN * max(abs(float(values.mean())), 1.0)
        return float(values.mean()), max(stated_w, scatter[side], floor_w) / math.sqrt(values.size)

    made = []
    for group in groups.values():
        software_w, software_u_w = mean(group, "software_w")
        quantum_u_w = float(np.mean([run.software_quantum_u_w for run in group]))
        software = software_w, math.hypot(software_u_w, quantum_u_w), quantum_u_w
        made.append(_Level(group[0].scenario, group[0].kind, *software, *mean(group, "wall_w")))
    return made


def _stated_part(levels: Sequence[_Level], line: Line) -> float:
    """Part of the levels' variance that no scatter shows: of the quantum. Levels that happen to lie on a line do not
    make that smaller."""
    stated = [(line.gain * level.software_quantum_u_w) ** 2 for level in levels]
    whole = [(line.gain * level.software_u_w) ** 2 + level.wall_u_w**2 for level in levels]
    return float(np.mean(np.array(stated) / np.array(whole)))


def _pooled_sd(groups: Sequence[Sequence[float]]) -> float:
    squares = sum(float(np.var(group)) * len(group) for group in groups)
    dof = sum(len(group) - 1 for group in groups)
    return math.sqrt(squares / dof) if dof else 0.0


def _fit(levels: Sequence[_Level]) -> Line:
    columns = [[getattr(level, name) for level in levels] for name in
               ("software_w", "software_u_w", "wall_w", "wall_u_w")]  # fmt: skip
    return line_through(*(np.array(column) for column in columns))


def _left_out(levels: Sequence[_Level], kinds: Sequence[LoadKind]) -> Iterator[LeftOut]:
    """The line without each level, and without each kind where there are several."""
    for level in levels:
        rest = [other for other in levels if other is not level]
        yield _missed("level", level.scenario, [level], _fit(rest))
    if len(kinds) > 1:
        for kind in kinds:
            out = [level for level in levels if level.kind == kind]
            yield _missed("kind", kind, out, _fit([level for level in levels if level.kind != kind]))


def _missed(what: str, name: str, out: Sequence[_Level], line: Line) -> LeftOut:
    errors = [line.offset_w + line.gain * level.software_w - level.wall_w for level in out]
    return LeftOut("level" if what == "level" else "kind", name, line.offset_w, line.gain, float(np.mean(errors)))


def _root_mean_square(values: Iterable[float]) -> float | None:
    squares = [value**2 for value in values]
    return math.sqrt(math.fsum(squares) / len(squares)) if squares else None


def _range(runs: Sequence[LevelRun]) -> TransferRange:
    software_w, wall_w = [run.software_w for run in runs], [run.wall_w for run in runs]
    return TransferRange((min(software_w), max(software_w)), (min(wall_w), max(wall_w)))


def _point(run: LevelRun, line: Line) -> TransferPoint:
    residual_w = run.wall_w - line.offset_w - line.gain * run.software_w
    software_u_w = math.hypot(run.software_u_w, run.software_quantum_u_w)
    return TransferPoint(run.scenario, run.run, run.software_w, software_u_w, run.wall_w, run.wall_u_w, residual_w)
