"""How a software meter averages: a mean over a window, or a first-order approach, and its mean age with it.

Knows two traces, each on its own irregular time base. Knows no run and no meter. Every reading stands at its own stamp
beside the wall as that response would show it, `mean age` before:

    boxcar        m(t) = mean of the wall's power over [t - age - w/2, t - age + w/2]
    first order   m(t) = integral of wall(t - age + tau - s) exp(-s/tau) / tau ds,  s > 0

For a pair (age, duration) the best offset and gain leave a sum of squares; normal residuals make a likelihood of it,
whose mean and spread over a grid are the result. Four things keep that honest. The residuals count by how much the
model moves there with the age: a hold or a quantum errs at steps, not between them. They count by how far they resemble
their neighbours there. Only what happens within blocks counts, so that drift decides nothing. Where few
readings see a step (a short window, a slow meter, a coarse quantum), leaving out each block says what the likelihood
does not.

A value that stands until the next is read late: that hold is part of age and duration. What is shorter than the wall's
own windows is hardly told: the duration has them in its uncertainty.
"""

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Literal

import numpy as np
from scipy.signal import lfilter

from reports.qualification.trace import EnergyTrace, Floats, stepped
from reports.results.software_meter import Refusal, Response
from reports.results.uncertainty import Estimate, Number

Form = Literal["boxcar", "first-order"]
DURATIONS_S = (0.05, 0.3, 0.7, 1.2, 2.0, 3.0, 4.5, 7.0, 10.0)
AGES, DURATIONS = 17, 9
"""Steps of the fine grid."""
SPREADS = 4.5
"""The fine grid reaches so many standard deviations both ways."""
PASSES = 4
BLOCK_S, BLOCK_STEPS = 60.0, 20.0
MOST_SAMPLES = 4000
"""Of a longer record the blocks with the largest steps are taken, up to so many readings."""
SHORTEST_S = 0.02
SHORT_PART, LONG_STEPS = 0.7, 2.0
"""Where the window is less than so much of the step between readings, or a value stands for more than so many steps of
the wall, few readings see a step: blocks are left out then."""
RESOLUTION = 0.01
"""Limit of what the wall's windows do to an age, in coarser steps (simulated, docs/benchmarks.md)."""
MEMORY = 5
"""Readings over which a residual resembles others."""


@dataclass(frozen=True, slots=True)
class ResponseFit:
    """Mean age and duration of a response, what the fit leaves over (W of the software meter), and the correlation of
    reading and response."""

    lag: Estimate
    duration: Estimate
    residual_sd_w: float
    correlation: float


@dataclass(frozen=True, slots=True)
class _Problem:
    """Readings in blocks, `starts` of them; the wall, and its response of a duration at some instants."""

    times_s: Floats
    power_w: Floats
    starts: np.ndarray
    response: Callable[[Floats, float], Floats]

    def squares(self, ages_s: Floats, duration_s: float) -> Floats:
        """What the best gain leaves over at each age, shape (k, 1), and without each of the blocks, shape (k, blocks):
        side by side."""
        model = self.centred(self.response(self.times_s[None, :] - ages_s[:, None], duration_s))
        software = self.centred(self.power_w[None, :])
        power, shared, whole = (self._with_rest(values) for values in (model**2, model * software, software**2))
        explained = np.divide(shared**2, power, out=np.zeros_like(power), where=(power > 0) & (shared > 0))
        return np.asarray(whole - explained)

    def _with_rest(self, values: Floats) -> Floats:
        """Sums of each row: over all, and over all but each block."""
        parts = np.add.reduceat(values, self.starts, axis=1)
        whole = parts.sum(axis=1, keepdims=True)
        return np.concatenate([whole, whole - parts], axis=1)

    def centred(self, values: Floats) -> Floats:
        """Each row less its mean over each block."""
        counts = np.diff(np.append(self.starts, values.shape[1]))
        means = np.add.reduceat(values, self.starts, axis=1) / counts
        return np.asarray(values - np.repeat(means, counts, axis=1))


def boxcar_fit(wall: EnergyTrace, times_s: Floats, power_w: Floats, near_s: float, dof: float) -> ResponseFit | Refusal:
    """Mean age and window of the readings `power_w` at `times_s` (shape (n,)), the age being about `near_s`.

    `dof`: degrees of freedom, as many as steps that tell the age, less one (`alignment`).
    """
    return _fit("boxcar", wall, times_s, power_w, near_s, dof)


