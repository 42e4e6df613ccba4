"""PTDaemon logs (MLPerf power submissions, SPEC benchmarks) -> run folders; every section of one mark is one run.

Knows which files of a submission belong together, and what a section of PTDaemon's samples (ptd_log.py) means as a run.
Knows no run folder (imported.py) and no energy.

Decisions
- -1 (error) and -2 (missed sample) as power is a gap: the row stays with the flag `nan`, a gap event says why. -1 or -2
  as volts, amperes or power factor is an empty cell. Other negative values are values.
- A sample counts for its sampling interval, as in PTDaemon's own average: `averaging` is `window`, the interval is that
  of `Go` where the log tells it, else the median spacing. A run begins one interval before its first row. Over which
  part of that interval the analyser averaged, and which edge a stamp marks, no log says: `stamp` is `unknown`.
- A section whose mark contains the word `ranging` is a run that ended as `abort`, with this reason: it is listed with
  its energy and enters no mean.
- The uncertainty of a sample stands in the console log only where it is above PTDaemon's limit; other cells are empty.
- PTDaemon's averages are compared with the rows they count; another average is an error, more samples than rows a note.
- An Identify line of PTDaemon's Dummy, or with the mark of an emulator, makes the stream `emulated`, not `imported`.

No test here proves how PTDaemon behaves with an analyser attached; the tests hold what its published logs contain.
"""

import hashlib
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from itertools import groupby, pairwise
from pathlib import Path

import numpy as np

from harness.documents import Event, GapEvent, Json, NoteEvent, PhaseEvent, PowerDescriptor, RangeChangeEvent
from harness.errors import ImportFileError
from harness.importers.grouping import Grouping, placed
from harness.importers.imported import (
    SECOND_NS,
    ZONE_NOTE,
    ImportedRun,
    OnProgress,
    SourceFile,
    Summary,
    read_source,
    write_campaign,
)
from harness.importers.ptd_log import (
    ERROR,
    ISO_MARK,
    MISSED,
    Averages,
    Conversation,
    Go,
    Instrument,
    Log,
    Quantity,
    Range,
    Row,
    parse_identify,
    read_log,
    read_server,
)

STREAM = "readings-ptd.csv"
GAP_FACTOR = 1.5
RANGING_REASON = "a ranging run: the analyser's ranges were being found in it"
RANGING = re.compile(r"(?:^|[-_ ])ranging(?:$|[-_ ])", re.IGNORECASE)
QUANTITIES = (("power_w", "W"), ("voltage_v", "V"), ("current_a", "A"), ("power_factor", "1"))
LEAVES = frozenset({"ranging", "testing", "run_1", "performance", "power"})
"""Folders of a submission that name no workload."""
BESIDE = ("client.json", "server.log", "client.log")
"""Files of a session that are kept with it and not read."""


@dataclass(slots=True)
class Session:
    """What belongs together: row files, the console log and server.json of one root folder."""

    root: Path
    workload: str
    rows: list[Log] = field(default_factory=list)
    console: Log | None = None
    server: Conversation | None = None
    beside: list[SourceFile] = field(default_factory=list)

    @property
    def logs(self) -> list[Log]:
        """Row files and console log, each once."""
        return self.rows + ([self.console] if self.console is not None and self.console not in self.rows else [])

    @property
    def files(self) -> list[SourceFile]:
        """Every source of the session."""
        server = [self.server.source] if self.server else []
        return [log.source for log in self.logs] + server + self.beside

    def changed(self) -> list[str]:
        """A sentence for every file that is not the one whose SHA-1 server.json states."""
        stated = self.server.hashes if self.server else {}
        found = []
        for source in self.files:
            name = source.path.relative_to(self.root).as_posix()
            if name in stated and hashlib.sha1(source.verbatim, usedforsecurity=False).hexdigest() != stated[name]:
                found.append(f"{name} is not the file whose SHA-1 server.json states; it was changed afterwards")
        return found


def import_ptd(
    path: Path, campaign: Path, *, grouping: Grouping | None = None, on_progress: OnProgress | None = None
) -> Summary:
    """Import every section of a log, or of all logs in a folder, into a new campaign.

    Raises:
        ImportFileError: no log, a damaged line, a date that contradicts its mark, a clock that was put back or forward,
            averages that contradict the samples; with file and line.
        RunFolderError: the campaign exists already.
    """
    remarks = [ZONE_NOTE, "dates are read as PTDaemon prints them, month first"]
    found: list[ImportedRun] = []
    for session in _sessions(path):
        found += _runs(session, remarks)
    _require_once(found)
    counts: dict[str, int] = {}
    runs = []
    for run in sorted(found, key=lambda one: (one.begin_ns, one.scenario)):
        counts[run.scenario] = counts.get(run.scenario, 0) + 1
        runs.append(replace(run, repetition=counts[run.scenario]))
    runs, left_out = placed(runs, [run.files[0].path.parent for run in runs], grouping or Grouping())
    return write_campaign(campaign, "ptd", runs, [*remarks, *left_out], on_progress)


