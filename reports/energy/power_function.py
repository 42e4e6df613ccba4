"""Power as a piecewise linear function of time, with its integral: of a stream, block by block, or of a sum of streams.

Knows the measurement model (`energy.py`) and its blocks (`segments.py`). Knows no file, no baseline and no report.

Of a function of many blocks only what each begins with is kept; a block is computed again from its readings when an
instant in it is asked for. Its numbers are those of one block of all readings, to the bit.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Literal, Protocol, TypeAlias

import numpy as np
from numpy.typing import NDArray

from harness.record.errors import AnalysisError
from reports.energy.moving import levels_w, stretches
from reports.energy.segments import Before, Lines, Segments, Sums, integrated, of_instants, of_windows
from reports.readings.long import BLOCK, Floats, let_go, median
from reports.readings.series import OVERLAP, PowerSeries, behind

NS = 1e-9
Convention: TypeAlias = Literal["end", "start"]
Instants: TypeAlias = int | NDArray[np.int64]


class Source(Protocol):
    """Lines of power, block by block; a block follows from the end of the one before it."""

    @property
    def count(self) -> int:
        """How many blocks, one at least."""

    def lines(self, block: int, before: Before | None) -> Lines:
        """Those of a block."""


@dataclass(frozen=True, slots=True)
class Start:
    """What a block begins with: its place, the reading before it, its first edge (s), the sums until there."""

    block: int
    before: Before | None
    edge_s: float
    sums: Sums


@dataclass(frozen=True)
class PowerFunction:
    """Power as a piecewise linear function of time; times in s from `origin_ns`.

    `before_w`, `after_w`: the power before the first and after the last edge; `least_w`, `greatest_w`: of where its
    segments begin. `gaps_s`: begin and end of each stretch that no reading covers, (k, 2).
    """

    origin_ns: int
    source: Source | None
    starts: tuple[Start, ...]
    last_s: float
    before_w: float
    after_w: float
    least_w: float
    greatest_w: float
    gaps_s: Floats
    known: dict[int, Segments] = field(default_factory=dict, repr=False, compare=False)
    """The block that was asked for last."""

    @property
    def first_s(self) -> float:
        """The first edge."""
        return self.starts[0].edge_s

    @property
    def edges_s(self) -> Floats:
        """All edges, in memory."""
        return np.concatenate([[self.first_s], *(own.edges_s[1:] for own in self.segments())])

    @property
    def gap(self) -> NDArray[np.bool_]:
        """Of every segment whether no reading covers it, in memory."""
        return np.concatenate([own.gap for own in self.segments()])

    @property
    def energy_cum_j(self) -> Floats:
        """Energy (J) from the first edge to every edge, in memory."""
        return np.concatenate([[0.0], *(own.energy_cum_j[1:] for own in self.segments())])

    def segments(self) -> Iterator[Segments]:
        """Every block."""
        return (self.block(place) for place in range(len(self.starts)))

    def energy_j(self, begin_ns: Instants, end_ns: Instants) -> Floats:
        """Energy (J) of one or many intervals, gaps included; shape of the arguments."""
        return self._at(end_ns, "energy_cum_j") - self._at(begin_ns, "energy_cum_j")

    def gap_energy_j(self, begin_ns: Instants, end_ns: Instants) -> Floats:
        """The part of `energy_j` that no reading covers (J)."""
        return self._at(end_ns, "gap_cum_j") - self._at(begin_ns, "gap_cum_j")

    def gap_s(self, begin_ns: Instants, end_ns: Instants) -> Floats:
        """Time (s) that no reading covers."""
        return self._at(end_ns, "gap_cum_s") - self._at(begin_ns, "gap_cum_s")

    def edge_until_ns(self, at_ns: NDArray[np.int64]) -> NDArray[np.int64]:
        """The last edge that is not behind each instant; the first one where all are."""
        return self._edges_at(at_ns, "right", -1)

    def edge_from_ns(self, at_ns: NDArray[np.int64]) -> NDArray[np.int64]:
        """The first edge that is not before each instant; the last one where all are."""
        return self._edges_at(at_ns, "left", 0)

    def _edges_at(self, at_ns: NDArray[np.int64], side: Literal["left", "right"], back: int) -> NDArray[np.int64]:
        starts_ns = self.origin_ns + np.rint(self.starts_s / NS).astype(np.int64)
        places = np.clip(np.searchsorted(starts_ns, at_ns, side=side) - 1, 0, starts_ns.size - 1)
        found = np.empty(at_ns.size, dtype=np.int64)
        for place in np.unique(places).tolist():
            own = places == place
            edges_ns = self.origin_ns + np.rint(self.block(place).edges_s / NS).astype(np.int64)
            at = np.searchsorted(edges_ns, at_ns[own], side=side) + back
            found[own] = edges_ns[np.clip(at, 0, edges_ns.size - 1)]
        return found

    @property
    def starts_s(self) -> Floats:
        """Where the blocks begin."""
        return np.array([start.edge_s for start in self.starts])

    def block(self, place: int) -> Segments:
        """One block."""
        if place not in self.known:
            assert self.source is not None
            start = self.starts[place]
            own = integrated(self.source.lines(start.block, start.before).with_length, start.sums)
            self.known.clear()
            self.known[place] = own
        return self.known[place]

    def _at(self, at_ns: Instants, name: Literal["energy_cum_j", "gap_cum_j", "gap_cum_s"]) -> Floats:
        """A cumulative function at some instants."""
        at_s = np.asarray((np.asarray(at_ns, dtype=np.int64) - self.origin_ns) * NS)
        flat_s = at_s.ravel()
        found = np.empty(flat_s.size)
        starts_s = self.starts_s
        if starts_s.size == 1:
            found = self._in_block(self.block(0), flat_s, name)
            flat_s = flat_s[:0]
        places = np.clip(np.searchsorted(starts_s, flat_s, side="right") - 1, 0, starts_s.size - 1)
        for place in np.unique(places).tolist():
            own = places == place
            found[own] = self._in_block(self.block(place), flat_s[own], name)
        before_s, after_s = np.minimum(at_s - self.first_s, 0.0), np.maximum(at_s - self.last_s, 0.0)
        is_power = name != "gap_cum_s"
        outside = before_s * (self.before_w if is_power else 1.0) + after_s * (self.after_w if is_power else 1.0)
        return np.asarray(found.reshape(at_s.shape) + outside)

    def _in_block(self, own: Segments, at_s: Floats, name: str) -> Floats:
        index = np.clip(np.searchsorted(own.edges_s, at_s, side="right") - 1, 0, own.slope.size - 1)
        into_s = np.clip(at_s, self.first_s, self.last_s) - own.edges_s[index]
        inside = into_s if name == "gap_cum_s" else into_s * (own.first_w[index] + own.slope[index] * into_s / 2)
        if name != "energy_cum_j":
            inside = np.where(own.gap[index], inside, 0.0)
        return np.asarray(getattr(own, name)[index] + inside)


def function_of(origin_ns: int, source: Source) -> PowerFunction:
    """The function of a source."""
    starts, gaps_s, bounds_w = list[Start](), list[Floats](), list[tuple[float, float]]()
    before, sums, own = None, Sums(), None
    first_w, lines = 0.0, source.lines(0, None)
    for block in range(source.count):
        lines = source.lines(block, before) if block else lines
        first_w = first_w if block else float(lines.first_w[0])
        lasting = lines.with_length
        if lasting.first_w.size:
            starts.append(Start(block, before, float(lasting.edges_s[0]), sums))
            own = integrated(lasting, sums)
            sums = own.sums
            bounds_w.append((float(own.first_w.min()), float(own.first_w.max())))
            gaps_s.append(own.gaps_s())
        before = Before(float(lines.edges_s[-1]), float(lines.first_w[-1]))
    if own is None:  # all at one moment
        own = integrated(lines, sums)
        starts.append(Start(0, None, float(lines.edges_s[0]), sums))
        bounds_w.append((float(own.first_w.min()), float(own.first_w.max())))
    return PowerFunction(
        origin_ns, source if len(starts) > 1 else None, tuple(starts), float(own.edges_s[-1]), first_w,
        float(lines.first_w[-1] + lines.rise_w[-1]), min(least for least, _ in bounds_w),
        max(greatest for _, greatest in bounds_w), np.concatenate([np.empty((0, 2)), *gaps_s]), {len(starts) - 1: own},
    )  # fmt: skip


def power_function(series: PowerSeries, convention: Convention | None = None) -> PowerFunction:
    """The power function of a stream; `convention` overrides what its descriptor says of the stamps (`unknown` counts
    as `end`).

    Raises:
        AnalysisError: the stream has no reading.
    """
    if not series.times_ns.size:
        raise AnalysisError(f"{series.descriptor.stream}: no reading with a value, so there is no energy")
    origin_ns = int(series.times_ns[0])
    if series.descriptor.averaging == "instantaneous":
        return function_of(origin_ns, _Instants(series, origin_ns))
    windows = _Windows(series, origin_ns, (convention or series.descriptor.stamp) == "start")
    if not series.is_moving:
        return function_of(origin_ns, windows)
    ends_s, power_w = windows.ends_s(slice(None), None), series.corrected_w(slice(None))
    lines = _taken_apart(ends_s, series.window_s, power_w, OVERLAP * series.usual_step_s)
    whole = function_of(origin_ns, _Whole(lines))
    return replace(whole, before_w=float(power_w[0]), after_w=float(power_w[-1]))


def trapezoid(origin_ns: int, times_s: Floats, power_w: Floats) -> PowerFunction:
    """The power function of instantaneous values: straight lines between them. What is further than the median step
    from every value is a gap."""
    if times_s.size == 1:
        times_s, power_w = np.repeat(times_s, 2), np.repeat(power_w, 2)
    return function_of(origin_ns, _Whole(of_instants(times_s, power_w, float(np.median(np.diff(times_s))))))


def summed(functions: Sequence[PowerFunction]) -> PowerFunction:
    """The sum of power functions, by time: every edge of any of them is an edge; a gap in one is a gap of the sum.

    Outside its own edges a function has the power of its nearest edge, and that is a gap, as for one alone.

    Raises:
        AnalysisError: there is none.
    """
    if not functions:
        raise AnalysisError("no power stream, so there is no energy")
    if len(functions) == 1:
        return functions[0]
    return function_of(functions[0].origin_ns, _Sum.of(functions))


# --- sources


@dataclass(frozen=True, slots=True)
class _Windows:
    """The windows of a stream; `starts`: whether its stamps mark their start."""

    series: PowerSeries
    origin_ns: int
    starts: bool

    @property
    def count(self) -> int:
        return -(-self.series.times_ns.size // BLOCK)

    def ends_s(self, part: slice, before: Before | None) -> Floats:
        """Where windows end."""
        series = self.series
        ends_s = np.asarray((series.times_ns[part] - self.origin_ns) * NS - series.descriptor.latency_s, np.float64)
        if not self.starts:
            return ends_s
        ends_s = ends_s + series.window_s[part]
        return np.maximum.accumulate(ends_s if before is None else np.concatenate([[before.end_s], ends_s]))[
            0 if before is None else 1 :
        ]

    def lines(self, block: int, before: Before | None) -> Lines:
        part = slice(block * BLOCK, (block + 1) * BLOCK)
        series = self.series
        lines = of_windows(self.ends_s(part, before), series.window_s[part], series.corrected_w(part).copy(), before)
        let_go(series.times_ns, series.power_w, series.window_s)
        return lines


@dataclass(frozen=True, slots=True)
class _Instants:
    """The values of a stream that holds for moments."""

    series: PowerSeries
    origin_ns: int

    @property
    def count(self) -> int:
        return max(-(-(self.series.times_ns.size - 1) // BLOCK), 1)

    def lines(self, block: int, before: Before | None) -> Lines:
        series, part = self.series, slice(block * BLOCK, (block + 1) * BLOCK + 1)
        times_s = np.asarray((series.times_ns[part] - self.origin_ns) * NS - series.descriptor.latency_s, np.float64)
        power_w = series.corrected_w(part).copy()
        if times_s.size == 1:
            times_s, power_w = np.repeat(times_s, 2), np.repeat(power_w, 2)
        lines = of_instants(times_s, power_w, series.reach_s or self._step_s())
        let_go(series.times_ns, series.power_w)
        return lines

    def _step_s(self) -> float:
        times_ns, latency_s = self.series.times_ns, self.series.descriptor.latency_s

        def steps_s(part: slice) -> Floats:
            return np.diff((times_ns[behind(part)] - self.origin_ns) * NS - latency_s)

        return median(steps_s, times_ns.size - 1, times_ns) if times_ns.size > 1 else 0.0


@dataclass(frozen=True, slots=True)
class _Whole:
    """Lines that are held in memory."""

    whole: Lines
    count: int = 1

    def lines(self, block: int, before: Before | None) -> Lines:
        return self.whole


@dataclass(frozen=True, slots=True)
class _Sum:
    """The sum of functions: a block from any function's block to the next one's. `starts_s`: of every function where
    its blocks begin, on the time of the first."""

    functions: tuple[PowerFunction, ...]
    shifts_s: tuple[float, ...]
    starts_s: tuple[Floats, ...]
    cuts_s: Floats

    @classmethod
    def of(cls, functions: Sequence[PowerFunction]) -> "_Sum":
        """Of at least two."""
        shifts_s = tuple((one.origin_ns - functions[0].origin_ns) * NS for one in functions)
        pairs = list(zip(functions, shifts_s, strict=True))
        starts_s = tuple(one.starts_s + shift_s for one, shift_s in pairs)
        last_s = max(one.last_s + shift_s for one, shift_s in pairs)
        return cls(tuple(functions), shifts_s, starts_s, np.unique([*np.concatenate(starts_s), last_s]))

    @property
    def count(self) -> int:
        return max(self.cuts_s.size - 1, 1)

    def lines(self, block: int, before: Before | None) -> Lines:
        from_s, to_s = self.cuts_s[[block, min(block + 1, self.cuts_s.size - 1)]]
        own = [self._covering(place, from_s) for place in range(len(self.functions))]
        edges_s = np.unique(np.concatenate([*(one_s for one_s, _ in own), [from_s, to_s]]))
        edges_s = edges_s[(edges_s >= from_s) & (edges_s <= to_s)]
        middles_s = (edges_s[:-1] + edges_s[1:]) / 2
        first_w, rise_w, gap = np.zeros(middles_s.size), np.zeros(middles_s.size), np.zeros(middles_s.size, dtype=bool)
        for function, shift_s, (own_s, part) in zip(self.functions, self.shifts_s, own, strict=True):
            inside = (middles_s > function.first_s + shift_s) & (middles_s < function.last_s + shift_s)
            at = np.clip(np.searchsorted(own_s, middles_s, side="right") - 1, 0, part.slope.size - 1)
            level_w = part.first_w[at] + part.slope[at] * (edges_s[:-1] - own_s[at])
            outside_w = np.where(middles_s < function.first_s + shift_s, function.before_w, function.after_w)
            first_w += np.where(inside, level_w, outside_w)
            rise_w += np.where(inside, part.slope[at] * np.diff(edges_s), 0.0)
            gap |= ~inside | part.gap[at]
        return Lines(edges_s, first_w, rise_w, gap)

    def _covering(self, place: int, from_s: float) -> tuple[Floats, Segments]:
        """The block of a function that an instant lies in, and its edges."""
        block = max(int(np.searchsorted(self.starts_s[place], from_s, side="right")) - 1, 0)
        own = self.functions[place].block(block)
        return own.edges_s + self.shifts_s[place], own


def _taken_apart(ends_s: Floats, window_s: Floats, power_w: Floats, longest_step_s: float) -> Lines:
    """The lines of a moving average: level between readings, a straight line over gaps."""
    own = list(stretches(ends_s, window_s, longest_step_s))
    apart = [levels_w(ends_s[part], window_s[part], power_w[part]) for part in own]
    edges_s = np.concatenate([knots_s for knots_s, _ in apart])
    # Behind the levels of each stretch its last reading, where the line over the gap begins.
    first_w = np.concatenate([[*levels, power_w[part.stop - 1]] for part, (_, levels) in zip(own, apart, strict=True)])
    gap = np.concatenate([np.arange(levels.size + 1) == levels.size for _, levels in apart])[:-1]
    rise_w = np.zeros(gap.size)
    rise_w[gap] = [power_w[part.start] - power_w[part.start - 1] for part in own[1:]]
    return Lines(edges_s, first_w[:-1], rise_w, gap)
