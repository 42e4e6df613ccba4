"""Descriptive tables of a study: n, mean with interval, SD, median, least, greatest, CV of every combination of levels.

Knows cells and their values. Knows no question.
"""

from reports.inference import intervals
from reports.results.cell import Cell
from reports.results.descriptive import CellSummary, DescriptiveTable, RelativeSpread
from reports.results.uncertainty import sample_mean
from reports.study.cells import Values, cells, median, order_statistic, values_in
from reports.study.file import StudyFile
from reports.study.rows import Runs


def descriptive_table(declared: StudyFile, runs: Runs, response: str) -> DescriptiveTable:
    """One response over all combinations of levels that have a value of it."""
    unit, factors = declared.responses[response].unit, tuple(declared.factors)
    filled = ((cell, values_in(runs, response, rows)) for cell, rows in cells(declared, runs, factors, runs.used))
    rows = tuple(_summary(cell, values, unit) for cell, values in filled if values.size)
    return DescriptiveTable(response, unit, factors, rows)


def _summary(cell: Cell, values: Values, unit: str) -> CellSummary:
    return CellSummary(
        cell.levels,
        cell.label,
        n=int(values.size),
        mean=sample_mean(values, unit),
        median=order_statistic(median(values), values, unit),
        mean_interval=intervals.mean_interval(values),
        least=order_statistic(values.min(), values, unit),
        greatest=order_statistic(values.max(), values, unit),
        cv=_variation(values),
    )


def _variation(values: Values) -> RelativeSpread | None:
    variation = intervals.coefficient_of_variation(values)
    if variation is None:
        return None
    value, interval = variation
    return RelativeSpread(value, None if interval is None else (interval.low, interval.high))
