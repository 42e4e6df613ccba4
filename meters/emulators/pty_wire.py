"""A serial line made of a pty, behind a stable path, as slow as the real one.

Knows: ptys, baud rates, plugging and unplugging. Does not know: what is sent.
A pty ignores the baud rate, so sending takes `len * 10 / baud` seconds here; like a USB adapter without a
listener it loses what is sent while nobody has the port open or reads it.
"""

from __future__ import annotations

import os
import select
import time
import tty
from contextlib import suppress
from pathlib import Path

from meters.wire_log import Capture, Exchange, Sink

BITS_PER_BYTE = 10  # 8N1: start, 8 data, stop
PACKET_BYTES = 62  # what an FTDI chip hands over at once (FTDI AN232B-04)


class PtyWire:
    """The meter's end of the line; `link` is a symbolic link to the end a driver opens."""

    def __init__(self, link: Path, baud: int, *, throttle: bool, sink: Sink | None) -> None:
        """Plug in at once; `throttle` false sends as fast as the machine can (for benchmarks).

        `sink` takes a log of what was sent and received, in the format of `meters.wire_log.Capture`.
        Raises `FileExistsError` when something that is no symbolic link stands at `link`.
        """
        self._link = link
        self._baud = baud
        self._throttle = throttle
        self._capture = None if sink is None else Capture(sink)
        self._master: int | None = None
        self._device = ""
        self.plug()

    @property
    def plugged(self) -> bool:
        """Whether the port is there."""
        return self._master is not None

    @property
    def device(self) -> str:
        """The pty behind the link, empty while unplugged."""
        return self._device

    def fileno(self) -> int | None:
        """The descriptor to wait on, `None` while unplugged."""
        return self._master

    @property
    def listening(self) -> bool:
        """Whether somebody has the port open."""
        if self._master is None:
            return False
        poll = select.poll()
        poll.register(self._master, 0)
        return not poll.poll(0)

    @property
    def connected(self) -> bool:
        """Whether a host has the port open."""
        return self.listening

    def hang_up(self) -> None:
        """Do nothing: a line has no connection to end."""

    def plug(self) -> None:
        """Appear: a new pty under the same link."""
        if self._master is not None:
            return
        if self._link.exists() and not self._link.is_symlink():
            raise FileExistsError(f"{self._link} exists and is no symbolic link; name another path for the port")
        master, slave = os.openpty()
        tty.setraw(slave)
        self._device = os.ttyname(slave)
        os.close(slave)  # from here on the master knows whether somebody else has the port open
        os.set_blocking(master, False)
        self._master = master
        fresh = self._link.with_name(f".{self._link.name}.{os.getpid()}")
        fresh.unlink(missing_ok=True)
        fresh.symlink_to(self._device)
        fresh.replace(self._link)

    def unplug(self) -> None:
        """Vanish: the link goes, and whoever has the port open gets an error."""
        if self._master is None:
            return
        if self._link.is_symlink() and str(self._link.readlink()) == self._device:
            self._link.unlink()
        os.close(self._master)
        self._master, self._device = None, ""

    def receive(self) -> bytes:
        """Return what the driver sent so far, without waiting."""
        if self._master is None:
            return b""
        try:
            data = os.read(self._master, 4096)
        except OSError:  # EAGAIN: nothing; EIO: nobody has the port open
            return b""
        if data and self._capture is not None:
            self._capture.record(Exchange(time.monotonic_ns(), ">", data))
        return data

    def send(self, data: bytes) -> None:
        """Send at wire speed; bytes nobody takes are lost, as on a real line."""
        step = PACKET_BYTES if self._throttle else max(1, len(data))
        for at in range(0, len(data), step):
            piece = data[at : at + step]
            if self._throttle:
                time.sleep(len(piece) * BITS_PER_BYTE / self._baud)
            self._write(piece)

    def _write(self, piece: bytes) -> None:
        if self._master is None or not self.listening:
            return
        sent_ns = time.monotonic_ns()
        with suppress(OSError):
            taken = os.write(self._master, piece)
            if self._capture is not None:
                self._capture.record(Exchange(sent_ns, "<", piece[:taken]))
