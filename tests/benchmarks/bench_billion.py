"""Readings of an archive to energies of 3,000 intervals: beside pandas reading them as CSV, and DuckDB doing it in SQL.

Run: nice .venv/bin/python -m tests.benchmarks.bench_billion [READINGS [FOLDER]]     default 20 million; a temporary one

Readings of a 10 ms meter are generated: stamps (ns) and powers, 16 bytes each, stamps a little late, one in 100,000
missing; as Parquet of an archive, a part for every 100 million, and 20 million of them as CSV and as an archive of
their own. Each is a process of its own, in turn, with one thread; imports are not counted: `archive.energies`; pandas'
`read_csv` with its C parser, which only reads; DuckDB, which adds up power times window; then `archive.energies` by one
and by two workers of one thread. What is generated is kept in FOLDER, and not made anew.
"""

import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from pyarrow import csv, parquet

from harness.record.documents import PowerDescriptor, encode
from reports.archive.energies import Intervals, energies
from reports.archive.index import Entry, Part, digest_of, entries, file_of, text_of
from reports.archive.parts import ROWS_A_GROUP, encoding_of
from reports.archive.schemas import SCHEMAS
from reports.archive.store import Store
from reports.archive.tables import METER

STEP_NS, LATE_NS, MISSING = 10_000_000, 200_000, 1e-5
BEGIN_NS = 1_795_248_000_000_000_000
PART, FEW = 100_000_000, 20_000_000
COUNT = 3000
CAMPAIGN = "billion"
Stamps = NDArray[np.int64]
DESCRIPTOR = PowerDescriptor(
    stream="readings-wall.csv", meter="wall", circuit="sut-ac-inlet", identity={}, origin="emulated", evidence={},
    averaging="window", window_s=STEP_NS * 1e-9, stamp="end", latency_s=0.0,
    columns=[{"name": "power_w", "unit": "W"}],
)  # fmt: skip
SQL = """
WITH r AS (SELECT power_w AS p, utc_ns AS e, greatest(lag(utc_ns, 1, utc_ns - {window}) OVER (), utc_ns - {window}) AS b
           FROM read_parquet({paths})),
c AS (SELECT e, p, b, sum(p * (e - b) * 1e-9) OVER (ROWS UNBOUNDED PRECEDING) AS cum FROM r),
x AS (SELECT k, c.cum - c.p * (c.e - greatest(edge, c.b)) * 1e-9 AS at FROM edges ASOF JOIN c ON edges.edge <= c.e)
SELECT first.k, last.at - first.at AS energy_j FROM x first JOIN x last ON last.k = first.k + 1 ORDER BY first.k
"""
"""Of four ways that were tried (a range join with and without the order of rows, buckets) the fastest that is exact."""
Act = Callable[[], NDArray[np.float64]]


def batches(first: int, count: int) -> Iterator[tuple[Stamps, NDArray[np.float64]]]:
    """Stamps and powers of some readings, a row group at a time."""
    for begin in range(first, first + count, ROWS_A_GROUP):
        random = np.random.default_rng([7, begin])
        size = min(ROWS_A_GROUP, first + count - begin)
        times_ns = BEGIN_NS + (1 + begin + np.arange(size)) * STEP_NS + random.integers(0, LATE_NS, size)
        kept = random.random(size) >= MISSING
        yield times_ns[kept], random.normal(91.0, 0.4, size).round(2)[kept]


def made(folder: Path, readings: int) -> Store:
    """The archive, and the same as CSV."""
    store = Store(str(folder / f"archive-{readings}"))
    if store.exists(file_of(CAMPAIGN, 1)):
        return store
    store.make()
    parts = [_part(store, first, min(PART, readings - first)) for first in range(0, readings, PART)]
    entry = Entry(
        schema=1, revision=1, name=CAMPAIGN, uid="0" * 64, customer="", sut="", host="", release="",
        begun_utc="2026-11-21T08:00:00Z",
        verdict="", origin="", runs={}, logs={}, log_bytes={}, parts=tuple(parts),
        added_utc="2026-11-21T08:00:00Z", added_by="",
    )  # fmt: skip
    store.put(file_of(CAMPAIGN, 1), text_of(entry))
    if readings > FEW:
        made(folder, FEW)
        return store
    with (folder / f"readings-{readings}.csv").open("wb") as text:
        text.write(b"time_ns,power_w\n")
        for times_ns, power_w in batches(0, readings):
            rows = pa.table({"time_ns": times_ns, "power_w": power_w})
            csv.write_csv(rows, text, csv.WriteOptions(include_header=False))
    return store


