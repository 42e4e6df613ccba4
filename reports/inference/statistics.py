"""The statistical tests, effects and intervals of comparisons and studies, computed by R (method.md section 10).

Knows which test needs what of its numbers, and gives codes and numbers; the formulae and their sources stand in
statistics.R, the way to R in r_session.py. Knows no units, no design and no words: which test is made follows from the
declared design, elsewhere.

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
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from harness.record.errors import AnalysisError
from reports.inference.r_session import NoR as NoR
from reports.inference.r_session import absence as absence
from reports.inference.r_session import available as available
from reports.inference.r_session import call
from reports.inference.r_session import version as version
from reports.results.inference import (
    Effect,
    EffectName,
    EffectWord,
    Interval,
    Pair,
    QuantilePlot,
    Refusal,
    Symbol,
    Test,
    TestName,
)
from reports.results.rules import Rule, was

Floats: TypeAlias = NDArray[np.float64]
Groups: TypeAlias = Mapping[str, Floats]
Alternative: TypeAlias = Literal["two.sided", "greater", "less"]

LEVEL = 0.95
ALPHA = 0.05
LEAST_FOR_NORMALITY = 8
"""Fewer values show nothing of a distribution: no normality test, no Q-Q plot, no interval that rests on normality."""
MOST_FOR_SHAPIRO = 5000
LEAST_FOR_BCA = 30
MOST_FOR_BCA = 200
"""Above, its ends are those of Student's t but for some 3 % of the width (gamma of shape 4)."""
BOOTSTRAP_SAMPLES, BOOTSTRAP_SEED = 9999, 1
LEAST_FOR_RHO = 10
"""For its interval."""
LEAST_OF_TWO_FOR_KRUSKAL = 4
"""Of two groups of three the chi-square p is .0495 when they are apart, which happens by chance once in ten times."""
MOST_N = 10_000_000
LARGEST, SMALLEST = 1e50, 1e-50
"""Beyond them powers of the values are no longer doubles."""
ROUNDING = 10 * float(np.finfo(np.float64).eps)
BANDS: Mapping[EffectName, tuple[tuple[float, ...], tuple[EffectWord, ...]]] = {
    # Cohen, Statistical power analysis (1988), 8.2.2 and 2.2.3.
    "partial-eta-squared": ((0.01, 0.06, 0.14), ("negligible", "small", "medium", "large")),
    "eta-squared-h": ((0.01, 0.06, 0.14), ("negligible", "small", "medium", "large")),
    "hedges-g": ((0.2, 0.5, 0.8), ("negligible", "small", "medium", "large")),
    # Romano et al., Annual meeting of the Florida Association of Institutional Research (2006).
    "cliffs-delta": ((0.147, 0.33, 0.474), ("negligible", "small", "medium", "large")),
    "rho": ((0.2, 0.4, 0.7, 0.9), ("very-weak", "weak", "moderate", "strong", "very-strong")),
    "r": ((0.2, 0.4, 0.7, 0.9), ("very-weak", "weak", "moderate", "strong", "very-strong")),
}
SIDES: dict[Alternative, float] = {"less": -1.0, "two.sided": 0.0, "greater": 1.0}


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
    values = _vector(values)
    refused = _refusal([values], 3, within=True)
    if refused is None and values.size > MOST_FOR_SHAPIRO:
        refused = "too-many"
    if refused:
        return _refused("shapiro-wilk", "W", [values], refused)
    statistic, p = _numbers(call("shapiro", values))
    return Test("shapiro-wilk", statistic, "W", (), p, (values.size,), None, None)


def qq(values: Floats) -> QuantilePlot | None:
    """The Q-Q plot of two or more finite values against the normal distribution; None otherwise."""
    values = _vector(values)
    if _refusal([values], 2):
        return None
    intercept, slope, *theoretical = _numbers(call("qq", values))
    return QuantilePlot(tuple(theoretical), tuple(_numbers(np.sort(values))), slope, intercept)


def normality(values: Floats) -> Test:
    """Shapiro-Wilk where it shows anything: of `LEAST_FOR_NORMALITY` values and more."""
    values = _vector(values)
    if values.size < LEAST_FOR_NORMALITY and not was(Rule.SHOWN_STATISTICS):
        return _refused("shapiro-wilk", "W", [values], "too-few")
    return shapiro(values)


