"""The journal of a run: one writer, fed by a queue, so that several threads can write; and the seal that closes it.

Knows the run folder. Knows no meter, no agent and no plan.
"""

import queue
import threading
import time
from datetime import UTC, datetime

from harness.record.documents import (
    LONGEST_TEXT,
    Document,
    NoteEvent,
    Stop,
)
from harness.record.errors import DocumentError, RunFolderError, printable
from harness.record.run_writer import RunWriter
from harness.record.seal import Sign, unsigned


class Journal:
    """The only writer of run.jsonl: documents from every thread pass through one queue. A document that no reader would
    take costs itself: a note stands in its place."""

    def __init__(self, writer: RunWriter) -> None:
        self._writer = writer
        self._queue: queue.SimpleQueue[Document | None] = queue.SimpleQueue()
        self.failure: RunFolderError | None = None
        self._thread = threading.Thread(target=self._work, name="journal", daemon=True)
        self._thread.start()

    def put(self, document: Document) -> None:
        """Hand over one document; returns at once."""
        self._queue.put(document)

    def note(self, code: str, text: str) -> None:
        """Hand over a note; its text is made printable."""
        self.put(NoteEvent(time_ns=time.monotonic_ns(), code=code, text=printable(text)[:LONGEST_TEXT]))

    def close(self) -> None:
        """Write what is queued and end the thread."""
        self._queue.put(None)
        self._thread.join()

    def _work(self) -> None:
        while (document := self._queue.get()) is not None:
            if self.failure is None:
                try:
                    self._append(document)
                except RunFolderError as error:
                    self.failure = error

    def _append(self, document: Document) -> None:
        try:
            self._writer.append(document)
        except DocumentError as error:
            text = printable(str(error))[:LONGEST_TEXT]
            self._writer.append(NoteEvent(time_ns=time.monotonic_ns(), code="document-refused", text=text))


def seal_run(writer: RunWriter, journal: Journal, stop: Stop, sign: Sign = unsigned) -> str:
    """Drain the journal, write the stop document, the manifest and its signature; return the manifest's sha256.

    Raises:
        RunFolderError: the journal could not be written; the folder stays unsealed and counts as aborted.
    """
    journal.close()
    if journal.failure is not None:
        raise journal.failure
    return writer.seal(stop, sign)


def utc_now() -> str:
    """The host's wall clock in UTC, ISO 8601, milliseconds: for people and for the audit trail, never for durations."""
    return datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
