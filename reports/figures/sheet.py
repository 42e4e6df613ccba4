"""What figures are drawn on: a sheet in inches, its style, and how it becomes part of a page.

Knows matplotlib: a figure's colours are the page's CSS variables (light, dark, print), its identifiers carry the
figure's name, its title and description are read aloud, the same numbers give the same bytes. Knows no kind of figure.

Colours after Okabe & Ito (2008), https://jfly.uni-koeln.de/color/. Styles differ in hatch, dashes and marker too, so a
grey print can be read. matplotlib is imported when the first figure is drawn: 0.5 s that no other module should pay.
"""

import re
import textwrap
import warnings
from collections.abc import Iterable
from dataclasses import dataclass, replace
from html import escape
from io import StringIO
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.axis import Axis

Floats: TypeAlias = npt.NDArray[np.float64]

WIDTH_IN = 7.2
"""Text width of an A4 page with its margins; on screen the figure is scaled to its column."""
WIDE_IN, HALF_IN = 5.2, 3.5
"""Widths of a panel that is an element of its own: the page sets such panels side by side where there is room."""
TITLE_IN, TITLE_LETTER_IN = 0.15, 0.08
"""Height of a line of a title, and the width of one of its letters at the most."""
LABEL_LINE_IN = 0.135
"""Height of a line of the axes' labels."""
PALETTE = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9")
DASHES = ("-", "--", "-.", ":", (0, (5, 1, 1, 1, 1, 1)), (0, (7, 2)))
MARKERS = "os^Dv<"
HATCHES = ("///", "\\\\\\", "|||", "xxx", "---", "++")
"""Lines only: a hatch of dots takes forty times the bytes, in every panel."""
INK, SOFT, GRID, RAW, PAPER, STAMP, HEAT = (
    "#010203", "#505152", "#d0d1d2", "#a0a1a2", "#fdfcfb", "#c0b1b2", "#b03060",
)  # fmt: skip
VARIABLES = {
    INK: "ink", SOFT: "soft", GRID: "grid", RAW: "raw", PAPER: "paper", STAMP: "stamp", HEAT: "heat",
} | {colour: f"c{index}" for index, colour in enumerate(PALETTE)}  # fmt: skip
"""Colour drawn by matplotlib -> the page's CSS variable that replaces it."""
STYLE: dict[Any, Any] = {
    "text.parse_math": False,
    "svg.fonttype": "none",
    "svg.hashsalt": "wattlab",
    "font.family": "sans-serif",
    "font.size": 8,
    "axes.titlesize": 8.5,
    "axes.titleweight": "bold",
    "axes.titlelocation": "left",
    "axes.edgecolor": SOFT,
    "axes.labelcolor": INK,
    "axes.titlecolor": INK,
    "axes.linewidth": 0.6,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.axisbelow": True,
    "axes.formatter.useoffset": False,
    "text.color": INK,
    "xtick.color": SOFT,
    "ytick.color": SOFT,
    "xtick.labelcolor": INK,
    "ytick.labelcolor": INK,
    "xtick.major.width": 0.6,
    "ytick.major.width": 0.6,
    "grid.color": GRID,
    "grid.linewidth": 0.5,
    "hatch.linewidth": 0.5,
    "path.simplify_threshold": 0.3,
}
BASELINE = -1
"""Style index of the baseline: grey."""
LETTER_IN = 0.066
"""Mean width of a letter of the axes' labels."""
RASTER = 120
"""Cells along each axis within which points count as one (see `thinned`)."""


@dataclass(frozen=True, slots=True)
class Labelled:
    """What every figure carries: its name on the page, what is read aloud, and whether it is emulated."""

    name: str
    title: str
    description: str
    watermark: str = ""


class Sheet:
    """A matplotlib figure whose axes are placed in inches from its top left corner, under this page's style."""

    def __init__(self, label: Labelled, height_in: float, width_in: float = WIDTH_IN) -> None:
        from matplotlib import rc_context
        from matplotlib.backends.backend_svg import FigureCanvasSVG
        from matplotlib.figure import Figure

        self._label, self._height_in, self._width_in = label, height_in, width_in
        self._style: Any = rc_context(STYLE)
        self._style.__enter__()
        self.figure: Figure = Figure(figsize=(width_in, height_in), facecolor="none")
        FigureCanvasSVG(self.figure)

    def __enter__(self) -> "Sheet":
        return self

    def __exit__(self, *error: object) -> None:
        self._style.__exit__(*error)

    def axes(self, left_in: float, top_in: float, width_in: float, height_in: float, *, marked: bool = True) -> "Axes":
        """New axes, the mark of the readings in their middle; they are transparent, the page is the paper."""
        bottom = self._height_in - top_in - height_in
        wide, high = self._width_in, self._height_in
        axes = self.figure.add_axes(
            (left_in / wide, bottom / high, width_in / wide, height_in / high), facecolor="none"
        )
        if marked and (mark := self._label.watermark):
            size = min(30.0, 72 * width_in / (0.8 * len(mark)), 72 * 0.75 * height_in)
            self.figure.text(
                (left_in + width_in / 2) / wide, (bottom + height_in / 2) / high, mark, color=STAMP, size=size,
                weight="bold", rotation=min(10.0, 40 * height_in / width_in), ha="center", va="center",
                zorder=10, alpha=0.18,  # above the bars, which would hide it
            )  # fmt: skip
        return axes

    def title(self, lines: Iterable[str], left_in: float, top_in: float) -> None:
        """A panel's title: its lines, from its left edge on, the first one's top at `top_in`."""
        for index, line in enumerate(lines):
            at = (left_in / self._width_in, 1 - (top_in + index * TITLE_IN) / self._height_in)
            self.figure.text(*at, line, size=8.5, weight="bold", va="top")

    def svg(self) -> str:
        """The finished SVG element."""
        text = StringIO()
        with warnings.catch_warnings():
            # Text stays text: the reader's fonts have the glyphs that matplotlib's own may lack.
            warnings.filterwarnings("ignore", r"Glyph .* missing from", UserWarning)
            no_metadata = dict.fromkeys(("Date", "Creator", "Format", "Type"))
            self.figure.savefig(text, format="svg", facecolor="none", metadata=no_metadata)
        return _for_page(text.getvalue(), self._label)


