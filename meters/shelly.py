"""A Shelly plug or energy meter over HTTP and JSON: Gen2 and later by RPC, Gen1 by `/status`.

Knows: `GET /shelly` (who is there, which generation); `/rpc/Switch.GetStatus`, `/rpc/PM1.GetStatus` and
`/rpc/EM1.GetStatus` with `id=N` (shelly-api-docs.shelly.cloud/gen2); `/status` of Gen1 with `meters`, whose `total` is
in watt-minutes, or `emeters`, whose `total` is in Wh (shelly-api-docs.shelly.cloud/gen1). A Gen2 device without the
component asked for is named with what it says it is, and asked once by `/rpc/Shelly.GetStatus` what meters in it.
A device with a password is read where the lab has it: Gen2 and later by HTTP Digest (SHA-256, user `admin`), Gen1 by
Basic; `/shelly` is open to everybody and says whether there is one. Gen2 and later have HTTPS since firmware 2.0.0.
Does not know: three-phase `EM` of Gen2 (named, not read), switching, MQTT, CoIoT.

A plug is uncalibrated: the maker gives no limits of error with its protocol. An answer is new that differs in any value
(of Gen1 its `unixtime` among them; `meters.polled_http`).
Some Gen1 plugs do not measure voltage but assume one, which their protocol does not say.
Proved by samples that users published (tests say whose) and, on the emulator's side, by a client library of others.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, replace

from meters.access import ANYBODY, Access
from meters.deadline import Deadline
from meters.dialogue import DialogueMeter
from meters.http_wire import NEEDS_PASSWORD
from meters.json_reply import Node, parse_json
from meters.meter import MeterError, MeterGarbage, MeterOptionError, MeterRefused
from meters.options import Option, read_options, whole, word
from meters.polled_http import PACE, RANGE, Field, PolledHttp, Settings, Value, decode_value, reading_of, settings_of
from meters.reading import Identity, Reading
from meters.wire_log import Sink

DRIVER = "shelly"
OPTIONS: Mapping[str, Option] = {
    **PACE,
    "component": Option("Switch", "what measures in a Gen2 or later device", choices=("Switch", "PM1", "EM1")),
    "channel": Option(
        0.0, "id of the component, or place in the meters of Gen1, from 0", low=0.0, high=15.0, whole=True
    ),
    **RANGE,
}

COMPONENTS = ("Switch", "PM1", "EM1")
INFO_PATH, GEN1_PATH, SURVEY_PATH = "/shelly", "/status", "/rpc/Shelly.GetStatus"
POWERS = ("apower", "act_power", "total_act_power")
COMPONENT_NAME = re.compile(r"[a-z][a-z0-9]{0,15}:[0-9]{1,3}")
WATT_MINUTE_WH = 1.0 / 60.0
# Beginnings of the errors a component may list (shelly-api-docs, Switch, PM1, EM1, "Status").
OVERRANGE_ERRORS = ("overpower", "overcurrent", "out_of_range:")
FAILURE_ERRORS = ("power_meter", "ct_type_not_set")


FIELDS = (
    Field("power_w", ("apower", "act_power", "power"), "W", -1e6, 1e6),
    Field("voltage_v", ("voltage",), "V", 0.0, 1000.0),
    Field("current_a", ("current",), "A", 0.0, 1000.0),
    Field("power_factor", ("pf",), "1", -1.0, 1.0),
    Field("frequency_hz", ("freq",), "Hz", 0.0, 100.0),
    Field("apparent_power_va", ("aprt_power",), "VA", 0.0, 1e6),
    Field("energy_wh", ("total",), "Wh", 0.0, 1e12),
)
WATT_MINUTES = replace(FIELDS[-1], factor=WATT_MINUTE_WH)


# --- codec: bytes <-> values ------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Status:
    """The values of one channel, why its power is none (`overrange`, `nan`), and the device's own second if it says."""

    values: Mapping[str, Value]
    flags: frozenset[str]
    unix_s: float | None


@dataclass(frozen=True, slots=True)
class Device:
    """Who `/shelly` says is there: identity, generation, the maker's name for the kind (`Pro3EM`), its profile, whether
    it wants a password."""

    identity: Identity
    generation: int
    kind: str = ""
    profile: str = ""
    locked: bool = False

    @property
    def named(self) -> str:
        """The device in words."""
        kind = f"{self.kind} ({self.identity.model})" if self.kind else self.identity.model
        return f"a Shelly {kind}" + (f" in its profile {self.profile!r}" if self.profile else "")


