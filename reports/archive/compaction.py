"""Making packs: the small tables of campaigns that no pack holds are put together, whole or not at all.

Knows contents, packs and Parquet. Changes no entry and no part. A pack becomes part of the next one as soon as that
would have half as many campaigns beside it, so that a campaign is written again few times however many there are.

Files are written first, their list last, which one writer alone creates. Who comes too late has done nothing. What is
removed afterwards was there before the list was made: files of a compaction that was killed, or came too late itself.
"""

import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa

from harness.record.plain_files import sha256_of
from harness.record.steps import step, steps
from reports.archive.compacted import FOLDER, SCHEMA, TABLES, Pack, Packed, PackFile, file_of, listed_in
from reports.archive.contents import Contents, campaigns_table
from reports.archive.errors import ArchiveError
from reports.archive.index import Entry, entry_at, newest, revisions_in
from reports.archive.parts import parts_of, read_part, write_table
from reports.archive.schemas import SCHEMAS, VERSIONS
from reports.archive.store import Store, Taken
from reports.results.codec import document_text

REPEATED = 2
"""A pack becomes part of the next one where it has at most so many times its campaigns."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Compacted:
    """What became of an archive that was to be compacted."""

    campaigns: int
    """That a pack holds now."""
    packs: int
    """How many there are."""
    written: int
    """Campaigns that were written now."""


def compact(store: Store) -> Compacted:
    """Put into packs what none holds.

    Raises:
        ArchiveError: a part or a pack is damaged, the archive cannot be written, or somebody else compacts it.
    """
    contents = Contents(store)
    kept, joined, fresh = _plan(contents)
    if not fresh:
        held = sum(len(pack.current(contents.stamps)) for pack in kept)
        return Compacted(campaigns=held, packs=len(kept), written=0)
    before = set(store.names(FOLDER))
    pack = _written(contents, joined, fresh)
    old = contents.packed
    packs = (*kept, pack)
    superseded = tuple(file.path for one in joined for file in one.files)
    listed = Packed(schema=SCHEMA, revision=old.revision + 1, packs=packs, superseded=superseded)
    try:
        store.create(file_of(listed.revision), document_text(listed).encode())
    except Taken:
        raise ArchiveError(
            f"{store.url}: somebody else compacted it at this moment; nothing is lost, and what is left does the same "
            "command again"
        ) from None
    named = {file.path for one in packs for file in one.files} | {*superseded, file_of(listed.revision)}
    for path in before - named:
        with suppress(FileNotFoundError):
            store.remove(path)
    store.remove_drafts(FOLDER)
    held = sum(len(one.entries) for one in packs)
    return Compacted(campaigns=held, packs=len(packs), written=len(pack.entries))


def _plan(contents: Contents) -> tuple[list[Pack], list[Pack], list[Entry]]:
    """Packs that stay, packs that become part of the new one, and the entries that it gets besides."""
    kept, joined, fresh = [], [], contents.loose
    weight = len(fresh)
    for pack in sorted(contents.packed.packs, key=lambda pack: len(pack.entries)):
        current = len(pack.current(contents.stamps))
        is_worn = 2 * current < len(pack.entries)
        if fresh and (is_worn or current <= REPEATED * weight):
            joined.append(pack)
            weight += current
        else:
            kept.append(pack)
    return kept, joined, list(fresh)


def _written(contents: Contents, joined: Sequence[Pack], fresh: Sequence[Entry]) -> Pack:
    store = contents.store
    paths = [path for pack in joined for path in pack.current(contents.stamps)]
    paths += map(_path_of, fresh)
    states = contents.store.states("index")
    stamped = contents.store.stamps("index", paths)
    for pack in joined:
        for problem in _damaged(store, pack):
            raise ArchiveError(problem)
    files = tuple(_put(store, table, _together(contents, joined, fresh, table)) for table in TABLES)
    known = {path: states[path] for path in paths if path in states}
    return Pack(entries=stamped, files=files, states=known)


def _path_of(entry: Entry) -> str:
    return f"index/{entry.name}.{entry.revision}.json"


def _together(contents: Contents, joined: Sequence[Pack], fresh: Sequence[Entry], table: str) -> pa.Table:
    pieces = [contents.of_pack(pack, table).to_table() for pack in joined]
    return pa.concat_tables([*pieces, original(contents.store, fresh, table)])


def original(store: Store, entries: Sequence[Entry], table: str) -> pa.Table:
    """What the parts of entries say, each looked at by its digest.

    Raises:
        ArchiveError: one is not there or damaged.
    """
    if table == "campaigns":
        return campaigns_table(entries)
    parts = parts_of(entries, table)
    found = [read_part(store, part) for part in steps(f"putting {table} together", parts)]
    return pa.concat_tables(found) if found else SCHEMAS[table].empty_table()


def _put(store: Store, table: str, rows: pa.Table) -> PackFile:
    step(f"writing {table}")
    with tempfile.TemporaryDirectory(prefix="wattlab-") as scratch:
        file = write_table(rows.combine_chunks(), Path(scratch))
        digest = sha256_of(file)
        path = f"{FOLDER}/{table}--{digest[:16]}.parquet"
        store.put_file(path, file)
    return PackFile(path=path, table=table, schema=VERSIONS.get(table, SCHEMA), rows=rows.num_rows, sha256=digest)


def faults(store: Store) -> Iterator[str]:
    """What is wrong with the packs, in sentences: files that are others than were written, rows that are not those of
    the parts."""
    contents = Contents(store)
    listed, missing = listed_in(store)
    yield from (f"{store.path(path)}: not there; give `wattlab archive compact` again" for path in missing)
    yield from _gone(listed, newest(store))
    for pack in steps("comparing packs with parts", contents.packed.packs):
        damaged = list(_damaged(store, pack))
        yield from damaged or _unlike(contents, pack)


def _gone(packed: Packed, entries: Mapping[str, str]) -> Iterator[str]:
    """Campaigns, or revisions of them, that were there when packs were made: none is taken out of an archive."""
    for path in sorted({path for pack in packed.packs for path in pack.entries}):
        ((campaign, (revision,)),) = revisions_in([path]).items()
        there = revisions_in([entries[campaign]])[campaign][0] if campaign in entries else 0
        if there < revision:
            now = f"is at revision {there}" if there else "is not there"
            yield (
                f"{campaign}: was packed at revision {revision}, and {now}; take {path} from a copy of the archive. If "
                "that was on purpose, remove the folder packs and give `wattlab archive compact`"
            )


def _damaged(store: Store, pack: Pack) -> Iterator[str]:
    for file in pack.files:
        where = store.path(file.path)
        with store.fetched(file.path) as there:
            if sha256_of(there) != file.sha256:
                yield f"{where}: not the bytes that were written; remove it and give `wattlab archive compact` again"


def _unlike(contents: Contents, pack: Pack) -> Iterator[str]:
    entries = [entry_at(contents.store, path) for path in pack.current(contents.stamps)]
    for file in pack.files:
        try:
            rows = original(contents.store, entries, file.table)
        except ArchiveError as error:
            yield str(error)
            continue
        if not rows.equals(contents.of_pack(pack, file.table).to_table()):
            where = contents.store.path(file.path)
            yield f"{where}: other rows than the parts have; remove it and give `wattlab archive compact` again"
