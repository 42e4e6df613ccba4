"""The drivers of servers' own controllers (BMCs), for the registry.

Knows: names and openers. Does not know: protocols, the other drivers (`meters.registry`).
"""

from __future__ import annotations

from collections.abc import Mapping

from meters.driver import Driver
from meters.ipmi import driver as ipmi_driver
from meters.redfish import dialogue as redfish

BMCS: Mapping[str, Driver] = {
    redfish.DRIVER: Driver(
        summary="BMCs of servers: power of a chassis, or at the inputs of its supplies, as Redfish has it",
        wire="HTTPS or HTTP, JSON, polled",
        tier="uncalibrated",
        limits="in no schema; give those of the data sheet with limits_percent",
        options=redfish.OPTIONS,
        open=redfish.open_redfish,
        links=("http",),
        tls="give the BMC a certificate of yours and name it by https://",
        scheme="https",
        names=("bmc", "idrac", "ilo", "xclarity", "openbmc", "supermicro"),
    ),
    ipmi_driver.DRIVER: Driver(
        summary="BMCs of servers: power of the machine as DCMI, or sensors of watts, have it",
        wire="IPMI 2.0 over UDP 623, polled",
        tier="uncalibrated",
        limits="in no protocol; give those of the data sheet with limits_percent",
        options=ipmi_driver.OPTIONS,
        open=ipmi_driver.open_ipmi,
        links=("ipmi",),
        names=("bmc", "idrac", "ilo", "supermicro", "dcmi", "ipmitool"),
    ),
}
"""Each with its name."""
