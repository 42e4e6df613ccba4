"""SML (Smart Message Language 1.04): telegrams an electricity meter pushes through its optical head, 9600 8N1.

Knows: the transport frame (escapes, fill bytes, CRC), the type-length-value encoding, which OBIS codes are power,
energy, voltage, current and frequency, and the three quirks of real meters named below. Sends nothing, ever.
Does not know: who reads, other meters. A meter that sends no power gives readings flagged `nan` with its energy
register. An entry that is not understood costs that quantity, not the telegram; what was left out, or taken how, stands
in the description's remarks.

Sources: BSI TR-03109-1 annex IV (SML 1.04); DLMS UA Blue Book for OBIS codes and units; DIN 43863-5 for identities.
Quirks, each shown by a real dump: Holley DTZ541 before its revision checks with CRC-16/KERMIT (option `checksum`) and
sends times without their choice tag; DZG DVS-7412 encodes power from 0x8000 on as a negative number of two bytes
(libsml, sml_shared.h; undone here only when the status word of the energy register says that power is drawn, and not
for one of several phases, whose direction it does not say).
Power is 16.7.0, else 1.7.0 less what is delivered (2.7.0), else 15.7.0, whose sign stands in that status word: 0x20 in
the older layout (EMH), 0x2000 in the one that ends in 04 (FNN); both read off dumps, not off a document; else the sum
of the phases (36.7.0, 56.7.0, 76.7.0, or drawn less delivered), where all phases that the meter speaks of have one.

Proved by dumps of seven meters and by SMLLib: frame, encoding, scaling, sign. Not proved by any test here: what a real
optical head adds, over which time a meter averages its power (declared instantaneous), and any accuracy. The accuracy
class stands on the plate of the meter, not on the wire: option `accuracy_class`. The check sum of the Itron OpenWay
3.HZ is known to nobody (libsml, issue 83): its telegrams are refused.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import TypeAlias

from meters.access import ANYBODY, Access
from meters.deadline import Deadline
from meters.dialogue import DialogueMeter, Repetitions
from meters.line_dialogue import LineDialogue, Terms
from meters.meter import MeterGarbage
from meters.options import Option, number, read_options, whole, word
from meters.reading import Accuracy, Column, Description, Identity, Reading, within
from meters.serial_wire import Line, SerialWire
from meters.splitters import Frame
from meters.wire import Chunk
from meters.wire_log import Sink

DRIVER = "sml"
OPTIONS: Mapping[str, Option] = {
    "baud": Option(9600.0, "bits per second", low=300.0, high=921600.0, whole=True),
    "checksum": Option(
        "x25", "CRC-16 of the telegrams: x25, or kermit of old Holley meters", choices=("x25", "kermit")
    ),
    "range_w": Option(41400.0, "W, above which a reading is overrange; 3 x 60 A x 230 V", low=1.0, high=1e6),
    "wait_s": Option(10.0, "seconds to wait for the first telegram", low=0.1, high=120.0),
    "accuracy_class": Option(
        "unknown", "class on the meter's plate (MID: A, B, C)", choices=("unknown", "A", "B", "C")
    ),
}
FRAME_LIMIT = 4096
SECOND_S = 1.0  # the step of the meter's own clock

_PLATE = "EN 50470-3 class {} as on the meter's plate: energy from I_tr to I_max at power factor 1; power taken alike"
ACCURACY = {
    name: Accuracy(percent, 0.0, 0.0, _PLATE.format(name)) for name, percent in (("A", 2.0), ("B", 1.0), ("C", 0.5))
}

START = b"\x1b\x1b\x1b\x1b\x01\x01\x01\x01"
ESCAPE = b"\x1b\x1b\x1b\x1b"
END = 0x1A

MESSAGE = 0x76  # a list of 6
GET_LIST_RESPONSE = 0x0701
DEPTH_LIMIT = 8  # a time in an entry of a list in a body stands at 6
SCALER_LIMIT = 9

# DLMS unit codes (Blue Book, enumeration `unit`).
W, WH, V, A, HZ = 27, 30, 35, 33, 44


def _obis(text: str) -> bytes:
    return bytes(int(part) for part in text.replace("-", ".").replace(":", ".").replace("*", ".").split("."))


def _momentary(group: int) -> bytes:
    return _obis(f"1-0:{group}.7.0*255")


# OBIS: group C of a phase is that of all phases and 20, 40 or 60 more.
NET, DRAWN, DELIVERED = 16, 1, 2
PHASES = {"L1": 20, "L2": 40, "L3": 60}
POWER_ABSOLUTE = _obis("1-0:15.7.0*255")
ENERGY = _obis("1-0:1.8.0*255")
ENERGY_TARIFFS = tuple(_obis(f"1-0:1.8.{tariff}*255") for tariff in range(1, 5))
ENERGY_EXPORT = _obis("1-0:2.8.0*255")
VOLTAGE = _obis("1-0:32.7.0*255")
CURRENT = _obis("1-0:31.7.0*255")
OTHER_CURRENTS = (_obis("1-0:51.7.0*255"), _obis("1-0:71.7.0*255"))
FREQUENCY = _obis("1-0:14.7.0*255")
MAKERS = (_obis("129-129:199.130.3*255"), _obis("1-0:96.50.1*1"))
FIRMWARES = (_obis("1-0:0.2.0*0"), _obis("1-0:0.2.0*255"))


# --- the transport frame ------------------------------------------------------------------------------------------


class TelegramSplitter:
    """Cuts telegrams, escapes and all, out of a stream that may be torn anywhere; holds at most `limit` bytes.

    A start inside a telegram begins a new one. What belongs to no telegram is dropped and, unless it is NUL, makes the
    next one `resynced`; `dropped_bytes` counts it.
    """

    __slots__ = ("_held", "_inside", "_limit", "_scanned", "_torn", "dropped_bytes")

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._held = b""
        self._inside = False
        self._scanned = 0
        self._torn = False
        self.dropped_bytes = 0

    @property
    def held_bytes(self) -> int:
        """How many bytes of an unfinished telegram are kept."""
        return len(self._held)

    def feed(self, chunk: Chunk) -> list[Frame]:
        """Return the telegrams that `chunk` completes, all with its arrival time."""
        frames = []
        for begin in range(0, len(chunk.data), self._limit):
            self._held += chunk.data[begin : begin + self._limit]
            while (telegram := self._cut()) is not None:
                frames.append(Frame(chunk.time_ns, telegram, self._torn))
                self._torn = False
        return frames

    def _cut(self) -> bytes | None:
        """Take the next whole telegram off the held bytes; `None` when more bytes are needed."""
        while self._inside or self._find_start():
            at = self._held.find(ESCAPE, self._scanned)
            told = self._held[at + 4 : at + 8] if at >= 0 else b""
            if max(at, self._scanned) + 8 > self._limit or (at < 0 and len(self._held) > self._limit):
                self._give_up()
            elif len(told) < 4:
                self._scanned = at if at >= 0 else max(self._scanned, len(self._held) - len(ESCAPE) + 1)
                return None
            elif told == ESCAPE:
                self._scanned = at + 8
            elif told[0] == END:
                telegram, self._held = self._held[: at + 8], self._held[at + 8 :]
                self._inside = False
                return telegram
            else:
                self._give_up()
        return None

    def _find_start(self) -> bool:
        at = self._held.find(START)
        self._inside = at >= 0
        # A start may be torn too.
        self._drop(at if self._inside else max(0, len(self._held) - len(START) + 1))
        self._scanned = len(START)
        return self._inside

    def _give_up(self) -> None:
        """What began here is no telegram; the next start may stand inside it."""
        self._inside = False
        self._drop(len(ESCAPE))

    def _drop(self, count: int) -> None:
        self._torn = self._torn or bool(self._held[:count].strip(b"\0"))
        self._held = self._held[count:]
        self.dropped_bytes += count


def unpack(telegram: bytes, checksum: str) -> bytes:
    """Return the messages of a telegram without frame, fill bytes and escapes.

    Raises `MeterGarbage` when the check sum or the number of fill bytes is not right.
    """
    if len(telegram) < 16 or not telegram.startswith(START) or telegram[-8:-3] != ESCAPE + bytes([END]):
        raise MeterGarbage(f"found {telegram[:12].hex()}..., expected an SML telegram of at least 16 bytes")
    found = telegram[-2:]
    expected = crc_bytes(telegram[:-2], checksum)
    if found != expected:
        other = "kermit" if checksum == "x25" else "x25"
        hint = f"; it would match checksum {other!r}" if found == crc_bytes(telegram[:-2], other) else ""
        raise MeterGarbage(f"found the check sum {found.hex()}, expected {expected.hex()} ({checksum}){hint}")
    fill = telegram[-3]
    if fill > 3 or telegram[-8 - fill : -8].strip(b"\0"):
        raise MeterGarbage(f"found {fill} fill bytes {telegram[-8 - fill : -8].hex()}, expected 0 to 3, all zero")
    return telegram[len(START) : len(telegram) - 8 - fill].replace(ESCAPE + ESCAPE, ESCAPE)


def crc_bytes(data: bytes, checksum: str) -> bytes:
    """Return the two bytes of CRC-16/X-25 (low byte first) or, as Holley sends it, CRC-16/KERMIT (high byte first)."""
    initial = 0xFFFF if checksum == "x25" else 0
    crc = initial
    for byte in data:
        crc = crc >> 8 ^ _CRC_TABLE[(crc ^ byte) & 0xFF]
    return (crc ^ initial).to_bytes(2, "little" if checksum == "x25" else "big")


def _crc_table() -> tuple[int, ...]:
    """Return the table of the polynomial x^16 + x^12 + x^5 + 1, bits reflected (ITU-T X.25)."""
    table = []
    for byte in range(256):
        for _bit in range(8):
            byte = byte >> 1 ^ (0x8408 if byte & 1 else 0)
        table.append(byte)
    return tuple(table)


_CRC_TABLE = _crc_table()


# --- type-length-value --------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Number:
    """An integer as it was sent: `size` is its number of bytes."""

    value: int
    signed: bool
    size: int


Value: TypeAlias = "bytes | bool | Number | tuple[Value, ...] | None"


def decode_element(data: bytes, at: int, depth: int = 0) -> tuple[Value, int]:
    """Return the element that begins at `at`, and where the next begins; an octet string of length 0 is `None`.

    Raises `MeterGarbage` beyond the end of `data`, deeper than `DEPTH_LIMIT`, and on a type that does not exist.
    """
    kind, length, begin = _type_and_length(data, at)
    if kind == 7:
        if depth == DEPTH_LIMIT or length > len(data) - begin:
            raise MeterGarbage(f"found a list of {length} at byte {at}, depth {depth}, of {len(data)} bytes")
        items = []
        for _item in range(length):
            item, begin = decode_element(data, begin, depth + 1)
            items.append(item)
        return tuple(items), begin
    end = at + length
    payload = data[begin:end]
    if end > len(data) or end < begin:
        raise MeterGarbage(f"found an element of {length} bytes at byte {at}, only {len(data) - at} are there")
    if kind == 0:
        return payload or None, end
    if kind == 4 and len(payload) == 1:
        return payload != b"\0", end
    if kind in (5, 6) and 1 <= len(payload) <= 8:
        return Number(int.from_bytes(payload, "big", signed=kind == 5), kind == 5, len(payload)), end
    raise MeterGarbage(f"found type {kind} with {len(payload)} bytes at byte {at}, expected an SML type")


def _type_and_length(data: bytes, at: int) -> tuple[int, int, int]:
    """Return type, length (of the whole element; of a list its items) and where the content begins."""
    length = 0
    for count in range(1, 4):
        if at + count > len(data):
            break
        byte = data[at + count - 1]
        length = length << 4 | byte & 0x0F
        if not byte & 0x80:
            return data[at] >> 4 & 7, length, at + count
    raise MeterGarbage(f"found no end of the length at byte {at} of {len(data)}, expected at most 3 bytes")


# --- messages -----------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of a value list; `unit` is the DLMS code, `scaler` the power of ten."""

    status: int | None
    time: int | None
    unit: int | None
    scaler: int
    value: bytes | bool | Number | None


