"""What is fixed about an emulated meter: how it is made from the command line, and its wire.

Knows: the record of one emulator. Does not know: any device.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from meters.emulators.bench import Device
from meters.emulators.virtual_sut import PowerSource


@dataclass(frozen=True, slots=True)
class Emulator:
    """How a device is made from the command line, the speed of its link, and what its wire is.

    `wire`: `serial` a pty or, with --listen, TCP; `tcp` a TCP port; `http` a TCP port that speaks HTTP; `snmp` and
    `ipmi` a UDP port that speaks that; `mqtt` a TCP port that speaks MQTT.
    """

    make: Callable[[argparse.Namespace, PowerSource], Device]
    baud: int
    wire: Literal["serial", "tcp", "http", "snmp", "ipmi", "mqtt"] = "serial"
