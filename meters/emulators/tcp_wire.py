"""A meter's end of a TCP connection, on a port of this machine, as slow as the meter's own link.

Knows: listening, one client at a time (the newest), plugging and unplugging; the port beside it at which an LMG670
takes a break. Does not know: what else is sent.
"""

from __future__ import annotations

import socket
import time
from contextlib import suppress

from meters.wire_log import Capture, Exchange, Sink

SEND_WAIT_S = 2.0
BYTES_AT_ONCE = 4096
PAIR_ATTEMPTS = 20
TELNET_BREAK = b"\xff\xf3"


class TcpWire:
    """Listens at one address; a new client takes the place of the one before."""

    def __init__(self, host: str, port: int, *, bytes_per_s: float | None, sink: Sink | None) -> None:
        """Listen at once; port 0 takes a free one, `bytes_per_s` `None` sends as fast as the machine can.

        `sink` takes a log of what was sent and received, in the format of `meters.wire_log.Capture`.
        Raises `OSError` when the address is taken or not of this machine.
        """
        self._address = (host, port)
        self._bytes_per_s = bytes_per_s
        self._capture = None if sink is None else Capture(sink)
        self._server: socket.socket | None = None
        self._client: socket.socket | None = None
        self.plug()

    @property
    def address(self) -> str:
        """HOST:PORT, the same after unplugging and plugging."""
        host, port = self._address
        return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"

    @property
    def listening(self) -> bool:
        """Whether there is something to wait for: a client to come, or bytes of one."""
        return self._server is not None

    @property
    def connected(self) -> bool:
        """Whether a host has connected; it is noticed by `receive`."""
        return self._client is not None

    def hang_up(self) -> None:
        """End the connection of the host; a new one may come."""
        self._drop_client()

    def fileno(self) -> int | None:
        """The descriptor to wait on: the client's, or the one where clients come; `None` while unplugged."""
        if self._client is not None:
            return self._client.fileno()
        return None if self._server is None else self._server.fileno()

    def plug(self) -> None:
        """Listen."""
        if self._server is None:
            host, port = self._address
            family = socket.AF_INET6 if ":" in host else socket.AF_INET
            server = socket.create_server((host, port), family=family, backlog=4)
            server.setblocking(False)
            self._server, self._address = server, (host, server.getsockname()[1])

    def unplug(self) -> None:
        """Refuse new connections and end the one there is: who sees it end finds nobody listening."""
        if self._server is not None:
            self._server.close()
            self._server = None
        self._drop_client()

    def receive(self) -> bytes:
        """Return what the driver sent so far, without waiting; takes a client that knocks."""
        self._accept()
        if self._client is None:
            return b""
        try:
            data = self._client.recv(BYTES_AT_ONCE)
        except BlockingIOError:
            return b""
        except OSError:
            data = b""
        if not data:
            self._drop_client()
        self._record(data)
        return data

    def _record(self, data: bytes) -> None:
        if data and self._capture is not None:
            self._capture.record(Exchange(time.monotonic_ns(), ">", data))

    def send(self, data: bytes) -> None:
        """Send at the speed of the meter's link; bytes nobody takes are lost."""
        if self._bytes_per_s is not None:
            time.sleep(len(data) / self._bytes_per_s)
        if self._client is None:
            return
        sent_ns = time.monotonic_ns()
        self._client.settimeout(SEND_WAIT_S)
        try:
            self._client.sendall(data)
        except OSError:
            self._drop_client()
            return
        self._client.setblocking(False)
        if self._capture is not None:
            self._capture.record(Exchange(sent_ns, "<", data))

    def _accept(self) -> None:
        if self._server is None:
            return
        with suppress(BlockingIOError):
            client, _address = self._server.accept()
            self._drop_client()
            client.setblocking(False)
            client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self._client = client

    def _drop_client(self) -> None:
        if self._client is not None:
            self._client.close()
            self._client = None


class BreakableTcpWire(TcpWire):
    """As an LMG670 has it: on the port above, a line `break` clears the interface and is answered `0 ok`.

    What a client says there comes to the device as telnet's break on the first port. From cuveland/lmgtools, lmg670.py,
    the only client seen that uses it.
    """

    def __init__(self, host: str, port: int, *, bytes_per_s: float | None, sink: Sink | None) -> None:
        """As `TcpWire`; port 0 takes two free ones side by side."""
        self._beside: TcpWire | None = None
        self._pending = b""
        for attempt in range(1, PAIR_ATTEMPTS + 1):
            super().__init__(host, port, bytes_per_s=bytes_per_s, sink=sink)
            own_port = int(self.address.rpartition(":")[2])
            try:
                self._beside = TcpWire(host, own_port + 1, bytes_per_s=None, sink=None)
                return
            except (OSError, OverflowError):
                super().unplug()
                if port or attempt == PAIR_ATTEMPTS:
                    raise

    def plug(self) -> None:
        """Listen at both ports."""
        super().plug()
        if self._beside is not None:
            self._beside.plug()

    def unplug(self) -> None:
        """Refuse new connections at both ports and end those there are."""
        if self._beside is not None:
            self._beside.unplug()
        super().unplug()

    def receive(self) -> bytes:
        """Return what the driver sent so far, a break from the other port in front of it."""
        mark = b""
        if self._beside is not None:
            *lines, self._pending = (self._pending + self._beside.receive())[-BYTES_AT_ONCE:].split(b"\n")
            for line in lines:
                if line.strip() == b"break":
                    mark = TELNET_BREAK
                    self._record(TELNET_BREAK)
                    self._beside.send(b"0 ok\n")
        return mark + super().receive()
