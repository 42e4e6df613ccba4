"""What the machine itself tells of power: NVML's boards and RAPL's energy counters.

Knows nvidia-ml-py, the powercap tree of Linux (Documentation/power/powercap) and how a counter wraps. Does not know
what is made of the readings.
"""

from __future__ import annotations

import contextlib
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence

POWERCAP = Path("/sys/class/powercap")
APART_UJ = 1_000_000
"""By how much two views of one counter may differ besides the time between their readings."""
REMEDY = "since 2020 only root may read it; allow it with `sudo chmod o+r {}`"


@dataclass(frozen=True)
class Zone:
    """A RAPL domain: its name there (package-0, core, dram, psys), its folder, where its counter begins anew (uJ), the
    package that it is of, whatever the die (package-0 of package-0-die-1 and of its dram)."""

    name: str
    folder: Path
    range_uj: int
    top: bool
    package: str = ""

    @property
    def kind(self) -> str:
        """package, core, uncore, dram, psys."""
        return self.name.split("-")[0]

    def read_uj(self) -> int:
        """The counter.

        Raises:
            OSError: it cannot be read.
        """
        return int((self.folder / "energy_uj").read_text())

    def since(self, earlier_uj: int, now_uj: int) -> int:
        """Energy (uJ) between two readings less than one turn apart."""
        return now_uj - earlier_uj if now_uj >= earlier_uj else now_uj - earlier_uj + self.range_uj

    def counted_uj(self, earlier_uj: int, now_uj: int) -> int | None:
        """As `since`, of readings a few seconds apart; null where the counter was reset: no CPU uses half a turn so
        soon."""
        step_uj = self.since(earlier_uj, now_uj)
        return None if now_uj < earlier_uj and step_uj > self.range_uj // 2 else step_uj


def zones(powercap: Path) -> tuple[list[Zone], list[str]]:
    """The readable RAPL zones below a powercap folder, and a sentence for each that cannot be read.

    The class folder lists the zones of all levels flat: intel-rapl:0 is a package, intel-rapl:0:1 a part of it.
    """
    found, problems = [], []
    for folder in sorted(powercap.glob("intel-rapl:*")):
        try:
            range_uj = int((folder / "max_energy_range_uj").read_text())
            top, name = folder.name.count(":") == 1, (folder / "name").read_text().strip()
            zone = Zone(name, folder, range_uj, top, _package_of(name if top else _parent_of(folder)))
            zone.read_uj()
        except PermissionError:
            counter = folder / "energy_uj"
            problems.append(f"{counter}: not readable; {REMEDY.format(counter)}")
        except (OSError, ValueError) as error:
            problems.append(f"{folder}: {error}")
        else:
            found.append(zone)
    return found, problems


def _parent_of(folder: Path) -> str:
    """The name of the zone that a zone is a part of, its folder's where it has none."""
    above = folder.with_name(folder.name.rpartition(":")[0])
    try:
        return (above / "name").read_text().strip()
    except OSError:
        return above.name


def _package_of(name: str) -> str:
    return name.partition("-die-")[0]


class Counters:
    """Zones that are read together: what each has counted, and which shows a counter that another one shows already.

    AMD's CPUs of several dies have one counter for the package, which the kernel shows once a die (package-0-die-0,
    package-0-die-1); each of Intel's dies has its own. A zone mirrors an earlier one of its kind and package as long as
    it always lies between two readings of that one, before and after its own, to within `APART_UJ`. Meters of their own
    begin anywhere in some 1e11 uJ, and drift apart.
    """

    def __init__(self, zones: Sequence[Zone]) -> None:
        self._last_uj: dict[Path, int] = {}
        self._total_uj: dict[Path, int] = {}
        self._twins: dict[Path, Zone] = {}
        self._resets: dict[Path, Zone] = {}
        for place, zone in enumerate(zones):
            earlier = next((one for one in zones[:place] if (one.kind, one.package) == (zone.kind, zone.package)), None)
            if earlier is not None:
                self._twins[zone.folder] = earlier

    def read_uj(self, zone: Zone) -> int:
        """One reading of a zone.

        Raises:
            OSError: it cannot be read.
        """
        twin = self._twins.get(zone.folder)
        before_uj = self._last_uj.get(twin.folder) if twin else None
        now_uj = zone.read_uj()
        if twin is not None and before_uj is not None and not between(zone, before_uj, now_uj, twin.read_uj()):
            del self._twins[zone.folder]
        last_uj = self._last_uj.get(zone.folder, now_uj)
        step_uj = zone.counted_uj(last_uj, now_uj)
        if step_uj is None:
            self._resets[zone.folder] = zone
        self._total_uj[zone.folder] = self._total_uj.get(zone.folder, 0) + (step_uj or 0)
        self._last_uj[zone.folder] = now_uj
        return now_uj

    def counted_uj(self, zone: Zone) -> int:
        """What a zone counted since its first reading; 0 of one that mirrors another."""
        return 0 if self.mirrors(zone) else self._total_uj.get(zone.folder, 0)

    def mirrors(self, zone: Zone) -> Zone | None:
        """The zone whose counter this one shows."""
        return self._twins.get(zone.folder)

    def sentences(self, zones: Sequence[Zone]) -> list[str]:
        """One for each zone that counts nothing by itself, or that was reset."""
        return [
            f"{zone.name} ({zone.folder.name}) shows the counter of {twin.name} ({twin.folder.name}), which counts once"
            for zone in zones
            if (twin := self.mirrors(zone)) is not None
        ] + [
            f"{zone.name} ({zone.folder.name}) was reset meanwhile; what was used from the reading before to the one "
            "after it is not counted"
            for zone in self._resets.values()
        ]


def between(zone: Zone, before_uj: int, now_uj: int, after_uj: int) -> bool:
    """Whether a reading lies between two of one counter, which may have begun anew meanwhile."""
    reach_uj, at_uj = zone.since(before_uj, after_uj) + APART_UJ, zone.since(before_uj, now_uj)
    return at_uj <= reach_uj or at_uj >= zone.range_uj - APART_UJ


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
