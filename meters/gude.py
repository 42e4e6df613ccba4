"""GUDE Expert Power Control 1202: the meter of a switched socket strip, over HTTP and JSON.

Knows: `GET /status.json?components=81920` (0x4000 sensor values + 0x10000 their descriptions; GUDE wiki, "HTTP JSON
Sensor Data" and "EPC HTTP Interface"). Each value is found by the name and unit its description gives, never by its
index: firmware 1.11 moved them (labgrid issue 1263). A password is given by
HTTP Basic, as check_gude does; the strip has HTTPS with a certificate of its own. Does not know: SNMP, Modbus-TCP,
sockets.

The strip makes its power of U, I and power factor that are rounded first, and answers at uneven times (1.0 to 2.2 s
in the KDE measurement log), so nothing here assumes a step of 1 s: the window of a value is not documented and is
given as instantaneous, its stamp as unknown. Limits of error are those of a sister model (8041), whose manual gives
voltage and current but no power; a power factor without error is assumed.

Names and values are those `check_gude.py` printed for a real device. The form of the JSON is from GUDE's wiki.
That `components=1073741823` answers with `misc.product_name`, `misc.firm_v` and `ethernet.mac` comes from other
programs' source code; where the strip does not say, these parts of the identity stay empty, all of them where it has no
such page. Two published clients read the emulator (docs/meters.md); there is no server of this protocol that somebody
else wrote: only a real 1202 settles the rest.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from meters.access import ANYBODY, Access
from meters.deadline import Deadline
from meters.dialogue import DialogueMeter
from meters.json_reply import Node, parse_json
from meters.meter import MeterGarbage, MeterOptionError, MeterRefused
from meters.options import Option, read_options, word
from meters.polled_http import PACE, RANGE, Field, PolledHttp, Settings, Value, decode_number, reading_of, settings_of
from meters.reading import Accuracy, Identity, Reading
from meters.wire_log import Sink

DRIVER = "gude"
OPTIONS: Mapping[str, Option] = {
    **PACE,
    "sensor": Option("", "name or id of the meter in the strip, such as L1; needed where there are several"),
    **RANGE,
}

VALUES_PATH = "/status.json?components=81920"
IDENTITY_PATH = "/status.json?components=1073741823"
NAMELESS = Identity("GUDE", "", "", "")
ALLOWED = frozenset({VALUES_PATH, IDENTITY_PATH})  # `cmd=` in a path switches sockets and resets counters

SISTER = "manual of the sister model 8041: voltage < 1 %, current < 1.5 %, frequency < 0.03 %"
ACCURACY = Accuracy(2.5, 0.0, 1.0, f"{SISTER}; power as their sum, its own limits are not specified")
VOLTAGE_ACCURACY = Accuracy(1.0, 0.0, 1.0, SISTER)
CURRENT_ACCURACY = Accuracy(1.5, 0.0, 1.0, SISTER)
FREQUENCY_ACCURACY = Accuracy(0.03, 0.0, 1.0, SISTER)


FIELDS = (
    Field("power_w", ("activepower",), "W", -1e6, 1e6, sent_unit="W", accuracy=ACCURACY),
    Field("voltage_v", ("voltage",), "V", 0.0, 1000.0, sent_unit="V", accuracy=VOLTAGE_ACCURACY),
    Field("current_a", ("current",), "A", 0.0, 1000.0, sent_unit="A", accuracy=CURRENT_ACCURACY),
    Field("power_factor", ("powerfactor",), "1", -1.0, 1.0),
    Field("frequency_hz", ("frequency",), "Hz", 0.0, 100.0, sent_unit="Hz", accuracy=FREQUENCY_ACCURACY),
    Field("apparent_power_va", ("apparentpower",), "VA", 0.0, 1e6, sent_unit="VA"),
    Field("energy_wh", ("absactenergynonres",), "Wh", 0.0, 1e9, factor=1000.0, sent_unit="kWh"),
)


# --- codec: bytes <-> values ------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Sensor:
    """One meter of the strip: its id, its name, its values by quantity."""

    id: str
    name: str
    values: Mapping[str, Value]


def encode_request(path: str) -> str:
    """Return `path`; raises `MeterRefused` for anything but the two questions of this driver."""
    if path not in ALLOWED:
        raise MeterRefused(f"gude: the driver does not ask {path!r}; it can switch sockets or reset counters")
    return path


def decode_sensors(data: bytes) -> list[Sensor]:
    """Return the meters of a reply that have an active power; raises `MeterGarbage`."""
    reply = parse_json(data)
    descriptions = reply.member("sensor_descr").items()
    values = reply.member("sensor_values").items()
    if len(values) != len(descriptions):
        raise MeterGarbage(f"$.sensor_values: found {len(values)} groups, expected {len(descriptions)} as described")
    sensors = []
    for description, group in zip(descriptions, values, strict=True):
        if description.member("type").whole(0, 10**6) != group.member("type").whole(0, 10**6):
            raise MeterGarbage(f"{group.path}.type: found another type than {description.path}.type")
        sensors += _decode_group(description, group)
    return sensors


def _decode_group(description: Node, group: Node) -> list[Sensor]:
    """Return the meters of one type of sensor: a row of values each, a field of the description each column."""
    places = _places(description.member("fields").items())
    if "power_w" not in places:
        return []
    owners = description.member("properties").items()
    rows = group.member("values").items()
    if len(rows) != len(owners):
        raise MeterGarbage(f"{group.path}.values: found {len(rows)} rows, expected {len(owners)} as described")
    return [_decode_row(owner, row, places) for owner, row in zip(owners, rows, strict=True)]


def _places(fields: list[Node]) -> dict[str, tuple[int, Field, float]]:
    """Return where each quantity stands in a row, with its step in our unit."""
    places: dict[str, tuple[int, Field, float]] = {}
    for index, node in enumerate(fields):
        name, unit = node.member("name").text().casefold(), node.member("unit").text()
        for field in FIELDS:
            if name not in field.names:
                continue
            if field.sent_unit != unit and field.quantity == "power_w":
                raise MeterGarbage(f"{node.path}.unit: found {unit!r} for {name}, expected {field.sent_unit!r}")
            if field.sent_unit != unit:
                continue
            if field.quantity in places:
                raise MeterGarbage(f"{node.path}.name: found {name} a second time, expected it once")
            digits = node.get("decPrecision")
            step = field.factor * 10.0 ** -(digits.whole(0, 9) if digits is not None else 0)
            places[field.quantity] = (index, field, step)
    return places


def _decode_row(owner: Node, row: Node, places: Mapping[str, tuple[int, Field, float]]) -> Sensor:
    cells = row.items()
    values = {}
    for quantity, (index, field, step) in places.items():
        if index >= len(cells):
            raise MeterGarbage(f"{row.path}: found {len(cells)} values, expected one for each field described")
        values[quantity] = Value(_decode_cell(cells[index], field), step)
    return Sensor(_text(owner, "id"), _text(owner, "name"), values)


def _decode_cell(cell: Node, field: Field) -> float | None:
    node = cell.get("v")
    return None if node is None else decode_number(node, field)


def _text(node: Node, name: str) -> str:
    """Return a text that may be missing, or a number that stands for one."""
    member = node.get(name)
    if member is None or member.is_null:
        return ""
    return str(member.value) if isinstance(member.value, int) else member.text()


def choose_sensor(sensors: list[Sensor], wanted: str) -> Sensor:
    """Return the sensor whose id or name is `wanted`, the only one where that is empty.

    Raises `MeterGarbage` when there is no meter at all, `MeterOptionError` naming those there are otherwise.
    """
    if not sensors:
        raise MeterGarbage("found no sensor with an ActivePower; this strip has no meter")
    fitting = [sensor for sensor in sensors if not wanted or wanted in (sensor.id, sensor.name)]
    if len(fitting) == 1:
        return fitting[0]
    names = ", ".join(f"{sensor.id} ({sensor.name})" for sensor in sensors)
    raise MeterOptionError(f"option sensor is {wanted!r}, expected the id or name of one of: {names}")


def decode_identity(data: bytes) -> Identity:
    """Return who a strip says it is, parts it does not give left empty; raises `MeterGarbage` if it is no status."""
    reply = parse_json(data)
    misc, ethernet = reply.get("misc"), reply.get("ethernet")
    model = "" if misc is None else _text(misc, "product_name")
    firmware = "" if misc is None else _text(misc, "firm_v")
    return Identity("GUDE", model, "" if ethernet is None else _text(ethernet, "mac"), firmware)


def to_reading(sensor: Sensor, time_ns: int, range_w: float, *, stale: bool) -> Reading:
    """Return one meter's values; power beyond `range_w` is `overrange`, power without a value is `nan`."""
    return reading_of(sensor.values, time_ns, range_w, stale=stale)


