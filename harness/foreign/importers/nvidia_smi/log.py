"""The text of an `nvidia-smi --query-gpu=... --format=csv` log -> its rows: stamps, cells by nvidia-smi's own names.

Knows encodings, headers in both spellings and any order, stamps, and what happens to lines and to the end of a file.
Knows no board, no power and no run folder.

Decisions
- The header names the columns, wherever it stands among the first lines; a name stands for the query's aliases
  (`nvidia-smi --help-query-gpu`), a unit in brackets is compared with the one that the column has.
- Lines above the header, and lines in which the tool says that a query failed, are left out and noted. So are a header
  that stands there again (a logger that was restarted appends) and rows that are there already, byte by byte.
- The last row counts only where it shows that it is whole: it ends in a newline, or in the unit of its last column, or
  in a bracket. A number could have lost its last digits. The same goes for a row before a header that stands again.
- Stamps are the wall clock as written. An offset behind them is kept for the note and must not change in a file.
- A stamp with another number of decimals than 0, 3, 6 or 9 was cut.
- Lines with as many separators as the header, each the first of its kind, are rows and are read together, column by
  column. Every other line is looked at by itself; of several faults the first in the file is named.
"""

import codecs
import csv
import gzip
import re
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from harness.foreign.importers.nvidia_smi.cells import Cells, CellTable, Places
from harness.foreign.importers.nvidia_smi.fields import FACTS, INDICATORS, POWERS, Column, column_of, long_name, unit_in
from harness.foreign.importers.remarks import listed
from harness.foreign.importers.source import GZIP, SourceFile, decoded, foreign_form
from harness.foreign.importers.stamps import CLOCK, StampColumn, Stamps, read_stamps
from harness.record.errors import ImportFileError

TIMESTAMP = "timestamp"
HEAD_BYTES = 16 * 1024
SEPARATORS = (",", ";", "\t")
HEADER_WITHIN = 10
"""A header that stands below so many lines is none."""
STATEMENTS = (
    "unable to determine the device handle", "failed to initialize nvml", "no devices were found", "gpu is lost",
    "nvidia-smi has failed", "unknown error", "reboot the system",
)  # fmt: skip
"""What nvidia-smi prints instead of rows when it cannot ask."""
_POWER_OF_OTHERS = re.compile("power|watt", re.IGNORECASE)
_STAMP = re.compile(
    r"(?P<year>\d{4})(?P<mark>[-/])(?P<month>\d\d)(?P=mark)(?P<day>\d\d)[ T]"
    + CLOCK
    + r"(?:\.(?P<part>\d{9}|\d{6}|\d{3}))?(?P<offset>Z|[+-]\d\d:?\d\d)?",
    re.ASCII,
)


@dataclass(frozen=True)
class Rows:
    """Rows: their lines, stamps (source-wall ns), and cells."""

    lines: Places
    times_ns: Stamps
    table: CellTable
    _cells: dict[int, Cells] = field(default_factory=dict, repr=False)

    def cells(self, at: int) -> Cells:
        """A column; one that nobody asks for costs nothing."""
        if at not in self._cells:
            self._cells[at] = self.table.cells(at)
        return self._cells[at]

    def __len__(self) -> int:
        """How many there are."""
        return self.lines.size

    def taken(self, places: Sequence[int]) -> "Rows":
        """Those at some places."""
        return Rows(self.lines[places], self.times_ns[places], self.table.taken(places))


@dataclass(frozen=True, slots=True)
class LogText:
    """A log read: line of its header, columns, rows as they stand, what was left out as (code, sentence), lines that
    were cut off, how many rows stand there twice in a row, the offset of its clock as written (empty: none)."""

    header_line: int
    columns: tuple[Column, ...]
    rows: Rows
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
        reader.header_line, reader.columns, rows, tuple(reader.notes()), tuple(reader.cut), reader.repeated,
        reader.offset,
    )  # fmt: skip


