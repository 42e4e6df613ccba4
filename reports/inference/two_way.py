"""Two factors at once: tests of both main effects and of the interaction, and the differences that they are made of.

Knows the values of every cell of a full crossing. Knows no study.

With m the a b cell means, n, s^2 their numbers and variances, a hypothesis is C m = 0. Means are weighted equally: with

    D(k) = differences of the first of k levels to the others,   C = D(a) (x) 1/b,   1/a (x) D(b),   D(a) (x) D(b)

for the first factor, the second, and the interaction; V a covariance of m, q the rows of C, N all values,

    W = (C m)' (C V C')^-1 C m
    welch         V = s^2/n;  F = W / (q + 2 A - 6 A / (q + 2)),  df q, q (q + 2) / (3 A),
                  A = 1/2 sum_j (tr(P_j^2) + tr(P_j)^2) / (n_j - 1),  P_j the part of cell j in V C' (C V C')^-1 C
                  (Johansen, Biometrika 67 (1980) 85; two-way as in Keselman, Carriere and Lix, 1993)
    classical     V = MSE / n;  F = W / q, df q, N - a b
    hc3           V = s^2 / (n - 1), which is HC3 of the model with a mean for each cell; F = W / q, df q, N - a b
    aligned-rank  classical, on the ranks of what is left of the values when all effects but the tested one are taken
                  off (Wobbrock et al., CHI 2011)

Where a combination could not be measured, its cell is empty. The interaction is then every difference of the cells that
are there which rows and columns do not make, and a main effect averages over the levels of the other factor that were
measured with all of its own. Aligned ranks take a full crossing.

Every difference has its own spread and degrees of freedom (Welch-Satterthwaite); intervals and p are for all
differences of an effect at once (Bonferroni).
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations, product

import numpy as np
from numpy.typing import NDArray

from reports.results.distributions import fdtrc, stdtr, stdtrit
from reports.results.interaction import EffectOf, TwoWayTest

Floats = NDArray[np.float64]
Cells = Sequence[Sequence[Floats]]
"""Values of each cell: row the level of the first factor, column that of the second; two or more values each, none of a
combination that could not be measured."""
EFFECTS: tuple[EffectOf, ...] = ("first", "second", "interaction")
LEVEL = 0.95
ROUNDING = 1e-12
RANK = 1e-9
"""A singular value below so much of the largest is 0."""


@dataclass(frozen=True, slots=True)
class Tested:
    """F of one effect, its degrees of freedom, p, and partial eta squared of the analysis of variance."""

    f: float
    df: tuple[float, float]
    p: float
    eta_squared: float


@dataclass(frozen=True, slots=True)
class Difference:
    """One difference: positions of the levels of the first and of the second factor (None: averaged over it)."""

    first: tuple[int, int] | None
    second: tuple[int, int] | None
    value: float
    interval: tuple[float, float]
    df: float
    p: float


@dataclass(frozen=True, slots=True)
class _Moments:
    """Means, variances and numbers of the cells, row by row, shape (a b,)."""

    mean: Floats
    variance: Floats
    n: Floats

    @property
    def mse(self) -> float:
        """The variance within cells, of all together."""
        return float(((self.n - 1) * self.variance).sum() / (self.n.sum() - self.n.size))


def effects(cells: Cells, test: TwoWayTest) -> Mapping[EffectOf, Tested]:
    """The declared test of each effect that the cells can tell."""
    hypotheses = _hypotheses(_present(cells))
    if test == "aligned-rank":
        return {name: _classical(_moments(_aligned(cells, name)), c) for name, c in hypotheses.items()}
    moments = _moments(cells)
    how: Callable[[_Moments, Floats], Tested] = {"welch": _welch, "classical": _classical, "hc3": _hc3}[test]
    return {name: how(moments, c) for name, c in hypotheses.items()}


def differences(cells: Cells, effect: EffectOf) -> list[Difference]:
    """All differences that an effect is made of."""
    present = _present(cells)
    rows, columns = present.shape
    moments = _moments(cells)
    firsts: list[tuple[int, int] | None] = [None] if effect == "second" else list(combinations(range(rows), 2))
    seconds: list[tuple[int, int] | None] = [None] if effect == "first" else list(combinations(range(columns), 2))
    whole = np.asarray(present.all(axis=0 if effect == "first" else 1))
    weights = [
        (first, second, _crossed(_weights(first, rows, whole), _weights(second, columns, whole)))
        for first, second in product(firsts, seconds)
    ]
    every = [one for one in weights if not one[2][~present.ravel()].any()]
    return [_difference(moments, c[present.ravel()], first, second, len(every)) for first, second, c in every]


def _present(cells: Cells) -> NDArray[np.bool_]:
    """Which combinations have values, shape (a, b)."""
    return np.array([[values.size > 0 for values in row] for row in cells])


def _crossed(first: Floats, second: Floats) -> Floats:
    """Weights of the cells, row by row."""
    return np.asarray(np.kron(first, second), dtype=np.float64)


def _weights(pair: tuple[int, int] | None, levels: int, whole: NDArray[np.bool_]) -> Floats:
    """Of two levels their difference; of none the mean over those that are `whole`."""
    if pair is None:
        return np.asarray(whole / whole.sum(), dtype=np.float64)
    found = np.zeros(levels)
    found[pair[0]], found[pair[1]] = 1.0, -1.0
    return found


def _difference(
    moments: _Moments, c: Floats, first: tuple[int, int] | None, second: tuple[int, int] | None, count: int
) -> Difference:
    parts = c**2 * moments.variance / moments.n
    error = float(np.sqrt(parts.sum()))
    df = float(parts.sum() ** 2 / (parts**2 / (moments.n - 1)).sum())
    value = float(c @ moments.mean)
    half = float(stdtrit(df, 1 - (1 - LEVEL) / 2 / count)) * error
    p = min(1.0, count * 2 * float(stdtr(df, -abs(value) / error)))
    return Difference(first, second, value, (value - half, value + half), df, p)


def _hypotheses(present: NDArray[np.bool_]) -> Mapping[EffectOf, Floats]:
    """C of each effect that the cells which are there can tell, a column for each of them."""
    rows, columns = present.shape
    there = present.ravel()

    def apart(levels: int) -> Floats:
        return np.hstack([np.ones((levels - 1, 1)), -np.eye(levels - 1)])

    found: dict[EffectOf, Floats] = {}
    if (whole := present.all(axis=0)).any():
        found["first"] = _crossed(apart(rows), (whole / whole.sum())[None])[:, there]
    if (whole := present.all(axis=1)).any():
        found["second"] = _crossed((whole / whole.sum())[None], apart(columns))[:, there]
    interaction = _crossed(apart(rows), apart(columns)) if there.all() else _left_of_sums(present)
    return found | ({"interaction": interaction} if len(interaction) else {})


def _left_of_sums(present: NDArray[np.bool_]) -> Floats:
    """An orthonormal basis of the contrasts of the cells that are there to which no row and no column adds."""
    rows, columns = np.nonzero(present)
    sums = np.hstack([np.equal.outer(rows, range(len(present))), np.equal.outer(columns, range(present.shape[1]))])
    left, sizes, _ = np.linalg.svd(sums.astype(np.float64), full_matrices=True)
    rank = int((sizes > RANK * sizes[0]).sum())
    return np.asarray(left[:, rank:].T, dtype=np.float64)


def _moments(cells: Cells) -> _Moments:
    flat = [values for row in cells for values in row if values.size]
    return _Moments(
        np.array([values.mean() for values in flat]),
        np.array([values.var(ddof=1) for values in flat]),
        np.array([float(values.size) for values in flat]),
    )


def _wald(moments: _Moments, c: Floats, variance: Floats) -> tuple[float, Floats]:
    inverse = np.asarray(np.linalg.inv(c * variance @ c.T), dtype=np.float64)
    over = c @ moments.mean
    return float(over @ inverse @ over), inverse


def _tested(moments: _Moments, c: Floats, f: float, df: tuple[float, float]) -> Tested:
    effect_squares, _ = _wald(moments, c, 1 / moments.n)
    error_squares = moments.mse * (moments.n.sum() - moments.n.size)
    eta_squared = effect_squares / (effect_squares + error_squares)
    return Tested(f, df, float(fdtrc(*df, f)), float(eta_squared))


def _classical(moments: _Moments, c: Floats) -> Tested:
    wald, _ = _wald(moments, c, moments.mse / moments.n)
    return _tested(moments, c, wald / len(c), (float(len(c)), float(moments.n.sum() - moments.n.size)))


def _hc3(moments: _Moments, c: Floats) -> Tested:
    wald, _ = _wald(moments, c, moments.variance / (moments.n - 1))
    return _tested(moments, c, wald / len(c), (float(len(c)), float(moments.n.sum() - moments.n.size)))


def _welch(moments: _Moments, c: Floats) -> Tested:
    variance = moments.variance / moments.n
    wald, inverse = _wald(moments, c, variance)
    projected = variance[:, None] * (c.T @ inverse @ c)
    # P_j is the j-th column of that matrix alone, so its trace is the diagonal element, and so is that of its square.
    diagonal = np.diag(projected)
    a = float((diagonal**2 / (moments.n - 1)).sum())
    q = len(c)
    return _tested(moments, c, wald / (q + 2 * a - 6 * a / (q + 2)), (float(q), q * (q + 2) / (3 * a)))


def _aligned(cells: Cells, effect: EffectOf) -> Cells:
    """The values less their cell's mean, with the tested effect alone put back, as ranks over all of them."""
    means = np.array([[values.mean() for values in row] for row in cells])
    of_first = means.mean(axis=1, keepdims=True) - means.mean()
    of_second = means.mean(axis=0, keepdims=True) - means.mean()
    shifts: Mapping[EffectOf, Floats] = {
        "first": of_first + 0 * of_second,
        "second": of_second + 0 * of_first,
        "interaction": means - means.mean() - of_first - of_second,
    }
    shift = shifts[effect]
    moved = [values - means[i, j] + shift[i, j] for i, row in enumerate(cells) for j, values in enumerate(row)]
    ranks = _ranks(np.concatenate(moved))
    parts = iter(np.split(ranks, np.cumsum([values.size for values in moved])[:-1]))
    return [[next(parts) for _ in row] for row in cells]


def _ranks(values: Floats) -> Floats:
    """Ranks from 1, the mean one of equal values; what differs by rounding alone is equal."""
    step = np.abs(values).max() * ROUNDING or 1.0
    _, place, counts = np.unique(np.round(values / step), return_inverse=True, return_counts=True)
    return np.asarray((np.cumsum(counts) - (counts - 1) / 2)[place])
