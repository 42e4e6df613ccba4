"""OSCAR's action logs: the test runs of a scenario and the actions in them.

Knows the forms of formats.md and KDE's: BOM, unpadded month and unpadded milliseconds (`27.18` is 27.018 s), the
handbook's variant, `iteration N` before or behind the rest of the line. Knows no power and no run folder.

Decisions
- A fraction of one to three digits is milliseconds (OSCAR's own tools do not pad them), a longer one is a decimal part.
- Handbook variant: an empty second field; a type in the third field stands for the second, any other text there begins
  an action that ends where the next line begins. Types are known whatever their case (KDE writes `startTestRun`).
- Actions may lie in one another; a stopAction ends the one begun last. At stopTestrun only an action in which no other
  was begun may still be open, and that is said: with more than that, a line is missing.
- `iteration N` is the same on every line of a test run; where it changes in between, lines are missing: refused.
- A line that stands twice counts once, and that is said; but two stopAction of one moment end two open actions.
- A test run without stopTestrun (the script was stopped) has no end and is left out, and said; none with one: refused.
"""

import re
from dataclasses import dataclass, field

from harness.foreign.importers.remarks import Remark, cut_line, doubled_lines
from harness.foreign.importers.source import SourceFile, lines_of
from harness.foreign.importers.stamps import wall_ns
from harness.record.errors import ImportFileError

UNENDED = "unended-test-run"
TYPES = ("startTestrun", "stopTestrun", "startAction", "stopAction")
_BY_CASE = {kind.lower(): kind for kind in TYPES}
_STAMP = re.compile(
    r"(?:(?P<year>\d{4})-(?P<month>\d{1,2})-(?P<day>\d{1,2})|(?P<Day>\d{1,2})\.(?P<Month>\d{1,2})\.(?P<Year>\d{4}))"
    r"[ T](?P<hour>\d{1,2}):(?P<minute>\d{1,2}):(?P<second>\d{1,2})(?:[.,](?P<part>\d{1,9}))?",
    re.ASCII,
)
_ITERATION = re.compile(r"iteration\s+(\d+)", re.IGNORECASE)
_TIME_ONLY = re.compile(r"\d{1,2}:\d{2}:\d{2}(\.\d+)?", re.ASCII)


@dataclass(slots=True)
class TestRun:
    """One test run of an action log: its interval and its actions as (name, index, begin_ns, end_ns)."""

    __test__ = False  # not a test of pytest's

    line: int
    begin_ns: int
    end_ns: int = 0
    actions: list[tuple[str, int, int, int]] = field(default_factory=list)
    iteration: str | None = None


@dataclass(frozen=True, slots=True)
class Actions:
    """What an action log holds: its complete test runs, in order, and what was left out."""

    source: SourceFile
    runs: list[TestRun]
    remarks: tuple[Remark, ...]


@dataclass(slots=True)
class _Open:
    """An action that has begun. `by_next`: the next line ends it; `held`: another was begun inside."""

    name: str
    line: int
    begin_ns: int
    by_next: bool
    held: bool = False


@dataclass(frozen=True, slots=True)
class _Entry:
    """One line as parsed; kind '' is an action that the next line ends."""

    where: str
    line: int
    stamp_ns: int
    kind: str
    text: str
    iteration: str | None

    @property
    def content(self) -> tuple[int, str, str, str | None]:
        """What two lines have in common of which one is the other again."""
        return self.stamp_ns, self.kind, self.text, self.iteration


def looks_like_actions(line: str) -> bool:
    """Whether a line begins as those of an action log do."""
    return bool(_STAMP.match(_fields(line)[1][0]))


def undated(line: str) -> str | None:
    """The time of a line that has one and no date, as actions logs must; None of any other line."""
    first = _fields(line)[1][0]
    return first if ";" in line and _TIME_ONLY.fullmatch(first) else None


def read_actions(source: SourceFile) -> Actions:
    """The test runs of an action log, in order.

    Raises:
        ImportFileError: a line that cannot be read, an action that does not begin or end, time that goes back, no
            complete test run.
    """
    lines = lines_of(source)
    written = [(number, text) for number, text in enumerate(lines, 1) if text.strip(" \t\0")]
    log = _ActionLog(source)
    for number, text in written:
        try:
            entry = _entry(f"{source.path}:{number}", number, text)
        except ImportFileError:
            if number != written[-1][0] or lines[-1] == "":
                raise
            log.remark(cut_line(source, number))
        else:
            log.take(entry)
    return log.finish()


def _entry(where: str, number: int, line: str) -> "_Entry":
    iteration, cells = _fields(line)
    stamp_ns = _stamp_ns(where, cells[0])
    kind, text = _type_and_text(where, cells)
    return _Entry(where, number, stamp_ns, kind, text, iteration)


def _fields(line: str) -> tuple[str | None, list[str]]:
    """Number of the iteration (before or behind the rest, None without one), and the other fields."""
    cells = [cell.strip().strip('"').strip() for cell in line.split(";")]
    for place in (0, -1):
        if len(cells) > 1 and (match := _ITERATION.fullmatch(cells[place])):
            del cells[place]
            return match[1], cells
    return None, cells


