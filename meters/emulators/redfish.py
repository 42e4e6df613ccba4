"""The pages of a BMC's Redfish service, written without the driver's tables: one chassis with two supplies.

Knows: service root, chassis, both generations of power (Power; EnvironmentMetrics and PowerSubsystem) and their JSON.
Does not know: HTTP (`meters.emulators.http_device`). The serial number says EMULATED.
Two entries of PowerControl: the whole chassis, and a node with half of it. A third supply's bay is empty.
Who logs in does so by Basic, or for a token by POST to the sessions, which it ends by DELETE; the fault `forgets` ends
all sessions.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping

from meters.emulators.faults import OwnFaults
from meters.emulators.http_device import MAINS_V, HttpDevice, Json, response
from meters.emulators.http_login import header
from meters.emulators.virtual_sut import PowerSource

ROOT = "/redfish/v1"
CHASSIS = f"{ROOT}/Chassis/1U"
SESSIONS = f"{ROOT}/SessionService/Sessions"
SESSION = re.compile(rb"(POST|DELETE) " + SESSIONS.encode() + rb"(?:/(\d+))?/? HTTP/1\.[01]")
USER = "admin"
SHARES = {"0": 0.6, "1": 0.4}
YIELD = 0.92
TOO_MUCH_W = 500_000.0


def _link(path: str) -> Json:
    return {"@odata.id": path}


class RedfishDevice(HttpDevice):
    """A Redfish service of one chassis."""

    open_pages = frozenset({ROOT, f"{ROOT}/"})

    def __init__(self, source: PowerSource, *, refresh_s: float = 1.0, password: str = "") -> None:
        """`refresh_s` is how often it has new values; an empty `password`: everybody may read all."""
        super().__init__(source, refresh_s=refresh_s, password=password)
        self._sessions: dict[str, str] = {}
        self._count = 0
        self.faults = OwnFaults(self.faults.names | {"forgets"})

    def admits(self, head: bytes, method: str, path: str, query: Mapping[str, str]) -> bool:
        """Whether a password came, or the token of a session."""
        if self.faults.use("forgets"):
            self._sessions.clear()
        return header(head, "X-Auth-Token") in self._sessions.values() or super().admits(head, method, path, query)

    def _respond(self, head: bytes, body: bytes) -> bytes:
        line = SESSION.match(head)
        if line is None:
            return super()._respond(head, body)
        if line.group(1) == b"DELETE":
            gone = self._sessions.pop((line.group(2) or b"").decode(), None)
            return response(404 if gone is None else 204, b"")
        try:
            login = json.loads(body)
        except ValueError:
            login = {}
        if login != {"UserName": USER, "Password": self.password}:
            return response(401, b'{"error":{"code":"Base.1.0.NoValidSession"}}', "")
        self._count += 1
        token, place = f"emulated-token-{self._count:08d}", f"{SESSIONS}/{self._count}"
        self._sessions[str(self._count)] = token
        page = json.dumps({"@odata.id": place, "Id": str(self._count), "UserName": USER, "Password": None}).encode()
        told = f"\r\nX-Auth-Token: {token}\r\nLocation: {place}\r\n\r\n".encode()
        return response(201, page).replace(b"\r\n\r\n", told, 1)

    def page(self, path: str, query: Mapping[str, str], body: bytes) -> Json | None:
        """Serve a resource; a slash at its end makes no difference."""
        place = path.rstrip("/")
        pages: dict[str, Json] = {
            ROOT: {
                "Id": "RootService", "RedfishVersion": "1.17.0", "Chassis": _link(f"{ROOT}/Chassis"),
                "Links": {"Sessions": _link(SESSIONS)},
            },
            f"{ROOT}/Chassis": {"Name": "Chassis", "Members@odata.count": 1, "Members": [_link(CHASSIS)]},
            CHASSIS: {
                "Id": "1U", "Name": "Server", "ChassisType": "RackMount", "Manufacturer": "wattlab",
                "Model": "Server of no make", "SerialNumber": "EMULATED0001", "Power": _link(f"{CHASSIS}/Power"),
                "EnvironmentMetrics": _link(f"{CHASSIS}/EnvironmentMetrics"),
                "PowerSubsystem": _link(f"{CHASSIS}/PowerSubsystem"),
            },
            f"{CHASSIS}/PowerSubsystem": {"Id": "PowerSubsystem", "PowerSupplies": _link(self._supplies)},
            self._supplies: {"Members": [_link(f"{self._supplies}/{bay}") for bay in ("0", "1", "2")]},
            f"{self._supplies}/2": {"Id": "2", "Status": {"State": "Absent"}},
        }  # fmt: skip
        if place in pages:
            return {"@odata.id": place, **pages[place]}
        if place == f"{CHASSIS}/Power":
            return self._power()
        if place == f"{CHASSIS}/EnvironmentMetrics":
            return {
                "Id": "EnvironmentMetrics", "PowerWatts": {"Reading": self._shown(1.0), "ReadingUnits": "W"},
                "EnergykWh": {"Reading": round(self.energy_wh / 1000, 4)},
            }  # fmt: skip
        bay, _slash, rest = place.removeprefix(f"{self._supplies}/").partition("/")
        if bay not in SHARES or rest not in ("", "Metrics"):
            return None
        if not rest:
            metrics = _link(f"{self._supplies}/{bay}/Metrics")
            return {"Id": bay, "Status": {"State": "Enabled"}, "Metrics": metrics}
        output = round(self.power_w * SHARES[bay] * YIELD, 1)
        return {"Id": "Metrics", "InputPowerWatts": {"Reading": self._shown(SHARES[bay])},
                "OutputPowerWatts": {"Reading": output}, "InputVoltage": {"Reading": MAINS_V}}  # fmt: skip

    @property
    def _supplies(self) -> str:
        return f"{CHASSIS}/PowerSubsystem/PowerSupplies"

    def _shown(self, share: float) -> object:
        """Return a part of the power as it is to be sent, through the faults that touch it."""
        watts = TOO_MUCH_W if self.faults.use("overrange") else round(self.power_w * share, 1)
        return self.faulty(watts)

    def _power(self) -> Json:
        """The resource Power, with both its lists."""
        metrics = {"IntervalInMin": 1, "AverageConsumedWatts": round(self.power_w, 1)}
        controls = [
            {"MemberId": "0", "Name": "Chassis", "PowerConsumedWatts": self._shown(1.0), "PowerMetrics": metrics},
            {"MemberId": "1", "Name": "Node 1", "PowerConsumedWatts": round(self.power_w / 2, 1)},
        ]
        supplies: list[Json] = [
            {
                "MemberId": bay, "Status": {"State": "Enabled"}, "LineInputVoltage": MAINS_V,
                "PowerInputWatts": round(self.power_w * share, 1),
                "LastPowerOutputWatts": round(self.power_w * share * YIELD, 1),
            }
            for bay, share in SHARES.items()
        ]  # fmt: skip
        supplies.append({"MemberId": "2", "Status": {"State": "Absent"}, "PowerInputWatts": None})
        return {"Id": "Power", "Name": "Power", "PowerControl": controls, "PowerSupplies": supplies}