@dataclass(frozen=True, slots=True)
class Telegram:
    """The value list of one telegram: `second` is the meter's own second index, if it sends one; `troubles` say why
    an entry is left out."""

    server_id: bytes
    second: int | None
    entries: Mapping[bytes, Entry]
    troubles: tuple[str, ...] = ()


def decode_telegram(telegram: bytes, checksum: str) -> Telegram:
    """Return what a whole telegram says; raises `MeterGarbage` unless it is sound and has a value list."""
    lists = [body for tag, body in _messages(unpack(telegram, checksum), checksum) if tag == GET_LIST_RESPONSE]
    if len(lists) != 1:
        raise MeterGarbage(f"found {len(lists)} value lists in a telegram, expected 1")
    _client, server_id, _name, sensor_time, values, _signature, _gateway_time = _items(lists[0], 7, "value list")
    if not isinstance(values, tuple):
        raise MeterGarbage("found a value list without values")
    entries, troubles = _entries(values)
    if not isinstance(server_id, bytes):
        raise MeterGarbage("found no server identity in the value list")
    second = _time(sensor_time)
    if second is None and ENERGY in entries:
        second = entries[ENERGY].time
    return Telegram(server_id, second, entries, troubles)


def _entries(values: tuple[Value, ...]) -> tuple[dict[bytes, Entry], tuple[str, ...]]:
    """Return the entries of a value list, and what is wrong with those that are none."""
    entries: dict[bytes, Entry] = {}
    troubles: dict[bytes, str] = {}
    for value in values:
        try:
            obis, entry = _entry(value)
        except MeterGarbage as error:
            troubles[str(error).encode()] = str(error)
            continue
        if entries.setdefault(obis, entry) != entry:
            troubles[obis] = f"found {name_of(obis)} twice with different values"
    return {obis: entry for obis, entry in entries.items() if obis not in troubles}, tuple(troubles.values())


