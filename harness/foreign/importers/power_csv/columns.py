"""A column of a CSV -> readings of one meter: power by time, or energy by time, with what is odd about them.

Knows units, what a row stands for, rows out of order and rows with one stamp. Knows no run and no run folder.

Decisions
- A counter gives the mean power between two of its readings, a window from one to the next. A step back is a wrap where
  the mapping says where it wraps, else a gap: nothing tells what was used between.
- A value that holds until the next row is a window from its row to the next one, and so is a mean or an energy whose
  stamp is the start of its time; the last row has no end and is left out.
- Rows out of order are sorted. Rows with one stamp and one value are one; with different values the mapping has to say
  which counts.
- What a meter that is connected the wrong way round reads is taken times -1, where the mapping says so; volts and
  amperes stay as read.
- Files of one record follow each other: rows of two of them in turn are those of two meters, and refused.
- A clock without a zone, or with a fixed offset, that goes back by about an hour is refused: sorted, two
  hours would lie in one another.
"""

import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from harness.foreign.importers.power_csv.clock import UNKNOWN, times_of
from harness.foreign.importers.power_csv.devices import FEWEST_RETURNS, devices_among, devices_text
from harness.foreign.importers.power_csv.direction import REMEDY, direction_notes, is_down
from harness.foreign.importers.power_csv.mapping import ANY, PowerColumn, TimeColumn
from harness.foreign.importers.power_csv.table import Floats, Rows
from harness.foreign.importers.remarks import counted, times
from harness.foreign.importers.stamps import SECOND_NS, Stamps, moment_of
from harness.record.counter import counted as counted_steps
from harness.record.errors import ImportFileError

GAP_FACTOR = 1.5
"""Windows or steps further apart than this leave a gap."""
TURNS = 0.1
"""So many rows, for each of the shortest file, come behind one of another file where files are of several meters."""
HOUR_NS, NEAR_NS = 3600 * SECOND_NS, 120 * SECOND_NS
OFFSET = re.compile(r"[-+]\d\d:?\d\d")
"""A zone that knows no summer time."""
Places = NDArray[np.intp]


@dataclass(frozen=True, slots=True)
class Raw:
    """The rows that one column has in one file: times (ns) and values in W or J (NaN: it says that there is none),
    volts and amperes where the mapping names them, all of shape (n,), and where each row stands."""

    times_ns: Stamps
    values: Floats
    volts: Floats | None
    amperes: Floats | None
    files: NDArray[np.intp]
    lines: NDArray[np.intp]
    step: float
    """The last digit that is written, W or J."""


@dataclass(frozen=True, slots=True)
class Readings:
    """What one meter read: stamps (ns), power (W), window (s; 0 of instants), volts and amperes, each of shape (n,), in
    order of time; gaps as (from, to, cause); the step between rows that is usual (s); the step of a
    power (W) and that of a counter (J), 0 of the other one; remarks.

    Of energy counters and values that hold a stamp is the end of its row's window.
    """

    column: PowerColumn
    times_ns: Stamps
    power_w: Floats
    window_s: Floats
    volts: Floats | None
    amperes: Floats | None
    gaps: tuple[tuple[int, int, str], ...]
    usual_s: float
    step_w: float
    counter_step_j: float
    notes: tuple[tuple[str, str], ...]

    @property
    def averages(self) -> bool:
        """Whether a row is the mean over a window."""
        return self.column.reads != "instant"

    @property
    def stamp(self) -> Literal["end", "start", "unknown"]:
        """Which end of its window a stamp marks."""
        return self.column.stamp if self.column.reads == "mean" and self.column.window_s else "end"

    @property
    def interval_ns(self) -> tuple[int, int]:
        """From when to when it read, stamps of unknown convention taken as ends."""
        first_ns = round(float(self.window_s[0]) * SECOND_NS)
        shift_ns = first_ns if self.stamp == "start" else 0
        return int(self.times_ns[0]) - first_ns + shift_ns, int(self.times_ns[-1]) + shift_ns


