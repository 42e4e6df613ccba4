"""Importing EnergyRunner's traces beside numpy reading and summing them: processor time of whole processes.

Run: nice .venv/bin/python -m tests.benchmarks.bench_tiny [ROUNDS [TRACES...]]

A trace is 100 s at 1 kHz with five windows of 11.4 s, as the published ones are; the same bytes at each run. In each of
ROUNDS (default 5) the import of one trace (`wattlab import mlperf-tiny`), the start of the same program without work
(`wattlab import --help`), and a fresh Python that imports numpy, reads the file and sums its samples are run in turn;
the medians and their ratios are printed. Target: the import takes at most 5 times numpy's processor time. Then as many
traces as TRACES says (default 50 100 200) are imported at once; what an import takes beyond the program's start must
grow no faster than they: at most 1.2 times in proportion.
"""

import json
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from statistics import median

import numpy as np

SEED, RATE_HZ, LENGTH_S = 512, 1000, 101.376
EDGES_S = (0.014, 9.367, 20.787, 29.116, 40.535, 49.012, 60.43, 68.863, 80.282, 88.751, 100.173)
NUMPY = (
    "import sys, numpy as np\n"
    "content = open(sys.argv[1], 'rb').read()\n"
    "print(np.frombuffer(content, '<f4', offset=5).astype(float).sum())\n"
)


def write_session(folder: Path, seed: int) -> None:
    """A session as EnergyRunner writes it."""
    folder.mkdir(parents=True)
    rng = np.random.default_rng(seed)
    samples = rng.normal(98.0, 0.7, round(LENGTH_S * RATE_HZ))
    times_s = np.arange(samples.size) / RATE_HZ
    for begin_s, end_s in zip(EDGES_S[1::2], EDGES_S[2::2], strict=True):
        samples[(times_s >= begin_s) & (times_s < end_s)] += 55.0
    head = b"\xf1" + np.float32(RATE_HZ).tobytes()
    (folder / "trace1-energy.bin").write_bytes(head + samples.astype("<f4").tobytes())
    (folder / "trace1-timestamps.json").write_text(json.dumps(EDGES_S))


def cpu_s(*command: str) -> float:
    """Processor time of a process, its children included.

    Raises:
        subprocess.CalledProcessError: it fails.
    """
    before = os.times()
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    after = os.times()
    return after.children_user + after.children_system - before.children_user - before.children_system


def imported_s(source: Path, into: Path) -> float:
    """Processor time of an import; what it made is removed."""
    words = [sys.executable, "-m", "harness.cli", "import", "mlperf-tiny", str(source), "--into", str(into)]
    spent_s = cpu_s(*words)
    shutil.rmtree(into)
    return spent_s


def main() -> None:
    """Measure and print."""
    rounds, *counts = [int(word) for word in sys.argv[1:]] or [5]
    counts = counts or [50, 100, 200]
    with tempfile.TemporaryDirectory(prefix="bench-tiny-") as name:
        folder = Path(name)
        write_session(folder / "one", SEED)
        trace = str(folder / "one" / "trace1-energy.bin")
        spent: dict[str, list[float]] = {"numpy": [], "start": [], "import": []}
        for _ in range(rounds):
            spent["numpy"].append(cpu_s(sys.executable, "-c", NUMPY, trace))
            spent["start"].append(cpu_s(sys.executable, "-m", "harness.cli", "import", "--help"))
            spent["import"].append(imported_s(folder / "one", folder / "c"))
        middle = {what: median(times_s) for what, times_s in spent.items()}
        print(f"median of {rounds}: " + ", ".join(f"{what} {time_s:.3f} s" for what, time_s in middle.items()))
        print(f"import / numpy {middle['import'] / middle['numpy']:.2f} (target 5)")
        each_s = []
        for count in counts:
            source = folder / "many"
            for nth in range(count):
                write_session(source / f"board{nth}" / "energy", SEED + nth)
            spent_s = imported_s(source, folder / "c") - middle["start"]
            shutil.rmtree(source)
            each_s.append(spent_s / count)
            print(f"{count} traces: {spent_s:.2f} s beyond the start, {1000 * each_s[-1]:.1f} ms each")
        print(f"of the most to the fewest {each_s[-1] / each_s[0]:.2f} times as much each (target 1.2)")


if __name__ == "__main__":
    main()
