"""A Kasa plug, strip or bulb as a client sees it: JSON under an XOR over TCP, written without the driver's tables.

Knows: the two forms of its values, a strip of two outlets, a bulb. Does not know: sockets, real time. The identity says
EMULATED. Own faults: `refused` the error code for a module that is not there, `wrong-json`, `missing-value` a reply
without power, `null-value`, `overrange`, `no-voltage` voltage and current 0 beside a power, as some bulbs have them,
`too-long` a length that no reply has.
"""

from __future__ import annotations

import json
import math
from typing import Literal

from meters.emulators.faults import OwnFaults
from meters.emulators.refreshed import RefreshedLoad
from meters.emulators.virtual_sut import PowerSource

MAINS_V = 230.0
POWER_FACTOR = 0.9
MOST_PENDING = 8192
DEVICE_ID = "8006EMULATED00000000000000000000000000A1"
NOON: dict[str, object] = {"year": 2026, "month": 1, "mday": 1, "hour": 12, "min": 0, "sec": 0}
ZONE: dict[str, object] = {"index": 38}
CLOCKS = ("time", "smartlife.iot.common.timesetting")
BESIDE = {(clock, "get_time"): NOON for clock in CLOCKS} | {(clock, "get_timezone"): ZONE for clock in CLOCKS}
"""What a client asks beside the power."""
FAULTS = ("refused", "wrong-json", "missing-value", "null-value", "overrange", "no-voltage", "too-long")
Kind = Literal["plug", "strip", "bulb"]


class KasaDevice:
    """One device in front of one power source, advanced by the caller's clock in seconds since its start.

    `generation` 1 sends W, V, A, kWh, as the first firmware of an HS110 does; 2 whole mW, mV, mA, Wh.
    """

    def __init__(
        self, source: PowerSource, *, refresh_s: float = 1.0, generation: int = 2, kind: Kind = "plug"
    ) -> None:
        """`refresh_s` is how often the device has a new value."""
        self._load, self._generation, self._kind = RefreshedLoad(source, refresh_s), generation, kind
        self._pending = b""
        self.next_push_s: float | None = None
        self.faults = OwnFaults(frozenset(FAULTS))

    def receive(self, data: bytes, now_s: float) -> list[bytes]:
        """Return the replies to the questions that `data` completes."""
        self._pending = (self._pending + data)[-MOST_PENDING:]
        replies = []
        while len(self._pending) >= 4:
            end = 4 + int.from_bytes(self._pending[:4], "big")
            if end > MOST_PENDING:
                self._pending = b""
            if len(self._pending) < end:
                break
            question, self._pending = unmasked(self._pending[4:end]), self._pending[end:]
            self._load.advance(now_s)
            replies.append(self._framed(self.reply(question)))
        return replies

    def push(self, now_s: float) -> list[bytes]:
        """Return nothing: the device speaks when it is asked."""
        return []

    def reply(self, question: bytes) -> bytes:
        """Return what a question is answered, neither with a length nor under the XOR."""
        try:
            asked = json.loads(question)
            modules = {name: commands for name, commands in asked.items() if name != "context"}
            outlet = (asked.get("context") or {}).get("child_ids", [""])[0]
            answers = {
                name: {command: self._answer(name, command, outlet) for command in commands}
                for name, commands in modules.items()
            }
        except (ValueError, AttributeError, TypeError, IndexError):
            answers = {}
        text = json.dumps(answers, separators=(",", ":")).encode("ascii")
        return text[:-1].replace(b":", b"=", 1) if self.faults.use("wrong-json") else text

    def _framed(self, text: bytes) -> bytes:
        length = 1 << 24 if self.faults.use("too-long") else len(text)
        return length.to_bytes(4, "big") + masked(text)

    def _answer(self, module: str, command: str, outlet: str) -> dict[str, object]:
        if (module, command) == ("system", "get_sysinfo"):
            return self._sysinfo()
        if (module, command) in BESIDE:
            return {**BESIDE[module, command], "err_code": 0}
        emeter = "smartlife.iot.common.emeter" if self._kind == "bulb" else "emeter"
        if (module, command) != (emeter, "get_realtime") or self.faults.use("refused"):
            return {"err_code": -1, "err_msg": "module not support"}
        return self._realtime(self._load.power_w if outlet in ("", f"{DEVICE_ID}00") else 0.0)

    def _sysinfo(self) -> dict[str, object]:
        info: dict[str, object] = {
            "sw_ver": "1.0.21 Build 231129 EMULATED",
            "hw_ver": "1.0",
            "model": {"plug": "KP115(EU)", "strip": "HS300(US)", "bulb": "KL430(UN)"}[self._kind] + " EMULATED",
            "deviceId": DEVICE_ID,
            "alias": "EMULATED",
            "rssi": -40,
            "err_code": 0,
        }
        if self._kind == "bulb":
            light: dict[str, object] = {
                "is_dimmable": 1,
                "is_color": 0,
                "is_variable_color_temp": 0,
                "preferred_state": [],
            }
            light["light_state"] = {"on_off": 1, "brightness": 100, "color_temp": 2700, "hue": 0, "saturation": 0}
            return info | light | {"mic_type": "IOT.SMARTBULB", "mic_mac": "54AF97000001"}
        info |= {"mac": "54:AF:97:00:00:01", "feature": "TIM:ENE"}
        info["type" if self._generation == 1 else "mic_type"] = "IOT.SMARTPLUGSWITCH"
        if self._kind == "plug":
            return info | {"relay_state": 1, "on_time": 100, "led_off": 0}
        children = [
            {"id": f"{DEVICE_ID}0{place}", "alias": f"EMULATED {place + 1}", "state": 1, "on_time": 100}
            for place in (0, 1)
        ]
        return info | {"child_num": 2, "children": children}

    def _realtime(self, watts: float) -> dict[str, object]:
        watts = 99_999.0 if self.faults.use("overrange") else watts
        volts = 0.0 if self.faults.use("no-voltage") else MAINS_V
        amperes = watts / (volts * POWER_FACTOR) if volts else 0.0
        if self._generation == 1:
            power: dict[str, object] = {"power": round(watts, 6)}
            rest: dict[str, object] = {
                "voltage": volts,
                "current": round(amperes, 6),
                "total": self._load.energy_wh / 1e3,
            }
        else:
            power = {"power_mw": round(watts * 1e3)}
            rest = {"voltage_mv": round(volts * 1e3), "current_ma": round(amperes * 1e3)}
            rest = ({} if self._kind == "bulb" else rest) | {"total_wh": math.floor(self._load.energy_wh + 1e-9)}
        if self.faults.use("missing-value"):
            power = {}
        if self.faults.use("null-value"):
            power = dict.fromkeys(power)
        return {**rest, **power, "err_code": 0}


def masked(plain: bytes) -> bytes:
    """Return bytes under the XOR: the key of each is the byte before it as it was sent, of the first 171."""
    key, sent = 171, bytearray()
    for byte in plain:
        key ^= byte
        sent.append(key)
    return bytes(sent)


def unmasked(sent: bytes) -> bytes:
    """Return what stands under it."""
    return bytes(byte ^ key for byte, key in zip(sent, b"\xab" + sent[:-1], strict=True)) if sent else b""
