"""What a study says of single runs and groups of them, as study.json has it: scatters, spreads, clusters, increases.

Knows its keys. Computes nothing: `reports.study` does.
"""

from dataclasses import dataclass, field
from typing import Literal

from reports.results.cell import Cell, Filter
from reports.results.codec import keyed
from reports.results.publication import Comparison
from reports.results.relation import GroupPoints
from reports.results.uncertainty import Number


@dataclass(frozen=True, slots=True)
class ScatterResult:
    """Every run one point."""

    name: str
    """As in the file."""
    title: str
    """As in the file."""
    x: str
    """Name of a response."""
    y: str
    """Name of another."""
    reversed: tuple[Literal["x", "y"], ...]
    """Axes that run from their largest value to their least."""
    filter: Filter
    """Which rows it uses."""
    n: int
    """Runs that have both."""
    points: tuple[GroupPoints, ...]
    """Every run, by group."""


@dataclass(frozen=True, slots=True)
class CellSpread(Cell):
    """Runs of one combination of levels."""

    n: int
    """Runs with a value."""
    cv: float | None
    """SD over mean; null where that has no meaning (one run, a mean of 0 or less)."""
    interval: tuple[float, float] | None
    """95 % interval; null below three values."""


@dataclass(frozen=True, slots=True)
class SpreadResult:
    """How far do runs of one combination spread?"""

    name: str
    """As in the file."""
    title: str
    """As in the file."""
    response: str
    """Name of the response."""
    over: tuple[str, ...]
    """Factors whose combinations are looked at."""
    filter: Filter
    """Which rows it uses."""
    limit: float
    """The coefficient of variation that they should not exceed."""
    cells: tuple[CellSpread, ...]
    """Every combination with a value, in declared order."""
    mean: float | None
    """Mean of the coefficients; null where there is none."""
    greatest: float | None
    """The largest."""
    n_above: int
    """Those above the limit."""
    n_told_above: int
    """Those whose whole interval lies above it."""
    edges: tuple[float, ...]
    """Edges of the histogram's classes, the limit among them."""
    counts: tuple[int, ...]
    """Combinations in each class."""


@dataclass(frozen=True, slots=True)
class ClusterSummary:
    """One response in one cluster."""

    response: str
    """Name of the response."""
    n: int
    """Runs with a value."""
    mean: Number
    """Mean over the runs, with their SD; u is of type A only."""
    least: float
    """The least value."""
    greatest: float
    """The greatest value."""


@dataclass(frozen=True, slots=True)
class ClusterResult:
    """One cluster."""

    name: str
    """As in the file."""
    label: str
    """How it is called."""
    filter: Filter
    """Which rows are in it."""
    n: int
    """Rows in it."""
    summaries: tuple[ClusterSummary, ...]
    """Every response that has a value in it."""


@dataclass(frozen=True, slots=True)
class ClustersResult:
    """Groups of runs that a declared rule tells apart."""

    name: str
    """As in the file."""
    title: str
    """As in the file."""
    responses: tuple[str, ...]
    """Names of the responses."""
    filter: Filter
    """Which rows it looks at."""
    clusters: tuple[ClusterResult, ...]
    """As in the file."""
    n_none: int
    """Rows that are in no cluster."""
    n_several: int
    """Rows that are in more than one."""
    published: tuple[Comparison, ...]
    """What is printed of it beside ours."""


@dataclass(frozen=True, slots=True)
class LevelIncrease:
    """A level beside the first one."""

    level: str
    """The level."""
    label: str
    """How it is called."""
    n: int
    """Runs with a value."""
    mean: Number
    """Mean, every combination of `over` counted alike; u is of type A only."""
    percent: float | None
    """100 (mean / mean of the first - 1); null of the first itself, and where that is 0 or less."""
    interval: tuple[float, float] | None
    """Fieller's 95 % interval of it; null where there is none."""


@dataclass(frozen=True, slots=True)
class IncreaseBars:
    """Means at one level of the factor `bars`."""

    label: str
    """How that level is called."""
    means: tuple[float | None, ...]
    """Of each of `levels`, every combination of the other factors of `over` counted alike; null: not measured there."""


@dataclass(frozen=True, slots=True)
class IncreaseBeside:
    """The increases of another response, over the same runs."""

    response: str
    """Its name."""
    percents: tuple[float | None, ...]
    """Of each of `levels`; null of the first."""
    intervals: tuple[tuple[float, float] | None, ...]
    """Fieller's 95 % intervals."""


@dataclass(frozen=True, slots=True)
class IncreaseResult:
    """By how many per cent is a mean larger at another level?"""

    name: str
    """As in the file."""
    title: str
    """As in the file."""
    response: str
    """Name of the response."""
    factor: str
    """Name of the factor."""
    over: tuple[str, ...]
    """Factors whose combinations count alike."""
    filter: Filter
    """Which rows it uses."""
    levels: tuple[LevelIncrease, ...]
    """Levels with a value, the first is what the others stand beside."""
    left_out: tuple[str, ...]
    """Labels of combinations of `over` that were not measured at every one of these levels: they count nowhere."""
    published: tuple[Comparison, ...]
    """What is printed of it beside ours."""
    bars: tuple[IncreaseBars, ...] = field(default=(), metadata=keyed(left_out=True))
    """The same means level by level of the factor `bars` of the file; only where it names one."""
    beside: tuple[IncreaseBeside, ...] = field(default=(), metadata=keyed(left_out=True))
    """Other responses; only where the file names some."""
