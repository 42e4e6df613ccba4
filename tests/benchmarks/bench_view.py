"""The live view: what it takes, and whether the recorder notices.

Run: .venv/bin/python -m tests.benchmarks.bench_view observer [SECONDS [ROUNDS [browser]]]
     .venv/bin/python -m tests.benchmarks.bench_view cpu [SECONDS]
     .venv/bin/python -m tests.benchmarks.bench_view opening

`observer`: an emulated meter sends 1000 readings/s; recorded without and with the view and two pages, in turn. `cpu`:
the view's own processor time beside two pages, at 10 and at 1000 readings/s. `opening`: a day of 1,000,000 readings,
its first frames beside pandas.read_csv of the same file, and the peak memory of the whole server. A page is a reader of
its events; with `browser` it is a tab of Chromium (playwright), whose own work is then on this machine too.
"""

import http.client
import json
import os
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, replace
from functools import partial
from pathlib import Path

import numpy as np

from harness.record.campaign_folder import CampaignFolder
from harness.record.documents import PhaseEvent, PowerDescriptor, Start, Thresholds, encode
from tests.benchmarks.bench_recorder import record, sent
from tests.harness.start import START

TABS = 2
READINGS, DAY_S = 1_000_000, 86_400
TRIES = 5
OPENING = """
import pathlib, sys, time
import pandas as pd
import reports.campaign.judgement, reports.campaign.run, reports.energy.energy, reports.pages.document
from harness.live.watch import Onlooker, Watcher
folder, stream = map(pathlib.Path, sys.argv[1:])
pd.read_csv(stream, nrows=10)
begin = time.process_time()
if {view}:
    onlooker, content = Onlooker(800, 60.0), b""
    watcher = Watcher(folder)
    with watcher.followed_by(onlooker):
        watcher.begin()
        while b"event: whole" not in content:
            content += watcher.news(onlooker, 30.0)
        print(time.process_time() - begin)
        while b'"energy_wh":null' in content.rpartition(b"event: state")[2]:
            content += watcher.news(onlooker, 30.0)
else:
    pd.read_csv(stream)
print(time.process_time() - begin)
"""


def start() -> Start:
    """A start document of now, with the limits that findings are judged by."""
    fields = START | {"time_ns": time.monotonic_ns(), "config": {"thresholds": asdict(Thresholds())}}
    return Start(**fields)


def new_campaign(folder: Path) -> None:
    """A log that has begun a run in folder/run."""
    campaign = CampaignFolder.create(folder)
    campaign.append("campaign", "2026-11-21T08:00:00Z", {"schema": 2, "name": "bench"})
    campaign.append("run-begin", "2026-11-21T08:00:00Z", {"ordinal": 1, "folder": "run", "attempt": 1})


@contextmanager
def viewed(folder: Path, *, in_browser: bool = False) -> Iterator[tuple[int, list[float]]]:
    """The view of a campaign with its pages, all of them processes of their own; yields the view's process id and, when
    it has ended, how many frames each page got in a second."""
    command, frames = [sys.executable, "-m", "harness.cli", "view", str(folder), "--beside"], list[float]()
    started = partial(subprocess.Popen, stdin=subprocess.PIPE, stdout=subprocess.PIPE, start_new_session=True)
    with started(command) as process, ExitStack() as stack:
        assert process.stdin is not None
        assert process.stdout is not None
        url, pages = json.loads(process.stdout.readline())["url"], []
        if in_browser:
            stack.enter_context(tabs(url))
        else:
            page = [sys.executable, "-m", "tests.benchmarks.bench_view", "page", url]
            pages = [stack.enter_context(started(page)) for _ in range(TABS)]
        time.sleep(3.0)
        yield process.pid, frames
        process.stdin.close()
        frames += [float(page.communicate()[0]) for page in pages]


def read(url: str) -> None:
    """Be a page: take every event; print frames a second."""
    connection, frames, begin_s = http.client.HTTPConnection(url.split("/")[2]), 0, 0.0
    connection.request("GET", "/events?columns=1200&now_s=60")
    answer = connection.getresponse()
    while part := answer.read1(1 << 20):
        begin_s = begin_s or (time.monotonic() if b"event: now" in part else 0.0)
        frames += part.count(b"event: now")
    print(frames / (time.monotonic() - begin_s))


