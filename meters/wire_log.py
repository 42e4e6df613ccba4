"""The wire log: every byte that came from a meter or went to it, as it came, and when.

Knows: its lines, written and read; nothing else in this house parses them. Does not know: what the bytes mean.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Literal, Protocol

from meters.meter import CaptureError


class Sink(Protocol):
    """Where captured bytes go: any binary file."""

    def write(self, data: bytes, /) -> object:
        """Take bytes."""
        ...

    def flush(self) -> None:
        """Hand them to the operating system."""
        ...


@dataclass(frozen=True, slots=True)
class Exchange:
    """One chunk on the wire; `direction` is `<` from the meter, `>` to the meter, `time_ns` host monotonic."""

    time_ns: int
    direction: Literal["<", ">"]
    data: bytes


class Capture:
    """Writes a wire log: one line per chunk, `<time_ns> < <hex>` or `<time_ns> > <hex>`, flushed at once."""

    __slots__ = ("_sink",)

    def __init__(self, sink: Sink) -> None:
        self._sink = sink

    def record(self, exchange: Exchange) -> None:
        """Append one chunk."""
        line = f"{exchange.time_ns} {exchange.direction} {exchange.data.hex()}\n"
        self._sink.write(line.encode("ascii"))
        self._sink.flush()


def read_capture(lines: Iterable[bytes], name: str, first: int = 1) -> Iterator[Exchange]:
    """Yield the chunks of a wire log opened in binary mode; `name`, and the number of a line from `first` on, stand in
    errors.

    A last line without its newline was cut off when the writer was killed; it is not a chunk.
    Raises `CaptureError` with file and line for everything else that is not one.
    """
    for number, line in enumerate(lines, start=first):
        if not line.endswith(b"\n"):
            return
        yield _exchange(line, f"{name}:{number}")


def _exchange(line: bytes, place: str) -> Exchange:
    try:
        time_text, direction, payload = line.decode("ascii").removesuffix("\n").split(" ")
        if not time_text.isdecimal() or not (payload.isalnum() or not payload):
            raise ValueError  # int() and fromhex() read more than is ever written
        return Exchange(int(time_text), _DIRECTIONS[direction], bytes.fromhex(payload))
    except (ValueError, KeyError):
        pass
    raise CaptureError(
        f"{place}: found {line[:60]!r}, expected `<time_ns> < <hex>` or `<time_ns> > <hex>`; "
        "the wire log was changed or is not one"
    )


_DIRECTIONS: dict[str, Literal["<", ">"]] = {"<": "<", ">": ">"}
