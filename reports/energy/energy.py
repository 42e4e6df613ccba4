"""Energy of an interval from a power stream, the baseline, and induced energy.

Knows the measurement model of method.md sections 2 and 3. Knows no file, no scenario and no report.

Measurement model. Reading k of an averaging meter is the mean power over window k = [max(w_(k-1), w_k - 1.5 window),
w_k]; w_k is the stamp less the latency, plus the window where stamps mark its start. What no window covers is a gap:
the power there is the straight line between the neighbouring readings; before the first and after the last reading it
is that reading. An instantaneous meter is integrated by trapezoid; what is further than one usual step from every
reading is a gap (`PowerSeries.reach_s`): one that comes up to twice as late as usual leaves none.
Readings whose windows overlap are taken apart first (`moving.py`). The error that a meter's certificate knows is taken
off here; the series holds what was indicated. Then

    E[a, b] = integral of that power over [a, b] = sum_k P_k |window_k ^ [a, b]| + gaps          (J)
    E_ind   = E[a, b] - integral of P_B over [a, b]

E contains the energy of the gaps; `gap_energy_j` says how much that is. The power is piecewise linear, so E is the
difference of one cumulative function at both edges: additive by construction, and thousands of intervals cost no more
than one.

P_B(t) is the straight line between the midpoints of neighbouring baseline blocks of the run's own session, for a run
that lies between the first and the last of them; any other run gets the pooled power of its session's blocks, and
without a block there, of all sessions. Pooled power is the blocks' energy over their time (a longer block counts more;
this is what gives Okular's published digits). u(P_B) = s |w|, s the spread of the m block means that are used (drift
between them is part of s: conservative) and w the weight of each block in the value: 1/m each where they are pooled,
which is s / sqrt(m); for a session with one block s is that of all sessions' blocks.

Fewer than `FEWEST_BLOCKS` blocks hardly know their spread, and do not see what the baseline does between them. So their
s is taken times t(.975, m - 1) / t(.975, inf), with infinite degrees of freedom: effective ones of a sum that holds one
or two are too many (two blocks: 90 to 93 % coverage, simulated). And as far as the power rises or falls within the
blocks, the line between two of them may be wrong by the sagitta of the cubic with these slopes,

    |P_B - line| <= L/8 (|b_1 - c| + |b_2 - c|) ,     b: slopes in the blocks, c: of the line, L: its length

which is a limit of error (`BaselineLevel.shape_w`): two blocks at the ends of a curve look alike and have no spread. So
is the distance of the power just before the run, where the machine waits for it, from P_B.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from harness.record.errors import AnalysisError
from reports.energy.moving import levels_w, stretches
from reports.readings.held import compact
from reports.readings.series import OVERLAP, PowerSeries
from reports.results.rules import Rule, was
from reports.results.uncertainty import t_quantile

NS = 1e-9
WH = 3600.0
"""Joules in a watt hour."""
SECOND_NS = 1_000_000_000
FEWEST_BLOCKS = 5
"""The method's number of baseline blocks; fewer say so in U."""
SHAPE_DOF = 2.0
"""Of a limit that is known to a half at best (JCGM 100, G.4.2); infinitely many would make U narrower than without."""
Convention: TypeAlias = Literal["end", "start"]
Instants: TypeAlias = int | NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class PowerFunction:
    """Power as a piecewise linear function of time, with its integral: segment i runs from edges_s[i] to edges_s[i +
    1].

    `first_w[i]` is the power where it begins, `slope[i]` in W/s; `gap[i]` whether no reading covers it. Times in s from
    `origin_ns`.
    """

    origin_ns: int
    edges_s: NDArray[np.float64]
    first_w: NDArray[np.float64]
    slope: NDArray[np.float64]
    gap: NDArray[np.bool_]
    energy_cum_j: NDArray[np.float64]
    gap_cum_j: NDArray[np.float64]
    gap_cum_s: NDArray[np.float64]
    before_w: float
    after_w: float

    def energy_j(self, begin_ns: Instants, end_ns: Instants) -> NDArray[np.float64]:
        """Energy (J) of one or many intervals, gaps included; shape of the arguments."""
        return self._at(end_ns, self.energy_cum_j, 1) - self._at(begin_ns, self.energy_cum_j, 1)

    def gap_energy_j(self, begin_ns: Instants, end_ns: Instants) -> NDArray[np.float64]:
        """The part of `energy_j` that no reading covers (J)."""
        return self._at(end_ns, self.gap_cum_j, 1, gaps=True) - self._at(begin_ns, self.gap_cum_j, 1, gaps=True)

    def gap_s(self, begin_ns: Instants, end_ns: Instants) -> NDArray[np.float64]:
        """Time (s) that no reading covers."""
        return self._at(end_ns, self.gap_cum_s, 0, gaps=True) - self._at(begin_ns, self.gap_cum_s, 0, gaps=True)

    def _at(
        self, at_ns: Instants, cumulative: NDArray[np.float64], power: int, *, gaps: bool = False
    ) -> NDArray[np.float64]:
        """The cumulative function at some instants; `power` 1 integrates power, 0 counts time; `gaps` only where no
        reading is."""
        at_s = (np.asarray(at_ns, dtype=np.int64) - self.origin_ns) * NS
        index = np.clip(np.searchsorted(self.edges_s, at_s, side="right") - 1, 0, self.slope.size - 1)
        into_s = np.clip(at_s, self.edges_s[0], self.edges_s[-1]) - self.edges_s[index]
        inside = into_s * (self.first_w[index] + self.slope[index] * into_s / 2) if power else into_s
        if gaps:
            inside = np.where(self.gap[index], inside, 0.0)
        before_s, after_s = np.minimum(at_s - self.edges_s[0], 0.0), np.maximum(at_s - self.edges_s[-1], 0.0)
        outside = before_s * (self.before_w if power else 1.0) + after_s * (self.after_w if power else 1.0)
        return np.asarray(cumulative[index] + inside + outside)


