"""The wire of datagrams: one question, one answer, over UDP, every datagram captured without its secret.

Knows: a connected socket, so that only the address asked can answer; that a host which has nobody listening says so.
Does not know: what a datagram says (`meters.snmp`). One that was lost looks like one that was never sent.
"""

from __future__ import annotations

import socket
from collections.abc import Callable
from typing import Literal
from urllib.parse import urlsplit

from meters import host
from meters.access import Peer
from meters.deadline import Deadline
from meters.meter import MeterTimeout, MeterUnavailable, MeterUnplugged
from meters.port import DEFAULT_PORTS, scheme_of
from meters.tls import address_of
from meters.wire import Chunk
from meters.wire_log import Capture, Exchange, Sink

LARGEST_DATAGRAM = 1 << 16
POLL_S = 0.05


class UdpWire:
    """A meter's UDP port, by URL (`meters.wire.Wire`); a chunk is a datagram."""

    def __init__(self, url: str, sink: Sink | None, presentable: Callable[[bytes], bytes]) -> None:
        """Look the host up; `presentable` returns what of a datagram may stand in the wire log.

        Raises `MeterOptionError` where `url` is none, `MeterUnavailable` where the host has no address.
        """
        self.port = url
        self._presentable = presentable
        self._capture = None if sink is None else Capture(sink)
        self._socket: socket.socket | None = None
        self._line: host.Line | None = None
        self._peer: Peer | None = None
        self.reopen()

    @property
    def peer(self) -> Peer | None:
        """Who is asked."""
        return self._peer

    def read_chunk(self, deadline: Deadline) -> Chunk:
        """Return the next datagram; raises `MeterTimeout` at the deadline, `MeterUnplugged`."""
        host.expect(deadline.left_s)
        while True:
            data = self._receive(deadline)
            if data:
                chunk = Chunk(host.monotonic_ns(), data)
                self._record("<", chunk.time_ns, data)
                return chunk
            if deadline.expired:
                raise MeterTimeout(
                    f"{self.port}: no datagram arrived before the deadline; check the device and its network"
                )

    def write(self, data: bytes) -> None:
        """Send one datagram; raises `MeterUnplugged`."""
        self._record(">", host.monotonic_ns(), data)
        try:
            if self._line is not None:
                self._line.write(self._presentable(data))
            elif self._socket is not None:
                self._socket.send(data)
            else:
                raise OSError("it is closed")
        except OSError as error:
            raise self._unplugged(error) from error

    def reopen(self) -> None:
        """Look the host up anew; raises `MeterUnavailable`."""
        self.close()
        if (session := host.recording()) is not None:
            self._line = session.line()
            return
        parts = urlsplit(self.port)
        name, number = parts.hostname or "", parts.port or DEFAULT_PORTS[scheme_of(self.port)]
        try:
            family, kind, protocol, _name, address = socket.getaddrinfo(name, number, type=socket.SOCK_DGRAM)[0]
            self._socket = socket.socket(family, kind, protocol)
            self._socket.connect(address)
        except (OSError, UnicodeError) as error:
            self.close()
            words = getattr(error, "strerror", None) or error
            raise MeterUnavailable(
                f"{self.port}: the host {name!r} cannot be asked ({words}); correct `port`"
            ) from error
        self._peer = Peer(address_of(self._socket))

    def close(self) -> None:
        """Give the socket back; never raises."""
        if self._socket is not None:
            self._socket.close()
        self._socket = self._line = None

    def _receive(self, deadline: Deadline) -> bytes:
        try:
            if self._line is not None:
                return self._line.read(LARGEST_DATAGRAM)
            if self._socket is None:
                raise OSError("it is closed")
            self._socket.settimeout(max(0.001, min(POLL_S, deadline.left_s)))
            return self._socket.recv(LARGEST_DATAGRAM)
        except TimeoutError:
            return b""
        except OSError as error:
            raise self._unplugged(error) from error

    def _record(self, direction: Literal["<", ">"], time_ns: int, data: bytes) -> None:
        if self._capture is not None:
            self._capture.record(Exchange(time_ns, direction, self._presentable(data)))

    def _unplugged(self, error: OSError) -> MeterUnplugged:
        words = error.strerror or error
        return MeterUnplugged(f"{self.port}: nobody takes datagrams there any more ({words}); it is asked again")
