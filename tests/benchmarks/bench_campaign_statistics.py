"""Statistics of a campaign of four scenarios of 30 runs each: the whole section, R's start included. Target: 4 s.

Run: .venv/bin/python -m tests.benchmarks.bench_campaign_statistics

The campaign is written and analysed first, not counted. The section is computed in a process of its own; its imports
and its reading of results.json are not counted, the start of R is.
"""

import json
import subprocess
import sys
import tempfile
from pathlib import Path

from tests.documents import write_results
from tests.reports.make_campaign import LOADS, Load, Shape, make_campaign

SHAPE = Shape(
    name="four", loads={**LOADS, "wide": Load(45.0, 30.0, 50.0, epochs=30)}, repetitions=30, baseline_blocks=30,
    duration_s=300,
)  # fmt: skip
PROGRAM = """
import json, sys, time
from pathlib import Path
from reports.campaign import statistics as campaign_statistics
results = json.loads(Path(sys.argv[1]).read_text())
taken = []
for _ in range(2):
    begin = time.perf_counter()
    found = campaign_statistics.evaluate(results)
    taken.append(round(time.perf_counter() - begin, 2))
pairs = sum(len(part["post_hoc"]) for part in found["responses"].values())
print(json.dumps({"wall_s": taken[0], "again_s": taken[1], "available": found["available"], "pairs": pairs}))
"""


def main() -> None:
    """Time one section and print one JSON line."""
    with tempfile.TemporaryDirectory() as name:
        results = write_results(make_campaign(Path(name), SHAPE))
        runs = sum(run["kind"] == "scenario" for run in json.loads(results.read_text())["runs"])
        done = subprocess.run([sys.executable, "-c", PROGRAM, str(results)], check=True, capture_output=True, text=True)
        print(json.dumps({"runs": runs, **json.loads(done.stdout)}))


if __name__ == "__main__":
    main()
