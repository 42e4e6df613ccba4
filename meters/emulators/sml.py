"""The meter's side of SML: pushes a telegram each second, counts energy.

Knows: the telegrams as a meter sends them, written without the driver's tables. Does not know: ptys, real time.
Built after dumps of real meters (Holley DTZ541, ISKRA MT631): a telegram is open, value list, close. A real meter also
sends registers of energy delivered and, where it is told to, a signature; the signature is left out here.
The manufacturer entry says EMULATED.

Its own faults: `bad-crc` (the telegram's check sum), `bad-message-crc` (that of the value list alone), `wrong-obis`
(power under the code of reactive power), `no-value` (power without a value), `wrong-unit` (power in VA), `overrange`
(1 MW), `same-second` (the telegram before, again), `counter-wrap` (the register starts again from 0),
`wrong-meter` (another server identity).
"""

from __future__ import annotations

import math
import random

from meters.emulators.faults import OwnFaults
from meters.emulators.virtual_sut import PowerSource

OWN_FAULTS = frozenset(
    {
        *("bad-crc", "bad-message-crc", "wrong-obis", "no-value", "wrong-unit"),
        *("overrange", "same-second", "counter-wrap", "wrong-meter"),
    }
)
SERVER_ID = bytes.fromhex("0A01454D550000BC614E")  # 1EMU0012345678
OTHER_ID = bytes.fromhex("0A01454D550000BC614F")
STATUS_DRAWN = 0x1C0104
MAINS_V = 230.0
MAINS_HZ = 50.0
POWER_FACTOR = 0.95
NOTHING = b"\x01"


class SmlDevice:
    """One meter in front of one power source, advanced by the caller's clock in seconds since its start."""

    def __init__(self, source: PowerSource, *, seed: int, interval_s: float = 1.0) -> None:
        """Begin to push at once, every `interval_s` seconds."""
        self._source = source
        self._random = random.Random(seed)
        self._interval_s = interval_s
        self._now_s = 0.0
        self._energy_wh = 0.0
        self._second = 0
        self._last = b""
        self.next_push_s: float | None = interval_s
        self.faults = OwnFaults(OWN_FAULTS)

    def receive(self, data: bytes, now_s: float) -> list[bytes]:
        """Ignore the host: the head of a pushing meter only sends."""
        return []

    def push(self, now_s: float) -> list[bytes]:
        """Return the telegram that is due at `now_s`."""
        span = self._source.advance(now_s)
        self._energy_wh += span.mean_w * max(0.0, now_s - self._now_s) / 3600.0
        self._now_s = max(self._now_s, now_s)
        self.next_push_s = max((self.next_push_s or 0.0) + self._interval_s, now_s)
        if self.faults.use("counter-wrap"):
            self._energy_wh = 0.0
        if not self.faults.use("same-second") or not self._last:
            self._second += 1
            self._last = self._telegram(span.mean_w)
        return [self._last]

    def _telegram(self, power_w: float) -> bytes:
        server_id = OTHER_ID if self.faults.use("wrong-meter") else SERVER_ID
        volts = MAINS_V + self._random.gauss(0.0, 0.2)
        opened = listed(NOTHING, NOTHING, octets(self._second.to_bytes(4, "big")), octets(server_id), NOTHING, NOTHING)
        values = self._values(1e6 if self.faults.use("overrange") else power_w, volts)
        second = listed(unsigned(1, 1), unsigned(self._second, 4))
        body = listed(NOTHING, octets(server_id), octets(b"\x01\x00\x62\x0a\xff\xff"), second, values, NOTHING, NOTHING)
        messages = [(0x0101, opened), (0x0701, body), (0x0201, listed(NOTHING))]
        bad = self.faults.use("bad-message-crc")
        data = b"".join(
            message(self._second * 3 + at, tag, content, bad and at == 1) for at, (tag, content) in enumerate(messages)
        )
        framed = frame(data)
        return framed[:-1] + bytes([framed[-1] ^ 0xFF]) if self.faults.use("bad-crc") else framed

    def _values(self, power_w: float, volts: float) -> bytes:
        group = 3 if self.faults.use("wrong-obis") else 16
        unit = 28 if self.faults.use("wrong-unit") else 27
        power = NOTHING if self.faults.use("no-value") else signed(round(power_w * 10), 4)
        register = unsigned(math.floor(self._energy_wh * 10 + 1e-9), 8)
        amperes = power_w / (volts * POWER_FACTOR)
        return listed(
            entry("0100603201 01", NOTHING, NOTHING, NOTHING, octets(b"EMULATED")),
            entry("0100600100FF", NOTHING, NOTHING, NOTHING, octets(SERVER_ID)),
            entry("0100010800FF", unsigned(STATUS_DRAWN, 4), unsigned(30, 1), signed(-1, 1), register),
            entry("0100020800FF", NOTHING, unsigned(30, 1), signed(-1, 1), unsigned(0, 8)),
            entry(f"0100{group:02x}0700FF", NOTHING, unsigned(unit, 1), signed(-1, 1), power),
            entry("0100200700FF", NOTHING, unsigned(35, 1), signed(-1, 1), unsigned(round(volts * 10), 2)),
            entry("01001F0700FF", NOTHING, unsigned(33, 1), signed(-3, 1), unsigned(round(amperes * 1000), 4)),
            entry("01000E0700FF", NOTHING, unsigned(44, 1), signed(-1, 1), unsigned(round(MAINS_HZ * 10), 2)),
            entry("0100000200 00", NOTHING, NOTHING, NOTHING, octets(b"1.0")),
        )


