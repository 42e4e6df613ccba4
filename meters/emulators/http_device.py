"""A web server in front of one power source: requests in, responses out; a device fills in its pages.

Knows: enough HTTP/1.1 to be read by any client (request line, Content-Length, keep-alive; GET, and POST for clients
that want it), faults that are the web server's. Does not know: any device's pages, sockets, real time.
A device measures in windows of `refresh_s` and answers with the last one that is over.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Mapping
from urllib.parse import parse_qsl, unquote

from meters.emulators.faults import OwnFaults
from meters.emulators.http_login import BasicLogin, DigestLogin, TokenLogin
from meters.emulators.refreshed import RefreshedLoad
from meters.emulators.virtual_sut import PowerSource

REQUEST_LIMIT = 8192
MAINS_V = 230.0
MAINS_HZ = 50.0
START_UNIX_S = 1_700_000_000
HEAD = re.compile(rb"(.*?)\r?\n\r?\n", re.DOTALL)
REQUEST_LINE = re.compile(rb"(GET|POST|HEAD|PUT|DELETE) (\S+) HTTP/1\.[01]")
LENGTH = re.compile(rb"\ncontent-length: *([0-9]{1,4})\r?(?:\n|$)", re.IGNORECASE)
REASONS = {
    200: "OK",
    201: "Created",
    204: "No Content",
    302: "Found",
    400: "Bad Request",
    401: "Unauthorized",
    403: "Forbidden",
    404: "Not Found",
}
REASONS[405] = "Method Not Allowed"
REASONS[500] = "Internal Server Error"

OWN_FAULTS = frozenset(
    {"http-500", "unauthorised", "redirect", "wrong-json", "nan-literal", "wrong-type", "missing-value", "overrange"}
)
FORGETS_NONCE = "stale-nonce"
Json = Mapping[str, object]
Page = Callable[[], Json | None]


class HttpDevice:
    """A web server in front of one power source; a device fills in its pages."""

    open_pages: frozenset[str] = frozenset()
    """What everybody may read, whatever the password."""

    def __init__(self, source: PowerSource, *, refresh_s: float = 1.0, password: str = "") -> None:
        """`refresh_s` is how often the device has a new value; an empty `password`: everybody may read all."""
        self.load = RefreshedLoad(source, refresh_s)
        self.password = password
        self._login = self.login(password) if password else None
        self._pending = b""
        self._now_s = 0.0
        self.next_push_s: float | None = None
        self.faults = OwnFaults(OWN_FAULTS | ({FORGETS_NONCE} if isinstance(self._login, DigestLogin) else set()))

    def login(self, password: str) -> BasicLogin | DigestLogin | TokenLogin:
        """Return how the device asks for its password."""
        return BasicLogin(password)

    def admits(self, head: bytes, method: str, path: str, query: Mapping[str, str]) -> bool:
        """Whether the device answers this request."""
        return self._login is None or path in self.open_pages or self._login.admits(head, method)

    def turned_away(self) -> bytes:
        """Return what somebody without the password gets."""
        return response(401, b"", "" if self._login is None else self._login.challenge)

    def receive(self, data: bytes, now_s: float) -> list[bytes]:
        """Return the responses to the requests that `data` completes."""
        self._pending = (self._pending + data)[-REQUEST_LIMIT:]
        responses = []
        while (head := HEAD.match(self._pending)) is not None:
            length = LENGTH.search(head.group(1))
            end = head.end() + (int(length.group(1)) if length else 0)
            if len(self._pending) < end:
                break
            body, self._pending = self._pending[head.end() : end], self._pending[end:]
            self._now_s = now_s
            self.load.advance(now_s)
            responses.append(self._respond(head.group(1), body))
        return responses

    def push(self, now_s: float) -> list[bytes]:
        """Return nothing: a web server speaks when it is asked."""
        return []

    def page(self, path: str, query: Mapping[str, str], body: bytes) -> Json | str | None:
        """Return what stands at `path`, as JSON or as text, `None` where nothing does."""
        raise NotImplementedError

    @property
    def power_w(self) -> float:
        """The power that the device shows."""
        return self.load.power_w

    @property
    def energy_wh(self) -> float:
        """Its register."""
        return self.load.energy_wh

    @property
    def current_a(self) -> float:
        """The current at nominal voltage."""
        return self.power_w / (MAINS_V * self.power_factor)

    @property
    def power_factor(self) -> float:
        """The power factor of a typical supply, poor when idle."""
        return round(0.95 - 0.4 * math.exp(-self.power_w / 60.0), 2)

    @property
    def unix_s(self) -> int:
        """The device's own clock, whole seconds."""
        return START_UNIX_S + int(self._now_s)

    def _respond(self, head: bytes, body: bytes) -> bytes:
        line = REQUEST_LINE.match(head)
        if line is None or line.group(1) not in (b"GET", b"POST"):
            return response(405, b"{}")
        for fault, status in (("http-500", 500), ("unauthorised", 401), ("redirect", 302)):
            if self.faults.use(fault):
                return response(status, b"")
        path, _mark, text = line.group(2).decode("ascii", errors="replace").partition("?")
        query = dict(parse_qsl(text))
        if isinstance(self._login, DigestLogin) and self.faults.use(FORGETS_NONCE):
            self._login.forget()
        if not self.admits(head, line.group(1).decode("ascii"), unquote(path), query):
            return self.turned_away()
        page = self.page(unquote(path), query, body)
        if page is None:
            return response(404, b"Not Found")
        if isinstance(page, str):
            return response(200, page.encode())
        text = json.dumps(page, separators=(",", ":"))
        if self.faults.use("wrong-json"):
            text = text[:-1].replace(":", "=", 1)
        return response(200, text.encode("ascii"))

    def faulty(self, power: float) -> object:
        """Return the power as it is to be sent, through the faults that touch it."""
        if self.faults.use("nan-literal"):
            return math.nan
        if self.faults.use("wrong-type"):
            return str(power)
        return None if self.faults.use("missing-value") else power


def response(status: int, body: bytes, challenge: str = 'Basic realm="EMULATED"') -> bytes:
    """Return a response as bytes."""
    head = [f"HTTP/1.1 {status} {REASONS[status]}", "Content-Type: application/json", f"Content-Length: {len(body)}"]
    if status == 401 and challenge:
        head.append(f"WWW-Authenticate: {challenge}")
    if status == 302:
        head.append("Location: /elsewhere")
    head.append("Connection: keep-alive")
    return "\r\n".join([*head, "", ""]).encode("ascii") + body
