"""IEC 62056-21: readable data lines of an electricity meter through its optical head, asked for or pushed.

Knows: mode C (sign-on at 300 baud, identification, acknowledgement with a change of speed, data message with a block
check character) and mode D (pushed, without any check but parity), which registers are power, energy, voltage, current
and frequency. It sends the sign-on and the acknowledgement for a data readout, nothing else: passwords, programming,
writing and the break have no way out (`encode_request`, `check_allowed`).
Does not know: who reads, other meters, modes A, B and E, partial blocks. P1 telegrams, which end in a check sum
(`!6796`), are named and not read.

A data set that is not understood costs that quantity, not the telegram; what was left out or taken by convention stands
in the description's remarks. Power is 16.7.0, else 1.7.0 less what is delivered (2.7.0), else the sum of the phases,
where all phases that the meter speaks of have one; a meter without any gives readings flagged `nan` with its energy.
Energy without a unit is taken as kWh, as the heads of Hager and ITRON mean it, where it has a decimal point. `1.8.0*00`
is the present value where no other 1.8.0 stands beside it (Apator EC3), else a stored one. On M-Bus channels
(`0-1:96.1.0`) other devices speak: their numbers are not the meter's.

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
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from decimal import Decimal
from functools import reduce
from operator import xor

from meters.access import ANYBODY, Access
from meters.deadline import Deadline
from meters.dialogue import DialogueMeter, OverWire, interval_option
from meters.line_dialogue import LineDialogue, Terms, insist
from meters.meter import MeterError, MeterGarbage, MeterMismatch, MeterRefused, MeterTimeout
from meters.options import Option, number, read_options, whole, word
from meters.reading import Accuracy, Column, Description, Identity, Reading, within
from meters.serial_wire import Line, SerialWire
from meters.splitters import Frame, LineSplitter
from meters.wire import Chunk, drain
from meters.wire_log import Sink

DRIVER = "iec62056"
OPTIONS: Mapping[str, Option] = {
    "mode": Option("poll", "poll: mode C, asked for; push: mode D", choices=("poll", "push")),
    "characters": Option("7E1", "7E1, or plain where parity is already taken off", choices=("7E1", "plain")),
    "sign_on_baud": Option(300.0, "bits per second of the sign-on (poll)", low=300.0, high=19200.0, whole=True),
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
VOLTS, AMPERES, HERTZ = {"V": 1}, {"A": 1}, {"Hz": 1}
VOLTAGE, CURRENT, FREQUENCY = "32.7.0", "31.7.0", "14.7.0"
TARIFFS = tuple(f"1.8.{tariff}" for tariff in range(1, 5))
SERIALS = ("0-96.1.0", "0-96.1.255", "1-96.1.0", "1-0.0.9", "1-0.0.0", "0-0.0.0", "1-C.1.0", "0-C.1.0", "0-96.1.1")

# OBIS: group C of a phase is that of all phases and 20, 40 or 60 more.
NET, DRAWN, DELIVERED = 16, 1, 2
PHASES = {"L1": 20, "L2": 40, "L3": 60}


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


class OtherTelegram(MeterGarbage):
    """A whole telegram of another kind: no waiting brings one that is read here."""


class TelegramSplitter:
    """Cuts pushed telegrams, up to the line that begins with `!`, out of a stream that may be torn anywhere.

    Lines may end with CR LF or LF and come out with CR LF between them; holds at most `MESSAGE_LIMIT` bytes.
    """

    __slots__ = ("_lines", "_size", "_splitter", "_torn")

    def __init__(self) -> None:
        self._splitter = LineSplitter(b"\n", MESSAGE_LIMIT)
        self._lines: list[bytes] = []
        self._size = 0
        self._torn = False

    @property
    def held_bytes(self) -> int:
        """How many bytes of an unfinished telegram are kept."""
        return self._size + self._splitter.held_bytes

    @property
    def dropped_bytes(self) -> int:
        """How many bytes belonged to no line."""
        return self._splitter.dropped_bytes

    def feed(self, chunk: Chunk) -> list[Frame]:
        """Return the telegrams that `chunk` completes, all with its arrival time."""
        frames = []
        for line in self._splitter.feed(chunk):
            text = line.body.rstrip(b"\r")
            self._lines.append(text)
            self._size += len(text) + 2
            self._torn = self._torn or line.resynced
            if END_LINE.fullmatch(text):
                frames.append(Frame(line.time_ns, b"\r\n".join(self._lines), self._torn))
                self._lines, self._size, self._torn = [], 0, False
        if self.held_bytes > MESSAGE_LIMIT:
            self._lines, self._size, self._torn = [], 0, True
        return frames


END_LINE = re.compile(rb"!([0-9A-Fa-f]{4})? *")
_TEXT = re.compile(rb"[\x02\x03\r\n\x20-\x7e]*")


def decode_telegram(telegram: bytes) -> tuple[Identification, bytes]:
    """Return identification and data block of a pushed telegram that ends with its line `!`; raises `MeterGarbage`.

    What stands before the last `/` belongs to a telegram that was cut. Nothing but parity checks what is pushed: a
    character that is no text says that others are wrong too. Raises `OtherTelegram` for one with a check sum.
    """
    body, _break, last = telegram.rpartition(b"\r\n")
    end = END_LINE.fullmatch(last)
    if end is None:
        body = telegram
    begin = body.rfind(b"/")
    line, _end, block = body[max(begin, 0) :].partition(b"\r\n")
    if begin < 0 or not _TEXT.fullmatch(body[begin:]):
        raise MeterGarbage(f"found {telegram[:40]!r}, expected `/`, an identification and text, parity right")
    identification = decode_identification(line + b"\r\n")
    if end is not None and end.group(1):
        raise OtherTelegram(
            f"found the end `{last.decode('ascii')}` of a telegram of {identification.maker}: a DSMR telegram of a P1 "
            "port, with a check sum, which this driver does not read; use the meter's optical head, or another meter"
        )
    return identification, block


# --- data lines ---------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class DataSet:
    """One value as it was sent, and its unit (empty: none); `trouble` says why it is not to be read."""

    value: str
    unit: str
    trouble: str = ""


NOTHING = DataSet("", "")
DATA_SET = re.compile(rb"([^()/!\x00-\x1f\x7f-\xff]{0,32})\(([^()/!\x00-\x1f\x7f-\xff]{0,128})\)")
ADDRESSED = re.compile(rb"([^()/!\x00-\x1f\x7f-\xff]{1,32})[()]")
OBIS = re.compile(
    r"(?:([0-9]{1,3})-([0-9]{1,3}):)?([0-9A-Z]{1,3}\.[0-9A-Z]{1,3})(?:\.([0-9A-Z]{1,3}))?(?:[*&]([0-9]{1,3}))?"
)
NUMBER = re.compile(r"[-+]?[0-9]{1,10}(?:\.[0-9]{1,9})?")
ELECTRICITY, ABSTRACT = "1", "0"
PRESENT, MAYBE_PRESENT = (None, "255"), "00"


@dataclass(frozen=True, slots=True)
class Address:
    """An OBIS code taken apart; `code` is medium and name, `1-16.7.0`, `channel` `None` where medium and channel are
    not said, `storage` what stands behind `*`."""

    code: str
    medium: str
    channel: int | None
    storage: str | None


NOWHERE = Address("", "", None, None)


def decode_block(block: bytes) -> dict[str, DataSet]:
    """Return the present values by medium and code, `1-16.7.0`; stored values (`*62`) are left out.

    A code without medium is electricity (1); without third part, or with 255 there, it is the total (0). Of several
    channels of electricity the lowest is the meter itself, of abstract data (medium 0) channel 0. A line that is no
    data set, and a code with two different values, cost that code. Raises `MeterGarbage` where no line is one.
    """
    entries = list(_entries(block))
    if entries and all(data_set.trouble for _address, data_set in entries):
        raise MeterGarbage(entries[0][1].trouble)
    entries = [(address, data_set) for address, data_set in entries if address is not NOWHERE]
    channels = [a.channel for a, _set in entries if a.medium == ELECTRICITY and a.channel is not None]
    own = {ELECTRICITY: (None, min(channels, default=0)), ABSTRACT: (None, 0)}
    storages: dict[str, set[str | None]] = {}
    for address, _data_set in entries:
        storages.setdefault(address.code, set()).add(address.storage)
    found: dict[str, DataSet] = {}
    for address, data_set in entries:
        only = storages[address.code] == {MAYBE_PRESENT}
        is_own = address.channel in own.get(address.medium, (address.channel,))
        if not is_own or not (address.storage in PRESENT or only):
            continue
        before = found.setdefault(address.code, data_set)
        if before != data_set and not before.trouble:
            trouble = data_set.trouble or f"it stands twice, with {before.value} and {data_set.value}"
            found[address.code] = DataSet("", "", trouble)
    return found


def _entries(block: bytes) -> Iterator[tuple[Address, DataSet]]:
    """Yield what stands in the data lines, in order; the first sound data set of a line need not be the last."""
    for line in block.split(b"\r\n"):
        at = 0
        while at < len(line):
            match = DATA_SET.match(line, at)
            if match is None:
                trouble = f"found {line[:60]!r}, expected data sets such as `1-0:16.7.0(0000.23*kW)`"
                head = ADDRESSED.match(line, at)
                text = head.group(1).decode("ascii") if head is not None else ""
                yield _address(text) or NOWHERE, DataSet("", "", trouble)
                break
            at = match.end()
            address = _address(match.group(1).decode("ascii"))
            value, _mark, unit = match.group(2).decode("ascii").partition("*")
            if address is not None:
                yield address, DataSet(value.strip(), unit)


def _address(text: str) -> Address | None:
    match = OBIS.fullmatch(text)
    if match is None:
        return None
    medium, channel, name, third, storage = match.groups()
    total = third in (None, "255") and not name.startswith("96.")
    code = f"{medium or ELECTRICITY}-{name}.{'0' if total else third}"
    return Address(code, medium or ELECTRICITY, None if channel is None else int(channel), storage)


@dataclass(frozen=True, slots=True)
class Found:
    """A quantity as read from registers: its value (`None`: there is none), of which codes, its last digit."""

    value: float | None
    codes: tuple[str, ...] = ()
    step: float = 1.0
    remark: str = ""


def find(sets: Mapping[str, DataSet], code: str, units: Mapping[str, int]) -> Found | None:
    """Return a register of electricity in the unit whose factor is 1, `None` where the meter has no such register.

    Its value is `None` where the meter shows no number; where it is not understood, a remark says why.
    """
    data_set = sets.get(f"{ELECTRICITY}-{code}")
    if data_set is None:
        return None
    if data_set.trouble:
        return Found(None, (code,), remark=f"{code} is not read: {data_set.trouble}")
    if not data_set.value.strip("-. "):
        return Found(None, (code,))
    remark = ""
    unit = data_set.unit
    if not unit and units is ENERGIES and "." in data_set.value:
        unit, remark = "kWh", f"{code} comes without a unit; it is taken as kWh, as such meters mean it"
    if unit not in units:
        listed = ", ".join(units)
        return Found(None, (code,), remark=f"{code} is not read: found unit {unit!r}, expected one of {listed}")
    if not NUMBER.fullmatch(data_set.value):
        return Found(None, (code,), remark=f"{code} is not read: found {data_set.value!r}, expected a number")
    step = units[unit] * Decimal(10) ** -len(data_set.value.partition(".")[2])
    return Found(float(Decimal(data_set.value) * units[unit]), (code,), float(step), remark)


def value_of(sets: Mapping[str, DataSet], code: str, units: Mapping[str, int]) -> float | None:
    """Return the value of a register, `None` where there is none that is understood."""
    found = find(sets, code, units)
    return None if found is None else found.value


def find_power(sets: Mapping[str, DataSet]) -> Found:
    """Return the active power in W as the meter says it: drawn, negative when delivered."""
    found = _power_of(sets, 0) or _power_of_phases(sets)
    if found is None:
        return Found(None, remark="the meter sends no active power (16.7.0, 1.7.0, or by phase)")
    return found


def _power_of(sets: Mapping[str, DataSet], phase: int) -> Found | None:
    """Return the power of all phases (0) or of one (20, 40, 60): net, else drawn less delivered."""
    net = find(sets, f"{NET + phase}.7.0", POWERS)
    if net is not None:
        return net
    drawn, delivered = (find(sets, f"{flow + phase}.7.0", POWERS) for flow in (DRAWN, DELIVERED))
    if drawn is None or delivered is None:
        return drawn
    return _sum([drawn, replace(delivered, value=None if delivered.value is None else -delivered.value)])


def _power_of_phases(sets: Mapping[str, DataSet]) -> Found | None:
    """Return the sum of the phases; a meter that speaks of a phase without its power has no sum."""
    powers = {name: _power_of(sets, phase) for name, phase in PHASES.items()}
    there = {name: found for name, found in powers.items() if found is not None}
    if not there:
        return None
    spoken = {name for name, phase in PHASES.items() if _speaks_of(sets, phase)}
    codes = ", ".join(code for found in there.values() for code in found.codes)
    if spoken != set(there) or len(there) not in (1, len(PHASES)):
        lacking = ", ".join(sorted((spoken | (set(PHASES) if len(there) > 1 else set())) - set(there)))
        return Found(None, remark=f"power stands at {codes} only, without {lacking}: phases that lack give no sum")
    total = _sum(list(there.values()))
    return replace(total, remark=total.remark or f"power is taken from the phases: {codes}")


def _speaks_of(sets: Mapping[str, DataSet], phase: int) -> bool:
    """Whether the meter has a momentary value (power, current, voltage, angle) of a phase: C from 21 to 39 for L1."""
    groups = [code.removeprefix(f"{ELECTRICITY}-").split(".") for code in sets if code.startswith(f"{ELECTRICITY}-")]
    return any(c.isdigit() and phase < int(c) < phase + 20 and d == "7" for c, d, _e in groups)


def _sum(parts: Sequence[Found]) -> Found:
    values = [part.value for part in parts if part.value is not None]
    total = round(sum(values), 6) if len(values) == len(parts) else None
    codes = tuple(code for part in parts for code in part.codes)
    remark = next((part.remark for part in parts if part.remark), "")
    return Found(total, codes, max(part.step for part in parts), remark)


def find_energy(sets: Mapping[str, DataSet]) -> Found:
    """Return the register of energy drawn in Wh: 1.8.0, else the sum of its tariffs, where each is a number."""
    total = find(sets, "1.8.0", ENERGIES)
    if total is not None and total.value is not None:
        return total
    tariffs = [found for code in TARIFFS if (found := find(sets, code, ENERGIES)) is not None]
    return _sum(tariffs) if tariffs else total or Found(None)


def identify(identification: Identification, sets: Mapping[str, DataSet]) -> Identity:
    """Return maker and name from the identification line, serial number and firmware from the registers."""
    serial = next((sets[code].value for code in SERIALS if code in sets and sets[code].value), "")
    firmware = sets.get("1-0.2.0", NOTHING).value
    return Identity(identification.maker, identification.name, serial, firmware)


def to_reading(sets: Mapping[str, DataSet], time_ns: int, range_w: float, resynced: bool) -> Reading:
    """Return the registers as SI values; voltage is that of phase L1, current too where there is no other phase."""
    watts, flags = within(find_power(sets).value, range_w)
    single = not {"1-51.7.0", "1-71.7.0"} & set(sets)
    return Reading(
        time_ns=time_ns,
        power_w=watts,
        voltage_v=value_of(sets, VOLTAGE, VOLTS),
        current_a=value_of(sets, CURRENT, AMPERES) if single else None,
        frequency_hz=value_of(sets, FREQUENCY, HERTZ),
        energy_wh=find_energy(sets).value,
        window_s=0.0,
        flags=flags | {"resynced"} if resynced else flags,
    )


def describe(sets: Mapping[str, DataSet], latency_s: float, range_w: float, accuracy: Accuracy | None) -> Description:
    """Return the columns of what a meter has sent, and what of it was left out or taken by convention."""
    power, energy = find_power(sets), find_energy(sets)
    columns = [Column("power_w", "W", power.step, (-range_w, range_w), accuracy)]
    remarks = [power.remark, energy.remark]
    for name, unit, code, units, high in (
        ("voltage_v", "V", VOLTAGE, VOLTS, 400.0),
        ("current_a", "A", CURRENT, AMPERES, 100.0),
        ("frequency_hz", "Hz", FREQUENCY, HERTZ, 70.0),
    ):
        found = find(sets, code, units)
        if found is not None:
            columns.append(Column(name, unit, found.step, (0.0, high), None))
            remarks.append(found.remark)
    columns.append(Column("energy_wh", "Wh", energy.step, (0.0, 1e13), accuracy))
    return Description(
        driver=DRIVER,
        averaging="instantaneous",
        window_s=0.0,
        stamp="unknown",
        latency_s=latency_s,
        columns=tuple(columns),
        tier="indicative",
        remarks=tuple(remark for remark in remarks if remark),
    )


# --- mode C: asked for ------------------------------------------------------------------------------------------


class PollDialogue(OverWire[SerialWire]):
    """Sign-on, identification, change of speed, data message (`meters.dialogue.Dialogue`)."""

    def __init__(self, port: str, values: Mapping[str, float | str], sink: Sink | None, access: Access) -> None:
        """Open `port` at the speed of the sign-on; raises `MeterOptionError`, `MeterUnavailable`, `MeterRefused`."""
        self.reply_s = number(values, "reply_s")
        self._quiet_s = number(values, "quiet_s")
        self._sign_on = Line(whole(values, "sign_on_baud"))
        self._top_baud = number(values, "top_baud")
        self._characters = word(values, "characters")
        self._range_w = number(values, "range_w")
        self._accuracy = ACCURACY.get(word(values, "accuracy_class"))
        self._request = encode_request(word(values, "address"))
        self._held = b""
        self._sets: Mapping[str, DataSet] = {}
        self._latency_s = 0.0
        self._wire = SerialWire(port, self._sign_on, sink, access)

    def greet(self) -> Identity:
        """Read the meter out once; raises `MeterTimeout`, `MeterGarbage`, `MeterUnplugged`."""
        return insist(SIGN_ON_ATTEMPTS, self._ask_who)

    def _ask_who(self, attempt: int) -> Identity:
        deadline = Deadline(self.reply_s)
        return self.regain(deadline) if attempt else self._read_out(deadline)[0]

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


class PushDialogue(LineDialogue[SerialWire]):
    """The listening side of an optical head (`meters.dialogue.Dialogue`); it never writes."""

    terms = Terms("telegram", "check the optical head", "check the seat of the optical head, `push_baud`, `characters`")

    def __init__(self, port: str, values: Mapping[str, float | str], sink: Sink | None, access: Access) -> None:
        """Open `port`; raises `MeterOptionError`, `MeterUnavailable`."""
        self.reply_s = number(values, "reply_s")
        self._baud = number(values, "push_baud")
        self._characters = word(values, "characters")
        self._range_w = number(values, "range_w")
        self._accuracy = ACCURACY.get(word(values, "accuracy_class"))
        self._sets: Mapping[str, DataSet] = {}
        self._latency_s = 0.0
        super().__init__(SerialWire(port, Line(int(self._baud)), sink, access), TelegramSplitter)

    def _forget(self) -> None:
        super()._forget()
        self._identity: Identity | None = None

    def greet(self) -> Identity:
        """Wait for the first whole telegram, which is read again; raises `MeterTimeout`, `MeterGarbage`."""
        self._forget()
        frame, self._identity, self._sets = self._next(Deadline(self.reply_s))
        self._latency_s = len(frame.body) * 10 / self._baud
        self._frames.appendleft(Frame(frame.time_ns, frame.body[frame.body.rfind(b"/") :], resynced=False))
        self._torn = False  # what was cut before the first telegram belongs to no series
        return self._identity

    def regain(self, deadline: Deadline) -> Identity:
        """Wait for the next telegram; raises what `sample` raises."""
        self._next(deadline)
        assert self._identity is not None
        return self._identity

    def describe(self) -> Description:
        """Return the columns of the first telegram, which took `latency_s` on the line."""
        return describe(self._sets, self._latency_s, self._range_w, self._accuracy)

    def sample(self, deadline: Deadline) -> Reading:
        """Return the next telegram; one that has only begun waits for the next call.

        Raises `MeterTimeout` if nothing came, `MeterGarbage` if nothing sound came, `MeterUnplugged`.
        """
        frame, _identity, sets = self._next(deadline)
        return to_reading(sets, frame.time_ns, self._range_w, bool(self._tear()))

    def _next(self, deadline: Deadline) -> tuple[Frame, Identity, Mapping[str, DataSet]]:
        return self._next_sound(deadline, self._decode)

    def _read(self, deadline: Deadline) -> Chunk:
        chunk = super()._read(deadline)
        return Chunk(chunk.time_ns, from_wire(chunk.data, self._characters))

    def _left_over(self, dropped_before: int) -> str:
        """Say what was held of a telegram; once the meter is known, a part of one is only late."""
        return "found no end of one" if self._identity is None and self._splitter.held_bytes else ""

    def _decode(self, frame: Frame) -> tuple[Frame, Identity, Mapping[str, DataSet]]:
        try:
            identification, block = decode_telegram(frame.body)
        except OtherTelegram as error:
            raise MeterMismatch(f"{self.port}: {error}") from error
        sets = decode_block(block)
        identity = identify(identification, sets)
        if self._identity is not None and not _same_meter(identity, self._identity):
            raise MeterGarbage(f"found a telegram of {identity}, expected {self._identity}")
        if not frame.body.startswith(b"/") and frame.body.lstrip(b"\r\n")[:1] != b"/":
            self._torn = True
        return frame, identity, sets


def _same_meter(one: Identity, other: Identity) -> bool:
    """Whether two telegrams are of one meter: a data set of its number that is not understood costs that number."""
    names = [(one.maker, other.maker), (one.model, other.model)]
    numbers = [(one.serial, other.serial), (one.firmware, other.firmware)]
    return all(a == b for a, b in names) and all(a == b or not a or not b for a, b in numbers)


def open_iec62056(
    port: str, *, capture: Sink | None, options: Mapping[str, object], access: Access = ANYBODY
) -> DialogueMeter:
    """Open the meter at `port`; `options` are those of `OPTIONS`, `capture` takes the wire log.

    Raises `MeterOptionError`, `MeterUnavailable`, `MeterTimeout`, `MeterUnplugged`, `MeterMismatch`, `MeterRefused`.
    """
    values = read_options(DRIVER, OPTIONS, options)
    if word(values, "mode") == "push":
        return DialogueMeter(PushDialogue(port, values, capture, access), None, access)
    return DialogueMeter(PollDialogue(port, values, capture, access), number(values, "interval_s"), access)
