"""Parts of an archive as Parquet: written once, read with their digest or without.

Knows Parquet and the index. Knows no campaign.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
from pyarrow import compute, parquet

from harness.record.plain_files import sha256_of
from reports.archive.errors import ArchiveError, remedy, unreadable
from reports.archive.index import PARTS, Entry, Part
from reports.archive.schemas import VERSIONS, migrated, require_known
from reports.archive.store import Store
from reports.archive.tables import METER, Rows, regrouped

ROWS_A_GROUP = 1 << 18
RISING = ("time_ns", "utc_ns")
"""Columns that rise: differences take a fraction of the space."""
STAMPS = ("utc_ns", "start_utc_ns")
"""Columns whose least and largest value stand in the index."""


@dataclass(slots=True)
class Span:
    """The first and the last stamp of rows, ns since 1970; None where they have none."""

    first_ns: int | None = None
    last_ns: int | None = None

    def add(self, rows: pa.Table) -> None:
        """More rows."""
        for name in [name for name in STAMPS if name in rows.schema.names][:1]:
            found = compute.min_max(rows[name]).as_py()
            known = [value for value in (self.first_ns, self.last_ns, *found.values()) if value is not None]
            self.first_ns, self.last_ns = (min(known), max(known)) if known else (None, None)


def write_part(rows: Rows, campaign: str, folder: Path) -> tuple[Part, Path]:
    """Write rows as a Parquet file into a folder of this machine; what the index says of it."""
    path, count, span = folder / "part.parquet", 0, Span()
    with parquet.ParquetWriter(path, rows.schema, **encoding_of(rows.schema)) as writer:
        for group in regrouped(rows.pieces, ROWS_A_GROUP):
            writer.write_table(group, row_group_size=ROWS_A_GROUP)
            count += group.num_rows
            span.add(group)
    digest = sha256_of(path)
    return Part(
        path=f"{PARTS}/{campaign}/{rows.table}/{rows.where}--{digest[:16]}.parquet", table=rows.table,
        schema=VERSIONS[rows.table], run=rows.run, rows=count, bytes=path.stat().st_size, sha256=digest,
        first_ns=span.first_ns, last_ns=span.last_ns,
    ), path  # fmt: skip


def write_table(rows: pa.Table, folder: Path) -> Path:
    """Write a table of Arrow in the same manner."""
    path = folder / "part.parquet"
    parquet.write_table(rows, path, row_group_size=ROWS_A_GROUP, **encoding_of(rows.schema))
    return path


def encoding_of(schema: pa.Schema) -> dict[str, Any]:
    """How columns are written: texts, and numbers of a display of few digits, as numbers of a dictionary."""
    alike = [field.name for field in schema if pa.types.is_string(field.type) or pa.types.is_floating(field.type)]
    rising = {name: "DELTA_BINARY_PACKED" for name in RISING if name in schema.names}
    return {
        "compression": "zstd", "use_dictionary": alike, "column_encoding": rising or None, "write_statistics": True
    }  # fmt: skip


def pieces_of(file: Path, part: Part, where: str) -> Iterator[pa.Table]:
    """The rows of a part whose bytes lie in a file of this machine, a row group at a time, in today's form.

    Raises:
        ArchiveError: it is not whole, or of a newer schema. `where`: how it is named then.
    """
    if sha256_of(file) != part.sha256:
        raise ArchiveError(f"{where}: not the bytes that were added; {remedy(where)}")
    try:
        with parquet.ParquetFile(file) as content:
            yield migrated(part.table, part.schema, content.schema_arrow.empty_table(), where)
            for batch in content.iter_batches(ROWS_A_GROUP):
                yield migrated(part.table, part.schema, pa.Table.from_batches([batch]), where)
    except (pa.ArrowInvalid, OSError) as error:
        raise unreadable(where, str(error)) from None


def descriptor_in(file: Path) -> bytes | None:
    """What a part says of the stream that its rows are of, as it was written; None: nothing."""
    found: bytes | None = (parquet.read_schema(file).metadata or {}).get(METER)
    return found


def wrong_statistics(file: Path, names: Sequence[str]) -> Iterator[str]:
    """Columns whose statistics in the file are not those of its values, row group by row group: what reads such a file
    believes them."""
    with parquet.ParquetFile(file) as content:
        places = {name: place for place, name in enumerate(content.schema_arrow.names) if name in names}
        for group in range(content.num_row_groups if places else 0):
            table = content.read_row_group(group, columns=list(places))
            for name, place in places.items():
                told = content.metadata.row_group(group).column(place).statistics
                found = compute.min_max(table[name]).as_py()
                true = (found["min"], found["max"], table[name].null_count)
                if told is None or (told.min, told.max, told.null_count) != true:
                    yield f"{name} of row group {group}"


def read_part(store: Store, part: Part) -> pa.Table:
    """The rows of a part, in today's form.

    Raises:
        ArchiveError: it is not there, not whole, or of a newer schema.
    """
    with store.fetched(part.path) as file:
        return pa.concat_tables(pieces_of(file, part, store.path(part.path)))


def is_only_of(rows: pa.Table, uid: str, campaign: str) -> bool:
    """Whether every row says that it is of this campaign."""
    said = (("campaign_uid", uid), ("campaign", campaign))
    return all(set(rows[column].unique().to_pylist()) <= {value} for column, value in said)


def parts_of(entries: Sequence[Entry], table: str) -> list[Part]:
    """The parts of one table, in the order of the index.

    Raises:
        ArchiveError: one was written by a newer wattlab.
    """
    found = [part for entry in entries for part in entry.parts if part.table == table]
    for part in found:
        require_known(table, part.schema, part.path)
    return found
