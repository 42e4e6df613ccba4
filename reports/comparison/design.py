"""Which runs of two sides belong together: what the design of their campaign declares.

Knows repetitions, seeds and sessions of runs. Knows no quantity. Runs are paired by repetition only where the design
says so: two scenarios of one campaign whose order was drawn in randomised complete blocks, every run with a partner of
the same repetition and seed, ten pairs or more. Whatever a block shares (drift, seed) falls out of the difference.
Otherwise runs are independent, which covers more than it promises where a block shares anything
(`tests/benchmarks/bench_compare.py`).
"""

from typing import TypeAlias

from reports.comparison.side import Side
from reports.results.compared_pair import Design, Sessions

LEAST_PAIRS = 10
"""Fewer pairs have so few degrees of freedom that independent runs say more, whatever the blocks share up to a
correlation of .35 (n = 10) or .58 (n = 6); and taking the runs of a block as independent errs on the safe side."""
Pairs: TypeAlias = tuple[tuple[int, int], ...]
"""Places of both sides' runs that belong together."""


def pairing(first: Side, second: Side) -> tuple[Pairs | None, Design]:
    """The pairs that the design declares, and a code that says why or why not."""
    if len(first.parts) > 1 or len(second.parts) > 1 or not is_one_campaign(first, second):
        return None, "independent-campaigns"
    if not first.parts[0][0].is_blocked:
        return None, "independent-not-blocked"
    if min(len(first.runs), len(second.runs)) < LEAST_PAIRS:
        return None, "independent-few-blocks"
    ours, theirs = first.repetitions, second.repetitions
    if not ours or ours.keys() != theirs.keys():
        return None, "independent-incomplete-blocks"
    if any(ours[repetition][1] != theirs[repetition][1] for repetition in ours):
        return None, "independent-other-seeds"
    return tuple((ours[repetition][0], theirs[repetition][0]) for repetition in ours), "paired-by-repetition"


def is_one_campaign(first: Side, second: Side) -> bool:
    """Whether both sides are of the same campaigns."""
    heads = ({campaign.head for campaign, _ in side.parts} for side in (first, second))
    return next(heads) == next(heads)


def sessions(first: Side, second: Side) -> Sessions:
    """Whether both sides were measured in the same sessions, in some that both have, or in different ones."""
    if first.sessions == second.sessions:
        return "same"
    return "shared" if first.sessions & second.sessions else "different"
