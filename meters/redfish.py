"""A BMC over Redfish (DMTF DSP0266, HTTP and JSON): the power of one chassis.

Knows: the service root, the chassis, and four places of a power in one of them:
- `PowerControl`: `PowerConsumedWatts` of an entry of the resource Power, one for the whole chassis or one a node;
- `EnvironmentMetrics`: `PowerWatts`, its successor, with `EnergykWh` beside it;
- `PowerSupplies`: the sum of `PowerInputWatts` of the supplies in the resource Power;
- `PowerSubsystem`: the sum of `InputPowerWatts` in the metrics of each supply, its successor, one GET a supply.
Does not know: Redfish's sessions (each GET bears the password by HTTP Basic, which every service has), events, writing.

The schemas (Power 1.7, EnvironmentMetrics 1.3, PowerSupplyMetrics 1.1) say what each is, and not over which time it is
averaged nor how often it is new. `AverageConsumedWatts` is a mean over `IntervalInMin` minutes and is not read, nor are
`LastPowerOutputWatts` and `PowerOutputWatts`: those are the direct current behind a supply. A value of `null` is a
reading without a power; so is a sum in which one supply that is there has none. Links are followed on the same host
only, and no redirect is. Over https a certificate must be pinned, or one that this machine trusts.
Proved by mockups and servers of others (docs/meters.md); no real BMC was seen.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Final

from meters.access import ANYBODY, Access
from meters.deadline import Deadline
from meters.dialogue import DialogueMeter, interval_option, refresh_option
from meters.json_reply import Node, parse_json
from meters.meter import MeterGarbage, MeterOptionError
from meters.options import Option, number, read_options, word
from meters.options import Value as OptionValue
from meters.polled_http import Field, PolledHttp, Settings, Value, decode_value, reading_of
from meters.port import scheme_of
from meters.reading import Identity, Reading
from meters.wire_log import Sink

DRIVER = "redfish"
SOURCES: Final = ("PowerControl", "EnvironmentMetrics", "PowerSupplies", "PowerSubsystem")
REFRESH_S = 1.0
"""Of a BMC of which nobody has measured it."""
INTERVAL_S = 2.0
"""Web servers of BMCs take a good part of a second for an answer."""
MOST_IDS: Final = 9999.0
"""A name may be a number: on a command line such a word is one."""
OPTIONS: Mapping[str, Option] = {
    "interval_s": interval_option(INTERVAL_S),
    "source": Option("PowerControl", "where in the chassis the power is read", choices=SOURCES),
    "chassis": Option("", "Id of the chassis; needed where there are several", low=0.0, high=MOST_IDS, whole=True),
    "control": Option(
        "", "MemberId or Name in PowerControl; needed where there are several", low=0.0, high=MOST_IDS, whole=True
    ),
    "certificate": Option(
        "verified",
        "over https://: `verified`, only one that is pinned or that this machine's authorities vouch for; or any",
        choices=("verified", "any"),
    ),
    "refresh_s": refresh_option(REFRESH_S),
    "reply_s": Option(10.0, "seconds an answer may take", low=0.1, high=60.0),
    "range_w": Option(20_000.0, "W, above which a reading is overrange", low=1.0, high=1e6),
}

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


# --- codec: bytes <-> values ------------------------------------------------------------------------------------


def link_of(node: Node, name: str) -> str:
    """Return the path that a member links to; raises `MeterGarbage` for none, and for one that leads elsewhere."""
    return _path(node.member(name))


def _path(node: Node) -> str:
    place = node.member("@odata.id")
    if PATH.fullmatch(place.text()) is None:
        raise MeterGarbage(f"{place.path}: found {place.text()[:60]!r}, expected a path below {ROOT}")
    return place.text()


def members_of(collection: Node) -> list[str]:
    """Return the paths of a collection; raises `MeterGarbage`."""
    return [_path(member) for member in collection.member("Members").items()]


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
    maker, model, serial = (_text(chassis, name) for name in ("Manufacturer", "Model", "SerialNumber"))
    return Identity(maker, model, serial, version)


def _text(node: Node, name: str) -> str:
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


# --- the meter ----------------------------------------------------------------------------------------------------


class Redfish(PolledHttp[Values]):
    """The dialogue with a Redfish service: one GET, one reading (`meters.dialogue.Dialogue`)."""

    driver, tier, fields = DRIVER, "uncalibrated", (CONSUMED, ENERGY)
    advice = "check that this is a Redfish service, and the options source, chassis and control"

    def __init__(
        self, port: str, place: tuple[str, str, str], settings: Settings, sink: Sink | None, access: Access
    ) -> None:
        """Connect; `place` is source, chassis and control. Raises `MeterOptionError`, `MeterUnavailable`,
        `MeterMismatch`."""
        # Some services ask for no password, and without TLS a plain one is not handed to whoever only points elsewhere.
        self.eager = "basic" if scheme_of(port) == "https" else ""
        super().__init__(port, settings, sink, access)
        self._source, self._wanted, self._control = place
        self._version = self._chassis = ""
        self._places: tuple[str, ...] = ()

    def greet(self) -> Identity:
        """Find the chassis and its power, ask who is there and for a first value."""
        self._chassis = ""
        return super().greet()

    def _ask_identity(self, deadline: Deadline) -> Identity:
        if not self._chassis:
            self._find()
        return decode_identity(self._wire.get(self._chassis, deadline).data, self._version)

    def _find(self) -> None:
        """Follow the links from the service root to the power."""
        root = self._get(ROOT)
        self._version = f"Redfish {_text(root, 'RedfishVersion')}".strip()
        paths = members_of(self._get(link_of(root, "Chassis")))
        path = choose_chassis(paths, self._wanted)
        chassis = self._get(path)
        name = "Power" if self._source in ("PowerControl", "PowerSupplies") else self._source
        if chassis.get(name) is None:
            raise MeterOptionError(f"option source is {self._source!r}, but there is no {name!r}; {others_in(chassis)}")
        place = link_of(chassis, name)
        self._places = tuple(self._supplies(place)) if self._source == "PowerSubsystem" else (place,)
        self._chassis = path

    def _supplies(self, place: str) -> list[str]:
        """Return where the metrics of each supply that is there stand."""
        paths = members_of(self._get(link_of(self._get(place), "PowerSupplies")))
        if not 1 <= len(paths) <= MOST_SUPPLIES:
            raise MeterGarbage(f"found {len(paths)} supplies, expected 1 to {MOST_SUPPLIES}")
        supplies = [self._get(path) for path in paths]
        return [link_of(supply, "Metrics") for supply in supplies if is_there(supply)]

    def _get(self, path: str) -> Node:
        return parse_json(self._wire.get(path, Deadline(self.reply_s)).data)

    def _ask(self, deadline: Deadline) -> tuple[int, Values]:
        chunks = [self._wire.get(place, deadline) for place in self._places]
        match self._source:
            case "PowerControl":
                values = decode_control(chunks[0].data, self._control)
            case "PowerSupplies":
                values = decode_supplies(chunks[0].data)
            case "EnvironmentMetrics":
                values = decode_environment(chunks[0].data)
            case _:
                values = sum_of([decode_supply(chunk.data) for chunk in chunks])
        return chunks[-1].time_ns, values

    def _values(self, answer: Values) -> Values:
        return answer

    def _reading(self, answer: Values, time_ns: int, *, stale: bool) -> Reading:
        return reading_of(answer, time_ns, self._range_w, stale=stale)


def _name(value: OptionValue) -> str:
    return f"{value:.0f}" if isinstance(value, float) else value


def open_redfish(
    port: str, *, capture: Sink | None, options: Mapping[str, object], access: Access = ANYBODY
) -> DialogueMeter:
    """Open the Redfish service at `port`, `https://HOST`; `options` are those of `OPTIONS`, `capture` takes the wire
    log, `access` lets it in and knows it again.

    Raises `MeterOptionError`, `MeterUnavailable`, `MeterTimeout`, `MeterUnplugged`, `MeterMismatch`, `MeterRefused`.
    """
    values = read_options(DRIVER, OPTIONS, options)
    settings = Settings(
        number(values, "interval_s"),
        number(values, "reply_s"),
        number(values, "range_w"),
        number(values, "refresh_s"),
        word(values, "certificate") == "verified",
    )
    place = (word(values, "source"), _name(values["chassis"]), _name(values["control"]))
    return DialogueMeter(Redfish(port, place, settings, capture, access), settings.interval_s, access)
