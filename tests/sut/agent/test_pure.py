"""The agent's part that is no Linux: form of a line, markers, journal, grid of samples. It is read and works without
any module that only Unix has, and without psutil and NVML. Nothing else of the agent is said to run there."""

import subprocess
import sys
from pathlib import Path

from harness.sut.agent.clocks import next_on_grid

ROOT = Path(__file__).parents[3]
PURE = ("clocks", "columns", "journal", "lines", "markers")
BLOCKED = ("fcntl", "resource", "termios", "pwd", "grp", "pty", "ctypes", "psutil", "pynvml")
PROGRAM = """
import importlib, sys
from importlib.abc import MetaPathFinder

class Blocked(MetaPathFinder):
    def find_spec(self, name, path, target=None):
        if name.partition(".")[0] in blocked:
            raise ImportError(f"{name} is not on this machine")

root, journal, pure, blocked = sys.argv[1], sys.argv[2], sys.argv[3].split(","), sys.argv[4].split(",")
for name in blocked:
    sys.modules.pop(name, None)
sys.meta_path.insert(0, Blocked())
sys.path.insert(0, root)
modules = {name: importlib.import_module("harness.sut.agent." + name) for name in pure}
marker = modules["markers"].parse_marker(b'{"action": "epoch", "edge": "begin", "sut_ns": 5, "sut_wall_ns": 6}')
kept = modules["journal"].Journal(journal)
kept.write({"rec": "marker", **marker})
kept.note("no-gpu", "none")
first, second = [modules["lines"].value_of(line) for line in kept.read(0).splitlines()]
assert first == {"rec": "marker", "action": "epoch", "index": 0, "edge": "begin", "metrics": {}, "exit_code": None,
                 "sut_ns": 5, "sut_wall_ns": 6}, first
assert (second["rec"], kept.read(len(modules["lines"].line_of(first)))[:6]) == ("note", b'{"rec"')
try:
    importlib.import_module("harness.sut.agent.run_folders")
except ImportError as error:
    print(error)
"""


def test_the_pure_part_works_without_what_only_linux_has(tmp_path: Path) -> None:
    words = [str(ROOT), str(tmp_path / "journal.jsonl"), ",".join(PURE), ",".join(BLOCKED)]
    done = subprocess.run([sys.executable, "-I", "-c", PROGRAM, *words], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, "fcntl is not on this machine\n"), done.stderr


def test_the_grid_of_samples_goes_on_where_it_was() -> None:
    assert next_on_grid(1000, 1000, 100) == (1100, 0)
    assert next_on_grid(1000, 1099, 100) == (1100, 0)
    assert next_on_grid(1000, 1100, 100) == (1200, 1)
    assert next_on_grid(1000, 1350, 100) == (1400, 3)
