"""Sampling: every indicator at once, on a grid of the monotonic clock, into the journal.

Knows the columns and their order, and when the next sample is due. Does not know how an indicator is read.
"""

from __future__ import annotations

import time
from typing import Any

from harness.sut.agent.clocks import cpu_time_s, next_on_grid, stamped
from harness.sut.agent.columns import column
from harness.sut.agent.gpu_sampler import GpuSampler
from harness.sut.agent.journal import Journal
from harness.sut.agent.lines import numbers
from harness.sut.agent.nvml import import_nvml
from harness.sut.agent.own_time import OwnTime
from harness.sut.agent.power_files import PowerFiles
from harness.sut.agent.psutil_files import keep_files_open
from harness.sut.agent.rating import Rating
from harness.sut.agent.state_sampler import StateSampler
from harness.sut.agent.system_sampler import SystemSampler

SAMPLE = b'{"rec":"sample","sut_ns":%d,"sut_wall_ns":%d,"values":%s}\n'


class Sampling:
    """The indicators of the SUT, as one stream. Its descriptor is the journal's first record. `host_pid` is the process
    of the host where that runs on this machine too, 0 where it does not."""

    def __init__(self, journal: Journal, period_s: float, psutil: Any, host_pid: int = 0) -> None:
        self._journal, self._host_pid = journal, host_pid
        self.period_ns = int(period_s * 1e9)
        keep_files_open(psutil)
        self._system = SystemSampler(psutil)
        self._state = StateSampler()
        nvml, gpu_problem = import_nvml()
        self._gpu = None if nvml is None else GpuSampler(nvml, journal.note)
        self._power = PowerFiles()
        self._describe(gpu_problem)
        self.is_on = False
        self.next_ns = 0
        self._missed = 0

    def begin(self) -> None:
        """The first sample is due now, and with it the grid begins."""
        self.is_on, self.next_ns = True, time.monotonic_ns()

    def take(self, own: OwnTime, rating: Rating) -> None:
        """One sample, now; ticks that passed meanwhile are skipped and counted."""
        sut_ns, wall_ns = time.monotonic_ns(), time.time_ns()
        # Power first: it changes faster than anything else here, and the stamps are those of its reading.
        powers = self._power.sample()
        if self._gpu is not None:
            powers += self._gpu.sample()
        values = self._system.sample()
        values.append(round(own.seconds(rating.waiter), 6))
        values += self._state.sample(self._system.busy_s, rating.command, own.waiters_s)
        values += powers
        if self._host_pid:
            values.append(cpu_time_s(self._host_pid))
        self._journal.append(SAMPLE % (sut_ns, wall_ns, numbers(values)))
        self.next_ns, missed = next_on_grid(self.next_ns, time.monotonic_ns(), self.period_ns)
        self._missed += missed

    def finish(self) -> None:
        """No further sample; the journal says how many were skipped."""
        self.is_on = False
        if self._missed:
            self._journal.note("ticks-missed", f"{self._missed} samples were skipped because their time had passed")

    def _describe(self, gpu_problem: str | None) -> None:
        columns = [
            *self._system.columns,
            column("agent_cpu_s", "s", "CPU time of the agent, waiter and relay", "process CPU clocks", "counter"),
            *self._state.columns,
            *self._power.columns,
            *([] if self._gpu is None else self._gpu.columns),
            *([column("host_cpu_s", "s", "CPU time of the host's process", "process CPU clock", "counter")]
              if self._host_pid else []),
        ]  # fmt: skip
        self._journal.write({"rec": "descriptor", **stamped(), "period_s": self.period_ns / 1e9, "columns": columns})
        if gpu_problem:
            self._journal.note("no-gpu", gpu_problem)
        for problem in self._power.problems:
            self._journal.note("no-software-meter", problem)
