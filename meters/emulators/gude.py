"""The pages of a GUDE Expert Power Control, written without the driver's tables.

Knows: its JSON. Does not know: HTTP (`meters.emulators.http_device`). The identity says EMULATED.
"""

from __future__ import annotations

import math
from collections.abc import Mapping

from meters.emulators.http_device import MAINS_HZ, MAINS_V, HttpDevice, Json


class GudeDevice(HttpDevice):
    """A GUDE Expert Power Control with one metered line, `L1` "Meter1", and a sensor without power behind it.

    Order and names of the fields are those of a real strip's listing in check_gude's README: another published client
    (green-metrics-tool) takes the power by its place, the fifth value of the first sensor.
    """

    def page(self, path: str, query: Mapping[str, str], body: bytes) -> Json | None:
        """Serve `/status.json` with the components asked for; 0x4000 values, 0x10000 descriptions."""
        if path != "/status.json" or not query.get("components", "").isdigit():
            return None
        components = int(query["components"])
        reply: dict[str, object] = {}
        if components & 0x20000000:
            reply["misc"] = {"product_name": "Expert Power Control 1202 EMULATED", "firm_v": "1.11.0", "prod_id": 1202}
            reply["ethernet"] = {"mac": "00:19:32:00:00:01", "host": "EPC-1202"}
        rows = self._rows()
        if components & 0x10000:
            fields = [{"name": name, "unit": unit, "decPrecision": digits} for name, unit, digits, _value in rows]
            line = {"id": "L1", "name": "Meter1", "state": 1}
            climate = [{"name": "Temperature", "unit": "deg C", "decPrecision": 1}]
            reply["sensor_descr"] = [
                {"type": 9, "num": 1, "fields": fields, "properties": [line]},
                {"type": 52, "num": 1, "fields": climate, "properties": [{"id": "7105", "name": "7105", "state": 1}]},
            ]
        if components & 0x4000:
            reply["sensor_values"] = [
                {"type": 9, "num": 1, "values": [[{"v": value, "s": 0, "st": []} for *_row, value in rows]]},
                {"type": 52, "num": 1, "values": [[{"v": 27.1, "s": 0, "st": []}]]},
            ]
        reply["eof"] = 1
        return reply

    def _rows(self) -> list[tuple[str, str, int, object]]:
        """Return name, unit, decimals and value of each field; power is made of the rounded other three."""
        amperes, factor = round(self.current_a, 3), self.power_factor
        watts = round(MAINS_V * amperes * factor)
        if self.faults.use("overrange"):
            watts = 99_999
        return [
            ("Voltage", "V", 2, MAINS_V),
            ("Current", "A", 3, amperes),
            ("Frequency", "Hz", 2, MAINS_HZ),
            ("PhaseIU", "deg", 1, -31.6),
            ("ActivePower", "W", 0, self.faulty(watts)),
            ("ReactivePower", "VAR", 0, 1),
            ("ApparentPower", "VA", 0, round(MAINS_V * amperes)),
            ("PowerFactor", "", 2, factor),
            ("Residual Current", "A", 3, 0.0),
            ("PhaseIU N", "deg", 1, -106.8),
            ("ActivePower N", "W", 0, -1),
            ("ReactivePower N", "VAR", 0, -1),
            ("ApparentPower N", "VA", 0, 0),
            ("PowerFactor N", "", 3, -0.093),
            *self._counters(),
        ]

    def _counters(self) -> list[tuple[str, str, int, object]]:
        """Return what the strip counts: absolute, forward and reverse energy, each in all and since its last reset."""
        counted = math.floor(self.energy_wh + 1e-9) / 1000.0
        kinds = (("Act", "kWh"), ("React", "kVARh"))
        counters = [
            (f"{way}{kind}Energy{reset}", unit, 3, counted if kind == "Act" and way != "Rev" else 0.0)
            for way in ("Abs", "Fwd", "Rev")
            for reset in ("NonRes", "Res")
            for kind, unit in kinds
        ]
        return [*counters[:4], ("RelativeTime", "s", 0, int(self._now_s)), *counters[4:]]
