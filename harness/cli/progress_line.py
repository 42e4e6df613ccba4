"""The line that stands on a terminal while work lasts: what is done, a bar where it can be counted, how far it is.

Knows rich, which costs a start that verbs without long work need not pay. Knows no work.
"""

from rich.console import Console, RenderableType
from rich.progress import BarColumn, Progress, ProgressColumn, Task, TextColumn
from rich.table import Column
from rich.text import Text

REFRESHED_HZ = 2.0
BAR = 12
"""Characters of a bar."""


def progress_line(console: Console) -> Progress:
    """The line, not shown yet; it goes again when it is stopped."""
    described = TextColumn("{task.description}", markup=False, table_column=Column(no_wrap=True, overflow="ellipsis"))
    return Progress(
        described,
        CountedBar(BAR),
        HowFar(),
        console=console,
        transient=True,
        redirect_stdout=False,  # it may be read by a program
        refresh_per_second=REFRESHED_HZ,
    )


class CountedBar(BarColumn):
    """A bar of what can be counted."""

    def render(self, task: Task) -> RenderableType:  # type: ignore[override]  # a bar, or none
        """The bar."""
        return super().render(task) if task.total else Text()


class HowFar(ProgressColumn):
    """`5 of 17, 0:00:12 left`, or for how long it has been done."""

    def render(self, task: Task) -> Text:
        """The text."""
        elapsed_s = task.elapsed or 0.0
        if not task.total:
            return Text(_clock(elapsed_s), no_wrap=True)
        left_s = elapsed_s * (task.total - task.completed) / (task.completed or task.total)
        left = f", {_clock(left_s)} left" if task.completed and round(left_s) else ""
        return Text(f"{task.completed:.0f} of {task.total:.0f}{left}", no_wrap=True)


def _clock(duration_s: float) -> str:
    minutes, seconds = divmod(round(duration_s), 60)
    return f"{minutes // 60}:{minutes % 60:02}:{seconds:02}"
