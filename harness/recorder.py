"""Streams to disk: one plain thread, one stream, one file; the journal has one writer fed by a queue.

Knows how a meter's readings and an agent's records become lines of a run folder, and how a meter that goes away is
waited for. Knows no SSH, no plan, and does no arithmetic on readings.
"""

import queue
import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import fields
from math import isfinite
from typing import BinaryIO

from harness.documents import (
    ActionEvent,
    Document,
    GapEvent,
    IndicatorDescriptor,
    Json,
    NoteEvent,
    PhaseEvent,
    PowerDescriptor,
    Stop,
)
from harness.errors import DocumentError, LabError, RunFolderError
from harness.run_folder import RunWriter
from meters.meter import Meter, MeterError, MeterGarbage, MeterTimeout, MeterUnavailable, MeterUnplugged
from meters.reading import QUANTITIES, Description, Identity, Origin, Reading
from meters.registry import remedy

POLL_S = 0.25
REOPEN_S = 1.0
RECENT = 4096
"""Readings kept in memory for those who wait for the machine to settle."""
SILENT_WINDOWS = 2.5
"""A meter that has not spoken for so many of its intervals (and 1 s) is silent: the stretch becomes a gap."""


class Journal:
    """The only writer of run.jsonl: documents from every thread pass through one queue."""

    def __init__(self, writer: RunWriter) -> None:
        self._writer = writer
        self._queue: queue.SimpleQueue[Document | None] = queue.SimpleQueue()
        self.failure: RunFolderError | None = None
        self._thread = threading.Thread(target=self._work, name="journal", daemon=True)
        self._thread.start()

    def put(self, document: Document) -> None:
        """Hand over one document; returns at once."""
        self._queue.put(document)

    def close(self) -> None:
        """Write what is queued and end the thread."""
        self._queue.put(None)
        self._thread.join()

    def _work(self) -> None:
        while (document := self._queue.get()) is not None:
            if self.failure is None:
                try:
                    self._writer.append(document)
                except RunFolderError as error:
                    self.failure = error


def _not_registered(_identity: Identity, _origin: Origin) -> None:
    """The lab keeps no instrument register."""


