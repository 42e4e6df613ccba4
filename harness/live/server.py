"""The server of the live view: threads, one a connection, and few of them.

Knows sockets and the rules of `guard`. Knows nothing of a campaign but its `Watcher`. Whoever reads slowly misses
frames, and is left after a while; whoever does not finish a request is left sooner, and at once where others wait
(`asking`); fewer than `MOST_CONNECTIONS` may follow the events, so that a page can always be fetched.
"""

import contextlib
import os
import socket
import threading
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http import HTTPStatus
from http.client import LineTooLong
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from io import BufferedIOBase
from pathlib import Path
from socketserver import TCPServer
from typing import Any

from harness.live.asking import MOST_ASKING, Asking
from harness.live.guard import EVENTS, FILES, HEADERS, Guard, Refusal
from harness.live.state import NOW_S
from harness.live.watch import Onlooker, Watcher
from harness.record.errors import LabError, why

TEMPLATES = Path(__file__).resolve().parents[2] / "templates"
AUTOGROUP = Path("/proc/self/autogroup")
MOST_STREAMS = 16
"""So many connections may follow the events."""
MOST_CONNECTIONS = MOST_STREAMS + MOST_ASKING
"""The page can be fetched always."""
MOST_STREAMS_OF_ONE = 8
"""So many from one address."""
MOST_HEAD_BYTES = 8192
"""A request's line and headers together: what goes beyond is not read."""
LEFT_BYTES = 1 << 20
"""What is thrown away behind a head that is too long, so that its sender can read the refusal."""
ROOM_S = 1.0
"""The thread of a connection that made room has gone within so long."""
WRITE_S = 10.0
"""Nothing read by a page for so long: it is left."""
SEND_BYTES = 1 << 18
"""What the system holds for one that reads slowly."""
ALIVE_S = 15.0
"""With nothing to say, a comment is sent so often: whoever went away is noticed."""
COLUMNS = (50, 4000)
"""Fewest and most pixels of a drawing."""
STEP_COLUMNS = 10
MOST_PLACES = 1_000_000
"""No campaign has more runs, no SUT more indicators."""
FAREWELL_S = 2.0


class LiveServer(ThreadingHTTPServer):
    """Serves one campaign. It listens from the start, and answers while the context of `answering` is held.

    Raises:
        LabError: it cannot listen there.
    """

    daemon_threads = True
    block_on_close = False
    allow_reuse_address = True
    request_queue_size = 1024

    def __init__(self, watcher: Watcher, address: str, port: int) -> None:
        if ":" in address:
            self.address_family = socket.AF_INET6
        self.watcher = watcher
        self._free = threading.Semaphore(MOST_CONNECTIONS)
        self._asking = Asking()
        self._streams: Counter[str] = Counter()
        self._lock = threading.Lock()
        try:
            super().__init__((address, port), _Handler)
        except (OSError, OverflowError) as error:
            raise LabError(f"--host {address} --port {port}: the view cannot listen there ({why(error)})") from None
        self.guard = Guard.of(address, self.server_port)

    def server_bind(self) -> None:
        """Without the look-up of a name that http.server makes."""
        TCPServer.server_bind(self)
        self.server_name, self.server_port = str(self.server_address[0]), int(self.server_address[1])

    def process_request(self, request: Any, client_address: Any) -> None:  # noqa: ANN401  socketserver's own
        """A thread for it, where one is free or becomes free."""
        client = str(client_address[0])
        has_room_soon = self._asking.make_room(client)
        if not self._free.acquire(timeout=ROOM_S if has_room_soon else 0.0):
            with contextlib.suppress(OSError):
                request.settimeout(0)
                request.send(b"HTTP/1.0 503 Service Unavailable\r\nRetry-After: 5\r\nContent-Length: 0\r\n\r\n")
            self.shutdown_request(request)
            return
        with contextlib.suppress(OSError):
            request.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SEND_BYTES)
        self._asking.enter(request, client)
        super().process_request(request, client_address)

    def process_request_thread(self, request: Any, client_address: Any) -> None:  # noqa: ANN401  socketserver's own
        """Answer one, and give the thread back."""
        try:
            super().process_request_thread(request, client_address)
        finally:
            self.asked(request)
            self._free.release()

    def asked(self, request: socket.socket) -> None:
        """The request is whole: nobody waits for the rest of it."""
        self._asking.leave(request)

    @contextmanager
    def stream_of(self, client: str) -> Iterator[bool]:
        """Whether this client may follow the events now; it counts as one that does while the context is held."""
        with self._lock:
            is_free = self._streams.total() < MOST_STREAMS and self._streams[client] < MOST_STREAMS_OF_ONE
            self._streams[client] += is_free
        try:
            yield is_free
        finally:
            with self._lock:
                self._streams[client] -= is_free
                self._streams = +self._streams

    def service_actions(self) -> None:
        """Leave those who do not finish their request."""
        self._asking.end_late()

    def handle_error(self, request: object, client_address: object) -> None:
        """Whoever broke off is no news."""


class _Head:
    """The head of a request, line by line, and no more of it than `MOST_HEAD_BYTES`."""

    def __init__(self, file: BufferedIOBase) -> None:
        self._file, self._left = file, MOST_HEAD_BYTES
        self.close = file.close

    def readline(self, _: int = -1) -> bytes:
        """The next line.

        Raises:
            LineTooLong: the head goes beyond the limit.
        """
        line = self._file.readline(self._left + 1)
        self._left -= len(line)
        if self._left < 0:
            raise LineTooLong("head")
        return line


