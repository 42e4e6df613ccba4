"""A tracker's own file (CodeCarbon's emissions.csv) -> a chained attachment of the campaign in whose runs it ran.

Knows how a row of such a file (tracker_file.py) is lined up with a run, and what several rows of one run are together.
Knows no energy of a meter: the comparison is reports/trackers.

Decisions
- A row belongs to a run when [timestamp - duration, timestamp] lies within the run's rating interval, `SLACK_S` more on
  either side, on the SUT's wall clock (rating edges), else on the host's start stamp; of an import on the source's
  clock. Which zone a stamp without one is in decides about the run, so nobody guesses it: `--timezone`.
- The figure of a row is what was counted in its own interval: of an object that was used again without what it had
  counted before. A row that holds more than its interval, by its own columns, is refused.
- Each row that fits exactly one run is attached to it; rows that fit none are left out and named. Rows of one run that
  do not overlap (tasks, passes, several trackers one after the other) are added, over the sum of their stretches. Of
  rows that began together under one run_id the last holds the others (flushes). Other rows that overlap are an error.
- The factor is the row's pue; where no column says it, what `--pue` says, or the emissions.csv beside a task file.
  Where nothing does, it is taken as 1, and the account says that it is not known.
- A row with an impossible duration or power cannot be lined up. `--over-run` takes its energy as that of the run's own
  interval; the account says so.
- Nothing in a run folder changes: the file is copied beside the runs, and its entry in the log holds what the rows say.
"""

import hashlib
import math
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta, timezone, tzinfo
from itertools import pairwise
from pathlib import Path
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from harness.foreign.importers.source import SourceFile, read_source
from harness.foreign.importers.stamps import SECOND_NS
from harness.foreign.importers.tracker.table import (
    LARGEST_PUE,
    STAMP_S,
    Row,
    Table,
    fault_of,
    left_out_of,
    own_figures,
    power_fault_of,
    table_of,
    time_fault_of,
)
from harness.record.campaign_folder import TRACKER, CampaignFolder
from harness.record.documents import ClockEvent, Json, PhaseEvent
from harness.record.entries import Attachment, Entry, of
from harness.record.errors import ImportFileError, RunFolderError, why
from harness.record.run_folder import RunFolder

FOLDER = "trackers"
NAME = "codecarbon"
TOTALS, TOTALS_NOTE = "emissions.csv", "totals of a tracker's task file"
"""The file beside a task file that says the pue; the note of its attachment."""
READER = 2
"""How rows are read; an entry of the log without it is of the first way: each row as it stands."""
SLACK_S = 2.0
"""A stamp in whole seconds, and the time between the tracker's end and the writing of its stamp."""
SHOWN = 12
"""Candidates that a message lists."""
LEFT_OUT_SHOWN = 10
"""Rows that the terminal names as left out, and why."""
NOT_STATED = "not stated in its file"
PROCESS = "process"
OF_PROCESS = "tracking_mode is process: it counts its process and the children it sees once a second, not the machine"
MEMORY_OF_PROCESS = "tracking_mode is process: its memory figure is of its process and children, not of the machine"
"""Until 2.8 the mode moves the memory's figure alone."""
UNKNOWN_PUE = (
    "no column of its file says the power usage effectiveness that CodeCarbon was set to, which its energies hold; it "
    "is taken as 1, and --pue would say it"
)


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
        lines += [f"  left out: {text}" for text in self.left_out[:LEFT_OUT_SHOWN]]
        more = len(self.left_out) - LEFT_OUT_SHOWN
        return "\n".join([*lines, *([f"  {len(self.left_out)} are left out in all, {more} more"] if more > 0 else [])])


@dataclass(frozen=True, slots=True)
class Choice:
    """What the operator said: a run (folder or ordinal), lines of the file (none: every one), the zone of stamps
    without one, whether the energy is of the run's own interval, whether an account that the run has already is
    replaced, the pue."""

    run: str | None = None
    lines: tuple[int, ...] = ()
    zone: str | None = None
    over_run: bool = False
    replace: bool = False
    pue: float | None = None


