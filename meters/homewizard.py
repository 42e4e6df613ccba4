"""HomeWizard's plug, kWh meters and P1 meter by their local API: v1 over HTTP, v2 over HTTPS with a token.

Knows: `/api` (who is there), `/api/v1/data`, `/api/measurement` (api-documentation.homewizard.com); which of the values
are power and which energy, whatever they are called (`total_power_import_kwh` is energy); the sum of the tariffs where
there is no total; how often the smart meter behind a P1 meter has new values. Power is negative when it is delivered.
Does not know: switching, settings, batteries' modes, the web socket, how a token is got (a person presses the button).

A P1 meter's own time is local, without a zone: it tells one telegram from the next and nothing else. A measurement of
v2 with the stamp of the one before is `stale`; without stamps an answer is new that differs in any value
(`meters.polled_http`). Strength and name of the WLAN are no values. The currents of a P1 meter are whole amperes, and
those of several phases make no current of one load: both are left out.

The certificate of v2 is issued by HomeWizard for a name (`appliance/p1dongle/SERIAL`) that no address has: pin it by
its fingerprint.
Proved by the answers that the client library's tests hold (v1 and v2) and, on the emulator's side, by that library: v1
with every change, v2 by hand.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import ClassVar

from meters.access import ANYBODY, Access
from meters.deadline import Deadline
from meters.dialogue import DialogueMeter, Repetitions
from meters.http_wire import HEADERS
from meters.json_reply import Node, parse_json
from meters.meter import MeterGarbage, MeterRefused
from meters.options import Option, chosen, number, read_options, word
from meters.polled_http import PACE, Field, PolledHttp, Settings, Value, decode_value, reading_of
from meters.reading import Description, Identity, Reading, Tier
from meters.wire_log import Sink

DRIVER = "homewizard"
OPTIONS: Mapping[str, Option] = {
    **PACE,
    "refresh_s": Option(
        "auto",
        "how often it has new values, s; auto: as the kind of device says",
        low=0.01,
        high=3600.0,
        choices=("auto",),
    ),
    "api": Option(
        "v1",
        "v1: HTTP, allowed in the maker's app (Local API); v2: HTTPS, its token is the meter's password",
        choices=("v1", "v2"),
    ),
    "range_w": Option(
        "auto", "W, above which a reading is overrange; auto: that of the device", low=1.0, high=1e5, choices=("auto",)
    ),
}
TOKEN = (
    "that of v2 is a token: press the button of the device, ask for one within 30 s, give it as password_file "
    "(docs/meters.md)"
)


@dataclass(frozen=True, slots=True)
class Product:
    """A kind of device: what it can carry in W, its tier, whether a smart meter stands behind it."""

    range_w: float
    tier: Tier = "indicative"
    has_meter: bool = False


PRODUCTS: Mapping[str, Product] = {
    "HWE-P1": Product(41_400.0, has_meter=True),  # 3 x 60 A at 230 V
    "HWE-SKT": Product(3680.0, "uncalibrated"),
    "HWE-KWH1": Product(23_000.0),  # 100 A
    "HWE-KWH3": Product(69_000.0),
    "SDM230-wifi": Product(23_000.0),
    "SDM630-wifi": Product(69_000.0),
}
OTHER = Product(41_400.0, "uncalibrated")
SECOND_S, OLD_INTERVAL_S = 1.0, 10.0
SECONDLY = 50
"""From this version of the smart meter's protocol on (DSMR 5.0) it sends each second, before each ten."""

FIELDS = (
    Field("power_w", ("power_w",), "W", -1e6, 1e6),
    Field("voltage_v", ("voltage_v", "voltage_l1_v"), "V", 0.0, 1000.0),
    Field("current_a", ("current_a",), "A", -1000.0, 1000.0),
    Field("power_factor", ("power_factor",), "1", -1.0, 1.0),
    Field("frequency_hz", ("frequency_hz",), "Hz", 0.0, 100.0),
    Field("apparent_power_va", ("apparent_power_va",), "VA", 0.0, 1e6),
    Field("energy_wh", ("energy_import_kwh",), "Wh", 0.0, 1e9, factor=1000.0),
)
"""By the names of v2."""
TARIFFS = tuple(f"energy_import_t{number}_kwh" for number in range(1, 5))
OTHER_PHASE = "current_l2_a"


# --- codec: bytes <-> values ------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Answer:
    """The values of one answer, its local time (empty: none), the version of the smart meter's protocol (0: none)."""

    values: Mapping[str, Value]
    stamp: str
    protocol: int


def name_in_v1(name: str) -> str:
    """Return what v1 calls a member of v2."""
    return f"total_power_{name.removeprefix('energy_')}" if name.startswith("energy_") else f"active_{name}"


def decode_device(data: bytes, api: str) -> Identity:
    """Return who `/api` says is there; raises `MeterGarbage`, also where it speaks another version than `api`."""
    device = parse_json(data)
    speaks = device.member("api_version").text()
    if (speaks if speaks.startswith("v") else f"v{speaks.partition('.')[0]}") != api:
        raise MeterGarbage(f"$.api_version: found {speaks!r}, expected that of {api}; set api and port (http or https)")
    model, serial, firmware = (device.member(name).text() for name in ("product_type", "serial", "firmware_version"))
    return Identity("HomeWizard", model, serial, firmware)


