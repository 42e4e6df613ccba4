"""Alciom PowerSpy2 (and PowerSpy): hexadecimal rows pushed over a Bluetooth serial port, `/dev/rfcomm0`.

Knows: the protocol as two public clients speak it (patrickmarlier/powerspy.py; Volker Krause's powerspy2.py in
green-metrics-tool), the start-up dialogue, the calibration in the EEPROM. Does not know: who reads, other meters,
Bluetooth (bind the port with `rfcomm bind 0 <address>`).

Everything is `<...>`. `<Jnnnn>` starts a stream of rows, each the average over n mains periods: U squared, I squared,
P, peak U, peak I; U = sqrt(raw) us, I = sqrt(raw) is, P = raw us is with the coefficients of the EEPROM (user 0E and
12, factory 02 and 06, little-endian float32). `<Q>` stops it. The window is n periods of the frequency the meter
measures at the start, never a nominal interval; while rows come the frequency cannot be asked.
A power field that begins with FFFFFF means that nothing is plugged in: `nan`.
There is no checksum: the shape of a row must be exact, U plausible and P not above U * I.

Proved by rows of somebody's simulator: fields and scaling. No independent peer can be installed for the tests; by hand,
Krause's client read the emulated meter and the driver read that simulator (tests/meters/test_emulated_powerspy2.py).
Not proved by anything at hand, no capture being public: the format of version 2 (`<Jnnnn>`, f = 1382400 / n, against
`<Jnn>`, 1000000 / n of hardware 02), that rows hold averages and not values of the last period, that a row comes at
the end of its window, its latency (taken as 0), the accuracy (about 1 % by hearsay) and the rated power. Nothing here
shows what a radio link does. A bit that flips inside the power field goes unseen.
"""

from __future__ import annotations

import math
import re
import struct
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from functools import partial

from meters.access import ANYBODY, Access
from meters.deadline import Deadline
from meters.dialogue import DialogueMeter, Repetitions
from meters.line_dialogue import LineDialogue, Terms, insist
from meters.meter import (
    Meter,
    MeterError,
    MeterGarbage,
    MeterOptionError,
    MeterRefused,
    MeterTimeout,
)
from meters.options import Option, number, read_options, whole, word
from meters.reading import Accuracy, Column, Description, Identity, Reading
from meters.serial_wire import Line, SerialWire
from meters.splitters import Frame, FrameSplitter
from meters.wire import Wire, shown
from meters.wire_log import Sink

DRIVER = "powerspy2"
OPTIONS: Mapping[str, Option] = {
    "periods": Option(50, "mains periods a row averages over", low=1, high=65535, whole=True),
    "calibration": Option("user", "coefficients of the EEPROM that are used", choices=("user", "factory")),
    "range_w": Option(3680.0, "rated power in watts", low=1, high=1e5),
}
ACCURACY = Accuracy(1.0, 0.0, 0.0, "not confirmed by any manual at hand; about 1 %")
FRAME_LIMIT = 64

BAUD = 115200  # a Bluetooth port has none; any other serial port behind a URL might
REPLY_WAIT_S = 2.0
QUIET_S = 0.3
REPLY_ATTEMPTS = 3
SENT_TWICE_WITHIN = 0.5  # of a window; a radio link that stood still hands over true rows in less than a window

OLD_HARDWARE = 2
OLD_PERIODS = 255
CLOCK_HZ, OLD_CLOCK_HZ = 1_382_400.0, 1_000_000.0
MAINS_HZ = (45.0, 65.0)
HIGHEST_V = 300.0
COEFFICIENTS = {"factory": (0x02, 0x06), "user": (0x0E, 0x12)}
NOTHING_PLUGGED = 0xFFFFFF

