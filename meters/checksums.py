"""CRC-16 with bits reflected, as meters on serial lines have it.

Knows: polynomials. Does not know: which part of which frame it is of.
"""

from functools import cache

ANSI, CCITT = 0xA001, 0x8408
"""x^16 + x^15 + x^2 + 1 (Modbus, DSMR) and x^16 + x^12 + x^5 + 1 (ITU-T X.25), bits reflected."""


@cache
def _table(polynomial: int) -> tuple[int, ...]:
    table = []
    for byte in range(256):
        for _bit in range(8):
            byte = byte >> 1 ^ (polynomial if byte & 1 else 0)
        table.append(byte)
    return tuple(table)


def crc16(data: bytes, polynomial: int, initial: int) -> int:
    """Return the check sum of `data`, from `initial` on."""
    crc, table = initial, _table(polynomial)
    for byte in data:
        crc = crc >> 8 ^ table[(crc ^ byte) & 0xFF]
    return crc
