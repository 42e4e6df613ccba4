"""Hardware indicators over intervals: means, induced values, hardware work, GPU energy and its share (method.md section
3).

Knows indicator arrays and intervals. Knows no power meter and no file.

The mean of an interval (b, e] is the mean over the samples stamped in it: each sample is the mean, or the amount moved,
since the one before. Amounts (disk and network, kB since the sample before) are divided by the sampling period and so
given in kB/s; rates (collectl's, KiB/s) are means already.

A column is given in the unit that its numbers have, whatever its descriptor calls it: until 2026-11 descriptors said kB
of memory, and of all that collectl counts, which were KiB, and the agent says degC where importers say °C. kB is 1000
byte, KiB is 1024.
    X_ind = mean(x run) - mean(x baseline)          W_X = (mean(x run) - mean(x baseline)) T        unit and unit*s
GPU energy is the difference of the board's own counter (interpolated at the edges) where there is one, else its power
integrated by trapezoid; several boards are added. Nobody states the limits of error of such a board: what is known of
one run's energy is, for integrated power, what happened between the samples, boards independent (method.md section 6):
    u = sqrt(mean (P_k - P_(k-1))^2 / 2) sqrt(dt T)
"""

import re
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from harness.record.documents import Json
from reports.energy.power_function import trapezoid
from reports.readings.series import Indicators
from reports.results.rules import Rule, was

AMOUNTS = ("disk_read_kb", "disk_write_kb", "net_received_kb", "net_sent_kb")
OLD_MEMORY = "ram_used_kb"
"""Until 2026-11: by the agent what psutil called used, by imports total - free; in KiB both times."""
COUNTER, POWER = "energy counter", "integrated power"


@dataclass(frozen=True, slots=True)
class GpuEnergy:
    """GPU energy (J) of intervals and how it was had; `sampling_j` is the standard uncertainty of integrated power (J),
    None for a counter."""

    energy_j: NDArray[np.float64]
    method: str
    sampling_j: NDArray[np.float64] | None


def is_counter(indicators: Indicators, name: str) -> bool:
    """Whether an indicator only ever counts up; its mean says nothing."""
    return any(c.get("name") == name and c.get("kind") == "counter" for c in indicators.descriptor.columns)


def recorded_unit(column: Json) -> str:
    """The unit of a column's numbers, of its descriptor's entry."""
    unit = str(column.get("unit", ""))
    if was(Rule.UNITS):
        return unit
    if unit == "kB" and (column.get("name") == OLD_MEMORY or str(column.get("method", "")).startswith("collectl ")):
        return "KiB"
    return "°C" if unit == "degC" else unit


def old_memory(method: str) -> str:
    """Which of three quantities an older folder's `ram_used_kb` is, by its method."""
    if method.startswith("collectl "):
        return "total - free"
    version = re.search(r"psutil (\d+)\.(\d+)", method)
    since_7_1 = version is not None and (int(version[1]), int(version[2])) >= (7, 1)
    return "total - available" if since_7_1 else "what psutil before 7.1 calls used"


def unit_of(name: str, unit: str) -> str:
    """The unit in which means are given."""
    return f"{unit}/s" if name in AMOUNTS else unit


def means(indicators: Indicators, begin_ns: int, end_ns: int) -> dict[str, float]:
    """Indicator -> mean over the samples in (begin, end]; without those that have no sample there."""
    first, last = np.searchsorted(indicators.times_ns, [begin_ns, end_ns], side="right")
    found: dict[str, float] = {}
    for name, column in indicators.columns.items():
        values = column[first:last]
        values = values[np.isfinite(values)]
        if values.size and not is_counter(indicators, name):
            scale = indicators.descriptor.period_s if name in AMOUNTS else 1.0
            found[name] = float(values.mean()) / scale
    return found