def _require_once(runs: Sequence[ImportedRun]) -> None:
    """The same samples in two files would count twice."""
    seen: dict[object, ImportedRun] = {}
    for run in runs:
        key = run.streams[0][1]
        if key in seen:
            raise ImportFileError(
                f"{run.files[0].path}: the same samples are in {seen[key].files[0].path}; keep one of the two files"
            )
        seen[key] = run


def _sessions(path: Path) -> list[Session]:
    """What to import: a file by itself, or every spl.txt of a folder with the logs of its session beside it."""
    if path.is_file():
        log = read_log(read_source(path))
        return [Session(path.parent, "", [log], log)]
    if not path.is_dir():
        raise ImportFileError(f"{path}: no such file or folder; name a PTDaemon log, or a folder with spl.txt in it")
    files = sorted(file for file in path.rglob("*") if re.fullmatch(r"spl\.txt(\.gz)?", file.name))
    if not files:
        files = sorted(file for file in path.rglob("*") if re.fullmatch(r"ptd.*\.(txt|log|csv)(\.gz)?", file.name))
    if not files:
        raise ImportFileError(f"{path}: no spl.txt and no ptd*.txt or ptd*.log in it or below; name the log itself")
    sessions: dict[Path, Session] = {}
    for file in files:
        root = _root_of(file, path)
        if root not in sessions:
            sessions[root] = _session(root, path)
        session = sessions[root]
        known = session.console is not None and session.console.source.path == file
        session.rows.append(session.console if known and session.console else read_log(read_source(file)))
    return list(sessions.values())


def _root_of(file: Path, top: Path) -> Path:
    """The folder of a session: the nearest one upwards (not above `top`) that holds its console log or server.json."""
    for folder in file.parents:
        if any(_context(folder, name) for name in ("ptd_logs.txt", "server.json")):
            return folder
        if folder == top:
            break
    return file.parent


def _context(root: Path, name: str) -> Path | None:
    found = (root / "power" / name, root / name)
    return next((file for file in found if file.is_file()), None)


def _session(root: Path, top: Path) -> Session:
    parts = [ISO_MARK.sub("", part) for part in root.relative_to(top).parts if part not in LEAVES]
    session = Session(root, "-".join(re.sub(r"[\W_]+", "-", part).strip("-") for part in parts if part))
    found = [file for name in BESIDE if (file := _context(root, name))]
    session.beside = [read_source(file) for file in found if file.stat().st_size]
    if console := _context(root, "ptd_logs.txt"):
        session.console = read_log(read_source(console))
    if server := _context(root, "server.json"):
        session.server = read_server(read_source(server))
    return session


def _runs(session: Session, remarks: list[str]) -> Iterator[ImportedRun]:
    """The sections of a session as runs; remarks go to the terminal."""
    instrument = _instrument(session)
    marks = {row.mark for log in session.rows for row in log.rows}
    sections = []
    for log in session.logs:
        for _, group in groupby(log.rows, key=lambda row: row.mark):
            rows = list(group)
            if log in session.rows or rows[0].mark not in marks:
                sections.append((log, rows))
        if log.cut_line:
            remarks.append(f"{log.source.path}:{log.cut_line}: cut off in mid-line; the line is left out")
    if not sections:
        raise ImportFileError(
            f"{session.logs[0].source.path}:1: no sample in it; expected rows 'Time,..,Watts,..,Mark,..'"
        )
    remarks += [f"{session.root}: {text}" for text in session.changed()]
    sections.sort(key=lambda section: section[1][0].time_ns)
    since_ns = 0
    for log, rows in sections:
        nth = sum(other[0].mark == rows[0].mark and other[0].time_ns < rows[0].time_ns for _, other in sections)
        total = sum(other[0].mark == rows[0].mark for _, other in sections)
        section = Section(session, log, rows, instrument, _goes(session, rows[0].mark, nth, total), since_ns)
        yield section.run(remarks)
        since_ns = rows[-1].time_ns


