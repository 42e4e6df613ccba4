"""The agent in a PDU with a machine behind one outlet.

Knows: SNMP v1, v2c and v3 with GetRequest, GetNextRequest and
GetBulkRequest, the community. Does not know: sockets, real time, users of v3 (`meters.emulators.snmp_users`), the
objects of each maker (`meters.emulators.pdus`).
SetRequest is answered with noAccess, or readOnly.
Outlet 1 has the power source behind it, outlets 2 to 4 nothing; the input has it all and 3 W of the unit's own.
The serial number, or the model, says EMULATED.

| own fault | effect on one answer |
|---|---|
| `wrong-id` | it bears the number of another question |
| `gen-err` | it is genErr |
| `missing-value` | the power is not there |
| `not-there` | the power is -1 |
| `duplicate-row` | the values are those of the answer before |
| `overrange` | the power is far above the range |
"""

from __future__ import annotations

from meters.emulators.ber import Oid, Value, encoded_oid, integer, items_of, oid_of, parsed, tlv, value_of
from meters.emulators.faults import OwnFaults
from meters.emulators.pdus import KINDS, Load
from meters.emulators.refreshed import RefreshedLoad
from meters.emulators.snmp_users import V3_FAULTS, Users
from meters.emulators.virtual_sut import PowerSource

OWN_FAULTS = frozenset({"wrong-id", "gen-err", "missing-value", "not-there", "duplicate-row", "overrange"})
V3 = b"\x03"
OWN_W = 3.0
START_WH = 5000.0
OUTLETS = range(1, 5)
SYSTEM = "1.3.6.1.2.1.1"
NO_SUCH_NAME, READ_ONLY, GEN_ERR, NO_ACCESS = 2, 4, 5, 6
MOST_REPETITIONS = 40
MISSING, END = b"\x81\x00", b"\x82\x00"


class SnmpDevice:
    """One PDU and its agent (`meters.emulators.bench.Device`)."""

    def __init__(self, source: PowerSource, kind: str, *, refresh_s: float = 1.0, community: str = "public") -> None:
        """`kind` is one of `KINDS`, `refresh_s` how often it has new values; another `community` gets no answer.

        In v3 it is the password of all users, and without it nobody has one.
        """
        self._community = (community or "public").encode()
        self.faults = OwnFaults(OWN_FAULTS | V3_FAULTS)
        self._users = Users(community if community != "public" else "", self.faults)
        self._objects_of, self._name, self._id, self._powers = KINDS[kind]
        self._load = RefreshedLoad(source, refresh_s, START_WH)
        self._last: dict[Oid, Value] = {}
        self.next_push_s: float | None = None

    def push(self, now_s: float) -> list[bytes]:
        """Return nothing: an agent speaks when it is asked."""
        return []

    def receive(self, data: bytes, now_s: float) -> list[bytes]:
        """Return the answer to a datagram, none where it is no question or bears another community."""
        if not data:
            return []
        try:
            ((_tag, message),) = items_of(data)
            (_v, version), *rest = items_of(message)
            self._load.advance(now_s)
            if version == V3:
                return self._users.answered(data, now_s, lambda pdu: self._answer(pdu, is_first=False))
            (_c, community), pdu = rest
            if community != self._community:
                return []
            return [tlv(0x30, tlv(2, version) + tlv(4, community) + self._answer(pdu, is_first=version == b"\0"))]
        except (ValueError, IndexError):
            return []

    def _answer(self, question: tuple[int, bytes], *, is_first: bool) -> bytes:
        """Return the answer to a question; raises `ValueError`, `IndexError` where it is none."""
        kind, pdu = question
        (_i, identifier), (_e, second), (_x, third), (_l, listed) = items_of(pdu)
        asked = [oid_of(items_of(entry)[0][1]) for _tag, entry in items_of(listed)]
        counts = (int.from_bytes(second, "big"), int.from_bytes(third, "big"))
        number = int.from_bytes(identifier, "big", signed=True)
        error, at, found = self._found(kind, asked, counts, is_first)
        if self.faults.use("wrong-id"):
            number += 1
        if self.faults.use("gen-err"):
            error, at, found = GEN_ERR, 1, [(oid, value_of(None)) for oid in asked]
        parts = b"".join(tlv(0x30, encoded_oid(oid) + value) for oid, value in found)
        return tlv(0xA2, integer(number) + integer(error) + integer(at) + tlv(0x30, parts))

    def _found(
        self, kind: int, asked: list[Oid], counts: tuple[int, int], is_first: bool
    ) -> tuple[int, int, list[tuple[Oid, bytes]]]:
        """Return error, its place and the objects; `counts` are of a GetBulkRequest: objects asked once, repetitions
        of the others."""
        second, third = counts
        objects = self._objects()
        if kind == 0xA0:
            values = [(oid, value_of(objects[oid]) if oid in objects else MISSING) for oid in asked]
        elif kind == 0xA1 or (kind == 0xA5 and not is_first):
            rounds = min(third, MOST_REPETITIONS) if kind == 0xA5 else 1
            heads = second if kind == 0xA5 else 0
            values, order = [], sorted(objects)
            places = list(asked)
            for turn in range(rounds if len(asked) > heads else 1):
                for index, oid in enumerate(places):
                    if turn and index < heads:
                        continue
                    after = next((one for one in order if one > oid), None)
                    values.append((oid, END) if after is None else (after, value_of(objects[after])))
                    places[index] = oid if after is None else after
                if all(value == END for _oid, value in values[-len(asked) :]):
                    break
        else:
            return (READ_ONLY if is_first else NO_ACCESS), 1, [(oid, value_of(None)) for oid in asked]
        gone = [index for index, (_oid, value) in enumerate(values, 1) if value in (MISSING, END)]
        if is_first and gone:
            return NO_SUCH_NAME, gone[0], [(oid, value_of(None)) for oid in asked]
        return 0, 0, values

    def _objects(self) -> dict[Oid, Value]:
        """Return all objects there are now, with the faults that are in them."""
        if self.faults.use("duplicate-row") and self._last:
            return self._last
        objects: dict[Oid, Value] = {
            parsed(f"{SYSTEM}.1.0"): self._name, parsed(f"{SYSTEM}.2.0"): parsed(f"1.3.6.1.4.1.{self._id}"),
            parsed(f"{SYSTEM}.3.0"): round(self._load.measured_s * 100),
        }  # fmt: skip
        own = Load(self._load.power_w, self._load.energy_wh)
        whole = Load(self._load.power_w + OWN_W, self._load.energy_wh + OWN_W * self._load.measured_s / 3600)
        for outlet in (0, *OUTLETS):
            load = whole if outlet == 0 else own if outlet == 1 else Load(0.0, 0.0)
            for name, value in self._objects_of(load, outlet).items():
                objects[parsed(f"1.3.6.1.4.1.{name}")] = value
        self._last = objects
        powers = [oid for oid in objects if any(part in ".".join(map(str, oid)) + "." for part in self._powers)]
        if self.faults.use("missing-value"):
            objects = {oid: value for oid, value in objects.items() if oid not in powers}
        for fault, counts in (("not-there", -1), ("overrange", 999_999)):
            if self.faults.use(fault):
                objects = objects | dict.fromkeys(powers, counts)
        return objects