def name_of(obis: bytes) -> str:
    """Return an OBIS code as it is written, `1-0:16.7.0*255`."""
    return "{}-{}:{}.{}.{}*{}".format(*obis)


def _messages(data: bytes, checksum: str) -> Iterator[tuple[int, Value]]:
    """Yield tag and body of each message, each with its own check sum right."""
    at = 0
    while at < len(data):
        begin = at
        if data[at] != MESSAGE:
            raise MeterGarbage(f"found {data[at]:#04x} at byte {at}, expected the start of a message, 0x76")
        at += 1
        for _header in ("transaction", "group", "abort on error"):
            _ignored, at = decode_element(data, at)
        body, check_at = decode_element(data, at)
        check, at = decode_element(data, check_at)
        expected = int.from_bytes(crc_bytes(data[begin:check_at], checksum), "big")
        if not isinstance(check, Number) or check.value != expected or data[at : at + 1] != b"\0":
            raise MeterGarbage(
                f"found the check {check!r} of a message at byte {check_at}, expected {expected:#06x} and 00"
            )
        at += 1
        tag, content = _items(body, 2, "message body")
        yield _whole(tag, "message tag"), content


def _entry(value: Value) -> tuple[bytes, Entry]:
    obis, status, time, unit, scaler, content, _signature = _items(value, 7, "entry")
    if not isinstance(obis, bytes) or len(obis) != 6:
        raise MeterGarbage(f"found the OBIS code {obis!r}, expected 6 bytes")
    exponent = 0 if scaler is None else _whole(scaler, "scaler")
    if abs(exponent) > SCALER_LIMIT:
        raise MeterGarbage(f"found the scaler {exponent} of {obis.hex()}, expected -{SCALER_LIMIT} to {SCALER_LIMIT}")
    return obis, Entry(
        None if status is None else _whole(status, "status word"),
        _time(time),
        None if unit is None else _whole(unit, "unit"),
        exponent,
        None if isinstance(content, tuple) else content,
    )


