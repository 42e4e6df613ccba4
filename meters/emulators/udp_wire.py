"""A meter's end of UDP: one socket at a port of this machine, a datagram in, a datagram out.

Knows: that an answer goes to whoever asked last, plugging and unplugging. Does not know: what is sent.
"""

from __future__ import annotations

import socket
import time
from contextlib import suppress

from meters.wire_log import Capture, Exchange, Sink

LARGEST_DATAGRAM = 1 << 16


class UdpWire:
    """Listens at one address (`meters.emulators.bench.MetersEnd`); while unplugged the host hears that nobody does."""

    def __init__(self, host: str, port: int, *, sink: Sink | None) -> None:
        """Listen at once; port 0 takes a free one; `sink` takes a log. Raises `OSError` when the address is taken."""
        self._address = (host, port)
        self._capture = None if sink is None else Capture(sink)
        self._socket: socket.socket | None = None
        self._asked_by: object = None
        self.plug()

    @property
    def address(self) -> str:
        """HOST:PORT, the same after unplugging and plugging."""
        host, port = self._address
        return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"

    @property
    def listening(self) -> bool:
        """Whether there is something to wait for."""
        return self._socket is not None

    @property
    def connected(self) -> bool:
        """Whether somebody has asked."""
        return self._asked_by is not None

    def hang_up(self) -> None:
        """Forget who asked: UDP has no connection to end."""
        self._asked_by = None

    def fileno(self) -> int | None:
        """The descriptor to wait on, `None` while unplugged."""
        return None if self._socket is None else self._socket.fileno()

    def plug(self) -> None:
        """Listen."""
        if self._socket is None:
            host, port = self._address
            self._socket = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET, socket.SOCK_DGRAM)
            self._socket.bind((host, port))
            self._socket.setblocking(False)
            self._address = (host, self._socket.getsockname()[1])

    def unplug(self) -> None:
        """Listen no more."""
        if self._socket is not None:
            self._socket.close()
        self._socket = self._asked_by = None

    def receive(self) -> bytes:
        """Return the next datagram, nothing where none has come."""
        if self._socket is None:
            return b""
        try:
            data, self._asked_by = self._socket.recvfrom(LARGEST_DATAGRAM)
        except OSError:
            return b""
        if data and self._capture is not None:
            self._capture.record(Exchange(time.monotonic_ns(), ">", data))
        return data

    def send(self, data: bytes) -> None:
        """Send a datagram to whoever asked last; one that nobody takes is lost."""
        if self._socket is None or self._asked_by is None:
            return
        with suppress(OSError):
            self._socket.sendto(data, self._asked_by)  # type: ignore[call-overload]
            if self._capture is not None:
                self._capture.record(Exchange(time.monotonic_ns(), "<", data))
