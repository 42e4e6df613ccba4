"""The pages of a plug with Tasmota firmware, written without the driver's tables.

Knows: its commands and their JSON. Does not know: HTTP (`meters.emulators.http_device`). The identity says EMULATED.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping

from meters.emulators.http_device import MAINS_V, HttpDevice, Json, Page, response
from meters.emulators.http_login import USER
from meters.emulators.virtual_sut import PowerSource


class TasmotaDevice(HttpDevice):
    """A plug with Tasmota firmware; `decimals` is its `WattRes`.

    It has no challenge for its password, but a warning; `generation` 1 takes it among the parameters only, as before
    2021.
    """

    def __init__(
        self, source: PowerSource, *, refresh_s: float = 1.0, decimals: int = 0, password: str = "", generation: int = 2
    ) -> None:
        """`decimals` are those of the power, 0 to 3."""
        super().__init__(source, refresh_s=refresh_s, password=password)
        self._decimals, self._generation = decimals, generation

    def admits(self, head: bytes, method: str, path: str, query: Mapping[str, str]) -> bool:
        """Whether the password came, in the header or among the parameters."""
        if self._login is None or (query.get("user"), query.get("password")) == (USER, self.password):
            return True
        return self._generation > 1 and super().admits(head, method, path, query)

    def turned_away(self) -> bytes:
        """Return the warning, which old firmware sends as if all were well."""
        warning = json.dumps({"WARNING": "Need user=<username>&password=<password>"}).encode()
        return response(401 if self._generation > 1 else 200, warning, "")

    def page(self, path: str, query: Mapping[str, str], body: bytes) -> Json | None:
        """Serve `/cm?cmnd=...`: commands that tell, in any case; those that would change something are unknown."""
        if path != "/cm":
            return None
        replies: dict[str, Page] = {
            "status": self._status,
            "status 0": lambda: {**self._status(), **self._firmware(), **self._network(), **self._sensors()},
            "status 2": self._firmware,
            "status 5": self._network,
            "status 8": self._sensors,
            "status 10": self._sensors,
            "power": lambda: {"POWER": "ON"},
            "power1": lambda: {"POWER": "ON"},
        }
        reply = replies.get(" ".join(query.get("cmnd", "").split()).casefold())
        return {"Command": "Unknown"} if reply is None else reply()

    def _status(self) -> Json:
        return {"Status": {"Module": 1, "DeviceName": "EMULATED", "FriendlyName": ["EMULATED"], "Power": 1}}

    def _firmware(self) -> Json:
        version = {"Version": "14.4.1(EMULATED)", "BuildDateTime": "2024-12-15T13:33:11", "Hardware": "ESP8266EX"}
        return {"StatusFWR": version}

    def _network(self) -> Json:
        return {"StatusNET": {"Hostname": "EMULATED", "IPAddress": "127.0.0.1", "Mac": "4C:11:AE:00:00:01"}}

    def _sensors(self) -> Json:
        watts = round(self.power_w, self._decimals) if self._decimals else round(self.power_w)
        if self.faults.use("overrange"):
            watts = 99_999
        apparent = MAINS_V * self.current_a
        energy = {
            "TotalStartTime": "2024-01-01T00:00:00",
            "Total": math.floor(self.energy_wh + 1e-9) / 1000.0,
            "Power": self.faulty(watts),
            "ApparentPower": round(apparent),
            "ReactivePower": round(math.sqrt(max(0.0, apparent**2 - self.power_w**2))),
            "Factor": self.power_factor,
            "Voltage": round(MAINS_V),
            "Current": round(self.current_a, 3),
        }
        return {"StatusSNS": {"Time": "2024-01-01T00:00:00", "ENERGY": energy}}
