"""The agent alone, spoken to through its relay as the host does, without SSH."""

import ast
import contextlib
import errno
import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import psutil
import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.record.documents import Json
from harness.sut import agent as agent_module
from harness.sut.agent import parse_marker
from tests.sut.conftest import until
from tests.sut.netns import run

AGENT = [sys.executable, "-I", str(Path(agent_module.__file__))]


def facts_of(environment: dict[str, str]) -> Any:  # noqa: ANN401  JSON
    done = subprocess.run([*AGENT, "facts"], env=environment, capture_output=True, text=True, check=True)
    return json.loads(done.stdout)


class LocalAgent:
    """An agent on this machine and a relay to it; the journal as it arrives is in `records`."""

    def __init__(
        self,
        folder: Path,
        period_s: float = 0.1,
        reconnect_s: float = 20.0,
        environment: dict[str, str] | None = None,
    ) -> None:
        self.folder = folder
        self.records: list[Json] = []
        self.answers: dict[int, Json] = {}
        self.faults: list[str] = []
        self.errors: list[str] = []
        self.offset = 0
        self._number = 0
        self._beating = threading.Event()
        self._lock = threading.Lock()
        command = [*AGENT, "serve", "--folder", str(folder), "--period", str(period_s), "--reconnect", str(reconnect_s)]
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
        assert (done.returncode, done.stdout) == (0, "ready\n"), done.stderr
        self.pid = int((folder / "agent.lock").read_text())
        self._relays: list[subprocess.Popen[bytes]] = []
        self._threads: list[threading.Thread] = []

    def __enter__(self) -> Self:
        self.attach()
        self._start(self._beat)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._beating.set()
        if psutil.pid_exists(self.pid):
            os.kill(self.pid, signal.SIGTERM)
        for relay in self._relays:
            relay.wait(20)
        for thread in self._threads:
            thread.join()
        for relay in self._relays:
            for pipe in (relay.stdin, relay.stdout):
                assert pipe is not None
                with contextlib.suppress(OSError):
                    pipe.close()
        until(lambda: not psutil.pid_exists(self.pid), 10.0, "the end of the agent")

    def attach(self) -> Json:
        """A (new) relay, greeted at the offset reached."""
        relay = subprocess.Popen(
            [*AGENT, "attach", "--folder", str(self.folder)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
        )
        with self._lock:
            self._relays.append(relay)
        self._start(self._read, relay)
        return self.ask("hello", offset=self.offset)

    def drop_relay(self) -> None:
        self._relays[-1].kill()
        self._relays[-1].wait()

    def stop_heartbeat(self) -> None:
        self._beating.set()

    def send(self, line: bytes) -> None:
        with self._lock:
            stdin = self._relays[-1].stdin
            assert stdin is not None
            with contextlib.suppress(OSError):
                stdin.write(line)
                stdin.flush()

    def ask(self, operation: str, number: int | None = None, **fields: object) -> Json:
        if number is None:
            with self._lock:
                self._number += 1
                number = self._number
        self.answers.pop(number, None)
        self.send(json.dumps({"id": number, "op": operation, **fields}).encode() + b"\n")
        until(lambda: number in self.answers, 15.0, f"the answer to {operation}")
        return self.answers[number]

    def rate(self, program: str, cwd: Path, **env: str) -> None:
        cwd.mkdir(exist_ok=True)
        answer = self.ask("rate", argv=[sys.executable, "-c", program], env=env, cwd=str(cwd), duration_s=None)
        assert "error" not in answer

    def ended(self, limit_s: float = 20.0) -> Json:
        until(lambda: [r for r in self.of("phase") if r["edge"] == "end"], limit_s, "the end of the rating interval")
        return self.of("phase")[-1]

    def of(self, rec: str) -> list[Json]:
        return [record for record in self.records if record["rec"] == rec]

    def notes(self, code: str) -> list[str]:
        return [record["text"] for record in self.of("note") if record["code"] == code]

    def last_sample(self) -> Json:
        columns = self.of("descriptor")[0]["columns"]
        return {c["name"]: v for c, v in zip(columns, self.of("sample")[-1]["values"], strict=True)}

    def _start(self, work: Any, *arguments: object) -> None:  # noqa: ANN401  any callable
        thread = threading.Thread(target=work, args=arguments)
        self._threads.append(thread)
        thread.start()

    def _beat(self) -> None:
        while not self._beating.wait(0.5):
            self.send(b'{"id":0,"op":"ping"}\n')

    def _read(self, relay: subprocess.Popen[bytes]) -> None:
        assert relay.stdout is not None
        for line in relay.stdout:
            message = json.loads(line)
            if "journal" in message:
                self.offset = message["at"]
                self.records.append(message["journal"])
            elif "id" in message:
                self.answers[message["id"]] = message
            elif "fault" in message:
                self.faults.append(message["fault"])
            if "error" in message:
                self.errors.append(message["error"])


@pytest.fixture
def agent(tmp_path: Path) -> Iterator[LocalAgent]:
    with LocalAgent(tmp_path / "agent") as local:
        yield local


def test_the_agent_is_python_3_8_and_imports_nothing_of_ours() -> None:
    tree = ast.parse(Path(agent_module.__file__).read_text(), feature_version=(3, 8))
    imported = {
        name.split(".")[0]
        for node in ast.walk(tree)
        for name in (
            [alias.name for alias in node.names]
            if isinstance(node, ast.Import)
            else [node.module or "."]
            if isinstance(node, ast.ImportFrom)
            else []
        )
    }
    assert imported - set(sys.stdlib_module_names) == {"psutil", "pynvml"}


def test_samples_lie_on_a_grid_of_the_monotonic_clock_without_drift(tmp_path: Path) -> None:
    with LocalAgent(tmp_path / "agent", period_s=0.05) as agent:
        time.sleep(4.0)
        stamps = [record["sut_ns"] for record in agent.of("sample")]
    assert len(stamps) > 60
    # Late by what the machine is busy with; but the earliest ones stay on one grid. A sampler that slept for a period
    # after each sample would be off by its own cost and the sleep's lateness, some 0.3 ms, more at every tick.
    late_ns = [(stamp - stamps[1] + 25_000_000) % 50_000_000 - 25_000_000 for stamp in stamps[1:]]
    assert min(late_ns[-25:]) - min(late_ns[:25]) == pytest.approx(0, abs=4e6)


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
    sampler = agent_module.StateSampler(str(tmp_path))
    assert sampler.sample(1.5, None, 0.0)[0] == 1.5
    assert sampler.sample(1.5, None, 0.0)[2:] == [3, 8]
    assert agent_module.StateSampler(str(tmp_path / "nothing")).sample(None, None, 0.0)[2:] == [None, None]
    methods = [column["method"] for column in agent_module.StateSampler(str(tmp_path / "nothing")).columns]
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
    disks = agent_module.whole_disks(after)
    moved = sum(after[disk].write_bytes - before[disk].write_bytes for disk in disks) / 1000
    seen = sum(record["values"][5] or 0 for record in samples)
    assert moved > 20_000
    assert 20_000 < seen <= moved * 1.01


def test_a_command_is_stamped_and_its_output_and_exit_code_are_kept(agent: LocalAgent, tmp_path: Path) -> None:
    before_ns = time.monotonic_ns()
    agent.rate(
        "import sys, os\nprint(os.environ['WORD'])\nprint('bad', file=sys.stderr)\nsys.exit(7)",
        tmp_path / "w",
        WORD="x y",
    )
    end = agent.ended()
    begin = agent.of("phase")[0]
    assert before_ns < begin["sut_ns"] == end["begin_ns"] < end["sut_ns"] < time.monotonic_ns()
    assert abs(begin["sut_wall_ns"] - time.time_ns()) < 60e9
    assert (end["exit_code"], end["reason"]) == (7, None)
    assert (tmp_path / "w/artifacts/stdout.txt").read_text() == "x y\n"
    assert (tmp_path / "w/artifacts/stderr.txt").read_text() == "bad\n"


def test_a_pause_lasts_as_long_as_asked(agent: LocalAgent) -> None:
    agent.ask("rate", argv=None, env={}, cwd=None, duration_s=1.25)
    end = agent.ended()
    lasted_s = (end["sut_ns"] - end["begin_ns"]) / 1e9
    assert 1.25 <= lasted_s < 1.5
    assert (end["exit_code"], end["reason"]) == (0, None)


PROMPT = "import sys, time\nbegin = time.monotonic_ns()\ntime.sleep({})\nprint(begin, time.monotonic_ns())"


def stop(pids: list[int], duration_s: float) -> None:
    """Stop processes and let them go on."""
    for pid in pids:
        os.kill(pid, signal.SIGSTOP)
    time.sleep(duration_s)
    for pid in pids:
        os.kill(pid, signal.SIGCONT)


def waiter_of(agent: LocalAgent) -> psutil.Process:
    """The process between agent and command."""
    until(lambda: psutil.Process(agent.pid).children(), 5.0, "the waiter")
    (waiter,) = psutil.Process(agent.pid).children()
    return waiter


def command_of(agent: LocalAgent) -> psutil.Process:
    """The command, once it is the program that was asked for."""
    waiter = waiter_of(agent)
    until(lambda: [child for child in waiter.children() if "-c" in child.cmdline()], 5.0, "the command")
    (command,) = waiter.children()
    return command


def seen_by_the_command(work: Path) -> tuple[int, int]:
    begin, end = (work / "artifacts/stdout.txt").read_text().split()
    return int(begin), int(end)


def test_an_agent_stopped_across_the_end_does_not_make_the_interval_longer(agent: LocalAgent, tmp_path: Path) -> None:
    agent.rate(PROMPT.format(1.0), tmp_path / "work")
    stop([agent.pid], 3.4)
    end = agent.ended()
    begin_ns, end_ns = seen_by_the_command(tmp_path / "work")
    assert end["begin_ns"] < begin_ns < end_ns < end["sut_ns"]
    # Starting and ending Python is all that lies between, on a machine that is busy with other tests too.
    assert end["sut_ns"] - end["begin_ns"] - (end_ns - begin_ns) < 1e9
    assert end["frozen"] == []


def test_a_pause_is_stamped_in_time_while_the_agent_is_stopped(agent: LocalAgent) -> None:
    agent.ask("rate", argv=None, env={}, cwd=None, duration_s=0.5)
    stop([agent.pid], 2.5)
    end = agent.ended()
    assert 0.5e9 <= end["sut_ns"] - end["begin_ns"] < 1.5e9
    assert end["frozen"] == []


def test_where_the_waiter_was_stopped_too_the_end_says_so(agent: LocalAgent, tmp_path: Path) -> None:
    agent.rate(PROMPT.format(1.0), tmp_path / "work")
    stop([agent.pid, waiter_of(agent).pid], 3.0)
    end = agent.ended()
    ((from_ns, to_ns),) = end["frozen"]
    _, end_ns = seen_by_the_command(tmp_path / "work")
    assert from_ns <= end_ns <= to_ns == end["sut_ns"]
    assert to_ns - from_ns > 1.9e9


def test_a_command_that_was_stopped_itself_says_so(agent: LocalAgent, tmp_path: Path) -> None:
    agent.rate(PROMPT.format(0.5), tmp_path / "work")
    stop([command_of(agent).pid], 1.2)
    end = agent.ended()
    ((from_ns, to_ns),) = end["frozen"]
    assert to_ns - from_ns == pytest.approx(1.2e9, abs=0.4e9)
    assert end["begin_ns"] < from_ns < to_ns <= end["sut_ns"]


def test_a_waiter_that_is_killed_ends_the_command_and_the_interval_with_its_reason(
    agent: LocalAgent, tmp_path: Path
) -> None:
    agent.rate("import time\ntime.sleep(100)", tmp_path / "work")
    until(lambda: len(descendants(agent.pid)) == 2, 5.0, "the command")
    load = descendants(agent.pid)
    waiter_of(agent).kill()
    end = agent.ended()
    assert (end["exit_code"], end["reason"]) == (None, "what waits for the command was killed")
    until(lambda: not [process for process in load if process.is_running()], 5.0, "the end of the command")
    assert agent.ask("rate", argv=None, env={}, cwd=None, duration_s=0) == {"id": agent._number}


def test_the_command_has_a_control_group_of_its_own_and_a_frozen_one_is_told(agent: LocalAgent, tmp_path: Path) -> None:
    agent.rate(PROMPT.format(0.5), tmp_path / "work")
    groups = [cgroup_of(pid) for pid in (agent.pid, waiter_of(agent).pid, command_of(agent).pid)]
    mount = Path(next(line.split()[4] for line in mounts() if " - cgroup2 " in line))
    assert groups[0] == groups[1]
    assert groups[2] == f"{groups[0].rstrip('/')}/wattlab-{agent.pid}"
    (mount / groups[2][1:] / "cgroup.freeze").write_text("1")
    time.sleep(1.2)
    (mount / groups[2][1:] / "cgroup.freeze").write_text("0")
    end = agent.ended()
    ((from_ns, to_ns),) = end["frozen"]
    assert to_ns - from_ns == pytest.approx(1.2e9, abs=0.4e9)
    os.kill(agent.pid, signal.SIGTERM)
    until(lambda: not (mount / groups[2][1:]).exists(), 5.0, "the end of the group")


def cgroup_of(pid: int) -> str:
    return next(line[3:] for line in Path(f"/proc/{pid}/cgroup").read_text().splitlines() if line.startswith("0::"))


def mounts() -> list[str]:
    return Path("/proc/self/mountinfo").read_text().splitlines()


def test_a_command_that_cannot_be_started_is_a_result_with_its_reason(agent: LocalAgent, tmp_path: Path) -> None:
    agent.ask("rate", argv=["/no/such/program"], env={}, cwd=str(tmp_path), duration_s=None)
    end = agent.ended()
    assert end["exit_code"] == 127
    assert "No such file" in end["reason"]


MARKING = """
import os, time
begun_ns, wall_ns = time.monotonic_ns(), time.time_ns()
with open(os.environ["WATTLAB_MARKERS"], "wb", 0) as markers:
    for line in LINES:
        markers.write(line.replace(b"BEGUN", b"%d" % begun_ns).replace(b"WALL", b"%d" % wall_ns))
"""


STAMPED_LINE = b'{"action": "a", "edge": "begin", "sut_ns": BEGUN, "sut_wall_ns": 6}\n'


def test_markers_keep_their_own_stamps_and_bad_lines_become_notes(agent: LocalAgent, tmp_path: Path) -> None:
    good = (
        b'{"action": "epoch", "index": 3, "edge": "end", "sut_ns": BEGUN, "sut_wall_ns": 6, "metrics": {"loss": 0.5}}\n'
    )
    bad = [
        b"garbage\n",
        b"\x00\xff\n",
        b"[1]\n",
        b'{"action": "a", "edge": "begin"}\n',
        b'{"action": "a", "edge": "x", "sut_ns": BEGUN, "sut_wall_ns": 1}\n',
        b'{"action": 5, "edge": "begin", "sut_ns": BEGUN, "sut_wall_ns": 1}\n',
        b'{"action": "a", "edge": "begin", "sut_ns": BEGUN, "sut_wall_ns": 1, "index": 1e3}\n',
        b'{"action": "a", "edge": "end", "sut_ns": BEGUN, "sut_wall_ns": 1, "metrics": {"a": '
        + b"[" * 9
        + b"]" * 9
        + b"}}\n",
        b"[" * 3000 + b"\n",
        b"y" * 9000,
    ]
    lines = [good, *bad[:-1], good, bad[-1], b"\n", good]
    agent.rate(f"LINES = {lines!r}\n{MARKING}", tmp_path / "work")
    end = agent.ended()
    markers = agent.of("marker")
    assert len(markers) == 3
    assert end["begin_ns"] < markers[0].pop("sut_ns") < end["sut_ns"]
    assert markers[0] == {
        "rec": "marker",
        "action": "epoch",
        "index": 3,
        "edge": "end",
        "metrics": {"loss": 0.5},
        "exit_code": None,
        "sut_wall_ns": 6,
    }
    assert len(agent.notes("marker-malformed")) >= len(bad)
    # What was written before the command's end stands before the interval's end.
    assert agent.records.index(markers[-1]) < agent.records.index(agent.of("phase")[-1])


IMPOSSIBLE = [
    b"0",
    b"WALL",
    b"%d" % 10**30,
    b"%d" % 10**400,
    b"-5",
    b"BEGUN.5",
    b"true",
    b"NaN",
    b"9223372036854775808",
]


def test_a_stamp_that_is_no_moment_of_this_rating_costs_its_line_and_says_why(
    agent: LocalAgent, tmp_path: Path
) -> None:
    lines = [STAMPED_LINE.replace(b"BEGUN", stamp) for stamp in IMPOSSIBLE]
    agent.rate(f"LINES = {[*lines, STAMPED_LINE]!r}\n{MARKING}", tmp_path / "work")
    assert agent.ended()["exit_code"] == 0
    assert len(agent.of("marker")) == 1
    said = agent.notes("marker-malformed")
    assert len(said) == len(IMPOSSIBLE)
    assert all("sut_ns" in text for text in said)
    assert ["time.monotonic_ns()" in text for text in said] == [True, True, *[False] * 7]


def test_marker_lines_beyond_the_bound_are_dropped_and_said_once(tmp_path: Path) -> None:
    program = f"LINES = [{STAMPED_LINE!r}] * 10100\n{MARKING}"
    with LocalAgent(tmp_path / "agent") as agent:
        agent.rate(program, tmp_path / "work")
        agent.ended()
        assert len(agent.of("marker")) == agent_module.MAX_MARKERS
        (said,) = agent.notes("markers-cut")
        assert "10000 marker lines" in said


@pytest.mark.parametrize(
    ("twice", "name"),
    [
        (b'{"sut_ns": 5, "sut_ns": 9, "action": "a", "edge": "end", "sut_wall_ns": 6}', "sut_ns"),
        (b'{"action": "a", "action": "b", "edge": "end", "sut_ns": 5, "sut_wall_ns": 6}', "action"),
        (b'{"action": "a", "edge": "end", "sut_ns": 5, "sut_wall_ns": 6, "metrics": {"x": 1, "x": 2}}', "x"),
        (b'{"action": "a", "edge": "end", "sut_ns": 5, "sut_wall_ns": 6, "metrics": {"x": [{"y": 1, "y": 1}]}}', "y"),
    ],
)
def test_a_marker_line_in_which_a_name_stands_twice_makes_no_number(twice: bytes, name: str) -> None:
    with pytest.raises(ValueError, match=f"^the name '{name}' stands twice$"):
        parse_marker(twice)


@given(
    st.binary(max_size=200)
    | st.recursive(st.none() | st.integers() | st.text(), st.lists, max_leaves=5).map(repr).map(str.encode)
)
def test_no_marker_line_breaks_the_reader(line: bytes) -> None:
    with contextlib.suppress(ValueError):
        assert parse_marker(line)["edge"] in ("begin", "end")


def test_endless_output_is_bounded(agent: LocalAgent, tmp_path: Path) -> None:
    program = (
        "import time\nend = time.monotonic() + 3.5\n"
        "while time.monotonic() < end:\n print('x' * 65536)\n time.sleep(0.002)"
    )
    agent.rate(program, tmp_path / "work")
    sizes = []
    path = tmp_path / "work/artifacts/stdout.txt"
    while not [record for record in agent.of("phase") if record["edge"] == "end"]:
        sizes.append(path.stat().st_size)
        time.sleep(0.05)
    assert agent.notes("output-cut")
    # 3.5 s write about 100 MB; a second of it may lie above the bound until the next look.
    assert max(sizes) < agent_module.MAX_OUTPUT + 50e6
    assert any(later < earlier for earlier, later in pairwise(sizes))


def test_after_a_lost_link_the_journal_goes_on_where_it_ended(agent: LocalAgent) -> None:
    until(lambda: len(agent.of("sample")) > 3, 5.0, "samples")
    agent.drop_relay()
    count = len(agent.of("sample"))
    time.sleep(1.0)
    agent.attach()
    until(lambda: len(agent.of("sample")) > count + 12, 5.0, "the samples of the gap")
    stamps = [record["sut_ns"] for record in agent.of("sample")]
    assert max(two - one for one, two in pairwise(stamps)) < 0.8e9
    assert len(agent.of("descriptor")) == 1
    on_disk = (agent.folder / "journal.jsonl").read_text().splitlines()[: len(agent.records)]
    assert [json.loads(line) for line in on_disk] == agent.records[: len(on_disk)]


def test_a_request_repeated_after_a_lost_link_is_done_once(agent: LocalAgent, tmp_path: Path) -> None:
    fields: dict[str, Any] = {"argv": ["sleep", "1"], "env": {}, "cwd": str(tmp_path), "duration_s": None}
    agent.ask("rate", 900, **fields)
    agent.drop_relay()
    agent.attach()
    assert "error" not in agent.ask("rate", 900, **fields)
    agent.ended()
    assert [record["edge"] for record in agent.of("phase")] == ["begin", "end"]
    assert agent.ask("rate", 901, **fields) == {"id": 901}


@pytest.mark.parametrize(
    ("line", "said"),
    [
        (b"nonsense\n", "expected a JSON object"),
        (b'{"id": 70, "op": "dance"}\n', "unknown operation"),
        (b'{"id": 70, "op": "hello", "offset": 999999999}\n', "outside the journal"),
        (b'{"id": 70, "op": "hello", "offset": "x"}\n', "outside the journal"),
        (b'{"id": 70, "op": "rate"}\n', "rate: KeyError"),
        (b'{"id": 70, "op": "rate", "argv": [], "env": {}, "cwd": "/", "duration_s": null}\n', "argument list"),
    ],
)
def test_a_wrong_request_gets_an_error_and_the_agent_lives(agent: LocalAgent, line: bytes, said: str) -> None:
    agent.send(line)
    until(lambda: any(said in error for error in agent.errors), 5.0, "the error")
    count = len(agent.of("sample"))
    until(lambda: len(agent.of("sample")) > count, 5.0, "further samples")


STUBBORN = """
import os, signal, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
if os.fork() == 0:
    os.setsid()
    if os.fork() == 0:
        os.setsid()
        while True: time.sleep(1)
    os._exit(0)
while True: time.sleep(1)
"""


def descendants(pid: int) -> list[psutil.Process]:
    return [child for child in psutil.Process(pid).children(recursive=True) if is_alive(child)]


def is_alive(process: psutil.Process) -> bool:
    with contextlib.suppress(psutil.NoSuchProcess):
        return process.status() != psutil.STATUS_ZOMBIE
    return False


def test_a_silent_host_is_a_dead_one_load_and_agent_end(tmp_path: Path) -> None:
    with LocalAgent(tmp_path / "agent", reconnect_s=2.0) as agent:
        agent.rate(STUBBORN, tmp_path / "work")
        until(lambda: len(descendants(agent.pid)) == 3, 5.0, "the load")
        load = descendants(agent.pid)
        agent.stop_heartbeat()
        until(lambda: not psutil.pid_exists(agent.pid), 12.0, "the end of the agent")
        assert not [process for process in load if process.is_running()]
    records = [json.loads(line) for line in (tmp_path / "agent/journal.jsonl").read_text().splitlines()]
    assert [r["code"] for r in records if r["rec"] == "note"][-1] == "dead-man"
    end = records[-1]
    assert (end["name"], end["edge"]) == ("rating", "end")
    assert "reconnect_s" in end["reason"]


def test_kill_ends_processes_that_ignore_term_and_left_their_session(agent: LocalAgent, tmp_path: Path) -> None:
    agent.rate(STUBBORN, tmp_path / "work")
    until(lambda: len(descendants(agent.pid)) == 3, 5.0, "the load")
    agent.ask("kill")
    end = agent.ended()
    assert (end["exit_code"], end["reason"]) == (-signal.SIGKILL, "killed by the host")
    until(lambda: not descendants(agent.pid), 5.0, "the end of the load")


def test_what_a_command_leaves_running_is_ended_and_noted(agent: LocalAgent, tmp_path: Path) -> None:
    agent.rate("import subprocess\nsubprocess.Popen(['sleep', '100'], start_new_session=True)", tmp_path / "work")
    assert agent.ended()["exit_code"] == 0
    until(lambda: not descendants(agent.pid), 5.0, "the end of what was left")
    assert agent.notes("left-running") == ["1 processes of the command outlived it and were ended"]


def test_an_agent_killed_outright_takes_the_command_with_it(agent: LocalAgent, tmp_path: Path) -> None:
    agent.rate("import time\ntime.sleep(100)", tmp_path / "work")
    until(lambda: descendants(agent.pid), 5.0, "the load")
    load = descendants(agent.pid)
    os.kill(agent.pid, signal.SIGKILL)
    until(lambda: not [process for process in load if process.is_running()], 5.0, "the end of the load")


def test_finish_stops_sampling_and_bye_ends_the_agent(agent: LocalAgent) -> None:
    until(lambda: len(agent.of("sample")) > 3, 5.0, "samples")
    size = agent.ask("finish")["size"]
    until(lambda: agent.offset == size, 5.0, "the whole journal")
    assert size == (agent.folder / "journal.jsonl").stat().st_size
    agent.stop_heartbeat()
    agent.ask("bye")
    until(lambda: not psutil.pid_exists(agent.pid), 5.0, "the end of the agent")


def test_finish_is_refused_while_the_rating_interval_runs(agent: LocalAgent) -> None:
    agent.ask("rate", argv=None, env={}, cwd=None, duration_s=30)
    assert "still runs" in agent.ask("finish")["error"]
    assert "already runs" in agent.ask("rate", argv=None, env={}, cwd=None, duration_s=1)["error"]
    agent.ask("kill")
    assert agent.ended()["reason"] == "killed by the host"


def test_a_full_disk_ends_the_load_and_is_told_and_the_journal_stays_readable(tmp_path: Path) -> None:
    disk = tmp_path / "disk"
    disk.mkdir()
    run("mount", "-t", "tmpfs", "-o", "size=256k", "tmpfs", str(disk))
    try:
        with LocalAgent(disk / "agent", period_s=0.02) as agent:
            agent.rate("import time\ntime.sleep(100)", tmp_path / "work")
            until(lambda: descendants(agent.pid), 5.0, "the load")
            fill(disk / "filler")
            until(lambda: agent.faults, 10.0, "the fault")
            assert os.strerror(errno.ENOSPC) in agent.faults[0]
            until(lambda: not descendants(agent.pid), 10.0, "the end of the load")
            assert agent.ask("hello", offset=agent.offset)["fault"] == agent.faults[0]
            for line in (disk / "agent/journal.jsonl").read_text().splitlines():
                json.loads(line)
    finally:
        run("umount", str(disk))


def fill(path: Path) -> None:
    with path.open("wb", 0) as file, contextlib.suppress(OSError):
        while True:
            file.write(b"x" * 512)


def test_serve_says_why_it_cannot(tmp_path: Path) -> None:
    (tmp_path / "journal.jsonl").write_text("of an earlier run\n")
    command = [*AGENT, "serve", "--folder", str(tmp_path), "--period", "1", "--reconnect", "5"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "did not start" in done.stderr
    assert "File exists" in done.stderr


def test_sweep_leaves_a_run_with_a_host_alone_and_removes_the_others(tmp_path: Path) -> None:
    def sweep(*options: str) -> Any:  # noqa: ANN401  JSON
        command = [*AGENT, "sweep", "--root", str(tmp_path), *options]
        return json.loads(subprocess.run(command, capture_output=True, text=True, check=True).stdout)

    (tmp_path / "dead").mkdir()
    with LocalAgent(tmp_path / "busy" / "agent") as busy, LocalAgent(tmp_path / "orphan" / "agent") as orphan:
        orphan.rate("import time\ntime.sleep(100)", tmp_path / "work")
        until(lambda: descendants(orphan.pid), 5.0, "the load")
        load = descendants(orphan.pid)
        orphan.drop_relay()
        expected = {
            "busy": [{"name": "busy", "alive": True}],
            "left": [
                {"name": "dead", "alive": False},
                {"name": "orphan", "alive": True},
                {"name": "work", "alive": False},
            ],
        }
        assert sweep("--look") == expected
        assert psutil.pid_exists(orphan.pid)
        assert sweep() == expected
        assert sorted(path.name for path in tmp_path.iterdir()) == ["busy"]
        until(lambda: not psutil.pid_exists(orphan.pid), 5.0, "the end of the orphan")
        assert not [process for process in load if process.is_running()]
        assert busy.ask("ping")["sut_ns"] > 0