def _part(store: Store, first: int, count: int) -> Part:
    schema = SCHEMAS["readings"]
    path = f"parts/{CAMPAIGN}/readings/run{first:012d}--wall.parquet"
    file = Path(store.path(path))
    file.parent.mkdir(parents=True, exist_ok=True)
    alike: dict[str, Any] = {
        "campaign_uid": "0" * 64, "campaign": CAMPAIGN, "run": f"run{first:012d}", "provenance": "emulated",
        "in_rating": True, "meter": "wall", "circuit": "sut-ac-inlet",
    }  # fmt: skip
    stamps: list[int] = []
    written = 0
    about = schema.with_metadata({METER: encode(DESCRIPTOR)})
    with parquet.ParquetWriter(file, about, **encoding_of(schema)) as writer:
        for times_ns, power_w in batches(first, count):
            size = times_ns.size
            known = {"time_ns": times_ns, "utc_ns": times_ns, "power_w": power_w}
            columns = [
                pa.array(known[field.name]) if field.name in known
                else pa.repeat(pa.scalar(alike.get(field.name), field.type), size)
                for field in schema
            ]  # fmt: skip
            writer.write_table(pa.Table.from_arrays(columns, schema=schema), row_group_size=ROWS_A_GROUP)
            stamps += [int(times_ns[0]), int(times_ns[-1])]
            written += size
    return Part(
        path=path, table="readings", schema=1, run=f"run{first:012d}", rows=written, bytes=file.stat().st_size,
        sha256=digest_of(b""), first_ns=min(stamps), last_ns=max(stamps),
    )  # fmt: skip


def intervals_of(readings: int) -> Intervals:
    """Intervals that share the time among them."""
    span_ns = readings * STEP_NS
    edges = BEGIN_NS + np.sort(np.random.default_rng(5).integers(STEP_NS, span_ns, COUNT + 1))
    return Intervals(tuple(map(str, range(COUNT))), edges[:-1], edges[1:])


# --- what is compared, each in a process of its own


def by_archive(folder: Path, readings: int) -> Act:
    """By wattlab."""
    store = made(folder, readings)
    (entry,) = entries(store, [CAMPAIGN])
    return lambda: np.asarray(energies(store, entry, intervals_of(readings))["energy_wh"].to_numpy() * 3600)


def by_workers(folder: Path, readings: int) -> Act:
    """By wattlab, on the workers of the scheduler that the environment names."""
    from harness.fleet.cluster import client_of, link_of
    from harness.fleet.spread import spread_over
    from reports.archive.energies import compute

    store = made(folder, readings)
    (entry,) = entries(store, [CAMPAIGN])
    link = link_of(os.environ["BENCH_SCHEDULER"], None, is_open=True)

    def act() -> NDArray[np.float64]:
        with client_of(link) as client:
            table = energies(store, entry, intervals_of(readings), spread_over(client, compute))
        return np.asarray(table["energy_wh"].to_numpy() * 3600)

    return act


def by_duckdb(folder: Path, readings: int) -> Act:
    """By SQL."""
    import duckdb

    store, asked = made(folder, readings), intervals_of(readings)
    paths = [store.path(name) for name in store.names("parts")]
    database = duckdb.connect()
    database.execute("SET threads = 1")
    edges = np.append(asked.begins_ns, asked.ends_ns[-1])
    database.register("edges", pa.table({"k": np.arange(COUNT + 1), "edge": edges}))
    sql = SQL.format(window=round(1.5 * STEP_NS), paths=paths)
    return lambda: np.asarray(database.execute(sql).fetchnumpy()["energy_j"])


