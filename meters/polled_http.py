"""The dialogue with a meter that is asked over HTTP and answers with JSON: one GET, one reading.

Knows: fields and what is plausible for them, values with the step they were sent in, who is asked when, and how an
error is worded for somebody in front of the meter. Does not know: any device's paths, names and JSON (`meters.gude`,
`meters.tasmota`, `meters.shelly`, `meters.homewizard`), HTTP (`meters.http_wire`).

None of these devices says over which window it measured, or when: given as instantaneous with an unknown stamp. None
says how often it has new values either: taken as once a second where nothing better is known; the same answer less than
that later is `stale` (`meters.dialogue.Repetitions`). A value out of all bounds costs that quantity; only the power
must be plausible.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar, Generic, TypeVar

from meters.access import Access
from meters.deadline import Deadline
from meters.dialogue import OverWire, Repetitions, interval_option, refresh_option
from meters.http_auth import Eager
from meters.http_wire import HEADERS, HttpWire
from meters.json_reply import Node
from meters.meter import MeterGarbage, MeterOptionError, MeterRefused
from meters.options import Option, number
from meters.options import Value as OptionValue
from meters.reading import Accuracy, Column, Description, Identity, Reading, Tier, within
from meters.wire_log import Sink

REFRESH_S = 1.0


def pace_of(interval_s: float) -> Mapping[str, Option]:
    """Return the options of when a device is asked and has new values, `interval_s` the default of the first."""
    reply = Option(3.0, "seconds an answer may take", low=0.1, high=60.0)
    return {"interval_s": interval_option(interval_s), "reply_s": reply, "refresh_s": refresh_option(REFRESH_S)}


PACE = pace_of(REFRESH_S)
RANGE: Mapping[str, Option] = {
    "range_w": Option(3680.0, "W, above which a reading is overrange (16 A at 230 V)", low=1.0, high=25_000.0)
}

Answer = TypeVar("Answer")


# --- codec: JSON <-> values -------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Field:
    """One quantity: its possible names in a reply, our unit, what is plausible as sent, the factor from there to our
    unit, the unit as sent where the reply names it, limits of error if known."""

    quantity: str
    names: tuple[str, ...]
    unit: str
    low: float
    high: float
    factor: float = 1.0
    sent_unit: str = ""
    accuracy: Accuracy | None = None

    def column(self, step: float, range_w: float) -> Column:
        """Return how this quantity is described, with the step it is sent in (our unit)."""
        limits = (-range_w, range_w) if self.quantity == "power_w" else (self.low, self.high * self.factor)
        return Column(self.quantity, self.unit, step, limits, self.accuracy)


@dataclass(frozen=True, slots=True)
class Value:
    """One value, `None` where the device has none now (`null`), and the step of its last decimal, both in our unit."""

    value: float | None
    step: float


def decode_value(node: Node, field: Field) -> Value:
    """Return a number with the step it was sent in; raises `MeterGarbage` as `decode_number`."""
    return Value(decode_number(node, field), (node.step() or 1.0) * field.factor)


def decode_number(node: Node, field: Field) -> float | None:
    """Return a number in our unit, `None` where there is none.

    Raises `MeterGarbage` where a power is not plausible; any other quantity that is not costs itself alone.
    """
    is_power = field.quantity == "power_w" and not node.is_null
    sent = node.number(field.low, field.high) if is_power else node.plausible(field.low, field.high)
    return None if sent is None else round(sent * field.factor, 9)


def reading_of(
    values: Mapping[str, Value], time_ns: int, range_w: float, *, stale: bool, flags: frozenset[str] = frozenset()
) -> Reading:
    """Return values by quantity as a reading; power beyond `range_w` is `overrange`, power that is none is `nan`.

    `flags` are the device's own word that its power is none, and why.
    """
    numbers = {quantity: value.value for quantity, value in values.items()}
    power_w, own_flags = within(numbers.pop("power_w"), range_w)
    if flags:
        power_w, own_flags = None, flags
    if stale:
        own_flags |= {"stale"}
    return Reading(time_ns=time_ns, power_w=power_w, **numbers, flags=own_flags)  # type: ignore[arg-type]


# --- the dialogue -------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Settings:
    """What the lab chose: seconds between questions and for an answer, the range in W, s between new values; where a
    driver has an option for it, whether a certificate that nobody vouches for is refused."""

    interval_s: float
    reply_s: float
    range_w: float
    refresh_s: float = REFRESH_S
    verified: bool = False


def settings_of(values: Mapping[str, OptionValue]) -> Settings:
    """Return the settings among a driver's options."""
    paces = (number(values, name) for name in ("interval_s", "reply_s", "range_w", "refresh_s"))
    interval_s, reply_s, range_w, refresh_s = paces
    return Settings(interval_s, reply_s, range_w, refresh_s)


