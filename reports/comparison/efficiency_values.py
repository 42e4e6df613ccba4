"""ISO/IEC 14756's efficiency values of the second side's software against the first's.

Knows the tasks and energies of two sides (`iso14756.py` says what is a task). Knows no other quantity.
"""

from collections.abc import Sequence

from reports.campaign import iso14756
from reports.comparison.design import Pairs
from reports.comparison.side import Floats, Side
from reports.inference.contrast import Contrast, Mean
from reports.results.compared_pair import EfficiencyValue, EfficiencyValues
from reports.results.comparison import Key
from reports.results.uncertainty import Estimate, Number


def efficiency_values(
    first: Side, second: Side, pairs: Pairs | None, keys: Sequence[Key], timeliness: iso14756.Timeliness | None
) -> EfficiencyValues:
    """The values; null with a reason on another SUT."""
    if any(key.kind == "machine" and key.differs for key in keys):
        return EfficiencyValues("other-sut", None, None, None, None, None)
    turned = None if pairs is None else tuple((j, i) for i, j in pairs)
    sides = (first, second)
    timely, reason = _timely(first, second, timeliness)
    return EfficiencyValues(
        reason=None,
        throughput=_inverse([_mean(side.durations_s) for side in sides], turned),
        mean_execution_time=_inverse([_mean(side.tasks.execution_s) for side in sides], turned),
        energy=_inverse([side.quantities["energy_wh"].mean for side in sides], turned),
        timely_throughput=timely,
        timely_throughput_reason=reason,
    )


def _mean(values_s: Floats) -> Mean:
    return Mean(float(values_s.mean()), values_s - values_s.mean(), {})


def _inverse(means: Sequence[Mean | None], turned: Pairs | None) -> EfficiencyValue | None:
    """First over second: what is less is better."""
    first, second = means
    if first is None or second is None:
        return None
    contrast = Contrast(second, first, turned)
    ratio = contrast.ratio(complete=True)
    if ratio is None and second.value > 0:
        ratio = Estimate(first.value / second.value, None, None)
    number = None if ratio is None else Number(ratio, "1")
    return EfficiencyValue(number, contrast.interval_of_ratio(complete=True))


def _timely(first: Side, second: Side, timeliness: iso14756.Timeliness | None) -> tuple[Number | None, str | None]:
    """I_TI, or the code of why there is none."""
    if timeliness is None:
        return None, "no-timeliness-function"
    value = iso14756.timely_throughput(first.tasks, second.tasks, timeliness)
    return (None, "no-timely-task") if value is None else (Number(Estimate(value, None, None), "1"), None)
