"""Descriptive tables of a study, as study.json has them.

Knows their keys. Computes nothing: `reports.study.descriptive` does.
"""

from dataclasses import dataclass

from reports.results.cell import Cell
from reports.results.inference import Interval
from reports.results.uncertainty import Number


@dataclass(frozen=True, slots=True)
class Bootstrap:
    """The BCa intervals."""

    samples: int
    """Samples drawn."""
    seed: int
    """Seed of R's Mersenne-Twister."""
    least: int
    """Fewest values that have one."""
    most: int
    """Most values that have one."""


@dataclass(frozen=True, slots=True)
class RelativeSpread:
    """Coefficient of variation."""

    value: float
    """SD over mean."""
    interval: tuple[float, float] | None
    """95 % interval; null below three values."""


@dataclass(frozen=True, slots=True)
class CellSummary(Cell):
    """The values of a response in one combination of levels."""

    n: int
    """Runs with a value."""
    mean: Number
    """Mean over the runs; u is of type A only, over the runs of the cell."""
    median: Number
    """Median, without u."""
    mean_interval: Interval | None
    """95 % interval of the mean: Student's t, BCa of as many values as `bootstrap` says; null where there is none."""
    least: Number
    """The least value, without u."""
    greatest: Number
    """The greatest value, without u."""
    cv: RelativeSpread | None
    """Spread relative to the mean; null where that has no meaning."""


@dataclass(frozen=True, slots=True)
class DescriptiveTable:
    """One response over all combinations of levels."""

    response: str
    """Name of the response."""
    unit: str
    """Its unit."""
    factors: tuple[str, ...]
    """Names of all factors."""
    cells: tuple[CellSummary, ...]
    """Combinations that have a run, in declared order."""
