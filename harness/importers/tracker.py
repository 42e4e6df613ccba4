"""A tracker's own file (CodeCarbon's emissions.csv) -> a chained attachment of the campaign in whose runs it ran.

Knows the columns of CodeCarbon 1 to 3, what goes wrong in public files, and how a row is lined up with a run. Knows no
energy of a meter: the comparison is reports/analysis/trackers.py.

Decisions
- A row is the total of one run of the tracker: `timestamp` when it ended (whole seconds, the SUT's local time without a
  zone), `duration` in s, `energy_consumed` and `*_energy` in kWh, times `pue` where there is such a column.
- A row belongs to a run when [timestamp - duration, timestamp] lies within the run's rating interval, `SLACK_S` more on
  either side, on the SUT's wall clock (rating edges), else on the host's start stamp; of an import on the source's
  clock. Which zone a stamp without one is in decides about the run, so nobody guesses it: `--timezone`.
- Each row that fits exactly one run is attached to it; rows that fit none are left out and named. A run that several
  rows fit is an error: CodeCarbon writes a further row, cumulated, at every flush, so they may not be added up.
- A row with an impossible duration cannot be lined up. `--over-run` takes its energy as that of the run's own interval;
  the account says so.
- Nothing in a run folder changes: the file is copied beside the runs, and its entry in the log holds what the row says.
"""

import csv
import hashlib
import io
import math
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone, tzinfo
from pathlib import Path
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from harness.documents import ClockEvent, Json, PhaseEvent
from harness.errors import ImportFileError, RunFolderError
from harness.importers.imported import SECOND_NS, SourceFile, read_source
from harness.run_folder import TRACKER, CampaignFolder, RunFolder

FOLDER = "trackers"
NAME = "codecarbon"
NEEDED = ("timestamp", "duration", "energy_consumed")
PARTS = {"cpu": "cpu_energy", "gpu": "gpu_energy", "ram": "ram_energy"}
SLACK_S = 2.0
"""A stamp in whole seconds, and the time between the tracker's end and the writing of its stamp."""
LONGEST_S = 366 * 86_400.0
YEARS = (1970, 2200)
WH_PER_KWH = 1000.0
SHOWN = 12
"""Candidates that a message lists."""
NOT_STATED = "not stated in its file"


@dataclass(frozen=True, slots=True)
class Row:
    """One row: its line, its end (as written, and as a datetime; None where it is no time), duration (NaN: no number),
    energy (Wh, NaN: none), factor, parts without the factor, version."""

    line: int
    stamp: str
    end: datetime | None
    duration_text: str
    duration_s: float
    energy_text: str
    energy_wh: float
    factor: float
    parts_wh: Mapping[str, float | None]
    methods: Mapping[str, str]
    version: str | None

    @property
    def whole_seconds(self) -> bool:
        """Whether its stamp was cut to seconds."""
        return self.end is not None and self.end.microsecond == 0

    @property
    def lasting(self) -> bool:
        """Whether its duration is one."""
        return 0 < self.duration_s <= LONGEST_S


@dataclass(frozen=True, slots=True)
class Window:
    """The rating interval of a run on the clock by which rows are lined up (`clock`: docs/trackers.md), ns."""

    folder: str
    ordinal: int
    clock: str
    begin_ns: int
    end_ns: int
    bound_s: float

    def __str__(self) -> str:
        """For a list of candidates."""
        return f"run {self.ordinal} ({self.folder}): {_shown(self.begin_ns)} to {_shown(self.end_ns)}"


@dataclass(frozen=True, slots=True)
class Attached:
    """What was attached: the copy, (line, run folder) pairs, lines left out and why."""

    path: Path
    pairs: tuple[tuple[int, str], ...]
    left_out: tuple[str, ...]

    def __str__(self) -> str:
        """For the terminal."""
        lines = [f"Attached {self.path}: {len(self.pairs)} rows."]
        lines += [f"  line {line} -> {folder}" for line, folder in self.pairs]
        return "\n".join([*lines, *(f"  left out: {text}" for text in self.left_out)])


