"""`wattlab verify CAMPAIGN|FILE.zip [--public-key K.pub]`: check and recompute everything; print a table."""

import argparse
import json
import tempfile
from collections.abc import Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console
from rich.text import Text

from harness.cli.progress import at_work
from harness.cli.screen import Sheet, columns, counted, print_document, say
from harness.cli.types import add_json_argument
from harness.errors import LabError, SigningError

if TYPE_CHECKING:
    from harness.evidence.verification import Outcome
    from harness.run_folder import Check

ZIP_BEGIN = b"PK"


def add_arguments(verb: argparse.ArgumentParser) -> None:
    """What the verb takes."""
    verb.description = (
        "Check every digest of a campaign, its chain and its completeness, recompute results and report "
        "from the raw data and compare, and check the signature. Of a comparison or a study: its seal, its page and, "
        "where its sources lie where they lay, every number. A zipped bag is unpacked into a temporary folder. "
        "Exit code 3 when a check fails."
    )
    verb.add_argument(
        "campaign", type=Path, help="folder of a campaign, comparison or study, such as runs/core-study, or FILE.zip"
    )
    verb.add_argument(
        "--public-key", type=Path, metavar="K.pub", help="the lab's public key, from another source than the folder"
    )
    verb.add_argument(
        "--seal-key", type=Path, metavar="K.pub", help="the key that every run's seal is to be signed with"
    )
    verb.add_argument(
        "--witness", type=Path, metavar="FILE", action="append", default=[],
        help="from the witness: its log, its public key, or the certificate (PEM) of a time-stamping authority; "
        "may be given several times",
    )  # fmt: skip
    verb.add_argument(
        "--all", action="store_true", help="list every check of every run, not one line for all that passed"
    )
    add_json_argument(verb, "whether all checks pass, with every check,")
    verb.set_defaults(call=call, interrupted="not everything was checked, so nothing is said; nothing was changed")


def call(arguments: argparse.Namespace) -> int:
    """Print the table (one line for what passed on all subjects, unless --all), the sum, and what it proves.

    Raises:
        LabError: the file is no bag, the folder is nothing that can be verified.
    """
    if not arguments.campaign.is_file():
        return _verify(arguments.campaign, arguments)
    if not _is_zip(arguments.campaign):
        raise SigningError(
            f"{arguments.campaign}: expected the folder of a campaign, comparison or study, or a bag (FILE.zip, "
            "written by `wattlab export bag`); this file is no zip archive"
        )
    from harness.evidence.bag import unpack_bag

    with tempfile.TemporaryDirectory(prefix="wattlab-") as name:
        return _verify(unpack_bag(arguments.campaign, Path(name)), arguments)


def _is_zip(file: Path) -> bool:
    """Whether a file begins as a zip archive does, damaged or not."""
    try:
        with file.open("rb") as read:
            return read.read(len(ZIP_BEGIN)) == ZIP_BEGIN
    except OSError as error:
        raise SigningError(f"{file}: cannot be read ({error.strerror})") from None


def _verify(campaign: Path, arguments: argparse.Namespace) -> int:
    with at_work("checking every byte, computing everything again"):
        outcome = _outcome(campaign, arguments)
    checks, failed = outcome.checks, outcome.failed
    other = _other_software(campaign) if failed else ""
    notes = [*([other] if other else []), *outcome.notes]
    if arguments.json:
        listed = [asdict(check) for check in checks]
        print_document({"campaign": str(arguments.campaign), "passed": not failed, "checks": listed, "notes": notes})
        return 3 if failed else 0
    console = Console()
    console.print(checks_sheet(checks if arguments.all else _summed(checks)))
    if failed:
        what = f"{len(failed)} of {counted(len(checks), 'check')} FAILED: {arguments.campaign} is not as it was "
        say(console, f"{what}measured, or not valid.", "bold red")
    else:
        passed = f"{counted(len(checks), 'check')} passed: every byte of {arguments.campaign} is as it was sealed."
        say(console, passed, "green")
    for note in notes:
        say(console, note)
    return 3 if failed else 0


def _other_software(folder: Path) -> str:
    """What wrote a comparison or a study, where that was not this wattlab: it may be why numbers or page differ."""
    from harness.config import APPLICATION
    from harness.provenance import in_words, software_facts

    for name in ("comparison.json", "study.json"):
        try:
            wrote = json.loads((folder / name).read_text(encoding="utf-8"))["software"]
            then = in_words(wrote)
        except (OSError, ValueError, KeyError, TypeError):
            continue
        now = in_words(software_facts(APPLICATION))
        if then != now or wrote.get("dirty"):
            return (
                f"It was written by {then}; this is {now}. That alone may be why what is computed differs (changelog)."
            )
    return ""


def _outcome(folder: Path, arguments: argparse.Namespace) -> "Outcome":
    """The checks of a campaign, a study or a comparison.

    Raises:
        LabError: a key or a witness for what is never signed, a file that is none of them.
    """
    from harness.attest.signer import read_public_key
    from harness.evidence.witnesses import read_witnesses
    from harness.run_folder import CAMPAIGN, STUDY_FILE
    from reports.analysis.comparison import COMPARISON

    key, seal_key = (None if p is None else read_public_key(p) for p in (arguments.public_key, arguments.seal_key))
    witnesses = read_witnesses(arguments.witness)
    made_of_others = [name for name in (STUDY_FILE, COMPARISON) if (folder / name).exists()]
    if (folder / CAMPAIGN).exists() or not made_of_others:
        from harness.evidence.verification import verify

        return verify(folder, key, witnesses, seal_key)
    if key is not None or seal_key is not None or witnesses.any:
        raise LabError(f"{folder}: a study or comparison is not signed; verify its campaigns with --public-key")
    if made_of_others[0] == STUDY_FILE:
        from harness.evidence.studies import verify_study

        return verify_study(folder)
    from harness.evidence.comparisons import verify_comparison

    return verify_comparison(folder)


def _summed(checks: "list[Check]") -> "list[Check]":
    """Every failed check, and one line for each check that holds for several subjects, in the order they were made."""
    kinds: dict[str, list[Check]] = {}
    for check in checks:
        kinds.setdefault(check.name, []).append(check)
    shown = []
    for of_kind in kinds.values():
        passed = [check for check in of_kind if check.passed]
        details = {check.detail for check in passed}
        if len(passed) > 1:
            found = next(iter(details)) if len(details) == 1 else "each as it should be"
            shown.append(replace(passed[0], subject=f"{len(passed)} of {len(of_kind)}", detail=found))
        else:
            shown += passed
        shown += [check for check in of_kind if not check.passed]
    return shown


def checks_sheet(checks: "Sequence[Check]") -> Sheet:
    """A line for each check."""
    marks = {True: ("pass", "green"), False: ("FAIL", "bold red")}
    rows = [(check.subject, check.name, Text(*marks[check.passed]), check.detail) for check in checks]
    return Sheet(columns("subject", "check", "result", "what is there"), rows)
