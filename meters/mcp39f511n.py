"""Microchip MCP39F511N, the two-outlet demonstration board ADM00706: registers asked for over USB-serial.

Knows: frames and registers (data sheet DS20005473B), scaling, what must never be sent. Does not know: who reads,
other meters, the single-channel MCP39F511/511A, whose registers lie elsewhere: it is recognised and refused.

Request `A5 <length> <commands> <sum8>`, reply `06 <length> <data, little-endian> <sum8>`, `15` not understood, `51`
checksum of the request wrong. One read of 0x02 brings status, V, f, PF, I and P of both outlets out of one window.
A reply names neither its question nor its place, and sum8 does not see a 00 too many: reads of 28 and 32 bytes take
turns, so that a reply that comes one question late has the wrong length.

The driver reads. All it can write, and only where the lab asks for it, is the accumulation interval N (register 0xA8,
forgotten when the chip loses power). A window is 2^N line cycles; it is known from N and the line frequency of the
same frame. A frame that equals the one before within its window is `stale`. The age of a value when it is asked for
lies between 0 and one window; half a window stands as latency.

Power LSB: 10 mW at power range 19, halved by each step down (a range is a number of right shifts): 1.25 mW at 16 and
1.22 uW at 6, as green-metrics-tool's client has it at these two. V and I are known at their ranges 18 and 12 alone;
other ranges are refused. P above V * I says that a scale is not what it seems: no reading.

No independent peer can be installed for the tests; by hand, a client in C and one in Python that nobody here wrote read
the emulated chip (tests/meters/test_emulated_mcp39f511n.py). What nothing here proves, because no captured reply with
data exists in public (hardware must settle it):
- The sign of power. Two sources contradict each other: bits 0 and 1 of the status word, set where negative (option
  `sign_bits` "0-3"), or bits 4 and 6, cleared where negative (comments in jkairys/MCP39F511N after the data sheet;
  "4-7"; the single-channel chip has them in 4 and 5). A status word that has any of bits 4 to 7 set under "0-3", or
  none of them under "4-7" beside a power, is refused with the advice to set the other: nothing is guessed.
- The energy registers. What one count is worth is not settled: green-metrics-tool halves it and says that nobody
  knows why. Where counting is enabled (0xA0 bits 8, 9) they are read with every sample, so that a wire log beside a
  known load can settle it, and never reported as a number.
- That the single-channel chip is told apart by the relations of its own map (V * I = S at 0x1A, V * I * PF = P at
  0x12) and by its ranges not standing at 0xAE; without a load only the latter. The version register 0x04 holds a date
  in both chips and the chip has no serial number; the one of its USB bridge stands in the evidence of the port.
- 15 A as rating of the board, and the rate of update.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Mapping
from dataclasses import dataclass, replace

from meters import host
from meters.access import ANYBODY, Access
from meters.deadline import Deadline
from meters.dialogue import DialogueMeter, OverWire, Repetitions, interval_option
from meters.meter import (
    Meter,
    MeterGarbage,
    MeterMismatch,
    MeterRefused,
    MeterTimeout,
)
from meters.options import Option, number, read_options, whole, word
from meters.reading import Accuracy, Column, Description, Identity, Reading
from meters.serial_wire import Line, SerialWire
from meters.wire import Wire, drain
from meters.wire_log import Sink

DRIVER = "mcp39f511n"
AS_FOUND = "as found"
BOTH = "both"
OPTIONS: Mapping[str, Option] = {
    "baud": Option(115200, "speed of the line", low=1200, high=115200, whole=True),
    "channel": Option("1", "outlet that feeds the circuit; both: their sum", choices=("1", "2", BOTH)),
    "sign_bits": Option("0-3", "bits of the status word that hold the signs", choices=("0-3", "4-7")),
    "accumulation_n": Option(
        AS_FOUND,
        "a window is 2^N line cycles; a number is written to the chip",
        low=1,
        high=8,
        choices=(AS_FOUND,),
        whole=True,
    ),
    "range_w": Option(3450.0, "rated power of one outlet in watts", low=1, high=1e5),
    "interval_s": interval_option(0.32),
}
ACCURACY = Accuracy(0.5, 0.0, 0.0, "Microchip DS20005473B page 1: 0.5 % across 4000:1, after calibration")

REPLY_S = 0.5
LONGEST_TALK_BYTES = 160  # all that regaining the step asks and hears
QUIET_S = 0.1
NOISE_LIMIT = 256

ACK, NAK, CHECKSUM_FAIL = 0x06, 0x15, 0x51
AT_STATUS, AT_VERSION, AT_ENERGY = 0x02, 0x04, 0x2E
AT_CONFIGURATION, AT_ACCUMULATION, AT_RANGE_1, AT_RANGE_2 = 0xA0, 0xA8, 0xAE, 0xBE
FRAME_COUNTS = (32, 28)
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


# --- codec: bytes <-> values ------------------------------------------------------------------------------------------


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
        raise MeterGarbage(f"found {_shown(reply)}, expected a reply that begins with 06")
    length = count + 3 if count else 1
    if count and len(reply) > 1 and reply[1] != length:
        raise MeterGarbage(f"found {_shown(reply)}, expected a reply of {length} bytes")
    if len(reply) < length:
        return None
    if count and sum8(reply[: length - 1]) != reply[length - 1]:
        raise MeterGarbage(f"found {_shown(reply)}, expected the checksum {sum8(reply[: length - 1]):02x} at its end")
    if reply[length:].strip(b"\0"):
        raise MeterGarbage(f"found {_shown(reply)}, expected nothing after its {length} bytes")
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
    found = f"N = {n} at 0xA8, ranges {range_1.hex(' ')} at 0xAE, {range_2.hex(' ')} at 0xBE"
    known = (
        n <= 8
        and (range_1[0], range_1[1], range_2[1]) == (VOLTAGE_RANGE, CURRENT_RANGE, CURRENT_RANGE)
        and range_1[2] in POWER_RANGES
        and range_2[2] in POWER_RANGES
    )
    if not known:
        raise MeterMismatch(
            f"found {found}, expected N of 1 to 8, voltage range {VOLTAGE_RANGE}, current ranges {CURRENT_RANGE}, "
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
    found, other = ("bits 4 to 7 in use", "4-7") if sign_bits == "0-3" else ("none of bits 4 to 7 set", "0-3")
    raise MeterGarbage(
        f"found the status word {status:04x} with {found}, not expected of a load that takes power with the option "
        f"sign_bits '{sign_bits}'; set sign_bits = '{other}'"
    )


def power_w(counts: Counts, scale: Scale, channel: int, sign_bits: str) -> float | None:
    """Return the power of `channel` (0 or 1) in watts, `None` where a register is at its end.

    Raises `MeterGarbage` where it exceeds V * I by more than a tenth.
    """
    if SATURATED in (counts.powers[channel], counts.currents[channel]):
        return None
    found_w = counts.powers[channel] * scale.power_steps[channel] / WATTS
    limit_va = counts.voltage / VOLTS * counts.currents[channel] / AMPERES
    if found_w > 1.1 * limit_va + 1.0:
        raise MeterGarbage(
            f"found {found_w:.2f} W on outlet {channel + 1}, expected no more than V * I = {limit_va:.2f} VA; "
            "its ranges or gains are not those this driver knows"
        )
    return -found_w if found_w and negative(counts.status, channel, sign_bits) else found_w


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


def _shown(reply: bytes) -> str:
    return reply[:40].hex(" ")


# --- the meter --------------------------------------------------------------------------------------------------------


class Mcp39f511n(OverWire[Wire]):
    """The dialogue with one board (`meters.dialogue.Dialogue`)."""

    def __init__(
        self,
        wire: Wire,
        *,
        channel: str,
        sign_bits: str,
        accumulation_n: int | None,
        range_w: float,
        baud: int = 115200,
        interval_s: float = 0.0,
    ) -> None:
        """Take an open wire; `accumulation_n` `None` leaves the interval as it is found."""
        self.reply_s = REPLY_S + LONGEST_TALK_BYTES * 10 / baud
        self._wire = wire
        self._channel, self._sign_bits = channel, sign_bits
        self._accumulation_n = accumulation_n
        self._range_w = range_w
        self._scale = Scale(0, (0.0, 0.0))
        self._window_s = 0.0
        self._counts_energy = False
        self._turn = 0
        self._interval_s = interval_s
        self._repetitions = Repetitions(0.0)

    def greet(self) -> Identity:
        """Ask version, settings and one frame; refuse another chip and settings without a known scale."""
        return self.regain(Deadline(4 * self.reply_s))

    def regain(self, deadline: Deadline) -> Identity:
        """Drop what still comes, then ask everything anew: a chip that lost power has forgotten its settings."""
        drain(self._wire, QUIET_S, deadline)
        version = self._registers(AT_VERSION, 2, deadline)
        frame = self._registers(AT_STATUS, FRAME.size, deadline)
        with self._at_port():
            identity = decode_version(version)
            check_two_channels(frame)
        accumulation = self._registers(AT_ACCUMULATION, 2, deadline)
        old_cycles = 0
        wanted, found = self._accumulation_n, int.from_bytes(accumulation, "little")
        if wanted is not None and wanted != found:
            old_cycles = 2 ** min(found, 8)
            accumulation = self._set_accumulation(wanted, deadline)
        range_1 = self._registers(AT_RANGE_1, 4, deadline)
        range_2 = self._registers(AT_RANGE_2, 4, deadline)
        configuration = int.from_bytes(self._registers(AT_CONFIGURATION, 4, deadline), "little")
        self._counts_energy = bool(configuration >> 8 & 0b11)
        with self._at_port():
            self._scale = decode_scale(accumulation, range_1, range_2)
        self._window_s = self._reading(frame, 0).window_s
        self._repetitions = Repetitions(self._window_s, self._interval_s)
        if old_cycles:  # until what the old window had begun is over, and one of the new is complete
            host.sleep(self._window_s * (1 + old_cycles / self._scale.cycles))
        return identity

    def describe(self) -> Description:
        """Return window and columns; valid after `greet`."""
        asked = (0, 1) if self._channel == BOTH else (int(self._channel) - 1,)
        limit_w = self._range_w * len(asked)
        resolution_w = max(self._scale.power_steps[index] for index in asked) / WATTS
        columns = [
            Column("power_w", "W", resolution_w, (-limit_w, limit_w), ACCURACY),
            Column("voltage_v", "V", 1 / VOLTS, (0.0, 300.0), None),
            Column("frequency_hz", "Hz", 1 / HERTZ, MAINS_HZ, None),
        ]
        if len(asked) == 1:
            columns += [
                Column("current_a", "A", 1 / AMPERES, (0.0, 15.0), None),
                Column("power_factor", "1", FACTOR_LSB, (-1.0, 1.0), None),
            ]
        return Description(
            driver=DRIVER,
            averaging="window",
            window_s=self._window_s,
            stamp="end",
            latency_s=self._window_s / 2,
            columns=tuple(columns),
            tier="working",
        )

    def sample(self, deadline: Deadline) -> Reading:
        """Return the window the chip shows now, `stale` if it is the one shown before."""
        self._turn = 1 - self._turn
        count = FRAME_COUNTS[self._turn]
        time_ns, data = self._ask(encode_read(AT_STATUS, count), count, deadline)
        reading = self._reading(data[: FRAME.size], time_ns)
        if self._counts_energy:
            self._registers(AT_ENERGY, 32, deadline)
        if self._repetitions.is_repeated(data[: FRAME.size], time_ns):
            return replace(reading, flags=reading.flags | {"stale"})
        return reading

    def _set_accumulation(self, n: int, deadline: Deadline) -> bytes:
        """Set the interval and return the register as it stands then; raises `MeterRefused` if it did not take it."""
        self._ask(encode_accumulation(n), 0, deadline)
        found = self._registers(AT_ACCUMULATION, 2, deadline)
        if int.from_bytes(found, "little") != n:
            raise MeterRefused(
                f"{self.port}: the chip shows {found.hex(' ')} at 0xA8 after N = {n} was written; "
                "set accumulation_n to 'as found'"
            )
        return found

    def _reading(self, frame: bytes, time_ns: int) -> Reading:
        with self._at_port():
            counts = decode_frame(frame)
            return to_reading(counts, self._scale, self._channel, self._sign_bits, self._range_w, time_ns)

    def _registers(self, address: int, count: int, deadline: Deadline) -> bytes:
        return self._ask(encode_read(address, count), count, deadline)[1]

    def _ask(self, request: bytes, count: int, deadline: Deadline) -> tuple[int, bytes]:
        """Return arrival time and data of the reply; raises `MeterTimeout`, `MeterGarbage`, `MeterUnplugged`."""
        self._wire.write(request)
        heard = b""
        while True:
            try:
                chunk = self._wire.read_chunk(deadline)
            except MeterTimeout as error:
                if heard.strip(b"\0"):
                    raise MeterGarbage(f"{self.port}: found {_shown(heard)} and no more of the reply") from error
                raise MeterTimeout(
                    f"{self.port}: no answer to {request.hex(' ')} before the deadline, expected one of an "
                    "MCP39F511N; check that the board is on, the baud rate, and `port`"
                ) from error
            heard += chunk.data
            with self._at_port():
                data = decode_reply(heard, count)
            if data is not None:
                return chunk.time_ns, data


def open_mcp39f511n(
    port: str, *, capture: Sink | None, options: Mapping[str, object], access: Access = ANYBODY
) -> Meter:
    """Open the board at `port`; `options` are those of `OPTIONS`, `capture` takes the wire log.

    Raises `MeterOptionError`, `MeterUnavailable`, `MeterTimeout`, `MeterUnplugged`, `MeterMismatch`, `MeterRefused`.
    """
    values = read_options(DRIVER, OPTIONS, options)
    n = values["accumulation_n"]
    baud = whole(values, "baud")
    dialogue = Mcp39f511n(
        SerialWire(port, Line(baud), capture, access),
        channel=word(values, "channel"),
        sign_bits=word(values, "sign_bits"),
        accumulation_n=int(n) if isinstance(n, float) else None,
        range_w=number(values, "range_w"),
        baud=baud,
        interval_s=number(values, "interval_s"),
    )
    return DialogueMeter(dialogue, number(values, "interval_s"), access)
