"""What the readings of a meter before a constant load, and before a switched one, tell about the meter.

Knows arrays of readings and moments of switching. Knows no meter, no wire and no report.

Switched load. A reading stamped t_k is taken as the mean power over [t_k - delta - w, t_k - delta], where the load is
L while off and H while on. About each place of least squares, on a grid of (delta, w) with the best L and H, the
likelihood of normal residuals gives the mean and the spread of delta, the stamp minus the end of the window (latency
and stamp convention together, which cannot be told apart), and of the width w (method.md section 5). A grid, because
where no reading lies across an edge the sum of squares is flat, and a linearised fit would call that certain.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from harness.record.errors import AnalysisError
from reports.results.uncertainty import Estimate, t_quantile

Floats = NDArray[np.float64]
Grade = Literal["good", "remark", "bad"]
LEAST_EDGES = 5
LEAST_READINGS = 10
VISIBLE_SIGMAS = 5.0
LATE_INTERVALS = 2.0
BY_CHANCE = 0.001
STUCK_SHARE = 0.2
OFFSETS_S = np.arange(-1.5, 3.01, 0.1)
WINDOWS_S = (0.02, 0.1, 0.2, 0.3, 0.5, 0.75, 1.0, 1.5, 2.0, 3.0, 5.0)
SHORTEST_WINDOW_S = 0.005
STARTS = 16
UNLIKELY = 14.0
"""chi squared of one degree of freedom that is exceeded by chance once in 5000 times."""
LONGEST_OFFSET_S = 10.0
FINELY = {"xatol": 1e-5, "fatol": 1e-9}
FINE = 61
"""Steps of the fine grid in each direction."""
FIRST_SPAN_S, WIDENINGS, EDGE_WEIGHT = 0.004, 10, 1e-4
"""The grid is doubled until no more than this share of the likelihood stands at its edges."""


@dataclass(frozen=True, slots=True)
class Readings:
    """Readings in order: stamps (s), power (W, NaN where there is none), register (Wh, NaN where there is none)."""

    times_s: Floats
    power_w: Floats
    register_wh: Floats


@dataclass(frozen=True, slots=True)
class Stated:
    """What the driver says of its meter: interval and window (s), resolution (W) and that of the register (Wh),
    limits of error as parts of the reading and as W."""

    interval_s: float
    resolution_w: float
    register_wh: float | None
    gain: float
    offset_w: float


@dataclass(frozen=True, slots=True)
class Check:
    """One line of the self-test: its name, how it ended, the sentence, and the numbers in it."""

    name: str
    grade: Grade
    sentence: str
    numbers: Mapping[str, float | None]


def constant_load(readings: Readings, stated: Stated) -> list[Check]:
    """Rate, values, noise, resolution, stuck values and register of a meter before a constant load.

    Raises:
        AnalysisError: fewer than `LEAST_READINGS` readings with a value.
    """
    known = np.isfinite(readings.power_w)
    if int(known.sum()) < LEAST_READINGS:
        raise AnalysisError(f"{int(known.sum())} readings with a value; at least {LEAST_READINGS} are needed")
    power_w = readings.power_w[known]
    return [
        _rate(readings.times_s, stated),
        _values(readings.power_w),
        _noise(readings.times_s[known], power_w),
        _resolution(power_w, stated),
        _stuck(power_w, stated),
        *_register(readings, stated),
    ]


def _rate(times_s: Floats, stated: Stated) -> Check:
    steps_s = np.diff(times_s)
    median_s, longest_s = float(np.median(steps_s)), float(steps_s.max())
    late = int(np.sum(steps_s > LATE_INTERVALS * stated.interval_s))
    numbers = {"median_s": median_s, "p95_s": float(np.quantile(steps_s, 0.95)), "longest_s": longest_s, "late": late}
    sentence = f"a reading each {median_s:.3f} s (stated: {stated.interval_s:g} s), the longest pause {longest_s:.3f} s"
    off = abs(median_s / stated.interval_s - 1)
    grade: Grade = "bad" if late > 0.01 * steps_s.size else "remark" if late or off > 0.1 else "good"
    return Check("rate", grade, sentence + (f"; {late} came late" if late else ""), numbers)


def _values(power_w: Floats) -> Check:
    missing = int(np.sum(~np.isfinite(power_w)))
    grade: Grade = "bad" if missing else "good"
    sentence = f"{missing} of {power_w.size} readings have no value" if missing else f"all {power_w.size} have a value"
    return Check("values", grade, sentence, {"missing": missing})


def _noise(times_s: Floats, power_w: Floats) -> Check:
    """The scatter about a straight line, and the line's slope."""
    design = np.column_stack([np.ones_like(times_s), times_s - times_s.mean()])
    (mean_w, slope), *_rest = np.linalg.lstsq(design, power_w, rcond=None)
    left = power_w - design @ np.array([mean_w, slope])
    dof = power_w.size - 2
    sd_w = math.sqrt(float(left @ left) / dof)
    u_slope = sd_w / math.sqrt(float(np.sum((times_s - times_s.mean()) ** 2)))
    per_minute, u_per_minute = float(slope) * 60, u_slope * 60
    drifts = abs(per_minute) > t_quantile(dof) * u_per_minute and abs(per_minute) > 0.001 * abs(float(mean_w))
    numbers = {"mean_w": float(mean_w), "sd_w": sd_w, "drift_w_per_min": per_minute, "u_drift_w_per_min": u_per_minute}
    sentence = f"mean {mean_w:.4g} W, scatter {sd_w:.3g} W; "
    sentence += f"it drifts by {per_minute:+.3g} W/min, the load may not be constant" if drifts else "no drift"
    return Check("noise", "remark" if drifts else "good", sentence, numbers)


