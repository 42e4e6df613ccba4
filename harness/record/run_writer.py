"""A run being written: its folder, its journal, its streams, until it is sealed.

Rules (docs/run-folder.md): directories by exclusive mkdir, files by open(..., "x"), writers only append and flush; a
run is never resumed. Knows no hardware and no threads: what is written is handed to it.
"""

import errno
import hashlib
import os
from pathlib import Path
from types import TracebackType
from typing import BinaryIO, Self

from harness.record.documents import Document, Json, Start, Stop, encode
from harness.record.errors import RunFolderError, refused, why
from harness.record.plain_files import inside, put_on_disk
from harness.record.run_folder import BEGUN_WITH, JOURNAL
from harness.record.seal import Sign, seal_folder, unsigned


class RunWriter:
    """One run folder being written. Appends only; `seal` ends it.

    Raises:
        RunFolderError: the folder or a file of that name exists, or the disk refuses.
    """

    def __init__(self, folder: Path) -> None:
        try:
            folder.mkdir(parents=False)
            for name in BEGUN_WITH:
                (folder / name).mkdir()
            # Unbuffered: what a full disk refused is not tried again when the file is closed.
            self._journal: BinaryIO = (folder / JOURNAL).open("xb", buffering=0)
        except OSError as error:
            raise RunFolderError(f"{folder}: cannot create the run folder ({why(error)})") from error
        self.folder = folder

    def append(self, document: Document) -> None:
        """Append one document to run.jsonl and hand it to the operating system at once, whole or not at all.

        Raises:
            DocumentError: no reader would take it; nothing was written. RunFolderError: the disk refuses.
        """
        line = encode(document).encode() + b"\n"
        try:
            length = self._journal.tell()
            if self._journal.write(line) != len(line):
                self._journal.truncate(length)
                self._journal.seek(length)
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        except OSError as error:
            raise refused(self.folder / JOURNAL, "append", error) from error
        except ValueError as error:  # what a closed file raises
            raise RunFolderError(f"{self.folder / JOURNAL}: the folder was closed before this was written") from error

    def begin(self, start: Start) -> str:
        """Append the start document; it and every input are on disk (fsync) before this returns its line's sha256."""
        self.append(start)
        try:
            for path in (*self.folder.rglob("*"), self.folder, self.folder.parent):
                put_on_disk(path)
        except OSError as error:
            raise refused(self.folder / JOURNAL, "put it on disk", error) from error
        return hashlib.sha256(encode(start).encode()).hexdigest()

    def open_stream(self, name: str) -> BinaryIO:
        """A new append-only file of the run (`readings-wall.csv`), unbuffered: one write is one system call."""
        try:
            return (self.folder / name).open("xb", buffering=0)
        except OSError as error:
            raise refused(self.folder / name, "create the stream", error) from error

    def write_file(self, name: str, content: bytes) -> str:
        """Write `inputs/x` or `artifacts/x` verbatim; return its sha256. The name may not leave the folder."""
        target = self.folder / inside(name)
        try:
            target.parent.mkdir(exist_ok=True, parents=True)
            with target.open("xb") as file:
                file.write(content)
        except OSError as error:
            raise refused(target, "write", error) from error
        return hashlib.sha256(content).hexdigest()

    def stream_summary(self) -> dict[str, Json]:
        """Rows (header not counted; lines for logs) and sha256 of every stream, for the stop document."""
        summary: dict[str, Json] = {}
        for path in sorted(self.folder.glob("*.csv")) + sorted(self.folder.glob("*.log")):
            try:
                content = path.read_bytes()
            except OSError as error:
                raise RunFolderError(f"{path}: cannot be read back ({why(error)})") from error
            rows = content.count(b"\n") - (path.suffix == ".csv" and len(content) > 0)
            summary[path.name] = {"rows": rows, "sha256": hashlib.sha256(content).hexdigest()}
        return summary

    def seal(self, stop: Stop, sign: Sign = unsigned) -> str:
        """Write the stop document and the manifest, drop write permission; return the manifest's sha256."""
        self.append(stop)
        self._journal.close()
        return seal_folder(self.folder, sign)

    def close(self) -> None:
        """Close the journal without sealing (the next start seals the folder as found)."""
        self._journal.close()

    def __enter__(self) -> Self:
        """The writer itself."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close the journal."""
        self.close()
