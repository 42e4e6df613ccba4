"""`import jls` of a recording at 1 MHz: time and peak memory, beside pyjls reading the same samples and no more.

Run: nice .venv/bin/python -m tests.benchmarks.bench_jls [SECONDS]

Written first and not counted are a recording of SECONDS (default 15) with power, current and voltage, and one of four
times that. Each import, and each reading by pyjls alone in parts of a million samples, is a process of its own.
Targets: four times the samples take at most 4.4 times the processor time, and less than 64 MiB more memory.
"""

import os
import subprocess
import sys
import tempfile
from pathlib import Path

HEAD = "import sys, resource\nfrom pathlib import Path\n"
PEAK = (
    "both = (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)\n"
    "    print(max(resource.getrusage(who).ru_maxrss for who in both) // 1024)\n"
)
WRITE = (
    "import numpy as np\nfrom tests.importers.jls_files import Instrument, wave, write_jls\n"
    "samples = np.tile(wave(1.0, 1_000_000), int(sys.argv[2]))\n"
    "one = Instrument(dict.fromkeys(('power', 'current', 'voltage'), samples), rate_hz=1_000_000)\n"
    "write_jls(Path(sys.argv[1]), [one])\nprint(0)\n"
)
OURS = (
    "from harness.foreign.importers.jls.importer import import_jls\n"
    "from harness.foreign.importers.jls.recording import Choice\n"
    "if __name__ == '__main__':\n"
    "    file = Path(sys.argv[1])\n"
    "    import_jls([file], file.with_suffix('.c'), Choice())\n"
    "    " + PEAK
)
THEIRS = (
    "import pyjls\n"
    "with pyjls.Reader(sys.argv[1]) as reader:\n"
    "    for signal in (1, 2, 3):\n"
    "        length = reader.signals[signal].length\n"
    "        for begin in range(0, length, 1 << 20):\n"
    "            reader.fsr(signal, begin, min(1 << 20, length - begin))\n"
    "    " + PEAK
)


def measured(program: str, file: Path, *words: str) -> tuple[float, int]:
    """Processor time (s) and peak memory (MiB) of a program on a file, in a process of its own."""
    script = file.parent / "program.py"
    script.write_text(HEAD + program)
    before, command = os.times(), [sys.executable, str(script), str(file), *words]
    path = {**os.environ, "PYTHONPATH": str(Path.cwd())}
    done = subprocess.run(command, check=True, capture_output=True, text=True, env=path)
    after = os.times()
    spent_s = after.children_user + after.children_system - before.children_user - before.children_system
    return spent_s, int(done.stdout.split()[-1])


def main(seconds: int) -> None:
    """Print a line for each length."""
    with tempfile.TemporaryDirectory() as folder:
        for length in (seconds, 4 * seconds):
            file = Path(folder) / f"{length}.jls"
            measured(WRITE, file, str(length))
            ours, theirs = measured(OURS, file), measured(THEIRS, file)
            print(
                f"{length} s, {file.stat().st_size / 2**20:.0f} MiB: {ours[0]:.1f} s of processor time, {ours[1]} MiB; "
                f"pyjls alone {theirs[0]:.1f} s, {theirs[1]} MiB; ratio {ours[0] / theirs[0]:.1f}",
                flush=True,
            )


if __name__ == "__main__":
    main(int(sys.argv[1]) if sys.argv[1:] else 15)
