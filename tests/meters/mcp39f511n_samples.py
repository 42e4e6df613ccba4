"""Frames for the tests of the MCP39F511N codec and of its dialogue, with their sources."""

from __future__ import annotations

import struct

from meters.mcp39f511n.codec import Scale

# Requests: [M] data sheet table 4-2; [X] mickeykhuongtran112/mcp39f511_data source.c; [C] green-metrics-tool's client.
GOLDEN_READS = [
    ("A5 08 41 00 02 4E 20 5E", 0x02, 32),
    ("A5 08 41 00 02 4E 1C 5A", 0x02, 28),
    ("A5 08 41 00 06 4E 0C 4E", 0x06, 12),
    ("A5 08 41 00 AE 4E 04 EE", 0xAE, 4),
    ("A5 08 41 00 16 4E 08 5A", 0x16, 8),
    ("A5 08 41 00 2E 4E 10 7A", 0x2E, 16),
]

GOLDEN_WRITES = [
    "A5 0A 41 00 DC 4D 02 01 00 1C",  # [M] energy on, map of the 511A and 521
    "A5 0A 41 00 A8 4D 02 01 00 E8",  # [C] accumulation N = 1
    "A5 0C 41 00 AE 4D 04 12 0C 06 00 15",  # [C] ranges V 18, I 12, P 6
]

# The registers of a reading that the readme of an MIT-licensed logger (mcp39f511n-logger) shows as taken from a running
# system: counts of V, f, PF, I, P as there; the status word is not shown there and stands as 0 here.
README_READING = struct.pack("<HHHHhhIIII", 0, 0x6317, 1200, 59976, 20746, -1276, 3215, 65, 2442, 3)

README_APPARENT = (3857, 77)

SCALE = Scale(16, (1.0, 1.0))

SETTINGS = {
    (0x04, 2): bytes.fromhex("1763"),
    (0xA8, 2): bytes.fromhex("0400"),
    (0xAE, 4): bytes.fromhex("120c1300"),
    (0xBE, 4): bytes.fromhex("120c1300"),
    (0xA0, 4): bytes.fromhex("00000000"),
}


def computed_frame(
    *,
    status: int = 0,
    volts: int = 2300,
    millihertz: int = 50_000,
    factors: tuple[int, int] = (29_491, 0),
    currents: tuple[int, int] = (5000, 0),
    powers: tuple[int, int] = (10_350, 0),
) -> bytes:
    """28 bytes from 0x02 on, computed from the data sheet: 230.0 V, 0.5 A, PF 0.9, 103.50 W on outlet 1."""
    return struct.pack("<HHHHhhIIII", status, 0x6317, volts, millihertz, *factors, *currents, *powers)


def computed_reply(data: bytes) -> bytes:
    """A reply computed from the data sheet (section 4)."""
    head = bytes([0x06, len(data) + 3]) + data
    return head + bytes([sum(head) % 256])
