"""A window of an energy session -> a run: its stream, its events, its useful work.

Knows what a window means as a run. Knows no file's text, no run folder (imported.py) and no energy.

Decisions
- Every window is a run. Its interval is that of the samples that its publisher counts, so that the energy by exact
  overlap and by the publisher's rule are one; the stamps as written stand in the window event. What a stamp may be off,
  one sample, is the line `clock` of the budget.
- A sample stands for its period from its stamp on, as its publisher counts it.
- The inferences of a window are its useful work.
"""

from collections.abc import Iterator
from itertools import repeat

import numpy as np

from harness.foreign.importers.csv_rows import csv_of, number_text, stamps_text
from harness.foreign.importers.grouping import Place
from harness.foreign.importers.imported import MARGIN_S, ZONE_NOTE, ImportedRun
from harness.foreign.importers.mlperf_tiny.sessions import Session, Window
from harness.foreign.importers.source import ReleasedFile
from harness.foreign.importers.spool import Spool
from harness.record.documents import Event, NoteEvent, PhaseEvent, PowerDescriptor, WindowEvent, WorkEvent

PUBLISHER = "MLPerf Tiny"
STREAM, METER, CIRCUIT = "readings-emon.csv", "emon", "sut-dc-inlet"
UJ_OF_WH = 3.6e9
WORK = "inferences"


def run_of(
    place: Place, session: Session, window: Window, files: tuple[ReleasedFile, ...], spool: Spool
) -> ImportedRun:
    """The window as a run; what its stream holds is put aside."""
    begin_ns, end_ns = _time_ns(window, window.first), _time_ns(window, window.last)
    return ImportedRun(
        kind=place.kind, scenario=place.scenario, repetition=place.repetition or 0, begin_ns=begin_ns, end_ns=end_ns,
        streams=((_descriptor(session, window), spool.put(_rows(window))),),
        events=tuple(_events(session, window, begin_ns, end_ns)), files=files,
        note=f"{ZONE_NOTE}; window {window.number} of {window.trace.source.path.name}, samples {window.first} to "
        f"{window.last}; what powers the device under test, and nothing else, was measured",
        circuits=(CIRCUIT,),
    )  # fmt: skip


def _time_ns(window: Window, sample: int) -> int:
    return window.trace_begin_ns + sample * window.trace.period_ns


def _descriptor(session: Session, window: Window) -> PowerDescriptor:
    source = window.trace.source
    return PowerDescriptor(
        stream=STREAM, meter=METER, circuit=CIRCUIT,
        identity={
            "maker": "", "model": session.log.instrument.upper(), "serial": "", "firmware": "", "driver": "mlperf-tiny",
        },
        origin="imported", evidence={"file": source.path.name, "sha256": source.sha256},
        averaging="window", window_s=1 / window.trace.rate_hz, stamp="start", latency_s=0.0,
        columns=[{"name": "power_w", "unit": "W", "resolution": None, "range": None, "accuracy": None}],
    )  # fmt: skip


def _rows(window: Window) -> bytes:
    trace = window.trace
    margin = round(MARGIN_S * trace.rate_hz)
    first, last = max(window.first - margin, 0), min(window.last + margin, trace.power_w.size)
    stamps = _time_ns(window, first) + np.arange(last - first, dtype=np.int64) * trace.period_ns
    power_w = trace.power_w[first:last]
    flags = repeat("") if np.isfinite(power_w).all() else np.where(np.isfinite(power_w), "", "nan").tolist()
    texts = map(number_text, np.where(np.isfinite(power_w), power_w, np.nan).tolist())
    columns = [stamps_text(stamps.tolist()), texts, repeat(number_text(1 / trace.rate_hz)), flags]
    return csv_of(["time_ns", "power_w", "window_s", "flags"], columns)


def _events(session: Session, window: Window, begin_ns: int, end_ns: int) -> Iterator[Event]:
    published, source = window.published, window.trace.source
    stated_uj = published.energy_uj if published else None
    edges = {
        name: {"key": "timestamp", "sample": sample, "text": text}
        for name, sample, text in zip(("begin", "end"), (window.first, window.last), window.texts, strict=True)
    }
    told = {"stated_uj_per_inference": published.per_inference_uj} if published and published.per_inference_uj else {}
    yield PhaseEvent(time_ns=begin_ns, name="rating", edge="begin")
    yield WindowEvent(
        time_ns=begin_ns, publisher=PUBLISHER, rule="samples-from-to", from_ns=begin_ns, to_ns=end_ns, offset_s=0.0,
        bound_s=1 / window.trace.rate_hz, source={"file": source.path.name, "sha256": source.sha256, **edges, **told},
        stated_wh=None if stated_uj is None else stated_uj / UJ_OF_WH,
    )  # fmt: skip
    if published and published.inferences:
        amounts = {WORK: float(published.inferences)}
        yield WorkEvent(time_ns=end_ns, sut_ns=end_ns, sut_wall_ns=end_ns, amounts=amounts)
    yield PhaseEvent(time_ns=end_ns, name="rating", edge="end")
    yield from (NoteEvent(time_ns=end_ns, code=code, text=text) for code, text in session.notes)