def raw_of(rows: Rows, nth: int, column: PowerColumn, time: TimeColumn, used: Collection[str]) -> Raw:
    """The rows of a file (the `nth`) that have a cell of this column; `used`: columns that the mapping names.

    Raises:
        ImportFileError: a cell that is no number, a stamp that is none, rows of several devices.
    """
    texts = rows.texts(column.column)
    wanted = np.array([text != "" for text in texts], dtype=bool)
    for name, value in column.where.items():
        wanted &= np.array([value in (ANY, text) for text in rows.texts(name)], dtype=bool)
    places = np.flatnonzero(wanted)
    own = column.time or time
    times_ns = times_of(rows, own, places) if places.size else np.zeros(0, dtype=np.int64)
    found = devices_among(rows, places, times_ns, {*used, *column.where}, by_stamps=column.same_time == "refuse")
    if found is not None:
        raise ImportFileError(f"{rows.where(int(places[0]))}: {devices_text(*found, column.column)}")
    if own.zone == UNKNOWN or OFFSET.fullmatch(own.zone):
        _require_no_hour_back(rows, places, times_ns)
    volts = rows.values(column.voltage, places) if column.voltage else None
    amperes = rows.values(column.current, places) if column.current else None
    lines = np.array(rows.numbers, dtype=np.intp)[places]
    values = rows.values(column.column, places) * column.factor + 0.0  # no negative zero
    step = rows.step(column.column, places) * column.si
    return Raw(times_ns, values, volts, amperes, np.full(places.size, nth, dtype=np.intp), lines, step)


def _require_no_hour_back(rows: Rows, places: Places, times_ns: Stamps) -> None:
    steps_ns = np.diff(times_ns)
    back = np.flatnonzero(np.abs(steps_ns + HOUR_NS) < NEAR_NS)
    if back.size:
        at = int(back[0]) + 1
        raise ImportFileError(
            f"{rows.where(int(places[at]))}: time goes back by an hour here, to {moment_of(int(times_ns[at]))}, as "
            "where summer time ends; name the zone by its offset and split the file there, or export the stamps as UTC"
        )


def joined(parts: Sequence[Raw]) -> Raw:
    """The rows of several files, one behind the other."""

    def all_of(arrays: Sequence[Floats | None]) -> Floats | None:
        there = [array for array in arrays if array is not None]
        return np.concatenate(there) if there else None

    return Raw(
        np.concatenate([part.times_ns for part in parts]), np.concatenate([part.values for part in parts]),
        all_of([part.volts for part in parts]), all_of([part.amperes for part in parts]),
        np.concatenate([part.files for part in parts]), np.concatenate([part.lines for part in parts]),
        min(part.step for part in parts),
    )  # fmt: skip


def sorted_once(raw: Raw, column: PowerColumn, tables: Sequence[Rows]) -> tuple[Raw, list[tuple[str, str]]]:
    """The rows in order of time, one a stamp, and remarks.

    Raises:
        ImportFileError: two rows with one stamp and different values, where the mapping does not say which counts;
            files whose rows lie between each other.
    """
    notes: list[tuple[str, str]] = []
    back = np.flatnonzero(np.diff(raw.times_ns) < 0)
    if back.size:
        where = _where(raw, tables, int(back[0]) + 1)
        notes.append(("rows-sorted", f"{column.column}: {times(back.size)} a row is older than the one before; sorted, "
                      f"the first at {where}"))  # fmt: skip
    order = np.argsort(raw.times_ns, kind="stable")
    raw = _taken(raw, order)
    _require_one_behind_the_other(raw, column, tables)
    same = np.flatnonzero(np.diff(raw.times_ns) == 0)
    if not same.size:
        return raw, notes
    alike = (raw.values[same] == raw.values[same + 1]) | (np.isnan(raw.values[same]) & np.isnan(raw.values[same + 1]))
    if not alike.all() and column.same_time == "refuse":
        at = int(same[~alike][0])
        choices = '"first" or "last"' if column.is_energy else '"first", "last" or "mean"'
        raise ImportFileError(
            f"{_where(raw, tables, at + 1)}: {column.column} is {raw.values[at + 1]:g} at "
            f"{moment_of(int(raw.times_ns[at]))}, and {raw.values[at]:g} at line {raw.lines[at]}, with the same stamp "
            f"({times(int((~alike).sum()))}); say "
            f"which counts: same_time = {choices}"
        )
    how = "the mean of each quantity" if column.same_time == "mean" else f"the {column.same_time} row"
    unlike = "" if alike.all() else f", {int((~alike).sum())} with another value: {how} counts"
    first = _where(raw, tables, int(same[0]) + 1)
    have = "row has" if same.size == 1 else "rows have"
    text = f"{column.column}: {same.size} {have} the stamp of the row before{unlike}; the first at {first}"
    notes.append(("doubled-rows", text))
    return _one_each(raw, column.same_time), notes


