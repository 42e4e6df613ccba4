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
else wrote: only a real 1202 settles the rest. How often it has new values is not said: taken as once a second, and all
the same values less than a second later are `stale`. A value out of all bounds costs that quantity, unless it is the
power.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from meters.access import ANYBODY, Access
from meters.deadline import Deadline
from meters.dialogue import DialogueMeter, OverWire, Repetitions, interval_option
from meters.http_wire import HttpWire
from meters.json_reply import Node, parse_json
from meters.meter import MeterGarbage, MeterOptionError, MeterRefused
from meters.options import Option, number, read_options, word
from meters.reading import Accuracy, Column, Description, Identity, Reading, within
from meters.wire import Chunk
from meters.wire_log import Sink

DRIVER = "gude"
USER = "admin"
REFRESH_S = 1.0
OPTIONS: Mapping[str, Option] = {
    "interval_s": interval_option(REFRESH_S),
    "reply_s": Option(3.0, "seconds an answer may take", low=0.1, high=60.0),
    "sensor": Option("", "name or id of the meter in the strip, such as L1; needed where there are several"),
    "range_w": Option(3680.0, "W, above which a reading is overrange (16 A at 230 V)", low=1.0, high=25_000.0),
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


@dataclass(frozen=True, slots=True)
class Field:
    """One quantity: its name (any case) and unit in the description, its factor to ours, what is plausible."""

    quantity: str
    name: str
    unit: str
    factor: float
    low: float
    high: float
    accuracy: Accuracy | None


FIELDS = (
    Field("power_w", "activepower", "W", 1.0, -1e6, 1e6, ACCURACY),
    Field("voltage_v", "voltage", "V", 1.0, 0.0, 1000.0, VOLTAGE_ACCURACY),
    Field("current_a", "current", "A", 1.0, 0.0, 1000.0, CURRENT_ACCURACY),
    Field("power_factor", "powerfactor", "", 1.0, -1.0, 1.0, None),
    Field("frequency_hz", "frequency", "Hz", 1.0, 0.0, 100.0, FREQUENCY_ACCURACY),
    Field("apparent_power_va", "apparentpower", "VA", 1.0, 0.0, 1e6, None),
    Field("energy_wh", "absactenergynonres", "kWh", 1000.0, 0.0, 1e9, None),
)


# --- codec: bytes <-> values ------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Value:
    """One value as sent, `None` where there is none now, and the step of its last decimal in our unit."""

    value: float | None
    step: float


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
            if field.name != name:
                continue
            if field.unit != unit and field.quantity == "power_w":
                raise MeterGarbage(f"{node.path}.unit: found {unit!r} for {name}, expected {field.unit!r}")
            if field.unit != unit:
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
    """Return the value, `None` where there is none; a power must be plausible, another quantity costs itself alone."""
    node = cell.get("v")
    if node is None or node.is_null:
        return None
    is_power = field.quantity == "power_w"
    value = node.number(field.low, field.high) if is_power else node.plausible(field.low, field.high)
    return None if value is None else round(value * field.factor, 9)


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
    found = [sensor for sensor in sensors if not wanted or wanted in (sensor.id, sensor.name)]
    if len(found) == 1:
        return found[0]
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
    values = {quantity: value.value for quantity, value in sensor.values.items()}
    power_w, flags = within(values.pop("power_w"), range_w)
    if stale:
        flags |= {"stale"}
    return Reading(time_ns=time_ns, power_w=power_w, **values, flags=flags)  # type: ignore[arg-type]


# --- the meter ----------------------------------------------------------------------------------------------------


class Gude(OverWire[HttpWire]):
    """The dialogue with an Expert Power Control: one GET, one reading (`meters.dialogue.Dialogue`)."""

    def __init__(
        self,
        port: str,
        sensor: str,
        *,
        range_w: float,
        reply_s: float,
        interval_s: float,
        sink: Sink | None,
        access: Access,
    ) -> None:
        """Connect; raises `MeterOptionError`, `MeterUnavailable`, `MeterMismatch`."""
        self.reply_s = reply_s
        self._sensor, self._range_w = sensor, range_w
        self._columns: tuple[Column, ...] = ()
        self._introduced: bool | None = None  # whether the page of the identity is there; not known yet
        self._repetitions = Repetitions(REFRESH_S, interval_s)
        self._wire = HttpWire(port, sink, access, user=USER)

    def greet(self) -> Identity:
        """Ask who is there and which meters it has."""
        identity = self._met() if self._introduced is None else self._who(Deadline(self.reply_s))
        sensor = self._values(Deadline(self.reply_s))[1]
        self._columns = tuple(
            _column(field, sensor, self._range_w) for field in FIELDS if field.quantity in sensor.values
        )
        return identity

    def describe(self) -> Description:
        """Return what is fixed; the strip does not say over which window or when it measured."""
        return Description(
            driver=DRIVER,
            averaging="instantaneous",
            window_s=0.0,
            stamp="unknown",
            latency_s=0.0,
            columns=self._columns,
            tier="indicative",
            remarks=self._wire.remarks,
        )

    def sample(self, deadline: Deadline) -> Reading:
        """Return the values of now."""
        try:
            chunk, sensor = self._values(deadline)
        except (MeterRefused, MeterOptionError) as error:
            raise MeterGarbage(str(error)) from error
        stale = self._repetitions.is_repeated(sensor, chunk.time_ns)
        return to_reading(sensor, chunk.time_ns, self._range_w, stale=stale)

    def regain(self, deadline: Deadline) -> Identity:
        """Ask again who is there; every connection that had trouble is gone already."""
        try:
            return self._who(deadline)
        except MeterRefused as error:
            raise MeterGarbage(str(error)) from error

    def _met(self) -> Identity:
        """Ask for the identity the first time: a strip that sends its values but no such page, twice, has none."""
        try:
            identity = self._identity(Deadline(self.reply_s))
        except MeterGarbage:
            self._values(Deadline(self.reply_s))
            try:
                identity = self._identity(Deadline(self.reply_s))
            except MeterGarbage:
                self._introduced = False
                return NAMELESS
        self._introduced = True
        return identity

    def _who(self, deadline: Deadline) -> Identity:
        if self._introduced:
            return self._identity(deadline)
        self._values(deadline)
        return NAMELESS

    def _identity(self, deadline: Deadline) -> Identity:
        data = self._wire.get(encode_request(IDENTITY_PATH), deadline).data
        try:
            return decode_identity(data)
        except MeterGarbage as error:
            raise self._strange(error) from error

    def _values(self, deadline: Deadline) -> tuple[Chunk, Sensor]:
        chunk = self._wire.get(encode_request(VALUES_PATH), deadline)
        try:
            return chunk, choose_sensor(decode_sensors(chunk.data), self._sensor)
        except MeterGarbage as error:
            raise self._strange(error) from error
        except MeterOptionError as error:
            raise MeterOptionError(f"{self.port}: {error}") from error

    def _strange(self, error: MeterGarbage) -> MeterGarbage:
        return MeterGarbage(f"{self.port}: {error}; check that this is a GUDE strip with a meter")


def _column(field: Field, sensor: Sensor, range_w: float) -> Column:
    limits = (-range_w, range_w) if field.quantity == "power_w" else (field.low, field.high * field.factor)
    unit = "Wh" if field.quantity == "energy_wh" else field.unit or "1"
    return Column(field.quantity, unit, sensor.values[field.quantity].step, limits, field.accuracy)


def open_gude(
    port: str, *, capture: Sink | None, options: Mapping[str, object], access: Access = ANYBODY
) -> DialogueMeter:
    """Open the GUDE strip at `port`, `http://HOST` or `https://HOST`.

    `options` are those of `OPTIONS`, `capture` takes the wire log, `access` lets it in and knows it again.

    Raises `MeterOptionError`, `MeterUnavailable`, `MeterTimeout`, `MeterUnplugged`, `MeterMismatch`, `MeterRefused`.
    """
    values = read_options(DRIVER, OPTIONS, options)
    interval_s = number(values, "interval_s")
    dialogue = Gude(
        port,
        word(values, "sensor"),
        range_w=number(values, "range_w"),
        reply_s=number(values, "reply_s"),
        interval_s=interval_s,
        sink=capture,
        access=access,
    )
    return DialogueMeter(dialogue, interval_s, access)
