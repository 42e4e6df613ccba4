"""A Kasa plug, strip or bulb of TP-Link by its older, open protocol: JSON under a byte-wise XOR, over TCP 9999.

Knows: `system.get_sysinfo`, `emeter.get_realtime` (of a bulb: `smartlife.iot.common.emeter`), the outlets of a strip by
`context.child_ids`. Does not know: anything that switches or resets; the newer protocol of Tapo and of Kasa with newer
firmware (KLAP: `meters.tapo`), which does not answer at this port.

The first firmware of an HS110 sends W, V, A and kWh as numbers with decimals (`power`), later ones whole mW, mV, mA and
Wh (`power_mw`): each value goes by the name of its key. Some bulbs (KL50, KL60) send voltage 0 and current 0 beside a
power: those are no values. The XOR hides nothing and has no check sum. A reply has no number either, and whether a
device keeps a connection nobody says: each question has a connection of its own, so that no late reply answers another.
Nobody says over which time power is averaged; refreshed about once a second, which nobody measured here. Proved by
replies of real devices that python-kasa ships (tests say which) and by python-kasa on the emulator.
"""

from __future__ import annotations

import json
import struct
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import accumulate
from operator import xor

from meters.access import ANYBODY, Access
from meters.deadline import Deadline
from meters.dialogue import DialogueMeter, Repetitions
from meters.json_reply import Node, parse_json
from meters.line_dialogue import LineDialogue, Terms
from meters.meter import MeterGarbage, MeterOptionError, MeterUnavailable, MeterUnplugged
from meters.options import Option, number, read_options, whole
from meters.polled_http import PACE, RANGE, Field, Value, decode_value, reading_of
from meters.reading import Column, Description, Identity, Reading
from meters.serial_wire import Line, SerialWire
from meters.splitters import Frame, Splitter
from meters.wire import Chunk
from meters.wire_log import Sink

DRIVER = "kasa"
OPTIONS: Mapping[str, Option] = {
    **PACE,
    "outlet": Option(0.0, "which outlet of a strip, from 1; 0: a plug or bulb", low=0.0, high=16.0, whole=True),
    **RANGE,
}
REPLY_LIMIT = 1 << 14
LENGTH = struct.Struct(">I")
FIRST_KEY = 171
DAMAGED = 3
"""Answers in a row that may be damaged: nothing but TCP's check sum protects them."""
PLUG_EMETER, BULB_EMETER = "emeter", "smartlife.iot.common.emeter"
BULB = "IOT.SMARTBULB"

FIELDS = (
    Field("power_w", ("power_mw",), "W", -1e9, 1e9, factor=1e-3),
    Field("power_w", ("power",), "W", -1e6, 1e6),
    Field("voltage_v", ("voltage_mv",), "V", 0.0, 1e6, factor=1e-3),
    Field("voltage_v", ("voltage",), "V", 0.0, 1000.0),
    Field("current_a", ("current_ma",), "A", 0.0, 1e6, factor=1e-3),
    Field("current_a", ("current",), "A", 0.0, 1000.0),
    Field("energy_wh", ("total_wh",), "Wh", 0.0, 1e12),
    Field("energy_wh", ("total",), "Wh", 0.0, 1e9, factor=1e3),
)


# --- codec: bytes <-> values ------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Device:
    """Who answers: its identity, the module that meters, the ids of its outlets (none: it is one itself)."""

    identity: Identity
    module: str
    outlets: tuple[str, ...] = ()


WHO_IS_THERE = b'{"system":{"get_sysinfo":{}}}'
"""The question who is there."""


def encode_sysinfo() -> bytes:
    """Return the question who is there, as it is sent."""
    return _framed(WHO_IS_THERE)


def encode_realtime(device: Device, outlet: int) -> bytes:
    """Return `realtime_question` as it is sent."""
    return _framed(realtime_question(device, outlet))


def realtime_question(device: Device, outlet: int) -> bytes:
    """Return the question for the values of now; raises `MeterOptionError` for an outlet that is not there."""
    question: dict[str, object] = {device.module: {"get_realtime": {}}}
    if outlet > len(device.outlets) or (device.outlets and not outlet):
        raise MeterOptionError(f"option outlet is {outlet}, expected {_outlets(device)}")
    if outlet:
        question["context"] = {"child_ids": [device.outlets[outlet - 1]]}
    return json.dumps(question, separators=(",", ":")).encode()


