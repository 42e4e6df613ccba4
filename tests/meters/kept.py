"""What a wire log must not hold: a password in every form, and what is said in a log."""

from __future__ import annotations

import base64
import hashlib
import io
from urllib.parse import quote

from meters.wire_log import read_capture


def forms_of(secret: str, user: str = "admin") -> list[bytes]:
    """A password as it might stand in a file: plain, escaped, as Basic sends it, hashed as Digest starts from it."""
    plain = [secret, quote(secret), quote(secret, safe=""), secret.encode().hex()]
    pair = f"{user}:{secret}".encode()
    realm = f"{user}:shellyplusplugs-emulated0001:{secret}".encode()
    hashed = [hashlib.new(name, text).hexdigest() for name in ("sha256", "md5") for text in (pair, realm)]
    encoded = [base64.b64encode(pair).decode(), base64.b64encode(secret.encode()).decode()]
    return [form.encode() for form in [*plain, *hashed, *encoded]]


def said(log: bytes) -> bytes:
    return b"".join(part.data for part in read_capture(io.BytesIO(log), "log"))
