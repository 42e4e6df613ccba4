"""The emulated controllers of servers (BMCs), as the command line makes them.

Knows: which arguments each takes. Does not know: what they say.
"""

from __future__ import annotations

import argparse

from meters.emulators.bench import Device
from meters.emulators.emulator import Emulator
from meters.emulators.ipmi import BmcDevice
from meters.emulators.redfish import RedfishDevice
from meters.emulators.virtual_sut import PowerSource


def _redfish(arguments: argparse.Namespace, source: PowerSource) -> Device:
    return RedfishDevice(source, refresh_s=arguments.interval or 1.0, password=arguments.password)


def _ipmi(arguments: argparse.Namespace, source: PowerSource) -> Device:
    return BmcDevice(source, refresh_s=arguments.interval or 1.0, password=arguments.password)


BMCS: dict[str, Emulator] = {
    "redfish": Emulator(_redfish, 10_000_000, "http"),
    "ipmi": Emulator(_ipmi, 100_000_000, "ipmi"),
}
