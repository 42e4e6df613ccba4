"""The dialogue with one board: settings first, then one frame of registers for each reading.

Knows: options, what is asked when, and how a meter is opened. Does not know: what a register says
(`meters.mcp39f511n.codec`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from meters import host
from meters.access import ANYBODY, Access
from meters.deadline import Deadline
from meters.dialogue import DialogueMeter, OverWire, Repetitions, interval_option
from meters.mcp39f511n.codec import (
    AMPERES,
    AT_ACCUMULATION,
    AT_CONFIGURATION,
    AT_ENERGY,
    AT_RANGE_1,
    AT_RANGE_2,
    AT_STATUS,
    AT_VERSION,
    BOTH,
    DRIVER,
    FACTOR_LSB,
    FRAME,
    HERTZ,
    MAINS_HZ,
    VOLTS,
    WATTS,
    Scale,
    check_two_channels,
    decode_frame,
    decode_reply,
    decode_scale,
    decode_version,
    encode_accumulation,
    encode_read,
    shown,
    to_reading,
)
from meters.meter import (
    Meter,
    MeterGarbage,
    MeterRefused,
    MeterTimeout,
)
from meters.options import Option, number, read_options, whole, word
from meters.reading import Accuracy, Column, Description, Identity, Reading
from meters.serial_wire import Line, SerialWire
from meters.wire import Wire, drain
from meters.wire_log import Sink

AS_FOUND = "as found"
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
FRAME_COUNTS = (32, 28)


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
        wanted, current = self._accumulation_n, int.from_bytes(accumulation, "little")
        if wanted is not None and wanted != current:
            old_cycles = 2 ** min(current, 8)
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
        register = self._registers(AT_ACCUMULATION, 2, deadline)
        if int.from_bytes(register, "little") != n:
            raise MeterRefused(
                f"{self.port}: the chip shows {register.hex(' ')} at 0xA8 after N = {n} was written; "
                "set accumulation_n to 'as found'"
            )
        return register

    def _reading(self, frame: bytes, time_ns: int) -> Reading:
        with self._at_port():
            counts = decode_frame(frame)
            return to_reading(counts, self._scale, self._channel, self._sign_bits, self._range_w, time_ns)

    def _registers(self, address: int, count: int, deadline: Deadline) -> bytes:
        return self._ask(encode_read(address, count), count, deadline)[1]

    def _ask(self, request: bytes, count: int, deadline: Deadline) -> tuple[int, bytes]:
        """Return arrival time and data of the reply; raises `MeterTimeout`, `MeterGarbage`, `MeterUnplugged`."""
        self._wire.write(request)
        reply = b""
        while True:
            try:
                chunk = self._wire.read_chunk(deadline)
            except MeterTimeout as error:
                if reply.strip(b"\0"):
                    raise MeterGarbage(f"{self.port}: found {shown(reply)} and no more of the reply") from error
                raise MeterTimeout(
                    f"{self.port}: no answer to {request.hex(' ')} before the deadline, expected one of an "
                    "MCP39F511N; check that the board is on, the baud rate, and `port`"
                ) from error
            reply += chunk.data
            with self._at_port():
                data = decode_reply(reply, count)
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
