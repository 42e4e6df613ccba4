"""PTDaemon logs (MLPerf power submissions, SPEC benchmarks) -> run folders; every section of one mark is one run.

Knows which files of a submission belong together, and what a section of PTDaemon's samples (ptd_log.py) means as a run.
Knows no run folder (imported.py) and no energy.

Decisions
- -1 (error) and -2 (missed sample) as power is a gap: the row stays with the flag `nan`, a gap event says why. A value
  outside its range, which PTDaemon marks, is one too, with the flag `overrange`. As volts, amperes or power factor all
  of them are empty cells. Other negative values are values.
- A sample counts for its sampling interval, as in PTDaemon's own average: `averaging` is `window`, the interval is that
  of `Go` where the log tells it, else the median spacing. A record begins one interval before its first row. Over which
  part of that interval the analyser averaged, and which edge a stamp marks, no log says: `stamp` is `unknown`.
- Where MLPerf's window stands beside the rows (loadgen.py), it is the run's rating interval, and a window event says so
  (docs/decisions, the publisher's window); otherwise the whole record is. A window that cannot be placed is a note.
- A section whose mark contains the word `ranging` is of the kind `ranging`: listed with its energy, in no mean, no
  scenario of its own.
- Samples that stand in two sessions (MLPerf takes one run for two accuracy targets) are imported once, and said.
- The uncertainty of a sample is, the first that is stated: its own warning in the console log; the mean that PTDaemon
  states of its measurement; PTDaemon's limit, where it checked every sample and warned of none. What it could not judge
  is empty. The mean bounds from above what an energy needs: an analyser's limits are a + b/P, so their mean is larger
  than their mean weighted with P.
- PTDaemon's averages are compared with the rows they count; another average is an error, more samples than rows a note.
  So is a sample that its reply to `RL` tells otherwise. Power that volts, amperes and power factor contradict is a
  note.
- An Identify line of PTDaemon's Dummy, or with the mark of an emulator, makes the stream `emulated`, not `imported`.

No test here proves how PTDaemon behaves with an analyser attached; the tests hold what its published logs contain.
"""

import hashlib
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from itertools import groupby, pairwise
from pathlib import Path

import numpy as np

from harness.foreign.importers.grouping import Grouping, Place, distinct_names, left_out, numbered
from harness.foreign.importers.imported import ZONE_NOTE, ImportedRun, OnProgress, Summary, write_campaign
from harness.foreign.importers.ptd import loadgen
from harness.foreign.importers.ptd.loadgen import Unplaced, Window
from harness.foreign.importers.ptd.log import (
    ISO_MARK,
    NOTHING,
    OUTSIDE,
    Averages,
    Client,
    Conversation,
    Go,
    Instrument,
    Log,
    Quantity,
    Range,
    Row,
    Values,
    numbers_of,
    parse_identify,
    read_client,
    read_log,
    read_server,
    within_range,
)
from harness.foreign.importers.remarks import listed
from harness.foreign.importers.source import ReleasedFile, SourceFile, read_source
from harness.foreign.importers.spool import Spool
from harness.foreign.importers.stamps import SECOND_NS
from harness.record.documents import (
    Event,
    GapEvent,
    Json,
    NoteEvent,
    PhaseEvent,
    PowerDescriptor,
    RangeChangeEvent,
    WindowEvent,
)
from harness.record.errors import ImportFileError
from meters.ptdaemon.codec import MARK_OFFSET

