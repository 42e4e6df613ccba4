"""The uncertainty budget of an energy: every contribution as a line, and what they give together (method.md section 6).

Knows the contributions of runs (`contributions.RunTerms`) and the GUM's arithmetic. Knows no file and no report. The
result's unit is the caller's: `per_j` turns a run's joules into it (1/3600: Wh; 1/T: W).

Measurement model of a mean over n runs, i the run, m the meter, b the baseline, errors of mean zero:

    X = mean_i [ sum_m (E_im - B_im) (1 + gain_m) + T_i offset_m + loss_i + clock_i + gap_i ] + baseline + spread

One run, one action (`of_one`): u^2 = gain + offset + clock + stamps + gaps + edges + resolution + sampling, of the
induced energy with this run's baseline; of an interval below two windows also what lay beside it in the windows that it
touches, or their whole energy as limit (`contributions.PartTerms`). Edge errors of several circuits add with their
sign: it is one load step. A mean over runs (`of_mean`): the spread of the runs already holds edges,
resolution and sampling of single runs, so these are not added again (GUM 4.3.10); what all runs share does not average
out and stays: gain, offset, baseline, the mean loss at the edges, the clock, gaps of one cause, an unknown stamp
convention, a resolution that no noise dithers.

Correlation. A meter's gain error is the same in all runs on one range; the baseline has the same one only where that
meter measured it on the same fixed range (rho_g = 1), else an independent one (rho_g = 0). A meter's offset cancels in
the induced energy only where the baseline is of the same session too (rho = 1), else both err by themselves (rho = 0).
Meters are independent of each other, but for what is only assumed of them: that of several meters, of a run and of a
baseline with an error of its own, adds up (`meter_error.py`) and is one line.

Type A of n >= 20 runs in order of time: u^2 = s^2 tau / n, tau by the initial positive sequence (Geyer 1992), with
n/tau - 1 degrees of freedom. What tau adds is a line of its own beside s^2/n. Effective degrees of freedom by
Welch-Satterthwaite; U = t(.975) u.
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Literal, TypeAlias

import numpy as np
from scipy.special import stdtrit

from harness.record.documents import Json
from reports.energy.contributions import PartBaseline, PartTerms, RunTerms, per_second
from reports.energy.energy import SHAPE_DOF
from reports.energy.meter_error import ASSUMED_LINE, ROOT_3, Distribution, Floats, MeterError
from reports.results.rules import Rule, was
from reports.results.uncertainty import COVERAGE, Estimate, Number, Term, combine, mean_of

LEAST_FOR_TAU = 20
"""Fewer runs say nothing of their autocorrelation."""
EvaluationType: TypeAlias = Literal["A", "B"]
Kind: TypeAlias = Literal["gross", "induced"]


@dataclass(frozen=True, slots=True)
class Line:
    """One contribution: u = |sensitivity| input_u in the result's unit, input_u in `input_unit`; `share` of the
    variance (None where nothing can be combined); `note` holds the numbers behind it."""

    source: str
    meter: str | None
    type: EvaluationType
    distribution: Distribution
    sensitivity: float
    input_u: float
    input_unit: str
    dof: float
    note: str = ""
    share: float | None = None

    @property
    def u(self) -> float:
        """Contribution to the standard uncertainty, in the result's unit."""
        return abs(self.sensitivity) * self.input_u

    def to_json(self) -> Json:
        """A record of results.json; infinite degrees of freedom are null."""
        return {
            "source": self.source, "meter": self.meter, "type": self.type, "distribution": self.distribution,
            "sensitivity": self.sensitivity, "input_u": self.input_u, "input_unit": self.input_unit, "u": self.u,
            "dof": self.dof if math.isfinite(self.dof) else None, "share": self.share, "note": self.note,
        }  # fmt: skip


