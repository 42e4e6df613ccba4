"""Questions in SQL over an archive, answered by DuckDB.

Knows the archive's tables and DuckDB's limits. Knows no screen. What is asked sees the tables and nothing else: no
file, no network, no setting can be reached from it, and it changes nothing. The files that are read are those that the
index names, with the schema that it declares: nothing is guessed. Digests are not looked at: `verify` does that.
"""

import json
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

import duckdb
import pyarrow as pa
from pyarrow import csv, parquet

from reports.archive.contents import Contents, Rows
from reports.archive.errors import ArchiveError, unreadable, written
from reports.archive.schemas import SCHEMAS

MEMORY_GB = 2.0
BATCH = 1 << 16
"""Rows that an answer comes in."""
UNREADABLE = "reading the stream registered as"
"""What DuckDB says of a table that Arrow could not read."""
INTERRUPTED, NO_MEMORY = "INTERRUPT Error", "Out of Memory Error"
FILE = re.compile(r"'([^']*\.parquet)'")
UNKNOWN = re.compile(r"Catalog Error: Table with name (\S+) does not exist")
LISTING = re.compile(
    r"^\s*show\s+(?:all\s+)?(?:tables|databases|schemas)\b|\b(?:from|join)\s+(?:information_schema\b|pg_|duckdb_|sqlite_)",
    re.IGNORECASE,
)
"""A question for the tables of DuckDB itself, which has only those that a question names."""
ENERGY = ", ".join(
    f"{quantity}_{part}" for quantity in ("energy", "induced_energy") for part in ("wh", "u_wh", "expanded_wh", "dof")
)
OF_RUN = "campaign_uid, campaign, run, scenario, repetition, included, provenance"
VIEWS = {
    "energies": (
        ("runs", "actions"),
        f"SELECT {OF_RUN}, CASE kind WHEN 'scenario' THEN 'run' ELSE kind END AS kind, NULL::VARCHAR AS action, "
        f"NULL::BIGINT AS index, 0.0::DOUBLE AS begin_s, duration_s, {ENERGY} FROM runs UNION ALL "
        f"SELECT {OF_RUN}, CASE WHEN is_epoch THEN 'epoch' ELSE 'action' END, action, index, begin_s, duration_s, "
        f"{ENERGY} FROM actions",
    )
}
"""View -> the tables that it is of, and its SQL."""
NAMES = ("campaigns", *SCHEMAS, *VIEWS)
TABLES = f"an archive has {', '.join(NAMES)} (docs/archive.md has their columns)"


def connection(
    contents: Contents, sql: str, memory_gb: float = MEMORY_GB, threads: int | None = None
) -> duckdb.DuckDBPyConnection:
    """A database that has the tables of the archive that a question names, and reaches nothing else."""
    found = duckdb.connect(":memory:")
    found.execute(f"SET memory_limit = '{memory_gb * 1e9:.0f}B'")
    if threads is not None:
        found.execute(f"SET threads = {threads:d}")
    found.execute("SET temp_directory = ''")
    found.execute("SET python_enable_replacements = false")
    words = set(re.findall(r"\w+", sql.lower()))
    views = [view for view in VIEWS if view in words]
    for table in {"campaigns", *SCHEMAS} & {*words, *(table for view in views for table in VIEWS[view][0])}:
        _register(found, table, contents.rows_of(table))
    for view in views:
        found.execute(f"CREATE TEMPORARY VIEW {view} AS {VIEWS[view][1]}")
    found.execute("SET enable_external_access = false")
    found.execute("SET lock_configuration = true")
    return found


def _register(database: duckdb.DuckDBPyConnection, table: str, pieces: Sequence[Rows]) -> None:
    """Rows under the name of their table; what lies in several pieces is a view of them."""
    if len(pieces) == 1:
        database.register(table, pieces[0])
        return
    names = [f"{table}_piece_{number}" for number in range(len(pieces))]
    for name, piece in zip(names, pieces, strict=True):
        database.register(name, piece)
    union = " UNION ALL ".join(f"SELECT * FROM {name}" for name in names)
    database.execute(f"CREATE TEMPORARY VIEW {table} AS {union}")


