"""A wire log played back to its driver, in this thread and without waiting: the host of `meters.host.Recording`.

Knows: that a log holds every chunk the driver read and every message it sent, in the order of its calls; that of what
left no trace (a wait that ended without a byte) the stamps tell, or nothing: then there are `Guesses`. Does not know:
what the bytes mean.

The clock is that of the log: it jumps to each chunk that is taken, and runs on while the driver waits in vain. Where
a host stood still is in no log either: it is supposed (`Playback.also_still`), and has to lead on. What the driver
says is compared with the log; over HTTP the request line and the body, as headers name the port and hold logins. A
message that no answer followed made no reading: while a meter is silent or gone the driver may say it or not.
"""

from __future__ import annotations

import errno
import math
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Protocol

from meters.serial_wire import POLL_S
from meters.wire_log import Exchange

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

SLACK_S = 0.02
"""A host is a little slower than the clock of a log that only knows when bytes came."""
MOST_WAITS = 500_000
"""Of a driver, at a quarter of a second each: a day and a half of silence."""
LATE_NS = 1_000_000_000
"""A driver that waits for so long past the next exchange does something else than the one of the recording."""
SHOWN_BYTES = 60


class PlaybackOver(Exception):
    """The meter says no more in this log."""


class Strayed(Exception):
    """The driver says something else than when the log was written; `position` is the exchange, from 0."""

    def __init__(self, position: int, text: str) -> None:
        self.position = position
        super().__init__(text)


class Log(Protocol):
    """The exchanges of a session, each by its place; a tuple is one."""

    def __len__(self) -> int:
        """Return how many there are."""
        ...

    def __getitem__(self, place: int, /) -> Exchange:
        """Return one of them, from 0."""
        ...


class Guesses:
    """What a log leaves open: whether a meter that gave no answer was silent, or its port gone.

    Each is guessed as the one before; where that leads astray, `others` changes the last one first.
    """

    def __init__(self, script: Sequence[bool] = ()) -> None:
        self._script = script
        self._guesses: list[tuple[bool, bool]] = []

    def guess(self) -> bool:
        """Return the next guess; the first is no."""
        usual = self._guesses[-1][0] if self._guesses else False
        taken = self._script[len(self._guesses)] if len(self._guesses) < len(self._script) else usual
        self._guesses.append((taken, usual))
        return taken

    def others(self) -> Guesses | None:
        """Return those to be tried next, `None` where all were."""
        guesses = list(self._guesses)
        while guesses:
            taken, usual = guesses.pop()
            if taken == usual:
                return Guesses([*(before for before, _ in guesses), not usual])
        return None


