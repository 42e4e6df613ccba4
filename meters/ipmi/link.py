"""One session with a BMC over UDP: logging in, a question and its answer, taking leave.

Knows: what is said when, that a datagram may be lost or come late, that a refused password is not tried again.
Does not know: packets and codes (`meters.ipmi.session`), what is asked for (`meters.ipmi.dialogue`).

The session has the privilege User, which may ask and no more, unless the lab needs another. Whoever begins a new one
ends the one before: a BMC has few, and forgets one that says nothing for a minute.
"""

from __future__ import annotations

from contextlib import suppress
from typing import Final

from meters.access import WITHHELD, Credentials
from meters.deadline import Deadline
from meters.ipmi import messages, session
from meters.ipmi.messages import Command
from meters.ipmi.session import LogIn, Packet
from meters.meter import MeterError, MeterGarbage, MeterOptionError, MeterRefused, MeterTimeout
from meters.udp_wire import UdpWire
from meters.wire import shown
from meters.wire_log import Sink

USER = "admin"
FIRST_PRIVILEGE: Final = 2
"""User: what every session begins with."""
FIRST_ID: Final = 0x77610000
ATTEMPTS = 2
"""A question is asked so often before it is given up: UDP loses datagrams."""
NO_SESSION = 0x01
NO_SUITE: Final = frozenset({0x04, 0x05, 0x10, 0x11})
"""Statuses that are about the algorithms asked for."""
STATUSES: Final = {
    0x02: "invalid session", 0x03: "invalid payload", 0x08: "inactive session", 0x09: "invalid role",
    0x0A: "unauthorised role", 0x0C: "invalid name length", 0x0D: "unauthorised name", 0x0E: "unauthorised GUID",
    0x0F: "wrong integrity code", 0x12: "illegal parameter",
}  # fmt: skip
UNWELCOME: Final = frozenset({0x09, 0x0A, 0x0C, 0x0D, 0x0F})
"""Statuses that are about the user, the password or the privilege."""


