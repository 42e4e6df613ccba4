"""How often a meter has a new value, from readings that were asked for faster than it has them.

Knows arrays of readings. Knows no meter, no wire and no report.

A value is new where it differs from the one before, so that it was refreshed between the two readings: its moment is
known to half their distance. A steady load repeats values, and distances between changes are then whole multiples of
the refresh. So the refresh is the longest time of which (nearly) all distances are multiples, within the distance of
two readings; each distance divided by its multiple is a value of it, and of these the median is told, with the span of
the middle nine tenths.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from reports.energy.selftest import Check, Grade

Floats = NDArray[np.float64]
LEAST_CHANGES = 8
LEAST_STEPS = 4.0
"""A refresh shorter than so many distances of readings is not told from one at each reading."""
EACH_SHARE = 0.75
"""New values in so many of the readings: it has one whenever it is asked."""
FITTING_SHARE = 0.9
SLACK = 1.25
"""How far a distance may be off a multiple, in distances of readings: one, and the jitter of answers."""
AGREES = 0.1
CANDIDATES = 2000
LONGEST_MULTIPLE = 20


@dataclass(frozen=True, slots=True)
class Refresh:
    """What was seen: the distance at which the meter was asked (s, median), how many values were new, and the refresh
    (s) with the span of the middle nine tenths, where all that is known."""

    asked_s: float
    changes: int
    questions: int
    refresh_s: float | None = None
    low_s: float | None = None
    high_s: float | None = None


def measured(times_s: Floats, values: Floats) -> Refresh:
    """The refresh of values, shape (n, quantities), NaN where there is none, that came at `times_s`, shape (n,)."""
    if times_s.size < 3:
        return Refresh(0.0, 0, int(times_s.size))
    steps_s = np.diff(times_s)
    asked_s = float(np.median(steps_s))
    both = np.isfinite(values[1:]) & np.isfinite(values[:-1])
    is_new = np.any(both & (values[1:] != values[:-1]), axis=1)
    moments_s = (times_s[1:] - steps_s / 2)[is_new]
    found = Refresh(asked_s, int(is_new.sum()), int(steps_s.size))
    if found.changes < LEAST_CHANGES or found.changes > EACH_SHARE * found.questions:
        return found
    distances_s = np.diff(moments_s)
    refresh_s = _longest_period(distances_s, max(asked_s, float(np.quantile(steps_s, 0.95))))
    if refresh_s is None:
        return found
    quotients_s = distances_s / np.maximum(1, np.round(distances_s / refresh_s))
    low_s, middle_s, high_s = (float(part) for part in np.quantile(quotients_s, (0.05, 0.5, 0.95)))
    return Refresh(asked_s, found.changes, found.questions, middle_s, low_s, high_s)


def _longest_period(distances_s: Floats, step_s: float) -> float | None:
    """The longest time of which most distances are multiples, None where there is none that could be told."""
    near = distances_s[distances_s <= LONGEST_MULTIPLE * np.quantile(distances_s, 0.1)]
    for candidate_s in np.linspace(float(near.max()) + step_s, LEAST_STEPS * step_s, CANDIDATES):
        multiples = np.round(near / candidate_s)
        fits = (multiples >= 1) & (np.abs(near - multiples * candidate_s) <= SLACK * step_s)
        if float(np.mean(fits)) >= FITTING_SHARE and np.any(multiples[fits] == 1):
            counts = multiples[fits]
            return float(counts @ near[fits] / (counts @ counts))
    return None


def refresh_check(
    power: tuple[Floats, Floats], beside: Sequence[Floats], stated_s: float | None, *, is_set: str
) -> Check:
    """Compare the measured refresh with what the driver takes for it.

    `power` are the times (s) and powers (W, NaN where there is none), `beside` the other quantities at these times,
    used where the power alone changes too rarely; `is_set` the options by which a lab states another one, empty where
    the driver has none.
    """
    times_s, power_w = power
    seen, which = measured(times_s, power_w[:, None]), "the power"
    if seen.refresh_s is None and seen.changes < LEAST_CHANGES and beside:
        seen, which = measured(times_s, np.column_stack([power_w, *beside])), "one of its values"
    numbers = {
        "refresh_s": seen.refresh_s, "low_s": seen.low_s, "high_s": seen.high_s, "asked_s": seen.asked_s,
        "changes": float(seen.changes), "questions": float(seen.questions), "stated_s": stated_s,
    }  # fmt: skip
    grade, sentence = _words(seen, which, stated_s, is_set)
    return Check("refresh", grade, sentence, numbers)


def _words(seen: Refresh, which: str, stated_s: float | None, is_set: str) -> tuple[Grade, str]:
    stated = "its driver states none" if stated_s is None else f"its driver takes {stated_s:g} s"
    asked = f"{which} changed {seen.changes} times in {seen.questions} readings, one each {seen.asked_s:.3g} s"
    if seen.changes < LEAST_CHANGES:
        return "remark", (
            f"{asked}: too rarely to say how often it is new ({stated}); let the load vary, or give --seconds more time"
        )
    if seen.refresh_s is None and seen.changes > EACH_SHARE * seen.questions:
        is_slower = stated_s is not None and stated_s > LEAST_STEPS * seen.asked_s
        advice = f"; what is new is taken for new all the same; {is_set} may be shorter" if is_set else ""
        return "remark" if is_slower else "good", (
            f"{asked}: it has a new value whenever it is asked ({stated}){advice if is_slower else ''}"
        )
    if seen.refresh_s is None and seen.changes * LEAST_STEPS > seen.questions:
        return "remark", (
            f"{asked}: whether it repeats itself or the load is steady cannot be told from so few readings between "
            f"changes ({stated}); let the load vary"
        )
    if seen.refresh_s is None:
        return "remark", (
            f"{asked}, at no steady distance: it may send when a value changes, or was too slow to answer ({stated})"
        )
    assert seen.low_s is not None
    assert seen.high_s is not None
    span = (
        f"a new value each {seen.refresh_s:.3g} s ({seen.low_s:.3g} to {seen.high_s:.3g} s) at {seen.changes} changes"
    )
    if stated_s is None or abs(seen.refresh_s - stated_s) <= max(AGREES * stated_s, seen.asked_s / 2):
        return "good", f"{span}; {stated}"
    if seen.refresh_s < stated_s:
        return "remark", f"{span}; {stated}{_advice(is_set, seen.refresh_s)}: repeated values are marked for too long"
    consequence = "a value that only repeats counts as a new one"
    return "bad", f"{span}; {stated}, so that {consequence}{_advice(is_set, seen.refresh_s)}"


def _advice(is_set: str, refresh_s: float) -> str:
    return f"; set the option {is_set} = {refresh_s:.2g}" if is_set else ""
