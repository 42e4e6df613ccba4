"""Which environment for which network, on a study's page: bars, a table with what is not told from the best, and the
interaction.

Knows their records and the words for them. Computes no result.
"""

from collections.abc import Iterable

from reports.figures import grouped_bars
from reports.figures.grouped_bars import GroupedPanel, Series
from reports.pages.blocks import Block, Figure, Head, Paragraph, Row, Table
from reports.pages.numbers import NOTHING, Scale, bare
from reports.pages.statistics_tables import p_text
from reports.pages.study.figures import MOST_GROUPS, drawn, figure
from reports.pages.study.interactions import REFUSED
from reports.pages.study.questions import CAUTIONS
from reports.pages.study.words import filter_text, named, plain, response_of, unit_text, value_text
from reports.results.cell import UnmeasuredCell
from reports.results.choice import ChoiceCell, ChoiceResult, ChoiceRow
from reports.results.study import StudyResult


def choice_blocks(study: StudyResult, stamp: str) -> Iterable[Block]:
    """Every choice."""
    for part in study.choices:
        yield from drawn(_figure(study, part, stamp))
        yield _table(study, part)
        yield Paragraph(_interaction(study, part))
        for caution in part.cautions:
            shown = "; ".join(f"{level}: {', '.join(of)}" for level, of in caution.levels.items())
            yield Paragraph(f"{CAUTIONS[caution.code]} {shown}.", "note")


def chosen(study: StudyResult, part: ChoiceResult) -> Iterable[str]:
    """The best level of each row in one sentence, with those that are not told from it."""
    answers = [f"{row.label}: {_best(row)}" for row in part.rows if row.cells]
    if answers:
        yield f"{plain(part.title)}: {'; '.join(answers)}."


def _best(row: ChoiceRow) -> str:
    best = [_among(row, cell) for cell in row.cells if cell.is_best]
    others = [_among(row, cell) for cell in row.cells if cell.may_be_best and not cell.is_best]
    return named(best) + (f" ({named(others)} not told from it)" if others else "")


def _among(row: ChoiceRow, cell: ChoiceCell | UnmeasuredCell) -> str:
    return cell.label.removeprefix(f"{row.label}, ")


def _verdict(cell: ChoiceCell) -> str:
    if cell.is_best:
        return "best"
    return "not told from the best" if cell.may_be_best else "worse"


def _table(study: StudyResult, part: ChoiceResult) -> Table:
    titles = {factor.name: factor.title for factor in study.factors}
    response = response_of(study, part.response)
    shown = list(dict.fromkeys(one.response for row in part.rows for cell in row.cells for one in cell.beside))
    heads = (
        Head(titles[part.of], False), Head(titles[part.among], False), Head("Runs"),
        Head(Scale(unit_text(response.unit)).axis(f"{response.title}, mean")), Head("Judgement", False),
        *(Head(Scale(unit_text(response_of(study, name).unit)).axis(response_of(study, name).title)) for name in shown),
    )  # fmt: skip
    rows: list[Row] = []
    for row in part.rows:
        for cell in row.cells:
            beside = {one.response: bare(one.mean, Scale("")) for one in cell.beside}
            own = (row.label, _among(row, cell), str(cell.n), bare(cell.mean, Scale("")), _verdict(cell))
            rows.append(Row((*own, *(beside.get(name, NOTHING) for name in shown))))
        for missing in row.unmeasured:
            own = (row.label, _among(row, missing), "0", NOTHING, f"not measured: {missing.reason}")
            rows.append(Row((*own, *(NOTHING for _ in shown))))
        for label in row.absent:
            own = (row.label, label.removeprefix(f"{row.label}, "), "0", NOTHING, "no run")
            rows.append(Row((*own, *(NOTHING for _ in shown))))
    notes = [
        f"{part.better.capitalize()} is better. Not told from the best: no other level is shown to be better, by "
        f"one-sided Welch tests at {part.alpha:g} for all {part.comparisons} comparisons at once (Bonferroni)."
    ]
    if where := filter_text(study, part.filter):
        notes.append(f"Only runs with {where}.")
    return Table(f"choice-{part.name}", part.title, heads, tuple(rows), " ".join(notes))


def _interaction(study: StudyResult, part: ChoiceResult) -> str:
    titles = {factor.name: factor.title for factor in study.factors}
    both = f"{titles[part.of]} × {titles[part.among]}"
    tested = [effect.test for effect in part.interaction.effects if effect.of == "interaction"]
    if not tested:
        refused = part.interaction.refused or "disconnected"
        return f"The interaction {both} was {REFUSED[refused]}{'; '.join(part.interaction.absent)}."
    test = tested[0]
    shown = (test.p or 0.0) < part.alpha
    verdict = "what is gained differs between the rows" if shown else "no difference of what is gained is shown"
    text = f"Interaction {both} (Welch-James): F = {value_text(test.statistic)}, p = {p_text(test.p)}: {verdict}."
    return text + (" It is of the combinations that could be measured." if part.interaction.unmeasured else "")


def _figure(study: StudyResult, part: ChoiceResult, stamp: str) -> Figure | None:
    if not part.rows or len(part.rows) > MOST_GROUPS:
        return None
    factor = {factor.name: factor for factor in study.factors}[part.among]
    series = [
        one for style, level in enumerate(factor.levels)
        if (one := _series(part, level.level, level.label, style)).texts and any(v is not None for v in one.values)
    ]  # fmt: skip
    response = response_of(study, part.response)
    axis = Scale(unit_text(response.unit)).axis("mean")
    panel = GroupedPanel(response.title, axis, [row.label for row in part.rows], series)
    caption = (
        f"{part.title} Means with 95\u00a0% intervals over the runs; named: the best, and what is not told from it."
    )
    spoken = " ".join(chosen(study, part))
    return figure(f"fig-choice-{part.name}", caption, spoken, lambda label: grouped_bars.grouped(label, [panel]), stamp)


def _series(part: ChoiceResult, level: str, label: str, style: int) -> Series:
    cells = [next((cell for cell in row.cells if cell.levels[part.among] == level), None) for row in part.rows]
    reasons = [
        next((missing.reason for missing in row.unmeasured if missing.levels[part.among] == level), "")
        for row in part.rows
    ]
    halves = [None if cell is None else cell.mean.expanded for cell in cells]
    words = {"best": "best", "not told from the best": "or this"}
    both = list(zip(cells, halves, strict=True))
    return Series(
        label, style, [None if cell is None else cell.mean.value for cell in cells],
        ["" if cell is None else words.get(_verdict(cell), "") for cell in cells],
        [None if cell is None or half is None else cell.mean.value - half for cell, half in both],
        [None if cell is None or half is None else cell.mean.value + half for cell, half in both],
        reasons,
    )  # fmt: skip
