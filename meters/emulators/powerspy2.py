"""The meter's side of the PowerSpy2 protocol: answers commands, pushes a row each n mains periods.

Knows: the protocol as two public clients expect it, written without the driver's tables. Does not know: ptys.
Not proved by any capture at hand: that unknown commands are answered `<Z>`, and the order LF CR after a row (both
from patrickmarlier/powerspy.py's simulator). The protocol has no word for a name: that this is an emulator shows in
its port alone.
Own faults: `no-value` (rows as if nothing were plugged in), `fail` (`<Z>` instead of an answer).
"""

from __future__ import annotations

import math
import random
import re
import struct

from meters.emulators.faults import OwnFaults
from meters.emulators.virtual_sut import PowerSource

OWN_FAULTS = frozenset({"no-value", "fail"})
COMMAND = re.compile(rb"<([^<>]*)>")
COMMAND_LIMIT = 256
MAINS_V = 230.0
MAINS_HZ = 50.0
FACTORY = (0.0815476, 0.000544977)
USER = (0.0816, 0.0005455)
CREST = 1.417


class PowerSpy2Device:
    """One meter in front of one power source; `hardware` 2 is the older PowerSpy."""

    def __init__(self, source: PowerSource, *, seed: int, interval_s: float | None = None, hardware: int = 3) -> None:
        """`interval_s` overrides the time between rows that follows from what the host asks for."""
        self._source = source
        self._random = random.Random(seed)
        self._forced_interval_s = interval_s
        self._hardware = hardware
        self._eeprom = bytearray(b"\xff" * 256)
        struct.pack_into("<ff", self._eeprom, 0x02, *FACTORY)
        struct.pack_into("<ff", self._eeprom, 0x0E, *USER)
        self._pending = b""
        self._interval_s = 1.0
        self.next_push_s: float | None = None
        self.faults = OwnFaults(OWN_FAULTS)

    def receive(self, data: bytes, now_s: float) -> list[bytes]:
        """Return the replies to what the host sent."""
        self._pending = (self._pending + data)[-COMMAND_LIMIT:]
        replies: list[bytes] = []
        while (match := COMMAND.search(self._pending)) is not None:
            self._pending = self._pending[match.end() :]
            answer = self._answer(match[1].decode("ascii", errors="replace"), now_s)
            replies.append(b"<Z>" if self.faults.use("fail") else f"<{answer}>".encode("ascii"))
        return replies

    def push(self, now_s: float) -> list[bytes]:
        """Return the row that is due at `now_s`, and plan the next; rows missed before are left out."""
        if self.next_push_s is None:
            return []
        watts = self._source.advance(now_s).mean_w
        self.next_push_s = max(self.next_push_s + self._interval_s, now_s)
        volts = MAINS_V + self._random.gauss(0.0, 0.2)
        amperes = watts / volts / (0.95 - 0.4 * math.exp(-watts / 60.0))
        counts_u, counts_i = volts / USER[0], amperes / USER[1]
        power = round(watts / USER[0] / USER[1])
        if self.faults.use("no-value"):
            counts_i, power = 3.0, 0xFFFFFFF3
        fields = (round(counts_u**2), round(counts_i**2), power, round(counts_u * CREST), round(counts_i * CREST))
        return ["<{:08X} {:08X} {:08X} {:04X} {:04X}>\n\r".format(*fields).encode("ascii")]

    def _answer(self, command: str, now_s: float) -> str:
        digits = command[1:]
        match command[:1]:
            case "?" if not digits:
                state = "R" if self.next_push_s is None else "T"
                return f"POWERSPY{state}01FF35{self._hardware:02X}0001"
            case "F" if not digits:
                clock_hz = 1_000_000 if self._hardware == 2 else 1_382_400
                return f"F{round(clock_hz / MAINS_HZ):04X}"
            case "V" if re.fullmatch("[0-9A-F]{2}", digits):
                return f"{self._eeprom[int(digits, 16)]:02X}"
            case "J" if re.fullmatch("[0-9A-F]{2}" if self._hardware == 2 else "[0-9A-F]{4}", digits) and int(
                digits, 16
            ):
                self._source.advance(now_s)
                self._interval_s = self._forced_interval_s or int(digits, 16) / MAINS_HZ
                self.next_push_s = now_s + self._interval_s
                return "K"
            case "Q" if not digits:
                self.next_push_s = None
                return "K"
        return "Z"
