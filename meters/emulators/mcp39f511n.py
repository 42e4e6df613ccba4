"""The chip's side of the MCP39F511N protocol: a register file, refreshed every 2^N line cycles.

Knows: frames and registers as the chip has them, written without the driver's tables. Does not know: ptys, real time.
From the data sheet, no captured reply being public: all replies. That writes to any register but the settings are
answered by NAK is assumed. The energy registers count as the one public client that reads them has it (green-metrics-
tool): half a joule at power range 19, halved by each step down. It says itself that nobody knows why; nothing here does
either, so this shows that client and emulator agree, and nothing about the chip.
The protocol has no word for a name: that this is an emulator shows in its port (a pty) alone.
Own faults: `nak`, `csfail` (the two error replies), `checksum`, `short` (a length that is too small), `repeat` (the
reply before, once more, instead of the one asked for).
"""

from __future__ import annotations

import math
import random
import struct

from meters.emulators.faults import OwnFaults
from meters.emulators.virtual_sut import PowerSource

OWN_FAULTS = frozenset({"nak", "csfail", "checksum", "short", "repeat"})
MAINS_V = 230.0
MAINS_HZ = 50.0
VERSION = 0x6317  # 2016-03-17
SETTINGS = (0xA0, 0xA4, 0xA8, 0xAE, 0xBE)
REGISTER_BYTES = 0xE2


class Mcp39f511nDevice:
    """One board with a load on outlet 1 and, if `second` is given, one on outlet 2."""

    next_push_s: float | None = None

    def __init__(
        self,
        source: PowerSource,
        *,
        seed: int,
        second: PowerSource | None = None,
        accumulation_n: int = 4,
        signs_at: int = 0,
        counts_energy: bool = False,
    ) -> None:
        """`signs_at` is 0 (bits 0 to 3 of the status, set where negative) or 4 (bits 4 to 7, clear where so)."""
        self._sources = (source, second)
        self._random = random.Random(seed)
        self._signs_at = signs_at
        self._memory = bytearray(REGISTER_BYTES)
        self._pending = b""
        self._before = b""
        self._window_end_s = 0.0
        self._energy_j = [0.0, 0.0]
        self.faults = OwnFaults(OWN_FAULTS)
        self._put("<H", 0x04, VERSION)
        self._put("<I", 0xA0, 0x300 if counts_energy else 0)
        self._put("<H", 0xA8, accumulation_n)
        for address in (0xAE, 0xBE):
            self._memory[address : address + 4] = bytes([18, 12, 19, 0])
        self._measure(0.0)

    def receive(self, data: bytes, now_s: float) -> list[bytes]:
        """Return the replies to the complete requests in what the host has sent so far."""
        self._refresh(now_s)
        self._pending += data
        replies: list[bytes] = []
        while (start := self._pending.find(b"\xa5")) >= 0:
            self._pending = self._pending[start:]
            if len(self._pending) < 2 or len(self._pending) < self._pending[1]:
                return replies
            length = max(self._pending[1], 3)
            request, self._pending = self._pending[:length], self._pending[length:]
            replies.append(self._damaged(self._answer(request)))
        self._pending = b""
        return replies

    def push(self, now_s: float) -> list[bytes]:
        """Return nothing: the chip speaks when asked."""
        return []

    def _answer(self, request: bytes) -> bytes:
        if sum(request[:-1]) % 256 != request[-1]:
            return b"\x51"
        commands = request[2:-1]
        address = 0
        reply = b""
        while commands:
            opcode, commands = commands[0], commands[1:]
            if opcode == ord("A") and len(commands) >= 2:
                address, commands = commands[0] << 8 | commands[1], commands[2:]
            elif opcode == ord("N") and commands and 1 <= commands[0] <= 32 and address + commands[0] <= REGISTER_BYTES:
                reply += bytes(self._memory[address : address + commands[0]])
                commands = commands[1:]
            elif opcode == ord("M") and len(commands) > commands[0] > 0 and address in SETTINGS:
                count = commands[0]
                self._memory[address : address + count] = commands[1 : 1 + count]
                commands = commands[1 + count :]
            else:
                return b"\x15"
        if not reply:
            return b"\x06"
        head = bytes([6, len(reply) + 3]) + reply
        return head + bytes([sum(head) % 256])

    def _damaged(self, reply: bytes) -> bytes:
        before, self._before = self._before or reply, reply
        if self.faults.use("nak"):
            return b"\x15"
        if self.faults.use("csfail"):
            return b"\x51"
        if self.faults.use("checksum"):
            return reply[:-1] + bytes([reply[-1] ^ 0xFF])
        if self.faults.use("short") and len(reply) > 4:
            head = bytes([6, len(reply) - 1]) + reply[2:-2]
            return head + bytes([sum(head) % 256])
        return before if self.faults.use("repeat") else reply

    def _window_s(self) -> float:
        (n,) = struct.unpack_from("<H", self._memory, 0xA8)
        return float(2 ** min(n, 8) / MAINS_HZ)

    def _refresh(self, now_s: float) -> None:
        """Bring the registers to the last window that was complete at `now_s`; windows nobody asked for are merged."""
        complete = math.floor((now_s - self._window_end_s) / self._window_s() + 1e-9)
        if complete > 0:
            self._measure(self._window_end_s + complete * self._window_s())

    def _measure(self, end_s: float) -> None:
        length_s = end_s - self._window_end_s
        self._window_end_s = end_s
        volts = MAINS_V + self._random.gauss(0.0, 0.2)
        self._put("<H", 0x06, round(volts * 10))
        self._put("<H", 0x08, round((MAINS_HZ + self._random.gauss(0.0, 0.005)) * 1000))
        status = 0
        for index, source in enumerate(self._sources):
            watts = 0.0 if source is None else source.advance(end_s).mean_w
            factor = 0.0 if source is None else _power_factor(abs(watts))
            negative = watts < 0
            status |= (negative if self._signs_at == 0 else not negative) << (
                index if self._signs_at == 0 else 2 * index
            )
            amperes = abs(watts) / volts / factor if factor else 0.0
            self._put("<h", 0x0A + 2 * index, round(factor * 32767))
            self._put("<I", 0x0E + 4 * index, round(amperes * 10_000))
            shift = 19 - self._memory[(0xAE, 0xBE)[index] + 2]
            self._put("<I", 0x16 + 4 * index, min(round(abs(watts) * 100 * 2.0**shift), 0xFFFFFFFF))
            self._put("<I", 0x26 + 4 * index, round(volts * amperes * 100))
            if self._memory[0xA1] >> index & 1 and watts > 0:
                self._energy_j[index] += watts * length_s
                self._put("<Q", 0x2E + 8 * index, math.floor(self._energy_j[index] * 2 * 2.0**shift))
        self._put("<H", 0x02, status << self._signs_at)

    def _put(self, layout: str, address: int, value: int) -> None:
        struct.pack_into(layout, self._memory, address, value)


def _power_factor(watts: float) -> float:
    """Return the power factor of a typical supply: poor when idle, near .95 under load."""
    return 0.95 - 0.4 * math.exp(-watts / 60.0)
