"""The test runs of one OSCAR scenario -> runs: streams of power and hardware, events.

Knows what a run holds of a measurement. Knows no form of a file, no run folder (imported.py) and no energy.

Decisions
- The scenario named `baseline` becomes baseline blocks; every other name a scenario; each startTestrun/stopTestrun
  pair one run.
- A run that the power file does not cover is refused.
"""

from collections.abc import Sequence
from itertools import repeat
from typing import Any

import numpy as np

from harness.foreign.importers.csv_rows import csv_of, number_text, stamps_text
from harness.foreign.importers.imported import MARGIN_S, ZONE_NOTE, ImportedRun
from harness.foreign.importers.oscar.actions import TestRun
from harness.foreign.importers.oscar.collectl import Hardware
from harness.foreign.importers.oscar.layout import Layout
from harness.foreign.importers.oscar.measurement import Measurement
from harness.foreign.importers.oscar.power import Power
from harness.foreign.importers.remarks import Remark
from harness.foreign.importers.said import origin_said
from harness.foreign.importers.source import SourceFile
from harness.foreign.importers.stamps import SECOND_NS, Stamps, moment_of
from harness.record.documents import (
    ActionEvent,
    Event,
    IndicatorDescriptor,
    Json,
    NoteEvent,
    PhaseEvent,
    PowerDescriptor,
)
from harness.record.errors import ImportFileError

COVER_S = 2
"""A run may begin or end so many seconds outside the power data before it counts as not covered."""


def runs_of(name: str, measured: Measurement, layout: Layout) -> list[ImportedRun]:
    """One run for each test run; what has to be said of the files is said of the last one."""
    runs = []
    for repetition, test_run in enumerate(measured.actions.runs, 1):
        _require_cover(test_run, measured.actions.source, measured.power)
        streams: list[tuple[PowerDescriptor | IndicatorDescriptor, bytes]] = [
            _power_stream(test_run, measured.power, layout.meter)
        ]
        if measured.hardware is not None and (stream := _hardware_stream(test_run, measured.hardware)):
            streams.append(stream)
        remarks = measured.remarks if test_run is measured.actions.runs[-1] else ()
        runs.append(
            ImportedRun(
                kind="baseline" if name == "baseline" else "scenario",
                scenario=name,
                repetition=repetition,
                begin_ns=test_run.begin_ns,
                end_ns=test_run.end_ns,
                streams=tuple(streams),
                events=tuple(_events(test_run, remarks, has_hardware=len(streams) > 1)),
                files=measured.sources,
                note=f"{ZONE_NOTE}; rows of the run and {MARGIN_S} s on either side of it; test run at line "
                f"{test_run.line} of {measured.actions.source.path.name}",
                sut=layout.sut,
            )
        )
    return runs


def _require_cover(test_run: TestRun, actions: SourceFile, power: Power) -> None:
    """The power data reaches over the run, up to COVER_S at either end."""
    if _covers(power.times_ns, test_run):
        return
    offset_h = next((h for h in _offsets_h() if _covers(power.times_ns + round(h * 3600) * SECOND_NS, test_run)), None)
    remedy = "are files swapped, is one cut off, or do the clocks differ?"
    if power.is_utc and offset_h is not None:
        remedy = (
            f"its stamps are UTC, and moved by {offset_h:+g} h they would cover it; if the actions' clock is so far "
            "ahead of UTC, say so in oscar.toml (utc_offset_h)"
        )
    raise ImportFileError(
        f"{actions.path}:{test_run.line}: the test run {moment_of(test_run.begin_ns)} to {moment_of(test_run.end_ns)} "
        f"is not covered by {power.source.path}, which reaches from {moment_of(int(power.times_ns[0]))} to "
        f"{moment_of(int(power.times_ns[-1]))}; {remedy}"
    )


def _offsets_h() -> list[float]:
    """Every half hour that a clock may be from UTC, the nearest first."""
    return sorted((half / 2 for half in range(-24, 29)), key=abs)


