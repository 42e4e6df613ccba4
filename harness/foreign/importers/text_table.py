"""Tables of text as other programs wrote them: data lines and where they stand, columns as numbers and as times.

Knows separators, decimal comma and decimal point, stamps, a last line that was cut off while it was written, a line
that stands twice. Knows no format.

Decisions
- The last line counts as cut off when it has fewer fields than the header, or when the file ends inside a field that is
  wanted (no newline, no separator behind it): it is left out and said, so that half a number is never a value.
- Any other line with too few or too many fields is damage: refused, with its line.
- Empty lines hold nothing and are passed over. A line equal to the one before it, stamp and all, is left out and said.
- A cell that says that there is no number (ABSENT) costs itself: it is NaN.
- Decimal comma or decimal point: unambiguous where another character stands between fields, as long as a whole column
  agrees; a column that mixes them is refused, with the line.
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from harness.foreign.importers.remarks import Remark, cut_line, cut_stream, doubled_lines
from harness.foreign.importers.source import SourceFile
from harness.foreign.importers.stamps import Stamps, moment_of, read_stamps
from harness.record.errors import ImportFileError

ABSENT = frozenset({"", "-", "--", "---", "NA", "N/A", "NaN", "nan"})
"""What programs write where there is no number (R: NA)."""
Values = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class StampForm:
    """How stamps of a column are written: a pattern (`stamps`), and one of them for messages."""

    pattern: re.Pattern[str]
    example: str


@dataclass(frozen=True, slots=True)
class TextTable:
    """The wanted columns of the data lines, as text: `cells[k][row]` stands on line `numbers[row]`."""

    source: SourceFile
    numbers: list[int]
    cells: list[list[str]]
    remarks: tuple[Remark, ...] = ()

    def where(self, row: int) -> str:
        """File and line, for a message."""
        return f"{self.source.path}:{self.numbers[row]}"

    def numbers_of(self, column: int) -> Values:
        """A column of numbers, written with a decimal comma or with a decimal point, all alike; NaN where a cell says
        that there is none.

        Raises:
            ImportFileError: a cell that is no number, or one written unlike the rest of the file.
        """
        texts = ["nan" if text in ABSENT else text for text in self.cells[column]]
        joined = "\n".join(texts)
        comma = "," in joined
        good = re.compile(r"nan|-?\d+(,\d+)?" if comma else r"nan|-?\d*\.?\d+([eE][-+]?\d+)?", re.ASCII)
        strange = {text for text in set(texts) if not good.fullmatch(text)}
        row = next((row for row, text in enumerate(texts) if text in strange), None) if strange else None
        values = np.zeros(0)
        if row is None:
            values = np.array(joined.replace(",", ".").split("\n"), dtype=np.float64)
            row = next(iter(np.flatnonzero(np.isinf(values)).tolist()), None)
        if row is not None:
            raise ImportFileError(
                f"{self.where(row)}: found {texts[row]!r:.60}, expected a number with a decimal "
                f"{'comma' if comma else 'point'} like the rest of the file"
            )
        return values


def read_table(
    source: SourceFile, lines: Sequence[str], begin: int, places: Sequence[int], separator: str, width: int,
    is_comment: Callable[[str], bool] = lambda line: False,
) -> TextTable:  # fmt: skip
    """Of a source's lines (`lines_of`) the columns at `places` of every line from index `begin` on that has `width`
    fields, or one more that is empty; lines that `is_comment` are passed over.

    Raises:
        ImportFileError: a line with too few or too many fields (named), no data line at all.
    """
    rows = [(n, t) for n, t in enumerate(lines[begin:], begin + 1) if t.strip(" \t\0") and not is_comment(t)]
    separators = _separators(rows, separator, width)
    remarks: list[Remark] = []
    if rows and _is_cut(rows[-1][1], separator, separators, max(places), ended=lines[-1] == ""):
        remarks.append(cut_line(source, rows.pop()[0]))
    remarks += cut_stream(source)
    rows, doubled = _without_doubles(rows)
    remarks += doubled_lines(source, doubled)
    if not rows:
        raise ImportFileError(f"{source.path}:{begin + 1}: no data line behind the header; the file is cut off")
    _require_width(source, rows, separator, separators)
    split = [line.split(separator) for _, line in rows]
    cells = [[row[place].strip(' "') for row in split] for place in places]
    return TextTable(source, [number for number, _ in rows], cells, tuple(remarks))


def _separators(rows: list[tuple[int, str]], separator: str, width: int) -> int:
    """How many separators a line has: one less than fields, or as many where the first line ends with one."""
    first = rows[0][1] if rows else ""
    return width if first.count(separator) == width and not first.rpartition(separator)[2].strip() else width - 1


def _is_cut(line: str, separator: str, separators: int, last: int, *, ended: bool) -> bool:
    """Whether the last line stops before its end. `last`: the rightmost field that is wanted."""
    count = line.count(separator)
    return count < separators or (not ended and count == last)


def _without_doubles(rows: list[tuple[int, str]]) -> tuple[list[tuple[int, str]], list[int]]:
    """Rows without those that repeat the one before, and the lines of the latter."""
    doubled = [number for (_, before), (number, line) in pairwise(rows) if line == before]
    left_out = set(doubled)
    return ([row for row in rows if row[0] not in left_out], doubled) if doubled else (rows, doubled)


def _require_width(source: SourceFile, rows: list[tuple[int, str]], separator: str, separators: int) -> None:
    wrong = next(((number, line) for number, line in rows if line.count(separator) != separators), None)
    if wrong is not None:
        number, line = wrong
        raise ImportFileError(
            f"{source.path}:{number}: found {line!r:.70} with {line.count(separator) + 1} fields, expected "
            f"{separators + 1} as in the header; the line is damaged: export the file again"
        )


def times_of(table: TextTable, texts: Sequence[str], forms: Sequence[StampForm]) -> Stamps:
    """Stamps as ns since 1970 of their own clock; the first line chooses the form.

    Raises:
        ImportFileError: a stamp of no known form, or unlike the first line's; with file and line.
    """
    form = next((form for form in forms if form.pattern.fullmatch(texts[0])), forms[0])
    column = read_stamps(texts, form.pattern)
    if (row := column.odd) is not None:
        expected = " or ".join(repr(form.example) for form in (forms if row == 0 else [form]))
        raise ImportFileError(f"{table.where(row)}: found the time {texts[row]!r:.40}, expected one like {expected}")
    return column.times_ns


def require_rising(table: TextTable, times_ns: Stamps) -> None:
    """Raises ImportFileError where time goes back."""
    back = np.flatnonzero(np.diff(times_ns) < 0)
    if back.size:
        at = int(back[0]) + 1
        raise ImportFileError(
            f"{table.where(at)}: time goes back here, from {moment_of(int(times_ns[at - 1]))} to "
            f"{moment_of(int(times_ns[at]))} (summer time, or files joined in the wrong order); sort or split the file"
        )