def power_function(series: PowerSeries, convention: Convention | None = None) -> PowerFunction:
    """The power function of a stream; `convention` overrides what its descriptor says of the stamps (`unknown` counts
    as `end`).

    Raises:
        AnalysisError: the stream has no reading.
    """
    if not series.times_ns.size:
        raise AnalysisError(f"{series.descriptor.stream}: no reading with a value, so there is no energy")
    descriptor = series.descriptor
    origin_ns = int(series.times_ns[0])
    stamps_s = np.asarray((series.times_ns - origin_ns) * NS - descriptor.latency_s, dtype=np.float64)
    if descriptor.averaging == "instantaneous":
        return trapezoid(origin_ns, stamps_s, series.corrected_w, series.reach_s)
    stamp = convention or ("start" if descriptor.stamp == "start" else "end")
    ends_s = np.maximum.accumulate(stamps_s + series.window_s) if stamp == "start" else stamps_s
    power_w = series.corrected_w
    if series.is_moving:
        return _taken_apart(origin_ns, ends_s, series.window_s, power_w, OVERLAP * series.usual_step_s)
    begins_s = ends_s - OVERLAP * series.window_s
    begins_s[1:] = np.maximum(ends_s[:-1], begins_s[1:])
    if np.array_equal(begins_s[1:], ends_s[:-1]) and (ends_s > begins_s).all():
        return _gapless(origin_ns, begins_s, ends_s, power_w)
    edges_s = np.column_stack([begins_s, ends_s]).ravel()
    first_w = np.repeat(power_w, 2)[:-1]
    lengths_s = np.diff(edges_s)
    rise_w = np.zeros(lengths_s.size)
    rise_w[1::2] = np.diff(power_w)
    gap = np.zeros(lengths_s.size, dtype=bool)
    gap[1::2] = lengths_s[1::2] > 0
    return _function(origin_ns, edges_s, first_w, rise_w, gap)


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
    origin_ns = functions[0].origin_ns
    shifted = [f.edges_s + (f.origin_ns - origin_ns) * NS for f in functions]
    edges_s = np.unique(np.concatenate(shifted))
    middles_s = (edges_s[:-1] + edges_s[1:]) / 2
    first_w, rise_w = np.zeros(middles_s.size), np.zeros(middles_s.size)
    gap = np.zeros(middles_s.size, dtype=bool)
    for function, own_s in zip(functions, shifted, strict=True):
        inside = (middles_s > own_s[0]) & (middles_s < own_s[-1])
        at = np.clip(np.searchsorted(own_s, middles_s, side="right") - 1, 0, function.slope.size - 1)
        level_w = function.first_w[at] + function.slope[at] * (edges_s[:-1] - own_s[at])
        outside_w = np.where(middles_s < own_s[0], function.before_w, function.after_w)
        first_w += np.where(inside, level_w, outside_w)
        rise_w += np.where(inside, function.slope[at] * np.diff(edges_s), 0.0)
        gap |= ~inside | function.gap[at]
    return _function(origin_ns, edges_s, first_w, rise_w, gap)