def encode_request(component: str, channel: int) -> str:
    """Return the path that asks a component for its status; raises `MeterRefused` for any other component."""
    if component not in COMPONENTS:
        raise MeterRefused(f"shelly: the driver does not ask {component!r}; it reads Switch, PM1 and EM1, no more")
    return f"/rpc/{component}.GetStatus?id={channel:d}"


def decode_info(data: bytes) -> Device:
    """Return who `/shelly` says is there; raises `MeterGarbage`."""
    info = parse_json(data)
    generation = info.get("gen")
    if generation is None:  # Gen1 has no such member
        model, firmware, locked, number_ = info.member("type"), info.member("fw"), info.get("auth"), 1
    else:
        model, firmware, locked = info.member("model"), info.member("ver"), info.get("auth_en")
        number_ = generation.whole(2, 20)
    identity = Identity("Shelly", model.text(), info.member("mac").text(), firmware.text())
    is_locked = locked is not None and locked.flag()
    return Device(identity, number_, _word(info, "app"), _word(info, "profile"), is_locked)


def _word(node: Node, name: str) -> str:
    member = node.get(name)
    known = member is not None and isinstance(member.value, str) and member.value.isalnum() and member.value.isascii()
    return str(member.value) if member is not None and known else ""


def metering_components(data: bytes) -> tuple[str, ...]:
    """Return the components with a power (`em1:0`) in a reply of `Shelly.GetStatus`; raises `MeterGarbage`."""
    status = parse_json(data)
    names = status.value if isinstance(status.value, dict) else {}
    components = {name: status.member(name) for name in names if COMPONENT_NAME.fullmatch(name)}
    return tuple(
        name
        for name, node in components.items()
        if isinstance(node.value, dict) and any(power in node.value for power in POWERS)
    )


def advice(device: Device, component: str, channel: int, metering: tuple[str, ...]) -> str:
    """Return what a lab can do where a Gen2 device gives no power by the component that it was asked for.

    `metering` are the components that have a power, none where the device does not tell.
    """
    if f"{component}:{channel}".lower() in metering:
        return "try again, restart the meter if it goes on"
    readable = {name.lower(): name for name in COMPONENTS}
    kinds = [name.partition(":") for name in metering]
    ways = [f"component = {readable[kind]!r} with channel = {at}" for kind, _colon, at in kinds if kind in readable]
    subject = f"this is {device.named}, which tells no power at {component}:{channel}"
    if ways:
        return f"{subject}: set {' or '.join(ways)}"
    if device.profile == "triphase" or "em:0" in metering:
        return (
            f"{subject}: its power is that of three phases together (EM.GetStatus), which is not read here; give it "
            "the profile 'monophase', then set component = 'EM1' with the phase as channel, 0 to 2"
        )
    if device.profile == "monophase":
        return f"{subject}: set component = 'EM1' with the phase as channel, 0 to 2"
    if metering:
        return f"{subject}: it has it at {', '.join(metering)}, which is not read here; use another meter"
    return f"{subject}: check that it meters at all, its component and its channel"


def decode_component(data: bytes) -> Status:
    """Return the status of a Gen2 component; raises `MeterGarbage`."""
    status = parse_json(data)
    values = _values(status, ("apower", "act_power"))
    energy = status.get("aenergy")
    total = energy.get("total") if energy is not None and isinstance(energy.value, dict) else None
    if total is not None:
        values["energy_wh"] = decode_value(total, FIELDS[-1])
    listed = status.get("errors")
    errors = () if listed is None or listed.is_null else tuple(node.text() for node in listed.items())
    return Status(values, _flags(errors), None)


def _flags(errors: tuple[str, ...]) -> frozenset[str]:
    if any(error.startswith(OVERRANGE_ERRORS) for error in errors):
        return frozenset({"overrange"})
    return frozenset({"nan"}) if any(error.startswith(FAILURE_ERRORS) for error in errors) else frozenset()


def decode_gen1(data: bytes, channel: int) -> Status:
    """Return one channel of a Gen1 `/status`.

    Raises `MeterGarbage`; `MeterOptionError` when there is no such channel.
    """
    status = parse_json(data)
    emeters, meters = status.get("emeters"), status.get("meters")
    group = emeters if emeters is not None else meters
    if group is None:
        raise MeterGarbage("$: found neither 'meters' nor 'emeters', expected one of them; this device does not meter")
    nodes = group.items()
    if channel >= len(nodes):
        raise MeterOptionError(f"option channel is {channel}, expected 0 to {len(nodes) - 1}, as {group.path} has")
    meter = nodes[channel]
    values = _values(meter, ("power",))
    total = meter.get("total")
    if total is not None:
        values["energy_wh"] = decode_value(total, WATT_MINUTES if emeters is None else FIELDS[-1])
    unix = status.get("unixtime")
    unix_s = None if unix is None else unix.plausible(0, 2**40)
    return Status(values, _gen1_flags(status, meter, channel), unix_s)


