"""Findings on one run: what its readings, its meter, its machine and its room say (method.md section 7).

Knows one run's series, its interval and the thresholds. Knows no other run, no file and no sentence.

Rules that need more words than their functions
- Readings that are negative, zero or no number: of a machine that runs none of them can be true. A few are a warning,
  more than `odd_readings_percent` fail the run. What the source itself says it has no value of is a gap that it noted,
  and is judged as one.
- `rate-drift` looks both ways at the mean step between readings, gaps left out: every other reading deleted, readings
  put in between, a meter that counts its second wrong. It is not asked of momentary values that were imported: no rate
  was promised, and each counts by its own step.
- `not-settled` compares the two windows of `settle_window_s` before the interval; of a baseline block also its own
  first two. Where less was recorded, nothing is said here, and `not-monitored` lists it.
"""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from harness.record.documents import ClockEvent, GapEvent, Json, PowerDescriptor, RangeChangeEvent, Thresholds
from reports.energy.contributions import PartTerms, Stream
from reports.energy.gaps import Hole, holes
from reports.energy.meter_error import MeterError, power_limits
from reports.findings.foreign_load import around, share_percent
from reports.readings.actions import UNPAIRED, Lost
from reports.readings.series import OVERLAP, Indicators, PowerSeries, RunSeries, Steps
from reports.results.finding import Finding, Severity
from reports.results.rules import Rule, was
from reports.results.uncertainty import t_quantile

Floats = NDArray[np.float64]
SHOWN = 5
"""Actions, or stretches without a reading, that a finding names."""
FEWEST_STEPS = 10
"""Of so many steps between readings on, a mean step says something."""
SUPPLY = {
    "voltage_v": ("voltage", "supply_voltage_percent"),
    "frequency_hz": ("frequency", "supply_frequency_percent"),
    "voltage_thd_percent": ("THD", "supply_thd_percent"),
}
"""Column -> how it is called, its threshold."""


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
    duplicates = int(np.sum(np.diff(times_ns) == 0))
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
    steps_s = np.diff(power.times_ns[first:last]) * 1e-9
    steps_s = steps_s if was(Rule.OPEN_ENDS) else np.concatenate([steps_s, ends_s])
    longest_s = float(steps_s.max()) if steps_s.size else 0.0
    count = int(np.sum(steps_s > limits.gap_windows * window_s))
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


def of_doubles(
    series: RunSeries, begin_ns: int, end_ns: int, energies_j: Sequence[tuple[float, float]]
) -> Iterator[Finding]:
    """Two meters on one circuit that disagree by more than their limits of error together (an `invalid`), or whose
    limits are not known (an `info`); `energies_j` are those of `series.doubles` in the interval."""
    for (one, other), (one_j, other_j) in zip(series.double_meters, energies_j, strict=True):
        mean_w = (one_j + other_j) / 2 / ((end_ns - begin_ns) * 1e-9)
        limit_w = joint_limit_w(one, other, mean_w)
        evidence = {
            "meters": [one.meter, other.meter],
            "circuit": one.circuit,
            "energy_j": [one_j, other_j],
            "difference_percent": (other_j - one_j) / one_j * 100 if one_j else None,
        }
        if limit_w is None:
            yield Finding("cross-check-open", "info", series.run.path.name, evidence)
            continue
        evidence["limit_percent"] = limit_w / mean_w * 100 if mean_w else None
        if abs(other_j - one_j) > limit_w * (end_ns - begin_ns) * 1e-9:
            yield Finding("cross-check", "invalid", series.run.path.name, evidence)


def joint_limit_w(one: PowerDescriptor, other: PowerDescriptor, power_w: float) -> float | None:
    """How far two meters on one circuit may differ at some power: both limits of error; None where one has none."""
    limits_w = [power_limits(descriptor).limit(power_w) for descriptor in (one, other)]
    return None if None in limits_w else sum(limit for limit in limits_w if limit is not None)


