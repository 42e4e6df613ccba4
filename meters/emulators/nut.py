"""upsd of NUT with one UPS behind it, as a client sees it: lines over TCP, written without the driver's tables.

Knows: what upsd 2.8.0 answers to what this or another client asks (`VER`, `NETVER`, `USERNAME`, `PASSWORD`,
`LIST UPS`, `LIST VAR`, `GET VAR`, `LOGOUT`). Does not know: sockets, real time. The identity says EMULATED.
With a password it answers nobody else, as upsd itself does not ask for one to read.

Own faults: `data-stale` and `driver-gone` upsd's words for a UPS it hears nothing of, `waiting` one that was not heard
yet, `no-power` the power left out, `no-number` a word in its place, `overrange` one far above all ranges, `other-ups`
the variables of another UPS, `unknown-command` an answer to something else.
"""

from __future__ import annotations

import re

from meters.emulators.faults import OwnFaults
from meters.emulators.refreshed import RefreshedLoad
from meters.emulators.virtual_sut import PowerSource

UPS = "ups"
NOMINAL_W = 1000.0
MAINS_V = 230.0
MOST_PENDING = 4096
WORD = re.compile(r'"((?:[^"\\]|\\.)*)"|(\S+)')
FAULTS = ("data-stale", "driver-gone", "waiting", "no-power", "no-number", "overrange", "other-ups", "unknown-command")


class NutDevice:
    """One UPS in front of one power source, advanced by the caller's clock in seconds since its start."""

    def __init__(
        self, source: PowerSource, *, refresh_s: float = 2.0, password: str = "", measures: bool = True
    ) -> None:
        """`refresh_s` is how often its driver polls the UPS; without `measures` the UPS tells its load only."""
        self._load, self._password, self._measures = RefreshedLoad(source, refresh_s), password, measures
        self._pending = b""
        self._said = {"USERNAME": "", "PASSWORD": ""}
        self.next_push_s: float | None = None
        self.faults = OwnFaults(frozenset(FAULTS))

    def receive(self, data: bytes, now_s: float) -> list[bytes]:
        """Return the answers to the lines that `data` completes."""
        *lines, rest = (self._pending + data).split(b"\n")
        self._pending = rest[-MOST_PENDING:]
        self._load.advance(now_s)
        return [self._answer(line.decode("utf-8", errors="replace")).encode() for line in lines if line.strip()]

    def push(self, now_s: float) -> list[bytes]:
        """Return nothing: upsd speaks when it is asked."""
        return []

    def _answer(self, line: str) -> str:
        words = [re.sub(r"\\(.)", r"\1", quoted) if quoted else plain for quoted, plain in WORD.findall(line)]
        match words:
            case ["VER"]:
                return "Network UPS Tools upsd 2.8.0 - http://www.networkupstools.org/\n"
            case ["NETVER" | "PROTVER"]:
                return "1.3\n"
            case ["LOGOUT"]:
                return "OK Goodbye\n"
            case ["USERNAME" | "PASSWORD" as which, word]:
                self._said[which] = word
                return "OK\n"
            case ["STARTTLS"]:
                return "ERR FEATURE-NOT-CONFIGURED\n"
            case ["LIST" | "GET", *rest]:
                return self._told(words[0], rest)
            case _:
                return "ERR UNKNOWN-COMMAND\n"

    def _told(self, verb: str, rest: list[str]) -> str:
        if self._password and (not self._said["USERNAME"] or self._said["PASSWORD"] != self._password):
            return "ERR ACCESS-DENIED\n"
        if (verb, rest) == ("LIST", ["UPS"]):
            return f'BEGIN LIST UPS\nUPS {UPS} "EMULATED"\nEND LIST UPS\n'
        if len(rest) != (2 if verb == "LIST" else 3) or rest[0] != "VAR":
            return "ERR INVALID-ARGUMENT\n"
        if rest[1] != UPS:
            return "ERR UNKNOWN-UPS\n"
        for fault, error in (("data-stale", "DATA-STALE"), ("driver-gone", "DRIVER-NOT-CONNECTED")):
            if self.faults.use(fault):
                return f"ERR {error}\n"
        if self.faults.use("unknown-command"):
            return "ERR UNKNOWN-COMMAND\n"
        variables = self._variables()
        if verb == "GET":
            value = variables.get(rest[2])
            return "ERR VAR-NOT-SUPPORTED\n" if value is None else f'VAR {UPS} {rest[2]} "{value}"\n'
        name = "another" if self.faults.use("other-ups") else UPS
        lines = [f'VAR {name} {variable} "{value}"' for variable, value in sorted(variables.items())]
        return "\n".join([f"BEGIN LIST VAR {UPS}", *lines, f"END LIST VAR {UPS}", ""])

    def _variables(self) -> dict[str, str]:
        apparent_va = self._load.power_w / 0.9
        power = {"ups.realpower": f"{self._load.power_w:.1f}"} if self._measures else {}
        if self.faults.use("no-power"):
            power = {}
        if self.faults.use("no-number"):
            power = dict.fromkeys(power, "n/a")
        if self.faults.use("overrange"):
            power = dict.fromkeys(power, "99999")
        status = "WAIT" if self.faults.use("waiting") else "OL"
        return {
            "device.mfr": "wattlab",
            "device.model": "EMULATED",
            "device.serial": "EMULATED0001",
            "device.type": "ups",
            "driver.name": "dummy-ups",
            "driver.parameter.pollinterval": f"{self._load.refresh_s:g}",
            "input.voltage": f"{MAINS_V + 0.4:.1f}",
            "output.current": f"{apparent_va / MAINS_V:.2f}",
            "output.frequency": "50.0",
            "output.voltage": f"{MAINS_V:.1f}",
            "ups.load": f"{self._load.power_w / NOMINAL_W * 100.0:.0f}",
            "ups.mfr": "wattlab",
            "ups.model": "EMULATED",
            "ups.power": f"{apparent_va:.0f}",
            "ups.realpower.nominal": f"{NOMINAL_W:.0f}",
            "ups.serial": "EMULATED0001",
            "ups.status": status,
            **power,
        }
