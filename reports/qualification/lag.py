"""How late a software meter follows the wall: the mean age of what it says (method.md section 13).

Knows two traces, each on its own irregular time base. Knows no run and no meter. Lag is counted from the power at the
wall to the stamp at which the software meter says it: its delay, half its averaging window and the time that a value
stands until it is read are all in it. The wall's own window is not: the wall's trace is energy, and knows its ends.

Cross-correlation (a load that was switched): both traces on one grid of the finer step, smoothed over the coarser one,
without what changes more slowly than the longest lag that is asked; the highest correlation, the parabola through it
and its neighbours, then Newton's steps (`alignment`).

Likelihood (natural steps): every reading at its own stamp beside the mean of the wall over a window that ends, or
ended, so long before; normal residuals; the window is fitted with the lag (`window`).

Both are refused where the record cannot tell: no overlap, a constant trace, a gain that noise may give by chance at one
of the lags that were asked, a lag at the end of the search, and a second lag that is nearly as likely.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from scipy import fft
from scipy.special import stdtr

from reports.qualification.alignment import Alignment, Sides, aligned, memory, product, smoothed
from reports.qualification.trace import EnergyTrace, Floats
from reports.qualification.window import boxcar_fit
from reports.results.software_meter import Lag, LagMethod, Refusal
from reports.results.uncertainty import Estimate, Number, Term, combine, t_quantile

LONGEST_LAG_S = 10.0
"""Asked are lags up to it, both ways."""
LEAST_OVERLAP = 6.0
"""Both traces must overlap for so many times the longest lag."""
BLOCK_S, BLOCK_STEPS = 30.0, 12.0
"""A block of the jackknife is as long as the longer of both: seconds, or coarser steps."""
NEWTON_STEPS = 3
RESOLUTION = 0.01
"""Limit of what grid and interpolation do to a lag, in coarser steps (simulated, docs/benchmarks.md)."""
BY_CHANCE = 1e-3
"""So rarely noise alone passes for a lag, over all lags that were asked."""
UNLIKELY = 14.0
"""A second lag whose log likelihood ratio is below it is nearly as likely (chi^2 that chance exceeds in 1 of 5000)."""
WIDEST = 0.5
"""A bound wider than so much of the longest lag tells nothing."""
LEAST_SAMPLES = 30
MOST_PLACES = 12000
"""The lag of a longer grid is refined in the stretch of so many places in which the wall steps most."""


@dataclass(frozen=True, slots=True)
class Record:
    """One run: the wall, and the software meter's readings, `times_s` ascending and `power_w`, shape (n,). Of a counter
    they are its mean powers at the middles between its readings."""

    run: str
    wall: EnergyTrace
    times_s: Floats
    power_w: Floats


@dataclass(frozen=True, slots=True)
class _Grid:
    """Both traces on one grid of `step_s`, smoothed over the coarser step, without their slow part."""

    step_s: float
    coarse_s: float
    longest_s: float
    wall: Floats
    software: Floats


def lag_of(records: Sequence[Record], method: LagMethod, longest_s: float = LONGEST_LAG_S) -> Lag | Refusal:
    """The lag over all records that tell one: their mean by 1 / u^2, as uncertain as they are or as they scatter."""
    found = [(record.run, _lag_in(record, method, longest_s)) for record in records]
    told = [(run, lag) for run, lag in found if isinstance(lag, Lag)]
    if not told:
        refusals = [lag for _, lag in found if isinstance(lag, Refusal)]
        return refusals[0] if refusals else Refusal("no-record", "No run has a record of both the wall and this meter.")
    values = np.array([lag.lag_s.value for _, lag in told])
    weights = np.array([1 / (lag.lag_s.estimate.u or 1.0) ** 2 for _, lag in told])
    weights /= weights.sum()
    mean = product(weights, values)
    terms = [Term(weight * (lag.lag_s.estimate.u or 0.0), lag.lag_s.estimate.dof or math.inf)
             for weight, (_, lag) in zip(weights, told, strict=True)]  # fmt: skip
    inner, n = combine(mean, terms), values.size
    scatter = math.sqrt(float(weights @ (values - mean) ** 2) / (n - 1)) if n > 1 else 0.0
    estimate = Estimate(mean, scatter, n - 1.0) if scatter > (inner.u or 0.0) else inner
    correlation = float(np.mean([lag.correlation for _, lag in told]))
    return _lag(method, estimate, correlation, tuple(run for run, _ in told))


def _lag_in(record: Record, method: LagMethod, longest_s: float) -> Lag | Refusal:
    grid = _grid(record, longest_s)
    if isinstance(grid, Refusal):
        return grid
    coarse = _coarse(grid)
    if isinstance(coarse, Refusal):
        return coarse
    lag_s, correlation, alignment = coarse
    if method == "likelihood":
        fit = boxcar_fit(record.wall, record.times_s, record.power_w, lag_s, alignment.dof)
        if isinstance(fit, Refusal):
            return fit
        lag_s, u_s, dof = fit.lag.value, fit.lag.u or 0.0, fit.lag.dof or math.inf
        correlation = fit.correlation
    else:
        u_s, dof = math.hypot(alignment.u_s, RESOLUTION * grid.coarse_s / math.sqrt(3)), alignment.dof
    expanded_s = t_quantile(dof) * u_s
    if expanded_s > WIDEST * longest_s:
        return Refusal(
            "undetermined", f"The lag would be {lag_s:.3g} s with a U of {expanded_s:.3g} s: that tells nothing."
        )
    return _lag(method, Estimate(lag_s, u_s, dof), correlation, (record.run,))


def _lag(method: LagMethod, estimate: Estimate, correlation: float, runs: tuple[str, ...]) -> Lag:
    expanded = estimate.expanded or 0.0
    bound_s = estimate.value - expanded, estimate.value + expanded
    return Lag(method, Number(estimate, "s"), bound_s, correlation, runs)


def _grid(record: Record, longest_s: float) -> _Grid | Refusal:
    """Both traces on one grid, or why there is none."""
    wall, times_s = record.wall, record.times_s
    if times_s.size < LEAST_SAMPLES:
        return Refusal("too-short", f"{times_s.size} readings of the software meter; a lag needs {LEAST_SAMPLES}.")
    begin_s, end_s = max(float(wall.times_s[0]), float(times_s[0])), min(float(wall.times_s[-1]), float(times_s[-1]))
    if end_s - begin_s < LEAST_OVERLAP * longest_s:
        return Refusal(
            "no-overlap",
            f"The two traces overlap for {max(end_s - begin_s, 0.0):.6g} s; a lag up to {longest_s:g} s needs "
            f"{LEAST_OVERLAP * longest_s:g} s. Check time zones and clocks.",
        )
    if np.ptp(record.power_w) == 0:
        return Refusal("constant", f"The software meter says {record.power_w[0]:.6g} W all the time.")
    software_step_s = float(np.median(np.diff(times_s)))
    step_s, coarse_s = sorted((software_step_s, wall.usual_step_s))
    count = int((end_s - begin_s) / step_s)
    edges_s = begin_s + step_s * np.arange(count + 1, dtype=np.float64)
    sides = np.diff(wall.at(edges_s)) / step_s, np.interp(edges_s[:-1] + step_s / 2, times_s, record.power_w)
    half, slow = max(round(coarse_s / step_s / 2), 1), 2 * math.ceil(longest_s / step_s)
    smooth = [smoothed(smoothed(side, half), half) for side in sides]
    fast = [side - smoothed(side, slow) for side in smooth]
    if not all(product(side, side) > 0 for side in fast):
        return Refusal("constant", "One of the two traces is constant.")
    return _Grid(step_s, coarse_s, longest_s, *fast)


def _coarse(grid: _Grid) -> tuple[float, float, Alignment] | Refusal:
    """Lag, correlation and how well it is known, by cross-correlation; or why it is not."""
    longest_s = grid.longest_s
    n, most = grid.wall.size, math.ceil(longest_s / grid.step_s)
    size = fft.next_fast_len(n + most, real=True)
    products = fft.irfft(fft.rfft(grid.software, size) * np.conj(fft.rfft(grid.wall, size)), size)
    correlations = np.concatenate([products[-most:], products[: most + 1]])
    correlations /= np.sqrt(_overlapping(grid.software, most) * _overlapping(grid.wall, most)[::-1])
    peak = int(np.argmax(correlations))
    if peak in (0, 2 * most):
        return Refusal("undetermined", f"The traces agree best at a lag of {longest_s:g} s or more, if at all.")
    before, at, after = correlations[peak - 1 : peak + 2]
    lag_s = (peak - most + (before - after) / (2 * (before - 2 * at + after))) * grid.step_s
    refined = _refined(grid, lag_s)
    if isinstance(refined, Refusal):
        return refined
    lag_s, alignment = refined
    residuals = _residuals(grid, peak - most, float(at))
    refusal = _by_chance(alignment, float(at), grid, residuals)
    refusal = refusal or _second(correlations, peak, grid, residuals, alignment.u_s)
    return refusal or (lag_s, float(at), alignment)


def _refined(grid: _Grid, lag_s: float) -> tuple[float, Alignment] | Refusal:
    """The lag after Newton's steps, and how well it is known."""
    block = max(int(max(BLOCK_S, BLOCK_STEPS * grid.coarse_s) / grid.step_s), 1)
    width = 2 * max(round(grid.coarse_s / grid.step_s / 2), 1)
    shown = _most_stepping(grid, block)
    steps = 0
    while (alignment := aligned(_shifted(shown, lag_s), block, width)) is not None:
        steps += 1
        lag_s += alignment.step_s
        if abs(lag_s) > grid.longest_s:
            break
        if steps == NEWTON_STEPS:
            return lag_s, alignment
    return Refusal("undetermined", "The power steps too little in these traces, or too rarely, to tell a lag.")


