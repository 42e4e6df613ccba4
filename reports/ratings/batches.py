"""Energy of a batch of each size, by regression over many batches; and what of the energy no batch took.

Knows the windows of a meter with their energy above the baseline (J), and when a service processed which batch. Knows
no run, no file and no meter's error.

A batch is shorter than a window of most meters, so no batch has an energy of its own. Over many windows k

    E_k = p_none t_none,k + sum_s e_s n_s,k + error

with t_none the time without a batch and n_s the batches of size s as far as their time lies in the window. Where there
are more than `MOST_SIZES` sizes, or some that hardly occur, e_s = e_batch + e_item s takes their place.

Uncertainty: windows are alike their neighbours, so they are left out block by block (`BLOCKS` of consecutive windows,
or runs): delete-a-block jackknife, u^2 = (k-1)/k sum (e_(i) - e)^2 (Efron and Stein 1981), k - 1 degrees of freedom.

Refused where the coefficients are not identifiable: fewer independent columns than coefficients, columns that are
nearly a sum of others (condition number above `COLLINEAR`, Belsley 1980), or a mix of batches that hardly changes from
window to window, so that any drift would be taken for it.

Clocks. Where batches are stamped late by a part of a window, the counts of every window are wrong and all energies come
out too small. So the batches are moved as far as makes the residuals least, up to a window either way; that lag stands
beside the result, and a lag at the end of that range refuses it.

Parts. What batches took is the sum of e_s over all of them, by windows with batches alone; what was not attributed is
the mean power of windows without any batch, times all such time. Where there are fewer than `LEAST_IDLE` of these, the
first is by every other window and the second by the windows between: one fit of all would add up whatever the truth is.
Neither is what the other leaves of the whole, so how far their sum lies from the energy above the baseline is a check.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from reports.readings.batches import Batches
from reports.results.uncertainty import Estimate

BLOCKS = 20
LEAST_WINDOWS = 60
LEAST_IDLE = 10
"""Windows without any batch, below which every other window takes their place."""
LEAST_OF_SIZE = 30
MOST_SIZES = 6
COLLINEAR = 100.0
NONE = "none"
"""Name of the coefficient of time without a batch."""
LAG_STEPS = 5
LEAST_CHANGES = 20
"""Times that the number of batches of a size in a window crosses its mean."""
Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]
Refusal: TypeAlias = Literal[
    "no-batches", "too-few-windows", "rank", "collinear", "too-few-changes", "clocks-apart"
]  # fmt: skip
Model: TypeAlias = Literal["by-size", "linear-in-size"]


@dataclass(frozen=True, slots=True)
class Metered:
    """One run: edges of the windows (s from the begin of its rating interval, rising, one more than energies), energy
    above the baseline in each (J), batches."""

    edges_s: Floats
    energy_j: Floats
    batches: Batches


@dataclass(frozen=True, slots=True)
class Windows:
    """Windows one after the other, in several runs: their energy above the baseline (J), length (s), what the columns
    of the model are made of; `block`: which of them are left out together.

    `counts`: for each of `sizes` the batches in each window. `idle_s`, `queue_s`: time without a batch.
    """

    energy_j: Floats
    length_s: Floats
    idle_s: Floats
    queue_s: Floats
    counts: Floats
    sizes: Floats
    block: NDArray[np.int64]

    def of(self, rows: Flags) -> "Windows":
        """Some of them."""
        return replace(
            self, energy_j=self.energy_j[rows], length_s=self.length_s[rows], idle_s=self.idle_s[rows],
            queue_s=self.queue_s[rows], counts=self.counts[rows], block=self.block[rows],
        )  # fmt: skip

    @property
    def has_batch(self) -> Flags:
        """Windows in which any batch was processed."""
        return np.asarray(self.counts.sum(axis=1) > 0)


@dataclass(frozen=True, slots=True)
class Coefficient:
    """An energy of the model (J, of a power W) by its name: a size, `batch`, `item`, `none`."""

    name: str
    estimate: Estimate


@dataclass(frozen=True, slots=True)
class Parts:
    """Of all windows (J): what batches took, what no batch took (idle, queue), and how far both lie from the energy
    above the baseline."""

    attributed: Estimate
    idle: Estimate
    queue: Estimate
    difference: Estimate


@dataclass(frozen=True, slots=True)
class BatchEnergies:
    """What the regression gives; `refused`: why there is none."""

    refused: Refusal | None
    model: Model | None = None
    coefficients: tuple[Coefficient, ...] = ()
    parts: Parts | None = None
    n_windows: int = 0
    n_batches: int = 0
    condition: float | None = None
    lag_s: float | None = None
    """How much later than the meter's windows the batches were stamped."""


