"""The integrator of one instrument: its state, what it has counted, what ends it.

Knows: which state may follow which, with the numbers of the errors where one may not. Does not know: settings, the
condition register (`meters.emulators.yokogawa.device`).
"""

from __future__ import annotations

import math
from collections.abc import Callable

from meters.emulators.yokogawa.settings import Refusal

RUNNING = "START"
STATES = {"RESET": "RESet", "START": "STARt", "STOP": "STOP", "TIMEUP": "TIMeup", "ERROR": "ERRor"}
NAMES = ("WH", "WHP", "WHM", "AH", "TIME")
FAULTS = (("integ-stop", "STOP"), ("integ-timeup", "TIMEUP"), ("integ-error", "ERROR"))
"""What ends an integration, and in which state."""


class Integrator:
    """Counts energy while it runs."""

    def __init__(self) -> None:
        self.state = "RESET"
        self._energy_ws = self._integrated_s = 0.0

    @property
    def is_running(self) -> bool:
        """Whether it counts."""
        return self.state == RUNNING

    def count(self, energy_ws: float, length_s: float) -> None:
        """Add the energy of `length_s` if it runs."""
        if self.is_running:
            self._energy_ws += energy_ws
            self._integrated_s += length_s

    def change(self, state: str) -> None:
        """Start, stop or reset it; raises `Refusal` where that cannot follow."""
        if state == RUNNING and self.state not in ("RESET", "STOP"):
            raise Refusal('842,"Integration is running already"')
        if state == "RESET":
            if self.is_running:
                raise Refusal('845,"Integration cannot be reset while it runs"')
            self._energy_ws = self._integrated_s = 0.0
        if state == "STOP" and not self.is_running:
            raise Refusal('844,"Integration is not running"')
        self.state = state

    def look_at_timer(self, timer: str, has_fault: Callable[[str], bool]) -> None:
        """End it where its timer (`hours,minutes,seconds`, all 0: none) is up, or a fault does."""
        if not self.is_running:
            return
        hours, minutes, seconds = (int(part) for part in timer.split(","))
        timer_s = hours * 3600 + minutes * 60 + seconds
        is_timed_up = 0 < timer_s <= self._integrated_s
        for fault, state in FAULTS:
            if has_fault(fault) or (is_timed_up and state == "TIMEUP"):
                self.state = state

    def values(self, power_per_ampere: float) -> dict[str, float]:
        """Return what it has counted; the ampere hours at the voltage and power factor of now."""
        if self.state == "RESET":
            return dict.fromkeys(NAMES, math.nan)
        watt_hours = self._energy_ws / 3600
        counts = (watt_hours, watt_hours, 0.0, watt_hours / power_per_ampere, self._integrated_s)
        return dict(zip(NAMES, counts, strict=True))
