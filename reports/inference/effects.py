"""Sizes of effects, the bands they fall in, and when one has a word; computed by R (method.md section 10).

Knows two groups of values and the bands of the literature. Knows no test.
"""

from collections.abc import Mapping

from reports.inference.r_session import call
from reports.inference.samples import Floats, ends, is_without_error, numbers, refusal, vector
from reports.results.inference import Effect, EffectName, EffectWord
from reports.results.rules import Rule, was

ALPHA = 0.05
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


def cliffs_delta(a: Floats, b: Floats) -> Effect | None:
    """Cliff's delta, P(a > b) - P(a < b); None of nothing, and where a value is no number. The interval takes two or
    more of each."""
    parts = [vector(a), vector(b)]
    if refusal(parts, 1):
        return None
    value, low, high = numbers(call("cliffs_delta", *parts))
    return effect_of("cliffs-delta", value, ends(low, high))


def cohens_d(a: Floats, b: Floats) -> Effect | None:
    """(mean(a) - mean(b)) / pooled SD, corrected for small samples (Hedges' g); None where that SD is 0 or unknown. The
    interval takes three of each and no group of more than five times the other; where none has more than one and a half
    times the other's, it is that of the noncentral t at the degrees of freedom that unequal variances leave."""
    parts = [vector(a), vector(b)]
    if refusal(parts, 2) or is_without_error(parts):
        return None
    value, low, high = numbers(call("hedges_g", *parts, float(was(Rule.G_INTERVAL))))
    return effect_of("hedges-g", value, ends(low, high))


def eta_squared_h(h: float, n: int, k: int) -> float:
    """(H - k + 1) / (n - k) of n values in k groups (Tomczak and Tomczak, Trends Sport Sci. 1 (2014) 19)."""
    return (h - k + 1) / (n - k)


def effect_of(
    name: EffectName, value: float, interval: tuple[float, float] | None = None, p: float | None = None
) -> Effect:
    """`p`: of the test that it is the effect of."""
    word = band(name, value) if is_shown(interval, p) or was(Rule.SHOWN_STATISTICS) else None
    return Effect(name, value, interval, word)


def band(name: EffectName, value: float) -> EffectWord:
    """The band that the size of an effect falls in."""
    bounds, words = BANDS[name]
    size = max(value, 0.0) if name == "eta-squared-h" else abs(value)  # an estimate below 0 of what is never below 0
    return words[sum(round(size, 12) >= bound for bound in bounds)]


def is_shown(interval: tuple[float, float] | None, p: float | None = None) -> bool:
    """Whether an effect is told from zero: by its interval, without one by p."""
    if interval is None:
        return p is not None and p < ALPHA
    return not interval[0] <= 0 <= interval[1]
