"""A Tapo plug, a strip of two sockets, or a newer Kasa plug as a client sees it: KLAP over HTTP, JSON inside the seal.

Written without the driver's tables (`meters.tapo`). Knows: both kinds of log-in, sessions that end, the methods that
tell a power. Does not know: sockets of the host, real time. `generation` 1 is a Kasa plug: MD5, Kasa's own JSON.

Own faults: `session-over` the session is forgotten, `closed` no log-in of third parties (403), `unsealed` an answer in
the clear, `wrong-signature`, `no-method` the error for a method that is not there, `wrong-json`, `missing-value`,
`null-value`, `overrange`, `http-500`, `redirect`.
"""

from __future__ import annotations

import hashlib
import json
import re
import struct
from collections.abc import Mapping

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.padding import PKCS7

from meters.emulators.faults import OwnFaults
from meters.emulators.http_device import MAINS_V, HttpDevice, response
from meters.emulators.http_login import USER, header
from meters.emulators.virtual_sut import PowerSource

REQUEST = re.compile(rb"POST (/[^ ?]*)(?:\?seq=(-?[0-9]{1,10}))? HTTP/1\.[01]")
DAY_S = 86_400
DEVICE_ID = "8022EMULATED00000000000000000000000000A1"
FAULTS = frozenset(
    {"session-over", "closed", "unsealed", "wrong-signature", "no-method", "wrong-json", "missing-value", "null-value"}
    | {"overrange", "http-500", "redirect"}
)
UNKNOWN: Mapping[str, object] = {"err_code": -1, "err_msg": "module not support"}
MAC, FIRMWARE = "48-22-54-00-00-01", "1.3.1 Build 240621 EMULATED"


