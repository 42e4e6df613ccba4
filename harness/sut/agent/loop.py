"""The agent's loop: one thread that waits for whatever comes first and has each part do its share.

Knows the parts, when each is due, and when the agent ends. Does not know how a part does its work.
"""

from __future__ import annotations

import select
import signal
import time
from typing import Any

from harness.sut.agent.clients import Clients
from harness.sut.agent.journal import Journal
from harness.sut.agent.marker_pipe import MarkerPipe
from harness.sut.agent.own_time import OwnTime
from harness.sut.agent.processes import reap, wake_on_signals
from harness.sut.agent.rating import Rating
from harness.sut.agent.requests import Requests
from harness.sut.agent.sampling import Sampling

KILL_POLL_NS = 50_000_000
"""A load that is being ended is looked after so often."""
HOUSEKEEPING_NS = 1_000_000_000
"""The output of the command is looked after so often."""
LONGEST_NS = 10_000_000_000
"""It waits for nothing longer than that."""


class Agent:
    """Samples, relays, runs the command. Its folder is the working directory."""

    def __init__(self, folder: str, period_s: float, reconnect_s: float, psutil: Any, host_pid: int = 0) -> None:
        self._reconnect_ns = int(reconnect_s * 1e9) + 1
        self._journal = Journal("journal.jsonl")
        self._sampling = Sampling(self._journal, period_s, psutil, host_pid)
        self._clients = Clients(self._journal)
        self._wake, self._wake_writer = wake_on_signals()
        self._markers = MarkerPipe(self._journal)
        self._own = OwnTime()
        self._rating = Rating(folder, self._journal, self._markers, self._own, psutil)
        self._requests = Requests(self._journal, self._clients, self._sampling, self._rating, self._own, self._end)
        self._ending, self._faulted = False, False
        self._kept_house_ns = time.monotonic_ns()
        self._sampling.begin()

    def run(self) -> None:
        """Until the host says bye, falls silent, or a signal comes."""
        always = [self._clients.listener.fileno(), self._wake.fileno(), self._markers.file]
        while not (self._ending and self._rating.is_over):
            # What the waiter reports comes first: a load that ended was not killed.
            reports = [] if self._rating.load is None else [self._rating.load.reports]
            watched = [*reports, *always, *self._clients.readers]
            for ready in select.select(watched, self._clients.writers, [], self._timeout_s())[0]:
                self._on_readable(ready)
            now_ns = time.monotonic_ns()
            if self._sampling.is_on and now_ns >= self._sampling.next_ns:
                self._sampling.take(self._own, self._rating)
            self._look_after(now_ns)
            self._clients.send()
        self._journal.flush()
        self._clients.flush()
        self._rating.close()

    def _timeout_s(self) -> float:
        now_ns = time.monotonic_ns()
        due_ns = now_ns + LONGEST_NS
        if not self._ending:
            due_ns = min(due_ns, self._requests.heard_ns + self._reconnect_ns)
        if self._sampling.is_on:
            due_ns = min(due_ns, self._sampling.next_ns)
        if self._rating.killing_since_ns is not None:
            due_ns = min(due_ns, now_ns + KILL_POLL_NS)
        elif self._rating.load is not None and not (
            self._sampling.is_on and self._sampling.period_ns <= HOUSEKEEPING_NS
        ):
            # Where samples wake it so often, none of its own.
            due_ns = min(due_ns, self._kept_house_ns + HOUSEKEEPING_NS)
        return max(0.0, (due_ns - now_ns) / 1e9)

    def _on_readable(self, file: int) -> None:
        if file in self._clients.readers:
            self._on_words(file)
        elif self._rating.load is not None and file == self._rating.load.reports:
            self._rating.read_reports()
        elif file == self._markers.file:
            self._markers.read()
        elif file == self._wake.fileno():
            self._on_signal(self._wake.recv(64))
        elif file == self._clients.listener.fileno():
            self._clients.accept()

    def _on_words(self, file: int) -> None:
        words = self._clients.receive(file)
        if words is not None:
            connection, lines = words
            for line in lines:
                if line:
                    self._requests.take(connection, line)

    def _on_signal(self, numbers: bytes) -> None:
        if signal.SIGTERM in numbers and not self._ending:
            self._journal.note("ended", "the agent was told to end (SIGTERM)")
            self._end("the agent was told to end (SIGTERM)")
        reap()

    def _look_after(self, now_ns: int) -> None:
        if self._rating.killing_since_ns is not None:
            self._rating.go_on_killing(now_ns)
        if now_ns - self._requests.heard_ns >= self._reconnect_ns and not self._ending:
            self._on_silence(now_ns)
        if now_ns - self._kept_house_ns >= HOUSEKEEPING_NS:
            self._kept_house_ns = now_ns
            self._rating.bound_output()
        if self._journal.fault is not None and not self._faulted:
            self._on_fault(self._journal.fault)

    def _on_silence(self, now_ns: int) -> None:
        silent_s = (now_ns - self._requests.heard_ns) / 1e9
        self._journal.note(
            "dead-man", f"no word of the host for {silent_s:.1f} s: the load is ended, and so is the agent"
        )
        self._end("the link was lost for longer than reconnect_s")

    def _on_fault(self, fault: str) -> None:
        self._faulted = True
        self._sampling.is_on = False
        self._clients.tell(fault)
        self._rating.kill(fault)

    def _end(self, reason: str) -> None:
        self._rating.kill(reason)
        self._ending, self._sampling.is_on = True, False
