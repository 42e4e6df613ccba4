"""power-csv.toml: what the columns of a CSV of power are, as records.

Knows the tables and keys of the file, and what contradicts itself in them. Knows no CSV and no run folder.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, TypeAlias

from harness.record.codec import Mistakes, of_schema, read_toml, record
from harness.record.documents import Json
from harness.record.errors import ConfigError, ImportFileError

NAME = "power-csv.toml"
"""The mapping of the CSV files beside it."""
OPEN: Literal["?"] = "?"
"""What the wizard writes where the file itself does not tell; an import refuses it."""
ANY = "*"
"""In `where`: whatever the column says."""
PowerUnit: TypeAlias = Literal["W", "kW", "mW", "MW"]
EnergyUnit: TypeAlias = Literal["J", "kJ", "MJ", "mJ", "uJ", "Ws", "Wh", "kWh", "mWh", "MWh"]
Unit: TypeAlias = Literal[
    "?", "W", "kW", "mW", "MW", "J", "kJ", "MJ", "mJ", "uJ", "Ws", "Wh", "kWh", "mWh", "MWh"
]  # fmt: skip
SI: dict[str, float] = {
    "W": 1.0, "kW": 1e3, "mW": 1e-3, "MW": 1e6,
    "J": 1.0, "kJ": 1e3, "MJ": 1e6, "mJ": 1e-3, "uJ": 1e-6, "Ws": 1.0,
    "Wh": 3600.0, "kWh": 3.6e6, "mWh": 3.6, "MWh": 3.6e9,
}  # fmt: skip
"""Unit -> W or J."""
POWERS = frozenset({"W", "kW", "mW", "MW"})
OF_POWER = ("mean", "instant", "on-change")
OF_ENERGY = ("counter", "per-row")
CIRCUIT = "sut-ac-inlet"


@dataclass(frozen=True, slots=True, kw_only=True)
class FileForm:
    """How a CSV is written."""

    delimiter: str = ","
    """Between fields; `" "` is any run of blanks, `"\\t"` a tab."""
    decimal: Literal["?", ".", ","] = "."
    """Between whole numbers and decimals."""
    thousands: Literal["", ".", ",", " ", "'", "_"] = ""
    """Between thousands."""
    header: int = field(default=1, metadata={"minimum": 0})
    """The line of the header; 0: there is none, and columns are called by their number: `"1"`, `"2"`."""
    footer: str = ""
    """How the first line of a footer begins: it and all behind it are left out."""
    comment: str = "#"
    """Lines that begin so are passed over."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TimeColumn:
    """A column of times, or several that are joined by a blank (date and time)."""

    column: str | list[str]
    """Its name in the header."""
    format: str
    """`iso`; `epoch-s`, `epoch-ms`, `epoch-us`, `epoch-ns`; `elapsed-s`, `-ms`, `-us`, `-ns`, `-min`, `-h`; or as
    strptime: `%d.%m.%Y %H:%M:%S`."""
    zone: str = ""
    """Of stamps that do not say theirs: `Europe/Berlin`, `+01:00`, `UTC`; `unknown`: it is not known, and the clock's
    own time is kept."""
    start: str = ""
    """Of elapsed times: when they begin, as ISO 8601 in `zone`."""
    shift_s: float = 0.0
    """Is added, where a clock is known to be off, s."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Accuracy:
    """Limits of error that the meter's maker states."""

    reading_percent: float = 0.0
    """Of the reading, %."""
    range_percent: float = 0.0
    """Of the range (`range_w`), %."""
    counts: float = 0.0
    """Digits of the resolution."""
    source: str = ""
    """Where it stands."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PowerColumn:
    """A column of power or energy: a meter."""

    column: str
    """Its name in the header."""
    unit: Unit
    """W, kW, mW, MW; or J, kJ, MJ, mJ, uJ, Ws, Wh, kWh, mWh, MWh."""
    reads: Literal["?", "mean", "instant", "on-change", "counter", "per-row"]
    """Power: `mean` of a window, `instant` values, `on-change` (holds until the next row). Energy: `counter` that goes
    up, or `per-row`: since the row before."""
    meter: str = ""
    """What the meter is called; without it by its column."""
    role: Literal["?", "added", "check", "software"] = "added"
    """`added`: its energy counts. `check`: stands beside. `software`: is no external meter, but what software says."""
    circuit: str = CIRCUIT
    """What it feeds. Added meters of different circuits are summed; of one circuit the first counts."""
    where: dict[str, str] = field(default_factory=dict)
    """Only rows in which these columns hold these texts (tables with a column of names, or of devices, and one of
    values); `*`: any text, where a column of devices is to be read as one meter."""
    window_s: float | None = field(default=None, metadata={"minimum": 1e-6})
    """Of `mean`: the length of the window; without it the time since the row before."""
    stamp: Literal["end", "start", "unknown"] = "unknown"
    """Which end of its window a stamp marks; at the `start` of means without a length, and of energies by row, the time
    until the next row begins."""
    reversed: bool = False
    """Whether the meter was connected the wrong way round (a clamp, polarity): values are taken times -1."""
    same_time: Literal["refuse", "first", "last", "mean"] = "refuse"
    """What counts of rows with one stamp and different values; `mean` is that of power, voltage and current alike."""
    wraps_at: float | None = field(default=None, metadata={"minimum": 1e-9})
    """Where a counter begins again at zero, in its unit; without it a step back is a gap."""
    name: str = ""
    """Of `software`: the name of its column among the indicators."""
    voltage: str = ""
    """Column of the voltage, V."""
    current: str = ""
    """Column of the current, A."""
    range_w: float | None = field(default=None, metadata={"minimum": 1e-9})
    """Largest power of the range, W."""
    range_v: float | None = field(default=None, metadata={"minimum": 1e-9})
    """Full scale of the voltage, V."""
    range_a: float | None = field(default=None, metadata={"minimum": 1e-9})
    """Full scale of the current, A."""
    accuracy: Accuracy | None = None
    time: TimeColumn | None = None
    """Where this column has stamps of its own."""
    maker: str = ""
    """Of the instrument."""
    model: str = ""
    """Of the instrument."""
    serial: str = ""
    """Of the instrument."""
    firmware: str = ""
    """Of the instrument."""

    @property
    def is_energy(self) -> bool:
        """Whether its unit is one of energy."""
        return self.unit not in POWERS

    @property
    def begins_at_stamp(self) -> bool:
        """Whether a row is a mean or an energy of the time from its stamp to the next row."""
        return self.stamp == "start" and (self.reads == "per-row" or (self.reads == "mean" and self.window_s is None))

    @property
    def si(self) -> float:
        """What one of its unit is in W or J."""
        return SI[self.unit]

    @property
    def factor(self) -> float:
        """What its numbers are multiplied by, in W or J."""
        return -self.si if self.reversed else self.si

    @property
    def taken_as(self) -> str:
        """How its numbers are read, in words."""
        return f"{self.unit}, {self.reads}" + (", reversed" if self.reversed else "")


@dataclass(frozen=True, slots=True, kw_only=True)
class Stated:
    """An energy in the file of events that somebody else computed."""

    column: str
    """Its name in the header."""
    unit: EnergyUnit
    """Of the column."""
    publisher: str
    """Who states it."""
    rule: Literal["rows-inside", "since-previous"]
    """How its publisher counts."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TrackerColumns:
    """What trackers said of each run, in the file of events."""

    name: str
    """The column with the tracker's name."""
    energy: str
    """The column with the energy it reported."""
    unit: EnergyUnit
    """Of that column."""
    factor: str = ""
    """The column with the factor (PUE) that it multiplied by; an empty cell is 1."""
    factors: dict[str, float] = field(default_factory=dict)
    """Tracker, as the column names it, -> its factor, where no cell says it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Events:
    """The file that says from when to when a run went."""

    file: str
    """Beside the mapping."""
    begin: str | list[str]
    """Column of the begin."""
    end: str | list[str] = ""
    """Column of the end."""
    duration: str = ""
    """Or column of the length, s."""
    format: str
    """Of begin and end, as `[time] format`."""
    zone: str = ""
    """As `[time] zone`."""
    shift_s: float = 0.0
    """Is added to begin and end, s."""
    scenario: str | list[str]
    """Column of the scenario; several are joined by `-`."""
    repetition: str = ""
    """Column of the repetition; without it by time."""
    baseline: str = ""
    """Column that says `yes` of a baseline block."""
    csv: FileForm = field(default_factory=FileForm)
    stated: Stated | None = None
    tracker: TrackerColumns | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SoftwareLog:
    """A log of software that said the power of the same machine."""

    format: str
    """Which reader."""
    file: str
    """Beside the mapping."""
    name: str = ""
    """What the stream is called; without it as the format."""
    begin: str = ""
    """Of logs whose stamps have no date: when they begin on their machine's wall clock, as ISO 8601."""
    zone: str = ""
    """As `[time] zone`, of stamps that do not say theirs."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PowerCsv:
    """power-csv.toml."""

    schema: int
    """1."""
    file: FileForm = field(default_factory=FileForm)
    time: TimeColumn
    power: list[PowerColumn]
    events: Events | None = None
    software: list[SoftwareLog] = field(default_factory=list)
    sut: Json = field(default_factory=dict)
    """Free: what the machine is, with the keys of docs/run-folder.md."""


def read_mapping(path: Path) -> tuple[PowerCsv, bytes]:
    """The mapping and its verbatim bytes.

    Raises:
        ImportFileError: every mistake with file, TOML path, what was found, what is expected.
    """
    try:
        source, raw = read_toml(path, "`wattlab import power-csv FILE --propose` writes one from the first lines")
        mistakes = Mistakes()
        mapping = record(PowerCsv, of_schema(path, raw, mistakes), str(path), "", mistakes)
        if not mistakes:
            for place, text in _contradictions(mapping):
                mistakes.at(str(path), place, text)
        mistakes.raise_all(path)
    except ConfigError as error:
        raise ImportFileError(str(error)) from None
    return mapping, source


def _contradictions(mapping: PowerCsv) -> Iterator[tuple[str, str]]:
    """TOML path and what is wrong there."""
    if not mapping.power:
        yield "power", "found no [[power]], expected one for each column that counts"
    for at, column in enumerate(mapping.power):
        yield from ((f"power[{at}].{key}", text) for key, text in _of_column(column))
    if mapping.power and not any(column.role in ("added", OPEN) for column in mapping.power):
        yield "power", 'no column has role = "added"; one of them has to be the meter whose energy counts'
    events = mapping.events
    if events is not None and bool(events.end) == bool(events.duration):
        yield "events", "expected either end or duration, the name of a column"
    if events is not None and events.tracker is not None and any(f <= 0 for f in events.tracker.factors.values()):
        yield "events.tracker.factors", "found a factor that is not above 0"
    for place, form in (("file", mapping.file), ("events.csv", FileForm() if events is None else events.csv)):
        if form.decimal == OPEN:
            yield f"{place}.decimal", f"found {OPEN!r}: say which sign stands before decimals, '.' or ','"
    if mapping.file.thousands == mapping.file.decimal:
        yield "file.thousands", f"found {mapping.file.thousands!r}, which is the decimal sign too"
    if not mapping.file.delimiter:
        yield "file.delimiter", 'found "", expected the character between fields'


def _of_column(column: PowerColumn) -> Iterator[tuple[str, str]]:
    if column.column == OPEN:
        yield "column", f"found {OPEN!r}: say which column it is"
        return
    if column.unit == OPEN:
        yield "unit", f"found {OPEN!r}: say in which unit column {column.column!r} is, such as W or kWh"
        return
    if column.role == OPEN:
        yield "role", f"found {OPEN!r}: say whether {column.column!r} counts (added), or is check or software"
    if column.circuit == OPEN and column.role != "software":
        yield "circuit", f"found {OPEN!r}: say what {column.column!r} measures; {CIRCUIT} is the whole machine"
    allowed = OF_ENERGY if column.is_energy else OF_POWER
    if column.reads == OPEN:
        yield "reads", f"found {OPEN!r}: say what a row of {column.column!r} is: {' or '.join(allowed)}"
    elif column.reads not in allowed:
        yield "reads", f"found {column.reads!r} of a column in {column.unit}, expected {' or '.join(allowed)}"
    if column.window_s is not None and column.reads != "mean":
        yield "window_s", f"only means have a window; this column reads {column.reads!r}"
    if column.accuracy is not None and column.accuracy.counts and column.reads == "counter":
        yield (
            "accuracy.counts",
            "a counter has no digits of a power; its own step counts at both ends of a run",
        )
    if column.same_time == "mean" and column.is_energy:
        yield (
            "same_time",
            "energies are not averaged; expected first or last (of a counter the last is what it counted by then)",
        )
    if column.wraps_at is not None and column.reads != "counter":
        yield "wraps_at", f"only a counter wraps; this column reads {column.reads!r}"
    if (column.range_v and not column.voltage) or (column.range_a and not column.current):
        yield "voltage", "a range of volts or amperes needs the column with them: voltage, current"
    if column.role == "software" and column.reads in ("on-change", "per-row"):
        yield "reads", f"found {column.reads!r} of a software meter, expected mean, instant or counter"