def by_pandas(folder: Path, readings: int) -> Act:
    """Only reads."""
    import pandas as pd

    kinds = {"time_ns": np.int64, "power_w": np.float64}
    path = folder / f"readings-{readings}.csv"
    return lambda: np.array([float(len(pd.read_csv(path, dtype=kinds)))])


HOW: dict[str, Callable[[Path, int], Act]] = {
    "archive": by_archive, "workers": by_workers, "duckdb": by_duckdb, "pandas": by_pandas,
}  # fmt: skip


def measured(name: str, folder: Path, readings: int, environment: dict[str, str] | None = None) -> dict[str, Any]:
    """Wall and processor time (s), without imports, peak memory (MiB) and the answer of one of them."""
    command = [sys.executable, "-m", __spec__.name, name, str(readings), str(folder)]
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, env=os.environ | (environment or {}))
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def tell(what: str, found: dict[str, Any], rows: int) -> None:
    """A line."""
    print(
        f"{what}: {found['wall_s']:.1f} s, processor {found['cpu_s']:.1f} s, {found['peak_mib']:.0f} MiB, "
        f"{rows / found['wall_s'] / 1e6:.1f} million rows/s, {rows / found['cpu_s'] / 1e6:.1f} of processor time",
        flush=True,
    )


def main(readings: int, folder: Path) -> None:
    """Generate, measure and print."""
    few, store = min(readings, FEW), made(folder, readings)
    size = sum(store.files.size(store.path(name)) for name in store.names("parts"))
    print(f"{readings} readings, {size / readings:.2f} bytes each as Parquet", flush=True)
    ours = measured("archive", folder, readings)
    tell("archive, one thread", ours, readings)
    read = measured("pandas", folder, few)
    tell(f"pandas reading {few} of them as CSV", read, few)
    theirs, own = measured("duckdb", folder, few), measured("archive", folder, few)
    tell(f"DuckDB, one thread, {few} of them", theirs, few)
    tell("archive, the same", own, few)
    apart = np.abs(np.array(theirs["energies_j"]) / np.array(own["energies_j"]) - 1)
    print(f"DuckDB's energies differ by {apart.max():.1e} at most (it fills no gaps), {np.median(apart):.1e} mostly")
    print(f"rows/s of processor time: {read['cpu_s'] / few * readings / ours['cpu_s']:.1f} times pandas")
    print(f"processor time: {own['cpu_s'] / theirs['cpu_s']:.2f} of DuckDB's")
    spread = {count: by_fleet(count, folder, readings) for count in (1, 2)}
    for count, one in spread.items():
        print(f"{count} workers: {one['wall_s']:.1f} s, the same to the bit: {one['energies_j'] == ours['energies_j']}")
    print(f"two workers: {spread[1]['wall_s'] / spread[2]['wall_s']:.2f} times as fast as one")


def by_fleet(count: int, folder: Path, readings: int) -> dict[str, Any]:
    """By so many workers, each a process that computes one chunk at a time."""
    from tests.fleet.test_spread import scheduler, workers

    with ExitStack() as stack:
        address = stack.enter_context(scheduler())
        stack.enter_context(workers(address, count))
        return measured("workers", folder, readings, {"BENCH_SCHEDULER": address})


def child(name: str, readings: int, folder: Path) -> None:
    """One of them; what it took and its answer as JSON."""
    pa.set_cpu_count(1)
    pa.set_io_thread_count(1)
    act = HOW[name](folder, readings)
    wall_s, cpu_s = time.monotonic(), time.process_time()
    found = act()
    told = {"wall_s": time.monotonic() - wall_s, "cpu_s": time.process_time() - cpu_s}
    told["peak_mib"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(json.dumps(told | {"energies_j": found.tolist()}))


if __name__ == "__main__":
    given = sys.argv[1:]
    if given and given[0] in HOW:
        child(given[0], int(given[1]), Path(given[2]))
    elif len(given) > 1:
        Path(given[1]).mkdir(parents=True, exist_ok=True)
        main(int(given[0]), Path(given[1]))
    else:
        with tempfile.TemporaryDirectory() as name:
            main(int(given[0]) if given else 20_000_000, Path(name))
