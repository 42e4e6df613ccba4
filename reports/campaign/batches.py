"""The batches of a scenario's runs, placed on the meter's windows, and the energy that each size took.

Knows the included runs of a scenario and their baseline. Knows no formula.
"""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from reports.campaign.group import Group
from reports.campaign.run import AnalysedRun
from reports.energy.energy import BaselineLevel
from reports.ratings.batches import NONE, BatchEnergies, Coefficient, Metered, batch_energies
from reports.results.ratings import BatchParts, BatchResult, BatchSize
from reports.results.uncertainty import Estimate, Number

MOST_WINDOWS = 20_000
LEAST_WINDOW_S = 0.1
"""Of a meter with shorter windows several are taken together, so that batches lie in them and not they in batches."""


def batches_section(group: Group) -> BatchResult | None:
    """`ratings.batches`; None where no run has any such file, or there is no baseline to be above of."""
    runs = [
        metered for run, level in zip(group.runs, group.levels, strict=True)
        if level is not None and (metered := metered_of(run, level)) is not None
    ]  # fmt: skip
    if not runs:
        return None
    found = batch_energies(runs)
    shared = _relative_error(group)
    sizes = np.concatenate([run.batches.sizes for run in runs])
    return BatchResult(
        refused=found.refused,
        model=found.model,
        n_batches=found.n_batches,
        n_windows=found.n_windows,
        condition=found.condition,
        lag_s=found.lag_s,
        mean_size=float(sizes.mean()) if sizes.size else None,
        sizes=tuple(_size(one, shared) for one in found.coefficients),
        parts=_parts(found, float(sum(run.energy_j.sum() for run in runs)), shared),
    )


def metered_of(run: AnalysedRun, level: BaselineLevel) -> Metered | None:
    """A run's windows with their energy above the baseline; None where it has no file of batches, or no readings."""
    if run.batches is None or run.function is None or run.interval_ns is None:
        return None
    begin_ns, end_ns = run.interval_ns
    edges_ns = run.function.origin_ns + np.rint(run.function.edges_s * 1e9).astype(np.int64)
    edges_ns = np.array(list(_spaced(edges_ns[(edges_ns >= begin_ns) & (edges_ns <= end_ns)], run.duration_s)))
    if edges_ns.size < 2:
        return None
    energy_j = run.function.energy_j(edges_ns[:-1], edges_ns[1:]) - level.energy_j(edges_ns[:-1], edges_ns[1:])
    return Metered(np.asarray((edges_ns - begin_ns) * 1e-9, dtype=np.float64), energy_j, run.batches)


def _spaced(edges_ns: NDArray[np.int64], duration_s: float) -> Iterator[int]:
    """The edges, some left out so that windows are neither too short nor too many."""
    least_ns = max(LEAST_WINDOW_S, duration_s / MOST_WINDOWS) * 1e9
    last = -least_ns
    for edge in (edges_ns - edges_ns[:1].sum()).tolist():
        if edge - last >= least_ns * (1 - 1e-6):
            yield edge + int(edges_ns[0])
            last = edge


def _relative_error(group: Group) -> float:
    """What the runs' energies have in common as a part of them: gain and offset of the meters."""
    own = group.gross_budget
    return own.shared.u / own.number.value if own is not None and own.number.value > 0 else 0.0


def _size(one: Coefficient, shared: float) -> BatchSize:
    value, unit = _with_shared(one.estimate, shared), "W" if one.name == NONE else "J"
    size = float(one.name) if one.name[:1].isdigit() else None
    return BatchSize(one.name, Number(value, unit), None if size is None else Number(_over(value, size), "J"))


def _over(own: Estimate, divisor: float) -> Estimate:
    return Estimate(own.value / divisor, None if own.u is None else own.u / divisor, own.dof)


def _with_shared(own: Estimate, shared: float) -> Estimate:
    """An energy with the meters' common error beside that of the regression."""
    if own.u is None:
        return own
    return Estimate(own.value, float(np.hypot(own.u, shared * own.value)), own.dof)


def _parts(found: BatchEnergies, induced_j: float, shared: float) -> BatchParts | None:
    if found.parts is None:
        return None
    own = found.parts
    attributed, idle, queue = (Number(_with_shared(one, shared), "J") for one in (own.attributed, own.idle, own.queue))
    whole = Number(Estimate(induced_j, abs(induced_j) * shared, np.inf), "J")
    # What both have in common is not in their difference.
    return BatchParts(attributed, idle, queue, whole, Number(own.difference, "J"))
