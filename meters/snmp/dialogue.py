"""The dialogue with one point of a PDU: who is there, how it is scaled, then one question a reading.

Knows: what is asked when, that a datagram may be lost, that an answer must be to the question just asked.
Does not know: messages (`meters.snmp.messages`), MIBs (`meters.snmp.mibs`), who is believed (`meters.snmp.security`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from meters.deadline import Deadline
from meters.dialogue import OverWire, Repetitions
from meters.meter import MeterGarbage, MeterMismatch, MeterTimeout, MeterUnavailable, MeterUnplugged
from meters.reading import Description, Identity, Reading
from meters.snmp import rows
from meters.snmp.ber import Item
from meters.snmp.messages import LARGEST_ID, Answer, answer_of, check_error, encode_question
from meters.snmp.mibs import Mib, Objects, Point, Scaled, reading_of, scaled, scales_of
from meters.snmp.security import Security
from meters.udp_wire import UdpWire
from meters.wire import drain, shown
from meters.wire_log import Sink

QUIET_S = 0.02
DAMAGED = 3
"""Answers in a row that may be damaged: nothing but UDP's check sum protects them."""
ATTEMPTS = 2
"""A question is asked so often, with its first number, before it is given up: UDP loses datagrams."""
MOST_AGAIN = 3
"""An agent may ask so often in a row to be asked anew: who it is, and what its clock says."""
MOST_OBJECTS = 24
"""Of one question: an answer of more may not fit into a datagram."""
ROWS_GREETED = 10
"""How many times the time for an answer a greeting may take where rows are found by their names, many questions."""


@dataclass(frozen=True, slots=True)
class Settings:
    """What the lab chose: s between questions and for an answer, s between new values, range in W."""

    interval_s: float
    reply_s: float
    refresh_s: float
    range_w: float


