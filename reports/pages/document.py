"""What every document's page has in common: the mark of its readings, numbered figures, text for CSS; and the page of a
document that opens with its answer and is no campaign (a comparison, a study).

Knows the blocks of a page. Knows no results, no HTML, no word of any document.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import count

from reports.figures.sheet import without_hole
from reports.pages.blocks import Block, Card, Diagram, Figure, Fold, Photo, Section, css_text
from reports.results.meters import Measurement

NOT_STATED = "not stated"
STAMPS = {
    "emulated": ("EMULATED", "The power readings come from an emulated meter. Nothing here is a measured consumption."),
    "estimated": (
        "ESTIMATED",
        "Software estimated the power, from counters of the machine or a UPS's load. No power meter measured it.",
    ),
    "unattested": ("UNATTESTED", "Nothing proves that a real instrument made the power readings."),
    "declared": (
        "DECLARED",
        "Which instrument made the power readings is declared by the lab and shown by nothing else.",
    ),
    "none": ("NOT MEASURED", "No power reading stands behind this page."),
    "imported-table": (
        "IMPORTED TABLE",
        "A table of runs, without readings: no energy can be recomputed, and no meter's uncertainty is known.",
    ),
}
"""Origin of the readings -> the mark on every page and figure, and its sentence."""


def stamp_of(measurement: Measurement) -> tuple[str, str]:
    """The mark of a campaign's pages and its sentence, which names the certificate of a qualified software meter."""
    stamp, sentence = STAMPS.get(measurement.origin, ("", ""))
    return stamp, sentence if measurement.certificate is None else measurement.sentence


@dataclass(frozen=True, slots=True)
class DocumentPage:
    """Everything templates/document.html.j2 prints. The `css_` texts are escaped for a CSS string."""

    title: str
    stamp: str
    stamp_sentence: str
    css_stamp: str
    css_identity: str
    identity: tuple[str, ...]
    answer: str
    cards: tuple[Card, ...]
    opening: tuple[Block, ...]
    sections: tuple[Section, ...]
    colophon: tuple[str, ...]
    numbers: str

    @property
    def cards_in_a_row(self) -> int:
        """How many cards stand side by side where there is room for so many, so that none is left alone."""
        return without_hole(len(self.cards), 4)


def document_page(
    title: str,
    origin: str,
    identity: Iterable[str],
    answer: str,
    sections: Iterable[Section | None],
    colophon: Iterable[str],
    numbers: str,
    *,
    cards: Iterable[Card] = (),
    opening: Iterable[Block] = (),
) -> DocumentPage:
    """The page of one document: marked by the `origin` of its readings, its figures numbered from the opening on.

    `origin` is a key of STAMPS, or another word for readings that need no mark. Sections that are None are left out.
    `numbers`: the file beside the page that holds all of its numbers; empty: there is none.
    """
    stamp, sentence = STAMPS.get(origin, ("", ""))
    lines = tuple(identity)
    first = Section("", "", tuple(opening))
    numbered_first, *rest = numbered([first, *(section for section in sections if section is not None)])
    return DocumentPage(
        title=title,
        stamp=stamp,
        stamp_sentence=sentence,
        css_stamp=css_text(stamp),
        css_identity=css_text(title[:60]),
        identity=lines,
        answer=answer,
        cards=tuple(cards),
        opening=numbered_first.blocks,
        sections=tuple(rest),
        colophon=tuple(colophon),
        numbers=numbers,
    )


def numbered(sections: Iterable[Section]) -> Iterable[Section]:
    """Figures numbered in the order in which they stand on the page."""
    numbers = count(1)
    for section in sections:
        yield replace(section, blocks=tuple(_numbered(block, numbers) for block in section.blocks))


def _numbered(block: Block, numbers: Iterator[int]) -> Block:
    if isinstance(block, Fold):
        return replace(block, blocks=tuple(_numbered(inside, numbers) for inside in block.blocks))
    return replace(block, number=next(numbers)) if isinstance(block, Figure | Diagram | Photo) else block


def section_of(name: str, title: str, *blocks: Block | Sequence[Block] | None, summary: str = "") -> Section | None:
    """A section of the blocks that exist, closed behind a `summary`; None where there is none."""
    flat: list[Block] = []
    for block in blocks:
        if block is not None:
            flat += block if isinstance(block, Sequence) else [block]
    return Section(name, title, tuple(flat), summary) if flat else None
