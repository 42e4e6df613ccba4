"""Recorder at 1000 readings/s over an unthrottled pty: is a reading lost, how late is its time stamp?

Run: .venv/bin/python -m tests.benchmarks.bench_recorder [SECONDS]

An emulated Watts Up? in its own process sends a line every millisecond and logs, on the same monotonic clock, when it
wrote each one. The recorder writes a run folder as in a campaign. Rows and lines are matched in order; a stamp's error
is the row's time minus the moment its line was written.
"""

import json
import resource
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt

from harness.measure.journal import Journal, seal_run
from harness.measure.recorder import MeterRecorder
from harness.record.documents import Event, Start, Stop
from harness.record.run_writer import RunWriter
from meters.registry import open_meter
from meters.wire_log import read_capture
from tests.harness.emulated import emulator
from tests.harness.start import START


def main(duration_s: float) -> None:
    """Record for `duration_s` and print one JSON line."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        cpu_s = record(folder, duration_s)
        rows = np.loadtxt(folder / "run" / "readings-wall.csv", delimiter=",", skiprows=1, usecols=(0, 1), ndmin=2)
        sent_ns, sent_w = sent(folder / "sent.log")
    # The emulator goes on while the recorder closes: only lines written before the last row's stamp count as due.
    due = int(np.searchsorted(sent_ns, rows[-1, 0], side="right"))
    error_ms = (rows[:due, 0] - sent_ns[: len(rows)]) / 1e6
    print(
        json.dumps(
            {
                "seconds": duration_s,
                "lines_sent": due,
                "rows": len(rows),
                "lost": due - len(rows),
                "values_equal": bool(np.array_equal(rows[:, 1], sent_w[: len(rows)])),
                "stamp_error_ms": {p: round(float(np.percentile(error_ms, float(p))), 3) for p in ("50", "99", "100")},
                "recorder_cpu_us_per_reading": round(cpu_s / len(rows) * 1e6, 1),
            }
        )
    )


def record(
    folder: Path, duration_s: float, start: Start | None = None, events: Sequence[Event] = (), interval_s: float = 0.001
) -> float:
    """Record into folder/run; return the CPU time this process took, in s. `events` stand behind the descriptor."""
    options = ["--no-throttle", "--capture", str(folder / "sent.log"), "--seed", "3"]
    with (
        emulator(folder / "port", interval_s=interval_s, options=options, profile="load=0:0.5") as ready,
        RunWriter(folder / "run") as writer,
    ):
        writer.append(start or Start(**START))
        journal = Journal(writer)
        wire = writer.open_stream("wire-wall.log")
        meter = open_meter("wattsup", ready["port"], capture=wire, options={})
        recorder = MeterRecorder("wall", "c", meter, wire, writer, journal)
        recorder.announce()
        for event in events:
            journal.put(event)
        begin = resource.getrusage(resource.RUSAGE_SELF)
        time.sleep(duration_s)
        recorder.stop()
        end = resource.getrusage(resource.RUSAGE_SELF)
        stop = Stop(time_ns=0, utc="", exit_status="success", reason=None, streams=writer.stream_summary())
        seal_run(writer, journal, stop)
    return end.ru_utime + end.ru_stime - begin.ru_utime - begin.ru_stime


def sent(log: Path) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.float64]]:
    """When (ns) and what (W) the emulator wrote, from its own log: the first number of each data line, in 0.1 W."""
    with log.open("rb") as file:
        lines = [e for e in read_capture(file, str(log)) if e.direction == "<" and e.data.startswith(b"#d")]
    watts = [int(e.data.split(b",")[3]) / 10 for e in lines]
    return np.array([e.time_ns for e in lines]), np.array(watts)


if __name__ == "__main__":
    main(float(sys.argv[1]) if len(sys.argv) > 1 else 20.0)