class _Reader:
    """Reads a log and remembers what it leaves out. Places count from 0, lines from 1."""

    def __init__(self, source: SourceFile) -> None:
        self.source = source
        text = decoded(source.content)
        self._lines = text.split("\n")
        if "\r" in text or "\ufeff" in text:
            self._lines = [line.strip("\r\ufeff") for line in self._lines]
        header = _find_header(self._lines[:HEADER_WITHIN])
        if header is None:
            raise self._no_header()
        first, self._separator, names = header
        self.header_line = self._begin = first + 1
        self.columns = tuple(_columns(source, self.header_line, names))
        self._line_of_header = self._lines[first].strip()
        self._telling = [mark for mark, most in (('"', 0), (self._line_of_header, 1)) if text.count(mark) > most]
        self._stamp = [column.name for column in self.columns].index(TIMESTAMP)
        self.cut: list[int] = []
        self.repeated = 0
        self.offset = ""
        self._again: list[int] = []
        self._doubled: list[int] = []
        self._statements: list[int] = []
        self._above = [number for number, line in enumerate(self._lines[:first], 1) if line.strip()]

    def rows(self) -> Rows:
        """The rows that count."""
        self._refuse_rows_above()
        places, damaged = self._places()
        lines = [self._lines[place] for place in places]
        table = CellTable.of_lines(lines, self._separator, len(self.columns), self._split)
        texts = table.texts(self._stamp)
        stamps = read_stamps(texts, _STAMP)
        if stamps.odd is not None:
            raise self._no_stamp(places[stamps.odd] + 1, texts[stamps.odd])
        if damaged is not None:
            raise self._damage(damaged + 1)
        if len(stamps.offsets) > 1:
            raise self._changed_offset(places, stamps)
        self.offset = next(iter(stamps.offsets), "")
        return Rows(np.array(places, dtype=np.intp) + 1, stamps.times_ns, table)

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
        if self._statements:
            first = self._lines[self._statements[0] - 1].strip()
            yield "query-failed", f"{_lines(self._statements)}: nvidia-smi says {first!r:.80} instead of a row"

    def _places(self) -> tuple[list[int], int | None]:
        """Where rows stand, up to the first line that is damaged, and where that stands."""
        last = next(place for place in reversed(range(len(self._lines))) if self._lines[place].strip())
        doubled = self._repetitions()
        no_rows: set[int] = set()
        for place in sorted(self._odd(last) | doubled):
            is_row = self._is_row(place, last, doubled)
            if is_row is None:
                return [row for row in range(self._begin, place) if row not in no_rows], place
            if not is_row:
                no_rows.add(place)
        return [row for row in range(self._begin, len(self._lines)) if row not in no_rows], None

    def _odd(self, last: int) -> set[int]:
        """Where lines stand that cannot be told to be rows by counting: with another number of separators, quotes, the
        words of the header; and the last one."""
        separator, count = self._separator, len(self.columns) - 1
        body = self._lines[self._begin :]
        odd = {place for place, line in enumerate(body, self._begin) if line.count(separator) != count}
        for text in self._telling:
            odd |= {place for place, line in enumerate(body, self._begin) if text in line}
        return odd | ({last} if last >= self._begin else set())

    def _repetitions(self) -> set[int]:
        """Where lines stand that stand in the body before, byte by byte."""
        body = self._lines[self._begin :]
        if len(set(body)) == len(body):
            return set()
        seen, again = set[str](), set[int]()
        for place, line in enumerate(body, self._begin):
            if line in seen:
                again.add(place)
            seen.add(line)
        return again

    def _is_row(self, place: int, last: int, doubled: set[int]) -> bool | None:
        """Whether a line counts as a row; None where it is damaged. What is left out is remembered."""
        number, line = place + 1, self._lines[place]
        cells = self._split(line)
        whole = len(cells) == len(self.columns)
        if cells == [""] or self._is_no_row(number, line, cells):
            return False
        if whole and place in doubled:
            self._doubled.append(number)
            self.repeated += line == self._lines[place - 1]
            return False
        if (place == last and not self._is_whole(number, cells)) or self._is_before_header(number, cells):
            self.cut.append(number)
            return False
        return True if whole else None

    def _is_no_row(self, number: int, line: str, cells: Sequence[str]) -> bool:
        """Whether a line is a header again, with or without half a row before it, or a sentence of the tool."""
        if line.strip() == self._line_of_header:
            self._again.append(number)
            return True
        if line.endswith(self._line_of_header):
            self._again.append(number)
            self.cut.append(number)
            return True
        if len(cells) != len(self.columns) and any(words in line.lower() for words in STATEMENTS):
            self._statements.append(number)
            return True
        return False

    def _is_whole(self, number: int, cells: Sequence[str]) -> bool:
        """Whether the last row was written to its end."""
        if len(cells) != len(self.columns):
            return False
        unit = self.columns[-1].unit or self._unit_of_cells()
        in_its_unit = unit_in(cells[-1]) == unit != ""
        return number < len(self._lines) or in_its_unit or cells[-1].endswith("]")

    def _unit_of_cells(self) -> str:
        """The unit of the last column as the first row has it, where the header names none."""
        first = next((line for line in self._lines[self._begin :] if line.strip()), "")
        return unit_in(self._split(first)[-1])

    def _is_before_header(self, number: int, cells: Sequence[str]) -> bool:
        """Whether a short row stands right before a header: the logger was stopped in mid-line, and started again."""
        if len(cells) >= len(self.columns):
            return False
        following = next((line for line in self._lines[number:] if line.strip()), "")
        return following.strip() == self._line_of_header

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

    def _damage(self, number: int) -> ImportFileError:
        where, line = f"{self.source.path}:{number}", self._lines[number - 1]
        cells = self._split(line)
        if _is_header(cells):
            return ImportFileError(f"{where}: another header, {line.strip()!r:.80}; split the file at this line")
        return ImportFileError(
            f"{where}: found {len(cells)} fields in {line!r:.60}, expected {len(self.columns)} as in the header; the "
            "line is damaged"
        )

    def _no_stamp(self, number: int, text: str) -> ImportFileError:
        return ImportFileError(
            f"{self.source.path}:{number}: found the time {text!r:.40}, expected one like '2023/03/08 14:56:21.991' or "
            "'2022-12-05 09:55:42.535'"
        )

    def _no_header(self) -> ImportFileError:
        number, line = next((nr, line) for nr, line in enumerate(self._lines, 1) if line.strip())
        if form := foreign_form("\n".join(self._lines)):
            return ImportFileError(f"{self.source.path}:{number}: found {form}")
        where, expected = f"{self.source.path}:{number}", "expected a log of nvidia-smi "
        expected += "--query-gpu=timestamp,power.draw,... --format=csv, with its header line"
        if _STAMP.search(line):
            return ImportFileError(
                f"{where}: no header in {line.strip()!r:.80}; {expected} (was it logged with noheader?): put the names "
                "that were asked for on top of it, in their order, such as 'timestamp, index, power.draw [W]'"
            )
        if not any(character.isalpha() for character in line):
            return ImportFileError(f"{where}: no header and no time in {line.strip()!r:.80}; {expected}: log it again")
        power = any(name in line for name in (*POWERS, "gpu_power_draw"))
        lacks = "timestamp" if power or "timestamp" not in line else "power.draw"
        other = "; the table of another logger is read by `wattlab import power-csv`"
        other = other if not power and _is_of_another_logger(line) else ""
        return ImportFileError(f"{where}: no column {lacks!r} in {line.strip()!r:.80}; {expected}{other}")

    def _changed_offset(self, places: Sequence[int], stamps: StampColumn) -> ImportFileError:
        (first, _), (other, row) = list(stamps.offsets.items())[:2]
        return ImportFileError(
            f"{self.source.path}:{places[row] + 1}: the clock's offset changes from {first or 'none'!r} to "
            f"{other or 'none'!r} (summer time, or files joined); split the file at this line"
        )


