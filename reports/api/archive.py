"""An archive for notebooks: its tables as DataFrames, and answers to SQL.

Knows the archive. Writes nothing.
"""

from collections.abc import Sequence

import pandas as pd
import pyarrow as pa

from reports.archive.contents import Contents, Rows
from reports.archive.errors import ArchiveError
from reports.archive.query import VIEWS, answer, connection
from reports.archive.schemas import SCHEMAS
from reports.archive.store import Store


class Archive:
    """Campaigns of an archive (docs/archive.md); every method gives a new DataFrame."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._contents = Contents(store)

    def __repr__(self) -> str:
        return f"Archive {self._store.url!r}: {len(self.campaigns)} campaigns"

    @property
    def campaigns(self) -> pd.DataFrame:
        """A row a campaign."""
        return _frame(self._contents.rows_of("campaigns"), None)

    def table(self, name: str, *campaigns: str, columns: Sequence[str] | None = None) -> pd.DataFrame:
        """A table or view, of the named campaigns or of all; `columns`: some of its columns, which is faster.

        Raises:
            ArchiveError: there is no such table or campaign.
        """
        if name not in (*SCHEMAS, *VIEWS):
            raise ArchiveError(f"no table {name!r}; there are {', '.join((*SCHEMAS, *VIEWS))}")
        contents = Contents(self._store, campaigns) if campaigns else self._contents
        return (
            _asked(contents, f"SELECT * FROM {name}", columns)
            if name in VIEWS
            else _frame(contents.rows_of(name), columns)
        )

    def query(self, sql: str) -> pd.DataFrame:
        """The answer to one SELECT over `campaigns` and the tables.

        Raises:
            ArchiveError: DuckDB refuses it.
        """
        return _asked(self._contents, sql)


def _asked(contents: Contents, sql: str, columns: Sequence[str] | None = None) -> pd.DataFrame:
    with connection(contents, sql) as database:
        return _frame([answer(database, sql)], columns)


def _frame(pieces: Sequence[Rows], columns: Sequence[str] | None) -> pd.DataFrame:
    """Rows in one piece or more, one after the other."""
    wanted = None if columns is None else list(columns)
    tables = [piece if isinstance(piece, pa.Table) else piece.to_table(columns=wanted) for piece in pieces]
    whole = pa.concat_tables(tables if wanted is None else [table.select(wanted) for table in tables])
    frame: pd.DataFrame = whole.to_pandas()
    return frame


def open_archive(url: str) -> Archive:
    """An archive in a folder, or at a URL that fsspec reaches.

    Raises:
        ArchiveError: none is there.
    """
    return Archive(Store(url))
