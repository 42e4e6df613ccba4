#!/bin/sh
# dask 2026.8.0: a task that has ended is run again when the worker that holds its result dies, although it was submitted
# with retries=0 and the scheduler allows no failure (allowed-failures: 0). Both count tasks that were being run when a
# worker died. For what is computed that is right; a measurement is an event, and a second one is another measurement
# (dask/distributed 7870). So a task has to ask first whether what it is to make is there, as `wattlab station serve` does.
#
# Seen on Debian 12, Python 3.11: a task that writes a line, waited for, its result held; its worker killed; another one there:
#   lines before the kill 1, after it 2
# Exit 0: as above. 1: Dask behaves otherwise. 2: it could not be run.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv" && "$folder/venv/bin/pip" install --quiet distributed==2026.8.0 || exit 2
cd "$folder"
cat >measuring.py <<'PYTHON'
import os
import signal
import sys
import time
from pathlib import Path

import dask
from distributed import Client, LocalCluster


def measure(log: str) -> int:
    with Path(log).open("a") as file:
        file.write("measured\n")
    return os.getpid()


def lines(log: Path) -> int:
    return log.read_text().count("\n")


if __name__ == "__main__":
    dask.config.set({"distributed.scheduler.allowed-failures": 0})
    log = Path("log.txt").absolute()
    with LocalCluster(2, threads_per_worker=1, dashboard_address=":0", silence_logs=50) as cluster, Client(cluster) as client:
        future = client.submit(measure, str(log), retries=0, pure=False)
        pid = future.result()
        before = lines(log)
        os.kill(pid, signal.SIGKILL)
        end = time.monotonic() + 60
        while lines(log) == before and time.monotonic() < end:
            time.sleep(0.2)
        print(f"lines before the kill {before}, after it {lines(log)}")
        sys.exit(0 if (before, lines(log)) == (1, 2) else 1)
PYTHON
"$folder/venv/bin/python" measuring.py
