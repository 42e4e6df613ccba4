"""The pipe that the program under test writes its markers to.

Knows its lines, from the bytes to the journal, and how many of them are too many. Does not know what uses a marker.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import time

from harness.sut.agent.journal import Journal
from harness.sut.agent.markers import parse_marker

MAX_MARKER = 4096
"""Bytes of one marker line; a longer one is no single write to a FIFO (PIPE_BUF)."""
MARKER_PIPE = 1 << 20
"""Bytes of marker lines that wait for the agent; an ordinary user may not have more (pipe(7))."""
F_SETPIPE_SZ = 1031
"""linux/fcntl.h"""
MAX_MARKERS = 10000
"""Marker lines per rating interval: 5000 actions. Each costs the report 2 to 3 ms and 1.6 kB."""
MAX_NOTES = 1000
"""Notes about bad marker lines per rating; more are counted only."""


class MarkerPipe:
    """The FIFO `markers` in the working directory; every line of it becomes a record of the journal, or a note."""

    def __init__(self, journal: Journal) -> None:
        self._journal = journal
        os.mkfifo("markers", 0o600)
        # Both ways, so that neither side ever waits for the other to open it.
        self.file = os.open("markers", os.O_RDWR | os.O_NONBLOCK | os.O_CLOEXEC)
        with contextlib.suppress(OSError):
            # A command that marks while the agent does not read is not to wait for it.
            fcntl.fcntl(self.file, F_SETPIPE_SZ, MARKER_PIPE)
        self._rest, self._count, self._bad = b"", 0, 0
        self._begin_ns: int | None = None

    def forget(self) -> None:
        """Count anew: a rating interval is about to begin."""
        self._count = self._bad = 0

    def expect_from(self, begin_ns: int) -> None:
        """The interval began: no marker is older."""
        self._begin_ns = begin_ns

    def read(self) -> None:
        """Take in every line that waits."""
        while True:
            try:
                block = os.read(self.file, 1 << 16)
            except BlockingIOError:
                return
            lines = (self._rest + block).split(b"\n")
            self._rest = lines.pop()
            if len(self._rest) > MAX_MARKER:
                self._refuse(self._rest, f"longer than {MAX_MARKER} bytes")
                self._rest = b""
            for line in lines:
                self._take(line)

    def tell_bad(self) -> None:
        """Say how many lines were bad, where there were more than notes of them."""
        if self._bad > MAX_NOTES:
            self._journal.note("marker-malformed", f"{self._bad} marker lines in all could not be read")

    def _take(self, line: bytes) -> None:
        if self._count >= MAX_MARKERS:
            return
        self._count += 1
        if self._count == MAX_MARKERS:
            self._journal.note("markers-cut", f"more than {MAX_MARKERS} marker lines; the rest was dropped")
        try:
            marker = parse_marker(line)
            self._require_stamp(marker["sut_ns"])
        except ValueError as error:
            self._refuse(line, str(error))
            return
        self._journal.write({"rec": "marker", **marker})

    def _require_stamp(self, sut_ns: int) -> None:
        """A marker is stamped after its command began and before it is read.

        Raises:
            ValueError: this one was not, by this machine's monotonic clock.
        """
        now_ns = time.monotonic_ns()
        if self._begin_ns is None or not self._begin_ns <= sut_ns <= now_ns:
            raise ValueError(
                f"sut_ns is {sut_ns}, but by CLOCK_MONOTONIC (time.monotonic_ns() in Python), which it has to be, the "
                f"command began at {self._begin_ns} and now it is {now_ns}"
            )

    def _refuse(self, line: bytes, why: str) -> None:
        self._bad += 1
        if self._bad <= MAX_NOTES:
            self._journal.note("marker-malformed", f"{why}: {line!a:.200}")
