"""The first lines of a CSV -> a proposal for its mapping, and what nothing in the file tells.

Knows how loggers name and write columns. Decides nothing that the file leaves open: there it writes `?` and says
what has to be answered.

Decisions
- A column is one of times when every of its first texts is a stamp, or a number that is a time since 1970 in this
  century; of power when its heading or its cells say W or kW, of energy when they say Wh, kWh or J.
- Day before month only where a number above 12 shows it; otherwise it is a question.
"""

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any, Literal

from harness.foreign.importers.power_csv.clock import ISO
from harness.foreign.importers.power_csv.mapping import OPEN, POWERS, FileForm, PowerColumn, PowerCsv, TimeColumn
from harness.foreign.importers.power_csv.names import slug
from harness.foreign.importers.power_csv.table import SAYS_NONE, Rows, read_rows
from harness.foreign.importers.remarks import listed
from harness.foreign.importers.source import SourceFile, lines_of
from harness.record.errors import ImportFileError

FIRST = 400
"""So many rows are looked at."""
DELIMITERS = (",", ";", "\t", "|", " ")
TIME_WORDS = re.compile(r"time|date|zeit|datum|stamp|last_changed|clock|uhr|^ts$|epoch|unix", re.IGNORECASE)
POWER_WORDS = re.compile(r"power|leistung|watt|active|wirk|puissance|potencia|load", re.IGNORECASE)
NO_POWER = re.compile(r"factor|apparent|reactive|schein|blind|\bVA\b|\bvar\b|faktor|percent|%", re.IGNORECASE)
SOFTWARE = re.compile(r"bmc|ipmi|rapl|nvml|gpu|package|dram|cpu|redfish|idrac|ilo", re.IGNORECASE)
UNIT = re.compile(r"(?:^|[\s_(\[/.])(kWh|mWh|MWh|Wh|kW|mW|MW|W|kJ|MJ|mJ|uJ|J|Ws)(?:[\])\s_:]|$)")
WORDS = {"kilowatthours": "kWh", "watthours": "Wh", "kilowatts": "kW", "milliwatts": "mW", "watts": "W", "watt": "W",
         "joules": "J", "joule": "J"}  # fmt: skip
NUMBER = re.compile(r"[-+]?\d[\d.,' ]*(?:[eE][-+]?\d+)?(?:\s?(kWh|Wh|kW|mW|W|mWh|J))?")
NUMERIC_DATE = re.compile(
    r"(\d{1,2})([./-])(\d{1,2})\2(\d{4}|\d\d),?([T ])(\d{1,2}):(\d\d)(:\d\d)?([.,]\d+)?(\s?[AaPp][Mm])?"
)
DATE = re.compile(r"\d{1,4}[-./]\d{1,2}[-./]\d{1,4}")
TIME = re.compile(r"\d{1,2}:\d\d(:\d\d)?([.,]\d+)?(\s?[AaPp][Mm])?")
EPOCHS = (("epoch-s", 9), ("epoch-ms", 12), ("epoch-us", 15), ("epoch-ns", 18))
"""Format -> how many digits its whole part has at least in this century; it has one more at most."""


@dataclass(frozen=True, slots=True)
class Question:
    """What the file does not tell: the TOML key, the question, possible answers (empty: free text)."""

    key: str
    text: str
    choices: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Proposal:
    """A mapping of what the file shows, what is still open, and what was seen."""

    mapping: PowerCsv
    questions: tuple[Question, ...]
    seen: tuple[str, ...]
    rows: Rows

    def answered(self, key: str, text: str) -> "Proposal":
        """The proposal with one question answered."""
        mapping, (table, _, name) = self.mapping, key.partition(".")
        answer: dict[str, Any] = {name: text}
        if table == "time":
            mapping = replace(mapping, time=replace(mapping.time, **answer))
        else:
            columns, at = list(mapping.power), int(table.removeprefix("power[").removesuffix("]"))
            columns[at] = replace(columns[at], **answer)
            mapping = replace(mapping, power=columns)
        return replace(self, mapping=mapping, questions=tuple(one for one in self.questions if one.key != key))


