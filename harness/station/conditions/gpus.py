"""What state the GPUs are in: persistence, clocks, limits, what uses them.

Knows what NVML says, as the agent asks it.
"""

from collections.abc import Iterator

from harness.record.documents import Json
from harness.station.conditions.diagnosis import Diagnosis, unknown
from harness.station.conditions.heat import HOT_C

THROTTLE = {
    0x4: "its power limit", 0x8: "hardware slowdown", 0x20: "its temperature (software)",
    0x40: "its temperature (hardware)", 0x80: "the power brake",
}  # fmt: skip
"""Bits of nvmlClocksEventReasons that mean less than full speed (nvml.h)."""


def of_gpus(gpus: list[Json]) -> Iterator[Diagnosis]:
    """Every remark about each of them."""
    for gpu in gpus:
        remarks = list(_of_gpu(gpu))
        yield from remarks
        silent = [
            words
            for key, words in (("persistence", "persistence mode"), ("applications_clock_mhz", "application clock"))
            if gpu[key] is None
        ]
        if silent:
            yield unknown("gpu-state", f"GPU {gpu['index']}: {' and '.join(silent)}", "driver or board do not say")
        elif not remarks:
            clock = f"application clock {gpu['applications_clock_mhz']} MHz"
            yield Diagnosis("gpu-state", "info", f"GPU {gpu['index']}: persistence mode on, {clock}, not slowed down")


def _of_gpu(gpu: Json) -> Iterator[Diagnosis]:
    name = f"GPU {gpu['index']}"
    if gpu["persistence"] == 0:
        text = f"{name}: persistence mode is off, the driver reloads between runs; `nvidia-smi -pm 1` keeps it"
        yield Diagnosis("gpu-persistence", "warn", text)
    clock, usual = gpu["applications_clock_mhz"], gpu["default_clock_mhz"]
    if clock is not None and usual is not None and clock != usual:
        text = f"{name}: application clock {clock} MHz, the board's own is {usual} MHz; `nvidia-smi -rac` resets it"
        yield Diagnosis("gpu-clock", "warn", text)
    limit, default = gpu["power_limit_w"], gpu["default_limit_w"]
    if limit is not None and default is not None and limit != default:
        text = f"{name}: power limit {limit:g} W, the board's own is {default:g} W; say so in sut.description"
        yield Diagnosis("gpu-power-limit", "warn", text)
    slowed = [words for bit, words in THROTTLE.items() if (gpu["throttle_reasons"] or 0) & bit]
    if slowed:
        text = f"{name}: slowed down by {', '.join(slowed)} before anything runs; see to its cooling and its supply"
        yield Diagnosis("gpu-throttled", "warn", text)
    if gpu["compute_processes"]:
        text = f"{name}: {gpu['compute_processes']} programs use it; end them (`nvidia-smi` lists them)"
        yield Diagnosis("gpu-in-use", "warn", text)
    if gpu["temperature_c"] is not None and gpu["temperature_c"] >= HOT_C:
        text = f"{name}: {gpu['temperature_c']} °C: let it cool before the first baseline"
        yield Diagnosis("gpu-temperature", "warn", text)
