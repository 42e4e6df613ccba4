"""The dialogue with a BMC: a session of its own, who it is, then one question a reading.

Knows: what is asked when, what a reading is worth. Does not know: sessions (`meters.ipmi.link`), what the data say
(`meters.ipmi.dcmi`, `meters.ipmi.inventory`).
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Literal

from meters.access import ANYBODY, Access
from meters.deadline import Deadline
from meters.dialogue import OverWire, Repetitions
from meters.ipmi import dcmi, inventory, messages
from meters.ipmi.link import IpmiLink
from meters.meter import (
    MeterGarbage,
    MeterMismatch,
    MeterOptionError,
    MeterRefused,
    MeterUnavailable,
    MeterUnplugged,
)
from meters.reading import Column, Description, Identity, Reading, within
from meters.udp_wire import UdpWire
from meters.wire import drain
from meters.wire_log import Sink

QUIET_S = 0.02
FRU_PART = 16
LONGEST_MEAN_S = 3600.0
Part = Literal["now", "mean"]
ADVICE = "where it has no DCMI power, read it over Redfish"


@dataclass(frozen=True, slots=True)
class Settings:
    """What the lab chose: the cipher suite, the privilege (2: User, 3: Operator, 4: Administrator), s between
    questions, for an answer and between new values, range in W, which of DCMI's powers."""

    suite: str
    privilege: int
    interval_s: float
    reply_s: float
    refresh_s: float
    range_w: float
    part: Part


class IpmiDialogue(OverWire[UdpWire]):
    """The dialogue with one BMC (`meters.dialogue.Dialogue`)."""

    def __init__(self, driver: str, port: str, settings: Settings, sink: Sink | None, access: Access = ANYBODY) -> None:
        """Open the socket; raises `MeterOptionError`, `MeterUnavailable`."""
        self._driver, self._settings = driver, settings
        self.reply_s = settings.reply_s
        self._link = IpmiLink(port, settings.suite, settings.privilege, access.credentials, sink)
        self._wire = self._link.wire
        self._known: tuple[inventory.Device, bytes, inventory.Names] | None = None
        self._first: dcmi.PowerReading | None = None
        self._repetitions = Repetitions(settings.refresh_s, settings.interval_s)
        self._stamps = dcmi.StampWatch(settings.refresh_s)

    def greet(self) -> Identity:
        """Log in, ask who is there and for a first power."""
        deadline = Deadline(3 * self.reply_s)
        try:
            with self._at_port():
                self._link.log_in(deadline)
                identity = self._identity(deadline)
            with self._at_port(ADVICE):
                self._first = self._power(deadline)[1]
        except MeterUnplugged as error:
            raise MeterUnavailable(
                f"{self.port}: nothing listens there; switch IPMI over LAN on at the BMC, check its address"
            ) from error
        self._check_mean(self._first)
        return identity

    def describe(self) -> Description:
        """Return what is fixed; DCMI does not say over which time the power of now is averaged."""
        return Description(
            driver=self._driver,
            averaging="window" if self._settings.part == "mean" else "instantaneous",
            window_s=0.0 if self._first is None else self._window_s(self._first),
            stamp="unknown",
            latency_s=0.0,
            columns=(Column("power_w", "W", 1.0, (0.0, self._settings.range_w), None),),
            tier="uncalibrated",
            remarks=tuple(self._remarks()),
        )

    def sample(self, deadline: Deadline) -> Reading:
        """Return the power of now."""
        with self._in_run():
            time_ns, found = self._power(deadline)
        watts = found.mean_w if self._settings.part == "mean" else found.now_w
        power_w, flags = within(float(watts) if found.active else None, self._settings.range_w)
        frame = (found.now_w, found.least_w, found.greatest_w, found.mean_w, found.period_ms, found.active)
        is_repeated = self._repetitions.is_repeated(frame, time_ns)
        if self._stamps.is_old(found.stamp_s, time_ns) or is_repeated:
            flags |= {"stale"}
        return Reading(time_ns=time_ns, power_w=power_w, window_s=self._window_s(found), flags=flags)

    def regain(self, deadline: Deadline) -> Identity:
        """Begin a new session, and ask who is there."""
        drain(self._wire, QUIET_S, deadline)
        with self._in_run():
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

    def _power(self, deadline: Deadline) -> tuple[int, dcmi.PowerReading]:
        time_ns, data = self._link.ask(messages.DCMI_POWER, dcmi.SYSTEM_POWER, deadline)
        return time_ns, dcmi.decode_power(data)

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

    def _window_s(self, found: dcmi.PowerReading) -> float:
        return found.period_ms / 1000.0 if self._settings.part == "mean" else 0.0

    def _check_mean(self, found: dcmi.PowerReading) -> None:
        if self._settings.part == "mean" and not 0.0 < self._window_s(found) <= LONGEST_MEAN_S:
            raise MeterOptionError(
                f"{self.port}: option value is 'mean', but the BMC's mean is over {self._window_s(found):g} s, "
                f"expected up to {LONGEST_MEAN_S:g} s; set it to 'now'"
            )

    def _remarks(self) -> list[str]:
        remarks, found = [], self._first
        if found is not None and not found.active:
            remarks.append("the BMC says that it does not measure power now: switch power management on at it")
        if found is not None and self._settings.part == "now":
            period_s = found.period_ms / 1000
            remarks.append(f"the power of now, whose averaging DCMI leaves open; the BMC's mean is over {period_s:g} s")
        if self._link.is_open_to_all:
            remarks.append("without a password (cipher suite 0) all goes in the clear, and anybody may have answered")
        return remarks
