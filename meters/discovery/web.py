"""Who a web server is, as far as it says so to everybody: which driver reads it, before anybody logs in.

Knows: the page of each kind of device that needs no login, or that asks for one as no other does; deadlines.
Does not know: passwords, how a driver reads the device (its file).

Sources: as in the drivers' files. Redfish's root is public by its standard (DSP0266, 8.2). What an unknown page gets
is asked first, so that a server that answers everything, or refuses everything, is nobody.
"""

from __future__ import annotations

import http.client
import secrets
import socket
import ssl
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from meters import fritz, gude, homeassistant, homewizard, mystrom, netio, shelly, tasmota
from meters.deadline import Deadline
from meters.http_auth import LoginVeil
from meters.http_tap import Tap
from meters.json_reply import Node, parse_json
from meters.meter import MeterError, MeterGarbage
from meters.port import web_place
from meters.reading import Identity
from meters.tapo import dialogue as tapo
from meters.tapo import klap
from meters.tapo.veil import FIRST_PATH

PAGE_S, WHOLE_S = 3.0, 20.0
"""How long one page may take, and all of them."""
BODY_LIMIT = 1 << 18
CLOSED = "GUDE and NETIO devices"
NOWHERE = "/wattlab-asks-who-is-there"
"""A page that no device has."""


