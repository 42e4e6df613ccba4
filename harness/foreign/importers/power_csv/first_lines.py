"""The first lines of a CSV -> how it is written and where its times are.

Knows how loggers write tables and stamps. Knows no meaning of any other column.

Decisions
- A column is one of times when every of its first texts is a stamp, or a number that is a time since 1970 in this
  century. Of several the one that says its zone is taken.
- Numbers under such a heading count from a beginning that is asked for, and so is their unit where the heading does not
  say it.
- Day before month only where a number above 12 shows it; otherwise it is open. So is a comma with three digits behind.
- A date alone is a time where every row has another one, and its year four digits or the column such a name.
"""

import re
from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise
from typing import Literal, cast

import numpy as np

from harness.foreign.importers.power_csv.extra_fields import is_cut_in_two
from harness.foreign.importers.power_csv.mapping import OPEN, FileForm, TimeColumn
from harness.foreign.importers.power_csv.stamp_forms import (
    formats_of,
    has_time_of_day,
    is_date,
    is_stamp,
    is_time_of_day,
)
from harness.foreign.importers.power_csv.table import Rows, plain_numbers, read_rows
from harness.foreign.importers.power_csv.time_units import says_time, unit_of_time
from harness.foreign.importers.source import SourceFile, lines_of
from harness.record.errors import ImportFileError

FIRST = 400
"""So many rows are looked at."""
DELIMITERS = (",", ";", "\t", "|", " ")
NUMBER = re.compile(r"[-+]?\.?\d[\d.,' ]*(?:[eE][-+]?\d+)?(?:\s?(kWh|Wh|kW|mW|W|mWh|J))?")
NO_UNIT = "elapsed-?"
"""Numbers of which the heading does not say what they count."""
FOLLOWS = 0.5
"""So many rows, at least, begin where the one beside them ends, where two columns are the begins and the ends."""
EPOCHS = (("epoch-s", 9), ("epoch-ms", 12), ("epoch-us", 15), ("epoch-ns", 18))
"""Format -> how many digits its whole part has at least in this century; it has one more at most."""


def form_of(source: SourceFile) -> tuple[FileForm, list[str]]:
    """Delimiter and header: the delimiter that the most lines have equally often, the first line with so many; lines
    without it, such as those of a footer, do not count."""
    lines = [(n, line) for n, line in enumerate(lines_of(source)[:FIRST], 1) if line.strip() and line[0] != "#"]
    best, most, width = "", 0, 0
    for delimiter in DELIMITERS:
        counts = [count for _, line in lines if (count := _fields(line, delimiter)) > 1]
        usual = max(set(counts), key=lambda count: (counts.count(count), count), default=0)
        if counts.count(usual) * (1 if delimiter != " " else 0.5) > most:
            best, most, width = delimiter, int(counts.count(usual)), usual
    if not best:
        raise ImportFileError(
            f"{source.path}:1: found {lines[0][1]!r:.60}, no table with columns; expected fields between , ; tab or |"
        )
    at = next(at for at, (_, line) in enumerate(lines) if _fields(line, best) in (width, width - 1))
    header = lines[at][0] if _is_header(lines[at][1], best) else 0
    if not header and at > 0 and best == "," and _is_header(lines[at - 1][1], best):
        # The names of fields that decimal commas cut in two are fewer.
        missing = width - _fields(lines[at - 1][1], best)
        header = lines[at - 1][0] if is_cut_in_two([[cell] for cell in lines[at][1].split(best)], missing) else 0
    seen = [f"delimiter {best!r}", f"header on line {header}" if header else "no header: columns are numbers"]
    return FileForm(delimiter=best, header=header), seen


def _is_header(line: str, delimiter: str) -> bool:
    cells = [cell.strip(' "') for cell in (line.split() if delimiter == " " else line.split(delimiter))]
    return not any(NUMBER.fullmatch(cell) or is_date(cell) or is_stamp(cell) for cell in cells)


def _fields(line: str, delimiter: str) -> int:
    plain = re.sub(r'"[^"]*"', "x", line)
    return len(plain.split()) if delimiter == " " else plain.count(delimiter) + 1


def head_of(source: SourceFile, form: FileForm) -> Rows:
    """The first lines as a table."""
    lines = lines_of(source)
    text = "\n".join(lines[: FIRST + form.header]) + "\n" * (len(lines) > FIRST + form.header)
    return read_rows(SourceFile(source.path, source.verbatim, text.encode()), form)


def _numbers_in(rows: Rows) -> list[str]:
    return [text for cells in rows.cells for text in cells[:FIRST] if NUMBER.fullmatch(text) and not text.isdecimal()]


def decimal_of(rows: Rows) -> Literal["?", ".", ","]:
    """The decimal sign of numbers; `?` where each has one sign and three digits behind it, as thousands do
    (points of a file with commas between its fields are decimal)."""
    votes = {".": 0, ",": 0}
    unclear = 0
    for text in _numbers_in(rows):
        plain = re.sub(r"\s?[A-Za-z]+$", "", text)
        last = max(plain.rfind(","), plain.rfind("."))
        if last < 0:
            continue
        before, behind = plain[:last].lstrip("+-"), plain[last + 1 :]
        is_sure = len(behind) != 3 or before in ("", "0") or len(before) > 3
        if plain.count(plain[last]) > 1:
            votes["," if plain[last] == "." else "."] += 1
        elif is_sure or set(",.") & set(before):
            votes[plain[last]] += 1
        else:
            unclear += plain[last] == "," or rows.form.delimiter != ","
    if votes["."] == votes[","] == 0 and unclear:
        return OPEN
    return "," if votes[","] > votes["."] else "."


