"""A study file (TOML): what is a factor, a response, left out, asked, and published. Declared before any number.

Knows the records. Knows neither TOML (`harness.record.codec.read_records` fills the records and refuses unknown keys)
nor whether they contradict each other (`contradictions`).

Study file schema history
  1  2026-11-21  first version
  1  2026-11-30  [environments.NAME] with a campaign's tables beside them, [expected.NAME], [fractions]; a factor of
                 such a study may leave out column and levels
"""

from dataclasses import dataclass, field
from typing import Any, Literal, get_args

from harness.record.environments import Environment, Expected
from reports.results.interaction import TwoWayTest
from reports.results.prediction import Model
from reports.results.question import TestChoice, Transform
from reports.study.filtered import Filtered
from reports.study.trial_parts import Choice, Clusters, Increase, Progress, Scatter, Spread, Unmeasured


@dataclass(frozen=True, slots=True, kw_only=True)
class Study:
    """What the study is. `alpha`: p below it is called a difference. `units`: further counted things (`prompt`)."""

    name: str
    title: str
    alpha: float = field(metadata={"minimum": 0})
    description: str = ""
    citation: str = ""
    design: str = ""
    """How the runs came about, in a sentence: what was varied, what was fixed, in which order."""
    companion: str = ""
    """Another study file, relative to this one, whose numbers are shown beside (a correction, a replication)."""
    units: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True, kw_only=True)
