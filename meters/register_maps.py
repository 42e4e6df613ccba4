"""The register maps of Modbus meters, as data, and how a map turns registers into values.

Knows: where each quantity stands, word order, scaling, plausible limits, resolution, limits of error with their
source, how often the meter has a new value, what it can be asked about itself.
Does not know: frames, check sums, wires (`meters.modbus`).
Sources: PZEM-004T V3.0 data sheet; Eastron SDM120 and SDM230 Modbus protocol; the serial number at 0xFC00 from the
manual of the SDM320Y, a sister model (p. 41); aggsoft.com's list of the UMG 604. Taken from the code of others, not
from a manual: the meter codes of Eastron at 0xFC02 (Victron's dbus-modbus-client).
No test proves: that a PZEM answers a question for 9 registers, an SDM one for 32 (both are what Modbus demands), how
often each really has a new value, and the limits of error of the UMG 604, for which no manual was at hand.
"""

from __future__ import annotations

import math
import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from meters.meter import MeterGarbage
from meters.reading import Accuracy, Column, Reading, Tier, within

Values = Mapping[str, float | None]


@dataclass(frozen=True, slots=True)
class Register:
    """One quantity: its first register, its form, how many counts make one unit, what is plausible (in the unit).

    `u16` one register; `u32-low-first` two, the low word first; `f32` two, IEEE 754, the high word first.
    """

    quantity: str
    unit: str
    address: int
    form: Literal["u16", "u32-low-first", "f32"]
    per_unit: float
    low: float
    high: float
    resolution: float
    accuracy: Accuracy | None = None


@dataclass(frozen=True, slots=True)
class Block:
    """Registers read with one question. RTU numbers no questions, so two in a row never ask for the same `counts`:
    a reply that is late or comes twice is then none to the question after it."""

    start: int
    counts: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Ask:
    """What a meter is asked about itself (function 3): its own address, serial number, meter code, or mere presence:
    a register that every meter of the family has."""

    about: Literal["address", "serial", "code", "presence"]
    start: int
    count: int


@dataclass(frozen=True, slots=True)
class RegisterMap:
    """One family of meters. `refresh_s`: how often it has a new value; `asks`: the first is one it always answers;
    `codes`: meter codes of the family, with the name of each model, of which `model` is ours."""

    driver: str
    maker: str
    model: str
    function: Literal[3, 4]
    blocks: tuple[Block, ...]
    registers: tuple[Register, ...]
    asks: tuple[Ask, ...]
    window_s: float
    refresh_s: float
    tier: Tier
    signed: bool
    codes: Mapping[int, str]


PZEM_ACCURACY = Accuracy(0.5, 0.0, 0.0, "PZEM-004T V3.0 data sheet, 1.1.3, 1.2.4, 1.3.5, 1.5.3, 1.6.3")
PZEM_PF_ACCURACY = Accuracy(1.0, 0.0, 0.0, "PZEM-004T V3.0 data sheet, 1.4.3")

PZEM = RegisterMap(
    driver="pzem",
    maker="Peacefair",
    model="PZEM-004T v3 or PZEM-016",
    function=4,
    blocks=(Block(0, (10, 9)),),
    registers=(
        Register("voltage_v", "V", 0, "u16", 10, 0.0, 300.0, 0.1, PZEM_ACCURACY),
        Register("current_a", "A", 1, "u32-low-first", 1000, 0.0, 130.0, 0.001, PZEM_ACCURACY),
        Register("power_w", "W", 3, "u32-low-first", 10, 0.0, math.inf, 0.1, PZEM_ACCURACY),
        Register("energy_wh", "Wh", 5, "u32-low-first", 1, 0.0, 1e7, 1.0, PZEM_ACCURACY),
        Register("frequency_hz", "Hz", 7, "u16", 10, 0.0, 70.0, 0.1, PZEM_ACCURACY),
        Register("power_factor", "1", 8, "u16", 100, 0.0, 1.0, 0.01, PZEM_PF_ACCURACY),
    ),
    asks=(Ask("address", 1, 2),),
    window_s=1.0,
    refresh_s=1.0,
    tier="working",
    signed=False,
    codes={},
)

# The makers' manuals give the power a limit of the range, the energy a class: on the register, a light load is better.
SDM_SHEET = "Eastron SDM120-Modbus(mV) user manual V1.1, p. 2"
SDM_POWER = Accuracy(0.0, 1.0, 0.0, f"{SDM_SHEET}: 1 % of range maximum")
SDM_ENERGY = Accuracy(1.0, 0.0, 0.0, f"{SDM_SHEET}: class 1, IEC 62053-21 (from a tenth of the basic current on)")
SDM_VOLTAGE = Accuracy(0.0, 0.5, 0.0, f"{SDM_SHEET}: 0.5 % of range maximum")
SDM_PF = Accuracy(0.0, 1.0, 0.0, f"{SDM_SHEET}: 1 % of unity")
SDM_CODES = {32: "SDM120", 43: "SDM230", 112: "SDM630", 121: "SDM630MCT", 132: "SDM72D-M", 137: "SDM72D-M-2"}