def of_ranging(series: RunSeries) -> Iterator[Finding]:
    """A meter that may choose its range during a rated run, or that changed it."""
    for part in series.parts:
        stream = part.descriptor.stream
        told = [e for e in series.run.events if isinstance(e, RangeChangeEvent) and e.stream == stream]
        scales = [[e.full_scale for e in told if e.column == column] for column in {e.column for e in told}]
        changes = sum(before != after for one in scales for before, after in pairwise(one))
        if part.descriptor.ranging == "auto" or any(event.auto for event in told) or changes:
            evidence = {"meter": part.descriptor.meter, "changes": changes}
            yield Finding("auto-range", "warn", series.run.path.name, evidence)


def of_overrange(series: RunSeries, begin_ns: int, end_ns: int) -> Iterator[Finding]:
    """Readings of the rating interval that were above the range; each is missing from the energy."""
    for part in series.parts:
        count = int(np.sum((part.overrange_ns >= begin_ns) & (part.overrange_ns < end_ns)))
        if count:
            evidence = {"meter": part.descriptor.meter, "readings": count}
            yield Finding("overrange", "invalid", series.run.path.name, evidence)


def gaps_fail(gap_s: float, longest_s: float, duration_s: float, limits: Thresholds) -> bool:
    """Whether gaps fail a run: more than `gap_total_percent` of its interval, or one longer than `gap_single_s`."""
    return gap_s > limits.gap_total_percent / 100 * duration_s or longest_s > limits.gap_single_s


def _longest_equal(values: NDArray[np.float64]) -> tuple[int, int]:
    """Length and place of the longest stretch of equal values."""
    if not values.size:
        return 0, 0
    starts = np.flatnonzero(np.concatenate([[True], np.diff(values) != 0]))
    lengths = np.diff(np.concatenate([starts, [values.size]]))
    best = int(np.argmax(lengths))
    return int(lengths[best]), int(starts[best])


def of_clock(series: RunSeries, energy_j: float, step_w: float, limits: Thresholds) -> Iterator[Finding]:
    """The SUT's clock: a bound that matters for this energy (step of power at the edges `step_w`), jumps of a wall
    clock."""
    if series.clock is None:
        return
    error_j = series.clock.bound_ns * 1e-9 * abs(step_w)
    if error_j > limits.clock_bound_percent / 100 * abs(energy_j):
        evidence = {"bound_s": series.clock.bound_ns * 1e-9, "step_w": step_w, "energy_j": energy_j}
        yield Finding("clock-bound", "warn", series.run.path.name, evidence)
    for step in series.clock.steps:
        if abs(step.jump_ns) > limits.clock_step_ms * 1e6:
            jump: Json = {"side": step.side, "jump_s": step.jump_ns * 1e-9}
            yield Finding("clock-step", "info", series.run.path.name, jump)


def of_odd_values(series: RunSeries, begin_ns: int, end_ns: int, limits: Thresholds) -> Iterator[Finding]:
    """`negative`, `zero`, `nan`: readings that cannot be those of a running machine."""
    for part in series.parts:
        lag_ns = round(part.descriptor.latency_s * 1e9)
        from_ns, to_ns = (begin_ns, end_ns - 1) if was(Rule.ODD_READINGS) else (begin_ns + lag_ns, end_ns + lag_ns)
        values = part.power_w[(part.times_ns >= from_ns) & (part.times_ns <= to_ns)]
        noted = False if was(Rule.ODD_READINGS) else _is_noted(series, part, part.nan_ns)
        lost = int(np.sum((part.nan_ns >= from_ns) & (part.nan_ns <= to_ns) & np.logical_not(noted)))
        counts = {"negative": int(np.sum(values < 0)), "zero": int(np.sum(values == 0)), "nan": lost}
        for code, count in counts.items():
            if count:
                share = 100 * count / (values.size + lost)
                evidence = {"meter": part.descriptor.meter, "readings": count, "percent": share}
                severity: Severity = "invalid" if share > limits.odd_readings_percent else "warn"
                yield Finding(code, severity, series.run.path.name, evidence)


