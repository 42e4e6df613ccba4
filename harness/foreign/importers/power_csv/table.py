"""The rows of a CSV as columns of texts, and texts as numbers.

Knows delimiters, quotes, comments, headers, footers, a last line that was cut off, decimal comma, thousands, units
behind numbers. Knows no meaning of a column.

Decisions
- Lines with fewer fields than the first data line are damage and refused; the last line without a newline behind it
  counts as cut off then. Rows with more fields than the header are read where it can be told which field has no name
  (extra_fields.py).
- An empty cell is no row of that meter. A cell that says that there is no number (`SAYS_NONE`) is a reading without a
  value.
"""

import csv
import json
import re
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from harness.foreign.importers.power_csv.extra_fields import names_of_all, uneven
from harness.foreign.importers.power_csv.mapping import FileForm
from harness.foreign.importers.power_csv.odd_lines import Numbered, footer_of, without_footer, without_headers
from harness.foreign.importers.remarks import Remark, cut_line, cut_stream, listed
from harness.foreign.importers.source import SourceFile, foreign_form, lines_of
from harness.foreign.importers.text_table import ABSENT
from harness.record.errors import ImportFileError
from meters.options import did_you_mean

SAYS_NONE = (ABSENT - {""}) | {
    "null", "NULL", "None", "none", "n/a", "#N/A", "NAN", "inf", "-inf",
    "unavailable", "unknown", "Unavailable", "Unknown",
    "[N/A]", "[Not Supported]", "[Not Found]", "[Unknown Error]", "[GPU is lost]", "[GPU requires reset]",
    "[Insufficient Permissions]", "ERR!", "ERR",
}  # fmt: skip
"""What programs write of a reading that has no value; in brackets nvidia-smi."""
UNITS = r"(?:\s?(?:[kmM]?W|[kmM]?Wh|[kmMu]?J|Ws|[km]?VA?|m?A|Watts?|watts?))?"
SAYS_WHOSE = ("provenance", "origin")
FIRST_LINES = 20
"""A text that is no table shows what it is in so many."""
PLAIN = re.compile(r"[0-9.\n-]+")
Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Rows:
    """The data lines: `cells[k]` are the texts of the k-th column of `names`, `numbers` their lines."""

    source: SourceFile
    names: tuple[str, ...]
    numbers: list[int]
    cells: list[Sequence[str]]
    form: FileForm
    remarks: tuple[Remark, ...] = ()

    def where(self, row: int) -> str:
        """File and line, for a message."""
        return f"{self.source.path}:{self.numbers[row]}"

    @property
    def known(self) -> str:
        """The names of the columns that have one, for a message."""
        return listed([name for name in self.names if name], 12)

    @property
    def labels(self) -> frozenset[str]:
        """What a column `provenance` or `origin` says of the readings, as tables of wattlab have one."""
        own = (texts for name, texts in zip(self.names, self.cells, strict=True) if name.casefold() in SAYS_WHOSE)
        return frozenset(text.strip() for texts in own for text in texts)

    def texts(self, name: str) -> Sequence[str]:
        """A column by its name.

        Raises:
            ImportFileError: there is none, or two are called so.
        """
        found = [at for at, known in enumerate(self.names) if known == name]
        if len(found) != 1:
            remedy = f"{len(found)} columns are called so; rename one" if found else did_you_mean(name, self.names)
            raise ImportFileError(f"{self.source.path}:{self.form.header or 1}: no column {name!r}; {remedy}")
        return self.cells[found[0]]

    def joined(self, names: str | Sequence[str]) -> Sequence[str]:
        """A column, or several joined by a blank."""
        if isinstance(names, str):
            return self.texts(names)
        return list(map(" ".join, zip(*(self.texts(name) for name in names), strict=True)))

    def values(self, name: str, places: NDArray[np.intp]) -> Floats:
        """Numbers of a column at some rows; NaN where a cell says that there is none.

        Raises:
            ImportFileError: a cell that is no number as the form writes them.
        """
        texts = self.texts(name)
        chosen = texts if places.size == len(texts) else [texts[place] for place in places.tolist()]
        return numbers_of(self, name, chosen, places)

    def step(self, name: str, places: NDArray[np.intp]) -> float:
        """The last digit of the numbers at some rows: 0.1 where the longest has one decimal."""
        texts = self.texts(name)
        decimals = re.compile(rf"{re.escape(self.form.decimal)}(\d+)")
        found = (decimals.search(text) for text in {texts[place] for place in places.tolist()})
        return float(10.0 ** -max((len(match[1]) for match in found if match), default=0))


