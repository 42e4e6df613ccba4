"""Two sides of a comparison beside each other, as comparison.json has them.

Knows what stands in the document. Knows no side, no test's arithmetic and no page. The first side is the reference:
difference = second - first, ratio = second / first. Intervals are at 95 %.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal, TypeAlias

from reports.results.codec import keyed
from reports.results.compared_side import Outcome
from reports.results.inference import EffectWord, Symbol
from reports.results.uncertainty import Number

Interval: TypeAlias = tuple[float, float]
Design: TypeAlias = Literal[
    "paired-by-repetition", "independent-campaigns", "independent-not-blocked", "independent-few-blocks",
    "independent-incomplete-blocks", "independent-other-seeds",
]  # fmt: skip
Sessions: TypeAlias = Literal["same", "shared", "different"]
Headline: TypeAlias = Literal["induced_energy_wh", "energy_wh"]


@dataclass(frozen=True, slots=True)
class PairTest:
    """The test that was declared. Its p is of type A: it holds the spread of runs and baselines, not the meters."""

    name: Literal["welch", "paired-t", "kruskal-wallis", "rank"]
    """Which test: Welch's t, or the paired t where runs are pairs; as declared (`welch`, `rank`) where none could be
    computed."""
    statistic: float | None
    """Its statistic; null, as what follows but `n`, where it was not computed."""
    symbol: Symbol | None
    """What the statistic is called."""
    df: float | None
    """Degrees of freedom it was computed with."""
    plain_df: float | None
    """Welch's own, or n - 1 of pairs; null of the rank test."""
    p: float | None
    """Two-sided p of no difference."""
    p_adjusted: float | None
    """p after Holm, over all pairs of this quantity."""
    p_complete: float | None
    """p by the complete U, which the statement rests on; null of the rank test."""
    n: tuple[int, int]
    """Runs of both sides."""
    reason: str | None
    """Code, or sentence, of why there is no p; null where there is one."""


@dataclass(frozen=True, slots=True)
class EffectSize:
    """How large an effect is, positive where the second side's runs are larger."""

    value: float
    """The size."""
    word: EffectWord | None
    """The band it falls in; null where it is not told from zero: where the interval of the difference or its own holds
    zero, and without an interval of the difference where p is not below 5 %."""
    interval: Interval | None
    """Interval of Cliff's delta; null of Hedges' g, whose interval covers too little of skewed runs."""


@dataclass(frozen=True, slots=True)
class Effects:
    """Effect sizes of the runs, by R."""

    cliffs_delta: EffectSize | None
    """Cliff's delta; null where it was not computed."""
    hedges_g: EffectSize | None
    """Hedges' g; null where it was not computed."""
    reason: str | None
    """Code, or sentence, of why neither was computed; null where they were asked for."""


@dataclass(frozen=True, slots=True)
class PairEquivalence:
    """Whether the sides are equal within the margin: the interval has to lie within the limits."""

    low: float | None
    """Lower end of the interval of the ratio (a margin in %) or of the difference (Wh); null without an interval."""
    high: float | None
    """Upper end."""
    limits: Interval | None
    """The limits by the margin, in the same unit; null without an interval."""
    p: float | None
    """The larger of both one-sided p, doubled: below .05 where they are equivalent."""
    equivalent: bool | None
    """Whether they are; null: no verdict."""
    reason: str | None
    """Code of why there is no verdict; null where there is one."""


@dataclass(frozen=True, slots=True)
class PairLine:
    """One source of the difference's standard uncertainty."""

    source: str
    """Its name."""
    type: Literal["A", "B"]
    """Type of its evaluation (GUM)."""
    first: float
    """Signed contribution to the mean of the first side, in the unit of the quantity."""
    second: float
    """The same of the second side."""
    u: float
    """What is left of both in the difference."""
    rho: float | None
    """Correlation of both contributions; null where a side has none of it."""
    dof: float | None
    """Degrees of freedom; null: infinite."""


