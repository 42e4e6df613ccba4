"""What stands in a telegram: elements by type and length, messages, the value list.

Knows: the encoding of SML 1.04, entries with unit and power of ten. Does not know: what an OBIS code means
(`meters.sml.registers`).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from typing import TypeAlias

from meters.meter import MeterGarbage
from meters.sml.frame import crc_bytes, unpack

MESSAGE = 0x76  # a list of 6
GET_LIST_RESPONSE = 0x0701
DEPTH_LIMIT = 8  # a time in an entry of a list in a body stands at 6
SCALER_LIMIT = 9


@cache
def obis_of(text: str) -> bytes:
    """Return an OBIS code as it stands in a telegram; the inverse of `name_of`."""
    return bytes(int(part) for part in text.replace("-", ".").replace(":", ".").replace("*", ".").split("."))


ENERGY = obis_of("1-0:1.8.0*255")


@dataclass(frozen=True, slots=True)
class Number:
    """An integer as it was sent: `size` is its number of bytes."""

    value: int
    signed: bool
    size: int


Value: TypeAlias = "bytes | bool | Number | tuple[Value, ...] | None"


def decode_element(data: bytes, at: int, depth: int = 0) -> tuple[Value, int]:
    """Return the element that begins at `at`, and where the next begins; an octet string of length 0 is `None`.

    Raises `MeterGarbage` beyond the end of `data`, deeper than `DEPTH_LIMIT`, and on a type that does not exist.
    """
    kind, length, begin = _type_and_length(data, at)
    if kind == 7:
        if depth == DEPTH_LIMIT or length > len(data) - begin:
            raise MeterGarbage(f"found a list of {length} at byte {at}, depth {depth}, of {len(data)} bytes")
        items = []
        for _item in range(length):
            item, begin = decode_element(data, begin, depth + 1)
            items.append(item)
        return tuple(items), begin
    end = at + length
    payload = data[begin:end]
    if end > len(data) or end < begin:
        raise MeterGarbage(f"found an element of {length} bytes at byte {at}, only {len(data) - at} are there")
    if kind == 0:
        return payload or None, end
    if kind == 4 and len(payload) == 1:
        return payload != b"\0", end
    if kind in (5, 6) and 1 <= len(payload) <= 8:
        return Number(int.from_bytes(payload, "big", signed=kind == 5), kind == 5, len(payload)), end
    raise MeterGarbage(f"found type {kind} with {len(payload)} bytes at byte {at}, expected an SML type")


def _type_and_length(data: bytes, at: int) -> tuple[int, int, int]:
    """Return type, length (of the whole element; of a list its items) and where the content begins."""
    length = 0
    for count in range(1, 4):
        if at + count > len(data):
            break
        byte = data[at + count - 1]
        length = length << 4 | byte & 0x0F
        if not byte & 0x80:
            return data[at] >> 4 & 7, length, at + count
    raise MeterGarbage(f"found no end of the length at byte {at} of {len(data)}, expected at most 3 bytes")


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of a value list; `unit` is the DLMS code, `scaler` the power of ten."""

    status: int | None
    time: int | None
    unit: int | None
    scaler: int
    value: bytes | bool | Number | None


@dataclass(frozen=True, slots=True)
class Telegram:
    """The value list of one telegram: `second` is the meter's own second index, if it sends one; `troubles` say why
    an entry is left out."""

    server_id: bytes
    second: int | None
    entries: Mapping[bytes, Entry]
    troubles: tuple[str, ...] = ()


