"""The statistical tests of groups, and of what they suppose, computed by R (method.md section 10).

Knows which test needs what of its numbers, and gives codes and numbers; the formulae and their sources stand in
statistics.R, the way to R in r_session.py. Knows no units, no design and no words: which test is made follows from the
declared design, elsewhere. Tests of pairs stand in coefficients.py, effects in effects.py, intervals in intervals.py.

Values are vectors of shape (n,) in any one unit; groups map a label to its values. What cannot be computed is *refused*
with a code, its numbers are None:

    too-few      fewer values, pairs or values in a group than the test needs (constants below)
    too-many     more than 5000 values for Shapiro-Wilk
    one-level    fewer than two groups
    not-finite   a NaN, an infinity or a magnitude above 1e50 among the values
    constant     all values are equal but for rounding, or all of a group where the test divides by its variance
    ties-only    all ranks are equal
    perfect      a straight line leaves nothing: r is 1 or -1, and there is nothing to test
    collinear    the controls of a partial correlation explain x or y entirely

p values are two-sided unless `alternative` says otherwise and as small as a double holds; a p of 0 means less than
1e-307. Intervals are of 95 %, and given only where simulation found that they cover at least 93 %
(tests/benchmarks/bench_statistics.py); eta^2_H and the median's difference have none. Every function raises `NoR` where
there is no R, and AnalysisError in another thread than the one that called R first.
"""

import itertools
import math
from dataclasses import dataclass

import numpy as np

from harness.record.errors import AnalysisError
from reports.inference.effects import cliffs_delta, cohens_d, effect_of, eta_squared_h
from reports.inference.r_session import call
from reports.inference.samples import (
    Floats,
    Groups,
    ends,
    is_constant,
    is_without_error,
    numbers,
    parts_of,
    refusal,
    refused_pairs,
    refused_test,
    sizes,
    stacked,
    vector,
)
from reports.results.inference import Effect, Pair, QuantilePlot, Refusal, Test
from reports.results.rules import Rule, was

LEAST_FOR_NORMALITY = 8
"""Fewer values show nothing of a distribution: no normality test, no Q-Q plot, no interval that rests on normality."""
MOST_FOR_SHAPIRO = 5000
LEAST_OF_TWO_FOR_KRUSKAL = 4
"""Of two groups of three the chi-square p is .0495 when they are apart, which happens by chance once in ten times."""


@dataclass(frozen=True, slots=True)
class Equivalence:
    """Two one-sided tests of |difference| < margin: the 90 % interval, p, and whether it lies within the margin."""

    low: float | None
    high: float | None
    p: float | None
    equivalent: bool
    margin: float
    refused: Refusal | None = None


# --- assumptions -----------------------------------------------------------------------------------------------------


def shapiro(values: Floats) -> Test:
    """Shapiro-Wilk W (Royston, AS R94) of 3 to 5000 values."""
    values = vector(values)
    refused = refusal([values], 3, within=True)
    if refused is None and values.size > MOST_FOR_SHAPIRO:
        refused = "too-many"
    if refused:
        return refused_test("shapiro-wilk", "W", [values], refused)
    statistic, p = numbers(call("shapiro", values))
    return Test("shapiro-wilk", statistic, "W", (), p, (values.size,), None, None)


def qq(values: Floats) -> QuantilePlot | None:
    """The Q-Q plot of two or more finite values against the normal distribution; None otherwise."""
    values = vector(values)
    if refusal([values], 2):
        return None
    intercept, slope, *theoretical = numbers(call("qq", values))
    return QuantilePlot(tuple(theoretical), tuple(numbers(np.sort(values))), slope, intercept)


def normality(values: Floats) -> Test:
    """Shapiro-Wilk where it shows anything: of `LEAST_FOR_NORMALITY` values and more."""
    values = vector(values)
    if values.size < LEAST_FOR_NORMALITY and not was(Rule.SHOWN_STATISTICS):
        return refused_test("shapiro-wilk", "W", [values], "too-few")
    return shapiro(values)


def normal_plot(values: Floats) -> QuantilePlot | None:
    """The Q-Q plot where it shows anything: of `LEAST_FOR_NORMALITY` values and more."""
    return qq(values) if vector(values).size >= LEAST_FOR_NORMALITY or was(Rule.SHOWN_STATISTICS) else None


def levene(groups: Groups) -> Test:
    """Levene's test about medians (Brown-Forsythe) of groups of three or more."""
    parts = parts_of(groups)
    refused = refusal(parts, 3, least_groups=2)
    if refused is None and all(is_constant(np.abs(part - np.median(part))) for part in parts):
        refused = "constant"
    if refused:
        return refused_test("levene-median", "F", parts, refused)
    statistic, *df, p = numbers(call("levene", *stacked(parts)))
    return Test("levene-median", statistic, "F", tuple(df), p, sizes(parts), None, None)


