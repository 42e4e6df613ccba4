"""load.py as the SUT runs it: what it switches is marked, what it starts is ended."""

import json
import os
import shutil
import subprocess
import sys
import time
from itertools import pairwise
from pathlib import Path
from typing import Any

import psutil
import pytest

ROOT = Path(__file__).parents[2]


@pytest.fixture
def work(tmp_path: Path) -> Path:
    """The files flat beside each other, as they are staged."""
    for name in ("load/load.py", "markers/wattlab_markers.py"):
        shutil.copy(ROOT / "workloads" / name, tmp_path)
    return tmp_path


def run(work: Path, *words: str, **parameters: Any) -> "subprocess.CompletedProcess[str]":  # noqa: ANN401
    given = {"WATTLAB_PARAMETERS": json.dumps(parameters), "WATTLAB_SEED": "7", "WATTLAB_MARKERS": str(work / "marks")}
    command = [sys.executable, "load.py", *words]
    return subprocess.run(
        command, cwd=work, env=os.environ | given, capture_output=True, text=True, check=False, timeout=180
    )


def marks(work: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (work / "marks").read_text().splitlines()]


def burning(work: Path) -> list[psutil.Process]:
    """Processes of this folder's load.py that are alive."""
    found = []
    for process in psutil.process_iter(["cmdline", "cwd"]):
        if process.info["cwd"] == str(work) and "load.py" in (process.info["cmdline"] or []):
            found.append(process)
    return found


def test_the_pulse_marks_every_switching_at_its_drawn_moment_and_leaves_nothing_behind(work: Path) -> None:
    done = run(work, "pulse", edges=6, shortest_s=0.2, longest_s=0.4, interval_s=1.0)
    assert done.returncode == 0, done.stderr
    found = marks(work)
    assert [(mark["index"], mark["edge"]) for mark in found] == [(k, e) for k in range(3) for e in ("begin", "end")]
    steps_s = [(b["sut_ns"] - a["sut_ns"]) * 1e-9 for a, b in pairwise(found)]
    assert all(step_s >= 0.2 for step_s in steps_s)
    assert len({round(step_s, 2) for step_s in steps_s}) > 1
    assert burning(work) == []


def test_the_constant_load_keeps_the_cpus_busy_for_its_time(work: Path) -> None:
    before = os.times()
    done = run(work, "constant", load_s=1.0)
    after = os.times()
    assert done.returncode == 0, done.stderr
    spent_s = after.children_user + after.children_system - before.children_user - before.children_system
    begin, end = marks(work)
    assert (end["sut_ns"] - begin["sut_ns"]) * 1e-9 >= 1.0
    assert spent_s > 0.3  # of this machine's CPUs, whatever else runs on it


LEVEL = {"load_s": 1.0, "part": "cpu", "level_percent": 25.0, "cpus": 1, "period_s": 0.02}


def spent_s(work: Path, **parameters: Any) -> float:  # noqa: ANN401
    """CPU time of a constant load."""
    before = os.times()
    done = run(work, "constant", **(LEVEL | parameters))
    after = os.times()
    assert done.returncode == 0, done.stderr
    return after.children_user + after.children_system - before.children_user - before.children_system


@pytest.mark.parametrize("part", ["cpu", "memory"])
def test_a_level_is_a_part_of_the_time_on_so_many_cpus(work: Path, part: str) -> None:
    low_s, high_s = (spent_s(work, part=part, level_percent=level) for level in (10.0, 80.0))
    assert 0.1 < high_s - low_s < 1.0, f"{low_s} and {high_s} s of CPU"  # a machine that is busy gives it less
    assert {mark["action"] for mark in marks(work)} == {"load"}
    assert burning(work) == []


def test_the_cpus_are_at_work_one_after_the_other(work: Path) -> None:
    """Four of them, a quarter of the time each: at any moment one."""
    program = (
        "import time, load\n"
        "moment = [0.0]\n"
        "load.time.monotonic = lambda: moment[0]\n"
        "load.os.kill = lambda pid, number: None\n"
        "class Enough(Exception): pass\n"
        "def busy(place):\n"
        "    def at_work(): raise Enough\n"
        "    def asleep(seconds): raise StopIteration\n"
        "    load.counter = lambda: at_work\n"
        "    load.time.sleep = asleep\n"
        "    try: load.part_of_time('cpu', 25.0, 0.02, place)\n"
        "    except Enough: return 1\n"
        "    except StopIteration: return 0\n"
        "for step in range(40):\n"
        "    moment[0] = 7.0 + 0.0005 * step + 0.0001\n"
        "    print(sum(busy(number / 4) for number in range(4)))\n"
    )
    done = subprocess.run([sys.executable, "-c", program], cwd=work, capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["1"] * 40


@pytest.mark.parametrize(
    ("parameters", "said"),
    [
        ({"part": "disk"}, "part: found 'disk', expected cpu or memory"),
        ({"level_percent": 0.0}, "level_percent: found 0, expected above 0 and at most 100"),
        ({"cpus": 100_000}, "cpus: found 100000, expected at most the"),
    ],
)
def test_a_load_that_cannot_be_is_one_sentence(work: Path, parameters: dict[str, Any], said: str) -> None:
    done = run(work, "constant", **(LEVEL | parameters))
    assert done.returncode == 1
    assert said in done.stderr
    assert len(done.stderr.splitlines()) == 1


def test_a_detached_load_says_ready_at_once_goes_on_alone_and_ends_by_itself(work: Path) -> None:
    done = run(work, "detached", "2")
    assert (done.returncode, done.stdout) == (0, "ready\n")
    assert burning(work) != []
    end_s = time.monotonic() + 30
    while burning(work) and time.monotonic() < end_s:
        time.sleep(0.1)
    assert burning(work) == []


def test_what_is_no_word_of_it_is_one_sentence(work: Path) -> None:
    done = run(work, "nonsense")
    assert (done.returncode, done.stderr.strip()) == (1, "load.py: expected pulse, constant, or detached SECONDS")
