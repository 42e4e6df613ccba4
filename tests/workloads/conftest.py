"""The SUT's environment, and a small prepared data folder."""

import json
import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from workloads import dataset, flowers

ROOT = Path(__file__).parents[2]
SUT_PYTHON = ROOT / ".venv-sut" / "bin" / "python"
PARAMETERS = {
    "image_size": 32,
    "batch_size": 16,
    "images_per_class": 0,
    "validation_fraction": 0.2,
    "target": 1.0,
    "max_epochs": 2,
    "fixed_epochs": 0,
}

Start = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture(scope="session")
def sut_python() -> str:
    assert SUT_PYTHON.exists(), f"{SUT_PYTHON}: no such file; `./lab test` makes the SUT's environment"
    return str(SUT_PYTHON)


@pytest.fixture(scope="session")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """WATTLAB_DATA as prepare.py leaves it: ten flowers per class and wattlab's weights."""
    folder = tmp_path_factory.mktemp("data")
    flowers.write_set(folder / "set", 10, 3, lambda _line: None)
    files = dataset.index_of(folder / "set")
    record = {"schema": 1, "kind": "generated", "folder": "set", "digest": dataset.digest_of(files), "files": files}
    (folder / "dataset.json").write_text(json.dumps(record))
    weights = shutil.copy(ROOT / "workloads" / "weights" / "mobilenetv2-generated.npz", folder)
    named = {"schema": 1, "kind": "wattlab-pretrained", "file": "mobilenetv2-generated.npz"}
    (folder / "weights.json").write_text(json.dumps({**named, "sha256": dataset.sha256_of(Path(weights))}))
    return folder


@pytest.fixture
def start(tmp_path: Path, data: Path, sut_python: str) -> Start:
    """Start train.py as the agent does: its files copied flat into an empty work folder (`tmp_path/work`)."""

    def run(mode: str, changes: dict[str, Any] | None = None, **environment: str) -> subprocess.CompletedProcess[str]:
        work = tmp_path / "work"
        work.mkdir()
        folders = [ROOT / "workloads" / name for name in ("training", "trackers")]
        programs = [file for folder in folders for file in folder.glob("*.py")]
        for program in (*programs, ROOT / "workloads" / "markers" / "wattlab_markers.py"):
            shutil.copy(program, work)
        given = {
            "WATTLAB_PARAMETERS": json.dumps(PARAMETERS | (changes or {})),
            "WATTLAB_SEED": "5",
            "WATTLAB_DATA": str(data),
            "WATTLAB_MARKERS": str(tmp_path / "markers"),
            "WATTLAB_ARTIFACTS": str(tmp_path / "artifacts"),
        }
        command = [sut_python, "train.py", mode]
        full = {**os.environ, **given, **environment}
        return subprocess.run(command, cwd=work, env=full, capture_output=True, text=True, check=False)

    return run
