"""Connections whose request is not whole yet: each has its time, an address has few of them, and all have few.

Knows sockets and their addresses. Knows no HTTP. A new one is never refused for those that wait: the one that has
waited longest makes room, of its own address where that has as many as it may have, else of the one that has most.
"""

import contextlib
import socket
import threading
import time
from collections import Counter

MOST_ASKING = 16
MOST_ASKING_OF_ONE = 12
"""Of one address. Two pages that are opened at once ask for six files each."""
REQUEST_S = 5.0
"""A request is whole within so long."""


class Asking:
    """Those that wait, in the order in which they came."""

    def __init__(self) -> None:
        self._waiting: dict[socket.socket, tuple[str, float]] = {}
        self._lock = threading.Lock()

    def enter(self, request: socket.socket, client: str) -> None:
        """It has come; `make_room` was asked before."""
        with self._lock:
            self._waiting[request] = client, time.monotonic() + REQUEST_S

    def leave(self, request: socket.socket) -> None:
        """Its request is whole, or it has gone."""
        with self._lock:
            self._waiting.pop(request, None)

    def make_room(self, client: str) -> bool:
        """End one of those that wait, where another one of this address would be one too many; whether one was."""
        with self._lock:
            counts = Counter(address for address, _ in self._waiting.values())
            if counts[client] < MOST_ASKING_OF_ONE and counts.total() < MOST_ASKING:
                return False
            crowded = client if counts[client] >= MOST_ASKING_OF_ONE else counts.most_common(1)[0][0]
            oldest = next(request for request, (address, _) in self._waiting.items() if address == crowded)
            self._end(oldest)
            return True

    def end_late(self) -> None:
        """End those whose time is over."""
        now_s = time.monotonic()
        with self._lock:
            for request in [request for request, (_, until_s) in self._waiting.items() if until_s < now_s]:
                self._end(request)

    def _end(self, request: socket.socket) -> None:
        """Its thread reads the end of it, and goes."""
        self._waiting.pop(request)
        with contextlib.suppress(OSError):
            request.shutdown(socket.SHUT_RDWR)
