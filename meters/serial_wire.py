"""The wire to a line: a tty, `rfc2217://`, `socket://` or `socket+tls://`, with deadlines and every byte captured.

Knows: ttys and `rfc2217://` through pyserial, sockets by themselves, when bytes arrived.
Does not know: what the bytes mean, what a port proves about where they come from (`meters.origin`). The other two kinds
of wire are `meters.usbtmc_wire` and `meters.http_wire`.
"""

from __future__ import annotations

import errno
import os
import socket
import termios
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Literal
from urllib.parse import urlsplit

import serial

from meters import host, tls
from meters.access import ANYBODY, Access, Peer
from meters.deadline import Deadline
from meters.meter import MeterOptionError, MeterTimeout, MeterUnavailable, MeterUnplugged
from meters.port import DEFAULT_PORTS, MQTT_SCHEMES, TLS_SCHEMES, WEB_SCHEMES, open_trouble, scheme_of
from meters.reading import PTY_MAJORS
from meters.wire import Chunk
from meters.wire_log import Capture, Exchange, Sink

POLL_S = 0.05
CHUNK_LIMIT = 1 << 16
WRITE_TIMEOUT_S = 2.0
CONNECT_TIMEOUT_S = 5.0


@dataclass(frozen=True, slots=True)
class Line:
    """How a serial line is set: speed and format of a byte, hardware flow control."""

    baud: int
    bytesize: Literal[7, 8] = 8
    parity: Literal["N", "E", "O"] = "N"
    stopbits: Literal[1, 2] = 1
    rtscts: bool = False


class SerialWire:
    """A serial port, by device path or URL, with a deadline on every call and every byte captured."""

    def __init__(self, port: str, line: Line, sink: Sink | None, access: Access = ANYBODY) -> None:
        """Open `port`; raises `MeterOptionError`, `MeterUnavailable`, `MeterMismatch` where another key answers."""
        self.port = port
        self._line, self._access = line, access
        self._capture = None if sink is None else Capture(sink)
        self._peer: Peer | None = None
        self._connect()

    @property
    def peer(self) -> Peer | None:
        """Who is at the other end of a socket."""
        return self._peer

    def read_chunk(self, deadline: Deadline) -> Chunk:
        """Return what has arrived as soon as there is anything.

        Raises `MeterTimeout` at the deadline (at most `POLL_S` late), `MeterUnplugged` when the port goes away.
        """
        host.expect(deadline.left_s)
        while True:
            data = b""
            try:
                data = self._serial.read(1)
                while data and len(data) < CHUNK_LIMIT and (waiting := self._serial.in_waiting):
                    data += self._serial.read(min(waiting, CHUNK_LIMIT))
            except (OSError, TypeError) as error:  # pyserial raises TypeError on a port closed under it
                if not data:  # what came before the unplugging still counts; the next call raises
                    raise self._unplugged(error) from error
            if data:
                chunk = Chunk(host.monotonic_ns(), data)
                self._record("<", chunk.time_ns, data)
                return chunk
            if deadline.expired:
                raise MeterTimeout(
                    f"{self.port}: no byte arrived before the deadline; check that the meter is on and connected"
                )

    def write(self, data: bytes) -> None:
        """Send all of `data`; raises `MeterTimeout`, `MeterUnplugged`."""
        kept = self._presentable(data)
        self._record(">", host.monotonic_ns(), kept)
        try:
            self._serial.write(data if host.recording() is None else kept)  # a recording knows no password
        except serial.SerialTimeoutException as error:
            raise MeterTimeout(
                f"{self.port}: the port took no byte of {kept!r} for {WRITE_TIMEOUT_S:g} s; reconnect the meter"
            ) from error
        except (OSError, TypeError) as error:
            raise self._unplugged(error) from error

    def reopen(self) -> None:
        """Close and open the same port anew; raises `MeterUnavailable` while it is not there, `MeterMismatch`."""
        self.close()
        self._connect()

    def _connect(self) -> None:
        self._serial = self._open()
        self._peer = self._serial.peer if isinstance(self._serial, TcpPort) else None

    def _open(self) -> serial.Serial | TcpPort | host.Line:
        """Return the open port; raises `MeterOptionError`, `MeterUnavailable`, `MeterMismatch`."""
        return _open_serial(self.port, self._line, self._access, self._peer)

    def _presentable(self, data: bytes) -> bytes:
        """Return what of a message to the meter may stand in the wire log."""
        return data

    def set_line(self, line: Line) -> None:
        """Change speed and format of the open port, as after a negotiation; raises `MeterUnplugged`."""
        try:
            self._serial.flush()
            self._serial.apply_settings(
                {
                    "baudrate": line.baud,
                    "bytesize": line.bytesize,
                    "parity": _parity(self.port, line),
                    "stopbits": line.stopbits,
                }
            )
        except (OSError, TypeError, ValueError, termios.error) as error:
            raise self._unplugged(error) from error
        self._line = line

    def close(self) -> None:
        """Give the port back."""
        with suppress(OSError, TypeError):
            self._serial.close()

    def _record(self, direction: Literal["<", ">"], time_ns: int, data: bytes) -> None:
        if self._capture is not None:
            self._capture.record(Exchange(time_ns, direction, data))

    def _unplugged(self, error: Exception) -> MeterUnplugged:
        return MeterUnplugged(f"{self.port}: the port went away while it was open ({error}); connect the meter again")


