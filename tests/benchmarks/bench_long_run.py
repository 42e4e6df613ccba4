"""Peak memory of one very long run of a fast meter, reported and archived: how many bytes does a reading take?

Run: nice .venv/bin/python -m tests.benchmarks.bench_long_run [STAMPS [READINGS ...]]

Campaigns of one run of READINGS readings at 10 ms (default 1, 3 and 6 million), written first and not counted. STAMPS
is `regular` (windows meet), `late` (the default: stamps a little late, readings missing now and then) or `instant`
(late, and a reading is a value of a moment). The report, `archive add --raw` and `archive verify` are a process each;
its peak is that of its resident pages, and of those that no file backs (the kernel gives the others up when memory is
short). The wire of these runs was not logged, which `archive verify` says: decoding it again is not in its figures.
"""

import io
import json
import re
import resource
import subprocess
import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow as pa
from pyarrow import csv

from harness.record.documents import PowerDescriptor
from tests.reports.make_campaign import SECOND_NS, Load, Shape, SyntheticRun, make_campaign

STEP_NS = 10_000_000
BATCH = 1 << 20
LATE_NS, MISSING = 200_000, 1e-5
PROGRAM = """
import pathlib, sys, threading, time
from harness.cli import main
from tests.documents import write_report
most = [0]
def watch():
    while True:
        for line in open("/proc/self/status"):
            if line.startswith("RssAnon"):
                most[0] = max(most[0], int(line.split()[1]))
        time.sleep(0.02)
threading.Thread(target=watch, daemon=True).start()
acts = {
    "imports": lambda folder: None,
    "report": lambda folder: write_report(folder),
    "archive add": lambda folder: main(["archive", "add", str(folder), "--raw", "--into", str(folder.parent / "kept")]),
    "archive verify": lambda folder: main(["archive", "verify", str(folder.parent / "kept")]),
}
acts[sys.argv[1]](pathlib.Path(sys.argv[2]))
time.sleep(0.05)
status = dict(line.split(":", 1) for line in open("/proc/self/status"))
print("peak", status["VmHWM"].split()[0], most[0])
"""


class LongRun(SyntheticRun):
    """Its meter reads a hundred times a second, and its wire was not logged."""

    stamps = "late"

    def _meter(self) -> PowerDescriptor:
        averaging, window_s = ("instantaneous", 0.0) if self.stamps == "instant" else ("window", STEP_NS / SECOND_NS)
        return replace(super()._meter(), window_s=window_s, averaging=averaging)  # type: ignore[arg-type]

    def _readings(self) -> bytes:
        content = io.BytesIO()
        content.write(b"time_ns,power_w\n")
        count, level_w = self._count * SECOND_NS // STEP_NS, 41.0 + (self.load.power_w if self.load else 0.0)
        for first in range(0, count, BATCH):
            size = min(BATCH, count - first)
            times_ns = self._base_ns + (1 + first + np.arange(size)) * STEP_NS
            kept = np.ones(size, dtype=bool)
            if self.stamps != "regular":
                times_ns += self._random.integers(0, LATE_NS, size)
                kept = self._random.random(size) >= MISSING
            power_w = self._random.normal(level_w, 0.4, size).round(2)
            rows = pa.table({"time_ns": times_ns[kept], "power_w": power_w[kept]})
            csv.write_csv(rows, content, csv.WriteOptions(include_header=False))
        return content.getvalue()

    def _wire_log(self, readings: bytes) -> bytes:
        return b""


def long_campaign(folder: Path, readings: int, stamps: str) -> Path:
    """One run, no baseline."""
    shape = Shape(
        name=f"{stamps}-{readings}", loads={"work": Load(50.0, 30.0, configured=False)}, repetitions=1,
        baseline_blocks=0, duration_s=readings * STEP_NS // SECOND_NS, gpu=False,
    )  # fmt: skip
    return make_campaign(folder, shape, type("Run", (LongRun,), {"stamps": stamps}))


def measured(act: str, folder: Path) -> tuple[float, float, float]:
    """Resident MiB, those without a file, and processor seconds of a process that does it."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    command = [sys.executable, "-c", PROGRAM, act, str(folder)]
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    told = re.search(r"peak (\d+) (\d+)", done.stdout)
    assert told is not None
    used_s = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return int(told[1]) / 1024, int(told[2]) / 1024, used_s


def main(stamps: str, numbers: list[int]) -> None:
    """Print a JSON line for each length and act."""
    alone_mib, _, _ = measured("imports", Path())
    for readings in numbers:
        with tempfile.TemporaryDirectory() as name:
            folder = long_campaign(Path(name), readings, stamps)
            for act in ("report", "archive add", "archive verify"):
                begin_s = time.monotonic()
                resident_mib, own_mib, cpu_s = measured(act, folder)
                told = {
                    "act": act, "stamps": stamps, "readings": readings, "resident_mib": round(resident_mib),
                    "without_a_file_mib": round(own_mib), "imports_mib": round(alone_mib),
                    "bytes_a_reading": round((resident_mib - alone_mib) * 2**20 / readings, 1),
                    "cpu_us_a_reading": round(cpu_s * 1e6 / readings, 2),
                    "wall_s": round(time.monotonic() - begin_s, 1),
                }  # fmt: skip
                print(json.dumps(told), flush=True)


if __name__ == "__main__":
    given = sys.argv[1:]
    main(given[0] if given else "late", [int(word) for word in given[1:]] or [1_000_000, 3_000_000, 6_000_000])