def _for_page(svg: str, label: Labelled) -> str:
    """matplotlib's document -> an element of the page: own ids, the page's colours, a spoken title and description."""
    body = svg[svg.index("<svg") :]
    opening, _, rest = body.partition(">")
    box = re.search(r'viewBox="([^"]+)"', opening)
    assert box is not None  # matplotlib always writes one
    rest = re.sub(r"<defs>\s*<style[^>]*>.*?</style>\s*</defs>", "", rest, count=1, flags=re.DOTALL)
    rest = re.sub(r"<metadata>.*?</metadata>", "", rest, count=1, flags=re.DOTALL)
    rest = re.sub(r">\s+<", ">\n<", rest)
    rest = re.sub(r' id="([^"]+)"', rf' id="{label.name}-\1"', rest)
    rest = re.sub(r"url\(#", f"url(#{label.name}-", rest)
    rest = rest.replace('xlink:href="#', f'href="#{label.name}-')
    rest = re.sub(r"#[0-9a-f]{6}\b", lambda match: _colour(match.group()), rest)
    rest = re.sub(r'(<g clip-path="[^"]+")>\n((?:<use [^>]+/>\n)+)', _styled_once, rest)
    rest = re.sub(r'( [xy]=")(\d+\.\d+)"', lambda match: f'{match[1]}{float(match[2]):.2f}"', rest)
    rest = re.sub(r' d="([^"]+)"', lambda match: f' d="{_shorter(match.group(1))}"', rest)
    rest = re.sub(r"(font(?:-family)?: [^;\"]*?)'[^\"]*?sans-serif", r"\1var(--sans)", rest)
    heading = f'<title id="{label.name}-t">{escape(plain(label.title))}</title>\n'
    heading += f'<desc id="{label.name}-d">{escape(plain(label.description))}</desc>'
    spoken = f'role="img" aria-labelledby="{label.name}-t {label.name}-d"'
    if not label.title:  # a further panel of a figure that the first one describes
        heading, spoken = "", 'aria-hidden="true"'
    return f'<svg class="plot" viewBox="{box.group(1)}" {spoken}>{heading}{rest}'.strip()


def _styled_once(group: re.Match[str]) -> str:
    """Markers of one look: the look stands at their group, not at each of them."""
    looks = set(re.findall(r' style="[^"]*"', group[2]))
    if len(looks) != 1:
        return group[0]
    (look,) = looks
    return f"{group[1]}{look}>\n{group[2].replace(look, '')}"


def _colour(hexadecimal: str) -> str:
    variable = VARIABLES.get(hexadecimal)
    return f"var(--{variable})" if variable else hexadecimal


def _shorter(path: str) -> str:
    """Coordinates to a hundredth of a point (long traces: a tenth), on one line."""
    digits = 2 if len(path) < 5000 else 1
    short = re.sub(r"\d+\.\d+", lambda match: f"{float(match.group()):.{digits}f}", path)
    return re.sub(r"\s+", " ", short).strip()


def style_of(index: int) -> tuple[str, Any, str]:
    """Colour, dashes and hatch of a scenario; the baseline is grey and plain."""
    if index == BASELINE:
        return SOFT, "-", ""
    turn = index % len(PALETTE)
    return PALETTE[turn], DASHES[turn], HATCHES[turn]


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


def plain(text: str) -> str:
    """No control characters (they are no XML), no leading underscore (it hides a label from a legend)."""
    return re.sub(r"[\x00-\x1f\x7f\ufffe\uffff]", " ", text).lstrip("_")


def wrapped(text: str, room_in: float) -> str:
    """An axis's text on two lines where it is longer than its axis: broken before the unit, or at a space."""
    clean = plain(text)
    if len(clean) * LETTER_IN <= room_in:
        return clean
    spaces = [place for place, letter in enumerate(clean) if letter.isspace()]
    middle = min(spaces, key=lambda place: abs(2 * place - len(clean)), default=None)
    return clean if middle is None else f"{clean[:middle]}\n{clean[middle + 1 :]}"


def marker_of(index: int) -> str:
    """Marker of a style: after six styles the colours come again with another marker."""
    return "o" if index == BASELINE else MARKERS[(index + index // len(MARKERS)) % len(MARKERS)]


def plain_ticks(axis: "Axis", limits: tuple[float, float], *, logarithmic: bool) -> None:
    """Ticks at round numbers, printed as they are, on a logarithmic axis too: 0.5, 1, 2, never a power of ten."""
    from matplotlib.ticker import FuncFormatter, LogLocator, MaxNLocator, NullLocator

    low, high = min(limits), max(limits)
    if logarithmic and high / low >= 4:
        steps = (1.0, 2.0, 5.0) if high / low < 300 else (1.0,)
        axis.set_major_locator(LogLocator(base=10, subs=steps, numticks=12))
    else:
        axis.set_major_locator(MaxNLocator(nbins=6, steps=[1, 2, 2.5, 5, 10]))
    axis.set_minor_locator(NullLocator())
    axis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:.10g}".replace("-", "−")))


def thinned(x: Floats, y: Floats, logarithmic: tuple[bool, bool] = (False, False)) -> tuple[Floats, Floats]:
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