STREAM = "readings-ptd.csv"
GAP_FACTOR = 1.5
CHECKED_LIMIT = 0.01
"""PTDaemon warns of every sample whose uncertainty is above it ("above 1.00% limit")."""
NOT_COMPARED = "PTDaemon's averages were not compared"
MOST_ALIKE = 3
"""Sessions of which the terminal says the same one by one."""
RANGING = re.compile(r"(?:^|[-_ ])ranging(?:$|[-_ ])", re.IGNORECASE)
MODES = re.compile(r"(?:^|-)(?:ranging|testing)$", re.IGNORECASE)
"""What MLPerf's power server puts behind the mark of a session."""
MLPERF = "MLPerf Inference"
UNFITTING = 2.0
"""Power and volts times amperes times power factor are the same but for their last digits (medians of 201 public logs:
within .01 %)."""
QUANTITIES = (("power_w", "W"), ("voltage_v", "V"), ("current_a", "A"), ("power_factor", "1"))
LEAVES = frozenset({"ranging", "testing", "run_1", "performance", "power"})
"""Folders of a submission that name no workload."""
BESIDE = ("server.log", "client.log")
"""Files of a session that are kept with it and not read."""


@dataclass(frozen=True, slots=True)
class Found:
    """The files of one session before they are read: its root folder, its row files, the unit that it is for a
    grouping, and the parts of its path that may name a workload."""

    root: Path
    rows: list[Path]
    unit: Path
    parts: tuple[str, ...] = ()


@dataclass
class Session:
    """What belongs together: row files, the console log, server.json and client.json of one root folder, and what it is
    in the study."""

    root: Path
    place: Place
    rows: list[Log] = field(default_factory=list)
    console: Log | None = None
    server: Conversation | None = None
    client: Client | None = None
    beside: list[SourceFile] = field(default_factory=list)

    @property
    def logs(self) -> list[Log]:
        """Row files and console log, each once."""
        return self.rows + ([self.console] if self.console is not None and self.console not in self.rows else [])

    @property
    def files(self) -> list[SourceFile]:
        """Every source of the session."""
        told = [told.source for told in (self.server, self.client) if told is not None]
        return [log.source for log in self.logs] + told + self.beside

    def changed(self, more: Sequence[SourceFile] = ()) -> list[str]:
        """A sentence for every file that is not the one whose SHA-1 server.json or client.json states."""
        told = [told for told in (self.server, self.client) if told is not None]
        stated = {name: (digest, one.source.path.name) for one in told for name, digest in one.hashes.items()}
        found = []
        for source in [*self.files, *more]:
            name, digest = _digest_of(source, self.root)
            wanted, where = stated.get(name, (digest, ""))
            if digest != wanted:
                found.append(f"{name} is not the file whose SHA-1 {where} states; it was changed afterwards")
        return found

    @cached_property
    def is_console_whole(self) -> bool:
        """Whether the console log is the file whose SHA-1 server.json states."""
        if self.console is None or self.server is None:
            return False
        name, digest = _digest_of(self.console.source, self.root)
        return self.server.hashes.get(name) == digest

    @property
    def zones_s(self) -> list[int]:
        """The zones that the session's machines state."""
        return [told.zone_s for told in (self.server, self.client) if told is not None and told.zone_s is not None]


def _digest_of(source: SourceFile, root: Path) -> tuple[str, str]:
    """Name and SHA-1 of a file as server.json has them: of the unpacked file."""
    name = source.path.relative_to(root).as_posix()
    content = source.content if name.endswith(".gz") else source.verbatim
    return name.removesuffix(".gz"), hashlib.sha1(content, usedforsecurity=False).hexdigest()


def import_ptd(
    path: Path, campaign: Path, *, grouping: Grouping | None = None, on_progress: OnProgress | None = None
) -> Summary:
    """Import every section of a log, or of all logs in a folder, into a new campaign. A unit of the grouping is a
    session's folder, or the log itself.

    Raises:
        ImportFileError: no log, a damaged line, a date that contradicts its mark, a clock that was put back or forward,
            averages that contradict the samples; with file and line. A grouping that does not fit.
        RunFolderError: the campaign exists already.
    """
    remarks = [ZONE_NOTE, "dates are read as PTDaemon prints them, month first"]
    found = _found(path)
    places = _places(found, grouping or Grouping())
    with Spool() as spool:
        runs: list[ImportedRun] = []
        for files, place in zip(found, places, strict=True):  # the files of one session at a time lie in memory
            runs += [] if place is None else list(_runs(_session(files, place), spool, remarks))
        runs = _once(runs, remarks)
        rated = numbered([run for run in runs if run.kind != "ranging"])
        beside = numbered([run for run in runs if run.kind == "ranging"])
        remarks += [f"ranging runs: {len(beside)}; they are listed and enter no mean"] if beside else []
        remarks += left_out([files.unit for files in found], places)
        return write_campaign(campaign, "ptd", [*rated, *beside], _condensed(remarks), on_progress)


