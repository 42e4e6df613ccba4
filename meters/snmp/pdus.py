"""Where the power of a PDU stands in its maker's MIB, as data.

Knows: the objects of each maker for an outlet, a phase and the whole unit, and who is asked for the identity.
Does not know: how objects become values (`meters.snmp.mibs`).

Sources, none of them a device of ours. Of phases the texts of the MIBs. APC PowerNet-MIB (rPDU2) and Eaton EATON-
EPDU-MIB by NUT's tables of names and scales (networkupstools/nut, apc-pdu-mib.c and eaton-pdu-marlin-mib.c) and by
published pollers; Raritan PDU2-MIB by the maker's MIB user guide and a published walk of a PX2 (LibreNMS, raritan-
pdu_px2.snmprec: 68 W at .311 A, 3 decimal digits); Server Technology Sentry4-MIB by a published walk of its input
cord (LibreNMS, sentry4.snmprec: 1701 W of 1790 VA, power factor 95) and a printed walk of its outlets; Sentry3-MIB by
its text, and a published walk of a unit that measures no outlet (LibreNMS, sentry3.snmprec); Schleifenbauer
SCHLEIFENBAUER-DATABUS-MIB by its text, and a published walk of its inputs (LibreNMS, schleifenbauer.snmprec: 70 VA at
.32 A and 229.00 V); Rittal RITTAL-CMC-III-MIB by its text, and a published walk of a PDU (in the tests of Checkmk:
Unit.Power.Active.Value 1639, scale 1, W).
"""

from __future__ import annotations

from collections.abc import Mapping

from meters.snmp.mibs import Mib, Quantity, Rows

APC = "1.3.6.1.4.1.318.1.1.26"
RPDU2 = Mib(
    driver="apc-rpdu2",
    maker="APC",
    family="rPDU2",
    model=f"{APC}.2.1.8.{{unit}}",
    serial=f"{APC}.2.1.9.{{unit}}",
    firmware=f"{APC}.2.1.6.{{unit}}",
    first_unit=1,
    places={
        "outlet": (
            Quantity("power_w", f"{APC}.9.4.3.1.7.{{outlet}}"),
            Quantity("current_a", f"{APC}.9.4.3.1.6.{{outlet}}", 0.1),
            Quantity("energy_wh", f"{APC}.9.4.3.1.11.{{outlet}}", 100.0),
        ),
        "unit": (
            Quantity("power_w", f"{APC}.4.3.1.5.{{unit}}", 10.0),
            Quantity("energy_wh", f"{APC}.4.3.1.9.{{unit}}", 100.0),
            Quantity("apparent_power_va", f"{APC}.4.3.1.16.{{unit}}", 10.0),
            Quantity("power_factor", f"{APC}.4.3.1.17.{{unit}}", 0.01),
        ),
        "phase": (
            Quantity("power_w", f"{APC}.6.3.1.7.{{phase}}", 10.0),
            Quantity("current_a", f"{APC}.6.3.1.5.{{phase}}", 0.1),
            Quantity("voltage_v", f"{APC}.6.3.1.6.{{phase}}"),
            Quantity("apparent_power_va", f"{APC}.6.3.1.8.{{phase}}", 10.0),
            Quantity("power_factor", f"{APC}.6.3.1.9.{{phase}}", 0.01),
        ),
    },
)


def _raritan(values: str, digits: str, units: str, voltage: int = 4) -> tuple[Quantity, ...]:
    """The sensors of an outlet, an inlet or a pole: the last part of the identifier is the type of the sensor."""
    types = (("power_w", 5, 3), ("current_a", 1, 2), ("voltage_v", voltage, 1), ("apparent_power_va", 6, 4),
             ("power_factor", 7, -1), ("energy_wh", 8, 5), ("frequency_hz", 23, 8))  # fmt: skip
    return tuple(
        Quantity(name, f"{values}.{kind}", digits=f"{digits}.{kind}", code=f"{units}.{kind}", unit_code=unit)
        for name, kind, unit in types
    )


