"""By how many per cent one mean is larger than another, over strata that count alike, with Fieller's interval.

Knows values of strata. Knows no study. With m strata of n values, variance s^2 and mean x, a level's mean is the sum of
x / m, its variance that of s^2 / (n m^2). The interval holds every ratio R for which mean2 - R mean1 is not told from
zero by Student's t; its degrees of freedom are those of Welch and Satterthwaite at the ratio that was found.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from reports.inference.samples import Floats
from reports.results.uncertainty import Estimate, t_quantile

Strata = Sequence[Floats]
"""Values of each stratum, one or more each."""


@dataclass(frozen=True, slots=True)
class Increase:
    """In per cent; the interval is None where it is unbounded or a stratum has a single value."""

    percent: float
    interval: tuple[float, float] | None


def mean_of_strata(strata: Strata) -> Estimate:
    """Mean of the strata's means; u is None where a stratum has a single value."""
    value = math.fsum(float(values.mean()) for values in strata) / len(strata)
    terms = _terms(strata)
    if terms is None:
        return Estimate(value, None, None)
    variance = math.fsum(part for part, _ in terms)
    return Estimate(value, math.sqrt(variance), _df(terms) if variance > 0 else math.inf)


def increase(first: Strata, second: Strata) -> Increase | None:
    """Of the second beside the first; None where the first's mean is not above 0."""
    a, b = mean_of_strata(first), mean_of_strata(second)
    if a.value <= 0:
        return None
    ratio = b.value / a.value
    return Increase(100 * (ratio - 1), _interval(first, second, ratio))


def _interval(first: Strata, second: Strata, ratio: float) -> tuple[float, float] | None:
    of_first, of_second = _terms(first), _terms(second)
    if of_first is None or of_second is None:
        return None
    (a, va), (b, vb) = (
        (mean_of_strata(strata).value, math.fsum(part for part, _ in terms))
        for strata, terms in ((first, of_first), (second, of_second))
    )
    both = [*((ratio**2 * part, df) for part, df in of_first), *of_second]
    t = t_quantile(_df(both)) if va + vb > 0 else 0.0
    square, constant = a**2 - t**2 * va, b**2 - t**2 * vb
    if square <= 0 or (a * b) ** 2 < square * constant:
        return None
    root = math.sqrt((a * b) ** 2 - square * constant)
    return 100 * ((a * b - root) / square - 1), 100 * ((a * b + root) / square - 1)


def _terms(strata: Strata) -> list[tuple[float, float]] | None:
    """What each stratum adds to the variance of the mean, and its degrees of freedom."""
    if any(values.size < 2 for values in strata):
        return None
    return [(float(values.var(ddof=1)) / values.size / len(strata) ** 2, values.size - 1.0) for values in strata]


def _df(terms: Sequence[tuple[float, float]]) -> float:
    above = math.fsum(part for part, _ in terms) ** 2
    below = math.fsum(part**2 / df for part, df in terms)
    return above / below if below > 0 else math.inf
