"""A computer's power as a meter at its inlet would see it, from its real load or from a script.

Knows: `/proc/stat`, NVML, a power model (idle level, load, power supply losses, thermal lag, noise).
Does not know: meters, protocols, real time; the caller says what time it is, so tests run in virtual time.

DC power      p_dc = idle + span * load^0.9 + gpu
thermal lag   warm' = (p_dc - warm) / tau,  p_in = p_dc + 0.06 * warm   (fans and leakage follow the heat)
supply        p_ac = p_in + 4 + 0.05 * p_in + 2.5e-4 * p_in^2           (fixed, proportional, resistive losses)
The numbers are those of a desktop computer in kind, not of any one machine.
"""

from __future__ import annotations

import importlib
import math
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

LOAD_EXPONENT = 0.9
WARM_SHARE = 0.06
SUPPLY_FIXED_W = 4.0
SUPPLY_PROPORTIONAL = 0.05
SUPPLY_RESISTIVE_PER_W = 2.5e-4
CPU_SAMPLE_S = 0.1  # /proc/stat counts in steps of 10 ms


@dataclass(frozen=True, slots=True)
class PowerSpan:
    """AC power over one interval: mean, lowest, highest, in watts."""

    mean_w: float
    min_w: float
    max_w: float


class PowerSource(Protocol):
    """Anything a meter can be put in front of."""

    def advance(self, to_s: float) -> PowerSpan:
        """Return the power between the last call and `to_s`, which never goes back."""
        ...


class Load(Protocol):
    """A load between 0 and 1 as a function of time."""

    def mean(self, from_s: float, to_s: float) -> float:
        """Return the mean load over the interval, which is not empty."""
        ...


@dataclass(frozen=True, slots=True)
class Steps:
    """A staircase: from each `(time_s, level)` on, that level; before the first, the first.

    `times` must start at 0 or later and grow; raises `ValueError` otherwise.
    """

    steps: tuple[tuple[float, float], ...]

    def __post_init__(self) -> None:
        times = [time_s for time_s, _level in self.steps]
        if not times or times != sorted(set(times)) or times[0] < 0:
            raise ValueError(f"steps at {times}: expected at least one, growing, from 0 on")
        if not all(math.isfinite(level) and level >= 0 for _time_s, level in self.steps):
            raise ValueError("steps: expected every level to be a number not below 0")

    def mean(self, from_s: float, to_s: float) -> float:
        """Return the exact mean over the interval."""
        parts = self.pieces(from_s, to_s)
        return math.fsum(level * length for level, length in parts) / math.fsum(length for _, length in parts)

    def pieces(self, from_s: float, to_s: float) -> list[tuple[float, float]]:
        """Return `(level, length_s)` of the pieces that overlap the interval."""
        starts = [-math.inf, *(time_s for time_s, _level in self.steps[1:])]
        ends = [*starts[1:], math.inf]
        overlaps = [min(to_s, end) - max(from_s, start) for start, end in zip(starts, ends, strict=True)]
        return [(level, length) for (_, level), length in zip(self.steps, overlaps, strict=True) if length > 0]


class ScriptedPower:
    """AC power exactly as scripted: no model, no lag, no noise; for tests whose answer is P * t."""

    def __init__(self, steps: Steps) -> None:
        """Take the staircase in watts."""
        self._steps = steps
        self._now_s = 0.0

    def advance(self, to_s: float) -> PowerSpan:
        """Return the exact mean, lowest and highest of the script since the last call."""
        to_s = max(to_s, math.nextafter(self._now_s, math.inf))
        levels = [level for level, _length in self._steps.pieces(self._now_s, to_s)]
        mean_w = self._steps.mean(self._now_s, to_s)
        self._now_s = to_s
        return PowerSpan(min(max(mean_w, min(levels)), max(levels)), min(levels), max(levels))


class CpuLoad:
    """The busy share of all CPUs of this machine, from `/proc/stat`; times are ignored, it is always now."""

    def __init__(self, stat: Path = Path("/proc/stat")) -> None:
        """Take the first sample."""
        self._stat = stat
        self._busy, self._total = _cpu_ticks(stat)
        self._age_s = 0.0
        self._level = 0.0

    def mean(self, from_s: float, to_s: float) -> float:
        """Return the busy share since the sample before; shorter intervals than `CPU_SAMPLE_S` share one."""
        self._age_s += to_s - from_s
        if self._age_s >= CPU_SAMPLE_S:
            busy, total = _cpu_ticks(self._stat)
            if total > self._total:
                self._level = min(1.0, max(0.0, (busy - self._busy) / (total - self._total)))
            self._busy, self._total, self._age_s = busy, total, 0.0
        return self._level


