"""Questions in SQL over an archive, answered by DuckDB.

Knows the archive's tables and DuckDB's limits. Knows no screen. What is asked sees the tables and nothing else: no
file, no network, no setting can be reached from it, and it changes nothing. The files that are read are those that the
index names, with the schema that it declares: nothing is guessed. Digests are not looked at: `verify` does that.
"""

import re
from collections.abc import Sequence
from datetime import datetime

import duckdb
import pyarrow as pa
from pyarrow import dataset

from reports.archive.errors import ArchiveError
from reports.archive.index import Entry
from reports.archive.parts import parts_of
from reports.archive.schemas import SCHEMAS
from reports.archive.store import Store

CAMPAIGNS = pa.schema({
    "campaign_uid": pa.string(), "campaign": pa.string(), "customer": pa.string(), "sut": pa.string(),
    "host": pa.string(), "begun_utc_ns": pa.int64(), "verdict": pa.string(), "origin": pa.string(),
    "runs": pa.int64(), "is_raw": pa.bool_(), "added_utc_ns": pa.int64(), "added_by": pa.string(),
})  # fmt: skip
READS = frozenset({duckdb.StatementType.SELECT, duckdb.StatementType.EXPLAIN})
MEMORY_GB = 2.0
UNREADABLE = "reading the stream registered as"
"""What DuckDB says of a table that Arrow could not read."""


def campaigns_table(entries: Sequence[Entry]) -> pa.Table:
    """The index as a table, a row a campaign."""
    rows = [
        {"campaign_uid": entry.uid, "campaign": entry.name, "customer": entry.customer, "sut": entry.sut,
         "host": entry.host, "begun_utc_ns": _ns(entry.begun_utc), "verdict": entry.verdict, "origin": entry.origin,
         "runs": len(entry.runs), "is_raw": entry.raw is not None, "added_utc_ns": _ns(entry.added_utc),
         "added_by": entry.added_by}
        for entry in entries
    ]  # fmt: skip
    return pa.Table.from_pylist(rows, schema=CAMPAIGNS)


def _ns(utc: str) -> int:
    moment = datetime.fromisoformat(utc)
    return int(moment.timestamp()) * 1_000_000_000 + moment.microsecond * 1000


def dataset_of(store: Store, entries: Sequence[Entry], table: str) -> "dataset.Dataset | pa.Table":
    """All parts of a table as one, read when they are asked."""
    parts = parts_of(entries, table)
    if not parts:
        return SCHEMAS[table].empty_table()
    paths = [store.path(part.path) for part in parts]
    return dataset.dataset(paths, schema=SCHEMAS[table], filesystem=store.files, format="parquet")


def connection(
    store: Store, entries: Sequence[Entry], sql: str, memory_gb: float = MEMORY_GB, threads: int | None = None
) -> duckdb.DuckDBPyConnection:
    """A database that has `campaigns` and the tables of the archive that a question names, and reaches nothing else."""
    found = duckdb.connect(":memory:")
    found.execute(f"SET memory_limit = '{memory_gb * 1e9:.0f}B'")
    if threads is not None:
        found.execute(f"SET threads = {threads:d}")
    found.execute("SET temp_directory = ''")
    found.execute("SET python_enable_replacements = false")
    found.register("campaigns", campaigns_table(entries))
    for table in SCHEMAS.keys() & set(re.findall(r"\w+", sql.lower())):
        found.register(table, dataset_of(store, entries, table))
    found.execute("SET enable_external_access = false")
    found.execute("SET lock_configuration = true")
    return found


def answer(database: duckdb.DuckDBPyConnection, sql: str) -> pa.Table:
    """The rows of one question.

    Raises:
        ArchiveError: it is not one question, it changes something, or DuckDB refuses it; with DuckDB's words.
    """
    try:
        statements = database.extract_statements(sql)
        if len(statements) != 1 or statements[0].type not in READS:
            raise ArchiveError("expected one SELECT: an archive is asked, and not changed")
        return database.sql(sql).to_arrow_table()
    except duckdb.InterruptException:
        raise ArchiveError(
            "the question took too long and was ended; ask for less, or allow more with --seconds"
        ) from None
    except duckdb.OutOfMemoryException as error:
        raise ArchiveError(
            f"the question takes more memory than it may ({_words(error)}); allow more: --memory-gb"
        ) from None
    except duckdb.InvalidInputException as error:
        if UNREADABLE not in str(error):
            raise ArchiveError(f"DuckDB: {_words(error)}") from None
        raise ArchiveError(
            f"a part cannot be read ({_words(error)}); `wattlab archive verify` names every one, and adding its "
            "campaign again mends it"
        ) from None
    except duckdb.Error as error:
        raise ArchiveError(f"DuckDB: {_words(error)}") from None


def _words(error: duckdb.Error) -> str:
    return " ".join(str(error).split())
