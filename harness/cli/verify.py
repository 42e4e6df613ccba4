"""`wattlab verify CAMPAIGN|FILE.zip [--public-key K.pub]`: check and recompute everything; print a table."""

import argparse
import json
import tempfile
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console
from rich.table import Table
from rich.text import Text

from harness.cli.types import Verbs
from harness.errors import LabError

if TYPE_CHECKING:
    from harness.documents import Json
    from harness.evidence.verification import Outcome
    from harness.run_folder import Check


def add_parser(verbs: Verbs) -> None:
    """Register the verb."""
    verb = verbs.add_parser(
        "verify",
        help="check signature, digests, chain and completeness of a campaign, a comparison or a study; recompute it",
        description="Check every digest of a campaign, its chain and its completeness, recompute results and report "
        "from the raw data and compare, and check the signature. Of a comparison or a study: its seal, its page and, "
        "where its sources lie where they lay, every number. A zipped bag is unpacked into a temporary folder. "
        "Exit code 3 when a check fails.",
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
    verb.set_defaults(call=call)


def call(arguments: argparse.Namespace) -> int:
    """Print the table (one line for what passed on all subjects, unless --all), the sum, and what it proves."""
    if not arguments.campaign.is_file():
        return _verify(arguments.campaign, arguments)
    from harness.evidence.bag import unpack_bag

    with tempfile.TemporaryDirectory(prefix="wattlab-") as name:
        return _verify(unpack_bag(arguments.campaign, Path(name)), arguments)


def _verify(campaign: Path, arguments: argparse.Namespace) -> int:
    outcome = _outcome(campaign, arguments)
    checks, failed = outcome.checks, outcome.failed
    console = Console()
    console.print(_table(checks if arguments.all else _summed(checks)))
    if failed:
        console.print(
            f"{len(failed)} of {len(checks)} checks FAILED: {arguments.campaign} is not as it was measured, or not "
            "valid."
        )
        if written := _other_software(campaign):
            console.print(Text(written))
    else:
        console.print(f"{len(checks)} checks passed: every byte of {arguments.campaign} is as it was sealed.")
    for note in outcome.notes:
        console.print(Text(note))
    return 3 if failed else 0


def _other_software(folder: Path) -> str:
    """What wrote a comparison or a study, where that was not this wattlab: it may be why numbers or page differ."""
    from harness.config import APPLICATION
    from harness.provenance import software_facts

    for name in ("comparison.json", "study.json"):
        try:
            wrote = json.loads((folder / name).read_text(encoding="utf-8"))["software"]
            then = _named(wrote)
        except (OSError, ValueError, KeyError, TypeError):
            continue
        now = _named(software_facts(APPLICATION))
        if then != now or wrote.get("dirty"):
            return (
                f"It was written by {then}; this is {now}. That alone may be why what is computed differs (changelog)."
            )
    return ""


def _named(software: "Json") -> str:
    changed = " with changes" if software.get("dirty") else ""
    return f"wattlab {software['version']}, commit {software['commit']}{changed}"


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


def _table(checks: "list[Check]") -> Table:
    table = Table()
    for heading in ("subject", "check", "result", "found"):
        table.add_column(heading, overflow="fold")
    for check in checks:
        found = (check.subject, check.name, "pass" if check.passed else "FAIL", check.detail)
        table.add_row(*(Text("".join(c if c.isprintable() else "?" for c in cell)) for cell in found))
    return table
