"""What is fixed about a driver: what it drives, over which wire, how well, what a lab may set, how it is opened.

Knows: the record of one driver. Does not know: any driver (`meters.plugs`, `meters.registry`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

from meters.access import ANYBODY, Access
from meters.meter import Meter
from meters.options import Option
from meters.port_forms import Link, forms_of
from meters.reading import Tier
from meters.wire_log import Sink


class Opener(Protocol):
    """How every driver opens its meter."""

    def __call__(
        self, port: str, *, capture: Sink | None, options: Mapping[str, object], access: Access = ANYBODY
    ) -> Meter:
        """Open the meter at `port`; raises `MeterError`."""
        ...


@dataclass(frozen=True, slots=True)
class Driver:
    """One driver: what it drives, over which wire, its accuracy tier, its limits of error in words, its options.

    `links` are the kinds of port it can be opened at: a serial device, `socket://`, /dev/usbtmcN, `http://`, `snmp://`,
    `ipmi://`, `mqtt://`, counters of this machine. `tls` says how the meter itself is brought to speak TLS, empty where
    it cannot. `tcp_port` is where the meter listens as it comes, 0 where only the lab knows it; `scheme` that of its
    port which most have, empty where it is the first of its kind. `names` are what people call such a meter by, in
    small letters and digits; `named` is the option that is meant where a port is written NAME@HOST.
    """

    summary: str
    wire: str
    tier: Tier
    limits: str
    options: Mapping[str, Option]
    open: Opener
    links: tuple[Link, ...] = ("serial", "tcp")
    tls: str = ""
    tcp_port: int = 0
    scheme: str = ""
    names: tuple[str, ...] = ()
    named: str = ""

    @property
    def ports(self) -> tuple[str, ...]:
        """What may be written as its port, the usual form first; NAME, HOST and PORT are the lab's."""
        return forms_of(self.links, self.tcp_port, self.scheme)
