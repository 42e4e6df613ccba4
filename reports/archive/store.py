"""Where an archive lies: a folder of this machine, or any place that fsspec reaches by a URL (S3 and the like).

Knows paths below it and bytes. Knows no campaign and no table. A file appears whole or not at all: in a folder it is
written beside and moved into its place, and an object store makes an object visible when it is complete. What is
created, and not put, is of one writer alone: where a name is taken, a link fails, and so does `If-None-Match: *`.
"""

import errno
import hashlib
import os
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from datetime import timedelta
from pathlib import Path
from shlex import quote
from typing import Any, TypeVar

import fsspec
from fsspec.implementations.local import LocalFileSystem

from harness.record.errors import why
from harness.record.plain_files import put_on_disk
from reports.archive.errors import ArchiveError, unreadable, written

MARKER = "wattlab-archive.json"
MARK = b'{"kind": "wattlab-archive", "schema": 1}\n'
MD5_DIGITS, MOST_WORDS = 32, 300
DRAFT = ".part"
FORMS = "name a folder, or a URL such as s3://bucket/place (docs/archive.md)"
GONE = "not there; take it from a copy of the archive"
DRAFT_S = 86400.0
"""A draft that was not written on for so long is nobody's."""
OBJECT_STORES = ("s3", "s3a", "gs", "az", "abfs", "abfss")
"""Reached by obstore; every other URL by fsspec."""
ENDPOINTS = ("AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL", "AWS_ENDPOINT")
"""Where an S3 server is named that is not Amazon's."""
KEYS = ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY")
AMAZON = "169.254.169.254"
"""Who is asked for keys where nobody gave any: only a machine of Amazon's has an answer."""
Result = TypeVar("Result")


class Taken(Exception):
    """Somebody else has created the file."""


class GoneError(ArchiveError):
    """The file is not there, or not any more."""


def require_lasting(url: str) -> None:
    """Raise ArchiveError where nothing can stay, whatever machine it is written from; asks nobody."""
    scheme, mark, _ = url.partition("://")
    if not mark or scheme in OBJECT_STORES:
        return
    if scheme == "memory":
        raise ArchiveError(f"{url}: what lies there ends with the command that wrote it; {FORMS}")
    if scheme not in fsspec.available_protocols():
        raise ArchiveError(f"{url}: nothing here knows {scheme}://; {FORMS}")


