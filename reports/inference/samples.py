"""Values as the tests take them, and why a test cannot be made of them.

Knows vectors, groups and the codes of `reports.results.inference.Refusal`. Knows no test and no R.
"""

import itertools
import math
from collections.abc import Mapping, Sequence
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from harness.record.errors import AnalysisError
from reports.results.inference import Pair, Refusal, Symbol, Test, TestName

Floats: TypeAlias = NDArray[np.float64]
"""Of shape (n,), in any one unit."""
Groups: TypeAlias = Mapping[str, Floats]
"""Label -> its values."""
LARGEST, SMALLEST = 1e50, 1e-50
"""Beyond them powers of the values are no longer doubles."""
ROUNDING = 10 * float(np.finfo(np.float64).eps)


def refusal(
    parts: Sequence[Floats], least: int, least_groups: int = 1, within: bool = False, ranks: bool = False
) -> Refusal | None:
    """Why a test that needs so much cannot be made of these; `within`: it divides by the variance of each part."""
    if len(parts) < least_groups:
        return "one-level"
    if any(part.size < least for part in parts):
        return "too-few"
    if not all((np.abs(part) <= LARGEST).all() for part in parts):  # false of NaN too
        return "not-finite"
    if ranks and np.ptp(np.concatenate(parts)) == 0:
        return "ties-only"
    if within and any(map(is_constant, parts)):
        return "constant"
    return None


def is_constant(values: Floats) -> bool:
    """Whether the values differ by nothing but rounding."""
    return float(np.ptp(values)) <= max(ROUNDING * float(np.abs(values).max()), SMALLEST)


def is_without_error(parts: Sequence[Floats]) -> bool:
    """Whether the standard error of the means is nothing but rounding: t.test's own rule."""
    error = math.sqrt(sum(float(part.var(ddof=1)) / part.size for part in parts))
    return error <= max(2 * ROUNDING * max(abs(float(part.mean())) for part in parts), SMALLEST)


def vector(values: Floats) -> Floats:
    """The values as a vector of doubles."""
    return np.asarray(values, dtype=np.float64).ravel()


def parts_of(groups: Groups) -> list[Floats]:
    """The values of every group."""
    return [vector(values) for values in groups.values()]


def sizes(parts: Sequence[Floats]) -> tuple[int, ...]:
    """How many values each part has."""
    return tuple(part.size for part in parts)


def stacked(parts: Sequence[Floats]) -> tuple[Floats, Floats]:
    """All values, and for each the number of its group, from 1."""
    return np.concatenate(parts), np.repeat(np.arange(1.0, len(parts) + 1), sizes(parts))


def together(x: Floats, y: Floats) -> tuple[Floats, Floats]:
    """Both as vectors of pairs.

    Raises:
        AnalysisError: they are not of the same length.
    """
    x, y = vector(x), vector(y)
    if x.size != y.size:
        raise AnalysisError(f"pairs need two lists of the same length; these hold {x.size} and {y.size} values")
    return x, y


def numbers(given: Floats) -> list[float]:
    """What R gave, as plain numbers."""
    return [float(number) for number in given]


def ends(low: float, high: float) -> tuple[float, float] | None:
    """Both ends of an interval; None where one is not finite."""
    return (low, high) if math.isfinite(low) and math.isfinite(high) else None


def refused_test(name: TestName, symbol: Symbol, parts: Sequence[Floats], code: Refusal) -> Test:
    """A test that was not computed, and why."""
    return Test(name, None, symbol, (), None, sizes(parts), None, code)


def refused_pairs(groups: Groups, parts: Sequence[Floats], code: Refusal) -> tuple[Pair, ...]:
    """Every pair of some groups, none computed, and why."""
    sized = zip(groups, sizes(parts), strict=True)
    return tuple(
        Pair(first, second, None, None, None, None, None, None, (n, m), code)
        for (first, n), (second, m) in itertools.combinations(sized, 2)
    )
