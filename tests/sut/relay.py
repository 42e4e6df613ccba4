"""A TCP relay that delays what it forwards, each direction by its own time. Knows bytes only."""

import collections
import contextlib
import select
import socket
import threading
import time
from types import TracebackType
from typing import Self


class Relay:
    """Listens on 127.0.0.1:`port` and forwards to `target`, `out_s` later; answers come `back_s` later."""

    def __init__(self, target: tuple[str, int], out_s: float, back_s: float) -> None:
        self._target, self._delays = target, (out_s, back_s)
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = int(self._listener.getsockname()[1])
        self._threads: list[threading.Thread] = []
        self._over = threading.Event()

    def __enter__(self) -> Self:
        self._start(self._accept)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._over.set()
        for thread in self._threads:
            thread.join()
        self._listener.close()

    def _start(self, work: object, *arguments: object) -> None:
        thread = threading.Thread(target=work, args=arguments)  # type: ignore[arg-type]
        self._threads.append(thread)
        thread.start()

    def _accept(self) -> None:
        while not self._over.is_set():
            if select.select([self._listener], [], [], 0.1)[0]:
                client = self._listener.accept()[0]
                server = socket.create_connection(self._target)
                for end in (client, server):
                    end.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                self._start(self._forward, client, server)

    def _forward(self, client: socket.socket, server: socket.socket) -> None:
        ways = {client: (server, self._delays[0]), server: (client, self._delays[1])}
        waiting: collections.deque[tuple[float, socket.socket, bytes]] = collections.deque()
        with contextlib.closing(client), contextlib.closing(server), contextlib.suppress(OSError):
            while not self._over.is_set():
                now = time.monotonic()
                for item in sorted((w for w in waiting if w[0] <= now), key=lambda w: w[0]):
                    waiting.remove(item)
                    item[1].sendall(item[2])
                due = min((w[0] for w in waiting), default=now + 0.1)
                for ready in select.select(list(ways), [], [], max(0.0, due - time.monotonic()))[0]:
                    block = ready.recv(1 << 16)
                    if not block:
                        return
                    waiting.append((time.monotonic() + ways[ready][1], ways[ready][0], block))
