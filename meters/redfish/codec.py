"""Pages of a Redfish service (DMTF DSP0266, JSON): the four places of a power in a chassis, links, names.

Knows:
- `PowerControl`: `PowerConsumedWatts` of an entry of the resource Power, one for the whole chassis or one a node;
- `EnvironmentMetrics`: `PowerWatts`, its successor, with `EnergykWh` beside it;
- `PowerSupplies`: the sum of `PowerInputWatts` of the supplies in the resource Power;
- `PowerSubsystem`: the sum of `InputPowerWatts` in the metrics of each supply, its successor.
Does not know: who is asked when (`meters.redfish.dialogue`).

The schemas (Power 1.7, EnvironmentMetrics 1.3, PowerSupplyMetrics 1.1) say what each is, and not over which time it is
averaged nor how often it is new. `AverageConsumedWatts` is a mean over `IntervalInMin` minutes and is not read, nor are
`LastPowerOutputWatts` and `PowerOutputWatts`: those are the direct current behind a supply. A value of `null` is a
reading without a power; so is a sum in which one supply that is there has none.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Final

from meters.json_reply import Node, parse_json
from meters.meter import MeterGarbage, MeterOptionError
from meters.polled_http import Field, Value, decode_value
from meters.reading import Identity

SOURCES: Final = ("PowerControl", "EnvironmentMetrics", "PowerSupplies", "PowerSubsystem")
ROOT = "/redfish/v1/"
PATH = re.compile(r"/redfish/v1/[A-Za-z0-9._~!$'()*+,;=:@%/-]{1,190}")
MOST_SUPPLIES = 16
GONE: Final = frozenset({"Absent", "Disabled"})
"""States of a supply that takes no power."""

CONSUMED = Field("power_w", ("PowerConsumedWatts",), "W", 0.0, 1e6)
INPUT = Field("power_w", ("PowerInputWatts",), "W", 0.0, 1e6)
READING = Field("power_w", ("Reading",), "W", 0.0, 1e6)
ENERGY = Field("energy_wh", ("Reading",), "Wh", 0.0, 1e9, factor=1000.0)
Values = Mapping[str, Value]


def link_of(node: Node, name: str) -> str:
    """Return the path that a member links to; raises `MeterGarbage` for none, and for one that leads elsewhere."""
    return path_of(node.member(name))


def path_of(node: Node) -> str:
    """Return the path that a link leads to; raises `MeterGarbage`."""
    place = node.member("@odata.id")
    return path_below(place.text(), f"{place.path}: ")


def path_below(text: str, where: str = "") -> str:
    """Return a path below the root; raises `MeterGarbage` for anything else."""
    if PATH.fullmatch(text) is None:
        raise MeterGarbage(f"{where}found {text[:60]!r}, expected a path below {ROOT}")
    return text


def members_of(collection: Node) -> list[str]:
    """Return the paths of a collection; raises `MeterGarbage`."""
    return [path_of(member) for member in collection.member("Members").items()]


def choose_chassis(paths: Sequence[str], wanted: str) -> str:
    """Return the path of the chassis whose Id is `wanted`, of the only one where that is empty.

    Raises `MeterGarbage` where there is none at all, `MeterOptionError` naming those there are otherwise.
    """
    if not paths:
        raise MeterGarbage("found no chassis, expected one; this service manages none")
    names = {path.rstrip("/").rpartition("/")[2]: path for path in paths}
    if wanted in names:
        return names[wanted]
    if len(paths) == 1 and not wanted:
        return paths[0]
    raise MeterOptionError(f"option chassis is {wanted!r}, expected one of: {', '.join(sorted(names))}")


def decode_identity(data: bytes, version: str) -> Identity:
    """Return who a chassis says it is, what it leaves open empty; raises `MeterGarbage`."""
    chassis = parse_json(data)
    chassis.member("Id")
    maker, model, serial = (text_of(chassis, name) for name in ("Manufacturer", "Model", "SerialNumber"))
    return Identity(maker, model, serial, version)


def text_of(node: Node, name: str) -> str:
    """Return a text, empty where it is missing or null; raises `MeterGarbage`."""
    member = node.get(name)
    return "" if member is None or member.is_null else member.text().strip()


def decode_control(data: bytes, wanted: str) -> dict[str, Value]:
    """Return the power of an entry of PowerControl, by its MemberId or Name; the only one where `wanted` is empty.

    Raises `MeterGarbage`; `MeterOptionError` naming those there are.
    """
    entries = parse_json(data).member("PowerControl").items()
    fitting = [entry for entry in entries if not wanted or wanted in (_id(entry, "MemberId"), _id(entry, "Name"))]
    if len(fitting) != 1:
        known = ", ".join(f"{_id(entry, 'MemberId')} ({_id(entry, 'Name')})" for entry in entries)
        if not entries:
            raise MeterGarbage("$.PowerControl: found no entry, expected one")
        raise MeterOptionError(f"option control is {wanted!r}, expected the MemberId or Name of one of: {known}")
    return {"power_w": decode_value(fitting[0].member(CONSUMED.names[0]), CONSUMED)}


def _id(node: Node, name: str) -> str:
    """Return a name that may be missing, or a number that stands for one."""
    member = node.get(name)
    return "" if member is None or member.is_null else str(member.value)[:60]


def decode_supplies(data: bytes) -> dict[str, Value]:
    """Return the sum of what the supplies of a resource Power take in; raises `MeterGarbage`, also where they say
    their output only."""
    supplies = [node for node in parse_json(data).member("PowerSupplies").items() if is_there(node)]
    return sum_of([decode_value(supply.member(INPUT.names[0]), INPUT) for supply in supplies])


def is_there(supply: Node) -> bool:
    """Whether a supply takes power, as far as its state says."""
    status = supply.get("Status")
    state = None if status is None or status.is_null else status.get("State")
    return state is None or state.value not in GONE


def sum_of(parts: Sequence[Value]) -> dict[str, Value]:
    """Return a sum with the step of its coarsest part: none where one part is none; raises `MeterGarbage` without
    any."""
    if not parts:
        raise MeterGarbage("found no supply that is there, expected one")
    known = [part.value for part in parts if part.value is not None]
    total = round(sum(known), 9) if len(known) == len(parts) else None
    return {"power_w": Value(total, max(part.step for part in parts))}


def decode_environment(data: bytes) -> dict[str, Value]:
    """Return power and energy of EnvironmentMetrics; raises `MeterGarbage`."""
    metrics = parse_json(data)
    values = {"power_w": decode_value(metrics.member("PowerWatts").member("Reading"), READING)}
    energy = metrics.get("EnergykWh")
    reading = None if energy is None or energy.is_null else energy.get("Reading")
    if reading is not None:
        values["energy_wh"] = decode_value(reading, ENERGY)
    return values


def decode_supply(data: bytes) -> Value:
    """Return what one supply takes in, as its metrics say; raises `MeterGarbage`."""
    return decode_value(parse_json(data).member("InputPowerWatts").member("Reading"), READING)


def others_in(chassis: Node) -> str:
    """Return what else of a chassis can be read, where it lacks what was asked for."""
    places = {"Power": "PowerControl", "EnvironmentMetrics": "EnvironmentMetrics", "PowerSubsystem": "PowerSubsystem"}
    found = [source for name, source in places.items() if chassis.get(name) is not None]
    return f"this chassis has {' and '.join(found) or 'none of them'}: set source, or another chassis"
