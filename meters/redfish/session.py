"""A session with a Redfish service (DSP0266, 13.3.4): the password once, a token with every question, an end.

Knows: where sessions are made, that a service forgets one that says nothing for a while, what of it a wire log keeps.
Does not know: what is asked (`meters.redfish.dialogue`).

The password goes over the network once, in a POST, and the token opens the service as long as it lasts: neither stands
in the log, nor what the token's answer says of cookies. Whoever ends the meter ends the session (DELETE): a service has
few. A password that was refused is not given again until `reopen`.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import replace
from typing import Final

from meters.access import READABLE, WITHHELD, Access, Credentials
from meters.deadline import Deadline
from meters.http_auth import masked, withhold
from meters.http_wire import HEADERS, WRONG_PASSWORD, HttpWire, Request
from meters.json_reply import parse_json
from meters.meter import MeterError, MeterGarbage, MeterRefused
from meters.redfish.codec import ROOT, link_of, path_below
from meters.wire import Chunk
from meters.wire_log import Sink

USER: Final = "admin"
TOKEN: Final = "x-auth-token"
LEAVE_S = 2.0
END: Final = b"\r\n\r\n"
LENGTH = re.compile(rb"(\r\ncontent-length: *)[0-9]+", re.IGNORECASE)
SECRET_HEADERS = re.compile(rb"^((?:x-auth-token|set-cookie): *)([^\r\n]+)", re.IGNORECASE | re.MULTILINE)
KEPT_LOGIN: Final = json.dumps({"UserName": WITHHELD, "Password": WITHHELD}).encode()


class SessionVeil:
    """What a wire log keeps of a session (`meters.http_tap.Veil`): what was asked and said, no login and no token."""

    waits = True

    def __init__(self, credentials: Credentials) -> None:
        self._credentials = credentials

    def request(self, data: bytes) -> bytes:
        """Return a request as it is kept; the body of a login is of another length, and says so."""
        head, ended, body = withhold(data).partition(END)
        if body:
            head, body = LENGTH.sub(rb"\g<1>%d" % len(KEPT_LOGIN), head), KEPT_LOGIN
        return head + ended + body

    def reply(self, data: bytes) -> bytes:
        """Return an answer as it is kept, byte by byte."""
        head = data.partition(END)[0]
        for secret in [match.group(2) for match in SECRET_HEADERS.finditer(head)]:
            data = data.replace(secret, b"*" * len(secret))
        return masked(data, self._credentials)


class SessionWire(HttpWire):
    """A service's web server, every question with the token of one session."""

    def __init__(self, url: str, sink: Sink | None, access: Access, *, verified: bool) -> None:
        """Connect; `access` has a login. Raises `MeterOptionError`, `MeterUnavailable`, `MeterMismatch`."""
        assert access.credentials is not None
        self._given = replace(access.credentials, user=access.credentials.user or USER)
        self._token = self._place = self._rejected = ""
        veil = SessionVeil(self._given)
        super().__init__(url, sink, replace(access, credentials=None), verified=verified, headers=HEADERS, veil=veil)

    @property
    def remarks(self) -> tuple[str, ...]:
        """That the password can be read where nothing shows who is at the other end."""
        return () if self.is_shown_to_one else (READABLE,)

    def get(self, path: str, deadline: Deadline) -> Chunk:
        """Return the body of `GET path`, logged in; a session that the service has forgotten is begun anew, once.

        Raises as `HttpWire.get`.
        """
        is_new = not self._token
        if is_new:
            self._log_in(deadline)
        try:
            return self.ask(Request(path, headers={TOKEN: self._token}), deadline).chunk
        except MeterRefused:
            if is_new:
                raise
            self._log_in(deadline)
            return self.ask(Request(path, headers={TOKEN: self._token}), deadline).chunk

    def reopen(self) -> None:
        """Connect anew; a password that was refused may be tried again. Raises as `HttpWire.reopen`."""
        self._rejected = ""
        super().reopen()

    def close(self) -> None:
        """End the session, where the service can be reached, and the connection; never raises."""
        if self._token and self._place:
            with suppress(MeterError):
                self.ask(Request(self._place, headers={TOKEN: self._token}, removes=True), Deadline(LEAVE_S))
        self._token = self._place = ""
        super().close()

    def _log_in(self, deadline: Deadline) -> None:
        if self._rejected:
            raise MeterRefused(self._rejected)
        self._token = self._place = ""
        request = Request(self._sessions(deadline), _login_of(self._given), {"Content-Type": "application/json"})
        try:
            told = self.ask(request, deadline).headers
        except MeterRefused as error:
            self._rejected = (
                f"{self.port}: the service does not take the password of user {self._given.user!r}: {WRONG_PASSWORD}"
            )
            raise MeterRefused(self._rejected) from error
        if not told.get(TOKEN, "").isprintable() or not told.get(TOKEN):
            raise MeterGarbage(f"{self.port}: found an answer to the login without a token; set login = 'basic'")
        self._token, self._place = told[TOKEN], _place_of(told)

    def _sessions(self, deadline: Deadline) -> str:
        """Return where sessions are made, as the root says, which everybody may read."""
        root = parse_json(self.ask(Request(ROOT), deadline).chunk.data)
        links = root.get("Links")
        if links is None or links.is_null or links.get("Sessions") is None:
            return f"{ROOT}SessionService/Sessions"
        return link_of(links, "Sessions")


def _login_of(given: Credentials) -> bytes:
    """Return the body of a login; for a recorded session that which its log has."""
    if given.password == WITHHELD:
        return KEPT_LOGIN
    return json.dumps({"UserName": given.user, "Password": given.password}).encode()


def _place_of(told: Mapping[str, str]) -> str:
    """Return the path of a new session, empty where the service does not say it: then it ends by itself."""
    with suppress(MeterGarbage):
        return path_below(re.sub(r"^https?://[^/]+", "", told.get("location", "")))
    return ""
