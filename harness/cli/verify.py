"""`wattlab verify CAMPAIGN|FILE.zip [--public-key K.pub]`: check and recompute everything; print a table."""

import argparse
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console
from rich.table import Table
from rich.text import Text

from harness.cli.types import Verbs

if TYPE_CHECKING:
    from harness.run_folder import Check


def add_parser(verbs: Verbs) -> None:
    """Register the verb."""
    verb = verbs.add_parser(
        "verify",
        help="check signature, digests, chain and completeness of a campaign; recompute its results",
        description="Check every digest of a campaign, its chain and its completeness, recompute results and report "
        "from the raw data and compare, and check the signature. A zipped bag is unpacked into a temporary folder. "
        "Exit code 3 when a check fails.",
    )
    verb.add_argument("campaign", type=Path, help="campaign folder, such as runs/core-study, or FILE.zip")
    verb.add_argument(
        "--public-key", type=Path, metavar="K.pub", help="the lab's public key, from another source than the folder"
    )
    verb.add_argument("--all", action="store_true", help="list every check, not only the failed ones")
    verb.set_defaults(call=call)


def call(arguments: argparse.Namespace) -> int:
    """Print the failed checks (all with --all), the sum, and what it proves."""
    if not arguments.campaign.is_file():
        return _verify(arguments.campaign, arguments)
    from harness.evidence.bag import unpack_bag

    with tempfile.TemporaryDirectory(prefix="wattlab-") as name:
        return _verify(unpack_bag(arguments.campaign, Path(name)), arguments)


def _verify(campaign: Path, arguments: argparse.Namespace) -> int:
    from harness.evidence.signature import read_public_key
    from harness.evidence.verification import verify

    key = None if arguments.public_key is None else read_public_key(arguments.public_key)
    outcome = verify(campaign, key)
    checks, failed = outcome.checks, outcome.failed
    console = Console()
    if shown := checks if arguments.all else failed:
        console.print(_table(shown))
    if failed:
        console.print(
            f"{len(failed)} of {len(checks)} checks FAILED: this campaign is not as it was measured, or not valid."
        )
    else:
        console.print(f"{len(checks)} checks passed: every byte of {arguments.campaign} is as it was sealed.")
    for note in outcome.notes:
        console.print(Text(note))
    return 3 if failed else 0


def _table(checks: "list[Check]") -> Table:
    table = Table()
    for heading in ("subject", "check", "result", "found"):
        table.add_column(heading, overflow="fold")
    for check in checks:
        found = (check.subject, check.name, "pass" if check.passed else "FAIL", check.detail)
        table.add_row(*(Text("".join(c if c.isprintable() else "?" for c in cell)) for cell in found))
    return table
