"""Intervals of partial eta squared and of Hedges' g: by the integrals that define them, and by draws."""

import shutil
import subprocess

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import integrate
from scipy import stats as sps

from reports.inference import effects, statistics
from reports.results.rules import Rule, as_before

FEW = {"a": [10.1, 10.4, 9.8], "b": [20.2, 19.9, 20.6], "c": [31.0, 29.7, 30.4]}
SOME = {"a": [3.1, 4.4, 2.8, 5.0, 3.7, 4.9], "b": [4.2, 5.9, 9.6, 4.1, 5.5, 6.0, 7.7], "c": [6.0, 5.7, 8.4, 6.6, 9.1]}
IN_R = """
x <- scan(file('stdin'), quiet = TRUE); k <- x[1]; n <- x[1 + 1:k]; y <- x[-(1:(k + 1))]; g <- rep(1:k, n)
N <- sum(n); p <- n / N; m <- tapply(y, g, mean); s2 <- tapply(y, g, var); grand <- sum(p * m); W <- sum(p * s2)
third <- tapply(y, g, function(v) mean((v - mean(v))^3) / mean((v - mean(v))^2)^1.5)
fourth <- tapply(y, g, function(v) mean((v - mean(v))^4) / mean((v - mean(v))^2)^2 - 3)
skew <- third * sqrt(n * (n - 1)) / (n - 2)
peak <- pmax(1.5, ifelse(n > 3, (n - 1) / ((n - 2) * pmax(n - 3, 1)) * ((n + 1) * fourth + 6), 0))
of_variance <- s2^2 * (peak / n + 2 / (n - 1)); of_both <- skew * s2^1.5 / n
raw <- sum(p * (m - grand)^2) / W
f2 <- max(0, raw - sum(p * (1 - p) * s2 / n) / W)
a <- 2 * sum((p * s2 / n)^2) / W^2
b <- 4 * sum(p^2 * (m - grand)^2 * s2 / n) / W^2 / raw
c <- sum(p^2 * of_variance) / W^2
c <- max(c - 4 * sum(p^2 * (m - grand) * of_both) / W^2 / f2, c / 2)
away <- function(to) integrate(function(u) 1 / sqrt(a + b * u + c * u^2), f2, to, rel.tol = 1e-13)$value
t <- qt(.975, min(n) - 1)
low <- if (-away(0) <= t) 0 else uniroot(function(u) away(u) + t, c(0, f2), tol = 1e-15)$root
high <- exp(uniroot(function(u) away(exp(u)) - t, log(f2) + c(0, 40), tol = 1e-14)$root)
found <- summary(aov(y ~ factor(g)))[[1]]; F <- found$F[1]; df <- found$Df
by <- function(p) { f <- function(ncp) pf(F, df[1], df[2], ncp) - p
    if (f(0) <= 0) 0 else uniroot(f, c(0, 20 * F * df[1] + 50), tol = 1e-10)$root }
cat(format(c(low / (1 + low), high / (1 + high), by(.975) / (by(.975) + N), by(.025) / (by(.025) + N)), digits = 17))
"""
"""Ends by numerical integration, then those by noncentral F (normal values of one spread)."""


def interval(groups: dict[str, NDArray[np.float64]]) -> tuple[float, float]:
    """Ours."""
    effect = statistics.welch_anova(groups).effect
    assert effect is not None
    assert effect.interval is not None
    return effect.interval


def in_r(groups: dict[str, NDArray[np.float64]]) -> list[float]:
    """The four ends of `IN_R`."""
    numbers = [len(groups), *(values.size for values in groups.values()), *np.concatenate(list(groups.values()))]
    done = subprocess.run(["Rscript", "--vanilla", "-e", IN_R], input=" ".join(map(repr, map(float, numbers))),
                          capture_output=True, text=True, check=True)  # fmt: skip
    return list(map(float, done.stdout.split()))


def arrays(values: dict[str, list[float]]) -> dict[str, NDArray[np.float64]]:
    """Groups as arrays."""
    return {name: np.array(own) for name, own in values.items()}


@pytest.mark.skipif(shutil.which("Rscript") is None, reason="needs R")
@pytest.mark.parametrize("groups", [arrays(FEW), arrays(SOME)], ids=["few", "some"])
def test_the_interval_is_that_of_the_integral_which_defines_its_scale(groups: dict[str, NDArray[np.float64]]) -> None:
    low, high, *_ = in_r(groups)
    assert interval(groups) == pytest.approx((low, high), rel=1e-9, abs=1e-9)


@pytest.mark.skipif(shutil.which("Rscript") is None, reason="needs R")
def test_of_many_normal_values_of_one_spread_it_is_near_that_of_the_noncentral_f() -> None:
    draw = np.random.default_rng(3)
    groups = {str(k): draw.normal(k, 1.5, 40) for k in range(4)}
    _, _, low, high = in_r(groups)
    assert interval(groups) == pytest.approx((low, high), abs=0.05)


