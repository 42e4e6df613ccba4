"""What a verb shows while it works for longer than a second: on standard error, and only where that is a terminal.

Knows no work: neither steps nor their length. What is shown goes again when the work is done.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import Timer
from typing import TYPE_CHECKING

from harness.record.steps import told_to

if TYPE_CHECKING:
    from rich.progress import Progress

PATIENCE_S = 1.0
"""For so long nothing is shown."""


@contextmanager
def at_work(what: str) -> Iterator[None]:
    """A line that says what is done and for how long, and, where the work says its steps, how far it is and how long
    the step still takes; until the context is left. `what` stands there until the work says more."""
    with _late(what) as line:
        if line is None:
            yield
            return
        (task,) = line.task_ids
        shown = what

        def listen(step: str, done: int, total: int) -> None:
            nonlocal shown
            if step != shown:
                shown = step
                line.reset(task, description=step, completed=done, total=total)
            else:
                line.update(task, completed=done, total=total)

        with told_to(listen):
            yield


@contextmanager
def bar_of(what: str) -> Iterator[Callable[[int, int], None]]:
    """The same for work that tells (done, total) what is given here."""
    with _late(what) as line:
        if line is None:
            yield lambda _done, _total: None
            return
        (task,) = line.task_ids
        yield lambda done, total: line.update(task, completed=done, total=total)


@contextmanager
def _late(what: str) -> "Iterator[Progress | None]":
    """The line, shown once the patience is over; None where nobody watches."""
    from rich.console import Console

    console = Console(stderr=True)
    if not console.is_terminal:
        yield None
        return
    from harness.cli.progress_line import progress_line

    line = progress_line(console)
    line.add_task(what, total=None)
    timer = Timer(PATIENCE_S, line.start)
    timer.daemon = True  # whatever ends the process is not held up by what is shown
    timer.start()
    try:
        yield line
    finally:
        timer.cancel()
        timer.join()
        line.stop()