def _time(value: Value) -> int | None:
    """Return a second index or a time stamp; some meters (Holley DTZ541) leave the choice tag out."""
    if isinstance(value, tuple):
        _tag, value = _items(value, 2, "time")
        if isinstance(value, tuple):  # local time: stamp, offset, summer-time offset
            value = value[0] if value else None
    return value.value if isinstance(value, Number) else None


def _items(value: Value, count: int, what: str) -> tuple[Value, ...]:
    if not isinstance(value, tuple) or len(value) != count:
        raise MeterGarbage(f"found {value!r:.60}, expected {what}: a list of {count}")
    return value


def _whole(value: Value, what: str) -> int:
    if not isinstance(value, Number):
        raise MeterGarbage(f"found {value!r:.60}, expected {what}: a number")
    return value.value


# --- values -------------------------------------------------------------------------------------------------------


def draws(telegram: Telegram) -> bool | None:
    """Whether the status word of the energy register says that power is drawn (not delivered); `None`: not told."""
    for obis in (ENERGY, *ENERGY_TARIFFS, ENERGY_EXPORT):
        entry = telegram.entries.get(obis)
        if entry is not None and entry.status is not None:
            if entry.status & 0xFF == 0x04:
                return not entry.status & 0x2000
            return not entry.status & 0x20 if entry.status & 0x80 else None
    return None


