"""The instrument's side of the HM8115-2: commands ended by CR, answers at the end of a measuring cycle.

Knows: the commands and the examples of the maker's manual (pages 18 and 32), written without the driver's tables.
Does not know: wires, real time.
Nothing of it is proved by a capture. Assumed where the manual is silent: three lines in an answer to `VAL?`, the name
`WATT` in it, the bare word `OF`, no answer at all to an unknown command, a measuring cycle of 0.4 s.
The version says EMULATED.
"""

from __future__ import annotations

import math
import random
from dataclasses import dataclass

from meters.emulators.faults import OwnFaults
from meters.emulators.virtual_sut import PowerSource

CYCLE_S = 0.4
MAINS_V = 230.0
LINE_LIMIT = 256
STEPS = {"U": (50.0, 150.0, 500.0), "I": (0.16, 1.6, 16.0)}
NAMES = {"WATT": "WATT", "VAR": "VAR", "VAMP": "VA", "PFAC": "PF"}
FAULTS = frozenset({"overrange", "comma", "one-line", "key-function", "key-range", "deaf"})


@dataclass(frozen=True, slots=True)
class Shown:
    """What the three displays show."""

    volts: float
    amperes: float
    watts: float


class Hm8115Device:
    """One meter in front of one power source, advanced by the caller's clock in seconds since its start."""

    def __init__(self, source: PowerSource, *, seed: int, interval_s: float | None = None) -> None:
        """`interval_s` is the length of the measuring cycle."""
        self._source = source
        self._random = random.Random(seed)
        self._cycle_s = interval_s or CYCLE_S
        self._pending = b""
        self._function = "WATT"
        self._chosen: dict[str, int | None] = {"U": None, "I": None}
        self._questions: list[str] = []
        self._continuous = False
        self._advanced_s = 0.0
        self.next_push_s: float | None = None
        self.faults = OwnFaults(FAULTS)

    def receive(self, data: bytes, now_s: float) -> list[bytes]:
        """Return the answers that need no measurement; questions for values wait for the end of the cycle."""
        *lines, rest = (self._pending + data).split(b"\r")
        self._pending = rest[-LINE_LIMIT:]
        replies = []
        for line in lines:
            command = line.decode("ascii", errors="replace").strip().upper().replace(" ", "")
            reply = None if self.faults.use("deaf") else self._obey(command)
            replies += [] if reply is None else [reply.encode("ascii") + b"\r"]
        if self.next_push_s is None and (self._questions or self._continuous):
            cycle = math.floor(now_s / self._cycle_s)
            self._advance(cycle * self._cycle_s)
            self.next_push_s = (cycle + 1) * self._cycle_s
        return replies

    def push(self, now_s: float) -> list[bytes]:
        """Return the answers that are due at the end of a measuring cycle."""
        if self.next_push_s is None:
            return []
        watts = self._advance(now_s)
        volts = MAINS_V + self._random.gauss(0.0, 0.1)
        shown = Shown(volts, watts / (volts * (0.95 - 0.4 * math.exp(-watts / 60.0))), watts)
        questions, self._questions = self._questions + (["VAS?"] if self._continuous else []), []
        self.next_push_s = now_s + self._cycle_s if self._continuous else None
        return [self._answer(question, shown).encode("ascii") + b"\r" for question in questions]

    def _advance(self, to_s: float) -> float:
        self._advanced_s = max(self._advanced_s, to_s)
        return self._source.advance(self._advanced_s).mean_w

    def _obey(self, command: str) -> str | None:
        match command:
            case "*IDN?":
                return "HAMEG HM8115-2"
            case "VERSION?":
                return "version 2.01 EMULATED"
            case "STATUS?":
                ranges = ", ".join(f"{letter}{self._range(letter, STEPS[letter][2])}" for letter in "UI")
                return f"{NAMES[self._function]}; {ranges}"
            case "VAL?" | "VAS?":
                self._questions.append(command)
            case "MA1" | "MA0":
                self._continuous = command == "MA1"
            case "AUTO:U" | "AUTO:I":
                self._chosen[command[-1]] = None
            case "SET:U1" | "SET:U2" | "SET:U3" | "SET:I1" | "SET:I2" | "SET:I3":
                self._chosen[command[-2]] = int(command[-1])
            case function if function in NAMES:
                self._function = function
        return None

    def _range(self, letter: str, value: float) -> int:
        """Return the number of the range: the chosen one, or the smallest that holds the value."""
        chosen = self._chosen[letter]
        return chosen or next((index for index, high in enumerate(STEPS[letter], start=1) if value <= high), 3)

    def _answer(self, question: str, shown: Shown) -> str:
        if self.faults.use("key-function"):
            self._function = "VAR"
        if self.faults.use("key-range"):
            self._chosen["U"] = 2 if self._chosen["U"] == 3 else 3
        ranges = {"U": self._range("U", shown.volts), "I": self._range("I", shown.amperes)}
        apparent = shown.volts * shown.amperes
        over = any(
            value > STEPS[letter][ranges[letter] - 1] for letter, value in (("U", shown.volts), ("I", shown.amperes))
        )
        value = {
            "WATT": f"{shown.watts:.1f}E+0",
            "VAR": f"{math.sqrt(max(0.0, apparent**2 - shown.watts**2)):.1f}E+0",
            "VAMP": f"{apparent:.1f}E+0",
            "PFAC": f"{shown.watts / apparent if apparent else 0.0:.2f}E+0",
        }[self._function]
        if over or self.faults.use("overrange"):
            value = "OF"
        parts = [f"{NAMES[self._function]}= {value}"]
        if question == "VAS?":
            return ", ".join([f"U{ranges['U']}", f"I{ranges['I']}", *parts])
        texts = {"U": f"{shown.volts:.1f}E+0", "I": f"{shown.amperes:.3f}E+0"}
        for letter, number in (("I", shown.amperes), ("U", shown.volts)):
            beyond = number > STEPS[letter][ranges[letter] - 1]
            parts.insert(0, f"{letter}{ranges[letter]}= {'OF' if beyond else texts[letter]}")
        text = (" " if self.faults.use("one-line") else "\r").join(parts)
        return text.replace(".", ",") if self.faults.use("comma") else text