@dataclass(frozen=True, slots=True)
class Choice:
    """What the operator said: a run (folder or ordinal), a line of the file, the zone of stamps without one, whether
    the energy is of the run's own interval, whether an account that the run has already is replaced."""

    run: str | None = None
    line: int | None = None
    zone: str | None = None
    over_run: bool = False
    replace: bool = False


def import_tracker(path: Path, campaign: Path, choice: Choice) -> Attached:
    """Line the rows up with the campaign's runs, attach the file, chain what it says of each run.

    Raises:
        ImportFileError: no such file, a damaged line, no run or several fit; with line, column and candidates.
        RunFolderError: no campaign, no such run, a broken chain.
    """
    source = read_source(path)
    rows = rows_of(source)
    folder = CampaignFolder(campaign)
    entries = folder.entries()
    windows = _chosen_windows(list(windows_of(folder.runs())), choice, campaign)
    if choice.line is not None:
        rows = [row for row in rows if row.line == choice.line]
        if not rows:
            raise ImportFileError(f"{path}: no row begins on line {choice.line}; the first row is on line 2")
    pairs, left_out = lined_up(path, rows, windows, choice)
    _refuse_taken(entries, pairs, choice)
    target = _copied(source, campaign)
    now = f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}"
    for row, window in pairs:
        account = account_of(row, window, choice)
        record = {"path": target.relative_to(campaign).as_posix(), "sha256": source.sha256, "note": TRACKER}
        how = {"run": window.folder, "line": row.line, "zone": choice.zone, "over_run": choice.over_run}
        folder.append("attachment", now, record | how | {"tracker": account})
    return Attached(target, tuple((row.line, window.folder) for row, window in pairs), tuple(left_out))


def rows_of(source: SourceFile) -> list[Row]:
    """Every row of a CodeCarbon file.

    Raises:
        ImportFileError: not UTF-8, not its columns, a row of another length, no row.
    """
    try:
        text = source.content.decode()
    except UnicodeDecodeError as error:
        line = source.content[: error.start].count(b"\n") + 1
        raise ImportFileError(f"{source.path}:{line}: not UTF-8; save the file as UTF-8") from None
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    try:
        header = [name.strip() for name in next(reader, [])]
        _check_header(source.path, header)
        rows = [_row(source.path, line, header, cells) for line, cells in _numbered(reader) if cells]
    except csv.Error as error:
        raise ImportFileError(f"{source.path}:{reader.line_num}: no CSV here ({error}); copy the file again") from None
    if not rows:
        raise ImportFileError(
            f"{source.path}:2: a header and no row: the tracker was never stopped, so it wrote nothing"
        )
    return rows


def _numbered(reader: Iterator[list[str]]) -> Iterator[tuple[int, list[str]]]:
    """Rows with the line on which each begins."""
    line = 2
    for cells in reader:
        yield line, cells
        line = getattr(reader, "line_num", line) + 1


def _check_header(path: Path, header: Sequence[str]) -> None:
    missing = [name for name in NEEDED if name not in header]
    twice = sorted(name for name, count in Counter(header).items() if count > 1)
    if len(header) == 1 and any(mark in header[0] for mark in ";\t"):
        raise ImportFileError(
            f"{path}:1: one column, {header[0]!r:.60}; the fields are not parted by commas: a spreadsheet wrote this "
            "file, give the one that CodeCarbon wrote"
        )
    if missing:
        raise ImportFileError(
            f"{path}:1: no column {', '.join(missing)}; expected CodeCarbon's emissions.csv (version 1 or newer), "
            f"found {', '.join(header)!r:.120}"
        )
    if twice:
        raise ImportFileError(
            f"{path}:1: two columns {twice[0]!r:.60}; files of two versions were joined, give one of them"
        )


