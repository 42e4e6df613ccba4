"""The table of a study: read from a CSV file or made of campaigns' results, then its rows sorted into used, left out
and excluded, and its responses computed.

Knows CSV, levels, filters and exclusion rules. Knows no test: `study` asks them.

Decisions
- Campaigns are written as a table first and that table is read like any other: what is sealed is what was analysed.
- A cell that is empty, or says NA, NaN, null or None, is missing: the row is listed and not used for that response. Any
  other text where a number belongs is an error: it would otherwise vanish.
- Rules of exclusion are applied in their order; of equal values the one that stands first in the table goes first.
"""

import csv
import gzip
import io
import re
import zlib
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from harness.record.documents import Json
from harness.record.errors import AnalysisError, ConfigError
from harness.record.levels import level_text
from reports.energy.hardware import OLD_MEMORY, old_memory, unit_of
from reports.study.file import CampaignSource, Exclusion, Filtered, Formula, StudyFile, formula_of

MAX_BYTES = 256 * 1024 * 1024
"""A table larger than that, unpacked, is none of runs."""
LARGEST = 1e30
"""No measured number is larger, or nearer to 0 than its inverse, nor anything that is made of a few of them."""
GZIP = b"\x1f\x8b"
MISSING = frozenset({"", "na", "n/a", "nan", "null", "none"})
NUMBER = re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d+)?", re.ASCII)
LEFT_OUT = "left_out_because"
"""The column in which a campaign's table says why a run enters no mean; empty where it does."""
RUN_UNITS = {
    "duration_s": "s", "mean_power_w": "W", "energy_wh": "Wh", "induced_energy_wh": "Wh", "gap_s": "s",
    "gap_energy_wh": "Wh", "gpu_energy_wh": "Wh",
}  # fmt: skip
"""Numbers of `runs[]` of results.json, and their units."""
PLAIN = ("campaign", "folder", "ordinal", "scenario", "repetition", "seed", "start_utc", LEFT_OUT)
"""Columns of a campaign's table that are no numbers of a measurement."""


@dataclass(frozen=True, slots=True)
class Table:
    """A table of runs as text: `rows[i]` stands on line `lines[i]` of the file `name`."""

    name: str
    headers: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    lines: tuple[int, ...]

    def column(self, header: str) -> list[str]:
        """The cells of a column."""
        at = self.headers.index(header)
        return [row[at] for row in self.rows]


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
    left_out: list[Json] = field(default_factory=list)
    exclusions: list[Json] = field(default_factory=list)


def read_table(name: str, content: bytes) -> Table:
    """A CSV file, gzipped or not, UTF-8, one header line.

    Raises:
        AnalysisError: it is no such file; with its name, the line, what was found and what is expected.
    """
    try:
        text = _unpacked(name, content).decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise AnalysisError(f"{name}: not UTF-8 at byte {error.start}; save it as UTF-8") from None
    if "\0" in text:
        line = text.count("\n", 0, text.index("\0")) + 1
        raise AnalysisError(f"{name}:{line}: a NUL byte, which no text holds; export the table again")
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    rows: list[tuple[str, ...]] = []
    lines: list[int] = []
    try:
        for cells in reader:
            if any(cell.strip() for cell in cells):
                rows.append(tuple(cell.strip() for cell in cells))
                lines.append(reader.line_num)
    except csv.Error as error:
        raise AnalysisError(f"{name}:{reader.line_num}: no CSV ({error}); save it as CSV with commas") from None
    if len(rows) < 2:
        found = "only a header" if rows else "nothing"
        raise AnalysisError(f"{name}: found {found}, expected a header line and one line per run")
    headers = rows[0]
    if len(headers) == 1 and any(mark in headers[0] for mark in ";\t"):
        raise AnalysisError(f"{name}:{lines[0]}: one column, {headers[0]!r:.60}; save it as CSV with commas")
    if twice := [header for header, count in Counter(headers).items() if count > 1]:
        raise AnalysisError(f"{name}:{lines[0]}: the column {twice[0]!r:.60} stands there twice; rename one")
    for row, line in zip(rows, lines, strict=True):
        if len(row) != len(headers):
            raise AnalysisError(
                f"{name}:{line}: found {len(row)} cells, expected {len(headers)} as in the header; mend the line "
                "(a text with a comma needs quotes)"
            )
    return Table(name, headers, tuple(rows[1:]), tuple(lines[1:]))