def _most_stepping(grid: _Grid, block: int) -> _Grid:
    """Of a long record the stretch of `MOST_PLACES` in which the wall steps most: more says hardly more."""
    size = max(MOST_PLACES, 20 * block)
    if grid.wall.size <= size:
        return grid
    stepping = np.add.reduceat(np.diff(grid.wall) ** 2, np.arange(0, grid.wall.size - size, size // 4))
    sums = np.convolve(stepping, np.ones(4), mode="valid") if stepping.size >= 4 else stepping[:1]
    begin = int(np.argmax(sums)) * (size // 4)
    stretch = slice(begin, begin + size)
    return replace(grid, wall=grid.wall[stretch], software=grid.software[stretch])


def _overlapping(values: Floats, most: int) -> Floats:
    """Sum of squares of what overlaps the other side at lags from -`most` to `most`: without its end, or its begin."""
    squares = values * values
    begins = np.concatenate([[0.0], np.cumsum(squares[:most])])
    ends = np.concatenate([[0.0], np.cumsum(squares[::-1][:most])])
    return np.asarray(float(squares.sum()) - np.concatenate([ends[::-1], begins[1:]]))


def _shifted(grid: _Grid, lag_s: float) -> Sides:
    """Both sides with the lag taken off, without the ends that it leaves open."""
    x_s = np.arange(grid.wall.size) * grid.step_s
    wall = np.interp(x_s - lag_s, x_s, grid.wall)
    most = math.ceil(grid.longest_s / grid.step_s)
    inside = slice(most, -most)
    slopes = [np.gradient(side, grid.step_s)[inside] for side in (grid.software, wall)]
    return Sides(grid.software[inside], slopes[0], wall[inside], slopes[1])


def _residuals(grid: _Grid, lag: int, correlation: float) -> Floats:
    """What the wall, `lag` places later, leaves of the software meter."""
    scale = math.sqrt(product(grid.software, grid.software) / product(grid.wall, grid.wall))
    return np.asarray(grid.software - correlation * scale * np.roll(grid.wall, lag))


def _by_chance(alignment: Alignment, correlation: float, grid: _Grid, residuals: Floats) -> Refusal | None:
    """Why what both have in common may be noise. It is none where the gain's t over the blocks is beyond the limit for
    all lags asked, or, where few steps tell it, the correlation's: by as many values as say something alone, by the
    memory of wall and residuals (Bartlett 1935)."""
    if alignment.gain <= 0:
        return Refusal("undetermined", "The software meter does not rise where the wall rises.")
    t = alignment.gain / alignment.gain_u if alignment.gain_u > 0 else math.inf
    independent = grid.wall.size / memory(grid.wall, residuals)
    of_correlation = correlation * math.sqrt(max(independent - 2, 0.0) / max(1 - correlation**2, 1e-12))
    n_lags = 2 * math.ceil(grid.longest_s / grid.step_s) + 1
    tests = ((t, alignment.dof), (of_correlation, max(independent - 2, 1.0)))
    if any(n_lags * (1 - float(stdtr(dof, value))) <= BY_CHANCE for value, dof in tests):
        return None
    return Refusal(
        "undetermined", f"What both traces have in common may be noise: their correlation is {correlation:.3g}."
    )


def _second(correlations: Floats, peak: int, grid: _Grid, residuals: Floats, u_s: float) -> Refusal | None:
    """Another lag that is nearly as likely; none within five standard uncertainties or four coarser steps counts."""
    places = np.arange(correlations.size)
    near = max(4 * grid.coarse_s, 5 * u_s) / grid.step_s
    tops = np.concatenate([[False], (np.diff(correlations)[:-1] > 0) & (np.diff(correlations)[1:] <= 0), [False]])
    others = tops & (np.abs(places - peak) > near)
    if not others.any():
        return None
    second = int(places[others][np.argmax(correlations[others])])
    best, next_best = float(correlations[peak]), max(float(correlations[second]), 0.0)
    independent = residuals.size / memory(residuals, residuals)
    ratio = independent * math.log((1 - next_best**2) / max(1 - best**2, 1e-12))
    if ratio >= UNLIKELY:
        return None
    found_s = [(place - (correlations.size - 1) // 2) * grid.step_s for place in (peak, second)]
    return Refusal("undetermined", f"Lags of {found_s[0]:.3g} s and of {found_s[1]:.3g} s are nearly equally likely.")
