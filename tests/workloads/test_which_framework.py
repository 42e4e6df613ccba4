"""One training in several frameworks: they begin with the same numbers, and what they record says so.

scikit-learn is this interpreter's, TensorFlow that of the SUT's environment. JAX and PyTorch run where
WATTLAB_JAX_PYTHON and WATTLAB_TORCH_PYTHON name interpreters that import them.
"""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.workloads.conftest import ROOT, SUT_PYTHON

WORKLOADS = ROOT / "workloads"
PARAMETERS: dict[str, Any] = {
    "framework": "tensorflow", "device": "cpu", "image_size": 32, "batch_size": 8, "images_per_class": 0,
    "validation_fraction": 0.2, "hidden_units": 64, "dropout": 0.0, "learning_rate": 0.001, "epochs": 2,
}  # fmt: skip
PYTHONS = {
    "tensorflow": str(SUT_PYTHON),
    "sklearn": sys.executable,
    "jax": os.environ.get("WATTLAB_JAX_PYTHON", ""),
    "torch": os.environ.get("WATTLAB_TORCH_PYTHON", ""),
}
SAME = ("dataset", "weights", "order_sha256", "parameters_total", "batches", "images_seen_train")
"""Of summary.json: to the bit in every framework."""
RELATIVE = 1e-5
"""Of single precision, over a batch."""

EDGES = ("begin", "end")


def begin(
    folder: Path, data: Path, network: str, framework: str, /, **changes: object
) -> subprocess.CompletedProcess[str]:
    """Start train.py as the agent does: the scenario's files copied flat into an empty work folder."""
    work = folder / "work"
    shutil.copytree(WORKLOADS / "frameworks", work)
    for name in ("pictures.py", "quality.py", "task.py"):
        shutil.copy(WORKLOADS / "training" / name, work)
    shutil.copy(WORKLOADS / "markers" / "wattlab_markers.py", work)
    told = {
        "WATTLAB_PARAMETERS": json.dumps(PARAMETERS | {"framework": framework} | changes),
        "WATTLAB_SEED": "5",
        "WATTLAB_DATA": str(data),
        "WATTLAB_MARKERS": str(folder / "markers"),
        "WATTLAB_ARTIFACTS": str(folder),
    }
    command = [PYTHONS[framework], "train.py", network]
    return subprocess.run(command, cwd=work, env={**os.environ, **told}, capture_output=True, text=True, check=False)


def trained(folder: Path, data: Path, network: str, framework: str) -> dict[str, Any]:
    """The summary of a training; skipped where no interpreter is named for it."""
    if not PYTHONS[framework]:
        pytest.skip(f"WATTLAB_{framework.upper()}_PYTHON names no interpreter")
    done = begin(folder, data, network, framework)
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads((folder / "summary.json").read_text())
    return found


@pytest.fixture(scope="module")
def mlp(tmp_path_factory: pytest.TempPathFactory, data: Path) -> dict[str, Any]:
    """The MLP in TensorFlow."""
    return trained(tmp_path_factory.mktemp("mlp"), data, "mlp", "tensorflow")


@pytest.fixture(scope="module")
def cnn(tmp_path_factory: pytest.TempPathFactory, data: Path) -> dict[str, Any]:
    """The CNN in PyTorch."""
    return trained(tmp_path_factory.mktemp("cnn"), data, "cnn", "torch")


def agree(one: dict[str, Any], other: dict[str, Any]) -> None:
    assert {key: one[key] for key in SAME} == {key: other[key] for key in SAME}
    assert one["first_batch_loss"] == pytest.approx(other["first_batch_loss"], rel=RELATIVE)
    # Sums are made in another order, and epsilon stands elsewhere in PyTorch's Adam: equal but for that.
    assert one["losses"] == pytest.approx(other["losses"], rel=1e-2)
    assert one["software"].keys() != other["software"].keys()


@pytest.mark.parametrize("other", ["jax", "torch"])
def test_the_mlp_begins_with_the_same_numbers_in_every_framework(
    other: str, tmp_path: Path, data: Path, mlp: dict[str, Any]
) -> None:
    agree(mlp, trained(tmp_path, data, "mlp", other))


@pytest.mark.parametrize("other", ["jax", "tensorflow"])
def test_the_cnn_begins_with_the_same_numbers_in_every_framework_that_has_convolutions(
    other: str, tmp_path: Path, data: Path, cnn: dict[str, Any]
) -> None:
    agree(cnn, trained(tmp_path, data, "cnn", other))


def test_scikit_learn_too_trains_the_same_and_marks_its_actions_and_epochs(
    tmp_path: Path, data: Path, mlp: dict[str, Any]
) -> None:
    found = trained(tmp_path, data, "mlp", "sklearn")
    agree(mlp, found)
    assert found["parameters_total"] == 32 * 32 * 3 * 64 + 64 + 64 * 5 + 5
    assert (found["images_seen_train"], found["images_seen_validation"]) == (2 * 40, 2 * 10)
    lines = [json.loads(line) for line in (tmp_path / "markers").read_text().splitlines()]
    order = [f"{line['action']} {line['edge']}" for line in lines]
    before = [f"{name} {edge}" for name in ("import", "image_preparation", "net_creation", "check") for edge in EDGES]
    epochs = [f"epoch {edge}" for _ in range(2) for edge in EDGES]
    assert order == [*before, "training begin", *epochs, "training end", "evaluation begin", "evaluation end"]
    ends = [line["metrics"] for line in lines if line["action"] == "epoch" and line["edge"] == "end"]
    assert [one["loss"] for one in ends] == pytest.approx(found["losses"])
    assert [one["val_accuracy"] for one in ends] == found["val_accuracies"]


NUMBERS = """
import json, sys
sys.path[:0] = sys.argv[1:]
from network import FILTERS, Network, digest_of
drawn = [digest_of([kernel for kernel, _ in Network(8, (4,), 3, 5, 0.0).drawn_weights(seed)]) for seed in (1, 1, 2)]
print(json.dumps([Network(224, FILTERS["cnn"], 512, 5, 0.2).parameters, drawn[0] == drawn[1], drawn[0] == drawn[2]]))
"""


def test_the_cnn_has_the_published_parameters_and_weights_follow_from_the_seed() -> None:
    folder = str(WORKLOADS / "frameworks")
    said = subprocess.run([sys.executable, "-c", NUMBERS, folder], capture_output=True, text=True, check=True).stdout
    assert json.loads(said) == [25_716_773, True, False]


@pytest.mark.parametrize(
    ("network", "changes", "said"),
    [
        ("cnn", {"dropout": 0.5, "device": "gpu"},
         "scikit-learn's MLPClassifier has no convolutions and no dropout and no GPU"),
        ("mlp", {"batch_size": 41}, "40 pictures for training are less than one batch of 41"),
        ("mlp", {"framework": "theano"}, "framework, device: found 'theano' on 'cpu'"),
        ("mlp", {"framework": "jax"}, "jax cannot be imported by"),
        ("mlp", {"epochs": 0}, "epochs: found 0"),
    ],
)  # fmt: skip
def test_what_a_framework_cannot_do_is_said_in_a_sentence(
    network: str, changes: dict[str, object], said: str, tmp_path: Path, data: Path
) -> None:
    done = begin(tmp_path, data, network, "sklearn", **changes)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith(f"train.py: {said}")
    assert done.stderr.count("\n") == 1
