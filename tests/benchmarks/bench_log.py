"""A campaign's log: processor time of one append behind 10 and behind 1,000 entries, beside another checkout.

Run: nice .venv/bin/python -m tests.benchmarks.bench_log [CHECKOUT]

The entries are those of runs (begin, start, end), of the size that a campaign writes; each append is on disk before the
next, and that wait is no processor time. Printed is the median over 100 appends, in a process of each checkout's own
Python, in turn. Target: constant.
"""

import subprocess
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).resolve().parents[2]
LENGTHS = (10, 1000)
ROUNDS = 3
PROGRAM = """
import importlib, pathlib, statistics, sys, time
for name in ("harness.record.campaign_folder", "harness.record.run_folder", "harness.run_folder"):
    try:
        CampaignFolder = importlib.import_module(name).CampaignFolder
        break
    except (ImportError, AttributeError):
        continue
campaign, length = CampaignFolder.create(pathlib.Path(sys.argv[1])), int(sys.argv[2])
def append(number):
    run = {"ordinal": number, "folder": f"20261121T101502Z-r{number:02d}-0a1b2c3d"}
    end = {"exit_status": "success", "reason": None, "manifest": "0" * 64, "lost": None, "signature": "0" * 64}
    kind, more = [("run-begin", {"attempt": 1}), ("run-start", {"start": "0" * 64}), ("run-end", end)][number % 3]
    campaign.append(kind, "2026-11-21T10:00:00.000Z", run | more)
for number in range(length):
    append(number)
spent_us = []
for number in range(length, length + 100):
    begin = time.process_time_ns()
    append(number)
    spent_us.append((time.process_time_ns() - begin) / 1e3)
print(statistics.median(spent_us))
"""


def append_us(checkout: Path, length: int) -> float:
    """Processor time (us) of one append of a checkout behind `length` entries."""
    with tempfile.TemporaryDirectory() as name:
        command = [str(checkout / ".venv" / "bin" / "python"), "-c", PROGRAM, f"{name}/c", str(length)]
        done = subprocess.run(command, cwd=checkout, capture_output=True, text=True, check=True)
    return float(done.stdout)


def main(checkouts: list[Path]) -> None:
    """Measure everything in turn and print the table."""
    spent: dict[tuple[Path, int], float] = {}
    for _ in range(ROUNDS):
        for length in LENGTHS:
            for at in checkouts:
                spent[at, length] = min(append_us(at, length), spent.get((at, length), float("inf")))
    print("| checkout | " + " | ".join(f"behind {length}" for length in LENGTHS) + " | ratio |\n|---|---|---|---|")
    for at in checkouts:
        few, many = (spent[at, length] for length in LENGTHS)
        print(f"| {'here' if at == HERE else 'there'} | {few:.0f} us | {many:.0f} us | {many / few:.2f} |")


if __name__ == "__main__":
    main([HERE, *(Path(name).resolve() for name in sys.argv[1:])])
