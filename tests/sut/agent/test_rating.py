"""The rating interval: its edges, its control group, and the end of whatever the command left."""

import os
import signal
import time
from itertools import pairwise
from pathlib import Path

import psutil
import pytest

from harness.sut.agent.load import MAX_OUTPUT
from tests.sut.conftest import until
from tests.sut.local_agent import LocalAgent, descendants


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


def test_a_command_finds_the_modules_of_its_work_folder_after_those_of_the_machine(
    agent: LocalAgent, tmp_path: Path
) -> None:
    """A program that lies elsewhere, too: `wattlab_markers` is in the work folder."""
    agent.rate("import os\nprint(os.environ['PYTHONPATH'].split(os.pathsep)[-1])", tmp_path / "w")
    agent.ended()
    assert (tmp_path / "w/artifacts/stdout.txt").read_text().strip() == str(tmp_path / "w")


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
    assert max(sizes) < MAX_OUTPUT + 50e6
    assert any(later < earlier for earlier, later in pairwise(sizes))


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
