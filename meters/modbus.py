"""Modbus meters: check sum, RTU and TCP frames, the dialogue, and the drivers pzem, sdm120, sdm230 and umg604.

Knows: the frames of functions 3 and 4 and of exceptions; that RTU numbers no questions, how a reply is found among
stray bytes, and when the line must rest. Sources: Modbus over Serial Line V1.02, Modbus Messaging on TCP/IP V1.0b.
Does not know: what registers mean (`meters.register_maps`).
Functions 3 and 4 are all it can send: not 6 and 16 (settings), not a PZEM's 0x41 (calibration) and 0x42 (energy reset).
No test proves: parity and framing errors, the turnaround of an RS-485 adapter, the latency of a USB adapter, the speed
a UMG 604 is delivered with. A PZEM and a UMG 604 are not asked for a serial number: the one has none, where the other
keeps it could not be confirmed.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Literal, Protocol

from meters import host
from meters.access import ANYBODY, Access
from meters.deadline import Deadline
from meters.dialogue import DialogueMeter, OverWire, Repetitions, interval_option
from meters.meter import MeterGarbage, MeterMismatch, MeterOptionError, MeterRefused, MeterTimeout
from meters.options import Option, Value, number, read_options, whole, word
from meters.reading import Description, Identity, Reading
from meters.register_maps import (
    PZEM,
    SDM120,
    SDM230,
    UMG604,
    Ask,
    RegisterMap,
    columns,
    decode_block,
    to_reading,
)
from meters.serial_wire import Line, SerialWire
from meters.wire import drain
from meters.wire_log import Sink

READS = frozenset({3, 4})
MOST_REGISTERS = 125  # Modbus Application Protocol V1.1b3, 6.3
FRAME_LIMIT = 260  # of TCP, Modbus Messaging on TCP/IP, 4.1; RTU: 256
SHOWN_BYTES = 40

GREET_ATTEMPTS = 3
TURNAROUND_S = 0.4
TCP_REPLY_S = 1.0
QUIET_S = 0.02
GAP_S = 0.15  # no pause inside a reply is longer
NETWORK_GAP_S = 0.5  # Linux sends again what a network lost after 0.2 s at the earliest
REST_CHARACTERS = 3.5  # Modbus over Serial Line, 2.5.1.1

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
NOT_THERE = frozenset({1, 2, 3})  # exceptions that say the meter has no such register


# --- codec: bytes <-> registers -----------------------------------------------------------------------------------


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


def _crc_of(byte: int) -> int:
    for _bit in range(8):
        byte = byte >> 1 ^ (0xA001 if byte & 1 else 0)
    return byte


_CRC_TABLE = tuple(_crc_of(byte) for byte in range(256))


def crc16(data: bytes) -> int:
    """Return the check sum of an RTU frame (Modbus over Serial Line, appendix B)."""
    crc = 0xFFFF
    for byte in data:
        crc = crc >> 8 ^ _CRC_TABLE[(crc ^ byte) & 0xFF]
    return crc


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
        raise MeterGarbage(f"found {_shown(frame)}, expected a reply of {5 + 2 * question.count} bytes")
    if not rtu_sound(frame):
        raise MeterGarbage(
            f"found {_shown(frame)} with check sum {frame[-2]:02X} {frame[-1]:02X}, "
            f"expected {crc16(frame[:-2]).to_bytes(2, 'little').hex(' ').upper()}"
        )
    return _words(frame[:-2], question)


def tcp_words(frame: bytes, question: Question, transaction: int) -> tuple[int, ...]:
    """Return the registers in a TCP reply; raises `MeterGarbage` unless it answers the question."""
    if len(frame) < 9:
        raise MeterGarbage(f"found {_shown(frame)}, expected a reply of {9 + 2 * question.count} bytes")
    found, protocol, length = struct.unpack(">HHH", frame[:6])
    if (found, protocol, length) != (transaction, 0, len(frame) - 6):
        raise MeterGarbage(
            f"found transaction {found}, protocol {protocol}, length {length} in {_shown(frame)}, "
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
            f"found {_shown(body)}, expected function {question.function} and {2 * question.count} bytes of registers"
        )
    return struct.unpack(f">{question.count}H", body[3:])


def _shown(data: bytes) -> str:
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


# --- the meter ----------------------------------------------------------------------------------------------------


class ModbusDialogue(OverWire[SerialWire]):
    """The dialogue with one meter of a register map (`meters.dialogue.Dialogue`)."""

    def __init__(
        self,
        wire: SerialWire,
        framing: Framing,
        register_map: RegisterMap,
        *,
        address: int,
        range_w: float,
        character_s: float,
        interval_s: float,
    ) -> None:
        """`character_s` is how long one byte takes on the line, 0 on a network; `interval_s` how often it is asked."""
        self._wire, self._framing, self._map = wire, framing, register_map
        self._address, self._range_w, self._character_s = address, range_w, character_s
        self._next_counts = [0] * len(register_map.blocks)
        self._gap_s = NETWORK_GAP_S if "://" in wire.port else GAP_S
        self._rest_until_s = 0.0
        self._serial = ""
        self._repetitions = Repetitions(register_map.refresh_s, interval_s)
        self.reply_s = sum(self._exchange_s(max(block.counts)) for block in register_map.blocks)

    def greet(self) -> Identity:
        """Ask who is there, each question up to three times; a meter may have no serial number and no code."""
        drain(self._wire, QUIET_S, Deadline(1.0))
        first, *others = self._map.asks
        self._insist(first)
        answers: dict[str, tuple[int, ...] | None] = {}
        for ask in others:
            with suppress(MeterTimeout):  # it has answered before: silence says the same as an exception
                answers[ask.about] = self._insist(ask)
        self._serial = _serial(answers.get("serial"))
        return self._identity(self._model(answers.get("code")))

    def describe(self) -> Description:
        """Return window, ranges and columns; which edge of its window a value marks is not documented."""
        return Description(
            driver=self._map.driver,
            averaging="window",
            window_s=self._map.window_s,
            stamp="unknown",
            latency_s=0.0,
            columns=columns(self._map, self._range_w),
            tier=self._map.tier,
        )

    def sample(self, deadline: Deadline) -> Reading:
        """Read all blocks; the reading bears the time of the one with the power in it."""
        values: dict[str, float | None] = {}
        registers: tuple[int, ...] = ()
        time_ns = 0
        for index, block in enumerate(self._map.blocks):
            count = block.counts[self._next_counts[index]]
            self._next_counts[index] = (self._next_counts[index] + 1) % len(block.counts)
            arrived_ns, words = self._ask(self._map.function, block.start, count, deadline)
            with self._at_port(f"check that it is a {self._map.model}"):
                quantities = decode_block(self._map, block.start, words)
            time_ns = arrived_ns if "power_w" in quantities else time_ns
            values |= quantities
            registers += words[: min(block.counts)]
        stale = self._repetitions.is_repeated(registers, time_ns)
        return to_reading(self._map, values, time_ns, self._range_w, stale=stale)

    def regain(self, deadline: Deadline) -> Identity:
        """Ask for the serial number, or else the first question: no reply to a reading looks like the answer."""
        drain(self._wire, QUIET_S, deadline)
        ask = next(ask for ask in self._map.asks if ask.about == "serial" or not self._serial)
        answer = self._answer(ask, deadline)
        if answer is None:
            raise MeterGarbage(f"{self.port}: the meter says it has no longer what it gave before ({ask.about})")
        self._serial = _serial(answer) if ask.about == "serial" else ""
        return self._identity(self._map.model)

    def _exchange_s(self, count: int) -> float:
        if not self._character_s:
            return TCP_REPLY_S
        return TURNAROUND_S + 1.5 * (8 + 5 + 2 * count) * self._character_s

    def _insist(self, ask: Ask) -> tuple[int, ...] | None:
        """Ask up to `GREET_ATTEMPTS` times; one lost frame is no absent meter."""
        for _attempt in range(1, GREET_ATTEMPTS):
            with suppress(MeterTimeout, MeterGarbage):
                return self._answer(ask, Deadline(self._exchange_s(ask.count)))
        return self._answer(ask, Deadline(self._exchange_s(ask.count)))

    def _answer(self, ask: Ask, deadline: Deadline) -> tuple[int, ...] | None:
        """Return the answer about the meter itself, `None` where it says that it has no such register."""
        try:
            words = self._ask(3, ask.start, ask.count, deadline)[1]
        except ExceptionReply as error:
            if error.code in NOT_THERE and ask is not self._map.asks[0]:
                return None
            raise
        if ask.about == "address" and self._address <= 247 and words[1] != self._address:
            raise MeterGarbage(f"{self.port}: the meter says its address is {words[1]}, expected {self._address}")
        return words

    def _ask(self, function: int, start: int, count: int, deadline: Deadline) -> tuple[int, tuple[int, ...]]:
        """Return when the last byte of the reply was here, and its registers."""
        question = Question(self._address, function, start, count)
        request = self._framing.request(question)
        host.sleep(max(0.0, self._rest_until_s - host.monotonic()))
        self._wire.write(request)
        splitter = self._framing.splitter(question)
        end = Deadline(min(deadline.left_s, self._exchange_s(count)))
        frame = None
        while frame is None:
            # Zero bytes of a turning line, and the echo of an adapter, do not yet begin a reply.
            waiting = request.startswith(splitter.heard.strip(b"\0"))
            try:
                chunk = self._wire.read_chunk(end if waiting else Deadline(min(end.left_s, self._gap_s)))
            except MeterTimeout as error:
                raise (
                    self._silence(splitter.heard) if waiting else self._nonsense(splitter.heard, question)
                ) from error
            frame = splitter.feed(chunk.data)
            if frame is None and end.expired:
                raise self._nonsense(splitter.heard, question)
        self._rest_until_s = host.monotonic() + REST_CHARACTERS * self._character_s
        try:
            return chunk.time_ns, self._framing.words(frame, question)
        except ExceptionReply as error:
            raise ExceptionReply(error.code, f"{self.port}: {error}; check that it is a {self._map.model}") from error

    def _silence(self, heard: bytes) -> MeterTimeout:
        on_network = self.port.startswith(("socket://", "socket+tls://"))
        what = "`transport` (port 502 wants tcp)" if on_network else "the lines A and B, `baud`, `parity`"
        return MeterTimeout(
            f"{self.port}: no answer of a {self._map.model} at address {self._address} in time"
            f"{', only our own question came back' if heard.strip(bytes(1)) else ''}; "
            f"check that it has mains, {what} and `address`"
        )

    def _nonsense(self, heard: bytes, question: Question) -> MeterGarbage:
        """Return the error for bytes that hold no reply, with what the first of them lack."""
        try:
            self._framing.words(heard, question)
        except MeterGarbage as error:
            found = str(error)
        else:
            found = f"found {_shown(heard)}, of which only a part came in time"
        return MeterGarbage(f"{self.port}: {found}; check `address`, `baud`, `parity`, and the termination of the line")

    def _identity(self, model: str) -> Identity:
        """Only a serial number is the meter's own word; maker and model are what the lab chose."""
        return Identity(self._map.maker, model, self._serial, "", asked=bool(self._serial))

    def _model(self, code: tuple[int, ...] | None) -> str:
        """Return our model; raises `MeterMismatch` when the meter code is that of another one we know."""
        named = self._map.codes.get(code[0], self._map.model) if code else self._map.model
        if named != self._map.model:
            raise MeterMismatch(
                f"{self.port}: the meter's code says {named}, expected {self._map.model}; correct the driver"
            )
        return named


