"""What every wire that carries bytes has: chunks with the time they came, deadlines, an end of reading.

Knows: the protocol of such a wire, and how to empty it. Does not know: any kind of wire (`meters.serial_wire`,
`meters.usbtmc_wire`), what the bytes mean.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from meters.access import Peer
from meters.deadline import Deadline
from meters.meter import MeterGarbage, MeterTimeout


@dataclass(frozen=True, slots=True)
class Chunk:
    """Bytes that arrived together; `time_ns` is the host's monotonic clock when the last of them was here."""

    time_ns: int
    data: bytes


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


def shown(data: bytes, most: int = 60) -> str:
    """Return bytes for the sentence of an error, the first `most` of them."""
    return repr(data[:most])
