"""The daemon's words, replies and rows: lines to values.

Knows: what may be said, how it says "error", "missed" and "outside the range"; pure functions. Does not know: when
something is said (`meters.ptdaemon.dialogue`).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from meters.meter import MeterGarbage, MeterRefused
from meters.reading import Identity, Reading

DRIVER = "ptdaemon"
LINE_END = b"\r\n"
LINE_LIMIT = 2048
ROWS_LIMIT = 500_000  # as many as a measurement holds ("maximum 500000 samples")

ERROR, MISSED = -1.0, -2.0
MARK_OFFSET = 3.0  # a value outside its range is printed as -(value + 3), which keeps clear of both codes
ALLOWED = frozenset({"Hello", "Identify", "RR", "SR", "Go", "RL", "Watts", "Uncertainty", "Stop"})
NOTHING_UNREAD = ("No data", "Insufficient unread")
IDENTITY_FIELDS = (19, 12)  # 1.9; 1.4 and before (SPECjvm2008)
_NUMBER = r"-?[0-9]{1,9}(?:\.[0-9]{1,9})?"
_CHANNEL = rf"Watts,{_NUMBER},Volts,{_NUMBER},Amps,{_NUMBER},PF,{_NUMBER}"
_ROW = (  # compiled when the first row comes: that takes longer than all else in this module
    rf"Time,(\d\d-\d\d-\d{{4}} \d\d:\d\d:\d\d\.\d{{3}}),Watts,({_NUMBER}),Volts,({_NUMBER}),Amps,({_NUMBER}),"
    rf"PF,({_NUMBER})(?:,Mark,([^,]*))?(?:,(?:Ch\d,)?{_CHANNEL})*"
)
_STAMP = "%m-%d-%Y %H:%M:%S.%f"


def encode(command: str, *words: str) -> bytes:
    """Return the bytes of a command; raises `MeterRefused` for one the driver has no use for, or with stray marks."""
    if command not in ALLOWED:
        raise MeterRefused(f"{DRIVER}: the driver does not send {command!r}; it sends {', '.join(sorted(ALLOWED))}")
    if not all(re.fullmatch(r"[A-Za-z0-9_.-]+", text) for text in words):
        raise MeterRefused(f"{DRIVER}: {words} has characters that would end or split the command {command!r}")
    return ",".join([command, *words]).encode("ascii") + LINE_END


def decode_text(body: bytes) -> str:
    """Return a line as text; raises `MeterGarbage` on bytes that are no printable ASCII."""
    if not re.fullmatch(rb"[\x20-\x7e]*", body):
        raise MeterGarbage(f"found {body[:60]!r}, expected a line of printable characters")
    return body.decode("ascii")


@dataclass(frozen=True, slots=True)
class Daemon:
    """Who answers: the analyser, and whether the daemon counts it as accepted by SPEC."""

    identity: Identity
    accepted: bool


def decode_identity(line: str) -> Daemon:
    """Return the analyser in a reply to `Identify`; raises `MeterGarbage` unless the fields are those known.

    `name,interval,flags...,accepted,version=...,OS=...,mode=...` and, since 1.9, seven fields more whose last is
    `maker;model;serial;firmware`. An older or silent analyser has the name alone.
    """
    fields = line.split(",")
    if len(fields) not in IDENTITY_FIELDS or not all(
        field.startswith(start) for field, start in zip(fields[9:12], ("version=", "OS=", "mode="), strict=True)
    ):
        raise MeterGarbage(f"found {line[:80]!r}, expected the 19 fields of an identity, `name,...,version=...`")
    if fields[11] != "mode=power":
        raise MeterGarbage(f"found a daemon with {fields[11]!r}, expected mode=power; correct the port")
    version = f"PTDaemon {fields[9].removeprefix('version=')}"
    parts = fields[-1].split(";") if len(fields) == 19 else []
    if len(parts) == 4:
        maker, model, serial, firmware = parts
        return Daemon(Identity(maker, model, serial, f"{firmware}, {version}"), fields[8] == "1")
    return Daemon(Identity("", fields[0], "", version), fields[8] == "1")


@dataclass(frozen=True, slots=True)
class Range:
    """One measuring range: `auto` is `None` and `top` is `None` where the daemon does not know."""

    auto: bool | None
    top: float | None


def decode_ranges(line: str) -> tuple[Range, Range]:
    """Return the current range (A) and the voltage range (V); raises `MeterGarbage`."""
    match = re.fullmatch(rf"Ranges,(-1|0|1),({_NUMBER}),(-1|0|1),({_NUMBER})", line)
    if match is None:
        raise MeterGarbage(f"found {line[:60]!r}, expected `Ranges,<A auto>,<A>,<V auto>,<V>`")
    flags = {"-1": None, "0": False, "1": True}
    tops = [top if top > 0 else None for top in (float(match[2]), float(match[4]))]
    return Range(flags[match[1]], tops[0]), Range(flags[match[3]], tops[1])


def decode_unread(line: str) -> int:
    """Return how many rows follow; raises `MeterGarbage` if this is no header of rows."""
    if line.startswith(NOTHING_UNREAD):
        return 0
    match = re.fullmatch(r"Last ([0-9]{1,6}) samples?(?: from sum channel and channels \d+ - \d+)?", line)
    if match is None or int(match[1]) > ROWS_LIMIT:
        raise MeterGarbage(f"found {line[:60]!r}, expected `Last <n> samples`")
    return int(match[1])


def outside_range(watts: float, volts: float, amps: float, factor: float) -> tuple[bool, bool, bool]:
    """Return whether watts, volts and amperes of a sample carry the mark of a value outside its range.

    No voltage and no current (both RMS) is negative, so at -3 and below they are marked. Watts may be: power that
    flows back. They are marked where another value of the sample is, or where volts, amperes and power factor do not
    say clearly that the watts are those printed and not those marked.
    """
    marked_volts, marked_amps = volts <= -MARK_OFFSET, amps <= -MARK_OFFSET
    if watts > -MARK_OFFSET:
        return False, marked_volts, marked_amps
    expected = volts * amps * abs(factor) if min(volts, amps) > 0 and abs(factor) <= 1 else 0.0
    as_printed, as_marked = abs(-watts - expected), abs(-watts - MARK_OFFSET - expected)
    is_value = expected > 0 and as_printed < as_marked and not marked_volts and not marked_amps
    return not is_value, marked_volts, marked_amps


@dataclass(frozen=True, slots=True)
class Row:
    """One sample; `None` is an error (-1) of that quantity or a value outside its range, `missed` that there was no
    sample (-2), `outside` that a range was exceeded."""

    at: datetime
    watts: float | None
    volts: float | None
    amps: float | None
    factor: float | None
    missed: bool
    mark: str
    outside: bool = False


def decode_row(line: str) -> Row:
    """Return a sample of `RL` or of the daemon's log, of several channels their sum; raises `MeterGarbage`."""
    match = re.fullmatch(_ROW, line)
    if match is None:
        raise MeterGarbage(f"found {line[:100]!r}, expected `Time,...,Watts,...,Volts,...,Amps,...,PF,...`")
    try:
        at = datetime.strptime(match[1], _STAMP)
    except ValueError as error:
        raise MeterGarbage(f"found the time {match[1]!r}, expected MM-DD-YYYY HH:MM:SS.mmm") from error
    values = [float(match[index]) for index in (2, 3, 4, 5)]
    marked = outside_range(*values)
    sent = zip(values, (*marked, False), strict=True)
    watts, volts, amps, factor = (None if value in (ERROR, MISSED) or beyond else value for value, beyond in sent)
    outside = any(marked)
    return Row(at, None if outside else watts, volts, amps, factor, values[0] == MISSED, match[6] or "", outside)


