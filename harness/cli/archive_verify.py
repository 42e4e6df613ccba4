"""`wattlab archive verify`: what archived campaigns are worth, one after the other or by the workers of a scheduler."""

import argparse
import json
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rich.console import Console

from harness.cli.documents import Document
from harness.cli.progress import at_work
from harness.cli.scheduler import add_scheduler_arguments, link_of_arguments
from harness.cli.screen import counted
from harness.cli.types import Verbs, add_json_argument
from harness.cli.verify import checks_sheet
from harness.record.errors import LabError
from harness.record.steps import steps
from harness.record.verify import Check

BAD = 3
UNSIGNED = "is not signed"
"""In the check of an entry that nobody asked to be signed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ArchiveChecks(Document):
    """What an archive is worth."""

    checks: tuple[Check, ...]
    """Every check; with one that failed the exit code is 3."""


@dataclass(frozen=True, slots=True)
class Asked:
    """A campaign that a worker verifies: where the archive is, its name, the text of the lab's public key."""

    url: str
    campaign: str
    key: str | None


def add_verify(actions: Verbs) -> None:
    """The verb."""
    checked = actions.add_parser(
        "verify", help="digests, signatures, and whether the rows follow from the sealed files"
    )
    checked.add_argument("archive", help="a folder or a URL")
    checked.add_argument("campaigns", nargs="*", default=[], metavar="CAMPAIGN", help="these only")
    checked.add_argument(
        "--public-key", type=Path, metavar="KEY.pub", help="the lab's key: entries have to be signed by it"
    )
    add_scheduler_arguments(checked, "whose workers look at a campaign each", required=False)
    add_json_argument(checked, "every check", ArchiveChecks)
    checked.set_defaults(call=call_verify)


def call_verify(arguments: argparse.Namespace) -> int:
    """Exit code 3 where a check failed."""
    from reports.archive.errors import ArchiveError
    from reports.archive.index import newest, required_in
    from reports.archive.store import Store

    store = Store(arguments.archive)
    known = newest(store)
    for name in arguments.campaigns:
        if name not in known:
            required_in(store, name)
    names = arguments.campaigns or list(known)
    checks = [*(_spread if arguments.scheduler else _here)(store, names, arguments)]
    if not arguments.campaigns:
        with at_work("comparing packs with parts"):
            checks += _of_packs(store)
    if not checks:
        raise ArchiveError(
            f"{arguments.archive}: its index names no campaign, so nothing was checked; if there were some, take the "
            "folder index from a copy of the archive"
        )
    unsigned = [check for check in checks if check.name == "signed" and check.passed and UNSIGNED in check.detail]
    Console().print(checks_sheet(checks, unsigned))
    failed = [check for check in checks if not check.passed]
    if failed:
        print(f"{len(failed)} of {counted(len(checks), 'check')} FAILED.")
    arguments.answer = ArchiveChecks(checks=tuple(checks))
    return BAD if failed else 0


def _here(store: Any, names: Sequence[str], arguments: argparse.Namespace) -> Iterable[Check]:  # noqa: ANN401  a Store
    """One campaign after the other, in this process."""
    from harness.attest.signer import read_public_key
    from harness.evidence.archive_checks import verify

    key = None if arguments.public_key is None else read_public_key(arguments.public_key)
    for name in names:
        with at_work(f"{name}: reading every part"):
            yield from verify(store, name, key)


def _spread(store: Any, names: Sequence[str], arguments: argparse.Namespace) -> Iterable[Check]:  # noqa: ANN401
    """The same by workers, in the same order."""
    link = link_of_arguments(arguments)
    from harness.attest.signer import read_public_key
    from harness.fleet.cluster import client_of
    from harness.fleet.spread import spread_over

    key = None if arguments.public_key is None else read_public_key(arguments.public_key).text
    asked = [Asked(store.address, name, key) for name in names]
    with client_of(link) as client, at_work("verifying campaigns"):
        answers = spread_over(client, verified)(asked)
        for _ in steps("verifying campaigns", names):
            yield from next(answers)


def verified(asked: Asked) -> list[Check]:
    """The checks of one campaign, by a process of its own: there is one R in a process, and one thread that owns it.

    Raises:
        LabError: it cannot be verified; with the words of that process.
    """
    with tempfile.TemporaryDirectory(prefix="wattlab-") as scratch:
        words = ["--json", asked.url, asked.campaign]
        if asked.key is not None:
            key = Path(scratch) / "lab.pub"
            key.write_text(asked.key)
            words += ["--public-key", str(key)]
        command = [sys.executable, "-m", "harness.cli", "archive", "verify", *words]
        done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
    try:
        told = json.loads(done.stdout)
        return [Check(**check) for check in told["checks"]]
    except (ValueError, KeyError, TypeError):
        raise LabError(
            f"{asked.campaign}: its worker could not verify it ({' '.join(done.stderr.split())[-300:]})"
        ) from None


def _of_packs(store: Any) -> list[Check]:  # noqa: ANN401  a Store, imported late
    """Whether packs are copies of parts; nothing where there are none."""
    from reports.archive.compacted import listed_in
    from reports.archive.compaction import faults
    from reports.archive.errors import ArchiveError

    try:
        if not listed_in(store)[0].packs:
            return []
        broken = list(faults(store))
    except ArchiveError as error:
        broken = [str(error)]
    good = [] if broken else [Check("packs", "packed", passed=True, detail="packs have the rows that parts have")]
    return good + [Check("packs", "packed", passed=False, detail=fault) for fault in broken]
