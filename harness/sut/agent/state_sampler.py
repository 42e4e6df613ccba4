"""Indicators of what disturbs a measurement: CPU time of all and of the command, kills, slow-downs.

Knows the kernel's counters. Does not know what is too much.
"""

from __future__ import annotations

import os
import resource
import time
from typing import Any

from harness.sut.agent.columns import column
from harness.sut.agent.small_files import CPU_FILES, KeptFile, read_text

LOOK_S = 1.0
"""Kills and slow-downs are read so often at most."""


class StateSampler:
    """What tells afterwards whether the machine worked undisturbed: CPU time of all and of the command, kills for want
    of memory, slow-downs for heat. The last two are read every LOOK_S at most."""

    def __init__(self, system: str = "") -> None:
        self._vmstat = KeptFile(system + "/proc/vmstat")
        self._throttles = [KeptFile(path) for path in throttle_counts(system)]
        self._command: tuple[int, KeptFile] | None = None
        self._looked_ns = 0
        self._rare: list[int | None] = [None, None]
        self._load_s = 0.0
        self._tick_s = 1.0 / os.sysconf("SC_CLK_TCK")
        oom = "oom_kill of /proc/vmstat" + ("" if self._killed() is not None else ": not known to this kernel")
        throttle = "thermal_throttle/package_throttle_count, sum of packages"
        throttle += "" if self._throttles else ": not supported by this machine"
        self.columns = [
            column("busy_cpu_s", "s", "SUT CPU time of all CPUs that was not idle", "psutil.cpu_times", "counter"),
            column(
                "load_cpu_s",
                "s",
                "CPU time of the command and its descendants (of a live one's children: once they ended)",
                "getrusage(RUSAGE_CHILDREN), /proc/PID/stat",
                "counter",
            ),
            column("oom_kills", "1", "SUT processes killed for want of memory", oom, "counter"),
            column("cpu_throttle_count", "1", "SUT CPU slow-downs for heat", throttle, "counter"),
        ]

    def sample(self, busy_s: float | None, command: int | None, waiters_s: float) -> list[Any]:
        """One value per column; `command` is the pid of the command that runs, `waiters_s` the CPU time of the waiters
        that ended: it is the agent's."""
        now_ns = time.monotonic_ns()
        if now_ns - self._looked_ns >= LOOK_S * 1e9 or not self._looked_ns:
            self._looked_ns = now_ns
            self._rare = [self._killed(), self._throttled()]
        ended = resource.getrusage(resource.RUSAGE_CHILDREN)
        load_s = ended.ru_utime + ended.ru_stime - waiters_s
        if command is not None or self._command is not None:
            load_s += self._ticks(command) * self._tick_s
        # Between the command's end and the waiter's its time stands nowhere.
        self._load_s = max(self._load_s, load_s)
        return [busy_s, round(self._load_s, 3), *self._rare]

    def _ticks(self, command: int | None) -> int:
        """CPU ticks of the command that runs and of its children that ended."""
        if self._command is not None and self._command[0] != command:
            self._command[1].close()
            self._command = None
        if command is None:
            return 0
        if self._command is None:
            self._command = command, KeptFile(f"/proc/{command}/stat")
        fields = (self._command[1].read() or b")").rpartition(b")")[2].split()
        return sum(map(int, fields[11:15]))  # utime stime cutime cstime, proc(5)

    def _killed(self) -> int | None:
        _, key, rest = (self._vmstat.read() or b"").partition(b"\noom_kill ")
        return int(rest[: rest.index(b"\n")]) if key else None

    def _throttled(self) -> int | None:
        return sum(int(file.read() or 0) for file in self._throttles) if self._throttles else None


def throttle_counts(system: str) -> list[str]:
    """The file that counts a package's slow-downs (Intel), one for each package."""
    import glob

    found = {}
    for path in glob.glob(glob.escape(system + CPU_FILES) + "cpu[0-9]*/thermal_throttle/package_throttle_count"):
        cpu = os.path.dirname(os.path.dirname(path))
        found[read_text(cpu + "/topology/physical_package_id")] = path
    return sorted(found.values())
