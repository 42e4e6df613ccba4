"""What a run contributes to the uncertainty of the energy of its intervals, as arrays: one entry per interval.

Knows one run's streams, their edges, gaps, steps and noise (method.md section 6). Knows no mean over runs, no file and
no report; `budget.py` adds up.

A load step inside a partial window is shared out wrongly: at a random place in the window of width w the loss is
dP w f(1 - f), in the mean dP w/6 with a standard deviation of .075 |dP| w; between two instantaneous values dt apart it
is dP dt (1 - f)^2 / 2, in the mean dP dt/6 with .149 |dP| dt. The mean has the sign of the step (inside minus outside):
it does not vanish over many runs, the deviation does.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from reports.analysis.energy import NS, BaselineLevel, Convention, PowerFunction, power_function
from reports.analysis.limits import ROOT_3, Floats, MeterError
from reports.analysis.observer import ObserverEffect, observer_term
from reports.analysis.series import PowerSeries
from reports.analysis.uncertainty import Term

MEAN_LOSS = 1 / 6
DEVIATION_WINDOW, DEVIATION_INSTANT = 0.075, 0.149
"""Of what a step at an edge loses, in |dP| w (w: window, or distance of instantaneous values)."""
NEIGHBOURS = 3
"""Readings on each side of a gap whose extremes bound the power in it."""
Stamps = NDArray[np.int64]
Places = NDArray[np.intp]


@dataclass(frozen=True, slots=True)
class Stream:
    """One meter of a run: readings, power function, what is known of its error."""

    series: PowerSeries
    function: PowerFunction
    error: MeterError
    convention: Convention | None


@dataclass(frozen=True, slots=True)
class PartTerms:
    """One meter over k intervals, arrays of shape (k,).

    `begin_w`, `end_w`: power just inside each edge; `begin_step_w`, `end_step_w`: inside minus outside. `reach_s`: the
    window, or the usual step of instantaneous values; `deviation` the edge's standard deviation in |dP| reach.
    `reported_j`: the limit that the instrument itself stated, summed up; None where it states none. `gap_j` is u_gap.
    """

    error: MeterError
    energy_j: Floats
    reported_j: Floats | None
    begin_w: Floats
    end_w: Floats
    begin_step_w: Floats
    end_step_w: Floats
    reach_s: float
    deviation: float
    resolution_j: Floats
    dithered: NDArray[np.bool_]
    sampling_j: Floats
    gap_j: Floats

    @property
    def mean_loss_j(self) -> Floats:
        """What the steps at both edges lose in the mean; signed."""
        return MEAN_LOSS * self.reach_s * (self.begin_step_w + self.end_step_w)

    @property
    def loss_deviation_j(self) -> Floats:
        """Standard deviation of that loss for one interval."""
        return self.deviation * self.reach_s * np.hypot(self.begin_step_w, self.end_step_w)


@dataclass(frozen=True, slots=True)
class PartBaseline:
    """The baseline of one circuit over the same k intervals: its energy by that circuit's meter, the summed limit that
    the instrument stated; whether it was the same meter on the same fixed range, and in the same session too."""

    energy_j: Floats
    reported_j: Floats | None
    same_range: bool
    same_session: bool


@dataclass(frozen=True, slots=True)
class RunTerms:
    """One run over k intervals: every contribution that is not the spread of runs. Arrays of shape (k,).

    `baselines` is empty and `baseline_j` NaN without a baseline. `convention_j`: how much more energy there would be if
    the stamps of unknown convention marked the start of their window, total and induced; None where all are known.
    """

    duration_s: Floats
    energy_j: Floats
    baseline_j: Floats
    parts: tuple[PartTerms, ...]
    baselines: tuple[PartBaseline, ...]
    level: BaselineLevel | None
    clock_bound_s: float
    convention_j: Floats | None
    convention_induced_j: Floats | None
    observer: ObserverEffect | None = None

    @property
    def induced_j(self) -> Floats:
        """Energy minus baseline."""
        return self.energy_j - self.baseline_j

    def observer_w(self, *, induced: bool) -> Term | None:
        """What the agent adds (W) and is not corrected; None where it was not measured."""
        return None if self.observer is None else observer_term(self.observer, 1.0, induced=induced)

    def clock_w(self, *, induced: bool) -> Floats:
        """Sensitivity to an error of either edge's time (W): the power at the edges, above the baseline for induced."""
        base_w = self.baseline_j / self.duration_s if induced else 0.0
        begin_w, end_w = (np.sum([getattr(part, name) for part in self.parts], axis=0) for name in ("begin_w", "end_w"))
        return np.asarray(np.hypot(begin_w - base_w, end_w - base_w))


