"""Messages and replies: units that may be sent, numbered questions, values, registers.

Knows: bytes and values, pure functions. Does not know: when something is said (`meters.yokogawa.dialogue`).
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from typing import Literal

from meters.meter import MeterGarbage, MeterRefused
from meters.reading import Identity, Reading
from meters.wire import shown
from meters.yokogawa.dialects import WT210_DIALECT, WT310_DIALECT, Quantity

LINE_LIMIT = 1024
FIRST_TAG, TAGS = 100, 100
ON, OFF = "ON", "OFF"

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
        raise MeterGarbage(f"found {shown(body)}, expected `YOKOGAWA,<model>,<serial>,F<firmware>`")
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
        raise MeterGarbage(f"found {shown(body)}, expected text") from error
    if not _PRINTABLE.fullmatch(text):
        raise MeterGarbage(f"found {shown(body)}, expected printable text")
    answers = tuple(_HEADER.sub("", part, count=1) for part in _ANSWER.findall(text))
    if len(answers) != count or ";".join(_ANSWER.findall(text)) != text:
        raise MeterGarbage(
            f"found {shown(body)} with {len(answers)} answers, expected {count}: replies are out of step with "
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


def same_setting(answer: str, wanted: str) -> bool:
    """Whether a setting as the instrument gives it is the one that is wanted: `0` is OFF, `500.0E-03` is 0.5,
    `VOLTAGE` is VOLT."""
    parts, wanted_parts = answer.upper().split(","), wanted.upper().split(",")
    return len(parts) == len(wanted_parts) and all(map(_same_word, parts, wanted_parts))


def _same_word(answer: str, wanted: str) -> bool:
    if wanted in (ON, OFF):
        return answer in (wanted, str(int(wanted == ON)))
    try:
        return math.isclose(float(answer), float(wanted), rel_tol=1e-4)
    except ValueError:
        short = min(len(answer), len(wanted))  # PHI is not the long form of P: short forms have 3 or 4 letters
        return answer == wanted or (short >= SHORT_FORM and answer[:short] == wanted[:short])
