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
        names=("expertpowercontrol", "epc1202", "gude1202"),
    ),
    tasmota.DRIVER: Driver(
        summary="plugs with Tasmota firmware",
        wire="HTTP, JSON, polled",
        tier="uncalibrated",
        limits="uncalibrated",
        options=tasmota.OPTIONS,
        open=tasmota.open_tasmota,
        links=("http",),
        names=("nous", "nousa1t", "sonoff", "athom", "delock"),
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
        names=("plugs", "shellyplug", "shellypm", "1pm", "pm1", "em", "3em"),
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
        names=("hweskt", "hwep1", "hwekwh1", "energysocket"),
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
        names=("zigbee2mqtt", "zigbee", "z2m", "esphome", "mosquitto"),
    ),
    kasa.DRIVER: Driver(
        summary="TP-Link Kasa plugs, strips and bulbs with the older protocol (HS110, KP115, HS300)",
        wire="TCP 9999, JSON under an XOR, polled",
        tier="uncalibrated",
        limits="uncalibrated",
        options=kasa.OPTIONS,
        open=kasa.open_kasa,
        links=("tcp",),
        tcp_port=9999,
        names=("tplink", "hs110", "hs300", "kp115", "kp125", "ep40", "kl430"),
    ),
    tapo.DRIVER: Driver(
        summary="TP-Link Tapo plugs and newer Kasa plugs (P110, P115, EP25, KP125M; a socket of P304M, P316M)",
        wire="HTTP, JSON sealed by KLAP, polled",
        tier="uncalibrated",
        limits="uncalibrated",
        options=tapo.OPTIONS,
        open=tapo.open_tapo,
        links=("http",),
        names=("tplink", "p110", "p115", "p304", "p316", "ep25", "kp125m"),
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
        names=("avm", "fritzbox", "fritzdect", "dect200", "dect210"),
    ),
    mystrom.DRIVER: Driver(
        summary="myStrom switches",
        wire="HTTP, JSON, polled",
        tier="uncalibrated",
        limits="uncalibrated",
        options=mystrom.OPTIONS,
        open=mystrom.open_mystrom,
        links=("http",),
        names=("mystromswitch",),
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
        names=("powerbox", "powercable", "powerpdu", "powerdin"),
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
        names=("hass", "ha"),
    ),
    nut.DRIVER: Driver(
        summary="UPSs behind NUT's upsd that measure their power (ups.realpower)",
        wire="TCP 3493, lines, polled",
        tier="indicative",
        limits="in no variable; give those of the data sheet with limits_percent",
        options=nut.OPTIONS,
        open=nut.open_nut,
        links=("tcp",),
        tcp_port=3493,
        names=("ups", "upsd", "smartups", "eaton5p"),
        named="ups",
    ),
    nut.LOAD_DRIVER: Driver(
        summary="UPSs behind NUT's upsd that tell their load only: an estimate from it",
        wire="TCP 3493, lines, polled",
        tier="uncalibrated",
        limits="none: an estimate, load times nominal power, no measurement",
        options=nut.OPTIONS,
        open=nut.open_nut_load,
        links=("tcp",),
        tcp_port=3493,
        names=("ups", "upsd"),
        named="ups",
    ),
}
"""Each with its name."""
