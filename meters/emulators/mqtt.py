"""A small MQTT broker with one plug of Tasmota's firmware behind it, written without the driver's own codec.

Knows: MQTT 3.1.1 as far as a subscriber at QoS 0 goes (CONNECT, SUBSCRIBE, UNSUBSCRIBE, PINGREQ, DISCONNECT), user and
password, the message that the plug publishes each `interval_s`. Does not know: sockets, real time, other publishers:
what a client publishes is taken and forgotten. One client at a time. The topic says EMULATED.

| own fault | effect |
|---|---|
| `retained` | a message bears the mark of a retained one, and another power |
| `bad-json` | a message is no JSON |
| `nan-literal`, `wrong-type`, `missing-value` | the power of a message is NaN, a text, null |
| `overrange` | the power is far above the range |
| `other-topic` | a message comes at a topic that nobody subscribed |
| `qos-1` | a message comes with a quality of service that was not granted |
| `same-message` | the message before, again |
| `not-authorised` | the next login is refused |
| `no-subscription` | the next subscription is refused |
"""

from __future__ import annotations

import json
import math
from datetime import datetime, timedelta

from meters.emulators.faults import OwnFaults
from meters.emulators.virtual_sut import PowerSource

OWN_FAULTS = frozenset(
    {
        *("retained", "bad-json", "nan-literal", "wrong-type", "missing-value", "overrange", "other-topic", "qos-1"),
        *("same-message", "not-authorised", "no-subscription"),
    }
)
TOPIC = "tele/EMULATED/SENSOR"
USER = "admin"
NEW_YEAR = datetime(2026, 1, 1)
MAINS_V = 230.0
PENDING_LIMIT = 8192
ACCEPTED, BAD_LOGIN, NOT_GRANTED = 0, 5, 0x80


