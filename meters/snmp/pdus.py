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


def _columns(
    table: str, place: str, *, only_magnitude: bool = False, **columns: int | tuple[int, float]
) -> tuple[Quantity, ...]:
    """Quantities that are columns of a table, each with its number and what one count is (1); `place` is the row."""
    numbers = {name: column if isinstance(column, tuple) else (column, 1.0) for name, column in columns.items()}
    return tuple(
        Quantity(name, f"{table}.{column}.{place}", step, only_magnitude=only_magnitude)
        for name, (column, step) in numbers.items()
    )


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
        "outlet": _columns(f"{APC}.9.4.3.1", "{outlet}", power_w=7, current_a=(6, 0.1), energy_wh=(11, 100.0)),
        "unit": _columns(
            f"{APC}.4.3.1",
            "{unit}",
            power_w=(5, 10.0),
            energy_wh=(9, 100.0),
            apparent_power_va=(16, 10.0),
            power_factor=(17, 0.01),
        ),
        "phase": _columns(
            f"{APC}.6.3.1",
            "{phase}",
            power_w=(7, 10.0),
            current_a=(5, 0.1),
            voltage_v=6,
            apparent_power_va=(8, 10.0),
            power_factor=(9, 0.01),
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
            *_columns(f"{EATON}.6.5.1", "{unit}.{outlet}", power_w=3),
            *_columns(f"{EATON}.6.4.1", "{unit}.{outlet}", current_a=(3, 0.001)),
            *_columns(f"{EATON}.6.3.1", "{unit}.{outlet}", voltage_v=(2, 0.001)),
            *_columns(f"{EATON}.6.5.1", "{unit}.{outlet}", apparent_power_va=2),
            # Negative while power is drawn: -892 beside 177 W in a published walk.
            *_columns(f"{EATON}.6.5.1", "{unit}.{outlet}", power_factor=(6, 0.001), only_magnitude=True),
            *_columns(f"{EATON}.6.5.1", "{unit}.{outlet}", energy_wh=4),
        ),
        "unit": (
            *_columns(f"{EATON}.3.5.1", "{unit}.1", power_w=4, apparent_power_va=3, energy_wh=5),
            *_columns(f"{EATON}.3.5.1", "{unit}.1", power_factor=(7, 0.001), only_magnitude=True),
        ),
        "phase": (
            *_columns(f"{EATON}.3.4.1", "{unit}.1.{phase}", power_w=4),
            *_columns(f"{EATON}.3.3.1", "{unit}.1.{phase}", current_a=(4, 0.001)),
            *_columns(f"{EATON}.3.4.1", "{unit}.1.{phase}", apparent_power_va=3, energy_wh=5),
            *_columns(f"{EATON}.3.4.1", "{unit}.1.{phase}", power_factor=(7, 0.001), only_magnitude=True),
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
        "outlet": _columns(
            f"{SENTRY}.8.3.1",
            "{unit}.1.{outlet}",
            power_w=7,
            current_a=(3, 0.01),
            voltage_v=(6, 0.1),
            apparent_power_va=9,
            power_factor=(10, 0.01),
            energy_wh=14,
        ),
        "unit": _columns(
            f"{SENTRY}.3.3.1",
            "{unit}.1",
            power_w=3,
            apparent_power_va=5,
            power_factor=(8, 0.01),
            energy_wh=(10, 100.0),
            frequency_hz=(11, 0.1),
        ),
        "phase": _columns(
            f"{SENTRY}.5.3.1",
            "{unit}.1.{phase}",
            power_w=8,
            current_a=(6, 0.01),
            voltage_v=(3, 0.1),
            apparent_power_va=9,
            power_factor=(10, 0.01),
            energy_wh=(13, 100.0),
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
        "outlet": _columns(
            f"{CDU}.2.3.1",
            "{unit}.{phase}.{outlet}",
            power_w=14,
            current_a=(7, 0.01),
            voltage_v=(13, 0.1),
            apparent_power_va=15,
            power_factor=(16, 0.01),
            energy_wh=18,
        ),
        "unit": _columns(
            f"{CDU}.2.1.1",
            "{unit}",
            power_w=11,
            apparent_power_va=12,
            power_factor=(13, 0.01),
            energy_wh=(14, 1000.0),
            frequency_hz=15,
        ),
        "phase": _columns(
            f"{CDU}.2.2.1",
            "{unit}.{phase}",
            power_w=12,
            current_a=(19, 0.01),
            voltage_v=(18, 0.1),
            apparent_power_va=13,
            power_factor=(14, 0.01),
            energy_wh=(16, 100.0),
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
        "outlet": _columns(
            f"{DATABUS}.7.2.1",
            "{unit}.{outlet}",
            power_w=11,
            current_a=(5, 0.01),
            voltage_v=(7, 0.01),
            apparent_power_va=10,
            power_factor=(4, 0.0001),
            energy_wh=(2, 1000.0),
        ),
        "unit": _columns(
            f"{DATABUS}.11.1.1",
            "{unit}.1",
            power_w=7,
            current_a=(4, 0.01),
            apparent_power_va=6,
            power_factor=(3, 0.0001),
            energy_wh=(2, 1000.0),
        ),
        "phase": _columns(
            f"{DATABUS}.6.1.1",
            "{unit}.{phase}",
            power_w=10,
            current_a=(5, 0.01),
            voltage_v=(7, 0.01),
            apparent_power_va=9,
            power_factor=(4, 0.0001),
            energy_wh=(2, 1000.0),
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
