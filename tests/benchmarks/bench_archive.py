"""The archive beside DuckDB and CSV: what the last campaign costs to add, a question over all of them, and the size.

Run: nice .venv/bin/python -m tests.benchmarks.bench_archive [CAMPAIGNS]     default 300

One small synthetic campaign is added under many names to one archive. Twenty more additions to it are timed, in turn
with the first twenty to an empty one, less the analysis of the campaign itself, which is the same for each. The
question is a mean by scenario over the runs of all campaigns: of their parts, of packs, and of packs with twenty more
campaigns beside them, by `archive.query` from the archive's place on, and by DuckDB from one Parquet file with the same
rows, in turn. The size is that of the parts with readings and samples of runs of 1000 s, over that of the same runs'
CSV files.
"""

import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path
from statistics import median
from unittest import mock

import duckdb
from pyarrow import parquet

from harness.record.campaign_folder import CampaignFolder
from harness.record.run_folder import RunFolder
from reports.archive.compaction import compact
from reports.archive.contents import Contents
from reports.archive.parts import write_part
from reports.archive.query import answer, connection
from reports.archive.store import Store
from reports.archive.tables import of_run
from tests.archive.many import Many
from tests.reports.make_campaign import GULDNER, Shape, make_campaign

QUESTION = "SELECT scenario, count(*) AS n, avg(energy_wh) AS e FROM runs WHERE included GROUP BY scenario ORDER BY 1"
FEW, TIMES = 20, 9
SMALL = Shape(repetitions=2, baseline_blocks=2, duration_s=10)


def seconds(act: Callable[[], object]) -> float:
    """How long it takes."""
    begin_s = time.perf_counter()
    act()
    return time.perf_counter() - begin_s


def main(count: int) -> None:
    """Measure and print."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        many, store, empty = (
            Many(make_campaign(folder, SMALL)),
            Store(str(folder / "archive")),
            Store(str(folder / "e")),
        )
        empty.make()
        with unsynced():
            many.fill(store, range(count - FEW))
        both = [
            (seconds(partial(many.add, empty, number)), seconds(partial(many.add, store, number)))
            for number in range(count - FEW, count)
        ]
        first, last = (median(times) for times in zip(*both, strict=True))
        print(f"adding: the first {FEW} {first * 1e3:.1f} ms each, the last {FEW} of {count} {last * 1e3:.1f} ms each")
        parts = question(store, folder, "of parts")
        print(f"putting them together: {seconds(lambda: compact(store)):.1f} s")
        packs = question(store, folder, "of packs")
        many.fill(store, range(count, count + FEW))
        beside = question(store, folder, f"of packs and {FEW} more")
        again = seconds(lambda: compact(store))
        print(f"putting {FEW} more together: {again:.2f} s")
        print(
            f"ratios: adding {last / first:.2f}, question {parts:.1f}, of packs {packs:.2f}, with {FEW} more "
            f"{beside:.2f}, size {size(folder):.2f}"
        )


@contextmanager
def unsynced() -> Iterator[None]:
    """Without waiting for the disk: what is not timed."""
    with mock.patch("os.fsync"):
        yield


def question(store: Store, folder: Path, of: str) -> float:
    """How many times as long as DuckDB on one file with the same rows."""
    sql = "SELECT * FROM runs"
    whole = answer(connection(Contents(store), sql), sql)
    parquet.write_table(whole, folder / "runs.parquet")
    theirs_sql = QUESTION.replace("FROM runs", f"FROM '{folder / 'runs.parquet'}'")
    took = [
        (seconds(lambda: answer(connection(Contents(store), QUESTION), QUESTION)),
         seconds(lambda: duckdb.connect().execute(theirs_sql).fetchall()))
        for _ in range(TIMES)
    ]  # fmt: skip
    ours, theirs = (median(times) for times in zip(*took, strict=True))
    print(f"question {of}, {whole.num_rows} runs: {ours * 1e3:.0f} ms, DuckDB on one file {theirs * 1e3:.0f} ms")
    return float(ours / theirs)


def size(folder: Path) -> float:
    """Of Parquet over CSV, of runs of 1000 s."""
    campaign = make_campaign(folder, replace(GULDNER, repetitions=1, baseline_blocks=3))
    parts = csv = 0
    for run in CampaignFolder(campaign).run_paths():
        for rows in of_run("0" * 64, campaign.name, RunFolder.open(run)):
            parts += write_part(rows, campaign.name, folder)[0].bytes
        csv += sum(path.stat().st_size for path in run.glob("*.csv"))
    return parts / csv


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 300)
