"""Requests and registers: bytes to values, what may be said, which scale the settings of the chip give.

Knows: the frame and the register map; pure functions. Does not know: when something is asked
(`meters.mcp39f511n.dialogue`).
"""

from __future__ import annotations

import re
import struct
from dataclasses import dataclass

from meters.meter import (
    MeterGarbage,
    MeterMismatch,
    MeterRefused,
)
from meters.reading import Identity, Reading

DRIVER = "mcp39f511n"
BOTH = "both"
NOISE_LIMIT = 256

ACK, NAK, CHECKSUM_FAIL = 0x06, 0x15, 0x51
AT_STATUS, AT_VERSION, AT_ENERGY = 0x02, 0x04, 0x2E
AT_CONFIGURATION, AT_ACCUMULATION, AT_RANGE_1, AT_RANGE_2 = 0xA0, 0xA8, 0xAE, 0xBE
FRAME = struct.Struct("<HHHHhhIIII")
SATURATED = 0xFFFFFFFF

VOLTAGE_RANGE, CURRENT_RANGE = 18, 12
POWER_RANGES = range(1, 32)
POWER_RANGE = 19
FACTOR_LSB = 2.0**-15
VOLTS, AMPERES, HERTZ, WATTS = 10, 10_000, 1000, 100  # counts in each, the power counts at POWER_RANGE
MAINS_HZ = (45.0, 65.0)

# What the driver may say: set the address and read, or set the accumulation interval. Saving to flash (53), EEPROM
# (42, 50, 4F), calibration (5A, 7A, 76) and every other register are not among it.
ALLOWED = re.compile(rb"\x41\x00[\x00-\xDE]\x4E[\x01-\x20]|\x41\x00\xA8\x4D\x02[\x01-\x08]\x00", re.DOTALL)


def sum8(data: bytes) -> int:
    """Return the checksum over `data`."""
    return sum(data) & 0xFF


def encode_request(commands: bytes) -> bytes:
    """Return the frame around `commands`; raises `MeterRefused` for what can change more than the interval."""
    if not ALLOWED.fullmatch(commands):
        raise MeterRefused(
            f"{DRIVER}: the driver does not send {commands.hex(' ')}; it reads registers and sets nothing but the "
            "accumulation interval"
        )
    frame = bytes([0xA5, len(commands) + 3]) + commands
    return frame + bytes([sum8(frame)])


def encode_read(address: int, count: int) -> bytes:
    """Return the request for `count` bytes (1 to 32) from register `address` on."""
    return encode_request(bytes([0x41, 0x00, address, 0x4E, count]))


def encode_accumulation(n: int) -> bytes:
    """Return the request that sets a window to 2^`n` line cycles (1 to 8) until the chip loses power."""
    return encode_request(bytes([0x41, 0x00, AT_ACCUMULATION, 0x4D, 2, n, 0]))


def decode_reply(data: bytes, count: int) -> bytes | None:
    """Return the `count` bytes in a reply (0: the chip only acknowledges), `None` while it is not complete.

    00 before and after a reply are noise on the line and ignored. Raises `MeterGarbage` for everything else that is
    not exactly this reply.
    """
    reply = data.lstrip(b"\0")
    if len(data) - len(reply) > NOISE_LIMIT:
        raise MeterGarbage(f"found more than {NOISE_LIMIT} times 00, expected a reply; check the wiring")
    if not reply:
        return None
    if reply[0] == NAK:
        raise MeterGarbage("found 15, the chip does not understand the request; is it an MCP39F511N?")
    if reply[0] == CHECKSUM_FAIL:
        raise MeterGarbage("found 51, the request reached the chip damaged; check cable and baud rate")
    if reply[0] != ACK:
        raise MeterGarbage(f"found {shown(reply)}, expected a reply that begins with 06")
    length = count + 3 if count else 1
    if count and len(reply) > 1 and reply[1] != length:
        raise MeterGarbage(f"found {shown(reply)}, expected a reply of {length} bytes")
    if len(reply) < length:
        return None
    if count and sum8(reply[: length - 1]) != reply[length - 1]:
        raise MeterGarbage(f"found {shown(reply)}, expected the checksum {sum8(reply[: length - 1]):02x} at its end")
    if reply[length:].strip(b"\0"):
        raise MeterGarbage(f"found {shown(reply)}, expected nothing after its {length} bytes")
    return reply[2 : length - 1]


