"""What a study says of combinations of levels, as study.json has it: correlations, decreases of medians, Pareto fronts.

Knows its keys. Computes nothing: `reports.study` does.
"""

from dataclasses import dataclass, field
from typing import Literal, TypeAlias

from reports.results.cell import Cell, Filter, UnmeasuredCell
from reports.results.codec import keyed
from reports.results.inference import Test
from reports.results.publication import Comparison
from reports.results.uncertainty import Number

Better: TypeAlias = Literal["lower", "higher"]


@dataclass(frozen=True, slots=True)
class GroupMedians(Cell):
    """The medians of one group of runs, in the responses' units."""

    n: int
    """Runs."""
    x: float
    """Median of x."""
    y: float
    """Median of y."""
    controls: tuple[float, ...]
    """Medians of the controls."""


@dataclass(frozen=True, slots=True)
class CorrelatedMedians:
    """The correlation of the groups' medians: a group is one point."""

    by: tuple[str, ...]
    """Factors whose combinations are the groups."""
    test: Test
    """The test."""
    groups: tuple[GroupMedians, ...]
    """The points."""


@dataclass(frozen=True, slots=True)
class GroupPoints(Cell):
    """The runs of one group, in the responses' units."""

    x: tuple[float, ...]
    """x of every run."""
    y: tuple[float, ...]
    """y of every run."""


@dataclass(frozen=True, slots=True)
class Fit:
    """The least-squares line of y on x over the runs, for the figure."""

    slope: float
    """Its slope."""
    intercept: float
    """Its intercept."""


@dataclass(frozen=True, slots=True)
class CorrelationResult:
    """Do two responses go together? On the runs, and on the medians of groups."""

    name: str
    """As in the file."""
    title: str
    """As in the file."""
    x: str
    """Name of a response."""
    y: str
    """Name of another."""
    filter: Filter
    """Which rows it uses."""
    method: Literal["spearman", "pearson", "partial"]
    """The declared coefficient."""
    alternative: Literal["two-sided", "greater", "less"]
    """The declared alternative."""
    controls: tuple[str, ...]
    """Names of the responses that a partial correlation holds constant."""
    run_level: Test
    """Over all runs."""
    medians: CorrelatedMedians
    """Over the medians of the groups."""
    points: tuple[GroupPoints, ...]
    """Every run, by group."""
    fit: Fit | None
    """The line; null where x does not vary."""
    published: tuple[Comparison, ...]
    """What is printed of it beside ours."""


@dataclass(frozen=True, slots=True)
class CellMedian(Cell):
    """The median of one combination."""

    n: int
    """Runs with a value."""
    median: Number
    """Median, without u."""


@dataclass(frozen=True, slots=True)
class Decrease:
    """From the combination with the largest median to another."""

    from_: Cell = field(metadata=keyed("from"))
    """The combination with the largest median."""
    to: Cell
    """The other."""
    percent: float
    """100 (1 - to/from)."""
    factor: float
    """from/to."""


@dataclass(frozen=True, slots=True)
class Change:
    """What the median of another response does on the same way."""

    response: str
    """Name of the response."""
    unit: str
    """Its unit."""
    from_: float = field(metadata=keyed("from"))
    """Its median at the beginning."""
    to: float
    """Its median at the end."""
    change: float
    """to less from."""
    percent: float | None
    """The change in % of `from`; null where that is 0."""


@dataclass(frozen=True, slots=True)
class LargestDecrease(Decrease):
    """The largest decrease, and what else changes on its way."""

    beside: tuple[Change, ...]
    """The responses that are declared to be shown beside it and have a value at both ends."""


@dataclass(frozen=True, slots=True)
class ReductionResult:
    """How much less is it elsewhere? What is greatest, of decreases, null and empty where it was refused."""

    name: str
    """As in the file."""
    title: str
    """As in the file."""
    response: str
    """Name of the response."""
    over: tuple[str, ...]
    """Factors whose combinations have medians."""
    filter: Filter
    """Which rows it uses."""
    medians: tuple[CellMedian, ...]
    """The medians in declared order."""
    greatest: Cell | None
    """The combination with the largest median."""
    decreases: tuple[Decrease, ...]
    """From it to every other."""
    smallest: Decrease | None
    """The smallest of them."""
    largest: Decrease | None
    """The largest of them."""
    overall: LargestDecrease | None
    """The largest, with what else changes on its way."""
    refused: Literal["one-level", "not-positive"] | None
    """Fewer than two combinations, or a median of 0 or less."""
    published: tuple[Comparison, ...]
    """What is printed of it beside ours."""


@dataclass(frozen=True, slots=True)
class BetterOf:
    """What is better in each of both responses."""

    x: Better
    """Of x."""
    y: Better
    """Of y."""


@dataclass(frozen=True, slots=True)
class ParetoPoint(Cell):
    """Medians (or means) of one combination."""

    n: int
    """Runs with a value."""
    x: float
    """Median (or mean) of x, in its unit."""
    y: float
    """Median (or mean) of y, in its unit."""
    on_front: bool
    """Whether no other beats it."""
    dominated_by: str | None
    """Label of one that is at least as good in both and better in one; null on the front."""
    x_interval: tuple[float, float] | None = field(default=None, metadata=keyed(left_out=True))
    """Of means: 95 % interval of x, Student's t."""
    y_interval: tuple[float, float] | None = field(default=None, metadata=keyed(left_out=True))
    """Of means: 95 % interval of y."""
    told_from: str | None = field(default=None, metadata=keyed(left_out=True))
    """Of means: label of one that is shown to be better in both, for all pairs of combinations at once; left out where
    none is."""


@dataclass(frozen=True, slots=True)
class ParetoResult:
    """Which combinations are beaten by no other in both medians (or means) at once?"""

    name: str
    """As in the file."""
    title: str
    """As in the file."""
    x: str
    """Name of a response."""
    y: str
    """Name of another."""
    better: BetterOf
    """What is better."""
    over: tuple[str, ...]
    """Factors whose combinations are compared."""
    filter: Filter
    """Which rows it uses."""
    points: tuple[ParetoPoint, ...]
    """The medians, or means."""
    by: Literal["median", "mean"] = field(default="median", metadata=keyed(left_out=True))
    """Which of both."""
    unmeasured: tuple[UnmeasuredCell, ...] = field(default=(), metadata=keyed(left_out=True))
    """Combinations that could not be measured."""
