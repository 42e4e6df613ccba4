"""Characters with their parity, what may be sent, identifications, data messages, pushed telegrams.

Knows: clauses 5 and 6 of the standard; pure functions. Does not know: what stands in a data block
(`meters.iec62056.data_lines`).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import reduce
from operator import xor

from meters.meter import MeterGarbage, MeterRefused
from meters.splitters import Frame, LineSplitter
from meters.wire import Chunk

MESSAGE_LIMIT = 8192

NAK = b"\x15"
WRONG_PARITY = 0x80  # stands for a character that came with wrong parity; no 7-bit character has this value


def _parity(value: int) -> int:
    return value.bit_count() & 1


_WITH_PARITY = bytes(value | _parity(value) << 7 if value < 0x80 else WRONG_PARITY for value in range(256))
_WITHOUT_PARITY = bytes(WRONG_PARITY if _parity(value) else value & 0x7F for value in range(256))
_PLAIN = bytes(min(value, WRONG_PARITY) for value in range(256))


def to_wire(data: bytes, characters: str) -> bytes:
    """Return 7-bit characters as bytes on the wire."""
    return data.translate(_WITH_PARITY) if characters == "7E1" else data


def from_wire(data: bytes, characters: str) -> bytes:
    """Return bytes on the wire as characters, `WRONG_PARITY` in place of each that is none."""
    return data.translate(_WITHOUT_PARITY if characters == "7E1" else _PLAIN)


ADDRESS = re.compile(r"[0-9A-Za-z ]{0,32}")
ALLOWED = re.compile(rb"/\?[0-9A-Za-z ]{0,32}!\r\n|\x060[0-6]0\r\n")


def encode_request(address: str) -> bytes:
    """Return the sign-on (6.3.1); raises `MeterRefused` on an address that could be something else."""
    return check_allowed(f"/?{address}!\r\n".encode("latin-1", errors="replace"))


def encode_acknowledgement(baud: str) -> bytes:
    """Return the acknowledgement that chooses a data readout at speed `baud` (6.3.3)."""
    return check_allowed(f"\x060{baud}0\r\n".encode("latin-1", errors="replace"))


def check_allowed(data: bytes) -> bytes:
    """Return `data`; raises `MeterRefused` unless it is a sign-on or the acknowledgement for a data readout."""
    if not ALLOWED.fullmatch(data):
        raise MeterRefused(f"wattlab does not send {data!r}: it only asks a meter for its data readout")
    return data


@dataclass(frozen=True, slots=True)
class Identification:
    """Who answered the sign-on: three letters of the maker, the speed it proposes, its own name."""

    maker: str
    baud: str
    name: str


IDENTIFICATION = re.compile(rb"/([A-Za-z]{3})([0-9A-Z])([^/!\x00-\x1f\x7f-\xff]{0,32})\r\n")


def decode_identification(line: bytes) -> Identification:
    """Return what an identification line with its end says (6.3.2); raises `MeterGarbage`."""
    match = IDENTIFICATION.fullmatch(line)
    if match is None:
        raise MeterGarbage(f"found {line[:60]!r}, expected an identification such as `/ISk5MT174-0002`")
    maker, baud, name = (part.decode("ascii") for part in match.groups())
    return Identification(maker, baud, name)


def block_check(data: bytes) -> int:
    """Return the exclusive or of all characters (6.5): from after STX to ETX, both ends as the standard says."""
    return reduce(xor, data, 0)


def decode_readout(message: bytes) -> bytes:
    """Return the data block of a data message, STX to block check character; raises `MeterGarbage`."""
    if len(message) < 7 or message[:1] != b"\x02" or message[-5:-1] != b"!\r\n\x03":
        raise MeterGarbage(f"found {message[:30]!r}...{message[-8:]!r}, expected STX, data lines, `!`, ETX")
    sent, expected = message[-1], block_check(message[1:-1])
    if WRONG_PARITY in message or sent != expected:
        raise MeterGarbage(f"found the block check {sent:#04x}, expected {expected:#04x}")
    return message[1:-5]


class OtherTelegram(MeterGarbage):
    """A whole telegram of another kind: no waiting brings one that is read here."""


class TelegramSplitter(LineSplitter):
    """Cuts pushed telegrams out, up to the line that begins with `!`.

    Lines may end with CR LF or LF and come out with CR LF between them; holds at most `MESSAGE_LIMIT` bytes.
    """

    __slots__ = ("_is_cut", "_lines", "_size")

    def __init__(self) -> None:
        super().__init__(b"\n", MESSAGE_LIMIT)
        self._lines: list[bytes] = []
        self._size = 0
        self._is_cut = False

    @property
    def held_bytes(self) -> int:
        """How many bytes of an unfinished telegram are kept."""
        return self._size + super().held_bytes

    def feed(self, chunk: Chunk) -> list[Frame]:
        """Return the telegrams that `chunk` completes, all with its arrival time."""
        frames = []
        for line in super().feed(chunk):
            text = line.body.rstrip(b"\r")
            self._lines.append(text)
            self._size += len(text) + 2
            self._is_cut = self._is_cut or line.resynced
            if END_LINE.fullmatch(text):
                frames.append(Frame(line.time_ns, b"\r\n".join(self._lines), self._torn))
                self._lines, self._size, self._torn = [], 0, False
        if self.held_bytes > MESSAGE_LIMIT:
            self._lines, self._size, self._torn = [], 0, True
        return frames


END_LINE = re.compile(rb"!([0-9A-Fa-f]{1,4})? *")
_TEXT = re.compile(rb"[\x02\x03\r\n\x20-\x7e]*")


def decode_telegram(telegram: bytes) -> tuple[Identification, bytes]:
    """Return identification and data block of a pushed telegram that ends with its line `!`; raises `MeterGarbage`.

    What stands before the last `/` belongs to a telegram that was cut. Nothing but parity checks what is pushed: a
    character that is no text says that others are wrong too. Raises `OtherTelegram` for one with a check sum.
    """
    body, _break, last = telegram.rpartition(b"\r\n")
    end = END_LINE.fullmatch(last)
    if end is None:
        body = telegram
    begin = body.rfind(b"/")
    line, _end, block = body[max(begin, 0) :].partition(b"\r\n")
    if begin < 0 or not _TEXT.fullmatch(body[begin:]):
        raise MeterGarbage(f"found {telegram[:40]!r}, expected `/`, an identification and text, parity right")
    identification = decode_identification(line + b"\r\n")
    if end is not None and end.group(1):
        raise OtherTelegram(
            f"found the end `{last.decode('ascii')}` of a telegram of {identification.maker}: a DSMR telegram of a P1 "
            'port, with a check sum, which this driver does not read: set driver = "p1"'
        )
    return identification, block
