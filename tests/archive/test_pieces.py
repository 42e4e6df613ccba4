"""Rows go into an archive and are verified a few at a time: they are the same however they are cut."""

from collections.abc import Iterator
from itertools import accumulate, pairwise
from pathlib import Path

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.evidence.archive_checks import verify
from harness.evidence.archives import add
from harness.record.campaign_folder import CampaignFolder
from harness.record.run_folder import RunFolder
from reports.archive import tables
from reports.archive.store import Store
from reports.archive.tables import are_alike, of_run, regrouped
from tests.reports.make_campaign import Shape, SyntheticRun, make_campaign

SMALL = Shape(repetitions=1, baseline_blocks=2, duration_s=10)


@pytest.mark.parametrize("rows", [3, 64])
def test_parts_are_the_same_however_many_rows_are_held_at_a_time(
    tmp_path: Path, rows: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    campaign = make_campaign(tmp_path, SMALL)
    runs = [RunFolder.open(path) for path in CampaignFolder(campaign).run_paths()[:2]]

    def parts() -> list[tuple[str, str, pa.Table]]:
        found = [part for run in runs for part in of_run("0" * 64, campaign.name, run)]
        return [(part.table, part.stream, pa.concat_tables(part.pieces)) for part in found]

    whole = parts()
    monkeypatch.setattr(tables, "PIECE_ROWS", rows)
    assert [(table, stream) for table, stream, _ in parts()] == [(table, stream) for table, stream, _ in whole]
    assert all(one.equals(other) for (_, _, one), (_, _, other) in zip(parts(), whole, strict=True))


@given(st.lists(st.integers(0, 9)), st.lists(st.integers(0, 9)), st.integers(1, 12))
def test_rows_are_alike_however_they_are_cut(cuts: list[int], others: list[int], size: int) -> None:
    def pieces(sizes: list[int], rows: range) -> Iterator[pa.Table]:
        edges = [0, *accumulate(sizes)]
        bounds = [(first, min(last, len(rows))) for first, last in pairwise([*edges, len(rows)]) if first <= len(rows)]
        return (pa.table({"row": list(rows[first:last])}) for first, last in bounds)

    rows = range(20)
    groups = list(regrouped(pieces(cuts, rows), size))
    assert [group.num_rows for group in groups[:-1]] == [size] * (len(groups) - 1)
    assert pa.concat_tables(groups)["row"].to_pylist() == list(rows)
    assert are_alike(pieces(cuts, rows), pieces(others, rows))
    assert not are_alike(pieces(cuts, rows), pieces(others, range(21)))
    assert not are_alike(pieces(cuts, rows), pieces(others, range(1, 21)))


class Unheard(SyntheticRun):
    """Its wire log is of no meter."""

    def _wire_log(self, readings: bytes) -> bytes:
        return b""


def test_readings_that_no_byte_of_a_meter_says_are_found(tmp_path: Path) -> None:
    campaign = make_campaign(tmp_path, SMALL, Unheard)
    store = Store(str(tmp_path / "a"))
    add(campaign, store, raw=True, key=None)
    checks = verify(store, campaign.name, None)
    failed = [check for check in checks if not check.passed]
    assert [check.name for check in failed] == ["verified"]
    assert ", wire: " in failed[0].detail
