"""CodeCarbon's own file -> rows: what each of them says, and whether it can be what it says.

Knows the columns of CodeCarbon 0.0.10 to 3.3.2, what goes wrong in files of the world, and what a row says of itself.
Knows no campaign, no run and no clock.

What CodeCarbon writes (its released code, and files that its releases wrote)
- A row of emissions.csv is the total of an object: `timestamp` when it was written (whole seconds, local time without a
  zone), `duration` in s since its last start, `energy_consumed` and `*_energy` in kWh since the object was made, times
  `pue`. energy_consumed is the sum of the parts, emissions_rate is emissions / duration (in g until 2.1, then in kg).
- Since 3.3.1 an object may be started again: its energies go on, its duration begins anew. Until 3.3.0 both go on.
- The task interface moves the last start to the last task: its emissions.csv has the energies of all tasks under the
  duration of the last one. Its task file (a column task_name, none for the pue) has the increments, one row a task.
- `cpu_power`, `gpu_power`, `ram_power` are the last values until 3.1, since 3.2 means over the measurements; they hold
  the pue since 3.3.1. The memory's power is a constant of the machine (in process mode of the process, in steps since
  3.0), so ram_energy / ram_power is the time over which the energies were counted. In 37,000 public rows it exceeds the
  duration only where a row holds more than its duration: tasks of 1139 s in a row of 73 s, and CodeCarbon's own race of
  two measurements at one moment, which counts 15 s twice (3420 of the 28,190 rows of a benchmark of 30 s).
- 3.2.9 and 3.3.0 leave empty columns out of the rows that they append, so these are short.
"""

import csv
import io
import math
import re
from bisect import bisect_right
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from pathlib import Path

from harness.foreign.importers.source import SourceFile
from harness.record.errors import ImportFileError

NEEDED = ("timestamp", "duration", "energy_consumed")
PARTS = ("cpu", "gpu", "ram")
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
LONGEST_S = 366 * 86_400.0
YEARS = (1970, 2200)
WH_PER_KWH = GRAMS = 1000.0
LARGEST_W = 2e5
"""No machine draws more; a rack of 72 GPUs draws 1.3e5 W."""
LARGEST_PUE = 1e3
PARTS_DIFFER = 1e-4
"""What a spreadsheet's digits leave; CodeCarbon's own sums agree to 1e-9."""
RATE_DIFFERS, RATE_DIFFERS_S = 0.02, 0.5
"""A task's rate is of a duration that was taken some ms apart."""
RAM_STEADY, RAM_OF_PROCESS, ALL_POWERS = 1.05, 1.95, 2.5
"""How much longer than a row's duration its energies may have been counted: by the memory's constant power; by that of
a process, which may give memory back (10 W from 20 W); by all powers, which are last values, or means of samples of
unlike length: 35,000 public rows of 2.x reach 1.75."""
PERIOD_S, RACE_S = 15.0, 1.5
"""CodeCarbon's own period of its measurements, and how far off one is."""
JITTER_S = 0.5
COUNTED = 0.9
"""Of its duration; less is told. CodeCarbon 3.0 begins to count a second late."""
PUE_IN_POWER_SINCE, STEPS_SINCE, PUE_SINCE = (3, 3, 1), (3, 0), (2, 2)
STAMP_S = 1.0
"""Two stamps in whole seconds order two moments to within this."""
REPEATS = "repeats line"
DROPS_EMPTY = ("3.2.9", "3.3.0")
SPREADSHEET = (
    "the fields are not parted by commas: a spreadsheet wrote this file, and the parts of this row do not prove that "
    "it left the numbers as they were; give the file that CodeCarbon wrote"
)
RIGHT_FROM = "tracking_mode"
"""The first column that is never empty behind those that may be."""


