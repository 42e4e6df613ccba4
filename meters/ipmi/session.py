"""Sessions of IPMI 2.0 over a LAN (RMCP+, IPMI 2.0, 13): packets, the log-in by RAKP, what protects both.

Knows: cipher suites 17 (HMAC-SHA-256) and 3 (HMAC-SHA-1), both with AES-CBC-128, and 0, which protects nothing; keys.
Does not know: messages (`meters.ipmi.messages`), wires, when what is said (`meters.ipmi.dialogue`).

A password is never sent: both ends prove that they know it by codes over each other's random numbers. Whoever has the
codes and the numbers can try passwords, so a wire log keeps neither (`in_the_clear`): it holds the session as cipher
suite 0 would have it, with the numbers as zeros, and a recorded session is played back by that suite.
"""

from __future__ import annotations

import hmac
import secrets
import struct
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from meters.meter import MeterGarbage

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.ciphers import Cipher
    from cryptography.hazmat.primitives.ciphers.modes import CBC

RMCP: Final = bytes.fromhex("0600ff07")
RMCP_PLUS: Final = 0x06
MESSAGE, OPEN_REQUEST, OPEN_RESPONSE, RAKP1, RAKP2, RAKP3, RAKP4 = 0x00, 0x10, 0x11, 0x12, 0x13, 0x14, 0x15
"""Kinds of payload."""
ENCRYPTED, AUTHENTICATED = 0x80, 0x40
HEAD = struct.Struct("<4sBBIIH")
NUMBER: Final = 16
BLOCK: Final = 16
NEXT_HEADER: Final = 0x07
K1_CONSTANT, K2_CONSTANT = b"\x01" * 20, b"\x02" * 20
LONGEST_PASSWORD: Final = 20
LONGEST_NAME: Final = 16


@dataclass(frozen=True, slots=True)
class Suite:
    """A cipher suite: its numbers of algorithms (authentication, integrity, confidentiality), hashlib's name, and how
    many bytes of a code are sent; without a hash nothing is protected."""

    algorithms: tuple[int, int, int]
    hash: str = ""
    code_length: int = 0


SUITES: Final = {"17": Suite((3, 4, 1), "sha256", 16), "3": Suite((1, 1, 1), "sha1", 12), "0": Suite((0, 0, 0))}


@dataclass(frozen=True, slots=True)
class Packet:
    """A datagram taken apart: kind of payload, session and its sequence number, the payload, sealed or not."""

    kind: int
    flags: int
    session_id: int
    sequence: int
    payload: bytes


@dataclass(frozen=True, slots=True)
class Keys:
    """What protects the packets of one session."""

    suite: Suite
    k1: bytes = field(repr=False)
    k2: bytes = field(repr=False)


def code(suite: Suite, key: bytes, *parts: bytes) -> bytes:
    """Return the suite's HMAC over some parts, whole; nothing where it has none."""
    return hmac.digest(key, b"".join(parts), suite.hash) if suite.hash else b""


def key_of(password: str) -> bytes:
    """Return a password as a key; raises `ValueError` for one that IPMI cannot have."""
    data = password.encode()
    if len(data) > LONGEST_PASSWORD:
        raise ValueError(f"found a password of {len(data)} bytes, expected at most {LONGEST_PASSWORD}, as IPMI has it")
    return data.ljust(LONGEST_PASSWORD, b"\0")


def keys_of(suite: Suite, sik: bytes) -> Keys | None:
    """Return the keys that follow from a session integrity key, `None` where the suite protects nothing."""
    if not suite.hash:
        return None
    return Keys(suite, code(suite, sik, K1_CONSTANT), code(suite, sik, K2_CONSTANT))


# --- packets --------------------------------------------------------------------------------------------------------


def encode_packet(kind: int, payload: bytes, session_id: int = 0, sequence: int = 0, keys: Keys | None = None) -> bytes:
    """Return a datagram, sealed where there are keys."""
    if keys is None:
        return HEAD.pack(RMCP, RMCP_PLUS, kind, session_id, sequence, len(payload)) + payload
    sealed = _encrypt(keys, payload)
    head = HEAD.pack(RMCP, RMCP_PLUS, kind | ENCRYPTED | AUTHENTICATED, session_id, sequence, len(sealed))
    pad = -(len(head) - len(RMCP) + len(sealed) + 2) % 4
    body = head + sealed + b"\xff" * pad + bytes((pad, NEXT_HEADER))
    return body + code(keys.suite, keys.k1, body[len(RMCP) :])[: keys.suite.code_length]


