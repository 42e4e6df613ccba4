"""gpu_load.py as the SUT runs it, beside a TensorFlow of ours that only counts: no GPU multiplied anything here."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
COUNTING = """
import contextlib, time, types

class Product:
    def __init__(self, board):
        self.board = board

    def numpy(self):
        time.sleep(0.002)
        with open("steps", "a") as file:
            file.write(f"{time.monotonic_ns()} {self.board}\\n")

placed = ["nowhere"]

@contextlib.contextmanager
def device(name):
    placed.append(name)
    yield
    placed.pop()

names = open("boards").read().split()
config = types.SimpleNamespace(
    list_physical_devices=lambda kind: [types.SimpleNamespace(name=name) for name in names if kind == "GPU"]
)
random = types.SimpleNamespace(normal=lambda shape: shape)
def matmul(first, second):
    assert first == second == [64, 64]
    return None
def reduce_max(product):
    return Product(placed[-1])
"""


@pytest.fixture
def work(tmp_path: Path) -> Path:
    """The files flat beside each other, as they are staged, and what stands for TensorFlow."""
    for name in ("load/gpu_load.py", "markers/wattlab_markers.py"):
        shutil.copy(ROOT / "workloads" / name, tmp_path)
    (tmp_path / "tensorflow.py").write_text(COUNTING)
    return tmp_path


def run(work: Path, boards: str) -> "subprocess.CompletedProcess[str]":
    (work / "boards").write_text(boards)
    parameters = {"load_s": 0.6, "level_percent": 25.0, "period_s": 0.2, "size": 64}
    given = {"WATTLAB_PARAMETERS": json.dumps(parameters), "WATTLAB_MARKERS": str(work / "marks")}
    command = [sys.executable, "gpu_load.py"]
    return subprocess.run(command, cwd=work, env=os.environ | given, capture_output=True, text=True, check=False)


def test_every_board_multiplies_for_its_part_of_each_period_between_two_marks(work: Path) -> None:
    done = run(work, "/physical_device:GPU:0 /physical_device:GPU:1")
    assert done.returncode == 0, done.stderr
    begin, end = (json.loads(line)["sut_ns"] for line in (work / "marks").read_text().splitlines())
    assert (end - begin) * 1e-9 >= 0.6
    steps = [line.split() for line in (work / "steps").read_text().splitlines()]
    since_s = [(int(stamp) - begin) * 1e-9 for stamp, _ in steps if int(stamp) > begin]
    assert len(since_s) >= 6, "two boards, three periods"
    # A step that began before the quarter was over ends behind it, on a busy machine far behind it.
    early = [at_s % 0.2 < 0.1 for at_s in since_s]
    assert sum(early) > 0.7 * len(early)
    assert {name for _, name in steps} == {"/GPU:0", "/GPU:1"}


def test_without_a_gpu_there_is_no_load(work: Path) -> None:
    done = run(work, "")
    assert done.returncode == 1
    assert done.stderr == ("gpu_load.py: TensorFlow finds no GPU; leave the scenario out, or install the GPU build\n")
    assert not (work / "steps").exists()
