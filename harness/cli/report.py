"""`wattlab report CAMPAIGN`: compute results.json and write the HTML report."""

import argparse
from pathlib import Path

from harness.cli.types import Verbs


def add_parser(verbs: Verbs) -> None:
    """Register the verb."""
    verb = verbs.add_parser(
        "report",
        help="compute results.json and write the report",
        description="Compute results.json of a campaign from its run folders and write the HTML report. "
        "Exit code 3 when a finding makes the campaign invalid.",
    )
    verb.add_argument("campaign", type=Path, help="campaign folder, such as runs/core-study")
    verb.set_defaults(call=call)


def call(arguments: argparse.Namespace) -> int:
    """Write both files and print where they are."""
    return write(arguments.campaign)


def write(campaign: Path) -> int:
    """Write results.json and report.html, print headline and places, return the exit code."""
    from reports.headline import headline  # imported here: pandas and matplotlib cost a second, other verbs need none
    from reports.render import write_report

    report = write_report(campaign)
    lines, invalid = headline(report.parent / "results.json")
    print(*lines, sep="\n")
    print(f"report   {report.resolve()}")
    print(f"numbers  {(report.parent / 'results.json').resolve()}")
    return 3 if invalid else 0
