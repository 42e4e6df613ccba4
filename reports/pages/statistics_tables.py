"""Tests, pairs, effects and intervals as people read them: rows and tables of every page that prints statistics.

Knows the records Test, Pair, Effect and Interval (reports/results/inference.py) and the words for their codes. Knows no
document, and computes nothing.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Literal

from reports.pages.blocks import Head, Row, Table
from reports.pages.numbers import NOTHING, Scale, decimals_for, fixed, is_finite, significant
from reports.results.inference import Effect, EffectName, Pair, Refusal, Symbol, Test, TestName
from reports.results.question import PostHoc, TestChoice, Transform

TESTS: Mapping[TestName, str] = {
    "shapiro-wilk": "Shapiro-Wilk", "levene-median": "Levene, about medians", "welch-anova": "Welch's ANOVA",
    "welch": "Welch's ANOVA", "kruskal-wallis": "Kruskal-Wallis", "kruskal": "Kruskal-Wallis", "spearman": "Spearman",
    "pearson": "Pearson", "partial": "partial correlation",
    "welch-james": "Welch-James", "two-way-anova": "two-way ANOVA", "two-way-hc3": "two-way ANOVA, HC3",
    "aligned-rank": "aligned ranks",
}  # fmt: skip
POST_HOC: Mapping[PostHoc, str] = {
    "games-howell": "Games-Howell",
    "dunn-holm": "Dunn, p by Holm",
}
EFFECTS: Mapping[EffectName, str] = {
    "partial-eta-squared": "partial η²", "eta-squared-h": "η²(H)", "hedges-g": "Hedges' g", "cliffs-delta": "Cliff's δ",
    "rho": "ρ", "r": "r",
}  # fmt: skip
INTERVALS = {"t": "Student's t", "bca": "BCa"}
"""Method of an Interval -> its name."""
SYMBOLS: Mapping[Symbol, str] = {"W": "W", "F": "F", "H": "H", "rho": "ρ", "t": "t"}
REFUSED: Mapping[Refusal | Literal["not-positive"], str] = {
    "too-few": "too few values for it",
    "too-many": "it is defined for at most 5000 values",
    "one-level": "there is only one group to compare",
    "not-finite": "a value is no number",
    "constant": "all values of a group are equal, so there is no spread to judge by",
    "ties-only": "all values are equal, so there is no order to judge by",
    "perfect": "the points lie on one straight line, so there is nothing to test",
    "collinear": "what is held constant explains one of the two entirely",
    "transform-domain": "the declared transformation is not defined for a value",
    "not-positive": "a mean or median is not above zero, so a percentage of it has no meaning",
}
"""Code of why a test was not computed -> the reason in words."""
WHY: Mapping[TestChoice, str] = {
    "welch": "Welch's analysis of variance compares means without assuming that the groups spread alike, and "
    "Games-Howell compares every pair in the same way.",
    "kruskal": "Kruskal-Wallis compares ranks, so single extreme values weigh little; it asks whether values of one "
    "group tend to be larger, not whether means differ. Dunn's test compares every pair, p adjusted by Holm.",
}
"""Declared test -> why it is a sensible one."""
NEVER_CHOSEN = (
    "Every test is the declared one. The page also shows tests of assumptions, but no test is chosen by them: whoever "
    "chooses by them gets up to 37\u00a0% false alarms where groups are skewed and spread unequally; whoever always "
    "uses Welch's test gets 8\u00a0%."
)
TRANSFORMS: Mapping[Transform, str] = {
    "none": "The values enter as they are.",
    "sqrt": "The square roots of the values enter the test, so differences and intervals are differences of roots.",
    "log": "The logarithms of the values enter the test, so a difference is the logarithm of a ratio.",
}
TEST_HEADS = (
    Head("", False), Head("Test", False), Head("n"), Head("k"), Head("Statistic"), Head("df"), Head("p"),
    Head("Effect, 95 % interval", False),
)  # fmt: skip
TEST_NOTE = "n: values in all groups together; k: groups; df: degrees of freedom; p: two-sided unless said otherwise."
ALIKE = "not shown to differ"
SMALLEST_P = 1e-307
LEAST_IN_DECIMALS = 1e-4
"""A smaller p is written with an exponent."""
RANKS = "mean ranks"
"""Unit of the differences of Dunn's test."""


def p_text(p: float | None) -> str:
    """A p value to three significant digits, however small: 0.0496, 0.000378, 2.25e-38."""
    if p is None or not is_finite(p):
        return NOTHING
    if p <= SMALLEST_P:
        return f"< {SMALLEST_P:.0e}"
    return significant(float(p), 3) if p >= LEAST_IN_DECIMALS else f"{p:.2e}".replace("e-0", "e-")


def statistic_text(value: float | None) -> str:
    """A test's statistic: three decimals, from 1000 on one, below 1 four significant digits."""
    if value is None or not is_finite(value):
        return NOTHING
    if abs(value) < 1:
        return significant(float(value), 4)
    return fixed(float(value), 3 if abs(value) < 1000 else 1)