class _ActionLog:
    """Reads an action log line by line: which run and which actions are open."""

    def __init__(self, source: SourceFile) -> None:
        self._source, self._path = source, source.path
        self._runs: list[TestRun] = []
        self._remarks: list[Remark] = []
        self._run: TestRun | None = None
        self._open: list[_Open] = []
        self._last: _Entry | None = None
        self._doubled: list[int] = []

    def remark(self, remark: Remark) -> None:
        self._remarks.append(remark)

    def take(self, entry: _Entry) -> None:
        last, self._last = self._last, entry
        if last is not None and entry.stamp_ns < last.stamp_ns:
            raise ImportFileError(f"{entry.where}: time goes back here; sort the log or split it at this line")
        if last is not None and self._repeats(entry, last):
            self._doubled.append(entry.line)
            return
        if entry.kind == "startTestrun":
            self._leave_out_unended()
            self._run = TestRun(entry.line, entry.stamp_ns, iteration=entry.iteration)
            return
        self._require_run(entry)
        if self._open and self._open[-1].by_next:
            self._close(entry.stamp_ns)
            if entry.kind == "stopAction":
                return
        if entry.kind == "stopTestrun":
            self._end(entry.where, entry.stamp_ns)
        elif entry.kind == "stopAction":
            if not self._open:
                raise ImportFileError(f"{entry.where}: stopAction, but no action was begun")
            self._close(entry.stamp_ns)
        else:
            for action in self._open:
                action.held = True
            self._open.append(_Open(entry.text or "action", entry.line, entry.stamp_ns, by_next=entry.kind == ""))

    def _repeats(self, entry: _Entry, last: _Entry) -> bool:
        """Whether a line is the one before, written twice."""
        ends_another = entry.kind == "stopAction" and bool(self._open)
        return entry.content == last.content and not ends_another

    def _require_run(self, entry: _Entry) -> None:
        run = self._run
        if run is None:
            raise ImportFileError(
                f"{entry.where}: {entry.kind or entry.text!r} outside of a test run; a startTestrun is missing before"
            )
        if entry.iteration != run.iteration:
            raise ImportFileError(
                f"{entry.where}: iteration {entry.iteration} in the test run of line {run.line}, which is iteration "
                f"{run.iteration}; lines are missing, or two logs were joined: export the log again"
            )

    def _leave_out_unended(self) -> None:
        if self._run is not None:
            words = "the test run that begins here has no stopTestrun; it is left out"
            self._remarks.append(Remark(UNENDED, self._source, self._run.line, words))
        self._run, self._open = None, []

    def _end(self, where: str, stamp_ns: int) -> None:
        run = self._run
        assert run is not None
        if stamp_ns <= run.begin_ns:
            raise ImportFileError(f"{where}: the test run of line {run.line} has no duration")
        if len(self._open) > 1 or any(action.held for action in self._open):
            action = self._open[0]
            raise ImportFileError(
                f"{where}: the action {action.name!r:.60} of line {action.line} is still open, and others lie in it; a "
                "stopAction is missing"
            )
        if self._open:
            words = f"the action {self._open[0].name!r:.60} has no stopAction; it ends with its test run"
            if not self._open[0].by_next:
                self._remarks.append(Remark("action-without-stop", self._source, self._open[0].line, words))
            self._close(stamp_ns)
        run.end_ns = stamp_ns
        self._runs.append(run)
        self._run = None

    def _close(self, stamp_ns: int) -> None:
        assert self._run is not None
        action = self._open.pop()
        index = sum(earlier[0] == action.name for earlier in self._run.actions)
        self._run.actions.append((action.name, index, action.begin_ns, stamp_ns))

    def finish(self) -> Actions:
        self._leave_out_unended()
        unended = [remark.line for remark in self._remarks if remark.code == UNENDED]
        if not self._runs and unended:
            raise ImportFileError(
                f"{self._path}:{unended[0]}: the test run that begins here has no stopTestrun, and no other has one; "
                "the file is cut off, or the script was stopped"
            )
        if not self._runs:
            raise ImportFileError(f"{self._path}:1: no startTestrun in the file: there is nothing to import")
        return Actions(self._source, self._runs, (*self._remarks, *doubled_lines(self._source, self._doubled)))


def _type_and_text(where: str, cells: list[str]) -> tuple[str, str]:
    """Type and text; type '' is the handbook's action without a type."""
    kind, text = [*cells, "", ""][1:3]
    if len(cells) > 3 and _STAMP.fullmatch(text):
        raise ImportFileError(
            f"{where}: the third field is the end of an action ({'; '.join(cells)!r:.70}): a table that was made from "
            "an action log; import the log itself, the one with startTestrun and stopTestrun"
        )
    if known := _BY_CASE.get(kind.lower()):
        return known, text
    if kind == "" and (known := _BY_CASE.get(text.lower())):
        return known, (cells + [""] * 4)[3]
    if kind == "" and text:
        return "", text
    raise ImportFileError(
        f"{where}: found the type {kind!r:.40}, expected one of {', '.join(TYPES)}; is the line cut off?"
    )


def _stamp_ns(where: str, text: str) -> int:
    match = _STAMP.fullmatch(text)
    time_ns = None if match is None else _time_of(match)
    if time_ns is None:
        raise ImportFileError(f"{where}: found the time {text!r:.40}, expected one like '2022-9-22 09:03:57.179'")
    return time_ns


def _time_of(match: re.Match[str]) -> int | None:
    year, month, day = (int(match[name] or match[name.title()]) for name in ("year", "month", "day"))
    hour, minute, second = (int(match[name]) for name in ("hour", "minute", "second"))
    part = match["part"] or "0"
    return wall_ns(year, month, day, hour, minute, second, fraction_ns=int(part.rjust(3, "0").ljust(9, "0")))
