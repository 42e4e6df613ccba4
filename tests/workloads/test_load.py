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