def df_text(df: Sequence[float]) -> str:
    """Degrees of freedom, one or more: '4; 63.1'."""
    return "; ".join(significant(float(number), 4) for number in df) or NOTHING


def n_text(n: Sequence[int]) -> str:
    """All values together, and how they are shared out: '150 (5 × 30)', '141 (30, 30, 26, 25, 30)'; '30' of one."""
    if len(n) < 2:
        return "".join(map(str, n)) or NOTHING
    shares = f"{len(n)} × {n[0]}" if len(set(n)) == 1 else ", ".join(map(str, n[:8]))
    return f"{sum(n)} ({shares}{', …' if len(set(n)) > 1 and len(n) > 8 else ''})"


def interval_text(value: float | None, ends: Sequence[float] | None, scale: Scale = Scale("")) -> str:  # noqa: B008
    """'0.170 [0.155, 0.185]': all to the same decimal, two digits of half the width (of the shorter side where
    the other is a hundred times as long); the value alone without ends."""
    if value is None or not is_finite(value):
        return NOTHING
    printed = float(value) * scale.factor
    if ends is None or not all(is_finite(end) for end in ends):
        return significant(printed, 3)
    low, high = (end * scale.factor for end in ends)
    shorter, longer = sorted((printed - low, high - printed))
    width = shorter if 0 < 100 * shorter < longer else (high - low) / 2
    places = decimals_for(width) if width > 0 else 3
    return f"{fixed(printed, places)} [{fixed(low, places)}, {fixed(high, places)}]"


def effect_text(effect: Effect | None) -> str:
    """'partial η² = 0.830 [0.79, 0.86], large'; a dash where there is none."""
    if effect is None:
        return NOTHING
    word = f", {effect.word.replace('-', ' ')}" if effect.word else ""
    return f"{EFFECTS[effect.name]} = {interval_text(effect.value, effect.interval)}{word}"


def refusal(code: Refusal | Literal["not-positive"]) -> str:
    """Why a test was not computed, as a sentence's end: 'not computed: too few values for it'."""
    return f"not computed: {REFUSED[code]}"


def test_row(label: str, test: Test) -> Row:
    """One test under TEST_HEADS; a refused one says why."""
    head = (label, TESTS[test.name], n_text(test.n), str(len(test.n)) if len(test.n) > 1 else NOTHING)
    if test.refused:
        return Row((*head, NOTHING, NOTHING, NOTHING, refusal(test.refused)))
    shown = f"{SYMBOLS[test.symbol]} = {statistic_text(test.statistic)}"
    return Row((*head, shown, df_text(test.df), p_text(test.p), effect_text(test.effect)))


def table_of_tests(name: str, caption: str, tests: Iterable[tuple[str, Test]], *, folded: bool = False) -> Table:
    """Tests under each other, each with its label."""
    rows = tuple(test_row(label, test) for label, test in tests)
    return Table(name, caption, TEST_HEADS, rows, TEST_NOTE, folded)


def pair_heads(unit: str, statistic: str = "Statistic") -> tuple[Head, ...]:
    """Heads of a table of pairs whose differences are in `unit`; RANKS is that of Dunn's test, without an interval."""
    difference = "Difference of mean ranks" if unit == RANKS else Scale(unit).axis("Difference, 95 % interval")
    return (
        Head("Pair", False), Head("n"), Head(difference), Head(statistic), Head("df"), Head("p"),
        Head("Effect, 95 % interval", False), Head("Reading", False),
    )  # fmt: skip


def pair_row(pair: Pair, alpha: float, scale: Scale = Scale(""), labels: tuple[str, str] | None = None) -> Row:  # noqa: B008
    """One pair under `pair_heads`: first less second; `labels` where a page has better names than the codes."""
    first, second = labels or (pair.first, pair.second)
    head = (f"{first} − {second}", counts_text(pair.n))
    effect = effect_text(pair.effect)
    if pair.refused:
        return Row((*head, NOTHING, NOTHING, NOTHING, NOTHING, effect, refusal(pair.refused)))
    difference = interval_text(pair.difference, pair.interval, scale)
    df = NOTHING if pair.df is None else df_text([pair.df])
    return Row((*head, difference, statistic_text(pair.statistic), df, p_text(pair.p), effect, reading(pair, alpha)))


def counts_text(n: tuple[int, int]) -> str:
    """How many values of the first and of the second: '30 + 29'."""
    return " + ".join(map(str, n))


def reading(pair: Pair, alpha: float) -> str:
    """What p says at the level `alpha`: the absence of a shown difference is no proof of equality."""
    if pair.p is None:
        return NOTHING
    return "differ" if pair.p < alpha else ALIKE


def why(
    test: TestChoice,
    transform: Transform = "none",
    reason: str = "",
    subject: str = "The study",
) -> str:
    """Why this test: who declared it, what it does, the transformation, the reason that was given."""
    name = {"welch": "Welch's analysis of variance", "kruskal": "the Kruskal-Wallis test"}[test]
    given = reason.strip()
    because = f"Its reason: {given if given.endswith('.') else given + '.'}" if given else ""
    return " ".join(filter(None, (f"{subject} declares {name}.", WHY[test], TRANSFORMS[transform], because)))
