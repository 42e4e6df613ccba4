"""Which records of a readout are the meter's power, energy, voltage, current and frequency of now.

Knows: what of a record makes it another value (a maximum, a stored one, a tariff's, a phase's, a part's), what a lab
has to say where a meter does not. Does not know: how a record is coded (`meters.mbus.records`).

The power is the one record in watts that nothing qualifies; else what is imported less what is exported (VIFE 3B and
3C); else the one that the maker qualifies by 0, beside phases 1 to 3, as Saia-Burgess and others do; else the only one
there is. Several alike (Eastron's SDM630 sends four) are told apart by nothing in the telegram: the lab names a place.
A stored power, and that of a part of the device, which mostly is a reactive one, is never taken by itself.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Final

from meters.mbus.records import Header, Record
from meters.meter import MeterGarbage, MeterOptionError
from meters.polled_http import Value, reading_of
from meters.reading import Accuracy, Column, Identity, Reading

IMPORT, EXPORT, MAKERS_TOTAL = b"\x3b", b"\x3c", b"\x00"
MODEL, FIRMWARE = b"\xfd\x0c", (b"\xfd\x0e", b"\xfd\x0f")
OTHERS: Final = (("voltage_v", "V", 1000.0), ("current_a", "A", 1000.0), ("frequency_hz", "Hz", 100.0))
HIGHEST_WH: Final = 1e13
MOST_SHOWN: Final = 12


@dataclass(frozen=True, slots=True)
class Choice:
    """What was taken for a quantity: its value with the step of its last digit, and in words why, where that is not
    plain."""

    value: Value
    remark: str = ""


def power_of(records: Sequence[Record], place: int | None = None) -> Choice:
    """Return the power of now (W), or that at a place; raises `MeterGarbage`, `MeterOptionError` where it is not told
    which one that is."""
    watts = [record for record in records if record.unit == "W"]
    if place is not None:
        return _named(records, place)
    present = _present(watts)
    plain = [record for record in present if not record.qualifiers and not record.is_makers]
    if len(plain) == 1:
        return _choice(plain[0])
    if plain:
        raise MeterOptionError(
            f"found {len(plain)} records of power that nothing tells apart ({_shown(plain)}); name one by option record"
        )
    flows = {flow: [record for record in present if record.qualifiers == flow] for flow in (IMPORT, EXPORT)}
    if len(flows[IMPORT]) == 1 and len(flows[EXPORT]) <= 1:
        return _net(flows[IMPORT][0], *flows[EXPORT])
    totals = [record for record in present if record.is_makers and record.qualifiers == MAKERS_TOTAL]
    chosen = totals if len(totals) == 1 else present
    if len(chosen) == 1:
        words = f"the power is record {chosen[0].place}, which the maker qualifies by {chosen[0].qualifiers.hex()}"
        return _choice(chosen[0], f"{words}; what that means no standard says")
    if present:
        raise MeterOptionError(f"found no total among the powers ({_shown(present)}); name one by option record")
    parts = [record for record in watts if record.function == "now" and not record.storage]
    if parts:
        raise MeterOptionError(f"found powers of parts only ({_shown(parts)}); name one by option record")
    if watts:
        raise MeterGarbage(f"found no power of now, only others ({_shown(watts)}); a stored one is no present value")
    raise MeterGarbage(f"found {len(records)} records and none in watts, expected one; this meter tells energy only")


def _named(records: Sequence[Record], place: int) -> Choice:
    record = next((record for record in records if record.place == place), None)
    if record is None or record.unit != "W":
        watts = _shown([record for record in records if record.unit == "W"]) or "none"
        raise MeterOptionError(f"option record is {place}, expected the place of a power; there are: {watts}")
    return _choice(record, "" if record.function == "now" and not record.storage else "a record of the lab's choice")


def _present(records: Iterable[Record]) -> list[Record]:
    """Return the records of now, of all tariffs and the whole device."""
    return [
        record
        for record in records
        if record.function == "now" and not record.storage and not record.tariff and not record.part
    ]


def _choice(record: Record, remark: str = "") -> Choice:
    return Choice(Value(record.value, record.step), remark)


def _net(imported: Record, *exported: Record) -> Choice:
    """Return what is drawn less what is delivered."""
    if not exported or imported.value is None:
        return _choice(imported)
    delivered = exported[0].value
    value = None if delivered is None else round(imported.value - delivered, 9)
    return Choice(Value(value, max(imported.step, exported[0].step)))


def energy_of(records: Sequence[Record]) -> Choice | None:
    """Return the energy that was drawn (Wh): the register of all tariffs, else the sum of the tariffs; `None` where it
    is not told which that is."""
    energies = [
        record
        for record in records
        if record.unit == "Wh" and record.function == "now" and not record.storage and not record.part
        and not record.is_makers and record.qualifiers in (b"", IMPORT)
    ]  # fmt: skip
    whole = [record for record in energies if not record.tariff]
    if len(whole) == 1:
        return _choice(whole[0])
    tariffs = sorted(record.tariff for record in energies)
    if whole or not tariffs or tariffs != list(range(1, len(tariffs) + 1)):
        return None
    values = [record.value for record in energies if record.value is not None]
    step = max(record.step for record in energies)
    total = round(sum(values), 6) if len(values) == len(energies) else None
    remark = f"the energy is the sum of {len(tariffs)} tariffs" if len(tariffs) > 1 else ""
    return Choice(Value(total, step), remark)


def choices_of(records: Sequence[Record], place: int | None = None) -> dict[str, Choice]:
    """Return what is read of a readout, by quantity; raises as `power_of`.

    A quantity that several records have alike, or that is not plausible, is left out.
    """
    chosen = {"power_w": power_of(records, place)}
    for quantity, unit, highest in OTHERS:
        alike = [record for record in _present(records) if record.unit == unit]
        plain = [record for record in alike if not record.qualifiers and not record.is_makers] or alike
        if len(plain) == 1 and _is_plausible(plain[0].value, highest):
            chosen[quantity] = _choice(plain[0])
    energy = energy_of(records)
    if energy is not None and _is_plausible(energy.value.value, HIGHEST_WH):
        chosen["energy_wh"] = energy
    return chosen


def _is_plausible(value: float | None, highest: float) -> bool:
    return value is not None and 0.0 <= value <= highest


def identify(header: Header, records: Sequence[Record]) -> Identity:
    """Return who the meter says it is: maker's letters, model where it has one as text, number, firmware."""

    def text_of(is_asked: Callable[[bytes], bool]) -> str:
        return next((record.text for record in records if record.text and is_asked(record.code)), "")

    firmware = text_of(FIRMWARE.__contains__) or f"version {header.version}"
    return Identity(header.maker, text_of(MODEL.__eq__), header.number, firmware)


