"""The pages of a myStrom switch, written without the driver's tables.

Knows: its JSON, old and new. Does not know: HTTP (`meters.emulators.http_device`). The identity says EMULATED.
"""

from __future__ import annotations

from collections.abc import Mapping

from meters.emulators.http_device import HttpDevice, Json
from meters.emulators.http_login import header
from meters.emulators.virtual_sut import PowerSource


class MyStromDevice(HttpDevice):
    """A myStrom switch; `generation` 1 has neither `/api/v1/info` nor an energy."""

    def __init__(self, source: PowerSource, *, refresh_s: float = 1.0, password: str = "", generation: int = 2) -> None:
        """`password` is the token."""
        super().__init__(source, refresh_s=refresh_s, password=password)
        self._generation = generation
        self._asked_s, self._asked_wh = 0.0, 0.0

    def admits(self, head: bytes, method: str, path: str, query: Mapping[str, str]) -> bool:
        """Whether the token came."""
        return not self.password or header(head, "Token") == self.password

    def page(self, path: str, query: Mapping[str, str], body: bytes) -> Json | None:
        """Serve what the generation has."""
        if path == "/report":
            return self._report()
        newer = self._generation > 1
        if path == ("/api/v1/info" if newer else "/info.json"):
            return {"version": "3.82.60-EMULATED", "mac": "30AEA4000001", "type": 106 if newer else "WS2"}
        return None

    def _report(self) -> Json:
        watts = 99_999.0 if self.faults.use("overrange") else round(self.power_w, 2)
        span_s = self._now_s - self._asked_s
        mean_w = (self.energy_wh - self._asked_wh) * 3600.0 / span_s if span_s > 0 else 0.0
        self._asked_s, self._asked_wh = self._now_s, self.energy_wh
        report: dict[str, object] = {"power": self.faulty(watts), "Ws": round(mean_w, 2), "relay": True}
        report["temperature"] = 22.25
        if self._generation > 1:
            report |= {"boot_id": "EMULATED", "energy_since_boot": round(self.energy_wh * 3600.0, 2)}
            report["time_since_boot"] = int(self._now_s)
        return report