@dataclass(frozen=True, slots=True)
class Budget:
    """All lines of one number. `independent`: type A alone, runs and blocks taken as independent replicates.

    `missing` names what is not known, as (code, meter or None); while it is not empty the budget is not complete.
    """

    number: Number
    lines: tuple[Line, ...]
    independent: Estimate
    missing: tuple[tuple[str, str | None], ...]

    @property
    def shared(self) -> Term:
        """What the spread of the runs does not hold: everything that they share."""
        terms = [Term(line.u, line.dof) for line in self.lines if line.source not in ("runs", "autocorrelation")]
        joint = combine(0.0, terms)
        return Term(joint.u or 0.0, math.inf if joint.dof is None else joint.dof)

    def to_json(self) -> Json:
        """`budget.gross` or `budget.induced` of results.json."""
        type_b = math.sqrt(math.fsum(line.u**2 for line in self.lines if line.type == "B"))
        unit = self.number.unit
        return {
            "complete": not self.missing,
            "missing": [{"what": what, "meter": meter} for what, meter in self.missing],
            "result": self.number.to_json(),
            "type_a": replace(self.number, estimate=self.independent).to_json(),
            "type_b": Number(Estimate(self.number.estimate.value, type_b, math.inf), unit).to_json(),
            "dominant": max(self.lines, key=lambda line: line.u).source if self.lines else None,
            "lines": [line.to_json() for line in self.lines],
        }