def first_order_fit(
    wall: EnergyTrace, times_s: Floats, power_w: Floats, near_s: float, dof: float
) -> ResponseFit | Refusal:
    """Mean age and time constant, likewise."""
    return _fit("first-order", wall, times_s, power_w, near_s, dof)


def response_record(form: Form, fit: ResponseFit | Refusal) -> Response | Refusal:
    """A fit as the certificate has it."""
    return fit if isinstance(fit, Refusal) else Response(form, Number(fit.duration, "s"), fit.residual_sd_w)


def _fit(
    form: Form, wall: EnergyTrace, times_s: Floats, power_w: Floats, near_s: float, dof: float
) -> ResponseFit | Refusal:
    step_s = float(np.median(np.diff(times_s)))
    coarse_s = max(step_s, wall.usual_step_s)
    margin_s = abs(near_s) + DURATIONS_S[-1] + 2 * coarse_s
    inside = (times_s >= wall.times_s[0] + margin_s) & (times_s <= wall.times_s[-1] - margin_s)
    problem = _problem(form, wall, times_s[inside], power_w[inside], near_s, coarse_s)
    if problem is None:
        return Refusal("too-short", "Too few readings lie within the wall's trace to tell how the meter averages.")
    ages_s = near_s + coarse_s * np.linspace(-2, 2, AGES)
    durations_s = np.array(DURATIONS_S)
    means, spreads = (near_s, coarse_s), (0.0, 0.0)
    for _ in range(PASSES):
        squares = _grid(problem, ages_s, durations_s)
        variance = _variance(problem, *_best(squares, ages_s, durations_s), coarse_s)
        if not variance > 0:
            return Refusal("constant", "One of the two traces is constant.")
        means, spreads = _moments(squares[:, :, 0], ages_s, durations_s, variance)
        if means[1] < SHORT_PART * step_s or _stands_s(problem) > LONG_STEPS * wall.usual_step_s:
            jackknife = _jackknife(squares, ages_s, durations_s, variance)
            spreads = max(spreads[0], jackknife[0]), max(spreads[1], jackknife[1])
        steps = ages_s[1] - ages_s[0], float(np.max(np.diff(durations_s)[:2]))
        reach = [SPREADS * max(spread, step / 2) for spread, step in zip(spreads, steps, strict=True)]
        ages_s = means[0] + reach[0] * np.linspace(-1, 1, AGES)
        low_s = max(means[1] - reach[1], SHORTEST_S)
        durations_s = np.linspace(low_s, max(means[1] + reach[1], low_s + 2 * SHORTEST_S), DURATIONS)
    left = float(problem.squares(np.array([means[0]]), means[1])[0, 0])
    software = problem.centred(problem.power_w[None, :])[0]
    correlation = math.sqrt(max(1 - left / float(software @ software), 0.0))
    blind_s = wall.usual_step_s / math.sqrt(12)
    duration = Estimate(means[1], math.hypot(spreads[1], blind_s), dof)
    residual_sd_w = math.sqrt(left / max(software.size - problem.starts.size - 1, 1))
    lag = Estimate(means[0], math.hypot(spreads[0], RESOLUTION * coarse_s / math.sqrt(3)), dof)
    return ResponseFit(lag, duration, residual_sd_w, correlation)


def _stands_s(problem: _Problem) -> float:
    """For how long a value usually stands."""
    changes = np.flatnonzero(np.diff(problem.power_w, prepend=np.nan) != 0)
    return float(np.median(np.diff(problem.times_s[changes]))) if changes.size > 1 else math.inf


def _problem(
    form: Form, wall: EnergyTrace, times_s: Floats, power_w: Floats, near_s: float, coarse_s: float
) -> _Problem | None:
    """The readings in blocks; of many only the blocks in which the wall steps most."""
    block_s = max(BLOCK_S, BLOCK_STEPS * coarse_s)
    if times_s.size < BLOCK_STEPS:
        return None
    blocks = ((times_s - times_s[0]) / block_s).astype(np.int64)
    response = _boxcar(wall) if form == "boxcar" else _first_order(wall, coarse_s)
    if times_s.size > MOST_SAMPLES:
        shown = np.append(0.0, np.diff(response(times_s - near_s, coarse_s)) ** 2)
        stepping = np.bincount(blocks, shown)
        order = np.argsort(stepping)[::-1]
        kept = order[np.cumsum(np.bincount(blocks)[order]) <= MOST_SAMPLES]
        chosen = np.isin(blocks, kept)
        times_s, power_w, blocks = times_s[chosen], power_w[chosen], blocks[chosen]
    return _Problem(times_s, power_w, np.flatnonzero(np.diff(blocks, prepend=-1)), response)


