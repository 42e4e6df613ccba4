"""Laws of every statistic for vectors that nobody measured: tiny, huge, denormal, equal but for rounding, outliers."""

import json
import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as hst
from numpy.typing import NDArray

from reports.inference import coefficients, effects, intervals
from reports.inference import statistics as st
from reports.results.codec import encoded
from reports.results.inference import Effect, Interval, Pair, Test

Floats = NDArray[np.float64]
ALTERNATIVES: tuple[coefficients.Alternative, ...] = ("two.sided", "less", "greater")
MAGNITUDES = [1.0, 1e-40, 1e8, 1e49, 1e300, 5e-324]
FEW = settings(max_examples=50)
CONTROL = np.array([1.5e-323, 1.5e-323, 9.9e-324, 0.0])


@hst.composite
def vectors(draw: hst.DrawFn, least: int = 0, most: int = 9) -> Floats:
    """Values of one magnitude, with ties, or equal but for rounding, or with one outlier."""
    n = draw(hst.integers(least, most))
    kind = draw(hst.sampled_from(["any", "ties", "rounding", "outlier", "equal"]))
    if kind == "ties":
        values = np.array(draw(hst.lists(hst.integers(0, 3), min_size=n, max_size=n)), dtype=float)
    elif kind == "rounding":
        steps = draw(hst.lists(hst.integers(-2, 2), min_size=n, max_size=n))
        values = 1.0 + np.array(steps, dtype=float) * np.finfo(float).eps
    else:
        values = np.array(draw(hst.lists(hst.floats(-5, 5), min_size=n, max_size=n)))
    if kind == "equal":
        values = np.full(n, 0.1 + 0.2)
    if kind == "outlier" and n:
        values[0] = 1e12
    with np.errstate(over="ignore"):
        return values * draw(hst.sampled_from(MAGNITUDES))


def assert_lawful(found: Any) -> None:  # noqa: ANN401  (any record of statistics.py, some of them, or None)
    """Finite or refused, p a probability, an interval holds what it is of."""
    for one in found if isinstance(found, tuple) else (found,):
        if one is None:
            continue
        json.dumps(encoded(one), allow_nan=False)
        if isinstance(one, Interval):
            assert one.low <= one.high
        if isinstance(one, Effect):
            assert_holds(one.interval, one.value)
        if isinstance(one, Test | Pair | st.Equivalence):
            assert (one.p is None) == (one.refused is not None)
            assert one.p is None or 0 <= one.p <= 1
        if isinstance(one, Test | Pair):
            assert (one.statistic is None) == (one.refused is not None)
            assert_lawful(one.effect)
        if isinstance(one, Pair) and one.difference is not None:
            assert_holds(one.interval, one.difference)


def assert_holds(interval: tuple[float, float] | None, value: float) -> None:
    slack = 1e-9 * max(1e-300, abs(value))
    assert interval is None or interval[0] - slack <= value <= interval[1] + slack


def assert_same(one: float | None, other: float | None) -> None:
    assert one == other if one is None or other is None else math.isclose(one, other, rel_tol=1e-6, abs_tol=1e-12)


@FEW
@given(hst.lists(vectors(), min_size=1, max_size=4))
def test_tests_of_groups_are_lawful_and_do_not_depend_on_the_order_of_groups(values: Sequence[Floats]) -> None:
    groups = {f"g{n}": one for n, one in enumerate(values)}
    turned = dict(reversed(groups.items()))
    for test in (st.levene, st.welch_anova, st.kruskal):
        found, other = test(groups), test(turned)
        assert_lawful(found)
        assert found.refused == other.refused
        assert_same(found.p, other.p)
    for pairs in (st.games_howell, st.dunn):
        assert_lawful(pairs(groups))


@FEW
@given(vectors(), vectors())
def test_two_groups_turned_give_the_opposite_difference_and_the_same_p(a: Floats, b: Floats) -> None:
    (found,), (other,) = st.games_howell({"a": a, "b": b}), st.games_howell({"b": b, "a": a})
    assert_lawful((found, other))
    assert_same(found.p, other.p)
    assert_same(found.statistic, None if other.statistic is None else -other.statistic)
    for effect in (effects.cliffs_delta, effects.cohens_d):
        one, two = effect(a, b), effect(b, a)
        assert_lawful(one)
        assert (one is None) == (two is None)
        assert_same(None if one is None else one.value, None if two is None else -two.value)


@FEW
@given(hst.integers(0, 9), hst.data())
def test_correlations_are_lawful_and_symmetric(n: int, data: hst.DataObject) -> None:
    x, y, z = (data.draw(vectors(n, n)) for _ in range(3))
    tests: list[Callable[[Floats, Floats, coefficients.Alternative], Test]] = [
        coefficients.spearman, coefficients.pearson, lambda a, b, side: coefficients.partial(a, b, [z], side),
    ]  # fmt: skip
    for alternative in ALTERNATIVES:
        for test in tests:
            found, other = test(x, y, alternative), test(y, x, alternative)
            assert_lawful(found)
            assert_same(found.p, other.p)
            assert found.effect is None or -1 <= found.effect.value <= 1


@FEW
@given(vectors())
def test_what_is_said_of_one_list_is_lawful(values: Floats) -> None:
    assert_lawful((st.shapiro(values), st.qq(values), intervals.t_interval(values)))
    if (interval := intervals.t_interval(values)) is not None:
        assert_holds((interval.low, interval.high), float(values.mean()))
    if (variation := intervals.coefficient_of_variation(values)) is not None and variation[1] is not None:
        assert_holds((variation[1].low, variation[1].high), variation[0])


@settings(max_examples=8)
@given(vectors(30, 33))
def test_the_bootstrap_holds_its_estimate(values: Floats) -> None:
    found = intervals.bca_interval(values, 5)
    assert_lawful(found)
    if found is not None:
        assert_holds((found.low, found.high), float(values.mean()))


@FEW
@given(vectors(), vectors(), hst.sampled_from([1e-300, 0.001, 1.0, 1e300]))
def test_equivalence_is_lawful_and_its_verdict_is_its_p(a: Floats, b: Floats, margin: float) -> None:
    found = st.equivalence(a, b, margin)
    assert_lawful(found)
    if found.p is not None and abs(found.p - 0.05) > 1e-6:
        assert found.equivalent == (found.p < 0.05)


def test_ties_are_counted_among_all_digits_as_ranks_are() -> None:
    eps = np.finfo(float).eps
    values = {"a": 1 + np.array([0, 1, 2, 2]) * eps, "b": 1 + np.array([2, 4, 5, 6]) * eps}
    every = np.unique(np.concatenate([*values.values()]))
    places = {label: np.searchsorted(every, one).astype(float) for label, one in values.items()}
    assert st.kruskal(values).p == st.kruskal(places).p
    assert st.dunn(values)[0].p == st.dunn(places)[0].p


def test_a_control_of_denormal_numbers_is_a_control_like_any_other() -> None:
    x, y = np.array([-0.61, 0.23, -0.31, -0.25]), np.array([2.0, 0.0, 1.0, 3.0])
    assert coefficients.partial(x, y, [CONTROL]).p == pytest.approx(
        coefficients.partial(x, y, [CONTROL / 5e-324]).p, rel=1e-12
    )
