"""The meter's side of plugs that speak HTTP: requests in, responses out, for GUDE, Tasmota and Shelly.

Knows: enough HTTP/1.1 to be read by any client (request line, Content-Length, keep-alive; GET, and POST for clients
that want it), the JSON of each device written without the drivers' tables. Does not know: sockets, real time.
Not proved by any device at hand: the order of members, header lines, how often a real plug refreshes its values.
Every identity says EMULATED. A device measures in windows of `refresh_s` and answers with the last one that is over.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Mapping
from urllib.parse import parse_qsl, unquote

from meters.emulators.faults import OwnFaults
from meters.emulators.http_login import USER, BasicLogin, DigestLogin
from meters.emulators.virtual_sut import PowerSource

REQUEST_LIMIT = 8192
MAINS_V = 230.0
MAINS_HZ = 50.0
START_UNIX_S = 1_700_000_000
HEAD = re.compile(rb"(.*?)\r?\n\r?\n", re.DOTALL)
REQUEST_LINE = re.compile(rb"(GET|POST|HEAD|PUT) (\S+) HTTP/1\.[01]")
LENGTH = re.compile(rb"\ncontent-length: *([0-9]{1,4})\r?(?:\n|$)", re.IGNORECASE)
REASONS = {200: "OK", 302: "Found", 401: "Unauthorized", 404: "Not Found", 405: "Method Not Allowed"}
REASONS[500] = "Internal Server Error"

OWN_FAULTS = frozenset(
    {"http-500", "unauthorised", "redirect", "wrong-json", "nan-literal", "wrong-type", "missing-value", "overrange"}
)
FORGETS_NONCE = "stale-nonce"
Json = Mapping[str, object]
Page = Callable[[], Json | None]


class HttpDevice:
    """A web server in front of one power source; a device fills in its pages."""

    open_pages: frozenset[str] = frozenset()
    """What everybody may read, whatever the password."""

    def __init__(self, source: PowerSource, *, refresh_s: float = 1.0, password: str = "") -> None:
        """`refresh_s` is how often the device has a new value; an empty `password`: everybody may read all."""
        self._source = source
        self._refresh_s = refresh_s
        self._login = self.login(password) if password else None
        self._pending = b""
        self._now_s = 0.0
        self._measured_s = 0.0
        self.power_w = 0.0
        self.energy_wh = 0.0
        self.next_push_s: float | None = None
        self.faults = OwnFaults(OWN_FAULTS | ({FORGETS_NONCE} if isinstance(self._login, DigestLogin) else set()))

    def login(self, password: str) -> BasicLogin | DigestLogin:
        """Return how the device asks for its password."""
        return BasicLogin(password)

    def admits(self, head: bytes, method: str, path: str, query: Mapping[str, str]) -> bool:
        """Whether the device answers this request."""
        return self._login is None or path in self.open_pages or self._login.admits(head, method)

    def turned_away(self) -> bytes:
        """Return what somebody without the password gets."""
        return _response(401, b"", "" if self._login is None else self._login.challenge)

    def receive(self, data: bytes, now_s: float) -> list[bytes]:
        """Return the responses to the requests that `data` completes."""
        self._pending = (self._pending + data)[-REQUEST_LIMIT:]
        responses = []
        while (head := HEAD.match(self._pending)) is not None:
            length = LENGTH.search(head.group(1))
            end = head.end() + (int(length.group(1)) if length else 0)
            if len(self._pending) < end:
                break
            body, self._pending = self._pending[head.end() : end], self._pending[end:]
            self._measure(now_s)
            responses.append(self._respond(head.group(1), body))
        return responses

    def push(self, now_s: float) -> list[bytes]:
        """Return nothing: a web server speaks when it is asked."""
        return []

    def page(self, path: str, query: Mapping[str, str], body: bytes) -> Json | None:
        """Return what stands at `path`, `None` where nothing does."""
        raise NotImplementedError

    @property
    def current_a(self) -> float:
        """The current at nominal voltage."""
        return self.power_w / (MAINS_V * self.power_factor)

    @property
    def power_factor(self) -> float:
        """The power factor of a typical supply, poor when idle."""
        return round(0.95 - 0.4 * math.exp(-self.power_w / 60.0), 2)

    @property
    def unix_s(self) -> int:
        """The device's own clock, whole seconds."""
        return START_UNIX_S + int(self._now_s)

    def _measure(self, now_s: float) -> None:
        """Bring value and register up to the last window that is over."""
        self._now_s = now_s
        end_s = math.floor(now_s / self._refresh_s) * self._refresh_s if self._measured_s else now_s
        for to_s in (end_s - self._refresh_s, end_s):
            if to_s > self._measured_s:
                self.power_w = self._source.advance(to_s).mean_w
                self.energy_wh += self.power_w * (to_s - self._measured_s) / 3600.0
                self._measured_s = to_s

    def _respond(self, head: bytes, body: bytes) -> bytes:
        line = REQUEST_LINE.match(head)
        if line is None or line.group(1) not in (b"GET", b"POST"):
            return _response(405, b"{}")
        for fault, status in (("http-500", 500), ("unauthorised", 401), ("redirect", 302)):
            if self.faults.use(fault):
                return _response(status, b"")
        path, _mark, text = line.group(2).decode("ascii", errors="replace").partition("?")
        query = dict(parse_qsl(text))
        if isinstance(self._login, DigestLogin) and self.faults.use(FORGETS_NONCE):
            self._login.forget()
        if not self.admits(head, line.group(1).decode("ascii"), unquote(path), query):
            return self.turned_away()
        found = self.page(unquote(path), query, body)
        if found is None:
            return _response(404, b"Not Found")
        text = json.dumps(found, separators=(",", ":"))
        if self.faults.use("wrong-json"):
            text = text[:-1].replace(":", "=", 1)
        return _response(200, text.encode("ascii"))

    def faulty(self, power: float) -> object:
        """Return the power as it is to be sent, through the faults that touch it."""
        if self.faults.use("nan-literal"):
            return math.nan
        if self.faults.use("wrong-type"):
            return str(power)
        return None if self.faults.use("missing-value") else power


def _posted_id(body: bytes) -> str:
    """Return the `id` among parameters sent as JSON, empty where there is none."""
    try:
        return str(json.loads(body)["id"])
    except (ValueError, KeyError, TypeError):
        return ""


def _response(status: int, body: bytes, challenge: str = 'Basic realm="EMULATED"') -> bytes:
    head = [f"HTTP/1.1 {status} {REASONS[status]}", "Content-Type: application/json", f"Content-Length: {len(body)}"]
    if status == 401 and challenge:
        head.append(f"WWW-Authenticate: {challenge}")
    if status == 302:
        head.append("Location: /elsewhere")
    head.append("Connection: keep-alive")
    return "\r\n".join([*head, "", ""]).encode("ascii") + body


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
        self._decimals, self._password, self._generation = decimals, password, generation

    def admits(self, head: bytes, method: str, path: str, query: Mapping[str, str]) -> bool:
        """Whether the password came, in the header or among the parameters."""
        if self._login is None or (query.get("user"), query.get("password")) == (USER, self._password):
            return True
        return self._generation > 1 and super().admits(head, method, path, query)

    def turned_away(self) -> bytes:
        """Return the warning, which old firmware sends as if all were well."""
        warning = json.dumps({"WARNING": "Need user=<username>&password=<password>"}).encode()
        return _response(401 if self._generation > 1 else 200, warning, "")

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
        found = pages.get(path.rstrip("/"))
        return None if found is None else found()

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
