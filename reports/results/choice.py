"""Which environment for which network, as study.json has it.

Knows its keys. Computes nothing: `reports.study.choices` does.
"""

from dataclasses import dataclass

from reports.results.cell import Cell, Filter, UnmeasuredCell
from reports.results.interaction import InteractionResult
from reports.results.question import Caution
from reports.results.relation import Better
from reports.results.uncertainty import Number


@dataclass(frozen=True, slots=True)
class BesideMean:
    """Another response in the same combination of levels."""

    response: str
    """Name of the response."""
    n: int
    """Runs with a value."""
    mean: Number
    """Mean over the runs; u is of type A only."""


@dataclass(frozen=True, slots=True)
class ChoiceCell(Cell):
    """One level of `among` at one level of `of`."""

    n: int
    """Runs with a value."""
    mean: Number
    """Mean over the runs; u is of type A only."""
    is_best: bool
    """Whether no other mean of the row is better."""
    may_be_best: bool
    """Whether it is not told from the best: no other level is shown to be better, for all rows at once."""
    beside: tuple[BesideMean, ...]
    """The responses that are shown beside it and have a value."""


@dataclass(frozen=True, slots=True)
class ChoiceRow:
    """One level of `of`."""

    level: str
    """The level."""
    label: str
    """How it is called."""
    cells: tuple[ChoiceCell, ...]
    """Levels of `among` with a value, in declared order."""
    unmeasured: tuple[UnmeasuredCell, ...]
    """Those that could not be measured."""
    absent: tuple[str, ...]
    """Labels of those without a run and without a reason."""


@dataclass(frozen=True, slots=True)
class ChoiceResult:
    """Which level of one factor is best at each level of another?"""

    name: str
    """As in the file."""
    title: str
    """As in the file."""
    response: str
    """Name of the response."""
    better: Better
    """What is better of it."""
    of: str
    """Factor whose levels are the rows."""
    among: str
    """Factor whose levels are chosen from."""
    filter: Filter
    """Which rows it uses."""
    alpha: float
    """How likely it is at the most that the best of any row is not among those that may be best."""
    comparisons: int
    """Comparisons for which that holds at once (Bonferroni)."""
    rows: tuple[ChoiceRow, ...]
    """Every level of `of` with a value."""
    interaction: InteractionResult
    """Whether what is gained by a level of `among` differs between the rows: Welch-James of both factors."""
    cautions: tuple[Caution, ...]
    """What no test sees."""
