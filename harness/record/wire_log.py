"""What a meter said, from a run's wire log, and what of it shows who it was.

Knows how an identity stands among bytes. Knows no protocol, and not the lines: the format is `meters.wire_log`'s.
"""

from pathlib import Path

from harness.record.plain_files import open_plain
from meters.meter import CaptureError
from meters.wire_log import read_capture


def received(wire_log: Path) -> bytes:
    """What the meter said; empty where there is no wire log, or it cannot be read."""
    try:
        with open_plain(wire_log) as lines:
            return b"".join(one.data for one in read_capture(lines, wire_log.name) if one.direction == "<")
    except (OSError, CaptureError):
        return b""


def stands_in(word: str, said: bytes) -> bool:
    """Whether a word of an identity stands in a meter's bytes: as text, or, of a binary protocol, the number it ends
    with as 32 bits, high byte first (Modbus registers, DIN 43863-5); a number of 16 bits would stand anywhere."""
    if len(word) > 2 and word.encode() in said:
        return True
    digits = word[len(word.rstrip("0123456789")) :]
    numbers = {int(part) for part in (digits, digits[-8:]) if part and part.isascii()}
    return any(0xFFFF < number <= 0xFFFFFFFF and number.to_bytes(4, "big") in said for number in numbers)
