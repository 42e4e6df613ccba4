"""`import power-csv` of many traces: processor time and peak memory, at a number of traces and at four times it.

Run: nice .venv/bin/python -m tests.benchmarks.bench_power_csv [TRACES [ROWS]]

Written first and not counted are TRACES (default 250) and four times as many CSV files of ROWS (default 1,000) rows at
10 Hz, and one CSV of as many rows together with a file of events. Every import is a process of its own. Target: what
four times the traces take is at most 4.4 times as much (linear, and a tenth).
"""

import os
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np

MAPPING = (
    'schema = 1\n[time]\ncolumn = "time"\nformat = "epoch-s"\n[[power]]\ncolumn = "power"\nunit = "W"\n'
    'reads = "instant"\n'
)
EVENTS = '[events]\nfile = "events.csv"\nbegin = "begin"\nend = "end"\nformat = "epoch-s"\nscenario = "scenario"\n'
BEGIN_S, RATE_HZ = 1_795_255_200, 10
PROGRAM = (
    "import sys, resource\nfrom pathlib import Path\n"
    "from harness.foreign.importers.grouping import Grouping\n"
    "from harness.foreign.importers.power_csv.importer import import_power_csv\n"
    "folder = Path(sys.argv[1])\n"
    "how = None if (folder / 'events.csv').exists() else '{scenario}-{repetition}'\n"
    "import_power_csv([folder], folder.with_suffix('.c'), folder / 'power-csv.toml', grouping=Grouping(how))\n"
    "print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024)\n"
)


def write(folder: Path, traces: int, rows: int, *, together: bool) -> Path:
    """The files of one import."""
    folder.mkdir()
    rng = np.random.default_rng(traces)
    files = 1 if together else traces
    for nth in range(files):
        count = traces * rows if together else rows
        first_s = BEGIN_S + nth * rows / RATE_HZ
        lines = (f"{first_s + k / RATE_HZ:.3f},{w:.3f}" for k, w in enumerate(rng.normal(100, 1, count).tolist()))
        (folder / f"train-{nth + 1}.csv").write_text("\n".join(["time,power", *lines, ""]))
    if together:
        spans = (BEGIN_S + np.arange(traces) * rows / RATE_HZ).tolist()
        lines = (f"{begin + 1},{begin + rows / RATE_HZ - 1},train" for begin in spans)
        (folder / "events.csv").write_text("\n".join(["begin,end,scenario", *lines, ""]))
    (folder / "power-csv.toml").write_text(MAPPING + (EVENTS if together else ""))
    return folder


def measured(folder: Path) -> tuple[float, int]:
    """Processor time (s) and peak memory (MiB) of one import in a process of its own."""
    before = os.times()
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, str(folder)], check=True, capture_output=True, text=True, env=dict(os.environ)
    )
    after = os.times()
    spent_s = after.children_user + after.children_system - before.children_user - before.children_system
    return spent_s, int(done.stdout)


def main() -> None:
    """Print the table."""
    traces, rows = (int(word) for word in [*sys.argv[1:], *("250", "1000")[len(sys.argv) - 1 :]])
    with tempfile.TemporaryDirectory() as name:
        for together in (False, True):
            what = "one CSV and as many events" if together else "a CSV each"
            figures = []
            for count in (traces, 4 * traces):
                folder = write(Path(name) / f"{count}-{together}", count, rows, together=together)
                figures.append(measured(folder))
            (few_s, few_mib), (many_s, many_mib) = figures
            print(
                f"{what}: {traces} traces {few_s:.2f} s, {few_mib} MiB; {4 * traces} traces {many_s:.2f} s, {many_mib} "
                f"MiB; {many_s / few_s:.2f} times as much"
            )


if __name__ == "__main__":
    main()
