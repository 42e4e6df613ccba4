"""How often a software meter says something new, in which steps, and what it leaves unanswered (method.md section 13).

Knows the readings of one column. Knows no stream and no wall.

Update interval: the time between two readings that differ; in a stretch of power that moves, that is the meter's own
period wherever it was asked at least twice as often. Quantum: the largest step of which all values are multiples,
where it is more than the decimals that they are written with explain. Dead band: the smallest change that is shown,
where smaller ones are missing.
"""

import math

import numpy as np

from reports.qualification.trace import Floats, continued, unwrapped
from reports.results.software_meter import MeterKind, Refusal, Response, Sampling
from reports.results.uncertainty import Estimate, Number

LEAST_READINGS = 10
LEAST_VALUES = 3
"""Fewer different values do not tell a quantum."""
OFTEN_ENOUGH, AWAY = 2.0, 1.5
"""Asked so often within one update, its time is resolved; it then comes out so many asking steps early or late."""
MULTIPLE = 1e-4
"""A value may lie so much of a quantum off its multiple: powers are written with few digits."""
LEAST_UPDATES = 5
COARSE = 4.0
"""A quantum is one where it is so many times the smallest decimal that the values are written with."""
NO_SMALL_PART, QUANTA = 0.3, 1.5
"""A dead band is at least so much of the usual change, and so many quanta: noise alone has ever smaller changes."""
DIGITS = 9


def sampling_of(
    times_s: Floats, values: Floats, kind: MeterKind, range_j: float | None, share: float,
    boxcar: Response | Refusal,
) -> Sampling | Refusal:  # fmt: skip
    """What the readings of one column tell: `times_s` and `values` (W of a gauge, J of a counter), shape (n,).

    `range_j`: where the counter begins anew. `share` (software / wall, 0 where it is not known) places the dead
    band. `boxcar`: the averaging window, by which the share of time is told that the values speak of.
    """
    if times_s.size < LEAST_READINGS:
        return Refusal("no-record", f"{times_s.size} readings; what a meter's steps are needs {LEAST_READINGS}.")
    steps_s = np.diff(times_s)
    asked_s = float(np.median(steps_s))
    counter = unwrapped(times_s, values, range_j) if kind == "counter" else None
    plain = values if counter is None else continued(values, counter, range_j)
    new = np.concatenate([[True], np.diff(plain) != 0])
    update_s = _update(times_s[new], asked_s)
    missing = float(np.maximum(np.round(steps_s / asked_s) - 1, 0).sum())
    differences = np.abs(np.diff(plain) if counter is None else np.diff(plain)[~counter.resets])
    differences = differences[differences > 0]
    is_resolved = not isinstance(update_s, Refusal) and update_s.value >= OFTEN_ENOUGH * asked_s
    return Sampling(
        update_interval_s=update_s,
        update_is_resolved=is_resolved,
        sampled_share=_sampled_share(update_s, boxcar, kind, is_resolved=is_resolved),
        resolution=float(differences.min()) if differences.size else None,
        quantum=quantum_of(plain),
        dead_band_w=None if kind == "counter" else dead_band_w(values, share),
        n_wraps=0 if counter is None else counter.n_wraps,
        missing_share=missing / (missing + times_s.size),
    )


def _update(changes_s: Floats, asked_s: float) -> Refusal | Number:
    """The usual time between two new values: the mean of those near the median; a value that came again unchanged, or
    was missed, makes others longer."""
    intervals_s = np.diff(changes_s)
    if intervals_s.size < LEAST_UPDATES:
        return Refusal("constant", f"The value changed {intervals_s.size} times; an interval needs {LEAST_UPDATES}.")
    median_s = float(np.median(intervals_s))
    away_s = AWAY * asked_s if median_s >= OFTEN_ENOUGH * asked_s else asked_s / 2
    usual = intervals_s[np.abs(intervals_s - median_s) <= away_s]
    sd_s = float(usual.std(ddof=1)) if usual.size > 1 else 0.0
    u_s = sd_s / math.sqrt(usual.size)
    return Number(Estimate(float(usual.mean()), u_s, max(usual.size - 1.0, 1.0)), "s", sd_s, int(usual.size))


