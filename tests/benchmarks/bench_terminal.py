"""The emulator beside locust and MLCommons LoadGen: how late requests are, CPU time of each, latencies, memory.

Run: nice .venv/bin/python -m tests.benchmarks.bench_terminal [LOCUST]     LOCUST: the interpreter of an environment
                                                                           that has locust

All three ask the same service on loopback (`tests/terminal/echo.py`), RATE_PER_S requests a second for SECONDS each, in
turn. The emulator and LoadGen say when each request was due and when it was issued. locust has no schedule: each of its
users asks a tenth of a second after it asked before (`constant_throughput`), and what that was longer, by the service's
own record, is its lateness. CPU is that of the process, by the kernel, without its start. Latencies are those of a
service that takes 5 ms, at 100 requests a second. Memory is the emulator's, resident, behind a fifth and behind all of
MANY requests.
"""

import json
import re
import resource
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import psutil

from harness.terminal.endpoint import Endpoint
from harness.terminal.process import EmulatorProcess, Load
from tests.terminal.echo import ROOT, Echo

RATE_PER_S, SECONDS = 1000, 20
SLOW_PER_S, DELAY_MS = 100, 5
MANY = 1_000_000
SAMPLE = re.compile(r'"name":"Sample".*?"ph":"b".*?"ts":([\d.]+),"args":(\{.*?\})')
POPULATION = """
schema = 1
[activities.ask]
method = "GET"
path = "PATH"
[task_types.ask]
activity = "ask"
[load]
SHAPE
task = "ask"
[phases]
stabilization_s = 1.0
rating_s = SECONDS
supplementary_limit_s = 5.0
"""
LOCUSTFILE = """
from locust import FastHttpUser, HttpUser, constant_throughput, task
class Asking(FastHttpUser if "KIND" == "fast" else HttpUser):
    wait_time = constant_throughput(10)
    @task
    def ask(self):
        self.client.get("/")
"""


@dataclass(frozen=True)
class Made:
    """What came of one generator: requests, 99 % of their lateness, CPU time of each, latencies."""

    name: str
    requests: int
    late_p99_ms: float
    cpu_us: float
    latency_ms: tuple[float, float]


def emulator(port: int, shape: str, seconds: float, path: str = "/") -> Made:
    """The emulator."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        text = POPULATION.replace("SHAPE", shape).replace("SECONDS", f"{seconds:g}").replace("PATH", path)
        (folder / "population.toml").write_text(text)
        rows, seconds_rows, _ = _emulate(folder, port)
    rated = rows[rows[:, 0] == 1]
    late_ms, latency_ms = (rated[:, 2] - rated[:, 1]) / 1e6, (rated[:, 3] - rated[:, 1]) / 1e6
    return Made("emulator", len(rated), _p99(late_ms), 1e6 * seconds_rows[-1][1] / len(rows), _middle(latency_ms))


def _emulate(folder: Path, port: int) -> tuple[Any, Any, list[int]]:
    """Of each task whether it is rated, intended, submitted and completed (ns); the emulator's own rows; its resident
    bytes, a second apart."""
    resident = list[int]()
    with (folder / "t").open("xb", buffering=0) as tasks, (folder / "g").open("xb", buffering=0) as own:
        process = EmulatorProcess(Load(folder / "population.toml", 1, Endpoint("127.0.0.1", port)), tasks, own)
        process.begin(time.monotonic_ns() + 200_000_000)
        watched = psutil.Process(process.pid)
        while True:
            said = process.hear(1.0)
            if said is not None and "ended" in said:
                break
            resident.append(watched.memory_info().rss)
        process.end()
    lines = [line.split(",") for line in (folder / "t").read_text().splitlines()[1:]]
    rows = np.array(
        [[one[7] == "rating", int(one[9]), int(one[10] or 0), int(one[13] or 0)] for one in lines], dtype=float
    )
    return rows, np.loadtxt(folder / "g", delimiter=",", skiprows=1, ndmin=2), resident


def loadgen(port: int, rate: int, count: int, path: str = "/") -> Made:
    """LoadGen's Server scenario."""
    with tempfile.TemporaryDirectory() as name:
        words = [str(port), "Server", str(rate), str(count), name, path]
        command = [sys.executable, "-m", "tests.terminal.loadgen"]
        idle_s = _spent([*command, str(port), "Server", str(rate), "1", name])
        cpu_s = _spent([*command, *words])
        found = SAMPLE.findall((Path(name) / "mlperf_log_trace.json").read_text())
    told = [json.loads(args) for _, args in found]
    late_ms = np.array([one["issue_start_ns"] for one in told]) / 1e6
    latency_ms = np.array([one["complete_ns"] for one in told]) / 1e6
    return Made("LoadGen", len(told), _p99(late_ms), 1e6 * (cpu_s - idle_s) / count, _middle(latency_ms))


