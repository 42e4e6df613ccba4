"""The instrument's side of the Yokogawa WT310E's and the WT210's commands: settings, updates, integrator, errors.

Knows: the command trees as the manuals give them (IM WT310E-17EN chapter 6, IM 760401-01E chapter 14), written
without the driver's tables: any spelling the manuals allow is understood, short or long, in groups joined by `;`.
Settings are answered with their header while headers are on, mere questions (errors, registers, values, the state of
the integrator) never: yokotool, which is used with real instruments, takes the first error code so.
Does not know: ptys, sockets, real time.
Not proved by any capture at hand: that an unknown command ends its message without an answer, error numbers other than
113, 222 and 813, the answers to `*OPT?` and to the WT210's `:MATH?`, what a WT310 sets when it is told to speak as a
WT200, and where VPK and APK stand among the WT210's values (as yokotool has it; the rest is IM 760401-01E 14-32).
The identity says EMULATED where an instrument gives its serial number (the WT210 gives none: there in the model).

Own faults: `no-value` and `overrange` for the next answers with values; `out-of-step` sends each reply one question
late until `*CLS`; `header-on` answers with headers whatever was set; `error-813` refuses the next setting;
`no-update` leaves out updates; `integ-stop`, `integ-timeup`, `integ-error` end an integration that runs.
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

FAULTS = frozenset(
    {
        *("no-value", "overrange", "out-of-step", "header-on", "error-813", "no-update"),
        *("integ-stop", "integ-timeup", "integ-error"),
    }
)
MAINS_V = 230.0
MAINS_HZ = 50.0
BUFFER_BYTES = 4096
LONG_GAP = 50  # updates that passed unseen are measured as one
OVERRANGE_SHARE = 1.4  # IM WT310E-02EN 1-12
VOLTAGES = (15.0, 30.0, 60.0, 150.0, 300.0, 600.0)
CURRENTS = (0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 20.0)
FUNCTIONS = (
    *("U", "I", "P", "S", "Q", "LAMBda", "PHI", "FU", "FI", "WH", "WHP", "WHM", "AH", "AHP", "AHM", "TIME", "MATH"),
    *("UPPeak", "UMPeak", "IPPeak", "IMPeak", "PPPeak", "PMPeak", "URANge", "IRANge", "NONE"),
)
UPDATING, INTEGRATING, TIMING, OVER_1 = 1 << 0, 1 << 1, 1 << 2, 1 << 6
EVENT_BITS = 16
EDGES = ("RISE", "FALL", "BOTH", "NEVer")
RUNNING = "START"
ACTIONS = {"INTEGrate:STARt": RUNNING, "INTEGrate:STOP": "STOP", "INTEGrate:RESet": "RESET"}
STATES = {"RESET": "RESet", "START": "STARt", "STOP": "STOP", "TIMEUP": "TIMeup", "ERROR": "ERRor"}
COMMAND_TYPE = "SYSTem:COMMunicate:COMMand"
ALIASES = {"SAMPle:RATE": "RATE", "SAMPle:HOLD": "HOLD"}  # the WT200's headers, which a WT310 takes as well
MATHS = ("ADD", "SUB", "MUL", "DIV", "DIVA", "DIVB")


@dataclass(slots=True)
class Node:
    """One setting: its header as the manual writes it, its kind (`bool`, `number`, `word`, `list`), value and choices.

    Capitals are the short form, `[...]` may be left out; of a list each value has its own choices, divided by `|`, or
    `#` for a number. `locked`: an integration that runs forbids changing it.
    """

    header: str
    kind: str
    value: str
    choices: tuple[str, ...] = ()
    locked: bool = True


def wt310_nodes() -> list[Node]:
    """Return the settings of a WT310E as it leaves the factory."""
    rates = ("0.1", "0.25", "0.5", "1", "2", "5", "10", "20")
    maths = ("CFU1", "CFI1", *MATHS, "AVW1")
    return [
        *_shared_nodes(verbose="0"),
        Node(COMMAND_TYPE, "word", "WT300", ("WT200", "WT300"), locked=False),
        Node("SYSTem:KLOCk", "bool", "0", locked=False),
        Node("HOLD", "bool", "0", locked=False),
        Node("RATE", "number", "0.25", rates),
        Node("[INPut]:MODE", "word", "RMS", ("RMS", "VMEan", "DC")),
        Node("[INPut]:WIRing", "word", "P1W2", ("P1W2",)),
        Node("[INPut]:CFACtor", "number", "3", ("3", "6")),
        Node("[INPut]:VOLTage:RANGe", "number", "600", tuple(map(str, VOLTAGES))),
        Node("[INPut]:VOLTage:AUTO", "bool", "1"),
        Node("[INPut]:CURRent:RANGe", "number", "20", tuple(map(str, CURRENTS))),
        Node("[INPut]:CURRent:AUTO", "bool", "1"),
        Node("[INPut]:SYNChronize", "word", "CURRent", ("VOLTage", "CURRent", "OFF")),
        Node("[INPut]:FILTer:LINE", "bool", "0"),
        Node("[INPut]:FILTer:FREQuency", "bool", "0"),
        Node("[INPut]:SCALing[:STATe]", "bool", "0"),
        Node("MATH", "word", "CFU1", maths, locked=False),
        Node("MEASure:AVERaging[:STATe]", "bool", "0"),
        Node("MEASure:AVERaging:TYPE", "word", "LINear", ("LINear", "EXPonent")),
        Node("MEASure:AVERaging:COUNt", "number", "8", ("8", "16", "32", "64")),
        Node("MEASure:MHOLd", "bool", "0", locked=False),
        Node("NUMeric:FORMat", "word", "ASCii", ("ASCii", "FLOat"), locked=False),
        Node("NUMeric[:NORMal]:NUMber", "number", "3", tuple(map(str, range(1, 11))), locked=False),
        *_factory_items(),
    ]


def _factory_items() -> list[Node]:
    names = ("U", "I", "P", "S", "Q", "LAMB", "PHI", "FU", "FI", "NONE")
    headers = [f"NUMeric[:NORMal]:ITEM{place}" for place in range(1, len(names) + 1)]
    choices = ("|".join(FUNCTIONS), "1|2|3")
    return [Node(header, "list", f"{name},1", choices, False) for header, name in zip(headers, names, strict=True)]


def _shared_nodes(verbose: str) -> list[Node]:
    """Return the settings that both families spell alike."""
    return [
        Node("COMMunicate:REMote", "bool", "0", locked=False),
        Node("COMMunicate:LOCKout", "bool", "0", locked=False),
        Node("COMMunicate:HEADer", "bool", "1", locked=False),
        Node("COMMunicate:VERBose", "bool", verbose, locked=False),
        Node("INTEGrate:MODE", "word", "NORMal", ("NORMal", "CONTinuous")),
        Node("INTEGrate:TIMer", "list", "0,0,0", ("#", "#", "#")),
        Node("STATus:QMESsage", "bool", "1", locked=False),
        *(Node(f"STATus:FILTer{place}", "word", "NEVer", EDGES, locked=False) for place in range(1, EVENT_BITS)),
    ]


def wt210_nodes() -> list[Node]:
    """Return the settings of a WT210 as it leaves the factory, in its 488.2 mode."""
    return [
        *_shared_nodes(verbose="1"),
        Node("SAMPle:HOLD", "bool", "0", locked=False),
        Node("SAMPle:RATE", "number", "0.25", ("0.1", "0.25", "0.5", "1", "2", "5")),
        Node("CONFigure:MODE", "word", "RMS", ("RMS", "VMEan", "DC")),
        Node("CONFigure:WIRing", "word", "P1W2", ("P1W2",)),
        Node("CONFigure:CFACtor", "number", "3", ("3", "6")),
        Node("CONFigure:VOLTage:RANGe", "number", "600", tuple(map(str, VOLTAGES))),
        Node("CONFigure:VOLTage:AUTO", "bool", "1"),
        Node("CONFigure:CURRent:RANGe", "number", "20", tuple(map(str, CURRENTS))),
        Node("CONFigure:CURRent:AUTO", "bool", "1"),
        Node("CONFigure:SYNChronize", "word", "CURRent", ("VOLTage", "CURRent", "OFF")),
        Node("CONFigure:LFILter", "bool", "0"),
        Node("CONFigure:FILTer", "bool", "0"),
        Node("CONFigure:SCALing[:STATe]", "bool", "0"),
        Node("CONFigure:AVERaging[:STATe]", "bool", "0"),
        Node("CONFigure:AVERaging:TYPE", "list", "LIN,8", ("LINear|EXPonent", "8|16|32|64")),
        Node("CONFigure:MHOLd", "bool", "0", locked=False),
        Node("MATH:TYPE", "word", "CFACtor", ("CFACtor", "ARIThmetic", "AVERage"), locked=False),
        Node("MATH:CFACtor", "list", "V,1", ("V|A", "1"), locked=False),
        Node("MATH:ARIThmetic", "word", "ADD", MATHS, locked=False),
        Node("MATH:AVERage", "list", "W,1", ("V|A|W", "1"), locked=False),
        *(
            Node(f"MEASure[:NORMal]:ITEM:{name}[:ALL]", "bool", str(int(name in FACTORY_210)), locked=False)
            for name in WT210_ORDER
        ),
    ]


def _as_wt200(own: list[Node]) -> list[Node]:
    """Return the settings of a WT310 that is told to speak as a WT200: what both spell alike is one setting."""
    alike = {node.header: node for node in own}
    return [*(alike.get(node.header, node) for node in wt210_nodes()), *(n for n in own if n.header == COMMAND_TYPE)]


WT210_ORDER = (
    *("V", "A", "W", "VA", "VAR", "PF", "DEGRee", "VHZ", "AHZ"),
    *("WH", "WHP", "WHM", "AH", "AHP", "AHM", "VPK", "APK", "TIME", "MATH"),
)
FACTORY_210 = ("V", "A", "W")
SAME_VALUE = {
    "V": "U",
    "A": "I",
    "W": "P",
    "VA": "S",
    "VAR": "Q",
    "PF": "LAMB",
    "DEGRee": "PHI",
    "VHZ": "FU",
    "AHZ": "FI",
    "VPK": "UPP",
    "APK": "IPP",
}


class Refusal(Exception):
    """A command error: its number and text go to the error queue, the rest of the message is dropped."""


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
        self._is_wt210 = dialect == "wt210"
        self._own_nodes = wt210_nodes() if self._is_wt210 else wt310_nodes()
        self._compatible_nodes = _as_wt200(self._own_nodes)
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
        self._integration = "RESET"
        self._energy_ws = self._integrated_s = 0.0
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
    def _old(self) -> bool:
        """Whether it speaks as a WT200 does: a WT210 always, a WT310 when told to."""
        return self._is_wt210 or self._own_node(COMMAND_TYPE).value == "WT200"

    @property
    def _nodes(self) -> list[Node]:
        return self._own_nodes if self._is_wt210 or not self._old else self._compatible_nodes

    def _own_node(self, header: str) -> Node:
        return next(node for node in self._own_nodes if node.header == header)

    @property
    def _interval_s(self) -> float:
        return self._forced_interval_s or float(self._node("SAMPle:RATE" if self._old else "RATE").value)

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
        if self._integration == RUNNING:
            self._energy_ws += energy_ws
            self._integrated_s += length_s
        self._measured_s = to_s

    def _update(self, at_s: float) -> None:
        """End a window: new values, UPD falls, the integrator's timer is looked at."""
        length_s = at_s - self._window_start_s
        mean_w = self._window_ws / length_s if self._window_ws else 0.0
        self._window_start_s, self._window_ws = at_s, 0.0
        if self._flag("SAMPle:HOLD" if self._old else "HOLD") or self.faults.use("no-update"):
            return
        self._powers.append(mean_w)
        power_w = self._averaged(mean_w)
        volts = MAINS_V + self._random.gauss(0.0, 0.05)
        factor = 0.95 - 0.4 * math.exp(-abs(power_w) / 60.0)
        over = self._set_values(power_w, volts, power_w / (volts * factor), factor)
        self._integration_state()
        self._set_condition((OVER_1 if over else 0) | (INTEGRATING | TIMING if self._integration == RUNNING else 0))
        self._note_edges(UPDATING, 0)
        self._note_edges(0, UPDATING)

    def _set_condition(self, condition: int) -> None:
        before, self._condition = self._condition, condition
        self._note_edges(condition & ~before, before & ~condition)

    def _note_edges(self, rises: int, falls: int) -> None:
        """Let the edges of the condition register that the transition filters pass set their event bits."""
        for bit in range(EVENT_BITS - 1):
            passed = self._node(f"STATus:FILTer{bit + 1}").value
            wanted = {"RISE": rises, "FALL": falls, "BOTH": rises | falls}.get(passed, 0)
            self._events |= wanted & 1 << bit

    def _averaged(self, mean_w: float) -> float:
        prefix = "CONFigure" if self._old else "MEASure"
        kind = self._node(f"{prefix}:AVERaging:TYPE").value
        count = int(kind.split(",")[1]) if self._old else int(self._node("MEASure:AVERaging:COUNt").value)
        self._smooth_w += (mean_w - self._smooth_w) / (count if len(self._powers) > 1 else 1)
        if not self._flag(f"{prefix}:AVERaging[:STATe]"):
            return mean_w
        if kind.startswith("EXP"):
            return self._smooth_w
        last = list(self._powers)[-count:]
        return math.fsum(last) / len(last)

    def _set_values(self, power_w: float, volts: float, amperes: float, factor: float) -> bool:
        """Take new values, with automatic ranges chosen for them; returns whether one is above its range."""
        prefix = "CONFigure" if self._old else "[INPut]"
        scale = 3 / float(self._node(f"{prefix}:CFACtor").value)
        ranges = []
        for name, value, steps in (("VOLTage", volts, VOLTAGES), ("CURRent", amperes, CURRENTS)):
            node = self._node(f"{prefix}:{name}:RANGe")
            if self._flag(f"{prefix}:{name}:AUTO"):
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
        self._values |= self._integrals(volts * factor)
        return over

    def _integrals(self, power_per_ampere: float) -> dict[str, float]:
        """Return what the integrator has counted; the ampere hours at the voltage and power factor of now."""
        names = ("WH", "WHP", "WHM", "AH", "TIME")
        if self._integration == "RESET":
            return dict.fromkeys(names, math.nan)
        watt_hours = self._energy_ws / 3600
        counted = (watt_hours, watt_hours, 0.0, watt_hours / power_per_ampere, self._integrated_s)
        return dict(zip(names, counted, strict=True))

    def _integration_state(self) -> None:
        if self._integration == RUNNING:
            hours, minutes, seconds = (int(part) for part in self._node("INTEGrate:TIMer").value.split(","))
            timer_s = hours * 3600 + minutes * 60 + seconds
            timed_up = 0 < timer_s <= self._integrated_s
            for fault, state in (("integ-stop", "STOP"), ("integ-timeup", "TIMEUP"), ("integ-error", "ERROR")):
                if self.faults.use(fault) or (timed_up and state == "TIMEUP"):
                    self._integration = state

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
            if _spells(path, "COMMunicate:WAIT") and not self._events & int(argument or 0):
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
                model, serial = ("760401-EMULATED", "0") if self._old else ("WT310E", "EMULATED")
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
            if _spells(path, header):
                found = answer(argument)
                return self._headed(header, found) if self.faults.use("header-on") else found
        node = self._find(path)
        if self._flag("COMMunicate:HEADer") or self.faults.use("header-on"):
            return self._headed(node.header, self._shown(node))
        return self._shown(node)

    def _reset(self) -> None:
        """Go back to the settings of the factory, but for those of the interface."""
        if self._integration == RUNNING:
            raise Refusal('813,"Invalid operation while integration is running"')
        factory = wt210_nodes() if self._is_wt210 else wt310_nodes()
        for node, fresh in zip(self._own_nodes, factory, strict=True):
            if not node.header.startswith("COMMunicate"):
                node.value = fresh.value
        self._integrate("RESET")
        self._next_update_s = self._measured_s + self._interval_s

    def _questions(self) -> dict[str, Callable[[str], str]]:
        questions: dict[str, Callable[[str], str]] = {
            "STATus:ERRor": lambda _argument: self._next_error(),
            "STATus:EESR": lambda _argument: str(self._take_events()),
            "STATus:CONDition": lambda _argument: str(self._condition),
        }
        if self._old:
            return questions | {"MEASure[:NORMal]:VALue": self._old_values, "MATH": self._old_math}
        return questions | {"NUMeric[:NORMal]:VALue": self._new_values, "INTEGrate:STATe": self._state_word}

    def _take_events(self) -> int:
        events, self._events = self._events, 0
        return events

    def _next_error(self) -> str:
        error = self._errors.popleft() if self._errors else '0,"No error"'
        return error if self._flag("STATus:QMESsage") else error.partition(",")[0]

    def _state_word(self, _argument: str) -> str:
        return self._said(STATES[self._integration])

    def _old_math(self, _argument: str) -> str:
        kind = self._node("MATH:TYPE")
        function = next(choice for choice in kind.choices if choice.upper() == kind.value.upper())
        return f"{self._shown(kind)};{self._shown(self._node(f'MATH:{function}'))}"

    def _command(self, path: str, argument: str) -> None:
        """Execute one command or setting; raises `Refusal`."""
        for header, state in ACTIONS.items():
            if _spells(path, header):
                return self._integrate(state)
        if _spells(path, "COMMunicate:WAIT"):
            return None
        node = self._find(path)
        running = self._integration != "RESET" and node.locked
        if running or (node.locked and self.faults.use("error-813")):
            raise Refusal('813,"Invalid operation while integration is running"')
        before, node.value = node.value, self._accepted(node, argument)
        if node.header == self._crest_header:
            for name in ("VOLTage", "CURRent"):
                rung = self._node(node.header.replace("CFACtor", f"{name}:RANGe"))
                rung.value = str(float(rung.value) * float(before) / float(node.value))
        if node.header.endswith("RATE") or node.header == COMMAND_TYPE:
            self._next_update_s = self._measured_s + self._interval_s
        return None

    def _integrate(self, state: str) -> None:
        if state == "START" and self._integration not in ("RESET", "STOP"):
            raise Refusal('842,"Integration is running already"')
        if state == "RESET":
            if self._integration == RUNNING:
                raise Refusal('845,"Integration cannot be reset while it runs"')
            self._energy_ws = self._integrated_s = 0.0
        if state == "STOP" and self._integration != RUNNING:
            raise Refusal('844,"Integration is not running"')
        self._integration = state
        running = INTEGRATING | TIMING if state == RUNNING else 0
        self._set_condition(self._condition & ~(INTEGRATING | TIMING) | running)

    def _accepted(self, node: Node, argument: str) -> str:
        """Return what a setting becomes; raises `Refusal` on a value it cannot be."""
        text = argument.upper()
        parts = [part.strip() for part in text.split(",")]
        wanted = len(node.choices) if node.choices[:1] != ("|".join(FUNCTIONS),) else len(parts)
        if node.kind == "list" and len(parts) == wanted <= len(node.choices):
            found = [_choice(part, choices) for part, choices in zip(parts, node.choices, strict=False)]
            if None not in found:
                return ",".join(map(str, found))
        if node.kind == "bool" and text in ("ON", "OFF", "1", "0"):
            return str(int(text in ("ON", "1")))
        word = _choice(text, "|".join(node.choices)) if node.kind == "word" else None
        if word is not None:
            return word.upper()
        number = re.fullmatch(r"([0-9.]+(?:E[+-]?[0-9]+)?)(M?)[VAS]?", text)
        if node.kind == "number" and number is not None:
            value = float(number.group(1)) * (1e-3 if number.group(2) else 1.0)
            halved = "RANGe" in node.header and self._node(self._crest_header).value == "6"
            for choice in node.choices:
                step = float(choice) / (2 if halved else 1)
                if math.isclose(step, value):
                    return f"{step:g}"
        raise Refusal(f'222,"Data out of range {argument}"')

    @property
    def _crest_header(self) -> str:
        return "CONFigure:CFACtor" if self._old else "[INPut]:CFACtor"

    # --- words

    def _node(self, header: str) -> Node:
        return next(node for node in self._nodes if node.header == header)

    def _flag(self, header: str) -> bool:
        return self._node(header).value == "1"

    def _find(self, path: str) -> Node:
        for node in self._nodes:
            if _spells(path, node.header):
                return node
        for alias, header in ALIASES.items():
            if not self._old and _spells(path, alias):
                return self._node(header)
        raise Refusal('113,"Undefined header"')

    def _known(self, path: str) -> bool:
        plain = path.removesuffix("?")
        headers = [*(node.header for node in self._nodes), *self._questions(), *ACTIONS, *ALIASES, "COMMunicate:WAIT"]
        return any(_spells(plain, header) for header in headers)

    def _headed(self, header: str, answer: str) -> str:
        plain = re.sub(r"\[:?[A-Za-z]+\]:?", "", header)
        short = re.sub(r"[a-z]", "", plain)
        return f":{plain.upper() if self._flag('COMMunicate:VERBose') else short} {answer}"

    def _shown(self, node: Node) -> str:
        if node.kind == "number" and ("RANGe" in node.header or node.header.endswith("RATE")):
            return engineering(float(node.value), 4)
        if node.kind == "word":
            return self._said(next(choice for choice in node.choices if choice.upper() == node.value.upper()))
        if node.kind == "list":
            parts = zip(node.value.split(","), node.choices, strict=False)
            return ",".join(self._said(_choice(part, choices) or part) for part, choices in parts)
        return node.value.upper()

    def _said(self, choice: str) -> str:
        """Return a word as the instrument says it, long where it is verbose."""
        return choice.upper() if self._flag("COMMunicate:VERBose") else re.sub(r"[a-z]", "", choice)

    # --- values

    def _new_values(self, argument: str) -> str:
        count = int(self._node("NUMeric[:NORMal]:NUMber").value)
        places = [int(argument)] if argument else range(1, count + 1)
        names = [self._node(f"NUMeric[:NORMal]:ITEM{place}").value.split(",")[0] for place in places]
        return self._answer_values([re.sub(r"[a-z]", "", name) for name in names])

    def _old_values(self, _argument: str) -> str:
        names = [name for name in WT210_ORDER if self._flag(f"MEASure[:NORMal]:ITEM:{name}[:ALL]")]
        return self._answer_values([SAME_VALUE.get(name, name) for name in names])

    def _answer_values(self, names: list[str]) -> str:
        lost = math.nan if self.faults.use("no-value") else math.inf if self.faults.use("overrange") else None
        values = {name: self._values.get(name, math.nan) if lost is None else lost for name in names}
        return ",".join(
            _hours(values[name]) if self._old and name == "TIME" else self._text(values[name]) for name in names
        )

    def _text(self, value: float) -> str:
        if math.isnan(value):
            return "9.91E+37" if self._old else "NAN"
        if math.isinf(value):
            return "9.9E+37" if self._old else "INF"
        return engineering(value, 4 if self._old else 5)


