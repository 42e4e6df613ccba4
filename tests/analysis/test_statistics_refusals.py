"""What cannot be computed is refused with a code, whatever the numbers; and what is printed covers."""

import json
import math
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as hst
from numpy.typing import NDArray

from harness.record.errors import AnalysisError
from reports.inference import coefficients, effects, intervals, power_analysis
from reports.inference import statistics as st
from reports.results.codec import encoded
from reports.results.inference import Pair, Test
from tests.benchmarks.bench_statistics import (
    Correlated,
    Found,
    Setting,
    delta,
    difference,
    eta,
    g,
    mean_bca,
    pearson_r,
    rho,
)

Floats = NDArray[np.float64]
A = np.array([3.1, 4.1, 5.9, 2.6, 5.3, 5.8])
B = np.array([2.7, 1.8, 2.8, 1.8, 2.84, 5.9])
SAME = np.full(6, 0.1 + 0.2)
NAN = np.array([1.0, 2.0, math.nan, 4.0, 5.0, 6.0])
INF = np.array([1.0, 2.0, math.inf, 4.0, 5.0, 6.0])
NONE = np.array([])
Groups = dict[str, Floats]
ODD = [0.0, 1.0, 1.0 + 1e-15, math.nan, math.inf, -math.inf, 1e300, -1e300, 1e49, 1e-49, 5e-324]
OF_GROUPS: list[Callable[[Groups], Any]] = [st.levene, st.welch_anova, st.games_howell, st.kruskal, st.dunn]
OF_PAIRS: list[Callable[[Floats, Floats], Any]] = [coefficients.spearman, coefficients.pearson]


def refusals(found: Any) -> set[str | None]:  # noqa: ANN401  (a test or some pairs)
    """The codes of a test or of every pair."""
    return {one.refused for one in found} if isinstance(found, tuple) else {found.refused}


# --- refusals --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("values", "code"),
    [
        (NONE, "too-few"), (A[:2], "too-few"), (SAME, "constant"), (NAN, "not-finite"),
        (np.arange(5001.0), "too-many"), (INF, "not-finite"),
    ],
)  # fmt: skip
def test_shapiro_wilk_is_refused_with_its_reason(values: Floats, code: str) -> None:
    found = st.shapiro(values)
    assert (found.refused, found.statistic, found.p, found.n) == (code, None, None, (values.size,))


def test_five_thousand_values_and_three_are_enough_for_shapiro_wilk() -> None:
    assert st.shapiro(np.arange(5000.0)).refused is None
    assert st.shapiro(A[:3]).refused is None


@pytest.mark.parametrize("statistic", OF_GROUPS)
@pytest.mark.parametrize(
    ("second", "code"), [(NONE, "too-few"), (B[:1], "too-few"), (NAN, "not-finite"), (INF, "not-finite")]
)
def test_tests_of_groups_are_refused_with_their_reason(
    statistic: Callable[[Groups], Any], second: Floats, code: str
) -> None:
    assert refusals(statistic({"a": A, "b": second})) == {code}


@pytest.mark.parametrize("statistic", [st.levene, st.welch_anova, st.kruskal])
@pytest.mark.parametrize("groups", [{}, {"a": A}])
def test_one_level_is_refused(statistic: Callable[[Groups], Test], groups: Groups) -> None:
    assert statistic(groups).refused == "one-level"


@pytest.mark.parametrize("statistic", [st.games_howell, st.dunn])
def test_one_level_has_no_pairs(statistic: Callable[[Groups], tuple[Pair, ...]]) -> None:
    assert statistic({"a": A}) == ()


@pytest.mark.parametrize("statistic", [st.levene, st.welch_anova, st.games_howell])
def test_a_constant_response_is_refused_where_variances_are_needed(statistic: Callable[[Groups], Any]) -> None:
    assert refusals(statistic({"a": SAME, "b": SAME.copy()})) == {"constant"}


def test_a_group_that_is_constant_is_refused_by_the_tests_that_weigh_by_its_variance() -> None:
    groups = {"a": A, "b": SAME}
    assert st.welch_anova(groups).refused == "constant"
    assert refusals(st.games_howell(groups)) == {"constant"}
    assert st.levene(groups).refused is None
    assert st.kruskal(groups).refused is None


@pytest.mark.parametrize("statistic", [st.kruskal, st.dunn])
def test_equal_ranks_are_refused(statistic: Callable[[Groups], Any]) -> None:
    assert refusals(statistic({"a": SAME, "b": SAME.copy()})) == {"ties-only"}


@pytest.mark.parametrize("statistic", OF_PAIRS)
@pytest.mark.parametrize(
    ("x", "y", "code"),
    [(NONE, NONE, "too-few"), (A[:1], B[:1], "too-few"), (A, NAN, "not-finite"), (INF, B, "not-finite")],
)
def test_tests_of_two_lists_are_refused_with_their_reason(
    statistic: Callable[[Floats, Floats], Any], x: Floats, y: Floats, code: str
) -> None:
    assert refusals(statistic(x, y)) == {code}


