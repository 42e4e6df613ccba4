"""The useful work that a program declared while it ran: how much by when, and so how much in any interval.

Knows work events and where their stamps lie on the run's time base. Knows no unit's meaning, no power and no file.

What a line declares was done by its stamp, since the line before: it belongs to every action that began before the
stamp and ended no earlier. The line of an action's end is stamped when the action ends, and so belongs to it.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from harness.record.documents import WorkEvent
from reports.readings.actions import Lost
from reports.readings.bounded import is_stamp, number


@dataclass(frozen=True, slots=True)
class WorkMarks:
    """Unit -> when some of it was done (ns, rising) and how much had been by then."""

    by_unit: dict[str, tuple[NDArray[np.int64], NDArray[np.float64]]] = field(default_factory=dict)

    @property
    def totals(self) -> dict[str, float]:
        """Unit -> how much in all."""
        return {unit: float(sums[-1]) for unit, (_, sums) in self.by_unit.items()}

    def between(self, begin_ns: int, end_ns: int) -> dict[str, float]:
        """Unit -> how much after `begin_ns` and up to `end_ns`; units without any are left out."""
        found = {}
        for unit, (times_ns, sums) in self.by_unit.items():
            first, last = np.searchsorted(times_ns, [begin_ns, end_ns], side="right")
            before = float(sums[first - 1]) if first else 0.0
            if last > first and (amount := float(sums[last - 1]) - before) > 0:
                found[unit] = amount
        return found


def work_marks_of(
    events: Sequence[WorkEvent], at_ns: Callable[[WorkEvent], int], record_ns: tuple[int, int], slack_ns: int
) -> tuple[WorkMarks, tuple[Lost, ...]]:
    """The work of a run, and which declarations lie where none can: outside the run's record `record_ns`, or later
    than they arrived. `at_ns`: where a sound stamp lies on the run's time base."""
    lost: list[Lost] = []
    found: dict[str, list[tuple[int, float]]] = {}
    for place, event in enumerate(events):
        if not (is_stamp(event.time_ns) and is_stamp(event.sut_ns)):
            lost.append(Lost("work", place, "odd-number"))
        elif (when_ns := at_ns(event)) > event.time_ns + slack_ns:
            lost.append(Lost("work", place, "after-its-arrival"))
        elif not record_ns[0] - slack_ns <= when_ns <= record_ns[1] + slack_ns:
            lost.append(Lost("work", place, "outside-the-record"))
        else:
            for unit, amount in event.amounts.items():
                if (value := number(amount)) >= 0:
                    found.setdefault(unit, []).append((when_ns, value))
    return WorkMarks({unit: _summed(found[unit]) for unit in found}), tuple(lost)


def _summed(marks: list[tuple[int, float]]) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    ordered = sorted(marks)
    times_ns = np.array([when for when, _ in ordered], dtype=np.int64)
    return times_ns, np.cumsum([amount for _, amount in ordered], dtype=np.float64)
