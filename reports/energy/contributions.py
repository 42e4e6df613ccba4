"""What a run contributes to the uncertainty of the energy of its intervals, as arrays: one entry per interval.

Knows one run's streams, their edges, gaps, steps and noise (method.md section 6). Knows no mean over runs, no file and
no report; `sources.py` names the errors.

A load step inside a partial window is shared out wrongly: at a random place in the window of width w the loss is
dP w f(1 - f), in the mean dP w/6 with a standard deviation of .075 |dP| w; between two instantaneous values dt apart it
is dP dt (1 - f)^2 / 2, in the mean dP dt/6 with .149 |dP| dt. The mean has the sign of the step (inside minus outside):
it does not vanish over many runs, the deviation does. Of a moving average what its shape leaves open at an edge is a
limit, |dP| w/8 (`moving.py`), in place of the loss. Of intervals shorter than two windows: `touched.py`.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from reports.energy.energy import BaselineLevel
from reports.energy.gaps import u_gap_j
from reports.energy.meter_error import ROOT_3, Floats, MeterError
from reports.energy.moving import RESIDUAL
from reports.energy.observer import ObserverEffect, observer_term
from reports.energy.places import Places, corrected_at_w, new_until, variance_at
from reports.energy.power_function import NS, Convention, PowerFunction, power_function
from reports.energy.touched import SHORT, Touched, Windows, touched
from reports.readings.long import count_of, each, extremes
from reports.readings.series import PowerSeries
from reports.results.rules import Rule, was
from reports.results.uncertainty import Term

MEAN_LOSS = 1 / 6
DEVIATION_WINDOW, DEVIATION_INSTANT = 0.075, 0.149
"""Of what a step at an edge loses, in |dP| w (w: window, or distance of instantaneous values)."""
Stamps = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Stream:
    """One meter of a run: readings, power function, what is known of its error; `idle_w`: mean powers of the baseline
    blocks beside it, where some of the run was not read (`gaps.py`)."""

    series: PowerSeries
    function: PowerFunction
    error: MeterError
    convention: Convention | None
    idle_w: tuple[float, ...] = ()


@dataclass(frozen=True, slots=True)
class PartTerms:
    """One meter over k intervals, arrays of shape (k,).

    `begin_w`, `end_w`: power just inside each edge; `begin_step_w`, `end_step_w`: inside minus outside. `reach_s`: the
    window, or the distance of instantaneous values; `mean_loss_j`: what the steps at both edges lose in the mean,
    signed; `loss_deviation_j`: the standard deviation of that loss for one interval. `reported_j`: the limit that the
    instrument itself stated, summed up; None where it states none. `gap_j` is u_gap.

    Of intervals below two windows (`is_short`): `is_alone` where the value is the sum of the touched windows, over
    `spill_s` more than the interval, `spill_j` the standard uncertainty of that by `spill_count` readings beside it;
    elsewhere `limit_j`, `limit_induced_j` are the energies of the touched windows, the limit of error of the value.
    """

    error: MeterError
    energy_j: Floats
    reported_j: Floats | None
    begin_w: Floats
    end_w: Floats
    begin_step_w: Floats
    end_step_w: Floats
    reach_s: float
    mean_loss_j: Floats
    loss_deviation_j: Floats
    resolution_j: Floats
    dithered: NDArray[np.bool_]
    sampling_j: Floats
    gap_j: Floats
    is_short: NDArray[np.bool_]
    is_alone: NDArray[np.bool_]
    spill_s: Floats
    spill_j: Floats
    spill_count: Floats
    limit_j: Floats
    limit_induced_j: Floats


@dataclass(frozen=True, slots=True)
class PartBaseline:
    """The baseline of one circuit over the same k intervals: its energy by that circuit's meter, the summed limit that
    the instrument stated; whether it was the same meter on the same fixed range, and in the same session too;
    `noise_w`: how far single readings lie about a block's mean (standard deviation, W)."""

    energy_j: Floats
    reported_j: Floats | None
    same_range: bool
    same_session: bool
    noise_w: float = 0.0


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
    def spill_s(self) -> Floats:
        """Time beside each interval over which the baseline was subtracted too (`PartTerms`)."""
        return np.asarray(np.max([part.spill_s for part in self.parts], axis=0))

    @property
    def induced_j(self) -> Floats:
        """Energy minus baseline."""
        return self.energy_j - self.baseline_j

    def observer_w(self, *, induced: bool) -> Term | None:
        """What the agent adds (W) and is not corrected; None where it was not measured."""
        return None if self.observer is None else observer_term(self.observer, 1.0, induced=induced)

    def clock_w(self, *, induced: bool) -> Floats:
        """Sensitivity to an error of either edge's time (W): the power at the edges, above the baseline for induced."""
        base_w = per_second(self.baseline_j, self.duration_s) if induced else 0.0
        begin_w, end_w = (np.sum([getattr(part, name) for part in self.parts], axis=0) for name in ("begin_w", "end_w"))
        return np.asarray(np.hypot(begin_w - base_w, end_w - base_w))


