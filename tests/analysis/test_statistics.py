"""Every statistic against an independent implementation, a published value, or its definition."""

import itertools
import math
import warnings

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as hst
from numpy.typing import NDArray
from scipy import stats as sps
from scipy.special import gamma

from reports.inference import coefficients, effects, intervals, power_analysis
from reports.inference import statistics as st
from reports.inference.r_session import call
from reports.results.inference import EffectName
from reports.results.rules import Rule, as_before

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # of these three packages' own imports
    import pingouin
    import scikit_posthocs
    from statsmodels.stats.nonparametric import rank_compare_2indep
    from statsmodels.stats.oneway import anova_oneway
    from statsmodels.stats.power import TTestIndPower
    from statsmodels.stats.weightstats import ttost_ind

Floats = NDArray[np.float64]
RANDOM = np.random.default_rng(20261121)
GROUPS: dict[str, Floats] = {
    "cnn": RANDOM.normal(10.0, 0.4, 30),
    "idle": RANDOM.normal(9.8, 0.9, 26),
    "transfer": RANDOM.gamma(4.0, 0.5, 25) + 8.0,
    "vgg": RANDOM.normal(10.4, 0.5, 29),
}
TIED = {label: np.round(values, 0) for label, values in GROUPS.items()}
SMALL = {"a": RANDOM.normal(1, 1, 3), "b": RANDOM.normal(2, 2, 4), "c": RANDOM.normal(1.5, 1, 5)}
A, B = GROUPS["cnn"][:25], GROUPS["transfer"]
finite = hst.floats(-1e3, 1e3, allow_nan=False).map(lambda x: round(x, 3))


def close(found: float | None, expected: float, relative: float = 1e-9) -> bool:
    """Agreement to 1e-9."""
    return found is not None and math.isclose(found, expected, rel_tol=relative, abs_tol=1e-300)


def frame(groups: dict[str, Floats]) -> pd.DataFrame:
    """As pingouin and scikit-posthocs want them."""
    return pd.DataFrame([(label, one) for label, values in groups.items() for one in values], columns=["g", "y"])


# --- assumptions -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("values", [SMALL["a"], SMALL["b"], A, B, np.concatenate(list(GROUPS.values()))])
def test_shapiro_wilk_agrees_with_scipy(values: Floats) -> None:
    found, expected = st.shapiro(values), sps.shapiro(values)
    assert close(found.statistic, expected.statistic, 1e-8)
    assert close(found.p, expected.pvalue, 1e-6)


def test_shapiro_wilk_agrees_with_its_published_example() -> None:
    # Shapiro and Wilk, Biometrika 52 (1965) 606: weights of 11 men, W .79, p below .01.
    men = np.array([148, 154, 158, 160, 161, 162, 166, 170, 182, 195, 236], dtype=float)
    found = st.shapiro(men)
    assert round(found.statistic or 0, 2) == 0.79
    assert found.p is not None
    assert found.p < 0.01


@pytest.mark.parametrize("n", [2, 7, 10, 11, 30])
def test_a_qq_plot_has_blom_s_quantiles_and_the_line_through_the_quartiles(n: int) -> None:
    values = GROUPS["cnn"][:n]
    found = st.qq(values)
    assert found is not None
    offset = 3 / 8 if n <= 10 else 1 / 2
    np.testing.assert_allclose(
        found.theoretical, sps.norm.ppf((np.arange(1, n + 1) - offset) / (n + 1 - 2 * offset)), atol=1e-9
    )
    np.testing.assert_array_equal(found.ordered, np.sort(values))
    for share in (25, 75):
        line = found.intercept + found.slope * sps.norm.ppf(share / 100)
        assert close(line, float(np.percentile(values, share)))


@pytest.mark.parametrize("groups", [GROUPS, TIED, SMALL])
def test_levene_agrees_with_scipy(groups: dict[str, Floats]) -> None:
    found, expected = st.levene(groups), sps.levene(*groups.values(), center="median")
    assert close(found.statistic, expected.statistic)
    assert close(found.p, expected.pvalue)
    assert found.df == (len(groups) - 1, sum(map(len, groups.values())) - len(groups))


