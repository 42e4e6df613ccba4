"""`nvidia-smi --query-gpu=... --format=csv` logs -> run folders; one file is one run of all the boards in it.

Knows which files are logs, what each is in a study, and how a log becomes a run's streams and events. Knows no text
(nvidia_smi_log.py), no board (nvidia_smi_boards.py), no run folder (imported.py) and no energy.

Decisions
- The run is from the first to the last row, of several boards from the last one's first row to the first one's last; of
  readings that are means of a second it lies half of one earlier.
- Each board is a stream of its own; the run's power is their sum. Indicators of all boards stand in one table, a row a
  poll.
- The same file twice is no repetition. Repetitions that overlap in time are noted.
"""

import zlib
from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import partial
from itertools import pairwise
from pathlib import Path

import numpy as np

from harness.foreign.importers.grouping import ENDINGS, Grouping, Place, left_out, numbered
from harness.foreign.importers.imported import (
    SECOND_NS,
    SHOWN,
    ZONE_NOTE,
    Content,
    ImportedRun,
    OnProgress,
    Summary,
    listed,
    read_source,
    write_campaign,
)
from harness.foreign.importers.nvidia_smi_boards import (
    INDICATORS,
    MEANINGS,
    Board,
    Times,
    Trace,
    read_trace,
)
from harness.foreign.importers.nvidia_smi_log import is_log, number_of
from harness.record.documents import Event, GapEvent, IndicatorDescriptor, Json, NoteEvent, PhaseEvent, PowerDescriptor
from harness.record.errors import ImportFileError

MANY = 5
"""So many logs that are a scenario each are worth a remark."""
REMARKS_SHOWN = 3


def import_nvidia_smi(
    paths: Sequence[Path], campaign: Path, *, grouping: Grouping | None = None, on_progress: OnProgress | None = None
) -> Summary:
    """Import every log, and the logs in every folder, into a new campaign.

    Raises:
        ImportFileError: no nvidia-smi log, a damaged line; with file and line. Every file that cannot be read is named.
        RunFolderError: the campaign exists already.
    """
    files, others = _files(paths)
    grouping = grouping or Grouping()
    places = grouping.places(files)
    chosen = [(file, place) for file, place in zip(files, places, strict=True) if place is not None]
    runs, remarks, refused = list[ImportedRun](), _Remarks(), list[str]()
    for done, (file, place) in enumerate(chosen, 1):
        try:
            trace = read_trace(read_source(file))
            runs.append(_run(place, trace))
            remarks.add(file, trace.notes)
        except ImportFileError as error:
            refused.append(str(error))
        if on_progress:
            on_progress(done, 2 * len(chosen))
    if refused:
        raise ImportFileError(_refusal(refused))
    _require_once(runs)
    runs = _with_overlaps(numbered(runs), remarks)
    said = [ZONE_NOTE, *left_out(files, places), *others, *remarks.lines(), *_about_grouping(grouping, runs)]
    written = None if on_progress is None else partial(_second_half, on_progress)
    return write_campaign(campaign, "nvidia-smi", runs, said, written)


def _second_half(on_progress: OnProgress, done: int, total: int) -> None:
    on_progress(total + done, 2 * total)


def _files(paths: Sequence[Path]) -> tuple[list[Path], list[str]]:
    """The files that are named, and the logs in the folders that are; a remark on what else lies there.

    Raises:
        ImportFileError: a folder without a log.
    """
    found, others = list[Path](), list[Path]()
    for path in paths:
        if not path.is_dir():
            found.append(path)
            continue
        below = sorted(file for file in path.rglob("*") if file.name.endswith(ENDINGS) and file.is_file())
        logs = [file for file in below if is_log(file)]
        if not logs:
            raise ImportFileError(
                f"{path}: no nvidia-smi log in it or below ({', '.join(ENDINGS)} with a header that has timestamp and "
                "power.draw); name the files"
            )
        found += logs
        others += [file for file in below if file not in set(logs)]
    remark = (
        f"{len(others)} other files are left out, they have no header of such a log: {listed(others, REMARKS_SHOWN)}"
    )
    return found, [remark] if others else []


def _refusal(refused: Sequence[str]) -> str:
    """One message for every file that cannot be read."""
    if len(refused) == 1:
        return refused[0]
    more = [f"and {len(refused) - SHOWN} more"] if len(refused) > SHOWN else []
    return "\n  ".join([f"{len(refused)} files cannot be read, nothing was imported:", *refused[:SHOWN], *more])


def _require_once(runs: Sequence[ImportedRun]) -> None:
    """The same file twice is no second repetition.

    Raises:
        ImportFileError: with both.
    """
    seen: dict[str, Path] = {}
    twice = []
    for file in (file for run in runs for file in run.files):
        if file.sha256 in seen:
            twice.append(f"{file.path} is {seen[file.sha256]} again")
        seen[file.sha256] = file.path
    if twice:
        raise ImportFileError(f"{listed(twice)}; a copy of a log is no repetition: name each once")


