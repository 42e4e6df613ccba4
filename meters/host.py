"""What a driver has of the machine it runs on: its clock, and, while a recorded session is played back, its wires.

Knows: whether the world or a recording is behind a driver in this thread. Does not know: wire logs
(`meters.playback`), how a port is opened, what is said.

A driver that asks this clock, and opens its port through `meters.serial_wire` or `meters.http_wire`, runs unchanged
on a wire log, in the log's own time.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer


class Line(Protocol):
    """What `meters.serial_wire.SerialWire` needs of an open port."""

    @property
    def in_waiting(self) -> int:
        """How many bytes have come and were not read."""
        ...

    def read(self, size: int = 1, /) -> bytes:
        """Return what has come, nothing after a while; raises `OSError`."""
        ...

    def write(self, data: bytes, /) -> int:
        """Send; raises `OSError`."""
        ...

    def flush(self) -> None:
        """Wait until all is sent."""
        ...

    def apply_settings(self, settings: Mapping[str, object], /) -> None:
        """Change speed and format."""
        ...

    def close(self) -> None:
        """Give the port back."""
        ...


class Connection(Protocol):
    """What `meters.http_wire` needs of a connected socket."""

    def settimeout(self, timeout_s: float | None, /) -> None:
        """Set how long a call may take."""
        ...

    def setblocking(self, flag: bool, /) -> None:
        """Let calls wait, or not."""
        ...

    def recv(self, size: int, /) -> bytes:
        """Return what has come; raises `OSError`."""
        ...

    def recv_into(self, buffer: WriteableBuffer, /) -> int:
        """Put what has come into `buffer`; 0 at the end; raises `OSError`."""
        ...

    def sendall(self, data: bytes, /) -> None:
        """Send; raises `OSError`."""
        ...

    def close(self) -> None:
        """Hang up."""
        ...


class Recording(Protocol):
    """The host of a recorded session."""

    def now_ns(self) -> int:
        """Return its monotonic clock."""
        ...

    def sleep(self, pause_s: float) -> None:
        """Let its time pass."""
        ...

    def expect(self, patience_s: float) -> None:
        """Take note how long the next read will be tried again before the driver gives up."""
        ...

    def line(self) -> Line:
        """Return its port, open."""
        ...

    def connection(self) -> Connection:
        """Return a new connection to its meter."""
        ...


_RECORDING: ContextVar[Recording | None] = ContextVar("recording", default=None)


def recording() -> Recording | None:
    """Return the session that is played back in this thread, `None` where drivers meet the world."""
    return _RECORDING.get()


@contextmanager
def playing(session: Recording) -> Iterator[None]:
    """Let drivers meet a session instead of the world, in this thread."""
    token = _RECORDING.set(session)
    try:
        yield
    finally:
        _RECORDING.reset(token)


def monotonic_ns() -> int:
    """Return the host's monotonic clock."""
    session = _RECORDING.get()
    return time.monotonic_ns() if session is None else session.now_ns()


def monotonic() -> float:
    """Return the same in seconds."""
    return monotonic_ns() / 1e9


def sleep(pause_s: float) -> None:
    """Wait."""
    session = _RECORDING.get()
    if session is None:
        time.sleep(pause_s)
    else:
        session.sleep(pause_s)


def expect(patience_s: float) -> None:
    """Say how long a port is about to be listened to: a recording need not be asked again and again."""
    session = _RECORDING.get()
    if session is not None:
        session.expect(patience_s)
