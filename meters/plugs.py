"""The drivers of plugs, socket strips and brokers on a network, for the registry.

Knows: names and openers. Does not know: protocols, the other drivers (`meters.registry`).
"""

from __future__ import annotations

from collections.abc import Mapping

from meters import gude, homewizard, shelly, tasmota
from meters.driver import Driver
from meters.mqtt import dialogue as mqtt

PLUGS: Mapping[str, Driver] = {
    gude.DRIVER: Driver(
        summary="GUDE Expert Power Control 1202",
        wire="HTTP or HTTPS, JSON, polled",
        tier="indicative",
        limits="2.5 % + 1 count, from voltage and current of a sister model; power itself is not specified",
        options=gude.OPTIONS,
        open=gude.open_gude,
        links=("http",),
        tls="switch HTTPS on at the strip and name it by https://",
    ),
    tasmota.DRIVER: Driver(
        summary="plugs with Tasmota firmware",
        wire="HTTP, JSON, polled",
        tier="uncalibrated",
        limits="uncalibrated",
        options=tasmota.OPTIONS,
        open=tasmota.open_tasmota,
        links=("http",),
    ),
    shelly.DRIVER: Driver(
        summary="Shelly plugs and meters, Gen1 and Gen2 or later",
        wire="HTTP or HTTPS, JSON, polled",
        tier="uncalibrated",
        limits="uncalibrated",
        options=shelly.OPTIONS,
        open=shelly.open_shelly,
        links=("http",),
        tls="give the device a certificate (Gen2 and later, from firmware 2.0.0 on; new ones have one) and name it by "
        "https://",
    ),
    homewizard.DRIVER: Driver(
        summary="HomeWizard plugs, kWh meters and P1 meters",
        wire="HTTP (API v1) or HTTPS with a token (API v2), JSON, polled",
        tier="uncalibrated",
        limits="uncalibrated (plug); indicative behind a kWh or P1 meter: the class on its plate",
        options=homewizard.OPTIONS,
        open=homewizard.open_homewizard,
        links=("http",),
        tls='set api = "v2" and name it by https://',
    ),
    mqtt.DRIVER: Driver(
        summary="what publishes its power at a topic of an MQTT broker (Tasmota, Zigbee2MQTT, ESPHome, Shelly)",
        wire="MQTT 3.1.1 over TCP 1883 or TLS 8883, numbers or JSON, pushed",
        tier="uncalibrated",
        limits="uncalibrated",
        options=mqtt.OPTIONS,
        open=mqtt.open_mqtt,
        links=("mqtt",),
        tls="give the broker a certificate and name it by mqtts:// (that shows the broker, and no device behind it)",
    ),
}
"""Each with its name."""
