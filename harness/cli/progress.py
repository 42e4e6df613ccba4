"""What a verb shows while it works for longer than a second: on standard error, and only where that is a terminal.

Knows no work: neither steps nor their length. What is shown goes again when the work is done.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import Timer
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.progress import Progress, ProgressColumn

PATIENCE_S = 1.0
"""For so long nothing is shown."""


@contextmanager
def at_work(what: str) -> Iterator[None]:
    """A line `what 0:00:12` until the context is left, for work that cannot say how far it is."""
    from rich.progress import TimeElapsedColumn

    with _late(TimeElapsedColumn()) as bar:
        bar.add_task(what, total=None)
        yield


@contextmanager
def bar_of(what: str) -> Iterator[Callable[[int, int], None]]:
    """A bar for work that tells (done, total) what is given here."""
    from rich.progress import BarColumn, TaskProgressColumn, TimeRemainingColumn

    with _late(BarColumn(), TaskProgressColumn(), TimeRemainingColumn()) as bar:
        task = bar.add_task(what)
        yield lambda done, total: bar.update(task, completed=done, total=total)


@contextmanager
def _late(*columns: "ProgressColumn") -> Iterator["Progress"]:
    """A progress of these columns, shown once the patience is over, and only where somebody watches."""
    from rich.console import Console
    from rich.progress import Progress, TextColumn

    console = Console(stderr=True)
    described = TextColumn("{task.description}", markup=False)
    bar = Progress(described, *columns, console=console, transient=True)
    if not console.is_terminal:
        yield bar
        return
    timer = Timer(PATIENCE_S, bar.start)
    timer.daemon = True  # whatever ends the process is not held up by what is shown
    timer.start()
    try:
        yield bar
    finally:
        timer.cancel()
        timer.join()
        bar.stop()
