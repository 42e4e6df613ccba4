"""Findings on the meters of one run: rate, ranges, resolution, limits of error (method.md section 7).

Knows the streams of one run, their descriptors and what is known of their errors. Knows no other run and no sentence.

`rate-drift` looks both ways at the mean step between readings, gaps left out: every other reading deleted, readings
put in between, a meter that counts its second wrong. It is not asked of momentary values that were imported: no rate
was promised, and each counts by its own step.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from harness.record.documents import PowerDescriptor, RangeChangeEvent, Thresholds
from reports.energy.contributions import PartTerms, RunTerms, Stream
from reports.energy.meter_error import MeterError, power_limits
from reports.energy.touched import SHORT
from reports.readings.long import chosen, count_of, each, mean, middle_of, tally
from reports.readings.series import OVERLAP, PowerSeries, RunSeries, Steps
from reports.results.finding import Finding, Severity
from reports.results.rules import Rule, was

Floats = NDArray[np.float64]

FEWEST_STEPS = 10
"""Of so many steps between readings on, a mean step says something."""


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
    return middle_of(lengths_s[order], counts[order])


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
        steps_s = _below(steps_s, limits.gap_windows * right_s * (1 + 1e-9))
        if steps_s.size < FEWEST_STEPS or not right_s:
            continue
        mean_s = mean(steps_s)
        drift_percent = 100 * (mean_s / right_s - 1)
        # One reading that comes late or early at either end is no drift.
        jitter_percent = 100 * _late_s(steps_s) / (right_s * steps_s.size)
        if abs(drift_percent) > limits.rate_drift_percent + jitter_percent:
            evidence = {"meter": part.descriptor.meter, "mean_step_s": mean_s, "expected_s": right_s}
            yield Finding("rate-drift", "warn", series.run.path.name, evidence | {"drift_percent": drift_percent})


def _below(steps_s: Floats, limit_s: float) -> Floats:
    return chosen(steps_s, lambda part: steps_s[part] <= limit_s)


def _late_s(steps_s: Floats) -> float:
    """How far 95 % of the steps lie from their median, at most."""
    lengths_s, counts = tally(lambda part: steps_s[part], steps_s.size, steps_s)
    away_s = np.abs(lengths_s - middle_of(lengths_s, counts))
    order = np.argsort(away_s)
    place = np.searchsorted(np.cumsum(counts[order]), 0.95 * (steps_s.size - 1))
    return float(away_s[order][place])


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


def of_actions(scenario: str, runs: Iterable[tuple[RunSeries, RunTerms, Sequence[int]]]) -> list[Finding]:
    """`action-too-short`: actions that lie between momentary readings and have no energy, in runs that have one.
    `runs`: readings, terms, and where each action stands among the terms' intervals."""
    names: dict[str, int] = {}
    count, longest_s, needed_s = 0, 0.0, 0.0
    for series, terms, at in runs:
        count += len(at)
        for action, place in zip(series.actions, at, strict=True):
            between = [part for part in terms.parts if part.is_short[place] and not np.isfinite(part.energy_j[place])]
            if between:
                names[action.name] = names.get(action.name, 0) + 1
                longest_s = max(longest_s, (action.end_ns - action.begin_ns) * 1e-9)
                needed_s = max(needed_s, SHORT * max(part.reach_s for part in between))
    if not names:
        return []
    evidence = {"actions": names, "of": count, "longest_s": longest_s, "needed_s": needed_s}
    return [Finding("action-too-short", "info", scenario, evidence)]


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
        told = _relative_percent(stream, slice(int(first), int(last)))
        if not told.size:
            continue
        mean_percent = mean(told)
        above_percent = 100 * (_above(told, limits.limits_of_error_percent) / told.size)
        too_much = mean_percent > limits.limits_of_error_percent
        if too_much or above_percent > limits.limits_of_error_share_percent:
            evidence = {"meter": stream.series.descriptor.meter, "mean_percent": mean_percent}
            evidence |= {"readings_above_percent": above_percent, "limit_percent": limits.limits_of_error_percent}
            yield Finding("meter-uncertainty", "warn", series.run.path.name, evidence)


def _above(values: Floats, limit: float) -> int:
    return count_of(lambda part: values[part] > limit, values.size, values)


def _relative_percent(stream: Stream, rows: slice) -> Floats:
    """The limits of error of some readings, of those that have any (%)."""
    series = stream.series
    size = max(rows.stop - rows.start, 0)

    def percent(part: slice) -> Floats:
        return relative_limits(series, stream.error, slice(rows.start + part.start, rows.start + part.stop)) * 100

    told = each(percent, size, np.float64, series.power_w, series.reported)
    return chosen(told, lambda part: np.isfinite(told[part]))


def relative_limits(series: PowerSeries, error: MeterError, rows: slice) -> Floats:
    """The limit of error of some readings as a part of their power; NaN where nothing is known or the power is zero."""
    power_w = np.abs(series.power_w[rows])
    limit_w = np.full(power_w.size, np.nan)
    if error.calibrated and error.certificate is not None and error.stability is not None:
        limit_w = power_w * (2 * error.certificate.relative_u(power_w) + error.stability)
    elif error.reading is not None and error.offset_w is not None:
        limit_w = power_w * error.reading + error.offset_w
    relative = np.divide(limit_w, power_w, out=np.full(power_w.size, np.nan), where=power_w > 0)
    if series.reported is not None:
        relative = np.where(np.isfinite(series.reported[rows]), series.reported[rows], relative)
    return np.asarray(relative)
