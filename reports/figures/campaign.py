"""Figures of a campaign: plain numbers in, one SVG element as text out.

Knows power over time, bars, strips and curves. Knows no campaign, no file, no rounding: labels arrive as text, values
in the unit that is printed beside the axis. Figures of statistics stand in scatter.py, forest.py and grouped_bars.py.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from reports.figures.axes import Axes
from reports.figures.legend import Entry, draw_inside
from reports.figures.palette import (
    DASHES,
    HEAT,
    INK,
    MARKERS,
    PAPER,
    RAW,
    SOFT,
    style_of,
)
from reports.figures.scale import Floats, Scale, scale_over
from reports.figures.sheet import (
    HALF_IN,
    LABEL_LINE_IN,
    POINTS,
    TITLE_IN,
    WIDE_IN,
    Labelled,
    Sheet,
    folded,
    lines_of,
    parts_of,
    side_by_side,
    title_lines,
    told_apart,
    wrapped,
)
from reports.figures.strokes import Look, Pen

MARGIN = 0.05
"""Part of an axis that is free at each end."""
BAR_LETTERS, STRIP_LETTERS, LEGEND_LETTERS = 20, 24, 24
"""Letters of one line of a label."""
PHONE_PT = 10.0
"""Size of the axes' text of the figure of power on a phone (templates/page.css.j2)."""


@dataclass(frozen=True, slots=True)
class Span:
    """One action on the time axis: mean begin and end over the runs, s after the start of the run; nesting level."""

    name: str
    begin_s: float
    end_s: float
    level: int


@dataclass(frozen=True, slots=True)
class TracePanel:
    """Every run of a scenario over time: x in s, y in W, as many points as are drawn; the mean over the runs; the
    actions below. `scenario` and `numbers`, one of each run: what the page's script calls them. `step_s`: of which
    steps the mean is."""

    title: str
    style: int
    runs: Sequence[tuple[Floats, Floats]]
    mean: tuple[Floats, Floats]
    actions: Sequence[Span] = ()
    scenario: str = ""
    numbers: Sequence[str] = ()
    step_s: float = 1.0


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
    """All values of one quantity in one group, one point each; `texts`: what is said of each when it is pointed at."""

    label: str
    style: int
    values: Sequence[float]
    texts: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class StripPanel:
    """Groups of points with box plots; `axis` names quantity and unit."""

    title: str
    axis: str
    strips: Sequence[Strip]
    log: bool = False


@dataclass(frozen=True, slots=True)
class Curve:
    """One line: `faint` is a single run, otherwise a mean with an optional half width per point; `texts`: what is said
    of each point when it is pointed at."""

    label: str
    style: int
    x: Sequence[float]
    y: Sequence[float]
    faint: bool = False
    half_width: Sequence[float | None] = ()
    texts: Sequence[str] = ()


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
    sheet = Sheet(label, top + height + 0.48 + (rug + 0.05 if levels else 0.0), WIDE_IN)
    sheet.title(title, 0.05, 0.03)
    time = Scale(0.0, max((float(x[-1]) for x, _ in panel.runs if len(x)), default=1.0) or 1.0)
    power = scale_over([end for _, y in (*panel.runs, panel.mean) for end in _ends(y)], MARGIN)
    _draw_traces(sheet.axes((left, top, width, height), time, power), panel, x_axis, y_axis)
    if levels:
        rows = Scale(0.0, float(levels))
        _draw_rug(sheet.axes((left, top + height + 0.45, width, rug), time, rows, marked=False), panel, levels)
    return sheet.svg()


def _ends(values: Floats) -> list[float]:
    """Least and greatest; none of nothing."""
    there = values[np.isfinite(values)]
    return [float(there.min()), float(there.max())] if there.size else []


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
    sheet = Sheet(label, top + height + 0.5, HALF_IN)
    sheet.title(title, 0.05, 0.03)
    place = (margin, top, HALF_IN - margin - 0.15, height)
    _draw_bars(sheet.axes(place, _reach_of(panel), _rows(len(panel.bars))), panel)
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
    sheet = Sheet(label, top + height + 0.5, WIDE_IN)
    sheet.title(title, 0.05, 0.03)
    values = scale_over((v for strip in panel.strips for v in strip.values), MARGIN, logarithmic=panel.log)
    place = (margin, top, WIDE_IN - margin - 0.15, height)
    _draw_strips(sheet.axes(place, values, _rows(len(panel.strips))), panel)
    return sheet.svg()


def curves(label: Labelled, panels: Sequence[CurvePanel]) -> str:
    """Lines over epochs or time, one panel for each quantity."""
    parts, right = parts_of(label, len(panels)), 0.65 if any(panel.right for panel in panels) else 0.15
    return side_by_side("half", (_curve_chart(*both, right) for both in zip(parts, panels, strict=True)))


