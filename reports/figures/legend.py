"""What the lines, marks and surfaces of a chart stand for: a legend inside it where it hides least, or below it.

Knows looks and names. Knows no kind of figure.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from reports.figures.palette import INK
from reports.figures.scale import Floats
from reports.figures.strokes import LINE, Look, Pen, marks, number, rectangle, text_element

if TYPE_CHECKING:
    from reports.figures.axes import Axes
    from reports.figures.sheet import Sheet

INSIDE_PT, BELOW_PT = 7.0, 7.5
"""Size of the text of a legend inside a chart, and below it."""
LETTER, BETWEEN, FREE_PT = 0.56, 0.35, 3.0
"""Mean width of a letter and space between rows, in the text's size; space around a legend inside."""
SAMPLE, GAP = 2.4, 0.6
"""Length of a sample and space behind it, in the text's size."""


@dataclass(frozen=True, slots=True)
class Entry:
    """A name (folded) and what stands for it: a line, a mark, both; a `look` without either is a surface."""

    name: str
    pen: Pen | None = None
    mark: str = ""
    look: Look | None = None
    hatch: int | None = None

    def size_pt(self, text_pt: float) -> tuple[float, float]:
        """Width and height."""
        lines = self.name.split("\n")
        width = SAMPLE + GAP + LETTER * max(map(len, lines))
        return text_pt * width, text_pt * (LINE * len(lines) + BETWEEN)

    def draw(self, sheet: "Sheet", left: float, top: float, text_pt: float) -> None:
        """The sample beside the middle of the name."""
        _, height = self.size_pt(text_pt)
        middle, length = top + height / 2, SAMPLE * text_pt
        if self.pen is not None:
            sheet.add(f'<path d="M{number(left)} {number(middle)}h{number(length)}" {self.pen.attributes()}/>')
        if self.mark and self.look is not None:
            drawn = marks(np.array([left + length / 2]), np.array([middle]), self.mark, 0.6 * text_pt)
            sheet.add(f'<path d="{drawn}" {self.look.attributes()}/>')
        elif self.look is not None and self.pen is None:
            sides = (left, middle - 0.35 * text_pt, length, 0.7 * text_pt)
            drawn = rectangle(*sides)
            sheet.add(f"{drawn} {self.look.attributes()}/>")
            if self.hatch is not None:
                sheet.add(f'{drawn} fill="{sheet.hatch(self.hatch)}"/>')
        at = (left + length + GAP * text_pt, middle)
        sheet.add(text_element(at, self.name, text_pt, colour=INK, align="middle"))


def draw_inside(axes: "Axes", entries: Sequence[Entry], curves: Sequence[tuple[Floats, Floats]]) -> None:
    """A legend in the corner or at the side of a chart where it lies over the least of the curves (in points of the
    sheet)."""
    sizes = [entry.size_pt(INSIDE_PT) for entry in entries]
    width, height = max(wide for wide, _ in sizes), sum(high for _, high in sizes)
    lefts = (axes.left + FREE_PT, axes.right - width - FREE_PT, axes.left + (axes.width - width) / 2)
    tops = (axes.top, axes.bottom - height - FREE_PT, axes.top + (axes.height - height) / 2)
    xs, ys = (np.concatenate([_dense(curve[index]) for curve in curves]) for index in (0, 1))

    def covered(place: tuple[float, float]) -> int:
        left, top = place
        return int(np.sum((xs >= left) & (xs <= left + width) & (ys >= top) & (ys <= top + height)))

    left, top = min(((left, top) for top in tops for left in lefts[::-1][1:] + lefts[2:]), key=covered)
    for entry, (_, high) in zip(entries, sizes, strict=True):
        entry.draw(axes.sheet, left, top, INSIDE_PT)
        top += high


def _dense(values: Floats) -> Floats:
    """A curve's places and, between two of them, nine more."""
    whole = np.arange(len(values), dtype=np.float64)
    return np.asarray(np.interp(np.arange(0, len(values) - 0.95, 0.1), whole, values), dtype=np.float64)


def draw_below(sheet: "Sheet", entries: Sequence[Entry], columns: int, bottom: float, row_pt: float) -> None:
    """A legend in so many columns, its last row's foot at `bottom` (points of the sheet); filled column by column."""
    rows = -(-len(entries) // columns)
    left = FREE_PT
    for first in range(0, len(entries), rows):
        column = entries[first : first + rows]
        for index, entry in enumerate(column):
            entry.draw(sheet, left, bottom - (rows - index) * row_pt, BELOW_PT)
        left += max(entry.size_pt(BELOW_PT)[0] for entry in column) + 1.2 * BELOW_PT