def _is_noted(series: RunSeries, part: PowerSeries, times_ns: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Which moments lie in a gap of the stream that was noted."""
    noted = np.zeros(times_ns.size, dtype=bool)
    for event in series.run.events:
        if isinstance(event, GapEvent) and event.stream == part.descriptor.stream:
            first, last = np.searchsorted(times_ns, event.from_ns), np.searchsorted(times_ns, event.to_ns, side="right")
            noted[first:last] = True
    return noted


def typical_steps_s(runs: Sequence[RunSeries]) -> dict[str, float]:
    """Meter -> the step between its readings that is right: the campaign's median, for one that averages windows that
    do not overlap not further from its window than windows may be stretched."""
    steps: dict[str, list[Steps]] = {}
    windows: dict[str, float] = {}
    for series in runs:
        for meter, own in series.steps.items():
            steps.setdefault(meter, []).append(own)
            windows[meter] = own.window_s if own.averages and windows.get(meter, 1.0) else 0.0
    found = {}
    for meter, known in steps.items():
        typical_s, window_s = _median_step_s(known), windows[meter]
        if typical_s is not None:
            found[meter] = float(np.clip(typical_s, window_s, OVERLAP * window_s)) if window_s else typical_s
    return found


def _median_step_s(steps: Sequence[Steps]) -> float | None:
    """The median of all steps; None without any."""
    lengths_s, counts = (np.concatenate([getattr(own, name) for own in steps]) for name in ("lengths_s", "counts"))
    if not lengths_s.size:
        return None
    order = np.argsort(lengths_s)
    until = np.cumsum(counts[order])
    middle = [np.searchsorted(until, place, side="right") for place in ((until[-1] - 1) // 2, until[-1] // 2)]
    return float(lengths_s[order][middle].mean())


def of_rate(
    series: RunSeries, begin_ns: int, end_ns: int, typical_s: Mapping[str, float], limits: Thresholds
) -> Iterator[Finding]:
    """`rate-drift`: readings come too seldom or too often."""
    for part in series.parts:
        if series.run.start.source is not None and not part.averages and not was(Rule.IMPORTED_RATES):
            continue
        first, last = np.searchsorted(part.times_ns, [begin_ns, end_ns])
        steps_s = part.steps_s(int(first), int(last))
        right_s = typical_s.get(part.descriptor.meter, 0.0)
        steps_s = steps_s[steps_s <= limits.gap_windows * right_s * (1 + 1e-9)]
        if steps_s.size < FEWEST_STEPS or not right_s:
            continue
        drift_percent = 100 * (float(steps_s.mean()) / right_s - 1)
        # One reading that comes late or early at either end is no drift.
        late_s = float(np.percentile(np.abs(steps_s - np.median(steps_s)), 95))
        jitter_percent = 100 * late_s / (right_s * steps_s.size)
        if abs(drift_percent) > limits.rate_drift_percent + jitter_percent:
            evidence = {"meter": part.descriptor.meter, "mean_step_s": float(steps_s.mean()), "expected_s": right_s}
            yield Finding("rate-drift", "warn", series.run.path.name, evidence | {"drift_percent": drift_percent})


def of_repetitions(series: RunSeries, begin_ns: int, end_ns: int) -> Iterator[Finding]:
    """`stale` and `moving-average`: readings that repeat one before them, and hold its value; readings that look back
    over more time than passes between them."""
    for part in series.parts:
        meter = {"meter": part.descriptor.meter}
        repeated = int(np.sum((part.stale_ns >= begin_ns) & (part.stale_ns < end_ns)))
        if repeated:
            yield Finding("stale", "info", series.run.path.name, meter | {"readings": repeated})
        if part.is_moving:
            look = {"window_s": float(np.median(part.window_s)), "step_s": part.usual_step_s}
            yield Finding("moving-average", "warn", series.run.path.name, meter | look)


def of_markers(series: RunSeries) -> Iterator[Finding]:
    """`unpaired-action` and `action-outside-record`: markers that are no action, and so have no energy."""
    for code, lost in (
        ("unpaired-action", [one for one in series.lost if one.reason in UNPAIRED]),
        ("action-outside-record", [one for one in series.lost if one.reason not in UNPAIRED]),
    ):
        if lost:
            reasons = dict.fromkeys(one.reason for one in lost)
            evidence: Json = {str(reason): _named([x for x in lost if x.reason == reason]) for reason in reasons}
            yield Finding(code, "warn", series.run.path.name, evidence)


def _named(lost: Sequence[Lost]) -> Json:
    """How many, and the first of them by name and index."""
    return {"times": len(lost), "actions": [f"{one.name} {one.index}" for one in lost[:SHOWN]]}


def of_odd_cells(series: RunSeries) -> Iterator[Finding]:
    """`unreadable-values`: indicators and clock exchanges that are no numbers that can be; each costs itself."""
    odd: Json = {}
    for indicators in (series.indicators, series.room):
        if indicators is not None and indicators.odd:
            odd[indicators.descriptor.stream] = dict(indicators.odd)
    exchanges = sum(isinstance(event, ClockEvent) for event in series.run.events) - len(series.exchanges)
    if exchanges:
        odd["clock exchanges"] = exchanges
    if odd:
        yield Finding("unreadable-values", "warn", series.run.path.name, odd)


def of_resolution(series: RunSeries, parts: Sequence[PartTerms], at: int, limits: Thresholds) -> Iterator[Finding]:
    """`quantisation`: the meter is too coarse for this interval. `at`: where the interval stands in the terms."""
    energy_j = float(sum(part.energy_j[at] for part in parts))
    step_j = float(np.sqrt(sum(part.resolution_j[at] ** 2 for part in parts)))
    if step_j > limits.quantisation_percent / 100 * abs(energy_j):
        evidence = {"u_resolution_j": step_j, "energy_j": energy_j}
        yield Finding("quantisation", "warn", series.run.path.name, evidence)


def of_length(
    series: RunSeries, parts: Sequence[PartTerms], at: int, duration_s: float, limits: Thresholds
) -> Iterator[Finding]:
    """`too-short-to-resolve`: the meter is too slow for this interval. Below two windows the sum of the touched windows
    counts where the load stands alone in them (a remark), elsewhere their energy is the limit of error (a warning);
    between instantaneous values nothing is seen, and the run is out."""
    slowest_s = max(part.reach_s for part in parts)
    if duration_s < limits.min_windows * slowest_s:
        evidence = {"windows": duration_s / slowest_s, "expected": limits.min_windows, "window_s": slowest_s}
        short = [part for part in parts if part.is_short[at]]
        alone = all(part.is_alone[at] for part in short)
        severity: Severity = "info" if alone else "warn" if is_seen(parts, at) else "invalid"
        evidence |= {"stands_alone": alone} if short else {}
        yield Finding("too-short-to-resolve", severity, series.run.path.name, evidence)


def is_seen(parts: Sequence[PartTerms], at: int) -> bool:
    """Whether every meter gives an energy of this interval."""
    return all(np.isfinite(part.energy_j[at]) for part in parts)


def of_accuracy(
    series: RunSeries, streams: Sequence[Stream], begin_ns: int, end_ns: int, limits: Thresholds
) -> Iterator[Finding]:
    """`meter-uncertainty`: limits of error above 1 % of the power on average, or above 1 % for more than 5 % of the
    readings. What the instrument itself states of a reading counts before its data sheet."""
    for stream in streams:
        first, last = np.searchsorted(stream.series.times_ns, [begin_ns, end_ns])
        relative = relative_limits(stream.series, stream.error)[first:last]
        relative = relative[np.isfinite(relative)] * 100
        if not relative.size:
            continue
        mean_percent = float(relative.mean())
        above_percent = 100 * float(np.mean(relative > limits.limits_of_error_percent))
        too_much = mean_percent > limits.limits_of_error_percent
        if too_much or above_percent > limits.limits_of_error_share_percent:
            evidence = {"meter": stream.series.descriptor.meter, "mean_percent": mean_percent}
            evidence |= {"readings_above_percent": above_percent, "limit_percent": limits.limits_of_error_percent}
            yield Finding("meter-uncertainty", "warn", series.run.path.name, evidence)


def relative_limits(series: PowerSeries, error: MeterError) -> Floats:
    """The limit of error of every reading as a part of its power; NaN where nothing is known or the power is zero."""
    power_w = np.abs(series.power_w)
    limit_w = np.full(power_w.size, np.nan)
    if error.calibrated and error.certificate is not None and error.stability is not None:
        limit_w = power_w * (2 * error.certificate.relative_u(power_w) + error.stability)
    elif error.reading is not None and error.offset_w is not None:
        limit_w = power_w * error.reading + error.offset_w
    relative = np.divide(limit_w, power_w, out=np.full(power_w.size, np.nan), where=power_w > 0)
    if series.reported is not None:
        relative = np.where(np.isfinite(series.reported), series.reported, relative)
    return np.asarray(relative)


def of_settling(series: RunSeries, begin_ns: int, end_ns: int, limits: Thresholds) -> Iterator[Finding]:
    """`not-settled`: power or temperature still moved before the interval began."""
    for part in series.parts:
        for where, pair in _settling_windows(series, part, begin_ns, end_ns, limits):
            means_w = [float(values.mean()) for values in pair]
            error_w = float(np.sqrt(sum(values.var(ddof=1) / values.size for values in pair)))
            allowed_w = max(limits.settle_percent / 100 * abs(means_w[0]), limits.settle_standard_errors * error_w)
            if abs(means_w[1] - means_w[0]) > allowed_w:
                evidence = {"meter": part.descriptor.meter, "where": where, "means_w": means_w, "allowed_w": allowed_w}
                yield Finding("not-settled", "warn", series.run.path.name, evidence)
    window_ns = int(2 * limits.settle_window_s * 1e9)
    for name, slope in _temperature_slopes(series.indicators, begin_ns - window_ns, begin_ns):
        if abs(slope) > limits.settle_temperature_c_per_min:
            evidence = {"sensor": name, "slope_c_per_min": slope, "limit": limits.settle_temperature_c_per_min}
            yield Finding("not-settled", "warn", series.run.path.name, evidence)


def _settling_windows(
    series: RunSeries, part: PowerSeries, begin_ns: int, end_ns: int, limits: Thresholds
) -> Iterator[tuple[str, tuple[Floats, Floats]]]:
    """Two windows one after the other, wherever both are whole: before the interval, and in a baseline block."""
    window_ns = int(limits.settle_window_s * 1e9)
    places = {"before the interval": begin_ns - 2 * window_ns}
    if series.run.start.kind == "baseline" and begin_ns + 2 * window_ns <= end_ns:
        places["in the block"] = begin_ns
    reach_ns = int(2e9 * max(float(np.median(part.window_s)), 1.0))
    for where, from_ns in places.items():
        edges = np.searchsorted(part.times_ns, [from_ns, from_ns + window_ns, from_ns + 2 * window_ns])
        pair = part.power_w[edges[0] : edges[1]], part.power_w[edges[1] : edges[2]]
        if part.times_ns[0] <= from_ns + reach_ns and min(values.size for values in pair) > 1:
            yield where, pair


def is_settling_seen(series: RunSeries, begin_ns: int, end_ns: int, limits: Thresholds) -> bool:
    """Whether enough was recorded before the interval to tell whether the machine had settled."""
    return all(any(_settling_windows(series, part, begin_ns, end_ns, limits)) for part in series.parts)


def _temperature_slopes(indicators: Indicators | None, begin_ns: int, end_ns: int) -> Iterator[tuple[str, float]]:
    """Sensor -> slope of its temperature (degrees per minute) where it was recorded all along."""
    if indicators is None:
        return
    first, last = np.searchsorted(indicators.times_ns, [begin_ns, end_ns])
    times_min = (indicators.times_ns[first:last] - begin_ns) / 60e9
    for name, column in indicators.columns.items():
        values = column[first:last]
        is_whole = values.size > FEWEST_STEPS and float(np.ptp(times_min)) > 0.9 * (end_ns - begin_ns) / 60e9
        if name.endswith("temperature_c") and is_whole and np.isfinite(values).all():
            yield name, float(np.polyfit(times_min, values, 1)[0])


def of_machine(series: RunSeries, begin_ns: int, end_ns: int) -> Iterator[Finding]:
    """`throttled`, `oom`: what the machine did against the load."""
    name = series.run.path.name
    killed = _grown(series.indicators, "oom_kills", begin_ns, end_ns)
    if killed:
        yield Finding("oom", "invalid", name, {"processes": killed})
    slowed = _grown(series.indicators, "cpu_throttle_count", begin_ns, end_ns)
    if slowed:
        yield Finding("throttled", "warn", name, {"device": "CPU", "times": slowed})
    for column, values in _within(series.indicators, begin_ns, end_ns).items():
        if column.startswith("gpu") and column.endswith("_throttled") and np.nansum(values):
            share = 100 * float(np.nanmean(values))
            gpu: Json = {"device": column.removesuffix("_throttled"), "samples_percent": share}
            yield Finding("throttled", "warn", name, gpu)


def _grown(indicators: Indicators | None, name: str, begin_ns: int, end_ns: int) -> float | None:
    """How far a counter went up around the interval; None where it was not recorded."""
    if indicators is None or name not in indicators.columns:
        return None
    first, last = around(indicators, begin_ns, end_ns)
    grown = float(indicators.columns[name][last] - indicators.columns[name][first])
    return grown if np.isfinite(grown) else None


def _within(indicators: Indicators | None, begin_ns: int, end_ns: int) -> dict[str, Floats]:
    if indicators is None:
        return {}
    first, last = np.searchsorted(indicators.times_ns, [begin_ns, end_ns], side="right")
    return {name: column[first:last] for name, column in indicators.columns.items()}


def of_supply(series: RunSeries, begin_ns: int, end_ns: int, limits: Thresholds) -> Iterator[Finding]:
    """`supply`: mains that the meter saw outside what a measurement allows."""
    nominal = _nominal(series)
    for part in series.parts:
        first, last = np.searchsorted(part.times_ns, [begin_ns, end_ns])
        for column, (quantity, key) in SUPPLY.items():
            values = part.supply[column][first:last] if column in part.supply else np.array([])
            values = values[np.isfinite(values)]
            if not values.size or (column in ("voltage_v", "frequency_hz") and column not in nominal):
                continue
            right = nominal.get(column, 0.0)
            away = 100 * np.abs(values / right - 1) if right else values
            outside = float(np.mean(away > getattr(limits, key)))
            if outside:
                evidence: Json = {
                    "meter": part.descriptor.meter,
                    "quantity": quantity,
                    "limit_percent": getattr(limits, key),
                }
                evidence |= {"nominal": right or None, "min": float(values.min()), "max": float(values.max())}
                yield Finding("supply", "warn", series.run.path.name, evidence | {"readings_percent": 100 * outside})


def _nominal(series: RunSeries) -> dict[str, float]:
    """Column -> nominal value, as lab.toml has it; empty for an import."""
    told = series.run.start.config.get("supply")
    return {key: float(told[key]) for key in ("voltage_v", "frequency_hz")} if isinstance(told, dict) else {}


def of_room(series: RunSeries, begin_ns: int, end_ns: int, limits: Thresholds) -> Iterator[Finding]:
    """`ambient`: the room was too cold or too warm."""
    for column, values in _within(series.room, begin_ns, end_ns).items():
        known = values[np.isfinite(values)]
        if known.size and np.max(np.abs(known - limits.ambient_c)) > limits.ambient_tolerance_c:
            evidence = {"sensor": column, "min_c": float(known.min()), "max_c": float(known.max())}
            evidence |= {"expected_c": limits.ambient_c, "tolerance_c": limits.ambient_tolerance_c}
            yield Finding("ambient", "warn", series.run.path.name, evidence)


def not_monitored(series: RunSeries, begin_ns: int, end_ns: int, limits: Thresholds) -> frozenset[str]:
    """What of the rules above could not be judged in this run, for want of a sensor or of time."""
    nominal = _nominal(series)
    room = _within(series.room, begin_ns, end_ns).values()
    gpus = [name for name in _within(series.indicators, begin_ns, end_ns) if name.endswith("_temperature_c")]
    slowed = {f"{name.removesuffix('_temperature_c')}_throttled" for name in gpus}
    known = {
        quantity: any(np.isfinite(part.supply.get(column, np.array([]))).any() for part in series.parts)
        and (column in nominal or column == "voltage_thd_percent")
        for column, (quantity, _) in SUPPLY.items()
    } | {
        "ambient temperature": any(np.isfinite(values).any() for values in room),
        "other processes": share_percent(series, begin_ns, end_ns) is not None,
        "want of memory": _grown(series.indicators, "oom_kills", begin_ns, end_ns) is not None,
        "CPU slow-downs": _grown(series.indicators, "cpu_throttle_count", begin_ns, end_ns) is not None,
        "GPU slow-downs": all(
            np.isfinite(_within(series.indicators, begin_ns, end_ns).get(name, np.array([]))).any() for name in slowed
        ),
        "settling": is_settling_seen(series, begin_ns, end_ns, limits),
    }
    return frozenset(name for name, is_known in known.items() if not is_known)
