"""Cells of a study: combinations of levels, the values that a response has in them, order statistics of these.

Knows the rows as sorted. Knows no test and no question.
"""

from collections.abc import Iterator, Sequence
from itertools import product

import numpy as np
from numpy.typing import NDArray

from reports.results.cell import Cell
from reports.results.uncertainty import Estimate, Number
from reports.study.file import StudyFile
from reports.study.filtered import Filtered
from reports.study.rows import Runs, cell_of, matching

Values = NDArray[np.float64]
Mask = NDArray[np.bool_]


def cells(declared: StudyFile, runs: Runs, over: Sequence[str], mask: Mask) -> Iterator[tuple[Cell, Mask]]:
    """Every combination of levels of some factors that has a row in `mask`, in declared order, and its rows."""
    for levels in product(*(declared.factors[name].levels for name in over)):
        rows = mask.copy()
        for name, level in zip(over, levels, strict=True):
            rows &= runs.factors[name] == level
        if rows.any():
            yield cell_of(declared, dict(zip(over, levels, strict=True))), rows


def measured(
    declared: StudyFile, runs: Runs, part: Filtered, over: Sequence[str], names: Sequence[str]
) -> list[tuple[Cell, list[Values]]]:
    """Cells in which every one of some responses has a value, with these values."""
    filled = []
    for cell, rows in cells(declared, runs, over, matching(runs, part)):
        values = [values_in(runs, name, rows) for name in names]
        if all(column.size for column in values):
            filled.append((cell, values))
    return filled


def values_in(runs: Runs, response: str, rows: Mask) -> Values:
    """The values of a response in some rows, missing ones left out."""
    values = runs.values[response][rows]
    return np.asarray(values[np.isfinite(values)])


def order_statistic(value: float, values: Values, unit: str) -> Number:
    """A median or an extreme of some values."""
    return Number(Estimate(float(value), None, None), unit, n=int(values.size))


def median(values: Values) -> float:
    """The median of some values."""
    return float(np.median(values))