class PolledHttp(OverWire[HttpWire], ABC, Generic[Answer]):
    """What is the same in every such dialogue (`meters.dialogue.Dialogue`); `Answer` is one answer, taken apart.

    Two answers are equal exactly when the device repeats itself.
    """

    driver: ClassVar[str]
    tier: ClassVar[Tier]
    fields: ClassVar[tuple[Field, ...]]
    advice: ClassVar[str]
    """What a lab can do where this is no meter that is understood."""
    user: ClassVar[str] = "admin"
    """Who logs in where the lab names nobody."""
    eager: Eager = ""
    """What of the login goes with every question, as in `meters.http_auth.Login`."""
    headers: ClassVar[Mapping[str, str]] = HEADERS
    """What goes with every question."""

    def __init__(
        self, port: str, settings: Settings, sink: Sink | None, access: Access, *, wire: HttpWire | None = None
    ) -> None:
        """Connect, or take the `wire` of a driver that has made its own; raises `MeterOptionError`, `MeterUnavailable`,
        `MeterMismatch`."""
        self.reply_s = settings.reply_s
        self._range_w = settings.range_w
        self._columns: tuple[Column, ...] = ()
        self._repetitions = Repetitions(settings.refresh_s, settings.interval_s)
        self._wire = wire or HttpWire(
            port, sink, access, user=self.user, eager=self.eager, verified=settings.verified, headers=self.headers
        )

    @abstractmethod
    def _ask_identity(self, deadline: Deadline) -> Identity:
        """Ask who is there; raises `MeterGarbage`, `MeterRefused` with the port in them or without."""

    @abstractmethod
    def _ask(self, deadline: Deadline) -> tuple[int, Answer]:
        """Ask for the values of now, return when they came; raises as `_ask_identity`, and `MeterOptionError`."""

    @abstractmethod
    def _values(self, answer: Answer) -> Mapping[str, Value]:
        """Return the values of an answer by quantity."""

    @abstractmethod
    def _reading(self, answer: Answer, time_ns: int, *, stale: bool) -> Reading:
        """Return an answer as SI values."""

    def greet(self) -> Identity:
        """Ask who is there and what it measures."""
        try:
            identity = self._ask_identity(Deadline(self.reply_s))
            values = self._values(self._first_answer())
        except MeterGarbage as error:
            raise self._strange(error) from error
        except (MeterRefused, MeterOptionError) as error:
            raise type(error)(f"{self.port}: {self._bare(error)}") from error
        self._columns = tuple(
            field.column(values[field.quantity].step, self._range_w)
            for field in self.fields
            if field.quantity in values
        )
        return identity

    def _first_answer(self) -> Answer:
        return self._ask(Deadline(self.reply_s))[1]

    def describe(self) -> Description:
        """Return what is fixed; the device does not say over which window or when it measured."""
        return Description(
            driver=self.driver,
            averaging="instantaneous",
            window_s=0.0,
            stamp="unknown",
            latency_s=0.0,
            columns=self._columns,
            tier=self.tier,
            refresh_s=self._repetitions.refresh_s,
            remarks=self._wire.remarks,
        )

    def sample(self, deadline: Deadline) -> Reading:
        """Return the values of now."""
        try:
            time_ns, answer = self._ask(deadline)
        except (MeterGarbage, MeterRefused, MeterOptionError) as error:
            raise self._strange(error) from error
        return self._reading(answer, time_ns, stale=self._repetitions.is_repeated(answer, time_ns))

    def regain(self, deadline: Deadline) -> Identity:
        """Ask again who is there; every connection that had trouble is gone already."""
        try:
            return self._ask_identity(deadline)
        except (MeterGarbage, MeterRefused, MeterOptionError) as error:
            raise self._strange(error) from error

    def _strange(self, error: Exception) -> MeterGarbage:
        return MeterGarbage(f"{self.port}: {self._bare(error)}; {self.advice}")

    def _bare(self, error: Exception) -> str:
        """Return what an error says after its port, which those of the wire name already."""
        return str(error).removeprefix(f"{self.port}: ")
