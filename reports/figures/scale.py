"""One direction of a chart: from where to where it runs, where its values lie in it, and the round numbers beside it.

Knows linear and logarithmic scales. Knows no drawing, no unit and no kind of figure.
"""

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

Floats: TypeAlias = npt.NDArray[np.float64]

STEPS = (1.0, 2.0, 2.5, 5.0)
"""What a step between round numbers is a power of ten of."""
MOST_LOGARITHMIC = 12
LEAST_RATIO, TENS_ONLY_RATIO = 4.0, 300.0
"""Greatest over least of a logarithmic scale: below the first it is marked as a linear one, from the second on only at
powers of ten."""
SLACK = 1e-9
"""Part of a step by which a round number may lie outside."""


@dataclass(frozen=True, slots=True)
class Scale:
    """From `low` to `high`; `falling`: the other way round."""

    low: float
    high: float
    logarithmic: bool = False
    falling: bool = False

    def parts(self, values: npt.ArrayLike) -> Floats:
        """Where values lie, as a part of the way (0 at its begin, 1 at its end)."""
        given = np.asarray(values, dtype=np.float64)
        low, high = self.low, self.high
        if self.logarithmic:
            with np.errstate(divide="ignore", invalid="ignore"):
                given = np.log(given)
            low, high = math.log(low), math.log(high)
        part = (given - low) / (high - low)
        return 1.0 - part if self.falling else part

    def part(self, value: float) -> float:
        """Where one value lies."""
        return float(self.parts(value))

    def ticks(self, most: int, *, whole: bool = False) -> list[float]:
        """The round numbers on the scale, about `most` of them; `whole`: no fractions."""
        if self.logarithmic and self.high / self.low >= LEAST_RATIO:
            return _logarithmic(self.low, self.high)
        return _linear(self.low, self.high, most, whole=whole)


LEAST_REACH = 1e-300
"""What lies closer together is one value: a tenth of it may be no number any more."""
LEAST_PART = 1e-3
"""The least reach of an axis as a part of what it shows: below it the eye would take the dust of a constant for a
curve, and no meter tells it."""


def scale_over(values: Iterable[float], margin: float, *, logarithmic: bool = False, falling: bool = False) -> Scale:
    """The scale that holds all finite values (0 to 1 where there is none), with that part of its reach left free at
    both ends; what lies closer together than `LEAST_PART` of it stands in the middle of so much."""
    finite = [float(value) for value in values if math.isfinite(value)] or ([1.0, 10.0] if logarithmic else [0.0, 1.0])
    low, high = min(finite), max(finite)
    if logarithmic:
        low, high = math.log(low), math.log(high)
    size = max(abs(low), abs(high))
    least = LEAST_PART * (1.0 if logarithmic else size)
    if high - low <= max(1e-12 * size, LEAST_REACH):  # one value: it stands in the middle
        half = 0.05 * abs(low) if abs(low) > LEAST_REACH else 0.05
        low, high = low - half, high + half
    elif high - low < least:
        low, high = (low + high - least) / 2, (low + high + least) / 2
    free = margin * (high - low)
    low, high = low - free, high + free
    return Scale(math.exp(low) if logarithmic else low, math.exp(high) if logarithmic else high, logarithmic, falling)


def number_text(value: float) -> str:
    """A round number as it is printed: 0.5, 1, 2, never a power of ten where it fits; with a minus, not a hyphen."""
    return f"{value:.10g}".replace("-", "−")


def _linear(low: float, high: float, most: int, *, whole: bool) -> list[float]:
    least = (high - low) / most
    power = 10.0 ** math.floor(math.log10(least))
    steps = [factor * power * ten for ten in (0.1, 1.0, 10.0, 100.0) for factor in STEPS]
    if whole:
        steps = [step for step in steps if step >= 1 and not step % 1] or [1.0]
    wide = next((at for at, step in enumerate(steps) if step >= least * (1 - SLACK)), 0)
    ticks = _multiples(steps[wide], low, high)
    return ticks if len(ticks) > 1 or not wide else _multiples(steps[wide - 1], low, high)


def _multiples(step: float, low: float, high: float) -> list[float]:
    first, last = math.ceil(low / step - SLACK), math.floor(high / step + SLACK)
    return [float(f"{number * step:.12g}") for number in range(first, last + 1)]


def _logarithmic(low: float, high: float) -> list[float]:
    factors = (1.0, 2.0, 5.0) if high / low < TENS_ONLY_RATIO else (1.0,)
    powers = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
    every = -(-len(powers) * len(factors) // (MOST_LOGARITHMIC * len(factors)))
    values = (float(f"{factor}e{power}") for power in powers[::every] for factor in factors)
    return [value for value in values if low * (1 - SLACK) <= value <= high * (1 + SLACK)]
