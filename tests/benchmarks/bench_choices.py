"""How often the best level is among those that may be best, and how many others stay with it; prints JSON lines.

    python -m tests.benchmarks.bench_choices [DRAWS]

Three rows of three environments, groups of 3, 6 and 30, normal values of equal and of unequal spread (1 : 3) and skewed
ones (gamma of shape 4). Means are equal, or one SD apart, or three; the first level is best, or as good as any.
Target: the best of all three rows is kept in at least 93 % of the draws.
"""

import itertools
import json
import sys

import numpy as np

from reports.inference.best import may_be_best
from tests.benchmarks.bench_statistics import Shape, standard

DRAWS = 2000
ROWS, LEVELS = 3, 3


def main(draws: int) -> None:
    """One JSON line a setting."""
    shapes: tuple[Shape, ...] = ("normal", "skewed")
    for shape, spreads, n, apart in itertools.product(
        shapes, ((1.0, 1.0, 1.0), (1.0, 2.0, 3.0), (3.0, 2.0, 1.0)), (3, 6, 30), (0.0, 1.0, 3.0)
    ):
        random = np.random.default_rng([6, n, int(apart)])
        kept, left = 0, 0
        for _ in range(draws):
            rows = [
                [apart * level + spread * standard(random, shape, n) for level, spread in enumerate(spreads)]
                for _ in range(ROWS)
            ]
            may = [may_be_best(row, higher=False, alpha=0.05, comparisons=ROWS * (LEVELS - 1)) for row in rows]
            kept += all(row[0] for row in may)
            left += sum(sum(row) for row in may)
        setting = f"{shape} n {n} spreads {':'.join(f'{spread:g}' for spread in spreads)} apart {apart:g}"
        print(json.dumps({"setting": setting, "kept": kept / draws, "of_three": left / draws / ROWS}), flush=True)


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else DRAWS)
