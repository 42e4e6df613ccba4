"""Time of an interval that no reading covers: where it lies, and how wrong what stands for its power may be.

Knows one power function, its readings and the mean powers of baseline blocks. Knows no run, no finding and no file.

Between two readings the power is the straight line between them, and u_gap the local extremes' distance / (2 sqrt(3))
(method.md section 6). Before the first reading and behind the last one there is a neighbour on one side only: that
reading stands for the power, but nothing says that the load stayed. What is known is that the power lay between the
least and the greatest of all readings of the run and of the baseline beside it. So the error of what stands for it, v,
is at most

    a = max(greatest - v, v - least) ,     u_gap = a T / sqrt(3)

over the time T: rectangular, of limits +-a (JCGM 100, 4.3.7), which hold the whole range on either side of v
(docs/decisions/0014).
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from reports.energy.meter_error import ROOT_3, Floats
from reports.energy.power_function import NS, PowerFunction
from reports.readings.long import let_go
from reports.results.rules import Rule, was

Stamps: TypeAlias = NDArray[np.int64]
Place: TypeAlias = Literal["before the first reading", "between readings", "behind the last reading"]
NEIGHBOURS = 3
"""Readings on each side of a gap whose extremes bound the power in it."""


@dataclass(frozen=True, slots=True)
class Hole:
    """A stretch of an interval that no reading covers (ns)."""

    begin_ns: int
    end_ns: int
    place: Place

    @property
    def length_s(self) -> float:
        """Its length."""
        return (self.end_ns - self.begin_ns) * NS


def edges_ns(function: PowerFunction) -> tuple[int, int]:
    """From when to when readings cover the time, gaps between them left aside."""
    return function.origin_ns + round(function.first_s / NS), function.origin_ns + round(function.last_s / NS)


def is_open(function: PowerFunction, begin_ns: int, end_ns: int) -> bool:
    """Whether an interval begins before the first reading or ends behind the last one."""
    first_ns, last_ns = edges_ns(function)
    return begin_ns < first_ns or end_ns > last_ns


def holes(function: PowerFunction, begin_ns: int, end_ns: int) -> Iterator[Hole]:
    """Every stretch of an interval that no reading covers, in order of time."""
    first_ns, last_ns = edges_ns(function)
    if begin_ns < first_ns:
        yield Hole(begin_ns, min(first_ns, end_ns), "before the first reading")
    for gap_begin_ns, gap_end_ns in _gaps_ns(function).tolist():
        from_ns, to_ns = max(gap_begin_ns, begin_ns), min(gap_end_ns, end_ns)
        if from_ns < to_ns:
            yield Hole(from_ns, to_ns, "between readings")
    if end_ns > last_ns:
        yield Hole(max(last_ns, begin_ns), end_ns, "behind the last reading")


def _gaps_ns(function: PowerFunction) -> Stamps:
    """Begin and end of each gap, (k, 2)."""
    return np.asarray(function.origin_ns + np.rint(function.gaps_s / NS).astype(np.int64))


def u_gap_j(
    function: PowerFunction,
    power_w: Floats,
    stamps_ns: Stamps,
    begins_ns: Stamps,
    ends_ns: Stamps,
    idle_w: Sequence[float] = (),
) -> Floats:
    """u_gap of k intervals (module docstring); gaps add linearly. `stamps_ns`: where the windows of the readings end,
    `idle_w`: mean powers of baseline blocks."""
    if not np.any(function.gap_s(begins_ns, ends_ns) > 0):
        return np.zeros(begins_ns.size)
    rate_w = np.zeros(len(function.gaps_s))
    for gap, place in enumerate(np.searchsorted(stamps_ns, _gaps_ns(function).sum(axis=1) // 2).tolist()):
        near = power_w[max(place - NEIGHBOURS, 0) : place + NEIGHBOURS]
        rate_w[gap] = np.ptp(near) / (2 * ROOT_3)
    let_go(stamps_ns, power_w)
    summed_j = np.cumsum(rate_w * np.diff(function.gaps_s).ravel())
    knots_s = np.concatenate([[function.first_s], function.gaps_s.ravel(), [function.last_s]])
    knots_j = np.concatenate([[0.0, 0.0], np.repeat(summed_j, 2)])[: knots_s.size]
    before_w, after_w = _open_u_w(function, power_w, idle_w)

    def until(at_ns: Stamps) -> Floats:
        at_s = (at_ns - function.origin_ns) * NS
        before_s, after_s = np.minimum(at_s - function.first_s, 0), np.maximum(at_s - function.last_s, 0)
        inside_j = np.interp(at_s, knots_s, knots_j)
        return np.asarray(inside_j + before_s * before_w + after_s * after_w)

    return until(ends_ns) - until(begins_ns)


def _open_u_w(function: PowerFunction, power_w: Floats, idle_w: Sequence[float]) -> tuple[float, float]:
    """Standard uncertainty of the power before the first and behind the last reading (W)."""
    if was(Rule.OPEN_ENDS):
        ends = power_w[:NEIGHBOURS], power_w[-NEIGHBOURS:]
        before_w, after_w = (float(np.ptp(near)) / (2 * ROOT_3) for near in ends)
        return before_w, after_w
    known_w = [function.least_w, function.greatest_w, function.after_w, *(w for w in idle_w if np.isfinite(w))]
    least_w, greatest_w = min(known_w), max(known_w)
    limits_w = (max(greatest_w - level, level - least_w) for level in (function.before_w, function.after_w))
    before_w, after_w = (limit_w / ROOT_3 for limit_w in limits_w)
    return before_w, after_w