@dataclass(frozen=True, slots=True)
class Page:
    """What a server answered: status, headers by names in small letters, body."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def realm(self) -> str:
        """How it asks for a login."""
        return self.headers.get("www-authenticate", "")


@dataclass(frozen=True, slots=True)
class Recognised:
    """A driver that reads what is there, and what it says of itself."""

    driver: str
    says: str


@dataclass(frozen=True, slots=True)
class Server:
    """A web server: who it is (`None`: no driver knows it), and what it says to everybody."""

    recognised: Recognised | None
    says: str


@dataclass(frozen=True, slots=True)
class Sign:
    """By which page a driver's devices are known. `read` says who it is, and raises `MeterError` where it is another;
    `realms` are words by which one is known that asks for a login first."""

    driver: str
    path: str
    read: Callable[[bytes], str]
    realms: tuple[str, ...] = ()
    body: bytes | None = None


def _words(identity: Identity) -> str:
    return " ".join(filter(None, (identity.maker, identity.model, identity.serial, identity.firmware)))


def _redfish(data: bytes) -> str:
    root = parse_json(data)
    version = root.member("RedfishVersion").text()
    return " ".join(filter(None, (_text(root, "Vendor"), _text(root, "Product"), f"Redfish {version}")))


def _text(node: Node, name: str) -> str:
    member = node.get(name)
    return member.value if member is not None and isinstance(member.value, str) else ""


def _homewizard(data: bytes) -> str:
    page = parse_json(data)
    error = page.get("error")
    if error is not None:  # API v2 to somebody without a token
        return f"HomeWizard, API v2: {error.member('code').text()}"
    return f"HomeWizard {page.member('product_type').text()} {page.member('serial').text()}"


def _tasmota(data: bytes) -> str:
    if tasmota.is_warning(data):
        return "Tasmota with a password"
    return f"Tasmota {parse_json(data).member('StatusFWR').member('Version').text()}"


def _gude(data: bytes) -> str:
    page = parse_json(data)
    if page.get("misc") is None and page.get("sensor_descr") is None:
        raise MeterGarbage("found no status of a GUDE strip")
    return _words(gude.decode_identity(data))


def _fritz(data: bytes) -> str:
    fritz.decode_session(data)
    return "FRITZ!Box"


def _netio(data: bytes) -> str:
    return _words(netio.decode(data, 0).identity)


def _mystrom(data: bytes) -> str:
    return _words(mystrom.decode_info(data))


def _tapo(data: bytes) -> str:
    klap.check_first(data)
    return "a TP-Link plug that speaks KLAP"


def _home_assistant(data: bytes) -> str:
    if b"Home Assistant" not in data:
        raise MeterGarbage("found no manifest of Home Assistant")
    return "Home Assistant"


SIGNS = (
    Sign("redfish", "/redfish/v1/", _redfish, ("redfish", "idrac", "ilo")),
    Sign(shelly.DRIVER, shelly.INFO_PATH, lambda data: _words(shelly.decode_info(data).identity), ("shelly",)),
    Sign(homewizard.DRIVER, "/api", _homewizard),
    Sign(fritz.DRIVER, fritz.encode_login("", ""), _fritz, ("fritz",)),
    *(Sign(mystrom.DRIVER, path, _mystrom, ("mystrom",)) for path in mystrom.INFO_PATHS),
    Sign(netio.DRIVER, netio.PATH, _netio, ("netio",)),
    Sign(gude.DRIVER, gude.IDENTITY_PATH, _gude, ("gude", "epc", "expert power")),
    Sign(tasmota.DRIVER, tasmota.encode_request("Status 2", None), _tasmota, ("tasmota",)),
    Sign(homeassistant.DRIVER, "/manifest.json", _home_assistant),
    Sign(tapo.DRIVER, FIRST_PATH, _tapo, body=secrets.token_bytes(klap.SEED_BYTES)),
)
"""In the order in which they are asked."""


def recognise(url: str, drivers: frozenset[str]) -> Server:
    """Ask a web server who it is, of these drivers; no login is sent, whatever it asks for.

    Raises:
        OSError: nothing answers there, or nothing that speaks HTTP.
    """
    deadline = Deadline(WHOLE_S)
    try:
        unknown = _page(url, NOWHERE, None, deadline)
    except ConnectionRefusedError as error:
        raise OSError("nothing answers there; switch the meter on, check its address") from error
    except OSError:
        if url.startswith("http://") and _speaks_tls(url):
            raise OSError(f"what answers there speaks TLS; write https{url.removeprefix('http')}") from None
        raise
    for page, sign in _pages(url, drivers, deadline):
        if page is not None and (says := _known_by(page, sign, unknown)):
            return Server(Recognised(sign.driver, says), says)
    return Server(None, _of_itself(unknown))


def _pages(url: str, drivers: frozenset[str], deadline: Deadline) -> Iterator[tuple[Page | None, Sign]]:
    for sign in SIGNS:
        if sign.driver in drivers and not deadline.expired:
            try:
                yield _page(url, sign.path, sign.body, deadline), sign
            except OSError:  # this page only: the server answered before
                yield None, sign


def _known_by(page: Page, sign: Sign, unknown: Page) -> str:
    """What a device says of itself, empty where it is not one of this driver."""
    if page.status == http.client.OK:
        return _read(sign, page.body)
    if page.status != http.client.UNAUTHORIZED:
        return ""
    if any(word in page.realm.casefold() for word in sign.realms):
        return f"asks for a login ({page.realm[:60]})"
    if says := _read(sign, page.body):
        return says
    if sign.driver == homeassistant.DRIVER and not page.realm and page.body.strip() == b"401: Unauthorized":
        return "a service that wants a token, as Home Assistant does"
    # Everything else is open or not there, and this page is the one that has a login before it.
    return "asks for a login" if unknown.status == http.client.NOT_FOUND else ""


def _read(sign: Sign, body: bytes) -> str:
    try:
        return sign.read(body)
    except MeterError:
        return ""


def _of_itself(page: Page) -> str:
    server = page.headers.get("server", "")
    named = f" that calls itself {server[:60]!r}" if server else ""
    is_closed = page.status == http.client.UNAUTHORIZED
    login = f", which wants a login before it says anything ({page.realm[:60]}), as {CLOSED} do" if is_closed else ""
    return f"a web server{named}{login}"


def _page(url: str, path: str, body: bytes | None, whole: Deadline) -> Page:
    """Ask for one page on a connection of its own; raises `OSError`."""
    scheme, host, number = web_place(url)
    deadline = Deadline(min(PAGE_S, max(whole.left_s, 0.001)))
    sock: socket.socket = socket.create_connection((host, number), deadline.left_s)
    try:
        if scheme == "https":
            sock.settimeout(max(deadline.left_s, 0.001))
            sock = _anybody().wrap_socket(sock, server_hostname=host)
        tap = Tap(sock, None, LoginVeil(None))
        tap.begin(deadline)
        connection = http.client.HTTPConnection(host, number)
        connection.sock = tap
        connection.request("GET" if body is None else "POST", path, body, {"Accept": "*/*", "Connection": "close"})
        response = connection.getresponse()
        headers = {name.casefold(): value for name, value in response.getheaders()}
        return Page(response.status, headers, response.read(BODY_LIMIT))
    except (http.client.HTTPException, ValueError) as error:
        raise OSError(f"what answers there speaks no HTTP ({type(error).__name__})") from error
    finally:
        sock.close()


def _speaks_tls(url: str) -> bool:
    _scheme, host, number = web_place(url)
    try:
        with (
            socket.create_connection((host, number), PAGE_S) as sock,
            _anybody().wrap_socket(sock, server_hostname=host),
        ):
            return True
    except OSError:
        return False


def _anybody() -> ssl.SSLContext:
    """TLS with whoever answers: nothing secret is said."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context
