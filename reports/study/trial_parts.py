"""Parts of a study file about single trials, their groups, and environments: searches, scatters, spreads, clusters,
increases, choices; and what could not be measured.

Knows the records, as `file` does. Knows neither TOML nor whether they contradict each other.
"""

from dataclasses import dataclass, field
from typing import Literal

from reports.study.filtered import Filtered


@dataclass(frozen=True, slots=True, kw_only=True)
class PublishedValues:
    """What a publication prints, as printed, by the names of docs/studies.md (`cluster.high.energy.mean`)."""

    place: str
    values: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Unmeasured:
    """Combinations of levels that could not be measured, and why (`out of memory`): what has one of `where`'s levels of
    every factor named there."""

    where: dict[str, list[str]]
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress(Filtered):
    """How good are the searches (levels of `strategy`) after each `round`? The runs of one round are averaged, and the
    best round so far counts. `repetitions`: a column (its header) that tells searches apart which were repeated; the
    mean and its interval are taken over them.

    A search has converged at the first round whose best is within `tolerance` (in the response's unit) of its last
    best. What was `spent` until then is added up over all runs, failed ones too; `spent_u` is a run's own standard
    uncertainty of it, `spent_u_shared` what all runs have in common (a baseline), which adds up without its square.
    """

    title: str
    response: str
    round: str
    strategy: str
    tolerance: float = field(metadata={"minimum": 0})
    panels: list[str] = field(default_factory=list)
    """Factors whose combinations are searches of something else each: network, data set."""
    repetitions: str = ""
    spent: str = ""
    spent_u: str = ""
    spent_u_shared: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Scatter(Filtered):
    """Every run one point; `reversed`: axes that run from their largest value to their least."""

    title: str
    x: str
    y: str
    groups: list[str] = field(default_factory=list)
    reversed: list[Literal["x", "y"]] = field(default_factory=list)


@dataclass(frozen=True, slots=True, kw_only=True)
class Spread(Filtered):
    """How far do runs spread within the combinations of `over`? Their coefficients of variation as a histogram beside
    the `limit` that they should not exceed."""

    title: str
    response: str
    over: list[str]
    limit: float = field(metadata={"minimum": 0})


@dataclass(frozen=True, slots=True, kw_only=True)
class Cluster(Filtered):
    """One cluster: the rows that its filter lets through."""

    label: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Clusters(Filtered):
    """Groups of runs that the rule of each `parts` tells apart, and what each response is in them."""

    title: str
    responses: list[str]
    parts: dict[str, Cluster]
    published: PublishedValues | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Increase(Filtered):
    """By how many per cent is the mean of a response larger at each level of a factor than at its first one? `over`:
    other factors, whose combinations count alike however many runs they have; `bars`: one of them, whose levels are
    bars side by side in a picture of the means; `beside`: responses whose increases are drawn and shown with it."""

    title: str
    response: str
    factor: str
    over: list[str] = field(default_factory=list)
    bars: str = ""
    beside: list[str] = field(default_factory=list)
    published: PublishedValues | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice(Filtered):
    """Which level of `among` (an environment) is best for each level of `of` (a network), by the mean of a response
    that says what is better? `beside`: responses whose means are shown."""

    title: str
    response: str
    of: str
    among: str
    beside: list[str] = field(default_factory=list)
