"""The meter's side of the Watts Up? protocol: answers commands, pushes a line each interval, counts energy.

Knows: the protocol as the meter speaks it, written without the driver's tables. Does not know: ptys, real time.
Not proved by any capture at hand, taken from the protocol's description: the version reply, that `#C` and `#L,W`
are not answered, and that the meter is mute while it resets. From what published clients send and wait for (wattsup of
P. Mochel, lab11/watts-up, kjordahl's logger): an empty unused argument of `#L`, the answers to `#L,R`, `#S,R`, `#M,R`,
`#U,R` and `#F,R`, whose letters are taken to be small ones as in `#v` and `#h`; the gains of `#F,R` are made up.
The version reply says EMULATED where a real meter gives the check sum of its firmware.
"""

from __future__ import annotations

import math
import random
import re
from collections.abc import Mapping, Sequence

from meters.emulators.faults import OwnFaults
from meters.emulators.virtual_sut import PowerSource, PowerSpan

NAMES = (
    *("W", "V", "A", "WH", "Cost", "WH/Mo", "Cost/Mo"),
    *("Wmax", "Vmax", "Amax", "Wmin", "Vmin", "Amin"),
    *("PF", "DC", "PC", "Hz", "VA"),
)
VERSION = "#v,-,8,1,0,5,2,4,12,20070928120000,EMULATED;"
COMMAND = re.compile(rb"#([^#;]*);")
COMMAND_LIMIT = 1024
RESET_S = 15.0
CALIBRATION_FIELDS = 14
MAINS_V = 230.0
MAINS_HZ = 50.0
PRICE_MILLS_PER_WH = 0.1
HOURS_PER_MONTH = 730.0


