"""One SNMP v3 engine at the far end: who it is, its clock, which of its messages are believed, what its reports mean.

Knows: discovery and clocks (RFC 3414, 3.2 and 4), users and their levels, what a wire log keeps. Does not know: wires,
what is asked (`meters.snmp.dialogue`).

What is believed: at authNoPriv and authPriv an answer that was signed by whom has the password, sealed where we seal,
within 150 s of the engine's clock as it told it, with the number of the question just asked; the first number is drawn.
Reports may come in the clear; they end no session in which an answer was believed. Anything else is passed over and
counted.

What a wire log holds of it is the same session at noAuthNoPriv (decision 49): no codes, no salts, no user, the clock of
a question as zeros, numbers counted from 1. What was passed over keeps the flag of a code and nothing of what it said,
so that a recorded session passes it over too.
"""

from __future__ import annotations

import secrets
from collections import Counter
from dataclasses import dataclass, replace
from typing import Final

from meters import host
from meters.access import WITHHELD, Credentials
from meters.meter import MeterGarbage, MeterOptionError, MeterRefused
from meters.snmp import usm
from meters.snmp.ber import Item
from meters.snmp.messages import LARGEST_ID, REPORT, RESPONSE, answer_of, encode_question
from meters.snmp.security import Heard
from meters.snmp.v3_messages import (
    AUTH,
    LARGEST_CLOCK,
    PRIV,
    REPORTABLE,
    Message,
    blotted,
    decode_message,
    decode_scoped,
    encode_message,
    encode_scoped,
    has_right_code,
    in_the_clear,
    trimmed,
)

WINDOW_S: Final = 150
LONGEST_NAME: Final = 32
ENGINE_LENGTHS: Final = range(5, 33)
USM_STATISTICS: Final = "1.3.6.1.6.3.15.1.1."
NOT_IN_WINDOW, UNKNOWN_ENGINE = f"{USM_STATISTICS}2.0", f"{USM_STATISTICS}4.0"
REPORTS: Final = {
    f"{USM_STATISTICS}1.0": "does not let user {user} ask at the level {level} (usmStatsUnsupportedSecLevels); set "
    "hash and privacy as the user has them, or give the user that level at the agent",
    f"{USM_STATISTICS}3.0": "knows no user {user} (usmStatsUnknownUserNames); correct `user`, or make the user at the "
    "agent",
    f"{USM_STATISTICS}5.0": "finds a wrong code in the question of user {user} (usmStatsWrongDigests); correct "
    "password_file, or the option hash",
    f"{USM_STATISTICS}6.0": "cannot decrypt the question of user {user} (usmStatsDecryptionErrors); correct "
    "privacy_password_file, or the option privacy",
    "1.3.6.1.6.3.11.2.1.1.0": "has no user-based security (snmpUnknownSecurityModels); switch that on at it, or take "
    "another `protocol`",
    "1.3.6.1.6.3.11.2.1.2.0": "finds the question malformed (snmpInvalidMsgs); update its firmware, or take another "
    "`protocol`",
    "1.3.6.1.6.3.11.2.1.3.0": "has nobody who answers such questions (snmpUnknownPDUHandlers); update its firmware, or "
    "take another `protocol`",
    "1.3.6.1.6.3.12.1.4.0": "has the context {context} no more for now (snmpUnavailableContexts); correct the option "
    "context",
    "1.3.6.1.6.3.12.1.5.0": "has no context {context} (snmpUnknownContexts); correct the option context: most agents "
    "have the empty one only",
}  # fmt: skip
"""What a report says, by the counter it names (RFC 3414, 3412, 3413)."""


@dataclass(frozen=True, slots=True)
class Protection:
    """What a lab chose: hashlib's name of the hash, the way of sealing (`None`: none), the context."""

    hash: str
    privacy: usm.Privacy | None
    context: str


@dataclass(slots=True)
class _Clock:
    """An engine's clock as it told it: restarts, s since the last one, and when that was heard (host, s)."""

    boots: int
    time_s: int
    heard_s: float

    def now_s(self) -> int:
        return min(LARGEST_CLOCK, self.time_s + int(host.monotonic() - self.heard_s))


@dataclass(frozen=True, slots=True)
class _Judged:
    """A datagram, what came of it, and what a log keeps: of one that is a message what it says in the clear, and
    whether it was passed over."""

    data: bytes
    heard: Heard | MeterGarbage | MeterRefused
    message: Message | None = None
    said: bytes = b""
    is_refused: bool = False


