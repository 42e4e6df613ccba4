"""Figures of a study: parts of study.json -> drawn SVG blocks with captions and spoken descriptions.

Knows the records of study.json and the figures. Knows no table and computes no result.
"""

from collections.abc import Callable, Iterable
from dataclasses import replace

from markupsafe import Markup

from reports.figures import campaign as figures
from reports.figures import forest, grouped_bars, scatter
from reports.figures.campaign import Strip, StripPanel
from reports.figures.forest import IntervalPanel, Stretch
from reports.figures.grouped_bars import GroupedPanel, Series
from reports.figures.palette import BASELINE
from reports.figures.scatter import Line, Points, ScatterPanel, Straight
from reports.figures.sheet import Labelled
from reports.pages.blocks import Figure
from reports.pages.numbers import Scale, is_finite, significant
from reports.pages.statistics_tables import interval_text, p_text
from reports.pages.study.words import axis_of, response_of, unit_text
from reports.results.descriptive import DescriptiveTable
from reports.results.question import LevelPair, QuestionResult
from reports.results.relation import CorrelationResult, ParetoPoint, ParetoResult
from reports.results.study import StudyResult

MOST_GROUPS, MOST_PANELS, MOST_QUANTILES, MOST_PAIRS = 24, 6, 12, 28
"""Above these a figure is no picture any more; the numbers stand in the tables."""
WIDE = 50.0
"""Greatest over least of positive values from which an axis is logarithmic."""


def drawn(figure: Figure | None) -> Iterable[Figure]:
    """The figure where there is something to draw."""
    return () if figure is None else (figure,)


def medians_figure(study: StudyResult, stamp: str) -> Figure | None:
    """Medians of every response over all combinations of levels (figure 1 of del Rey et al.)."""
    panels: list[GroupedPanel] = []
    for table in study.descriptive:
        if table.factors and len(panels) < MOST_PANELS and _varies(table):
            panels += _median_panel(study, table)
    if not panels:
        return None
    spoken = " ".join(
        f"{panel.axis}: " + "; ".join(
            f"{series.label}, {group}: {text}"
            for series in panel.series for group, text in zip(panel.groups, series.texts, strict=True) if text
        ) + "." for panel in panels
    )  # fmt: skip
    caption = "Medians over the runs of every combination of levels."
    return figure("fig-medians", caption, spoken, lambda label: grouped_bars.grouped(label, panels), stamp)


def _varies(table: DescriptiveTable) -> bool:
    return any(cell.least.value != cell.greatest.value for cell in table.cells)


def _median_panel(study: StudyResult, table: DescriptiveTable) -> list[GroupedPanel]:
    """Groups are the combinations of all factors but the first, whose levels are the series."""
    first, *rest = table.factors if len(table.factors) > 1 else ("", *table.factors)
    labels = {(factor.name, level.level): level.label for factor in study.factors for level in factor.levels}
    medians: dict[tuple[str, str], float] = {}
    for cell in table.cells:
        group = ", ".join(labels[name, cell.levels[name]] for name in rest)
        medians[labels[first, cell.levels[first]] if first else "", group] = cell.median.value
    reasons: dict[tuple[str, str], str] = {}
    for missing in study.unmeasured:
        group = ", ".join(labels[name, missing.levels[name]] for name in rest)
        reasons[labels[first, missing.levels[first]] if first else "", group] = missing.reason
    groups = list(dict.fromkeys(group for _, group in medians))
    if len(groups) > MOST_GROUPS:
        return []
    series = []
    for style, name in enumerate(dict.fromkeys(name for name, _ in medians)):
        values = [medians.get((name, group)) for group in groups]
        texts = ["" if value is None else significant(value, 3) for value in values]
        series.append(Series(name, style, values, texts, reasons=[reasons.get((name, group), "") for group in groups]))
    axis = Scale(unit_text(table.unit)).axis("median")
    return [GroupedPanel(response_of(study, table.response).title, axis, groups, series)]


def values_figure(study: StudyResult, question: QuestionResult, stamp: str) -> Figure | None:
    """Every value of a question, a row per level, with box plots."""
    rows = [Strip(level.label, style, level.values) for style, level in enumerate(question.values) if level.values]
    if not rows:
        return None
    least, greatest = min(min(r.values) for r in rows), max(max(r.values) for r in rows)
    is_wide = least > 0 and greatest > WIDE * least
    panel = StripPanel("", axis_of(study, question.response), rows, is_wide)
    spoken = " ".join(
        f"{row.label}: {len(row.values)} runs, {min(row.values):.4g} to {max(row.values):.4g}." for row in rows
    )
    caption = "Every run one point; box plots from five runs on."
    return figure(f"fig-{question.name}", caption, spoken, lambda label: figures.strips(label, [panel]), stamp)


def pairs_figure(question: QuestionResult, stamp: str) -> Figure | None:
    """Differences of all pairs with their intervals; none where the post-hoc test gives no interval."""
    rows = [_stretch(pair, pair.difference, pair.interval) for pair in question.posthoc
            if pair.interval and pair.difference is not None and is_finite(pair.difference)]  # fmt: skip
    if not rows or len(rows) > MOST_PAIRS:
        return None
    axis = Scale(unit_text(question.scale)).axis("difference of means")
    margin = question.relevant.margin if question.relevant else None
    band = (-margin.value, margin.value) if margin else None
    panel = IntervalPanel("First less second", axis, rows, reference=0.0, band=band)
    spoken = " ".join(f"{row.label}: {row.text}." for row in rows)
    caption = "Differences of all pairs with 95 % intervals for all pairs at once; hollow: not shown to differ."
    caption += " Band: differences that are declared irrelevant." if band else ""
    name = f"fig-pairs-{question.name}"
    return figure(name, caption, spoken, lambda label: forest.intervals(label, [panel]), stamp)


