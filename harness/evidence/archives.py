"""Campaigns into an archive, checked there, and back out of it.

Knows campaigns with their seals, and the archive's index and parts. Asks nobody and prints nothing.

An addition is visible when its file in the index is there: it is created last, by one writer alone. So whatever ends an
addition leaves parts that nobody names, and the same command again goes on; whoever comes too late begins again, with
what the other one has done before it. What an entry names no more is removed after it.
"""

import hashlib
import tempfile
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from shlex import quote

from harness.attest import signer
from harness.attest.signer import OF_ARCHIVE
from harness.evidence.bag import OWN, unpack_bag, write_bag
from harness.evidence.statement import SIGNATURE, derived_digests
from harness.record.campaign_folder import DERIVED, STATEMENT, CampaignFolder
from harness.record.documents import VERSION
from harness.record.entries import header_of
from harness.record.plain_files import sha256_of
from harness.record.run_folder import RunFolder
from harness.record.seal import MANIFEST
from harness.record.steps import step, steps
from harness.record.verify import examine
from reports.archive.errors import ArchiveError
from reports.archive.index import (
    FOLDER,
    PARTS,
    RAW,
    SCHEMA,
    Bag,
    Entry,
    Part,
    file_of,
    found_in,
    required_in,
    revisions_in,
    signature_of,
    text_of,
)
from reports.archive.parts import write_part
from reports.archive.store import Store, Taken
from reports.archive.tables import Rows, of_results, of_run
from reports.campaign.analyse import analyse
from reports.frames.provenance import provenance_of
from reports.results.document import CampaignNumbers
from reports.results.header import CampaignHeader

TRIES = 5
"""Of an addition, when others add the same campaign."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Added:
    """What became of a campaign that was to be added."""

    entry: Entry
    is_new: bool
    """False: it was there already, just so."""
    written: int
    """Parts that were written now; others were there."""
    lost_signature: bool = False
    """Whether the entry before it was signed, and this one is not."""


def add(campaign: Path, store: Store, *, raw: bool, key: Path | None) -> Added:
    """Add a campaign, or what has come to one that is there; sealed files that are there are brought up to date too.

    Raises:
        ArchiveError: another campaign has its name there, the archive cannot be written, a check of its seals fails.
        AnalysisError: it has no run that can be read.
        SigningError: the key does not sign.
    """
    folder = CampaignFolder(campaign)
    if (there := _unchanged(folder, store, raw=raw, key=key)) is not None:
        return there
    seen = examine(campaign)
    if seen.broken:
        first = seen.broken[0]
        raise ArchiveError(
            f"{campaign}: it is not as it was sealed ({first.subject}, {first.name}: {first.detail}); `wattlab verify` "
            "names every check that fails. Only what is as it was sealed is archived"
        )
    numbers = analyse(campaign, seen).numbers
    store.make()
    for _ in range(TRIES):
        with suppress(Taken):
            return _unchanged(folder, store, raw=raw, key=key) or _add_once(campaign, store, numbers, raw=raw, key=key)
    raise ArchiveError(
        f"{store.url}: others keep adding {numbers.campaign.name} too; when they are done, give the same command again"
    )


def _unchanged(folder: CampaignFolder, store: Store, *, raw: bool, key: Path | None) -> Added | None:
    """A campaign that is there just so, by the digests of its manifests and logs; None: it has to be looked at. What it
    is now is not looked at: nothing of it is taken."""
    header = header_of(folder.entries())
    found = None if header is None else found_in(store, header.name)
    if found is None:
        return None
    entry = found.entry
    manifests = {path.name: path / MANIFEST for path in folder.run_paths()}
    runs = {name: sha256_of(path) if path.is_file() else None for name, path in manifests.items()}
    logs = {name: digest for name, (digest, _) in _logs(folder).items()}
    is_signed = key is None or store.exists(signature_of(found.path, found.content))
    same = (entry.uid, entry.runs, entry.logs, entry.added_by) == (folder.identity, runs, logs, VERSION)
    if not same or not _has_bag_of(entry, folder, raw) or not is_signed or not _is_whole(store, entry):
        return None
    _prune(store, entry, found.content)
    return Added(entry=entry, is_new=False, written=0)


def _add_once(campaign: Path, store: Store, numbers: CampaignNumbers, *, raw: bool, key: Path | None) -> Added:
    folder, name = CampaignFolder(campaign), numbers.campaign.name
    found = found_in(store, name)
    before = None if found is None else found.entry
    was_signed = found is not None and store.exists(signature_of(found.path, found.content))
    fresh = entry_of(numbers, folder.identity, folder, 1 if before is None else before.revision + 1)
    if found is not None and before is not None:
        _refuse_another(campaign, store, before, fresh)
        raw = raw or before.raw is not None
    parts, written = [], 0
    for rows in rows_of(campaign, numbers, fresh.uid):
        part, is_new = _put(store, name, rows)
        parts.append(part)
        written += is_new
    entry = replace(fresh, parts=tuple(parts), raw=_bag(campaign, store, name) if raw else None)
    content = text_of(entry)
    _require_whole(store, entry)
    _enter(store, entry, content, None if key is None else signer.sign(content, key, OF_ARCHIVE))
    _prune(store, entry, content)
    _require_whole(store, entry)
    return Added(entry=entry, is_new=True, written=written, lost_signature=was_signed and key is None)


def _require_whole(store: Store, entry: Entry) -> None:
    """Raise Taken where another addition took for nobody's what was put before its entry is there: it begins again."""
    if not _is_whole(store, entry):
        raise Taken(entry.name)