class IpmiLink:
    """Sessions with one BMC over one wire, which it opens; at most one of them is in force."""

    def __init__(self, port: str, suite: str, privilege: int, login: Credentials | None, sink: Sink | None) -> None:
        """Open the socket; `privilege` is 2 (User), 3 (Operator) or 4 (Administrator). Without a login, and for a
        recorded session, nothing is sealed (cipher suite 0).

        Raises `MeterOptionError` for a name or a password that IPMI cannot have, `MeterUnavailable`.
        """
        self.is_open_to_all = login is None
        is_sealed = login is not None and login.password != WITHHELD
        self._user = login.user or USER if login is not None else ""
        self._asked_suite, self._privilege = suite, privilege
        self._suite, self._name = session.SUITES[suite if is_sealed else "0"], self._user.encode() if is_sealed else b""
        try:
            self._key = session.key_of(login.password if login is not None and is_sealed else "")
        except ValueError as error:
            raise MeterOptionError(f"{port}: {error}; correct password_file (docs/instruments.md)") from error
        if len(self._name) > session.LONGEST_NAME:
            raise MeterOptionError(f"{port}: user is {self._user!r}, expected at most 16 bytes; correct `user`")
        self._sessions = self._sequence = self._tag = self._question = 0
        self._heard = -1
        self._session: LogIn | None = None
        self._keys: session.Keys | None = None
        self._refused = ""
        self.wire = UdpWire(port, sink, self._kept)

    @property
    def is_begun(self) -> bool:
        """Whether there is a session, as far as is known here."""
        return self._session is not None

    @property
    def guid(self) -> bytes:
        """The BMC's own number, as it said it at log-in; empty without a session."""
        return b"" if self._session is None else self._session.guid

    def forget(self) -> None:
        """Forget the session and what was refused, as before the first log-in."""
        self._refused, self._session, self._keys = "", None, None

    def log_in(self, deadline: Deadline) -> None:
        """Begin a session; raises `MeterTimeout`, `MeterGarbage`, and `MeterRefused` for a password that is wrong, from
        then on without asking."""
        if self._refused:
            raise MeterRefused(self._refused)
        self.leave()
        self._sessions += 1
        found = LogIn(self._suite, self._name, self._key, self._privilege, self._console_id)
        found.take_open(self._set_up(session.OPEN_REQUEST, found.encode_open(self._next_tag()), deadline))
        second = self._set_up(session.RAKP1, found.encode_first(self._next_tag()), deadline)
        if not found.take_second(second):
            raise self._unwelcome("the BMC's proof does not fit the password")
        fourth = self._set_up(session.RAKP3, found.encode_third(self._next_tag()), deadline)
        self._keys, self._session = found.take_fourth(fourth), found
        self._sequence, self._heard = 0, -1
        if self._privilege > FIRST_PRIVILEGE:
            self.ask(messages.SET_PRIVILEGE, bytes((self._privilege,)), deadline)

    def ask(self, command: Command, data: bytes, deadline: Deadline) -> tuple[int, bytes]:
        """Return when the answer came, and its data; answers to earlier questions are passed over.

        Raises `MeterTimeout`, `MeterGarbage`, `MeterUnplugged`, and as `messages.data_of`.
        """
        self._question += 1
        question = messages.encode_question(command, self._question, data)
        for attempt in range(ATTEMPTS):
            self._say(question)
            part = Deadline(deadline.left_s / (ATTEMPTS - attempt))
            with suppress(MeterTimeout):
                while True:
                    time_ns, packet = self._next(part)
                    if packet.kind != session.MESSAGE:
                        continue
                    answer = messages.decode_answer(packet.payload)
                    if messages.is_answer_to(answer, command, self._question):
                        return time_ns, messages.data_of(answer, command)
        raise MeterTimeout(f"{self.wire.port}: the BMC answers no more in time; check its network")

    def leave(self) -> None:
        """Say that the session is over, without waiting for an answer; never raises."""
        if self._session is None:
            return
        self._question += 1
        own = self._session.bmc_id.to_bytes(4, "little")
        with suppress(MeterError):
            self._say(messages.encode_question(messages.CLOSE_SESSION, self._question, own))
        self._session = self._keys = None

    @property
    def _console_id(self) -> int:
        return FIRST_ID + self._sessions % 0x10000

    def _say(self, message: bytes) -> None:
        if self._session is None:
            raise MeterGarbage("found no session, expected one; it is begun anew")
        self._sequence += 1
        sent = session.encode_packet(session.MESSAGE, message, self._session.bmc_id, self._sequence, self._keys)
        self.wire.write(sent)

    def _next(self, deadline: Deadline) -> tuple[int, Packet]:
        """Return when the next datagram came that is none of another session, and what it is."""
        while True:
            chunk = self.wire.read_chunk(deadline)
            try:
                outside = session.decode_packet(chunk.data)[0]
                if outside.kind == session.MESSAGE and outside.session_id != self._console_id:
                    continue
                packet = session.open_packet(chunk.data, self._keys)
            except MeterGarbage as error:
                raise MeterGarbage(f"{error}, in {shown(chunk.data, 24)}") from error
            if self._keys is not None and packet.kind == session.MESSAGE:
                if packet.sequence <= self._heard:  # it was heard already, and somebody says it again
                    continue
                self._heard = packet.sequence
            return chunk.time_ns, packet

    def _kept(self, data: bytes) -> bytes:
        """Return what a log keeps of a datagram. What is not taken here, a playback must not take: it has no keys."""
        if self._keys is not None:
            with suppress(MeterGarbage):
                packet, _trailer = session.decode_packet(data)
                if packet.kind == session.MESSAGE and packet.session_id == self._console_id:
                    if not packet.flags:
                        return session.refused(packet)
                    if packet.sequence <= self._heard:
                        return session.repeated(session.open_packet(data, self._keys))
        return session.in_the_clear(data, self._keys)

    def _next_tag(self) -> int:
        self._tag = (self._tag + 1) % 256
        return self._tag

    def _set_up(self, kind: int, payload: bytes, deadline: Deadline) -> bytes:
        """Say one message of the log-in, and return the BMC's next one."""
        for attempt in range(ATTEMPTS):
            self.wire.write(session.encode_packet(kind, payload))
            part = Deadline(deadline.left_s / (ATTEMPTS - attempt))
            with suppress(MeterTimeout):
                while True:
                    _time_ns, packet = self._next(part)
                    if packet.kind == kind + 1 and packet.payload[:1] == payload[:1] and len(packet.payload) > 1:
                        self._check_status(packet.payload[1])
                        return packet.payload
        raise MeterTimeout(
            f"{self.wire.port}: no answer of a BMC in time; check its address and network, and that IPMI over LAN "
            "(version 2.0) is switched on there"
        )

    def _check_status(self, status: int) -> None:
        if not status:
            return
        words = f"the BMC answers {STATUSES.get(status, 'with an error')} (status {status:#04x})"
        if status == NO_SESSION:
            raise MeterGarbage("the BMC has no session left (status 0x01); end those of others, or wait a minute")
        if status in NO_SUITE and self.is_open_to_all:
            raise self._unwelcome(f"the BMC takes no session without a password (status {status:#04x})")
        if status in NO_SUITE:
            other = "sha1" if self._asked_suite == "17" else "sha256"
            raise MeterRefused(
                f"the BMC does not take cipher suite {self._asked_suite} (status {status:#04x}): set hash = {other!r}, "
                "or switch the suite on at it"
            )
        if status in UNWELCOME:
            raise self._unwelcome(words)
        raise MeterGarbage(f"{words}; ask again, or restart it")

    def _unwelcome(self, words: str) -> MeterRefused:
        if self.is_open_to_all:
            self._refused = f"{words}; a BMC wants a user and a password: give them with user and password_file"
        else:
            self._refused = (
                f"{words}; correct user {self._user!r} or password_file (docs/instruments.md), and see that this user "
                "may come over the LAN with the privilege that is asked for"
            )
        return MeterRefused(self._refused)