def _row(path: Path, line: int, header: Sequence[str], cells: Sequence[str]) -> Row:
    if len(cells) != len(header):
        raise ImportFileError(
            f"{path}:{line}: found {len(cells)} fields, expected {len(header)} as in the header; the line was cut off, "
            "or another version appended to this file: give it a header of its own"
        )
    told = dict(zip(header, (cell.strip() for cell in cells), strict=True))
    factor = _number(told.get("pue", ""))
    factor = factor if factor > 0 and math.isfinite(factor) else 1.0
    boards = _number(told.get("gpu_count", ""))
    parts = {part: _part(told.get(column, ""), factor) for part, column in PARTS.items() if column in told}
    if "gpu" in parts and not boards > 0:
        parts["gpu"] = None
    return Row(
        line=line, stamp=told["timestamp"], end=_moment(told["timestamp"]), duration_text=told["duration"],
        duration_s=_number(told["duration"]), energy_text=told["energy_consumed"],
        energy_wh=_number(told["energy_consumed"]) * WH_PER_KWH, factor=factor, parts_wh=parts,
        methods={part: "none" if value is None else NOT_STATED for part, value in parts.items()},
        version=told.get("codecarbon_version") or None,
    )  # fmt: skip


def _number(text: str) -> float:
    """A number as Python or pandas wrote it; NaN for anything else."""
    return float(text) if re.fullmatch(r"[-+]?(\d+\.?\d*|\.\d+)([eE][-+]?\d+)?", text, re.ASCII) else math.nan


def _part(text: str, factor: float) -> float | None:
    value = _number(text)
    return value * WH_PER_KWH / factor if math.isfinite(value) else None


def _moment(text: str) -> datetime | None:
    """A day with a time, of years in which there were trackers or may be."""
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        return None
    return found if len(text) > len("2026-11-21") and YEARS[0] <= found.year <= YEARS[1] else None


def windows_of(runs: Sequence[RunFolder]) -> Iterator[Window]:
    """The scenario runs that have a rating interval, each on the clock by which a tracker's stamps can be lined up."""
    for run in runs:
        rating = [event for event in run.events if isinstance(event, PhaseEvent) and event.name == "rating"]
        begins, ends = ([e for e in rating if e.edge == edge] for edge in ("begin", "end"))
        if run.start.kind != "scenario" or not begins or not ends:
            continue
        first, last, name, ordinal = begins[0], ends[-1], run.path.name, run.start.ordinal
        if run.start.time_base == "source-wall":
            yield Window(name, ordinal, "source-wall", first.time_ns, last.time_ns, 0.0)
        elif first.sut_wall_ns and last.sut_wall_ns and any(isinstance(e, ClockEvent) for e in run.events):
            yield Window(name, ordinal, "sut-wall", first.sut_wall_ns, last.sut_wall_ns, 0.0)
        else:
            shift_ns = int(datetime.fromisoformat(run.start.utc).timestamp()) * SECOND_NS - run.start.time_ns
            # The start's stamp is cut to seconds.
            yield Window(name, ordinal, "host-utc", first.time_ns + shift_ns, last.time_ns + shift_ns, 1.0)


def _chosen_windows(windows: list[Window], choice: Choice, campaign: Path) -> list[Window]:
    if choice.run is None:
        return windows
    found = [window for window in windows if choice.run in (window.folder, str(window.ordinal))]
    if len(found) == 1:
        return found
    known = f"\n  {_listed(windows)}"
    if found:
        raise RunFolderError(f"run {choice.run} was attempted {len(found)} times; name one of the folders{known}")
    raise RunFolderError(f"{campaign}: no scenario run {choice.run!r}; name a run's folder or its ordinal{known}")


