"""IEC 62056-21: readable data lines of an electricity meter through its optical head, asked for or pushed.

Knows: mode C (sign-on at 300 baud, identification, acknowledgement with a change of speed, data message with a block
check character) and mode D (pushed, without any check but parity), which registers are power, energy, voltage, current
and frequency. It sends the sign-on and the acknowledgement for a data readout, nothing else: passwords, programming,
writing and the break have no way out (`encode_request`, `check_allowed`).
Does not know: who reads, other meters, modes A, B and E, partial blocks, the CRC of Dutch P1 telegrams. It computes no
power: a meter that reports none gives readings flagged `nan` with its energy register. Power is 16.7.0, else 1.7.0.

The standard's characters are 7E1. The port is opened 8N1, which has the same length, and parity is made and checked
here: a serial driver in 7E1 passes characters with wrong parity on unseen, and mode D has no other check. A gateway
that has taken the parity off is option `characters = "plain"`; pushed telegrams then have no check at all.

Sources: IEC 62056-21:2002, clauses 5 (characters), 6.3 to 6.6 (modes, messages, block check), annex on data lines.
Proved by captured messages with their block check, an identification captured with its parity bits, pushed telegrams
from public sources, and by the client `iec62056-21`, which nobody here wrote. Not proved by any test here: the change
of speed on a real line (a pty ignores it), whether an adapter has sent its last bit when it says so, how long a meter
averages (declared instantaneous), any accuracy. Nothing on the wire tells a repeated value from a steady one: no
reading is ever `stale`. The accuracy class stands on the meter's plate: `accuracy_class`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from decimal import Decimal
from functools import reduce
from operator import xor

from meters.dialogue import DialogueMeter, OverWire, interval_option
from meters.meter import MeterError, MeterGarbage, MeterRefused, MeterTimeout
from meters.options import Option, number, read_options, word
from meters.reading import Accuracy, Column, Description, Identity, Reading, within
from meters.transport import Chunk, Deadline, Frame, Line, LineSplitter, SerialWire, Sink, drain

DRIVER = "iec62056"
OPTIONS: Mapping[str, Option] = {
    "mode": Option("poll", "poll: mode C, asked for; push: mode D", choices=("poll", "push")),
    "characters": Option("7E1", "7E1, or plain where parity is already taken off", choices=("7E1", "plain")),
    "sign_on_baud": Option(300.0, "bits per second of the sign-on (poll)", low=300.0, high=19200.0),
    "top_baud": Option(9600.0, "highest bits per second of a data message (poll)", low=300.0, high=19200.0),
    "push_baud": Option(9600.0, "bits per second of pushed telegrams; 2400 in the standard", low=300.0, high=115200.0),
    "address": Option("", "device address for the sign-on, empty for the only meter at the head"),
    "interval_s": interval_option(10.0),
    "reply_s": Option(20.0, "seconds a whole readout may take", low=0.1, high=120.0),
    "quiet_s": Option(2.5, "seconds of silence after which a meter has nothing more to say", low=0.05, high=30.0),
    "range_w": Option(41400.0, "W, above which a reading is overrange; 3 x 60 A x 230 V", low=1.0, high=1e6),
    "accuracy_class": Option(
        "unknown", "class on the meter's plate (MID: A, B, C)", choices=("unknown", "A", "B", "C")
    ),
}
MESSAGE_LIMIT = 8192
SIGN_ON_ATTEMPTS = 3

_PLATE = "EN 50470-3 class {} as on the meter's plate: energy from I_tr to I_max at power factor 1; power taken alike"
ACCURACY = {
    name: Accuracy(percent, 0.0, 0.0, _PLATE.format(name)) for name, percent in (("A", 2.0), ("B", 1.0), ("C", 0.5))
}

# Baud rate identification of mode C (6.3.14, item 13c).
BAUDS = {"0": 300, "1": 600, "2": 1200, "3": 2400, "4": 4800, "5": 9600, "6": 19200}

NAK = b"\x15"
WRONG_PARITY = 0x80  # stands for a character that came with wrong parity; no 7-bit character has this value

POWERS, ENERGIES = {"W": 1, "kW": 1000}, {"Wh": 1, "kWh": 1000, "MWh": 1_000_000}
TARIFFS = tuple(f"1.8.{tariff}" for tariff in range(1, 5))
SERIALS = ("0-96.1.0", "0-96.1.255", "1-96.1.0", "1-0.0.9", "1-0.0.0", "0-0.0.0", "1-C.1.0", "0-C.1.0")


# --- characters and messages ------------------------------------------------------------------------------------


def _parity(value: int) -> int:
    return value.bit_count() & 1


_WITH_PARITY = bytes(value | _parity(value) << 7 if value < 0x80 else WRONG_PARITY for value in range(256))
_WITHOUT_PARITY = bytes(WRONG_PARITY if _parity(value) else value & 0x7F for value in range(256))
_PLAIN = bytes(min(value, WRONG_PARITY) for value in range(256))


def to_wire(data: bytes, characters: str) -> bytes:
    """Return 7-bit characters as bytes on the wire."""
    return data.translate(_WITH_PARITY) if characters == "7E1" else data


def from_wire(data: bytes, characters: str) -> bytes:
    """Return bytes on the wire as characters, `WRONG_PARITY` in place of each that is none."""
    return data.translate(_WITHOUT_PARITY if characters == "7E1" else _PLAIN)


ADDRESS = re.compile(r"[0-9A-Za-z ]{0,32}")
ALLOWED = re.compile(rb"/\?[0-9A-Za-z ]{0,32}!\r\n|\x060[0-6]0\r\n")


def encode_request(address: str) -> bytes:
    """Return the sign-on (6.3.1); raises `MeterRefused` on an address that could be something else."""
    return check_allowed(f"/?{address}!\r\n".encode("latin-1", errors="replace"))


def encode_acknowledgement(baud: str) -> bytes:
    """Return the acknowledgement that chooses a data readout at speed `baud` (6.3.3)."""
    return check_allowed(f"\x060{baud}0\r\n".encode("latin-1", errors="replace"))


def check_allowed(data: bytes) -> bytes:
    """Return `data`; raises `MeterRefused` unless it is a sign-on or the acknowledgement for a data readout."""
    if not ALLOWED.fullmatch(data):
        raise MeterRefused(f"wattlab does not send {data!r}: it only asks a meter for its data readout")
    return data


@dataclass(frozen=True, slots=True)
class Identification:
    """Who answered the sign-on: three letters of the maker, the speed it proposes, its own name."""

    maker: str
    baud: str
    name: str


IDENTIFICATION = re.compile(rb"/([A-Za-z]{3})([0-9A-Z])([^/!\x00-\x1f\x7f-\xff]{0,32})\r\n")


def decode_identification(line: bytes) -> Identification:
    """Return what an identification line with its end says (6.3.2); raises `MeterGarbage`."""
    match = IDENTIFICATION.fullmatch(line)
    if match is None:
        raise MeterGarbage(f"found {line[:60]!r}, expected an identification such as `/ISk5MT174-0002`")
    maker, baud, name = (part.decode("ascii") for part in match.groups())
    return Identification(maker, baud, name)


def block_check(data: bytes) -> int:
    """Return the exclusive or of all characters (6.5): from after STX to ETX, both ends as the standard says."""
    return reduce(xor, data, 0)


def decode_readout(message: bytes) -> bytes:
    """Return the data block of a data message, STX to block check character; raises `MeterGarbage`."""
    if len(message) < 7 or message[:1] != b"\x02" or message[-5:-1] != b"!\r\n\x03":
        raise MeterGarbage(f"found {message[:30]!r}...{message[-8:]!r}, expected STX, data lines, `!`, ETX")
    found, expected = message[-1], block_check(message[1:-1])
    if WRONG_PARITY in message or found != expected:
        raise MeterGarbage(f"found the block check {found:#04x}, expected {expected:#04x}")
    return message[1:-5]


def decode_telegram(telegram: bytes) -> tuple[Identification, bytes]:
    """Return identification and data block of a pushed telegram without its final `!`; raises `MeterGarbage`.

    What stands before the last `/` belongs to a telegram that was cut.
    """
    begin = telegram.rfind(b"/")
    line, end, block = telegram[max(begin, 0) :].partition(b"\r\n")
    if begin < 0 or WRONG_PARITY in telegram[begin:]:
        raise MeterGarbage(f"found {telegram[:40]!r}, expected `/` and an identification, parity right")
    return decode_identification(line + end), block


# --- data lines ---------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class DataSet:
    """One value as it was sent, and its unit (empty: none)."""

    value: str
    unit: str


DATA_SET = re.compile(rb"([^()/!\x00-\x1f\x7f-\xff]{0,32})\(([^()/!\x00-\x1f\x7f-\xff]{0,128})\)")
OBIS = re.compile(
    r"(?:([0-9]{1,3})-[0-9]{1,3}:)?([0-9A-Z]{1,3}\.[0-9A-Z]{1,3})(?:\.([0-9A-Z]{1,3}))?(?:[*&]([0-9]{1,3}))?"
)
NUMBER = re.compile(r"-?[0-9]{1,10}(?:\.[0-9]{1,9})?")


def decode_block(block: bytes) -> dict[str, DataSet]:
    """Return the present values by medium and code, `1-16.7.0`; stored values (`*62`) are left out.

    A code without medium is electricity (1); without third part, or with 255 there, it is the total (0).
    Raises `MeterGarbage` on a line that is none, and on a code with two different values.
    """
    found: dict[str, DataSet] = {}
    for line in block.split(b"\r\n"):
        at = 0
        while at < len(line):
            match = DATA_SET.match(line, at)
            if match is None:
                raise MeterGarbage(f"found {line[:60]!r}, expected data sets such as `1-0:16.7.0(0000.23*kW)`")
            at = match.end()
            code = _code(match.group(1).decode("ascii"))
            value, _mark, unit = match.group(2).decode("ascii").partition("*")
            data_set = DataSet(value.strip(), unit)
            if code and found.setdefault(code, data_set) != data_set:
                raise MeterGarbage(f"found {code} twice: {found[code].value} and {value}")
    return found


def _code(address: str) -> str:
    match = OBIS.fullmatch(address)
    if match is None or match.group(4) not in (None, "255"):
        return ""
    medium, name, third, _storage = match.groups()
    total = third in (None, "255") and not name.startswith("96.")
    return f"{medium or '1'}-{name}.{'0' if total else third}"


def value_of(sets: Mapping[str, DataSet], code: str, units: Mapping[str, int]) -> float | None:
    """Return a register of electricity in the unit whose factor is 1; `None` where the meter shows no number.

    Raises `MeterGarbage` on another unit and on a text that is no number.
    """
    data_set = sets.get("1-" + code)
    if data_set is None or not data_set.value.strip("-. "):
        return None
    if data_set.unit not in units:
        raise MeterGarbage(f"found unit {data_set.unit!r} of {code}, expected one of {', '.join(units)}")
    if not NUMBER.fullmatch(data_set.value):
        raise MeterGarbage(f"found {data_set.value!r} as {code}, expected a number")
    return float(Decimal(data_set.value) * units[data_set.unit])


def resolution_of(sets: Mapping[str, DataSet], code: str, units: Mapping[str, int]) -> float:
    """Return the last digit of a register in the unit whose factor is 1."""
    data_set = sets.get("1-" + code, DataSet("0", ""))
    decimals = len(data_set.value.partition(".")[2])
    return float(units.get(data_set.unit, 1) * Decimal(10) ** -decimals)


def power_w(sets: Mapping[str, DataSet]) -> float | None:
    """Return the active power drawn as the meter says, `None` where it does not; raises `MeterGarbage`."""
    net = value_of(sets, "16.7.0", POWERS)
    return value_of(sets, "1.7.0", POWERS) if net is None else net


def energy_wh(sets: Mapping[str, DataSet]) -> float | None:
    """Return the register of energy drawn: 1.8.0, else the sum of its tariffs; raises `MeterGarbage`."""
    total = value_of(sets, "1.8.0", ENERGIES)
    if total is not None:
        return total
    tariffs = [register for code in TARIFFS if (register := value_of(sets, code, ENERGIES)) is not None]
    return round(sum(tariffs), 6) if tariffs else None


def identify(identification: Identification, sets: Mapping[str, DataSet]) -> Identity:
    """Return maker and name from the identification line, serial number and firmware from the registers."""
    serial = next((sets[code].value for code in SERIALS if code in sets), "")
    firmware = sets.get("1-0.2.0", DataSet("", "")).value
    return Identity(identification.maker, identification.name, serial, firmware)


def to_reading(sets: Mapping[str, DataSet], time_ns: int, range_w: float, resynced: bool) -> Reading:
    """Return the registers as SI values; voltage is that of phase L1, current too where there is no other phase.

    Raises `MeterGarbage` on an unexpected unit or number.
    """
    watts, flags = within(power_w(sets), range_w)
    single = not {"1-51.7.0", "1-71.7.0"} & set(sets)
    return Reading(
        time_ns=time_ns,
        power_w=watts,
        voltage_v=value_of(sets, "32.7.0", {"V": 1}),
        current_a=value_of(sets, "31.7.0", {"A": 1}) if single else None,
        frequency_hz=value_of(sets, "14.7.0", {"Hz": 1}),
        energy_wh=energy_wh(sets),
        window_s=0.0,
        flags=flags | {"resynced"} if resynced else flags,
    )


def describe(sets: Mapping[str, DataSet], latency_s: float, range_w: float, accuracy: Accuracy | None) -> Description:
    """Return the columns of what a meter has sent."""
    power = "16.7.0" if "1-16.7.0" in sets else "1.7.0"
    columns = [Column("power_w", "W", resolution_of(sets, power, POWERS), (-range_w, range_w), accuracy)]
    for name, unit, code, high in (
        ("voltage_v", "V", "32.7.0", 400.0),
        ("current_a", "A", "31.7.0", 100.0),
        ("frequency_hz", "Hz", "14.7.0", 70.0),
    ):
        if "1-" + code in sets:
            columns.append(Column(name, unit, resolution_of(sets, code, {unit: 1}), (0.0, high), None))
    register = "1.8.0" if "1-1.8.0" in sets else "1.8.1"
    columns.append(Column("energy_wh", "Wh", resolution_of(sets, register, ENERGIES), (0.0, 1e13), accuracy))
    return Description(
        driver=DRIVER,
        averaging="instantaneous",
        window_s=0.0,
        stamp="unknown",
        latency_s=latency_s,
        columns=tuple(columns),
        tier="indicative",
    )


# --- mode C: asked for ------------------------------------------------------------------------------------------


class PollDialogue(OverWire[SerialWire]):
    """Sign-on, identification, change of speed, data message (`meters.dialogue.Dialogue`)."""

    def __init__(self, port: str, values: Mapping[str, float | str], sink: Sink | None) -> None:
        """Open `port` at the speed of the sign-on; raises `MeterOptionError`, `MeterUnavailable`, `MeterRefused`."""
        self.reply_s = number(values, "reply_s")
        self._quiet_s = number(values, "quiet_s")
        self._sign_on = Line(int(number(values, "sign_on_baud")))
        self._top_baud = number(values, "top_baud")
        self._characters = word(values, "characters")
        self._range_w = number(values, "range_w")
        self._accuracy = ACCURACY.get(word(values, "accuracy_class"))
        self._request = encode_request(word(values, "address"))
        self._held = b""
        self._sets: Mapping[str, DataSet] = {}
        self._latency_s = 0.0
        self._wire = SerialWire(port, self._sign_on, sink)

    def greet(self) -> Identity:
        """Read the meter out once; raises `MeterTimeout`, `MeterGarbage`, `MeterUnplugged`."""
        heard: MeterError | None = None
        for _attempt in range(SIGN_ON_ATTEMPTS):
            try:
                return self.regain(Deadline(self.reply_s)) if heard else self._read_out(Deadline(self.reply_s))[0]
            except (MeterTimeout, MeterGarbage) as error:
                heard = error if heard is None or isinstance(error, MeterGarbage) else heard
        assert heard is not None
        raise heard

    def describe(self) -> Description:
        """Return the columns of the last readout; its data message took `latency_s` on the line."""
        return describe(self._sets, self._latency_s, self._range_w, self._accuracy)

    def sample(self, deadline: Deadline) -> Reading:
        """Read the meter out; raises `MeterTimeout`, `MeterGarbage`, `MeterUnplugged`."""
        _identity, time_ns = self._read_out(deadline)
        return to_reading(self._sets, time_ns, self._range_w, resynced=False)

    def regain(self, deadline: Deadline) -> Identity:
        """Wait until the meter has given the session up, then read it out; raises what `sample` raises."""
        self._wire.set_line(self._sign_on)
        drain(self._wire, min(self._quiet_s, deadline.left_s), deadline)
        return self._read_out(deadline)[0]

    def close(self) -> None:
        """Give the port back; a session is over with its data message."""
        with suppress(MeterError):
            self._wire.close()

    def _read_out(self, deadline: Deadline) -> tuple[Identity, int]:
        self._wire.set_line(self._sign_on)
        self._held = b""
        self._send(self._request)
        line, _time_ns = self._await(IDENTIFICATION, "an identification", deadline)
        identification = decode_identification(line)
        baud = self._choose(identification)
        self._send(encode_acknowledgement(baud))
        self._wire.set_line(Line(BAUDS[baud]))
        message, time_ns = self._await(_MESSAGE, "a data message", deadline)
        self._sets = decode_block(decode_readout(message))
        to_reading(self._sets, time_ns, self._range_w, resynced=False)  # a unit that is none is no answer either
        self._latency_s = len(message) * 10 / BAUDS[baud]
        return identify(identification, self._sets), time_ns

    def _choose(self, identification: Identification) -> str:
        """Return the highest speed that the meter proposes and the lab allows."""
        proposed = BAUDS.get(identification.baud)
        if proposed is None:
            raise MeterGarbage(
                f"{self.port}: {identification.maker} proposes speed {identification.baud!r}, expected 0 to 6, "
                "mode C; modes A, B and E are not read here"
            )
        return max((key for key, baud in BAUDS.items() if baud <= min(proposed, self._top_baud)), key=int)

    def _send(self, data: bytes) -> None:
        self._wire.write(to_wire(check_allowed(data), self._characters))

    def _await(self, pattern: re.Pattern[bytes], what: str, deadline: Deadline) -> tuple[bytes, int]:
        """Return the first match in what comes and its arrival; an echo of the head's own light is passed over."""
        while True:
            try:
                chunk = self._wire.read_chunk(Deadline(min(self._quiet_s, deadline.left_s)))
            except MeterTimeout as error:
                if not self._held:
                    raise
                raise MeterGarbage(f"{self.port}: found {self._held[-60:]!r}, expected {what}") from error
            self._held += from_wire(chunk.data, self._characters)
            match = pattern.search(self._held)
            if match is not None:
                self._held = self._held[match.end() :]
                return match.group(), chunk.time_ns
            if self._held.endswith(NAK) and len(self._held) == len(chunk.data):
                raise MeterGarbage(f"{self.port}: the meter refuses (NAK), expected {what}")
            if len(self._held) > MESSAGE_LIMIT or deadline.expired:
                raise MeterGarbage(f"{self.port}: found {len(self._held)} characters without {what}")


