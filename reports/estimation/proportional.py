"""Proxies of energy, each with one factor: what FLOPs, TDP, the use of a GPU, or time alone say of a training.

Knows amounts and which trainings belong together. Knows no run.

    E = k x ,     k = sum(x y) / sum(x^2) over the trainings that k is fitted to

x: the proxy's amount of a training, y: the energy that was measured. A training is estimated with a k that was fitted
without it: without it alone (its repetitions are there, so the answer was seen), without its configuration, without its
machine.
"""

from collections.abc import Callable, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from reports.estimation.scores import score
from reports.estimation.step import Extent
from reports.results.estimation import Proxy, ScoredProxy, Without

FLOPS, TRAIN_SIZE, TDP = "gflops", "train_size", "tdp_w"
"""Columns of the table of facts: GFLOPs of an image, images of an epoch, thermal design power of all GPUs."""
WITHOUT: tuple[Without, ...] = ("training", "configuration", "machine")
Told = tuple[Mapping[str, float], float | None, Extent]
"""What a table says of a training, the mean use of its GPUs (0 to 1), its length."""
Floats = NDArray[np.float64]


def _product(*factors: float | None) -> float | None:
    known = [factor for factor in factors if factor is not None]
    return float(np.prod(known)) if len(known) == len(factors) else None


AMOUNTS: Mapping[Proxy, Callable[[Told], float | None]] = {
    "flops": lambda told: _product(told[0].get(FLOPS), told[0].get(TRAIN_SIZE), told[2].epochs),
    "tdp": lambda told: told[0].get(TDP),
    "gpu-use": lambda told: told[1],
    "time": lambda told: told[2].duration_s,
    "tdp-time": lambda told: _product(told[0].get(TDP), told[2].duration_s),
    "use-time": lambda told: _product(told[1], told[2].duration_s),
    "tdp-use-time": lambda told: _product(told[0].get(TDP), told[1], told[2].duration_s),
}
"""Proxy -> its amount; None where something of it is not known."""


def scored_proxies(
    told: Sequence[Told], energy_j: Floats, groups: Mapping[Without, Sequence[str]]
) -> list[ScoredProxy]:
    """Every proxy without each; `groups`: Without -> the group of each training."""
    found = []
    for proxy, amount in AMOUNTS.items():
        amounts = [amount(one) for one in told]
        x = np.array([np.nan if value is None else value for value in amounts])
        for without in WITHOUT:
            said = without_own(x, energy_j, groups[without])
            known = np.isfinite(said)
            unbounded = np.full(int(known.sum()), np.nan)
            scored = score(said[known], unbounded, energy_j[known]) if known.any() else None
            found.append(ScoredProxy(proxy, without, scored, int((~known).sum())))
    return found


def without_own(x: Floats, y: Floats, groups: Sequence[str]) -> Floats:
    """k x of each of n trainings, k fitted to those of other groups; NaN where x is not known, or none is left."""
    names = np.array(groups)
    said = np.full(x.size, np.nan)
    for name in dict.fromkeys(groups):
        own = names == name
        others = ~own & np.isfinite(x)
        squares = float((x[others] ** 2).sum())
        if squares > 0:
            said[own] = x[own] * float((x[others] * y[others]).sum()) / squares
    return said
