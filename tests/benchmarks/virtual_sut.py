"""A virtual SUT whose power is known, read by a virtual wall meter and a virtual software meter of known share, offset,
lag, window, quantum and drops: for `bench_qualification` and the tests. Knows no estimator.
"""

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from reports.qualification.trace import EnergyTrace, of_windows

Floats = NDArray[np.float64]
IDLE_W, FULL_W = 60.0, 160.0
WALL_WINDOW_S, WALL_RESOLUTION_W = 1.0, 0.1


@dataclass(frozen=True, slots=True)
class Setting:
    """One cell: the load (`level_w` where it is constant), and what both meters do to it. `lag_s` is from the power to
    the end of the software meter's window."""

    name: str
    load: Literal["switched", "natural", "constant"] = "switched"
    duration_s: float = 400.0
    share: float = 0.6
    offset_w: float = 5.0
    lag_s: float = 0.5
    window_s: float = 1.0
    update_s: float = 0.1
    asked_s: float = 1.0
    quantum_w: float = 0.0
    noise_w: float = 1.0
    wall_noise_w: float = 0.5
    memory: float = 0.0
    drops: float = 0.0
    level_w: float = 100.0


@dataclass(frozen=True, slots=True)
class Record:
    """What both meters wrote, and the truth: `lag_s` is the mean age of what the software meter said."""

    wall: EnergyTrace
    times_s: Floats
    power_w: Floats
    lag_s: float


def record(setting: Setting, rng: np.random.Generator) -> Record:
    """One record of a setting."""
    edges_s, levels_w = _load(setting, rng)
    energy = np.concatenate([[0.0], np.cumsum(np.diff(edges_s) * levels_w)])

    def mean_w(end_s: Floats, window_s: float) -> Floats:
        begin_s = end_s - window_s
        return np.asarray((np.interp(end_s, edges_s, energy) - np.interp(begin_s, edges_s, energy)) / window_s)

    wall_s = np.arange(rng.uniform(0, 1), setting.duration_s, WALL_WINDOW_S) + rng.normal(0, 0.003)
    wall_w = mean_w(wall_s, WALL_WINDOW_S) + _noise(wall_s.size, setting.wall_noise_w, setting.memory, rng)
    wall_w = np.round(wall_w / WALL_RESOLUTION_W) * WALL_RESOLUTION_W
    kept = rng.random(wall_s.size) >= setting.drops / 4
    asked_s = np.arange(rng.uniform(0, setting.asked_s), setting.duration_s, setting.asked_s)
    asked_s = np.sort(asked_s + rng.uniform(-0.02, 0.02, asked_s.size) * setting.asked_s)
    phase_s = rng.uniform(0, setting.update_s)
    updated_s = np.floor((asked_s - phase_s) / setting.update_s) * setting.update_s + phase_s
    places = np.unique(updated_s, return_inverse=True)[1]
    noise_w = _noise(int(places.max()) + 1, setting.noise_w, setting.memory, rng)[places]
    power_w = setting.offset_w + setting.share * mean_w(updated_s - setting.lag_s, setting.window_s) + noise_w
    if setting.quantum_w:
        power_w = np.round(power_w / setting.quantum_w) * setting.quantum_w
    read = rng.random(asked_s.size) >= setting.drops
    age_s = setting.lag_s + setting.window_s / 2 + float(np.mean(asked_s[read] - updated_s[read]))
    return Record(of_windows(wall_s[kept], wall_w[kept], WALL_WINDOW_S), asked_s[read], power_w[read], age_s)


def _load(setting: Setting, rng: np.random.Generator) -> tuple[Floats, Floats]:
    """Where the power steps, with ends far outside of the record, and its levels."""
    far_s = 60.0
    count = int(setting.duration_s)
    if setting.load == "constant":
        return np.array([-far_s, setting.duration_s + far_s]), np.array([setting.level_w])
    if setting.load == "switched":
        lengths_s = rng.uniform(8.0, 16.0, count)
        levels_w = np.where(np.arange(count + 1) % 2 == 0, IDLE_W, FULL_W)
    else:
        lengths_s = 2.0 + rng.exponential(15.0, count)
        levels_w = rng.uniform(IDLE_W, FULL_W, count + 1)
    steps_s = np.cumsum(lengths_s)
    steps_s = steps_s[steps_s < setting.duration_s]
    return np.concatenate([[-far_s], steps_s, [setting.duration_s + far_s]]), levels_w[: steps_s.size + 1]


def _noise(size: int, sd_w: float, memory: float, rng: np.random.Generator) -> Floats:
    """Autoregressive noise of the first order with standard deviation `sd_w`."""
    white = rng.normal(0, sd_w, size)
    if not memory:
        return white
    from scipy.signal import lfilter

    return np.asarray(lfilter([np.sqrt(1 - memory**2)], [1.0, -memory], white))
