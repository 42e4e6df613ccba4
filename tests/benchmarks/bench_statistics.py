"""The statistics: how often the intervals cover and the tests give a false alarm, and how long they take.

Run: .venv/bin/python -m tests.benchmarks.bench_statistics [DRAWS] [times|alarms|INTERVAL ...], INTERVAL the name of a
measure below; without names everything, which takes an hour.

Targets: 2000 draws of normal values of equal and of unequal spread (1 : 3) and of skewed ones (gamma of shape 4), in
groups of 3, 6 and 30: coverage of every interval that is printed at least 93 %, false alarms at 5 % at most 7 %.
Complete statistics of 4 scenarios of 30 runs, R's start included, 4 s; of 10,000 rows in 5 x 3 groups, 30 s. One JSON
line a setting.
"""

import itertools
import json
import math
import os
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from reports.inference import coefficients, effects, intervals, power_analysis, r_session
from reports.inference import statistics as st
from reports.results.inference import Interval

DRAWS = 2000
Floats: TypeAlias = NDArray[np.float64]
Shape: TypeAlias = Literal["normal", "skewed"]
Found: TypeAlias = "bool | None"
"""Whether an interval held the truth; None where none was printed."""


@dataclass(frozen=True, slots=True)
class Setting:
    """Groups of `sizes` and their spreads; `apart` is the largest difference of means, in spreads of the first."""

    shape: Shape
    sizes: tuple[int, ...]
    spreads: tuple[float, ...]
    apart: float = 0.0

    @property
    def name(self) -> str:
        """For the JSON line."""
        sizes, spreads = "-".join(map(str, self.sizes)), ":".join(f"{spread:g}" for spread in self.spreads)
        return f"{self.shape} n {sizes} spreads {spreads} apart {self.apart:g}"

    @property
    def means(self) -> Floats:
        """Evenly spaced, the first highest."""
        return np.linspace(self.apart, 0.0, len(self.sizes))

    def draw(self, random: np.random.Generator) -> list[Floats]:
        """One vector a group."""
        drawn = zip(self.means, self.spreads, self.sizes, strict=True)
        return [mean + spread * standard(random, self.shape, size) for mean, spread, size in drawn]


def standard(random: np.random.Generator, shape: Shape, size: int) -> Floats:
    """Values of mean 0 and SD 1; the skewed ones have a skewness of 1."""
    return random.standard_normal(size) if shape == "normal" else (random.gamma(4.0, size=size) - 4) / 2


def pairs(aparts: Sequence[float] = (0.0, 1.0, 3.0)) -> Iterator[Setting]:
    """Two groups: equal and unequal spread, skew, n of 3, 6, 30 and unequal n."""
    sizes = [(3, 3), (6, 6), (30, 30), (6, 30), (30, 6)]
    spreads: list[tuple[Shape, tuple[float, float]]] = [
        ("normal", (1, 1)), ("normal", (1, 3)), ("skewed", (1, 1)), ("skewed", (1, 3)),
    ]  # fmt: skip
    for (shape, spread), size, apart in itertools.product(spreads, sizes, aparts):
        yield Setting(shape, size, spread, apart)


def many() -> Iterator[Setting]:
    """Four groups."""
    for shape in ("normal", "skewed"):
        for spreads, n in itertools.product([(1.0, 1.0, 1.0, 1.0), (1.0, 1.6, 2.3, 3.0)], (3, 6, 30)):
            for apart in (0.0, 1.0, 3.0):
                yield Setting(shape, (n,) * 4, spreads, apart)


# --- coverage --------------------------------------------------------------------------------------------------------


def holds(interval: Interval | tuple[float, float] | None, truth: float) -> Found:
    """Whether the truth lies in the interval."""
    if interval is None:
        return None
    low, high = (interval.low, interval.high) if isinstance(interval, Interval) else interval
    return low <= truth <= high


@cache
def true_delta(setting: Setting) -> float:
    """Cliff's delta of the two distributions, by four million draws of each."""
    big = Setting(setting.shape, (4_000_000,) * 2, setting.spreads, setting.apart)
    a, b = big.draw(np.random.default_rng(1))
    return float(np.mean(a > b) - np.mean(a < b))


def difference(setting: Setting, values: list[Floats]) -> Found:
    """Welch's interval of the difference of means, which is that of Games and Howell of two groups."""
    (pair,) = st.games_howell({"a": values[0], "b": values[1]})
    return holds(pair.interval, setting.apart)


def delta(setting: Setting, values: list[Floats]) -> Found:
    """Cliff's delta."""
    effect = effects.cliffs_delta(values[0], values[1])
    assert effect is not None
    return holds(effect.interval, true_delta(setting))


def g(setting: Setting, values: list[Floats]) -> Found:
    """Hedges' g."""
    effect = effects.cohens_d(values[0], values[1])
    assert effect is not None
    df = np.array(setting.sizes) - 1
    pooled = math.sqrt(float(np.sum(df * np.square(setting.spreads)) / np.sum(df)))
    return holds(effect.interval, setting.apart / pooled)


