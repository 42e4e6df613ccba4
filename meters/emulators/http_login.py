"""How an emulated plug lets a client in: Basic as RFC 7617 has it, Digest with SHA-256 as Shelly's firmware 2 has it, a
token as HomeWizard's API v2 has it.

Written from the RFCs and the maker's pages, without the driver's own (`meters.http_auth`). Knows: headers of one
request. Does not know: pages.
"""

from __future__ import annotations

import base64
import hashlib
import re
from dataclasses import dataclass, field

USER = "admin"
REALM = "shellyplusplugs-emulated0001"
WORD = re.compile(r'(\w+)=(?:"([^"]*)"|([^,\s]*))')


def header(head: bytes, name: str) -> str:
    """Return the value of a header of a request, empty where it has none."""
    match = re.search(rb"\n%s: *([^\r\n]*)" % re.escape(name.encode()), head, re.IGNORECASE)
    return match.group(1).decode("latin-1") if match else ""


@dataclass(slots=True)
class BasicLogin:
    """A password that comes in readable form; `challenge` is what a client without it is told."""

    password: str
    challenge: str = 'Basic realm="EMULATED"'

    def admits(self, head: bytes, method: str) -> bool:
        """Whether a request has the right password."""
        pair = base64.b64encode(f"{USER}:{self.password}".encode()).decode("ascii")
        return header(head, "Authorization") == f"Basic {pair}"


@dataclass(slots=True)
class TokenLogin:
    """A token that comes in readable form, and that nobody is asked for."""

    password: str
    challenge: str = ""

    def admits(self, head: bytes, method: str) -> bool:
        """Whether a request has the right token."""
        return header(head, "Authorization") == f"Bearer {self.password}"


@dataclass(slots=True)
class DigestLogin:
    """A nonce that serves until it is forgotten, and whose uses are counted from 1."""

    password: str
    _count: int = 0
    _used: dict[str, int] = field(default_factory=dict)
    _stale: bool = False

    @property
    def challenge(self) -> str:
        """Return a challenge with a new nonce, Base64 with its padding."""
        self._count += 1
        nonce = base64.b64encode(f"nonce {self._count}.".encode()).decode("ascii")
        self._used[nonce] = 0
        stale, self._stale = (", stale=true" if self._stale else ""), False
        return f'Digest qop="auth", realm="{REALM}", nonce="{nonce}", algorithm=SHA-256{stale}'

    def forget(self) -> None:
        """Forget every nonce, as after an hour."""
        self._used.clear()

    def admits(self, head: bytes, method: str) -> bool:
        """Whether a request answers a challenge."""
        authorization = header(head, "Authorization")
        words = {name: quoted or plain for name, quoted, plain in WORD.findall(authorization.partition(" ")[2])}
        if not authorization.startswith("Digest ") or words.get("username") != USER:
            return False
        nonce, count = words.get("nonce", ""), words.get("nc", "")
        if nonce not in self._used:
            self._stale = True
            return False
        first = hashlib.sha256(f"{USER}:{REALM}:{self.password}".encode()).hexdigest()
        second = hashlib.sha256(f"{method}:{words.get('uri')}".encode()).hexdigest()
        text = f"{first}:{nonce}:{count}:{words.get('cnonce')}:{words.get('qop')}:{second}"
        right = words.get("response") == hashlib.sha256(text.encode()).hexdigest()
        in_order = count == f"{self._used[nonce] + 1:08x}"
        self._used[nonce] += right and in_order
        return right and in_order