def normal_plot(values: Floats) -> QuantilePlot | None:
    """The Q-Q plot where it shows anything: of `LEAST_FOR_NORMALITY` values and more."""
    return qq(values) if _vector(values).size >= LEAST_FOR_NORMALITY or was(Rule.SHOWN_STATISTICS) else None


def levene(groups: Groups) -> Test:
    """Levene's test about medians (Brown-Forsythe) of groups of three or more."""
    parts = _parts(groups)
    refused = _refusal(parts, 3, least_groups=2)
    if refused is None and all(_is_constant(np.abs(part - np.median(part))) for part in parts):
        refused = "constant"
    if refused:
        return _refused("levene-median", "F", parts, refused)
    statistic, *df, p = _numbers(call("levene", *_stacked(parts)))
    return Test("levene-median", statistic, "F", tuple(df), p, _sizes(parts), None, None)


# --- means -----------------------------------------------------------------------------------------------------------


def welch_anova(groups: Groups) -> Test:
    """Welch's analysis of variance of groups of two or more (`least_for_welch`); effect: partial eta^2 (of the sums of
    squares), with an interval where groups have three or more and none more than twice another."""
    parts = _parts(groups)
    refused = _refusal(parts, least_for_welch(len(parts)), least_groups=2, within=True)
    if refused:
        return _refused("welch-anova", "F", parts, refused)
    statistic, *df, p, eta, low, high = _numbers(call("welch_anova", *_stacked(parts)))
    effect = _effect("partial-eta-squared", eta, _ends(low, high), p)
    return Test("welch-anova", statistic, "F", tuple(df), p, _sizes(parts), effect, None)


def least_for_welch(groups: int) -> int:
    """The fewest values in each of so many groups: two, or two thirds of the number of groups. With fewer, the tests
    that do not suppose equal variances find more than 7 % false differences at 5 % (of 15 groups of 3: 22 %)."""
    return max(2, math.ceil(2 * groups / 3))


def games_howell(groups: Groups) -> tuple[Pair, ...]:
    """Every pair of groups of three or more (`least_for_welch`) by Games and Howell, p and interval for all of them at
    once; effect: Hedges' g."""
    parts = _parts(groups)
    refused = _refusal(parts, max(3, least_for_welch(len(parts))), least_groups=2, within=True)
    if refused:
        return _refused_pairs(groups, parts, refused)
    rows = call("games_howell", *_stacked(parts)).reshape(-1, 6)
    pairs = []
    for (first, second), row in zip(itertools.combinations(groups, 2), rows, strict=True):
        effect = cohens_d(groups[first], groups[second])
        pairs.append(_pair(first, second, row, effect, (_vector(groups[first]).size, _vector(groups[second]).size)))
    return tuple(pairs)


def equivalence(a: Floats, b: Floats, margin: float) -> Equivalence:
    """Whether |mean(a) - mean(b)| is below `margin` (same unit), by Welch's two one-sided tests at 5 %."""
    _checked_margin(margin)
    parts = [_vector(a), _vector(b)]
    refused = _refusal(parts, 2) or ("constant" if _is_without_error(parts) else None)
    if refused:
        return Equivalence(None, None, None, False, margin, refused)
    low, high, p = _numbers(call("equivalence", *parts, margin))
    return Equivalence(low, high, p, -margin < low and high < margin, margin)


def as_equal_groups(a: Floats, b: Floats) -> tuple[float, float]:
    """Two equal groups whose means differ with the same standard error as those of these two (two or more values each):
    their size, the harmonic mean of both, and their SD."""
    a, b = _vector(a), _vector(b)
    n = 2 * a.size * b.size / (a.size + b.size)
    return n, math.sqrt(n / 2 * (float(a.var(ddof=1)) / a.size + float(b.var(ddof=1)) / b.size))


def power(n: float, difference: float, sd: float) -> float:
    """How likely a two-sided t test at 5 % of two groups of n finds a difference of means, with `sd` within groups; n
    may be the harmonic mean of two sizes.

    Raises:
        AnalysisError: n below 2, or a difference or sd that is no number or sd not above 0.
    """
    if n < 2 or not math.isfinite(difference) or not 0 < sd < math.inf:
        raise AnalysisError(f"power needs n of 2 or more, a difference and an sd above 0; got {n}, {difference}, {sd}")
    return float(call("power_of", n, abs(difference), sd)[0])


