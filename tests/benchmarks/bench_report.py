"""Report of a campaign of Guldner's size: 120 runs of 1000 s, 14 indicators. Target: 8 s whole process.

Run: .venv/bin/python -m tests.benchmarks.bench_report [CAMPAIGN]

Without CAMPAIGN a synthetic one is written first, not counted. The report is made in a process of its own,
its start, imports and exit included.
"""

import json
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from tests.reports.make_campaign import GULDNER, make_campaign

PROGRAM = "import sys, pathlib; from tests.documents import write_report; write_report(pathlib.Path(sys.argv[1]))"


def main(campaign: Path | None) -> None:
    """Time one report and print one JSON line."""
    with tempfile.TemporaryDirectory() as name:
        folder = campaign or make_campaign(Path(name), GULDNER)
        begin = time.monotonic()
        subprocess.run([sys.executable, "-c", PROGRAM, str(folder)], check=True)
        wall_s = time.monotonic() - begin
        used = resource.getrusage(resource.RUSAGE_CHILDREN)
        measured = {
            "wall_s": round(wall_s, 2),
            "cpu_s": round(used.ru_utime + used.ru_stime, 2),
            "peak_mib": round(used.ru_maxrss / 1024),
            "runs": len(list(folder.glob("*/run.jsonl"))),
            "report_kb": round((folder / "derived" / "report.html").stat().st_size / 1e3),
        }
    print(json.dumps(measured))


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else None)
