"""A reader in a process of its own: what a library of machine code prints, or dies of, stays there.

Knows pipes and processes. Knows nothing of what is read.
"""

import multiprocessing
import os
from collections.abc import Callable
from multiprocessing.connection import Connection
from pathlib import Path
from typing import TypeVar

from harness.record.errors import ImportFileError

OnProgress = Callable[[int, int], None]
T = TypeVar("T")
PATIENCE_S = 5.0


def read_apart(task: Callable[[Path, OnProgress], T], path: Path, on_progress: OnProgress) -> T:
    """What `task` makes of a file, in a process of its own; `task` and what it returns can be pickled.

    Raises:
        ImportFileError: `task` raised it, or the process ended without a word.
    """
    context = multiprocessing.get_context("spawn")
    near, far = context.Pipe(duplex=False)
    child = context.Process(target=_read, args=(far, task, path), daemon=True)
    child.start()
    far.close()
    try:
        while True:
            kind, content = near.recv()
            if kind == "progress":
                on_progress(*content)
            elif kind == "refused":
                raise ImportFileError(content)
            else:
                found: T = content
                return found
    except EOFError:
        child.join(PATIENCE_S)
        raise ImportFileError(
            f"{path}: its reader died of it (exit code {child.exitcode}); the file is damaged: copy it again"
        ) from None
    finally:
        near.close()
        child.kill()
        child.join()


def _read(far: Connection, task: Callable[[Path, OnProgress], T], path: Path) -> None:
    nowhere = os.open(os.devnull, os.O_WRONLY)
    for stream in (1, 2):
        os.dup2(nowhere, stream)
    try:
        far.send(("done", task(path, lambda done, total: far.send(("progress", (done, total))))))
    except ImportFileError as error:
        far.send(("refused", str(error)))