class MqttDevice:
    """One broker and one plug (`meters.emulators.bench.Device`)."""

    def __init__(self, source: PowerSource, *, interval_s: float = 10.0, password: str = "") -> None:
        """Publish every `interval_s` seconds; an empty `password`: everybody may subscribe."""
        self._source, self._interval_s, self._password = source, interval_s, password
        self._pending = b""
        self._is_let_in = self._is_subscribed = False
        self._now_s = self._energy_wh = 0.0
        self._last = b""
        self.next_push_s: float | None = interval_s
        self.faults = OwnFaults(OWN_FAULTS)

    def receive(self, data: bytes, now_s: float) -> list[bytes]:
        """Return the answers to the packets that `data` completes; a CONNECT begins anew, whatever came before."""
        if data[:1] == b"\x10" and b"\x00\x04MQTT" in data[:12]:
            self._pending, self._is_let_in, self._is_subscribed = b"", False, False
        self._pending = (self._pending + data)[-PENDING_LIMIT:]
        answers = []
        while (split := _split(self._pending)) is not None:
            head, body, self._pending = split
            answers += self._answer(head, body)
        return answers

    def push(self, now_s: float) -> list[bytes]:
        """Return the message that is due at `now_s`, where somebody has subscribed it."""
        watts = self._source.advance(now_s).mean_w
        self._energy_wh += watts * max(0.0, now_s - self._now_s) / 3600.0
        self._now_s = max(self._now_s, now_s)
        self.next_push_s = max((self.next_push_s or 0.0) + self._interval_s, now_s)
        return [self._message(watts)] if self._is_subscribed else []

    def _answer(self, head: int, body: bytes) -> list[bytes]:
        kind = head & 0xF0
        if kind == 0x10:
            self._is_let_in = self._admits(body) and not self.faults.use("not-authorised")
            return [bytes((0x20, 2, 0, ACCEPTED if self._is_let_in else BAD_LOGIN))]
        if not self._is_let_in:
            return []
        if kind == 0x80:
            filters = _filters(body[2:])
            granted = [ACCEPTED if not self.faults.use("no-subscription") else NOT_GRANTED for _filter in filters]
            matching = (_matches(name) and code == ACCEPTED for name, code in zip(filters, granted, strict=True))
            self._is_subscribed = any(matching) or self._is_subscribed
            return [bytes((0x90, 2 + len(granted))) + body[:2] + bytes(granted)]
        if kind == 0xA0:
            self._is_subscribed = False
            return [b"\xb0\x02" + body[:2]]
        if kind == 0xE0:
            self._is_let_in = self._is_subscribed = False
        return [b"\xd0\x00"] if kind == 0xC0 else []

    def _admits(self, connect: bytes) -> bool:
        """Whether a CONNECT has the user and the password, where there is one."""
        flags, rest = connect[7], connect[10:]
        texts = []
        while len(rest) >= 2:
            size = rest[0] << 8 | rest[1]
            texts.append(rest[2 : 2 + size])
            rest = rest[2 + size :]
        login = texts[1:] if flags & 0xC0 == 0xC0 and not flags & 0x04 else []
        return not self._password or login == [USER.encode(), self._password.encode()]

    def _message(self, watts: float) -> bytes:
        if self.faults.use("same-message") and self._last:
            return self._last
        is_old = self.faults.use("retained")
        payload = self._payload(1234.0 if is_old else watts).encode()
        if self.faults.use("bad-json"):
            payload = payload[:-1].replace(b":", b"=", 1)
        topic = b"stat/EMULATED/STATUS" if self.faults.use("other-topic") else TOPIC.encode()
        head, number = (0x32, b"\x00\x07") if self.faults.use("qos-1") else (0x31 if is_old else 0x30, b"")
        body = bytes((len(topic) >> 8, len(topic) & 255)) + topic + number + payload
        packet = bytes((head, len(body) & 127 | 128, len(body) >> 7) if len(body) > 127 else (head, len(body))) + body
        self._last = self._last if is_old else packet
        return packet

    def _payload(self, watts: float) -> str:
        factor = round(0.95 - 0.4 * math.exp(-watts / 60.0), 2)
        power: object = 99_999.0 if self.faults.use("overrange") else round(watts, 1)
        if self.faults.use("nan-literal"):
            power = math.nan
        if self.faults.use("wrong-type"):
            power = str(power)
        energy = {
            "TotalStartTime": "2026-01-01T00:00:00",
            "Total": math.floor(self._energy_wh + 1e-9) / 1000.0,
            "Power": None if self.faults.use("missing-value") else power,
            "ApparentPower": round(watts / factor),
            "Factor": factor,
            "Voltage": round(MAINS_V),
            "Current": round(watts / (MAINS_V * factor), 3),
        }
        now = NEW_YEAR + timedelta(seconds=round(self._now_s, 3))
        return json.dumps({"Time": now.isoformat(), "ENERGY": energy}, separators=(",", ":"))


def _split(data: bytes) -> tuple[int, bytes, bytes] | None:
    """Return first byte and content of the packet at the front, and what follows; `None` where it is not whole."""
    size = shift = 0
    for at, byte in enumerate(data[1:5], 2):
        size += (byte & 127) << shift
        shift += 7
        if byte < 128:
            return (data[0], data[at : at + size], data[at + size :]) if len(data) >= at + size else None
    return None


def _filters(data: bytes) -> list[str]:
    """Return the topics that a SUBSCRIBE asks for."""
    found = []
    while len(data) >= 3:
        size = data[0] << 8 | data[1]
        found.append(data[2 : 2 + size].decode("utf-8", errors="replace"))
        data = data[3 + size :]
    return found


def _matches(asked: str) -> bool:
    """Whether a topic filter takes the plug's topic in."""
    words, own = asked.split("/"), TOPIC.split("/")
    if words[-1] == "#":
        words, own = words[:-1], own[: len(words) - 1]
    return len(words) == len(own) and all(word in ("+", part) for word, part in zip(words, own, strict=True))
