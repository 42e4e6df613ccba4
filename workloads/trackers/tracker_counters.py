"""What the machine itself tells of power: NVML's boards and RAPL's energy counters.

Knows nvidia-ml-py, the powercap tree of Linux (Documentation/power/powercap) and how a counter wraps. Does not know
what is made of the readings.
"""

from __future__ import annotations

import contextlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

POWERCAP = Path("/sys/class/powercap")
REMEDY = "since 2020 only root may read it; allow it with `sudo chmod o+r {}`"


@dataclass(frozen=True)
class Zone:
    """A RAPL domain: its name there (package-0, core, dram, psys), its folder, where its counter begins anew (uJ)."""

    name: str
    folder: Path
    range_uj: int
    top: bool

    def read_uj(self) -> int:
        """The counter.

        Raises:
            OSError: it cannot be read.
        """
        return int((self.folder / "energy_uj").read_text())

    def since(self, earlier_uj: int, now_uj: int) -> int:
        """Energy (uJ) between two readings less than one turn apart."""
        return now_uj - earlier_uj if now_uj >= earlier_uj else now_uj - earlier_uj + self.range_uj


def zones(powercap: Path) -> tuple[list[Zone], list[str]]:
    """The readable RAPL zones below a powercap folder, and a sentence for each that cannot be read.

    The class folder lists the zones of all levels flat: intel-rapl:0 is a package, intel-rapl:0:1 a part of it.
    """
    found, problems = [], []
    for folder in sorted(powercap.glob("intel-rapl:*")):
        try:
            range_uj = int((folder / "max_energy_range_uj").read_text())
            zone = Zone((folder / "name").read_text().strip(), folder, range_uj, folder.name.count(":") == 1)
            zone.read_uj()
        except PermissionError:
            counter = folder / "energy_uj"
            problems.append(f"{counter}: not readable; {REMEDY.format(counter)}")
        except (OSError, ValueError) as error:
            problems.append(f"{folder}: {error}")
        else:
            found.append(zone)
    return found, problems


class Boards:
    """The GPUs that NVML shows, none without its library or driver."""

    def __init__(self) -> None:
        self.problem: str | None = None
        self._handles: list[Any] = []
        try:
            import pynvml
        except ImportError as error:
            self.problem = f"no GPU is read: {error}; install nvidia-ml-py"
            return
        self._nvml = pynvml
        try:
            pynvml.nvmlInit()
            self._handles = [pynvml.nvmlDeviceGetHandleByIndex(n) for n in range(pynvml.nvmlDeviceGetCount())]
        except pynvml.NVMLError as error:
            self.problem = f"no GPU is read: NVML: {error}"
        else:
            self.problem = None if self._handles else "no GPU is read: NVML shows none"

    def __len__(self) -> int:
        return len(self._handles)

    def power_w(self, board: int) -> float:
        """Power of a board, averaged by itself over up to 1 s.

        Raises:
            OSError: NVML has no value; its words.
        """
        try:
            return float(self._nvml.nvmlDeviceGetPowerUsage(self._handles[board])) / 1000.0
        except self._nvml.NVMLError as error:
            raise OSError(f"gpu{board}: power: NVML: {error}") from error

    def processes(self, board: int) -> set[int]:
        """The process ids that compute or draw on a board; what NVML does not list is not there."""
        nvml, found = self._nvml, set()
        for list_them in (nvml.nvmlDeviceGetComputeRunningProcesses, nvml.nvmlDeviceGetGraphicsRunningProcesses):
            with contextlib.suppress(nvml.NVMLError):
                found |= {int(process.pid) for process in list_them(self._handles[board])}
        return found

    def sm_loads(self, board: int, since_us: int) -> tuple[dict[int, float], int]:
        """SM load (percent) per process id, the mean of NVML's samples younger than `since_us`; its newest stamp."""
        try:
            samples = self._nvml.nvmlDeviceGetProcessUtilization(self._handles[board], since_us)
        except self._nvml.NVMLError:  # "Not Found": no process ran on it in that time
            return {}, since_us
        seen: dict[int, list[int]] = {}
        for sample in samples:
            seen.setdefault(int(sample.pid), []).append(int(sample.smUtil))
        newest = max((int(sample.timeStamp) for sample in samples), default=since_us)
        return {pid: sum(loads) / len(loads) for pid, loads in seen.items()}, newest
