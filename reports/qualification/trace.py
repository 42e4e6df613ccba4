"""Two traces on their own irregular time bases: the energy that passed until an instant, and what was said at it.

Knows arrays in seconds and watts. Knows no stream, no descriptor and no run: the caller makes a trace of them.

A gauge's readings are momentary values: between two of them the power is the straight line. A meter with windows says
the mean over its window, which ends at the stamp. A counter says the energy itself; between two readings it rises
evenly. So all three are one thing: energy at instants, linear between them.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from harness.record.counter import Counted, counted, with_wraps
from harness.record.errors import AnalysisError
from reports.results.rules import Rule, was

Floats = NDArray[np.float64]
LEAST_READINGS = 2
WINDOW_REACHES = 1.1
"""A window begins where the one before it ended, unless that is further away than so many windows."""
NOTHING = 1e-12
"""A step of so little of the largest power is rounding."""
GAP_STEPS = 3.0
"""So many usual steps without a reading are a gap."""


@dataclass(frozen=True, slots=True)
class EnergyTrace:
    """Energy that passed until some instants: `times_s`, ascending, and `energy_j`, shape (n,) each, n >= 2.
    `resets`: shape (n - 1,), the steps over which nobody knows it, where there are any."""

    times_s: Floats
    energy_j: Floats
    resets: NDArray[np.bool_] | None = None

    def at(self, at_s: Floats) -> Floats:
        """Energy (J) until the instants `at_s` (any shape); outside of the trace that of its end."""
        return np.asarray(np.interp(at_s, self.times_s, self.energy_j))

    def mean_w(self, begin_s: Floats, end_s: Floats) -> Floats:
        """Mean power (W) from `begin_s` to `end_s`, same shapes; end > begin, both within the trace."""
        return np.asarray((self.at(end_s) - self.at(begin_s)) / (np.asarray(end_s) - np.asarray(begin_s)))

    def covers(self, begin_s: float, end_s: float) -> bool:
        """Whether the trace reaches from `begin_s` to `end_s` without a gap: no step that touches them is longer than
        `GAP_STEPS` usual ones, or goes over a reset."""
        if begin_s < self.times_s[0] or end_s > self.times_s[-1] or self.resets_between(begin_s, end_s).size:
            return False
        first = int(np.searchsorted(self.times_s, begin_s, side="right")) - 1
        last = int(np.searchsorted(self.times_s, end_s, side="left"))
        steps_s = np.diff(self.times_s[first : last + 1])
        return bool(np.all(steps_s <= GAP_STEPS * self.usual_step_s))

    def resets_between(self, begin_s: float, end_s: float) -> Floats:
        """The instants of the resets within a span, each that of the first reading behind it."""
        if self.resets is None:
            return np.zeros(0)
        touched = self.resets & (self.times_s[1:] > begin_s) & (self.times_s[:-1] < end_s)
        return np.asarray(self.times_s[1:][touched])

    @property
    def usual_step_s(self) -> float:
        """Median distance of two instants."""
        return float(np.median(np.diff(self.times_s)))


def stepped(trace: EnergyTrace) -> EnergyTrace:
    """The trace with a step inside each cell whose power lies between those of its neighbours: theirs before and after
    it, where the cell's energy says. A load that steps within a window is that, and a ramp loses nothing by it."""
    times_s, energy_j = trace.times_s, trace.energy_j
    steps_s = np.diff(times_s)
    power_w = np.diff(energy_j) / steps_s
    before_w, at_w, after_w = power_w[:-2], power_w[1:-1], power_w[2:]
    rise_w = after_w - before_w
    rises = np.abs(rise_w) > NOTHING * float(np.abs(power_w).max())
    late = np.divide(at_w - before_w, rise_w, out=np.zeros_like(rise_w), where=rises)
    cells = np.flatnonzero((late > 0) & (late < 1))
    first_s = steps_s[1:-1][cells] * (1 - late[cells])
    knots_s, knots_j = times_s[1:-2][cells] + first_s, energy_j[1:-2][cells] + before_w[cells] * first_s
    order = np.argsort(np.concatenate([times_s, knots_s]), kind="stable")
    all_s = np.concatenate([times_s, knots_s])[order]
    kept = np.concatenate([[True], np.diff(all_s) > 0])
    return EnergyTrace(all_s[kept], np.concatenate([energy_j, knots_j])[order][kept])


