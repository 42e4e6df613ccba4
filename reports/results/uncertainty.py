"""Numbers with their uncertainty: `Estimate`, type A evaluation, Welch-Satterthwaite, and `Number`, the form in
results.json.

Knows the GUM's arithmetic (JCGM 100: 4.2, 5.1.2, G.4). Knows no energy, no run and no file. Type B terms join as
further `Term`s.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from harness.record.documents import Json
from reports.results.distributions import stdtrit

COVERAGE = 0.975
"""Two-sided 95 %."""


@dataclass(frozen=True, slots=True)
class Term:
    """One contribution to a standard uncertainty, in the result's unit, with its degrees of freedom (inf for type
    B)."""

    u: float
    dof: float


@dataclass(frozen=True, slots=True)
class Estimate:
    """A value, its standard uncertainty and the (effective) degrees of freedom; u and dof are None where too little
    is known."""

    value: float
    u: float | None
    dof: float | None

    @property
    def expanded(self) -> float | None:
        """U = t(.975, dof) u."""
        if self.u is None or self.dof is None:
            return None
        return t_quantile(self.dof) * self.u


@dataclass(frozen=True, slots=True)
class Number:
    """A number of results.json: an estimate with unit, and the spread and count of what it was made from."""

    estimate: Estimate
    unit: str
    sd: float | None = None
    n: int | None = None

    @property
    def value(self) -> float:
        """The value, in `unit`."""
        return self.estimate.value

    @property
    def expanded(self) -> float | None:
        """U at 95 %, in `unit`; None where it is not known."""
        return self.estimate.expanded

    @classmethod
    def of_json(cls, raw: Json) -> "Number":
        """What `to_json` wrote."""
        dof = math.inf if raw["dof"] is None and raw["U"] is not None else raw["dof"]
        return cls(Estimate(raw["value"], raw["u"], dof), raw["unit"], raw["sd"], raw["n"])

    def to_json(self) -> Json:
        """`{value, unit, sd, n, u, U, dof}`; what is not known, or not finite, is null."""
        e = self.estimate
        dof = e.dof if e.dof is None or math.isfinite(e.dof) else None
        return {
            "value": e.value, "unit": self.unit, "sd": self.sd, "n": self.n, "u": e.u, "U": e.expanded, "dof": dof,
        }  # fmt: skip


def t_quantile(dof: float, coverage: float = COVERAGE) -> float:
    """Student's t at 97.5 %, or at another coverage; dof may be fractional or infinite."""
    return float(stdtrit(dof if math.isfinite(dof) else 1e12, coverage))


def single(value: float, unit: str) -> Number:
    """One observation: no spread and no type A uncertainty can be given."""
    return Number(Estimate(float(value), None, None), unit, n=1)


def count(number: int) -> Number:
    """A count: exact, a number like every other in results.json."""
    return Number(Estimate(float(number), None, None), "1")


def mean_of(values: Sequence[float] | NDArray[np.float64], unit: str) -> Number | None:
    """Mean of independent observations with its type A uncertainty s / sqrt(n); None without any finite value."""
    finite = np.asarray(values, dtype=np.float64)
    finite = finite[np.isfinite(finite)]
    return sample_mean(finite, unit) if finite.size else None


def sample_mean(values: NDArray[np.float64], unit: str) -> Number:
    """The same of one or more finite values."""
    value = float(values.mean())
    if values.size == 1:
        return single(value, unit)
    sd = float(values.std(ddof=1))
    return Number(Estimate(value, sd / math.sqrt(values.size), values.size - 1.0), unit, sd, int(values.size))


def mean_with_shared(values: NDArray[np.float64], unit: str, shared: Term | None) -> Number | None:
    """Mean of observations that share one error (a baseline subtracted from all): u^2 = s^2/n + shared.u^2.

    u is None where either part is unknown: fewer than two observations, or `shared` None. None without any finite
    value.
    """
    mean = mean_of(values, unit)
    if mean is None or mean.sd is None or mean.n is None:
        return mean
    if shared is None:
        return Number(Estimate(mean.estimate.value, None, None), unit, mean.sd, mean.n)
    terms = [Term(mean.sd / math.sqrt(mean.n), mean.n - 1.0), shared]
    return Number(combine(mean.estimate.value, terms), unit, mean.sd, mean.n)


def standard_error(values: NDArray[np.float64]) -> Term | None:
    """s / sqrt(n) of the finite values, as a term for another number; None for fewer than two."""
    mean = mean_of(values, "")
    if mean is None or mean.estimate.u is None or mean.estimate.dof is None:
        return None
    return Term(mean.estimate.u, mean.estimate.dof)


def combine(value: float, terms: Sequence[Term]) -> Estimate:
    """Root sum of squares with Welch-Satterthwaite degrees of freedom (JCGM 100, G.4.1)."""
    total = math.fsum(term.u**2 for term in terms)
    if total == 0:
        return Estimate(value, 0.0, min((term.dof for term in terms), default=math.inf))
    # Relative shares: fourth powers of small uncertainties would underflow.
    weight = math.fsum((term.u**2 / total) ** 2 / term.dof for term in terms)
    return Estimate(value, math.sqrt(total), 1.0 / weight if weight > 0 else math.inf)