def _refuse_another(campaign: Path, store: Store, before: Entry, fresh: Entry) -> None:
    if before.uid != fresh.uid:
        raise ArchiveError(
            f"{store.url}: another campaign is called {fresh.name} there (its log begins with another line); give one "
            "of them another name before it is measured, or add this one to another archive"
        )
    back = f"nothing was added. `wattlab archive restore {quote(store.url)} {fresh.name}` gives back what was archived"
    for run, digest in sorted(before.runs.items()):
        if run not in fresh.runs or digest not in (None, fresh.runs[run]):
            raise ArchiveError(
                f"{campaign}: the archive has its run {run}, which is not there any more or was sealed anew; {back}"
            )
    if before.raw is not None and STATEMENT in before.raw.others and not (campaign / STATEMENT).is_file():
        raise ArchiveError(
            f"{campaign}: the archive has its signed statement, which is not there any more: this may be an older "
            f"copy; {back}"
        )
    for log, digest in sorted(before.logs.items()):
        if _beginning(campaign / log, before.log_bytes[log]) != digest:
            raise ArchiveError(
                f"{campaign}: the archive has a {log} of it that goes on or goes otherwise than the one here: this may "
                f"be an older copy; {back}"
            )


def _beginning(file: Path, size: int) -> str | None:
    """Digest of the first bytes of a file; None where it is not there or has fewer."""
    if not file.is_file() or file.stat().st_size < size:
        return None
    with file.open("rb") as content:
        return hashlib.sha256(content.read(size)).hexdigest()


def rows_of(campaign: Path, numbers: CampaignNumbers, uid: str) -> Iterator[Rows]:
    """Every table of a campaign, part by part."""
    folders = {run.folder: RunFolder.open(campaign / run.folder) for run in numbers.runs}
    yield from of_results(uid, numbers, provenance_of(numbers, folders))
    for run in steps("reading the runs' rows", folders.values()):
        yield from of_run(uid, numbers.campaign.name, run)


def entry_of(numbers: CampaignNumbers, uid: str, folder: CampaignFolder, revision: int) -> Entry:
    """What the index says of a campaign, without its parts."""
    header, logs = numbers.campaign, _logs(folder)
    return Entry(
        schema=SCHEMA, revision=revision, name=header.name, uid=uid, customer=header.customer or "",
        sut=str(numbers.sut.get("hostname") or numbers.sut.get("name") or ""),
        host=str(numbers.host.get("hostname") or numbers.host.get("name") or ""), release=_release(header),
        begun_utc=header.first_utc,
        verdict=numbers.verdict.word, origin=numbers.measurement.sentence,
        added_utc=datetime.now(UTC).isoformat(timespec="seconds"), added_by=VERSION, runs=dict(numbers.inputs),
        logs={name: digest for name, (digest, _) in logs.items()},
        log_bytes={name: size for name, (_, size) in logs.items()}, parts=(),
    )  # fmt: skip


def _release(header: CampaignHeader) -> str:
    declared = (header.config or {}).get("campaign")
    return str(declared.get("release") or "") if isinstance(declared, dict) else ""


def _logs(folder: CampaignFolder) -> dict[str, tuple[str, int]]:
    """Every log of a campaign that is there -> its digest and size: a note of the operator can take a run out of the
    means."""
    paths = (folder.log.path, folder.annotations.path, folder.receipts.path)
    found = {path.name: path.read_bytes() for path in paths if path.exists()}
    return {name: (hashlib.sha256(content).hexdigest(), len(content)) for name, content in found.items()}


