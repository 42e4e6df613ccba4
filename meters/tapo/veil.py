"""What a wire log keeps of a KLAP session: what was said inside the seal, and no secret (`meters.http_tap.Veil`).

Knows: that seeds and proofs are zeros in the log, messages in the clear and numbered from 1, cookies and where the
plug hangs withheld. Does not know: the keys by heart: it is told of log-in and session.

Whoever has a seed and a proof can try passwords; a recorded session has neither. It is played back by a session that
seals nothing, and says the same byte for byte. An answer that did not open is kept as it came.
"""

from __future__ import annotations

import http.client
import io
import re
from collections.abc import Callable
from typing import Final

from meters.access import WITHHELD
from meters.meter import MeterGarbage

FIRST_PATH, SECOND_PATH, QUESTION_PATH = "/app/handshake1", "/app/handshake2", "/app/request"
END: Final = b"\r\n\r\n"
NUMBER_IN_PATH = re.compile(rb"(?<=\?seq=)-?[0-9]+")
COOKIE_GIVEN = re.compile(rb"^(cookie:)[^\r\n]*", re.IGNORECASE | re.MULTILINE)
COOKIE_SET = re.compile(rb"(TP_SESSIONID=)([^;,\s]*)")
FRAMING = re.compile(rb"\r\n(?:content-length|transfer-encoding):[^\r\n]*", re.IGNORECASE)
PLACE = re.compile(rb'("(?:latitude|longitude|latitude_i|longitude_i)"\s*:\s*)-?[0-9.]+')
NAME = re.compile(rb'("(?:ssid|nickname|alias)"\s*:\s*)"(?:[^"\\]|\\.)*"')


class Veil:
    """What is kept of the exchanges of one session after the other; the link says what was said and heard."""

    waits = True

    def __init__(self) -> None:
        """Nothing was said yet."""
        self.said = b""
        """The question inside the seal."""
        self.number = 0
        """Its number, counted from 1."""
        self.heard: Callable[[bytes], bytes] = bytes
        """What is kept of the body of the answer; raises `MeterGarbage` where that says nothing."""

    def request(self, data: bytes) -> bytes:
        """Return a request as it is kept."""
        head, _ended, body = data.partition(END)
        head = COOKIE_GIVEN.sub(rb"\1 " + WITHHELD.encode(), head)
        if not head.startswith(f"POST {QUESTION_PATH}".encode()):
            return head + END + bytes(len(body))
        return _framed(NUMBER_IN_PATH.sub(b"%d" % self.number, head, count=1), self.said)

    def reply(self, data: bytes) -> bytes:
        """Return an answer as it is kept; what is no whole one is kept as it came, but for cookies."""
        data = COOKIE_SET.sub(lambda match: match[1] + b"*" * len(match[2]), data)
        stream = _Whole(data)
        try:
            response = http.client.HTTPResponse(stream)  # type: ignore[arg-type]  # asks for makefile only
            response.begin()
            body = response.read()
            kept = self.heard(body) if response.status == http.client.OK else body
        except (http.client.HTTPException, ValueError, OSError, MeterGarbage):
            return data
        return data if kept == body else _framed(data.partition(END)[0], without_home(kept)) + stream.read()


class _Whole(io.BytesIO):
    """An answer, as http.client reads one from a socket; what it leaves can be read on."""

    def makefile(self, _mode: str) -> _Whole:
        """Return the file http.client reads from."""
        return self

    def close(self) -> None:
        """Stay open."""


def without_home(plain: bytes) -> bytes:
    """Return a message without where the plug hangs and what its owner calls things."""
    return NAME.sub(rb'\1""', PLACE.sub(rb"\g<1>0", plain))


def _framed(head: bytes, body: bytes) -> bytes:
    return FRAMING.sub(b"", head) + b"\r\nContent-Length: %d" % len(body) + END + body
