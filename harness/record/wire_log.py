"""What a meter said, from a run's wire log, and what of it shows who it was.

Knows how an identity stands among bytes. Knows no protocol, and not the lines: the format is `meters.wire_log`'s.
"""

from collections.abc import Collection
from itertools import islice
from pathlib import Path
from typing import Literal

from harness.record.plain_files import open_plain
from meters.meter import CaptureError
from meters.wire_log import read_capture

TOGETHER = 1 << 12
"""Chunks that are looked at together."""


def standing_in(wire_log: Path, words: Collection[bytes], direction: Literal["<", ">"] = "<") -> set[bytes]:
    """Which words stand in what the meter said (`>`: the host), however it was cut into chunks; none where
    there is no wire log, or it cannot be read."""
    found: set[bytes] = set()
    overlap = max(map(len, words), default=0)
    said = b""
    try:
        with open_plain(wire_log) as lines:
            chunks = (one.data for one in read_capture(lines, wire_log.name) if one.direction == direction)
            while more := list(islice(chunks, TOGETHER)):
                said = said[-overlap:] + b"".join(more)
                found.update(word for word in words if word in said)
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
