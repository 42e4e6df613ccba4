"""What a publication prints, beside ours: does our number, written with as many digits, give theirs?

Knows the records of study.json and the study file's `published` tables. Computes no statistic.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import ROUND_DOWN, ROUND_HALF_UP, Decimal, localcontext
from typing import TypeAlias

from reports.inference.effects import eta_squared_h
from reports.results.inference import Test
from reports.results.publication import Agreement, BesideRow, Comparison, Statistic, Tally
from reports.results.question import LevelPair, QuestionResult
from reports.results.relation import CorrelationResult, ReductionResult
from reports.results.study import StudyResult
from reports.results.trials import ClustersResult, IncreaseResult
from reports.study.file import (
    Erratum,
    PublishedCorrelation,
    PublishedReduction,
    PublishedTest,
    StudyFile,
)
from reports.study.trial_parts import PublishedValues

Printed: TypeAlias = PublishedTest | PublishedCorrelation | PublishedReduction | PublishedValues


@dataclass(frozen=True, slots=True)
class Figure:
    """One statistic of a study: of which part, what it is, of which levels, its value (None: refused) and unit."""

    of: str
    what: str
    labels: tuple[str, ...]
    value: float | str | None
    unit: str


Part: TypeAlias = QuestionResult | CorrelationResult | ReductionResult | ClustersResult | IncreaseResult


def parts(study: StudyResult) -> tuple[Part, ...]:
    """What a publication may print something of."""
    return (*study.questions, *study.correlations, *study.reductions, *study.clusters, *study.increases)


def figures(study: StudyResult) -> Iterator[Figure]:
    """Every statistic that can be compared: with a publication, or with another study."""
    for part in parts(study):
        if isinstance(part, QuestionResult):
            yield from _of_question(part)
        elif isinstance(part, CorrelationResult):
            yield from _of_correlation(part)
        elif isinstance(part, ReductionResult):
            yield from _of_reduction(part)
        elif isinstance(part, ClustersResult):
            yield from _of_clusters(part)
        else:
            yield from _of_increase(part)


def _of_question(question: QuestionResult) -> Iterator[Figure]:
    of, assumptions, omnibus = question.name, question.assumptions, question.omnibus
    for row in assumptions.shapiro:
        yield from _of_test(of, f"shapiro.{row.level}", (row.label,), row.test)
    if assumptions.levene is not None:
        yield from _of_test(of, "levene", (), assumptions.levene)
    yield from _of_test(of, "omnibus", (), omnibus)
    yield Figure(of, "effect", (), omnibus.effect.value if omnibus.effect else None, "1")
    for level in question.levels:
        yield Figure(of, f"median.{level.level}", (level.label,), level.median.value, level.median.unit)
    for pair in question.posthoc:
        labels = (pair.first_label, pair.second_label)
        yield Figure(of, pair_key(pair.first, pair.second), labels, _verdict(pair), "")


def _of_test(of: str, what: str, labels: tuple[str, ...], test: Test) -> Iterator[Figure]:
    yield Figure(of, f"{what}.statistic", labels, test.statistic, "1")
    yield Figure(of, f"{what}.p", labels, test.p, "1")


def _verdict(pair: LevelPair) -> str | None:
    if pair.differ is None:
        return None
    return "different" if pair.differ else "equal"


def _of_correlation(correlation: CorrelationResult) -> Iterator[Figure]:
    for level, test in (("", correlation.run_level), ("medians.", correlation.medians.test)):
        coefficient = test.effect.value if test.effect else test.statistic
        yield Figure(correlation.name, f"{level}coefficient", (), coefficient, "1")
        yield Figure(correlation.name, f"{level}p", (), test.p, "1")


def _of_reduction(reduction: ReductionResult) -> Iterator[Figure]:
    of = reduction.name
    for what, decrease in (("smallest", reduction.smallest), ("largest", reduction.largest)):
        if decrease is not None:
            yield Figure(of, what, (decrease.from_.label, decrease.to.label), decrease.percent, "%")
    if reduction.overall is not None:
        yield Figure(of, "factor", (), reduction.overall.factor, "1")
        for change in reduction.overall.beside:
            yield Figure(of, f"beside.{change.response}", (), change.change, change.unit)


def _of_clusters(part: ClustersResult) -> Iterator[Figure]:
    for cluster in part.clusters:
        for row in cluster.summaries:
            of, unit = f"cluster.{cluster.name}.{row.response}", row.mean.unit
            values = {"mean": row.mean.value, "sd": row.mean.sd, "least": row.least, "greatest": row.greatest}
            for what, value in values.items():
                yield Figure(part.name, f"{of}.{what}", (cluster.label, row.response), value, unit)


def _of_increase(part: IncreaseResult) -> Iterator[Figure]:
    for level in part.levels:
        if level.percent is not None:
            labels = (part.levels[0].label, level.label)
            yield Figure(part.name, f"increase.{level.level}", labels, level.percent, "%")


def _with_k(question: QuestionResult, k: int) -> Figure:
    """The effect size as a publication computed it, with another number of groups than the factor has levels."""
    h, n = question.omnibus.statistic, sum(question.omnibus.n)
    value = None if h is None or n <= k else eta_squared_h(h, n, k)
    return Figure(question.name, "effect-with-k", (str(k),), value, "1")


def pair_key(first: str, second: str) -> str:
    """How the verdict on a pair of levels is called, whichever stands first."""
    return "pair." + " | ".join(sorted((first, second)))


def with_published(study: StudyResult, declared: StudyFile) -> StudyResult:
    """The study with what is printed beside every part of it."""
    ours = {(figure.of, figure.what): figure for figure in figures(study)}
    for question in study.questions:
        if (of := declared.questions[question.name].published) is not None and of.k and of.effect:
            ours[question.name, "effect-with-k"] = _with_k(question, of.k)

    def beside_of(part: Part, printed: Printed | None) -> tuple[Comparison, ...]:
        if printed is None:
            return ()
        return tuple(
            _comparison(ours.get((part.name, what)), part.name, what, text, printed.place, declared.errata)
            for what, text in _claims(printed, part).items()
        )

    questions = (replace(q, published=beside_of(q, declared.questions[q.name].published)) for q in study.questions)
    correlations = (
        replace(c, published=beside_of(c, declared.correlations[c.name].published)) for c in study.correlations
    )
    reductions = (replace(r, published=beside_of(r, declared.reductions[r.name].published)) for r in study.reductions)
    clusters = (replace(c, published=beside_of(c, declared.clusters[c.name].published)) for c in study.clusters)
    increases = (replace(i, published=beside_of(i, declared.increases[i.name].published)) for i in study.increases)
    filled = replace(
        study, questions=tuple(questions), correlations=tuple(correlations), reductions=tuple(reductions),
        clusters=tuple(clusters), increases=tuple(increases),
    )  # fmt: skip
    return replace(filled, published=tally(filled))


def _claims(printed: Printed, part: Part) -> dict[str, str]:
    """What is printed, by the names of `figures`."""
    if isinstance(printed, PublishedCorrelation):
        claims = {"coefficient": printed.coefficient, "p": printed.p}
    elif isinstance(printed, PublishedReduction):
        claims = {"smallest": printed.smallest, "largest": printed.largest, "factor": printed.factor}
        claims |= {f"beside.{response}": text for response, text in printed.beside.items()}
    elif isinstance(printed, PublishedValues):
        claims = dict(printed.values)
    else:
        claims = {}
        for level, texts in printed.shapiro.items():
            claims |= _both(f"shapiro.{level}", texts)
        claims |= _both("levene", printed.levene) | _both("omnibus", printed.omnibus) | {"effect": printed.effect}
        claims |= {"effect-with-k": printed.effect} if printed.k else {}
        claims |= {f"median.{level}": text for level, text in printed.medians.items()}
        if printed.equal is not None and isinstance(part, QuestionResult):
            equal = {pair_key(*pair) for pair in printed.equal}
            keys = (pair_key(pair.first, pair.second) for pair in part.posthoc)
            claims |= {key: "equal" if key in equal else "different" for key in keys}
    return {what: text for what, text in claims.items() if text}


def _both(name: str, texts: Sequence[str]) -> dict[str, str]:
    return dict(zip((f"{name}.statistic", f"{name}.p"), texts, strict=False))


def _comparison(
    figure: Figure | None, of: str, what: str, printed: str, place: str, errata: Sequence[Erratum]
) -> Comparison:
    value = None if figure is None else figure.value
    how = None if value is None else agreement(value, printed)
    explained = [i for i, e in enumerate(errata) if of in e.affects or f"{of}.{what}" in e.affects]
    return Comparison(
        of,
        what,
        labels=figure.labels if figure else (),
        place=place,
        printed=printed,
        value=value,
        unit=figure.unit if figure else "",
        agrees=how is not None,
        how=how,
        erratum=explained[0] if explained and how is None else None,
    )


def agreement(value: float | str, printed: str) -> Agreement | None:
    """`rounded` or `cut-off` where our value, written with as many digits, gives the printed text; `verdict` where
    both say the same of a pair; else None."""
    if isinstance(value, str):
        return "verdict" if value == printed else None
    theirs = Decimal(printed)
    quantum = Decimal((0, (1,), int(theirs.as_tuple().exponent)))
    with localcontext() as context:
        context.prec = 400
        ours = Decimal(repr(value))
        if ours.quantize(quantum, rounding=ROUND_HALF_UP) == theirs:
            return "rounded"
        return "cut-off" if ours.quantize(quantum, rounding=ROUND_DOWN) == theirs else None


def tally(study: StudyResult) -> Tally:
    """How many printed values there are, how many ours give, how many an erratum explains, how many differ."""
    everyone = [comparison for part in parts(study) for comparison in part.published]
    agree = sum(comparison.agrees for comparison in everyone)
    explained = sum(comparison.erratum is not None for comparison in everyone)
    return Tally(len(everyone), agree, explained, len(everyone) - agree - explained)


def beside(study: StudyResult, other: StudyResult) -> tuple[BesideRow, ...]:
    """Every statistic that two studies have under the same name, with what is printed of each."""
    titles = {part.name: part.title for part in parts(study)}
    here, there = _by_name(study), _by_name(other)
    return tuple(
        BesideRow(of, what, titles[of], row.labels, row, there[of, what])
        for (of, what), row in here.items()
        if (of, what) in there
    )


def _by_name(study: StudyResult) -> Mapping[tuple[str, str], Statistic]:
    printed = {(row.of, row.what): row for part in parts(study) for row in part.published}
    of_names = {}
    for figure in figures(study):
        claim = printed.get((figure.of, figure.what))
        beside_it = (None, None) if claim is None else (claim.printed, claim.agrees)
        of_names[figure.of, figure.what] = Statistic(figure.labels, figure.value, figure.unit, *beside_it)
    return of_names