# --- means -----------------------------------------------------------------------------------------------------------


def welch_anova(groups: Groups) -> Test:
    """Welch's analysis of variance of groups of two or more (`least_for_welch`); effect: partial eta^2 (of the sums of
    squares), with an interval where groups have three or more and none more than twice another."""
    parts = parts_of(groups)
    refused = refusal(parts, least_for_welch(len(parts)), least_groups=2, within=True)
    if refused:
        return refused_test("welch-anova", "F", parts, refused)
    symmetric = float(was(Rule.ETA_INTERVAL))
    statistic, *df, p, eta, low, high = numbers(call("welch_anova", *stacked(parts), symmetric))
    effect = effect_of("partial-eta-squared", eta, ends(low, high), p)
    return Test("welch-anova", statistic, "F", tuple(df), p, sizes(parts), effect, None)


def least_for_welch(groups: int) -> int:
    """The fewest values in each of so many groups: two, or two thirds of the number of groups. With fewer, the tests
    that do not suppose equal variances find more than 7 % false differences at 5 % (of 15 groups of 3: 22 %)."""
    return max(2, math.ceil(2 * groups / 3))


def games_howell(groups: Groups) -> tuple[Pair, ...]:
    """Every pair of groups of three or more (`least_for_welch`) by Games and Howell, p and interval for all of them at
    once; effect: Hedges' g."""
    parts = parts_of(groups)
    refused = refusal(parts, max(3, least_for_welch(len(parts))), least_groups=2, within=True)
    if refused:
        return refused_pairs(groups, parts, refused)
    rows = call("games_howell", *stacked(parts)).reshape(-1, 6)
    pairs = []
    for (first, second), row in zip(itertools.combinations(groups, 2), rows, strict=True):
        effect = cohens_d(groups[first], groups[second])
        pairs.append(_pair(first, second, row, effect, (vector(groups[first]).size, vector(groups[second]).size)))
    return tuple(pairs)


def _pair(first: str, second: str, row: Floats, effect: Effect | None, n: tuple[int, int]) -> Pair:
    difference, low, high, statistic, df, p = numbers(row)
    return Pair(first, second, difference, (low, high), statistic, df, p, effect, n, None)


def equivalence(a: Floats, b: Floats, margin: float) -> Equivalence:
    """Whether |mean(a) - mean(b)| is below `margin` (same unit), by Welch's two one-sided tests at 5 %."""
    _checked_margin(margin)
    parts = [vector(a), vector(b)]
    refused = refusal(parts, 2) or ("constant" if is_without_error(parts) else None)
    if refused:
        return Equivalence(None, None, None, False, margin, refused)
    low, high, p = numbers(call("equivalence", *parts, margin))
    return Equivalence(low, high, p, -margin < low and high < margin, margin)


def _checked_margin(margin: float) -> None:
    if not 0 < margin < math.inf:
        raise AnalysisError(f"the margin of an equivalence test is {margin}; it must be above 0, in the values' unit")


# --- ranks -----------------------------------------------------------------------------------------------------------


def kruskal(groups: Groups) -> Test:
    """Kruskal-Wallis of groups of two or more (four or more where there are two groups); effect: eta^2_H."""
    parts = parts_of(groups)
    least = LEAST_OF_TWO_FOR_KRUSKAL if len(parts) == 2 else 2
    refused = refusal(parts, least, least_groups=2, ranks=True)
    if refused:
        return refused_test("kruskal-wallis", "H", parts, refused)
    statistic, df, p = numbers(call("kruskal", *stacked(parts)))
    n = sizes(parts)
    effect = effect_of("eta-squared-h", eta_squared_h(statistic, sum(n), len(n)), None, p)
    return Test("kruskal-wallis", statistic, "H", (df,), p, n, effect, None)


def dunn(groups: Groups) -> tuple[Pair, ...]:
    """Every pair by Dunn, p by Holm; difference of the mean ranks, statistic z; effect: Cliff's delta."""
    parts = parts_of(groups)
    least = LEAST_OF_TWO_FOR_KRUSKAL if len(parts) == 2 else 2
    refused = refusal(parts, least, least_groups=2, ranks=True)
    if refused:
        return refused_pairs(groups, parts, refused)
    rows = call("dunn", *stacked(parts)).reshape(-1, 3).tolist()
    pairs = []
    for (first, second), (difference, z, p) in zip(itertools.combinations(groups, 2), rows, strict=True):
        effect = cliffs_delta(groups[first], groups[second])
        n = vector(groups[first]).size, vector(groups[second]).size
        pairs.append(Pair(first, second, difference, None, z, None, p, effect, n, None))
    return tuple(pairs)
