"""What a device that has a new value once in a while knows of its load.

Knows windows of one length. Does not know: devices.
"""

import math

from meters.emulators.virtual_sut import PowerSource


class RefreshedLoad:
    """The mean power of the last window that is over (W), and the energy of all of them (Wh)."""

    def __init__(self, source: PowerSource, refresh_s: float, begin_wh: float = 0.0) -> None:
        """`refresh_s` is the length of a window, `begin_wh` what the register shows when the device is switched on."""
        self._source, self.refresh_s = source, refresh_s
        self.measured_s = self.power_w = 0.0
        self.energy_wh = begin_wh

    def advance(self, now_s: float) -> list[float]:
        """Bring value and register up to the last window that is over; return the powers that are new."""
        end_s = math.floor(now_s / self.refresh_s) * self.refresh_s if self.measured_s else now_s
        powers_w = []
        for to_s in (end_s - self.refresh_s, end_s):
            if to_s > self.measured_s:
                self.power_w = self._source.advance(to_s).mean_w
                self.energy_wh += self.power_w * (to_s - self.measured_s) / 3600.0
                self.measured_s = to_s
                powers_w.append(self.power_w)
        return powers_w
