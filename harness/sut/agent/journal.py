"""The journal: what the agent records, one JSON line each, on the SUT's disk.

Knows how a line is written whole or not at all, and read again from any offset. Does not know who reads.
"""

from __future__ import annotations

import errno
import os
from typing import Any

from harness.sut.agent.clocks import stamped
from harness.sut.agent.lines import line_of

MAX_JOURNAL = 4 << 30
SEND_AHEAD = 1 << 16
"""Bytes waiting for a slow link before the journal is left on the disk for later."""


class Journal:
    """Records, one JSON line each, appended to a file. A line that cannot be written whole is taken back and is the
    last; from then on `fault` says why, and nothing is recorded."""

    def __init__(self, path: str) -> None:
        self._file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_APPEND | os.O_CLOEXEC, 0o600)
        self.size = 0
        self._last = -1, b""
        """The line that was written last, behind its offset: a host that keeps up lacks no other."""
        self.fault: str | None = None
        self.urgent = False
        """Whether something in it is to be handed over now; samples and markers can wait for the next heartbeat."""

    def write(self, record: dict[str, Any]) -> None:
        """Append one record, or set `fault`."""
        self.append(line_of(record))

    def append(self, line: bytes) -> None:
        """Append one record that is a line already, or set `fault`."""
        if self.fault is not None:
            return
        try:
            if self.size + len(line) > MAX_JOURNAL:
                raise OSError(errno.EFBIG, f"the journal reached its bound of {MAX_JOURNAL} bytes")
            if os.write(self._file, line) != len(line):
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        except OSError as error:
            os.ftruncate(self._file, self.size)
            self.fault = f"the journal on the SUT cannot be written: {error.strerror or error}"
            return
        self._last = self.size, line
        self.size += len(line)

    def note(self, code: str, text: str) -> None:
        """Append a remark about the agent's own work."""
        self.write({"rec": "note", "code": code, "text": text, **stamped()})
        self.urgent = True

    def phase(self, name: str, edge: str, fields: dict[str, Any]) -> None:
        """Append an edge of the rating interval, or of a service's life."""
        self.write({"rec": "phase", "name": name, "edge": edge, **fields})
        self.urgent = True

    def read(self, offset: int) -> bytes:
        """Whole lines from `offset` on, about SEND_AHEAD bytes at most (one line at least)."""
        if offset == self._last[0]:
            return self._last[1]
        length = SEND_AHEAD
        while True:
            block = os.pread(self._file, min(length, self.size - offset), offset)
            end = block.rfind(b"\n") + 1
            if end or len(block) < length:
                return block[:end]
            length *= 2

    def flush(self) -> None:
        """Onto the disk, or set `fault`."""
        try:
            os.fsync(self._file)
        except OSError as error:
            self.fault = f"the journal on the SUT cannot be written: {error.strerror}"
