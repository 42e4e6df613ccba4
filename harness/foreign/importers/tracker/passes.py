"""Rows of one object of a tracker -> the energy of each pass alone: what was counted before is taken off.

Knows rows of one run_id and their times. Knows no campaign and no run.
"""

import math
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta

from harness.foreign.importers.tracker.row import Row
from harness.foreign.importers.tracker.table import Table

STAMP_S = 1.0
"""Two stamps in whole seconds order two moments to within this."""


def own_figures(table: Table) -> dict[int, Row | str]:
    """Line -> the row with the energy of its own pass alone: without what its object had counted when the pass began;
    a sentence where that is not known. Rows of a task file, and rows without a run_id, are what they are."""
    objects: dict[str, list[Row]] = {}
    for row in table.rows:
        if row.run_id and row.task is None:
            objects.setdefault(row.run_id, []).append(row)
    found: dict[int, Row | str] = {row.line: row for row in table.rows}
    for of_object in objects.values():
        if len(of_object) > 1:
            found |= dict(_passes(table, of_object))
    return found


def _passes(table: Table, rows: Sequence[Row]) -> Iterator[tuple[int, Row | str]]:
    """The rows of one object, in the order of the file."""
    path = table.path
    orderly = [row for row in rows if _orderly(row, rows[0])]
    in_time = sorted(orderly, key=lambda row: (row.end, row.energy_wh))
    ends = [row.end for row in in_time if row.end is not None]
    unusable = next((row for row in rows if not _orderly(row, rows[0])), None)
    for row in rows:
        if unusable is not None and unusable.line < row.line:
            yield (
                row.line,
                f"{path}:{row.line}: an earlier row of the same run_id, line {unusable.line}, has no usable time or "
                "energy, so what its object had counted before is not known",
            )
        else:
            yield row.line, _own(table, row, in_time, ends) if row is not unusable else row


def _own(table: Table, row: Row, in_time: Sequence[Row], ends: Sequence[datetime]) -> Row | str:
    """A row without what the latest pass before it had counted; `in_time`: the rows of its object, `ends` theirs."""
    path = table.path
    until = bisect_right(ends, row.begin + timedelta(seconds=STAMP_S))
    for other in reversed(in_time[:until]):
        if other is row:
            continue
        if (ended := _ended_before(other, row)) is None:
            return (
                f"{path}:{row.line}: whether line {other.line}, of the same run_id, is an earlier pass or a flush of "
                "the same one cannot be told by stamps in whole seconds"
            )
        if ended and other.energy_wh > row.energy_wh:
            return (
                f"{path}:{row.line}: energy_consumed is {row.energy_text} kWh, less than the {other.energy_text} kWh "
                f"of line {other.line}, of the same run_id and before it: a counter that CodeCarbon read went back "
                "between them, or the file was changed, so what this row used is not known"
            )
        if ended and (line := table.lost_between(other, row)) is not None and not row.tells_its_time:
            return (
                f"{path}:{row.line}: line {line}, between this row and line {other.line} of the same run_id, cannot be "
                "read, so what its object had counted before is not known"
            )
        if ended:
            return row.less(other)
    return row


def _orderly(row: Row, beside: Row) -> bool:
    """Whether a row has a time that can be compared with another's, and an energy."""
    if row.end is None or not row.lasting or not math.isfinite(row.energy_wh):
        return False
    return beside.end is None or (row.end.tzinfo is None) == (beside.end.tzinfo is None)


def _ended_before(other: Row, row: Row) -> bool | None:
    """Whether another row of the same object ended before this one began; False of a flush of the same pass, and of a
    later row; None where stamps in whole seconds do not tell."""
    assert other.end is not None
    gap_s = (row.begin - other.end).total_seconds()
    apart_s = abs((row.begin - other.begin).total_seconds())
    if gap_s < -STAMP_S or apart_s > STAMP_S:
        return gap_s >= -STAMP_S
    counted_s = row.ram_s(row.pue or 1.0)
    if not math.isfinite(counted_s):
        return None
    return abs(counted_s - row.duration_s) > abs(counted_s - row.duration_s - other.duration_s)