@dataclass(frozen=True, slots=True)
class Found:
    """A quantity as read from registers: its value (`None`: there is none), of which codes, its power of ten."""

    value: float | None
    codes: tuple[bytes, ...] = ()
    scaler: int = 0
    remark: str = ""


def find(telegram: Telegram, obis: bytes, unit: int) -> Found | None:
    """Return a register in `unit`, `None` where the meter has no such one; where it is not understood it has no value
    and a remark that says why."""
    entry = telegram.entries.get(obis)
    if entry is None:
        return None
    if not isinstance(entry.value, Number):
        return Found(None, (obis,), entry.scaler)
    if entry.unit != unit:
        return Found(
            None, (obis,), entry.scaler, f"{name_of(obis)} is not read: found unit {entry.unit}, expected {unit}"
        )
    value = entry.value.value
    scaled = float(value * 10**entry.scaler) if entry.scaler >= 0 else value / 10**-entry.scaler
    return Found(scaled, (obis,), entry.scaler)


def find_power(telegram: Telegram) -> Found:
    """Return the active power in W as the meter says it: drawn, negative when delivered."""
    found = _power_of(telegram, 0, alone=True) or _absolute_power(telegram) or _power_of_phases(telegram)
    if found is None:
        return Found(None, remark="the meter sends no active power (16.7.0, 1.7.0, 15.7.0, or by phase)")
    return found


def _power_of(telegram: Telegram, phase: int, *, alone: bool) -> Found | None:
    """Return the power of all phases (0) or of one (20, 40, 60): net, else drawn less delivered.

    `alone`: the direction in the status word is that of this power.
    """
    net = find(telegram, _momentary(NET + phase), W)
    if net is not None:
        return _dzg(telegram, net, alone=alone)
    drawn, delivered = (find(telegram, _momentary(flow + phase), W) for flow in (DRAWN, DELIVERED))
    if drawn is None:
        return None
    drawn = _dzg(telegram, drawn, alone=alone)
    if delivered is None:
        return drawn
    return _sum([drawn, replace(delivered, value=None if delivered.value is None else -delivered.value)])


def _dzg(telegram: Telegram, found: Found, *, alone: bool) -> Found:
    """Undo what DZG meters do to a power that is too large for the signed number they send."""
    (obis,) = found.codes
    number_ = telegram.entries[obis].value
    if text_of(telegram, MAKERS) != "DZG" or not isinstance(number_, Number) or number_.value >= 0 or number_.size >= 4:
        return found
    if not alone:
        remark = f"{name_of(obis)} is not read: {number_.value} of a DZG is a phase that delivers, or a large power"
        return replace(found, value=None, remark=remark)
    if not draws(telegram):
        return found
    value = number_.value + (1 << 8 * number_.size)
    return replace(found, value=value * 10.0**found.scaler if found.scaler >= 0 else value / 10**-found.scaler)


def _absolute_power(telegram: Telegram) -> Found | None:
    absolute = find(telegram, POWER_ABSOLUTE, W)
    if absolute is None or not absolute.value:
        return absolute
    absolute = _dzg(telegram, absolute, alone=True)
    assert absolute.value is not None
    drawn = draws(telegram)
    if drawn is None:
        remark = "15.7.0 is not read: no status word says whether this power is drawn or delivered"
        return replace(absolute, value=None, remark=remark)
    return absolute if drawn else replace(absolute, value=-absolute.value)


