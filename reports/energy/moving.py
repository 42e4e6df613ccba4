"""Moving averages taken apart: readings whose windows overlap -> the energy between them.

Knows window ends, windows and powers as arrays. Knows no stream and no interval.

A reading that looks back over a window w, and comes every h < w, is the mean of the power over [t - w, t]. Put at t it
would lose |dP| w/2 at the beginning of a load step, put at t - w/2 still |dP| w/8. But the energy up to t follows from
the readings themselves,

    C(t) = w P(t) + C(t - w) ,

one window after the other, if the power was steady during the first window of a stretch without a gap. What is left
open is the shape of the average: an exponential one, or one of another length than is stated, leaves up to |dP| w/8 at
an edge. That is no correction but a limit of error, and stands in the budget (`contributions.py`).
"""

from collections.abc import Iterator
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

RESIDUAL = 1 / 8
"""What the shape of the average leaves open at an edge, in |dP| w."""
FEWEST = 10
"""Of fewer readings nothing shows that they are a moving average."""
SMOOTH, BESIDE = 0.9, 0.45
"""Simulated: steps of 30 W with white or walking noise of .05 to 5 W, windows of 2 to 60 steps. A moving average has at
most .87 and at least .49; readings that are held, or whose windows do not really overlap, at least .91 or at most .40,
but for those with more noise than steps, which have more than 1."""
Floats = NDArray[np.float64]


def is_moving(power_w: Floats, steps_in_window: int) -> bool:
    """Whether readings behave as a moving average over so many of them does while the power changes: from one to the
    next they change little beside what they change over a window, and change lies beside change. Without any change of
    load it is not told, and does not matter."""
    if power_w.size < max(FEWEST, 2 * steps_in_window):
        return False
    step_w, over_w = np.diff(power_w), power_w[steps_in_window:] - power_w[:-steps_in_window]
    apart, size = float(np.mean(over_w**2)), np.abs(step_w)
    if not apart > 0:
        return False
    smooth = steps_in_window * float(np.mean(step_w**2)) / apart
    return smooth < SMOOTH and float(np.minimum(size[1:], size[:-1]).sum()) > BESIDE * float(size.sum())


def stretches(ends_s: Floats, window_s: Floats, longest_step_s: float) -> Iterator[slice]:
    """The readings between gaps: a step is a gap where it is longer than the window that ends it, and longer than steps
    of this meter are."""
    gaps = np.flatnonzero(np.diff(ends_s) > np.maximum(window_s[1:], longest_step_s) * (1 + 1e-9)) + 1
    edges = [0, *gaps.tolist(), ends_s.size]
    yield from (slice(first, last) for first, last in pairwise(edges))


def levels_w(ends_s: Floats, window_s: Floats, power_w: Floats) -> tuple[Floats, Floats]:
    """The edges of a stretch, from the beginning of its first window to the end of its last, and the power between
    them; (n + 1,) and (n,)."""
    knots_s = np.concatenate([[ends_s[0] - window_s[0]], ends_s])
    lengths_s = np.diff(knots_s)
    parts_j = np.diff(_cumulated_j(knots_s, window_s, power_w))
    return knots_s, np.divide(parts_j, lengths_s, out=power_w.copy(), where=lengths_s > 0)


def _cumulated_j(knots_s: Floats, window_s: Floats, power_w: Floats) -> Floats:
    """C at every edge, 0 at the first."""
    ends_s = knots_s[1:]
    energy_j = np.zeros(knots_s.size)
    energy_j[1] = window_s[0] * power_w[0]
    back_s = np.maximum.accumulate(ends_s - window_s)
    done = 1
    while done < ends_s.size:
        # As far as the windows begin in what is known already.
        until = max(int(np.searchsorted(back_s, ends_s[done - 1], side="right")), done + 1)
        own = slice(done, until)
        before_j = np.interp(back_s[own], knots_s[: done + 1], energy_j[: done + 1])
        energy_j[done + 1 : until + 1] = window_s[own] * power_w[own] + before_j
        done = until
    return energy_j
