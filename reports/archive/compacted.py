"""Packs of an archive: the small tables of many campaigns in one file each, and which entries of the index they hold.

Knows the records, their JSON and their files. Knows no Parquet. A pack is a copy: whatever stands in it stands in parts
too, and without it an archive is the same, but slower. It holds a campaign as long as that one's entry is the one that
it was packed of; what was added or has changed since is read of its parts.

The list of packs has revisions as an entry has (`index.py`): one writer alone makes the next.
"""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from harness.record.documents import load_object
from harness.record.errors import DocumentError
from reports.archive.errors import ArchiveError
from reports.archive.index import revisions_in
from reports.archive.schemas import OF_CAMPAIGN, VERSIONS
from reports.archive.store import Store
from reports.results.codec import document_in, keyed

FOLDER, LIST = "packs", "packs/packed"
SCHEMA = 1
TABLES = ("campaigns", *OF_CAMPAIGN)
"""What a pack has a file of."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PackFile:
    """One Parquet file of a pack."""

    path: str
    """Below the archive."""
    table: str
    """Whose rows it has."""
    schema: int
    """Version of the table's schema."""
    rows: int
    """Rows."""
    sha256: str
    """Digest."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Pack:
    """Campaigns whose small tables lie together."""

    entries: dict[str, str]
    """Path of an entry of the index -> MD5 of its bytes when it was packed, in the order of the rows."""
    files: tuple[PackFile, ...]
    """A file for each table."""
    states: dict[str, str] = field(default_factory=dict, metadata=keyed(left_out=True))
    """Path of such an entry -> its size and time of change in that moment, in a folder: one that has both still needs
    not be read (`Store.states`). A copy of the archive has other times, and its entries are read."""

    def current(self, stamps: Mapping[str, str]) -> tuple[str, ...]:
        """The entries that are the newest of their campaigns still; `stamps`: newest entry -> MD5 now."""
        return tuple(path for path, stamp in self.entries.items() if stamps.get(path) == stamp)


@dataclass(frozen=True, slots=True, kw_only=True)
class Packed:
    """All packs of an archive."""

    schema: int
    """Version of this form."""
    revision: int
    """One more for each compaction."""
    packs: tuple[Pack, ...]
    """Each of them."""
    superseded: tuple[str, ...]
    """Files of packs that became part of others last time: whoever asks at this moment may read them still."""


def packed_in(store: Store) -> Packed:
    """The packs whose files are all there, of today's schemas; none where nothing was compacted.

    Raises:
        ArchiveError: their list cannot be read, or names a campaign twice.
    """
    found, names = _listed(store)
    return replace(found, packs=tuple(pack for pack in found.packs if _is_usable(pack, names)))


def listed_in(store: Store) -> tuple[Packed, list[str]]:
    """All packs as they are listed, and which of their files are not there.

    Raises:
        ArchiveError: as `packed_in`.
    """
    found, names = _listed(store)
    return found, sorted({file.path for pack in found.packs for file in pack.files} - names)


def _listed(store: Store) -> tuple[Packed, set[str]]:
    """All packs as they are listed, and the files that are there."""
    names = set(store.names(FOLDER))
    revisions = [int(number) for name in names if (number := _revision(name)).isascii() and number.isdigit()]
    if not revisions:
        return Packed(schema=SCHEMA, revision=0, packs=(), superseded=()), names
    path = file_of(max(revisions))
    try:
        found = document_in(Packed, load_object(store.read(path), store.path(path)), store.path(path), SCHEMA)
    except DocumentError as error:
        raise ArchiveError(f"{error}; remove this file and give `wattlab archive compact`: it holds copies") from None
    times = Counter(entry for pack in found.packs for entry in pack.entries.items())
    odd = [f"{entry} twice" for (entry, _), count in times.items() if count > 1]
    odd += [f"{entry!r:.80}, which is no entry" for entry, _ in times if not revisions_in([entry])]
    if odd:
        raise ArchiveError(
            f"{store.path(path)}: it names {odd[0]}; remove this file and give `wattlab archive compact`: packs hold "
            "copies"
        )
    return replace(found, revision=max(revisions)), names


def file_of(revision: int) -> str:
    """Path of a list of packs."""
    return f"{LIST}.{revision}.json"


def _revision(name: str) -> str:
    return name.removeprefix(f"{LIST}.").removesuffix(".json") if name.startswith(f"{LIST}.") else ""


def _is_usable(pack: Pack, names: set[str]) -> bool:
    own = {file.table: file for file in pack.files}
    return set(own) == set(TABLES) and all(
        file.path in names and file.schema == VERSIONS.get(table, SCHEMA) for table, file in own.items()
    )
