"""A measurement of PTDaemon -> a run: its stream, its events.

Knows what a section means as a run. Knows no file's text, no run folder (imported.py) and no energy.

Decisions
- -1 (error) and -2 (missed sample) as power is a gap: the row stays with the flag `nan`, a gap event says why. A value
  outside its range, which PTDaemon marks, is one too, with the flag `overrange`. As volts, amperes or power factor all
  of them are empty cells. Other negative values are values.
- So is a sum of channels that lacks one of them (samples.py).
- A sample counts for its sampling interval, as in PTDaemon's own average: `averaging` is `window`, the interval is that
  of `Go` where the log tells it, else the median spacing. A record begins one interval before its first row. Over which
  part of that interval the analyser averaged, and which edge a stamp marks, no log says: `stamp` is `unknown`.
- Where MLPerf's window stands beside the rows (loadgen.py), it is the run's rating interval, and a window event says so
  (docs/decisions, the publisher's window); otherwise the whole record is. A window that cannot be placed is a note.
- A section whose mark contains the word `ranging` is of the kind `ranging`: listed with its energy, in no mean, no
  scenario of its own.
- Several analysers are a stream and a circuit each, so that the sum is one over time and not over lines; the run
  without a window is what all of them recorded (analysers.py).
- An Identify line of PTDaemon's Dummy, or with the mark of an emulator, makes the stream `emulated`, not `imported`.
"""

import math
from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby, pairwise

from harness.foreign.importers.csv_rows import csv_of, number_text
from harness.foreign.importers.imported import ZONE_NOTE, ImportedRun
from harness.foreign.importers.ptd import loadgen
from harness.foreign.importers.ptd.analysers import behind, shared_ns
from harness.foreign.importers.ptd.checks import notes_of
from harness.foreign.importers.ptd.loadgen import Window
from harness.foreign.importers.ptd.log import Quantity, Range
from harness.foreign.importers.ptd.samples import NOTHING, OUTSIDE, Values, numbers_of
from harness.foreign.importers.ptd.section import Section
from harness.foreign.importers.ptd.uncertainty import uncertainties
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

GAP_FACTOR = 1.5
SHOWN = (
    "ptd-samples", "ptd-values", "ptd-channels", "ptd-analysers", "dummy-analyser", "publisher-window", "overrange",
)  # fmt: skip
"""Codes of notes that the terminal shows too."""
MLPERF = "MLPerf Inference"
QUANTITIES = (("power_w", "W"), ("voltage_v", "V"), ("current_a", "A"), ("power_factor", "1"))


def run_of(sections: Sequence[Section], remarks: list[str]) -> ImportedRun:
    """One measurement as a run: the sections of its analysers, that of the first one first.

    Raises:
        ImportFileError: the records of two analysers overlap in no moment.
    """
    first = sections[0]
    begin_ns, end_ns = shared_ns(sections)
    place, streams, events = first.session.place, [], list[Event](_rating(first, begin_ns, end_ns))
    notes: list[tuple[str, str]] = []
    for section in sections:
        window_s = section.window_s()
        changes, at_begin, said = _ranges(section, section.begin_ns)
        own = list(dict.fromkeys(notes_of(section)))
        own += [("ptd-ranges", "before the run: " + "; ".join(said))] if said else []
        before = "" if section is first else f"analyser {section.session.analyser}: "
        notes += [(code, before + text) for code, text in own]
        events += [*_gaps(section, window_s), *changes]
        streams.append((_descriptor(section, window_s, at_begin), _content(section, window_s)))
    notes += [("ptd-analysers", text) for text in behind(sections)]
    remarks += [f"{first.scenario}: {text}" for code, text in notes if code in SHOWN]
    events += [NoteEvent(time_ns=end_ns, code=code, text=text) for code, text in dict.fromkeys(notes)]
    files = [file for section in sections for file in (section.log.source, *section.session.files)]
    files += [first.window.source] if isinstance(first.window, Window) else []
    lines = "; ".join(
        f"lines {section.rows[0].line} to {section.rows[-1].line} of {section.log.source.path.name}"
        for section in sections
    )
    return ImportedRun(
        kind="ranging" if first.ranging else place.kind, scenario=first.scenario,
        repetition=place.repetition or 0, begin_ns=begin_ns, end_ns=end_ns, streams=tuple(streams),
        events=tuple(sorted(events, key=lambda event: event.time_ns)),
        files=tuple({source.path: source for source in files}.values()),
        circuits=tuple(section.session.circuit for section in sections) if len(sections) > 1 else (),
        note=f"{ZONE_NOTE}; only a wall clock stamped the samples; mark {first.mark!r}, {lines}; the record begins one "
        "sampling interval before its first row",
    )  # fmt: skip


def _rating(section: Section, begin_ns: int, end_ns: int) -> Iterator[PhaseEvent | WindowEvent]:
    """The rating interval: MLPerf's window where there is one, else what all analysers recorded."""
    if isinstance(section.window, Window):
        begin_ns, end_ns = section.window.from_ns, section.window.to_ns
        yield _window_event(section, section.window)
    yield PhaseEvent(time_ns=begin_ns, name="rating", edge="begin")
    yield PhaseEvent(time_ns=end_ns, name="rating", edge="end")