def _serial(words: tuple[int, ...] | None) -> str:
    return str(words[0] << 16 | words[1]) if words else ""


# --- the drivers --------------------------------------------------------------------------------------------------


PARITIES: Mapping[str, Literal["N", "E", "O"]] = {"N": "N", "E": "E", "O": "O"}


def _options(
    *, baud: float, stopbits: float, range_w: float, update_s: float, highest_address: float
) -> dict[str, Option]:
    return {
        "interval_s": interval_option(update_s),
        "address": Option(1.0, "address of the meter (on TCP: unit)", low=1.0, high=highest_address, whole=True),
        "transport": Option("rtu", "frames: rtu of a serial line, tcp of a network", choices=("rtu", "tcp")),
        "baud": Option(baud, "bits a second, rtu only", low=300.0, high=921600.0, whole=True),
        "parity": Option("N", "none, even, odd; rtu only", choices=tuple(PARITIES)),
        "stopbits": Option(stopbits, "stop bits, rtu only", low=1.0, high=2.0),
        "range_w": Option(range_w, "W, above which a reading is overrange", low=1.0, high=1e9),
    }


PZEM_OPTIONS = _options(baud=9600, stopbits=1, range_w=23_000, update_s=PZEM.refresh_s, highest_address=248)
SDM120_OPTIONS = _options(baud=2400, stopbits=1, range_w=10_350, update_s=SDM120.refresh_s, highest_address=247)
SDM230_OPTIONS = _options(baud=9600, stopbits=1, range_w=23_000, update_s=SDM230.refresh_s, highest_address=247)
UMG604_OPTIONS = _options(
    baud=38_400, stopbits=2, range_w=69_000, update_s=UMG604["sum"].refresh_s, highest_address=255
) | {"phase": Option("sum", "L1, L2, L3 or the sum of all", choices=tuple(UMG604))}


