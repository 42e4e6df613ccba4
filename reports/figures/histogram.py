"""Histograms: edges and counts in, one SVG element as text out.

Knows classes of one quantity, and a limit. Knows no document and no rounding: labels arrive as text, values in the unit
that is printed below the axis. A panel without a class is refused: the page leaves such a figure out.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from reports.figures.palette import INK, PAPER, style_of
from reports.figures.panels import refuse_empty
from reports.figures.scale import Scale, scale_over
from reports.figures.sheet import TITLE_IN, WIDE_IN, Labelled, Sheet, parts_of, side_by_side, title_lines, wrapped
from reports.figures.strokes import Look, Pen

HEIGHT_IN = 1.7


@dataclass(frozen=True, slots=True)
class HistogramPanel:
    """Counts of classes, each between two edges; `limit`: an upright line, and what it is called."""

    title: str
    x_axis: str
    y_axis: str
    edges: Sequence[float]
    counts: Sequence[int]
    limit: float | None = None
    limit_text: str = ""


def histograms(label: Labelled, panels: Sequence[HistogramPanel]) -> str:
    """Histograms, each panel a drawing of its own.

    Raises:
        ValueError: no panel, or a panel without a class.
    """
    refuse_empty(label, panels, lambda panel: panel.counts)
    parts = parts_of(label, len(panels))
    return side_by_side("wide", (_histogram(*both) for both in zip(parts, panels, strict=True)))


def _histogram(label: Labelled, panel: HistogramPanel) -> str:
    title = title_lines(panel.title, WIDE_IN - 0.1)
    top = 0.3 + TITLE_IN * len(title)
    sheet = Sheet(label, top + HEIGHT_IN + 0.53, WIDE_IN)
    sheet.title(title, 0.05, 0.03)
    ends = [*panel.edges, *([] if panel.limit is None else [panel.limit])]
    counts = Scale(0.0, 1.08 * max(1, *panel.counts))
    axes = sheet.axes((0.68, top, WIDE_IN - 0.83, HEIGHT_IN), scale_over(ends, 0.03), counts)
    ticks = axes.y.ticks(5, whole=True)
    axes.grid_y(ticks)
    for low, high, count in zip(panel.edges, panel.edges[1:], panel.counts, strict=False):
        if count:
            axes.box((low, high), (0.0, float(count)), Look(style_of(0)[0], PAPER, 0.5))
    if panel.limit is not None:
        axes.upright(panel.limit, Pen(INK, 0.9, (4, 2)))
        at = float(axes.xs(panel.limit))
        anchor = "start" if at < axes.left + axes.width / 2 else "end"
        axes.text((at, axes.top - 3), panel.limit_text, 7, anchor=anchor, align="bottom")
    axes.x_axis(panel.x_axis, axes.x_ticks(8))
    axes.y_axis(wrapped(panel.y_axis, HEIGHT_IN), ticks)
    return sheet.svg()
