"""The text of an `nvidia-smi --query-gpu=... --format=csv` log -> its rows: stamps, cells by nvidia-smi's own names.

Knows encodings, headers in both spellings and any order, stamps, units, what nvidia-smi prints where it has no value,
and what happens to the end of a file. Knows no board, no power and no run folder.

Decisions
- The header names the columns, wherever it stands among the first lines; a name stands for the query's aliases
  (`nvidia-smi --help-query-gpu`), a unit in brackets is compared with the one that the column has.
- Lines above the header, and lines in which the tool says that a query failed, are left out and noted. So are a header
  that stands there again (a logger that was restarted appends) and rows that are there already, byte by byte.
- The last row counts only where it shows that it is whole: it ends in a newline, or in the unit of its last column, or
  in a bracket. A number could have lost its last digits. The same goes for a row before a header that stands again.
- Stamps are the wall clock as written. An offset behind them is kept for the note and must not change in a file.
- A stamp with another number of decimals than 0, 3, 6 or 9 was cut.
"""

import codecs
import csv
import gzip
import re
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from pathlib import Path

from harness.foreign.importers.imported import GZIP, SECOND_NS, SourceFile, decoded, foreign_form, listed
from harness.record.errors import ImportFileError

ALIASES = {
    "gpu_name": "name", "gpu_uuid": "uuid", "gpu_serial": "serial", "gpu_bus_id": "pci.bus_id", "gpu_index": "index",
    "clocks.gr": "clocks.current.graphics", "clocks.sm": "clocks.current.sm", "clocks.mem": "clocks.current.memory",
    "clocks.video": "clocks.current.video", "pcie.link.gen.current": "pcie.link.gen.gpucurrent",
    "clocks_throttle_reasons.active": "clocks_event_reasons.active",
    "gpu_usage": "utilization.gpu", "gpu_memory_usage": "utilization.memory", "gpu_total_memory": "memory.total",
    "gpu_memory_used": "memory.used", "gpu_power_draw": "power.draw", "gpu_max_power": "power.max_limit",
    "gpu_temperature": "temperature.gpu",
}  # fmt: skip
"""Other names of a column: those that nvidia-smi knows itself, and those of older loggers."""
POWERS = ("power.draw.instant", "power.draw", "power.draw.average")
"""What a power may be called, the one that is used first: the first is a momentary value on every board."""
UNITS = {"MB": "MiB", "w": "W", "c": "C", "°C": "C"}
"""Spellings of units; MB is what old drivers print for MiB."""
HEAD_BYTES = 16 * 1024
HEADER_WITHIN = 10
"""A header that stands below so many lines is none."""
STATEMENTS = (
    "unable to determine the device handle", "failed to initialize nvml", "no devices were found", "gpu is lost",
    "nvidia-smi has failed", "unknown error", "reboot the system",
)  # fmt: skip
"""What nvidia-smi prints instead of rows when it cannot ask."""
_STAMP = re.compile(
    r"(\d{4}([-/])\d{2}\2\d{2})[ T](\d{2}:\d{2}:\d{2})(?:\.(\d{9}|\d{6}|\d{3}))?(Z|[+-]\d{2}:?\d{2})?", re.ASCII
)
_NAME = re.compile(r"([\w.]+)(?: ?\[([^\]]*)\])?")
_VALUE = re.compile(r"(-?\d+(?:\.\d+)?)(?: ?(%|[A-Za-z°]+))?", re.ASCII)
_ABSENT = re.compile(r"\[[^\]]*\]|N/A|ERR!?|nan|none|-|", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Column:
    """A column by nvidia-smi's long name, and its unit: of its header, else of the cells (empty: none)."""

    name: str
    unit: str


@dataclass(frozen=True, slots=True)
class LogRow:
    """One row: its line, its stamp (source-wall ns), its cells as text."""

    line: int
    time_ns: int
    cells: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class LogText:
    """A log read: line of its header, columns, rows as they stand, what was left out as (code, sentence), lines that
    were cut off, how many rows stand there twice in a row, the offset of its clock as written (empty: none)."""

    header_line: int
    columns: tuple[Column, ...]
    rows: tuple[LogRow, ...]
    notes: tuple[tuple[str, str], ...]
    cut_lines: tuple[int, ...]
    repeated: int
    offset: str

    def place(self, name: str) -> int | None:
        """Where a column stands; None without it."""
        return next((at for at, column in enumerate(self.columns) if column.name == name), None)


def is_log(path: Path) -> bool:
    """Whether the first lines of a file have the header of such a log; one that cannot be read is left to `read_log` to
    refuse."""
    try:
        with path.open("rb") as file:
            head = file.read(HEAD_BYTES)
        if head.startswith(GZIP):
            with gzip.open(path) as packed:
                head = packed.read(HEAD_BYTES)
    except (OSError, EOFError, zlib.error):
        return True
    return _find_header(decoded(head.removeprefix(codecs.BOM_UTF8)).split("\n")[:HEADER_WITHIN]) is not None


def read_log(source: SourceFile) -> LogText:
    """The rows of a log.

    Raises:
        ImportFileError: no such log, a damaged line; with file and line.
    """
    reader = _Reader(source)
    rows = reader.rows()
    return LogText(
        reader.header_line, reader.columns, tuple(rows), tuple(reader.notes()), tuple(reader.cut), reader.repeated,
        reader.offset,
    )  # fmt: skip


@lru_cache(maxsize=16384)
def number_of(text: str, unit: str) -> float | None:
    """The value of a cell in a unit; NaN where nvidia-smi had none, None where it is no such value."""
    match = _VALUE.fullmatch(text)
    if match is None:
        return float("nan") if _ABSENT.fullmatch(text) else None
    return None if match[2] and unit_of(match[2]) != unit else float(match[1])


def unit_of(text: str) -> str:
    """A unit in one spelling."""
    return UNITS.get(text, text)


class _Reader:
    """Reads a log line by line and remembers what it leaves out."""

    def __init__(self, source: SourceFile) -> None:
        self.source = source
        self._lines = [line.strip("\r\ufeff") for line in decoded(source.content).split("\n")]
        header = _find_header(self._lines[:HEADER_WITHIN])
        if header is None:
            raise self._no_header()
        self._first, self._separator, names = header
        self.header_line = self._first + 1
        self.columns = tuple(_columns(source, self.header_line, names))
        self._line_of_header = self._lines[self._first].strip()
        self._stamp = [column.name for column in self.columns].index("timestamp")
        self.cut: list[int] = []
        self.repeated = 0
        self.offset = ""
        self._again: list[int] = []
        self._doubled: list[int] = []
        self._said: list[int] = []
        self._above = [nr for nr, line in enumerate(self._lines[: self._first], 1) if line.strip()]
        self._offsets: dict[str, int] = {}

    def rows(self) -> list[LogRow]:
        """The rows that count."""
        self._refuse_rows_above()
        found: list[LogRow] = []
        seen: set[str] = set()
        last = max(number for number, line in enumerate(self._lines, 1) if line.strip())
        for number, line in enumerate(self._lines[self._first + 1 :], self._first + 2):
            cells = self._split(line)
            if cells == [""] or self._is_no_row(number, line, cells):
                continue
            if line in seen:
                self._doubled.append(number)
                self.repeated += line == self._lines[number - 2]
                continue
            if (number == last and not self._is_whole(number, cells)) or self._is_before_header(number, cells):
                self.cut.append(number)
                continue
            seen.add(line)
            found.append(self._row(number, line, cells))
        if len(self._offsets) > 1:
            raise self._changed_offset()
        self.offset = next(iter(self._offsets), "")
        return found

    def notes(self) -> Iterator[tuple[str, str]]:
        """What was left out and is no row, as (code, sentence)."""
        if self._above:
            yield "rows-left-out", f"{_lines(self._above)} above the header: left out"
        if self._again:
            yield (
                "rows-left-out",
                f"the header stands again at {_lines(self._again)}, as where a logger is started again",
            )
        if self._doubled:
            yield "rows-left-out", f"{_lines(self._doubled)}: rows that stand there already; counted once"
        if self._said:
            first = self._lines[self._said[0] - 1].strip()
            yield "query-failed", f"{_lines(self._said)}: nvidia-smi says {first!r:.80} instead of a row"

    def _is_no_row(self, number: int, line: str, cells: Sequence[str]) -> bool:
        """Whether a line is a header again, with or without half a row before it, or a sentence of the tool."""
        if line.strip() == self._line_of_header:
            self._again.append(number)
            return True
        if line.endswith(self._line_of_header):
            self._again.append(number)
            self.cut.append(number)
            return True
        if len(cells) != len(self.columns) and any(said in line.lower() for said in STATEMENTS):
            self._said.append(number)
            return True
        return False

    def _is_whole(self, number: int, cells: Sequence[str]) -> bool:
        """Whether the last row was written to its end."""
        if len(cells) != len(self.columns):
            return False
        unit = self.columns[-1].unit or self._unit_of_cells()
        value = _VALUE.fullmatch(cells[-1])
        in_its_unit = bool(value and value[2] and unit_of(value[2]) == unit)
        return number < len(self._lines) or in_its_unit or cells[-1].endswith("]")

    def _unit_of_cells(self) -> str:
        """The unit of the last column as the first row has it, where the header names none."""
        first = next((line for line in self._lines[self._first + 1 :] if line.strip()), "")
        match = _VALUE.fullmatch(self._split(first)[-1])
        return unit_of(match[2] or "") if match else ""

    def _is_before_header(self, number: int, cells: Sequence[str]) -> bool:
        """Whether a short row stands right before a header: the logger was stopped in mid-line, and started again."""
        if len(cells) >= len(self.columns):
            return False
        following = next((line for line in self._lines[number:] if line.strip()), "")
        return following.strip() == self._line_of_header

    def _row(self, number: int, line: str, cells: Sequence[str]) -> LogRow:
        where = f"{self.source.path}:{number}"
        if len(cells) != len(self.columns):
            if _is_header(cells):
                raise ImportFileError(f"{where}: another header, {line.strip()!r:.80}; split the file at this line")
            raise ImportFileError(
                f"{where}: found {len(cells)} fields in {line!r:.60}, expected {len(self.columns)} as in the header; "
                "the line is damaged"
            )
        stamp = cells[self._stamp]
        match = _STAMP.fullmatch(stamp)
        begin_s = None if match is None else _seconds(match[1].replace("/", "-"), match[3])
        if match is None or begin_s is None:
            raise ImportFileError(
                f"{where}: found the time {stamp!r:.40}, expected one like '2023/03/08 14:56:21.991' or "
                "'2022-12-05 09:55:42.535'"
            )
        self._offsets.setdefault(match[5] or "", number)
        time_ns = begin_s * SECOND_NS + int((match[4] or "0").ljust(9, "0"))
        return LogRow(number, time_ns, tuple(cells))

    def _split(self, line: str) -> list[str]:
        if '"' in line:
            line_cells = next(csv.reader([line], delimiter=self._separator, skipinitialspace=True), [])
        else:
            line_cells = line.split(self._separator)
        return [cell.strip() for cell in line_cells]

    def _refuse_rows_above(self) -> None:
        for number in self._above:
            cells = self._split(self._lines[number - 1])
            if len(cells) == len(self.columns) > 1 and any(_STAMP.match(cell) for cell in cells):
                raise ImportFileError(
                    f"{self.source.path}:{number}: a row stands above the header of line {self.header_line}; was the "
                    "log begun without a header? Put the header on top"
                )

    def _no_header(self) -> ImportFileError:
        number, line = next((nr, line) for nr, line in enumerate(self._lines, 1) if line.strip())
        if form := foreign_form("\n".join(self._lines)):
            return ImportFileError(f"{self.source.path}:{number}: found {form}")
        power = any(name in line for name in (*POWERS, "gpu_power_draw"))
        lacks = "timestamp" if power or "timestamp" not in line else "power.draw"
        what = "no header" if _STAMP.search(line) else f"no column {lacks!r}"
        return ImportFileError(
            f"{self.source.path}:{number}: {what} in {line.strip()!r:.80}; expected a log of "
            "nvidia-smi --query-gpu=timestamp,power.draw,... --format=csv, with its header line"
        )

    def _changed_offset(self) -> ImportFileError:
        (first, _), (other, number) = list(self._offsets.items())[:2]
        return ImportFileError(
            f"{self.source.path}:{number}: the clock's offset changes from {first or 'none'!r} to {other or 'none'!r} "
            "(summer time, or files joined); split the file at this line"
        )


def _lines(numbers: Sequence[int]) -> str:
    return f"line{'s' if len(numbers) > 1 else ''} {listed(numbers)}"


def _find_header(lines: Sequence[str]) -> tuple[int, str, list[str]] | None:
    """Place, separator and cells of the header; None without one."""
    for at, line in enumerate(lines):
        for separator in (",", ";", "\t"):
            cells = [cell.strip().strip('"').strip() for cell in line.split(separator)]
            if _is_header(cells):
                return at, separator, cells
    return None


def _is_header(cells: Sequence[str]) -> bool:
    names = {_name(cell) for cell in cells}
    return "timestamp" in names and not names.isdisjoint(POWERS)


def _name(cell: str) -> str:
    """nvidia-smi's long name of a header's cell."""
    match = _NAME.fullmatch(cell.strip().strip('"').strip())
    plain = match[1].lower() if match else cell
    return ALIASES.get(plain, plain)


def _columns(source: SourceFile, line: int, cells: Sequence[str]) -> Iterator[Column]:
    names = [_name(cell) for cell in cells]
    for name, cell in zip(names, cells, strict=True):
        if names.count(name) > 1 and (name in POWERS or name in ("timestamp", "index", "uuid", "pci.bus_id")):
            raise ImportFileError(f"{source.path}:{line}: the column {name!r} stands there twice; leave one out")
        match = _NAME.fullmatch(cell)
        unit = unit_of(match[2]) if match and match[2] else ""
        if name in POWERS and unit not in ("", "W"):
            raise ImportFileError(f"{source.path}:{line}: {name} stands there in {unit!r:.20}, expected W")
        yield Column(name, unit)


@lru_cache(maxsize=8)
def _day_s(day: str) -> int | None:
    try:
        return int(datetime.fromisoformat(day).replace(tzinfo=UTC).timestamp())
    except ValueError:
        return None


@lru_cache(maxsize=8)
def _seconds(day: str, clock: str) -> int | None:
    """Seconds since 1970 of a wall clock; None where there is no such moment."""
    hour, minute, second = (int(part) for part in clock.split(":"))
    day_s = _day_s(day)
    if day_s is None or hour > 23 or minute > 59 or second > 59:
        return None
    return day_s + hour * 3600 + minute * 60 + second
