"""Web servers for tests that hold nothing of ours: one that sends literal bytes, one made of Python's http.server."""

from __future__ import annotations

import http.server
import socket
import ssl
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress

Script = Callable[[bytes, socket.socket], None]


def ok(body: bytes, *headers: str) -> bytes:
    """A plain response with its length."""
    lines = ["HTTP/1.1 200 OK", *headers, f"Content-Length: {len(body)}", "", ""]
    return "\r\n".join(lines).encode() + body


class RawServer:
    """Takes one connection after the other and hands every request to `script`, which sends what it likes.

    With `context` it speaks TLS; a connection counts when it is let in, handshake or not.
    """

    def __init__(self, script: Script, context: ssl.SSLContext | None) -> None:
        self.script = script
        self.requests: list[bytes] = []
        self.connections = 0
        self._closing = threading.Event()
        self._open: list[socket.socket] = []
        self.context = context
        self._server = socket.create_server(("127.0.0.1", 0))
        self.port = self._server.getsockname()[1]
        self.url = f"{'http' if context is None else 'https'}://127.0.0.1:{self.port}"
        self._thread = threading.Thread(target=self._serve)
        self._thread.start()

    def _serve(self) -> None:
        while not self._closing.is_set():
            try:
                connection, _address = self._server.accept()
            except OSError:
                return
            self.connections += 1
            self._open.append(connection)
            threading.Thread(target=self._talk, args=(connection,), daemon=True).start()

    def _talk(self, connection: socket.socket) -> None:
        with connection, suppress(OSError):
            if self.context is None:
                self._answer(connection)
                return
            with self.context.wrap_socket(connection, server_side=True) as secured:
                self._open.append(secured)
                self._answer(secured)

    def _answer(self, connection: socket.socket) -> None:
        pending = b""
        while data := connection.recv(4096):
            pending += data
            while b"\r\n\r\n" in pending:
                request, _mark, pending = pending.partition(b"\r\n\r\n")
                self.requests.append(request + b"\r\n\r\n")
                self.script(request.split(b" ")[1], connection)

    def vanish(self) -> None:
        """Stop listening and end every connection."""
        if not self._closing.is_set():
            self._closing.set()
            with suppress(OSError):
                self._server.shutdown(socket.SHUT_RDWR)
            self._server.close()
            for connection in self._open:
                with suppress(OSError):
                    connection.shutdown(socket.SHUT_RDWR)
            self._thread.join()


@contextmanager
def raw_server(script: Script, context: ssl.SSLContext | None = None) -> Iterator[RawServer]:
    """A server of literal bytes for the time of a test; `server.context` may be exchanged while it runs."""
    server = RawServer(script, context)
    try:
        yield server
    finally:
        server.vanish()


def answer(response: bytes) -> Script:
    """A script that sends the same bytes whatever is asked."""
    return lambda _path, connection: connection.sendall(response)


@contextmanager
def page_server(pages: Mapping[str, bytes]) -> Iterator[str]:
    """Python's own http.server with these pages; yields its URL. `pages` may be changed while it runs."""

    class Handler(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            body = pages.get(self.path)
            self.send_response(404 if body is None else 200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body or b"")))
            self.end_headers()
            self.wfile.write(body or b"")

        def log_message(self, format: str, *args: object) -> None:
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
