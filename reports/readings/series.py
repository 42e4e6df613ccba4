"""A run folder -> numpy arrays on one time base.

Knows the streams by their descriptors, the clock exchanges and the events. Knows no energy and no statistics.

The time base is the run's own: the host's monotonic clock (SUT stamps are mapped to it by `clock.py`), or the source's
wall clock of an import. A stream that was cut off in mid-line (a killed run) is read up to its last whole line.

Above 400 lines: the records say of their arrays what the readers below them make sure of.
"""

import io
import re
from collections.abc import Callable, Mapping
from dataclasses import astuple, dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from harness.record.documents import (
    LAST_STAMP_NS,
    ActionEvent,
    ClockEvent,
    IndicatorDescriptor,
    PhaseEvent,
    PowerDescriptor,
    WorkEvent,
)
from harness.record.errors import AnalysisError, why
from harness.record.plain_files import open_plain, read_plain
from harness.record.run_folder import RunFolder
from reports.energy.meter_error import certificate_of
from reports.energy.moving import is_moving
from reports.readings.actions import Action as Action
from reports.readings.actions import Lost, actions_of
from reports.readings.bounded import LARGEST, is_stamp
from reports.readings.clock import ClockModel, fit
from reports.readings.held import held
from reports.readings.long import (
    Array,
    chosen,
    each,
    median,
    middle_of,
    places_of,
    tally,
)
from reports.readings.table import Table, has_header, read_frame, read_table
from reports.readings.work_marks import WorkMarks, work_marks_of
from reports.results.applied import Applied
from reports.results.rules import Rule, was

SUPPLY_COLUMNS = ("voltage_v", "frequency_hz", "voltage_thd_percent")
"""What a meter may say of the mains."""
POWER_COLUMNS = frozenset(
    {"time_ns", "power_w", "energy_wh", "relative_uncertainty", "window_s", "flags", *SUPPLY_COLUMNS}
)
KEPT = frozenset({"energy_wh", "relative_uncertainty", *SUPPLY_COLUMNS})
"""Columns of a power stream beside time, power, window and flags."""
FLAGGED = ("stale", "overrange")
"""Flags that a series knows of its readings."""
OVERLAP = 1.5
"""A window is stretched to the reading before it up to so many times its length."""
HELD_UNTIL = 0.75
"""A repetition stands for the time until so much of a window before the next fresh reading: polls jitter."""
SUT_INLET = "sut-ac-inlet"
"""The circuit of the SUT's wall plug, where lab.toml's `[sut] circuits` names no other."""
BOARD = re.compile(r"gpu\d+-dc-board")
"""The circuit of one of several boards that an imported log tells apart."""


