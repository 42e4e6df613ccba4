"""How far one series lies behind another, and how well that is known, once it is nearly known.

Knows two series of one length and the derivative of the one. Knows no clock and no meter.

With model = b wall(t - lag), the lag of least squares is where sum(q e) = 0, q = -b wall'(t - lag) being what the model
changes by a later lag, e the residuals. Newton's step takes the derivative of what was *observed* (-software'): a
window or a hold that the model does not have makes that one flatter than q, and an uncertainty from q^2 too small. The
gain b is fitted with it. Seconds are no replicates, steps of the power are: so the uncertainty is a jackknife over
blocks whose bounds lie where nothing steps.
"""

from dataclasses import dataclass

import numpy as np

from reports.qualification.trace import Floats

HIGHEST = 0.999
"""No correlation of neighbours counts as more."""


@dataclass(frozen=True, slots=True)
class Sides:
    """What is aligned, shape (n,) each, without their slow part: `software`, and `wall` where the lag has been taken
    off, both in W; their derivatives in W/s."""

    software: Floats
    software_slope: Floats
    wall: Floats
    wall_slope: Floats


@dataclass(frozen=True, slots=True)
class Alignment:
    """By how much the lag still is wrong (`step_s`), its standard uncertainty, what b is and its own, and how many
    blocks hold the steps (as many as would, if they held equally much), less one."""

    step_s: float
    u_s: float
    gain: float
    gain_u: float
    dof: float


def product(first: Floats, second: Floats) -> float:
    """Sum of products, by one thread: of long vectors BLAS starts several, which then wait for each other."""
    return float(np.einsum("i,i->", first, second))


def smoothed(values: Floats, half: int) -> Floats:
    """The mean over `half` values before, the value, and `half` after; fewer at the ends."""
    size, width = values.size, 2 * half + 1
    cumulated = np.empty(size + 1)
    cumulated[0] = 0.0
    np.cumsum(values, out=cumulated[1:])
    if size <= width:
        places = np.arange(size)
        low, high = np.maximum(places - half, 0), np.minimum(places + half + 1, size)
        return np.asarray((cumulated[high] - cumulated[low]) / (high - low))
    means = np.empty(size)
    np.subtract(cumulated[width:], cumulated[:-width], out=means[half : size - half])
    means[half : size - half] /= width
    shorter = np.arange(half + 1, width)
    means[:half] = cumulated[half + 1 : width] / shorter
    means[size - half :] = (cumulated[size] - cumulated[size - width + 1 : size - half]) / shorter[::-1]
    return means


def aligned(sides: Sides, block: int, width: int) -> Alignment | None:
    """One Newton step with its jackknife over blocks of about `block` places, whose bounds lie where the wall steps
    least over 2 * `width` + 1 places; None where there are fewer than three blocks, or nothing steps."""
    n_blocks = sides.wall.size // block
    power = product(sides.wall, sides.wall)
    if n_blocks < 3 or not power > 0:
        return None
    gain = product(sides.wall, sides.software) / power
    later = -gain * sides.wall_slope
    residuals = sides.software - gain * sides.wall
    stepping = smoothed(later * later, width)
    half = block // 2
    inner = stepping[half : half + (n_blocks - 1) * block].reshape(n_blocks - 1, block)
    bounds = np.concatenate([[0], np.arange(n_blocks - 1) * block + half + inner.argmin(axis=1)])

    def by_block(values: Floats) -> Floats:
        return np.asarray(np.add.reduceat(values, bounds))

    parts = np.array([
        by_block(sides.wall * sides.wall), by_block(-sides.wall * sides.software_slope),
        by_block(later * sides.wall), by_block(-later * sides.software_slope),
        by_block(sides.wall * residuals), by_block(later * residuals),
    ])  # fmt: skip
    whole = parts.sum(axis=1)
    weights = by_block(later * later)
    if not weights.sum() > 0 or _determinant(whole) == 0:
        return None
    step = _solved(whole)
    rest = whole[:, None] - parts
    if np.any(_determinant(rest) == 0):
        return None
    jackknife = _solved(rest) - step[:, None]
    gain_u, step_u = np.sqrt(np.sum(jackknife**2, axis=1) * (n_blocks - 1) / n_blocks)
    effective = float(weights.sum() ** 2 / (weights @ weights))
    return Alignment(float(step[1]), float(step_u), gain, float(gain_u), max(effective - 1.0, 1.0))


def _determinant(sums: Floats) -> Floats:
    return np.asarray(sums[0] * sums[3] - sums[1] * sums[2])


def _solved(sums: Floats) -> Floats:
    """What gain and lag change by, shape (2, ...): of two linear equations the solution."""
    wall, wall_later, later_wall, later, wall_left, later_left = sums
    determinant = wall * later - wall_later * later_wall
    return np.array([
        (later * wall_left - wall_later * later_left) / determinant,
        (wall * later_left - later_wall * wall_left) / determinant,
    ])  # fmt: skip


def memory(first: Floats, second: Floats) -> float:
    """How many values in a row say as much as one of the correlation of two series: (1 + r) / (1 - r), r the product of
    the correlations of each value with the next."""
    rho = 1.0
    for series in (first, second):
        power = product(series, series)
        rho *= max(product(series[1:], series[:-1]) / power, 0.0) if power > 0 else 0.0
    rho = min(rho, HIGHEST)
    return (1 + rho) / (1 - rho)
