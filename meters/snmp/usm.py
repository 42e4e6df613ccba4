"""Keys of SNMP v3's user-based security (RFC 3414), what they sign and what they seal.

Knows: passwords to keys, localised for one engine; the codes by HMAC (RFC 3414 for MD5 and SHA-1, RFC 7860 for SHA-2);
DES (RFC 3414), AES-128 (RFC 3826), and AES-192 and AES-256 by either way in which agents make their longer keys.
Does not know: messages (`meters.snmp.v3_messages`), clocks.

No RFC says how a hash that is shorter than a key of AES-192 or AES-256 is made longer. `blumenthal` is that of
draft-blumenthal-aes-usm-04 (net-snmp's AES192, AES256), `reeder` that of draft-reeder-snmpv3-usm-3desede-00 (net-snmp's
AES192C, AES256C; Cisco and others).
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
import struct
from dataclasses import dataclass, field
from functools import lru_cache
from typing import TYPE_CHECKING, Final

from meters.meter import MeterGarbage

if TYPE_CHECKING:
    from cryptography.hazmat.decrepit.ciphers.modes import CFB
    from cryptography.hazmat.primitives.ciphers import Cipher
    from cryptography.hazmat.primitives.ciphers.modes import CBC

STRETCHED: Final = 1 << 20
"""Bytes of a password, repeated, that are hashed (RFC 3414, A.2)."""
SHORTEST_PASSWORD: Final = 8
SALT: Final = 8
DES_BLOCK: Final = 8
CODE_LENGTHS: Final = {"md5": 12, "sha1": 12, "sha224": 16, "sha256": 24, "sha384": 32, "sha512": 48}
"""How many bytes of a code are sent, by hashlib's name of the hash."""


@dataclass(frozen=True, slots=True)
class Privacy:
    """How a message is sealed: its cipher, the bytes of its key, and how a hash that is too short is made longer."""

    cipher: str
    key_length: int
    extension: str = ""


PRIVACIES: Final = {
    "des": Privacy("des", 16),
    "aes128": Privacy("aes", 16),
    "aes192-blumenthal": Privacy("aes", 24, "blumenthal"),
    "aes256-blumenthal": Privacy("aes", 32, "blumenthal"),
    "aes192-reeder": Privacy("aes", 24, "reeder"),
    "aes256-reeder": Privacy("aes", 32, "reeder"),
}


@dataclass(frozen=True, slots=True)
class Keys:
    """What protects the messages with one engine: its hash, and where they are sealed too, how and by which key."""

    hash: str
    sign: bytes = field(repr=False)
    privacy: Privacy | None
    seal: bytes = field(default=b"", repr=False)


@lru_cache(maxsize=256)
def key_of(password: bytes, name: str) -> bytes:
    """Return a password as a key of no engine yet; it is asked for once, since it is a MiB of hashing."""
    repeated = password * (STRETCHED // len(password) + 1)
    return hashlib.new(name, repeated[:STRETCHED]).digest()


def localised(key: bytes, engine: bytes, name: str) -> bytes:
    """Return the key as one engine has it, from which nobody learns that of another one."""
    return hashlib.new(name, key + engine + key).digest()


def lengthened(key: bytes, engine: bytes, name: str, privacy: Privacy) -> bytes:
    """Return a localised key as long as the cipher needs it; raises `ValueError` where it is too short for good."""
    while len(key) < privacy.key_length:
        if privacy.extension == "blumenthal":
            key += hashlib.new(name, key).digest()
        elif privacy.extension == "reeder":
            # Of the last part only: it is the password of the next one.
            part = key[-hashlib.new(name).digest_size :]
            key += localised(key_of(part, name), engine, name)
        else:
            raise ValueError(f"a key of {len(key)} bytes by {name}, expected {privacy.key_length}")
    return key[: privacy.key_length]


def keys_of(password: str, privacy_password: str, name: str, privacy: Privacy | None, engine: bytes) -> Keys:
    """Return the keys of one engine; `name` is the hash, without `privacy` nothing is sealed."""
    sign = localised(key_of(password.encode(), name), engine, name)
    if privacy is None:
        return Keys(name, sign, None)
    base = localised(key_of(privacy_password.encode(), name), engine, name)
    return Keys(name, sign, privacy, lengthened(base, engine, name, privacy))


def code(keys: Keys, message: bytes) -> bytes:
    """Return the code of a whole message in which zeros stand in its place."""
    return hmac.digest(keys.sign, message, keys.hash)[: CODE_LENGTHS[keys.hash]]


def is_code(keys: Keys, found: bytes, message: bytes) -> bool:
    """Whether a code is that of a message."""
    return hmac.compare_digest(found, code(keys, message))


def sealed(keys: Keys, plain: bytes, boots: int, time_s: int) -> tuple[bytes, bytes]:
    """Return some bytes encrypted, and the salt that goes with them; the clock is that of the message."""
    assert keys.privacy is not None
    salt = secrets.token_bytes(SALT)
    if keys.privacy.cipher == "des":
        salt = struct.pack(">I", boots) + salt[4:]
        plain += bytes(-len(plain) % DES_BLOCK)
    encryptor = _cipher(keys, salt, boots, time_s).encryptor()
    return encryptor.update(plain) + encryptor.finalize(), salt


def opened(keys: Keys, hidden: bytes, salt: bytes, boots: int, time_s: int) -> bytes:
    """Return encrypted bytes in the clear, with the padding that DES leaves; raises `MeterGarbage`."""
    assert keys.privacy is not None
    if len(salt) != SALT:
        raise MeterGarbage(f"found a salt of {len(salt)} bytes, expected {SALT}")
    if keys.privacy.cipher == "des" and len(hidden) % DES_BLOCK:
        raise MeterGarbage(f"found {len(hidden)} encrypted bytes, expected whole blocks of {DES_BLOCK}")
    decryptor = _cipher(keys, salt, boots, time_s).decryptor()
    return decryptor.update(hidden) + decryptor.finalize()


def _cipher(keys: Keys, salt: bytes, boots: int, time_s: int) -> Cipher[CBC] | Cipher[CFB]:
    from cryptography.hazmat.decrepit.ciphers.algorithms import TripleDES
    from cryptography.hazmat.decrepit.ciphers.modes import CFB
    from cryptography.hazmat.primitives.ciphers import Cipher, algorithms
    from cryptography.hazmat.primitives.ciphers.modes import CBC

    assert keys.privacy is not None
    if keys.privacy.cipher == "des":
        key, mask = keys.seal[:DES_BLOCK], keys.seal[DES_BLOCK:]
        # DES is triple DES with one key three times.
        return Cipher(TripleDES(key * 3), CBC(bytes(a ^ b for a, b in zip(salt, mask, strict=True))))
    return Cipher(algorithms.AES(keys.seal), CFB(struct.pack(">II", boots, time_s) + salt))
