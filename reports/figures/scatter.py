"""Scatters: plain numbers in, one SVG element as text out (regression, Q-Q, Bland-Altman, Pareto).

Knows points, lines and levels over two axes. Knows no document, no test and no rounding: labels arrive as text, values
in the unit that is printed beside the axis. A panel without anything to draw is refused: the page leaves such a figure
out.
"""

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from reports.figures.axes import Axes
from reports.figures.foot_legend import legend_sheet
from reports.figures.legend import Entry
from reports.figures.palette import BASELINE, DASHED, INK, PAPER, marker_of, style_of
from reports.figures.panels import refuse_empty
from reports.figures.scale import Floats, Scale, scale_over
from reports.figures.sheet import (
    HALF_IN,
    LABEL_LINE_IN,
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
from reports.figures.tags import Area, places

LEVEL_LETTERS = 24
"""Letters of a level's label."""
MANY_POINTS = 150
"""Groups with more points are drawn with small markers without rim."""
SMALL_IN = 0.054
"""Mean width of a letter of the small labels beside points."""


@dataclass(frozen=True, slots=True)
class Points:
    """One group of points; half widths (None: no error bar) and tags (text beside it) are per point or absent."""

    label: str
    style: int
    x: Sequence[float]
    y: Sequence[float]
    x_half_width: Sequence[float | None] = ()
    y_half_width: Sequence[float | None] = ()
    tags: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class Line:
    """A line through points; `stepped`: horizontal, then vertical (a Pareto front); `low` and `high`: both sides of the
    band that it lies in, at each point (none: no band)."""

    label: str
    x: Sequence[float]
    y: Sequence[float]
    style: int = BASELINE
    dashed: bool = False
    stepped: bool = False
    low: Sequence[float] = ()
    high: Sequence[float] = ()


@dataclass(frozen=True, slots=True)
class Straight:
    """y = intercept + slope * x over the whole panel, whatever its axes' scales."""

    label: str
    slope: float
    intercept: float
    style: int = BASELINE
    dashed: bool = False


@dataclass(frozen=True, slots=True)
class Level:
    """A horizontal line over the whole panel, its label at the right end."""

    label: str
    y: float
    dashed: bool = True


@dataclass(frozen=True, slots=True)
class ScatterPanel:
    """Points, lines, levels over two axes, which name quantity and unit; `falling_x`, `falling_y`: that axis runs from
    its largest value to its least; `whole_x`: the numbers beside the x axis are whole ones."""

    title: str
    x_axis: str
    y_axis: str
    points: Sequence[Points]
    lines: Sequence[Line | Straight] = ()
    levels: Sequence[Level] = ()
    log_x: bool = False
    log_y: bool = False
    falling_x: bool = False
    falling_y: bool = False
    whole_x: bool = False


def scatters(label: Labelled, panels: Sequence[ScatterPanel], columns: int = 2) -> str:
    """Points, regression lines, levels: at the most `columns` panels side by side, one legend behind them.

    Raises:
        ValueError: no panel, a panel without a finite point, or a value that a logarithmic axis cannot hold.
    """
    refuse_empty(label, panels, lambda panel: _finite(panel.points))
    entries = _entries(panels)
    kind, width = ("wide", WIDE_IN) if columns == 1 or len(panels) == 1 else ("half", HALF_IN)
    parts = parts_of(label, len(panels) + bool(entries))
    drawn = [_scatter_chart(*both, width) for both in zip(parts, panels, strict=False)]
    return side_by_side(kind, [*drawn, *([legend_sheet(parts[-1], entries, width)] if entries else [])])


def _scatter_chart(label: Labelled, panel: ScatterPanel, width: float) -> str:
    title, height = title_lines(panel.title, width - 0.1), 2.6 if width > HALF_IN else 1.9
    top = 0.17 + TITLE_IN * len(title)
    letters = min(LEVEL_LETTERS, max((len(level.label) for level in panel.levels), default=0))
    right = 0.12 + SMALL_IN * letters if letters else 0.15
    sheet = Sheet(label, top + height + 0.53, width)
    sheet.title(title, 0.05, 0.05)
    place = (0.68, top, width - 0.68 - right, height)
    _draw_scatter(sheet.axes(place, *_scales_of(panel, label.name)), panel, (place[2], height))
    return sheet.svg()


def _finite(groups: Sequence[Points]) -> bool:
    return any(math.isfinite(x) and math.isfinite(y) for group in groups for x, y in zip(group.x, group.y, strict=True))


def _entries(panels: Sequence[ScatterPanel]) -> list[Entry]:
    """What the legend names: groups and lines with a label, once each; nothing where there is a single name."""
    named: dict[str, Entry] = {}
    for panel in panels:
        for item in (*panel.points, *panel.lines):
            if item.label:
                named.setdefault(item.label, _entry(item))
    return list(named.values()) if len(named) > 1 else []


def _entry(item: Points | Line | Straight) -> Entry:
    colour, dashes, _ = style_of(item.style)
    if isinstance(item, Points):
        return Entry(item.label, mark=marker_of(item.style), look=Look(colour, PAPER, 0.4))
    return Entry(item.label, pen=Pen(colour, 1.3, DASHED if item.dashed else dashes))


def _scales_of(panel: ScatterPanel, name: str) -> tuple[Scale, Scale]:
    """The scales that hold points, their intervals, lines and levels."""
    drawn = [line for line in panel.lines if isinstance(line, Line)]  # a straight line has no ends
    for is_log, values in (
        (panel.log_x, [x for group in panel.points for x in group.x]),
        (panel.log_y, [y for group in panel.points for y in group.y]),
    ):
        if is_log and any(value <= 0 for value in values):
            problem = f"panel {panel.title!r} of figure {name}: a logarithmic axis cannot hold {min(values):g}"
            raise ValueError(f"{problem}; use a linear axis")
    x_ends = [*_ends(panel.points, "x"), *(x for line in drawn for x in line.x)]
    y_ends = [*_ends(panel.points, "y"), *(y for line in drawn for y in (*line.y, *line.low, *line.high))]
    y_ends += [*(level.y for level in panel.levels)]
    across = [x for x in x_ends if not panel.log_x or x > 0]
    upward = [y for y in y_ends if not panel.log_y or y > 0]
    return (
        scale_over(across, 0.06, logarithmic=panel.log_x, falling=panel.falling_x),
        scale_over(upward, 0.09, logarithmic=panel.log_y, falling=panel.falling_y),
    )


def _ends(groups: Sequence[Points], direction: str) -> Iterator[float]:
    for group in groups:
        values, halves = (group.x, group.x_half_width) if direction == "x" else (group.y, group.y_half_width)
        padded = [*halves, *[None] * (len(values) - len(halves))]
        for value, half in zip(values, padded, strict=False):
            yield from (value - (half or 0.0), value + (half or 0.0))


def _draw_scatter(axes: Axes, panel: ScatterPanel, size_in: tuple[float, float]) -> None:
    x_ticks, y_ticks = axes.x_ticks(6, whole=panel.whole_x), axes.y.ticks(6)
    axes.grid_x(x_ticks)
    axes.grid_y(y_ticks)
    axes.x_axis(panel.x_axis + (" (log scale)" if panel.log_x else ""), x_ticks)
    axes.y_axis(wrapped(panel.y_axis + (" (log scale)" if panel.log_y else ""), size_in[1]), y_ticks)
    for line in panel.lines:
        _draw_line(axes, line)
    for group in panel.points:
        _draw_points(axes, group, panel)
    if panel.levels:
        _draw_levels(axes, panel, size_in[1])
    _draw_tags(axes, panel, size_in)


def _draw_points(axes: Axes, group: Points, panel: ScatterPanel) -> None:
    colour, _, _ = style_of(group.style)
    x, y = np.asarray(group.x, dtype=float), np.asarray(group.y, dtype=float)
    look, size_pt = Look(colour, PAPER, 0.5), 4.6
    whiskers = Pen(colour, 0.9)
    axes.whiskers("x", _bounded(x, y, group.x_half_width), whiskers, 2)
    axes.whiskers("y", _bounded(x, y, group.y_half_width), whiskers, 2)
    if len(x) > MANY_POINTS:
        x, y = told_apart(x, y, (panel.log_x, panel.log_y))
        look, size_pt = Look(colour), 2.6
    axes.marks(x, y, marker_of(group.style), size_pt, look)


def _bounded(x: Floats, y: Floats, halves: Sequence[float | None]) -> list[tuple[float, float, float]]:
    return [(float(a), float(b), half) for a, b, half in zip(x, y, halves, strict=False) if half is not None]


def _draw_line(axes: Axes, line: Line | Straight) -> None:
    colour, dashes, _ = style_of(line.style)
    pen = Pen(colour, 1.2, DASHED if line.dashed else dashes)
    if isinstance(line, Line):
        if line.low and line.high:
            axes.band(*_walked(line, line.low), _walked(line, line.high)[1], colour)
        axes.line(*_walked(line, line.y), pen)
        return
    ends = axes.x.low, axes.x.high
    points = np.geomspace(*ends, 100) if axes.x.logarithmic else np.linspace(*ends, 100)
    values = line.intercept + line.slope * points
    above = values > 0 if axes.y.logarithmic else np.isfinite(values)
    axes.line(points[above], values[above], pen, clipped=True)


def _walked(line: Line, heights: Sequence[float]) -> tuple[list[float], list[float]]:
    """The points of a line through some heights: of a stepped one horizontal, then vertical."""
    x, y = list(line.x), list(heights)
    if not line.stepped or not x:
        return x, y
    return (
        [x[0], *(value for after in x[1:] for value in (after, after))],
        [*(value for before in y[:-1] for value in (before, before)), y[-1]],
    )


def _draw_levels(axes: Axes, panel: ScatterPanel, height_in: float) -> None:
    ordered = sorted(panel.levels, key=lambda level: level.y)
    wanted = [axes.y.part(level.y) for level in ordered]
    lines = max(len(lines_of(level.label, LEVEL_LETTERS)) for level in ordered)
    for level, part in zip(ordered, apart(wanted, LABEL_LINE_IN * lines / height_in), strict=True):
        axes.level(level.y, Pen(INK, 0.9, (4, 2) if level.dashed else ()))
        at = (axes.right + 0.02 * axes.width, axes.bottom - part * axes.height)
        axes.text(at, folded(level.label, LEVEL_LETTERS), 7, anchor="start")


def apart(wanted: Sequence[float], gap: float) -> list[float]:
    """Ascending positions with at least `gap` between them, as near to the wanted ones as their mean allows."""
    placed: list[float] = []
    for position in wanted:
        placed.append(max(position, placed[-1] + gap) if placed else position)
    shift = (sum(placed) - sum(wanted)) / len(placed) if placed else 0.0
    return [position - shift for position in placed]


def _draw_tags(axes: Axes, panel: ScatterPanel, size_in: tuple[float, float]) -> None:
    """Text beside points, on the side where it meets neither a point nor another tag, and no error bar if it can; left
    off where there is none."""
    tagged = [group for group in panel.points if group.tags]
    dots = [dot for group in tagged for dot in _parts(axes, group.x, group.y)]
    wide, high = 0.06 / size_in[0], 0.06 / size_in[1]
    taken = [Area(x - wide / 2, y - high / 2, wide, high) for x, y in dots]
    taken += _strokes(axes, panel)
    bars = list(_whisker_areas(axes, tagged))
    tags = [tag for group in tagged for tag in group.tags]
    for dot, tag in zip(dots, tags, strict=True):
        width, height = SMALL_IN * len(tag) / size_in[0], 0.11 / size_in[1]
        around = places(dot, (width, height), (0.06 / size_in[0], 0.05 / size_in[1]))
        free = [area for area in around if area.is_inside() and not any(map(area.meets, taken))]
        for area in sorted(free, key=lambda one: sum(map(one.meets, bars)))[:1]:
            middle = area.bottom + height / 2
            at = (axes.left + area.left * axes.width, axes.bottom - middle * axes.height)
            axes.text(at, tag, 6.5, anchor="start")
            taken.append(area)


def _parts(axes: Axes, x: Sequence[float], y: Sequence[float]) -> list[tuple[float, float]]:
    """Where points lie, in parts of the panel."""
    return list(zip(axes.x.parts(x).tolist(), axes.y.parts(y).tolist(), strict=True))


def _whisker_areas(axes: Axes, groups: Sequence[Points]) -> Iterable[Area]:
    """The error bars of points."""
    for group in groups:
        x, y = np.asarray(group.x, dtype=float), np.asarray(group.y, dtype=float)
        for a, b, half in _bounded(x, y, group.x_half_width):
            (left, level), (right, _) = _parts(axes, [a - half, a + half], [b, b])
            yield Area(min(left, right), level, abs(right - left), 0.0)
        for a, b, half in _bounded(x, y, group.y_half_width):
            (at, low), (_, high) = _parts(axes, [a, a], [b - half, b + half])
            yield Area(at, min(low, high), 0.0, abs(high - low))


def _strokes(axes: Axes, panel: ScatterPanel) -> Iterable[Area]:
    """The level and upright pieces of stepped lines: tags keep off them."""
    for line in panel.lines:
        if not isinstance(line, Line) or not line.stepped or len(line.x) < 2:
            continue
        for (x0, y0), (x1, y1) in pairwise(_parts(axes, line.x, line.y)):
            yield Area(min(x0, x1), y0, abs(x1 - x0), 0.0)
            yield Area(x1, min(y0, y1), 0.0, abs(y1 - y0))