def columns_of(choices: dict[str, Choice], range_w: float, accuracy: Accuracy | None) -> tuple[Column, ...]:
    """Return how the quantities are described; `accuracy` is that of power and energy."""
    highest = {quantity: (unit, 0.0, limit) for quantity, unit, limit in OTHERS}
    highest |= {"power_w": ("W", -range_w, range_w), "energy_wh": ("Wh", 0.0, HIGHEST_WH)}
    return tuple(
        Column(
            quantity,
            highest[quantity][0],
            choice.value.step,
            highest[quantity][1:],
            accuracy if quantity in ("power_w", "energy_wh") else None,
        )
        for quantity, choice in choices.items()
    )


def to_reading(
    choices: dict[str, Choice], time_ns: int, range_w: float, *, stale: bool, flags: frozenset[str]
) -> Reading:
    """Return the values with `flags`; power beyond `range_w` is `overrange`, power that is none is `nan`."""
    values = {quantity: choice.value for quantity, choice in choices.items()}
    reading = reading_of(values, time_ns, range_w, stale=stale)
    return replace(reading, flags=reading.flags | flags)


def _shown(records: Sequence[Record]) -> str:
    """Return records in a sentence: place, value, what qualifies them."""
    words = []
    for record in records[:MOST_SHOWN]:
        marks: list[str] = [record.function] if record.function != "now" else []
        marks += [f"{name} {number}" for name, number in _numbers(record) if number]
        marks += [f"qualified by {record.qualifiers.hex()}"] if record.qualifiers else []
        value = "no value" if record.value is None else f"{record.value:g} W"
        words.append(f"record {record.place}: {value}{''.join(', ' + mark for mark in marks)}")
    return "; ".join(words) + ("; ..." if len(records) > MOST_SHOWN else "")


def _numbers(record: Record) -> tuple[tuple[str, int], ...]:
    return ("storage", record.storage), ("tariff", record.tariff), ("part", record.part)
