"""Frames of Modbus RTU and TCP: questions for registers, replies, check sum; what finds a reply among stray bytes.

Knows: functions 3 and 4 and exceptions, bytes and registers. Does not know: what registers mean
(`meters.register_maps`), when something is asked (`meters.modbus.dialogue`).
"""

from __future__ import annotations

import struct
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from meters import checksums
from meters.meter import MeterGarbage, MeterRefused

READS = frozenset({3, 4})
MOST_REGISTERS = 125  # Modbus Application Protocol V1.1b3, 6.3
FRAME_LIMIT = 260  # of TCP, Modbus Messaging on TCP/IP, 4.1; RTU: 256
SHOWN_BYTES = 40

EXCEPTIONS = {
    1: "illegal function",
    2: "illegal data address",
    3: "illegal data value",
    4: "device failure",
    5: "acknowledge, not ready yet",
    6: "busy",
    8: "memory parity error",
    10: "gateway path unavailable",
    11: "gateway target did not answer",
}


class ExceptionReply(MeterGarbage):
    """The meter answered with an exception; `code` as the standard numbers them."""

    def __init__(self, code: int, text: str) -> None:
        self.code = code
        super().__init__(text)


@dataclass(frozen=True, slots=True)
class Question:
    """`count` registers from `start` on, of the meter at `address`, by function 3 (holding) or 4 (input)."""

    address: int
    function: int
    start: int
    count: int


def crc16(data: bytes) -> int:
    """Return the check sum of an RTU frame (Modbus over Serial Line, appendix B)."""
    return checksums.crc16(data, checksums.ANSI, 0xFFFF)


def _request(question: Question) -> bytes:
    """Return address and PDU; the one place where a question becomes bytes."""
    if question.function not in READS:
        raise MeterRefused(
            f"modbus: the driver does not send function 0x{question.function:02X}; it can change what the meter keeps"
        )
    if not (0 < question.address < 256 and 0 <= question.start <= 0xFFFF and 0 < question.count <= MOST_REGISTERS):
        raise MeterRefused(f"modbus: {question}: expected an address 1 to 255 and 1 to {MOST_REGISTERS} registers")
    return struct.pack(">BBHH", question.address, question.function, question.start, question.count)


def rtu_request(question: Question) -> bytes:
    """Return the RTU frame of a question; raises `MeterRefused` for anything but reading."""
    body = _request(question)
    return body + struct.pack("<H", crc16(body))


def tcp_request(question: Question, transaction: int) -> bytes:
    """Return the TCP frame of a question; raises `MeterRefused` for anything but reading."""
    return struct.pack(">HHH", transaction, 0, 6) + _request(question)


def rtu_sound(frame: bytes) -> bool:
    """Whether the check sum at the end of an RTU frame is that of the frame."""
    return len(frame) > 3 and crc16(frame[:-2]) == frame[-2] | frame[-1] << 8


def rtu_words(frame: bytes, question: Question) -> tuple[int, ...]:
    """Return the registers in an RTU reply; raises `MeterGarbage` unless it answers the question."""
    if len(frame) < 5:
        raise MeterGarbage(f"found {shown(frame)}, expected a reply of {5 + 2 * question.count} bytes")
    if not rtu_sound(frame):
        raise MeterGarbage(
            f"found {shown(frame)} with check sum {frame[-2]:02X} {frame[-1]:02X}, "
            f"expected {crc16(frame[:-2]).to_bytes(2, 'little').hex(' ').upper()}"
        )
    return _words(frame[:-2], question)


def tcp_words(frame: bytes, question: Question, transaction: int) -> tuple[int, ...]:
    """Return the registers in a TCP reply; raises `MeterGarbage` unless it answers the question."""
    if len(frame) < 9:
        raise MeterGarbage(f"found {shown(frame)}, expected a reply of {9 + 2 * question.count} bytes")
    number, protocol, length = struct.unpack(">HHH", frame[:6])
    if (number, protocol, length) != (transaction, 0, len(frame) - 6):
        raise MeterGarbage(
            f"found transaction {number}, protocol {protocol}, length {length} in {shown(frame)}, "
            f"expected {transaction}, 0, {len(frame) - 6}"
        )
    return _words(frame[6:], question)