def required_n(difference: float, sd: float, power: float = 0.8) -> int | None:
    """The fewest values in each of two groups with which that test has this power; None beyond ten million.

    Raises:
        AnalysisError: as `power`, or a power not between 0 and 1.
    """
    if not 0 < power < 1 or not math.isfinite(difference) or not 0 < sd < math.inf:
        raise AnalysisError(
            f"a required n needs a difference, an sd above 0 and a power below 1; got {difference}, {sd}, {power}"
        )
    found = call("required_n", abs(difference), sd, power, MOST_N)[0]
    return int(found) if math.isfinite(found) else None


def detectable_difference(n: float, sd: float, power: float = 0.8) -> float:
    """The difference of means that this test finds with this power (.06 to .99), in the unit of `sd`; n may be the
    harmonic mean of two sizes.

    Raises:
        AnalysisError: n below 2, sd not above 0, or another power.
    """
    if n < 2 or not 0 < sd < math.inf or not 0.06 <= power <= 0.99:
        raise AnalysisError(
            f"a detectable difference needs n of 2 or more, an sd above 0, power of .06 to .99; got {n}, {sd}, {power}"
        )
    return float(call("detectable", n, sd, power)[0])


# --- ranks -----------------------------------------------------------------------------------------------------------


def kruskal(groups: Groups) -> Test:
    """Kruskal-Wallis of groups of two or more (four or more where there are two groups); effect: eta^2_H."""
    parts = _parts(groups)
    least = LEAST_OF_TWO_FOR_KRUSKAL if len(parts) == 2 else 2
    refused = _refusal(parts, least, least_groups=2, ranks=True)
    if refused:
        return _refused("kruskal-wallis", "H", parts, refused)
    statistic, df, p = _numbers(call("kruskal", *_stacked(parts)))
    n = _sizes(parts)
    effect = _effect("eta-squared-h", eta_squared_h(statistic, sum(n), len(n)), None, p)
    return Test("kruskal-wallis", statistic, "H", (df,), p, n, effect, None)


def eta_squared_h(h: float, n: int, k: int) -> float:
    """(H - k + 1) / (n - k) of n values in k groups (Tomczak and Tomczak, Trends Sport Sci. 1 (2014) 19)."""
    return (h - k + 1) / (n - k)


def dunn(groups: Groups) -> tuple[Pair, ...]:
    """Every pair by Dunn, p by Holm; difference of the mean ranks, statistic z; effect: Cliff's delta."""
    parts = _parts(groups)
    least = LEAST_OF_TWO_FOR_KRUSKAL if len(parts) == 2 else 2
    refused = _refusal(parts, least, least_groups=2, ranks=True)
    if refused:
        return _refused_pairs(groups, parts, refused)
    rows = call("dunn", *_stacked(parts)).reshape(-1, 3).tolist()
    pairs = []
    for (first, second), (difference, z, p) in zip(itertools.combinations(groups, 2), rows, strict=True):
        effect = cliffs_delta(groups[first], groups[second])
        n = _vector(groups[first]).size, _vector(groups[second]).size
        pairs.append(Pair(first, second, difference, None, z, None, p, effect, n, None))
    return tuple(pairs)


# --- correlation -----------------------------------------------------------------------------------------------------


def spearman(x: Floats, y: Floats, alternative: Alternative = "two.sided") -> Test:
    """Spearman's rho of three or more pairs. p counts all orders below ten pairs (ties or not), else it is that of
    Student's t with n - 2 degrees of freedom. The interval takes ten pairs."""
    x, y = _together(x, y)
    refused = _refusal([x, y], 3)
    if refused is None and (np.ptp(x) == 0 or np.ptp(y) == 0):
        refused = "ties-only"
    if refused:
        return _refused("spearman", "rho", [x], refused)
    rho, _, df, p = _numbers(call("spearman", x, y, SIDES[alternative]))
    # Bonett and Wright, Psychometrika 65 (2000) 23.
    enough = x.size >= LEAST_FOR_RHO
    effect = _effect("rho", rho, _fisher(rho, x.size, math.sqrt(1 + rho**2 / 2), 3) if enough else None, p)
    return Test("spearman", rho, "rho", (df,), p, (x.size,), effect, None)


def pearson(x: Floats, y: Floats, alternative: Alternative = "two.sided") -> Test:
    """Pearson's r of three or more pairs; statistic t; interval by Fisher's z, from four."""
    x, y = _together(x, y)
    refused = _refusal([x, y], 3, within=True)
    if refused:
        return _refused("pearson", "t", [x], refused)
    return _correlated("pearson", call("pearson", x, y, SIDES[alternative]), x.size, 3)