def autocorrelation_time(values: Floats) -> float:
    """tau = 1 + 2 sum rho_k over the initial positive sequence, at least 1; 1 for fewer than 20 values or no spread."""
    if values.size < LEAST_FOR_TAU:
        return 1.0
    away = values - values.mean()
    energy = float(away @ away)
    if energy <= 0:
        return 1.0
    rho = np.correlate(away, away, mode="full")[values.size - 1 :] / energy
    pairs = rho[: values.size // 2 * 2].reshape(-1, 2).sum(axis=1)
    stop = int(np.argmax(pairs <= 0)) if np.any(pairs <= 0) else pairs.size
    return max(1.0, 2.0 * float(pairs[:stop].sum()) - 1.0)


def of_mean(
    terms: Sequence[RunTerms], at: Sequence[int], per_j: Floats, unit: str, kind: Kind, shared: Term | None
) -> Budget | None:
    """The budget of a mean over runs, in order of time: interval `at[i]` of run i, times `per_j[i]`.

    `shared` is what the baseline contributes to the mean (`energy.shared_term`); to the total only where intervals
    below two windows lean on it. None where it is not known, or contributes nothing to the total. The result has no u
    where there are fewer than two runs, or of the induced energy `shared` is missing. None without a run that has the
    value.
    """
    picked = _Picked([(run, k, float(f)) for run, k, f in zip(terms, at, per_j, strict=True)], kind)
    mean = mean_of(picked.values, unit)
    if mean is None:
        return None
    lines = [*_type_a(picked.values, mean, shared), *_type_b(picked)]
    baseline = Term(0.0, math.inf) if shared is None and kind == "gross" else shared
    missing = tuple(_missing(picked, mean, baseline))
    if mean.sd is None or mean.n is None or baseline is None:
        empty = Estimate(mean.estimate.value, None, None)
        return Budget(replace(mean, estimate=empty), tuple(lines), empty, missing)
    spread = Term(mean.sd / math.sqrt(mean.n), mean.n - 1.0)
    joined = [Term(line.u, line.dof) for line in lines if line.source not in ("runs", "autocorrelation")]
    runs = [line for line in lines if line.source in ("runs", "autocorrelation")]
    # Spread and autocorrelation are one evaluation with one number of degrees of freedom.
    joined.append(Term(math.hypot(*(line.u for line in runs)), runs[0].dof))
    estimate = combine(mean.estimate.value, joined)
    total = (estimate.u or 0.0) ** 2
    shares = tuple(replace(line, share=line.u**2 / total if total > 0 else None) for line in lines)
    independent = combine(mean.estimate.value, [spread, baseline])
    return Budget(replace(mean, estimate=estimate), shares, independent, missing)


@dataclass(frozen=True, slots=True)
class _Member:
    """One run as one meter saw it: interval `k` of its contributions, in the result's unit by `per_j`."""

    part: PartTerms
    base: PartBaseline | None
    duration_s: float
    k: int
    per_j: float

    @property
    def energy(self) -> float:
        return float(self.part.energy_j[self.k]) * self.per_j

    @property
    def base_energy(self) -> float:
        return 0.0 if self.base is None else float(self.base.energy_j[self.k]) * self.per_j

    @property
    def reported(self) -> tuple[float, float]:
        """The limits that the instrument stated, of the run and of its baseline."""
        own, base = self.part.reported_j, None if self.base is None else self.base.reported_j
        scaled = [0.0 if limits_j is None else float(limits_j[self.k]) * self.per_j for limits_j in (own, base)]
        return scaled[0], scaled[1]


class _Picked:
    """One interval of each run, without the runs that lack the value; what the lines need, as arrays over runs."""

    def __init__(self, chosen: Sequence[tuple[RunTerms, int, float]], kind: Kind) -> None:
        self.kind: Kind = kind
        values = [(r.induced_j if kind == "induced" else r.energy_j)[k] * per_j for r, k, per_j in chosen]
        known = [index for index, value in enumerate(values) if math.isfinite(value)]
        self.values = np.array([values[index] for index in known], dtype=np.float64)
        self.chosen = [chosen[index] for index in known]

    def meters(self) -> dict[tuple[str, ...], list["_Member"]]:
        """Meter on its range -> what it measured."""
        found: dict[tuple[str, ...], list[_Member]] = {}
        for run, k, per_j in self.chosen:
            bases = run.baselines if self.kind == "induced" and run.baselines else (None,) * len(run.parts)
            for part, base in zip(run.parts, bases, strict=True):
                found.setdefault(part.error.key, []).append(_Member(part, base, float(run.duration_s[k]), k, per_j))
        return found

    def mean(self, values: Sequence[float]) -> float:
        """Sum over the runs that contribute, over the number of all."""
        return math.fsum(values) / len(self.chosen)

    def over_parts(self, name: str) -> float:
        """Mean over the runs of a contribution of their meters, added up with its sign."""
        return self.mean([float(getattr(p, name)[k]) * f for run, k, f in self.chosen for p in run.parts])


def _type_a(values: Floats, mean: Number, baseline: Term | None) -> Iterator[Line]:
    if mean.sd is not None and mean.n is not None:
        tau = autocorrelation_time(values)
        effective = mean.n / tau
        dof = max(effective - 1.0, 1.0)
        note = f"s={mean.sd:.6g}, n={mean.n}"
        u = mean.sd / math.sqrt(mean.n)
        yield Line("runs", None, "A", "t", 1.0, u, mean.unit, dof, note)
        if tau > 1.0:
            note = f"tau={tau:.3f}, n_eff={effective:.1f}"
            yield Line("autocorrelation", None, "A", "t", 1.0, u * math.sqrt(tau - 1.0), mean.unit, dof, note)
    if baseline is not None:
        yield Line("baseline", None, "A", "t", 1.0, baseline.u, mean.unit, baseline.dof)


def _type_b(picked: _Picked) -> Iterator[Line]:
    lines = [line for members in picked.meters().values() for line in _meter_lines(picked, members)]
    yield from _added_up([line for line in lines if line.source == ASSUMED_LINE])
    yield from (line for line in lines if line.source != ASSUMED_LINE)
    yield from _shared_by_all_meters(picked)


def _added_up(lines: Sequence[Line]) -> Sequence[Line]:
    """What is assumed of several meters as one line."""
    if len(lines) < 2:
        return lines
    note = f"{len(lines)} meters, limits added: their errors may be alike"
    return [_line(ASSUMED_LINE, None, 1.0, math.fsum(line.u for line in lines), "", note)]


def _meter_lines(picked: _Picked, members: Sequence[_Member]) -> Iterator[Line]:
    """Gain, offset and undithered resolution of one meter on one range."""
    error = members[0].part.error
    if all(member.part.reported_j is not None for member in members):
        # What the stated limits are made of is not known, so nothing cancels.
        own, base = (picked.mean(column) for column in zip(*(member.reported for member in members), strict=True))
        yield _line("reported", error, 1.0, math.hypot(own, base) / ROOT_3, "", "stated by the instrument")
    else:
        yield from _gains(picked, error, members)
        yield from _offset(picked, error, members)
    undithered = [float(m.part.resolution_j[m.k]) * m.per_j for m in members if not m.part.dithered[m.k]]
    if error.resolution_w > 0 and undithered:
        both = math.sqrt(2.0) if picked.kind == "induced" else 1.0
        step_w = error.resolution_w / (2 * ROOT_3)
        note = f"step={error.resolution_w:g} W"
        yield _line("resolution", error, both * picked.mean(undithered) / step_w, step_w, "W", note)


def _gains(picked: _Picked, error: MeterError, members: Sequence[_Member]) -> Iterator[Line]:
    """What is a part of the reading: the run's share and, on the same range, the baseline's with it."""
    same = [member.base is not None and member.base.same_range for member in members]
    own = [m.energy - (m.base_energy if one else 0.0) for m, one in zip(members, same, strict=True)]
    apart = [m.base_energy for m, one in zip(members, same, strict=True) if not one]
    parts = picked.mean(own), picked.mean(apart)
    seconds = math.fsum(member.duration_s for member in members)
    joules = math.fsum(float(member.part.energy_j[member.k]) for member in members)
    rho = f", rho_g={int(all(same))}" if picked.kind == "induced" else ""
    for gain in error.gains(np.array([joules / seconds if seconds > 0 else 0.0])):
        u = float(gain.relative_u[0])
        sensitivity = math.fsum(map(abs, parts)) if gain.source == ASSUMED_LINE else math.hypot(*parts)
        line = _line(gain.source, error, sensitivity, u, "1", f"u={100 * u:.4g} %{rho}")
        yield replace(line, distribution=gain.distribution)


def _offset(picked: _Picked, error: MeterError, members: Sequence[_Member]) -> Iterator[Line]:
    """Parts of the range and of the last digit; in the induced energy only where the baseline is of another session."""
    if error.offset_u_w <= 0:
        return
    apart = [m.duration_s * m.per_j for m in members if m.base is None or not m.base.same_session]
    if picked.kind == "gross":
        yield _line("offset", error, picked.mean(apart), error.offset_u_w, "W", "")
    else:
        sensitivity = math.sqrt(2.0) * picked.mean(apart)
        yield _line("offset", error, sensitivity, error.offset_u_w, "W", f"rho={0 if apart else 1}")


def _shared_by_all_meters(picked: _Picked) -> Iterator[Line]:
    loss = picked.over_parts("mean_loss_j")
    if loss != 0:
        yield _line("edges", None, 1.0, abs(loss), "", "mean loss of the steps at both edges")
    clock = picked.mean([float(r.clock_w(induced=picked.kind == "induced")[k]) * f for r, k, f in picked.chosen])
    bound_s = picked.mean([r.clock_bound_s for r, _, _ in picked.chosen])
    if bound_s > 0:
        yield _line("clock", None, clock, bound_s / ROOT_3, "s", f"bound={bound_s:.3g} s")
    observer = next((r.observer_w(induced=picked.kind == "induced") for r, _, _ in picked.chosen), None)
    if observer is not None:
        time = picked.mean([float(r.duration_s[k]) * f for r, k, f in picked.chosen])
        line = _line("observer", None, time, observer.u, "W", "what agent and link add, not corrected")
        yield replace(line, dof=observer.dof)
    shape = picked.mean([_shape_j(r, k, induced=picked.kind == "induced") * f for r, k, f in picked.chosen])
    if shape != 0:
        line = _line("baseline-shape", None, 1.0, abs(shape) / ROOT_3, "", "between blocks, by the slopes in them")
        yield replace(line, dof=SHAPE_DOF)
    limit = picked.mean([float(r.limit_j(induced=picked.kind == "induced")[k]) * f for r, k, f in picked.chosen])
    if limit > 0:
        yield _line("short-interval", None, 1.0, limit / ROOT_3, "", "energy of the touched windows, as limit")
    gap = picked.over_parts("gap_j")
    if gap > 0:
        yield _line("gaps", None, 1.0, gap, "", "")
    differences = [
        float(moved[k]) * f
        for r, k, f in picked.chosen
        if (moved := r.convention_induced_j if picked.kind == "induced" else r.convention_j) is not None
    ]
    if differences:
        difference = picked.mean(differences)
        yield _line("stamp-convention", None, 1.0, abs(difference) / ROOT_3, "", f"difference={difference:.6g}")


def _shape_j(run: RunTerms, k: int, *, induced: bool) -> float:
    """What few baseline blocks do not see between them, over the time for which it was subtracted, as limit (J)."""
    if run.level is None:
        return 0.0
    return run.level.shape_w * float(run.spill_s[k] + (run.duration_s[k] if induced else 0.0))


def _line(source: str, error: MeterError | None, sensitivity: float, u: float, unit: str, note: str) -> Line:
    """A type B line, rectangular; an empty `unit` is the result's own."""
    meter = None if error is None else error.meter
    return Line(source, meter, "B", "rectangular", sensitivity, u, unit, math.inf, note)


def _missing(picked: _Picked, mean: Number, baseline: Term | None) -> Iterator[tuple[str, str | None]]:
    for members in picked.meters().values():
        error = members[0].part.error
        if not error.known and any(member.part.reported_j is None for member in members):
            yield "limits-of-error", error.meter
    if mean.sd is None:
        yield "spread-of-runs", None
    if baseline is None:
        yield "spread-of-baseline", None


@dataclass(frozen=True, slots=True)
class Single:
    """The energies of one run's k intervals (J), each with u and degrees of freedom (NaN where unknown)."""

    energy_j: Floats
    u_j: Floats
    dof: Floats

    @property
    def expanded_j(self) -> Floats:
        """U = t(.975, dof) u (J)."""
        return np.asarray(stdtrit(np.where(np.isfinite(self.dof), self.dof, 1e12), COVERAGE) * self.u_j)

    def number(self, index: int) -> Number | None:
        """One of them in Wh; None where it is unknown."""
        value, u, dof = (float(column[index]) for column in (self.energy_j, self.u_j, self.dof))
        if not math.isfinite(value):
            return None
        known = math.isfinite(u)
        return Number(Estimate(value / 3600, u / 3600 if known else None, dof if known else None), "Wh", n=1)


def of_one(run: RunTerms, kind: Kind) -> Single:
    """The intervals of one run with all that makes each of them uncertain by itself."""
    induced = kind == "induced"
    if induced and run.level is None:
        return Single(run.induced_j, np.full(run.induced_j.size, np.nan), np.full(run.induced_j.size, np.nan))
    squares: list[Floats] = [(run.clock_bound_s / ROOT_3 * run.clock_w(induced=induced)) ** 2]
    moved = run.convention_induced_j if induced else run.convention_j
    if moved is not None:
        squares.append(moved**2 / 3)
    if (observer := run.observer_w(induced=induced)) is not None:
        squares.append((run.duration_s * observer.u) ** 2)
    beside = run.baselines if induced and run.baselines else (None,) * len(run.parts)
    for part, base in zip(run.parts, beside, strict=True):
        squares += [_of_meter(part, base, run.duration_s) ** 2]
        squares += [part.resolution_j**2, part.sampling_j**2]
    assumed = [_assumed_j(part, base, run.duration_s) for part, base in zip(run.parts, beside, strict=True)]
    squares.append(np.sum(assumed, axis=0) ** 2)
    for name in ("mean_loss_j", "loss_deviation_j", "gap_j"):
        own = [getattr(part, name) for part in run.parts]
        apart = name == "loss_deviation_j" and was(Rule.EDGES_WITH_SIGN)
        squares.append(np.sum(np.square(own), axis=0) if apart else np.sum(own, axis=0) ** 2)
    squares.append(run.limit_j(induced=induced) ** 2 / 3)
    counted = [*_of_spill(run), *_of_baseline(run, induced=induced)]
    total = np.sum([*squares, *(square for square, _ in counted)], axis=0)
    weights = np.zeros_like(total)
    for square, dof in counted:  # the rest is of type B
        share = np.divide(square, total, out=np.zeros_like(total), where=total > 0)
        weights += np.divide(share**2, dof, out=np.zeros_like(total), where=dof > 0)
    dof = np.divide(1.0, weights, out=np.full_like(total, np.inf), where=weights > 0)
    value_j = run.induced_j if induced else run.energy_j
    return Single(value_j, np.sqrt(total), np.where(np.isfinite(total), dof, np.nan))


def _of_spill(run: RunTerms) -> Iterator[tuple[Floats, Floats]]:
    """What lay beside short intervals in the windows that they touch: squares (J^2) with their degrees of freedom."""
    for part in run.parts:
        yield part.spill_j**2, part.spill_count


def _of_baseline(run: RunTerms, *, induced: bool) -> Iterator[tuple[Floats, Floats]]:
    """The baseline as this run knows it, over the time for which it was subtracted."""
    seconds = run.spill_s + run.duration_s if induced else run.spill_s
    if run.level is not None and (induced or seconds.any()):
        u_w = np.nan if run.level.u_run_w is None else run.level.u_run_w
        yield (seconds * u_w) ** 2, np.full(seconds.size, run.level.dof)
        yield (seconds * run.level.shape_w) ** 2 / 3, np.full(seconds.size, SHAPE_DOF)


def _of_meter(part: PartTerms, base: PartBaseline | None, duration_s: Floats) -> Floats:
    """Gain and offset of one meter (J), or what the instrument stated instead."""
    if part.reported_j is not None:
        beside = 0.0 if base is None or base.reported_j is None else base.reported_j
        return np.asarray(np.hypot(part.reported_j, beside) / ROOT_3)
    error = part.error
    if base is None:
        energy_j, offset_j = part.energy_j, error.offset_u_w * duration_s
    else:
        energy_j = part.energy_j - base.energy_j if base.same_range else np.hypot(part.energy_j, base.energy_j)
        offset_j = np.sqrt(0.0 if base.same_session else 2.0) * error.offset_u_w * duration_s
    gains = [
        (energy_j * gain.relative_u) ** 2
        for gain in error.gains(per_second(part.energy_j, duration_s))
        if gain.source != ASSUMED_LINE
    ]
    return np.asarray(np.sqrt(np.sum([*gains, offset_j**2], axis=0)))


def _assumed_j(part: PartTerms, base: PartBaseline | None, duration_s: Floats) -> Floats:
    """What is assumed of one meter (J)."""
    if part.reported_j is not None:
        return np.zeros_like(part.energy_j)
    if base is None:
        energy_j = np.abs(part.energy_j)
    elif base.same_range:
        energy_j = np.abs(part.energy_j - base.energy_j)
    else:
        energy_j = np.abs(part.energy_j) + np.abs(base.energy_j)
    gains = part.error.gains(per_second(part.energy_j, duration_s))
    own = [energy_j * gain.relative_u for gain in gains if gain.source == ASSUMED_LINE]
    return np.asarray(np.sum([np.zeros_like(energy_j), *own], axis=0))
