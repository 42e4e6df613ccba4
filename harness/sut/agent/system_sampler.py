"""Indicators of the whole machine: CPU, memory, disk, network, temperature.

Knows psutil's four functions that say them, and the file of the CPU's own sensor. Does not know when a sample is due.
"""

from __future__ import annotations

import os
import sys
from typing import Any

from harness.sut.agent.columns import column
from harness.sut.agent.small_files import KeptFile, number_in, read_text

NONE_BEFORE = (sys.maxsize,) * 4
"""Counters that leave the gauges of the first sample empty."""


class SystemSampler:
    """CPU, memory, disk, network through psutil; the columns of docs/run-folder.md.

    Disk and network are kB (1000 byte) since the sample before (empty in the first); CPU is the mean over that
    interval. Memory is KiB, in two quantities that psutil's `used` has both been. A counter that went backwards (an
    interface or a disk was removed) leaves its cell empty.
    """

    def __init__(self, psutil: Any) -> None:
        self._psutil = psutil
        self._disks = whole_disks(psutil.disk_io_counters(perdisk=True, nowrap=False) or {})
        disks = "psutil.disk_io_counters, sum of " + (" ".join(sorted(self._disks)) or "no disk")
        net = "psutil.net_io_counters, sum of all interfaces but lo"
        self.columns = [
            column(
                "cpu_percent", "%", "SUT total CPU load", "psutil.cpu_times; iowait is idle, guest time is in user time"
            ),
            column(
                "ram_used_kib",
                "KiB",
                "SUT memory in use: total - available",
                "psutil.virtual_memory(): total - available",
            ),
            column(
                "ram_not_free_kib",
                "KiB",
                "SUT memory that is not free: total - free, caches included",
                "psutil.virtual_memory(): total - free",
            ),
            column(
                "ram_percent",
                "%",
                "SUT share of memory in use",
                "psutil.virtual_memory().percent: (total - available) / total",
            ),
            column("disk_read_kb", "kB", "SUT disk read since the sample before", disks),
            column("disk_write_kb", "kB", "SUT disk written since the sample before", disks),
            column("net_received_kb", "kB", "SUT network received since the sample before", net),
            column("net_sent_kb", "kB", "SUT network sent since the sample before", net),
        ]
        sensor = cpu_sensor()
        self._warmth = None if sensor is None else KeptFile(sensor)
        if sensor is not None:
            self.columns.append(column("cpu_temperature_c", "degC", "SUT CPU temperature", sensor))
        self._cpu: tuple[float, float] | None = None
        self._moved: tuple[int, int, int, int] | None = None

    def sample(self) -> list[Any]:
        """One value per column."""
        memory = self._psutil.virtual_memory()
        moved = self._counters()
        before, self._moved = self._moved, moved
        used, not_free = memory.total - memory.available, memory.total - memory.free
        values = [self._cpu_percent(), used // 1024, not_free // 1024, memory.percent]
        for now, then in zip(moved, before or NONE_BEFORE):
            values.append(round((now - then) / 1000.0, 3) if now >= then else None)
        if self._warmth is not None:
            values.append(number_in(self._warmth.read(), 1000.0))
        return values

    @property
    def busy_s(self) -> float | None:
        """CPU time of all CPUs that was not idle, at the last sample; null before the first."""
        return None if self._cpu is None else round(self._cpu[0] - self._cpu[1], 3)

    def _cpu_percent(self) -> float | None:
        # user nice system idle iowait irq softirq steal; guest time is in user already, proc(5)
        times: list[float] = self._psutil.cpu_times()[:8]
        total, idle = sum(times), times[3] + times[4]
        before, self._cpu = self._cpu, (total, idle)
        if before is None or total <= before[0]:
            return None
        return round(min(100.0, max(0.0, 100.0 * (1.0 - (idle - before[1]) / (total - before[0])))), 3)

    def _counters(self) -> tuple[int, int, int, int]:
        disks = self._psutil.disk_io_counters(perdisk=True, nowrap=False) or {}
        read = write = received = sent = 0
        for name in self._disks:
            if name in disks:
                read += disks[name].read_bytes
                write += disks[name].write_bytes
        for name, counts in self._psutil.net_io_counters(pernic=True, nowrap=False).items():
            if name != "lo":
                received += counts.bytes_recv
                sent += counts.bytes_sent
        return read, write, received, sent


CPU_SENSORS = ("coretemp", "k10temp", "zenpower", "cpu_thermal", "x86_pkg_temp", "cpu-thermal")
"""Drivers of a CPU's own sensor, and types of its thermal zone (Linux, Documentation/hwmon, driver-api/thermal)."""


def cpu_sensor() -> str | None:
    """The small file with the CPU's temperature in m degC; null where there is none."""
    import glob

    for pattern, name, value in (("hwmon/hwmon*", "name", "temp1_input"), ("thermal/thermal_zone*", "type", "temp")):
        for folder in sorted(glob.glob("/sys/class/" + pattern)):
            path = os.path.join(folder, value)
            if read_text(os.path.join(folder, name)) in CPU_SENSORS and read_text(path) is not None:
                return path
    return None


def whole_disks(names: dict[str, Any]) -> set[str]:
    """The disks whose traffic is counted once: those that are hardware, not partitions, mappings, loops or memory."""
    hardware = {name for name in names if os.path.exists(f"/sys/block/{name}/device")}
    return hardware or {
        n for n in names if os.path.exists("/sys/block/" + n) and not n.startswith(("loop", "ram", "zram", "dm-", "md"))
    }