def partial(x: Floats, y: Floats, controls: Sequence[Floats], alternative: Alternative = "two.sided") -> Test:
    """Pearson's r of what straight lines through the controls leave of x and y; n - 2 less the controls degrees of
    freedom."""
    x, y = _together(x, y)
    if not controls:
        return pearson(x, y, alternative)
    control = [_together(x, one)[1] for one in controls]
    refused = _refusal([x, y], 3 + len(control), within=True) or _refusal(control, 0)
    if refused:
        return _refused("partial", "t", [x], refused)
    found = call("partial", x, y, np.concatenate(control), SIDES[alternative])
    if not np.isfinite(found[0]):
        return _refused("partial", "t", [x], "collinear")
    return _correlated("partial", found[:4], x.size, 3 + len(control))


def _correlated(name: Literal["pearson", "partial"], found: Floats, n: int, spent: int) -> Test:
    r, t, df, p = _numbers(found)
    if not math.isfinite(t):
        return Test(name, None, "t", (df,), None, (n,), _effect("r", r), "perfect")
    return Test(name, t, "t", (df,), p, (n,), _effect("r", r, _fisher(r, n, 1.0, spent), p), None)


def _fisher(r: float, n: int, factor: float, spent: int) -> tuple[float, float] | None:
    if n <= spent or abs(r) >= 1:
        return None
    low, high = _numbers(call("fisher_interval", r, factor / math.sqrt(n - spent)))
    return low, high


# --- effects and intervals -------------------------------------------------------------------------------------------


def cliffs_delta(a: Floats, b: Floats) -> Effect | None:
    """Cliff's delta, P(a > b) - P(a < b); None of nothing, and where a value is no number. The interval takes two or
    more of each."""
    parts = [_vector(a), _vector(b)]
    if _refusal(parts, 1):
        return None
    value, low, high = _numbers(call("cliffs_delta", *parts))
    return _effect("cliffs-delta", value, _ends(low, high))


def cohens_d(a: Floats, b: Floats) -> Effect | None:
    """(mean(a) - mean(b)) / pooled SD, corrected for small samples (Hedges' g); None where that SD is 0 or unknown. The
    interval takes three of each and no group of more than five times the other."""
    parts = [_vector(a), _vector(b)]
    if _refusal(parts, 2) or _is_without_error(parts):
        return None
    value, low, high = _numbers(call("hedges_g", *parts))
    return _effect("hedges-g", value, _ends(low, high))


def coefficient_of_variation(values: Floats) -> tuple[float, Interval | None] | None:
    """SD / mean of two or more values with a mean above 0, and from three its interval; None where it has no
    meaning."""
    values = _vector(values)
    if _refusal([values], 2) or not values.mean() > SMALLEST or _is_without_error([values]):
        return None
    value, low, high = _numbers(call("variation", values))
    ends = _ends(low, high)
    return value, Interval("propagated", LEVEL, *ends) if ends else None


def t_interval(values: Floats) -> Interval | None:
    """Student's interval of the mean; None of fewer than two values, and where they are all equal."""
    values = _vector(values)
    if _refusal([values], 2, within=True) or _is_without_error([values]):
        return None
    low, high = _numbers(call("t_interval", values))
    return Interval("t", LEVEL, low, high)


def bca_interval(values: Floats, seed: int) -> Interval | None:
    """The bootstrap's interval of the mean, corrected for bias and acceleration, by `BOOTSTRAP_SAMPLES` samples of R's
    Mersenne-Twister; None of fewer than `LEAST_FOR_BCA` values and of more than `MOST_FOR_BCA`, and where they are all
    equal. `seed` is of 32 bits."""
    values = _vector(values)
    if values.size > MOST_FOR_BCA or _refusal([values], LEAST_FOR_BCA, within=True):
        return None
    low, high = _numbers(call("bca", values, float(seed), float(BOOTSTRAP_SAMPLES)))
    return Interval("bca", LEVEL, low, high) if math.isfinite(low) and math.isfinite(high) else None


def mean_interval(values: Floats) -> Interval | None:
    """The interval of a mean: BCa of `LEAST_FOR_BCA` to `MOST_FOR_BCA` values, Student's of fewer and of more; None
    where there is none."""
    values = _vector(values)
    if LEAST_FOR_BCA <= values.size <= MOST_FOR_BCA:
        return bca_interval(values, BOOTSTRAP_SEED)
    return t_interval(values)


