"""Hameg (Rohde & Schwarz) HM8115-2: ASCII answers to ASCII questions, ended by a carriage return.

Knows: the commands, how an answer reads, the ranges. Does not know: who reads, where readings go, other meters.

Everything here is from the maker's manual alone (pages 18 and 32; manualslib 226505): no capture of a real instrument,
no driver and no client written by anybody else was found. From the manual: the commands, CR as their end, the answers
`HAMEG HM8115-2` and `version 1.01`, the forms `U3= 225.6E+0`, `I2= 0.243E+0`, `VAR= 23,3E+0` (with a comma there, with
a point elsewhere: both are read), `OF` for a value beyond its range, that a question inside a measuring cycle is
answered at its end, that the display shows the baud rate at power-up, the ranges.
Unconfirmed: 8N1, whether the three values come in one line or in three (both are read), that active power is named
`WATT` in them, how `OF` stands there, a pause between commands, the length of the measuring cycle (more than about
0.3 s), over how many periods power is integrated, and the limits of error: the column of power carries none.

The answers have no check sum. A value beyond its own range, and a power above what U and I of the same answer allow,
are refused; another digit in its place that stays plausible is not recognised. There is no energy counter.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import TypeVar

from meters.access import ANYBODY, Access
from meters.deadline import Deadline
from meters.dialogue import DialogueMeter, interval_option, unknown_refresh_option
from meters.line_dialogue import LineDialogue, Terms, insist
from meters.meter import MeterGarbage, MeterMismatch, MeterOptionError, MeterRefused, MeterTimeout
from meters.options import Option, Value, chosen, number, read_options, whole
from meters.reading import Column, Description, Identity, RangeChoice, Reading
from meters.serial_wire import Line, SerialWire
from meters.splitters import LineSplitter
from meters.wire_log import Sink

T = TypeVar("T")

DRIVER = "hm8115"
OPTIONS: Mapping[str, Option] = {
    "baud": Option(9600.0, "bits per second, as the display shows at power-up", low=300.0, high=115200.0, whole=True),
    "voltage_range_v": Option(
        "auto",
        "voltage range: 50, 150 or 500 V; auto lets the instrument choose",
        low=50.0,
        high=500.0,
        choices=("auto",),
    ),
    "current_range_a": Option(
        "auto",
        "current range: 0.16, 1.6 or 16 A; auto lets the instrument choose",
        low=0.16,
        high=16.0,
        choices=("auto",),
    ),
    "interval_s": interval_option(1.0),
    "refresh_s": unknown_refresh_option(),
    "reply_s": Option(2.0, "seconds an answer may take, some measuring cycles", low=0.1, high=10.0),
}

RANGES_V = {1: 50.0, 2: 150.0, 3: 500.0}
RANGES_A = {1: 0.16, 2: 1.6, 3: 16.0}
OVER_RANGE = 1.1  # what a range may show beyond its name
POWER_SLACK = 1.05  # P <= U I, each with its error
POWER_SLACK_W = 0.5

LINE_LIMIT = 80
ANSWER_LINES = 3
REPLY_ATTEMPTS = 3
QUIET = 0.25  # of `reply_s`, as long as a measuring cycle: an answer that is still due comes before
DRAIN_WAIT_S = 2.0

# Everything the driver may send. Beeping, locking the panel and continuous output are not among it.
ALLOWED = frozenset(
    {"*IDN?", "VERSION?", "VAL?", "MA0", "WATT", "AUTO:U", "AUTO:I"}
    | {f"SET:{letter}{step}" for letter in "UI" for step in (1, 2, 3)}
)


# --- codec: bytes <-> values ------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Values:
    """One answer: ranges (1 to 3), what is shown in them, and the selected function; `None` is `OF`.

    `VAS?`, and continuous output, give no voltage and current: `shown` is false then.
    """

    range_u: int
    range_i: int
    voltage_v: float | None
    current_a: float | None
    function: str
    value: float | None
    shown: bool = True


def encode(command: str) -> bytes:
    """Return the bytes of a command; raises `MeterRefused` for anything that is not in `ALLOWED`."""
    if command not in ALLOWED:
        raise MeterRefused(
            f"{DRIVER}: the driver does not send {command!r}; expected one of {', '.join(sorted(ALLOWED))}"
        )
    return command.encode("ascii") + b"\r"


_VALUE = r"(OF|[+-]?\d{1,4}(?:[.,]\d{1,4})?E[+-]\d)"
_FUNCTION = rf"(WATT|VAR|VA|PF)=\s*{_VALUE}"
_VAL = re.compile(rf"U([123])=\s*{_VALUE}[\s,;]+I([123])=\s*{_VALUE}[\s,;]+{_FUNCTION}")
_END = re.compile(rb"(WATT|VAR|VA|PF)=[^\r]*\r")
_VAS = re.compile(rf"U([123])[\s,;]+I([123])[\s,;]+{_FUNCTION}")


def decode_values(body: bytes) -> Values:
    """Return the values of an answer to `VAL?` or `VAS?`, given in one line or in lines joined by CR.

    Raises `MeterGarbage` on anything else, and on values that contradict their ranges or each other.
    """
    text = _text(body)
    if match := _VAL.fullmatch(text):
        range_u, volts, range_i, amperes, function, value = match.groups()
        values = Values(int(range_u), int(range_i), _number(volts), _number(amperes), function, _number(value))
        _check(values)
        return values
    if match := _VAS.fullmatch(text):
        range_u, range_i, function, value = match.groups()
        return Values(int(range_u), int(range_i), None, None, function, _number(value), shown=False)
    raise MeterGarbage(f"found {body[:80]!r}, expected `U3= 225.6E+0`, `I2= 0.243E+0`, `WATT= 52.3E+0`")


def _check(values: Values) -> None:
    volts, amperes = values.voltage_v, values.current_a
    for name, value, high in (("U", volts, RANGES_V[values.range_u]), ("I", amperes, RANGES_A[values.range_i])):
        if value is not None and not 0 <= value <= high * OVER_RANGE:
            raise MeterGarbage(f"{name}: found {value:g}, expected 0 to {high:g} in this range")
    if values.value is None:
        return
    if values.function == "PF" and not abs(values.value) <= POWER_SLACK:
        raise MeterGarbage(f"PF: found {values.value:g}, expected at most 1")
    if volts is not None and amperes is not None and values.function != "PF":
        highest = volts * amperes * POWER_SLACK + POWER_SLACK_W
        if abs(values.value) > highest:
            raise MeterGarbage(f"{values.function}: found {values.value:g}, expected at most {highest:g} (U times I)")


def _number(text: str) -> float | None:
    return None if text == "OF" else float(text.replace(",", "."))


def decode_identity(body: bytes) -> str:
    """Return the model in an `*IDN?` answer; raises `MeterGarbage` unless the maker is Hameg."""
    match = re.fullmatch(r"HAMEG,? *([A-Z0-9-]{3,20})", _text(body), re.IGNORECASE)
    if match is None:
        raise MeterGarbage(f"found {body[:60]!r}, expected 'HAMEG HM8115-2'")
    return match.group(1).upper()


def decode_version(body: bytes) -> str:
    """Return the firmware in a `VERSION?` answer; raises `MeterGarbage` if it is none."""
    match = re.fullmatch(r"version *([\w.]+(?: \w+)?)", _text(body), re.IGNORECASE)
    if match is None or len(match.group(1)) > 24:
        raise MeterGarbage(f"found {body[:60]!r}, expected 'version 1.01'")
    return match.group(1)


def to_reading(values: Values, time_ns: int) -> Reading:
    """Return the answer as SI values; `OF` in P, U or I is `overrange`.

    Raises `MeterGarbage` if another function than active power is selected.
    """
    if values.function != "WATT":
        raise MeterGarbage(f"found the function {values.function}, expected WATT; leave the front panel alone")
    over = values.value is None or (values.shown and (values.voltage_v is None or values.current_a is None))
    return Reading(
        time_ns=time_ns,
        power_w=None if over else values.value,
        voltage_v=values.voltage_v,
        current_a=values.current_a,
        flags=frozenset({"overrange"}) if over else frozenset(),
    )


def _text(body: bytes) -> str:
    return body.strip().decode("ascii", errors="replace")


# --- the dialogue -----------------------------------------------------------------------------------------------


class Hm8115(LineDialogue[SerialWire]):
    """The dialogue with one HM8115-2 (`meters.dialogue.Dialogue`); range 0 is the instrument's own choice."""

    terms = Terms("line", "check instrument, cable and baud rate")
    skips_blank = True

    def __init__(
        self, port: str, baud: int, *, range_u: int, range_i: int, reply_s: float, sink: Sink | None, access: Access
    ) -> None:
        """Open `port`; raises `MeterOptionError`, `MeterUnavailable`."""
        super().__init__(SerialWire(port, Line(baud), sink, access), partial(LineSplitter, b"\r", LINE_LIMIT))
        self._range_u, self._range_i, self.reply_s = range_u, range_i, reply_s

    def greet(self) -> Identity:
        """Ask who is there, select active power and the ranges, and see in an answer that they are selected."""
        identity = self._retried(self._ask_identity)
        if identity.model != "HM8115-2":
            raise MeterMismatch(f"{self.port}: found {identity.model}, expected HM8115-2; correct `driver` or `port`")
        self._set_up()
        self._retried(self.sample)
        return identity

    def describe(self) -> Description:
        """Return columns and ranges; the interval one value is integrated over is not known (window 0)."""
        volts = RANGES_V[self._range_u or 3]
        amperes = RANGES_A[self._range_i or 3]
        columns = (
            Column("power_w", "W", 0.1, (-volts * amperes, volts * amperes), None),
            Column("voltage_v", "V", 0.1, (0.0, volts), None),
            Column("current_a", "A", 0.001, (0.0, amperes), None),
        )
        return Description(
            driver=DRIVER,
            averaging="instantaneous",
            window_s=0.0,
            stamp="unknown",
            latency_s=0.0,
            columns=columns,
            tier="indicative",
            ranging="fixed" if self._range_u and self._range_i else "auto",
            range_choices=(
                RangeChoice("voltage_range_v", "voltage_v", "auto", tuple(RANGES_V.values())),
                RangeChoice("current_range_a", "current_a", "auto", tuple(RANGES_A.values())),
            ),
        )

    def sample(self, deadline: Deadline) -> Reading:
        """Ask for ranges and values; raises `MeterGarbage` also when function or ranges are not the chosen ones."""
        self._wire.write(encode("VAL?"))
        body, time_ns = self._answer(deadline)
        with self._at_port():
            values = decode_values(body)
            reading = to_reading(values, time_ns)
        if not values.shown:
            raise MeterGarbage(f"{self.port}: found {body[:60]!r}, the answer to another question than VAL?")
        for letter, answered, wanted in (("U", values.range_u, self._range_u), ("I", values.range_i, self._range_i)):
            if wanted and answered != wanted:
                raise MeterGarbage(
                    f"{self.port}: found the range {letter}{answered}, expected {letter}{wanted} as it was set; "
                    "leave the front panel alone"
                )
        return reading

    def regain(self, deadline: Deadline) -> Identity:
        """Drop what is left, ask the identity, select function and ranges again."""
        identity = self._ask_identity(deadline)
        self._set_up()
        return identity

    def _set_up(self) -> None:
        for command in (
            "WATT",
            f"SET:U{self._range_u}" if self._range_u else "AUTO:U",
            f"SET:I{self._range_i}" if self._range_i else "AUTO:I",
        ):
            self._wire.write(encode(command))

    def _ask_identity(self, deadline: Deadline) -> Identity:
        """End continuous output and half a command, drop what comes, ask who is there until two answers agree."""
        self._wire.write(b"\r")
        self._wire.write(encode("MA0"))
        self._clear(QUIET * self.reply_s, Deadline(DRAIN_WAIT_S))
        identity, again = self._identity(deadline), self._identity(deadline)
        if identity != again:
            raise MeterGarbage(f"{self.port}: found two identities, {identity} and {again}; check the cable")
        return identity

    def _identity(self, deadline: Deadline) -> Identity:
        with self._at_port("correct driver, baud rate or port"):
            self._wire.write(encode("*IDN?"))
            model = decode_identity(self._next_frame(deadline).body)
            self._wire.write(encode("VERSION?"))
            firmware = decode_version(self._next_frame(deadline).body)
        return Identity("HAMEG", model, "", firmware)

    def _answer(self, deadline: Deadline) -> tuple[bytes, int]:
        """Return an answer to `VAL?`, from one line or from three, and when its last byte was here."""
        body = b""
        for _line in range(ANSWER_LINES):
            line = self._next_frame(deadline)
            body += line.body.strip() + b"\r"
            if _END.search(body) or not body.startswith(b"U"):
                break
        return body, line.time_ns

    def _retried(self, ask: Callable[[Deadline], T]) -> T:
        """Ask up to `REPLY_ATTEMPTS` times; raises `MeterGarbage` if anything came, else `MeterTimeout`."""
        try:
            return insist(REPLY_ATTEMPTS, lambda _attempt: ask(Deadline(self.reply_s)))
        except MeterTimeout as error:
            raise MeterTimeout(
                f"{self.port}: no answer within {REPLY_ATTEMPTS} x {self.reply_s:g} s; check that the meter is on, "
                "that `baud` is what its display shows at power-up, and `port`"
            ) from error


