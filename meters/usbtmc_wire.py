"""The wire to an instrument of the USB Test & Measurement Class: the character device `/dev/usbtmcN` of Linux.

Knows: one write is one message, one read one reply; the kernel driver's timeout and device clear (linux/usb/tmc.h);
what its errors mean. Does not know: what the bytes mean.

A read blocks in the kernel, so its timeout is set before each: at least `SHORTEST_TIMEOUT_S` (the kernel refuses
less), which is how late a deadline may be noticed. After a timeout the interface is cleared, so that a reply that
comes late is dropped in the instrument and cannot answer the next question.

No test here meets a real instrument or the kernel's driver: both are played by a library that stands in for the
system calls, written from linux/usb/tmc.h and drivers/usb/class/usbtmc.c.
"""

from __future__ import annotations

import errno
import fcntl
import os
import stat
import struct
from contextlib import suppress
from typing import Literal

from meters import host
from meters.access import ANYBODY, Access
from meters.deadline import Deadline
from meters.meter import MeterTimeout, MeterUnavailable, MeterUnplugged
from meters.serial_wire import Line, SerialWire
from meters.wire import Chunk, Wire
from meters.wire_log import Capture, Exchange, Sink

USBTMC_PREFIX = "/dev/usbtmc"
MESSAGE_LIMIT = 1 << 16
SHORTEST_TIMEOUT_S = 0.1  # USBTMC_MIN_TIMEOUT, drivers/usb/class/usbtmc.c
WRITE_TIMEOUT_S = 2.0

# linux/usb/tmc.h: _IO(91, 2) and _IOW(91, 10, __u32)
USBTMC_IOCTL_CLEAR = 91 << 8 | 2
USBTMC_IOCTL_SET_TIMEOUT = 1 << 30 | 4 << 16 | 91 << 8 | 10

GONE = frozenset({errno.ENODEV, errno.EIO, errno.ENXIO, errno.ESHUTDOWN, errno.EPROTO, errno.EBADF})
SILENT = frozenset({errno.ETIMEDOUT, errno.EAGAIN})


class UsbtmcWire:
    """An open USB-TMC device (`meters.wire.Wire`), locked against a second program, every byte captured."""

    peer = None  # it is on no network

    def __init__(self, port: str, sink: Sink | None) -> None:
        """Open `port`; raises `MeterUnavailable`."""
        self.port = port
        self._capture = None if sink is None else Capture(sink)
        self._file = _open(port)  # -1 while closed

    def read_chunk(self, deadline: Deadline) -> Chunk:
        """Return one reply, or as much of it as fits into `MESSAGE_LIMIT` bytes.

        Raises `MeterTimeout` at the deadline (at most `SHORTEST_TIMEOUT_S` late) after clearing the interface, and
        `MeterUnplugged`.
        """
        try:
            self._begin(deadline.left_s)
            data = os.read(self._file, MESSAGE_LIMIT)
        except OSError as error:
            raise self._trouble(error, "no reply came before the deadline; check that the meter is on") from error
        if not data:
            raise MeterTimeout(f"{self.port}: the meter sent an empty reply; it was asked nothing it answers")
        chunk = Chunk(host.monotonic_ns(), data)
        self._record("<", chunk.time_ns, data)
        return chunk

    def write(self, data: bytes) -> None:
        """Send `data` as one message; raises `MeterTimeout`, `MeterUnplugged`."""
        self._record(">", host.monotonic_ns(), data)
        try:
            self._begin(WRITE_TIMEOUT_S)
            taken = os.write(self._file, data)
        except OSError as error:
            raise self._trouble(error, f"the meter took no message for {WRITE_TIMEOUT_S:g} s") from error
        if taken != len(data):
            self._clear()
            raise MeterTimeout(f"{self.port}: the meter took {taken} of {len(data)} bytes of a message; reconnect it")

    def reopen(self) -> None:
        """Close and open the same device anew; raises `MeterUnavailable` while it is not there."""
        self.close()
        self._file = _open(self.port)

    def close(self) -> None:
        """Give the device back."""
        if self._file >= 0:
            with suppress(OSError):
                os.close(self._file)
        self._file = -1

    def _begin(self, timeout_s: float) -> None:
        """Give the call that follows its timeout; raises `OSError`, `ENODEV` where the device is closed."""
        if self._file < 0:
            raise OSError(errno.ENODEV, "closed after it went away")
        milliseconds = round(max(timeout_s, SHORTEST_TIMEOUT_S) * 1000)
        fcntl.ioctl(self._file, USBTMC_IOCTL_SET_TIMEOUT, struct.pack("=I", milliseconds))

    def _clear(self) -> None:
        """Drop what the instrument was about to say; raises `MeterUnplugged`, ignores an instrument that cannot."""
        try:
            fcntl.ioctl(self._file, USBTMC_IOCTL_CLEAR)
        except OSError as error:
            if error.errno in GONE:
                raise self._unplugged(error) from error

    def _trouble(self, error: OSError, silence: str) -> MeterTimeout | MeterUnplugged:
        if error.errno not in SILENT:
            return self._unplugged(error)
        self._clear()
        return MeterTimeout(f"{self.port}: {silence}")

    def _unplugged(self, error: OSError) -> MeterUnplugged:
        return MeterUnplugged(f"{self.port}: the device went away while it was open ({error}); connect the meter again")

    def _record(self, direction: Literal["<", ">"], time_ns: int, data: bytes) -> None:
        if self._capture is not None:
            self._capture.record(Exchange(time_ns, direction, data))


def _open(port: str) -> int:
    """Return a descriptor of the device whose reads end; raises `MeterUnavailable`."""
    try:
        file = os.open(port, os.O_RDWR | os.O_CLOEXEC)
    except OSError as error:
        raise MeterUnavailable(f"{port}: cannot be opened: {_open_trouble(error)}") from error
    try:
        if not stat.S_ISCHR(os.fstat(file).st_mode):
            raise MeterUnavailable(f"{port}: it is no character device; correct `port`")
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        fcntl.ioctl(file, USBTMC_IOCTL_SET_TIMEOUT, struct.pack("=I", round(WRITE_TIMEOUT_S * 1000)))
    except OSError as error:
        os.close(file)
        raise MeterUnavailable(f"{port}: cannot be used: {_open_trouble(error)}") from error
    except BaseException:
        os.close(file)
        raise
    return file


def _open_trouble(error: OSError) -> str:
    match error.errno:
        case errno.ENOENT | errno.ENXIO | errno.ENODEV:
            return "there is no such port; connect the meter, or correct `port`"
        case errno.EACCES | errno.EPERM:
            return "no permission; give your user the device with a udev rule"
        case errno.EBUSY | errno.EAGAIN:
            return "another program uses it; end that program"
        case errno.ENOTTY | errno.EINVAL:
            return "reads of it cannot be given a timeout; it is no USB-TMC device, or Linux is older than 4.20"
        case _:
            return f"{error}; check the port and what stands behind it"


def open_wire(port: str, line: Line, sink: Sink | None, access: Access = ANYBODY) -> Wire:
    """Open a USB-TMC device, or a serial port (tty, `socket://`, `socket+tls://`, `rfc2217://`) set to `line`.

    Raises `MeterOptionError`, `MeterUnavailable`, `MeterMismatch`.
    """
    is_usbtmc = port.startswith(USBTMC_PREFIX) and host.recording() is None  # a log is read like a line
    return UsbtmcWire(port, sink) if is_usbtmc else SerialWire(port, line, sink, access)