def _lines(numbers: Sequence[int]) -> str:
    return f"line{'s' if len(numbers) > 1 else ''} {listed(numbers)}"


def _find_header(lines: Sequence[str]) -> tuple[int, str, list[str]] | None:
    """Place, separator and cells of the header; None without one."""
    for at, line in enumerate(lines):
        for separator in SEPARATORS:
            cells = [cell.strip().strip('"').strip() for cell in line.split(separator)]
            if _is_header(cells):
                return at, separator, cells
    return None


def _is_of_another_logger(line: str) -> bool:
    """Whether a line is the header of a table of power, but not of nvidia-smi's."""
    separator = next((mark for mark in SEPARATORS if mark in line), None)
    names = {long_name(cell) for cell in line.split(separator)} if separator else set[str]()
    return bool(names) and (_POWER_OF_OTHERS.search(line) is not None or names.isdisjoint((*INDICATORS, *FACTS)))


def _is_header(cells: Sequence[str]) -> bool:
    names = {long_name(cell) for cell in cells}
    return TIMESTAMP in names and not names.isdisjoint(POWERS)


def _columns(source: SourceFile, line: int, cells: Sequence[str]) -> Iterator[Column]:
    columns = [column_of(cell) for cell in cells]
    names = [column.name for column in columns]
    for name, unit in ((column.name, column.unit) for column in columns):
        if names.count(name) > 1 and (name in POWERS or name in (TIMESTAMP, "index", "uuid", "pci.bus_id")):
            raise ImportFileError(f"{source.path}:{line}: the column {name!r} stands there twice; leave one out")
        if name in POWERS and unit not in ("", "W"):
            raise ImportFileError(f"{source.path}:{line}: {name} stands there in {unit!r:.20}, expected W")
        yield Column(name, unit)
