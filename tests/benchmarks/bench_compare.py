"""How often `compare` errs: false alarms, coverage of every interval it prints, false verdicts of equivalence.

Run: nice -n 19 .venv/bin/python -m tests.benchmarks.bench_compare [DRAWS] [NAME...]

`means`: runs of two sides of equal means are drawn from a normal, a lognormal (sigma .5) and an exponential
distribution, with equal and unequal spread and number, and each side errs by its own baseline (five blocks). `meters`:
besides gain, offset and edges of one meter, or of two. `blocks`: what a block shares, analysed as pairs and as
independent runs. `campaigns`: virtual campaigns at reading level (`bench_coverage`) through RunSeries, AnalysedRun,
Group and Side. One JSON line a setting; 2000 draws take some minutes in all.
"""

import json
import math
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from types import SimpleNamespace
from typing import Any, Literal, cast

import numpy as np
from numpy.typing import NDArray

from reports.comparison.campaign import Campaign
from reports.comparison.side import Side
from reports.energy.sources import Source
from reports.inference.contrast import Contrast, Mean
from tests.benchmarks.bench_coverage import Bench
from tests.benchmarks.bench_coverage import Setting as Machine

DRAWS = 2000
LEVEL, BLOCKS, MARGIN = 10.0, 5, 0.05
NUMBERS = ((3, 3), (6, 6), (30, 30), (3, 6), (3, 30), (6, 30), (10, 30))
SPREADS = (1.0, 4.0, 0.25)
Floats = NDArray[np.float64]
Shape = Literal["normal", "lognormal", "exponential"]
SHAPES: tuple[Shape, ...] = ("normal", "lognormal", "exponential")


@dataclass(frozen=True, slots=True)
class Setting:
    """Two sides: shape of the runs, their numbers, spread of the first side's runs (`sd`), of the second's in those, of
    what a block shares, of the baseline's blocks; type B of each side, and whether both have it in common."""

    name: str
    shape: Shape
    numbers: tuple[int, int]
    spread: float
    sd: float = 1.0
    base_sd: float = 0.3
    block_sd: float = 0.0
    paired: bool = False
    type_b: float = 0.0
    common: bool = False


def settings() -> Iterator[Setting]:
    """Every setting that needs no readings."""
    for shape in SHAPES:
        for numbers in NUMBERS:
            for spread in SPREADS:
                both = "+".join(map(str, numbers))
                yield Setting(f"means {shape} n={both} spread={spread:g}", shape, numbers, spread)
    for shape in SHAPES:
        for common in (True, False):
            name = f"meters {shape} {'one' if common else 'two'}"
            yield Setting(name, shape, (10, 10), 1.0, type_b=0.5, common=common)
    for n in (10, 30):
        for block_sd in (0.0, 1.0, 2.0):
            for shape in SHAPES:
                for paired in (True, False):
                    name = f"blocks {shape} n={n} shared={block_sd:g} {'pairs' if paired else 'independent'}"
                    yield Setting(name, shape, (n, n), 1.0, block_sd=block_sd, paired=paired)


def standard(random: np.random.Generator, shape: Shape, size: int) -> Floats:
    """Draws of mean 0 and standard deviation 1; skewness 0, 1.75 and 2."""
    if shape == "normal":
        return random.standard_normal(size)
    if shape == "exponential":
        return np.asarray(random.standard_exponential(size) - 1.0)
    sigma2 = 0.25
    drawn = np.exp(math.sqrt(sigma2) * random.standard_normal(size))
    return np.asarray((drawn - math.exp(sigma2 / 2)) / math.sqrt(math.expm1(sigma2) * math.exp(sigma2)))


def drawn(random: np.random.Generator, how: Setting, second_level: float = LEVEL) -> Contrast:
    """One comparison of two sides whose true means are `LEVEL` and `second_level`."""
    shared = how.block_sd * random.standard_normal(max(how.numbers))
    common = [random.uniform(-1, 1) * math.sqrt(3) for _ in range(2)]
    sides = []
    for place, (size, level, spread) in enumerate(
        zip(how.numbers, (LEVEL, second_level), (1.0, how.spread), strict=True)
    ):
        blocks = how.base_sd * random.standard_normal(BLOCKS)
        group = ("baseline", place)
        sd = float(blocks.std(ddof=1))
        shares = {Source("baseline", "A", group, BLOCKS - 1.0, block): -sd / BLOCKS for block in range(BLOCKS)}
        error = common[0] if how.common else random.uniform(-1, 1) * math.sqrt(3)
        contribution = how.type_b * level / LEVEL
        if how.type_b:
            shares[Source("gain", "B", ("meter", 0 if how.common else place))] = contribution
        runs = level + how.sd * spread * standard(random, how.shape, size) + shared[:size]
        value = float(runs.mean() - blocks.mean() + contribution * error)
        sides.append(Mean(value, runs - runs.mean(), shares))
    pairs = tuple((i, i) for i in range(how.numbers[0])) if how.paired else None
    return Contrast(sides[0], sides[1], pairs)