# --- means -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("groups", [GROUPS, TIED, SMALL])
def test_welch_s_anova_and_its_effect_agree_with_pingouin_and_statsmodels(groups: dict[str, Floats]) -> None:
    found = st.welch_anova(groups)
    expected = pingouin.welch_anova(data=frame(groups), dv="y", between="g").iloc[0]
    assert found.effect is not None
    assert close(found.statistic, expected["F"])
    assert close(found.df[0], expected["ddof1"])
    assert close(found.df[1], expected["ddof2"])
    assert close(found.p, expected.get("p_unc", expected.get("p-unc")))
    assert close(found.effect.value, expected["np2"])
    other = anova_oneway(list(groups.values()), use_var="unequal", welch_correction=True)
    assert close(found.statistic, other.statistic)
    assert close(found.p, other.pvalue)


@pytest.mark.parametrize("groups", [GROUPS, TIED, SMALL])
def test_games_and_howell_agree_with_pingouin(groups: dict[str, Floats]) -> None:
    found = st.games_howell(groups)
    expected = pingouin.pairwise_gameshowell(data=frame(groups), dv="y", between="g")
    assert len(found) == len(expected)
    for pair, (_, row) in zip(found, expected.iterrows(), strict=True):
        assert (pair.first, pair.second) == (row["A"], row["B"])
        assert close(pair.difference, row["diff"])
        assert close(pair.statistic, row["T"])
        assert close(pair.df, row["df"])
        assert pair.p == pytest.approx(row["pval"], abs=1e-9)


def test_the_interval_of_games_and_howell_ends_where_p_is_five_percent() -> None:
    for pair in st.games_howell(GROUPS):
        assert pair.interval is not None
        assert pair.difference is not None
        assert pair.statistic is not None
        half = (pair.interval[1] - pair.interval[0]) / 2
        t = half / (pair.difference / pair.statistic)
        p = sps.studentized_range.sf(math.sqrt(2) * t, len(GROUPS), pair.df)
        assert p == pytest.approx(0.05, abs=1e-9)


@pytest.mark.parametrize("k", [3, 5, 15])
@pytest.mark.parametrize("df", [2.0, 3.5, 10.0, 60.0, 3000.0])
def test_the_tail_of_the_studentized_range_holds_where_r_s_own_loses_it(k: int, df: float) -> None:
    for bound in (0.5, 0.05, 1e-4):
        t = sps.t.isf(bound / (k * (k - 1)), df)
        expected = sps.studentized_range.sf(math.sqrt(2) * t, k, df)
        assert call("studentized_tail", t, k, df)[0] == pytest.approx(expected, rel=1e-7)
    far = [float(call("studentized_tail", t, k, df)[0]) for t in np.geomspace(3, 3000, 60)]
    assert all(later < earlier for earlier, later in itertools.pairwise(far) if earlier > 0)
    for t, p in zip(np.geomspace(3, 3000, 60), far, strict=True):  # one comparison alone, and by Boole all of them
        assert 2 * sps.t.sf(t, df) * (1 - 1e-6) <= p <= min(1, k * (k - 1) * sps.t.sf(t, df) * (1 + 1e-6))


def test_two_groups_by_games_and_howell_or_by_welch_s_analysis_are_welch_s_t_of_scipy() -> None:
    (found,), expected = st.games_howell({"a": A, "b": B}), sps.ttest_ind(A, B, equal_var=False)
    interval = expected.confidence_interval(0.95)
    assert close(found.statistic, expected.statistic)
    assert close(found.df, expected.df)
    assert close(found.p, expected.pvalue)
    assert found.interval == pytest.approx((interval.low, interval.high), rel=1e-9)
    assert close(st.welch_anova({"a": A, "b": B}).p, expected.pvalue)


