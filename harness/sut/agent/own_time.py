"""The CPU time that measuring itself costs the SUT: of the agent, of its waiters and of its relays.

Knows the CPU clocks of these processes and what the ended ones had. Does not know what they do.
"""

from __future__ import annotations

import time

from harness.sut.agent.clocks import cpu_time_s


class OwnTime:
    """A counter, in s, that goes on when a relay is lost or a waiter ends."""

    def __init__(self) -> None:
        self.waiters_s = 0.0
        """CPU time of the waiters that ended."""
        self._relays_s = 0.0
        self._relay: tuple[int, float] | None = None  # pid, CPU time in s

    def follow_relay(self, pid: int) -> None:
        """From now on this relay serves the host, and no other."""
        self._leave_relay()
        self._relay = pid, 0.0

    def seconds(self, waiter: int | None) -> float:
        """All of it up to now; `waiter` is the pid of the waiter that lives."""
        running_s = self._relay_s()
        if waiter is not None:
            # One that ended says with its last word what it had.
            running_s += cpu_time_s(waiter) or 0.0
        return time.process_time() + self._relays_s + self.waiters_s + running_s

    def _relay_s(self) -> float:
        """CPU time of the relay that lives."""
        if self._relay is None:
            return 0.0
        now_s = cpu_time_s(self._relay[0])
        if now_s is None:
            self._leave_relay()
            return 0.0
        self._relay = self._relay[0], now_s
        return now_s

    def _leave_relay(self) -> None:
        if self._relay is not None:
            self._relays_s += self._relay[1]
            self._relay = None
