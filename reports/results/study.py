"""study.json: every number of a study, as records; and `sources.json`, what else is known of its sources.

Knows the shape of both files and their history. Computes nothing.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal, TypeAlias

from harness.record.documents import Json, load_object
from reports.results.cell import Cell, Filter, UnmeasuredCell
from reports.results.choice import ChoiceResult
from reports.results.codec import document_in, keyed
from reports.results.descriptive import Bootstrap, DescriptiveTable
from reports.results.environment import EnvironmentProgress
from reports.results.interaction import InteractionResult
from reports.results.meters import CampaignOrigin
from reports.results.prediction import PredictionResult
from reports.results.progress import ProgressResult
from reports.results.publication import BesideRow, ErratumResult, Tally
from reports.results.question import QuestionResult
from reports.results.relation import Better, CorrelationResult, ParetoResult, ReductionResult
from reports.results.software import Software
from reports.results.trials import ClustersResult, IncreaseResult, ScatterResult, SpreadResult

STUDY, SOURCES, RUNS, COMPANION = "study.json", "sources.json", "runs.csv", "companion"
StudyOrigin: TypeAlias = Literal["imported-table"] | CampaignOrigin
IMPORTED: Literal["imported-table"] = "imported-table"
"""Origin of a study of a table: it has no readings."""
SCHEMA: Literal[1] = 1
"""Schema history of study.json: 1, 2026-11-21, first version."""


@dataclass(frozen=True, slots=True)
class StudySoftware(Software):
    """The wattlab that computed a study, and its R."""

    r: str
    """Version of the R that made the tests."""


@dataclass(frozen=True, slots=True)
class Source:
    """A table of runs, or a campaign."""

    kind: Literal["table", "campaign"]
    """Which of both."""
    name: str
    """The file's name, or the campaign's in the study file."""
    place: str
    """The file or folder, seen from the study file."""
    sha256: str
    """SHA-256 of the file, or the head of the campaign's log."""
    origin: StudyOrigin
    """Origin of the readings: `imported-table`, or as in results.json."""
    uid: str | None
    """The campaign's uid; null of a table."""
    note: str
    """As in the study file."""
    findings: tuple[str, ...]
    """Codes of invalid findings of a campaign."""
    n_rows: int
    """How many rows of the table are of it."""


@dataclass(frozen=True, slots=True)
class SourceFacts:
    """sources.json: what else is known of the sources than the table shows."""

    software: StudySoftware
    """The wattlab that wrote it."""
    base: str
    """The study file's folder, seen from the study's folder."""
    table: str
    """Name of the table."""
    origin: StudyOrigin
    """Origin of the readings: `imported-table`, or that of the worst campaign."""
    units: Mapping[str, str]
    """Column of a campaign's table -> unit; empty of an imported table."""
    sources: tuple[Source, ...]
    """The table, or the campaigns."""
    environments: tuple[EnvironmentProgress, ...] = field(default=(), metadata=keyed(left_out=True))
    """How far a study is that makes its campaigns itself."""


@dataclass(frozen=True, slots=True)
class StudyHeader:
    """What the study is, as its file says."""

    name: str
    """Its name."""
    title: str
    """Its title."""
    description: str
    """What it is about; may be empty."""
    citation: str
    """The publication; may be empty."""
    design: str
    """How the runs came about; may be empty."""
    alpha: float
    """p below it is called a difference."""


@dataclass(frozen=True, slots=True)
class Measured:
    """What was measured."""

    origin: StudyOrigin
    """`imported-table`, or as in results.json: that of the worst campaign."""
    sources: int
    """Number of sources."""


@dataclass(frozen=True, slots=True)
class ColumnResult:
    """A column that a response uses."""

    name: str
    """As in the formulas."""
    header: str
    """As in the table."""
    unit: str
    """Its unit."""


@dataclass(frozen=True, slots=True)
class FactorLevel:
    """One level of a factor."""

    level: str
    """As in the table."""
    label: str
    """How it is called."""
    n: int
    """Rows that are used."""


@dataclass(frozen=True, slots=True)
class FactorResult:
    """What was varied."""

    name: str
    """As in the study file."""
    title: str
    """As in the study file."""
    column: str
    """Header of its column."""
    levels: tuple[FactorLevel, ...]
    """In declared order."""


@dataclass(frozen=True, slots=True)
class ResponseDefinition:
    """What was compared."""

    name: str
    """As in the study file."""
    title: str
    """As in the study file."""
    formula: str
    """Columns joined by `*` and `/`."""
    unit: str
    """The stated unit, in which all its values are given."""
    reduced: str
    """The unit that the formula gives before conversion."""
    unit_as_published: str | None
    """The (wrong) unit that the publication prints; null where it prints the stated one."""
    better: Better | None
    """What is better; null where the file does not say."""
    n: int
    """Rows that are used and have a value."""


@dataclass(frozen=True, slots=True)
class RowCounts:
    """How many rows there are."""

    read: int
    """Rows of the table."""
    left_out: int
    """Those that cannot be used for anything."""
    excluded: int
    """Those that rules of exclusion took out."""
    used: int
    """Those that enter the analysis."""


