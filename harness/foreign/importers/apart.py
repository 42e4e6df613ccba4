"""Two clocks set apart: by how many hours one would have to be off for two records to have a moment in common.

Knows spans of time. Knows no format.
"""

from collections.abc import Sequence

from harness.foreign.importers.stamps import SECOND_NS

QUARTER_S, MOST_QUARTERS = 900, 4 * 15
"""A clock of another zone is off by quarters of an hour, of 14 hours at most, and one of summer time."""
NEAR_S = 120
"""Records so near to each other may be of one moment."""


def hours_off(begin_ns: int, end_ns: int, spans: Sequence[tuple[int, int]]) -> float | None:
    """By how many hours the clock of a record seems to be ahead of that of some spans, none of which it overlaps: of
    the quarters of an hour that would lay it over the nearest one, that which lays their middles nearest; None where
    none would."""
    middle_ns = (begin_ns + end_ns) // 2
    nearest = min(spans, key=lambda span: abs((span[0] + span[1]) // 2 - middle_ns), default=None)
    if nearest is None:
        return None
    low_s, high_s = (begin_ns - nearest[1]) / SECOND_NS, (end_ns - nearest[0]) / SECOND_NS
    ahead_s = [quarter * QUARTER_S for quarter in range(-MOST_QUARTERS, MOST_QUARTERS + 1) if quarter]
    fitting = [one_s for one_s in ahead_s if low_s - NEAR_S < one_s < high_s + NEAR_S]
    if not fitting:
        return None
    return min(fitting, key=lambda one_s: abs(one_s - (low_s + high_s) / 2)) / 3600


def seems_off(begin_ns: int, end_ns: int, spans: Sequence[tuple[int, int]]) -> str:
    """The same as the end of a sentence; empty where nothing can be said."""
    hours = hours_off(begin_ns, end_ns, spans)
    return "" if hours is None else f": its clock seems to be off by {hours:+g} h"