def propose(source: SourceFile) -> Proposal:
    """What a CSV seems to be.

    Raises:
        ImportFileError: no table, no column of times, none of power; with what was found.
    """
    form, seen = _form_of(source)
    rows = _head(source, form)
    form = replace(form, decimal=_decimal(rows))
    form = replace(form, thousands=_thousands(rows, form))
    rows = replace(rows, form=form)
    time, questions = _time_of(rows)
    columns, more = _columns_of(rows, time)
    if not columns:
        raise ImportFileError(
            f"{source.path}:{form.header or 1}: no column of power or energy among {listed(rows.names, 12)}; write "
            "power-csv.toml by hand (docs/importing.md)"
        )
    mapping = PowerCsv(schema=1, file=form, time=time, power=columns)
    return Proposal(mapping, (*questions, *more), (*seen, *_rates(rows, columns)), rows)


def _form_of(source: SourceFile) -> tuple[FileForm, list[str]]:
    """Delimiter and header: the delimiter that the most lines have equally often, the first line with so many."""
    lines = [(n, line) for n, line in enumerate(lines_of(source)[:FIRST], 1) if line.strip() and line[0] != "#"]
    best, most, width = "", 0, 0
    for delimiter in DELIMITERS:
        counts = [_fields(line, delimiter) for _, line in lines]
        usual = max(set(counts), key=lambda count: (counts.count(count), count))
        if usual > 1 and counts.count(usual) * (1 if delimiter != " " else 0.5) > most:
            best, most, width = delimiter, int(counts.count(usual)), usual
    if not best:
        raise ImportFileError(
            f"{source.path}:1: found {lines[0][1]!r:.60}, no table with columns; expected fields between , ; tab or |"
        )
    first = next((n, line) for n, line in lines if _fields(line, best) in (width, width - 1))
    cells = [cell.strip(' "') for cell in (first[1].split() if best == " " else first[1].split(best))]
    is_header = not any(NUMBER.fullmatch(cell) or ISO.fullmatch(cell) or NUMERIC_DATE.match(cell) for cell in cells)
    header = first[0] if is_header else 0
    seen = [f"delimiter {best!r}", f"header on line {header}" if header else "no header: columns are numbers"]
    return FileForm(delimiter=best, header=header), seen


def _fields(line: str, delimiter: str) -> int:
    plain = re.sub(r'"[^"]*"', "", line)
    return len(plain.split()) if delimiter == " " else plain.count(delimiter) + 1


def _head(source: SourceFile, form: FileForm) -> Rows:
    lines = lines_of(source)[: FIRST + form.header]
    text = "\n".join(lines) + "\n"
    return read_rows(SourceFile(source.path, source.verbatim, text.encode()), form)


def _numbers_in(rows: Rows) -> list[str]:
    return [text for cells in rows.cells for text in cells[:FIRST] if NUMBER.fullmatch(text) and not text.isdecimal()]


def _decimal(rows: Rows) -> Literal[".", ","]:
    """The sign that is the last one of numbers and not followed by three digits alone."""
    commas = points = 0
    for text in _numbers_in(rows):
        last = max(text.rfind(","), text.rfind("."))
        if last < 0:
            continue
        if text.count(text[last]) == 1 and (len(re.match(r"\d*", text[last + 1 :])[0]) != 3  # type: ignore[index]
                                            or text[:last].lstrip("+-") in ("", "0")
                                            or "," in text[:last] or "." in text[:last]):  # fmt: skip
            commas, points = commas + (text[last] == ","), points + (text[last] == ".")
    return "," if commas > points else "."


def _thousands(rows: Rows, form: FileForm) -> Literal["", ".", ","]:
    other: Literal[".", ","] = "," if form.decimal == "." else "."
    grouped = re.compile(rf"[-+]?\d{{1,3}}(?:{re.escape(other)}\d{{3}})+(?:{re.escape(form.decimal)}\d+)?(?:\s?\w+)?")
    return other if any(grouped.fullmatch(text) for text in _numbers_in(rows)) else ""


