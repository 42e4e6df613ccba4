"""The pages of a HomeWizard plug, kWh meter or P1 meter, API v1 and v2, written without the driver's tables.

Knows: its paths and their JSON, the token of v2. Does not know: HTTP (`meters.emulators.http_device`), TLS, which the
real v2 is reached by only. The serial number says EMULATED. Numbers lose the zeros at their end, as JSON has them.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta

from meters.emulators.http_device import MAINS_HZ, MAINS_V, HttpDevice, Json
from meters.emulators.http_login import BasicLogin, DigestLogin, TokenLogin
from meters.emulators.virtual_sut import PowerSource

PRODUCTS: Mapping[str, str] = {"HWE-SKT": "Energy Socket", "HWE-KWH1": "kWh Meter 1-phase", "HWE-P1": "P1 Meter"}
NOON = datetime(2026, 7, 1, 12)
START_KWH = (10830.511, 2948.827)


class HomeWizardDevice(HttpDevice):
    """A device of one of `PRODUCTS`."""

    def __init__(
        self,
        source: PowerSource,
        product: str = "HWE-SKT",
        *,
        refresh_s: float = 1.0,
        generation: int = 1,
        password: str = "",
        protocol: int = 50,
    ) -> None:
        """`generation` is that of the API; `protocol` that of the smart meter behind a P1 meter."""
        super().__init__(source, refresh_s=refresh_s, password=password if generation > 1 else "")
        self._product, self._generation, self._protocol = product, generation, protocol

    def login(self, password: str) -> BasicLogin | DigestLogin | TokenLogin:
        """Return how the device knows a client."""
        return TokenLogin(password)

    def page(self, path: str, query: Mapping[str, str], body: bytes) -> Json | None:
        """Serve `/api` and the data of the one API."""
        if path == "/api":
            return {
                "product_name": PRODUCTS[self._product], "product_type": self._product, "serial": "5c2fEMULATED",
                "firmware_version": "6.00", "api_version": "v1" if self._generation == 1 else "2.0.0",
            }  # fmt: skip
        if path == ("/api/v1/data" if self._generation == 1 else "/api/measurement"):
            return self._v1() if self._generation == 1 else self._v2()
        return None

    def _watts(self) -> object:
        if self.faults.use("overrange"):
            return 999_999
        return self.faulty(_short(self.power_w, 0 if self._product == "HWE-P1" else 3))

    def _kwh(self) -> tuple[float, float]:
        """Energy drawn by tariff: a P1 meter's goes on in the second, others have one."""
        moved = max(0.0, self.energy_wh) / 1000
        return (START_KWH[0], START_KWH[1] + moved) if self._product == "HWE-P1" else (moved, 0.0)

    def _v1(self) -> Json:
        first, second = self._kwh()
        data: dict[str, object] = {"wifi_ssid": "lab", "wifi_strength": 60 + self.unix_s % 40}
        if self._product == "HWE-P1":
            data |= {"smr_version": self._protocol, "meter_model": "EMULATED", "unique_id": "00", "active_tariff": 2}
            tariffs = {"t1": first, "t2": second}
        else:
            data |= {"total_power_import_kwh": _short(first, 3)}
            tariffs = {"t1": first}
        data |= {f"total_power_import_{name}_kwh": _short(kwh, 3) for name, kwh in tariffs.items()}
        data |= {f"total_power_export_{name}_kwh": 0 for name in tariffs}
        watts = self._watts()
        data |= {"active_power_w": watts, "active_power_l1_w": watts}
        if self._product == "HWE-P1":
            data |= {"active_voltage_l1_v": MAINS_V, "active_current_l1_a": round(self.current_a)}
            return data | {"total_gas_m3": 2569.646, "gas_timestamp": int(NOON.strftime("%y%m%d%H%M%S"))}
        return data | {f"active_{name}": value for name, value in self._measured().items()}

    def _v2(self) -> Json:
        first, second = self._kwh()
        watts = self._watts()
        if self._product != "HWE-P1":
            energy = {"energy_import_kwh": _short(first, 3), "energy_export_kwh": 0}
            return {**energy, "power_w": watts, "power_l1_w": watts, **self._measured()}
        now = NOON + timedelta(seconds=self.load.measured_s // self.load.refresh_s * self.load.refresh_s)
        return {
            "protocol_version": self._protocol, "meter_model": "EMULATED", "timestamp": now.isoformat(), "tariff": 2,
            "energy_import_kwh": _short(first + second, 3), "energy_import_t1_kwh": _short(first, 3),
            "energy_import_t2_kwh": _short(second, 3), "energy_export_kwh": 0, "power_w": watts, "power_l1_w": watts,
            "voltage_l1_v": MAINS_V, "current_a": round(self.current_a), "current_l1_a": round(self.current_a),
        }  # fmt: skip

    def _measured(self) -> dict[str, object]:
        apparent = MAINS_V * self.current_a
        return {
            "voltage_v": _short(MAINS_V, 1), "current_a": _short(self.current_a, 3),
            "apparent_power_va": _short(apparent, 3), "power_factor": self.power_factor,
            "frequency_hz": _short(MAINS_HZ, 3),
        }  # fmt: skip


def _short(value: float, decimals: int) -> float:
    """Return a number without zeros at its end: 50.0 is 50."""
    rounded = round(value, decimals)
    return int(rounded) if rounded == int(rounded) else rounded
