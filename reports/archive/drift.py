"""Drift of a machine's baseline: a straight line through the means of its campaigns, with what it is worth.

Knows moments and powers. Knows no archive. A campaign is one value, for its blocks share their session. The slope is
that of least squares with Student's t; where 20 campaigns or more show that neighbours are alike, they count for fewer
(as runs do in a budget). Nothing is said of fewer than four campaigns, or of less than a week.
"""

import math
from dataclasses import dataclass

from reports.energy.budget import autocorrelation_time
from reports.inference.samples import Floats
from reports.results.uncertainty import Estimate

LEAST, LEAST_DAYS = 4, 7.0
MONTH_DAYS = 30.0


@dataclass(frozen=True, slots=True)
class Drift:
    """The line: power (W) at `middle_day`, slope (W in 30 days), both with u and degrees of freedom."""

    middle_day: float
    power: Estimate
    slope: Estimate

    def at(self, day: float) -> tuple[float, float]:
        """Power and its expanded uncertainty on a day, W."""
        away = (day - self.middle_day) / MONTH_DAYS
        u = math.hypot(self.power.u or 0.0, away * (self.slope.u or 0.0))
        found = Estimate(self.power.value + away * self.slope.value, u, self.slope.dof)
        return found.value, found.expanded or 0.0

    @property
    def is_shown(self) -> bool:
        """Whether the slope is told from zero."""
        return abs(self.slope.value) > (self.slope.expanded or math.inf)


def drift(days: Floats, powers_w: Floats) -> Drift | None:
    """The line through mean powers (n,) on days (n,), in order of time; None where nothing can be said."""
    if days.size < LEAST or float(days[-1] - days[0]) < LEAST_DAYS:
        return None
    middle = float(days.mean())
    months = (days - middle) / MONTH_DAYS
    slope = float(months @ powers_w / (months @ months))
    left = powers_w - powers_w.mean() - slope * months
    tau = autocorrelation_time(left)
    dof = max(days.size / tau - 2.0, 1.0)
    variance = float(left @ left) / (days.size - 2)
    power = Estimate(float(powers_w.mean()), math.sqrt(variance * tau / days.size), dof)
    return Drift(middle, power, Estimate(slope, math.sqrt(variance * tau / float(months @ months)), dof))
