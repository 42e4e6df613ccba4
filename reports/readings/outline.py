"""A run's power as a picture can show it: thinned, and its mean of every second; small enough to keep of every run.

Knows a run's series and its rating interval. Knows no picture, no unit of a page, and computes no result: the mean over
runs that is drawn is a line, its integral is nobody's energy.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from reports.readings.long import BLOCK, blocks, let_go
from reports.readings.series import PowerSeries, RunSeries

Floats: TypeAlias = NDArray[np.float64]
Rows: TypeAlias = slice | NDArray[np.int64]
MAX_COLUMNS = 220
"""A longer trace than twice this is thinned to the least and the greatest of so many equal parts, and its ends."""
LEAST_COLUMNS, COLUMNS_OF_A_PAGE = 60, 60_000
"""A page of many runs draws fewer parts of each, so that it stays small: so many of all of them together."""
SHORT_S, STEPS_OF_SHORT = 10.0, 10
"""A mean over runs of which one is shorter than this is formed of so many steps, not of seconds."""


@dataclass(frozen=True, slots=True)
class Outline:
    """Power (W) over time (s since the rating interval began): `thin`, what is drawn of the run; `means`, shape (k,),
    that of each second of it as far as its readings go; of a run shorter than SHORT_S `thin` holds all readings."""

    thin: tuple[Floats, Floats]
    means: NDArray[np.float32]
    last_s: float

    def drawn(self, columns: int) -> tuple[Floats, Floats]:
        """What is drawn where that is at most so many parts and the two ends."""
        return thinned(*self.thin, columns) if len(self.thin[0]) > 2 * columns + 2 else self.thin


@dataclass(frozen=True, slots=True)
class Trace:
    """Readings in order of time, at least one: `seconds` and `watts` give those of some rows."""

    size: int
    seconds: Callable[[Rows], Floats]
    watts: Callable[[Rows], Floats]

    @classmethod
    def of(cls, seconds: Floats, watts: Floats) -> "Trace":
        """Of arrays."""
        return cls(len(watts), lambda rows: seconds[rows], lambda rows: watts[rows])


def outline_of(run: RunSeries) -> Outline | None:
    """The sum of the SUT's streams within the rating interval; None where there is no reading in it."""
    if not run.parts or run.begin_ns is None or run.end_ns is None:
        return None
    first, *others = run.parts
    begin_ns = run.begin_ns
    begin, end = np.searchsorted(first.times_ns, [begin_ns, run.end_ns + 1])
    if begin == end:
        return None
    times_ns, power_w = first.times_ns[begin:end], first.power_w[begin:end]

    def watts(rows: Rows) -> Floats:
        own: Floats = np.asarray(power_w[rows], dtype=float)
        for other in others:  # at the same moments, by time
            own = own + _at(times_ns[rows], other)
        let_go(times_ns, power_w)
        return own

    return _outline(Trace(len(times_ns), lambda rows: (times_ns[rows] - begin_ns) / 1e9, watts))


def _at(times_ns: NDArray[np.int64], other: PowerSeries) -> Floats:
    """The power of another stream at moments in order of time, on the line between its readings."""
    first, last = np.searchsorted(other.times_ns, times_ns[[0, -1]])
    near = slice(max(int(first) - 1, 0), int(last) + 1)
    return np.interp(times_ns, other.times_ns[near], other.power_w[near])


def outline_of_trace(seconds: Floats, watts: Floats) -> Outline:
    """The outline of readings, of which there is one at least."""
    return _outline(Trace.of(seconds, watts))


def _outline(trace: Trace) -> Outline:
    last_s = float(trace.seconds(slice(trace.size - 1, trace.size))[0])
    means = _step_means(trace, 1.0, int(last_s) + 1).astype(np.float32)
    whole = slice(0, trace.size)
    thin = (trace.seconds(whole), trace.watts(whole)) if last_s < SHORT_S else _thinned(trace, MAX_COLUMNS)
    return Outline(thin, means, last_s)


def thinned(x: Floats, y: Floats, columns: int = MAX_COLUMNS) -> tuple[Floats, Floats]:
    """Least and greatest of at most `columns` equal parts of a trace, in order of time, and its ends; a short trace as
    it is.

    No peak is lost and none is invented: every point was measured.
    """
    return _thinned(Trace.of(x, y), columns)


