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
    WIDE_IN,
    Labelled,
    Sheet,
    folded,
    lines_of,
    parts_of,
    side_by_side,
    title_lines,
)
from reports.figures.strokes import Look, Pen

TEXT_LETTERS, SIDE_IN, LINE_ROOM_IN = 40, 0.2, 0.17
"""Letters of a line of a row's text; room at both sides; height of a row below its label."""


@dataclass(frozen=True, slots=True)
class Stretch:
    """One row of a forest plot: a value, its interval (None: no interval), text. `hollow`: not shown."""

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
    """Forest plots, each panel a drawing of its own: a row's label and text stand above its interval.

    Raises:
        ValueError: no panel, or a panel without a row.
    """
    refuse_empty(label, panels, lambda panel: panel.stretches)
    parts = parts_of(label, len(panels))
    return side_by_side("wide", (_interval_chart(*both) for both in zip(parts, panels, strict=True)))


def _interval_chart(label: Labelled, panel: IntervalPanel) -> str:
    title = title_lines(panel.title, WIDE_IN - 0.1)
    texts = [lines_of(row.text, TEXT_LETTERS) for row in panel.stretches]
    room = int((WIDE_IN - 2 * SIDE_IN) / LETTER_IN) - 2 - max(len(line) for lines in texts for line in lines)
    most = max(map(len, [*texts, *(lines_of(row.label, room) for row in panel.stretches)]))
    row_in = LINE_ROOM_IN + LABEL_LINE_IN * most
    top, height = 0.15 + TITLE_IN * len(title), row_in * len(panel.stretches)
    sheet = Sheet(label, top + height + 0.5, WIDE_IN)
    sheet.title(title, 0.05, 0.03)
    place = (SIDE_IN, top, WIDE_IN - 2 * SIDE_IN, height)
    axes = sheet.axes(place, _reach_of(panel), Scale(0.0, float(len(panel.stretches))))
    _draw_intervals(axes, panel, room, LINE_ROOM_IN / 2 / row_in)
    return sheet.svg()


def _reach_of(panel: IntervalPanel) -> Scale:
    """The scale that holds all rows, the band and the reference."""
    rows = [end for row in panel.stretches for end in (row.value, row.low, row.high)]
    ends = [*rows, *(panel.band or ()), panel.reference]
    values = [value for value in ends if value is not None and (not panel.log or value > 0)]
    return scale_over(values, 0.06, logarithmic=panel.log)


def _draw_intervals(axes: Axes, panel: IntervalPanel, letters: int, middle: float) -> None:
    """`middle`: where a row's interval lies in it, from its foot, in parts of its height. What stands behind the
    intervals stands in their lanes alone, not behind the texts above them."""
    ticks = axes.x_ticks(6)
    for foot in range(len(panel.stretches)):
        lane = (float(foot), foot + 2 * middle)
        if panel.band is not None:
            axes.box(panel.band, lane, Look(GRID))
        for tick in ticks:
            axes.line([tick, tick], lane, Pen(GRID, 0.5))
        if panel.reference is not None:
            axes.line([panel.reference] * 2, lane, Pen(INK, 0.8))
    for foot, row in zip(range(len(panel.stretches))[::-1], panel.stretches, strict=True):
        colour, _, _ = style_of(row.style)
        place = foot + middle
        if row.low is not None and row.high is not None:
            axes.line([row.low, row.high], [place, place], Pen(colour, 1.5))
            axes.marks([row.low, row.high], [place, place], "|", 5, Look("none", colour, 1.0))
        look = Look(PAPER if row.hollow else colour, colour, 1.0)
        axes.marks([row.value], [place], marker_of(row.style), 4.8, look)
        head = float(axes.ys(foot + 1.0)) + 1.5
        axes.text((axes.left, head), folded(row.label, letters), 8, anchor="start", align="top")
        axes.text((axes.right, head), folded(row.text, TEXT_LETTERS), 7, anchor="end", align="top")
    axes.x_axis(panel.axis + (" (log scale)" if panel.log else ""), ticks)
