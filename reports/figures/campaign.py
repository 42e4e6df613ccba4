"""Figures of a campaign: plain numbers in, one SVG element as text out.

Knows power over time, bars, strips and curves. Knows no campaign, no file, no rounding: labels arrive as text, values
in the unit that is printed beside the axis. Figures of statistics stand in statistics.py.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np

from reports.figures.sheet import (
    HALF_IN,
    HEAT,
    INK,
    LABEL_LINE_IN,
    MARKERS,
    PAPER,
    RAW,
    SOFT,
    TITLE_IN,
    WIDE_IN,
    Floats,
    Labelled,
    Sheet,
    folded,
    lines_of,
    parts_of,
    plain,
    plain_ticks,
    side_by_side,
    style_of,
    thinned,
    title_lines,
    wrapped,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes

MAX_COLUMNS = 220
"""A trace longer than twice this is drawn as the minimum and maximum of each of so many equal parts."""
BAR_LETTERS, STRIP_LETTERS, LEGEND_LETTERS = 20, 24, 24
"""Letters of one line of a label."""


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
    log: bool = False


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


def traces(label: Labelled, panels: Sequence[TracePanel], x_axis: str, y_axis: str) -> str:
    """Power over time, one panel per scenario (figure 5 of the core study), its actions below the axis."""
    parts = parts_of(label, len(panels))
    return side_by_side("wide", (_trace(*both, x_axis, y_axis) for both in zip(parts, panels, strict=True)))


def _trace(label: Labelled, panel: TracePanel, x_axis: str, y_axis: str) -> str:
    left, width, height = 0.55, WIDE_IN - 0.75, 1.45
    title = title_lines(panel.title, WIDE_IN)
    top = 0.12 + TITLE_IN * len(title)
    levels = 1 + max((span.level for span in panel.actions), default=-1)
    rug = 0.13 * levels
    with Sheet(label, top + height + 0.48 + (rug + 0.05 if levels else 0.0), WIDE_IN) as sheet:
        sheet.title(title, 0.05, 0.03)
        axes = sheet.axes(left, top, width, height)
        _draw_traces(axes, panel, x_axis, y_axis)
        if levels:
            below = sheet.axes(left, top + height + 0.45, width, rug, marked=False)
            _draw_rug(below, panel, axes.get_xlim(), width)
        return sheet.svg()


def bars(label: Labelled, panels: Sequence[BarPanel]) -> str:
    """Horizontal bars, one panel for each quantity (figures 6, 7 and the right half of 8)."""
    parts = parts_of(label, len(panels))
    lines = [lines_of(bar.label, BAR_LETTERS) for panel in panels for bar in panel.bars]
    margin = 0.12 + 0.068 * max((len(line) for label in lines for line in label), default=0)
    return side_by_side("half", (_bar_chart(*both, margin) for both in zip(parts, panels, strict=True)))


def _bar_chart(label: Labelled, panel: BarPanel, margin: float) -> str:
    title = title_lines(panel.title, HALF_IN)
    top = 0.12 + TITLE_IN * len(title)
    height = _row_in(0.27, (bar.label for bar in panel.bars), BAR_LETTERS) * len(panel.bars) + 0.12
    with Sheet(label, top + height + 0.5, HALF_IN) as sheet:
        sheet.title(title, 0.05, 0.03)
        _draw_bars(sheet.axes(margin, top, HALF_IN - margin - 0.15, height), panel)
        return sheet.svg()


def _row_in(least_in: float, labels: Iterable[str], letters: int) -> float:
    """Height of a row of a panel: that of the longest of its labels."""
    return max(least_in, 0.04 + LABEL_LINE_IN * max((len(lines_of(text, letters)) for text in labels), default=1))


def strips(label: Labelled, panels: Sequence[StripPanel]) -> str:
    """Points and box plots, one panel for each quantity."""
    parts = parts_of(label, len(panels))
    lines = [lines_of(strip.label, STRIP_LETTERS) for panel in panels for strip in panel.strips]
    margin = 0.15 + 0.068 * max((len(line) for label in lines for line in label), default=0)
    return side_by_side("wide", (_strip_chart(*both, margin) for both in zip(parts, panels, strict=True)))


def _strip_chart(label: Labelled, panel: StripPanel, margin: float) -> str:
    title = title_lines(panel.title, WIDE_IN)
    top = 0.12 + TITLE_IN * len(title)
    height = _row_in(0.3, (strip.label for strip in panel.strips), STRIP_LETTERS) * len(panel.strips) + 0.15
    with Sheet(label, top + height + 0.5, WIDE_IN) as sheet:
        sheet.title(title, 0.05, 0.03)
        _draw_strips(sheet.axes(margin, top, WIDE_IN - margin - 0.15, height), panel)
        return sheet.svg()


def curves(label: Labelled, panels: Sequence[CurvePanel]) -> str:
    """Lines over epochs or time, one panel for each quantity."""
    parts, right = parts_of(label, len(panels)), 0.65 if any(panel.right for panel in panels) else 0.15
    return side_by_side("half", (_curve_chart(*both, right) for both in zip(parts, panels, strict=True)))


def _curve_chart(label: Labelled, panel: CurvePanel, right: float) -> str:
    title, height = title_lines(panel.title, HALF_IN), 1.6
    top = 0.12 + TITLE_IN * len(title)
    with Sheet(label, top + height + 0.5, HALF_IN) as sheet:
        sheet.title(title, 0.05, 0.03)
        _draw_curves(sheet.axes(0.62, top, HALF_IN - 0.62 - right, height), panel, height)
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


def _draw_traces(axes: "Axes", panel: TracePanel, x_axis: str, y_axis: str) -> None:
    colour, _, _ = style_of(panel.style)
    xs, ys = _joined(decimate(x, y) for x, y in panel.runs)
    axes.plot(xs, ys, color=RAW, linewidth=0.35)
    axes.plot(*panel.mean, color=PAPER, linewidth=2.4)
    axes.plot(*panel.mean, color=colour, linewidth=1.3)
    axes.set_xlabel(plain(x_axis))
    axes.set_ylabel(plain(y_axis))
    axes.grid(axis="y")
    axes.set_xlim(0.0, max((float(x[-1]) for x, _ in panel.runs if len(x)), default=1.0))


def _joined(pieces: Iterable[tuple[Floats, Floats]]) -> tuple[Floats, Floats]:
    """All runs as one line, broken by NaN: one path instead of hundreds."""
    xs: list[Floats] = []
    ys: list[Floats] = []
    break_ = np.array([np.nan])
    for x, y in pieces:
        xs += [x, break_]
        ys += [y, break_]
    return (np.concatenate(xs), np.concatenate(ys)) if xs else (break_, break_)


def _draw_rug(axes: "Axes", panel: TracePanel, limits: tuple[float, float], width_in: float) -> None:
    colour, _, _ = style_of(panel.style)
    levels = 1 + max(span.level for span in panel.actions)
    room = (limits[1] - limits[0]) / width_in
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
                axes.text(middle, levels - 1 - level + 0.47, plain(span.name), size=6, ha="center", va="center")
    axes.set_xlim(limits)
    axes.set_ylim(0, levels)
    axes.set_axis_off()


def _draw_bars(axes: "Axes", panel: BarPanel) -> None:
    positions = range(len(panel.bars))[::-1]
    reach = max((abs(b.value) + (b.half_width or 0.0) for b in panel.bars), default=0.0) or 1.0
    for position, bar in zip(positions, panel.bars, strict=True):
        colour, _, hatch = style_of(bar.style)
        axes.barh(position, bar.value, 0.62, facecolor=colour, edgecolor=PAPER, hatch=hatch, linewidth=0)
        if bar.part is not None:
            axes.barh(position - 0.19, bar.part, 0.24, facecolor=PAPER, edgecolor=INK, linewidth=0.8)
        if bar.half_width is not None:
            axes.errorbar(bar.value, position, xerr=bar.half_width, color=INK, linewidth=1.0, capsize=2.5)
        end = max(bar.value + (bar.half_width or 0.0), 0.0)
        place: dict[str, Any] = {"xytext": (5, 0), "textcoords": "offset points", "va": "center", "size": 7}
        axes.annotate(plain(bar.text), (end, position), **place)
    lowest = min((b.value - (b.half_width or 0.0) for b in panel.bars), default=0.0)
    axes.set_xlim(min(0.0, 1.1 * lowest), 1.0 * reach * _head_room(panel))
    axes.set_ylim(-0.6, len(panel.bars) - 0.4)
    axes.set_yticks(list(positions), [folded(bar.label, BAR_LETTERS) for bar in panel.bars])
    axes.tick_params(axis="y", length=0)
    axes.locator_params(axis="x", nbins=4)
    axes.axvline(0, color=SOFT, linewidth=0.6)
    axes.set_xlabel(plain(panel.axis))
    axes.grid(axis="x")


def _head_room(panel: BarPanel) -> float:
    """How much longer than the longest bar the axis is, so that the value's text has room."""
    return 1.15 + 0.045 * max((len(bar.text) for bar in panel.bars), default=0)