def _sampled_share(
    update_s: Refusal | Number, boxcar: Response | Refusal, kind: MeterKind, *, is_resolved: bool
) -> Refusal | Number:
    """Averaging window / update interval, at most 1; a counter counts all the time. Where the readings show how long a
    value stands (`is_resolved`), that is in the fitted window, and comes off its square."""
    if kind == "counter":
        return Number(Estimate(1.0, None, None), "1")
    if isinstance(update_s, Refusal):
        return update_s
    if isinstance(boxcar, Refusal):
        return boxcar
    window_s, u_s, stands_s = boxcar.duration_s.value, boxcar.duration_s.estimate.u or 0.0, update_s.value
    held_s = stands_s if is_resolved else 0.0
    alone_s = math.sqrt(max(window_s**2 - held_s**2, 0.0))
    wider_s = math.sqrt(max((window_s + u_s) ** 2 - held_s**2, 0.0))
    return Number(
        Estimate(min(alone_s / stands_s, 1.0), (wider_s - alone_s) / stands_s, boxcar.duration_s.estimate.dof), "1"
    )


def quantum_of(values: Floats) -> float | None:
    """The largest step of which all `values` (shape (n,)) are multiples; None where it is no more than their decimals,
    and of fewer than three different values."""
    different = np.unique(np.round(values[np.isfinite(values)], DIGITS))
    if different.size < LEAST_VALUES:
        return None
    decimal = _decimal(different)
    quantum = float(np.gcd.reduce(np.round(np.abs(different) / decimal).astype(np.int64))) * decimal
    if quantum >= COARSE * decimal:
        return quantum
    return _nearly(different, decimal)


def _decimal(different: Floats) -> float:
    """The smallest decimal that the values are written with, not below a millionth of the largest."""
    for digits in range(DIGITS):
        if np.allclose(np.round(different, digits), different, rtol=0, atol=10.0 ** -(digits + 3)):
            return float(10.0**-digits)
    return float(10.0**-DIGITS)


def _nearly(different: Floats, decimal: float) -> float | None:
    """The same of values that were rounded after they were quantised: multiples of the smallest difference within what
    their decimals explain."""
    differences = np.diff(different)
    step = float(differences.min())
    for _ in range(3):
        if step < COARSE * decimal:
            return None
        counts = np.round(different / step)
        if not counts.any() or (counts[different != 0] == 0).any():
            return None
        step = float(different @ counts / (counts @ counts))
    away = np.abs(different - np.round(different / step) * step)
    return step if bool(np.all(away <= decimal / 2 + MULTIPLE * step)) else None


def quantum_u_w(quantum_w: float | None, readings_w: Floats) -> float:
    """Standard uncertainty (W) of a mean of readings by their quantum: a rectangle of one quantum, smaller by the
    square root of their number where their own spread dithers it (method.md section 6, u_res)."""
    if quantum_w is None or readings_w.size == 0:
        return 0.0
    u_w = quantum_w / (2 * math.sqrt(3))
    is_dithered = readings_w.size > 1 and float(readings_w.std(ddof=1)) >= quantum_w / 2
    return u_w / math.sqrt(readings_w.size) if is_dithered else u_w


def dead_band_w(values: Floats, share: float) -> float | None:
    """Change (W of the wall) that a gauge leaves unanswered: the smallest change that it shows, where that is more than
    a quantum explains and no small part of the usual one; else None."""
    changes = np.abs(np.diff(values))
    changes = changes[changes > 0]
    if changes.size < LEAST_UPDATES or not share > 0:
        return None
    smallest = float(changes.min())
    if smallest < NO_SMALL_PART * float(np.median(changes)) or smallest < QUANTA * (quantum_of(values) or 0.0):
        return None
    return smallest / share
