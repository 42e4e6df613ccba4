"""One exchange with a wire: serial ports by name or by URL, deadlines, every byte captured.

Knows: ttys and `rfc2217://` through pyserial, `socket://` and `socket+tls://`, when bytes arrived, how frames and
lines are cut out of a stream, and what a port itself proves about where its bytes come from.
Does not know: what the bytes mean. The other two kinds of wire are `meters.usbtmc_wire` and `meters.http_wire`.
"""

from __future__ import annotations

import base64
import errno
import ipaddress
import os
import socket
import stat
import termios
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, Protocol
from urllib.parse import urlsplit

import serial

from meters import host, tls
from meters.access import ANYBODY, Access, Declaration, Peer
from meters.certificates import certificate_sha256, public_key_sha256
from meters.meter import (
    MeterGarbage,
    MeterOptionError,
    MeterTimeout,
    MeterUnavailable,
    MeterUnplugged,
)
from meters.reading import PTY_MAJORS, Identity, Origin
from meters.wire_log import Capture, Exchange, Sink

URL_SCHEMES = ("socket", "socket+tls", "rfc2217", "http", "https")
WEB_SCHEMES = ("http", "https")
TLS_SCHEMES = ("socket+tls", "https")
POLL_S = 0.05
CHUNK_LIMIT = 1 << 16


class Deadline:
    """A point in monotonic time that several steps share."""

    __slots__ = ("_end_s",)

    def __init__(self, timeout_s: float) -> None:
        self._end_s = host.monotonic() + timeout_s

    @property
    def left_s(self) -> float:
        """Seconds left, never below 0."""
        return max(0.0, self._end_s - host.monotonic())

    @property
    def expired(self) -> bool:
        """Whether the time is over."""
        return self.left_s <= 0.0


# --- frames ---------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Chunk:
    """Bytes that arrived together; `time_ns` is the host's monotonic clock when the last of them was here."""

    time_ns: int
    data: bytes


@dataclass(frozen=True, slots=True)
class Frame:
    """What stood between a start and an end byte, without them, control characters left out.

    `resynced`: bytes that belong to no frame were dropped since the frame before.
    """

    time_ns: int
    body: bytes
    resynced: bool


class FrameSplitter:
    """Cuts `<start> ... <end>` frames out of a stream that may be torn anywhere; holds at most `limit` bytes.

    A start byte inside a frame begins a new one; control characters and line ends are ignored everywhere;
    other bytes outside a frame, and frames longer than `limit`, are dropped and make the next one `resynced`;
    `dropped_bytes` counts them.
    """

    __slots__ = ("_body", "_end", "_inside", "_limit", "_start", "_torn", "dropped_bytes")

    def __init__(self, start: bytes, end: bytes, limit: int) -> None:
        self._start, self._end, self._limit = start, end, limit
        self._body = b""
        self._inside = False
        self._torn = False
        self.dropped_bytes = 0

    @property
    def held_bytes(self) -> int:
        """How many bytes of an unfinished frame are kept."""
        return len(self._body)

    def feed(self, chunk: Chunk) -> list[Frame]:
        """Return the frames that `chunk` completes, all with its arrival time."""
        frames = []
        for index, piece in enumerate(chunk.data.translate(None, _CONTROL).split(self._start)):
            if index:
                if self._inside:
                    self._drop(len(self._start) + len(self._body))
                self._body, self._inside = b"", True
            frames += self._take(piece, chunk.time_ns)
        return frames

    def _take(self, piece: bytes, time_ns: int) -> list[Frame]:
        """Handle bytes without a start byte among them."""
        if not self._inside:
            self._drop(len(piece))
            return []
        head, ended, tail = piece.partition(self._end)
        self._body += head
        if len(self._body) > self._limit:
            self._drop(len(self._start) + len(self._body))
            self._body, self._inside = b"", False
            return []
        if not ended:
            return []
        frame = Frame(time_ns, self._body, self._torn)
        self._body, self._inside, self._torn = b"", False, False
        self._drop(len(tail))
        return [frame]

    def _drop(self, count: int) -> None:
        self.dropped_bytes += count
        self._torn = self._torn or count > 0


_CONTROL = bytes([*range(0x20), 0x7F])