class MeterRecorder:
    """Records one meter until `stop`: readings, gaps, wire bytes. Survives silence, garbage and unplugging.

    `open_meter` gets the file of the wire log and returns an open meter. Its errors at the start are the caller's;
    later ones become gaps, except where another instrument answers or the disk refuses: then `failure` is set.
    `calibration_of` says what the instrument register has of the instrument that answers.
    """

    def __init__(
        self,
        name: str,
        circuit: str,
        open_meter: Callable[[BinaryIO], Meter],
        writer: RunWriter,
        journal: Journal,
        calibration_of: Callable[[Identity, Origin], Json | None] = _not_registered,
    ) -> None:
        self.name = name
        self.failure: LabError | MeterError | None = None
        self.last: Reading | None = None
        self.circuit = circuit
        self.recent: deque[Reading] = deque(maxlen=RECENT)
        self._journal = journal
        self._stop = threading.Event()
        self._spoken = threading.Event()
        self._wire = writer.open_stream(f"wire-{name}.log")
        self._meter = open_meter(self._wire)
        self._description = self._meter.describe()
        self.interval_s = self._description.interval_s or self._description.window_s or 1.0
        self._stream = f"readings-{name}.csv"
        self._columns = [q for q in QUANTITIES if q in {column.name for column in self._description.columns}]
        self._file: BinaryIO = writer.open_stream(self._stream)
        self._file.write((",".join(["time_ns", *self._columns, "window_s", "flags"]) + "\n").encode())
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
            self.failure = RunFolderError(f"{self._stream}: cannot write ({error}); free the disk and run again")

    def _work(self) -> None:
        cause: str | None = None
        while not self._stop.is_set():
            try:
                reading = self._meter.read(POLL_S)
            except MeterTimeout:
                if self._silent_s() < SILENT_WINDOWS * self.interval_s + 1.0:
                    continue
                cause = self._note_cause(cause, "silent")
                self._try_reopen()
            except MeterUnplugged:
                cause = self._note_cause(cause, "unplugged")
                self._try_reopen()
            except MeterGarbage:
                cause = self._note_cause(cause, "garbage")
            else:
                self._record(reading, cause)
                cause = None
        if cause is not None:
            self._gap(cause, time.monotonic_ns())

    def _record(self, reading: Reading, cause: str | None) -> None:
        # Garbage between two readings that follow in time is no gap: nothing is missing.
        if cause is not None and (cause != "garbage" or self._silent_s() > SILENT_WINDOWS * self.interval_s):
            self._gap(cause, reading.time_ns)
        cells = [str(reading.time_ns)]
        cells += ["" if (value := getattr(reading, column)) is None else repr(value) for column in self._columns]
        cells += [repr(reading.window_s), "|".join(sorted(reading.flags))]
        self._file.write((",".join(cells) + "\n").encode())
        self.last, self._last_ns = reading, reading.time_ns
        self.recent.append(reading)
        self._spoken.set()

    def _silent_s(self) -> float:
        return (time.monotonic_ns() - self._last_ns) / 1e9

    def _gap(self, cause: str, to_ns: int) -> None:
        self._journal.put(
            GapEvent(time_ns=time.monotonic_ns(), stream=self._stream, cause=cause, from_ns=self._last_ns, to_ns=to_ns)
        )

    def _note_cause(self, known: str | None, cause: str) -> str:
        if known != cause:
            text = f"meter {self.name}: {cause}"
            self._journal.put(NoteEvent(time_ns=time.monotonic_ns(), code=f"meter-{cause}", text=text))
        return cause

    def _try_reopen(self) -> None:
        """One attempt; an instrument that is not back yet is asked again after REOPEN_S."""
        try:
            self._meter.reopen()
        except (MeterUnavailable, MeterTimeout, MeterUnplugged, MeterGarbage):
            self._stop.wait(REOPEN_S)


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
    """Turns the agent's records into samples-agent.csv and journal events. Called by the session's one thread."""

    STREAM = "samples-agent.csv"

    def __init__(self, writer: RunWriter, journal: Journal, period_s: float) -> None:
        self._journal = journal
        self._period_s = period_s
        self._file = writer.open_stream(self.STREAM)
        self._names: list[str] | None = None
        self.rows = 0
        self.last: dict[str, float | None] = {}
        """The last sample by indicator."""

    def on_record(self, record: Json) -> None:
        """One line of the agent's journal. A line that cannot be read is kept as a note, never dropped."""
        try:
            self._dispatch(record, time.monotonic_ns())
        except (KeyError, TypeError, ValueError, DocumentError) as error:
            text = f"{type(error).__name__}: {error}; {record!r:.500}"
            self._journal.put(NoteEvent(time_ns=time.monotonic_ns(), code="agent-garbled", text=text))

    def _dispatch(self, record: Json, now_ns: int) -> None:
        stamps: Json = {"time_ns": now_ns, "sut_ns": record.get("sut_ns"), "sut_wall_ns": record.get("sut_wall_ns")}
        match record.get("rec"):
            case "descriptor":
                self._on_descriptor(record)
            case "sample":
                self._on_sample(record)
            case "phase":
                self._journal.put(PhaseEvent(**stamps, name=record["name"], edge=record["edge"]))
            case "marker":
                self._journal.put(
                    ActionEvent(
                        **stamps,
                        name=str(record["action"]),
                        index=int(record.get("index", 0)),
                        edge=record["edge"],
                        metrics=self._finite(record.get("metrics") or {}, now_ns),
                        exit_code=record.get("exit_code"),
                    )
                )
            case "note":
                note = NoteEvent(time_ns=now_ns, code=str(record.get("code")), text=str(record.get("text")))
                self._journal.put(note)
            case other:
                self._journal.put(NoteEvent(time_ns=now_ns, code="agent-unknown", text=f"{other}: {record!r:.500}"))

    def _finite(self, metrics: Json, now_ns: int) -> Json:
        """A loss that became NaN is a result of the workload, but no JSON: null in the metrics, and a note."""
        bad = {name: value for name, value in metrics.items() if isinstance(value, float) and not isfinite(value)}
        for name, value in bad.items():
            self._journal.put(NoteEvent(time_ns=now_ns, code="not-finite", text=f"metric {name} is {value}"))
        return metrics | dict.fromkeys(bad)

    def _on_descriptor(self, record: Json) -> None:
        columns = record["columns"]
        self._names = [str(column["name"]) for column in columns]
        self._file.write((",".join(["sut_ns", "sut_wall_ns", *self._names]) + "\n").encode())
        self._journal.put(
            IndicatorDescriptor(stream=self.STREAM, period_s=self._period_s, clock="sut", columns=columns)
        )

    def _on_sample(self, record: Json) -> None:
        values = record["values"]
        if self._names is None or len(values) != len(self._names):
            width = None if self._names is None else len(self._names)
            raise DocumentError(f"agent journal: a sample of {len(values)} values, its descriptor has {width}")
        cells = [str(record["sut_ns"]), str(record["sut_wall_ns"])]
        cells += ["" if value is None else repr(value) for value in values]
        self._file.write((",".join(cells) + "\n").encode())
        self.rows += 1
        self.last = dict(zip(self._names, values, strict=True))

    def close(self) -> None:
        """Close the stream."""
        self._file.close()


def seal_run(writer: RunWriter, journal: Journal, stop: Stop) -> str:
    """Drain the journal, write the stop document and the manifest; return the manifest's sha256.

    Raises:
        RunFolderError: the journal could not be written; the folder stays unsealed and counts as aborted.
    """
    journal.close()
    if journal.failure is not None:
        raise journal.failure
    return writer.seal(stop)
