"""DCMI's power reading (DCMI 1.5, 6.6.1 "Get Power Reading", mode 01h) and what it is worth.

Knows: its fields, the state that says whether power is measured at all, two kinds of time stamp.
Does not know: sessions, messages (`meters.ipmi.messages`).

The power is a whole number of watts of the whole platform, as the BMC has it from its supplies or a sensor before them:
DCMI leaves open whether at their input or output, with which limits of error, and how often it is new. Beside the
power of now stand least, greatest and mean of the BMC's own period, which may be a second or all the time since it
started. A BMC that does not measure sends watts all the same.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import Final

from meters.meter import MeterGarbage

GROUP_ID: Final = 0xDC
SYSTEM_POWER: Final = bytes((GROUP_ID, 0x01, 0x00, 0x00))
"""The question: system power statistics."""
ACTIVE: Final = 0x40
UNSPECIFIED: Final = 0xFFFFFFFF
SINCE_START_S: Final = 0x20000000
"""A time stamp up to here counts the seconds since the BMC started, and is no date (IPMI 2.0, 37)."""
FIELDS = struct.Struct("<BHHHHIIB")
MOST_WATTS: Final = 0xFFFF


@dataclass(frozen=True, slots=True)
class PowerReading:
    """What DCMI says: watts of now, least, greatest and mean over `period_ms`, the BMC's own time stamp in s (`None`:
    unspecified), whether it measures."""

    now_w: int
    least_w: int
    greatest_w: int
    mean_w: int
    stamp_s: int | None
    period_ms: int
    active: bool

    @property
    def is_dated(self) -> bool:
        """Whether the stamp is a date (s since 1970, UTC), and not a time since the BMC started."""
        return self.stamp_s is not None and self.stamp_s > SINCE_START_S


def decode_power(data: bytes) -> PowerReading:
    """Return the power reading in the data of an answer; raises `MeterGarbage`."""
    if len(data) != FIELDS.size or data[0] != GROUP_ID:
        raise MeterGarbage(f"found {len(data)} bytes that begin {data[:1].hex() or 'nowhere'}, expected DCMI's 18 (dc)")
    _group, now, least, greatest, mean, stamp, period, state = FIELDS.unpack(data)
    dated = None if stamp == UNSPECIFIED else stamp
    return PowerReading(now, least, greatest, mean, dated, period, bool(state & ACTIVE))


class StampWatch:
    """Tells a value that the BMC has not measured anew for too long, by the BMC's own time stamp.

    A stamp proves something only where it has been seen to move: some BMCs send none, or one that stands still.
    """

    __slots__ = ("_longest_ns", "_moves", "_since_ns", "_stamp_s")

    def __init__(self, refresh_s: float) -> None:
        """`refresh_s`: how often there is a new value; a stamp in whole seconds may stand still for one anyway."""
        self._longest_ns = (1.0 + refresh_s) * 1e9
        self._stamp_s: int | None = None
        self._since_ns = 0
        self._moves = False

    def is_old(self, stamp_s: int | None, time_ns: int) -> bool:
        """Whether the value with this stamp, which came at `time_ns`, is an old one."""
        if stamp_s != self._stamp_s:
            self._moves = self._stamp_s is not None and stamp_s is not None
            self._stamp_s, self._since_ns = stamp_s, time_ns
        return self._moves and time_ns - self._since_ns > self._longest_ns
