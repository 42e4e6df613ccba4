"""The meter's side of IEC 62056-21: answers a sign-on in mode C, or pushes in mode D; counts energy.

Knows: the messages as a meter sends them, written without the driver's tables. Does not know: ptys, real time.
The line keeps one speed: that a meter changes it after the acknowledgement is not emulated, and a request in
programming mode, with a password or for writing is not answered. It answers after its reaction time, as a meter does
(6.4.3): the small third letter of its maker says that it is a short one, at least 20 ms. A client that opens the port
anew to change its speed (iec62056-21-dzg) loses what comes earlier. The identification says EMULATED.

Its own faults: `bad-bcc` (the block check character), `bad-parity` (one character of the message), `wrong-obis` (power
under the code of reactive power), `no-value` (dashes for power), `wrong-unit` (power in kVA), `overrange` (1 MW),
`nak` (a NAK for the data message), `no-etx` (the message ends before ETX), `wrong-mode` (the identification proposes
mode B), `counter-wrap` (the register starts again from 0), `echo` (the head hears its own request).
"""

from __future__ import annotations

import random
import re

from meters.emulators.faults import OwnFaults
from meters.emulators.virtual_sut import PowerSource

OWN_FAULTS = frozenset(
    {
        *("bad-bcc", "bad-parity", "wrong-obis", "no-value", "wrong-unit", "overrange"),
        *("nak", "no-etx", "wrong-mode", "counter-wrap", "echo"),
    }
)
ADDRESS = "12345678"
SIGN_ON = re.compile(r"/\?([^!]*)!\r\n")
ACKNOWLEDGEMENT = re.compile(r"\x060([0-6])0\r\n")
SESSION_S = 2.0  # a meter that hears no acknowledgement forgets the sign-on
PENDING_LIMIT = 256
REACTION_S = 0.06
MAINS_V = 230.0
MAINS_HZ = 50.0
POWER_FACTOR = 0.95


class Iec62056Device:
    """One meter in front of one power source, advanced by the caller's clock in seconds since its start."""

    def __init__(
        self, source: PowerSource, *, seed: int, push_interval_s: float | None = None, parity: bool = True
    ) -> None:
        """Push every `push_interval_s` seconds, or answer where that is `None`; `parity` makes characters 7E1."""
        self._source = source
        self._random = random.Random(seed)
        self._parity = parity
        self._interval_s = push_interval_s
        self._pending = ""
        self._now_s = 0.0
        self._energy_wh = 0.0
        self._power_w = 0.0
        self._signed_on_s: float | None = None
        self._replies: list[str] = []
        self.next_push_s: float | None = push_interval_s
        self.faults = OwnFaults(OWN_FAULTS)

    def receive(self, data: bytes, now_s: float) -> list[bytes]:
        """Take what the host says; `push` answers a sign-on and an acknowledgement after the reaction time."""
        if self._interval_s is not None:
            return []
        self._pending = (self._pending + bytes(byte & 0x7F for byte in data).decode("ascii"))[-PENDING_LIMIT:]
        while (match := SIGN_ON.search(self._pending) or ACKNOWLEDGEMENT.search(self._pending)) is not None:
            self._pending = self._pending[match.end() :]
            reply = self._answer(match, now_s)
            if reply:
                self._replies.append(reply)
                self.next_push_s = now_s + REACTION_S
        return []

    def push(self, now_s: float) -> list[bytes]:
        """Return what is due at `now_s`: answers, or the telegram."""
        if self._interval_s is None:
            replies, self._replies, self.next_push_s = self._replies, [], None
            return [self._sent(reply) for reply in replies]
        self.next_push_s = max((self.next_push_s or 0.0) + self._interval_s, now_s)
        return [self._sent(self._identification() + "\r\n" + self._lines(now_s) + "!\r\n")]

    def _answer(self, match: re.Match[str], now_s: float) -> str:
        echo = match.group() if self.faults.use("echo") else ""
        if match.re is SIGN_ON:
            if match.group(1) not in ("", ADDRESS):
                return ""
            self._signed_on_s = now_s
            return echo + self._identification()
        if self._signed_on_s is None or now_s - self._signed_on_s > SESSION_S:
            return ""
        self._signed_on_s = None
        if self.faults.use("nak"):
            return "\x15"
        text = self._lines(now_s) + "!\r\n"
        if self.faults.use("no-etx"):
            return "\x02" + text
        check = 0x20 if self.faults.use("bad-bcc") else 0
        for character in text + "\x03":
            check ^= ord(character)
        return echo + "\x02" + text + "\x03" + chr(check)

    def _identification(self) -> str:
        speed = "C" if self.faults.use("wrong-mode") else "5"
        return f"/EMu{speed}\\@EMULATED\r\n"

    def _lines(self, now_s: float) -> str:
        watts = self._measure(now_s)
        if self.faults.use("counter-wrap"):
            self._energy_wh = 0.0
        if self.faults.use("overrange"):
            watts = 1e6
        code = "3.7.0" if self.faults.use("wrong-obis") else "16.7.0"
        unit = "kVA" if self.faults.use("wrong-unit") else "kW"
        power = "------.----" if self.faults.use("no-value") else f"{watts / 1000.0:011.5f}"
        volts = MAINS_V + self._random.gauss(0.0, 0.2)
        lines = [
            "F.F(00000000)",
            "0-0:96.1.0*255(1EMU0012345678)",
            "1-0:0.2.0(1.0)",
            "1-0:0.9.1(120000)",
            f"1-0:1.8.0({self._energy_wh / 1000.0:011.4f}*kWh)",
            "1-0:1.8.0*01(000000.0000)",
            "1-0:2.8.0(000000.0000*kWh)",
            f"1-0:{code}({power}*{unit})",
            f"1-0:32.7.0({volts:05.1f}*V)",
            f"1-0:31.7.0({watts / (volts * POWER_FACTOR):07.3f}*A)",
            f"1-0:14.7.0({MAINS_HZ:05.2f}*Hz)",
        ]
        return "".join(line + "\r\n" for line in lines)

    def _measure(self, now_s: float) -> float:
        """Return the mean power since the last call and count it; two calls at one moment share one value."""
        if now_s > self._now_s:
            self._power_w = self._source.advance(now_s).mean_w
            self._energy_wh += self._power_w * (now_s - self._now_s) / 3600.0
            self._now_s = now_s
        return self._power_w

    def _sent(self, text: str) -> bytes:
        """Return the characters as bytes on the wire: bit 7 makes the number of ones even."""
        if not self._parity:
            return text.encode("ascii")
        data = bytearray(ord(character) | (f"{ord(character):b}".count("1") % 2) << 7 for character in text)
        if len(data) > 40 and self.faults.use("bad-parity"):
            data[len(data) // 2] ^= 0x80
        return bytes(data)