def _curve_chart(label: Labelled, panel: CurvePanel, right: float) -> str:
    title, height = title_lines(panel.title, HALF_IN), 1.6
    top = 0.12 + TITLE_IN * len(title)
    sheet = Sheet(label, top + height + 0.5, HALF_IN)
    sheet.title(title, 0.05, 0.03)
    x = scale_over((x for curve in (*panel.curves, *panel.right) for x in curve.x), MARGIN)
    place = (0.62, top, HALF_IN - 0.62 - right, height)
    axes = sheet.axes(place, x, _height_of(panel.curves))
    twin = sheet.axes(place, x, _height_of(panel.right), marked=False) if panel.right else None
    _draw_curves(axes, twin, panel, height)
    return sheet.svg()


def _height_of(curves: Sequence[Curve]) -> Scale:
    """The scale that holds curves and the intervals of their points."""
    ends = (
        y + sign * (half or 0.0)
        for curve in curves
        for y, half in zip(curve.y, [*curve.half_width, *[None] * len(curve.y)], strict=False)
        for sign in (-1, 1)
    )
    return scale_over(ends, MARGIN)


def _rows(count: int) -> Scale:
    """Rows one below the other: the first is the highest number."""
    return Scale(-0.6, count - 0.4)


def _draw_traces(axes: Axes, panel: TracePanel, x_axis: str, y_axis: str) -> None:
    colour, _, _ = style_of(panel.style)
    ticks = axes.y_ticks()
    axes.grid_y(ticks)
    if panel.numbers:
        axes.named_lines(panel.scenario, zip(panel.numbers, panel.runs, strict=True), Pen(RAW, 0.35))
    else:
        axes.fine_lines(panel.runs, Pen(RAW, 0.35))
    inside = panel.mean[0] <= axes.x.high
    mean = [(panel.mean[0][inside], panel.mean[1][inside])]
    axes.fine_lines(mean, Pen(PAPER, 2.4), Pen(colour, 1.3))
    axes.x_axis(x_axis, axes.x_ticks())
    axes.y_axis(y_axis, ticks, most_pt=PHONE_PT)


def _draw_rug(axes: Axes, panel: TracePanel, levels: int) -> None:
    colour, _, _ = style_of(panel.style)
    room = axes.x.high * POINTS / axes.width
    for level in range(levels):
        row = [span for span in panel.actions if span.level == level]
        foot = levels - 1 - level
        for span in row:
            ends = (span.begin_s, span.begin_s + max(span.end_s - span.begin_s, 0.02 * room))
            axes.box(ends, (foot + 0.08, foot + 0.92), Look(PAPER, colour, 0.7))
        free_from = -np.inf  # where spans overlap, the later one has no room for its name
        for span in row:
            length = span.end_s - span.begin_s
            has_room, free_from = span.begin_s >= free_from - 0.02 * length, max(free_from, span.end_s)
            if has_room and length > 0.058 * (len(span.name) + 1) * room:
                axes.text(axes.at((span.begin_s + span.end_s) / 2, foot + 0.5), span.name, 6)


def _reach_of(panel: BarPanel) -> Scale:
    """From 0, or the lowest end of an interval, to the highest and as far as the values' texts need room."""
    reach = max((abs(b.value) + (b.half_width or 0.0) for b in panel.bars), default=0.0) or 1.0
    lowest = min((b.value - (b.half_width or 0.0) for b in panel.bars), default=0.0)
    return Scale(min(0.0, 1.1 * lowest), reach * _head_room(panel))


def _head_room(panel: BarPanel) -> float:
    """How much longer than the longest bar the axis is, so that the value's text has room."""
    return 1.15 + 0.045 * max((len(bar.text) for bar in panel.bars), default=0)


def _draw_bars(axes: Axes, panel: BarPanel) -> None:
    rows = range(len(panel.bars))[::-1]
    ticks = axes.x_ticks(4)
    axes.grid_x(ticks)
    for row, bar in zip(rows, panel.bars, strict=True):
        colour, _, hatch = style_of(bar.style)
        axes.box((0.0, bar.value), (row - 0.31, row + 0.31), Look(colour), hatch)
        if bar.part is not None:
            axes.box((0.0, bar.part), (row - 0.31, row - 0.07), Look(PAPER, INK, 0.8))
        if bar.half_width is not None:
            axes.whiskers("x", [(bar.value, row, bar.half_width)], Pen(INK, 1.0), 2.5)
        end, middle = axes.at(max(bar.value + (bar.half_width or 0.0), 0.0), row)
        axes.text((end + 5, middle), bar.text, 7, anchor="start")
    axes.upright(0.0, Pen(SOFT, 0.6))
    axes.x_axis(panel.axis, ticks)
    axes.rows([(row, folded(bar.label, BAR_LETTERS)) for row, bar in zip(rows, panel.bars, strict=True)])


