"""The rating interval: its begin, its end, and the end of whatever its command left.

Knows one interval at a time, and how a load is ended that does not end itself. Does not know who asks for it.
"""

from __future__ import annotations

import contextlib
import os
import signal
import time
from typing import Any

from harness.sut.agent.cgroup import make_cgroup
from harness.sut.agent.clocks import stamped
from harness.sut.agent.journal import Journal
from harness.sut.agent.load import MAX_OUTPUT, NOTHING, Load
from harness.sut.agent.marker_pipe import MarkerPipe
from harness.sut.agent.own_time import OwnTime
from harness.sut.agent.processes import reap, signal_descendants

TERM_S = 5.0
"""Time between TERM and KILL."""
GIVE_UP_S = 60.0
"""A process that not even KILL ends (it hangs in the kernel) is left after this, and the journal says so."""


class Rating:
    """At most one rating interval that runs, and one load that is being ended."""

    def __init__(self, folder: str, journal: Journal, markers: MarkerPipe, own: OwnTime, psutil: Any) -> None:
        self._folder, self._journal, self._markers, self._own, self._psutil = folder, journal, markers, own, psutil
        self.load: Load | None = None
        self.is_running = False
        self.killing_since_ns: int | None = None
        self._cgroup = make_cgroup()
        self._spared: int | None = None
        """pid of the last waiter: it is to tell of the end, so no signal is for it."""
        self._begin_ns: int | None = None
        self._end_reason: str | None = None
        self._name = "rating"

    @property
    def waiter(self) -> int | None:
        """The pid of the waiter that lives."""
        return None if self.load is None else self.load.waiter

    @property
    def command(self) -> int | None:
        """The pid of the command that runs."""
        return None if self.load is None else self.load.pid

    @property
    def is_over(self) -> bool:
        """Whether nothing runs and nothing is being ended."""
        return self.killing_since_ns is None and self.load is None

    def begin(
        self, argv: list[str] | None, env: dict[str, str], cwd: str, duration_s: float, is_service: bool
    ) -> dict[str, Any]:
        """Begin an interval: of a command, or of a pause of `duration_s`; the answer to the host. The life of a service
        is none that is rated: its edges bear another name."""
        if self.is_running or self.killing_since_ns is not None:
            return {"error": "a rating interval already runs"}
        if argv is not None and (not argv or not cwd):
            return {"error": "a command needs an argument list and a folder"}
        self._markers.forget()
        self._end_reason = None
        length_s = float(duration_s) if argv is None else 0.0
        try:
            self.load = Load(argv, env, cwd, os.path.join(self._folder, "markers"), length_s, self._cgroup)
        except OSError as error:
            return {"error": f"the rating interval could not begin: {error.strerror}"}
        self._spared = self.load.waiter
        self.is_running = True
        self._begin_ns = self.load.begun["sut_ns"]
        self._markers.expect_from(self._begin_ns)
        self._name = "service" if is_service else "rating"
        self._journal.phase(self._name, "begin", self.load.begun)
        return {}

    def read_reports(self) -> None:
        """Take in what the waiter reports."""
        report = None if self.load is None else self.load.read_reports()
        if self.load is not None and report is not None:
            self._on_ended(self.load, report)

    def kill(self, reason: str) -> None:
        """End the load, with that reason; nothing where there is none, or where it is being ended already."""
        if self.load is None or self.killing_since_ns is not None:
            return
        self._end_reason = reason
        self.killing_since_ns = time.monotonic_ns()
        if self.load.is_pause:
            self._leave_load()
        else:
            signal_descendants(self._psutil, signal.SIGTERM, self._spared)
            # What is stopped hears of nothing until it goes on; the waiter is to tell of the end.
            signal_descendants(self._psutil, signal.SIGCONT, None)

    def go_on_killing(self, now_ns: int) -> None:
        """Look after a load that is being ended: what TERM did not end, KILL does."""
        if self.killing_since_ns is None:
            return
        killing_s = (now_ns - self.killing_since_ns) / 1e9
        reap()
        # Signal 0 only counts; what did not go by TERM goes by KILL.
        left = signal_descendants(self._psutil, signal.SIGKILL if killing_s > TERM_S else 0, self._spared)
        if (left or self.load is not None) and killing_s > GIVE_UP_S:
            self._journal.note("not-killed", f"{left} processes of the command could not be ended; look at the SUT")
            self._leave_load()
            left = 0
        if left == 0 and self.load is None:
            self.killing_since_ns = None

    def bound_output(self) -> None:
        """Cut what the command wrote where it is too much, and say so once."""
        if self.load is not None and self.load.bound_output():
            self._journal.note(
                "output-cut", f"the command wrote more than {MAX_OUTPUT} bytes of output; the rest was dropped"
            )

    def close(self) -> None:
        """Remove the control group."""
        if self._cgroup is not None:
            with contextlib.suppress(OSError):
                os.rmdir(self._cgroup)

    def _on_ended(self, load: Load, report: dict[str, Any]) -> None:
        self._own.waiters_s += report["cpu_s"]
        load.close()
        self.load = None
        if self.is_running:
            self._end(report["ended"], report["code"], self._end_reason or report["why"], report["frozen"])
        if self.killing_since_ns is None and not load.is_pause:
            left = signal_descendants(self._psutil, signal.SIGTERM, self._spared)
            if left:
                self._journal.note("left-running", f"{left} processes of the command outlived it and were ended")
                self.killing_since_ns = time.monotonic_ns()

    def _end(self, stamps: dict[str, int], exit_code: int | None, reason: str | None, frozen: list[list[int]]) -> None:
        self._markers.read()
        self.is_running = False
        self._markers.tell_bad()
        more = {"exit_code": exit_code, "reason": reason, "begin_ns": self._begin_ns, "frozen": frozen}
        self._journal.phase(self._name, "end", {**stamps, **more})

    def _leave_load(self) -> None:
        """End the interval here and now, whatever the waiter does."""
        if self.load is not None:
            self.load.end_waiter()
            self._on_ended(self.load, {"ended": stamped(), "code": None, "why": None, **NOTHING})