@dataclass(frozen=True, slots=True)
class Row:
    """One row: its line, its end (as written, and as a datetime; None where it is no time), duration (NaN: no number),
    energies as they stand (Wh with the factor; NaN, None: none), powers (W, NaN: none), the pue as written (None:
    there is no column), how many boards (NaN: not stated).

    `rate_s`: its duration by emissions and emissions_rate. `since`: the line of the row whose energies were taken off.
    `remarks`: what a reader of its figure has to know.
    """

    line: int
    stamp: str
    end: datetime | None
    duration_text: str
    duration_s: float
    energy_text: str
    energy_wh: float
    parts_wh: Mapping[str, float | None]
    powers_w: Mapping[str, float]
    pue_text: str | None
    boards: float
    run_id: str = ""
    task: str | None = None
    mode: str = ""
    version: str | None = None
    rate_s: float = math.nan
    since: int | None = None
    remarks: tuple[str, ...] = ()

    @property
    def whole_seconds(self) -> bool:
        """Whether its stamp was cut to seconds."""
        return self.end is not None and self.end.microsecond == 0

    @property
    def lasting(self) -> bool:
        """Whether its duration is one."""
        return 0 < self.duration_s <= LONGEST_S

    @property
    def begin(self) -> datetime:
        """When it began; only of a row that has a stamp and lasts."""
        assert self.end is not None
        return self.end - timedelta(seconds=self.duration_s)

    @property
    def pue(self) -> float | None:
        """Its column's number; None where there is no column or the cell is empty."""
        value = number_of(self.pue_text or "")
        return value if math.isfinite(value) else None

    @property
    def tells_its_time(self) -> bool:
        """Whether its memory's power is constant, so that it shows how long the energies were counted."""
        return self.mode == "machine" and math.isfinite(self.ram_s(1.0))

    @property
    def silent_on_pue(self) -> bool:
        """Whether its energies may hold a pue that it does not say: a task, a cell or a column that is gone."""
        return self.pue is None and (self.task is not None or self.pue_text is not None or self.release >= PUE_SINCE)

    @property
    def release(self) -> tuple[int, ...]:
        """Its version as numbers; empty where it is not stated."""
        return tuple(int(digits) for digits in re.findall(r"\d+", self.version or "")[:3])

    def ram_s(self, pue: float) -> float:
        """Over how long its energies were counted, by its memory; NaN where it does not say."""
        energy_wh, power_w = self.parts_wh.get("ram") or math.nan, self.powers_w.get("ram", math.nan)
        return energy_wh * 3600 / (power_w * self._per_power(pue)) if power_w > 0 else math.nan

    def own_w(self, pue: float) -> float:
        """Its power by its own columns, with the pue; NaN where there are none."""
        known = [power_w for power_w in self.powers_w.values() if power_w > 0]
        return math.fsum(known) * self._per_power(pue) if known else math.nan

    def _per_power(self, pue: float) -> float:
        return 1.0 if self.release >= PUE_IN_POWER_SINCE else pue

    def less(self, earlier: "Row") -> "Row":
        """The same row with what an earlier one of its object had counted already taken off."""
        before = dict(earlier.parts_wh) | {"gpu": earlier.parts_wh.get("gpu") or 0.0}  # no board, no energy of it
        parts = {part: _less(value, before.get(part)) for part, value in self.parts_wh.items()}
        remark = (
            f"the object was used again: line {self.line} holds {self.energy_wh:.6g} Wh since it was made, of which "
            f"line {earlier.line} had {earlier.energy_wh:.6g} Wh"
        )
        own_wh = self.energy_wh - earlier.energy_wh
        remarks = (*self.remarks, remark)
        return replace(self, energy_wh=own_wh, parts_wh=parts, since=earlier.line, remarks=remarks)


def _less(value: float | None, earlier: float | None) -> float | None:
    return None if value is None or earlier is None else value - earlier


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


def number_of(text: str, *, comma: bool = False) -> float:
    """A number as Python, pandas or (`comma`) a spreadsheet wrote it; NaN for anything else."""
    plain = text.replace(",", ".") if comma and text.count(",") == 1 and "." not in text else text
    return float(plain) if re.fullmatch(r"[-+]?(\d+\.?\d*|\.\d+)([eE][-+]?\d+)?", plain, re.ASCII) else math.nan


def _wh(kwh: float) -> float | None:
    return kwh * WH_PER_KWH if math.isfinite(kwh) else None


def _moment(text: str) -> datetime | None:
    """A day with a time, of years in which there were trackers or may be."""
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        return None
    return found if len(text) > len("2026-11-21") and YEARS[0] <= found.year <= YEARS[1] else None


def split(row: Row) -> bool:
    """Whether a row says how its energy is split; boards may be absent."""
    return row.parts_wh.get("cpu") is not None and row.parts_wh.get("ram") is not None and "gpu" in row.parts_wh


def adds_up(row: Row) -> bool:
    """Whether its parts are its energy."""
    parts_wh = _sum(list(row.parts_wh.values()))
    return split(row) and abs(parts_wh - row.energy_wh) <= PARTS_DIFFER * abs(row.energy_wh)


