"""What is searched, and how: the space of a search, its strategy, what its trials gave. Records; knows no strategy's
rule.

A space is parameter -> `Bounds` or `Choices`, in the order in which the parameters are declared: seeds, grids and
golden lists depend on it.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal, TypeAlias

Value: TypeAlias = str | int | float | bool
"""What a parameter is set to."""
Strategy: TypeAlias = Literal["random", "partial-grid", "grid", "bayes-pi", "bayes-pi-fitted"]
"""The strategies, by name (docs/searches.md)."""
GRIDS: tuple[Strategy, ...] = ("partial-grid", "grid")
"""Those that have only so many points."""
POINTS, CANDIDATES, XI = 5, 10_000, 0.0
"""Values of a continuous parameter in a grid; points of which Bayes takes the best; what an improvement has to exceed
(standard deviations of the objective): the thesis' values (Yarally, sections 3.2.2 and 3.3.3)."""


@dataclass(frozen=True, slots=True)
class Bounds:
    """A continuous parameter between `low` and `high`; `scale` says on which scale equal steps are alike."""

    low: float
    high: float
    scale: Literal["linear", "log"] = "linear"

    def at(self, fraction: float) -> float:
        """The value at a fraction (0 to 1) of the way from `low` to `high`."""
        if self.scale == "log":
            value = self.low * (self.high / self.low) ** fraction
        else:
            value = self.low + fraction * (self.high - self.low)
        return min(max(float(value), self.low), self.high)

    def fraction_of(self, value: float) -> float:
        """Where a value lies between them, 0 to 1."""
        if self.scale == "log":
            return math.log(value / self.low) / math.log(self.high / self.low)
        return (value - self.low) / (self.high - self.low)


@dataclass(frozen=True, slots=True)
class Choices:
    """A parameter that is one of several values; nothing says that two of them lie nearer than two others."""

    levels: tuple[Value, ...]


Space: TypeAlias = Mapping[str, Bounds | Choices]


@dataclass(frozen=True, slots=True, kw_only=True)
class Search:
    """A search as it is declared; `points`, `candidates`, `xi` as above."""

    strategy: Strategy
    space: Space
    maximise: bool = True
    points: int = POINTS
    candidates: int = CANDIDATES
    xi: float = XI


@dataclass(frozen=True, slots=True)
class Told:
    """A trial that ended: what it was run with, and its objective; None where it gave no number."""

    values: Mapping[str, Value] = field(default_factory=dict)
    objective: float | None = None


def points_in(space: Space, points: int) -> int:
    """How many points a grid of the space has, `points` values of each continuous parameter."""
    return math.prod(len(one.levels) if isinstance(one, Choices) else points for one in space.values())