@dataclass(frozen=True)
class PowerSeries:
    """One power stream: arrival (ns, int64), power (W) as indicated and window (s) of every reading with a value, in
    order of arrival.

    A reading that only repeats one before it (`stale`) stands here where it is needed (`_needed`); `is_held` says which
    do, `stale_ns` when any came. `register_wh` is the meter's energy register (Wh, NaN where not reported), None where
    the stream has no such column; `overrange_ns` when readings came that were above the range, and so have no value.
    `reported` is the limit of error that the instrument itself stated of each reading (a part of it, NaN where it
    stated none), None without such a column. `nan_ns`: when readings came that were no number; `supply`: what it says
    of the mains, by column, NaN where empty.
    """

    descriptor: PowerDescriptor
    times_ns: NDArray[np.int64]
    power_w: NDArray[np.float64]
    window_s: NDArray[np.float64]
    register_wh: NDArray[np.float64] | None
    overrange_ns: NDArray[np.int64]
    reported: NDArray[np.float64] | None = None
    nan_ns: NDArray[np.int64] = field(default_factory=lambda: np.array([], dtype=np.int64))
    supply: Mapping[str, NDArray[np.float64]] = field(default_factory=dict)
    held: NDArray[np.bool_] | None = None
    stale_ns: NDArray[np.int64] = field(default_factory=lambda: np.array([], dtype=np.int64))

    def reads_in(self, begin_ns: int, end_ns: int) -> bool:
        """Whether it has a reading in an interval, or so shortly behind it that its window may reach into it."""
        reach_ns = int(2e9 * max(float(self.window_s.max()), 1.0))
        first, last = np.searchsorted(self.times_ns, [begin_ns, end_ns + reach_ns])
        return bool(last > first)

    @property
    def is_held(self) -> NDArray[np.bool_]:
        """Which readings only repeat the one before."""
        return np.zeros(self.times_ns.size, dtype=bool) if self.held is None else self.held

    def steps_s(self, first: int = 0, last: int | None = None) -> NDArray[np.float64]:
        """The steps between those of the readings [first:last] that were new, none held between them."""
        times_ns, is_held = self.times_ns[first:last], self.is_held[first:last]
        count = max(times_ns.size - 1, 0)
        steps_s = each(lambda part: np.diff(times_ns[behind(part)]) * 1e-9, count, np.float64, times_ns)
        if not any(is_held.strides) and not is_held[:1].any():
            return steps_s

        def is_new(part: slice) -> Array:
            return np.asarray(~(is_held[part] | is_held[part.start + 1 : part.stop + 1]))

        return chosen(steps_s, is_new)

    @cached_property
    def step_tally(self) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
        """Every length of a step (s), and how often it comes."""
        steps_s = self.steps_s()
        return tally(lambda part: steps_s[part], steps_s.size, steps_s)

    @cached_property
    def usual_step_s(self) -> float:
        """Their median; 0 for fewer than two new readings in a row."""
        lengths_s, counts = self.step_tally
        return middle_of(lengths_s, counts) if lengths_s.size else 0.0

    @cached_property
    def usual_window_s(self) -> float:
        """The median of their windows; NaN without a reading."""
        alike = self.window_s.size > 0 and not any(self.window_s.strides)  # `compact`
        return float(self.window_s[0]) if alike else _median(self.window_s)

    @cached_property
    def is_moving(self) -> bool:
        """Whether its windows overlap: a reading is the mean over more time than passes until the next one."""
        if self.descriptor.averaging != "window" or not self.times_ns.size or not self.usual_step_s:
            return False
        if was(Rule.MOVING_AVERAGES):
            return False
        in_window = self.usual_window_s / self.usual_step_s
        return in_window > OVERLAP and is_moving(self.power_w, round(in_window))

    @property
    def averages(self) -> bool:
        """Whether a reading is the mean over a window of its own."""
        return self.descriptor.averaging == "window" and not self.is_moving

    def corrected_w(self, places: slice | NDArray[np.intp]) -> NDArray[np.float64]:
        """The power of some readings without the error that the meter's certificate knows."""
        certificate = None if was(Rule.INDICATED_READINGS) else certificate_of(self.descriptor)
        power_w = self.power_w[places]
        return power_w if certificate is None else power_w - certificate.error_w(power_w)

    @cached_property
    def reach_s(self) -> float:
        """How far a reading reaches: its window; of an instantaneous meter the usual step between readings (the
        median), or the time for which a value stands where that is longer (`window_s` of its descriptor)."""
        if self.descriptor.averaging == "window" and np.any(self.window_s):
            return self.usual_window_s
        return max(self.usual_step_s, self.descriptor.window_s)


@dataclass(frozen=True, slots=True)
class Steps:
    """The steps between the new readings of one stream: their lengths (s), how often each comes, and its window (s)
    and whether that averages, as the stream has them."""

    lengths_s: NDArray[np.float64]
    counts: NDArray[np.int64]
    window_s: float
    averages: bool

    @classmethod
    def of(cls, series: PowerSeries) -> "Steps":
        """The steps of a stream."""
        return cls(*series.step_tally, series.descriptor.window_s, series.averages)