class Store:
    """An archive's place.

    Raises:
        ArchiveError: the URL has no file system, or its package is not installed.
    """

    def __init__(self, url: str) -> None:
        self.url = url
        options = _patience() if url.partition("://")[0] in OBJECT_STORES else {}
        try:
            self._objects = _objects_at(url, options) if options else None
            self.files, self._root = fsspec.core.url_to_fs(url, **options)
        except Exception as error:  # of every package that fsspec knows
            raise ArchiveError(f"{url}: {_words(error)}; {FORMS}") from None
        self.is_local = isinstance(self.files, LocalFileSystem)
        self.keeps_apart: bool | None = None
        """Whether a file that is created is of one writer alone here; None: nothing was created yet."""

    @property
    def address(self) -> str:
        """What names it from any folder: the URL, or a whole path."""
        return str(self._root) if self.is_local else self.url

    def path(self, name: str) -> str:
        """The whole path of a file below it, as `files` takes it."""
        return f"{self._root.rstrip('/')}/{name}"

    def require(self) -> None:
        """Raise ArchiveError where no archive is, or the place cannot be reached."""
        if self.exists(MARKER):
            return
        try:
            self.read(MARKER)  # some file systems say of whatever they cannot reach that it does not exist
        except GoneError:
            raise ArchiveError(
                f"{self.url}: no archive there; `wattlab archive add CAMPAIGN --into {quote(self.url)}` makes one"
            ) from None

    def make(self) -> None:
        """Make it an archive where it is none yet.

        Raises:
            ArchiveError: something else lies there.
        """
        if self.exists(MARKER):
            if self.read(MARKER) != MARK:
                raise ArchiveError(f"{self.url}: {MARKER} is of another program or a newer wattlab; nothing was added")
            return
        if self._do("", self._others):
            raise ArchiveError(f"{self.url}: something else lies there; name an empty folder for the archive")
        with suppress(Taken):
            self.create(MARKER, MARK)

    def _others(self) -> set[str]:
        """What lies there and makes it no place for an archive: nothing where another makes one at this moment."""
        if not self.files.exists(self._root):
            return set()
        self.files.invalidate_cache()
        found = {str(path).rstrip("/").rpartition("/")[2] for path in self.files.ls(self._root, detail=False)}
        return set() if MARKER in found else {name for name in found if not _is_draft(name)}

    def exists(self, name: str) -> bool:
        """Whether there is such a file."""
        return bool(self._do(name, lambda: self.files.exists(self.path(name))))

    def names(self, folder: str) -> list[str]:
        """Files below a folder, as paths below the archive, sorted, without drafts; none where it is not there."""
        return sorted(name for name in self._do(folder, lambda: self._found(folder)) if not _is_draft(name))

    def _found(self, folder: str) -> list[str]:
        if self.is_local:
            found = []
            root = Path(self._root)
            for place, _, files in os.walk(root / folder, onerror=_unless_gone):
                beneath = Path(place).relative_to(root).as_posix()
                found += [f"{beneath}/{file}" for file in files]
            return found
        self.files.invalidate_cache()
        above = len(str(self._root).strip("/")) + 1
        try:
            return [str(path).lstrip("/")[above:] for path in self.files.find(self.path(folder))]
        except FileNotFoundError:
            return []

    def stamps(self, folder: str, names: Iterable[str]) -> dict[str, str]:
        """Files of a folder -> MD5 of their bytes, which an object store tells with the names; it shows that a file is
        another than before, and proves nothing."""
        told = {} if self.is_local else self._do(folder, lambda: self._etags(folder))
        return {name: told.get(name) or self._md5(name) for name in names}

    def states(self, folder: str) -> dict[str, str]:
        """Files right below a folder of this machine -> size and time of the last change: where both are as before, so
        is the file, as long as nobody wants it to look so. Empty elsewhere."""
        if not self.is_local:
            return {}
        try:
            with os.scandir(self.path(folder)) as found:
                told = ((entry.name, entry.stat(follow_symlinks=False)) for entry in found)
                return {f"{folder}/{name}": f"{state.st_size}-{state.st_mtime_ns}" for name, state in told}
        except OSError:
            return {}

    def _md5(self, name: str) -> str:
        content = self.read(name)
        return hashlib.md5(content, usedforsecurity=False).hexdigest()

    def _etags(self, folder: str) -> dict[str, str]:
        self.files.invalidate_cache()
        above = len(str(self._root).strip("/")) + 1
        try:
            found = self.files.find(self.path(folder), detail=True)
        except FileNotFoundError:
            return {}
        tags = {str(path).lstrip("/")[above:]: str(told.get("e_tag") or "").strip('"') for path, told in found.items()}
        return {name: tag for name, tag in tags.items() if len(tag) == MD5_DIGITS}

    def read(self, name: str) -> bytes:
        """The bytes of a file.

        Raises:
            ArchiveError: it is not there, or cannot be read.
        """
        try:
            if self.is_local:
                return self._do(name, lambda: _content(f"{self._root}/{name}"))
            return bytes(self._do(name, lambda: self.files.cat_file(self.path(name))))
        except FileNotFoundError:
            raise GoneError(f"{self.path(name)}: {GONE}") from None

    def put(self, name: str, content: bytes) -> None:
        """Write a file whole, over whatever was there."""
        with _kept(content) as source:
            self.put_file(name, source)

    def put_file(self, name: str, source: Path) -> None:
        """The same with a file of this machine, which stays where it is."""
        if self.is_local:
            self._do(name, lambda: self._write(name, source, Path.replace))
        else:
            self._do(name, lambda: self.files.put_file(str(source), self.path(name)))

    def create(self, name: str, content: bytes) -> None:
        """Write a file whole where none is.

        Raises:
            Taken: one is there, by whomever.
        """
        try:
            self._do(name, lambda: self._create(name, content))
        except FileExistsError:
            raise Taken(name) from None

    def _create(self, name: str, content: bytes) -> None:
        if self.is_local:
            with _kept(content) as source:
                self._write(name, source, _link)
            self.keeps_apart = True
            return
        self._create_far(name, content)
        if self.keeps_apart is None:
            self.keeps_apart = self._is_refused_twice(name, content)

    def _create_far(self, name: str, content: bytes) -> None:
        if self._objects is None:
            self.files.pipe_file(self.path(name), content, mode="create")
            return
        from obstore.exceptions import AlreadyExistsError

        try:
            self._objects.put(self._key(name), content, mode="create")
        except AlreadyExistsError as error:
            raise FileExistsError(name) from error

    def _is_refused_twice(self, name: str, content: bytes) -> bool:
        """Whether the place refuses what is there; one that knows no conditions writes the same bytes again."""
        try:
            self._create_far(name, content)
        except FileExistsError:
            return True
        return False

    def _write(self, name: str, source: Path, into_place: Callable[[Path, Path], object]) -> None:
        target = Path(self.path(name))
        with written(target.parent):
            target.parent.mkdir(parents=True, exist_ok=True)
        draft = target.with_name(f".{target.name}.{os.getpid()}{DRAFT}")
        try:
            with source.open("rb") as read, draft.open("wb") as write:
                while block := read.read(1 << 20):
                    write.write(block)
                write.flush()
                os.fsync(write.fileno())
            into_place(draft, target)
        finally:
            with suppress(OSError):
                draft.unlink(missing_ok=True)
        put_on_disk(target.parent)

    def remove_drafts(self, folder: str) -> None:
        """Remove what writers that were killed left in a folder a day ago or more."""
        for place, _, files in os.walk(self.path(folder)) if self.is_local else ():
            for draft in (Path(place) / file for file in files if _is_draft(file)):
                with suppress(FileNotFoundError):
                    if time.time() - draft.stat().st_mtime > DRAFT_S:
                        draft.unlink()

    def remove(self, name: str) -> None:
        """Remove a file; nothing where it is not there."""
        with suppress(FileNotFoundError):
            self._do(name, lambda: self.files.rm_file(self.path(name)))

    @contextmanager
    def fetched(self, name: str) -> Iterator[Path]:
        """A file as one of this machine, as long as it is asked for.

        Raises:
            ArchiveError: it is not there, or cannot be read.
        """
        if self.is_local and Path(self.path(name)).is_file():
            if Path(self.path(name)).is_symlink():
                raise ArchiveError(f"{self.path(name)}: a link; an archive has plain files, so put the file there")
            if not os.access(self.path(name), os.R_OK):
                raise unreadable(self.path(name), os.strerror(errno.EACCES))
            yield Path(self.path(name))
            return
        with tempfile.TemporaryDirectory(prefix="wattlab-") as scratch:
            place = Path(scratch) / Path(name).name
            try:
                self._do(name, lambda: self._get(name, place))
            except FileNotFoundError:
                raise GoneError(f"{self.path(name)}: {GONE}") from None
            yield place

    def _get(self, name: str, place: Path) -> None:
        if self._objects is None:
            self.files.get_file(self.path(name), str(place))
            return
        with place.open("wb") as file:  # fsspec's way would hold the whole of it in memory
            for block in self._objects.get(self._key(name)):
                file.write(block)

    def _key(self, name: str) -> str:
        """A file's name in its bucket."""
        return self.path(name).partition("/")[2]

    def _do(self, name: str, act: Callable[[], Result]) -> Result:
        """What a file system does; whatever it raises becomes a sentence, but that a file is not there."""
        try:
            return act()
        except (FileNotFoundError, FileExistsError, ArchiveError):
            raise
        except Exception as error:
            if AMAZON in str(error) and not os.environ.get(KEYS[0]):
                raise ArchiveError(
                    f"{self.url}: no AWS keys; set the environment variables {' and '.join(KEYS)}, and "
                    "AWS_ENDPOINT_URL for a server that is not Amazon's"
                ) from None
            place = self.path(name) if self.is_local else f"{self.path(name)}: the place cannot be reached or used"
            raise ArchiveError(
                f"{place}: {_words(error)}; nothing of what was added before is lost: mend it, and "
                "give the same command again"
            ) from error


