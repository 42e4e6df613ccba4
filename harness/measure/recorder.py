"""Streams to disk: one plain thread, one stream, one file; the journal has one writer fed by a queue.

Knows how a meter's readings and an agent's records become lines of a run folder, and how a meter that goes away is
waited for. Knows no SSH, no plan, and does no arithmetic on readings.
"""

import queue
import re
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import fields
from math import isfinite
from typing import BinaryIO, Literal, TypeAlias

from harness.record.documents import (
    LAST_STAMP_NS,
    LONGEST_TEXT,
    ActionEvent,
    Document,
    GapEvent,
    IndicatorDescriptor,
    Json,
    NoteEvent,
    PhaseEvent,
    PowerDescriptor,
    Stop,
    WorkEvent,
    encode,
    matches,
    shown,
    tame,
)
from harness.record.errors import DocumentError, LabError, RunFolderError, printable, why
from harness.record.run_writer import RunWriter
from harness.record.seal import Sign, unsigned
from harness.station.check_loads import stated
from meters import host
from meters.meter import Meter, MeterError, MeterGarbage, MeterTimeout, MeterUnavailable, MeterUnplugged
from meters.reading import Description, Identity, Origin, Reading, cells_of, columns_of, header_of
from meters.registry import remedy

Cause: TypeAlias = Literal["silent", "unplugged", "garbage"]
"""Why there is no reading."""
POLL_S = 0.25
REOPEN_S = 1.0
RECENT = 4096
"""Readings kept in memory for those who wait for the machine to settle."""
MOST_UNITS = 20
"""Units of useful work of a run."""
MOST_MARKERS = 10_000
"""Marker lines of a run, as many as the agent takes (`harness.sut.agent.MAX_MARKERS`)."""
MOST_NOTES = 2_000
"""Notes of the SUT in a run; the agent makes about a thousand at most."""
LONGEST_NAME = 200
RATING_EDGES = ("begin", "end", None)
NAME_OF_COLUMN = re.compile("[a-z0-9_]{1,80}")
SILENT_WINDOWS = 2.5
"""A meter that has not spoken for so many of its intervals (and 1 s) is silent: the stretch becomes a gap."""


class Journal:
    """The only writer of run.jsonl: documents from every thread pass through one queue. A document that no reader would
    take costs itself: a note stands in its place."""

    def __init__(self, writer: RunWriter) -> None:
        self._writer = writer
        self._queue: queue.SimpleQueue[Document | None] = queue.SimpleQueue()
        self.failure: RunFolderError | None = None
        self._thread = threading.Thread(target=self._work, name="journal", daemon=True)
        self._thread.start()

    def put(self, document: Document) -> None:
        """Hand over one document; returns at once."""
        self._queue.put(document)

    def note(self, code: str, text: str) -> None:
        """Hand over a note; its text is made printable."""
        self.put(NoteEvent(time_ns=time.monotonic_ns(), code=code, text=printable(text)[:LONGEST_TEXT]))

    def close(self) -> None:
        """Write what is queued and end the thread."""
        self._queue.put(None)
        self._thread.join()

    def _work(self) -> None:
        while (document := self._queue.get()) is not None:
            if self.failure is None:
                try:
                    self._append(document)
                except RunFolderError as error:
                    self.failure = error

    def _append(self, document: Document) -> None:
        try:
            self._writer.append(document)
        except DocumentError as error:
            text = printable(str(error))[:LONGEST_TEXT]
            self._writer.append(NoteEvent(time_ns=time.monotonic_ns(), code="document-refused", text=text))


def _not_registered(_identity: Identity, _origin: Origin) -> None:
    """The lab keeps no instrument register."""


