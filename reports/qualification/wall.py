"""The wall of one run: the sum of the SUT's circuits as a trace, and what is known of its error.

Knows analysed runs and their budget (method.md section 6). Knows no software meter.

What all runs have in common (limits of error, certificate) is apart from what each run has by itself (edges, clocks,
gaps, rounding): means over runs, and lines through them, need both by themselves.
"""

import math
from collections.abc import Sequence

import numpy as np

from reports.campaign.run import AT_RUN, AnalysedRun
from reports.energy.power_function import PowerFunction
from reports.energy.sample import MeasuredRun, Sample
from reports.energy.sources import Contribution, contributions
from reports.qualification.share import WallError
from reports.qualification.trace import EnergyTrace

GAINS = frozenset({"gain", "stability", "assumed", "certificate", "reported"})
"""Sources that are a part of the reading, and the same in all runs."""
OFFSET = "offset"
ALIKE = "limits"
"""How sources stand to each other that may be alike as bad as can be: they add up."""
NS = 1e-9


def wall_trace(function: PowerFunction, begin_ns: int) -> EnergyTrace:
    """Energy at the wall over seconds from `begin_ns` on; what no reading covers is a longer step."""
    times_s = function.edges_s + (function.origin_ns - begin_ns) * NS
    kept = np.concatenate([[True], np.diff(times_s) > 0])
    return EnergyTrace(times_s[kept], function.energy_cum_j[kept])


def wall_error(run: AnalysedRun) -> WallError:
    """Standard uncertainty of a run's mean power that all runs have in common."""
    sizes = list(_sizes_j(run))
    energy_j, duration_s = abs(run.energy_j), run.duration_s
    gain_j = _joined([(source, size) for source, size in sizes if source.name in GAINS])
    offset_j = _joined([(source, size) for source, size in sizes if source.name == OFFSET])
    return WallError(gain_j / energy_j if energy_j > 0 else 0.0, offset_j / duration_s)


def own_u_w(run: AnalysedRun) -> float:
    """Standard uncertainty (W) of a run's mean power that no other run shares."""
    own = [(source, size) for source, size in _sizes_j(run) if source.name not in GAINS | {OFFSET}]
    return _joined(own) / run.duration_s


def _sizes_j(run: AnalysedRun) -> list[tuple[Contribution, float]]:
    """Every source of the energy of the rating interval, with its standard uncertainty (J)."""
    if run.own_terms is None:
        return []
    sample = Sample([MeasuredRun(run.own_terms, None)], "gross")
    sizes = ((source, np.atleast_1d(np.asarray(source.size))) for source in contributions(sample))
    return [(source, float(size[AT_RUN if size.size > 1 else 0])) for source, size in sizes]


def _joined(sizes: Sequence[tuple[Contribution, float]]) -> float:
    """Root sum of squares; of what may be alike the plain sum first."""
    alike = math.fsum(size for source, size in sizes if source.joint == ALIKE)
    return math.hypot(alike, *(size for source, size in sizes if source.joint != ALIKE))


def worst(errors: Sequence[WallError]) -> WallError:
    """The largest of several; nothing of none."""
    return WallError(
        max((error.relative for error in errors), default=0.0), max((error.offset_w for error in errors), default=0.0)
    )


def limit_percent(run: AnalysedRun) -> float | None:
    """The limit of error of a run's mean power as its meters' makers or certificates state it, in % of the reading;
    None where one states none."""
    if run.own_terms is None or not run.energy_j > 0:
        return None
    limit_j = 0.0
    for part, energy_j in zip(run.own_terms.parts, run.parts_j, strict=True):
        error, power_w = part.error, energy_j / run.duration_s
        if error.reading is not None:
            limit_j += energy_j * error.reading + run.duration_s * (error.offset_w or 0.0)
        elif error.certificate is not None:
            limit_j += 2 * energy_j * float(error.certificate.relative_u(np.array([power_w]))[0])
        else:
            return None
    return 100 * limit_j / run.energy_j
