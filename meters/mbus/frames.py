"""Frames of the M-Bus link layer (EN 13757-2): what a master says, what a meter answers, cut out of a stream.

Knows: E5, short and long frames, start, length, check sum, stop; the few messages that a master of ours may send.
Does not know: what a telegram says (`meters.mbus.records`), when which is sent (`meters.mbus.dialogue`).

The check sum is the sum of the bytes modulo 256: it finds one wrong bit, and not two in the same place.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from meters.meter import MeterGarbage, MeterOptionError
from meters.splitters import Frame, Splitter
from meters.wire import Chunk

ACKNOWLEDGED: Final = b"\xe5"
SHORT, LONG, STOP = 0x10, 0x68, 0x16
SHORT_BYTES: Final = 5
LEAST_LENGTH: Final = 3
"""What the length of a long frame counts at the least: control field, address, control information."""
EXTRA_BYTES: Final = 6
"""Of a long frame, beside what its length counts."""
FRAME_LIMIT: Final = 255 + EXTRA_BYTES
RESET, REQUEST, SEND = 0x40, 0x5B, 0x53
"""SND_NKE, REQ_UD2, SND_UD; the last two with the frame count bit where it is set."""
COUNT_BIT: Final = 0x20
FROM_MASTER: Final = 0x40
ANSWER, ANSWER_MASK = 0x08, 0x4F
"""RSP_UD, whatever its access and flow bits say."""
SELECT: Final = 0x52
SELECTED, ANYBODY = 253, 254
"""Addresses: whoever is selected; the only meter there is."""
HIGHEST_ADDRESS: Final = 250
SECONDARY = re.compile(r"[0-9]{8}(?:[0-9A-Fa-f]{8})?")
FULL_SECONDARY: Final = 16


@dataclass(frozen=True, slots=True)
class Telegram:
    """The user data that a meter sent: from which address, by which control information, the rest."""

    address: int
    control: int
    data: bytes


def encode_short(control: int, address: int) -> bytes:
    """Return a short frame."""
    return bytes((SHORT, control, address, (control + address) & 0xFF, STOP))


def encode_reset(address: int) -> bytes:
    """Return SND_NKE: the link begins anew; at 253 nobody is selected any more."""
    return encode_short(RESET, address)


def encode_request(address: int, *, count_bit: bool) -> bytes:
    """Return REQ_UD2; a meter that sees the same `count_bit` twice sends its last telegram again."""
    return encode_short(REQUEST | (COUNT_BIT if count_bit else 0), address)


def encode_selection(secondary: str) -> bytes:
    """Return SND_UD that selects a meter by its number of 8 digits, or by all 16 of its secondary address.

    Raises `MeterOptionError`.
    """
    if not SECONDARY.fullmatch(secondary):
        raise MeterOptionError(
            f"option secondary is {secondary!r}, expected the 8 digits of the meter's number, or 16 with maker, "
            "version and medium as its maker prints them"
        )
    rest = bytes.fromhex(secondary[8:]) if len(secondary) == FULL_SECONDARY else b"\xff" * 4
    body = bytes((SEND | COUNT_BIT, SELECTED, SELECT)) + bytes.fromhex(secondary[:8])[::-1] + rest
    return bytes((LONG, len(body), len(body), LONG)) + body + bytes((sum(body) & 0xFF, STOP))


def decode_telegram(frame: bytes) -> Telegram:
    """Return what a long frame holds; raises `MeterGarbage` for everything else."""
    if len(frame) < EXTRA_BYTES + LEAST_LENGTH:
        raise MeterGarbage(f"found {frame.hex(' ')}, expected a telegram")
    control, address, information = frame[4:7]
    if control & ANSWER_MASK != ANSWER:
        raise MeterGarbage(f"found a frame with the control field {control:02x}, expected RSP_UD (08, 18, 28 or 38)")
    return Telegram(address, information, frame[7:-2])


class MbusSplitter(Splitter):
    """Cuts frames out that are whole and sound; every other byte is dropped, and makes the next frame `resynced`.

    Frames of a master, our own that a converter echoes, are passed over.
    """

    def feed(self, chunk: Chunk) -> list[Frame]:
        """Return the frames that `chunk` completes, all with its arrival time."""
        self._held += chunk.data
        frames = []
        while self._held:
            length = _length(self._held)
            if length == 0:
                self._drop(1)
                self._held = self._held[1:]
                continue
            if length is None or len(self._held) < length:
                break
            body, self._held = self._held[:length], self._held[length:]
            if not _is_echo(body):
                frames.append(self._frame(chunk.time_ns, body))
        return frames


def _length(data: bytes) -> int | None:
    """Return how long the frame at the start of `data` is, 0 where there begins none, `None` where it is not known."""
    if data[:1] == ACKNOWLEDGED:
        return 1
    if data[0] == SHORT:
        is_sound = len(data) < SHORT_BYTES or (data[4] == STOP and sum(data[1:3]) & 0xFF == data[3])
        return SHORT_BYTES if is_sound else 0
    if data[0] != LONG:
        return 0
    head = data[:4]
    if head != bytes((LONG, *head[1:2] * 2, LONG))[: len(head)]:
        return 0
    if len(head) < 4:
        return None
    length = data[1] + EXTRA_BYTES
    if data[1] < LEAST_LENGTH:
        return 0
    is_sound = len(data) < length or (data[length - 1] == STOP and sum(data[4 : length - 2]) & 0xFF == data[length - 2])
    return length if is_sound else 0


def _is_echo(frame: bytes) -> bool:
    return (frame[0] == SHORT and bool(frame[1] & FROM_MASTER)) or (frame[0] == LONG and bool(frame[4] & FROM_MASTER))