def _resolution(power_w: Floats, stated: Stated) -> Check:
    """The smallest step between values that occurred."""
    steps_w = np.diff(np.unique(np.round(power_w, 9)))
    numbers = {"smallest_step_w": float(steps_w.min()) if steps_w.size else None, "distinct": float(steps_w.size + 1)}
    if not steps_w.size:
        sentence = f"one value only, so nothing is known about its steps (stated: {stated.resolution_w:g} W)"
        return Check("resolution", "remark", sentence, numbers)
    step_w = float(steps_w.min())
    sentence = f"smallest step {step_w:.3g} W (stated: {stated.resolution_w:g} W), {steps_w.size + 1} different values"
    coarse = step_w > 1.5 * stated.resolution_w and steps_w.size >= LEAST_READINGS
    if coarse and _chance_of_no_neighbours(power_w, stated.resolution_w) > BY_CHANCE:
        return Check("resolution", "remark", f"{sentence}: too few values for so wide a spread to say more", numbers)
    return Check("resolution", "bad" if coarse else "good", sentence, numbers)


def _chance_of_no_neighbours(power_w: Floats, resolution_w: float) -> float:
    """How likely it is that no two of n values drawn evenly from the steps of the display lie one step apart.

    Each of the n (n - 1) / 2 pairs does with a chance of 2 / (number of steps); what repeats the reading before it is
    no value of its own.
    """
    count = 1 + int(np.sum(np.diff(power_w) != 0))
    return math.exp(-count * (count - 1) * resolution_w / float(np.ptp(power_w)))


def _stuck(power_w: Floats, stated: Stated) -> Check:
    """Repetitions are expected where the noise is below one step of the display, and suspicious elsewhere."""
    repeated = float(np.mean(np.diff(power_w) == 0))
    sd_w = float(power_w.std(ddof=1))
    expected = sd_w < 2 * stated.resolution_w
    numbers = {"repeated_share": repeated}
    sentence = f"{repeated:.0%} of the readings repeat the one before"
    if repeated > STUCK_SHARE and not expected:
        sentence += "; the meter is asked more often than it has a new value"
        return Check("stuck", "bad", sentence, numbers)
    return Check("stuck", "good", sentence + ("; the load is as steady as the display" if expected else ""), numbers)


def _register(readings: Readings, stated: Stated) -> list[Check]:
    """The energy register against the sum of power times time, between its first and its last reading."""
    known = np.isfinite(readings.register_wh) & np.isfinite(readings.power_w)
    if int(known.sum()) < 2 or stated.register_wh is None:
        return []
    times_s, power_w, register = readings.times_s[known], readings.power_w[known], readings.register_wh[known]
    told_wh = float(register[-1] - register[0])
    # A reading holds the power of the interval that ends with it.
    sum_wh = float(np.sum(power_w[1:] * np.diff(times_s))) / 3600
    spread_wh = float(power_w.std(ddof=1)) * stated.interval_s / 3600
    allowed_wh = 2 * stated.register_wh + stated.gain * sum_wh + 2 * spread_wh
    allowed_wh += stated.offset_w * float(times_s[-1] - times_s[0]) / 3600
    numbers = {"register_wh": told_wh, "sum_wh": sum_wh, "allowed_wh": allowed_wh}
    sentence = f"register {told_wh:.4g} Wh, sum of power and time {sum_wh:.4g} Wh, may differ by {allowed_wh:.2g} Wh"
    if told_wh < 0:
        return [Check("register", "bad", f"{sentence}; it went back: it was reset, or wrapped", numbers)]
    if abs(told_wh - sum_wh) > allowed_wh:
        return [Check("register", "bad", sentence, numbers)]
    if allowed_wh > 0.1 * sum_wh:
        return [Check("register", "remark", f"{sentence}: too short a test to say more", numbers)]
    return [Check("register", "good", sentence, numbers)]