@dataclass(frozen=True, slots=True)
class Pue:
    """What a row's energies are multiplied by, why it is known (None: by its column, or there was none), and what a
    reader has to know where it is not."""

    value: float
    reason: str | None = None
    remark: str | None = None


@dataclass(frozen=True, slots=True)
class Totals:
    """The emissions.csv beside a task file: run_id -> its pue."""

    source: SourceFile
    pues: Mapping[str, float]


@dataclass(frozen=True, slots=True)
class Source:
    """A file as it is lined up: its rows with their own figures (a sentence where one is not known), what the operator
    said of it, the totals beside it."""

    table: Table
    rows: Mapping[int, Row | str]
    choice: Choice
    totals: Totals | None

    @property
    def path(self) -> Path:
        """The file."""
        return self.table.path

    def pue(self, row: Row) -> Pue:
        """The factor of a row."""
        if row.pue is not None:
            return Pue(row.pue, _stated_in_file(row.pue))
        if self.choice.pue is not None:
            return Pue(self.choice.pue, f"the power usage effectiveness that the operator stated, {self.choice.pue:g}")
        if self.totals is not None and row.run_id in self.totals.pues:
            value = self.totals.pues[row.run_id]
            return Pue(value, f"the power usage effectiveness in the {TOTALS} of its run_id, {value:g}")
        return Pue(1.0, None, UNKNOWN_PUE if row.silent_on_pue else None)

    def problem_of(self, row: Row | str, *, over_run: bool = False) -> str | None:
        """What is wrong with a row by itself, in a sentence with line and column; None where nothing is."""
        if isinstance(row, str):
            return row
        stated = self.choice.pue
        if stated is not None and row.pue is not None and row.pue != stated:
            return f"{self.path}:{row.line}: pue is {row.pue:g} in its own column, --pue says {stated:g}; leave it out"
        if (fault := fault_of(self.path, row)) or over_run:
            return fault
        return time_fault_of(self.path, row) or power_fault_of(self.path, row, self.pue(row).value)


def source_of(source: SourceFile, choice: Choice, totals: SourceFile | None = None) -> Source:
    """A file and what is known of it.

    Raises:
        ImportFileError: it is no file of CodeCarbon, or holds no row; --pue is no factor.
    """
    if choice.pue is not None and not 1 / LARGEST_PUE <= choice.pue <= LARGEST_PUE:
        raise ImportFileError(f"--pue {choice.pue:g}: expected a power usage effectiveness, a number such as 1.2")
    table = table_of(source)
    return Source(table, own_figures(table), choice, None if totals is None else _totals(totals))


def _totals(source: SourceFile) -> Totals:
    stated: dict[str, set[float]] = {}
    for row in table_of(source).rows:
        if row.pue is not None and 1 / LARGEST_PUE <= row.pue <= LARGEST_PUE:
            stated.setdefault(row.run_id, set()).add(row.pue)
    return Totals(source, {run_id: min(pues) for run_id, pues in stated.items() if len(pues) == 1})


def _totals_beside(path: Path, table: Table, choice: Choice) -> SourceFile | None:
    """The emissions.csv beside a task file that says the pue of one of its runs; None where none is needed or found."""
    runs = {row.run_id for row in table.rows if row.silent_on_pue}
    beside = path.with_name(TOTALS)
    if not runs or choice.pue is not None or beside == path or not beside.is_file():
        return None
    try:
        found = read_source(beside)
        return found if runs & _totals(found).pues.keys() else None
    except ImportFileError:
        return None


