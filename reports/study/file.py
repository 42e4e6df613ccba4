"""A study file (TOML): what is a factor, a response, left out, asked, and published. Declared before any number.

Knows the records and whether they contradict each other. Knows neither TOML (`harness.record.codec.read_records`
fills the records and refuses unknown keys) nor the table: what is in it is `study_table`'s business.

Study file schema history
  1  2026-11-21  first version
"""

import math
import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal, InvalidOperation
from typing import Literal

from harness.record.errors import ConfigError
from reports.study.units import Unit, unit_of

FORMULA = re.compile(r"[^\s*/]+(?:\s*[*/]\s*[^\s*/]+)*")
"""Columns joined by `*` and `/`."""
AMOUNT = re.compile(r"((?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?)\s*(.*)")
"""A number above or equal to 0, and what stands behind it."""


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
    column: str
    levels: list[str]
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
class Filtered:
    """What looks at some of the rows: those whose factors have one of the levels of `where`, and whose responses lie
    above and below the bounds."""

    where: dict[str, list[str]] = field(default_factory=dict)
    above: dict[str, float] = field(default_factory=dict)
    below: dict[str, float] = field(default_factory=dict)


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
    medians per level, and the pairs of levels that do not differ (given: all others do)."""

    place: str
    shapiro: dict[str, list[str]] = field(default_factory=dict)
    levene: list[str] = field(default_factory=list)
    omnibus: list[str] = field(default_factory=list)
    effect: str = ""
    medians: dict[str, str] = field(default_factory=dict)
    equal: list[list[str]] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Question(Filtered):
    """Does a response differ between the levels of a factor? The test and the transform are declared here, with the
    reason; the post-hoc test follows from the test."""

    title: str
    response: str
    factor: str
    test: Literal["welch", "kruskal"]
    transform: Literal["none", "sqrt", "log"]
    reason: str = ""
    relevant: str = ""
    """Differences of means below it do not matter: `5 %` of the mean of the first level, or an amount (`0.2 Wh`)."""
    published: PublishedTest | None = None


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
    """Which combinations of levels are beaten by no other in the medians of two responses, which say what is better?"""

    title: str
    x: str
    y: str
    over: list[str]


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
    """A study file as written: of one table, or of campaigns."""

    schema: int
    study: Study
    table: TableSource | None = None
    campaigns: dict[str, CampaignSource] = field(default_factory=dict)
    columns: dict[str, Column] = field(default_factory=dict)
    factors: dict[str, Factor]
    responses: dict[str, Response]
    exclusions: list[Exclusion] = field(default_factory=list)
    questions: dict[str, Question] = field(default_factory=dict)
    correlations: dict[str, Correlation] = field(default_factory=dict)
    reductions: dict[str, Reduction] = field(default_factory=dict)
    pareto: dict[str, Pareto] = field(default_factory=dict)
    errata: list[Erratum] = field(default_factory=list)


def check_study(path: str, declared: StudyFile) -> None:
    """What contradicts itself in a study file, before any table is read.

    Raises:
        ConfigError: with file, TOML path, what was found, what is expected.
    """
    for place, problem in _problems(declared):
        raise ConfigError(f"{path}: {place}: {problem}")
    for name in declared.questions:
        relevant_of(path, name, declared)


def _problems(declared: StudyFile) -> Iterator[tuple[str, str]]:
    if not re.fullmatch(r"[A-Za-z0-9_-][A-Za-z0-9_.-]*", declared.study.name):
        yield "study.name", f"{declared.study.name!r} becomes a folder's name: use letters, digits, '-', '_' and '.'"
    if not 0 < declared.study.alpha < 1:
        yield "study.alpha", f"found {declared.study.alpha!r}, expected a probability such as 0.05"
    if (declared.table is None) == (not declared.campaigns):
        yield "table", "a study is either of one [table] or of [campaigns.NAME], and of one of both"
    if not declared.factors or not declared.responses:
        yield "factors" if not declared.factors else "responses", "at least one is needed"
    for name, factor in declared.factors.items():
        yield from _factor_problems(f"factors.{name}", factor)
    for name, response in declared.responses.items():
        if not FORMULA.fullmatch(response.formula.strip()):
            place = f"responses.{name}.formula"
            yield place, f'found {response.formula!r}, expected columns joined by * and /, such as "energy / images"'
    for place, part in _parts(declared):
        yield from _filter_problems(place, part, declared)
    for place, part in _parts(declared):
        yield from _part_problems(place, part, declared)
    yield from _published_problems(declared)


def _factor_problems(place: str, factor: Factor) -> Iterator[tuple[str, str]]:
    if not factor.levels:
        yield f"{place}.levels", "at least one level is needed, in the order in which they are to be shown"
    if twice := [level for level in factor.levels if factor.levels.count(level) > 1]:
        yield f"{place}.levels", f"{twice[0]!r} stands there twice"
    for level in factor.labels:
        if level not in factor.levels:
            yield f"{place}.labels.{level}", f"no such level; there are {', '.join(factor.levels)}"


def _parts(declared: StudyFile) -> Iterator[tuple[str, Filtered]]:
    """Everything with a filter, and its TOML path."""
    yield from ((f"exclusions[{index}]", rule) for index, rule in enumerate(declared.exclusions))
    for table in ("questions", "correlations", "reductions", "pareto"):
        yield from ((f"{table}.{name}", part) for name, part in getattr(declared, table).items())


def _filter_problems(place: str, part: Filtered, declared: StudyFile) -> Iterator[tuple[str, str]]:
    for name, levels in part.where.items():
        if name not in declared.factors:
            yield f"{place}.where.{name}", f"no such factor; there are {', '.join(declared.factors)}"
        else:
            for level in levels:
                if level not in (known := declared.factors[name].levels):
                    yield f"{place}.where.{name}", f"{level!r} is no level of it; there are {', '.join(known)}"
    for key in ("above", "below"):
        yield from _unknown(f"{place}.{key}", getattr(part, key), declared.responses, "response")


def _part_problems(place: str, part: Filtered, declared: StudyFile) -> Iterator[tuple[str, str]]:
    factors, responses = declared.factors, declared.responses
    if isinstance(part, Exclusion):
        if bool(part.drop) != bool(part.which) or bool(part.drop) != bool(part.by):
            yield place, "`drop`, `which` and `by` belong together; without all three every row that matches goes"
        if not (part.drop or part.where or part.above or part.below):
            yield place, "it would leave out every row; say which with `where`, `above`, `below` or `drop`"
        yield from _unknown(f"{place}.by", [part.by] if part.by else [], responses, "response")
    elif isinstance(part, Question):
        yield from _unknown(f"{place}.response", [part.response], responses, "response")
        yield from _unknown(f"{place}.factor", [part.factor], factors, "factor")
        if part.relevant and (part.test, part.transform) != ("welch", "none"):
            compared = "ranks" if part.test == "kruskal" else "transformed values"
            problem = f"found {part.relevant!r}, but this question compares {compared}, and a relevant difference is "
            yield f"{place}.relevant", problem + 'one of means: it needs test = "welch" and transform = "none"'
    elif isinstance(part, Correlation):
        yield from _unknown(f"{place}.x", [part.x], responses, "response")
        yield from _unknown(f"{place}.y", [part.y], responses, "response")
        yield from _unknown(f"{place}.controls", part.controls, responses, "response")
        yield from _factors_of(f"{place}.groups", part.groups, factors)
        if (part.method == "partial") != bool(part.controls):
            yield f"{place}.controls", 'a method "partial" needs them, and they need that method'
    elif isinstance(part, Reduction | Pareto):
        named = [part.response, *part.beside] if isinstance(part, Reduction) else [part.x, part.y]
        yield from _unknown(place, named, responses, "response")
        yield from _factors_of(f"{place}.over", part.over, factors)
        if isinstance(part, Pareto):
            for name in named:
                if name in responses and not responses[name].better:
                    yield f"responses.{name}.better", f'{place} needs to know: "lower" or "higher"'


def _unknown(place: str, names: Collection[str], known: Collection[str], what: str) -> Iterator[tuple[str, str]]:
    for name in names:
        if name not in known:
            yield place, f"found {name!r}, no such {what}; there are {', '.join(known)}"


def _factors_of(place: str, names: Sequence[str], known: Collection[str]) -> Iterator[tuple[str, str]]:
    yield from _unknown(place, names, known, "factor")
    if not names or len(set(names)) < len(names):
        yield place, "at least one factor is needed, each once"


def _published_problems(declared: StudyFile) -> Iterator[tuple[str, str]]:
    """Printed values are numbers with their digits, given for levels that there are."""
    for name, question in declared.questions.items():
        if (printed := question.published) is None or question.factor not in declared.factors:
            continue
        place, levels = f"questions.{name}.published", declared.factors[question.factor].levels
        yield from _unknown(f"{place}.shapiro", printed.shapiro, levels, "level")
        yield from _unknown(f"{place}.medians", printed.medians, levels, "level")
        for pair in printed.equal or []:
            yield from _unknown(f"{place}.equal", pair, levels, "level")
            if len(set(pair)) != 2:
                yield f"{place}.equal", f'found {pair!r}, expected two levels: ["one", "other"]'
        for key, values in {"levene": printed.levene, "omnibus": printed.omnibus, **printed.shapiro}.items():
            if len(values) > 2:
                yield f"{place}.{key}", f'found {values!r}, expected statistic and p as printed: ["0.95", "0.13"]'
        texts = [*printed.levene, *printed.omnibus, printed.effect, *printed.medians.values()]
        yield from _not_printed(place, [*texts, *(text for pair in printed.shapiro.values() for text in pair)])
    for name, correlation in declared.correlations.items():
        if correlation.published:
            texts = [correlation.published.coefficient, correlation.published.p]
            yield from _not_printed(f"correlations.{name}.published", texts)
    for name, reduction in declared.reductions.items():
        if one := reduction.published:
            place = f"reductions.{name}.published"
            yield from _not_printed(place, [one.smallest, one.largest, one.factor, *one.beside.values()])
            yield from _unknown(f"{place}.beside", one.beside, reduction.beside, "response beside it")
    known = {*declared.questions, *declared.correlations, *declared.reductions}
    for index, erratum in enumerate(declared.errata):
        yield from _unknown(
            f"errata[{index}].affects", [of.partition(".")[0] for of in erratum.affects], known, "question"
        )


def _not_printed(place: str, texts: Sequence[str]) -> Iterator[tuple[str, str]]:
    for text in texts:
        try:
            finite = not text or Decimal(text).is_finite()
        except InvalidOperation:
            finite = False
        if not finite:
            yield place, f'found {text!r}, expected a number in quotes, with its digits as printed: "2.25e-38"'


@dataclass(frozen=True, slots=True)
class Relevant:
    """A difference that matters: an amount in the response's unit, or a share of the reference level's mean."""

    text: str
    amount: float
    is_share: bool


def relevant_of(path: str, name: str, declared: StudyFile) -> Relevant | None:
    """What a question states as `relevant`; None where it states nothing.

    Raises:
        ConfigError: it is no share below 100 % and no amount above 0 in a unit of the response.
    """
    text, place = declared.questions[name].relevant, f"{path}: questions.{name}.relevant"
    response = declared.responses[declared.questions[name].response]
    if not text.strip():
        return None
    found = AMOUNT.fullmatch(text.strip())
    value, unit = (float(found[1]), found[2]) if found else (0.0, "")
    is_share = unit == "%"
    if not 0 < value < (100 if is_share else math.inf):
        raise ConfigError(
            f'{place}: found {text!r}, expected a share of the mean of the first level, such as "5 %", or an amount '
            f'above 0, such as "0.2 {response.unit}": how large a difference would still not matter'
        )
    if is_share:
        return Relevant(text, value / 100, is_share)
    stated = unit_of(response.unit, f"{place}: the response's unit", declared.study.units)
    scale = unit_of(unit, place, declared.study.units).per(stated) if unit else 1.0
    if scale is None:
        raise ConfigError(f"{place}: found {text!r}, but the response is in {response.unit}; state it in that unit")
    return Relevant(text, value * scale, is_share)


@dataclass(frozen=True, slots=True)
class Formula:
    """A response's columns with their powers (1 or -1), the unit they give, and what converts it to the stated one."""

    columns: tuple[tuple[str, int], ...]
    reduced: str
    scale: float