def decode_packet(data: bytes) -> tuple[Packet, bytes]:
    """Return a datagram taken apart, and what follows its payload; raises `MeterGarbage`."""
    if len(data) < HEAD.size:
        raise MeterGarbage(f"found a datagram of {len(data)} bytes, expected {HEAD.size} or more of RMCP+")
    mark, auth_type, kind, session_id, sequence, length = HEAD.unpack_from(data)
    if mark[0] != RMCP[0] or mark[3] != RMCP[3] or auth_type != RMCP_PLUS:
        raise MeterGarbage(f"found a datagram that begins {data[:5].hex(' ')}, expected {RMCP.hex(' ')} 06 (RMCP+)")
    payload, trailer = data[HEAD.size : HEAD.size + length], data[HEAD.size + length :]
    if len(payload) < length:
        raise MeterGarbage(f"found {len(payload)} bytes of a payload of {length}")
    return Packet(kind & 0x3F, kind & 0xC0, session_id, sequence, payload), trailer


def open_packet(data: bytes, keys: Keys | None) -> Packet:
    """Return a datagram with its payload in the clear; raises `MeterGarbage`, also where it should be sealed and is
    not."""
    packet, trailer = decode_packet(data)
    is_sealed = packet.flags == ENCRYPTED | AUTHENTICATED
    if keys is None or packet.kind != MESSAGE:
        if packet.flags or trailer:
            raise MeterGarbage("found a sealed datagram, or more than one in it, expected one in the clear")
        return packet
    if not is_sealed:
        raise MeterGarbage("found a datagram in the clear, expected a sealed one: somebody else sent it")
    body, proof = data[: -keys.suite.code_length], data[-keys.suite.code_length :]
    expected = code(keys.suite, keys.k1, body[len(RMCP) :])[: keys.suite.code_length]
    if not hmac.compare_digest(proof, expected):
        raise MeterGarbage("found a datagram with a wrong integrity code: it was damaged, or somebody else sent it")
    return Packet(packet.kind, 0, packet.session_id, packet.sequence, _decrypt(keys, packet.payload))


def _encrypt(keys: Keys, payload: bytes) -> bytes:
    start = secrets.token_bytes(BLOCK)
    pad = -(len(payload) + 1) % BLOCK
    padded = payload + bytes(range(1, pad + 1)) + bytes((pad,))
    encryptor = _cipher(keys, start).encryptor()
    return start + encryptor.update(padded) + encryptor.finalize()


def _decrypt(keys: Keys, sealed: bytes) -> bytes:
    if len(sealed) < 2 * BLOCK or len(sealed) % BLOCK:
        raise MeterGarbage(f"found {len(sealed)} encrypted bytes, expected whole blocks of {BLOCK}")
    decryptor = _cipher(keys, sealed[:BLOCK]).decryptor()
    padded = decryptor.update(sealed[BLOCK:]) + decryptor.finalize()
    if padded[-1] >= BLOCK:
        raise MeterGarbage(f"found {padded[-1]} bytes of padding in an encrypted message, expected fewer than {BLOCK}")
    return padded[: len(padded) - padded[-1] - 1]


def _cipher(keys: Keys, start: bytes) -> Cipher[CBC]:
    from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

    return Cipher(algorithms.AES(keys.k2[:BLOCK]), modes.CBC(start))


# --- logging in by RAKP ---------------------------------------------------------------------------------------------