def _time_of(rows: Rows) -> tuple[TimeColumn, list[Question]]:
    """The column of times, its format, and what is open about it."""
    found = [(name, form) for name in rows.names if name and (form := _format_of(rows, name)) is not None]
    named = [pair for pair in found if TIME_WORDS.search(pair[0])] or [
        pair for pair in found if not pair[1].startswith("elapsed")
    ]
    pair = _date_and_time(rows)
    if not named and pair is None:
        raise ImportFileError(
            f"{rows.source.path}:{rows.numbers[0]}: no column of times among {listed(rows.names, 12)}; write "
            "power-csv.toml by hand (docs/importing.md)"
        )
    # Of several the one that says its zone, else the finest.
    ranked = sorted(named, key=lambda one: (one[1].startswith("elapsed"), not _has_offset(rows, one[0], one[1])))
    column: str | list[str]
    if pair is not None and (not ranked or ranked[0][1].startswith("elapsed")):
        column, form = list(pair), _format_of_texts(rows.joined(pair)) or OPEN
    else:
        column, form = ranked[0]
    return _with_questions(rows, TimeColumn(column=column, format=form))


def _with_questions(rows: Rows, time: TimeColumn) -> tuple[TimeColumn, list[Question]]:
    questions = []
    texts = rows.joined(time.column)
    if time.format == OPEN:
        choices = tuple(_both_orders(texts[0]))
        questions.append(Question("time.format", f"{texts[0]!r}: is the first number the day or the month?", choices))
    if time.format.startswith("elapsed"):
        text = "When does the record begin? Such as 2026-11-21T10:00:00"
        time = replace(time, start=OPEN)
        questions.append(Question("time.start", text))
    if not time.format.startswith("epoch") and not _has_offset(rows, time.column, time.format):
        time = replace(time, zone=OPEN)
        text = f"In which time zone are stamps such as {texts[0]!r}? Europe/Berlin, +01:00, UTC, or unknown"
        questions.append(Question("time.zone", text))
    return time, questions


def _has_offset(rows: Rows, column: str | list[str], form: str) -> bool:
    if form.startswith("epoch"):
        return True
    return bool(re.search(r"(?:Z|UTC|[-+]\d\d:?\d\d)$", rows.joined(column)[0])) and form == "iso"


def _date_and_time(rows: Rows) -> tuple[str, str] | None:
    """Two columns beside each other, one of dates and one of times of day."""
    for one, other in pairwise(rows.names):
        if one and other and DATE.fullmatch(rows.texts(one)[0]) and TIME.fullmatch(rows.texts(other)[0]):
            return one, other
    return None


def _format_of(rows: Rows, name: str) -> str | None:
    if rows.names.count(name) != 1:
        return None
    texts = rows.texts(name)
    form = _format_of_texts(texts)
    if form is None and TIME_WORDS.search(name) and all(NUMBER.fullmatch(text) for text in texts):
        unit = re.search(r"(?:^|[\s_(\[])(ms|us|µs|ns|s|sec|seconds)[\])]?$", name)
        return "elapsed-" + {"ms": "ms", "us": "us", "µs": "us", "ns": "ns"}.get(unit[1] if unit else "", "s")
    return form