@dataclass(frozen=True, slots=True)
class Indicators:
    """Hardware indicators: times (ns, shape (n,)) and values (shape (n, k), NaN where empty) of the named columns.
    `odd`: column -> how many of its cells are no number that can be."""

    descriptor: IndicatorDescriptor
    times_ns: NDArray[np.int64]
    names: tuple[str, ...]
    values: NDArray[np.float64]
    odd: Mapping[str, int] = field(default_factory=dict)

    @property
    def columns(self) -> dict[str, NDArray[np.float64]]:
        """Name -> values."""
        return {name: self.values[:, index] for index, name in enumerate(self.names)}


@dataclass(frozen=True)
class RunSeries:
    """A run on one time base. `begin_ns`, `end_ns`: the rating interval, None where it was never marked. `lost`: what
    of the markers is no action; `exchanges`: the clock exchanges whose numbers can be."""

    run: RunFolder
    clock: ClockModel | None
    begin_ns: int | None
    end_ns: int | None
    actions: tuple[Action, ...]
    lost: tuple[Lost, ...] = ()
    exchanges: tuple[ClockEvent, ...] = ()
    work: WorkMarks = field(default_factory=WorkMarks)
    """The useful work that its program declared."""
    applied: Applied | None = None
    """What came of its certificate, where it has no meter (`reports.readings.rated`)."""
    estimate: PowerSeries | None = None
    """The wall as a qualified software meter estimates it, in place of a meter."""

    @held
    def power(self) -> dict[str, PowerSeries]:
        """Meter -> its stream; streams without a file or without a reading are left out."""
        if self.estimate is not None:
            return {self.estimate.descriptor.meter: self.estimate}
        series = (read_power(self.run.path, descriptor) for descriptor in self.run.power)
        return {one.descriptor.meter: one for one in series if one is not None and one.times_ns.size}

    @held
    def indicators(self) -> Indicators | None:
        """The SUT's hardware indicators on the run's time base."""
        return self._sampled(of_host=False)

    @held
    def room(self) -> Indicators | None:
        """What the host's own sensors say of the room on the run's time base."""
        return self._sampled(of_host=True)

    def _sampled(self, *, of_host: bool) -> Indicators | None:
        for descriptor in self.run.indicators:
            if (descriptor.clock == "host") != of_host:
                continue
            found = read_indicators(self.run.path, descriptor, self.clock)
            if found is not None and found.times_ns.size:
                return found
        return None

    @cached_property
    def steps(self) -> dict[str, "Steps"]:
        """Meter of the SUT's circuits -> the steps between its readings."""
        return {part.descriptor.meter: Steps.of(part) for part in self.parts}

    @cached_property
    def double_meters(self) -> tuple[tuple[PowerDescriptor, PowerDescriptor], ...]:
        """The descriptors of `doubles`."""
        return tuple((one.descriptor, other.descriptor) for one, other in self.doubles)

    @cached_property
    def periods_s(self) -> tuple[float, ...]:
        """The usual distance of two rows of each stream of the SUT's power."""
        return tuple(period_s(part.times_ns) for part in self.parts)

    @cached_property
    def sample_period_s(self) -> float | None:
        """That of the indicators; None without any."""
        return None if self.indicators is None else period_s(self.indicators.times_ns)

    @property
    def clock_bound_s(self) -> float:
        """How wrong a stamp of the SUT may be on the run's time base; 0 where one clock stamped everything."""
        return 0.0 if self.clock is None else self.clock.bound_ns * 1e-9

    @property
    def named_circuits(self) -> tuple[str, ...]:
        """The circuits that feed the SUT, as its lab.toml names them; an import names none."""
        told = self.run.start.config.get("sut")
        named = told.get("circuits") if isinstance(told, dict) else None
        return tuple(str(name) for name in named or ())

    @property
    def circuits(self) -> tuple[str, ...]:
        """What the SUT's energy is the sum of: the named circuits, else the inlet, else all boards, else the only
        stream's."""
        known = [descriptor.circuit for descriptor in self.run.power]
        if self.named_circuits or SUT_INLET in known or not known:
            return self.named_circuits or (SUT_INLET,)
        return tuple(dict.fromkeys(filter(BOARD.fullmatch, known))) or (known[0],)

    @property
    def whole(self) -> bool:
        """Whether the energy is that of the whole SUT, not of a board inside it."""
        return bool(self.named_circuits) or self.circuits == (SUT_INLET,)

    @property
    def primary_meters(self) -> tuple[str, ...]:
        """Of each circuit of the SUT the meter its energy comes from: the first there; empty where one has none."""
        first = {descriptor.circuit: descriptor.meter for descriptor in reversed(self.run.power)}
        found = [first.get(circuit) for circuit in self.circuits]
        return tuple(name for name in found if name is not None) if None not in found else ()

    @property
    def parts(self) -> tuple[PowerSeries, ...]:
        """The streams whose sum is the SUT's power; empty where one of them has no reading."""
        found = [self.power.get(meter) for meter in self.primary_meters]
        return tuple(part for part in found if part is not None) if None not in found else ()

    @property
    def doubles(self) -> tuple[tuple[PowerSeries, PowerSeries], ...]:
        """Pairs of streams on one circuit: the one its energy comes from, and one beside it."""
        firsts = {part.descriptor.circuit: part for part in self.parts}
        return tuple(
            (firsts[series.descriptor.circuit], series)
            for meter, series in self.power.items()
            if series.descriptor.circuit in firsts and meter != firsts[series.descriptor.circuit].descriptor.meter
        )


