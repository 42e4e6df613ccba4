"""What is read off the medians of a study's cells, and not tested: decreases, and what no other combination beats.

Knows which cells belong to a reduction and to a Pareto front. Knows no test.
"""

from collections.abc import Sequence
from itertools import product

import numpy as np

from reports.inference import intervals
from reports.inference.best import p_better
from reports.results.cell import Cell
from reports.results.codec import widened
from reports.results.relation import (
    Better,
    BetterOf,
    CellMedian,
    Change,
    Decrease,
    LargestDecrease,
    ParetoPoint,
    ParetoResult,
    ReductionResult,
)
from reports.study.cells import Values, measured, median, order_statistic
from reports.study.file import Pareto, Reduction, StudyFile
from reports.study.rows import Runs, filter_of
from reports.study.unmeasured import split


def reduce(declared: StudyFile, runs: Runs, name: str) -> ReductionResult:
    """Decreases from the combination with the largest median to every other; nothing printed stands beside them yet."""
    part = declared.reductions[name]
    unit = declared.responses[part.response].unit
    filled = measured(declared, runs, part, part.over, [part.response])
    cells, medians = [cell for cell, _ in filled], [median(values) for _, (values,) in filled]
    shown = tuple(
        CellMedian(cell.levels, cell.label, int(values.size), order_statistic(middle, values, unit))
        for (cell, (values,)), middle in zip(filled, medians, strict=True)
    )
    head = (name, part.title, part.response, tuple(part.over), filter_of(part), shown)
    if len(cells) < 2:
        return ReductionResult(*head, None, (), None, None, None, "one-level", ())
    if min(medians) <= 0:
        return ReductionResult(*head, None, (), None, None, None, "not-positive", ())
    greatest = cells[int(np.argmax(medians))]
    decreases = _decreases(greatest, cells, medians)
    ordered = sorted(decreases, key=lambda decrease: decrease.percent)
    changes = (_change(declared, runs, part, response, ordered[-1]) for response in part.beside)
    overall = widened(LargestDecrease, ordered[-1], beside=tuple(change for change in changes if change is not None))
    return ReductionResult(*head, greatest, decreases, ordered[0], ordered[-1], overall, None, ())


def _decreases(greatest: Cell, cells: Sequence[Cell], medians: Sequence[float]) -> tuple[Decrease, ...]:
    most = max(medians)
    return tuple(
        Decrease(from_=greatest, to=cell, percent=100 * (1 - middle / most), factor=most / middle)
        for cell, middle in zip(cells, medians, strict=True)
        if cell is not greatest
    )


def _change(declared: StudyFile, runs: Runs, part: Reduction, response: str, largest: Decrease) -> Change | None:
    """What the median of another response does on the way of the largest decrease; None where it has none."""
    filled = measured(declared, runs, part, part.over, [response])
    medians = {cell.label: median(values) for cell, (values,) in filled}
    begin, end = medians.get(largest.from_.label), medians.get(largest.to.label)
    if begin is None or end is None:
        return None
    change = end - begin
    percent = 100 * change / begin if begin else None
    unit = declared.responses[response].unit
    return Change(response=response, unit=unit, from_=begin, to=end, change=change, percent=percent)


def front(declared: StudyFile, runs: Runs, name: str) -> ParetoResult:
    """Which combinations no other beats: at least as good in both medians (or means), better in one. Of means it is
    told from chance where another is better in both by one-sided Welch tests, for all pairs of combinations at once."""
    part = declared.pareto[name]
    better = BetterOf(better_of(declared, part.x), better_of(declared, part.y))
    signs = np.array([1.0 if of_axis == "lower" else -1.0 for of_axis in (better.x, better.y)])
    filled = measured(declared, runs, part, part.over, [part.x, part.y])
    is_mean = part.by == "mean"
    middle = (lambda values: float(values.mean())) if is_mean else median
    middles = np.array([[middle(x), middle(y)] for _, (x, y) in filled]).reshape(-1, 2)
    beaten_by = [_beating(costs, signs * middles) for costs in signs * middles]
    told = [_told(own, [both for _, both in filled], better, declared.study.alpha) if is_mean else None
            for own in range(len(filled))]  # fmt: skip
    points = tuple(
        ParetoPoint(
            cell.levels, cell.label, n=int(x.size), x=middle(x), y=middle(y), on_front=other is None,
            dominated_by=None if other is None else filled[other][0].label,
            x_interval=_interval(x) if is_mean else None, y_interval=_interval(y) if is_mean else None,
            told_from=None if shown is None else filled[shown][0].label,
        )
        for (cell, (x, y)), other, shown in zip(filled, beaten_by, told, strict=True)
    )  # fmt: skip
    there = {tuple(cell.levels.values()) for cell, _ in filled}
    missing = [
        levels for levels in product(*(_levels_of(declared, part, factor) for factor in part.over))
        if levels not in there
    ]  # fmt: skip
    unmeasured, _ = split(declared, runs, part, part.over, missing)
    return ParetoResult(
        name, part.title, part.x, part.y, better, tuple(part.over), filter_of(part), points, part.by, tuple(unmeasured)
    )


def _levels_of(declared: StudyFile, part: Pareto, factor: str) -> list[str]:
    return part.where.get(factor, declared.factors[factor].levels)


def _interval(values: Values) -> tuple[float, float] | None:
    found = intervals.t_interval(values)
    return None if found is None else (found.low, found.high)


def _told(own: int, filled: Sequence[Sequence[Values]], better: BetterOf, alpha: float) -> int | None:
    """The first combination that is shown to be better in both than this one; None where there is none."""
    limit = alpha / max(1, len(filled) * (len(filled) - 1))
    highs = (better.x == "higher", better.y == "higher")
    for place, other in enumerate(filled):
        both = zip(other, filled[own], highs, strict=True)
        if place != own and all(p_better(one, of, higher=high) < limit for one, of, high in both):
            return place
    return None


def better_of(declared: StudyFile, response: str) -> Better:
    """What is better of a response that says so."""
    return "lower" if declared.responses[response].better == "lower" else "higher"


def _beating(
    costs: np.ndarray[tuple[int, ...], np.dtype[np.float64]],
    everyone: np.ndarray[tuple[int, ...], np.dtype[np.float64]],
) -> int | None:
    """The first combination that is at least as good in both and better in one; None where there is none."""
    beating = np.flatnonzero((everyone <= costs).all(axis=1) & (everyone < costs).any(axis=1))
    return int(beating[0]) if beating.size else None
