"""When the power of a training settles: FLUSS, one change of regime.

Knows a trace of power in equal steps. Knows no run and no estimator.

Source: Gharghabi et al., Matrix Profile VIII (ICDM 2017), by stumpy, with the parameters of del Rey et al.: windows of
10 samples, arcs of 10, two regimes, edges of 3 arcs. Each window of the trace points to the one that is most alike it;
where few of these arcs pass over, one regime ends and another one begins. Windows are compared as they are: brought to
mean 0 and spread 1 first, as stumpy's default has it, a step of the level is invisible.

The nearest windows are found here, diagonal by diagonal as stumpy does it (of two that are equally alike the nearer in
time, then the earlier): its own program for that is compiled anew by every process, half a minute before the first
trace. `tests/estimation/test_settling.py` holds both equal.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

WINDOW, ARC, REGIMES, EDGES = 10, 10, 2, 3
NEIGHBOURS = -(-WINDOW // 4)
"""Windows that begin so few samples apart are one place, and are not compared."""
FEWEST = 2 * EDGES * ARC + WINDOW
"""Samples: with fewer, all of the curve is edge."""
MOST = 10_000
"""Samples of a trace; a longer one takes steps of its own (`reports.estimation.cases`)."""


@dataclass(frozen=True, slots=True)
class Change:
    """Where a regime begins, as a sample of the trace (the middle of the window that FLUSS names).

    `arcs`: how many arcs pass over it, as a share of how many would where nothing changes: 0 is a clear change, 1 none.
    """

    sample: int
    arcs: float


def regime_change(power_w: NDArray[np.float64]) -> Change | None:
    """The change of regime of a trace of n finite powers, shape (n,); None where it is too short to have one, where it
    is one value throughout, or where no place has fewer arcs than chance gives it."""
    if power_w.size < FEWEST or np.ptp(power_w) == 0:
        return None
    from stumpy import fluss  # with what it is compiled by it takes seconds, and only a score needs it

    arcs = nearest(power_w)
    curve, places = fluss(arcs, L=ARC, n_regimes=REGIMES, excl_factor=EDGES, custom_iac=by_chance(arcs.size))
    place = int(places[0])
    return Change(place + WINDOW // 2, float(curve[place])) if curve[place] < 1 else None


def by_chance(count: int) -> NDArray[np.float64]:
    """How many arcs pass over each of n places where every window points to any other one alike, shape (n,)."""
    passed = np.arange(1, count + 1)
    return 2.0 * passed * (count - passed) / count


def nearest(values: NDArray[np.float64], window: int = WINDOW) -> NDArray[np.int64]:
    """Of each window of n values the place of the one most alike by Euclidean distance, shape (n - window + 1,); n is
    large enough that each has one."""
    count = values.size - window + 1
    least, places = np.full(count, np.inf), np.zeros(count, dtype=np.int64)
    whole, here = np.ones(window), np.arange(count)
    for lag in range(NEIGHBOURS + 1, count):
        apart = np.convolve((values[lag:] - values[:-lag]) ** 2, whole, "valid")
        later = apart < least[: count - lag]
        least[: count - lag][later], places[: count - lag][later] = apart[later], here[lag:][later]
        earlier = apart < least[lag:]
        least[lag:][earlier], places[lag:][earlier] = apart[earlier], here[: count - lag][earlier]
    return places
