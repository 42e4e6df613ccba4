"""Means over runs: of one interval of each, of durations; and a run's power by its energy.

Knows the terms of energies and budgets. Knows no run.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from reports.energy import budget
from reports.energy.budget import Budget
from reports.energy.contributions import RunTerms
from reports.energy.energy import WH
from reports.energy.meter_error import ROOT_3
from reports.energy.sample import Kind
from reports.results.rules import Rule, was
from reports.results.uncertainty import Estimate, Number, Term, mean_of, mean_with_shared


def mean_energy(terms: Sequence[RunTerms], at: Sequence[int], kind: Kind) -> Number | None:
    """Mean energy of one interval of each run."""
    per_j = np.full(len(terms), 1 / WH)
    return number_of(budget.of_mean(terms, at, per_j, "Wh", kind))


def mean_power(terms: Sequence[RunTerms], at: Sequence[int]) -> Number | None:
    """Mean power of one interval of each run."""
    per_j = np.array([1 / own.duration_s[k] for own, k in zip(terms, at, strict=True)])
    return number_of(budget.of_mean(terms, at, per_j, "W", "gross"))


def mean_duration(durations_s: Sequence[float] | NDArray[np.float64], bounds_s: Sequence[float]) -> Number | None:
    """Mean duration (s); what the clocks may be wrong by does not average out."""
    values_s = np.asarray(durations_s, dtype=np.float64)
    if was(Rule.CLOCKS_IN_DURATIONS):
        return mean_of(values_s, "s")
    clocks = Term(max(bounds_s, default=0.0) / ROOT_3, np.inf)
    return mean_with_shared(values_s, "s", clocks)


def number_of(mean: Budget | None) -> Number | None:
    """The Number of a budget."""
    return None if mean is None else mean.number


def power_over(gross: Number | None, duration_s: float) -> Number | None:
    """A run's energy (Wh) over its duration, in W."""
    if gross is None:
        return None
    one, hours = gross.estimate, duration_s / 3600
    power = Estimate(one.value / hours, None if one.u is None else one.u / hours, one.dof)
    return Number(power, "W", n=1)
