"""Intervals shorter than two windows: the windows that they touch, and whether the load stands alone in them.

Knows one meter's power function, its readings' windows and the baseline's level (method.md sections 2 and 12). Knows no
budget, no run and no file.

A window is shared out by time, and of a short interval most of its energy is given away: half a window long it loses
58 % in the mean. So the sum over all windows that the interval touches takes the place of its share,

    E_ind = sum (P_k - P_B) w_k ,      E = E_ind + P_B T ,

of a whole run, where the machine is at its baseline on both sides: the `SIDE` windows before and after lie at P_B,
within a tenth of what the load adds or within three standard errors of their noise, and nothing is missing. What the
baseline's noise added outside the interval is uncertain by that time times the readings' root mean square about P_B on
the sides, or their spread in the baseline blocks where that is larger (six readings hardly know it). Elsewhere the
value stays the share, and the energy of the touched windows is its limit of error: where a record ends too soon, and of
every action in a run, since what another action or the program itself did in the same windows would count as its own.
Between instantaneous values a load is not seen at all: there is no energy.

The touched windows reach as far as the stamps may be wrong (the clocks' bound, an unknown convention), and of a moving
average as far as its window.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from reports.energy.power_function import NS, PowerFunction
from reports.readings.long import Part, cumulated_at, median
from reports.readings.series import PowerSeries

SHORT = 2.0
"""Windows; from there on U by the edges' terms covers (tests/benchmarks/bench_short_intervals.py)."""
SIDE = 3
"""Windows on each side that say whether the machine is at its baseline."""
FEWEST = 3
"""Of so many on both sides together, and one on each."""
ALONE, STANDARD_ERRORS = 0.1, 3.0
ROUNDING_NS = 1_000
"""Edges of windows are kept in seconds and in nanoseconds."""
Floats = NDArray[np.float64]
Stamps = NDArray[np.int64]
Places = NDArray[np.intp]


@dataclass(frozen=True, slots=True)
class Windows:
    """One meter's readings: where their windows end (ns, in order), their series, the window's length (s), whether
    windows overlap (a moving average)."""

    function: PowerFunction
    ends_ns: Stamps
    series: PowerSeries
    window_s: float
    overlapping: bool


@dataclass(frozen=True, slots=True)
class Touched:
    """The touched windows of k intervals, arrays of shape (k,): where they begin and end (ns), their energy (J) and
    length (s), whether the load stands alone in them; how far the readings beside them lie about the baseline (W), by
    how many of them."""

    first_ns: Stamps
    last_ns: Stamps
    energy_j: Floats
    length_s: Floats
    is_alone: NDArray[np.bool_]
    side_w: Floats
    side_count: Floats


def touched(
    windows: Windows, begins_ns: Stamps, ends_ns: Stamps, margin_s: float, level_w: Floats | None, noise_w: float
) -> Touched:
    """What the intervals touch. `margin_s`: how wrong their stamps may be on the meter's time; `level_w`: the baseline
    over each interval, None where there is none, and then nothing stands alone; `noise_w`: the spread of readings in
    the baseline blocks (W)."""
    first_ns, last_ns = _reach(windows, begins_ns, ends_ns, margin_s)
    energy_j = windows.function.energy_j(first_ns, last_ns)
    length_s = np.asarray((last_ns - first_ns) * NS, dtype=np.float64)
    nothing = np.zeros(begins_ns.size)
    if level_w is None:
        return Touched(first_ns, last_ns, energy_j, length_s, nothing > 0, nothing, nothing)
    before = _side(windows, level_w, *_before(windows, first_ns))
    after = _side(windows, level_w, *_after(windows, last_ns))
    count = before.count + after.count
    side_w = np.sqrt(np.divide(before.squares + after.squares, count, out=nothing.copy(), where=count > 0))
    side_w = np.maximum(side_w, noise_w)
    loudest_w = _loudest(windows, level_w, first_ns, last_ns)
    is_alone = _is_alone(before, after, loudest_w, noise_w) & (count >= FEWEST) & ~_has_gap(windows, first_ns, last_ns)
    return Touched(first_ns, last_ns, energy_j, length_s, is_alone, side_w, count)


def _reach(windows: Windows, begins_ns: Stamps, ends_ns: Stamps, margin_s: float) -> tuple[Stamps, Stamps]:
    """From the beginning of the first to the end of the last window that an interval touches."""
    margin_ns = round(margin_s / NS)
    tail_ns = round(windows.window_s / NS) if windows.overlapping else 0
    first_ns = windows.function.edge_until_ns(begins_ns - margin_ns)
    last_ns = windows.function.edge_from_ns(ends_ns + margin_ns + tail_ns)
    return np.minimum(first_ns, begins_ns), np.maximum(last_ns, ends_ns)


