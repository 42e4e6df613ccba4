"""A run by its publisher's own window and rule, beside the whole record (method.md section 12).

Knows the window event of an imported run (docs/run-folder.md) and how publishers count. Knows no file, and no
uncertainty: the energy by exact overlap is the run's own, as every other energy of a run.

Rules
- `rows-inside` (MLPerf Inference's submission checker): the samples whose stamp lies between both edges, neither
  included, and whose power is above zero. Its power is their mean. Its energy counts each of them for its sampling
  interval; the checker itself multiplies the mean by the window's length where it gives an energy per query, and that
  figure stands beside. Neither shares out the samples at the edges, as exact overlap does.
- `since-previous` (the data of the comparison of software power meters on Grid'5000, CCGrid 2023; found from its
  figures, 152 of 152 runs to nine digits): of the samples whose stamp lies between both edges, these included, each but
  the first counts for the time since the one before it. What lies between an edge and the sample next to it is lost.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

import numpy as np

from harness.record.documents import NoteEvent, WindowEvent
from harness.record.run_folder import RunFolder
from reports.energy.energy import WH
from reports.readings.series import PowerSeries
from reports.results.finding import Finding

CODE = "publisher-window"
SAME_PERCENT = 0.2
"""An energy that a publisher states and one that its rule gives are the same within so much."""


@dataclass(frozen=True, slots=True)
class Counted:
    """What a rule gives: samples, their mean power (W), their energy (J), mean power times the window's length (J)."""

    rows: int
    mean_w: float
    energy_j: float
    spanned_j: float


@dataclass(frozen=True, slots=True)
class Rule:
    """How a publisher counts: in one sentence, and as a function of the stream and the window's edges (ns)."""

    sentence: str
    count: Callable[[PowerSeries, int, int], Counted | None]


def rows_inside(series: PowerSeries, from_ns: int, to_ns: int) -> Counted | None:
    """The samples inside the window; None without any."""
    inside = (series.times_ns > from_ns) & (series.times_ns < to_ns) & (series.power_w > 0)
    if not inside.any():
        return None
    power_w, mean_w = series.power_w[inside], float(series.power_w[inside].mean())
    energy_j = float(np.sum(power_w * series.window_s[inside]))
    return Counted(int(inside.sum()), mean_w, energy_j, mean_w * (to_ns - from_ns) * 1e-9)


def since_previous(series: PowerSeries, from_ns: int, to_ns: int) -> Counted | None:
    """The samples inside the window but the first, each for the time since the one before; None without two."""
    first, last = np.searchsorted(series.times_ns, [from_ns, to_ns + 1])
    if last - first < 2:
        return None
    steps_s = np.diff(series.times_ns[first:last]) * 1e-9
    energy_j = float(np.sum(series.power_w[first + 1 : last] * steps_s))
    mean_w = energy_j / float(steps_s.sum())
    return Counted(int(last - first - 1), mean_w, energy_j, mean_w * (to_ns - from_ns) * 1e-9)


RULES: Mapping[str, Rule] = {
    "rows-inside": Rule(
        "samples stamped inside the window whose power is above zero: their mean is the power, each counts for its "
        "sampling interval",
        rows_inside,
    ),
    "since-previous": Rule(
        "of the samples stamped inside the window each but the first counts for the time since the one before it; the "
        "power is that energy divided by the time that it counts",
        since_previous,
    ),
}


def window_of(run: RunFolder) -> WindowEvent | None:
    """The window that the run's publisher states; None without one."""
    return next((event for event in run.events if isinstance(event, WindowEvent)), None)


def record_ns(series: PowerSeries) -> tuple[int, int]:
    """Begin and end (ns) of all that was recorded."""
    window_ns = round(float(series.window_s[0]) * 1e9)
    late_ns = window_ns if series.descriptor.stamp == "start" else 0
    return int(series.times_ns[0]) - window_ns + late_ns, int(series.times_ns[-1]) + late_ns


def findings(run: RunFolder, series: PowerSeries | None) -> Iterator[Finding]:
    """`publisher-window`: a stated window that has no place among the samples, or that they do not cover;
    `publisher-energy`: a stated energy that its rule does not give."""
    for event in run.events:
        if isinstance(event, NoteEvent) and event.code == CODE:
            yield Finding("publisher-window", "warn", run.path.name, {"text": event.text})
    window = window_of(run)
    if window is not None and series is not None:
        begin_ns, end_ns = record_ns(series)
        missing_s = (max(begin_ns - window.from_ns, 0) + max(window.to_ns - end_ns, 0)) * 1e-9
        if missing_s:
            evidence = {"publisher": window.publisher, "window_s": (window.to_ns - window.from_ns) * 1e-9}
            yield Finding("publisher-window", "warn", run.path.name, evidence | {"not_recorded_s": missing_s})
        yield from _of_energy(run, window, series)


def _of_energy(run: RunFolder, window: WindowEvent, series: PowerSeries) -> Iterator[Finding]:
    counted = RULES[window.rule].count(series, window.from_ns, window.to_ns)
    if not window.stated_wh or counted is None:
        return
    percent = 100 * (counted.energy_j / WH / window.stated_wh - 1)
    if abs(percent) > SAME_PERCENT:
        evidence = {"publisher": window.publisher, "rule": window.rule, "stated_wh": window.stated_wh}
        evidence |= {"counted_wh": counted.energy_j / WH, "difference_percent": percent}
        yield Finding("publisher-energy", "warn", run.path.name, evidence)
