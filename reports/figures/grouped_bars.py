"""Grouped bars: plain numbers in, one SVG element as text out.

Knows groups side by side, in each one bar of every series. Knows no document and no rounding: labels arrive as text,
values in the unit that is printed beside the axis. A panel without a value is refused: the page leaves such a figure
out.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from reports.figures.axes import Axes
from reports.figures.foot_legend import LETTERS, legend_sheet
from reports.figures.legend import Entry
from reports.figures.palette import INK, SOFT, style_of
from reports.figures.panels import refuse_empty
from reports.figures.scale import Scale
from reports.figures.sheet import (
    LETTER_IN,
    TITLE_IN,
    WIDE_IN,
    Labelled,
    Sheet,
    folded,
    parts_of,
    side_by_side,
    title_lines,
    wrapped,
)
from reports.figures.strokes import Look, Pen

SLOPE_DEGREES, HEIGHT_IN = 35, 1.55
REASON_LETTERS = 30
"""Of a reason upright in a chart; all of it stands in a table."""
SMALL_IN = 0.054
"""Mean width of a letter of the small labels above bars."""


@dataclass(frozen=True, slots=True)
class Series:
    """One bar in every group (None: nothing there), its interval's ends and its text; the last three may be absent.
    `reasons`: why nothing is there, group by group (empty: no run)."""

    label: str
    style: int
    values: Sequence[float | None]
    texts: Sequence[str] = ()
    low: Sequence[float | None] = ()
    high: Sequence[float | None] = ()
    reasons: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class GroupedPanel:
    """Bars of one quantity: groups side by side, in each group one bar of every series."""

    title: str
    axis: str
    groups: Sequence[str]
    series: Sequence[Series]


def grouped(label: Labelled, panels: Sequence[GroupedPanel]) -> str:
    """Vertical bars in groups, each panel a drawing of its own, one legend behind all.

    Raises:
        ValueError: no panel, or a panel without a finite value.
    """
    refuse_empty(label, panels, lambda panel: any(v is not None for s in panel.series for v in s.values))
    entries = list(dict.fromkeys(_entry(series) for panel in panels for series in panel.series if series.label))
    parts = parts_of(label, len(panels) + bool(entries))
    drawn = [_grouped_chart(*both) for both in zip(parts, panels, strict=False)]
    return side_by_side("wide", [*drawn, *([legend_sheet(parts[-1], entries, WIDE_IN)] if entries else [])])


def _grouped_chart(label: Labelled, panel: GroupedPanel) -> str:
    title, width = title_lines(panel.title, WIDE_IN - 0.1), WIDE_IN - 0.9
    head = 0.15 + TITLE_IN * len(title)
    sheet = Sheet(label, head + HEIGHT_IN + 0.2 + _foot(panel, width), WIDE_IN)
    sheet.title(title, 0.05, 0.03)
    groups = Scale(-0.55, len(panel.groups) - 0.45)
    _draw_groups(sheet.axes((0.75, head, width, HEIGHT_IN), groups, _height_of(panel)), panel, width)
    return sheet.svg()


def _entry(series: Series) -> Entry:
    colour, _, hatch = style_of(series.style)
    return Entry(series.label, look=Look(colour), hatch=hatch)


def _foot(panel: GroupedPanel, width_in: float) -> float:
    """Room below the axis for the groups' labels, which stand on a slope where they are longer than their group."""
    longest = min(max(len(name) for name in panel.groups), LETTERS)
    return 0.1 if _fits(panel, width_in) else 0.1 + LETTER_IN * longest * math.sin(math.radians(SLOPE_DEGREES))


def _fits(panel: GroupedPanel, width_in: float) -> bool:
    return max(len(name) for name in panel.groups) * LETTER_IN + 0.08 <= width_in / len(panel.groups)


def _height_of(panel: GroupedPanel) -> Scale:
    """The scale that holds all bars, which stand on 0, and the ends of their intervals, with room for their texts."""
    ends = [end for series in panel.series for end in (*series.values, *series.low, *series.high) if end is not None]
    low, high = min(0.0, *ends), max(0.0, *ends)
    free = (0.24 if any(any(series.texts) for series in panel.series) else 0.1) * (high - low or 1.0)
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
    axes.columns([folded(name, LETTERS) for name in panel.groups],
                 0.0 if _fits(panel, width_in) else SLOPE_DEGREES)  # fmt: skip
    axes.y_axis(wrapped(panel.axis, HEIGHT_IN), ticks)


def _draw_bar(
    axes: Axes, series: Series, group: int, place: tuple[float, float | None], room: tuple[float, float]
) -> None:
    """One bar with its interval and text; `room`: its width in groups, and in inches."""
    (at, value), (bar, room_in), (colour, _, hatch) = place, room, style_of(series.style)
    if value is None:
        x, foot = axes.at(at, 0.0)
        reason = series.reasons[group] if group < len(series.reasons) else ""
        shown = reason[: REASON_LETTERS - 1] + "…" if len(reason) > REASON_LETTERS else reason
        axes.text((x, foot - 3), shown or "no run", 6, anchor="start", colour=SOFT, turn=-90)
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
