"""The test that was declared for two sides, the sizes of the effect, equivalence within the stated margin.

Knows the runs' values of one quantity and `contrast.py`. Knows no campaign and no sentence.

Decisions
- The replicates are runs. Seconds are never replicates, and a p value above a limit says nothing of equality: that is
  what a margin and two one-sided tests are for. Without a margin there is no verdict on equality.
- The test is Welch's t (or the paired t) on untransformed values, or the rank test where the user declares it; no look
  at the data chooses. p is of type A: it holds the spread of runs and baselines, not what meters have in common. The
  statement rests on the interval of the complete uncertainty.
- Effect sizes come from R; without R they are null, everything else is there.
"""

import math

import numpy as np

from reports.comparison.side import Floats
from reports.inference import r_session
from reports.inference.contrast import LEAST, Contrast
from reports.results.compared_pair import Effects, EffectSize, Interval, PairEquivalence, PairTest
from reports.results.comparison import Margin, TestName
from reports.results.inference import Effect
from reports.results.rules import Rule, was

IN_WH = ("energy_wh", "induced_energy_wh")
"""The quantities that a margin in Wh is of."""


def reason_of(contrast: Contrast) -> str | None:
    """Why there is no interval."""
    if contrast.enough:
        return None
    if not (contrast.first.known and contrast.second.known):
        return "baseline-spread-unknown"
    return "too-few-runs" if min(contrast.first.n, contrast.second.n) < LEAST else "no-spread"


def significance_test(name: str, contrast: Contrast, values: tuple[Floats, Floats], declared: TestName) -> PairTest:
    """The declared test of a quantity by its runs' `values`; `reason` says why there is no p."""
    n = (values[0].size, values[1].size)
    if declared == "rank":
        return _rank_test(name, values, n)
    test, complete = contrast.test(), contrast.test(complete=True)
    if test is None or complete is None:
        return _not_computed(declared, n, reason_of(contrast))
    return PairTest(
        "welch" if contrast.pairs is None else "paired-t",
        statistic=test.t, symbol="t", df=test.df, plain_df=test.plain_df, p=test.p, p_adjusted=None,
        p_complete=complete.p, n=n, reason=None,
    )  # fmt: skip


def _rank_test(name: str, values: tuple[Floats, Floats], n: tuple[int, int]) -> PairTest:
    from reports.inference import statistics

    if name.startswith("induced") or name.endswith(".induced"):
        return _not_computed("rank", n, "ranks-cannot-hold-the-baseline")
    if min(n) < LEAST:
        return _not_computed("rank", n, "too-few-runs")
    if (absent := r_session.available()) is not None:
        return _not_computed("rank", n, absent)
    test = statistics.kruskal({"first": values[0], "second": values[1]})
    return PairTest(
        "kruskal-wallis", statistic=test.statistic, symbol=test.symbol, df=test.df[0] if test.df else None,
        plain_df=None, p=test.p, p_adjusted=None, p_complete=None, n=n, reason=test.refused,
    )  # fmt: skip


def _not_computed(declared: TestName, n: tuple[int, int], reason: str | None) -> PairTest:
    return PairTest(
        declared, statistic=None, symbol=None, df=None, plain_df=None, p=None, p_adjusted=None, p_complete=None, n=n,
        reason=reason,
    )  # fmt: skip


def effects(first: Floats, second: Floats, difference: Interval | None, test: PairTest) -> Effects:
    """Cliff's delta and Hedges' g of the runs, positive where the second side's are larger. Of delta with its interval;
    that of g covers 87 to 92 % of skewed runs, so it is not printed. A size has a word where it is told from zero: by
    the interval of the `difference` (without one by p) and by its own."""
    from reports.inference.effects import cliffs_delta, cohens_d, is_shown

    if min(first.size, second.size) < LEAST:
        return Effects(None, None, "too-few-runs")
    if not (np.isfinite(first).all() and np.isfinite(second).all()):
        return Effects(None, None, "not-every-run-has-a-value")
    if (absent := r_session.available()) is not None:
        return Effects(None, None, absent)
    delta, g = cliffs_delta(second, first), cohens_d(second, first)
    is_told = is_shown(difference, test.p)
    return Effects(
        None if delta is None else _size(delta, delta.interval, is_told=is_told),
        None if g is None else _size(g, None, is_told=is_told),
        None,
    )


def _size(effect: Effect, interval: Interval | None, *, is_told: bool) -> EffectSize | None:
    from reports.inference.effects import band, is_shown

    is_told = is_told and (interval is None or is_shown(interval))
    word = band(effect.name, effect.value) if is_told or was(Rule.COMPARED_WORDS) else None
    return EffectSize(effect.value, word, interval) if math.isfinite(effect.value) else None


def equivalence(name: str, contrast: Contrast, margin: Margin | None) -> PairEquivalence | None:
    """Of the margin's kind of quantity; None where no margin is stated, or it is none of this quantity."""
    if margin is None or (not margin.relative and name not in IN_WH):
        return None
    test = contrast.equivalence(margin.value, relative=margin.relative)
    if test is None:
        return PairEquivalence(
            low=None, high=None, limits=None, p=None, equivalent=None,
            reason=reason_of(contrast) or "reference-not-told-from-zero",
        )  # fmt: skip
    return PairEquivalence(test.low, test.high, test.limits, test.p, test.equivalent, None)