# --- the meter ----------------------------------------------------------------------------------------------------


class Gude(PolledHttp[Sensor]):
    """The dialogue with an Expert Power Control: one GET, one reading (`meters.dialogue.Dialogue`)."""

    driver, tier, fields = DRIVER, "indicative", FIELDS
    advice = "check that this is a GUDE strip with a meter"

    def __init__(self, port: str, sensor: str, settings: Settings, sink: Sink | None, access: Access) -> None:
        """Connect; raises `MeterOptionError`, `MeterUnavailable`, `MeterMismatch`."""
        super().__init__(port, settings, sink, access)
        self._sensor = sensor
        self._introduced: bool | None = None  # whether the page of the identity is there; not known yet

    def _ask_identity(self, deadline: Deadline) -> Identity:
        if self._introduced is None:
            return self._met()
        if self._introduced:
            return self._identity(deadline)
        self._ask(deadline)
        return NAMELESS

    def _met(self) -> Identity:
        """Ask for the identity the first time: a strip that sends its values but no such page, twice, has none."""
        try:
            identity = self._identity(Deadline(self.reply_s))
        except MeterGarbage:
            self._ask(Deadline(self.reply_s))
            try:
                identity = self._identity(Deadline(self.reply_s))
            except MeterGarbage:
                self._introduced = False
                return NAMELESS
        self._introduced = True
        return identity

    def _identity(self, deadline: Deadline) -> Identity:
        return decode_identity(self._wire.get(encode_request(IDENTITY_PATH), deadline).data)

    def _ask(self, deadline: Deadline) -> tuple[int, Sensor]:
        chunk = self._wire.get(encode_request(VALUES_PATH), deadline)
        return chunk.time_ns, choose_sensor(decode_sensors(chunk.data), self._sensor)

    def _values(self, answer: Sensor) -> Mapping[str, Value]:
        return answer.values

    def _reading(self, answer: Sensor, time_ns: int, *, stale: bool) -> Reading:
        return to_reading(answer, time_ns, self._range_w, stale=stale)


def open_gude(
    port: str, *, capture: Sink | None, options: Mapping[str, object], access: Access = ANYBODY
) -> DialogueMeter:
    """Open the GUDE strip at `port`, `http://HOST` or `https://HOST`.

    `options` are those of `OPTIONS`, `capture` takes the wire log, `access` lets it in and knows it again.

    Raises `MeterOptionError`, `MeterUnavailable`, `MeterTimeout`, `MeterUnplugged`, `MeterMismatch`, `MeterRefused`.
    """
    values = read_options(DRIVER, OPTIONS, options)
    settings = settings_of(values)
    return DialogueMeter(Gude(port, word(values, "sensor"), settings, capture, access), settings.interval_s, access)
