"""The data lines of a block: which value stands at which OBIS code now.

Knows: the grammar of data sets, media, channels and stored values. Does not know: what a code means
(`meters.iec62056.registers`).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from meters.meter import MeterGarbage


@dataclass(frozen=True, slots=True)
class DataSet:
    """One value as it was sent, and its unit (empty: none); `trouble` says why it is not to be read."""

    value: str
    unit: str
    trouble: str = ""


NOTHING = DataSet("", "")
DATA_SET = re.compile(rb"([^()/!\x00-\x1f\x7f-\xff]{0,32})\(([^()/!\x00-\x1f\x7f-\xff]{0,128})\)")
ADDRESSED = re.compile(rb"([^()/!\x00-\x1f\x7f-\xff]{1,32})[()]")
OBIS = re.compile(
    r"(?:([0-9]{1,3})-([0-9]{1,3}):)?([0-9A-Z]{1,3}\.[0-9A-Z]{1,3})(?:\.([0-9A-Z]{1,3}))?(?:[*&]([0-9]{1,3}))?"
)
NUMBER = re.compile(r"[-+]?[0-9]{1,10}(?:\.[0-9]{1,9})?")
ELECTRICITY, ABSTRACT = "1", "0"
PRESENT, MAYBE_PRESENT = (None, "255"), "00"


@dataclass(frozen=True, slots=True)
class Address:
    """An OBIS code taken apart; `code` is medium and name, `1-16.7.0`, `channel` `None` where medium and channel are
    not said, `storage` what stands behind `*`."""

    code: str
    medium: str
    channel: int | None
    storage: str | None


NOWHERE = Address("", "", None, None)


def decode_block(block: bytes) -> dict[str, DataSet]:
    """Return the present values by medium and code, `1-16.7.0`; stored values (`*62`) are left out.

    A code without medium is electricity (1); without third part, or with 255 there, it is the total (0). Of several
    channels of electricity the lowest is the meter itself, of abstract data (medium 0) channel 0. A line that is no
    data set, and a code with two different values, cost that code. Raises `MeterGarbage` where no line is one.
    """
    entries = list(_entries(block))
    if entries and all(data_set.trouble for _address, data_set in entries):
        raise MeterGarbage(entries[0][1].trouble)
    entries = [(address, data_set) for address, data_set in entries if address is not NOWHERE]
    channels = [a.channel for a, _set in entries if a.medium == ELECTRICITY and a.channel is not None]
    own = {ELECTRICITY: (None, min(channels, default=0)), ABSTRACT: (None, 0)}
    storages: dict[str, set[str | None]] = {}
    for address, _data_set in entries:
        storages.setdefault(address.code, set()).add(address.storage)
    present: dict[str, DataSet] = {}
    for address, data_set in entries:
        only = storages[address.code] == {MAYBE_PRESENT}
        is_own = address.channel in own.get(address.medium, (address.channel,))
        if not is_own or not (address.storage in PRESENT or only):
            continue
        before = present.setdefault(address.code, data_set)
        if before != data_set and not before.trouble:
            trouble = data_set.trouble or f"it stands twice, with {before.value} and {data_set.value}"
            present[address.code] = DataSet("", "", trouble)
    return present


def _entries(block: bytes) -> Iterator[tuple[Address, DataSet]]:
    """Yield what stands in the data lines, in order; the first sound data set of a line need not be the last."""
    for line in block.split(b"\r\n"):
        at = 0
        while at < len(line):
            match = DATA_SET.match(line, at)
            if match is None:
                trouble = f"found {line[:60]!r}, expected data sets such as `1-0:16.7.0(0000.23*kW)`"
                head = ADDRESSED.match(line, at)
                text = head.group(1).decode("ascii") if head is not None else ""
                yield _address(text) or NOWHERE, DataSet("", "", trouble)
                break
            at = match.end()
            address = _address(match.group(1).decode("ascii"))
            value, _mark, unit = match.group(2).decode("ascii").partition("*")
            if address is not None:
                yield address, DataSet(value.strip(), unit)


def _address(text: str) -> Address | None:
    match = OBIS.fullmatch(text)
    if match is None:
        return None
    medium, channel, name, third, storage = match.groups()
    total = third in (None, "255") and not name.startswith("96.")
    code = f"{medium or ELECTRICITY}-{name}.{'0' if total else third}"
    return Address(code, medium or ELECTRICITY, None if channel is None else int(channel), storage)
