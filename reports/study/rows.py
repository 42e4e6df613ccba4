"""The rows of a study's table sorted into used, left out and excluded, and its responses computed.

Knows levels, filters and exclusion rules. Knows no CSV and no test.

Decisions
- A cell that is empty, or says NA, NaN, null or None, is missing: the row is listed and not used for that response. Any
  other text where a number belongs is an error: it would otherwise vanish.
- Rules of exclusion are applied in their order; of equal values the one that stands first in the table goes first.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from harness.record.codec import Mistakes
from harness.record.errors import AnalysisError, ConfigError
from reports.results.cell import Above, Below, Cell, Filter, OfLevels
from reports.results.study import Drop, ExcludedRow, ExclusionResult, LeftOutRow
from reports.study.file import Exclusion, StudyFile
from reports.study.filtered import Filtered
from reports.study.formula import Formula, formula_of
from reports.study.table import LEFT_OUT, Table

LARGEST = 1e30
"""No measured number is larger, or nearer to 0 than its inverse, nor anything that is made of a few of them."""
MISSING = frozenset({"", "na", "n/a", "nan", "null", "none"})
NUMBER = re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d+)?", re.ASCII)


@dataclass(frozen=True)
class Runs:
    """The rows sorted: who is used, each response's values (NaN where missing), and what was not used, why."""

    table: Table
    factors: Mapping[str, NDArray[np.str_]]
    """Factor -> level of every row."""
    values: Mapping[str, NDArray[np.float64]]
    """Response -> value of every row, in the response's unit."""
    formulas: Mapping[str, Formula]
    used: NDArray[np.bool_]
    left_out: list[LeftOutRow] = field(default_factory=list)
    exclusions: list[ExclusionResult] = field(default_factory=list)


def parts_of_cells(path: str, declared: StudyFile, table: Table) -> dict[tuple[str, ...], list[tuple[str, str]]]:
    """Combination of declared levels -> the (campaign, scenario) that its runs are of, from a campaign's table."""
    columns = [
        _levels_of(table, factor.column, f"{path}: factors.{name}.column") for name, factor in declared.factors.items()
    ]
    of_levels: dict[tuple[str, ...], dict[tuple[str, str], None]] = {}
    parts = zip(table.column("campaign"), table.column("scenario"), strict=True)
    for part, levels in zip(parts, zip(*columns, strict=True), strict=True):
        if all(level in factor.levels for level, factor in zip(levels, declared.factors.values(), strict=True)):
            of_levels.setdefault(levels, {})[part] = None
    return {levels: list(of) for levels, of in of_levels.items()}


def sort_rows(path: str, declared: StudyFile, table: Table, units: Mapping[str, str]) -> Runs:
    """The rows of a table by the study file `path`. `units`: column of a campaign's table -> unit, else empty.

    Raises:
        AnalysisError: a cell that should be a number is none; ConfigError: file and table do not fit together.
    """
    columns, formulas = _fitted(path, declared, table, units)
    factors = {name: np.array(table.column(factor.column), dtype=np.str_) for name, factor in declared.factors.items()}
    used, left_out = _left_out(declared, table, factors)
    values = _values(declared, table, columns, formulas)
    runs = Runs(table, factors, values, formulas, used, left_out)
    for name in declared.responses:
        for row in map(int, np.flatnonzero(used & ~np.isfinite(values[name]))):
            left_out.append(LeftOutRow(*_place(declared, table, factors, row), "missing", name, None))
    for index, rule in enumerate(declared.exclusions):
        runs.exclusions.append(_exclude(f"{path}: exclusions[{index}]", declared, runs, rule))
    return runs


def _fitted(
    path: str, declared: StudyFile, table: Table, units: Mapping[str, str]
) -> tuple[dict[str, tuple[str, str]], dict[str, Formula]]:
    """Column of numbers -> its header and unit; response -> its formula. Everything that file and table disagree in is
    said at once."""
    mistakes = Mistakes()
    columns = {name: (column.header, column.unit) for name, column in declared.columns.items()}
    for name, unit in units.items():
        stated = columns.setdefault(name, (name, unit))[1]
        if stated != unit:
            mistakes.at(path, f"columns.{name}.unit", f"found {stated!r}, the campaigns have it in {unit!r}")
    known, formulas = {name: unit for name, (_, unit) in columns.items()}, dict[str, Formula]()
    for name in declared.responses:
        try:
            formulas[name] = formula_of(path, name, declared, known)
        except ConfigError as error:
            mistakes.extend([str(error)])
    used = [column for formula in formulas.values() for column, _ in formula.columns]
    headers = [(f"columns.{name}.header", columns[name][0]) for name in dict.fromkeys([*declared.columns, *used])]
    headers += [(f"factors.{name}.column", factor.column) for name, factor in declared.factors.items()]
    headers += [
        (f"progress.{name}.repetitions", part.repetitions)
        for name, part in declared.progress.items() if part.repetitions
    ]  # fmt: skip
    for place, header in headers:
        if header not in table.headers:
            mistakes.at(path, place, _no_column(table, header))
    mistakes.raise_all(path)
    return columns, formulas


def _values(
    declared: StudyFile, table: Table, columns: Mapping[str, tuple[str, str]], formulas: Mapping[str, Formula]
) -> dict[str, NDArray[np.float64]]:
    """Response -> value of every row."""
    used = dict.fromkeys(column for formula in formulas.values() for column, _ in formula.columns)
    read = {column: _numbers_of(table, columns[column][0]) for column in used}
    values = {name: _value(formula, read) for name, formula in formulas.items()}
    for name, response in values.items():
        if beyond := [row for row, value in enumerate(response) if not (np.isnan(value) or _is_measured(value))]:
            raise AnalysisError(
                f"{table.name}:{table.lines[beyond[0]]}: response {name!r} ({declared.responses[name].formula}) is "
                f"{response[beyond[0]]:g}, which no measurement gives; mend the cells it is made of"
            )
    return values


