"""The lines of upsd: what may be asked, variables, what of them is a reading.

Knows: RFC 9271 as far as it is read here, names of variables. Does not know: connections, pacing
(`meters.nut.dialogue`).
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from meters.access import WITHHELD
from meters.meter import MeterGarbage, MeterOptionError, MeterRefused
from meters.reading import ESTIMATE_MARK, Identity, Reading, within
from meters.wire import shown

LINE_LIMIT = 1024
MOST_VARIABLES = 1000
SILENT = frozenset({"DATA-STALE", "DRIVER-NOT-CONNECTED"})
LOGINS = frozenset({"ACCESS-DENIED", "USERNAME-REQUIRED", "PASSWORD-REQUIRED", "INVALID-PASSWORD", "INVALID-USERNAME"})
WAITING = "WAIT"
"""What `ups.status` says as long as the driver has not heard the UPS."""
PLAIN = re.compile(r"[A-Za-z0-9_.:()-]{1,80}")
VARIABLE = re.compile(r'VAR (\S+) (\S+) "((?:[^"\\]|\\.)*)"')
LISTED = re.compile(r'UPS (\S+)(?: "(?:[^"\\]|\\.)*")?')
NUMBER = re.compile(r"-?[0-9]{1,9}(?:\.([0-9]{1,6}))?")
POLLS = ("driver.parameter.pollfreq", "driver.parameter.pollinterval")


@dataclass(frozen=True, slots=True)
class Field:
    """One quantity of a reading: the variable it stands in, its unit, what is plausible."""

    quantity: str
    variable: str
    unit: str
    low: float
    high: float


POWER = Field("power_w", "ups.realpower", "W", -1e6, 1e6)
LOAD = Field("", "ups.load", "%", 0.0, 200.0)
NOMINAL = Field("", "ups.realpower.nominal", "W", 1.0, 1e6)
BESIDE = (
    Field("voltage_v", "output.voltage", "V", 0.0, 1000.0),
    Field("current_a", "output.current", "A", 0.0, 1000.0),
    Field("power_factor", "output.powerfactor", "1", -1.0, 1.0),
    Field("frequency_hz", "output.frequency", "Hz", 0.0, 100.0),
    Field("apparent_power_va", "ups.power", "VA", 0.0, 1e6),
)


@dataclass(frozen=True, slots=True)
class Value:
    """One value and the step of its last decimal."""

    value: float
    step: float


class UpsSilent(Exception):
    """upsd has no fresh values of the UPS: its word for why, and when that came."""

    def __init__(self, word: str, time_ns: int) -> None:
        self.word, self.time_ns = word, time_ns
        super().__init__(word)


class UnknownUps(MeterGarbage):
    """upsd has no UPS of that name."""


def encode(*words: str) -> bytes:
    """Return a line of upsd's protocol; raises `MeterRefused` for a command that does more than read."""
    if words[0] not in ("LIST", "USERNAME", "PASSWORD"):
        raise MeterRefused(
            f"nut: the driver does not say {words[0]!r}; it can command the UPS, or those that hang on it"
        )
    return (" ".join(word if PLAIN.fullmatch(word) else _quoted(word) for word in words) + "\n").encode()


def _quoted(word: str) -> str:
    if not word.isprintable():
        raise MeterOptionError("nut: a user or password has a character that no line of upsd can hold; change it")
    return '"' + word.replace("\\", "\\\\").replace('"', '\\"') + '"'


def withhold(line: bytes) -> bytes:
    """Return a line as a wire log keeps it: who logs in, and by what, is withheld; a replay knows neither."""
    word = line.partition(b" ")[0]
    return b"%b %b\n" % (word, WITHHELD.encode()) if word in (b"USERNAME", b"PASSWORD") else line


