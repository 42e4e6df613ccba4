"""What a page is made of: paragraphs, facts, tables, figures, findings, in sections. Plain text, except drawn SVG.

Knows neither results nor HTML; templates/parts.html.j2 has one macro for each.
"""

import re
from dataclasses import dataclass
from typing import ClassVar, TypeAlias

from markupsafe import Markup


def css_text(text: str) -> str:
    """Text for a CSS string: every character but plain letters, digits, space, dot and dash as an escape."""
    return re.sub(r"[^A-Za-z0-9 .\-]", lambda match: f"\\{ord(match.group()):x} ", text)


@dataclass(frozen=True, slots=True)
class Paragraph:
    """Running text; `tone` is '' or 'note'."""

    kind: ClassVar[str] = "paragraph"
    text: str
    tone: str = ""


@dataclass(frozen=True, slots=True)
class Facts:
    """Names and values, such as a machine's description."""

    kind: ClassVar[str] = "facts"
    caption: str
    items: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Head:
    """A column's head: its quantity, with the unit after a slash; numbers are set flush right; `keep`: never broken;
    `prose`: never so narrow that its sentences become towers."""

    text: str
    numeric: bool = True
    keep: bool = False
    prose: bool = False

    @property
    def css(self) -> str:
        """Class of the column's cells."""
        return "num" if self.numeric else "keep" if self.keep else "prose" if self.prose else ""


@dataclass(frozen=True, slots=True)
class Row:
    """One row; its first cell is the row's head. `tone`: '' or 'excluded'; `name`: its anchor, where it has one."""

    cells: tuple[str, ...]
    tone: str = ""
    name: str = ""


@dataclass(frozen=True, slots=True)
class Table:
    """A table with caption and note; a wide one scrolls in its own box. `folded`: closed until asked for; `of_runs`:
    every row is a run, which the page's script can show alone."""

    kind: ClassVar[str] = "table"
    name: str
    caption: str
    heads: tuple[Head, ...]
    rows: tuple[Row, ...]
    note: str = ""
    folded: bool = False
    of_runs: bool = False

    @property
    def css(self) -> str:
        """Class by its number of columns: from how narrow a room on each row is a list of its cells."""
        count = len(self.heads)
        return "broad" if count > BROAD else "wide" if count > WIDE else "narrow" if count > NARROW else "slim"

    @property
    def looks(self) -> tuple[str, ...]:
        """Class of the cells of each column."""
        return tuple(head.css for head in self.heads)

    @property
    def is_tall(self) -> bool:
        """Whether it is longer than a screen, and moves in a box of its own there."""
        return len(self.rows) > TALL

    @property
    def css_heads(self) -> str:
        """The heads as variables of CSS, `--h1` on: what stands above each cell of such a list."""
        return ";".join(f"--h{place}:'{css_text(head.text)}'" for place, head in enumerate(self.heads, 1))


@dataclass(frozen=True, slots=True)
class Figure:
    """A drawn figure (SVG of reports/figures/campaign.py, or of a template) and its caption; the page numbers it.
    `folded`: closed until asked for."""

    kind: ClassVar[str] = "figure"
    name: str
    caption: str
    svg: Markup
    number: int = 0
    folded: bool = False


@dataclass(frozen=True, slots=True)
class Box:
    """One box of the set-up diagram: role and its lines, already short enough for it."""

    role: str
    lines: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Diagram:
    """The set-up: mains, power meter, system under test, workload generator, aggregator; `links` name the arrows."""

    kind: ClassVar[str] = "diagram"
    name: str
    caption: str
    description: str
    meter: Box
    sut: Box
    generator: Box
    aggregator: Box
    readings_link: str
    control_link: str
    stamp: str
    number: int = 0


@dataclass(frozen=True, slots=True)
class Photo:
    """A photograph, embedded; `alternative` is the text for those who do not see it."""

    kind: ClassVar[str] = "photo"
    name: str
    caption: str
    alternative: str
    data_uri: str
    number: int = 0


@dataclass(frozen=True, slots=True)
class Remark:
    """A finding in words: severity as printed, code, what it is about, meaning, evidence, remedy. `more`: the evidence
    of the other subjects, folded behind `more_summary`."""

    severity: str
    code: str
    subjects: str
    meaning: str
    evidence: str
    remedy: str
    more: str = ""
    more_summary: str = ""

    @property
    def anchor(self) -> str:
        """Its place on the page."""
        return finding_anchor(self.severity, self.code)


def finding_anchor(severity: str, code: str) -> str:
    """Where a finding stands on a page, by its severity as printed and its code: an identifier of plain letters."""
    return "finding-" + re.sub(r"[^A-Za-z0-9-]", lambda match: f"_{ord(match.group()):x}", f"{severity}-{code}")


@dataclass(frozen=True, slots=True)
class Remarks:
    """A list of findings, worst first; `linked`: they stand in full elsewhere on the page, and are linked there."""

    kind: ClassVar[str] = "remarks"
    items: tuple[Remark, ...]
    linked: bool = False


@dataclass(frozen=True, slots=True)
class Fold:
    """Blocks that are closed until asked for, behind a line that says what they hold."""

    kind: ClassVar[str] = "fold"
    summary: str
    blocks: tuple["Block", ...]


TALL = 40
"""Rows that a screen has room for."""
NARROW, WIDE, BROAD = 2, 6, 9
"""A table of more columns than these has no room on a phone, on a tablet, on half a screen."""


Block: TypeAlias = Paragraph | Facts | Table | Figure | Diagram | Photo | Remarks | Fold


@dataclass(frozen=True, slots=True)
class Reason:
    """Why a verdict is what it is: a sentence, and the anchor of its finding where the page has it."""

    text: str
    anchor: str


@dataclass(frozen=True, slots=True)
class Section:
    """A section of the page, with an anchor. With a `summary` it is closed until asked for, and that says what it
    holds: what proves the results, and what recomputes them."""

    name: str
    title: str
    blocks: tuple[Block, ...]
    summary: str = ""


@dataclass(frozen=True, slots=True)
class Card:
    """One scenario of the headline: its induced energy and its efficiency as sentences of their own."""

    title: str
    value: str
    claim: str
    lines: tuple[str, ...]
    style: int
