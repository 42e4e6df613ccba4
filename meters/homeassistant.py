"""A power that Home Assistant has of some device, over its REST interface: the last resort, for it is somebody else's
number.

Knows: `GET /api/states/ENTITY` with `state`, `attributes.unit_of_measurement`, `last_reported` and `last_updated`,
`GET /api/config` for the version (developers.home-assistant.io, "REST API"); a long-lived access token as `Bearer`.
Does not know: which device measured, what an integration, a template or a filter made of it, over which time it is
averaged, how often the device is asked. Where wattlab has a driver for the device itself, that one is better.

Home Assistant says when it was last told a value (`last_reported`, since 2024.8): as long as that stays, an answer is
`stale`, however long it is. An older one says when the value last changed: there the same answer is `stale` for
`refresh_s`. `unavailable` and `unknown` are no power (`nan`). Proved by a published client on the emulator and by the
answers that its documentation shows; no Home Assistant was asked here.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from decimal import Decimal

from meters.access import ANYBODY, Access
from meters.deadline import Deadline
from meters.dialogue import DialogueMeter, Repetitions
from meters.json_reply import Node, parse_json
from meters.meter import MeterGarbage, MeterOptionError
from meters.options import Option, read_options, word
from meters.polled_http import RANGE, Field, PolledHttp, Settings, Value, decode_value, pace_of, reading_of, settings_of
from meters.reading import Description, Identity, Reading
from meters.wire_log import Sink

DRIVER = "homeassistant"
OPTIONS: Mapping[str, Option] = {
    **pace_of(5.0),
    "entity": Option("", "the entity that is the power, such as sensor.plug_power; needed"),
    "refresh_s": Option(30.0, "how often it has new values, s, where it does not say so itself", low=0.01, high=3600.0),
    **RANGE,
}
STATES_PATH, CONFIG_PATH = "/api/states/", "/api/config"
ENTITY = re.compile(r"[a-z0-9_]{1,64}\.[a-z0-9_]{1,190}")
FACTORS: Mapping[str, float] = {"mW": 1e-3, "W": 1.0, "kW": 1e3}
NUMBER = re.compile(r"-?[0-9]{1,12}(?:\.[0-9]{1,12})?(?:[eE][-+]?[0-9]{1,2})?")
NOTHING = ("unavailable", "unknown", "")
POWER = Field("power_w", ("state",), "W", -1e9, 1e9)


# --- codec: bytes <-> values ------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class State:
    """The state of an entity: its power, and when Home Assistant was last told it, empty where it does not say."""

    power: Value
    reported: str


def encode_request(entity: str) -> str:
    """Return the path of an entity's state; raises `MeterOptionError` for what is none."""
    if not ENTITY.fullmatch(entity):
        raise MeterOptionError(
            f"option entity is {entity[:80]!r}, expected one such as sensor.plug_power (Developer tools, "
            "States, in Home Assistant lists them)"
        )
    return STATES_PATH + entity


def decode_state(data: bytes, entity: str) -> State:
    """Return the state in an answer; raises `MeterGarbage`."""
    state = parse_json(data)
    found = state.member("entity_id").text()
    if found != entity:
        raise MeterGarbage(f"$.entity_id: found {found!r}, expected {entity!r}")
    reported = state.get("last_reported")
    when = "" if reported is None or reported.is_null else reported.text()
    text = state.member("state").text()
    if text in NOTHING:
        return State(Value(None, 1.0), when)
    unit = state.member("attributes").member("unit_of_measurement").text()
    if unit not in FACTORS:
        raise MeterGarbage(
            f"$.attributes.unit_of_measurement: found {unit!r}, expected one of {', '.join(FACTORS)}; it is no power"
        )
    return State(_power(text, unit), when)


def _power(text: str, unit: str) -> Value:
    if not NUMBER.fullmatch(text):
        raise MeterGarbage(f"$.state: found {text[:40]!r}, expected a number")
    return decode_value(Node(Decimal(text), "$.state"), replace(POWER, factor=FACTORS[unit]))


def decode_version(data: bytes) -> str:
    """Return the version of Home Assistant; raises `MeterGarbage`."""
    return parse_json(data).member("version").text()


def to_reading(state: State, time_ns: int, range_w: float, *, stale: bool) -> Reading:
    """Return the power; beyond `range_w` it is `overrange`, where there is none `nan`."""
    return reading_of({POWER.quantity: state.power}, time_ns, range_w, stale=stale)


# --- the meter ----------------------------------------------------------------------------------------------------


class HomeAssistant(PolledHttp[State]):
    """The dialogue with Home Assistant: one GET, one reading (`meters.dialogue.Dialogue`)."""

    driver, tier, fields, eager, user = DRIVER, "uncalibrated", (POWER,), "bearer", ""
    advice = "check that this is Home Assistant, and the option entity"

    def __init__(self, port: str, entity: str, settings: Settings, sink: Sink | None, access: Access) -> None:
        """Connect; raises `MeterOptionError`, `MeterUnavailable`, `MeterMismatch`."""
        super().__init__(port, settings, sink, access)
        self._entity = entity

    def describe(self) -> Description:
        """Return what is fixed, and whose number it is."""
        described = super().describe()
        whose = (
            f"this is the number that Home Assistant has as {self._entity}: which instrument measured it, and how old "
            "it was, nothing here shows"
        )
        refresh_s = None if self._repetitions.refresh_s == math.inf else self._repetitions.refresh_s
        return replace(described, remarks=(whose, *described.remarks), refresh_s=refresh_s)

    def _ask_identity(self, deadline: Deadline) -> Identity:
        encode_request(self._entity)
        return Identity("Home Assistant", self._entity, "", decode_version(self._wire.get(CONFIG_PATH, deadline).data))

    def _first_answer(self) -> State:
        answer = super()._first_answer()
        if answer.reported:  # the same report stays the same, however long
            self._repetitions = Repetitions(math.inf)
        return answer

    def _ask(self, deadline: Deadline) -> tuple[int, State]:
        chunk = self._wire.get(encode_request(self._entity), deadline)
        return chunk.time_ns, decode_state(chunk.data, self._entity)

    def _values(self, answer: State) -> Mapping[str, Value]:
        return {POWER.quantity: answer.power}

    def _reading(self, answer: State, time_ns: int, *, stale: bool) -> Reading:
        return to_reading(answer, time_ns, self._range_w, stale=stale)


def open_homeassistant(
    port: str, *, capture: Sink | None, options: Mapping[str, object], access: Access = ANYBODY
) -> DialogueMeter:
    """Open one entity of the Home Assistant at `port`, `http://HOST:8123`; the password of `access` is its token.

    Raises `MeterOptionError`, `MeterUnavailable`, `MeterTimeout`, `MeterUnplugged`, `MeterMismatch`, `MeterRefused`.
    """
    values = read_options(DRIVER, OPTIONS, options)
    settings = settings_of(values)
    dialogue = HomeAssistant(port, word(values, "entity"), settings, capture, access)
    return DialogueMeter(dialogue, settings.interval_s, access)
