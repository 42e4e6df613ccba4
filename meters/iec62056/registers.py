"""Power, energy and identity out of the data sets of a meter.

Knows: units, numbers, where a serial number stands. Does not know: which code is which quantity (`meters.obis`), data
lines (`meters.iec62056.data_lines`), when they come.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from decimal import Decimal

from meters.iec62056.data_lines import ELECTRICITY, NOTHING, NUMBER, DataSet
from meters.iec62056.messages import Identification
from meters.obis import Quantity, Registers, Unit
from meters.reading import Accuracy, Description, Identity, Reading

DRIVER = "iec62056"

UNITS: Mapping[Unit, Mapping[str, int]] = {
    "W": {"W": 1, "kW": 1000},
    "Wh": {"Wh": 1, "kWh": 1000, "MWh": 1_000_000},
    "V": {"V": 1},
    "A": {"A": 1},
    "Hz": {"Hz": 1},
}
SERIALS = ("0-96.1.0", "0-96.1.255", "1-96.1.0", "1-0.0.9", "1-0.0.0", "0-0.0.0", "1-C.1.0", "0-C.1.0", "0-96.1.1")


class DataSetRegisters(Registers):
    """The registers of one data block."""

    decimals = 6
    highest_wh = 1e13
    power_codes = "16.7.0, 1.7.0"

    def __init__(self, sets: Mapping[str, DataSet]) -> None:
        self._sets = sets

    def find(self, code: str, unit: Unit) -> Quantity | None:
        """Return a register in `unit`, `None` where the meter has no such one.

        Its value is `None` where the meter shows no number; where it is not understood, a remark says why.
        """
        data_set = self._sets.get(f"{ELECTRICITY}-{code}")
        if data_set is None:
            return None
        if data_set.trouble:
            return Quantity(None, (code,), remark=f"{code} is not read: {data_set.trouble}")
        if not data_set.value.strip("-. "):
            return Quantity(None, (code,))
        remark, sent_unit, factors = "", data_set.unit, UNITS[unit]
        if not sent_unit and unit == "Wh" and "." in data_set.value:
            sent_unit, remark = "kWh", f"{code} comes without a unit; it is taken as kWh, as such meters mean it"
        if sent_unit not in factors:
            remark = f"{code} is not read: found unit {sent_unit!r}, expected one of {', '.join(factors)}"
            return Quantity(None, (code,), remark=remark)
        if not NUMBER.fullmatch(data_set.value):
            return Quantity(None, (code,), remark=f"{code} is not read: found {data_set.value!r}, expected a number")
        step = factors[sent_unit] * Decimal(10) ** -len(data_set.value.partition(".")[2])
        return Quantity(float(Decimal(data_set.value) * factors[sent_unit]), (code,), float(step), remark)

    def momentary_groups(self) -> Iterable[int]:
        """Return group C of every momentary value of electricity."""
        names = (code.removeprefix(f"{ELECTRICITY}-") for code in self._sets if code.startswith(f"{ELECTRICITY}-"))
        return (int(c) for c, d, _e in (name.split(".") for name in names) if c.isdigit() and d == "7")


def identify(identification: Identification, sets: Mapping[str, DataSet]) -> Identity:
    """Return maker and name from the identification line, serial number and firmware from the registers."""
    serial = next((sets[code].value for code in SERIALS if code in sets and sets[code].value), "")
    firmware = sets.get("1-0.2.0", NOTHING).value
    return Identity(identification.maker, identification.name, serial, firmware)


def to_reading(sets: Mapping[str, DataSet], time_ns: int, range_w: float, resynced: bool) -> Reading:
    """Return the registers as SI values (`meters.obis.Registers.reading`)."""
    return DataSetRegisters(sets).reading(time_ns, range_w, frozenset({"resynced"} if resynced else ()))


def describe(sets: Mapping[str, DataSet], latency_s: float, range_w: float, accuracy: Accuracy | None) -> Description:
    """Return the columns of what a meter has sent, and what of it was left out or taken by convention."""
    return DataSetRegisters(sets).describe(DRIVER, latency_s, range_w, accuracy)
