"""Yokogawa WT310, WT332, WT333 (E, EH and HC too) and, as an older dialect, WT210: lines of text, polled.

Knows: the commands (IM WT310E-17EN, IM 760401-01E chapter 14), ranges, limits of error, how a reply is known to answer
its question. Does not know: who reads, other meters, VXI-11 (what the Ethernet port of a WT310 speaks;
`socket://` here is a serial line behind a server).

A reading follows the instrument's own updates: `:COMM:WAIT 1` holds the answer back until the next one is complete
(bit 0, UPD, of the extended event register), so that each update is read once and its end is the time stamp. Polling
that bit instead misses it: on a WT3000 it was seen set in none of 3556 questions over ten updates.

The protocol has no checksum and no sequence number, and instruments of this family have been seen one reply late
(mlcommons/power-dev: `Buffer was 1.000E+00;1;300.0E+00;1`). So each question sets `*ESE` to its own number and asks for
it back: a reply with another number answers an earlier question. All values are asked for twice in one question and
must be the same, character by character. Zeroing, calibration, `*RST` and stored set-ups can not be sent.

Proved by a real conversation of a WT333E: the identity, the forms of settings and of headers. From the manuals and
from published clients (intel/yoko-tool), never seen on a wire here: `*ESE` as a number of the question, `:COMM:WAIT`,
the integrator, every word of the WT210. Only hardware settles: that a WT210 is in its 488.2 mode (set on its panel; in
another mode it answers nothing), that it knows `:COMM:WAIT`, its identity and condition bits, and how a voltage or
current below 0.5 % of the range is shown. A small current range that is overloaded is left by a WT310 for auto-ranging
of its own accord (IM WT310E-01EN 2-7): readings are `overrange` until then, the description goes on to say fixed.
A window is whole periods of the sync source inside one update; it is taken as the update interval.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import partial
from typing import Literal

from meters import host
from meters.access import ANYBODY, Access
from meters.deadline import Deadline
from meters.dialogue import SHORTEST_INTERVAL_S, DialogueMeter
from meters.line_dialogue import LineDialogue, Terms
from meters.meter import Meter, MeterError, MeterGarbage, MeterOptionError, MeterRefused, MeterTimeout
from meters.options import Option, Value, number, read_options, whole, word
from meters.reading import Accuracy, Column, Description, Identity, RangeChoice, Reading
from meters.serial_wire import Line
from meters.splitters import LineSplitter
from meters.usbtmc_wire import USBTMC_PREFIX, open_wire
from meters.wire import Chunk, Wire
from meters.wire_log import Sink

WT310 = "wt310"
WT210 = "wt210"
LINE_LIMIT = 1024

QUIET_S = 0.1
STALL_S = 0.3
ANSWER_S = 1.0
ATTEMPTS = 3
INTEGRATOR_START_S = 0.2  # until the integrator says that it runs
FIRST_TAG, TAGS = 100, 100

AUTO = "auto"
ON, OFF = "ON", "OFF"

SHARED_OPTIONS: Mapping[str, Option] = {
    "baud": Option(
        9600, "bits per second of the RS-232 line; no matter on USB and Ethernet", low=1200, high=57600, whole=True
    ),
    "voltage_range_v": Option(AUTO, "measuring range in V; auto or 0: the instrument's choice", 0, 1000, (AUTO,)),
    "current_range_a": Option(AUTO, "measuring range in A; auto or 0: the instrument's choice", 0, 100, (AUTO,)),
    "crest_factor": Option(3, "crest factor, 3 or 6", low=3, high=6, whole=True),
    "rate_s": Option(1.0, "update interval in s", low=0.1, high=20.0),
    "averaging": Option("off", "moving average over updates", choices=("off", "lin", "exp")),
    "averaging_count": Option(
        8, "updates in a linear average, or attenuation of an exponential one", low=8, high=64, whole=True
    ),
    "sync": Option("voltage", "signal whose periods are measured", choices=("voltage", "current", "off")),
    "line_filter": Option("off", "500 Hz low-pass in the measuring circuit; costs accuracy", choices=("off", "on")),
    "frequency_filter": Option("on", "500 Hz low-pass before the zero-crossing detector", choices=("off", "on")),
    "integration": Option(0, "1: start the integrator, its watt hours are energy_wh", low=0, high=1),
}
WT310_OPTIONS: Mapping[str, Option] = {
    **SHARED_OPTIONS,
    "element": Option(1, "input element, 1 to 3", low=1, high=3, whole=True),
}
WT210_OPTIONS = SHARED_OPTIONS


# --- what is fixed about a model ------------------------------------------------------------------------------------

VOLTAGES = (15.0, 30.0, 60.0, 150.0, 300.0, 600.0)
CURRENTS_FINE = (0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 20.0)
CURRENTS = CURRENTS_FINE[6:]
CURRENTS_HIGH = (1.0, 2.0, 5.0, 10.0, 20.0, 40.0)
RATES = (0.1, 0.25, 0.5, 1.0, 2.0, 5.0)
RATES_E = (*RATES, 10.0, 20.0)
COUNTS = (8, 16, 32, 64)
LINE_FILTER_PERCENT = 0.3  # IM WT310E-02EN 7-8, IM WT310-02EN 7-8, IM 760401-01E 16-4, 45 to 66 Hz

_E_PAGES = "IM WT310E-02EN 7-7, 7-8: 12 months, 45 to 66 Hz; below power factor 1 add 0.1 % of the reactive power"
_OLD_PAGES = "IM WT310-02EN 7-7, 7-8: 12 months, 45 to 66 Hz; below power factor 1 add 0.2 % of the reactive power"
_WT210_PAGE = "IM 760401-01E 16-4: 12 months, 45 to 66 Hz; below power factor 1 add 0.2 % of the reactive power"


@dataclass(frozen=True, slots=True)
class Model:
    """Limits of error of the power at crest factor 3 without line filter, in percent; ranges at crest factor 3.

    Ranges: IM WT310E-01EN 2-6, 2-7; elements: IM WT310-02EN 7-9. `elements` are the input elements that are there,
    `digits` those of a value.
    """

    reading_percent: float
    range_percent: float
    source: str
    currents: tuple[float, ...]
    rates: tuple[float, ...]
    elements: tuple[int, ...] = (1,)
    digits: int = 5

    def voltage_ranges(self, crest_factor: float) -> tuple[float, ...]:
        """Return the voltage ranges in V; crest factor 6 halves them."""
        return tuple(volts * (3 / crest_factor) for volts in VOLTAGES)

    def current_ranges(self, crest_factor: float) -> tuple[float, ...]:
        """Return the current ranges in A; crest factor 6 halves them."""
        return tuple(amperes * (3 / crest_factor) for amperes in self.currents)

    def accuracy(self, crest_factor: float, line_filter: bool) -> Accuracy:
        """Return the limits of error of the power; crest factor 6 doubles the part of the range."""
        reading_percent = self.reading_percent + (LINE_FILTER_PERCENT if line_filter else 0.0)
        return Accuracy(reading_percent, self.range_percent * (crest_factor / 3), 0.0, self.source)


MODELS: Mapping[str, Model] = {
    "WT310E": Model(0.1, 0.05, _E_PAGES, CURRENTS_FINE, RATES_E),
    "WT310EH": Model(0.1, 0.05, _E_PAGES, CURRENTS_HIGH, RATES_E),
    "WT332E": Model(0.1, 0.05, _E_PAGES, CURRENTS, RATES_E, (1, 3)),
    "WT333E": Model(0.1, 0.05, _E_PAGES, CURRENTS, RATES_E, (1, 2, 3)),
    "WT310": Model(0.1, 0.1, _OLD_PAGES, CURRENTS_FINE, RATES),
    "WT310HC": Model(0.1, 0.1, _OLD_PAGES, CURRENTS_HIGH, RATES),
    "WT332": Model(0.1, 0.1, _OLD_PAGES, CURRENTS, RATES, (1, 3)),
    "WT333": Model(0.1, 0.1, _OLD_PAGES, CURRENTS, RATES, (1, 2, 3)),
}
# The page gives 3 months; 12 months add half of the reading error. It names itself by its model code.
_WT210_MODEL = Model(0.15, 0.1, _WT210_PAGE, CURRENTS_FINE, RATES, digits=4)
WT210_MODELS: Mapping[str, Model] = {"760401": _WT210_MODEL, "WT210": _WT210_MODEL}


# --- dialects -------------------------------------------------------------------------------------------------------

Quantity = Literal[
    "voltage_v", "current_a", "power_w", "apparent_power_va", "power_factor", "frequency_hz", "energy_wh"
]
QUANTITIES: tuple[Quantity, ...] = (
    *("voltage_v", "current_a", "power_w", "apparent_power_va", "power_factor", "frequency_hz"),
    "energy_wh",
)


@dataclass(frozen=True, slots=True)
class Dialect:
    """How one family spells what is said to it: headers of settings, names of values in the order they come."""

    driver: str
    models: Mapping[str, Model]
    headers: Mapping[str, str]
    items: tuple[str, ...]
    values: str
    integrator_state: str
    hint: str


WT310_DIALECT = Dialect(
    driver=WT310,
    models=MODELS,
    headers={
        **{"hold": ":HOLD", "max_hold": ":MEAS:MHOL", "mode": ":INP:MODE", "scaling": ":INP:SCAL:STAT"},
        **{"crest_factor": ":INP:CFAC", "rate": ":RATE", "sync": ":INP:SYNC"},
        **{"voltage_auto": ":INP:VOLT:AUTO", "voltage_range": ":INP:VOLT:RANG"},
        **{"current_auto": ":INP:CURR:AUTO", "current_range": ":INP:CURR:RANG"},
        **{"line_filter": ":INP:FILT:LINE", "frequency_filter": ":INP:FILT:FREQ"},
        **{"averaging": ":MEAS:AVER:STAT", "averaging_type": ":MEAS:AVER:TYPE", "averaging_count": ":MEAS:AVER:COUN"},
    },
    items=("U", "I", "P", "S", "LAMB", "FU", "WH"),
    values=":NUM:NORM:VAL?",
    integrator_state=":INTEG:STAT?",
    hint="if it does not know the command, set its command type to WT300 on the panel",
)
WT210_DIALECT = Dialect(
    driver=WT210,
    models=WT210_MODELS,
    headers={
        **{"hold": ":SAMP:HOLD", "max_hold": ":CONF:MHOL", "mode": ":CONF:MODE", "scaling": ":CONF:SCAL:STAT"},
        **{"crest_factor": ":CONF:CFAC", "rate": ":SAMP:RATE", "sync": ":CONF:SYNC"},
        **{"voltage_auto": ":CONF:VOLT:AUTO", "voltage_range": ":CONF:VOLT:RANG"},
        **{"current_auto": ":CONF:CURR:AUTO", "current_range": ":CONF:CURR:RANG"},
        **{"line_filter": ":CONF:LFIL", "frequency_filter": ":CONF:FILT"},
        **{"averaging": ":CONF:AVER:STAT", "averaging_type": ":CONF:AVER:TYPE"},
    },
    items=("V", "A", "W", "VA", "PF", "VHZ", "WH"),
    values=":MEAS:VAL?",
    integrator_state="",  # it has no such question; the condition register says whether the integrator runs
    hint="set its communication to the 488.2 mode on the panel",
)
WT210_OTHER_ITEMS = ("VAR", "DEGR", "AHZ", "VPK", "APK", "WHP", "WHM", "AH", "AHP", "AHM", "MATH", "TIME")


def find_model(dialect: Dialect, identity: Identity) -> Model:
    """Return what is fixed about the model of this identity; raises `MeterGarbage` for one of another family."""
    model = dialect.models.get(identity.model.partition("-")[0])
    if model is None:
        known = ", ".join(dialect.models)
        raise MeterGarbage(
            f"found a {identity.model}, expected one of {known}; name its driver instead of {dialect.driver}, or "
            + dialect.hint
        )
    return model


# What may be sent. No zeroing (*CAL?), no reset (*RST), no stored set-up (*SAV, *RCL, :STOR, :FILE) is among it.
_FIXED_UNITS = frozenset(
    {
        *("*CLS", "*IDN?", "*ESE?", ":STAT:ERR?", ":STAT:EESR?", ":STAT:COND?", ":STAT:FILT1?", ":STAT:FILT1 FALL"),
        *(":COMM:REM ON", ":COMM:REM OFF", ":COMM:HEAD OFF", ":COMM:WAIT 1"),
        *(":NUM:FORM?", ":NUM:FORM ASCII", WT310_DIALECT.values, WT210_DIALECT.values, ":INTEG:STAT?"),
        *(":INTEG:MODE?", ":INTEG:MODE NORM", ":INTEG:TIM?", ":INTEG:TIM 0,0,0"),
        *(":INTEG:RES", ":INTEG:STAR", ":INTEG:STOP"),
    }
)
_SETTINGS = frozenset({*WT310_DIALECT.headers.values(), *WT210_DIALECT.headers.values()})
_ALLOWED_UNIT = re.compile(
    r"\*ESE [0-9]{1,3}|:NUM:NORM:NUM(\?| [0-9]{1,2})|:NUM:NORM:ITEM[0-9]{1,2}(\?| [A-Z]{1,4},[1-3])"
    r"|:MEAS:ITEM:[A-Z]{1,4}(\?| ON| OFF)"
)
_ARGUMENT = re.compile(r"[A-Z0-9.,]{1,16}")


# --- codec: bytes <-> values ----------------------------------------------------------------------------------------


def encode(units: Sequence[str]) -> bytes:
    """Return one message; raises `MeterRefused` for a command this driver never sends."""
    for unit in units:
        header, _space, argument = unit.partition(" ")
        setting = header.removesuffix("?") in _SETTINGS
        plain = not argument if header.endswith("?") else _ARGUMENT.fullmatch(argument) is not None
        if not (unit in _FIXED_UNITS or _ALLOWED_UNIT.fullmatch(unit) or (setting and plain)):
            raise MeterRefused(f"yokogawa: this driver does not send {unit!r}; it only sets up and reads")
    return (";".join(units) + "\n").encode("ascii")


def decode_identity(body: bytes) -> Identity:
    """Return the identity in the reply to `*IDN?`; raises `MeterGarbage` unless a Yokogawa gives its four fields."""
    fields = body.decode("ascii", errors="replace").strip().split(",")
    if len(fields) != 4 or fields[0] != "YOKOGAWA" or not all(_IDENTITY_FIELD.fullmatch(part) for part in fields[1:]):
        raise MeterGarbage(f"found {_shown(body)}, expected `YOKOGAWA,<model>,<serial>,F<firmware>`")
    _maker, model, serial, firmware = fields
    return Identity("Yokogawa", model, "" if serial == "0" else serial, firmware)


_IDENTITY_FIELD = re.compile(r"[A-Za-z0-9 ./-]{1,40}")


def decode_reply(body: bytes, count: int) -> tuple[str, ...]:
    """Return the answers in a reply to `count` questions, without headers.

    Raises `MeterGarbage` on another number of answers: then the reply answers something else, or was cut.
    """
    try:
        text = body.decode("ascii").strip("\r")
    except UnicodeDecodeError as error:
        raise MeterGarbage(f"found {_shown(body)}, expected text") from error
    if not _PRINTABLE.fullmatch(text):
        raise MeterGarbage(f"found {_shown(body)}, expected printable text")
    answers = tuple(_HEADER.sub("", part, count=1) for part in _ANSWER.findall(text))
    if len(answers) != count or ";".join(_ANSWER.findall(text)) != text:
        raise MeterGarbage(
            f"found {_shown(body)} with {len(answers)} answers, expected {count}: replies are out of step with "
            "questions, or a reply was cut"
        )
    return answers


_PRINTABLE = re.compile(r"[\x20-\x7e]+")
_ANSWER = re.compile(r"(?:[^;\"]|\"[^\"]*\")+")
_HEADER = re.compile(r"^:?[A-Z][A-Z0-9:]* (?=.)")


def decode_tag(answer: str) -> int:
    """Return the number of the question a reply answers; raises `MeterGarbage` if there is none."""
    if not re.fullmatch(r"[0-9]{3}", answer) or not FIRST_TAG <= int(answer) < FIRST_TAG + TAGS:
        raise MeterGarbage(f"found {answer[:40]!r} at the end of a reply, expected the number of the question")
    return int(answer)


def decode_register(answer: str) -> int:
    """Return a status register; raises `MeterGarbage`."""
    if not re.fullmatch(r"[0-9]{1,5}", answer) or int(answer) > 0xFFFF:
        raise MeterGarbage(f"found {answer[:40]!r}, expected a register from 0 to 65535")
    return int(answer)


Lack = Literal["no data", "over"]
_NUMBER = re.compile(r"-?[0-9]{1,6}(?:\.[0-9]{1,6})?E[+-][0-9]{2}")
_LACKS: Mapping[str, Lack] = {"NAN": "no data", "INF": "over", "OL": "over", "OF": "over"}
NO_DATA, OVER = 9.91e37, 9.9e37  # IM 253421-01E 14-29: no data, and overrange or computation over
LARGEST = 1e9


def decode_value(text: str) -> float | Lack:
    """Return one value, or why there is none; raises `MeterGarbage` on what is no plausible number."""
    text = text.strip(" ")
    lack = _LACKS.get(text.strip("+-"))
    if lack is not None:
        return lack
    if not _NUMBER.fullmatch(text):
        raise MeterGarbage(f"found the value {text[:40]!r}, expected a number such as 104.75E+00, NAN or INF")
    value = float(text)
    if math.isclose(abs(value), NO_DATA, rel_tol=1e-6):
        return "no data"
    if math.isclose(abs(value), OVER, rel_tol=1e-6):
        return "over"
    if abs(value) > LARGEST:
        raise MeterGarbage(f"found the value {text!r}, expected at most {LARGEST:g}")
    return value


HIGHEST: Mapping[Quantity, float] = {"power_factor": 1.1, "voltage_v": 2000.0, "frequency_hz": 2e5}


def decode_values(answer: str, quantities: Sequence[Quantity]) -> dict[Quantity, float | Lack]:
    """Return the values by quantity; one beside the power that is implausible is `no data`.

    Raises `MeterGarbage` unless there is a value for each.
    """
    fields = answer.split(",")
    if len(fields) != len(quantities):
        raise MeterGarbage(f"found {len(fields)} values in {answer[:60]!r}, expected {len(quantities)}")
    values = {quantity: decode_value(field) for quantity, field in zip(quantities, fields, strict=True)}
    for quantity, highest in HIGHEST.items():
        value = values[quantity]
        if isinstance(value, float) and abs(value) > highest:
            values[quantity] = "no data"
    return values


UPDATED = 1 << 0
INTEGRATING = 1 << 1


def overrange_bits(element: int) -> int:
    """Return the bits OVR, POV, POA of an element in the condition register (IM WT310E-17EN 7-5)."""
    return 0b111 << (6 + 3 * (element - 1))


def to_reading(
    values: Mapping[Quantity, float | Lack], time_ns: int, window_s: float, *, over: bool, stale: bool, counted: bool
) -> Reading:
    """Return the values as a reading.

    `over`: the condition register says that a range is exceeded; `stale`: there was no update since the reading
    before; `counted`: the integrator runs, so its watt hours are the energy of this measurement.
    """
    over = over or any(values.get(name) == "over" for name in ("voltage_v", "current_a", "power_w"))
    power = values["power_w"]
    flags = {"stale"} if stale else set()
    if over:
        flags.add("overrange")
    elif not isinstance(power, float):
        flags.add("nan")
    return Reading(
        time_ns=time_ns,
        power_w=power if isinstance(power, float) and not over else None,
        voltage_v=_number(values, "voltage_v"),
        current_a=_number(values, "current_a"),
        power_factor=_number(values, "power_factor"),
        frequency_hz=_number(values, "frequency_hz"),
        apparent_power_va=_number(values, "apparent_power_va"),
        energy_wh=_number(values, "energy_wh") if counted else None,
        window_s=window_s,
        flags=frozenset(flags),
    )


def _number(values: Mapping[Quantity, float | Lack], quantity: Quantity) -> float | None:
    value = values.get(quantity)
    return value if isinstance(value, float) else None


SHORT_FORM = 3


def same_setting(found: str, wanted: str) -> bool:
    """Whether a setting as the instrument gives it is the one that is wanted: `0` is OFF, `500.0E-03` is 0.5,
    `VOLTAGE` is VOLT."""
    parts, wanted_parts = found.upper().split(","), wanted.upper().split(",")
    return len(parts) == len(wanted_parts) and all(map(_same_word, parts, wanted_parts))


def _same_word(found: str, wanted: str) -> bool:
    if wanted in (ON, OFF):
        return found in (wanted, str(int(wanted == ON)))
    try:
        return math.isclose(float(found), float(wanted), rel_tol=1e-4)
    except ValueError:
        short = min(len(found), len(wanted))  # PHI is not the long form of P: short forms have 3 or 4 letters
        return found == wanted or (short >= SHORT_FORM and found[:short] == wanted[:short])


def _shown(body: bytes) -> str:
    return repr(body[:60])


# --- settings -------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Setup:
    """What the lab wants of an instrument; ranges in V and A, `None` where the instrument chooses."""

    baud: int
    voltage_range_v: float | None
    current_range_a: float | None
    crest_factor: int
    rate_s: float
    averaging: str
    averaging_count: int
    sync: str
    line_filter: bool
    frequency_filter: bool
    integration: bool
    element: int

    @property
    def window_s(self) -> float:
        """How long a reading looks back: an exponential average of attenuation K is as smooth as one over 2K - 1."""
        updates = {"off": 1, "lin": self.averaging_count, "exp": 2 * self.averaging_count - 1}
        return self.rate_s * updates[self.averaging]

    def check(self, dialect: Dialect, name: str, model: Model) -> None:
        """Raise `MeterOptionError` with the list of what the model has, for the first option it does not."""
        places: list[tuple[str, float | None, Sequence[float]]] = [
            ("voltage_range_v", self.voltage_range_v, model.voltage_ranges(self.crest_factor)),
            ("current_range_a", self.current_range_a, model.current_ranges(self.crest_factor)),
            ("rate_s", self.rate_s, model.rates),
            ("element", self.element, model.elements),
        ]
        for option, value, choices in places:
            if value is not None and not any(math.isclose(value, choice) for choice in choices):
                listed = ", ".join(f"{choice:g}" for choice in choices)
                raise MeterOptionError(
                    f"{dialect.driver}: option {option} is {value:g}, expected one of {listed} "
                    f"({name}, crest factor {self.crest_factor})"
                )

    def commands(self, dialect: Dialect) -> Iterator[tuple[str, str]]:
        """Yield header and argument of each setting, in an order in which none undoes another."""
        headers = dialect.headers
        yield headers["hold"], OFF
        yield headers["max_hold"], OFF
        yield headers["mode"], "RMS"
        yield headers["scaling"], OFF
        yield headers["crest_factor"], f"{self.crest_factor}"
        yield headers["rate"], f"{self.rate_s:g}"
        for name, value in (("voltage", self.voltage_range_v), ("current", self.current_range_a)):
            yield headers[f"{name}_auto"], ON if value is None else OFF
            if value is not None:
                yield headers[f"{name}_range"], f"{value:g}"
        yield headers["sync"], {"voltage": "VOLT", "current": "CURR", "off": OFF}[self.sync]
        yield headers["line_filter"], ON if self.line_filter else OFF
        yield headers["frequency_filter"], ON if self.frequency_filter else OFF
        yield from self._averaging(headers)

    def _averaging(self, headers: Mapping[str, str]) -> Iterator[tuple[str, str]]:
        if self.averaging != "off":
            kind, count = self.averaging.upper(), f"{self.averaging_count}"
            if "averaging_count" in headers:
                yield headers["averaging_type"], kind
                yield headers["averaging_count"], count
            else:
                yield headers["averaging_type"], f"{kind},{count}"
        yield headers["averaging"], OFF if self.averaging == "off" else ON


def make_setup(driver: str, values: Mapping[str, Value]) -> Setup:
    """Return the set-up the options ask for; raises `MeterOptionError` where whole numbers were expected."""
    for name, choices in (("crest_factor", (3, 6)), ("averaging_count", COUNTS), ("integration", (0, 1))):
        if values[name] not in choices:
            listed = ", ".join(map(str, choices))
            raise MeterOptionError(f"{driver}: option {name} is {values[name]!r}, expected one of {listed}")
    return Setup(
        baud=whole(values, "baud"),
        voltage_range_v=_range(values["voltage_range_v"]),
        current_range_a=_range(values["current_range_a"]),
        crest_factor=whole(values, "crest_factor"),
        rate_s=number(values, "rate_s"),
        averaging=word(values, "averaging"),
        averaging_count=whole(values, "averaging_count"),
        sync=word(values, "sync"),
        line_filter=word(values, "line_filter") == "on",
        frequency_filter=word(values, "frequency_filter") == "on",
        integration=bool(values["integration"]),
        element=whole(values, "element") if "element" in values else 1,
    )


def _range(value: Value) -> float | None:
    return value if isinstance(value, float) and value > 0 else None


# --- the dialogue ---------------------------------------------------------------------------------------------------


class YokogawaDialogue(LineDialogue[Wire]):
    """What is said on the wire of one instrument (`meters.dialogue.Dialogue`)."""

    terms = Terms("line", "check meter and baud rate")

    def __init__(self, port: str, dialect: Dialect, setup: Setup, sink: Sink | None, access: Access) -> None:
        """Open `port`; raises `MeterOptionError`, `MeterUnavailable`."""
        super().__init__(open_wire(port, Line(setup.baud), sink, access), partial(LineSplitter, b"\n", LINE_LIMIT))
        self._dialect, self._setup = dialect, setup
        self._quantities = QUANTITIES if setup.integration else QUANTITIES[:-1]
        self._tag = FIRST_TAG
        self._model: Model | None = None
        self._greeted = False
        self._started_integrator = False
        self.latency_s = self._reply_bytes * 10 / setup.baud if _is_serial(port) else 0.0
        # Range changes of the instrument leave updates out; two and a margin.
        self.reply_s = 3 * setup.rate_s + ANSWER_S + 2 * self.latency_s

    @property
    def _reply_bytes(self) -> int:
        return 2 * 11 * len(self._quantities) + 20

    def greet(self) -> Identity:
        """Ask who is there and set up what differs from what is wanted; an integrator that runs is left running."""
        with self._at_port():
            return self._set_up()

    def _set_up(self) -> Identity:
        self._greeted = False
        # A question of before a reconnection may still hold the instrument until its next update.
        identity = self._await_identity(Deadline(ATTEMPTS * ANSWER_S + self._setup.rate_s))
        model = find_model(self._dialect, identity)
        self._setup.check(self._dialect, identity.model, model)
        self._command(":COMM:REM ON")
        self._command(":COMM:HEAD OFF")
        for header, argument in (*self._setup.commands(self._dialect), *self._formats(), (":STAT:FILT1", "FALL")):
            self._settle(header, argument)
        if self._ask_again(f"{self._dialect.headers['current_range']}?").upper().startswith("EXT"):
            raise MeterRefused(f"{self.port}: current comes from the external sensor input; choose a range in A")
        if self._setup.integration:
            self._start_integrator()
        self._ask_again(":STAT:EESR?")
        self._model, self._greeted = model, True
        return identity

    def describe(self) -> Description:
        """Return window, ranges and columns; ranges the instrument chooses are described by its greatest."""
        assert self._model is not None
        setup, model = self._setup, self._model
        voltage_ranges = model.voltage_ranges(setup.crest_factor)
        current_ranges = model.current_ranges(setup.crest_factor)
        volts, amperes = setup.voltage_range_v or voltage_ranges[-1], setup.current_range_a or current_ranges[-1]
        fixed = setup.voltage_range_v is not None and setup.current_range_a is not None
        accuracy = model.accuracy(setup.crest_factor, setup.line_filter)
        columns = [
            Column("power_w", "W", _resolution(volts * amperes, model.digits), (0.0, volts * amperes), accuracy),
            Column("voltage_v", "V", _resolution(volts, model.digits), (0.0, volts), None),
            Column("current_a", "A", _resolution(amperes, model.digits), (0.0, amperes), None),
            Column("power_factor", "1", 0.0001, (-1.0, 1.0), None),
            Column("frequency_hz", "Hz", 0.01, (0.1, 1e5), None),
            Column("apparent_power_va", "VA", _resolution(volts * amperes, model.digits), (0.0, volts * amperes), None),
        ]
        if setup.integration:
            columns.append(Column("energy_wh", "Wh", _resolution(volts * amperes, 6), (-1e6, 1e6), None))
        return Description(
            driver=self._dialect.driver,
            averaging="window",
            window_s=setup.window_s,
            stamp="end",
            latency_s=self.latency_s,
            columns=tuple(columns),
            tier="reference",
            ranging="fixed" if fixed else "auto",
            range_choices=(
                RangeChoice("voltage_range_v", "voltage_v", AUTO, voltage_ranges),
                RangeChoice("current_range_a", "current_a", AUTO, current_ranges),
            ),
        )

    def sample(self, deadline: Deadline) -> Reading:
        """Return the values of the next update."""
        with self._at_port():
            return self._values(deadline)

    def _values(self, deadline: Deadline) -> Reading:
        dialect, setup = self._dialect, self._setup
        questions = [dialect.values, dialect.values, ":STAT:EESR?", ":STAT:COND?"]
        if setup.integration and dialect.integrator_state:
            questions.append(dialect.integrator_state)
        (first, second, events, conditions, *state), time_ns = self._ask(deadline, ":COMM:WAIT 1", *questions)
        if first != second:
            raise MeterGarbage(f"found {first[:60]!r} and {second[:60]!r} for the same update")
        values = decode_values(first, self._quantities)
        condition = decode_register(conditions)
        running = same_setting(state[0], "STAR") if state else bool(condition & INTEGRATING)
        return to_reading(
            values,
            time_ns,
            setup.window_s,
            over=bool(condition & overrange_bits(setup.element)),
            stale=not decode_register(events) & UPDATED,
            counted=setup.integration and running,
        )

    def regain(self, deadline: Deadline) -> Identity:
        """Drop what is left, in the instrument and on the wire, and ask the identity."""
        with self._at_port():
            return self._await_identity(deadline)

    def reopen(self) -> None:
        """Open the port anew; raises `MeterUnavailable`."""
        self._greeted = False
        self._wire.reopen()

    def close(self) -> None:
        """Stop the integrator if this dialogue started it, give the panel back, then the port."""
        if self._greeted:
            with suppress(MeterError):
                leave = [":INTEG:STOP"] if self._started_integrator else []
                self._wire.write(encode([*leave, ":COMM:REM OFF"]))
        self._greeted = False
        self._wire.close()

    # --- setting up

    def _formats(self) -> Iterator[tuple[str, str]]:
        """Yield what makes the instrument send the wanted values in the wanted order."""
        names = self._dialect.items[: len(self._quantities)]
        if self._dialect.driver == WT310:
            yield ":NUM:FORM", "ASCII"
            yield ":NUM:NORM:NUM", f"{len(names)}"
            for place, name in enumerate(names, start=1):
                yield f":NUM:NORM:ITEM{place}", f"{name},{self._setup.element}"
            return
        for name in (*self._dialect.items, *WT210_OTHER_ITEMS):
            yield f":MEAS:ITEM:{name}", ON if name in names else OFF

    def _settle(self, header: str, argument: str) -> None:
        """Set what is not yet so, and check that it is; what is so is left alone, as an integrator that runs needs."""
        if same_setting(self._ask_again(f"{header}?"), argument):
            return
        self._command(f"{header} {argument}")
        found = self._ask_again(f"{header}?")
        if not same_setting(found, argument):
            raise MeterRefused(f"{self.port}: {header} stays {found!r}, expected {argument}; set it on the panel")

    def _command(self, unit: str) -> None:
        """Send a command and check that it was taken; raises `MeterRefused` with the instrument's own words."""
        self._wire.write(encode([unit]))
        self._check_error(unit)

    def _check_error(self, unit: str) -> None:
        for _entry in range(ERROR_QUEUE):
            code, _comma, text = self._ask_again(":STAT:ERR?").partition(",")
            if code.strip() == "0":
                return
            if not _QUERY_ERROR.fullmatch(code.strip()):
                raise MeterRefused(
                    f"{self.port}: the meter refuses {unit!r}: error {code} {text.strip()}; "
                    + _advice(code, self._dialect)
                )

    def _start_integrator(self) -> None:
        """Start from zero, unless it runs already (after a reconnection); raises `MeterRefused`."""
        if self._integrator_runs():
            return
        with suppress(MeterRefused):  # there may be nothing to reset; whether it runs in the end decides
            self._command(":INTEG:RES")
        self._settle(":INTEG:MODE", "NORM")
        self._settle(":INTEG:TIM", "0,0,0")
        self._command(":INTEG:STAR")
        host.sleep(INTEGRATOR_START_S)
        if not self._integrator_runs():
            raise MeterRefused(f"{self.port}: the integrator does not run after :INTEG:STAR; look at the panel")
        self._started_integrator = True

    def _integrator_runs(self) -> bool:
        if self._dialect.integrator_state:
            return same_setting(self._ask_again(self._dialect.integrator_state), "STAR")
        return bool(decode_register(self._ask_again(":STAT:COND?")) & INTEGRATING)

    # --- asking

    def _ask_again(self, question: str) -> str:
        """Return the answer to a question that may be repeated; raises `MeterRefused` if the meter says why not."""
        for attempt in range(ATTEMPTS):
            try:
                (answer,), _time_ns = self._ask(Deadline(ANSWER_S), question)
                return answer
            except (MeterTimeout, MeterGarbage):
                if attempt == ATTEMPTS - 1:
                    raise
                self._clear(QUIET_S, Deadline(ANSWER_S))
                if question != ":STAT:ERR?":
                    self._check_error(question)
        raise AssertionError("unreachable")

    def _ask(self, deadline: Deadline, *units: str) -> tuple[tuple[str, ...], int]:
        """Return the answers to `units` and when they were here.

        Replies to earlier questions, known by their number, are dropped.
        """
        self._tag = FIRST_TAG + (self._tag - FIRST_TAG + 1) % TAGS
        self._forget()
        self._wire.write(encode([f"*ESE {self._tag}", *units, "*ESE?"]))
        count = sum(unit.endswith("?") for unit in units) + 1
        earlier = ""
        while True:
            try:
                frame = self._next_frame(deadline)
            except MeterTimeout as error:
                if not earlier:
                    raise
                raise MeterGarbage(f"only replies to earlier questions came, last {earlier}") from error
            if not self._answers_earlier(frame.body):
                answers = decode_reply(frame.body, count)
                if decode_tag(answers[-1]) == self._tag:
                    return answers[:-1], frame.time_ns
            earlier = _shown(frame.body)
            deadline = Deadline(min(self._setup.rate_s + STALL_S, deadline.left_s))

    def _answers_earlier(self, body: bytes) -> bool:
        """Whether a line is an identity, or the reply to another numbered question."""
        with suppress(MeterGarbage):
            decode_identity(body)
            return True
        with suppress(MeterGarbage):
            return decode_tag(body.decode("ascii", errors="replace").rpartition(";")[2].strip("\r")) != self._tag
        return False

    def _await_identity(self, deadline: Deadline) -> Identity:
        """Return the identity; every line that came before it answers an earlier question and is dropped."""
        self._wire.write(b"\n" + encode(["*CLS"]))  # the empty line ends what a cut message left in the instrument
        self._clear(QUIET_S, deadline)
        self._wire.write(encode(["*CLS"]))  # on USB draining an empty queue is an error of its own
        identity = self._ask_identity(deadline)
        again = self._ask_identity(deadline)  # it has no number and no checksum
        if identity != again:
            raise MeterGarbage(f"found {identity} and then {again}; check the line")
        return identity

    def _ask_identity(self, deadline: Deadline) -> Identity:
        self._wire.write(encode(["*IDN?"]))
        trouble: MeterGarbage | None = None
        while True:
            try:
                identity = decode_identity(self._next_frame(deadline).body)
                find_model(self._dialect, identity)
                return identity
            except MeterGarbage as error:
                trouble = error
                deadline = Deadline(min(STALL_S, deadline.left_s))  # the identity follows what stood before it
            except MeterTimeout as error:
                if trouble is None:
                    raise MeterTimeout(
                        f"{self.port}: no answer to *IDN?; check that the meter is on, its baud rate and `port`, and "
                        + self._dialect.hint
                    ) from error
                raise MeterGarbage(str(trouble)) from error

    def _read(self, deadline: Deadline) -> Chunk:
        """Return what has arrived; raises `MeterGarbage` when a line has begun and does not go on for `STALL_S`."""
        held_bytes = self._splitter.held_bytes
        if not held_bytes:
            return super()._read(deadline)
        try:
            return super()._read(Deadline(min(STALL_S, deadline.left_s)))
        except MeterTimeout as error:
            raise MeterGarbage(f"found {held_bytes} bytes of a line that has no end; check the line") from error


