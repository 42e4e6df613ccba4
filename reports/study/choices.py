"""Which environment for which network: the best level of one factor at each level of another, and those that are not
told from it.

Knows which rows belong to a choice. What may be best comes from `reports.inference.best`, the interaction from
`reports.inference.two_way`.
"""

from collections.abc import Mapping

import numpy as np

from reports.inference.best import may_be_best
from reports.results.cell import Cell
from reports.results.choice import BesideMean, ChoiceCell, ChoiceResult, ChoiceRow
from reports.results.uncertainty import sample_mean
from reports.study.cells import Mask, Values, cells, values_in
from reports.study.file import Interaction, StudyFile
from reports.study.interactions import interact
from reports.study.medians import better_of
from reports.study.questions import other_campaigns
from reports.study.rows import Runs, filter_of, matching
from reports.study.trial_parts import Choice
from reports.study.unmeasured import split


def choose(declared: StudyFile, runs: Runs, name: str) -> ChoiceResult:
    """The choice `name`."""
    part = declared.choices[name]
    mask = matching(runs, part)
    found: dict[tuple[str, str], tuple[Cell, Mask, Values]] = {
        (cell.levels[part.of], cell.levels[part.among]): (cell, rows, values)
        for cell, rows in cells(declared, runs, [part.of, part.among], mask)
        if (values := values_in(runs, part.response, rows)).size
    }
    first, second = (
        [level for level in declared.factors[factor].levels if any(pair[place] == level for pair in found)]
        for place, factor in enumerate((part.of, part.among))
    )
    comparisons = max(1, sum(sum(pair[0] == level for pair in found) - 1 for level in first))
    both = Interaction(
        title=part.title, response=part.response, factors=[part.of, part.among], where=part.where, above=part.above,
        below=part.below,
    )  # fmt: skip
    return ChoiceResult(
        name=name, title=part.title, response=part.response, better=better_of(declared, part.response), of=part.of,
        among=part.among, filter=filter_of(part), alpha=declared.study.alpha, comparisons=comparisons,
        rows=tuple(_row(declared, runs, part, level, second, found, comparisons) for level in first),
        interaction=interact(declared, runs, name, both),
        cautions=tuple(other_campaigns(runs, part.among, mask)),
    )  # fmt: skip


def _row(
    declared: StudyFile,
    runs: Runs,
    part: Choice,
    level: str,
    among: list[str],
    found: Mapping[tuple[str, str], tuple[Cell, Mask, Values]],
    comparisons: int,
) -> ChoiceRow:
    higher = better_of(declared, part.response) == "higher"
    there = [found[level, other] for other in among if (level, other) in found]
    means = np.array([values.mean() for _, _, values in there])
    best = means.max() if higher else means.min()
    may = may_be_best(
        [values for _, _, values in there], higher=higher, alpha=declared.study.alpha, comparisons=comparisons
    )
    unit = declared.responses[part.response].unit
    missing = [(level, other) for other in among if (level, other) not in found]
    reasons, forgotten = split(declared, runs, part, [part.of, part.among], missing)
    return ChoiceRow(
        level, declared.factors[part.of].label(level),
        cells=tuple(
            ChoiceCell(cell.levels, cell.label, int(values.size), sample_mean(values, unit), bool(mean == best), own,
                       _beside(declared, runs, part, rows))
            for (cell, rows, values), mean, own in zip(there, means, may, strict=True)
        ),
        unmeasured=tuple(reasons), absent=tuple(forgotten),
    )  # fmt: skip


def _beside(declared: StudyFile, runs: Runs, part: Choice, rows: Mask) -> tuple[BesideMean, ...]:
    found = ((name, values_in(runs, name, rows)) for name in part.beside)
    return tuple(
        BesideMean(name, int(values.size), sample_mean(values, declared.responses[name].unit))
        for name, values in found if values.size
    )  # fmt: skip
