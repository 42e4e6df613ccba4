"""Preparation times and chains, drawn: stratified, so that a short interval has the declared mean, spread and shares.

Knows distributions and how draws are spread over them. Knows no user and no clock. Free draws of exponential times need
some 1,500 tasks for a mean within 5 %; these need some 64 (decision 0040).
"""

import random
from collections.abc import Iterator, Mapping
from math import exp, log, log1p, sqrt
from statistics import NormalDist, fmean, pstdev

from harness.record.population import Preparation

BLOCK, RUN = 64, 16
"""Of each BLOCK draws in a row one lies in each BLOCK-th of the distribution, and of each RUN one in each RUN-th."""
MEAN_WITHIN, SPREAD_WITHIN = 0.02, 0.04
"""A block whose mean or spread is farther off is drawn again: where a few draws of the tail decide about the spread,
strata alone do not."""
MOST_TRIES = 200
CHAIN_BLOCK = 20
"""Chains in a row among which each has its share, rounded; what rounding left over goes into the next block."""


def stream_seed(seed: int, *names: object) -> str:
    """The seed of one stream of draws: streams of other names, and of other seeds, are independent."""
    return "\0".join(map(str, ("wattlab terminal", seed, *names)))


def quantile_s(preparation: Preparation, share: float) -> float:
    """The time below which `share` (0 < share < 1) of the preparation times lie."""
    mean_s, spread_s = preparation.mean_s, preparation.spread_s
    match preparation.distribution:
        case "constant":
            return mean_s
        case "exponential":
            return -mean_s * log1p(-share)
        case "normal":
            return max(0.0, mean_s + spread_s * _NORMAL.inv_cdf(share))
        case "lognormal":
            variance = log1p((spread_s / mean_s) ** 2)
            return exp(log(mean_s) - variance / 2 + sqrt(variance) * _NORMAL.inv_cdf(share))
        case "uniform":
            return mean_s + spread_s * sqrt(3) * (2 * share - 1)


_NORMAL = NormalDist()


def _shares(dice: random.Random) -> list[float]:
    """BLOCK numbers between 0 and 1, one in each stratum, each RUN of them one in each RUN-th, in a drawn order."""
    fine = BLOCK // RUN
    within = [dice.sample(range(fine), fine) for _ in range(RUN)]
    strata = [coarse * fine + within[coarse][turn] for turn in range(fine) for coarse in dice.sample(range(RUN), RUN)]
    return [min(max((stratum + dice.random()) / BLOCK, 1e-12), 1 - 1e-12) for stratum in strata]


def preparation_times(preparation: Preparation, seed: str) -> Iterator[int]:
    """Preparation times without end, in ns."""
    dice = random.Random(seed)
    mean_s = preparation.mean_s
    spread_s = mean_s if preparation.distribution == "exponential" else preparation.spread_s
    while True:
        tried = (_block(preparation, dice, mean_s, spread_s) for _ in range(MOST_TRIES))
        best = min(tried, key=lambda block: block[0]) if not spread_s else _first_good(tried)
        yield from (round(time_s * 1e9) for time_s in best[1])


def _block(preparation: Preparation, dice: random.Random, mean_s: float, spread_s: float) -> tuple[float, list[float]]:
    """How far a block is off in units of what is allowed, and its times."""
    times_s = [quantile_s(preparation, share) for share in _shares(dice)]
    off = 0.0 if not mean_s else abs(fmean(times_s) / mean_s - 1) / MEAN_WITHIN
    return max(off, abs(pstdev(times_s) / spread_s - 1) / SPREAD_WITHIN if spread_s else 0.0), times_s


def _first_good(tried: Iterator[tuple[float, list[float]]]) -> tuple[float, list[float]]:
    best = next(tried)
    for block in tried:
        if best[0] <= 1:
            break
        best = min(best, block, key=lambda one: one[0])
    return best


def choices(shares: Mapping[str, float], seed: str) -> Iterator[str]:
    """Names without end, each as often as its share: behind each CHAIN_BLOCK never more than one off."""
    dice, names = random.Random(seed), list(shares)
    if len(names) == 1:
        while True:
            yield names[0]
    given, drawn = dict.fromkeys(names, 0), 0
    while True:
        drawn += CHAIN_BLOCK
        owed = {name: shares[name] * drawn - given[name] for name in names}
        whole = {name: max(0, int(owed[name])) for name in names}
        block = [name for name in names for _ in range(whole[name])]
        dice.shuffle(block)
        rest = sorted(names, key=lambda name: (whole[name] - owed[name], dice.random()))
        block = [*block[:CHAIN_BLOCK], *rest[: max(0, CHAIN_BLOCK - len(block))]]
        dice.shuffle(block)
        for name in block:
            given[name] += 1
        yield from block
