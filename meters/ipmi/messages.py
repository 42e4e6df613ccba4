"""IPMI messages on a LAN (IPMI 2.0, 13.8): one question to the BMC, and its answer.

Knows: addresses, check sums, the number by which an answer finds its question, completion codes, what may be asked.
Does not know: sessions (`meters.ipmi.session`), what the data say.
Nothing but questions is ever made: other commands of the same session switch machines on and off.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from meters.meter import MeterGarbage, MeterMismatch, MeterRefused

BMC, CONSOLE = 0x20, 0x81
"""Addresses: the BMC's own, and the software at the other end of a LAN."""
SENSOR, APPLICATION, STORAGE, GROUP = 0x04, 0x06, 0x0A, 0x2C
"""Network functions."""
SEQUENCES: Final = 64
SHORTEST_ANSWER: Final = 8
UNKNOWN_COMMAND: Final = 0xC1
COMPLETIONS: Final = {
    0xC0: "the BMC is busy",
    0xC1: "the BMC does not know this command",
    0xC3: "the BMC gave up waiting",
    0xC5: "somebody else has begun to read its records",
    0xC9: "that is out of its range",
    0xCB: "there is no such sensor or record",
    0xCE: "it cannot answer now",
    0xD3: "what is asked does not answer the BMC",
    0xD4: "this user may not ask that",
    0xD5: "it cannot be asked in the state it is in",
    0xD6: "this command is switched off",
    0xFF: "an error without a name",
}
CANCELLED: Final = 0xC5
REFUSALS: Final = frozenset({0xD4, 0xD6})
UNKNOWN: Final = frozenset({UNKNOWN_COMMAND, 0xC2, 0xC9, 0xCB, 0xCC})
"""Invalid command, for this unit, out of range, not present, invalid data in it: this BMC has no such thing."""


class Cancelled(MeterGarbage):
    """Somebody else's reservation of the records has ended ours."""


@dataclass(frozen=True, slots=True)
class Command:
    """What is asked: network function, command, the words for it in an error."""

    function: int
    number: int
    what: str


GET_DEVICE_ID = Command(APPLICATION, 0x01, "who it is")
SET_PRIVILEGE = Command(APPLICATION, 0x3B, "for that privilege")
CLOSE_SESSION = Command(APPLICATION, 0x3C, "to end the session")
FRU_AREA = Command(STORAGE, 0x10, "for its inventory")
READ_FRU = Command(STORAGE, 0x11, "for its inventory")
RESERVE_RECORDS = Command(STORAGE, 0x22, "for its sensor data records")
GET_RECORD = Command(STORAGE, 0x23, "for a sensor data record")
SENSOR_FACTORS = Command(SENSOR, 0x23, "for a sensor's factors")
SENSOR_READING = Command(SENSOR, 0x2D, "for a sensor's reading")
DCMI_POWER = Command(GROUP, 0x02, "for DCMI's power reading")
ALLOWED = frozenset(
    {GET_DEVICE_ID, SET_PRIVILEGE, CLOSE_SESSION, FRU_AREA, READ_FRU, DCMI_POWER}
    | {RESERVE_RECORDS, GET_RECORD, SENSOR_FACTORS, SENSOR_READING}
)


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer: to which command by which number, its completion code, its data."""

    function: int
    number: int
    sequence: int
    completion: int
    data: bytes


def encode_question(command: Command, sequence: int, data: bytes = b"") -> bytes:
    """Return the message of a question; `sequence` (0 to 63) comes back with the answer.

    Raises `MeterRefused` for a command that does more than tell.
    """
    if command not in ALLOWED:
        raise MeterRefused(f"ipmi: the driver does not send command {command.number:#04x}; it can switch machines")
    head = bytes((BMC, command.function << 2))
    body = bytes((CONSOLE, sequence % SEQUENCES << 2, command.number)) + data
    return head + _sum(head) + body + _sum(body)


def decode_answer(message: bytes) -> Answer:
    """Return the answer in a message; raises `MeterGarbage` where it is none, or is damaged."""
    if len(message) < SHORTEST_ANSWER:
        raise MeterGarbage(f"found an IPMI message of {len(message)} bytes, expected {SHORTEST_ANSWER} or more")
    if sum(message[:3]) % 256 or sum(message[3:]) % 256:
        raise MeterGarbage("found an IPMI message with a wrong check sum")
    if message[0] != CONSOLE or not message[1] >> 2 & 1:
        raise MeterGarbage(f"found an IPMI message to {message[0]:#04x}, expected an answer to {CONSOLE:#04x}")
    return Answer((message[1] >> 2) - 1, message[5], message[4] >> 2, message[6], message[7:-1])


def is_answer_to(answer: Answer, command: Command, sequence: int) -> bool:
    """Whether an answer is one to this question."""
    return (answer.function, answer.number, answer.sequence) == (
        command.function,
        command.number,
        sequence % SEQUENCES,
    )


def data_of(answer: Answer, command: Command) -> bytes:
    """Return what was answered.

    Raises `MeterMismatch` where the BMC has no such thing, `MeterRefused` where this user may not ask, `Cancelled`
    where a reservation is over, `MeterGarbage` for any other code.
    """
    code = answer.completion
    if not code:
        return answer.data
    name = f"{COMPLETIONS.get(code, 'an error')} (completion code {code:#04x})"
    words = f"asked {command.what} the BMC answers: {name}"
    if code in UNKNOWN:
        raise MeterMismatch(words)
    if code == CANCELLED:
        raise Cancelled(words)
    if code in REFUSALS:
        raise MeterRefused(f"{words}; give it more on the LAN channel, or set privilege")
    raise MeterGarbage(words)


def _sum(data: bytes) -> bytes:
    return bytes((-sum(data) % 256,))
