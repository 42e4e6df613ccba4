"""The transport frame of SML: start, escapes, fill bytes, check sum.

Knows: where a telegram begins and ends, which CRC it has. Does not know: what stands in it (`meters.sml.elements`).
"""

from __future__ import annotations

from meters import checksums
from meters.meter import MeterGarbage
from meters.splitters import Frame, Splitter
from meters.wire import Chunk

FRAME_LIMIT = 4096

START = b"\x1b\x1b\x1b\x1b\x01\x01\x01\x01"
ESCAPE = b"\x1b\x1b\x1b\x1b"
END = 0x1A


class TelegramSplitter(Splitter):
    """Cuts telegrams out, escapes and all; holds at most `limit` bytes.

    A start inside a telegram begins a new one. What belongs to no telegram is dropped and, unless it is NUL, makes the
    next one `resynced`; `dropped_bytes` counts it.
    """

    __slots__ = ("_inside", "_limit", "_scanned")

    def __init__(self, limit: int) -> None:
        super().__init__()
        self._limit = limit
        self._inside = False
        self._scanned = 0

    def feed(self, chunk: Chunk) -> list[Frame]:
        """Return the telegrams that `chunk` completes, all with its arrival time."""
        frames = []
        for begin in range(0, len(chunk.data), self._limit):
            self._held += chunk.data[begin : begin + self._limit]
            while (telegram := self._cut()) is not None:
                frames.append(self._frame(chunk.time_ns, telegram))
        return frames

    def _cut(self) -> bytes | None:
        """Take the next whole telegram off the held bytes; `None` when more bytes are needed."""
        while self._inside or self._find_start():
            at = self._held.find(ESCAPE, self._scanned)
            escaped = self._held[at + 4 : at + 8] if at >= 0 else b""
            if max(at, self._scanned) + 8 > self._limit or (at < 0 and len(self._held) > self._limit):
                self._give_up()
            elif len(escaped) < 4:
                self._scanned = at if at >= 0 else max(self._scanned, len(self._held) - len(ESCAPE) + 1)
                return None
            elif escaped == ESCAPE:
                self._scanned = at + 8
            elif escaped[0] == END:
                telegram, self._held = self._held[: at + 8], self._held[at + 8 :]
                self._inside = False
                return telegram
            else:
                self._give_up()
        return None

    def _find_start(self) -> bool:
        at = self._held.find(START)
        self._inside = at >= 0
        # A start may be torn too.
        self._drop(at if self._inside else max(0, len(self._held) - len(START) + 1))
        self._scanned = len(START)
        return self._inside

    def _give_up(self) -> None:
        """What began here is no telegram; the next start may stand inside it."""
        self._inside = False
        self._drop(len(ESCAPE))

    def _drop(self, count: int) -> None:
        self._torn = self._torn or bool(self._held[:count].strip(b"\0"))
        self._held = self._held[count:]
        self.dropped_bytes += count


def unpack(telegram: bytes, checksum: str) -> bytes:
    """Return the messages of a telegram without frame, fill bytes and escapes.

    Raises `MeterGarbage` when the check sum or the number of fill bytes is not right.
    """
    if len(telegram) < 16 or not telegram.startswith(START) or telegram[-8:-3] != ESCAPE + bytes([END]):
        raise MeterGarbage(f"found {telegram[:12].hex()}..., expected an SML telegram of at least 16 bytes")
    sent = telegram[-2:]
    expected = crc_bytes(telegram[:-2], checksum)
    if sent != expected:
        rival = "kermit" if checksum == "x25" else "x25"
        hint = f"; it would match checksum {rival!r}" if sent == crc_bytes(telegram[:-2], rival) else ""
        raise MeterGarbage(f"found the check sum {sent.hex()}, expected {expected.hex()} ({checksum}){hint}")
    fill = telegram[-3]
    if fill > 3 or telegram[-8 - fill : -8].strip(b"\0"):
        raise MeterGarbage(f"found {fill} fill bytes {telegram[-8 - fill : -8].hex()}, expected 0 to 3, all zero")
    return telegram[len(START) : len(telegram) - 8 - fill].replace(ESCAPE + ESCAPE, ESCAPE)


def crc_bytes(data: bytes, checksum: str) -> bytes:
    """Return the two bytes of CRC-16/X-25 (low byte first) or, as Holley sends it, CRC-16/KERMIT (high byte first)."""
    initial = 0xFFFF if checksum == "x25" else 0
    crc = checksums.crc16(data, checksums.CCITT, initial)
    return (crc ^ initial).to_bytes(2, "little" if checksum == "x25" else "big")