# 410 interrupted, 420 unterminated, ...: a read without an answer, as draining and clearing the wire make them.
_QUERY_ERROR = re.compile(r"-?4[0-9]{2}")
ERROR_QUEUE = 8


def _advice(code: str, dialect: Dialect) -> str:
    match code.strip():
        case "813":
            return "its integrator runs with other settings: stop and reset it on the panel"
        case "113":
            return dialect.hint
        case _:
            return "look the number up in the list of errors of its manual"


def _resolution(range_: float, digits: int) -> float:
    """Return the step of a value shown with so many digits in a range."""
    return float(10.0 ** (math.floor(math.log10(range_)) + 1 - digits))


def _is_serial(port: str) -> bool:
    return "://" not in port and not port.startswith(USBTMC_PREFIX)


class YokogawaMeter(DialogueMeter):
    """A meter that paces itself: asked again as soon as it has answered, it answers at its next update."""

    def __init__(self, dialogue: YokogawaDialogue, rate_s: float, access: Access = ANYBODY) -> None:
        """Greet the instrument; raises what `DialogueMeter` raises."""
        super().__init__(dialogue, SHORTEST_INTERVAL_S, access)
        self._rate_s = rate_s

    def describe(self) -> Description:
        """Return the description with the update interval as that of the readings."""
        return replace(super().describe(), interval_s=self._rate_s)


def open_wt310(port: str, *, capture: Sink | None, options: Mapping[str, object], access: Access = ANYBODY) -> Meter:
    """Open the WT310, WT332 or WT333 (E or not) at `port`; `options` are those of `WT310_OPTIONS`.

    Raises `MeterOptionError`, `MeterUnavailable`, `MeterTimeout`, `MeterUnplugged`, `MeterMismatch`, `MeterRefused`.
    """
    return _open(port, WT310_DIALECT, make_setup(WT310, read_options(WT310, WT310_OPTIONS, options)), capture, access)


def open_wt210(port: str, *, capture: Sink | None, options: Mapping[str, object], access: Access = ANYBODY) -> Meter:
    """Open the WT210 at `port`, whose panel must say 488.2; `options` are those of `WT210_OPTIONS`.

    Raises as `open_wt310` does.
    """
    return _open(port, WT210_DIALECT, make_setup(WT210, read_options(WT210, WT210_OPTIONS, options)), capture, access)


def _open(port: str, dialect: Dialect, setup: Setup, capture: Sink | None, access: Access) -> Meter:
    return YokogawaMeter(YokogawaDialogue(port, dialect, setup, capture, access), setup.rate_s, access)
