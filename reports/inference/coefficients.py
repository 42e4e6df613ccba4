"""Do two quantities go together? Spearman's, Pearson's and partial coefficients with their tests; computed by R
(method.md section 10).

Knows pairs of values and controls. Knows no group and no design.
"""

import math
from collections.abc import Sequence
from typing import Literal, TypeAlias

import numpy as np

from reports.inference.effects import effect_of
from reports.inference.r_session import call
from reports.inference.samples import Floats, numbers, refusal, refused_test, together
from reports.results.inference import Test

Alternative: TypeAlias = Literal["two.sided", "greater", "less"]
LEAST_FOR_RHO = 10
"""For its interval."""
SIDES: dict[Alternative, float] = {"less": -1.0, "two.sided": 0.0, "greater": 1.0}


def spearman(x: Floats, y: Floats, alternative: Alternative = "two.sided") -> Test:
    """Spearman's rho of three or more pairs. p counts all orders below ten pairs (ties or not), else it is that of
    Student's t with n - 2 degrees of freedom. The interval takes ten pairs."""
    x, y = together(x, y)
    refused = refusal([x, y], 3)
    if refused is None and (np.ptp(x) == 0 or np.ptp(y) == 0):
        refused = "ties-only"
    if refused:
        return refused_test("spearman", "rho", [x], refused)
    rho, _, df, p = numbers(call("spearman", x, y, SIDES[alternative]))
    # Bonett and Wright, Psychometrika 65 (2000) 23.
    enough = x.size >= LEAST_FOR_RHO
    effect = effect_of("rho", rho, _fisher(rho, x.size, math.sqrt(1 + rho**2 / 2), 3) if enough else None, p)
    return Test("spearman", rho, "rho", (df,), p, (x.size,), effect, None)


def pearson(x: Floats, y: Floats, alternative: Alternative = "two.sided") -> Test:
    """Pearson's r of three or more pairs; statistic t; interval by Fisher's z, from four."""
    x, y = together(x, y)
    refused = refusal([x, y], 3, within=True)
    if refused:
        return refused_test("pearson", "t", [x], refused)
    return _correlated("pearson", call("pearson", x, y, SIDES[alternative]), x.size, 3)


def partial(x: Floats, y: Floats, controls: Sequence[Floats], alternative: Alternative = "two.sided") -> Test:
    """Pearson's r of what straight lines through the controls leave of x and y; n - 2 less the controls degrees of
    freedom."""
    x, y = together(x, y)
    if not controls:
        return pearson(x, y, alternative)
    control = [together(x, values)[1] for values in controls]
    refused = refusal([x, y], 3 + len(control), within=True) or refusal(control, 0)
    if refused:
        return refused_test("partial", "t", [x], refused)
    result = call("partial", x, y, np.concatenate(control), SIDES[alternative])
    if not np.isfinite(result[0]):
        return refused_test("partial", "t", [x], "collinear")
    return _correlated("partial", result[:4], x.size, 3 + len(control))


def _correlated(name: Literal["pearson", "partial"], result: Floats, n: int, spent: int) -> Test:
    r, t, df, p = numbers(result)
    if not math.isfinite(t):
        return Test(name, None, "t", (df,), None, (n,), effect_of("r", r), "perfect")
    return Test(name, t, "t", (df,), p, (n,), effect_of("r", r, _fisher(r, n, 1.0, spent), p), None)


def _fisher(r: float, n: int, factor: float, spent: int) -> tuple[float, float] | None:
    if n <= spent or abs(r) >= 1:
        return None
    low, high = numbers(call("fisher_interval", r, factor / math.sqrt(n - spent)))
    return low, high
