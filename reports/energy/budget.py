"""The uncertainty budget of an energy: every contribution as a line, and what they give together (method.md section 6).

Knows the list of error sources (`sources.contributions`) and the GUM's arithmetic. Knows no source's formula, no file
and no report. The result's unit is the caller's: `per_j` turns a run's joules into it (1/3600: Wh; 1/T: W).

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

import numpy as np

from reports.energy.contributions import RunTerms
from reports.energy.energy import WH, BaselineLevel
from reports.energy.meter_error import Distribution, Floats
from reports.energy.sample import Kind, MeasuredRun, Sample, Value
from reports.energy.sources import Contribution, EvaluationType, baseline_blocks, contributions
from reports.results.budget import BudgetLine, BudgetTable, Missing, Shortage
from reports.results.distributions import stdtrit
from reports.results.uncertainty import COVERAGE, Estimate, Number, Term, combine, mean_of, mean_with_shared

SPREAD = frozenset({"runs", "autocorrelation"})
"""The lines of the runs' spread."""
LEAST_FOR_TAU = 20
"""Fewer runs say nothing of their autocorrelation."""


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

    @property
    def entry(self) -> BudgetLine:
        """As results.json has it; infinite degrees of freedom are null."""
        dof = self.dof if math.isfinite(self.dof) else None
        return BudgetLine(
            self.source, self.meter, self.type, self.distribution, self.sensitivity, self.input_u, self.input_unit,
            self.u, dof, self.share, self.note,
        )  # fmt: skip


@dataclass(frozen=True, slots=True)
class Budget:
    """All lines of one number. `independent`: type A alone, runs and blocks taken as independent replicates.

    `missing` names what is not known, as (code, meter or None); while it is not empty the budget is not complete.
    """

    number: Number
    lines: tuple[Line, ...]
    independent: Estimate
    missing: tuple[tuple[Shortage, str | None], ...]

    @property
    def shared(self) -> Term:
        """What the spread of the runs does not hold: everything that they share."""
        terms = [Term(line.u, line.dof) for line in self.lines if line.source not in SPREAD]
        joint = combine(0.0, terms)
        return Term(joint.u or 0.0, math.inf if joint.dof is None else joint.dof)

    @property
    def table(self) -> BudgetTable:
        """As results.json has it."""
        type_b = math.sqrt(math.fsum(line.u**2 for line in self.lines if line.type == "B"))
        return BudgetTable(
            complete=not self.missing,
            missing=tuple(Missing(what, meter) for what, meter in self.missing),
            result=self.number,
            type_a=replace(self.number, estimate=self.independent),
            type_b=Number(Estimate(self.number.value, type_b, math.inf), self.number.unit),
            dominant=max(self.lines, key=lambda line: line.u).source if self.lines else None,
            lines=tuple(line.entry for line in self.lines),
        )


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


def of_mean(terms: Sequence[RunTerms], at: Sequence[int], per_j: Floats, unit: str, kind: Kind) -> Budget | None:
    """The budget of a mean over runs, in order of time: interval `at[i]` of run i, times `per_j[i]`.

    Runs without the value do not count; None where none has it. The result has no u where there are fewer than two
    runs, or the spread of the baseline is not known.
    """
    runs = [MeasuredRun(run, k, per_j=float(f)) for run, k, f in zip(terms, at, per_j, strict=True)]
    energies_j = [run.of(run.terms.induced_j if kind == "induced" else run.terms.energy_j) for run in runs]
    values = np.array([j * run.per_j for j, run in zip(energies_j, runs, strict=True)], dtype=np.float64)
    known = np.isfinite(values)
    mean = mean_of(values, unit)
    if mean is None:
        return None
    sample = Sample([run for run, is_known in zip(runs, known.tolist(), strict=True) if is_known], kind)
    sources = list(contributions(sample))
    blocks = _of_blocks(sources)
    lines = [*_of_spread(values[known], mean), *_of_baseline(sources, blocks, unit), *_of_type_b(sources)]
    # A total leans on the blocks only beside intervals below two windows.
    baseline = Term(0.0, math.inf) if blocks is None and kind == "gross" else blocks
    missing = tuple(_missing(sample, mean, baseline))
    if mean.sd is None or mean.n is None or baseline is None:
        empty = Estimate(mean.estimate.value, None, None)
        return Budget(replace(mean, estimate=empty), tuple(lines), empty, missing)
    spread = Term(mean.sd / math.sqrt(mean.n), mean.n - 1.0)
    joined = [Term(line.u, line.dof) for line in lines if line.source not in SPREAD]
    own = [line for line in lines if line.source in SPREAD]
    # Spread and autocorrelation are one evaluation with one number of degrees of freedom.
    joined.append(Term(math.hypot(*(line.u for line in own)), own[0].dof))
    estimate = combine(mean.estimate.value, joined)
    total = (estimate.u or 0.0) ** 2
    shares = tuple(replace(line, share=line.u**2 / total if total > 0 else None) for line in lines)
    independent = combine(mean.estimate.value, [spread, baseline])
    return Budget(replace(mean, estimate=estimate), shares, independent, missing)


