"""What the tests of Modbus frames and of the dialogue both use."""

from __future__ import annotations

from meters.modbus.frames import (
    Question,
    crc16,
)

ASK_PZEM = Question(1, 4, 0, 10)


def with_crc(body: str) -> bytes:
    """A frame of these bytes, and no frame of none."""
    data = bytes.fromhex(body)
    return data + crc16(data).to_bytes(2, "little") if data else b""