class LineSplitter:
    """Cuts lines that end with `end` out of a stream that may be torn anywhere; holds at most `limit` bytes.

    NUL bytes are left out; a line longer than `limit` is dropped and makes the next one `resynced`;
    `dropped_bytes` counts what was dropped. An empty line is a frame with an empty body.
    """

    __slots__ = ("_body", "_end", "_limit", "_skipping", "_torn", "dropped_bytes")

    def __init__(self, end: bytes, limit: int) -> None:
        self._end, self._limit = end, limit
        self._body = b""
        self._skipping = False
        self._torn = False
        self.dropped_bytes = 0

    @property
    def held_bytes(self) -> int:
        """How many bytes of an unfinished line are kept."""
        return len(self._body)

    def feed(self, chunk: Chunk) -> list[Frame]:
        """Return the lines that `chunk` completes, without their ends, all with its arrival time."""
        *lines, rest = (self._body + chunk.data.replace(b"\0", b"")).split(self._end)
        frames = []
        for line in lines:
            if self._skipping or len(line) > self._limit:
                self._drop(len(line))
                self._skipping = False
            else:
                frames.append(Frame(chunk.time_ns, line, self._torn))
                self._torn = False
        self._body = rest
        if len(rest) > self._limit:
            keep = len(self._end) - 1  # a line end may be torn too
            self._drop(len(rest) - keep)
            self._body, self._skipping = rest[len(rest) - keep :], True
        return frames

    def _drop(self, count: int) -> None:
        self.dropped_bytes += count
        self._torn = True


# --- the serial wire ------------------------------------------------------------------------------------------


class Wire(Protocol):
    """A connection that takes and gives bytes; every byte is captured, every call ends."""

    port: str

    @property
    def peer(self) -> Peer | None:
        """Who is at the other end of a network connection, `None` where there is none or nothing is known of it."""
        ...

    def read_chunk(self, deadline: Deadline) -> Chunk:
        """Return what has arrived; raises `MeterTimeout` at the deadline, `MeterUnplugged`."""
        ...

    def write(self, data: bytes) -> None:
        """Send all of `data`; raises `MeterTimeout`, `MeterUnplugged`."""
        ...

    def reopen(self) -> None:
        """Close and open the same port anew; raises `MeterUnavailable` while it is not there."""
        ...

    def close(self) -> None:
        """Give the port back; never raises."""
        ...


