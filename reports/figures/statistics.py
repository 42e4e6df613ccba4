"""Figures of statistics: plain numbers in, one SVG element as text out.

Knows scatters (regression, Q-Q, Bland-Altman, Pareto), rows of intervals (forest plots) and grouped bars. Knows no
document, no test and no rounding: labels arrive as text, values in the unit that is printed beside the axis. Box plots
are the strips of campaign.py. A panel without anything to draw is refused: the page leaves such a figure out.
"""

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np

from reports.figures.sheet import (
    BASELINE,
    GRID,
    INK,
    LABEL_LINE_IN,
    LETTER_IN,
    PAPER,
    SOFT,
    TITLE_IN,
    WIDTH_IN,
    Floats,
    Labelled,
    Sheet,
    folded,
    lines_of,
    marker_of,
    plain,
    plain_ticks,
    style_of,
    thinned,
    title_lines,
    without_hole,
    wrapped,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes

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
    with Sheet(label, rows * (top + height + 0.53) + 0.05 + below) as sheet:
        for index, (panel, title) in enumerate(zip(panels, titles, strict=True)):
            row, column = divmod(index, columns)
            left = 0.68 if columns < 3 else 0.6
            begin = row * (top + height + 0.53)
            sheet.title(title, column * width + 0.05, begin + 0.05)
            place = (column * width + left, begin + top, width - left - right, height)
            _draw_scatter(sheet.axes(*place), panel, (place[2], height), label.name)
        _draw_legend(sheet, entries)
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
    with Sheet(label, sum(heights) + sum(0.63 + TITLE_IN * len(title) for title in titles) + 0.05) as sheet:
        top = 0.0
        for panel, title, height in zip(panels, titles, heights, strict=True):
            sheet.title(title, 0.05, top + 0.03)
            top += 0.15 + TITLE_IN * len(title)
            _draw_intervals(sheet.axes(left, top, WIDTH_IN - left - right, height), panel, room)
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
    with Sheet(label, sum(feet) + sum(heads) + (height + 0.2) * len(panels) + _legend_height(entries)) as sheet:
        top = 0.0
        for panel, title, head, foot in zip(panels, titles, heads, feet, strict=True):
            sheet.title(title, 0.05, top + 0.03)
            _draw_groups(sheet.axes(left, top + head, width, height), panel, width)
            top += head + height + 0.2 + foot
        _draw_legend(sheet, entries, bars=True)
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


def _draw_legend(sheet: Sheet, entries: Sequence[tuple[str, Any]], *, bars: bool = False) -> None:
    from matplotlib.lines import Line2D
    from matplotlib.patches import Patch

    if not entries:
        return
    handles: list[Any] = []
    for _, item in entries:
        colour, dashes, hatch = style_of(item if bars else item.style)
        if bars:
            handles.append(Patch(facecolor=colour, edgecolor=PAPER, hatch=hatch, linewidth=0))
        elif isinstance(item, Points):
            look: dict[str, Any] = {
                "color": colour,
                "marker": marker_of(item.style),
                "markeredgecolor": PAPER,
                "markersize": 5,
            }
            handles.append(Line2D([], [], linestyle="", markeredgewidth=0.4, **look))
        else:
            handles.append(Line2D([], [], color=colour, linestyle="--" if item.dashed else dashes, linewidth=1.3))
    names = [folded(text, LEGEND_LETTERS) for text, _ in entries]
    place: dict[str, Any] = {"loc": "lower left", "bbox_to_anchor": (0.0, 0.0), "borderaxespad": 0.2}
    size: dict[str, Any] = {"fontsize": 7.5, "handlelength": 2.0, "labelspacing": 0.35, "columnspacing": 1.2}
    sheet.figure.legend(handles, names, ncols=_columns_of(entries), frameon=False, **place, **size)


# --- scatters


def _draw_scatter(axes: "Axes", panel: ScatterPanel, size_in: tuple[float, float], name: str) -> None:
    _scale_axes(axes, panel, name)
    for group in panel.points:
        _draw_points(axes, group, panel)
    for line in panel.lines:
        if isinstance(line, Line):  # a straight line runs over the panel, whatever its size
            axes.update_datalim(list(zip(line.x, line.y, strict=True)))
    axes.margins(x=0.06, y=0.09)
    if panel.levels:
        low, high = axes.get_ylim()
        axes.set_ylim(min(low, *(level.y for level in panel.levels)), max(high, *(level.y for level in panel.levels)))
        axes.margins(y=0.09)
    limits = axes.get_xlim(), axes.get_ylim()
    for line in panel.lines:
        _draw_line(axes, line, limits[0], logarithmic=panel.log_x)
    axes.set_xlim(limits[0])
    axes.set_ylim(limits[1])
    if panel.levels:
        _draw_levels(axes, panel, size_in[1])
    axes.set_xlabel(plain(panel.x_axis) + (" (log scale)" if panel.log_x else ""))
    axes.set_ylabel(wrapped(panel.y_axis + (" (log scale)" if panel.log_y else ""), size_in[1]))
    axes.grid()
    plain_ticks(axes.xaxis, limits[0], logarithmic=panel.log_x)
    plain_ticks(axes.yaxis, limits[1], logarithmic=panel.log_y)
    if panel.falling_x:
        axes.invert_xaxis()
    _draw_tags(axes, panel, size_in)


def _scale_axes(axes: "Axes", panel: ScatterPanel, name: str) -> None:
    for is_log, values, set_scale in (
        (panel.log_x, [x for group in panel.points for x in group.x], axes.set_xscale),
        (panel.log_y, [y for group in panel.points for y in group.y], axes.set_yscale),
    ):
        if is_log and any(value <= 0 for value in values):
            found = f"panel {panel.title!r} of figure {name}: a logarithmic axis cannot hold {min(values):g}"
            raise ValueError(f"{found}; use a linear axis")
        if is_log:
            set_scale("log")


def _draw_points(axes: "Axes", group: Points, panel: ScatterPanel) -> None:
    colour, _, _ = style_of(group.style)
    x, y = np.asarray(group.x, dtype=float), np.asarray(group.y, dtype=float)
    look: dict[str, Any] = {"markersize": 4.6, "markeredgecolor": PAPER, "markeredgewidth": 0.5}
    if len(x) > MANY_POINTS:
        x, y = thinned(x, y, (panel.log_x, panel.log_y))
        look = {"markersize": 2.6, "markeredgewidth": 0.0}
    for values, other, halves, along in ((x, y, group.x_half_width, "xerr"), (y, x, group.y_half_width, "yerr")):
        bounded = [(v, o, h) for v, o, h in zip(values, other, halves, strict=False) if h is not None]
        if bounded:
            own, across, half = zip(*bounded, strict=True)
            pair = (own, across) if along == "xerr" else (across, own)
            bar: dict[str, Any] = {along: half}
            axes.errorbar(*pair, **bar, linestyle="", color=colour, linewidth=0.9, capsize=2)
    axes.plot(x, y, linestyle="", marker=marker_of(group.style), color=colour, **look)


def _draw_line(axes: "Axes", line: Line | Straight, x_limits: tuple[float, float], *, logarithmic: bool) -> None:
    colour, dashes, _ = style_of(line.style)
    look: dict[str, Any] = {"color": colour, "linestyle": "--" if line.dashed else dashes, "linewidth": 1.2}
    if isinstance(line, Line):
        axes.plot(line.x, line.y, drawstyle="steps-post" if line.stepped else "default", **look)
        return
    x = np.geomspace(*x_limits, 100) if logarithmic else np.linspace(*x_limits, 100)
    y = line.intercept + line.slope * x
    if axes.get_yscale() == "log":
        x, y = x[y > 0], y[y > 0]
    axes.plot(x, y, **look)


def _draw_levels(axes: "Axes", panel: ScatterPanel, height_in: float) -> None:
    low, high = axes.transData.inverted().transform(axes.transAxes.transform([(0, 0), (0, 1)]))[:, 1]
    ordered = sorted(panel.levels, key=lambda level: level.y)
    wanted = [_part(level.y, low, high, logarithmic=panel.log_y) for level in ordered]
    lines = max(len(lines_of(level.label, LEVEL_LETTERS)) for level in ordered)
    for level, at in zip(ordered, apart(wanted, LABEL_LINE_IN * lines / height_in), strict=True):
        axes.axhline(level.y, color=INK, linewidth=0.9, linestyle=(0, (4, 2)) if level.dashed else "-")
        axes.text(1.02, at, folded(level.label, LEVEL_LETTERS), transform=axes.transAxes, size=7, va="center")


def _part(value: float, low: float, high: float, *, logarithmic: bool) -> float:
    if logarithmic:
        value, low, high = math.log(value), math.log(low), math.log(high)
    return (value - low) / (high - low)


def apart(wanted: Sequence[float], gap: float) -> list[float]:
    """Ascending positions with at least `gap` between them, as near to the wanted ones as their mean allows."""
    placed: list[float] = []
    for position in wanted:
        placed.append(max(position, placed[-1] + gap) if placed else position)
    shift = (sum(placed) - sum(wanted)) / len(placed) if placed else 0.0
    return [position - shift for position in placed]


def _draw_tags(axes: "Axes", panel: ScatterPanel, size_in: tuple[float, float]) -> None:
    """Text beside points, on the side where it meets neither a point nor another tag; left off where there is none."""
    dots = [
        axes.transAxes.inverted().transform(axes.transData.transform((x, y)))
        for group in panel.points if group.tags for x, y in zip(group.x, group.y, strict=True)
    ]  # fmt: skip
    wide, high = 0.06 / size_in[0], 0.06 / size_in[1]
    taken = [_Area(dot[0] - wide / 2, dot[1] - high / 2, wide, high) for dot in dots]
    taken += _strokes(axes, panel)
    tags = [tag for group in panel.points for tag in group.tags]
    for dot, tag in zip(dots, tags, strict=True):
        width, height = SMALL_IN * len(tag) / size_in[0], 0.11 / size_in[1]
        for area in _places(dot, (width, height), (0.06 / size_in[0], 0.05 / size_in[1])):
            if area.is_inside() and not any(area.meets(other) for other in taken):
                axes.text(area.left, area.bottom + height / 2, plain(tag), transform=axes.transAxes, size=6.5,
                          va="center")  # fmt: skip
                taken.append(area)
                break


def _strokes(axes: "Axes", panel: ScatterPanel) -> Iterable["_Area"]:
    """The level and upright pieces of stepped lines: tags keep off them."""
    to_panel = axes.transData + axes.transAxes.inverted()
    for line in panel.lines:
        if not isinstance(line, Line) or not line.stepped or len(line.x) < 2:
            continue
        corners = [(x, y) for (_, y), (x, _) in pairwise(zip(line.x, line.y, strict=True))]
        ends = to_panel.transform([*zip(line.x, line.y, strict=True)])
        for (x0, y0), (x1, y1), (x, y) in zip(ends[:-1], ends[1:], to_panel.transform(corners), strict=True):
            yield _Area(min(x0, x), y0, abs(x - x0), 0.0)
            yield _Area(x1, min(y, y1), 0.0, abs(y1 - y))


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


def _places(dot: Floats, size: tuple[float, float], away: tuple[float, float]) -> Iterable[_Area]:
    (x, y), (width, height), (dx, dy) = dot, size, away
    for left, bottom in (
        (x + dx, y - height / 2), (x - dx - width, y - height / 2), (x - width / 2, y + dy),
        (x - width / 2, y - dy - height), (x + dx / 2, y + dy), (x + dx / 2, y - dy - height),
        (x - dx / 2 - width, y + dy), (x - dx / 2 - width, y - dy - height),
    ):  # fmt: skip
        yield _Area(left, bottom, width, height)


# --- forest plots


def _draw_intervals(axes: "Axes", panel: IntervalPanel, letters: int) -> None:
    if panel.log:
        axes.set_xscale("log")
    positions = range(len(panel.stretches))[::-1]
    if panel.band is not None:
        axes.axvspan(*panel.band, facecolor=GRID, linewidth=0)
    for position, row in zip(positions, panel.stretches, strict=True):
        colour, _, _ = style_of(row.style)
        if row.low is not None and row.high is not None:
            axes.plot([row.low, row.high], [position, position], color=colour, linewidth=1.5)
            axes.plot([row.low, row.high], [position, position], linestyle="", marker="|", color=colour, markersize=5)
        look: dict[str, Any] = {"color": colour, "markerfacecolor": PAPER if row.hollow else colour}
        axes.plot([row.value], [position], marker=marker_of(row.style), markersize=4.8, **look)
        beside = axes.get_yaxis_transform()
        axes.text(1.015, position, folded(row.text, TEXT_LETTERS), transform=beside, size=7, va="center")
    axes.margins(x=0.06)
    if panel.reference is not None:
        axes.axvline(panel.reference, color=INK, linewidth=0.8)
    axes.set_ylim(-0.6, len(panel.stretches) - 0.4)
    axes.set_yticks(list(positions), [folded(row.label, letters) for row in panel.stretches])
    axes.tick_params(axis="y", length=0)
    axes.set_xlabel(plain(panel.axis) + (" (log scale)" if panel.log else ""))
    axes.grid(axis="x")
    plain_ticks(axes.xaxis, axes.get_xlim(), logarithmic=panel.log)


# --- grouped bars


def _foot(panel: GroupedPanel, width_in: float) -> float:
    """Room below the axis for the groups' labels, which stand on a slope where they are longer than their group."""
    longest = min(max(len(name) for name in panel.groups), LEGEND_LETTERS)
    return 0.1 if _fits(panel, width_in) else 0.1 + LETTER_IN * longest * math.sin(math.radians(SLOPE_DEGREES))


def _fits(panel: GroupedPanel, width_in: float) -> bool:
    return max(len(name) for name in panel.groups) * LETTER_IN + 0.08 <= width_in / len(panel.groups)


def _draw_groups(axes: "Axes", panel: GroupedPanel, width_in: float) -> None:
    bar = 0.82 / len(panel.series)
    room_in = bar * width_in / len(panel.groups)
    for index, series in enumerate(panel.series):
        colour, _, hatch = style_of(series.style)
        offset = (index - (len(panel.series) - 1) / 2) * bar
        ends = [*series.high, *[None] * (len(series.values) - len(series.high))]
        for group, (value, end) in enumerate(zip(series.values, ends, strict=True)):
            at = group + offset
            if value is None:
                axes.annotate("no run", (at, 0), (0, 3), textcoords="offset points", size=6, ha="center", va="bottom",
                              rotation=90, color=SOFT)  # fmt: skip
                continue
            axes.bar(at, value, 0.92 * bar, facecolor=colour, edgecolor=PAPER, hatch=hatch, linewidth=0)
            _draw_end(axes, series, group, at)
            if group < len(series.texts) and (text := series.texts[group]):
                turned = 90 if SMALL_IN * len(text) > room_in else 0
                axes.annotate(plain(text), (at, max(value, end or value, 0.0)), (0, 2), textcoords="offset points",
                              size=6.5, ha="center", va="bottom", rotation=turned)  # fmt: skip
    axes.margins(y=0.24 if any(series.texts for series in panel.series) else 0.1)
    axes.axhline(0, color=SOFT, linewidth=0.6)
    axes.set_xlim(-0.55, len(panel.groups) - 0.45)
    slope: dict[str, Any] = (
        {} if _fits(panel, width_in) else {"rotation": SLOPE_DEGREES, "ha": "right", "rotation_mode": "anchor"}
    )
    axes.set_xticks(range(len(panel.groups)), [folded(name, LEGEND_LETTERS) for name in panel.groups], **slope)
    axes.tick_params(axis="x", length=0)
    axes.set_ylabel(wrapped(panel.axis, GROUPED_HEIGHT_IN))
    axes.grid(axis="y")
    plain_ticks(axes.yaxis, axes.get_ylim(), logarithmic=False)


def _draw_end(axes: "Axes", series: Series, group: int, at: float) -> None:
    low = series.low[group] if group < len(series.low) else None
    high = series.high[group] if group < len(series.high) else None
    if low is not None and high is not None:
        axes.plot([at, at], [low, high], color=INK, linewidth=1.0, marker="_", markersize=4)
