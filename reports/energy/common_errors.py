"""Which errors two means have in common: all that makes a mean of runs uncertain but their own spread, each error by
what identifies it and with the sign with which it stands in the mean.

Knows how the errors of two means stand to each other; the errors themselves stand in `sources.py`. Knows no file, no
difference and no ratio; `contrast.py` adds up.

Two means that contain the same `Source` contain the same error, so any linear combination of them contains it with the
combination of their contributions: it cancels in a difference as far as both are equal. The shares of one mean add up
to the lines of its budget but those of the runs' spread.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TypeAlias

from reports.energy.contributions import RunTerms
from reports.energy.meter_error import ASSUMED_LINE
from reports.energy.sample import Kind, MeasuredRun, Sample
from reports.energy.sources import Source, contributions

Shares: TypeAlias = Mapping[Source, float]
"""Error -> its signed contribution to a mean, in the mean's unit."""


ASSUMED = Source(ASSUMED_LINE, "B", (ASSUMED_LINE,))
"""All that is assumed of meters, as one error."""
EQUAL = 1e-9
"""What is left of two equal contributions is rounding below this part of them."""


def added_up(first: Shares, second: Shares, ratio: float) -> tuple[Shares, Shares]:
    """The errors of two means with all that is assumed as one: every error of a meter with the sign that makes it add
    to the others in second - `ratio` * first. Nothing says that they are independent."""
    signs = {}
    for source in dict.fromkeys((*first, *second)):
        if source.name == ASSUMED_LINE:
            one, two = ratio * first.get(source, 0.0), second.get(source, 0.0)
            signs[source] = -1.0 if two - one < -EQUAL * (abs(one) + abs(two)) else 1.0
    if not signs:
        return first, second
    joint = [math.fsum(signs[source] * share for source, share in shares.items() if source in signs)
             for shares in (first, second)]  # fmt: skip
    apart = [{source: share for source, share in shares.items() if source not in signs} for shares in (first, second)]
    return {**apart[0], ASSUMED: joint[0]}, {**apart[1], ASSUMED: joint[1]}


def shares_of(runs: Sequence[MeasuredRun], side: str, kind: Kind, per_j: float) -> dict[Source, float]:
    """Every error of the mean energy of some runs but their spread; `per_j` turns joules into the result's unit.

    `side` names the mean: errors that nothing shares carry it. A baseline whose spread is not known is not among them.
    """
    sample = Sample([replace(run, terms=_with_known_baseline(run.terms), per_j=per_j) for run in runs], kind, side)
    shares: dict[Source, float] = {}
    for contribution in contributions(sample):
        for source, share in contribution.sources():
            shares[source] = shares.get(source, 0.0) + share
    return {source: share for source, share in shares.items() if share}


def _with_known_baseline(terms: RunTerms) -> RunTerms:
    return terms if terms.level is None or terms.level.sd_w is not None else replace(terms, level=None)
