"""The instrument's side of the LMG SHORT and SCPI languages: settings, an error queue, rows pushed once a cycle.

Knows: the commands of the published clients (cuveland/lmgtools, tud-zih-energy/lmgd), written without the driver's
tables. Does not know: wires, real time.
Not proved by any capture at hand: the form of `*idn?`, the error texts, that `*rst` and a break stop the stream, that
`*rst` keeps the language (LMG95, LMG450) or leaves it (LMG670), the digits of values under load.
The serial number says EMULATED.
"""

from __future__ import annotations

import math
import random
import re
from dataclasses import dataclass

from meters.emulators.faults import OwnFaults
from meters.emulators.virtual_sut import PowerSource

MAINS_V = 230.0
PERIOD_S = 1.0 / 49.98
SAMPLES_PER_S = 99_340.0  # lmg95.log: 49689 samples in 0.5002 s
COUNT_END = 65_536
SAMPLE_END = 2_147_483_648
NOT_A_NUMBER = 9.91e37
INFINITE = 9.9e37
LINE_LIMIT = 2048
HEADER_ERROR = '-113,"Undefined header"'
FAULTS = frozenset({"no-value", "overrange", "counter-wrap", "repeat", "lost", "refuse", "mute"})


@dataclass(frozen=True, slots=True)
class Kind:
    """What makes one model different from another."""

    model: str
    end: bytes
    to_short: str
    to_scpi: str
    channels: int
    settings: re.Pattern[str]
    exponents: bool
    reset_leaves_short: bool


_OLD_SETTINGS = re.compile(r"(cycl|irng|urng) [0-9.eE+-]+|(iam|uam) (auto|manual)|(faaf|filt) \d|beep", re.IGNORECASE)
_NEW_SETTINGS = re.compile(r"(cycl|[iu]rng[1-7]) [0-9.eE+-]+|[iu]auto[1-7] [01]|beep", re.IGNORECASE)
KINDS = {
    "lmg95": Kind("LMG95", b"\r\n", "syst:lang short", "lang scpi", 1, _OLD_SETTINGS, False, False),
    "lmg450": Kind("LMG450", b"\r\n", "syst:lang short", "lang scpi", 4, _OLD_SETTINGS, False, False),
    "lmg670": Kind("LMG670", b"\n", "*zlang short", "*zlang scpi", 7, _NEW_SETTINGS, True, True),
}