def _draw_strips(axes: "Axes", panel: StripPanel) -> None:
    if panel.log:
        axes.set_xscale("log")
    positions = range(len(panel.strips))[::-1]
    for position, strip in zip(positions, panel.strips, strict=True):
        colour, _, _ = style_of(strip.style)
        if len(strip.values) >= 5:  # fewer points are their own summary
            axes.boxplot(
                [list(strip.values)], positions=[position], orientation="horizontal", widths=0.55, showfliers=False,
                manage_ticks=False, boxprops={"color": SOFT, "linewidth": 0.7},
                whiskerprops={"color": SOFT, "linewidth": 0.7}, capprops={"color": SOFT, "linewidth": 0.7},
                medianprops={"color": INK, "linewidth": 1.2},
            )  # fmt: skip
        spread = np.array([position + 0.14 * ((7 * index) % 5 - 2) / 2 for index in range(len(strip.values))])
        look: dict[str, Any] = {"markersize": 3, "markeredgecolor": PAPER, "markeredgewidth": 0.4}
        axes.plot(
            *thinned(np.asarray(strip.values, dtype=float), spread, (panel.log, False)), "o", color=colour, **look
        )
    axes.set_yticks(list(positions), [folded(strip.label, STRIP_LETTERS) for strip in panel.strips])
    axes.set_ylim(-0.6, len(panel.strips) - 0.4)
    axes.tick_params(axis="y", length=0)
    axes.set_xlabel(plain(panel.axis) + (" (log scale)" if panel.log else ""))
    axes.grid(axis="x")
    if panel.log:
        plain_ticks(axes.xaxis, axes.get_xlim(), logarithmic=True)


