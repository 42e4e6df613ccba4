"""A run's power as a picture can show it: thinned, and its mean of every second; small enough to keep of every run.

Knows a run's series and its rating interval. Knows no picture, no unit of a page, and computes no result: the mean over
runs that is drawn is a line, its integral is nobody's energy.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from reports.readings.series import RunSeries

Floats: TypeAlias = NDArray[np.float64]
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


def outline_of(run: RunSeries) -> Outline | None:
    """The sum of the SUT's streams within the rating interval; None where there is no reading in it."""
    if not run.parts or run.begin_ns is None or run.end_ns is None:
        return None
    first, *others = run.parts
    begin, end = np.searchsorted(first.times_ns, [run.begin_ns, run.end_ns + 1])
    if begin == end:
        return None
    times_ns = first.times_ns[begin:end]
    watts: Floats = np.asarray(first.power_w[begin:end], dtype=float)
    for other in others:  # at the same moments, by time
        watts = watts + np.interp(times_ns, other.times_ns, other.power_w)
    return outline_of_trace((times_ns - run.begin_ns) / 1e9, watts)


def outline_of_trace(seconds: Floats, watts: Floats) -> Outline:
    """The outline of readings, of which there is one at least."""
    last_s = float(seconds[-1])
    means = step_means((seconds, watts), 1.0, int(last_s) + 1).astype(np.float32)
    return Outline((seconds, watts) if last_s < SHORT_S else thinned(seconds, watts), means, last_s)


def thinned(x: Floats, y: Floats, columns: int = MAX_COLUMNS) -> tuple[Floats, Floats]:
    """Least and greatest of at most `columns` equal parts of a trace, in order of time, and its ends; a short trace as
    it is.

    No peak is lost and none is invented: every point was measured.
    """
    if len(y) <= 2 * columns:
        return x, y
    size = -(-len(y) // columns)
    rows = -(-len(y) // size)
    padded = np.full(rows * size, np.nan)
    padded[: len(y)] = y
    parts = padded.reshape(rows, size)
    gap = np.isnan(parts)
    least, greatest = np.where(gap, np.inf, parts).argmin(axis=1), np.where(gap, -np.inf, parts).argmax(axis=1)
    inside = np.concatenate([least, greatest]) + size * np.tile(np.arange(rows), 2)
    keep = np.unique(np.concatenate([inside, [0, len(y) - 1]]))
    return x[keep], y[keep]


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
    seconds, watts = trace
    middles = (np.arange(count, dtype=np.float64) + 0.5) * step
    index = (seconds / step).astype(int)
    inside = index < count
    readings = np.bincount(index[inside], minlength=count)
    total = np.bincount(index[inside], weights=watts[inside], minlength=count)
    return np.where(readings > 0, total / np.maximum(readings, 1), np.interp(middles, seconds, watts))