@pytest.mark.parametrize("margin", [0.05, 0.5, 5.0])
def test_the_equivalence_test_agrees_with_statsmodels(margin: float) -> None:
    found, expected = st.equivalence(A, B, margin), ttost_ind(A, B, -margin, margin, usevar="unequal")
    assert close(found.p, expected[0])
    assert found.equivalent == (expected[0] < 0.05)


def test_the_equivalence_test_is_its_ninety_percent_interval_within_the_margin() -> None:
    interval = sps.ttest_ind(A, B, equal_var=False).confidence_interval(0.9)
    found = st.equivalence(A, B, max(abs(interval.low), abs(interval.high)))
    assert (found.low, found.high) == pytest.approx((interval.low, interval.high), rel=1e-9)
    assert found.p == pytest.approx(0.05, rel=1e-9)


@pytest.mark.parametrize(("n", "difference", "sd"), [(2, 1.0, 1.0), (30, 0.5, 1.0), (64, -0.5, 1.0), (10, 0.0, 3.0)])
def test_the_power_agrees_with_statsmodels(n: int, difference: float, sd: float) -> None:
    expected = TTestIndPower().power(difference / sd, n, 0.05, alternative="two-sided")
    assert power_analysis.power(n, difference, sd) == pytest.approx(expected, rel=1e-9)


@pytest.mark.parametrize(("d", "n"), [(0.2, 394), (0.5, 64), (0.8, 26)])
def test_the_required_n_is_that_of_cohen_s_table(d: float, n: int) -> None:
    # Cohen, Psychol. Bull. 112 (1992) 155, table 2: 393, 64, 26; 393 has a power of .7996.
    assert power_analysis.required_n(d, 1.0) == n
    assert power_analysis.power(n, d, 1.0) >= 0.8 > power_analysis.power(n - 1, d, 1.0)


def test_no_difference_is_found_by_no_number() -> None:
    assert power_analysis.required_n(0.0, 1.0) is None
    assert power_analysis.required_n(100.0, 1.0) == 2


# --- ranks -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("groups", [GROUPS, TIED, SMALL])
def test_kruskal_and_wallis_agree_with_scipy(groups: dict[str, Floats]) -> None:
    found, expected = st.kruskal(groups), sps.kruskal(*groups.values())
    n, k = sum(map(len, groups.values())), len(groups)
    assert found.effect is not None
    assert close(found.statistic, expected.statistic)
    assert close(found.p, expected.pvalue)
    assert close(found.effect.value, (expected.statistic - k + 1) / (n - k))


@pytest.mark.parametrize("groups", [GROUPS, TIED, SMALL])
def test_dunn_with_holm_agrees_with_scikit_posthocs(groups: dict[str, Floats]) -> None:
    expected = scikit_posthocs.posthoc_dunn(list(groups.values()), p_adjust="holm")
    for pair, (i, j) in zip(st.dunn(groups), itertools.combinations(range(1, len(groups) + 1), 2), strict=True):
        assert pair.p == pytest.approx(expected.loc[i, j], rel=1e-9)


# Yarally's Table 3.4 (data set, factor): H; eta^2 as printed with k = 8 configurations, and with the factor's 2 levels.
@pytest.mark.parametrize(
    ("h", "printed", "correct"),
    [
        (481.799, 0.155, 0.157), (2303.250, 0.749, 0.750), (176.545, 0.055, 0.057),
        (496.807, 0.160, 0.162), (106.655, 0.033, 0.034),
    ],
)  # fmt: skip
def test_the_effects_of_yarally_follow_from_h_n_and_either_k(h: float, printed: float, correct: float) -> None:
    assert round(effects.eta_squared_h(h, 3072, 8), 3) == printed
    assert round(effects.eta_squared_h(h, 3072, 2), 3) == pytest.approx(correct, abs=5e-4)


