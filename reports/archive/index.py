"""The index of an archive: a file for each campaign that says which parts it has, with digests.

Knows the records and their JSON. Knows no Parquet. A campaign is in the archive as soon as its file is in the index,
and not before: parts that no file names belong to nobody.

Each change of a campaign is a revision, a new file that one writer alone creates; the highest is what counts. So of two
that add at the same moment one comes too late, and sees what the other has done.
"""

import hashlib
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from shlex import quote

from harness.record.documents import is_plain_name, load_object
from harness.record.errors import DocumentError
from reports.archive.errors import ArchiveError
from reports.archive.store import Store
from reports.results.codec import document_in, document_text, keyed

FOLDER, PARTS, RAW, ENTRY = "index", "parts", "raw", ".json"
SCHEMA = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """One Parquet file."""

    path: str
    """Below the archive."""
    table: str
    """Which table it is a part of."""
    schema: int
    """Version of the table's schema."""
    run: str | None
    """Run folder whose rows it holds; null of a part for the whole campaign."""
    rows: int
    """Rows."""
    bytes: int
    """Size, B."""
    sha256: str
    """Digest."""
    first_ns: int | None
    """First stamp in it, ns since 1970; null where rows have none."""
    last_ns: int | None
    """Last stamp in it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Bag:
    """The sealed files themselves, as one file."""

    path: str
    """Below the archive."""
    bytes: int
    """Size, B."""
    sha256: str
    """Digest."""
    others: dict[str, str] = field(default_factory=dict, metadata=keyed(left_out=True))
    """What of the campaign stands in it beside runs, logs and attachments -> its digest: signed statement, results,
    pages."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """A campaign in the archive."""

    schema: int
    """Version of this form."""
    revision: int
    """1 when the campaign was added, one more for each change."""
    name: str
    """Name of the campaign."""
    uid: str
    """SHA-256 of its log's first line: what tells it from any other."""
    customer: str
    """For whom it was measured."""
    sut: str
    """Name or model of the system under test."""
    host: str
    """Name of the workload generator."""
    release: str
    """Version of what was measured (`campaign.release` of lab.toml); empty: not said."""
    begun_utc: str
    """Begin of its first run."""
    verdict: str
    """What its findings make of it."""
    origin: str
    """Where its readings come from, in a sentence."""
    added_utc: str
    """When it was added."""
    added_by: str
    """Version of the wattlab that added it."""
    runs: dict[str, str | None]
    """Run folder -> digest of its manifest; null: not sealed."""
    logs: dict[str, str]
    """Log of the campaign -> its digest."""
    log_bytes: dict[str, int]
    """Log of the campaign -> its size, B: logs grow at their end, so that an older copy is told from a newer one."""
    parts: tuple[Part, ...]
    """Its tables."""
    raw: Bag | None = field(default=None, metadata=keyed(left_out=True))
    """Its sealed files; absent where they were not archived."""

    @property
    def bytes(self) -> int:
        """Size of all that the archive has of it, B."""
        return sum(part.bytes for part in self.parts) + (self.raw.bytes if self.raw is not None else 0)

    @property
    def rows(self) -> int:
        """Rows of all its tables."""
        return sum(part.rows for part in self.parts)


@dataclass(frozen=True, slots=True)
class Found:
    """An entry as it lies in the index."""

    path: str
    """Below the archive."""
    content: bytes
    """Its bytes, which are signed."""
    entry: Entry


def file_of(campaign: str, revision: int) -> str:
    """Path of a revision of a campaign in the index.

    Raises:
        ArchiveError: the name is none of a file.
    """
    if not is_plain_name(campaign) or campaign.startswith("."):
        raise ArchiveError(f"campaign {campaign!r}: expected a name that a file can have; archive it under no other")
    return f"{FOLDER}/{campaign}.{revision}.json"


def signature_of(path: str, content: bytes) -> str:
    """Path of the signature of an entry: no other entry has it, so that writers do not meet there."""
    return f"{path.removesuffix(ENTRY)}.{digest_of(content)[:16]}.sig"


