"""One question over HTTP or HTTPS (GET, POST, DELETE), bounded in time and size, every byte captured, no redirect.

Knows: http.client on a socket of our own, keeping a connection and making a new one, when a login is due, what a status
code means for somebody in front of a meter. Does not know: what the body says; how a login is computed
(`meters.http_auth`), a key checked (`meters.tls`). What is captured is what was said inside TLS, without the password
(`meters.http_tap.Veil`): WITHHELD stands in its place, and `*` where a meter gave it away.

An answer that comes too late cannot be taken for the answer to a later question: after any trouble, and when bytes
wait that nobody asked for, the connection is dropped and the next question gets a new one. The host's name is looked
up when the port is opened, never while reading; how long that takes is up to this machine's resolver. A meter that has
refused a password is not asked again until `reopen`: some lock out who tries too often.
"""

from __future__ import annotations

import errno
import http.client
import socket
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from meters import host, tls
from meters.access import ANYBODY, READABLE, Access, Peer
from meters.deadline import Deadline
from meters.http_auth import Eager, Login, LoginVeil, hidden, read_challenges, withhold
from meters.http_tap import Tap, Veil
from meters.meter import MeterError, MeterGarbage, MeterRefused, MeterTimeout, MeterUnavailable, MeterUnplugged
from meters.port import no_web_answer, web_place
from meters.wire import Chunk
from meters.wire_log import Capture, Sink

BODY_LIMIT = 1 << 16
CONNECT_S = 3.0
ATTEMPTS = 3  # to log in: eager, as challenged, and with a new nonce where that one was stale
TOO_MANY_REQUESTS = 429
MADE = (http.client.OK, http.client.CREATED, http.client.NO_CONTENT)
"""What answers a POST or DELETE that was done."""
HEADERS = {"Accept": "application/json", "Connection": "keep-alive"}

NEEDS_PASSWORD = "the meter wants a password: give it with user and password_file (docs/instruments.md)"
WRONG_TOKEN = "the token: ask it for a new one and correct password_file (docs/meters.md)"
WRONG_PASSWORD = "correct user or password_file (docs/instruments.md)"
ABSENT = frozenset({errno.ECONNREFUSED, errno.EHOSTUNREACH, errno.ENETUNREACH, errno.EHOSTDOWN, errno.ENETDOWN})
Address = tuple[str, int] | tuple[str, int, int, int] | tuple[int, bytes]
Place = tuple[socket.AddressFamily, Address]


@dataclass(frozen=True, slots=True)
class Request:
    """What is asked: a path, with a `body` (it may be empty) a POST of it; `headers` go beside those of the wire.

    `removes`: a DELETE, by which a session is ended and nothing else.
    """

    path: str
    body: bytes | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    removes: bool = False

    @property
    def method(self) -> str:
        """The method of HTTP."""
        return "DELETE" if self.removes else "GET" if self.body is None else "POST"

    @property
    def words(self) -> str:
        """How an error names it, without what is withheld."""
        return f"{self.method} {withhold(self.path.encode()).decode()}"


@dataclass(frozen=True, slots=True)
class Reply:
    """What was answered: the body with the time its last byte arrived, the cookies that were set, and the headers by
    their names in small letters, of several the last."""

    chunk: Chunk
    cookies: tuple[str, ...] = ()
    headers: Mapping[str, str] = field(default_factory=dict)


