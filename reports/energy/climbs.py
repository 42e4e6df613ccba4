"""From one level of quality to the next: which times of a repeated action reached them (method.md section 4).

Knows the declared levels, and the quality at the end of each time (an epoch) of one run, in order of time. Knows no
energy, no power and no file.

A level is reached at the first epoch whose quality is not below it; what it does later changes nothing. The
climb between two neighbouring levels lasts from the end of the epoch that reached the lower one to the end of the epoch
that reached the higher one, and gained what the quality differs between these two epochs, in percentage points. One
epoch that reached both at once tells nothing of the climb: it took no time between them.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise


@dataclass(frozen=True, slots=True)
class Climb:
    """From level `low` to level `high`: places of the epochs that reached them first, percentage points between."""

    low: float
    high: float
    start: int
    stop: int
    points: float


def first_at(qualities: Sequence[float], levels: Sequence[float]) -> dict[float, int]:
    """Level -> place of the first epoch that reached it; levels never reached are left out. NaN reaches none."""
    first: dict[float, int] = {}
    for place, quality in enumerate(qualities):
        for level in levels:
            if quality >= level:
                first.setdefault(level, place)
    return first


def climbs(qualities: Sequence[float], levels: Sequence[float]) -> list[Climb]:
    """The climbs between neighbouring levels that different epochs reached."""
    first = first_at(qualities, levels)
    return [
        Climb(low, high, first[low], first[high], 100 * (qualities[first[high]] - qualities[first[low]]))
        for low, high in pairwise(levels)
        if high in first and first[high] > first[low]
    ]
