"""Who may ask the live view for what: the rules, without a server.

Knows HTTP's words. Knows no socket and no campaign. There are eight things to be asked for, by name; no path of a
request ever becomes a path on the disk. A page of somebody else cannot read them: its browser sends its own Origin,
says that another site asks (Sec-Fetch-Site), or has a name of its own as Host (DNS rebinding), and all are refused; on
an address that others reach, the first part of every path is a secret.
"""

import hmac
import ipaddress
import secrets
import socket
from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus
from urllib.parse import parse_qs, urlsplit

EVENTS = "events"
FILES: Mapping[str, tuple[str, str]] = {
    "": ("live/live.html", "text/html; charset=utf-8"),
    "live.js": ("live/live.js", "text/javascript; charset=utf-8"),
    "pictures.js": ("live/pictures.js", "text/javascript; charset=utf-8"),
    "live.css": ("live/live.css", "text/css; charset=utf-8"),
    "icon.svg": ("live/icon.svg", "image/svg+xml"),
    "uPlot.iife.min.js": ("vendor/uplot/uPlot.iife.min.js", "text/javascript; charset=utf-8"),
    "uPlot.min.css": ("vendor/uplot/uPlot.min.css", "text/css; charset=utf-8"),
}
"""Name in a request -> file below templates/, and its type."""
HEADERS: Mapping[str, str] = {
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; "
    "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cache-Control": "no-store",
}
"""Of every answer. No script or style but our own files, no frame around the page, nothing for other sites."""
LONGEST_PATH = 300
OWN_SITES = ("same-origin", "none")
"""Sec-Fetch-Site of a browser that was told the address, or has the page (W3C Fetch Metadata, 2.4)."""


@dataclass(frozen=True, slots=True)
class Refusal:
    """A request that is not answered: the status, and a sentence."""

    status: HTTPStatus
    text: str


@dataclass(frozen=True, slots=True)
class Asked:
    """What a request asks for: a name of `FILES` or `EVENTS`, and the numbers that it gives."""

    name: str
    numbers: Mapping[str, float]


@dataclass(frozen=True, slots=True)
class Guard:
    """The rules of one server. `token`: the first part of every path; empty on loopback."""

    address: str
    port: int
    token: str

    @classmethod
    def of(cls, address: str, port: int) -> "Guard":
        """Those of a server that listens on an address."""
        return cls(address, port, "" if is_loopback(address) else secrets.token_urlsafe(32))

    @property
    def url(self) -> str:
        """Where the page is."""
        host = f"[{self.address}]" if ":" in self.address else self.address
        if ipaddress.ip_address(self.address).is_unspecified:
            host = socket.gethostname()
        return f"http://{host}:{self.port}/{self.token}{'/' if self.token else ''}"

    def judge(self, method: str, path: str, headers: Mapping[str, str]) -> Asked | Refusal:
        """What is asked for, or why it is refused. `headers`: by their names in small letters."""
        if method != "GET":
            return Refusal(HTTPStatus.METHOD_NOT_ALLOWED, "This view can only be read: GET.")
        host = headers.get("host", "")
        if not self._is_own(host):
            return Refusal(HTTPStatus.FORBIDDEN, "The request names another host than this view listens on.")
        if "origin" in headers and headers["origin"] != f"http://{host}":
            return Refusal(HTTPStatus.FORBIDDEN, "The request comes from a page that is not this view's.")
        if headers.get("sec-fetch-site", "none") not in OWN_SITES:
            return Refusal(HTTPStatus.FORBIDDEN, "Another page asks for this one: open the address by itself.")
        if len(path) > LONGEST_PATH:
            return Refusal(HTTPStatus.REQUEST_URI_TOO_LONG, "The path is too long.")
        try:
            parts = urlsplit(path)
            numbers = {name: float(values[-1]) for name, values in parse_qs(parts.query).items()}
        except ValueError:
            return Refusal(HTTPStatus.BAD_REQUEST, "The request is not one of this view's.")
        return self._named(parts.path, numbers)

    def _named(self, path: str, numbers: Mapping[str, float]) -> Asked | Refusal:
        name = path.removeprefix("/")
        if self.token:
            token, slash, name = name.partition("/")
            if not slash or not hmac.compare_digest(token.encode(), self.token.encode()):
                return Refusal(HTTPStatus.FORBIDDEN, "The address lacks the secret that the terminal shows.")
        if not path.startswith("/") or name not in (*FILES, EVENTS):
            return Refusal(HTTPStatus.NOT_FOUND, "There is no such thing here.")
        return Asked(name, numbers)

    def _is_own(self, host: str) -> bool:
        """Whether a Host header names this server: an address of this machine or, beyond loopback, its own name."""
        try:
            parts = urlsplit(f"http://{host}")
            name, port = parts.hostname or "", parts.port or 80
        except ValueError:
            return False
        if port != self.port or parts.netloc != host or "@" in host:
            return False
        if is_loopback(self.address):
            return name == "localhost" or is_loopback(name)
        return name in (socket.gethostname().lower(), socket.getfqdn().lower(), "localhost") or _is_address(name)


def is_loopback(address: str) -> bool:
    """Whether it is an address that only this machine reaches."""
    return _is_address(address) and ipaddress.ip_address(address).is_loopback


def _is_address(name: str) -> bool:
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True