def per_second(energy_j: Floats, duration_s: Floats) -> Floats:
    """Mean power (W); 0 over no time at all."""
    return np.asarray(np.divide(energy_j, duration_s, out=np.zeros_like(energy_j), where=duration_s > 0))


def part_terms(
    stream: Stream,
    begins_ns: Stamps,
    ends_ns: Stamps,
    base: PartBaseline | None = None,
    margin_s: float = 0.0,
    rating_ns: tuple[int, int] | None = None,
) -> PartTerms:
    """The contributions of one meter to the energy of k intervals. `base`: the baseline of its circuit over them;
    `margin_s`: how wrong the stamps of their edges may be on this meter's time; `rating_ns`: the rating interval, the
    only one whose load may stand alone (None: there is none)."""
    series, function = stream.series, stream.function
    instant = series.descriptor.averaging == "instantaneous"
    stamps_ns = _window_ends_ns(stream)
    duration_s = np.asarray((ends_ns - begins_ns) * NS, dtype=np.float64)
    first, last = np.searchsorted(stamps_ns, begins_ns), np.searchsorted(stamps_ns, ends_ns)
    variance = variance_at(series.power_w, first + 1, last - 1)
    count = np.maximum(new_until(series, last) - new_until(series, first), 1)
    step_w = stream.error.resolution_w
    dithered = np.sqrt(variance) >= step_w / 2
    # Rounding of readings that overlap does not average out over a window (`moving.py`).
    counted = duration_s / np.sqrt(count)
    if series.is_moving:
        counted = np.sqrt(2 * duration_s * series.usual_window_s)
    edges = _edges(stream, begins_ns, ends_ns, (first, last))
    nothing = np.zeros(duration_s.size)
    short = 0.0 if was(Rule.SHORT_INTERVALS) else SHORT
    terms = PartTerms(
        error=stream.error,
        energy_j=function.energy_j(begins_ns, ends_ns),
        reported_j=_reported_j(stream, begins_ns, ends_ns),
        begin_w=edges.begin_w, end_w=edges.end_w, begin_step_w=edges.begin_step_w, end_step_w=edges.end_step_w,
        reach_s=edges.reach_s, mean_loss_j=edges.mean_loss_j, loss_deviation_j=edges.loss_deviation_j,
        resolution_j=step_w / (2 * ROOT_3) * np.where(dithered, counted, duration_s) + stream.error.counter_u_j,
        dithered=dithered & (stream.error.counter_step_j == 0),
        sampling_j=np.sqrt(variance) * duration_s / np.sqrt(count) if instant else nothing,
        gap_j=u_gap_j(function, series.power_w, stamps_ns, begins_ns, ends_ns, stream.idle_w),
        is_short=(duration_s > 0) & (duration_s < short * edges.reach_s), is_alone=nothing > 0,
        spill_s=nothing, spill_j=nothing, spill_count=nothing, limit_j=nothing, limit_induced_j=nothing,
    )  # fmt: skip
    if not terms.is_short.any():
        return terms
    if instant:
        return _unseen(terms)
    at_rating_ns = (0, 0) if rating_ns is None else rating_ns
    is_rating = (begins_ns == at_rating_ns[0]) & (ends_ns == at_rating_ns[1])
    return _resolved(terms, stream, (begins_ns, ends_ns), base, margin_s, is_rating)


@dataclass(frozen=True, slots=True)
class _Edges:
    """What one meter shows at the edges of k intervals, as `PartTerms` has it."""

    begin_w: Floats
    end_w: Floats
    begin_step_w: Floats
    end_step_w: Floats
    reach_s: float
    mean_loss_j: Floats
    loss_deviation_j: Floats


def _edges(stream: Stream, begins_ns: Stamps, ends_ns: Stamps, places: tuple[Places, Places]) -> _Edges:
    """Powers at the edges, and what a step there costs. `places`: the first readings that end behind each edge."""
    series, (first, last) = stream.series, places
    if series.is_moving:
        return _edges_of_moving(stream, begins_ns, ends_ns)
    instant = series.descriptor.averaging == "instantaneous"
    inside = (first, last - 1) if instant else (first + 1, last - 1)
    outside = (first - 1, last) if instant else (first - 1, last + 1)
    begin_w, end_w = (corrected_at_w(series, place) for place in inside)
    before_w, after_w = (corrected_at_w(series, place) for place in outside)
    reach_s = series.reach_s
    deviation = DEVIATION_INSTANT if instant else DEVIATION_WINDOW
    begin_step_w, end_step_w = begin_w - before_w, end_w - after_w
    loss_j = MEAN_LOSS * reach_s * (begin_step_w + end_step_w)
    return _Edges(
        begin_w, end_w, begin_step_w, end_step_w, reach_s, loss_j,
        deviation * reach_s * np.hypot(begin_step_w, end_step_w),
    )  # fmt: skip


