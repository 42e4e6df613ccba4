"""Watts Up? PRO / PRO ES / .Net: comma-separated lines, pushed every second over a serial port.

Knows: the protocol (Watts up? PRO Communications Protocol, 2007-09-28; dev.gentoo.org/~robbat2), the start-up
dialogue, the limits of error. Does not know: who reads, where readings go, other meters.

A frame is `#<command>,<sub-command>,<count>,<arguments...>;`. It has no checksum: the count must be exact, every
field a plausible number, and W, V, A must lie between the minimum and maximum sent in the same line.
The meter has no serial number of its own; the one of its USB chip stands in the evidence of the port.

Proved by captured lines: fields, scaling, framing. From the protocol's description only, never seen on a wire here:
the version reply, the choice of fields, the two forms of the log command, that a line marks the end of its window,
and the latency (taken as 0; a USB adapter adds up to 16 ms). No test here shows parity errors or a real accuracy.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial

from meters.access import ANYBODY, Access
from meters.deadline import Deadline
from meters.dialogue import DialogueMeter
from meters.line_dialogue import LineDialogue, StrayFrame, Terms, insist
from meters.meter import MeterGarbage, MeterRefused, MeterTimeout
from meters.options import Option, number, read_options, whole
from meters.reading import Accuracy, Column, Description, Identity, Reading, within
from meters.serial_wire import Line, SerialWire
from meters.splitters import Frame, FrameSplitter
from meters.wire import shown
from meters.wire_log import Sink

DRIVER = "wattsup"
OPTIONS: Mapping[str, Option] = {
    "baud": Option(
        115200.0, "bits per second; 19200, 38400 or 9600 on old RS-232 models", low=300.0, high=921600.0, whole=True
    ),
    "range_w": Option(1800.0, "W, above which a reading is overrange", low=1.0, high=6000.0),
}
WINDOW_S = 1.0
FRAME_LIMIT = 512

REPLY_WAIT_S = 2.0
REPLY_ATTEMPTS = 3
LOG_WAIT_S = 2.0
RESERVED_ARGUMENTS = ("0", "-")  # what firmware versions want in the unused argument of `L`

MODELS = {"0": "Watts up? Standard", "1": "Watts up? PRO", "2": "Watts up? PRO ES", "3": "Watts up? .Net"}
MODELS["4"] = "Watts up? Blind Module"

ACCURACY = Accuracy(1.5, 0.0, 3.0, "Watts up? PRO operator's manual, specifications (studylib.net/doc/18064692)")


@dataclass(frozen=True, slots=True)
class Field:
    """One field of a data line: its name in the header and the counts a sound line can hold."""

    name: str
    highest: int
    lowest: int = 0


# Scaling: W, V, WH, Hz, VA 0.1; A 0.001; PF and DC percent; costs in mills (protocol, data record).
FIELDS = (
    Field("W", 60_000),
    Field("V", 3_000),
    Field("A", 20_000),
    Field("WH", 10**9),
    Field("Cost", 10**9),
    Field("WH/Mo", 10**9),
    Field("Cost/Mo", 10**9),
    Field("Wmax", 60_000),
    Field("Vmax", 3_000),
    Field("Amax", 20_000),
    Field("Wmin", 60_000),
    Field("Vmin", 3_000),
    Field("Amin", 20_000),
    Field("PF", 100),
    Field("DC", 100),
    Field("PC", 10**9),
    Field("Hz", 700),
    Field("VA", 60_000),
)
FIELD_COUNTS = (18, 16)  # USB models; old RS-232 models without Hz and VA

# What the driver may send. Clearing the memory, resets and memory policy are not among it.
ALLOWED = frozenset({("V", "R"), ("H", "R"), ("C", "W"), ("L", "W")})


# --- codec: bytes <-> values ------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Packet:
    """One frame taken apart."""

    command: str
    sub: str
    arguments: tuple[str, ...]


def encode_request(command: str, sub: str, *arguments: str) -> bytes:
    """Return the bytes of a request; raises `MeterRefused` for a command that changes what the meter keeps."""
    if (command, sub) not in ALLOWED:
        raise MeterRefused(f"wattsup: the driver does not send #{command},{sub}; it can change the meter's memory")
    return (",".join(["#" + command, sub, str(len(arguments)), *arguments]) + ";").encode("ascii")


def decode_packet(body: bytes) -> Packet:
    """Take apart what stood between `#` and `;`; raises `MeterGarbage` unless the count is exact."""
    try:
        command, sub, count, *arguments = body.decode("ascii").split(",")
    except ValueError as error:
        raise MeterGarbage(f"found {shown(body)}, expected `#<command>,<sub>,<count>,<arguments>;`") from error
    if not re.fullmatch(r"[A-Za-z]", command) or not re.fullmatch(r"[0-9]{1,2}", count):
        raise MeterGarbage(f"found {shown(body)}, expected a letter, a sub-command and a count")
    if int(count) != len(arguments):
        raise MeterGarbage(f"found {len(arguments)} arguments in {shown(body)}, expected {count}")
    return Packet(command, sub, tuple(arguments))


def decode_data(packet: Packet, field_count: int) -> dict[str, int | None]:
    """Return the counts of a data line by field name, `None` where the meter sent `_`.

    Raises `MeterGarbage` on another number of fields, on anything that is no plausible number, and on a value
    outside its own minimum and maximum.
    """
    if packet.command != "d" or len(packet.arguments) != field_count:
        raise MeterGarbage(
            f"found {packet.command!r} with {len(packet.arguments)} fields, expected 'd' with {field_count}"
        )
    counts = {
        field.name: _decode_field(field, text)
        for field, text in zip(FIELDS[:field_count], packet.arguments, strict=True)
    }
    for name in ("W", "V", "A"):
        _check_between(name, counts[name + "min"], counts[name], counts[name + "max"])
    hertz = counts.get("Hz")
    if hertz is not None and 0 < hertz < 400:
        raise MeterGarbage(f"field Hz: found {hertz}, expected 0 or 400 to 700 tenths of a hertz")
    return counts


def _decode_field(field: Field, text: str) -> int | None:
    if text == "_":
        return None
    if not re.fullmatch(r"[0-9]{1,10}", text):
        raise MeterGarbage(f"field {field.name}: found {text[:20]!r}, expected a whole number or `_`")
    if not field.lowest <= int(text) <= field.highest:
        raise MeterGarbage(f"field {field.name}: found {text}, expected {field.lowest} to {field.highest}")
    return int(text)


def _check_between(name: str, low: int | None, value: int | None, high: int | None) -> None:
    """One count of slack: the meter rounds the three numbers one by one."""
    if value is not None and low is not None and high is not None and not low - 1 <= value <= high + 1:
        raise MeterGarbage(f"field {name}: found {value}, expected {low} to {high} as the same line says")


def to_reading(counts: Mapping[str, int | None], time_ns: int, range_w: float, resynced: bool) -> Reading:
    """Return the line as SI values; power above `range_w` is `overrange`, power not sent is `nan`."""
    power_w, flags = within(_scaled(counts["W"], 10), range_w)
    return Reading(
        time_ns=time_ns,
        power_w=power_w,
        voltage_v=_scaled(counts["V"], 10),
        current_a=_scaled(counts["A"], 1000),
        power_factor=_scaled(counts["PF"], 100),
        frequency_hz=_scaled(counts.get("Hz"), 10),
        apparent_power_va=_scaled(counts.get("VA"), 10),
        energy_wh=_scaled(counts["WH"], 10),
        window_s=WINDOW_S,
        flags=flags | {"resynced"} if resynced else flags,
    )


def decode_version(packet: Packet) -> Identity:
    """Return the identity in a version reply; raises `MeterGarbage` unless it has its 8 arguments."""
    if packet.command != "v" or len(packet.arguments) != 8:
        raise MeterGarbage(f"found a version reply with {len(packet.arguments)} arguments, expected 8")
    model, _memory, hw_major, hw_minor, fw_major, fw_minor, fw_stamp, checksum = packet.arguments
    name = MODELS.get(model)
    if name is None:
        raise MeterGarbage(f"found model number {model[:20]!r}, expected one of {', '.join(MODELS)}")
    mark = "" if checksum.isdigit() else f", {checksum}"  # every field of an instrument is a number
    firmware = f"{fw_major}.{fw_minor} ({fw_stamp}), hardware {hw_major}.{hw_minor}{mark}"
    return Identity("Electronic Educational Devices", name, "", firmware)


def decode_header(packet: Packet) -> int:
    """Return how many fields a data line has; raises `MeterGarbage` unless they are the known ones in order."""
    names = [name.casefold() for name in packet.arguments]
    expected = [field.name.casefold() for field in FIELDS]
    if len(names) not in FIELD_COUNTS or names != expected[: len(names)]:
        raise MeterGarbage(
            f"found the fields {', '.join(packet.arguments)[:120]}, expected W, V, A, WH, ... PF, DC, PC"
        )
    return len(names)


def _scaled(count: int | None, divisor: int) -> float | None:
    return None if count is None else count / divisor


# --- the meter ----------------------------------------------------------------------------------------------------


class WattsUp(LineDialogue[SerialWire]):
    """The dialogue with a Watts Up?: external logging, one line a second (`meters.dialogue.Dialogue`)."""

    reply_s = REPLY_ATTEMPTS * REPLY_WAIT_S
    terms = Terms("line", "check meter and baud rate", "check cable, baud rate and that this is a Watts Up?")

    def __init__(self, port: str, baud: int, range_w: float, sink: Sink | None, access: Access) -> None:
        """Open `port`; raises `MeterOptionError`, `MeterUnavailable`."""
        super().__init__(SerialWire(port, Line(baud), sink, access), partial(FrameSplitter, b"#", b";", FRAME_LIMIT))
        self._range_w = range_w
        self._field_count = FIELD_COUNTS[0]

    def greet(self) -> Identity:
        """Ask who is there and which fields it sends, choose all of them, start the log."""
        self._forget()
        identity = self._ask_identity()
        self._wire.write(encode_request("C", "W", *["1"] * self._field_count))
        self._start_log(identity)
        return identity

    def describe(self) -> Description:
        """Return window, stamp and columns of this meter."""
        columns = [
            Column("power_w", "W", 0.1, (0.0, self._range_w), ACCURACY),
            Column("voltage_v", "V", 0.1, (0.0, 300.0), None),
            Column("current_a", "A", 0.001, (0.0, 20.0), None),
            Column("power_factor", "1", 0.01, (0.0, 1.0), None),
            Column("frequency_hz", "Hz", 0.1, (0.0, 70.0), None),
            Column("apparent_power_va", "VA", 0.1, (0.0, 6000.0), None),
            Column("energy_wh", "Wh", 0.1, (0.0, 1e8), None),
        ]
        missing = () if self._field_count == 18 else ("frequency_hz", "apparent_power_va")
        return Description(
            driver=DRIVER,
            averaging="window",
            window_s=WINDOW_S,
            stamp="end",
            latency_s=0.0,
            columns=tuple(column for column in columns if column.name not in missing),
            tier="indicative",
        )

    def sample(self, deadline: Deadline) -> Reading:
        """Return the next line; lines that are no reading are dropped and make it `resynced`."""
        return self._next_sound(deadline, self._decode)

    def regain(self, deadline: Deadline) -> Identity:
        """Ask again who is there; lines need no step to be regained."""
        return self._ask_identity()

    def _decode(self, frame: Frame) -> Reading:
        packet = decode_packet(frame.body)
        if packet.command != "d":
            raise StrayFrame(f"found {shown(frame.body)}, expected data")
        counts = decode_data(packet, self._field_count)
        return to_reading(counts, frame.time_ns, self._range_w, bool(self._tear()))

    def _ask_identity(self) -> Identity:
        try:
            identity = decode_version(self._ask("V", "v"))
            self._field_count = decode_header(self._ask("H", "h"))
        except MeterGarbage as error:
            raise MeterGarbage(
                f"{self.port}: what answers is no known Watts Up?: {error}; correct driver, baud rate or port"
            ) from error
        return identity

    def _ask(self, command: str, reply: str) -> Packet:
        def once(_attempt: int) -> Packet:
            self._wire.write(encode_request(command, "R"))
            return self._await(reply, Deadline(REPLY_WAIT_S))

        try:
            return insist(REPLY_ATTEMPTS, once)
        except MeterTimeout as error:
            raise MeterTimeout(
                f"{self.port}: no answer to #{command},R within {REPLY_ATTEMPTS} x {REPLY_WAIT_S:g} s, expected "
                f"`#{reply},...;` of a Watts Up?; check that the meter is on, its baud rate, and `port`"
            ) from error

    def _await(self, command: str, deadline: Deadline) -> Packet:
        """Return the next packet of this kind; raises `MeterGarbage` if what came instead was no packet."""
        dropped_before = self._splitter.dropped_bytes
        trouble: MeterGarbage | None = None
        while True:
            try:
                packet = decode_packet(self._next_frame(deadline).body)
            except MeterGarbage as error:
                trouble = error
                continue
            except MeterTimeout:
                dropped = self._splitter.dropped_bytes - dropped_before
                if trouble is None and not dropped:
                    raise
                raise trouble or MeterGarbage(f"found {dropped} bytes, expected `#{command},...;`") from None
            if packet.command == command:
                return packet

    def _start_log(self, identity: Identity) -> None:
        """Start pushing one line a second; the first line stays queued."""
        for reserved in RESERVED_ARGUMENTS:
            self._frames.clear()
            self._wire.write(encode_request("L", "W", "E", reserved, "1"))
            end = Deadline(LOG_WAIT_S)
            while not end.expired:
                try:
                    frame = self._next_frame(end)
                except MeterTimeout:
                    break
                if frame.body.startswith(b"d,"):
                    self._frames.appendleft(frame)
                    return
        raise MeterTimeout(
            f"{self.port}: the meter names itself {identity.model!r} but sends no line within "
            f"{LOG_WAIT_S:g} s of the start of its log; reset the meter and try again"
        )


def open_wattsup(
    port: str, *, capture: Sink | None, options: Mapping[str, object], access: Access = ANYBODY
) -> DialogueMeter:
    """Open the Watts Up? at `port`; `options` are those of `OPTIONS`, `capture` takes the wire log.

    Raises `MeterOptionError`, `MeterUnavailable`, `MeterTimeout`, `MeterUnplugged`, `MeterMismatch`.
    """
    values = read_options(DRIVER, OPTIONS, options)
    dialogue = WattsUp(port, whole(values, "baud"), number(values, "range_w"), capture, access)
    return DialogueMeter(dialogue, None, access)
