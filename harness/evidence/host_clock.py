"""The stamps of a campaign against the host's clocks: log, runs and notes.

Knows the clocks in start documents, in clock exchanges and in the log. Knows no number and no key. A wall clock that
was set is no forgery where the journals show it.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise

from harness.record.documents import ClockEvent
from harness.record.entries import Entry, RunBegin, RunEnd, of
from harness.record.run_folder import RunFolder
from harness.record.verify import Check, Examination

CLOCK_S, CLOCK_RATE = 5.0, 1e-3
"""A host's wall clock may move by as much against its monotonic clock: whole seconds in stamps, and slewing."""


@dataclass(frozen=True, slots=True)
class _Move:
    """The host's wall clock moved against its boot clock (or its monotonic one) by `moved_s`, somewhere between two
    lines of the log; `shown`: the journals on both sides bear it out."""

    run: str
    moved_s: float
    first_line: int
    last_line: int
    shown: bool


def check_clock(subject: str, seen: Examination) -> Check:
    """Stamps of the log never go back, each run lies where its log puts it, and one boot has one wall clock; one that
    was set is no forgery where the journals show it."""
    moves = list(_moves(seen))
    problems = [*_log_goes_back(seen.entries, moves), *_runs_elsewhere(seen, moves), *_runs_go_back(seen)]
    problems += [
        f"{move.run}: the host's wall clock was set by {move.moved_s:+.0f} s since the run before it, "
        "and its own clock exchanges do not show that"
        for move in moves
        if not move.shown
    ]
    honest = [f"the host's wall clock was set by {move.moved_s:+.0f} s before {move.run}" for move in moves]
    detail = "; ".join(problems or ["stamps agree with the monotonic clock", *honest])
    return Check(subject, "clock", not problems, detail)


def check_notes(subject: str, seen: Examination) -> Iterator[Check]:
    """Notes are stamped in order, after what they are about, and are about runs of this campaign."""
    if not seen.annotations:
        return
    begun = {begin.folder: begin.utc for begin in of(RunBegin, seen.entries)}
    back_s = CLOCK_S + max([0.0, *(-move.moved_s for move in _moves(seen) if move.shown)])
    problems: list[str] = []
    last_s = _seconds(seen.entries[0].utc) if seen.entries else None
    for number, note in enumerate(seen.annotations, 1):
        run, at_s = note.raw.get("run"), _seconds(note.utc)
        run = run if run is None or isinstance(run, str) else repr(run)[:60]
        about_s = None if run is None else _seconds(begun.get(run))
        if run is not None and run not in begun:
            problems.append(f"note {number} is about {run!r:.60}, which is no run of this campaign")
        if at_s is None:
            problems.append(f"note {number} is stamped {note.raw.get('utc')!r:.40}, which is no time")
            continue
        for what, then_s in (("the one before it, or the campaign", last_s), (f"{run}, which it is about", about_s)):
            if then_s is not None and at_s < then_s - back_s:
                problems.append(f"note {number} is stamped {note.utc}, {then_s - at_s:.0f} s before {what}")
        last_s = at_s
    yield Check(subject, "notes", not problems, "; ".join(problems) or f"{len(seen.annotations)} in order")


def _log_goes_back(entries: Sequence[Entry], moves: Sequence[_Move]) -> Iterator[str]:
    stamped = [(line, entry.seq, at) for line, entry in enumerate(entries) if (at := _seconds(entry.utc))]
    for (line, _, before), (next_line, number, after) in pairwise(stamped):
        back_s = before - after
        shown_s = [-m.moved_s for m in moves if m.shown and m.first_line <= line and next_line <= m.last_line]
        if back_s > CLOCK_S + max([0.0, *shown_s]):
            yield f"campaign.jsonl:{number} is stamped {back_s:.0f} s before the line before it: clock set back"


