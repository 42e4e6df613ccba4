"""`wattlab verify CAMPAIGN|FILE.zip [--public-key K.pub]`: check and recompute everything; print a table."""

import argparse
import json
import re
import shlex
import tempfile
from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.text import Text

from harness.cli.documents import Document
from harness.cli.progress import at_work
from harness.cli.screen import Sheet, columns, counted, say
from harness.cli.types import add_json_argument
from harness.record.errors import LabError, SigningError, why
from harness.record.verify import Check

if TYPE_CHECKING:
    from harness.evidence.derived import Derived
    from harness.evidence.verifier import Outcome

ZIP_BEGIN = b"PK"
MEANINGS = {
    "bytes": (
        "is not as it was measured",
        "The lines above name each file. Restore them from a copy made after measuring; what cannot be restored proves "
        "nothing.",
    ),
    "computed": (
        "holds numbers, or a page, that do not follow from what was measured",
        "The verb that made them makes them anew: `wattlab report`, `compare`, `study report`; then verify again. "
        "Where they were signed, ask who signed them.",
    ),
    "after": (
        "was added to or written anew after it was signed",
        "If that was you (`wattlab report`, `annotate`), sign again; if not, take the signed files from a copy.",
    ),
    "key": (
        "was signed with another key than the one that was given",
        "The line above has both fingerprints. Ask the lab, on another way than this folder, which is its key: where "
        "the first is not, somebody else signed.",
    ),
    "unsigned": (
        "is not signed, or not all of it",
        "`wattlab sign` signs a campaign; seals are signed while it is measured ([seal] in lab.toml). Where the lab "
        "says that it signed, the signature was taken out.",
    ),
    "incomplete": (
        "lacks planned runs, not measured yet or removed",
        "`wattlab run` measures them; `wattlab sign --incomplete REASON` signs it as it is.",
    ),
    "invalid": ("is invalid by its own findings", "The report says why, and what to do; its numbers may not be used."),
}
"""What failed checks of a kind say of the folder, and what to do, heaviest first."""
SEALED = "bytes, seals and chain"
COMPUTED_AGAIN = "numbers and pages, computed again"
GROUPS: Mapping[str, tuple[str, ...]] = {
    SEALED: (
        "plain",
        "whole",
        "bytes",
        "manifest",
        "sealed",
        "chain",
        "annotations",
        "link",
        "place",
        "journal",
        "streams",
        "complete",
        "planned",
        "attachment",
    ),
    "what log and journals say": (
        "version",
        "entries",
        "start",
        "config",
        "dates",
        "order",
        "copies",
        "searches",
        "clock",
        "notes",
        "contradictions",
    ),
    "meters: wire logs, origin, form": ("wire", "descriptor", "origin"),
    "signatures, receipts, witness": (
        "signature",
        "seal",
        "signed",
        "receipts",
        "receipt",
        "time",
        "witness",
        "witness's",
    ),
    COMPUTED_AGAIN: (),
}
"""What passed is told by -> the first words of its checks. What is computed has the last; what is of none, its own."""
FOLLOWING = (
    "- {checks} of numbers, pages and verdict failed, too: they are computed of these bytes, so nothing follows from "
    "that before the bytes are restored."
)
TOLD = frozenset({"origin", "signature", "seal", "validity"})
"""Checks whose finding is told where they passed, too."""
OPEN = frozenset({"bytes", "unsigned", "incomplete"})
"""Kinds after which nobody can say that all that was measured is there as it was sealed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Verified(Document):
    """Whether a campaign, a comparison or a study is as it was sealed and computed."""

    campaign: str
    """The folder or bag, as it was given."""
    passed: bool
    """Every check passed."""
    checks: tuple[Check, ...]
    """Every check of every run."""
    notes: tuple[str, ...]
    """Sentences on what the checks prove, and what not."""


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
        "--all", action="store_true", help="list every check of every run, not one line for each group of what passed"
    )
    add_json_argument(verb, "whether all checks pass, with every check,", Verified)
    verb.set_defaults(call=call, interrupted="not everything was checked, so nothing is said; nothing was changed")


def call(arguments: argparse.Namespace) -> int:
    """Print the table (one line for each group of what passed, unless --all), the sum, and what it proves.

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
        raise SigningError(f"{file}: cannot be read ({why(error)})") from None


