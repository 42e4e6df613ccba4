"""The messages of SNMP v3 (RFC 3412) with its user-based security (RFC 3414), and what is kept of them.

Knows: how a message is put together and taken apart, signed or sealed; what an agent reports. Does not know: keys and
ciphers (`meters.snmp.usm`), the clock of an engine, which message is believed (`meters.snmp.engine`).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

from meters.access import WITHHELD
from meters.meter import MeterGarbage
from meters.snmp import ber, usm
from meters.snmp.ber import Item
from meters.snmp.messages import LARGEST_ID

VERSION: Final = 3
USER_BASED: Final = 3
AUTH, PRIV, REPORTABLE = 0x01, 0x02, 0x04
"""Flags of a message."""
LARGEST_MESSAGE: Final = 65507
LARGEST_CLOCK: Final = 0x7FFFFFFF
SHOWN: Final = 8
"""Bytes that a log keeps of what cannot be taken apart."""


@dataclass(frozen=True, slots=True)
class Message:
    """A message taken apart: its number, flags, the engine and its clock, the user, code and salt, and what is said.

    `said` is the encoded scoped PDU, encrypted where `flags` say so; `code_at` is where in the datagram the code
    stands.
    """

    number: int
    flags: int
    engine: bytes
    boots: int
    time_s: int
    user: bytes
    said: bytes
    code: bytes = b""
    salt: bytes = b""
    code_at: int = 0


def encode_scoped(engine: bytes, context: bytes, pdu: bytes) -> bytes:
    """Return a scoped PDU: a question or an answer, and in which context."""
    return ber.encode_sequence((ber.encode(ber.OCTETS, engine), ber.encode(ber.OCTETS, context), pdu))


def decode_scoped(said: bytes) -> Item:
    """Return the PDU of a scoped PDU; raises `MeterGarbage`."""
    whole = ber.decode_one(said)
    parts = list(ber.decode_all(whole.content)) if whole.tag == ber.SEQUENCE else []
    if len(parts) != 3 or any(part.tag != ber.OCTETS for part in parts[:2]):
        raise MeterGarbage(f"found {said[:20]!r}, expected a context and what is said in it")
    return parts[2]


def trimmed(plain: bytes) -> bytes:
    """Return a decrypted scoped PDU without the padding behind it; raises `MeterGarbage` where it is none."""
    for whole in ber.decode_all(plain):
        said = plain[: whole.begin + len(whole.content)]
        decode_scoped(said)
        return said
    raise MeterGarbage("found nothing encrypted, expected what is said")


def encode_message(message: Message, keys: usm.Keys | None = None) -> bytes:
    """Return a datagram; with keys it is sealed and signed, as its flags then say."""
    if keys is None:
        return _encoded(message)[0]
    if keys.privacy is not None:
        hidden, salt = usm.sealed(keys, message.said, message.boots, message.time_s)
        message = replace(message, flags=message.flags | PRIV, said=hidden, salt=salt)
    blank = bytes(usm.CODE_LENGTHS[keys.hash])
    data, at = _encoded(replace(message, flags=message.flags | AUTH, code=blank))
    return _with_code(data, at, usm.code(keys, data))


def _encoded(message: Message) -> tuple[bytes, int]:
    """Return a datagram, and where its code stands."""
    head = (ber.encode_number(message.number), ber.encode_number(LARGEST_MESSAGE),
            ber.encode(ber.OCTETS, bytes((message.flags,))), ber.encode_number(USER_BASED))  # fmt: skip
    held = (ber.encode(ber.OCTETS, message.engine), ber.encode_number(message.boots),
            ber.encode_number(message.time_s), ber.encode(ber.OCTETS, message.user),
            ber.encode(ber.OCTETS, message.code), ber.encode(ber.OCTETS, message.salt))  # fmt: skip
    said = ber.encode(ber.OCTETS, message.said) if message.flags & PRIV else message.said
    whole = ber.encode_sequence(
        (
            ber.encode_number(VERSION),
            ber.encode_sequence(head),
            ber.encode(ber.OCTETS, ber.encode_sequence(held)),
            said,
        )
    )
    return whole, len(whole) - len(said) - len(held[5]) - len(message.code)


def _with_code(data: bytes, at: int, code: bytes) -> bytes:
    return data[:at] + code + data[at + len(code) :]


def decode_message(data: bytes) -> Message:
    """Return a datagram taken apart, nothing of it checked or opened; raises `MeterGarbage`."""
    whole = ber.decode_one(data)
    parts = list(ber.decode_all(whole.content)) if whole.tag == ber.SEQUENCE else []
    version = ber.decode_number(parts[0]) if parts else None
    if len(parts) != 4 or version != VERSION or parts[1].tag != ber.SEQUENCE or parts[2].tag != ber.OCTETS:
        raise MeterGarbage(f"found a message of SNMP version field {version}, expected {VERSION} (v3)")
    head = list(ber.decode_all(parts[1].content))
    if len(head) != 4 or head[2].tag != ber.OCTETS or len(head[2].content) != 1:
        raise MeterGarbage("found no head of a message of SNMP v3")
    if (model := ber.decode_number(head[3])) != USER_BASED:
        raise MeterGarbage(f"found a message of security model {model}, expected {USER_BASED} (user-based)")
    flags = head[2].content[0]
    if (parts[3].tag == ber.OCTETS) != bool(flags & PRIV) or flags & (AUTH | PRIV) == PRIV:
        raise MeterGarbage(f"found a message with flags {flags:#04x} that does not fit them")
    outer = ber.decode_one(parts[2].content)
    held = list(ber.decode_all(outer.content)) if outer.tag == ber.SEQUENCE else []
    if len(held) != 6 or any(held[place].tag != ber.OCTETS for place in (0, 3, 4, 5)):
        raise MeterGarbage("found no parameters of user-based security, expected six")
    boots, time_s = (ber.decode_number(part) for part in held[1:3])
    if not all(0 <= part <= LARGEST_CLOCK for part in (boots, time_s)):
        raise MeterGarbage(f"found the clock {boots}, {time_s} of an engine, expected numbers up to {LARGEST_CLOCK}")
    return Message(
        number=ber.decode_number(head[0]),
        flags=flags,
        engine=held[0].content,
        boots=boots,
        time_s=time_s,
        user=held[3].content,
        said=parts[3].content if flags & PRIV else ber.encode(parts[3].tag, parts[3].content),
        code=held[4].content,
        salt=held[5].content,
        code_at=whole.begin + parts[2].begin + outer.begin + held[4].begin,
    )


def has_right_code(data: bytes, message: Message, keys: usm.Keys) -> bool:
    """Whether a datagram was signed by whom has the key, and is as it was."""
    blank = _with_code(data, message.code_at, bytes(len(message.code)))
    return usm.is_code(keys, message.code, blank)


# --- what is kept -----------------------------------------------------------------------------------------------------


def in_the_clear(message: Message, said: bytes, first: int, withheld: tuple[bytes, ...], *, refused: bool) -> bytes:
    """Return a message as a wire log keeps it: as security level noAuthNoPriv would have it, without secrets.

    `said` is the scoped PDU in the clear, `first` the number of our first question: in a log it is 1. What was
    `refused` keeps a flag that says so, and nothing of what it said.
    """
    flags = message.flags & REPORTABLE | (AUTH if refused else 0)
    for secret in withheld:
        said = said.replace(secret, b"*" * len(secret))
    return encode_message(
        Message(
            number=_counted(message.number, first),
            flags=flags,
            engine=message.engine,
            boots=message.boots,
            time_s=message.time_s,
            user=WITHHELD.encode() if message.user else b"",
            said=encode_scoped(b"", b"", ber.encode(ber.NULL, b"")) if refused else _renumbered(said, first),
        )
    )


def _renumbered(said: bytes, first: int) -> bytes:
    """Return a scoped PDU with the number of its question counted from `first`; as it is where it has none."""
    try:
        (whole,) = ber.decode_all(said)
        engine, context, pdu = ber.decode_all(whole.content)
        number, *rest = ber.decode_all(pdu.content)
        counted = ber.encode_number(_counted(ber.decode_number(number), first))
    except (MeterGarbage, ValueError):
        return said
    again = ber.encode(pdu.tag, counted + b"".join(ber.encode(item.tag, item.content) for item in rest))
    return ber.encode_sequence((*(ber.encode(item.tag, item.content) for item in (engine, context)), again))


def _counted(number: int, first: int) -> int:
    """Return a number as counted from 1, and 0 for one that no question has."""
    return (number - first) % LARGEST_ID + 1 if 1 <= number <= LARGEST_ID else 0


def blotted(data: bytes) -> bytes:
    """Return what a log keeps of bytes that cannot be taken apart: how they begin, and how many there were.

    A damaged message still has its code: from that, and the rest, passwords could be tried.
    """
    return data[:SHOWN] + b"*" * (len(data) - SHOWN)
