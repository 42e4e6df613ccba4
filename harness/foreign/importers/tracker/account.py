"""What a tracker's rows say of one run, as an account in the campaign's log (docs/trackers.md).

Knows sums of rows, and what a reader has to know of them. Knows no file and no meter.
"""

import math
import re
from collections.abc import Iterator, Sequence
from dataclasses import replace

from harness.foreign.importers.tracker.faults import left_out_of
from harness.foreign.importers.tracker.row import Row
from harness.foreign.importers.tracker.source import Choice, Pue, stated_in_file
from harness.foreign.importers.tracker.windows import Window, interval_ns
from harness.record.documents import Json

NAME = "codecarbon"
NOT_STATED = "not stated in its file"
PROCESS = "process"
OF_PROCESS = "tracking_mode is process: it counts its process and the children it sees once a second, not the machine"
MEMORY_OF_PROCESS = "tracking_mode is process: its memory figure is of its process and children, not of the machine"
"""Until 2.8 the mode moves the memory's figure alone."""


def account_of(rows: Sequence[Row], window: Window, choice: Choice, pue: Pue) -> Json:
    """What the rows of one run say of it, as a tracker's artefact does (docs/trackers.md)."""
    clock, bound_s = ("run", 0.0) if choice.over_run else (window.clock, window.bound_s)
    spans = [] if choice.over_run else [interval_ns(row, window, choice.zone) for row in rows]
    if spans and any(row.whole_seconds for row in rows):
        bound_s += 0.5
    parts = _parts_wh(rows, pue.value)
    versions = list(dict.fromkeys(row.version for row in rows if row.version))
    account = {
        "schema": 1, "name": NAME, "version": ", ".join(versions) or None,
        "begin_ns": min((begin for begin, _ in spans), default=None),
        "end_ns": max((end for _, end in spans), default=None), "clock": clock, "bound_s": bound_s,
        "reported_wh": rows[0].energy_wh if len(rows) == 1 else math.fsum(row.energy_wh for row in rows),
        "factor": pue.value, "factor_reason": None if pue.value == 1 else pue.reason, "parts_wh": parts,
        "methods": {part: "none" if value is None else NOT_STATED for part, value in parts.items()},
        "intervals": list(_intervals(rows, spans)), "polls": None, "problems": _remarks(rows, pue, choice),
    }  # fmt: skip
    return account if len(rows) == 1 else account | {"spans_ns": [list(span) for span in spans]}


def _parts_wh(rows: Sequence[Row], pue: float) -> dict[str, float | None]:
    """The sums of the parts that every row has, without the factor."""
    found: dict[str, float | None] = {}
    for part in rows[0].parts_wh:
        values = [row.parts_wh.get(part) for row in rows]
        known = [value for value in values if value is not None]
        whole = known[0] if len(values) == 1 and known else math.fsum(known)
        found[part] = whole / pue if len(known) == len(values) else None
    return found


def _intervals(rows: Sequence[Row], spans: Sequence[tuple[int, int]]) -> Iterator[Json]:
    """Each row of several by itself: a task under its name, else a stretch."""
    counts: dict[str, int] = {}
    for row, (begin_ns, end_ns) in zip(rows, spans, strict=False) if len(rows) > 1 else ():
        name = _name_of(row)
        index = counts.get(name, 0)
        counts[name] = index + 1
        edges = {"begin_ns": begin_ns, "end_ns": end_ns}
        yield {"name": name, "index": index, **edges, "reported_wh": row.energy_wh}


def _name_of(row: Row) -> str:
    """A task's name without the unique ending that CodeCarbon gives to one that is used again; a nameless one: task."""
    if row.task is None:
        return "stretch"
    return re.sub(r"(^|_)[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$", "", row.task) or "task"


def _remarks(rows: Sequence[Row], pue: Pue, choice: Choice) -> list[str]:
    """What a reader has to know of the figure, each once."""
    said = [remark for row in rows for remark in (*row.remarks, left_out_of(row, pue.value)) if remark]
    if choice.over_run:
        said.append(
            f"its duration is {rows[0].duration_text} s; the operator said that its energy is that of the whole run"
        )
    said += [_of_process(row) for row in rows if row.mode == PROCESS]
    said += [pue.remark] if pue.remark else []
    return list(dict.fromkeys(said))


def _of_process(row: Row) -> str:
    return MEMORY_OF_PROCESS if row.release and row.release < (3,) else OF_PROCESS


def first_account(row: Row, window: Window, choice: Choice) -> Json:
    """What wattlab said of a row before it took off what its object had counted before, and remarked on it: for entries
    of the log that were written so (no `reader`)."""
    pue = row.pue if row.pue is not None and row.pue > 0 else 1.0
    parts = {part: None if part == "gpu" and not row.boards > 0 else wh for part, wh in row.parts_wh.items()}
    plain = replace(row, remarks=(), mode="", parts_wh=parts)  # what is told of a mode was not told then
    return account_of([plain], window, choice, Pue(pue, stated_in_file(pue)))