def part_terms(stream: Stream, begins_ns: Stamps, ends_ns: Stamps) -> PartTerms:
    """The contributions of one meter to the energy of k intervals."""
    series = stream.series
    instant = series.descriptor.averaging == "instantaneous"
    stamps_ns = _window_ends_ns(stream)
    duration_s = (ends_ns - begins_ns) * NS
    first, last = np.searchsorted(stamps_ns, begins_ns), np.searchsorted(stamps_ns, ends_ns)
    inside = (first, last - 1) if instant else (first + 1, last - 1)
    outside = (first - 1, last) if instant else (first - 1, last + 1)
    begin_w, end_w = (_at(series.power_w, place) for place in inside)
    before_w, after_w = (_at(series.power_w, place) for place in outside)
    variance = _variance(series.power_w, first + 1, last - 1)
    count = np.maximum(last - first, 1)
    step_w = stream.error.resolution_w
    dithered = np.sqrt(variance) >= step_w / 2
    sampling = np.sqrt(variance) * duration_s / np.sqrt(count) if instant else np.zeros(duration_s.size)
    return PartTerms(
        error=stream.error,
        energy_j=stream.function.energy_j(begins_ns, ends_ns),
        reported_j=_reported_j(stream, begins_ns, ends_ns),
        begin_w=begin_w, end_w=end_w, begin_step_w=begin_w - before_w, end_step_w=end_w - after_w,
        reach_s=series.reach_s,
        deviation=DEVIATION_INSTANT if instant else DEVIATION_WINDOW,
        resolution_j=step_w / (2 * ROOT_3) * duration_s / np.where(dithered, np.sqrt(count), 1.0),
        dithered=dithered,
        sampling_j=sampling,
        gap_j=_gap_j(stream.function, series.power_w, stamps_ns, begins_ns, ends_ns),
    )  # fmt: skip


def _window_ends_ns(stream: Stream) -> Stamps:
    """Where each reading's window ends; of an instantaneous one, the moment it holds for."""
    how = stream.series.descriptor
    ends_ns = stream.series.times_ns - round(how.latency_s / NS)
    marks_start = (stream.convention or how.stamp) == "start" and how.averaging == "window"
    return ends_ns + np.rint(stream.series.window_s / NS).astype(np.int64) if marks_start else ends_ns


def _at(values: Floats, places: Places) -> Floats:
    return np.asarray(values[np.clip(places, 0, values.size - 1)])


def _variance(power_w: Floats, first: Places, last: Places) -> Floats:
    """Half the mean square of successive differences of the readings first ... last - 1 (von Neumann: no drift in it);
    of fewer than two, of the readings beside them."""
    squares = np.concatenate([[0.0], np.cumsum(np.diff(power_w) ** 2)])
    low = np.clip(first, 0, power_w.size - 1)
    high = np.clip(np.maximum(last - 1, low), 0, power_w.size - 1)
    few = high <= low
    low, high = np.where(few, np.maximum(low - 1, 0), low), np.where(few, np.minimum(high + 1, power_w.size - 1), high)
    return np.asarray((squares[high] - squares[low]) / (2 * np.maximum(high - low, 1)))


def _reported_j(stream: Stream, begins_ns: Stamps, ends_ns: Stamps) -> Floats | None:
    """The stated limits of error times the power, integrated; a reading without one has the largest stated."""
    told = stream.series.reported
    if told is None or not np.isfinite(told).any():
        return None
    part = np.where(np.isfinite(told), told, np.nanmax(told))
    limits = replace(stream.series, power_w=part * np.abs(stream.series.power_w))
    return power_function(limits, stream.convention).energy_j(begins_ns, ends_ns)


def _gap_j(function: PowerFunction, power_w: Floats, stamps_ns: Stamps, begins_ns: Stamps, ends_ns: Stamps) -> Floats:
    """u_gap: time without a reading times the local extremes' distance / (2 sqrt(3)); gaps add linearly."""
    if not np.any(function.gap_s(begins_ns, ends_ns) > 0):
        return np.zeros(begins_ns.size)
    edges_ns = function.origin_ns + np.rint(function.edges_s / NS).astype(np.int64)
    gaps = np.flatnonzero(function.gap)
    rate_w = np.zeros(function.gap.size)
    for segment in gaps.tolist():
        place = int(np.searchsorted(stamps_ns, (edges_ns[segment] + edges_ns[segment + 1]) // 2))
        near = power_w[max(place - NEIGHBOURS, 0) : place + NEIGHBOURS]
        rate_w[segment] = np.ptp(near) / (2 * ROOT_3)
    summed_j = np.concatenate([[0.0], np.cumsum(rate_w * np.diff(function.edges_s))])
    beyond_w = (np.ptp(power_w[:NEIGHBOURS]) / (2 * ROOT_3), np.ptp(power_w[-NEIGHBOURS:]) / (2 * ROOT_3))

    def until(at_ns: Stamps) -> Floats:
        at_s = (at_ns - function.origin_ns) * NS
        before_s, after_s = np.minimum(at_s - function.edges_s[0], 0), np.maximum(at_s - function.edges_s[-1], 0)
        inside_j = np.interp(at_s, function.edges_s, summed_j)
        return np.asarray(inside_j + before_s * beyond_w[0] + after_s * beyond_w[1])

    return until(ends_ns) - until(begins_ns)


def run_terms(
    streams: Sequence[Stream],
    begins_ns: Stamps,
    ends_ns: Stamps,
    level: BaselineLevel | None,
    baselines: Sequence[PartBaseline],
    clock_bound_s: float,
    convention_j: tuple[Floats, Floats] | None,
    observer: ObserverEffect | None = None,
) -> RunTerms:
    """One run's contributions; `baselines` in the order of the streams, `convention_j` total and induced."""
    parts = tuple(part_terms(stream, begins_ns, ends_ns) for stream in streams)
    unknown = np.full(begins_ns.size, np.nan)
    return RunTerms(
        duration_s=np.asarray((ends_ns - begins_ns) * NS, dtype=np.float64),
        energy_j=np.sum([part.energy_j for part in parts], axis=0),
        baseline_j=unknown if level is None else level.energy_j(begins_ns, ends_ns),
        parts=parts,
        baselines=tuple(baselines),
        level=level,
        clock_bound_s=clock_bound_s,
        convention_j=None if convention_j is None else convention_j[0],
        convention_induced_j=None if convention_j is None else convention_j[1],
        observer=observer,
    )
