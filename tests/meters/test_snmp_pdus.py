"""Phases, and the PDUs of Schleifenbauer, Rittal and older ones of Server Technology, against values of real devices.

[L] published walks of LibreNMS (schleifenbauer, sentry3, sentry4). [C] a walk of a Rittal PDU in the tests of
Checkmk (cmciii). [O] a walk of an APC that Observium prints. The rest is the text of the MIBs.
"""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from meters.meter import MeterGarbage, MeterMismatch, MeterOptionError
from meters.registry import open_meter
from meters.snmp import rows
from meters.snmp.mibs import Mib, Objects, Point, reading_of, scaled
from meters.snmp.pdus import CMC3, EPDU, MIBS, RPDU2, SCHLEIFENBAUER, SENTRY3, SENTRY4
from tests.meters.conftest import StartEmulator
from tests.meters.snmp_agent import client

DATABUS, CDU, CMC = "1.3.6.1.4.1.31034.12.1.1.2", "1.3.6.1.4.1.1718.3.2", "1.3.6.1.4.1.2606.7.4.2.2.1"
RITTAL = {  # [C]: name, unit, scale, value
    3: ("Unit.Neutral Current.Value", "A", -100, 305),
    12: ("Unit.Power.Active.Value", "W", 1, 1639),
    13: ("Unit.Power.Active.SetPtHighAlarm", "W", 1, 0),
    20: ("Unit.Energy.Active.Value", "kWh", -10, 76365),
    26: ("Phase L1.Voltage.Value", "V", -10, 2299),
    35: ("Phase L1.Current.Value", "A", -100, 445),
    43: ("Phase L1.Power.Factor.Value", "", -100, 100),
    45: ("Phase L1.Power.Active.Value", "W", 1, 1023),
    54: ("Phase L1.Power.Apparent.Value", "VA", 1, 1023),
    55: ("Phase L1.Energy.Active.Value", "kWh", -10, 47722),
    78: ("Phase L2.Power.Active.Value", "W", 1, 311),
    111: ("Phase L3.Power.Active.Value", "W", 1, 305),
}
assert CMC3.rows is not None
ROWS = CMC3.rows


def values(mib: Mib, point: Point, objects: Objects) -> dict[str, float | None]:
    quantities = list(scaled(mib, point, objects))
    reading = reading_of(quantities, objects, 1, 7400.0, available=True, stale=False)
    return {quantity.name: getattr(reading, quantity.name) for quantity in quantities}


def told(table: str, place: str, **columns: tuple[int, int]) -> dict[str, int | bytes | str | None]:
    """Objects of one row: column and value of each."""
    return {f"{table}.{column}.{place}": value for column, value in columns.values()}


# --- tables ---------------------------------------------------------------------------------------------------------


def test_a_phase_of_an_apc() -> None:
    walk = told("1.3.6.1.4.1.318.1.1.26.6.3.1", "1", current=(5, 28), voltage=(6, 228), power=(7, 57))  # [O]
    found = values(RPDU2, Point(1, 0, 1), walk)
    assert (found["power_w"], found["voltage_v"], found["current_a"]) == (570.0, 228.0, 2.8)


def test_a_phase_of_an_eaton() -> None:
    row = "1.3.6.1.4.1.534.6.6.7.3.4.1"
    walk = told(row, "0.1.2", va=(3, 210), watts=(4, 177), energy=(5, 4242), factor=(7, -892))
    assert values(EPDU, Point(0, 0, 2), walk) == {
        "power_w": 177.0, "current_a": None, "apparent_power_va": 210.0, "energy_wh": 4242.0, "power_factor": 0.892,
    }  # fmt: skip