def _edges_of_moving(stream: Stream, begins_ns: Stamps, ends_ns: Stamps) -> _Edges:
    """The same of a moving average: means over a window on both sides of an edge, or over half the interval, or as far
    as was recorded (a step at least)."""
    function, reach_s = stream.function, stream.series.usual_window_s
    reach_ns, step_ns = round(reach_s / NS), round(stream.series.usual_step_s / NS)
    first_ns, last_ns = (function.origin_ns + round(edge_s / NS) for edge_s in (function.first_s, function.last_s))
    inside_ns = np.minimum(reach_ns, np.maximum((ends_ns - begins_ns) // 2, 1))
    before_ns, after_ns = (
        np.clip(begins_ns - first_ns, step_ns, reach_ns),
        np.clip(last_ns - ends_ns, step_ns, reach_ns),
    )

    def mean_w(from_ns: Stamps, length_ns: Stamps) -> Floats:
        return np.asarray(function.energy_j(from_ns, from_ns + length_ns) / (length_ns * NS))

    begin_w, end_w = mean_w(begins_ns, inside_ns), mean_w(ends_ns - inside_ns, inside_ns)
    begin_step_w, end_step_w = begin_w - mean_w(begins_ns - before_ns, before_ns), end_w - mean_w(ends_ns, after_ns)
    open_j = RESIDUAL * reach_s / ROOT_3 * (np.abs(begin_step_w) + np.abs(end_step_w))
    return _Edges(begin_w, end_w, begin_step_w, end_step_w, reach_s, open_j, np.zeros(begins_ns.size))


def unseen(parts: Sequence[PowerSeries], begins_ns: Stamps, ends_ns: Stamps) -> NDArray[np.bool_]:
    """Which of k intervals have no energy: they are shorter than two distances of a meter's momentary readings."""
    instants = [part.reach_s for part in parts if part.descriptor.averaging == "instantaneous"]
    return np.asarray((ends_ns - begins_ns) * NS < SHORT * max(instants, default=0.0))


def _unseen(terms: PartTerms) -> PartTerms:
    """Between instantaneous values a load is not seen: intervals below two distances have no energy."""
    return replace(terms, energy_j=np.where(terms.is_short, np.nan, terms.energy_j))


def _resolved(
    terms: PartTerms,
    stream: Stream,
    edges_ns: tuple[Stamps, Stamps],
    base: PartBaseline | None,
    margin_s: float,
    is_rating: NDArray[np.bool_],
) -> PartTerms:
    """The terms with short intervals by the windows they touch (`touched.py`)."""
    at = np.flatnonzero(terms.is_short)
    begins_ns, ends_ns = edges_ns
    series, duration_s = stream.series, np.asarray((ends_ns - begins_ns)[at] * NS, dtype=np.float64)
    level_w = None if base is None else base.energy_j[at] / duration_s
    noise_w = 0.0 if base is None else base.noise_w
    stamps_ns = _window_ends_ns(stream)
    windows = Windows(stream.function, stamps_ns, series, terms.reach_s, overlapping=series.is_moving)
    reach = touched(windows, begins_ns[at], ends_ns[at], margin_s, level_w, noise_w)
    base_w = np.zeros(at.size) if level_w is None else level_w
    stands_alone = reach.is_alone & is_rating[at]
    alone, limited = at[stands_alone], at[~stands_alone]
    own_j = terms.energy_j[at]
    # What the baseline's noise may hide counts beside what it leaves to be seen.
    over_j = np.maximum(np.abs(reach.energy_j - base_w * reach.length_s), np.abs(own_j - base_w * duration_s))
    limits = {
        "limit_j": np.maximum(np.abs(reach.energy_j), np.abs(own_j)),
        "limit_induced_j": over_j + 2 * noise_w * reach.length_s,
    }
    sums = _standing_alone(terms, stream, reach, base_w, duration_s)
    changed = {name: _filled(terms, name, alone, values[stands_alone]) for name, values in sums.items()}
    changed |= {name: _filled(terms, name, limited, values[~stands_alone]) for name, values in limits.items()}
    is_alone = np.isin(np.arange(terms.is_short.size), alone)
    return replace(terms, is_alone=is_alone, **changed)  # type: ignore[arg-type]


def _standing_alone(
    terms: PartTerms, stream: Stream, reach: Touched, base_w: Floats, duration_s: Floats
) -> dict[str, Floats]:
    """What `PartTerms` has of short intervals whose load stands alone in the windows they touch: no edge counts."""
    spill_s, nothing = reach.length_s - duration_s, np.zeros(duration_s.size)
    values = {
        "energy_j": reach.energy_j - base_w * spill_s,
        "begin_w": base_w, "end_w": base_w, "begin_step_w": nothing, "end_step_w": nothing,
        "mean_loss_j": nothing, "loss_deviation_j": nothing, "gap_j": nothing,
        "resolution_j": terms.error.resolution_w / (2 * ROOT_3) * reach.length_s + terms.error.counter_u_j,
        "spill_s": spill_s, "spill_j": reach.side_w * spill_s, "spill_count": reach.side_count,
    }  # fmt: skip
    reported_j = None if terms.reported_j is None else _reported_j(stream, reach.first_ns, reach.last_ns)
    return values if reported_j is None else values | {"reported_j": reported_j}


def _filled(terms: PartTerms, name: str, places: Places, values: Floats) -> Floats:
    """A column of the terms with other values at some intervals."""
    column = np.array(getattr(terms, name), dtype=np.float64)
    column[places] = values
    return column


def _window_ends_ns(stream: Stream) -> Stamps:
    """Where each reading's window ends; of an instantaneous one, the moment it holds for."""
    series, how = stream.series, stream.series.descriptor
    late_ns = round(how.latency_s / NS)
    marks_start = (stream.convention or how.stamp) == "start" and how.averaging == "window"
    if not late_ns and not marks_start:
        return series.times_ns

    def ends_ns(part: slice) -> Stamps:
        stamps_ns = series.times_ns[part] - late_ns
        return stamps_ns + np.rint(series.window_s[part] / NS).astype(np.int64) if marks_start else stamps_ns

    return each(ends_ns, series.times_ns.size, np.int64, series.times_ns, series.window_s)


def _reported_j(stream: Stream, begins_ns: Stamps, ends_ns: Stamps) -> Floats | None:
    """The stated limits of error times the power, integrated; a reading without one has the largest stated."""
    told, power_w = stream.series.reported, stream.series.power_w
    if told is None or not count_of(lambda part: np.isfinite(told[part]), told.size, told):
        return None
    _, largest = extremes(lambda part: np.where(np.isfinite(told[part]), told[part], -np.inf), told.size, told)
    limits_w = each(
        lambda part: np.where(np.isfinite(told[part]), told[part], largest) * np.abs(power_w[part]), told.size,
        np.float64, told, power_w,
    )  # fmt: skip
    indicated = replace(stream.series.descriptor, calibration=None)
    limits = replace(stream.series, descriptor=indicated, power_w=limits_w)
    return power_function(limits, stream.convention).energy_j(begins_ns, ends_ns)


def run_terms(
    streams: Sequence[Stream],
    begins_ns: Stamps,
    ends_ns: Stamps,
    level: BaselineLevel | None,
    baselines: Sequence[PartBaseline],
    clock_bound_s: float,
    convention_j: tuple[Floats, Floats] | None,
    observer: ObserverEffect | None = None,
    rating_ns: tuple[int, int] | None = None,
) -> RunTerms:
    """One run's contributions; `baselines` in the order of the streams, `convention_j` total and induced, `rating_ns`
    as in `part_terms`."""
    beside: Sequence[PartBaseline | None] = baselines or (None,) * len(streams)
    parts = tuple(
        part_terms(stream, begins_ns, ends_ns, base, _margin_s(stream, clock_bound_s), rating_ns)
        for stream, base in zip(streams, beside, strict=True)
    )
    unknown = np.full(begins_ns.size, np.nan)
    return RunTerms(
        duration_s=np.asarray((ends_ns - begins_ns) * NS, dtype=np.float64),
        energy_j=np.sum([part.energy_j for part in parts], axis=0),
        baseline_j=unknown if level is None else level.energy_j(begins_ns, ends_ns),
        parts=parts,
        baselines=tuple(baselines),
        level=level,
        clock_bound_s=clock_bound_s,
        convention_j=None if convention_j is None else _open_j(convention_j[0], parts),
        convention_induced_j=None if convention_j is None else _open_j(convention_j[1], parts),
        observer=observer,
    )


def _margin_s(stream: Stream, clock_bound_s: float) -> float:
    """How wrong an edge's stamp may be on this meter's time: the clocks, and a window where it is not known which edge
    of its window a reading marks."""
    how = stream.series.descriptor
    is_open = stream.convention is None and how.stamp == "unknown" and how.averaging == "window"
    return clock_bound_s + (stream.series.usual_window_s if is_open else 0.0)


def _open_j(difference_j: Floats, parts: Sequence[PartTerms]) -> Floats:
    """What the convention of the stamps changes: nothing where all touched windows count."""
    is_alone = np.all([part.is_alone for part in parts], axis=0)
    return np.where(is_alone, 0.0, difference_j)
