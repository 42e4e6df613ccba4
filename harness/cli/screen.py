"""What stands on a terminal of any width: tables, sentences.

Knows: columns of characters. A number or a fingerprint is never cut or broken; names and sentences fold. Does not know:
what any of it means.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from rich.box import SIMPLE_HEAD
from rich.cells import cell_len
from rich.console import Console, ConsoleOptions, RenderResult
from rich.table import Table
from rich.text import Text

from harness.cli.called import as_called
from harness.record.errors import printable_lines

Cell = str | Text

LONGEST_WORD = 16
"""Characters of a word that stays whole whatever it is; a longer one folds, unless it is a number or a fingerprint."""
SHORT_CELL = 24
"""Characters of a cell that stays on one line as long as longer ones can fold."""
GAP = 2
"""Characters between two columns."""
_NUMBER = re.compile(r"\W*[\d.,]*\d([\d.,:/]|[eE][-+−]?\d)*(\D{0,4})")
_WORD = re.compile(r"((?:`[^`]*`|\S)+)(\s*)")
_FINGERPRINT = re.compile(r"(SHA256|MD5):\S+|[0-9a-f]{32,}")


@dataclass(frozen=True, slots=True)
class Column:
    """A column's head (lines), and whether its cells stay whole and stand to the right, as numbers do."""

    head: str
    number: bool = False


def columns(*heads: str, numbers: Iterable[str] = ()) -> tuple[Column, ...]:
    """Columns by their heads; `numbers` names those whose cells stay whole."""
    whole = frozenset(numbers)
    return tuple(Column(head, head in whole) for head in heads)


@dataclass(frozen=True, slots=True)
class Sheet:
    """A table for the terminal. Where its numbers do not fit beside each other, every row becomes a list of lines."""

    columns: Sequence[Column]
    rows: Sequence[Sequence[Cell]]
    title: str = ""
    caption: str = ""
    heads: bool = True

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        """Title, table or list, caption."""
        rows = [[_text(cell) for cell in row] for row in self.rows]
        widths = self._widths(rows, options.max_width)
        if self.title:
            yield Text(printable_lines(self.title), "bold", overflow="fold")
        if widths is not None:
            yield self._table(rows, widths)
        else:
            yield from self._lists(rows, options.max_width)
        if self.caption:
            yield Text(printable_lines(self.caption), "italic", overflow="fold")

    def _widths(self, rows: Sequence[Sequence[Text]], width: int) -> list[int] | None:
        """Characters of each column; `None` where they do not fit."""
        cells = [[row[place].plain for row in rows] for place in range(len(self.columns))]
        heads = [column.head if self.heads else "" for column in self.columns]
        wide = [_longest(_lines([head, *of])) for head, of in zip(heads, cells, strict=True)]
        words, least = (
            [
                max(_longest(of_head([head])), _longest(_lines(of) if column.number else of_cells(of)))
                for column, head, of in zip(self.columns, heads, cells, strict=True)
            ]
            for of_head, of_cells in ((_lines, _phrases), (_words, _kept))
        )
        room = width - GAP * (len(wide) - 1)
        if sum(least) > room:
            return None
        return _narrowed(_narrowed(wide, words, room), least, room)

    def _table(self, rows: Sequence[Sequence[Text]], widths: Sequence[int]) -> Table:
        table = Table(box=SIMPLE_HEAD, show_header=self.heads, show_edge=False, pad_edge=False, padding=(0, 1, 0, 0))
        for column, width in zip(self.columns, widths, strict=True):
            head = Text(column.head)
            table.add_column(head, width=width, overflow="fold", justify="right" if column.number else "left")
        for row in rows:
            table.add_row(*row)
        return table

    def _lists(self, rows: Sequence[Sequence[Text]], width: int) -> Iterator[Text]:
        """Each row as lines `head: cell`; a cell that then would be broken stands below its head."""
        if not self.heads:
            yield from (Text("  ", overflow="fold").join(row) for row in rows)
            return
        for place, row in enumerate(rows):
            if place:
                yield Text("")
            for column, cell in zip(self.columns, row, strict=True):
                head = ", ".join(filter(None, column.head.split("\n")))
                kept = _longest(_lines([cell.plain]) if column.number else _kept([cell.plain]))
                below = cell_len(head) + 2 + kept > width
                start = f"{head}:{chr(10) if below else ' '}" if head else ""
                yield Text.assemble(start, cell, overflow="fold")


def say(console: Console, text: str, style: str = "") -> None:
    """Print a sentence: folded at words on a terminal, as one line where a program reads. A command in backticks is
    never broken, so that it can be pasted; one that is longer than a line runs on into the next."""
    shown = _text(text)
    if console.is_terminal:
        shown = Text("\n".join(line for part in shown.plain.split("\n") for line in _folded(part, console.width)))
    console.print(shown, style=style, highlight=False, soft_wrap=True)


def _folded(line: str, width: int) -> Iterator[str]:
    """A line at most `width` wide, as far as its words allow; what follows stands below its text, not its bullet."""
    text = line.lstrip(" ").removeprefix("- ")
    folded = line[: len(line) - len(text)]
    indent = " " * len(folded)
    for number, (word, gap) in enumerate(_WORD.findall(text)):
        if number and cell_len(folded) + cell_len(word) > width:
            yield folded.rstrip()
            folded = indent
        folded += word + gap
    yield folded.rstrip()


def lasting(length_s: float) -> str:
    """A length of time, as long as it is: `8 s`, `12 min`, `2.5 h`."""
    if length_s < 90:
        return f"{max(1.0, length_s):.0f} s"
    return f"{length_s / 60:.0f} min" if length_s < 5400 else f"{length_s / 3600:.1f} h"


def counted(count: int, noun: str) -> str:
    """`1 finding`, `2 findings`."""
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"


def _text(cell: Cell) -> Text:
    return cell if isinstance(cell, Text) else Text(as_called(printable_lines(cell)))


def _lines(texts: Iterable[str]) -> list[str]:
    return [line for text in texts for line in text.split("\n")]


def _narrowed(widths: Sequence[int], least: Sequence[int], room: int) -> list[int]:
    """Widths that come to `room`, or to `least` where that is more: the widest gives first."""
    widths = list(widths)
    while sum(widths) > max(room, sum(map(min, widths, least))):
        widest = max((place for place in range(len(widths)) if widths[place] > least[place]), key=widths.__getitem__)
        widths[widest] -= 1
    return widths


def _words(texts: Iterable[str]) -> list[str]:
    return [word for text in texts for word in text.split()]


def _phrases(texts: Iterable[str]) -> list[str]:
    """Short texts, and the words of the others."""
    return [part for text in texts for part in ([text] if len(text) <= SHORT_CELL else text.split())]


def _kept(texts: Iterable[str]) -> list[str]:
    """The words that are not broken."""
    return [word for word in _words(texts) if len(word) <= LONGEST_WORD or _stays_whole(word)]


def _stays_whole(word: str) -> bool:
    return _NUMBER.fullmatch(word) is not None or _FINGERPRINT.search(word) is not None


def _longest(texts: Iterable[str]) -> int:
    return max(map(cell_len, texts), default=0)
