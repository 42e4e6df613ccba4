"""Random search: every trial draws each parameter by itself, uniform on its scale.

Knows a space and a seed. Each trial has a stream of its own, so a draw depends on no other trial: random searches of
one seed try the same points, whatever they search.
"""

import numpy as np

from workloads.search.space import Bounds, Choices, Space, Value


def drawn(space: Space, seed: int, trial: int) -> dict[str, Value]:
    """The point of one trial; `trial` counts from 1."""
    generator = np.random.Generator(np.random.PCG64(np.random.SeedSequence([seed, trial])))
    return {name: _value(one, float(generator.random())) for name, one in space.items()}


def _value(one: Bounds | Choices, fraction: float) -> Value:
    return one.at(fraction) if isinstance(one, Bounds) else one.levels[int(fraction * len(one.levels))]
