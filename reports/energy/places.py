"""What the readings of one stream are at some places among them, of any shape, or until there.

Knows one stream. Knows no interval and no budget.
"""

from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from reports.energy.meter_error import Floats
from reports.readings.long import cumulated_at
from reports.readings.series import PowerSeries, behind

Places: TypeAlias = NDArray[np.intp]


def corrected_at_w(series: PowerSeries, places: Places) -> Floats:
    """The power of the nearest readings, without the error that the certificate knows."""
    return series.corrected_w(np.clip(places, 0, series.power_w.size - 1))


def new_until(series: PowerSeries, places: Places) -> Floats | Places:
    """How many of the first k readings were new."""
    if series.held is None or (not any(series.held.strides) and not series.held[:1].any()):
        return places
    held = series.held
    return np.asarray(cumulated_at(lambda part: ~held[part], held.size, places, held))


def variance_at(power_w: Floats, first: Places, last: Places) -> Floats:
    """Half the mean square of successive differences of the readings first ... last - 1 (von Neumann: no drift in it);
    of fewer than two, of the readings beside them."""
    low = np.clip(first, 0, power_w.size - 1)
    high = np.clip(np.maximum(last - 1, low), 0, power_w.size - 1)
    few = high <= low
    low, high = np.where(few, np.maximum(low - 1, 0), low), np.where(few, np.minimum(high + 1, power_w.size - 1), high)
    low_sum, high_sum = cumulated_at(
        lambda part: np.diff(power_w[behind(part)]) ** 2, power_w.size - 1, np.stack([low, high]), power_w
    )
    return np.asarray((high_sum - low_sum) / (2 * np.maximum(high - low, 1)))
