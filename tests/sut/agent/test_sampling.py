"""Samples: their grid, their columns, what each indicator follows."""

import os
import random
import signal
import subprocess
import sys
import time
from itertools import pairwise
from pathlib import Path
from types import SimpleNamespace
from typing import cast

import psutil
import pytest

from harness.sut.agent.journal import Journal
from harness.sut.agent.own_time import OwnTime
from harness.sut.agent.rating import Rating
from harness.sut.agent.sampling import Sampling
from harness.sut.agent.state_sampler import StateSampler
from harness.sut.agent.system_sampler import whole_disks
from tests.sut.conftest import until
from tests.sut.local_agent import LocalAgent


def test_samples_lie_on_a_grid_of_the_monotonic_clock_without_drift(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # A sampler that slept for a period after each sample would be off by its own cost and the sleep's lateness at every
    # tick. Here the clock is the test's: each sample is late by up to 8 ms, and takes 4 ms, of a period of 50 ms.
    now_ns, chance = 7_000_000_123, random.Random(7)

    def counted(_waiter: int | None) -> float:
        nonlocal now_ns
        now_ns += 4_000_000
        return 0.0

    own = OwnTime()
    sampling = Sampling(Journal(str(tmp_path / "journal.jsonl")), 0.05, psutil)
    monkeypatch.setattr(own, "seconds", counted)
    clock = SimpleNamespace(monotonic_ns=lambda: now_ns, time_ns=time.time_ns)
    monkeypatch.setattr("harness.sut.agent.sampling.time", clock)
    rating = cast("Rating", SimpleNamespace(waiter=None, command=None))
    sampling.begin()
    begun_ns = sampling.next_ns
    for tick in range(200):
        assert sampling.next_ns == begun_ns + tick * 50_000_000
        now_ns = sampling.next_ns + chance.randrange(8_000_000)
        sampling.take(own, rating)
    now_ns += 170_000_000
    sampling.take(own, rating)
    assert sampling.next_ns == begun_ns + 203 * 50_000_000


def test_each_tick_of_a_running_agent_is_sampled_or_counted_as_missed(tmp_path: Path) -> None:
    with LocalAgent(tmp_path / "agent", period_s=0.05) as agent:
        time.sleep(3.0)
        size = agent.ask("finish")["size"]
        until(lambda: agent.offset >= size, 5.0, "the journal")
        stamps = [record["sut_ns"] for record in agent.of("sample")]
        notes = agent.notes("ticks-missed")
    missed = int(notes[0].split()[0]) if notes else 0
    assert (stamps[-1] - stamps[0]) / 50e6 == pytest.approx(len(stamps) - 1 + missed, abs=3)


def test_a_stopped_agent_skips_and_counts_the_ticks_it_missed(tmp_path: Path) -> None:
    with LocalAgent(tmp_path / "agent", period_s=0.05) as agent:
        until(lambda: len(agent.of("sample")) > 5, 5.0, "samples")
        os.kill(agent.pid, signal.SIGSTOP)
        time.sleep(1.0)
        os.kill(agent.pid, signal.SIGCONT)
        count = len(agent.of("sample"))
        until(lambda: len(agent.of("sample")) > count + 3, 5.0, "samples")
        stamps = [record["sut_ns"] for record in agent.of("sample")]
        agent.ask("finish")
        until(lambda: agent.notes("ticks-missed"), 5.0, "the count")
        missed = int(agent.notes("ticks-missed")[0].split()[0])
    assert max(two - one for one, two in pairwise(stamps)) > 0.9e9
    assert missed >= 18


def test_the_columns_are_those_of_the_run_folder_with_unit_and_method(agent: LocalAgent) -> None:
    until(lambda: len(agent.of("sample")) >= 3, 5.0, "samples")
    columns = agent.of("descriptor")[0]["columns"]
    assert [column["name"] for column in columns] == [
        "cpu_percent",
        "ram_used_kib",
        "ram_not_free_kib",
        "ram_percent",
        "disk_read_kb",
        "disk_write_kb",
        "net_received_kb",
        "net_sent_kb",
        "agent_cpu_s",
        "busy_cpu_s",
        "load_cpu_s",
        "oom_kills",
        "cpu_throttle_count",
    ]
    assert all(column["quantity"] and column["unit"] and column["method"] for column in columns)
    assert [c["name"] for c in columns if c["kind"] == "counter"] == [
        "agent_cpu_s",
        "busy_cpu_s",
        "load_cpu_s",
        "oom_kills",
        "cpu_throttle_count",
    ]
    first = agent.of("sample")[0]["values"]
    assert [first[0], *first[4:8]] == [None] * 5
    sample = agent.last_sample()
    units = {column["name"]: column["unit"] for column in columns}
    assert (units["ram_used_kib"], units["ram_not_free_kib"], units["net_sent_kb"]) == ("KiB", "KiB", "kB")
    memory = psutil.virtual_memory()
    for name, value in (
        ("ram_used_kib", memory.total - memory.available),
        ("ram_not_free_kib", memory.total - memory.free),
    ):
        assert abs(sample[name] - value / 1024) < 0.1 * memory.total / 1024
    assert 0 <= sample["ram_percent"] <= 100
    assert sample["cpu_percent"] is None or 0 <= sample["cpu_percent"] <= 100


def test_a_busy_cpu_is_seen_and_the_agents_own_time_grows(agent: LocalAgent, tmp_path: Path) -> None:
    cpus = os.cpu_count() or 1
    agent.rate("import time\nend = time.monotonic() + 1.5\nwhile time.monotonic() < end: pass", tmp_path / "work")
    agent.ended()
    begin, end = (record["sut_ns"] for record in agent.of("phase"))
    inside = [
        r["values"][0] for r in agent.of("sample") if begin + 0.2e9 < r["sut_ns"] < end and r["values"][0] is not None
    ]
    assert sum(inside) / len(inside) > 80 / cpus
    own = [record["values"][8] for record in agent.of("sample")]
    assert own == sorted(own)
    assert own[-1] > own[0] > 0


BURN = "import time\nend = time.process_time() + 0.8\nwhile time.process_time() < end: pass"


def counters(agent: LocalAgent, *names: str) -> list[list[float]]:
    """The columns of all samples so far, without those before the CPU times are known."""
    columns = [column["name"] for column in agent.of("descriptor")[0]["columns"]]
    rows = [[record["values"][columns.index(name)] for name in names] for record in agent.of("sample")]
    return [row for row in rows if None not in row]


def test_the_commands_cpu_time_is_told_from_that_of_others(agent: LocalAgent, tmp_path: Path) -> None:
    until(lambda: bool(counters(agent, "busy_cpu_s")), 5.0, "a sample")
    before = counters(agent, "busy_cpu_s", "load_cpu_s", "agent_cpu_s")[-1]
    foreign = subprocess.Popen([sys.executable, "-c", BURN])
    # A child of the command burns: its time comes with its end.
    agent.rate(f"import subprocess, sys\nsubprocess.run([sys.executable, '-c', {BURN!r}])", tmp_path / "work")
    agent.ended()
    foreign.wait()
    count = len(agent.of("sample"))
    until(lambda: len(agent.of("sample")) > count + 2, 5.0, "samples")
    busy, load, own = (
        now - then
        for now, then in zip(counters(agent, "busy_cpu_s", "load_cpu_s", "agent_cpu_s")[-1], before, strict=True)
    )
    assert 0.75 < load < 2.5
    assert busy - load - own > 0.7
    everything = [load for (load,) in counters(agent, "load_cpu_s")]
    assert everything == sorted(everything)


def test_kills_and_slow_downs_are_read_from_the_kernels_counters(tmp_path: Path) -> None:
    (tmp_path / "proc").mkdir()
    (tmp_path / "proc" / "vmstat").write_text("nr_free_pages 1\noom_kill 3\n")
    for cpu, package in ((0, 0), (1, 0), (2, 1)):
        folder = tmp_path / "sys/devices/system/cpu" / f"cpu{cpu}"
        (folder / "thermal_throttle").mkdir(parents=True)
        (folder / "topology").mkdir()
        (folder / "topology" / "physical_package_id").write_text(f"{package}\n")
        (folder / "thermal_throttle" / "package_throttle_count").write_text("4\n")
    sampler = StateSampler(str(tmp_path))
    assert sampler.sample(1.5, None, 0.0)[0] == 1.5
    assert sampler.sample(1.5, None, 0.0)[2:] == [3, 8]
    assert StateSampler(str(tmp_path / "nothing")).sample(None, None, 0.0)[2:] == [None, None]
    methods = [column["method"] for column in StateSampler(str(tmp_path / "nothing")).columns]
    assert "not known" in methods[2]
    assert "not supported" in methods[3]


def test_disk_and_network_are_kilobytes_since_the_sample_before(agent: LocalAgent, tmp_path: Path) -> None:
    program = "import os\nf = open('data', 'wb')\nf.write(os.urandom(1 << 20) * 20)\nf.flush()\nos.fsync(f.fileno())"
    until(lambda: len(agent.of("sample")) > 2, 5.0, "samples")
    before = psutil.disk_io_counters(perdisk=True, nowrap=False)
    first = len(agent.of("sample")) + 1  # the sample that is next began before
    until(lambda: len(agent.of("sample")) > first, 5.0, "samples")
    agent.rate(program, Path("/var/tmp") / f"wattlab-test-{os.getpid()}")
    try:
        agent.ended()
        count = len(agent.of("sample"))
        until(lambda: len(agent.of("sample")) > count + 2, 5.0, "samples")
    finally:
        for path in sorted(Path("/var/tmp", f"wattlab-test-{os.getpid()}").rglob("*"), reverse=True):
            path.unlink() if path.is_file() else path.rmdir()
        Path("/var/tmp", f"wattlab-test-{os.getpid()}").rmdir()
    samples = agent.of("sample")[first:]
    after = psutil.disk_io_counters(perdisk=True, nowrap=False)
    disks = whole_disks(after)
    moved = sum(after[disk].write_bytes - before[disk].write_bytes for disk in disks) / 1000
    seen = sum(record["values"][5] or 0 for record in samples)
    assert moved > 20_000
    assert 20_000 < seen <= moved * 1.01