def read_rows(source: SourceFile, form: FileForm, wanted: Collection[str] = ()) -> Rows:
    """The data lines of a CSV; `wanted`: columns whose last cell may not be half a number.

    Raises:
        ImportFileError: no header, no data line, a damaged line; with file and line.
    """
    lines = lines_of(source)
    require_known(source, lines)
    head, rows = _head_and_data(lines, form)
    if form.header and not head:
        raise ImportFileError(
            f"{source.path}:{form.header}: no header there ({len(lines)} lines); say its line in [file] header, 0: none"
        )
    rows, footer = without_footer(source, rows, form)
    rows, again = without_headers(source, head, rows)
    numbers, data = [number for number, _ in rows], [line for _, line in rows]
    if not data:
        raise ImportFileError(f"{source.path}:{form.header + 1}: no data line behind the header; export the file again")
    first = _split(data[:1], form)[0]
    names = tuple(name.strip() for name in _split(head, form)[0]) if head else tuple(map(str, range(1, len(first) + 1)))
    remarks = [*again, *cut_stream(source), *footer]
    if len(data) > 1 and not footer and (lines[-1] != "" or source.cut):
        last = _split(data[-1:], form)[0]
        is_half = len(last) == len(first) and names[-1] in wanted and bool(last[-1].strip())
        if len(last) < len(first) or is_half:
            remarks.append(cut_line(source, numbers.pop()))
            data.pop()
    if seen := footer_of(list(zip(numbers, data, strict=True)), form):
        raise ImportFileError(
            f"{source.path}:{seen[0]}: found {seen[1]!r:.60}, and from here on no line has the {len(first)} fields of "
            f"the first row; where a footer begins here, say [file] footer = {json.dumps(seen[1], ensure_ascii=False)}"
            ", else export the file again"
        )
    if len(first) < len(names):
        raise ImportFileError(
            f"{source.path}:{numbers[0]}: found {len(first)} fields, the header has {len(names)} ({listed(names)}); is "
            "the delimiter right ([file] delimiter)?"
        )
    columns: list[Sequence[str]] = [
        list(map(str.strip, column)) for column in _columns(source, numbers, data, form, names, first)
    ]
    if len(first) > len(names):
        names, remark = names_of_all(source, names, columns, numbers, form)
        remarks.append(remark)
    return Rows(source, names, numbers, columns, form, tuple(remarks))


def footer_in(source: SourceFile, form: FileForm) -> tuple[int, str] | None:
    """Line and first words of what seems to be the footer of a file; None where it ends with a row, or with a single
    line that may be cut off."""
    lines = lines_of(source)
    _, rows = _head_and_data(lines, form)
    seen = footer_of(rows, form)
    return None if seen is not None and seen[0] == rows[-1][0] == len(lines) else seen


def _head_and_data(lines: Sequence[str], form: FileForm) -> tuple[list[str], Numbered]:
    """The header, if there is one, and the lines behind it that hold something, with their numbers."""
    odd_begins = f" \t\0{form.comment[:1]}"
    numbered = [
        (n, line) for n, line in enumerate(lines, 1) if line and (line[0] not in odd_begins or _is_data(line, form))
    ]
    return [line for n, line in numbered if n == form.header], [pair for pair in numbered if pair[0] > form.header]


