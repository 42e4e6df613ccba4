"""Indicators of the GPUs, through NVML.

Knows NVML's questions, their units, and what a board says that does not support one. Does not know how NVML is found.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

from harness.sut.agent.columns import column


class GpuSampler:
    """All GPUs through NVML. What a board does not support stays empty and says so in its method; any other error
    empties the cell and is told once through `note`."""

    def __init__(self, nvml: Any, note: Callable[[str, str], None]) -> None:
        self._nvml, self._note = nvml, note
        self._told: set[tuple[str, int]] = set()
        self.columns: list[dict[str, str]] = []
        self._readers: list[tuple[Any, Callable[[Any], Any] | None, Callable[[Any], Any], int, str]] = []
        for index in range(nvml.nvmlDeviceGetCount()):
            self._add(index, nvml.nvmlDeviceGetHandleByIndex(index))

    def _add(self, index: int, gpu: Any) -> None:
        for function, ask, convert, cells in questions(self._nvml):
            supported = self._is_supported(ask, gpu)
            method = f"nvmlDeviceGet{function}" + ("" if supported else ": not supported by this board")
            for name, unit, quantity in cells:
                kind = "counter" if name == "energy_j" else "gauge"
                self.columns.append(column(f"gpu{index}_{name}", unit, f"GPU {index} {quantity}", method, kind))
            what = f"gpu{index} {cells[0][0]}"
            self._readers.append((gpu, ask if supported else None, convert, len(cells), what))

    def _is_supported(self, ask: Callable[[Any], Any], gpu: Any) -> bool:
        try:
            ask(gpu)
        except self._nvml.NVMLError as error:
            lacking = (self._nvml.NVML_ERROR_NOT_SUPPORTED, self._nvml.NVML_ERROR_FUNCTION_NOT_FOUND)
            return error.value not in lacking
        return True

    def sample(self) -> list[Any]:
        """One value per column."""
        values = []
        for gpu, ask, convert, width, what in self._readers:
            values += self._read(gpu, ask, convert, width, what)
        return values

    def _read(
        self, gpu: Any, ask: Callable[[Any], Any] | None, convert: Callable[[Any], Any], width: int, what: str
    ) -> list[Any]:
        if ask is None:
            return [None] * width
        try:
            value = convert(ask(gpu))
        except self._nvml.NVMLError as error:
            if (what, error.value) not in self._told:
                self._told.add((what, error.value))
                self._note("gpu-error", f"{what}: NVML: {error}")
            return [None] * width
        return list(value) if width > 1 else [value]


def questions(nvml: Any) -> list[tuple[str, Callable[[Any], Any], Callable[[Any], Any], list[tuple[str, str, str]]]]:
    """What is asked of each board: NVML's name of it, how it is asked, how the answer becomes cells, and these cells
    (name, unit, quantity)."""
    asked_of_each: list[tuple[str, Callable[[Any], Any], Callable[[Any], Any], list[tuple[str, str, str]]]] = [
        ("PerformanceState", nvml.nvmlDeviceGetPerformanceState, int, [("pstate", "", "performance state")]),
        (
            "CurrPcieLinkGeneration",
            nvml.nvmlDeviceGetCurrPcieLinkGeneration,
            int,
            [("pcie_generation", "", "PCIe link generation")],
        ),
        (
            "Temperature(GPU)",
            lambda g: nvml.nvmlDeviceGetTemperature(g, nvml.NVML_TEMPERATURE_GPU),
            int,
            [("temperature_c", "degC", "temperature")],
        ),
        (
            "UtilizationRates",
            nvml.nvmlDeviceGetUtilizationRates,
            lambda rates: (rates.gpu, rates.memory),
            [("load_percent", "%", "load"), ("memory_load_percent", "%", "memory controller load")],
        ),
        (
            "MemoryInfo().used",
            nvml.nvmlDeviceGetMemoryInfo,
            lambda memory: round(memory.used / 1048576.0, 3),
            [("memory_used_mib", "MiB", "memory in use")],
        ),
        ("PowerUsage", nvml.nvmlDeviceGetPowerUsage, thousandth, [("power_w", "W", "board power")]),
        (
            "TotalEnergyConsumption",
            nvml.nvmlDeviceGetTotalEnergyConsumption,
            thousandth,
            [("energy_j", "J", "board energy counter")],
        ),
    ]
    reasons = getattr(nvml, "nvmlDeviceGetCurrentClocksThrottleReasons", None)
    if reasons is not None:
        slowed = ("throttled", "1", "slowed by heat or supply: 1, else 0")
        asked_of_each.append(("CurrentClocksThrottleReasons", reasons, is_throttled, [slowed]))
    for clock, kind in (("sm", "SM"), ("memory", "MEM"), ("graphics", "GRAPHICS")):
        mhz = functools.partial(clock_mhz, nvml, getattr(nvml, "NVML_CLOCK_" + kind))
        asked_of_each.append((f"ClockInfo({kind})", mhz, int, [(clock + "_clock_mhz", "MHz", clock + " clock")]))
    return asked_of_each


def thousandth(value: int) -> float:
    """NVML's mW and mJ in W and J."""
    return value / 1000.0


def is_throttled(reasons: int) -> int:
    """Whether heat, the power brake or the hardware itself slows the board (nvml.h, nvmlClocksThrottleReasons)."""
    return int(bool(reasons & (0x8 | 0x20 | 0x40 | 0x80)))


def clock_mhz(nvml: Any, kind: int, gpu: Any) -> int:
    """One of a board's clocks."""
    return int(nvml.nvmlDeviceGetClockInfo(gpu, kind))