@given(hst.lists(finite, min_size=8, max_size=60, unique=True).filter(lambda values: len(values) % 2 == 0))
def test_two_equal_groups_that_do_not_overlap_have_the_largest_h(values: list[float]) -> None:
    ordered, half, n = np.sort(values), len(values) // 2, len(values)
    found = st.kruskal({"low": ordered[:half], "high": ordered[half:]})
    assert close(found.statistic, 3 * n**2 / (4 * (n + 1)))


def test_the_largest_h_of_3072_is_that_of_yarally_s_convolution() -> None:
    assert round(3 * 3072**2 / (4 * 3073), 3) == 2303.250
    found = st.kruskal({"one": np.arange(1536.0), "four": np.arange(1536.0) + 2000})
    assert round(found.statistic or 0, 3) == 2303.250


# --- correlation -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("alternative", ["two.sided", "greater", "less"])
@pytest.mark.parametrize("tied", [False, True])
def test_spearman_agrees_with_scipy_from_ten_pairs_on(alternative: coefficients.Alternative, tied: bool) -> None:
    x, y = (np.round(A, 0), np.round(B, 0)) if tied else (A, B)
    found = coefficients.spearman(x, y, alternative)
    expected = sps.spearmanr(x, y, alternative=alternative.replace(".", "-"))
    assert close(found.statistic, expected.statistic)
    assert close(found.p, expected.pvalue)


@pytest.mark.parametrize("alternative", ["two.sided", "greater", "less"])
@pytest.mark.parametrize(
    ("x", "y"),
    [
        ([1, 2, 3], [3, 1, 2]), ([1, 2, 3, 4, 5], [2, 1, 4, 3, 5]), ([1, 2, 2, 3, 9], [1, 4, 4, 2, 7]),
        ([1, 2, 3, 4, 5, 6, 7], [7, 5, 6, 4, 3, 1, 2]), ([1, 1, 1, 2, 2, 3, 3], [4, 4, 5, 9, 6, 6, 1]),
    ],
)  # fmt: skip
def test_below_ten_pairs_spearman_counts_all_orders(
    alternative: coefficients.Alternative, x: list[int], y: list[int]
) -> None:
    ranks_x, ranks_y = sps.rankdata(x), sps.rankdata(y)
    orders = np.array(list(itertools.permutations(ranks_y)))
    away = orders @ ranks_x - np.mean(orders @ ranks_x)
    here = float(ranks_x @ ranks_y) - float(np.mean(orders @ ranks_x))
    as_far = {"two.sided": abs(away) >= abs(here) - 1e-9, "greater": away >= here - 1e-9, "less": away <= here + 1e-9}
    found = coefficients.spearman(np.array(x, float), np.array(y, float), alternative)
    assert close(found.p, float(np.mean(as_far[alternative])))


def test_nine_pairs_have_the_p_of_scipy_s_random_orders() -> None:
    x = np.arange(1.0, 10.0)
    y = np.array([4, 2, 1, 3, 8, 5, 6, 9, 7], dtype=float)
    expected = sps.permutation_test(
        (x,), lambda order: sps.spearmanr(order, y).statistic, permutation_type="pairings", n_resamples=2000,
        rng=np.random.default_rng(1),
    )  # fmt: skip
    assert coefficients.spearman(x, y).p == pytest.approx(expected.pvalue, abs=0.015)


def test_the_medians_of_five_architectures_say_nothing() -> None:
    # method.md section 10: rho .40, p .50 by Student's t; .52 when all 120 orders are counted.
    x, y = np.array([1.0, 2, 3, 4, 5]), np.array([1.0, 5, 2, 3, 4])
    found = coefficients.spearman(x, y)
    assert close(found.statistic, 0.4)
    assert found.p == pytest.approx(62 / 120)
    assert round(coefficients.pearson(x, y).p or 0, 2) == 0.50


