"""What is told of a maker's PDUs, and how objects become values.

Knows: the form in which a MIB is written down, scales (fixed, or read from the device), what is said instead of a
value. Does not know: any maker's MIB (`meters.snmp.pdus`), messages, wires, rows that are found by name
(`meters.snmp.rows`).

No MIB says over which time a power is averaged, nor how often there is a new one: given as instantaneous with an
unknown stamp, `wattlab meter check` measures how often it changes. No MIB states limits of error: a lab gives them with
`limits_percent`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from meters.meter import MeterGarbage
from meters.reading import Column, Reading, within

Place = Literal["outlet", "phase", "unit"]
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
    """One quantity: its object with `{unit}`, `{phase}` and `{outlet}` in it, and what one count is in our unit.

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
class Rows:
    """A table in which each quantity is a row of its own, which has a name, a unit and a scale.

    The objects have `{unit}` and `{row}` in them; `count` says how many rows there are. `names` are those of each
    quantity, of which a device has at most one, with `{phase}` and `{outlet}` in them.
    """

    count: str
    name: str
    unit: str
    scale: str
    value: str
    quality: str
    names: Mapping[Place, Mapping[str, tuple[str, ...]]]


@dataclass(frozen=True, slots=True)
class Mib:
    """One maker's PDUs: what to ask for an identity, for an outlet, a phase and the whole unit.

    `available` names an object that is one of `gone` while a sensor has no value (of a TruthValue, RFC 2579: false),
    `first_unit` the number of the only PDU where none is daisy-chained behind it. Where there are `rows`, quantities
    are found by their names.
    """

    driver: str
    maker: str
    family: str
    model: str
    serial: str
    firmware: str
    first_unit: int
    places: Mapping[Place, tuple[Quantity, ...]]
    available: Mapping[Place, str] = field(default_factory=dict)
    gone: frozenset[int] = frozenset({2})
    rows: Rows | None = None


@dataclass(frozen=True, slots=True)
class Point:
    """What is read: one outlet, one phase of the input (`outlet` 0), or the whole unit (both 0)."""

    unit: int
    outlet: int
    phase: int = 0

    @property
    def place(self) -> Place:
        """Of which table its objects are."""
        return "outlet" if self.outlet else "phase" if self.phase else "unit"

    @property
    def words(self) -> str:
        """How it is called in a sentence."""
        number = {"outlet": self.outlet, "phase": self.phase, "unit": self.unit}[self.place]
        return f"{self.place} {number}"

    def at(self, text: str, row: int = 0) -> str:
        """Return an object's identifier, or a row's name, here; an outlet of no phase is one of the first."""
        return text.format(unit=self.unit, outlet=self.outlet, phase=self.phase or 1, row=row)


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
