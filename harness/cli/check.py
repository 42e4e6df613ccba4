"""`wattlab check`: every reason not to start, as one list."""

import argparse

from rich.console import Console
from rich.table import Table

from harness.cli.types import Verbs, add_lab_argument
from harness.config import load
from harness.demo import open_wires
from harness.preflight import Reason, check_lab

SIGNS = {"refuse": "[bold red]REFUSED[/]", "warn": "[yellow]remark[/]", "unknown": "[dim]?[/]", "ok": "[green]ok[/]"}


def add_parser(verbs: Verbs) -> None:
    """Register the verb."""
    verb = verbs.add_parser(
        "check",
        help="every reason not to start, as one list",
        description="Ask disk, campaign, meters and SUT for every reason not to start. Exit code 1 when there is one.",
    )
    add_lab_argument(verb)
    verb.set_defaults(call=call)


def call(arguments: argparse.Namespace) -> int:
    """Print the list."""
    config = load(arguments.lab)
    with open_wires(config) as wires:
        reasons = check_lab(config, wires.sut, wires.openers)
    return show(reasons)


def show(reasons: list[Reason]) -> int:
    """Print the list; 1 when something refuses."""
    from rich.markup import escape

    table = Table(show_header=False, box=None)
    for reason in reasons:
        table.add_row(SIGNS[reason.severity], reason.subject, escape(reason.text))
    console = Console()
    console.print(table)
    refusals = sum(reason.severity == "refuse" for reason in reasons)
    console.print(f"{refusals} reasons not to start." if refusals else "Nothing stands in the way: `wattlab run`.")
    return 1 if refusals else 0
