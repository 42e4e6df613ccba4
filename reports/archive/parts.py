"""Parts of an archive as Parquet: written once, read with their digest or without.

Knows Parquet and the index. Knows no campaign.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
from pyarrow import parquet

from harness.record.plain_files import sha256_of
from reports.archive.errors import ArchiveError, remedy, unreadable
from reports.archive.index import PARTS, Entry, Part
from reports.archive.schemas import VERSIONS, migrated, require_known
from reports.archive.store import Store
from reports.archive.tables import Rows

ROWS_A_GROUP = 1 << 18
RISING = ("time_ns", "utc_ns")
"""Columns that rise: differences take a fraction of the space."""


def write_part(rows: Rows, folder: Path) -> Path:
    """Write rows as a Parquet file into a folder of this machine."""
    return write_rows(rows.rows, folder)


def write_rows(rows: pa.Table, folder: Path) -> Path:
    """The same with a table of Arrow."""
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


def part_of(rows: Rows, campaign: str, file: Path) -> Part:
    """What the index says of a part that was written."""
    digest, span = sha256_of(file), rows.span_ns
    where = "--".join(filter(None, (rows.run, rows.stream))) or rows.table
    return Part(
        path=f"{PARTS}/{campaign}/{rows.table}/{where}--{digest[:16]}.parquet", table=rows.table,
        schema=VERSIONS[rows.table], run=rows.run, rows=rows.rows.num_rows, bytes=file.stat().st_size, sha256=digest,
        first_ns=None if span is None else span[0], last_ns=None if span is None else span[1],
    )  # fmt: skip


def read_part(store: Store, part: Part) -> pa.Table:
    """The rows of a part, in today's form.

    Raises:
        ArchiveError: it is not there, not whole, or of a newer schema.
    """
    where = store.path(part.path)
    with store.fetched(part.path) as file:
        try:
            if sha256_of(file) != part.sha256:
                raise ArchiveError(f"{where}: not the bytes that were added; {remedy(where)}")
            return migrated(part.table, part.schema, parquet.read_table(file), where)
        except (pa.ArrowInvalid, OSError) as error:
            raise unreadable(where, str(error)) from None


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
