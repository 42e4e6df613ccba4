"""The thermal tail of a run: what the load leaves behind, E_tail (method.md section 3).

Knows power functions, baselines and an interval. Knows no file and no scenario. The tail is reported beside the induced
energy and never added to it.

    E_tail = integral of (P - P_B) from the end of the rating interval to the end of what was recorded

Recorded is until the end of the supplementary phase, and no further than the last window of every meter. The tail is
`settled` where the mean power of its last third is within what its own noise allows of the baseline (2 standard errors
of that mean and of P_B); elsewhere it goes on after the record, and the figure is a lower part of it.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from reports.energy.energy import BaselineLevel
from reports.energy.power_function import PowerFunction
from reports.readings.series import PowerSeries

NS = 1e-9
LAST_PART = 3
"""The last third says whether it has settled."""
LEAST_READINGS = 2


@dataclass(frozen=True, slots=True)
class Tail:
    """One run's tail: energy (J) above the baseline, its length (s), whether the power is back at the baseline (None:
    too few readings to say)."""

    energy_j: float
    duration_s: float
    settled: bool | None


def tail_of(
    function: PowerFunction, parts: Sequence[PowerSeries], level: BaselineLevel, end_ns: int, recorded_ns: int
) -> Tail | None:
    """The tail from `end_ns` on; None where nothing was recorded after it. `recorded_ns`: end of the supplementary
    phase."""
    until_ns = min(recorded_ns, *(int(part.times_ns[-1]) for part in parts))
    if until_ns <= end_ns:
        return None
    energy_j = float(function.energy_j(end_ns, until_ns) - level.energy_j(end_ns, until_ns))
    return Tail(energy_j, (until_ns - end_ns) * NS, _settled(parts, level, end_ns, until_ns))


def _settled(parts: Sequence[PowerSeries], level: BaselineLevel, end_ns: int, until_ns: int) -> bool | None:
    from_ns = until_ns - (until_ns - end_ns) // LAST_PART
    over_w = -float(level.energy_j(from_ns, until_ns)) / ((until_ns - from_ns) * NS)
    variance = (level.u_w or 0.0) ** 2
    for part in parts:
        first, last = np.searchsorted(part.times_ns, [from_ns, until_ns], side="right")
        power_w = part.corrected_w(slice(first, last))
        if power_w.size < LEAST_READINGS:
            return None
        over_w += float(power_w.mean())
        variance += float(power_w.var(ddof=1)) / power_w.size
    return bool(abs(over_w) <= 2 * np.sqrt(variance))
