"""A BMC on a LAN: RMCP+ with cipher suites 0, 3 and 17, DCMI's power reading, three sensors, an inventory.

Knows: log-in by RAKP, sealed packets, what clients of others ask before they log in, all of it written without the
driver's own. Does not know: sockets, real time. Commands that switch something are not there (0xC1).
Without a password only a session that nothing protects is let in (cipher suite 0), with one only the user `admin`.
The inventory says EMULATED.

| own fault | effect |
|---|---|
| `bad-code` | one answer has a wrong integrity code |
| `wrong-number` | one answer bears the number of another question |
| `bad-sum` | one message has a wrong check sum |
| `busy` | one answer is: busy |
| `inactive` | one power reading, or reading of the sensor of watts, says that nothing is measured |
| `duplicate-row` | one power reading is the one before |
| `overrange` | one power reading is far above the range |
| `cancelled` | one record is not given: the reservation is over |
| `no-dcmi` | one power reading is a command that it does not know |
| `forgets` | the session is forgotten: no answer until a new one is begun |
"""

from __future__ import annotations

import hashlib
import hmac
import math
import struct
from collections import deque
from dataclasses import dataclass

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

from meters.emulators.faults import OwnFaults
from meters.emulators.refreshed import RefreshedLoad
from meters.emulators.virtual_sut import PowerSource

OWN_FAULTS = frozenset(
    {
        "bad-code",
        "wrong-number",
        "bad-sum",
        "busy",
        "inactive",
        "duplicate-row",
        "overrange",
        "cancelled",
        "no-dcmi",
        "forgets",
    }
)
USER = b"admin"
GUID = b"EMULATED\x00\x01\x02\x03\x04\x05\x06\x07"
MOST_SESSIONS = 4
START_UNIX_S = 1_700_000_000
STATISTICS_S = 60.0
HASHES = {0: "", 1: "sha1", 3: "sha256"}
INTEGRITY = {0: (0, 0), 1: (1, 12), 3: (4, 16)}
"""By number of the authentication algorithm: that of the integrity algorithm, and the length of its code."""


@dataclass(slots=True)
class Talk:
    """One session, from its first message on."""

    number: int
    console: int
    method: int
    asked_console: bytes = b""
    own_random: bytes = b""
    role: bytes = b""
    k1: bytes = b""
    k2: bytes = b""
    is_open: bool = False
    sent: int = 0


def _hmac(method: int, key: bytes, text: bytes) -> bytes:
    return hmac.new(key, text, HASHES[method]).digest() if method else b""


