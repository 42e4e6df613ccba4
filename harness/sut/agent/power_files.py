"""Software meters in small files of the kernel: RAPL's energy counters, hwmon's sensors of power and energy.

Knows the two trees of Linux that have them (Documentation/power/powercap, Documentation/hwmon/sysfs-interface), in
which unit their values are, and who may read them. Does not know NVML. Adds nothing up: a package holds its cores, psys
holds the package, and of dies that show one counter each has its column.
"""

from __future__ import annotations

import os
import re
from typing import Any

from harness.sut.agent.columns import column
from harness.sut.agent.small_files import KeptFile, number_in, read_text

POWERCAP = "/sys/class/powercap/"
HWMON = "/sys/class/hwmon/"
RAPL_PARTS = ("package", "dram", "psys")
"""Cores and uncore lie in a package, and have no column."""
SENSOR = re.compile(r"(power|energy)(\d+)_(input|average)")
MILLION = 1e6


class PowerFiles:
    """The counters and sensors that can be read, as columns in W and J. Which there are is looked up once; a machine
    without any costs nothing afterwards. `problems`: a sentence about each tree that is there and cannot be read."""

    def __init__(self, system: str = "") -> None:
        self.columns: list[dict[str, Any]] = []
        self.problems: list[str] = []
        self._files: list[KeptFile] = []
        self._add_rapl(system)
        self._add_hwmon(system)

    def sample(self) -> list[Any]:
        """One value per column, null where a file cannot be read any more."""
        return [number_in(file.read(), MILLION) for file in self._files]

    def _add_rapl(self, system: str) -> None:
        refused = False
        for folder in folders(system + POWERCAP, "intel-rapl:"):
            name = read_text(folder + "/name") or ""
            if name.split("-")[0] not in RAPL_PARTS:
                continue
            above = "" if folder.count(":") == 1 else read_text(folder.rpartition(":")[0] + "/name") or ""
            part = " ".join(filter(None, (above, name)))
            path, method = folder + "/energy_uj", folder[len(system) :] + "/energy_uj"
            range_j = number_in((read_text(folder + "/max_energy_range_uj") or "").encode(), MILLION)
            if os.path.exists(path) and not os.access(path, os.R_OK):
                refused = True
            else:
                self._add(path, f"rapl_{plain(part)}_energy_j", "J", f"SUT RAPL counter of {part}", method, range_j)
        if refused:
            self.problems.append(
                "RAPL: only root may read its counters, so they are not recorded; until the next start of the machine "
                f"this allows it: sudo chmod o+r {POWERCAP}intel-rapl:*/energy_uj"
            )

    def _add_hwmon(self, system: str) -> None:
        chips: dict[str, int] = {}
        # The numbers of hwmon are drawn anew at every start of the machine; where a device sits is not.
        for folder in sorted(folders(system + HWMON, "hwmon"), key=os.path.realpath):
            chip = read_text(folder + "/name") or "chip"
            chips[chip] = chips.get(chip, -1) + 1
            for sensor in filter(None, map(SENSOR.fullmatch, names_in(folder))):
                what, number, how = sensor.groups()
                name = f"hwmon_{plain(chip)}_{chips[chip]}_{what}{number}_{how}_{'j' if what == 'energy' else 'w'}"
                label = read_text(f"{folder}/{what}{number}_label")
                quantity = f"SUT {what} that {chip} says{f' of {label}' if label else ''}, {how}"
                unit = "J" if what == "energy" else "W"
                self._add(f"{folder}/{sensor.group()}", name, unit, quantity, f"hwmon {chip} {sensor.group()}")

    def _add(self, path: str, name: str, unit: str, quantity: str, method: str, range_j: float | None = None) -> None:
        file = KeptFile(path)
        if number_in(file.read(), MILLION) is None:
            file.close()
            self.problems.append(f"{method} says no number, so it is not recorded")
            return
        kind = "counter" if unit == "J" else "gauge"
        self.columns.append(column(name, unit, quantity, method, kind, range_j))
        self._files.append(file)


def folders(above: str, begin: str) -> list[str]:
    """The folders of a class whose names begin so, in order."""
    return [above + name for name in names_in(above) if name.startswith(begin)]


def names_in(folder: str) -> list[str]:
    """What is in a folder, in order; nothing where there is none."""
    try:
        return sorted(os.listdir(folder))
    except OSError:
        return []


def plain(words: str) -> str:
    """A name as a part of a column's: `package-0 dram` is `package_0_dram`."""
    return re.sub(r"[^a-z0-9]+", "_", words.lower()).strip("_")
