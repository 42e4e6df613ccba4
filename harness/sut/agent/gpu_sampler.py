"""Indicators of the GPUs, through NVML.

Knows NVML's questions, their units, and what a board says that does not support one. Does not know how NVML is found.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any, NamedTuple

from harness.sut.agent.columns import column

SCOPES = (
    (0, "", "board power", "GPU"),
    (1, "module_", "module power", "module"),
    (2, "memory_", "memory power", "memory"),
)
"""NVML's number of a scope (nvml.h, nvmlDeviceGetFieldValues), begin of a column's name, what it is of."""
SAMPLED = (("AVERAGE", "average", "averaged over 1 s by the driver"), ("INSTANT", "instant", "instantaneous"))
VALUES = ("dVal", "uiVal", "ulVal", "ullVal", "sllVal", "siVal", "usVal")
"""Members of nvmlValue_t by nvmlValueType_t."""


class Question(NamedTuple):
    """What is asked of each board: NVML's name of it, how it is asked, how the answer becomes cells, and these cells
    (name, unit, quantity)."""

    function: str
    ask: Callable[[Any], Any]
    convert: Callable[[Any], Any]
    cells: list[tuple[str, str, str]]


class PowerField(NamedTuple):
    """A power among NVML's field values: its number there, its scope, the column that it becomes."""

    field: int
    scope: int
    name: str
    quantity: str
    method: str


class GpuSampler:
    """All GPUs through NVML. What a board does not support stays empty and says so in its method; any other error
    empties the cell and is told once through `note`."""

    def __init__(self, nvml: Any, note: Callable[[str, str], None]) -> None:
        self._nvml, self._note = nvml, note
        self._told: set[tuple[str, int]] = set()
        self.columns: list[dict[str, Any]] = []
        self._readers: list[tuple[Any, Callable[[Any], Any] | None, Callable[[Any], Any], int, str]] = []
        boards = [(index, nvml.nvmlDeviceGetHandleByIndex(index)) for index in range(nvml.nvmlDeviceGetCount())]
        # What every board draws is asked first, as near to the sample's stamp as can be.
        for index, gpu in boards:
            self._add(index, gpu, powers(nvml))
            self._add_fields(index, gpu)
        for index, gpu in boards:
            self._add(index, gpu, questions(nvml))

    def _add(self, index: int, gpu: Any, asked_of_each: list[Question]) -> None:
        for function, ask, convert, cells in asked_of_each:
            supported = self._is_supported(ask, gpu)
            method = f"nvmlDeviceGet{function}" + ("" if supported else ": not supported by this board")
            for name, unit, quantity in cells:
                kind = "counter" if name == "energy_j" else "gauge"
                self.columns.append(column(f"gpu{index}_{name}", unit, f"GPU {index} {quantity}", method, kind))
            what = f"gpu{index} {cells[0][0]}"
            self._readers.append((gpu, ask if supported else None, convert, len(cells), what))

    def _add_fields(self, index: int, gpu: Any) -> None:
        """The powers among NVML's field values that the board has; of those that it has not there is no column."""
        fields = power_fields(self._nvml)
        try:
            values = field_values(self._nvml, fields, gpu) if fields else []
        except self._nvml.NVMLError:
            return  # a driver that does not know the function
        held = [one for one, value in zip(fields, values) if isinstance(value, float)]
        if held:
            self.columns += [
                column(f"gpu{index}_{one.name}", "W", f"GPU {index} {one.quantity}", one.method) for one in held
            ]
            what = f"gpu{index} {held[0].name}"
            ask = functools.partial(field_values, self._nvml, held)
            self._readers.append((gpu, ask, functools.partial(self._without_errors, what), len(held), what))

    def _without_errors(self, what: str, values: list[Any]) -> Any:
        """The values; in place of an error null, and the error is told once."""
        for value in values:
            if isinstance(value, self._nvml.NVMLError):
                self._tell(what, value)
        known = [value if isinstance(value, float) else None for value in values]
        return known if len(known) > 1 else known[0]

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
            self._tell(what, error)
            return [None] * width
        return list(value) if width > 1 else [value]

    def _tell(self, what: str, error: Any) -> None:
        if (what, error.value) not in self._told:
            self._told.add((what, error.value))
            self._note("gpu-error", f"{what}: NVML: {error}")


