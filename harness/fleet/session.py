"""A command of wattlab as a process of its own beside a station: `wattlab run`, `wattlab archive add`.

Knows processes, and what `--json` prints. A session ends with its station, however that ends: it is told then as by
SIGTERM, and seals what it was measuring.
"""

import ctypes
import json
import signal
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from typing import IO

from harness.record.documents import Json

PR_SET_PDEATHSIG = 1
"""linux/prctl.h"""
LIBC = ctypes.CDLL(None)
PROBLEM = 1
"""wattlab's exit code of a lab or user problem."""


@dataclass(frozen=True, slots=True)
class Session:
    """A command that runs, or has ended."""

    words: tuple[str, ...]
    process: "subprocess.Popen[bytes]"
    output: IO[bytes]

    @property
    def is_over(self) -> bool:
        """Whether it has ended."""
        return self.process.poll() is not None

    def interrupt(self) -> None:
        """End it as Ctrl-C does: the run underway is cut, and sealed."""
        if not self.is_over:
            self.process.send_signal(signal.SIGINT)

    @property
    def problem(self) -> str | None:
        """Of one that has ended: why it could not do its work; None where it did, be its verdict what it may."""
        code = self.process.returncode
        if code in (0, 3):
            return None
        said = self._document().get("error", {}).get("message")
        name = " ".join(self.words[:2])
        return str(said) if said else f"`wattlab {name}` ended with exit code {code}; its station has said why"

    def _document(self) -> Json:
        self.output.seek(0)
        try:
            found = json.loads(self.output.read())
        except ValueError:
            return {}
        return found if isinstance(found, dict) else {}


def begin(words: Sequence[str], lock: IO[bytes] | None) -> Session:
    """Start `wattlab WORDS --json`, which holds the station's `lock` too. Called in the main thread alone: with the
    thread that starts it a session ends, as prctl(2) has it."""
    output = tempfile.TemporaryFile()  # noqa: SIM115  read when the process has ended
    process = subprocess.Popen(
        [sys.executable, "-m", "harness.cli", *words, "--json"],
        stdin=subprocess.DEVNULL,
        stdout=output,
        start_new_session=True,
        pass_fds=() if lock is None else (lock.fileno(),),
        preexec_fn=_end_with_station,
    )
    return Session(tuple(words), process, output)


def _end_with_station() -> None:
    LIBC.prctl(PR_SET_PDEATHSIG, signal.SIGTERM)
    for number in (signal.SIGINT, signal.SIGTERM):  # what a shell starts beside itself is born deaf
        signal.signal(number, signal.SIG_DFL)
