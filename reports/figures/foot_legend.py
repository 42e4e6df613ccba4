"""The legend of a figure of several panels, behind them: what their looks are called, in columns.

Knows entries by their names, and the room they take. Knows no kind of figure.
"""

from collections.abc import Sequence
from dataclasses import replace

from reports.figures.legend import Entry, draw_below
from reports.figures.sheet import LABEL_LINE_IN, LETTER_IN, POINTS, Labelled, Sheet, folded, lines_of

ROW_IN, LETTERS = 0.18, 40


def legend_sheet(label: Labelled, entries: Sequence[Entry], width_in: float) -> str:
    """The legend as a drawing of its own; there is an entry at least."""
    longest = max(min(len(entry.name), LETTERS) for entry in entries)
    columns = max(1, min(len(entries), int((width_in - 0.2) / (0.5 + LETTER_IN * longest))))
    lines = max(len(lines_of(entry.name, LETTERS)) for entry in entries)
    row_in = ROW_IN + LABEL_LINE_IN * (lines - 1)
    height_in = 0.12 + row_in * -(-len(entries) // columns)
    sheet = Sheet(label, height_in, width_in)
    drawn = [replace(entry, name=folded(entry.name, LETTERS)) for entry in entries]
    draw_below(sheet, drawn, columns, POINTS * (height_in - 0.03), POINTS * row_in)
    return sheet.svg()