def decode_telegram(telegram: bytes, checksum: str) -> Telegram:
    """Return what a whole telegram says; raises `MeterGarbage` unless it is sound and has a value list."""
    lists = [body for tag, body in _messages(unpack(telegram, checksum), checksum) if tag == GET_LIST_RESPONSE]
    if len(lists) != 1:
        raise MeterGarbage(f"found {len(lists)} value lists in a telegram, expected 1")
    _client, server_id, _name, sensor_time, values, _signature, _gateway_time = _items(lists[0], 7, "value list")
    if not isinstance(values, tuple):
        raise MeterGarbage("found a value list without values")
    entries, troubles = _entries(values)
    if not isinstance(server_id, bytes):
        raise MeterGarbage("found no server identity in the value list")
    second = _time(sensor_time)
    if second is None and ENERGY in entries:
        second = entries[ENERGY].time
    return Telegram(server_id, second, entries, troubles)


def _entries(values: tuple[Value, ...]) -> tuple[dict[bytes, Entry], tuple[str, ...]]:
    """Return the entries of a value list, and what is wrong with those that are none."""
    entries: dict[bytes, Entry] = {}
    troubles: dict[bytes, str] = {}
    for value in values:
        try:
            obis, entry = _entry(value)
        except MeterGarbage as error:
            troubles[str(error).encode()] = str(error)
            continue
        if entries.setdefault(obis, entry) != entry:
            troubles[obis] = f"found {name_of(obis)} twice with different values"
    return {obis: entry for obis, entry in entries.items() if obis not in troubles}, tuple(troubles.values())


def name_of(obis: bytes) -> str:
    """Return an OBIS code as it is written, `1-0:16.7.0*255`."""
    return "{}-{}:{}.{}.{}*{}".format(*obis)


def _messages(data: bytes, checksum: str) -> Iterator[tuple[int, Value]]:
    """Yield tag and body of each message, each with its own check sum right."""
    at = 0
    while at < len(data):
        begin = at
        if data[at] != MESSAGE:
            raise MeterGarbage(f"found {data[at]:#04x} at byte {at}, expected the start of a message, 0x76")
        at += 1
        for _header in ("transaction", "group", "abort on error"):
            _ignored, at = decode_element(data, at)
        body, check_at = decode_element(data, at)
        check, at = decode_element(data, check_at)
        expected = int.from_bytes(crc_bytes(data[begin:check_at], checksum), "big")
        if not isinstance(check, Number) or check.value != expected or data[at : at + 1] != b"\0":
            raise MeterGarbage(
                f"found the check {check!r} of a message at byte {check_at}, expected {expected:#06x} and 00"
            )
        at += 1
        tag, content = _items(body, 2, "message body")
        yield _whole(tag, "message tag"), content


def _entry(value: Value) -> tuple[bytes, Entry]:
    obis, status, time, unit, scaler, content, _signature = _items(value, 7, "entry")
    if not isinstance(obis, bytes) or len(obis) != 6:
        raise MeterGarbage(f"found the OBIS code {obis!r}, expected 6 bytes")
    exponent = 0 if scaler is None else _whole(scaler, "scaler")
    if abs(exponent) > SCALER_LIMIT:
        raise MeterGarbage(f"found the scaler {exponent} of {obis.hex()}, expected -{SCALER_LIMIT} to {SCALER_LIMIT}")
    return obis, Entry(
        None if status is None else _whole(status, "status word"),
        _time(time),
        None if unit is None else _whole(unit, "unit"),
        exponent,
        None if isinstance(content, tuple) else content,
    )


def _time(value: Value) -> int | None:
    """Return a second index or a time stamp; some meters (Holley DTZ541) leave the choice tag out."""
    if isinstance(value, tuple):
        _tag, value = _items(value, 2, "time")
        if isinstance(value, tuple):  # local time: stamp, offset, summer-time offset
            value = value[0] if value else None
    return value.value if isinstance(value, Number) else None


def _items(value: Value, count: int, what: str) -> tuple[Value, ...]:
    if not isinstance(value, tuple) or len(value) != count:
        raise MeterGarbage(f"found {value!r:.60}, expected {what}: a list of {count}")
    return value


def _whole(value: Value, what: str) -> int:
    if not isinstance(value, Number):
        raise MeterGarbage(f"found {value!r:.60}, expected {what}: a number")
    return value.value
