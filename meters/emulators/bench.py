"""Runs one emulated meter: its wire, its clock, its faults, its control pipe, in one loop.

Knows: when something is due. Does not know: protocols.
"""

from __future__ import annotations

import os
import select
import sys
import time
from pathlib import Path
from typing import Protocol

from meters.emulators.faults import Fault, Faults, OwnFaults, parse_fault

IDLE_WAIT_S = 0.05
BACKLOG_S = 1.0  # a bench that is later than this (a suspended process, a line too slow) leaves lines out


class Device(Protocol):
    """The protocol side of an emulated meter; times are seconds since the start of the bench."""

    faults: OwnFaults

    @property
    def next_push_s(self) -> float | None:
        """When something is due without being asked, `None` if nothing is."""
        ...

    def receive(self, data: bytes, now_s: float) -> list[bytes]:
        """Return the frames that answer `data`."""
        ...

    def push(self, now_s: float) -> list[bytes]:
        """Return the frames due at `now_s` without being asked."""
        ...


class MetersEnd(Protocol):
    """The meter's end of a wire: `meters.emulators.pty_wire`, `meters.emulators.tcp_wire`."""

    @property
    def listening(self) -> bool:
        """Whether somebody is at the other end."""
        ...

    @property
    def connected(self) -> bool:
        """Whether a host has the port open."""
        ...

    def hang_up(self) -> None:
        """End the connection, where there is one."""
        ...

    def fileno(self) -> int | None:
        """The descriptor to wait on, `None` while unplugged."""
        ...

    def plug(self) -> None:
        """Appear."""
        ...

    def unplug(self) -> None:
        """Vanish: whoever is at the other end gets an error."""
        ...

    def receive(self) -> bytes:
        """Return what the driver sent so far, without waiting."""
        ...

    def send(self, data: bytes) -> None:
        """Send at wire speed; bytes nobody takes are lost."""
        ...


class Finder(Protocol):
    """What lets a device be found beside its wire: `meters.emulators.beacon`."""

    def fileno(self) -> int:
        """The descriptor to wait on."""
        ...

    def serve(self) -> None:
        """Answer what was asked, and say what is due, without waiting."""
        ...


class ControlPipe:
    """A named pipe that takes one command a line from anybody who writes to it."""

    def __init__(self, path: Path) -> None:
        """Make the pipe; one left behind by a killed process is replaced.

        Raises `OSError` when an emulator listens there, something that is no pipe stands there, or the folder is
        missing or closed.
        """
        self.path = path
        self._text = b""
        if path.is_fifo() and not _has_reader(path):
            path.unlink()
        try:
            os.mkfifo(path)
        except FileExistsError as error:
            raise FileExistsError(f"{path}: in use by another emulator, or no pipe; name another") from error
        except OSError as error:
            raise OSError(f"{path}: {error.strerror}; name a path in a folder that can be written") from error
        self._pipe = os.open(path, os.O_RDWR | os.O_NONBLOCK)  # held open for writing: no end of file

    def fileno(self) -> int:
        """The descriptor to wait on."""
        return self._pipe

    def lines(self) -> list[str]:
        """Return the complete lines that have come, without waiting."""
        try:
            self._text += os.read(self._pipe, 4096)
        except BlockingIOError:
            return []
        *lines, rest = self._text.split(b"\n")
        self._text = rest[-4096:]
        return [line.decode("utf-8", errors="replace") for line in lines]

    def close(self) -> None:
        """Remove the pipe."""
        os.close(self._pipe)
        self.path.unlink(missing_ok=True)


def _has_reader(path: Path) -> bool:
    try:
        os.close(os.open(path, os.O_WRONLY | os.O_NONBLOCK))
    except OSError:
        return False
    return True


class Bench:
    """One device on one wire; commands of `meters.emulators.faults` come in through the control pipe."""

    def __init__(
        self,
        device: Device,
        wire: MetersEnd,
        faults: Faults,
        control: ControlPipe,
        plan: list[Fault],
        beacon: Finder | None = None,
    ) -> None:
        """Start the clock; `plan` holds the faults with their times, `beacon` lets the device be found."""
        self._device, self._wire, self._faults, self._control = device, wire, faults, control
        self._beacon = beacon
        self._plan = sorted(plan, key=lambda fault: fault.at_s)
        self._start_s = time.monotonic()
        self._stopping = False

    def run(self) -> None:
        """Work until `stop`."""
        while not self._stopping:
            self._wait()
            self._obey_control()
            if self._beacon is not None:
                self._beacon.serve()
            now_s = self._now_s()
            while self._plan and self._plan[0].at_s <= now_s:
                self._switch(self._plan.pop(0))
            self._send(self._device.receive(self._wire.receive(), now_s))
            due_s = self._device.next_push_s
            if due_s is not None and due_s <= now_s:
                self._send(self._device.push(due_s if now_s - due_s < BACKLOG_S else now_s))

    def stop(self) -> None:
        """End `run` within `IDLE_WAIT_S`, after the piece that is being sent; safe in a signal handler."""
        self._stopping = True

    def _now_s(self) -> float:
        return time.monotonic() - self._start_s

    def _wait(self) -> None:
        """Sleep until a byte, a command, a line or a planned fault is due."""
        moments = [self._now_s() + IDLE_WAIT_S, *(fault.at_s for fault in self._plan[:1])]
        if self._device.next_push_s is not None:
            moments.append(self._device.next_push_s)
        # A pty that nobody has open is always readable: leave it out, the idle wait looks after it.
        wire = self._wire.fileno() if self._wire.listening else None
        beacon = None if self._beacon is None else self._beacon.fileno()
        waiting_for = [fd for fd in (self._control.fileno(), wire, beacon) if fd is not None]
        select.select(waiting_for, [], [], max(0.0, min(moments) - self._now_s()))

    def _obey_control(self) -> None:
        for line in self._control.lines():
            try:
                self._switch(parse_fault(line, self._device.faults.names))
            except ValueError as error:
                print(f"{self._control.path}: {error}", file=sys.stderr, flush=True)

    def _switch(self, fault: Fault) -> None:
        self._faults.switch(fault)
        self._device.faults.switch(fault)
        if fault.name == "unplug":
            self._wire.unplug()
        elif fault.name == "replug":
            self._wire.plug()

    def _send(self, frames: list[bytes]) -> None:
        for frame in frames:
            outgoing = self._faults.apply(frame)
            end_s = self._now_s() + outgoing.wait_s
            while not self._stopping and (left_s := end_s - self._now_s()) > 0:
                time.sleep(min(left_s, IDLE_WAIT_S))
            for piece in outgoing.pieces:
                self._wire.send(piece)
