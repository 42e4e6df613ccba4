"""What meters read, and from when to when -> runs: streams, events, artefacts.

Knows what a run holds of a record. Knows no text, no run folder (imported.py) and no energy.

Decisions
- Added meters stand first, in the order of the mapping: of one circuit the first counts, the others are compared.
- A run that no added meter covers is left out and said; where none is covered, a clock is wrong and the import stops.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from harness.foreign.importers.csv_rows import csv_of, number_text, stamps_text
from harness.foreign.importers.grouping import Place
from harness.foreign.importers.imported import MARGIN_S, ZONE_NOTE, Content, ImportedRun
from harness.foreign.importers.power_csv.columns import Readings
from harness.foreign.importers.power_csv.events import EventList, Span
from harness.foreign.importers.power_csv.mapping import CIRCUIT
from harness.foreign.importers.power_csv.samples import Samples
from harness.foreign.importers.power_csv.table import Floats
from harness.foreign.importers.said import origin_said
from harness.foreign.importers.source import ReleasedFile, SourceFile
from harness.foreign.importers.stamps import SECOND_NS, Stamps, moment_of
from harness.record.documents import (
    Event,
    GapEvent,
    IndicatorDescriptor,
    Json,
    NoteEvent,
    PhaseEvent,
    PowerDescriptor,
    WindowEvent,
)
from harness.record.errors import ImportFileError

MARGIN_NS = MARGIN_S * SECOND_NS
COVER_NS = 2 * SECOND_NS
"""A run may begin or end so much outside the readings before it counts as not covered."""
UTC_NOTE = "time stamps are UTC"


@dataclass(frozen=True, slots=True)
class Record:
    """What files and mapping say together: meters by name, those that are added first; what software said; files;
    what stands beside readings about whose they are."""

    meters: Mapping[str, Readings]
    samples: tuple[Samples, ...]
    files: tuple[SourceFile | ReleasedFile, ...]
    evidence: Json
    notes: tuple[tuple[str, str], ...]
    is_utc: bool
    sut: Json
    labels: frozenset[str] = frozenset()

    @property
    def added(self) -> list[Readings]:
        """The meters whose energy counts: of each circuit the first."""
        first: dict[str, Readings] = {}
        for readings in self.meters.values():
            if readings.column.role == "added":
                first.setdefault(readings.column.circuit, readings)
        return list(first.values())

    @property
    def circuits(self) -> tuple[str, ...]:
        """What is summed, where it is not the inlet alone."""
        names = tuple(readings.column.circuit for readings in self.added)
        return () if names == (CIRCUIT,) else names

    @property
    def interval_ns(self) -> tuple[int, int]:
        """From when to when every added meter read."""
        begins, ends = zip(*(readings.interval_ns for readings in self.added), strict=True)
        if max(begins) >= min(ends):
            raise ImportFileError(
                f"{self.files[0].path}: the added meters have no time in common: {_spans_of(self.added)}; are zones "
                "and shifts right?"
            )
        return max(begins), min(ends)

    def covers(self, begin_ns: int, end_ns: int) -> bool:
        """Whether every added meter has readings from begin to end, and in it."""
        return all(
            readings.interval_ns[0] - COVER_NS <= begin_ns
            and end_ns <= readings.interval_ns[1] + COVER_NS
            and np.searchsorted(readings.times_ns, begin_ns) < np.searchsorted(readings.times_ns, end_ns, side="right")
            for readings in self.added
        )


def _spans_of(meters: Sequence[Readings]) -> str:
    return "; ".join(
        f"{readings.column.meter or readings.column.column} {moment_of(readings.interval_ns[0])} to "
        f"{moment_of(readings.interval_ns[1])}"
        for readings in meters
    )


def whole_run(record: Record, place: Place) -> ImportedRun:
    """The whole record as a run."""
    return _run(record, place, *record.interval_ns, (), {}, "the run is the whole record")


def runs_of(record: Record, told: EventList) -> tuple[list[ImportedRun], list[str]]:
    """A run for each span that the meters cover, and remarks.

    Raises:
        ImportFileError: they cover none.
    """
    covered = [span for span in told.spans if record.covers(span.begin_ns, span.end_ns)]
    if not covered:
        raise _not_covered(record, told)
    missing = [span for span in told.spans if not record.covers(span.begin_ns, span.end_ns)]
    remarks = []
    if missing:
        lines = ", ".join(str(span.line) for span in missing[:3]) + (" ..." if len(missing) > 3 else "")
        remarks.append(
            f"{told.source.path}: {len(missing)} of {len(told.spans)} runs are not covered by the readings and are "
            f"left out (lines {lines})"
        )
    return [_of_span(record, told, span) for span in covered], remarks


def _not_covered(record: Record, told: EventList) -> ImportFileError:
    span = told.spans[0]
    halves = sorted(range(-28, 29), key=abs)

    def moved(half: int) -> int:
        move_ns = half * 1800 * SECOND_NS
        return sum(record.covers(one.begin_ns + move_ns, one.end_ns + move_ns) for one in told.spans)

    best = max(halves, key=lambda half: (moved(half), -abs(half)))
    hint = f"; moved by {best / 2:+g} h {moved(best)} of them would be covered: check the zones" if moved(best) else ""
    return ImportFileError(
        f"{told.source.path}:{span.line}: none of {len(told.spans)} runs is covered by the readings; the first is "
        f"{moment_of(span.begin_ns)} to {moment_of(span.end_ns)}, the readings are {_spans_of(record.added)}{hint}"
    )


def _of_span(record: Record, told: EventList, span: Span) -> ImportedRun:
    artifacts: dict[str, bytes] = {}
    if span.reported is not None:
        artifacts[f"tracker-{span.reported.name}.json"] = _account(span)
    note = f"rows of the run and {MARGIN_S} s on either side of it; line {span.line} of {told.source.path.name}"
    return _run(record, span.place, span.begin_ns, span.end_ns, tuple(_window(told, span)), artifacts, note)


def _window(told: EventList, span: Span) -> Iterator[WindowEvent]:
    stated = told.events.stated
    if stated is None:
        return
    keys = (told.events.begin, told.events.end or told.events.duration)
    edges = [
        {"key": key if isinstance(key, str) else " ".join(key), "line": span.line, "text": text}
        for key, text in zip(keys, span.texts, strict=True)
    ]
    yield WindowEvent(
        time_ns=span.begin_ns, publisher=stated.publisher, rule=stated.rule, from_ns=span.begin_ns, to_ns=span.end_ns,
        offset_s=told.events.shift_s, bound_s=None, stated_wh=span.stated_wh,
        source={"file": told.source.path.name, "sha256": told.source.sha256, "begin": edges[0], "end": edges[1]},
    )  # fmt: skip


def _account(span: Span) -> bytes:
    """What a tracker said of a run, as its artefact (docs/trackers.md)."""
    told = span.reported
    assert told is not None
    account = {
        "schema": 1, "name": told.name, "version": None, "begin_ns": None, "end_ns": None, "clock": "run",
        "reported_wh": told.energy_wh, "factor": told.factor,
        "factor_reason": None if told.factor == 1 else "PUE, as the file of events or the mapping has it",
        "parts_wh": {}, "methods": {}, "intervals": [], "polls": None,
        "problems": [f"from line {span.line} of the file of events, which states no interval of the tracker: its "
                     "figure is taken as that of the run"],
    }  # fmt: skip
    return json.dumps(account, indent=1).encode()


def _run(
    record: Record, place: Place, begin_ns: int, end_ns: int, windows: tuple[WindowEvent, ...],
    artifacts: Mapping[str, bytes], note: str,
) -> ImportedRun:  # fmt: skip
    streams: list[tuple[PowerDescriptor | IndicatorDescriptor, Content]] = []
    events: list[Event] = [PhaseEvent(time_ns=begin_ns, name="rating", edge="begin"), *windows]
    for meter, readings in record.meters.items():
        rows = _slice(readings.times_ns, begin_ns, end_ns, readings)
        if rows.start == rows.stop:
            continue
        descriptor = _descriptor(record, meter, readings)
        streams.append((descriptor, _content(readings, rows)))
        events += [
            GapEvent(time_ns=to_ns, stream=descriptor.stream, cause=cause, from_ns=from_ns, to_ns=to_ns)
            for from_ns, to_ns, cause in readings.gaps
            if from_ns < end_ns + MARGIN_NS and to_ns > begin_ns - MARGIN_NS
        ]
    streams += [stream for samples in record.samples if (stream := samples.stream(begin_ns, end_ns)) is not None]
    events.append(PhaseEvent(time_ns=end_ns, name="rating", edge="end"))
    events += [NoteEvent(time_ns=end_ns, code=code, text=text) for code, text in record.notes]
    return ImportedRun(
        kind=place.kind, scenario=place.scenario, repetition=place.repetition or 0, begin_ns=begin_ns, end_ns=end_ns,
        streams=tuple(streams),
        events=tuple(sorted(events, key=lambda event: (event.time_ns, not isinstance(event, PhaseEvent)))),
        files=record.files, note=f"{UTC_NOTE if record.is_utc else ZONE_NOTE}; {note}", sut=record.sut,
        clock="utc" if record.is_utc else "local", circuits=record.circuits, artifacts=artifacts,
    )  # fmt: skip


def _slice(times_ns: Stamps, begin_ns: int, end_ns: int, readings: Readings) -> slice:
    """The rows of a run, its margins, and one row further where rows are seldom."""
    reach_ns = max(MARGIN_NS, round(readings.usual_s * SECOND_NS))
    first, last = np.searchsorted(times_ns, [begin_ns - reach_ns, end_ns + reach_ns])
    return slice(int(first), int(last))


def _descriptor(record: Record, meter: str, readings: Readings) -> PowerDescriptor:
    column = readings.column
    identity: Json = {
        "maker": column.maker, "model": column.model, "serial": column.serial, "firmware": column.firmware,
        "driver": f"column {column.column} ({column.taken_as})",
    }  # fmt: skip
    limits = None
    if column.accuracy is not None:
        stated = column.accuracy
        limits = {"reading_percent": stated.reading_percent, "range_percent": stated.range_percent,
                  "counts": stated.counts, "source": stated.source}  # fmt: skip
    columns: list[Json] = [
        {"name": "power_w", "unit": "W", "resolution": readings.step_w,
         "range": None if column.range_w is None else [0, column.range_w], "accuracy": limits}
    ]  # fmt: skip
    if readings.counter_step_j:
        columns[0]["counter_step_j"] = readings.counter_step_j
    for name, unit, values, full in (
        ("voltage_v", "V", readings.volts, column.range_v), ("current_a", "A", readings.amperes, column.range_a)
    ):  # fmt: skip
        if values is not None:
            span = None if full is None else [0, full]
            columns.append({"name": name, "unit": unit, "resolution": 0.0, "range": span, "accuracy": None})
    window_s = column.window_s or (readings.usual_s if readings.averages else 0.0)
    return PowerDescriptor(
        stream=f"readings-{meter}.csv", meter=meter, circuit=column.circuit, identity=identity,
        origin=origin_said(record.labels, identity), evidence=record.evidence,
        averaging="window" if readings.averages else "instantaneous", window_s=window_s,
        stamp=readings.stamp if readings.averages else "end", latency_s=0.0, columns=columns,
        ranging="fixed" if column.range_w or column.range_a else "none",
    )  # fmt: skip


def _content(readings: Readings, rows: slice) -> bytes:
    powers = list(map(number_text, readings.power_w[rows].tolist()))
    names = ["time_ns", "power_w"]
    columns: list[Sequence[str]] = [stamps_text(readings.times_ns[rows].tolist()), powers]
    for name, values in (("voltage_v", readings.volts), ("current_a", readings.amperes)):
        if values is not None:
            names.append(name)
            columns.append(_texts(values[rows]))
    windows = list(map(repr, readings.window_s[rows].tolist()))
    flags = ["" if text else "nan" for text in powers]
    return csv_of([*names, "window_s", "flags"], [*columns, windows, flags])


def _texts(values: Floats) -> list[str]:
    return list(map(number_text, values.tolist()))