def test_correlations_of_two_rows_or_of_a_constant_are_refused() -> None:
    for statistic, code in ((coefficients.spearman, "ties-only"), (coefficients.pearson, "constant")):
        assert statistic(A[:2], B[:2]).refused == "too-few"
        assert statistic(A, SAME).refused == code


def test_a_straight_line_has_an_r_and_nothing_to_test() -> None:
    found = coefficients.pearson(A, 3 * A - 1)
    assert (found.statistic, found.p, found.refused) == (None, None, "perfect")
    assert found.effect is not None
    assert found.effect.value == pytest.approx(1.0, abs=1e-12)
    assert found.effect.interval is None


def test_controls_that_explain_everything_or_nothing_are_named() -> None:
    assert coefficients.partial(A, B, [A]).refused == "collinear"
    assert coefficients.partial(A, B, [2 * B + A, A]).refused == "collinear"
    assert coefficients.partial(A, B, [NAN]).refused == "not-finite"
    assert coefficients.partial(A[:3], B[:3], [A[:3] ** 2]).refused == "too-few"
    assert coefficients.partial(A, B, []) == coefficients.pearson(A, B)
    twice = coefficients.partial(A, B, [A**2, A**2])
    assert twice.df == coefficients.partial(A, B, [A**2]).df
    assert twice.p == pytest.approx(coefficients.partial(A, B, [A**2]).p, rel=1e-6)


@pytest.mark.parametrize(
    "call",
    [
        lambda: coefficients.spearman(A, B[:5]), lambda: coefficients.partial(A, B, [A[:5]]),
        lambda: st.equivalence(A, B, 0.0), lambda: st.equivalence(A, B, math.nan),
        lambda: st.equivalence(A, B, -1.0), lambda: power_analysis.power(1, 1.0, 1.0),
        lambda: power_analysis.power(9, 1.0, 0.0), lambda: power_analysis.power(9, math.nan, 1.0),
        lambda: power_analysis.required_n(1.0, -1.0), lambda: power_analysis.required_n(1.0, 1.0, 1.0),
    ],
)  # fmt: skip
def test_arguments_without_meaning_are_a_sentence(call: Callable[[], object]) -> None:
    with pytest.raises(AnalysisError):
        call()


def test_equivalence_is_refused_and_never_claimed_where_nothing_is_known() -> None:
    for found in (
        st.equivalence(A[:1], B, 9.0), st.equivalence(SAME, SAME, 9.0), st.equivalence(A, NAN, 9.0),
    ):  # fmt: skip
        assert found.refused is not None
        assert not found.equivalent
        assert found.p is None


def test_few_values_have_no_interval_and_never_a_false_one() -> None:
    assert intervals.t_interval(A[:1]) is None
    assert intervals.t_interval(SAME) is None
    assert intervals.bca_interval(np.arange(29.0), 1) is None
    assert intervals.bca_interval(np.ones(30), 1) is None
    assert intervals.bca_interval(np.arange(30.0), 1) is not None
    assert intervals.bca_interval(np.arange(201.0), 1) is None
    assert [intervals.mean_interval(values) for values in (NONE, A[:1], SAME, NAN, np.ones(30), np.ones(201))] == [
        None
    ] * 6
    assert st.qq(A[:1]) is None
    assert st.qq(NAN) is None
    assert intervals.coefficient_of_variation(-A) is None
    assert intervals.coefficient_of_variation(A[:1]) is None
    assert effects.cliffs_delta(NONE, A) is None
    assert effects.cliffs_delta(NAN, A) is None
    assert effects.cohens_d(A[:1], B) is None
    assert effects.cohens_d(SAME, SAME) is None


def test_an_interval_that_would_not_cover_is_not_printed() -> None:
    g_small, g_uneven = effects.cohens_d(A[:2], B), effects.cohens_d(A[:3], np.tile(B, 3))
    assert g_small is not None
    assert g_uneven is not None
    assert g_small.interval is None
    assert g_uneven.interval is None
    delta_single = effects.cliffs_delta(A[:1], B)
    assert delta_single is not None
    assert delta_single.interval is None
    nine = coefficients.spearman(np.arange(9.0), np.tile([1.0, 3.0, 2.0], 3)).effect
    assert nine is not None
    assert nine.interval is None
    two = intervals.coefficient_of_variation(A[:2])
    assert two is not None
    assert two[1] is None
    uneven = st.welch_anova({"a": A, "b": np.tile(B, 3)}).effect
    assert uneven is not None
    assert uneven.interval is None


