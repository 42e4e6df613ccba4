"""Mode D: the listening side of an optical head, telegrams as they are pushed.

Knows: the first telegram and those of the same meter. Does not know: what the data lines say
(`meters.iec62056.registers`).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from meters.access import Access
from meters.deadline import Deadline
from meters.iec62056.data_lines import DataSet, decode_block
from meters.iec62056.messages import Identification, OtherTelegram, TelegramSplitter, decode_telegram, from_wire
from meters.iec62056.registers import DRIVER, DataSetRegisters, identify, to_reading
from meters.line_dialogue import LineDialogue, Terms
from meters.meter import MeterGarbage, MeterMismatch
from meters.obis import ACCURACY
from meters.options import number, word
from meters.reading import Description, Identity, Reading
from meters.serial_wire import Line, SerialWire
from meters.splitters import Frame, Splitter
from meters.wire import Chunk
from meters.wire_log import Sink


class PushDialogue(LineDialogue[SerialWire]):
    """The listening side of an optical head (`meters.dialogue.Dialogue`); it never writes."""

    terms = Terms("telegram", "check the optical head", "check the seat of the optical head, `push_baud`, `characters`")
    driver: ClassVar[str] = DRIVER
    registers: ClassVar[type[DataSetRegisters]] = DataSetRegisters
    splitter: ClassVar[type[Splitter]] = TelegramSplitter

    def __init__(
        self, port: str, baud: float, values: Mapping[str, float | str], sink: Sink | None, access: Access
    ) -> None:
        """Open `port`; raises `MeterOptionError`, `MeterUnavailable`."""
        self.reply_s = number(values, "reply_s")
        self._baud = baud
        self._characters = word(values, "characters")
        self._range_w = number(values, "range_w")
        self._accuracy = ACCURACY.get(word(values, "accuracy_class"))
        self._sets: Mapping[str, DataSet] = {}
        self._latency_s = 0.0
        super().__init__(SerialWire(port, Line(int(baud)), sink, access), self.splitter)

    def _forget(self) -> None:
        super()._forget()
        self._identity: Identity | None = None

    def greet(self) -> Identity:
        """Wait for the first whole telegram, which is read again; raises `MeterTimeout`, `MeterGarbage`."""
        self._forget()
        frame, self._identity, self._sets = self._next(Deadline(self.reply_s))
        self._latency_s = len(frame.body) * 10 / self._baud
        self._frames.appendleft(Frame(frame.time_ns, frame.body[frame.body.rfind(b"/") :], resynced=False))
        self._torn = False  # what was cut before the first telegram belongs to no series
        return self._identity

    def regain(self, deadline: Deadline) -> Identity:
        """Wait for the next telegram; raises what `sample` raises."""
        self._next(deadline)
        assert self._identity is not None
        return self._identity

    def describe(self) -> Description:
        """Return the columns of the first telegram, which took `latency_s` on the line."""
        return self.registers(self._sets).describe(self.driver, self._latency_s, self._range_w, self._accuracy)

    def sample(self, deadline: Deadline) -> Reading:
        """Return the next telegram; one that has only begun waits for the next call.

        Raises `MeterTimeout` if nothing came, `MeterGarbage` if nothing sound came, `MeterUnplugged`.
        """
        frame, _identity, sets = self._next(deadline)
        return to_reading(sets, frame.time_ns, self._range_w, bool(self._tear()))

    def _next(self, deadline: Deadline) -> tuple[Frame, Identity, Mapping[str, DataSet]]:
        return self._next_sound(deadline, self._decode)

    def _read(self, deadline: Deadline) -> Chunk:
        chunk = super()._read(deadline)
        return Chunk(chunk.time_ns, from_wire(chunk.data, self._characters))

    def _left_over(self, dropped_before: int) -> str:
        """Say what was held of a telegram; once the meter is known, a part of one is only late."""
        return "found no end of one" if self._identity is None and self._splitter.held_bytes else ""

    def _decode(self, frame: Frame) -> tuple[Frame, Identity, Mapping[str, DataSet]]:
        try:
            identification, block = self._taken_apart(frame)
        except OtherTelegram as error:
            raise MeterMismatch(f"{self.port}: {error}") from error
        sets = decode_block(block)
        identity = self._identify(identification, sets)
        if self._identity is not None and not _same_meter(identity, self._identity):
            raise MeterGarbage(f"found a telegram of {identity}, expected {self._identity}")
        if not frame.body.startswith(b"/") and frame.body.lstrip(b"\r\n")[:1] != b"/":
            self._torn = True
        return frame, identity, sets

    def _taken_apart(self, frame: Frame) -> tuple[Identification, bytes]:
        """Return identification and data block; raises `MeterGarbage`."""
        return decode_telegram(frame.body)

    def _identify(self, identification: Identification, sets: Mapping[str, DataSet]) -> Identity:
        return identify(identification, sets)


def _same_meter(before: Identity, after: Identity) -> bool:
    """Whether two telegrams are of one meter: a data set of its number that is not understood costs that number."""
    names = [(before.maker, after.maker), (before.model, after.model)]
    numbers = [(before.serial, after.serial), (before.firmware, after.firmware)]
    return all(a == b for a, b in names) and all(a == b or not a or not b for a, b in numbers)
