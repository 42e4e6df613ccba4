"""Searches on a study's page: the best so far after each round as curves, and when each has converged, as a table.

Knows their records and the words for them. Computes no result.
"""

from collections.abc import Iterable, Sequence

from reports.figures import scatter
from reports.figures.scatter import Line, Points, ScatterPanel
from reports.pages.blocks import Block, Figure, Head, Paragraph, Row, Table
from reports.pages.numbers import NOTHING, Scale, bare, significant
from reports.pages.study.figures import MOST_PANELS, drawn, figure
from reports.pages.study.words import axis_of, filter_text, plain, response_of, unit_text, value_text
from reports.results.progress import ProgressCurve, ProgressResult, SearchProgress
from reports.results.study import StudyResult
from reports.results.uncertainty import Number


def progress_blocks(study: StudyResult, stamp: str) -> Iterable[Block]:
    """Every part: its curves, its table, its rule."""
    for part in study.progress:
        yield from drawn(_figure(study, part, stamp))
        yield _table(study, part)
        yield Paragraph(_rule(study, part), "note")


def _rule(study: StudyResult, part: ProgressResult) -> str:
    response = response_of(study, part.response)
    text = (
        "The value of a round is the mean of its runs, and the best round so far counts. A search has converged at the "
    )
    if part.tolerance:
        text += f"first round whose best so far is within {value_text(part.tolerance, response.unit)} of its last best."
    else:
        text += "first round that has its last best value (the rule of Yarally's thesis)."
    if part.spent:
        text += " Spent: the sum over all runs, failed ones too; U where the file names the uncertainty of each run."
    if part.repetitions:
        text += " Band: 95\u00a0% interval of the mean over the searches, each round by itself; from three searches on."
    return text


def _figure(study: StudyResult, part: ProgressResult, stamp: str) -> Figure | None:
    strategies = {factor.name: factor for factor in study.factors}[part.strategy]
    styles = {level.level: style for style, level in enumerate(strategies.levels)}
    labels = {level.level: level.label for level in strategies.levels}
    by_panel: dict[str, list[ProgressCurve]] = {}
    for curve in part.curves:
        if curve.rounds:
            by_panel.setdefault(_panel(study, part, curve), []).append(curve)
    if not by_panel or len(by_panel) > 4 * MOST_PANELS:
        return None
    axes = (axis_of(study, part.round), Scale(unit_text(response_of(study, part.response).unit)).axis("best so far"))
    panels = [
        ScatterPanel(
            title or part.title, *axes,
            [_converged(curve, styles[curve.levels[part.strategy]]) for curve in curves],
            [
                Line(labels[curve.levels[part.strategy]], curve.rounds, curve.best, styles[curve.levels[part.strategy]],
                     stepped=True, low=curve.low, high=curve.high)
                for curve in curves
            ],
        )
        for title, curves in by_panel.items()
    ]  # fmt: skip
    caption = f"{plain(part.title)}: best {response_of(study, part.response).title} so far; marked: converged."
    spoken = " ".join(
        f"{curve.label}: {curve.best[0]:.4g} in the first round, {curve.best[-1]:.4g} in the last."
        for curves in by_panel.values() for curve in curves
    )  # fmt: skip
    columns = 2 if len(panels) > 1 else 1
    return figure(f"fig-progress-{part.name}", caption, spoken,
                  lambda label: scatter.scatters(label, panels, columns), stamp)  # fmt: skip


def _converged(curve: ProgressCurve, style: int) -> Points:
    """Where its searches have converged, in the mean of the rounds, on its line."""
    rounds = [search.converged_round for search in curve.searches if search.converged_round is not None]
    middle = sum(rounds) / len(rounds) if rounds else curve.rounds[-1]
    before = [best for round_, best in zip(curve.rounds, curve.best, strict=True) if round_ <= middle]
    return Points("", style, [min(middle, curve.rounds[-1])], [before[-1] if before else curve.best[0]])


def _panel(study: StudyResult, part: ProgressResult, curve: ProgressCurve) -> str:
    labels = {factor.name: {level.level: level.label for level in factor.levels} for factor in study.factors}
    return ", ".join(labels[name][curve.levels[name]] for name in part.panels)


def _table(study: StudyResult, part: ProgressResult) -> Table:
    unit = Scale(unit_text(response_of(study, part.response).unit))
    heads = [Head("Search", False), Head("Rounds"), Head("Runs (without a value)"), Head(unit.axis("Best")),
             Head("Converged in round"), Head("Runs until then")]  # fmt: skip
    if part.spent:
        spent = Scale(unit_text(response_of(study, part.spent).unit))
        heads += [Head(spent.axis("Spent until then")), Head(spent.axis("Spent in all"))]
    rows = tuple(Row(_cells(part, curve)) for curve in part.curves)
    notes = []
    if any(len(curve.searches) > 1 for curve in part.curves):
        notes.append("Of several searches the mean, and the least and the greatest in brackets.")
    if where := filter_text(study, part.filter):
        notes.append(f"Only runs with {where}.")
    return Table(f"progress-{part.name}", part.title, tuple(heads), rows, " ".join(notes))


def _cells(part: ProgressResult, curve: ProgressCurve) -> tuple[str, ...]:
    searches = curve.searches
    runs, without = sum(one.n_runs for one in searches), sum(one.n_without for one in searches)
    cells = (
        curve.label,
        _over([float(one.n_rounds) for one in searches]),
        f"{runs} ({without})" if without else str(runs),
        _over([one.best for one in searches]),
        _over([one.converged_round for one in searches]),
        _over([float(one.runs_until) for one in searches]),
    )
    return (*cells, _spent(searches, "spent_until"), _spent(searches, "spent")) if part.spent else cells


def _over(values: Sequence[float | None]) -> str:
    """The mean over searches, and both ends where there are several."""
    there = [value for value in values if value is not None]
    if not there:
        return NOTHING
    middle = significant(sum(there) / len(there), 4)
    return (
        middle if min(there) == max(there) else f"{middle} [{significant(min(there), 4)}, {significant(max(there), 4)}]"
    )


def _spent(searches: Sequence[SearchProgress], key: str) -> str:
    numbers: list[Number | None] = [getattr(one, key) for one in searches]
    there = [number for number in numbers if number is not None]
    if len(there) < len(searches):
        unknown = sum(one.n_unknown for one in searches)
        return f"not known: {unknown} runs do not say it" if unknown else NOTHING
    if len(there) == 1 and there[0].expanded is not None:
        return bare(there[0], Scale(""))
    return _over([number.value for number in there])
