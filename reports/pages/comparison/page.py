"""View model of a comparison: its record -> statements, tables, figures, and what each of them rests on.

Knows the record of comparison.json (docs/comparing.md) and the blocks of a page. Knows no campaign, no run folder,
computes nothing.
"""

from collections.abc import Iterator
from dataclasses import replace

from reports.pages.blocks import Block, Card, Paragraph, Section
from reports.pages.comparison.evidence import command_of, evidence, joined_table, key_tables
from reports.pages.comparison.figures import boxes, ratios
from reports.pages.comparison.statements import FEW_STATEMENTS, answer, statements
from reports.pages.comparison.tables import (
    budget_tables,
    difference_of,
    efficiency_tables,
    equivalence_tables,
    label_of_pair,
    result_tables,
    test_tables,
)
from reports.pages.comparison.words import (
    IMPORTED,
    INVALID,
    ONE_AFTER_THE_OTHER,
    P_NOTE,
    SAFE_NOTE,
    SKEWED,
    outcome_in_words,
)
from reports.pages.document import STAMPS, DocumentPage, document_page, section_of
from reports.pages.lookup import words
from reports.pages.numbers import NOTHING, in_page_units
from reports.results.budget import Missing
from reports.results.compared_pair import ComparedPair
from reports.results.compared_side import ComparedSide
from reports.results.comparison import PLAIN, ComparedSet, Comparison

MOST_JOINED = 3
"""The names of so many campaigns are joined to that of a side."""


def legible(document: Comparison) -> Comparison:
    """The document in the units of its page, with sides that many campaigns were joined to called after the first,
    unless they have a name."""
    sets = tuple(
        replace(of_set, sides=tuple(replace(side, label=_short(side)) for side in of_set.sides))
        for of_set in document.sets
    )
    return in_page_units(replace(document, sets=sets), "sets")


def _short(side: ComparedSide) -> str:
    names = [part.folder for part in side.parts]
    scenarios = [f"{part.folder}:{part.scenario}" for part in side.parts]
    joined = next((each for each in (names, scenarios) if "+".join(each) == side.label), [])
    return f"{joined[0]} and {len(joined) - 1} more" if len(joined) > MOST_JOINED else side.label


def comparison_page(document: Comparison) -> DocumentPage:
    """The page of one comparison."""
    document = legible(document)
    labels = dict.fromkeys(side.label for of_set in document.sets for side in of_set.sides)
    again = f"from {len(document.inputs)} campaigns; again: {command_of(document)}"
    return document_page(
        title=f"Comparison: {' and '.join(labels)}",
        origin=document.origin,
        identity=_identity(document),
        answer=answer(document),
        cards=_cards(document),
        opening=_opening(document),
        sections=_sections(document, STAMPS.get(document.origin, ("", ""))[0]),
        colophon=(
            f"Computed by wattlab {document.software.version} {again}",
            f"comparison.json, schema {document.schema}",
        ),
        numbers="comparison.json",
    )


def _identity(document: Comparison) -> Iterator[str]:
    for campaign in document.inputs:
        yield f"Campaign {campaign.name}, uid {campaign.uid or 'none'}, {len(campaign.runs)} runs"
    yield "The first side is the reference: difference = second - first, ratio = second / first."


def _opening(document: Comparison) -> Iterator[Block]:
    sentences = statements(document)
    if len(sentences) > FEW_STATEMENTS:
        yield from map(Paragraph, sentences)
    sides = [side for of_set in document.sets for side in of_set.sides]
    yield from (Paragraph(INVALID.format(side.label), "note") for side in sides if "invalid" in side.verdicts)
    yield from (Paragraph(note, "note") for note in (_apart(document), _imported(document), _skewed(sides)) if note)
    lacking = sorted(
        {_lack(side.label, item) for side in sides for part in side.quantities.values() for item in part.missing}
    )
    if lacking:
        yield Paragraph(f"U is not complete, for this is not known: {'; '.join(lacking)}.", "note")


def _apart(document: Comparison) -> str:
    """What no interval holds of sides that were measured one after the other."""
    pairs = [pair for of_set in document.sets for pair in of_set.pairs]
    if any(pair.sessions == "different" for pair in pairs):
        return ONE_AFTER_THE_OTHER.format("sessions")
    return "" if all(pair.one_campaign for pair in pairs) else ONE_AFTER_THE_OTHER.format("campaigns")


def _imported(document: Comparison) -> str:
    return IMPORTED if document.origin == "imported" else ""


def _skewed(sides: list[ComparedSide]) -> str:
    skewed = [
        f"{side.label} ({words(name).lower()})" for side in sides for name in PLAIN if side.quantities[name].skewed
    ]
    return SKEWED.format(", ".join(dict.fromkeys(skewed))) if skewed else ""


def _lack(label: str, item: Missing) -> str:
    of = f" of {item.meter}" if item.meter else ""
    return f"{label}: {item.what.replace('-', ' ')}{of}"


def _cards(document: Comparison) -> Iterator[Card]:
    for of_set in document.sets:
        for style, pair in enumerate(of_set.pairs):
            yield _card(of_set, pair, style % 6)


def _card(of_set: ComparedSet, pair: ComparedPair, style: int) -> Card:
    part = pair.quantities[pair.headline]
    label = label_of_pair(of_set, pair)
    title = f"{of_set.name}: {label}" if of_set.name else label
    value = difference_of(of_set, pair, pair.headline) if part.verdict != "too-few" else NOTHING
    claim = f"{words(pair.headline).lower()}, {outcome_in_words(part.verdict, part.reason)}"
    others = (name for name in PLAIN if name != pair.headline and pair.quantities[name].difference)
    lines = tuple(f"{words(name).lower()}: {difference_of(of_set, pair, name)}" for name in others)
    return Card(title, value, claim, lines, style)


def _sections(document: Comparison, stamp: str) -> Iterator[Section | None]:
    for number, of_set in enumerate(document.sets):
        yield from _sections_of(document, of_set, f"s{number}", stamp)
    yield section_of("evidence", "Evidence", evidence(document))


def _sections_of(document: Comparison, of_set: ComparedSet, anchor: str, stamp: str) -> Iterator[Section | None]:
    figures = (ratios(document, of_set, anchor, stamp), boxes(of_set, anchor, stamp))
    yield section_of(f"{anchor}-result", _headed(of_set, "Result"), result_tables(of_set, anchor), *figures)
    tests = (test_tables(of_set, anchor), equivalence_tables(of_set, anchor))
    notes = (Paragraph(P_NOTE, "note"), Paragraph(SAFE_NOTE, "note"))
    yield section_of(f"{anchor}-tests", _headed(of_set, "Tests, effect sizes, equivalence"), *tests, *notes)
    title = _headed(of_set, "Efficiency values after ISO/IEC 14756")
    yield section_of(f"{anchor}-iso", title, efficiency_tables(of_set, anchor))
    title = _headed(of_set, "What the uncertainty is made of")
    yield section_of(f"{anchor}-budget", title, budget_tables(of_set, anchor))
    title = _headed(of_set, "Are they comparable?")
    yield section_of(f"{anchor}-keys", title, joined_table(of_set, anchor), key_tables(of_set, anchor))


def _headed(of_set: ComparedSet, title: str) -> str:
    return f"{title.rstrip('?')}: {of_set.name}" if of_set.name else title
