"""How often the interval of a baseline's drift covers the true one (`reports/archive/drift.py`).

Run: nice .venv/bin/python -m tests.benchmarks.bench_drift [DRAWS]     default 2000

A year of 4, 12, 52 and 365 campaigns at drawn moments, a slope of .1 W in 30 days, noise of .5 W that is independent or
alike among neighbours (autoregressive, .5 from one campaign to the next). One line a setting.
"""

import sys

import numpy as np

from reports.archive.drift import drift

SLOPE_W, NOISE_W = 0.1, 0.5


def covered(draw: np.random.Generator, campaigns: int, alike: float) -> bool:
    """Whether one year's interval holds the slope."""
    days = np.sort(draw.uniform(0.0, 365.0, campaigns))
    days[-1] = max(days[-1], days[0] + 8.0)
    noise = draw.standard_normal(campaigns)
    for place in range(1, campaigns):
        noise[place] = alike * noise[place - 1] + np.sqrt(1 - alike**2) * noise[place]
    found = drift(days, 40.0 + SLOPE_W * days / 30.0 + NOISE_W * noise)
    assert found is not None
    return abs(found.slope.value - SLOPE_W) <= (found.slope.expanded or 0.0)


def main(draws: int) -> None:
    """Measure and print."""
    draw = np.random.default_rng(16)
    for alike in (0.0, 0.5):
        for campaigns in (4, 12, 52, 365):
            share = sum(covered(draw, campaigns, alike) for _ in range(draws)) / draws
            print(f"{campaigns} campaigns, {alike:g} alike: {100 * share:.1f} % covered", flush=True)


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 2000)
