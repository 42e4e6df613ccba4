"""Correlations, decreases of medians and Pareto fronts on a study's page.

Knows their records and the words for them. Computes no result.
"""

from collections.abc import Iterable, Mapping
from typing import Literal

from reports.pages.blocks import Block, Head, Paragraph, Row, Table
from reports.pages.numbers import NOTHING, Scale, fixed, is_finite, significant
from reports.pages.statistics_tables import interval_text, p_text, refusal, statistic_text, table_of_tests
from reports.pages.study.figures import correlations_figure, drawn, pareto_figure
from reports.pages.study.published import published_table
from reports.pages.study.words import filter_text, named, plain, response_of, unit_text, value_text
from reports.results.cell import UnmeasuredCell
from reports.results.inference import Test
from reports.results.relation import (
    Change,
    CorrelationResult,
    LargestDecrease,
    ParetoPoint,
    ParetoResult,
    ReductionResult,
)
from reports.results.study import StudyResult

SAME_RUNS = (
    "Runs and medians say different things. The runs of a group are repetitions of one case: they say how well that "
    "case is known, and are no further evidence about the relation of the two quantities. A p over all runs counts "
    "the same few cases many times; where runs and medians disagree, believe the medians."
)
SIDES: Mapping[Literal["two-sided", "greater", "less"], str] = {
    "two-sided": "",
    "greater": ", one-sided (> 0)",
    "less": ", one-sided (< 0)",
}


def correlation_blocks(study: StudyResult, stamp: str) -> Iterable[Block]:
    """Every correlation: drawn, tested over runs and over medians, in one sentence, beside what is printed."""
    if not study.correlations:
        return
    yield from drawn(correlations_figure(study, stamp))
    tests = [test for correlation in study.correlations for test in _tests(correlation)]
    yield table_of_tests("correlations-table", "Correlations over all runs, and over the medians of groups", tests)
    yield Paragraph(SAME_RUNS)
    for correlation in study.correlations:
        yield Paragraph(_both_levels(correlation))
        if table := published_table(study, correlation):
            yield table


def _tests(correlation: CorrelationResult) -> Iterable[tuple[str, Test]]:
    held = f", {named(correlation.controls)} held constant" if correlation.controls else ""
    how = f"{held}{SIDES[correlation.alternative]}"
    yield f"{plain(correlation.title)}: all runs{how}", correlation.run_level
    yield f"medians of {len(correlation.medians.groups)} groups{how}", correlation.medians.test


def _both_levels(correlation: CorrelationResult) -> str:
    """What runs and medians say of one correlation."""
    run_level, medians = correlation.run_level, correlation.medians
    runs = f"{plain(correlation.title)}: {_coefficient(run_level)} over {sum(run_level.n)} runs, "
    return f"{runs}{_coefficient(medians.test)} over the medians of {len(medians.groups)} groups."


def _coefficient(test: Test) -> str:
    if test.refused:
        return refusal(test.refused)
    symbol = "ρ" if test.name == "spearman" else "r"
    return f"{symbol} = {statistic_text(test.effect.value if test.effect else None)} (p = {p_text(test.p)})"


def reduction_blocks(study: StudyResult) -> Iterable[Block]:
    """Every reduction: its decreases, and what is printed of them."""
    for reduction in study.reductions:
        if reduction.refused:
            yield Paragraph(f"{reduction.title}: {refusal(reduction.refused)}.")
            continue
        yield _decreases(study, reduction)
        if table := published_table(study, reduction):
            yield table


def _decreases(study: StudyResult, reduction: ReductionResult) -> Table:
    rows = tuple(
        Row((way.from_.label, way.to.label, fixed(way.percent, 2), significant(way.factor, 4)))
        for way in reduction.decreases
    )
    heads = (Head("From", False), Head("To", False), Head("Decrease / %"), Head("Times less"))
    notes = [largest_decrease(study, reduction, reduction.overall)] if reduction.overall else []
    if len(rows) > 1 and (smallest := reduction.smallest) is not None:
        notes.append(f"The smallest is {fixed(smallest.percent, 2)}\u00a0%, to {smallest.to.label}.")
    if where := filter_text(study, reduction.filter):
        notes.append(f"Only runs with {where}.")
    return Table(f"decreases-{reduction.name}", reduction.title, heads, rows, " ".join(notes))


