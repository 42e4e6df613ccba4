"""What figures are drawn on: a sheet that becomes one SVG element of a page, and how text is folded to fit it.

Knows that identifiers carry the figure's name and that title and description are read aloud. Knows no kind of figure.
The same numbers give the same bytes.
"""

import json
import math
import textwrap
from collections.abc import Iterable
from dataclasses import dataclass, replace
from html import escape

import numpy as np

from reports.figures.axes import Axes
from reports.figures.palette import HATCHES, INK, PAPER, STAMP
from reports.figures.scale import Floats, Scale
from reports.figures.strokes import number, plain, rectangle, text_element

WIDE_IN, HALF_IN = 5.2, 3.5
"""Widths of a panel that is an element of its own: the page sets such panels side by side where there is room."""
POINTS = 72
"""Points in an inch."""
TITLE_IN, TITLE_LETTER_IN, TITLE_PT = 0.15, 0.08, 8.5
"""Height of a line of a title, the width of one of its letters at the most, its size."""
LABEL_LINE_IN = 0.135
"""Height of a line of the axes' labels."""
LETTER_IN = 0.066
"""Mean width of a letter of the axes' labels."""
RASTER = 120
"""Cells along each axis within which points count as one (see `told_apart`)."""


@dataclass(frozen=True, slots=True)
class Labelled:
    """What every figure carries: its name on the page, what is read aloud, and whether it is emulated."""

    name: str
    title: str
    description: str
    watermark: str = ""


class Sheet:
    """A sheet of paper as large as given (inches). Inside everything is counted in points from its top left corner;
    it is transparent, the page is the paper."""

    def __init__(self, label: Labelled, height_in: float, width_in: float) -> None:
        self._label, self._height_in, self._width_in = label, height_in, width_in
        self._defined: dict[str, str] = {}
        self._drawn: list[str] = []
        self._marks: list[str] = []
        self._tips: list[tuple[float, float, str]] = []
        self._beside = 0.0

    def tip(self, at: tuple[float, float], text: str) -> None:
        """What the page's script says of a place of the sheet when it is pointed at."""
        if math.isfinite(sum(at)):
            self._tips.append((round(at[0], 1), round(at[1], 1), text))

    def widen(self, points: float) -> None:
        """Room to the left of what was the left edge, for what stands there."""
        self._beside = max(self._beside, points)

    def add(self, element: str) -> None:
        """One more element, in front of those before it."""
        self._drawn.append(element)

    def axes(self, place_in: tuple[float, float, float, float], x: Scale, y: Scale, *, marked: bool = True) -> Axes:
        """A chart's rectangle (left, top, width, height), the mark of the readings in its middle, above what is drawn
        there, which would hide it."""
        left, top, width, height = (POINTS * inches for inches in place_in)
        if marked and (mark := self._label.watermark):
            size = min(30.0, width / (0.8 * len(mark)), 0.75 * height)
            turn, middle = min(10.0, 40 * height / width), (left + width / 2, top + height / 2)
            self._marks.append(
                text_element(middle, mark, size, colour=STAMP, anchor="middle", align="middle", turn=-turn, bold=True,
                             opacity=0.18)
            )  # fmt: skip
        return Axes(self, (left, top, width, height), x, y)

    def title(self, lines: Iterable[str], left_in: float, top_in: float) -> None:
        """A panel's title: its lines, from its left edge on, the first one's top at `top_in`."""
        for index, line in enumerate(lines):
            at = (POINTS * left_in, POINTS * (top_in + index * TITLE_IN))
            self.add(text_element(at, line, TITLE_PT, colour=INK, align="top", bold=True))

    def hatch(self, index: int) -> str:
        """The paint of a hatch, in the paper's colour."""
        turn = index % len(HATCHES)
        return self._define(
            f"h{turn}",
            f'<pattern id="{{}}" patternUnits="userSpaceOnUse" width="6" height="6"><path d="{HATCHES[turn]}" '
            f'fill="none" stroke="{PAPER}" stroke-width="0.7"/></pattern>',
        )

    def clip(self, left: float, top: float, width: float, height: float) -> str:
        """The attribute of an element of which nothing shows outside a rectangle."""
        inside = f"{rectangle(left, top, width, height)}/>"
        paint = self._define(f"k{len(self._defined)}", f'<clipPath id="{{}}">{inside}</clipPath>')
        return f' clip-path="{paint}"'

    def shared(self, element: str) -> str:
        """The identifier of an element that is drawn more than once; `{}` stands in it for that."""
        name = f"s{len(self._defined)}"
        self._define(name, element)
        return f"{self._label.name}-{name}"

    def _define(self, name: str, element: str) -> str:
        identifier = f"{self._label.name}-{name}"
        self._defined.setdefault(name, element.replace("{}", identifier, 1))
        return f"url(#{identifier})"

    def svg(self) -> str:
        """The finished SVG element."""
        label, name = self._label, self._label.name
        heading = f'<title id="{name}-t">{escape(plain(label.title))}</title>\n'
        heading += f'<desc id="{name}-d">{escape(plain(label.description))}</desc>\n'
        spoken = f'role="img" aria-labelledby="{name}-t {name}-d"'
        if not label.title:  # a further panel of a figure that the first one describes
            heading, spoken = "", 'aria-hidden="true"'
        size = number(POINTS * self._width_in + self._beside), number(POINTS * self._height_in)
        box = f"{number(-self._beside)} 0 {' '.join(size)}" if self._beside else f"0 0 {' '.join(size)}"
        defined = f"<defs>{''.join(self._defined.values())}</defs>\n" if self._defined else ""
        inside = "\n".join([*self._drawn, *self._marks])
        head = f'<svg class="plot" viewBox="{box}" font-family="var(--sans)"{self._read()} {spoken}>'
        return f"{head}{heading}{defined}{inside}\n</svg>"

    def _read(self) -> str:
        return f' data-tips="{escape(json.dumps(self._tips, separators=(",", ":")))}"' if self._tips else ""


