"""The listening side of an optical head: telegrams as they are pushed.

Knows: options, the first telegram and those like it, and how a meter is opened. Does not know: what a telegram says
(`meters.sml.registers`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from functools import partial

from meters.access import ANYBODY, Access
from meters.deadline import Deadline
from meters.dialogue import DialogueMeter, Repetitions
from meters.line_dialogue import LineDialogue, Terms
from meters.meter import MeterGarbage
from meters.obis import ACCURACY, ACCURACY_CLASS, RANGE_W
from meters.options import Option, number, read_options, whole, word
from meters.reading import Description, Identity, Reading
from meters.serial_wire import Line, SerialWire
from meters.sml.elements import Telegram, decode_telegram
from meters.sml.frame import FRAME_LIMIT, TelegramSplitter
from meters.sml.registers import TelegramRegisters, identify, to_reading
from meters.splitters import Frame
from meters.wire_log import Sink

DRIVER = "sml"
OPTIONS: Mapping[str, Option] = {
    "baud": Option(9600.0, "bits per second", low=300.0, high=921600.0, whole=True),
    "checksum": Option(
        "x25", "CRC-16 of the telegrams: x25, or kermit of old Holley meters", choices=("x25", "kermit")
    ),
    "range_w": RANGE_W,
    "wait_s": Option(10.0, "seconds to wait for the first telegram", low=0.1, high=120.0),
    "accuracy_class": ACCURACY_CLASS,
}
SECOND_S = 1.0  # the step of the meter's own clock


class SmlDialogue(LineDialogue[SerialWire]):
    """The listening side of an optical head (`meters.dialogue.Dialogue`); it never writes."""

    terms = Terms(
        "telegram",
        "check the optical head",
        "check the seat of the optical head, the baud rate and that the meter speaks SML",
    )

    def __init__(self, port: str, values: Mapping[str, float | str], sink: Sink | None, access: Access) -> None:
        """Open `port`; raises `MeterOptionError`, `MeterUnavailable`."""
        self.reply_s = number(values, "wait_s")
        self._baud = whole(values, "baud")
        self._checksum = word(values, "checksum")
        self._range_w = number(values, "range_w")
        self._accuracy = ACCURACY.get(word(values, "accuracy_class"))
        self._repetitions = Repetitions(SECOND_S)
        super().__init__(SerialWire(port, Line(self._baud), sink, access), partial(TelegramSplitter, FRAME_LIMIT))

    def _forget(self) -> None:
        super()._forget()
        self._first = Telegram(b"", None, {})
        self._first_bytes = 0

    def greet(self) -> Identity:
        """Wait for the first whole telegram, which stays queued; raises `MeterTimeout`, `MeterGarbage`."""
        self._forget()
        frame, telegram = self._next(Deadline(self.reply_s))
        self._first, self._first_bytes = telegram, len(frame.body)
        self._torn = False  # what was cut before the first telegram belongs to no series
        self._frames.appendleft(replace(frame, resynced=False))
        return identify(telegram)

    def regain(self, deadline: Deadline) -> Identity:
        """Wait for the next telegram; raises what `sample` raises."""
        return identify(self._next(deadline)[1])

    def describe(self) -> Description:
        """Return the columns of the first telegram; a telegram takes `latency_s` on the line."""
        latency_s = self._first_bytes * 10 / self._baud
        registers = TelegramRegisters(self._first)
        return registers.describe(DRIVER, latency_s, self._range_w, self._accuracy, self._first.troubles)

    def sample(self, deadline: Deadline) -> Reading:
        """Return the next telegram as a reading; one that repeats the meter's second and values is `stale`."""
        frame, telegram = self._next(deadline)
        flags = self._tear()
        if self._repetitions.is_repeated(telegram, frame.time_ns) and telegram.second is not None:
            flags |= {"stale"}
        return to_reading(telegram, frame.time_ns, self._range_w, flags)

    def _next(self, deadline: Deadline) -> tuple[Frame, Telegram]:
        """Return the next sound telegram; a torn one waits for the next call.

        Raises `MeterTimeout` if nothing came, `MeterGarbage` if nothing sound came, `MeterUnplugged`.
        """
        return self._next_sound(deadline, self._decode)

    def _decode(self, frame: Frame) -> tuple[Frame, Telegram]:
        telegram = decode_telegram(frame.body, self._checksum)
        self._check_same(telegram)
        return frame, telegram

    def _check_same(self, telegram: Telegram) -> None:
        expected = self._first.server_id
        if expected and telegram.server_id != expected:
            raise MeterGarbage(f"found a telegram of {telegram.server_id.hex()}, expected {expected.hex()}")


def open_sml(
    port: str, *, capture: Sink | None, options: Mapping[str, object], access: Access = ANYBODY
) -> DialogueMeter:
    """Open the meter that pushes SML at `port`; `options` are those of `OPTIONS`, `capture` takes the wire log.

    Raises `MeterOptionError`, `MeterUnavailable`, `MeterTimeout`, `MeterUnplugged`, `MeterMismatch`.
    """
    return DialogueMeter(SmlDialogue(port, read_options(DRIVER, OPTIONS, options), capture, access), None, access)
