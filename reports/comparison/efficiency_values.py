"""ISO/IEC 14756's efficiency values of the second side's software against the first's.

Knows the tasks and energies of two sides (`ratings/iso14756.py` says what is a task). Knows no other quantity. Of
services every task type has values of its own, and those of all tasks together stand beside them; I_EN is of all, for
nothing says which task took what.
"""

from collections.abc import Sequence

import numpy as np

from reports.comparison.design import Pairs
from reports.comparison.side import Side, SubmittedTasks, ratio_mean
from reports.inference.contrast import Contrast, Mean
from reports.ratings import iso14756
from reports.results.compared_pair import EfficiencyValue, EfficiencyValues, TaskTypeValues
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
        throughput=_inverse([ratio_mean(side.durations_s, side.counts) for side in sides], turned),
        mean_execution_time=_inverse([_mean_execution(side) for side in sides], turned),
        energy=_inverse([side.energy_per_task for side in sides], turned),
        timely_throughput=timely,
        timely_throughput_reason=reason,
        task_types={name: _of_type(sides, name, turned) for name in first.submitted if name in second.submitted}
        or None,
    )


def _mean_execution(side: Side) -> Mean | None:
    if not side.submitted:
        return ratio_mean(side.tasks.execution_s, side.counts)
    own = side.submitted.values()
    sums_s, done = (np.sum([getattr(one, name) for one in own], axis=0) for name in ("sums_s", "done"))
    return ratio_mean(sums_s, done) if done.any() else None


def _of_type(sides: tuple[Side, Side], name: str, turned: Pairs | None) -> TaskTypeValues:
    """The values of one task type."""
    own = [side.submitted[name] for side in sides]
    rates = [ratio_mean(side.durations_s, one.counts) if one.counts.any() else None
             for side, one in zip(sides, own, strict=True)]  # fmt: skip
    times = [ratio_mean(one.sums_s, one.done) if one.done.any() else None for one in own]
    timely, reason = _timely_of_type(sides, own)
    return TaskTypeValues(_inverse(rates, turned), _inverse(times, turned), timely, reason)


def _timely_of_type(sides: tuple[Side, Side], own: Sequence[SubmittedTasks]) -> tuple[Number | None, str | None]:
    one, two = own
    if one.timely is None or two.timely is None:
        return None, "no-timeliness-function"
    if one.function != two.function:
        return None, "other-timeliness-function"
    if not one.timely:
        return None, "no-timely-task"
    rates = [tasks / float(side.durations_s.sum()) for tasks, side in zip((one.timely, two.timely), sides, strict=True)]
    return Number(Estimate(rates[1] / rates[0], None, None), "1"), None


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
    if first.submitted or second.submitted:
        return None, "of-each-task-type"
    if timeliness is None:
        return None, "no-timeliness-function"
    value = iso14756.timely_throughput(first.tasks, second.tasks, timeliness)
    return (None, "no-timely-task") if value is None else (Number(Estimate(value, None, None), "1"), None)
