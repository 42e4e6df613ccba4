"""Yarally's networks by hand formulas, the readers of the published data sets, and the program as a run starts it."""

import gzip
import json
import os
import pickle
import subprocess
import tomllib
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from harness.measure.lab_file import load as load_lab
from harness.measure.plan import make_plan
from tests.harness.stations import station_file
from tests.workloads.conftest import ROOT
from workloads.yarally import picture_sets
from workloads.yarally.picture_sets import DataProblem, generated, load, read_binary, read_idx, read_pickled

FOLDER = ROOT / "workloads" / "yarally"
PROGRAM = """
import json, sys
sys.path[:0] = sys.argv[1].split(":")
import numpy as np
from classifiers import CoupledAdam, network
from counts import count_parameters
import keras
facts = []
for name, shape, linear, conv, relu in json.loads(sys.argv[2]):
    model = network(name, tuple(shape), linear, conv, relu)
    facts.append(count_parameters(model) | {
        "layers": [type(layer).__name__ for layer in model.layers],
        "widths": [layer.units for layer in model.layers if hasattr(layer, "units")]})
layer = network("dense-poly", (28, 28, 1), 2, 0, False).layers[1]
facts.append([float(np.abs(weight).max()) for weight in layer.get_weights()])
steps = []
for optimizer in (CoupledAdam(0.5, learning_rate=0.1), keras.optimizers.Adam(learning_rate=0.1)):
    variable = keras.Variable([1.0, -2.0])
    optimizer.build([variable])
    given = np.array([0.25, 0.5]) if len(steps) == 0 else np.array([0.25 + 0.5 * 1.0, 0.5 + 0.5 * -2.0])
    optimizer.apply([keras.ops.convert_to_tensor(given, dtype="float32")], [variable])
    steps.append(variable.numpy().tolist())
facts.append(steps)
import contextlib, io, os, learn
runs = {}
for case, environment in json.loads(sys.argv[3]).items():
    os.environ |= environment
    with contextlib.redirect_stderr(io.StringIO()) as said:
        runs[case] = [learn.main(), said.getvalue()]
facts.append(runs)
print(json.dumps(facts))
"""
CASES: list[tuple[str, tuple[int, int, int], int, int, bool]] = [
    ("dense-linear", (28, 28, 1), 3, 0, False),
    ("dense-poly", (32, 32, 3), 3, 0, False),
    *(("simple-cnn", shape, linear, conv, relu)
      for shape in ((28, 28, 1), (32, 32, 3)) for linear in (3, 7) for conv in (1, 4) for relu in (False, True)),
]  # fmt: skip
"""The two dense networks and the eight rows of table 3.2 on both sets."""


def dense(widths: list[int]) -> int:
    return sum((before + 1) * after for before, after in pairwise(widths))