# What the driver may say. Reset (R), EEPROM writes (W), clock (E), files (Y), logging and the rest are not among it.
ALLOWED = re.compile(r"\?|F|Q|V[0-9A-F]{2}|J[0-9A-F]{2}|J[0-9A-F]{4}")
ROW = re.compile(rb"([0-9A-F]{8}) ([0-9A-F]{8}) ([0-9A-F]{8}) ([0-9A-F]{4}) ([0-9A-F]{4})")
NAME = re.compile(rb"POWERSPY([A-Z])([0-9A-F]{2})([0-9A-F]{2})([0-9A-F]{2})([0-9A-F]{2})([0-9A-F]{4})")


# --- codec: bytes <-> values ------------------------------------------------------------------------------------------


def encode_command(command: str) -> bytes:
    """Return the bytes of a command; raises `MeterRefused` for one that changes what the meter keeps."""
    if not ALLOWED.fullmatch(command):
        raise MeterRefused(f"{DRIVER}: the driver does not send <{command[:20]}>; it reads and starts and stops rows")
    return f"<{command}>".encode("ascii")


def encode_start(periods: int, hardware: int) -> bytes:
    """Return the command that starts rows over `periods`; raises `MeterOptionError` for more than it can average."""
    most = OLD_PERIODS if hardware == OLD_HARDWARE else 65535
    if periods > most:
        raise MeterOptionError(f"{DRIVER}: option periods is {periods}, this hardware averages {most} at most")
    return encode_command(f"J{periods:02X}" if hardware == OLD_HARDWARE else f"J{periods:04X}")


@dataclass(frozen=True, slots=True)
class Name:
    """What the meter says of itself: versions and serial number."""

    software: int
    hardware: int
    serial: str

    def identity(self) -> Identity:
        """Return it as every meter says it."""
        model = "PowerSpy" if self.hardware == OLD_HARDWARE else "PowerSpy2"
        return Identity("Alciom", model, self.serial, f"software {self.software:02X}, hardware {self.hardware:02X}")


def decode_name(body: bytes) -> Name:
    """Return the answer to `<?>`; raises `MeterGarbage` unless it is one."""
    match = NAME.fullmatch(body)
    if match is None:
        raise MeterGarbage(f"found {shown(body)}, expected `POWERSPY`, a state and 12 hexadecimal digits")
    return Name(int(match[4], 16), int(match[5], 16), match[6].decode("ascii"))


def decode_frequency(body: bytes, hardware: int) -> float:
    """Return the mains frequency in hertz out of the answer to `<F>`; raises `MeterGarbage` if it is none."""
    match = re.fullmatch(rb"F([0-9A-F]{4})", body)
    ticks = int(match[1], 16) if match else 0
    clock_hz = OLD_CLOCK_HZ if hardware == OLD_HARDWARE else CLOCK_HZ
    if not ticks or not MAINS_HZ[0] <= clock_hz / ticks <= MAINS_HZ[1]:
        raise MeterGarbage(
            f"found {shown(body)}, expected `F` and the ticks of a period of {MAINS_HZ[0]:g} to {MAINS_HZ[1]:g} Hz; "
            "is the meter on the mains?"
        )
    return clock_hz / ticks


def decode_byte(body: bytes) -> int:
    """Return the byte in the answer to `<Vnn>`; raises `MeterGarbage` unless it is one."""
    if not re.fullmatch(rb"[0-9A-F]{2}", body):
        raise MeterGarbage(f"found {shown(body)}, expected a byte of the EEPROM as two hexadecimal digits")
    return int(body, 16)


def decode_coefficient(data: bytes, address: int) -> float:
    """Return the calibration coefficient in 4 bytes of the EEPROM; raises `MeterGarbage` if none was ever written."""
    value = float(struct.unpack("<f", data)[0])
    if not 1e-7 < value < 10.0:
        raise MeterGarbage(
            f"found the calibration {value:g} ({data.hex(' ')} at {address:02X}), expected a coefficient above 0; "
            "choose the other one with the option calibration"
        )
    return value


