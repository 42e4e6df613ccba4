"""Questions in SQL over an archive, answered by DuckDB.

Knows the archive's tables and DuckDB's limits. Knows no screen. What is asked sees the tables and nothing else: no
file, no network, no setting can be reached from it, and it changes nothing. The files that are read are those that the
index names, with the schema that it declares: nothing is guessed. Digests are not looked at: `verify` does that.
"""

import re
from collections.abc import Sequence

import duckdb
import pyarrow as pa

from reports.archive.contents import Contents, Rows
from reports.archive.errors import ArchiveError
from reports.archive.schemas import SCHEMAS

READS = frozenset({duckdb.StatementType.SELECT, duckdb.StatementType.EXPLAIN})
MEMORY_GB = 2.0
UNREADABLE = "reading the stream registered as"
"""What DuckDB says of a table that Arrow could not read."""


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
    for table in {"campaigns", *SCHEMAS} & set(re.findall(r"\w+", sql.lower())):
        _register(found, table, contents.rows_of(table))
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
            f"a part cannot be read ({_words(error)}); `wattlab archive verify` names every one; adding "
            "its campaign again mends it"
        ) from None
    except duckdb.Error as error:
        raise ArchiveError(f"DuckDB: {_words(error)}") from None


def _words(error: duckdb.Error) -> str:
    return " ".join(str(error).split())