@dataclass(frozen=True, slots=True)
class Counts:
    """The registers of one window as they stand; pairs are outlet 1, outlet 2."""

    status: int
    voltage: int
    frequency: int
    factors: tuple[int, int]
    currents: tuple[int, int]
    powers: tuple[int, int]


def decode_frame(data: bytes) -> Counts:
    """Return the registers 0x02 to 0x1D out of `data`, which begins at 0x02; raises `MeterGarbage` if it is short."""
    if len(data) < FRAME.size:
        raise MeterGarbage(f"found {len(data)} bytes from 0x02 on, expected at least {FRAME.size}")
    status, _version, voltage, frequency, factor_1, factor_2, *pairs = FRAME.unpack_from(data)
    current_1, current_2, power_1, power_2 = pairs
    return Counts(status, voltage, frequency, (factor_1, factor_2), (current_1, current_2), (power_1, power_2))


@dataclass(frozen=True, slots=True)
class Scale:
    """What the settings of the chip make of its counts: cycles in a window, steps of 10 mW in a count of power."""

    cycles: int
    power_steps: tuple[float, float]


def decode_scale(accumulation: bytes, range_1: bytes, range_2: bytes) -> Scale:
    """Return the scale that registers 0xA8 (2 bytes), 0xAE and 0xBE (4 bytes each) give.

    Raises `MeterMismatch` where no scale is known for them, `MeterRefused` for N = 0, which gives wrong powers.
    """
    n = int.from_bytes(accumulation, "little")
    if n == 0:
        raise MeterRefused(
            "accumulation interval N = 0 at 0xA8, a window of one line cycle, gives wrong powers; "
            "switch the board off and on, or set the option accumulation_n"
        )
    settings = f"N = {n} at 0xA8, ranges {range_1.hex(' ')} at 0xAE, {range_2.hex(' ')} at 0xBE"
    known = (
        n <= 8
        and (range_1[0], range_1[1], range_2[1]) == (VOLTAGE_RANGE, CURRENT_RANGE, CURRENT_RANGE)
        and range_1[2] in POWER_RANGES
        and range_2[2] in POWER_RANGES
    )
    if not known:
        raise MeterMismatch(
            f"found {settings}, expected N of 1 to 8, voltage range {VOLTAGE_RANGE}, current ranges {CURRENT_RANGE}, "
            f"power ranges 1 to 31; this is no MCP39F511N, or its ranges were changed: then no scale is known"
        )
    return Scale(2**n, (power_steps(range_1[2]), power_steps(range_2[2])))


def power_steps(power_range: int) -> float:
    """Return how many steps of 10 mW one count of active power is at this range."""
    return float(2.0 ** (power_range - POWER_RANGE))


def check_two_channels(data: bytes) -> None:
    """Raise `MeterMismatch` if 28 bytes from 0x02 on obey the relations of the single-channel map under a load.

    There PF stands at 0x0C, I at 0x0E, P at 0x12, S at 0x1A (klebol/MCP39F511N_Library `mcp39f511.h`).
    """
    dual = decode_frame(data)
    apparent = dual.powers[1]
    factor, current, power = dual.factors[1], dual.currents[0], dual.currents[1]
    product_va = dual.voltage / VOLTS * current / AMPERES

    def near(found_counts: int, expected_va: float) -> bool:
        return abs(found_counts / WATTS - expected_va) < 0.02 * product_va

    single = near(apparent, product_va) and near(power, product_va * abs(factor) * FACTOR_LSB)
    if product_va >= 2.0 and single and not near(dual.powers[0], product_va * abs(dual.factors[0]) * FACTOR_LSB):
        raise MeterMismatch(
            f"found apparent power {apparent / WATTS:.2f} VA at 0x1A and power {power / WATTS:.2f} W at "
            "0x12, as the single-channel MCP39F511 and MCP39F511A have them; expected the dual-channel MCP39F511N"
        )


