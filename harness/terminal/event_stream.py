"""Server-sent events (HTML standard, 9.2): bytes as they come -> the data of each event.

Knows lines, fields and the end of an event. Knows not what the data mean.
"""

from collections.abc import Iterator

LONGEST_LINE = 1 << 22


class EventStream:
    """Feed it bytes; it gives the data of every event that is complete.

    Raises:
        ValueError: a line is longer than LONGEST_LINE.
    """

    def __init__(self) -> None:
        self._rest = b""
        self._data: list[bytes] = []

    def feed(self, block: bytes) -> Iterator[bytes]:
        """The data of the events that end in this block."""
        lines = (self._rest + block).replace(b"\r\n", b"\n").split(b"\n")
        self._rest = lines.pop()
        if len(self._rest) > LONGEST_LINE:
            raise ValueError("a line of the stream has no end")
        for line in lines:
            if line.startswith(b"data:"):
                self._data.append(line[6:] if line[5:6] == b" " else line[5:])
            elif not line and self._data:
                data, self._data = b"\n".join(self._data), []
                yield data
