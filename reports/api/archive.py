"""An archive for notebooks: its tables as DataFrames, and answers to SQL.

Knows the archive. Writes nothing.
"""

from collections.abc import Sequence

import pandas as pd
from pyarrow import dataset

from reports.archive.errors import ArchiveError
from reports.archive.index import entries
from reports.archive.query import answer, campaigns_table, connection, dataset_of
from reports.archive.schemas import SCHEMAS
from reports.archive.store import Store


class Archive:
    """Campaigns of an archive (docs/archive.md); every method gives a new DataFrame."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._entries = entries(store)

    def __repr__(self) -> str:
        return f"Archive {self._store.url!r}: {len(self._entries)} campaigns"

    @property
    def campaigns(self) -> pd.DataFrame:
        """A row a campaign."""
        table: pd.DataFrame = campaigns_table(self._entries).to_pandas()
        return table

    def table(self, name: str, *campaigns: str, columns: Sequence[str] | None = None) -> pd.DataFrame:
        """A table, of the named campaigns or of all; `columns`: some of its columns, which is faster.

        Raises:
            ArchiveError: there is no such table or campaign.
        """
        if name not in SCHEMAS:
            raise ArchiveError(f"no table {name!r}; there are {', '.join(SCHEMAS)}")
        known = {entry.name: entry for entry in self._entries}
        if missing := [campaign for campaign in campaigns if campaign not in known]:
            raise ArchiveError(f"{self._store.url}: no campaign {missing[0]}; `campaigns` names them")
        chosen = [known[campaign] for campaign in campaigns] or self._entries
        found = dataset_of(self._store, chosen, name)
        wanted = None if columns is None else list(columns)
        rows = found.to_table(columns=wanted) if isinstance(found, dataset.Dataset) else found
        frame: pd.DataFrame = (rows if wanted is None else rows.select(wanted)).to_pandas()
        return frame

    def query(self, sql: str) -> pd.DataFrame:
        """The answer to one SELECT over `campaigns` and the tables.

        Raises:
            ArchiveError: DuckDB refuses it.
        """
        with connection(self._store, self._entries, sql) as database:
            frame: pd.DataFrame = answer(database, sql).to_pandas()
        return frame


def open_archive(url: str) -> Archive:
    """An archive in a folder, or at a URL that fsspec reaches.

    Raises:
        ArchiveError: none is there.
    """
    return Archive(Store(url))