def trapezoid(
    origin_ns: int, times_s: NDArray[np.float64], power_w: NDArray[np.float64], usual_s: float = 0.0
) -> PowerFunction:
    """The power function of instantaneous values: straight lines between them. What is further than `usual_s` (0: the
    median step) from every value is a gap."""
    if times_s.size == 1:
        times_s, power_w = np.repeat(times_s, 2), np.repeat(power_w, 2)
    lengths_s = np.diff(times_s)
    reach_s = usual_s or float(np.median(lengths_s))
    if was(Rule.LATE_ROWS):
        return _function(origin_ns, times_s, power_w[:-1], np.diff(power_w), lengths_s > OVERLAP * reach_s * (1 + 1e-9))
    wide = np.flatnonzero(lengths_s > 2 * reach_s * (1 + 1e-9))
    if wide.size:
        inner_s = np.column_stack([times_s[wide] + reach_s, times_s[wide + 1] - reach_s])
        slope = (power_w[wide + 1] - power_w[wide]) / lengths_s[wide]
        inner_w = power_w[wide, None] + slope[:, None] * (inner_s - times_s[wide, None])
        places = np.repeat(wide + 1, 2)
        times_s, power_w = np.insert(times_s, places, inner_s.ravel()), np.insert(power_w, places, inner_w.ravel())
    gap = np.zeros(times_s.size - 1, dtype=bool)
    gap[wide + 1 + 2 * np.arange(wide.size)] = True
    return _function(origin_ns, times_s, power_w[:-1], np.diff(power_w), gap)


def _taken_apart(
    origin_ns: int,
    ends_s: NDArray[np.float64],
    window_s: NDArray[np.float64],
    power_w: NDArray[np.float64],
    longest_step_s: float,
) -> PowerFunction:
    """The power function of a moving average: level between readings, a straight line over gaps."""
    own = list(stretches(ends_s, window_s, longest_step_s))
    apart = [levels_w(ends_s[part], window_s[part], power_w[part]) for part in own]
    edges_s = np.concatenate([knots_s for knots_s, _ in apart])
    # Behind the levels of each stretch its last reading, where the line over the gap begins.
    first_w = np.concatenate([[*levels, power_w[part.stop - 1]] for part, (_, levels) in zip(own, apart, strict=True)])
    gap = np.concatenate([np.arange(levels.size + 1) == levels.size for _, levels in apart])[:-1]
    rise_w = np.zeros(gap.size)
    rise_w[gap] = [power_w[part.start] - power_w[part.start - 1] for part in own[1:]]
    function = _function(origin_ns, edges_s, first_w[:-1], rise_w, gap)
    return replace(function, before_w=float(power_w[0]), after_w=float(power_w[-1]))


