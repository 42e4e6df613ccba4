"""A CSV -> a proposal for its mapping, and the questions that it leaves open.

Knows what a mapping needs. Decides nothing that the file leaves open: there stands `?`, and a question.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from harness.foreign.importers.power_csv.clock import ELAPSED, times_of
from harness.foreign.importers.power_csv.direction import direction_notes
from harness.foreign.importers.power_csv.first_lines import (
    begins_rows,
    decimal_of,
    form_of,
    head_of,
    thousands_of,
    time_of,
)
from harness.foreign.importers.power_csv.headings import columns_of, numeric_columns, with_volts
from harness.foreign.importers.power_csv.mapping import (
    ANY,
    CIRCUIT,
    OF_ENERGY,
    OF_POWER,
    OPEN,
    POWERS,
    SI,
    PowerColumn,
    PowerCsv,
)
from harness.foreign.importers.power_csv.names import slug
from harness.foreign.importers.power_csv.roles import Suggestion, suggestions, with_open
from harness.foreign.importers.power_csv.run_tables import require_readings
from harness.foreign.importers.power_csv.stamp_forms import formats_of
from harness.foreign.importers.power_csv.table import SAYS_NONE, Floats, Rows, footer_in, require_known
from harness.foreign.importers.power_csv.whole_file import by_device
from harness.foreign.importers.remarks import counted, listed
from harness.foreign.importers.source import SourceFile, lines_of
from harness.record.errors import ImportFileError

ROLES = ("added", "check", "software")
UNITS = tuple(SI)
"""What is asked for where nothing says the unit."""


@dataclass(frozen=True, slots=True)
class Question:
    """What the file does not tell: the TOML key, the question, possible answers (empty: free text), and the one that
    the file suggests (empty: none)."""

    key: str
    text: str
    choices: tuple[str, ...] = ()
    suggested: str = ""

    @property
    def answers(self) -> str:
        """The possible answers and the suggested one, in brackets behind the question; empty without any."""
        parts = [", ".join(self.choices), f"suggested: {self.suggested}" if self.suggested else ""]
        text = "; ".join(filter(None, parts))
        return f" ({text})" if text else ""


@dataclass(frozen=True, slots=True)
class Proposal:
    """A mapping of what the file shows, what was seen, the first rows, what each column of power seems to be, and the
    column by which devices are told apart (empty: none)."""

    mapping: PowerCsv
    seen: tuple[str, ...]
    rows: Rows
    suggestions: tuple[Suggestion, ...]
    devices: str = ""

    @property
    def times(self) -> list[str]:
        """The columns of times."""
        column = self.mapping.time.column
        return [column] if isinstance(column, str) else list(column)

    @property
    def questions(self) -> tuple[Question, ...]:
        """What is open, in the order in which it is asked."""
        return tuple(_questions(self))

    def texts_of(self, column: PowerColumn) -> list[str]:
        """The first cells of a column that hold something."""
        if column.column == OPEN:
            return []
        return [text for _, text in self.cells_of(column) if text not in SAYS_NONE]

    def cells_of(self, column: PowerColumn) -> list[tuple[int, str]]:
        """The rows that count of a column, and their cells."""
        wanted = [(self.rows.texts(name), value) for name, value in column.where.items()]
        return [
            (row, text)
            for row, text in enumerate(self.rows.texts(column.column))
            if text and all(value in (ANY, texts[row]) for texts, value in wanted)
        ]

    def values_of(self, column: PowerColumn) -> tuple[NDArray[np.intp], Floats]:
        """The rows that count of a column, and their numbers in its unit.

        Raises:
            ImportFileError: a cell that is no number.
        """
        places = np.array([row for row, _ in self.cells_of(column)], dtype=np.intp)
        return places, self.rows.values(column.column, places)

    def require_times(self) -> None:
        """Raises ImportFileError where the first times cannot be read; what is open yet counts as UTC."""
        time = self.mapping.time
        if OPEN in (time.format, time.start):
            return
        time = replace(time, zone="UTC") if time.zone == OPEN else time
        for column in self.mapping.power:
            rows = range(len(self.rows.numbers)) if column.column == OPEN else (at for at, _ in self.cells_of(column))
            places = np.array(list(rows), dtype=np.intp)
            if places.size:
                times_of(self.rows, time, places)

    def answered(self, key: str, text: str) -> "Proposal":
        """The proposal with one question answered."""
        mapping, (table, _, name) = self.mapping, key.partition(".")
        answer: dict[str, Any] = {name: text}
        if table == "file":
            form = replace(mapping.file, **answer)
            form = replace(form, thousands=thousands_of(self.rows, form))
            return replace(self, mapping=replace(mapping, file=form), rows=replace(self.rows, form=form))
        if table == "time":
            return replace(self, mapping=replace(mapping, time=replace(mapping.time, **answer)))
        at = int(table.removeprefix("power[").removesuffix("]"))
        # What holds of the column of one device holds of those of the others.
        is_alike = bool(self.devices) and name in ("unit", "reads")
        columns = [
            _answered(column, name, answer, mapping.power) if nth == at or is_alike else column
            for nth, column in enumerate(mapping.power)
        ]
        return replace(self, mapping=replace(mapping, power=columns))


def _answered(column: PowerColumn, name: str, answer: dict[str, Any], columns: Sequence[PowerColumn]) -> PowerColumn:
    """The column with its answer. Of several that count each is asked what it feeds: of one circuit only the first
    would count."""
    column = replace(column, **answer)
    if name == "role" and column.role == "software":
        return replace(column, circuit=CIRCUIT)
    is_second = any(one.role == "added" and one.circuit == column.circuit for one in columns)
    return replace(column, circuit=OPEN) if name == "role" and column.role == "added" and is_second else column


def propose(source: SourceFile) -> Proposal:
    """What a CSV seems to be.

    Raises:
        ImportFileError: no table, no column of times, none of power; with what was found.
    """
    require_known(source, lines_of(source))
    form, seen = form_of(source)
    if footer := footer_in(source, form):
        form = replace(form, footer=footer[1])
        seen.append(f"a footer from line {footer[0]} on")
    rows = head_of(source, form)
    require_readings(source.path, form.header or 1, rows.names)
    form = replace(form, decimal=decimal_of(rows))
    form = replace(form, thousands=thousands_of(rows, form))
    rows = replace(rows, form=form)
    time = time_of(rows)
    columns = columns_of(rows, [time.column] if isinstance(time.column, str) else time.column)
    if not columns:
        raise ImportFileError(
            f"{source.path}:{form.header or 1}: no column of power or energy among {rows.known}; write "
            "power-csv.toml by hand (docs/importing.md)"
        )
    columns, devices, told = by_device(source, rows, time, columns)
    columns = [replace(column, stamp="start") for column in columns] if begins_rows(rows, time) else columns
    hints = suggestions(rows, columns, devices)
    columns = with_volts(rows, columns, [at for at, hint in enumerate(hints) if hint.role == "added"])
    columns = [with_open(column, hint, is_alone=len(columns) == 1) for column, hint in zip(columns, hints, strict=True)]
    mapping = PowerCsv(schema=1, file=form, time=time, power=columns)
    rates = [
        f"{column.column!r} has {sum(text != '' for text in rows.texts(column.column))} of the first "
        f"{counted(len(rows.numbers), 'row')}"
        for column in columns
        if column.column != OPEN and not column.where
    ]
    unused = [] if columns[0].column == OPEN else _unused(rows, mapping)
    left = [f"not used: {listed(unused, 12)}"] if unused else []
    proposal = Proposal(mapping, (*seen, *rates, *left, *told), rows, tuple(hints), devices)
    return replace(proposal, seen=(*proposal.seen, *_below_zero(proposal)))


def _below_zero(proposal: Proposal) -> Iterator[str]:
    """What is said of powers that are below 0, where they can be read."""
    for column, seems in zip(proposal.mapping.power, proposal.suggestions, strict=True):
        if column.unit not in POWERS or seems.role not in ("added", ""):
            continue
        try:
            yield from (text for _, text in direction_notes(column, proposal.values_of(column)[1]))
        except ImportFileError:
            continue


def _unused(rows: Rows, mapping: PowerCsv) -> list[str]:
    """The columns of which the proposal makes nothing."""
    times = [mapping.time.column] if isinstance(mapping.time.column, str) else mapping.time.column
    used = {*times}.union(*({one.column, one.voltage, one.current, *one.where} for one in mapping.power))
    return [name for name in rows.names if name and name not in used]


def _questions(proposal: Proposal) -> Iterator[Question]:
    mapping, rows = proposal.mapping, proposal.rows
    first = rows.joined(mapping.time.column)[0]
    if mapping.file.decimal == OPEN:
        text = "Three digits stand behind the only sign of every number, as of thousands: which is the decimal sign?"
        yield Question("file.decimal", text, (",", "."))
    if mapping.time.format == OPEN and mapping.time.start:
        text = f"In which unit are the times of {mapping.time.column!r}, such as {first!r}?"
        yield Question("time.format", text, ELAPSED)
    elif mapping.time.format == OPEN:
        forms = tuple(formats_of(rows.joined(mapping.time.column)))
        text = f"{first!r}: is the first number the day or the month?"
        if any(form.startswith("%y") for form in forms):
            text = f"{first!r}: which number is the day, which the month, which the year?"
        if not forms:
            text = f"How is {first!r} read? Say it as strptime does, such as %d.%m.%Y %H:%M:%S"
        yield Question("time.format", text, forms)
    if mapping.time.start == OPEN:
        yield Question("time.start", "When does the record begin? Such as 2026-11-21T10:00:00")
    if mapping.time.zone == OPEN:
        text = f"In which time zone are stamps such as {first!r}? Europe/Berlin, +01:00, UTC, or unknown"
        if mapping.time.start:
            text = "In which time zone is that beginning? Europe/Berlin, +01:00, UTC, or unknown"
        yield Question("time.zone", text)
    for at, column in enumerate(mapping.power):
        yield from _about(proposal, at, column)


def _about(proposal: Proposal, at: int, column: PowerColumn) -> Iterator[Question]:
    """What a column does not say of itself."""
    texts, name, seems = proposal.texts_of(column), _name_of(proposal, column), proposal.suggestions[at]
    if column.column == OPEN:
        names = numeric_columns(proposal.rows, proposal.times)
        shown = ", ".join(f"{one} ({proposal.rows.texts(one)[0]})" for one in names)
        yield Question(f"power[{at}].column", f"Which column is the power or energy: {shown}?", tuple(names))
    if column.unit == OPEN:
        value = f" (first value {texts[0]})" if texts else ""
        yield Question(f"power[{at}].unit", f"In which unit is {name!r}{value}?", UNITS)
    if column.role == OPEN:
        text = f"Does {name!r} count (added), stand beside what counts (check), or is it what software says (software)?"
        yield Question(f"power[{at}].role", f"{text} {seems.reason}".strip(), ROLES, seems.role)
    if column.circuit == OPEN:
        text = (
            f"Which circuit does {name!r} measure: {CIRCUIT} (the whole machine), or one with a name of its own? Those "
            "that count are summed where their circuits differ; of one circuit the first counts"
        )
        yield Question(f"power[{at}].circuit", text, (), seems.circuit or slug(name))
    if column.reads != OPEN:
        return
    if column.unit == OPEN:
        text = f"What is a row of {name!r}? Of power: {', '.join(OF_POWER)}; of energy: {', '.join(OF_ENERGY)}"
        yield Question(f"power[{at}].reads", text, (*OF_POWER, *OF_ENERGY))
    elif column.unit in POWERS:
        text = (
            f"What is a value of {name!r}: the mean of the time since the row before or of a window (mean), a "
            "momentary value (instant), or one that is written when it changes (on-change)?"
        )
        yield Question(f"power[{at}].reads", text, OF_POWER)
    else:
        hint = "so it looks" if _is_rising(proposal, column) else "it does not look so"
        text = f"Is {name!r} a counter that goes up (counter; {hint}), or the energy since the row before (per-row)?"
        yield Question(f"power[{at}].reads", text, OF_ENERGY)


def _name_of(proposal: Proposal, column: PowerColumn) -> str:
    """What a question calls a column: its heading, or the text beside its values."""
    if proposal.devices:
        return f"{column.column} of {proposal.devices} {column.where[proposal.devices]}"
    return next(iter(column.where.values()), column.column)


def _is_rising(proposal: Proposal, column: PowerColumn) -> bool:
    """Whether numbers go up and never down; not where they cannot be read."""
    try:
        values = proposal.values_of(column)[1]
    except ImportFileError:
        return False
    values = values[np.isfinite(values)]
    return bool(values.size and np.all(np.diff(values) >= 0) and values[-1] > values[0])


def asked(proposal: Proposal, ask: Callable[[Question], str], refuse: Callable[[str], None]) -> Proposal:
    """The proposal with every question answered by `ask`; an answer by which times cannot be read, or
    no column would count, is refused with the reason and asked again."""
    while proposal.questions:
        question = proposal.questions[0]
        answered = proposal.answered(question.key, ask(question))
        try:
            if question.key.startswith("time."):
                answered.require_times()
            if not any(column.role in ("added", OPEN) for column in answered.mapping.power):
                raise ImportFileError("No other column counts, so this one has to: answer added.")
        except ImportFileError as error:
            refuse(str(error))
        else:
            proposal = answered
    return proposal