class TcpPort:
    """`socket://` and its like as the part of a pyserial port that `SerialWire` needs; pyserial's own reads single
    bytes of it."""

    in_waiting = 0  # `read` has taken all there is

    def __init__(self, url: str, access: Access, known: Peer | None) -> None:
        parts = urlsplit(url)
        host = parts.hostname or ""
        number = parts.port or DEFAULT_PORTS.get(parts.scheme, 0)
        plain = socket.create_connection((host, number), CONNECT_TIMEOUT_S)
        try:
            plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self._socket: socket.socket = plain
            self.peer = Peer(tls.address_of(plain))
            if parts.scheme in TLS_SCHEMES:
                self._socket, self.peer = tls.secure(plain, url, host, access.pin, known)
        except BaseException:
            plain.close()
            raise

    def read(self, _size: int = 1) -> bytes:
        """Return what has come within `POLL_S`, nothing otherwise; raises `OSError` when the other end hung up."""
        self._socket.settimeout(POLL_S)
        try:
            data = self._socket.recv(CHUNK_LIMIT)
        except TimeoutError:
            return b""
        if not data:
            raise ConnectionResetError(errno.ECONNRESET, "the other end hung up")
        return data

    def write(self, data: bytes) -> None:
        """Send all; raises `OSError`."""
        self._socket.settimeout(WRITE_TIMEOUT_S)
        try:
            self._socket.sendall(data)
        except TimeoutError as error:
            raise serial.SerialTimeoutException from error

    def flush(self) -> None:
        """Nothing waits here."""

    def apply_settings(self, _settings: Mapping[str, object]) -> None:
        """A network has no line to set."""

    def close(self) -> None:
        """Hang up."""
        self._socket.close()


def _parity(port: str, line: Line) -> str:
    """Return the parity of a line; a pty has none, and tcsetattr fails there where nothing but it would change."""
    try:
        is_pty = os.major(Path(port).stat().st_rdev) in PTY_MAJORS
    except (OSError, ValueError):
        is_pty = False
    return "N" if is_pty else line.parity


def _open_serial(port: str, line: Line, access: Access, known: Peer | None) -> serial.Serial | TcpPort | host.Line:
    if (session := host.recording()) is not None:
        return session.line()
    scheme = scheme_of(port)
    if scheme in (*WEB_SCHEMES, *MQTT_SCHEMES):
        words = "MQTT" if scheme in MQTT_SCHEMES else "HTTP"
        raise MeterOptionError(f"port {port!r}: this meter speaks over a line, not {words}; name a device or socket://")
    try:
        if scheme in ("socket", "socket+tls"):
            return TcpPort(port, access, known)
        # `timeout` stays as set here: changing it later renegotiates the line on rfc2217.
        return serial.serial_for_url(
            port,
            baudrate=line.baud,
            bytesize=line.bytesize,
            parity=_parity(port, line),
            stopbits=line.stopbits,
            rtscts=line.rtscts,
            timeout=POLL_S,
            write_timeout=None if scheme else WRITE_TIMEOUT_S,
            exclusive=None if scheme else True,
        )
    except (OSError, ValueError, TypeError, termios.error) as error:
        raise MeterUnavailable(f"{port}: cannot be opened: {open_trouble(port, error)}") from error