def _stretch(pair: LevelPair, difference: float, interval: tuple[float, float]) -> Stretch:
    text = f"{interval_text(difference, interval)}, p = {p_text(pair.p)}"
    label, style = f"{pair.first_label} − {pair.second_label}", 0 if pair.differ else BASELINE
    return Stretch(label, style, difference, *interval, text, hollow=not pair.differ)


def quantiles_figure(question: QuestionResult, stamp: str) -> Figure | None:
    """Q-Q plots of every level, folded: assumptions are shown, they choose nothing."""
    panels = [
        ScatterPanel(
            plot.label, "normal quantile", Scale(unit_text(question.scale)).axis("value"),
            [Points("", style, plot.theoretical, plot.ordered)],
            [Straight("", plot.slope, plot.intercept)],
        )
        for style, plot in enumerate(question.assumptions.qq) if plot.ordered
    ]  # fmt: skip
    if not panels or len(panels) > MOST_QUANTILES:
        return None
    spoken = "Ordered values against quantiles of a normal distribution: " + "; ".join(p.title for p in panels) + "."
    caption = "Q-Q plots of the values that the test uses: points on the line are normally distributed."
    name = f"fig-qq-{question.name}"
    drawn = figure(name, caption, spoken, lambda label: scatter.scatters(label, panels, 3), stamp)
    return replace(drawn, folded=True)


def correlations_figure(study: StudyResult, stamp: str) -> Figure | None:
    """Every correlation as a scatter with the straight line of least squares (figures 2 and 3 of del Rey et al.)."""
    drawable = [part for part in study.correlations[:MOST_PANELS] if any(group.x for group in part.points)]
    panels = [_scatter(study, correlation) for correlation in drawable]
    if not panels:
        return None
    spoken = " ".join(
        f"{panel.title}: {', '.join(f'{p.label} {len(p.x)} runs' for p in panel.points)}." for panel in panels
    )
    caption = "Every run one point, coloured by group; dashed: straight line of least squares over the runs."
    columns = 2 if len(panels) > 1 else 1
    return figure("fig-correlations", caption, spoken,
                   lambda label: scatter.scatters(label, panels, columns), stamp)  # fmt: skip


def _scatter(study: StudyResult, part: CorrelationResult) -> ScatterPanel:
    groups = [Points(group.label, style, group.x, group.y) for style, group in enumerate(part.points) if group.x]
    fit = part.fit
    lines = [Straight("least squares over the runs", fit.slope, fit.intercept, dashed=True)] if fit else []
    return ScatterPanel(part.title, axis_of(study, part.x), axis_of(study, part.y), groups, lines)


def pareto_figure(study: StudyResult, part: ParetoResult, stamp: str) -> Figure | None:
    """Medians of two responses, the front as steps, every combination named."""
    is_falling = part.better.x == "higher"
    front = sorted((point for point in part.points if point.on_front), key=lambda point: point.x, reverse=is_falling)
    if not front:
        return None
    beaten = [point for point in part.points if not point.on_front]
    told = [point for point in beaten if point.told_from is not None]
    alone = [point for point in beaten if point.told_from is None]
    word = "beaten by another" if part.by == "median" else "beaten by the means alone"
    groups = [
        _tagged(label, style, points)
        for label, style, points in (
            ("on the front", 0, front),
            (word, BASELINE, alone),
            ("shown to be beaten", 1, told),
        )
        if points
    ]
    steps = Line("Pareto front", [point.x for point in front], [point.y for point in front], style=0, stepped=True)
    lines = [steps] if len(front) > 1 else []
    panel = ScatterPanel(part.title, axis_of(study, part.x), axis_of(study, part.y), groups, lines)
    spoken = "On the front: " + "; ".join(point.label for point in front) + "."
    caption = "Medians" if part.by == "median" else "Means, with 95\u00a0% intervals over the runs,"
    caption += " of every combination of levels. What is on the front is beaten by no other in both at once."
    name = f"fig-pareto-{part.name}"
    return figure(name, caption, spoken, lambda label: scatter.scatters(label, [panel], 1), stamp)


def _tagged(label: str, style: int, points: Iterable[ParetoPoint]) -> Points:
    shown = list(points)
    x, y = (
        [None if ends is None else (ends[1] - ends[0]) / 2 for ends in of]
        for of in ([p.x_interval for p in shown], [p.y_interval for p in shown])
    )
    return Points(label, style, [p.x for p in shown], [p.y for p in shown], x, y, [p.label for p in shown])


def figure(name: str, caption: str, spoken: str, draw: Callable[[Labelled], str], stamp: str) -> Figure:
    """A drawn figure with its caption, what is spoken of it, and the stamp of what was not measured."""
    return Figure(name, caption, Markup(draw(Labelled(name, caption, spoken, stamp))))
