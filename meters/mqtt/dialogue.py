"""The dialogue with a broker: one topic, one message, one reading; and how it is opened.

Knows: when to ask whether the broker is still there, when to connect anew. Does not know: packets
(`meters.mqtt.packets`), what a message says (`meters.mqtt.payload`).
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import replace
from typing import TypeVar

from meters import host
from meters.access import ANYBODY, READABLE, Access
from meters.deadline import Deadline
from meters.dialogue import DialogueMeter, Repetitions
from meters.line_dialogue import LineDialogue, Terms
from meters.meter import (
    MeterError,
    MeterGarbage,
    MeterOptionError,
    MeterRefused,
    MeterTimeout,
    MeterUnavailable,
    MeterUnplugged,
)
from meters.mqtt import payload
from meters.mqtt.packets import (
    DISCONNECT,
    NOT_TAKEN,
    PING_REQUEST,
    REFUSALS,
    Connected,
    Message,
    Packet,
    PacketSplitter,
    Subscribed,
    decode_packet,
    encode_connect,
    encode_subscribe,
    withhold_login,
)
from meters.options import Option, number, read_options, word
from meters.polled_http import Value, reading_of
from meters.port import MQTT_SCHEMES, open_trouble, scheme_of
from meters.reading import Description, Identity, Reading
from meters.serial_wire import Line, SerialWire, TcpPort
from meters.splitters import Frame
from meters.wire import Chunk
from meters.wire_log import Sink

DRIVER = "mqtt"
OPTIONS: Mapping[str, Option] = {
    "topic": Option("", "the topic that the device publishes at, such as tele/plug/SENSOR; no + and #"),
    **payload.OPTIONS,
    "interval_s": Option(10.0, "seconds between two messages, as the device is set", low=0.001, high=3600.0),
    "refresh_s": Option(1.0, "seconds in which the device has a new value", low=0.001, high=3600.0),
    "reply_s": Option(5.0, "seconds an answer of the broker may take", low=0.1, high=60.0),
    "wait_s": Option(30.0, "seconds to wait for the first message", low=0.1, high=3600.0),
    "range_w": Option(3680.0, "W, above which a reading is overrange (16 A at 230 V)", low=1.0, high=1e6),
    "client": Option("", "what the broker is to call this reader; empty: it finds a name itself"),
}
KEEP_ALIVE_S = 60
PING_S = KEEP_ALIVE_S / 2
NOBODY = "any client that may publish at this topic is read as the meter: MQTT does not say who published"

Answer = TypeVar("Answer", Connected, Subscribed)


class MqttWire(SerialWire):
    """A broker by `mqtt://HOST` or `mqtts://HOST`; a login is withheld from the wire log."""

    def _open(self) -> TcpPort | host.Line:
        if scheme_of(self.port) not in MQTT_SCHEMES:
            raise MeterOptionError(f"port {self.port!r}: expected mqtt://HOST or mqtts://HOST; correct `port`")
        if (session := host.recording()) is not None:
            return session.line()
        try:
            return TcpPort(self.port, self._access, self._peer)
        except OSError as error:
            raise MeterUnavailable(f"{self.port}: cannot be opened: {open_trouble(self.port, error)}") from error

    def _presentable(self, data: bytes) -> bytes:
        return withhold_login(data)


class MqttDialogue(LineDialogue[MqttWire]):
    """A subscriber of one topic (`meters.dialogue.Dialogue`)."""

    terms = Terms("message", "check that the device is on, publishes at this topic, and how often")
    _splitter: PacketSplitter

    def __init__(self, port: str, values: Mapping[str, float | str], sink: Sink | None, access: Access) -> None:
        """Connect; raises `MeterOptionError`, `MeterUnavailable`, `MeterMismatch`."""
        self.reply_s = number(values, "reply_s")
        self._wait_s = number(values, "wait_s")
        self._interval_s = number(values, "interval_s")
        self._range_w = number(values, "range_w")
        self._topic, self._client = word(values, "topic"), word(values, "client")
        self._places = payload.places_of(values)
        self._credentials = access.credentials
        self._repetitions = Repetitions(number(values, "refresh_s"))
        self._first: Mapping[str, Value] = {}
        self._not_read: tuple[str, ...] = ()
        super().__init__(MqttWire(port, Line(1), sink, access), PacketSplitter)

    def _forget(self) -> None:
        super()._forget()
        self._said_s = host.monotonic()
        self._pinged_s: float | None = None
        self._is_lost = ""

    def greet(self) -> Identity:
        """Log in, subscribe, and the first time wait for a message.

        Raises `MeterOptionError`, `MeterRefused`, `MeterTimeout`, `MeterGarbage`, `MeterUnplugged`.
        """
        if not self._topic or {"+", "#", "\0"} & set(self._topic):
            raise MeterOptionError(
                f"{self.port}: option topic is {self._topic!r}, expected the whole name of one topic, without + and #"
            )
        self._forget()
        self._log_in()
        if not self._first:
            self._wait_for_first(Deadline(self._wait_s))
        return Identity("", f"MQTT topic {self._topic}", "", "", asked=False)

    def _wait_for_first(self, deadline: Deadline) -> None:
        """Learn from a message which quantities there are; it is read again unless it is a retained one."""
        while True:
            frame = self._next_frame(deadline)
            message = self._packet(frame)
            if isinstance(message, Message):
                break
        with self._at_port("check `topic` and the paths"):
            self._first = payload.decode_payload(message.payload, self._places)
            self._not_read = payload.not_read(message.payload, self._places)
        if not message.retained:
            self._frames.appendleft(frame)

    def regain(self, deadline: Deadline) -> Identity:
        """Wait for the next message; raises what `sample` raises."""
        self._next_message(deadline)
        return Identity("", f"MQTT topic {self._topic}", "", "", asked=False)

    def describe(self) -> Description:
        """Return the columns of the first message; nothing says over which window or when the device measured."""
        columns = tuple(
            place.field.column(self._first[place.field.quantity].step, self._range_w)
            for place in self._places
            if place.field.quantity in self._first
        )
        is_shown_to_one = self.peer is not None and bool(self.peer.pinned)
        readable = [READABLE] if self._credentials is not None and not is_shown_to_one else []
        return Description(
            driver=DRIVER,
            averaging="instantaneous",
            window_s=0.0,
            stamp="unknown",
            latency_s=0.0,
            columns=columns,
            tier="uncalibrated",
            interval_s=self._interval_s,
            remarks=(NOBODY, *readable, *self._not_read),
        )

    def sample(self, deadline: Deadline) -> Reading:
        """Return the next message that was not retained.

        Raises `MeterTimeout` if none came, `MeterGarbage` for one that is no reading and where the stream broke, which
        connects anew with the next call, `MeterUnplugged`.
        """
        time_ns, message = self._next_message(deadline)
        with self._at_port("check the paths, and that nobody else publishes at this topic"):
            values = payload.decode_payload(message.payload, self._places)
        stale = self._repetitions.is_repeated(message.payload, time_ns)
        reading = reading_of(values, time_ns, self._range_w, stale=stale)
        return replace(reading, flags=reading.flags | self._tear())

    def close(self) -> None:
        """Take leave and give the port back."""
        with suppress(MeterError):
            self._wire.write(DISCONNECT)
        super().close()

    # --- the connection -------------------------------------------------------------------------------------------

    def _log_in(self) -> None:
        """Say who reads, and what; raises `MeterRefused` where the broker does not let it."""
        self._say(encode_connect(self._client, self._credentials, KEEP_ALIVE_S))
        code = self._answer(Connected).code
        if code:
            words = REFUSALS.get(code, "it gives a reason that MQTT 3.1.1 does not know")
            raise MeterRefused(f"{self.port}: the broker refuses the connection (code {code}): {words}")
        self._say(encode_subscribe(self._topic))
        if self._answer(Subscribed).code == NOT_TAKEN:
            raise MeterRefused(
                f"{self.port}: the broker does not let this reader subscribe {self._topic!r}: allow it there, or "
                "correct user and topic"
            )

    def _answer(self, kind: type[Answer]) -> Answer:
        """Return the answer to what was just said; messages that come before it wait."""
        deadline, messages = Deadline(self.reply_s), list[Frame]()
        while True:
            try:
                frame = self._next_frame(deadline)
            except MeterTimeout as error:
                what = "the login" if kind is Connected else "the subscription"
                raise MeterTimeout(
                    f"{self.port}: the broker does not answer {what}; check that this is the port of an MQTT broker"
                ) from error
            packet = self._packet(frame)
            if isinstance(packet, kind):
                self._frames.extendleft(reversed(messages))
                return packet
            messages.append(frame)

    def _next_message(self, deadline: Deadline) -> tuple[int, Message]:
        while True:
            frame = self._next_frame(deadline)
            packet = self._packet(frame)
            if isinstance(packet, Message) and not packet.retained:
                self._torn = self._torn or frame.resynced
                return frame.time_ns, packet

    def _packet(self, frame: Frame) -> Packet:
        """Return what a packet says; after one that this subscriber cannot get the stream is lost."""
        try:
            packet = decode_packet(frame.body)
            if isinstance(packet, Message) and packet.topic != self._topic:
                raise MeterGarbage(f"found a message at {packet.topic[:60]!r}, expected one at {self._topic!r}")
        except MeterGarbage as error:
            raise self._lost(str(error)) from error
        return packet

    def _read(self, deadline: Deadline) -> Chunk:
        if self._is_lost:
            self._connect_anew()
        try:
            self._ask_whether_there()
            chunk = super()._read(Deadline(min(deadline.left_s, PING_S)))
        except MeterTimeout:
            return Chunk(host.monotonic_ns(), b"")
        except MeterUnplugged:
            self._said_s, self._pinged_s = math.inf, None  # nothing more is said until it is opened anew
            raise
        self._pinged_s = None
        return chunk

    def _ask_whether_there(self) -> None:
        now_s = host.monotonic()
        if self._pinged_s is not None and now_s - self._pinged_s > self.reply_s:
            raise self._lost("the broker does not answer whether it is still there")
        if now_s - self._said_s >= PING_S:
            self._say(PING_REQUEST)
            self._pinged_s = now_s

    def _next_frame(self, deadline: Deadline) -> Frame:
        """Return the next packet; raises `MeterGarbage` where what comes is no stream of them."""
        while True:
            if self._splitter.broken and not self._frames and not self._is_lost:
                raise self._lost(self._splitter.broken)
            if self._frames or deadline.expired:
                return super()._next_frame(deadline)
            self._frames.extend(self._splitter.feed(self._read(deadline)))

    def _lost(self, why: str) -> MeterGarbage:
        self._is_lost = why
        self._frames.clear()
        return MeterGarbage(f"{self.port}: {why}; the broker is connected to anew")

    def _connect_anew(self) -> None:
        """Leave a stream that is none any more; raises `MeterUnplugged` where the broker is gone."""
        why = self._is_lost
        try:
            self._wire.reopen()
        except MeterUnavailable as error:
            raise MeterUnplugged(f"{error}; {why}") from error
        self._forget()
        self._torn = True
        try:
            self._log_in()
        except MeterRefused as error:
            raise self._lost(str(error).removeprefix(f"{self.port}: ")) from error
        except MeterError:
            self._is_lost = why
            raise

    def _say(self, data: bytes) -> None:
        self._wire.write(data)
        self._said_s = host.monotonic()


def open_mqtt(
    port: str, *, capture: Sink | None, options: Mapping[str, object], access: Access = ANYBODY
) -> DialogueMeter:
    """Subscribe a topic of the broker at `port`, `mqtt://HOST` or `mqtts://HOST`; `options` are those of `OPTIONS`,
    `capture` takes the wire log.

    Raises `MeterOptionError`, `MeterUnavailable`, `MeterTimeout`, `MeterUnplugged`, `MeterMismatch`, `MeterRefused`.
    """
    return DialogueMeter(MqttDialogue(port, read_options(DRIVER, OPTIONS, options), capture, access), None, access)
