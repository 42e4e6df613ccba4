"""Streams to disk: one plain thread, one stream, one file; the journal has one writer fed by a queue.

Knows how a meter's readings and an agent's records become lines of a run folder, and how a meter that goes away is
waited for. Knows no SSH, no plan, and does no arithmetic on readings.
"""

import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import fields
from typing import BinaryIO, Literal, TypeAlias

from harness.measure.journal import Journal
from harness.record.documents import (
    GapEvent,
    Json,
    PowerDescriptor,
)
from harness.record.errors import LabError, RunFolderError, why
from harness.record.run_writer import RunWriter
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
SILENT_WINDOWS = 2.5
"""A meter that has not spoken for so many of its intervals (and 1 s) is silent: the stretch becomes a gap."""


def _not_registered(_identity: Identity, _origin: Origin) -> None:
    """The lab keeps no instrument register."""


class MeterRecorder:
    """Records one meter until `stop`: readings, gaps, wire bytes. Survives silence, garbage and unplugging.

    `meter` is open and writes its wire log to `wire`; both are closed with the recorder. Its errors become gaps, except
    where another instrument answers or the disk refuses: then `failure` is set. Readings are taken at once; `announce`
    says in the journal what they are.
    `calibration_of` says what the instrument register has of the instrument that answers, `limits_percent` what the lab
    states of its error (0: nothing).
    """

    def __init__(
        self,
        name: str,
        circuit: str,
        meter: Meter,
        wire: BinaryIO,
        writer: RunWriter,
        journal: Journal,
        calibration_of: Callable[[Identity, Origin], Json | None] = _not_registered,
        limits_percent: float = 0.0,
    ) -> None:
        self.name = name
        self.failure: Exception | None = None
        self.last: Reading | None = None
        self._told_ns = 0
        self.circuit = circuit
        self.recent: deque[Reading] = deque(maxlen=RECENT)
        self._journal = journal
        self._stop = threading.Event()
        self._spoken = threading.Event()
        self._wire, self._meter = wire, meter
        self.description = stated(self._meter.describe(), limits_percent)
        self.interval_s = self.description.interval_s or self.description.window_s or 1.0
        self._stream = f"readings-{name}.csv"
        self._columns = columns_of(column.name for column in self.description.columns)
        self._file: BinaryIO = writer.open_stream(self._stream)
        self._file.write((",".join(header_of(self._columns)) + "\n").encode())
        identity, origin = self._meter.identify(), self._meter.origin()
        calibration = calibration_of(identity, origin)
        self._descriptor = power_descriptor(
            self._stream, name, circuit, identity, origin, self.description, calibration
        )
        self._last_ns = time.monotonic_ns()
        self._thread = threading.Thread(target=self._guarded, name=f"meter {name}", daemon=True)
        self._thread.start()

    def announce(self) -> None:
        """Journal whose readings these are."""
        self._journal.put(self._descriptor)

    def wait_spoken(self, timeout_s: float) -> bool:
        """Whether a first reading arrived within `timeout_s`."""
        return self._spoken.wait(timeout_s)

    def owes(self, until_ns: int) -> bool:
        """Whether no power has come yet that tells what was taken until then (ns, the host's monotonic clock), and one
        is to be waited for: a meter that stays silent owes nothing."""
        silent_ns = until_ns + round((SILENT_WINDOWS * self.interval_s + 1.0) * 1e9)
        return self._told_ns < until_ns and time.monotonic_ns() < silent_ns

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
        if reading.power_w is not None:
            self._told_ns = reading.time_ns - round(self.description.latency_s * 1e9)
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
