"""Import and report of the Okular measurement (52 runs), whole processes. Target: 4 s for both together.

Run: .venv/bin/python -m tests.benchmarks.bench_okular [REPETITIONS] [FOLDER]

FOLDER holds <scenario>-{power,actions,hardware}.csv[.gz]; default: tests/data/okular (the measuring hours of the
published files). Each repetition starts `wattlab import oscar` and `wattlab report` as a user does; the median is the
figure. The R tool that made the published report needs 14.4 s and 204 MB for the same data on a machine like this one.
"""

import json
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from harness.station.station import APPLICATION


def main(repetitions: int, folder: Path) -> None:
    """Print one JSON line."""
    walls_s: list[float] = []
    for _ in range(repetitions):
        with tempfile.TemporaryDirectory() as name:
            campaign = str(Path(name) / "okular")
            begin = time.monotonic()
            wattlab("import", "oscar", str(folder), "--into", campaign)
            wattlab("report", campaign)
            walls_s.append(time.monotonic() - begin)
    peak_mib = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024
    median_s = statistics.median(walls_s)
    print(
        json.dumps(
            {"wall_s": [round(w, 2) for w in walls_s], "median_s": round(median_s, 2), "peak_mib": round(peak_mib)}
        )
    )


def wattlab(*words: str) -> None:
    """One command; exit code 3 is right here: the idle scenario of Okular is invalid by the method."""
    command = [sys.executable, "-m", "harness.cli", *words]
    done = subprocess.run(command, cwd=APPLICATION, stdout=subprocess.DEVNULL, check=False)
    if done.returncode not in (0, 3):
        raise SystemExit(f"{' '.join(words)} ended with exit code {done.returncode}")


if __name__ == "__main__":
    where = Path(sys.argv[2]) if len(sys.argv) > 2 else APPLICATION / "tests" / "data" / "okular"
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 5, where.resolve())
