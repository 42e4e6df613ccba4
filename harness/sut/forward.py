"""A port of the SUT's loopback, reached through the SSH connection.

Knows sockets and channels. Knows nothing of what is said over them. Each connection costs a thread here and a channel
there, and its bytes pass through this process: times that are measured through it are longer by that.
"""

import contextlib
import select
import socket
import threading
from collections.abc import Callable
from typing import Protocol

BLOCK = 1 << 16
BACKLOG = 1024


class Wire(Protocol):
    """A channel to the port."""

    def fileno(self) -> int:
        """For select."""

    def recv(self, size: int, /) -> bytes:
        """What came; nothing at its end."""

    def sendall(self, content: bytes, /) -> None:
        """Hand over all of it."""

    def close(self) -> None:
        """End it."""


class Forward:
    """Listens on a port of this machine's loopback until it is closed; `open_wire` opens a channel for each
    connection."""

    def __init__(self, open_wire: Callable[[], Wire]) -> None:
        self._open_wire = open_wire
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=BACKLOG)
        self.port = int(self._listener.getsockname()[1])
        self._wires: set[Wire] = set()
        self._lock = threading.Lock()
        self._thread = threading.Thread(target=self._accept, name="forward", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Listen no longer, and end every connection."""
        # A thread that waits in accept hears of shutdown, not of close.
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._thread.join()
        with self._lock:
            wires = list(self._wires)
        for wire in wires:
            _end(wire)

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=self._carry, args=(connection,), name="forwarded", daemon=True).start()

    def _carry(self, connection: socket.socket) -> None:
        """Both ways, until either side ends."""
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        with contextlib.closing(connection):
            try:
                wire = self._open_wire()
            except Exception:  # refused there, or the link is away: the connection ends, and the service counts as away
                return
            with self._lock:
                self._wires.add(wire)
            try:
                # The channel may end between any two lines, by either side: whatever that raises is its end.
                with contextlib.suppress(Exception):
                    _exchange(connection, wire)
            finally:
                _end(wire)
                with self._lock:
                    self._wires.discard(wire)


def _end(wire: Wire) -> None:
    """Close it; the link that carried it may be gone, and tell so only now."""
    with contextlib.suppress(OSError, EOFError):
        wire.close()


def _exchange(connection: socket.socket, wire: Wire) -> None:
    while True:
        for ready in select.select([connection, wire], [], [])[0]:
            block = ready.recv(BLOCK)
            if not block:
                return
            (wire if ready is connection else connection).sendall(block)
