"""CodeCarbon's own file -> rows: which lines can be read, and why another cannot.

Knows headers, separators, short rows, and what goes wrong in files of the world. Knows no campaign, no run and no
clock; what a row means is row.py's.
"""

import csv
import io
import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path

from harness.foreign.importers.source import UTF_16, SourceFile
from harness.foreign.importers.tracker.row import PARTS, Row, adds_up, number_of
from harness.record.errors import ImportFileError

NEEDED = ("timestamp", "duration", "energy_consumed")
OTHERS = (
    "run_id",
    "task_name",
    "emissions",
    "emissions_rate",
    "gpu_count",
    "codecarbon_version",
    "tracking_mode",
    "pue",
)
COLUMNS = frozenset((*NEEDED, *OTHERS, *(f"{part}_{what}" for part in PARTS for what in ("energy", "power"))))
"""All that is read; every cell of them is ASCII, so no encoding matters."""
OF_ECO2AI = ("start_time", "duration(s)", "power_consumption(kWh)")
YEARS = (1970, 2200)
WH_PER_KWH = 1000.0
REPEATS = "repeats line"
DROPS_EMPTY = ("3.2.9", "3.3.0")
SPREADSHEET = (
    "the fields are not parted by commas: a spreadsheet wrote this file, and the parts of this row do not prove that "
    "it left the numbers as they were; give the file that CodeCarbon wrote"
)
RIGHT_FROM = "tracking_mode"
"""The first column that is never empty behind those that may be."""


@dataclass(frozen=True, slots=True)
class Table:
    """What a file holds: the rows that can be read, and line -> why another one cannot."""

    path: Path
    rows: tuple[Row, ...]
    damaged: Mapping[int, str]

    def lost_between(self, earlier: Row, later: Row) -> int | None:
        """A line between two rows whose content is not known."""
        lost = (line for line, why in self.damaged.items() if REPEATS not in why)
        return next((line for line in lost if earlier.line < line < later.line), None)

    def row(self, line: int) -> Row:
        """The row that begins on a line.

        Raises:
            ImportFileError: it cannot be read, or none begins there.
        """
        if line in self.damaged:
            raise ImportFileError(self.damaged[line])
        if row := next((row for row in self.rows if row.line == line), None):
            return row
        raise ImportFileError(f"{self.path}: no row begins on line {line}; the first row is on line 2")


def table_of(source: SourceFile) -> Table:
    """Every row of a CodeCarbon file; a line that cannot be read costs itself alone.

    Raises:
        ImportFileError: not its columns, no row, nothing but lines that cannot be read.
    """
    reading = _Reading(source)
    reading.read()
    if not reading.rows and reading.damaged:
        raise ImportFileError("\n".join(list(reading.damaged.values())[:12]))
    if not reading.rows:
        raise ImportFileError(
            f"{source.path}:2: a header and no row: the tracker was never stopped, so it wrote nothing"
        )
    return Table(source.path, tuple(reading.rows), dict(reading.damaged))


@dataclass(slots=True)
class _Reading:
    """One pass over a file."""

    source: SourceFile
    rows: list[Row] = field(default_factory=list)
    damaged: dict[int, str] = field(default_factory=dict)
    seen: dict[tuple[str, ...], int] = field(default_factory=dict)
    header: list[str] = field(default_factory=list)
    delimiter: str = ","
    other: list[bytes] = field(default_factory=list)
    """The lines of a file that is no UTF-8."""

    def read(self) -> None:
        text = self._text()
        self.delimiter = _delimiter(text)
        reader = csv.reader(io.StringIO(text, newline=""), delimiter=self.delimiter, strict=True)
        line = 1
        try:
            for cells in reader:
                self._line(line, [cell.strip() for cell in cells])
                line = reader.line_num + 1
        except csv.Error as error:
            self.damaged[line] = (
                f"{self.source.path}:{reader.line_num}: no CSV here ({error}), so from line {line} on nothing can be "
                "read; copy the file again"
            )
        if not self.header and not self.damaged:
            _check_header(self.source.path, 1, [])
        if self.rows and not text.endswith(("\n", "\r")):
            self._open_end()

    def _text(self) -> str:
        """Its text. What is read is ASCII, so where it is no UTF-8 it does not matter which letters the others are."""
        if self.source.content.startswith(UTF_16):
            return self.source.content.decode("utf-16", "replace")
        try:
            return self.source.content.decode()
        except UnicodeDecodeError:
            self.other = self.source.content.splitlines()
            return self.source.content.decode("latin-1")

    def _line(self, line: int, cells: list[str]) -> None:
        if not any(cells):
            return
        if not self.header or set(NEEDED) <= set(cells):
            _check_header(self.source.path, line, cells)
            self.header = cells
        elif tuple(cells) in self.seen:
            first = self.seen[tuple(cells)]
            self.damaged[line] = f"{self.source.path}:{line}: {REPEATS} {first} cell by cell; it counts once"
        else:
            self.seen[tuple(cells)] = line
            self._row(line, cells)

    def _row(self, line: int, cells: list[str]) -> None:
        named, ours = _named(self.header, cells), self.delimiter == ","
        row = named and _row(line, named, comma=not ours, short=len(self.header) - len(cells))
        place = f"{self.source.path}:{line}: "
        if row and (ours or adds_up(row)):
            self.rows.append(row)
        elif ours:
            self.damaged[line] = f"{place}{self._encoding(line)}{_of_length(self.header, cells)}"
        else:
            self.damaged[line] = place + SPREADSHEET

    def _encoding(self, line: int) -> str:
        """A word on a line that is no UTF-8."""
        try:
            (self.other[line - 1] if line <= len(self.other) else b"").decode()
        except UnicodeDecodeError:
            return "not UTF-8, and "
        return ""

    def _open_end(self) -> None:
        """A file that ends without a line end may have lost the end of its last number."""
        row, last = self.rows[-1], self.header[-1]
        if last in COLUMNS and row.line not in self.damaged and not ("energy" in last and adds_up(row)):
            remark = f"the file ends without a line end, so the {last} of its last line may be cut short"
            self.rows[-1] = replace(row, remarks=(*row.remarks, remark))


