"""Figures: plain numbers in, one SVG element as text out.

Knows matplotlib and how a figure becomes part of a page: its colours are the page's CSS variables (light, dark, print),
its identifiers carry the figure's name, its title and description are read aloud, the same numbers give the same bytes.
Knows no campaign, no file, no rounding: labels arrive as text, values in the unit that is printed beside the axis.

Colours after Okabe & Ito (2008), https://jfly.uni-koeln.de/color/. Scenarios differ in hatch and line style too, so a
grey print can be read. matplotlib is imported when the first figure is drawn: 0.5 s that no other module should pay.
"""

import re
import warnings
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from html import escape
from io import StringIO
from itertools import pairwise
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    from matplotlib.axes import Axes

Floats: TypeAlias = npt.NDArray[np.float64]

WIDTH_IN = 7.2
"""Text width of an A4 page with its margins; on screen the figure is scaled to its column."""
PALETTE = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9")
DASHES = ("-", "--", "-.", ":", (0, (5, 1, 1, 1, 1, 1)), (0, (7, 2)))
HATCHES = ("///", "\\\\\\", "...", "xxx", "---", "++")
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
MAX_COLUMNS = 220
"""A trace longer than twice this is drawn as the minimum and maximum of each of so many equal parts."""


@dataclass(frozen=True, slots=True)
class Labelled:
    """What every figure carries: its name on the page, what is read aloud, and whether it is emulated."""

    name: str
    title: str
    description: str
    watermark: str = ""


@dataclass(frozen=True, slots=True)
class Span:
    """One action on the time axis: mean begin and end over the runs, s after the start of the run; nesting level."""

    name: str
    begin_s: float
    end_s: float
    level: int


@dataclass(frozen=True, slots=True)
class TracePanel:
    """Every run of a scenario over time: x in s, y in W; the mean over the runs; the actions below."""

    title: str
    style: int
    runs: Sequence[tuple[Floats, Floats]]
    mean: tuple[Floats, Floats]
    actions: Sequence[Span] = ()


@dataclass(frozen=True, slots=True)
class Bar:
    """One bar: value, half width of its interval (None: no interval), the part of it that is hatched, its label."""

    label: str
    style: int
    value: float
    text: str
    half_width: float | None = None
    part: float | None = None


@dataclass(frozen=True, slots=True)
class BarPanel:
    """Bars of one quantity, one per scenario; `axis` names quantity and unit."""

    title: str
    axis: str
    bars: Sequence[Bar]


@dataclass(frozen=True, slots=True)
class Strip:
    """All values of one quantity in one group, one point each."""

    label: str
    style: int
    values: Sequence[float]


@dataclass(frozen=True, slots=True)
class StripPanel:
    """Groups of points with box plots; `axis` names quantity and unit."""

    title: str
    axis: str
    strips: Sequence[Strip]


@dataclass(frozen=True, slots=True)
class Curve:
    """One line: `faint` is a single run, otherwise a mean with an optional half width per point."""

    label: str
    style: int
    x: Sequence[float]
    y: Sequence[float]
    faint: bool = False
    half_width: Sequence[float | None] = ()


@dataclass(frozen=True, slots=True)
class CurvePanel:
    """Lines over a count or time; `right` are lines on a second axis (temperature)."""

    title: str
    x_axis: str
    y_axis: str
    curves: Sequence[Curve]
    right: Sequence[Curve] = field(default=())
    right_axis: str = ""
    whole_x: bool = True
    markers: bool = True


