"""Mode C: sign-on, identification, change of speed, data message.

Knows: what is sent when, and the speeds. Does not know: what the data lines say (`meters.iec62056.registers`).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from contextlib import suppress

from meters.access import Access
from meters.deadline import Deadline
from meters.dialogue import OverWire
from meters.iec62056.data_lines import DataSet, decode_block
from meters.iec62056.messages import (
    IDENTIFICATION,
    MESSAGE_LIMIT,
    NAK,
    Identification,
    check_allowed,
    decode_identification,
    decode_readout,
    encode_acknowledgement,
    encode_request,
    from_wire,
    to_wire,
)
from meters.iec62056.registers import describe, identify, to_reading
from meters.line_dialogue import insist
from meters.meter import MeterError, MeterGarbage, MeterTimeout
from meters.obis import ACCURACY
from meters.options import number, whole, word
from meters.reading import Description, Identity, Reading
from meters.serial_wire import Line, SerialWire
from meters.wire import drain
from meters.wire_log import Sink

SIGN_ON_ATTEMPTS = 3

# Baud rate identification of mode C (6.3.14, item 13c).
BAUDS = {"0": 300, "1": 600, "2": 1200, "3": 2400, "4": 4800, "5": 9600, "6": 19200}


class PollDialogue(OverWire[SerialWire]):
    """Sign-on, identification, change of speed, data message (`meters.dialogue.Dialogue`)."""

    def __init__(self, port: str, values: Mapping[str, float | str], sink: Sink | None, access: Access) -> None:
        """Open `port` at the speed of the sign-on; raises `MeterOptionError`, `MeterUnavailable`, `MeterRefused`."""
        self.reply_s = number(values, "reply_s")
        self._quiet_s = number(values, "quiet_s")
        self._sign_on = Line(whole(values, "sign_on_baud"))
        self._top_baud = number(values, "top_baud")
        self._characters = word(values, "characters")
        self._range_w = number(values, "range_w")
        self._accuracy = ACCURACY.get(word(values, "accuracy_class"))
        self._request = encode_request(word(values, "address"))
        self._held = b""
        self._sets: Mapping[str, DataSet] = {}
        self._latency_s = 0.0
        self._wire = SerialWire(port, self._sign_on, sink, access)

    def greet(self) -> Identity:
        """Read the meter out once; raises `MeterTimeout`, `MeterGarbage`, `MeterUnplugged`."""
        return insist(SIGN_ON_ATTEMPTS, self._ask_identity)

    def _ask_identity(self, attempt: int) -> Identity:
        deadline = Deadline(self.reply_s)
        return self.regain(deadline) if attempt else self._read_out(deadline)[0]

    def describe(self) -> Description:
        """Return the columns of the last readout; its data message took `latency_s` on the line."""
        return describe(self._sets, self._latency_s, self._range_w, self._accuracy)

    def sample(self, deadline: Deadline) -> Reading:
        """Read the meter out; raises `MeterTimeout`, `MeterGarbage`, `MeterUnplugged`."""
        _identity, time_ns = self._read_out(deadline)
        return to_reading(self._sets, time_ns, self._range_w, resynced=False)

    def regain(self, deadline: Deadline) -> Identity:
        """Wait until the meter has given the session up, then read it out; raises what `sample` raises."""
        self._wire.set_line(self._sign_on)
        drain(self._wire, min(self._quiet_s, deadline.left_s), deadline)
        return self._read_out(deadline)[0]

    def close(self) -> None:
        """Give the port back; a session is over with its data message."""
        with suppress(MeterError):
            self._wire.close()

    def _read_out(self, deadline: Deadline) -> tuple[Identity, int]:
        self._wire.set_line(self._sign_on)
        self._held = b""
        self._send(self._request)
        line, _time_ns = self._await(IDENTIFICATION, "an identification", deadline)
        identification = decode_identification(line)
        baud = self._choose(identification)
        self._send(encode_acknowledgement(baud))
        self._wire.set_line(Line(BAUDS[baud]))
        message, time_ns = self._await(_MESSAGE, "a data message", deadline)
        self._sets = decode_block(decode_readout(message))
        self._latency_s = len(message) * 10 / BAUDS[baud]
        return identify(identification, self._sets), time_ns

    def _choose(self, identification: Identification) -> str:
        """Return the highest speed that the meter proposes and the lab allows."""
        proposed = BAUDS.get(identification.baud)
        if proposed is None:
            raise MeterGarbage(
                f"{self.port}: {identification.maker} proposes speed {identification.baud!r}, expected 0 to 6, "
                "mode C; modes A, B and E are not read here"
            )
        return max((key for key, baud in BAUDS.items() if baud <= min(proposed, self._top_baud)), key=int)

    def _send(self, data: bytes) -> None:
        self._wire.write(to_wire(check_allowed(data), self._characters))

    def _await(self, pattern: re.Pattern[bytes], what: str, deadline: Deadline) -> tuple[bytes, int]:
        """Return the first match in what comes and its arrival; an echo of the head's own light is passed over."""
        while True:
            try:
                chunk = self._wire.read_chunk(Deadline(min(self._quiet_s, deadline.left_s)))
            except MeterTimeout as error:
                if not self._held:
                    raise
                raise MeterGarbage(f"{self.port}: found {self._held[-60:]!r}, expected {what}") from error
            self._held += from_wire(chunk.data, self._characters)
            match = pattern.search(self._held)
            if match is not None:
                self._held = self._held[match.end() :]
                return match.group(), chunk.time_ns
            if self._held.endswith(NAK) and len(self._held) == len(chunk.data):
                raise MeterGarbage(f"{self.port}: the meter refuses (NAK), expected {what}")
            if len(self._held) > MESSAGE_LIMIT or deadline.expired:
                raise MeterGarbage(f"{self.port}: found {len(self._held)} characters without {what}")


_MESSAGE = re.compile(rb"\x02[^\x02\x03]*\x03.", re.DOTALL)