def _words(body: bytes, question: Question) -> tuple[int, ...]:
    """Return the registers in address and PDU of a reply."""
    if body[0] != question.address:
        raise MeterGarbage(f"found a reply of the meter at address {body[0]}, expected {question.address}")
    if body[1] == question.function | 0x80 and len(body) == 3:
        what = EXCEPTIONS.get(body[2], "of no standard")
        raise ExceptionReply(body[2], f"found exception {body[2]} ({what}) to {question}, expected registers")
    if body[1] != question.function or body[2] != 2 * question.count or len(body) != 3 + body[2]:
        raise MeterGarbage(
            f"found {shown(body)}, expected function {question.function} and {2 * question.count} bytes of registers"
        )
    return struct.unpack(f">{question.count}H", body[3:])


def shown(data: bytes) -> str:
    """Return a frame for the sentence of an error."""
    return f"`{data[:SHOWN_BYTES].hex(' ').upper()}{' ...' if len(data) > SHOWN_BYTES else ''}`"


@dataclass(frozen=True, slots=True)
class Shape:
    """How a reply to one question begins, and how long it is."""

    begin: bytes
    length: int


class ReplySplitter:
    """Finds the reply to one question among stray bytes; holds fewer than `FRAME_LIMIT` bytes.

    A frame is what has the `begin` and length of one of `shapes` and is `sound`; everything before it is dropped.
    """

    __slots__ = ("_held", "_shapes", "_sound", "heard")

    def __init__(self, shapes: tuple[Shape, ...], sound: Callable[[bytes], bool]) -> None:
        self._shapes, self._sound = shapes, sound
        self._held = b""
        self.heard = b""
        """The first `FRAME_LIMIT` bytes that came, for the error."""

    @property
    def held_bytes(self) -> int:
        """How many bytes of an unfinished frame are kept."""
        return len(self._held)

    def feed(self, data: bytes) -> bytes | None:
        """Return the frame if `data` completes it."""
        if len(self.heard) < FRAME_LIMIT:
            self.heard += data[: FRAME_LIMIT - len(self.heard)]
        held = self._held + data
        first_open = len(held)
        for shape in self._shapes:
            at = held.find(shape.begin)
            while at >= 0:
                frame = held[at : at + shape.length]
                if len(frame) < shape.length:
                    first_open = min(first_open, at)
                    break
                if self._sound(frame):
                    self._held = b""
                    return frame
                at = held.find(shape.begin, at + 1)
            first_open = min(first_open, len(held) - _torn(held, shape.begin))
        self._held = held[first_open:]
        return None


def _torn(held: bytes, begin: bytes) -> int:
    """Return how many bytes at the end of `held` may be the first ones of `begin`."""
    return next((size for size in range(len(begin) - 1, 0, -1) if held.endswith(begin[:size])), 0)


class Framing(Protocol):
    """What differs between RTU and TCP."""

    def request(self, question: Question) -> bytes:
        """Return the bytes to send; a new question each time. Raises `MeterRefused`."""
        ...

    def splitter(self, question: Question) -> ReplySplitter:
        """Return what finds the reply to the question sent last."""
        ...

    def words(self, frame: bytes, question: Question) -> tuple[int, ...]:
        """Return the registers of a reply; raises `MeterGarbage`, `ExceptionReply`."""
        ...


class Rtu:
    """Frames of a serial line: address, PDU, check sum."""

    def request(self, question: Question) -> bytes:
        """Return the bytes to send."""
        return rtu_request(question)

    def splitter(self, question: Question) -> ReplySplitter:
        """Return what finds the reply: registers, or an exception."""
        head = bytes([question.address, question.function])
        refusal = bytes([question.address, question.function | 0x80])
        size = 2 * question.count
        return ReplySplitter((Shape(head + bytes([size]), 5 + size), Shape(refusal, 5)), rtu_sound)

    def words(self, frame: bytes, question: Question) -> tuple[int, ...]:
        """Return the registers of a reply."""
        return rtu_words(frame, question)


class Tcp:
    """Frames of a network: transaction, protocol 0, length, unit, PDU."""

    def __init__(self) -> None:
        self._transaction = 0

    def request(self, question: Question) -> bytes:
        """Return the bytes to send, under a new transaction number."""
        self._transaction = self._transaction % 0xFFFF + 1
        return tcp_request(question, self._transaction)

    def splitter(self, question: Question) -> ReplySplitter:
        """Return what finds the reply: registers, or an exception."""
        size = 2 * question.count
        head = struct.pack(">HHHBB", self._transaction, 0, 3 + size, question.address, question.function)
        refusal = struct.pack(">HHHBB", self._transaction, 0, 3, question.address, question.function | 0x80)
        return ReplySplitter((Shape(head + bytes([size]), 9 + size), Shape(refusal, 9)), lambda _frame: True)

    def words(self, frame: bytes, question: Question) -> tuple[int, ...]:
        """Return the registers of a reply."""
        return tcp_words(frame, question, self._transaction)