def test_a_perfect_order_of_ten_has_the_p_of_one_order_in_all() -> None:
    x = np.arange(12.0)
    assert close(coefficients.spearman(x, x**3).p, 2 / math.factorial(12))
    assert close(coefficients.spearman(x, -x, "less").p, 1 / math.factorial(12))
    assert coefficients.spearman(x, -x, "greater").p == 1


@pytest.mark.parametrize("alternative", ["two.sided", "greater", "less"])
def test_pearson_agrees_with_scipy(alternative: coefficients.Alternative) -> None:
    found = coefficients.pearson(A, B, alternative)
    expected = sps.pearsonr(A, B, alternative=alternative.replace(".", "-"))
    assert found.effect is not None
    assert close(found.effect.value, expected.statistic)
    assert close(found.p, expected.pvalue)


def test_the_interval_of_pearson_s_r_agrees_with_scipy() -> None:
    found, expected = coefficients.pearson(A, B), sps.pearsonr(A, B).confidence_interval(0.95)
    assert found.effect is not None
    assert found.effect.interval == pytest.approx((expected.low, expected.high), rel=1e-9)


@pytest.mark.parametrize("number", [1, 2])
def test_partial_correlation_agrees_with_pingouin(number: int) -> None:
    controls = [A**2 + RANDOM.normal(0, 5, A.size), RANDOM.normal(0, 1, A.size)][:number]
    table = pd.DataFrame({"x": A, "y": B} | {f"c{i}": control for i, control in enumerate(controls)})
    expected = pingouin.partial_corr(table, "x", "y", [f"c{i}" for i in range(number)]).iloc[0]
    found = coefficients.partial(A, B, controls)
    assert found.effect is not None
    assert close(found.effect.value, expected["r"])
    assert close(found.p, expected.get("p_val", expected.get("p-val")))
    assert found.df == (A.size - 2 - number,)
    low, high = expected.get("CI95", expected.get("CI95%"))
    assert found.effect.interval == pytest.approx((low, high), abs=0.005)  # pingouin rounds it
    z, half = np.arctanh(expected["r"]), sps.norm.ppf(0.975) / math.sqrt(A.size - 3 - number)
    assert found.effect.interval == pytest.approx((np.tanh(z - half), np.tanh(z + half)), rel=1e-9)


def test_the_interval_of_rho_is_that_of_bonett_and_wright() -> None:
    found = coefficients.spearman(A, B)
    assert found.effect is not None
    rho = found.effect.value
    half = sps.norm.ppf(0.975) * math.sqrt((1 + rho**2 / 2) / (A.size - 3))
    assert found.effect.interval == pytest.approx(
        (math.tanh(math.atanh(rho) - half), math.tanh(math.atanh(rho) + half)), rel=1e-9
    )


# --- effects and intervals -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("tied", [False, True])
def test_cliff_s_delta_agrees_with_its_definition_with_scipy_and_with_statsmodels(tied: bool) -> None:
    a, b = (np.round(A, 0), np.round(B[:20], 0)) if tied else (A, B[:20])
    found = effects.cliffs_delta(a, b)
    assert found is not None
    assert found.value == pytest.approx(float(np.sign(a[:, None] - b[None, :]).mean()), rel=1e-9)
    u = sps.mannwhitneyu(a, b).statistic
    assert found.value == pytest.approx(2 * u / (a.size * b.size) - 1, rel=1e-9)
    assert found.value == pytest.approx(2 * rank_compare_2indep(a, b).prob1 - 1, rel=1e-9)


