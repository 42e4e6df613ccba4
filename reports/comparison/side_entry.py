"""One side as it stands in comparison.json.

Knows a side and the campaigns that were joined to it. Knows no other side.
"""

import math
from collections.abc import Iterator
from itertools import combinations

import numpy as np

from reports.comparison.campaign import worst_origin
from reports.comparison.pair import headline, outcome
from reports.comparison.side import Floats, Quantity, Side
from reports.inference.contrast import Contrast
from reports.results.budget import Missing
from reports.results.compared_side import ComparedSide, JoinedPair, Reached, SideQuantity
from reports.results.uncertainty import Number

MOST_SKEW = 2.0
"""The skewness of an exponential distribution: up to there the intervals are shown to cover (`contrast.py`)."""
LEAST_FOR_SKEW = 20
"""Fewer runs say nothing of their skewness."""


def side_entry(side: Side) -> ComparedSide:
    """A side of a set."""
    return ComparedSide(
        label=side.label,
        parts=tuple(campaign.part(scenario) for campaign, scenario in side.parts),
        origin=worst_origin(campaign for campaign, _ in side.parts),
        verdicts=tuple(sorted({campaign.verdict_on(scenario) for campaign, scenario in side.parts})),
        n_runs=len(side.runs),
        n_excluded=side.excluded,
        reached=_reached(side),
        pooled=tuple(_joined(side)),
        quantities={name: _quantity(quantity) for name, quantity in side.quantities.items()},
    )


def _reached(side: Side) -> Reached | None:
    """How many runs reached their target; None where no run says so or none was to."""
    aimed = [run for run in side.runs if not run.goal.fixed_work(run.run.start.scenario_config.get("parameters"))]
    known = [answer for run in aimed if (answer := run.goal.reached(run.summary)) is not None]
    return Reached(sum(known), len(known)) if known else None


def _joined(side: Side) -> Iterator[JoinedPair]:
    """Every pair of the campaigns that were joined: by how much their means differ. The pooled U takes their runs as
    runs of one population, so a difference that is told from zero makes it too small."""
    parts = [Side(name, (part,)) for name, part in zip(side.names_of_parts, side.parts, strict=True)]
    for first, second in combinations(parts, 2):
        name = headline(first, second)
        means = first.quantities[name].mean, second.quantities[name].mean
        if means[0] is not None and means[1] is not None:
            contrast = Contrast(means[0], means[1])
            difference = Number(contrast.difference(complete=True), "Wh")
            yield JoinedPair(first.label, second.label, name, difference, outcome(contrast.interval(complete=True)))


def _quantity(quantity: Quantity) -> SideQuantity:
    skewness, mean = _skewness(quantity.values), quantity.mean
    return SideQuantity(
        number=None if mean is None else Number(mean.estimate, quantity.unit, mean.sd, mean.n),
        reason=quantity.reason,
        missing=tuple(Missing(what, meter) for what, meter in quantity.missing),
        skewness=skewness,
        skewed=skewness is not None and abs(skewness) > MOST_SKEW,
        values=tuple(float(value) if math.isfinite(value) else None for value in quantity.values),
    )


def _skewness(values: Floats) -> float | None:
    if values.size < LEAST_FOR_SKEW or not np.isfinite(values).all() or not np.ptp(values):
        return None
    away = values - values.mean()
    return float(np.mean(away**3) / np.mean(away**2) ** 1.5)