def _power_of_phases(telegram: Telegram) -> Found | None:
    """Return the sum of the phases; a meter that speaks of a phase without its power has no sum."""
    spoken = {name for name, phase in PHASES.items() if _speaks_of(telegram, phase)}
    powers = {name: _power_of(telegram, phase, alone=len(spoken) == 1) for name, phase in PHASES.items()}
    there = {name: found for name, found in powers.items() if found is not None}
    if not there:
        return None
    codes = ", ".join(name_of(obis) for found in there.values() for obis in found.codes)
    if spoken != set(there) or len(there) not in (1, len(PHASES)):
        lacking = ", ".join(sorted((spoken | (set(PHASES) if len(there) > 1 else set())) - set(there)))
        return Found(None, remark=f"power stands at {codes} only, without {lacking}: phases that lack give no sum")
    total = _sum(list(there.values()))
    return replace(total, remark=total.remark or f"power is taken from the phases: {codes}")


def _speaks_of(telegram: Telegram, phase: int) -> bool:
    """Whether the meter has a momentary value (power, current, voltage, angle) of a phase: C from 21 to 39 for L1."""
    return any(obis[0] == 1 and obis[3] == 7 and phase < obis[2] < phase + 20 for obis in telegram.entries)


def _sum(parts: Sequence[Found]) -> Found:
    values = [part.value for part in parts if part.value is not None]
    total = round(sum(values), SCALER_LIMIT) if len(values) == len(parts) else None
    codes = tuple(obis for part in parts for obis in part.codes)
    remark = next((part.remark for part in parts if part.remark), "")
    return Found(total, codes, max(part.scaler for part in parts), remark)


def find_energy(telegram: Telegram) -> Found:
    """Return the register of energy drawn in Wh: 1.8.0, else the sum of its tariffs, where each is a number."""
    total = find(telegram, ENERGY, WH)
    if total is not None and total.value is not None:
        return total
    tariffs = [found for obis in ENERGY_TARIFFS if (found := find(telegram, obis, WH)) is not None]
    return _sum(tariffs) if tariffs else total or Found(None)


def _value(telegram: Telegram, obis: bytes, unit: int) -> float | None:
    found = find(telegram, obis, unit)
    return None if found is None else found.value


def text_of(telegram: Telegram, codes: tuple[bytes, ...]) -> str:
    """Return the first of `codes` that is a text, as printable ASCII; empty if there is none."""
    for obis in codes:
        entry = telegram.entries.get(obis)
        if entry is not None and isinstance(entry.value, bytes):
            return "".join(chr(byte) for byte in entry.value if 0x20 < byte < 0x7F)
    return ""


def serial_text(server_id: bytes) -> str:
    """Return a server identity as on the plate: `1ISK0075126084` (DIN 43863-5), else its text, else its hex."""
    letters = server_id[2:5]
    if len(server_id) == 10 and server_id[0] == 0x0A and letters.isalpha() and letters.isascii():
        number_text = f"{int.from_bytes(server_id[6:], 'big'):08d}"
        return f"{server_id[1]:X}{letters.decode('ascii')}{server_id[5]:02X}{number_text}"
    return server_id.decode("ascii") if server_id.isalnum() and server_id.isascii() else server_id.hex()


def identify(telegram: Telegram) -> Identity:
    """Return maker, serial number and firmware as the meter gives them; it does not tell its model."""
    return Identity(text_of(telegram, MAKERS), "", serial_text(telegram.server_id), text_of(telegram, FIRMWARES))


def to_reading(telegram: Telegram, time_ns: int, range_w: float, flags: frozenset[str]) -> Reading:
    """Return the telegram as SI values with `flags` and its own; voltage is that of phase L1.

    The current of phase L1 is left out when there are others, because power is that of all phases.
    """
    watts, own_flags = within(find_power(telegram).value, range_w)
    single = not any(obis in telegram.entries for obis in OTHER_CURRENTS)
    return Reading(
        time_ns=time_ns,
        power_w=watts,
        voltage_v=_value(telegram, VOLTAGE, V),
        current_a=_value(telegram, CURRENT, A) if single else None,
        frequency_hz=_value(telegram, FREQUENCY, HZ),
        energy_wh=find_energy(telegram).value,
        window_s=0.0,
        flags=flags | own_flags,
    )


# --- the meter ----------------------------------------------------------------------------------------------------