@dataclass(frozen=True, slots=True)
class LeftOutRow:
    """A row that cannot be used."""

    line: int
    """Its line in the table."""
    source: str
    """Campaign and run folder, or the table's name."""
    cell: Cell
    """The combination of levels that it is of."""
    reason: Literal["excluded-run", "level-not-declared", "missing"]
    """`excluded-run`: it enters no mean in its campaign; `level-not-declared`: the study file does not name its level
    of the factor `column`; `missing`: it is not used for the response `column`."""
    column: str | None
    """Name of the factor or response; null of an excluded run."""
    found: str | None
    """Why the run was excluded, or the level; null where there is none."""


@dataclass(frozen=True, slots=True)
class ExcludedRow:
    """A row that a rule took out."""

    line: int
    """Its line in the table."""
    source: str
    """Campaign and run folder, or the table's name."""
    cell: Cell
    """The combination of levels that it is of."""
    value: float | None
    """Value of the response that it was chosen by; null where it was chosen by none."""
    unit: str | None
    """Unit of that response."""


@dataclass(frozen=True, slots=True)
class Drop:
    """Only some of the rows that match go."""

    n: int
    """How many."""
    which: Literal["highest", "lowest"]
    """Which end goes."""
    by: str
    """Name of the response that orders them."""


@dataclass(frozen=True, slots=True)
class ExclusionResult:
    """A rule of exclusion, and what it took out."""

    reason: str
    """As in the study file."""
    filter: Filter
    """Which rows match."""
    drop: Drop | None
    """Which of them go; null: all."""
    n: int
    """Rows that it took out."""
    rows: tuple[ExcludedRow, ...]
    """These rows."""


@dataclass(frozen=True, slots=True)
class CompanionResult:
    """Another study beside this one."""

    study: StudyHeader
    """What it is."""
    measurement: Measured
    """What it measured."""
    responses: tuple[ResponseDefinition, ...]
    """What it compared."""
    questions: tuple[QuestionResult, ...]
    """Its questions."""
    errata: tuple[ErratumResult, ...]
    """Its errata."""
    rows: tuple[BesideRow, ...]
    """Every statistic that both have under the same name."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StudyResult:
    """The whole file."""

    schema: Literal[1]
    """Version of the document's form: 1."""
    study: StudyHeader
    """What the study is."""
    software: StudySoftware
    """The wattlab that wrote it."""
    base: str
    """The study file's folder, seen from the study's folder."""
    measurement: Measured
    """What was measured."""
    sources: tuple[Source, ...]
    """The table, or the campaigns."""
    columns: tuple[ColumnResult, ...]
    """The columns that a response uses."""
    factors: tuple[FactorResult, ...]
    """What was varied."""
    responses: tuple[ResponseDefinition, ...]
    """What was compared."""
    rows: RowCounts
    """How many rows there are."""
    left_out: tuple[LeftOutRow, ...]
    """Rows that cannot be used."""
    exclusions: tuple[ExclusionResult, ...]
    """Rules of exclusion, in their order."""
    bootstrap: Bootstrap
    """How BCa intervals are made."""
    descriptive: tuple[DescriptiveTable, ...]
    """One table for each response."""
    questions: tuple[QuestionResult, ...]
    """Does a response differ between the levels of a factor?"""
    correlations: tuple[CorrelationResult, ...]
    """Do two responses go together?"""
    reductions: tuple[ReductionResult, ...]
    """How much less is it elsewhere?"""
    pareto: tuple[ParetoResult, ...]
    """Which combinations does no other beat?"""
    published: Tally
    """Counts over all Comparisons."""
    errata: tuple[ErratumResult, ...]
    """Known errors of the publication."""
    companion: CompanionResult | None
    """Another study beside this one; null where none is named."""
    predictions: tuple[PredictionResult, ...] = field(default=(), metadata=keyed(left_out=True))
    """Can a response be told beforehand? Only where the file asks."""
    interactions: tuple[InteractionResult, ...] = field(default=(), metadata=keyed(left_out=True))
    """Do two factors act on each other? Only where the file asks."""
    unmeasured: tuple[UnmeasuredCell, ...] = field(default=(), metadata=keyed(left_out=True))
    """Combinations of all factors that could not be measured; left out where there is none."""
    progress: tuple[ProgressResult, ...] = field(default=(), metadata=keyed(left_out=True))
    """How good are searches after each round? Only where the file asks."""
    scatters: tuple[ScatterResult, ...] = field(default=(), metadata=keyed(left_out=True))
    """Every run one point. Only where the file asks."""
    spreads: tuple[SpreadResult, ...] = field(default=(), metadata=keyed(left_out=True))
    """How far do runs of one combination spread? Only where the file asks."""
    clusters: tuple[ClustersResult, ...] = field(default=(), metadata=keyed(left_out=True))
    """Groups of runs that a declared rule tells apart. Only where the file asks."""
    increases: tuple[IncreaseResult, ...] = field(default=(), metadata=keyed(left_out=True))
    """By how many per cent is a mean larger at another level? Only where the file asks."""
    choices: tuple[ChoiceResult, ...] = field(default=(), metadata=keyed(left_out=True))
    """Which level of one factor is best at each level of another? Only where the file asks."""
    environments: tuple[EnvironmentProgress, ...] = field(default=(), metadata=keyed(left_out=True))
    """Where it was run, and how far; only of a study that makes its campaigns itself."""


def study_of(text: str | bytes) -> StudyResult:
    """study.json, read.

    Raises:
        DocumentError: it is none of this version; with the place.
    """
    return study_in(load_object(text, STUDY))


def study_in(raw: Json) -> StudyResult:
    """The same of decoded JSON."""
    return document_in(StudyResult, raw, STUDY, SCHEMA)