@pytest.mark.parametrize("tied", [False, True])
def test_the_interval_of_cliff_s_delta_is_the_wider_of_feng_and_cliff_s_and_newcombe_s(tied: bool) -> None:
    a, b = (np.round(A, 0), np.round(B[:20], 0)) if tied else (A, B[:20])
    table = np.sign(a[:, None] - b[None, :])
    delta, of_a, of_b, n, m = table.mean(), table.mean(1), table.mean(0), a.size, b.size
    variance = (
        m**2 * np.sum((of_a - delta) ** 2) + n**2 * np.sum((of_b - delta) ** 2) - np.sum((table - delta) ** 2)
    ) / (n * m * (n - 1) * (m - 1))  # fmt: skip
    t = sps.t.ppf(0.975, rank_compare_2indep(a, b).df)
    half = t * math.sqrt(variance * ((1 - delta**2) ** 2 + t**2 * variance))
    cliff = (delta - delta**3 + np.array([-half, half])) / (1 - delta**2 + t**2 * variance)
    p, q = np.linspace(0, 1, 2_000_001), (n + m) / 2 - 1
    score = ((1 + delta) / 2 - p) ** 2 - sps.norm.ppf(0.975) ** 2 * p * (1 - p) * (
        1 + q * (1 - p) / (2 - p) + q * p / (1 + p)
    ) / (n * m)  # fmt: skip
    newcombe = 2 * p[score <= 0][[0, -1]] - 1
    found = effects.cliffs_delta(a, b)
    assert found is not None
    assert found.interval == pytest.approx((min(cliff[0], newcombe[0]), max(cliff[1], newcombe[1])), abs=2e-6)


def test_hedges_g_is_cohen_s_d_of_pingouin_with_the_exact_correction() -> None:
    found = effects.cohens_d(A, B[:12])
    df = A.size + 10
    exact = gamma(df / 2) / (math.sqrt(df / 2) * gamma((df - 1) / 2))
    assert found is not None
    assert close(found.value, exact * pingouin.compute_effsize(A, B[:12], eftype="cohen"))
    assert found.value == pytest.approx(pingouin.compute_effsize(A, B[:12], eftype="hedges"), rel=1e-3)


def test_student_s_interval_agrees_with_scipy() -> None:
    found = intervals.t_interval(A)
    assert found is not None
    expected = sps.t.interval(0.95, A.size - 1, A.mean(), sps.sem(A))
    assert (found.low, found.high) == pytest.approx(expected, rel=1e-9)


def test_the_coefficient_of_variation_agrees_with_scipy_and_its_interval_with_propagation() -> None:
    found = intervals.coefficient_of_variation(B)
    assert found is not None
    value, interval = found
    assert close(value, float(sps.variation(B, ddof=1)))
    n, skew, kurtosis = B.size, sps.skew(B, bias=False), max(1.5, sps.kurtosis(B, bias=False))
    u = math.sqrt((kurtosis / n + 2 / (n - 1)) / 4 + value**2 / n - skew * value / n)
    ends = value * np.exp(sps.t.ppf([0.025, 0.975], n - 1) * u)
    assert interval is not None
    assert (interval.low, interval.high) == pytest.approx(ends, rel=1e-9)


def test_the_interval_of_hedges_g_is_that_of_propagation_with_scipy_s_moments() -> None:
    a, b = B[:8], np.concatenate([A, [14.0]])  # unequal numbers; one outlier: a kurtosis above its floor
    n, v = np.array([a.size, b.size]), np.array([a.var(ddof=1), b.var(ddof=1)])
    skew = np.array([sps.skew(a, bias=False), sps.skew(b, bias=False)])
    kurtosis = np.maximum(1.5, [sps.kurtosis(a, bias=False), sps.kurtosis(b, bias=False)])
    assert kurtosis.max() > 1.5
    w, difference = (n - 1) / np.sum(n - 1), a.mean() - b.mean()
    pooled = np.sum(w * v)
    # Derivatives of difference / sqrt(pooled) by both means and both variances, and the covariances of those four.
    slopes = np.concatenate([[1, -1] / np.sqrt(pooled), -difference / 2 * pooled**-1.5 * w])
    covariance = np.diag(np.concatenate([v / n, v**2 * (kurtosis / n + 2 / (n - 1))]))
    covariance[[0, 1], [2, 3]] = covariance[[2, 3], [0, 1]] = skew * v**1.5 / n
    u = math.sqrt(slopes @ covariance @ slopes)
    dof = min(np.sum(p) ** 2 / np.sum(p**2 / (n - 1)) for p in (v / n, w * v))
    found = effects.cohens_d(a, b)
    assert found is not None
    half = sps.t.ppf(0.975, dof) * u
    assert found.interval == pytest.approx((found.value - half, found.value + half), rel=1e-9)