def _draw_strips(axes: Axes, panel: StripPanel) -> None:
    rows = range(len(panel.strips))[::-1]
    ticks = axes.x_ticks(6 if panel.log else 9)
    axes.grid_x(ticks)
    for row, strip in zip(rows, panel.strips, strict=True):
        colour, _, _ = style_of(strip.style)
        values = np.asarray(strip.values, dtype=float)
        if len(values) >= 5:  # fewer points are their own summary
            _draw_box(axes, values, row)
        spread = row + 0.14 * ((7 * np.arange(len(values))) % 5 - 2) / 2
        axes.marks(*told_apart(values, spread, (panel.log, False)), "o", 3, Look(colour, PAPER, 0.4))
        for at_x, at_y, text in zip(axes.xs(values).tolist(), axes.ys(spread).tolist(), strip.texts, strict=False):
            axes.sheet.tip((at_x, at_y), text)
    axes.x_axis(panel.axis + (" (log scale)" if panel.log else ""), ticks)
    axes.rows([(row, folded(strip.label, STRIP_LETTERS)) for row, strip in zip(rows, panel.strips, strict=True)])


def _draw_box(axes: Axes, values: Floats, row: float) -> None:
    """Box of the quartiles, line of the median, whiskers to the furthest values within 1.5 times the box (Tukey)."""
    low, median, high = (float(value) for value in np.percentile(values, [25, 50, 75]))
    reach = 1.5 * (high - low)
    inside = values[(values >= low - reach) & (values <= high + reach)]
    begin, end = min(float(inside.min()), low), max(float(inside.max()), high)
    pen, half, cap = Pen(SOFT, 0.7), 0.275, 0.1375
    axes.line([low, high, high, low, low], [row - half, row - half, row + half, row + half, row - half], pen)
    gap = np.nan
    axes.line(
        [begin, low, gap, high, end, gap, begin, begin, gap, end, end],
        [row, row, gap, row, row, gap, row - cap, row + cap, gap, row - cap, row + cap],
        pen,
    )
    axes.line([median, median], [row - half, row + half], Pen(INK, 1.2))


def _draw_curves(axes: Axes, twin: Axes | None, panel: CurvePanel, height_in: float) -> None:
    ticks = axes.y_ticks()
    axes.grid_y(ticks)
    for half, curves in ((axes, panel.curves), (twin, panel.right)):
        if half is not None:
            _draw_lines(half, curves, panel.markers, is_right=half is twin)
    axes.x_axis(panel.x_axis, axes.x_ticks(7, whole=panel.whole_x))
    axes.y_axis(wrapped(panel.y_axis, height_in), ticks)
    if twin is not None:
        twin.y_axis(wrapped(panel.right_axis, height_in), twin.y.ticks(5), colour=HEAT, at_right=True)
    named = [(axes, c, False) for c in panel.curves if c.label] + [
        (twin or axes, c, True) for c in panel.right if c.label
    ]
    if len({curve.label for _, curve, _ in named}) > 1:
        entries = [
            Entry(folded(curve.label, LEGEND_LETTERS), pen=_pen_of(curve, is_right=is_right),
                  mark=_mark_of(curve, panel.markers), look=Look(_pen_of(curve, is_right=is_right).colour))
            for _, curve, is_right in named if not curve.faint
        ]  # fmt: skip
        points = [(half.xs(curve.x), half.ys(curve.y)) for half, curve, _ in named]
        draw_inside(axes, entries, points)


def _pen_of(curve: Curve, *, is_right: bool) -> Pen:
    colour, dashes, _ = style_of(curve.style)
    return Pen(HEAT, 1.4, DASHES[3]) if is_right else Pen(colour, 1.4, dashes)


def _mark_of(curve: Curve, markers: bool) -> str:
    """Its points are marked where they can be told apart, and where they are not two, which are a line."""
    return MARKERS[curve.style % len(MARKERS)] if markers and 2 != len(curve.x) <= 40 else ""


def _draw_lines(axes: Axes, curves: Sequence[Curve], markers: bool, *, is_right: bool) -> None:
    faint = [(np.asarray(c.x, dtype=float), np.asarray(c.y, dtype=float)) for c in curves if c.faint]
    axes.fine_lines(faint, Pen(RAW, 0.5))
    for curve in curves:
        if curve.faint:
            continue
        pen, mark = _pen_of(curve, is_right=is_right), _mark_of(curve, markers)
        axes.line(curve.x, curve.y, pen)
        for at_x, at_y, text in zip(axes.xs(curve.x).tolist(), axes.ys(curve.y).tolist(), curve.texts, strict=False):
            axes.sheet.tip((at_x, at_y), text)
        if mark:
            axes.marks(curve.x, curve.y, mark, 3.5, Look(pen.colour))
        bounded = [(x, y, h) for x, y, h in zip(curve.x, curve.y, curve.half_width, strict=False) if h is not None]
        axes.whiskers("y", bounded, replace(pen, width_pt=0.8, dashes=()), 2)
