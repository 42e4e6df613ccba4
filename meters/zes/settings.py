"""What a lab may set of an LMG: the options of each driver, and the settings read from them.

Knows: options. Does not know: how a setting is sent (`meters.zes.dialogue`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from meters.options import Option

HIGHEST_V, HIGHEST_A = 1500.0, 1000.0  # plausible, not ranges of an instrument

_BAUD = Option(115200.0, "bits per second, as set at the instrument", low=1200.0, high=230400.0, whole=True)
_COMMON = {
    "cycle_s": Option(
        0.5, "seconds a row averages over; the true cycle is the nearest whole mains periods", 0.05, 60.0
    ),
    "voltage_range_v": Option(
        "auto", "voltage range in V; auto lets the instrument choose", low=0.001, high=HIGHEST_V, choices=("auto",)
    ),
    "current_range_a": Option(
        "auto", "current range in A; auto lets the instrument choose", low=1e-6, high=HIGHEST_A, choices=("auto",)
    ),
    "reset": Option("yes", "whether *rst comes first; no keeps the settings of the front panel", choices=("yes", "no")),
}
LMG95_OPTIONS: Mapping[str, Option] = {"baud": _BAUD, **_COMMON}
LMG450_OPTIONS: Mapping[str, Option] = {
    "baud": _BAUD,
    **_COMMON,
    "channel": Option(1.0, "measuring channel", low=1.0, high=4.0, whole=True),
}
LMG670_OPTIONS: Mapping[str, Option] = {
    **_COMMON,
    "channel": Option(1.0, "measuring channel", low=1.0, high=7.0, whole=True),
}


@dataclass(frozen=True, slots=True)
class Settings:
    """What the lab chose; ranges in V and A, `None` for the instrument's own choice."""

    cycle_s: float
    voltage_range_v: float | None
    current_range_a: float | None
    reset: bool
    channel: int