def lined_up(
    path: Path, rows: Sequence[Row], windows: Sequence[Window], choice: Choice
) -> tuple[list[tuple[Row, Window]], list[str]]:
    """Rows with the run that each belongs to, and why others belong to none.

    Raises:
        ImportFileError: none fits, several fit one run, or a stamp's zone is not known.
    """
    if choice.over_run:
        return [_over_run(path, rows, windows, choice)], []
    pairs: list[tuple[Row, Window]] = []
    left_out: list[str] = []
    for row in rows:
        if problem := problem_of(path, row):
            left_out.append(problem)
            continue
        if windows and (unplaced := _unplaced(path, row, windows, choice.zone)):
            raise ImportFileError(f"{unplaced}\nThe runs:\n  {_listed(windows)}")
        fitting = [window for window in windows if fits(row, window, choice.zone)]
        if len(fitting) > 1:
            raise ImportFileError(
                f"{path}:{row.line}: this row fits {len(fitting)} runs; choose one with --run\n  {_listed(fitting)}"
            )
        if fitting:
            pairs.append((row, fitting[0]))
        else:
            left_out.append(f"{path}:{row.line}: no run fits {_span(row, windows, choice.zone)}")
    if not pairs:
        known = f"\n  {_listed(windows)}" if windows else "; the campaign holds no scenario run with a rating interval"
        zone = "" if choice.zone is None else f" (--timezone {choice.zone})"
        faults = "\n  ".join(left_out[:SHOWN])
        raise ImportFileError(f"{path}: no row can be lined up with a run{zone}:\n  {faults}\nThe runs:{known}")
    for window in windows:
        lines = [row.line for row, one in pairs if one == window]
        if len(lines) > 1:
            raise ImportFileError(
                f"{path}: lines {', '.join(map(str, lines))} all fit {window}; CodeCarbon cumulates over its "
                "flushes, so they are not added up: choose one with --line"
            )
    return pairs, left_out


def problem_of(path: Path, row: Row, *, over_run: bool = False) -> str | None:
    """What is wrong with a row by itself, in a sentence with line and column; None where nothing is."""
    if not math.isfinite(row.energy_wh) or row.energy_wh < 0:
        return (
            f"{path}:{row.line}: energy_consumed is {row.energy_text!r:.40}, expected kWh of at least 0; the tracker "
            "gave no energy for this row"
        )
    if over_run:
        return None
    if row.end is None:
        return f"{path}:{row.line}: timestamp is {row.stamp!r:.40}, expected a time like 2026-11-21T08:00:00"
    if not row.lasting:
        return (
            f"{path}:{row.line}: duration is {row.duration_text!r:.40} s, which no run lasts (a clock was set while "
            "the tracker ran, or the file was edited); --run RUN --over-run takes its energy as that of the whole run"
        )
    return None


def _unplaced(path: Path, row: Row, windows: Sequence[Window], zone: str | None) -> str | None:
    """Why a row's stamp cannot be compared with the runs' clocks."""
    has_zone = row.end is not None and row.end.tzinfo is not None
    local = any(window.clock == "source-wall" for window in windows)
    if local and has_zone:
        return (
            f"{path}:{row.line}: timestamp {row.stamp} has a zone, but the stamps of this imported campaign have none; "
            "write it as that lab's local time"
        )
    if not local and not has_zone and zone is None:
        return (
            f"{path}:{row.line}: timestamp {row.stamp} has no time zone (CodeCarbon writes the SUT's local time); say "
            "which one it was: --timezone Europe/Berlin, or --timezone +01:00"
        )
    return None


def _over_run(path: Path, rows: Sequence[Row], windows: Sequence[Window], choice: Choice) -> tuple[Row, Window]:
    if choice.run is None:
        raise ImportFileError(f"{path}: --over-run needs --run: which run is this the energy of?\n  {_listed(windows)}")
    if len(rows) != 1:
        lines = ", ".join(str(row.line) for row in rows[:SHOWN])
        raise ImportFileError(f"{path}: {len(rows)} rows, on lines {lines}; choose one with --line")
    if problem := problem_of(path, rows[0], over_run=True):
        raise ImportFileError(problem)
    return rows[0], windows[0]


def zone_of(text: str) -> tzinfo:
    """A time zone by its name or its offset from UTC.

    Raises:
        ImportFileError: it is neither.
    """
    if offset := re.fullmatch(r"([+-])(\d{2}):?(\d{2})", text):
        minutes = int(offset[2]) * 60 + int(offset[3])
        if minutes < 24 * 60:
            return timezone(timedelta(minutes=minutes if offset[1] == "+" else -minutes))
    try:
        return UTC if text.upper() in ("UTC", "Z") else ZoneInfo(text)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise ImportFileError(
            f"--timezone {text}: no such zone; expected a name like Europe/Berlin, or an offset like +01:00"
        ) from None


