"""How far two methods of measuring one quantity agree: Bland and Altman on the logarithm of their ratio.

Knows pairs of positive values, in groups. Knows no meter, no tracker, no unit and no file.

    d_i = ln(x_i / y_i)      bias = mean(d)      limits of agreement = mean(d) -+ 1.96 s(d)

Everything is given as a ratio, exp of the above: a bias of .78 and limits of .75 and .81 say that x is 78 % of y in the
mean and between 75 % and 81 % of it in 95 of 100 single cases (Bland and Altman 1986, 1999). The bias has Student's
interval. A limit mean + z s has the exact interval of a quantile of a normal distribution, by the noncentral t with
nc = z sqrt(n) (Hahn and Meeker 1991; Carkeet 2015), not Bland and Altman's approximation, which covers too little for
small n. What all y share (`shared`, a relative standard uncertainty) joins by root sum of squares of the half widths,
on each side of every interval (MOVER, Zou 2013): one quantile at the effective degrees of freedom covers too little
for three values.

Runs of one group resemble each other more than runs of two, so groups are clusters: over groups only their means are
taken, each as one observation, and only from `LEAST_GROUPS` of them on.
"""

import math
from collections.abc import Mapping
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from reports.results.agreement import Agreement, AgreementLimit, NoAgreement
from reports.results.distributions import nctdtrit
from reports.results.uncertainty import COVERAGE, Estimate, Number, Term, combine, t_quantile

Z = 1.959963984540054
"""Standard normal quantile at 97.5 %."""
NOTHING_SHARED = Term(0.0, math.inf)
LEAST_PAIRS = 3
"""Fewer single values show no spread that limits of agreement could be made of."""
LEAST_GROUPS = 5
"""Fewer group means say next to nothing of a further group."""


def agreement(x: NDArray[np.float64], y: NDArray[np.float64], shared: Term = NOTHING_SHARED) -> Agreement:
    """Agreement of pairs within one group; `shared` is the relative standard uncertainty that all y have in common.

    Refused: `too-few-runs` (fewer than two pairs), `not-positive` (a value whose logarithm does not exist).
    """
    if x.size < 2:
        return _refused(x.size, "too-few-runs")
    if not (np.all(x > 0) and np.all(y > 0)):
        return _refused(x.size, "not-positive")
    return _of_logs(np.log(x / y), shared)


def pooled(
    groups: Mapping[str, tuple[NDArray[np.float64], NDArray[np.float64]]], shared: Term = NOTHING_SHARED
) -> Agreement:
    """Agreement over groups, each group's mean logarithm as one observation: the limits are those of the mean of a
    further group.

    Refused: `too-few-scenarios` (fewer than `LEAST_GROUPS`), `not-positive`.
    """
    if len(groups) < LEAST_GROUPS:
        return _refused(len(groups), "too-few-scenarios")
    if not all(np.all(x > 0) and np.all(y > 0) for x, y in groups.values()):
        return _refused(len(groups), "not-positive")
    return _of_logs(np.array([float(np.log(x / y).mean()) for x, y in groups.values()]), shared)


def _refused(n: int, code: NoAgreement) -> Agreement:
    return Agreement(n, code, None, None, None, None)


def _of_logs(logs: NDArray[np.float64], shared: Term) -> Agreement:
    n, mean, sd = logs.size, float(logs.mean()), float(logs.std(ddof=1))
    own = combine(mean, [Term(sd / math.sqrt(n), n - 1.0), shared])
    common = (Estimate(0.0, shared.u, shared.dof).expanded or 0.0) if shared.u > 0 else 0.0
    half = math.hypot(t_quantile(n - 1.0) * sd / math.sqrt(n), common)
    ratio = math.exp(mean)
    bias = Number(replace(own, value=ratio, u=ratio * (own.u or 0.0)), "1", ratio * sd, n)
    interval = (math.exp(mean - half), math.exp(mean + half))
    if n < LEAST_PAIRS:
        return Agreement(n, None, bias, interval, None, None)
    low, high = (_limit(mean, sd, n, side, common) for side in (-1, 1))
    return Agreement(n, None, bias, interval, low, high)


def _limit(mean: float, sd: float, n: int, side: int, widening: float) -> AgreementLimit:
    """The limit mean + side z s, with its exact interval, widened."""
    centre = mean + side * Z * sd
    away = side * Z * math.sqrt(n)
    ends = (mean + sd / math.sqrt(n) * noncentral_t(p, n - 1.0, away) for p in (1 - COVERAGE, COVERAGE))
    low, high = ends
    below, above = math.hypot(centre - low, widening), math.hypot(high - centre, widening)
    return AgreementLimit(math.exp(centre), (math.exp(centre - below), math.exp(centre + above)))


def noncentral_t(p: float, dof: float, nc: float) -> float:
    """Quantile of the noncentral t distribution; symmetric, so that the tail with a positive nc is the one computed."""
    return float(nctdtrit(dof, nc, p)) if nc >= 0 else -float(nctdtrit(dof, -nc, 1 - p))