@dataclass(frozen=True, slots=True)
class PairQuantity:
    """One quantity of both sides. What ends in `_type_a` holds the spread of runs and baselines alone, the rest is
    complete: with what is known of meters and clocks (type B), less what both sides have in common."""

    unit: str
    """Unit of both means and of the difference."""
    reason: str | None
    """Code of why there is no interval, or nothing at all; null where there is one."""
    difference: Number | None
    """Second less first; null, as everything below, where a side has no mean."""
    difference_type_a: Number | None
    """The same with U of type A."""
    interval: Interval | None
    """Interval of the difference; null without U."""
    interval_type_a: Interval | None
    """The same of type A."""
    ratio: Number | None
    """Second over first; null where the first is not told from zero, or is below it."""
    ratio_type_a: Number | None
    """The same with U of type A."""
    ratio_interval: Interval | None
    """Fieller's interval of the ratio; null with the ratio."""
    ratio_interval_type_a: Interval | None
    """The same of type A."""
    relative: Number | None
    """The difference in % of the first; null where the ratio may be below zero."""
    verdict: Outcome | None
    """`less`, `more`: the interval of the difference does not hold zero; `not-shown`: it does; `too-few`: there is
    none."""
    not_excluded: float | None
    """The largest difference that the interval holds, in `unit`."""
    not_excluded_percent: float | None
    """The largest that the interval of the ratio holds, in % of the first."""
    test: PairTest | None
    """The test."""
    effects: Effects | None
    """Effect sizes."""
    equivalence: PairEquivalence | None
    """Equivalence; null without a margin, and where the margin is an energy and the quantity is none."""
    lines: tuple[PairLine, ...] | None
    """What the standard uncertainty of the difference is made of, largest first."""


@dataclass(frozen=True, slots=True)
class EfficiencyValue:
    """An efficiency value of the second side's software; above 1 it is the better one."""

    number: Number | None
    """The value; null where it is not above zero."""
    interval: Interval | None
    """Its interval; null where the runs are too few or too scattered to bound it."""


@dataclass(frozen=True, slots=True)
class TaskTypeValues:
    """Efficiency values of one task type of a service."""

    throughput: EfficiencyValue | None = field(metadata=keyed("I_TH"))
    """B2 / B1."""
    mean_execution_time: EfficiencyValue | None = field(metadata=keyed("I_ME"))
    """T1 / T2 of the mean execution times."""
    timely_throughput: Number | None = field(metadata=keyed("I_TI"))
    """E2 / E1 of the tasks in time per second; null without a timeliness function, and where both differ in it."""
    timely_throughput_reason: str | None = field(metadata=keyed("I_TI_reason"))
    """Code of why it is null; null where it is not."""


@dataclass(frozen=True, slots=True)
class EfficiencyValues:
    """Efficiency values after ISO/IEC 14756. Of services under load they are of all tasks together, and `task_types`
    has those of each type. Elsewhere a run is one task of one user who waits for it.
    A run that stops at a target does a random number of its repeated actions, so all of them are rated as one task. B =
    b / T_R is the throughput: b the number of runs, T_R the sum of their rating intervals. An execution time is that of
    the action `training` where every run marks one, else the rating interval."""

    reason: str | None
    """`other-sut`: everything is null, for the sides were measured on different machines; else null."""
    throughput: EfficiencyValue | None = field(metadata=keyed("I_TH"))
    """B2 / B1."""
    mean_execution_time: EfficiencyValue | None = field(metadata=keyed("I_ME"))
    """T1 / T2 of the mean execution times."""
    energy: EfficiencyValue | None = field(metadata=keyed("I_EN"))
    """(E1 / b1) / (E2 / b2) of the energies."""
    timely_throughput: Number | None = field(metadata=keyed("I_TI"))
    """E2 / E1 of the tasks in time per second; null without a timeliness function."""
    timely_throughput_reason: str | None = field(metadata=keyed("I_TI_reason"))
    """Code of why it is null; null where it is not."""
    task_types: Mapping[str, TaskTypeValues] | None = field(default=None, metadata=keyed(left_out=True))
    """Task type -> its values; only of services under load that have the type on both sides."""


@dataclass(frozen=True, slots=True)
class ComparedPair:
    """Two sides of one set."""

    first: int
    """Place of the first side, the reference, among `sides`."""
    second: int
    """Place of the second side."""
    design: Design
    """`paired-by-repetition`: runs of one block are pairs; else why runs are independent: sides of different campaigns,
    a design without blocks, fewer than ten blocks, blocks that lack a run, other seeds within a block."""
    n_pairs: int | None
    """Pairs of runs; null where runs are independent."""
    one_campaign: bool
    """Whether both sides are of the same campaigns."""
    sessions: Sessions
    """Whether their runs were made in the same sessions, in some that both have, or in different ones. A session is one
    boot of host and SUT."""
    differing: tuple[str, ...]
    """Names of the keys whose recorded values differ between both sides."""
    headline: Headline
    """Which quantity the statement is about."""
    quantities: Mapping[str, PairQuantity]
    """Every quantity that both sides have, by its name as in the sides."""
    iso14756: EfficiencyValues
    """Efficiency values of the second side's software."""
