"""The variable data structure of EN 13757-3: a telegram taken apart into records with a value, a step and a unit.

Knows: DIF and DIFE (which number, of when, of which tariff and part of the device), VIF and VIFE of what is measured
in W, Wh, V, A and Hz, texts, plain-text units, marks of "no value", the header. Does not know: which record is the
power of now (`meters.mbus.quantities`).

A record that is not understood keeps its place and says so; only one that ends too early, and a header of another
kind, is garbage. Numbers stay whole until they are scaled, so that no digit is made up.
"""

from __future__ import annotations

import math
import struct
from dataclasses import dataclass
from typing import Final, Literal

from meters.mbus.frames import Telegram
from meters.meter import MeterGarbage, MeterMismatch, MeterRefused

Function = Literal["now", "maximum", "minimum", "error"]
FUNCTIONS: Final[tuple[Function, ...]] = ("now", "maximum", "minimum", "error")
LONG_HEADER, ERROR_REPORT, ALARMS, FIXED = 0x72, 0x70, 0x71, 0x73
HEADER = struct.Struct("<4sHBBBBH")
ENCRYPTED: Final = frozenset({5, 7, 13})
"""Security modes of EN 13757-7 in use; meters from before have a signature of their own in the same place."""
MOST_EXTENSIONS: Final = 10
FILLER, MANUFACTURER, MORE = 0x2F, 0x0F, 0x1F
LENGTHS: Final = (0, 1, 2, 3, 4, 4, 6, 8, 0, 1, 2, 3, 4, None, 6, None)
"""Bytes of a value by the low half of its DIF; `None`: its first byte says it, or it is none."""
LARGE_LENGTHS: Final = {0xF0: 16, 0xF1: 20, 0xF2: 24, 0xF3: 28, 0xF4: 32, 0xF5: 48, 0xF6: 64}
"""Bytes of a large number by its LVAR (EN 13757-3, table 5); none of them is read."""
BCD_KINDS: Final = frozenset({9, 10, 11, 12, 14})
REAL, VARIABLE = 5, 13
EXTENDED: Final = 0x80
TEXT_UNIT, MAKERS_UNIT = 0x7C, 0x7F
MEDIA: Final = {
    0x00: "other", 0x01: "oil", 0x02: "electricity", 0x03: "gas", 0x04: "heat", 0x06: "warm water", 0x07: "water",
    0x08: "heat cost allocator", 0x09: "compressed air", 0x0A: "cooling", 0x0C: "heat", 0x0D: "heat and cooling",
    0x0E: "bus or system", 0x0F: "unknown", 0x15: "hot water", 0x16: "cold water",
}  # fmt: skip
ELECTRICITY: Final = 0x02
BUSY: Final = 1
ERRORS_OF_APPLICATION: Final = {0: "an unspecified error", 1: "CI field", 2: "buffer too long", 3: "too many records",
    4: "premature end of record", 5: "more than 10 DIFE", 6: "more than 10 VIFE", 8: "too busy", 9: "too many readouts",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Header:
    """Who sent a telegram: number, maker's three letters, version, medium, access number, status."""

    number: str
    maker: str
    version: int
    medium: int
    access: int
    status: int


@dataclass(frozen=True, slots=True)
class Record:
    """One record: its place, when, storage, tariff and part (subunit) it is of, unit (empty: not one we read), value in
    that unit (`None`: none, or no number), step of its last digit, what else qualifies it (VIFE), a text."""

    place: int
    function: Function
    storage: int
    tariff: int
    part: int
    unit: str
    value: float | None
    step: float
    qualifiers: bytes = b""
    is_makers: bool = False
    text: str = ""
    code: bytes = b""


@dataclass(frozen=True, slots=True)
class Answer:
    """One telegram: its header, its records, whether another telegram of the same readout follows."""

    header: Header
    records: tuple[Record, ...]
    goes_on: bool


# --- the whole telegram ---------------------------------------------------------------------------------------------


def decode_answer(telegram: Telegram, first_place: int = 0) -> Answer:
    """Return what a telegram says; `first_place` is how many records of the same readout came before.

    Raises `MeterGarbage`, `MeterRefused` for an error that the meter reports or an encrypted telegram.
    """
    if telegram.control == ERROR_REPORT:
        error = telegram.data[0] if telegram.data else 0
        raise MeterGarbage(f"the meter reports {ERRORS_OF_APPLICATION.get(error, f'the error {error}')}")
    if telegram.control != LONG_HEADER:
        what = "the fixed data structure, which has no power" if telegram.control == FIXED else "not spoken here"
        raise MeterGarbage(f"found the control information {telegram.control:02x} ({what}), expected 72")
    if len(telegram.data) < HEADER.size:
        raise MeterGarbage(f"found {len(telegram.data)} bytes of a telegram, expected {HEADER.size} or more")
    number, maker, version, medium, access, status, configuration = HEADER.unpack_from(telegram.data)
    if configuration >> 8 & 0x1F in ENCRYPTED:
        raise MeterRefused("the meter encrypts its telegrams, which are not read: have that switched off for this bus")
    header = Header(number[::-1].hex(), _letters(maker), version, medium, access, status)
    records, goes_on = _records(telegram.data[HEADER.size :], first_place)
    return Answer(header, records, goes_on)


def check_electricity(header: Header) -> None:
    """Raise `MeterMismatch` unless this is a meter of electricity: a heat meter has watts too."""
    if header.medium != ELECTRICITY:
        medium = MEDIA.get(header.medium, f"medium {header.medium:#04x}")
        raise MeterMismatch(
            f"found the meter {header.number} of {header.maker or 'an unnamed maker'} for {medium}, expected one for "
            "electricity; correct `address` or `secondary`"
        )


def _letters(maker: int) -> str:
    letters = [(maker >> shift & 0x1F) + 0x40 for shift in (10, 5, 0)]
    return "".join(map(chr, letters)) if all(0x41 <= letter <= 0x5A for letter in letters) else ""


def _records(data: bytes, first_place: int) -> tuple[tuple[Record, ...], bool]:
    """Return the records, and whether the last one says that more follow."""
    records: list[Record] = []
    at = 0
    while at < len(data):
        dif = data[at]
        if dif == FILLER:
            at += 1
            continue
        if dif & 0x0F == 0x0F:
            return tuple(records), dif == MORE
        record, at = _record(data, at, first_place + len(records))
        records.append(record)
    return tuple(records), False


# --- one record -----------------------------------------------------------------------------------------------------


def _record(data: bytes, at: int, place: int) -> tuple[Record, int]:
    """Return the record at a position, and where the next one begins; raises `MeterGarbage`."""
    block, at = _chain(data, at, place)
    dif, extensions = block[0], block[1:]
    storage, tariff, part = dif >> 6 & 1, 0, 0
    for rank, extension in enumerate(extensions):
        storage |= (extension & 0x0F) << 1 + 4 * rank
        tariff |= (extension >> 4 & 3) << 2 * rank
        part |= (extension >> 6 & 1) << rank
    vif_at = at
    code, unit_text, qualifiers, at = _code(data, at, place)
    value_bytes, kind, at = _value(data, at, dif & 0x0F, place)
    unit, exponent, qualifiers, is_makers = _unit(code, qualifiers)
    number, text = _number(value_bytes, kind) if kind else (None, "")
    step = 10.0**exponent
    scaled = None if number is None else _scaled(number, exponent)
    found = Record(
        place, FUNCTIONS[dif >> 4 & 3], storage, tariff, part, unit_text or unit, scaled if unit else None, step,
        qualifiers, is_makers, text, data[vif_at : vif_at + 2],
    )  # fmt: skip
    return found, at


def _chain(data: bytes, at: int, place: int) -> tuple[bytes, int]:
    """Return a byte with its extensions, each announced by the highest bit of the one before."""
    start = at
    while at < len(data):
        at += 1
        if not data[at - 1] & EXTENDED:
            return data[start:at], at
        if at - start > MOST_EXTENSIONS:
            raise MeterGarbage(f"record {place}: found more than {MOST_EXTENSIONS} extensions, expected fewer")
    raise _cut(place)


def _code(data: bytes, at: int, place: int) -> tuple[bytes, str, bytes, int]:
    """Return the VIF (two bytes after FB and FD), a unit in plain text, the VIFEs."""
    if at >= len(data):
        raise _cut(place)
    unit_text = ""
    if data[at] & 0x7F == TEXT_UNIT:
        length = data[at + 1] if at + 1 < len(data) else len(data)
        end = at + 2 + length
        if end > len(data):
            raise _cut(place)
        unit_text = _printable(data[at + 2 : end][::-1])
        rest, end = _chain(data, end, place) if data[at] & EXTENDED else (b"", end)
        return b"\x7c", unit_text, rest, end
    chain, at = _chain(data, at, place)
    plain = bytes(byte & 0x7F for byte in chain)
    width = 2 if chain[0] in (0xFB, 0xFD) else 1
    return chain[:1] + plain[1:width] if width == 2 else plain[:1], "", plain[width:], at


def _value(data: bytes, at: int, kind: int, place: int) -> tuple[bytes, int, int]:
    """Return the bytes of a value, and how they are to be read."""
    length = LENGTHS[kind]
    if kind == VARIABLE:
        if at >= len(data):
            raise _cut(place)
        mark, at = data[at], at + 1
        if mark < 0xC0:
            kind, length = VARIABLE, mark
        elif mark < 0xE0:
            kind, length = (-1 if mark >= 0xD0 else 12), mark & 0x0F
        else:
            kind, length = (4, mark - 0xE0) if mark < 0xF0 else (0, LARGE_LENGTHS.get(mark))
    if length is None or at + length > len(data):
        raise _cut(place)
    return data[at : at + length], kind, at + length


def _number(data: bytes, kind: int) -> tuple[int | float | None, str]:
    """Return a number, `None` where the meter has none; or a text."""
    if kind == VARIABLE:
        return None, _printable(data[::-1])
    if not data:
        return None, ""
    if kind == -1 or kind in BCD_KINDS:
        return _bcd(data[::-1].hex(), negative=kind == -1), ""
    if kind == REAL:
        value: float = struct.unpack("<f", data)[0]
        return (value if math.isfinite(value) else None), ""
    number = int.from_bytes(data, "little", signed=True)
    return (None if number == -(1 << 8 * len(data) - 1) else number), ""  # EN 13757-3, A.2: type B, invalid


def _bcd(digits: str, *, negative: bool) -> int | None:
    """Return a number in BCD; an F in front is a minus (EN 13757-3, annex A, type A); other letters are no number."""
    if digits[0] == "f":
        negative, digits = True, digits[1:]
    if not digits.isdecimal():
        return None
    return -int(digits) if negative else int(digits)


def _scaled(number: int | float, exponent: int) -> float:
    return float(number * 10**exponent) if exponent >= 0 else number / 10**-exponent


def _printable(data: bytes) -> str:
    return "".join(chr(byte) for byte in data if 0x20 <= byte < 0x7F)


def _cut(place: int) -> MeterGarbage:
    return MeterGarbage(f"record {place}: found the end of the telegram, expected the rest of the record")


# --- what a record measures -----------------------------------------------------------------------------------------


def _unit(code: bytes, qualifiers: bytes) -> tuple[str, int, bytes, bool]:
    """Return unit (empty: not one we read), power of ten of the last digit, the qualifiers that are left, and whether
    they are the maker's own (EN 13757-3, tables 10, 12, 14, 15)."""
    unit, exponent = _primary(code)
    left = bytearray()
    for place, qualifier in enumerate(qualifiers):
        if qualifier == MAKERS_UNIT:  # what follows is the maker's own
            return unit, exponent, bytes(left) + qualifiers[place + 1 :], True
        if 0x70 <= qualifier <= 0x77:
            exponent += qualifier - 0x76
        elif qualifier == 0x7D:
            exponent += 3
        else:
            left.append(qualifier)
    return unit, exponent, bytes(left), False


def _primary(code: bytes) -> tuple[str, int]:
    first = code[0]
    if len(code) == 2:
        return _second(first, code[1])
    if first <= 0x07:
        return "Wh", first - 3
    if 0x28 <= first <= 0x2F:
        return "W", (first & 7) - 3
    return "", 0


def _second(table: int, code: int) -> tuple[str, int]:
    if table == 0xFD:
        if 0x40 <= code <= 0x4F:
            return "V", (code & 15) - 9
        if 0x50 <= code <= 0x5F:
            return "A", (code & 15) - 12
        return "", 0
    if code <= 0x01:
        return "Wh", code + 5
    if 0x28 <= code <= 0x29:
        return "W", (code & 1) + 5
    return ("Hz", (code & 3) - 3) if 0x2C <= code <= 0x2F else ("", 0)
