"""A file that grows, read as far as its last whole line.

Knows bytes and lines. Knows no format. A file that is not there yet has no lines; one that was cut back or replaced is
not the one that was read: whoever reads it begins anew.
"""

import os
from pathlib import Path

from harness.record.plain_files import open_plain

PIECE_BYTES = 4 << 20
"""So much is read at once; a line that is longer is none of ours, and left out."""


class Replaced(Exception):
    """The file is gone, shorter than what was read of it, or another one."""


class Tail:
    """The lines of one file in the order in which they come. No link is followed."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.read_bytes = 0
        """How far it was read."""
        self.left_bytes = 0
        """What was behind that then."""
        self._file: tuple[int, int] | None = None

    def lines(self) -> bytes:
        """Whole new lines, at most `PIECE_BYTES` of them; empty where there are none now.

        Raises:
            Replaced: begin anew.
        """
        try:
            with open_plain(self.path) as file:
                status = os.fstat(file.fileno())
                if self._file not in (None, (status.st_dev, status.st_ino)) or status.st_size < self.read_bytes:
                    raise Replaced(self.path)
                self._file = status.st_dev, status.st_ino
                if status.st_size == self.read_bytes:
                    return b""
                file.seek(self.read_bytes)
                piece = file.read(PIECE_BYTES)
        except OSError:
            if self._file is not None:
                raise Replaced(self.path) from None
            return b""
        whole = piece[: piece.rfind(b"\n") + 1]
        self.left_bytes = status.st_size - self.read_bytes - len(piece)
        self.read_bytes += len(whole) if whole or len(piece) < PIECE_BYTES else len(piece)
        return whole