def _with_overlaps(runs: Sequence[ImportedRun], remarks: "_Remarks") -> list[ImportedRun]:
    """The runs, noted where a repetition of the same scenario was made at the same time: two boards of one run in two
    files look like that."""
    ordered = sorted(runs, key=lambda run: (run.scenario, run.begin_ns))
    notes: dict[tuple[str, int], tuple[str, str]] = {}
    for before, run in pairwise(ordered):
        if before.scenario == run.scenario and run.begin_ns < before.end_ns:
            text = f"overlaps in time with {before.files[0].path.name}, as two boards of one run in two files would"
            notes[run.scenario, run.repetition] = ("overlapping-runs", text)
            remarks.add(run.files[0].path, [("overlapping-runs", text)])
    return [
        replace(run, events=(*run.events, NoteEvent(time_ns=run.end_ns, code=note[0], text=note[1])))
        if (note := notes.get((run.scenario, run.repetition)))
        else run
        for run in runs
    ]


def _about_grouping(grouping: Grouping, runs: Sequence[ImportedRun]) -> list[str]:
    """A remark where many files became as many scenarios."""
    if grouping.how is not None or len(runs) < MANY:
        return []
    return [f"{len(runs)} logs are {len(runs)} scenarios of one run each; --group makes repetitions of them"]


class _Remarks:
    """The notes of many files, for the terminal: those of one kind stand together."""

    def __init__(self) -> None:
        self._texts: dict[str, list[str]] = {}

    def add(self, file: Path, notes: Sequence[tuple[str, str]]) -> None:
        """What a reader must know of a file."""
        for code, text in notes:
            self._texts.setdefault(code, []).append(f"{file}: {text}")

    def lines(self) -> Iterator[str]:
        """The first of each kind, and how many more there are."""
        for code, texts in self._texts.items():
            yield from texts[:REMARKS_SHOWN]
            if len(texts) > REMARKS_SHOWN:
                yield f"and {len(texts) - REMARKS_SHOWN} more of that kind ({code}); each run has its own"


def _run(place: Place, trace: Trace) -> ImportedRun:
    begin_ns, end_ns = trace.interval_ns
    streams: list[tuple[PowerDescriptor | IndicatorDescriptor, Content]] = [
        (_power(trace, board), _packed(_power_lines(board))) for board in trace.boards
    ]
    streams.append(_indicators(trace))
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
        files=(trace.source.released(),),
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


def _packed(lines: Sequence[str]) -> Content:
    """The text of a stream, small until it is written."""
    return partial(zlib.decompress, zlib.compress("".join(lines).encode(), 1))


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


def _power_lines(board: Board) -> list[str]:
    pairs = zip(board.times_ns.tolist(), board.power_w.tolist(), strict=True)
    lines = [
        f"{time_ns},{power_w!r},0.0,\n" if power_w == power_w else f"{time_ns},,0.0,nan\n" for time_ns, power_w in pairs
    ]
    return ["time_ns,power_w,window_s,flags\n", *lines]


def _indicators(trace: Trace) -> tuple[IndicatorDescriptor, Content]:
    """The indicators of all boards, a row a poll, at the time of the first row in it."""
    columns: list[Json] = []
    cells: list[tuple[Times, list[str]]] = []
    for nth, board in enumerate(trace.boards):
        for field, values in board.indicators.items():
            name, unit, quantity = INDICATORS["power.draw" if field == board.figure else field]
            name = "power_draw_w" if field == "power.draw" != board.figure else name
            column = {"name": f"gpu{board.number or nth}_{name}", "unit": unit, "quantity": quantity}
            columns.append(column | {"method": f"nvidia-smi {field}", "kind": "gauge"})
            texts = ["" if value != value else repr(value) for value in values.tolist()]
            cells.append((board.times_ns, texts))
    polls_ns = _polls(trace)
    rows = [[str(time_ns), *([""] * len(columns))] for time_ns in polls_ns.tolist()]
    for at, (times_ns, texts) in enumerate(cells, 1):
        for place, text in zip((np.searchsorted(polls_ns, times_ns, side="right") - 1).tolist(), texts, strict=True):
            rows[place][at] = text
    period_s = float(np.median(np.diff(trace.boards[0].times_ns))) / SECOND_NS
    descriptor = IndicatorDescriptor(
        stream="samples-agent.csv", period_s=period_s, clock="source-wall", columns=columns
    )
    header = ",".join(["time_ns", *(str(column["name"]) for column in columns)])
    return descriptor, _packed([header + "\n", *(",".join(row) + "\n" for row in rows)])


def _polls(trace: Trace) -> Times:
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