class MeterRecorder:
    """Records one meter until `stop`: readings, gaps, wire bytes. Survives silence, garbage and unplugging.

    `open_meter` gets the file of the wire log and returns an open meter. Its errors at the start are the caller's;
    later ones become gaps, except where another instrument answers or the disk refuses: then `failure` is set.
    `calibration_of` says what the instrument register has of the instrument that answers, `limits_percent` what the lab
    states of its error (0: nothing).
    """

    def __init__(
        self,
        name: str,
        circuit: str,
        open_meter: Callable[[BinaryIO], Meter],
        writer: RunWriter,
        journal: Journal,
        calibration_of: Callable[[Identity, Origin], Json | None] = _not_registered,
        limits_percent: float = 0.0,
    ) -> None:
        self.name = name
        self.failure: Exception | None = None
        self.last: Reading | None = None
        self.circuit = circuit
        self.recent: deque[Reading] = deque(maxlen=RECENT)
        self._journal = journal
        self._stop = threading.Event()
        self._spoken = threading.Event()
        self._wire = writer.open_stream(f"wire-{name}.log")
        self._meter = open_meter(self._wire)
        self._description = stated(self._meter.describe(), limits_percent)
        self.interval_s = self._description.interval_s or self._description.window_s or 1.0
        self._stream = f"readings-{name}.csv"
        self._columns = columns_of(column.name for column in self._description.columns)
        self._file: BinaryIO = writer.open_stream(self._stream)
        self._file.write((",".join(header_of(self._columns)) + "\n").encode())
        identity, origin = self._meter.identify(), self._meter.origin()
        calibration = calibration_of(identity, origin)
        journal.put(power_descriptor(self._stream, name, circuit, identity, origin, self._description, calibration))
        self._last_ns = time.monotonic_ns()
        self._thread = threading.Thread(target=self._guarded, name=f"meter {name}", daemon=True)
        self._thread.start()

    def wait_spoken(self, timeout_s: float) -> bool:
        """Whether a first reading arrived within `timeout_s`."""
        return self._spoken.wait(timeout_s)

    def stop(self) -> None:
        """End the thread, close meter and files; the stretch without a reading at the end becomes a gap."""
        self._stop.set()
        self._thread.join()
        self._meter.close()
        self._file.close()
        self._wire.close()

    def _guarded(self) -> None:
        try:
            self._work()
        except (MeterError, LabError) as error:
            self.failure = error
        except OSError as error:
            self.failure = RunFolderError(f"{self._stream}: cannot write ({why(error)}); free the disk and run again")
        except Exception as error:  # a bug of a driver ends the run, not the recording in silence
            self.failure = error

    def _work(self) -> None:
        cause: str | None = None
        for heard in listen(self._meter, self.interval_s, self._stop.is_set, self._stop.wait):
            if isinstance(heard, Reading):
                self._record(heard, cause)
                cause = None
            else:
                cause = self._note_cause(cause, heard)
        if cause is not None:
            self._gap(cause, time.monotonic_ns())

    def _record(self, reading: Reading, cause: str | None) -> None:
        # Garbage between two readings that follow in time is no gap: nothing is missing.
        if cause is not None and (cause != "garbage" or self._silent_s() > SILENT_WINDOWS * self.interval_s):
            self._gap(cause, reading.time_ns)
        self._file.write((",".join(cells_of(reading, self._columns)) + "\n").encode())
        self.last, self._last_ns = reading, reading.time_ns
        self.recent.append(reading)
        self._spoken.set()

    def _silent_s(self) -> float:
        return (time.monotonic_ns() - self._last_ns) / 1e9

    def _gap(self, cause: str, to_ns: int) -> None:
        self._journal.put(
            GapEvent(time_ns=time.monotonic_ns(), stream=self._stream, cause=cause, from_ns=self._last_ns, to_ns=to_ns)
        )

    def _note_cause(self, known: str | None, cause: Cause) -> str:
        if known != cause:
            self._journal.note(f"meter-{cause}", f"meter {self.name}: {cause}")
        return cause


def listen(
    meter: Meter, interval_s: float, is_over: Callable[[], bool], pause: Callable[[float], object]
) -> Iterator[Reading | Cause]:
    """The readings of a meter in order, and what went wrong between them; one that is silent or gone is reopened. So
    streams are recorded, and their wire logs decoded again."""
    last_ns = host.monotonic_ns()
    while not is_over():
        try:
            reading = meter.read(POLL_S)
        except MeterTimeout:
            if (host.monotonic_ns() - last_ns) / 1e9 < SILENT_WINDOWS * interval_s + 1.0:
                continue
            yield "silent"
        except MeterUnplugged:
            yield "unplugged"
        except MeterGarbage:
            yield "garbage"
            continue
        else:
            last_ns = reading.time_ns
            yield reading
            continue
        _try_reopen(meter, pause)


def _try_reopen(meter: Meter, pause: Callable[[float], object]) -> None:
    """One attempt; an instrument that is not back yet is asked again after REOPEN_S."""
    try:
        meter.reopen()
    except (MeterUnavailable, MeterTimeout, MeterUnplugged, MeterGarbage):
        pause(REOPEN_S)