@dataclass(frozen=True, slots=True)
class Row:
    """One row as it stands: squares of U and I, P, peaks, in counts."""

    voltage_squared: int
    current_squared: int
    power: int
    voltage_peak: int
    current_peak: int


def decode_row(body: bytes) -> Row:
    """Return the counts of a row; raises `MeterGarbage` unless its shape is exact."""
    match = ROW.fullmatch(body)
    if match is None:
        raise MeterGarbage(f"found {shown(body)}, expected a row of three numbers of 8 digits and two of 4")
    return Row(*(int(text, 16) for text in match.groups()))


@dataclass(frozen=True, slots=True)
class Scale:
    """Volts and amperes in a count, the seconds a row averages over, and the rated power."""

    volts: float
    amperes: float
    window_s: float
    range_w: float


def to_reading(row: Row, scale: Scale, time_ns: int, flags: frozenset[str]) -> Reading:
    """Return the row as SI values with `flags`; nothing plugged in is `nan`, power above the rating `overrange`.

    Raises `MeterGarbage` where U is implausible or P above U * I.
    """
    voltage_v = math.sqrt(row.voltage_squared) * scale.volts
    current_a = math.sqrt(row.current_squared) * scale.amperes
    if row.power >> 8 == NOTHING_PLUGGED:
        return Reading(time_ns=time_ns, power_w=None, window_s=scale.window_s, flags=flags | {"nan"})
    power_w = row.power * scale.volts * scale.amperes
    if voltage_v > HIGHEST_V:
        raise MeterGarbage(f"found {voltage_v:.1f} V, expected at most {HIGHEST_V:g} V")
    if power_w > 1.05 * voltage_v * current_a + 1.0:
        raise MeterGarbage(f"found {power_w:.2f} W, expected no more than U * I = {voltage_v * current_a:.2f} VA")
    over = power_w > scale.range_w
    return Reading(
        time_ns=time_ns,
        power_w=None if over else power_w,
        voltage_v=voltage_v,
        current_a=current_a,
        window_s=scale.window_s,
        flags=flags | {"overrange"} if over else flags,
    )


# --- the meter --------------------------------------------------------------------------------------------------------


