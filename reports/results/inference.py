"""A test, a pair of groups, an effect, an interval, a Q-Q plot as derived documents have them.

Knows their fields and codes. Computes nothing: `reports.inference.statistics` fills them by R and says what each test
needs.
"""

from dataclasses import dataclass
from typing import Literal, TypeAlias

TestName: TypeAlias = Literal[
    "shapiro-wilk", "levene-median", "welch-anova", "kruskal-wallis", "spearman", "pearson", "partial", "welch",
    "kruskal", "welch-james", "two-way-anova", "two-way-hc3", "aligned-rank",
]  # fmt: skip
"""`welch` and `kruskal` are the declared tests of a study, where the declared transform is not defined for a value."""
Symbol: TypeAlias = Literal["W", "F", "H", "rho", "t"]
Refusal: TypeAlias = Literal[
    "too-few", "too-many", "one-level", "not-finite", "constant", "ties-only", "perfect", "collinear",
    "transform-domain",
]  # fmt: skip
"""Why a test was not computed (`reports.inference.statistics`, module docstring)."""
EffectName: TypeAlias = Literal["partial-eta-squared", "eta-squared-h", "hedges-g", "cliffs-delta", "rho", "r"]
EffectWord: TypeAlias = Literal[
    "negligible", "small", "medium", "large", "very-weak", "weak", "moderate", "strong", "very-strong"
]


@dataclass(frozen=True, slots=True)
class Effect:
    """The size of an effect."""

    name: EffectName
    """Which measure of it."""
    value: float
    """The size; of what compares two groups positive where the first is larger."""
    interval: tuple[float, float] | None
    """95 % interval; null where so few values give none."""
    word: EffectWord | None
    """The band its size falls in; null where it is not told from zero: where the interval holds zero, and without an
    interval where p is not below 5 %."""


@dataclass(frozen=True, slots=True)
class Test:
    """One test; `refused` is why it was not computed, then `statistic` and `p` are null."""

    __test__ = False  # not pytest's

    name: TestName
    """Which test."""
    statistic: float | None
    """Its statistic; null also where it is infinite."""
    symbol: Symbol
    """What the statistic is called."""
    df: tuple[float, ...]
    """Degrees of freedom, none, one or two."""
    p: float | None
    """p, two-sided unless a study declares another alternative; 0 means less than 1e-307."""
    n: tuple[int, ...]
    """Values in each group; of a correlation the pairs."""
    effect: Effect | None
    """Size of the effect; null where the test has none."""
    refused: Refusal | None
    """Code of why it was not computed, `transform-domain` only of a study: its declared transform is not defined for a
    value; null where it was."""


@dataclass(frozen=True, slots=True)
class Pair:
    """Two groups compared; where more pairs were compared p is adjusted for all of them."""

    first: str
    """One level."""
    second: str
    """The other."""
    difference: float | None
    """First less second, in the values' unit; of Dunn's test that of the mean ranks."""
    interval: tuple[float, float] | None
    """95 % interval of the difference that goes with p; null for ranks."""
    statistic: float | None
    """t of Games and Howell, z of Dunn."""
    df: float | None
    """Degrees of freedom; null for z."""
    p: float | None
    """p of a difference."""
    effect: Effect | None
    """Hedges' g, or Cliff's delta of ranks."""
    n: tuple[int, int]
    """Values of the first and of the second."""
    refused: Refusal | None
    """Code of why it was not computed, then all numbers but `n` are null; null where it was."""


@dataclass(frozen=True, slots=True)
class Interval:
    """An interval and how it was made."""

    method: Literal["t", "bca", "propagated"]
    """`t`: Student's; `bca`: the bootstrap's, corrected for bias and acceleration; `propagated` from mean and SD."""
    level: float
    """Its level, .95."""
    low: float
    """Lower end."""
    high: float
    """Upper end."""


@dataclass(frozen=True, slots=True)
class QuantilePlot:
    """Values against the normal distribution."""

    theoretical: tuple[float, ...]
    """Normal quantiles."""
    ordered: tuple[float, ...]
    """The values in rising order, one for each quantile."""
    slope: float
    """Of the line through the quartiles."""
    intercept: float
    """Of that line."""
