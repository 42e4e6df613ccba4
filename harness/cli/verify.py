"""`wattlab verify CAMPAIGN`: recompute every digest, the chain and the completeness; print a table."""

import argparse
from pathlib import Path

from rich.console import Console
from rich.table import Table

from harness.cli.types import Verbs
from harness.run_folder import Check, verify_campaign


def add_parser(verbs: Verbs) -> None:
    """Register the verb."""
    verb = verbs.add_parser(
        "verify",
        help="check digests, chain and completeness of a campaign",
        description="Recompute every digest of a campaign, its chain and its completeness. Exit code 3 when one fails.",
    )
    verb.add_argument("campaign", type=Path, help="campaign folder, such as runs/core-study")
    verb.add_argument("--all", action="store_true", help="list every check, not only the failed ones")
    verb.set_defaults(call=call)


def call(arguments: argparse.Namespace) -> int:
    """Print the failed checks (all with --all) and the sum."""
    checks = verify_campaign(arguments.campaign)
    failed = [check for check in checks if not check.passed]
    console = Console()
    if shown := checks if arguments.all else failed:
        console.print(_table(shown))
    if failed:
        console.print(f"{len(failed)} of {len(checks)} checks FAILED: this campaign is not as it was measured.")
        return 3
    console.print(f"{len(checks)} checks passed: every byte of {arguments.campaign} is as it was sealed.")
    for origin in sorted({check.detail for check in checks if check.name == "origin"}):
        console.print(f"{origin}{'' if origin.endswith('instrument') else ': no evidence about a real machine'}")
    return 0


def _table(checks: list[Check]) -> Table:
    table = Table()
    for heading in ("subject", "check", "result", "found"):
        table.add_column(heading, overflow="fold")
    for check in checks:
        table.add_row(check.subject, check.name, "pass" if check.passed else "FAIL", check.detail)
    return table
