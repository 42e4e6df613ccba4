"""A counter of energy from reading to reading: where it falls, whether it began anew at its range or was reset.

Knows arrays of seconds and joules. Knows no stream, no meter and no file.

A fall is a wrap only where the step that it would mean is possible: no longer than any other step of the counter would
be in that time, or, as loads step, up to `BURST` times as long and at most half of the range. Then the counter stood
near its range, and near zero after it. Any other fall is a reset (a restart, or a row that reads another counter), and
nobody knows what was used across it.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Steps = NDArray[np.bool_]
BURST = 3.0
"""A step may be so many times as long as the longest other one: a load may begin where a counter wraps."""
HALF = 0.5
"""A wrap of two readings alone, or in a burst, is a step of at most so much of the range: else it is nearer to a step
back. A longer rise is no measure of others."""
MOST_RESETS, FEW_RESETS = 0.1, 2
"""More than this part of all steps, and more than so many: the column holds several counters, or none."""


@dataclass(frozen=True, slots=True)
class Counted:
    """What a counter counted from reading to reading: `steps_j`, NaN over a reset; `wraps` and `resets`: which steps
    are one. Shape (n - 1,) each."""

    steps_j: Floats
    wraps: Steps
    resets: Steps

    @property
    def n_wraps(self) -> int:
        """How often it began anew."""
        return int(self.wraps.sum())

    @property
    def n_resets(self) -> int:
        """How often it was reset."""
        return int(self.resets.sum())

    @property
    def is_of_one_thing(self) -> bool:
        """Whether it was reset as rarely as a counter is."""
        return self.n_resets <= max(MOST_RESETS * self.steps_j.size, FEW_RESETS)

    @property
    def mixed(self) -> str:
        """Why a counter that was reset too often is none, as the end of a sentence that names it."""
        return (
            f"falls {self.n_resets} times in {self.steps_j.size} steps where it cannot have begun anew, so it is no "
            "counter of one thing (rows may read registers of several cores, or a program sets it back)"
        )


def counted(times_s: Floats, energy_j: Floats, range_j: float | None) -> Counted:
    """What a counter counted. `times_s` and `energy_j`: shape (n,), times ascending; `range_j`: where it begins anew,
    None: it never does, and each fall is a reset."""
    steps_j = np.diff(energy_j)
    falls = steps_j < 0
    wraps = np.zeros(falls.size, dtype=bool)
    if range_j is not None and falls.any():
        wraps = falls & _are_possible(steps_j, np.diff(times_s), range_j)
    return with_wraps(steps_j, wraps, range_j)


def with_wraps(steps_j: Floats, wraps: Steps, range_j: float | None) -> Counted:
    """Differences of readings, of which these are wraps and every other fall is a reset."""
    resets = (steps_j < 0) & ~wraps
    return Counted(np.where(resets, np.nan, np.where(wraps, steps_j + (range_j or 0.0), steps_j)), wraps, resets)


def _are_possible(steps_j: Floats, steps_s: Floats, range_j: float) -> Steps:
    """Of each step, whether the counter may have counted on to its range and from zero again."""
    wrapped_j = steps_j + range_j
    rising = (steps_j >= 0) & (steps_j <= HALF * range_j)
    if not rising.any():
        return wrapped_j <= HALF * range_j
    # Rows may be far closer together than the counter has new values: no step counts as shorter than a usual one.
    lasted_s = np.maximum(steps_s, np.median(steps_s))
    longest_j = np.max(steps_j[rising] / lasted_s[rising]) * lasted_s
    is_burst = (wrapped_j <= BURST * longest_j) & (wrapped_j <= HALF * range_j)
    return (wrapped_j >= 0) & ((wrapped_j <= longest_j) | is_burst)
