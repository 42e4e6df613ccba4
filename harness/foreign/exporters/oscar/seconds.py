"""Rows with stamps in nanoseconds -> rows on whole seconds, as OSCAR counts them.

Knows stamps and rows. Knows no campaign and no form of a file.

OSCAR counts whole seconds: the rows of a run are moved together by less than a second onto whole ones, and its actions
with them. Which rows come at or after a begin never changes; so its rule, the first N rows with t >= startTestrun,
gives the same sum of the same rows.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

SECOND_NS, MILLI_NS = 1_000_000_000, 1_000_000
MARGIN_S = 5
"""Rows kept before and after a run's interval."""
STEADY = 0.1
"""Rows count as one a second when their median distance is within 10 % of it."""
Times = NDArray[np.int64]
Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Rows:
    """Rows of one file: whole-second stamps (ns, rising) and values, shape (n,) or (n, k)."""

    times_ns: Times
    values: Floats


def is_steady(times_ns: Times) -> bool:
    """Whether rows count as one a second."""
    return times_ns.size > 1 and abs(float(np.median(np.diff(times_ns))) / SECOND_NS - 1) <= STEADY


def near(times_ns: Times, begin_ns: int, end_ns: int) -> slice:
    """The rows of an interval, and `MARGIN_S` on either side."""
    edges = [begin_ns - MARGIN_S * SECOND_NS, end_ns + MARGIN_S * SECOND_NS]
    return slice(int(np.searchsorted(times_ns, edges[0])), int(np.searchsorted(times_ns, edges[1], side="right")))


def whole_seconds(times_ns: Times) -> Times:
    """Rows about a second apart -> whole seconds, strictly rising: moved by one amount, then each to the nearest."""
    if not times_ns.size:
        return times_ns
    away = np.angle(np.mean(np.exp(2j * np.pi * (times_ns % SECOND_NS) / SECOND_NS))) / (2 * np.pi)
    nearest = np.rint((times_ns - round(away * SECOND_NS)) / SECOND_NS).astype(np.int64)
    rising = np.maximum.accumulate(nearest - np.arange(nearest.size)) + np.arange(nearest.size)
    return np.asarray(rising * SECOND_NS)


def moved(time_ns: int, rows_ns: Times, seconds_ns: Times) -> int:
    """Where a time goes when rows go to `seconds_ns`: as long before the next row as it was, in whole ms, and never
    onto or before the row it came after."""
    place = int(np.searchsorted(rows_ns, time_ns))
    if place == rows_ns.size:
        return rounded_up(time_ns + int(seconds_ns[-1] - rows_ns[-1]), MILLI_NS)
    to_next_ns = (int(rows_ns[place]) - time_ns) // MILLI_NS * MILLI_NS
    least_ns = int(seconds_ns[place - 1]) + MILLI_NS if place else 0
    return max(int(seconds_ns[place]) - to_next_ns, least_ns)


def rounded_up(value_ns: int, step_ns: int) -> int:
    """The next multiple of a step."""
    return -(-value_ns // step_ns) * step_ns
