"""Far ends of wires for tests: ptys with literal bytes behind them, and wires that are no file at all.

Knows what a wire is to a driver. Nothing of an emulator is in it; what is answered is the test's.
"""

from __future__ import annotations

import os
import re
import select
import threading
import time
import tty
from collections.abc import Callable
from typing import Protocol

from meters.deadline import Deadline
from meters.meter import MeterTimeout
from meters.wire import Chunk


class FarEnd:
    """A pty whose far end hears what is written, in a thread that starts with it; what it answers is the subclass's,
    which sets what it needs before it calls this."""

    def __init__(self) -> None:
        self.master, self._slave = os.openpty()
        tty.setraw(self._slave)
        self.path = os.ttyname(self._slave)
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._serve)
        self._thread.start()

    def hear(self, data: bytes) -> None:
        """Some bytes arrived."""
        raise NotImplementedError

    def send(self, data: bytes) -> None:
        os.write(self.master, data)

    def _serve(self) -> None:
        while not self._closing.is_set():
            if select.select([self.master], [], [], 0.02)[0]:
                self.hear(os.read(self.master, 4096))

    def close(self) -> None:
        self._closing.set()
        self._thread.join()
        os.close(self.master)
        os.close(self._slave)


class BarePty(FarEnd):
    """Answers literal bytes to requests that match."""

    request = rb"#[^;]*;"
    """What one request looks like."""

    def __init__(self) -> None:
        self.heard = self._pending = b""
        self.answers: list[tuple[bytes, bytes]] = []
        super().__init__()

    def hear(self, data: bytes) -> None:
        self.heard += data
        self._pending += data
        end = 0
        for request in re.finditer(self.request, self._pending):
            end = request.end()
            for pattern, reply in self.answers:
                if re.fullmatch(pattern, request.group()):
                    self.send(reply)
        self._pending = self._pending[end:]


class FakeWire:
    """A wire whose far end is a function from what is written to the chunks that come back."""

    port = "fake"
    peer = None

    def __init__(self, answer: Callable[[bytes], list[bytes]]) -> None:
        self.answer = answer
        self.sent: list[bytes] = []
        self.waiting: list[bytes] = []
        self.open = True

    def now_ns(self) -> int:
        """What a chunk that is read now is stamped with."""
        return time.monotonic_ns()

    def write(self, data: bytes) -> None:
        self.sent.append(data)
        self.waiting += self.answer(data)

    def read_chunk(self, deadline: Deadline) -> Chunk:
        if not self.waiting:
            raise MeterTimeout("fake: no byte arrived before the deadline")
        return Chunk(self.now_ns(), self.waiting.pop(0))

    def reopen(self) -> None:
        self.waiting.clear()

    def close(self) -> None:
        self.waiting.clear()
        self.open = False


class Device(Protocol):
    """An emulated device in virtual time."""

    def receive(self, data: bytes, now_s: float, /) -> list[bytes]:
        """What it answers, in chunks."""
        ...


class DeviceWire(FakeWire):
    """A line without length to an emulated device; `now_s` is the clock of both."""

    port = "/dev/null"  # a character device that is no pty, for the attestation

    def __init__(self, device: Device) -> None:
        super().__init__(lambda data: device.receive(data, self.now_s))
        self.now_s = 0.0

    def now_ns(self) -> int:
        return round(self.now_s * 1e9)
