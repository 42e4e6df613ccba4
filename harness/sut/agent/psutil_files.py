"""The files of /proc from which psutil makes every sample, opened once.

psutil opens them anew for each call, through Python's layers of text and buffer: a third of its time. Here its two
functions that open a file hand out what stands in one that stays open, as a file object of the same kind. What is read,
from where, and what it means stays psutil's own.

Knows the names of these two functions; a psutil that does not have them opens as it always did. Does not know what
psutil makes of a file.
"""

from __future__ import annotations

import io
import sys
from collections.abc import Callable
from typing import Any

from harness.sut.agent.small_files import KeptFile

KEPT = ("/proc/meminfo", "/proc/diskstats", "/proc/net/dev", "/proc/stat")
ENCODING = sys.getfilesystemencoding()


def keep_files_open(psutil: Any) -> None:
    """From now on psutil reads the files of KEPT through descriptors that stay open."""
    linux = getattr(psutil, "_pslinux", None)
    files = {path: KeptFile(path) for path in KEPT}
    for name, as_file in (("open_binary", io.BytesIO), ("open_text", as_text)):
        opens = getattr(linux, name, None)
        if opens is not None:
            setattr(linux, name, kept_opener(opens, as_file, files))


def kept_opener(
    opens: Callable[..., Any], as_file: Callable[[bytes], Any], files: dict[str, KeptFile]
) -> Callable[..., Any]:
    """A function that opens one of `files` as a file object of what stands there now; any other file, and one that
    cannot be read, as `opens` does."""

    def open_kept(path: Any, **options: Any) -> Any:
        content = files[path].read() if path in files and not options else None
        return opens(path, **options) if content is None else as_file(content)

    return open_kept


def as_text(content: bytes) -> io.StringIO:
    """A text file as Python would open it."""
    return io.StringIO(content.decode(ENCODING, "surrogateescape"))
