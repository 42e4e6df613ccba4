"""A chart's rectangle on a sheet: its two scales and everything that is drawn at values on them.

Knows points, lines, boxes, whiskers, texts beside values, axes with round numbers, gridlines. Knows no kind of figure.
Whatever is drawn stands as far forward as it was drawn late.
"""

from collections.abc import Iterable, Sequence
from html import escape
from typing import TYPE_CHECKING, Literal

import numpy as np
import numpy.typing as npt

from reports.figures.palette import GRID, INK, SOFT
from reports.figures.scale import Floats, Scale, number_text
from reports.figures.strokes import (
    LINE,
    TENTHS,
    Look,
    Pen,
    broken_path,
    fine_path,
    marks,
    number,
    plain,
    rectangle,
    text_element,
)

if TYPE_CHECKING:
    from reports.figures.sheet import Sheet

FONT_PT = 8.0
"""Size of the axes' text."""
TICK_PT, PAD_PT, TITLE_PAD_PT, DIGIT_PT = 3.5, 3.5, 4.0, 4.9
"""Length of a tick, space behind it, space before the axis's name, width of a digit of its numbers."""
MOST_TICKS = 9


class Axes:
    """A rectangle of a sheet, its sides in points, `x` from left to right and `y` from bottom to top."""

    def __init__(self, sheet: "Sheet", place: tuple[float, float, float, float], x: Scale, y: Scale) -> None:
        self.sheet, self.x, self.y = sheet, x, y
        self.left, self.top, self.width, self.height = place

    @property
    def right(self) -> float:
        """Of its right side, from the sheet's left, in points."""
        return self.left + self.width

    @property
    def bottom(self) -> float:
        """Of its lower side, from the sheet's top, in points."""
        return self.top + self.height

    def xs(self, values: npt.ArrayLike) -> Floats:
        """Where values on the first scale lie on the sheet, in points from its left."""
        return self.left + self.width * self.x.parts(values)

    def ys(self, values: npt.ArrayLike) -> Floats:
        """Where values on the second scale lie on the sheet, in points from its top."""
        return self.bottom - self.height * self.y.parts(values)

    def at(self, x: float, y: float) -> tuple[float, float]:
        """Where one pair of values lies on the sheet."""
        return float(self.xs(x)), float(self.ys(y))

    # --- at values

    def line(self, x: npt.ArrayLike, y: npt.ArrayLike, pen: Pen, *, clipped: bool = False) -> None:
        """A line through points, broken where one is no number; `clipped`: nothing of it outside."""
        clip = self.sheet.clip(self.left, self.top, self.width, self.height) if clipped else ""
        self.sheet.add(f'<path d="{broken_path(self.xs(x), self.ys(y))}" {pen.attributes()}{clip}/>')

    def band(self, x: npt.ArrayLike, low: npt.ArrayLike, high: npt.ArrayLike, colour: str) -> None:
        """The surface between two lines, so light that what lies behind it shows."""
        across = self.xs(x)
        there, back = broken_path(across, self.ys(low)), broken_path(across[::-1], self.ys(high)[::-1])
        self.sheet.add(f'<path d="{there}L{back.removeprefix("M")}z" fill="{colour}" fill-opacity="0.18"/>')

    def fine_lines(self, lines: Iterable[tuple[Floats, Floats]], *pens: Pen) -> None:
        """Many lines of one look as one element, to a tenth of a point; drawn with each of the pens in turn."""
        drawn = "".join(fine_path(self.xs(x), self.ys(y)) for x, y in lines)
        scale = f'transform="scale({1 / TENTHS:g})"'
        if drawn and len(pens) == 1:
            self.sheet.add(f'<path d="{drawn}" {scale} {pens[0].attributes(TENTHS)}/>')
        elif drawn:
            path = self.sheet.shared(f'<path id="{{}}" d="{drawn}"/>')
            for pen in pens:
                self.sheet.add(f'<use href="#{path}" {scale} {pen.attributes(TENTHS)}/>')

    def named_lines(self, name: str, lines: Iterable[tuple[str, tuple[Floats, Floats]]], pen: Pen) -> None:
        """The same, each line an element with a name of its own, all of them with that of their group and with the
        scales: so the page's script reads values off them."""
        drawn = "".join(
            f'<path data-run="{escape(plain(own))}" d="{fine_path(self.xs(x), self.ys(y))}"/>' for own, (x, y) in lines
        )
        place = (self.left, self.bottom, self.width, self.height, self.x.low, self.x.high, self.y.low, self.y.high)
        scales = " ".join(f"{value:.7g}" for value in place)
        named = f'class="runs" data-name="{escape(plain(name))}" data-axes="{scales}"'
        if drawn:
            self.sheet.add(f'<g {named} transform="scale({1 / TENTHS:g})" {pen.attributes(TENTHS)}>{drawn}</g>')

    def marks(self, x: npt.ArrayLike, y: npt.ArrayLike, shape: str, size_pt: float, look: Look) -> None:
        """A mark at every point, all as one element."""
        drawn = marks(self.xs(x), self.ys(y), shape, size_pt)
        if drawn:
            self.sheet.add(f'<path d="{drawn}" {look.attributes()}/>')

    def box(self, x: tuple[float, float], y: tuple[float, float], look: Look, hatch: int | None = None) -> None:
        """A rectangle between two values each way; `hatch`: with that pattern over its colour."""
        (left, right), (top, bottom) = sorted(self.xs(x).tolist()), sorted(self.ys(y).tolist())
        drawn = rectangle(left, top, right - left, bottom - top)
        self.sheet.add(f"{drawn} {look.attributes()}/>")
        if hatch is not None:
            self.sheet.add(f'{drawn} fill="{self.sheet.hatch(hatch)}"/>')

    def whiskers(
        self, along: Literal["x", "y"], points: Iterable[tuple[float, float, float]], pen: Pen, cap_pt: float
    ) -> None:
        """Intervals around points (x, y, half width) along one direction, a stroke across each end."""
        strokes = [self._whisker(along, *point, cap_pt) for point in points]
        if any(strokes):
            self.sheet.add(f'<path d="{"".join(strokes)}" {pen.attributes()}/>')

    def _whisker(self, along: Literal["x", "y"], x: float, y: float, half: float, cap_pt: float) -> str:
        level = along == "x"
        ends = [self.at(x + sign * half, y) if level else self.at(x, y + sign * half) for sign in (-1, 1)]
        if not np.isfinite(ends).all():
            return ""
        begin, end = (f"{number(at_x)} {number(at_y)}" for at_x, at_y in ends)
        caps = (f"M{number(at_x)} {number(at_y - cap_pt)}v{number(2 * cap_pt)}" if level else
                f"M{number(at_x - cap_pt)} {number(at_y)}h{number(2 * cap_pt)}" for at_x, at_y in ends)  # fmt: skip
        return f"M{begin}L{end}{''.join(caps)}"

    def level(self, y: float, pen: Pen) -> None:
        """A horizontal line over the whole width."""
        at = number(float(self.ys(y)))
        self.sheet.add(f'<path d="M{number(self.left)} {at}H{number(self.right)}" {pen.attributes()}/>')

    def upright(self, x: float, pen: Pen) -> None:
        """A vertical line over the whole height."""
        at = number(float(self.xs(x)))
        self.sheet.add(f'<path d="M{at} {number(self.top)}V{number(self.bottom)}" {pen.attributes()}/>')

    def text(
        self, at: tuple[float, float], text: str, size_pt: float, *, anchor: str = "middle", align: str = "middle",
        colour: str = INK, turn: float = 0.0,
    ) -> None:  # fmt: skip
        """Text at a place of the sheet (see `at`)."""
        self.sheet.add(text_element(at, text, size_pt, colour=colour, anchor=anchor, align=align, turn=turn))

    # --- around it

    def grid_x(self, values: Iterable[float]) -> None:
        """A vertical gridline at each value."""
        self._grid("".join(f"M{number(x)} {number(self.top)}v{number(self.height)}" for x in self._inside_x(values)))

    def grid_y(self, values: Iterable[float]) -> None:
        """A horizontal gridline at each value."""
        self._grid("".join(f"M{number(self.left)} {number(y)}h{number(self.width)}" for y in self._inside_y(values)))

    def _grid(self, drawn: str) -> None:
        if drawn:
            self.sheet.add(f'<path d="{drawn}" {Pen(GRID, 0.5).attributes()}/>')

    def x_axis(self, name: str, values: Sequence[float]) -> None:
        """The lower side with round numbers and its name."""
        ticks = "".join(f"M{number(x)} {number(self.bottom)}v{number(TICK_PT)}" for x in self._inside_x(values))
        self._side(f"M{number(self.left)} {number(self.bottom)}h{number(self.width)}{ticks}", SOFT)
        foot = self.bottom + TICK_PT + PAD_PT
        for value, x in zip(values, self.xs(values).tolist(), strict=True):
            self.text((x, foot), number_text(value), FONT_PT, align="top")
        self.text((self.left + self.width / 2, foot + FONT_PT * LINE + TITLE_PAD_PT), name, FONT_PT, align="top")

    def y_axis(
        self, name: str, values: Sequence[float], *, colour: str = "", at_right: bool = False, most_pt: float = FONT_PT
    ) -> None:
        """The left (or right) side with round numbers and its name, which stands upright on as many lines as it has.
        `most_pt`: how large the page may make the text."""
        side, out = (self.right, 1.0) if at_right else (self.left, -1.0)
        ticks = "".join(f"M{number(side)} {number(y)}h{number(out * TICK_PT)}" for y in self._inside_y(values))
        self._side(f"M{number(side)} {number(self.top)}v{number(self.height)}{ticks}", colour or SOFT)
        words = [number_text(value) for value in values]
        edge = side + out * (TICK_PT + PAD_PT)
        for word, y in zip(words, self.ys(values).tolist(), strict=True):
            self.text((edge, y), word, FONT_PT, anchor="start" if at_right else "end", colour=colour or INK)
        lines, height = name.split("\n"), FONT_PT * LINE
        digits = DIGIT_PT * most_pt / FONT_PT
        beyond = edge + out * (TITLE_PAD_PT + digits * max(map(len, words), default=0))
        first = beyond + 0.76 * most_pt if at_right else beyond - 0.24 * most_pt - height * (len(lines) - 1)
        self.sheet.widen(0.8 * most_pt - first)  # long numbers push the name over the edge
        for index, line in enumerate(lines):
            at = (first + index * height, self.top + self.height / 2)
            self.text(at, line, FONT_PT, colour=colour or INK, turn=-90, align="base")

    def rows(self, labels: Sequence[tuple[float, str]]) -> None:
        """The left side with a label (of several lines) beside each of these values, without ticks."""
        self._side(f"M{number(self.left)} {number(self.top)}v{number(self.height)}", SOFT)
        for value, label in labels:
            self.text((self.left - PAD_PT, float(self.ys(value))), label, FONT_PT, anchor="end")

    def columns(self, labels: Sequence[str], slope_degrees: float) -> None:
        """The lower side with a label below each of the values 0, 1, ..., on a slope where that is not 0."""
        self._side(f"M{number(self.left)} {number(self.bottom)}h{number(self.width)}", SOFT)
        anchor = "end" if slope_degrees else "middle"
        for value, label in enumerate(labels):
            foot = (float(self.xs(value)), self.bottom + PAD_PT)
            self.text(foot, label, FONT_PT, anchor=anchor, turn=-slope_degrees, align="top")

    def _side(self, drawn: str, colour: str) -> None:
        self.sheet.add(f'<path d="{drawn}" {Pen(colour, 0.6).attributes()}/>')

    def x_ticks(self, most: int = MOST_TICKS, *, whole: bool = False) -> list[float]:
        """Round numbers for the lower side."""
        return self.x.ticks(most, whole=whole)

    def y_ticks(self) -> list[float]:
        """Round numbers for the left side: as many as its height has room for."""
        return self.y.ticks(min(max(int(self.height / (2 * FONT_PT)), 2), MOST_TICKS))

    def _inside_x(self, values: Iterable[float]) -> list[float]:
        return list(self.xs(list(values)).tolist())

    def _inside_y(self, values: Iterable[float]) -> list[float]:
        return list(self.ys(list(values)).tolist())
