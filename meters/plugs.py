"""The drivers of plugs and socket strips on a network, for the registry.

Knows: names and openers. Does not know: protocols, the other drivers (`meters.registry`).
"""

from __future__ import annotations

from collections.abc import Mapping

from meters import gude, shelly, tasmota
from meters.driver import Driver

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
}
"""Each with its name."""
