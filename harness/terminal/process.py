"""The emulator's process, as a run sees it: started, told when to begin, heard, ended.

Knows the lines of `harness.terminal.__main__`. Knows no phase and no run folder: files come open.
"""

import contextlib
import json
import os
import select
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from harness.record.documents import Json
from harness.record.errors import LabError, printable
from harness.terminal.endpoint import Endpoint

READY_S = 60.0
"""Reading a population and a long trace takes seconds."""
END_S = 5.0
HERE = Path(__file__).parents[2]


@dataclass(frozen=True, slots=True)
class Load:
    """What an emulator is to do; the population file and its trace lie beside each other."""

    population: Path
    seed: int
    endpoint: Endpoint
    is_once: bool = False
    """Only each task type once or more, one after the other, unrated."""

    def order(self, tasks: BinaryIO, generator: BinaryIO, answers: BinaryIO | None) -> Json:
        """The first line, with the descriptors that the process inherits."""
        return {
            "population": str(self.population.resolve()), "seed": self.seed, "host": self.endpoint.host,
            "port": self.endpoint.port, "tls": self.endpoint.is_tls, "once": self.is_once,
            "tasks": tasks.fileno(), "generator": generator.fileno(),
            "answers": None if answers is None else answers.fileno(),
        }  # fmt: skip


class EmulatorProcess:
    """The process; made ready by its construction.

    Raises:
        LabError: it cannot do what it is asked (a key that is not there, a trace that cannot be read), or fails.
    """

    def __init__(self, load: Load, tasks: BinaryIO, generator: BinaryIO, answers: BinaryIO | None = None) -> None:
        files = [file for file in (tasks, generator, answers) if file is not None]
        self._rest = b""
        self._process = subprocess.Popen(
            [sys.executable, "-m", "harness.terminal"], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            stderr=subprocess.PIPE, cwd=HERE, pass_fds=[file.fileno() for file in files], start_new_session=True,
        )  # fmt: skip
        try:
            self._say(load.order(tasks, generator, answers))
            end_s = time.monotonic() + READY_S
            while (said := self.hear(1.0)) is None:
                if time.monotonic() > end_s:
                    raise LabError(f"the emulator was not ready within {READY_S:g} s")
        except BaseException:
            self.end()
            raise
        assert said["ready"], said
        self.is_real_time = bool(said["real_time"])
        """Whether it goes before the ordinary processes of this machine."""

    @property
    def pid(self) -> int:
        """Its process."""
        return self._process.pid

    def begin(self, begin_ns: int) -> None:
        """The load begins then, by the monotonic clock."""
        self._say({"begin_ns": begin_ns})

    def hear(self, timeout_s: float) -> Json | None:
        """What it says next; None where it says nothing within so long.

        Raises:
            LabError: it cannot go on, and why.
        """
        output = self._process.stdout
        assert output is not None
        end_s = time.monotonic() + timeout_s
        while b"\n" not in self._rest:
            if not select.select([output], [], [], max(0.0, end_s - time.monotonic()))[0]:
                return None
            block = os.read(output.fileno(), 1 << 16)
            if not block:
                raise LabError(f"the emulator ended by itself: {self._last_words()}")
            self._rest += block
        line, _, self._rest = self._rest.partition(b"\n")
        said: Json = json.loads(line)
        if "error" in said:
            raise LabError(str(said["error"]))
        return said

    def end(self) -> None:
        """End it, wherever it is; what is under way is cut."""
        process = self._process
        assert process.stdin is not None
        with contextlib.suppress(OSError):
            process.stdin.close()
        try:
            process.wait(END_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        for output in (process.stdout, process.stderr):
            if output is not None:
                output.close()

    def _say(self, said: Json) -> None:
        assert self._process.stdin is not None
        try:
            self._process.stdin.write(json.dumps(said).encode() + b"\n")
            self._process.stdin.flush()
        except OSError:
            raise LabError(f"the emulator ended by itself: {self._last_words()}") from None

    def _last_words(self) -> str:
        """The last line of its standard error."""
        try:
            code = self._process.wait(END_S)
        except subprocess.TimeoutExpired:
            return "it says nothing, and still runs"
        assert self._process.stderr is not None
        words = self._process.stderr.read(1 << 16).decode("utf-8", "replace").strip().splitlines()
        return printable(words[-1])[:500] if words else f"exit code {code}"
