"""Intervals of 95 % of a mean and of a coefficient of variation; computed by R (method.md section 10).

Knows one group of values, and how many of them an interval takes (tests/benchmarks/bench_statistics.py). Knows no test.
"""

import math

from reports.inference.r_session import call
from reports.inference.samples import SMALLEST, Floats, ends, is_without_error, numbers, refusal, vector
from reports.results.inference import Interval

LEVEL = 0.95
LEAST_FOR_BCA = 30
MOST_FOR_BCA = 200
"""Above, its ends are those of Student's t but for some 3 % of the width (gamma of shape 4)."""
BOOTSTRAP_SAMPLES, BOOTSTRAP_SEED = 9999, 1


def coefficient_of_variation(values: Floats) -> tuple[float, Interval | None] | None:
    """SD / mean of two or more values with a mean above 0, and from three its interval; None where it has no
    meaning."""
    values = vector(values)
    if refusal([values], 2) or not values.mean() > SMALLEST or is_without_error([values]):
        return None
    value, low, high = numbers(call("variation", values))
    interval = ends(low, high)
    return value, Interval("propagated", LEVEL, *interval) if interval else None


def t_interval(values: Floats) -> Interval | None:
    """Student's interval of the mean; None of fewer than two values, and where they are all equal."""
    values = vector(values)
    if refusal([values], 2, within=True) or is_without_error([values]):
        return None
    low, high = numbers(call("t_interval", values))
    return Interval("t", LEVEL, low, high)


def bca_interval(values: Floats, seed: int) -> Interval | None:
    """The bootstrap's interval of the mean, corrected for bias and acceleration, by `BOOTSTRAP_SAMPLES` samples of R's
    Mersenne-Twister; None of fewer than `LEAST_FOR_BCA` values and of more than `MOST_FOR_BCA`, and where they are all
    equal. `seed` is of 32 bits."""
    values = vector(values)
    if values.size > MOST_FOR_BCA or refusal([values], LEAST_FOR_BCA, within=True):
        return None
    low, high = numbers(call("bca", values, float(seed), float(BOOTSTRAP_SAMPLES)))
    return Interval("bca", LEVEL, low, high) if math.isfinite(low) and math.isfinite(high) else None


def mean_interval(values: Floats) -> Interval | None:
    """The interval of a mean: BCa of `LEAST_FOR_BCA` to `MOST_FOR_BCA` values, Student's of fewer and of more; None
    where there is none."""
    values = vector(values)
    if LEAST_FOR_BCA <= values.size <= MOST_FOR_BCA:
        return bca_interval(values, BOOTSTRAP_SEED)
    return t_interval(values)