def _choice(text: str, choices: str) -> str | None:
    """Return which of `choices` a text spells, as the manual writes it; a number where that is what is asked for."""
    if choices == "#":
        return str(int(text)) if re.fullmatch(r"[0-9]{1,5}", text) else None
    words = choices.split("|")
    return next((word for word in words if word == text or (text.isalpha() and _spells_word(text, word))), None)


def _hours(seconds: float) -> str:
    """Return a time as the WT210 gives it, `999,59,59` (IM 760401-01E 14-32)."""
    whole = int(seconds) if math.isfinite(seconds) else 0
    return f"{whole // 3600},{whole // 60 % 60},{whole % 60}"


def engineering(value: float, digits: int) -> str:
    """Return a number with so many digits and an exponent that is a multiple of 3: `500.0E-03`."""
    if value == 0:
        return f"{0:.{digits - 1}f}E+00"
    mantissa, exponent = f"{value:.{digits - 1}e}".split("e")
    shift = int(exponent) % 3
    return f"{float(mantissa) * 10**shift:.{digits - 1 - shift}f}E{int(exponent) - shift:+03d}"


def _spells(path: str, header: str) -> bool:
    """Whether `path` is a spelling of a manual's `header`, short or long, with or without what may be left out."""
    nodes = re.findall(r"(\[?):?([A-Za-z]+[0-9]*)", header)
    return _spells_nodes(path.upper().split(":"), [(name, bool(optional)) for optional, name in nodes])


def _spells_nodes(words: list[str], nodes: list[tuple[str, bool]]) -> bool:
    if not nodes:
        return not words
    (name, optional), rest = nodes[0], nodes[1:]
    if optional and _spells_nodes(words, rest):
        return True
    return bool(words) and _spells_word(words[0], name) and _spells_nodes(words[1:], rest)


def _spells_word(word: str, name: str) -> bool:
    """`CFAC`, `CFACT` and `CFACTOR` spell `CFACtor`; digits at the end belong to the name."""
    stem, number = re.fullmatch(r"([A-Za-z]+)([0-9]*)", name).groups()  # type: ignore[union-attr]
    found = re.fullmatch(r"([A-Z]+)([0-9]*)", word)
    if found is None or found.group(2) != number:
        return False
    short = re.sub(r"[a-z]", "", stem)
    return stem.upper().startswith(found.group(1)) and len(found.group(1)) >= len(short)