class SnmpDialogue(OverWire[UdpWire]):
    """The dialogue with one outlet, or a whole unit (`meters.dialogue.Dialogue`)."""

    def __init__(
        self, port: str, mib: Mib, point: Point, settings: Settings, security: Security, sink: Sink | None
    ) -> None:
        """Open the socket; raises `MeterOptionError`, `MeterUnavailable`."""
        self._security = security
        self._mib, self._point, self._settings = mib, point, settings
        self.reply_s = settings.reply_s
        self._request_id = security.first_id - 1
        self._quantities: list[Scaled] = []
        self._asked: list[str] = []
        self._available = ""
        self._known: Identity | None = None
        self._repetitions = Repetitions(settings.refresh_s, settings.interval_s)
        self._wire = UdpWire(port, sink, security.presentable)

    def greet(self) -> Identity:
        """Ask who is there, how it scales, and what of the point it has."""
        self._security.forget(entirely=True)
        deadline = Deadline((3 if self._mib.rows is None else ROWS_GREETED) * self.reply_s)
        try:
            self._known = self._greeted(deadline)
            return self._known
        except MeterUnplugged as error:
            raise MeterUnavailable(
                f"{self.port}: nothing listens there; switch SNMP on at the PDU, check its address"
            ) from error

    def _greeted(self, deadline: Deadline) -> Identity:
        with self._at_port(self._advice):
            identity = self._identity(deadline)
            self._quantities = self._scaled(deadline)
            wanted = [quantity.oid for quantity in self._quantities] + [self._available] * bool(self._available)
            objects = self._get(wanted, deadline)
            self._quantities = [quantity for quantity in self._quantities if objects.get(quantity.oid) is not None]
            if not any(quantity.name == "power_w" for quantity in self._quantities):
                raise MeterMismatch(f"the agent has no power of {self._point.words}")
            self._asked = [oid for oid in wanted if oid in objects]
        return identity

    def _scaled(self, deadline: Deadline) -> list[Scaled]:
        """Return the quantities of the point as the device scales them, and learn which object vouches for them."""
        mib, point = self._mib, self._point
        if mib.rows is None:
            availability = mib.available.get(point.place, "")
            self._available = point.at(availability) if availability else ""
            return list(scaled(mib, point, self._get(scales_of(mib, point), deadline)))
        counted = point.at(mib.rows.count)
        names = rows.names_of(mib.rows, point, self._get([counted], deadline).get(counted))
        found = rows.wanted(mib.rows, point, self._get(names, deadline))
        self._available = point.at(mib.rows.quality, found["power_w"]) if "power_w" in found else ""
        return list(rows.scaled(mib.rows, point, found, self._get(rows.scales_of(mib.rows, point, found), deadline)))

    def describe(self) -> Description:
        """Return what is fixed; no MIB says over which time a power is averaged."""
        return Description(
            driver=self._mib.driver,
            averaging="instantaneous",
            window_s=0.0,
            stamp="unknown",
            latency_s=0.0,
            columns=tuple(quantity.column(self._settings.range_w) for quantity in self._quantities),
            tier="indicative",
            refresh_s=self._repetitions.refresh_s,
            remarks=self._security.remarks,
        )

    def sample(self, deadline: Deadline) -> Reading:
        """Return the values of now."""
        with self._at_port(self._advice):
            time_ns, objects = self._ask(self._asked, deadline)
            stale = self._repetitions.is_repeated(tuple(objects.items()), time_ns)
            return reading_of(
                self._quantities,
                objects,
                time_ns,
                self._settings.range_w,
                available=objects.get(self._available) not in self._mib.gone,
                stale=stale,
            )

    def regain(self, deadline: Deadline) -> Identity:
        """Ask who is there: an answer bears the number of its question, so that none is taken for another."""
        drain(self._wire, QUIET_S, deadline)
        self._security.forget(entirely=False)
        with self._at_port(self._advice):
            for _attempt in range(DAMAGED):  # a damaged answer is no other unit
                identity = self._identity(deadline)
                if identity == self._known:
                    break
            return identity

    @property
    def _advice(self) -> str:
        return f"check that this is a {self._mib.maker} {self._mib.family}, and the options unit, phase and outlet"

    def _identity(self, deadline: Deadline) -> Identity:
        oids = [self._point.at(oid) for oid in (self._mib.model, self._mib.serial, self._mib.firmware)]
        objects = self._get(oids, deadline)
        if not objects:
            raise MeterMismatch("the agent answers, but has nothing of this MIB")
        model, serial, firmware = (_text(objects.get(oid)) for oid in oids)
        return Identity(self._mib.maker, model, serial, firmware)

    def _get(self, oids: Sequence[str], deadline: Deadline) -> Objects:
        """Return those of the objects that the agent has."""
        found: dict[str, int | bytes | str | None] = {}
        for begin in range(0, len(oids), MOST_OBJECTS):
            found |= self._ask(oids[begin : begin + MOST_OBJECTS], deadline)[1]
        return found

    def _ask(self, oids: Sequence[str], deadline: Deadline) -> tuple[int, Objects]:
        """Return when the answer came, and the objects in it; in v1 those that are not there are left out and asked
        for no more."""
        left, time_ns = list(oids), 0
        while left:
            time_ns, answer = self._answer(left, deadline)
            missing = check_error(answer, left)
            if missing is None:
                return time_ns, _objects(answer, left)
            left.remove(missing)
        return time_ns, {}

    def _answer(self, oids: Sequence[str], deadline: Deadline) -> tuple[int, Answer]:
        """Ask, and ask once more where nothing came; answers to earlier questions are passed over."""
        self._request_id = self._request_id % LARGEST_ID + 1
        question = encode_question(self._request_id, oids)
        for attempt in range(ATTEMPTS):
            try:
                return self._said(question, Deadline(deadline.left_s / (ATTEMPTS - attempt)))
            except MeterTimeout as error:
                silence = error
        raise MeterTimeout(f"{self.port}: no answer of an SNMP agent in time; {self._security.silence}") from silence

    def _said(self, question: bytes, deadline: Deadline) -> tuple[int, Answer]:
        """Say a question as often as the agent asks for it, and wait for the answer."""
        for _time in range(1 + MOST_AGAIN):
            self._wire.write(self._security.wrap(self._request_id, question))
            heard: Item | str = "nothing"
            while heard == "nothing":
                chunk = self._wire.read_chunk(deadline)
                try:
                    heard = self._security.unwrap(chunk.data)
                    if isinstance(heard, Item):
                        answer = answer_of(heard)
                        if answer.request_id == self._request_id:
                            return chunk.time_ns, answer
                        heard = "nothing"
                except MeterGarbage as error:
                    raise MeterGarbage(f"{error}, in {shown(self._security.presentable(chunk.data), 24)}") from error
        raise MeterGarbage(f"the agent asked {MOST_AGAIN} times to be asked anew, and did not answer; restart it")


def _objects(answer: Answer, oids: Sequence[str]) -> Objects:
    """Return the objects of an answer by identifier; raises `MeterGarbage` where they are not those asked for."""
    names = [binding.oid for binding in answer.bindings]
    if names != list(oids):
        raise MeterGarbage(f"found the objects {', '.join(names[:3]) or 'none'}, expected those that were asked for")
    return {binding.oid: binding.value for binding in answer.bindings if not binding.absent}


def _text(value: int | bytes | str | None) -> str:
    """Return an object of the identity as text on one line."""
    if value is None:
        return ""
    words = value.decode("utf-8", errors="replace") if isinstance(value, bytes) else str(value)
    return "".join(sign for sign in words if sign.isprintable()).strip()
