"""KLAP: both ends prove by hashes that they know the account, and seal what they say with keys of both seeds.

Knows: the log-in in its two kinds, the seal (AES-128-CBC with a number in its initial vector, SHA-256 before it), a
session that seals nothing, as a recording has it. Does not know: HTTP (`meters.tapo.link`), what is asked
(`meters.tapo.messages`), logs (`meters.tapo.veil`).

Plugs with the protocol of Tapo hash the account by SHA (`v2`), older firmware of Kasa by MD5 (`v1`): the plug's own
proof tells which. Every known program passes over the hash before an answer. It is checked here from the first answer
of a session on that has a right one, so that a plug that does not sign is read and one that does cannot be altered.
"""

from __future__ import annotations

import hashlib
import hmac
import struct
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, Literal

from meters.meter import MeterGarbage

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.ciphers import Cipher
    from cryptography.hazmat.primitives.ciphers.modes import CBC

Kind = Literal["v2", "v1"]
KINDS: Final[tuple[Kind, ...]] = ("v2", "v1")
SEED_BYTES: Final = 16
PROOF_BYTES: Final = 32
BLOCK_BYTES: Final = 16
START_BYTES, MARK_BYTES = 12, 28
NUMBER = struct.Struct(">i")
NOBODY: Final[Mapping[tuple[str, str], str]] = {
    ("", ""): "no account",
    ("kasa@tp-link.net", "kasaSetup"): "the account that TP-Link's Kasa plugs leave the factory with",
    ("test@tp-link.net", "test"): "the account that TP-Link's Tapo plugs leave the factory with",
}
"""Whom a plug knows that nobody has set up with an account; python-kasa tries these too."""


def account_hash(kind: Kind, user: str, password: str) -> bytes:
    """Return what both ends know of an account."""
    name, secret = user.encode(), password.encode()
    if kind == "v1":
        halves = hashlib.md5(name, usedforsecurity=False), hashlib.md5(secret, usedforsecurity=False)
        return hashlib.md5(halves[0].digest() + halves[1].digest(), usedforsecurity=False).digest()
    parts = hashlib.sha1(name, usedforsecurity=False), hashlib.sha1(secret, usedforsecurity=False)
    return hashlib.sha256(parts[0].digest() + parts[1].digest()).digest()


def proof(kind: Kind, own: bytes, other: bytes, account: bytes) -> bytes:
    """Return how somebody shows to the one with the seed `own` that he knows the account."""
    return hashlib.sha256(own + (other if kind == "v2" else b"") + account).digest()


# --- the seal -------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Seal:
    """The keys of one session: of AES, the start of its initial vectors, what is hashed first, the number before the
    first question."""

    key: bytes = field(repr=False)
    start: bytes = field(repr=False)
    mark: bytes = field(repr=False)
    first: int = field(repr=False)

    def close(self, plain: bytes, number: int) -> bytes:
        """Return a message, sealed."""
        pad = BLOCK_BYTES - len(plain) % BLOCK_BYTES
        encryptor = self._cipher(number).encryptor()
        sealed = encryptor.update(plain + bytes((pad,)) * pad) + encryptor.finalize()
        return self._signature(sealed, number) + sealed

    def open(self, body: bytes, number: int) -> bytes:
        """Return a message in the clear; raises `MeterGarbage`."""
        sealed = body[PROOF_BYTES:]
        if not sealed or len(sealed) % BLOCK_BYTES:
            raise MeterGarbage(f"found a sealed answer of {len(body)} bytes, expected {PROOF_BYTES} and whole blocks")
        decryptor = self._cipher(number).decryptor()
        padded = decryptor.update(sealed) + decryptor.finalize()
        pad = padded[-1]
        if not 1 <= pad <= BLOCK_BYTES or padded[-pad:] != bytes((pad,)) * pad:
            raise MeterGarbage("found an answer that this session's key does not open; it was damaged, or is another's")
        return padded[:-pad]

    def is_signed(self, body: bytes, number: int) -> bool:
        """Whether a message has the right hash before it."""
        return hmac.compare_digest(body[:PROOF_BYTES], self._signature(body[PROOF_BYTES:], number))

    def _signature(self, sealed: bytes, number: int) -> bytes:
        return hashlib.sha256(self.mark + NUMBER.pack(number) + sealed).digest()

    def _cipher(self, number: int) -> Cipher[CBC]:
        from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

        return Cipher(algorithms.AES128(self.key), modes.CBC(self.start + NUMBER.pack(number)))


