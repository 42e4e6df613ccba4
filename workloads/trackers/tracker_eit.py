"""The published method of experiment-impact-tracker (Henderson et al. 2020), whose package no longer installs.

Knows the method as the package's code has it (Breakend/experiment-impact-tracker: compute_tracker, gpu/nvidia,
cpu/intel, utils): a poll stamps its row first; then RAPL over 2 s where the machine has it, five readings of every
process's SM load 1 s apart (`nvidia-smi pmon -c 5`), and one snapshot of each board's power (`nvidia-smi -q -x`); then
it sleeps. A row is held over the time since the row before, the last one also to the end; the sum is multiplied by a
power usage effectiveness of 1.58. A board counts only with the share of the process tree in the SM load of all
processes, so without a GPU process it counts nothing. Does not know the harness.

Left out, because it measures nothing: the writing test of the disk (0.5 s of every poll) and the carbon intensity. What
the package's own processes drew is therefore not what this adapter draws. Where a machine has a GPU but no RAPL the
package's last version fails in its sum; here the GPU is reported alone.
"""

from __future__ import annotations

import os
import threading
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

import psutil
from tracker_counters import POWERCAP, Boards, Counters, zones
from tracking import TRACKERS, Report

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

PUE = 1.58
PMON_READINGS, PMON_S = 5, 1.0
RAPL_S = 2.0
WH = 3.6e12  # ns*W


@dataclass(frozen=True)
class Row:
    """One poll: its stamp (ns), the attributed power of GPU and CPU (W), what the boards drew in all (W)."""

    time_ns: int
    gpu_w: float
    cpu_w: float
    boards_w: float


class Stopped(Exception):
    """The run is over; the poll under way is lost, as when the package ends its process."""


class ImpactTracker:
    """See `tracking.Tracker`. `clock` and `wait` (true: the run is over) are for tests on a constructed trace."""

    def __init__(
        self,
        folder: Path,
        period_s: float,
        powercap: Path = POWERCAP,
        clock: Callable[[], int] = time.monotonic_ns,
        wait: Callable[[float], bool] | None = None,
    ) -> None:
        self._folder, self._period_s, self._clock = folder, period_s, clock
        self._end = threading.Event()
        self._wait = wait or self._end.wait
        self._thread = threading.Thread(target=self.follow, name="eit", daemon=True)
        self._boards = Boards()
        self._zones, self._problems = zones(powercap)
        self._counters = Counters(self._zones)
        self._rows: list[Row] = []
        self._begin_ns = 0
        self._on_a_board = False

    def start(self) -> int:
        """Begin, polling in a thread."""
        self._begin_ns = self._clock()
        if self._readable():
            self._thread.start()
        return self._begin_ns

    def so_far(self, action: str) -> None:
        """It sums once, at the end."""

    def stop(self) -> Report:
        """End; the sum over its rows."""
        end_ns = self._clock()
        self._end.set()
        if self._thread.is_alive():
            self._thread.join()
        self._write_rows()
        gpu_wh = energy_wh(self._begin_ns, [(row.time_ns, row.gpu_w) for row in self._rows], end_ns)
        cpu_wh = energy_wh(self._begin_ns, [(row.time_ns, row.cpu_w) for row in self._rows], end_ns)
        parts = {"cpu": cpu_wh if self._zones else None, "gpu": gpu_wh if len(self._boards) else None, "ram": None}
        measured = [part for part in parts.values() if part is not None]
        return Report(
            version="published method",
            end_ns=end_ns,
            reported_wh=PUE * sum(measured) if measured and self._rows else None,
            parts_wh=parts if self._rows else {},
            methods={
                "cpu": "RAPL times the process's share of CPU time and memory" if self._zones else "none",
                "gpu": "one power snapshot a poll times the process's SM share" if len(self._boards) else "none",
                "ram": "in cpu" if self._zones else "none",
            },
            polls=len(self._rows),
            factor=PUE,
            factor_reason=f"the power usage effectiveness of data centres, {PUE:g}: its energies hold it",
            problems=self._sentences(end_ns),
        )

    def follow(self) -> None:
        """Poll until stopped."""
        try:
            while True:
                self._rows.append(self._poll())
                self._pause(self._period_s)
        except Stopped:
            pass
        except (OSError, psutil.Error) as error:
            self._problems.append(f"polling ended after {len(self._rows)} rows: {error}")

    def _readable(self) -> bool:
        return bool(self._zones) or len(self._boards) > 0

    def _pause(self, seconds: float) -> None:
        if self._wait(seconds):
            raise Stopped

    def _poll(self) -> Row:
        time_ns, processes = self._clock(), family()
        cpu_w = self._cpu_w(processes) if self._zones else 0.0
        gpu_w, boards_w = self._gpu_w({process.pid for process in processes}) if len(self._boards) else (0.0, 0.0)
        return Row(time_ns, gpu_w, cpu_w, boards_w)

    def _gpu_w(self, ours: set[int]) -> tuple[float, float]:
        """SM loads over five readings, then one snapshot of the power."""
        boards = range(len(self._boards))
        loads: list[dict[int, float]] = [{} for _ in boards]
        since_us = [int(time.time() * 1e6)] * len(self._boards)
        for _ in range(PMON_READINGS):
            self._pause(PMON_S)
            for board in boards:
                reading, since_us[board] = self._boards.sm_loads(board, since_us[board])
                for pid, load in reading.items():
                    loads[board][pid] = loads[board].get(pid, 0.0) + load / PMON_READINGS
        gpu_w = boards_w = 0.0
        for board in boards:
            power_w, everyone = self._boards.power_w(board), sum(loads[board].values())
            listed = self._boards.processes(board) & ours
            self._on_a_board = self._on_a_board or bool(listed)
            share = sum(loads[board].get(pid, 0.0) for pid in listed) / everyone if everyone else 0.0
            gpu_w, boards_w = gpu_w + share * power_w, boards_w + power_w
        return gpu_w, boards_w

    def _cpu_w(self, processes: list[psutil.Process]) -> float:
        """RAPL's power over 2 s times the processes' share: of CPU time, for memory of the memory in use."""
        before, begun_ns = self._read(), self._clock()
        used_s, all_s = [cpu_s(process) for process in processes], -machine_s()
        self._pause(RAPL_S)
        now, seconds = self._read(), (self._clock() - begun_ns) / 1e9
        all_s += machine_s()
        ours_s = sum(max(cpu_s(process) - earlier_s, 0.0) for process, earlier_s in zip(processes, used_s, strict=True))
        cpu_share = ours_s / all_s if all_s else 0.0
        power_w = {"package": 0.0, "core": 0.0, "dram": 0.0}
        for zone, earlier, later in zip(self._zones, before, now, strict=True):
            counted = zone.kind in power_w and self._counters.mirrors(zone) is None
            if counted and zone.top == (zone.kind == "package"):
                power_w[zone.kind] += (zone.counted_uj(earlier, later) or 0) / 1e6 / seconds
        memory_share = sum(memory_of(process) for process in processes) / used_memory() if power_w["dram"] else 0.0
        rest_w = power_w["package"] - power_w["dram"] - power_w["core"]
        return (power_w["core"] + rest_w) * cpu_share + power_w["dram"] * memory_share

    def _read(self) -> list[int]:
        """The counters, uJ."""
        return [self._counters.read_uj(zone) for zone in self._zones]

    def _sentences(self, end_ns: int) -> list[str]:
        said = [*self._problems, *self._counters.sentences(self._zones)]
        if self._boards.problem:
            said.append(self._boards.problem)
        if not self._readable():
            said.append("neither a GPU nor RAPL can be read: it measured nothing")
        elif not self._rows:
            said.append(f"the run was over after {(end_ns - self._begin_ns) / 1e9:.1f} s, before the first poll was")
        elif len(self._boards) and not self._on_a_board:
            said.append("no process of the run was on a GPU: the method counts 0 for it, whatever the boards drew")
        return said

    def _write_rows(self) -> None:
        lines = ["time_ns,gpu_attributed_w,cpu_attributed_w,boards_w"]
        lines += [f"{row.time_ns},{row.gpu_w!r},{row.cpu_w!r},{row.boards_w!r}" for row in self._rows]
        (self._folder / TRACKERS["eit"].raw).write_text("\n".join(lines) + "\n", encoding="utf-8")


