"""A FRITZ!DECT plug of AVM through its FRITZ!Box, by the AHA-HTTP interface.

Knows: `login_sid.lua?version=2` with its challenges (PBKDF2 since FRITZ!OS 7.24, MD5 before), and of
`webservices/homeautoswitch.lua` the commands `getswitchlist`, `getswitchpower` (mW), `getswitchenergy` (Wh) and
`getdevicelistinfos` (AVM, "AHA-HTTP-Interface" and "Session ID and login"). Does not know: anything that switches.

The box asks its plugs about every two minutes, says AVM; in between it repeats what it has. So a value is up to two
minutes old, an answer that is the same as the one before is `stale` for `refresh_s` (120 s), and a run of a few minutes
is too short for this plug. Power in steps of 10 mW (DECT 200); averaging and limits of error are stated nowhere. A
plug that the box does not reach answers `inval`: no power (`nan`).

A box makes who gives a wrong password wait longer and longer, so that it is given once until the meter is opened anew.
The key of a session is no less than the password as long as it lasts: both are withheld from the wire log. Proved by
the examples of AVM's own documents (both challenges), by answers that pyfritzhome ships, and by pyfritzhome on the
emulator; no test here shows a real box.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from urllib.parse import urlencode
from xml.etree import ElementTree as ET

from meters.access import ANYBODY, Access, Credentials
from meters.deadline import Deadline
from meters.dialogue import DialogueMeter
from meters.http_wire import NEEDS_PASSWORD, WRONG_PASSWORD
from meters.meter import MeterGarbage, MeterOptionError, MeterRefused
from meters.options import Option, read_options, word
from meters.polled_http import RANGE, Field, PolledHttp, Settings, Value, pace_of, reading_of, settings_of
from meters.reading import Description, Identity, Reading
from meters.wire import Chunk, shown
from meters.wire_log import Sink

DRIVER = "fritz"
REFRESH_S = 120.0
OPTIONS: Mapping[str, Option] = {
    **pace_of(10.0),
    "ain": Option("", "number of the plug (AIN), as printed on it; needed where the box has several"),
    "refresh_s": Option(REFRESH_S, "how often the box has new values, s", low=0.01, high=3600.0),
    **RANGE,
}
LOGIN_PATH, COMMAND_PATH = "/login_sid.lua", "/webservices/homeautoswitch.lua"
LIST_COMMAND, INFOS_COMMAND = "getswitchlist", "getdevicelistinfos"
POWER_COMMAND, ENERGY_COMMAND = "getswitchpower", "getswitchenergy"
ALLOWED = frozenset({LIST_COMMAND, INFOS_COMMAND, POWER_COMMAND, ENERGY_COMMAND})
NO_SESSION = "0" * 16
SESSION = re.compile(r"[0-9a-fA-F]{16}|\*{16}")  # stars in a recording, which holds no keys
CHALLENGE = re.compile(r"2\$([0-9]{1,7})\$([0-9a-fA-F]{2,128})\$([0-9]{1,7})\$([0-9a-fA-F]{2,128})")
OLD_CHALLENGE = re.compile(r"[0-9A-Za-z]{1,64}")
MOST_ROUNDS = 500_000
NO_VALUE = b"inval"
LONGEST_WORD = 200
FIELDS = (
    Field("power_w", (POWER_COMMAND,), "W", -1e9, 1e9, factor=1e-3),
    Field("energy_wh", (ENERGY_COMMAND,), "Wh", 0.0, 1e12),
)


# --- codec: bytes <-> values ------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Session:
    """What `login_sid.lua` answers: the key of the session (`NO_SESSION`: none), the challenge, s until it takes a
    login again."""

    key: str
    challenge: str
    block_s: int


def encode_login(user: str, response: str) -> str:
    """Return the path that asks for a challenge, or answers it with `response`."""
    words = {"version": "2"} | ({"username": user, "response": response} if response else {})
    return f"{LOGIN_PATH}?{urlencode(words)}"


def encode_request(command: str, session: str, ain: str = "") -> str:
    """Return the path of a command; raises `MeterRefused` for one that does more than tell."""
    if command not in ALLOWED:
        raise MeterRefused(f"fritz: the driver does not send {command!r}; it can switch or rename what the box has")
    words = {"switchcmd": command} | ({"ain": ain} if ain else {})
    return f"{COMMAND_PATH}?{urlencode(words | {'sid': session})}"


def decode_session(data: bytes) -> Session:
    """Return what a page of `login_sid.lua` says; raises `MeterGarbage`."""
    page = _xml(data)
    key, challenge, block = (page.findtext(name) or "" for name in ("SID", "Challenge", "BlockTime"))
    if not SESSION.fullmatch(key) or not re.fullmatch("[0-9]{0,9}", block):
        raise MeterGarbage(f"found {shown(data)}, expected a SessionInfo with SID, Challenge and BlockTime")
    return Session(key, challenge, int(block or 0))


@dataclass(frozen=True, slots=True)
class Challenge:
    """What a box wants answered: rounds and salts of PBKDF2, first the one that stays; no rounds: MD5 of `text`."""

    text: str
    rounds: tuple[int, ...] = ()
    salts: tuple[bytes, ...] = ()


def decode_challenge(text: str) -> Challenge:
    """Return a challenge (AVM, "Session ID and login"); raises `MeterGarbage`."""
    match = CHALLENGE.fullmatch(text)
    if match is not None:
        rounds, salts = (int(match[1]), int(match[3])), (match[2], match[4])
        if all(1 <= each <= MOST_ROUNDS for each in rounds) and all(len(salt) % 2 == 0 for salt in salts):
            return Challenge(text, rounds, tuple(bytes.fromhex(salt) for salt in salts))
    elif OLD_CHALLENGE.fullmatch(text):
        return Challenge(text)
    raise MeterGarbage(f"found the challenge {text[:80]!r}, expected one of PBKDF2 (2$...) or of MD5")


def answer_of(challenge: Challenge, password: str) -> str:
    """Return what answers a challenge."""
    if not challenge.rounds:
        narrow = "".join(sign if ord(sign) < 256 else "." for sign in password)  # the interface knows ISO 8859-1 only
        digest = hashlib.md5(f"{challenge.text}-{narrow}".encode("utf-16le"), usedforsecurity=False)
        return f"{challenge.text}-{digest.hexdigest()}"
    key = password.encode()
    for rounds, salt in zip(challenge.rounds, challenge.salts, strict=True):
        key = hashlib.pbkdf2_hmac("sha256", key, salt, rounds)
    return f"{challenge.text.rpartition('$')[2]}${key.hex()}"


def decode_list(data: bytes) -> list[str]:
    """Return the numbers of the plugs in an answer to `getswitchlist`; raises `MeterGarbage`."""
    text = _text(data)
    if not re.fullmatch(r"[0-9A-Za-z:,-]{0,2000}", text):
        raise MeterGarbage(f"found {shown(data)}, expected numbers with commas between")
    return [number for number in text.split(",") if number]


def decode_identity(data: bytes, ain: str) -> Identity:
    """Return who the plug `ain` is by the list of devices; raises `MeterGarbage`."""
    devices = _xml(data).iter("device")
    for device in devices:
        if _plain(device.get("identifier", "")) == ain:
            words = [device.get(name, "") for name in ("manufacturer", "productname", "fwversion")]
            if all(each.isprintable() and len(each) <= LONGEST_WORD for each in words):
                return Identity(words[0], words[1], ain, words[2])
            raise MeterGarbage(f"found the device {ain!r} with {words!r:.80}, expected printable words")
    raise MeterGarbage(f"found no device {ain!r} in the list of devices, expected it")


def decode_value(data: bytes, field: Field) -> Value:
    """Return one number, none where the box has none (`inval`).

    Raises `MeterGarbage` for a power that is no number; another quantity that is none costs itself alone.
    """
    text = _text(data)
    step = field.factor
    if data.strip() == NO_VALUE:
        return Value(None, step)
    number = int(text) if re.fullmatch(r"-?[0-9]{1,15}", text) else None
    if number is None or not field.low <= number <= field.high:
        if field.quantity != "power_w":
            return Value(None, step)
        raise MeterGarbage(f"{field.names[0]}: found {shown(data)}, expected a whole number, or inval")
    return Value(round(number * field.factor, 9), step)


def _text(data: bytes) -> str:
    try:
        return data.decode("ascii").strip()
    except UnicodeDecodeError as error:
        raise MeterGarbage(f"found {shown(data)}, expected ASCII") from error


def _xml(data: bytes) -> ET.Element:
    """Return a page of the box; raises `MeterGarbage` for what is no XML, or has types of its own in it."""
    if b"<!" in data:
        raise MeterGarbage(f"found {shown(data)}, expected XML without a document type")
    try:
        return ET.fromstring(data)
    except (ET.ParseError, ValueError, LookupError) as error:
        raise MeterGarbage(f"found {shown(data)}, expected XML ({error})") from error


def _plain(ain: str) -> str:
    """Return a plug's number as the interface takes it."""
    return ain.replace(" ", "")