def by_hand(name: str, shape: tuple[int, int, int], linear: int, conv: int) -> tuple[int, int]:
    """Total and trainable parameters, written down without the program's own functions."""
    pixels = shape[0] * shape[1] * shape[2]
    if name == "dense-linear":  # 784, 526, 268, 10
        total = dense([round(pixels - (pixels - 10) * place / linear) for place in range(linear + 1)])
        return total, total
    total, fixed, channels, side = 0, 0, shape[2], shape[0]
    for _ in range(conv):
        total += (9 * channels + 1) * 3 * channels + 4 * 3 * channels
        fixed += 2 * 3 * channels
        channels, side = 3 * channels, side // 2
    widths = [channels * side * side if name == "simple-cnn" else pixels]
    for _ in range(linear - 1):
        widths.append(max(widths[0] // 2 ** len(widths), 10))
    total += dense([*widths, 10])
    return total, total - fixed


SMALL = {"epochs": 2, "batch_size": 64, "train_images": 400, "test_images": 100}
RUNS: dict[str, dict[str, Any]] = {
    "fine": {"learning_rate": 0.003},
    "diverges": {"network": "dense-linear", "learning_rate": 10.0, "weight_decay": 10.0, "beta_1": 1.0, "beta_2": 0.0},
    "refused": {"network": "resnet"},
}
"""What the program is run with, beside the small sizes."""


@pytest.fixture(scope="module")
def ran(sut_python: str, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[Any]]:
    """What one process of the SUT says of the networks, and of three runs of the program; where these left it."""
    folder = tmp_path_factory.mktemp("yarally")
    defaults = tomllib.loads((FOLDER / "scenario.toml").read_text())["parameters"]
    environments = {
        case: {
            "WATTLAB_PARAMETERS": json.dumps(defaults | SMALL | changes), "WATTLAB_SEED": "7",
            "WATTLAB_DATA": str(folder), "WATTLAB_ARTIFACTS": str(folder / case),
        }
        for case, changes in RUNS.items()
    }  # fmt: skip
    places = f"{FOLDER}:{ROOT / 'workloads' / 'training'}:{ROOT / 'workloads' / 'markers'}"
    command = [sut_python, "-c", PROGRAM, places, json.dumps(CASES), json.dumps(environments)]
    environment = os.environ | {"CUDA_VISIBLE_DEVICES": "", "WATTLAB_MARKERS": str(folder / "markers")}
    done = subprocess.run(command, capture_output=True, text=True, env=environment, timeout=330)
    assert done.returncode == 0, done.stderr
    return folder, json.loads(done.stdout.splitlines()[-1])


@pytest.fixture(scope="module")
def counted(ran: tuple[Path, list[Any]]) -> list[Any]:
    return ran[1]


def test_the_networks_have_the_parameters_of_the_formulas(counted: list[Any]) -> None:
    for (name, shape, linear, conv, relu), facts in zip(CASES, counted, strict=False):
        found = (facts["parameters_total"], facts["parameters_trainable"])
        assert found == by_hand(name, shape, linear, conv), (name, shape, linear, conv, relu)
        assert len(facts["widths"]) == linear
        assert facts["layers"].count("ReLU") == (conv if relu and name == "simple-cnn" else 0)
        assert facts["layers"].count("BatchNormalization") == facts["layers"].count("Conv2D")
    assert counted[0]["widths"] == [526, 268, 10]
    assert counted[1]["widths"] == [1536, 768, 10]
    assert counted[0]["parameters_total"] == 785 * 526 + 527 * 268 + 269 * 10
    # One block on FashionMNIST: 28 filters' worth of weights, 12 numbers of the normalisation, 588 -> 294 -> 147 -> 10.
    assert counted[2]["parameters_total"] == 10 * 3 + 4 * 3 + 589 * 294 + 295 * 147 + 148 * 10


def test_weights_and_weight_decay_are_those_of_pytorch(counted: list[Any]) -> None:
    bounds, (coupled, plain) = counted[-3], counted[-2]
    assert all(0.9 / 28 < bound <= 1 / 28 for bound in bounds)  # uniform within 1/sqrt(784)
    assert coupled == pytest.approx(plain, rel=1e-6)


# --- the published files ---


def idx(content: np.ndarray) -> bytes:
    head = b"\0\0\x08" + bytes([content.ndim]) + b"".join(size.to_bytes(4, "big") for size in content.shape)
    return head + content.astype(np.uint8).tobytes()


def fashion(folder: Path, compressed: bool = True) -> tuple[np.ndarray, np.ndarray]:
    folder.mkdir(parents=True)
    dice = np.random.default_rng(4)
    pictures, classes = dice.integers(0, 256, (30, 28, 28), dtype=np.uint8), np.arange(30, dtype=np.uint8) % 10
    for side in ("train", "t10k"):
        for part, content in (("images-idx3", pictures), ("labels-idx1", classes)):
            name, raw = f"{side}-{part}-ubyte", idx(content)
            (folder / (name + ".gz" if compressed else name)).write_bytes(gzip.compress(raw) if compressed else raw)
    return pictures, classes


@pytest.mark.parametrize("compressed", [True, False])
def test_fashion_mnist_is_read_from_its_files(tmp_path: Path, compressed: bool) -> None:
    pictures, classes = fashion(tmp_path / "fashion-mnist", compressed)
    found = load(tmp_path, "fashion-mnist", 0, 5)
    assert found.train[0].shape == (30, 28, 28, 1)
    assert (found.train[0][..., 0] == pictures).all()
    assert found.test[1].tolist() == classes[:5].tolist()
    assert (found.record["kind"], found.record["source"]) == ("published", "fashion-mnist")
    assert (found.record["images_train"], found.record["images_test"]) == (30, 5)


def batch(count: int) -> tuple[np.ndarray, np.ndarray]:
    dice = np.random.default_rng(count)
    return dice.integers(0, 256, (count, 3072), dtype=np.uint8), dice.integers(0, 10, count, dtype=np.uint8)


def test_cifar_10_is_read_from_its_pickles_and_from_its_binaries_alike(tmp_path: Path) -> None:
    names = [f"data_batch_{number}" for number in range(1, 6)] + ["test_batch"]
    for place in ("py/cifar-10-batches-py-target/cifar-10-batches-py", "bin/cifar-10-batches-bin"):
        (tmp_path / place).mkdir(parents=True)
    for size, name in enumerate(names, 3):
        data, labels = batch(size)
        python = {b"data": data, b"labels": labels.tolist(), b"batch_label": b"one", b"filenames": [b"a.png"] * size}
        path = tmp_path / "py/cifar-10-batches-py-target/cifar-10-batches-py" / name
        path.write_bytes(pickle.dumps(python, protocol=2))
        binary = np.concatenate([labels[:, None], data], axis=1).astype(np.uint8)
        (tmp_path / "bin/cifar-10-batches-bin" / f"{name}.bin").write_bytes(binary.tobytes())
    one, other = load(tmp_path / "py", "cifar-10", 0, 0), load(tmp_path / "bin", "cifar-10", 0, 0)
    assert one.record["used_digest"] == other.record["used_digest"]
    assert one.train[0].shape == (3 + 4 + 5 + 6 + 7, 32, 32, 3)
    data, _ = batch(3)
    assert one.train[0][0, 2, 5].tolist() == [data[0, plane * 1024 + 2 * 32 + 5] for plane in range(3)]


def test_a_pickle_that_names_anything_but_arrays_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "data_batch_1"
    path.write_bytes(pickle.dumps({b"data": Path("x"), b"labels": []}, protocol=2))
    with pytest.raises(
        DataProblem, match=r"no batch of CIFAR-10 \(it names pathlib\.\w+, which is no part of an array"
    ):
        read_pickled(path)
    path.write_bytes(pickle.dumps({b"data": np.zeros((2, 3072)), b"labels": [1, 2]}, protocol=2))
    with pytest.raises(DataProblem, match="no bytes of 3072 a picture"):
        read_pickled(path)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"not an IDX file", "no IDX file of bytes"),
        (idx(np.zeros((3, 28, 28)))[:-1], r"2351 bytes of data, its head announces \(3, 28, 28\)"),
        (b"", "no IDX file of bytes"),
    ],
)
def test_a_damaged_idx_file_is_named(tmp_path: Path, content: bytes, message: str) -> None:
    path = tmp_path / "train-images-idx3-ubyte"
    path.write_bytes(content)
    with pytest.raises(DataProblem, match=message) as caught:
        read_idx(path)
    assert str(path) in str(caught.value)


