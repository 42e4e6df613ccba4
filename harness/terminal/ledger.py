"""What the emulator writes: a row a task, a row a second about itself, and answers where they are asked for.

Knows the streams of `harness.record.tasks`. Knows no task before it is over. Holds rows of a quarter second at most,
whatever the load: memory does not grow with the number of tasks.
"""

import hashlib
import json
import os
import time
from typing import BinaryIO

from harness.record.errors import LabError, why
from harness.record.tasks import GENERATOR_COLUMNS, TASK_COLUMNS, header_of
from harness.terminal.answer import Answer
from harness.terminal.client import Client
from harness.terminal.keys import WITHHELD
from harness.terminal.task import Task

FLUSH_NS = 250_000_000
MOST_HELD = 1 << 20
"""Characters of rows."""


class Ledger:
    """The streams, open for appending; `keys` are withheld from answers that are kept."""

    def __init__(self, tasks: BinaryIO, generator: BinaryIO, answers: BinaryIO | None, keys: frozenset[bytes]) -> None:
        self._tasks, self._generator, self._answers, self._keys = tasks, generator, answers, keys
        self._rows: list[str] = [header_of(TASK_COLUMNS) + "\n"]
        self._held = 0
        self._flushed_ns = time.monotonic_ns()
        self._late: list[int] = []
        self._cpu_s = time.process_time()
        self.completed = 0
        """Tasks that are over."""
        _write(generator, header_of(GENERATOR_COLUMNS) + "\n")

    def add(self, task: Task, answer: Answer | None, *, keep: bool) -> None:
        """A task that is over."""
        self.completed += 1
        body = b"" if answer is None else answer.body
        task.answer_digest = hashlib.sha256(body).hexdigest()[:16] if body else ""
        row = task.row()
        self._rows.append(row)
        self._held += len(row)
        if keep and self._answers is not None:
            self._keep(task, body if answer is None or not answer.said else answer.said)

    def late(self, late_ns: int) -> None:
        """How late something was that was due."""
        self._late.append(late_ns)

    def beat(self, now_ns: int) -> None:
        """Hand over what is held, where it is time."""
        if now_ns - self._flushed_ns >= FLUSH_NS or self._held > MOST_HELD:
            self.flush(now_ns)

    def second(self, now_ns: int, client: Client) -> None:
        """The row of the second that ends now."""
        late = sorted(self._late)
        self._late.clear()
        p99_ns, most_ns = (late[min(len(late) - 1, len(late) * 99 // 100)], late[-1]) if late else (0, 0)
        cpu_s = time.process_time() - self._cpu_s
        _write(
            self._generator,
            f"{now_ns},{cpu_s:.6f},{p99_ns},{client.open},{client.errors},{client.queued},{most_ns},"
            f"{client.submitted},{self.completed}\n",
        )

    def flush(self, now_ns: int) -> None:
        """Hand over what is held."""
        if self._rows:
            _write(self._tasks, "".join(self._rows))
            self._rows.clear()
        self._held, self._flushed_ns = 0, now_ns

    def _keep(self, task: Task, answer: bytes) -> None:
        for key in self._keys:
            answer = answer.replace(key, WITHHELD)
        texts = {"prompt": task.body.decode("utf-8", "replace"), "answer": answer.decode("utf-8", "replace")}
        assert self._answers is not None
        _write(self._answers, json.dumps({"task": task.number, **texts}, ensure_ascii=False) + "\n")


def _write(file: BinaryIO, text: str) -> None:
    """All of it.

    Raises:
        LabError: the disk refuses. No OSError: asyncio would take that for one of a connection.
    """
    content = text.encode("utf-8", "replace")
    try:
        while content:
            content = content[os.write(file.fileno(), content) :]
    except OSError as error:
        raise LabError(f"the tasks cannot be written ({why(error)}); free the disk and run again") from None
