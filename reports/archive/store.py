"""Where an archive lies: a folder of this machine, or any place that fsspec reaches by a URL (S3 and the like).

Knows paths below it and bytes. Knows no campaign and no table. A file appears whole or not at all: in a folder it is
written beside and moved into its place, and an object store makes an object visible when it is complete.
"""

import os
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, TypeVar

import fsspec
from fsspec.implementations.local import LocalFileSystem

from harness.record.plain_files import put_on_disk
from reports.archive.errors import ArchiveError

MARKER = "wattlab-archive.json"
MARK = b'{"kind": "wattlab-archive", "schema": 1}\n'
Result = TypeVar("Result")


class Store:
    """An archive's place.

    Raises:
        ArchiveError: the URL has no file system, or its package is not installed.
    """

    def __init__(self, url: str) -> None:
        self.url = url
        try:
            self.files, self._root = fsspec.core.url_to_fs(url)
        except (ImportError, ValueError) as error:
            raise ArchiveError(
                f"{url}: {error}; name a folder, or install the package that reaches such a URL (s3fs for s3://)"
            ) from None
        self.is_local = isinstance(self.files, LocalFileSystem)

    def path(self, name: str) -> str:
        """The whole path of a file below it, as `files` takes it."""
        return f"{self._root.rstrip('/')}/{name}"

    def require(self) -> None:
        """Raise ArchiveError where no archive is."""
        if not self.exists(MARKER):
            raise ArchiveError(
                f"{self.url}: no archive there; `wattlab archive add CAMPAIGN --into {self.url}` makes one"
            )

    def make(self) -> None:
        """Make it an archive where it is none yet.

        Raises:
            ArchiveError: something else lies there.
        """
        if self.exists(MARKER):
            if self.read(MARKER) != MARK:
                raise ArchiveError(f"{self.url}: {MARKER} is of another program or a newer wattlab; nothing was added")
            return
        if self._do("", lambda: self.files.exists(self._root) and bool(self.files.ls(self._root, detail=False))):
            raise ArchiveError(f"{self.url}: something else lies there; name an empty folder for the archive")
        self.put(MARKER, MARK)

    def exists(self, name: str) -> bool:
        """Whether there is such a file."""
        return bool(self._do(name, lambda: self.files.exists(self.path(name))))

    def names(self, folder: str) -> list[str]:
        """Files below a folder, as paths below the archive, sorted; none where there is no such folder."""

        def found() -> list[str]:
            self.files.invalidate_cache()
            above = len(self._root.strip("/")) + 1
            return sorted(str(path).lstrip("/")[above:] for path in self.files.find(self.path(folder)))

        try:
            return self._do(folder, found)
        except FileNotFoundError:
            return []

    def read(self, name: str) -> bytes:
        """The bytes of a file.

        Raises:
            ArchiveError: it is not there, or cannot be read.
        """
        try:
            return bytes(self._do(name, lambda: self.files.cat_file(self.path(name))))
        except FileNotFoundError:
            raise ArchiveError(f"{self.path(name)}: not there; take it from a copy of the archive") from None

    def put(self, name: str, content: bytes) -> None:
        """Write a file whole, over whatever was there."""
        with tempfile.TemporaryDirectory(prefix="wattlab-") as scratch:
            draft = Path(scratch) / "draft"
            draft.write_bytes(content)
            self.put_file(name, draft)

    def put_file(self, name: str, source: Path) -> None:
        """The same with a file of this machine, which stays where it is."""
        self._do(name, lambda: self._put_local(name, source) if self.is_local else self._put_far(name, source))

    def _put_far(self, name: str, source: Path) -> None:
        self.files.put_file(str(source), self.path(name))

    def _put_local(self, name: str, source: Path) -> None:
        target = Path(self.path(name))
        target.parent.mkdir(parents=True, exist_ok=True)
        draft = target.with_name(f".{target.name}.{os.getpid()}.part")
        try:
            with source.open("rb") as read, draft.open("wb") as write:
                while block := read.read(1 << 20):
                    write.write(block)
                write.flush()
                os.fsync(write.fileno())
            draft.replace(target)
        except BaseException:
            with suppress(OSError):
                draft.unlink()
            raise
        put_on_disk(target.parent)

    def remove(self, name: str) -> None:
        """Remove a file; nothing where it is not there."""
        with suppress(FileNotFoundError):
            self._do(name, lambda: self.files.rm_file(self.path(name)))

    @contextmanager
    def fetched(self, name: str) -> Iterator[Path]:
        """A file as one of this machine, as long as it is asked for."""
        if self.is_local:
            yield Path(self.path(name))
            return
        with tempfile.TemporaryDirectory(prefix="wattlab-") as scratch:
            place = Path(scratch) / Path(name).name
            self._do(name, lambda: self.files.get_file(self.path(name), str(place)))
            yield place

    def _do(self, name: str, act: Callable[[], Result]) -> Result:
        """What a file system does; whatever it raises becomes a sentence, but that a file is not there."""
        try:
            return act()
        except (FileNotFoundError, ArchiveError):
            raise
        except Exception as error:
            said: Any = getattr(error, "strerror", None) or error
            raise ArchiveError(
                f"{self.path(name)}: {said}; nothing of what was added before is lost: mend it, and give the same "
                "command again"
            ) from error
