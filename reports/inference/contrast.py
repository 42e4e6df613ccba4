"""Difference and ratio of two means, with what both have in common: U by type A alone and complete, t, p, intervals,
equivalence.

Knows the GUM's arithmetic, the law of a linear combination of two means (`energy/common_errors.py`) and Fieller's
theorem. Knows no campaign, no file and no unit. The first mean is the reference: difference = second - first, ratio =
second / first.

Everything is one contrast L(r) = X2 - r X1: the difference is L(1), and the values of r whose L(r) is not told from 0
are the ratio's interval (Fieller 1954). Its variance is s^2 tau / n of the runs of both sides (of the paired
differences x2_i - r x1_i where a design pairs them), plus sum over sources (c_2s - r c_1s)^2: what is common cancels as
far as it is equal. What is only assumed of meters is one source: theirs add up (`common_errors.added_up`), with the
signs that they have at the estimated ratio.

Degrees of freedom. Welch's test has 7 to 15 % false alarms where skewed runs have unequal spread or number (simulated:
exponential, n = 3 to 30), and no look at a few runs can show their skew. So each side's runs count with max(`SAFE`
(n - 1), `FLOOR`) degrees of freedom in Welch-Satterthwaite, and never with more than runs of equal spread would give: a
small side whose spread came out small by chance does not lend the large side's certainty. For runs as skewed as an
exponential distribution that keeps every interval at 93 % or above and every false alarm at 7 % or below
(`tests/benchmarks/bench_compare.py`); for normal runs of equal spread it costs 4 % of width at n = 30, 15 % at n = 10,
30 % at n = 6, 70 % at n = 3. Welch's own degrees of freedom stand beside. Below `LEAST` runs a side nothing is claimed.

Equivalence. Both one-sided tests at 5 % would be the 90 % interval within the margin; of skewed runs one of them errs
in 10 %. So the 95 % interval must lie within it, the one that is printed.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from reports.energy.budget import autocorrelation_time
from reports.energy.common_errors import Shares, added_up
from reports.energy.sources import EvaluationType, Source
from reports.results.distributions import stdtr, stdtridf
from reports.results.uncertainty import COVERAGE, Estimate, Term, combine, t_quantile

SAFE, FLOOR = 0.35, 0.9
"""Share of the degrees of freedom of a side's runs that is used, and the least of it (module docstring)."""
LEAST = 3
"""Runs of a side, or pairs, below which no interval and no p is given."""
LEVEL = 2 * COVERAGE - 1
"""Of an interval that nobody asked to be another."""
LEVELS = ("", "A", "AB")
"""Types of the sources that join the runs' spread: none, type A, everything."""
Floats = NDArray[np.float64]
Interval = tuple[float, float]


@dataclass(frozen=True, slots=True)
class Mean:
    """One quantity of one side: value, the runs' deviations from it (n,), in order of time, and its other errors;
    `known` is False where the size of one of them is not known (a baseline of one block)."""

    value: float
    away: Floats
    shares: Shares
    known: bool = True

    @property
    def n(self) -> int:
        """Runs."""
        return int(self.away.size)

    @property
    def sd(self) -> float | None:
        """Standard deviation over the runs."""
        return float(self.away.std(ddof=1)) if self.away.size > 1 else None

    @property
    def estimate(self) -> Estimate:
        """The mean by itself with everything, as in the budget of its campaign."""
        if self.away.size < 2 or not self.known:
            return Estimate(self.value, None, None)
        return combine(self.value, [_error_of(self.away), *_terms(added_up({}, self.shares, 0.0)[1])])


@dataclass(frozen=True, slots=True)
class Line:
    """One source of the difference's uncertainty: signed contributions of both sides, what is left in the difference,
    and the correlation between them (None where a side has none of it)."""

    name: str
    type: EvaluationType
    first: float
    second: float
    u: float
    dof: float

    @property
    def rho(self) -> float | None:
        """Correlation of both sides' contributions."""
        if not self.first or not self.second:
            return None
        return (self.first**2 + self.second**2 - self.u**2) / (2 * self.first * self.second)


@dataclass(frozen=True, slots=True)
class Significance:
    """A two-sided t test of no difference; `plain_df` are Welch's of the runs (or n - 1 of pairs)."""

    t: float
    df: float
    p: float
    plain_df: float


@dataclass(frozen=True, slots=True)
class Equivalence:
    """Two one-sided tests (Schuirmann 1987) by the interval that is printed: the 95 % interval `low` to `high`, the
    limits it must lie within; p, the largest of both one-sided p doubled, is below .05 where it does."""

    low: float
    high: float
    limits: Interval
    p: float

    @property
    def equivalent(self) -> bool:
        """Whether the interval lies within the limits."""
        return self.limits[0] < self.low and self.high < self.limits[1]


@dataclass(frozen=True, slots=True)
class Limit:
    """A one-sided test each way of difference or ratio at one limit, each p doubled: it is below .05 where the 95 %
    interval lies on that side of the limit."""

    below: float
    above: float


