"""A chained log: an append-only file of JSON lines, each naming the digest of the line before and its own.

Knows lines, digests and which fields an entry has to have. Knows nothing of what they say. An open log keeps what it
read, so that an append costs the same behind ten entries and behind thousands; whenever the file is not as this object
left it, all of it is read and checked again. One thread at a time; between processes `wattlab run` holds the lock.
"""

import errno
import hashlib
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from harness.record.documents import Json, describe, dump, load_object, upgrade
from harness.record.entries import Entry, Forms, entry_of, lacking, misfits
from harness.record.errors import DocumentError, EvidenceBroken, RunFolderError, why
from harness.record.plain_files import open_plain, read_plain

GENESIS = "0" * 64
"""`prev` of a campaign's first line."""
TRIES = 100
OWN_DIGEST_BYTES = len(',"line_sha256":""}') + 64


@dataclass(frozen=True, slots=True)
class _Seen:
    """A log as it was read: what the system said of the file, the entries, how many, their bytes, the last line."""

    stamp: tuple[int, ...]
    entries: list[Entry]
    count: int
    size: int
    last: bytes

    @property
    def head(self) -> str:
        return hashlib.sha256(self.last).hexdigest()


class ChainedLog:
    """An append-only file of JSON lines, each naming the digest of the line before (`prev`) and its own.

    `forms`: type of an entry -> its record. `genesis` is `prev` of the first line.
    """

    def __init__(self, path: Path, forms: Forms, genesis: str = GENESIS) -> None:
        self.path = path
        self.genesis = genesis
        self._forms = forms
        self._seen: _Seen | None = None

    def lines(self) -> list[bytes]:
        """Its whole lines without their newlines; none where there is no file. A half-written last line is left out."""
        try:
            return read_plain(self.path).split(b"\n")[:-1]
        except FileNotFoundError:
            return []
        except OSError as error:
            raise RunFolderError(f"{self.path}: cannot read ({why(error)})") from error

    def first_line(self) -> bytes | None:
        """Its first line without the newline, nothing behind it read; None where there is no whole line."""
        try:
            with open_plain(self.path) as file:
                line = file.readline()
        except FileNotFoundError:
            return None
        except OSError as error:
            raise RunFolderError(f"{self.path}: cannot read ({why(error)})") from error
        return line[:-1] if line.endswith(b"\n") else None

    def entries(self) -> list[Entry]:
        """Every line, the chain checked.

        A half-written last line (a kill in mid-write) is dropped: `append` cuts it away.

        Raises:
            EvidenceBroken: a line was changed, removed or moved; the message names the line.
            DocumentError: a line is no entry of this log.
        """
        return list(self._current().entries)

    def _current(self) -> _Seen:
        """The log as it is now: what was kept of it where the file is as it was left, else read and checked anew."""
        try:
            with open_plain(self.path) as file:
                stamp = _stamp(os.fstat(file.fileno()))
                if (seen := self._seen) is not None and seen.stamp == stamp:
                    file.seek(max(0, seen.size - len(seen.last) - 1))
                    if file.read(len(seen.last) + 1) == seen.last + b"\n":
                        return seen
                    file.seek(0)
                content = file.read()
        except FileNotFoundError:
            stamp, content = (), b""
        except OSError as error:
            raise RunFolderError(f"{self.path}: cannot read ({why(error)})") from error
        self._seen = self._read(stamp, content)
        return self._seen

    def _read(self, stamp: tuple[int, ...], content: bytes) -> _Seen:
        """Every line, checked; they go on from what was read before."""
        lines = content.split(b"\n")[:-1]
        entries: list[Entry] = []
        previous = self.genesis
        for number, line in enumerate(lines, 1):
            entries.append(self._entry(line, number, previous))
            previous = hashlib.sha256(line).hexdigest()
        if (seen := self._seen) is not None and seen.count and lines[seen.count - 1 : seen.count] != [seen.last]:
            raise EvidenceBroken(f"{self.path}: it was cut back or rewritten while it was open")
        return _Seen(stamp, entries, len(entries), sum(map(len, lines)) + len(lines), lines[-1] if lines else b"")

    def readable(self) -> list[Entry]:
        """Whatever of it can be read, behind a broken chain too; what no record fits is a plain `Entry`."""
        entries = []
        for line in self.lines():
            try:
                entries.append(entry_of(load_object(line, str(self.path)), self._forms))
            except DocumentError:
                continue
        return entries

    def _entry(self, line: bytes, number: int, previous: str) -> Entry:
        where = f"{self.path}:{number}"
        if not line.endswith(_own_digest(line[:-OWN_DIGEST_BYTES])):
            raise EvidenceBroken(f"{where}: the line does not fit its own digest: it was changed")
        raw = upgrade(load_object(line, where), where)
        if raw.get("prev") != previous or raw.get("seq") != number:
            raise EvidenceBroken(
                f"{where}: the chain is broken here: prev is {str(raw.get('prev'))[:64]}, the line before has "
                f"sha256 {previous}; a line was changed, removed or inserted"
            )
        entry = entry_of(raw, self._forms)
        if type(entry) is Entry:
            raise DocumentError(f"{where}: {self._fault_of(raw)}")
        return entry

    def _fault_of(self, raw: Json) -> str:
        """Why no record fits a line's object."""
        cls = self._forms.get(str(raw.get("type")))
        if missing := ["a known type"] if cls is None else lacking(raw, cls):
            return f"an entry of type {raw.get('type')!r} lacks {', '.join(missing)}"
        name, value, hint = next(misfits(raw, cls or Entry))
        return f"{name} is {value!r:.60}, expected {describe(hint)}"

    def append(self, kind: str, utc: str, body: Mapping[str, Any]) -> None:
        """Append one chained entry, on disk (fsync) before this returns.

        Raises:
            EvidenceBroken: the log was changed, removed or cut back; nothing was written.
            DocumentError: no reader would take the entry, or one that stands there; nothing was written.
            RunFolderError: the disk refuses; a half line that it left is cut away by the next call.
        """
        for _ in range(TRIES):  # where another process wrote in between, its entry comes first
            if self._append(self._current(), kind, utc, body):
                return
        raise RunFolderError(f"{self.path}: cannot append, others keep writing to it; end them, then try again")

    def _append(self, seen: _Seen, kind: str, utc: str, body: Mapping[str, Any]) -> bool:
        """Append one entry behind what was seen; false where that is no longer all."""
        number, previous = seen.count + 1, seen.head if seen.count else self.genesis
        line = line_of({"seq": number, "prev": previous, "utc": utc, "type": kind, **body})
        entry = self._entry(line, number, previous)
        try:
            stamp = self._write(line + b"\n", seen)
        except OSError as error:
            raise RunFolderError(
                f"{self.path}: cannot append ({error.strerror}); free the disk or give write permission, then try again"
            ) from error
        if stamp is None:
            return False
        seen.entries.append(entry)
        self._seen = _Seen(stamp, seen.entries, number, seen.size + len(line) + 1, line)
        return True

    def _write(self, line: bytes, seen: _Seen) -> tuple[int, ...] | None:
        """Put a line behind what was seen, on disk; what the system says of the file then. None: it is not as seen."""
        handle = os.open(self.path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o666)
        try:
            before = os.fstat(handle)
            if _stamp(before) != seen.stamp and (seen.stamp or before.st_size):
                return None
            if before.st_size > seen.size:  # half a line, which a kill left
                os.ftruncate(handle, seen.size)
            if os.write(handle, line) != len(line):
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            os.fsync(handle)
            after = os.fstat(handle)
            return _stamp(after) if after.st_size == seen.size + len(line) else ()
        finally:
            os.close(handle)

    def head(self) -> str:
        """sha256 of the last line: what the next line will name as `prev`."""
        lines = self.lines()
        return hashlib.sha256(lines[-1]).hexdigest() if lines else self.genesis


def line_of(entry: Json) -> bytes:
    """An entry as its line, without newline: what it says, and behind it the digest of that."""
    unclosed = dump(entry).encode()[:-1]
    return unclosed + _own_digest(unclosed)


def _own_digest(unclosed: bytes) -> bytes:
    """The end of a line of campaign.jsonl: the digest of all that stands before it (`unclosed` lacks its brace)."""
    return b',"line_sha256":"' + hashlib.sha256(unclosed).hexdigest().encode() + b'"}'


def _stamp(status: os.stat_result) -> tuple[int, ...]:
    """What changes of a file with its bytes: which it is, how long, when written (ctime nobody can set)."""
    return status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns
