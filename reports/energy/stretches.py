"""Disjoint stretches of a run that make one figure: their contributions as those of one interval.

Knows what adds up and what is independent at each stretch. Knows no reading and no source of an error.
"""

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from reports.energy.contributions import PartTerms, RunTerms
from reports.energy.meter_error import Floats


def joined(terms: RunTerms, count: int) -> RunTerms:
    """The same run with its first `count` intervals as one: disjoint stretches of one figure. Each has edges of its
    own; what a step loses at them adds with its sign."""
    if count == 1:
        return terms
    return replace(
        terms,
        duration_s=_summed(terms.duration_s, count), energy_j=_summed(terms.energy_j, count),
        baseline_j=_summed(terms.baseline_j, count), parts=tuple(_joined_part(part, count) for part in terms.parts),
        convention_j=None if terms.convention_j is None else _summed(terms.convention_j, count),
        convention_induced_j=None
        if terms.convention_induced_j is None else _summed(terms.convention_induced_j, count),
    )  # fmt: skip


def _joined_part(part: PartTerms, count: int) -> PartTerms:
    def first(values: NDArray[np.bool_], joint: bool) -> NDArray[np.bool_]:
        return np.concatenate([[joint], values[count:]])

    return replace(
        part,
        energy_j=_summed(part.energy_j, count),
        reported_j=None if part.reported_j is None else _summed(part.reported_j, count),
        begin_w=_rooted(part.begin_w, count), end_w=_rooted(part.end_w, count),
        begin_step_w=_summed(part.begin_step_w, count), end_step_w=_summed(part.end_step_w, count),
        mean_loss_j=_summed(part.mean_loss_j, count), loss_deviation_j=_rooted(part.loss_deviation_j, count),
        resolution_j=_summed(part.resolution_j, count),
        dithered=first(part.dithered, bool(part.dithered[:count].all())),
        sampling_j=_rooted(part.sampling_j, count), gap_j=_summed(part.gap_j, count),
        is_short=first(part.is_short, bool(part.is_short[:count].any())),
        is_alone=first(part.is_alone, bool(part.is_alone[:count].any())),
        spill_s=_summed(part.spill_s, count), spill_j=_rooted(part.spill_j, count),
        spill_count=_summed(part.spill_count, count),
        limit_j=_summed(part.limit_j, count), limit_induced_j=_summed(part.limit_induced_j, count),
    )  # fmt: skip


def _summed(values: Floats, count: int) -> Floats:
    return np.concatenate([[values[:count].sum()], values[count:]])


def _rooted(values: Floats, count: int) -> Floats:
    """The root of the sum of squares: what is independent at each stretch."""
    return np.concatenate([[np.sqrt((values[:count] ** 2).sum())], values[count:]])