class Engine:
    """SNMP v3 with user-based security (`meters.snmp.security.Security`)."""

    def __init__(self, port: str, login: Credentials | None, chosen: Protection) -> None:
        """A login without a password asks at noAuthNoPriv; so does a recorded session.

        Raises `MeterOptionError` for a user or a password that no engine can have.
        """
        login = login or Credentials("", "")
        self._is_recorded = login.password == WITHHELD
        self._is_protected = bool(login.password) and not self._is_recorded
        self._passwords = (login.password, login.privacy_password or login.password) if self._is_protected else ()
        self._port, self._chosen = port, chosen
        self._context = chosen.context.encode()
        self._name, self._user = login.user, WITHHELD.encode() if self._is_recorded else login.user.encode()
        self._check()
        self.first_id = 1 if self._is_recorded else 1 + secrets.randbelow(LARGEST_ID)
        self._passed_over: Counter[str] = Counter()
        self.forget(entirely=True)

    def _check(self) -> None:
        if not self._user:
            raise MeterOptionError(f"{self._port}: SNMP v3 asks in a user's name; give `user`")
        if len(self._user) > LONGEST_NAME:
            raise MeterOptionError(f"{self._port}: user is {self._name!r}, expected at most {LONGEST_NAME} bytes")
        if any(len(password.encode()) < usm.SHORTEST_PASSWORD for password in self._passwords):
            raise MeterOptionError(
                f"{self._port}: found a password of fewer than {usm.SHORTEST_PASSWORD} bytes, SNMP v3 has none such; "
                "correct password_file or privacy_password_file (docs/instruments.md)"
            )

    def forget(self, *, entirely: bool) -> None:
        """Discover the engine anew; `entirely`: believe its reports as at first."""
        self._engine = b""
        self._keys: usm.Keys | None = None
        self._told: _Clock | None = None
        """By whoever says so, to ask by."""
        self._clock: _Clock | None = None
        """By a message that was signed."""
        self._asked: int | None = None
        self._sent: tuple[bytes, Message] | None = None
        self._judged: _Judged | None = None
        if entirely:
            self._has_answered = False

    @property
    def _level(self) -> str:
        if not self._is_protected:
            return "noAuthNoPriv"
        return "authNoPriv" if self._chosen.privacy is None else "authPriv"

    @property
    def remarks(self) -> tuple[str, ...]:
        """What an operator should know."""
        if self._passwords or self._is_recorded:
            return ()
        return ("the user has no password (noAuthNoPriv): anybody on the network can answer in the agent's place",)

    @property
    def silence(self) -> str:
        """What to check, and what was passed over."""
        words = "check its address and network, and that SNMP v3 is switched on there for this host"
        if self._engine and not self._has_answered:
            words = (
                "the agent says who it is, but answers no question: correct privacy_password_file, or the options "
                "privacy and context, of which some agents say nothing when they are wrong"
            )
        counted = ", ".join(f"{count} with {why}" for why, count in sorted(self._passed_over.items()))
        return f"{words}; passed over were datagrams that cannot be believed: {counted}" if counted else words

    # --- asking -----------------------------------------------------------------------------------------------------

    def wrap(self, request_id: int, question: bytes) -> bytes:
        """Return the question signed and sealed, or, as long as the engine is not known, the one that discovers it."""
        self._asked = request_id
        if not self._engine:
            asked = encode_scoped(b"", b"", encode_question(request_id, ()))
            plain = Message(request_id, REPORTABLE, b"", 0, 0, b"", asked)
        else:
            clock = self._clock or self._told if self._is_protected else None
            times = (clock.boots, clock.now_s()) if clock is not None else (0, 0)
            asked = encode_scoped(self._engine, self._context, question)
            plain = Message(request_id, REPORTABLE, self._engine, *times, self._user, asked)
        data = encode_message(plain, self._keys if plain.user else None)
        self._sent = (data, plain)
        return data

    # --- hearing ----------------------------------------------------------------------------------------------------

    def unwrap(self, data: bytes) -> Heard:
        """Return an answer that is believed; raises `MeterGarbage`, at first `MeterRefused` for what a report says."""
        judged = self._judgement(data)
        self._judged = None
        if isinstance(judged.heard, Exception):
            raise judged.heard
        return judged.heard

    def presentable(self, data: bytes) -> bytes:
        """Return a datagram as noAuthNoPriv has it, without secrets."""
        if self._sent is not None and data == self._sent[0]:
            asked = replace(self._sent[1], boots=0, time_s=0)
            return self._in_the_clear(asked, asked.said, refused=False)
        judged = self._judgement(data)
        if judged.message is None:
            return blotted(data)
        return self._in_the_clear(judged.message, judged.said, refused=judged.is_refused)

    def _judgement(self, data: bytes) -> _Judged:
        """Judge a datagram once, whether a log or the dialogue asks first."""
        if self._judged is None or self._judged.data != data:
            self._judged = self._judge(data)
        return self._judged

    def _judge(self, data: bytes) -> _Judged:
        try:
            message = decode_message(data)
        except MeterGarbage as error:
            return _Judged(data, error)
        said, reproach = self._opened(data, message)
        if reproach:
            self._passed_over[reproach] += 1
            return _Judged(data, "nothing", message, is_refused=True)
        heard: Heard | MeterGarbage | MeterRefused
        try:
            heard = self._heard(message, decode_scoped(said))
        except (MeterGarbage, MeterRefused) as error:
            heard = error
        return _Judged(data, heard, message, said)

    def _opened(self, data: bytes, message: Message) -> tuple[bytes, str]:
        """Return what a message says in the clear, or why it is passed over."""
        if not message.flags & AUTH:
            return self._opened_without_code(message)
        if self._keys is None or message.engine != self._engine or message.user != self._user:
            return b"", "a code that nobody asked for"
        if not has_right_code(data, message, self._keys):
            return b"", "a wrong code"
        if not self._is_timely(message):
            return b"", "a clock outside the time window"
        if not message.flags & PRIV:
            is_report = _is_report(message.said)
            return message.said, "" if is_report or self._keys.privacy is None else "no seal"
        if self._keys.privacy is None:
            return b"", "a seal that nobody asked for"
        try:
            plain = usm.opened(self._keys, message.said, message.salt, message.boots, message.time_s)
            return trimmed(plain), ""
        except MeterGarbage:
            return b"", "a seal that cannot be opened"

    def _opened_without_code(self, message: Message) -> tuple[bytes, str]:
        if _is_report(message.said) or not self._is_protected:
            return message.said, ""
        return b"", "no code"

    def _is_timely(self, message: Message) -> bool:
        """Whether a signed message is of now (RFC 3414, 3.2, 7 b); the latest one tells the clock."""
        known, found = self._clock, (message.boots, message.time_s)
        if known is None or found > (known.boots, known.time_s):
            self._clock = _Clock(*found, host.monotonic())
            return message.boots < LARGEST_CLOCK
        is_late = message.boots < known.boots or message.time_s < known.now_s() - WINDOW_S
        return message.boots < LARGEST_CLOCK and not is_late

    def _heard(self, message: Message, pdu: Item) -> Heard:
        if message.number != self._asked:
            return "nothing"
        if pdu.tag == REPORT:
            return self._reported(message, pdu)
        if pdu.tag != RESPONSE or not self._engine or message.engine != self._engine:
            return "nothing"
        self._has_answered = True
        return pdu

    def _reported(self, message: Message, pdu: Item) -> Heard:
        """Follow a report of the clock, or of who the engine is; say what any other one means."""
        named = [binding.oid for binding in answer_of(pdu, REPORT).bindings[:1]]
        counter = named[0] if named else "nothing"
        if counter == UNKNOWN_ENGINE and not self._engine:
            return self._discovered(message)
        if counter == NOT_IN_WINDOW and self._engine:
            if not message.flags & AUTH:
                self._told = _Clock(message.boots, message.time_s, host.monotonic())
            return "ask again"
        meaning = REPORTS.get(counter, f"reports {counter}, which has no meaning here; restart it")
        if counter == UNKNOWN_ENGINE:
            meaning = "is another one than at first (usmStatsUnknownEngineIDs); it is asked anew"
        context = repr(self._chosen.context)
        meaning = meaning.format(user=repr(self._name), level=self._level, context=context)
        words = f"{self._port}: the agent {meaning}"
        raise MeterGarbage(words) if self._has_answered or counter == UNKNOWN_ENGINE else MeterRefused(words)

    def _discovered(self, message: Message) -> Heard:
        if len(message.engine) not in ENGINE_LENGTHS:
            raise MeterGarbage(
                f"found an engine whose identifier has {len(message.engine)} bytes, expected {ENGINE_LENGTHS.start} "
                f"to {ENGINE_LENGTHS.stop - 1}"
            )
        self._engine, self._told = message.engine, _Clock(message.boots, message.time_s, host.monotonic())
        if self._passwords:
            self._keys = usm.keys_of(*self._passwords, self._chosen.hash, self._chosen.privacy, self._engine)
        return "ask again"

    # --- what is kept -------------------------------------------------------------------------------------------------

    def _in_the_clear(self, message: Message, said: bytes, *, refused: bool) -> bytes:
        withheld = tuple(password.encode() for password in self._passwords)
        return in_the_clear(message, said, self.first_id, withheld, refused=refused)


def _is_report(said: bytes) -> bool:
    try:
        return decode_scoped(said).tag == REPORT
    except MeterGarbage:
        return False