def of_sum(terms: Sequence[RunTerms], at: Sequence[int], kind: Kind) -> Number | None:
    """The sum of one interval of each of some runs (Wh). They are no replicates, so no spread is in it: what they share
    (baseline, gain, offset) counts once, with its sign, and what each errs by itself (deviations at its edges, rounding
    that noise dithers, sampling) is independent. None without a run; no u where something is not known."""
    if not terms:
        return None
    per_j = len(terms) / WH  # a mean of so many, times their number
    sample = Sample([MeasuredRun(run, k, per_j=per_j) for run, k in zip(terms, at, strict=True)], kind)
    energies_j = [run.induced_j if kind == "induced" else run.energy_j for run in terms]
    value = math.fsum(float(own[k]) for own, k in zip(energies_j, at, strict=True)) / WH
    if not math.isfinite(value):
        return None
    sources = list(contributions(sample))
    blocks = _of_blocks(sources)
    own = math.sqrt(math.fsum(_own_variance(run, k) for run, k in zip(terms, at, strict=True))) / WH
    lines = [Term(line.u, line.dof) for line in (*_of_baseline(sources, blocks, "Wh"), *_of_type_b(sources))]
    joint = combine(value, [*lines, Term(own, math.inf)])
    is_known = (blocks is not None or kind == "gross") and math.isfinite(joint.u or 0.0)
    return Number(joint if is_known else Estimate(value, None, None), "Wh", n=len(terms))


def _own_variance(run: RunTerms, k: int) -> float:
    """What one interval of a run errs by itself and a mean over replicates holds in its spread (J squared)."""
    deviation_j = math.fsum(float(part.loss_deviation_j[k]) for part in run.parts)
    apart = [(float(part.sampling_j[k]), float(part.spill_j[k])) for part in run.parts]
    apart += [(float(part.resolution_j[k]) if part.dithered[k] else 0.0, 0.0) for part in run.parts]
    return deviation_j**2 + math.fsum(one**2 + other**2 for one, other in apart)


def _of_blocks(sources: Sequence[Contribution]) -> Term | None:
    """The baseline's blocks of all sessions; None where the number does not lean on them, or their spread is not
    known."""
    terms = [Term(float(source.size), float(source.dof)) for source in sources if source.type == "A"]
    if not terms or not all(math.isfinite(term.u) for term in terms):
        return None
    joint = combine(0.0, terms)
    return Term(joint.u or 0.0, math.inf if joint.dof is None else joint.dof)


def _of_spread(values: Floats, mean: Number) -> Iterator[Line]:
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


def _of_baseline(sources: Sequence[Contribution], blocks: Term | None, unit: str) -> Iterator[Line]:
    """The blocks of all sessions as one line."""
    if blocks is not None:
        name = next(source.name for source in sources if source.type == "A")
        yield Line(name, None, "A", "t", 1.0, blocks.u, unit, blocks.dof)


def _of_type_b(sources: Sequence[Contribution]) -> Iterator[Line]:
    """The other sources; what is assumed of several meters is one line."""
    alike = [source for source in sources if source.joint == "limits"]
    yield from map(_line, [_added_up(alike)] if len(alike) > 1 else alike)
    yield from (_line(source) for source in sources if source.joint != "limits" and source.type == "B")


def _added_up(alike: Sequence[Contribution]) -> Contribution:
    """What is assumed of several meters."""
    note = f"{len(alike)} meters, limits added: their errors may be alike"
    return Contribution(alike[0].name, {((), 0): math.fsum(float(source.size) for source in alike)}, note=note)


def _line(source: Contribution) -> Line:
    own = (1.0, source.size) if not source.unit else (source.sensitivity, source.u)
    sensitivity, u = map(float, own)
    return Line(
        source.name, source.meter, source.type, source.distribution, sensitivity, u, source.unit, float(source.dof),
        source.note,
    )  # fmt: skip


def _missing(sample: Sample, mean: Number, baseline: Term | None) -> Iterator[tuple[Shortage, str | None]]:
    for members in sample.meters:
        error = members[0].part.error
        if not error.known and any(member.part.reported_j is None for member in members):
            yield "limits-of-error", error.meter
    if mean.sd is None:
        yield "spread-of-runs", None
    if baseline is None:
        yield "spread-of-baseline", None


def baseline_term(levels: Sequence[BaselineLevel | None], factors: Floats) -> Term | None:
    """What P_B contributes to a mean over runs that each contain it with a factor (a duration, or 1). None where that
    of a run has no known spread."""
    known = [level for level in levels if level is not None and level.sd_w is not None]
    if len(known) < len(levels):
        return None
    subtracted = [((level.session,), level, factor) for level, factor in zip(known, factors.tolist(), strict=True)]
    return _of_blocks(list(baseline_blocks(subtracted, len(levels))))


def induced(energies_wh: Floats, durations_s: Floats, levels: Sequence[BaselineLevel | None]) -> Number | None:
    """Mean induced energy (Wh) from the induced energies of runs by type A, u^2 = s^2/n + Tbar^2 u^2(P_B) (method.md
    section 6).

    `levels` are the baselines of the same runs. u is None where either part is unknown: fewer than two runs or fewer
    than two blocks. None without a baseline.
    """
    return mean_with_shared(energies_wh, "Wh", baseline_term(levels, durations_s / WH))


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
    sample = Sample([MeasuredRun(run, None)], kind)
    value_j = run.induced_j if sample.is_induced else run.energy_j
    if sample.is_induced and run.level is None:
        return Single(value_j, np.full(value_j.size, np.nan), np.full(value_j.size, np.nan))
    sources = list(contributions(sample))
    alike = [source for source in sources if source.joint == "limits"]
    apart = [(source.size, source.dof) for source in sources if source.joint != "limits"]
    terms: list[tuple[Value, Value]] = [(sum(source.size for source in alike), math.inf), *apart]
    total = sum((u * u for u, _ in terms), np.zeros(value_j.size))
    weights = np.zeros(value_j.size)
    for u, dof in terms:
        share = np.divide(u * u, total, out=np.zeros_like(total), where=total > 0)
        weights += np.divide(share**2, dof, out=np.zeros_like(total), where=np.greater(dof, 0))
    dof = np.divide(1.0, weights, out=np.full_like(total, np.inf), where=weights > 0)
    return Single(value_j, np.sqrt(total), np.where(np.isfinite(total), dof, np.nan))