def traces(label: Labelled, panels: Sequence[TracePanel], y_axis: str) -> str:
    """Power over time, one panel per scenario (figure 5 of the core study)."""
    heights = [(1.55, 0.11 * (1 + max((s.level for s in panel.actions), default=-1)) + 0.04) for panel in panels]
    with _Sheet(label, sum(a + b + 0.62 for a, b in heights) + 0.1) as sheet:
        top = 0.32
        for panel, (height, rug_height) in zip(panels, heights, strict=True):
            axes = sheet.axes(0.62, top, WIDTH_IN - 0.82, height)
            _draw_traces(axes, panel, y_axis)
            if panel.actions:
                rug = sheet.axes(0.62, top + height + 0.24, WIDTH_IN - 0.82, rug_height)
                _draw_rug(rug, panel, axes.get_xlim())
            top += height + rug_height + 0.62
        return sheet.svg()


def bars(label: Labelled, panels: Sequence[BarPanel], columns: int) -> str:
    """Horizontal bars, `columns` panels side by side (figures 6, 7 and the right half of 8)."""
    rows = -(-len(panels) // columns)
    tallest = max(len(panel.bars) for panel in panels)
    height = 0.27 * tallest + 0.12
    with _Sheet(label, rows * (height + 0.78) + 0.05) as sheet:
        margin = 0.12 + 0.068 * max((min(len(bar.label), 18) for panel in panels for bar in panel.bars), default=0)
        width = (WIDTH_IN - 0.1) / columns
        for index, panel in enumerate(panels):
            row, column = divmod(index, columns)
            drawn = 0.27 * len(panel.bars) + 0.12
            axes = sheet.axes(column * width + margin, row * (height + 0.78) + 0.3, width - margin - 0.2, drawn)
            _draw_bars(axes, panel)
        return sheet.svg()


def strips(label: Labelled, panels: Sequence[StripPanel]) -> str:
    """Points and box plots, one panel below the other."""
    heights = [0.3 * len(panel.strips) + 0.15 for panel in panels]
    margin = 0.15 + 0.068 * max((min(len(s.label), 24) for panel in panels for s in panel.strips), default=0)
    with _Sheet(label, sum(heights) + 0.75 * len(panels) + 0.05) as sheet:
        top = 0.3
        for panel, height in zip(panels, heights, strict=True):
            _draw_strips(sheet.axes(margin, top, WIDTH_IN - margin - 0.2, height), panel)
            top += height + 0.75
        return sheet.svg()


def curves(label: Labelled, panels: Sequence[CurvePanel], columns: int = 2) -> str:
    """Lines over epochs or time, `columns` panels side by side."""
    columns = min(columns, len(panels))
    rows, width, height = -(-len(panels) // columns), WIDTH_IN / columns, 1.6
    with _Sheet(label, rows * (height + 0.85) + 0.05) as sheet:
        right = 0.75 if any(panel.right for panel in panels) else 0.2
        for index, panel in enumerate(panels):
            row, column = divmod(index, columns)
            place = (column * width + 0.6, row * (height + 0.85) + 0.35, width - 0.6 - right, height)
            _draw_curves(sheet.axes(*place), panel)
        return sheet.svg()


def decimate(x: Floats, y: Floats, columns: int = MAX_COLUMNS) -> tuple[Floats, Floats]:
    """Minimum and maximum of `columns` equal parts of a trace, in order of time; a short trace as it is.

    No peak is lost and none is invented: every point drawn was measured.
    """
    if len(y) <= 2 * columns:
        return x, y
    edges = np.linspace(0, len(y), columns + 1).astype(int)
    keep: list[int] = []
    for begin, end in pairwise(edges):
        part = y[begin:end]
        if np.all(np.isnan(part)):
            keep.append(int(begin))
        else:
            keep += sorted({int(begin + np.nanargmin(part)), int(begin + np.nanargmax(part))})
    return x[keep], y[keep]


class _Sheet:
    """A matplotlib figure whose axes are placed in inches from its top left corner, under this page's style."""

    def __init__(self, label: Labelled, height_in: float) -> None:
        from matplotlib import rc_context
        from matplotlib.backends.backend_svg import FigureCanvasSVG
        from matplotlib.figure import Figure

        self._label, self._height_in = label, height_in
        self._style: Any = rc_context(STYLE)
        self._style.__enter__()
        self.figure: Figure = Figure(figsize=(WIDTH_IN, height_in), facecolor="none")
        FigureCanvasSVG(self.figure)
        stamps = round(height_in / 2) or 1
        for index in range(stamps if label.watermark else 0):
            at = (index + 0.5) / stamps
            self.figure.text(
                0.5, at, label.watermark, color=STAMP, size=30, weight="bold", rotation=10, ha="center", va="center",
                zorder=-1,
            )  # fmt: skip

    def __enter__(self) -> "_Sheet":
        return self

    def __exit__(self, *error: object) -> None:
        self._style.__exit__(*error)

    def axes(self, left_in: float, top_in: float, width_in: float, height_in: float) -> "Axes":
        """New axes; they are transparent, the page is the paper."""
        bottom = self._height_in - top_in - height_in
        whole = self._height_in
        place = (left_in / WIDTH_IN, bottom / whole, width_in / WIDTH_IN, height_in / whole)
        return self.figure.add_axes(place, facecolor="none")

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
    rest = re.sub(r' id="([^"]+)"', rf' id="{label.name}-\1"', rest)
    rest = re.sub(r"url\(#", f"url(#{label.name}-", rest)
    rest = rest.replace('xlink:href="#', f'href="#{label.name}-')
    rest = re.sub(r"#[0-9a-f]{6}\b", lambda match: _colour(match.group()), rest)
    rest = re.sub(r' d="([^"]+)"', lambda match: f' d="{_shorter(match.group(1))}"', rest)
    rest = re.sub(r"font: ([^;\"]*?)'[^\"]*?sans-serif", r"font: \1var(--sans)", rest)
    rest = re.sub(r">\s+<", ">\n<", rest)
    heading = f'<title id="{label.name}-t">{escape(_plain(label.title))}</title>\n'
    heading += f'<desc id="{label.name}-d">{escape(_plain(label.description))}</desc>'
    spoken = f'role="img" aria-labelledby="{label.name}-t {label.name}-d"'
    return f'<svg class="plot" viewBox="{box.group(1)}" {spoken}>{heading}{rest}'.strip()


def _colour(hexadecimal: str) -> str:
    variable = VARIABLES.get(hexadecimal)
    return f"var(--{variable})" if variable else hexadecimal


def _shorter(path: str) -> str:
    """Coordinates to a hundredth of a point (long traces: a tenth), on one line."""
    digits = 2 if len(path) < 5000 else 1
    short = re.sub(r"\d+\.\d+", lambda match: f"{float(match.group()):.{digits}f}", path)
    return re.sub(r"\s+", " ", short).strip()


def _style(index: int) -> tuple[str, Any, str]:
    """Colour, dashes and hatch of a scenario; the baseline is grey and plain."""
    if index == BASELINE:
        return SOFT, "-", ""
    turn = index % len(PALETTE)
    return PALETTE[turn], DASHES[turn], HATCHES[turn]


def _draw_traces(axes: "Axes", panel: TracePanel, y_axis: str) -> None:
    colour, _, _ = _style(panel.style)
    xs, ys = _joined(decimate(x, y) for x, y in panel.runs)
    axes.plot(xs, ys, color=RAW, linewidth=0.35)
    axes.plot(*panel.mean, color=PAPER, linewidth=2.4)
    axes.plot(*panel.mean, color=colour, linewidth=1.3)
    axes.set_title(_plain(panel.title))
    axes.set_ylabel(_plain(y_axis))
    axes.grid(axis="y")
    axes.set_xlim(0.0, max((float(x[-1]) for x, _ in panel.runs if len(x)), default=1.0))
    axes.annotate("s", (1, 0), xycoords="axes fraction", xytext=(4, -2.5), textcoords="offset points", color=SOFT)


def _joined(pieces: Iterable[tuple[Floats, Floats]]) -> tuple[Floats, Floats]:
    """All runs as one line, broken by NaN: one path instead of hundreds."""
    xs: list[Floats] = []
    ys: list[Floats] = []
    break_ = np.array([np.nan])
    for x, y in pieces:
        xs += [x, break_]
        ys += [y, break_]
    return (np.concatenate(xs), np.concatenate(ys)) if xs else (break_, break_)


def _draw_rug(axes: "Axes", panel: TracePanel, limits: tuple[float, float]) -> None:
    colour, _, _ = _style(panel.style)
    levels = 1 + max(span.level for span in panel.actions)
    room = (limits[1] - limits[0]) / (WIDTH_IN - 0.82)
    for level in range(levels):
        row = [span for span in panel.actions if span.level == level]
        widths = [(span.begin_s, max(span.end_s - span.begin_s, 0.02 * room)) for span in row]
        axes.broken_barh(
            widths, (levels - 1 - level + 0.08, 0.84), facecolor=PAPER, edgecolor=colour, linewidth=0.7
        )  # fmt: skip
        free_from = -np.inf  # where spans overlap, the later one has no room for its name
        for span in row:
            length = span.end_s - span.begin_s
            has_room, free_from = span.begin_s >= free_from - 0.02 * length, max(free_from, span.end_s)
            if has_room and length > 0.058 * (len(span.name) + 1) * room:
                middle = (span.begin_s + span.end_s) / 2
                axes.text(middle, levels - 1 - level + 0.47, _plain(span.name), size=6, ha="center", va="center")
    axes.set_xlim(limits)
    axes.set_ylim(0, levels)
    axes.set_axis_off()


def _draw_bars(axes: "Axes", panel: BarPanel) -> None:
    positions = range(len(panel.bars))[::-1]
    reach = max((abs(b.value) + (b.half_width or 0.0) for b in panel.bars), default=0.0) or 1.0
    for position, bar in zip(positions, panel.bars, strict=True):
        colour, _, hatch = _style(bar.style)
        axes.barh(position, bar.value, 0.62, facecolor=colour, edgecolor=PAPER, hatch=hatch, linewidth=0)
        if bar.part is not None:
            axes.barh(position - 0.19, bar.part, 0.24, facecolor=PAPER, edgecolor=INK, linewidth=0.8)
        if bar.half_width is not None:
            axes.errorbar(bar.value, position, xerr=bar.half_width, color=INK, linewidth=1.0, capsize=2.5)
        end = max(bar.value + (bar.half_width or 0.0), 0.0)
        place: dict[str, Any] = {"xytext": (5, 0), "textcoords": "offset points", "va": "center", "size": 7}
        axes.annotate(_plain(bar.text), (end, position), **place)
    lowest = min((b.value - (b.half_width or 0.0) for b in panel.bars), default=0.0)
    axes.set_xlim(min(0.0, 1.1 * lowest), 1.0 * reach * _head_room(panel))
    axes.set_ylim(-0.6, len(panel.bars) - 0.4)
    axes.set_yticks(list(positions), [_short(bar.label, 18) for bar in panel.bars])
    axes.tick_params(axis="y", length=0)
    axes.locator_params(axis="x", nbins=4)
    axes.axvline(0, color=SOFT, linewidth=0.6)
    axes.set_title(_plain(panel.title))
    axes.set_xlabel(_plain(panel.axis))
    axes.grid(axis="x")


def _head_room(panel: BarPanel) -> float:
    """How much longer than the longest bar the axis is, so that the value's text has room."""
    return 1.15 + 0.045 * max((len(bar.text) for bar in panel.bars), default=0)


def _draw_strips(axes: "Axes", panel: StripPanel) -> None:
    positions = range(len(panel.strips))[::-1]
    for position, strip in zip(positions, panel.strips, strict=True):
        colour, _, _ = _style(strip.style)
        if len(strip.values) >= 5:  # fewer points are their own summary
            axes.boxplot(
                [list(strip.values)], positions=[position], orientation="horizontal", widths=0.55, showfliers=False,
                manage_ticks=False, boxprops={"color": SOFT, "linewidth": 0.7},
                whiskerprops={"color": SOFT, "linewidth": 0.7}, capprops={"color": SOFT, "linewidth": 0.7},
                medianprops={"color": INK, "linewidth": 1.2},
            )  # fmt: skip
        spread = [position + 0.14 * ((7 * index) % 5 - 2) / 2 for index in range(len(strip.values))]
        look: dict[str, Any] = {"markersize": 3, "markeredgecolor": PAPER, "markeredgewidth": 0.4}
        axes.plot(list(strip.values), spread, "o", color=colour, **look)
    axes.set_yticks(list(positions), [_short(strip.label, 24) for strip in panel.strips])
    axes.set_ylim(-0.6, len(panel.strips) - 0.4)
    axes.tick_params(axis="y", length=0)
    axes.set_title(_plain(panel.title))
    axes.set_xlabel(_plain(panel.axis))
    axes.grid(axis="x")


def _draw_curves(axes: "Axes", panel: CurvePanel) -> None:
    from matplotlib.ticker import MaxNLocator

    _draw_lines(axes, panel.curves, None, panel.markers)
    axes.set_title(_plain(panel.title))
    axes.set_xlabel(_plain(panel.x_axis))
    axes.set_ylabel(_plain(panel.y_axis))
    axes.grid(axis="y")
    axes.xaxis.set_major_locator(MaxNLocator(nbins=7, integer=panel.whole_x))
    if panel.right:
        twin = axes.twinx()
        twin.set_facecolor("none")
        twin.spines["right"].set_visible(True)
        _draw_lines(twin, panel.right, HEAT, panel.markers)
        twin.set_ylabel(_plain(panel.right_axis), color=HEAT)
        twin.locator_params(axis="y", nbins=5)
        twin.tick_params(axis="y", colors=HEAT, labelcolor=HEAT)
    named = [curve for curve in (*panel.curves, *panel.right) if curve.label]
    if len({curve.label for curve in named}) > 1:
        handles = axes.get_legend_handles_labels()[0] + (twin.get_legend_handles_labels()[0] if panel.right else [])
        axes.legend(handles=handles, frameon=False, fontsize=7, loc="best", handlelength=2.6, borderpad=0.1)


def _draw_lines(axes: "Axes", lines: Sequence[Curve], override: str | None, markers: bool) -> None:
    faint = [curve for curve in lines if curve.faint]
    for style in sorted({curve.style for curve in faint}):
        pieces = ((np.asarray(c.x, dtype=float), np.asarray(c.y, dtype=float)) for c in faint if c.style == style)
        axes.plot(*_joined(pieces), color=RAW, linewidth=0.5)
    for curve in lines:
        if curve.faint:
            continue
        colour, dashes, _ = _style(curve.style)
        marker = "os^Dv<"[curve.style % 6] if markers and 2 != len(curve.x) <= 40 else ""
        look: dict[str, Any] = {"color": override or colour, "linestyle": ":" if override else dashes}
        look |= {"linewidth": 1.4, "marker": marker, "markersize": 3.5, "label": _short(curve.label, 22)}
        axes.plot(curve.x, curve.y, **look)
        bounded = [(x, y, h) for x, y, h in zip(curve.x, curve.y, curve.half_width, strict=False) if h is not None]
        if bounded:
            xs, ys, halves = zip(*bounded, strict=True)
            axes.errorbar(xs, ys, yerr=halves, color=override or colour, linestyle="", linewidth=0.8, capsize=2)


def _short(text: str, length: int) -> str:
    return _plain(text if len(text) <= length else text[: length - 1] + "…")


def _plain(text: str) -> str:
    """No control characters (they are no XML), no leading underscore (it hides a label from a legend)."""
    return re.sub(r"[\x00-\x1f\x7f\ufffe\uffff]", " ", text).lstrip("_")
