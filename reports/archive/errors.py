"""What is wrong with an archive, for its user: place, what was found, what to do."""

import errno
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from harness.record.errors import AnalysisError, why

IN_PARTS, IN_PACKS = re.compile(r"(?:^|/)parts/([^/]+)/"), re.compile(r"(?:^|/)packs/")


class ArchiveError(AnalysisError):
    """An archive that cannot be read or written."""


@contextmanager
def written(target: Path) -> Iterator[None]:
    """What the system refuses of a file or folder that is written, as a sentence with a remedy.

    Raises:
        ArchiveError: it cannot be written.
    """
    try:
        yield
    except OSError as error:
        raise ArchiveError(f"{target}: cannot be written ({why(error)})") from None


def unreadable(where: str, said: str) -> ArchiveError:
    """A Parquet file that cannot be read: is it not there, may it not be read, or is it damaged, and what to do.
    `said`: what the reader said of it."""
    if os.strerror(errno.EACCES) in said:
        return ArchiveError(f"{where}: you have no right to read it; who owns the archive gives it (chmod, chown)")
    if os.strerror(errno.ENOENT) in said:
        return ArchiveError(f"{where}: not there; take it from a copy of the archive{_or_add(where)}")
    return ArchiveError(f"{where}: damaged ({said}); {remedy(where)}")


def remedy(where: str) -> str:
    """What to do about a damaged Parquet file."""
    if IN_PACKS.search(where):
        return "remove that file and give `wattlab archive compact` again: packs hold copies"
    added = _or_add(where)
    return f"take it from a copy of the archive{added.replace(', or', ', or remove that file and')}"


def _or_add(where: str) -> str:
    campaign = IN_PARTS.search(where)
    return f", or add campaign {campaign[1]} again" if campaign else ""