def _end_ns(row: Row, clock: str, zone: str | None) -> int:
    """The row's end on a run's clock, in the middle of what its stamp leaves open."""
    assert row.end is not None  # problem_of was asked
    moment = row.end
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC if clock == "source-wall" or zone is None else zone_of(zone))
    since = moment - datetime(1970, 1, 1, tzinfo=UTC)
    whole_ns = (since.days * 86_400 + since.seconds) * SECOND_NS + since.microseconds * 1000
    return whole_ns + (SECOND_NS // 2 if row.whole_seconds else 0)


def fits(row: Row, window: Window, zone: str | None) -> bool:
    """Whether a row's interval lies within a run's, with the slack that its stamp needs."""
    end_ns, slack_ns = _end_ns(row, window.clock, zone), round((SLACK_S + window.bound_s) * SECOND_NS)
    begin_ns = end_ns - round(row.duration_s * SECOND_NS)
    return window.begin_ns - slack_ns <= begin_ns and end_ns <= window.end_ns + slack_ns


def account_of(row: Row, window: Window, choice: Choice) -> Json:
    """What a row says of a run, as a tracker's artefact does (docs/trackers.md)."""
    problems = []
    begin_ns: int | None = None
    end_ns: int | None = None
    clock, bound_s = window.clock, window.bound_s
    if choice.over_run:
        clock, bound_s = "run", 0.0
        problems.append(
            f"its duration is {row.duration_text} s; the operator said that its energy is that of the whole run"
        )
    else:
        end_ns = _end_ns(row, clock, choice.zone)
        begin_ns = end_ns - round(row.duration_s * SECOND_NS)
        bound_s += 0.5 if row.whole_seconds else 0.0
    reason = None if row.factor == 1 else f"the power usage effectiveness in its file, {row.factor:g}"
    return {
        "schema": 1, "name": NAME, "version": row.version, "begin_ns": begin_ns, "end_ns": end_ns, "clock": clock,
        "bound_s": bound_s, "reported_wh": row.energy_wh, "factor": row.factor, "factor_reason": reason,
        "parts_wh": dict(row.parts_wh), "methods": dict(row.methods), "intervals": [], "polls": None,
        "problems": problems,
    }  # fmt: skip


def _refuse_taken(entries: Sequence[Json], pairs: Sequence[tuple[Row, Window]], choice: Choice) -> None:
    taken = {str(e.get("run")): e for e in entries if e["type"] == "attachment" and e.get("note") == TRACKER}
    for _, window in pairs:
        if window.folder in taken and not choice.replace:
            path = taken[window.folder].get("path")
            raise ImportFileError(
                f"{window.folder} has an attached figure of {NAME} already ({path}); --replace puts this one in its "
                "place (the old one stays in the log)"
            )


def _copied(source: SourceFile, campaign: Path) -> Path:
    """The file beside the runs, under its digest's first digits and its name; once."""
    plain = re.sub(r"[^A-Za-z0-9._-]", "_", source.path.name)
    target = campaign / FOLDER / f"{source.sha256[:8]}-{plain}"
    try:
        target.parent.mkdir(exist_ok=True)
        if target.is_file() and hashlib.sha256(target.read_bytes()).hexdigest() == source.sha256:
            return target
        with target.open("xb") as file:
            file.write(source.verbatim)
        target.chmod(0o444)
    except OSError as error:
        raise RunFolderError(f"{target}: cannot attach the file ({error.strerror})") from error
    return target


def _span(row: Row, windows: Sequence[Window], zone: str | None) -> str:
    clock = windows[0].clock if windows else "sut-wall"
    end_ns = _end_ns(row, clock, zone)
    return f"{_shown(end_ns - round(row.duration_s * SECOND_NS))} to {_shown(end_ns)}"


def _listed(windows: Sequence[Window]) -> str:
    more = [f"and {len(windows) - SHOWN} more"] if len(windows) > SHOWN else []
    return "\n  ".join([*map(str, windows[:SHOWN]), *more])


def _shown(ns: int) -> str:
    """A wall clock's nanoseconds, in UTC (of an import: as its source's clock stood)."""
    return f"{datetime(1970, 1, 1, tzinfo=UTC) + timedelta(seconds=ns // SECOND_NS):%Y-%m-%d %H:%M:%S}"