def _no_column(table: Table, header: str) -> str:
    shown = ", ".join(name[:60] for name in table.headers[:40]) + (", ..." if len(table.headers) > 40 else "")
    return f"{table.name} has no column {header!r}; it has {shown}"


def _levels_of(table: Table, header: str, place: str) -> list[str]:
    if header not in table.headers:
        raise ConfigError(f"{place}: {_no_column(table, header)}")
    return table.column(header)


def _left_out(
    declared: StudyFile, table: Table, factors: Mapping[str, NDArray[np.str_]]
) -> tuple[NDArray[np.bool_], list[LeftOutRow]]:
    """Which rows can be used, and those that cannot at all: runs that entered no mean of their campaign, and levels
    nobody declared."""
    because = table.column(LEFT_OUT) if LEFT_OUT in table.headers else [""] * len(table.rows)
    used, left_out = np.ones(len(table.rows), dtype=bool), []
    for row, excluded_because in enumerate(because):
        undeclared = next((name for name in factors if factors[name][row] not in declared.factors[name].levels), None)
        place = _place(declared, table, factors, row)
        if excluded_because:
            left_out.append(LeftOutRow(*place, "excluded-run", None, excluded_because))
        elif undeclared is not None:
            level = str(factors[undeclared][row]) or None
            left_out.append(LeftOutRow(*place, "level-not-declared", undeclared, level))
        used[row] = not excluded_because and undeclared is None
    return used, left_out


def _numbers_of(table: Table, header: str) -> NDArray[np.float64]:
    values = np.full(len(table.rows), np.nan)
    for row, cell in enumerate(table.column(header)):
        if NUMBER.fullmatch(cell) and _is_measured(float(cell)):
            values[row] = float(cell)
        elif cell.lower() not in MISSING:
            raise AnalysisError(
                f"{table.name}:{table.lines[row]}: column {header!r}: found {cell!r:.60}, expected a number such as "
                "12.5; mend the cell, or leave it empty: the row is then listed and left out"
            )
    return values


def _is_measured(value: float) -> bool:
    return value == 0 or 1 / LARGEST <= abs(value) <= LARGEST


def _value(formula: Formula, read: Mapping[str, NDArray[np.float64]]) -> NDArray[np.float64]:
    """A response of every row; NaN where a column is missing or a division has no result."""
    first = formula.columns[0][0]
    result = np.full(read[first].size, 1.0)
    with np.errstate(all="ignore"):
        for column, power in formula.columns:
            result = result * read[column] if power == 1 else result / read[column]
        result = result * formula.scale
    return np.where(np.isfinite(result), result, np.nan)


def matching(runs: Runs, part: Filtered) -> NDArray[np.bool_]:
    """The used rows that a filter lets through."""
    mask = runs.used.copy()
    for name, levels in part.where.items():
        mask &= np.isin(runs.factors[name], levels)
    for name, bound in part.above.items():
        mask &= runs.values[name] > bound
    for name, bound in part.below.items():
        mask &= runs.values[name] < bound
    return mask


def _exclude(place: str, declared: StudyFile, runs: Runs, rule: Exclusion) -> ExclusionResult:
    """Apply one rule; what it left out, with the value it was chosen by."""
    rows = np.flatnonzero(matching(runs, rule))
    if rule.drop:
        values = runs.values[rule.by][rows]
        rows, values = rows[np.isfinite(values)], values[np.isfinite(values)]
        if rows.size < rule.drop:
            raise ConfigError(f"{place}.drop: found {rule.drop}, but only {rows.size} runs match; correct the rule")
        rows = rows[np.argsort(-values if rule.which == "highest" else values, kind="stable")[: rule.drop]]
    runs.used[rows] = False
    drop = Drop(rule.drop, rule.which, rule.by) if rule.drop and rule.which else None
    gone = tuple(_excluded(declared, runs, rule, row) for row in map(int, rows))
    return ExclusionResult(rule.reason, filter_of(rule), drop, len(gone), gone)


def _excluded(declared: StudyFile, runs: Runs, rule: Exclusion, row: int) -> ExcludedRow:
    place = _place(declared, runs.table, runs.factors, row)
    if not rule.by:
        return ExcludedRow(*place, None, None)
    return ExcludedRow(*place, float(runs.values[rule.by][row]), declared.responses[rule.by].unit)


def filter_of(part: Filtered) -> Filter:
    """A filter, condition by condition."""
    return (
        *(OfLevels(name, tuple(levels)) for name, levels in part.where.items()),
        *(Above(name, bound) for name, bound in part.above.items()),
        *(Below(name, bound) for name, bound in part.below.items()),
    )


def cell_of(declared: StudyFile, levels: Mapping[str, str]) -> Cell:
    """A combination of levels and how it is called."""
    label = ", ".join(declared.factors[name].label(level) for name, level in levels.items())
    return Cell(dict(levels), label)


def _place(
    declared: StudyFile, table: Table, factors: Mapping[str, NDArray[np.str_]], row: int
) -> tuple[int, str, Cell]:
    """Where a row stands, whose it is, and which combination of levels it is of."""
    cell = cell_of(declared, {name: str(levels[row]) for name, levels in factors.items()})
    return table.lines[row], _source(table, row), cell


def _source(table: Table, row: int) -> str:
    """A row's run: campaign and run folder, or the table's name."""
    if table.is_of_campaigns:
        cells = dict(zip(table.headers, table.rows[row], strict=True))
        return f"{cells['campaign']}/{cells['folder']}"
    return table.name
