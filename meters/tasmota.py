"""A plug with Tasmota firmware: its energy sensor over HTTP and JSON.

Knows: `GET /cm?cmnd=Status%208` and its member `StatusSNS.ENERGY`; firmware and chip of `Status 2`, MAC of `Status 5`
(tasmota.github.io/docs, "Commands" and "JSON Status Responses"). A password goes with every question by HTTP Basic: the
plug has no challenge for it, and a warning in place of an answer, with status 401 or, in firmware that takes the
password among the parameters only, 200. Its web server has no TLS. Does not know: MQTT, switching.

A plug is uncalibrated: its firmware has a factor that somebody may have set. Power comes in whole watts unless
`WattRes` is set; the step described is that of the number sent when the meter was opened. Over which window a value was
measured, and when, is not said: given as instantaneous with an unknown stamp. The plug does not say either that it
repeats itself (`Time` is that of the answer): its firmware computes new values once a second, and the same values less
than a second later are `stale` (`meters.dialogue.Repetitions`).
A value out of all bounds (a factor of 1.01) costs that quantity; only the power must be plausible for a reading.
Proved by samples that users published (tests say whose). No test here shows the behaviour of a real plug's WLAN.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import quote, urlencode

from meters.access import ANYBODY, Access, Credentials
from meters.deadline import Deadline
from meters.dialogue import DialogueMeter, OverWire, Repetitions, interval_option
from meters.http_wire import NEEDS_PASSWORD, WRONG_PASSWORD, HttpWire
from meters.json_reply import Node, parse_json
from meters.meter import MeterGarbage, MeterOptionError, MeterRefused
from meters.options import Option, number, read_options, whole
from meters.reading import Column, Description, Identity, Reading, within
from meters.wire import Chunk
from meters.wire_log import Sink

DRIVER = "tasmota"
USER = "admin"
REFRESH_S = 1.0
OPTIONS: Mapping[str, Option] = {
    "interval_s": interval_option(REFRESH_S),
    "reply_s": Option(3.0, "seconds an answer may take", low=0.1, high=60.0),
    "channel": Option(
        0.0, "which of several channels, from 1; 0: the only one there is", low=0.0, high=16.0, whole=True
    ),
    "range_w": Option(3680.0, "W, above which a reading is overrange (16 A at 230 V)", low=1.0, high=25_000.0),
}

ENERGY_COMMAND, FIRMWARE_COMMAND, NETWORK_COMMAND = "Status 8", "Status 2", "Status 5"
ALLOWED = frozenset({ENERGY_COMMAND, FIRMWARE_COMMAND, NETWORK_COMMAND})  # others switch, calibrate, reset, flash


@dataclass(frozen=True, slots=True)
class Field:
    """One quantity: its name in `ENERGY`, its unit there as a factor to ours, what is plausible, our unit."""

    quantity: str
    name: str
    factor: float
    low: float
    high: float
    unit: str


FIELDS = (
    Field("power_w", "Power", 1.0, -1e6, 1e6, "W"),
    Field("voltage_v", "Voltage", 1.0, 0.0, 1000.0, "V"),
    Field("current_a", "Current", 1.0, 0.0, 1000.0, "A"),
    Field("power_factor", "Factor", 1.0, -1.0, 1.0, "1"),
    Field("frequency_hz", "Frequency", 1.0, 0.0, 100.0, "Hz"),
    Field("apparent_power_va", "ApparentPower", 1.0, 0.0, 1e6, "VA"),
    Field("energy_wh", "Total", 1000.0, 0.0, 1e9, "Wh"),
)


# --- codec: bytes <-> values ------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Value:
    """One value, `None` where the plug sent `null`, and the step of its last decimal, both in our unit."""

    value: float | None
    step: float


def encode_request(command: str, login: Credentials | None = None) -> str:
    """Return the path of a command, with `login` as parameters in it; raises `MeterRefused` for one that does more than
    tell."""
    if command not in ALLOWED:
        raise MeterRefused(f"tasmota: the driver does not send {command!r}; it can switch, calibrate or reset the plug")
    words = {} if login is None else {"user": login.user, "password": login.password}
    return "/cm?" + urlencode(words | {"cmnd": command}, quote_via=quote)


def decode_energy(data: bytes, channel: int) -> dict[str, Value]:
    """Return the values of `Status 8` by quantity; `channel` counts from 1, 0 stands for the only one.

    Raises `MeterGarbage`; `MeterRefused` when the plug wants a password; `MeterOptionError` when there are several
    channels and none, or one there is not, was chosen.
    """
    energy = _checked(parse_json(data)).member("StatusSNS").member("ENERGY")
    energy.member("Power")
    values = {}
    for field in FIELDS:
        node = energy.get(field.name)
        if node is not None:
            node = _of_channel(node, channel, field)
            values[field.quantity] = _value(node, field)
    return values


def _value(node: Node, field: Field) -> Value:
    is_power = field.quantity == "power_w"
    known = (
        node.number(field.low, field.high) if is_power and not node.is_null else node.plausible(field.low, field.high)
    )
    return Value(None if known is None else round(known * field.factor, 9), (node.step() or 1.0) * field.factor)


def _of_channel(node: Node, channel: int, field: Field) -> Node:
    """Return the number of one channel; voltage, frequency and the total may be one for all."""
    if not node.is_array:
        if channel > 1 and field.name in ("Power", "Current"):
            raise MeterOptionError(f"option channel is {channel}, but the plug has one ({node.path} is no array)")
        return node
    nodes = node.items()
    if channel == 0 and len(nodes) == 1:
        return nodes[0]
    if not 1 <= channel <= len(nodes):
        raise MeterOptionError(f"option channel is {channel}, expected 1 to {len(nodes)}, as many as {node.path} has")
    return nodes[channel - 1]


def decode_identity(firmware: bytes, network: bytes) -> Identity:
    """Return the identity in the replies to `Status 2` and `Status 5`; raises `MeterGarbage`, `MeterRefused`."""
    version = _checked(parse_json(firmware)).member("StatusFWR")
    net = _checked(parse_json(network)).member("StatusNET")
    hardware = version.get("Hardware")
    chip = "" if hardware is None else f" ({hardware.text()})"
    return Identity("Tasmota", "Tasmota plug" + chip, net.member("Mac").text(), version.member("Version").text())


def _checked(reply: Node) -> Node:
    """Return a reply that is no warning."""
    warning = reply.get("WARNING")
    if warning is not None:
        raise MeterRefused(f"the plug answers {warning.text()!r}; {NEEDS_PASSWORD}")
    return reply


def is_warning(data: bytes) -> bool:
    """Whether a reply is a warning, such as that user and password are missing; its words are in any language."""
    try:
        return parse_json(data).get("WARNING") is not None
    except MeterGarbage:
        return False


def to_reading(values: Mapping[str, Value], time_ns: int, range_w: float, *, stale: bool) -> Reading:
    """Return the values; power beyond `range_w` is `overrange`, power that was `null` is `nan`."""
    numbers = {quantity: value.value for quantity, value in values.items()}
    power_w, flags = within(numbers.pop("power_w"), range_w)
    if stale:
        flags |= {"stale"}
    return Reading(time_ns=time_ns, power_w=power_w, **numbers, flags=flags)  # type: ignore[arg-type]


# --- the meter ----------------------------------------------------------------------------------------------------


class Tasmota(OverWire[HttpWire]):
    """The dialogue with a Tasmota plug: one GET, one reading (`meters.dialogue.Dialogue`)."""

    def __init__(
        self,
        port: str,
        channel: int,
        *,
        range_w: float,
        reply_s: float,
        interval_s: float,
        sink: Sink | None,
        access: Access,
    ) -> None:
        """Connect; raises `MeterOptionError`, `MeterUnavailable`, `MeterMismatch`."""
        self.reply_s = reply_s
        self._channel, self._range_w = channel, range_w
        self._columns: tuple[Column, ...] = ()
        self._repetitions = Repetitions(REFRESH_S, interval_s)
        self._wire = HttpWire(port, sink, access, user=USER, eager=True)
        self._by_parameters = False

    def greet(self) -> Identity:
        """Ask who is there and what its energy sensor gives."""
        try:
            identity = self._who(Deadline(self.reply_s))
            values = decode_energy(self._ask(ENERGY_COMMAND, Deadline(self.reply_s)).data, self._channel)
        except MeterGarbage as error:
            raise self._strange(error) from error
        except (MeterRefused, MeterOptionError) as error:
            raise type(error)(f"{self.port}: {_bare(error, self.port)}") from error
        self._columns = tuple(
            _column(field, values[field.quantity], self._range_w) for field in FIELDS if field.quantity in values
        )
        return identity

    def describe(self) -> Description:
        """Return what is fixed; the plug does not say over which window or when it measured."""
        return Description(
            driver=DRIVER,
            averaging="instantaneous",
            window_s=0.0,
            stamp="unknown",
            latency_s=0.0,
            columns=self._columns,
            tier="uncalibrated",
            remarks=self._wire.remarks,
        )

    def sample(self, deadline: Deadline) -> Reading:
        """Return the values of now."""
        try:
            chunk = self._ask(ENERGY_COMMAND, deadline)
            values = decode_energy(chunk.data, self._channel)
        except (MeterGarbage, MeterRefused, MeterOptionError) as error:
            raise self._strange(error) from error
        stale = self._repetitions.is_repeated(values, chunk.time_ns)
        return to_reading(values, chunk.time_ns, self._range_w, stale=stale)

    def regain(self, deadline: Deadline) -> Identity:
        """Ask again who is there; every connection that had trouble is gone already."""
        try:
            return self._who(deadline)
        except (MeterGarbage, MeterRefused) as error:
            raise self._strange(error) from error

    def _who(self, deadline: Deadline) -> Identity:
        firmware = self._ask(FIRMWARE_COMMAND, deadline).data
        return decode_identity(firmware, self._ask(NETWORK_COMMAND, deadline).data)

    def _ask(self, command: str, deadline: Deadline) -> Chunk:
        """Ask with the password where the lab has one: in the header, and where that gets a warning, in the path."""
        login = None if self._wire.login is None else self._wire.login.credentials
        chunk = self._wire.get(encode_request(command, login if self._by_parameters else None), deadline)
        if login is None or not is_warning(chunk.data):
            return chunk
        if not self._by_parameters:
            self._by_parameters = True
            return self._ask(command, deadline)
        raise MeterRefused(f"the plug does not take the password of user {login.user!r}; {WRONG_PASSWORD}")

    def _strange(self, error: Exception) -> MeterGarbage:
        return MeterGarbage(f"{self.port}: {_bare(error, self.port)}; check that this is a Tasmota plug that meters")


def _bare(error: Exception, port: str) -> str:
    """Return what an error says after its port, which those of the wire name already."""
    return str(error).removeprefix(f"{port}: ")


def _column(field: Field, value: Value, range_w: float) -> Column:
    limits = (-range_w, range_w) if field.quantity == "power_w" else (field.low, field.high * field.factor)
    return Column(field.quantity, field.unit, value.step, limits, None)


def open_tasmota(
    port: str, *, capture: Sink | None, options: Mapping[str, object], access: Access = ANYBODY
) -> DialogueMeter:
    """Open the Tasmota plug at `port`, `http://HOST`; `options` are those of `OPTIONS`, `capture` takes the wire log.

    Raises `MeterOptionError`, `MeterUnavailable`, `MeterTimeout`, `MeterUnplugged`, `MeterMismatch`, `MeterRefused`.
    """
    values = read_options(DRIVER, OPTIONS, options)
    interval_s = number(values, "interval_s")
    dialogue = Tasmota(
        port,
        whole(values, "channel"),
        range_w=number(values, "range_w"),
        reply_s=number(values, "reply_s"),
        interval_s=interval_s,
        sink=capture,
        access=access,
    )
    return DialogueMeter(dialogue, interval_s, access)
