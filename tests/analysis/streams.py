"""Power streams for the tests, made from arrays."""

from collections.abc import Sequence
from typing import Literal

import numpy as np

from harness.record.documents import PowerDescriptor
from reports.readings.series import PowerSeries

BASE_NS = 7_000_000_000_000


def descriptor(
    averaging: Literal["window", "instantaneous"] = "window",
    stamp: Literal["end", "start", "unknown"] = "end",
    window_s: float = 1.0,
    latency_s: float = 0.0,
) -> PowerDescriptor:
    return PowerDescriptor(
        stream="readings-wall.csv", meter="wall", circuit="sut-ac-inlet", identity={}, origin="emulated", evidence={},
        averaging=averaging, window_s=window_s, stamp=stamp, latency_s=latency_s,
        columns=[{"name": "power_w", "unit": "W", "resolution": 0.1}, {"name": "energy_wh", "resolution": 0.1}],
    )  # fmt: skip


def at(seconds: float) -> int:
    """Seconds after BASE_NS, in ns."""
    return BASE_NS + round(seconds * 1e9)


def stream(
    seconds: Sequence[float],
    power_w: Sequence[float],
    how: PowerDescriptor | None = None,
    register_wh: Sequence[float] | None = None,
) -> PowerSeries:
    how = how or descriptor()
    return PowerSeries(
        how,
        np.array([at(s) for s in seconds], dtype=np.int64),
        np.array(power_w, dtype=np.float64),
        np.full(len(seconds), how.window_s if how.averaging == "window" else 0.0),
        None if register_wh is None else np.array(register_wh, dtype=np.float64),
        np.array([], dtype=np.int64),
    )