def test_few_values_far_apart_tell_the_effect_from_zero() -> None:
    """F is 1800: before, the interval began at 0."""
    groups = arrays(FEW)
    low, high = interval(groups)
    assert 0.8 < low < high < 1.0
    with as_before([Rule.ETA_INTERVAL]):
        assert interval(groups)[0] == 0.0


def test_equal_means_are_not_told_apart_by_it() -> None:
    """150 draws of three groups of 4 with spreads 1, 2, 3 that do not differ: the interval holds 0."""
    draw = np.random.default_rng(9)
    told = sum(interval({str(k): draw.normal(0, k + 1.0, 4) for k in range(3)})[0] > 0 for _ in range(150))
    assert told <= 0.08 * 150


def test_it_covers_where_spreads_differ() -> None:
    """150 draws of groups of 5 whose spreads are 1, 2 and 3; `bench_statistics eta` has every setting."""
    draw, held = np.random.default_rng(4), 0
    means = np.array([0.0, 2.0, 4.0])
    between = float(np.mean((means - means.mean()) ** 2))
    truth = between / (between + (1 + 4 + 9) / 3)
    for _ in range(150):
        low, high = interval({str(k): draw.normal(means[k], k + 1.0, 5) for k in range(3)})
        held += low <= truth <= high
    assert held >= 0.9 * 150


# --- Hedges' g ---


def g_interval(a: NDArray[np.float64], b: NDArray[np.float64]) -> tuple[float, float]:
    """Ours."""
    effect = effects.cohens_d(a, b)
    assert effect is not None
    assert effect.interval is not None
    return effect.interval


def below(t: float, df: float, nc: float) -> float:
    """P(T <= t) of the noncentral t at t > 0: the normal distribution over that of chi, all that is left far away."""
    if t > 1000:
        return float(sps.chi2.sf(df * (nc / t) ** 2, df))
    places = sps.chi2.ppf([1e-12, 0.001, 0.1, 0.5, 0.9, 0.999, 1 - 1e-12], df)
    return float(integrate.quad(
        lambda s: sps.norm.cdf(t * s - nc) * 2 * df * s * sps.chi2.pdf(df * s * s, df), 0, np.sqrt(places[-1] / df),
        points=[*np.sqrt(places / df), nc / t], limit=500,
    )[0])  # fmt: skip


@pytest.mark.parametrize("apart", [0.1, 2.0, 50.0, 40_000.0])
def test_the_interval_of_g_is_that_of_the_noncentral_t_at_degrees_that_unequal_variances_leave(
    apart: float,
) -> None:
    a, b = np.array(SOME["a"]) + apart, np.array(SOME["b"])
    n, v = np.array([a.size, b.size]), np.array([a.var(ddof=1), b.var(ddof=1)])
    kurtosis = np.maximum(1.5, [sps.kurtosis(a, bias=False), sps.kurtosis(b, bias=False)])
    share = (n - 1) / np.sum(n - 1)
    pooled, error = np.sum(share * v), np.sqrt(np.sum(v / n))
    of_pooled = np.sum(share**2 * v**2 * (kurtosis / n + 2 / (n - 1)))
    df = min(np.sum(v / n) ** 2 / np.sum((v / n) ** 2 / (n - 1)), 2 * pooled**2 / of_pooled)
    difference = a.mean() - b.mean()
    low, high = (end * np.sqrt(pooled) / error for end in g_interval(a, b))
    if difference < 0:
        low, high = -high, -low
    t = abs(difference) / error
    assert (below(t, df, low), below(t, df, high)) == pytest.approx((0.975, 0.025), abs=1e-7)
    assert g_interval(b, a) == pytest.approx((-g_interval(a, b)[1], -g_interval(a, b)[0]), rel=1e-12)


def test_three_runs_of_each_tell_a_large_difference_from_zero() -> None:
    """Before, no difference of three and three values was told from zero, however large."""
    a, b = np.array(FEW["a"]), np.array(FEW["b"])
    low, high = g_interval(b, a)
    assert 0 < low < 5 * low < high
    with as_before([Rule.G_INTERVAL]):
        assert g_interval(b, a)[0] < 0


def test_the_interval_of_g_covers_where_spreads_differ() -> None:
    """200 draws of 4 and 5 values whose spreads are 1 and 3; `bench_statistics g` has every setting."""
    draw, held, told = np.random.default_rng(8), 0, 0
    truth = 6 / np.sqrt((3 * 1 + 4 * 9) / 7)
    for _ in range(200):
        low, high = g_interval(draw.normal(6, 1, 4), draw.normal(0, 3, 5))
        held, told = held + (low <= truth <= high), told + (low > 0)
    assert held >= 0.93 * 200
    assert told >= 0.4 * 200