def _runs_elsewhere(seen: Examination, moves: Sequence[_Move]) -> Iterator[str]:
    """A run that was not measured between its begin and its end in the log is another, older one."""
    lines = {kind: _lines_of(seen.entries, kind) for kind in (RunBegin, RunEnd)}
    for name, run in seen.runs.items():
        places = [lines[kind].get(name) for kind in (RunBegin, RunEnd)]
        stamps = [None if line is None else _seconds(seen.entries[line].utc) for line in places]
        at, begin, end = _seconds(run.start.utc), *stamps
        if run.start.time_base != "host-monotonic" or at is None or begin is None or end is None:
            continue
        shown_s = [-m.moved_s for m in moves if m.shown and m.run == name and m.last_line == places[1]]
        if not begin - CLOCK_S <= at <= end + CLOCK_S + max([0.0, *shown_s]):
            yield f"{name} was measured at {run.start.utc}, {_apart(at, begin)} the log began it: another, older run"
        over, line = None if run.stop is None else _seconds(run.stop.utc), places[1] or 0
        shown_s += [-m.moved_s for m in moves if m.shown and m.first_line <= line <= m.last_line]
        if run.stop is not None and (over is None or over > end + CLOCK_S + max([0.0, *shown_s])):
            yield f"{name} ended at {run.stop.utc}, which is no moment before the log ended it"


def _apart(at: float, begin: float) -> str:
    return f"{abs(at - begin):.0f} s {'before' if at < begin else 'after'}"


def _lines_of(entries: Sequence[Entry], kind: type[RunBegin] | type[RunEnd]) -> dict[str, int]:
    return {entry.folder: line for line, entry in enumerate(entries) if isinstance(entry, kind)}


def _neighbours(seen: Examination) -> Iterator[tuple[RunFolder, RunFolder]]:
    """Runs of one boot of the host, each with the one before it."""
    last: dict[object, RunFolder] = {}
    for run in seen.runs.values():
        if run.start.time_base != "host-monotonic" or _seconds(run.start.utc) is None:
            continue
        boot = run.start.host.get("boot_id")
        if boot in last:
            yield last[boot], run
        last[boot] = run


def _runs_go_back(seen: Examination) -> Iterator[str]:
    for before, run in _neighbours(seen):
        if run.start.time_ns < before.start.time_ns:
            yield f"{run.path.name}: the monotonic clock went back within one boot: it is another, older run"


def _moves(seen: Examination) -> Iterator[_Move]:
    """Where the wall clock moved: between the starts of two runs, and within a run, by its own exchanges."""
    begins, ends = _lines_of(seen.entries, RunBegin), _lines_of(seen.entries, RunEnd)
    for before, run in _neighbours(seen):
        passed_s = (run.start.time_ns - before.start.time_ns) * 1e-9
        boots_ns = before.start.boot_ns, run.start.boot_ns
        if boots_ns[0] is not None and boots_ns[1] is not None:
            passed_s = (boots_ns[1] - boots_ns[0]) * 1e-9  # the time asleep counts
        moved_s = (_seconds(run.start.utc) or 0.0) - (_seconds(before.start.utc) or 0.0) - passed_s
        if passed_s >= 0 and abs(moved_s) > CLOCK_S + CLOCK_RATE * passed_s:
            name = run.path.name
            lines = begins.get(before.path.name, 0), begins.get(name, len(seen.entries))
            yield _Move(name, moved_s, *lines, shown=_is_borne_out(before) and _is_borne_out(run))
    for name, run in seen.runs.items():
        exchanges = [event for event in run.events if isinstance(event, ClockEvent)]
        offsets_s = [(e.host_wall_ns - (e.host_boot_ns or e.t1_ns)) * 1e-9 for e in exchanges]
        if offsets_s and abs(offsets_s[-1] - offsets_s[0]) > CLOCK_S and name in begins:
            lines = begins[name], ends.get(name, len(seen.entries))
            yield _Move(name, offsets_s[-1] - offsets_s[0], *lines, shown=_is_borne_out(run))


def _is_borne_out(run: RunFolder) -> bool:
    """Whether a run's own journal shows the wall clock that its start is stamped with."""
    started = _seconds(run.start.utc)
    exchanges = [(event.host_wall_ns * 1e-9, event.t1_ns) for event in run.events if isinstance(event, ClockEvent)]
    ended = None if run.stop is None else _seconds(run.stop.utc)
    if not exchanges and run.stop is not None and ended is not None:
        exchanges = [(ended, run.stop.time_ns)]
    if started is None or not exchanges:
        return False
    wall_s, monotonic_ns = exchanges[0]
    return abs(wall_s - started - (monotonic_ns - run.start.time_ns) * 1e-9) <= CLOCK_S


def _seconds(stamp: object) -> float | None:
    try:
        return datetime.fromisoformat(str(stamp)).timestamp()
    except ValueError:
        return None
