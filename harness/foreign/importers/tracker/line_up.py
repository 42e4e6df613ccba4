"""Rows of a tracker's file lined up with the runs of a campaign: which rows make the figure of which run.

Knows which rows fit a run and which may be added. Knows no energy of a meter.

Decisions
- Each row that fits exactly one run is attached to it; rows that fit none are left out and named. Rows of one run that
  do not overlap (tasks, passes, several trackers one after the other) are added, over the sum of their stretches. Of
  rows that began together under one run_id the last holds the others (flushes). Other rows that overlap are an error.
- A row with an impossible duration or power cannot be lined up. `--over-run` takes its energy as that of the run's own
  interval; the account says so.
"""

from collections.abc import Mapping, Sequence
from itertools import pairwise
from pathlib import Path

from harness.foreign.importers.remarks import listed
from harness.foreign.importers.stamps import SECOND_NS
from harness.foreign.importers.tracker.passes import STAMP_S
from harness.foreign.importers.tracker.row import Row
from harness.foreign.importers.tracker.source import Source
from harness.foreign.importers.tracker.windows import SHOWN, Window, fits, interval_ns, listing, span
from harness.record.errors import ImportFileError


def lined_up(source: Source, windows: Sequence[Window]) -> tuple[list[tuple[list[Row], Window]], list[str]]:
    """Runs with the rows that make their figure, and why other rows belong to none.

    Raises:
        ImportFileError: none fits, rows of one run overlap, or a stamp's zone is not known.
    """
    path, choice = source.path, source.choice
    every = sorted([*source.rows, *source.table.damaged])
    lines = sorted({source.table.row(line).line for line in choice.lines}) or every
    if choice.over_run:
        return [_over_run(source, [line for line in lines if line in source.rows], windows)], []
    of_window: dict[str, list[Row]] = {}
    left_out: list[str] = []
    for line in lines:
        row = source.rows.get(line, source.table.damaged.get(line, ""))
        problem = source.problem_of(row)
        if isinstance(row, str) or problem:
            left_out.append(problem or str(row))
        elif window := _fitting(source, row, windows):
            of_window.setdefault(window.folder, []).append(row)
        else:
            left_out.append(f"{path}:{line}: no run fits {span(row, windows, choice.zone)}")
    if not of_window:
        known = f"\n  {listing(windows)}" if windows else "; the campaign holds no scenario run with a rating interval"
        zone = "" if choice.zone is None else f" (--timezone {choice.zone})"
        more = [f"and {len(left_out) - SHOWN} more rows"] if len(left_out) > SHOWN else []
        faults = "\n  ".join([*left_out[:SHOWN], *more])
        none = f"none of {len(left_out)} rows can" if len(left_out) > 1 else "its row cannot"
        raise ImportFileError(f"{path}: {none} be lined up with a run{zone}:\n  {faults}\nThe runs:{known}")
    taken = []
    for window in windows:
        if window.folder in of_window:
            rows, held = _together(source, of_window[window.folder], window)
            _refuse_unlike(source, rows)
            taken.append((rows, window))
            left_out += held
    return taken, left_out


def _fitting(source: Source, row: Row, windows: Sequence[Window]) -> Window | None:
    """The run to which a row belongs."""
    zone = source.choice.zone
    if windows and (unplaced := _unplaced(source.path, row, windows, zone)):
        raise ImportFileError(f"{unplaced}\nThe runs:\n  {listing(windows)}")
    fitting = [window for window in windows if fits(row, window, zone)]
    if len(fitting) > 1:
        raise ImportFileError(
            f"{source.path}:{row.line}: this row fits {len(fitting)} runs; choose one with --run\n  {listing(fitting)}"
        )
    return fitting[0] if fitting else None


def _together(source: Source, rows: Sequence[Row], window: Window) -> tuple[list[Row], list[str]]:
    """The rows of one run whose energies may be added, in order of time, and why the others are in them already."""
    spans = {row.line: interval_ns(row, window, source.choice.zone) for row in rows}
    kept: list[Row] = []
    held: list[str] = []
    for row in sorted(rows, key=lambda row: -row.duration_s):
        whole = next((other for other in kept if _is_flush(row, other, spans)), None)
        if whole is None:
            kept.append(row)
        else:
            held.append(f"{source.path}:{row.line}: a flush; line {whole.line} holds it, begun at the same time")
    kept.sort(key=lambda row: (spans[row.line], row.line))
    over = [pair for pair in pairwise(kept) if _overlap_ns(*(spans[row.line] for row in pair)) > STAMP_S * SECOND_NS]
    if over:
        lines = listed(sorted(row.line for row in kept), SHOWN)
        some = "" if len(over) == len(kept) - 1 else f" (lines {' and '.join(str(row.line) for row in over[0])} first)"
        raise ImportFileError(
            f"{source.path}: lines {lines} all fit {window} and overlap in time{some}; CodeCarbon cumulates over its "
            "flushes, and two trackers at a time count the same machine twice, so they are not added up: choose one "
            "with --line, or several that do not overlap (--line 2 --line 5)"
        )
    return kept, held


def _is_flush(row: Row, whole: Row, spans: Mapping[int, tuple[int, int]]) -> bool:
    """Whether a row was written by the same object in the same pass, before another one."""
    same = bool(row.run_id) and row.run_id == whole.run_id and row.task is None and row.since == whole.since
    apart_ns = abs(spans[row.line][0] - spans[whole.line][0])
    return same and apart_ns <= STAMP_S * SECOND_NS and row.energy_wh <= whole.energy_wh


def _overlap_ns(earlier: tuple[int, int], later: tuple[int, int]) -> int:
    """For how long two stretches in order of their begin are at the same time."""
    return min(earlier[1], later[1]) - later[0]


def _refuse_unlike(source: Source, rows: Sequence[Row]) -> None:
    """Rows that are multiplied by different factors have no sum without one."""
    pues = {source.pue(row).value: row.line for row in rows}
    if len(pues) > 1:
        values = ", ".join(f"{value:g} (line {line})" for value, line in pues.items())
        raise ImportFileError(f"{source.path}: rows of one run with several pue: {values}; choose one with --line")


def _unplaced(path: Path, row: Row, windows: Sequence[Window], zone: str | None) -> str | None:
    """Why a row's stamp cannot be compared with the runs' clocks."""
    has_zone = row.end is not None and row.end.tzinfo is not None
    local = any(not window.has_zone for window in windows)
    if local and has_zone:
        return (
            f"{path}:{row.line}: timestamp {row.stamp} has a zone, but the stamps of this imported campaign have none; "
            "write it as that lab's local time"
        )
    if not local and not has_zone and zone is None:
        return (
            f"{path}:{row.line}: timestamp {row.stamp} has no time zone (CodeCarbon writes the SUT's local time); say "
            "which one it was: --timezone Europe/Berlin, or --timezone +01:00"
        )
    return None


def _over_run(source: Source, lines: Sequence[int], windows: Sequence[Window]) -> tuple[list[Row], Window]:
    """The one row, as it stands, and the run that the operator named."""
    path = source.path
    if source.choice.run is None:
        raise ImportFileError(f"{path}: --over-run needs --run: which run is this the energy of?\n  {listing(windows)}")
    if len(lines) != 1:
        raise ImportFileError(f"{path}: {len(lines)} rows, on lines {listed(lines, SHOWN)}; choose one with --line")
    row = source.table.row(lines[0])
    if problem := source.problem_of(row, over_run=True):
        raise ImportFileError(problem)
    return [row], windows[0]