def seal_of(own: bytes, other: bytes, account: bytes) -> Seal:
    """Return the seal that follows from both seeds, the one of who asks first, and the account."""
    secret = own + other + account
    key, start, mark = (hashlib.sha256(word + secret).digest() for word in (b"lsk", b"iv", b"ldk"))
    return Seal(key[:BLOCK_BYTES], start[:START_BYTES], mark[:MARK_BYTES], NUMBER.unpack(start[-NUMBER.size :])[0])


@dataclass(slots=True)
class Session:
    """What was agreed: the kind of log-in, the seal (none: nothing is sealed), how many questions were asked."""

    kind: Kind
    seal: Seal | None
    count: int = 0
    signs: bool = False

    @property
    def number(self) -> int:
        """The number of the last question: 32 bits with a sign, which begin again at the lowest."""
        first = 0 if self.seal is None else self.seal.first
        return (first + self.count + (1 << 31)) % (1 << 32) - (1 << 31)

    def encode_question(self, plain: bytes) -> bytes:
        """Return the body of the next question."""
        self.count += 1
        return plain if self.seal is None else self.seal.close(plain, self.number)

    def decode_answer(self, body: bytes) -> bytes:
        """Return what the answer to the last question says; raises `MeterGarbage`."""
        if self.seal is None:
            return body
        plain = self.seal.open(body, self.number)
        signed = self.seal.is_signed(body, self.number)
        if self.signs and not signed:
            raise MeterGarbage("found an answer with a wrong signature; it was damaged, or somebody else sent it")
        self.signs = signed
        return plain


# --- the log-in -----------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class LogIn:
    """One log-in of an account; `seed` is our own, of zeros where nothing is to be sealed, as in a recording."""

    seed: bytes = field(repr=False)
    user: str
    password: str = field(repr=False)
    sealed: bool = True

    def kind_of(self, reply: bytes) -> Kind | None:
        """Return of which kind the plug's own proof is, `None` where it does not know this account."""
        if not self.sealed:
            return kind_in_the_clear(reply)
        return self._kind(reply, self.user, self.password)

    def whom(self, reply: bytes) -> str:
        """Return whom the plug knows that is nobody, in words; empty where it is somebody else."""
        known = (words for (user, password), words in NOBODY.items() if self._kind(reply, user, password))
        return next(known, "")

    def begin(self, reply: bytes, kind: Kind) -> tuple[Session, bytes]:
        """Return the session that follows from the plug's `reply`, and our own proof."""
        other = reply[:SEED_BYTES]
        if not self.sealed:
            return Session(kind, None), bytes(PROOF_BYTES)
        account = account_hash(kind, self.user, self.password)
        return Session(kind, seal_of(self.seed, other, account)), proof(kind, other, self.seed, account)

    def _kind(self, reply: bytes, user: str, password: str) -> Kind | None:
        other, given = reply[:SEED_BYTES], reply[SEED_BYTES:]
        for kind in KINDS:
            if hmac.compare_digest(given, proof(kind, self.seed, other, account_hash(kind, user, password))):
                return kind
        return None


def check_first(reply: bytes) -> None:
    """Raise `MeterGarbage` unless this is a seed and a proof."""
    if len(reply) != SEED_BYTES + PROOF_BYTES:
        raise MeterGarbage(
            f"found {len(reply)} bytes in answer to a log-in, expected {SEED_BYTES + PROOF_BYTES}; this plug does not "
            "speak KLAP, or its firmware speaks another protocol"
        )


def reply_in_the_clear(kind: Kind | None) -> bytes:
    """Return the plug's reply as a log keeps it: zeros, and at its end the kind of log-in, 0 where it was wrong."""
    return bytes(SEED_BYTES + PROOF_BYTES - 1) + bytes((0 if kind is None else KINDS.index(kind) + 1,))


def kind_in_the_clear(reply: bytes) -> Kind | None:
    """Return what such a reply says."""
    return next((kind for kind in KINDS if reply == reply_in_the_clear(kind)), None)