def to_reading(values: Mapping[str, Value], time_ns: int, range_w: float, *, stale: bool) -> Reading:
    """Return the values; power beyond `range_w` is `overrange`, power that is none is `nan`."""
    return reading_of(values, time_ns, range_w, stale=stale)


# --- the meter ----------------------------------------------------------------------------------------------------


class Fritz(PolledHttp[Mapping[str, Value]]):
    """The dialogue with a FRITZ!Box about one plug: power, then energy, one reading (`meters.dialogue.Dialogue`)."""

    driver, tier, fields, user, eager = DRIVER, "uncalibrated", FIELDS, "", "own"
    advice = "check that this is a FRITZ!Box, and the option ain"

    def __init__(self, port: str, ain: str, settings: Settings, sink: Sink | None, access: Access) -> None:
        """Connect; raises `MeterOptionError`, `MeterUnavailable`, `MeterMismatch`."""
        super().__init__(port, settings, sink, access)
        self._login: Credentials | None = access.credentials
        self._wanted = self._ain = _plain(ain)
        self._session = NO_SESSION
        self._refused = ""

    def describe(self) -> Description:
        """Return what is fixed, and how old a value may be."""
        described = super().describe()
        remarks = [
            f"the box asks the plug about every {REFRESH_S:g} s, so that a value is up to that old: runs of a few "
            "minutes are too short for it"
        ]
        if self._login is not None and not (self.peer is not None and self.peer.pinned):
            remarks.append(
                "the key of the session goes over the network so that whoever listens there can use it: reach the box "
                "by TLS with a pinned key, or on a network of its own"
            )
        return replace(described, remarks=(*remarks, *described.remarks))

    def reopen(self) -> None:
        """Connect anew; a password that was refused may be tried again."""
        self._session, self._refused = NO_SESSION, ""
        super().reopen()

    def _ask_identity(self, deadline: Deadline) -> Identity:
        if not self._ain:
            numbers = decode_list(self._get(LIST_COMMAND, deadline).data)
            if len(numbers) != 1:
                known = ", ".join(numbers) or "none there"
                raise MeterOptionError(f"option ain is {self._wanted!r}, expected one of: {known}")
            self._ain = numbers[0]
        return decode_identity(self._get(INFOS_COMMAND, deadline).data, self._ain)

    def _ask(self, deadline: Deadline) -> tuple[int, Mapping[str, Value]]:
        power, energy = FIELDS
        chunk = self._get(POWER_COMMAND, deadline, self._ain)
        values = {power.quantity: decode_value(chunk.data, power)}
        values[energy.quantity] = decode_value(self._get(ENERGY_COMMAND, deadline, self._ain).data, energy)
        return chunk.time_ns, values

    def _values(self, answer: Mapping[str, Value]) -> Mapping[str, Value]:
        return answer

    def _reading(self, answer: Mapping[str, Value], time_ns: int, *, stale: bool) -> Reading:
        return to_reading(answer, time_ns, self._range_w, stale=stale)

    def _get(self, command: str, deadline: Deadline, ain: str = "") -> Chunk:
        """Ask within the session there is; the box ends one that rested for 20 minutes, and then says 403."""
        if self._session != NO_SESSION:
            try:
                return self._wire.get(encode_request(command, self._session, ain), deadline)
            except MeterRefused:
                self._session = NO_SESSION
        self._log_in(deadline)
        return self._wire.get(encode_request(command, self._session, ain), deadline)

    def _log_in(self, deadline: Deadline) -> None:
        if self._refused:
            raise MeterRefused(self._refused)
        page = decode_session(self._wire.get(encode_login("", ""), deadline).data)
        if page.key == NO_SESSION:
            if self._login is None:
                raise MeterRefused(NEEDS_PASSWORD)
            if page.block_s:
                raise MeterRefused(
                    f"the box takes no login for another {page.block_s} s, after wrong ones; wait so long"
                )
            response = answer_of(decode_challenge(page.challenge), self._login.password)
            page = decode_session(self._wire.get(encode_login(self._login.user, response), deadline).data)
            if page.key == NO_SESSION:
                self._refused = (
                    f"the box does not take the password of user {self._login.user!r}, or gives that user no right to "
                    f"smart home; {WRONG_PASSWORD}"
                )
                raise MeterRefused(self._refused)
        self._session = page.key


def open_fritz(
    port: str, *, capture: Sink | None, options: Mapping[str, object], access: Access = ANYBODY
) -> DialogueMeter:
    """Open a plug of the FRITZ!Box at `port`, `http://fritz.box` or `https://fritz.box`.

    Raises `MeterOptionError`, `MeterUnavailable`, `MeterTimeout`, `MeterUnplugged`, `MeterMismatch`, `MeterRefused`.
    """
    values = read_options(DRIVER, OPTIONS, options)
    settings = settings_of(values)
    return DialogueMeter(Fritz(port, word(values, "ain"), settings, capture, access), settings.interval_s, access)
