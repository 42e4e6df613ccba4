"""The emulated plugs, socket strips, UPSs and brokers on a network, as the command line makes them.

Knows: which arguments each takes. Does not know: their pages.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from typing import Protocol

from meters.emulators.bench import Device
from meters.emulators.emulator import Emulator
from meters.emulators.fritz import FritzDevice
from meters.emulators.gude import GudeDevice
from meters.emulators.homeassistant import HomeAssistantDevice
from meters.emulators.homewizard import HomeWizardDevice
from meters.emulators.kasa import KasaDevice
from meters.emulators.mqtt import MqttDevice
from meters.emulators.mystrom import MyStromDevice
from meters.emulators.netio import NetioDevice
from meters.emulators.nut import NutDevice
from meters.emulators.shelly import ShellyDevice
from meters.emulators.tapo import TapoDevice
from meters.emulators.tasmota import TasmotaDevice
from meters.emulators.virtual_sut import PowerSource


class Refreshing(Protocol):
    """A device that is made of a load, how often its value is new, and who may read it."""

    def __call__(self, source: PowerSource, *, refresh_s: float, password: str, generation: int) -> Device:
        """Make it."""


def _of_generation(kind: Refreshing, refresh_s: float = 1.0) -> Callable[[argparse.Namespace, PowerSource], Device]:
    """What makes such a device as the command line asks, of the second generation where it says nothing."""

    def make(arguments: argparse.Namespace, source: PowerSource) -> Device:
        interval_s, generation = arguments.interval or refresh_s, arguments.generation or 2
        return kind(source, refresh_s=interval_s, password=arguments.password, generation=generation)

    return make


def _gude(arguments: argparse.Namespace, source: PowerSource) -> Device:
    return GudeDevice(source, refresh_s=arguments.interval or 1.0, password=arguments.password)


def _homewizard(arguments: argparse.Namespace, source: PowerSource) -> Device:
    login = {"password": arguments.password, "generation": arguments.generation or 1}
    return HomeWizardDevice(source, arguments.product, refresh_s=arguments.interval or 1.0, **login)


def _mqtt(arguments: argparse.Namespace, source: PowerSource) -> Device:
    return MqttDevice(source, interval_s=arguments.interval or 10.0, password=arguments.password)


def _kasa(arguments: argparse.Namespace, source: PowerSource) -> Device:
    generation, kind = arguments.generation or 2, arguments.kind
    return KasaDevice(source, refresh_s=arguments.interval or 1.0, generation=generation, kind=kind)


def _tapo(arguments: argparse.Namespace, source: PowerSource) -> Device:
    made = {"generation": arguments.generation or 2, "kind": arguments.kind, "password": arguments.password}
    return TapoDevice(source, refresh_s=arguments.interval or 1.0, **made)


def _netio(arguments: argparse.Namespace, source: PowerSource) -> Device:
    return NetioDevice(source, refresh_s=arguments.interval or 1.0, password=arguments.password)


def _nut(arguments: argparse.Namespace, source: PowerSource) -> Device:
    measures = arguments.name == "nut"
    return NutDevice(source, refresh_s=arguments.interval or 2.0, password=arguments.password, measures=measures)


PLUGS: dict[str, Emulator] = {
    "gude": Emulator(_gude, 10_000_000, "http"),
    "tasmota": Emulator(_of_generation(TasmotaDevice), 1_000_000, "http"),
    "shelly": Emulator(_of_generation(ShellyDevice), 1_000_000, "http"),
    "homewizard": Emulator(_homewizard, 1_000_000, "http"),
    "mqtt": Emulator(_mqtt, 100_000_000, "mqtt"),
    "fritz": Emulator(_of_generation(FritzDevice, 120.0), 1_000_000, "http"),
    "homeassistant": Emulator(_of_generation(HomeAssistantDevice), 100_000_000, "http"),
    "kasa": Emulator(_kasa, 1_000_000, "tcp"),
    "tapo": Emulator(_tapo, 1_000_000, "http"),
    "mystrom": Emulator(_of_generation(MyStromDevice), 1_000_000, "http"),
    "netio": Emulator(_netio, 10_000_000, "http"),
    "nut": Emulator(_nut, 100_000_000, "tcp"),
    "nut-load": Emulator(_nut, 100_000_000, "tcp"),
}