def answer(database: duckdb.DuckDBPyConnection, sql: str) -> pa.Table:
    """The rows of one question.

    Raises:
        ArchiveError: it is not one question, it changes something, or DuckDB refuses it; with DuckDB's words.
    """
    with _told():
        return _relation(database, sql).to_arrow_table()


def first_rows(database: duckdb.DuckDBPyConnection, sql: str, most: int) -> tuple[pa.Table, int]:
    """The first rows, and how many there are; no more than these are kept in memory.

    Raises:
        ArchiveError: as `answer`.
    """
    with _told():
        reader = _relation(database, sql).to_arrow_reader(BATCH)
        kept, count = [], 0
        for batch in reader:
            kept += [batch.slice(0, most - count)] if count < most else []
            count += batch.num_rows
        return pa.Table.from_batches(kept, reader.schema), count


def write_rows(database: duckdb.DuckDBPyConnection, sql: str, target: Path, *, as_parquet: bool) -> int:
    """The rows into a new file as they come, Parquet or CSV; how many there are. In CSV a map is JSON.

    Raises:
        ArchiveError: as `answer`; then there is no such file.
    """
    with _told():
        reader = _relation(database, sql).to_arrow_reader(BATCH)
        schema = reader.schema if as_parquet else pa.schema(map(_flat_field, reader.schema))
        count = 0
        with written(target):
            file = target.open("xb")
        with file:
            try:
                with _writer(file, schema, as_parquet) as writer:
                    for batch in reader:
                        with written(target):
                            writer.write_batch(batch if as_parquet else _flat(batch, schema))
                        count += batch.num_rows
            except BaseException:
                target.unlink()
                raise
        return count


def _writer(file: IO[bytes], schema: pa.Schema, as_parquet: bool) -> Any:  # noqa: ANN401  of Arrow
    return parquet.ParquetWriter(file, schema, compression="zstd") if as_parquet else csv.CSVWriter(file, schema)


def _flat_field(field: pa.Field) -> pa.Field:
    """A column that CSV can hold: of maps and lists it is JSON."""
    return pa.field(field.name, pa.string()) if pa.types.is_nested(field.type) else field


def _flat(batch: pa.RecordBatch, schema: pa.Schema) -> pa.RecordBatch:
    columns = [
        pa.array([None if (value := one.as_py()) is None else _json(value) for one in column], pa.string())
        if pa.types.is_nested(column.type) else column
        for column in batch.columns
    ]  # fmt: skip
    return pa.RecordBatch.from_arrays(columns, schema=schema)


def _json(value: Any) -> str:  # noqa: ANN401  a map is a list of pairs
    is_map = isinstance(value, list) and all(isinstance(one, tuple) for one in value)
    return json.dumps(dict(value) if is_map else value, ensure_ascii=False, default=str)


def _relation(database: duckdb.DuckDBPyConnection, sql: str) -> duckdb.DuckDBPyRelation:
    statements = database.extract_statements(sql)
    if len(statements) != 1 or statements[0].type != duckdb.StatementType.SELECT:
        raise ArchiveError("expected one SELECT: an archive is asked, and not changed")
    if LISTING.search(sql):
        raise ArchiveError(f"the tables are not listed in SQL; {TABLES}")
    return database.sql(sql)


@contextmanager
def _told() -> Iterator[None]:
    """What DuckDB says, as a sentence with a remedy."""
    try:
        yield
    except (duckdb.Error, pa.ArrowException, OSError) as error:  # Arrow's where an answer is read as it comes
        raise _refused(_words(error)) from None


def _refused(said: str) -> ArchiveError:
    """What DuckDB or Arrow said of a question, as an error of its own kind."""
    if INTERRUPTED in said:
        return ArchiveError("the question took too long and was ended; ask for less, or allow more with --seconds")
    if NO_MEMORY in said:
        return ArchiveError(f"the question takes more memory than it may ({said}); allow more: --memory-gb")
    file = FILE.search(said)
    if UNREADABLE in said and file is not None:
        return unreadable(file[1], said.partition(" failed: ")[2] or said)
    if UNREADABLE in said:
        return ArchiveError(f"a file of the archive cannot be read ({said}); `wattlab archive verify` names it")
    table = UNKNOWN.search(said)
    return ArchiveError(f"there is no table {table[1]}; {TABLES}" if table else f"DuckDB: {said}")


def _words(error: Exception) -> str:
    return " ".join(str(error).split())
