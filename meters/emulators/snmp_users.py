"""Users of SNMP v3 at an emulated agent: who is let in, how messages are signed and sealed, what is reported.

Knows: user-based security, written without the driver's own. Does not know: objects, sockets, real time.
All users have one password, for both. The user `admin` signs by SHA-1 and seals by AES-128. Any other says by its name
how: `md5-none`, `sha256-des`, `sha512-aes256-reeder`. Without a password all are let in without code and seal.
A user is answered at the level of its name only.

| own fault | effect on one answer |
|---|---|
| `bad-code` | it has a wrong code |
| `no-code` | it is neither signed nor sealed |
| `no-seal` | it is signed, and not sealed |
| `bad-seal` | it is sealed by another key |
| `old-clock` | its clock is that of 200 s before |
| `restart` | before it the engine restarts: the question is of its former life |
| `other-engine` | before it the engine gets another name |
"""

from __future__ import annotations

import hashlib
import hmac
import struct
from collections.abc import Callable
from dataclasses import dataclass

from cryptography.hazmat.decrepit.ciphers.algorithms import TripleDES
from cryptography.hazmat.decrepit.ciphers.modes import CFB
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms
from cryptography.hazmat.primitives.ciphers.modes import CBC

from meters.emulators.ber import encoded_oid, integer, items_of, parsed, tlv
from meters.emulators.faults import OwnFaults

V3_FAULTS = frozenset({"bad-code", "no-code", "no-seal", "bad-seal", "old-clock", "restart", "other-engine"})
WAYS = {"md5": ("md5", 12), "sha1": ("sha1", 12), "sha224": ("sha224", 16), "sha256": ("sha256", 24),
        "sha384": ("sha384", 32), "sha512": ("sha512", 48)}  # fmt: skip
SEALS = {"none": 0, "des": 16, "aes128": 16, "aes192-blumenthal": 24, "aes256-blumenthal": 32, "aes192-reeder": 24,
         "aes256-reeder": 32}  # fmt: skip
BY_NAME = {"admin": "sha1-aes128"}
SIGNED, SEALED, ANSWER_REPORTS = 1, 2, 4
UNSUPPORTED, NOT_NOW, NO_USER, OTHER_ENGINE, WRONG_CODE, UNREADABLE = range(1, 7)
"""usmStats' counters."""
AUTHORISED = 16
UP_S = 10_000.0
"""Since the engine was last started when the emulator begins."""


@dataclass(frozen=True)
class User:
    """One user at this engine: how it signs (hash and length of a code; none) and seals, and its keys."""

    name: bytes
    way: str = ""
    length: int = 0
    seal: str = "none"
    sign_key: bytes = b""
    seal_key: bytes = b""

    @property
    def level(self) -> int:
        """Flags of its messages."""
        return (SIGNED if self.way else 0) | (SEALED if self.seal != "none" else 0)


def _digest(way: str, *parts: bytes) -> bytes:
    return hashlib.new(way, b"".join(parts)).digest()