def _gapless(
    origin_ns: int, begins_s: NDArray[np.float64], ends_s: NDArray[np.float64], power_w: NDArray[np.float64]
) -> PowerFunction:
    """What `_function` makes of windows that meet, each with a length: nothing of it is held twice, since such streams
    may be long. `begins_s` is used up."""
    before_w, after_w = float(power_w[0]), float(power_w[-1])
    edges_s = np.concatenate([begins_s[:1], ends_s])
    parts_j = np.subtract(ends_s, begins_s, out=begins_s)
    parts_j *= power_w
    nothing = np.broadcast_to(np.float64(0.0), edges_s.shape)
    return PowerFunction(
        origin_ns, edges_s, power_w, nothing[1:], np.broadcast_to(np.False_, power_w.shape), _cumulated(parts_j),
        nothing, nothing, before_w, after_w,
    )  # fmt: skip


def _cumulated(parts: NDArray[np.float64]) -> NDArray[np.float64]:
    whole = np.empty(parts.size + 1)
    whole[0] = 0.0
    np.cumsum(parts, out=whole[1:])
    return whole


def _function(
    origin_ns: int,
    edges_s: NDArray[np.float64],
    first_w: NDArray[np.float64],
    rise_w: NDArray[np.float64],
    gap: NDArray[np.bool_],
) -> PowerFunction:
    before_w, after_w = float(first_w[0]), float(first_w[-1] + rise_w[-1])
    lengths_s = np.diff(edges_s)
    if (has_length := lengths_s > 0).any():  # where windows meet, no time is between them
        edges_s = np.concatenate([edges_s[:1], edges_s[1:][has_length]])
        lengths_s, gap = lengths_s[has_length], gap[has_length]
        first_w, rise_w = first_w[has_length], rise_w[has_length]
    energy_j = lengths_s * (first_w + rise_w / 2)
    slope = np.divide(rise_w, lengths_s, out=np.zeros_like(rise_w), where=lengths_s > 0)
    return PowerFunction(
        origin_ns, edges_s, first_w, compact(slope), compact(gap), _cumulated(energy_j),
        compact(_cumulated(np.where(gap, energy_j, 0.0))), compact(_cumulated(np.where(gap, lengths_s, 0.0))), before_w,
        after_w,
    )  # fmt: skip


def register_energy_wh(series: PowerSeries, begin_ns: int, end_ns: int) -> float | None:
    """Difference of the meter's own energy register between the readings nearest to both edges (Wh); None without
    one."""
    if series.register_wh is None:
        return None
    known = np.isfinite(series.register_wh)
    times_ns, register_wh = series.times_ns[known], series.register_wh[known]
    if times_ns.size < 2:
        return None
    at = [int(np.argmin(np.abs(times_ns - edge))) for edge in (begin_ns, end_ns)]
    difference = float(register_wh[at[1]] - register_wh[at[0]])
    return difference if difference >= 0 else None


@dataclass(frozen=True, slots=True)
class Block:
    """A baseline block: its interval (ns), its mean power (W), the session it was measured in, and how the power rose
    in it (W/s)."""

    begin_ns: int
    end_ns: int
    mean_w: float
    session: str
    slope_w_s: float = 0.0

    @property
    def midpoint_ns(self) -> int:
        """Where its mean stands in time."""
        return (self.begin_ns + self.end_ns) // 2


@dataclass(frozen=True, slots=True)
class BaselineLevel:
    """P_B for one run: its function, `u_w` and `dof` of the block means, the session they are of (None: all).

    `sd_w` is the spread of the block means (widened where there are few), `shares` the weight of each block in this
    run's P_B, `shape_w` the limit of what few blocks do not see between them.
    """

    function: PowerFunction
    u_w: float | None
    dof: float
    session: str | None
    interpolated: bool
    sd_w: float | None
    shares: NDArray[np.float64]
    shape_w: float = 0.0

    @property
    def u_run_w(self) -> float | None:
        """Standard uncertainty (W) of P_B for this one run, which knows only the blocks beside it."""
        return None if self.sd_w is None else self.sd_w * float(np.linalg.norm(self.shares))

    def energy_j(self, begin_ns: Instants, end_ns: Instants) -> NDArray[np.float64]:
        """Integral of P_B (J)."""
        return self.function.energy_j(begin_ns, end_ns)


