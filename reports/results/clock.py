"""`clock` of results.json: how well clocks and stamps are known.

Knows the shape of the section. Does not know how a pulse is fitted (`reports/energy/sync.py`).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from reports.results.uncertainty import Number


@dataclass(frozen=True, slots=True)
class SyncPulse:
    """What one sync run shows of one meter, from a load that was switched at irregular moments."""

    folder: str
    """The run."""
    meter: str
    """The meter's name in lab.toml."""
    reason: str | None
    """Why it shows nothing; null where it shows something."""
    edges: int
    """How often the load was switched."""
    offset_s: Number | None
    """The stamp minus the end of the averaging window: latency and stamp convention together; null where
    `reason` says why nothing was found."""
    window_s: Number | None
    """Length of the averaging window; null where `reason` says why nothing was found."""
    low_w: float | None
    """Power with the load off."""
    high_w: float | None
    """Power with the load on."""
    residual_w: float | None
    """How far the readings are from the fit."""
    stated_stamp: Literal["end", "start", "unknown"]
    """Which end of the window a stamp marks, by the meter's description."""
    stated_offset_s: float | None
    """`offset_s` by the meter's description; null where the convention is unknown."""
    stated_window_s: float
    """`window_s` by the meter's description."""
    contradicted: bool
    """Whether a known convention is not what was found; it stays all the same."""


@dataclass(frozen=True, slots=True)
class Clock:
    """Clocks and stamps of a campaign."""

    bound_s: Number | None
    """The largest clock bound of a run; null where no exchange was made."""
    pulses: tuple[SyncPulse, ...]
    """What every sync run shows of every meter."""
    used: Mapping[str, Number]
    """Meter with an unknown stamp convention -> the offset that is used instead, mean over the sessions."""