@pytest.mark.parametrize("n", [30, 31])
def test_bca_has_the_bias_and_acceleration_of_scipy_on_the_same_bootstrap_samples(n: int) -> None:
    values = np.concatenate([B, A])[:n]
    found = intervals.bca_interval(values, 7)
    given_samples = sps.bootstrap((values,), np.mean, n_resamples=2, method="percentile")
    given_samples.bootstrap_distribution = call("bootstrap", values, 7.0, float(intervals.BOOTSTRAP_SAMPLES))
    expected = sps.bootstrap(
        (values,), np.mean, n_resamples=0, bootstrap_result=given_samples, method="BCa"
    ).confidence_interval  # fmt: skip
    assert found is not None
    assert (found.low, found.high) == pytest.approx((expected.low, expected.high), rel=1e-9)


def test_bca_agrees_with_scipy_s_own_samples_within_monte_carlo_error() -> None:
    values = np.concatenate([B, A])
    found = intervals.bca_interval(values, 1)
    expected = sps.bootstrap(
        (values,), np.mean, n_resamples=9999, method="BCa", rng=np.random.default_rng(3)
    ).confidence_interval  # fmt: skip
    assert found is not None
    error = 0.05 * (expected.high - expected.low)
    assert found.low == pytest.approx(expected.low, abs=error)
    assert found.high == pytest.approx(expected.high, abs=error)


def test_bca_draws_the_same_samples_for_the_same_seed_and_others_for_another() -> None:
    values = np.concatenate([B, A])
    assert intervals.bca_interval(values, 5) == intervals.bca_interval(values, 5)
    assert intervals.bca_interval(values, 5) != intervals.bca_interval(values, 6)


@pytest.mark.parametrize(("n", "method"), [(2, "t"), (29, "t"), (30, "bca"), (200, "bca"), (201, "t")])
def test_the_interval_of_a_mean_is_student_s_of_few_and_of_many_values_and_bca_of_those_between(
    n: int, method: str
) -> None:
    values = np.random.default_rng(1).gamma(4.0, size=n)
    found = intervals.mean_interval(values)
    assert found is not None
    assert found.method == method
    assert found == (
        intervals.t_interval(values) if method == "t" else intervals.bca_interval(values, intervals.BOOTSTRAP_SEED)
    )
    assert found.low < values.mean() < found.high


def test_above_two_hundred_values_student_s_interval_is_nearly_that_of_the_bootstrap() -> None:
    values = np.random.default_rng(2).gamma(4.0, size=200)
    t, bca = intervals.t_interval(values), intervals.bca_interval(values, 1)
    assert t is not None
    assert bca is not None
    assert (bca.low, bca.high) == pytest.approx((t.low, t.high), abs=0.05 * (t.high - t.low))


# --- laws ------------------------------------------------------------------------------------------------------------


samples = hst.lists(finite, min_size=4, max_size=20, unique=True).map(np.array)


@given(samples, samples)
@settings(max_examples=40)
def test_swapping_two_groups_turns_every_sign(a: Floats, b: Floats) -> None:
    for there, back in (
        (effects.cohens_d(a, b), effects.cohens_d(b, a)),
        (effects.cliffs_delta(a, b), effects.cliffs_delta(b, a)),
    ):
        assert there is not None
        assert back is not None
        assert there.value == pytest.approx(-back.value, abs=1e-12)
        assert there.interval is not None or max(a.size, b.size) > 2
        if there.interval is not None and back.interval is not None:
            assert there.interval == pytest.approx((-back.interval[1], -back.interval[0]), abs=1e-9)


