"""The waiter: in a process of its own it starts the command (or the pause), waits for its end and stamps both edges.

Knows the clock, the command's status and its control group. Does not know the journal or the host: it reports through
a pipe, and closes whatever else it inherited.
"""

from __future__ import annotations

import contextlib
import gc
import os
import select
import struct
import subprocess
import sys
import time
from typing import Any

from harness.sut.agent.clocks import stamped
from harness.sut.agent.command import start_command
from harness.sut.agent.lines import line_of
from harness.sut.agent.processes import die_with_parent, wake_on_signals

TICK_S = 2.0
"""The waiter looks at the clock so often. A wake-up costs some 0.1 ms of CPU, a tenth of a sample."""
LATE_S = 0.5
"""A waiter that wakes so long after it was due did not run in between; a freeze of TICK_S + LATE_S is always seen."""
MAX_FROZEN = 64
"""Frozen stretches that are told apart; one more is told as one with the last."""
BEGUN = struct.Struct("=qq")
"""The stamps of the begin, as the waiter says them."""


class Waiter:
    """In a process of its own: starts the command (or the pause), waits for its end, stamps both, and ends."""

    def __init__(self, agent: int, report: int) -> None:
        die_with_parent(agent)
        self._report = report
        for name in os.listdir("/proc/self/fd"):
            # The agent's socket, lock and journal, and the wires of its relays.
            if int(name) > 2 and int(name) != report:
                with contextlib.suppress(OSError):
                    os.close(int(name))
        self._wake, self._wake_writer = wake_on_signals()
        self._poll = select.poll()
        self._poll.register(self._wake, select.POLLIN)
        self._events: int | None = None
        self._frozen: list[list[int]] = []
        self._halted_ns: dict[str, int] = {}
        gc.disable()

    def work(
        self,
        argv: list[str] | None,
        env: dict[str, str],
        cwd: str,
        outputs: list[str],
        duration_s: float,
        cgroup: str | None,
    ) -> None:
        """Begin, start, wait, report."""
        begun = stamped()
        os.write(self._report, BEGUN.pack(*begun.values()))
        command = None
        if argv is not None:
            try:
                command = start_command(argv, env, cwd, outputs, cgroup)
            except (OSError, ValueError, TypeError, subprocess.SubprocessError) as error:
                self._end(stamped(), 127, f"the command could not be started: {error}")
                return
            self._say({"pid": command.pid})
            self._watch(cgroup)
        until_ns = None if argv is not None else begun["sut_ns"] + int(duration_s * 1e9)
        self._end(*self._wait(command, begun["sut_ns"], until_ns), None)

    def _wait(
        self, command: subprocess.Popen[bytes] | None, looked_ns: int, until_ns: int | None
    ) -> tuple[dict[str, int], int]:
        """The stamps of the end, and the exit code (negative: the signal)."""
        while True:
            due_ns = min(looked_ns + int(TICK_S * 1e9), until_ns or sys.maxsize)
            ready = self._poll.poll(max(0, -((time.monotonic_ns() - due_ns) // 1000000)))
            stamps = stamped()
            now_ns = stamps["sut_ns"]
            if now_ns - due_ns > LATE_S * 1e9:
                self._add_frozen(looked_ns, now_ns)
            looked_ns = now_ns
            if ready:
                with contextlib.suppress(BlockingIOError):
                    self._wake.recv(64)
            self._look_at_cgroup(now_ns)
            code = 0 if until_ns is not None and now_ns >= until_ns else self._look_at_command(command, now_ns)
            if code is not None:
                for reason in list(self._halted_ns):
                    self._halt(reason, False, now_ns)
                return stamps, code

    def _look_at_command(self, command: subprocess.Popen[bytes] | None, now_ns: int) -> int | None:
        """Its exit code, null while it runs."""
        while command is not None:
            # Not by Popen, which tells of no stop.
            pid, status = os.waitpid(command.pid, os.WNOHANG | os.WUNTRACED | os.WCONTINUED)
            if pid == 0:
                break
            if os.WIFSTOPPED(status) or os.WIFCONTINUED(status):
                self._halt("stopped", os.WIFSTOPPED(status), now_ns)
            else:
                return -os.WTERMSIG(status) if os.WIFSIGNALED(status) else os.WEXITSTATUS(status)
        return None

    def _watch(self, cgroup: str | None) -> None:
        if cgroup is not None:
            with contextlib.suppress(OSError):
                self._events = os.open(cgroup + "/cgroup.events", os.O_RDONLY | os.O_CLOEXEC)
                self._poll.register(self._events, select.POLLPRI)

    def _look_at_cgroup(self, now_ns: int) -> None:
        if self._events is not None:
            # Reading is what arms the next notification (Linux, Documentation/admin-guide/cgroup-v2).
            self._halt("frozen", b"frozen 1" in os.pread(self._events, 4096, 0), now_ns)

    def _halt(self, reason: str, is_halted: bool, now_ns: int) -> None:
        since_ns = self._halted_ns.setdefault(reason, now_ns) if is_halted else self._halted_ns.pop(reason, None)
        if not is_halted and since_ns is not None:
            self._add_frozen(since_ns, now_ns)

    def _add_frozen(self, from_ns: int, to_ns: int) -> None:
        if len(self._frozen) < MAX_FROZEN:
            self._frozen.append([from_ns, to_ns])
        else:
            self._frozen[-1][1] = to_ns

    def _end(self, stamps: dict[str, int], code: int | None, why: str | None) -> None:
        self._say({"ended": stamps, "code": code, "why": why, "frozen": self._frozen, "cpu_s": time.process_time()})

    def _say(self, report: dict[str, Any]) -> None:
        os.write(self._report, line_of(report))