def _draw_curves(axes: "Axes", panel: CurvePanel, height_in: float) -> None:
    from matplotlib.ticker import MaxNLocator

    _draw_lines(axes, panel.curves, None, panel.markers)
    axes.set_xlabel(plain(panel.x_axis))
    axes.set_ylabel(wrapped(panel.y_axis, height_in))
    axes.grid(axis="y")
    axes.xaxis.set_major_locator(MaxNLocator(nbins=7, integer=panel.whole_x))
    if panel.right:
        twin = axes.twinx()
        twin.set_facecolor("none")
        twin.spines["right"].set_visible(True)
        _draw_lines(twin, panel.right, HEAT, panel.markers)
        twin.set_ylabel(wrapped(panel.right_axis, height_in), color=HEAT)
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
        colour, dashes, _ = style_of(curve.style)
        marker = MARKERS[curve.style % len(MARKERS)] if markers and 2 != len(curve.x) <= 40 else ""
        look: dict[str, Any] = {"color": override or colour, "linestyle": ":" if override else dashes}
        look |= {"linewidth": 1.4, "marker": marker, "markersize": 3.5, "label": folded(curve.label, LEGEND_LETTERS)}
        axes.plot(curve.x, curve.y, **look)
        bounded = [(x, y, h) for x, y, h in zip(curve.x, curve.y, curve.half_width, strict=False) if h is not None]
        if bounded:
            xs, ys, halves = zip(*bounded, strict=True)
            axes.errorbar(xs, ys, yerr=halves, color=override or colour, linestyle="", linewidth=0.8, capsize=2)