@given(samples, samples, hst.integers(-20, 20))
@settings(max_examples=40)
def test_the_unit_changes_no_p_and_no_effect(a: Floats, b: Floats, power: int) -> None:
    factor = 2.0**power
    wide = {"a": a * factor, "b": b * factor}
    assert st.welch_anova({"a": a, "b": b}).p == pytest.approx(st.welch_anova(wide).p, rel=1e-9)
    assert effects.cohens_d(a, b) == effects.cohens_d(a * factor, b * factor)
    assert st.kruskal({"a": a, "b": b}) == st.kruskal(wide)


@given(samples, samples)
@settings(max_examples=40)
def test_a_rising_function_changes_no_statistic_of_ranks(a: Floats, b: Floats) -> None:
    assert effects.cliffs_delta(a, b) == effects.cliffs_delta(np.arcsinh(a), np.arcsinh(b))
    assert st.dunn({"a": a, "b": b}) == st.dunn({"a": np.arcsinh(a), "b": np.arcsinh(b)})
    n = min(a.size, b.size)
    assert coefficients.spearman(a[:n], b[:n]) == coefficients.spearman(np.arcsinh(a[:n]), b[:n])


@given(samples, samples)
@settings(max_examples=40)
def test_an_effect_lies_within_its_interval(a: Floats, b: Floats) -> None:
    for effect in (effects.cliffs_delta(a, b), effects.cohens_d(a, b)):
        assert effect is not None
        if effect.interval is not None:
            assert effect.interval[0] <= effect.value <= effect.interval[1]


@pytest.mark.parametrize(
    ("name", "value", "word"),
    [
        ("eta-squared-h", -0.07, "negligible"), ("eta-squared-h", 0.0099, "negligible"),
        ("eta-squared-h", 0.01, "small"),
        ("partial-eta-squared", 0.06, "medium"), ("partial-eta-squared", 0.14, "large"),
        ("cliffs-delta", -0.146, "negligible"), ("cliffs-delta", -0.147, "small"),
        ("cliffs-delta", 0.33, "medium"), ("cliffs-delta", 1.0, "large"), ("hedges-g", -0.8, "large"),
        ("rho", 0.19, "very-weak"), ("rho", 0.2, "weak"), ("rho", 0.39999999999999991, "moderate"),
        ("r", -0.7, "strong"), ("r", 0.9, "very-strong"),
    ],
)  # fmt: skip
def test_effects_have_the_words_of_their_bands(name: EffectName, value: float, word: str) -> None:
    assert effects.band(name, value) == word


@pytest.mark.parametrize(
    ("interval", "p", "shown"),
    [((0.2, 1.9), None, True), ((-2.8, 5.6), 0.01, False), ((-1.9, -0.2), None, True), ((0.0, 0.3), None, False),
     (None, 0.01, True), (None, 0.165, False), (None, None, False)],
)  # fmt: skip
def test_an_effect_has_a_word_only_where_it_is_told_from_zero(
    interval: tuple[float, float] | None, p: float | None, shown: bool
) -> None:
    assert effects.effect_of("hedges-g", 1.4, interval, p).word == ("large" if shown else None)
    with as_before({Rule.SHOWN_STATISTICS}):
        assert effects.effect_of("hedges-g", 1.4, interval, p).word == "large"


def test_three_points_on_a_line_but_for_a_little_are_no_very_strong_correlation() -> None:
    found = coefficients.pearson(np.array([1.0, 2.0, 3.0]), np.array([3.0, 2.4, 1.0]))
    assert found.p is not None
    assert found.p > 0.05
    assert found.effect is not None
    assert abs(found.effect.value) > 0.9
    assert found.effect.word is None


def test_normality_and_quantiles_take_eight_values() -> None:
    values = GROUPS["cnn"]
    assert (st.normality(values[:7]).refused, st.normal_plot(values[:7])) == ("too-few", None)
    assert st.normality(values[:8]).refused is None
    assert st.normal_plot(values[:8]) is not None
