"""A chained log: an append-only file of JSON lines, each naming the digest of the line before and its own.

Knows lines, digests and which fields an entry has to have. Knows nothing of what they say.
"""

import hashlib
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from harness.record.documents import Json, dump, load_object, upgrade
from harness.record.errors import DocumentError, EvidenceBroken, RunFolderError, why
from harness.record.plain_files import read_plain

GENESIS = "0" * 64
"""`prev` of a campaign's first line."""
OWN_DIGEST_BYTES = len(',"line_sha256":""}') + 64


class ChainedLog:
    """An append-only file of JSON lines, each naming the digest of the line before (`prev`) and its own.

    `required`: type of an entry -> fields it has. `genesis` is `prev` of the first line.
    """

    def __init__(self, path: Path, required: Mapping[str, frozenset[str]], genesis: str = GENESIS) -> None:
        self.path = path
        self.genesis = genesis
        self._required = required

    def lines(self) -> list[bytes]:
        """Its whole lines without their newlines; none where there is no file. A half-written last line is left out."""
        try:
            return read_plain(self.path).split(b"\n")[:-1]
        except FileNotFoundError:
            return []
        except OSError as error:
            raise RunFolderError(f"{self.path}: cannot read ({why(error)})") from error

    def entries(self) -> list[Json]:
        """Every line, the chain checked.

        A half-written last line (a kill in mid-write) is dropped: `append` cuts it away.

        Raises:
            EvidenceBroken: a line was changed, removed or moved; the message names the line.
            DocumentError: a line is no entry of this log.
        """
        entries: list[Json] = []
        previous = self.genesis
        for number, line in enumerate(self.lines(), 1):
            entries.append(self._entry(line, number, previous))
            previous = hashlib.sha256(line).hexdigest()
        return entries

    def readable(self) -> list[Json]:
        """Whatever of it can be read, behind a broken chain too."""
        entries = []
        for line in self.lines():
            try:
                entries.append(load_object(line, str(self.path)))
            except DocumentError:
                continue
        return entries

    def _entry(self, line: bytes, number: int, previous: str) -> Json:
        where = f"{self.path}:{number}"
        if not line.endswith(_own_digest(line[:-OWN_DIGEST_BYTES])):
            raise EvidenceBroken(f"{where}: the line does not fit its own digest: it was changed")
        entry = upgrade(load_object(line, where), where)
        if entry.get("prev") != previous or entry.get("seq") != number:
            raise EvidenceBroken(
                f"{where}: the chain is broken here: prev is {str(entry.get('prev'))[:64]}, the line before has "
                f"sha256 {previous}; a line was changed, removed or inserted"
            )
        missing = self._required.get(str(entry.get("type")), frozenset({"a known type"})) - entry.keys()
        if missing:
            raise DocumentError(f"{where}: an entry of type {entry.get('type')!r} lacks {', '.join(sorted(missing))}")
        return entry

    def append(self, kind: str, utc: str, body: Mapping[str, Any]) -> None:
        """Append one chained entry, on disk (fsync) before this returns.

        Raises:
            RunFolderError: the disk refuses; a half line that it left is cut away by the next call.
        """
        try:
            content = read_plain(self.path) if self.path.exists() else b""
            whole = content[: content.rfind(b"\n") + 1]
            if whole != content:
                os.truncate(self.path, len(whole))
        except OSError as error:
            raise RunFolderError(f"{self.path}: cannot be read or mended ({why(error)})") from error
        lines = whole.split(b"\n")[:-1]
        previous = hashlib.sha256(lines[-1]).hexdigest() if lines else self.genesis
        entry = {"seq": len(lines) + 1, "prev": previous, "utc": utc, "type": kind, **body}
        unclosed = dump(entry).encode()[:-1]
        try:
            with self.path.open("ab") as file:
                file.write(unclosed + _own_digest(unclosed) + b"\n")
                file.flush()
                os.fsync(file.fileno())
        except OSError as error:
            raise RunFolderError(
                f"{self.path}: cannot append ({error.strerror}); free the disk or give write permission, then try again"
            ) from error

    def head(self) -> str:
        """sha256 of the last line: what the next line will name as `prev`."""
        lines = self.lines()
        return hashlib.sha256(lines[-1]).hexdigest() if lines else self.genesis


def _own_digest(unclosed: bytes) -> bytes:
    """The end of a line of campaign.jsonl: the digest of all that stands before it (`unclosed` lacks its brace)."""
    return b',"line_sha256":"' + hashlib.sha256(unclosed).hexdigest().encode() + b'"}'
