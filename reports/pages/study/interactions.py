"""Interactions on a study's page: two factors at once, tested, and the differences that each effect is made of.

Knows their records and the words for them. Computes no result.
"""

from collections.abc import Iterable, Mapping

from reports.pages.blocks import Block, Head, Paragraph, Row, Table
from reports.pages.numbers import Scale
from reports.pages.statistics_tables import interval_text, p_text, table_of_tests
from reports.pages.study.words import filter_text, plain, response_of, unit_text, value_text
from reports.results.inference import Test
from reports.results.interaction import Contrast, InteractionResult, NoTwoWay, TwoWayEffect, TwoWayTest
from reports.results.study import StudyResult

TESTS: Mapping[TwoWayTest, str] = {
    "welch": "The test is Welch's for two factors (Johansen): means, without assuming that all cells spread alike. "
    "Simulated, it gives a false alarm in at most 6 of 100 cases.",
    "classical": "The test is the analysis of variance with one spread for all cells. Simulated, it gives a false "
    "alarm in up to 8 of 100 cases with cells of equal size, and in up to 38 with few values where they spread most.",
    "hc3": "The test is the analysis of variance with covariances that allow every cell its spread (HC3). Simulated, "
    "it gives a false alarm in up to 10 of 100 cases.",
    "aligned-rank": "The test compares ranks of what is left when all other effects are taken off the values. It does "
    "not say how far means differ. Simulated, it gives a false alarm in up to 15 of 100 cases with cells of equal "
    "size, and in up to 38 with few values where they spread most.",
}
SIMULATED = "Simulated were normal values, cells of 3 to 12 whose spreads are 1 and 3 by turns, tested at 5\u00a0%."
"""`tests/benchmarks/bench_two_way.py`; docs/benchmarks.md has every setting."""
REFUSED: Mapping[NoTwoWay, str] = {
    "absent-combinations": "not computed: both factors are confounded, for these combinations have no run: ",
    "too-few": "not computed: it takes two levels of each factor and two runs of each combination",
    "constant": "not computed: all runs of a combination have the same value, so there is no spread to judge by",
    "disconnected": "not computed: too few combinations could be measured to tell an effect",
}


def interaction_blocks(study: StudyResult) -> Iterable[Block]:
    """Every interaction: its tests, then its differences."""
    for part in study.interactions:
        if part.unmeasured:
            yield Paragraph(_unmeasured(part), "note")
        if part.refused is not None:
            yield Paragraph(f"{plain(part.title)}: {REFUSED[part.refused]}{'; '.join(part.absent)}.")
            continue
        rows: list[tuple[str, Test]] = [(effect_text(study, part, effect), effect.test) for effect in part.effects]
        yield table_of_tests(f"interaction-{part.name}", part.title, rows)
        reason = f"The file's reason: {part.reason}." if part.reason else ""
        yield Paragraph(f"{TESTS[part.test]} {SIMULATED} {reason}".strip(), "note")
        if differences := [(effect, contrast) for effect in part.effects for contrast in effect.contrasts]:
            yield _differences(study, part, differences)


def _unmeasured(part: InteractionResult) -> str:
    """Which combinations are missing, why, and what the effects are then of."""
    cells = "; ".join(f"{cell.label} ({cell.reason})" for cell in part.unmeasured)
    return (
        f"Not measured: {cells}. The interaction is of the combinations that were. A main effect averages over the "
        "levels of the other factor that were measured with all of its own; without such a level it is left out."
    )


def effect_text(study: StudyResult, part: InteractionResult, effect: TwoWayEffect) -> str:
    """'Architecture'; 'Architecture × Environment'."""
    titles = {factor.name: factor.title for factor in study.factors}
    first, second = (titles[name] for name in part.factors)
    return {"first": first, "second": second, "interaction": f"{first} × {second}"}[effect.of]


def _differences(
    study: StudyResult, part: InteractionResult, differences: Iterable[tuple[TwoWayEffect, Contrast]]
) -> Table:
    scale = Scale(unit_text(response_of(study, part.response).unit))
    heads = (
        Head("Effect", False), Head("Difference", False), Head(scale.axis("First less second, 95 % interval")),
        Head("df"), Head("p"),
    )  # fmt: skip
    rows = tuple(
        Row((
            effect_text(study, part, effect), _levels(study, contrast),
            interval_text(contrast.difference, contrast.interval), value_text(contrast.df), p_text(contrast.p),
        ))
        for effect, contrast in differences
    )  # fmt: skip
    notes = [
        "Intervals and p are for all differences of one effect at once (Bonferroni). A main effect averages over the "
        "other factor with equal weights. Where the interaction is shown, read it first."
    ]
    if where := filter_text(study, part.filter):
        notes.append(f"Only runs with {where}.")
    return Table(f"differences-{part.name}", f"{part.title}: differences", heads, rows, " ".join(notes))


def _levels(study: StudyResult, contrast: Contrast) -> str:
    """'VGG16 − Xception'; of an interaction '(VGG16 − Xception) at Cloud less at Local'."""
    labels = {factor.name: {level.level: level.label for level in factor.levels} for factor in study.factors}
    pairs = [(labels[name][one], labels[name][other]) for name, (one, other) in contrast.levels.items()]
    (one, other), *rest = pairs
    text = f"{one} − {other}"
    return f"({text}) at {rest[0][0]} less at {rest[0][1]}" if rest else text