def _window_event(section: Section, window: Window) -> WindowEvent:
    measured_s = None if section.session.client is None else section.session.client.clocks_s
    return WindowEvent(
        time_ns=window.from_ns, publisher=MLPERF, rule="rows-inside", from_ns=window.from_ns, to_ns=window.to_ns,
        offset_s=float(window.offset_s), bound_s=loadgen.CLOCKS_S if measured_s is None else measured_s,
        source={
            "file": window.source.path.name, "sha256": window.source.sha256,
            "begin": {"key": "power_begin", "line": window.begin.line, "text": window.begin.text},
            "end": {"key": "power_end", "line": window.end.line, "text": window.end.text},
        },
    )  # fmt: skip


def _descriptor(section: Section, window_s: float, ranges: Mapping[Quantity, Range]) -> PowerDescriptor:
    full = {quantity: value for quantity, (_, value) in ranges.items() if value is not None}
    limits = dict(full) | ({"power_w": full["voltage_v"] * full["current_a"]} if len(full) == 2 else {})
    columns: list[Json] = [
        {
            "name": name, "unit": unit, "resolution": _resolution(section, index),
            "range": [0, limits[name]] if name in limits else None, "accuracy": None,
        }
        for index, (name, unit) in enumerate(QUANTITIES)
    ]  # fmt: skip
    extra = [("relative_uncertainty", "1", 0.0001)] if uncertainties(section) else []
    extra += [(f"ch{n}_{name}", unit, 0.01) for n in _channels(section) for name, unit in QUANTITIES]
    columns += [
        {"name": name, "unit": unit, "resolution": step, "range": None, "accuracy": None} for name, unit, step in extra
    ]
    autos = {auto for auto, _ in ranges.values()}
    source, session = section.log.source, section.session
    return PowerDescriptor(
        stream=section.stream, meter=session.meter, circuit=session.circuit,
        identity=section.instrument.identity, origin="emulated" if section.instrument.simulated else "imported",
        evidence={"file": source.path.name, "sha256": source.sha256} | section.instrument.evidence,
        averaging="window", window_s=window_s, stamp="unknown", latency_s=0.0,
        ranging="auto" if True in autos else "fixed" if autos == {False} and len(ranges) == 2 else "none",
        tier="reference" if section.instrument.accepted else None,
        columns=columns, calibration=section.instrument.calibration,
    )  # fmt: skip


def _channels(section: Section) -> list[int]:
    return sorted({number for row in section.rows for number, _ in row.channels})


def _resolution(section: Section, index: int) -> float:
    """The last digit that is not always zero."""
    parts = (f"{row.values[index]:.6f}".rstrip("0").partition(".")[2] for row in section.rows)
    return float(10.0 ** -max(len(digits) for digits in parts))


def _content(section: Section, window_s: float) -> bytes:
    """The stream: a row a sample; empty cells where PTDaemon had no value."""
    stated, channels = uncertainties(section), _channels(section)
    names = ["time_ns", *(name for name, _ in QUANTITIES)]
    names += ["relative_uncertainty"] if stated else []
    names += [f"ch{number}_{name}" for number in channels for name, _ in QUANTITIES]
    rows = []
    for row in section.rows:
        cells = [str(row.time_ns), *_cells(row.values)]
        if row.cause is not None:
            cells[1] = ""
        if stated:
            cells.append(number_text(stated.get(row.line, math.nan)))
        given = dict(row.channels)
        for number in channels:
            cells += _cells(given.get(number, NOTHING))
        flag = "" if row.cause is None else "overrange" if row.cause == OUTSIDE else "nan"
        rows.append([*cells, repr(window_s), flag])
    return csv_of([*names, "window_s", "flags"], list(zip(*rows, strict=True)))


def _gaps(section: Section, window_s: float) -> Iterator[GapEvent]:
    """Samples without a value, and rows that are missing."""
    edge_ns = section.rows[0].time_ns - round(window_s * SECOND_NS)
    groups = [(cause, list(group)) for cause, group in groupby(section.rows, key=lambda row: row.cause)]
    for nth, (cause, rows) in enumerate(groups, 1):
        to_ns = groups[nth][1][0].time_ns if nth < len(groups) else rows[-1].time_ns
        if cause is not None:
            text = f"PTDaemon: {cause}, {len(rows)} samples"
            yield GapEvent(time_ns=rows[-1].time_ns, stream=section.stream, cause=text, from_ns=edge_ns, to_ns=to_ns)
        edge_ns = rows[-1].time_ns
    for before, row in pairwise(section.rows):
        if row.time_ns - before.time_ns > GAP_FACTOR * window_s * SECOND_NS:
            yield GapEvent(
                time_ns=row.time_ns, stream=section.stream, cause="rows missing", from_ns=before.time_ns,
                to_ns=row.time_ns,
            )  # fmt: skip


def _ranges(section: Section, begin_ns: int) -> tuple[list[RangeChangeEvent], dict[Quantity, Range], list[str]]:
    """The changes within the section, the ranges with which it begins, and what was said of them since the section
    before."""
    at_begin: dict[Quantity, Range] = {}
    events: list[RangeChangeEvent] = []
    before: list[str] = []
    changes = sorted((change for log in section.logs for change in log.ranges), key=lambda change: change[0])
    for time_ns, quantity, value, text in changes:
        if time_ns <= begin_ns:
            at_begin[quantity] = value
            if time_ns > section.since_ns and text not in before[-1:]:
                before.append(text)
        elif time_ns <= section.rows[-1].time_ns:
            auto, full_scale = value
            change = RangeChangeEvent(
                time_ns=time_ns, stream=section.stream, column=quantity, auto=auto, full_scale=full_scale, text=text
            )
            events.append(change)
    return events, at_begin, before


def _cells(values: Values) -> list[str]:
    return ["" if value is None else repr(value) for value in numbers_of(values)]