def _patience() -> dict[str, Any]:
    """How long an object store is waited for, how often it is asked again, and no TLS where its address has none."""
    endpoint = next(filter(None, map(os.environ.get, ENDPOINTS)), "")
    client = {"connect_timeout": "10s", "timeout": "300s", "allow_http": endpoint.startswith("http://")}
    return {"client_options": client, "retry_config": {"max_retries": 6, "retry_timeout": timedelta(seconds=300)}}


def _objects_at(url: str, options: Mapping[str, Any]) -> Any:  # noqa: ANN401  a store of obstore, imported late
    """The bucket of a URL; fsspec reaches it by the same package then."""
    from obstore.fsspec import register
    from obstore.store import from_url

    protocol, _, rest = url.partition("://")
    register(protocol)
    return from_url(f"{protocol}://{rest.partition('/')[0]}", **options)


def _words(error: Exception) -> str:
    """What went wrong, in a line: an object store tells its own debugging after it."""
    if isinstance(error, PermissionError | NotADirectoryError) and error.strerror:
        return why(error)
    said = str(getattr(error, "strerror", None) or error or type(error).__name__).partition("\n")[0]
    return said if len(said) <= MOST_WORDS else f"{said[:MOST_WORDS]} ..."


def _content(path: str) -> bytes:
    with open(path, "rb", buffering=0) as file:  # noqa: PTH123  an index has thousands: half the time of a Path
        return file.read()


def _unless_gone(error: OSError) -> None:
    """A folder that cannot be read is not an empty one; one that is not there holds nothing."""
    if not isinstance(error, FileNotFoundError):
        raise error


def _is_draft(name: str) -> bool:
    return name.endswith(DRAFT) and name.rpartition("/")[2].startswith(".")


@contextmanager
def _kept(content: bytes) -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="wattlab-") as scratch:
        file = Path(scratch) / "file"
        file.write_bytes(content)
        yield file


def _link(draft: Path, target: Path) -> None:
    """The draft under its name, unless that is taken."""
    try:
        os.link(draft, target)
    except FileExistsError:
        raise
    except OSError as error:
        raise OSError(
            error.errno, "a file system without hard links, by which two that add are kept apart; use ext4, XFS or NFS"
        ) from None
