"""Who answers at a port: what tells itself to everybody first, then every driver that fits, the special ones first.

Knows: in which order is asked, how long, and which of several answers is worth a sentence. Knows no lab.toml.
A web server gets the password after it was recognised, or where its driver was named. Elsewhere the port says what is
spoken there: who is at it gets it.
"""

import io
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from rich.console import Console

from harness.cli.ports import who
from harness.record.errors import printable
from meters import registry
from meters.access import ANYBODY, Access
from meters.deadline import Deadline
from meters.discovery.pushed import heard
from meters.discovery.web import Server, recognise
from meters.driver import Driver
from meters.meter import Meter, MeterError, MeterMismatch, MeterOptionError, MeterTimeout, MeterUnavailable

LONGEST_S = 120.0
"""One port; who is being asked then may finish."""
LISTEN_S = 11.0
"""A P1 port before DSMR 5 speaks each ten seconds."""
NOBODY = "nobody that a driver understands at its default options; `--driver NAME` asks as that one, and says more"
Tell = Callable[[str], None]


def probe(ports: Sequence[dict[str, str]], drivers: Sequence[str], access: Access, *, named: bool) -> None:
    """Find out who answers at each port; `named`: the drivers are those that somebody asked for, so that they may have
    the password."""
    from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

    columns = (TextColumn("{task.description}", markup=False), BarColumn(), TimeElapsedColumn())
    with Progress(*columns, transient=True, console=Console(stderr=True)) as progress:
        task = progress.add_task("asking", total=LONGEST_S)
        for port in ports:
            deadline = Deadline(LONGEST_S)

            def tell(words: str, place: str = port["port"], deadline: Deadline = deadline) -> None:
                progress.update(task, completed=LONGEST_S - deadline.left_s, description=f"{place}: {words}")

            _Probe(port, access, named, deadline, tell).ask(drivers)


def _rarity(driver: Driver) -> tuple[bool, bool]:
    """How seldom such a meter is met at a network port: serial ones stand behind a server, analysers in few labs."""
    return driver.links != ("tcp",), driver.tier == "reference"


@dataclass
class _Probe:
    """One port that is asked."""

    port: dict[str, str]
    access: Access
    named: bool
    deadline: Deadline
    tell: Tell
    troubles: dict[str, MeterError] = field(default_factory=dict)
    """What each driver that was asked met."""

    @property
    def place(self) -> str:
        """Where it is."""
        return self.port["port"]

    def ask(self, drivers: Sequence[str]) -> None:
        """Ask those of the drivers that fit the port."""
        fitting = [name for name in drivers if self.port["kind"] in registry.KNOWN[name].links]
        try:
            if self.port["kind"] == "http" and not self.named:
                self._ask_web(fitting)
            elif self.port["kind"] == "tcp" and not self.named:
                self._ask_line(fitting)
            else:
                self._ask_each(fitting, self.access)
        except (MeterError, OSError) as error:
            self.port["answers"] = self._bare(error)

    # --- what tells itself ---

    def _ask_web(self, drivers: Sequence[str]) -> None:
        """A web server says who it is without a login; only then it gets one."""
        self.tell("asking the web server who it is")
        server = recognise(self.place, frozenset(drivers))
        if server.recognised is not None:
            self._ask_known(server.recognised.driver, server)
            return
        self._ask_each(drivers, ANYBODY)
        if "driver" not in self.port:
            kept = "; the password was not sent to it" if self.access.credentials is not None else ""
            known = f"{printable(server.says)}, which no driver knows{kept}"
            self.port["answers"] = f"{known}: --driver NAME asks as that one"

    def _ask_known(self, driver: str, server: Server) -> None:
        if not self._opens(driver, self.access):
            said = self._bare(self.troubles[driver])
            self.port["answers"] = f"{driver}: {printable(server.says)}; {said}"

    def _ask_line(self, drivers: Sequence[str]) -> None:
        """The driver whose port this usually is, then what sends unasked, then those that are met on networks only."""
        number = urlsplit(self.place).port
        usual = [name for name in drivers if registry.KNOWN[name].tcp_port == number]
        if self._ask_each(usual, self.access):
            return
        self.tell("listening to what is sent unasked")
        driver, count = heard(self.place, LISTEN_S, self.access)
        if driver in drivers and not self._opens(driver, self.access):
            self.port["answers"] = f"{driver}: {self._bare(self.troubles[driver])}"
            return
        others = [name for name in drivers if name not in usual and name != driver]
        others.sort(key=lambda name: _rarity(registry.KNOWN[name]))
        if "driver" not in self.port and not self._ask_each(others, ANYBODY) and count:
            self.port["answers"] = f"{count} bytes came unasked that no driver knows: --driver NAME asks as that one"

    # --- driver by driver ---

    def _ask_each(self, drivers: Sequence[str], access: Access) -> bool:
        """Ask as one driver after the other, until one understands the answer or nobody can."""
        waiting = list(drivers)
        while waiting and not self.deadline.expired:
            name = waiting.pop(0)
            if self._opens(name, access):
                return True
            if self._is_settled(name):
                waiting = []
        asked = [name for name in drivers if name in self.troubles]
        if asked:
            self.port["answers"] = self._told(asked, waiting)
        return False

    def _is_settled(self, name: str) -> bool:
        """Whether no other driver can fare better: nothing is there, an SNMP agent is silent to all, or it is such
        a meter and wants an option."""
        trouble = self.troubles[name]
        is_silent = self.port["kind"] == "snmp" and isinstance(trouble, MeterTimeout)
        return is_silent or isinstance(trouble, (MeterUnavailable, MeterOptionError))

    def _told(self, asked: Sequence[str], waiting: Sequence[str]) -> str:
        left = f"; not asked after {LONGEST_S:g} s: {', '.join(waiting)} (--driver NAME)" if waiting else ""
        last = self.troubles[asked[-1]]
        if self._is_settled(asked[-1]) and not isinstance(last, MeterOptionError):
            return self._bare(last)
        if len(asked) == 1 and not waiting:
            return f"{asked[0]}: {self._bare(last)}"
        nearest = next((name for name in reversed(asked) if self._is_near(self.troubles[name])), None)
        return (NOBODY if nearest is None else f"{nearest}: {self._bare(self.troubles[nearest])}") + left

    def _is_near(self, trouble: MeterError) -> bool:
        """Whether who answered is of this driver's kind: it refused, or lacks an option."""
        return not isinstance(trouble, (MeterTimeout, MeterMismatch, MeterUnavailable)) and self.port["kind"] != "http"

    def _opens(self, name: str, access: Access) -> bool:
        """Ask as one driver; what it meets otherwise stands in `troubles`."""
        self.tell(f"asking as {name}")
        try:
            meter = registry.open_meter(name, self.place, capture=io.BytesIO(), options={}, access=access)
        except MeterError as error:
            self.troubles[name] = error
            return False
        self._take(name, meter)
        return True

    def _take(self, name: str, meter: Meter) -> None:
        try:
            self.port["driver"], self.port["origin"] = name, meter.origin().kind
            self.port["answers"] = f"{name}: {who(meter.identify(), meter.origin())}"
        finally:
            meter.close()

    def _bare(self, error: Exception) -> str:
        words = getattr(error, "strerror", None) or str(error) or type(error).__name__
        return printable(words).removeprefix(f"{self.place}: ")
