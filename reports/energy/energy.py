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
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from reports.energy.power_function import NS, Instants, PowerFunction, trapezoid
from reports.readings.series import PowerSeries
from reports.results.rules import Rule, was
from reports.results.uncertainty import t_quantile

WH = 3600.0
"""Joules in a watt hour."""
SECOND_NS = 1_000_000_000
FEWEST_BLOCKS = 5
"""The method's number of baseline blocks; fewer say so in U."""
SHAPE_DOF = 2.0
"""Of a limit that is known to a half at best (JCGM 100, G.4.2); infinitely many would make U narrower than without."""


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
