"""Fakes at the wire: a bare pty with a scripted meter behind it, and the emulator as a process of its own."""

from __future__ import annotations

import json
import os
import re
import select
import signal
import subprocess
import sys
import threading
import time
import tty
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from meters.emulators.__main__ import EMULATORS
from meters.emulators.faults import send_fault

VERSION_REPLY = b"#v,-,8,1,0,1,3,4,12,20050814,0;\r\n"
HEADER_REPLY = b"#h,-,18,W,V,A,WH,Cost,WH/Mo,Cost/Mo,Wmax,Vmax,Amax,Wmin,Vmin,Amin,PF,DC,PC,Hz,VA;\r\n"
FIRST_LINE = b"#d,-,18,972,2277,433,5,0,70035,5602,973,2280,435,972,2274,432,95,0,0,500,1020;\r\n"


class BarePty:
    """A pty whose far end answers literal bytes to requests that match; nothing of the emulator is in it."""

    request = rb"#[^;]*;"
    """What one request looks like."""

    def __init__(self) -> None:
        self.master, slave = os.openpty()
        tty.setraw(slave)
        self._slave = slave
        self.path = os.ttyname(slave)
        self.heard = b""
        self.answers: list[tuple[bytes, bytes]] = []
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._serve)
        self._thread.start()

    def send(self, data: bytes) -> None:
        os.write(self.master, data)

    def _serve(self) -> None:
        pending = b""
        while not self._closing.is_set():
            if not select.select([self.master], [], [], 0.02)[0]:
                continue
            data = os.read(self.master, 4096)
            self.heard += data
            pending += data
            end = 0
            for request in re.finditer(self.request, pending):
                end = request.end()
                for pattern, reply in self.answers:
                    if re.fullmatch(pattern, request.group()):
                        self.send(reply)
            pending = pending[end:]

    def close(self) -> None:
        self._closing.set()
        self._thread.join()
        os.close(self.master)
        os.close(self._slave)


@pytest.fixture
def bare_pty() -> Iterator[BarePty]:
    pty = BarePty()
    yield pty
    pty.close()


@pytest.fixture
def talking_pty(bare_pty: BarePty) -> BarePty:
    """A bare pty that goes through the start-up dialogue like an 18-field PRO and sends one line."""
    bare_pty.answers = [
        (rb"#V,R,0;", VERSION_REPLY),
        (rb"#H,R,0;", HEADER_REPLY),
        (rb"#L,W,3,E,0,1;", FIRST_LINE),
    ]
    return bare_pty


class EmulatorProcess:
    """`python -m meters.emulators` with its port and control pipe; on TCP where that is the meter's only wire."""

    def __init__(self, folder: Path, name: str, *arguments: str) -> None:
        self.port = folder / "wall"
        where = ["--link", str(self.port)]
        if (name in EMULATORS and EMULATORS[name].wire != "serial") or "--listen" in arguments:
            where = ["--control", str(folder / "wall.control")]
            if "--listen" not in arguments:
                where += ["--listen", "127.0.0.1:0"]
        command = [sys.executable, "-m", "meters.emulators", name, *where, *arguments]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        self.ready: dict[str, Any] = json.loads(line) if line else {}
        self.address = self.ready.get("port", "")

    def fault(self, text: str) -> None:
        send_fault(Path(self.ready["control"]), text)

    def stop(self, number: int = signal.SIGTERM) -> tuple[int, str]:
        """End the process and return its exit code and what it said on stderr."""
        if self.process.poll() is None:
            self.process.send_signal(number)
        _out, err = self.process.communicate(timeout=40)
        return self.process.returncode, err


StartEmulator = Callable[..., EmulatorProcess]


@pytest.fixture
def start_emulator(tmp_path: Path) -> Iterator[StartEmulator]:
    started: list[EmulatorProcess] = []

    def start(*arguments: str, name: str = "wattsup") -> EmulatorProcess:
        folder = tmp_path / f"emulator-{len(started)}"
        folder.mkdir()
        started.append(EmulatorProcess(folder, name, *arguments))
        return started[-1]

    yield start
    for emulator in started:
        emulator.stop()


def wait_until(true: Callable[[], bool], what: str, timeout_s: float = 30.0) -> None:
    end = time.monotonic() + timeout_s
    while not true():
        assert time.monotonic() < end, f"waited {timeout_s} s for {what}"
        time.sleep(0.01)
