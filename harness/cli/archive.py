"""`wattlab archive ...`: campaigns of years in one place, as Parquet, asked in SQL."""

import argparse
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeAlias

from rich.console import Console

from harness.cli import archive_questions, archive_regression
from harness.cli.archive_energies import add_energies
from harness.cli.archive_verify import add_verify
from harness.cli.called import command
from harness.cli.documents import Document
from harness.cli.progress import at_work
from harness.cli.screen import Sheet, columns, counted, say
from harness.cli.types import Parser, add_json_argument
from harness.record.errors import Interrupted, LabError, printable

Rows: TypeAlias = Any  # an Arrow table; what has such things is imported late


@dataclass(frozen=True, slots=True, kw_only=True)
class ArchivedCampaign(Document):
    """A campaign in an archive."""

    campaign: str
    """Its name."""
    customer: str
    """For whom it was measured."""
    begun_utc: str
    """Begin of its first run."""
    runs: int
    """How many."""
    rows: int
    """Rows of all its tables."""
    bytes: int
    """Size of what the archive has of it, B."""
    verdict: str
    """What its findings make of it."""
    sealed_files: bool
    """Whether they were archived too (`--raw`)."""
    is_new: bool | None = None
    """Of one that was to be added: whether anything was added; null otherwise."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ArchivedCampaigns(Document):
    """Campaigns of an archive."""

    archive: str
    """Its place."""
    campaigns: tuple[ArchivedCampaign, ...]
    """Each of them."""
    refused: Mapping[str, str] = field(default_factory=dict)
    """Folder of a campaign that was not added -> why; then the exit code is 1."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CompactedArchive(Document):
    """What was put together."""

    campaigns: int
    """Campaigns whose small tables lie together now."""
    packs: int
    """In so many packs."""
    written: int
    """Campaigns that were written now."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RestoredCampaign(Document):
    """A campaign that was taken out of an archive."""

    folder: str
    """Where it lies."""


def add_arguments(verb: Parser) -> None:
    """What the verb takes."""
    verb.description = (
        "An archive of campaigns: a folder, or a URL that fsspec reaches (s3://bucket/place), with every reading as "
        "Parquet and an index with digests (docs/archive.md)."
    )
    actions = verb.add_subparsers(dest="action", metavar="ACTION", required=True)
    added = actions.add_parser("add", help="add campaigns, or what has come to them; twice is once")
    added.add_argument("campaigns", nargs="+", type=Path, metavar="CAMPAIGN", help="campaign folder")
    added.add_argument(
        "--into", required=True, metavar="ARCHIVE", help="a folder or a URL; it is made where it is none"
    )
    added.add_argument(
        "--raw", action="store_true", help="the sealed files too: they can be restored, and rows verified"
    )
    added.add_argument("--key", type=Path, metavar="KEY", help="an OpenSSH key that signs the entry")
    add_json_argument(added, "what was added", ArchivedCampaigns)
    added.set_defaults(call=call_add, interrupted="what is not listed was not added; the same command goes on")
    listed = actions.add_parser("list", help="which campaigns it has")
    listed.add_argument("archive", help="a folder or a URL")
    add_json_argument(listed, "which campaigns it has", ArchivedCampaigns)
    listed.set_defaults(call=call_list)
    archive_questions.add_arguments(actions)
    held = actions.add_parser("regression", help="a release held against the one before it, for CI")
    archive_regression.add_arguments(held)
    packed = actions.add_parser("compact", help="put the small tables together, so that questions are faster")
    packed.add_argument("archive", help="a folder or a URL")
    add_json_argument(packed, "what was put together", CompactedArchive)
    packed.set_defaults(call=call_compact, interrupted="nothing was put together; the same command begins anew")
    add_energies(actions)
    add_verify(actions)
    restored = actions.add_parser("restore", help="a campaign's sealed files, byte by byte")
    restored.add_argument("archive", help="a folder or a URL")
    restored.add_argument("campaign", metavar="CAMPAIGN", help="its name")
    restored.add_argument("--into", type=Path, default=Path(), metavar="DIR", help="below this folder (default: here)")
    add_json_argument(restored, "where it lies", RestoredCampaign)
    restored.set_defaults(call=call_restore, interrupted="no campaign was restored")


def call_add(arguments: argparse.Namespace) -> int:
    """Add each; one that cannot be added keeps out no other."""
    from harness.attest.signer import require_key
    from harness.evidence.archives import add
    from reports.archive.store import Store, require_lasting

    require_lasting(arguments.into)
    store, done, refused = Store(arguments.into), [], dict[str, str]()
    if arguments.key is not None:
        require_key(arguments.key)  # one that is none is told before anything is computed
    for campaign in arguments.campaigns:
        try:
            with at_work(f"{campaign}: checking its seals, computing its numbers"):
                added = add(campaign, store, raw=arguments.raw, key=arguments.key)
        except Interrupted:
            raise
        except LabError as error:
            if len(arguments.campaigns) == 1:
                raise
            print(f"refused  {printable(campaign.name)}")
            say(Console(stderr=True), str(error), "bold red")
            refused[str(campaign)] = str(error)
            continue
        entry = added.entry
        what = f"{counted(len(entry.runs), 'run')}, {counted(entry.rows, 'row')}, {entry.bytes / 1e6:.1f} MB"
        print(f"{'added   ' if added.is_new else 'is there'} {printable(entry.name)}: {what}")
        done.append(_told(entry, is_new=added.is_new))
        if bare := sum(digest is None for digest in entry.runs.values()):
            text = f"{counted(bare, 'run')} of {printable(entry.name)} without a seal: cut off, or still measured."
            say(Console(), f"{text} When it is sealed, add the campaign again.", "yellow")
        if added.lost_signature:
            name = printable(entry.name)
            say(Console(), f"{name} was signed, and is not now: give the command again, with --key.", "yellow")
    arguments.answer = ArchivedCampaigns(archive=arguments.into, campaigns=tuple(done), refused=refused)
    if refused:
        count = len(arguments.campaigns)
        none = f"none of the {count} campaigns was added"
        some = f"{len(refused)} of {count} campaigns were not added; the others were"
        say(Console(stderr=True), none if len(refused) == count else some, "bold red")
        return 1
    if store.keeps_apart is False:
        say(Console(), "This place knows no conditional writes: let one command at a time add to it.", "yellow")
    say(Console(), f"Next: {command('archive', 'list', arguments.into)}.")
    return 0


def _told(entry: Any, *, is_new: bool | None = None) -> ArchivedCampaign:  # noqa: ANN401  an Entry, imported late
    return ArchivedCampaign(
        campaign=entry.name, customer=entry.customer, begun_utc=entry.begun_utc, runs=len(entry.runs),
        rows=entry.rows, bytes=entry.bytes, verdict=entry.verdict,
        sealed_files=entry.raw is not None, is_new=is_new,
    )  # fmt: skip


def call_list(arguments: argparse.Namespace) -> int:
    """A line a campaign."""
    from reports.archive.index import entries
    from reports.archive.store import Store

    told = [_told(entry) for entry in entries(Store(arguments.archive))]
    arguments.answer = ArchivedCampaigns(archive=arguments.archive, campaigns=tuple(told))
    Console().print(archived_sheet(told))
    return 0


def archived_sheet(told: Sequence[ArchivedCampaign]) -> Sheet:
    """A line a campaign."""
    rows = [
        (one.campaign, one.begun_utc[:10], str(one.runs), f"{one.rows}", f"{one.bytes / 1e6:.1f}", one.verdict,
         "yes" if one.sealed_files else "no")
        for one in told
    ]  # fmt: skip
    heads = ("campaign", "begun", "runs", "rows", "MB", "verdict", "sealed files")
    return Sheet(columns(*heads, numbers=("runs", "rows", "MB")), rows)


def call_compact(arguments: argparse.Namespace) -> int:
    """Put together; what is there stays."""
    from reports.archive.compaction import compact
    from reports.archive.store import Store

    with at_work("putting the small tables together"):
        done = compact(Store(arguments.archive))
    arguments.answer = CompactedArchive(campaigns=done.campaigns, packs=done.packs, written=done.written)
    what = f"{counted(done.written, 'campaign')} put together" if done.written else "nothing has come since"
    print(f"{what}; {counted(done.packs, 'pack')} with {counted(done.campaigns, 'campaign')}")
    return 0


def call_restore(arguments: argparse.Namespace) -> int:
    """Restore; say what to do next."""
    from harness.evidence.archives import restore
    from reports.archive.errors import written
    from reports.archive.index import entries
    from reports.archive.store import Store

    store = Store(arguments.archive)
    entries(store, [arguments.campaign])
    with at_work("unpacking"), written(arguments.into):
        folder = restore(store, arguments.campaign, arguments.into)
    arguments.answer = RestoredCampaign(folder=str(folder))
    print(f"restored  {folder}")
    say(Console(), f"Next: {command('verify', folder)}.")
    return 0
