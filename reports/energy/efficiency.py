"""Efficiency factors: useful work / energy (method.md section 4).

Knows work and energy per run, and what kinds of work were declared. Knows no power and no file.

The campaign's value is the ratio of the means, R = A/E, with the delta method's u(R) = sqrt(s_A^2 - 2 R s_AE + R^2
s_E^2) / (sqrt(n) E), and Fieller's 95 % interval beside it (Fieller 1954; paired runs). It is suppressed where the
induced energy is not
distinguishable from zero. With a stop at a target the work is nearly constant. What the energies of all runs
share (baseline, gain, offset: `budget.Budget.shared`) joins their variance; degrees of freedom by Welch-Satterthwaite.
In Fieller's interval each variance has the quantile of its own degrees of freedom: one quantile at the effective ones
covers too little for three runs (92 %, simulated).
"""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from harness.record.work import Work
from reports.energy.energy import WH
from reports.readings.bounded import number
from reports.results.uncertainty import Estimate, Number, Term, combine, t_quantile


@dataclass(frozen=True, slots=True)
class Ratio:
    """One efficiency factor: ratio of means, Fieller's interval (None where it is unbounded), per-run ratios."""

    number: Number
    interval: tuple[float, float] | None
    per_run: tuple[float, ...]


def work_of(
    summary: Mapping[str, Any], declared: Iterable[Work], marked: Mapping[str, int], worked: Mapping[str, float]
) -> dict[str, float]:
    """Kind -> useful work of one run: what its program marked as work (`worked`), else what its summary says (or the
    `quality` in it), else how often an action was `marked`; what none gives is left out."""
    numbers = told_of(summary) | dict(worked)
    amounts = {work.name: number(numbers.get(work.key, marked.get(work.action) or None)) for work in declared}
    return {kind: amount for kind, amount in amounts.items() if amount > 0}


def told_of(summary: Mapping[str, Any]) -> dict[str, Any]:
    """Key -> what a summary says of it, at its top or in `quality`."""
    quality = summary.get("quality")
    return {**summary, **(quality if isinstance(quality, dict) else {})}


def energy_per_unit(
    amounts: NDArray[np.float64], energies_wh: NDArray[np.float64], shared: Term, unit: str
) -> Number | None:
    """Energy of one unit of work: mean(energy) / mean(amount) over the runs that have both, by the delta method; None
    where no work was done. `shared`: the energies' common uncertainty (Wh)."""
    use = np.isfinite(amounts) & np.isfinite(energies_wh)
    if not use.any() or float(amounts[use].mean()) <= 0:
        return None
    mean_work = float(amounts[use].mean())
    common = Term(shared.u / mean_work, shared.dof)
    return _ratio(energies_wh[use], amounts[use], common, unit)


def ratios(
    declared: Iterable[Work], amounts: Sequence[dict[str, float]], energies_wh: NDArray[np.float64], shared: Term
) -> dict[str, Ratio]:
    """Kind -> ratio, over the runs that have both; `amounts`: of every run (`work_of`), `shared`: the energies' common
    uncertainty (Wh)."""
    factors = {}
    for work in declared:
        amount = np.array([of_run.get(work.name, np.nan) for of_run in amounts])
        use = np.isfinite(amount) & np.isfinite(energies_wh)
        if use.any() and float(energies_wh[use].mean()) > 0:
            scale = unit_of_wh(work)
            common = Term(shared.u * scale, shared.dof)
            factors[work.name] = ratio_of_means(amount[use], energies_wh[use] * scale, common, work.unit)
    return factors


def unit_of_wh(work: Work) -> float:
    """How many units of energy of a factor a Wh is: J or Wh."""
    return WH if work.unit == "1/J" else 1.0


def energy_per_success(successes: NDArray[np.float64], energies_wh: NDArray[np.float64], shared: Term) -> Number | None:
    """Energy of all runs / number of successes (1 or 0 per run), by the delta method; None without a success."""
    count, fraction, energy = successes.size, float(successes.mean()), float(energies_wh.mean())
    if fraction == 0:
        return None
    value = energy / fraction
    if count < 2:
        return Number(Estimate(value, None, None), "Wh", None, count)
    covariance = np.cov(energies_wh, successes, ddof=1) / count
    own = float(covariance[0, 0]) - 2 * value * float(covariance[0, 1]) + value**2 * float(covariance[1, 1])
    terms = [Term(math.sqrt(max(own, 0.0)) / fraction, count - 1.0), Term(shared.u / fraction, shared.dof)]
    return Number(combine(value, terms), "Wh", None, count)


def ratio_of_means(work: NDArray[np.float64], energy: NDArray[np.float64], shared: Term, unit: str) -> Ratio:
    """mean(work) / mean(energy) of paired values; `shared` is what all energies have in common, in their unit. A single
    pair has neither u nor interval."""
    count = work.size
    mean_work, mean_energy = float(work.mean()), float(energy.mean())
    per_run = tuple(float(x) for x in np.divide(work, energy, out=np.full(count, np.nan), where=energy != 0))
    number = _ratio(work, energy, Term(mean_work / mean_energy * shared.u / mean_energy, shared.dof), unit)
    if count < 2:
        return Ratio(number, None, per_run)
    covariance = np.cov(work, energy, ddof=1) / count
    v_work, v_both, v_energy = float(covariance[0, 0]), float(covariance[0, 1]), float(covariance[1, 1])
    widened = tuple(t_quantile(count - 1.0) ** 2 * v for v in (v_work, v_both, v_energy))
    common = (t_quantile(shared.dof) * shared.u) ** 2
    return Ratio(number, _fieller(mean_work, mean_energy, widened[0], widened[1], widened[2] + common), per_run)


def _ratio(above: NDArray[np.float64], below: NDArray[np.float64], common: Term, unit: str) -> Number:
    """mean(above) / mean(below) of paired values, by the delta method; `common`: what the ratio's runs share. A single
    pair has no u."""
    count, mean_below = above.size, float(below.mean())
    value = float(above.mean()) / mean_below
    if count < 2:
        return Number(Estimate(value, None, None), unit, None, count)
    covariance = np.cov(above, below, ddof=1) / count
    v_above, v_both, v_below = float(covariance[0, 0]), float(covariance[0, 1]), float(covariance[1, 1])
    own = math.sqrt(max(v_above - 2 * value * v_both + value**2 * v_below, 0.0)) / mean_below
    per_run = np.divide(above, below, out=np.full(count, np.nan), where=below != 0)
    spread = per_run[np.isfinite(per_run)]
    sd = float(spread.std(ddof=1)) if spread.size > 1 else None
    return Number(combine(value, [Term(own, count - 1.0), common]), unit, sd, count)


def _fieller(work: float, energy: float, v_work: float, v_both: float, v_energy: float) -> tuple[float, float] | None:
    """Roots of (E^2 - v_E) R^2 - 2 (A E - v_AE) R + (A^2 - v_A) = 0, the v times the square of their quantile; None
    where the interval is unbounded."""
    a, b, c = energy**2 - v_energy, work * energy - v_both, work**2 - v_work
    if a <= 0 or b * b < a * c:
        return None
    root = math.sqrt(b * b - a * c)
    return (b - root) / a, (b + root) / a
