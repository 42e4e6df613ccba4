"""`wattlab export bag CAMPAIGN --into FILE.zip`, `wattlab export oscar CAMPAIGN --into DIR`: a campaign in a form that
others take."""

import argparse
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console

from harness.cli.documents import Document
from harness.cli.progress import at_work
from harness.cli.screen import counted, say
from harness.cli.types import add_json_argument
from harness.record.errors import printable
from harness.record.verify import Check


@dataclass(frozen=True, slots=True, kw_only=True)
class WrittenBag(Document):
    """A campaign as one file."""

    file: str
    """The bag."""
    left_out: tuple[str, ...]
    """What lies in the campaign's folder and is no part of it."""
    failed_checks: tuple[Check, ...]
    """Checks of the campaign that failed: a bag is written all the same."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WrittenOscarFiles(Document):
    """A campaign as OSCAR files."""

    folder: str
    """Where they lie."""
    runs: Mapping[str, int]
    """Scenario -> how many runs were written."""
    window_rule: str
    """Which rows of a run OSCAR counts."""
    remarks: tuple[str, ...]
    """What was left out, and why."""


def add_arguments(verb: argparse.ArgumentParser) -> None:
    """What the verb takes."""
    formats = verb.add_subparsers(dest="format", metavar="FORMAT", required=True)
    bag = formats.add_parser(
        "bag",
        help="a zipped BagIt bag, for an archive or a checker",
        description="Write a campaign, its notes, signature and documents as one zipped BagIt bag (RFC 8493). "
        "`wattlab verify FILE.zip --public-key K.pub` checks it.",
    )
    bag.add_argument("campaign", type=Path, help="campaign folder, such as runs/core-study")
    bag.add_argument("--into", type=Path, required=True, metavar="FILE.zip", help="a new file")
    add_json_argument(bag, "what was written and left out", WrittenBag)
    bag.set_defaults(call=call_bag, interrupted="no bag was written")
    oscar = formats.add_parser(
        "oscar",
        help="OSCAR files: <scenario>-{power,actions,hardware}.csv",
        description="Write the runs that enter the means as OSCAR files (DE-UZ 215); `wattlab import oscar` reads them "
        "back to the same numbers.",
    )
    oscar.add_argument("campaign", type=Path, help="campaign folder, such as runs/core-study")
    oscar.add_argument("--into", type=Path, required=True, metavar="DIR", help="a new folder")
    add_json_argument(oscar, "what was written and left out", WrittenOscarFiles)
    oscar.set_defaults(call=call_oscar, interrupted="remove the new folder if it is there, then try again")


def call_bag(arguments: argparse.Namespace) -> int:
    """Write the bag; name what was left out, and warn of what its reader would stumble over."""
    with at_work("writing the bag, verifying the campaign"):
        from harness.evidence.bag import write_bag
        from harness.evidence.verification import verify

        left_out = write_bag(arguments.campaign, arguments.into)
        failed = verify(arguments.campaign, None).failed
    arguments.answer = WrittenBag(
        file=str(arguments.into), left_out=tuple(map(printable, left_out)), failed_checks=tuple(failed)
    )
    print(f"bag  {arguments.into.resolve()}")
    if left_out:
        print(f"Not in the bag, because they are no part of the campaign: {', '.join(map(printable, left_out))}.")
    warnings = Console(stderr=True)
    if arguments.into.suffix.lower() != ".zip":
        say(warnings, f"Warning: {arguments.into.name} is a zip archive, but its name does not end in .zip.", "yellow")
    if failed:
        first = f"{failed[0].subject}: {failed[0].name}: {failed[0].detail}"
        say(
            warnings,
            f"Warning: the bag holds a campaign that does not pass `wattlab verify`: {counted(len(failed), 'check')} "
            f"FAILED, the first is {first}",
            "yellow",
        )
    return 0


def call_oscar(arguments: argparse.Namespace) -> int:
    """Write the files; say what was written and what was left out."""
    with at_work("reading the runs, writing the files"):
        from harness.foreign.exporters.oscar.exporter import export_oscar  # reports cost time that others need not pay

        exported = export_oscar(arguments.campaign, arguments.into)
    from reports.energy.oscar import RULE

    arguments.answer = WrittenOscarFiles(
        folder=str(exported.folder), runs=exported.runs, window_rule=RULE, remarks=exported.remarks
    )
    print(exported)
    return 0