@dataclass(frozen=True, slots=True)
class Statistic:
    """Mean, lowest and highest of a measurement and the numbers of samples behind them.

    Without a valid sample the three figures are none (seen: -1.0, 10000000.0, 0.0).
    """

    mean: float
    low: float
    high: float
    total: int
    errors: int
    valid: int
    unknown: int


def decode_statistic(line: str, name: Literal["Watts", "Uncertainty"]) -> Statistic:
    """Return the reply to `Watts` or `Uncertainty`; raises `MeterGarbage`, also where its counts do not add up."""
    counts = 4 if name == "Uncertainty" else 3
    match = re.fullmatch(rf"{name},({_NUMBER}),({_NUMBER}),({_NUMBER}){',([0-9]{1,9})' * counts}", line)
    if match is None:
        raise MeterGarbage(f"found {line[:80]!r}, expected `{name},<mean>,<min>,<max>,<counts>`")
    mean, low, high = (float(match[index]) for index in (1, 2, 3))
    total, *parts = (int(text) for text in match.groups()[3:])
    valid = parts[1]
    if sum(parts) != total or (valid and not low <= mean <= high):
        raise MeterGarbage(f"found {line[:80]!r}, expected counts that add up and a mean between its limits")
    return Statistic(mean, low, high, total, parts[0], valid, parts[2] if counts == 4 else 0)


def to_reading(row: Row, time_ns: int, window_s: float, uncertainty: float | None, resynced: bool) -> Reading:
    """Return a sample that was not missed as SI values; one without power is `overrange` or `nan`."""
    flags = {"resynced"} if resynced else set()
    if row.watts is None:
        flags.add("overrange" if row.outside else "nan")
    return Reading(
        time_ns=time_ns,
        power_w=row.watts,
        voltage_v=row.volts,
        current_a=row.amps,
        power_factor=row.factor,
        relative_uncertainty=uncertainty,
        window_s=window_s,
        flags=frozenset(flags),
    )