class BmcDevice:
    """One BMC (`meters.emulators.bench.Device`)."""

    def __init__(self, source: PowerSource, *, refresh_s: float = 1.0, password: str = "") -> None:
        """`refresh_s` is how often it has new values; an empty `password` lets in whoever wants nothing protected."""
        self._load = RefreshedLoad(source, refresh_s)
        self._is_locked, self._key = bool(password), password.encode().ljust(20, b"\0")
        self._talks: dict[int, Talk] = {}
        self._count = self._reservation = 0
        self._windows: deque[float] = deque(maxlen=max(1, round(STATISTICS_S / refresh_s)))
        self._row = b""
        self.next_push_s: float | None = None
        self.faults = OwnFaults(OWN_FAULTS)

    def push(self, now_s: float) -> list[bytes]:
        """Return nothing: a BMC speaks when it is asked."""
        return []

    def receive(self, data: bytes, now_s: float) -> list[bytes]:
        """Return the answer to a datagram, none where it is no question or is to no session."""
        if data[:1] != b"\x06" or len(data) < 12:
            return []
        if data[3] == 0x06:
            return [self._pong(data)]
        self._windows += self._load.advance(now_s)
        if data[4] != 0x06:
            return self._without_session(data)
        if len(data) < 16:
            return []
        kind, session, _number, length = struct.unpack_from("<BIIH", data, 5)
        body = data[16 : 16 + length]
        if len(body) < length:
            return []
        steps = {0x10: self._opened, 0x12: self._challenged, 0x14: self._proved}
        if kind in steps and len(body) >= 8:
            answer = steps[kind](body)
            return [] if answer is None else [self._packet(kind + 1, answer)]
        if kind & 0x3F:
            return []
        if not session and not kind:
            return [self._packet(0, answer) for answer in self._answers(body, None)]
        talk = self._talks.get(session)
        if talk is None or not talk.is_open:
            return []
        if self.faults.use("forgets"):
            self._talks.clear()
            return []
        message = self._unsealed(talk, kind, data, body)
        return [] if message is None else [self._sealed(talk, answer) for answer in self._answers(message, talk)]

    # --- packets ----------------------------------------------------------------------------------------------------

    def _packet(self, kind: int, body: bytes, session: int = 0, number: int = 0) -> bytes:
        return b"\x06\x00\xff\x07\x06" + struct.pack("<BIIH", kind, session, number, len(body)) + body

    def _pong(self, data: bytes) -> bytes:
        content = b"\x00\x00\x11\xbe" + bytes(4) + b"\x81" + bytes(7)
        return b"\x06\x00\xff\x06\x00\x00\x11\xbe\x40" + data[9:10] + bytes((0, len(content))) + content

    def _without_session(self, data: bytes) -> list[bytes]:
        """Answer in the form of IPMI 1.5, in which clients ask what a BMC can do."""
        if data[4] or len(data) < 14:
            return []
        answers = self._answers(data[14 : 14 + data[13]], None)
        return [b"\x06\x00\xff\x07" + bytes(9) + bytes((len(answer),)) + answer for answer in answers]

    def _unsealed(self, talk: Talk, kind: int, data: bytes, body: bytes) -> bytes | None:
        if not talk.method:
            return None if kind else body
        size = INTEGRITY[talk.method][1]
        if kind != 0xC0 or _hmac(talk.method, talk.k1, data[4:-size])[:size] != data[-size:]:
            return None
        plain = self._aes(talk, body[:16]).decryptor().update(body[16:])
        return plain[: -plain[-1] - 1]

    def _sealed(self, talk: Talk, message: bytes) -> bytes:
        talk.sent += 1
        if not talk.method:
            return self._packet(0, message, talk.console, talk.sent)
        fill = 15 - len(message) % 16
        plain = message + bytes(range(1, fill + 1)) + bytes((fill,))
        start = hashlib.sha256(talk.k2 + bytes((talk.sent & 255,))).digest()[:16]
        packet = self._packet(0xC0, start + self._aes(talk, start).encryptor().update(plain), talk.console, talk.sent)
        while (len(packet) - 4 + 2) % 4:
            packet += b"\xff"
        packet += bytes((-(len(plain) + 16 + 12 + 2) % 4, 7))
        proof = _hmac(talk.method, talk.k1, packet[4:])[: INTEGRITY[talk.method][1]]
        return packet + (bytes(len(proof)) if self.faults.use("bad-code") else proof)

    def _aes(self, talk: Talk, start: bytes) -> Cipher[modes.CBC]:
        return Cipher(algorithms.AES(talk.k2[:16]), modes.CBC(start))

    # --- the log-in -------------------------------------------------------------------------------------------------

    def _opened(self, body: bytes) -> bytes | None:
        """Answer an Open Session Request."""
        console = body[4:8]
        asked = [body[place] for place in (12, 20, 28)] if len(body) >= 32 else []
        method = asked[0] if asked else -1
        is_wanted = method in HASHES and (method or not self._is_locked)
        if not is_wanted or asked[1:] != [INTEGRITY[method][0], 1 if method else 0]:
            return bytes((body[0], 0x11, 0, 0)) + console
        self._count += 1
        while len(self._talks) >= MOST_SESSIONS:
            del self._talks[next(iter(self._talks))]
        number = 0x0B000000 + self._count
        self._talks[number] = Talk(number, int.from_bytes(console, "little"), method)
        chosen = b"".join(bytes((kind, 0, 0, 8, way, 0, 0, 0)) for kind, way in enumerate(asked))
        return bytes((body[0], 0, body[1] or 4, 0)) + console + struct.pack("<I", number) + chosen

    def _talk(self, body: bytes) -> Talk | None:
        return self._talks.get(int.from_bytes(body[4:8], "little"))

    def _challenged(self, body: bytes) -> bytes | None:
        """Answer RAKP message 1 with message 2."""
        talk = self._talk(body)
        if talk is None or len(body) < 28:
            return None
        name = body[28 : 28 + body[27]]
        console = struct.pack("<I", talk.console)
        if name != (USER if self._is_locked else b""):
            return bytes((body[0], 0x0D, 0, 0)) + console
        talk.asked_console, talk.role = body[8:24], body[24:25] + bytes((len(name),)) + name
        talk.own_random = hashlib.sha256(talk.asked_console + bytes((self._count & 255,))).digest()[:16]
        text = console + struct.pack("<I", talk.number) + talk.asked_console + talk.own_random + GUID + talk.role
        return bytes((body[0], 0, 0, 0)) + console + talk.own_random + GUID + _hmac(talk.method, self._key, text)

    def _proved(self, body: bytes) -> bytes | None:
        """Answer RAKP message 3 with message 4."""
        talk = self._talk(body)
        if talk is None or not talk.own_random or body[1]:
            return None
        console = struct.pack("<I", talk.console)
        if body[8:] != _hmac(talk.method, self._key, talk.own_random + console + talk.role):
            return bytes((body[0], 0x0F, 0, 0)) + console
        whole = _hmac(talk.method, self._key, talk.asked_console + talk.own_random + talk.role)
        talk.k1, talk.k2 = (_hmac(talk.method, whole, bytes((way,)) * 20) for way in (1, 2))
        talk.is_open = True
        proof = _hmac(talk.method, whole, talk.asked_console + struct.pack("<I", talk.number) + GUID)
        return bytes((body[0], 0, 0, 0)) + console + proof[: INTEGRITY[talk.method][1]]

    # --- messages ---------------------------------------------------------------------------------------------------

    def _answers(self, message: bytes, talk: Talk | None) -> list[bytes]:
        """Return the answer to a message, none where it is none."""
        if len(message) < 7 or sum(message[:3]) & 255 or sum(message[3:]) & 255:
            return []
        function, command, data = message[1] >> 2, message[5], message[6:-1]
        is_busy = self.faults.use("busy")
        content = b"\xc0" if is_busy else self._content(function, command, data, talk)
        if (function, command) == (0x06, 0x3C) and talk is not None:
            self._talks.pop(talk.number, None)
        number = message[4] + (4 if self.faults.use("wrong-number") else 0) & 255
        head = bytes((message[3], (function | 1) << 2))
        body = bytes((message[0], number, command)) + content
        total = -sum(body) + (1 if self.faults.use("bad-sum") else 0)
        return [head + bytes((-sum(head) & 255,)) + body + bytes((total & 255,))]

    def _content(self, function: int, command: int, data: bytes, talk: Talk | None) -> bytes:
        """Return completion code and data."""
        match function, command:
            case 0x06, 0x38:  # what a client may do to log in: IPMI 2.0, nothing of 1.5
                return b"\x00\x01\x80" + (b"\x04" if self._is_locked else b"\x03") + b"\x02" + bytes(4)
            case 0x06, 0x54:
                suites = b"" if self._is_locked else b"\xc0\x00\x00\x40\x80"
                suites += b"\xc0\x03\x01\x41\x81\xc0\x11\x03\x44\x81"
                at = (data[2] & 0x3F) * 16 if len(data) > 2 else 0
                return b"\x00\x01" + suites[at : at + 16]
            case 0x06, 0x37:
                return b"\x00" + GUID
        if talk is None:
            return b"\xd4"
        if function in (0x04, 0x0A) and command in (0x20, 0x22, 0x23, 0x2D):
            return self._of_sensors(function, command, data)
        match function, command:
            case 0x06, 0x01:
                return bytes.fromhex("00 20 81 01 23 02 bf cf 07 00 34 12")
            case 0x06, 0x3B:
                return b"\x00" + data[:1]
            case 0x06, 0x3C:
                return b"\x00"
            case 0x0A, 0x10 if data == b"\0":
                return b"\x00" + struct.pack("<HB", len(INVENTORY), 0)
            case 0x0A, 0x11 if len(data) == 4 and not data[0]:
                at = int.from_bytes(data[1:3], "little")
                part = INVENTORY[at : at + data[3]]
                return b"\x00" + bytes((len(part),)) + part if part else b"\xc9"
            case 0x2C, 0x02 if data[:2] == b"\xdc\x01" and not self.faults.use("no-dcmi"):
                return b"\x00" + self._power()
            case _:
                return b"\xc1"

    def _of_sensors(self, function: int, command: int, data: bytes) -> bytes:
        """Return completion code and data of what is asked about sensors."""
        match function, command:
            case 0x0A, 0x20:
                return b"\x00\x51" + struct.pack("<HHII", len(RECORDS), 0, 0, 0) + b"\x02"
            case 0x0A, 0x22:
                self._reservation = self._reservation % 0xFFFF + 1
                return b"\x00" + struct.pack("<H", self._reservation)
            case 0x0A, 0x23 if len(data) == 6:
                reservation, number, begin, count = struct.unpack("<HHBB", data)
                if self.faults.use("cancelled") or (begin and reservation != self._reservation):
                    return b"\xc5"
                if number >= len(RECORDS):
                    return b"\xcb"
                following = number + 1 if number + 1 < len(RECORDS) else 0xFFFF
                return b"\x00" + struct.pack("<H", following) + RECORDS[number][begin : begin + count]
            case 0x04, 0x2D if data == bytes((TEMPERATURE,)):
                return b"\x00\x1c\xc0\xc0"
            case 0x04, 0x2D if data == bytes((CONSUMPTION,)):
                raw = 0xFF if self.faults.use("overrange") else min(254, round(self._load.power_w / CONSUMPTION_STEP_W))
                return b"\x00" + bytes((raw, 0x20 if self.faults.use("inactive") else 0xC0, 0xC0))
            case _:
                return b"\xc1"

    def _power(self) -> bytes:
        """Return the data of a DCMI power reading, with the faults that are in them."""
        if self._row and self.faults.use("duplicate-row"):
            return self._row
        watts = 60_000 if self.faults.use("overrange") else round(self._load.power_w)
        seen = self._windows or [self._load.power_w]
        least, greatest, mean = round(min(seen)), round(max(seen)), round(sum(seen) / len(seen))
        state = 0x00 if self.faults.use("inactive") else 0x40
        stamp = START_UNIX_S + math.floor(self._load.measured_s)
        period = round(STATISTICS_S * 1000)
        self._row = struct.pack("<B4HIIB", 0xDC, watts, least, greatest, mean, stamp, period, state)
        return self._row


