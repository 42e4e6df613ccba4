"""What contradicts itself in a study file, before any table is read.

Knows the records of a study file. Knows no table: whether both fit together is `rows`' business.
"""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path

from harness.record.codec import Mistakes
from harness.record.errors import ConfigError
from reports.study.columns import OF_UNIT_ONE, RUN_UNITS
from reports.study.environments import environment_problems, resolved
from reports.study.file import (
    Correlation,
    Exclusion,
    Factor,
    Interaction,
    Pareto,
    Prediction,
    Question,
    Reduction,
    StudyFile,
)
from reports.study.filtered import Filtered
from reports.study.formula import FORMULA, formula_of, times_scale
from reports.study.margin import relevant_of
from reports.study.named import factors_of, not_printed, unknown
from reports.study.trial_contradictions import trial_problems

TABLES = (
    "questions", "interactions", "correlations", "reductions", "pareto", "predictions", "progress", "scatters",
    "spreads", "clusters", "increases", "choices",
)  # fmt: skip
"""Tables of parts, each of which looks at some of the rows."""


def check_study(path: Path, declared: StudyFile, mistakes: Mistakes) -> None:
    """Add what contradicts itself in a study file: what rests on a mistake that is said already is not said."""
    found = [(place, problem) for place, problem in _problems(declared) if not mistakes.touch(path, place)]
    for place, problem in found:
        mistakes.at(str(path), place, problem)
    for places, rule in _rules(str(path), declared):
        if not mistakes.touch(path, *places):
            try:
                rule()
            except ConfigError as error:
                mistakes.extend([str(error)])


def _rules(path: str, declared: StudyFile) -> Iterator[tuple[list[str], Callable[[], object]]]:
    """What raises by itself where it is wrong, and what it rests on."""
    for name, question in declared.questions.items():
        if question.response in declared.responses:
            yield (
                [f"questions.{name}", f"responses.{question.response}.unit"],
                partial(relevant_of, path, name, declared),
            )
    for name, part in declared.predictions.items():
        named = [response for response in (part.target, part.times, part.total) if response]
        if declared.responses.keys() >= set(named):
            places = [f"responses.{response}.unit" for response in named]
            yield [f"predictions.{name}", *places], partial(times_scale, path, name, declared)
    units = {name: column.unit for name, column in declared.columns.items()}
    if declared.table is None:
        units = RUN_UNITS | units
    for name, response in declared.responses.items():
        columns = [column.strip() for column in re.split("[*/]", response.formula)]
        if declared.table is None:  # a run's own are numbers; what else there is only the campaigns say
            units |= {column: "1" for column in columns if column.startswith(OF_UNIT_ONE) and column not in units}
        if declared.table is not None or units.keys() >= set(columns):
            yield (
                [f"responses.{name}.formula", f"responses.{name}.unit", *(f"columns.{column}" for column in columns)],
                partial(formula_of, path, name, declared, units),
            )


def _problems(declared: StudyFile) -> Iterator[tuple[str, str]]:
    if declared.scenarios and declared.table is None and not declared.campaigns and not declared.environments:
        yield (
            "environments",
            "missing; [scenarios.NAME] are run in environments: write [environments.NAME] for each, with its title and "
            "the lab.toml of its machine and meter",
        )
        return  # what else is wrong rests on this
    if not re.fullmatch(r"[A-Za-z0-9_-][A-Za-z0-9_.-]*", declared.study.name):
        yield "study.name", f"{declared.study.name!r} becomes a folder's name: use letters, digits, '-', '_' and '.'"
    if not 0 < declared.study.alpha < 1:
        yield "study.alpha", f"found {declared.study.alpha!r}, expected a probability such as 0.05"
    yield from environment_problems(declared)
    declared = resolved(declared)
    if (declared.table is None) == (not declared.campaigns) and not declared.environments:
        yield "table", "a study is of one [table], of [campaigns.NAME], or of [environments.NAME], and of one of them"
    if not declared.factors or not declared.responses:
        yield "factors" if not declared.factors else "responses", "at least one is needed"
    for name, factor in declared.factors.items():
        if factor.levels or not declared.environments:
            yield from _factor_problems(f"factors.{name}", factor)
    for name, response in declared.responses.items():
        if not FORMULA.fullmatch(response.formula.strip()):
            place = f"responses.{name}.formula"
            yield place, f'found {response.formula!r}, expected columns joined by * and /, such as "energy / images"'
    for place, part in _parts(declared):
        yield from _filter_problems(place, part, declared)
    for place, part in _parts(declared):
        yield from _part_problems(place, part, declared)
        yield from trial_problems(place, part, declared)
    for index, rule in enumerate(declared.unmeasured):
        yield from _where_problems(f"unmeasured[{index}]", rule.where, declared)
        if not rule.where or not rule.reason.strip():
            yield f"unmeasured[{index}].{'reason' if rule.where else 'where'}", "it is empty; say which levels, and why"
    yield from _published_problems(declared)


