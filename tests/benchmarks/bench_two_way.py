"""False alarms of the tests of two factors where nothing differs: normal values, spreads 1 and 3 by turns.

Run: nice .venv/bin/python -m tests.benchmarks.bench_two_way [DRAWS]      (2000: 4 minutes)

A line a setting: levels, values of the cells by turns, and for each test the least and the greatest share (%) of draws
with p < .05 over both main effects and the interaction. Target: at most 7 % for the default test, Welch-James.
"""

import sys
from typing import get_args

import numpy as np

from reports.inference.two_way import effects
from reports.results.interaction import TwoWayTest

SHAPES = ((2, 2), (2, 3), (3, 4))
SIZES = ((3, 3), (4, 4), (6, 6), (10, 10), (4, 12), (12, 4))
SPREADS = (1.0, 3.0)


def main(draws: int) -> None:
    """Print a line a setting."""
    tests: tuple[TwoWayTest, ...] = get_args(TwoWayTest)
    print("| levels | values | " + " | ".join(tests) + " |\n|---|---|" + "---|" * len(tests))
    for rows, columns in SHAPES:
        for sizes in SIZES:
            draw = np.random.default_rng(rows * 1000 + columns * 100 + sizes[0] * 10 + sizes[1])
            alarms = {test: np.zeros(3) for test in tests}
            for _ in range(draws):
                flat = [draw.normal(0, SPREADS[at % 2], sizes[at % 2]) for at in range(rows * columns)]
                cells = [flat[i * columns : (i + 1) * columns] for i in range(rows)]
                for test in tests:
                    alarms[test] += [tested.p < 0.05 for tested in effects(cells, test).values()]
            percent = {test: 100 * alarms[test] / draws for test in tests}
            shown = (f"{percent[test].min():.1f} to {percent[test].max():.1f}" for test in tests)
            print(f"| {rows} x {columns} | {sizes[0]}, {sizes[1]} | {' | '.join(shown)} |", flush=True)


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 2000)
