"""A difference that a question calls relevant: are two levels equivalent within it, and could these runs have shown it?

Knows the values of a question's levels and the stated difference. Knows no study file, no table and no words.
"""

import math
from collections.abc import Callable, Mapping
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from reports.inference import power_analysis, statistics
from reports.results.question import RelevantPair, RelevantResult
from reports.results.uncertainty import Estimate, Number
from reports.study.margin import Relevant

POWER = 0.8
Values = NDArray[np.float64]


def judge(stated: Relevant, groups: Mapping[str, Values], unit: str, label: Callable[[str], str]) -> RelevantResult:
    """`relevant` of a question; the reference of a share is the first level that has values."""
    if len(groups) < 2:
        return RelevantResult(stated.text, None, None, POWER, None, (), "one-level")
    margin, reference = stated.amount, next(iter(groups)) if stated.is_share else None
    head = (stated.text, reference, None if reference is None else label(reference), POWER)
    if reference is not None:
        margin *= float(groups[reference].mean())
    if not 0 < margin < math.inf:
        return RelevantResult(*head, None, (), "not-positive")
    pairs = tuple(_pair(first, second, groups, margin, label) for first, second in combinations(groups, 2))
    return RelevantResult(*head, Number(Estimate(margin, None, None), unit), pairs, None)


def _pair(
    first: str, second: str, groups: Mapping[str, Values], margin: float, label: Callable[[str], str]
) -> RelevantPair:
    """Equivalence of two levels, and what a t test of two such levels needs or finds; unknown where it is refused."""
    a, b = groups[first], groups[second]
    test = statistics.equivalence(a, b, margin)
    n, sd = (0.0, 0.0) if test.refused else power_analysis.as_equal_groups(a, b)
    return RelevantPair(
        first,
        second,
        label(first),
        label(second),
        n=(int(a.size), int(b.size)),
        low=test.low,
        high=test.high,
        p=test.p,
        equivalent=test.equivalent,
        margin=test.margin,
        refused=test.refused,
        power_now=None if test.refused else power_analysis.power(n, margin, sd),
        required_n=None if test.refused else power_analysis.required_n(margin, _sd_of_both(a, b), POWER),
        detectable=None if test.refused else power_analysis.detectable_difference(n, sd, POWER),
    )


def _sd_of_both(a: Values, b: Values) -> float:
    return math.sqrt((float(a.var(ddof=1)) + float(b.var(ddof=1))) / 2)
