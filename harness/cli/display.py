"""What stands on the terminal while a campaign is measured: which run, how far, and what it will have taken.

Knows the campaign's progress. Knows no meter and no file.
"""

import contextlib
from types import TracebackType
from typing import Self

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, TextColumn
from rich.progress import Progress as Bar
from rich.table import Column as TableColumn

from harness.cli.forecast import Forecast
from harness.cli.screen import lasting, say
from harness.measure.campaign import Progress

BAR, SHORT_BAR, WIDE = 40, 8, 100
"""Characters: of the bar on a wide and on a narrow terminal, and what is wide."""


class Display:
    """A bar with the time left on a terminal, and below it what a training will have taken; a line for every run begun
    elsewhere (a log, CI), and one for the first such estimate of each."""

    def __init__(self, total: int, forecast: Forecast | None = None) -> None:
        self._forecast = forecast
        self._estimated: tuple[int, int] | None = None
        self._console = Console()
        self._bar = Bar(
            TextColumn("{task.description}", markup=False, table_column=TableColumn(overflow="fold")),
            TextColumn("{task.fields[power]}", table_column=TableColumn(no_wrap=True)),
            BarColumn(bar_width=BAR if self._console.width >= WIDE else SHORT_BAR),
            MofNCompleteColumn(table_column=TableColumn(no_wrap=True)),
            TextColumn("{task.fields[left]}", table_column=TableColumn(no_wrap=True)),
            console=self._console,
            transient=True,
        )
        self._task = self._bar.add_task("starting", total=total, left="", power="")
        self._shown: tuple[int, int] | None = None

    def __enter__(self) -> Self:
        """Start the bar on a terminal."""
        if self._console.is_terminal:
            self._bar.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Take the bar down."""
        with contextlib.suppress(OSError):  # the terminal was closed
            self._bar.stop()

    def say(self, sentence: str) -> None:
        """A sentence above the bar."""
        with contextlib.suppress(OSError):
            say(self._console, sentence)

    def on_progress(self, progress: Progress) -> None:
        """Show where the campaign is. Whoever looks may go away: a measurement does not depend on it."""
        with contextlib.suppress(OSError):
            self._show(progress)

    def _show(self, progress: Progress) -> None:
        run, left = progress.current, f"{lasting(progress.left_s)} left"
        which = f"#{run.repetition}" if run.trial is None else f"search {run.search} trial {run.trial}"
        what = f"run {run.ordinal}/{progress.total} {run.scenario} {which}"
        again = f" (attempt {progress.attempt})" if progress.attempt > 1 else ""
        estimated = self._estimate(progress)
        self._bar.update(
            self._task,
            completed=progress.done,
            total=progress.total,
            description="\n".join(filter(None, (f"{what}{again} {progress.phase}", estimated))),
            power="" if progress.power_w is None else f"{progress.power_w:.1f} W",
            left=left,
        )
        this = run.ordinal, progress.attempt
        if self._shown != this:
            self._shown = this
            if not self._console.is_terminal:
                self._console.print(f"{what}{again} {left}", highlight=False)
        if estimated and self._estimated != this:
            self._estimated = this
            if not self._console.is_terminal:
                self._console.print(f"{what}{again} {estimated}", highlight=False)

    def _estimate(self, progress: Progress) -> str:
        """What the run will have taken; a measurement does not depend on it, whatever its numbers are."""
        with contextlib.suppress(ArithmeticError, LookupError, TypeError, ValueError):
            return "" if self._forecast is None else self._forecast.follow(progress)
        return ""