def _thinned(trace: Trace, columns: int) -> tuple[Floats, Floats]:
    if trace.size <= 2 * columns:
        return trace.seconds(slice(0, trace.size)), trace.watts(slice(0, trace.size))
    size = -(-trace.size // columns)
    step, keep = size * max(BLOCK // size, 1), [np.array([0, trace.size - 1])]
    for first in range(0, trace.size, step):
        values = trace.watts(slice(first, min(first + step, trace.size)))
        rows = -(-len(values) // size)
        padded = np.full(rows * size, np.nan)
        padded[: len(values)] = values
        parts = padded.reshape(rows, size)
        gap = np.isnan(parts)
        extremes = np.where(gap, np.inf, parts).argmin(axis=1), np.where(gap, -np.inf, parts).argmax(axis=1)
        keep += [first + size * np.arange(rows) + places for places in extremes]
    kept = np.unique(np.concatenate(keep))
    return trace.seconds(kept), trace.watts(kept)


def columns_for(runs: int) -> int:
    """Of how many parts at most each run is drawn on a page of so many."""
    return max(LEAST_COLUMNS, min(MAX_COLUMNS, COLUMNS_OF_A_PAGE // max(runs, 1)))


def mean_step_s(outlines: Sequence[Outline]) -> float:
    """Of which steps (s) a mean over these runs is formed."""
    shortest = min(outline.last_s for outline in outlines)
    return 1.0 if shortest >= SHORT_S else max(shortest, 1e-3) / STEPS_OF_SHORT


def mean_over(outlines: Sequence[Outline]) -> tuple[Floats, Floats]:
    """Mean over all runs in steps of a second (of a tenth of the shortest run where that is shorter than SHORT_S), from
    the first step that all have a reading in or before, as far as the shortest run goes: a mean over fewer runs would
    jump where one begins or ends."""
    shortest = min(outline.last_s for outline in outlines)
    step = mean_step_s(outlines)
    count = int(shortest / step) + 1
    total = np.zeros(count)
    for outline in outlines:
        total += outline.means[:count] if step == 1.0 else step_means(outline.thin, step, count)
    places, first_s = np.arange(count, dtype=np.float64), max(float(outline.thin[0][0]) for outline in outlines)
    known = (places + 1) * step > min(first_s, (count - 0.5) * step)
    return (places[known] + 0.5) * step, total[known] / len(outlines)


def step_means(trace: tuple[Floats, Floats], step: float, count: int) -> Floats:
    """A trace's mean of each of the first `count` steps; of a step without a reading what lies on the line between its
    neighbours."""
    return _step_means(Trace.of(*trace), step, count)


def _step_means(trace: Trace, step: float, count: int) -> Floats:
    readings, total = np.zeros(count, dtype=np.int64), np.zeros(count)
    for part in blocks(trace.size):
        index = (trace.seconds(part) / step).astype(int)
        inside = index < count
        index, watts = index[inside], trace.watts(part)[inside]
        if index.size:
            own = slice(int(index[0]), int(index[-1]) + 1)
            index -= own.start
            readings[own] += np.bincount(index)
            # The first step may have begun in the block before.
            weights = np.concatenate([total[own][:1], watts])
            total[own] = np.bincount(np.concatenate([[0], index]), weights=weights)
    means = total / np.maximum(readings, 1)
    empty = np.flatnonzero(readings == 0)
    if empty.size:
        means[empty] = _between(trace, np.asarray((empty + 0.5) * step, dtype=np.float64), np.cumsum(readings)[empty])
    return means


def _between(trace: Trace, at_s: Floats, places: NDArray[np.int64]) -> Floats:
    """Powers on the lines between readings; `places`: the first reading behind each moment."""
    before, after = np.maximum(places - 1, 0), np.minimum(places, trace.size - 1)
    (from_s, to_s), (from_w, to_w) = (
        [values(rows) for rows in (before, after)] for values in (trace.seconds, trace.watts)
    )
    slope = np.divide(to_w - from_w, to_s - from_s, out=np.zeros(at_s.size), where=after > before)
    return np.asarray(np.where(after > before, slope * (at_s - from_s) + from_w, from_w))
