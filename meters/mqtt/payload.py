"""What a message says: a bare number, or JSON with paths to its quantities.

Knows: paths (`ENERGY.Power[0]`), units as a lab names them. Does not know: MQTT, any firmware's names.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from meters.json_reply import Node, parse_json
from meters.meter import MeterGarbage, MeterOptionError
from meters.options import Option, word
from meters.options import Value as OptionValue
from meters.polled_http import Field, Value, decode_value

POWER_UNITS = {"W": 1.0, "kW": 1000.0, "mW": 0.001}
ENERGY_UNITS = {"kWh": 1000.0, "Wh": 1.0}
OPTIONS: Mapping[str, Option] = {
    "power": Option("", "path to the power in a message of JSON, such as ENERGY.Power; empty: it is a bare number"),
    "power_unit": Option("W", "unit of the power", choices=tuple(POWER_UNITS)),
    "voltage": Option("", "path to the voltage in V, empty where there is none"),
    "current": Option("", "path to the current in A, empty where there is none"),
    "power_factor": Option("", "path to the power factor, empty where there is none"),
    "energy": Option("", "path to the register of energy, empty where there is none"),
    "energy_unit": Option("kWh", "unit of the register", choices=tuple(ENERGY_UNITS)),
}
STEP = re.compile(r"([^.\[\]]{1,64})((?:\[[0-9]{1,3}\])*)(?:\.|$)")
OTHERS = (("voltage", "voltage_v", "V", 0.0, 1000.0), ("current", "current_a", "A", 0.0, 1000.0))
FACTOR = ("power_factor", "power_factor", "1", -1.0, 1.0)
HIGHEST_W, HIGHEST_WH = 1e6, 1e12

Path = tuple[str | int, ...]


@dataclass(frozen=True, slots=True)
class Place:
    """A quantity, where it stands in a message (an empty path: the message is its number), the option that says so."""

    field: Field
    path: Path
    option: str


def read_path(option: str, text: str) -> Path:
    """Return the steps of a path; raises `MeterOptionError`."""
    steps: list[str | int] = []
    at = 0
    while at < len(text):
        match = STEP.match(text, at)
        if match is None or (match.end() == len(text) and text.endswith(".")):
            raise MeterOptionError(
                f"option {option} is {text!r}, expected names with a dot between, and places in square brackets, such "
                "as ENERGY.Power[0]"
            )
        steps.append(match.group(1))
        steps += [int(place) for place in re.findall(r"[0-9]+", match.group(2))]
        at = match.end()
    return tuple(steps)


def places_of(values: Mapping[str, OptionValue]) -> tuple[Place, ...]:
    """Return where the quantities stand, power first; raises `MeterOptionError`."""
    factor = POWER_UNITS[word(values, "power_unit")]
    limit = HIGHEST_W / factor
    places = [
        Place(Field("power_w", (), "W", -limit, limit, factor), read_path("power", word(values, "power")), "power")
    ]
    for option, quantity, unit, low, high in (*OTHERS, FACTOR):
        if path := read_path(option, word(values, option)):
            places.append(Place(Field(quantity, (), unit, low, high), path, option))
    factor = ENERGY_UNITS[word(values, "energy_unit")]
    if path := read_path("energy", word(values, "energy")):
        places.append(Place(Field("energy_wh", (), "Wh", 0.0, HIGHEST_WH / factor, factor), path, "energy"))
    return tuple(places)


def not_read(payload: bytes, places: tuple[Place, ...]) -> tuple[str, ...]:
    """Return in sentences what a message does not have where an option says that it stands; raises `MeterGarbage`."""
    message, sentences = parse_json(payload), []
    for place in places:
        try:
            node = _at(message, place.path)
            if not node.is_null:
                node.number(place.field.low, place.field.high)
        except MeterGarbage as error:
            sentences.append(f"option {place.option} leads to no number of the first message, and is not read: {error}")
    return tuple(sentences)


def decode_payload(payload: bytes, places: tuple[Place, ...]) -> dict[str, Value]:
    """Return the values of a message by quantity; its power must be there. Raises `MeterGarbage`."""
    message = parse_json(payload)
    values = {}
    for place in places:
        is_power = place.field.quantity == "power_w"
        try:
            values[place.field.quantity] = decode_value(_at(message, place.path), place.field)
        except MeterGarbage:
            if is_power:
                raise
    return values


def _at(node: Node, path: Path) -> Node:
    for step in path:
        if isinstance(step, str):
            node = node.member(step)
            continue
        items = node.items()
        if step >= len(items):
            raise MeterGarbage(f"{node.path}: found {len(items)} of them, expected one at [{step}]")
        node = items[step]
    return node