def period_s(times_ns: NDArray[np.int64]) -> float:
    """The usual distance of stamps; infinite for fewer than two."""
    return _median_step_ns(times_ns) * 1e-9 if times_ns.size > 1 else float("inf")


def _median_step_ns(times_ns: NDArray[np.int64]) -> float:
    return (
        median(lambda part: np.diff(times_ns[behind(part)]), times_ns.size - 1, times_ns) if times_ns.size > 1 else 0.0
    )


def _median(values: NDArray[np.float64]) -> float:
    return median(lambda part: values[part], values.size, values) if values.size else float("nan")


def behind(part: slice) -> slice:
    """So many rows and the one behind them: what `np.diff` needs."""
    return slice(part.start, part.stop + 1)


def read_run(run: RunFolder) -> RunSeries:
    """The run's interval and actions on its time base; the streams are read when they are asked for.

    Raises:
        AnalysisError: clock exchanges that contradict themselves.
    """
    exchanges = tuple(event for event in run.events if isinstance(event, ClockEvent) and _is_sound(event))
    clock = fit(exchanges) if exchanges else None

    def at_ns(event: PhaseEvent | ActionEvent | WorkEvent) -> int:
        return clock.to_host(event.sut_ns) if clock is not None and event.sut_ns is not None else event.time_ns

    begin_ns, end_ns = _rating_ns(run, at_ns)
    markers = [event for event in run.events if isinstance(event, ActionEvent)]
    slack_ns = 0 if clock is None else clock.bound_ns
    actions, lost = actions_of(markers, at_ns, _record_ns(run), slack_ns)
    declared = [event for event in run.events if isinstance(event, WorkEvent)]
    work, misplaced = work_marks_of(declared, at_ns, _record_ns(run), slack_ns)
    return RunSeries(run, clock, begin_ns, end_ns, actions, lost + misplaced, exchanges, work)


def _is_sound(exchange: ClockEvent) -> bool:
    """Whether its numbers are such as clocks show."""
    return all(value is None or is_stamp(value) for value in astuple(exchange))