class Playback:
    """The host on which a session was recorded (`meters.host.Recording`)."""

    def __init__(
        self,
        log: Log,
        unplugged_ns: Sequence[int] = (),
        guesses: Guesses | None = None,
        slack_s: float = SLACK_S,
        still: Mapping[int, float] | None = None,
    ) -> None:
        """`unplugged_ns`: when the port went away, as far as the host noted it. `still`: the exchanges before which the
        host stood still (it was stopped, or slept), and in which of the driver's pauses; `math.inf`: in none."""
        self._log = log
        self._still = still or {}
        self._pauses: Counter[int] = Counter()
        self._unplugged_ns = list(unplugged_ns)
        self._slack_ns = round(slack_s * 1e9)
        self._now_ns = log[0].time_ns if log else 0
        self._waits = 0
        self._silent_at = -1
        self._is_reopened = False
        self._patience_s = POLL_S
        self.guesses = guesses or Guesses()
        self.end = next((place for place in range(len(log), 0, -1) if log[place - 1].direction == "<"), 0)
        """How many exchanges there are up to the meter's last."""
        self.position = 0
        """How many of them were taken."""

    def now_ns(self) -> int:
        """Return the log's clock."""
        return self._now_ns

    def sleep(self, pause_s: float) -> None:
        """Let time pass; who slept before he spoke woke up when he spoke."""
        exchange = self._next()
        self._pauses[self.position] += 1
        woke_late = self._pauses[self.position] >= self._still.get(self.position, 1)
        self._wait(round(pause_s * 1e9))
        if exchange.direction == ">" and woke_late:
            self._now_ns = max(self._now_ns, exchange.time_ns)

    def expect(self, patience_s: float) -> None:
        """Take note how long the next chunk is waited for, in the steps of a port."""
        self._patience_s = POLL_S * max(1, math.ceil(patience_s / POLL_S))

    def listen(self) -> bytes | None:
        """Take what the meter says while the driver listens to a port, `None` where it says nothing."""
        patience_s, self._patience_s = self._patience_s, POLL_S
        return self.hear(patience_s)

    def line(self) -> PlayedLine:
        """Return the port, open; whether it was, the first message through it tells."""
        self._is_reopened = self.position > 0
        return PlayedLine(self)

    def connection(self) -> PlayedConnection:
        """Return a new connection to the meter."""
        self._is_reopened = self.position > 0
        return PlayedConnection(self)

    def hear(self, patience_s: float) -> bytes | None:
        """Take what the meter says within `patience_s`, `None` where it says nothing; raises `PlaybackOver`."""
        exchange = self._next()
        until_ns = self._now_ns + round(patience_s * 1e9)
        is_late = exchange.time_ns > until_ns + self._slack_ns and self.position not in self._still
        if exchange.direction == ">" or is_late:
            self._wait(until_ns - self._now_ns)
            return None
        self._take(exchange)
        return exchange.data

    def overhear(self) -> bytes:
        """Take what was heard before the host's next message; raises `BlockingIOError` where that comes first."""
        if self.position >= self.end or self._next().direction == ">":
            raise BlockingIOError
        exchange = self._next()
        self._take(exchange)
        return exchange.data

    def is_gone(self) -> bool:
        """Whether the port goes away before anything else happens: where it was noted, else by one guess for each
        message that got no answer."""
        if self.was_noted_gone():
            return True
        if self._next().direction == "<" or self._silent_at == self.position:
            return False
        self._silent_at = self.position
        return self.guesses.guess()

    def was_noted_gone(self) -> bool:
        """Whether the host noted that the port went away before anything else happened."""
        if not self._unplugged_ns or self._unplugged_ns[0] > self._next().time_ns:
            return False
        self._now_ns = max(self._now_ns, self._unplugged_ns.pop(0))
        return True

    def say(self, data: bytes, *, http: bool = False) -> None:
        """Compare what the driver says with what was said; raises `Strayed`, and `OSError` where the host went on
        otherwise after it had opened the port again: then it had not."""
        if self.position >= self.end:  # a good-bye; no reading comes of it
            return
        exchange = self._next()
        expected = exchange.data
        if http:
            data, expected = _without_headers(data), _without_headers(expected)
        if exchange.direction == ">" and data == expected:
            self._is_reopened = False
            self._take(exchange)
        elif self._is_in_vain():
            if self._is_reopened:
                self._is_reopened = False
                raise OSError(errno.ENXIO, "the port was not there")
            self._take(exchange)
            self.say(data, http=http)
        else:
            words = f"the meter speaks: {_shown(expected)}" if exchange.direction == "<" else _shown(expected)
            raise Strayed(self.position, f"the driver says {_shown(data)}, in the log {words}")

    def goes_on(self, within_s: float) -> bytes | None:
        """Return what the host says next where it says that so soon, without waiting for the meter."""
        exchange = self._next()
        is_soon = exchange.time_ns < self._now_ns + round(within_s * 1e9)
        return exchange.data if exchange.direction == ">" and is_soon else None

    def back_to(self, position: int) -> None:
        """Take back what was taken since `position`."""
        self.position = position

    def also_still(self) -> Mapping[int, float] | None:
        """Return where the host stood still if it did so before the last exchange that came late, too: first in no
        pause, then in the last one. `None` where all that was supposed, or nothing came late."""
        for place in range(min(self.position, self.end - 1), 0, -1):
            if self._log[place].time_ns - self._log[place - 1].time_ns > LATE_NS:
                supposed, pauses = self._still.get(place), self._pauses[place]
                if supposed is None:
                    return {**self._still, place: math.inf}
                return {**self._still, place: pauses} if supposed == math.inf and pauses else None
        return None

    def _is_in_vain(self) -> bool:
        """Whether no answer followed the next exchange, a message of the host."""
        return self._log[self.position].direction == ">" and self._log[self.position + 1].direction == ">"

    def _next(self) -> Exchange:
        if self.position >= self.end:
            raise PlaybackOver
        return self._log[self.position]

    def _take(self, exchange: Exchange) -> None:
        self._now_ns = exchange.time_ns
        self.position += 1
        while self._unplugged_ns and self._unplugged_ns[0] < self._now_ns:
            self._unplugged_ns.pop(0)

    def _wait(self, pause_ns: int) -> None:
        self._waits += 1
        if self._waits > MOST_WAITS:
            raise Strayed(self.position, "the driver waits without end: the stamps are not those of a session")
        self._now_ns += pause_ns
        while (late_ns := self._now_ns - self._next().time_ns) > self._slack_ns + LATE_NS and self._is_in_vain():
            self.position += 1
        if late_ns > self._slack_ns + LATE_NS:
            raise Strayed(self.position, f"the driver still waits {late_ns / 1e9:.1f} s after this was said")


