"""What a two-sided t test of two groups at 5 % can show: its power, the values it takes, the difference it finds;
computed by R (method.md section 10).

Knows sizes, a spread and a difference. Makes no test.
"""

import math

from harness.record.errors import AnalysisError
from reports.inference.r_session import call
from reports.inference.samples import Floats, vector

MOST_N = 10_000_000


def as_equal_groups(a: Floats, b: Floats) -> tuple[float, float]:
    """Two equal groups whose means differ with the same standard error as those of these two (two or more values each):
    their size, the harmonic mean of both, and their SD."""
    a, b = vector(a), vector(b)
    n = 2 * a.size * b.size / (a.size + b.size)
    return n, math.sqrt(n / 2 * (float(a.var(ddof=1)) / a.size + float(b.var(ddof=1)) / b.size))


def power(n: float, difference: float, sd: float) -> float:
    """How likely a two-sided t test at 5 % of two groups of n finds a difference of means, with `sd` within groups; n
    may be the harmonic mean of two sizes.

    Raises:
        AnalysisError: n below 2, or a difference or sd that is no number or sd not above 0.
    """
    if n < 2 or not math.isfinite(difference) or not 0 < sd < math.inf:
        raise AnalysisError(f"power needs n of 2 or more, a difference and an sd above 0; got {n}, {difference}, {sd}")
    return float(call("power_of", n, abs(difference), sd)[0])


def required_n(difference: float, sd: float, power: float = 0.8) -> int | None:
    """The fewest values in each of two groups with which that test has this power; None beyond ten million.

    Raises:
        AnalysisError: as `power`, or a power not between 0 and 1.
    """
    if not 0 < power < 1 or not math.isfinite(difference) or not 0 < sd < math.inf:
        raise AnalysisError(
            f"a required n needs a difference, an sd above 0 and a power below 1; got {difference}, {sd}, {power}"
        )
    size = call("required_n", abs(difference), sd, power, MOST_N)[0]
    return int(size) if math.isfinite(size) else None


def detectable_difference(n: float, sd: float, power: float = 0.8) -> float:
    """The difference of means that this test finds with this power (.06 to .99), in the unit of `sd`; n may be the
    harmonic mean of two sizes.

    Raises:
        AnalysisError: n below 2, sd not above 0, or another power.
    """
    if n < 2 or not 0 < sd < math.inf or not 0.06 <= power <= 0.99:
        raise AnalysisError(
            f"a detectable difference needs n of 2 or more, an sd above 0, power of .06 to .99; got {n}, {sd}, {power}"
        )
    return float(call("detectable", n, sd, power)[0])
