"""Fixtures at the wire: a bare pty with a scripted meter behind it, and the emulator as a process of its own."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from meters.emulators.__main__ import EMULATORS
from meters.emulators.faults import send_fault
from tests.meters.far_ends import BarePty

VERSION_REPLY = b"#v,-,8,1,0,1,3,4,12,20050814,0;\r\n"
HEADER_REPLY = b"#h,-,18,W,V,A,WH,Cost,WH/Mo,Cost/Mo,Wmax,Vmax,Amax,Wmin,Vmin,Amin,PF,DC,PC,Hz,VA;\r\n"
FIRST_LINE = b"#d,-,18,972,2277,433,5,0,70035,5602,973,2280,435,972,2274,432,95,0,0,500,1020;\r\n"


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
