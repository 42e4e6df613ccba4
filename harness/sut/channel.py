"""One channel to the agent: JSON lines both ways, as they come over SSH or from a process of this machine.

Knows lines, their bound and JSON. Knows no message.
"""

import contextlib
import json
from collections.abc import Iterator
from typing import Protocol

from harness.record.documents import Json
from harness.record.errors import printable

EXIT_STATUS_S = 2.0
MAX_LINE = 1 << 18
"""Bytes of one line of the agent; the longest it has, the columns of 16 GPUs, is an eighth of that."""


class Ending(Protocol):
    """Whether the other side's program has ended."""

    def wait(self, timeout: float | None = None, /) -> bool:
        """Wait for that at most so long (s)."""


class Channel(Protocol):
    """What carries the lines: a channel of paramiko's, or a process of this machine (`harness.sut.local_link`)."""

    @property
    def status_event(self) -> Ending:
        """Set when the program at the other side has ended."""

    def settimeout(self, timeout: float | None, /) -> None:
        """How long `recv` waits (s)."""

    def sendall(self, data: bytes, /) -> object:
        """Send; raises OSError."""

    def recv(self, size: int, /) -> bytes:
        """What has come, nothing at the end; raises TimeoutError, OSError."""

    def recv_stderr(self, size: int, /) -> bytes:
        """What the program said on standard error."""

    def close(self) -> None:
        """Give it back."""


class AgentChannel:
    """One channel to the agent: JSON lines both ways. A line of more than MAX_LINE bytes is dropped as it comes."""

    def __init__(self, channel: Channel) -> None:
        self._channel = channel
        self._rest = bytearray()
        self._skipped = 0
        self._dropped: list[int] = []

    def send(self, line: bytes) -> None:
        """Send one line."""
        self._channel.sendall(line)

    def receive(self, timeout_s: float) -> list[Json]:
        """The messages that arrived within `timeout_s`; EOFError when the other side closed."""
        self._channel.settimeout(max(timeout_s, 0.001))
        try:
            block = self._channel.recv(1 << 16)
        except TimeoutError:
            return []
        if not block:
            raise EOFError("the link was closed")
        lines = self._lines_of(block)
        return [message for line in lines if isinstance(message := json_or_none(line), dict)]

    def take_dropped(self) -> list[int]:
        """Lengths of the lines that were too long since this was asked."""
        dropped, self._dropped = self._dropped, []
        return dropped

    def _lines_of(self, block: bytes) -> Iterator[bytes]:
        """The lines that end in `block`; what follows the last is kept, up to MAX_LINE bytes."""
        *ends, last = block.split(b"\n")
        for end in ends:
            self._keep(end)
            if self._skipped:
                self._dropped.append(self._skipped)
            else:
                yield bytes(self._rest)
            self._skipped = 0
            self._rest.clear()
        self._keep(last)

    def _keep(self, part: bytes) -> None:
        if self._skipped or len(self._rest) + len(part) > MAX_LINE:
            self._skipped += len(self._rest) + len(part)
            self._rest.clear()
        else:
            self._rest += part

    def last_words(self) -> str:
        """What the relay said on standard error before it ended by itself; empty when the link was cut.

        The end of its output comes before its exit status (RFC 4254, 6.10), sometimes by more than an instant.
        """
        if not self._channel.status_event.wait(EXIT_STATUS_S):
            return ""
        return printable(self._channel.recv_stderr(1000).decode(errors="replace").strip())

    def close(self) -> None:
        """Give the channel back; what carried it may be gone, and have told so only now."""
        with contextlib.suppress(OSError, EOFError):
            self._channel.close()


def json_or_none(line: bytes) -> object:
    """A message; what a login's start-up file printed on the channel is none."""
    try:
        return json.loads(line)
    except (ValueError, RecursionError):
        return None
