"""Quantities that are rows of a table, each with a name, a unit and a scale of its own.

Knows: which rows are wanted, by name, and what one count of them is. Does not know: any maker's names
(`meters.snmp.pdus`), messages.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from meters.meter import MeterGarbage
from meters.snmp.mibs import Objects, Point, Rows, Scaled

MOST_ROWS = 4096
UNITS: Mapping[str, Mapping[str, float]] = {
    "power_w": {"W": 1.0, "kW": 1000.0},
    "current_a": {"A": 1.0, "mA": 0.001},
    "voltage_v": {"V": 1.0, "mV": 0.001},
    "apparent_power_va": {"VA": 1.0, "kVA": 1000.0},
    "power_factor": {"": 1.0},
    "energy_wh": {"kWh": 1000.0, "Wh": 1.0, "MWh": 1e6},
    "frequency_hz": {"Hz": 1.0},
}
"""What one of a device's units is in ours."""


def names_of(rows: Rows, point: Point, count: object) -> list[str]:
    """Return the objects with the names of all rows; raises `MeterGarbage` where their number is none."""
    if not isinstance(count, int) or not 0 < count <= MOST_ROWS:
        raise MeterGarbage(
            f"found {count!r} as the number of variables of unit {point.unit}, expected 1 to {MOST_ROWS}"
        )
    return [point.at(rows.name, row) for row in range(1, count + 1)]


def wanted(rows: Rows, point: Point, names: Objects) -> dict[str, int]:
    """Return the row of each quantity at a point, by the names that a device gives its rows."""
    numbers = {_text(name): int(oid.rpartition(".")[2]) for oid, name in names.items()}
    found: dict[str, int] = {}
    for quantity, known in rows.names[point.place].items():
        for name in known:
            if (row := numbers.get(point.at(name))) is not None:
                found.setdefault(quantity, row)
    return found


def scales_of(rows: Rows, point: Point, found: Mapping[str, int]) -> list[str]:
    """Return the objects that say how some rows are scaled."""
    return [point.at(oid, row) for row in found.values() for oid in (rows.unit, rows.scale)]


def scaled(rows: Rows, point: Point, found: Mapping[str, int], objects: Objects) -> Iterator[Scaled]:
    """Yield the quantities whose unit and scale are understood; `objects` are those of `scales_of`.

    Raises `MeterGarbage` where those of the power are not.
    """
    for quantity, row in found.items():
        unit, scale = _text(objects.get(point.at(rows.unit, row))), objects.get(point.at(rows.scale, row))
        factor = UNITS[quantity].get(unit)
        if factor is None or not isinstance(scale, int) or not scale:
            if quantity != "power_w":
                continue
            raise MeterGarbage(
                f"found the unit {unit!r} and the scale {scale!r} of the power at {point.at(rows.value, row)}, "
                f"expected {' or '.join(UNITS[quantity])}, and a number to multiply by, or (below 0) to divide by"
            )
        step = factor * scale if scale > 0 else factor / -scale
        # The sign of a power factor is whether the load is inductive.
        yield Scaled(quantity, point.at(rows.value, row), step, quantity == "power_factor")


def _text(value: object) -> str:
    return value.decode("utf-8", "replace").strip() if isinstance(value, bytes) else ""
