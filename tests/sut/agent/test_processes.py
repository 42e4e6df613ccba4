"""A child ends with its parent, whenever the parent is killed."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]
PROGRAM = """
import os, time
from harness.sut.agent.processes import die_with_parent
parent = os.getpid()
if os.fork() == 0:
    {}
    os.write(1, b"x" if os.getppid() == parent else b"outlived")
    os._exit(0)
{}
"""
WAIT_FOR_ITS_END = "while os.getppid() == parent: time.sleep(0.01)"


@pytest.mark.parametrize(
    ("child", "parent", "written"),
    [
        (f"{WAIT_FOR_ITS_END}\n    die_with_parent(parent)", "", b""),
        (f"die_with_parent(parent)\n    os.write(1, b'a')\n    {WAIT_FOR_ITS_END}", "time.sleep(0.5)", b"a"),
        ("die_with_parent(parent)", "os.wait()", b"x"),
        (WAIT_FOR_ITS_END, "", b"outlived"),
    ],
)
def test_a_child_does_not_outlive_its_parent(child: str, parent: str, written: bytes) -> None:
    command = [sys.executable, "-c", PROGRAM.format(child, parent)]
    assert subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, check=True, timeout=60).stdout == written
