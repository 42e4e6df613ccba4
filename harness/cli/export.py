"""`wattlab export bag CAMPAIGN --into FILE.zip`: a campaign in a form that others take."""

import argparse
from pathlib import Path

from harness.cli.types import Verbs


def add_parser(verbs: Verbs) -> None:
    """Register the verb and its formats."""
    verb = verbs.add_parser("export", help="write a campaign in a form that others take")
    formats = verb.add_subparsers(dest="format", metavar="FORMAT", required=True)
    bag = formats.add_parser(
        "bag",
        help="a zipped BagIt bag, for an archive or a checker",
        description="Write a campaign, its notes, signature and documents as one zipped BagIt bag (RFC 8493). "
        "`wattlab verify FILE.zip --public-key K.pub` checks it.",
    )
    bag.add_argument("campaign", type=Path, help="campaign folder, such as runs/core-study")
    bag.add_argument("--into", type=Path, required=True, metavar="FILE.zip", help="a new file")
    bag.set_defaults(call=call_bag)


def call_bag(arguments: argparse.Namespace) -> int:
    """Write the bag; name what was left out."""
    from harness.evidence.bag import write_bag

    left_out = write_bag(arguments.campaign, arguments.into)
    print(f"bag  {arguments.into.resolve()}")
    if left_out:
        print(f"left out, because no part of the campaign: {', '.join(left_out)}")
    return 0
