"""The packets of MQTT 3.1.1 that a subscriber says and hears.

Knows: sections 2 and 3 of the standard, as far as QoS 0 needs them; pure functions. Does not know: what a message says
(`meters.mqtt.payload`), when something is said (`meters.mqtt.dialogue`).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

from meters.access import WITHHELD, Credentials
from meters.meter import MeterGarbage
from meters.splitters import Frame, Splitter
from meters.wire import Chunk

CONNECT, CONNACK, PUBLISH, RETAINED, SUBSCRIBE, SUBACK, PONG = 0x10, 0x20, 0x30, 0x31, 0x82, 0x90, 0xD0
PING_REQUEST, DISCONNECT = b"\xc0\x00", b"\xe0\x00"
LENGTHS = {CONNACK: (2, 2), SUBACK: (3, 3), PONG: (0, 0)}
MESSAGE_LIMIT = 1 << 14
TEXT_LIMIT = 0xFFFF
SUBSCRIPTION = 1
CLEAN_SESSION, HAS_PASSWORD, HAS_USER = 0x02, 0x40, 0x80
PROTOCOL = b"\x00\x04MQTT\x04"
NOT_TAKEN = 0x80
REFUSALS = {
    1: "it does not speak MQTT 3.1.1",
    2: "it does not take the client's name: set `client` to one that it takes",
    3: "its service is not available: try again later",
    4: "user and password are malformed: correct user and password_file (docs/instruments.md)",
    5: "it lets only those in whom it knows: correct user and password_file (docs/instruments.md)",
}


@dataclass(frozen=True, slots=True)
class Connected:
    """The answer to CONNECT: 0, or why not (`REFUSALS`)."""

    code: int


@dataclass(frozen=True, slots=True)
class Subscribed:
    """The answer to SUBSCRIBE: the quality of service that was granted, or `NOT_TAKEN`."""

    code: int


@dataclass(frozen=True, slots=True)
class Message:
    """What was published at a topic; `retained`: before this subscription, and kept since."""

    topic: str
    payload: bytes
    retained: bool


@dataclass(frozen=True, slots=True)
class Pong:
    """The answer to a ping."""


Packet: TypeAlias = Connected | Subscribed | Message | Pong


def encode_connect(client: str, credentials: Credentials | None, keep_alive_s: int) -> bytes:
    """Return CONNECT with a clean session; an empty `client`: the broker finds a name (3.1.3.1)."""
    flags, rest = CLEAN_SESSION, _text(client)
    if credentials is not None:
        flags |= HAS_USER | HAS_PASSWORD
        rest += _text(credentials.user) + _text(credentials.password)
    return _packet(CONNECT, PROTOCOL + bytes([flags]) + keep_alive_s.to_bytes(2, "big") + rest)


def encode_subscribe(topic: str) -> bytes:
    """Return SUBSCRIBE of one topic at QoS 0 (3.8)."""
    return _packet(SUBSCRIBE, SUBSCRIPTION.to_bytes(2, "big") + _text(topic) + b"\0")


def withhold_login(data: bytes) -> bytes:
    """Return what a host says as a wire log keeps it: a CONNECT is that of nobody with the password withheld."""
    begin = data.find(PROTOCOL)
    if data[:1] != bytes([CONNECT]) or begin < 0 or not data[begin + len(PROTOCOL)] & HAS_PASSWORD:
        return data
    at = begin + len(PROTOCOL) + 1
    client_bytes = int.from_bytes(data[at + 2 : at + 4], "big")
    client = data[at + 4 : at + 4 + client_bytes].decode("utf-8")
    return encode_connect(client, Credentials("", WITHHELD), int.from_bytes(data[at : at + 2], "big"))


def _text(text: str) -> bytes:
    data = text.encode("utf-8")[:TEXT_LIMIT]
    return len(data).to_bytes(2, "big") + data


def _packet(kind: int, content: bytes) -> bytes:
    length, left = bytearray(), len(content)
    while True:
        left, septet = left >> 7, left & 127
        length.append(septet | (128 if left else 0))
        if not left:
            return bytes([kind]) + bytes(length) + content


class PacketSplitter(Splitter):
    """Cuts packets out, header and all; holds at most `MESSAGE_LIMIT` bytes and a header.

    A stream has no mark where the next packet begins: after the first that cannot be one it is `broken`, which says
    why, and everything else is dropped.
    """

    __slots__ = ("broken",)

    def __init__(self) -> None:
        super().__init__()
        self.broken = ""

    def feed(self, chunk: Chunk) -> list[Frame]:
        """Return the packets that `chunk` completes, all with its arrival time."""
        self._held += chunk.data
        frames = []
        while (size := self._size()) is not None and len(self._held) >= size:
            frames.append(self._frame(chunk.time_ns, self._held[:size]))
            self._held = self._held[size:]
        if self.broken:
            self._drop(len(self._held))
            self._held = b""
        return frames

    def _size(self) -> int | None:
        """Return how long the packet at the front is, `None` where that is not known yet."""
        if self.broken or not self._held:
            return None
        kind, length = self._held[0], 0
        low, high = LENGTHS.get(kind, (3, MESSAGE_LIMIT))
        if kind not in (PUBLISH, RETAINED, *LENGTHS):
            self.broken = f"found {self._held[:8].hex(' ')}, expected a packet of a broker at QoS 0"
            return None
        for at, byte in enumerate(self._held[1:5]):
            length |= (byte & 127) << 7 * at
            if byte < 128:
                if low <= length <= high:
                    return length + at + 2
                break
        else:
            if len(self._held) < 5:
                return None
        self.broken = f"found a packet {kind:#04x} of {length} bytes, expected {low} to {high}"
        return None


def decode_packet(packet: bytes) -> Packet:
    """Return what a packet of a broker says; raises `MeterGarbage`."""
    kind = packet[0] if packet else 0
    content = packet[next((at + 1 for at, byte in enumerate(packet[1:5], 1) if byte < 128), len(packet)) :]
    if kind == PONG:
        return Pong()
    if kind == CONNACK and len(content) == 2 and content[0] == 0:
        return Connected(content[1])
    if kind == SUBACK and len(content) == 3 and content[:2] == SUBSCRIPTION.to_bytes(2, "big"):
        return Subscribed(content[2])
    size = int.from_bytes(content[:2], "big")
    if kind in (PUBLISH, RETAINED) and 0 < size <= len(content) - 2:
        try:
            return Message(content[2 : 2 + size].decode("utf-8"), content[2 + size :], kind == RETAINED)
        except UnicodeDecodeError:
            pass
    raise MeterGarbage(f"found {packet[:16].hex(' ')}, expected what a broker answers or publishes")
