"""Frames and lines cut out of a stream of bytes that may be torn anywhere.

Knows: start and end bytes, limits, what was dropped. Does not know: what a frame says, any wire.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass

from meters.wire import Chunk


@dataclass(frozen=True, slots=True)
class Frame:
    """What stood between a start and an end byte, without them, control characters left out.

    `resynced`: bytes that belong to no frame were dropped since the frame before.
    """

    time_ns: int
    body: bytes
    resynced: bool


class Splitter(ABC):
    """What cuts frames out of a stream that may be torn anywhere."""

    __slots__ = ("_held", "_torn", "dropped_bytes")

    def __init__(self) -> None:
        self._held = b""
        self._torn = False
        self.dropped_bytes = 0
        """How many bytes belonged to no frame."""

    @property
    def held_bytes(self) -> int:
        """How many bytes of an unfinished frame are kept."""
        return len(self._held)

    @abstractmethod
    def feed(self, chunk: Chunk) -> list[Frame]:
        """Return the frames that `chunk` completes, all with its arrival time."""

    def _frame(self, time_ns: int, body: bytes) -> Frame:
        frame, self._torn = Frame(time_ns, body, self._torn), False
        return frame

    def _drop(self, count: int) -> None:
        self.dropped_bytes += count
        self._torn = self._torn or count > 0


class FrameSplitter(Splitter):
    """Cuts `<start> ... <end>` frames out; holds at most `limit` bytes.

    A start byte inside a frame begins a new one; control characters and line ends are ignored everywhere;
    other bytes outside a frame, and frames longer than `limit`, are dropped and make the next one `resynced`;
    `dropped_bytes` counts them.
    """

    __slots__ = ("_end", "_inside", "_limit", "_start")

    def __init__(self, start: bytes, end: bytes, limit: int) -> None:
        super().__init__()
        self._start, self._end, self._limit = start, end, limit
        self._inside = False

    def feed(self, chunk: Chunk) -> list[Frame]:
        """Return the frames that `chunk` completes, all with its arrival time."""
        frames = []
        for index, piece in enumerate(chunk.data.translate(None, _CONTROL).split(self._start)):
            if index:
                if self._inside:
                    self._drop(len(self._start) + len(self._held))
                self._held, self._inside = b"", True
            frames += self._take(piece, chunk.time_ns)
        return frames

    def _take(self, piece: bytes, time_ns: int) -> list[Frame]:
        """Handle bytes without a start byte among them."""
        if not self._inside:
            self._drop(len(piece))
            return []
        head, ended, tail = piece.partition(self._end)
        self._held += head
        if len(self._held) > self._limit:
            self._drop(len(self._start) + len(self._held))
            self._held, self._inside = b"", False
            return []
        if not ended:
            return []
        frame = self._frame(time_ns, self._held)
        self._held, self._inside = b"", False
        self._drop(len(tail))
        return [frame]


_CONTROL = bytes([*range(0x20), 0x7F])


class LineSplitter(Splitter):
    """Cuts lines that end with `end` out; holds at most `limit` bytes.

    NUL bytes are left out; a line longer than `limit` is dropped and makes the next one `resynced`;
    `dropped_bytes` counts what was dropped. An empty line is a frame with an empty body.
    """

    __slots__ = ("_end", "_limit", "_skipping")

    def __init__(self, end: bytes, limit: int) -> None:
        super().__init__()
        self._end, self._limit = end, limit
        self._skipping = False

    def feed(self, chunk: Chunk) -> list[Frame]:
        """Return the lines that `chunk` completes, without their ends, all with its arrival time."""
        *lines, rest = (self._held + chunk.data.replace(b"\0", b"")).split(self._end)
        frames = []
        for line in lines:
            if self._skipping or len(line) > self._limit:
                self._drop(len(line))
                self._skipping = False
            else:
                frames.append(self._frame(chunk.time_ns, line))
        self._held = rest
        if len(rest) > self._limit:
            keep = len(self._end) - 1  # a line end may be torn too
            self._drop(len(rest) - keep)
            self._held, self._skipping = rest[len(rest) - keep :], True
        return frames