def import_tracker(path: Path, campaign: Path, choice: Choice) -> Attached:
    """Line the rows up with the campaign's runs, attach the file, chain what it says of each run.

    Raises:
        ImportFileError: no such file, no line that can be read, no run or several fit; with line, column, candidates.
        RunFolderError: no campaign, no such run, a broken chain.
    """
    content = read_source(path)
    totals = _totals_beside(path, table_of(content), choice)
    source = source_of(content, choice, totals)
    folder = CampaignFolder(campaign)
    entries = folder.entries()
    windows = _chosen_windows(list(windows_of(folder.runs())), choice, campaign)
    taken, left_out = lined_up(source, windows)
    _refuse_taken(entries, [window for _, window in taken], choice)
    target = _copied(content, campaign)
    now = f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}"
    known = {"zone": choice.zone, "over_run": choice.over_run, "pue": choice.pue, "reader": READER}
    if totals is not None:
        known["totals"] = _attached_totals(folder, totals, now)
    for rows, window in taken:
        record = {"path": target.relative_to(campaign).as_posix(), "sha256": content.sha256, "note": TRACKER}
        lines = [row.line for row in rows]
        how = {"run": window.folder, "line": lines[0], "lines": lines, **known}
        folder.append(
            "attachment", now, record | how | {"tracker": account_of(rows, window, choice, source.pue(rows[0]))}
        )
    pairs = tuple((row.line, window.folder) for rows, window in taken for row in rows)
    return Attached(target, pairs, tuple(left_out))


def _attached_totals(folder: CampaignFolder, totals: SourceFile, now: str) -> str:
    """Attach the file beside; its path in the campaign."""
    target = _copied(totals, folder.path).relative_to(folder.path).as_posix()
    folder.append("attachment", now, {"path": target, "sha256": totals.sha256, "note": TOTALS_NOTE})
    return target


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


def lined_up(source: Source, windows: Sequence[Window]) -> tuple[list[tuple[list[Row], Window]], list[str]]:
    """Runs with the rows that make their figure, and why other rows belong to none.

    Raises:
        ImportFileError: none fits, rows of one run overlap, or a stamp's zone is not known.
    """
    path, choice = source.path, source.choice
    every = sorted([*source.rows, *source.table.damaged])
    lines = sorted({source.table.row(line).line for line in choice.lines}) or every
    if choice.over_run:
        return [_over_run(source, [line for line in lines if line in source.rows], windows)], []
    of_window: dict[str, list[Row]] = {}
    left_out: list[str] = []
    for line in lines:
        row = source.rows.get(line, source.table.damaged.get(line, ""))
        problem = source.problem_of(row)
        if isinstance(row, str) or problem:
            left_out.append(problem or str(row))
        elif window := _fitting(source, row, windows):
            of_window.setdefault(window.folder, []).append(row)
        else:
            left_out.append(f"{path}:{line}: no run fits {_span(row, windows, choice.zone)}")
    if not of_window:
        known = f"\n  {_listed(windows)}" if windows else "; the campaign holds no scenario run with a rating interval"
        zone = "" if choice.zone is None else f" (--timezone {choice.zone})"
        more = [f"and {len(left_out) - SHOWN} more rows"] if len(left_out) > SHOWN else []
        faults = "\n  ".join([*left_out[:SHOWN], *more])
        none = f"none of {len(left_out)} rows can" if len(left_out) > 1 else "its row cannot"
        raise ImportFileError(f"{path}: {none} be lined up with a run{zone}:\n  {faults}\nThe runs:{known}")
    taken = []
    for window in windows:
        if window.folder in of_window:
            rows, held = _together(source, of_window[window.folder], window)
            _refuse_unlike(source, rows)
            taken.append((rows, window))
            left_out += held
    return taken, left_out


def _fitting(source: Source, row: Row, windows: Sequence[Window]) -> Window | None:
    """The run to which a row belongs."""
    zone = source.choice.zone
    if windows and (unplaced := _unplaced(source.path, row, windows, zone)):
        raise ImportFileError(f"{unplaced}\nThe runs:\n  {_listed(windows)}")
    fitting = [window for window in windows if fits(row, window, zone)]
    if len(fitting) > 1:
        raise ImportFileError(
            f"{source.path}:{row.line}: this row fits {len(fitting)} runs; choose one with --run\n  {_listed(fitting)}"
        )
    return fitting[0] if fitting else None


