"""A TCP relay that cuts: after so many bytes from the client every connection closes, and no new one is served until it
is mended. Knows bytes only."""

import contextlib
import select
import socket
import threading
from types import TracebackType
from typing import Self


class Cut:
    """Listens on 127.0.0.1:`port` and forwards to `target`; whole until `after` says otherwise."""

    def __init__(self, target: tuple[str, int]) -> None:
        self._target = target
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = int(self._listener.getsockname()[1])
        self._threads: list[threading.Thread] = []
        self._over, self._lock = threading.Event(), threading.Lock()
        self._left: int | None = None
        self.sent = 0
        """Bytes that clients have sent so far."""

    def after(self, count: int | None) -> None:
        """Cut after so many more bytes; None: mended."""
        with self._lock:
            self._left = count

    def _is_cut(self, sent: int = 0) -> bool:
        with self._lock:
            self.sent += sent
            if self._left is not None:
                self._left -= sent
            return self._left is not None and self._left <= 0

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
                if self._is_cut():
                    client.close()
                else:
                    self._start(self._forward, client, socket.create_connection(self._target))

    def _forward(self, client: socket.socket, server: socket.socket) -> None:
        with contextlib.closing(client), contextlib.closing(server), contextlib.suppress(OSError):
            while not self._over.is_set() and not self._is_cut():
                for ready in select.select([client, server], [], [], 0.1)[0]:
                    block = ready.recv(1 << 14)
                    if not block or (ready is client and self._is_cut(len(block))):
                        return
                    (server if ready is client else client).sendall(block)
