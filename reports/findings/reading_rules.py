"""Findings on the readings of one run: what is missing, what cannot be, what stands still (method.md section 7).

Knows the streams of one run, its interval and the thresholds. Knows no meter's data sheet, no other run, no sentence.

Readings that are negative, zero or no number: of a machine that runs none of them can be true. A few are a warning,
more than `odd_readings_percent` fail the run. What the source itself says it has no value of is a gap that it noted,
and is judged as one.
"""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from harness.record.documents import GapEvent, Json, Thresholds
from reports.energy.contributions import Stream
from reports.energy.gaps import Hole, holes
from reports.energy.meter_error import counter_step_of
from reports.readings.long import blocks, count_of
from reports.readings.series import PowerSeries, RunSeries, behind
from reports.results.finding import Finding, Severity
from reports.results.kinds.code import FindingCode
from reports.results.rules import Rule, was
from reports.results.uncertainty import t_quantile

Floats = NDArray[np.float64]

SHOWN = 5
"""Actions, or stretches without a reading, that a finding names."""


@dataclass(frozen=True, slots=True)
class Missing:
    """What no reading covers of one stream in the rating interval: for how long (s), where, the energy that stands for
    it (J) with its standard uncertainty."""

    gap_s: float
    holes: tuple[Hole, ...]
    energy_j: float
    u_j: float


def missing_of(stream: Stream, begin_ns: int, end_ns: int, u_j: float) -> Missing:
    """The same of a stream; `u_j` is u_gap of the interval."""
    own = stream.function
    energy_j = float(own.gap_energy_j(begin_ns, end_ns))
    return Missing(float(own.gap_s(begin_ns, end_ns)), tuple(holes(own, begin_ns, end_ns)), energy_j, u_j)


def of_readings(
    series: RunSeries, power: PowerSeries, begin_ns: int, end_ns: int, missing: Missing, limits: Thresholds
) -> Iterator[Finding]:
    """Gaps, duplicates and stuck values within the rating interval."""
    yield from _gaps(series, power, begin_ns, end_ns, missing, limits)
    first, last = np.searchsorted(power.times_ns, [begin_ns, end_ns])
    times_ns, values = power.times_ns[first:last], power.power_w[first:last]
    duplicates = count_of(lambda part: np.diff(times_ns[behind(part)]) == 0, max(times_ns.size - 1, 0), times_ns)
    if duplicates:
        yield Finding("duplicate", "info", series.run.path.name, {"readings": duplicates})
    length, at = _longest_equal(values)
    cpu = None if series.indicators is None else series.indicators.columns.get("cpu_percent")
    if length >= limits.stuck_readings and cpu is not None and series.indicators is not None:
        edges = np.searchsorted(series.indicators.times_ns, [times_ns[at], times_ns[at + length - 1]])
        load = cpu[edges[0] : edges[1]]
        load = load[np.isfinite(load)]
        if load.size and float(np.ptp(load)) >= limits.stuck_load_percent:
            evidence = {"readings": length, "power_w": float(values[at]), "cpu_span_percent": float(np.ptp(load))}
            yield Finding("stuck", "warn", series.run.path.name, evidence)


def _gaps(
    series: RunSeries, power: PowerSeries, begin_ns: int, end_ns: int, missing: Missing, limits: Thresholds
) -> Iterator[Finding]:
    """Steps between readings of more than `gap_windows` windows, as much at an end of the interval, and gaps the lab
    noted, that touch the interval."""
    first = max(int(np.searchsorted(power.times_ns, begin_ns)) - 1, 0)
    last = int(np.searchsorted(power.times_ns, end_ns)) + 1
    window_s = power.reach_s
    # What lacks at an end lacks but for the window of the reading that did not come.
    ends_s = [hole.length_s + window_s for hole in missing.holes if hole.place != "between readings"]
    ends_s = [] if was(Rule.OPEN_ENDS) else ends_s
    own = slice(first, last)
    longest_s, count = _long_steps(power.times_ns[own], power.window_s[own], window_s, ends_s, limits.gap_windows)
    noted = [
        event
        for event in series.run.events
        if isinstance(event, GapEvent)
        and event.stream == power.descriptor.stream
        and event.from_ns < end_ns
        and event.to_ns > begin_ns
    ]
    failed = gaps_fail(missing.gap_s, longest_s - window_s, (end_ns - begin_ns) * 1e-9, limits)
    if count or noted or failed:
        evidence: Json = {"gaps": count, "gap_s": missing.gap_s, "longest_step_s": longest_s}
        if was(Rule.OPEN_ENDS):
            evidence["causes"] = sorted({event.cause for event in noted})
        else:
            evidence |= _of_holes(missing, noted, begin_ns, end_ns)
        yield Finding("gap", "invalid" if failed else "warn", series.run.path.name, evidence)


def _long_steps(
    times_ns: NDArray[np.int64], windows_s: Floats, usual_s: float, ends_s: Sequence[float], most: float
) -> tuple[float, int]:
    """The longest step (s; 0 without any), and how many are longer than `most` usual windows; `ends_s` are steps too.
    What a window that is longer than usual covers of its step is none of it."""
    limit_s = most * usual_s
    longest_s, count = max(ends_s, default=0.0), sum(step_s > limit_s for step_s in ends_s)
    for part in blocks(max(times_ns.size - 1, 0), times_ns, windows_s):
        steps_s = np.diff(times_ns[behind(part)]) * 1e-9
        steps_s -= np.maximum(windows_s[part.start + 1 : part.stop + 1] - usual_s, 0.0)
        longest_s = max(longest_s, float(steps_s.max()))
        count += int(np.count_nonzero(steps_s > limit_s))
    return longest_s, count


