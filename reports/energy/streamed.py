"""Energies of many intervals from readings that come in chunks: one pass, sums in two doubles, a bounded memory.

Knows the measurement model (`energy.py`) by its lines of power (`segments.py`). Knows no file and no meter.

Every edge of an interval is a cut. A chunk of readings tells its energy from its first reading to its last, and to each
cut in between; it knows its own readings alone, so chunks can be computed anywhere, in any order. They are joined in
the order of the readings: what lies between two of them is computed there. A sum is kept as two doubles whose sum it is
(Neumaier), so the sums of any partition of the readings differ by the rounding of pieces of 65,536 lines, 1e-15.
"""

import math
from collections.abc import Iterable
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from reports.energy.power_function import NS
from reports.energy.segments import Before, Lines, of_instants, of_windows
from reports.readings.long import BLOCK, Floats

Stamps = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class How:
    """How the stamps of a stream stand to its windows. `origin_ns`: from when on its times are counted; `reach_s`: of
    instantaneous values, how far each reaches (None: readings are means over windows)."""

    origin_ns: int
    late_s: float
    at_start: bool
    reach_s: float | None


@dataclass(frozen=True, slots=True)
class Readings:
    """Some readings of one stream, in order of time: stamps (ns), power (W), window (s), each (n,)."""

    times_ns: Stamps
    power_w: Floats
    window_s: Floats

    def __len__(self) -> int:
        return int(self.times_ns.size)

    def __getitem__(self, rows: slice) -> "Readings":
        return Readings(self.times_ns[rows], self.power_w[rows], self.window_s[rows])

    def ends_s(self, how: How) -> Floats:
        """Where their windows end."""
        ends_s = np.asarray((self.times_ns - how.origin_ns) * NS, dtype=np.float64)
        if how.late_s:
            ends_s -= how.late_s
        return ends_s + self.window_s if how.at_start else ends_s


@dataclass(slots=True)
class Exact:
    """A sum as two doubles."""

    high: float = 0.0
    low: float = 0.0

    def add(self, value: float, rest: float = 0.0) -> None:
        """Add a number, or a sum of two."""
        total = self.high + value
        back = total - self.high
        error = (self.high - (total - back)) + (value - back) + (self.low + rest)
        self.high = total + error
        self.low = error - (self.high - total)


@dataclass(frozen=True, slots=True)
class Sums:
    """Energy (J) and covered time (s) from one reading to each of some cuts, and to the last reading; shape (cuts + 1,
    2, 2): cut, quantity, the two doubles."""

    first_cut: int
    values: NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Chunk:
    """What a chunk of readings tells: its first and its last reading, the sums between them, how many it has."""

    first: Readings
    last: Readings
    sums: Sums
    count: int


@dataclass(slots=True)
class _Running:
    """Sums from edge to edge, in order of time."""

    cuts_s: Floats
    at: int
    """The next cut."""
    totals: tuple[Exact, Exact] = field(default_factory=lambda: (Exact(), Exact()))
    found: list[list[tuple[float, float]]] = field(default_factory=list)

    def add(self, lines: Lines) -> None:
        """Go on along lines that begin where the last ones ended."""
        edges_s = lines.edges_s
        lengths_s = np.diff(edges_s)
        is_whole = not any(lines.rise_w.strides)
        parts_j = lengths_s * (lines.first_w if is_whole else lines.first_w + lines.rise_w / 2)
        covered_s = lengths_s if not lines.gap.any() else np.where(lines.gap, 0.0, lengths_s)
        last = int(np.searchsorted(self.cuts_s, edges_s[-1]))
        cuts_s = self.cuts_s[self.at : last]
        places = np.clip(np.searchsorted(edges_s, cuts_s, side="right") - 1, 0, lengths_s.size - 1)
        done = 0
        for cut_s, place in zip(cuts_s.tolist(), places.tolist(), strict=True):
            self._sum(parts_j[done:place], covered_s[done:place])
            done = place
            self.found.append(self._inside(lines, place, cut_s - float(edges_s[place])))
        self._sum(parts_j[done:], covered_s[done:])
        self.at = last

    def _sum(self, parts_j: Floats, covered_s: Floats) -> None:
        if parts_j.size:
            for total, values in zip(self.totals, (parts_j, covered_s), strict=True):
                total.add(float(np.add.reduce(values)))

    def _inside(self, lines: Lines, place: int, into_s: float) -> list[tuple[float, float]]:
        """The sums until a moment within a line; before the first of all lines nothing."""
        if into_s <= 0:
            return self.now()
        length_s = float(lines.edges_s[place + 1] - lines.edges_s[place])
        first_w, rise_w = float(lines.first_w[place]), float(lines.rise_w[place])
        energy_j = into_s * (first_w + rise_w * (into_s / length_s) / 2)
        return [
            _more(total, value)
            for total, value in zip(self.totals, (energy_j, 0.0 if lines.gap[place] else into_s), strict=True)
        ]

    def now(self) -> list[tuple[float, float]]:
        """The sums so far."""
        return [(total.high, total.low) for total in self.totals]

    def add_sums(self, sums: Sums) -> None:
        """Go on by what a chunk told."""
        *at_cuts, whole = sums.values.tolist()
        for pairs in at_cuts:
            self.found.append([_more(total, *pair) for total, pair in zip(self.totals, pairs, strict=True)])
        for total, pair in zip(self.totals, whole, strict=True):
            total.add(*pair)
        self.at += len(at_cuts)