def test_files_that_are_cut_off_or_missing_are_named(tmp_path: Path) -> None:
    folder = tmp_path / "fashion-mnist"
    fashion(folder)
    whole = (folder / "t10k-images-idx3-ubyte.gz").read_bytes()
    (folder / "t10k-images-idx3-ubyte.gz").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(DataProblem, match=r"t10k-images-idx3-ubyte\.gz: cannot be read"):
        load(tmp_path, "fashion-mnist", 0, 0)
    (folder / "t10k-images-idx3-ubyte.gz").unlink()
    with pytest.raises(DataProblem, match="not all four files"):
        load(tmp_path, "fashion-mnist", 0, 0)
    (tmp_path / "data_batch_1.bin").write_bytes(b"\0" * 3000)
    with pytest.raises(DataProblem, match="3000 bytes are no whole records"):
        read_binary(tmp_path / "data_batch_1.bin")


def test_without_the_files_a_set_of_the_same_shape_is_generated_and_said_so(tmp_path: Path) -> None:
    found = load(tmp_path, "cifar-10", 300, 100)
    assert (found.record["kind"], found.record["source"]) == ("generated", None)
    assert found.train[0].shape == (300, 32, 32, 3)
    assert sorted(set(found.train[1].tolist())) == list(range(10))
    again = generated("cifar-10", 300, 100)
    assert (again[0][0] == found.train[0]).all()
    assert picture_sets.SIZES == {"fashion-mnist": (60_000, 10_000), "cifar-10": (50_000, 10_000)}