# --- switched load --------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class WindowFit:
    """`offset` (s) is the stamp minus the end of the window, `window` its width (s), `low_w`, `high_w` the load's two
    powers, `residual_w` what the fit leaves, `edges` how often the load was switched within the readings."""

    offset: Estimate
    window: Estimate
    low_w: float
    high_w: float
    residual_w: float
    edges: int


def fit_window(times_s: Floats, power_w: Floats, edges_s: Sequence[float], first_on: bool) -> WindowFit:
    """The window of a meter from readings (shape (n,)) of a load that was switched at `edges_s`, in order.

    `first_on`: whether the first edge switches on. Raises `AnalysisError` with fewer than `LEAST_EDGES` edges within
    the readings, and where the load cannot be seen in them.
    """
    edges = np.asarray(edges_s, dtype=np.float64)
    inside = int(np.sum((edges > times_s[0]) & (edges < times_s[-1]))) if times_s.size else 0
    if inside < LEAST_EDGES or times_s.size < 2 * LEAST_EDGES:
        raise AnalysisError(f"{inside} switchings within {times_s.size} readings; at least {LEAST_EDGES} are needed")
    arrays = np.asarray(times_s - times_s[0]), power_w, np.asarray(edges - times_s[0])
    load = _Load(*arrays, first_on)
    places = _closest(*(np.asarray(one, dtype=np.float64).tobytes() for one in arrays), first_on)
    best, dof = places[0], times_s.size - 4
    variance = float(load.squares(best[None, :])[0]) / dof
    low_w, high_w = load.levels(best)
    scatter_w = math.sqrt(variance)
    if abs(high_w - low_w) < VISIBLE_SIGMAS * scatter_w:
        raise AnalysisError(
            f"the load switches {high_w - low_w:+.3g} W and the readings scatter by {scatter_w:.3g} W about it; "
            "switch a larger load, and keep everything else still"
        )
    peaks: list[_Peak] = []
    for place in places:
        excess = float(load.squares(place[None, :])[0] - load.squares(best[None, :])[0]) / variance
        if excess < UNLIKELY and not any(peak.holds(place) for peak in peaks):
            peaks.append(_peak(load, place, best, variance))
    offset, window = _mixture(peaks, dof)
    return WindowFit(offset, window, low_w, high_w, scatter_w, inside)


@lru_cache(maxsize=64)
def _closest(times_s: bytes, power_w: bytes, edges_s: bytes, first_on: bool) -> tuple[Floats, ...]:
    """Places (offset, window) of least squares, the least first: the best of a grid, each improved from there. It takes
    a second, and an archive is computed by several rules (`rules.Rule`) that ask for the same."""
    from scipy.optimize import minimize  # its import takes .2 s, and few campaigns switch a load

    times, powers, edges = (np.frombuffer(one, dtype=np.float64) for one in (times_s, power_w, edges_s))
    load = _Load(times, powers, edges, first_on)
    grid = _grid(OFFSETS_S, np.asarray(WINDOWS_S))
    starts = grid[np.argsort(load.squares(grid))[:STARTS]]
    found = [
        minimize(lambda at: float(load.squares(_bounded(at))[0]), start, method="Nelder-Mead", options=FINELY).x
        for start in starts
    ]
    return tuple(sorted((_bounded(at)[0] for at in found), key=lambda at: float(load.squares(at[None, :])[0])))


def _bounded(at: Floats) -> Floats:
    return np.array([[at[0], max(float(at[1]), SHORTEST_WINDOW_S)]])


@dataclass(frozen=True, slots=True)
class _Peak:
    """One peak of the likelihood: its mass, mean and variance of (offset, window), and what its grid spanned."""

    mass: float
    mean: Floats
    variance: Floats
    low: Floats
    high: Floats

    def holds(self, place: Floats) -> bool:
        """Whether the peak's grid has this place in it."""
        return bool(np.all((place >= self.low) & (place <= self.high)))


def _peak(load: "_Load", place: Floats, best: Floats, variance: float) -> _Peak:
    """The likelihood on a grid about `place` that is doubled until it holds all of the peak."""
    span_s = np.array([FIRST_SPAN_S, FIRST_SPAN_S])
    least = float(load.squares(best[None, :])[0])
    for _attempt in range(WIDENINGS):
        low = np.maximum(place - span_s, [-LONGEST_OFFSET_S, SHORTEST_WINDOW_S])
        axes = [np.linspace(low[k], place[k] + span_s[k], FINE) for k in (0, 1)]
        weights = np.exp(-(load.squares(_grid(*axes)) - least) / (2 * variance)).reshape(FINE, FINE)
        mass = float(weights.sum())
        margins = [weights.sum(axis=1) / mass, weights.sum(axis=0) / mass]
        cut = np.array([max(margin[0], margin[-1]) > EDGE_WEIGHT for margin in margins])
        cut[1] &= not (axes[1][0] == SHORTEST_WINDOW_S and margins[1][-1] <= EDGE_WEIGHT)
        if not cut.any():
            break
        span_s = np.where(cut, 2 * span_s, span_s)
    steps = np.array([axis[1] - axis[0] for axis in axes])
    means = np.array([float(axis @ margin) for axis, margin in zip(axes, margins, strict=True)])
    spreads = [float((axis - mean) ** 2 @ margin) for axis, margin, mean in zip(axes, margins, means, strict=True)]
    high = np.array([axis[-1] for axis in axes])
    return _Peak(mass * float(steps.prod()), means, np.array(spreads) + steps**2 / 12, low, high)