@pytest.mark.parametrize(("number", "least"), [(2, 2), (3, 2), (4, 3), (6, 4)])
def test_welch_s_tests_need_more_values_the_more_groups_there_are(number: int, least: int) -> None:
    def groups(n: int) -> Groups:
        return {str(k): np.random.default_rng(k).normal(size=n) for k in range(number)}

    assert st.least_for_welch(number) == least
    assert st.least_for_welch(15) == 10
    assert st.welch_anova(groups(least)).refused is None
    assert st.welch_anova(groups(least - 1)).refused == "too-few"
    assert refusals(st.games_howell(groups(max(least, 3)))) == {None}
    assert refusals(st.games_howell(groups(max(least, 3) - 1))) == {"too-few"}


def test_two_groups_of_three_are_too_few_for_ranks() -> None:
    assert st.kruskal({"a": A[:3], "b": B}).refused == "too-few"
    assert st.kruskal({"a": A[:4], "b": B}).refused is None
    assert st.kruskal({"a": A[:2], "b": B, "c": A}).refused is None


anything = hst.lists(
    hst.one_of(hst.floats(-1e6, 1e6), hst.sampled_from(ODD)),
    max_size=12,
).map(lambda values: np.array(values, dtype=np.float64))  # fmt: skip


@given(hst.dictionaries(hst.text(max_size=3), anything, max_size=4))
@settings(max_examples=60)
def test_no_table_of_groups_is_a_traceback_and_every_document_is_json(groups: Groups) -> None:
    for statistic in OF_GROUPS:
        found = statistic(groups)
        for one in found if isinstance(found, tuple) else (found,):
            json.dumps(encoded(one), allow_nan=False)
            assert (one.p is None) == (one.refused is not None)
            assert one.p is None or 0 <= one.p <= 1


@given(anything, anything)
@settings(max_examples=60)
def test_no_two_lists_are_a_traceback_and_every_document_is_json(a: Floats, b: Floats) -> None:
    n = min(a.size, b.size)
    found: list[Any] = [statistic(a[:n], b[:n]) for statistic in OF_PAIRS]
    found += [st.shapiro(a), st.qq(a), coefficients.partial(a[:n], b[:n], [b[:n]]), st.equivalence(a, b, 1.0)]
    found += [effects.cliffs_delta(a, b), effects.cohens_d(a, b), intervals.t_interval(a)]
    variation = intervals.coefficient_of_variation(a)
    found += [] if variation is None else [variation[1]]
    for one in found:
        json.dumps(encoded(one), allow_nan=False)


# --- coverage, short: the long one is tests/benchmarks/bench_statistics.py -------------------------------------------

DRAWS = 300
NORMAL, SKEWED = Setting("normal", (6, 6), (1.0, 3.0), 1.0), Setting("skewed", (30, 6), (1.0, 3.0), 3.0)


def covered(found: list[Found]) -> float:
    """Of the printed; at least some are."""
    printed = [one for one in found if one is not None]
    return sum(printed) / len(printed)


@pytest.mark.parametrize("measure", [difference, delta, g])
@pytest.mark.parametrize("setting", [NORMAL, SKEWED, replace(NORMAL, sizes=(3, 3)), replace(SKEWED, sizes=(30, 30))])
def test_intervals_of_two_groups_cover(measure: Callable[[Setting, list[Floats]], Found], setting: Setting) -> None:
    random = np.random.default_rng(1)
    assert covered([measure(setting, setting.draw(random)) for _ in range(DRAWS)]) >= 0.93 - 2 * 0.0147


@pytest.mark.parametrize("n", [3, 30])
def test_the_interval_of_eta_squared_covers(n: int) -> None:
    setting, random = Setting("skewed", (n, n, n), (3.0, 2.0, 1.0), 2.0), np.random.default_rng(1)
    assert covered([eta(setting, setting.draw(random)) for _ in range(DRAWS)]) >= 0.93 - 2 * 0.0147


@pytest.mark.parametrize(("measure", "setting"), [(rho, Correlated(0.8, 10)), (pearson_r, Correlated(0.8, 5))])
def test_intervals_of_correlations_cover(
    measure: Callable[[Correlated, Floats, Floats], Found], setting: Correlated
) -> None:
    random = np.random.default_rng(1)
    assert covered([measure(setting, *setting.draw(random)) for _ in range(DRAWS)]) >= 0.93 - 2 * 0.0147


def test_bca_of_thirty_covers() -> None:
    setting, random = Setting("skewed", (30,), (1.0,)), np.random.default_rng(1)
    assert covered([mean_bca(setting, setting.draw(random)) for _ in range(60)]) >= 0.93 - 2 * 0.033


def p_of(values: list[Floats]) -> float | None:
    """Of Welch's analysis of variance, which of two groups is his t."""
    return st.welch_anova({"a": values[0], "b": values[1]}).p


@pytest.mark.parametrize("sizes", [(3, 3), (6, 30)])
def test_welch_gives_false_alarms_as_rarely_as_it_says(sizes: tuple[int, int]) -> None:
    setting, random = Setting("normal", sizes, (1.0, 3.0)), np.random.default_rng(1)
    alarms = [p_of(setting.draw(random)) for _ in range(DRAWS)]
    assert np.mean([p is not None and p < 0.05 for p in alarms]) <= 0.07
