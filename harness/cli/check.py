"""`wattlab check`: every reason not to start, as one list; `--check-load` tries the meters with a known load."""

import argparse

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from harness.campaign import in_use
from harness.cli import check_load
from harness.cli.types import Verbs, add_lab_argument
from harness.config import load
from harness.demo import open_wires
from harness.preflight import Reason, check_lab

SIGNS = {
    "refuse": "[bold red]REFUSED[/]",
    "warn": "[yellow]remark[/]",
    "unknown": "[dim]?[/]",
    "ok": "[green]ok[/]",
}


def add_parser(verbs: Verbs) -> None:
    """Register the verb."""
    verb = verbs.add_parser(
        "check",
        help="every reason not to start, as one list",
        description="Ask disk, host, campaign, meters and SUT for every reason not to start. Exit code 1 when there is "
        "one.",
    )
    add_lab_argument(verb)
    check_load.add_arguments(verb)
    verb.set_defaults(call=call)


def call(arguments: argparse.Namespace) -> int:
    """Print the list, or try a check load."""
    config = load(arguments.lab)
    if arguments.check_load is not None:
        return check_load.call(config, arguments)
    with open_wires(config) as wires:
        reasons = [*in_use(config), *check_lab(config, wires.sut, wires.openers)]
    return show(reasons)


def show(reasons: list[Reason]) -> int:
    """Print the list; 1 when something refuses."""
    table = Table(show_header=False, box=None)
    for reason in reasons:
        table.add_row(SIGNS[reason.severity], escape(reason.subject), escape(reason.text))
    console = Console()
    console.print(table)
    refusals = sum(reason.severity == "refuse" for reason in reasons)
    console.print(f"{refusals} reasons not to start." if refusals else "Nothing stands in the way: `wattlab run`.")
    return 1 if refusals else 0