def decode_data(data: bytes, api: str, model: str) -> Answer:
    """Return the values of a device of the kind `model`; raises `MeterGarbage`."""
    answer = parse_json(data)
    rename = name_in_v1 if api == "v1" else str
    has_meter = PRODUCTS.get(model, OTHER).has_meter
    values = {}
    for field in FIELDS:
        names = [rename(name) for name in field.names]
        node = next((member for member in map(answer.get, names) if member is not None), None)
        is_current = field.quantity == "current_a"
        if is_current and (has_meter or answer.get(rename(OTHER_PHASE)) is not None):
            continue
        if node is not None:
            values[field.quantity] = decode_value(node, field)
        elif field.quantity == "power_w":
            answer.member(names[0])
    if "energy_wh" not in values or values["energy_wh"].value is None:
        tariffs = [member for name in TARIFFS if (member := answer.get(rename(name))) is not None]
        values |= {"energy_wh": _sum_of(tariffs)} if tariffs else {}
    stamp, protocol = answer.get("timestamp"), answer.get("smr_version" if api == "v1" else "protocol_version")
    return Answer(
        values,
        "" if stamp is None or stamp.is_null else stamp.text(),
        0 if protocol is None else int(protocol.plausible(0, 1e6) or 0),
    )


def _sum_of(tariffs: list[Node]) -> Value:
    parts = [decode_value(node, FIELDS[-1]) for node in tariffs]
    numbers = [part.value for part in parts if part.value is not None]
    total = round(sum(numbers), 6) if len(numbers) == len(parts) else None
    return Value(total, min(part.step for part in parts))


def refresh_s_of(model: str, protocol: int) -> float:
    """Return how often a device has new values: a smart meter before DSMR 5 has them each 10 s."""
    is_old = PRODUCTS.get(model, OTHER).has_meter and 0 < protocol < SECONDLY
    return OLD_INTERVAL_S if is_old else SECOND_S


# --- the meter ----------------------------------------------------------------------------------------------------


class HomeWizard(PolledHttp[Answer]):
    """The dialogue with a HomeWizard device by API v1: one GET, one reading (`meters.dialogue.Dialogue`)."""

    driver, tier, fields = DRIVER, "uncalibrated", FIELDS
    advice = "check that this is a HomeWizard device that measures power, and its `api`"
    api: ClassVar[str] = "v1"
    data_path: ClassVar[str] = "/api/v1/data"

    def __init__(
        self, port: str, settings: Settings, own: tuple[float | None, float | None], sink: Sink | None, access: Access
    ) -> None:
        """Connect; `own` are range (W) and refresh (s) where the lab states them. Raises `MeterOptionError`,
        `MeterUnavailable`, `MeterMismatch`."""
        super().__init__(port, settings, sink, access)
        self._interval_s = settings.interval_s
        self._own_range_w, self._own_refresh_s = own
        self._forget()

    def _forget(self) -> None:
        self._model = self._stamp = ""
        self._remarks: tuple[str, ...] = ()

    def greet(self) -> Identity:
        """Ask who is there and what it measures."""
        self._forget()
        return super().greet()

    def describe(self) -> Description:
        """Return what is fixed, with the tier of this kind of device."""
        own = super().describe()
        return replace(own, tier=PRODUCTS.get(self._model, OTHER).tier, remarks=(*own.remarks, *self._remarks))

    def _ask_identity(self, deadline: Deadline) -> Identity:
        identity = decode_device(self._wire.get("/api", deadline).data, self.api)
        self._model = identity.model
        self._range_w = self._own_range_w or PRODUCTS.get(identity.model, OTHER).range_w
        return identity

    def _first_answer(self) -> Answer:
        answer = super()._first_answer()
        refresh_s = refresh_s_of(self._model, answer.protocol)
        self._repetitions = Repetitions(self._own_refresh_s or refresh_s, self._interval_s)
        if refresh_s > SECOND_S:
            self._remarks = (
                f"the smart meter behind it is one of DSMR {answer.protocol}, which has new values each {refresh_s:g} "
                "s: answers between repeat the last",
            )
        return answer

    def _ask(self, deadline: Deadline) -> tuple[int, Answer]:
        chunk = self._wire.get(self.data_path, deadline)
        return chunk.time_ns, decode_data(chunk.data, self.api, self._model)

    def _values(self, answer: Answer) -> Mapping[str, Value]:
        return answer.values

    def _reading(self, answer: Answer, time_ns: int, *, stale: bool) -> Reading:
        is_same = bool(answer.stamp) and answer.stamp == self._stamp
        self._stamp = answer.stamp
        return reading_of(answer.values, time_ns, self._range_w, stale=stale or is_same)


class HomeWizard2(HomeWizard):
    """The same by API v2, which takes a token."""

    eager = "bearer"
    headers: ClassVar[Mapping[str, str]] = {**HEADERS, "X-Api-Version": "2"}
    api = "v2"
    data_path = "/api/measurement"

    def _ask_identity(self, deadline: Deadline) -> Identity:
        try:
            return super()._ask_identity(deadline)
        except MeterRefused as error:
            raise MeterRefused(f"{error}; {TOKEN}") from error


def open_homewizard(
    port: str, *, capture: Sink | None, options: Mapping[str, object], access: Access = ANYBODY
) -> DialogueMeter:
    """Open the HomeWizard device at `port`, `http://HOST` or (v2) `https://HOST`; `options` are those of `OPTIONS`,
    `capture` takes the wire log.

    Raises `MeterOptionError`, `MeterUnavailable`, `MeterTimeout`, `MeterUnplugged`, `MeterMismatch`, `MeterRefused`.
    """
    values = read_options(DRIVER, OPTIONS, options)
    settings = Settings(number(values, "interval_s"), number(values, "reply_s"), OTHER.range_w)
    kind = HomeWizard2 if word(values, "api") == "v2" else HomeWizard
    own = chosen(values, "range_w"), chosen(values, "refresh_s")
    return DialogueMeter(kind(port, settings, own, capture, access), settings.interval_s, access)