def _sum(parts: Sequence[float | None]) -> float:
    return math.fsum(part for part in parts if part is not None)


def own_figures(table: Table) -> dict[int, Row | str]:
    """Line -> the row with the energy of its own pass alone: without what its object had counted when the pass began;
    a sentence where that is not known. Rows of a task file, and rows without a run_id, are what they are."""
    objects: dict[str, list[Row]] = {}
    for row in table.rows:
        if row.run_id and row.task is None:
            objects.setdefault(row.run_id, []).append(row)
    found: dict[int, Row | str] = {row.line: row for row in table.rows}
    for of_object in objects.values():
        if len(of_object) > 1:
            found |= dict(_passes(table, of_object))
    return found


def _passes(table: Table, rows: Sequence[Row]) -> Iterator[tuple[int, Row | str]]:
    """The rows of one object, in the order of the file."""
    path = table.path
    orderly = [row for row in rows if _orderly(row, rows[0])]
    in_time = sorted(orderly, key=lambda row: (row.end, row.energy_wh))
    ends = [row.end for row in in_time if row.end is not None]
    unusable = next((row for row in rows if not _orderly(row, rows[0])), None)
    for row in rows:
        if unusable is not None and unusable.line < row.line:
            yield (
                row.line,
                f"{path}:{row.line}: an earlier row of the same run_id, line {unusable.line}, has no usable time or "
                "energy, so what its object had counted before is not known",
            )
        else:
            yield row.line, _own(table, row, in_time, ends) if row is not unusable else row


def _own(table: Table, row: Row, in_time: Sequence[Row], ends: Sequence[datetime]) -> Row | str:
    """A row without what the latest pass before it had counted; `in_time`: the rows of its object, `ends` theirs."""
    path = table.path
    until = bisect_right(ends, row.begin + timedelta(seconds=STAMP_S))
    for other in reversed(in_time[:until]):
        if other is row:
            continue
        if (ended := _ended_before(other, row)) is None:
            return (
                f"{path}:{row.line}: whether line {other.line}, of the same run_id, is an earlier pass or a flush of "
                "the same one cannot be told by stamps in whole seconds"
            )
        if ended and other.energy_wh > row.energy_wh:
            return (
                f"{path}:{row.line}: energy_consumed is {row.energy_text} kWh, less than the {other.energy_text} kWh "
                f"of line {other.line}, of the same run_id and before it; CodeCarbon only adds: the file was changed"
            )
        if ended and (line := table.lost_between(other, row)) is not None and not row.tells_its_time:
            return (
                f"{path}:{row.line}: line {line}, between this row and line {other.line} of the same run_id, cannot be "
                "read, so what its object had counted before is not known"
            )
        if ended:
            return row.less(other)
    return row


def _orderly(row: Row, beside: Row) -> bool:
    """Whether a row has a time that can be compared with another's, and an energy."""
    if row.end is None or not row.lasting or not math.isfinite(row.energy_wh):
        return False
    return beside.end is None or (row.end.tzinfo is None) == (beside.end.tzinfo is None)


def _ended_before(other: Row, row: Row) -> bool | None:
    """Whether another row of the same object ended before this one began; False of a flush of the same pass, and of a
    later row; None where stamps in whole seconds do not tell."""
    assert other.end is not None
    gap_s = (row.begin - other.end).total_seconds()
    apart_s = abs((row.begin - other.begin).total_seconds())
    if gap_s < -STAMP_S or apart_s > STAMP_S:
        return gap_s >= -STAMP_S
    counted_s = row.ram_s(row.pue or 1.0)
    if not math.isfinite(counted_s):
        return None
    return abs(counted_s - row.duration_s) > abs(counted_s - row.duration_s - other.duration_s)


