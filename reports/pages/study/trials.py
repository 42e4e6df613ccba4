"""Single runs of a study and groups of them on its page: scatters, spreads, clusters, increases.

Knows their records and the words for them. Computes no result.
"""

from collections.abc import Iterable

from reports.figures import grouped_bars, histogram, scatter
from reports.figures.grouped_bars import GroupedPanel, Series
from reports.figures.histogram import HistogramPanel
from reports.figures.scatter import Points, ScatterPanel
from reports.pages.blocks import Block, Figure, Head, Paragraph, Row, Table
from reports.pages.numbers import NOTHING, Scale, bare, significant
from reports.pages.statistics_tables import interval_text
from reports.pages.study.figures import drawn, figure
from reports.pages.study.published import published_table
from reports.pages.study.questions import FOLDED_ROWS
from reports.pages.study.words import axis_of, filter_text, named, plain, response_of, unit_text, value_text
from reports.results.study import StudyResult
from reports.results.trials import ClustersResult, IncreaseResult, ScatterResult, SpreadResult


def scatter_blocks(study: StudyResult, stamp: str) -> Iterable[Block]:
    """Every scatter."""
    for part in study.scatters:
        yield from drawn(_scatter(study, part, stamp))


def _scatter(study: StudyResult, part: ScatterResult, stamp: str) -> Figure | None:
    groups = [Points(group.label, style, group.x, group.y) for style, group in enumerate(part.points) if group.x]
    if not groups:
        return None
    panel = ScatterPanel(
        "", axis_of(study, part.x), axis_of(study, part.y), groups, falling_x="x" in part.reversed,
        falling_y="y" in part.reversed,
    )  # fmt: skip
    caption = f"{plain(part.title)}: every run one point ({part.n})."
    if turned := [response_of(study, getattr(part, axis)).title for axis in part.reversed]:
        caption += f" The axis of {named(turned)} runs from its largest value to its least."
    if where := filter_text(study, part.filter):
        caption += f" Only runs with {where}."
    spoken = " ".join(f"{group.label or 'all'}: {len(group.x)} runs." for group in groups)
    name = f"fig-scatter-{part.name}"
    return figure(name, caption, spoken, lambda label: scatter.scatters(label, [panel], 1), stamp)


def spread_blocks(study: StudyResult, stamp: str) -> Iterable[Block]:
    """Every spread: its histogram, what exceeds the limit, its table."""
    for part in study.spreads:
        yield from drawn(_histogram(study, part, stamp))
        yield Paragraph(_exceeding(part))
        yield _spreads(study, part)


def _histogram(study: StudyResult, part: SpreadResult, stamp: str) -> Figure | None:
    if not part.counts:
        return None
    panel = HistogramPanel(
        "", "coefficient of variation", "combinations", part.edges, part.counts, part.limit or None,
        f"limit {part.limit:g}",
    )  # fmt: skip
    caption = (
        f"{plain(part.title)}: coefficients of variation of {response_of(study, part.response).title} within each "
    )
    caption += "combination of levels; dashed: the limit that the study file states."
    spoken = f"{sum(part.counts)} combinations, {part.n_above} of them above {part.limit:g}."
    return figure(f"fig-spread-{part.name}", caption, spoken, lambda label: histogram.histograms(label, [panel]), stamp)


def _exceeding(part: SpreadResult) -> str:
    if part.mean is None or part.greatest is None:
        return f"{plain(part.title)}: no combination has a coefficient of variation."
    text = f"{plain(part.title)}: the mean of the coefficients is {significant(part.mean, 3)}, the largest "
    text += f"{significant(part.greatest, 3)}. {part.n_above} of {sum(part.counts)} lie above {part.limit:g}, "
    return f"{text}{part.n_told_above} of them with their whole interval."


def _spreads(study: StudyResult, part: SpreadResult) -> Table:
    heads = (Head("Runs of", False), Head("n"), Head("CV, 95 % interval"), Head("Judgement", False))
    rows = tuple(
        Row((
            cell.label or "all runs", str(cell.n),
            NOTHING if cell.cv is None else interval_text(cell.cv, cell.interval),
            _judgement(cell.cv, cell.interval, part.limit),
        ))
        for cell in part.cells
    )  # fmt: skip
    note = "CV: SD over mean of the runs of one combination."
    if where := filter_text(study, part.filter):
        note += f" Only runs with {where}."
    return Table(f"spread-{part.name}", part.title, heads, rows, note, folded=len(rows) > FOLDED_ROWS)


def _judgement(cv: float | None, interval: tuple[float, float] | None, limit: float) -> str:
    if cv is None:
        return "it has no meaning here"
    if interval is not None and interval[0] > limit:
        return "above the limit"
    if interval is not None and interval[1] <= limit:
        return "below the limit"
    return "above the limit, not told from it" if cv > limit else "below the limit, not told from it"


def cluster_blocks(study: StudyResult) -> Iterable[Block]:
    """Every set of clusters, with what is printed of it."""
    for part in study.clusters:
        yield _clusters(study, part)
        if table := published_table(study, part):
            yield table