RARITAN = "1.3.6.1.4.1.13742.6"
PX = Mib(
    driver="raritan-px",
    maker="Raritan",
    family="PX2, PX3 and those with their MIB",
    model=f"{RARITAN}.3.2.1.1.3.{{unit}}",
    serial=f"{RARITAN}.3.2.1.1.4.{{unit}}",
    firmware=f"{RARITAN}.3.2.3.1.6.{{unit}}.1.1",
    first_unit=1,
    places={
        "outlet": _raritan(
            f"{RARITAN}.5.4.3.1.4.{{unit}}.{{outlet}}",
            f"{RARITAN}.3.5.4.1.7.{{unit}}.{{outlet}}",
            f"{RARITAN}.3.5.4.1.6.{{unit}}.{{outlet}}",
        ),
        "unit": _raritan(
            f"{RARITAN}.5.2.3.1.4.{{unit}}.1", f"{RARITAN}.3.3.4.1.7.{{unit}}.1", f"{RARITAN}.3.3.4.1.6.{{unit}}.1"
        ),
        # Of a pole the voltage to the neutral (24); type 4 is that to the next phase.
        "phase": _raritan(
            f"{RARITAN}.5.2.4.1.4.{{unit}}.1.{{phase}}",
            f"{RARITAN}.3.3.6.1.7.{{unit}}.1.{{phase}}",
            f"{RARITAN}.3.3.6.1.6.{{unit}}.1.{{phase}}",
            voltage=24,
        ),
    },
    available={
        "outlet": f"{RARITAN}.5.4.3.1.2.{{unit}}.{{outlet}}.5",
        "unit": f"{RARITAN}.5.2.3.1.2.{{unit}}.1.5",
        "phase": f"{RARITAN}.5.2.4.1.2.{{unit}}.1.{{phase}}.5",
    },
)
EATON = "1.3.6.1.4.1.534.6.6.7"
EPDU = Mib(
    driver="eaton-epdu",
    maker="Eaton",
    family="ePDU G3 and those with its MIB",
    model=f"{EATON}.1.2.1.2.{{unit}}",
    serial=f"{EATON}.1.2.1.4.{{unit}}",
    firmware=f"{EATON}.1.2.1.5.{{unit}}",
    first_unit=0,
    places={
        "outlet": (
            Quantity("power_w", f"{EATON}.6.5.1.3.{{unit}}.{{outlet}}"),
            Quantity("current_a", f"{EATON}.6.4.1.3.{{unit}}.{{outlet}}", 0.001),
            Quantity("voltage_v", f"{EATON}.6.3.1.2.{{unit}}.{{outlet}}", 0.001),
            Quantity("apparent_power_va", f"{EATON}.6.5.1.2.{{unit}}.{{outlet}}"),
            # Negative while power is drawn: -892 beside 177 W in a published walk.
            Quantity("power_factor", f"{EATON}.6.5.1.6.{{unit}}.{{outlet}}", 0.001, only_magnitude=True),
            Quantity("energy_wh", f"{EATON}.6.5.1.4.{{unit}}.{{outlet}}"),
        ),
        "unit": (
            Quantity("power_w", f"{EATON}.3.5.1.4.{{unit}}.1"),
            Quantity("apparent_power_va", f"{EATON}.3.5.1.3.{{unit}}.1"),
            Quantity("energy_wh", f"{EATON}.3.5.1.5.{{unit}}.1"),
            Quantity("power_factor", f"{EATON}.3.5.1.7.{{unit}}.1", 0.001, only_magnitude=True),
        ),
        "phase": (
            Quantity("power_w", f"{EATON}.3.4.1.4.{{unit}}.1.{{phase}}"),
            Quantity("current_a", f"{EATON}.3.3.1.4.{{unit}}.1.{{phase}}", 0.001),
            Quantity("apparent_power_va", f"{EATON}.3.4.1.3.{{unit}}.1.{{phase}}"),
            Quantity("energy_wh", f"{EATON}.3.4.1.5.{{unit}}.1.{{phase}}"),
            Quantity("power_factor", f"{EATON}.3.4.1.7.{{unit}}.1.{{phase}}", 0.001, only_magnitude=True),
        ),
    },
)
SENTRY = "1.3.6.1.4.1.1718.4.1"
SENTRY4 = Mib(
    driver="sentry4",
    maker="Server Technology",
    family="PRO1, PRO2 and those with Sentry4-MIB",
    model=f"{SENTRY}.2.2.1.5.{{unit}}",
    serial=f"{SENTRY}.2.2.1.4.{{unit}}",
    firmware=f"{SENTRY}.1.1.3.0",
    first_unit=1,
    places={
        "outlet": (
            Quantity("power_w", f"{SENTRY}.8.3.1.7.{{unit}}.1.{{outlet}}"),
            Quantity("current_a", f"{SENTRY}.8.3.1.3.{{unit}}.1.{{outlet}}", 0.01),
            Quantity("voltage_v", f"{SENTRY}.8.3.1.6.{{unit}}.1.{{outlet}}", 0.1),
            Quantity("apparent_power_va", f"{SENTRY}.8.3.1.9.{{unit}}.1.{{outlet}}"),
            Quantity("power_factor", f"{SENTRY}.8.3.1.10.{{unit}}.1.{{outlet}}", 0.01),
            Quantity("energy_wh", f"{SENTRY}.8.3.1.14.{{unit}}.1.{{outlet}}"),
        ),
        "unit": (
            Quantity("power_w", f"{SENTRY}.3.3.1.3.{{unit}}.1"),
            Quantity("apparent_power_va", f"{SENTRY}.3.3.1.5.{{unit}}.1"),
            Quantity("power_factor", f"{SENTRY}.3.3.1.8.{{unit}}.1", 0.01),
            Quantity("energy_wh", f"{SENTRY}.3.3.1.10.{{unit}}.1", 100.0),
            Quantity("frequency_hz", f"{SENTRY}.3.3.1.11.{{unit}}.1", 0.1),
        ),
        "phase": (
            Quantity("power_w", f"{SENTRY}.5.3.1.8.{{unit}}.1.{{phase}}"),
            Quantity("current_a", f"{SENTRY}.5.3.1.6.{{unit}}.1.{{phase}}", 0.01),
            Quantity("voltage_v", f"{SENTRY}.5.3.1.3.{{unit}}.1.{{phase}}", 0.1),
            Quantity("apparent_power_va", f"{SENTRY}.5.3.1.9.{{unit}}.1.{{phase}}"),
            Quantity("power_factor", f"{SENTRY}.5.3.1.10.{{unit}}.1.{{phase}}", 0.01),
            Quantity("energy_wh", f"{SENTRY}.5.3.1.13.{{unit}}.1.{{phase}}", 100.0),
        ),
    },
)
CDU = "1.3.6.1.4.1.1718.3"
SENTRY3 = Mib(
    driver="sentry3",
    maker="Server Technology",
    family="Sentry CDUs and those with Sentry3-MIB",
    model=f"{CDU}.2.1.1.7.{{unit}}",
    serial=f"{CDU}.2.1.1.6.{{unit}}",
    firmware=f"{CDU}.1.1.0",
    first_unit=1,
    places={
        # An outlet is one of an infeed, which is a phase.
        "outlet": (
            Quantity("power_w", f"{CDU}.2.3.1.14.{{unit}}.{{phase}}.{{outlet}}"),
            Quantity("current_a", f"{CDU}.2.3.1.7.{{unit}}.{{phase}}.{{outlet}}", 0.01),
            Quantity("voltage_v", f"{CDU}.2.3.1.13.{{unit}}.{{phase}}.{{outlet}}", 0.1),
            Quantity("apparent_power_va", f"{CDU}.2.3.1.15.{{unit}}.{{phase}}.{{outlet}}"),
            Quantity("power_factor", f"{CDU}.2.3.1.16.{{unit}}.{{phase}}.{{outlet}}", 0.01),
            Quantity("energy_wh", f"{CDU}.2.3.1.18.{{unit}}.{{phase}}.{{outlet}}"),
        ),
        "unit": (
            Quantity("power_w", f"{CDU}.2.1.1.11.{{unit}}"),
            Quantity("apparent_power_va", f"{CDU}.2.1.1.12.{{unit}}"),
            Quantity("power_factor", f"{CDU}.2.1.1.13.{{unit}}", 0.01),
            Quantity("energy_wh", f"{CDU}.2.1.1.14.{{unit}}", 1000.0),
            Quantity("frequency_hz", f"{CDU}.2.1.1.15.{{unit}}"),
        ),
        "phase": (
            Quantity("power_w", f"{CDU}.2.2.1.12.{{unit}}.{{phase}}"),
            Quantity("current_a", f"{CDU}.2.2.1.19.{{unit}}.{{phase}}", 0.01),
            Quantity("voltage_v", f"{CDU}.2.2.1.18.{{unit}}.{{phase}}", 0.1),
            Quantity("apparent_power_va", f"{CDU}.2.2.1.13.{{unit}}.{{phase}}"),
            Quantity("power_factor", f"{CDU}.2.2.1.14.{{unit}}.{{phase}}", 0.01),
            Quantity("energy_wh", f"{CDU}.2.2.1.16.{{unit}}.{{phase}}", 100.0),
        ),
    },
)
DATABUS = "1.3.6.1.4.1.31034.12.1.1.2"
SCHLEIFENBAUER = Mib(
    driver="schleifenbauer",
    maker="Schleifenbauer",
    family="hPDU, DPM and those on a databus",
    model=f"{DATABUS}.1.1.1.5.{{unit}}",
    serial=f"{DATABUS}.1.1.1.6.{{unit}}",
    firmware=f"{DATABUS}.1.1.1.2.{{unit}}",
    first_unit=1,
    places={
        "outlet": (
            Quantity("power_w", f"{DATABUS}.7.2.1.11.{{unit}}.{{outlet}}"),
            Quantity("current_a", f"{DATABUS}.7.2.1.5.{{unit}}.{{outlet}}", 0.01),
            Quantity("voltage_v", f"{DATABUS}.7.2.1.7.{{unit}}.{{outlet}}", 0.01),
            Quantity("apparent_power_va", f"{DATABUS}.7.2.1.10.{{unit}}.{{outlet}}"),
            Quantity("power_factor", f"{DATABUS}.7.2.1.4.{{unit}}.{{outlet}}", 0.0001),
            Quantity("energy_wh", f"{DATABUS}.7.2.1.2.{{unit}}.{{outlet}}", 1000.0),
        ),
        "unit": (
            Quantity("power_w", f"{DATABUS}.11.1.1.7.{{unit}}.1"),
            Quantity("current_a", f"{DATABUS}.11.1.1.4.{{unit}}.1", 0.01),
            Quantity("apparent_power_va", f"{DATABUS}.11.1.1.6.{{unit}}.1"),
            Quantity("power_factor", f"{DATABUS}.11.1.1.3.{{unit}}.1", 0.0001),
            Quantity("energy_wh", f"{DATABUS}.11.1.1.2.{{unit}}.1", 1000.0),
        ),
        "phase": (
            Quantity("power_w", f"{DATABUS}.6.1.1.10.{{unit}}.{{phase}}"),
            Quantity("current_a", f"{DATABUS}.6.1.1.5.{{unit}}.{{phase}}", 0.01),
            Quantity("voltage_v", f"{DATABUS}.6.1.1.7.{{unit}}.{{phase}}", 0.01),
            Quantity("apparent_power_va", f"{DATABUS}.6.1.1.9.{{unit}}.{{phase}}"),
            Quantity("power_factor", f"{DATABUS}.6.1.1.4.{{unit}}.{{phase}}", 0.0001),
            Quantity("energy_wh", f"{DATABUS}.6.1.1.2.{{unit}}.{{phase}}", 1000.0),
        ),
    },
)


