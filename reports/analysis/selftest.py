"""What the readings of a meter before a constant load, and before a switched one, tell about the meter.

Knows arrays of readings and moments of switching. Knows no meter, no wire and no report.

Switched load. A reading stamped t_k is taken as the mean power over [t_k - delta - w, t_k - delta], where the load is
L while off and H while on. Least squares over (delta, w, L, H) gives delta, the stamp minus the end of the window
(latency and stamp convention together, which cannot be told apart), and the width w of the window; their standard
uncertainties are those of the linearised fit, with the residual scatter (method.md section 5). Where the readings are
further apart (dt) than w, an edge between two windows shows no more than that it is there: of n edges at random places
the closest leave 2(dt - w)/(n + 1) open in the mean, anywhere in which the fit may stand: a rectangular part of both.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import least_squares

from harness.errors import AnalysisError
from reports.analysis.uncertainty import Estimate, t_quantile

Floats = NDArray[np.float64]
Grade = Literal["good", "remark", "bad"]
LEAST_EDGES = 5
LEAST_READINGS = 10
VISIBLE_SIGMAS = 5.0
LATE_INTERVALS = 2.0
STUCK_SHARE = 0.2
OFFSETS_S = np.arange(-1.5, 3.01, 0.1)
WINDOWS_S = (0.02, 0.1, 0.2, 0.3, 0.5, 0.75, 1.0, 1.5, 2.0, 3.0, 5.0)


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
    return Check("resolution", "bad" if coarse else "good", sentence, numbers)


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
    origin = float(times_s[0])
    times, edges = times_s - origin, edges - origin

    def model(offset_s: float, window_s: float) -> Floats:
        ends = times - offset_s
        begins = ends - max(window_s, 1e-6)
        return (_time_on(ends, edges, first_on) - _time_on(begins, edges, first_on)) / (ends - begins)

    def levels(share: Floats) -> tuple[Floats, Floats]:
        design = np.column_stack([1 - share, share])
        found = np.asarray(np.linalg.lstsq(design, power_w, rcond=None)[0], dtype=np.float64)
        return found, np.asarray(power_w - design @ found)

    starts = [(o, w) for o in OFFSETS_S for w in WINDOWS_S]
    offset_s, window_s = min(starts, key=lambda at: float(np.sum(levels(model(*at))[1] ** 2)))

    def residuals(at: Floats) -> Floats:
        return np.asarray(power_w - (at[2] + (at[3] - at[2]) * model(float(at[0]), float(at[1]))))

    low_w, high_w = levels(model(offset_s, window_s))[0]
    fit = least_squares(residuals, [offset_s, window_s, low_w, high_w], x_scale=[0.1, 0.1, 1, 1], diff_step=1e-4)
    dof = times.size - 4
    variance = float(fit.fun @ fit.fun) / dof
    scatter_w = math.sqrt(variance)
    if abs(float(fit.x[3] - fit.x[2])) < VISIBLE_SIGMAS * scatter_w:
        raise AnalysisError(
            f"the load switches {fit.x[3] - fit.x[2]:+.3g} W and the readings scatter by {scatter_w:.3g} W about it; "
            "switch a larger load, and keep everything else still"
        )
    curvature = fit.jac.T @ fit.jac
    covariance = np.linalg.pinv(curvature) * variance
    u_offset, u_window = (math.sqrt(max(float(covariance[k, k]), 0.0)) for k in (0, 1))
    open_s = 2 * max(float(np.median(np.diff(times))) - float(fit.x[1]), 0.0) / (inside + 1)
    u_offset, u_window = (math.hypot(u_s, open_s / math.sqrt(3)) for u_s in (u_offset, u_window))
    return WindowFit(
        Estimate(float(fit.x[0]), u_offset, dof), Estimate(max(float(fit.x[1]), 0.0), u_window, dof),
        float(fit.x[2]), float(fit.x[3]), scatter_w, inside,
    )  # fmt: skip


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