def _outlets(device: Device) -> str:
    if not device.outlets:
        return "0: this device is no strip, it has one outlet and no number for it"
    return f"1 to {len(device.outlets)}, for so many outlets does this strip have"


def _framed(plain: bytes) -> bytes:
    return LENGTH.pack(len(plain)) + encrypt(plain)


def encrypt(plain: bytes) -> bytes:
    """Return bytes under the XOR: each by the hidden byte before it."""
    return bytes(accumulate(plain, xor, initial=FIRST_KEY))[1:]


def decrypt(hidden: bytes) -> bytes:
    """Return what stands under the XOR."""
    keys = bytes([FIRST_KEY]) + hidden[:-1]
    return (int.from_bytes(hidden, "big") ^ int.from_bytes(keys[: len(hidden)], "big")).to_bytes(len(hidden), "big")


class ReplySplitter(Splitter):
    """Cuts replies out by the length before them; one longer than `limit` is none, and all that came is dropped."""

    __slots__ = ("_limit",)

    def __init__(self, limit: int) -> None:
        super().__init__()
        self._limit = limit

    def feed(self, chunk: Chunk) -> list[Frame]:
        """Return the replies that `chunk` completes, all with its arrival time; raises `MeterGarbage`."""
        self._held += chunk.data
        frames = []
        while len(self._held) >= LENGTH.size:
            (length,) = LENGTH.unpack_from(self._held)
            if length > self._limit:
                self._drop(len(self._held))
                self._held = b""
                raise MeterGarbage(f"found the length {length} before a reply, expected at most {self._limit}")
            if len(self._held) < LENGTH.size + length:
                break
            frames.append(self._frame(chunk.time_ns, self._held[LENGTH.size : LENGTH.size + length]))
            self._held = self._held[LENGTH.size + length :]
        return frames


def decode_device(data: bytes) -> Device:
    """Return who a decrypted reply to `get_sysinfo` says is there; raises `MeterGarbage`."""
    info = _result(parse_json(data).member("system").member("get_sysinfo"))
    kinds = [member.text() for name in ("mic_type", "type") if (member := info.get(name)) is not None]
    macs = [member.text() for name in ("mac", "mic_mac") if (member := info.get(name)) is not None]
    identity = Identity("TP-Link", info.member("model").text(), (macs or [""])[0], info.member("sw_ver").text())
    children = info.get("children")
    outlets = () if children is None else tuple(_outlet(info, child) for child in children.items())
    return Device(identity, BULB_EMETER if BULB in kinds else PLUG_EMETER, outlets)


def _outlet(info: Node, child: Node) -> str:
    """Return the whole id of an outlet; where a device gives two digits only, they stand behind its own."""
    name = child.member("id").text()
    return info.member("deviceId").text() + name if len(name) == 2 else name


def _result(node: Node) -> Node:
    """Return the result of a question that the device did not refuse."""
    code = node.get("err_code")
    if code is not None and code.whole(-(10**6), 10**6) != 0:
        message = node.get("err_msg")
        words = "" if message is None else f" ({message.text()})"
        raise MeterGarbage(f"{node.path}: found the error {code.value}{words}; this device or outlet does not meter")
    return node


def decode_values(data: bytes, module: str) -> dict[str, Value]:
    """Return the values of a decrypted reply to `get_realtime` by quantity; raises `MeterGarbage`."""
    reply = _result(_result(parse_json(data).member(module)).member("get_realtime"))
    values: dict[str, Value] = {}
    for field in FIELDS:
        node = reply.get(field.names[0])
        if node is not None and field.quantity not in values:
            values[field.quantity] = decode_value(node, field)
    if "power_w" not in values:
        raise MeterGarbage(f"{reply.path}: found neither 'power_mw' nor 'power', expected one of them")
    if "voltage_v" in values and values["voltage_v"].value == 0:
        for quantity in ("voltage_v", "current_a"):
            values.pop(quantity, None)
    return values


def to_reading(values: Mapping[str, Value], time_ns: int, range_w: float, *, stale: bool) -> Reading:
    """Return the values; power beyond `range_w` is `overrange`, power that was `null` is `nan`."""
    return reading_of(values, time_ns, range_w, stale=stale)


