"""The pages of Home Assistant with one entity, written without the driver's tables.

Knows: its JSON. Does not know: HTTP (`meters.emulators.http_device`). The version says EMULATED.
Own fault beside those of every web server: `unavailable`, the word for an entity whose device is gone.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

from meters.emulators.faults import OwnFaults
from meters.emulators.http_device import OWN_FAULTS, HttpDevice, Json
from meters.emulators.http_login import header
from meters.emulators.virtual_sut import PowerSource

ENTITY = "sensor.plug_power"
BEGAN = datetime(2026, 1, 1, tzinfo=UTC)


class HomeAssistantDevice(HttpDevice):
    """Home Assistant with the entity `sensor.plug_power`; `generation` 1 does not say when it was told."""

    open_pages = frozenset()

    def __init__(self, source: PowerSource, *, refresh_s: float = 1.0, password: str = "", generation: int = 2) -> None:
        """`password` is the token, `refresh_s` how often an integration reports."""
        super().__init__(source, refresh_s=refresh_s, password=password)
        self._generation = generation
        self.faults = OwnFaults(OWN_FAULTS - {"nan-literal"} | {"unavailable"})

    def admits(self, head: bytes, method: str, path: str, query: Mapping[str, str]) -> bool:
        """Whether the token came."""
        return not self.password or header(head, "Authorization") == f"Bearer {self.password}"

    def turned_away(self) -> bytes:
        """Return what Home Assistant answers to a stranger, which is no challenge."""
        return super().turned_away().replace(b'WWW-Authenticate: Basic realm="EMULATED"\r\n', b"")

    def page(self, path: str, query: Mapping[str, str], body: bytes) -> Json | None:
        """Serve `/api/`, `/api/config` and the state of one entity."""
        if path == "/api/":
            return {"message": "API running."}
        if path == "/api/config":
            return {"location_name": "EMULATED", "version": "2026.11.0-EMULATED", "state": "RUNNING"}
        return self._state() if path == f"/api/states/{ENTITY}" else None

    def _state(self) -> Json:
        watts = 99_999.0 if self.faults.use("overrange") else round(self.power_w, 1)
        text: object = f"{watts:g}"
        if self.faults.use("missing-value"):
            text = "unknown"
        if self.faults.use("unavailable"):
            text = "unavailable"
        if self.faults.use("wrong-type"):
            text = watts
        reported = (BEGAN + timedelta(seconds=math.floor(self.load.measured_s * 1e3) / 1e3)).isoformat()
        stamps = {"last_changed": BEGAN.isoformat(), "last_updated": BEGAN.isoformat()}
        if self._generation > 1:
            stamps |= {"last_reported": reported}
        return {
            "entity_id": ENTITY,
            "state": text,
            "attributes": {
                "state_class": "measurement",
                "unit_of_measurement": "W",
                "device_class": "power",
                "friendly_name": "EMULATED plug",
            },
            **stamps,
            "context": {"id": "01J000000000000000EMULATED", "parent_id": None, "user_id": None},
        }
