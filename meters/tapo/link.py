"""One KLAP session with a plug over its web server: logging in, a question and its answer, a session that was lost.

Knows: what is said when, and what a refusal means for somebody in front of the plug. Does not know: seals
(`meters.tapo.klap`), what is asked (`meters.tapo.messages`).

A session ends after a day, when the plug restarts, or when it has let too many others in: it then answers 403, and the
next session is begun within the same question. An answer that does not open ends the session too. A log-in that was
refused when the meter was opened is not tried again until `forget`.
"""

from __future__ import annotations

import re
import secrets

from meters.access import ANYBODY, WITHHELD, Access, Credentials
from meters.deadline import Deadline
from meters.http_wire import NEEDS_PASSWORD, HttpWire, Reply, Request
from meters.meter import MeterGarbage, MeterRefused
from meters.tapo import klap
from meters.tapo.veil import FIRST_PATH, QUESTION_PATH, SECOND_PATH, Veil
from meters.wire import Chunk
from meters.wire_log import Sink

USER = "admin"
HEADERS = {"Accept": "*/*", "Connection": "keep-alive", "Content-Type": "application/octet-stream"}
COOKIE = re.compile(r"TP_SESSIONID=([^;,\s]{1,200})")
THIRD_PARTIES = (
    "the plug takes no log-in of other programs (status 403): in the Tapo app turn Me > Third-Party Services > "
    "Third-Party Compatibility on, or off and on again (firmware 1.4 and later); some plugs want the internet for it"
)
NO_KLAP = "if this plug does not speak KLAP, update its firmware in the Tapo app, or take the driver 'kasa'"


class TapoLink:
    """Sessions with one plug over one wire, which it opens; at most one of them is in force."""

    def __init__(self, port: str, sink: Sink | None, access: Access) -> None:
        """Connect. For a recorded session nothing is sealed.

        Raises `MeterOptionError`, `MeterUnavailable`, `MeterMismatch`.
        """
        self._veil = Veil()
        login = access.credentials
        self._login = None if login is None else Credentials(login.user or USER, login.password)
        self._session: klap.Session | None = None
        self._cookie: dict[str, str] = {}
        self._refused = ""
        self._was_let_in = False
        own = access if login is not None else ANYBODY
        self.wire = HttpWire(port, sink, own, user=USER, eager="own", headers=HEADERS, veil=self._veil)

    @property
    def kind(self) -> klap.Kind:
        """How the plug hashes the account; `v2` before it was asked."""
        return "v2" if self._session is None else self._session.kind

    def forget(self) -> None:
        """Forget the session and what was refused."""
        self._session, self._refused = None, ""

    def ask(self, question: bytes, deadline: Deadline) -> Chunk:
        """Return what was answered inside the seal, and when it came.

        Raises `MeterTimeout`, `MeterUnplugged`, `MeterGarbage`; `MeterRefused` for a log-in that is wrong, from then on
        without asking.
        """
        if self._session is not None:
            try:
                return self._asked(self._session, question, deadline)
            except MeterRefused:
                self._session = None
        session = self.log_in(deadline)
        try:
            return self._asked(session, question, deadline)
        except MeterRefused as error:
            raise MeterGarbage("found status 403 right after a log-in; another program may log in too") from error

    def log_in(self, deadline: Deadline) -> klap.Session:
        """Begin a session, or return the one there is; raises as `ask`."""
        if self._session is not None:
            return self._session
        if self._refused:
            raise MeterRefused(self._refused)
        if self._login is None:
            raise MeterRefused(NEEDS_PASSWORD)
        sealed = self._login.password != WITHHELD
        seed = secrets.token_bytes(klap.SEED_BYTES) if sealed else bytes(klap.SEED_BYTES)
        log_in = klap.LogIn(seed, self._login.user, self._login.password, sealed)
        self._cookie = {}
        self._veil.heard = lambda body: _kept_first(log_in, body)
        first = self._first(Request(FIRST_PATH, seed), deadline)
        klap.check_first(first.chunk.data)
        kind = log_in.kind_of(first.chunk.data)
        if kind is None:
            raise self._unknown(log_in.whom(first.chunk.data))
        cookie = next((match[1] for text in first.cookies if (match := COOKIE.search(text))), "")
        self._cookie = {"Cookie": f"TP_SESSIONID={cookie}"} if cookie else {}
        session, own_proof = log_in.begin(first.chunk.data, kind)
        self._veil.heard = lambda body: bytes(len(body))
        self._first(Request(SECOND_PATH, own_proof, self._cookie), deadline)
        self._session, self._was_let_in = session, True
        return session

    def _first(self, request: Request, deadline: Deadline) -> Reply:
        """Say one message of the log-in."""
        try:
            return self.wire.ask(request, deadline)
        except MeterRefused as error:
            raise self._unwelcome(THIRD_PARTIES) from error
        except MeterGarbage as error:
            if self._was_let_in:
                raise
            raise MeterGarbage(f"{error}; {NO_KLAP}") from error

    def _asked(self, session: klap.Session, question: bytes, deadline: Deadline) -> Chunk:
        body = session.encode_question(question)
        self._veil.said, self._veil.number, self._veil.heard = question, session.count, session.decode_answer
        number = session.count if session.seal is None else session.number
        reply = self.wire.ask(Request(f"{QUESTION_PATH}?seq={number}", body, self._cookie), deadline)
        try:
            return Chunk(reply.chunk.time_ns, session.decode_answer(reply.chunk.data))
        except MeterGarbage:
            self._session = None
            raise

    def _unknown(self, whom: str) -> MeterRefused | MeterGarbage:
        user = "" if self._login is None else self._login.user
        if whom:
            return self._unwelcome(
                f"the plug belongs to nobody yet (it knows {whom}): set it up in the Tapo app with a TP-Link account"
            )
        return self._unwelcome(
            f"the plug does not know the account {user!r} with this password: give the e-mail address of the TP-Link "
            "account that it was set up with as user, its password by password_file (docs/instruments.md); both "
            "depend on small and capital letters"
        )

    def _unwelcome(self, words: str) -> MeterRefused | MeterGarbage:
        """Return a refusal that lasts; from a plug that has let us in before, an answer that may be damaged."""
        if self._was_let_in:
            return MeterGarbage(words)
        self._refused = words
        return MeterRefused(words)


def _kept_first(log_in: klap.LogIn, body: bytes) -> bytes:
    klap.check_first(body)
    return klap.reply_in_the_clear(log_in.kind_of(body))
