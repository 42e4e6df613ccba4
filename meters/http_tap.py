"""A connected socket as http.client uses one: deadlines on every call, every byte captured without the password.

Knows: what came when, what came eager, which parts of an answer are held back until it is whole.
Does not know: HTTP (`meters.http_wire`), how a password is hidden (`Veil`: `meters.http_auth`, `meters.tapo`).
"""

from __future__ import annotations

import http.client
import io
import ssl
from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING, Literal, Protocol

from meters import host
from meters.deadline import Deadline
from meters.wire_log import Capture, Exchange

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

LATE_LIMIT = 1 << 16  # bytes that came eager and are still captured
REPLY_LIMIT = 1 << 18  # with headers; http.client bounds each header line by 64 KiB and their number by 100


class Veil(Protocol):
    """What a wire log keeps of an exchange."""

    @property
    def waits(self) -> bool:
        """Whether an answer is held back until it is whole, so that no secret is captured in pieces."""
        ...

    def request(self, data: bytes) -> bytes:
        """Return a whole request as it is kept."""
        ...

    def reply(self, data: bytes) -> bytes:
        """Return an answer as it is kept; one of the same length keeps the times of its parts."""
        ...


class Tap:
    """A connected socket as http.client uses one: deadlines on every call, every byte captured behind a veil."""

    def __init__(self, sock: host.Connection, capture: Capture | None, veil: Veil) -> None:
        self._sock = sock
        self._capture = capture
        self._veil = veil
        self._said = b""
        self._held: list[Exchange] = []
        self._restless = False
        self._deadline = Deadline(0.0)
        self.heard_ns = 0
        self.heard_bytes = 0

    def is_restless(self) -> bool:
        """Whether bytes, or the end, came that nobody asked for; they are captured. What TLS says to itself is neither.

        A connection that was restless once stays so.
        """
        try:
            self._sock.setblocking(False)
            self._record_late(self._sock.recv(LATE_LIMIT))
        except (BlockingIOError, ssl.SSLWantReadError):
            return self._restless
        except (OSError, ValueError):
            pass
        self._restless = True
        return True

    def begin(self, deadline: Deadline) -> None:
        """Start an exchange."""
        self._deadline = deadline
        self._said = b""
        self.heard_ns, self.heard_bytes = 0, 0

    def sendall(self, data: bytes) -> None:
        """Take a part of a request; all of it is sent when the answer is asked for."""
        self._said += data

    def _send(self) -> None:
        kept = self._veil.request(self._said)
        self._record(">", host.monotonic_ns(), kept)
        self._arm()
        self._sock.sendall(self._said if host.recording() is None else kept)  # a recording knows no password

    def receive_into(self, buffer: WriteableBuffer) -> int:
        """Fill `buffer` with what is there, 0 bytes at the end of the connection."""
        if self.heard_bytes > REPLY_LIMIT:
            raise http.client.HTTPException(f"a reply without end, {self.heard_bytes} bytes so far")
        self._arm()
        count = self._sock.recv_into(buffer)
        if count:
            self.heard_ns = host.monotonic_ns()
            self.heard_bytes += count
            self._record("<", self.heard_ns, bytes(memoryview(buffer)[:count]))
        return count

    def makefile(self, _mode: str) -> io.BufferedReader:
        """Send the request, and return the file http.client reads the reply from; raises `TimeoutError`, `OSError`."""
        self._send()
        return io.BufferedReader(_Reader(self))

    def settle(self) -> None:
        """Capture what was held back of an answer."""
        if not self._held:
            return
        whole = b"".join(part.data for part in self._held)
        kept = memoryview(self._veil.reply(whole))
        if len(kept) != len(whole):
            self._held = [replace(self._held[-1], data=bytes(kept))]
        for part in self._held:
            self._write(replace(part, data=bytes(kept[: len(part.data)])))
            kept = kept[len(part.data) :]
        self._held = []

    def close(self) -> None:
        """Do nothing: http.client calls this before it has read the body; `hang_up` ends the connection."""

    def hang_up(self) -> None:
        """End the connection; what came eager goes to the log."""
        with suppress(OSError, ValueError):
            self._sock.setblocking(False)
            self._record_late(self._sock.recv(LATE_LIMIT))
        self._sock.close()
        self.settle()

    def _record_late(self, data: bytes) -> None:
        if data:
            self._record("<", host.monotonic_ns(), data)

    def _arm(self) -> None:
        left_s = self._deadline.left_s
        if left_s <= 0:
            raise TimeoutError
        self._sock.settimeout(left_s)

    def _record(self, direction: Literal["<", ">"], time_ns: int, data: bytes) -> None:
        part = Exchange(time_ns, direction, data)
        if direction == "<" and self._veil.waits:
            self._held.append(part)
        else:
            self._write(part)

    def _write(self, part: Exchange) -> None:
        if self._capture is not None:
            self._capture.record(part)


class _Reader(io.RawIOBase):
    """The reading side of a `Tap` as a raw file."""

    def __init__(self, tap: Tap) -> None:
        self._tap = tap

    def readable(self) -> bool:
        """Whether it can be read: always."""
        return True

    def readinto(self, buffer: WriteableBuffer) -> int:
        """Fill `buffer` from the socket."""
        return self._tap.receive_into(buffer)
