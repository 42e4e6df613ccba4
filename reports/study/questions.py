"""The questions of a study: assumption tests, the declared test and its post-hoc test, all on the same values.

Knows which rows belong to a question. Every test comes from `statistics`. Test, transform and post-hoc test are the
declared ones: assumption tests are computed on the same values and decide nothing (method.md section 10).
"""

from collections.abc import Callable, Mapping

import numpy as np

from reports.inference import statistics
from reports.results.codec import widened
from reports.results.inference import Pair, QuantilePlot, Test
from reports.results.question import (
    Assumptions,
    Caution,
    DeclaredTest,
    LevelPair,
    LevelPlot,
    LevelSummary,
    LevelTest,
    LevelValues,
    PostHoc,
    QuestionResult,
    TestChoice,
    Transform,
)
from reports.results.uncertainty import sample_mean
from reports.study.cells import Mask, Values, cells, median, order_statistic, values_in
from reports.study.file import Question, StudyFile
from reports.study.margin import relevant_of
from reports.study.relevance import judge
from reports.study.rows import Runs, cell_of, filter_of, matching

MOST_QQ = 501
"""Points of a Q-Q plot that are kept, evenly by rank."""
POSTHOC: Mapping[TestChoice, PostHoc] = {"welch": "games-howell", "kruskal": "dunn-holm"}
TRANSFORMS: Mapping[Transform, Callable[[Values], Values]] = {"none": np.array, "sqrt": np.sqrt, "log": np.log}


def answer(path: str, declared: StudyFile, runs: Runs, name: str) -> QuestionResult:
    """The question `name` of the study file `path`, answered; nothing printed stands beside it yet."""
    question, relevant = declared.questions[name], relevant_of(path, name, declared)
    factor, unit = declared.factors[question.factor], declared.responses[question.response].unit
    mask = matching(runs, question)
    original = {
        cell.levels[question.factor]: values
        for cell, rows in cells(declared, runs, [question.factor], mask)
        if (values := values_in(runs, question.response, rows)).size
    }
    groups = _transformed(original, question.transform)
    return QuestionResult(
        name,
        question.title,
        question.response,
        question.factor,
        filter=filter_of(question),
        declared=DeclaredTest(question.test, question.transform, question.reason),
        posthoc_method=POSTHOC[question.test],
        scale=unit if question.transform == "none" else f"{question.transform}({unit})",
        cautions=(
            *other_campaigns(runs, question.factor, mask),
            *_absent_combinations(declared, runs, question, mask),
        ),
        levels=tuple(_summary(declared, question.factor, level, values, unit) for level, values in original.items()),
        assumptions=_assumptions(groups, factor.label),
        values=tuple(
            LevelValues(level, factor.label(level), tuple(values.tolist())) for level, values in original.items()
        ),
        omnibus=_omnibus(question.test, original, groups),
        posthoc=tuple(_named(pair, factor.label, declared.study.alpha) for pair in _posthoc(question.test, groups)),
        relevant=None if relevant is None else judge(relevant, original, unit, factor.label),
        published=(),
    )


def _summary(declared: StudyFile, factor: str, level: str, values: Values, unit: str) -> LevelSummary:
    cell = cell_of(declared, {factor: level})
    n, middle = int(values.size), order_statistic(median(values), values, unit)
    return LevelSummary(cell.levels, cell.label, level, n, median=middle, mean=sample_mean(values, unit))


def _named(pair: Pair, label: Callable[[str], str], alpha: float) -> LevelPair:
    """A pair with the labels of its levels and the verdict."""
    differ = None if pair.refused is not None or pair.p is None else bool(pair.p < alpha)
    labels = {"first_label": label(pair.first), "second_label": label(pair.second)}
    return widened(LevelPair, pair, **labels, differ=differ)


def other_campaigns(runs: Runs, factor: str, mask: Mask) -> list[Caution]:
    """What no test sees: levels that were measured in different campaigns differ by meter and baseline too."""
    if not runs.table.is_of_campaigns:
        return []
    campaigns = np.array(runs.table.column("campaign"))[mask]
    levels = runs.factors[factor][mask]
    measured = {str(level): set(campaigns[levels == level].tolist()) for level in np.unique(levels)}
    apart = [level for level in measured if not any(measured[level] & measured[o] for o in measured if o != level)]
    if len(measured) < 2 or not apart:
        return []
    return [Caution("other-campaigns", {level: tuple(sorted(measured[level])) for level in sorted(apart)})]


def _absent_combinations(declared: StudyFile, runs: Runs, question: Question, mask: Mask) -> list[Caution]:
    """Levels that were not measured with every level of another factor with which the rest was."""
    levels, absent = runs.factors[question.factor][mask], dict[str, list[str]]()
    for name, factor in declared.factors.items():
        others = runs.factors[name][mask]
        for level in np.unique(levels) if name != question.factor else ():
            present = set(others[levels == level].tolist())
            missing = [factor.label(other) for other in factor.levels if other in set(others.tolist()) - present]
            absent.setdefault(str(level), []).extend(missing)
    named = {level: tuple(labels) for level, labels in absent.items() if labels}
    return [Caution("absent-combinations", named)] if named else []


def _transformed(groups: Mapping[str, Values], transform: Transform) -> dict[str, Values] | None:
    """The groups transformed as declared; None where the transform is not defined for a value."""
    least = min((float(values.min()) for values in groups.values()), default=1.0)
    if (transform == "sqrt" and least < 0) or (transform == "log" and least <= 0):
        return None
    return {level: np.asarray(TRANSFORMS[transform](values)) for level, values in groups.items()}


def _assumptions(groups: Mapping[str, Values] | None, label: Callable[[str], str]) -> Assumptions:
    """Shapiro-Wilk and Q-Q data per level, Levene's test on the median: shown, they choose nothing."""
    if groups is None:
        return Assumptions((), (), None)
    plots = {level: statistics.normal_plot(values) for level, values in groups.items()}
    return Assumptions(
        shapiro=tuple(LevelTest(level, label(level), statistics.normality(groups[level])) for level in groups),
        qq=tuple(
            LevelPlot.of(level, label(level), _thinned(plot)) for level, plot in plots.items() if plot is not None
        ),
        levene=statistics.levene(groups),
    )


def _thinned(plot: QuantilePlot) -> QuantilePlot:
    """A Q-Q plot of at most MOST_QQ points, both ends among them."""
    size = len(plot.ordered)
    kept = np.unique(np.linspace(0, size - 1, min(size, MOST_QQ)).round().astype(int))
    theoretical, ordered = (tuple(points[i] for i in kept) for points in (plot.theoretical, plot.ordered))
    return QuantilePlot(theoretical, ordered, plot.slope, plot.intercept)


def _omnibus(test: TestChoice, original: Mapping[str, Values], groups: Mapping[str, Values] | None) -> Test:
    if groups is None:
        sizes = tuple(int(values.size) for values in original.values())
        return Test(test, None, "F" if test == "welch" else "H", (), None, sizes, None, "transform-domain")
    return statistics.welch_anova(groups) if test == "welch" else statistics.kruskal(groups)


def _posthoc(test: TestChoice, groups: Mapping[str, Values] | None) -> tuple[Pair, ...]:
    if groups is None or len(groups) < 2:
        return ()
    return statistics.games_howell(groups) if test == "welch" else statistics.dunn(groups)