@dataclass(frozen=True, slots=True)
class Contrast:
    """Two means beside each other. `pairs`: for each pair the place of its runs among those of the first and of the
    second side; None where runs are independent."""

    first: Mean
    second: Mean
    pairs: tuple[tuple[int, int], ...] | None = None

    @property
    def enough(self) -> bool:
        """Whether there are runs enough for an interval, any spread, and every error's size."""
        known = self.first.known and self.second.known
        return known and min(self.first.n, self.second.n) >= LEAST and self._spread(1.0)[0].u > 0

    def difference(self, *, complete: bool) -> Estimate:
        """Second minus first; by type A alone or with everything. u is None where too little is known."""
        return self._of(1.0, complete=complete)

    def ratio(self, *, complete: bool) -> Estimate | None:
        """Second over first with the first-order u; None where the first is not shown to be above zero."""
        if self.interval_of_ratio(complete=complete) is None:
            return None
        value = self.second.value / self.first.value
        found = self._of(value, complete=complete)
        u = None if found.u is None else found.u / abs(self.first.value)
        return Estimate(value, u, found.dof)

    def interval(self, *, complete: bool, level: float = LEVEL) -> Interval | None:
        """The interval of the difference; of 95 %, or of another level."""
        found = self.difference(complete=complete)
        if found.u is None or found.dof is None:
            return None
        expanded = t_quantile(found.dof, (1 + level) / 2) * found.u
        return found.value - expanded, found.value + expanded

    def interval_of_ratio(self, *, complete: bool, level: float = LEVEL) -> Interval | None:
        """Fieller's interval of the ratio, of 95 % or of another level; None where it is unbounded, or too little is
        known, or the first is not above zero: of a negative reference "59 % less" would be more."""
        if not self.enough or self.first.value <= 0:
            return None
        found = self._of(self.second.value / self.first.value, complete=complete)
        if found.dof is None:
            return None
        t = t_quantile(found.dof, (1 + level) / 2)
        at = self.second.value / self.first.value
        of_second, minus, plus = (self._variance(r, at, complete=complete) for r in (0.0, -1.0, 1.0))
        of_first, both = (minus + plus) / 2 - of_second, (minus - plus) / 4
        a, c = self.first.value**2 - t**2 * of_first, self.second.value**2 - t**2 * of_second
        b = self.first.value * self.second.value - t**2 * both
        if a <= 0 or b * b < a * c:
            return None
        root = math.sqrt(b * b - a * c)
        return (b - root) / a, (b + root) / a

    def test(self, *, complete: bool = False) -> Significance | None:
        """Whether the difference is told from zero by its type A uncertainty, which says nothing of type B; or by the
        complete one, as the complete interval tells it."""
        found = self.difference(complete=complete)
        if not found.u or found.dof is None:
            return None
        t = found.value / found.u
        if complete and (type_a := self.test()) is not None:
            p = 2 * float(stdtr(_finite(found.dof), -abs(t)))
            return Significance(t, found.dof, max(p, type_a.p), type_a.plain_df)
        return Significance(t, found.dof, 2 * float(stdtr(_finite(found.dof), -abs(t))), self._spread(1.0)[1])

    def equivalence(self, margin: float, *, relative: bool) -> Equivalence | None:
        """Whether the difference lies within +-`margin` (relative: the ratio within 1 +- margin), by the complete u.

        A relative margin is tested by the contrasts at its limits, so the reference's own uncertainty counts.
        """
        found = self.interval_of_ratio(complete=True) if relative else self.interval(complete=True)
        if found is None:
            return None
        limits = (1 - margin, 1 + margin) if relative else (-margin, margin)
        low, high = (self._at(limit, relative=relative) for limit in limits)
        return Equivalence(*found, limits, max(low.above, high.below))

    def at_limit(self, limit: float, *, relative: bool) -> Limit | None:
        """On which side of a limit the difference lies (relative: the ratio), by the complete u; None where there is no
        interval."""
        found = self.interval_of_ratio(complete=True) if relative else self.interval(complete=True)
        return None if found is None else self._at(limit, relative=relative)

    def _at(self, limit: float, *, relative: bool) -> Limit:
        at = self.second.value / self.first.value if relative else 1.0
        dof = _finite(self._of(at, complete=True).dof)
        away = self._away(limit, relative=relative)
        return Limit(min(1.0, 2 * float(stdtr(dof, away))), min(1.0, 2 * float(stdtr(dof, -away))))

    def _away(self, limit: float, *, relative: bool) -> float:
        """How many standard uncertainties ratio or difference lie above a limit."""
        if not relative:
            return (self.difference(complete=True).value - limit) / math.sqrt(self._variance(1.0, 1.0, complete=True))
        value = math.copysign(1.0, self.first.value) * (self.second.value - limit * self.first.value)
        at = self.second.value / self.first.value
        return value / math.sqrt(self._variance(limit, at, complete=True))

    def lines(self) -> tuple[Line, ...]:
        """The sources of the difference's uncertainty by name, largest first; the runs' spread is one of them."""
        spread = self._spread(1.0)[0]
        own = [_error_of(mean.away).u for mean in (self.first, self.second)]
        found = [Line("runs", "A", own[0], own[1], spread.u, spread.dof)]
        first, second = added_up(self.first.shares, self.second.shares, 1.0)
        sources = dict.fromkeys((*first, *second))
        for name in dict.fromkeys(source.name for source in sources):
            named = [source for source in sources if source.name == name]
            one, two = (_joined(shares, named) for shares in (first, second))
            left = {s: second.get(s, 0.0) - first.get(s, 0.0) for s in named}
            joint = combine(0.0, _terms(left))
            dof = math.inf if joint.dof is None else joint.dof
            found.append(Line(name, named[0].type, one, two, joint.u or 0.0, dof))
        return tuple(sorted(found, key=lambda line: -line.u))

    def _of(self, ratio: float, *, complete: bool) -> Estimate:
        value = self.second.value - ratio * self.first.value
        if not self.enough:
            return Estimate(value, None, None)
        return never_narrower(value, [self._terms(ratio, ratio, level) for level in LEVELS[: 3 if complete else 2]])

    def _variance(self, ratio: float, at: float, *, complete: bool) -> float:
        return math.fsum(term.u**2 for term in self._terms(ratio, at, LEVELS[2 if complete else 1]))

    def _terms(self, ratio: float, at: float, types: str) -> list[Term]:
        """The runs' spread, and what is of these types and left in the contrast; what is assumed adds up as it does at
        the ratio `at`, so that the variance is a parabola of `ratio`."""
        first, second = added_up(self.first.shares, self.second.shares, at)
        left = {
            source: second.get(source, 0.0) - ratio * first.get(source, 0.0)
            for source in dict.fromkeys((*first, *second))
            if source.type in types
        }
        return [self._spread(ratio)[0], *_terms(left)]

    def _spread(self, ratio: float) -> tuple[Term, float]:
        """What the runs' own spread gives, with safe and with plain degrees of freedom."""
        if self.pairs is not None:
            away = self.second.away[[j for _, j in self.pairs]] - ratio * self.first.away[[i for i, _ in self.pairs]]
            term = _error_of(away)
            return Term(term.u, _safe(term.dof)), term.dof
        return _welch(_error_of(ratio * self.first.away), _error_of(self.second.away), self.first.n, self.second.n)