def require_known(source: SourceFile, lines: Sequence[str]) -> None:
    """Raises ImportFileError of a text that is no table, with what it is and what to do."""
    if odd := foreign_form("\n".join(lines[:FIRST_LINES])):
        raise ImportFileError(f"{source.path}:1: found {odd}")


def _is_data(line: str, form: FileForm) -> bool:
    return bool(line.strip(" \t\0")) and not (form.comment and line.lstrip().startswith(form.comment))


def _split(lines: Sequence[str], form: FileForm) -> list[list[str]]:
    """The fields of lines, a list a line."""
    if any('"' in line for line in lines):
        whole = map(str.strip, lines) if form.delimiter == " " else lines
        return list(csv.reader(whole, delimiter=form.delimiter, skipinitialspace=True))
    if form.delimiter == " ":
        return [line.split() for line in lines]
    return [line.split(form.delimiter) for line in lines]


def _columns(
    source: SourceFile, numbers: Sequence[int], lines: Sequence[str], form: FileForm, names: Sequence[str],
    first: Sequence[str],
) -> Iterator[Sequence[str]]:  # fmt: skip
    """The columns of the lines, as many as the first has; plain ones are split all at once, which makes no list a line.

    Raises:
        ImportFileError: a line with another number of fields.
    """
    sign, width = form.delimiter, len(first)
    if sign != " " and {line.count(sign) for line in lines} == {width - 1} and not any('"' in line for line in lines):
        cells = sign.join(lines).split(sign)
        return (cells[nth::width] for nth in range(width))
    split = _split(lines, form)
    if len(split) != len(numbers):
        raise ImportFileError(f"{source.path}: a quoted field goes over the end of its line; export the file without")
    for number, row in zip(numbers, split, strict=True):
        if len(row) != width:
            raise ImportFileError(
                f"{source.path}:{number}: found {len(row)} fields, expected {width} as in the first row"
                f"{uneven(first, row, names, sign)}"
            )
    return zip(*split, strict=True)


def numbers_of(rows: Rows, name: str, texts: Sequence[str], places: NDArray[np.intp]) -> Floats:
    """Texts of the rows at `places` as numbers; NaN where a text says that there is none.

    Raises:
        ImportFileError: a text that is no number as the form writes them.
    """
    form = rows.form
    if form.decimal == "." and (plain := plain_numbers(texts)) is not None:
        return plain
    whole = rf"\d{{1,3}}(?:{re.escape(form.thousands)}\d{{3}})+|\d+" if form.thousands else r"\d+"
    point = re.escape(form.decimal)
    good = re.compile(rf"[-+]?(?:(?:{whole})(?:{point}\d*)?|{point}\d+)(?:[eE][-+]?\d+)?{UNITS}", re.ASCII)
    different = set(texts)
    strange = {text for text in different if text not in SAYS_NONE and not good.fullmatch(text)}
    if strange:
        at = next(at for at, text in enumerate(texts) if text in strange)
        sign = f"decimal sign {form.decimal!r}" + (f" and thousands {form.thousands!r}" if form.thousands else "")
        raise ImportFileError(
            f"{rows.where(int(places[at]))}: found {texts[at]!r:.60} in column {name!r}, expected a number with {sign} "
            "([file] decimal, thousands), or an empty cell"
        )
    unit = re.compile(r"[\s]*[A-Za-z]+$")
    value = {text: _number(text, form, unit) for text in different}
    return np.array([value[text] for text in texts], dtype=np.float64)


def plain_numbers(texts: Sequence[str]) -> Floats | None:
    """Texts as numbers where all of them are digits and a decimal point; None otherwise."""
    if not texts or not PLAIN.fullmatch("\n".join(texts)):
        return None
    try:
        return np.array(texts, dtype=np.float64)
    except ValueError:
        return None


def _number(text: str, form: FileForm, unit: re.Pattern[str]) -> float:
    if text in SAYS_NONE:
        return float("nan")
    plain = text.replace(form.thousands, "") if form.thousands else text
    return float(unit.sub("", plain.replace(form.decimal, ".")))
