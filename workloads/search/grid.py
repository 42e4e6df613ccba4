"""Grids: points of the Cartesian product of a few values of each parameter.

- `partial`: the thesis' grid (Yarally, section 3.3.3; its notebook): a continuous parameter has the values
  low + i (high - low)/points, i = 0 ... points - 1, so `high` is never tried; trials are drawn from the product without
  putting back.
- `whole`: both bounds are tried, low + i (high - low)/(points - 1); trials run through the product in order, the last
  parameter fastest.
"""

from collections.abc import Sequence
from itertools import islice, product

import numpy as np

from workloads.search.space import Choices, Space, Value, points_in


def partial(space: Space, seed: int, trial: int, points: int) -> dict[str, Value]:
    """The point of one trial; `trial` counts from 1, and there are `points_in` of them."""
    shuffled = np.random.Generator(np.random.PCG64(np.random.SeedSequence([seed]))).permutation(
        points_in(space, points)
    )
    return _point(space, [place / points for place in range(points)], int(shuffled[trial - 1]))


def whole(space: Space, trial: int, points: int) -> dict[str, Value]:
    """The same of the whole grid."""
    return _point(space, [place / (points - 1) for place in range(points)], trial - 1)


def _point(space: Space, fractions: Sequence[float], index: int) -> dict[str, Value]:
    levels = [
        one.levels if isinstance(one, Choices) else [one.at(fraction) for fraction in fractions]
        for one in space.values()
    ]
    return dict(zip(space, next(islice(product(*levels), index, None)), strict=True))