def _covers(times_ns: Stamps, test_run: TestRun) -> bool:
    slack = COVER_S * SECOND_NS
    first, last = np.searchsorted(times_ns, [test_run.begin_ns - slack, test_run.end_ns + slack])
    inside = times_ns[first:last]
    return bool(inside.size and inside[0] <= test_run.begin_ns + slack and inside[-1] >= test_run.end_ns - slack)


def _slice(times_ns: Stamps, test_run: TestRun) -> slice:
    edges = [test_run.begin_ns - MARGIN_S * SECOND_NS, test_run.end_ns + MARGIN_S * SECOND_NS]
    return slice(int(np.searchsorted(times_ns, edges[0])), int(np.searchsorted(times_ns, edges[1], side="right")))


def _power_stream(test_run: TestRun, power: Power, meter: Json) -> tuple[PowerDescriptor, bytes]:
    window_s = float(meter.get("window_s", 1.0)) if power.averaging == "window" else 0.0
    identity: dict[str, Any] = {
        "maker": meter.get("maker", ""), "model": meter.get("model", power.title), "serial": meter.get("serial", ""),
        "firmware": meter.get("firmware", ""), "driver": power.driver,
    }  # fmt: skip
    descriptor = PowerDescriptor(
        stream="readings-wall.csv", meter="wall", circuit="sut-ac-inlet", identity=identity,
        origin=origin_said([meter.get("origin")], identity),
        evidence={"file": power.source.path.name, "sha256": power.source.sha256}, averaging=power.averaging,
        window_s=window_s, stamp=meter.get("stamp", "unknown" if power.averaging == "window" else "end"), latency_s=0.0,
        columns=[{"name": "power_w", "unit": "W", "resolution": power.resolution_w, "range": None, "accuracy": None}],
    )  # fmt: skip
    rows = _slice(power.times_ns, test_run)
    powers = [number_text(power_w) for power_w in power.power_w[rows].tolist()]
    flags = ["" if text else "nan" for text in powers]
    columns = [stamps_text(power.times_ns[rows].tolist()), powers, repeat(repr(window_s)), flags]
    return descriptor, csv_of(["time_ns", "power_w", "window_s", "flags"], columns)


def _hardware_stream(test_run: TestRun, hardware: Hardware) -> tuple[IndicatorDescriptor, bytes] | None:
    rows = _slice(hardware.times_ns, test_run)
    if rows.start == rows.stop:
        return None
    columns = [
        {"name": indicator.name, "unit": indicator.unit, "quantity": indicator.quantity,
         "method": hardware.methods[indicator.name], "kind": "gauge"}
        for indicator in hardware.indicators
    ]  # fmt: skip
    descriptor = IndicatorDescriptor(
        stream="samples-agent.csv", period_s=hardware.period_s, clock="source-wall", columns=columns
    )
    names = [indicator.name for indicator in hardware.indicators]
    texts = [[number_text(value) for value in hardware.columns[name][rows].tolist()] for name in names]
    return descriptor, csv_of(["time_ns", *names], [stamps_text(hardware.times_ns[rows].tolist()), *texts])


def _events(test_run: TestRun, remarks: Sequence[Remark], *, has_hardware: bool) -> list[Event]:
    edges: list[Event] = []
    for name, index, begin_ns, end_ns in test_run.actions:
        edges.append(ActionEvent(time_ns=begin_ns, name=name, index=index, edge="begin"))
        edges.append(ActionEvent(time_ns=end_ns, name=name, index=index, edge="end"))
    events: list[Event] = [
        PhaseEvent(time_ns=test_run.begin_ns, name="rating", edge="begin"),
        *sorted(edges, key=lambda event: event.time_ns),
        PhaseEvent(time_ns=test_run.end_ns, name="rating", edge="end"),
    ]
    if not has_hardware:
        text = "no hardware indicators were recorded over this run"
        events.append(NoteEvent(time_ns=test_run.end_ns, code="hardware-missing", text=text))
    events += [NoteEvent(time_ns=test_run.end_ns, code=remark.code, text=remark.note) for remark in remarks]
    return events
