"""OSCAR's power files: GridVis, KEcoLab and the handbook, GUDE raw, the lab's mobile meter.

Knows their forms (formats.md, docs/importing.md). Knows no run.

Decisions
- GUDE's raw log (`<epoch microseconds> <W>`) and the mobile meter's (`Zeit;Wert 1-avg[W]`, ISO stamps, two fields) hold
  what the strip said at one moment, whatever the column is called: instantaneous. GUDE's stamps are UTC.
- GridVis, KEcoLab and the handbook's form hold means of a second. GridVis does not say whether its stamps mark the end
  or the start of a window: the descriptor says `unknown`.
- The resolution is what the decimals show, where every value has as many; a program that drops zeros, or writes means
  and products with all the digits it has (the mobile meter's), shows none.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from harness.foreign.importers.remarks import Remark
from harness.foreign.importers.source import SourceFile, lines_of
from harness.foreign.importers.stamps import CLOCK, SECOND_NS, Stamps
from harness.foreign.importers.text_table import (
    ABSENT,
    StampForm,
    TextTable,
    Values,
    read_table,
    require_rising,
    times_of,
)
from harness.record.errors import ImportFileError

Kind = Literal["power-gridvis", "power-kecolab", "power-mobile", "power-gude"]
DAY_FIRST = StampForm(
    re.compile(r"(?P<day>\d\d)\.(?P<month>\d\d)\.(?P<year>\d\d), " + CLOCK, re.ASCII), "25.01.24, 12:00:00"
)
ISO = StampForm(
    re.compile(r"(?P<year>\d{4})-(?P<month>\d\d)-(?P<day>\d\d) " + CLOCK + r"(?:\.(?P<part>\d{1,9}))?", re.ASCII),
    "2022-05-21 17:52:22.838772",
)
_GUDE = re.compile(r"\d{16}(?: | ?; ?)\S+ ?", re.ASCII)
_MICROSECONDS = re.compile(r"[1-8]\d{15}", re.ASCII)
_AVERAGE = re.compile(r"avg\s*\[(.*)\]")


@dataclass(frozen=True, slots=True)
class Power:
    """A power file: source-wall ns and W (NaN: none) per row, and how it was written. `is_utc`: its stamps are UTC."""

    source: SourceFile
    times_ns: Stamps
    power_w: Values
    title: str
    driver: str
    averaging: Literal["window", "instantaneous"]
    resolution_w: float | None
    is_utc: bool
    remarks: tuple[Remark, ...]


def power_kind(lines: Sequence[str]) -> Kind | None:
    """Which of the forms a file has, by its first lines."""
    at = _header_line(lines)
    if at is None:
        return "power-gude" if lines and _GUDE.fullmatch(lines[0]) else None
    if _header(lines[at])[0] == "Nummer":
        return "power-gridvis"
    return "power-mobile" if at + 1 < len(lines) and _is_mobile(lines[at + 1]) else "power-kecolab"


def is_headless(line: str) -> bool:
    """Whether a line is one of these files' without their header."""
    cells = [cell.strip(' "') for cell in line.split(";")]
    at = next(
        (n for n, cell in enumerate(cells[:2]) if any(form.pattern.fullmatch(cell) for form in (DAY_FIRST, ISO))), None
    )
    return at is not None and bool(re.fullmatch(r"-?\d+([.,]\d+)?", [*cells, ""][at + 1]))


def _header_line(lines: Sequence[str]) -> int | None:
    """Index of the line with `Zeit` and a value in brackets: the first, or the one behind a title."""
    return next((n for n, line in enumerate(lines[:5]) if "Zeit" in _header(line) and "[" in line), None)


def _header(line: str) -> list[str]:
    cells = [cell.strip(' "') for cell in line.split(";")]
    while cells and not cells[-1]:
        cells.pop()
    return cells


def _is_mobile(line: str) -> bool:
    cells = _header(line)
    return len(cells) <= 2 and bool(ISO.pattern.fullmatch(cells[0] if cells else ""))