def formula_of(path: str, name: str, declared: StudyFile, units: Mapping[str, str]) -> Formula:
    """The formula of a response, its units checked. `units`: column -> unit.

    Raises:
        ConfigError: a column is not declared, a unit is unknown, or the formula does not give the stated unit.
    """
    response, place = declared.responses[name], f"{path}: responses.{name}"
    parts = [part.strip() for part in re.split(r"([*/])", response.formula)]
    columns = tuple((part, -1 if i and parts[i - 1] == "/" else 1) for i, part in enumerate(parts) if i % 2 == 0)
    for column, _ in columns:
        if column not in units:
            known = ", ".join(units) or "none"
            raise ConfigError(f"{place}.formula: no column {column!r}; there are {known} (declare [columns.NAME])")
    own, reduced = declared.study.units, Unit()
    for column, power in columns:
        reduced = reduced.times(unit_of(units[column], f"{path}: columns.{column}.unit", own), power)
    stated = unit_of(response.unit, f"{place}.unit", own)
    scale = reduced.per(stated)
    if scale is None:
        raise ConfigError(
            f"{place}.unit: {response.formula} is of the dimension {reduced.base}, the stated unit {response.unit} is "
            f"{stated.base}; state the true unit (what a publication prints goes into unit_as_published)"
        )
    above, below = ([units[c] for c, power in columns if power == sign] for sign in (1, -1))
    return Formula(columns, "/".join([" ".join(above), *(f"({u})" if " " in u else u for u in below)]), scale)
