"""Rows that have more fields than the header has names: which name belongs to which field, where that can be told.

Knows how programs write an index without a name, a delimiter behind the last field and a decimal comma. Knows no
meaning of a column.

Decisions
- A first field that counts rows (0, 1, 2 or 1, 2, 3) is an index without a name; fields that are empty in all rows are
  what a delimiter at the end of each row makes. Both are read so, and said.
  Where the header has the index already, without a name or called `index`, the fields behind the last name have none.
- Where commas stand between fields, and a field of digits stands behind another one in every row, a decimal comma may
  have cut numbers in two: refused, for a number that is read from its first half is a wrong one. A decimal point
  anywhere in the rows shows that it is none.
- Everything else is refused: fields that are matched from the left make a column of another one.
"""

import re
from collections.abc import Sequence
from itertools import pairwise

from harness.foreign.importers.power_csv.mapping import FileForm
from harness.foreign.importers.remarks import Remark, listed
from harness.foreign.importers.source import SourceFile
from harness.record.errors import ImportFileError

FIRST = 400
"""So many rows are looked at for a decimal comma."""
WHOLE = re.compile(r"[-+]?\d+")
INDEX_NAMES = ("", "index", "unnamed: 0")
POINT = re.compile(r"[-+]?\d*\.\d+")


def names_of_all(
    source: SourceFile, names: tuple[str, ...], columns: Sequence[Sequence[str]], numbers: Sequence[int], form: FileForm
) -> tuple[tuple[str, ...], Remark]:
    """A name for each column of rows that have more fields than the header (empty: it has none), and what was seen.

    Raises:
        ImportFileError: nothing tells which name belongs to which field.
    """
    width, known = len(columns), len(names)
    found = f"rows have {width} fields, the header {known}"
    if not any(any(column) for column in columns[known:]):
        text = f"{found}: the last of each row is empty, behind a delimiter at its end"
        return (*names, *[""] * (width - known)), Remark("fields", source, form.header, text)
    is_comma = form.delimiter == "," and is_cut_in_two([column[:FIRST] for column in columns], width - known)
    is_index = _counts_rows(columns[0])
    if is_index and not is_comma and names[0].lower() in INDEX_NAMES:
        text = f"{found}: the first one counts rows, as the header has it, so what is behind {names[-1]!r} has no name"
        return (*names, *[""] * (width - known)), Remark("fields", source, form.header, text)
    if is_index and not is_comma and width == known + 1:
        text = f"{found}: the first one counts rows and is read as an index without a name"
        return ("", *names), Remark("fields", source, form.header, text)
    where = f"{source.path}:{numbers[0]}: {found} ({listed(names)})"
    if is_comma:
        raise ImportFileError(f"{where}{_decimal_comma([column[0] for column in columns])}{_or_index(is_index)}")
    blank = "; a stamp with a blank in it is two fields, a date and a time" if form.delimiter == " " else ""
    raise ImportFileError(
        f"{where}, and nothing tells which field has no name{blank}; write a name for each field into the header, or "
        "export the file again"
    )


def uneven(first: Sequence[str], row: Sequence[str], names: Sequence[str], delimiter: str) -> str:
    """What a row with another number of fields than the first one may be: damage, or numbers with a decimal comma of
    which some have no decimals."""
    longest = max(first, row, key=len)
    if delimiter == "," and len(longest) > len(names) and is_cut_in_two([[cell] for cell in longest], 1):
        return _decimal_comma(longest)
    return "; the line is damaged, or the delimiter is not the one in [file]"


def _counts_rows(cells: Sequence[str]) -> bool:
    return cells[0] in ("0", "1") and all(cell == str(nth) for nth, cell in enumerate(cells, int(cells[0])))


def is_cut_in_two(columns: Sequence[Sequence[str]], extra: int) -> bool:
    """Whether a decimal comma may have made the extra fields: fields of digits behind such fields, and no point."""
    if any(POINT.fullmatch(cell) for column in columns for cell in column):
        return False
    pairs = [
        all(WHOLE.fullmatch(before) and behind.isdecimal() for before, behind in zip(one, other, strict=True))
        for one, other in pairwise(columns)
    ]
    return sum(pairs) >= extra


def _decimal_comma(cells: Sequence[str]) -> str:
    at = next(at for at in reversed(range(len(cells) - 1)) if WHOLE.fullmatch(cells[at]) and cells[at + 1].isdecimal())
    return (
        f"; {cells[at]!r} and {cells[at + 1]!r} beside each other seem to be one number with a decimal comma, "
        f"{cells[at]},{cells[at + 1]}, which the same comma between fields cuts in two; export the file with decimal "
        'points, or with another sign between fields and say in [file] delimiter = ";" and decimal = ","'
    )


def _or_index(is_index: bool) -> str:
    return (
        "; where the first field is an index and no number has a comma, write a name for it into the header" * is_index
    )