def _rating_ns(run: RunFolder, at_ns: Callable[[PhaseEvent], int]) -> tuple[int | None, int | None]:
    """Begin and end of the rating interval; None where an edge was never marked."""
    rating = [event for event in run.events if isinstance(event, PhaseEvent) and event.name == "rating"]
    if not all(is_stamp(stamp) for event in rating for stamp in (event.time_ns, event.sut_ns) if stamp is not None):
        raise AnalysisError(f"{run.path}: an edge of the rating interval has a stamp that no clock shows")
    begins = [at_ns(event) for event in rating if event.edge == "begin"]
    ends = [at_ns(event) for event in rating if event.edge == "end"]
    begin_ns, end_ns = (begins[0] if begins else None), (ends[-1] if ends else None)
    if begin_ns is not None and end_ns is not None and not -LAST_STAMP_NS < begin_ns < end_ns < LAST_STAMP_NS:
        raise AnalysisError(f"{run.path}: the rating interval ends before it begins, or lies beyond all time")
    return begin_ns, end_ns


def _record_ns(run: RunFolder) -> tuple[int, int]:
    """Where the run's record begins and ends; of a run without a stop document it ends with its last event."""
    last = [event.time_ns for event in run.events] or [run.start.time_ns]
    return run.start.time_ns, max(last) if run.stop is None else run.stop.time_ns


def read_power(folder: Path, descriptor: PowerDescriptor) -> PowerSeries | None:
    """A power stream; None where its file was never made. Readings without a value are left out, and those marked stale
    that stand for nothing (`_needed`).

    Raises:
        AnalysisError: the file is not the table its descriptor promises.
    """
    table = _read_stream(folder / descriptor.stream, POWER_COLUMNS, FLAGGED)
    return None if table is None else power_series(folder, descriptor, table)


def read_quantities(folder: Path, descriptor: PowerDescriptor, names: frozenset[str]) -> Table | None:
    """Columns of a power stream besides those of a series, with its stamps and power, a row a reading, NaN where a cell
    is empty; None where its file was never made.

    Raises:
        AnalysisError: the file is not the table its descriptor promises.
    """
    return _read_stream(folder / descriptor.stream, names | {"time_ns", "power_w"})


def _read_stream(path: Path, wanted: frozenset[str], flags: tuple[str, ...] = ()) -> Table | None:
    """The table that a stream is; None without a file or header."""
    try:
        with open_plain(path) as text:
            return read_table(path, text, wanted, flags) if has_header(text) else None
    except FileNotFoundError:
        return None
    except OSError as error:
        raise AnalysisError(f"{path}: cannot be read ({why(error)})") from None


def power_series(folder: Path, descriptor: PowerDescriptor, table: Table) -> PowerSeries:
    """The series that the table of a power stream is; `folder` is for messages.

    Raises:
        AnalysisError: it is not the table its descriptor promises.
    """
    times_ns = _stamps_of(folder, descriptor.stream, table, "time_ns")
    if "power_w" not in table:
        raise AnalysisError(f"{folder / descriptor.stream}: no column power_w; was the file written by another tool?")
    power_w = table.numbers("power_w")
    back = places_of(lambda part: np.diff(times_ns[behind(part)]) < 0, max(times_ns.size - 1, 0), times_ns)
    if back.size:
        raise AnalysisError(f"{folder / descriptor.stream}:{back[0] + 3}: time goes back; the file was edited")
    stale, over = table.flagged["stale"], table.flagged["overrange"]
    if was(Rule.INDICATED_READINGS) and (certificate := certificate_of(descriptor)) is not None:
        power_w = power_w - certificate.error_w(power_w)
    known = each(lambda part: np.isfinite(power_w[part]), power_w.size, np.bool_, power_w)
    window_s = table.numbers("window_s") if "window_s" in table else np.broadcast_to(np.nan, known.shape)
    window_s = each(lambda part: _finite(window_s[part], descriptor.window_s), known.size, np.float64, window_s)
    needed = _needed((times_ns, window_s, stale), known, averages=descriptor.averaging == "window")

    def kept(values: Array) -> Array:
        return chosen(values, lambda part: needed[part])

    others = {name: kept(table.numbers(name)) for name in table.columns if name in KEPT}
    is_lost = places_of(lambda part: ~known[part] & ~over[part], known.size, known, over)
    return PowerSeries(
        descriptor, kept(times_ns), kept(power_w), _compact(kept(window_s)), others.get("energy_wh"),
        times_ns[_flagged(over)], others.get("relative_uncertainty"), times_ns[is_lost],
        {name: others[name] for name in SUPPLY_COLUMNS if name in others}, _compact(kept(stale)),
        times_ns[_flagged(stale)],
    )  # fmt: skip


