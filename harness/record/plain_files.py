"""Plain files below a folder: opened, read, hashed, listed, written whole. No link is followed, no device opened.

Knows files, folders and digests. Knows nothing of what is in them.
"""

import hashlib
import os
import stat
from io import BufferedReader
from pathlib import Path

from harness.record.errors import RunFolderError

MOST_NAMED = 16 << 20
"""Bytes of a file that the operator names, unless more is asked for."""


def open_plain(path: Path) -> BufferedReader:
    """Open a plain file for reading; its last part may be no link, pipe or device (OSError).

    Where this is allowed (one's own files) reading leaves no time of access: that would be written, and whoever appends
    to the file at the same time could have to wait for it (the journal of ext4 does not know priorities).
    """
    flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
    try:
        handle = os.open(path, flags | os.O_NOATIME)
    except PermissionError:
        handle = os.open(path, flags)
    if not stat.S_ISREG(os.fstat(handle).st_mode):
        os.close(handle)
        raise OSError(f"{path} is no plain file")
    return os.fdopen(handle, "rb")


def read_plain(path: Path) -> bytes:
    """The bytes of a plain file (`open_plain`)."""
    with open_plain(path) as file:
        return file.read()


def read_named(path: Path, most: int = MOST_NAMED) -> bytes:
    """The bytes of a file that the operator names, through links, `most` at most: nothing that gives no end, or no
    answer (a pipe, a device).

    Raises:
        OSError: it cannot be read, is no regular file, or is larger.
    """
    with os.fdopen(os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC), "rb", closefd=True) as file:
        if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
            raise OSError("it is a pipe or a device, expected a regular file")
        content = file.read(most + 1)
    if len(content) > most:
        raise OSError(f"it has more than {most >> 20} MiB")
    return content


def sha256_of(path: Path) -> str:
    """Hex SHA-256 of a plain file's bytes."""
    with open_plain(path) as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def lines_of(path: Path) -> int:
    """How many lines of a plain file ended (`open_plain`)."""
    with open_plain(path) as file:
        return sum(block.count(b"\n") for block in iter(lambda: file.read(1 << 20), b""))


def inside(name: str) -> Path:
    """A relative path that stays in its folder.

    Raises:
        RunFolderError: absolute, empty, or climbing out.
    """
    path = Path(name)
    if not name or path.is_absolute() or ".." in path.parts or "\0" in name:
        raise RunFolderError(f"{name!r}: a path inside a run folder must be relative and may not climb out of it")
    return path


def below(folder: Path) -> list[Path]:
    """Everything below a folder, sorted, however deep; links are told, never followed."""
    items, places = [], [folder]
    while places:
        contents = list(places.pop().iterdir())
        items += contents
        places += [item for item in contents if item.is_dir() and not item.is_symlink()]
    return sorted(items)


def is_plain(item: Path) -> bool:
    """Whether it is a plain file or a folder, and no link to one."""
    mode = item.lstat().st_mode
    return stat.S_ISREG(mode) or stat.S_ISDIR(mode)


def regular_files(folder: Path) -> list[str]:
    """Relative POSIX names of every regular file below a folder, sorted; links and devices are refused."""
    names = []
    for path in below(folder):
        mode = path.lstat().st_mode
        if stat.S_ISREG(mode):
            names.append(path.relative_to(folder).as_posix())
        elif not stat.S_ISDIR(mode):
            raise RunFolderError(f"{path}: a link, pipe or device in a run folder; only plain files can be sealed")
    return sorted(names)


def put_on_disk(path: Path) -> None:
    """Put a file, or the names in a folder, on disk: fsync of a file does not do that of its name (fsync(2))."""
    handle = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def write_whole(draft: Path, content: bytes, target: Path) -> None:
    """Write a file that appears whole, on disk, or not at all."""
    with draft.open("xb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    draft.rename(target)