def pooled_w(blocks: Sequence[Block]) -> float:
    """Energy of all blocks over their time (W)."""
    times_s = np.array([block.end_ns - block.begin_ns for block in blocks]) * NS
    return float(np.sum(times_s * [block.mean_w for block in blocks]) / np.sum(times_s))


def baseline_for(
    blocks: Sequence[Block], session: str, begin_ns: int, end_ns: int, idle_w: float | None = None
) -> BaselineLevel | None:
    """The baseline of a run (module docstring); None where there is no block at all. `idle_w`: the power just before
    the run, where it was recorded."""
    if not blocks:
        return None
    own = sorted((block for block in blocks if block.session == session), key=lambda block: block.midpoint_ns)
    used = own or list(blocks)
    means_w = np.array([block.mean_w for block in used], dtype=np.float64)
    spread = means_w if means_w.size > 1 else np.array([block.mean_w for block in blocks], dtype=np.float64)
    sd_w, dof = _known_spread(spread)
    u_w = None if sd_w is None else sd_w / math.sqrt(means_w.size)
    inside = len(own) > 1 and own[0].midpoint_ns <= begin_ns and end_ns <= own[-1].midpoint_ns
    if inside:
        origin_ns = own[0].midpoint_ns
        times_s = np.array([block.midpoint_ns - origin_ns for block in own]) * NS
        function = trapezoid(origin_ns, times_s, means_w)
        shares = _shares(times_s, ((begin_ns + end_ns) // 2 - origin_ns) * NS)
    else:
        level = pooled_w(used)
        function = trapezoid(begin_ns, np.array([0.0, 1.0]), np.array([level, level]))
        times_s = np.array([block.end_ns - block.begin_ns for block in used]) * NS
        shares = times_s / times_s.sum()
    shape_w = 0.0
    if len(used) < FEWEST_BLOCKS and not was(Rule.FEW_BLOCKS):
        away_w = 0.0 if idle_w is None else abs(idle_w - float(function.energy_j(begin_ns - SECOND_NS, begin_ns)))
        shape_w = max(_shape_w(own), away_w)
    return BaselineLevel(function, u_w, dof, session if own else None, inside, sd_w, shares, shape_w)


def _known_spread(means_w: NDArray[np.float64]) -> tuple[float | None, float]:
    """Spread of block means and its degrees of freedom; of fewer than `FEWEST_BLOCKS` widened (module docstring)."""
    dof = means_w.size - 1.0
    if dof < 1:
        return None, dof
    sd_w = float(means_w.std(ddof=1))
    if means_w.size >= FEWEST_BLOCKS or was(Rule.FEW_BLOCKS):
        return sd_w, dof
    return sd_w * t_quantile(dof) / t_quantile(math.inf), math.inf


def _shape_w(blocks: Sequence[Block]) -> float:
    """How far the baseline may lie from the straight lines between neighbouring blocks (W)."""
    sagittas = [0.0]
    for one, other in pairwise(blocks):
        length_s = (other.midpoint_ns - one.midpoint_ns) * NS
        chord = (other.mean_w - one.mean_w) / length_s if length_s > 0 else 0.0
        sagittas.append(length_s / 8 * (abs(one.slope_w_s - chord) + abs(other.slope_w_s - chord)))
    return max(sagittas)


def _shares(times_s: NDArray[np.float64], at_s: float) -> NDArray[np.float64]:
    """Weights of the two points between which a straight line is read at `at_s`, among all points."""
    after = int(np.clip(np.searchsorted(times_s, at_s), 1, times_s.size - 1))
    span_s = float(times_s[after] - times_s[after - 1])
    part = (at_s - float(times_s[after - 1])) / span_s if span_s > 0 else 0.5
    shares = np.zeros(times_s.size)
    shares[after - 1], shares[after] = 1.0 - part, part
    return shares
