"""A plug with Tasmota firmware: its energy sensor over HTTP and JSON.

Knows: `GET /cm?cmnd=Status%208` and its member `StatusSNS.ENERGY`; firmware and chip of `Status 2`, MAC of `Status 5`
(tasmota.github.io/docs, "Commands" and "JSON Status Responses"). A password goes with every question by HTTP Basic: the
plug has no challenge for it, and a warning in place of an answer, with status 401 or, in firmware that takes the
password among the parameters only, 200. Its web server has no TLS. Does not know: MQTT, switching.

A plug is uncalibrated: its firmware has a factor that somebody may have set. Power comes in whole watts unless
`WattRes` is set; the step described is that of the number sent when the meter was opened. The plug does not say that it
repeats itself (`Time` is that of the answer); its firmware computes new values once a second (`meters.polled_http`).
A value out of all bounds (a factor of 1.01) costs that quantity; only the power must be plausible for a reading.
Proved by samples that users published (tests say whose). No test here shows the behaviour of a real plug's WLAN.
"""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import quote, urlencode

from meters.access import ANYBODY, Access, Credentials
from meters.deadline import Deadline
from meters.dialogue import DialogueMeter
from meters.http_wire import NEEDS_PASSWORD, WRONG_PASSWORD
from meters.json_reply import Node, parse_json
from meters.meter import MeterGarbage, MeterOptionError, MeterRefused
from meters.options import Option, read_options, whole
from meters.polled_http import PACE, RANGE, Field, PolledHttp, Settings, Value, decode_value, reading_of, settings_of
from meters.reading import Identity, Reading
from meters.wire import Chunk
from meters.wire_log import Sink

DRIVER = "tasmota"
OPTIONS: Mapping[str, Option] = {
    **PACE,
    "channel": Option(
        0.0, "which of several channels, from 1; 0: the only one there is", low=0.0, high=16.0, whole=True
    ),
    **RANGE,
}

ENERGY_COMMAND, FIRMWARE_COMMAND, NETWORK_COMMAND = "Status 8", "Status 2", "Status 5"
ALLOWED = frozenset({ENERGY_COMMAND, FIRMWARE_COMMAND, NETWORK_COMMAND})  # others switch, calibrate, reset, flash


FIELDS = (
    Field("power_w", ("Power",), "W", -1e6, 1e6),
    Field("voltage_v", ("Voltage",), "V", 0.0, 1000.0),
    Field("current_a", ("Current",), "A", 0.0, 1000.0),
    Field("power_factor", ("Factor",), "1", -1.0, 1.0),
    Field("frequency_hz", ("Frequency",), "Hz", 0.0, 100.0),
    Field("apparent_power_va", ("ApparentPower",), "VA", 0.0, 1e6),
    Field("energy_wh", ("Total",), "Wh", 0.0, 1e9, factor=1000.0),
)
OF_EACH_CHANNEL = ("power_w", "current_a")  # voltage, frequency and the total may be one for all


# --- codec: bytes <-> values ------------------------------------------------------------------------------------


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
        node = energy.get(field.names[0])
        if node is not None:
            values[field.quantity] = decode_value(_of_channel(node, channel, field), field)
    return values


def _of_channel(node: Node, channel: int, field: Field) -> Node:
    """Return the number of one channel; voltage, frequency and the total may be one for all."""
    if not node.is_array:
        if channel > 1 and field.quantity in OF_EACH_CHANNEL:
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
    return reading_of(values, time_ns, range_w, stale=stale)


# --- the meter ----------------------------------------------------------------------------------------------------


class Tasmota(PolledHttp[Mapping[str, Value]]):
    """The dialogue with a Tasmota plug: one GET, one reading (`meters.dialogue.Dialogue`)."""

    driver, tier, fields, eager = DRIVER, "uncalibrated", FIELDS, "basic"
    advice = "check that this is a Tasmota plug that meters"

    def __init__(self, port: str, channel: int, settings: Settings, sink: Sink | None, access: Access) -> None:
        """Connect; raises `MeterOptionError`, `MeterUnavailable`, `MeterMismatch`."""
        super().__init__(port, settings, sink, access)
        self._channel = channel
        self._by_parameters = False

    def _ask_identity(self, deadline: Deadline) -> Identity:
        firmware = self._get(FIRMWARE_COMMAND, deadline).data
        return decode_identity(firmware, self._get(NETWORK_COMMAND, deadline).data)

    def _ask(self, deadline: Deadline) -> tuple[int, Mapping[str, Value]]:
        chunk = self._get(ENERGY_COMMAND, deadline)
        return chunk.time_ns, decode_energy(chunk.data, self._channel)

    def _values(self, answer: Mapping[str, Value]) -> Mapping[str, Value]:
        return answer

    def _reading(self, answer: Mapping[str, Value], time_ns: int, *, stale: bool) -> Reading:
        return to_reading(answer, time_ns, self._range_w, stale=stale)

    def _get(self, command: str, deadline: Deadline) -> Chunk:
        """Ask with the password where the lab has one: in the header, and where that gets a warning, in the path."""
        login = None if self._wire.login is None else self._wire.login.credentials
        chunk = self._wire.get(encode_request(command, login if self._by_parameters else None), deadline)
        if login is None or not is_warning(chunk.data):
            return chunk
        if not self._by_parameters:
            self._by_parameters = True
            return self._get(command, deadline)
        raise MeterRefused(f"the plug does not take the password of user {login.user!r}; {WRONG_PASSWORD}")


def open_tasmota(
    port: str, *, capture: Sink | None, options: Mapping[str, object], access: Access = ANYBODY
) -> DialogueMeter:
    """Open the Tasmota plug at `port`, `http://HOST`; `options` are those of `OPTIONS`, `capture` takes the wire log.

    Raises `MeterOptionError`, `MeterUnavailable`, `MeterTimeout`, `MeterUnplugged`, `MeterMismatch`, `MeterRefused`.
    """
    values = read_options(DRIVER, OPTIONS, options)
    settings = settings_of(values)
    return DialogueMeter(
        Tasmota(port, whole(values, "channel"), settings, capture, access), settings.interval_s, access
    )
