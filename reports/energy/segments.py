"""A block of readings -> the straight lines that their power is made of (`energy.py` says which).

Knows arrays of readings in order of time. Knows no stream, no interval and no integral over more than one block. What
a block begins with is the end of the one before it, so that the blocks of any partition meet.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from reports.readings.long import Floats, compact
from reports.readings.series import OVERLAP
from reports.results.rules import Rule, was


@dataclass(frozen=True, slots=True)
class Lines:
    """Straight lines of power: line i runs from edges_s[i] to edges_s[i + 1], begins at `first_w[i]` and rises by
    `rise_w[i]`; `gap[i]`: no reading covers it. Shapes (n + 1,) and (n,); times in s."""

    edges_s: Floats
    first_w: Floats
    rise_w: Floats
    gap: NDArray[np.bool_]

    @property
    def with_length(self) -> "Lines":
        """Those that last: where windows meet, no time is between them."""
        has_length = np.diff(self.edges_s) > 0
        if has_length.all():
            return self
        edges_s = np.concatenate([self.edges_s[:1], self.edges_s[1:][has_length]])
        return Lines(edges_s, self.first_w[has_length], self.rise_w[has_length], self.gap[has_length])


@dataclass(frozen=True, slots=True)
class Before:
    """The reading before a block: where its window ends (s), its power (W)."""

    end_s: float
    power_w: float


def of_windows(ends_s: Floats, window_s: Floats, power_w: Floats, before: Before | None) -> Lines:
    """Windows that end at `ends_s`, and the gaps before them; (n,) each. `before` is None of the first block."""
    begins_s = ends_s - OVERLAP * (window_s if any(window_s.strides) else window_s[:1])
    edges_s = np.concatenate([begins_s[:1] if before is None else [before.end_s], ends_s])
    late = np.flatnonzero(begins_s > edges_s[:-1])
    if not late.size:  # windows meet
        return Lines(edges_s, power_w, _nothing(power_w.size), _none(power_w.size))
    before_w = power_w[late - 1]
    if late[0] == 0 and before is not None:
        before_w[0] = before.power_w
    places = late + np.arange(late.size)
    first_w = np.insert(power_w, late, before_w)
    rise_w, gap = np.zeros(first_w.size), np.zeros(first_w.size, dtype=bool)
    rise_w[places], gap[places] = power_w[late] - before_w, True
    return Lines(np.insert(edges_s, late + 1, begins_s[late]), first_w, rise_w, gap)


def of_instants(times_s: Floats, power_w: Floats, reach_s: float) -> Lines:
    """Straight lines between instantaneous values, at least two; (n,) each. What is further than `reach_s` from every
    value is a gap."""
    lengths_s = np.diff(times_s)
    if was(Rule.LATE_ROWS):
        return Lines(times_s, power_w[:-1], np.diff(power_w), lengths_s > OVERLAP * reach_s * (1 + 1e-9))
    wide = np.flatnonzero(lengths_s > 2 * reach_s * (1 + 1e-9))
    if wide.size:
        inner_s = np.column_stack([times_s[wide] + reach_s, times_s[wide + 1] - reach_s])
        slope = (power_w[wide + 1] - power_w[wide]) / lengths_s[wide]
        inner_w = power_w[wide, None] + slope[:, None] * (inner_s - times_s[wide, None])
        places = np.repeat(wide + 1, 2)
        times_s, power_w = np.insert(times_s, places, inner_s.ravel()), np.insert(power_w, places, inner_w.ravel())
    gap = np.zeros(times_s.size - 1, dtype=bool)
    gap[wide + 1 + 2 * np.arange(wide.size)] = True
    return Lines(times_s, power_w[:-1], np.diff(power_w), gap)


def _nothing(size: int) -> Floats:
    return np.broadcast_to(np.float64(0.0), size)


def _none(size: int) -> NDArray[np.bool_]:
    return np.broadcast_to(np.False_, size)


@dataclass(frozen=True, slots=True)
class Sums:
    """What was integrated so far: energy (J), that of gaps, their time (s)."""

    energy_j: float = 0.0
    gap_j: float = 0.0
    gap_s: float = 0.0


@dataclass(frozen=True, slots=True)
class Segments:
    """The lines of a block with a slope (W/s) each, and the sums until each edge, (n + 1,)."""

    edges_s: Floats
    first_w: Floats
    slope: Floats
    gap: NDArray[np.bool_]
    energy_cum_j: Floats
    gap_cum_j: Floats
    gap_cum_s: Floats

    @property
    def sums(self) -> Sums:
        """Those at the end."""
        return Sums(float(self.energy_cum_j[-1]), float(self.gap_cum_j[-1]), float(self.gap_cum_s[-1]))

    def gaps_s(self) -> Floats:
        """Where each gap begins and ends, (k, 2)."""
        return np.column_stack([self.edges_s[:-1][self.gap], self.edges_s[1:][self.gap]])


def integrated(lines: Lines, sums: Sums) -> Segments:
    """The lines with their integrals, which begin with those before them."""
    lengths_s = np.diff(lines.edges_s)
    energy_j = lengths_s * (lines.first_w + lines.rise_w / 2)
    size = lengths_s.size
    if not any(lines.rise_w.strides):
        slope = lines.rise_w
    else:
        slope = compact(np.divide(lines.rise_w, lengths_s, out=np.zeros(size), where=lengths_s > 0))
    if not lines.gap.any():
        gap_cum_j, gap_cum_s = (np.broadcast_to(np.float64(one), size + 1) for one in (sums.gap_j, sums.gap_s))
    else:
        gap_cum_j = _cumulated(np.where(lines.gap, energy_j, 0.0), sums.gap_j)
        gap_cum_s = _cumulated(np.where(lines.gap, lengths_s, 0.0), sums.gap_s)
    return Segments(
        lines.edges_s, lines.first_w, slope, compact(lines.gap), _cumulated(energy_j, sums.energy_j), gap_cum_j,
        gap_cum_s,
    )  # fmt: skip


def _cumulated(parts: Floats, before: float) -> Floats:
    whole = np.empty(parts.size + 1)
    whole[0] = before
    whole[1:] = parts
    return np.cumsum(whole, out=whole)
