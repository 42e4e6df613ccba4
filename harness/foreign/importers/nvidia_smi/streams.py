"""A trace of an nvidia-smi log -> a run: its streams, its events, what it says of the machine.

Knows how boards become streams: the power of each is one, the run's power is their sum; the indicators of all stand in
one table, a row a poll. Knows no text and no run folder.
"""

from collections.abc import Sequence
from itertools import repeat

import numpy as np

from harness.foreign.importers.csv_rows import csv_of, number_text, stamps_text
from harness.foreign.importers.grouping import Place
from harness.foreign.importers.imported import ZONE_NOTE, Content, ImportedRun
from harness.foreign.importers.nvidia_smi.board import Board
from harness.foreign.importers.nvidia_smi.fields import INDICATORS, MEANINGS, number_of
from harness.foreign.importers.nvidia_smi.trace import Trace
from harness.foreign.importers.spool import Spool
from harness.foreign.importers.stamps import SECOND_NS, Stamps
from harness.record.documents import Event, GapEvent, IndicatorDescriptor, Json, NoteEvent, PhaseEvent, PowerDescriptor


def run_of(place: Place, trace: Trace, spool: Spool) -> ImportedRun:
    """The whole trace as a run; its file and what its streams hold are put aside."""
    begin_ns, end_ns = trace.interval_ns
    streams: list[tuple[PowerDescriptor | IndicatorDescriptor, Content]] = [
        (_power(trace, board), _power_rows(board)) for board in trace.boards
    ]
    descriptor, rows = _indicators(trace)
    streams.append((descriptor, spool.put(rows)))
    figures = dict.fromkeys(f"{board.figure}: {MEANINGS[board.figure]}" for board in trace.boards)
    offset = f"; offset {trace.offset} as written" if trace.offset else ""
    return ImportedRun(
        kind=place.kind,
        scenario=place.scenario,
        repetition=place.repetition or 0,
        begin_ns=begin_ns,
        end_ns=end_ns,
        streams=tuple(streams),
        events=tuple(_events(trace)),
        files=(trace.source.released(spool),),
        note=f"{ZONE_NOTE}{offset}; the run is the whole trace; {'; '.join(figures)}",
        sut=_sut(trace),
    )


def _sut(trace: Trace) -> Json:
    """What the log says of its boards."""
    gpus: list[Json] = []
    for board in trace.boards:
        limit = board.identity.get("enforced.power.limit") or board.identity.get("power.limit")
        known = {
            "name": board.identity.get("name"), "driver": board.identity.get("driver_version"),
            "power_limit_w": number_of(limit, "W") if limit else None,
        }  # fmt: skip
        gpus.append({key: value for key, value in known.items() if value})
    return {"gpus": gpus} if any(gpus) else {}


def _power(trace: Trace, board: Board) -> PowerDescriptor:
    places = [f"{key} {board.identity[key]}" for key in ("index", "pci.bus_id") if key in board.identity]
    identity = {
        "maker": "NVIDIA", "model": board.identity.get("name", ""),
        "serial": board.identity.get("uuid", board.identity.get("serial", "")), "firmware": "", "driver": "nvidia-smi",
        "figure": board.figure, "board": ", ".join(places),
    }  # fmt: skip
    return PowerDescriptor(
        stream=board.stream, meter=board.meter, circuit=f"{board.meter}-dc-board", identity=identity,
        origin="imported", evidence={"file": trace.source.path.name, "sha256": trace.source.sha256},
        averaging="instantaneous", window_s=board.stands_s, stamp="end", latency_s=board.lag_s,
        columns=[{"name": "power_w", "unit": "W", "resolution": 0.01, "range": None, "accuracy": None}],
    )  # fmt: skip


def _power_rows(board: Board) -> bytes:
    powers, flags = (
        board.power.texts(number_text),
        board.power.texts(lambda power_w: "" if power_w == power_w else "nan"),
    )
    return csv_of(["time_ns", "power_w", "window_s", "flags"], [board.stamps, powers, repeat("0.0"), flags])


def _indicators(trace: Trace) -> tuple[IndicatorDescriptor, bytes]:
    """The indicators of all boards, a row a poll, at the time of the first row in it."""
    columns: list[Json] = []
    cells: list[Sequence[str]] = []
    polls_ns = _polls(trace)
    for nth, board in enumerate(trace.boards):
        for field, column in board.indicators.items():
            name, unit, quantity = INDICATORS["power.draw" if field == board.figure else field]
            name = "power_draw_w" if field == "power.draw" != board.figure else name
            described = {"name": f"gpu{board.number or nth}_{name}", "unit": unit, "quantity": quantity}
            columns.append(described | {"method": f"nvidia-smi {field}", "kind": "gauge"})
            texts = column.texts(number_text)
            cells.append(_on_polls(polls_ns, board.times_ns, texts))
    period_s = float(np.median(np.diff(trace.boards[0].times_ns))) / SECOND_NS
    descriptor = IndicatorDescriptor(
        stream="samples-agent.csv", period_s=period_s, clock="source-wall", columns=columns
    )
    stamps = trace.boards[0].stamps if len(trace.boards) == 1 else stamps_text(polls_ns.tolist())
    return descriptor, csv_of(["time_ns", *(str(column["name"]) for column in columns)], [stamps, *cells])


def _on_polls(polls_ns: Stamps, times_ns: Stamps, texts: Sequence[str]) -> Sequence[str]:
    """A column of one board on the rows of all: where it has none, an empty cell."""
    if polls_ns is times_ns:
        return texts
    cells = [""] * polls_ns.size
    for place, text in zip((np.searchsorted(polls_ns, times_ns, side="right") - 1).tolist(), texts, strict=True):
        cells[place] = text
    return cells


def _polls(trace: Trace) -> Stamps:
    """Where each round over the boards begins: at a row of a board that the round before has already."""
    if len(trace.boards) == 1:
        return trace.boards[0].times_ns
    rows = sorted((time_ns, nth) for nth, board in enumerate(trace.boards) for time_ns in board.times_ns.tolist())
    begins: list[int] = []
    seen: set[int] = set()
    for time_ns, nth in rows:
        if not begins or nth in seen:
            begins.append(time_ns)
            seen = set()
        seen.add(nth)
    return np.array(begins, dtype=np.int64)


def _events(trace: Trace) -> list[Event]:
    begin_ns, end_ns = trace.interval_ns
    events: list[Event] = [PhaseEvent(time_ns=begin_ns, name="rating", edge="begin")]
    for board in trace.boards:
        for from_ns, to_ns, cause in board.gaps():
            events.append(GapEvent(time_ns=to_ns, stream=board.stream, cause=cause, from_ns=from_ns, to_ns=to_ns))
    events.append(PhaseEvent(time_ns=end_ns, name="rating", edge="end"))
    events += [NoteEvent(time_ns=end_ns, code=code, text=text) for code, text in trace.notes]
    return sorted(events, key=lambda event: event.time_ns)
