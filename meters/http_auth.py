"""Logging in to a meter's web server: Basic (RFC 7617), Digest (RFC 7616), tokens; what a wire log may keep of it.

Knows: challenges, what answers them, the one login of a connection. Does not know: connections, any meter.

Digest answers `qop=auth` and the older form without it, by SHA-256 and MD5, the `-sess` forms too; of
several challenges the strongest is answered, Basic last. A nonce is used until the server has another: Shelly's
firmware 2 counts them, begins each at 1 and locks a client out that asks for too many. A password is sent once for a
challenge; a server that challenges again, without calling the nonce stale, has refused it.
"""

from __future__ import annotations

import base64
import hashlib
import html
import json
import re
import secrets
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal
from urllib.parse import quote, quote_plus

from meters.access import WITHHELD, Credentials

HASHES: Mapping[str, str] = {"SHA-256": "sha256", "MD5": "md5"}
"""Names of RFC 7616, strongest first, and hashlib's."""
SESSION = "-sess"
TOKEN = r"[!#$%&'*+.^_`|~0-9A-Za-z-]+"
PARAMETER = re.compile(rf'({TOKEN})\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^\s,"]+))\s*,?')
SCHEME = re.compile(rf"({TOKEN})(?:\s+|$)(?!=)")
LONGEST = 4096

Eager = Literal["", "basic", "bearer", "token", "own"]
"""What goes with the first question, unasked."""


@dataclass(frozen=True, slots=True)
class Challenge:
    """What a server asks for: the scheme in small letters, its parameters by their names in small letters."""

    scheme: str
    parameters: Mapping[str, str]

    @property
    def is_stale(self) -> bool:
        """Whether only the nonce was too old, and not the password wrong."""
        return self.parameters.get("stale", "").lower() == "true"

    @property
    def algorithm(self) -> str:
        """The name of its hash as RFC 7616 writes it, without `-sess`."""
        return self.parameters.get("algorithm", "MD5").upper().removesuffix(SESSION.upper())

    @property
    def is_session(self) -> bool:
        """Whether the password is hashed once for a nonce."""
        return self.parameters.get("algorithm", "").lower().endswith(SESSION)

    @property
    def name(self) -> str:
        """The scheme, and of a Digest by what it is computed."""
        if self.scheme != "digest":
            return self.scheme.capitalize()
        return f"Digest ({', '.join([self.algorithm, *filter(None, [self.parameters.get('qop')])])})"

    @property
    def rank(self) -> int | None:
        """How weak it is, 0 the strongest; `None` where it cannot be answered."""
        if self.scheme == "basic":
            return len(HASHES)
        words = [word.strip().lower() for word in self.parameters.get("qop", "auth").split(",")]
        known = self.scheme == "digest" and self.algorithm in HASHES and "auth" in words
        if not known or {"realm", "nonce"} - self.parameters.keys():
            return None
        return list(HASHES).index(self.algorithm)


def read_challenges(headers: Sequence[str]) -> list[Challenge]:
    """Return the challenges in the values of `WWW-Authenticate`; what is none is left out (RFC 9110, 11.6.1)."""
    return [challenge for header in headers for challenge in _challenges(header[:LONGEST])]


def _challenges(text: str) -> list[Challenge]:
    schemes: list[tuple[str, dict[str, str]]] = []
    at = 0
    while at < len(text):
        if parameter := PARAMETER.match(text, at):
            name, quoted, plain = parameter.groups()
            value = plain if quoted is None else re.sub(r"\\(.)", r"\1", quoted)
            if schemes and value.isprintable():
                schemes[-1][1].setdefault(name.lower(), value)
            at = parameter.end()
        elif scheme := SCHEME.match(text, at):
            schemes.append((scheme.group(1).lower(), {}))
            at = scheme.end()
        else:
            at += 1
    return [Challenge(scheme, parameters) for scheme, parameters in schemes]


def strongest(challenges: Sequence[Challenge]) -> Challenge | None:
    """Return the challenge to answer; `None` where none can be."""
    ranked = [(rank, challenge) for challenge in challenges if (rank := challenge.rank) is not None]
    return min(ranked, key=lambda pair: pair[0])[1] if ranked else None


