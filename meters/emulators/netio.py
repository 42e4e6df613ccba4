"""The page of a NETIO device with two outputs, written without the driver's tables.

Knows: its JSON. Does not know: HTTP (`meters.emulators.http_device`). The identity says EMULATED.
"""

from __future__ import annotations

import base64
import math
from collections.abc import Mapping

from meters.emulators.http_device import MAINS_HZ, MAINS_V, HttpDevice, Json
from meters.emulators.http_login import header

USER = "netio"


class NetioDevice(HttpDevice):
    """A NETIO device of two outputs; all of the load hangs on the first."""

    def admits(self, head: bytes, method: str, path: str, query: Mapping[str, str]) -> bool:
        """Whether the password came; who asks is `netio`."""
        pair = base64.b64encode(f"{USER}:{self.password}".encode()).decode("ascii")
        return not self.password or header(head, "Authorization") == f"Basic {pair}"

    def page(self, path: str, query: Mapping[str, str], body: bytes) -> Json | None:
        """Serve `/netio.json`."""
        if path != "/netio.json":
            return None
        watts = 99_999 if self.faults.use("overrange") else round(self.power_w)
        milliamperes, counted = round(self.current_a * 1000.0), math.floor(self.energy_wh + 1e-9)
        first = {"Current": milliamperes, "PowerFactor": self.power_factor, "Load": watts, "Energy": counted}
        idle = {"Current": 0, "PowerFactor": 0.0, "Load": 0, "Energy": 0}
        power = self.faulty(watts)
        return {
            "Agent": {
                "Model": "NETIO 4All EMULATED",
                "Version": "3.1.0",
                "JSONVer": "2.1",
                "DeviceName": "EMULATED",
                "VendorID": 0,
                "OemID": 0,
                "SerialNumber": "24:A4:2C:00:00:01",
                "Uptime": int(self._now_s),
                "Time": "2018-08-15T18:44:28+01:00",
                "NumOutputs": 2,
            },
            "GlobalMeasure": {
                "Voltage": MAINS_V,
                "Frequency": MAINS_HZ,
                "TotalCurrent": milliamperes,
                "OverallPowerFactor": self.power_factor,
                "TotalLoad": power,
                "TotalEnergy": counted,
                "EnergyStart": "2018-01-19T13:30:26+00:00",
            },
            "Outputs": [
                {"ID": number, "Name": f"output_{number}", "State": 1, "Action": 6, "Delay": 5000, **values}
                for number, values in ((1, first | {"Load": power}), (2, idle))
            ],
        }