def test_the_phases_of_a_sentry_make_its_input_cord() -> None:
    measured = {1: (2079, 209, 415), 2: (2089, 222, 444), 3: (2094, 429, 848)}  # [L]
    found: list[float] = []
    for phase, (volts, amperes, watts) in measured.items():
        walk = told(
            "1.3.6.1.4.1.1718.4.1.5.3.1", f"1.1.{phase}", volts=(3, volts), amperes=(6, amperes), watts=(8, watts)
        )
        told_of = values(SENTRY4, Point(1, 0, phase), walk)
        assert (told_of["voltage_v"], told_of["current_a"]) == (volts / 10, amperes / 100)
        assert told_of["power_w"] is not None
        found.append(told_of["power_w"])
    assert sum(found) == pytest.approx(1701, rel=0.005)  # [L] of the cord, a moment before


def test_an_input_of_a_schleifenbauer_at_its_address_on_the_databus() -> None:
    walk = told(f"{DATABUS}.6.1.1", "210.1", kwh=(2, 66), pf=(4, 4594), amperes=(5, 32), volts=(7, 22900), va=(9, 70))
    found = values(SCHLEIFENBAUER, Point(210, 0, 1), walk)  # [L]
    assert found == {
        "power_w": None, "current_a": 0.32, "voltage_v": 229.0, "apparent_power_va": 70.0, "power_factor": 0.4594,
        "energy_wh": 66_000.0,
    }  # fmt: skip
    idle = told(f"{DATABUS}.6.1.1", "210.2", pf=(4, 10000), amperes=(5, 0), volts=(7, 22860), va=(9, 0))  # [L]
    assert values(SCHLEIFENBAUER, Point(210, 0, 2), idle)["power_factor"] == 1.0


def test_an_outlet_and_the_whole_of_a_schleifenbauer() -> None:
    outlet = told(f"{DATABUS}.7.2.1", "1.8", kwh=(2, 3), pf=(4, 9512), amperes=(5, 47), watts=(11, 103), va=(10, 108))
    found = values(SCHLEIFENBAUER, Point(1, 8), outlet)
    assert (found["power_w"], found["power_factor"], found["energy_wh"]) == (103.0, 0.9512, 3000.0)
    assert values(SCHLEIFENBAUER, Point(1, 0), told(f"{DATABUS}.11.1.1", "1.1", watts=(7, 640)))["power_w"] == 640.0


def test_an_outlet_of_a_sentry_3_is_one_of_an_infeed() -> None:
    outlet = told(f"{CDU}.3.1", "1.2.7", amperes=(7, 48), volts=(13, 2093), watts=(14, 96), wh=(18, 12345), pf=(16, -1))
    assert values(SENTRY3, Point(1, 7, 2), outlet) == {
        "power_w": 96.0, "current_a": 0.48, "voltage_v": 209.3, "apparent_power_va": None, "power_factor": None,
        "energy_wh": 12345.0,
    }  # fmt: skip
    walk = told(f"{CDU}.2.1", "1.1", load=(7, 362), volts=(11, 2093))  # [L] an infeed whose power nobody measures
    assert set(values(SENTRY3, Point(1, 0, 1), walk).values()) == {None}


# --- rows with names -----------------------------------------------------------------------------------------------


def rittal(changed: Mapping[int, tuple[str, str, int, int]] = {}) -> Objects:
    objects: dict[str, int | bytes | str | None] = {}
    for row, (name, unit, scale, value) in (RITTAL | dict(changed)).items():
        objects |= {f"{CMC}.{column}.1.{row}": text.encode() for column, text in ((3, name), (5, unit))}
        objects |= {f"{CMC}.7.1.{row}": scale, f"{CMC}.11.1.{row}": value}
    return objects


def found_in(point: Point, objects: Objects) -> dict[str, float | None]:
    names = {oid: value for oid, value in objects.items() if oid.startswith(f"{CMC}.3.")}
    quantities = list(rows.scaled(ROWS, point, rows.wanted(ROWS, point, names), objects))
    reading = reading_of(quantities, objects, 1, 7400.0, available=True, stale=False)
    return {quantity.name: getattr(reading, quantity.name) for quantity in quantities}