def _finite(values: NDArray[np.float64], otherwise: float) -> NDArray[np.float64]:
    return np.where(np.isfinite(values), values, otherwise)


def _compact(values: Array) -> Array:
    return each(lambda part: values[part], values.size, values.dtype.type, values)


def _flagged(flags: NDArray[np.bool_]) -> NDArray[np.intp]:
    return places_of(lambda part: flags[part], flags.size, flags)


def _needed(
    columns: tuple[NDArray[np.int64], NDArray[np.float64], NDArray[np.bool_]], known: NDArray[np.bool_], *,
    averages: bool,
) -> NDArray[np.bool_]:  # fmt: skip
    """Which readings stand in the series: of those with a value every fresh one, and a stale one where the next fresh
    one does not say what was until then. `columns`: stamps, windows, which are stale.

    The window of a fresh reading, stretched by a half, reaches back to the fresh one before it, or the time between is
    covered by the stale ones that came in it, which hold their value: up to where the fresh one's own window begins. Of
    instantaneous values the usual step between fresh ones takes the place of the window.
    """
    times_ns, window_s, stale = columns
    repeats = places_of(lambda part: known[part] & stale[part], known.size, known, stale)
    if not repeats.size:
        return known
    is_fresh = each(lambda part: known[part] & ~stale[part], known.size, np.bool_, known, stale)
    fresh_ns = chosen(times_ns, lambda part: is_fresh[part])
    if not fresh_ns.size:
        return known
    if was(Rule.REPETITIONS):
        return is_fresh
    own_ns = (
        chosen(window_s, lambda part: is_fresh[part]) * 1e9
        if averages
        else np.broadcast_to(_median_step_ns(fresh_ns), fresh_ns.shape)
    )
    at_ns = times_ns[repeats]
    after = np.searchsorted(fresh_ns, at_ns, side="left")
    is_last, is_first = after == fresh_ns.size, after == 0
    following = np.minimum(after, fresh_ns.size - 1)
    gap_ns = fresh_ns[following] - fresh_ns[np.maximum(following - 1, 0)]
    before_window = at_ns <= fresh_ns[following] - HELD_UNTIL * own_ns[following]
    open_ns = is_first | (gap_ns > OVERLAP * own_ns[following] * (1 + 1e-9))
    needed = is_fresh if is_fresh.flags.writeable else is_fresh.copy()
    needed[repeats] = is_last | (open_ns & before_window)
    return needed


def read_indicators(folder: Path, descriptor: IndicatorDescriptor, clock: ClockModel | None) -> Indicators | None:
    """The indicators that the descriptor names; None where the file was never made or nothing maps its clock.

    Raises:
        AnalysisError: the file is not the table its descriptor promises.
    """
    content = whole_lines(folder / descriptor.stream)
    if content is None or (descriptor.clock == "sut" and clock is None):
        return None
    table, odd = samples_of(folder / descriptor.stream, content, descriptor)
    return indicators_of(folder, descriptor, clock, table, odd)


def stamp_of(descriptor: IndicatorDescriptor) -> str:
    """The column that says when a row was sampled."""
    return "sut_ns" if descriptor.clock == "sut" else "time_ns"