_MESSAGE = re.compile(rb"\x02[^\x02\x03]*\x03.", re.DOTALL)


# --- mode D: pushed -----------------------------------------------------------------------------------------------


class PushDialogue(OverWire[SerialWire]):
    """The listening side of an optical head (`meters.dialogue.Dialogue`); it never writes."""

    def __init__(self, port: str, values: Mapping[str, float | str], sink: Sink | None) -> None:
        """Open `port`; raises `MeterOptionError`, `MeterUnavailable`."""
        self.reply_s = number(values, "reply_s")
        self._baud = number(values, "push_baud")
        self._characters = word(values, "characters")
        self._range_w = number(values, "range_w")
        self._accuracy = ACCURACY.get(word(values, "accuracy_class"))
        self._splitter = LineSplitter(b"!\r\n", MESSAGE_LIMIT)
        self._frames: list[Frame] = []
        self._torn = False
        self._identity: Identity | None = None
        self._sets: Mapping[str, DataSet] = {}
        self._latency_s = 0.0
        self._wire = SerialWire(port, Line(int(self._baud)), sink)

    def greet(self) -> Identity:
        """Wait for the first whole telegram, which is read again; raises `MeterTimeout`, `MeterGarbage`."""
        self._splitter = LineSplitter(b"!\r\n", MESSAGE_LIMIT)
        self._frames, self._identity = [], None
        frame, self._identity, self._sets = self._next(Deadline(self.reply_s))
        self._latency_s = len(frame.body) * 10 / self._baud
        self._frames.insert(0, Frame(frame.time_ns, frame.body[frame.body.rfind(b"/") :], resynced=False))
        self._torn = False  # what was cut before the first telegram belongs to no series
        return self._identity

    def regain(self, deadline: Deadline) -> Identity:
        """Wait for the next telegram; raises what `sample` raises."""
        return self._next(deadline)[1]

    def describe(self) -> Description:
        """Return the columns of the first telegram, which took `latency_s` on the line."""
        return describe(self._sets, self._latency_s, self._range_w, self._accuracy)

    def sample(self, deadline: Deadline) -> Reading:
        """Return the next telegram; one that has only begun waits for the next call.

        Raises `MeterTimeout` if nothing came, `MeterGarbage` if nothing sound came, `MeterUnplugged`.
        """
        frame, _identity, sets = self._next(deadline)
        torn, self._torn = self._torn or frame.resynced, False
        return to_reading(sets, frame.time_ns, self._range_w, torn)

    def _next(self, deadline: Deadline) -> tuple[Frame, Identity, Mapping[str, DataSet]]:
        trouble = ""
        while True:
            try:
                while not self._frames:
                    if deadline.expired:
                        raise MeterTimeout(f"{self.port}: no telegram before the deadline; check the optical head")
                    chunk = self._wire.read_chunk(deadline)
                    characters = from_wire(chunk.data, self._characters)
                    self._frames += self._splitter.feed(Chunk(chunk.time_ns, characters))
            except MeterTimeout as error:
                if not trouble and self._identity is not None:
                    raise
                if not trouble and not self._splitter.held_bytes:
                    raise
                raise MeterGarbage(
                    f"{self.port}: no sound telegram before the deadline; {trouble or 'found no end of one'}; "
                    "check the seat of the optical head, `push_baud`, `characters`"
                ) from error
            frame = self._frames.pop(0)
            try:
                return self._decode(frame)
            except MeterGarbage as error:
                self._torn, trouble = True, str(error)

    def _decode(self, frame: Frame) -> tuple[Frame, Identity, Mapping[str, DataSet]]:
        identification, block = decode_telegram(frame.body)
        sets = decode_block(block)
        to_reading(sets, frame.time_ns, self._range_w, resynced=False)
        identity = identify(identification, sets)
        if self._identity not in (None, identity):
            raise MeterGarbage(f"found a telegram of {identity}, expected {self._identity}")
        if not frame.body.startswith(b"/") and frame.body.lstrip(b"\r\n")[:1] != b"/":
            self._torn = True
        return frame, identity, sets


def open_iec62056(port: str, *, capture: Sink | None, options: Mapping[str, object]) -> DialogueMeter:
    """Open the meter at `port`; `options` are those of `OPTIONS`, `capture` takes the wire log.

    Raises `MeterOptionError`, `MeterUnavailable`, `MeterTimeout`, `MeterUnplugged`, `MeterMismatch`, `MeterRefused`.
    """
    values = read_options(DRIVER, OPTIONS, options)
    if word(values, "mode") == "push":
        return DialogueMeter(PushDialogue(port, values, capture), None)
    return DialogueMeter(PollDialogue(port, values, capture), number(values, "interval_s"))
