"""The meter's side of a recorded session: says again, byte for byte, what a meter said (`meters.session`).

Knows: the order of a wire log. Does not know: what the bytes mean; it plays any meter.

What the host says is compared with what the host of the recording said, in order: every byte on a line, however it is
torn; over HTTP request line and body, as the headers name the port, and without what the log withholds of a login: any
password does. Modbus TCP numbers its questions and Yokogawa's
driver its answers from the same start each time, so they come out the same. What is said else raises `ValueError`
with the line of the log, which ends the emulator.

What the meter said follows the bytes of the host it followed in the recording, as soon as it can be sent, or with
`speed` after the recorded time divided by it. A host that speaks before the meter is done gets the rest at once; what
the meter said before the host's first byte is left out when the host does not wait for it. A session is played once.

Not played: ports that vanished, a second connection (the break of an LMG670), a connection that a web server ended
without an answer. Late replies and repeated rows are told by time: they are played truly at `speed` 1 only.
"""

from __future__ import annotations

import os
import re
import select
import time
from collections.abc import Sequence
from typing import Protocol

from meters.emulators.faults import OwnFaults
from meters.emulators.pty_wire import PtyWire
from meters.http_auth import withhold
from meters.wire_log import Exchange

SETTLE_S = 0.3  # pyserial drops what came while it opened a port (serialposix.py, open)
STUFFED_S = 2.0
SHOWN_BYTES = 60
LENGTH = re.compile(rb"\ncontent-length: *([0-9]{1,6})\r?(?:\n|$)", re.IGNORECASE)


class HostsEnd(Protocol):
    """What is asked of the wire."""

    @property
    def connected(self) -> bool:
        """Whether a host has the port open."""
        ...

    def hang_up(self) -> None:
        """End the connection, where there is one."""
        ...


class ReplayDevice:
    """Plays one wire log (`meters.emulators.bench.Device`)."""

    def __init__(self, log: Sequence[Exchange], place: str, *, http: bool, speed: float | None) -> None:
        """`place` is the log's name for messages, `speed` `None` as fast as the host takes it."""
        self._log, self._place, self._http, self._speed = tuple(log), place, http, speed
        self._position = 0
        self._pending = b""
        self._endless = _endless_answers(self._log) if http else frozenset()
        self._is_over = False
        self._wire: HostsEnd | None = None
        self._before_s: float | None = None
        """When the exchange before `_position` took place here; `None` until a host is there."""
        self.faults = OwnFaults()

    def wait_for(self, wire: HostsEnd) -> None:
        """Begin when a host has opened `wire`."""
        self._wire = wire

    @property
    def next_push_s(self) -> float | None:
        """When the meter's next bytes are due, `None` while it is the host's turn and after the end."""
        if self._is_over:
            return self._before_s
        if self._before_s is None or not self._meters_turn:
            return None
        if self._position == 0:
            return self._before_s + SETTLE_S
        if self._speed is None:
            return self._before_s
        recorded_ns = self._log[self._position].time_ns - self._log[self._position - 1].time_ns
        return self._before_s + max(0, recorded_ns) / 1e9 / self._speed

    def receive(self, data: bytes, now_s: float) -> list[bytes]:
        """Compare what the host says; raises `ValueError` where it is something else than recorded."""
        if self._before_s is None and self._wire is not None and self._wire.connected:
            self._before_s = now_s
        self._pending += data
        overtaken: list[bytes] = []
        while self._pending:
            first = self._position == 0
            while self._meters_turn:
                overtaken += [] if first else [self._log[self._position].data]
                self._position += 1
            if not self._take_pending():
                break
            self._before_s = now_s
            self._position += 1
        return overtaken

    def push(self, now_s: float) -> list[bytes]:
        """Return the meter's next bytes, or end the connection where that ends an answer."""
        self._before_s = now_s
        if self._is_over and self._wire is not None:
            self._is_over = False
            self._wire.hang_up()
            return []
        self._is_over = self._position in self._endless
        self._position += 1
        return [self._log[self._position - 1].data]

    @property
    def _meters_turn(self) -> bool:
        return self._position < len(self._log) and self._log[self._position].direction == "<"

    def _take_pending(self) -> bool:
        """Take the host's next bytes off what is pending, if all are there."""
        if self._position == len(self._log):
            raise ValueError(
                f"{self._place}: the session is over after {self._position} lines; found {_shown(self._pending)}, "
                "expected nothing more: a session is played once, start it again"
            )
        expected = self._log[self._position].data
        if not self._http:
            data, self._pending = self._pending[: len(expected)], self._pending[len(expected) :]
            self._check(data, expected[: len(data)], expected)
            if len(data) < len(expected):
                self._pending = data
                return False
            return True
        head, ended, rest = self._pending.partition(b"\r\n\r\n")
        length = LENGTH.search(head)
        body_bytes = int(length[1]) if length else 0
        if not ended or len(rest) < body_bytes:
            return False
        line, body = expected.partition(b"\r\n")[0], expected.partition(b"\r\n\r\n")[2]
        self._check(withhold(head).partition(b"\r\n")[0], line, line)
        self._check(rest[:body_bytes], body, body)
        self._pending = rest[body_bytes:]
        return True

    def _check(self, data: bytes, expected: bytes, whole: bytes) -> None:
        if data != expected:
            raise ValueError(
                f"{self._place}:{self._position + 1}: the host says something else than when this was recorded: found "
                f"{_shown(data)}, expected {_shown(whole)}; give the driver the options of session.json"
            )


class PatientPtyWire(PtyWire):
    """A pty that waits for a host slower than the replay, where a real line would lose bytes."""

    def _write(self, piece: bytes) -> None:
        """Send all of `piece` unless nobody takes any of it for `STUFFED_S`."""
        end_s = time.monotonic() + STUFFED_S
        while piece and self._master is not None and self.listening and time.monotonic() < end_s:
            sent_ns = time.monotonic_ns()
            try:
                taken = os.write(self._master, piece)
                if self._capture is not None:
                    self._capture.record(Exchange(sent_ns, "<", piece[:taken]))
                piece = piece[taken:]
            except BlockingIOError:
                select.select([], [self._master], [], 0.01)
            except OSError:
                return


def _endless_answers(log: Sequence[Exchange]) -> frozenset[int]:
    """Return where the last bytes of each answer stand whose end only hanging up tells (RFC 9112, 6.3)."""
    ends, answer = [], b""
    for position, exchange in enumerate(log):
        answer = answer + exchange.data if exchange.direction == "<" else b""
        is_last = position + 1 == len(log) or log[position + 1].direction == ">"
        head, complete, _body = answer.lower().partition(b"\r\n\r\n")
        if is_last and complete and b"\ncontent-length:" not in head and b"\ntransfer-encoding:" not in head:
            ends.append(position)
    return frozenset(ends)


def _shown(data: bytes) -> str:
    return f"{data[:SHOWN_BYTES]!r}{'...' if len(data) > SHOWN_BYTES else ''}"
