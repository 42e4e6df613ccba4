"""An independent generator on the same service: MLCommons LoadGen and the emulator, each against its own schedule.

How close their latencies are is a benchmark (`tests/benchmarks/bench_terminal.py`): times on a shared machine are none
of a test.
"""

import json
import re
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy import stats

from tests.harness.population_files import RATE
from tests.terminal.echo import ROOT, Echo
from tests.terminal.loads import make_load

ALPHA = 0.001
RATE_PER_S, COUNT = 60.0, 180
DELAY_MS = 20
SAMPLE = re.compile(r'"name":"Sample".*?"ph":"b".*?"ts":([\d.]+),"args":(\{.*?\})')


@dataclass(frozen=True)
class Generated:
    """Of each query in order, in seconds: when it was due, how late it was issued, how long it took since then."""

    due_s: Any
    late_s: Any
    latency_s: Any


def loadgen(folder: Path, port: int, scenario: str) -> Generated:
    command = [sys.executable, "-m", "tests.terminal.loadgen", str(port), scenario, str(RATE_PER_S), str(COUNT)]
    subprocess.run([*command, str(folder), f"/delay/{DELAY_MS}"], cwd=ROOT, check=True, timeout=120)
    found = SAMPLE.findall((folder / "mlperf_log_trace.json").read_text())
    rows = sorted((float(ts) * 1e3, json.loads(args)) for ts, args in found)
    columns = zip(*((due_ns, told["issue_start_ns"], told["complete_ns"]) for due_ns, told in rows), strict=True)
    return Generated(*(np.array(column) * 1e-9 for column in columns))


def emulator(folder: Path, port: int, load: str) -> Generated:
    text = RATE.replace('shape = "constant"\nrate_per_s = 100.0', f"{load}\nrequests = {COUNT}")
    text = text.replace('path = "/"', f'path = "/delay/{DELAY_MS}"').replace("rating_s = 1.0", "rating_s = 60.0")
    rated = make_load(folder, text, port, limit_s=120.0).rated.sort_values("intended_ns")
    columns = rated.intended_ns, rated.submitted_ns - rated.intended_ns, rated.completed_ns - rated.intended_ns
    return Generated(*(column.to_numpy() * 1e-9 for column in columns))


Make = Callable[[Path, int, str], Generated]
BOTH = pytest.mark.parametrize(
    ("make", "poisson", "single"),
    [
        (emulator, f'shape = "poisson"\nrate_per_s = {RATE_PER_S}', 'shape = "closed"\nconcurrency = 1'),
        (loadgen, "Server", "SingleStream"),
    ],
    ids=["emulator", "loadgen"],
)


@BOTH
def test_a_poisson_load_is_due_and_issued_as_poisson(tmp_path: Path, make: Make, poisson: str, single: str) -> None:
    with Echo() as echo:
        made = make(tmp_path, echo.port, poisson)
    assert len(made.due_s) == COUNT
    assert stats.kstest(np.diff(made.due_s), stats.expon(scale=1 / RATE_PER_S).cdf).pvalue > ALPHA
    assert (made.late_s >= 0).all(), "nothing is issued before it is due"
    assert made.latency_s.min() >= DELAY_MS * 1e-3


@BOTH
def test_a_single_stream_issues_the_next_when_the_one_before_is_complete(
    tmp_path: Path, make: Make, poisson: str, single: str
) -> None:
    with Echo() as echo:
        made = make(tmp_path, echo.port, single)
    done_s = made.due_s + made.latency_s
    assert (made.due_s[1:] >= done_s[:-1] - 1e-6).all()
    assert np.median(made.due_s[1:] - done_s[:-1]) < 0.05
    assert made.latency_s.min() >= DELAY_MS * 1e-3