@dataclass(slots=True)
class LogIn:
    """One log-in: the suite, the user with a privilege, both ends' numbers, as far as they are known."""

    suite: Suite
    user: bytes
    key: bytes = field(repr=False)
    privilege: int
    console_id: int
    bmc_id: int = 0
    console_number: bytes = field(default=bytes(NUMBER), repr=False)
    bmc_number: bytes = field(default=bytes(NUMBER), repr=False)
    guid: bytes = bytes(NUMBER)

    @property
    def role(self) -> bytes:
        """Privilege, looked up by name alone, and the user's name, as the codes have it."""
        return bytes((0x10 | self.privilege, len(self.user))) + self.user

    @property
    def _ids(self) -> bytes:
        return struct.pack("<II", self.console_id, self.bmc_id)

    def encode_open(self, tag: int) -> bytes:
        """Return the Open Session Request."""
        asked = b"".join(bytes((kind, 0, 0, 8, number, 0, 0, 0)) for kind, number in enumerate(self.suite.algorithms))
        return struct.pack("<BBxxI", tag, self.privilege, self.console_id) + asked

    def take_open(self, payload: bytes) -> None:
        """Learn the BMC's number of the session; raises `MeterGarbage`."""
        found = tuple(payload[place] for place in (16, 24, 32)) if len(payload) >= 36 else ()
        if found != self.suite.algorithms:
            raise MeterGarbage(f"found an answer with the algorithms {found}, expected {self.suite.algorithms}")
        self.bmc_id = int.from_bytes(payload[8:12], "little")

    def encode_first(self, tag: int) -> bytes:
        """Return RAKP message 1."""
        if self.suite.hash:
            self.console_number = secrets.token_bytes(NUMBER)
        role, length = self.role[:1], self.role[1:]
        return struct.pack("<BxxxI", tag, self.bmc_id) + self.console_number + role + bytes(2) + length

    def take_second(self, payload: bytes) -> bool:
        """Learn the BMC's random number and GUID; whether it knows the password. Raises `MeterGarbage`."""
        if len(payload) < 40:
            raise MeterGarbage(f"found {len(payload)} bytes of RAKP message 2, expected 40 or more")
        self.bmc_number, self.guid = payload[8:24], payload[24:40]
        known = code(self.suite, self.key, self._ids, self.console_number, self.bmc_number, self.guid, self.role)
        return hmac.compare_digest(payload[40:], known)

    def encode_third(self, tag: int) -> bytes:
        """Return RAKP message 3, our own proof."""
        proof = code(self.suite, self.key, self.bmc_number, struct.pack("<I", self.console_id), self.role)
        return struct.pack("<BBxxI", tag, 0, self.bmc_id) + proof

    def take_fourth(self, payload: bytes) -> Keys | None:
        """Return the keys of the session, `None` where nothing protects it; raises `MeterGarbage`."""
        sik = code(self.suite, self.key, self.console_number, self.bmc_number, self.role)
        ids = struct.pack("<I", self.bmc_id)
        proof = code(self.suite, sik, self.console_number, ids, self.guid)[: self.suite.code_length]
        if not hmac.compare_digest(payload[8:], proof):
            raise MeterGarbage("found RAKP message 4 with a wrong code: it was damaged, or somebody else sent it")
        return keys_of(self.suite, sik)


# --- what is kept ---------------------------------------------------------------------------------------------------


def in_the_clear(data: bytes, keys: Keys | None) -> bytes:
    """Return a datagram as a wire log keeps it: as cipher suite 0 would have it, without what gives a password away.

    Random numbers are zeros, codes and the user's name are left out, a sealed message is opened. What is none of these
    is kept as it came: without the console's random number, which stands nowhere, no password can be tried on it.
    """
    try:
        packet, trailer = decode_packet(data)
        if packet.kind == MESSAGE:
            packet, trailer = open_packet(data, keys if packet.flags else None), b""
        elif packet.flags:
            return data
    except MeterGarbage:
        return data
    payload = _kept(packet.kind, packet.payload)
    return encode_packet(packet.kind, payload, packet.session_id, packet.sequence) + trailer


def refused(packet: Packet) -> bytes:
    """Return a message that was none of a sealed session such that it is none of the session in a log either: it says
    that it is sealed, and nothing of what it said is kept."""
    return HEAD.pack(RMCP, RMCP_PLUS, packet.kind | AUTHENTICATED, packet.session_id, packet.sequence, 0)


def repeated(packet: Packet) -> bytes:
    """Return a message that was heard before, in the clear, such that nobody takes it: as one of no session."""
    return encode_packet(packet.kind, packet.payload, 0, packet.sequence)


def _kept(kind: int, payload: bytes) -> bytes:
    """Return what is kept of a payload."""
    number = bytes(len(payload[8 : 8 + NUMBER]))
    match kind:
        case 0x10 | 0x11:
            return payload[:8] + _without_algorithms(payload[8:])
        case 0x12:
            return payload[:8] + number + payload[24:27] + bytes(len(payload[27:28]))
        case 0x13:
            return payload[:8] + number + payload[24:40]
        case 0x14 | 0x15:
            return payload[:8]
        case _:
            return payload


def _without_algorithms(asked: bytes) -> bytes:
    """Return the algorithms of an Open Session message as those of cipher suite 0; a response has the BMC's number in
    front of them."""
    kept = bytearray(asked)
    for place in range(len(kept) % 8 + 4, len(kept), 8):
        kept[place] = 0
    return bytes(kept)