def _localised(way: str, password: bytes, engine: bytes) -> bytes:
    many = hashlib.new(way)
    at = 0
    while at < 1_048_576:
        piece = (password * (1 + 4096 // len(password)))[at % len(password) :][: min(4096, 1_048_576 - at)]
        many.update(piece)
        at += len(piece)
    first = many.digest()
    return _digest(way, first, engine, first)


class Users:
    """The users of one engine, and its clock."""

    def __init__(self, password: str, faults: OwnFaults) -> None:
        """An empty `password` lets everybody in."""
        self._password, self._faults = password.encode(), faults
        self._boots, self._started_s, self._name = 1, -UP_S, 1
        self._known: dict[bytes, User | None] = {}
        self._salt = 0

    @property
    def _engine(self) -> bytes:
        return b"\x80\x00\x00\x00\x04EMULATED%04d" % self._name

    def _user(self, name: bytes) -> User | None:
        if name not in self._known:
            self._known[name] = self._made(name)
        return self._known[name]

    def _made(self, name: bytes) -> User | None:
        if not self._password:
            return User(name) if name in (b"admin", b"") else None
        text = name.decode("ascii", "replace")
        way, _mark, seal = BY_NAME.get(text, text).partition("-")
        if way not in WAYS or seal not in SEALS:
            return None
        method, length = WAYS[way]
        key = _localised(method, self._password, self._engine)
        longer = key
        while len(longer) < SEALS[seal]:
            if seal.endswith("reeder"):
                longer += _localised(method, longer[-len(key) :], self._engine)
            else:
                longer += _digest(method, longer)
        return User(name, method, length, seal, key, longer[: SEALS[seal]])

    def answered(self, data: bytes, now_s: float, answer: Callable[[tuple[int, bytes]], bytes]) -> list[bytes]:
        """Return the answer to a datagram, or the report that says why there is none.

        Raises `ValueError`, `IndexError` where it is none of v3.
        """
        message = items_of(items_of(data)[0][1])
        head = items_of(message[1][1])
        number, flags = int.from_bytes(head[0][1], "big", signed=True), head[2][1][0]
        held = items_of(items_of(message[2][1])[0][1])
        engine, boots, time_s, name, code, salt = (part for _tag, part in held)
        if self._faults.use("restart"):
            self._boots, self._started_s = self._boots + 1, now_s
        if self._faults.use("other-engine"):
            self._name += 1
            self._known.clear()
        clock = (self._boots, int(now_s - self._started_s))
        if engine != self._engine:
            return self._report(number, flags, clock, OTHER_ENGINE)
        user = self._user(name)
        if user is None:
            return self._report(number, flags, clock, NO_USER)
        if flags & 3 & ~user.level:
            return self._report(number, flags, clock, UNSUPPORTED)
        asked_at = int.from_bytes(boots, "big"), int.from_bytes(time_s, "big")
        if flags & SIGNED:
            blank = data.replace(code, bytes(len(code)), 1) if code else data
            if code != self._code(user, blank):
                return self._report(number, flags, clock, WRONG_CODE)
            if asked_at[0] != clock[0] or abs(asked_at[1] - clock[1]) > 150:
                return self._report(number, flags, clock, NOT_NOW, user)
        scoped = message[3][1]
        if flags & SEALED:
            try:
                plain = self._cipher(user, salt, *asked_at).decryptor().update(scoped)
                scoped = items_of_first(plain)
            except (ValueError, IndexError):
                return self._report(number, flags, clock, UNREADABLE, user)
        (_e, _engine), (_c, context), pdu = items_of(scoped)
        said = _refusal(pdu) if flags & 3 != user.level else answer(pdu)
        body = tlv(0x30, tlv(4, self._engine) + tlv(4, context) + said)
        return [self._message(number, user, flags & 3, clock, body)]

    def _report(
        self, number: int, flags: int, clock: tuple[int, int], counter: int, user: User | None = None
    ) -> list[bytes]:
        """Return the report, signed where it is about a user who signed; none where nobody wants one."""
        if not flags & ANSWER_REPORTS:
            return []
        binding = tlv(0x30, encoded_oid(parsed(f"1.3.6.1.6.3.15.1.1.{counter}.0")) + integer(1, 0x41))
        pdu = tlv(0xA8, integer(number) + integer(0) + integer(0) + tlv(0x30, binding))
        body = tlv(0x30, tlv(4, self._engine) + tlv(4, b"") + pdu)
        return [self._message(number, user or User(b""), SIGNED if user else 0, clock, body)]

    def _message(self, number: int, user: User, level: int, clock: tuple[int, int], body: bytes) -> bytes:
        boots, time_s = clock
        salt = code = b""
        if level:
            time_s -= 200 if self._faults.use("old-clock") else 0
            level &= SIGNED if self._faults.use("no-seal") else 3
            level &= 0 if self._faults.use("no-code") else 3
        if level & SEALED:
            self._salt += 1
            salt = struct.pack(">II", boots, self._salt)
            if user.seal == "des":
                body += bytes(-len(body) % 8)
            by = User(b"", seal=user.seal, seal_key=user.seal_key[::-1]) if self._faults.use("bad-seal") else user
            body = tlv(4, self._cipher(by, salt, boots, time_s).encryptor().update(body))
        if level & SIGNED:
            code = bytes(user.length)

        def whole(code: bytes) -> bytes:
            head = integer(number) + integer(65507) + tlv(4, bytes((level,))) + integer(3)
            held = tlv(4, self._engine) + integer(boots) + integer(time_s) + tlv(4, user.name)
            held += tlv(4, code) + tlv(4, salt)
            return tlv(0x30, integer(3) + tlv(0x30, head) + tlv(4, tlv(0x30, held)) + body)

        if not code:
            return whole(b"")
        proof = self._code(user, whole(code))
        return whole(proof[::-1] if self._faults.use("bad-code") else proof)

    def _code(self, user: User, blank: bytes) -> bytes:
        return hmac.new(user.sign_key, blank, user.way).digest()[: user.length]

    def _cipher(self, user: User, salt: bytes, boots: int, time_s: int) -> Cipher[CBC] | Cipher[CFB]:
        if user.seal == "des":
            key, mask = user.seal_key[:8], user.seal_key[8:]
            return Cipher(TripleDES(key + key + key), CBC(bytes(a ^ b for a, b in zip(salt, mask, strict=True))))
        return Cipher(algorithms.AES(user.seal_key), CFB(struct.pack(">II", boots, time_s & 0x7FFFFFFF) + salt))


def items_of_first(plain: bytes) -> bytes:
    """Return the content of the first value, behind which padding may stand; raises `ValueError`, `IndexError`."""
    if plain[0] != 0x30:
        raise ValueError("no scoped PDU")
    size, begin = plain[1], 2
    if size & 0x80:
        begin = 2 + (size & 0x7F)
        size = int.from_bytes(plain[2:begin], "big")
    if len(plain) < begin + size:
        raise ValueError("cut off")
    return plain[begin : begin + size]


def _refusal(question: tuple[int, bytes]) -> bytes:
    """Return the answer that a user gets who asks at a lower level than its own."""
    number = items_of(question[1])[0][1]
    return tlv(0xA2, tlv(2, number) + integer(AUTHORISED) + integer(0) + tlv(0x30, b""))
