"""A study of many imported traces beside another checkout: processor time and peak memory of import, report and verify.

Run: nice .venv/bin/python -m tests.benchmarks.bench_traces CHECKOUT [TRACES [ROUNDS [VERB...]]]

CHECKOUT has its own .venv (`./lab --help` makes it). Written first and not counted are TRACES (default 309) logs of
nvidia-smi in both forms of the four real ones in tests/data/delrey: 100 s to 2 h each at about a second a row, 172 MB
of 309, the same bytes at each run. In each of ROUNDS (default 1) every verb is run once here and once there, a process
of its own each, on the campaign that this checkout's import made; the table has the medians, and the size of the page.
Targets of 68f151b: at most .4 of its processor time, at most 350 MB, a page of at most 5 MB.
"""

import os
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median

import numpy as np
from numpy.random import Generator

HERE = Path(__file__).resolve().parents[2]
TRACES, SEED = 309, 309
SHORTEST_S, LONGEST_S, LONG = 100.0, 7200.0, 0.28
"""Durations: shortest + (longest - shortest) * u ** LONG, which makes 172 MB of 309 traces."""
FIRST_DAY = np.datetime64("2022-12-01T00:00:00.000")
MODELS = ("inception_v3", "mobilenet_v2", "nasnet_mobile", "resnet50", "vgg16", "xception")
OLDER = (
    "timestamp,gpu_name,gpu_usage,gpu_memory_usage,gpu_total_memory,gpu_memory_used,gpu_power_draw,gpu_max_power,"
    "gpu_temperature\n"
)
NEWER = (
    "timestamp, name, utilization.gpu [%], utilization.memory [%], memory.total [MiB], memory.used [MiB], "
    "power.draw [W], power.max_limit [W], temperature.gpu\n"
)
VERBS = ("import", "report", "verify")
PAGE = Path("derived") / "report.html"


@dataclass(frozen=True, slots=True)
class Machine:
    """A board as its log names it: form of the log, name, memory (MiB), limit and idle power (W), power in training."""

    name: str
    newer: bool
    board: str
    memory_mib: int
    limit_w: int
    idle_w: float
    training_w: float


MACHINES = (
    Machine("cloud", True, "NVIDIA GeForce RTX 3090", 24268, 350, 39.0, 334.0),
    Machine("cluster", False, "NVIDIA GeForce RTX 3090", 24268, 350, 119.0, 190.0),
    Machine("local", False, "NVIDIA GeForce RTX 3070", 8192, 240, 22.0, 130.0),
)


@dataclass(frozen=True, slots=True)
class Cost:
    """What a process and its children took: seconds of processor, peak memory in MB (10^6 bytes)."""

    cpu_s: float
    peak_mb: float