def indicators_of(
    folder: Path, descriptor: IndicatorDescriptor, clock: ClockModel | None, table: Table, odd: Mapping[str, int]
) -> Indicators:
    """The indicators that a table of samples is (`samples_of`); `folder` is for messages. A value that is too large is
    empty and counted, a row whose time goes back is left out and counted.

    Raises:
        AnalysisError: it is not the table its descriptor promises.
    """
    stamp = stamp_of(descriptor)
    times_ns = _stamps_of(folder, descriptor.stream, table, stamp)
    if descriptor.clock == "sut" and clock is not None:
        times_ns = clock.to_host(times_ns)
    names = tuple(str(column["name"]) for column in descriptor.columns if column.get("name") in table)
    values = np.stack([table.numbers(name) for name in names]).T if names else np.empty((times_ns.size, 0))
    counts, too_large = dict(odd), (values >= LARGEST) | (values <= -LARGEST)  # not so of NaN
    for name, count in zip(names, too_large.sum(axis=0).tolist(), strict=True):
        if count:
            counts[name] = counts.get(name, 0) + count
    values[too_large] = np.nan
    forward = times_ns >= np.maximum.accumulate(times_ns) if times_ns.size else np.zeros(0, dtype=bool)
    if not forward.all():
        counts[stamp] = counts.get(stamp, 0) + int((~forward).sum())
    kept = slice(None) if forward.all() else forward  # as it stands, not as a copy
    return Indicators(descriptor, times_ns[kept], names, values[kept], counts)


def samples_of(path: Path, content: bytes, descriptor: IndicatorDescriptor) -> tuple[Table, dict[str, int]]:
    """The columns that the descriptor names and their stamps, and how many cells of each are no number: these are
    empty, and a row whose stamp is none is left out. `content` ends with a whole line; `path` is for messages.

    Raises:
        AnalysisError: it is no table.
    """
    stamp = stamp_of(descriptor)
    wanted = frozenset(str(column.get("name")) for column in descriptor.columns) | {stamp}
    try:
        return read_table(path, io.BytesIO(content), wanted), {}
    except AnalysisError:
        if was(Rule.DAMAGED_CELLS):
            raise
        texts = read_frame(path, content, wanted, as_text=True)
    import pandas as pd

    if stamp not in texts:
        return Table(len(texts), {}), {}
    stamps = [_stamp(text) for text in texts[stamp]]
    known = np.array([value is not None for value in stamps], dtype=bool)
    texts, odd = texts[known], {stamp: int(np.sum(~known))}
    columns: dict[str, NDArray[Any]] = {
        stamp: np.array([value for value in stamps if value is not None], dtype=np.int64)
    }
    for name in map(str, texts.columns.drop(stamp)):
        columns[name] = pd.to_numeric(texts[name], errors="coerce").to_numpy(np.float64)
        odd[name] = int(np.sum(np.isnan(columns[name]) & (texts[name] != "").to_numpy(bool)))
    return Table(len(texts), columns), {name: count for name, count in odd.items() if count}


def _stamp(text: str) -> int | None:
    """Nanoseconds; None for a text that is no stamp of a clock."""
    digits = text.removeprefix("-")
    return int(text) if digits.isascii() and digits.isdigit() and len(digits) < 19 else None


def _stamps_of(folder: Path, stream: str, table: Table, name: str) -> NDArray[np.int64]:
    if name not in table:
        raise AnalysisError(f"{folder / stream}: no column {name}; was the file written by another tool?")
    return table.stamps(name)


def whole_lines(path: Path) -> bytes | None:
    """A stream up to its last whole line; None without a file or header."""
    try:
        content = read_plain(path)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise AnalysisError(f"{path}: cannot be read ({why(error)})") from None
    whole = content[: content.rfind(b"\n") + 1]
    return None if not whole or whole.isspace() else whole
