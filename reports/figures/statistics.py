"""Figures of statistics: plain numbers in, one SVG element as text out.

Knows scatters (regression, Q-Q, Bland-Altman, Pareto), rows of intervals (forest plots) and grouped bars. Knows no
document, no test and no rounding: labels arrive as text, values in the unit that is printed beside the axis. Box plots
are the strips of campaign.py. A panel without anything to draw is refused: the page leaves such a figure out.
"""

import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np

from reports.figures.axes import Axes
from reports.figures.legend import Entry, draw_below
from reports.figures.palette import (
    BASELINE,
    DASHED,
    GRID,
    INK,
    PAPER,
    SOFT,
    marker_of,
    style_of,
)
from reports.figures.scale import Floats, Scale, scale_over
from reports.figures.sheet import (
    LABEL_LINE_IN,
    LETTER_IN,
    POINTS,
    TITLE_IN,
    WIDTH_IN,
    Labelled,
    Sheet,
    folded,
    lines_of,
    title_lines,
    told_apart,
    without_hole,
    wrapped,
)
from reports.figures.strokes import Look, Pen

LEGEND_ROW_IN, LEGEND_LETTERS = 0.18, 40
TEXT_LETTERS, LEVEL_LETTERS, NARROWEST_IN = 40, 24, 2.0
"""Letters of the text at the right of a forest plot and of a level's label; the least width of a forest plot."""
MANY_POINTS = 150
"""Groups with more points are drawn with small markers without rim."""
SLOPE_DEGREES, GROUPED_HEIGHT_IN = 35, 1.55
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
    """A line through points; `stepped`: horizontal, then vertical (a Pareto front)."""

    label: str
    x: Sequence[float]
    y: Sequence[float]
    style: int = BASELINE
    dashed: bool = False
    stepped: bool = False


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
    """Points, lines, levels over two axes, which name quantity and unit; `falling_x`: runs from right to left."""

    title: str
    x_axis: str
    y_axis: str
    points: Sequence[Points]
    lines: Sequence[Line | Straight] = ()
    levels: Sequence[Level] = ()
    log_x: bool = False
    log_y: bool = False
    falling_x: bool = False


@dataclass(frozen=True, slots=True)
class Stretch:
    """One row of a forest plot: a value, its interval (None: no interval), text at its right. `hollow`: not shown."""

    label: str
    style: int
    value: float
    low: float | None
    high: float | None
    text: str = ""
    hollow: bool = False


@dataclass(frozen=True, slots=True)
class IntervalPanel:
    """Rows of one quantity, a reference line, a band (a margin of equivalence)."""

    title: str
    axis: str
    stretches: Sequence[Stretch]
    reference: float | None = None
    band: tuple[float, float] | None = None
    log: bool = False


@dataclass(frozen=True, slots=True)
class Series:
    """One bar in every group (None: nothing there), its interval's ends and its text; the last three may be absent."""

    label: str
    style: int
    values: Sequence[float | None]
    texts: Sequence[str] = ()
    low: Sequence[float | None] = ()
    high: Sequence[float | None] = ()


@dataclass(frozen=True, slots=True)
class GroupedPanel:
    """Bars of one quantity: groups side by side, in each group one bar of every series."""

    title: str
    axis: str
    groups: Sequence[str]
    series: Sequence[Series]


