"""One instrument in front of one power source: updates, integrator, errors, commands.

Knows: what is measured when, and what each command does. Does not know: how a setting is spelled, shown and taken
(`meters.emulators.yokogawa.settings`), ptys, sockets, real time.
"""

from __future__ import annotations

import math
import random
import re
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field

from meters.emulators.faults import OwnFaults
from meters.emulators.virtual_sut import PowerSource
from meters.emulators.yokogawa.integrator import FAULTS as INTEGRATOR_FAULTS
from meters.emulators.yokogawa.integrator import RUNNING, STATES, Integrator
from meters.emulators.yokogawa.settings import Refusal, Settings
from meters.emulators.yokogawa.spelling import engineering, hours, spells
from meters.emulators.yokogawa.tables import (
    ALIASES,
    COMMAND_TYPE,
    CURRENTS,
    EVENT_BITS,
    SAME_VALUE,
    VOLTAGES,
    WT210_ORDER,
)

FAULTS = frozenset(
    {
        *("no-value", "overrange", "out-of-step", "header-on", "error-813", "no-update"),
        *(fault for fault, _state in INTEGRATOR_FAULTS),
    }
)
MAINS_V = 230.0
MAINS_HZ = 50.0
BUFFER_BYTES = 4096
LONG_GAP = 50  # updates that passed unseen are measured as one
OVERRANGE_SHARE = 1.4  # IM WT310E-02EN 1-12
UPDATING, INTEGRATING, TIMING, OVER_1 = 1 << 0, 1 << 1, 1 << 2, 1 << 6
ACTIONS = {"INTEGrate:STARt": RUNNING, "INTEGrate:STOP": "STOP", "INTEGrate:RESet": "RESET"}


@dataclass(slots=True)
class Message:
    """A message under way: units still to be executed, answers so far, the group the last header stood in."""

    units: deque[str]
    answers: list[str] = field(default_factory=list)
    group: str = ""