class HttpWire:
    """A meter's HTTP server, by URL `http://HOST[:PORT]` or `https://HOST[:PORT]`."""

    def __init__(
        self,
        url: str,
        sink: Sink | None,
        access: Access = ANYBODY,
        *,
        user: str = "",
        eager: Eager = "",
        verified: bool = False,
        headers: Mapping[str, str] = HEADERS,
        veil: Veil | None = None,
    ) -> None:
        """Look the host up and connect; `user` is the login of a lab that names none, `eager` as in `Login`, `verified`
        as in `tls.secure`; `headers` go with every question; `veil` where a log keeps it otherwise than `LoginVeil`.

        Raises `MeterOptionError` when `url` is more or less than that, `MeterUnavailable` when nothing answers there,
        `MeterMismatch` when another key does than the lab has pinned.
        """
        self.port = url
        self._scheme, self._host, self._tcp_port = web_place(url)
        self._capture = None if sink is None else Capture(sink)
        self._pin, self._verified = access.pin, verified
        self._peer: Peer | None = None
        self._login = _login(access, user, eager)
        self._headers = headers
        self._veil = veil or LoginVeil(None if self._login is None else self._login.credentials)
        self._places: list[Place] = []
        self._tap: Tap | None = None
        self._gone, self._refused, self._has_answered = "", "", False
        self.reopen()

    @property
    def peer(self) -> Peer | None:
        """Who is at the other end."""
        return self._peer

    @property
    def login(self) -> Login | None:
        """How the lab logs in, `None` where it has no password for this meter."""
        return self._login

    @property
    def remarks(self) -> tuple[str, ...]:
        """What an operator should know of how the lab logs in (`Description.remarks`)."""
        if self._login is None or not self._login.is_readable or self.is_shown_to_one:
            return ()
        return (READABLE,)

    @property
    def is_shown_to_one(self) -> bool:
        """Whether who is at the other end is known by a key, so that nobody else reads what is said."""
        return self._peer is not None and (bool(self._peer.pinned) or self._is_vouched_for)

    @property
    def _is_vouched_for(self) -> bool:
        return self._verified and self._scheme == "https"

    def get(self, path: str, deadline: Deadline) -> Chunk:
        """Return the body of `GET path` with the time its last byte arrived.

        Raises `MeterTimeout` at the deadline, however slowly bytes come; `MeterRefused` where the meter wants another
        password, or one, and on status 403; `MeterGarbage` on any other status but 200, on what is not HTTP, on a body
        cut short or above `BODY_LIMIT`; `MeterMismatch` where another key answers than before; `MeterUnplugged` when
        nothing listens any more, and from then on until `reopen`.
        """
        return self.ask(Request(path), deadline).chunk

    def ask(self, request: Request, deadline: Deadline) -> Reply:
        """Return what answers `request`; raises as `get`. The body of what answers a POST may be empty."""
        if self._gone:
            raise self._unplugged(self._gone)
        if self._refused:
            raise MeterRefused(self._refused)
        for _attempt in range(ATTEMPTS):
            try:
                return self._asked(request, deadline)
            except _Challenged as challenge:
                if self._login is None or not self._login.take(read_challenges(challenge.headers)):
                    raise self._password_error(challenge) from challenge
                last = challenge
        raise self._password_error(last) from last

    def _asked(self, request: Request, deadline: Deadline) -> Reply:
        """Ask once, on the connection there is or, where the meter has closed that since, on a new one."""
        kept = self._tap is not None and not self._tap.is_restless()
        if not kept:
            self._connect_again(deadline)
        try:
            return self._exchange(request, deadline)
        except _Dropped as error:
            if not kept:
                raise self._unplugged(str(error)) from error
        # The meter closed the connection it had kept, as it may between two questions.
        self._connect_again(deadline)
        try:
            return self._exchange(request, deadline)
        except _Dropped as error:
            raise self._unplugged(str(error)) from error

    def reopen(self) -> None:
        """Drop the connection, look the host up and connect anew; raises `MeterUnavailable`, `MeterMismatch`."""
        self.close()
        if host.recording() is not None:
            self._connect(Deadline(CONNECT_S))
            self._gone = self._refused = ""
            return
        try:
            infos = socket.getaddrinfo(self._host, self._tcp_port, type=socket.SOCK_STREAM)
        except (OSError, UnicodeError) as error:
            words = getattr(error, "strerror", None) or error
            raise MeterUnavailable(
                f"{self.port}: the host {self._host!r} has no address ({words}); correct `port`"
            ) from error
        self._places = [(info[0], info[4]) for info in infos]
        try:
            self._connect(Deadline(CONNECT_S))
            self._gone = self._refused = ""
        except OSError as error:
            raise MeterUnavailable(
                f"{self.port}: nothing answers there ({_words(error)}); switch the meter on, check its address"
            ) from error

    def close(self) -> None:
        """Drop the connection and make no other until `reopen`; never raises."""
        self._hang_up()
        self._gone = "it is closed"

    def _hang_up(self) -> None:
        if self._tap is not None:
            self._tap.hang_up()
            self._tap = None

    def _connect_again(self, deadline: Deadline) -> None:
        """Connect to the meter that was there before."""
        self._hang_up()
        try:
            self._connect(deadline)
        except MeterUnavailable as error:
            raise self._unplugged(str(error).removeprefix(f"{self.port}: ")) from error
        except OSError as error:
            if error.errno in ABSENT:
                raise self._unplugged(_words(error)) from error
            raise MeterTimeout(
                f"{self.port}: no connection before the deadline ({_words(error)}); check the meter and its network"
            ) from error

    def _connect(self, deadline: Deadline) -> None:
        """Connect to the first address that answers; raises the `OSError` of the last."""
        if (session := host.recording()) is not None:
            self._tap = Tap(session.connection(), self._capture, self._veil)
            return
        trouble = OSError("no address")
        for family, address in self._places:
            sock = socket.socket(family, socket.SOCK_STREAM)
            try:
                sock.settimeout(max(deadline.left_s, 0.001))
                sock.connect(address)
                sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                self._tap = self._tapped(sock)
            except OSError as error:
                sock.close()
                trouble = error
                continue
            except MeterError:
                sock.close()
                raise
            return
        raise trouble

    def _tapped(self, sock: socket.socket) -> Tap:
        """Return what listens in on a connected socket, within TLS where the URL says so."""
        if self._scheme != "https":
            self._peer = Peer(tls.address_of(sock))
            return Tap(sock, self._capture, self._veil)
        known = self._peer if self._peer is not None and self._peer.certificate else None
        secured, self._peer = tls.secure(sock, self.port, self._host, self._pin, known, verified=self._verified)
        return Tap(secured, self._capture, self._veil)

    def _exchange(self, request: Request, deadline: Deadline) -> Reply:
        """Ask once on the connection there is; it is dropped after any trouble."""
        assert self._tap is not None
        tap = self._tap
        tap.begin(deadline)
        connection = http.client.HTTPConnection(self._host, self._tcp_port)
        connection.sock = tap
        login = {} if self._login is None else self._login.headers(request.method, request.path)
        headers = {**self._headers, **login, **request.headers}
        try:
            connection.request(request.method, request.path, request.body, headers)
            response = connection.getresponse()
            self._has_answered = True
            body = self._body(response, may_be_empty=request.method != "GET")
            if response.will_close:
                self._hang_up()
            told = {name.lower(): value for name, value in response.getheaders()}
            return Reply(Chunk(tap.heard_ns, body), tuple(response.headers.get_all("Set-Cookie") or ()), told)
        except Exception as error:
            self._hang_up()
            raise self._named(error, request.words, tap) from error
        finally:
            tap.settle()

    def _body(self, response: http.client.HTTPResponse, *, may_be_empty: bool) -> bytes:
        """Return the body of a reply that has one and is no refusal."""
        if response.status == http.client.UNAUTHORIZED:
            raise _Challenged(response)
        if response.status not in (MADE if may_be_empty else (http.client.OK,)):
            raise self._status_error(response)
        if response.length is not None and response.length > BODY_LIMIT:
            raise MeterGarbage(self._too_long(response.length))
        body = response.read(BODY_LIMIT + 1)
        if len(body) > BODY_LIMIT:
            raise MeterGarbage(self._too_long(len(body)))
        if response.length:
            raise http.client.IncompleteRead(body, response.length)
        if not body and not may_be_empty:
            raise MeterGarbage(f"{self.port}: found a reply without a body, expected one; try again")
        response.close()
        return body

    def _too_long(self, length: int) -> str:
        return f"{self.port}: found a body of {length} or more bytes, expected at most {BODY_LIMIT}; no meter sends it"

    def _status_error(self, response: http.client.HTTPResponse) -> MeterError:
        where = self._refusal(response)
        if response.status == http.client.FORBIDDEN:
            return MeterRefused(f"{where}; the meter lets nobody read this: allow it in its settings")
        if response.status == TOO_MANY_REQUESTS:
            return MeterGarbage(f"{where}; the meter was asked or logged in to too often: leave it alone for minutes")
        if response.status == http.client.NOT_FOUND:
            return MeterGarbage(f"{where}; this is another kind of meter or another firmware, correct driver or port")
        if 300 <= response.status < 400:
            goal = self._quoted(response.getheader("Location", "nowhere"))[:80]
            return MeterGarbage(f"{where}; it points to {goal!r}, which is not followed: correct `port`")
        return MeterGarbage(f"{where}; try again, restart the meter if it goes on")

    def _refusal(self, response: http.client.HTTPResponse) -> str:
        status = f"{response.status} {self._quoted(response.reason)[:40]}".strip()
        return f"{self.port}: found status {status}, expected 200 OK"

    def _quoted(self, text: str) -> str:
        """Return what the meter said, for a sentence: without the password, harmless to a terminal."""
        if self._login is not None:
            text = hidden(text.encode("latin-1", "replace"), self._login.credentials).decode("latin-1")
        return printable(text)

    def _password_error(self, challenge: _Challenged) -> MeterRefused:
        where = self._refusal(challenge.response)
        if self._login is None:
            return MeterRefused(f"{where}; {NEEDS_PASSWORD}")
        challenges = read_challenges(challenge.headers)
        if not self._login.answers(challenges):
            wanted = ", ".join(dict.fromkeys(each.name for each in challenges)) or "nothing that it names"
            return MeterRefused(
                f"{where}; it asks for {self._quoted(wanted)}, expected Basic, or Digest by SHA-256 or MD5 with qop "
                "auth: change that in its settings"
            )
        what = f"the password of user {self._login.credentials.user!r}: {WRONG_PASSWORD}"
        self._refused = f"{where}; the meter does not take {WRONG_TOKEN if self._login.is_token else what}"
        return MeterRefused(self._refused)

    def _named(self, error: Exception, words: str, tap: Tap) -> Exception:
        """Return what happened in the words of `meters.meter`."""
        if isinstance(error, (_Challenged, MeterError)):
            return error
        place = f"{self.port}: {words}"
        if isinstance(error, TimeoutError):
            progress = f"after {tap.heard_bytes} bytes of a reply" if tap.heard_bytes else "and no byte of a reply"
            return MeterTimeout(f"{place}: the deadline passed {progress}; check the meter and its network")
        if isinstance(error, OSError) and not tap.heard_bytes:
            return _Dropped(f"{words}: the connection ended without an answer")
        if isinstance(error, OSError):
            return self._unplugged(f"{words}: the connection broke after {tap.heard_bytes} bytes: {_words(error)}")
        if isinstance(error, http.client.IncompleteRead):
            left = "more" if error.expected is None else f"{error.expected} more"
            return MeterGarbage(f"{place}: found a body that ends after {len(error.partial)} bytes, expected {left}")
        if isinstance(error, (http.client.HTTPException, ValueError)):
            words = self._quoted(str(error))[:80]
            return MeterGarbage(
                f"{place}: found no HTTP ({type(error).__name__}: {words!r}), expected a status line and headers; "
                "check that this is the meter's web port"
            )
        return error

    def _unplugged(self, why: str) -> MeterUnplugged:
        self._gone = why
        away = f"the meter went away while it was open ({why}); look at the meter and its network"
        return MeterUnplugged(f"{self.port}: {away if self._has_answered else no_web_answer(self._scheme, why)}")


class _Dropped(Exception):
    """The connection ended before the first byte of an answer."""


class _Challenged(Exception):
    """The meter asks who it is talking to."""

    def __init__(self, response: http.client.HTTPResponse) -> None:
        self.headers: list[str] = response.headers.get_all("WWW-Authenticate") or []
        self.response = response
        super().__init__(response.status)


def _login(access: Access, user: str, eager: Eager) -> Login | None:
    if access.credentials is None:
        return None
    return Login(replace(access.credentials, user=access.credentials.user or user), eager)


def printable(text: str) -> str:
    """Return what a meter says with `?` for every character that would do something to a terminal."""
    return "".join(character if character.isprintable() else "?" for character in text)


def _words(error: OSError) -> str:
    return error.strerror or str(error) or type(error).__name__
