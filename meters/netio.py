"""A NETIO socket strip or PDU over HTTP and JSON: one output, or the whole unit.

Knows: `GET /netio.json` (NETIO, "M2M API protocol JSON", JSONVer 2.1 and later): `Agent`, `GlobalMeasure`, `Outputs`
with `Load` in W, `Energy` in Wh, `Current` in mA. A password is given by HTTP Basic. Does not know: switching (POST to
the same page), the other interfaces of the device.

The power is active power in whole watts. Nobody says over which time it is averaged; a published client limits itself
to one question in 2 s, and so does this one unless told otherwise. Some models measure nothing, some on one output
alone: the others have no `Load`, and are named so. `Energy` counts since its last reset. Proved by the answer that a
published client's manual shows, and by the maker's own client on the emulator; no test here shows a real device.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from meters.access import ANYBODY, Access
from meters.deadline import Deadline
from meters.dialogue import DialogueMeter
from meters.json_reply import Node, parse_json
from meters.meter import MeterGarbage, MeterOptionError
from meters.options import Option, read_options, whole
from meters.polled_http import RANGE, Field, PolledHttp, Settings, Value, decode_value, pace_of, reading_of, settings_of
from meters.reading import Identity, Reading
from meters.wire_log import Sink

DRIVER = "netio"
OPTIONS: Mapping[str, Option] = {
    **pace_of(2.0),
    "output": Option(0.0, "ID of the output, from 1; 0: the whole unit", low=0.0, high=64.0, whole=True),
    **RANGE,
}
PATH = "/netio.json"

OF_OUTPUT = (
    Field("power_w", ("Load",), "W", -1e5, 1e5),
    Field("current_a", ("Current",), "A", 0.0, 1e6, factor=1e-3),
    Field("power_factor", ("PowerFactor",), "1", -1.0, 1.0),
    Field("energy_wh", ("Energy",), "Wh", 0.0, 1e12),
)
OF_UNIT = (
    Field("power_w", ("TotalLoad",), "W", -1e5, 1e5),
    Field("current_a", ("TotalCurrent",), "A", 0.0, 1e6, factor=1e-3),
    Field("power_factor", ("OverallPowerFactor", "TotalPowerFactor"), "1", -1.0, 1.0),
    Field("energy_wh", ("TotalEnergy",), "Wh", 0.0, 1e12),
)
OF_MAINS = (
    Field("voltage_v", ("Voltage",), "V", 0.0, 1000.0),
    Field("frequency_hz", ("Frequency",), "Hz", 0.0, 100.0),
)


# --- codec: bytes <-> values ------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Answer:
    """One page: who says it, and the values by quantity of the output that was chosen."""

    identity: Identity
    values: Mapping[str, Value]


def decode(data: bytes, output: int) -> Answer:
    """Return a page; `output` 0 is the whole unit.

    Raises `MeterGarbage`; `MeterOptionError` where there is no such output.
    """
    page = parse_json(data)
    agent = page.member("Agent")
    model, serial, firmware = (agent.member(name).text() for name in ("Model", "SerialNumber", "Version"))
    mains = page.get("GlobalMeasure")
    if output:
        values = _values(_output(page.member("Outputs").items(), output), OF_OUTPUT)
    else:
        values = _values(page.member("GlobalMeasure"), OF_UNIT)
    if mains is not None:
        values |= _values(mains, OF_MAINS)
    return Answer(Identity("NETIO", model, serial, firmware), values)


def _output(nodes: list[Node], wanted: int) -> Node:
    ids = {node.member("ID").whole(0, 1000): node for node in nodes}
    if wanted not in ids:
        known = ", ".join(map(str, ids)) or "none"
        raise MeterOptionError(f"option output is {wanted}, expected 0 or one of those there are: {known}")
    return ids[wanted]


def _values(node: Node, fields: tuple[Field, ...]) -> dict[str, Value]:
    """Return the quantities that an object has; a power among them must be there."""
    values = {}
    for field in fields:
        members = [member for name in field.names if (member := node.get(name)) is not None]
        if not members and field.quantity == "power_w":
            raise MeterGarbage(f"{node.path}: found no {field.names[0]!r}, expected it; this one does not meter")
        if members:
            values[field.quantity] = decode_value(members[0], field)
    return values


def to_reading(answer: Answer, time_ns: int, range_w: float, *, stale: bool) -> Reading:
    """Return the values; power beyond `range_w` is `overrange`, power that was `null` is `nan`."""
    return reading_of(answer.values, time_ns, range_w, stale=stale)


# --- the meter ----------------------------------------------------------------------------------------------------


class Netio(PolledHttp[Answer]):
    """The dialogue with a NETIO device: one GET, one reading (`meters.dialogue.Dialogue`)."""

    driver, tier, user = DRIVER, "indicative", "netio"
    fields = (*OF_OUTPUT, *OF_MAINS)
    advice = "check that this is a NETIO device that meters, that its JSON API is enabled, and the option output"

    def __init__(self, port: str, output: int, settings: Settings, sink: Sink | None, access: Access) -> None:
        """Connect; raises `MeterOptionError`, `MeterUnavailable`, `MeterMismatch`."""
        super().__init__(port, settings, sink, access)
        self._output_id = output

    def _ask_identity(self, deadline: Deadline) -> Identity:
        return self._ask(deadline)[1].identity

    def _ask(self, deadline: Deadline) -> tuple[int, Answer]:
        chunk = self._wire.get(PATH, deadline)
        return chunk.time_ns, decode(chunk.data, self._output_id)

    def _values(self, answer: Answer) -> Mapping[str, Value]:
        return answer.values

    def _reading(self, answer: Answer, time_ns: int, *, stale: bool) -> Reading:
        return to_reading(answer, time_ns, self._range_w, stale=stale)


def open_netio(
    port: str, *, capture: Sink | None, options: Mapping[str, object], access: Access = ANYBODY
) -> DialogueMeter:
    """Open the NETIO device at `port`, `http://HOST` or `https://HOST`.

    Raises `MeterOptionError`, `MeterUnavailable`, `MeterTimeout`, `MeterUnplugged`, `MeterMismatch`, `MeterRefused`.
    """
    values = read_options(DRIVER, OPTIONS, options)
    settings = settings_of(values)
    return DialogueMeter(Netio(port, whole(values, "output"), settings, capture, access), settings.interval_s, access)