@contextmanager
def tabs(url: str) -> Iterator[None]:
    """Two tabs of Chromium."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path="/usr/bin/chromium", args=["--no-sandbox", "--disable-gpu"]
        )
        for _ in range(TABS):
            browser.new_page().goto(url)
        yield
        browser.close()


def cpu_s(pid: int) -> float:
    """Processor time of a process so far."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def peak_mib(pid: int) -> float:
    """The most memory that a process held."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM")) / 1024


def observer(duration_s: float, rounds: int, *, in_browser: bool) -> None:
    """Print one JSON line for each recording, without and with a view in turn."""
    for number in range(rounds):
        for is_viewed in (False, True) if number % 2 == 0 else (True, False):
            with tempfile.TemporaryDirectory() as name, ExitStack() as stack:
                folder = Path(name)
                new_campaign(folder)
                if is_viewed:
                    stack.enter_context(viewed(folder, in_browser=in_browser))
                begin = PhaseEvent(time_ns=time.monotonic_ns(), name="rating", edge="begin")
                record(folder, duration_s, start(), [begin])
                rows = np.loadtxt(folder / "run" / "readings-wall.csv", delimiter=",", skiprows=1, usecols=(0, 1))
                sent_ns, sent_w = sent(folder / "sent.log")
            due = int(np.searchsorted(sent_ns, rows[-1, 0], side="right"))
            error_ms = (rows[:due, 0] - sent_ns[: len(rows)]) / 1e6
            percentiles = {p: round(float(np.percentile(error_ms, p)), 3) for p in (50, 99, 100)}
            none_lost = bool(np.array_equal(rows[:, 1], sent_w[: len(rows)]))  # but for those on their way at the end
            print(json.dumps({"viewed": is_viewed, "none_lost": none_lost, "stamp_error_ms": percentiles}), flush=True)


def cpu(duration_s: float) -> None:
    """Print the view's share of a core at two rates."""
    for rate in (10, 1000):
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            new_campaign(folder)
            begin = PhaseEvent(time_ns=time.monotonic_ns(), name="rating", edge="begin")
            recording = threading.Thread(target=record, args=(folder, duration_s + 8, start(), [begin], 1 / rate))
            with viewed(folder) as (pid, frames):
                recording.start()
                time.sleep(6.0)
                used_s, begin_s = cpu_s(pid), time.monotonic()
                time.sleep(duration_s)
                percent = 100 * (cpu_s(pid) - used_s) / (time.monotonic() - begin_s)
                recording.join()
            said = {"readings_per_s": rate, "percent_of_a_core": round(percent, 1)}
            print(json.dumps(said | {"frames_per_s": [round(each, 1) for each in frames]}), flush=True)


def write_day(folder: Path) -> Path:
    """A run of a day that goes on; returns its stream."""
    new_campaign(folder)
    run, stream = folder / "run", folder / "run" / "readings-wall.csv"
    run.mkdir()
    step_ns = DAY_S * 1_000_000_000 // READINGS
    descriptor = PowerDescriptor(
        stream=stream.name, meter="wall", circuit="sut-ac-inlet", identity={}, origin="emulated", evidence={},
        averaging="window", window_s=step_ns * 1e-9, stamp="end", latency_s=0.0, columns=[],
    )  # fmt: skip
    begin = PhaseEvent(time_ns=10_000_000_000, name="rating", edge="begin")
    documents = (replace(start(), time_ns=0), descriptor, begin)
    (run / "run.jsonl").write_text("".join(f"{encode(document)}\n" for document in documents))
    generator = np.random.default_rng(1)
    times_ns = np.arange(1, READINGS + 1) * step_ns + generator.integers(-500_000, 500_000, READINGS)
    power_w = np.round(80 + 10 * np.sin(np.arange(READINGS) / 5000) + generator.normal(0, 1, READINGS), 1)
    rows = zip(times_ns.tolist(), power_w.tolist(), strict=True)
    with stream.open("w") as file:
        file.write("time_ns,power_w,voltage_v,current_a,window_s,flags\n")
        file.writelines(f"{at},{watt},230.1,0.35,{step_ns / 1e9},\n" for at, watt in rows)
    return stream


def opening() -> None:
    """Print what opening a day costs beside pandas, and the server's peak memory."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        stream = write_day(folder)
        seconds: dict[bool, list[list[float]]] = {True: [], False: []}
        for _ in range(TRIES):
            for is_view in (True, False):
                program = OPENING.replace("{view}", str(is_view))
                command = [sys.executable, "-c", program, str(folder), str(stream)]
                said = subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout.split()
                seconds[is_view].append([float(word) for word in said])
        (pandas_s,), (drawn_s, energies_s) = (
            [statistics.median(times) for times in zip(*seconds[is_view], strict=True)] for is_view in (False, True)
        )
        ratios = {"drawn": round(drawn_s / pandas_s, 2), "with_energies": round(energies_s / pandas_s, 2)}
        print(json.dumps({"pandas_s": round(pandas_s, 3), "ratios": ratios}), flush=True)
        with viewed(folder) as (pid, _):
            time.sleep(20.0)
            print(json.dumps({"peak_mib": round(peak_mib(pid))}))


if __name__ == "__main__":
    words = sys.argv[1:]
    match words[0] if words else "":
        case "observer":
            length_s, times = float(words[1]) if len(words) > 1 else 20.0, int(words[2]) if len(words) > 2 else 5
            observer(length_s, times, in_browser="browser" in words)
        case "cpu":
            cpu(float(words[1]) if len(words) > 1 else 30.0)
        case "opening":
            opening()
        case "page":
            read(words[1])
        case _:
            sys.exit(__doc__)