# --- what all share --------------------------------------------------------------------------------------------------


def _refusal(
    parts: Sequence[Floats], least: int, least_groups: int = 1, within: bool = False, ranks: bool = False
) -> Refusal | None:
    """Why a test that needs so much cannot be made of these; `within`: it divides by the variance of each part."""
    if len(parts) < least_groups:
        return "one-level"
    if any(part.size < least for part in parts):
        return "too-few"
    if not all((np.abs(part) <= LARGEST).all() for part in parts):  # false of NaN too
        return "not-finite"
    if ranks and np.ptp(np.concatenate(parts)) == 0:
        return "ties-only"
    if within and any(map(_is_constant, parts)):
        return "constant"
    return None


def _is_constant(values: Floats) -> bool:
    """Whether the values differ by nothing but rounding."""
    return float(np.ptp(values)) <= max(ROUNDING * float(np.abs(values).max()), SMALLEST)


def _is_without_error(parts: Sequence[Floats]) -> bool:
    """Whether the standard error of the means is nothing but rounding: t.test's own rule."""
    error = math.sqrt(sum(float(part.var(ddof=1)) / part.size for part in parts))
    return error <= max(2 * ROUNDING * max(abs(float(part.mean())) for part in parts), SMALLEST)


def _vector(values: Floats) -> Floats:
    return np.asarray(values, dtype=np.float64).ravel()


def _parts(groups: Groups) -> list[Floats]:
    return [_vector(values) for values in groups.values()]


def _sizes(parts: Sequence[Floats]) -> tuple[int, ...]:
    return tuple(part.size for part in parts)


def _stacked(parts: Sequence[Floats]) -> tuple[Floats, Floats]:
    """All values, and for each the number of its group, from 1."""
    return np.concatenate(parts), np.repeat(np.arange(1.0, len(parts) + 1), _sizes(parts))


def _together(x: Floats, y: Floats) -> tuple[Floats, Floats]:
    x, y = _vector(x), _vector(y)
    if x.size != y.size:
        raise AnalysisError(f"pairs need two lists of the same length; these hold {x.size} and {y.size} values")
    return x, y


def _checked_margin(margin: float) -> None:
    if not 0 < margin < math.inf:
        raise AnalysisError(f"the margin of an equivalence test is {margin}; it must be above 0, in the values' unit")


def _numbers(found: Floats) -> list[float]:
    return [float(one) for one in found]


def _ends(low: float, high: float) -> tuple[float, float] | None:
    return (low, high) if math.isfinite(low) and math.isfinite(high) else None


def _effect(
    name: EffectName, value: float, interval: tuple[float, float] | None = None, p: float | None = None
) -> Effect:
    """`p`: of the test that it is the effect of."""
    word = band(name, value) if _is_shown(interval, p) or was(Rule.SHOWN_STATISTICS) else None
    return Effect(name, value, interval, word)


def band(name: EffectName, value: float) -> EffectWord:
    """The band that the size of an effect falls in."""
    bounds, words = BANDS[name]
    size = max(value, 0.0) if name == "eta-squared-h" else abs(value)  # an estimate below 0 of what is never below 0
    return words[sum(round(size, 12) >= bound for bound in bounds)]


def _is_shown(interval: tuple[float, float] | None, p: float | None) -> bool:
    """Whether an effect is told from zero: by its interval, without one by p."""
    if interval is None:
        return p is not None and p < ALPHA
    return not interval[0] <= 0 <= interval[1]


def _refused(name: TestName, symbol: Symbol, parts: Sequence[Floats], code: Refusal) -> Test:
    return Test(name, None, symbol, (), None, _sizes(parts), None, code)


def _refused_pairs(groups: Groups, parts: Sequence[Floats], code: Refusal) -> tuple[Pair, ...]:
    sized = zip(groups, _sizes(parts), strict=True)
    return tuple(
        Pair(first, second, None, None, None, None, None, None, (n, m), code)
        for (first, n), (second, m) in itertools.combinations(sized, 2)
    )


def _pair(first: str, second: str, row: Floats, effect: Effect | None, n: tuple[int, int]) -> Pair:
    difference, low, high, statistic, df, p = _numbers(row)
    return Pair(first, second, difference, (low, high), statistic, df, p, effect, n, None)