def _factor_problems(place: str, factor: Factor) -> Iterator[tuple[str, str]]:
    if not factor.column:
        yield f"{place}.column", "missing; it has no default, expected the header of its column"
    if not factor.levels:
        yield f"{place}.levels", "at least one level is needed, in the order in which they are to be shown"
    if twice := [level for level in factor.levels if factor.levels.count(level) > 1]:
        yield f"{place}.levels", f"{twice[0]!r} stands there twice"
    for level in factor.labels if factor.levels else ():
        if level not in factor.levels:
            yield f"{place}.labels.{level}", f"no such level; there are {', '.join(factor.levels)}"


def _parts(declared: StudyFile) -> Iterator[tuple[str, Filtered]]:
    """Everything with a filter, and its TOML path."""
    yield from ((f"exclusions[{index}]", rule) for index, rule in enumerate(declared.exclusions))
    for table in TABLES:
        yield from ((f"{table}.{name}", part) for name, part in getattr(declared, table).items())
    for name, clusters in declared.clusters.items():
        yield from ((f"clusters.{name}.parts.{key}", part) for key, part in clusters.parts.items())


def _filter_problems(place: str, part: Filtered, declared: StudyFile) -> Iterator[tuple[str, str]]:
    yield from _where_problems(place, part.where, declared)
    for key in ("above", "below"):
        yield from unknown(f"{place}.{key}", getattr(part, key), declared.responses, "response")


def _where_problems(place: str, where: Mapping[str, Sequence[str]], declared: StudyFile) -> Iterator[tuple[str, str]]:
    for name, levels in where.items():
        if name not in declared.factors:
            yield f"{place}.where.{name}", f"no such factor; there are {', '.join(declared.factors)}"
        else:
            for level in levels:
                if (known := declared.factors[name].levels) and level not in known:
                    yield f"{place}.where.{name}", f"{level!r} is no level of it; there are {', '.join(known)}"


def _part_problems(place: str, part: Filtered, declared: StudyFile) -> Iterator[tuple[str, str]]:
    factors, responses = declared.factors, declared.responses
    if isinstance(part, Exclusion):
        if bool(part.drop) != bool(part.which) or bool(part.drop) != bool(part.by):
            yield place, "`drop`, `which` and `by` belong together; without all three every row that matches goes"
        if not (part.drop or part.where or part.above or part.below):
            yield place, "it would leave out every row; say which with `where`, `above`, `below` or `drop`"
        yield from unknown(f"{place}.by", [part.by] if part.by else [], responses, "response")
    elif isinstance(part, Question):
        yield from unknown(f"{place}.response", [part.response], responses, "response")
        yield from unknown(f"{place}.factor", [part.factor], factors, "factor")
        if part.relevant and (part.test, part.transform) != ("welch", "none"):
            compared = "ranks" if part.test == "kruskal" else "transformed values"
            problem = f"found {part.relevant!r}, but this question compares {compared}, and a relevant difference is "
            yield f"{place}.relevant", problem + 'one of means: it needs test = "welch" and transform = "none"'
    elif isinstance(part, Correlation):
        yield from unknown(f"{place}.x", [part.x], responses, "response")
        yield from unknown(f"{place}.y", [part.y], responses, "response")
        yield from unknown(f"{place}.controls", part.controls, responses, "response")
        yield from factors_of(f"{place}.groups", part.groups, factors)
        if (part.method == "partial") != bool(part.controls):
            yield f"{place}.controls", 'a method "partial" needs them, and they need that method'
    elif isinstance(part, Interaction):
        yield from unknown(f"{place}.response", [part.response], responses, "response")
        yield from factors_of(f"{place}.factors", part.factors, factors)
        if len(part.factors) != 2:
            yield f"{place}.factors", f"found {len(part.factors)} factors, expected two"
    elif isinstance(part, Prediction):
        yield from _prediction_problems(place, part, declared)
    elif isinstance(part, Reduction | Pareto):
        for key in ("response", "beside") if isinstance(part, Reduction) else ("x", "y"):
            named = getattr(part, key)
            yield from unknown(f"{place}.{key}", [named] if isinstance(named, str) else named, responses, "response")
        yield from factors_of(f"{place}.over", part.over, factors)
        if isinstance(part, Pareto):
            for name in (part.x, part.y):
                if name in responses and not responses[name].better:
                    yield f"responses.{name}.better", f'{place} needs to know: "lower" or "higher"'