def largest_decrease(study: StudyResult, reduction: ReductionResult, largest: LargestDecrease) -> str:
    """The largest decrease in one sentence, with what else changes on that way."""
    title = response_of(study, reduction.response).title
    text = f"{title}: the largest decrease of the median is {fixed(largest.percent, 2)}\u00a0% "
    text += f"({significant(largest.factor, 3)} times less), from {largest.from_.label} to {largest.to.label}"
    return f"{text}{''.join(_on_this_way(study, change) for change in largest.beside)}."


def _on_this_way(study: StudyResult, change: Change) -> str:
    percent, unit = change.percent, unit_text(change.unit)
    share = f" ({_signed(percent)}\u00a0%)" if percent is not None and is_finite(percent) else ""
    amount = f"{_signed(change.change)}{' percentage points' if unit == '%' else Scale(unit).suffix}"
    return f"; on this way {response_of(study, change.response).title} changes by {amount}{share}"


def _signed(value: float) -> str:
    return f"{'+' if value > 0 else ''}{significant(float(value), 3)}"


def pareto_blocks(study: StudyResult, stamp: str) -> Iterable[Block]:
    """Every Pareto front, drawn and as a table."""
    for part in study.pareto:
        yield from drawn(pareto_figure(study, part, stamp))
        yield _front(study, part)


def _front(study: StudyResult, part: ParetoResult) -> Table:
    x, y = response_of(study, part.x), response_of(study, part.y)
    heads = (
        Head("Combination", False), Head("Runs"),
        *(Head(Scale(unit_text(response.unit)).axis(response.title)) for response in (x, y)), Head("Judgement", False),
    )  # fmt: skip
    if part.by == "mean":
        return _front_of_means(study, part)
    aims = [f"{part.better.x} {x.title} is better", f"{part.better.y} {y.title} is better"]
    rows = (*map(_point, part.points), *map(_missing, part.unmeasured))
    return Table(f"pareto-{part.name}", f"{part.title}: medians, {named(aims)}", heads, rows)


def _missing(cell: UnmeasuredCell) -> Row:
    return Row((cell.label, "0", NOTHING, NOTHING, f"not measured: {cell.reason}"))


def _front_of_means(study: StudyResult, part: ParetoResult) -> Table:
    x, y = response_of(study, part.x), response_of(study, part.y)
    heads = (
        Head("Combination", False), Head("Runs"),
        *(Head(Scale(unit_text(of.unit)).axis(f"{of.title}, mean, 95 % interval")) for of in (x, y)),
        Head("Judgement", False),
    )  # fmt: skip
    rows = (*map(_mean_point, part.points), *map(_missing, part.unmeasured))
    note = (
        "Shown to be beaten: another is better in both by one-sided Welch tests, for all pairs of combinations at once "
        "(Bonferroni). What is beaten by the means alone may be on the front."
    )
    aims = [f"{part.better.x} {x.title} is better", f"{part.better.y} {y.title} is better"]
    return Table(f"pareto-{part.name}", f"{part.title}: means, {named(aims)}", heads, rows, note)


def _mean_point(point: ParetoPoint) -> Row:
    judgement = "on the front" if point.on_front else f"beaten by {point.dominated_by}, by the means alone"
    if point.told_from is not None:
        judgement = f"shown to be beaten by {point.told_from}"
    values = (interval_text(point.x, point.x_interval), interval_text(point.y, point.y_interval))
    return Row((point.label, str(point.n), *values, judgement))


def _point(point: ParetoPoint) -> Row:
    judgement = "on the front" if point.on_front else f"beaten by {point.dominated_by}"
    return Row((point.label, str(point.n), value_text(point.x), value_text(point.y), judgement))
