"""RAPL, the energy counters of a CPU, by the powercap tree of Linux: an estimate of what packages and DRAM take.

Knows: `intel-rapl:N/{name,max_energy_range_uj,energy_uj}` (Linux, Documentation/power/powercap), which AMD's driver has
too. Packages and their DRAM are summed; cores lie in a package, psys holds everything. Of dies that show one counter
(AMD) the first counts: two counters of their own do not lie within a joule. Does not know: boards, disks, power supply.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from meters.access import ANYBODY, Access
from meters.counters import OPTIONS, Counter, CounterDialogue
from meters.dialogue import DialogueMeter
from meters.options import number, read_options
from meters.wire_log import Sink

DRIVER = "rapl"
PORT = "/sys/class/powercap"
PARTS = ("package", "dram")
APART_UJ = 1_000_000


@dataclass(frozen=True, slots=True)
class Zone:
    """One counter of the tree: its folder, its part of the machine, where it begins anew (uJ)."""

    folder: Path
    part: str
    range_uj: int

    def read_uj(self) -> int:
        """Return the counter; raises `OSError`."""
        return int((self.folder / "energy_uj").read_text(encoding="ascii"))


class PowercapTree:
    """The zones of a powercap folder that are counted (`meters.counters.Source`)."""

    def __init__(self, port: str) -> None:
        """Look which there are; raises `OSError` where none can be read."""
        zones = [zone for folder in sorted(Path(port).glob("intel-rapl:*")) if (zone := _zone(folder)) is not None]
        if not zones:
            raise FileNotFoundError(f"found no RAPL counter in {port}; a virtual machine has none")
        self._zones: list[Zone] = []
        known: list[tuple[str, int]] = []
        for zone in zones:
            energy_uj = _readable(zone)
            kind = zone.part.partition("-die-")[0]
            if not any(kind == other and abs(energy_uj - its_uj) < APART_UJ for other, its_uj in known):
                known.append((kind, energy_uj))
                self._zones.append(zone)

    def read(self) -> bytes:
        """Return a line for each zone; raises `OSError`."""
        lines = [f"{zone.folder.name} {zone.part} {zone.range_uj} {zone.read_uj()}\n" for zone in self._zones]
        return "".join(lines).encode("ascii", errors="replace")

    def close(self) -> None:
        """Nothing is held open."""


def _zone(folder: Path) -> Zone | None:
    """The zone of a folder where it is one that is counted."""
    part = (folder / "name").read_text(encoding="ascii", errors="replace").strip().replace(" ", "-")
    if part.split("-")[0] not in PARTS:
        return None
    if part == "dram":
        above = folder.with_name(folder.name.rpartition(":")[0]) / "name"
        part = f"dram-of-{above.read_text(encoding='ascii', errors='replace').strip()}"
    return Zone(folder, part, int((folder / "max_energy_range_uj").read_text(encoding="ascii")))


def _readable(zone: Zone) -> int:
    try:
        return zone.read_uj()
    except PermissionError:
        file = zone.folder / "energy_uj"
        raise PermissionError(f"only root may read {file}; allow it: sudo chmod o+r {file}") from None


class RaplDialogue(CounterDialogue):
    """RAPL's counters."""

    driver = DRIVER
    maker = "CPU"

    def _model(self, counters: Mapping[str, Counter]) -> str:
        return f"RAPL of {', '.join(counter.part for counter in counters.values())}"


def open_rapl(
    port: str, *, capture: Sink | None, options: Mapping[str, object], access: Access = ANYBODY
) -> DialogueMeter:
    """Open the counters of a powercap folder; raises `MeterOptionError`, `MeterUnavailable`, `MeterMismatch`."""
    interval_s = number(read_options(DRIVER, OPTIONS, options), "interval_s")
    return DialogueMeter(RaplDialogue(port or PORT, interval_s, capture, PowercapTree), interval_s, access)
