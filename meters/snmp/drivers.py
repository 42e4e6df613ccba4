"""The drivers of PDUs over SNMP: options, and how each is opened.

Knows: what a lab may set. Does not know: messages, MIBs, the dialogue.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

from meters.access import ANYBODY, Access
from meters.dialogue import DialogueMeter, interval_option, refresh_option
from meters.meter import MeterOptionError
from meters.options import Option, Value, number, read_options, whole, word
from meters.port import SNMP_SCHEME, scheme_of
from meters.snmp import usm
from meters.snmp.dialogue import Settings, SnmpDialogue
from meters.snmp.engine import Engine, Protection
from meters.snmp.messages import Version
from meters.snmp.mibs import Mib, Point
from meters.snmp.security import Community, Security
from meters.wire_log import Sink

COMMUNITIES: Final[Mapping[str, Version]] = {"v1": "1", "v2c": "2c"}
V3: Final = "v3"
REFRESH_S = 1.0
"""Of a unit of which nobody has measured it."""


def options_of(mib: Mib) -> Mapping[str, Option]:
    """Return what a lab may set of a maker's PDUs."""
    return {
        "interval_s": interval_option(REFRESH_S),
        "outlet": Option(0.0, "number of the outlet; 0: the input", low=0.0, high=256.0, whole=True),
        "phase": Option(
            0.0, "number of the phase of the input, with `outlet` of the infeed that it is on; 0: the whole unit",
            low=0.0, high=64.0, whole=True,
        ),
        "unit": Option(
            float(mib.first_unit),
            f"which of several daisy-chained units; the only one is {mib.first_unit}",
            low=0.0, high=65535.0, whole=True,
        ),
        "protocol": Option("v2c", "version of SNMP", choices=(*COMMUNITIES, V3)),
        "hash": Option("sha1", "v3: of the user's password (authentication)", choices=tuple(usm.CODE_LENGTHS)),
        "privacy": Option("aes128", "v3: how messages are sealed; none: signed only", choices=("none", *usm.PRIVACIES)),
        "context": Option("", "v3: name of the context; most agents have the empty one only"),
        "refresh_s": refresh_option(REFRESH_S),
        "reply_s": Option(2.0, "seconds an answer may take", low=0.1, high=60.0),
        "range_w": Option(7400.0, "W, above which a reading is overrange (32 A at 230 V)", low=1.0, high=1e6),
    }  # fmt: skip


def opener_of(mib: Mib) -> Callable[..., DialogueMeter]:
    """Return how a maker's PDU is opened (`meters.registry.Opener`)."""
    declared = options_of(mib)

    def open_pdu(
        port: str, *, capture: Sink | None, options: Mapping[str, object], access: Access = ANYBODY
    ) -> DialogueMeter:
        """Open the PDU at `port`, `snmp://HOST`; the community is the password of `access`, `public` without. In v3
        `access` has the user, and the passwords it has.

        Raises `MeterOptionError`, `MeterUnavailable`, `MeterTimeout`, `MeterMismatch`, `MeterRefused`.
        """
        values = read_options(mib.driver, declared, options)
        if scheme_of(port) != SNMP_SCHEME:
            raise MeterOptionError(f"{mib.driver}: port {port!r}: expected snmp://HOST, with :PORT where it is not 161")
        settings = Settings(
            number(values, "interval_s"),
            number(values, "reply_s"),
            number(values, "refresh_s"),
            number(values, "range_w"),
        )
        point = Point(whole(values, "unit"), whole(values, "outlet"), whole(values, "phase"))
        security = _security_of(port, values, access)
        return DialogueMeter(SnmpDialogue(port, mib, point, settings, security, capture), settings.interval_s, access)

    return open_pdu


def _security_of(port: str, values: Mapping[str, Value], access: Access) -> Security:
    protocol = word(values, "protocol")
    if protocol != V3:
        return Community(COMMUNITIES[protocol], access.credentials)
    privacy = usm.PRIVACIES.get(word(values, "privacy"))
    return Engine(port, access.credentials, Protection(word(values, "hash"), privacy, word(values, "context")))
