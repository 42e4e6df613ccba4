"""The pages of a Shelly plug of Gen1 and Gen2, written without the driver's tables.

Knows: its paths, RPC and their JSON. Does not know: HTTP (`meters.emulators.http_device`). The identity says EMULATED.
Not proved by any device at hand: the order of members.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping

from meters.emulators.http_device import MAINS_V, HttpDevice, Json, Page
from meters.emulators.http_login import BasicLogin, DigestLogin
from meters.emulators.virtual_sut import PowerSource


def _posted_id(body: bytes) -> str:
    """Return the `id` among parameters sent as JSON, empty where there is none."""
    try:
        return str(json.loads(body)["id"])
    except (ValueError, KeyError, TypeError):
        return ""


class ShellyDevice(HttpDevice):
    """A Shelly plug: Gen2 with RPC, or Gen1 with `/status`."""

    open_pages = frozenset({"/shelly", "/rpc/Shelly.GetDeviceInfo"})

    def __init__(self, source: PowerSource, *, refresh_s: float = 1.0, generation: int = 2, password: str = "") -> None:
        """`generation` is 1 or 2."""
        self._generation = generation
        super().__init__(source, refresh_s=refresh_s, password=password)

    def login(self, password: str) -> BasicLogin | DigestLogin:
        """Return Basic for Gen1, Digest for Gen2."""
        return BasicLogin(password) if self._generation == 1 else DigestLogin(password)

    def page(self, path: str, query: Mapping[str, str], body: bytes) -> Json | None:
        """Serve what the generation has: by GET, by POST with parameters as JSON, or as JSON-RPC by POST to `/rpc`."""
        if self._generation == 1:
            pages: dict[str, Page] = {"/shelly": self._info1, "/status": self._status1, "/settings": self._settings1}
            pages["/meter/0"] = lambda: self._meter1(self._watts())
        else:
            pages = {"/shelly": self._info2, "/rpc/Shelly.GetDeviceInfo": self._info2}
            pages["/rpc/Switch.GetStatus"] = lambda: self._switch(query.get("id", _posted_id(body)))
            pages["/rpc/Shelly.GetStatus"] = self._status2
            pages["/rpc"] = lambda: self._called(body)
        serve = pages.get(path.rstrip("/"))
        return None if serve is None else serve()

    def _watts(self) -> float:
        return round(self.power_w, 1 if self._generation > 1 else 2)

    def _info2(self) -> Json:
        return {
            "name": None,
            "id": "shellyplusplugs-emulated0001",
            "mac": "EMULATED0001",
            "slot": 0,
            "model": "SNPL-00112EU",
            "gen": 2,
            "fw_id": "20241011-114455/1.4.4-g6d2a586",
            "ver": "1.4.4",
            "app": "PlusPlugS",
            "auth_en": self._login is not None,
            "auth_domain": None if self._login is None else "shellyplusplugs-emulated0001",
        }

    def _switch(self, channel: str) -> Json | None:
        if channel != "0":
            return None
        over = self.faults.use("overrange")
        status: dict[str, object] = {
            "id": 0,
            "source": "init",
            "output": True,
            "apower": 0.0 if over else self.faulty(self._watts()),
            "voltage": MAINS_V,
            "current": round(self.current_a, 3),
        }
        total = round(self.energy_wh, 3)
        minute = self.unix_s // 60 * 60
        status["aenergy"] = {"total": total, "by_minute": [0.0, 0.0, 0.0], "minute_ts": minute}
        status["temperature"] = {"tC": 31.5, "tF": 88.8}
        if over:
            status["errors"] = ["overpower"]
        return status

    def _status2(self) -> Json:
        return {"switch:0": self._switch("0"), "sys": {"mac": "EMULATED0001", "unixtime": self.unix_s}}

    def _called(self, body: bytes) -> Json | None:
        """Answer a JSON-RPC frame."""
        try:
            frame = json.loads(body)
            channel = str(frame.get("params", {}).get("id", 0))
            pages: dict[str, Page] = {
                "Shelly.GetDeviceInfo": self._info2,
                "Shelly.GetStatus": self._status2,
                "Switch.GetStatus": lambda: self._switch(channel),
            }
            result = pages[frame["method"]]()
        except (ValueError, KeyError, AttributeError, TypeError):
            return None
        return {"id": frame.get("id", 0), "src": "shellyplusplugs-emulated0001", "result": result}

    def _info1(self) -> Json:
        fw = "20230913-114244/v1.14.0-EMULATED"
        locked = self._login is not None
        return {"type": "SHPLG-S", "mac": "EMULATED0001", "auth": locked, "fw": fw, "num_outputs": 1, "num_meters": 1}

    def _settings1(self) -> Json:
        device = {"type": "SHPLG-S", "mac": "EMULATED0001", "hostname": "shellyplug-s-EMULATED", "num_outputs": 1}
        return {"device": device, "relays": [{"ison": True}], "fw": "20230913-114244/v1.14.0-EMULATED"}

    def _meter1(self, watts: object) -> Json:
        counters = [watts, watts, watts]
        total = math.floor(self.energy_wh * 60.0 + 1e-9)  # watt-minutes
        return {"power": watts, "is_valid": True, "timestamp": self.unix_s, "counters": counters, "total": total}

    def _status1(self) -> Json:
        over = self.faults.use("overrange")
        relay = {"ison": not over, "has_timer": False, "overpower": over}
        meter = self._meter1(0.0 if over else self.faulty(self._watts()))
        time = {
            "time": "11:08",
            "unixtime": self.unix_s,
            "serial": 1,
            "mac": "EMULATED0001",
            "uptime": int(self._now_s),
        }
        return {**time, "relays": [relay], "meters": [meter]}