def _together(source: Source, rows: Sequence[Row], window: Window) -> tuple[list[Row], list[str]]:
    """The rows of one run whose energies may be added, in order of time, and why the others are in them already."""
    spans = {row.line: _interval_ns(row, window.clock, source.choice.zone) for row in rows}
    kept: list[Row] = []
    held: list[str] = []
    for row in sorted(rows, key=lambda row: -row.duration_s):
        whole = next((other for other in kept if _is_flush(row, other, spans)), None)
        if whole is None:
            kept.append(row)
        else:
            held.append(f"{source.path}:{row.line}: a flush; line {whole.line} holds it, begun at the same time")
    kept.sort(key=lambda row: (spans[row.line], row.line))
    over = [pair for pair in pairwise(kept) if _overlap_ns(*(spans[row.line] for row in pair)) > STAMP_S * SECOND_NS]
    if over:
        lines = ", ".join(str(line) for line in sorted(row.line for row in kept))
        some = "" if len(over) == len(kept) - 1 else f" (lines {' and '.join(str(row.line) for row in over[0])} first)"
        raise ImportFileError(
            f"{source.path}: lines {lines} all fit {window} and overlap in time{some}; CodeCarbon cumulates over its "
            "flushes, and two trackers at a time count the same machine twice, so they are not added up: choose one "
            "with --line, or several that do not overlap (--line 2 --line 5)"
        )
    return kept, held


def _is_flush(row: Row, whole: Row, spans: Mapping[int, tuple[int, int]]) -> bool:
    """Whether a row was written by the same object in the same pass, before another one."""
    same = bool(row.run_id) and row.run_id == whole.run_id and row.task is None and row.since == whole.since
    apart_ns = abs(spans[row.line][0] - spans[whole.line][0])
    return same and apart_ns <= STAMP_S * SECOND_NS and row.energy_wh <= whole.energy_wh


def _overlap_ns(one: tuple[int, int], later: tuple[int, int]) -> int:
    """For how long two stretches in order of their begin are at the same time."""
    return min(one[1], later[1]) - later[0]


def _refuse_unlike(source: Source, rows: Sequence[Row]) -> None:
    """Rows that are multiplied by different factors have no sum without one."""
    pues = {source.pue(row).value: row.line for row in rows}
    if len(pues) > 1:
        told = ", ".join(f"{value:g} (line {line})" for value, line in pues.items())
        raise ImportFileError(f"{source.path}: rows of one run with several pue: {told}; choose one with --line")


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


def _over_run(source: Source, lines: Sequence[int], windows: Sequence[Window]) -> tuple[list[Row], Window]:
    """The one row, as it stands, and the run that the operator named."""
    path = source.path
    if source.choice.run is None:
        raise ImportFileError(f"{path}: --over-run needs --run: which run is this the energy of?\n  {_listed(windows)}")
    if len(lines) != 1:
        shown = ", ".join(str(line) for line in lines[:SHOWN])
        more = f" and {len(lines) - SHOWN} more" if len(lines) > SHOWN else ""
        raise ImportFileError(f"{path}: {len(lines)} rows, on lines {shown}{more}; choose one with --line")
    row = source.table.row(lines[0])
    if problem := source.problem_of(row, over_run=True):
        raise ImportFileError(problem)
    return [row], windows[0]


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


def account_of(rows: Sequence[Row], window: Window, choice: Choice, pue: Pue) -> Json:
    """What the rows of one run say of it, as a tracker's artefact does (docs/trackers.md)."""
    clock, bound_s = ("run", 0.0) if choice.over_run else (window.clock, window.bound_s)
    spans = [] if choice.over_run else [_interval_ns(row, clock, choice.zone) for row in rows]
    if spans and any(row.whole_seconds for row in rows):
        bound_s += 0.5
    parts = _parts_wh(rows, pue.value)
    versions = list(dict.fromkeys(row.version for row in rows if row.version))
    account = {
        "schema": 1, "name": NAME, "version": ", ".join(versions) or None,
        "begin_ns": min((begin for begin, _ in spans), default=None),
        "end_ns": max((end for _, end in spans), default=None), "clock": clock, "bound_s": bound_s,
        "reported_wh": rows[0].energy_wh if len(rows) == 1 else math.fsum(row.energy_wh for row in rows),
        "factor": pue.value, "factor_reason": None if pue.value == 1 else pue.reason, "parts_wh": parts,
        "methods": {part: "none" if value is None else NOT_STATED for part, value in parts.items()},
        "intervals": list(_intervals(rows, spans)), "polls": None, "problems": _remarks(rows, pue, choice),
    }  # fmt: skip
    return account if len(rows) == 1 else account | {"spans_ns": [list(span) for span in spans]}


