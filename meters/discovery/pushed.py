"""Which meter sends unasked at a network port: what begins each of its telegrams.

Knows: the first bytes of a telegram of SML and of one of a P1 port. Does not know: the telegrams themselves.
Nothing is written.
"""

from __future__ import annotations

import re

from meters.access import Access
from meters.deadline import Deadline
from meters.meter import MeterTimeout
from meters.serial_wire import Line, SerialWire

MOST = 1 << 14
BEGINS = {
    "sml": re.compile(rb"\x1b\x1b\x1b\x1b\x01\x01\x01\x01"),
    "p1": re.compile(rb"/[ -~]{4,40}\r\n\r?\n?(?:[01]-\d{1,3}:|[!-~])"),
}
"""By whom what came is read."""


def heard(port: str, seconds: float, access: Access) -> tuple[str, int]:
    """Return the driver whose telegram begins in what comes unasked within some seconds (empty: none), and how many
    bytes came; raises `MeterUnavailable`, `MeterMismatch`, `MeterUnplugged`."""
    wire, deadline, data = SerialWire(port, Line(115_200), None, access), Deadline(seconds), b""
    try:
        while not deadline.expired and len(data) < MOST:
            try:
                data += wire.read_chunk(deadline).data
            except MeterTimeout:
                break
            for driver, begin in BEGINS.items():
                if begin.search(data):
                    return driver, len(data)
    finally:
        wire.close()
    return "", len(data)
