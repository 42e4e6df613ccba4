"""Where the power of a PDU stands in its MIB, as data, and how objects become values.

Knows: the objects of each maker for an outlet and for the whole unit, their scale (fixed, or read from the device),
what they say instead of a value, who is asked for the identity. Does not know: messages, wires (`meters.snmp`).

Sources, none of them a device of ours: APC PowerNet-MIB (rPDU2) and Eaton EATON-EPDU-MIB by NUT's tables of names and
scales (networkupstools/nut, apc-pdu-mib.c and eaton-pdu-marlin-mib.c) and by published pollers; Raritan PDU2-MIB by the
maker's MIB user guide and a published walk of a PX2 (LibreNMS, raritan-pdu_px2.snmprec: 68 W at .311 A, 3 decimal
digits); Server Technology Sentry4-MIB by a published walk of its input cord (LibreNMS, sentry4.snmprec: 1701 W of
1790 VA, power factor 95) and a printed walk of its outlets.
No MIB says over which time a power is averaged, nor how often there is a new one: given as instantaneous with an
unknown stamp, `wattlab meter check` measures how often it changes. No MIB states limits of error: a lab gives them with
`limits_percent`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from meters.meter import MeterGarbage
from meters.reading import Column, Reading, within

Place = Literal["outlet", "unit"]
Objects = Mapping[str, int | bytes | str | None]
"""What an agent answered, by object; a missing one is not in it."""

UNITS = {
    "power_w": "W", "voltage_v": "V", "current_a": "A", "power_factor": "1", "frequency_hz": "Hz",
    "apparent_power_va": "VA", "energy_wh": "Wh",
}  # fmt: skip
PLAUSIBLE = {
    "power_w": (-1e6, 1e6), "voltage_v": (0.0, 1000.0), "current_a": (0.0, 1000.0), "power_factor": (-1.0, 1.0),
    "frequency_hz": (0.0, 100.0), "apparent_power_va": (0.0, 1e6), "energy_wh": (0.0, 1e12),
}  # fmt: skip
NOT_THERE = -1
"""What Eaton, APC and Server Technology say for a quantity that an outlet does not have."""
MOST_DIGITS = 9


@dataclass(frozen=True, slots=True)
class Quantity:
    """One quantity: its object with `{unit}` and `{outlet}` in it, and what one count is in our unit.

    Where `digits` names an object, that one says how many decimal digits a count has, and `unit_code` which code of
    the object `code` is the unit expected here. `only_magnitude`: the sign is a convention of the device, not a
    direction.
    """

    name: str
    oid: str
    step: float = 1.0
    digits: str = ""
    code: str = ""
    unit_code: int = 0
    only_magnitude: bool = False


@dataclass(frozen=True, slots=True)
class Mib:
    """One maker's PDUs: what to ask for an identity, for an outlet and for the whole unit.

    `available` names an object that says 2 (false) while a sensor has no value, `first_unit` the number of the only
    PDU where none is daisy-chained behind it.
    """

    driver: str
    maker: str
    family: str
    model: str
    serial: str
    firmware: str
    first_unit: int
    places: Mapping[Place, tuple[Quantity, ...]]
    available: Mapping[Place, str]


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
    },
    available={},
)


def _raritan(values: str, digits: str, units: str) -> tuple[Quantity, ...]:
    """The sensors of an outlet or an inlet: the last part of the identifier is the type of the sensor."""
    types = (("power_w", 5, 3), ("current_a", 1, 2), ("voltage_v", 4, 1), ("apparent_power_va", 6, 4),
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
    },
    available={
        "outlet": f"{RARITAN}.5.4.3.1.2.{{unit}}.{{outlet}}.5",
        "unit": f"{RARITAN}.5.2.3.1.2.{{unit}}.1.5",
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
        ),
    },
    available={},
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
    },
    available={},
)
MIBS: Mapping[str, Mib] = {mib.driver: mib for mib in (RPDU2, PX, EPDU, SENTRY4)}


@dataclass(frozen=True, slots=True)
class Point:
    """What is read: the whole unit (`outlet` 0), or one outlet of it."""

    unit: int
    outlet: int

    @property
    def place(self) -> Place:
        """Of which table its objects are."""
        return "outlet" if self.outlet else "unit"

    def at(self, oid: str) -> str:
        """Return an object's identifier here."""
        return oid.format(unit=self.unit, outlet=self.outlet)


@dataclass(frozen=True, slots=True)
class Scaled:
    """A quantity at its point: its object, and what one count of it is in our unit."""

    name: str
    oid: str
    step: float
    only_magnitude: bool

    def column(self, range_w: float) -> Column:
        """Return how it is described; the power's range is what the lab says."""
        limits = (-range_w, range_w) if self.name == "power_w" else PLAUSIBLE[self.name]
        return Column(self.name, UNITS[self.name], self.step, limits, None)

    def value(self, objects: Objects) -> float | None:
        """Return the value among some objects, `None` where there is none now.

        Raises `MeterGarbage` where a power is no number or not plausible; any other quantity that is not costs itself.
        """
        counts, is_power = objects.get(self.oid), self.name == "power_w"
        if counts is None or counts == NOT_THERE:
            return None
        low, high = PLAUSIBLE[self.name]
        number = round(counts * self.step, 9) if isinstance(counts, int) else None
        if number is not None and self.only_magnitude:
            number = abs(number)
        if number is not None and low <= number <= high:
            return number
        if is_power:
            raise MeterGarbage(f"found {counts!r} at {self.oid}, expected a power of {low:g} to {high:g} W")
        return None


def scales_of(mib: Mib, point: Point) -> list[str]:
    """Return the objects that say how the quantities at a point are scaled; none where the MIB fixes it."""
    quantities = mib.places[point.place]
    return [point.at(oid) for quantity in quantities for oid in (quantity.digits, quantity.code) if oid]


def scaled(mib: Mib, point: Point, objects: Objects) -> Iterator[Scaled]:
    """Yield the quantities at a point that the device scales as we understand it; `objects` are those of `scales_of`.

    A unit that is another one than expected costs that quantity. Raises `MeterGarbage` where it is that of the power,
    or its digits are none.
    """
    for quantity in mib.places[point.place]:
        step, oid = quantity.step, point.at(quantity.oid)
        if quantity.digits:
            digits, code = objects.get(point.at(quantity.digits)), objects.get(point.at(quantity.code))
            is_known = isinstance(digits, int) and 0 <= digits <= MOST_DIGITS
            if not is_known or code not in (None, quantity.unit_code):
                if quantity.name != "power_w":
                    continue
                raise MeterGarbage(
                    f"found {digits!r} decimal digits and unit {code!r} of the power at {oid}, expected 0 to "
                    f"{MOST_DIGITS} and {quantity.unit_code} (W); check that this outlet is metered"
                )
            assert isinstance(digits, int)
            step = 10.0**-digits
        yield Scaled(quantity.name, oid, step, quantity.only_magnitude)


def reading_of(
    quantities: Sequence[Scaled], objects: Objects, time_ns: int, range_w: float, *, available: bool, stale: bool
) -> Reading:
    """Return the objects of one answer as a reading; a power that the device calls unavailable is `nan`."""
    values = {quantity.name: quantity.value(objects) for quantity in quantities}
    power = values.pop("power_w", None)
    power_w, flags = within(power if available else None, range_w)
    if stale:
        flags |= {"stale"}
    return Reading(time_ns=time_ns, power_w=power_w, **values, flags=flags)  # type: ignore[arg-type]
