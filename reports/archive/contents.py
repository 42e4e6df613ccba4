"""What an archive has at this moment: its campaigns, and the rows of a table wherever they lie, in packs or in parts.

Knows the index, packs and parts. Knows no question.
"""

import errno
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime
from functools import cached_property
from typing import Any, TypeAlias, TypeVar

import pyarrow as pa
from pyarrow import compute, dataset

from reports.archive.compacted import Pack, Packed, packed_in
from reports.archive.errors import unreadable
from reports.archive.index import FOLDER, Entry, entry_at, newest, required_in
from reports.archive.parts import parts_of
from reports.archive.schemas import CAMPAIGNS, OF_CAMPAIGN, SCHEMAS
from reports.archive.store import GoneError, Store

TRIES = 5
"""Of a reader of the index, when others add."""
Result = TypeVar("Result")
Rows: TypeAlias = Any
"""A dataset or a table of Arrow, which has no types."""


class Contents:
    """All campaigns of an archive, or the named ones; nothing is read before it is asked for.

    Raises:
        ArchiveError: there is no archive, no such campaign, or the list of packs cannot be read.
    """

    def __init__(self, store: Store, names: Sequence[str] = ()) -> None:
        self.store, self._names = store, names
        self._newest = self._found()

    def _found(self) -> Mapping[str, str]:
        """Campaign -> path of its newest entry."""
        if not self._names:
            return newest(self.store)
        return {name: required_in(self.store, name).path for name in self._names}

    def _read(self, read: Callable[[], Result]) -> Result:
        """What is read of the index; once more where an entry made place for a newer one meanwhile."""
        for _ in range(TRIES):
            try:
                return read()
            except GoneError:
                self._newest = self._found()
        return read()

    @cached_property
    def entries(self) -> list[Entry]:
        """Every entry, by name."""
        return self._read(lambda: [entry_at(self.store, path) for path in self._newest.values()])

    @cached_property
    def packed(self) -> Packed:
        """The packs."""
        return packed_in(self.store)

    @cached_property
    def stamps(self) -> dict[str, str]:
        """Newest entry -> MD5 of its bytes; empty where there is no pack."""
        if not self.packed.packs:
            return {}
        return self._read(self._stamps)

    def _stamps(self) -> dict[str, str]:
        states = self.store.states(FOLDER)
        known = {
            path: stamp
            for pack in self.packed.packs
            for path, stamp in pack.entries.items()
            if path in states and pack.states.get(path) == states[path]
        }
        newest = self._newest.values()
        read = self.store.stamps(FOLDER, [path for path in newest if path not in known])
        return {path: known[path] if path in known else read[path] for path in newest}

    @cached_property
    def loose(self) -> list[Entry]:
        """The entries that no pack holds."""
        held = {path for pack in self.packed.packs for path in pack.current(self.stamps)}
        if not held:
            return self.entries
        return self._read(lambda: [entry_at(self.store, path) for path in self._newest.values() if path not in held])

    def rows_of(self, table: str) -> list[Rows]:
        """The rows of a table, or of `campaigns`, in one piece or more; each is read when it is asked.

        Raises:
            ArchiveError: a part is not there, or was written by a newer wattlab.
        """
        if table != "campaigns" and table not in OF_CAMPAIGN:
            return [self._of_parts(self.entries, table)]
        found = [self.of_pack(pack, table) for pack in self.packed.packs if pack.current(self.stamps)]
        if not self.loose and found:
            return found
        return [*found, campaigns_table(self.loose) if table == "campaigns" else self._of_parts(self.loose, table)]

    def of_pack(self, pack: Pack, table: str) -> Rows:
        """What a pack has of a table, without campaigns that have changed since."""
        path = next(file.path for file in pack.files if file.table == table)
        schema = CAMPAIGNS if table == "campaigns" else SCHEMAS[table]
        found = _dataset(self.store, [path], schema)
        current = pack.current(self.stamps)
        if len(current) == len(pack.entries):
            return found
        return found.filter(compute.field("campaign").isin([campaign_of(path) for path in current]))

    def _of_parts(self, entries: Sequence[Entry], table: str) -> Rows:
        parts = parts_of(entries, table)
        if not parts:
            return SCHEMAS[table].empty_table()
        return _dataset(self.store, [part.path for part in parts], SCHEMAS[table])


def _dataset(store: Store, paths: Sequence[str], schema: pa.Schema) -> Rows:
    """Exactly these files, with a schema that is not guessed."""
    where = [store.path(path) for path in paths]
    try:
        return dataset.dataset(where, schema=schema, filesystem=store.files, format="parquet")
    except FileNotFoundError as error:
        gone = next((store.path(path) for path in paths if not store.exists(path)), store.url)
        raise unreadable(gone, os.strerror(errno.ENOENT)) from error


def campaign_of(path: str) -> str:
    """Whose entry lies at a path of the index."""
    return path.removeprefix(f"{FOLDER}/").removesuffix(".json").rpartition(".")[0]


def campaigns_table(entries: Sequence[Entry]) -> pa.Table:
    """Entries as a table, a row a campaign."""
    return pa.Table.from_pylist(list(_campaign_rows(entries)), schema=CAMPAIGNS)


def _campaign_rows(entries: Sequence[Entry]) -> Iterator[dict[str, object]]:
    for entry in entries:
        yield {
            "campaign_uid": entry.uid, "campaign": entry.name, "customer": entry.customer, "sut": entry.sut,
            "host": entry.host, "release": entry.release or None, "begun_utc_ns": _ns(entry.begun_utc),
            "verdict": entry.verdict, "origin": entry.origin, "runs": len(entry.runs), "is_raw": entry.raw is not None,
            "added_utc_ns": _ns(entry.added_utc), "added_by": entry.added_by,
        }  # fmt: skip


def _ns(utc: str) -> int:
    moment = datetime.fromisoformat(utc)
    return int(moment.timestamp()) * 1_000_000_000 + moment.microsecond * 1000
