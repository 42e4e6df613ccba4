"""The agent's records to disk: samples, markers, phases and notes become lines of a run folder.

Knows what an agent may say and refuses what it may not. Knows no SSH, no plan and no meter.
"""

import re
import time
from math import isfinite

from harness.measure.journal import Journal
from harness.record.documents import (
    LAST_STAMP_NS,
    ActionEvent,
    IndicatorDescriptor,
    Json,
    PhaseEvent,
    WorkEvent,
    encode,
    matches,
    shown,
    tame,
)
from harness.record.errors import DocumentError, RunFolderError, printable
from harness.record.run_writer import RunWriter

MOST_UNITS = 20
"""Units of useful work of a run."""

MOST_MARKERS = 10_000
"""Marker lines of a run, as many as the agent takes (`harness.sut.agent.MAX_MARKERS`)."""

MOST_NOTES = 2_000
"""Notes of the SUT in a run; the agent makes about a thousand at most."""

LONGEST_NAME = 200

RATING_EDGES = ("begin", "end", None)

NAME_OF_COLUMN = re.compile("[a-z0-9_]{1,80}")


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
        self._begins: dict[str, list[int]] = {}
        self._open: dict[tuple[str, int], int] = {}
        self._units: set[str] = set()
        self._odd_columns: set[str] = set()
        self._actions = self._notes = self._edges = 0
        self.rows = 0
        self.last: dict[str, float | None] = {}
        """The last sample by indicator."""

    def begins_of(self, action: str) -> tuple[int, ...]:
        """When the command began, and each time that an action did by now (the SUT's clock, ns); none before."""
        return () if self._begin_ns is None else (self._begin_ns, *self._begins.get(action, ()))

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

    def _on_service(self, record: Json) -> None:
        """A service began or ended; marks that it makes count from its begin on."""
        if record["edge"] == "begin":
            self._begin_ns = _stamp(record, "sut_ns")
            self._note("service-started", f"at {self._begin_ns} ns of the SUT's clock")
        else:
            code, reason = record.get("exit_code"), record.get("reason") or "by itself"
            self._note(
                "service-ended", f"at {_stamp(record, 'sut_ns')} ns of the SUT's clock, exit code {code}: {reason}"
            )

    def _on_phase(self, record: Json, now_ns: int) -> None:
        if record["name"] == "service":
            self._on_service(record)
            return
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
        if event.edge == "begin":
            self._begins.setdefault(event.name, []).append(event.sut_ns or 0)
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
