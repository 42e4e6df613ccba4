"""Peak memory of a report on long runs of a fast meter: does it grow with the number of runs?

Run: .venv/bin/python -m tests.benchmarks.bench_memory [READINGS [RUNS ...]]

Campaigns of RUNS runs and five baseline blocks, each of READINGS readings at 10 ms (default 1,000,000; 1 and 8 runs),
written first and not counted. Each report is made in a process of its own; what its imports take alone stands beside
it.
"""

import json
import resource
import subprocess
import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path

import numpy as np

from harness.record.documents import PowerDescriptor
from tests.reports.make_campaign import SECOND_NS, Load, Shape, SyntheticRun, make_campaign

STEP_S = 0.01
PROGRAM = """
import pathlib, resource, sys
from tests.documents import write_report
for name in sys.argv[1:]:
    write_report(pathlib.Path(name))
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
"""


class FastRun(SyntheticRun):
    """Its meter reads a hundred times a second."""

    def _meter(self) -> PowerDescriptor:
        return replace(super()._meter(), window_s=STEP_S)

    def _readings(self) -> bytes:
        count = round(self._count / STEP_S)
        times_ns = self._base_ns + np.arange(1, count + 1) * round(STEP_S * SECOND_NS)
        level_w = 41.0 if self.load is None else 41.0 + self.load.power_w
        rows = zip(times_ns.tolist(), self._random.normal(level_w, 0.4, count).round(2).tolist(), strict=True)
        return b"time_ns,power_w\n" + "".join(f"{time_ns},{power_w}\n" for time_ns, power_w in rows).encode()


def peak_of(*arguments: str) -> tuple[float, float]:
    """MiB and processor seconds of a process that makes a report, or only imports what it needs."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    command = [sys.executable, "-c", PROGRAM, *arguments]
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    used_s = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return int(done.stdout.split()[-1]) / 1024, used_s


def main(readings: int, numbers: list[int]) -> None:
    """Print one JSON line for each number of runs."""
    alone_mib, _ = peak_of()
    for runs in numbers:
        with tempfile.TemporaryDirectory() as name:
            shape = Shape(
                name=f"{runs}-runs", loads={"work": Load(50.0, 30.0, configured=False)}, repetitions=runs,
                duration_s=round(readings * STEP_S), gpu=False,
            )  # fmt: skip
            folder = make_campaign(Path(name), shape, FastRun)
            begin_s = time.monotonic()
            peak_mib, cpu_s = peak_of(str(folder))
            total = (runs + shape.baseline_blocks) * readings
            measured = {
                "runs": runs, "readings": total, "peak_mib": round(peak_mib), "imports_mib": round(alone_mib),
                "bytes_per_reading_of_a_run": round((peak_mib - alone_mib) * 2**20 / readings),
                "cpu_s": round(cpu_s, 1), "wall_s": round(time.monotonic() - begin_s, 1),
            }  # fmt: skip
        print(json.dumps(measured), flush=True)


if __name__ == "__main__":
    given = [int(word) for word in sys.argv[1:]]
    main(given[0] if given else 1_000_000, given[1:] or [1, 8])
