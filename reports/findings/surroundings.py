"""Findings on what surrounds one run: whether it had settled, the machine, the mains, the room (method.md section 7).

Knows one run's series, its interval and the thresholds. Knows no meter's errors, no other run and no sentence.

`not-settled` compares the two windows of `settle_window_s` before the interval; of a baseline block also its own first
two. Where less was recorded, nothing is said here, and `not-monitored` lists it.
"""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from harness.record.documents import Json, Thresholds
from reports.findings.foreign_load import around, share_percent
from reports.readings.series import Indicators, PowerSeries, RunSeries
from reports.results.finding import Finding

Floats = NDArray[np.float64]

FEWEST_SAMPLES = 10
"""Of so many samples on, a slope of temperature says something."""
SUPPLY = {
    "voltage_v": ("voltage", "supply_voltage_percent"),
    "frequency_hz": ("frequency", "supply_frequency_percent"),
    "voltage_thd_percent": ("THD", "supply_thd_percent"),
}
"""Column -> how it is called, its threshold."""


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
    reach_ns = int(2e9 * max(part.usual_window_s, 1.0))
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
        is_whole = values.size > FEWEST_SAMPLES and float(np.ptp(times_min)) > 0.9 * (end_ns - begin_ns) / 60e9
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
