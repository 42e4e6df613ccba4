"""Files on the SUT: written whole or not at all, read up to a bound, never through a link.

Knows what SFTP can do with a file (`Files`: paramiko's client, or this machine's own files). Knows no folder of
wattlab's and no error of the lab: what the wire raises goes on to whoever holds the link.
"""

import io
import os
import stat
from collections.abc import Callable
from pathlib import PurePosixPath
from typing import IO, Any, Protocol

from harness.record.documents import is_plain_name
from harness.record.errors import SutError

MAX_ANSWER = 8 << 20
"""Bytes of what the SUT says or has in a file, unless more is asked for."""


class Status(Protocol):
    """What is known of a file."""

    @property
    def st_mode(self) -> int | None:
        """Kind and rights."""

    @property
    def st_size(self) -> int | None:
        """Bytes."""


class Files(Protocol):
    """The files of the SUT, by absolute paths; every method raises OSError."""

    def stat(self, path: str, /) -> Status:
        """Of what the path names, through links."""

    def lstat(self, path: str, /) -> Status:
        """Of the path itself."""

    def mkdir(self, path: str, mode: int = ..., /) -> None:
        """Make one folder."""

    def putfo(self, file: IO[bytes], path: str, /) -> Any:  # noqa: ANN401  what nobody looks at
        """Write a file's content, and check that all of it is there."""

    def posix_rename(self, old: str, new: str, /) -> None:
        """Give a file another name, in place of what has that."""

    def open(self, path: str, mode: str = ..., /) -> Any:  # noqa: ANN401  paramiko's file, or a plain one
        """Open a file."""


def plain(name: str) -> str:
    """A file name that cannot leave its folder."""
    if not is_plain_name(name):
        raise SutError(f"{name!r} is no plain file name; name files without folders")
    return name


def make_folders(sftp: Files, path: str) -> None:
    """A folder and those above it, where they are not there yet."""
    for folder in reversed([PurePosixPath(path), *PurePosixPath(path).parents]):
        try:
            sftp.stat(str(folder))
        except FileNotFoundError:
            sftp.mkdir(str(folder), 0o700)


def write(sftp: Files, path: str, content: bytes) -> None:
    """The whole file or none: under another name first."""
    partial = f"{path}.part-{os.getpid()}"
    # Looks at the size afterwards: a full disk shows up nowhere else.
    sftp.putfo(io.BytesIO(content), partial)
    sftp.posix_rename(partial, path)


def unlike(sftp: Files, path: str, is_right: Callable[[int], bool], what: str) -> str | None:
    """What is wrong with a path, looked at itself and not at what a link in its place names; None: nothing."""
    try:
        mode = sftp.lstat(path).st_mode or 0
    except FileNotFoundError:
        return "is not there"
    return None if is_right(mode) else f"is no {what}{', but a link' if stat.S_ISLNK(mode) else ''}"


def read(sftp: Files, path: str, most: int = MAX_ANSWER) -> bytes:
    """The first bytes of a file, `most` at most."""
    size = sftp.stat(path).st_size or 0
    with sftp.open(path, "rb") as file:
        if hasattr(file, "prefetch"):  # over a network
            file.prefetch(min(size, most))
        return bytes(file.read(most))


def read_if_there(sftp: Files, path: str) -> bytes | None:
    """A file's bytes; None where there is none."""
    try:
        return read(sftp, path)
    except FileNotFoundError:
        return None