TEMPERATURE, CONSUMPTION = 0x10, 0x77
CONSUMPTION_STEP_W = 2


def _record(identifier: int, number: int, name: bytes, kind: int, unit: int, factor: int) -> bytes:
    """Return a full sensor data record of one byte without a sign, so many of the unit a step."""
    content = bytes((0x20, 0, number, 7, 1, 0x7F, 0x68, kind, 1)) + bytes(6)
    content += bytes((0, unit, 0, 0, factor, 0, 0, 0, 0, 0)) + bytes(4) + b"\xff" + bytes(12)
    content += bytes((0xC0 | len(name),)) + name
    return struct.pack("<HBBB", identifier, 0x51, 1, len(content)) + content


COMPACT = b"\x01\x00\x51\x02\x20\x20\x00\x20\x0a\x01" + bytes(16) + b"\x00\xc4" + b"PSU1" + b"\x00"
RECORDS = (
    _record(0, TEMPERATURE, b"Inlet Temp", 0x01, 1, 1),
    COMPACT[:4] + bytes((len(COMPACT) - 5,)) + COMPACT[5:],
    _record(2, CONSUMPTION, b"Pwr Consumption", 0x0B, 6, CONSUMPTION_STEP_W),
)


def _inventory() -> bytes:
    """Return an inventory of one area, the product's: maker, name, part, version, serial number."""
    texts = [b"wattlab", b"Server of no make", b"00", b"01", b"EMULATED0001", b"", b""]
    area = b"".join(bytes((0xC0 | len(text),)) + text for text in texts) + b"\xc1"
    area = b"\x01\x00\x19" + area
    area += bytes(-(len(area) + 1) % 8)
    area = area[:1] + bytes(((len(area) + 1) // 8,)) + area[2:]
    head = b"\x01\x00\x00\x00\x01\x00\x00"
    return b"".join(part + bytes((-sum(part) & 255,)) for part in (head, area))


INVENTORY = _inventory()
