"""Interactions of a study: two factors at once, by the declared test, and the differences that each effect is made of.

Knows which rows belong to an interaction. Every number comes from `reports.inference.two_way`.
"""

from collections.abc import Mapping, Sequence

import numpy as np

from reports.inference import two_way
from reports.inference.effects import effect_of
from reports.inference.two_way import Difference, Tested
from reports.results.inference import Test, TestName
from reports.results.interaction import (
    CellMean,
    Contrast,
    EffectOf,
    InteractionResult,
    NoTwoWay,
    TwoWayEffect,
    TwoWayTest,
)
from reports.results.uncertainty import sample_mean
from reports.study.cells import Values, cells, values_in
from reports.study.file import Interaction, StudyFile
from reports.study.rows import Runs, filter_of, matching
from reports.study.unmeasured import split

TESTS: dict[TwoWayTest, TestName] = {
    "welch": "welch-james", "classical": "two-way-anova", "hc3": "two-way-hc3", "aligned-rank": "aligned-rank",
}  # fmt: skip
FEWEST = 2
"""Values of a cell."""
SPREADS: tuple[TwoWayTest, ...] = ("welch", "hc3")
"""Tests that divide by the spread of every cell."""


def interact(declared: StudyFile, runs: Runs, name: str, part: Interaction) -> InteractionResult:
    """The interaction `part`, under that name."""
    first, second = part.factors
    mask = matching(runs, part)
    unit = declared.responses[part.response].unit
    found = {
        (cell.levels[first], cell.levels[second]): (cell, values)
        for cell, rows in cells(declared, runs, part.factors, mask)
        if (values := values_in(runs, part.response, rows)).size
    }
    levels = [
        [level for level in declared.factors[factor].levels if any(pair[place] == level for pair in found)]
        for place, factor in enumerate((first, second))
    ]
    crossed = [[(one, other) for other in levels[1]] for one in levels[0]]
    missing = [pair for row in crossed for pair in row if pair not in found]
    unmeasured, absent = split(declared, runs, part, part.factors, missing)
    if part.test == "aligned-rank":
        absent += [cell.label for cell in unmeasured]
    crossed_values = _crossed(levels, {pair: values for pair, (_, values) in found.items()})
    refused = _refusal(part, levels, absent, crossed_values)
    effects = () if refused else tuple(_effects(part, levels, crossed_values))
    return InteractionResult(
        name=name, title=part.title, response=part.response, factors=(first, second), filter=filter_of(part),
        test=part.test, reason=part.reason,
        cells=tuple(
            CellMean(cell.levels, cell.label, int(own.size), sample_mean(own, unit)) for cell, own in found.values()
        ),
        absent=tuple(absent),
        effects=effects, refused=refused or (None if effects else "disconnected"), unmeasured=tuple(unmeasured),
    )  # fmt: skip


def _crossed(levels: Sequence[Sequence[str]], found: Mapping[tuple[str, str], Values]) -> list[list[Values]]:
    """The values of every combination; none of what was not measured."""
    return [[found.get((one, other), np.empty(0)) for other in levels[1]] for one in levels[0]]


def _refusal(
    part: Interaction, levels: Sequence[Sequence[str]], absent: Sequence[str], crossed: Sequence[Sequence[Values]]
) -> NoTwoWay | None:
    values = [own for row in crossed for own in row if own.size]
    if absent:
        return "absent-combinations"
    if any(len(of) < 2 for of in levels) or any(own.size < FEWEST for own in values):
        return "too-few"
    spreads = [np.ptp(own) for own in values]
    return "constant" if not max(spreads) or (part.test in SPREADS and not min(spreads)) else None


def _effects(
    part: Interaction, levels: Sequence[Sequence[str]], values: Sequence[Sequence[Values]]
) -> list[TwoWayEffect]:
    tested = two_way.effects(values, part.test)
    sizes = tuple(int(own.size) for row in values for own in row if own.size)
    return [
        TwoWayEffect(
            effect,
            _test(part.test, tested[effect], sizes),
            () if part.test == "aligned-rank" else tuple(_contrasts(part, levels, values, effect)),
        )
        for effect in tested
    ]


def _test(test: TwoWayTest, tested: Tested, sizes: tuple[int, ...]) -> Test:
    effect = effect_of("partial-eta-squared", tested.eta_squared, None, tested.p)
    return Test(TESTS[test], tested.f, "F", tested.df, tested.p, sizes, effect, None)


def _contrasts(
    part: Interaction, levels: Sequence[Sequence[str]], values: Sequence[Sequence[Values]], effect: EffectOf
) -> list[Contrast]:
    def named(of: Difference) -> dict[str, tuple[str, str]]:
        pairs = zip(part.factors, levels, (of.first, of.second), strict=True)
        return {factor: (known[at[0]], known[at[1]]) for factor, known, at in pairs if at is not None}

    return [
        Contrast(named(found), found.value, found.interval, found.df, found.p)
        for found in two_way.differences(values, effect)
    ]