def _more(total: Exact, value: float, rest: float = 0.0) -> tuple[float, float]:
    more = Exact(total.high, total.low)
    more.add(value, rest)
    return more.high, more.low


def chunk_of(readings: Readings, how: How, cuts_ns: Stamps, first_cut: int = 0) -> Chunk:
    """What at least one reading tells; `cuts_ns` in order, those of all chunks or, from `first_cut` of them on, those
    that lie near its readings."""
    cuts_s = np.asarray((cuts_ns - how.origin_ns) * NS, dtype=np.float64)
    begin_s = readings[:1].ends_s(how)
    at = int(np.searchsorted(cuts_s, begin_s[0]))
    running = _Running(cuts_s, at)
    for first in range(0, len(readings) - 1, BLOCK):
        running.add(_between(readings[first : first + BLOCK + 1], how))
    values = np.array([*running.found, running.now()], dtype=np.float64)
    return Chunk(readings[:1], readings[-1:], Sums(first_cut + at, values), len(readings))


def _between(readings: Readings, how: How) -> Lines:
    """The lines from the end of the first reading to that of the last, of at least two."""
    ends_s = readings.ends_s(how)
    if how.reach_s is not None:
        return of_instants(ends_s, readings.power_w, how.reach_s)
    before = Before(float(ends_s[0]), float(readings.power_w[0]))
    return of_windows(ends_s[1:], readings.window_s[1:], readings.power_w[1:], before)


@dataclass(frozen=True, slots=True)
class Cumulated:
    """Energy (J) and covered time (s) from the first reading on to each of k cuts, (k, 2, 2); how many readings."""

    values: NDArray[np.float64]
    count: int

    def between(self, begins: NDArray[np.intp], ends: NDArray[np.intp]) -> tuple[Floats, Floats]:
        """Energy (J) and covered time (s) from cut to cut."""
        differences = self.values[ends] - self.values[begins]
        energy_j, covered_s = np.moveaxis(differences.sum(axis=-1), -1, 0)
        return energy_j, covered_s


def joined(chunks: Iterable[Chunk], how: How, cuts_ns: Stamps) -> Cumulated:
    """The chunks of one stream, in the order of their readings, as one. Before the first window and behind the last
    reading nothing is counted."""
    cuts_s = np.asarray((cuts_ns - how.origin_ns) * NS, dtype=np.float64)
    running, last, count = _Running(cuts_s, 0), None, 0
    for chunk in chunks:
        if last is not None:
            pair = [np.concatenate([getattr(one, name) for one in (last, chunk.first)]) for name in Readings.__slots__]
            running.add(_between(Readings(*pair), how))
        elif how.reach_s is None:
            ends_s = chunk.first.ends_s(how)
            running.add(of_windows(ends_s, chunk.first.window_s, chunk.first.power_w, None))
        else:
            _skip(running, float(chunk.first.ends_s(how)[0]))
        if running.at != chunk.sums.first_cut:
            raise ValueError(f"cut {chunk.sums.first_cut} follows cut {running.at}: chunks of two streams")
        running.add_sums(chunk.sums)
        last, count = chunk.last, count + chunk.count
    _skip(running, math.inf)
    return Cumulated(np.array(running.found, dtype=np.float64).reshape(-1, 2, 2), count)


def _skip(running: _Running, until_s: float) -> None:
    """Up to a moment nothing is counted."""
    last = int(np.searchsorted(running.cuts_s, until_s))
    running.found += [running.now()] * (last - running.at)
    running.at = last