def run(how: Setting, draws: int, seed: int = 7) -> dict[str, object]:
    """Shares of `draws` comparisons that are wrong, in percent."""
    random = np.random.default_rng([seed, *map(ord, how.name)])
    alarms = covers = complete = ratios = printed = equivalent = 0
    widths = []
    for _ in range(draws):
        found = drawn(random, how)
        test, type_a = found.test(), found.interval(complete=False)
        assert test is not None
        alarms += test.p < 0.05
        covers += _holds(type_a, 0.0)
        complete += _holds(found.interval(complete=True), 0.0)
        ratio = found.interval_of_ratio(complete=True)
        printed += ratio is not None
        ratios += _holds(ratio, 1.0)
        widths.append(0.0 if type_a is None else type_a[1] - type_a[0])
        edge = drawn(random, replace(how, sd=how.sd / 5, base_sd=how.base_sd / 5, type_b=how.type_b / 5),
                     LEVEL * (1 + MARGIN)).equivalence(MARGIN, relative=True)  # fmt: skip
        equivalent += edge is not None and edge.equivalent
    shares = {"false_alarms": alarms, "covers_type_a": covers, "covers": complete, "ratio_printed": printed,
              "false_equivalence": equivalent}  # fmt: skip
    percent = {key: round(100 * count / draws, 2) for key, count in shares.items()}
    percent["covers_ratio"] = round(100 * ratios / printed, 2) if printed else float("nan")
    return {"setting": how.name, "draws": draws, **percent, "median_width": round(float(np.median(widths)), 3)}


def _holds(interval: tuple[float, float] | None, truth: float) -> bool:
    return interval is not None and interval[0] <= truth <= interval[1]


def machines() -> Iterator[tuple[Machine, Machine]]:
    """Pairs of virtual campaigns of one true energy, each with a meter of its own."""
    for runs in (3, 10, 30):
        blocks = {3: 4, 10: 6, 30: 8}[runs]
        wide = Machine(f"spread-{runs}", runs, blocks, duration_s=120.0, run_sd_w=1.5)
        yield wide, wide
        yield wide, replace(wide, runs=max(runs // 2, 3), run_sd_w=3.0, name=f"half-{runs}")
        yield replace(wide, gain_percent=3.0, offset_w=0.2), replace(wide, gain_percent=0.5)


def side_of(name: str, machine: Bench, random: np.random.Generator) -> tuple[Side, float]:
    """One virtual campaign as a side, and the energy put in (Wh per run, induced)."""
    group, truth = machine.campaign(random)
    result = cast("Any", SimpleNamespace(groups={"load": group}))
    return Side(name, ((Campaign(name, name, result), "load"),)), truth.induced_wh


def run_campaigns(pair: tuple[Machine, Machine], draws: int, seed: int = 7) -> dict[str, object]:
    """Shares of `draws` comparisons of two campaigns that are wrong, in percent."""
    random = np.random.default_rng([seed, *map(ord, pair[0].name + pair[1].name)])
    benches = [Bench(machine) for machine in pair]
    alarms = complete = ratios = 0
    for _ in range(draws):
        (first, _), (second, _) = (side_of(name, bench, random) for name, bench in zip("ab", benches, strict=True))
        one, two = (side.quantities["induced_energy_wh"].mean for side in (first, second))
        assert one is not None
        assert two is not None
        found = Contrast(one, two)
        complete += _holds(found.interval(complete=True), 0.0)
        ratios += _holds(found.interval_of_ratio(complete=True), 1.0)
        test = found.test()
        # What both meters err by is no false alarm of a p that says nothing of meters.
        alarms += test is not None and test.p < 0.05 and not _holds(found.interval(complete=True), 0.0)
    shares = {"false_alarms": alarms, "covers": complete, "covers_ratio": ratios}
    name = f"campaigns {pair[0].name}+{pair[1].name} gain={pair[0].gain_percent}+{pair[1].gain_percent}"
    return {"setting": name, "draws": draws, **{key: round(100 * count / draws, 2) for key, count in shares.items()}}


def main(arguments: Sequence[str]) -> None:
    """One JSON line a setting."""
    draws = int(arguments[0]) if arguments else DRAWS
    wanted = arguments[1:]
    for how in settings():
        if not wanted or any(how.name.startswith(name) for name in wanted):
            begin = time.monotonic()
            print(json.dumps(run(how, draws) | {"seconds": round(time.monotonic() - begin, 1)}), flush=True)
    if not wanted or "campaigns" in wanted:
        for pair in machines():
            begin = time.monotonic()
            print(json.dumps(run_campaigns(pair, draws) | {"seconds": round(time.monotonic() - begin, 1)}), flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
