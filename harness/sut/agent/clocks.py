"""Clocks of the SUT: the two that stamp a record, the grid of samples on one of them, and the CPU time clock of another
process.

Knows Linux's clock numbers. Does not know what is stamped.
"""

from __future__ import annotations

import time


def stamped() -> dict[str, int]:
    """Both clocks, now."""
    return {"sut_ns": time.monotonic_ns(), "sut_wall_ns": time.time_ns()}


def next_on_grid(due_ns: int, now_ns: int, period_ns: int) -> tuple[int, int]:
    """(when the next sample is due, how many are skipped because their time has passed), after the one that was due."""
    missed = (now_ns - due_ns) // period_ns
    return due_ns + (missed + 1) * period_ns, missed


def cpu_time_s(pid: int) -> float | None:
    """CPU time of another process, s; null when it is gone."""
    try:
        return time.clock_gettime((~pid << 3) | 2)  # as clock_getcpuclockid(3) makes the number on Linux
    except OSError:
        return None
