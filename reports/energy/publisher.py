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
- `reading-times-step` (MLPerf Training's power_measurement.adoc): the same, but the first reading inside counts too,
  for the time since the one before it, which lies outside. What lies behind the last reading is lost.
- `samples-from-to` (MLPerf Tiny): the samples from the first edge up to before the second, each for its sampling
  interval.
A run of several circuits counts each by itself, and adds.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
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
    return _times_steps(series, int(first), int(last), to_ns - from_ns)


def reading_times_step(series: PowerSeries, from_ns: int, to_ns: int) -> Counted | None:
    """The readings inside the window, each for the time since the one before it; None without one that has such."""
    first, last = np.searchsorted(series.times_ns, [from_ns, to_ns + 1])
    return _times_steps(series, max(int(first) - 1, 0), int(last), to_ns - from_ns)


def _times_steps(series: PowerSeries, first: int, last: int, window_ns: int) -> Counted | None:
    """The samples behind `first` and before `last`, each for the time since the one before it."""
    if last - first < 2:
        return None
    steps_s, power_w = np.diff(series.times_ns[first:last]) * 1e-9, series.power_w[first + 1 : last]
    energy_j, counted_s = float(np.sum(power_w * steps_s)), float(steps_s.sum())
    mean_w = energy_j / counted_s if counted_s else float(power_w.mean())
    return Counted(last - first - 1, mean_w, energy_j, mean_w * window_ns * 1e-9)


def samples_from_to(series: PowerSeries, from_ns: int, to_ns: int) -> Counted | None:
    """The samples from the first edge up to before the second; None without any."""
    first, last = np.searchsorted(series.times_ns, [from_ns, to_ns])
    power_w = series.power_w[first:last]
    if not power_w.size:
        return None
    energy_j, mean_w = float(np.sum(power_w * series.window_s[first:last])), float(power_w.mean())
    return Counted(int(power_w.size), mean_w, energy_j, mean_w * (to_ns - from_ns) * 1e-9)


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
    "reading-times-step": Rule(
        "every reading stamped in the timed part counts for the time since the reading before it, summed over all "
        "nodes and the interconnect; what lies behind the last reading counts nothing",
        reading_times_step,
    ),
    "samples-from-to": Rule(
        "the samples from the first mark up to before the second, each for its sampling interval",
        samples_from_to,
    ),
}


def window_of(run: RunFolder) -> WindowEvent | None:
    """The window that the run's publisher states; None without one."""
    return next((event for event in run.events if isinstance(event, WindowEvent)), None)


def record_ns(parts: Sequence[PowerSeries]) -> tuple[int, int]:
    """Begin and end (ns) of all that was recorded; of several streams of what each of them covers."""
    spans = [_span_ns(series) for series in parts]
    return max(begin_ns for begin_ns, _ in spans), min(end_ns for _, end_ns in spans)


def _span_ns(series: PowerSeries) -> tuple[int, int]:
    window_ns = round(float(series.window_s[0]) * 1e9)
    late_ns = window_ns if series.descriptor.stamp == "start" else 0
    return int(series.times_ns[0]) - window_ns + late_ns, int(series.times_ns[-1]) + late_ns


def counts_of(window: WindowEvent, parts: Sequence[PowerSeries]) -> list[Counted] | None:
    """What the window's rule gives of each stream; None where one of them has nothing that counts."""
    counts = [RULES[window.rule].count(part, window.from_ns, window.to_ns) for part in parts]
    counted = [own for own in counts if own is not None]
    return counted if counted and len(counted) == len(counts) else None


def findings(run: RunFolder, parts: Sequence[PowerSeries]) -> Iterator[Finding]:
    """`publisher-window`: a stated window that has no place among the samples, or that they do not cover;
    `publisher-energy`: a stated energy that its rule does not give."""
    for event in run.events:
        if isinstance(event, NoteEvent) and event.code == CODE:
            yield Finding("publisher-window", "warn", run.path.name, {"text": event.text})
    window = window_of(run)
    if window is not None and parts:
        lacks_s = {part.descriptor.meter: _missing_s(part, window) for part in parts}
        if missing_s := max(lacks_s.values()):
            evidence = {"publisher": window.publisher, "window_s": (window.to_ns - window.from_ns) * 1e-9}
            evidence |= {"not_recorded_s": missing_s}
            evidence |= {"meters": lacks_s} if len(parts) > 1 else {}
            yield Finding("publisher-window", "warn", run.path.name, evidence)
        yield from _of_energy(run, window, parts)


def _missing_s(series: PowerSeries, window: WindowEvent) -> float:
    """How much of the window the stream does not cover."""
    begin_ns, end_ns = _span_ns(series)
    return (max(begin_ns - window.from_ns, 0) + max(window.to_ns - end_ns, 0)) * 1e-9


def _of_energy(run: RunFolder, window: WindowEvent, parts: Sequence[PowerSeries]) -> Iterator[Finding]:
    counted = counts_of(window, parts)
    if not window.stated_wh or counted is None:
        return
    counted_wh = sum(own.energy_j for own in counted) / WH
    percent = 100 * (counted_wh / window.stated_wh - 1)
    if abs(percent) > SAME_PERCENT:
        evidence = {"publisher": window.publisher, "rule": window.rule, "stated_wh": window.stated_wh}
        evidence |= {"counted_wh": counted_wh, "difference_percent": percent}
        yield Finding("publisher-energy", "warn", run.path.name, evidence)
