"""The messages of SNMP v1 (RFC 1157) and v2c (RFC 1901, 3416): one question, GetRequest, and its answer.

Knows: what is asked and answered, in v3 too, what an agent says instead of a value, how a community is kept out of a
log. Does not know: any MIB, any wire, what is around a question in v3 (`meters.snmp.v3_messages`).
Nothing but GetRequest is ever made: SetRequest switches outlets.

A missing object is a value in v2c, and everything else is answered; in v1 it is the error noSuchName of the whole
answer, with the place of the object, and all values are those of the question (seen: net-snmp 5.9.3).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Literal

from meters.access import WITHHELD
from meters.meter import MeterGarbage, MeterRefused
from meters.snmp import ber
from meters.snmp.ber import Item

Version = Literal["1", "2c"]

VERSIONS: Final[dict[Version, int]] = {"1": 0, "2c": 1}
GET, RESPONSE, REPORT = 0xA0, 0xA2, 0xA8
KINDS: Final = {RESPONSE: "an answer", REPORT: "a report"}
ABSENT: Final = {0x80: "no such object", 0x81: "no such instance", 0x82: "end of the MIB"}
NO_SUCH_NAME: Final = 2
REFUSALS: Final = {6: "noAccess", 16: "authorizationError"}
ERRORS: Final = {1: "tooBig", 2: "noSuchName", 3: "badValue", 4: "readOnly", 5: "genErr"}
LARGEST_ID: Final = 0x7FFFFFFF


@dataclass(frozen=True, slots=True)
class Binding:
    """One object of an answer; `value` is a whole number, octets, another object's identifier, `None` for a missing
    object (`absent` says in which way) and for kinds that no meter's value has."""

    oid: str
    value: int | bytes | str | None
    absent: str = ""


@dataclass(frozen=True, slots=True)
class Answer:
    """What an agent answered: to which question, with which error at which object (counted from 1; 0: none)."""

    request_id: int
    error: int
    error_at: int
    bindings: tuple[Binding, ...]


def encode_get(version: Version, community: str, request_id: int, oids: Sequence[str]) -> bytes:
    """Return the message that asks for some objects; `request_id` comes back with the answer."""
    return encode_message(version, community, encode_question(request_id, oids))


def encode_question(request_id: int, oids: Sequence[str]) -> bytes:
    """Return the question for some objects, which every version has in its messages."""
    asked = [ber.encode_sequence((ber.encode_oid(oid), ber.encode(ber.NULL, b""))) for oid in oids]
    numbers = (request_id, 0, 0)
    return ber.encode_sequence([*map(ber.encode_number, numbers), ber.encode_sequence(asked)], tag=GET)


def encode_message(version: Version, community: str, question: bytes) -> bytes:
    """Return a question with version and community before it."""
    return _message(VERSIONS[version], community.encode(), question)


def _message(version: int, community: bytes, pdu: bytes) -> bytes:
    return ber.encode_sequence((ber.encode_number(version), ber.encode(ber.OCTETS, community), pdu))


def decode_answer(data: bytes, version: Version) -> Answer:
    """Return the answer in a datagram; raises `MeterGarbage`."""
    return answer_of(decode_message(data, version))


def decode_message(data: bytes, version: Version) -> Item:
    """Return what stands behind version and community in a datagram; raises `MeterGarbage`."""
    parts = _parts(data)
    found = ber.decode_number(parts[0])
    if found != VERSIONS[version]:
        raise MeterGarbage(f"found SNMP version field {found}, expected {VERSIONS[version]} (version {version})")
    return parts[2]


def answer_of(pdu: Item, kind: int = RESPONSE) -> Answer:
    """Return what an agent says, an answer or, in v3, a report; raises `MeterGarbage`."""
    if pdu.tag != kind:
        raise MeterGarbage(f"found a message of kind {pdu.tag:#04x}, expected {KINDS[kind]} ({kind:#04x})")
    members = list(ber.decode_all(pdu.content))
    if len(members) != 4 or members[3].tag != ber.SEQUENCE:
        raise MeterGarbage(f"found {len(members)} parts of an answer, expected three numbers and a list")
    request_id, error, error_at = (ber.decode_number(member) for member in members[:3])
    bindings = tuple(_binding(item) for item in ber.decode_all(members[3].content))
    return Answer(request_id, error, error_at, bindings)


def _parts(data: bytes) -> list[Item]:
    whole = ber.decode_one(data)
    parts = list(ber.decode_all(whole.content)) if whole.tag == ber.SEQUENCE else []
    if len(parts) != 3 or parts[1].tag != ber.OCTETS:
        raise MeterGarbage(f"found {ber.described(whole)}, expected a message of SNMP v1 or v2c")
    return parts


def _binding(item: Item) -> Binding:
    parts = list(ber.decode_all(item.content)) if item.tag == ber.SEQUENCE else []
    if len(parts) != 2:
        raise MeterGarbage(f"found {ber.described(item)}, expected an object and its value")
    oid, value = ber.decode_oid(parts[0]), parts[1]
    if value.tag in ABSENT:
        return Binding(oid, None, ABSENT[value.tag])
    if value.tag == ber.INTEGER or value.tag in ber.UNSIGNED:
        return Binding(oid, ber.decode_number(value))
    if value.tag == ber.OID:
        return Binding(oid, ber.decode_oid(value))
    return Binding(oid, value.content if value.tag in (ber.OCTETS, ber.OPAQUE, ber.IP_ADDRESS) else None)


def check_error(answer: Answer, oids: Sequence[str]) -> str | None:
    """Return the object for whose sake v1 gave no answer at all, `None` where the answer is one.

    Raises `MeterRefused` where the community or user may not read it, `MeterGarbage` for any other error.
    """
    if not answer.error:
        return None
    if answer.error == NO_SUCH_NAME and 1 <= answer.error_at <= len(oids):
        return oids[answer.error_at - 1]
    if answer.error in REFUSALS:
        raise MeterRefused(f"the agent answers {REFUSALS[answer.error]}: this community, or user, may not read that")
    name = ERRORS.get(answer.error, f"error {answer.error}")
    raise MeterGarbage(f"the agent answers {name} at object {answer.error_at}; ask again, or restart it")


def withhold_community(data: bytes, community: str) -> bytes:
    """Return a datagram as it may stand in a log: WITHHELD in place of the community, nothing of it elsewhere.

    An agent that hands the secret out in a value (seen nowhere) has it blotted out with as many stars.
    """
    secret, stars = community.encode(), b"*" * len(community.encode())
    try:
        version, held, pdu = _parts(data)
        number = ber.decode_number(version)
    except MeterGarbage:
        return data.replace(secret, stars)
    name = WITHHELD.encode() if held.content == secret else held.content.replace(secret, stars)
    return _message(number, name, ber.encode(pdu.tag, pdu.content.replace(secret, stars)))