class SmlDialogue(LineDialogue[SerialWire]):
    """The listening side of an optical head (`meters.dialogue.Dialogue`); it never writes."""

    terms = Terms(
        "telegram",
        "check the optical head",
        "check the seat of the optical head, the baud rate and that the meter speaks SML",
    )

    def __init__(self, port: str, values: Mapping[str, float | str], sink: Sink | None, access: Access) -> None:
        """Open `port`; raises `MeterOptionError`, `MeterUnavailable`."""
        self.reply_s = number(values, "wait_s")
        self._baud = whole(values, "baud")
        self._checksum = word(values, "checksum")
        self._range_w = number(values, "range_w")
        self._accuracy = ACCURACY.get(word(values, "accuracy_class"))
        self._repetitions = Repetitions(SECOND_S)
        super().__init__(SerialWire(port, Line(self._baud), sink, access), partial(TelegramSplitter, FRAME_LIMIT))

    def _forget(self) -> None:
        super()._forget()
        self._first = Telegram(b"", None, {})
        self._first_bytes = 0

    def greet(self) -> Identity:
        """Wait for the first whole telegram, which stays queued; raises `MeterTimeout`, `MeterGarbage`."""
        self._forget()
        frame, telegram = self._next(Deadline(self.reply_s))
        self._first, self._first_bytes = telegram, len(frame.body)
        self._torn = False  # what was cut before the first telegram belongs to no series
        self._frames.appendleft(replace(frame, resynced=False))
        return identify(telegram)

    def regain(self, deadline: Deadline) -> Identity:
        """Wait for the next telegram; raises what `sample` raises."""
        return identify(self._next(deadline)[1])

    def describe(self) -> Description:
        """Return the columns of the first telegram; a telegram takes `latency_s` on the line."""
        power, energy = find_power(self._first), find_energy(self._first)
        columns = [Column("power_w", "W", 10.0**power.scaler, (-self._range_w, self._range_w), self._accuracy)]
        remarks = [*self._first.troubles, power.remark, energy.remark]
        for name, unit, obis, code, high in (
            ("voltage_v", "V", VOLTAGE, V, 400.0),
            ("current_a", "A", CURRENT, A, 100.0),
            ("frequency_hz", "Hz", FREQUENCY, HZ, 70.0),
        ):
            found = find(self._first, obis, code)
            if found is not None:
                columns.append(Column(name, unit, 10.0**found.scaler, (0.0, high), None))
                remarks.append(found.remark)
        columns.append(Column("energy_wh", "Wh", 10.0**energy.scaler, (0.0, 1e12), self._accuracy))
        return Description(
            driver=DRIVER,
            averaging="instantaneous",
            window_s=0.0,
            stamp="unknown",
            latency_s=self._first_bytes * 10 / self._baud,
            columns=tuple(columns),
            tier="indicative",
            remarks=tuple(remark for remark in remarks if remark),
        )

    def sample(self, deadline: Deadline) -> Reading:
        """Return the next telegram as a reading; one that repeats the meter's second and values is `stale`."""
        frame, telegram = self._next(deadline)
        flags = self._tear()
        if self._repetitions.is_repeated(telegram, frame.time_ns) and telegram.second is not None:
            flags |= {"stale"}
        return to_reading(telegram, frame.time_ns, self._range_w, flags)

    def _next(self, deadline: Deadline) -> tuple[Frame, Telegram]:
        """Return the next sound telegram; a torn one waits for the next call.

        Raises `MeterTimeout` if nothing came, `MeterGarbage` if nothing sound came, `MeterUnplugged`.
        """
        return self._next_sound(deadline, self._decode)

    def _decode(self, frame: Frame) -> tuple[Frame, Telegram]:
        telegram = decode_telegram(frame.body, self._checksum)
        self._check_same(telegram)
        return frame, telegram

    def _check_same(self, telegram: Telegram) -> None:
        expected = self._first.server_id
        if expected and telegram.server_id != expected:
            raise MeterGarbage(f"found a telegram of {telegram.server_id.hex()}, expected {expected.hex()}")


def open_sml(
    port: str, *, capture: Sink | None, options: Mapping[str, object], access: Access = ANYBODY
) -> DialogueMeter:
    """Open the meter that pushes SML at `port`; `options` are those of `OPTIONS`, `capture` takes the wire log.

    Raises `MeterOptionError`, `MeterUnavailable`, `MeterTimeout`, `MeterUnplugged`, `MeterMismatch`.
    """
    return DialogueMeter(SmlDialogue(port, read_options(DRIVER, OPTIONS, options), capture, access), None, access)