@dataclass(frozen=True, slots=True)
class _Side:
    """Readings beside an interval, about the baseline: how many, their mean (W), sum of squares (W^2), standard error
    of the mean by their noise from one to the next (W)."""

    count: Floats
    mean_w: Floats
    squares: Floats
    error_w: Floats


def _before(windows: Windows, first_ns: Stamps) -> tuple[Places, Places]:
    """The last windows that end where the touched ones begin, or earlier."""
    last = np.searchsorted(windows.ends_ns, first_ns + ROUNDING_NS)
    return np.maximum(last - SIDE, 0), last


def _after(windows: Windows, last_ns: Stamps) -> tuple[Places, Places]:
    """The first windows after the touched ones."""
    first = np.searchsorted(windows.ends_ns, last_ns + ROUNDING_NS)
    return first, np.minimum(first + SIDE, windows.ends_ns.size)


def _side(windows: Windows, level_w: Floats, first: Places, last: Places) -> _Side:
    size, power_w = windows.ends_ns.size, windows.series.corrected_w
    origin_w = median(power_w, size, windows.series.power_w)
    places = np.stack([first, last, np.minimum(first + 1, last)])

    def until(values: Part) -> Floats:
        return cumulated_at(values, size, places, windows.series.power_w)

    def jumps_w(part: slice) -> Floats:
        own_w = power_w(slice(max(part.start - 1, 0), part.stop)) - origin_w
        return np.diff(own_w, prepend=own_w[:1]) if part.start == 0 else np.diff(own_w)

    sums = until(lambda part: power_w(part) - origin_w)
    squares = until(lambda part: (power_w(part) - origin_w) ** 2)
    jumps = until(lambda part: jumps_w(part) ** 2)
    count, away_w = (last - first).astype(np.float64), level_w - origin_w
    total = sums[1] - sums[0]
    mean_w = np.divide(total, count, out=np.zeros_like(total), where=count > 0) - away_w
    about = squares[1] - squares[0] - 2 * away_w * total + count * away_w**2
    steps = np.maximum(count - 1, 0)
    moved = jumps[1] - jumps[2]
    variance = np.divide(moved, 2 * steps, out=np.zeros_like(moved), where=steps > 0)
    error_w = np.sqrt(np.divide(np.maximum(variance, 0), count, out=np.zeros_like(count), where=count > 0))
    return _Side(count, mean_w, np.maximum(about, 0), error_w)


def _loudest(windows: Windows, level_w: Floats, first_ns: Stamps, last_ns: Stamps) -> Floats:
    """The largest distance of a touched reading from the baseline (W)."""
    first = np.searchsorted(windows.ends_ns, first_ns + ROUNDING_NS)
    last = np.maximum(np.searchsorted(windows.ends_ns, last_ns + ROUNDING_NS), first + 1)
    places = zip(first.tolist(), last.tolist(), strict=True)
    parts = [windows.series.corrected_w(slice(one, other)) for one, other in places]
    pairs = zip(parts, level_w.tolist(), strict=True)
    return np.array([np.abs(part - level).max() if part.size else 0.0 for part, level in pairs])


def _is_alone(before: _Side, after: _Side, loudest_w: Floats, noise_w: float) -> NDArray[np.bool_]:
    """Whether both sides lie at the baseline."""
    found = np.ones(loudest_w.size, dtype=bool)
    for side in (before, after):
        error_w = np.maximum(side.error_w, noise_w / np.sqrt(np.maximum(side.count, 1)))
        allowed_w = np.maximum(ALONE * loudest_w, STANDARD_ERRORS * error_w)
        found &= (side.count > 0) & (np.abs(side.mean_w) <= allowed_w)
    return found


def _has_gap(windows: Windows, first_ns: Stamps, last_ns: Stamps) -> NDArray[np.bool_]:
    """Whether something is missing in the touched windows or on their sides."""
    side_ns = round(SIDE * windows.window_s / NS)
    from_ns = np.maximum(first_ns - side_ns, windows.ends_ns[0] - round(windows.window_s / NS))
    until_ns = np.minimum(last_ns + side_ns, windows.ends_ns[-1])
    return np.asarray(windows.function.gap_s(from_ns, np.maximum(until_ns, from_ns)) > NS)