class _Handler(BaseHTTPRequestHandler):
    """One request."""

    server: LiveServer
    server_version, sys_version = "wattlab", ""
    timeout = WRITE_S

    def log_message(self, format: str, *args: object) -> None:
        """The terminal is the measurement's."""

    def setup(self) -> None:
        """The head is limited before anything of it is parsed."""
        super().setup()
        self.rfile: Any = _Head(self.rfile)

    def handle_one_request(self) -> None:
        """http.server's own; a first line without end is too long a path."""
        try:
            super().handle_one_request()
        except LineTooLong:
            self.requestline = self.request_version = self.command = ""
            self.send_error(HTTPStatus.REQUEST_URI_TOO_LONG)

    def parse_request(self) -> bool:
        """http.server's own: it answers what is no HTTP; any method is ours to judge."""
        if not super().parse_request():
            return False
        self.server.asked(self.connection)
        self._answer()
        return False

    def send_error(self, code: int, message: str | None = None, explain: str | None = None) -> None:
        """What http.server itself refuses; nothing of the request stands in the answer."""
        self._refuse(Refusal(HTTPStatus(code), HTTPStatus(code).phrase))
        if code in (HTTPStatus.REQUEST_URI_TOO_LONG, HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE):
            self._throw_rest_away()

    def _throw_rest_away(self) -> None:
        """Until its sender has ended, or `service_actions` leaves it: what is unread when a connection is closed
        resets it, and the refusal is lost (RFC 9112, 9.6)."""
        with contextlib.suppress(OSError):
            self.wfile.flush()
            self.connection.shutdown(socket.SHUT_WR)
            left = LEFT_BYTES
            while left > 0 and (part := self.connection.recv(MOST_HEAD_BYTES)):
                left -= len(part)

    def _refuse(self, refusal: Refusal) -> None:
        self._send(refusal.status, "text/plain; charset=utf-8", f"{refusal.text}\n".encode())

    def _answer(self) -> None:
        headers = {name.lower(): value for name, value in self.headers.items()}
        asked = self.server.guard.judge(self.command, self.path, headers)
        if len(self.headers.get_all("host") or []) != 1:
            asked = Refusal(HTTPStatus.BAD_REQUEST, "A request names one host.")
        if isinstance(asked, Refusal):
            self._refuse(asked)
        elif asked.name == EVENTS:
            self._send_events(asked.numbers)
        else:
            name, kind = FILES[asked.name]
            self._send(HTTPStatus.OK, kind, (TEMPLATES / name).read_bytes())

    def _send(self, status: HTTPStatus, kind: str, content: bytes) -> None:
        self._begin(status, kind)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def _begin(self, status: HTTPStatus, kind: str) -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        for name, value in HEADERS.items():
            self.send_header(name, value)

    def _send_events(self, numbers: Mapping[str, float]) -> None:
        """Every frame until the view ends, or the page goes."""
        columns, now_s = numbers.get("columns", 800.0), numbers.get("now_s", NOW_S[1])
        chart, back = (numbers.get(name, 0.0) for name in ("chart", "back"))
        least, most = COLUMNS
        if not least <= columns <= most or now_s not in NOW_S:
            self._refuse(Refusal(HTTPStatus.BAD_REQUEST, "The drawing is too large, too small, or of another length."))
            return
        if not all(place.is_integer() and 0 <= place <= MOST_PLACES for place in (chart, back)):
            self._refuse(Refusal(HTTPStatus.BAD_REQUEST, "There is no picture or run of such a number."))
            return
        onlooker = Onlooker(int(columns) // STEP_COLUMNS * STEP_COLUMNS, now_s, int(chart), int(back))
        with self.server.stream_of(self.client_address[0]) as is_free:
            if is_free:
                self._follow(onlooker)
            else:
                self._refuse(Refusal(HTTPStatus.SERVICE_UNAVAILABLE, "Too many pages look on; close another one."))

    def _follow(self, onlooker: Onlooker) -> None:
        self._begin(HTTPStatus.OK, "text/event-stream")
        self.end_headers()
        watcher = self.server.watcher
        with watcher.followed_by(onlooker):
            self.wfile.write(b"retry: 2000\n\n")
            while not watcher.is_over:
                self.wfile.write(watcher.news(onlooker, ALIVE_S) or b":\n\n")
            self.wfile.write(watcher.news(onlooker, 0.0) + b"event: over\ndata: {}\n\n")


def yield_to_others() -> None:
    """Take only the time that nobody else wants: the lowest priority there is. Sessions are scheduled as groups, and a
    priority counts within its own: one that has nothing but the view yields as a whole (sched(7), autogroup)."""
    with contextlib.suppress(OSError):
        os.nice(19)
    if os.getsid(0) == os.getpid():
        with contextlib.suppress(OSError):
            AUTOGROUP.write_text("19")
    with contextlib.suppress(OSError, AttributeError):
        os.sched_setscheduler(0, os.SCHED_IDLE, os.sched_param(0))


@contextmanager
def answering(server: LiveServer) -> Iterator[None]:
    """The server answers until the context is left; then the pages are told that it is over."""
    with server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.5}, daemon=True)
        server.watcher.begin()
        thread.start()
        try:
            yield
        finally:
            server.watcher.end()
            server.watcher.wait_alone(FAREWELL_S)
            server.shutdown()
            thread.join()