def never_narrower(value: float, levels: Sequence[Sequence[Term]]) -> Estimate:
    """What all terms of the last level give together. A term more makes no U smaller: where Welch-Satterthwaite would
    (a term of many degrees of freedom beside one of few), the degrees of freedom are those that leave U as it was."""
    found = combine(value, levels[0])
    for terms in levels[1:]:
        wider = combine(value, terms)
        before = found.expanded or 0.0
        if wider.u and (wider.expanded or 0.0) < before:
            wider = replace(wider, dof=float(stdtridf(COVERAGE, before / wider.u)))
        found = wider
    return found


def _terms(shares: Shares) -> list[Term]:
    """The errors of each group as one term, for they share their degrees of freedom."""
    groups: dict[tuple[str, tuple[object, ...]], list[tuple[float, float]]] = {}
    for source, share in shares.items():
        groups.setdefault((source.name, source.group), []).append((share, source.dof))
    return [Term(math.hypot(*(share for share, _ in parts)), parts[0][1]) for parts in groups.values()]


def _welch(first: Term, second: Term, n_first: int, n_second: int) -> tuple[Term, float]:
    """Standard error of a difference of independent means, with safe and with Welch's degrees of freedom."""
    plain = combine(0.0, [first, second])
    safe = combine(0.0, [Term(first.u, _safe(first.dof)), Term(second.u, _safe(second.dof))])
    alike = combine(0.0, [Term(n_first**-0.5, _safe(first.dof)), Term(n_second**-0.5, _safe(second.dof))])
    return Term(plain.u or 0.0, min(safe.dof or 0.0, alike.dof or 0.0)), plain.dof or 0.0


def _safe(dof: float) -> float:
    """The degrees of freedom that a side's runs count with."""
    return max(SAFE * dof, FLOOR)


def _error_of(away: Floats) -> Term:
    """s sqrt(tau / n) and its degrees of freedom n / tau - 1 of deviations in order of time."""
    if away.size < 2:
        return Term(0.0, 1.0)
    tau = autocorrelation_time(away)
    return Term(float(away.std(ddof=1)) * math.sqrt(tau / away.size), max(away.size / tau - 1.0, 1.0))


def _joined(shares: Shares, sources: Sequence[Source]) -> float:
    """A side's contribution by all sources of one name, with the sign of their sum."""
    parts = [shares.get(source, 0.0) for source in sources]
    return math.copysign(math.hypot(*parts), math.fsum(parts))


def _finite(dof: float | None) -> float:
    return 1e12 if dof is None or not math.isfinite(dof) else dof


def holm(p_values: Mapping[tuple[int, int], float]) -> dict[tuple[int, int], float]:
    """Adjusted p values of a family (Holm 1979), by the same keys."""
    adjusted: dict[tuple[int, int], float] = {}
    largest = 0.0
    for place, (key, p) in enumerate(sorted(p_values.items(), key=lambda item: item[1])):
        largest = max(largest, min(1.0, (len(p_values) - place) * p))
        adjusted[key] = largest
    return adjusted