class TapoDevice(HttpDevice):
    """One device in front of one power source."""

    def __init__(
        self,
        source: PowerSource,
        *,
        refresh_s: float = 1.0,
        password: str = "",
        generation: int = 2,
        kind: str = "plug",
    ) -> None:
        """`refresh_s` is how often the device has a new value; the account is `admin` with `password`."""
        super().__init__(source, refresh_s=refresh_s)
        self._generation, self._is_strip = generation, kind == "strip"
        name, secret = USER.encode(), password.encode()
        if generation == 1:
            self._account = _md5(_md5(name) + _md5(secret))
        else:
            self._account = _sha256(_sha1(name) + _sha1(secret))
        self._logins = 0
        self._seeds: tuple[bytes, bytes] | None = None
        self._cookie, self._is_open = "", False
        self.faults = OwnFaults(FAULTS)

    def _respond(self, head: bytes, body: bytes) -> bytes:
        line = REQUEST.match(head)
        if line is None:
            return response(404, b"")
        for fault, status in (("http-500", 500), ("redirect", 302)):
            if self.faults.use(fault):
                return response(status, b"")
        if self.faults.use("session-over"):
            self._seeds = None
        match line[1]:
            case b"/app/handshake1":
                return response(403, b"") if self.faults.use("closed") else self._first(body)
            case b"/app/handshake2":
                return self._second(head, body)
            case b"/app/request":
                return self._request(head, int(line[2] or 0), body)
            case b"/app":
                return response(200, b'{"error_code":1003}')
        return response(404, b"")

    def _first(self, seed: bytes) -> bytes:
        if len(seed) != 16:
            return response(400, b"")
        self._logins += 1
        own = _sha256(b"seed %d" % self._logins)[:16]
        self._seeds, self._is_open = (seed, own), False
        self._cookie = _sha256(b"cookie %d" % self._logins).hex()[:32].upper()
        hashed = _sha256(seed + (own if self._generation != 1 else b"") + self._account)
        cookie = f"Set-Cookie: TP_SESSIONID={self._cookie};TIMEOUT={DAY_S}\r\n\r\n"
        return response(200, own + hashed)[:-50] + cookie.encode() + own + hashed

    def _is_known(self, head: bytes) -> bool:
        return self._seeds is not None and f"TP_SESSIONID={self._cookie}" in header(head, "Cookie")

    def _second(self, head: bytes, given: bytes) -> bytes:
        if self._seeds is None or not self._is_known(head):
            return response(403, b"")
        theirs, own = self._seeds
        self._is_open = given == _sha256(own + (theirs if self._generation != 1 else b"") + self._account)
        return response(200 if self._is_open else 403, b"")

    def _request(self, head: bytes, number: int, body: bytes) -> bytes:
        if self._seeds is None or not self._is_known(head) or not self._is_open:
            return response(403, b"")
        secret = b"".join(self._seeds) + self._account
        key, start = _sha256(b"lsk" + secret)[:16], _sha256(b"iv" + secret)[:12]
        vector, sequence = start + struct.pack(">i", number), struct.pack(">i", number)
        mark = _sha256(b"ldk" + secret)[:28]
        if body[:32] != _sha256(mark + sequence + body[32:]) or len(body) < 48 or len(body) % 16:
            return response(400, b"")
        cipher, padding = Cipher(algorithms.AES(key), modes.CBC(vector)), PKCS7(128)
        decryptor, unpadder = cipher.decryptor(), padding.unpadder()
        question = unpadder.update(decryptor.update(body[32:]) + decryptor.finalize()) + unpadder.finalize()
        text = json.dumps(self._answer(json.loads(question)), separators=(",", ":")).encode()
        if self.faults.use("wrong-json"):
            text = text[:-1].replace(b":", b"=", 1)
        if self.faults.use("unsealed"):
            return response(200, text)
        encryptor, padder = cipher.encryptor(), padding.padder()
        sealed = encryptor.update(padder.update(text) + padder.finalize()) + encryptor.finalize()
        signature = bytes(32) if self.faults.use("wrong-signature") else _sha256(mark + sequence + sealed)
        return response(200, signature + sealed)

    def _answer(self, question: Mapping[str, object]) -> Mapping[str, object]:
        if "method" not in question:
            return self._kasa_answer(question)
        if self._generation == 1:
            return {"method": UNKNOWN}
        method, given = str(question["method"]), question.get("params")
        params: Mapping[str, object] = given if isinstance(given, dict) else {}
        if method == "multipleRequest":
            return _done({"responses": self._several(params, "")})
        if method == "control_child":
            data = params.get("requestData")
            inner = data.get("params") if isinstance(data, dict) else None
            device = str(params.get("device_id"))
            return _done({"responseData": _done({"responses": self._several(inner or {}, device)})})
        result = self._result(method, "")
        return {"error_code": -1002} if result is None else _done(result)

    def _several(self, params: Mapping[str, object], socket: str) -> list[Mapping[str, object]]:
        responses: list[Mapping[str, object]] = []
        requests = params.get("requests")
        for request in requests if isinstance(requests, list) else []:
            method = str(request.get("method"))
            result = self._result(method, socket)
            responses.append({"method": method} | ({"error_code": -1002} if result is None else dict(_done(result))))
        return responses

    def _result(self, method: str, socket: str) -> Mapping[str, object] | None:
        if method == "get_device_info":
            return self._socket_info(socket) if socket else self._info()
        if method == "component_nego":
            kinds = {"device": 2, "energy_monitoring": 2} | (
                {"control_child": 2, "child_device": 1} if self._is_strip else {}
            )
            return {"component_list": [{"id": name, "ver_code": version} for name, version in kinds.items()]}
        if self._is_strip and not socket:
            return self._strip_result(method)
        milliwatts = round((0.0 if socket.endswith("1") else self.power_w) * 1e3)
        milliwatts = 99_999_000 if self.faults.use("overrange") else milliwatts
        if method == "get_emeter_vgain_igain" and not self._is_strip:
            return {"igain": 11437, "vgain": 127146}
        if method == "get_emeter_data" and not self._is_strip:
            if self.faults.use("no-method"):
                return None
            result: dict[str, object] = {"current_ma": round(self.current_a * 1e3), "voltage_mv": round(MAINS_V * 1e3)}
            result |= {"energy_wh": 1469} | ({} if self.faults.use("missing-value") else {"power_mw": milliwatts})
            return result | ({"power_mw": None} if self.faults.use("null-value") else {})
        if method == "get_energy_usage":
            usage: dict[str, object] = {"today_runtime": 5, "month_runtime": 5, "today_energy": 0, "month_energy": 0}
            usage |= {"local_time": "2026-01-01 12:00:00", "electricity_charge": [0, 0, 0]}
            return usage | ({} if self._is_strip else {"current_power": milliwatts})
        return {"current_power": milliwatts // 1000} if method == "get_current_power" else None

    def _strip_result(self, method: str) -> Mapping[str, object] | None:
        ids = [f"{DEVICE_ID}0{place}" for place in (0, 1)]
        if method == "get_child_device_list":
            return {"child_device_list": [self._socket_info(one) for one in ids], "start_index": 0, "sum": 2}
        if method != "get_child_device_component_list":
            return None
        parts = [{"id": "device", "ver_code": 2}, {"id": "energy_monitoring", "ver_code": 2}]
        found = [{"device_id": one, "component_list": parts} for one in ids]
        return {"child_component_list": found, "start_index": 0, "sum": 2}

    def _info(self) -> Mapping[str, object]:
        model = "P304M EMULATED" if self._is_strip else "P110 EMULATED"
        info: dict[str, object] = {"device_id": DEVICE_ID, "fw_ver": FIRMWARE, "hw_ver": "1.0", "model": model}
        info |= {"type": "SMART.TAPOPLUG", "mac": MAC, "hw_id": "0" * 32, "fw_id": "0" * 32, "oem_id": "0" * 32}
        info |= {"ip": "127.0.0.1", "time_diff": 60, "ssid": "SE9NRQ==", "rssi": -40, "signal_level": 3, "specs": ""}
        info |= {"latitude": 523456, "longitude": 134567, "lang": "en_US", "avatar": "plug", "region": "Europe/Berlin"}
        info |= {"nickname": "SE9NRQ==", "has_set_location_info": True, "device_on": True, "on_time": 100}
        info |= {
            "overheated": False,
            "default_states": {"type": "last_states", "state": {}},
            "overheat_status": "normal",
        }
        info |= {"power_protection_status": "normal", "overcurrent_status": "normal", "charging_status": "normal"}
        return info | {"auto_off_status": "off", "auto_off_remain_time": 0}

    def _socket_info(self, socket: str) -> Mapping[str, object]:
        place = int(socket[-1]) + 1
        parts = {"device_id": socket, "category": "plug.powerstrip.sub-plug", "position": place, "slot_number": 2}
        parts |= {"bind_count": 1, "is_usb": False, "protection_enabled": False, "protection_power": 0}
        return {**self._info(), **parts, "status_follow_edge": True, "original_device_id": DEVICE_ID}

    def _kasa_answer(self, question: Mapping[str, object]) -> Mapping[str, object]:
        if self._generation != 1:
            return {"error_code": -1003}
        answers: dict[str, object] = {}
        for module, commands in question.items():
            replies: dict[str, object] = {}
            for command in commands if isinstance(commands, dict) else {}:
                replies[command] = self._kasa_result(module, command) or {
                    "err_code": -1,
                    "err_msg": "module not support",
                }
            answers[module] = replies
        return answers

    def _kasa_result(self, module: str, command: str) -> Mapping[str, object] | None:
        if (module, command) == ("system", "get_sysinfo"):
            info: dict[str, object] = {
                "sw_ver": "1.1.0 Build 240123 EMULATED",
                "hw_ver": "1.0",
                "model": "KP115(EU) EMULATED",
            }
            info |= {"deviceId": DEVICE_ID, "alias": "HOME", "rssi": -40, "mac": MAC, "feature": "TIM:ENE"}
            info |= {"mic_type": "IOT.SMARTPLUGSWITCH", "latitude_i": 523456, "longitude_i": 134567}
            return info | {"relay_state": 1, "on_time": 100, "led_off": 0, "err_code": 0}
        if (module, command) == ("time", "get_time"):
            return {"year": 2026, "month": 1, "mday": 1, "hour": 12, "min": 0, "sec": 0, "err_code": 0}
        if (module, command) == ("time", "get_timezone"):
            return {"index": 38, "err_code": 0}
        if (module, command) != ("emeter", "get_realtime"):
            return None
        values = {"power_mw": round(self.power_w * 1e3), "voltage_mv": round(MAINS_V * 1e3)}
        return values | {"current_ma": round(self.current_a * 1e3), "total_wh": int(self.energy_wh), "err_code": 0}


def _done(result: Mapping[str, object]) -> Mapping[str, object]:
    return {"result": result, "error_code": 0}


def _sha256(data: bytes) -> bytes:
    return hashlib.sha256(data).digest()


def _sha1(data: bytes) -> bytes:
    return hashlib.sha1(data, usedforsecurity=False).digest()


def _md5(data: bytes) -> bytes:
    return hashlib.md5(data, usedforsecurity=False).digest()