def _verify(campaign: Path, arguments: argparse.Namespace) -> int:
    with at_work("checking every byte, computing everything again"):
        outcome = _outcome(campaign, arguments)
    checks, failed = outcome.checks, outcome.failed
    causes = failed if arguments.all else _causes(failed)
    other = _other_software(campaign, causes)
    notes = [*([other] if other else []), *outcome.notes]
    if arguments.json:
        arguments.answer = Verified(
            campaign=str(arguments.campaign), passed=not failed, checks=tuple(checks), notes=tuple(notes)
        )
        return 3 if failed else 0
    console, passed = Console(), [check for check in checks if check.passed]
    if arguments.all and passed:
        console.print(checks_sheet(passed))
    elif passed:
        console.print(groups_sheet(passed))
        for name, details in _told(passed):
            say(console, f"{name}: {'; '.join(details)}.")
    if not failed:
        what = f"{counted(len(checks), 'check')} passed: every byte of {arguments.campaign} is as it was sealed."
        say(console, what, "green")
    for note in notes:
        say(console, note)
    if failed:  # last, where the eye rests
        console.print()
        console.print(checks_sheet(failed if arguments.all else _summed(causes, checks)))
        say(console, f"{len(failed)} of {counted(len(checks), 'check')} FAILED.", "bold red")
        for sentence in in_words(arguments.campaign, _causes(failed)):
            say(console, sentence, "red")
        if following := len(failed) - len(_causes(failed)):
            say(console, FOLLOWING.format(checks=counted(following, "check")), "red")
    return 3 if failed else 0


def _other_software(folder: Path, failed: "Sequence[Check]") -> str:
    """What wrote a derived document of which a check failed, where that was not this wattlab: it may be why numbers or
    page differ; and how to find out."""
    from harness.evidence.kinds import COMPUTED, KINDS
    from harness.station.provenance import in_words, software_facts
    from harness.station.station import APPLICATION

    for kind in KINDS if any(check.name in COMPUTED for check in failed) else ():
        name = kind.subject
        try:
            wrote = json.loads((folder / name).read_text(encoding="utf-8"))[kind.writer_key]
            commit = wrote.setdefault("commit", None)
            then = in_words(wrote) if commit else f"wattlab {wrote['version']}, which did not say of which commit"
        except (OSError, ValueError, LookupError, TypeError, AttributeError):
            continue
        now = in_words(software_facts(APPLICATION))
        if then == now and not wrote.get("dirty"):
            continue
        told = f"{name} was written by {then}; this is {now}. That alone may be why numbers or pages differ."
        if not re.fullmatch("[0-9a-f]{40,64}", str(commit)):
            return (
                f"{told} Where you have the program that wrote it, verify it with that; the changelog says what moved."
            )
        place = f"{APPLICATION}-{commit[:8]}"
        fetch, again = (
            shlex.join(words)
            for words in (
                ["git", "-C", str(APPLICATION), "worktree", "add", place, commit],
                [f"{place}/lab", "verify", str(folder.resolve())],
            )
        )
        return (
            f"{told} To find out, verify it with the one that wrote it: `{fetch}`, then `{again}`. What passes there "
            "is as it was computed; `wattlab report` computes it anew by this one."
        )
    return ""


def _outcome(folder: Path, arguments: argparse.Namespace) -> "Outcome":
    """The checks of a campaign, or of the derived document that a sealed folder holds.

    Raises:
        LabError: a key or a witness for what is never signed, a file that is none of them.
    """
    from harness.attest.signer import read_public_key
    from harness.evidence.witnesses import read_witnesses

    key, seal_key = (None if p is None else read_public_key(p) for p in (arguments.public_key, arguments.seal_key))
    witnesses = read_witnesses(arguments.witness)
    if (kind := _kind_in(folder)) is None:
        from harness.evidence.verification import verify

        return verify(folder, key, witnesses, seal_key)
    if key is not None or seal_key is not None or witnesses.any:
        raise LabError(f"{folder}: a {kind.title} is not signed; verify its campaigns with --public-key")
    from harness.evidence.verifier import verify_document

    return verify_document(kind, folder)


