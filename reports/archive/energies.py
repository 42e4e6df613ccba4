"""Energies of any intervals of the archived readings, from their Parquet parts.

Knows the parts with their statistics, and how readings become energies (`reports.energy.streamed`). Knows no screen and
no scheduler: what computes chunks is handed in.

Only the row groups that an interval touches are read, and one beside them; a column whose statistics say that its
values are all alike, or all missing, is not read. A chunk is so many row groups of one part, whoever computes it.

A stream is computed by the power function of a report, and not in chunks, where that looks at more than neighbouring
readings: where some repeat earlier ones (`stale`), where windows overlap, and where stamps mark the beginning of
windows of different length. Its columns then lie on disk (`reports.readings.long`).
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from pyarrow import parquet

from harness.record.documents import Json, PowerDescriptor, decode
from harness.record.errors import DocumentError
from reports.archive.errors import ArchiveError, unreadable
from reports.archive.index import Entry, Part
from reports.archive.parts import parts_of
from reports.archive.store import Store
from reports.archive.tables import METER
from reports.energy.meter_error import certificate_of
from reports.energy.power_function import NS, power_function
from reports.energy.streamed import Chunk, Cumulated, How, Readings, chunk_of, joined
from reports.readings.long import Column, compact
from reports.readings.series import OVERLAP, power_series
from reports.readings.table import Table

WH = 3600.0
CHUNK_GROUPS = 4
"""Row groups that are computed together: a million readings."""
SLACK_NS = 60_000_000_000
"""A part is opened where an interval comes so near to its readings."""
ENERGIES = pa.schema({
    "interval": pa.string(), "begin_utc_ns": pa.int64(), "end_utc_ns": pa.int64(), "meter": pa.string(),
    "circuit": pa.string(), "provenance": pa.string(), "energy_wh": pa.float64(), "not_covered_s": pa.float64(),
})  # fmt: skip
Stamps: TypeAlias = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Intervals:
    """So many intervals: names, and edges in ns since 1970, (k,)."""

    names: tuple[str, ...]
    begins_ns: Stamps
    ends_ns: Stamps


@dataclass(frozen=True, slots=True)
class Task:
    """A chunk to be computed: which row groups of which file, and how. `constants`: columns that are not read;
    `cuts_ns`: the cuts near it, of which the first is `first_cut` among those of its part."""

    url: str
    path: str
    groups: tuple[int, ...]
    constants: tuple[tuple[str, float], ...]
    meter: PowerDescriptor
    how: How
    cuts_ns: Stamps
    first_cut: int


Computed: TypeAlias = Callable[[Sequence[Task]], Iterator[Chunk | None]]
"""Computes tasks, each to a chunk (None: no reading with a value), in their order."""


Told: TypeAlias = Callable[[int, int], None]
"""Takes how many of how many chunks are done."""


def here(tasks: Sequence[Task]) -> Iterator[Chunk | None]:
    """One after the other, in this process."""
    return map(compute, tasks)


def compute(task: Task) -> Chunk | None:
    """One chunk; None where none of its readings has a value.

    Raises:
        ArchiveError: the part cannot be read.
    """
    readings = _readings(_file(Store(task.url), task.path), task)
    return chunk_of(readings, task.how, task.cuts_ns, task.first_cut) if len(readings) else None


def energies(
    store: Store, entry: Entry, intervals: Intervals, computed: Computed = here, told: Told = lambda _done, _total: None
) -> pa.Table:
    """A row an interval and meter that has readings in it, in the order of the intervals.

    Energy between readings of a run is that of the power function: a gap is filled by a straight line. Before a run's
    first reading and behind its last one nothing is counted. `not_covered_s` is all time without a reading.

    Raises:
        ArchiveError: a part cannot be read, or an archive of other rows than these.
    """
    sums: dict[tuple[str, str, str], _Sum] = {}
    plans = [plan for part in parts_of([entry], "readings") if (plan := _plan(store, part, intervals)) is not None]
    total, done = sum(max(len(plan.tasks), 1) for plan in plans), 0
    chunks = computed([task for plan in plans for task in plan.tasks])

    def counted(count: int) -> Iterator[Chunk]:
        nonlocal done
        for _ in range(count):
            chunk = next(chunks)
            done += 1
            told(done, total)
            if chunk is not None:
                yield chunk

    for plan in plans:
        found = joined(counted(len(plan.tasks)), plan.how, plan.cuts_ns) if plan.tasks else _whole(store, plan)
        key = plan.meter.meter, plan.meter.circuit, plan.meter.origin
        sums.setdefault(key, _Sum(len(intervals.names))).add(found, plan, intervals)
    return _table(sums, intervals)


class _Sum:
    """Energies (J) and covered times (s) of one meter over all intervals, run by run."""

    def __init__(self, count: int) -> None:
        self.energy_j, self.covered_s = np.zeros(count), np.zeros(count)
        self.touched = np.zeros(count, dtype=bool)

    def add(self, found: Cumulated, plan: "_Plan", intervals: Intervals) -> None:
        """Another run."""
        begins, ends = (np.searchsorted(plan.cuts_ns, edges) for edges in (intervals.begins_ns, intervals.ends_ns))
        own = plan.inside
        energy_j, covered_s = found.between(begins[own], ends[own])
        self.energy_j[own] += energy_j
        self.covered_s[own] += covered_s
        self.touched[own] |= covered_s > 0


def _table(sums: dict[tuple[str, str, str], _Sum], intervals: Intervals) -> pa.Table:
    lengths_s = (intervals.ends_ns - intervals.begins_ns) * NS
    rows: list[tuple[Any, ...]] = [
        (name, int(intervals.begins_ns[place]), int(intervals.ends_ns[place]), *key, own.energy_j[place] / WH,
         max(lengths_s[place] - own.covered_s[place], 0.0))
        for place, name in enumerate(intervals.names)
        for key, own in sums.items()
        if own.touched[place]
    ]  # fmt: skip
    columns = zip(*rows, strict=True) if rows else [()] * len(ENERGIES)
    return pa.Table.from_arrays(
        [pa.array(values, field.type) for values, field in zip(columns, ENERGIES, strict=True)], schema=ENERGIES
    )


# --- what is to be read


@dataclass(frozen=True, slots=True)
class _Plan:
    """A part: its chunks in order (none: it is computed as a whole), its meter, the cuts that fall into it, and which
    intervals touch it."""

    path: str
    tasks: tuple[Task, ...]
    meter: PowerDescriptor
    how: How
    cuts_ns: Stamps
    inside: NDArray[np.bool_]


def _plan(store: Store, part: Part, intervals: Intervals) -> _Plan | None:
    """None where no interval touches the part."""
    if part.first_ns is None or part.last_ns is None:
        return None
    inside = (intervals.ends_ns > part.first_ns - SLACK_NS) & (intervals.begins_ns < part.last_ns + SLACK_NS)
    if not inside.any():
        return None
    cuts_ns = np.unique(np.concatenate([intervals.begins_ns[inside], intervals.ends_ns[inside]]))
    file = _file(store, part.path)
    meter, groups = _meter(file, store.path(part.path)), _groups(file)
    instant, at_start = meter.averaging == "instantaneous", meter.stamp == "start"
    reach_s = max(_usual_step_s(file), meter.window_s) if instant else None
    how = How(part.first_ns, meter.latency_s, at_start and not instant, reach_s)
    if _is_to_be_whole(meter, groups):
        return _Plan(part.path, (), meter, how, cuts_ns, inside)
    tasks = [
        Task(store.address, part.path, own, _constants(meter, [groups[place] for place in own]), meter, how,
             cuts_ns[first:last], int(first))
        for own in _chunks(groups, intervals.begins_ns[inside], intervals.ends_ns[inside])
        for edges_ns in [[groups[own[0]].first_ns - SLACK_NS, groups[own[-1]].last_ns + SLACK_NS]]
        for first, last in [np.searchsorted(cuts_ns, edges_ns)]
    ]  # fmt: skip
    return _Plan(part.path, tuple(tasks), meter, how, cuts_ns, inside)


@dataclass(frozen=True, slots=True)
class _Group:
    """What the statistics say of a row group: rows, first and last stamp; the one window of all its readings (NaN: none
    is stated; None: several are); whether any reading has a flag."""

    rows: int
    first_ns: int
    last_ns: int
    window_s: float | None
    is_flagged: bool


def _groups(file: parquet.ParquetFile) -> list[_Group]:
    names = file.schema_arrow.names
    found = []
    for place in range(file.num_row_groups):
        group = file.metadata.row_group(place)
        stamps, window, flags = (group.column(names.index(name)).statistics for name in ("utc_ns", "window_s", "flags"))
        alike: float | None = None
        if window is not None and window.null_count == group.num_rows:
            alike = float("nan")
        elif window is not None and not window.null_count and window.min == window.max:
            alike = float(window.min)
        is_flagged = flags is None or (flags.null_count < group.num_rows and flags.max != "")
        found.append(_Group(group.num_rows, stamps.min, stamps.max, alike, is_flagged))
    return found


def _is_to_be_whole(meter: PowerDescriptor, groups: Sequence[_Group]) -> bool:
    """Whether more than neighbouring readings are looked at (module docstring)."""
    if any(group.is_flagged for group in groups):
        return True
    if meter.averaging != "window":
        return False
    windows = {meter.window_s if own.window_s != own.window_s else own.window_s for own in groups}
    if meter.stamp == "start" and len(windows) != 1:
        return True
    rows, span_ns = sum(group.rows for group in groups), groups[-1].last_ns - groups[0].first_ns
    longest_s = max((window for window in windows if window is not None), default=meter.window_s)
    return rows > 1 and longest_s > OVERLAP * span_ns * NS / (rows - 1)


def _constants(meter: PowerDescriptor, groups: Sequence[_Group]) -> tuple[tuple[str, float], ...]:
    windows = {meter.window_s if own.window_s != own.window_s else own.window_s for own in groups}
    (window_s, *others) = windows
    return () if others or window_s is None else (("window_s", window_s),)


def _chunks(groups: Sequence[_Group], begins_ns: Stamps, ends_ns: Stamps) -> Iterator[tuple[int, ...]]:
    """The row groups that an interval touches and those beside them, so many together."""
    firsts_ns, lasts_ns = (np.array([getattr(own, name) for own in groups]) for name in ("first_ns", "last_ns"))
    order = np.argsort(begins_ns)
    until_ns = np.maximum.accumulate(ends_ns[order])
    # An interval that begins before the group ends, and of those the one that lasts longest.
    place = np.searchsorted(begins_ns[order], lasts_ns, side="right") - 1
    touched = (place >= 0) & (until_ns[np.maximum(place, 0)] >= firsts_ns)
    wanted = touched.copy()
    wanted[:-1] |= touched[1:]
    wanted[1:] |= touched[:-1]
    places = np.flatnonzero(wanted).tolist()
    for first in range(0, len(places), CHUNK_GROUPS):
        yield tuple(places[first : first + CHUNK_GROUPS])


# --- Parquet


def _file(store: Store, path: str) -> parquet.ParquetFile:
    try:
        return parquet.ParquetFile(store.path(path), filesystem=store.files, pre_buffer=True)
    except (pa.ArrowInvalid, OSError) as error:
        raise unreadable(store.path(path), str(error)) from None


def _meter(file: parquet.ParquetFile, where: str) -> PowerDescriptor:
    """The descriptor that the part carries."""
    told = (file.schema_arrow.metadata or {}).get(METER)
    try:
        found = None if told is None else decode(told, where)
    except DocumentError as error:
        raise ArchiveError(f"{error}; take it from a copy of the archive") from None
    if not isinstance(found, PowerDescriptor):
        raise ArchiveError(f"{where}: it does not say which meter its readings are of; take it from a copy")
    return found


def _usual_step_s(file: parquet.ParquetFile) -> float:
    """The usual distance of the stamps of the first row group."""
    stamps = file.read_row_group(0, columns=["utc_ns"])["utc_ns"].to_numpy()
    return float(np.median(np.diff(stamps))) * NS if stamps.size > 1 else 0.0


def _readings(file: parquet.ParquetFile, task: Task) -> Readings:
    """Those with a value, without the error that the certificate knows."""
    constants = dict(task.constants)
    names = [name for name in ("utc_ns", "power_w", "window_s") if name not in constants]
    table = _read(file, task.groups, names, task.path)
    times_ns, power_w = (_values(table, name) for name in ("utc_ns", "power_w"))
    if "window_s" in constants:
        window_s = np.broadcast_to(np.float64(constants["window_s"]), power_w.shape)
    else:
        window_s = _values(table, "window_s")
        window_s = np.where(np.isfinite(window_s), window_s, task.meter.window_s)
    if not np.isfinite(power_w.sum()):
        known = np.isfinite(power_w)
        times_ns, power_w, window_s = times_ns[known], power_w[known], window_s[known]
    if (certificate := certificate_of(task.meter)) is not None:
        power_w = power_w - certificate.error_w(power_w)
    return Readings(times_ns, power_w, window_s)


def _read(file: parquet.ParquetFile, groups: Iterable[int], names: list[str], where: str) -> pa.Table:
    try:
        return file.read_row_groups(list(groups), columns=names)
    except (pa.ArrowInvalid, OSError) as error:
        raise ArchiveError(f"{where}: cannot be read ({error}); take it from a copy of the archive") from None


def _values(table: pa.Table, name: str) -> NDArray[Any]:
    found: NDArray[Any] = table[name].to_numpy()
    return found


def _whole(store: Store, plan: _Plan) -> Cumulated:
    """A part by its power function."""
    file = _file(store, plan.path)
    rows = file.metadata.num_rows
    kinds: Json = {"time_ns": np.int64, "power_w": np.float64, "window_s": np.float64}
    columns = {name: Column(rows, kind) for name, kind in kinds.items()}
    marks = {flag: Column(rows, np.bool_) for flag in ("stale", "overrange")}
    for group in range(file.num_row_groups):
        table = _read(file, [group], ["utc_ns", "power_w", "window_s", "flags"], plan.path)
        for name, column in columns.items():
            column.add(compact(_values(table, "utc_ns" if name == "time_ns" else name)))
        for flag, mark in marks.items():
            flagged = pa.compute.fill_null(pa.compute.match_substring(table["flags"], flag), False)
            mark.add(compact(flagged.to_numpy()))
    wholes = {name: column.whole() for name, column in columns.items()}
    table = Table(rows, wholes, {flag: mark.whole() for flag, mark in marks.items()})
    series = power_series(Path(plan.path), plan.meter, table)
    if not series.times_ns.size:
        return Cumulated(np.zeros((plan.cuts_ns.size, 2, 2)), 0)
    function = power_function(series)
    first_ns, last_ns = (function.origin_ns + round(edge_s / NS) for edge_s in (function.first_s, function.last_s))
    at_ns = np.clip(plan.cuts_ns, first_ns, last_ns)
    from_ns = np.full(at_ns.size, first_ns)
    values = np.zeros((at_ns.size, 2, 2))
    values[:, 0, 0] = function.energy_j(from_ns, at_ns)
    values[:, 1, 0] = (at_ns - from_ns) * NS - function.gap_s(from_ns, at_ns)
    return Cumulated(values, series.times_ns.size)