def _cpu_ticks(stat: Path) -> tuple[int, int]:
    """Return busy and total ticks (proc(5): user nice system idle iowait irq softirq steal)."""
    fields = [int(text) for text in stat.read_text(encoding="ascii").split("\n", 1)[0].split()[1:9]]
    return sum(fields) - fields[3] - fields[4], sum(fields)


class VirtualSut:
    """The model of the module's docstring, advanced by the caller's clock."""

    def __init__(
        self,
        load: Load,
        *,
        seed: int,
        idle_w: float = 22.0,
        span_w: float = 65.0,
        lag_s: float = 20.0,
        noise_percent: float = 0.3,
        gpu_power_w: Callable[[], float] = lambda: 0.0,
    ) -> None:
        """Start at time 0 in the thermal balance of an idle machine; `seed` fixes the noise."""
        self._load = load
        self._random = random.Random(seed)
        self._idle_w, self._span_w = idle_w, span_w
        self._lag_s = lag_s
        self._noise_percent = noise_percent
        self._gpu_power_w = gpu_power_w
        self._now_s = 0.0
        self._warm_w = idle_w

    def advance(self, to_s: float) -> PowerSpan:
        """Return AC power since the last call; mean, lowest and highest contain the noise."""
        span_s = max(to_s - self._now_s, 1e-9)
        load = self._load.mean(self._now_s, self._now_s + span_s)
        dc_w = self._idle_w + self._span_w * load**LOAD_EXPONENT + self._gpu_power_w()
        decay = math.exp(-span_s / self._lag_s)
        mean_warm_w = dc_w + (self._warm_w - dc_w) * (1.0 - decay) * self._lag_s / span_s
        self._warm_w = dc_w + (self._warm_w - dc_w) * decay
        self._now_s += span_s
        ac_w = supply_input_w(dc_w + WARM_SHARE * mean_warm_w)
        spread_w = ac_w * self._noise_percent / 100.0
        draws = sorted(max(0.0, ac_w + self._random.gauss(0.0, spread_w)) for _ in range(3))
        return PowerSpan(mean_w=draws[1], min_w=draws[0], max_w=draws[2])


def supply_input_w(output_w: float) -> float:
    """Return what a power supply draws to deliver `output_w`."""
    return output_w + SUPPLY_FIXED_W + SUPPLY_PROPORTIONAL * output_w + SUPPLY_RESISTIVE_PER_W * output_w**2


def nvml_power_w() -> Callable[[], float]:
    """Return a function that gives the power of all GPUs of this machine now, 0 where there is no NVML."""
    try:
        nvml = importlib.import_module("pynvml")
        nvml.nvmlInit()
        handles = [nvml.nvmlDeviceGetHandleByIndex(index) for index in range(nvml.nvmlDeviceGetCount())]
    except ImportError:
        return lambda: 0.0
    except nvml.NVMLError:
        return lambda: 0.0

    def power_w() -> float:
        try:
            return float(sum(nvml.nvmlDeviceGetPowerUsage(handle) for handle in handles)) / 1000.0
        except nvml.NVMLError:
            return 0.0

    return power_w


def parse_profile(text: str, seed: int) -> PowerSource:
    """Return the power source a profile names; raises `ValueError` saying what was expected.

    `cpu` this machine's load; `load=L` or `load=T:L,T:L` the model under a scripted load between 0 and 1;
    `watts=P` or `watts=T:P,T:P` exactly that AC power.
    """
    kind, _mark, steps = text.partition("=")
    try:
        if text == "cpu":
            return VirtualSut(CpuLoad(), seed=seed, gpu_power_w=nvml_power_w())
        if kind == "load":
            script = Steps(_parse_steps(steps))
            if max(level for _time_s, level in script.steps) > 1:
                raise ValueError("a load above 1")
            return VirtualSut(script, seed=seed)
        if kind == "watts":
            return ScriptedPower(Steps(_parse_steps(steps)))
        raise ValueError("an unknown profile")
    except ValueError as error:
        raise ValueError(
            f"profile {text!r}: {error}; expected cpu, load=L, load=T:L,T:L,... (0 to 1) or watts=P, watts=T:P,..."
        ) from error


def _parse_steps(text: str) -> tuple[tuple[float, float], ...]:
    items: Sequence[str] = text.split(",")
    if len(items) == 1 and ":" not in text:
        return ((0.0, float(text)),)
    pairs = [item.split(":") for item in items]
    return tuple((float(time_s), float(level)) for time_s, level in pairs)
