"""From one level of accuracy to the next: which epochs of a training reached them (method.md section 4).

Knows the validation accuracy of each epoch of one run, in order of time. Knows no energy, no power and no file.

A level is reached at the first epoch whose accuracy is not below it; what the accuracy does later changes nothing. The
climb between two neighbouring levels lasts from the end of the epoch that reached the lower one to the end of the epoch
that reached the higher one, and gained what the accuracy differs between these two epochs, in percentage points. One
epoch that reached both at once tells nothing of the climb: it took no time between them.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

LEVELS = (0.5, 0.6, 0.7, 0.8, 0.85, 0.9, 0.95)
"""Validation accuracies for `energy_to_accuracy` and `marginal_energy`."""


@dataclass(frozen=True, slots=True)
class Climb:
    """From level `low` to level `high`: places of the epochs that reached them first, percentage points between."""

    low: float
    high: float
    start: int
    stop: int
    points: float


def first_at(accuracies: Sequence[float]) -> dict[float, int]:
    """Level -> place of the first epoch that reached it; levels never reached are left out. NaN reaches none."""
    found: dict[float, int] = {}
    for place, accuracy in enumerate(accuracies):
        for level in LEVELS:
            if accuracy >= level:
                found.setdefault(level, place)
    return found


def climbs(accuracies: Sequence[float]) -> list[Climb]:
    """The climbs between neighbouring levels that different epochs reached."""
    first = first_at(accuracies)
    return [
        Climb(low, high, first[low], first[high], 100 * (accuracies[first[high]] - accuracies[first[low]]))
        for low, high in pairwise(LEVELS)
        if high in first and first[high] > first[low]
    ]