def _interval_ns(row: Row, clock: str, zone: str | None) -> tuple[int, int]:
    end_ns = _end_ns(row, clock, zone)
    return end_ns - round(row.duration_s * SECOND_NS), end_ns


def _parts_wh(rows: Sequence[Row], pue: float) -> dict[str, float | None]:
    """The sums of the parts that every row has, without the factor."""
    found: dict[str, float | None] = {}
    for part in rows[0].parts_wh:
        values = [row.parts_wh.get(part) for row in rows]
        known = [value for value in values if value is not None]
        whole = known[0] if len(values) == 1 and known else math.fsum(known)
        found[part] = whole / pue if len(known) == len(values) else None
    return found


def _intervals(rows: Sequence[Row], spans: Sequence[tuple[int, int]]) -> Iterator[Json]:
    """Each row of several by itself: a task under its name, else a stretch."""
    counts: dict[str, int] = {}
    for row, (begin_ns, end_ns) in zip(rows, spans, strict=False) if len(rows) > 1 else ():
        name = _name_of(row)
        index = counts.get(name, 0)
        counts[name] = index + 1
        edges = {"begin_ns": begin_ns, "end_ns": end_ns}
        yield {"name": name, "index": index, **edges, "reported_wh": row.energy_wh}


def _name_of(row: Row) -> str:
    """A task's name without the unique ending that CodeCarbon gives to one that is used again; a nameless one: task."""
    if row.task is None:
        return "stretch"
    return re.sub(r"(^|_)[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$", "", row.task) or "task"


def _remarks(rows: Sequence[Row], pue: Pue, choice: Choice) -> list[str]:
    """What a reader has to know of the figure, each once."""
    said = [remark for row in rows for remark in (*row.remarks, left_out_of(row, pue.value)) if remark]
    if choice.over_run:
        said.append(
            f"its duration is {rows[0].duration_text} s; the operator said that its energy is that of the whole run"
        )
    said += [_of_process(row) for row in rows if row.mode == PROCESS]
    said += [pue.remark] if pue.remark else []
    return list(dict.fromkeys(said))


def _of_process(row: Row) -> str:
    return MEMORY_OF_PROCESS if row.release and row.release < (3,) else OF_PROCESS


def first_account(row: Row, window: Window, choice: Choice) -> Json:
    """What wattlab said of a row before it took off what its object had counted before, and remarked on it: for entries
    of the log that were written so (no `reader`)."""
    pue = row.pue if row.pue is not None and row.pue > 0 else 1.0
    parts = {part: None if part == "gpu" and not row.boards > 0 else wh for part, wh in row.parts_wh.items()}
    plain = replace(row, remarks=(), mode="", parts_wh=parts)  # what is told of a mode was not told then
    return account_of([plain], window, choice, Pue(pue, _stated_in_file(pue)))


def _stated_in_file(pue: float) -> str:
    return f"the power usage effectiveness in its file, {pue:g}"


def _refuse_taken(entries: Sequence[Entry], windows: Sequence[Window], choice: Choice) -> None:
    taken = {attachment.run: attachment for attachment in of(Attachment, entries) if attachment.note == TRACKER}
    for window in windows:
        if window.folder in taken and not choice.replace:
            path = taken[window.folder].path
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
        raise RunFolderError(f"{target}: cannot attach the file ({why(error)})") from error
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
