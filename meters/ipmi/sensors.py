"""Sensors of a BMC as its sensor data records (SDR) describe them: which measure watts, and what a raw byte is in W.

Knows: full records (IPMI 2.0, 43.1), their factors and linearisations (36.3), the answer to Get Sensor Reading (35.14)
and to Get Sensor Reading Factors (35.5). Does not know: how records are fetched (`meters.ipmi.dialogue`).

A sensor has 256 steps for its whole range: with a factor M of 8 a power comes in steps of 8 W, whatever decimals a
program prints. At the end of its scale it says no more how much there is.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

from meters.ipmi.inventory import decode_text
from meters.ipmi.messages import BMC
from meters.meter import MeterGarbage

FULL_RECORD: Final = 0x01
RECORD_HEADER: Final = 5
RECORD_BEGIN, UNITS_END = 8, 22
"""Up to where a record is read to know its kind, and whose sensor it is in which unit: 16 bytes at once is what every
BMC gives."""
NAME_AT: Final = 47
"""Where the type and length of the name stand in a full record."""
WATTS: Final = 6
NO_ANALOGUE: Final = 3
LINEAR, NON_LINEAR = 0x00, 0x70
SCANNING, UNAVAILABLE = 0x40, 0x20
LINEARISATIONS: Final[Mapping[int, Callable[[float], float]]] = {
    0x00: lambda x: x,
    0x01: math.log,
    0x02: math.log10,
    0x03: math.log2,
    0x04: math.exp,
    0x05: lambda x: 10.0**x,
    0x06: lambda x: 2.0**x,
    0x07: lambda x: 1.0 / x,
    0x08: lambda x: x * x,
    0x09: lambda x: x**3,
    0x0A: math.sqrt,
    0x0B: lambda x: math.copysign(abs(x) ** (1.0 / 3.0), x),
}


@dataclass(frozen=True, slots=True)
class Factors:
    """y = L[(m x + b 10^b_exponent) 10^r_exponent]."""

    m: int
    b: int
    b_exponent: int
    r_exponent: int


@dataclass(frozen=True, slots=True)
class Sensor:
    """A sensor of watts: its number and name, how its byte is signed (0: not, 1: ones' complement, 2: two's), its
    linearisation (`NON_LINEAR` or above: the factors depend on the byte and are asked for), its factors."""

    number: int
    name: str
    signing: int
    linearisation: int
    factors: Factors

    @property
    def is_linear(self) -> bool:
        """Whether one set of factors holds for all bytes."""
        return self.linearisation < NON_LINEAR


def decode_header(header: bytes) -> tuple[int, int]:
    """Return kind and whole length of a record, from its first 5 bytes; raises `MeterGarbage`."""
    if len(header) < RECORD_HEADER:
        raise MeterGarbage(f"found {len(header)} bytes of a sensor data record, expected {RECORD_HEADER} or more")
    return header[3], RECORD_HEADER + header[4]


def measures_watts(record: bytes) -> bool:
    """Whether a sensor is one of the BMC itself in plain watts, by the first 22 bytes of its full record or more.

    Raises `MeterGarbage` where there are fewer.
    """
    if len(record) < UNITS_END:
        raise MeterGarbage(f"found {len(record)} bytes of a sensor data record, expected 22 or more")
    owner, lun, first, base = record[5], record[6] & 3, record[20], record[21]
    is_plain = not first & 0x3F and first >> 6 != NO_ANALOGUE
    return owner == BMC and not lun and is_plain and base == WATTS


def decode_record(record: bytes) -> Sensor:
    """Return the sensor of a whole full record; raises `MeterGarbage`."""
    if len(record) <= NAME_AT or record[3] != FULL_RECORD:
        raise MeterGarbage(
            f"found a sensor data record of {len(record)} bytes, expected a full one of {NAME_AT} or more"
        )
    kind, length = record[NAME_AT] >> 6, record[NAME_AT] & 0x1F
    name = decode_text(kind, record[NAME_AT + 1 : NAME_AT + 1 + length])
    linearisation = record[23] & 0x7F
    if linearisation < NON_LINEAR and linearisation not in LINEARISATIONS:
        raise MeterGarbage(f"found the linearisation {linearisation:#04x} of sensor {name!r}, expected 0x00 to 0x0b")
    return Sensor(record[7], name, record[20] >> 6, linearisation, decode_factors(record[24:30]))


def decode_factors(data: bytes) -> Factors:
    """Return factors from the 6 bytes that a record and Get Sensor Reading Factors have; raises `MeterGarbage`."""
    if len(data) != 6:
        raise MeterGarbage(f"found {len(data)} bytes of a sensor's factors, expected 6")
    m, b = data[0] | (data[1] & 0xC0) << 2, data[2] | (data[3] & 0xC0) << 2
    return Factors(_signed(m, 10), _signed(b, 10), _signed(data[5] & 15, 4), _signed(data[5] >> 4, 4))


def _signed(number: int, bits: int) -> int:
    return number - (1 << bits) if number >> (bits - 1) & 1 else number


def decode_reading(data: bytes) -> int | None:
    """Return the raw byte of a sensor, `None` where it has none now; raises `MeterGarbage`."""
    if len(data) < 2:
        raise MeterGarbage(f"found {len(data)} bytes of a sensor's reading, expected 2 or more")
    return data[0] if data[1] & SCANNING and not data[1] & UNAVAILABLE else None


def is_at_end(sensor: Sensor, raw: int) -> bool:
    """Whether a byte is the end of the sensor's scale, where it says no more how much there is."""
    return raw == (0x7F if sensor.signing else 0xFF)


def watts_of(sensor: Sensor, raw: int, factors: Factors | None = None) -> float:
    """Return a raw byte in W, by the sensor's factors or those that hold for this byte.

    Raises `MeterGarbage` where that has no finite value.
    """
    use = sensor.factors if factors is None else factors
    x = raw
    if sensor.signing and raw & 0x80:
        x = raw - 0x100 + (1 if sensor.signing == 1 else 0)
    try:
        inner = (use.m * x + use.b * 10.0**use.b_exponent) * 10.0**use.r_exponent
        value = LINEARISATIONS[sensor.linearisation if sensor.is_linear else LINEAR](inner)
    except (ArithmeticError, ValueError):
        value = math.nan
    if not math.isfinite(value):
        raise MeterGarbage(f"found the byte {raw} of sensor {sensor.name!r}, which is no finite number of watts")
    return round(value, 9)


def step_of(sensor: Sensor, raw: int, factors: Factors | None = None) -> float:
    """Return how far the value moves with one step of the byte (W), at this byte."""
    below = raw - 1 if raw > 0 else raw + 1
    return abs(watts_of(sensor, raw, factors) - watts_of(sensor, below, factors)) or 1.0
