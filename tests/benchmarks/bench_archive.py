"""The archive beside DuckDB and CSV: what the last campaign costs to add, a question over all of them, and the size.

Run: nice .venv/bin/python -m tests.benchmarks.bench_archive [CAMPAIGNS]     default 300

One synthetic campaign is copied under other names into one archive; the first twenty and the last twenty additions are
timed, less the analysis of the campaign itself, which is the same for each. The question is a mean by scenario over the
runs of all campaigns, by `archive.query` and by DuckDB from one Parquet file with the same rows. The size is that of
the parts with readings and samples of runs of 1000 s, over that of the same runs' CSV files.
"""

import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from statistics import median

import duckdb
from pyarrow import parquet

from harness.evidence import archives
from harness.record.campaign_folder import CampaignFolder
from harness.record.run_folder import RunFolder
from reports.archive.index import Entry, entries, text_of
from reports.archive.parts import write_part
from reports.archive.query import answer, connection
from reports.archive.store import Store
from reports.archive.tables import of_run
from reports.campaign.analyse import analyse
from tests.reports.make_campaign import GULDNER, Shape, make_campaign

QUESTION = "SELECT scenario, count(*) AS n, avg(energy_wh) AS e FROM runs WHERE included GROUP BY scenario ORDER BY 1"
FEW, TIMES = 20, 5


def seconds(act: Callable[[], object]) -> float:
    """How long it takes."""
    begin_s = time.perf_counter()
    act()
    return time.perf_counter() - begin_s


def main(count: int) -> None:
    """Measure and print."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        campaign = make_campaign(folder, Shape())
        numbers, store = analyse(campaign).numbers, Store(str(folder / "archive"))
        store.make()
        rows = list(archives.rows_of(campaign, numbers, CampaignFolder(campaign).identity))

        def add(number: int) -> None:
            own = f"c{number:05d}"
            parts = tuple(archives._put(store, own, one)[0] for one in rows)
            entry: Entry = archives._entry(numbers, f"{number:064x}", CampaignFolder(campaign), 1)
            entry = replace(entry, name=own, parts=parts)
            archives._enter(store, entry, text_of(entry), None)
            archives._prune(store, entry, text_of(entry))

        took_s = [seconds(partial(add, number)) for number in range(count)]
        first, last = median(took_s[:FEW]), median(took_s[-FEW:])
        print(f"adding: the first {FEW} {first * 1e3:.1f} ms each, the last {FEW} of {count} {last * 1e3:.1f} ms each")
        whole = answer(connection(store, entries(store), "SELECT * FROM runs"), "SELECT * FROM runs")
        parquet.write_table(whole, folder / "runs.parquet")
        question = QUESTION.replace("FROM runs", f"FROM '{folder / 'runs.parquet'}'")
        ours = median(
            seconds(lambda: answer(connection(store, entries(store), QUESTION), QUESTION)) for _ in range(TIMES)
        )
        theirs = median(seconds(lambda: duckdb.connect().execute(question).fetchall()) for _ in range(TIMES))
        print(f"question over {whole.num_rows} runs: {ours:.3f} s, DuckDB on one file {theirs:.3f} s")
        print(f"ratios: adding {last / first:.2f}, question {ours / theirs:.1f}, size {size(folder):.2f}")


def size(folder: Path) -> float:
    """Of Parquet over CSV, of runs of 1000 s."""
    campaign = make_campaign(folder, replace(GULDNER, repetitions=1, baseline_blocks=3))
    parts = csv = 0
    for run in CampaignFolder(campaign).run_paths():
        for rows in of_run("0" * 64, campaign.name, RunFolder.open(run)):
            parts += write_part(rows, folder).stat().st_size
        csv += sum(path.stat().st_size for path in run.glob("*.csv"))
    return parts / csv


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 300)