def _require_one_behind_the_other(raw: Raw, column: PowerColumn, tables: Sequence[Rows]) -> None:
    """Raises ImportFileError where rows of several files come in turn, as those of several meters do; rows that
    stand in two files alike are no such rows."""
    is_again = (np.diff(raw.times_ns) == 0) & (np.diff(raw.values) == 0)
    files = raw.files[np.concatenate([[True], ~is_again])] if raw.files.size else raw.files
    changes = np.flatnonzero(np.diff(files))
    if not changes.size:
        return
    kinds, counts = np.unique(files, return_counts=True)
    returns = changes.size - (kinds.size - 1)
    if returns >= FEWEST_RETURNS and returns >= TURNS * int(counts.min()):
        one, other = (tables[int(files[int(changes[0]) + at])].source.path for at in (0, 1))
        raise ImportFileError(
            f"{other}: its rows lie between those of {one}, as where each file is of a meter of its own, and "
            f"{column.column!r} would be read as one meter; import the files of each meter by themselves, or join them "
            "in one table with a column that tells them apart ([[power]] where)"
        )


def _where(raw: Raw, tables: Sequence[Rows], row: int) -> str:
    return f"{tables[int(raw.files[row])].source.path}:{raw.lines[row]}"


def _taken(raw: Raw, places: Places) -> Raw:
    return Raw(
        raw.times_ns[places], raw.values[places], None if raw.volts is None else raw.volts[places],
        None if raw.amperes is None else raw.amperes[places], raw.files[places], raw.lines[places], raw.step,
    )  # fmt: skip


def _one_each(raw: Raw, how: str) -> Raw:
    """The rows, one a stamp; a mean is that of the rows that have a value, of each quantity by itself."""
    first = np.flatnonzero(np.concatenate([[True], np.diff(raw.times_ns) > 0]))
    last = np.concatenate([first[1:], [raw.times_ns.size]]) - 1
    if how != "mean":
        return _taken(raw, last if how == "last" else first)

    def mean(values: Floats) -> Floats:
        there = np.isfinite(values)
        counts = np.add.reduceat(there.astype(float), first)
        sums = np.add.reduceat(np.where(there, values, 0.0), first)
        return np.asarray(np.divide(sums, counts, out=np.full(first.size, np.nan), where=counts > 0))

    return replace(
        _taken(raw, first), values=mean(raw.values), volts=None if raw.volts is None else mean(raw.volts),
        amperes=None if raw.amperes is None else mean(raw.amperes),
    )  # fmt: skip


def readings_of(raw: Raw, column: PowerColumn, notes: Sequence[tuple[str, str]], where: str) -> Readings:
    """Rows in order as what a meter read.

    Raises:
        ImportFileError: too few rows.
    """
    least = 1 if column.reads == "mean" and column.window_s else 2
    if raw.times_ns.size < least:
        raise ImportFileError(
            f"{where}: column {column.column!r} has {counted(raw.times_ns.size, 'row')}, an energy needs {least}; is "
            "it the right column ([[power]] column, where)?"
        )
    own = list(notes)
    step_s = np.diff(raw.times_ns) / SECOND_NS
    times_ns, values, volts, amperes = raw.times_ns, raw.values, raw.volts, raw.amperes
    if column.reads == "instant":
        power_w, window_s = values, np.zeros(values.size)
    elif column.reads == "mean" and column.window_s:
        power_w, window_s = values, np.full(values.size, column.window_s)
    elif column.reads == "on-change" or column.begins_at_stamp:
        power_w = values[:-1] / step_s if column.is_energy else values[:-1]
        window_s, times_ns = step_s, times_ns[1:]
        volts, amperes = _cut(volts, 0, -1), _cut(amperes, 0, -1)
        own.append(("last-row", f"{column.column}: the last row has no end and is left out"))
    else:
        energy_j = _used_j(raw, column, own, where) if column.reads == "counter" else values[1:]
        power_w = values[1:] if column.reads == "mean" else energy_j / step_s
        window_s, times_ns = step_s, times_ns[1:]
        volts, amperes = _cut(volts, 1, None), _cut(amperes, 1, None)
    if not np.isfinite(power_w).any():
        is_turned = column.reads == "counter" and is_down(values)
        raise ImportFileError(
            f"{where}: no row of column {column.column!r} gives a power, read as {column.reads!r}; say in the mapping "
            f"what a row is, or take another column{f'; it goes down: {REMEDY}' if is_turned else ''}"
        )
    own += direction_notes(column, power_w)
    usual_s = float(np.median(step_s)) if step_s.size else float(column.window_s or 0.0)
    is_counter = column.reads == "counter"
    # A counter errs by its step at the two ends of an interval, however many rows lie between.
    step_j = _counter_step_j(raw) if is_counter else 0.0
    step_w = 0.0 if is_counter else raw.step / (usual_s if column.is_energy and usual_s else 1.0)
    return Readings(
        column, times_ns, power_w, window_s, volts, amperes,
        tuple(_gaps(column, times_ns, power_w, window_s, usual_s)), usual_s, step_w, step_j,
        tuple(own),
    )  # fmt: skip