def fault_of(path: Path, row: Row) -> str | None:
    """What is wrong with a row's figure, whatever its time; None where nothing is."""
    if not math.isfinite(row.energy_wh) or row.energy_wh < 0:
        return (
            f"{path}:{row.line}: energy_consumed is {row.energy_text!r:.40}, expected kWh of at least 0; the tracker "
            "gave no energy for this row"
        )
    if row.pue_text and not 1 / LARGEST_PUE <= (row.pue or 0.0) <= LARGEST_PUE:
        return f"{path}:{row.line}: pue is {row.pue_text!r:.40}, expected a number such as 1.0; the file was edited"
    negative = next((part for part, wh in row.parts_wh.items() if wh is not None and wh < 0), None)
    if negative is not None:
        return (
            f"{path}:{row.line}: {negative}_energy is below 0; CodeCarbon only adds, so the row was edited or damaged"
        )
    if split(row) and not adds_up(row):
        together_kwh = _sum(list(row.parts_wh.values())) / WH_PER_KWH
        return (
            f"{path}:{row.line}: cpu_energy, gpu_energy and ram_energy are {together_kwh:.6g} kWh together, "
            f"energy_consumed is {row.energy_wh / WH_PER_KWH:.6g} kWh; CodeCarbon writes their sum, so the row was "
            "edited or damaged: give the file that CodeCarbon wrote"
        )
    return None


def time_fault_of(path: Path, row: Row) -> str | None:
    """What is wrong with a row's time; None where nothing is."""
    if row.end is None:
        return f"{path}:{row.line}: timestamp is {row.stamp!r:.40}, expected a time like 2026-11-21T08:00:00"
    if not row.lasting:
        return (
            f"{path}:{row.line}: duration is {row.duration_text!r:.40} s, which no run lasts (a clock was set while "
            "the tracker ran, or the file was edited); --run RUN --over-run takes its energy as that of the whole run"
        )
    # Until 2.1, which names no version, the rate is in g/s.
    rates_s = [row.rate_s] if row.version else [row.rate_s, row.rate_s * GRAMS]
    if all(abs(rate_s - row.duration_s) > RATE_DIFFERS * row.duration_s + RATE_DIFFERS_S for rate_s in rates_s):
        return (
            f"{path}:{row.line}: duration is {row.duration_text:.40} s, but emissions / emissions_rate is "
            f"{row.rate_s:.6g} s; CodeCarbon divides by the duration, so the row was edited or damaged"
        )
    return None


def power_fault_of(path: Path, row: Row, pue: float) -> str | None:
    """Why a row's energy cannot be that of its duration, by its own columns; None where it can."""
    power_w, own_w = row.energy_wh * 3600 / row.duration_s, row.own_w(pue)
    longer, allowed, by = _strain(row, pue)
    if power_w <= LARGEST_W and not longer > allowed + JITTER_S / row.duration_s:
        return None
    own = f", its own columns say {own_w:.4g} W" if math.isfinite(own_w) else ""
    over = f" (by its {by} its energies were counted over {longer * row.duration_s:.4g} s)" if by else ""
    return (
        f"{path}:{row.line}: {row.energy_wh:.6g} Wh in {row.duration_s:.6g} s are {power_w:.4g} W{own}{over}: the "
        f"energy is not that of the duration. {_cause(row, longer)}; --run RUN --over-run takes its energy as that of "
        "the whole run"
    )


def _strain(row: Row, pue: float) -> tuple[float, float, str]:
    """How many times its duration a row's energies were counted over, how many times may be, and by which column."""
    by_ram, by_all = row.ram_s(pue) / row.duration_s, row.energy_wh * 3600 / row.duration_s / row.own_w(pue)
    if row.tells_its_time:
        return by_ram, RAM_STEADY, "ram_power"
    if math.isfinite(by_ram):
        steps = row.release >= STEPS_SINCE
        return (by_ram if steps else min(by_ram, by_all)), RAM_OF_PROCESS, "ram_power"
    return by_all, ALL_POWERS, ""


def left_out_of(row: Row, pue: float) -> str | None:
    """A sentence where a row's energies were counted over less than its duration; None where they were not, or nothing
    tells."""
    counted_s = row.ram_s(pue)
    if not row.tells_its_time or counted_s + JITTER_S >= COUNTED * row.duration_s:
        return None
    return f"by its ram_power its energies were counted over {counted_s:.4g} of its {row.duration_s:.4g} s"


def _cause(row: Row, longer: float) -> str:
    twice_s = (longer - 1.0) * row.duration_s
    if abs(twice_s - PERIOD_S) < RACE_S and row.duration_s % PERIOD_S < RACE_S:
        return f"CodeCarbon counted {PERIOD_S:g} s twice: it was stopped at the moment of a measurement"
    if row.task is not None:
        return "CodeCarbon was set to a power usage effectiveness (--pue says which), or counted some time twice"
    return (
        "It is the total of several tasks (their file emissions_<name>_<run_id>.csv has each by itself), or of an "
        "object that was used again and whose earlier rows are gone, or CodeCarbon counted some time twice"
    )