def frame(data: bytes) -> bytes:
    """Return `data` as a telegram: start, data filled up to four bytes and escaped, end, check sum."""
    fill = -len(data) % 4
    body = data.replace(b"\x1b" * 4, b"\x1b" * 8) + bytes(fill)
    head = b"\x1b\x1b\x1b\x1b\x01\x01\x01\x01" + body + b"\x1b\x1b\x1b\x1b\x1a" + bytes([fill])
    return head + crc16(head).to_bytes(2, "little")


def message(number: int, tag: int, content: bytes, bad_crc: bool) -> bytes:
    """Return one SML message."""
    head = (
        b"\x76"
        + octets(number.to_bytes(4, "big"))
        + unsigned(0, 1)
        + unsigned(0, 1)
        + listed(unsigned(tag, 2), content)
    )
    check = crc16(head) ^ (0xFFFF if bad_crc else 0)
    return head + b"\x63" + check.to_bytes(2, "little") + b"\x00"


def entry(code: str, status: bytes, unit: bytes, scaler: bytes, value: bytes) -> bytes:
    """Return one line of a value list; `code` is the OBIS code in hex."""
    return listed(octets(bytes.fromhex(code)), status, NOTHING, unit, scaler, value, NOTHING)


def listed(*items: bytes) -> bytes:
    """Return a list; one of 16 items or more has a length of two bytes."""
    count = len(items)
    head = bytes([0x70 | count]) if count < 16 else bytes([0xF0 | count >> 4, count & 0x0F])
    return head + b"".join(items)


def octets(text: bytes) -> bytes:
    """Return an octet string; the length counts its own byte, or bytes."""
    if len(text) < 15:
        return bytes([len(text) + 1]) + text
    length = len(text) + 2
    return bytes([0x80 | length >> 4, length & 0x0F]) + text


def unsigned(value: int, size: int) -> bytes:
    """Return a number of `size` bytes without sign."""
    return bytes([0x61 + size]) + value.to_bytes(size, "big")


def signed(value: int, size: int) -> bytes:
    """Return a number of `size` bytes with sign."""
    return bytes([0x51 + size]) + value.to_bytes(size, "big", signed=True)


def crc16(data: bytes) -> int:
    """Return CRC-16/X-25 bit by bit."""
    crc = 0xFFFF
    for byte in data:
        crc ^= byte
        for _bit in range(8):
            crc = crc >> 1 ^ (0x8408 if crc & 1 else 0)
    return crc ^ 0xFFFF