def _range(values: Mapping[str, Value], name: str, ranges: Mapping[int, float]) -> int:
    """Return the number of a range, 0 where the instrument chooses; raises `MeterOptionError`."""
    wanted = chosen(values, name)
    if wanted is None:
        return 0
    steps = [step for step, full_scale in ranges.items() if full_scale == wanted]
    if not steps:
        known = ", ".join(f"{full_scale:g}" for full_scale in ranges.values())
        raise MeterOptionError(f"{DRIVER}: option {name} is {wanted:g}, expected one of {known}, auto")
    return steps[0]


def open_hm8115(
    port: str, *, capture: Sink | None, options: Mapping[str, object], access: Access = ANYBODY
) -> DialogueMeter:
    """Open the HM8115-2 at `port`; `options` are those of `OPTIONS`, `capture` takes the wire log.

    Raises `MeterOptionError`, `MeterUnavailable`, `MeterTimeout`, `MeterUnplugged`, `MeterMismatch`.
    """
    values = read_options(DRIVER, OPTIONS, options)
    dialogue = Hm8115(
        port,
        whole(values, "baud"),
        range_u=_range(values, "voltage_range_v", RANGES_V),
        range_i=_range(values, "current_range_a", RANGES_A),
        reply_s=number(values, "reply_s"),
        sink=capture,
        access=access,
    )
    return DialogueMeter(dialogue, number(values, "interval_s"), access, refresh_s=number(values, "refresh_s"))
