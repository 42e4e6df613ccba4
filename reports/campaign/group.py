"""The included runs of one scenario against a baseline.

Knows analysed runs and budgets. Knows no finding and no file.
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from reports.campaign.baseline import Baseline
from reports.campaign.means import number_of
from reports.campaign.run import AT_RUN, AnalysedRun
from reports.energy import budget
from reports.energy.budget import Budget
from reports.energy.contributions import RunTerms
from reports.energy.energy import WH, BaselineLevel, Block
from reports.results.uncertainty import Number


@dataclass(frozen=True)
class Group:
    """The included runs of one scenario against a baseline; everything an array of shape (runs,)."""

    runs: list[AnalysedRun]
    baseline: Baseline

    @property
    def blocks(self) -> list[Block]:
        """The baseline's blocks."""
        return self.baseline.blocks

    @cached_property
    def levels(self) -> list[BaselineLevel | None]:
        """P_B for each run."""
        return [terms.level for terms in self.terms]

    @cached_property
    def terms(self) -> list[RunTerms]:
        """What makes each run's energies uncertain."""
        return [self.baseline.terms(run) for run in self.runs]

    @cached_property
    def durations_s(self) -> NDArray[np.float64]:
        """Seconds."""
        return np.array([run.duration_s for run in self.runs])

    @cached_property
    def energies_wh(self) -> NDArray[np.float64]:
        """Total energy."""
        return np.array([own.energy_j[AT_RUN] for own in self.terms]) / WH

    @cached_property
    def induced_wh(self) -> NDArray[np.float64]:
        """Induced energy; NaN without a baseline."""
        return np.array([own.induced_j[AT_RUN] for own in self.terms]) / WH

    @cached_property
    def gross_budget(self) -> Budget | None:
        """The budget of the mean energy of a run (Wh)."""
        return budget.of_mean(self.terms, self._whole, np.full(len(self.runs), 1 / WH), "Wh", "gross")

    @cached_property
    def induced_budget(self) -> Budget | None:
        """The budget of the mean induced energy of a run (Wh)."""
        return budget.of_mean(self.terms, self._whole, np.full(len(self.runs), 1 / WH), "Wh", "induced")

    @property
    def induced(self) -> Number | None:
        """The scenario's induced energy."""
        return None if self.induced_budget is None else self.induced_budget.number

    @property
    def power(self) -> Number | None:
        """Mean power of a run (W)."""
        return number_of(budget.of_mean(self.terms, self._whole, 1 / self.durations_s, "W", "gross"))

    @property
    def induced_power(self) -> Number | None:
        """Mean power above the baseline (W)."""
        return number_of(budget.of_mean(self.terms, self._whole, 1 / self.durations_s, "W", "induced"))

    @property
    def _whole(self) -> list[int]:
        return [AT_RUN] * len(self.runs)
