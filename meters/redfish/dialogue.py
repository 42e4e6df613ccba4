"""A BMC over Redfish (DMTF DSP0266, HTTP and JSON): the power of one chassis, one GET a reading.

Knows: what is asked when, what a lab may set. Does not know: pages (`meters.redfish.codec`), how a session is begun and
ended (`meters.redfish.session`), events, writing.
Links are followed on the same host only, and no redirect is. Over https a certificate must be pinned, or one that this
machine trusts. Proved by mockups and servers of others (docs/meters.md); no real BMC was seen.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Final

from meters.access import ANYBODY, Access, Pin
from meters.certificates import read_fingerprint
from meters.deadline import Deadline
from meters.dialogue import DialogueMeter, interval_option, refresh_option
from meters.json_reply import Node, parse_json
from meters.meter import MeterGarbage, MeterOptionError, MeterRefused
from meters.options import Option, number, read_options, word
from meters.options import Value as OptionValue
from meters.polled_http import PolledHttp, Settings, reading_of
from meters.port import scheme_of
from meters.reading import Identity, Reading
from meters.redfish.codec import (
    CONSUMED,
    ENERGY,
    MOST_SUPPLIES,
    ROOT,
    SOURCES,
    Values,
    choose_chassis,
    decode_control,
    decode_environment,
    decode_identity,
    decode_supplies,
    decode_supply,
    is_there,
    link_of,
    members_of,
    others_in,
    sum_of,
    text_of,
)
from meters.redfish.session import SessionWire
from meters.wire_log import Sink

DRIVER = "redfish"
REFRESH_S = 1.0
"""Of a BMC of which nobody has measured it."""
INTERVAL_S = 2.0
"""Web servers of BMCs take a good part of a second for an answer."""
MOST_IDS: Final = 9999.0
"""A name may be a number: on a command line such a word is one."""
OPTIONS: Mapping[str, Option] = {
    "interval_s": interval_option(INTERVAL_S),
    "source": Option("PowerControl", "where in the chassis the power is read", choices=SOURCES),
    "chassis": Option("", "Id of the chassis; needed where there are several", low=0.0, high=MOST_IDS, whole=True),
    "control": Option(
        "", "MemberId or Name in PowerControl; needed where there are several", low=0.0, high=MOST_IDS, whole=True
    ),
    "login": Option(
        "basic",
        "how the password is given: basic, with every question; session, once, for a token that ends with the meter",
        choices=("basic", "session"),
    ),
    "certificate": Option(
        "verified",
        "over https://: `verified`, only one that is pinned or that this machine's authorities vouch for; "
        "SHA256:DIGITS, only the one with this fingerprint; or any",
        choices=("verified", "any"),
        form=r"(?i:sha256):(?:[0-9A-Fa-f]{2}:?){31}[0-9A-Fa-f]{2}",
    ),
    "refresh_s": refresh_option(REFRESH_S),
    "reply_s": Option(10.0, "seconds an answer may take", low=0.1, high=60.0),
    "range_w": Option(20_000.0, "W, above which a reading is overrange", low=1.0, high=1e6),
}


class Redfish(PolledHttp[Values]):
    """The dialogue with a Redfish service: one GET, one reading (`meters.dialogue.Dialogue`)."""

    driver, tier, fields = DRIVER, "uncalibrated", (CONSUMED, ENERGY)
    advice = "check that this is a Redfish service, and the options source, chassis and control"

    def __init__(
        self,
        port: str,
        place: tuple[str, str, str],
        settings: Settings,
        sink: Sink | None,
        access: Access,
        *,
        by_session: bool = False,
    ) -> None:
        """Connect; `place` is source, chassis and control, `by_session` whether a password is given for a token.

        Raises `MeterOptionError`, `MeterUnavailable`, `MeterMismatch`.
        """
        # Some services ask for no password, and without TLS a plain one is not handed to whoever only points elsewhere.
        self.eager = "basic" if scheme_of(port) == "https" else ""
        wire = SessionWire(port, sink, access, verified=settings.verified) if by_session else None
        super().__init__(port, settings, sink, access, wire=wire)
        self._by_session = by_session
        self._source, self._wanted, self._control = place
        self._version = self._chassis = ""
        self._places: tuple[str, ...] = ()

    def greet(self) -> Identity:
        """Find the chassis and its power, ask who is there and for a first value."""
        self._chassis = ""
        try:
            return super().greet()
        except MeterRefused as error:
            if self._by_session:
                raise
            raise MeterRefused(f"{error}; where the service takes no Basic, set login = 'session'") from error

    def _ask_identity(self, deadline: Deadline) -> Identity:
        if not self._chassis:
            self._find()
        return decode_identity(self._wire.get(self._chassis, deadline).data, self._version)

    def _find(self) -> None:
        """Follow the links from the service root to the power."""
        root = self._get(ROOT)
        self._version = f"Redfish {text_of(root, 'RedfishVersion')}".strip()
        paths = members_of(self._get(link_of(root, "Chassis")))
        path = choose_chassis(paths, self._wanted)
        chassis = self._get(path)
        name = "Power" if self._source in ("PowerControl", "PowerSupplies") else self._source
        if chassis.get(name) is None:
            raise MeterOptionError(f"option source is {self._source!r}, but there is no {name!r}; {others_in(chassis)}")
        place = link_of(chassis, name)
        self._places = tuple(self._supplies(place)) if self._source == "PowerSubsystem" else (place,)
        self._chassis = path

    def _supplies(self, place: str) -> list[str]:
        """Return where the metrics of each supply that is there stand."""
        paths = members_of(self._get(link_of(self._get(place), "PowerSupplies")))
        if not 1 <= len(paths) <= MOST_SUPPLIES:
            raise MeterGarbage(f"found {len(paths)} supplies, expected 1 to {MOST_SUPPLIES}")
        supplies = [self._get(path) for path in paths]
        return [link_of(supply, "Metrics") for supply in supplies if is_there(supply)]

    def _get(self, path: str) -> Node:
        return parse_json(self._wire.get(path, Deadline(self.reply_s)).data)

    def _ask(self, deadline: Deadline) -> tuple[int, Values]:
        chunks = [self._wire.get(place, deadline) for place in self._places]
        match self._source:
            case "PowerControl":
                values = decode_control(chunks[0].data, self._control)
            case "PowerSupplies":
                values = decode_supplies(chunks[0].data)
            case "EnvironmentMetrics":
                values = decode_environment(chunks[0].data)
            case _:
                values = sum_of([decode_supply(chunk.data) for chunk in chunks])
        return chunks[-1].time_ns, values

    def _values(self, answer: Values) -> Values:
        return answer

    def _reading(self, answer: Values, time_ns: int, *, stale: bool) -> Reading:
        return reading_of(answer, time_ns, self._range_w, stale=stale)


def _name(value: OptionValue) -> str:
    return f"{value:.0f}" if isinstance(value, float) else value


def open_redfish(
    port: str, *, capture: Sink | None, options: Mapping[str, object], access: Access = ANYBODY
) -> DialogueMeter:
    """Open the Redfish service at `port`, `https://HOST`; `options` are those of `OPTIONS`, `capture` takes the wire
    log, `access` lets it in and knows it again.

    Raises `MeterOptionError`, `MeterUnavailable`, `MeterTimeout`, `MeterUnplugged`, `MeterMismatch`, `MeterRefused`.
    """
    values = read_options(DRIVER, OPTIONS, options)
    settings = Settings(
        number(values, "interval_s"),
        number(values, "reply_s"),
        number(values, "range_w"),
        number(values, "refresh_s"),
        word(values, "certificate") != "any",
    )
    place = (word(values, "source"), _name(values["chassis"]), _name(values["control"]))
    fingerprint = read_fingerprint(word(values, "certificate"))
    if fingerprint is not None and access.pin is None:  # that of the register goes before
        access = replace(access, pin=Pin("", certificate_sha256=fingerprint))
    by_session = word(values, "login") == "session" and access.credentials is not None
    dialogue = Redfish(port, place, settings, capture, access, by_session=by_session)
    return DialogueMeter(dialogue, settings.interval_s, access)