def _condensed(remarks: Sequence[str]) -> list[str]:
    """Remarks for the terminal; what is said of nearly every session stands once, with the number and an example."""
    alike = [remark for remark in remarks if NOT_COMPARED in remark]
    if len(alike) <= MOST_ALIKE:
        return list(remarks)
    one = f"{len(alike)} measurements: {NOT_COMPARED}; the first: {alike[0]}"
    return [*(remark for remark in remarks if NOT_COMPARED not in remark), one]


def _once(runs: Sequence[ImportedRun], remarks: list[str]) -> list[ImportedRun]:
    """Every run once: the same samples in two files would count twice."""
    seen: dict[object, ImportedRun] = {}
    doubled: dict[tuple[Path, Path], list[str]] = {}
    for run in runs:
        first = seen.setdefault(run.streams[0][1], run)
        if first is not run:
            one, other = run.files[0].path, first.files[0].path
            is_alike = (one.parent.name, one.name) == (other.parent.name, other.name)
            folders = (one.parent.parent, other.parent.parent) if is_alike else (one, other)
            doubled.setdefault(folders, []).append(one.parent.name if is_alike else "")
    for (one, other), leaves in doubled.items():
        which = f" ({', '.join(leaves)})" if any(leaves) else ""
        remarks.append(f"{one}: the same samples as {other}{which}; imported once")
    return list(seen.values())


def _places(found: Sequence[Found], grouping: Grouping) -> list[Place | None]:
    """What every session is among the scenarios. Without a grouping its name is the shortest that no other has; one
    alone is called by its mark."""
    if grouping.how is not None:
        return grouping.places([files.unit for files in found])
    names = distinct_names([files.parts or ("",) for files in found])
    return grouping.with_baseline([Place(name) for name in names])


def _found(path: Path) -> list[Found]:
    """What to import: a file by itself, or every spl.txt of a folder with the logs of its session beside it."""
    if path.is_file():
        return [Found(path.parent, [path], path)]
    if not path.is_dir():
        raise ImportFileError(f"{path}: no such file or folder; name a PTDaemon log, or a folder with spl.txt in it")
    files = _once_each(file for file in path.rglob("*") if re.fullmatch(r"spl\.txt(\.gz)?", file.name))
    if not files:
        files = _once_each(file for file in path.rglob("*") if re.fullmatch(r"ptd.*\.(txt|log|csv)(\.gz)?", file.name))
    if not files:
        raise ImportFileError(f"{path}: no spl.txt and no ptd*.txt or ptd*.log in it or below; name the log itself")
    of_root: dict[Path, list[Path]] = {}
    for file in files:
        of_root.setdefault(_root_of(file, path), []).append(file)
    return [Found(root, rows, root, _parts(root, path)) for root, rows in of_root.items()]


def _parts(root: Path, top: Path) -> tuple[str, ...]:
    parts = [ISO_MARK.sub("", part) for part in root.relative_to(top).parts if part not in LEAVES]
    return tuple(re.sub(r"[^\w.]+|_", "-", part).strip("-") for part in parts if part)


def _once_each(files: Iterable[Path]) -> list[Path]:
    """Files in order; of one that lies packed and unpacked in one folder the unpacked."""
    found = sorted(files)
    plain = {file for file in found if file.suffix != ".gz"}
    return [file for file in found if file in plain or file.with_suffix("") not in plain]


