"""This checkout beside another one: processor time of the same commands, in turn in one run, as ratios.

Run: nice .venv/bin/python -m tests.benchmarks.bench_against CHECKOUT [ROUNDS] [ROW...]

CHECKOUT has its own .venv (`./lab --help` makes it). Each round runs every command once here, once there and, as a
unit, a bare Python that imports argparse, json and pathlib; printed are the medians of all rounds (default 15) and
their ratios, nan where CHECKOUT has no such verb. Reports and verifications are of a synthetic campaign as large as the
demo's (idle, cnn, transfer, three times each, five baseline blocks), made by each checkout itself; the import is of the
Okular measurement in tests/data. These take a third of the rounds. Targets: `--help` in 4 bare Pythons, `meter drivers`
in 8. Imports of many traces: bench_traces.
"""

import resource
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from math import nan
from pathlib import Path
from statistics import median

HERE = Path(__file__).resolve().parents[2]
BARE = "import argparse, json, pathlib"
ROUNDS = 15
ROWS: dict[str, tuple[str, ...]] = {
    "--help": ("--help",),
    "meter drivers": ("meter", "drivers"),
    "--version": ("--version",),
    "report": ("report", "CAMPAIGN"),
    "verify": ("verify", "CAMPAIGN"),
    "import oscar": ("import", "oscar", str(HERE / "tests" / "data" / "okular"), "--into", "NEW"),
}
"""What is called: CAMPAIGN stands for the synthetic campaign, NEW for a folder that is not there yet."""
COSTLY = {"report", "verify", "import oscar"}


def cpu_of(checkout: Path, words: Sequence[str]) -> float | None:
    """Processor time (s) of one Python of a checkout, its children included; None where it does not know the words."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    command = [str(checkout / ".venv" / "bin" / "python"), *words]
    done = subprocess.run(command, cwd=checkout, capture_output=True, text=True, check=False)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    if done.returncode not in (0, 3):  # 3: measured but invalid
        if checkout != HERE and "usage:" in done.stderr:
            return None
        raise SystemExit(f"{checkout}: {' '.join(words)} ended with {done.returncode}: {done.stderr}")
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def campaign_of(checkout: Path, folder: Path) -> str:
    """The synthetic campaign as this checkout writes it."""
    folder.mkdir()
    command = [str(checkout / ".venv" / "bin" / "python"), "-m", "tests.reports.make_campaign", str(folder)]
    return subprocess.run(command, cwd=checkout, capture_output=True, text=True, check=True).stdout.strip()


def main(other: Path, rounds: int, rows: Sequence[str]) -> None:
    """Run everything in turn and print the table."""
    if unknown := [row for row in rows if row not in ROWS]:
        raise SystemExit(f"no row {unknown[0]!r}; there are: {', '.join(ROWS)}")
    checkouts = (HERE, other)
    spent: dict[tuple[Path, str], list[float]] = {(at, row): [] for at in checkouts for row in rows}
    bare: list[float] = []
    with tempfile.TemporaryDirectory() as name:
        campaigns = {at: campaign_of(at, Path(name) / str(n)) for n, at in enumerate(checkouts)}
        for number in range(-1, rounds):  # the first compiles what was never imported, and does not count
            used_bare = cpu_of(HERE, ("-c", BARE))
            for row in rows:
                if row in COSTLY and number > 0 and number % 3:
                    continue
                for at in checkouts:
                    new = Path(name) / f"new-{checkouts.index(at)}-{number}"
                    meant = {"CAMPAIGN": campaigns[at], "NEW": str(new)}
                    words = [meant.get(word, word) for word in ROWS[row]]
                    used = cpu_of(at, ("-m", "harness.cli", *words))
                    if number >= 0 and used is not None:
                        spent[at, row].append(used)
            if number >= 0 and used_bare is not None:
                bare.append(used_bare)
    unit = median(bare)
    print(f"bare Python {1e3 * unit:.0f} ms, median of {rounds}\n| what | here | there | here / there | here / bare |")
    print("|---|---|---|---|---|")
    for row in rows:
        here, there = (median(spent[at, row] or [nan]) for at in checkouts)
        print(f"| {row} | {here:.3f} s | {there:.3f} s | {here / there:.3f} | {here / unit:.1f} |")


if __name__ == "__main__":
    if len(sys.argv) < 2:
        raise SystemExit(__doc__)
    number = int(sys.argv[2]) if len(sys.argv) > 2 else ROUNDS
    main(Path(sys.argv[1]).resolve(), number, sys.argv[3:] or list(ROWS))