@dataclass(slots=True)
class Login:
    """One login at one server: what it last asked for, how often its nonce was used.

    `eager`: what goes with the first question already, as the server does not ask for it: `basic` (Tasmota), the
    password as a `bearer` token (Home Assistant, HomeWizard), or as a `token` in a header of that name (myStrom);
    `own`: the login is a matter of the meter's pages (a FRITZ!Box), and no server that challenges gets the password.
    """

    credentials: Credentials
    eager: Eager = ""
    _challenge: Challenge | None = field(default=None, repr=False)
    _count: int = field(default=0, repr=False)
    _client_nonce: str = field(default="", repr=False)

    def __post_init__(self) -> None:
        if self.eager and self.eager != "own":
            self._challenge = Challenge(self.eager, {})

    @property
    def is_readable(self) -> bool:
        """Whether the password can be read off what was sent."""
        return self._challenge is not None and self._challenge.scheme != "digest"

    @property
    def is_token(self) -> bool:
        """Whether the password is a token, which belongs to no user name."""
        return self.eager in ("bearer", "token")

    def answers(self, challenges: Sequence[Challenge]) -> bool:
        """Whether one of the challenges can be answered, or none was made to one who had logged in unasked."""
        return strongest(challenges) is not None or self.is_token or (self.eager != "" and not challenges)

    def take(self, challenges: Sequence[Challenge]) -> bool:
        """Learn what a 401 asked for; whether asking again may help, as that was not answered yet.

        A nonce that served before may be forgotten by a meter that was restarted. Who asked for Digest once gets no
        password in Basic; a token is given in no other form.
        """
        chosen, before, uses = strongest(challenges), self._challenge, self._count
        if self.is_token or self.eager == "own" or chosen is None:
            return False
        if before is not None and (before.scheme, chosen.scheme) == ("digest", "basic"):
            return False
        self._challenge, self._count, self._client_nonce = chosen, 0, secrets.token_hex(16)
        if before is None or before.scheme != chosen.scheme:
            return True
        return chosen.scheme == "digest" and (chosen.is_stale or uses > 1)

    def headers(self, method: str, path: str) -> dict[str, str]:
        """Return what of a request's headers logs in: none as long as nothing was asked for."""
        value = self.header(method, path)
        name = "Token" if self.eager == "token" else "Authorization"
        return {} if value is None else {name: value}

    def header(self, method: str, path: str) -> str | None:
        """Return the value of that header for a request; `None` as long as nothing was asked for."""
        if self._challenge is None:
            return None
        if self.is_token:
            return f"{'Bearer ' if self.eager == 'bearer' else ''}{self.credentials.password}"
        if self._challenge.scheme == "basic":
            pair = f"{self.credentials.user}:{self.credentials.password}".encode()
            return "Basic " + base64.b64encode(pair).decode("ascii")
        self._count += 1
        return _digest(self._challenge, self.credentials, method, path, self._count, self._client_nonce)


def _digest(
    challenge: Challenge, credentials: Credentials, method: str, path: str, count: int, client_nonce: str
) -> str:
    """Return the answer to a digest challenge (RFC 7616, 3.4)."""
    hashed = _hash(challenge.algorithm)
    realm, nonce = challenge.parameters["realm"], challenge.parameters["nonce"]
    secret = hashed(credentials.user.encode(), realm.encode("latin-1"), credentials.password.encode())
    if challenge.is_session:
        secret = hashed(secret.encode(), nonce.encode("latin-1"), client_nonce.encode())
    request = hashed(method.encode(), path.encode())
    given = (secret.encode(), nonce.encode("latin-1"))
    words = {"username": credentials.user, "realm": realm, "nonce": nonce, "uri": path}
    plain = {}
    if "qop" in challenge.parameters:
        plain = {"qop": "auth", "nc": f"{count:08x}"}
        words["response"] = hashed(*given, plain["nc"].encode(), client_nonce.encode(), b"auth", request.encode())
    else:
        words["response"] = hashed(*given, request.encode())
    if plain or challenge.is_session:
        words["cnonce"] = client_nonce
    if "opaque" in challenge.parameters:
        words["opaque"] = challenge.parameters["opaque"]
    if "algorithm" in challenge.parameters:
        plain["algorithm"] = challenge.parameters["algorithm"]
    quoted = [f'{name}="{_escaped(value)}"' for name, value in words.items()]
    return "Digest " + ", ".join([*quoted, *(f"{name}={value}" for name, value in plain.items())])


