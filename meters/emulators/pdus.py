"""The objects of emulated PDUs: APC, Raritan, Eaton, Server Technology, Schleifenbauer, Rittal.

Knows: what each maker's MIB has for an outlet, the input and its only phase, written without the driver's tables.
Does not know: SNMP (`meters.emulators.snmp`).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping

from meters.emulators.ber import Value

MAINS_V = 230.0
MAINS_HZ = 50.0


class Load:
    """What one point of the unit carries: power in W, energy in Wh, the rest from them."""

    def __init__(self, watts: float, watt_hours: float) -> None:
        self.watts, self.watt_hours = watts, watt_hours
        self.factor = 0.95 - 0.4 * math.exp(-watts / 60) if watts else 0.0
        self.apparent = watts / self.factor if watts else 0.0
        self.amperes = self.apparent / MAINS_V


def apc(load: Load, outlet: int) -> dict[str, Value]:
    """Objects of an AP8xxx: the unit's power in hundredths of kW, an outlet's in W, energies in tenths of kWh."""
    base = "318.1.1.26"
    if not outlet:
        return {
            f"{base}.2.1.3.1": "EMULATED", f"{base}.2.1.6.1": "v6.5.6", f"{base}.2.1.8.1": "AP8959EU3",
            f"{base}.2.1.9.1": "EMULATED0001", f"{base}.4.3.1.5.1": round(load.watts / 10),
            f"{base}.4.3.1.9.1": round(load.watt_hours / 100), f"{base}.4.3.1.16.1": round(load.apparent / 10),
            f"{base}.4.3.1.17.1": round(load.factor * 100), f"{base}.6.3.1.5.1": round(load.amperes * 10),
            f"{base}.6.3.1.6.1": round(MAINS_V), f"{base}.6.3.1.7.1": round(load.watts / 10),
            f"{base}.6.3.1.8.1": round(load.apparent / 10), f"{base}.6.3.1.9.1": round(load.factor * 100),
        }  # fmt: skip
    row = f"{base}.9.4.3.1"
    return {
        f"{row}.1.{outlet}": outlet, f"{row}.3.{outlet}": f"Outlet {outlet}", f"{row}.4.{outlet}": outlet,
        f"{row}.6.{outlet}": round(load.amperes * 10), f"{row}.7.{outlet}": round(load.watts),
        f"{row}.11.{outlet}": round(load.watt_hours / 100),
    }  # fmt: skip


def raritan(load: Load, outlet: int) -> dict[str, Value]:
    """Objects of a PX2: whole numbers, whose unit and decimal digits stand in tables of their own."""
    base = "13742.6"
    sensors = {
        1: (load.amperes, 3, 2), 4: (MAINS_V, 0, 1), 5: (load.watts, 1, 3), 6: (load.apparent, 1, 4),
        7: (load.factor, 2, -1), 8: (load.watt_hours, 0, 5), 23: (MAINS_HZ, 1, 8),
    }  # fmt: skip
    place, config, values = (f"1.{outlet}", "3.5.4.1", "5.4.3.1") if outlet else ("1.1", "3.3.4.1", "5.2.3.1")
    objects: dict[str, Value] = {}
    if not outlet:
        objects |= {
            f"{base}.3.2.1.1.2.1": "Raritan", f"{base}.3.2.1.1.3.1": "PX2-5190R", f"{base}.3.2.1.1.4.1": "EMULATED0001",
            f"{base}.3.2.3.1.6.1.1.1": "3.6.1.5-46303",
        }  # fmt: skip
    places = [(config, values, place, 4)] + ([] if outlet else [("3.3.6.1", "5.2.4.1", "1.1.1", 24)])
    for config, values, place, voltage in places:
        for sensor, (amount, digits, unit) in sensors.items():
            kind = voltage if sensor == 4 else sensor
            objects |= {
                f"{base}.{config}.6.{place}.{kind}": unit, f"{base}.{config}.7.{place}.{kind}": digits,
                f"{base}.{values}.2.{place}.{kind}": 1,
                f"{base}.{values}.4.{place}.{kind}": round(amount * 10**digits),
            }  # fmt: skip
    return objects


def eaton(load: Load, outlet: int) -> dict[str, Value]:
    """Objects of an ePDU G3: W, mV, mA, thousandths of a power factor that is negative, Wh."""
    base = "534.6.6.7"
    if not outlet:
        return {
            f"{base}.1.2.1.2.0": "ePDU MA 1P IN:C20 16A OUT:20xC13, 4xC19", f"{base}.1.2.1.3.0": "EMAB03",
            f"{base}.1.2.1.4.0": "EMULATED0001", f"{base}.1.2.1.5.0": "05.01.0002",
            f"{base}.3.3.1.4.0.1.1": round(load.amperes * 1000), f"{base}.3.4.1.3.0.1.1": round(load.apparent),
            f"{base}.3.4.1.4.0.1.1": round(load.watts), f"{base}.3.4.1.5.0.1.1": math.floor(load.watt_hours),
            f"{base}.3.4.1.7.0.1.1": round(-load.factor * 1000),
            f"{base}.3.5.1.3.0.1": round(load.apparent), f"{base}.3.5.1.4.0.1": round(load.watts),
            f"{base}.3.5.1.5.0.1": math.floor(load.watt_hours), f"{base}.3.5.1.7.0.1": round(-load.factor * 1000),
        }  # fmt: skip
    row = f"{base}.6"
    return {
        f"{row}.3.1.2.0.{outlet}": round(MAINS_V * 1000), f"{row}.4.1.3.0.{outlet}": round(load.amperes * 1000),
        f"{row}.5.1.2.0.{outlet}": round(load.apparent), f"{row}.5.1.3.0.{outlet}": round(load.watts),
        f"{row}.5.1.4.0.{outlet}": math.floor(load.watt_hours), f"{row}.5.1.5.0.{outlet}": 1_700_000_000,
        f"{row}.5.1.6.0.{outlet}": round(-load.factor * 1000),
    }  # fmt: skip


def sentry(load: Load, outlet: int) -> dict[str, Value]:
    """Objects of a PRO2: hundredths of A, tenths of V, W, Wh; -1 for what an idle outlet does not know."""
    base = "1718.4.1"
    if not outlet:
        return {
            f"{base}.1.1.1.0": "Sentry Smart PDU", f"{base}.1.1.3.0": "Version 8.0f",
            f"{base}.2.2.1.4.1": "EMULATED0001", f"{base}.2.2.1.5.1": "C2S42CE-YCMFAM00",
            f"{base}.3.3.1.3.1.1": round(load.watts), f"{base}.3.3.1.5.1.1": round(load.apparent),
            f"{base}.3.3.1.8.1.1": round(load.factor * 100), f"{base}.3.3.1.10.1.1": round(load.watt_hours / 100),
            f"{base}.3.3.1.11.1.1": round(MAINS_HZ * 10),
            f"{base}.5.3.1.3.1.1.1": round(MAINS_V * 10), f"{base}.5.3.1.6.1.1.1": round(load.amperes * 100),
            f"{base}.5.3.1.8.1.1.1": round(load.watts), f"{base}.5.3.1.9.1.1.1": round(load.apparent),
            f"{base}.5.3.1.10.1.1.1": round(load.factor * 100),
            f"{base}.5.3.1.13.1.1.1": round(load.watt_hours / 100),
        }  # fmt: skip
    row = f"{base}.8.3.1"
    return {
        f"{row}.1.1.1.{outlet}": 1, f"{row}.3.1.1.{outlet}": round(load.amperes * 100),
        f"{row}.6.1.1.{outlet}": round(MAINS_V * 10), f"{row}.7.1.1.{outlet}": round(load.watts),
        f"{row}.9.1.1.{outlet}": round(load.apparent),
        f"{row}.10.1.1.{outlet}": round(load.factor * 100) if load.watts else -1,
        f"{row}.14.1.1.{outlet}": math.floor(load.watt_hours),
    }  # fmt: skip


def sentry3(load: Load, outlet: int) -> dict[str, Value]:
    """Objects of a Sentry CDU with outlets on one infeed: hundredths of A, tenths of V, W; -1 for what is not known."""
    base = "1718.3"
    tower, infeed = f"{base}.2.1.1", f"{base}.2.2.1"
    if not outlet:
        return {
            f"{base}.1.1.0": "Sentry Switched CDU Version 7.1a EMULATED", f"{tower}.6.1": "EMULATED0001",
            f"{tower}.7.1": "CW-24V2-C20M", f"{tower}.11.1": round(load.watts), f"{tower}.12.1": round(load.apparent),
            f"{tower}.13.1": round(load.factor * 100), f"{tower}.14.1": math.floor(load.watt_hours / 1000),
            f"{tower}.15.1": round(MAINS_HZ), f"{infeed}.12.1.1": round(load.watts),
            f"{infeed}.13.1.1": round(load.apparent), f"{infeed}.14.1.1": round(load.factor * 100),
            f"{infeed}.16.1.1": math.floor(load.watt_hours / 100), f"{infeed}.18.1.1": round(MAINS_V * 10),
            f"{infeed}.19.1.1": round(load.amperes * 100),
        }  # fmt: skip
    row = f"{base}.2.3.1"
    return {
        f"{row}.7.1.1.{outlet}": round(load.amperes * 100), f"{row}.13.1.1.{outlet}": round(MAINS_V * 10),
        f"{row}.14.1.1.{outlet}": round(load.watts), f"{row}.15.1.1.{outlet}": round(load.apparent),
        f"{row}.16.1.1.{outlet}": round(load.factor * 100) if load.watts else -1,
        f"{row}.18.1.1.{outlet}": math.floor(load.watt_hours),
    }  # fmt: skip


def schleifenbauer(load: Load, outlet: int) -> dict[str, Value]:
    """Objects of an hPDU, the first on its databus: hundredths of A and V, of a percent; W, VA, kWh."""
    base = "31034.12.1.1.2"
    shared = {
        "kwh": math.floor(load.watt_hours / 1000), "factor": round(load.factor * 10_000) if load.watts else 10_000,
        "amperes": round(load.amperes * 100), "volts": round(MAINS_V * 100), "va": round(load.apparent),
        "watts": round(load.watts),
    }  # fmt: skip

    def row(table: str, place: str, **columns: int) -> dict[str, Value]:
        return {f"{base}.{table}.{column}.{place}": shared[name] for name, column in columns.items()}

    if outlet:
        return row("7.2.1", f"1.{outlet}", kwh=2, factor=4, amperes=5, volts=7, va=10, watts=11)
    identity: dict[str, Value] = {
        f"{base}.1.1.1.2.1": 263, f"{base}.1.1.1.5.1": "SSDCHEMULATED", f"{base}.1.1.1.6.1": "EMULATED0001",
    }  # fmt: skip
    phase = row("6.1.1", "1.1", kwh=2, factor=4, amperes=5, volts=7, va=9, watts=10)
    return identity | phase | row("11.1.1", "1.1", kwh=2, factor=3, amperes=4, va=6, watts=7)


SOCKET_ROWS, FIRST_SOCKET_ROW = 6, 16


def rittal(load: Load, outlet: int) -> dict[str, Value]:
    """Objects of a PDU at a CMC III: each quantity a row with name, unit, and a scale that divides below 0."""
    base = "2606.7.4"
    rows = (
        ("Power.Active.Value", "W", 1, load.watts), ("Energy.Active.Value", "kWh", -10, load.watt_hours / 1000),
        ("Voltage.Value", "V", -10, MAINS_V), ("Current.Value", "A", -100, load.amperes),
        ("Power.Factor.Value", "", -100, -load.factor), ("Power.Apparent.Value", "VA", 1, load.apparent),
    )  # fmt: skip
    objects: dict[str, Value] = {}

    def put(number: int, prefix: str, row: tuple[str, str, int, float]) -> None:
        name, unit, scale, amount = row
        counts = amount * -scale if scale < 0 else amount / scale
        columns: dict[int, Value] = {3: f"{prefix}.{name}", 5: unit, 7: scale, 11: round(counts), 14: 2}
        objects.update({f"{base}.2.2.1.{column}.1.{number}": value for column, value in columns.items()})

    if outlet:
        for place, row in enumerate(rows):
            put(FIRST_SOCKET_ROW + (outlet - 1) * SOCKET_ROWS + place, f"Sockets.Socket {outlet:02d}", row)
        return objects
    objects |= {
        f"{base}.1.2.1.2.1": "PDU-MAN EMULATED", f"{base}.1.2.1.11.1": "V6.00.00",
        f"{base}.1.2.1.13.1": "EMULATED0001",
        f"{base}.1.2.1.17.1": FIRST_SOCKET_ROW - 1 + SOCKET_ROWS * 4,
    }  # fmt: skip
    for place, row in enumerate((("Frequency.Value", "Hz", -10, MAINS_HZ), *rows[:2])):
        put(1 + place, "Unit", row)
    for place, row in enumerate(rows):
        put(4 + place, "Phase L1", row)
    for number in range(4 + len(rows), FIRST_SOCKET_ROW):
        put(number, "Unit.Power.Active", ("SetPtHighAlarm", "W", 1, 0.0))
    return objects


KINDS: Mapping[str, tuple[Callable[[Load, int], dict[str, Value]], str, str, tuple[str, ...]]] = {
    "apc-rpdu2": (
        apc, "APC Web/SNMP Management Card EMULATED", "318.1.3.4.6", ("26.4.3.1.5.", "26.6.3.1.7.", "26.9.4.3.1.7."),
    ),
    "raritan-px": (
        raritan, "PX2 030004 EMULATED", "13742.6", ("6.5.2.3.1.4.1.1.5", "6.5.2.4.1.4.1.1.1.5", "6.5.4.3.1.4.1.1.5"),
    ),
    "eaton-epdu": (eaton, "Eaton ePDU MA 1P EMULATED", "534.6.6.7", ("7.3.4.1.4.", "7.3.5.1.4.", "7.6.5.1.3.")),
    "sentry4": (sentry, "Sentry Smart PDU EMULATED", "1718.4", ("1.3.3.1.3.", "1.5.3.1.8.", "1.8.3.1.7.")),
    "sentry3": (sentry3, "Sentry Switched CDU EMULATED", "1718.3", ("2.1.1.11.", "2.2.1.12.", "2.3.1.14.")),
    "schleifenbauer": (
        schleifenbauer, "Schleifenbauer EMULATED", "31034.11.1", ("2.11.1.1.7.", "2.6.1.1.10.", "2.7.2.1.11."),
    ),
    "rittal-cmc3": (
        rittal, "Rittal PDU-MAN EMULATED", "2606.7", ("2.2.1.11.1.2.", "2.2.1.11.1.4.", "2.2.1.11.1.16."),
    ),
}  # fmt: skip
"""How each is made: its objects, its name and its kind (both of the system group), where its powers stand."""
