"""How often `wattlab archive regression` errs when it is asked every night: false alarms, and what it decides.

Run: nice .venv/bin/python -m tests.benchmarks.bench_regression [YEARS] [NIGHTS]     default 300 365

A reference release of thirty runs is measured once. Every night ten runs of the same release are held against it, 365
nights a year, with `--looks 1` and `--looks 365`. Runs are normal or exponential, with a spread of 2 or 5 % of the
mean; both sides err by a gain of .5 % that they have in common, and each by a baseline of its own. `at the margin`: the
release uses exactly the margin more, so every alarm and every pass is false; `equal`: it uses the same. Printed are the
share of years with an alarm, the share with a pass, and the nights of a year that are decided. One line a setting.
"""

import sys
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from reports.comparison.regression import verdict
from reports.energy.sources import Source
from reports.inference.contrast import Contrast, Mean

MARGIN, REFERENCE, NIGHTLY = 0.05, 30, 10
GAIN = Source("gain", "B", ("meter",))
Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Setting:
    """How runs are drawn, their spread, and how many times the reference's energy the release uses."""

    shape: str
    spread: float
    ratio: float


def settings() -> Iterator[Setting]:
    """Every setting."""
    for shape in ("normal", "exponential"):
        for spread in (0.02, 0.05):
            for ratio in (1.0, 1.0 + MARGIN, 1.0 + 2 * MARGIN):
                yield Setting(shape, spread, ratio)


def side(draw: np.random.Generator, setting: Setting, ratio: float, runs: int, name: str) -> Mean:
    """One side: runs, a gain that both have, a baseline of its own."""
    away = draw.standard_normal(runs) if setting.shape == "normal" else draw.exponential(1.0, runs) - 1.0
    own = setting.spread / 10
    values = ratio * (1.0 + setting.spread * away) + own * draw.standard_normal()
    mean = float(values.mean())
    return Mean(mean, values - mean, {GAIN: 0.005 * ratio, Source("baseline", "A", (name,), 9.0): own})


def year(draw: np.random.Generator, setting: Setting, nights: int, looks: tuple[int, ...]) -> list[list[str]]:
    """What every night says, for each number of looks."""
    reference = side(draw, setting, 1.0, REFERENCE, "reference")
    told = []
    for night in range(nights):
        newest = side(draw, setting, setting.ratio, NIGHTLY, f"night {night}")
        found = Contrast(reference, newest).at_limit(1.0 + MARGIN, relative=True)
        told.append([str(verdict(found, count)) for count in looks])
    return [list(words) for words in zip(*told, strict=True)]


def main(years: int, nights: int) -> None:
    """Measure and print."""
    looks = (1, nights)
    for setting in settings():
        draw = np.random.default_rng(16)
        said = [year(draw, setting, nights, looks) for _ in range(years)]
        for place, count in enumerate(looks):
            of = [one[place] for one in said]
            alarms = sum("regression" in words for words in of) / years
            passes = sum("not-worse" in words for words in of) / years
            decided = sum(word != "undecided" for words in of for word in words) / (years * nights)
            where = {1.0: "equal", 1.0 + MARGIN: "at the margin"}.get(setting.ratio, "twice the margin")
            print(
                f"{setting.shape}, spread {100 * setting.spread:g} %, {where}, --looks {count}: years with an alarm "
                f"{100 * alarms:.1f} %, with a pass {100 * passes:.1f} %; nights decided {100 * decided:.1f} %",
                flush=True,
            )


if __name__ == "__main__":
    main(*(int(text) for text in (*sys.argv[1:], *("300", "365")[len(sys.argv) - 1 :])))