def locust(python: str, rate: int, seconds: float, kind: str) -> Made:
    """locust: as many users as make the rate, ten requests a second each; counted and stamped by the service."""
    with tempfile.TemporaryDirectory() as name:
        arrivals = Path(name) / "arrivals"
        with Echo(f"record={arrivals}") as echo:
            (Path(name) / "locustfile.py").write_text(LOCUSTFILE.replace("KIND", kind))
            command = [
                python, "-m", "locust", "-f", f"{name}/locustfile.py", "--headless", "--only-summary", "--loglevel",
                "ERROR", "--host", f"http://127.0.0.1:{echo.port}",
            ]  # fmt: skip
            idle_s = _spent([*command, "-u", "1", "-r", "1", "-t", "1s"])
            arrivals.write_text("")
            cpu_s = _spent([*command, "-u", str(rate // 10), "-r", str(rate // 10), "-t", f"{seconds:g}s"])
        table = np.loadtxt(arrivals, dtype=np.int64, ndmin=2)
    late_ms = [np.diff(table[table[:, 0] == user, 1]) / 1e6 - 100 for user in np.unique(table[:, 0])]
    # The first second starts the users.
    late = np.clip(np.concatenate([one[10:] for one in late_ms]), 0, None)
    return Made(f"locust ({kind})", len(table), _p99(late), 1e6 * (cpu_s - idle_s) / len(table), (np.nan, np.nan))


def memory_mib(port: int) -> tuple[float, float]:
    """The emulator's resident memory behind a fifth of MANY requests, and at their end."""
    with tempfile.TemporaryDirectory() as name:
        shape = f'shape = "closed"\nconcurrency = 32\nrequests = {MANY}'
        text = POPULATION.replace("SHAPE", shape).replace("SECONDS", "3600.0").replace("PATH", "/")
        (Path(name) / "population.toml").write_text(text)
        rows, own, resident = _emulate(Path(name), port)
    assert len(rows) >= MANY
    fifth = int(np.searchsorted(own[:, 8], MANY / 5))
    return resident[min(fifth + 1, len(resident) - 1)] / 2**20, resident[-1] / 2**20


def _spent(command: list[str]) -> float:
    """CPU time (s) of a command and all that it waited for."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run(command, cwd=ROOT, check=False, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def _p99(values: Any) -> float:  # noqa: ANN401  an array
    return float(np.percentile(values, 99))


def _middle(latency_ms: Any) -> tuple[float, float]:  # noqa: ANN401  an array
    return float(np.median(latency_ms)), _p99(latency_ms)


def main(locust_python: str | None) -> None:
    """Measure everything in turn and print the tables."""
    made = list[Made]()
    with Echo() as echo:
        constant = f'shape = "constant"\nrate_per_s = {RATE_PER_S}'
        poisson = f'shape = "poisson"\nrate_per_s = {RATE_PER_S}'
        made += [emulator(echo.port, shape, SECONDS) for shape in (constant, poisson)]
        made += [loadgen(echo.port, RATE_PER_S, RATE_PER_S * SECONDS)]
        slow = f'shape = "poisson"\nrate_per_s = {SLOW_PER_S}'
        path = f"/delay/{DELAY_MS}"
        pair = emulator(echo.port, slow, SECONDS, path), loadgen(echo.port, SLOW_PER_S, SLOW_PER_S * SECONDS, path)
    if locust_python is not None:
        made += [locust(locust_python, RATE_PER_S, SECONDS, kind) for kind in ("fast", "plain")]
    print("| generator | requests | late, 99 % | CPU of a request |\n|---|---|---|---|")
    for one in made:
        print(f"| {one.name} | {one.requests} | {one.late_p99_ms:.2f} ms | {one.cpu_us:.0f} us |")
    print("\n| generator | median latency | 99 % |\n|---|---|---|")
    for one in pair:
        print(f"| {one.name} | {one.latency_ms[0]:.2f} ms | {one.latency_ms[1]:.2f} ms |")
    with Echo() as echo:
        fifth, all_of_them = memory_mib(echo.port)
    print(f"\nmemory behind {MANY // 5} requests {fifth:.1f} MiB, behind {MANY} {all_of_them:.1f} MiB")


if __name__ == "__main__":
    main(sys.argv[1] if len(sys.argv) > 1 else None)
