"""One client of the agent's socket: lines in, bytes out.

Knows the socket, and the ends of another wire that a client may pass through it. Does not know what the lines say.
"""

from __future__ import annotations

import array
import os
import socket
import sys
from typing import Any

from harness.sut.agent.lines import line_of

MAX_LINE = 1 << 20
"""Bytes of one protocol line from the host."""
READ_AT_ONCE = 1 << 13
"""Bytes of one read."""


def listen() -> socket.socket:
    """The socket agent.sock in the working directory (a path of any depth does not fit an address), for this user."""
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    mask = os.umask(0o177)
    try:
        listener.bind("agent.sock")
    finally:
        os.umask(mask)
    listener.listen(4)
    listener.setblocking(False)
    return listener


class Connection:
    """One client of the socket: lines in, bytes out; `pid` is the client's. A client that passes its own two ends of a
    wire (`attach` does) is read and written through those from then on, and need not wake for what passes."""

    def __init__(self, sock: socket.socket) -> None:
        self.sock = sock
        self.pid = int.from_bytes(sock.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, 12)[:4], sys.byteorder)
        self.passed: list[int] = []
        self.incoming = b""
        self.outgoing = bytearray()
        self.offset: int | None = None
        sock.setblocking(False)

    @property
    def writer(self) -> int:
        """The file that `flush` writes to."""
        return self.passed[1] if self.passed else self.sock.fileno()

    def send(self, message: dict[str, Any]) -> None:
        """Queue one message."""
        self.outgoing += line_of(message)

    def send_line(self, line: bytes) -> None:
        """Queue one message that is a line already."""
        self.outgoing += line

    def receive(self, file: int) -> list[bytes] | None:
        """Complete lines that arrived on one of the files; null when the other side is gone or sends no lines."""
        try:
            block = os.read(file, READ_AT_ONCE) if file in self.passed else self._receive_files()
        except BlockingIOError:
            return []
        except OSError:
            return None
        lines = (self.incoming + block).split(b"\n")
        self.incoming = lines.pop()
        return None if not block or len(self.incoming) > MAX_LINE else lines

    def _receive_files(self) -> bytes:
        files = array.array("i")
        block, passed, _, _ = self.sock.recvmsg(READ_AT_ONCE, socket.CMSG_LEN(2 * files.itemsize))
        for _, _, content in passed:
            files.frombytes(content)
        for file in files:
            os.set_blocking(file, False)
            os.set_inheritable(file, False)
        self.passed += files
        return block

    def flush(self) -> bool:
        """Send what the link takes; false when the other side is gone."""
        try:
            while self.outgoing:
                del self.outgoing[: os.write(self.writer, self.outgoing)]
        except BlockingIOError:
            pass
        except OSError:
            return False
        return True

    def close(self) -> None:
        """Close every end."""
        self.sock.close()
        for file in self.passed:
            os.close(file)
