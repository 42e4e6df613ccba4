"""The progress line on a terminal: the part of a CPU that it takes while work lasts, and what a step costs without one.

Run: nice .venv/bin/python -m tests.benchmarks.bench_progress [SECONDS]

The work sleeps and tells a step 20 times a second, as a campaign of short runs does, so all processor time is the
line's; imports and the first second, in which nothing is shown, are not counted. Target: below 1 % of a CPU.
"""

import os
import pty
import subprocess
import sys
import threading
import timeit

PROGRAM = """
import sys, time
from harness.cli.progress import PATIENCE_S, at_work
from harness.record.steps import steps
rounds, begin_s = int(20 * float(sys.argv[1])), None
with at_work("working"):
    warm = time.monotonic() + PATIENCE_S + 1
    for _ in steps("warming up", range(rounds + 40)):
        time.sleep(.05)
        if begin_s is None and time.monotonic() > warm:
            begin_s, spent_s = time.monotonic(), time.process_time()
    print((time.process_time() - spent_s) / (time.monotonic() - begin_s))
"""


def share_of_cpu(seconds: float) -> float:
    """Processor time by time, of a child whose standard error is a terminal."""
    terminal, end = pty.openpty()
    reader = threading.Thread(target=_swallow, args=(terminal,), daemon=True)
    reader.start()
    command = [sys.executable, "-c", PROGRAM, str(seconds)]
    done = subprocess.run(command, stderr=end, stdout=subprocess.PIPE, text=True, check=True)
    os.close(end)
    return float(done.stdout)


def _swallow(terminal: int) -> None:
    try:
        while os.read(terminal, 4096):
            pass
    except OSError:
        return


def unheard_us() -> float:
    """Processor time of one step to which nobody listens (us)."""
    times = timeit.repeat("step('reading', 3, 9)", "from harness.record.steps import step", number=100_000)
    return min(times) / 100_000 * 1e6


def main(seconds: float) -> None:
    """Measure and print."""
    print(f"shown: {100 * share_of_cpu(seconds):.2f} % of a CPU over {seconds:g} s; target: below 1 %")
    print(f"not shown: {unheard_us():.2f} us a step")


if __name__ == "__main__":
    main(float(sys.argv[1]) if len(sys.argv) > 1 else 20.0)
