"""Files on the SUT over SFTP: written whole or not at all, read up to a bound, never through a link.

Knows paramiko's SFTP client. Knows no folder of wattlab's and no error of the lab: what the wire raises goes on to
whoever holds the link.
"""

import io
import os
import stat
from collections.abc import Callable
from pathlib import PurePosixPath

import paramiko

from harness.record.documents import is_plain_name
from harness.record.errors import SutError

MAX_ANSWER = 8 << 20
"""Bytes of what the SUT says or has in a file, unless more is asked for."""


def plain(name: str) -> str:
    """A file name that cannot leave its folder."""
    if not is_plain_name(name):
        raise SutError(f"{name!r} is no plain file name; name files without folders")
    return name


def make_folders(sftp: paramiko.SFTPClient, path: str) -> None:
    """A folder and those above it, where they are not there yet."""
    for folder in reversed([PurePosixPath(path), *PurePosixPath(path).parents]):
        try:
            sftp.stat(str(folder))
        except FileNotFoundError:
            sftp.mkdir(str(folder), 0o700)


def write(sftp: paramiko.SFTPClient, path: str, content: bytes) -> None:
    """The whole file or none: under another name first."""
    partial = f"{path}.part-{os.getpid()}"
    # Looks at the size afterwards: a full disk shows up nowhere else.
    sftp.putfo(io.BytesIO(content), partial, confirm=True)
    sftp.posix_rename(partial, path)


def unlike(sftp: paramiko.SFTPClient, path: str, is_right: Callable[[int], bool], what: str) -> str | None:
    """What is wrong with a path, looked at itself and not at what a link in its place names; None: nothing."""
    try:
        mode = sftp.lstat(path).st_mode or 0
    except FileNotFoundError:
        return "is not there"
    return None if is_right(mode) else f"is no {what}{', but a link' if stat.S_ISLNK(mode) else ''}"


def read(sftp: paramiko.SFTPClient, path: str, most: int = MAX_ANSWER) -> bytes:
    """The first bytes of a file, `most` at most."""
    with sftp.open(path, "rb") as file:
        file.prefetch(min(file.stat().st_size or 0, most))
        return file.read(most)


def read_if_there(sftp: paramiko.SFTPClient, path: str) -> bytes | None:
    """A file's bytes; None where there is none."""
    try:
        return read(sftp, path)
    except FileNotFoundError:
        return None
