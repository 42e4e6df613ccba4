"""A question of a study as study.json has it: does a response differ between the levels of a factor?

Knows its keys. Computes nothing: `reports.study` asks, R answers.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, TypeAlias

from reports.results.cell import Cell, Filter
from reports.results.inference import Pair, QuantilePlot, Refusal, Test
from reports.results.publication import Comparison
from reports.results.uncertainty import Number

TestChoice: TypeAlias = Literal["welch", "kruskal"]
Transform: TypeAlias = Literal["none", "sqrt", "log"]
PostHoc: TypeAlias = Literal["games-howell", "dunn-holm"]


@dataclass(frozen=True, slots=True)
class DeclaredTest:
    """What the study file declares."""

    test: TestChoice
    """The test."""
    transform: Transform
    """What the values go through before it."""
    reason: str
    """The sentence in which the file gives its reason; may be empty."""


@dataclass(frozen=True, slots=True)
class Caution:
    """What no test sees."""

    code: Literal["other-campaigns", "absent-combinations"]
    """`other-campaigns`: these levels share no campaign with any other, so the errors of meter and baseline stand in
    the difference (`wattlab compare` counts them). `absent-combinations`: these levels were not measured with the
    listed levels of other factors, which the rest was: a difference may be theirs."""
    levels: Mapping[str, tuple[str, ...]]
    """Level -> its campaigns, or the labels of what is absent."""


@dataclass(frozen=True, slots=True)
class LevelSummary(Cell):
    """The values of one level, on the original scale."""

    level: str
    """The level."""
    n: int
    """Runs with a value."""
    median: Number
    """Median, without u."""
    mean: Number
    """Mean over the runs."""


@dataclass(frozen=True, slots=True)
class LevelTest:
    """A test of one level's values."""

    level: str
    """The level."""
    label: str
    """How it is called."""
    test: Test
    """The test."""


@dataclass(frozen=True, slots=True)
class LevelPlot:
    """One level's values against the normal distribution, at most 501 points, evenly by rank."""

    level: str
    """The level."""
    label: str
    """How it is called."""
    theoretical: tuple[float, ...]
    """Normal quantiles."""
    ordered: tuple[float, ...]
    """The values in rising order, one for each quantile."""
    slope: float
    """Of the line through the quartiles."""
    intercept: float
    """Of that line."""

    @classmethod
    def of(cls, level: str, label: str, plot: QuantilePlot) -> "LevelPlot":
        """A plot of a level."""
        return cls(level, label, plot.theoretical, plot.ordered, plot.slope, plot.intercept)


@dataclass(frozen=True, slots=True)
class Assumptions:
    """Tests of assumptions, on the transformed values that the test uses: shown, they choose nothing."""

    shapiro: tuple[LevelTest, ...]
    """Shapiro-Wilk of every level; empty where the transform is not defined for a value."""
    qq: tuple[LevelPlot, ...]
    """Q-Q plots, of levels with eight values or more; empty where the transform is not defined for a value."""
    levene: Test | None
    """Levene's test about medians; null where the transform is not defined for a value."""


@dataclass(frozen=True, slots=True)
class LevelValues:
    """Every value of one level, in the response's unit, transformed nowhere."""

    level: str
    """The level."""
    label: str
    """How it is called."""
    values: tuple[float, ...]
    """In the order of the table."""


@dataclass(frozen=True, slots=True)
class LevelPair(Pair):
    """Two levels by the post-hoc test."""

    first_label: str
    """How the first is called."""
    second_label: str
    """How the second is called."""
    differ: bool | None
    """Whether p is below alpha; null where it was refused."""


@dataclass(frozen=True, slots=True)
class RelevantPair:
    """Two levels against the margin; all numbers but `n` and `margin` are null where it was refused."""

    first: str
    """One level."""
    second: str
    """The other."""
    first_label: str
    """How the first is called."""
    second_label: str
    """How the second is called."""
    n: tuple[int, int]
    """Runs of the first and of the second."""
    low: float | None
    """Lower end of the 90 % interval of first less second, in the response's unit."""
    high: float | None
    """Its upper end."""
    p: float | None
    """p of the equivalence test."""
    equivalent: bool
    """Whether the interval lies within the margin."""
    margin: float
    """The margin, in the response's unit."""
    refused: Refusal | None
    """Code of why it was not computed; null where it was."""
    power_now: float | None
    """Power of these runs for the margin (two-sided t test of this pair at 5 %)."""
    required_n: int | None
    """Runs per level for `power`; null also above ten million."""
    detectable: float | None
    """The difference that these runs find with `power`, in the response's unit."""


@dataclass(frozen=True, slots=True)
class RelevantResult:
    """The pairs against the difference that the question calls relevant."""

    stated: str
    """As in the file."""
    reference: str | None
    """The level of whose mean it is a share; null for an amount."""
    reference_label: str | None
    """How it is called."""
    power: float
    """The power that `required_n` and `detectable` of the pairs are for."""
    margin: Number | None
    """The difference; null where it was refused."""
    pairs: tuple[RelevantPair, ...]
    """Every pair of levels; empty where it was refused."""
    refused: Literal["one-level", "not-positive"] | None
    """Why no pair was judged: one level, or a share of a mean of 0 or less."""


@dataclass(frozen=True, slots=True)
class QuestionResult:
    """One question with its answer."""

    name: str
    """As in the file."""
    title: str
    """As in the file."""
    response: str
    """Name of the response."""
    factor: str
    """Name of the factor."""
    filter: Filter
    """Which rows it uses."""
    declared: DeclaredTest
    """The declared test."""
    posthoc_method: PostHoc
    """What compares every pair; it follows from the test."""
    scale: str
    """Unit of the transformed values: `sqrt(kJ/image)`."""
    cautions: tuple[Caution, ...]
    """What no test sees."""
    levels: tuple[LevelSummary, ...]
    """The levels that have a value, in declared order."""
    assumptions: Assumptions
    """Tests of assumptions."""
    values: tuple[LevelValues, ...]
    """Every value, for box plots."""
    omnibus: Test
    """The declared test over all levels; refused with `transform-domain` where the transform is not defined for a
    value."""
    posthoc: tuple[LevelPair, ...]
    """Every pair of levels; empty for one level and where the transform is not defined for a value."""
    relevant: RelevantResult | None
    """Equivalence of the levels; null where the question states no relevant difference."""
    published: tuple[Comparison, ...]
    """What is printed of it beside ours."""