def thousands_of(rows: Rows, form: FileForm) -> Literal["", ".", ",", "'", " "]:
    """The sign between thousands, where a number shows it."""
    texts, signs = _numbers_in(rows), (",", "'", " ") if form.decimal == "." else (".", "'", " ")
    for sign in signs:
        groups = rf"[-+]?\d{{1,3}}(?:{re.escape(sign)}\d{{3}})+(?:{re.escape(form.decimal)}\d+)?(?:\s?[^\W\d]+)?"
        if any(map(re.compile(groups).fullmatch, texts)):
            return cast('Literal["", ".", ",", "\'", " "]', sign)
    return ""


def time_of(rows: Rows) -> TimeColumn:
    """The column of times and its format; `?` for what the file does not tell.

    Raises:
        ImportFileError: there is none.
    """
    found = [(name, form) for name in rows.names if name and (form := _format_of(rows, name)) is not None]
    named = [pair for pair in found if says_time(pair[0])] or [
        pair for pair in found if not pair[1].startswith("elapsed")
    ]
    pair = _date_and_time(rows)
    if not named and pair is None:
        raise ImportFileError(
            f"{rows.source.path}:{rows.numbers[0]}: no column of times among {rows.known}; write "
            "power-csv.toml by hand (docs/importing.md)"
        )
    # Of several the one that says its zone, else the finest; of numbers one that never falls.
    ranked = sorted(named, key=lambda one: (_coarseness(rows, *one), not _has_offset(rows, one[0], one[1])))
    column: str | list[str]
    if pair is not None and (not ranked or _coarseness(rows, *ranked[0])):
        column, form = list(pair), _format_of_texts(rows.joined(pair)) or OPEN
    else:
        column, form = ranked[0]
        others = [name for name, other in found if other == form and name != column]
        column = next((name for name in others if are_ends(rows.texts(column), rows.texts(name))), column)
    return _with_open(rows, TimeColumn(column=column, format=form))


def begins_rows(rows: Rows, time: TimeColumn) -> bool:
    """Whether a date and a time of day are the begins of rows, whose ends stand in another column without a date."""
    if isinstance(time.column, str):
        return False
    clocks = [
        name for name in rows.names if name and rows.names.count(name) == 1 and is_time_of_day(rows.texts(name)[0])
    ]
    return any(
        are_ends(rows.texts(begin), rows.texts(end))
        for begin in clocks if begin in time.column for end in clocks if end != begin
    )  # fmt: skip


def are_ends(begins: Sequence[str], ends: Sequence[str]) -> bool:
    """Whether rows end where the next one begins, be they the oldest or the newest first."""
    pairs = (zip(ends, begins[1:], strict=False), zip(ends[1:], begins, strict=False))
    is_next = (sum(map(str.__eq__, *zip(*pair, strict=True))) for pair in pairs) if len(begins) > 2 else ()
    return any(count >= FOLLOWS * (len(begins) - 1) for count in is_next) and list(begins) != list(ends)


def _coarseness(rows: Rows, name: str, form: str) -> int:
    """0 of stamps, 1 of dates alone, 2 of times since a beginning, 3 where they fall."""
    if form.startswith("elapsed"):
        return 2 + _falls(rows, name)
    return int("%" in form and not has_time_of_day(form))


def _with_open(rows: Rows, time: TimeColumn) -> TimeColumn:
    """The column of times, `?` where the file does not tell."""
    if time.format.startswith("elapsed"):
        time = replace(time, start=OPEN, format=OPEN if time.format == NO_UNIT else time.format)
    if not time.format.startswith("epoch") and not _has_offset(rows, time.column, time.format):
        heading = time.column if isinstance(time.column, str) else " ".join(time.column)
        time = replace(time, zone="UTC" if re.search(r"\b(?:UTC|GMT)\b", heading) else OPEN)
    return time


def _has_offset(rows: Rows, column: str | list[str], form: str) -> bool:
    if form.startswith("epoch") or "%z" in form:
        return True
    return bool(re.search(r"(?:Z|UTC|[-+]\d\d:?\d\d)$", rows.joined(column)[0])) and form == "iso"


def _date_and_time(rows: Rows) -> tuple[str, str] | None:
    """Two columns beside each other, one of dates and one of times of day, whichever comes first."""
    for pair in pairwise(rows.names):
        for date, clock in (pair, pair[::-1]):
            if all(pair) and is_date(rows.texts(date)[0]) and is_time_of_day(rows.texts(clock)[0]):
                return date, clock
    return None


def _format_of(rows: Rows, name: str) -> str | None:
    if rows.names.count(name) != 1:
        return None
    texts = rows.texts(name)
    form = _format_of_texts(texts)
    if form is None and is_date(texts[0]) and not texts[0].isdecimal():
        forms = formats_of(texts) if len(set(texts)) == len(texts) else []
        forms = [one for one in forms if "%Y" in one or says_time(name)]
        form = OPEN if len(forms) > 1 else forms[0] if forms else None
    if form is None and says_time(name) and all(NUMBER.fullmatch(text) for text in texts):
        unit = unit_of_time(name)
        return f"elapsed-{unit}" if unit else NO_UNIT
    return form


def _falls(rows: Rows, name: str) -> bool:
    numbers = plain_numbers(rows.texts(name))
    return numbers is not None and bool((np.diff(numbers) < 0).any())


def _format_of_texts(texts: Sequence[str]) -> str | None:
    """The format of stamps; `?` where day and month cannot be told apart, None of other texts."""
    for form, digits in EPOCHS:
        if all(re.fullmatch(rf"1\d{{{digits}}}(?:[.,]\d+)?", text) for text in texts):
            return form
    forms = formats_of(texts) if is_stamp(texts[0]) else []
    return OPEN if len(forms) > 1 else forms[0] if forms else None