def gpu_temperatures_c(
    indicators: Indicators | None, begins_ns: NDArray[np.int64], ends_ns: NDArray[np.int64]
) -> NDArray[np.float64]:
    """Mean GPU temperature (°C, mean of all boards) per interval; NaN where no sample falls into it."""
    result = np.full(begins_ns.size, np.nan)
    columns = [] if indicators is None else _columns(indicators, "temperature_c")
    if indicators is None or not columns:
        return result
    mean_c = np.mean(columns, axis=0)
    known = np.isfinite(mean_c)
    times_ns, sums = indicators.times_ns[known], np.concatenate([[0.0], np.cumsum(mean_c[known])])
    first = np.searchsorted(times_ns, begins_ns, side="right")
    last = np.searchsorted(times_ns, ends_ns, side="right")
    np.divide(sums[last] - sums[first], last - first, out=result, where=last > first)
    return result


def gpu_energy(
    indicators: Indicators | None, begins_ns: NDArray[np.int64], ends_ns: NDArray[np.int64]
) -> GpuEnergy | None:
    """Energy of all boards per interval; None where there is neither counter nor power."""
    if indicators is None:
        return None
    counters = [c for c in _columns(indicators, "energy_j") if np.isfinite(c).sum() > 1]
    if counters:
        parts = [_counted(indicators.times_ns, column, begins_ns, ends_ns) for column in counters]
        return GpuEnergy(np.sum(parts, axis=0), COUNTER, None)
    powers = [c for c in _columns(indicators, "power_w") if np.isfinite(c).sum() > 1]
    if not powers:
        return None
    parts = [_integrated(indicators.times_ns, column, begins_ns, ends_ns) for column in powers]
    squares = [_sampling_j(indicators.times_ns, column, begins_ns, ends_ns) ** 2 for column in powers]
    return GpuEnergy(np.sum(parts, axis=0), POWER, np.asarray(np.sqrt(np.sum(squares, axis=0))))


def _columns(indicators: Indicators, suffix: str) -> list[NDArray[np.float64]]:
    pattern = re.compile(rf"gpu\d+_{suffix}")
    return [column for name, column in indicators.columns.items() if pattern.fullmatch(name)]


def _counted(
    times_ns: NDArray[np.int64], column: NDArray[np.float64], begins_ns: NDArray[np.int64], ends_ns: NDArray[np.int64]
) -> NDArray[np.float64]:
    known = np.isfinite(column)
    times_s = (times_ns[known] - times_ns[0]) * 1e-9
    at = [np.interp((edges - times_ns[0]) * 1e-9, times_s, column[known]) for edges in (begins_ns, ends_ns)]
    return np.asarray(at[1] - at[0])


def _integrated(
    times_ns: NDArray[np.int64], column: NDArray[np.float64], begins_ns: NDArray[np.int64], ends_ns: NDArray[np.int64]
) -> NDArray[np.float64]:
    known = np.isfinite(column)
    origin_ns = int(times_ns[0])
    function = trapezoid(origin_ns, np.asarray((times_ns[known] - origin_ns) * 1e-9), column[known])
    return function.energy_j(begins_ns, ends_ns)


def _sampling_j(
    times_ns: NDArray[np.int64], column: NDArray[np.float64], begins_ns: NDArray[np.int64], ends_ns: NDArray[np.int64]
) -> NDArray[np.float64]:
    """Standard uncertainty (J) by what instantaneous values leave open; NaN with fewer than two in an interval."""
    known = np.isfinite(column)
    stamps_ns, squares = times_ns[known], np.concatenate([[0.0], np.cumsum(np.diff(column[known]) ** 2)])
    first, last = np.searchsorted(stamps_ns, begins_ns), np.searchsorted(stamps_ns, ends_ns)
    count = last - first
    found = np.full(begins_ns.size, np.nan)
    use = count > 1
    variance = (squares[last[use] - 1] - squares[first[use]]) / (2 * (count[use] - 1))
    duration_s = (ends_ns[use] - begins_ns[use]) * 1e-9
    found[use] = np.sqrt(variance / count[use]) * duration_s
    return found
