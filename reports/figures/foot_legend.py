"""The legend at the foot of a sheet: what the looks of its panels are called, in columns.

Knows entries by their names, and the room they take. Knows no kind of figure.
"""

from collections.abc import Sequence
from dataclasses import replace

from reports.figures.legend import Entry, draw_below
from reports.figures.sheet import LABEL_LINE_IN, LETTER_IN, POINTS, WIDTH_IN, Sheet, folded, lines_of

ROW_IN, LETTERS = 0.18, 40


def legend_height(entries: Sequence[Entry]) -> float:
    """The room that a legend takes, in inches."""
    if not entries:
        return 0.0
    lines = max(len(lines_of(entry.name, LETTERS)) for entry in entries)
    return 0.12 + (ROW_IN + LABEL_LINE_IN * (lines - 1)) * -(-len(entries) // _columns_of(entries))


def draw_legend(sheet: Sheet, height_in: float, entries: Sequence[Entry]) -> None:
    """The legend, at the foot of a sheet of that height."""
    if not entries:
        return
    columns = _columns_of(entries)
    row_in = (legend_height(entries) - 0.12) / -(-len(entries) // columns)
    drawn = [replace(entry, name=folded(entry.name, LETTERS)) for entry in entries]
    draw_below(sheet, drawn, columns, POINTS * (height_in - 0.03), POINTS * row_in)


def _columns_of(entries: Sequence[Entry]) -> int:
    longest = max(min(len(entry.name), LETTERS) for entry in entries)
    return max(1, min(len(entries), int((WIDTH_IN - 0.2) / (0.5 + LETTER_IN * longest))))
