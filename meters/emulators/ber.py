"""BER for the emulated agents of SNMP, written for this side alone.

Knows: tag, length, content; whole numbers, octets, object identifiers. Does not know: messages.
"""

from __future__ import annotations

Oid = tuple[int, ...]
Value = int | str | Oid


def items_of(data: bytes) -> list[tuple[int, bytes]]:
    """Return tag and content of each value; raises `ValueError`, `IndexError` where one is cut off."""
    items = []
    while data:
        size, begin = data[1], 2
        if size & 0x80:
            begin = 2 + (size & 0x7F)
            size = int.from_bytes(data[2:begin], "big")
        if len(data) < begin + size:
            raise ValueError("cut off")
        items.append((data[0], data[begin : begin + size]))
        data = data[begin + size :]
    return items


def tlv(tag: int, content: bytes) -> bytes:
    """Return tag, length and content; as net-snmp does it, a length above 127 has two bytes."""
    size = len(content)
    if size > 127:
        return bytes((tag, 0x82, size >> 8, size & 255)) + content
    return bytes((tag, size)) + content


def integer(number: int, tag: int = 2) -> bytes:
    """Return a whole number."""
    return tlv(tag, number.to_bytes(1 + (number + (number < 0)).bit_length() // 8, "big", signed=True))


def value_of(value: Value | None) -> bytes:
    """Return a whole number, text, an object identifier, or nothing."""
    if value is None:
        return b"\x05\x00"
    if isinstance(value, tuple):
        return encoded_oid(value)
    return integer(value) if isinstance(value, int) else tlv(4, value.encode())


def parsed(text: str) -> Oid:
    """Return an object identifier as it is written."""
    return tuple(int(part) for part in text.split("."))


def encoded_oid(oid: Oid) -> bytes:
    """Return an object identifier."""
    content = bytearray((40 * oid[0] + oid[1],))
    for arc in oid[2:]:
        septets = bytearray((arc & 127,))
        while arc > 127:
            arc >>= 7
            septets.insert(0, 128 | arc & 127)
        content += septets
    return tlv(6, bytes(content))


def oid_of(content: bytes) -> Oid:
    """Return the object identifier in a content."""
    arcs, arc = [*divmod(content[0], 40)], 0
    for byte in content[1:]:
        arc = arc << 7 | byte & 127
        if byte < 128:
            arcs.append(arc)
            arc = 0
    return tuple(arcs)
