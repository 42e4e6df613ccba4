"""What a session's results.txt publishes: the energy of each window, and how many inferences were made in it.

Knows the lines of EnergyRunner (`Energy data for window 2 at time 9.37 for 11.42 sec.:`) and of MLCommons' runner
(`Energy data for trial 0`). Knows no sample.
"""

import re
from dataclasses import dataclass

from harness.foreign.importers.source import SourceFile, lines_of
from harness.record.errors import ImportFileError

_WINDOW = re.compile(r"Energy data for (?:window|trial) (\d+)")
_PERFORMANCE = re.compile(r"Performance results for window (\d+)")
_ENERGY = re.compile(r"\bEnergy\s*:\s*([\d.]+) uJ\b")
_EACH = re.compile(r"Energy/Inf\.?\s*:\s*([\d.]+) uJ/inf")
_INFERENCES = re.compile(r"Inferences\s*:\s*(\d+)")
_ELAPSED = re.compile(r"Elapsed time\s*:\s*([\d.]+)")


@dataclass(slots=True)
class Published:
    """What stands of one window: line, energy (uJ), energy of an inference (uJ), inferences, elapsed time (s)."""

    line: int
    energy_uj: float | None = None
    per_inference_uj: float | None = None
    inferences: int | None = None
    elapsed_s: float | None = None


def read_results(source: SourceFile) -> dict[int, Published]:
    """Number of a window or trial -> what is published of it; what a log repeats counts once.

    Raises:
        ImportFileError: no energy in it.
    """
    found: dict[int, Published] = {}
    current: Published | None = None
    for number, line in enumerate(lines_of(source), 1):
        if match := _WINDOW.search(line):
            current = found.setdefault(int(match[1]), Published(number))
        elif match := _PERFORMANCE.search(line):
            current = found.get(int(match[1]))
        elif current is not None:
            _take(current, line)
    if not any(one.energy_uj is not None for one in found.values()):
        raise ImportFileError(f"{source.path}: no line 'Energy : ... uJ' of a window in it; is it another results.txt?")
    return found


def _take(current: Published, line: str) -> None:
    if match := _ENERGY.search(line):
        current.energy_uj = current.energy_uj or float(match[1])
    elif match := _EACH.search(line):
        current.per_inference_uj = current.per_inference_uj or float(match[1])
    elif match := _INFERENCES.search(line):
        current.inferences = current.inferences or int(match[1])
    elif match := _ELAPSED.search(line):
        current.elapsed_s = current.elapsed_s or float(match[1])