def _delimiter(text: str) -> str:
    """What parts the names of the header."""
    header = text.lstrip().split("\n", 1)[0]
    return next((mark for mark in ";\t" if "," not in header and mark in header), ",")


def _check_header(path: Path, line: int, header: Sequence[str]) -> None:
    missing = [name for name in NEEDED if name not in header]
    twice = sorted(name for name, count in Counter(header).items() if count > 1 and name)
    if missing and set(OF_ECO2AI) <= set(header):
        raise ImportFileError(
            f"{path}:{line}: this is eco2AI's table of runs ({', '.join(OF_ECO2AI)}), which is not read: of trackers' "
            "files only CodeCarbon's emissions.csv is attached to runs. Hold its kWh against the energies of the runs "
            "in `wattlab report` by hand"
        )
    if missing:
        raise ImportFileError(
            f"{path}:{line}: no column {', '.join(missing)}; expected CodeCarbon's emissions.csv (version 1 or newer), "
            f"found {', '.join(header)!r:.120}"
        )
    if twice:
        raise ImportFileError(
            f"{path}:{line}: two columns {twice[0]!r:.60}; files of two versions were joined, give one of them"
        )


def _named(header: Sequence[str], cells: Sequence[str]) -> dict[str, str] | None:
    """Column -> cell; of a short row the columns whose place is proved; None where nothing is."""
    if len(cells) == len(header):
        return dict(zip(header, cells, strict=True))
    return _short(header, cells) if len(cells) < len(header) else None


def _short(header: Sequence[str], cells: Sequence[str]) -> dict[str, str] | None:
    """A row that CodeCarbon 3.2.9 or 3.3.0 appended: the columns up to energy_consumed, none of which is ever empty,
    and those from tracking_mode on. That they stand in their places is proved by the sum of the parts, and by what
    alone a mode and a cloud can be; that it is such a row, by its version."""
    version = next((cell for cell in cells if cell in DROPS_EMPTY), None)
    if version is None or not {*NEEDED, "cpu_energy", RIGHT_FROM, "on_cloud"} <= set(header):
        return None
    left, right = header.index("energy_consumed") + 1, len(header) - header.index(RIGHT_FROM)
    if left + right > len(cells) or header.index("cpu_energy") >= left:
        return None
    named = dict(zip(header[:left], cells[:left], strict=True)) | dict(
        zip(header[-right:], cells[-right:], strict=True)
    )
    fitting = named[RIGHT_FROM] in ("machine", "process") and named["on_cloud"] in ("Y", "N")
    row = _row(0, named, comma=False, short=0)
    if not fitting or not adds_up(row) or row.end is None:
        return None
    return named | {"codecarbon_version": version, "gpu_count": "1" if row.parts_wh.get("gpu") else ""}


def _of_length(header: Sequence[str], cells: Sequence[str]) -> str:
    """Why a row of another length than the header cannot be read."""
    counted = f"found {len(cells)} fields, expected {len(header)} as in the header; "
    version = next((cell for cell in cells if cell in DROPS_EMPTY), None)
    if version is not None and len(cells) < len(header):
        return (
            f"{counted}CodeCarbon {version} leaves empty columns out of the rows that it appends, so it cannot be told "
            "which column each of these is"
        )
    return f"{counted}the line was cut off, or another version appended to this file: give it a header of its own"


def _row(line: int, named: Mapping[str, str], *, comma: bool, short: int) -> Row:
    def number(column: str) -> float:
        return number_of(named.get(column, ""), comma=comma)

    boards = number("gpu_count")
    parts = {part: _wh(number(f"{part}_energy")) for part in PARTS if f"{part}_energy" in named}
    if "gpu" in parts and not (boards > 0 or (parts["gpu"] or 0) > 0):
        parts["gpu"] = None
    remarks = (_of_short(named["codecarbon_version"], short),) if short else ()
    pue_text = named["pue"].replace(",", ".") if comma and "pue" in named else named.get("pue")
    return Row(
        line=line, stamp=named["timestamp"], end=_moment(named["timestamp"]), duration_text=named["duration"],
        duration_s=number("duration"), energy_text=named["energy_consumed"],
        energy_wh=number("energy_consumed") * WH_PER_KWH, parts_wh=parts,
        powers_w={part: number(f"{part}_power") for part in PARTS}, pue_text=pue_text, boards=boards,
        run_id=named.get("run_id", ""), task=named.get("task_name"), mode=named.get("tracking_mode", ""),
        version=named.get("codecarbon_version") or None, rate_s=_rate_s(number("emissions"), number("emissions_rate")),
        remarks=remarks,
    )  # fmt: skip


def _of_short(version: str, short: int) -> str:
    return (
        f"its row is {short} fields short, since CodeCarbon {version} leaves empty columns out of the rows that it "
        "appends; the columns that are read stand in their places: the parts add up to the energy"
    )


def _rate_s(emissions: float, rate: float) -> float:
    return emissions / rate if emissions > 0 and rate > 0 else math.nan


def _wh(kwh: float) -> float | None:
    return kwh * WH_PER_KWH if math.isfinite(kwh) else None


def _moment(text: str) -> datetime | None:
    """A day with a time, of years in which there were trackers or may be."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    return moment if len(text) > len("2026-11-21") and YEARS[0] <= moment.year <= YEARS[1] else None