class PlayedLine:
    """A port (`meters.host.Line`)."""

    in_waiting = 0  # a chunk of the log is all that there was

    def __init__(self, session: Playback) -> None:
        self._session = session

    def read(self, _size: int = 1, /) -> bytes:
        """Return the next chunk; raises `OSError` where the port went away."""
        if self._session.is_gone():
            raise OSError(errno.EIO, "the port went away")
        return self._session.listen() or b""

    def write(self, data: bytes, /) -> int:
        """Compare what is said."""
        self._session.say(data)
        return len(data)

    def flush(self) -> None:
        """Nothing waits here."""

    def apply_settings(self, _settings: Mapping[str, object], /) -> None:
        """A log does not tell how fast a line was."""

    def close(self) -> None:
        """A log knows no closing."""


class PlayedConnection:
    """A connected socket (`meters.host.Connection`)."""

    def __init__(self, session: Playback) -> None:
        self._session = session
        self._timeout_s = 0.0
        self._asked = b""
        self._heard = False
        self._rest = b""

    def settimeout(self, timeout_s: float | None, /) -> None:
        """Set how long a call may take."""
        self._timeout_s = timeout_s or 0.0

    def setblocking(self, _flag: bool, /) -> None:
        """What is there already is never waited for."""

    def recv(self, _size: int, /) -> bytes:
        """Return what came eager: the log has it before the next question; raises `BlockingIOError`."""
        return self._session.overhear()

    def recv_into(self, buffer: WriteableBuffer, /) -> int:
        """Put the next part of the answer into `buffer`, 0 where the log has no more of it."""
        view = memoryview(buffer)
        data = self._rest or self._part()
        view[: len(data[: len(view)])] = data[: len(view)]
        self._rest = data[len(view) :]
        return min(len(data), len(view))

    def _part(self) -> bytes:
        """The next part of the answer. Where there is none the meter was silent, unless the host did not wait for it:
        then the connection had ended, and before an answer began the host asked again at once."""
        try:
            went_on = self._session.goes_on(self._timeout_s)
            if self._session.is_gone() or (not self._heard and went_on == self._asked):
                raise ConnectionResetError(errno.ECONNRESET, "the connection broke")
            if self._heard and went_on is not None:
                return b""
            data = self._session.hear(self._timeout_s)
        except PlaybackOver:
            if not self._heard:
                raise
            return b""
        if data is None:
            raise TimeoutError
        self._heard = True
        return data

    def sendall(self, data: bytes, /) -> None:
        """Compare what is said; raises `OSError` where nobody listened any more."""
        if self._session.was_noted_gone():
            raise ConnectionRefusedError(errno.ECONNREFUSED, "nobody listened")
        self._session.say(data, http=True)
        self._asked, self._heard = data, False

    def close(self) -> None:
        """A log knows no closing."""


def _without_headers(request: bytes) -> bytes:
    """Return the request line and the body."""
    head, _ended, body = request.partition(b"\r\n\r\n")
    return head.partition(b"\r\n")[0] + b" " + body


def _shown(data: bytes) -> str:
    return f"{data[:SHOWN_BYTES]!r}{'...' if len(data) > SHOWN_BYTES else ''}"