def windows_of(run: Metered, sizes: Floats, lag_s: float = 0.0) -> Windows:
    """The windows of a run and what its batches did in them, `lag_s` before they were stamped."""
    edges_s, energy_j, batches = run.edges_s + lag_s, run.energy_j, run.batches
    counts = [_done(batches, edges_s, batches.sizes == size) for size in sizes]
    busy_s = _covered(batches.begins_s, batches.ends_s, edges_s)
    held_s = _covered(batches.begins_s - batches.holds_s, batches.ends_s, edges_s)
    length_s = np.diff(edges_s)
    block = np.minimum(np.arange(length_s.size) * BLOCKS // max(length_s.size, 1), BLOCKS - 1)
    return Windows(
        energy_j, length_s, np.maximum(length_s - held_s, 0.0), np.maximum(held_s - busy_s, 0.0),
        np.stack(counts, axis=1) if counts else np.zeros((length_s.size, 0)), sizes, block,
    )  # fmt: skip


def together(runs: Sequence[Metered], lag_s: float = 0.0) -> Windows:
    """The windows of several runs; of `BLOCKS` runs or more each is a block."""
    sizes = np.unique(np.concatenate([run.batches.sizes for run in runs]))
    parts = [windows_of(run, sizes, lag_s) for run in runs]
    by_run = len(runs) >= BLOCKS
    blocks = [np.full_like(own.block, at) if by_run else own.block + BLOCKS * at for at, own in enumerate(parts)]
    columns = {
        name: np.concatenate([getattr(own, name) for own in parts])
        for name in ("energy_j", "length_s", "idle_s", "queue_s", "counts")
    }
    return Windows(**columns, sizes=sizes, block=np.concatenate(blocks))


def batch_energies(runs: Sequence[Metered]) -> BatchEnergies:
    """Energy of a batch by its size, over the windows of some runs."""
    batches = sum(run.batches.sizes.size for run in runs)
    if not batches:
        return BatchEnergies("no-batches")
    windows = together(runs)
    refused = BatchEnergies(None, n_windows=int(np.sum(windows.has_batch)), n_batches=batches)
    if refused.n_windows < LEAST_WINDOWS:
        return replace(refused, refused="too-few-windows")
    model, step_s = _model_of(windows), float(np.median(windows.length_s))
    lag_s = _lag_s(runs, model, step_s)
    windows = together(runs, lag_s)
    busy = windows.of(windows.has_batch)
    names, design = _design(busy, model)
    condition = _condition(design)
    refused = replace(refused, model=model, condition=condition if math.isfinite(condition) else None, lag_s=lag_s)
    if reason := _unidentified(design, condition, lag_s, step_s):
        return replace(refused, refused=reason)
    replicates = np.array([_fit(busy.of(busy.block != block), model) for block in np.unique(busy.block)])
    found = [_jackknifed(value, replicates[:, at]) for at, value in enumerate(_fit(busy, model).tolist())]
    coefficients = tuple(Coefficient(*both) for both in zip(names, found, strict=True))
    return replace(refused, coefficients=coefficients, parts=_parts(windows, model))


def _unidentified(design: Floats, condition: float, lag_s: float, step_s: float) -> Refusal | None:
    """Why a fit says nothing."""
    if not math.isfinite(condition):
        return "rank"
    if condition > COLLINEAR:
        return "collinear"
    if design.shape[1] > 1 and min(_changes(column) for column in design.T) < LEAST_CHANGES:
        return "too-few-changes"
    return "clocks-apart" if abs(lag_s) > 0.95 * step_s else None


def _lag_s(runs: Sequence[Metered], model: Model, step_s: float) -> float:
    """How late batches are stamped, by the least residuals."""
    from scipy.optimize import minimize_scalar

    def residual(lag_s: float) -> float:
        windows = together(runs, lag_s)
        _, design = _design(windows, model)
        away_j = windows.energy_j - design @ np.linalg.lstsq(design, windows.energy_j, rcond=None)[0]
        return float(away_j @ away_j)

    places = np.linspace(-step_s, step_s, 2 * LAG_STEPS + 1)
    best = int(np.argmin([residual(place) for place in places.tolist()]))
    low, high = places[max(best - 1, 0)], places[min(best + 1, places.size - 1)]
    return float(minimize_scalar(residual, bounds=(low, high), method="bounded", options={"xatol": step_s / 200}).x)


def _model_of(windows: Windows) -> Model:
    often = windows.counts.sum(axis=0) >= LEAST_OF_SIZE
    return "by-size" if windows.sizes.size <= MOST_SIZES and often.all() else "linear-in-size"


def _design(windows: Windows, model: Model) -> tuple[list[str], Floats]:
    """Names and columns; time that never passed has none."""
    columns: list[tuple[str, Floats]] = []
    if model == "by-size":
        columns += [(f"{size:g}", windows.counts[:, at]) for at, size in enumerate(windows.sizes.tolist())]
    elif windows.sizes.size > 1:
        columns += [("batch", windows.counts.sum(axis=1)), ("item", windows.counts @ windows.sizes)]
    else:
        columns += [("batch", windows.counts.sum(axis=1))]
    none_s = windows.idle_s + windows.queue_s
    if none_s.sum() > 1e-6 * windows.length_s.sum():
        columns.append((NONE, none_s))
    return [name for name, _ in columns], np.stack([column for _, column in columns], axis=1)


def _condition(design: Floats) -> float:
    """Condition number of the columns scaled to one length; infinite where one depends on the others."""
    norms = np.linalg.norm(design, axis=0)
    if not norms.all() or np.linalg.matrix_rank(design / norms) < design.shape[1]:
        return math.inf
    return float(np.linalg.cond(design / norms))


def _changes(column: Floats) -> int:
    return int(np.sum(np.diff(column > column.mean())))


def _fit(windows: Windows, model: Model) -> Floats:
    _, design = _design(windows, model)
    return np.asarray(np.linalg.lstsq(design, windows.energy_j, rcond=None)[0])


def _jackknifed(value: float, replicates: Floats) -> Estimate:
    count = replicates.size
    if count < 2:
        return Estimate(value, None, None)
    away = replicates - replicates.mean()
    return Estimate(value, math.sqrt((count - 1) / count * float(away @ away)), count - 1.0)


def _parts(windows: Windows, model: Model) -> Parts:
    """What batches took and what they did not, with the jackknife over all windows."""
    whole = _shares(windows, model)
    # A replicate lacks a block of windows, and so a part of the energy: it stands for as much as all.
    replicates = np.array([_replicate(windows, windows.block != block, model) for block in np.unique(windows.block)])
    return Parts(*(_jackknifed(value, replicates[:, at]) for at, value in enumerate(whole.tolist())))


def _replicate(windows: Windows, rows: Flags, model: Model) -> Floats:
    kept = windows.of(rows)
    return np.asarray(_shares(kept, model) * (windows.length_s.sum() / kept.length_s.sum()))


def _shares(windows: Windows, model: Model) -> Floats:
    """Attributed, idle, queue, and their sum less the energy (J)."""
    busy, empty = windows.of(windows.has_batch), windows.of(~windows.has_batch)
    if empty.energy_j.size >= LEAST_IDLE:
        energies, powers = _fitted(busy, model), _mean_powers(empty)
    else:
        odd = np.arange(busy.energy_j.size) % 2 == 1
        energies, none_w = _fitted(busy.of(odd), model), _fitted(busy.of(~odd), model).get(NONE, 0.0)
        powers = {"idle": none_w, "queue": none_w}
    names, design = _design(busy, model)
    amounts = dict(zip(names, design.sum(axis=0).tolist(), strict=True))
    attributed_j = math.fsum(energy * amounts[name] for name, energy in energies.items() if name != NONE)
    idle_j, queue_j = powers["idle"] * windows.idle_s.sum(), powers["queue"] * windows.queue_s.sum()
    return np.array([attributed_j, idle_j, queue_j, attributed_j + idle_j + queue_j - windows.energy_j.sum()])


def _fitted(windows: Windows, model: Model) -> dict[str, float]:
    """Coefficient by name (J, W)."""
    return dict(zip(_design(windows, model)[0], _fit(windows, model).tolist(), strict=True))


def _mean_powers(empty: Windows) -> dict[str, float]:
    """Power (W) of idle and of queueing time in windows without a batch; where hardly one passed, that of both."""
    queued = empty.queue_s > 0
    both = float(empty.energy_j.sum() / empty.length_s.sum())
    if min(np.sum(queued), np.sum(~queued)) < LEAST_IDLE:
        return {"idle": both, "queue": both}
    design = np.stack([empty.idle_s, empty.queue_s], axis=1)
    idle_w, queue_w = np.linalg.lstsq(design, empty.energy_j, rcond=None)[0].tolist()
    return {"idle": idle_w, "queue": queue_w}


def _done(batches: Batches, edges_s: Floats, rows: Flags) -> Floats:
    """How many of some batches were done in each window, each spread evenly over its time."""
    begins_s, ends_s = batches.begins_s[rows], batches.ends_s[rows]
    speed = 1 / np.maximum(ends_s - begins_s, 1e-9)
    return np.asarray(np.diff(_ramps(begins_s, begins_s + 1 / speed, speed, edges_s)))


def _covered(begins_s: Floats, ends_s: Floats, edges_s: Floats) -> Floats:
    """How much of each window lies in any of some intervals (s)."""
    order = np.argsort(begins_s, kind="stable")
    first_s, last_s = begins_s[order], np.maximum.accumulate(ends_s[order]) if ends_s.size else ends_s
    first_s = np.maximum(first_s, np.concatenate([[-np.inf], last_s[:-1]])) if last_s.size else first_s
    keep = last_s > first_s
    return np.diff(_ramps(first_s[keep], last_s[keep], np.ones(int(keep.sum())), edges_s))


def _ramps(begins_s: Floats, ends_s: Floats, speed: Floats, at_s: Floats) -> Floats:
    """At some times the sum of ramps, each of which rises at its speed from its begin to its end."""
    if not begins_s.size:
        return np.zeros(at_s.size)
    knots = np.concatenate([begins_s, ends_s])
    steps = np.concatenate([speed, -speed])
    order = np.argsort(knots, kind="stable")
    knots, slopes = knots[order], np.cumsum(steps[order])
    values = np.concatenate([[0.0], np.cumsum(slopes[:-1] * np.diff(knots))])
    return np.asarray(np.interp(at_s, knots, values), dtype=np.float64)
