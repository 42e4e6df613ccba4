"""Small files of the kernel (/proc, /sys) and of the system, read as text.

Knows how to read one and what to say where there is none. Does not know what stands in it.
"""

from __future__ import annotations

import functools
import os

CPU_FILES = "/sys/devices/system/cpu/"


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
