"""What one run took, as soon as it has ended: gross, with the U of this one run.

Knows one run folder. Knows no baseline and no other run, so nothing of induced energy, and of how far runs differ.
"""

from dataclasses import dataclass

from harness.record.run_folder import RunFolder
from reports.campaign.means import power_over
from reports.campaign.run import AT_RUN, AnalysedRun
from reports.energy import budget
from reports.readings.rated import read_rated
from reports.results.uncertainty import Number


@dataclass(frozen=True, slots=True)
class GrossEnergy:
    """Energy (Wh) and mean power (W) of a run's rating interval, its length, and the time between two values of its
    slowest meter; None where no power was recorded in it."""

    energy_wh: Number | None
    power_w: Number | None
    duration_s: float
    step_s: float | None


def gross_energy_of(run: RunFolder) -> GrossEnergy:
    """What a sealed run took.

    Raises:
        AnalysisError, DocumentError, RunFolderError: it cannot be read.
    """
    series = read_rated(run)
    analysed = AnalysedRun(series.run, series)
    own = analysed.own_terms
    gross = None if own is None else budget.of_one(own, "gross").number(AT_RUN)
    steps_s = [part.reach_s for part in analysed.parts]
    return GrossEnergy(gross, power_over(gross, analysed.duration_s), analysed.duration_s, max(steps_s, default=None))