class WattsUpDevice:
    """One meter in front of one power source, advanced by the caller's clock in seconds since its start."""

    def __init__(
        self,
        source: PowerSource,
        *,
        seed: int,
        fields: int = 18,
        interval_s: float | None = None,
        reserved: Sequence[str] = ("", "0", "-", "1"),
    ) -> None:
        """`fields` is 18 or 16; `interval_s` overrides what the host asks for; `reserved` are the values this
        firmware accepts in the unused argument of `#L`."""
        self._source = source
        self._random = random.Random(seed)
        self._names = NAMES[:fields]
        self._forced_interval_s = interval_s
        self._reserved = frozenset(reserved)
        self._selected = [True] * fields
        self._pending = b""
        self._now_s = 0.0
        self._mute_until_s = 0.0
        self._interval_s = 1.0
        self._settings = {"M": ["0"], "U": ["100", "200", "500", "60"]}
        self._energy_wh = 0.0
        self.next_push_s: float | None = None
        self.faults = OwnFaults()

    @property
    def energy_wh(self) -> float:
        """The energy register before its rounding."""
        return self._energy_wh

    def receive(self, data: bytes, now_s: float) -> list[bytes]:
        """Return the replies to what the host sent."""
        self._pending = (self._pending + data)[-COMMAND_LIMIT:]
        replies: list[bytes] = []
        while (match := COMMAND.search(self._pending)) is not None:
            self._pending = self._pending[match.end() :]
            if now_s >= self._mute_until_s:
                replies += self._answer(match.group(1).decode("ascii", errors="replace").split(","), now_s)
        return replies

    def push(self, now_s: float) -> list[bytes]:
        """Return the line that is due at `now_s`, and plan the next; lines missed before are left out."""
        if self.next_push_s is None:
            return []
        span = self._advance(now_s)
        self.next_push_s = max(self.next_push_s + self._interval_s, now_s)
        return [encode_line(self._counts(span), self._names, self._selected)]

    def _answer(self, words: list[str], now_s: float) -> list[bytes]:
        arguments = words[3:]
        match words[:2]:
            case ["V", "R"]:
                return [VERSION.encode("ascii") + b"\r\n"]
            case ["V", "W"]:
                self.next_push_s, self._mute_until_s = None, now_s + RESET_S
            case ["H", "R"]:
                names = ",".join(self._names)
                return [f"#h,-,{len(self._names)},{names};\r\n".encode("ascii")]
            case ["C", "W"] if len(arguments) == len(self._names):
                self._selected = [argument == "1" for argument in arguments]
            case ["L", "W"] if len(arguments) == 3:
                self._start_log(arguments, now_s)
            case ["L", "R"]:
                self.next_push_s = None
                return [_reply("l", [str(int(now_s)), f"{self._interval_s:g}"])]
            case ["S", "R"]:
                return [_reply("s", ["0", f"{self._interval_s:g}"])]
            case ["F", "R"]:
                return [_reply("f", ["0"] * CALIBRATION_FIELDS)]
            case ["M" | "U" as letter, "R"]:
                return [_reply(letter.lower(), self._settings[letter])]
            case ["M" | "U" as letter, "W"] if len(arguments) == len(self._settings[letter]):
                self._settings[letter] = arguments
            case ["R", "W"]:
                self._advance(now_s)
                self._energy_wh = 0.0
        return []

    def _start_log(self, arguments: list[str], now_s: float) -> None:
        mode, reserved, seconds = arguments
        self.next_push_s = None
        if mode != "E" or reserved not in self._reserved or not seconds.isdigit() or int(seconds) < 1:
            return
        self._advance(now_s)
        self._interval_s = self._forced_interval_s or float(seconds)
        self.next_push_s = now_s + self._interval_s

    def _advance(self, now_s: float) -> PowerSpan:
        """Measure up to `now_s`: the register counts mean power times time."""
        span = self._source.advance(now_s)
        self._energy_wh += span.mean_w * max(0.0, now_s - self._now_s) / 3600.0
        self._now_s = max(self._now_s, now_s)
        return span

    def _counts(self, span: PowerSpan) -> dict[str, int]:
        volts = MAINS_V + self._random.gauss(0.0, 0.2)
        factor = power_factor(span.mean_w)
        amperes = [watts / (volts * factor) for watts in (span.mean_w, span.min_w, span.max_w)]
        return {
            "W": round(span.mean_w * 10),
            "V": round(volts * 10),
            "A": round(amperes[0] * 1000),
            "WH": math.floor(self._energy_wh * 10 + 1e-9),
            "Cost": math.floor(self._energy_wh * PRICE_MILLS_PER_WH),
            "WH/Mo": round(span.mean_w * HOURS_PER_MONTH),
            "Cost/Mo": round(span.mean_w * HOURS_PER_MONTH * PRICE_MILLS_PER_WH),
            "Wmax": round(span.max_w * 10),
            "Vmax": round(volts * 10) + 1,
            "Amax": round(amperes[2] * 1000),
            "Wmin": round(span.min_w * 10),
            "Vmin": round(volts * 10) - 1,
            "Amin": round(amperes[1] * 1000),
            "PF": round(factor * 100),
            "DC": 0,
            "PC": 0,
            "Hz": round(MAINS_HZ * 10),
            "VA": round(volts * amperes[0] * 10),
        }


def _reply(letter: str, arguments: Sequence[str]) -> bytes:
    return f"#{letter},-,{len(arguments)},{','.join(arguments)};\r\n".encode("ascii", errors="replace")


def power_factor(power_w: float) -> float:
    """Return the power factor of a typical supply: poor when idle, near .95 under load."""
    return 0.95 - 0.4 * math.exp(-power_w / 60.0)


def encode_line(counts: Mapping[str, int], names: Sequence[str], selected: Sequence[bool]) -> bytes:
    """Return a data line; fields that are not selected are sent as `_`."""
    texts = [str(counts[name]) if chosen else "_" for name, chosen in zip(names, selected, strict=True)]
    return f"#d,-,{len(texts)},{','.join(texts)};\r\n".encode("ascii")