def _goes(session: Session, mark: str, nth: int, total: int) -> list[Go]:
    """What console log and server.json tell of the nth measurement with this mark; nothing where they count others."""
    found = []
    for goes in (session.console.goes if session.console else [], session.server.goes if session.server else []):
        same = [go for go in goes if go.mark == mark]
        if len(same) == total:
            found.append(same[nth])
    return found


def _instrument(session: Session) -> Instrument:
    """Identity, version and calibration date from the Identify line; empty where no log has one."""
    told = [log.identify for log in session.logs if log.identify]
    told += [session.server.identify] if session.server and session.server.identify else []
    if len(set(told)) > 1:
        raise ImportFileError(
            f"{session.root}: two Identify lines differ: {told[0]!r} and {told[-1]!r}; one session a folder"
        )
    names = ("maker", "model", "serial", "firmware")
    if not told:
        return Instrument(dict.fromkeys(names, "") | {"driver": "ptdaemon"}, {}, None, False, False)
    return parse_identify(told[0], str(session.root))


@dataclass(frozen=True)
class Section:
    """The rows of one mark, and what is known of them."""

    session: Session
    log: Log
    rows: list[Row]
    instrument: Instrument
    goes: list[Go]
    since_ns: int

    @property
    def ranging(self) -> bool:
        """Whether the analyser's ranges were being found."""
        return RANGING.search(self.rows[0].mark) is not None

    @property
    def scenario(self) -> str:
        """Workload and mark without the session's date."""
        mark = re.sub(r"[^\w.]+|_", "-", ISO_MARK.sub("", self.rows[0].mark)).strip("-")
        return "-".join(part for part in (self.session.workload, mark or "measurement") if part)

    @property
    def where(self) -> str:
        """For errors and notes."""
        return f"{self.log.source.path}:{self.rows[0].line}"

    def window_s(self) -> float:
        """The sampling interval: that of Go, else the median spacing."""
        for go in self.goes:
            if go.interval_ms:
                return go.interval_ms / 1000
        steps_ns = np.diff([row.time_ns for row in self.rows])
        if not steps_ns.size or np.median(steps_ns) <= 0:
            raise ImportFileError(
                f"{self.where}: {len(self.rows)} samples at one time, and no Go line tells their interval; there is no "
                "energy: take this section out"
            )
        return float(np.median(steps_ns)) / SECOND_NS

    def run(self, remarks: list[str]) -> ImportedRun:
        """The section as a run."""
        window_s = self.window_s()
        begin_ns, end_ns = self.rows[0].time_ns - round(window_s * SECOND_NS), self.rows[-1].time_ns
        notes = list(self._notes())
        remarks += [f"{self.scenario}: {text}" for code, text in notes if code in ("ptd-samples", "dummy-analyser")]
        if self.ranging:
            remarks.append(f"{self.scenario}: a ranging run; it is listed and enters no mean")
        changes, at_begin, said = self._ranges(begin_ns)
        notes += [("ptd-ranges", "before the run: " + "; ".join(said))] if said else []
        events: list[Event] = [
            PhaseEvent(time_ns=begin_ns, name="rating", edge="begin"),
            *self._gaps(window_s),
            *changes,
        ]
        events += [NoteEvent(time_ns=end_ns, code=code, text=text) for code, text in notes]
        events.append(PhaseEvent(time_ns=end_ns, name="rating", edge="end"))
        return ImportedRun(
            kind="scenario", scenario=self.scenario, repetition=1, begin_ns=begin_ns, end_ns=end_ns,
            streams=((self._descriptor(window_s, at_begin), self._content(window_s)),),
            events=tuple(sorted(events, key=lambda event: event.time_ns)),
            files=tuple({source.path: source for source in [self.log.source, *self.session.files]}.values()),
            note=f"{ZONE_NOTE}; only a wall clock stamped the samples; mark {self.rows[0].mark!r}, lines "
            f"{self.rows[0].line} to {self.rows[-1].line} of {self.log.source.path.name}; the run begins one sampling "
            "interval before its first row",
            exit_status="abort" if self.ranging else "success", reason=RANGING_REASON if self.ranging else None,
        )  # fmt: skip

    def _descriptor(self, window_s: float, ranges: Mapping[Quantity, Range]) -> PowerDescriptor:
        full = {quantity: value for quantity, (_, value) in ranges.items() if value is not None}
        limits = dict(full) | ({"power_w": full["voltage_v"] * full["current_a"]} if len(full) == 2 else {})
        columns: list[Json] = [
            {
                "name": name, "unit": unit, "resolution": self._resolution(index),
                "range": [0, limits[name]] if name in limits else None, "accuracy": None,
            }
            for index, (name, unit) in enumerate(QUANTITIES)
        ]  # fmt: skip
        extra = [("relative_uncertainty", "1", 0.0001)] if self.uncertainties else []
        extra += [(f"ch{n}_{name}", unit, 0.01) for n in self._channels for name, unit in QUANTITIES]
        columns += [
            {"name": name, "unit": unit, "resolution": step, "range": None, "accuracy": None}
            for name, unit, step in extra
        ]
        autos = {auto for auto, _ in ranges.values()}
        direct = self.session.server is not None and self.session.server.direct_current
        return PowerDescriptor(
            stream=STREAM, meter="ptd", circuit="sut-dc-inlet" if direct else "sut-ac-inlet",
            identity=self.instrument.identity, origin="emulated" if self.instrument.simulated else "imported",
            evidence={"file": self.log.source.path.name, "sha256": self.log.source.sha256} | self.instrument.evidence,
            averaging="window", window_s=window_s, stamp="unknown", latency_s=0.0,
            ranging="auto" if True in autos else "fixed" if autos == {False} and len(ranges) == 2 else "none",
            columns=columns, calibration=self.instrument.calibration,
        )  # fmt: skip

    @property
    def _channels(self) -> list[int]:
        return sorted({number for row in self.rows for number, _ in row.channels})

    def _resolution(self, index: int) -> float:
        """The last digit that is not always zero."""
        parts = (f"{row.values[index]:.6f}".rstrip("0").partition(".")[2] for row in self.rows)
        return float(10.0 ** -max(len(digits) for digits in parts))

    def _content(self, window_s: float) -> bytes:
        """The stream: a row a sample; empty cells where PTDaemon had no value."""
        uncertainties = self.uncertainties
        channels = self._channels
        names = ["time_ns", *(name for name, _ in QUANTITIES)]
        names += ["relative_uncertainty"] if uncertainties else []
        names += [f"ch{number}_{name}" for number in channels for name, _ in QUANTITIES]
        lines = [",".join([*names, "window_s", "flags"]) + "\n"]
        for row in self.rows:
            cells = [str(row.time_ns), *map(_cell, row.values)]
            if uncertainties:
                stated = uncertainties.get(row.line)
                cells.append("" if stated is None else repr(stated))
            given = dict(row.channels)
            for number in channels:
                cells += map(_cell, given.get(number, (ERROR,) * 4))
            lines.append(",".join([*cells, repr(window_s), "nan" if row.cause else ""]) + "\n")
        return "".join(lines).encode()

    @cached_property
    def uncertainties(self) -> dict[int, float]:
        """Line of a row -> the relative uncertainty its warning states; the nearest row within half an interval."""
        times_ns = np.array([row.time_ns for row in self.rows])
        reach_ns = self.window_s() * SECOND_NS / 2
        found = {}
        for log in self._logs:
            for _, time_ns, value in log.uncertain:
                after = int(np.searchsorted(times_ns, time_ns))
                near = self.rows[max(after - 1, 0) : after + 1]
                row = min(near, key=lambda one: abs(one.time_ns - time_ns))
                if value is not None and abs(row.time_ns - time_ns) <= reach_ns:
                    found[row.line] = round(value, 6)
        return found

    def _gaps(self, window_s: float) -> Iterator[GapEvent]:
        """Samples without a value, and rows that are missing."""
        edge_ns = self.rows[0].time_ns - round(window_s * SECOND_NS)
        groups = [(cause, list(group)) for cause, group in groupby(self.rows, key=lambda row: row.cause)]
        for nth, (cause, rows) in enumerate(groups, 1):
            to_ns = groups[nth][1][0].time_ns if nth < len(groups) else rows[-1].time_ns
            if cause is not None:
                text = f"PTDaemon: {cause}, {len(rows)} samples"
                yield GapEvent(time_ns=rows[-1].time_ns, stream=STREAM, cause=text, from_ns=edge_ns, to_ns=to_ns)
            edge_ns = rows[-1].time_ns
        for before, row in pairwise(self.rows):
            if row.time_ns - before.time_ns > GAP_FACTOR * window_s * SECOND_NS:
                yield GapEvent(
                    time_ns=row.time_ns, stream=STREAM, cause="rows missing", from_ns=before.time_ns, to_ns=row.time_ns
                )

    @property
    def _logs(self) -> list[Log]:
        console = self.session.console
        return [self.log] if console is None or console is self.log else [self.log, console]

    def _ranges(self, begin_ns: int) -> tuple[list[RangeChangeEvent], dict[Quantity, Range], list[str]]:
        """The changes within the section, the ranges with which it begins, and what was said of them since the section
        before."""
        at_begin: dict[Quantity, Range] = {}
        events: list[RangeChangeEvent] = []
        before: list[str] = []
        told = sorted((one for log in self._logs for one in log.ranges), key=lambda one: one[0])
        for time_ns, quantity, value, text in told:
            if time_ns <= begin_ns:
                at_begin[quantity] = value
                if time_ns > self.since_ns and text not in before[-1:]:
                    before.append(text)
            elif time_ns <= self.rows[-1].time_ns:
                auto, full_scale = value
                change = RangeChangeEvent(
                    time_ns=time_ns, stream=STREAM, column=quantity, auto=auto, full_scale=full_scale, text=text
                )
                events.append(change)
        return events, at_begin, before

    def _notes(self) -> Iterator[tuple[str, str]]:
        """Codes and texts: what a reader of the report must know of this run."""
        if self.instrument.dummy:
            yield "dummy-analyser", "PTDaemon ran without an analyser (Dummy): these numbers were not measured"
        if self.log.cut_line and self.rows[-1] is self.log.rows[-1]:
            yield "truncated-source", f"line {self.log.cut_line} of {self.log.source.path.name} is cut off; left out"
        yield from (("source-changed", text) for text in self.session.changed())
        for go in self.goes:
            for averages in go.averages:
                yield from self._compared(averages, go.rampup)
            for reply in go.uncertainty:
                yield "ptd-uncertainty", f"{reply} (average, least, greatest, samples, invalid, valid, unknown)"
            if go.commands:
                yield "ptd-ranges", "before Go: " + "; ".join(go.commands)
        yield from self._problems()

    def _compared(self, stated: Averages, rampup: int) -> Iterator[tuple[str, str]]:
        """PTDaemon's averages against the rows they count.

        Raises:
            ImportFileError: the same samples have another average, minimum, maximum, or number of valid ones.
        """
        place = stated.where.rpartition("/")[2]
        if rampup or stated.total > len(self.rows):
            why = (
                f"{rampup} samples of ramp-up"
                if rampup
                else f"{stated.total} samples there, {len(self.rows)} rows here"
            )
            yield "ptd-samples", f"{place}: PTDaemon's averages were not compared: {why}"
            return
        values = [row.values[0] for row in self.rows[: stated.total] if row.cause is None]
        found = (float(np.mean(values)), min(values), max(values)) if values else (ERROR, ERROR, ERROR)
        told = (stated.average_w, stated.low_w, stated.high_w)
        if len(values) != stated.valid or not np.allclose(found, told, rtol=0, atol=1.01e-6):
            raise ImportFileError(
                f"{stated.where}: PTDaemon states average, least, greatest {told} W of {stated.valid} valid samples; "
                f"the {stated.total} rows from {self.where} give {tuple(round(x, 6) for x in found)} W of {len(values)}"
                ": rows were edited or lost"
            )
        if stated.total < len(self.rows):
            yield (
                "ptd-samples",
                f"{place}: PTDaemon's averages count the first {stated.total} of {len(self.rows)} rows",
            )

    def _problems(self) -> Iterator[tuple[str, str]]:
        """Warnings and errors of PTDaemon within the section, every text once."""
        first_ns, last_ns = self.rows[0].time_ns - SECOND_NS, self.rows[-1].time_ns + SECOND_NS
        counts: dict[str, int] = {}
        unknown = above = 0
        for log in self._logs:
            for _, time_ns, text in log.problems:
                if first_ns <= time_ns <= last_ns:
                    counts[text] = counts.get(text, 0) + 1
            within = [value for _, time_ns, value in log.uncertain if first_ns <= time_ns <= last_ns]
            unknown += sum(value is None for value in within)
            above += sum(value is not None for value in within)
        for text, times in counts.items():
            yield "ptd-message", f"{text} ({times} times)"
        if unknown:
            yield "ptd-uncertainty", f"PTDaemon could not state the uncertainty of {unknown} samples"
        if above:
            yield "ptd-uncertainty", f"the uncertainty of {above} samples is above PTDaemon's limit"


def _cell(value: float) -> str:
    return "" if value in (ERROR, MISSED) else repr(value)