def _of_holes(missing: Missing, noted: Sequence[GapEvent], begin_ns: int, end_ns: int) -> Json:
    """Where the longest stretches without a reading are (s from the beginning of the interval) and why, as far as it
    was noted; the energy that was filled in for all of them. Where what was noted left nothing uncovered: when that
    was."""
    longest = sorted(missing.holes, key=lambda hole: hole.end_ns - hole.begin_ns, reverse=True)[:SHOWN]
    stretches: list[tuple[str, int, int]] = [(hole.place, hole.begin_ns, hole.end_ns) for hole in longest]
    stretches = stretches or [
        ("between readings that bridge it", max(e.from_ns, begin_ns), min(e.to_ns, end_ns)) for e in noted[:SHOWN]
    ]
    shown: Json = {}
    for place, from_ns, to_ns in sorted(stretches, key=lambda stretch: stretch[1]):
        causes = sorted({event.cause for event in noted if event.from_ns < to_ns and event.to_ns > from_ns})
        where = {"from_s": (from_ns - begin_ns) * 1e-9, "to_s": (to_ns - begin_ns) * 1e-9}
        length = {"length_s": (to_ns - from_ns) * 1e-9, "cause": " and ".join(causes) or "not recorded"}
        shown.setdefault(place, []).append(where | length)
    filled: Json = {"gap_energy_wh": missing.energy_j / 3600, "gap_U_wh": t_quantile(math.inf) * missing.u_j / 3600}
    return {"holes": shown} | (filled if missing.holes else {})


def gaps_fail(gap_s: float, longest_s: float, duration_s: float, limits: Thresholds) -> bool:
    """Whether gaps fail a run: more than `gap_total_percent` of its interval, or one longer than `gap_single_s`."""
    return gap_s > limits.gap_total_percent / 100 * duration_s or longest_s > limits.gap_single_s


def _longest_equal(values: NDArray[np.float64]) -> tuple[int, int]:
    """Length and place of the longest stretch of equal values."""
    if not values.size:
        return 0, 0
    length, at, start = 0, 0, 0
    for part in blocks(values.size, values):
        changes = np.flatnonzero(np.diff(values[behind(part)]) != 0) + part.start + 1
        edges = np.concatenate([[start], changes, [values.size] if part.stop >= values.size else []])
        start = int(changes[-1]) if changes.size else start
        lengths = np.diff(edges)
        if lengths.size and lengths.max() > length:
            best = int(np.argmax(lengths))
            length, at = int(lengths[best]), int(edges[best])
    return length, at


def of_odd_values(series: RunSeries, begin_ns: int, end_ns: int, limits: Thresholds) -> Iterator[Finding]:
    """`negative`, `zero`, `nan`: readings that cannot be those of a running machine."""
    for part in series.parts:
        lag_ns = round(part.descriptor.latency_s * 1e9)
        from_ns, to_ns = (begin_ns, end_ns - 1) if was(Rule.ODD_READINGS) else (begin_ns + lag_ns, end_ns + lag_ns)
        first, last = np.searchsorted(part.times_ns, from_ns), np.searchsorted(part.times_ns, to_ns, side="right")
        values = part.power_w[first:last]
        noted = False if was(Rule.ODD_READINGS) else _is_noted(series, part, part.nan_ns)
        lost = int(np.sum((part.nan_ns >= from_ns) & (part.nan_ns <= to_ns) & np.logical_not(noted)))
        counts: Mapping[FindingCode, int] = {
            "negative": _count(values, np.less),
            # A counter that stands still between two rows has not counted its next step yet.
            "zero": 0 if counter_step_of(part.descriptor) else _count(values, np.equal),
            "nan": lost,
        }
        for code, count in counts.items():
            if count:
                share = 100 * count / (values.size + lost)
                evidence = {"meter": part.descriptor.meter, "readings": count, "percent": share}
                severity: Severity = "invalid" if share > limits.odd_readings_percent else "warn"
                yield Finding(code, severity, series.run.path.name, evidence)


def _count(values: Floats, compare: np.ufunc) -> int:
    """How many compare so with nothing."""
    return count_of(lambda part: compare(values[part], 0), values.size, values)


def _is_noted(series: RunSeries, part: PowerSeries, times_ns: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Which moments lie in a gap of the stream that was noted."""
    noted = np.zeros(times_ns.size, dtype=bool)
    for event in series.run.events:
        if isinstance(event, GapEvent) and event.stream == part.descriptor.stream:
            first, last = np.searchsorted(times_ns, event.from_ns), np.searchsorted(times_ns, event.to_ns, side="right")
            noted[first:last] = True
    return noted


def of_repetitions(series: RunSeries, begin_ns: int, end_ns: int) -> Iterator[Finding]:
    """`stale` and `moving-average`: readings that repeat one before them, and hold its value; readings that look back
    over more time than passes between them."""
    for part in series.parts:
        meter = {"meter": part.descriptor.meter}
        repeated = int(np.sum((part.stale_ns >= begin_ns) & (part.stale_ns < end_ns)))
        if repeated:
            yield Finding("stale", "info", series.run.path.name, meter | {"readings": repeated})
        if part.is_moving:
            look = {"window_s": part.usual_window_s, "step_s": part.usual_step_s}
            yield Finding("moving-average", "warn", series.run.path.name, meter | look)
