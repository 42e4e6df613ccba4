"""The dialogue with a BMC: a session of its own, who it is, then one question a reading.

Knows: what is asked when, what a reading is worth. Does not know: sessions (`meters.ipmi.link`), what the data say
(`meters.ipmi.sources`, `meters.ipmi.inventory`).
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass

from meters.access import ANYBODY, Access
from meters.deadline import Deadline
from meters.dialogue import OverWire, Repetitions
from meters.ipmi import dcmi, inventory, messages
from meters.ipmi.link import IpmiLink
from meters.ipmi.sources import DcmiSource, Found, Part, SensorSource, Source
from meters.meter import (
    MeterError,
    MeterGarbage,
    MeterMismatch,
    MeterOptionError,
    MeterRefused,
    MeterTimeout,
    MeterUnavailable,
    MeterUnplugged,
)
from meters.reading import Column, Description, Identity, Reading, within
from meters.udp_wire import UdpWire
from meters.wire import drain
from meters.wire_log import Sink

QUIET_S = 0.02
FRU_PART = 16


@dataclass(frozen=True, slots=True)
class Settings:
    """What the lab chose: the cipher suite, the privilege (2: User, 3: Operator, 4: Administrator), s between
    questions, for an answer and between new values, range in W, which of DCMI's powers, or the names
    of sensors whose sum is read in its place."""

    suite: str
    privilege: int
    interval_s: float
    reply_s: float
    refresh_s: float
    range_w: float
    part: Part
    sensors: tuple[str, ...] = ()


class IpmiDialogue(OverWire[UdpWire]):
    """The dialogue with one BMC (`meters.dialogue.Dialogue`)."""

    def __init__(self, driver: str, port: str, settings: Settings, sink: Sink | None, access: Access = ANYBODY) -> None:
        """Open the socket; raises `MeterOptionError`, `MeterUnavailable`."""
        self._driver, self._settings = driver, settings
        self.reply_s = settings.reply_s
        self._link = IpmiLink(port, settings.suite, settings.privilege, access.credentials, sink)
        self._wire = self._link.wire
        self._known: tuple[inventory.Device, bytes, inventory.Names] | None = None
        self._source: Source = (
            SensorSource(self._link, settings.sensors, settings.reply_s)
            if settings.sensors
            else DcmiSource(self._link, settings.part, settings.reply_s)
        )
        self._first: Found | None = None
        self._repetitions = Repetitions(settings.refresh_s, settings.interval_s)
        self._stamps = dcmi.StampWatch(settings.refresh_s)

    def greet(self) -> Identity:
        """Log in, ask who is there and for a first power."""
        deadline = Deadline(3 * self.reply_s)
        try:
            with self._at_port():
                self._link.log_in(deadline)
                identity = self._identity(deadline)
                self._first = self._first_power()
        except MeterUnplugged as error:
            raise MeterUnavailable(
                f"{self.port}: nothing listens there; switch IPMI over LAN on at the BMC, check its address"
            ) from error
        return identity

    def _first_power(self) -> Found:
        """Return the first power; where a BMC has none by DCMI, the sensors of watts it has become the advice."""
        try:
            return self._source.first()
        except MeterOptionError as error:
            raise MeterOptionError(f"{self.port}: {error}") from error
        except (MeterMismatch, MeterRefused) as error:
            if self._settings.sensors:
                raise
            raise type(error)(f"{error}; {self._other_ways()}") from error

    def _other_ways(self) -> str:
        names = []
        with suppress(MeterError):
            names = sorted(sensor.name for sensor in SensorSource(self._link, (), self.reply_s).watts())
        if names:
            return f"its sensors of watts are {', '.join(names)}: set sensor to those whose sum is the power"
        return "it has no sensor of watts that can be read here either: read it over Redfish"

    def describe(self) -> Description:
        """Return what is fixed; nothing says over which time the power of now is averaged."""
        window_s, step_w = (0.0, 1.0) if self._first is None else (self._first.window_s, self._first.step_w)
        return Description(
            driver=self._driver,
            averaging="window" if window_s else "instantaneous",
            window_s=window_s,
            stamp="unknown",
            latency_s=0.0,
            columns=(Column("power_w", "W", step_w, (0.0, self._settings.range_w), None),),
            tier="uncalibrated",
            refresh_s=self._repetitions.refresh_s,
            remarks=tuple(self._remarks()),
        )

    def sample(self, deadline: Deadline) -> Reading:
        """Return the power of now."""
        with self._in_run():
            found = self._source.ask(deadline)
        power_w, flags = within(found.power_w, self._settings.range_w)
        if found.over:
            power_w, flags = None, frozenset({"overrange"})
        is_repeated = self._repetitions.is_repeated(found.frame, found.time_ns)
        if self._stamps.is_old(found.stamp_s, found.time_ns) or is_repeated:
            flags |= {"stale"}
        return Reading(time_ns=found.time_ns, power_w=power_w, window_s=found.window_s, flags=flags)

    def regain(self, deadline: Deadline) -> Identity:
        """Ask who is there: within the session, where it still answers, else within a new one."""
        drain(self._wire, QUIET_S, deadline)
        with self._in_run():
            if self._link.is_begun:
                with suppress(MeterTimeout, MeterGarbage, MeterMismatch, MeterRefused):
                    return self._identity(Deadline(deadline.left_s / 3))
            self._link.log_in(deadline)
            return self._identity(deadline)

    def reopen(self) -> None:
        """Open the port anew; a password that was refused is tried again."""
        self._link.forget()
        super().reopen()

    def close(self) -> None:
        """End the session, and give the port back."""
        self._link.leave()
        super().close()

    @contextmanager
    def _in_run(self) -> Iterator[None]:
        """Let every error of a reading name the port, as one of damage: the next log-in shows what is behind it."""
        try:
            with self._at_port():
                yield
        except (MeterMismatch, MeterRefused) as error:
            raise MeterGarbage(str(error)) from error

    def _identity(self, deadline: Deadline) -> Identity:
        """Ask who is there; for the inventory once only, as its names belong to the same numbers."""
        device = inventory.decode_device(self._link.ask(messages.GET_DEVICE_ID, b"", deadline)[1])
        guid = self._link.guid
        if self._known is None or self._known[:2] != (device, guid):
            self._known = (device, guid, self._names(deadline))
        return inventory.identity_of(*self._known)

    def _names(self, deadline: Deadline) -> inventory.Names:
        """Return the names in the BMC's inventory; none where it has none, or not for this user."""
        try:
            size = inventory.decode_area_size(self._link.ask(messages.FRU_AREA, b"\0", deadline)[1])
            begin, is_product = inventory.area_of(self._fru(0, min(size, inventory.HEADER), deadline))
            if not 0 < begin < size:
                return inventory.Names()
            length = min(inventory.area_length(self._fru(begin, 2, deadline)), size - begin)
            return inventory.decode_area(self._fru(begin, length, deadline), is_product=is_product)
        except (MeterMismatch, MeterRefused):
            return inventory.Names()

    def _fru(self, begin: int, length: int, deadline: Deadline) -> bytes:
        data = b""
        while len(data) < length:
            at, count = begin + len(data), min(FRU_PART, length - len(data))
            part = self._link.ask(messages.READ_FRU, bytes((0, at & 255, at >> 8, count)), deadline)[1]
            if len(part) < 2 or part[0] != len(part) - 1 or part[0] > count:
                raise MeterGarbage(f"found {len(part)} bytes of an inventory, expected {count} and their count")
            data += part[1:]
        return data

    def _remarks(self) -> list[str]:
        remarks = list(self._source.remarks)
        if self._link.is_open_to_all:
            remarks.append("without a password (cipher suite 0) all goes in the clear, and anybody may have answered")
        return remarks
