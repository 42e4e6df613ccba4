"""Commands, identities and rows of values: bytes to numbers, and what a row must not contradict.

Knows: pure functions. Does not know: when something is said (`meters.zes.dialogue`).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime

from meters.meter import MeterGarbage, MeterRefused
from meters.reading import Identity, Reading
from meters.wire import shown
from meters.zes.dialects import ALLOWED, CHANNEL_ITEMS
from meters.zes.settings import HIGHEST_A, HIGHEST_V

LINE_LIMIT = 512

NAN = 9.91e37  # IEEE 488.2 / SCPI 1999.0, 7.2.1.5: not a number
INFINITY = 9.9e37
COUNTS = 1 << 16  # `count` goes back to 0 after 65535, `sctc` after 2^31 - 1 (lmgtools, powerlog95.py)
SAMPLES = 1 << 31
CYCLE_SLACK_S = 0.07  # a true cycle is a whole number of periods, longest at 16.7 Hz
CYCLE_SLACK = 0.01
PRODUCT_SLACK = 0.002  # S = U I and |P| = |PF| S within what six digits, and four of PF, can show
FACTOR_SLACK = 0.0005


def encode(command: str, end: bytes) -> bytes:
    """Return the bytes of a command line; raises `MeterRefused` for anything that is not in `ALLOWED`."""
    for part in command.split(";"):
        head = re.sub(r"\d+(\??)$", r"\1", part.split(" ")[0].lower())
        if head not in ALLOWED:
            raise MeterRefused(f"zes: the driver does not send {part!r}; it can change what the instrument keeps")
    return command.encode("ascii") + end


def decode_identity(body: bytes) -> Identity:
    """Return the identity in an `*idn?` reply; raises `MeterGarbage` unless it has its four fields."""
    text = text_of(body)
    parts = [part.strip() for part in text.split(",")]
    if len(parts) != 4 or ";" in text or not parts[1] or not text.isprintable():
        raise MeterGarbage(f"found {shown(body, 80)}, expected `<maker>,<model>,<serial>,<firmware>`")
    maker, model, serial, firmware = parts
    return Identity(maker, model, serial, firmware)


def decode_row(body: bytes, names: tuple[str, ...]) -> dict[str, float]:
    """Return a row's values by name, as sent; a time stamp (`tsnorm`) as seconds since 1970.

    Raises `MeterGarbage` on another number of fields and on a field that is no number.
    """
    fields = text_of(body).split(";")
    if len(fields) != len(names):
        raise MeterGarbage(f"found {len(fields)} fields in {shown(body, 80)}, expected {len(names)}: {' '.join(names)}")
    return {name: _decode_field(name, field.strip()) for name, field in zip(names, fields, strict=True)}


def _decode_field(name: str, text: str) -> float:
    if name.startswith("tsnorm"):
        return _decode_stamp(name, text)
    if not re.fullmatch(r"[+-]?\d{1,12}(\.\d{0,12})?([eE][+-]?\d{1,2})?", text):
        raise MeterGarbage(f"field {name}: found {text[:30]!r}, expected a number")
    value = float(text)
    if INFINITY * 0.999 > abs(value) >= 1e12 or abs(value) > NAN * 1.0001:
        raise MeterGarbage(f"field {name}: found {text[:30]!r}, expected a number below 1e12, 9.9e37 or 9.91e37")
    return value


def _decode_stamp(name: str, text: str) -> float:
    """Return e.g. `2015:01:21D17:20:55.437817000+0000` as seconds; nanoseconds beyond a microsecond are dropped."""
    match = re.fullmatch(r"(\d{4}:\d\d:\d\dD\d\d:\d\d:\d\d\.\d{6})\d{3}([+-]\d{4})", text)
    try:
        return datetime.strptime("".join(match.groups()) if match else "", "%Y:%m:%dD%H:%M:%S.%f%z").timestamp()
    except (ValueError, OverflowError):
        pass
    raise MeterGarbage(f"field {name}: found {text[:40]!r}, expected `2015:01:21D17:20:55.437817000+0000`")


def check_row(row: Mapping[str, float], cycle_s: float) -> None:
    """Raise `MeterGarbage` if the row contradicts itself or the cycle that was set."""
    for name, end in (("count", COUNTS), ("sctc", SAMPLES)):
        counter = row.get(name, 0.0)
        if not 0 <= counter < end or counter != int(counter):
            raise MeterGarbage(f"field {name}: found {counter:g}, expected a whole number from 0 to {end - 1}")
    true_s = true_cycle_s(row)
    if true_s <= 0 or abs(true_s - cycle_s) > CYCLE_SLACK_S + CYCLE_SLACK * cycle_s:
        raise MeterGarbage(f"true cycle: found {true_s:g} s, expected nearly {cycle_s:g} s as it was set")
    volts, amperes, watts, apparent, factor = (_finite(row.get(name, NAN)) for name in CHANNEL_ITEMS)
    for name, value, high in (("utrms", volts, HIGHEST_V), ("itrms", amperes, HIGHEST_A), ("pf", factor, 1.0)):
        if value is not None and abs(value) > high * (1 + PRODUCT_SLACK):
            raise MeterGarbage(f"field {name}: found {value:g}, expected at most {high:g}")
    if apparent is not None and volts is not None and amperes is not None:
        _check_product("s", apparent, "utrms itrms", volts * amperes, 0.0)
    if apparent is not None and watts is not None:
        if factor is not None:
            _check_product("p", abs(watts), "pf s", abs(factor) * apparent, FACTOR_SLACK * apparent)
        elif abs(watts) > apparent * (1 + PRODUCT_SLACK):
            raise MeterGarbage(f"field p: found {watts:g}, expected at most the apparent power {apparent:g}")


def _check_product(name: str, value: float, factors: str, product: float, slack: float) -> None:
    if abs(value - product) > PRODUCT_SLACK * max(abs(value), abs(product)) + slack:
        raise MeterGarbage(f"field {name}: found {value:g}, expected {product:g} as {factors} of the same row say")


def true_cycle_s(row: Mapping[str, float]) -> float:
    """Return how long the row was averaged over, in seconds, as the instrument says."""
    return row["cycr"] if "cycr" in row else row["durnorm"]


def to_reading(row: Mapping[str, float], time_ns: int, flags: frozenset[str]) -> Reading:
    """Return the row as SI values; power that is NaN is `nan`, an infinite P, U or I is `overrange`."""
    power_w = _finite(row["p"])
    if any(_infinite(row[name]) for name in ("p", "utrms", "itrms")):
        power_w, flags = None, flags | {"overrange"}
    elif power_w is None:
        flags = flags | {"nan"}
    return Reading(
        time_ns=time_ns,
        power_w=power_w,
        voltage_v=_finite(row["utrms"]),
        current_a=_finite(row["itrms"]),
        power_factor=_finite(row["pf"]),
        frequency_hz=_finite(row["freq"] if "freq" in row else row["fcyc"]),
        apparent_power_va=_finite(row["s"]) if "s" in row else None,
        window_s=true_cycle_s(row),
        flags=flags,
    )


def order_flags(before: Mapping[str, float] | None, row: Mapping[str, float]) -> frozenset[str]:
    """Return `stale` if the instrument repeated the row before, `resynced` if rows between them are missing."""
    if before is None:
        return frozenset()
    if "count" in row:
        step = (row["count"] - before["count"]) % COUNTS
        if step == 0 or row["sctc"] == before["sctc"]:
            return frozenset({"stale"})
        return frozenset() if step == 1 else frozenset({"resynced"})
    passed_s = row["tsnorm"] - before["tsnorm"]
    if passed_s == 0:
        return frozenset({"stale"})
    return frozenset() if 0 < passed_s < 1.5 * true_cycle_s(row) else frozenset({"resynced"})


def _finite(value: float) -> float | None:
    return None if abs(value) >= 1e37 else value


def _infinite(value: float) -> bool:
    return 1e37 <= abs(value) < (NAN + INFINITY) / 2


def text_of(body: bytes) -> str:
    """Return a line as text, what is no ASCII replaced."""
    return body.strip().decode("ascii", errors="replace")