def _has_bag_of(entry: Entry, folder: CampaignFolder, raw: bool) -> bool:
    """Whether the sealed files that were archived are those of the folder, statement and results included."""
    return not raw if entry.raw is None else entry.raw.others == others_of(folder.path)


def others_of(campaign: Path) -> dict[str, str]:
    """What of a campaign goes into its bag beside runs, logs and attachments -> its digest."""
    signed = {name: campaign / name for name in (STATEMENT, SIGNATURE) if (campaign / name).is_file()}
    derived = {f"{DERIVED}/{name}": digest for name, digest in derived_digests(campaign).items()}
    return {name: sha256_of(path) for name, path in signed.items()} | derived


def _is_whole(store: Store, entry: Entry) -> bool:
    return _named(entry) <= _there(store, entry.name)


def _named(entry: Entry) -> set[str]:
    return {part.path for part in entry.parts} | ({entry.raw.path} if entry.raw else set())


def _there(store: Store, campaign: str) -> set[str]:
    return {path for folder in (PARTS, RAW) for path in store.names(f"{folder}/{campaign}")}


def _put(store: Store, campaign: str, rows: Rows) -> tuple[Part, bool]:
    with tempfile.TemporaryDirectory(prefix="wattlab-") as scratch:
        part, file = write_part(rows, campaign, Path(scratch))
        if store.exists(part.path):
            with store.fetched(part.path) as there:
                if sha256_of(there) == part.sha256:
                    return part, False
        store.put_file(part.path, file)
    return part, True


def _bag(campaign: Path, store: Store, name: str) -> Bag:
    step("writing the sealed files as one bag")
    with tempfile.TemporaryDirectory(prefix="wattlab-") as scratch:
        file = Path(scratch) / "campaign.zip"
        write_bag(campaign, file, OWN)
        digest = sha256_of(file)
        bag = Bag(path=f"{RAW}/{name}/{digest[:16]}.zip", bytes=file.stat().st_size, sha256=digest,
                  others=others_of(campaign))  # fmt: skip
        store.put_file(bag.path, file)
    return bag


def _enter(store: Store, entry: Entry, content: bytes, signature: bytes | None) -> None:
    """The signature first, so that no entry is without the one that it is to have.

    Raises:
        Taken: another writer made this revision.
    """
    path = file_of(entry.name, entry.revision)
    if signature is not None:
        store.put(signature_of(path, content), signature)
    store.create(path, content)


def _prune(store: Store, entry: Entry, content: bytes) -> None:
    """Remove what of a campaign no entry names, unless another writer has made a newer one meanwhile."""
    names = store.names(FOLDER)
    if revisions_in(names)[entry.name][-1] != entry.revision:
        return
    newest = file_of(entry.name, entry.revision)
    kept = {newest, signature_of(newest, content)}
    for path in (name for name in names if _is_of(name, entry) and name not in kept):
        store.remove(path)
    for path in _there(store, entry.name) - _named(entry):
        store.remove(path)
    for folder in (FOLDER, f"{PARTS}/{entry.name}"):
        store.remove_drafts(folder)


def _is_of(name: str, entry: Entry) -> bool:
    """Whether a file of the index is an entry of a campaign up to this one, or a signature of such."""
    rest = name.removeprefix(f"{FOLDER}/{entry.name}.").split(".")
    return name.startswith(f"{FOLDER}/{entry.name}.") and rest[0].isdigit() and len(rest) == 2 + (rest[-1] == "sig")


def restore(store: Store, campaign: str, into: Path) -> Path:
    """The campaign's folder as it was archived, byte by byte, below a folder of this machine.

    Raises:
        ArchiveError: its sealed files were not archived, are damaged, or the folder is there already.
        SigningError: they cannot be unpacked.
    """
    entry = required_in(store, campaign).entry
    target = into / campaign
    if target.exists():
        raise ArchiveError(f"{target}: exists already; name another folder with --into")
    into.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".wattlab-", dir=into) as scratch:
        unpacked(store, entry, Path(scratch)).rename(target)
    return target


def unpacked(store: Store, entry: Entry, scratch: Path) -> Path:
    """The campaign's folder below a folder of this machine.

    Raises:
        ArchiveError: its sealed files were not archived, or are damaged.
    """
    if entry.raw is None:
        raise ArchiveError(f"{entry.name}: its sealed files were not archived; only `archive add --raw` keeps them")
    with store.fetched(entry.raw.path) as file:
        if (sha256_of(file), file.stat().st_size) != (entry.raw.sha256, entry.raw.bytes):
            raise ArchiveError(f"{store.path(entry.raw.path)}: not the bytes that were added; take it from a copy")
        return unpack_bag(file, scratch, OWN)