class YokogawaDevice:
    """One instrument in front of one power source, advanced by the caller's clock in seconds since its start."""

    def __init__(
        self, source: PowerSource, *, seed: int, dialect: str = "wt310", interval_s: float | None = None
    ) -> None:
        """`dialect` is `wt310` or `wt210`; `interval_s` overrides the update interval the host asks for."""
        self.faults = OwnFaults(FAULTS)
        self.next_push_s: float | None = None
        self._source = source
        self._random = random.Random(seed)
        self._settings = Settings(is_wt210=dialect == "wt210")
        self._forced_interval_s = interval_s
        self._input = b""
        self._messages: deque[Message] = deque()
        self._held_back: deque[bytes] = deque()
        self._errors: deque[str] = deque()
        self._shifted = False
        self._enable = self._events = self._condition = 0
        self._measured_s = self._window_start_s = self._window_ws = 0.0
        self._next_update_s = self._interval_s
        self._powers: deque[float] = deque(maxlen=64)
        self._smooth_w = 0.0
        self._integrator = Integrator()
        self._values: dict[str, float] = {}

    # --- the bench's side

    def receive(self, data: bytes, now_s: float) -> list[bytes]:
        """Return the replies to what the host sent; a message that waits for an update is answered by `push`."""
        self._advance(now_s)
        *lines, self._input = (self._input + data)[-BUFFER_BYTES:].split(b"\n")
        for line in lines:
            units = deque(filter(None, (unit.strip() for unit in line.decode("latin-1").strip().split(";"))))
            if units:
                self._messages.append(Message(units))
        return self._work()

    def push(self, now_s: float) -> list[bytes]:
        """Go on with the message that waited for an update."""
        self._advance(now_s)
        return self._work()

    def _work(self) -> list[bytes]:
        replies: list[bytes] = []
        self.next_push_s = None
        while self._messages and self.next_push_s is None:
            message = self._messages[0]
            try:
                waits = self._execute(message)
            except Refusal as refusal:
                self._errors.append(str(refusal))
                waits = False
            except (ValueError, StopIteration):
                self._errors.append('148,"Character data not allowed"')
                waits = False
            if waits:
                self.next_push_s = self._next_update_s
                break
            self._messages.popleft()
            if message.answers:
                replies += self._out((";".join(message.answers) + "\n").encode("ascii"))
        return replies

    def _out(self, reply: bytes) -> list[bytes]:
        self._shifted = self.faults.use("out-of-step") or self._shifted
        if not self._shifted:
            return [reply]
        self._held_back.append(reply)
        return [self._held_back.popleft()] if len(self._held_back) > 1 else []

    # --- measuring

    @property
    def _interval_s(self) -> float:
        return self._forced_interval_s or float(
            self._settings.node("SAMPle:RATE" if self._settings.is_old else "RATE").value
        )

    def _advance(self, now_s: float) -> None:
        """Measure up to `now_s`, with an update at the end of each interval."""
        interval_s = self._interval_s
        missed = math.floor((now_s - self._next_update_s) / interval_s)
        if missed > LONG_GAP:
            self._next_update_s += missed * interval_s
        while self._next_update_s <= now_s:
            self._measure(self._next_update_s)
            self._update(self._next_update_s)
            self._next_update_s += interval_s

    def _measure(self, to_s: float) -> None:
        """Add the energy since the last call to the window, and to the integrator if it runs."""
        length_s = to_s - self._measured_s
        if length_s <= 0:
            return
        energy_ws = self._source.advance(to_s).mean_w * length_s
        self._window_ws += energy_ws
        self._integrator.count(energy_ws, length_s)
        self._measured_s = to_s

    def _update(self, at_s: float) -> None:
        """End a window: new values, UPD falls, the integrator's timer is looked at."""
        length_s = at_s - self._window_start_s
        mean_w = self._window_ws / length_s if self._window_ws else 0.0
        self._window_start_s, self._window_ws = at_s, 0.0
        if self._settings.flag("SAMPle:HOLD" if self._settings.is_old else "HOLD") or self.faults.use("no-update"):
            return
        self._powers.append(mean_w)
        power_w = self._averaged(mean_w)
        volts = MAINS_V + self._random.gauss(0.0, 0.05)
        factor = 0.95 - 0.4 * math.exp(-abs(power_w) / 60.0)
        over = self._set_values(power_w, volts, power_w / (volts * factor), factor)
        self._integrator.look_at_timer(self._settings.node("INTEGrate:TIMer").value, self.faults.use)
        self._set_condition((OVER_1 if over else 0) | (INTEGRATING | TIMING if self._integrator.is_running else 0))
        self._note_edges(UPDATING, 0)
        self._note_edges(0, UPDATING)

    def _set_condition(self, condition: int) -> None:
        before, self._condition = self._condition, condition
        self._note_edges(condition & ~before, before & ~condition)

    def _note_edges(self, rises: int, falls: int) -> None:
        """Let the edges of the condition register that the transition filters pass set their event bits."""
        for bit in range(EVENT_BITS - 1):
            passed = self._settings.node(f"STATus:FILTer{bit + 1}").value
            wanted = {"RISE": rises, "FALL": falls, "BOTH": rises | falls}.get(passed, 0)
            self._events |= wanted & 1 << bit

    def _averaged(self, mean_w: float) -> float:
        prefix = "CONFigure" if self._settings.is_old else "MEASure"
        kind = self._settings.node(f"{prefix}:AVERaging:TYPE").value
        count = (
            int(kind.split(",")[1])
            if self._settings.is_old
            else int(self._settings.node("MEASure:AVERaging:COUNt").value)
        )
        self._smooth_w += (mean_w - self._smooth_w) / (count if len(self._powers) > 1 else 1)
        if not self._settings.flag(f"{prefix}:AVERaging[:STATe]"):
            return mean_w
        if kind.startswith("EXP"):
            return self._smooth_w
        last = list(self._powers)[-count:]
        return math.fsum(last) / len(last)

    def _set_values(self, power_w: float, volts: float, amperes: float, factor: float) -> bool:
        """Take new values, with automatic ranges chosen for them; returns whether one is above its range."""
        prefix = "CONFigure" if self._settings.is_old else "[INPut]"
        scale = 3 / float(self._settings.node(f"{prefix}:CFACtor").value)
        ranges = []
        for name, value, steps in (("VOLTage", volts, VOLTAGES), ("CURRent", amperes, CURRENTS)):
            node = self._settings.node(f"{prefix}:{name}:RANGe")
            if self._settings.flag(f"{prefix}:{name}:AUTO"):
                node.value = next((str(s * scale) for s in steps if value <= 1.3 * s * scale), str(steps[-1] * scale))
            ranges.append(float(node.value))
        over = volts > OVERRANGE_SHARE * ranges[0] or amperes > OVERRANGE_SHARE * ranges[1]
        angle = math.degrees(math.acos(factor))
        values = {"U": volts, "I": amperes, "P": power_w, "S": volts * amperes, "LAMB": factor, "PHI": angle}
        values |= {"Q": volts * amperes * math.sin(math.radians(angle)), "FU": MAINS_HZ, "FI": MAINS_HZ}
        values |= {"UPP": volts * math.sqrt(2), "UMP": -volts * math.sqrt(2)}
        values |= {"IPP": amperes * math.sqrt(2), "IMP": -amperes * math.sqrt(2), "PPP": 2 * power_w, "PMP": 0.0}
        values["MATH"] = math.sqrt(2)
        self._values = dict.fromkeys(values, math.inf) if over else values
        self._values |= {"URAN": ranges[0], "IRAN": ranges[1], "AHP": math.nan, "AHM": math.nan, "NONE": math.nan}
        self._values |= self._integrator.values(volts * factor)
        return over

    # --- commands

    def _execute(self, message: Message) -> bool:
        """Execute the units of a message; true when it waits for an update. Raises `Refusal`."""
        while message.units:
            unit = message.units[0]
            header, _space, argument = unit.partition(" ")
            if self._common(header.upper(), argument, message):
                message.units.popleft()
                continue
            if header.startswith(":"):
                path = header[1:]
            else:
                path = f"{message.group}:{header}" if message.group else header
                if not self._known(path):
                    path = header
            if spells(path, "COMMunicate:WAIT") and not self._events & int(argument or 0):
                return True
            message.units.popleft()
            message.group = path.rpartition(":")[0]
            if path.endswith("?"):
                message.answers.append(self._query(path[:-1], argument))
            else:
                self._command(path, argument.strip())
        return False

    def _common(self, header: str, argument: str, message: Message) -> bool:
        """Execute a common command (IEEE 488.2); false if it is none. Raises `Refusal`."""
        match header:
            case "*IDN?":
                model, serial = ("760401-EMULATED", "0") if self._settings.is_old else ("WT310E", "EMULATED")
                message.answers.append(f"YOKOGAWA,{model},{serial},F1.04")
            case "*CLS":
                self._errors.clear()
                self._held_back.clear()
                self._events, self._shifted = 0, False
            case "*ESE":
                self._enable = int(argument) & 0xFF
            case "*ESE?":
                message.answers.append(str(self._enable))
            case "*ESR?" | "*STB?" | "*CAL?":
                message.answers.append("0")
            case "*OPC?":
                message.answers.append("1")
            case "*OPT?":
                message.answers.append("NONE")
            case "*RST":
                self._reset()
            case _ if header.startswith("*"):
                raise Refusal(f'113,"Undefined header {header}"')
            case _:
                return False
        return True

    def _query(self, path: str, argument: str) -> str:
        """Return the answer to one question; raises `Refusal`."""
        for header, answer in self._questions().items():
            if spells(path, header):
                text = answer(argument)
                return self._settings.headed(header, text) if self.faults.use("header-on") else text
        node = self._settings.find(path)
        if self._settings.flag("COMMunicate:HEADer") or self.faults.use("header-on"):
            return self._settings.headed(node.header, self._settings.shown(node))
        return self._settings.shown(node)

    def _reset(self) -> None:
        """Go back to the settings of the factory, but for those of the interface."""
        if self._integrator.is_running:
            raise Refusal('813,"Invalid operation while integration is running"')
        self._settings.restore()
        self._integrate("RESET")
        self._next_update_s = self._measured_s + self._interval_s

    def _questions(self) -> dict[str, Callable[[str], str]]:
        questions: dict[str, Callable[[str], str]] = {
            "STATus:ERRor": lambda _argument: self._next_error(),
            "STATus:EESR": lambda _argument: str(self._take_events()),
            "STATus:CONDition": lambda _argument: str(self._condition),
        }
        if self._settings.is_old:
            return questions | {"MEASure[:NORMal]:VALue": self._old_values, "MATH": self._old_math}
        return questions | {"NUMeric[:NORMal]:VALue": self._new_values, "INTEGrate:STATe": self._state_word}

    def _take_events(self) -> int:
        events, self._events = self._events, 0
        return events

    def _next_error(self) -> str:
        error = self._errors.popleft() if self._errors else '0,"No error"'
        return error if self._settings.flag("STATus:QMESsage") else error.partition(",")[0]

    def _state_word(self, _argument: str) -> str:
        return self._settings.worded(STATES[self._integrator.state])

    def _old_math(self, _argument: str) -> str:
        kind = self._settings.node("MATH:TYPE")
        function = next(choice for choice in kind.choices if choice.upper() == kind.value.upper())
        return f"{self._settings.shown(kind)};{self._settings.shown(self._settings.node(f'MATH:{function}'))}"

    def _command(self, path: str, argument: str) -> None:
        """Execute one command or setting; raises `Refusal`."""
        for header, state in ACTIONS.items():
            if spells(path, header):
                return self._integrate(state)
        if spells(path, "COMMunicate:WAIT"):
            return None
        node = self._settings.find(path)
        running = self._integrator.state != "RESET" and node.locked
        if running or (node.locked and self.faults.use("error-813")):
            raise Refusal('813,"Invalid operation while integration is running"')
        before, node.value = node.value, self._settings.accepted(node, argument)
        if node.header == self._settings.crest_header:
            for name in ("VOLTage", "CURRent"):
                rung = self._settings.node(node.header.replace("CFACtor", f"{name}:RANGe"))
                rung.value = str(float(rung.value) * float(before) / float(node.value))
        if node.header.endswith("RATE") or node.header == COMMAND_TYPE:
            self._next_update_s = self._measured_s + self._interval_s
        return None

    def _integrate(self, state: str) -> None:
        self._integrator.change(state)
        running = INTEGRATING | TIMING if self._integrator.is_running else 0
        self._set_condition(self._condition & ~(INTEGRATING | TIMING) | running)

    def _known(self, path: str) -> bool:
        plain = path.removesuffix("?")
        headers = [*self._settings.headers, *self._questions(), *ACTIONS, *ALIASES, "COMMunicate:WAIT"]
        return any(spells(plain, header) for header in headers)

    # --- values

    def _new_values(self, argument: str) -> str:
        count = int(self._settings.node("NUMeric[:NORMal]:NUMber").value)
        places = [int(argument)] if argument else range(1, count + 1)
        names = [self._settings.node(f"NUMeric[:NORMal]:ITEM{place}").value.split(",")[0] for place in places]
        return self._answer_values([re.sub(r"[a-z]", "", name) for name in names])

    def _old_values(self, _argument: str) -> str:
        names = [name for name in WT210_ORDER if self._settings.flag(f"MEASure[:NORMal]:ITEM:{name}[:ALL]")]
        return self._answer_values([SAME_VALUE.get(name, name) for name in names])

    def _answer_values(self, names: list[str]) -> str:
        lost = math.nan if self.faults.use("no-value") else math.inf if self.faults.use("overrange") else None
        values = {name: self._values.get(name, math.nan) if lost is None else lost for name in names}
        return ",".join(
            hours(values[name]) if self._settings.is_old and name == "TIME" else self._text(values[name])
            for name in names
        )

    def _text(self, value: float) -> str:
        if math.isnan(value):
            return "9.91E+37" if self._settings.is_old else "NAN"
        if math.isinf(value):
            return "9.9E+37" if self._settings.is_old else "INF"
        return engineering(value, 4 if self._settings.is_old else 5)
