"""Messages of multicast DNS (RFC 1035, RFC 6762): a question for records, and the records of an answer.

Knows: names with their compression, PTR, SRV, TXT and A records. Does not know: which services there are
(`meters.discovery.services`), sockets.
A name is its labels: the first of a service is free text and may have dots in it.
"""

from __future__ import annotations

import ipaddress
import struct
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from meters.meter import MeterGarbage

Name = tuple[str, ...]

A: Final = 1
PTR: Final = 12
TXT: Final = 16
SRV: Final = 33
INTERNET: Final = 1
RESPONSE: Final = 0x8000
HEADER = struct.Struct(">6H")
QUESTION = struct.Struct(">2H")
RECORD = struct.Struct(">2HIH")
SERVICE = struct.Struct(">3H")
POINTER: Final = 0xC0
LONGEST_NAME = 255
MOST_RECORDS = 512


@dataclass(frozen=True, slots=True)
class Record:
    """One record: whose it is, of which kind, and of its content what the kind has: the name it leads to (PTR, SRV),
    the port (SRV), the strings (TXT), the address (A)."""

    name: Name
    kind: int
    target: Name = ()
    port: int = 0
    texts: tuple[bytes, ...] = ()
    address: str = ""


def encode_questions(questions: Sequence[tuple[Name, int]]) -> bytes:
    """Return one message with questions, each a name and a kind of record."""
    asked = b"".join(_encode_name(name) + QUESTION.pack(kind, INTERNET) for name, kind in questions)
    return HEADER.pack(0, 0, len(questions), 0, 0, 0) + asked


def _encode_name(name: Name) -> bytes:
    labels = [label.encode()[:63] for label in name]
    return b"".join(bytes((len(label),)) + label for label in labels) + b"\0"


def decode_records(message: bytes) -> list[Record]:
    """Return the records of an answer, those of kinds that are not known left out.

    Raises `MeterGarbage`: it is no answer, or cut short, or a name in it has no end.
    """
    try:
        _number, flags, *counts = HEADER.unpack_from(message)
        if not flags & RESPONSE:
            raise MeterGarbage("found a question of DNS, expected an answer")
        at = HEADER.size
        for _question in range(min(counts[0], MOST_RECORDS)):
            at = _decode_name(message, at)[1] + QUESTION.size
        records = []
        for _record in range(min(sum(counts[1:]), MOST_RECORDS)):
            record, at = _decode_record(message, at)
            records += [record] if record is not None else []
        return records
    except (struct.error, IndexError, ValueError) as error:
        raise MeterGarbage(f"found {len(message)} bytes that are no message of DNS ({error})") from error


def _decode_record(message: bytes, at: int) -> tuple[Record | None, int]:
    name, at = _decode_name(message, at)
    kind, _class, _ttl, size = RECORD.unpack_from(message, at)
    begin, end = at + RECORD.size, at + RECORD.size + size
    if end > len(message):
        raise ValueError("a record is cut short")
    content = message[begin:end]
    if kind == PTR:
        return Record(name, kind, target=_decode_name(message, begin)[0]), end
    if kind == SRV:
        port = SERVICE.unpack_from(content)[2]
        return Record(name, kind, target=_decode_name(message, begin + SERVICE.size)[0], port=port), end
    if kind == TXT:
        return Record(name, kind, texts=tuple(_decode_texts(content))), end
    if kind == A:
        return Record(name, kind, address=str(ipaddress.IPv4Address(content))), end
    return None, end


def _decode_texts(content: bytes) -> list[bytes]:
    texts, at = [], 0
    while at < len(content):
        size = content[at]
        texts.append(content[at + 1 : at + 1 + size])
        at += 1 + size
    return texts


def _decode_name(message: bytes, at: int) -> tuple[Name, int]:
    """Return the labels of a name, and where what follows it begins; a pointer leads back only, so it has an end."""
    labels: list[str] = []
    end, before, size = None, at, 0
    while (length := message[at]) != 0:
        if length & POINTER == POINTER:
            goal = (length & ~POINTER) << 8 | message[at + 1]
            end = at + 2 if end is None else end
            if goal >= before:
                raise ValueError("a name that leads to itself")
            at = before = goal
            continue
        size += length + 1
        if length & POINTER or size > LONGEST_NAME or at + 1 + length > len(message):
            raise ValueError("a name that is none")
        labels.append(message[at + 1 : at + 1 + length].decode("utf-8", errors="replace"))
        at += 1 + length
    return tuple(labels), at + 1 if end is None else end