def _format_of_texts(texts: Sequence[str]) -> str | None:
    """The format of stamps; `?` where day and month cannot be told apart, None of other texts."""
    if all(ISO.fullmatch(text) for text in texts):
        return "iso"
    for form, digits in EPOCHS:
        if all(re.fullmatch(rf"1\d{{{digits}}}(?:[.,]\d+)?", text) for text in texts):
            return form
    if all(re.fullmatch(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d", text) for text in texts):
        return f"%Y-%m-%d{texts[0][10]}%H:%M"
    if not all(NUMERIC_DATE.fullmatch(text) for text in texts):
        return None
    firsts, seconds = ([int(NUMERIC_DATE.match(text)[at]) for text in texts] for at in (1, 3))  # type: ignore[index]
    both = _both_orders(texts[0])
    if max(firsts) > 12:
        return both[0]
    return both[1] if max(seconds) > 12 else OPEN


def _both_orders(text: str) -> list[str]:
    """A stamp's format with the day first, and with the month first."""
    match = NUMERIC_DATE.match(text)
    if match is None:
        return []
    sign, year, blank = match[2], "%Y" if len(match[4]) == 4 else "%y", match[5]
    comma = "," if "," in text[: match.start(5)] else ""
    half = match[10] or ""
    clock = f"{'%I' if half else '%H'}:%M" + (":%S" if match[8] else "") + (f"{match[9][0]}%f" if match[9] else "")
    clock += (" %p" if half.startswith(" ") else "%p") if half else ""
    return [f"%{one}{sign}%{other}{sign}{year}{comma}{blank}{clock}" for one, other in ("dm", "md")]


def _columns_of(rows: Rows, time: TimeColumn) -> tuple[list[PowerColumn], list[Question]]:
    times = {time.column} if isinstance(time.column, str) else set(time.column)
    columns: list[PowerColumn] = []
    questions: list[Question] = []
    for name in rows.names:
        if name in times or not name or rows.names.count(name) != 1 or NO_POWER.search(name):
            continue
        texts = [text for text in rows.texts(name) if text and text not in SAYS_NONE]
        unit = _unit_of(name, texts)
        if (
            not texts
            or not all(NUMBER.fullmatch(text) for text in texts)
            or (unit is None and not POWER_WORDS.search(name))
        ):
            continue
        role = "software" if SOFTWARE.search(name) else "check" if columns else "added"
        column = PowerColumn(column=name, unit=unit or OPEN, reads=OPEN, meter=slug(name), role=role)  # type: ignore[arg-type]
        columns.append(column)
        questions += _about(len(columns) - 1, column, rows, texts)
    if columns and all(column.role != "added" for column in columns):
        columns[0] = replace(columns[0], role="added")
    return columns, questions


def _about(at: int, column: PowerColumn, rows: Rows, texts: Sequence[str]) -> Iterator[Question]:
    """What a column does not say of itself."""
    if column.unit == OPEN:
        units = ("W", "kW", "mW")
        yield Question(f"power[{at}].unit", f"In which unit is {column.column!r} (first value {texts[0]})?", units)
    if column.unit in POWERS or column.unit == OPEN:
        text = (
            f"What is a value of {column.column!r}: the mean of the time since the row before or of a window (mean), a "
            "momentary value (instant), or one that is written when it changes (on-change)?"
        )
        yield Question(f"power[{at}].reads", text, ("mean", "instant", "on-change"))
    else:
        values = [float(re.sub(r"[^\d.eE+-]", "", text.replace(rows.form.decimal, "."))) for text in texts]
        rising = all(later >= earlier for earlier, later in pairwise(values))
        text = (
            f"Is {column.column!r} a counter that goes up (counter; so it looks{'' if rising else ' not'}), or the "
            "energy since the row before (per-row)?"
        )
        yield Question(f"power[{at}].reads", text, ("counter", "per-row"))


def _unit_of(name: str, texts: Sequence[str]) -> str | None:
    """The unit that the heading or the cells state."""
    match = UNIT.search(name)
    if match:
        return match[1]
    words = re.findall(r"[a-z]+", name.lower().replace("watt_hours", "watthours").replace("watt hours", "watthours"))
    for word in reversed(words):
        if word in WORDS:
            return WORDS[word]
    units = {(NUMBER.fullmatch(text) or [None, None])[1] for text in texts}
    return units.pop() if len(units) == 1 else None


def _rates(rows: Rows, columns: Sequence[PowerColumn]) -> Iterator[str]:
    """How many of the first rows each column has."""
    for column in columns:
        there = sum(text != "" for text in rows.texts(column.column))
        yield f"{column.column!r} has {there} of the first {len(rows.numbers)} rows"


def asked(proposal: Proposal, ask: Callable[[Question], str]) -> Proposal:
    """The proposal with every question answered by `ask`."""
    while proposal.questions:
        question = proposal.questions[0]
        proposal = proposal.answered(question.key, ask(question))
    return proposal
