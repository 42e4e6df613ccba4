"""The driver p1: the port for the customer of a smart meter, which pushes a telegram each second or each ten.

Knows: what a lab may set, the first two telegrams and those of the same meter. Does not know: what telegrams say
(`meters.iec62056.p1_telegram`, `meters.iec62056.registers`). It never writes; that the cable asks for data (its request
line is high) is the cable's matter.

A telegram that is, byte for byte, the one before with the same clock in it is `stale`, whenever it comes: a bridge may
send the last one again. How often the meter sends is measured at the first two, by their clocks and their arrival.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from meters.access import ANYBODY, Access
from meters.deadline import Deadline
from meters.dialogue import DialogueMeter
from meters.iec62056.data_lines import DataSet
from meters.iec62056.messages import Identification
from meters.iec62056.p1_telegram import P1Registers, P1Splitter, clock_s, decode_telegram, identify_p1
from meters.iec62056.push import PushDialogue
from meters.line_dialogue import Terms
from meters.obis import ACCURACY_CLASS, RANGE_W
from meters.options import Option, number, read_options, word
from meters.reading import Description, Identity, Reading
from meters.splitters import Frame
from meters.wire_log import Sink

DRIVER = "p1"
OPTIONS: Mapping[str, Option] = {
    "baud": Option(115200.0, "bits per second; 9600 before DSMR 4", low=300.0, high=921600.0, whole=True),
    "characters": Option(
        "plain", "plain: 8N1; 7E1 before DSMR 4, unless a bridge takes the parity off", choices=("plain", "7E1")
    ),
    "checksum": Option(
        "crc16", "crc16, or none for a meter before DSMR 4, which sends none", choices=("crc16", "none")
    ),
    "reply_s": Option(12.0, "seconds to wait for a telegram at the start", low=0.1, high=120.0),
    "range_w": RANGE_W,
    "accuracy_class": ACCURACY_CLASS,
}
SECOND_S = 1.0
LONGEST_INTERVAL_S = 60.0
"""Two clocks further apart than that were set between, and measure nothing."""


class P1Dialogue(PushDialogue):
    """The listening side of a P1 port (`meters.dialogue.Dialogue`)."""

    driver = DRIVER
    registers = P1Registers
    splitter = P1Splitter
    terms = Terms(
        "telegram",
        "check the cable, that it asks for data (request line high), and that the grid operator has the port open",
        "check `baud`, `characters` and `checksum`, and that the meter does not encrypt (Luxembourg, Austria)",
    )

    def __init__(self, port: str, values: Mapping[str, float | str], sink: Sink | None, access: Access) -> None:
        """Open `port`; raises `MeterOptionError`, `MeterUnavailable`."""
        self._checksum = word(values, "checksum")
        self._interval_s = SECOND_S
        super().__init__(port, number(values, "baud"), values, sink, access)

    def _forget(self) -> None:
        super()._forget()
        self._body = b""

    def greet(self) -> Identity:
        """Wait for the first two telegrams, which are read again; raises `MeterTimeout`, `MeterGarbage`."""
        identity = super().greet()
        first = self._frames.popleft()
        begin_s, deadline = clock_s(self._sets), Deadline(self.reply_s)
        second, _identity, sets = self._next(deadline)
        while second.body == first.body and begin_s is not None:  # a bridge says the last one again
            second, _identity, sets = self._next(deadline)
        end_s = clock_s(sets)
        clocks_s = 0.0 if begin_s is None or end_s is None else end_s - begin_s
        arrivals_s = (second.time_ns - first.time_ns) / 1e9
        self._interval_s = max(arrivals_s, clocks_s if clocks_s <= LONGEST_INTERVAL_S else 0.0) or SECOND_S
        self._frames.extendleft((Frame(second.time_ns, second.body, self._torn), first))
        self._torn = False
        return identity

    def describe(self) -> Description:
        """Return the columns of the first telegram, and how often one comes."""
        return replace(super().describe(), interval_s=self._interval_s)

    def sample(self, deadline: Deadline) -> Reading:
        """Return the next telegram as a reading; the one before, again, is `stale`.

        Raises `MeterTimeout` if nothing came, `MeterGarbage` if nothing sound came, `MeterUnplugged`.
        """
        frame, _identity, sets = self._next(deadline)
        flags = self._tear()
        if frame.body == self._body and clock_s(sets) is not None:
            flags |= {"stale"}
        self._body = frame.body
        return P1Registers(sets).reading(frame.time_ns, self._range_w, flags)

    def _taken_apart(self, frame: Frame) -> tuple[Identification, bytes]:
        return decode_telegram(frame.body, self._checksum)

    def _identify(self, identification: Identification, sets: Mapping[str, DataSet]) -> Identity:
        return identify_p1(identification, sets)


def open_p1(
    port: str, *, capture: Sink | None, options: Mapping[str, object], access: Access = ANYBODY
) -> DialogueMeter:
    """Open the P1 port at `port`; `options` are those of `OPTIONS`, `capture` takes the wire log.

    Raises `MeterOptionError`, `MeterUnavailable`, `MeterTimeout`, `MeterUnplugged`, `MeterMismatch`.
    """
    return DialogueMeter(P1Dialogue(port, read_options(DRIVER, OPTIONS, options), capture, access), None, access)
