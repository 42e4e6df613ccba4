"""Small files of the kernel (/proc, /sys) and of the system.

Knows how to read one, once or again and again, and what to say where there is none. Does not know what stands in it.
"""

from __future__ import annotations

import functools
import os

CPU_FILES = "/sys/devices/system/cpu/"
FILE_BLOCK = 1 << 13
"""Bytes of one read; the memory of larger ones would go back and forth between the kernel and this process."""


def read_text(path: str) -> str | None:
    """A small file's text without the white space around it; null when it cannot be read or is empty."""
    # Not by `open`, which costs three times as much: a survey reads two of them for every process.
    try:
        file = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return None
    try:
        content = b"".join(iter(functools.partial(os.read, file, 1 << 16), b""))
    except OSError:
        return None
    finally:
        os.close(file)
    return content.decode(errors="replace").strip() or None


def joined(*paths: str) -> str | None:
    """The words in several small files; null when there are none."""
    return " ".join(filter(None, map(read_text, paths))) or None


def number_in(content: bytes | None, parts: float) -> float | None:
    """A whole number of so many parts of a unit, in that unit; null where there is none."""
    try:
        return None if content is None else int(content) / parts
    except ValueError:
        return None


class KeptFile:
    """A file of the kernel that is read for every sample: opened once, read from its begin each time, which makes the
    kernel write it anew. One that could not be read is opened again the next time."""

    def __init__(self, path: str) -> None:
        self.path = path
        self._file: int | None = None

    def read(self) -> bytes | None:
        """What stands in it now; null when it cannot be read."""
        try:
            if self._file is None:
                self._file = os.open(self.path, os.O_RDONLY | os.O_CLOEXEC)
            content = more = os.pread(self._file, FILE_BLOCK, 0)
            while more:  # the kernel may hand over less than there is
                more = os.pread(self._file, FILE_BLOCK, len(content))
                content += more
        except OSError:
            self.close()
            return None
        return content

    def close(self) -> None:
        """Let go of it; `read` would open it again."""
        if self._file is not None:
            os.close(self._file)
            self._file = None