def _counter_step_j(raw: Raw) -> float:
    """The last digit of a counter; of one that stood still from row to row the least that it counted at once."""
    used_j = np.diff(raw.values)
    counted_j = used_j[used_j > 0]
    stood = counted_j.size and (used_j == 0).any()
    return max(raw.step, float(counted_j.min())) if stood else raw.step


def _cut(values: Floats | None, first: int, last: int | None) -> Floats | None:
    return None if values is None else values[first:last]


def _used_j(raw: Raw, column: PowerColumn, notes: list[tuple[str, str]], where: str) -> Floats:
    """What a counter counted from row to row; NaN over a step back that is no wrap.

    Raises:
        ImportFileError: it wraps, by the mapping, and goes back too often elsewhere for a counter.
    """
    range_j = None if column.wraps_at is None else column.wraps_at * column.si
    steps = counted_steps((raw.times_ns - raw.times_ns[0]) / SECOND_NS, raw.values, range_j)
    if range_j is not None and not steps.is_of_one_thing:
        raise ImportFileError(f"{where}: column {column.column!r} {steps.mixed}; take another column")
    if steps.n_wraps:
        wraps = f"{column.column}: {counted(steps.n_wraps, 'wrap')} at {column.wraps_at:g} {column.unit}"
        notes.append(("counter-wraps", wraps))
    if steps.n_resets:
        text = f"{column.column}: the counter goes back {times(steps.n_resets)} (it was reset); each is a gap"
        text += f"; it goes down more often than up: {REMEDY}" if is_down(raw.values) else ""
        notes.append(("counter-resets", text))
    return steps.steps_j


def _gaps(
    column: PowerColumn, times_ns: Stamps, power_w: Floats, window_s: Floats, usual_s: float
) -> list[tuple[int, int, str]]:
    """Rows that say they have no value, and rows that are missing."""
    gaps: list[tuple[int, int, str]] = []
    none = np.flatnonzero(np.isnan(power_w))
    for group in np.split(none, np.flatnonzero(np.diff(none) > 1) + 1) if none.size else []:
        first, last = int(group[0]), int(group[-1])
        from_ns = int(times_ns[max(first - 1, 0)])
        to_ns = int(times_ns[min(last + 1, times_ns.size - 1)]) if column.reads == "instant" else int(times_ns[last])
        cause = "the counter goes back" if column.reads == "counter" else "the row has no value"
        gaps.append((from_ns, max(to_ns, from_ns + 1), f"{cause}, {counted(group.size, 'row')}"))
    is_window = column.reads == "mean" and bool(column.window_s)
    if is_window or column.reads == "instant":
        reach_ns = round((float(window_s[0]) if is_window else usual_s) * SECOND_NS)
        before_ns, behind_ns = (reach_ns, 0) if column.stamp == "start" and is_window else (0, reach_ns)
        if not is_window:
            before_ns = behind_ns = reach_ns
        wide = np.flatnonzero(np.diff(times_ns) > (GAP_FACTOR if is_window else 2.0) * reach_ns)
        gaps += [
            (int(times_ns[at]) + before_ns, int(times_ns[at + 1]) - behind_ns, "rows missing") for at in wide.tolist()
        ]
    return sorted(gap for gap in gaps if gap[1] > gap[0])