def _boxcar(wall: EnergyTrace) -> Callable[[Floats, float], Floats]:
    wall = stepped(wall)

    def response(at_s: Floats, duration_s: float) -> Floats:
        return np.asarray((wall.at(at_s + duration_s / 2) - wall.at(at_s - duration_s / 2)) / duration_s)

    return response


def _first_order(wall: EnergyTrace, coarse_s: float) -> Callable[[Floats, float], Floats]:
    step_s = min(coarse_s, wall.usual_step_s) / 4
    wall = stepped(wall)
    edges_s = np.arange(wall.times_s[0], wall.times_s[-1], step_s)
    power_w = np.diff(wall.at(edges_s)) / step_s

    def response(at_s: Floats, duration_s: float) -> Floats:
        kept = math.exp(-step_s / duration_s)
        shown_w, _ = lfilter([1 - kept], [1.0, -kept], power_w, zi=[kept * power_w[0]])
        return np.asarray(np.interp(at_s + duration_s, edges_s[1:], shown_w))

    return response


def _grid(problem: _Problem, ages_s: Floats, durations_s: Floats) -> Floats:
    """The sums of squares, shape (durations, ages, 1 + blocks)."""
    return np.array([problem.squares(ages_s, float(duration_s)) for duration_s in durations_s])


def _best(squares: Floats, ages_s: Floats, durations_s: Floats) -> tuple[float, float]:
    """Age and duration of least squares on a grid."""
    place = np.unravel_index(int(np.argmin(squares[:, :, 0])), squares.shape[:2])
    return float(ages_s[place[1]]), float(durations_s[place[0]])


def _variance(problem: _Problem, age_s: float, duration_s: float, coarse_s: float) -> float:
    """Variance of the residuals where the model moves with the age, times what their resemblance adds."""
    ages_s = age_s + coarse_s * np.array([-0.5, 0.0, 0.5])
    before, model, after = problem.centred(problem.response(problem.times_s[None, :] - ages_s[:, None], duration_s))
    software = problem.centred(problem.power_w[None, :])[0]
    power = float(model @ model)
    if not power > 0:
        return 0.0
    residuals = software - float(model @ software) / power * model
    scores = (after - before) * residuals
    moving = float(np.sum((after - before) ** 2))
    return float(scores @ scores) / moving * _growth(scores)


def _growth(scores: Floats) -> float:
    """How much the variance of a sum of scores is more than that of as many independent ones (Bartlett's weights over
    `MEMORY` readings); at least 1."""
    shared = [float(scores[k:] @ scores[:-k]) * (1 - k / (MEMORY + 1)) for k in range(1, MEMORY + 1)]
    return max(1 + 2 * math.fsum(shared) / float(scores @ scores), 1.0) if np.any(scores) else 1.0


def _moments(
    squares: Floats, ages_s: Floats, durations_s: Floats, variance: float
) -> tuple[tuple[float, float], tuple[float, float]]:
    """Mean and spread of the likelihood of sums of squares on a grid, shape (durations, ages): of the age, and of the
    duration."""
    weights = np.exp(-(squares - squares.min()) / (2 * variance)) * np.gradient(durations_s)[:, None]
    weights /= weights.sum()
    (age, age_spread), (duration, duration_spread) = _margins(weights, ages_s, durations_s)
    return (age, duration), (age_spread, duration_spread)


def _margins(weights: Floats, ages_s: Floats, durations_s: Floats) -> Iterator[tuple[float, float]]:
    for axis, values in ((0, ages_s), (1, durations_s)):
        margin = weights.sum(axis=axis)
        mean = float(margin @ values)
        step = float(np.min(np.diff(values)))
        yield mean, math.sqrt(float(margin @ (values - mean) ** 2) + step**2 / 12)


def _jackknife(squares: Floats, ages_s: Floats, durations_s: Floats, variance: float) -> tuple[float, float]:
    """Standard uncertainties of age and duration by leaving out each block."""
    count = squares.shape[2] - 1
    means = np.array(
        [_moments(squares[:, :, block], ages_s, durations_s, variance)[0] for block in range(1, count + 1)]
    )
    u = np.sqrt(np.sum((means - means.mean(axis=0)) ** 2, axis=0) * (count - 1) / count)
    return float(u[0]), float(u[1])