def test_a_rittal_says_itself_what_its_rows_are() -> None:
    assert found_in(Point(1, 0), rittal()) == {"power_w": 1639.0, "energy_wh": 7_636_500.0}
    assert found_in(Point(1, 0, 1), rittal()) == {
        "power_w": 1023.0, "current_a": 4.45, "voltage_v": 229.9, "apparent_power_va": 1023.0, "power_factor": 1.0,
        "energy_wh": 4_772_200.0,
    }  # fmt: skip
    phases = [found_in(Point(1, 0, phase), rittal())["power_w"] for phase in (1, 2, 3)]
    assert phases == [1023.0, 311.0, 305.0]
    assert sum(filter(None, phases)) == 1639.0  # what the unit says of itself


def test_a_socket_of_a_rittal_has_two_digits_and_an_inline_meter_says_total() -> None:
    named = {12: ("Sockets.Socket 03.Power.Active.Value", "W", 1, 51), 13: ("Total.Power.Active.Value", "kW", -10, 18)}
    assert found_in(Point(1, 3), rittal(named)) == {"power_w": 51.0}
    assert found_in(Point(1, 0), rittal(named))["power_w"] == 1800.0


@pytest.mark.parametrize(("unit", "scale"), [("var", 1), ("W", 0), ("", -10)])
def test_a_power_whose_unit_or_scale_is_none_is_refused(unit: str, scale: int) -> None:
    with pytest.raises(MeterGarbage, match=r"expected W or kW, and a number to multiply by"):
        found_in(Point(1, 0), rittal({12: ("Unit.Power.Active.Value", unit, scale, 1)}))
    other = rittal({20: ("Unit.Energy.Active.Value", unit, scale, 1)})
    assert found_in(Point(1, 0), other) == {"power_w": 1639.0}


@pytest.mark.parametrize("count", [None, 0, -1, 5000, b"12"])
def test_a_number_of_rows_that_is_none_is_refused(count: object) -> None:
    with pytest.raises(MeterGarbage, match="variables of unit 1, expected 1 to 4096"):
        rows.names_of(ROWS, Point(1, 0), count)


# --- dialogues ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", MIBS)
def test_an_outlet_a_phase_and_the_whole_unit_are_read(name: str, start_emulator: StartEmulator) -> None:
    emulator = start_emulator("--profile", "watts=0:510", "--interval", "0.05", name=name)
    found: dict[str, float | None] = {}
    for place, options in (("outlet", {"outlet": 1}), ("phase", {"phase": 1}), ("unit", {})):
        meter = open_meter(name, emulator.address, capture=None, options={"interval_s": 0.05, **options})
        found[place] = meter.read(5.0).power_w
        quantities = {column.name for column in meter.describe().columns}
        assert {"power_w", "energy_wh"} <= quantities or (name, place) == ("apc-rpdu2", "phase")
        meter.close()
    assert found["outlet"] == 510.0
    assert found["phase"] == found["unit"] == pytest.approx(513.0, abs=5.0)


def test_what_a_rittal_has_not_is_named_and_a_value_of_no_quality_is_none(start_emulator: StartEmulator) -> None:
    emulator = start_emulator("--profile", "watts=0:51", "--interval", "0.05", name="rittal-cmc3")
    with pytest.raises(MeterMismatch, match="the agent has no power of outlet 9"):
        open_meter("rittal-cmc3", emulator.address, capture=None, options={"outlet": 9})
    with pytest.raises(MeterMismatch, match="has nothing of this MIB"):
        open_meter("rittal-cmc3", emulator.address, capture=None, options={"unit": 2})
    with pytest.raises(MeterOptionError, match=r"option phase is 1\.5, expected a whole number"):
        open_meter("rittal-cmc3", emulator.address, capture=None, options={"phase": 1.5})
    number = int(emulator.address.rpartition(":")[2])
    walk = client("snmpbulkwalk", number, "-v2c", "-c", "public", f"{CMC}.3").stdout
    assert walk.count("Sockets.Socket 0") == 24
