"""The driver of BMCs over IPMI: options, and how one is opened.

Knows: what a lab may set. Does not know: messages, the dialogue.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from meters.access import ANYBODY, Access
from meters.dialogue import SHORTEST_INTERVAL_S, DialogueMeter, refresh_option
from meters.ipmi.dialogue import IpmiDialogue, Settings
from meters.ipmi.sources import Part
from meters.meter import MeterOptionError
from meters.options import Option, number, read_options, word
from meters.port import IPMI_SCHEME, scheme_of
from meters.wire_log import Sink

DRIVER = "ipmi"
REFRESH_S = 1.0
"""Of a BMC of which nobody has measured it."""
LONGEST_INTERVAL_S = 30.0
"""A session that says nothing for a minute is forgotten (IPMI 2.0, 6.12.15)."""
PARTS: Final[Mapping[str, Part]] = {"now": "now", "mean": "mean"}
HASHES: Final[Mapping[str, str]] = {"sha256": "17", "sha1": "3"}
"""By what option a cipher suite is chosen."""
PRIVILEGES: Final[Mapping[str, int]] = {"user": 2, "operator": 3, "administrator": 4}
OPTIONS: Mapping[str, Option] = {
    "interval_s": Option(
        REFRESH_S, "seconds between two questions", low=SHORTEST_INTERVAL_S, high=LONGEST_INTERVAL_S
    ),
    "sensor": Option("", "name of a sensor of watts to be read in place of DCMI; of several the sum: NAME, NAME"),
    "value": Option("now", "of DCMI: the power of now, or the mean over the BMC's own period", choices=tuple(PARTS)),
    "hash": Option(
        "sha256", "by which the session is sealed: sha256 is cipher suite 17, sha1 is 3", choices=tuple(HASHES)
    ),
    "privilege": Option(
        "user", "of the session; `user` switches nothing: another only where it may not ask", choices=tuple(PRIVILEGES)
    ),
    "refresh_s": refresh_option(REFRESH_S),
    "reply_s": Option(3.0, "seconds an answer may take", low=0.1, high=60.0),
    "range_w": Option(20_000.0, "W, above which a reading is overrange", low=1.0, high=65_535.0),
}  # fmt: skip


def open_ipmi(
    port: str, *, capture: Sink | None, options: Mapping[str, object], access: Access = ANYBODY
) -> DialogueMeter:
    """Open the BMC at `port`, `ipmi://HOST`, with user and password of `access`.

    Raises `MeterOptionError`, `MeterUnavailable`, `MeterTimeout`, `MeterMismatch`, `MeterRefused`.
    """
    values = read_options(DRIVER, OPTIONS, options)
    if scheme_of(port) != IPMI_SCHEME:
        raise MeterOptionError(f"{DRIVER}: port {port!r}: expected ipmi://HOST, with :PORT where it is not 623")
    settings = Settings(
        HASHES[word(values, "hash")],
        PRIVILEGES[word(values, "privilege")],
        number(values, "interval_s"),
        number(values, "reply_s"),
        number(values, "refresh_s"),
        number(values, "range_w"),
        PARTS[word(values, "value")],
        tuple(name.strip() for name in word(values, "sensor").split(",") if name.strip()),
    )
    return DialogueMeter(IpmiDialogue(DRIVER, port, settings, capture, access), settings.interval_s, access)
