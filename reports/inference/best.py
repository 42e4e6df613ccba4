"""Which groups may be the best: those that no other is shown to be better than.

Knows values of groups, and what is better. Knows no study. A group is left out when another one is better by a
one-sided Welch test at `alpha` over the number of comparisons. The truly best one is compared with each of the others,
so by Bonferroni it is left out with a probability of `alpha` at the most, whatever the spreads; of several rows at once
where the comparisons of all of them are counted.
"""

import math
from collections.abc import Sequence

from reports.inference.samples import Floats, is_without_error
from reports.results.distributions import stdtr

FEWEST = 2
"""Values of a group: with fewer nothing is known of its spread, and it may be the best."""


def may_be_best(groups: Sequence[Floats], *, higher: bool, alpha: float, comparisons: int) -> list[bool]:
    """Of each group whether no other is shown to have a better mean."""
    return [
        not any(
            p_better(other, group, higher=higher) < alpha / comparisons
            for place, other in enumerate(groups)
            if place != own
        )
        for own, group in enumerate(groups)
    ]


def p_better(one: Floats, other: Floats, *, higher: bool) -> float:
    """One-sided p by Welch's t of the first group's mean being no better than the second's; 1 of fewer than `FEWEST`
    values, where nothing can be shown."""
    if min(one.size, other.size) < FEWEST:
        return 1.0
    gain = float(one.mean() - other.mean()) * (1 if higher else -1)
    if is_without_error([one, other]):
        return 1.0 if gain <= 0 else 0.0
    parts = [float(values.var(ddof=1)) / values.size for values in (one, other)]
    df = sum(parts) ** 2 / sum(part**2 / (values.size - 1) for part, values in zip(parts, (one, other), strict=True))
    return float(stdtr(df, -gain / math.sqrt(sum(parts))))
