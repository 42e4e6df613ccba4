"""This checkout beside another one: processor time of the same commands, in turn in one run, as ratios.

Run: nice .venv/bin/python -m tests.benchmarks.bench_against CHECKOUT [ROUNDS] [ROW...]

CHECKOUT has its own .venv (`./lab --help` makes it). Each round runs every command once here, once there and, as a
unit, a bare Python that imports argparse, json and pathlib; printed are the medians of all rounds (default 15) and
their ratios, nan where CHECKOUT has no such verb. What reports and verifications read (MATERIAL) is made by each
checkout itself, once; they take a third of the rounds. Targets: `--help` in 4 bare Pythons, `meter drivers` in 8; of
68f151b's time the Okular report .3 (with its import), that of 120 runs .3, the audit PDF .5, the verification of a
signed campaign but for its wire logs, which 68f151b did not decode, .5.
"""

import os
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
    "report of Okular": ("report", "OKULAR"),
    "report of 120 runs": ("report", "LARGE"),
    "audit report and PDF": ("report", "--audit", "--pdf", "CAMPAIGN"),
    "verify signed": ("verify", "SIGNED"),
    "verify signed but wire logs": ("verify", "SIGNED"),
}
"""What is called; words in capitals are material, NEW is a folder that is not there yet."""
CLI = ("-m", "harness.cli")
UNDECODED = ("-c", "from harness.evidence import verification as v; v.check_wires = lambda *_: []; "
             "from harness.cli import main; main()")  # fmt: skip
CALLED = {"verify signed but wire logs": UNDECODED}
"""How it is called, where not as a user does."""
SIGNER = "import sys, pathlib; from tests.benchmarks.bench_verify import signed_campaign; " \
    "print(signed_campaign(pathlib.Path(sys.argv[1]))[0])"  # fmt: skip
MATERIAL: dict[str, tuple[str, ...]] = {
    "CAMPAIGN": ("-m", "tests.reports.make_campaign", "FOLDER"),
    "LARGE": ("-m", "tests.reports.make_campaign", "FOLDER", "--guldner"),
    "SIGNED": ("-c", SIGNER, "FOLDER"),
    "OKULAR": (*CLI, "import", "oscar", str(HERE / "tests" / "data" / "okular"), "--into", "FOLDER"),
}
"""How a checkout makes what a row reads below FOLDER: a synthetic campaign as large as the demo's, one of Guldner's
size (120 runs of 1000 s, 14 indicators), one that is signed, the Okular measurement."""
EVERY_ROUND = {"--help", "meter drivers", "--version"}
PLAIN = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
"""A user's Python keeps what it compiled."""


def cpu_of(checkout: Path, words: Sequence[str]) -> float | None:
    """Processor time (s) of one Python of a checkout, its children included; None where it does not know the words."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    command = [str(checkout / ".venv" / "bin" / "python"), *words]
    done = subprocess.run(command, cwd=checkout, env=PLAIN, capture_output=True, text=True, check=False)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    if done.returncode not in (0, 3):  # 3: measured but invalid
        if checkout != HERE and "usage:" in done.stderr:
            return None
        raise SystemExit(f"{checkout}: {' '.join(words)} ended with {done.returncode}: {done.stderr}")
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def material_of(checkout: Path, folder: Path, word: str) -> str:
    """The path of a material as this checkout writes it."""
    folder.mkdir(parents=True)
    target = folder / word.lower()
    if word != "OKULAR":  # an import makes its own
        target.mkdir()
    words = [str(target) if part == "FOLDER" else part for part in MATERIAL[word]]
    command = [str(checkout / ".venv" / "bin" / "python"), *words]
    done = subprocess.run(command, cwd=checkout, env=PLAIN, capture_output=True, text=True, check=True)
    return str(target) if word == "OKULAR" else done.stdout.strip().splitlines()[-1]


def main(other: Path, rounds: int, rows: Sequence[str]) -> None:
    """Run everything in turn and print the table."""
    if unknown := [row for row in rows if row not in ROWS]:
        raise SystemExit(f"no row {unknown[0]!r}; there are: {', '.join(ROWS)}")
    checkouts = (HERE, other)
    spent: dict[tuple[Path, str], list[float]] = {(at, row): [] for at in checkouts for row in rows}
    bare: list[float] = []
    with tempfile.TemporaryDirectory() as name:
        wanted = {word for row in rows for word in ROWS[row] if word in MATERIAL}
        made = {
            (at, word): material_of(at, Path(name) / str(n) / word, word)
            for n, at in enumerate(checkouts) for word in sorted(wanted)
        }  # fmt: skip
        for number in range(-1, rounds):  # the first compiles what was never imported, and does not count
            used_bare = cpu_of(HERE, ("-c", BARE))
            for row in rows:
                if row not in EVERY_ROUND and number > 0 and number % 3:
                    continue
                for at in checkouts:
                    new = Path(name) / f"new-{checkouts.index(at)}-{number}"
                    words = [str(new) if word == "NEW" else made.get((at, word), word) for word in ROWS[row]]
                    used = cpu_of(at, (*CALLED.get(row, CLI), *words))
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