def write_traces(folder: Path, count: int = TRACES) -> list[Path]:
    """So many logs in a new folder, the first ones alike whatever the count."""
    folder.mkdir()
    random = np.random.default_rng(SEED)
    paths: list[Path] = []
    for number in range(count):
        machine, model = MACHINES[number % 3], MODELS[number // 3 % 6]
        path = folder / f"gpu-{machine.name}-{model}-{number // 18:02d}.csv"
        path.write_text(_log(machine, FIRST_DAY + np.timedelta64(number * 3, "h"), random))
        paths.append(path)
    return paths


def _log(machine: Machine, begin: np.datetime64, random: Generator) -> str:
    """One log; every eighth of the newer form ends in mid-line, as two of the three real ones do."""
    duration_s = SHORTEST_S + (LONGEST_S - SHORTEST_S) * random.random() ** LONG
    steps_ms = random.choice([1000, 1001, 1002, 1003, 1004, 1010], int(duration_s), p=[0.1, 0.5, 0.3, 0.06, 0.03, 0.01])
    stamps = np.datetime_as_string(begin + np.cumsum(steps_ms).astype("timedelta64[ms]")).tolist()
    separator, date = (", ", "/") if machine.newer else (",", "-")
    rows = zip(stamps, *_cells(machine, len(stamps), random), strict=True)
    body = "".join(
        separator.join([stamp.replace("-", date).replace("T", " "), machine.board, *cells]) + "\n"
        for stamp, *cells in rows
    )
    cut = int(random.integers(8, 40)) if machine.newer and random.random() < 1 / 8 else 0
    return ((NEWER if machine.newer else OLDER) + body)[: -cut or None]


def _cells(machine: Machine, rows: int, random: Generator) -> list[list[str]]:
    """Columns behind the board's name: a start at idle, epochs of training with a validation of lower power between."""
    at = np.arange(rows)
    training = (at > 20) & (at % 37 > 4)
    power_w = np.where(training, machine.training_w, machine.idle_w + 5.0 * (at > 20)) + random.normal(0, 5, rows)
    power_w = power_w.clip(1, machine.limit_w)
    load = np.where(training, random.integers(75, 95, rows), random.integers(0, 10, rows))
    used_mib = np.where(at < 20, machine.memory_mib - 700, machine.memory_mib - 613)
    temperature = (30 + 35 * (1 - np.exp(-at / 120)) + random.integers(0, 2, rows)).astype(int)
    return [
        [f"{value} %" for value in load.tolist()],
        [f"{value // 2} %" for value in load.tolist()],
        [f"{machine.memory_mib} MiB"] * rows,
        [f"{value} MiB" for value in used_mib.tolist()],
        [f"{value:.2f} W" for value in power_w.tolist()],
        [f"{machine.limit_w}.00 W"] * rows,
        [str(value) for value in temperature.tolist()],
    ]


def cost_of(checkout: Path, words: Sequence[str]) -> Cost:
    """What a verb of a checkout costs; its end may be that of a campaign that is measured but invalid (3)."""
    command = [str(checkout / ".venv" / "bin" / "python"), "-m", "harness.cli", *words]
    with tempfile.TemporaryFile() as told, subprocess.Popen(command, cwd=checkout, stdout=told, stderr=told) as process:
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode not in (0, 3):
            told.seek(0)
            raise SystemExit(f"{checkout}: {words[0]} ended with {process.returncode}: {told.read().decode()[-2000:]}")
    return Cost(usage.ru_utime + usage.ru_stime, usage.ru_maxrss * 1024 / 1e6)


def words_of(verb: str, traces: Sequence[Path], campaign: Path) -> list[str]:
    """What a verb is called with."""
    imports = ["import", "nvidia-smi", *map(str, traces), "--into", str(campaign)]
    return imports if verb == "import" else [verb, str(campaign)]


def main(other: Path, count: int, rounds: int, verbs: Sequence[str]) -> None:
    """Write the traces, run everything in turn, print the table."""
    if unknown := [verb for verb in verbs if verb not in VERBS]:
        raise SystemExit(f"no verb {unknown[0]!r}; there are: {', '.join(VERBS)}")
    checkouts = (HERE, other)
    costs: dict[tuple[Path, str], list[Cost]] = {(at, verb): [] for at in checkouts for verb in verbs}
    pages_mb: dict[Path, float] = {}
    with tempfile.TemporaryDirectory() as name:
        traces = write_traces(Path(name) / "traces", count)
        size_mb = sum(path.stat().st_size for path in traces) / 1e6
        for number in range(rounds):
            for verb in VERBS if set(verbs) - {"import"} else verbs:
                for at in checkouts:
                    campaign = Path(name) / f"{checkouts.index(at)}-{number}"
                    cost = cost_of(at, words_of(verb, traces, campaign))
                    if verb in verbs:
                        costs[at, verb].append(cost)
                    if verb == "report":
                        pages_mb[at] = (campaign / PAGE).stat().st_size / 1e6
    print(f"{count} traces, {size_mb:.0f} MB, median of {rounds}\n| what | here | there | here / there |")
    print("|---|---|---|---|")
    for verb in verbs:
        cpu_s = [median(cost.cpu_s for cost in costs[at, verb]) for at in checkouts]
        peak_mb = [median(cost.peak_mb for cost in costs[at, verb]) for at in checkouts]
        print(_row(verb, cpu_s, "s"))
        print(_row(f"{verb}: peak memory", peak_mb, "MB"))
    if pages_mb:
        print(_row("page", [pages_mb[at] for at in checkouts], "MB"))


def _row(what: str, values: Sequence[float], unit: str) -> str:
    here, there = values
    return f"| {what} | {here:.1f} {unit} | {there:.1f} {unit} | {here / there:.2f} |"


if __name__ == "__main__":
    if len(sys.argv) < 2:
        raise SystemExit(__doc__)
    traces = int(sys.argv[2]) if len(sys.argv) > 2 else TRACES
    rounds = int(sys.argv[3]) if len(sys.argv) > 3 else 1
    main(Path(sys.argv[1]).resolve(), traces, rounds, sys.argv[4:] or VERBS)
