"""What stands on the terminal while a fleet measures: a line for each station, below what was said.

Knows what stations say of themselves. Knows no campaign.
"""

from collections.abc import Mapping, Sequence
from typing import Self

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn
from rich.table import Column

from harness.cli.screen import counted, lasting, say
from harness.fleet.station_report import StationReport

BAR = 8
"""Characters of a bar."""


class FleetDisplay:
    """Lines that move on a terminal; elsewhere what was said is all."""

    def __init__(self, stations: Sequence[str]) -> None:
        self._console = Console()
        self._lines = Progress(
            TextColumn("{task.fields[station]}", markup=False, table_column=Column(no_wrap=True)),
            BarColumn(bar_width=BAR),
            TextColumn("{task.description}", markup=False, table_column=Column(overflow="fold")),
            console=self._console,
            transient=True,
        )
        self._tasks = {name: self._lines.add_task("", total=None, station=name) for name in stations}

    def __enter__(self) -> Self:
        """Show them."""
        if self._console.is_terminal:
            self._lines.start()
        return self

    def __exit__(self, *_: object) -> None:
        """Take them down."""
        self._lines.stop()

    def say(self, sentence: str) -> None:
        """A sentence above the lines."""
        say(self._console, sentence)

    def show(self, reports: Mapping[str, StationReport]) -> None:
        """What the stations said last; who said nothing is away."""
        for name, task in self._tasks.items():
            report = reports.get(name)
            now = None if report is None else report.underway
            self._lines.update(
                task,
                description="away" if report is None else in_words(report),
                total=None if now is None else now.planned,
                completed=0 if now is None else now.done,
            )


def in_words(report: StationReport) -> str:
    """What a station does."""
    if report.handing_in is not None:
        return f"adds {report.handing_in} to the archive"
    if (now := report.underway) is None:
        return report.refused or "measures nothing"
    if not now.planned or now.done == now.planned:
        return f"{now.campaign}: {'writes its report' if now.planned else 'gets ready'}"
    run = f"{now.run}, attempt {now.attempt}" if now.run else "no run at this moment"
    left = "" if now.run_left_s is None else f", about {lasting(now.run_left_s)} left"
    return (
        f"{now.campaign}: {run}{left}; {now.done} of {counted(now.planned, 'run')} made, about "
        f"{lasting(now.left_s)} left"
    )
