"""A training with its power logs -> a run: a stream a node and switch, its events.

Knows what the logs mean as a run. Knows no file's text, no run folder (imported.py) and no energy.

Decisions
- The rating interval is the timed part, and its window counts by `reading-times-step`. The whole record is kept.
- The readings are what a power supply or a board controller said at a moment: instants, joined by straight lines. Both
  clocks are Unix time; stamps that are whole seconds bound what a time is known to.
- The run's power is the sum of all nodes, of the switches that read in the timed part, and of what is estimated, by
  time and never by line. A switch elsewhere in time, or of another current than the nodes, is recorded beside and is
  in no sum: the findings `publisher-apart` and `publisher-current`. Nodes of different currents are refused.
- An estimate (`interconnect_power_est`) is a stream of its own with a row a second from edge to edge. Its descriptor
  says that nobody read it, and the finding `publisher-estimate` does.
"""

from collections.abc import Iterator, Sequence
from itertools import repeat

import numpy as np

from harness.foreign.importers.csv_rows import csv_of, number_text, stamps_text
from harness.foreign.importers.grouping import Place
from harness.foreign.importers.imported import ImportedRun
from harness.foreign.importers.mlperf_training.power import PowerLog
from harness.foreign.importers.mlperf_training.result import START, STOP, Result
from harness.foreign.importers.remarks import Remark, listed
from harness.foreign.importers.said import origin_said
from harness.foreign.importers.spool import Spool
from harness.record.documents import ActionEvent, Event, Json, NoteEvent, PhaseEvent, PowerDescriptor, WindowEvent
from harness.record.errors import ImportFileError

PUBLISHER = "MLPerf Training"
MS_NS, SECOND_MS = 1_000_000, 1000
NOTE = "time stamps are Unix time in UTC, as the logs of both the training and the power meters state it"


def run_of(place: Place, result: Result, logs: Sequence[PowerLog], spool: Spool) -> ImportedRun:
    """The training as a run; what its streams hold and its files are put aside.

    Raises:
        ImportFileError: nodes of different currents; two logs of one component.
    """
    begin_ns, end_ns = result.begin.time_ms * MS_NS, result.end.time_ms * MS_NS
    summed = _summed(result, logs)
    failed = result.status not in ("", "success")
    streams = tuple((_descriptor(log), spool.put(_rows(log, result))) for log in logs)
    return ImportedRun(
        kind=place.kind, scenario=place.scenario, repetition=place.repetition or 0, begin_ns=begin_ns, end_ns=end_ns,
        streams=streams, events=tuple(sorted(_events(result, logs, summed), key=lambda event: event.time_ns)),
        files=tuple(source.released(spool) for source in (result.source, *(log.source for log in logs))),
        note=NOTE, clock="utc", sut={"hostname": result.platform} if result.platform else {},
        exit_status="fail" if failed else "success",
        reason=f"its log says {result.status!r:.40}" if failed else None,
        circuits=tuple(log.circuit for log in summed),
    )  # fmt: skip


def remarks_of(result: Result, logs: Sequence[PowerLog]) -> list[Remark]:
    """What a reader must know of its files."""
    return [*result.remarks, *(remark for log in logs for remark in log.remarks)]


def _summed(result: Result, logs: Sequence[PowerLog]) -> list[PowerLog]:
    """Those whose sum is the run's power."""
    nodes = [log for log in logs if not log.is_switch]
    currents = {log.current for log in nodes}
    if not nodes or len(currents) > 1:
        said = ", ".join(f"{log.source.path.name} {log.current or 'not stated'}" for log in nodes) or "no node"
        raise ImportFileError(
            f"{result.source.path}: found the currents {said}; the sum of AC and DC is no energy: take out the logs of "
            "one kind"
        )
    [current] = currents
    beside = [log for log in logs if log.is_switch and (log.estimate_w is not None or _fits(log, result, current))]
    return [*nodes, *beside]


def _fits(log: PowerLog, result: Result, current: str | None) -> bool:
    return log.current == current and log.overlaps(result.begin.time_ms, result.end.time_ms)


def _descriptor(log: PowerLog) -> PowerDescriptor:
    told: Json = {"measurement_type": log.current, "conversion_eff": log.factor, "estimate_w": log.estimate_w}
    step = 1.0 if not np.any(log.power_w % 1) else None
    identity: Json = {"maker": "", "model": "", "serial": "", "firmware": "", "driver": "mllog"}
    return PowerDescriptor(
        stream=f"readings-{log.meter}.csv", meter=log.meter, circuit=log.circuit, identity=identity,
        origin=origin_said(log.labels, identity),
        evidence={"file": log.source.path.name, "sha256": log.source.sha256}
        | {key: value for key, value in told.items() if value is not None},
        averaging="instantaneous", window_s=0.0, stamp="end", latency_s=0.0,
        columns=[{"name": "power_w", "unit": "W", "resolution": step, "range": None, "accuracy": None}],
    )  # fmt: skip


def _rows(log: PowerLog, result: Result) -> bytes:
    times_ms, power_w = log.times_ms.tolist(), log.power_w.tolist()
    if log.estimate_w is not None:
        times_ms = [*range(result.begin.time_ms, result.end.time_ms, SECOND_MS), result.end.time_ms]
        power_w = [log.estimate_w] * len(times_ms)
    stamps = stamps_text([time_ms * MS_NS for time_ms in times_ms])
    columns = [stamps, map(number_text, power_w), repeat("0.0"), repeat("")]
    return csv_of(["time_ns", "power_w", "window_s", "flags"], columns)


def _events(result: Result, logs: Sequence[PowerLog], summed: Sequence[PowerLog]) -> Iterator[Event]:
    begin_ns, end_ns = result.begin.time_ms * MS_NS, result.end.time_ms * MS_NS
    yield PhaseEvent(time_ns=begin_ns, name="rating", edge="begin")
    yield _window(result, summed)
    yield from _actions(result)
    yield PhaseEvent(time_ns=end_ns, name="rating", edge="end")
    for remark in remarks_of(result, logs):
        yield NoteEvent(time_ns=end_ns, code=remark.code, text=remark.note)
    if beside := [log.source.path.name for log in logs if log not in summed]:
        text = f"recorded and in no sum: {listed(beside)}"
        yield NoteEvent(time_ns=end_ns, code="beside-the-sum", text=text)


def _window(result: Result, summed: Sequence[PowerLog]) -> WindowEvent:
    edges = {
        name: {"key": key, "line": entry.line, "text": str(entry.time_ms)}
        for name, key, entry in (("begin", START, result.begin), ("end", STOP, result.end))
    }
    return WindowEvent(
        time_ns=result.begin.time_ms * MS_NS, publisher=PUBLISHER, rule="reading-times-step",
        from_ns=result.begin.time_ms * MS_NS, to_ns=result.end.time_ms * MS_NS, offset_s=0.0,
        bound_s=max(log.resolution_s for log in summed),
        source={"file": result.source.path.name, "sha256": result.source.sha256, **edges},
    )  # fmt: skip


def _actions(result: Result) -> Iterator[ActionEvent]:
    counts: dict[str, int] = {}
    for part in result.parts:
        index = counts[part.name] = counts.get(part.name, -1) + 1
        yield ActionEvent(time_ns=part.begin_ms * MS_NS, name=part.name, index=index, edge="begin")
        yield ActionEvent(time_ns=part.end_ms * MS_NS, name=part.name, index=index, edge="end", metrics=part.metrics)