def of_windows(times_s: Floats, power_w: Floats, window_s: float) -> EnergyTrace:
    """Of means over windows of `window_s` that end at `times_s`; what no window covers has the power between its
    neighbours.

    Raises:
        AnalysisError: fewer than two readings.
    """
    times_s, power_w = _in_order(times_s, power_w)
    reach_s = WINDOW_REACHES * window_s
    before_s = np.concatenate([[times_s[0] - window_s], times_s[:-1]])
    begins_s = np.maximum(before_s, times_s - reach_s)
    gap_j = (begins_s - before_s) * (np.concatenate([power_w[:1], power_w[:-1]]) + power_w) / 2
    window_j = (times_s - begins_s) * power_w
    knots_s = np.column_stack([begins_s, times_s]).ravel()
    energy_j = np.cumsum(np.column_stack([gap_j, window_j]).ravel())
    kept = np.concatenate([[True], np.diff(knots_s) > 0])
    return EnergyTrace(knots_s[kept], energy_j[kept])


def of_gauge(times_s: Floats, power_w: Floats) -> EnergyTrace:
    """Of momentary values, by trapezoid: their time-weighted mean.

    Raises:
        AnalysisError: fewer than two readings.
    """
    times_s, power_w = _in_order(times_s, power_w)
    steps_j = np.diff(times_s) * (power_w[1:] + power_w[:-1]) / 2
    return EnergyTrace(times_s, np.concatenate([[0.0], np.cumsum(steps_j)]))


def of_counter(times_s: Floats, energy_j: Floats, range_j: float | None) -> EnergyTrace:
    """Of a counter that begins anew at `range_j` (None: it never does). Over a reset the power lies between that of its
    neighbours, and no span that touches it is covered.

    Raises:
        AnalysisError: fewer than two readings, it falls without a range, or too often for a counter.
    """
    times_s, energy_j = _in_order(times_s, energy_j)
    steps = unwrapped(times_s, energy_j, range_j)
    plain_j = continued(energy_j, steps, range_j)
    if not steps.resets.any():
        return EnergyTrace(times_s, plain_j)
    if steps.resets.all():
        raise AnalysisError("the counter falls at every reading, so it tells no energy")
    steps_s, known = np.diff(times_s), ~steps.resets
    middles_s = (times_s[1:] + times_s[:-1]) / 2
    power_w = np.interp(middles_s, middles_s[known], steps.steps_j[known] / steps_s[known])
    filled_j = np.cumsum(np.where(known, 0.0, power_w * steps_s - np.diff(energy_j)))
    return EnergyTrace(times_s, np.asarray(plain_j + np.concatenate([[0.0], filled_j])), steps.resets)


def continued(energy_j: Floats, steps: Counted, range_j: float | None) -> Floats:
    """A counter's readings without their wraps; they still fall where it was reset."""
    return np.asarray(energy_j + np.concatenate([[0], np.cumsum(steps.wraps)]) * (range_j or 0.0))


def unwrapped(times_s: Floats, energy_j: Floats, range_j: float | None) -> Counted:
    """What a counter counted from reading to reading, its wraps undone.

    Raises:
        AnalysisError: it falls, and there is no range by which that could be undone; it falls too often for a counter.
    """
    n_falls = int((np.diff(energy_j) < 0).sum())
    if n_falls and range_j is None:
        raise AnalysisError(f"the counter falls {n_falls} times and states no range; it was reset, or it is no counter")
    if was(Rule.COUNTER_FALLS):
        steps_j = np.diff(energy_j)
        return with_wraps(steps_j, steps_j < 0, range_j)
    steps = counted(times_s, energy_j, range_j)
    if not steps.is_of_one_thing:
        raise AnalysisError(f"the counter {steps.mixed}")
    return steps


def summed(traces: Sequence[EnergyTrace]) -> EnergyTrace:
    """Several circuits as one, over the time that all of them cover.

    Raises:
        AnalysisError: they do not overlap.
    """
    begin_s, end_s = max(one.times_s[0] for one in traces), min(one.times_s[-1] for one in traces)
    instants = np.unique(np.concatenate([one.times_s for one in traces]))
    instants = instants[(instants >= begin_s) & (instants <= end_s)]
    if instants.size < LEAST_READINGS:
        raise AnalysisError(f"the traces of {len(traces)} circuits do not overlap in time; check their clocks")
    return EnergyTrace(instants, np.asarray(sum(one.at(instants) for one in traces)))


def _in_order(times_s: Floats, values: Floats) -> tuple[Floats, Floats]:
    """The readings that are numbers, in order of time; of several at one instant the last."""
    finite = np.isfinite(times_s) & np.isfinite(values)
    times_s, values = times_s[finite], values[finite]
    order = np.argsort(times_s, kind="stable")
    times_s, values = times_s[order], values[order]
    last = np.concatenate([np.diff(times_s) > 0, [True]]) if times_s.size else np.array([], dtype=bool)
    if int(last.sum()) < LEAST_READINGS:
        raise AnalysisError(f"{int(last.sum())} readings with a value; a trace needs {LEAST_READINGS}")
    return times_s[last], values[last]
