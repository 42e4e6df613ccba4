"""Who a BMC says it is: the answer to Get Device ID, and the names in its inventory (FRU).

Knows: IPMI 2.0, 20.1; the FRU information storage definition 1.0: product area, else board area, and its kinds of text.
Does not know: how an inventory is read (`meters.ipmi.dialogue`).
A damaged inventory costs names: a BMC whose inventory nobody ever filled in is read all the same.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from meters.meter import MeterGarbage
from meters.reading import Identity

SHORTEST_ID: Final = 11
HEADER: Final = 8
END_OF_FIELDS: Final = 0xC1
MOST_FIELDS: Final = 16
LONGEST_AREA: Final = 512
"""Bytes of an inventory's area that are read, at the most."""
BCD_PLUS: Final = "0123456789 -.???"
MAKERS: Final = {
    2: "IBM", 11: "HP", 42: "Sun", 343: "Intel", 674: "Dell", 2011: "Huawei", 2623: "ASUS", 5703: "NVIDIA",
    6653: "Tyan", 7244: "Quanta", 10368: "Fujitsu", 10876: "Supermicro", 15370: "Gigabyte", 19046: "Lenovo",
    37945: "Inspur", 47196: "HPE",
}  # fmt: skip
"""Enterprise numbers of IANA."""


@dataclass(frozen=True, slots=True)
class Device:
    """The answer to Get Device ID: firmware as `MAJOR.MINOR`, the maker's number, the product's."""

    firmware: str
    maker: int
    product: int


@dataclass(frozen=True, slots=True)
class Names:
    """What an inventory says; empty where it does not."""

    maker: str = ""
    model: str = ""
    serial: str = ""


def decode_device(data: bytes) -> Device:
    """Return the answer to Get Device ID; raises `MeterGarbage`."""
    if len(data) < SHORTEST_ID:
        raise MeterGarbage(f"found {len(data)} bytes of a device ID, expected {SHORTEST_ID} or more")
    maker, product = int.from_bytes(data[6:9], "little") & 0xFFFFF, int.from_bytes(data[9:11], "little")
    return Device(f"{data[2] & 0x7F}.{data[3]:02x}", maker, product)


def identity_of(device: Device, guid: bytes, names: Names) -> Identity:
    """Return who is there: names of the inventory, else numbers; the serial number, else the BMC's own GUID."""
    maker = names.maker or MAKERS.get(device.maker, f"enterprise {device.maker}")
    model = names.model or f"product {device.product:#06x}"
    return Identity(maker, model, names.serial or (guid.hex() if any(guid) else ""), device.firmware)


def decode_area_size(data: bytes) -> int:
    """Return how many bytes an inventory has; 0 where it is counted in words, which is not read."""
    return int.from_bytes(data[:2], "little") if len(data) == 3 and not data[2] & 1 else 0


def area_of(header: bytes) -> tuple[int, bool]:
    """Return where the area with the names begins (bytes; 0: there is none) and whether it is the product's.

    `header` are the first 8 bytes of the inventory.
    """
    if len(header) != HEADER or header[0] & 0x0F != 1 or sum(header) % 256:
        return 0, False
    board, product = header[3] * 8, header[4] * 8
    return (product, True) if product else (board, False)


def area_length(begin: bytes) -> int:
    """Return how long an area is, from its first two bytes."""
    return min(begin[1] * 8, LONGEST_AREA) if len(begin) == 2 else 0


def decode_area(area: bytes, *, is_product: bool) -> Names:
    """Return the names in a whole area, none where it is damaged."""
    if len(area) < HEADER or sum(area) % 256:
        return Names()
    fields = _fields(area[3:-1] if is_product else area[6:-1])
    wanted = (0, 1, 4) if is_product else (0, 1, 2)  # maker, name, serial number
    return Names(*(fields[place] if place < len(fields) else "" for place in wanted))


def _fields(data: bytes) -> list[str]:
    fields: list[str] = []
    at = 0
    while at < len(data) and data[at] != END_OF_FIELDS and len(fields) < MOST_FIELDS:
        kind, length = data[at] >> 6, data[at] & 0x3F
        fields.append(decode_text(kind, data[at + 1 : at + 1 + length]))
        at += 1 + length
    return fields


def decode_text(kind: int, data: bytes) -> str:
    """Return a text of one of IPMI's four kinds, without what a terminal would act on."""
    match kind:
        case 1:
            text = "".join(BCD_PLUS[byte >> 4] + BCD_PLUS[byte & 15] for byte in data)
        case 2:
            bits = int.from_bytes(data, "little")
            text = "".join(chr(0x20 + (bits >> 6 * place & 0x3F)) for place in range(len(data) * 8 // 6))
        case 3:
            text = data.decode("latin-1")
        case _:
            text = data.hex()
    return "".join(sign for sign in text if sign.isprintable()).strip()
