"""Frames and lines cut out of a stream of bytes that may be torn anywhere.

Knows: start and end bytes, limits, what was dropped. Does not know: what a frame says, any wire.
"""

from __future__ import annotations

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


class FrameSplitter:
    """Cuts `<start> ... <end>` frames out of a stream that may be torn anywhere; holds at most `limit` bytes.

    A start byte inside a frame begins a new one; control characters and line ends are ignored everywhere;
    other bytes outside a frame, and frames longer than `limit`, are dropped and make the next one `resynced`;
    `dropped_bytes` counts them.
    """

    __slots__ = ("_body", "_end", "_inside", "_limit", "_start", "_torn", "dropped_bytes")

    def __init__(self, start: bytes, end: bytes, limit: int) -> None:
        self._start, self._end, self._limit = start, end, limit
        self._body = b""
        self._inside = False
        self._torn = False
        self.dropped_bytes = 0

    @property
    def held_bytes(self) -> int:
        """How many bytes of an unfinished frame are kept."""
        return len(self._body)

    def feed(self, chunk: Chunk) -> list[Frame]:
        """Return the frames that `chunk` completes, all with its arrival time."""
        frames = []
        for index, piece in enumerate(chunk.data.translate(None, _CONTROL).split(self._start)):
            if index:
                if self._inside:
                    self._drop(len(self._start) + len(self._body))
                self._body, self._inside = b"", True
            frames += self._take(piece, chunk.time_ns)
        return frames

    def _take(self, piece: bytes, time_ns: int) -> list[Frame]:
        """Handle bytes without a start byte among them."""
        if not self._inside:
            self._drop(len(piece))
            return []
        head, ended, tail = piece.partition(self._end)
        self._body += head
        if len(self._body) > self._limit:
            self._drop(len(self._start) + len(self._body))
            self._body, self._inside = b"", False
            return []
        if not ended:
            return []
        frame = Frame(time_ns, self._body, self._torn)
        self._body, self._inside, self._torn = b"", False, False
        self._drop(len(tail))
        return [frame]

    def _drop(self, count: int) -> None:
        self.dropped_bytes += count
        self._torn = self._torn or count > 0


_CONTROL = bytes([*range(0x20), 0x7F])


class LineSplitter:
    """Cuts lines that end with `end` out of a stream that may be torn anywhere; holds at most `limit` bytes.

    NUL bytes are left out; a line longer than `limit` is dropped and makes the next one `resynced`;
    `dropped_bytes` counts what was dropped. An empty line is a frame with an empty body.
    """

    __slots__ = ("_body", "_end", "_limit", "_skipping", "_torn", "dropped_bytes")

    def __init__(self, end: bytes, limit: int) -> None:
        self._end, self._limit = end, limit
        self._body = b""
        self._skipping = False
        self._torn = False
        self.dropped_bytes = 0

    @property
    def held_bytes(self) -> int:
        """How many bytes of an unfinished line are kept."""
        return len(self._body)

    def feed(self, chunk: Chunk) -> list[Frame]:
        """Return the lines that `chunk` completes, without their ends, all with its arrival time."""
        *lines, rest = (self._body + chunk.data.replace(b"\0", b"")).split(self._end)
        frames = []
        for line in lines:
            if self._skipping or len(line) > self._limit:
                self._drop(len(line))
                self._skipping = False
            else:
                frames.append(Frame(chunk.time_ns, line, self._torn))
                self._torn = False
        self._body = rest
        if len(rest) > self._limit:
            keep = len(self._end) - 1  # a line end may be torn too
            self._drop(len(rest) - keep)
            self._body, self._skipping = rest[len(rest) - keep :], True
        return frames

    def _drop(self, count: int) -> None:
        self.dropped_bytes += count
        self._torn = True