def _unpacked(name: str, content: bytes) -> bytes:
    if not content.startswith(GZIP):
        return content
    try:
        with gzip.open(io.BytesIO(content)) as file:
            text = file.read(MAX_BYTES + 1)
    except (OSError, EOFError, zlib.error) as error:
        raise AnalysisError(f"{name}: a damaged gzip file ({error}); fetch or pack it again") from None
    if len(text) > MAX_BYTES:
        raise AnalysisError(f"{name}: more than {MAX_BYTES // 2**20} MiB unpacked; a table of runs is smaller")
    return text


def campaign_table(path: str, sources: Mapping[str, tuple[CampaignSource, Json]]) -> str:
    """Campaigns (name -> what the study file says of it, its results.json) as the text of one table, a line per run.

    Raises:
        ConfigError: a scenario is not in its campaign, or a level takes the name of a column of ours.
    """
    rows = [
        _campaign_row(path, name, source, run, results)
        for name, (source, results) in sources.items()
        for run in _runs_of(path, name, source, results)
    ]
    headers = list(dict.fromkeys(header for row in rows for header in row))
    text = io.StringIO(newline="")
    writer = csv.DictWriter(text, headers, restval="", lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue()


def campaign_units(results: Sequence[Json]) -> dict[str, str]:
    """Column of a campaign's table -> unit.

    Raises:
        AnalysisError: an indicator has one unit in one campaign and another in another, or is another quantity there.
    """
    units = dict(RUN_UNITS)
    memory: str | None = None
    for one in results:
        for indicator in one["indicators"]:
            if indicator["name"] == OLD_MEMORY:
                kind = old_memory(str(indicator.get("method")))
                if memory not in (None, kind):
                    raise AnalysisError(
                        f"indicator.{OLD_MEMORY} is {memory} in one campaign and {kind} in another: leave one out"
                    )
                memory = kind
            name, unit = f"indicator.{indicator['name']}", unit_of(indicator["name"], str(indicator["unit"]))
            if units.setdefault(name, unit) != unit:
                raise AnalysisError(
                    f"{name} is in {units[name]} in one campaign and in {unit} in another: leave one out"
                )
        for run in one["runs"]:
            for kind, key in (("final", "final_metrics"), ("parameter", "parameters")):
                units |= {f"{kind}.{name}": "1" for name in _numbers(run.get(key) or {})}
        for scenario in one["scenarios"].values():
            units |= {f"parameter.{name}": "1" for name in _numbers(scenario["parameters"])}
    return units


def _runs_of(path: str, name: str, source: CampaignSource, results: Json) -> list[Json]:
    """The runs that enter: of the scenarios that are named, else of all; never baseline, sync pulse or observer."""
    there = results["scenarios"]
    for scenario in source.scenarios:
        if scenario not in there:
            raise ConfigError(
                f"{path}: campaigns.{name}.scenarios.{scenario}: no such scenario in {source.folder}; "
                f"there are {', '.join(there) or 'none'}"
            )
    wanted = source.scenarios or there
    return [run for run in results["runs"] if run["kind"] == "scenario" and run["scenario"] in wanted]


def _campaign_row(path: str, name: str, source: CampaignSource, run: Json, results: Json) -> dict[str, str]:
    plain: Json = {key: run.get(key) for key in PLAIN} | {"campaign": name}
    plain[LEFT_OUT] = None if run["included"] else run["excluded_because"]
    numbers = {key: None if run[key] is None else run[key]["value"] for key in RUN_UNITS}
    scenario = results["scenarios"].get(run["scenario"]) or {}
    plain |= {f"factor.{key}": level_text(level) for key, level in (scenario.get("cell") or {}).items()}
    parameters = scenario.get("parameters") or {}
    numbers |= {f"parameter.{key}": value for key, value in _numbers(parameters).items()}
    numbers |= {f"final.{key}": value for key, value in _numbers(run["final_metrics"]).items()}
    numbers |= {f"indicator.{key}": value for key, value in run["indicators"].items()}
    own = {**source.levels, **source.scenarios.get(run["scenario"], {})}
    if taken := own.keys() & (plain.keys() | numbers.keys()):
        raise ConfigError(f"{path}: campaigns.{name}: {min(taken)!r} is a column of every campaign; use another name")
    return {key: _one_line(value) for key, value in {**plain, **own, **numbers}.items()}


def _one_line(value: object) -> str:
    """A cell: numbers with all their digits, text without line breaks."""
    if value is None:
        return ""
    return repr(value) if isinstance(value, float) else " ".join(str(value).split())


def _numbers(values: Json) -> dict[str, float]:
    return {key: v for key, v in values.items() if isinstance(v, int | float) and not isinstance(v, bool)}


def parts_of_cells(path: str, declared: StudyFile, table: Table) -> dict[tuple[str, ...], list[tuple[str, str]]]:
    """Combination of declared levels -> the (campaign, scenario) that its runs are of, from a campaign's table."""
    columns = [
        _levels_of(table, factor.column, f"{path}: factors.{name}.column") for name, factor in declared.factors.items()
    ]
    found: dict[tuple[str, ...], dict[tuple[str, str], None]] = {}
    parts = zip(table.column("campaign"), table.column("scenario"), strict=True)
    for part, levels in zip(parts, zip(*columns, strict=True), strict=True):
        if all(level in factor.levels for level, factor in zip(levels, declared.factors.values(), strict=True)):
            found.setdefault(levels, {})[part] = None
    return {levels: list(of) for levels, of in found.items()}


def sort_rows(path: str, declared: StudyFile, table: Table, units: Mapping[str, str]) -> Runs:
    """The rows of a table by the study file `path`. `units`: column of a campaign's table -> unit, else empty.

    Raises:
        AnalysisError: a cell that should be a number is none; ConfigError: file and table do not fit together.
    """
    headers = {name: column.header for name, column in declared.columns.items()}
    known = {name: column.unit for name, column in declared.columns.items()}
    for name, unit in units.items():
        if name not in known:
            headers[name], known[name] = name, unit
        elif known[name] != unit:
            raise ConfigError(f"{path}: columns.{name}.unit: found {known[name]!r}, the campaigns have it in {unit!r}")
    for name, header in headers.items():
        if name in declared.columns:
            _has(table, header, f"{path}: columns.{name}.header")
    factors = {
        name: np.array(_levels_of(table, factor.column, f"{path}: factors.{name}.column"), dtype=np.str_)
        for name, factor in declared.factors.items()
    }
    used = np.ones(len(table.rows), dtype=bool)
    left_out: list[Json] = []
    _leave_out(declared, table, factors, used, left_out)
    formulas = {name: formula_of(path, name, declared, known) for name in declared.responses}
    read: dict[str, NDArray[np.float64]] = {}
    for formula in formulas.values():
        for column, _ in formula.columns:
            if column not in read:
                _has(table, headers[column], f"{path}: columns.{column}.header")
                read[column] = _numbers_of(table, headers[column])
    values = {name: _value(formula, read) for name, formula in formulas.items()}
    for name, one in values.items():
        if beyond := [row for row, value in enumerate(one) if not (np.isnan(value) or _is_measured(value))]:
            raise AnalysisError(
                f"{table.name}:{table.lines[beyond[0]]}: response {name!r} ({declared.responses[name].formula}) is "
                f"{one[beyond[0]]:g}, which no measurement gives; mend the cells it is made of"
            )
    runs = Runs(table, factors, values, formulas, used, left_out)
    for name in declared.responses:
        for row in np.flatnonzero(used & ~np.isfinite(values[name])):
            left_out.append(row_json(declared, runs, int(row)) | {"reason": "missing", "column": name, "found": None})
    for index, rule in enumerate(declared.exclusions):
        runs.exclusions.append(_exclude(f"{path}: exclusions[{index}]", declared, runs, rule))
    return runs


def _has(table: Table, header: str, place: str) -> None:
    if header not in table.headers:
        shown = ", ".join(name[:60] for name in table.headers[:40]) + (", ..." if len(table.headers) > 40 else "")
        raise ConfigError(f"{place}: {table.name} has no column {header!r}; it has {shown}")


def _levels_of(table: Table, header: str, place: str) -> list[str]:
    _has(table, header, place)
    return table.column(header)


def _leave_out(
    declared: StudyFile, table: Table, factors: Mapping[str, NDArray[np.str_]], used: NDArray[np.bool_],
    left_out: list[Json],
) -> None:  # fmt: skip
    """Rows that cannot be used at all: runs that entered no mean of their campaign, and levels nobody declared."""
    because = table.column(LEFT_OUT) if LEFT_OUT in table.headers else [""] * len(table.rows)
    for row, line in enumerate(table.lines):
        reason: Json | None = None
        if because[row]:
            reason = {"reason": "excluded-run", "column": None, "found": because[row]}
        else:
            for name, factor in declared.factors.items():
                level = str(factors[name][row])
                if level not in factor.levels:
                    reason = {"reason": "level-not-declared", "column": name, "found": level or None}
                    break
        if reason is not None:
            used[row] = False
            cell = cell_json(declared, {name: str(levels[row]) for name, levels in factors.items()})
            left_out.append({"line": line, "source": _source(table, row), "cell": cell} | reason)


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


def _exclude(place: str, declared: StudyFile, runs: Runs, rule: Exclusion) -> Json:
    """Apply one rule; what it left out, with the value it was chosen by."""
    rows = np.flatnonzero(matching(runs, rule))
    if rule.drop:
        values = runs.values[rule.by][rows]
        rows, values = rows[np.isfinite(values)], values[np.isfinite(values)]
        if rows.size < rule.drop:
            raise ConfigError(f"{place}.drop: found {rule.drop}, but only {rows.size} runs match; correct the rule")
        rows = rows[np.argsort(-values if rule.which == "highest" else values, kind="stable")[: rule.drop]]
    runs.used[rows] = False
    drop = {"n": rule.drop, "which": rule.which, "by": rule.by} if rule.drop else None
    unit = declared.responses[rule.by].unit if rule.by else None
    listed = [
        row_json(declared, runs, int(row))
        | {"value": float(runs.values[rule.by][row]) if rule.by else None, "unit": unit}
        for row in rows
    ]
    return {"reason": rule.reason, "filter": filter_json(rule), "drop": drop, "n": len(listed), "rows": listed}


def filter_json(part: Filtered) -> list[Json]:
    """A filter, condition by condition."""
    found: list[Json] = [{"column": name, "levels": list(levels)} for name, levels in part.where.items()]
    found += [{"column": name, "above": bound} for name, bound in part.above.items()]
    return found + [{"column": name, "below": bound} for name, bound in part.below.items()]


def cell_json(declared: StudyFile, levels: Mapping[str, str]) -> Json:
    """A combination of levels and how it is called."""
    label = ", ".join(declared.factors[name].label(level) for name, level in levels.items())
    return {"levels": dict(levels), "label": label}


def row_json(declared: StudyFile, runs: Runs, row: int) -> Json:
    """Where a row stands and which combination of levels it is of."""
    cell = cell_json(declared, {name: str(levels[row]) for name, levels in runs.factors.items()})
    return {"line": runs.table.lines[row], "source": _source(runs.table, row), "cell": cell}


def _source(table: Table, row: int) -> str:
    """A row's run: campaign and run folder, or the table's name."""
    if "folder" in table.headers and LEFT_OUT in table.headers:
        cells = dict(zip(table.headers, table.rows[row], strict=True))
        return f"{cells['campaign']}/{cells['folder']}"
    return table.name