def scatters(label: Labelled, panels: Sequence[ScatterPanel], columns: int = 2) -> str:
    """Points, regression lines, levels: `columns` panels side by side, one legend below.

    Raises:
        ValueError: no panel, a panel without a finite point, or a value that a logarithmic axis cannot hold.
    """
    _refuse_empty(label, panels, lambda panel: _finite(panel.points))
    columns = without_hole(len(panels), columns)
    rows, width = -(-len(panels) // columns), WIDTH_IN / columns
    height = {1: 2.7, 2: 2.05}.get(columns, 1.45)
    titles = [title_lines(panel.title, width - 0.1) for panel in panels]
    top = 0.17 + TITLE_IN * max(len(title) for title in titles)
    entries = _entries(panels)
    below = _legend_height(entries) - (0.2 if entries else 0.0)
    letters = min(LEVEL_LETTERS, max((len(level.label) for panel in panels for level in panel.levels), default=0))
    right = 0.12 + SMALL_IN * letters if letters else 0.15
    whole = rows * (top + height + 0.53) + 0.05 + below
    sheet, left = Sheet(label, whole), 0.68 if columns < 3 else 0.6
    for index, (panel, title) in enumerate(zip(panels, titles, strict=True)):
        row, column = divmod(index, columns)
        begin = row * (top + height + 0.53)
        sheet.title(title, column * width + 0.05, begin + 0.05)
        place = (column * width + left, begin + top, width - left - right, height)
        _draw_scatter(sheet.axes(place, *_scales_of(panel, label.name)), panel, (place[2], height))
    _draw_legend(sheet, whole, entries)
    return sheet.svg()


def intervals(label: Labelled, panels: Sequence[IntervalPanel]) -> str:
    """Forest plots, one panel below the other, all with the same margins.

    Raises:
        ValueError: no panel, or a panel without a row.
    """
    _refuse_empty(label, panels, lambda panel: panel.stretches)
    named = [stretch for panel in panels for stretch in panel.stretches]
    right = 0.15 + 0.06 * max(min(len(stretch.text), TEXT_LETTERS) for stretch in named)
    room = int((WIDTH_IN - NARROWEST_IN - right - 0.15) / LETTER_IN)
    left = 0.15 + LETTER_IN * max(min(len(stretch.label), room) for stretch in named)
    lines = max(len(part) for row in named for part in (lines_of(row.label, room), lines_of(row.text, TEXT_LETTERS)))
    heights = [max(0.2, LABEL_LINE_IN * lines + 0.04) * len(panel.stretches) + 0.12 for panel in panels]
    titles = [title_lines(panel.title, WIDTH_IN - 0.1) for panel in panels]
    sheet = Sheet(label, sum(heights) + sum(0.63 + TITLE_IN * len(title) for title in titles) + 0.05)
    top = 0.0
    for panel, title, height in zip(panels, titles, heights, strict=True):
        sheet.title(title, 0.05, top + 0.03)
        top += 0.15 + TITLE_IN * len(title)
        rows = Scale(-0.6, len(panel.stretches) - 0.4)
        place = (left, top, WIDTH_IN - left - right, height)
        _draw_intervals(sheet.axes(place, _reach_of(panel), rows), panel, room)
        top += height + 0.48
    return sheet.svg()


def grouped(label: Labelled, panels: Sequence[GroupedPanel]) -> str:
    """Vertical bars in groups, one panel below the other, one legend below all.

    Raises:
        ValueError: no panel, or a panel without a finite value.
    """
    _refuse_empty(label, panels, lambda panel: any(v is not None for s in panel.series for v in s.values))
    width, left, height = WIDTH_IN - 0.9, 0.75, GROUPED_HEIGHT_IN
    feet = [_foot(panel, width) for panel in panels]
    entries = list(dict.fromkeys((s.label, s.style) for panel in panels for s in panel.series if s.label))
    titles = [title_lines(panel.title, WIDTH_IN - 0.1) for panel in panels]
    heads = [0.15 + TITLE_IN * len(title) for title in titles]
    whole = sum(feet) + sum(heads) + (height + 0.2) * len(panels) + _legend_height(entries)
    sheet, top = Sheet(label, whole), 0.0
    for panel, title, head, foot in zip(panels, titles, heads, feet, strict=True):
        sheet.title(title, 0.05, top + 0.03)
        groups = Scale(-0.55, len(panel.groups) - 0.45)
        _draw_groups(sheet.axes((left, top + head, width, height), groups, _height_of(panel)), panel, width)
        top += head + height + 0.2 + foot
    _draw_legend(sheet, whole, entries, bars=True)
    return sheet.svg()


def _refuse_empty(label: Labelled, panels: Sequence[Any], has_content: Callable[[Any], object]) -> None:
    if not panels:
        raise ValueError(f"figure {label.name} has no panel: leave the figure out")
    for panel in panels:
        if not has_content(panel):
            raise ValueError(f"panel {panel.title!r} of figure {label.name} has nothing to draw: leave it out")


def _finite(groups: Sequence[Points]) -> bool:
    return any(math.isfinite(x) and math.isfinite(y) for group in groups for x, y in zip(group.x, group.y, strict=True))


# --- legends


def _entries(panels: Sequence[ScatterPanel]) -> list[tuple[str, Any]]:
    """What the legend names: groups and lines with a label, once each; nothing where there is a single name."""
    named: dict[str, Any] = {}
    for panel in panels:
        for item in (*panel.points, *panel.lines):
            if item.label:
                named.setdefault(item.label, item)
    return list(named.items()) if len(named) > 1 else []


def _columns_of(entries: Sequence[tuple[str, Any]]) -> int:
    longest = max(min(len(text), LEGEND_LETTERS) for text, _ in entries)
    return max(1, min(len(entries), int((WIDTH_IN - 0.2) / (0.5 + LETTER_IN * longest))))


def _legend_height(entries: Sequence[tuple[str, Any]]) -> float:
    if not entries:
        return 0.0
    lines = max(len(lines_of(text, LEGEND_LETTERS)) for text, _ in entries)
    return 0.12 + (LEGEND_ROW_IN + LABEL_LINE_IN * (lines - 1)) * -(-len(entries) // _columns_of(entries))


def _draw_legend(sheet: Sheet, height_in: float, entries: Sequence[tuple[str, Any]], *, bars: bool = False) -> None:
    if not entries:
        return
    columns = _columns_of(entries)
    row_in = (_legend_height(entries) - 0.12) / -(-len(entries) // columns)
    drawn = [_entry(folded(text, LEGEND_LETTERS), item, bars=bars) for text, item in entries]
    draw_below(sheet, drawn, columns, POINTS * (height_in - 0.03), POINTS * row_in)


def _entry(name: str, item: Any, *, bars: bool) -> Entry:  # noqa: ANN401  points, a line, or a style
    colour, dashes, hatch = style_of(item if bars else item.style)
    if bars:
        return Entry(name, look=Look(colour), hatch=hatch)
    if isinstance(item, Points):
        return Entry(name, mark=marker_of(item.style), look=Look(colour, PAPER, 0.4))
    return Entry(name, pen=Pen(colour, 1.3, DASHED if item.dashed else dashes))


# --- scatters


def _scales_of(panel: ScatterPanel, name: str) -> tuple[Scale, Scale]:
    """The scales that hold points, their intervals, lines and levels."""
    drawn = [line for line in panel.lines if isinstance(line, Line)]  # a straight line has no ends
    for is_log, values in (
        (panel.log_x, [x for group in panel.points for x in group.x]),
        (panel.log_y, [y for group in panel.points for y in group.y]),
    ):
        if is_log and any(value <= 0 for value in values):
            found = f"panel {panel.title!r} of figure {name}: a logarithmic axis cannot hold {min(values):g}"
            raise ValueError(f"{found}; use a linear axis")
    x_ends = [*_ends(panel.points, "x"), *(x for line in drawn for x in line.x)]
    y_ends = [*_ends(panel.points, "y"), *(y for line in drawn for y in line.y), *(level.y for level in panel.levels)]
    across = [x for x in x_ends if not panel.log_x or x > 0]
    upward = [y for y in y_ends if not panel.log_y or y > 0]
    return (
        scale_over(across, 0.06, logarithmic=panel.log_x, falling=panel.falling_x),
        scale_over(upward, 0.09, logarithmic=panel.log_y),
    )


def _ends(groups: Sequence[Points], direction: str) -> Iterator[float]:
    for group in groups:
        values, halves = (group.x, group.x_half_width) if direction == "x" else (group.y, group.y_half_width)
        padded = [*halves, *[None] * (len(values) - len(halves))]
        for value, half in zip(values, padded, strict=False):
            yield from (value - (half or 0.0), value + (half or 0.0))


def _draw_scatter(axes: Axes, panel: ScatterPanel, size_in: tuple[float, float]) -> None:
    x_ticks, y_ticks = axes.x_ticks(6), axes.y.ticks(6)
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
        x, y = list(line.x), list(line.y)
        if line.stepped:  # horizontal, then vertical
            x = [x[0], *(value for after in x[1:] for value in (after, after))] if x else x
            y = [*(value for before in y[:-1] for value in (before, before)), y[-1]] if y else y
        axes.line(x, y, pen)
        return
    ends = axes.x.low, axes.x.high
    points = np.geomspace(*ends, 100) if axes.x.logarithmic else np.linspace(*ends, 100)
    values = line.intercept + line.slope * points
    above = values > 0 if axes.y.logarithmic else np.isfinite(values)
    axes.line(points[above], values[above], pen, clipped=True)


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
    """Text beside points, on the side where it meets neither a point nor another tag; left off where there is none."""
    tagged = [group for group in panel.points if group.tags]
    dots = [dot for group in tagged for dot in _parts(axes, group.x, group.y)]
    wide, high = 0.06 / size_in[0], 0.06 / size_in[1]
    taken = [_Area(x - wide / 2, y - high / 2, wide, high) for x, y in dots]
    taken += _strokes(axes, panel)
    tags = [tag for group in tagged for tag in group.tags]
    for dot, tag in zip(dots, tags, strict=True):
        width, height = SMALL_IN * len(tag) / size_in[0], 0.11 / size_in[1]
        for area in _places(dot, (width, height), (0.06 / size_in[0], 0.05 / size_in[1])):
            if area.is_inside() and not any(area.meets(other) for other in taken):
                middle = area.bottom + height / 2
                at = (axes.left + area.left * axes.width, axes.bottom - middle * axes.height)
                axes.text(at, tag, 6.5, anchor="start")
                taken.append(area)
                break


def _parts(axes: Axes, x: Sequence[float], y: Sequence[float]) -> list[tuple[float, float]]:
    """Where points lie, in parts of the panel."""
    return list(zip(axes.x.parts(x).tolist(), axes.y.parts(y).tolist(), strict=True))


def _strokes(axes: Axes, panel: ScatterPanel) -> Iterable["_Area"]:
    """The level and upright pieces of stepped lines: tags keep off them."""
    for line in panel.lines:
        if not isinstance(line, Line) or not line.stepped or len(line.x) < 2:
            continue
        for (x0, y0), (x1, y1) in pairwise(_parts(axes, line.x, line.y)):
            yield _Area(min(x0, x1), y0, abs(x1 - x0), 0.0)
            yield _Area(x1, min(y0, y1), 0.0, abs(y1 - y0))


@dataclass(frozen=True, slots=True)
class _Area:
    """A rectangle in parts of the panel."""

    left: float
    bottom: float
    width: float
    height: float

    def meets(self, other: "_Area") -> bool:
        apart_x = self.left >= other.left + other.width or other.left >= self.left + self.width
        return not (apart_x or self.bottom >= other.bottom + other.height or other.bottom >= self.bottom + self.height)

    def is_inside(self) -> bool:
        return self.left >= 0 and self.bottom >= 0 and self.left + self.width <= 1.02 and self.bottom + self.height <= 1


def _places(dot: tuple[float, float], size: tuple[float, float], away: tuple[float, float]) -> Iterable[_Area]:
    (x, y), (width, height), (dx, dy) = dot, size, away
    for left, bottom in (
        (x + dx, y - height / 2), (x - dx - width, y - height / 2), (x - width / 2, y + dy),
        (x - width / 2, y - dy - height), (x + dx / 2, y + dy), (x + dx / 2, y - dy - height),
        (x - dx / 2 - width, y + dy), (x - dx / 2 - width, y - dy - height),
    ):  # fmt: skip
        yield _Area(left, bottom, width, height)


# --- forest plots


def _reach_of(panel: IntervalPanel) -> Scale:
    """The scale that holds all rows, the band and the reference."""
    rows = [end for row in panel.stretches for end in (row.value, row.low, row.high)]
    ends = [*rows, *(panel.band or ()), panel.reference]
    values = [value for value in ends if value is not None and (not panel.log or value > 0)]
    return scale_over(values, 0.06, logarithmic=panel.log)


def _draw_intervals(axes: Axes, panel: IntervalPanel, letters: int) -> None:
    places = range(len(panel.stretches))[::-1]
    ticks = axes.x_ticks(6)
    if panel.band is not None:
        axes.box(panel.band, (axes.y.low, axes.y.high), Look(GRID))
    axes.grid_x(ticks)
    if panel.reference is not None:
        axes.upright(panel.reference, Pen(INK, 0.8))
    for place, row in zip(places, panel.stretches, strict=True):
        colour, _, _ = style_of(row.style)
        if row.low is not None and row.high is not None:
            axes.line([row.low, row.high], [place, place], Pen(colour, 1.5))
            axes.marks([row.low, row.high], [place, place], "|", 5, Look("none", colour, 1.0))
        look = Look(PAPER if row.hollow else colour, colour, 1.0)
        axes.marks([row.value], [place], marker_of(row.style), 4.8, look)
        at = (axes.right + 0.015 * axes.width, axes.at(row.value, place)[1])
        axes.text(at, folded(row.text, TEXT_LETTERS), 7, anchor="start")
    axes.x_axis(panel.axis + (" (log scale)" if panel.log else ""), ticks)
    axes.rows([(place, folded(row.label, letters)) for place, row in zip(places, panel.stretches, strict=True)])


# --- grouped bars


def _foot(panel: GroupedPanel, width_in: float) -> float:
    """Room below the axis for the groups' labels, which stand on a slope where they are longer than their group."""
    longest = min(max(len(name) for name in panel.groups), LEGEND_LETTERS)
    return 0.1 if _fits(panel, width_in) else 0.1 + LETTER_IN * longest * math.sin(math.radians(SLOPE_DEGREES))


def _fits(panel: GroupedPanel, width_in: float) -> bool:
    return max(len(name) for name in panel.groups) * LETTER_IN + 0.08 <= width_in / len(panel.groups)


def _height_of(panel: GroupedPanel) -> Scale:
    """The scale that holds all bars, which stand on 0, and the ends of their intervals, with room for their texts."""
    ends = [end for one in panel.series for end in (*one.values, *one.low, *one.high) if end is not None]
    low, high = min(0.0, *ends), max(0.0, *ends)
    free = (0.24 if any(any(one.texts) for one in panel.series) else 0.1) * (high - low or 1.0)
    return Scale(low - free if low < 0 else 0.0, high + free if high > 0 or low == 0 else 0.0)


def _draw_groups(axes: Axes, panel: GroupedPanel, width_in: float) -> None:
    bar = 0.82 / len(panel.series)
    room_in = bar * width_in / len(panel.groups)
    ticks = axes.y.ticks(6)
    axes.grid_y(ticks)
    for index, series in enumerate(panel.series):
        offset = (index - (len(panel.series) - 1) / 2) * bar
        for group, value in enumerate(series.values):
            _draw_bar(axes, series, group, (group + offset, value), (bar, room_in))
    axes.level(0.0, Pen(SOFT, 0.6))
    axes.columns([folded(name, LEGEND_LETTERS) for name in panel.groups],
                 0.0 if _fits(panel, width_in) else SLOPE_DEGREES)  # fmt: skip
    axes.y_axis(wrapped(panel.axis, GROUPED_HEIGHT_IN), ticks)


def _draw_bar(
    axes: Axes, series: Series, group: int, place: tuple[float, float | None], room: tuple[float, float]
) -> None:
    """One bar with its interval and text; `room`: its width in groups, and in inches."""
    (at, value), (bar, room_in), (colour, _, hatch) = place, room, style_of(series.style)
    if value is None:
        x, foot = axes.at(at, 0.0)
        axes.text((x, foot - 3), "no run", 6, anchor="start", colour=SOFT, turn=-90)
        return
    axes.box((at - 0.46 * bar, at + 0.46 * bar), (0.0, value), Look(colour), hatch)
    low, high = _end(series.low, group), _end(series.high, group)
    if low is not None and high is not None:
        axes.whiskers("y", [(at, (low + high) / 2, (high - low) / 2)], Pen(INK, 1.0), 2)
    if group < len(series.texts) and (text := series.texts[group]):
        x, top = axes.at(at, max(value, high or value, 0.0))
        if SMALL_IN * len(text) > room_in:
            axes.text((x, top - 2), text, 6.5, anchor="start", turn=-90)
        else:
            axes.text((x, top - 2), text, 6.5, align="bottom")


def _end(ends: Sequence[float | None], group: int) -> float | None:
    return ends[group] if group < len(ends) else None
