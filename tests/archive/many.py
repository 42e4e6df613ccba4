"""Archives of many campaigns, quickly: the rows of one are computed once and added under other names."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import pyarrow as pa

from harness.evidence import archives
from harness.record.campaign_folder import CampaignFolder
from reports.archive.index import Entry, text_of
from reports.archive.store import Store
from reports.archive.tables import Rows
from reports.campaign.analyse import analyse


class Many:
    """One campaign, to be added under many names."""

    def __init__(self, campaign: Path) -> None:
        self._folder = CampaignFolder(campaign)
        self._numbers = analyse(campaign).numbers
        rows = archives.rows_of(campaign, self._numbers, self._folder.identity)
        self._rows = [replace(part, pieces=list(part.pieces)) for part in rows]

    def add(self, store: Store, number: int, revision: int = 1) -> Entry:
        """Add it as campaign `cNNNNN`, as `archives.add` does after its analysis."""
        name, uid = f"c{number:05d}", f"{number:064x}"
        parts = tuple(archives._put(store, name, rows)[0] for rows in self._renamed(name, uid))
        fresh = archives.entry_of(self._numbers, uid, self._folder, revision)
        entry = replace(fresh, name=name, parts=parts)
        archives._enter(store, entry, text_of(entry), None)
        archives._prune(store, entry, text_of(entry))
        return entry

    def _renamed(self, name: str, uid: str) -> Iterator[Rows]:
        for rows in self._rows:
            yield replace(
                rows, pieces=[_with(_with(one, "campaign", name), "campaign_uid", uid) for one in rows.pieces]
            )

    def fill(self, store: Store, numbers: Sequence[int]) -> None:
        """Add several."""
        store.make()
        for number in numbers:
            self.add(store, number)


def _with(rows: pa.Table, column: str, value: str) -> pa.Table:
    place = rows.schema.get_field_index(column)
    return rows.set_column(place, rows.schema.field(place), pa.array([value] * rows.num_rows, pa.string()))
