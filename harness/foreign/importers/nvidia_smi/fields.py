"""The fields of `nvidia-smi --query-gpu`: their names, what they mean, their units, and what their cells hold.

Knows the query's aliases and those of older loggers, NVIDIA's words on each figure, and what nvidia-smi prints where it
has no value. Knows no file and no board.
"""

import math
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache, lru_cache, partial

ALIASES = {
    "gpu_name": "name", "gpu_uuid": "uuid", "gpu_serial": "serial", "gpu_bus_id": "pci.bus_id", "gpu_index": "index",
    "clocks.gr": "clocks.current.graphics", "clocks.sm": "clocks.current.sm", "clocks.mem": "clocks.current.memory",
    "clocks.video": "clocks.current.video", "pcie.link.gen.current": "pcie.link.gen.gpucurrent",
    "clocks_throttle_reasons.active": "clocks_event_reasons.active",
    "gpu_usage": "utilization.gpu", "gpu_memory_usage": "utilization.memory", "gpu_total_memory": "memory.total",
    "gpu_memory_used": "memory.used", "gpu_power_draw": "power.draw", "gpu_max_power": "power.max_limit",
    "gpu_temperature": "temperature.gpu",
}  # fmt: skip
"""Other names of a column: those that nvidia-smi knows itself, and those of older loggers."""
POWERS = ("power.draw.instant", "power.draw", "power.draw.average")
"""What a power may be called, the one that is used first: the first is a momentary value on every board."""
MEANINGS = {
    "power.draw.instant": "a momentary value",
    "power.draw": "a momentary value before Ampere and of GA100, the mean of the last second of other boards",
    "power.draw.average": "the mean of the last second",
}
"""What NVIDIA says of each figure (`nvidia-smi --help-query-gpu`)."""
KEYS = ("uuid", "serial", "pci.bus_id", "index", "name")
"""What tells boards apart, the surest first."""
FACTS = (*KEYS, "driver_version", "enforced.power.limit", "power.limit")
"""What is said once of a board."""
INDICATORS = {
    "temperature.gpu": ("temperature_c", "°C", "GPU core temperature"),
    "utilization.gpu": ("load_percent", "%", "GPU load"),
    "utilization.memory": ("memory_load_percent", "%", "GPU memory load"),
    "memory.used": ("memory_used_mib", "MiB", "GPU memory allocated"),
    "power.draw": ("power_w", "W", "GPU power"),
    "power.draw.instant": ("power_instant_w", "W", "GPU power, momentary"),
    "power.draw.average": ("power_average_w", "W", "GPU power, mean of the last second"),
    "clocks.current.sm": ("sm_clock_mhz", "MHz", "GPU SM clock"),
    "clocks.current.memory": ("memory_clock_mhz", "MHz", "GPU memory clock"),
    "clocks.current.graphics": ("graphics_clock_mhz", "MHz", "GPU graphics clock"),
    "temperature.memory": ("memory_temperature_c", "°C", "GPU memory temperature"),
    "fan.speed": ("fan_percent", "%", "GPU fan speed, as intended"),
    "pstate": ("pstate", "1", "GPU performance state"),
    "pcie.link.gen.gpucurrent": ("pcie_generation", "1", "GPU PCIe link generation"),
    "clocks_event_reasons.active": ("throttled", "1", "GPU slowed by heat or supply: 1, else 0"),
}
"""Long name of nvidia-smi -> what the column is called behind `gpu<n>_`, its unit, what it is."""
SLOWED = 0x8 | 0x20 | 0x40 | 0x80
"""Bits of the event reasons that mean heat, the power brake or the hardware itself (nvml.h), as in
harness/sut/agent/gpu_sampler.py."""
UNITS = {"MB": "MiB", "w": "W", "c": "C", "°C": "C"}
"""Spellings of units; MB is what old drivers print for MiB."""
CELL_UNITS = {"°C": "C", "1": ""}
_NAME = re.compile(r"([\w.]+)(?: ?\[([^\]]*)\])?")
_VALUE = re.compile(r"(-?\d+(?:\.\d+)?)(?: ?(%|[A-Za-z°]+))?", re.ASCII)
_ABSENT = re.compile(r"\[[^\]]*\]|N/A|ERR!?|nan|none|-|", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Column:
    """A column by nvidia-smi's long name, and its unit: of its header, else of the cells (empty: none)."""

    name: str
    unit: str


def column_of(cell: str) -> Column:
    """The column that a header's cell names."""
    match = _NAME.fullmatch(cell)
    return Column(long_name(cell), unit_of(match[2]) if match and match[2] else "")


def long_name(cell: str) -> str:
    """nvidia-smi's long name of a header's cell."""
    match = _NAME.fullmatch(cell.strip().strip('"').strip())
    plain = match[1].lower() if match else cell
    return ALIASES.get(plain, plain)


def unit_of(text: str) -> str:
    """A unit in one spelling."""
    return UNITS.get(text, text)


def unit_in(cell: str) -> str:
    """The unit behind a number; empty where there is none."""
    match = _VALUE.fullmatch(cell)
    return unit_of(match[2] or "") if match else ""


def number_of(text: str, unit: str) -> float | None:
    """The value of a cell in a unit; NaN where nvidia-smi had none, None where it is no such value."""
    match = _VALUE.fullmatch(text)
    if match is None:
        return float("nan") if _ABSENT.fullmatch(text) else None
    return None if match[2] and unit_of(match[2]) != unit else float(match[1])


@cache
def reader_in(unit: str) -> Callable[[str], float | None]:
    """What gives `number_of` in a unit and remembers it: the logs of a study hold the same cells again and again."""
    return lru_cache(maxsize=16384)(partial(number_of, unit=unit))


@lru_cache(maxsize=64)
def is_stated(text: str) -> bool:
    """Whether a cell holds anything."""
    value = number_of(text, "")
    return value is None or not math.isnan(value)


def _state(text: str) -> float | None:
    """`P8` -> 8."""
    return number_of(text.removeprefix("P"), "")


def _slowed(text: str) -> float | None:
    """Whether a mask of event reasons says that heat or supply slows the board."""
    try:
        return float(bool(int(text, 16) & SLOWED)) if text.startswith("0x") else number_of(text, "")
    except ValueError:
        return None


SPECIAL: Mapping[str, Callable[[str], float | None]] = {"pstate": _state, "clocks_event_reasons.active": _slowed}
"""Columns whose cells are no plain numbers."""
