"""A virtual service that gathers requests to batches of known energy, and what a meter of 1 s shows of it."""

import numpy as np

from reports.ratings.batches import Metered, windows_of
from reports.readings.batches import Batches

IDLE_W = 3.0
"""Above the baseline while no batch is processed."""
NOISE_J = 0.5
GREATEST = 8
"""Items of a batch of whatever size."""


def of_batch(size: float) -> float:
    """J: what a batch takes, while it is processed and in all."""
    return 0.2 + 0.15 * size


def time_of_batch_s(size: float) -> float:
    """s."""
    return 0.004 + 0.004 * size


def metered(
    seed: int, *, seconds: int = 600, rate: float = 60.0, sizes: tuple[int, ...] = (), late_s: float = 0.0
) -> Metered:
    """A run at a Poisson rate (1/s). `sizes`: batches are full ones of these sizes, drawn; without, they are of what
    waits. `late_s`: how late its batches are stamped."""
    random = np.random.default_rng(seed)
    arrivals = np.cumsum(random.exponential(1 / rate, int(1.2 * rate * seconds) + 50))
    arrivals = arrivals[arrivals < seconds]
    rows, free_s, at = [], 0.0, 0
    while at < arrivals.size:
        if sizes:
            size = int(random.choice(sizes))
            if at + size > arrivals.size:
                break
            begin_s = max(free_s, arrivals[at + size - 1])
        else:
            begin_s = max(free_s, arrivals[at])
            size = min(int(np.searchsorted(arrivals, begin_s, side="right")) - at, GREATEST)
        rows.append((begin_s, begin_s + time_of_batch_s(size), size, max(0.0, begin_s - max(arrivals[at], free_s))))
        free_s, at = rows[-1][1], at + size
    begins_s, ends_s, found, holds_s = np.array(rows, dtype=np.float64).T
    edges_s, kinds = np.arange(seconds + 1.0), np.unique(found)
    true = windows_of(Metered(edges_s, np.zeros(seconds), Batches(begins_s, ends_s, found, holds_s)), kinds)
    energy_j = true.counts @ of_batch(kinds) + IDLE_W * (true.idle_s + true.queue_s)  # type: ignore[arg-type]
    energy_j += random.normal(0, NOISE_J, seconds)
    return Metered(edges_s, energy_j, Batches(begins_s + late_s, ends_s + late_s, found, holds_s))
