"""Readings in memory: columns that grow at their end, and of all of them least and greatest value in few buckets.

Knows numbers. Knows no meter and no file. What was handed out stays as it was while a column grows.
"""

from typing import Any, Generic, TypeVar

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Kind = TypeVar("Kind", bound=np.generic)
FIRST, GROWTH = 1024, 1.5
BUCKETS = 4096
"""Of a run that grows: never fewer than half of them once they were full."""
FINEST_S = 0.01
"""Width of a bucket at first; it doubles whenever there is no room left."""


class Column(Generic[Kind]):
    """A one-dimensional array that grows at its end."""

    def __init__(self, kind: type[Kind]) -> None:
        self._room: NDArray[Any] = np.empty(FIRST, dtype=kind)
        self.size = 0

    def extend(self, values: NDArray[Any], more: int = 0) -> None:
        """Append values; those that were handed out before are not moved. `more`: about so many come at once."""
        size = self.size + values.size
        if size > self._room.size:
            room = np.empty(max(size + more, int(GROWTH * self._room.size)), dtype=self._room.dtype)
            room[: self.size] = self._room[: self.size]
            self._room = room
        self._room[self.size : size] = values
        self.size = size

    @property
    def values(self) -> NDArray[Any]:
        """All of them, shape (size,); not a copy."""
        return self._room[: self.size]


class Envelope:
    """Least and greatest value in each of at most `BUCKETS` equal parts of the time since 0."""

    def __init__(self) -> None:
        self.width_s = FINEST_S
        self._least = np.full(BUCKETS, np.inf)
        self._greatest = np.full(BUCKETS, -np.inf)

    def extend(self, times_s: Floats, values: Floats) -> None:
        """Take up values with their times, which are in order; what is before 0 or no number is left out."""
        known = (times_s >= 0) & np.isfinite(values)
        times_s, values = times_s[known], values[known]
        if not times_s.size:
            return
        while times_s[-1] >= BUCKETS * self.width_s:
            self._halve()
        places = (times_s / self.width_s).astype(np.int64)
        starts = np.flatnonzero(np.diff(places, prepend=-1))
        at = places[starts]
        self._least[at] = np.minimum(self._least[at], np.minimum.reduceat(values, starts))
        self._greatest[at] = np.maximum(self._greatest[at], np.maximum.reduceat(values, starts))

    def _halve(self) -> None:
        """Two neighbours become one."""
        self.width_s *= 2
        for values, better, nothing in (
            (self._least, np.minimum, np.inf),
            (self._greatest, np.maximum, -np.inf),
        ):
            values[: BUCKETS // 2] = better(values[::2], values[1::2])
            values[BUCKETS // 2 :] = nothing

    @property
    def trace(self) -> tuple[Floats, Floats]:
        """Times (s) and values of all buckets that have some: the least and behind it the greatest of each."""
        at = np.flatnonzero(np.isfinite(self._least))
        times_s = (at[:, None] + [0.25, 0.75]) * self.width_s
        return times_s.ravel(), np.column_stack([self._least[at], self._greatest[at]]).ravel()


def thinned(times_s: Floats, values: Floats, begin_s: float, end_s: float, columns: int) -> tuple[Floats, Floats]:
    """The trace with at most two points in each of the equal `columns` of [begin_s, end_s] that it lies in: least and
    greatest value. One that has no more points than that anyway stays as it is."""
    if times_s.size <= columns or end_s <= begin_s:
        return times_s, values
    width_s = (end_s - begin_s) / columns
    places = np.clip(((times_s - begin_s) / width_s).astype(np.int64), 0, columns - 1)
    starts = np.flatnonzero(np.diff(places, prepend=-1))
    if np.diff(starts, append=places.size).max() <= 2:
        return times_s, values
    middles = np.column_stack([np.minimum.reduceat(values, starts), np.maximum.reduceat(values, starts)]).ravel()
    at_s = begin_s + ((places[starts][:, None] + [0.25, 0.75]) * width_s).ravel()
    same = np.zeros(middles.size, dtype=bool)
    same[1::2] = middles[1::2] == middles[::2]
    return at_s[~same], middles[~same]


def with_breaks(times_s: Floats, values: Floats, longest_s: float) -> tuple[list[float], list[float | None]]:
    """The trace for a drawing (s to a thousandth, W), with an empty point wherever two follow later than `longest_s`:
    no line is drawn over it."""
    breaks = np.flatnonzero(np.diff(times_s) > longest_s) + 1
    middles_s = (times_s[breaks - 1] + times_s[breaks]) / 2
    shown_s = np.round(np.insert(times_s, breaks, middles_s), 3)
    shown = np.insert(values, breaks, np.nan)
    return shown_s.tolist(), [None if value != value else value for value in shown.tolist()]
