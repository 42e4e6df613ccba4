"""The pages of a FRITZ!Box with one plug, written without the driver's tables.

Knows: sessions and their challenges, the commands that tell. Does not know: HTTP (`meters.emulators.http_device`).
The plug's name says EMULATED. Own faults beside those of every web server: `inval` for a plug that is not reached,
`session-over` for a session that the box forgot.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Mapping

from meters.emulators.faults import OwnFaults
from meters.emulators.http_device import MAINS_V, HttpDevice, response
from meters.emulators.virtual_sut import PowerSource

AIN = "087610000434"
NO_SID = "0" * 16
STATIC_SALT, STATIC_ROUNDS, ROUNDS = "5a1711", 1000, 200
FAULTS = frozenset({"http-500", "unauthorised", "redirect", "inval", "session-over", "wrong-number", "overrange"})


class FritzDevice(HttpDevice):
    """A FRITZ!Box; `generation` 1 has the challenge by MD5. Without a password everybody gets a session."""

    def __init__(
        self, source: PowerSource, *, refresh_s: float = 120.0, password: str = "", generation: int = 2
    ) -> None:
        """`refresh_s` is how often the box asks its plug."""
        super().__init__(source, refresh_s=refresh_s, password=password)
        self._generation = generation
        self._logins = 0
        self._sid = "" if password else self._new_sid()
        self.faults = OwnFaults(FAULTS)

    def admits(self, head: bytes, method: str, path: str, query: Mapping[str, str]) -> bool:
        """Whether a command belongs to the session."""
        if self.faults.use("session-over"):
            self._sid = "" if self.password else self._new_sid()
        return not path.startswith("/webservices/") or query.get("sid") == self._sid != ""

    def turned_away(self) -> bytes:
        """Return what a box answers outside a session."""
        return response(403, b"")

    def page(self, path: str, query: Mapping[str, str], body: bytes) -> str | None:
        """Serve the login and the commands."""
        if path == "/login_sid.lua":
            return self._login_page(query.get("response", ""))
        if path != "/webservices/homeautoswitch.lua":
            return None
        command = query.get("switchcmd", "")
        if command == "getswitchlist":
            return AIN + "\n"
        if command == "getdevicelistinfos":
            return self._infos()
        if query.get("ain", "").replace(" ", "") != AIN:
            return None
        milliwatts = 99_999_000 if self.faults.use("overrange") else round(self.power_w * 100.0) * 10
        power = "12,5" if self.faults.use("wrong-number") else str(milliwatts)
        replies = {
            "getswitchpower": "inval" if self.faults.use("inval") else power,
            "getswitchenergy": str(math.floor(self.energy_wh + 1e-9)),
            "getswitchpresent": "1",
            "getswitchstate": "1",
            "getswitchname": "EMULATED",
        }
        reply = replies.get(command)
        return None if reply is None else reply + "\n"

    def _new_sid(self) -> str:
        self._logins += 1
        return hashlib.sha256(f"session {self._logins}".encode()).hexdigest()[:16]

    def _challenge(self) -> str:
        if self._generation == 1:
            return f"{self._logins + 0x12345678:08x}"
        return f"2${STATIC_ROUNDS}${STATIC_SALT}${ROUNDS}${self._logins + 0x5A1722:06x}"

    def _right(self) -> str:
        """Return the answer that the password gives to the challenge of now."""
        challenge = self._challenge()
        if self._generation == 1:
            return f"{challenge}-{hashlib.md5(f'{challenge}-{self.password}'.encode('utf-16le')).hexdigest()}"
        salt = challenge.rpartition("$")[2]
        first = hashlib.pbkdf2_hmac("sha256", self.password.encode(), bytes.fromhex(STATIC_SALT), STATIC_ROUNDS)
        return f"{salt}${hashlib.pbkdf2_hmac('sha256', first, bytes.fromhex(salt), ROUNDS).hex()}"

    def _login_page(self, given: str) -> str:
        if self.password and given == self._right():
            self._sid = self._new_sid()
            return self._session_info(self._sid)
        return self._session_info(NO_SID if self.password else self._sid)

    def _session_info(self, sid: str) -> str:
        return (
            f'<?xml version="1.0" encoding="utf-8"?><SessionInfo><SID>{sid}</SID><Challenge>{self._challenge()}'
            "</Challenge><BlockTime>0</BlockTime><Rights></Rights></SessionInfo>\n"
        )

    def _infos(self) -> str:
        power, energy = round(self.power_w * 100.0) * 10, math.floor(self.energy_wh + 1e-9)
        return (
            '<devicelist version="1" fwversion="7.57"><device identifier="08761 0000434" id="17" '
            'functionbitmask="35712" fwversion="04.25" manufacturer="AVM" productname="FRITZ!DECT 200 EMULATED">'
            "<present>1</present><txbusy>0</txbusy><name>EMULATED</name><switch><state>1</state><mode>manuell</mode>"
            f"<lock>0</lock><devicelock>0</devicelock></switch><powermeter><voltage>{round(MAINS_V * 1000.0)}</voltage>"
            f"<power>{power}</power><energy>{energy}</energy></powermeter><temperature><celsius>285</celsius>"
            "<offset>0</offset></temperature></device></devicelist>\n"
        )
