"""Forest plots: rows of intervals in, one SVG element as text out.

Knows rows of one quantity, a reference line and a band. Knows no document, no test and no rounding: labels arrive as
text, values in the unit that is printed below the axis. A panel without a row is refused: the page leaves such a figure
out.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from reports.figures.axes import Axes
from reports.figures.palette import GRID, INK, PAPER, marker_of, style_of
from reports.figures.panels import refuse_empty
from reports.figures.scale import Scale, scale_over
from reports.figures.sheet import (
    LABEL_LINE_IN,
    LETTER_IN,
    TITLE_IN,
    WIDTH_IN,
    Labelled,
    Sheet,
    folded,
    lines_of,
    title_lines,
)
from reports.figures.strokes import Look, Pen

TEXT_LETTERS, NARROWEST_IN = 40, 2.0
"""Letters of the text at the right; the least width of a plot."""


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


def intervals(label: Labelled, panels: Sequence[IntervalPanel]) -> str:
    """Forest plots, one panel below the other, all with the same margins.

    Raises:
        ValueError: no panel, or a panel without a row.
    """
    refuse_empty(label, panels, lambda panel: panel.stretches)
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