def _prediction_problems(place: str, part: Prediction, declared: StudyFile) -> Iterator[tuple[str, str]]:
    for key in ("target", "times", "total"):
        if name := getattr(part, key):
            yield from unknown(f"{place}.{key}", [name], declared.responses, "response")
    yield from unknown(f"{place}.features", part.features, declared.responses, "response")
    if not part.features or not part.models:
        yield f"{place}.{'models' if part.features else 'features'}", "at least one is needed"
    if told := {part.target, part.times, part.total} & set(part.features):
        yield f"{place}.features", f"{min(told)!r} is what is to be told, so it cannot be told of itself"
    if bool(part.times) != bool(part.total):
        yield place, "`times` and `total` belong together: the target times the one is the other"
    for index, factors in enumerate(part.hold_out):
        yield from factors_of(f"{place}.hold_out[{index}]", factors, declared.factors)


def _published_problems(declared: StudyFile) -> Iterator[tuple[str, str]]:
    """Printed values are numbers with their digits, given for levels that there are."""
    for name, question in declared.questions.items():
        if (printed := question.published) is None or question.factor not in declared.factors:
            continue
        place, levels = f"questions.{name}.published", declared.factors[question.factor].levels
        yield from unknown(f"{place}.shapiro", printed.shapiro, levels, "level")
        yield from unknown(f"{place}.medians", printed.medians, levels, "level")
        for pair in printed.equal or []:
            yield from unknown(f"{place}.equal", pair, levels, "level")
            if len(set(pair)) != 2:
                yield f"{place}.equal", f'found {pair!r}, expected two levels: ["one", "other"]'
        for key, values in {"levene": printed.levene, "omnibus": printed.omnibus, **printed.shapiro}.items():
            if len(values) > 2:
                yield f"{place}.{key}", f'found {values!r}, expected statistic and p as printed: ["0.95", "0.13"]'
        texts = [*printed.levene, *printed.omnibus, printed.effect, *printed.medians.values()]
        yield from not_printed(place, [*texts, *(text for pair in printed.shapiro.values() for text in pair)])
    for name, correlation in declared.correlations.items():
        if correlation.published:
            texts = [correlation.published.coefficient, correlation.published.p]
            yield from not_printed(f"correlations.{name}.published", texts)
    for name, reduction in declared.reductions.items():
        if decrease := reduction.published:
            place = f"reductions.{name}.published"
            yield from not_printed(
                place, [decrease.smallest, decrease.largest, decrease.factor, *decrease.beside.values()]
            )
            yield from unknown(f"{place}.beside", decrease.beside, reduction.beside, "response beside it")
    for table in ("clusters", "increases"):
        for name, part in getattr(declared, table).items():
            if part.published:
                yield from not_printed(f"{table}.{name}.published.values", list(part.published.values.values()))
    known = {
        *declared.questions, *declared.correlations, *declared.reductions, *declared.clusters, *declared.increases,
    }  # fmt: skip
    for index, erratum in enumerate(declared.errata):
        yield from unknown(
            f"errata[{index}].affects", [of.partition(".")[0] for of in erratum.affects], known, "question"
        )