def _rittal(*prefixes: str) -> dict[str, tuple[str, ...]]:
    """The rows of one place, by how their names begin."""
    ends = {
        "power_w": "Power.Active.Value", "current_a": "Current.Value", "voltage_v": "Voltage.Value",
        "apparent_power_va": "Power.Apparent.Value", "power_factor": "Power.Factor.Value",
        "energy_wh": "Energy.Active.Value", "frequency_hz": "Frequency.Value",
    }  # fmt: skip
    return {name: tuple(f"{prefix}.{end}" for prefix in prefixes) for name, end in ends.items()}


CMC = "1.3.6.1.4.1.2606.7.4"
CMC3 = Mib(
    driver="rittal-cmc3",
    maker="Rittal",
    family="PDUs, inline meters and whatever has a power at a CMC III",
    model=f"{CMC}.1.2.1.2.{{unit}}",
    serial=f"{CMC}.1.2.1.13.{{unit}}",
    firmware=f"{CMC}.1.2.1.11.{{unit}}",
    first_unit=1,
    places={},
    gone=frozenset({21, 22, 23, 24, 25}),
    rows=Rows(
        count=f"{CMC}.1.2.1.17.{{unit}}",
        name=f"{CMC}.2.2.1.3.{{unit}}.{{row}}",
        unit=f"{CMC}.2.2.1.5.{{unit}}.{{row}}",
        scale=f"{CMC}.2.2.1.7.{{unit}}.{{row}}",
        value=f"{CMC}.2.2.1.11.{{unit}}.{{row}}",
        quality=f"{CMC}.2.2.1.14.{{unit}}.{{row}}",
        names={
            "outlet": _rittal("Sockets.Socket {outlet:02d}", "Sockets.Socket {outlet}"),
            "unit": _rittal("Unit", "Total"),
            "phase": _rittal("Phase L{phase}"),
        },
    ),
)
MIBS: Mapping[str, Mib] = {mib.driver: mib for mib in (RPDU2, PX, EPDU, SENTRY4, SENTRY3, SCHLEIFENBAUER, CMC3)}