def decode_line(body: bytes, time_ns: int) -> str:
    """Return a line that came at `time_ns` as text.

    Raises `MeterGarbage`, `MeterRefused` for an error of a login, `UpsSilent`, `UnknownUps`.
    """
    try:
        text = body.removesuffix(b"\r").decode("utf-8")
    except UnicodeDecodeError:
        text = "\0"
    if not text.isprintable():
        raise MeterGarbage(f"found {shown(body)}, expected a line of printable characters")
    if not text.startswith("ERR "):
        return text
    word = text.split(" ")[1]
    if word in SILENT:
        raise UpsSilent(word, time_ns)
    if word == "UNKNOWN-UPS":
        raise UnknownUps(f"upsd answers {text[:80]!r}")
    if word in LOGINS:
        raise MeterRefused(
            f"upsd answers {text!r}; it wants a login: give or correct user and password_file (docs/instruments.md)"
        )
    raise MeterGarbage(f"upsd answers {text[:80]!r}")


def decode_names(lines: Sequence[str]) -> list[str]:
    """Return the names of the UPSs in an answer to `LIST UPS`, without its first and last line."""
    return [match.group(1) for line in lines if (match := LISTED.fullmatch(line))]


def decode_variables(lines: Sequence[str], ups: str) -> dict[str, str]:
    """Return the variables in an answer to `LIST VAR`, without its first and last line; raises `MeterGarbage`."""
    variables = {}
    for line in lines:
        match = VARIABLE.fullmatch(line)
        if match is None or match.group(1) != ups:
            raise MeterGarbage(f"found {line[:80]!r}, expected a line `VAR {ups} NAME ...`")
        variables[match.group(2)] = re.sub(r"\\(.)", r"\1", match.group(3))
    return variables


def decode_number(variables: Mapping[str, str], field: Field) -> Value | None:
    """Return a variable as number with its step; `None` where it is none, is not there, or is not plausible."""
    match = NUMBER.fullmatch(variables.get(field.variable, ""))
    if match is None or not field.low <= float(match.group()) <= field.high:
        return None
    return Value(float(match.group()), 10.0 ** -len(match.group(1) or ""))


def decode_power(variables: Mapping[str, str], *, estimated: bool) -> Value | None:
    """Return the power in W, `None` where the UPS tells none.

    Raises `MeterGarbage` for a measured power that is no plausible number.
    """
    if not estimated:
        power = decode_number(variables, POWER)
        if power is None and POWER.variable in variables:
            found = variables[POWER.variable][:40]
            raise MeterGarbage(f"found {POWER.variable} {found!r}, expected a number of W from -1e6 to 1e6")
        return power
    load, nominal = decode_number(variables, LOAD), decode_number(variables, NOMINAL)
    if load is None or nominal is None:
        return None
    return Value(round(load.value * nominal.value / 100.0, 6), load.step * nominal.value / 100.0)


def is_waiting(variables: Mapping[str, str]) -> bool:
    """Whether `ups.status` says that the values are none."""
    return WAITING in variables.get("ups.status", WAITING).split()


def decode_identity(variables: Mapping[str, str], *, estimated: bool) -> Identity:
    """Return who the UPS says it is, marked where its power is an estimate."""
    maker, model, serial = (
        variables.get(f"ups.{part}") or variables.get(f"device.{part}") or "" for part in ("mfr", "model", "serial")
    )
    mark = f", {ESTIMATE_MARK}" if estimated else ""
    return Identity(maker, f"{model or 'UPS'}{mark}", serial, variables.get("ups.firmware", ""))


def refresh_of(variables: Mapping[str, str], max_age_s: float) -> float:
    """Return how long the same values may be no new ones, in s."""
    polls = [decode_number(variables, Field("", name, "s", 0.01, 3600.0)) for name in POLLS]
    return max([max_age_s, *(poll.value for poll in polls if poll is not None)])


def to_reading(variables: Mapping[str, str], time_ns: int, range_w: float, *, stale: bool, estimated: bool) -> Reading:
    """Return the values; power beyond `range_w` is `overrange`, power that is none is `nan`; raises `MeterGarbage`."""
    power = None if is_waiting(variables) else decode_power(variables, estimated=estimated)
    power_w, flags = within(None if power is None else power.value, range_w)
    beside = {field.quantity: value.value for field in BESIDE if (value := decode_number(variables, field)) is not None}
    return Reading(time_ns=time_ns, power_w=power_w, **beside, flags=flags | ({"stale"} if stale else set()))
