"""The driver iec62056: its options, and how a meter is opened in either mode.

Knows: what a lab may set. Does not know: the wire.
"""

from __future__ import annotations

from collections.abc import Mapping

from meters.access import ANYBODY, Access
from meters.dialogue import DialogueMeter, interval_option, unknown_refresh_option
from meters.iec62056.poll import PollDialogue
from meters.iec62056.push import PushDialogue
from meters.iec62056.registers import DRIVER
from meters.obis import ACCURACY_CLASS, RANGE_W
from meters.options import Option, number, read_options, word
from meters.wire_log import Sink

OPTIONS: Mapping[str, Option] = {
    "mode": Option("poll", "poll: mode C, asked for; push: mode D", choices=("poll", "push")),
    "characters": Option("7E1", "7E1, or plain where parity is already taken off", choices=("7E1", "plain")),
    "sign_on_baud": Option(300.0, "bits per second of the sign-on (poll)", low=300.0, high=19200.0, whole=True),
    "top_baud": Option(9600.0, "highest bits per second of a data message (poll)", low=300.0, high=19200.0),
    "push_baud": Option(9600.0, "bits per second of pushed telegrams; 2400 in the standard", low=300.0, high=115200.0),
    "address": Option("", "device address for the sign-on, empty for the only meter at the head"),
    "interval_s": interval_option(10.0),
    "refresh_s": unknown_refresh_option(),
    "reply_s": Option(20.0, "seconds a whole readout may take", low=0.1, high=120.0),
    "quiet_s": Option(2.5, "seconds of silence after which a meter has nothing more to say", low=0.05, high=30.0),
    "range_w": RANGE_W,
    "accuracy_class": ACCURACY_CLASS,
}


def open_iec62056(
    port: str, *, capture: Sink | None, options: Mapping[str, object], access: Access = ANYBODY
) -> DialogueMeter:
    """Open the meter at `port`; `options` are those of `OPTIONS`, `capture` takes the wire log.

    Raises `MeterOptionError`, `MeterUnavailable`, `MeterTimeout`, `MeterUnplugged`, `MeterMismatch`, `MeterRefused`.
    """
    values = read_options(DRIVER, OPTIONS, options)
    if word(values, "mode") == "push":
        return DialogueMeter(PushDialogue(port, number(values, "push_baud"), values, capture, access), None, access)
    dialogue = PollDialogue(port, values, capture, access)
    return DialogueMeter(dialogue, number(values, "interval_s"), access, refresh_s=number(values, "refresh_s"))
