"""The programs of docs/frameworks.md, run as they stand: by hand, and with their marks read as the agent reads them.

Lightning and Transformers run where WATTLAB_TORCH_PYTHON names an interpreter that imports them: nothing is downloaded.
"""

import os
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from harness.sut.agent.markers import parse_marker
from tests.workloads.conftest import SUT_PYTHON

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "frameworks.md").read_text()
MODULE = ROOT / "workloads" / "markers" / "wattlab_markers.py"
WORK: dict[str, dict[str, float]] = {
    "plain": {},
    "keras": {"images": 3 * 256},
    "lightning": {"tokens": 3 * 64 * 16},
    "transformers": {"tokens": 3 * 40 * 16},
    "sklearn": {"rows": 3 * 256},
}
"""Framework -> work of the whole training; of `plain` it is random."""
METRICS = {
    "plain": {"loss"}, "keras": {"loss", "accuracy", "val_loss", "val_accuracy"}, "lightning": {"loss", "val_loss"},
    "transformers": {"loss", "eval_loss"}, "sklearn": {"loss"},
}  # fmt: skip


def program(framework: str) -> str:
    blocks = dict(block.split("\n", 1) for block in PAGE.split("```")[1::2])
    return blocks[f"python {framework}"]


def interpreter(framework: str) -> str:
    if framework in ("plain", "sklearn"):
        return sys.executable
    if framework == "keras":
        assert SUT_PYTHON.exists(), f"{SUT_PYTHON}: no such file; `./lab test` makes the SUT's environment"
        return str(SUT_PYTHON)
    named = os.environ.get("WATTLAB_TORCH_PYTHON", "")
    if not named or subprocess.run([named, "-c", f"import {framework}"], check=False).returncode:
        pytest.skip(f"WATTLAB_TORCH_PYTHON names no interpreter that imports {framework}")
    return named


@pytest.mark.parametrize("framework", ["plain", "keras", "lightning", "transformers", "sklearn"])
def test_a_training_marks_its_epochs_with_their_metrics_and_the_work_of_each(framework: str, tmp_path: Path) -> None:
    python = interpreter(framework)
    (tmp_path / "train.py").write_text(program(framework))
    (tmp_path / "wattlab_markers.py").symlink_to(MODULE)
    marks = tmp_path / "marks"
    environment = {**os.environ, "WATTLAB_MARKERS": str(marks), "HF_HUB_OFFLINE": "1", "CUDA_VISIBLE_DEVICES": ""}
    done = subprocess.run(
        [python, "train.py"], cwd=tmp_path, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    lines: list[dict[str, Any]] = [parse_marker(line) for line in marks.read_bytes().splitlines()]
    epochs = [line for line in lines if line.get("action") == "epoch"]
    assert [(line["index"], line["edge"]) for line in epochs] == [(i, e) for i in range(3) for e in ("begin", "end")]
    assert all(METRICS[framework] <= line["metrics"].keys() for line in epochs[1::2])
    each = [line.get("work") for line in epochs[1::2]]
    assert all(each)
    assert not any(line.get("work") for line in epochs[::2])
    total: Counter[str] = Counter()
    for line in lines:
        total.update(line.get("work") or {})
    if WORK[framework]:
        assert dict(total) == WORK[framework]
        assert each == [{unit: amount / 3 for unit, amount in WORK[framework].items()}] * 3
    else:
        assert list(total) == ["tokens"]


def test_outside_a_run_the_same_program_leaves_nothing(tmp_path: Path) -> None:
    (tmp_path / "train.py").write_text(program("plain"))
    (tmp_path / "wattlab_markers.py").symlink_to(MODULE)
    environment = {name: value for name, value in os.environ.items() if name != "WATTLAB_MARKERS"}
    subprocess.run([sys.executable, "-B", "train.py"], cwd=tmp_path, env=environment, check=True)
    assert {path.name for path in tmp_path.iterdir()} == {"train.py", "wattlab_markers.py"}
