"""The index of an archive: a file for each campaign that says which parts it has, with digests.

Knows the records and their JSON. Knows no Parquet. A campaign is in the archive as soon as its file is in the index,
and not before: parts that no file names belong to nobody.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field

from harness.record.documents import is_plain_name, load_object
from harness.record.errors import DocumentError
from reports.archive.errors import ArchiveError
from reports.archive.store import Store
from reports.results.codec import document_in, document_text, keyed

FOLDER, PARTS, RAW = "index", "parts", "raw"
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


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """A campaign in the archive."""

    schema: int
    """Version of this form."""
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


def name_of(campaign: str) -> str:
    """Path of a campaign's file in the index.

    Raises:
        ArchiveError: the name is none of a file.
    """
    if not is_plain_name(campaign):
        raise ArchiveError(f"campaign {campaign!r}: expected a name that a file can have; archive it under no other")
    return f"{FOLDER}/{campaign}.json"


def text_of(entry: Entry) -> bytes:
    """What stands in the index."""
    return document_text(entry).encode()


def entry_of(content: bytes, where: str) -> Entry:
    """An entry, read.

    Raises:
        ArchiveError: it is none, or of a newer form.
    """
    try:
        return document_in(Entry, load_object(content, where), where, SCHEMA)
    except DocumentError as error:
        raise ArchiveError(f"{error}; take it from a copy of the archive") from None


def entry_in(store: Store, campaign: str) -> Entry | None:
    """The entry of a campaign; None where there is none."""
    name = name_of(campaign)
    return entry_of(store.read(name), store.path(name)) if store.exists(name) else None


def entries(store: Store, names: Sequence[str] = ()) -> list[Entry]:
    """Every entry, or those of the named campaigns, by name.

    Raises:
        ArchiveError: there is no archive, no such campaign, or an entry cannot be read.
    """
    store.require()
    if not names:
        files = [name for name in store.names(FOLDER) if name.endswith(".json")]
        return [entry_of(store.read(name), store.path(name)) for name in files]
    found = []
    for campaign in names:
        entry = entry_in(store, campaign)
        if entry is None:
            raise ArchiveError(f"{store.url}: no campaign {campaign}; `wattlab archive list {store.url}` names them")
        found.append(entry)
    return found


def digest_of(content: bytes) -> str:
    """SHA-256, as hex digits."""
    return hashlib.sha256(content).hexdigest()