def _root_of(file: Path, top: Path) -> Path:
    """The folder of a session: the nearest one upwards (not above `top`) that holds its console log, server.json or
    client.json."""
    for folder in file.parents:
        if any(_context(folder, name) for name in ("ptd_logs.txt", "server.json", "client.json")):
            return folder
        if folder == top:
            break
    return file.parent


def _context(root: Path, name: str) -> Path | None:
    return _beside(root / "power", name) or _beside(root, name)


def _beside(folder: Path, name: str) -> Path | None:
    """A file of a folder, packed or not, that holds anything."""
    found = (folder / name, folder / f"{name}.gz")
    return next((file for file in found if file.is_file() and file.stat().st_size), None)


def _session(found: Found, place: Place) -> Session:
    """A session, read. A log by itself has nothing beside it; it may be a console log."""
    session = Session(found.root, place)
    if found.unit.is_file():
        session.console = read_log(read_source(found.unit))
        session.rows = [session.console]
        return session
    session.beside = [read_source(file) for name in BESIDE if (file := _context(found.root, name))]
    if console := _context(found.root, "ptd_logs.txt"):
        session.console = read_log(read_source(console))
    if server := _context(found.root, "server.json"):
        session.server = read_server(read_source(server))
    if client := _context(found.root, "client.json"):
        session.client = read_client(read_source(client))
    for file in found.rows:
        known = session.console is not None and session.console.source.path == file
        session.rows.append(session.console if known and session.console else read_log(read_source(file)))
    return session


def _runs(session: Session, spool: Spool, remarks: list[str]) -> Iterator[ImportedRun]:
    """The sections of a session as runs; remarks go to the terminal."""
    instrument = _instrument(session)
    sections = _rows_of(session)
    if not sections:
        told = (
            "PTDaemon's console log with averages and no sample; give the log of samples (spl.txt) or the folder of "
            "the session"
            if session.console is not None and session.console.goes
            else "no sample in it; expected rows 'Time,..,Watts,..,Mark,..'"
        )
        raise ImportFileError(f"{session.logs[0].source.path}:1: {told}")
    for log in session.logs:
        if log.cut_line and any(rows[-1] is log.rows[-1] for _, rows in sections if log.rows):
            remarks.append(f"{log.source.path}:{log.cut_line}: cut off in mid-line; the line is left out")
    remarks += [f"{session.root}: {text}" for text in session.changed()]
    since_ns, released = 0, dict[Path, ReleasedFile]()
    for log, rows in sections:
        nth = sum(other[0].mark == rows[0].mark and other[0].time_ns < rows[0].time_ns for _, other in sections)
        total = sum(other[0].mark == rows[0].mark for _, other in sections)
        section = Section(session, log, rows, instrument, _goes(session, rows[0].mark, nth, total), since_ns)
        run = section.run(remarks)
        yield replace(run, files=tuple(_released(file, spool, released) for file in run.files))
        since_ns = rows[-1].time_ns


def _released(file: SourceFile | ReleasedFile, spool: Spool, released: dict[Path, ReleasedFile]) -> ReleasedFile:
    """A file of a session put aside, once for all its sections."""
    if file.path not in released:
        released[file.path] = file.released(spool) if isinstance(file, SourceFile) else file
    return released[file.path]


