"""An agent on this machine, spoken to through its relay as the host does, without SSH; what tests of it share."""

import atexit
import contextlib
import functools
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import psutil

from harness.record.documents import Json
from harness.sut.bundle import agent_source
from tests.sut.conftest import until


@functools.cache
def agent_file() -> Path:
    """The bundle as it lies on a SUT; there until the tests end."""
    folder = Path(tempfile.mkdtemp(prefix="wattlab-agent-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    path = folder / "agent.py"
    path.write_bytes(agent_source())
    return path


def agent_command(*words: str) -> list[str]:
    """A command of the agent, for this interpreter."""
    return [sys.executable, "-I", str(agent_file()), *words]


def facts_of(environment: dict[str, str]) -> Any:  # noqa: ANN401  JSON
    done = subprocess.run(agent_command("facts"), env=environment, capture_output=True, text=True, check=True)
    return json.loads(done.stdout)


class LocalAgent:
    """An agent on this machine and a relay to it; the journal as it arrives is in `records`."""

    def __init__(
        self,
        folder: Path,
        period_s: float = 0.1,
        reconnect_s: float = 20.0,
        environment: dict[str, str] | None = None,
    ) -> None:
        self.folder = folder
        self.records: list[Json] = []
        self.answers: dict[int, Json] = {}
        self.faults: list[str] = []
        self.errors: list[str] = []
        self.offset = 0
        self._number = 0
        self._beating = threading.Event()
        self._lock = threading.Lock()
        command = agent_command(
            "serve", "--folder", str(folder), "--period", str(period_s), "--reconnect", str(reconnect_s)
        )
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
        assert (done.returncode, done.stdout) == (0, "ready\n"), done.stderr
        self.pid = int((folder / "agent.lock").read_text())
        self._relays: list[subprocess.Popen[bytes]] = []
        self._threads: list[threading.Thread] = []

    def __enter__(self) -> Self:
        self.attach()
        self._start(self._beat)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._beating.set()
        if psutil.pid_exists(self.pid):
            os.kill(self.pid, signal.SIGTERM)
        for relay in self._relays:
            relay.wait(20)
        for thread in self._threads:
            thread.join()
        for relay in self._relays:
            for pipe in (relay.stdin, relay.stdout):
                assert pipe is not None
                with contextlib.suppress(OSError):
                    pipe.close()
        until(lambda: not psutil.pid_exists(self.pid), 10.0, "the end of the agent")

    def attach(self) -> Json:
        """A (new) relay, greeted at the offset reached."""
        relay = subprocess.Popen(
            agent_command("attach", "--folder", str(self.folder)), stdin=subprocess.PIPE, stdout=subprocess.PIPE
        )
        with self._lock:
            self._relays.append(relay)
        self._start(self._read, relay)
        return self.ask("hello", offset=self.offset)

    def drop_relay(self) -> None:
        self._relays[-1].kill()
        self._relays[-1].wait()

    def stop_heartbeat(self) -> None:
        self._beating.set()

    def send(self, line: bytes) -> None:
        with self._lock:
            stdin = self._relays[-1].stdin
            assert stdin is not None
            with contextlib.suppress(OSError):
                stdin.write(line)
                stdin.flush()

    def ask(self, operation: str, number: int | None = None, **fields: object) -> Json:
        if number is None:
            with self._lock:
                self._number += 1
                number = self._number
        self.answers.pop(number, None)
        self.send(json.dumps({"id": number, "op": operation, **fields}).encode() + b"\n")
        until(lambda: number in self.answers, 15.0, f"the answer to {operation}")
        return self.answers[number]

    def rate(self, program: str, cwd: Path, **env: str) -> None:
        cwd.mkdir(exist_ok=True)
        answer = self.ask("rate", argv=[sys.executable, "-c", program], env=env, cwd=str(cwd), duration_s=None)
        assert "error" not in answer

    def ended(self, limit_s: float = 20.0) -> Json:
        until(lambda: [r for r in self.of("phase") if r["edge"] == "end"], limit_s, "the end of the rating interval")
        return self.of("phase")[-1]

    def of(self, rec: str) -> list[Json]:
        return [record for record in self.records if record["rec"] == rec]

    def notes(self, code: str) -> list[str]:
        return [record["text"] for record in self.of("note") if record["code"] == code]

    def last_sample(self) -> Json:
        columns = self.of("descriptor")[0]["columns"]
        return {c["name"]: v for c, v in zip(columns, self.of("sample")[-1]["values"], strict=True)}

    def _start(self, work: Any, *arguments: object) -> None:  # noqa: ANN401  any callable
        thread = threading.Thread(target=work, args=arguments)
        self._threads.append(thread)
        thread.start()

    def _beat(self) -> None:
        while not self._beating.wait(0.5):
            self.send(b'{"id":0,"op":"ping"}\n')

    def _read(self, relay: subprocess.Popen[bytes]) -> None:
        assert relay.stdout is not None
        for line in relay.stdout:
            message = json.loads(line)
            if "journal" in message:
                self.records.append(message["journal"])
                self.offset = message["at"]
            elif "id" in message:
                self.answers[message["id"]] = message
            elif "fault" in message:
                self.faults.append(message["fault"])
            if "error" in message:
                self.errors.append(message["error"])


def descendants(pid: int) -> list[psutil.Process]:
    return [child for child in psutil.Process(pid).children(recursive=True) if is_alive(child)]


def is_alive(process: psutil.Process) -> bool:
    with contextlib.suppress(psutil.NoSuchProcess):
        return process.status() != psutil.STATUS_ZOMBIE
    return False