# --- the meter ----------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Settings:
    """What the lab chose: outlet of a strip, s between questions and for an answer, range in W, s between values."""

    outlet: int
    interval_s: float
    reply_s: float
    range_w: float
    refresh_s: float


class Kasa(LineDialogue[SerialWire]):
    """The dialogue with a Kasa device: one question, one reading (`meters.dialogue.Dialogue`)."""

    terms = Terms("reply", "check that this is a Kasa device with the older protocol, and its network")
    advice = "check that this is a Kasa device that meters, and the option outlet"

    def __init__(self, port: str, settings: Settings, sink: Sink | None, access: Access) -> None:
        """Connect; raises `MeterOptionError`, `MeterUnavailable`, `MeterMismatch`."""
        wire = SerialWire(port, Line(115200), sink, access)  # TCP; the speed means nothing there
        super().__init__(wire, lambda: ReplySplitter(REPLY_LIMIT))
        self._settings = settings
        self.reply_s = settings.reply_s
        self._is_fresh = True  # nothing was asked yet over this connection
        self._device = Device(Identity("TP-Link", "", "", ""), PLUG_EMETER)
        self._columns: tuple[Column, ...] = ()
        self._repetitions = Repetitions(settings.refresh_s, settings.interval_s)

    def greet(self) -> Identity:
        """Ask who is there and what it measures."""
        with self._at_port(self.advice):
            self._device = decode_device(self._asked(encode_sysinfo(), Deadline(self.reply_s)).data)
            try:
                values = self._values(Deadline(self.reply_s))[1]
            except MeterOptionError as error:
                raise MeterOptionError(f"{self.port}: {error}") from error
        fields = {field.quantity: field for field in FIELDS}
        self._columns = tuple(
            fields[quantity].column(value.step, self._settings.range_w) for quantity, value in values.items()
        )
        return self._device.identity

    def describe(self) -> Description:
        """Return what is fixed; the device does not say over which window or when it measured."""
        return Description(
            driver=DRIVER,
            averaging="instantaneous",
            window_s=0.0,
            stamp="unknown",
            latency_s=0.0,
            columns=self._columns,
            tier="uncalibrated",
            refresh_s=self._repetitions.refresh_s,
        )

    def sample(self, deadline: Deadline) -> Reading:
        """Return the values of now."""
        with self._at_port(self.advice):
            time_ns, values = self._values(deadline)
        stale = self._repetitions.is_repeated(values, time_ns)
        return to_reading(values, time_ns, self._settings.range_w, stale=stale)

    def regain(self, deadline: Deadline) -> Identity:
        """Ask who is there: no reply that is late comes over a new connection."""
        with self._at_port(self.advice):
            for _attempt in range(DAMAGED):  # a damaged answer is no other device
                identity = decode_device(self._asked(encode_sysinfo(), deadline).data).identity
                if identity == self._device.identity:
                    break
            return identity

    def reopen(self) -> None:
        """Connect anew."""
        self._wire.reopen()
        self._forget()
        self._is_fresh = True

    def _values(self, deadline: Deadline) -> tuple[int, dict[str, Value]]:
        question = encode_realtime(self._device, self._settings.outlet)
        chunk = self._asked(question, deadline)
        return chunk.time_ns, decode_values(chunk.data, self._device.module)

    def _asked(self, question: bytes, deadline: Deadline) -> Chunk:
        """Return what was answered, decrypted, over a connection of its own."""
        if not self._is_fresh:
            try:
                self.reopen()
            except MeterUnavailable as error:
                raise MeterUnplugged(str(error)) from error
        self._is_fresh = False
        self._wire.write(question)
        frame = self._next_frame(deadline)
        return Chunk(frame.time_ns, decrypt(frame.body))


def open_kasa(
    port: str, *, capture: Sink | None, options: Mapping[str, object], access: Access = ANYBODY
) -> DialogueMeter:
    """Open the Kasa device at `port`, `socket://HOST:9999`.

    Raises `MeterOptionError`, `MeterUnavailable`, `MeterTimeout`, `MeterUnplugged`, `MeterMismatch`.
    """
    values = read_options(DRIVER, OPTIONS, options)
    paces = [number(values, name) for name in ("interval_s", "reply_s", "range_w", "refresh_s")]
    settings = Settings(whole(values, "outlet"), *paces)
    return DialogueMeter(Kasa(port, settings, capture, access), settings.interval_s, access)