def read_power(source: SourceFile) -> Power:
    """A power file of one of the forms (`power_kind` says which); stamps as they are.

    Raises:
        ImportFileError: no column in W, a line that cannot be read, time that goes back.
    """
    lines = lines_of(source)
    kind, at = power_kind(lines), _header_line(lines)
    if at is None:
        return _read_gude(source, lines)
    header = _header(lines[at])
    average = _average(source, at, header)
    # KEcoLab's header lacks the number's column, its rows have it; R writes it as an empty name.
    shift = 1 if kind == "power-kecolab" and header[0] == "Zeit" else 0
    places = [header.index("Zeit") + shift, average + shift]
    table = read_table(source, lines, at + 1, places, ";", len(header) + shift)
    times_ns = times_of(table, table.cells[0], [ISO] if kind == "power-mobile" else [DAY_FIRST, ISO])
    require_rising(table, times_ns)
    mobile = kind == "power-mobile"
    power_w, remarks = _watts(table)
    return Power(
        source, times_ns, power_w, lines[0].strip() if at else "", f"oscar {kind}",
        "instantaneous" if mobile else "window", None if mobile else _resolution_w(table), False, remarks,
    )  # fmt: skip


def _watts(table: TextTable) -> tuple[Values, tuple[Remark, ...]]:
    """The column of power, NaN where a row has none, and what has to be said of it."""
    power_w = table.numbers_of(1)
    missing = np.flatnonzero(np.isnan(power_w))
    if missing.size == power_w.size:
        raise ImportFileError(f"{table.where(0)}: no row has a power; export the file again")
    if not missing.size:
        return power_w, table.remarks
    many = f", {missing.size} rows in all" if missing.size > 1 else ""
    words = f"no power in this row ({table.cells[1][missing[0]]!r}){many}; a gap"
    return power_w, (*table.remarks, Remark("no-power", table.source, table.numbers[missing[0]], words))


def _average(source: SourceFile, at: int, header: Sequence[str]) -> int:
    """Index of the column with the mean power."""
    units = {place: match[1] for place, cell in enumerate(header) if (match := _AVERAGE.search(cell))}
    if "W" in units.values():
        return next(place for place, unit in units.items() if unit == "W")
    if units:
        place, unit = next(iter(units.items()))
        raise ImportFileError(
            f"{source.path}:{at + 1}: the column {header[place]!r} is in {unit or 'no unit'}, expected one in W; "
            "export it in W"
        )
    raise ImportFileError(f"{source.path}:{at + 1}: no column '...-avg[W]' in {'; '.join(header)!r:.90}")


def _resolution_w(table: TextTable) -> float | None:
    decimals = {len(re.split("[.,]", text + ".")[1]) for text in set(table.cells[1]) - ABSENT}
    return float(10.0 ** -decimals.pop()) if len(decimals) == 1 else None


def _read_gude(source: SourceFile, lines: Sequence[str]) -> Power:
    """`<epoch microseconds> <W>`, a blank or a semicolon between."""
    separator = ";" if ";" in lines[0] else " "
    table = read_table(source, lines, 0, [0, 1], separator, 2)
    odd = next((row for row, text in enumerate(table.cells[0]) if not _MICROSECONDS.fullmatch(text)), None)
    if odd is not None:
        raise ImportFileError(
            f"{table.where(odd)}: found the time {table.cells[0][odd]!r:.40}, expected microseconds since 1970 like "
            "'1661611923019071'"
        )
    times_ns = np.array(table.cells[0], dtype=np.int64) * (SECOND_NS // 1_000_000)
    require_rising(table, times_ns)
    power_w, remarks = _watts(table)
    return Power(
        source, times_ns, power_w, "GUDE raw log", "oscar power-gude", "instantaneous", _resolution_w(table), True,
        remarks,
    )  # fmt: skip