def within_margin(setting: Setting, values: list[Floats]) -> Found:
    """The lower end of the 90 % interval of an equivalence test, a bound of 95 %."""
    found = st.equivalence(values[0], values[1], 1.0)
    return None if found.low is None else found.low <= setting.apart


def every_difference(setting: Setting, values: list[Floats]) -> Found:
    """All intervals of Games and Howell at once."""
    found = st.games_howell({str(number): part for number, part in enumerate(values)})
    truths = [first - second for first, second in itertools.combinations(setting.means.tolist(), 2)]
    return all(holds(pair.interval, truth) for pair, truth in zip(found, truths, strict=True))


def eta(setting: Setting, values: list[Floats]) -> Found:
    """Partial eta^2."""
    effect = st.welch_anova({str(number): part for number, part in enumerate(values)}).effect
    assert effect is not None
    share = np.array(setting.sizes) / sum(setting.sizes)
    between = float(np.sum(share * (setting.means - np.sum(share * setting.means)) ** 2))
    within = float(np.sum(share * np.square(setting.spreads)))
    return holds(effect.interval, between / (between + within))


@dataclass(frozen=True, slots=True)
class Correlated:
    """Pairs of correlation r; `levels` of x where it takes only so many values."""

    r: float
    n: int
    levels: int | None = None

    @property
    def name(self) -> str:
        """For the JSON line."""
        return f"r {self.r:g} n {self.n} levels {self.levels}"

    def draw(self, random: np.random.Generator) -> tuple[Floats, Floats]:
        """x and y."""
        x, noise = random.standard_normal((2, self.n))
        y = self.r * x + math.sqrt(1 - self.r**2) * noise
        if self.levels is not None:
            x = np.digitize(x, normal_cuts(self.levels)).astype(np.float64)
        return x, y