def _rows_of(session: Session) -> list[tuple[Log, list[Row]]]:
    """The rows of every measurement, with the log they stand in, in order of time: of the row files, else of the
    console log, else of its replies to `RL`."""
    marks = {row.mark for log in session.rows for row in log.rows}
    sections = []
    for log in session.logs:
        for _, group in groupby(log.rows, key=lambda row: row.mark):
            rows = list(group)
            if log in session.rows or rows[0].mark not in marks:
                sections.append((log, rows))
    marks |= {rows[0].mark for _, rows in sections}
    if session.console is not None and "" not in marks:
        replies = [go.reply for go in session.console.goes if go.reply and go.mark not in marks]
        sections += [(session.console, reply) for reply in replies]
    return sorted(sections, key=lambda section: section[1][0].time_ns)


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
        """The session's place and the mark, without date and mode: a ranging run is called as the run it is for."""
        mark = re.sub(r"[^\w.]+|_", "-", ISO_MARK.sub("", self.rows[0].mark)).strip("-")
        parts = (self.session.place.scenario, MODES.sub("", mark))
        return "-".join(part for part in parts if part) or ("testing" if mark else "measurement")

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

    @cached_property
    def window(self) -> Window | Unplaced | None:
        """The window that MLPerf counts, from the log beside the rows; None where there is none."""
        file = _beside(self.log.source.path.parent, loadgen.NAME)
        if file is None:
            return None
        source = read_source(file)
        pairs = loadgen.read_windows(source)
        if isinstance(pairs, Unplaced):
            return pairs
        if not pairs:
            return None
        return loadgen.place(source, pairs, self.begin_ns, self.rows[-1].time_ns, self.session.zones_s)

    @cached_property
    def begin_ns(self) -> int:
        """Where the record begins."""
        return self.rows[0].time_ns - round(self.window_s() * SECOND_NS)

    def run(self, remarks: list[str]) -> ImportedRun:
        """The section as a run."""
        window_s, place = self.window_s(), self.session.place
        begin_ns, end_ns = self.begin_ns, self.rows[-1].time_ns
        notes = list(dict.fromkeys(self._notes()))
        told = ("ptd-samples", "ptd-values", "dummy-analyser", "publisher-window", "overrange")
        remarks += [f"{self.scenario}: {text}" for code, text in notes if code in told]
        changes, at_begin, said = self._ranges(begin_ns)
        notes += [("ptd-ranges", "before the run: " + "; ".join(said))] if said else []
        events: list[Event] = [*self._rating(), *self._gaps(window_s), *changes]
        events += [NoteEvent(time_ns=end_ns, code=code, text=text) for code, text in notes]
        files = [self.log.source, *self.session.files]
        files += [self.window.source] if isinstance(self.window, Window) else []
        return ImportedRun(
            kind="ranging" if self.ranging else place.kind, scenario=self.scenario,
            repetition=place.repetition or 0, begin_ns=begin_ns, end_ns=end_ns,
            streams=((self._descriptor(window_s, at_begin), self._content(window_s)),),
            events=tuple(sorted(events, key=lambda event: event.time_ns)),
            files=tuple({source.path: source for source in files}.values()),
            note=f"{ZONE_NOTE}; only a wall clock stamped the samples; mark {self.rows[0].mark!r}, lines "
            f"{self.rows[0].line} to {self.rows[-1].line} of {self.log.source.path.name}; the record begins one "
            "sampling interval before its first row",
        )  # fmt: skip

    def _rating(self) -> Iterator[PhaseEvent | WindowEvent]:
        """The rating interval: MLPerf's window where there is one, else the whole record."""
        begin_ns, end_ns = self.begin_ns, self.rows[-1].time_ns
        if isinstance(self.window, Window):
            begin_ns, end_ns = self.window.from_ns, self.window.to_ns
            yield self._window_event(self.window)
        yield PhaseEvent(time_ns=begin_ns, name="rating", edge="begin")
        yield PhaseEvent(time_ns=end_ns, name="rating", edge="end")

    def _window_event(self, window: Window) -> WindowEvent:
        measured_s = None if self.session.client is None else self.session.client.clocks_s
        return WindowEvent(
            time_ns=window.from_ns, publisher=MLPERF, rule="rows-inside", from_ns=window.from_ns, to_ns=window.to_ns,
            offset_s=float(window.offset_s), bound_s=loadgen.CLOCKS_S if measured_s is None else measured_s,
            source={
                "file": window.source.path.name, "sha256": window.source.sha256,
                "begin": {"key": "power_begin", "line": window.begin.line, "text": window.begin.text},
                "end": {"key": "power_end", "line": window.end.line, "text": window.end.text},
            },
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
            tier="reference" if self.instrument.accepted else None,
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
            cells = [str(row.time_ns), *_cells(row.values)]
            if row.cause is not None:
                cells[1] = ""
            if uncertainties:
                stated = uncertainties.get(row.line)
                cells.append("" if stated is None else repr(stated))
            given = dict(row.channels)
            for number in channels:
                cells += _cells(given.get(number, NOTHING))
            flag = "" if row.cause is None else "overrange" if row.cause == OUTSIDE else "nan"
            lines.append(",".join([*cells, repr(window_s), flag]) + "\n")
        return "".join(lines).encode()

    @cached_property
    def uncertainties(self) -> dict[int, float]:
        """Line of a row -> its relative uncertainty (module docstring); rows of which nothing is known are not in
        it."""
        common = self._common_uncertainty
        found = {} if common is None else {row.line: common for row in self.rows if row.cause is None}
        for line, value in self._warned().items():
            found.pop(line, None)
            if value is not None:
                found[line] = round(value, 6)
        return found

    @property
    def _common_uncertainty(self) -> float | None:
        """What holds of every sample without a warning of its own; None where nothing does. That there is no warning
        says something only where the console log is the one whose SHA-1 server.json states."""
        stated = [stated for go in self.goes for stated in go.uncertainty if stated.valid]
        if stated:
            return max(stated, key=lambda one: one.valid).mean
        checked = any(go.checked and go.completed for go in self.goes)
        return CHECKED_LIMIT if checked and self.session.is_console_whole else None

    def _warned(self) -> dict[int, float | None]:
        """Line of a row -> the uncertainty that its warning states, None where PTDaemon could not tell it; the nearest
        row within half an interval."""
        times_ns = np.array([row.time_ns for row in self.rows])
        reach_ns = self.window_s() * SECOND_NS / 2
        found = {}
        for log in self._logs:
            for _, time_ns, value in log.uncertain:
                after = int(np.searchsorted(times_ns, time_ns))
                near = self.rows[max(after - 1, 0) : after + 1]
                row = min(near, key=lambda one: abs(one.time_ns - time_ns))
                if abs(row.time_ns - time_ns) <= reach_ns:
                    found[row.line] = value
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
        if self.log.cut_line and self.log.rows and self.rows[-1] is self.log.rows[-1]:
            yield "truncated-source", f"line {self.log.cut_line} of {self.log.source.path.name} is cut off; left out"
        if isinstance(self.window, Unplaced):
            yield "publisher-window", f"{loadgen.NAME}: {self.window.text}; the run's interval is the whole record"
        logged = [self.window.source] if isinstance(self.window, Window) else []
        yield from (("source-changed", text) for text in self.session.changed(logged))
        yield from self._outside()
        yield from self._unfitting()
        for go in self.goes:
            for averages in go.averages:
                yield from self._compared(averages, go.rampup)
            yield from self._compared_reply(go)
            for stated in go.uncertainty:
                yield "ptd-uncertainty", f"{stated.text} (average, least, greatest, samples, invalid, valid, unknown)"
            if go.commands:
                yield "ptd-ranges", "before Go: " + "; ".join(go.commands)
        if (console := self.session.console) is not None and console.damaged:
            text = f"{len(console.damaged)} rows of PTDaemon's replies are cut (line {listed(console.damaged)})"
            yield "ptd-samples", f"{console.source.path.name}: {text}; they are not compared"
        if any(self._is_counted_short(go) for go in self.goes):
            counted = max(averages.total for go in self.goes for averages in go.averages)
            yield "ptd-samples", f"PTDaemon's averages count the first {counted} of {len(self.rows)} rows"
        yield from self._problems()

    def _is_counted_short(self, go: Go) -> bool:
        """Whether none of PTDaemon's averages counts all rows."""
        return bool(go.averages) and not go.rampup and max(one.total for one in go.averages) < len(self.rows)

    def _outside(self) -> Iterator[tuple[str, str]]:
        """Samples outside the analyser's range, and what their marks stand for."""
        rows = [row for row in self.rows if row.cause == OUTSIDE]
        if not rows:
            return
        told = [within_range(row.values[0]) for row in rows if not row.counted and row.values[0] <= -MARK_OFFSET]
        span = f"; those of the sum stand for {min(told):.6g} to {max(told):.6g} W" if told else ""
        yield (
            "overrange",
            f"samples {OUTSIDE}: {len(rows)}; PTDaemon prints such values as -(value + 3), no power is taken from "
            f"them{span}",
        )

    def _unfitting(self) -> Iterator[tuple[str, str]]:
        """Power that is not what volts, amperes and power factor make; of every channel, for those of a sum are
        means."""
        told = [values for row in self.rows for values in (dict(row.channels).values() or [row.values])]
        products = [(power_w, volts * amps * factor) for power_w, volts, amps, factor in told if min(volts, amps) > 0]
        ratios = [power_w / product for power_w, product in products if power_w > 0 and product > 0]
        middle = float(np.median(ratios)) if ratios else 1.0
        if not 1 / UNFITTING < middle < UNFITTING:
            yield (
                "ptd-values",
                f"the power is {middle:.3g} times volts times amperes times power factor (median of {len(ratios)} "
                "samples); a column seems to be in another unit or in another's place",
            )

    def _compared_reply(self, go: Go) -> Iterator[tuple[str, str]]:
        """The rows against the same samples in PTDaemon's reply to `RL`.

        Raises:
            ImportFileError: a sample is told otherwise.
        """
        if not go.reply or go.reply is self.rows or self.session.console is None:
            return
        told: dict[int, list[Row]] = {}  # a missed sample has the stamp of the one before it
        for row in go.reply:
            told.setdefault(row.time_ns, []).append(row)
        place = self.session.console.source.path
        for row in self.rows:
            same = told.get(row.time_ns, [])
            if not same:
                continue
            other = next((one for one in same if one.values == row.values), same[0])
            same.remove(other)
            if other.values != row.values:
                raise ImportFileError(
                    f"{self.log.source.path}:{row.line}: found {row.values[0]:g} W, {row.values[1]:g} V, "
                    f"{row.values[2]:g} A, where PTDaemon's own reply ({place}:{other.line}) has "
                    f"{other.values[0]:g} W, {other.values[1]:g} V, {other.values[2]:g} A: rows were edited"
                )
        if lost := sum(map(len, told.values())):
            yield (
                "ptd-samples",
                f"{place.name}: {lost} samples of PTDaemon's reply are not among the rows of "
                f"{self.log.source.path.name}",
            )

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
            yield "ptd-samples", f"{place}: {NOT_COMPARED}: {why}"
            return
        values = [row.values[0] for row in self.rows[: stated.total] if row.counted]
        if not values and not stated.valid:
            return
        found = (float(np.mean(values)), min(values), max(values)) if values else NOTHING[:3]
        told = (stated.average_w, stated.low_w, stated.high_w)
        if len(values) != stated.valid or not np.allclose(found, told, rtol=0, atol=1.01e-6):
            raise ImportFileError(
                f"{stated.where}: PTDaemon states average, least, greatest {told} W of {stated.valid} valid samples; "
                f"the {stated.total} rows from {self.where} give {tuple(round(x, 6) for x in found)} W of {len(values)}"
                ": rows were edited or lost"
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


def _cells(values: Values) -> list[str]:
    return ["" if value is None else repr(value) for value in numbers_of(values)]
