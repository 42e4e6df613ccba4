"""CPU time and memory of the agent per sample, beside collectl and a CodeCarbon tracker, all in the same run.

Run: .venv/bin/python -m tests.benchmarks.bench_agent [SECONDS [AGENT]]      (root or the owner of the processes; Linux)

AGENT is the file of another agent, to run beside: a run keeps the one that measured it, inputs/agent.py. All sample the
same machine at the same time, first every second, then every 100 ms. CPU time is the kernel's CPU-time clock of each
process (ns, all its threads), taken between two moments after the start, so that starting costs nothing. The agent
counts with its relay and its waiter, as in a baseline block, and with the host's heartbeat every second. CodeCarbon
runs its tracker as a user would, from Python, without writing files.
"""

import json
import subprocess
import sys
import tempfile
import threading
import time
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from harness.station.station import APPLICATION
from harness.sut.bundle import agent_source

PAUSE_S = 3600.0
SUT_PYTHON = str(APPLICATION / ".venv-sut" / "bin" / "python")
TRACKER = """
import sys, time
from codecarbon import EmissionsTracker
tracker = EmissionsTracker(measure_power_secs=float(sys.argv[1]), save_to_file=False, log_level="critical",
                           allow_multiple_runs=True)
tracker.start()
print("ready", flush=True)
time.sleep(1e6)
"""


def main(duration_s: float, other: Path | None) -> None:
    """Print one JSON line for each period."""
    for period_s in (1.0, 0.1):
        line = {"period_s": period_s, "seconds": duration_s} | measure(period_s, duration_s, other)
        print(json.dumps(line), flush=True)


def measure(period_s: float, duration_s: float, other: Path | None) -> dict[str, Any]:
    """CPU per sample (us), share of a core (%), memory (MB) for each, and the agent's ratios to the others."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        agent = folder / "agent.py"
        agent.write_bytes(agent_source())
        groups = {"agent": start_agent(stack, agent, folder / "agent", period_s)}
        if other is not None:
            groups["other_agent"] = start_agent(stack, other, folder / "other", period_s)
        groups["collectl"] = [start_collectl(stack, period_s)]
        groups["codecarbon"] = [start_codecarbon(stack, period_s)]
        time.sleep(max(5.0, 5 * period_s))
        before = {name: sum(map(cpu_ns, pids)) for name, pids in groups.items()}
        begin = time.monotonic()
        time.sleep(duration_s)
        after = {name: sum(map(cpu_ns, pids)) for name, pids in groups.items()}
        samples = (time.monotonic() - begin) / period_s
        rss = {name: sum(map(rss_mb, pids)) for name, pids in groups.items()}
    per_sample_us = {name: (after[name] - before[name]) / 1e3 / samples for name in groups}
    return {
        "cpu_us_per_sample": {name: round(value, 1) for name, value in per_sample_us.items()},
        "core_percent": {name: round(value / 1e4 / period_s, 4) for name, value in per_sample_us.items()},
        "memory_mb": {name: round(value, 1) for name, value in rss.items()},
        "agent_to": {
            name: round(per_sample_us["agent"] / value, 3) for name, value in per_sample_us.items() if name != "agent"
        },
    }


def start_agent(stack: ExitStack, file: Path, folder: Path, period_s: float) -> list[int]:
    """An agent as the host starts it, its relay, a pause that it rates, and a heartbeat every second; returns the pids
    of agent, relay and waiter."""
    agent = [SUT_PYTHON, "-I", str(file)]
    command = [*agent, "serve", "--folder", str(folder), "--period", str(period_s), "--reconnect", "60"]
    subprocess.run(command, check=True, stdout=subprocess.PIPE)
    relay = stack.enter_context(
        subprocess.Popen([*agent, "attach", "--folder", str(folder)], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    )
    assert relay.stdin is not None
    assert relay.stdout is not None
    answers, send = relay.stdout, relay.stdin

    def ask(number: int, **request: object) -> None:
        send.write(json.dumps({"id": number, **request}).encode() + b"\n")
        send.flush()

    ask(0, op="status")
    pid = next(answer["pid"] for answer in map(json.loads, answers) if "pid" in answer)
    ask(1, op="hello", offset=0)
    ask(2, op="rate", argv=None, env={}, cwd=None, duration_s=PAUSE_S)
    next(answer for answer in map(json.loads, answers) if answer.get("id") == 2)
    waiter = int(Path(f"/proc/{pid}/task/{pid}/children").read_text())
    over = threading.Event()

    def beat() -> None:
        number = 3
        while not over.wait(1.0):
            ask(number, op="ping")
            number += 1

    threads = [threading.Thread(target=beat), threading.Thread(target=answers.read)]
    for thread in threads:
        thread.start()

    def end() -> None:
        over.set()
        threads[0].join()
        ask(10**9, op="kill")
        ask(10**9 + 1, op="bye")
        threads[1].join()
        relay.wait(10)

    stack.callback(end)
    return [int(pid), relay.pid, waiter]


def start_collectl(stack: ExitStack, period_s: float) -> int:
    """`collectl -s cdmn`, the command of the published measurement; returns its pid."""
    command = ["collectl", "-s", "cdmn", f"-i{period_s:g}", "-P", "--sep", "59"]
    process = stack.enter_context(subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL))
    stack.callback(process.terminate)
    return process.pid


def start_codecarbon(stack: ExitStack, period_s: float) -> int:
    """A CodeCarbon tracker in the SUT's environment; returns its pid."""
    process = stack.enter_context(
        subprocess.Popen(
            [SUT_PYTHON, "-c", TRACKER, str(period_s)], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, cwd="/tmp"
        )
    )
    stack.callback(process.terminate)
    assert process.stdout is not None
    assert process.stdout.readline() == b"ready\n", "the CodeCarbon tracker did not start"
    return process.pid


def cpu_ns(pid: int) -> int:
    """CPU time of all threads of a process, also the ended ones, ns."""
    return time.clock_gettime_ns((~pid << 3) | 2)  # CPUCLOCK_SCHED of a process, linux/posix-timers.h


def rss_mb(pid: int) -> float:
    """Resident memory of a process, MB."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) * 1024 / 1e6
    raise ValueError(f"no VmRSS for {pid}")


if __name__ == "__main__":
    main(
        float(sys.argv[1]) if len(sys.argv) > 1 else 60.0,
        Path(sys.argv[2]).resolve() if len(sys.argv) > 2 else None,
    )