def power_descriptor(
    stream: str,
    meter: str,
    circuit: str,
    identity: Identity,
    origin: Origin,
    description: Description,
    calibration: Json | None,
) -> PowerDescriptor:
    """The descriptor of a meter's stream, from what the instrument said, what its port proves, and its certificate."""
    document = description.document(identity, origin) | {"calibration": calibration}
    if advice := remedy(description.driver, origin):
        document["evidence"] = {**origin.evidence, "remedy": advice}
    known = {f.name for f in fields(PowerDescriptor)} & document.keys()
    return PowerDescriptor(
        **{"stream": stream, "meter": meter, "circuit": circuit} | {name: document[name] for name in known}  # type: ignore[arg-type]
    )


class AgentRecorder:
    """Turns the agent's records into samples-agent.csv and journal events. Called by the session's one thread.

    Nothing that a SUT says costs more than itself: of a sample a cell, of a marker a metric, and what cannot be read at
    all becomes a note; notes and actions are bounded.
    """

    STREAM = "samples-agent.csv"

    def __init__(self, writer: RunWriter, journal: Journal, period_s: float) -> None:
        self._journal = journal
        self._period_s = period_s
        self._file = writer.open_stream(self.STREAM)
        self._names: list[str] | None = None
        self._last_ns = -1
        self._begin_ns: int | None = None
        self._open: dict[tuple[str, int], int] = {}
        self._units: set[str] = set()
        self._odd_columns: set[str] = set()
        self._actions = self._notes = self._edges = 0
        self.rows = 0
        self.last: dict[str, float | None] = {}
        """The last sample by indicator."""

    def on_record(self, record: Json) -> None:
        """One line of the agent's journal. A line that cannot be read is kept as a note, never dropped.

        Raises:
            RunFolderError: the disk refuses.
        """
        try:
            self._dispatch(record, time.monotonic_ns())
        except OSError as error:
            raise RunFolderError(
                f"{self.STREAM}: cannot write ({error.strerror}); free the disk and run again"
            ) from error
        except (KeyError, TypeError, ValueError, AttributeError, RecursionError, DocumentError) as error:
            self._note("agent-garbled", f"{type(error).__name__}: {error}; {shown(record)}")

    def _dispatch(self, record: Json, now_ns: int) -> None:
        match record.get("rec"):
            case "descriptor":
                self._on_descriptor(record)
            case "sample":
                self._on_sample(record)
            case "phase":
                self._on_phase(record, now_ns)
            case "marker":
                self._on_marker(record, now_ns)
            case "note":
                self._note(str(record.get("code")), str(record.get("text")))
            case other:
                self._note("agent-unknown", f"{shown(other):.80}: {shown(record)}")

    def _note(self, code: str, text: str) -> None:
        self._notes += 1
        if self._notes <= MOST_NOTES:
            self._journal.note(printable(code)[:80], text)
        elif self._notes == MOST_NOTES + 1:
            self._journal.note("notes-cut", f"more than {MOST_NOTES} notes of the SUT; the rest was dropped")

    def _on_phase(self, record: Json, now_ns: int) -> None:
        if record["name"] != "rating" or record["edge"] != RATING_EDGES[min(self._edges, 2)]:
            raise DocumentError("agent journal: a rating interval begins once and ends once, and no other phase is its")
        event = PhaseEvent(
            time_ns=now_ns,
            name="rating",
            edge=record["edge"],
            sut_ns=_stamp(record, "sut_ns"),
            sut_wall_ns=_stamp(record, "sut_wall_ns"),
            exit_code=record.get("exit_code"),
            frozen_ns=record.get("frozen") or [],
        )
        if any(len(stretch) != 2 for stretch in event.frozen_ns):
            raise DocumentError("agent journal: a frozen stretch has a begin and an end")
        encode(event)  # refused here, it is the agent's; refused by the journal, it would be ours
        self._journal.put(event)
        self._edges += 1
        if event.edge == "begin":
            self._begin_ns = event.sut_ns

    def _on_marker(self, record: Json, now_ns: int) -> None:
        self._actions += 1
        if self._actions > MOST_MARKERS:
            if self._actions == MOST_MARKERS + 1:
                self._note("markers-cut", f"more than {MOST_MARKERS} marker lines; the rest was dropped")
            return
        if record.get("work"):
            try:
                self._on_work(record, now_ns)
            except (TypeError, ValueError, DocumentError) as error:  # the action that comes with it is another matter
                self._note("agent-garbled", f"work: {error}; {shown(record)}")
            if "action" not in record:
                return
        problems: list[str] = []
        metrics = tame(record.get("metrics") or {}, "", problems)
        event = ActionEvent(
            time_ns=now_ns,
            name=printable(str(record["action"]))[:LONGEST_NAME],
            index=record.get("index", 0),
            edge=record["edge"],
            sut_ns=_stamp(record, "sut_ns"),
            sut_wall_ns=_stamp(record, "sut_wall_ns"),
            metrics=metrics,
            exit_code=record.get("exit_code"),
        )
        encode(event)
        self._require_order(event)
        self._journal.put(event)
        for problem in problems:
            self._note("not-finite", f"metric {problem}")

    def _on_work(self, record: Json, now_ns: int) -> None:
        """Work is done in the rating interval, in few units, and none of it is undone."""
        event = WorkEvent(
            time_ns=now_ns, sut_ns=_stamp(record, "sut_ns"), sut_wall_ns=_stamp(record, "sut_wall_ns"),
            amounts=record["work"],
        )  # fmt: skip
        encode(event)
        if self._begin_ns is None or event.sut_ns < self._begin_ns or min(event.amounts.values()) < 0:
            raise DocumentError("work is below 0, or stamped before the command's begin")
        units = self._units | set(event.amounts)
        if len(units) > MOST_UNITS:
            raise DocumentError(f"more than {MOST_UNITS} units of work in one run")
        self._units = units
        self._journal.put(event)

    def _require_order(self, event: ActionEvent) -> None:
        """An action lies in the rating interval and ends after it began.

        Raises:
            DocumentError: this one does not.
        """
        key, at_ns = (event.name, event.index), event.sut_ns or 0
        if self._begin_ns is None or at_ns < self._begin_ns:
            raise DocumentError(f"{event.name} {event.index}: its {event.edge} is stamped before the command's begin")
        if event.edge == "begin":
            self._open[key] = at_ns
        elif at_ns < self._open.pop(key, at_ns):
            raise DocumentError(f"{event.name} {event.index}: its end is stamped before its begin")

    def _on_descriptor(self, record: Json) -> None:
        if self._names is not None:
            raise DocumentError("agent journal: a second descriptor")
        problems: list[str] = []
        columns = [tame(column, "column", problems) for column in record["columns"]]
        names = [str(column["name"]) for column in columns]
        if len(set(names)) < len(names) or not all(NAME_OF_COLUMN.fullmatch(name) for name in names):
            raise DocumentError("agent journal: a descriptor with two columns of one name, or a name that is none")
        descriptor = IndicatorDescriptor(stream=self.STREAM, period_s=self._period_s, clock="sut", columns=columns)
        encode(descriptor)
        self._names = names
        self._file.write((",".join(["sut_ns", "sut_wall_ns", *names]) + "\n").encode())
        self._journal.put(descriptor)

    def _on_sample(self, record: Json) -> None:
        values = record["values"]
        if self._names is None or len(values) != len(self._names):
            width = None if self._names is None else len(self._names)
            raise DocumentError(f"agent journal: a sample of {len(values)} values, its descriptor has {width}")
        sut_ns, wall_ns = _stamp(record, "sut_ns"), _stamp(record, "sut_wall_ns")
        if sut_ns <= self._last_ns:
            raise DocumentError(f"agent journal: a sample at {sut_ns} after one at {self._last_ns}")
        self._last_ns = sut_ns
        cells = [self._cell(name, value) for name, value in zip(self._names, values, strict=True)]
        shown = ["" if value is None else repr(value) for value in cells]
        self._file.write((",".join([str(sut_ns), str(wall_ns), *shown]) + "\n").encode())
        self.rows += 1
        self.last = dict(zip(self._names, cells, strict=True))

    def _cell(self, name: str, value: object) -> float | None:
        """A number of a sample, or nothing where it is none: said once for each column."""
        if value is None or ((isinstance(value, float) and isfinite(value)) or matches(value, int)):
            return value  # type: ignore[return-value]
        if name not in self._odd_columns:
            self._odd_columns.add(name)
            self._note("sample-garbled", f"{name} is {shown(value)}, which is no number; its cells stay empty")
        return None

    def close(self) -> None:
        """Close the stream."""
        self._file.close()


def _stamp(record: Json, key: str) -> int:
    """A stamp of the SUT in ns.

    Raises:
        DocumentError: it is none.
    """
    value = record.get(key)
    if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value < LAST_STAMP_NS:
        raise DocumentError(f"{key} is {shown(value)}, expected a whole number of nanoseconds")
    return value


def seal_run(writer: RunWriter, journal: Journal, stop: Stop, sign: Sign = unsigned) -> str:
    """Drain the journal, write the stop document, the manifest and its signature; return the manifest's sha256.

    Raises:
        RunFolderError: the journal could not be written; the folder stays unsealed and counts as aborted.
    """
    journal.close()
    if journal.failure is not None:
        raise journal.failure
    return writer.seal(stop, sign)
