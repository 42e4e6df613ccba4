"""The load of a rating interval, as the agent sees it: a command or a pause, behind the waiter.

Knows the waiter's reports and the files of the command's output. Does not know the interval's place in the journal.
"""

from __future__ import annotations

import contextlib
import errno
import json
import os
import select
import signal
from typing import Any

from harness.sut.agent.clocks import stamped
from harness.sut.agent.waiter import BEGUN, Waiter

MAX_OUTPUT = 4 << 20
"""Bytes kept of the command's standard output, and of its standard error."""
WAITER_S = 10.0
"""A waiter that has not begun so long after it was started does not run."""
NOTHING: dict[str, Any] = {"frozen": [], "cpu_s": 0.0}
"""What an end has to say that no waiter told of."""


def module_path(cwd: str) -> dict[str, str]:
    """PYTHONPATH, so that a program that lies elsewhere finds `wattlab_markers` in the work folder: after all that the
    machine's own names."""
    own = os.environ.get("PYTHONPATH")
    return {"PYTHONPATH": os.pathsep.join([*([own] if own else []), os.path.abspath(cwd)])} if cwd else {}


class Load:
    """What one rating interval is of: a command in a session of its own with everything that descends from it, or a
    pause. The waiter that stands between it and the agent reports through a pipe.

    Raises:
        OSError: no waiter could be started.
    """

    def __init__(
        self,
        argv: list[str] | None,
        env: dict[str, str],
        cwd: str,
        marker_path: str,
        duration_s: float,
        cgroup: str | None,
    ) -> None:
        artifacts = os.path.join(cwd or ".", "artifacts")
        self.is_pause = argv is None
        self.pid: int | None = None
        self._outputs = [] if argv is None else [os.path.join(artifacts, name) for name in ("stdout.txt", "stderr.txt")]
        self._overflowed = False
        self.reports, writable = os.pipe()
        agent = os.getpid()
        self.waiter = os.fork()
        if self.waiter == 0:
            try:
                waiter = Waiter(agent, writable)
                named = {"WATTLAB_MARKERS": marker_path, "WATTLAB_ARTIFACTS": artifacts}
                environment = {**os.environ, **env, **named, **module_path(cwd)}
                waiter.work(argv, environment, cwd, self._outputs, duration_s, cgroup)
            finally:
                os._exit(0)
        os.close(writable)
        os.set_blocking(self.reports, False)
        try:
            self.begun = self._wait_begun()
        except OSError:
            self.end_waiter()
            self.close()
            raise

    def _wait_begun(self) -> dict[str, int]:
        """When the interval began: the waiter's first word."""
        if not select.select([self.reports], [], [], WAITER_S)[0]:
            raise OSError(errno.ETIMEDOUT, f"what waits for the command did not begin within {WAITER_S:g} s")
        stamps = os.read(self.reports, BEGUN.size)
        if len(stamps) != BEGUN.size:
            raise OSError(errno.ECHILD, "what waits for the command was killed before it began")
        return dict(zip(("sut_ns", "sut_wall_ns"), BEGUN.unpack(stamps)))

    def read_reports(self) -> dict[str, Any] | None:
        """Take in what the waiter said; its last word where that was there, made up here when it ended without one."""
        try:
            block = os.read(self.reports, 1 << 16)
        except BlockingIOError:
            return None
        if not block:
            return {"ended": stamped(), "code": None, "why": "what waits for the command was killed", **NOTHING}
        reports: list[dict[str, Any]] = [json.loads(line) for line in block.splitlines()]
        self.pid = next((report["pid"] for report in reports if "pid" in report), self.pid)
        return next((report for report in reports if "ended" in report), None)

    def bound_output(self) -> bool:
        """Cut what the command wrote back to MAX_OUTPUT; true the first time that was needed."""
        for path in self._outputs:
            if os.path.exists(path) and os.path.getsize(path) > MAX_OUTPUT:
                os.truncate(path, MAX_OUTPUT)
                first, self._overflowed = not self._overflowed, True
                return first
        return False

    def end_waiter(self) -> None:
        """End the waiter, and with it the command, if they still run."""
        with contextlib.suppress(ProcessLookupError):
            os.kill(self.waiter, signal.SIGKILL)

    def close(self) -> None:
        """Let go of the pipe."""
        os.close(self.reports)