class LmgDevice:
    """One LMG with the same load at each channel, advanced by the caller's clock in seconds since its start."""

    def __init__(self, source: PowerSource, *, seed: int, kind: str, interval_s: float | None = None) -> None:
        """`kind` is a key of `KINDS`; `interval_s` is the true cycle whatever the host asks for."""
        self._source = source
        self._random = random.Random(seed)
        self._kind = KINDS[kind]
        self._forced_s = interval_s
        self._pending = b""
        self._errors: list[str] = []
        self._short = False
        self._cycle_s = 0.5
        self._action: list[str] = []
        self._count = 10_266
        self._samples = 434_454_167.0
        self._cycle_begin_s = 0.0
        self._cycle_target_s = 0.0
        self._sent = b""
        self.next_push_s: float | None = None
        self.faults = OwnFaults(FAULTS)

    def receive(self, data: bytes, now_s: float) -> list[bytes]:
        """Return the replies to what the host sent; a break (telnet's, or a slow NUL) clears the interface."""
        replies = []
        for number, part in enumerate(re.split(rb"\xff\xf3|\0", self._pending + data)):
            if number:
                self.next_push_s = None
            *lines, self._pending = part.split(b"\n")
            for line in lines:
                answers = self._obey(line.decode("ascii", errors="replace").strip(), now_s)
                if answers and not self.faults.use("mute"):
                    replies.append(";".join(answers).encode("ascii") + self._kind.end)
        self._pending = self._pending[-LINE_LIMIT:]
        return replies

    def push(self, now_s: float) -> list[bytes]:
        """Return the row of the cycle that ends at `now_s`, and plan the next."""
        if self.next_push_s is None:
            return []
        if self.faults.use("repeat"):
            self._source.advance(now_s)
            self._plan(now_s)
            return [self._sent]
        true_s = max(now_s - self._cycle_begin_s, 1e-6)
        watts = self._source.advance(now_s).mean_w
        self._count = (self._count + 1) % COUNT_END
        self._samples = (self._samples + true_s * SAMPLES_PER_S) % SAMPLE_END
        if self.faults.use("counter-wrap"):
            self._count, self._samples = COUNT_END - 1, SAMPLE_END - 1.0
        values = self._values(watts, true_s)
        texts = [self._text(item, values.get(re.sub(r"\d$", "", item), 0.0), now_s) for item in self._action]
        self._sent = ";".join(texts).encode("ascii") + self._kind.end
        self._plan(now_s)
        return [] if self.faults.use("lost") else [self._sent]

    def _obey(self, line: str, now_s: float) -> list[str]:
        """Carry out one line: commands separated by semicolons; `actn` takes all that follow."""
        answers: list[str] = []
        commands = [command.strip() for command in line.split(";")]
        while commands:
            command = commands.pop(0)
            if command.lower() == "actn" and self._short:
                self._define(commands)
                break
            answer = self._command(command, now_s) if command else None
            answers += [] if answer is None else [answer]
        return answers

    def _command(self, command: str, now_s: float) -> str | None:
        match command.lower():
            case "*idn?":
                return f"ZES ZIMMER Electronic Systems GmbH,{self._kind.model},EMULATED,0.0"
            case "*opc?":
                return "1"
            case "*cls":
                self._errors.clear()
            case "*rst":
                self._reset()
            case "gtl":
                self.next_push_s = None
            case "syst:err:all?" | ":syst:err:all?" if not self._short:
                listed, self._errors = self._errors or ['0,"No error"'], []
                return ",".join(listed)
            case language if language == (self._kind.to_scpi if self._short else self._kind.to_short):
                self._short = not self._short
            case "cont on" if self._short:
                self._begin(now_s)
            case "cont off" if self._short:
                self.next_push_s = None
            case setting if self._short and self._kind.settings.fullmatch(setting) and not self.faults.use("refuse"):
                self._set(setting)
            case _:
                self._errors.append(HEADER_ERROR)
        return None

    def _reset(self) -> None:
        self._cycle_s, self._action, self.next_push_s = 0.5, [], None
        if self._kind.reset_leaves_short:
            self._short = False

    def _set(self, setting: str) -> None:
        name, _space, value = setting.partition(" ")
        if name == "cycl":
            self._cycle_s = max(0.05, float(value))

    def _define(self, items: list[str]) -> None:
        known = r"(count|sctc|cycr|freq|[ui](trms|dc|cf|ff)|p|q|s|pf)"
        if self._kind.exponents:
            known = r"(tsnorm|durnorm|fcyc|[ui](trms|dc|cf|ff)|p|q|s|pf)[1-7]"
        elif self._kind.channels > 1:
            known += f"[1-{self._kind.channels}]?"
        names = [item.lower().removesuffix("?") for item in items if item]
        if all(re.fullmatch(known, name) for name in names):
            self._action = names
        else:
            self._errors.append(HEADER_ERROR)

    def _begin(self, now_s: float) -> None:
        self._source.advance(now_s)
        self._cycle_target_s = now_s
        self._plan(now_s)

    def _plan(self, now_s: float) -> None:
        """End the cycle that begins now at the whole period nearest to the nominal end; rows missed are left out."""
        self._cycle_begin_s = now_s
        if self._forced_s is not None:
            self.next_push_s = now_s + self._forced_s
            return
        self._cycle_target_s = max(self._cycle_target_s + self._cycle_s, now_s)
        periods = max(1, round((self._cycle_target_s - now_s) / PERIOD_S))
        self.next_push_s = now_s + periods * PERIOD_S

    def _values(self, watts: float, true_s: float) -> dict[str, float]:
        volts = round(MAINS_V + self._random.gauss(0.0, 0.1), 3)
        factor = 0.95 - 0.4 * math.exp(-watts / 60.0)
        amperes = watts / (volts * factor)
        values = {
            "count": self._count,
            "sctc": math.floor(self._samples),
            "cycr": true_s,
            "durnorm": true_s,
            "freq": 1.0 / PERIOD_S,
            "fcyc": 1.0 / PERIOD_S,
            "utrms": volts,
            "itrms": amperes,
            "p": watts,
            "s": volts * amperes,
            "q": volts * amperes * math.sqrt(1.0 - factor**2),
            "pf": factor if watts else NOT_A_NUMBER,
            "ucf": 1.38945,
            "icf": 1.38945 if watts else NOT_A_NUMBER,
            "uff": 1.1114,
            "iff": 1.1114 if watts else NOT_A_NUMBER,
        }
        if self.faults.use("no-value"):
            values |= {"p": NOT_A_NUMBER, "s": NOT_A_NUMBER, "pf": NOT_A_NUMBER}
        if self.faults.use("overrange"):
            values |= {"itrms": INFINITE, "p": INFINITE, "s": INFINITE, "pf": NOT_A_NUMBER}
        return values

    def _text(self, item: str, value: float, now_s: float) -> str:
        if item in ("count", "sctc"):
            return str(int(value))
        if item.startswith("tsnorm"):
            seconds, fraction = divmod(now_s, 1.0)
            hours, rest = divmod(int(seconds), 3600)
            days, hours = divmod(hours, 24)
            clock = f"2026:01:{1 + days % 28:02d}D{hours:02d}:{rest // 60:02d}:{rest % 60:02d}"
            return f"{clock}.{min(int(fraction * 1e9), 999_999_999):09d}+0000"
        if item.startswith("durnorm"):
            return f"{value:.9f}"
        return f"{value:.6E}" if self._kind.exponents else f"{value:.6g}"
