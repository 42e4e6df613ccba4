"""The meter's side of a P1 port: pushes a telegram each second (DSMR 5), or as meters before DSMR 4 do; counts energy.

Knows: the telegrams as a meter sends them, written without the driver's tables. Does not know: ptys, real time.
Energy drawn counts in tariff 2, energy delivered in tariff 1 of the other direction; a gas meter stands behind it.
The identification says EMULATED. Its clock begins on a summer's noon of 2026, local time, and
goes on by a second at least with each telegram.

Its own faults: `bad-crc` and `no-crc` (the check sum, where there is one), `wrong-obis` (power under the code of
reactive power), `no-value` (dashes for power), `wrong-unit` (power in kVA), `overrange` (1 MW), `same-second` (the
telegram before, again), `counter-wrap` (the register starts again from 0), `wrong-meter` (another serial number).
"""

from __future__ import annotations

import random
from datetime import datetime, timedelta

from meters.emulators.faults import OwnFaults
from meters.emulators.virtual_sut import PowerSource

FAULTS = frozenset({"wrong-obis", "no-value", "wrong-unit", "overrange", "same-second", "counter-wrap", "wrong-meter"})
CRC_FAULTS = frozenset({"bad-crc", "no-crc"})
NOON = datetime(2026, 7, 1, 12)
SERIAL, OTHER_SERIAL = "E0001000000000126", "E0001000000000226"
START_KWH = 1435.706
MAINS_V = 230.0


class P1Device:
    """One meter in front of one power source, advanced by the caller's clock in seconds since its start."""

    def __init__(self, source: PowerSource, *, seed: int, interval_s: float = 1.0, generation: int = 2) -> None:
        """Begin to push at once, every `interval_s` seconds; `generation` 1 is DSMR 2.2: 7E1, no check sum, 10 W."""
        self._source = source
        self._random = random.Random(seed)
        self._interval_s = interval_s
        self._is_old = generation == 1
        self._now_s = self._clock_s = 0.0
        self._imported_kwh = self._exported_kwh = 0.0
        self._last = b""
        self.next_push_s: float | None = interval_s
        self.faults = OwnFaults(FAULTS if self._is_old else FAULTS | CRC_FAULTS)

    def receive(self, data: bytes, now_s: float) -> list[bytes]:
        """Ignore the host: the port only sends."""
        return []

    def push(self, now_s: float) -> list[bytes]:
        """Return the telegram that is due at `now_s`."""
        watts = self._source.advance(now_s).mean_w
        moved_kwh = abs(watts) * max(0.0, now_s - self._now_s) / 3.6e6
        self._imported_kwh += moved_kwh if watts > 0 else 0.0
        self._exported_kwh += moved_kwh if watts < 0 else 0.0
        self._now_s = max(self._now_s, now_s)
        self.next_push_s = max((self.next_push_s or 0.0) + self._interval_s, now_s)
        if self.faults.use("counter-wrap"):
            self._imported_kwh = -START_KWH
        if not self.faults.use("same-second") or not self._last:
            self._clock_s += max(1.0, self._interval_s)
            self._last = self._telegram(1e6 if self.faults.use("overrange") else watts)
        return [self._last]

    def _telegram(self, watts: float) -> bytes:
        who = (OTHER_SERIAL if self.faults.use("wrong-meter") else SERIAL).encode("ascii").hex().upper()
        name = "/EMU5\\2EMULATED-22" if self._is_old else "/EMU5\\2EMULATED-50"
        text = "\r\n".join([name, "", *(self._old_lines(watts, who) if self._is_old else self._lines(watts, who)), "!"])
        if self._is_old:
            return bytes(ord(letter) | (f"{ord(letter):b}".count("1") % 2) << 7 for letter in text + "\r\n")
        check = crc(text.encode("ascii")) ^ (0x5555 if self.faults.use("bad-crc") else 0)
        return text.encode("ascii") + (b"" if self.faults.use("no-crc") else f"{check:04X}".encode()) + b"\r\n"

    def _powers(self, watts: float, shape: str) -> list[str]:
        """The lines of power drawn and delivered, each in kW as `shape` writes it."""
        drawn, delivered = (format(max(0.0, value) / 1000, shape) for value in (watts, -watts))
        code = "3.7.0" if self.faults.use("wrong-obis") else "1.7.0"
        unit = "kVA" if self.faults.use("wrong-unit") else "kW"
        shown = "--.---" if self.faults.use("no-value") else drawn
        return [f"1-0:{code}({shown}*{unit})", f"1-0:2.7.0({delivered}*kW)"]

    def _registers(self, shape: str) -> list[str]:
        kwh = (1581.123, START_KWH + self._imported_kwh, self._exported_kwh, 0.0)
        codes = ("1.8.1", "1.8.2", "2.8.1", "2.8.2")
        return [f"1-0:{code}({value:{shape}}*kWh)" for code, value in zip(codes, kwh, strict=True)]

    def _lines(self, watts: float, who: str) -> list[str]:
        now = (NOON + timedelta(seconds=int(self._clock_s))).strftime("%y%m%d%H%M%SS")
        volts = MAINS_V + self._random.gauss(0.0, 0.2)
        return [
            "1-3:0.2.8(50)", f"0-0:1.0.0({now})", f"0-0:96.1.1({who})",
            *self._registers("010.3f"), "0-0:96.14.0(0002)", *self._powers(watts, "06.3f"),
            "0-0:96.7.21(00004)", "0-0:96.7.9(00002)", "1-0:99.97.0(0)(0-0:96.7.19)", "0-0:96.13.0()",
            f"1-0:32.7.0({volts:05.1f}*V)", f"1-0:31.7.0({abs(watts) / volts:03.0f}*A)",
            f"1-0:21.7.0({max(0.0, watts) / 1000:06.3f}*kW)", f"1-0:22.7.0({max(0.0, -watts) / 1000:06.3f}*kW)",
            "0-1:24.1.0(003)", "0-1:96.1.0(4730303339303031)", "0-1:24.2.1(260701115500S)(00981.443*m3)",
        ]  # fmt: skip

    def _old_lines(self, watts: float, who: str) -> list[str]:
        return [
            f"0-0:96.1.1({who})", *self._registers("09.3f"), "0-0:96.14.0(0002)", *self._powers(watts, "07.2f"),
            "0-0:17.0.0(0999.00*kW)", "0-0:96.3.10(1)", "0-0:96.13.1()", "0-0:96.13.0()",
            "0-1:24.1.0(3)", "0-1:96.1.0(4730303339303031)",
            "0-1:24.3.0(260701110000)(00)(60)(1)(0-1:24.2.1)(m3)", "(00981.443)", "0-1:24.4.0(1)",
        ]  # fmt: skip


def crc(data: bytes) -> int:
    """Return CRC-16 of a telegram bit by bit."""
    value = 0
    for byte in data:
        value ^= byte
        for _bit in range(8):
            value = value >> 1 ^ (0xA001 if value & 1 else 0)
    return value
