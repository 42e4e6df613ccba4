"""The SVG of single strokes: paths through points, marks, texts, and the attributes of what they look like.

Knows SVG and points (1/72 inch). Knows no scale, no sheet, no colour by name.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

import numpy as np

from reports.figures.scale import Floats

TENTHS = 10
"""A fine path counts in tenths of a point, from one point to the next: whole numbers, half the bytes."""
LINE = 1.2
"""Height of a line of text, in its size."""
ALIGNED = {"base": (0.0, 0.0), "top": (0.76, 0.0), "middle": (0.35, 0.5), "bottom": (-0.22, 1.0)}
"""Which part of a text lies at its place -> how far below that (in its size) the baseline of a single line lies, and
how many of the lines beyond the first stand above it."""


@dataclass(frozen=True, slots=True)
class Pen:
    """Colour, width (points) and dashes (in widths) of a stroke."""

    colour: str
    width_pt: float
    dashes: Sequence[float] = ()

    def attributes(self, times: float = 1.0) -> str:
        """Of an element that is only stroked; `times`: how many units a point has there."""
        width = self.width_pt * times
        dashes = " ".join(number(dash * width) for dash in self.dashes)
        return f'fill="none" stroke="{self.colour}" stroke-width="{number(width)}"' + (
            f' stroke-dasharray="{dashes}"' if dashes else ""
        )


@dataclass(frozen=True, slots=True)
class Look:
    """Colour of a surface, and of its rim where it has one."""

    fill: str
    rim: str = ""
    rim_pt: float = 0.0

    def attributes(self) -> str:
        """Of an element that is filled."""
        rim = f' stroke="{self.rim}" stroke-width="{number(self.rim_pt)}"' if self.rim and self.rim_pt else ""
        return f'fill="{self.fill}"{rim}'


def number(value: float) -> str:
    """A length to a hundredth of a point, as short as it can be written."""
    text = f"{value:.2f}".rstrip("0").rstrip(".")
    return "0" if text == "-0" else text


def rectangle(left: float, top: float, width: float, height: float) -> str:
    """Name, place and size of a rectangular element, which has still to be ended."""
    return f'<rect x="{number(left)}" y="{number(top)}" width="{number(width)}" height="{number(height)}"'


def broken_path(x: Floats, y: Floats) -> str:
    """The path through points; where one is no number it is broken."""
    drawn, goes_on = [], False
    for at_x, at_y in zip(x.tolist(), y.tolist(), strict=True):
        is_point = abs(at_x) < np.inf and abs(at_y) < np.inf  # false for what is no number
        if is_point:
            drawn.append(f"{'L' if goes_on else 'M'}{number(at_x)} {number(at_y)}")
        goes_on = is_point
    return "".join(drawn)


def fine_path(x: Floats, y: Floats) -> str:
    """The same in whole tenths of a point, each point counted from the one before it."""
    is_point = np.isfinite(x) & np.isfinite(y)
    edges = np.flatnonzero(np.diff(is_point, prepend=False, append=False))
    tenths = np.stack([x, y], axis=1) * TENTHS
    return "".join(_piece(tenths[begin:end]) for begin, end in zip(edges[::2], edges[1::2], strict=True))


def _piece(tenths: Floats) -> str:
    whole = np.rint(tenths).astype(np.int64)
    steps = np.diff(whole, axis=0)
    steps = steps[np.any(steps != 0, axis=1)] if len(steps) > 1 else steps
    first = f"M{whole[0, 0]} {whole[0, 1]}"
    if not len(steps):
        return f"{first}h0"
    return f"{first}l{' '.join(map(str, steps.ravel().tolist()))}".replace(" -", "-")


def marks(x: Floats, y: Floats, shape: str, size_pt: float) -> str:
    """The path of one mark at every point: o, s, ^, v, <, D; | and _ are strokes."""
    drawn = _mark(shape, size_pt / 2)
    places = zip(x.tolist(), y.tolist(), strict=True)
    return "".join(
        f"M{number(at_x)} {number(at_y)}{drawn}" for at_x, at_y in places if abs(at_x) < np.inf and abs(at_y) < np.inf
    )


def _mark(shape: str, half: float) -> str:
    """From the middle on, in steps; `half` of its size."""
    h, w = number(half), number(2 * half)
    if shape == "o":
        return f"m-{h} 0a{h} {h} 0 1 0 {w} 0a{h} {h} 0 1 0-{w} 0z"
    if shape == "s":
        return f"m-{h}-{h}h{w}v{w}h-{w}z"
    if shape == "D":
        d = number(1.3 * half)
        return f"m0-{d}l{d} {d}-{d} {d}-{d}-{d}z"
    if shape in "|_":
        return f"m0-{h}v{w}" if shape == "|" else f"m-{h} 0h{w}"
    return {"^": f"m0-{h}l{h} {w}h-{w}z", "v": f"m0 {h}l{h}-{w}h-{w}z", "<": f"m-{h} 0l{w}-{h}v{w}z"}[shape]


def text_element(
    at: tuple[float, float], text: str, size_pt: float, *, colour: str, anchor: str = "start", align: str = "base",
    turn: float = 0.0, bold: bool = False, opacity: float = 1.0,
) -> str:  # fmt: skip
    """Text of one line or several; `align`: what of it lies at the height of the place (see ALIGNED); `turn`: degrees
    clockwise about that place."""
    (x, y), lines = at, text.split("\n")
    below, upward = ALIGNED[align]
    first = y + size_pt * (below - LINE * upward * (len(lines) - 1))
    look = f'font-size="{number(size_pt)}" fill="{colour}"' + (f' text-anchor="{anchor}"' if anchor != "start" else "")
    look += (' font-weight="bold"' if bold else "") + (f' fill-opacity="{number(opacity)}"' if opacity != 1.0 else "")
    look += f' transform="rotate({number(turn)} {number(x)} {number(y)})"' if turn else ""
    return "\n".join(
        f'<text x="{number(x)}" y="{number(first + index * LINE * size_pt)}" {look}>{escape(plain(line))}</text>'
        for index, line in enumerate(lines)
    )


def plain(text: str) -> str:
    """No control characters: they are no XML."""
    return re.sub(r"[\x00-\x1f\x7f\ufffe\uffff]", " ", text)
