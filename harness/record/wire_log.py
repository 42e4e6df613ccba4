"""What a meter said, from a run's wire log, and what of it shows who it was.

Knows the lines of a wire log and the marks of an emulator. Knows no protocol.
"""

from pathlib import Path

from harness.record.plain_files import read_plain

PTY_MAJORS = frozenset({2, 3, *range(128, 144)})
"""Character devices that are pseudo terminals (Linux, Documentation/admin-guide/devices.txt)."""
EMULATOR_MARK = b"EMULATED"
"""What every emulator of ours says of itself on the wire."""


def received(wire_log: Path) -> bytes:
    """What the meter said, from the wire log (`<time_ns> < <hex>` a line); empty where there is none."""
    try:
        lines = [line.split(b" ") for line in read_plain(wire_log).split(b"\n")]
        return b"".join(bytes.fromhex(line[2].decode()) for line in lines if len(line) == 3 and line[1] == b"<")
    except (OSError, ValueError):
        return b""


def stands_in(word: str, said: bytes) -> bool:
    """Whether a word of an identity stands in a meter's bytes: as text, or, of a binary protocol, the number it ends
    with as 32 bits, high byte first (Modbus registers, DIN 43863-5); a number of 16 bits would stand anywhere."""
    if len(word) > 2 and word.encode() in said:
        return True
    digits = word[len(word.rstrip("0123456789")) :]
    numbers = {int(part) for part in (digits, digits[-8:]) if part and part.isascii()}
    return any(0xFFFF < number <= 0xFFFFFFFF and number.to_bytes(4, "big") in said for number in numbers)
