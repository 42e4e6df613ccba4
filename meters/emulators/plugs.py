"""The emulated plugs, socket strips and brokers on a network, as the command line makes them.

Knows: which arguments each takes. Does not know: their pages.
"""

from __future__ import annotations

import argparse

from meters.emulators.bench import Device
from meters.emulators.emulator import Emulator
from meters.emulators.gude import GudeDevice
from meters.emulators.homewizard import HomeWizardDevice
from meters.emulators.mqtt import MqttDevice
from meters.emulators.shelly import ShellyDevice
from meters.emulators.tasmota import TasmotaDevice
from meters.emulators.virtual_sut import PowerSource


def _gude(arguments: argparse.Namespace, source: PowerSource) -> Device:
    return GudeDevice(source, refresh_s=arguments.interval or 1.0, password=arguments.password)


def _tasmota(arguments: argparse.Namespace, source: PowerSource) -> Device:
    login = {"password": arguments.password, "generation": arguments.generation or 2}
    return TasmotaDevice(source, refresh_s=arguments.interval or 1.0, **login)


def _shelly(arguments: argparse.Namespace, source: PowerSource) -> Device:
    login = {"password": arguments.password, "generation": arguments.generation or 2}
    return ShellyDevice(source, refresh_s=arguments.interval or 1.0, **login)


def _homewizard(arguments: argparse.Namespace, source: PowerSource) -> Device:
    login = {"password": arguments.password, "generation": arguments.generation or 1}
    return HomeWizardDevice(source, arguments.product, refresh_s=arguments.interval or 1.0, **login)


def _mqtt(arguments: argparse.Namespace, source: PowerSource) -> Device:
    return MqttDevice(source, interval_s=arguments.interval or 10.0, password=arguments.password)


PLUGS: dict[str, Emulator] = {
    "gude": Emulator(_gude, 10_000_000, "http"),
    "tasmota": Emulator(_tasmota, 1_000_000, "http"),
    "shelly": Emulator(_shelly, 1_000_000, "http"),
    "homewizard": Emulator(_homewizard, 1_000_000, "http"),
    "mqtt": Emulator(_mqtt, 100_000_000, "mqtt"),
}
