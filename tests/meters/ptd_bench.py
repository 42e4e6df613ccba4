"""A meter whose readings a test puts in, and a client that asks as MLPerf does: for tests of the PTDaemon server."""

from __future__ import annotations

import queue
import socket

from meters.meter import MeterError, MeterTimeout, MeterUnavailable
from meters.reading import Accuracy, Column, Description, Identity, Origin, RangeChoice, Ranging, Reading

POWER = Column("power_w", "W", 0.1, (0.0, 1800.0), Accuracy(1.5, 0.0, 3.0, "manual"))


class FakeMeter:
    """A meter whose readings are put in by the test; an error in the queue is raised."""

    def __init__(
        self, *, ranging: Ranging = "none", identity: Identity | None = None, choices: tuple[RangeChoice, ...] = ()
    ) -> None:
        self.queue: queue.Queue[Reading | MeterError] = queue.Queue()
        self.away = False
        self.reopened = 0
        self._identity = identity or Identity("Acme, Ltd.", "P;1\r\n", "", "1.0")
        volts = Column("voltage_v", "V", 0.1, (0.0, 300.0), None)
        amps = Column("current_a", "A", 0.001, (0.0, 20.0), None)
        self._description = Description(
            "fake", "window", 0.1, "end", 0.0, (POWER, volts, amps), "indicative", ranging, range_choices=choices
        )
        self.closed = False

    def identify(self) -> Identity:
        return self._identity

    def origin(self) -> Origin:
        return Origin("emulated", {})

    def describe(self) -> Description:
        return self._description

    def read(self, timeout_s: float) -> Reading:
        try:
            found = self.queue.get(timeout=timeout_s)
        except queue.Empty:
            raise MeterTimeout("fake: nothing") from None
        if isinstance(found, MeterError):
            raise found
        return found

    def reopen(self) -> None:
        if self.away:
            raise MeterUnavailable("fake: still away")
        self.reopened += 1

    def close(self) -> None:
        self.closed = True

    def show(self, power_w: float, time_ns: int) -> None:
        self.queue.put(Reading(time_ns, power_w, voltage_v=230.0, current_a=0.5))


class Client:
    """Sends lines and takes the first line of each reply, as MLPerf's `Proto` does."""

    def __init__(self, port: int, end: bytes = b"\r\n") -> None:
        self._socket = socket.create_connection(("127.0.0.1", port), timeout=30)
        self._file = self._socket.makefile("rb")
        self._end = end

    def ask(self, command: str) -> str:
        self._socket.sendall(command.encode() + self._end)
        return self.line()

    def line(self) -> str:
        text = self._file.readline()
        assert text.endswith(b"\r\n"), text
        return text[:-2].decode()

    def rows(self) -> list[str]:
        """Every unread row, as MLPerf takes them: the second word of the header is their number."""
        return [self.line() for _ in range(int(self.ask("RL").split(" ")[1]))]

    def __enter__(self) -> Client:
        return self

    def __exit__(self, *_error: object) -> None:
        self._file.close()
        self._socket.close()


STARTED = "Starting untimed measurement, maximum 500000 samples at {}ms with {} rampup samples"