# --- the program ---


def summary_of(folder: Path) -> dict[str, Any]:
    summary: dict[str, Any] = json.loads((folder / "summary.json").read_text())
    return summary


def test_the_program_trains_tests_and_says_what_it_worked_on(ran: tuple[Path, list[Any]]) -> None:
    folder, facts = ran
    assert facts[-1]["fine"] == [0, ""]
    summary = summary_of(folder / "fine")
    assert summary["dataset"]["kind"] == "generated"
    assert summary["images_seen_train"] == 800
    assert 0.2 < summary["val_accuracy"] <= 1.0  # 0.1 is chance
    assert summary["correct"] == round(100 * summary["val_accuracy"])
    marks = [json.loads(line) for line in (folder / "markers").read_text().splitlines()]
    begun = [mark["action"] for mark in marks if mark.get("edge") == "begin"]
    assert begun[:6] == ["image_preparation", "net_creation", "training", "epoch", "epoch", "evaluation"]


def test_a_training_that_leaves_the_numbers_is_a_result_without_one(ran: tuple[Path, list[Any]]) -> None:
    folder, facts = ran
    assert facts[-1]["diverges"] == [0, ""]
    summary = summary_of(folder / "diverges")
    assert summary["val_accuracy"] is None
    assert summary["loss_finite"] is False


def test_a_parameter_that_cannot_be_is_named(ran: tuple[Path, list[Any]]) -> None:
    code, said = ran[1][-1]["refused"]
    assert code == 1
    assert "network: found 'resnet', expected one of ('dense-linear', 'dense-poly', 'simple-cnn')" in said


# --- the published campaigns ---


@pytest.mark.parametrize("dataset", ["fashion-mnist", "cifar-10"])
def test_the_campaign_files_have_the_published_sizes(tmp_path: Path, dataset: str) -> None:
    campaigns = ROOT / "workloads" / "campaigns"
    first = load_lab(station_file(tmp_path), campaigns / f"yarally-a-{dataset}.toml")
    runs = [run for run in make_plan(first) if run.kind == "scenario"]
    assert len(first.scenarios) == 18
    assert len(runs) == 18 * 64 * 8 == 18_432 // 2
    assert {(s.parameters["epochs"], s.parameters["batch_size"]) for s in first.scenarios} == {(25, 512)}
    spaces = [list(s.search.space) for s in first.scenarios if s.search is not None]
    assert [len(space) for space in spaces].count(5) == [len(space) for space in spaces].count(3) == 9
    second = load_lab(station_file(tmp_path), campaigns / f"yarally-b-{dataset}.toml")
    rows = [tuple(s.parameters[name] for name in ("linear_layers", "conv_layers", "relu")) for s in second.scenarios]
    assert rows == [(n, m, relu) for n in (3, 7) for m in (1, 4) for relu in (False, True)]
    assert sum(run.kind == "scenario" for run in make_plan(second)) == 8 * 16 * 24 == 3072