def _gen1_flags(status: Node, meter: Node, channel: int) -> frozenset[str]:
    group = status.get("relays")
    relays = [] if group is None else group.items()
    over = relays[channel].get("overpower") if channel < len(relays) else None
    if over is not None and over.flag():
        return frozenset({"overrange"})
    valid = meter.get("is_valid")
    return frozenset() if valid is None or valid.flag() else frozenset({"nan"})


def _values(node: Node, power_names: tuple[str, ...]) -> dict[str, Value]:
    """Return the quantities an object has beside its energy; its power must be there under one of the names."""
    values = {}
    for field in FIELDS[:-1]:
        names = power_names if field.quantity == "power_w" else field.names
        members = [member for member in (node.get(name) for name in names) if member is not None]
        if not members and field.quantity == "power_w":
            node.member(names[0])
        if members:
            values[field.quantity] = decode_value(members[0], field)
    return values


def to_reading(status: Status, time_ns: int, range_w: float, *, stale: bool) -> Reading:
    """Return the values; power the device calls wrong, `null`, or beyond `range_w`, is none and flagged."""
    return reading_of(status.values, time_ns, range_w, stale=stale, flags=status.flags)


# --- the meter ----------------------------------------------------------------------------------------------------


class Shelly(PolledHttp[Status]):
    """The dialogue with a Shelly device: one GET, one reading (`meters.dialogue.Dialogue`)."""

    driver, tier, fields = DRIVER, "uncalibrated", FIELDS
    advice = "check that this is a Shelly device that meters, and its channel"

    def __init__(
        self, port: str, component: str, channel: int, settings: Settings, sink: Sink | None, access: Access
    ) -> None:
        """Connect; raises `MeterOptionError`, `MeterUnavailable`, `MeterMismatch`."""
        super().__init__(port, settings, sink, access)
        self._component, self._channel = component, channel
        self._device = Device(Identity("Shelly", "", "", ""), 0)
        self._better_advice = ""

    def greet(self) -> Identity:
        """Ask who is there and what its meter gives."""
        self._better_advice = ""
        return super().greet()

    def _ask_identity(self, deadline: Deadline) -> Identity:
        self._device = decode_info(self._wire.get(INFO_PATH, deadline).data)
        if self._device.locked and self._wire.login is None:
            raise MeterRefused(NEEDS_PASSWORD)
        return self._device.identity

    def _first_answer(self) -> Status:
        """Return the first status; where there is none, what the device meters by becomes the advice."""
        try:
            return super()._first_answer()
        except MeterGarbage:
            if self._device.generation != 1:
                self._better_advice = advice(self._device, self._component, self._channel, self._survey())
            raise

    def _survey(self) -> tuple[str, ...]:
        with suppress(MeterError):
            return metering_components(self._wire.get(SURVEY_PATH, Deadline(self.reply_s)).data)
        return ()

    def _ask(self, deadline: Deadline) -> tuple[int, Status]:
        if self._device.generation == 1:
            chunk = self._wire.get(GEN1_PATH, deadline)
            return chunk.time_ns, decode_gen1(chunk.data, self._channel)
        chunk = self._wire.get(encode_request(self._component, self._channel), deadline)
        return chunk.time_ns, decode_component(chunk.data)

    def _values(self, answer: Status) -> Mapping[str, Value]:
        return answer.values

    def _reading(self, answer: Status, time_ns: int, *, stale: bool) -> Reading:
        return to_reading(answer, time_ns, self._range_w, stale=stale)

    def _strange(self, error: Exception) -> MeterGarbage:
        if not self._better_advice:
            return super()._strange(error)
        return MeterGarbage(f"{self.port}: {self._bare(error).partition('; ')[0]}; {self._better_advice}")


def open_shelly(
    port: str, *, capture: Sink | None, options: Mapping[str, object], access: Access = ANYBODY
) -> DialogueMeter:
    """Open the Shelly device at `port`, `http://HOST` or `https://HOST`; `options` are those of `OPTIONS`, `capture`
    takes the wire log.

    Raises `MeterOptionError`, `MeterUnavailable`, `MeterTimeout`, `MeterUnplugged`, `MeterMismatch`, `MeterRefused`.
    """
    values = read_options(DRIVER, OPTIONS, options)
    settings = settings_of(values)
    dialogue = Shelly(port, word(values, "component"), whole(values, "channel"), settings, capture, access)
    return DialogueMeter(dialogue, settings.interval_s, access)