def parts_of(label: Labelled, count: int) -> list[Labelled]:
    """What the panels of one figure carry: the first is read aloud for all of them, each has a name of its own."""
    return [label, *(replace(label, name=f"{label.name}-p{index}", title="") for index in range(1, count))][:count]


def side_by_side(width: str, panels: Iterable[str]) -> str:
    """The panels of one figure as one element; `width` is the page's class for them: wide, half."""
    return f'<div class="panels {width}">{"".join(panels)}</div>'


def without_hole(count: int, most: int) -> int:
    """How many of `count` panels or cards stand in a row of about `most`, so that none stands alone in the last row."""
    wanted = min(most, count)
    return next((n for n in (*range(wanted, 1, -1), wanted + 1) if count % n != 1), wanted)


def lines_of(text: str, letters: int) -> list[str]:
    """Text on as many lines of at most `letters` letters as it takes: nothing of a name is cut off."""
    return textwrap.wrap(plain(text), max(letters, 1)) or [""]


def folded(text: str, letters: int) -> str:
    """The same as one text of several lines."""
    return "\n".join(lines_of(text, letters))


def title_lines(text: str, width_in: float) -> list[str]:
    """A title on the lines that it takes where `width_in` is free."""
    return lines_of(text, int(width_in / TITLE_LETTER_IN))


def wrapped(text: str, room_in: float) -> str:
    """An axis's text on two lines where it is longer than its axis: broken before the unit, or at a space."""
    clean = plain(text)
    if len(clean) * LETTER_IN <= room_in:
        return clean
    spaces = [place for place, letter in enumerate(clean) if letter.isspace()]
    middle = min(spaces, key=lambda place: abs(2 * place - len(clean)), default=None)
    return clean if middle is None else f"{clean[:middle]}\n{clean[middle + 1 :]}"


def told_apart(x: Floats, y: Floats, logarithmic: tuple[bool, bool] = (False, False)) -> tuple[Floats, Floats]:
    """The points that can be told from each other on paper: the first in each cell of a raster; others lie under it."""
    raster = [_cells(values, is_log) for values, is_log in zip((x, y), logarithmic, strict=True)]
    _, first = np.unique(np.stack(raster), axis=1, return_index=True)
    keep = np.sort(first)
    return x[keep], y[keep]


def _cells(values: Floats, is_log: bool) -> Floats:
    scaled = np.log(values) if is_log else values
    finite = scaled[np.isfinite(scaled)]
    reach = float(np.ptp(finite)) if len(finite) else 0.0
    return np.floor((scaled - finite.min()) / reach * RASTER) if reach > 0 else np.zeros_like(scaled)