def _clusters(study: StudyResult, part: ClustersResult) -> Table:
    heads = (
        Head("Cluster", False), Head("Of", False), Head("Runs"), Head("Mean"), Head("SD"), Head("Least"),
        Head("Greatest"),
    )  # fmt: skip
    rows = tuple(
        Row((
            cluster.label, response_of(study, row.response).title, str(row.n),
            f"{bare(row.mean, Scale(''))}{Scale(unit_text(row.mean.unit)).suffix}",
            NOTHING if row.mean.sd is None else value_text(row.mean.sd, row.mean.unit),
            value_text(row.least, row.mean.unit), value_text(row.greatest, row.mean.unit),
        ))
        for cluster in part.clusters for row in cluster.summaries
    )  # fmt: skip
    rules = "; ".join(f"{cluster.label}: {filter_text(study, cluster.filter)}" for cluster in part.clusters)
    notes = [f"The rule of the study file: {rules}."]
    if part.n_none:
        notes.append(f"{part.n_none} runs are in no cluster.")
    if part.n_several:
        notes.append(f"{part.n_several} runs are in more than one, and count in each.")
    return Table(f"clusters-{part.name}", part.title, heads, rows, " ".join(notes))


def increase_blocks(study: StudyResult, stamp: str) -> Iterable[Block]:
    """Every increase: its means side by side, how much larger they are, with what is printed of it."""
    for part in study.increases:
        yield from drawn(_bars(study, part, stamp))
        yield from drawn(_relative(study, part, stamp))
        yield _increases(study, part)
        if table := published_table(study, part):
            yield table


def _bars(study: StudyResult, part: IncreaseResult, stamp: str) -> Figure | None:
    """The means, level by level of the factor `bars`."""
    if not any(mean is not None for bars in part.bars for mean in bars.means):
        return None
    groups = [level.label for level in part.levels]
    series = [
        Series(bars.label, style, bars.means, ["" if mean is None else significant(mean, 3) for mean in bars.means])
        for style, bars in enumerate(part.bars)
    ]
    panel = GroupedPanel("", axis_of(study, part.response), groups, series)
    spoken = " ".join(
        f"{one.label}: " + ", ".join(f"{group} {text or 'none'}" for group, text in zip(groups, one.texts, strict=True))
        + "." for one in series
    )  # fmt: skip
    caption = f"{plain(part.title)}: {response_of(study, part.response).title}, means of the runs."
    return figure(f"fig-bars-{part.name}", caption, spoken, lambda label: grouped_bars.grouped(label, [panel]), stamp)


def _relative(study: StudyResult, part: IncreaseResult, stamp: str) -> Figure | None:
    """The increases, those of other responses beside them."""
    ours = [level.percent for level in part.levels]
    if not part.beside or all(percent is None for percent in ours):
        return None
    groups = [level.label for level in part.levels][1:]
    drawn_of = [
        (part.response, ours, [level.interval for level in part.levels]),
        *((beside.response, beside.percents, beside.intervals) for beside in part.beside),
    ]
    series = [
        Series(
            response_of(study, response).title, style, percents[1:],
            ["" if percent is None else f"{percent:+.3g}" for percent in percents[1:]],
            [None if ends is None else ends[0] for ends in ends_of[1:]],
            [None if ends is None else ends[1] for ends in ends_of[1:]],
        )
        for style, (response, percents, ends_of) in enumerate(drawn_of)
    ]  # fmt: skip
    panel = GroupedPanel("", f"more than {part.levels[0].label} / %", groups, series)
    spoken = " ".join(
        f"{one.label}: " + ", ".join(f"{group} {text or 'none'}" for group, text in zip(groups, one.texts, strict=True))
        + " (%)." for one in series
    )  # fmt: skip
    caption = (
        f"{plain(part.title)}: relative changes against {part.levels[0].label}; whiskers: Fieller's 95 % intervals."
    )
    name = f"fig-increase-{part.name}"
    return figure(name, caption, spoken, lambda label: grouped_bars.grouped(label, [panel]), stamp)


def _increases(study: StudyResult, part: IncreaseResult) -> Table:
    unit = Scale(unit_text(response_of(study, part.response).unit))
    beside = [Head(f"{response_of(study, one.response).title}, increase / %") for one in part.beside]
    heads = (Head("Level", False), Head("Runs"), Head(unit.axis("Mean")), Head("Increase / %, 95 % interval"), *beside)
    rows = tuple(
        Row((
            level.label, str(level.n), bare(level.mean, Scale("")),
            _percent(place, level.percent, level.interval),
            *(_percent(place, one.percents[place], one.intervals[place]) for one in part.beside),
        ))
        for place, level in enumerate(part.levels)
    )  # fmt: skip
    notes = []
    if part.over:
        titles = {factor.name: factor.title for factor in study.factors}
        notes.append(f"Every combination of {named([titles[name] for name in part.over])} counts alike.")
    if part.left_out:
        notes.append(f"Not measured at every level, and left out: {'; '.join(part.left_out)}.")
    if where := filter_text(study, part.filter):
        notes.append(f"Only runs with {where}.")
    notes.append("The interval is Fieller's: it holds the spread over the runs.")
    return Table(f"increase-{part.name}", part.title, heads, rows, " ".join(notes))


def _percent(place: int, percent: float | None, interval: tuple[float, float] | None) -> str:
    if not place:
        return "beside this"
    return NOTHING if percent is None else interval_text(percent, interval)