def _sdm(driver: str, model: str, highest_a: float) -> RegisterMap:
    return RegisterMap(
        driver=driver,
        maker="Eastron",
        model=model,
        function=4,
        blocks=(Block(0x00, (0x20,)), Block(0x46, (6,))),
        registers=(
            Register("voltage_v", "V", 0x00, "f32", 1, 0.0, 320.0, 0.1, SDM_VOLTAGE),
            Register("current_a", "A", 0x06, "f32", 1, 0.0, highest_a, 0.001),
            Register("power_w", "W", 0x0C, "f32", 1, -math.inf, math.inf, 0.1, SDM_POWER),
            Register("apparent_power_va", "VA", 0x12, "f32", 1, -1e5, 1e5, 0.1),
            Register("power_factor", "1", 0x1E, "f32", 1, -1.001, 1.001, 0.001, SDM_PF),
            Register("frequency_hz", "Hz", 0x46, "f32", 1, 0.0, 70.0, 0.01),
            Register("energy_wh", "Wh", 0x48, "f32", 0.001, 0.0, 1e9, 1.0, SDM_ENERGY),
        ),
        asks=(Ask("presence", 0x14, 2), Ask("serial", 0xFC00, 2), Ask("code", 0xFC02, 1)),
        window_s=1.0,
        refresh_s=1.0,
        tier="indicative",
        signed=True,
        codes=SDM_CODES,
    )


SDM120 = _sdm("sdm120", "SDM120", 60.0)
SDM230 = _sdm("sdm230", "SDM230", 130.0)


def _umg604(power: int, apparent: int, energy: int, phase: int | None) -> RegisterMap:
    """`phase` 0 to 2, or `None` for the sum; cos phi (19044) is that of the fundamental, no power factor."""
    one_phase = (
        ()
        if phase is None
        else (
            Register("voltage_v", "V", 19000 + 2 * phase, "f32", 1, 0.0, 1000.0, 0.01),
            Register("current_a", "A", 19012 + 2 * phase, "f32", 1, 0.0, 10_000.0, 0.001),
        )
    )
    return RegisterMap(
        driver="umg604",
        maker="Janitza",
        model="UMG 604",
        function=3,
        blocks=(Block(19000, (72, 70)),),
        registers=(
            *one_phase,
            Register("power_w", "W", power, "f32", 1, -math.inf, math.inf, 0.01),
            Register("apparent_power_va", "VA", apparent, "f32", 1, 0.0, 1e9, 0.01),
            Register("frequency_hz", "Hz", 19050, "f32", 1, 0.0, 70.0, 0.01),
            Register("energy_wh", "Wh", energy, "f32", 1, 0.0, 1e12, 1.0),
        ),
        asks=(Ask("presence", 19050, 2),),
        window_s=0.2,
        refresh_s=0.2,
        tier="working",
        signed=True,
        codes={},
    )


UMG604 = {
    "L1": _umg604(19020, 19028, 19062, 0),
    "L2": _umg604(19022, 19030, 19064, 1),
    "L3": _umg604(19024, 19032, 19066, 2),
    "sum": _umg604(19026, 19034, 19068, None),
}


# --- registers -> values ------------------------------------------------------------------------------------------


MOST_IMPLAUSIBLE = 1  # values in a reply of this meter; more say that another one answers, or another map


def decode_block(register_map: RegisterMap, start: int, words: Sequence[int]) -> dict[str, float | None]:
    """Return the quantities that stand in `words`, read from register `start` on; `None` is no finite number.

    One value that no sound meter gives costs that quantity. Raises `MeterGarbage` where that is the power, and where
    there are several.
    """
    values: dict[str, float | None] = {}
    implausible: list[str] = []
    for register in register_map.registers:
        at = register.address - start
        width = 1 if register.form == "u16" else 2
        if at < 0 or at + width > len(words):
            continue
        value = _value(register, words[at : at + width])
        if value is not None and not register.low <= value <= register.high:
            implausible.append(_misfit(register, value))
            if register.quantity == "power_w" or len(implausible) > MOST_IMPLAUSIBLE:
                raise MeterGarbage("; ".join(implausible))
            value = None
        values[register.quantity] = value
    return values


def _misfit(register: Register, value: float) -> str:
    return (
        f"register {register.address} ({register.quantity}): found {value:g} {register.unit}, "
        f"expected {register.low:g} to {register.high:g}"
    )


def _value(register: Register, words: Sequence[int]) -> float | None:
    match register.form:
        case "u16":
            return words[0] / register.per_unit
        case "u32-low-first":
            return (words[0] | words[1] << 16) / register.per_unit
        case "f32":
            (number,) = struct.unpack(">f", struct.pack(">HH", *words))
            return number / register.per_unit if math.isfinite(number) else None


def to_reading(register_map: RegisterMap, values: Values, time_ns: int, range_w: float, *, stale: bool) -> Reading:
    """Return the values as a reading; power beyond `range_w` is `overrange`, power that is no number is `nan`."""
    power_w, flags = within(values.get("power_w"), range_w)
    if stale:
        flags |= {"stale"}
    return Reading(
        time_ns=time_ns,
        power_w=power_w,
        voltage_v=values.get("voltage_v"),
        current_a=values.get("current_a"),
        power_factor=values.get("power_factor"),
        frequency_hz=values.get("frequency_hz"),
        apparent_power_va=values.get("apparent_power_va"),
        energy_wh=values.get("energy_wh"),
        window_s=register_map.window_s,
        flags=flags,
    )


def columns(register_map: RegisterMap, range_w: float) -> tuple[Column, ...]:
    """Return the columns of the map's readings; the range of the power is what the lab says."""
    return tuple(
        Column(
            register.quantity,
            register.unit,
            register.resolution,
            ((-range_w if register_map.signed else 0.0), range_w)
            if register.quantity == "power_w"
            else (register.low, register.high),
            register.accuracy,
        )
        for register in register_map.registers
    )
