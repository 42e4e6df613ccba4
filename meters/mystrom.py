"""A myStrom switch (a plug) over HTTP and JSON.

Knows: `GET /report` with `power` in W and `energy_since_boot` in Ws, `GET /api/v1/info` (older firmware: `/info.json`)
for who is there (api.mystrom.ch, and python-mystrom 2.6.0). A plug with a token wants it in a header `Token`. Does not
know: switching (`/relay`, `/toggle`), the cloud.

`power` is the power of now, averaged nobody says how long, refreshed nobody says how often. `Ws` in the same page is
the mean power since somebody last asked for that page, whoever it was: the window is then not ours to know, so it is
not read. The energy counts from the last start of the plug, which `boot_id` names: when that changes, the register
has begun anew. Neither is in the first plugs' firmware. Nobody states limits of error. Proved by a published client on
the emulator; no test here shows a real plug.
"""

from __future__ import annotations

from collections.abc import Mapping

from meters.access import ANYBODY, Access
from meters.deadline import Deadline
from meters.dialogue import DialogueMeter
from meters.json_reply import parse_json
from meters.meter import MeterGarbage
from meters.options import Option, read_options
from meters.polled_http import PACE, RANGE, Field, PolledHttp, Settings, Value, decode_value, reading_of, settings_of
from meters.reading import Identity, Reading
from meters.wire_log import Sink

DRIVER = "mystrom"
OPTIONS: Mapping[str, Option] = {**PACE, **RANGE}
VALUES_PATH = "/report"
INFO_PATHS = ("/api/v1/info", "/info.json")

POWER = Field("power_w", ("power",), "W", -1e6, 1e6)
ENERGY = Field("energy_wh", ("energy_since_boot",), "Wh", 0.0, 1e12, factor=1.0 / 3600.0)


# --- codec: bytes <-> values ------------------------------------------------------------------------------------


def decode_report(data: bytes) -> dict[str, Value]:
    """Return the values of a report by quantity; raises `MeterGarbage`."""
    report = parse_json(data)
    values = {POWER.quantity: decode_value(report.member("power"), POWER)}
    energy = report.get(ENERGY.names[0])
    if energy is not None:
        values[ENERGY.quantity] = decode_value(energy, ENERGY)
    return values


def decode_info(data: bytes) -> Identity:
    """Return who the plug says it is; its type is a number (106), or three letters (WS2); raises `MeterGarbage`."""
    info = parse_json(data)
    kind = info.get("type")
    named = "" if kind is None else f" {kind.whole(0, 10**6) if isinstance(kind.value, int) else kind.text()}"
    return Identity("myStrom", f"Switch{named}", info.member("mac").text(), info.member("version").text())


def to_reading(values: Mapping[str, Value], time_ns: int, range_w: float, *, stale: bool) -> Reading:
    """Return the values; power beyond `range_w` is `overrange`, power that was `null` is `nan`."""
    return reading_of(values, time_ns, range_w, stale=stale)


# --- the meter ----------------------------------------------------------------------------------------------------


class MyStrom(PolledHttp[Mapping[str, Value]]):
    """The dialogue with a myStrom switch: one GET, one reading (`meters.dialogue.Dialogue`)."""

    driver, tier, fields, eager = DRIVER, "uncalibrated", (POWER, ENERGY), "token"
    advice = "check that this is a myStrom switch that meters"

    def __init__(self, port: str, settings: Settings, sink: Sink | None, access: Access) -> None:
        """Connect; raises `MeterOptionError`, `MeterUnavailable`, `MeterMismatch`."""
        super().__init__(port, settings, sink, access)
        self._info_path = ""

    def _ask_identity(self, deadline: Deadline) -> Identity:
        if self._info_path:
            return decode_info(self._wire.get(self._info_path, deadline).data)
        newer, older = INFO_PATHS
        try:
            identity, path = decode_info(self._wire.get(newer, deadline).data), newer
        except MeterGarbage:
            identity, path = decode_info(self._wire.get(older, Deadline(self.reply_s)).data), older
        self._info_path = path
        return identity

    def _ask(self, deadline: Deadline) -> tuple[int, Mapping[str, Value]]:
        chunk = self._wire.get(VALUES_PATH, deadline)
        return chunk.time_ns, decode_report(chunk.data)

    def _values(self, answer: Mapping[str, Value]) -> Mapping[str, Value]:
        return answer

    def _reading(self, answer: Mapping[str, Value], time_ns: int, *, stale: bool) -> Reading:
        return to_reading(answer, time_ns, self._range_w, stale=stale)


def open_mystrom(
    port: str, *, capture: Sink | None, options: Mapping[str, object], access: Access = ANYBODY
) -> DialogueMeter:
    """Open the myStrom switch at `port`, `http://HOST`; the password of `access` is its token.

    Raises `MeterOptionError`, `MeterUnavailable`, `MeterTimeout`, `MeterUnplugged`, `MeterMismatch`, `MeterRefused`.
    """
    values = read_options(DRIVER, OPTIONS, options)
    settings = settings_of(values)
    return DialogueMeter(MyStrom(port, settings, capture, access), settings.interval_s, access)