def _kind_in(folder: Path) -> "Derived[Any, Any] | None":
    """Which kind of sealed document a folder holds; None: it is a campaign, or nothing that is known."""
    from harness.record.campaign_folder import CAMPAIGN

    if (folder / CAMPAIGN).exists():
        return None
    from harness.evidence.kinds import KINDS

    return next((kind for kind in KINDS if kind.is_in(folder)), None)


def _group_of(check: Check) -> str:
    from harness.evidence.kinds import COMPUTED

    if check.name in COMPUTED:
        return COMPUTED_AGAIN
    first = check.name.split()[0]
    return next((group for group, names in GROUPS.items() if first in names), check.name)


def groups_sheet(passed: Sequence[Check]) -> Sheet:
    """A line for each group of checks that passed."""
    counts = Counter(map(_group_of, passed))
    order = [*(group for group in GROUPS if group in counts), *(name for name in counts if name not in GROUPS)]
    rows = [(group, str(counts[group]), Text("pass", "green")) for group in order]
    return Sheet(columns("what was checked", "checks", "result"), rows)


def _told(passed: Sequence[Check]) -> Iterator[tuple[str, list[str]]]:
    """What was found by the checks that are told, each finding once."""
    found: dict[str, dict[str, None]] = {}
    for check in passed:
        if check.name in TOLD:
            found.setdefault(check.name, {})[check.detail] = None
    yield from ((name, list(details)) for name, details in found.items())


def _causes(failed: Sequence[Check]) -> list[Check]:
    """Failed checks without those of what is computed, where what it is computed of is not as it was sealed."""
    is_broken = any(_group_of(check) == SEALED and _kind_of(check) == "bytes" for check in failed)
    return [check for check in failed if not is_broken or _kind_of(check) not in ("computed", "invalid")]


def _summed(failed: Sequence[Check], checks: Sequence[Check]) -> list[Check]:
    """One line for failed checks of one name of which the same is said, in the order they were made."""
    made = Counter(check.name for check in checks)
    groups: dict[tuple[str, str], list[Check]] = {}
    for check in failed:
        groups.setdefault((check.name, check.detail), []).append(check)
    return [
        group[0] if len(group) == 1 else replace(group[0], subject=f"{len(group)} of {made[name]}")
        for (name, _), group in groups.items()
    ]


# --- what failed checks mean ------------------------------------------------------------------------------------------


def in_words(place: Path, failed: Sequence[Check]) -> Iterator[str]:
    """A sentence for each kind of what failed, heaviest first, and what to do; last, what holds all the same."""
    kinds: dict[str, list[Check]] = {}
    for check in failed:
        kinds.setdefault(_kind_of(check), []).append(check)
    for kind, (meaning, remedy) in MEANINGS.items():
        if kind in kinds:
            names = ", ".join(dict.fromkeys(check.name for check in kinds[kind]))
            yield f"- {place} {meaning} ({counted(len(kinds[kind]), 'check')}: {names}). {remedy}"
    if not kinds.keys() & OPEN:
        yield f"- What was measured is as it was sealed: no check of {place} that failed is about it."


def _kind_of(check: Check) -> str:
    """Which of MEANINGS a failed check is of."""
    from harness.attest.signer import OTHER_KEY, UNSIGNED
    from harness.evidence.kinds import COMPUTED
    from harness.evidence.statement import AFTER
    from harness.evidence.verification import INCOMPLETE, NOT_MEASURED

    if check.name in ("signature", "seal"):
        return "key" if check.detail.startswith(OTHER_KEY) else "unsigned" if UNSIGNED in check.detail else "bytes"
    if check.name == "signed documents" or (check.name.startswith("signed ") and check.detail.endswith(AFTER)):
        return "after"
    if check.name == INCOMPLETE and NOT_MEASURED in check.detail:
        return "incomplete"
    return {"validity": "invalid"}.get(check.name, "computed" if check.name in COMPUTED else "bytes")


def checks_sheet(checks: Sequence[Check], unasked: Collection[Check] = ()) -> Sheet:
    """A line for each check; of the unasked ones nothing was to be shown, so they neither passed nor failed."""
    marks = {True: ("pass", "green"), False: ("FAIL", "bold red")}
    rows = [
        (check.subject, check.name, Text("–") if check in unasked else Text(*marks[check.passed]), check.detail)
        for check in checks
    ]
    return Sheet(columns("subject", "check", "result", "what is there"), rows)
