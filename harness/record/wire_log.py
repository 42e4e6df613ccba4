"""What a meter said, from a run's wire log, and what of it shows who it was.

Knows how an identity stands among bytes. Knows no protocol, and not the lines: the format is `meters.wire_log`'s.
"""

from collections.abc import Collection
from itertools import islice
from pathlib import Path

from harness.record.plain_files import open_plain
from meters.meter import CaptureError
from meters.wire_log import read_capture

TOGETHER = 1 << 12
"""Chunks that are looked at together."""


def standing_in(wire_log: Path, heard: Collection[bytes], sent: Collection[bytes] = ()) -> set[bytes]:
    """Which words of `heard` stand in what the meter said, and of `sent` in what the host did, however that was cut
    into chunks; none where there is no wire log, or it cannot be read."""
    sides = [("<", heard, max(map(len, heard), default=0)), (">", sent, max(map(len, sent), default=0))]
    found: set[bytes] = set()
    said = {"<": b"", ">": b""}
    try:
        with open_plain(wire_log) as lines:
            exchanges = iter(read_capture(lines, wire_log.name))
            while more := list(islice(exchanges, TOGETHER)):
                for direction, words, overlap in sides:
                    new = b"".join(one.data for one in more if one.direction == direction) if words else b""
                    said[direction] = said[direction][-overlap:] + new
                    found.update(word for word in words if word in said[direction])
    except (OSError, CaptureError):
        return set()
    return found


def forms_of(word: str) -> set[bytes]:
    """How a word of an identity may stand in a meter's bytes: as text, or, of a binary protocol, the number it ends
    with as 32 bits, high byte first (Modbus registers, DIN 43863-5); a number of 16 bits would stand anywhere."""
    digits = word[len(word.rstrip("0123456789")) :]
    numbers = {int(part) for part in (digits, digits[-8:]) if part and part.isascii()}
    forms = {number.to_bytes(4, "big") for number in numbers if 0xFFFF < number <= 0xFFFFFFFF}
    return forms | ({word.encode()} if len(word) > 2 else set())