def _mixture(peaks: Sequence[_Peak], dof: int) -> tuple[Estimate, Estimate]:
    """Mean and spread of offset and window over all peaks: where readings leave two answers, both count."""
    masses = np.array([peak.mass for peak in peaks]) / sum(peak.mass for peak in peaks)
    means, variances = np.array([peak.mean for peak in peaks]), np.array([peak.variance for peak in peaks])
    mean = masses @ means
    spread = masses @ (variances + (means - mean) ** 2)
    offset, window = (Estimate(float(mean[k]), math.sqrt(float(spread[k])), dof) for k in (0, 1))
    return offset, window


def _grid(offsets_s: Floats, windows_s: Floats) -> Floats:
    """Every pair, shape (offsets * windows, 2)."""
    return np.array([(offset, window) for offset in offsets_s for window in windows_s], dtype=np.float64)


@dataclass(frozen=True, slots=True)
class _Load:
    """Readings of a switched load; times in s from the first."""

    times_s: Floats
    power_w: Floats
    edges_s: Floats
    first_on: bool

    def squares(self, parameters: Floats) -> Floats:
        """Sum of squares that (offset, window), shape (k, 2), leave with the best two levels; shape (k,)."""
        share = self._share(parameters)
        centred = share - share.mean(axis=1, keepdims=True)
        power = self.power_w - self.power_w.mean()
        spread = np.sum(centred**2, axis=1)
        explained = np.divide((centred @ power) ** 2, spread, out=np.zeros(len(spread)), where=spread > 0)
        return np.asarray(np.maximum(power @ power - explained, 1e-12))

    def levels(self, parameters: Floats) -> tuple[float, float]:
        """The load's two powers that fit best, off and on."""
        share = self._share(parameters[None, :])[0]
        design = np.column_stack([1 - share, share])
        low_w, high_w = np.linalg.lstsq(design, self.power_w, rcond=None)[0]
        return float(low_w), float(high_w)

    def _share(self, parameters: Floats) -> Floats:
        """Share of each reading's window in which the load is on; shape (k, n)."""
        ends = self.times_s[None, :] - parameters[:, :1]
        begins = ends - parameters[:, 1:]
        on = [_time_on(at, self.edges_s, self.first_on) for at in (ends, begins)]
        return np.asarray((on[0] - on[1]) / parameters[:, 1:])


def _time_on(at_s: Floats, edges_s: Floats, first_on: bool) -> Floats:
    """How long the load has been on, in seconds since the first edge (negative times count from there back)."""
    edges = np.concatenate(
        [[min(float(at_s.min()), float(edges_s[0])) - 1.0], edges_s, [max(float(at_s.max()), float(edges_s[-1])) + 1.0]]
    )
    on = np.array([(index % 2 == 1) == first_on for index in range(edges.size - 1)])
    cumulated = np.concatenate([[0.0], np.cumsum(np.where(on, np.diff(edges), 0.0))])
    return np.asarray(np.interp(at_s, edges, cumulated))


def window_check(fit: WindowFit, stated_offset_s: float, stated_window_s: float) -> list[Check]:
    """Whether window and stamp are what the driver says, within their uncertainty and a tenth of the window."""
    checks = []
    found = (("window", fit.window, stated_window_s), ("stamp", fit.offset, stated_offset_s))
    for name, estimate, stated_s in found:
        expanded_s = estimate.expanded or 0.0
        agrees = abs(estimate.value - stated_s) <= expanded_s + max(0.1 * stated_window_s, 0.02)
        numbers = {"value_s": estimate.value, "U_s": expanded_s, "stated_s": stated_s, "edges": float(fit.edges)}
        what = "the window is" if name == "window" else "the stamp comes"
        tail = "wide" if name == "window" else "after the end of the window"
        sentence = f"{what} {estimate.value:.3f} s +- {expanded_s:.3f} s {tail} (stated: {stated_s:.3f} s)"
        checks.append(Check(name, "good" if agrees else "bad", sentence, numbers))
    return checks
