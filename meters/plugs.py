"""The drivers of plugs, socket strips, UPSs and brokers on a network, for the registry.

Knows: names and openers. Does not know: protocols, the other drivers (`meters.registry`).
"""

from __future__ import annotations

from collections.abc import Mapping

from meters import fritz, gude, homeassistant, homewizard, kasa, mystrom, netio, shelly, tasmota
from meters.driver import Driver
from meters.mqtt import dialogue as mqtt
from meters.nut import dialogue as nut
from meters.tapo import dialogue as tapo

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
    kasa.DRIVER: Driver(
        summary="TP-Link Kasa plugs, strips and bulbs with the older protocol (HS110, KP115, HS300)",
        wire="TCP 9999, JSON under an XOR, polled",
        tier="uncalibrated",
        limits="uncalibrated",
        options=kasa.OPTIONS,
        open=kasa.open_kasa,
        links=("tcp",),
    ),
    tapo.DRIVER: Driver(
        summary="TP-Link Tapo plugs and newer Kasa plugs (P110, P115, EP25, KP125M; a socket of P304M, P316M)",
        wire="HTTP, JSON sealed by KLAP, polled",
        tier="uncalibrated",
        limits="uncalibrated",
        options=tapo.OPTIONS,
        open=tapo.open_tapo,
        links=("http",),
    ),
    fritz.DRIVER: Driver(
        summary="AVM FRITZ!DECT plugs through their FRITZ!Box; new values every two minutes",
        wire="HTTP or HTTPS, text, polled",
        tier="uncalibrated",
        limits="uncalibrated",
        options=fritz.OPTIONS,
        open=fritz.open_fritz,
        links=("http",),
        tls="the box has HTTPS with a certificate of its own: name it by https://",
    ),
    mystrom.DRIVER: Driver(
        summary="myStrom switches",
        wire="HTTP, JSON, polled",
        tier="uncalibrated",
        limits="uncalibrated",
        options=mystrom.OPTIONS,
        open=mystrom.open_mystrom,
        links=("http",),
    ),
    netio.DRIVER: Driver(
        summary="NETIO socket strips and PDUs; one output, or the whole unit",
        wire="HTTP or HTTPS, JSON, polled",
        tier="indicative",
        limits="not confirmed by any document at hand; give those of the data sheet with limits_percent",
        options=netio.OPTIONS,
        open=netio.open_netio,
        links=("http",),
        tls="switch HTTPS on at the device and name it by https://",
    ),
    homeassistant.DRIVER: Driver(
        summary="a power that Home Assistant has: the last resort, somebody else's number",
        wire="HTTP or HTTPS, JSON, polled",
        tier="uncalibrated",
        limits="none: which instrument measured it is not known",
        options=homeassistant.OPTIONS,
        open=homeassistant.open_homeassistant,
        links=("http",),
        tls="give Home Assistant a certificate and name it by https://",
    ),
    nut.DRIVER: Driver(
        summary="UPSs behind NUT's upsd that measure their power (ups.realpower)",
        wire="TCP 3493, lines, polled",
        tier="indicative",
        limits="in no variable; give those of the data sheet with limits_percent",
        options=nut.OPTIONS,
        open=nut.open_nut,
        links=("tcp",),
    ),
    nut.LOAD_DRIVER: Driver(
        summary="UPSs behind NUT's upsd that tell their load only: an estimate from it",
        wire="TCP 3493, lines, polled",
        tier="uncalibrated",
        limits="none: an estimate, load times nominal power, no measurement",
        options=nut.OPTIONS,
        open=nut.open_nut_load,
        links=("tcp",),
    ),
}
"""Each with its name."""