def revisions_in(names: Iterable[str]) -> dict[str, list[int]]:
    """Campaign -> its revisions, rising, of the names of a folder's files."""
    found: dict[str, list[int]] = {}
    for name in names:
        campaign, _, revision = name.removeprefix(f"{FOLDER}/").removesuffix(ENTRY).rpartition(".")
        is_hidden = campaign.startswith(".")  # what a file system leaves beside a file; no campaign is called so
        if name.endswith(ENTRY) and campaign and not is_hidden and revision.isascii() and revision.isdigit():
            found.setdefault(campaign, []).append(int(revision))
    return {campaign: sorted(revisions) for campaign, revisions in sorted(found.items())}


def text_of(entry: Entry) -> bytes:
    """What stands in the index."""
    return document_text(entry).encode()


def entry_of(content: bytes, path: str, where: str) -> Entry:
    """An entry, read.

    Raises:
        ArchiveError: it is none, of a newer form, of another place, or names files that are not its own.
    """
    try:
        entry = document_in(Entry, load_object(content, where), where, SCHEMA)
    except DocumentError as error:
        raise ArchiveError(f"{error}; take it from a copy of the archive") from None
    try:
        for moment in (entry.begun_utc, entry.added_utc):
            datetime.fromisoformat(moment)
    except ValueError as error:
        raise ArchiveError(f"{where}: {error}; take it from a copy of the archive") from None
    if entry.logs.keys() != entry.log_bytes.keys():
        raise ArchiveError(f"{where}: log_bytes is of other logs than logs; take it from a copy of the archive")
    if path != f"{FOLDER}/{entry.name}.{entry.revision}.json":
        raise ArchiveError(
            f"{where}: this is revision {entry.revision} of {entry.name}, under another name; take it from a copy"
        )
    named = [(part.path, f"{PARTS}/{entry.name}/") for part in entry.parts]
    named += [(entry.raw.path, f"{RAW}/{entry.name}/")] if entry.raw is not None else []
    times = Counter(name for name, _ in named)
    for name, own in named:
        if not name.startswith(own) or {"", ".", ".."} & set(name.split("/")) or times[name] > 1:
            raise ArchiveError(f"{where}: names {name!r}, which is no file of this campaign; take it from a copy")
    return entry


def found_in(store: Store, campaign: str) -> Found | None:
    """The newest revision of a campaign; None where it is not there.

    Raises:
        ArchiveError: it cannot be read.
    """
    file_of(campaign, 0)
    revisions = revisions_in(store.names(FOLDER)).get(campaign)
    return None if revisions is None else _read(store, file_of(campaign, revisions[-1]))


def entry_at(store: Store, path: str) -> Entry:
    """The entry at a path of the index.

    Raises:
        ArchiveError: it cannot be read.
    """
    return _read(store, path).entry


def _read(store: Store, path: str) -> Found:
    content = store.read(path)
    return Found(path, content, entry_of(content, path, store.path(path)))


def entry_in(store: Store, campaign: str) -> Entry | None:
    """The entry of a campaign; None where there is none."""
    found = found_in(store, campaign)
    return None if found is None else found.entry


def required_in(store: Store, campaign: str) -> Found:
    """The same.

    Raises:
        ArchiveError: there is no archive, no such campaign, or its entry cannot be read.
    """
    store.require()
    found = found_in(store, campaign)
    if found is None:
        raise ArchiveError(f"{store.url}: no campaign {campaign}; `wattlab archive list {quote(store.url)}` names them")
    return found


def newest(store: Store) -> dict[str, str]:
    """Campaign -> path of its newest revision, by name.

    Raises:
        ArchiveError: there is no archive.
    """
    store.require()
    found = revisions_in(store.names(FOLDER))
    return {campaign: file_of(campaign, revisions[-1]) for campaign, revisions in found.items()}


def entries(store: Store, names: Sequence[str] = ()) -> list[Entry]:
    """Every entry, or those of the named campaigns, by name.

    Raises:
        ArchiveError: there is no archive, no such campaign, or an entry cannot be read.
    """
    if names:
        return [required_in(store, campaign).entry for campaign in names]
    return [entry_at(store, path) for path in newest(store).values()]


def digest_of(content: bytes) -> str:
    """SHA-256, as hex digits."""
    return hashlib.sha256(content).hexdigest()