def energy_wh(begin_ns: int, rows: list[tuple[int, float]], end_ns: int) -> float:
    """The package's sum (utils.gather_additional_info): each power over the time since the row before, the last one
    also from its stamp to the end. Stamps in ns, powers in W."""
    if not rows:
        return 0.0
    stamps = [begin_ns, *(time_ns for time_ns, _ in rows), end_ns]
    powers = [*(power_w for _, power_w in rows), rows[-1][1]]
    held = zip(stamps[:-1], stamps[1:], powers, strict=True)
    return sum((later - earlier) * power_w for earlier, later, power_w in held) / WH


def family() -> list[psutil.Process]:
    """This process and everything below it."""
    me = psutil.Process(os.getpid())
    return [me, *me.children(recursive=True)]


def machine_s() -> float:
    """CPU time of everything on the machine, as the package takes it: user and system."""
    times = psutil.cpu_times()
    return float(times.user + times.system)


def cpu_s(process: psutil.Process) -> float:
    """CPU time of a process, 0 once it has ended."""
    try:
        times = process.cpu_times()
    except psutil.NoSuchProcess:
        return 0.0
    return float(times.user + times.system)


def memory_of(process: psutil.Process) -> float:
    """Its unshared and its part of the shared memory, as the package adds them; where that is closed, the resident."""
    try:
        full = process.memory_full_info()
        return float(full.uss + full.pss)
    except psutil.AccessDenied:
        return float(process.memory_info().rss)
    except psutil.NoSuchProcess:
        return 0.0


def used_memory() -> float:
    """Memory in use on the machine, byte."""
    memory = psutil.virtual_memory()
    return float(memory.total - memory.available)


def adapter(folder: Path, period_s: float, *, epochs: bool) -> ImpactTracker:
    """The tracker, not yet started; it counts the whole run, with epochs or without."""
    return ImpactTracker(folder, period_s)
