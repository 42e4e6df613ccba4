"""The dialogue over a stream of frames: lines, rows or telegrams, asked for or pushed.

Knows: frames in the order in which they came, when to give one up, what of a stream was torn, asking more than once.
Does not know: what a frame says, how it is cut out (`meters.splitters`, or the driver's own), pacing
(`meters.dialogue`).
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar, TypeVar

from meters.deadline import Deadline
from meters.dialogue import OverWire
from meters.meter import MeterError, MeterGarbage, MeterTimeout
from meters.splitters import Frame, Splitter
from meters.wire import Chunk, Wire, drain

T = TypeVar("T")
LineWire = TypeVar("LineWire", bound=Wire)


class StrayFrame(MeterGarbage):
    """A whole frame that is none of those waited for; passing over it tears nothing."""


@dataclass(frozen=True, slots=True)
class Terms:
    """The words of a driver's errors: what it calls a frame, what a lab can do where none comes (`silent`), and where
    what comes is none (`unsound`)."""

    frame: str
    silent: str
    unsound: str = ""


def insist(attempts: int, ask: Callable[[int], T]) -> T:
    """Ask up to `attempts` times; `ask` is told how often it was asked before.

    Raises the last `MeterGarbage` if anything came, else the first `MeterTimeout`.
    """
    trouble: MeterError | None = None
    for attempt in range(attempts):
        try:
            return ask(attempt)
        except MeterGarbage as error:
            trouble = error
        except MeterTimeout as error:
            trouble = trouble or error
    assert trouble is not None
    raise trouble


class LineDialogue(OverWire[LineWire]):
    """The part of a `meters.dialogue.Dialogue` that is the same for all that are held in frames."""

    terms: ClassVar[Terms]
    skips_blank: ClassVar[bool] = False
    """Whether frames without anything in them are passed over."""

    def __init__(self, wire: LineWire, new_splitter: Callable[[], Splitter]) -> None:
        """Take an open wire."""
        self._wire = wire
        self._new_splitter = new_splitter
        self._forget()

    def _forget(self) -> None:
        """Drop what is left of the stream on this side of the wire."""
        self._splitter = self._new_splitter()
        self._frames: deque[Frame] = deque()
        self._torn = False

    def _clear(self, quiet_s: float, deadline: Deadline) -> None:
        """Drop what is left, and what still comes until nothing came for `quiet_s`; raises as `meters.wire.drain`."""
        self._forget()
        drain(self._wire, quiet_s, deadline)

    def _read(self, deadline: Deadline) -> Chunk:
        """Return what has arrived; raises what the wire raises."""
        return self._wire.read_chunk(deadline)

    def _next_frame(self, deadline: Deadline) -> Frame:
        """Return the next frame; a stream that never ends cannot outlast the deadline.

        Raises `MeterTimeout`, `MeterUnplugged`; a frame that has only begun waits for the next call.
        """
        while True:
            while self._frames:
                frame = self._frames.popleft()
                if frame.body.strip() or not self.skips_blank:
                    return frame
            if deadline.expired:
                raise MeterTimeout(f"{self.port}: no {self.terms.frame} before the deadline; {self.terms.silent}")
            self._frames.extend(self._splitter.feed(self._read(deadline)))

    def _next_sound(self, deadline: Deadline, decode: Callable[[Frame], T]) -> T:
        """Return what `decode` makes of the next frame that is sound; those before it are dropped.

        `_torn` is then whether anything was dropped since it was last false. Raises `MeterTimeout` if nothing came,
        `MeterGarbage` if nothing sound came, `MeterUnplugged`, and what `decode` raises but `MeterGarbage`.
        """
        dropped_before = self._splitter.dropped_bytes
        trouble = ""
        while True:
            try:
                frame = self._next_frame(deadline)
            except MeterTimeout as error:
                trouble = trouble or self._left_over(dropped_before)
                if not trouble:
                    raise
                raise MeterGarbage(
                    f"{self.port}: no valid {self.terms.frame} before the deadline; {trouble}; {self.terms.unsound}"
                ) from error
            self._torn = self._torn or frame.resynced
            try:
                return decode(frame)
            except StrayFrame as error:
                trouble = str(error)
            except MeterGarbage as error:
                self._torn, trouble = True, str(error)

    def _left_over(self, dropped_before: int) -> str:
        """Return what came that is no frame, in words; empty where nothing did."""
        dropped_bytes = self._splitter.dropped_bytes - dropped_before
        return f"found {dropped_bytes} bytes outside any {self.terms.frame}" if dropped_bytes else ""

    def _tear(self) -> frozenset[str]:
        """Return the flag of a reading before which something was dropped; what was is then forgotten."""
        torn, self._torn = self._torn, False
        return frozenset({"resynced"}) if torn else frozenset()