class TableSource:
    """A table of runs: a CSV file (may be gzipped) with one header line, relative to the study file."""

    file: str
    note: str = ""
    """Where it comes from and under which licence."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CampaignSource:
    """A campaign of ours, relative to the study file. `levels`: columns that are the same for all of its runs
    (`machine = "A"`); `scenarios`: the scenarios that enter, with columns of their own; none named: all of them."""

    folder: str
    levels: dict[str, str] = field(default_factory=dict)
    scenarios: dict[str, dict[str, str]] = field(default_factory=dict)
    note: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """A column of numbers: its header in the table, and its true unit."""

    header: str
    unit: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Factor:
    """What was varied: the header of its column, its levels in order, how they are called."""

    title: str
    column: str = ""
    levels: list[str] = field(default_factory=list)
    labels: dict[str, str] = field(default_factory=dict)

    def label(self, level: str) -> str:
        """How a level is called."""
        return self.labels.get(level, level)


@dataclass(frozen=True, slots=True, kw_only=True)
class Response:
    """What was measured: columns joined by `*` and `/`, and the unit they are to be given in.

    `unit_as_published`: the unit a publication prints where that is another (and wrong).
    """

    title: str
    formula: str
    unit: str
    unit_as_published: str = ""
    better: Literal["lower", "higher", ""] = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Exclusion(Filtered):
    """Rows that are left out, with the reason: all that match, or of these the `drop` rows that are `highest` or
    `lowest` in the response `by`. Rules are applied in order, each on what the ones before have left."""

    reason: str
    drop: int = field(default=0, metadata={"minimum": 0})
    which: Literal["highest", "lowest", ""] = ""
    by: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class PublishedTest:
    """What a publication prints of a question, as printed: W and p per level, W and p, statistic and p, effect size,
    medians per level, and the pairs of levels that do not differ (given: all others do). `k`: how many groups the
    publication put into eta^2_H where that is another number than the factor's levels."""

    place: str
    shapiro: dict[str, list[str]] = field(default_factory=dict)
    levene: list[str] = field(default_factory=list)
    omnibus: list[str] = field(default_factory=list)
    effect: str = ""
    k: int = field(default=0, metadata={"minimum": 0})
    medians: dict[str, str] = field(default_factory=dict)
    equal: list[list[str]] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Question(Filtered):
    """Does a response differ between the levels of a factor? The test and the transform are declared here, with the
    reason; the post-hoc test follows from the test."""

    title: str
    response: str
    factor: str
    test: TestChoice
    transform: Transform
    reason: str = ""
    relevant: str = ""
    """Differences of means below it do not matter: `5 %` of the mean of the first level, or an amount (`0.2 Wh`)."""
    published: PublishedTest | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Interaction(Filtered):
    """Do two factors act on a response, and does the one act otherwise at each level of the other? Every level of the
    one has to be measured with every level of the other."""

    title: str
    response: str
    factors: list[str]
    test: TwoWayTest = "welch"
    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class PublishedCorrelation:
    """Coefficient and p as printed."""

    place: str
    coefficient: str = ""
    p: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Correlation(Filtered):
    """Do two responses go together? On the runs, and on the medians of the groups that `groups` (factors) make."""

    title: str
    x: str
    y: str
    method: Literal["spearman", "pearson", "partial"]
    alternative: Literal["two-sided", "greater", "less"]
    groups: list[str]
    controls: list[str] = field(default_factory=list)
    published: PublishedCorrelation | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PublishedReduction:
    """Decreases (%) and the factor between largest and smallest median as printed."""

    place: str
    smallest: str = ""
    largest: str = ""
    factor: str = ""
    beside: dict[str, str] = field(default_factory=dict)
    """Response -> its change on the way of the largest decrease, as printed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reduction(Filtered):
    """How much less is it elsewhere? Percentage decreases from the combination of levels of `over` with the largest
    median to the others; `beside`: responses whose change on the largest decrease is shown."""

    title: str
    response: str
    over: list[str]
    beside: list[str] = field(default_factory=list)
    published: PublishedReduction | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Pareto(Filtered):
    """Which combinations of levels are beaten by no other in the medians of two responses, which say what is better? By
    `mean` points have intervals, and what is beaten is told from chance."""

    title: str
    x: str
    y: str
    over: list[str]
    by: Literal["median", "mean"] = "median"


@dataclass(frozen=True, slots=True, kw_only=True)
class Prediction(Filtered):
    """Can a response be told beforehand, of others that are known then? `models` are fitted to `target` over the
    `features`. Each is scored on runs that it has not seen: on 30 % of them drawn with `seed`, and, for each entry of
    `hold_out`, on all of them, with the combinations of levels of its factors left out one after the other.

    `times`, where there is one, turns what is predicted into what is scored, the response `total`: a mean power times
    the duration is an energy.
    """

    title: str
    target: str
    features: list[str]
    times: str = ""
    total: str = ""
    models: list[Model] = field(default_factory=lambda: list(get_args(Model)))
    hold_out: list[list[str]] = field(default_factory=list)
    seed: int = field(default=1, metadata={"minimum": 0})


@dataclass(frozen=True, slots=True, kw_only=True)
class Erratum:
    """A known error of a publication. `affects`: what it explains, `QUESTION.omnibus.p`, or `QUESTION` for all of it;
    `printed` and `corrected` values where it is one."""

    title: str
    text: str
    affects: list[str] = field(default_factory=list)
    printed: str = ""
    corrected: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class StudyFile:
    """A study file as written: of one table, of campaigns, or of environments, in which its campaigns are made."""

    schema: int
    study: Study
    table: TableSource | None = None
    campaigns: dict[str, CampaignSource] = field(default_factory=dict)
    columns: dict[str, Column] = field(default_factory=dict)
    factors: dict[str, Factor]
    responses: dict[str, Response]
    exclusions: list[Exclusion] = field(default_factory=list)
    questions: dict[str, Question] = field(default_factory=dict)
    interactions: dict[str, Interaction] = field(default_factory=dict)
    correlations: dict[str, Correlation] = field(default_factory=dict)
    reductions: dict[str, Reduction] = field(default_factory=dict)
    pareto: dict[str, Pareto] = field(default_factory=dict)
    predictions: dict[str, Prediction] = field(default_factory=dict)
    unmeasured: list[Unmeasured] = field(default_factory=list)
    progress: dict[str, Progress] = field(default_factory=dict)
    scatters: dict[str, Scatter] = field(default_factory=dict)
    spreads: dict[str, Spread] = field(default_factory=dict)
    clusters: dict[str, Clusters] = field(default_factory=dict)
    increases: dict[str, Increase] = field(default_factory=dict)
    choices: dict[str, Choice] = field(default_factory=dict)
    errata: list[Erratum] = field(default_factory=list)
    environments: dict[str, Environment] = field(default_factory=dict)
    expected: dict[str, Expected] = field(default_factory=dict)
    """Scenario, or cell -> what it is expected to take in every environment."""
    fractions: dict[str, str] = field(default_factory=dict)
    """Scenario -> generators of the fraction of its combinations that is run."""
    lab: dict[str, Any] = field(default_factory=dict)
    campaign: dict[str, Any] = field(default_factory=dict)
    baseline: dict[str, Any] = field(default_factory=dict)
    scenarios: dict[str, dict[str, Any]] = field(default_factory=dict)
    thresholds: dict[str, Any] = field(default_factory=dict)
    decision: dict[str, Any] = field(default_factory=dict)
    analysis: dict[str, Any] = field(default_factory=dict)
    qualification: dict[str, Any] = field(default_factory=dict)
