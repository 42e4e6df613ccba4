"""BER as far as SNMP uses it: tag, length, content; whole numbers, octets, object identifiers.

Knows: X.690 with definite lengths, the tags of RFC 2578 and RFC 3416. Does not know: messages (`meters.snmp.messages`).
An agent may write a length, and a number, in more bytes than it needs: both are read.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Final

from meters.meter import MeterGarbage

INTEGER: Final = 0x02
OCTETS: Final = 0x04
NULL: Final = 0x05
OID: Final = 0x06
SEQUENCE: Final = 0x30
IP_ADDRESS: Final = 0x40
COUNTER32: Final = 0x41
GAUGE32: Final = 0x42
TIME_TICKS: Final = 0x43
OPAQUE: Final = 0x44
COUNTER64: Final = 0x46
UNSIGNED: Final = frozenset({COUNTER32, GAUGE32, TIME_TICKS, COUNTER64})

LONGEST_LENGTH: Final = 4
LONGEST_NUMBER: Final = 9
LONGEST_ARC: Final = 5
"""Bytes of a length, a whole number and a part of an object identifier; SNMP needs no more."""


@dataclass(frozen=True, slots=True)
class Item:
    """One value as it stands on the wire: its tag, the bytes of its content, and where in the data those begin."""

    tag: int
    content: bytes
    begin: int = field(default=0, compare=False)


def encode(tag: int, content: bytes) -> bytes:
    """Return tag, length and content."""
    length = len(content)
    if length < 0x80:
        return bytes((tag, length)) + content
    digits = length.to_bytes((length.bit_length() + 7) // 8, "big")
    return bytes((tag, 0x80 | len(digits))) + digits + content


def encode_number(number: int, tag: int = INTEGER) -> bytes:
    """Return a whole number in as few bytes as hold it with its sign."""
    length = number.bit_length() // 8 + 1 if number >= 0 else (number + 1).bit_length() // 8 + 1
    return encode(tag, number.to_bytes(length, "big", signed=True))


def encode_oid(oid: str) -> bytes:
    """Return an object identifier such as `1.3.6.1.2.1.1.1.0`; raises `ValueError` where it is none."""
    first, second, *rest = (int(arc) for arc in oid.split("."))
    return encode(OID, b"".join(_arc(arc) for arc in (40 * first + second, *rest)))


def _arc(arc: int) -> bytes:
    septets = [arc & 0x7F]
    while arc := arc >> 7:
        septets.append(0x80 | arc & 0x7F)
    return bytes(reversed(septets))


def encode_sequence(parts: Iterable[bytes], tag: int = SEQUENCE) -> bytes:
    """Return encoded parts as one value."""
    return encode(tag, b"".join(parts))


def decode_one(data: bytes) -> Item:
    """Return the only value in `data`; raises `MeterGarbage` where there is less or more."""
    found = list(decode_all(data))
    if len(found) != 1:
        raise MeterGarbage(f"found {len(found)} values in {len(data)} bytes, expected one")
    return found[0]


def decode_all(data: bytes) -> Iterator[Item]:
    """Yield the values that follow each other in `data`; raises `MeterGarbage` where one is cut off or is no BER."""
    at = 0
    while at < len(data):
        tag = data[at]
        if tag & 0x1F == 0x1F:
            raise MeterGarbage(f"found a tag of several bytes ({tag:#04x}) at byte {at}, SNMP has none")
        begin, length = _length(data, at + 1)
        if begin + length > len(data):
            raise MeterGarbage(f"found {len(data) - begin} bytes of a value of {length} at byte {at}")
        yield Item(tag, data[begin : begin + length], begin)
        at = begin + length


def _length(data: bytes, at: int) -> tuple[int, int]:
    """Return where the content begins, and how long it is."""
    if at >= len(data):
        raise MeterGarbage(f"found the end of the data at byte {at}, expected a length")
    first = data[at]
    if first < 0x80:
        return at + 1, first
    count = first & 0x7F
    if not 1 <= count <= LONGEST_LENGTH or at + 1 + count > len(data):
        raise MeterGarbage(f"found {first:#04x} at byte {at}, expected a length of 1 to {LONGEST_LENGTH} bytes")
    return at + 1 + count, int.from_bytes(data[at + 1 : at + 1 + count], "big")


def decode_number(item: Item) -> int:
    """Return a whole number of any of SNMP's kinds; raises `MeterGarbage`."""
    is_number = item.tag == INTEGER or item.tag in UNSIGNED
    if not is_number or not 1 <= len(item.content) <= LONGEST_NUMBER:
        raise MeterGarbage(f"found {described(item)}, expected a whole number")
    number = int.from_bytes(item.content, "big", signed=True)
    if item.tag in UNSIGNED and number < 0:
        # Some agents leave out the zero byte that keeps a large counter from looking negative.
        return int.from_bytes(item.content, "big")
    return number


def decode_oid(item: Item) -> str:
    """Return an object identifier; raises `MeterGarbage`."""
    if item.tag != OID or not item.content:
        raise MeterGarbage(f"found {described(item)}, expected an object identifier")
    arcs, arc, count = [], 0, 0
    for byte in item.content:
        arc, count = arc << 7 | byte & 0x7F, count + 1
        if count > LONGEST_ARC:
            raise MeterGarbage(f"found a part of {count} bytes in an object identifier, expected at most {LONGEST_ARC}")
        if byte < 0x80:
            arcs.append(arc)
            arc = count = 0
    if count:
        raise MeterGarbage("found an object identifier that is cut off")
    first = min(arcs[0] // 40, 2)
    return ".".join(map(str, (first, arcs[0] - 40 * first, *arcs[1:])))


def described(item: Item) -> str:
    """Return a value for the sentence of an error."""
    return f"tag {item.tag:#04x} with {item.content[:20]!r}"