def drain(wire: Wire, quiet_s: float, deadline: Deadline) -> None:
    """Read and drop what is still coming until nothing came for `quiet_s`.

    Raises `MeterGarbage` when it does not end before the deadline, `MeterUnplugged`.
    """
    while not deadline.expired:
        try:
            wire.read_chunk(Deadline(quiet_s))
        except MeterTimeout:
            return
    raise MeterGarbage(f"{wire.port}: bytes come without end and without being asked for; check what is connected")


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
        self._record(">", host.monotonic_ns(), data)
        try:
            self._serial.write(data)
        except serial.SerialTimeoutException as error:
            raise MeterTimeout(
                f"{self.port}: the port took no byte of {data!r} for {WRITE_TIMEOUT_S:g} s; reconnect the meter"
            ) from error
        except (OSError, TypeError) as error:
            raise self._unplugged(error) from error

    def reopen(self) -> None:
        """Close and open the same port anew; raises `MeterUnavailable` while it is not there, `MeterMismatch`."""
        self.close()
        self._connect()

    def _connect(self) -> None:
        self._serial = _open_serial(self.port, self._line, self._access, self._peer)
        self._peer = self._serial.peer if isinstance(self._serial, _TcpPort) else None

    def set_line(self, line: Line) -> None:
        """Change speed and format of the open port, as after a negotiation; raises `MeterUnplugged`."""
        try:
            self._serial.flush()
            self._serial.apply_settings(
                {"baudrate": line.baud, "bytesize": line.bytesize, "parity": line.parity, "stopbits": line.stopbits}
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
        return MeterUnplugged(
            f"{self.port}: the port went away while it was open ({error}); connect the meter again, it is reopened"
        )


WRITE_TIMEOUT_S = 2.0
CONNECT_TIMEOUT_S = 5.0


class _TcpPort:
    """`socket://` as the part of a pyserial port that `SerialWire` needs; pyserial's own reads single bytes of it."""

    in_waiting = 0  # `read` has taken all there is

    def __init__(self, url: str, access: Access, known: Peer | None) -> None:
        parts = urlsplit(url)
        host = parts.hostname or ""
        plain = socket.create_connection((host, parts.port or 0), CONNECT_TIMEOUT_S)
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


def _open_serial(port: str, line: Line, access: Access, known: Peer | None) -> serial.Serial | _TcpPort | host.Line:
    if (session := host.recording()) is not None:
        return session.line()
    scheme = _scheme(port)
    if scheme in WEB_SCHEMES:
        raise MeterOptionError(f"port {port!r}: this meter speaks over a line, not HTTP; name a device or socket://")
    try:
        if scheme in ("socket", "socket+tls"):
            return _TcpPort(port, access, known)
        # `timeout` stays as set here: changing it later renegotiates the line on rfc2217.
        return serial.serial_for_url(
            port,
            baudrate=line.baud,
            bytesize=line.bytesize,
            parity=line.parity,
            stopbits=line.stopbits,
            rtscts=line.rtscts,
            timeout=POLL_S,
            write_timeout=None if scheme else WRITE_TIMEOUT_S,
            exclusive=None if scheme else True,
        )
    except (OSError, ValueError, TypeError, termios.error) as error:
        raise MeterUnavailable(f"{port}: cannot be opened: {_open_trouble(port, error)}") from error


def _scheme(port: str) -> str:
    """Return the URL scheme of `port`, empty for a device path; raises `MeterOptionError` on another one."""
    if not port or "\0" in port:
        raise MeterOptionError(f"port {port!r}: expected a device path such as /dev/ttyUSB0, or socket://HOST:PORT")
    scheme, mark, rest = port.partition("://")
    if not mark:
        return ""
    try:
        parts = urlsplit(port)
        complete = bool(rest) and parts.hostname is not None and (parts.port is not None or scheme in WEB_SCHEMES)
    except ValueError:
        complete = False
    if scheme not in URL_SCHEMES or not complete:
        raise MeterOptionError(
            f"port {port!r}: expected a device path, socket://HOST:PORT, socket+tls://HOST:PORT, rfc2217://HOST:PORT, "
            "http://HOST or https://HOST; correct `port`"
        )
    return scheme


def _open_trouble(port: str, error: Exception) -> str:
    number = getattr(error, "errno", None)
    if number in (errno.ENOENT, errno.ENXIO, errno.ENODEV):
        return "there is no such port; connect the meter, or correct `port`"
    if number in (errno.EACCES, errno.EPERM):
        return "no permission; add your user to the group of the port (dialout)"
    if number in (errno.EBUSY, errno.EAGAIN) or "exclusively lock" in str(error):
        return "another program uses it; end that program (brltty is known to grab such ports)"
    if number == errno.ENOTTY or "Could not configure port" in str(error) or Path(port).is_dir():
        return f"it is no serial port ({error}); correct `port`"
    return f"{error}; check the port and what stands behind it"


# --- what a port proves -----------------------------------------------------------------------------------------


def attest(
    port: str,
    identity: Identity,
    *,
    peer: Peer | None = None,
    declaration: Declaration | None = None,
    sysfs: Path = Path("/sys"),
) -> Origin:
    """Return where the bytes of `port` come from, with the evidence.

    `instrument` needs all of: a character device that is no pty, a serial number of it in sysfs, and an identity
    the instrument gave. `attested` needs a peer whose key was pinned, and such an identity; `declared` that the lab's
    declaration fits address and serial number. A pty (through any symbolic link), a socket to this machine, and an
    identity that carries the emulator's mark are `emulated`, whatever else is true; everything else is `unattested`,
    and `lacks` in its evidence says for want of what.
    Raises `MeterUnavailable` when the port is not there, `MeterOptionError` when it is no port.
    """
    if host.recording() is not None:
        return Origin("unattested", {})  # whose bytes a log holds, its run's descriptor says
    if _scheme(port):
        return _attest_socket(port, identity, peer, declaration)
    return _attest_device(port, identity, sysfs)


def _attest_socket(port: str, identity: Identity, peer: Peer | None, declaration: Declaration | None) -> Origin:
    parts = urlsplit(port)
    name = parts.hostname or ""
    try:
        infos = socket.getaddrinfo(name, parts.port, type=socket.SOCK_STREAM)
    except OSError as error:
        raise MeterUnavailable(
            f"{port}: the host {name!r} has no address ({error.strerror}); correct `port`"
        ) from error
    addresses = sorted({str(info[4][0]) for info in infos} | ({peer.address} if peer else set()))
    evidence: Evidence = {"port": port, "host": name, "addresses": list(addresses)}
    evidence["identity_model"] = identity.model
    if peer is not None and peer.certificate:
        evidence |= _of_certificate(peer)
    if any(map(is_this_machine, addresses)) or identity.emulated:
        return Origin("emulated", evidence)
    if peer is not None and peer.pinned and _says_who(identity):
        return Origin("attested", evidence)
    if declaration is not None and _fits(declaration, name, identity):
        return Origin("declared", evidence | _of_declaration(declaration))
    lacks = [] if _says_who(identity) else ["identity"]
    lacks += [] if peer is not None and peer.pinned else ["pin" if parts.scheme in TLS_SCHEMES else "tls"]
    return Origin("unattested", evidence | {"lacks": list(lacks)})


Evidence = dict[str, str | int | list[str] | None]


def _says_who(identity: Identity) -> bool:
    return identity.asked and bool(identity.model or identity.serial)


def _fits(declaration: Declaration, host: str, identity: Identity) -> bool:
    """Whether the meter of a declaration answers where it was declared to be."""
    return identity.asked and identity.serial == declaration.serial != "" and host == declaration.address


def _of_certificate(peer: Peer) -> Evidence:
    return {
        "instrument": peer.name or None,
        "tls_version": peer.tls_version,
        "tls_sha256": certificate_sha256(peer.certificate),
        "tls_public_key_sha256": public_key_sha256(peer.certificate),
        "tls_pinned": list(peer.pinned),
        "tls_certificate": base64.b64encode(peer.certificate).decode("ascii"),
    }


def _of_declaration(declaration: Declaration) -> Evidence:
    return {
        "instrument": declaration.name,
        "declared_by": declaration.by,
        "declared_on": declaration.on,
        "declared_address": declaration.address,
        "declared_link": declaration.link,
    }


def is_this_machine(address: str) -> bool:
    """Whether an address is this machine itself: its loopback, none at all, or one of its own (nothing is sent)."""
    ip = ipaddress.ip_address(address.partition("%")[0])
    plain = ip.ipv4_mapped or ip if isinstance(ip, ipaddress.IPv6Address) else ip
    if plain.is_loopback or plain.is_unspecified:
        return True
    with socket.socket(socket.AF_INET if plain.version == 4 else socket.AF_INET6, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect((str(plain), 9))
            return ipaddress.ip_address(probe.getsockname()[0].partition("%")[0]) == plain
        except OSError:
            return False


def _attest_device(port: str, identity: Identity, sysfs: Path) -> Origin:
    device = os.path.realpath(port)
    try:
        status = os.stat(device)  # noqa: PTH116 - st_rdev of exactly this path
    except OSError as error:
        raise MeterUnavailable(f"{port}: {_open_trouble(port, error)}") from error
    if not stat.S_ISCHR(status.st_mode):
        raise MeterUnavailable(f"{port}: {device} is no character device; correct `port`")
    major, minor = os.major(status.st_rdev), os.minor(status.st_rdev)
    usb = _sysfs_usb(sysfs / "dev" / "char" / f"{major}:{minor}")
    evidence: Evidence = {
        "port": port,
        "device": device,
        "device_major": major,
        "device_minor": minor,
        "sysfs_serial": usb.get("serial"),
        "usb_vendor": usb.get("idVendor"),
        "usb_product": usb.get("idProduct"),
        "identity_model": identity.model,
    }
    if major in PTY_MAJORS or identity.emulated:
        return Origin("emulated", evidence)
    lacks = [*([] if _says_who(identity) else ["identity"]), *([] if usb.get("serial") else ["port-serial"])]
    return Origin("unattested", evidence | {"lacks": list(lacks)}) if lacks else Origin("instrument", evidence)


def _sysfs_usb(entry: Path) -> dict[str, str]:
    """Return `serial`, `idVendor`, `idProduct` of the nearest USB device above a character device."""
    here = entry.resolve()
    for folder in (here, *here.parents):
        if (folder / "idVendor").is_file():
            names = ("serial", "idVendor", "idProduct")
            return {
                name: (folder / name).read_text(encoding="utf-8", errors="replace").strip()
                for name in names
                if (folder / name).is_file()
            }
    return {}
