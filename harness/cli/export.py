"""`wattlab export bag CAMPAIGN --into FILE.zip`, `wattlab export oscar CAMPAIGN --into DIR`: a campaign in a form that
others take."""

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
    oscar = formats.add_parser(
        "oscar",
        help="OSCAR files: <scenario>-{power,actions,hardware}.csv",
        description="Write the runs that enter the means as OSCAR files (DE-UZ 215); `wattlab import oscar` reads them "
        "back to the same numbers.",
    )
    oscar.add_argument("campaign", type=Path, help="campaign folder, such as runs/core-study")
    oscar.add_argument("--into", type=Path, required=True, metavar="DIR", help="a new folder")
    oscar.set_defaults(call=call_oscar)


def call_bag(arguments: argparse.Namespace) -> int:
    """Write the bag; name what was left out."""
    from harness.evidence.bag import write_bag

    left_out = write_bag(arguments.campaign, arguments.into)
    print(f"bag  {arguments.into.resolve()}")
    if left_out:
        print(f"left out, because no part of the campaign: {', '.join(left_out)}")
    return 0


def call_oscar(arguments: argparse.Namespace) -> int:
    """Write the files; say what was written and what was left out."""
    from harness.exporters.oscar import export_oscar  # pandas costs half a second that other verbs need not pay

    print(export_oscar(arguments.campaign, arguments.into))
    return 0