def powers(nvml: Any) -> list[Question]:
    """What is asked of each board about its power and energy."""
    return [
        Question("PowerUsage", nvml.nvmlDeviceGetPowerUsage, thousandth, [("power_w", "W", "board power")]),
        Question(
            "TotalEnergyConsumption",
            nvml.nvmlDeviceGetTotalEnergyConsumption,
            thousandth,
            [("energy_j", "J", "board energy counter")],
        ),
    ]


def questions(nvml: Any) -> list[Question]:
    """What else is asked of each board."""
    asked_of_each: list[Question] = [
        Question("PerformanceState", nvml.nvmlDeviceGetPerformanceState, int, [("pstate", "", "performance state")]),
        Question(
            "CurrPcieLinkGeneration",
            nvml.nvmlDeviceGetCurrPcieLinkGeneration,
            int,
            [("pcie_generation", "", "PCIe link generation")],
        ),
        Question(
            "Temperature(GPU)",
            lambda g: nvml.nvmlDeviceGetTemperature(g, nvml.NVML_TEMPERATURE_GPU),
            int,
            [("temperature_c", "degC", "temperature")],
        ),
        Question(
            "UtilizationRates",
            nvml.nvmlDeviceGetUtilizationRates,
            lambda rates: (rates.gpu, rates.memory),
            [("load_percent", "%", "load"), ("memory_load_percent", "%", "memory controller load")],
        ),
        Question(
            "MemoryInfo().used",
            nvml.nvmlDeviceGetMemoryInfo,
            lambda memory: round(memory.used / 1048576.0, 3),
            [("memory_used_mib", "MiB", "memory in use")],
        ),
    ]
    reasons = getattr(nvml, "nvmlDeviceGetCurrentClocksThrottleReasons", None)
    if reasons is not None:
        slowed = ("throttled", "1", "slowed by heat or supply: 1, else 0")
        asked_of_each.append(Question("CurrentClocksThrottleReasons", reasons, is_throttled, [slowed]))
    for clock, kind in (("sm", "SM"), ("memory", "MEM"), ("graphics", "GRAPHICS")):
        mhz = functools.partial(clock_mhz, nvml, getattr(nvml, "NVML_CLOCK_" + kind))
        asked_of_each.append(
            Question(f"ClockInfo({kind})", mhz, int, [(clock + "_clock_mhz", "MHz", clock + " clock")])
        )
    return asked_of_each


def power_fields(nvml: Any) -> list[PowerField]:
    """The powers among NVML's field values; none where the binding is older."""
    found = []
    for scope, begin, what, of in SCOPES:
        for constant, how, words in SAMPLED:
            field = getattr(nvml, "NVML_FI_DEV_POWER_" + constant, None)
            if field is not None:
                method = f"nvmlDeviceGetFieldValues: NVML_FI_DEV_POWER_{constant}, scope {of}"
                found.append(PowerField(field, scope, f"{begin}power_{how}_w", f"{what}, {words}", method))
    return found


def field_values(nvml: Any, fields: list[PowerField], gpu: Any) -> list[Any]:
    """The power (W) of each field, or NVML's error in its place."""
    return [
        thousandth(getattr(one.value, VALUES[one.valueType])) if one.nvmlReturn == 0 else nvml.NVMLError(one.nvmlReturn)
        for one in nvml.nvmlDeviceGetFieldValues(gpu, [(field.field, field.scope) for field in fields])
    ]


def thousandth(value: int) -> float:
    """NVML's mW and mJ in W and J."""
    return value / 1000.0


def is_throttled(reasons: int) -> int:
    """Whether heat, the power brake or the hardware itself slows the board (nvml.h, nvmlClocksThrottleReasons)."""
    return int(bool(reasons & (0x8 | 0x20 | 0x40 | 0x80)))


def clock_mhz(nvml: Any, kind: int, gpu: Any) -> int:
    """One of a board's clocks."""
    return int(nvml.nvmlDeviceGetClockInfo(gpu, kind))
