"""The emulated plugs and socket strips on a network, as the command line makes them.

Knows: which arguments each takes. Does not know: their pages.
"""

from __future__ import annotations

import argparse

from meters.emulators.bench import Device
from meters.emulators.emulator import Emulator
from meters.emulators.gude import GudeDevice
from meters.emulators.shelly import ShellyDevice
from meters.emulators.tasmota import TasmotaDevice
from meters.emulators.virtual_sut import PowerSource


def _gude(arguments: argparse.Namespace, source: PowerSource) -> Device:
    return GudeDevice(source, refresh_s=arguments.interval or 1.0, password=arguments.password)


def _tasmota(arguments: argparse.Namespace, source: PowerSource) -> Device:
    login = {"password": arguments.password, "generation": arguments.generation}
    return TasmotaDevice(source, refresh_s=arguments.interval or 1.0, **login)


def _shelly(arguments: argparse.Namespace, source: PowerSource) -> Device:
    login = {"password": arguments.password, "generation": arguments.generation}
    return ShellyDevice(source, refresh_s=arguments.interval or 1.0, **login)


PLUGS: dict[str, Emulator] = {
    "gude": Emulator(_gude, 10_000_000, "http"),
    "tasmota": Emulator(_tasmota, 1_000_000, "http"),
    "shelly": Emulator(_shelly, 1_000_000, "http"),
}
