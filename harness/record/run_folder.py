"""A sealed run, read: its documents in order.

Knows the journal and what has to stand where in it. Knows no hardware, no threads, no numbers: what a stream means is
not its business. Rules: docs/run-folder.md; a folder without a stop document is an aborted run.
"""

import hashlib
from dataclasses import dataclass
from pathlib import Path

from harness.record.documents import (
    Event,
    ExitStatus,
    IndicatorDescriptor,
    PowerDescriptor,
    Start,
    Stop,
    TasksDescriptor,
    decode,
)
from harness.record.errors import DocumentError, RunFolderError, why
from harness.record.plain_files import read_plain, sha256_of
from harness.record.seal import MANIFEST

JOURNAL = "run.jsonl"
WORK = "inputs/work"
"""What was staged to the SUT, as its work folder had it."""
BEGUN_WITH = ("inputs", "artifacts")
"""Folders of every run, whether anything comes into them or not."""
UNENDED = "being measured, or cut off: the campaign's log does not say yet how it ended"


@dataclass(frozen=True, slots=True)
class RunFolder:
    """A sealed run, read: its documents in order. `stop` is None when the run was cut off."""

    path: Path
    start: Start
    power: tuple[PowerDescriptor, ...]
    indicators: tuple[IndicatorDescriptor, ...]
    events: tuple[Event, ...]
    stop: Stop | None
    tasks: tuple[TasksDescriptor, ...] = ()
    is_unended: bool = False
    """The campaign's log does not say yet how it ended (`Examination.unended`)."""

    @classmethod
    def open(cls, path: Path) -> "RunFolder":
        """Read run.jsonl. A half-written last line is accepted only where the run has no stop document.

        Raises:
            DocumentError: a line is not a document; the message names file and line.
            RunFolderError: no journal.
        """
        journal = path / JOURNAL
        try:
            lines = read_plain(journal).split(b"\n")
        except OSError as error:
            raise RunFolderError(f"{journal}: cannot read ({why(error)}); is this a run folder?") from error
        tail = lines.pop()  # what follows the last newline: empty, or a line cut off by a kill
        documents = [decode(line, f"{journal}:{number}") for number, line in enumerate(lines, 1)]
        stops = [d for d in documents if isinstance(d, Stop)]
        if tail and stops:
            raise DocumentError(f"{journal}:{len(lines) + 1}: text after the stop document")
        if not documents or not isinstance(start := documents[0], Start):
            raise DocumentError(f"{journal}:1: expected a start document")
        if len(stops) > 1 or (stops and documents[-1] is not stops[0]):
            raise DocumentError(f"{journal}: documents after the stop document")
        streams = [d.stream for d in documents if isinstance(d, PowerDescriptor | IndicatorDescriptor)]
        for described in (d for d in documents if isinstance(d, TasksDescriptor)):
            streams += [described.stream, described.generator]
        meters = [d.meter for d in documents if isinstance(d, PowerDescriptor)]
        if odd := [name for name in (*streams, *meters) if "/" in name or "\0" in name or name in ("", ".", "..")]:
            raise DocumentError(f"{journal}: {odd[0]!r:.80} is no name of a stream or meter inside the run")
        if any(isinstance(d, Start) for d in documents[1:]):
            raise DocumentError(f"{journal}: a second start document; a run is never resumed")
        return cls(
            path=path,
            start=start,
            power=tuple(d for d in documents if isinstance(d, PowerDescriptor)),
            indicators=tuple(d for d in documents if isinstance(d, IndicatorDescriptor)),
            events=tuple(d for d in documents if isinstance(d, Event)),
            stop=stops[0] if stops else None,
            tasks=tuple(d for d in documents if isinstance(d, TasksDescriptor)),
        )

    def read_input(self, name: str) -> bytes | None:
        """The content of one of its inputs; None where it has none of that name."""
        try:
            return read_plain(self.path / "inputs" / name)
        except OSError:
            return None

    @property
    def exit_status(self) -> ExitStatus:
        """`success`, `abort` or `fail`; a run without a stop document was aborted."""
        return self.stop.exit_status if self.stop else "abort"

    @property
    def reason(self) -> str | None:
        """Why it did not succeed."""
        if self.is_unended:
            return UNENDED
        return self.stop.reason if self.stop else "cut off without a stop document (killed, or the host went down)"

    @property
    def manifest_sha256(self) -> str | None:
        """Digest of the manifest; None when the run is not sealed."""
        manifest = self.path / MANIFEST
        return sha256_of(manifest) if manifest.exists() else None

    @property
    def start_sha256(self) -> str:
        """Digest of the start document's line, as a `run-start` of the campaign's log names it."""
        return hashlib.sha256(read_plain(self.path / JOURNAL).split(b"\n", 1)[0]).hexdigest()