def open_pzem(
    port: str, *, capture: Sink | None, options: Mapping[str, object], access: Access = ANYBODY
) -> DialogueMeter:
    """Open the PZEM-004T v3 or PZEM-016 at `port`; `range_w` is 2300 for one with a 10-A shunt.

    Raises `MeterOptionError`, `MeterUnavailable`, `MeterTimeout`, `MeterUnplugged`, `MeterMismatch`.
    """
    return _open(PZEM, port, capture, read_options(PZEM.driver, PZEM_OPTIONS, options), access)


def open_sdm120(
    port: str, *, capture: Sink | None, options: Mapping[str, object], access: Access = ANYBODY
) -> DialogueMeter:
    """Open the Eastron SDM120 at `port`; raises as `open_pzem`."""
    return _open(SDM120, port, capture, read_options(SDM120.driver, SDM120_OPTIONS, options), access)


def open_sdm230(
    port: str, *, capture: Sink | None, options: Mapping[str, object], access: Access = ANYBODY
) -> DialogueMeter:
    """Open the Eastron SDM230 at `port`; raises as `open_pzem`."""
    return _open(SDM230, port, capture, read_options(SDM230.driver, SDM230_OPTIONS, options), access)


def open_umg604(
    port: str, *, capture: Sink | None, options: Mapping[str, object], access: Access = ANYBODY
) -> DialogueMeter:
    """Open the Janitza UMG 604 at `port`: a serial line, or `socket://HOST:502` with transport `tcp`.

    Raises as `open_pzem`.
    """
    values = read_options("umg604", UMG604_OPTIONS, options)
    return _open(UMG604[word(values, "phase")], port, capture, values, access)


def _open(
    register_map: RegisterMap, port: str, capture: Sink | None, values: Mapping[str, Value], access: Access
) -> DialogueMeter:
    on_network = word(values, "transport") == "tcp"
    if on_network and not port.startswith(("socket://", "socket+tls://")):
        raise MeterOptionError(
            f"{register_map.driver}: port {port!r} with transport 'tcp': expected socket://HOST:502; "
            "for a serial line set transport to 'rtu'"
        )
    line = Line(
        whole(values, "baud"),
        parity=PARITIES[word(values, "parity")],
        stopbits=2 if number(values, "stopbits") == 2 else 1,
    )
    bits = 1 + line.bytesize + (line.parity != "N") + line.stopbits
    dialogue = ModbusDialogue(
        SerialWire(port, line, capture, access),
        Tcp() if on_network else Rtu(),
        register_map,
        address=whole(values, "address"),
        range_w=number(values, "range_w"),
        character_s=0.0 if on_network else bits / line.baud,
        interval_s=number(values, "interval_s"),
    )
    return DialogueMeter(dialogue, number(values, "interval_s"), access)