def _hash(algorithm: str) -> Callable[..., str]:
    """Return the hash of parts with a colon between them; what a server sent is bytes of ISO 8859-1 to http.client."""

    def hashed(*parts: bytes) -> str:
        return hashlib.new(HASHES[algorithm], b":".join(parts), usedforsecurity=False).hexdigest()

    return hashed


def _escaped(value: str) -> str:
    return value.replace("\\", "\\\\").replace('"', '\\"')


# --- what is kept -----------------------------------------------------------------------------------------------


GIVEN = re.compile(
    rb"^((?:authorization|token|x-auth-token):)[^\r\n]*(?:\r\n[ \t][^\r\n]*)*", re.IGNORECASE | re.MULTILINE
)
IN_PATH = re.compile(rb"(?<=[?&])(user|username|password|response|sid)=[^&# \r\n]*")
SESSION_ID = re.compile(rb"<SID>(?!0{16})([0-9a-fA-F]{16})</SID>")
ECHOED = re.compile(rb"(response=[^\r\n]{0,6}?)([0-9a-f]{32,})", re.IGNORECASE)
PROVED = re.compile(rb"^authentication-info:([^\r\n]*(?:\r\n[ \t][^\r\n]*)*)", re.IGNORECASE | re.MULTILINE)


def withhold(request: bytes) -> bytes:
    """Return a request as a wire log keeps it: without what the password could be read or guessed from."""
    mark = WITHHELD.encode()
    head, ended, body = request.partition(b"\r\n\r\n")
    return GIVEN.sub(rb"\1 " + mark, IN_PATH.sub(rb"\1=" + mark, head)) + ended + body


def masked(reply: bytes, credentials: Credentials) -> bytes:
    """Return a reply as a wire log keeps it, each byte that gives a password away as `*`.

    That is the server's own proof that it knows it (`Authentication-Info`), what it repeats of a login, the key of a
    session (a FRITZ!Box), and, in a reply that is no 200, the password wherever it stands: a Tasmota that does not know
    a page repeats the question in it.
    Readings stand in a 200 alone, and one may look like a password.
    """
    head, ended, body = reply.partition(b"\r\n\r\n")
    head = PROVED.sub(lambda match: match.group()[: -len(match.group(1))] + b"*" * len(match.group(1)), head)
    kept = ECHOED.sub(lambda match: match.group(1) + b"*" * len(match.group(2)), head + ended + body)
    kept = SESSION_ID.sub(b"<SID>" + b"*" * 16 + b"</SID>", kept)
    return hidden(kept, credentials, b"password=" if re.match(rb"HTTP/1\.[01] 200[ \r]", head) else b"")


@dataclass(frozen=True, slots=True)
class LoginVeil:
    """What a wire log keeps of exchanges in which the password is a matter of headers and parameters."""

    credentials: Credentials | None

    @property
    def waits(self) -> bool:
        """Whether there is a password that an answer could give away."""
        return self.credentials is not None

    def request(self, data: bytes) -> bytes:
        """Return a request as it is kept."""
        return withhold(data)

    def reply(self, data: bytes) -> bytes:
        """Return an answer as it is kept, byte by byte."""
        return data if self.credentials is None else masked(data, self.credentials)


def hidden(data: bytes, credentials: Credentials, after: bytes = b"") -> bytes:
    """Return `data` with `*` for each byte of a password that stands there `after` something, and of a Basic login."""
    pair = base64.b64encode(f"{credentials.user}:{credentials.password}".encode())
    for secret in _spellings(credentials.password):
        data = data.replace(after + secret, after + b"*" * len(secret))
    return data.replace(pair, b"*" * len(pair))


def _spellings(password: str) -> list[bytes]:
    """Return how a password may be repeated, longest first."""
    escaped = {json.dumps(password, ensure_ascii=ascii_only)[1:-1] for ascii_only in (True, False)}
    spellings = {password, quote(password, safe=""), quote_plus(password), html.escape(password), *escaped}
    return sorted((spelling.encode() for spelling in spellings), key=len, reverse=True)