def negative(status: int, channel: int, sign_bits: str) -> bool:
    """Return whether the status word calls the power of `channel` (0 or 1) negative.

    Raises `MeterGarbage` where the word contradicts the option `sign_bits` (see the module's docstring).
    """
    if sign_bits == "4-7" and status & 0xF0:
        return not status >> (4 + 2 * channel) & 1
    if sign_bits == "0-3" and not status & 0xF0:
        return bool(status >> channel & 1)
    bits, option = ("bits 4 to 7 in use", "4-7") if sign_bits == "0-3" else ("none of bits 4 to 7 set", "0-3")
    raise MeterGarbage(
        f"found the status word {status:04x} with {bits}, not expected of a load that takes power with the option "
        f"sign_bits '{sign_bits}'; set sign_bits = '{option}'"
    )


def power_w(counts: Counts, scale: Scale, channel: int, sign_bits: str) -> float | None:
    """Return the power of `channel` (0 or 1) in watts, `None` where a register is at its end.

    Raises `MeterGarbage` where it exceeds V * I by more than a tenth.
    """
    if SATURATED in (counts.powers[channel], counts.currents[channel]):
        return None
    counted_w = counts.powers[channel] * scale.power_steps[channel] / WATTS
    limit_va = counts.voltage / VOLTS * counts.currents[channel] / AMPERES
    if counted_w > 1.1 * limit_va + 1.0:
        raise MeterGarbage(
            f"found {counted_w:.2f} W on outlet {channel + 1}, expected no more than V * I = {limit_va:.2f} VA; "
            "its ranges or gains are not those this driver knows"
        )
    return -counted_w if counted_w and negative(counts.status, channel, sign_bits) else counted_w


def to_reading(counts: Counts, scale: Scale, channel: str, sign_bits: str, range_w: float, time_ns: int) -> Reading:
    """Return one window as SI values; a power above `range_w` on either outlet asked for is `overrange`.

    For both outlets together neither current nor power factor is known: effective values do not add.
    Raises `MeterGarbage` without mains, and what `power_w` raises.
    """
    frequency_hz = counts.frequency / HERTZ
    if not MAINS_HZ[0] <= frequency_hz <= MAINS_HZ[1]:
        raise MeterGarbage(
            f"found a line frequency of {frequency_hz:.3f} Hz, expected {MAINS_HZ[0]:g} to {MAINS_HZ[1]:g}; "
            "is there mains on the board?"
        )
    asked = (0, 1) if channel == BOTH else (int(channel) - 1,)
    powers = [power_w(counts, scale, index, sign_bits) for index in asked]
    sound = [power for power in powers if power is not None and abs(power) <= range_w]
    single = len(asked) == 1
    current = counts.currents[asked[0]]
    return Reading(
        time_ns=time_ns,
        power_w=sum(sound) if len(sound) == len(asked) else None,
        voltage_v=counts.voltage / VOLTS,
        current_a=current / AMPERES if single and current != SATURATED else None,
        power_factor=counts.factors[asked[0]] * FACTOR_LSB if single else None,
        frequency_hz=frequency_hz,
        window_s=scale.cycles / frequency_hz,
        flags=frozenset() if len(sound) == len(asked) else frozenset({"overrange"}),
    )


def decode_version(data: bytes) -> Identity:
    """Return the identity with the date code of register 0x04 (YMDD); raises `MeterGarbage` if it holds no date."""
    code = int.from_bytes(data, "little")
    if not (1 <= code >> 8 & 0xF <= 12 and 1 <= code & 0xFF <= 0x31):
        raise MeterGarbage(f"found the version {code:04x} at 0x04, expected a date code YMDD; is it an MCP39F511N?")
    return Identity("Microchip", "MCP39F511N", "", f"{code:04X}", asked=False)


def shown(reply: bytes) -> str:
    """Return a reply for the sentence of an error."""
    return reply[:40].hex(" ")