def normal_cuts(levels: int) -> Floats:
    """The cuts that part a normal distribution into equal shares."""
    ordered = np.sort(np.random.default_rng(1).standard_normal(1_000_000))
    return ordered[[k * ordered.size // levels for k in range(1, levels)]]


def correlations() -> Iterator[Correlated]:
    """Untied and tied pairs."""
    for r, n in itertools.product((0.0, 0.4, 0.8, 0.95), (5, 6, 10, 30, 100)):
        yield Correlated(r, n)
    for r, n in itertools.product((0.0, 0.4, 0.8), (30, 150)):
        yield Correlated(r, n, 5)


@cache
def true_rho(setting: Correlated) -> float:
    """Spearman's rho of the distribution (with ties by a million draws)."""
    if setting.levels is None:
        return 6 / math.pi * math.asin(setting.r / 2)
    big = Correlated(setting.r, 1_000_000, setting.levels).draw(np.random.default_rng(2))
    effect = coefficients.spearman(*big).effect
    assert effect is not None
    return effect.value


def rho(setting: Correlated, x: Floats, y: Floats) -> Found:
    """Spearman's rho."""
    effect = coefficients.spearman(x, y).effect
    return None if effect is None else holds(effect.interval, true_rho(setting))


def pearson_r(setting: Correlated, x: Floats, y: Floats) -> Found:
    """Pearson's r."""
    effect = coefficients.pearson(x, y).effect
    return None if effect is None else holds(effect.interval, setting.r)


def mean_t(setting: Setting, values: list[Floats]) -> Found:
    """Student's interval of one mean."""
    return holds(intervals.t_interval(values[0]), setting.apart)


def mean_bca(setting: Setting, values: list[Floats]) -> Found:
    """BCa of one mean."""
    return holds(intervals.bca_interval(values[0], 1), setting.apart)


def variation(setting: Setting, values: list[Floats]) -> Found:
    """Coefficient of variation; `apart` is the mean."""
    found = intervals.coefficient_of_variation(values[0])
    return None if found is None else holds(found[1], setting.spreads[0] / setting.apart)


def share(found: Sequence[Found]) -> dict[str, float | None]:
    """Of the intervals printed, those that held the truth; and how many were printed."""
    printed = [one for one in found if one is not None]
    return {"covers": sum(printed) / len(printed) if printed else None, "printed": len(printed) / len(found)}


def coverage(draws: int, names: Sequence[str]) -> Iterator[dict[str, object]]:
    """Every interval, or those with these names, in every setting."""
    of_groups: list[tuple[Callable[[Setting, list[Floats]], Found], list[Setting]]] = [
        (difference, list(pairs((0.0,)))),
        (delta, list(pairs((0.0, 1.0, 3.0, 6.0)))),
        (g, list(pairs((0.0, 1.0, 3.0, 6.0, 12.0)))),
        (within_margin, list(pairs((0.0,)))),
        (eta, list(many()) + list(pairs((0.0, 1.0, 3.0, 10.0)))),
        (every_difference, list(many())),
        (mean_t, [Setting(shape, (n,), (1.0,)) for shape in ("normal", "skewed") for n in (2, 3, 6, 30)]),
        (variation, [Setting(shape, (n,), (cv,), 1.0) for shape in ("normal", "skewed")
                     for n in (2, 3, 6, 30) for cv in (0.01, 0.1, 0.3)]),
        (mean_bca, [Setting(shape, (n,), (1.0,)) for shape in ("normal", "skewed") for n in (30, 60)]),
    ]  # fmt: skip
    for measure, settings in of_groups:
        for setting in settings if not names or measure.__name__ in names else ():
            random = np.random.default_rng([1, sum(map(ord, setting.name))])
            found = [measure(setting, setting.draw(random)) for _ in range(draws)]
            yield {"interval": measure.__name__, "setting": setting.name, **share(found)}
    for statistic in (rho, pearson_r):
        for pair in correlations() if not names or statistic.__name__ in names else ():
            if statistic is pearson_r and pair.levels is not None:
                continue
            random = np.random.default_rng([2, sum(map(ord, pair.name))])
            found = [statistic(pair, *pair.draw(random)) for _ in range(draws)]
            yield {"interval": statistic.__name__, "setting": pair.name, **share(found)}


# --- false alarms ----------------------------------------------------------------------------------------------------


def alarms(draws: int) -> Iterator[dict[str, object]]:
    """How often a test of equal groups finds a difference at 5 %."""
    for setting in [*pairs((0.0,)), *(one for one in many() if one.apart == 0)]:
        random = np.random.default_rng([3, sum(map(ord, setting.name))])
        counts: dict[str, list[bool]] = {}
        for _ in range(draws):
            for name, p in p_values(setting.draw(random)).items():
                if p is not None:
                    counts.setdefault(name, []).append(p < 0.05)
        yield {"setting": setting.name, **{name: sum(found) / len(found) for name, found in counts.items()}}
    for n, levels in itertools.product((3, 4, 5, 6, 7, 9, 10, 12, 30), (None, 3)):
        pair = Correlated(0.0, n, levels)
        random = np.random.default_rng([4, n])
        drawn = [pair.draw(random) for _ in range(draws)]
        found = [p < 0.05 for p in (coefficients.spearman(*xy).p for xy in drawn) if p is not None]
        yield {"setting": pair.name, "spearman": sum(found) / len(found)}


def p_values(values: list[Floats]) -> dict[str, float | None]:
    """Of every test of two, or of more, groups; of pairs the smallest."""
    groups = {str(number): part for number, part in enumerate(values)}
    if len(values) == 2:
        return {"welch": st.welch_anova(groups).p, "kruskal": st.kruskal(groups).p}
    howell = [pair.p for pair in st.games_howell(groups) if pair.p is not None]
    dunn = [pair.p for pair in st.dunn(groups) if pair.p is not None]
    return {
        "welch-anova": st.welch_anova(groups).p, "kruskal": st.kruskal(groups).p,
        "games-howell": min(howell, default=None), "dunn": min(dunn, default=None),
    }  # fmt: skip


# --- times -----------------------------------------------------------------------------------------------------------


def everything(groups: dict[str, Floats]) -> None:
    """All statistics of one response."""
    labels = list(groups)
    for values in groups.values():
        st.shapiro(values[: st.MOST_FOR_SHAPIRO])
        st.qq(values)
        intervals.coefficient_of_variation(values)
        intervals.mean_interval(values)
    for test in (st.levene, st.welch_anova, st.games_howell, st.kruskal, st.dunn):
        test(groups)
    for first, second in itertools.pairwise(labels):
        st.equivalence(groups[first], groups[second], 1.0)
        power_analysis.required_n(1.0, 2.0)
    every = np.concatenate(list(groups.values()))
    other = every + np.arange(float(every.size))
    coefficients.spearman(every, other, "greater")
    coefficients.pearson(every, other)
    coefficients.partial(every, other, [every**2])


def times() -> Iterator[dict[str, object]]:
    """R's start, a campaign with it, a study after it; wall and processor seconds, which differ on a busy machine."""
    random = np.random.default_rng(1)
    campaign = {str(k): random.normal(k, 1, 30) for k in range(4)}
    study = {str(k): random.normal(k, 1, 667) for k in range(15)}
    begin = time.monotonic(), sum(os.times()[:4])

    def since(what: str) -> dict[str, object]:
        wall_s, cpu_s = time.monotonic() - begin[0], sum(os.times()[:4]) - begin[1]
        return {"what": what, "wall_s": round(wall_s, 2), "cpu_s": round(cpu_s, 2)}

    r_session.available()
    yield since("start of R")
    everything(campaign)
    yield since("start of R and 4 scenarios x 30 runs")
    begin = time.monotonic(), sum(os.times()[:4])
    everything(study)
    yield since("10,000 rows in 15 groups")


def main(draws: int, names: Sequence[str]) -> None:
    """One JSON line a setting."""
    lines = itertools.chain(
        times() if not names or "times" in names else (),
        alarms(draws) if not names or "alarms" in names else (),
        coverage(draws, names),
    )
    for line in lines:
        print(json.dumps(line), flush=True)


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else DRAWS, sys.argv[2:])
