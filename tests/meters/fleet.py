"""One emulated meter of every driver, fast enough for tests: what to start and how to open it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from meters.access import ANYBODY, Access, Credentials


@dataclass(frozen=True, slots=True)
class Emulated:
    """Arguments of the emulator, options of the driver, and how far a reading of 50 W may be off by resolution."""

    arguments: tuple[str, ...] = ()
    options: Mapping[str, float | str] = field(default_factory=dict)
    tolerance_w: float = 0.06
    driver: str = ""
    """Where it is not the name of the entry."""
    password: str = ""
    """Of the user `admin`, for both."""
    user: str = ""
    """Where the driver knows none by itself."""

    @property
    def said(self) -> tuple[str, ...]:
        """All arguments of the emulator."""
        return (*self.arguments, *(("--password", self.password) if self.password else ()))

    @property
    def access(self) -> Access:
        """How the driver is let in."""
        return Access(Credentials(self.user, self.password)) if self.password else ANYBODY


FLEET: dict[str, Emulated] = {
    "wt310": Emulated(arguments=("--interval", "0.03"), options={"rate_s": 0.1, "integration": 1.0}),
    "wt210": Emulated(
        arguments=("--interval", "0.03"), options={"rate_s": 0.1, "voltage_range_v": 300.0, "current_range_a": 1.0}
    ),
    "pzem": Emulated(arguments=("--interval", "0.05"), options={"interval_s": 0.05}),
    "sdm120": Emulated(arguments=("--interval", "0.05"), options={"interval_s": 0.05}),
    "sdm230": Emulated(arguments=("--interval", "0.05"), options={"interval_s": 0.05}),
    "umg604": Emulated(arguments=("--interval", "0.05"), options={"interval_s": 0.05}),
    "mcp39f511n": Emulated(options={"interval_s": 0.05}),
    "powerspy2": Emulated(arguments=("--interval", "0.05")),
    "wattsup": Emulated(arguments=("--interval", "0.05")),
    "ptdaemon": Emulated(options={"interval_ms": 50.0}),
    "gude": Emulated(arguments=("--interval", "0.01"), options={"interval_s": 0.01, "reply_s": 0.25}, tolerance_w=0.6),
    "tasmota": Emulated(arguments=("--interval", "0.01"), options={"interval_s": 0.01, "reply_s": 0.25}),
    "shelly": Emulated(arguments=("--interval", "0.01"), options={"interval_s": 0.01, "reply_s": 0.25}),
    "shelly-gen1": Emulated(
        arguments=("--interval", "0.01", "--generation", "1"),
        options={"interval_s": 0.01, "reply_s": 0.25},
        driver="shelly",
    ),
    "homewizard": Emulated(arguments=("--interval", "0.01"), options={"interval_s": 0.01, "reply_s": 0.25}),
    "homewizard-v2": Emulated(
        arguments=("--interval", "0.01", "--generation", "2", "--product", "HWE-P1"),
        options={"interval_s": 0.01, "reply_s": 0.25, "api": "v2"},
        tolerance_w=0.6,
        driver="homewizard",
    ),
    "kasa": Emulated(arguments=("--interval", "0.01"), options={"interval_s": 0.01, "reply_s": 0.25}),
    "kasa-gen1": Emulated(
        arguments=("--interval", "0.01", "--generation", "1", "--kind", "strip"),
        options={"interval_s": 0.01, "reply_s": 0.25, "outlet": 1.0},
        driver="kasa",
    ),
    "tapo": Emulated(
        arguments=("--interval", "0.01"), options={"interval_s": 0.01, "reply_s": 0.25}, password="not-known"
    ),
    "tapo-kasa": Emulated(
        arguments=("--interval", "0.01", "--generation", "1"),
        options={"interval_s": 0.01, "reply_s": 0.25},
        driver="tapo",
        password="not-known",
    ),
    "tapo-strip": Emulated(
        arguments=("--interval", "0.01", "--kind", "strip"),
        options={"interval_s": 0.01, "reply_s": 0.25, "outlet": 1.0},
        tolerance_w=1.0,
        driver="tapo",
        password="not-known",
    ),
    "fritz": Emulated(
        arguments=("--interval", "0.01"), options={"interval_s": 0.01, "reply_s": 0.25, "refresh_s": 0.01}
    ),
    "mystrom": Emulated(arguments=("--interval", "0.01"), options={"interval_s": 0.01, "reply_s": 0.25}),
    "netio": Emulated(arguments=("--interval", "0.01"), options={"interval_s": 0.01, "reply_s": 0.25}, tolerance_w=0.6),
    "homeassistant": Emulated(
        arguments=("--interval", "0.01"),
        options={"interval_s": 0.01, "reply_s": 0.25, "entity": "sensor.plug_power"},
    ),
    "nut": Emulated(arguments=("--interval", "0.01"), options={"interval_s": 0.01, "reply_s": 0.25, "max_age_s": 0.01}),
    "nut-load": Emulated(
        arguments=("--interval", "0.01"),
        options={"interval_s": 0.01, "reply_s": 0.25, "max_age_s": 0.01},
        tolerance_w=5.1,
    ),
    "sml": Emulated(arguments=("--interval", "0.05")),
    "hm8115": Emulated(arguments=("--interval", "0.01"), options={"interval_s": 0.02, "reply_s": 0.3}),
    "lmg95": Emulated(options={"cycle_s": 0.05}),
    "lmg450": Emulated(options={"cycle_s": 0.05, "current_range_a": 10.0, "voltage_range_v": 250.0}),
    "lmg670": Emulated(options={"cycle_s": 0.05}),
    **{
        pdu: Emulated(
            arguments=("--interval", "0.05"),
            options={"interval_s": 0.05, "refresh_s": 0.05, "reply_s": 0.25, "outlet": 1.0},
            tolerance_w=0.6,
        )
        for pdu in ("apc-rpdu2", "raritan-px", "eaton-epdu", "sentry4", "sentry3", "schleifenbauer", "rittal-cmc3")
    },
    "apc-rpdu2-v3": Emulated(
        arguments=("--interval", "0.05"),
        options={"interval_s": 0.05, "refresh_s": 0.05, "reply_s": 0.25, "outlet": 1.0, "protocol": "v3"},
        tolerance_w=0.6,
        driver="apc-rpdu2",
        password="not-known",
        user="admin",
    ),
    "redfish": Emulated(
        arguments=("--interval", "0.01"), options={"interval_s": 0.01, "reply_s": 0.25, "control": "0"}
    ),
    "redfish-session": Emulated(
        arguments=("--interval", "0.01"),
        options={"interval_s": 0.01, "reply_s": 0.25, "control": "0", "login": "session"},
        driver="redfish",
        password="not-known",
    ),
    "ipmi": Emulated(
        arguments=("--interval", "0.05"),
        options={"interval_s": 0.05, "refresh_s": 0.05, "reply_s": 0.25},
        tolerance_w=0.6,
        password="not-known",
    ),
    "ipmi-sensor": Emulated(
        arguments=("--interval", "0.05"),
        options={"interval_s": 0.05, "refresh_s": 0.05, "reply_s": 0.25, "sensor": "Pwr Consumption"},
        tolerance_w=1.1,
        driver="ipmi",
    ),
    "iec62056": Emulated(options={"interval_s": 0.05, "reply_s": 2.0, "quiet_s": 0.2}),
    "iec62056-push": Emulated(("--push", "--interval", "0.05"), {"mode": "push"}, driver="iec62056"),
    "mqtt": Emulated(
        ("--interval", "0.05"),
        {
            **{"topic": "tele/EMULATED/SENSOR", "power": "ENERGY.Power", "voltage": "ENERGY.Voltage"},
            **{"current": "ENERGY.Current", "power_factor": "ENERGY.Factor", "energy": "ENERGY.Total"},
            **{"interval_s": 0.05, "refresh_s": 0.01, "reply_s": 0.5, "wait_s": 5.0},
        },
    ),
    "p1": Emulated(("--interval", "0.05")),
    "mbus": Emulated(("--interval", "0.05"), {"interval_s": 0.05, "refresh_s": 0.05, "reply_s": 1.5, "baud": 38400.0}),
    "mbus-several": Emulated(
        ("--interval", "0.05", "--kind", "strip"),
        {"interval_s": 0.05, "refresh_s": 0.05, "reply_s": 1.5, "secondary": "12345678", "baud": 38400.0},
        driver="mbus",
    ),
    "p1-dsmr2": Emulated(
        ("--interval", "0.05", "--generation", "1"), {"characters": "7E1", "checksum": "none"}, driver="p1"
    ),
}