class PowerSpy2(LineDialogue[Wire]):
    """The dialogue with a PowerSpy2, one row per `periods` (`meters.dialogue.Dialogue`)."""

    reply_s = REPLY_WAIT_S
    terms = Terms("row", "check that the meter is on and in reach", "check the link")

    def __init__(self, wire: Wire, *, periods: int, calibration: str, range_w: float) -> None:
        """Take an open wire."""
        super().__init__(wire, partial(FrameSplitter, b"<", b">", FRAME_LIMIT))
        self._periods, self._calibration, self._range_w = periods, calibration, range_w
        self._scale = Scale(0.0, 0.0, 0.0, range_w)

    def _forget(self) -> None:
        super()._forget()
        self._repetitions = Repetitions(0.0)

    def greet(self) -> Identity:
        """Stop rows that may still come, ask name, calibration and frequency, start rows.

        An answer does not say which byte of the EEPROM it is: one that is missing or late ends the greeting, and the
        answer to `<F>`, whose shape is another, shows that none was left over.
        """
        try:
            name = self._name()
            volts, amperes = (self._coefficient(address) for address in COEFFICIENTS[self._calibration])
            frequency_hz = decode_frequency(self._ask("F"), name.hardware)
            self._scale = Scale(volts, amperes, self._periods / frequency_hz, self._range_w)
            self._repetitions = Repetitions(self._scale.window_s * SENT_TWICE_WITHIN)
            self._start(name.hardware)
        except MeterGarbage as error:
            raise MeterGarbage(f"{self.port}: what answers is no known PowerSpy2: {error}") from error
        return name.identity()

    def describe(self) -> Description:
        """Return window, stamp and columns; valid after `greet`."""
        return Description(
            driver=DRIVER,
            averaging="window",
            window_s=self._scale.window_s,
            stamp="end",
            latency_s=0.0,
            columns=(
                Column("power_w", "W", self._scale.volts * self._scale.amperes, (0.0, self._range_w), ACCURACY),
                Column("voltage_v", "V", self._scale.volts, (0.0, HIGHEST_V), None),
                Column("current_a", "A", self._scale.amperes, (0.0, 16.0), None),
            ),
            tier="indicative",
        )

    def sample(self, deadline: Deadline) -> Reading:
        """Return the next row; what is no row is dropped and makes it `resynced`, one sent twice is `stale`."""
        reading = self._next_sound(deadline, self._decode)
        self._torn = False
        return reading

    def _decode(self, frame: Frame) -> Reading:
        row = decode_row(frame.body)
        return to_reading(row, self._scale, frame.time_ns, self._flags(row, frame.time_ns))

    def regain(self, deadline: Deadline) -> Identity:
        """Begin anew: a stream has no step to regain."""
        return self.greet()

    def close(self) -> None:
        """Stop the rows and give the port back."""
        with suppress(MeterError):
            self._wire.write(encode_command("Q"))
        self._wire.close()

    def _flags(self, row: Row, time_ns: int) -> frozenset[str]:
        flags = {"resynced"} if self._torn else set()
        if self._repetitions.is_repeated(row, time_ns):
            flags.add("stale")
        return frozenset(flags)

    def _name(self) -> Name:
        """Stop rows that may still come and ask the name; raises `MeterTimeout`, `MeterGarbage`, `MeterUnplugged`."""

        def once(_attempt: int) -> Name:
            self._wire.write(encode_command("Q"))
            self._clear(QUIET_S, Deadline(REPLY_WAIT_S))
            return decode_name(self._ask("?"))

        return insist(REPLY_ATTEMPTS, once)

    def _coefficient(self, address: int) -> float:
        digits = [self._ask(f"V{at:02X}") for at in range(address, address + 4)]
        return decode_coefficient(bytes(decode_byte(body) for body in digits), address)

    def _start(self, hardware: int) -> None:
        answer = self._exchange(encode_start(self._periods, hardware))
        if answer != b"K":
            raise MeterGarbage(f"found {shown(answer)}, expected `K` when asked for rows over {self._periods} periods")

    def _ask(self, command: str) -> bytes:
        return self._exchange(encode_command(command))

    def _exchange(self, request: bytes) -> bytes:
        """Return the very next frame after `request`; raises `MeterTimeout`, `MeterGarbage` if it is `<Z>`."""
        self._wire.write(request)
        dropped_before = self._splitter.dropped_bytes
        try:
            body = self._next_frame(Deadline(REPLY_WAIT_S)).body
        except MeterTimeout as error:
            if self._splitter.dropped_bytes > dropped_before:
                raise MeterGarbage("found bytes outside any frame, expected `<...>`") from error
            raise MeterTimeout(
                f"{self.port}: no answer to {request.decode('ascii')} within {REPLY_WAIT_S:g} s, expected one of a "
                "PowerSpy2; check that it is on the mains and in reach, and `port`"
            ) from error
        if body == b"Z":
            raise MeterGarbage(f"found `Z`, the meter failed to do {request.decode('ascii')}")
        return body


def open_powerspy2(
    port: str, *, capture: Sink | None, options: Mapping[str, object], access: Access = ANYBODY
) -> Meter:
    """Open the meter at `port`; `options` are those of `OPTIONS`, `capture` takes the wire log.

    Raises `MeterOptionError`, `MeterUnavailable`, `MeterTimeout`, `MeterUnplugged`, `MeterMismatch`, `MeterRefused`.
    """
    values = read_options(DRIVER, OPTIONS, options)
    dialogue = PowerSpy2(
        SerialWire(port, Line(BAUD), capture, access),
        periods=whole(values, "periods"),
        calibration=word(values, "calibration"),
        range_w=number(values, "range_w"),
    )
    return DialogueMeter(dialogue, None, access)
