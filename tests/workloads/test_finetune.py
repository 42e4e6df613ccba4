"""finetune.py as a run starts it: both steps, what ends them, what it records, and how it refuses."""

import json
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.workloads.conftest import ROOT
from workloads import dataset, squares

PARAMETERS: dict[str, Any] = {
    "architecture": "vgg16", "data": "binary", "image_size": 32, "batch_size": 8, "images_per_class": 0,
    "test_fraction": 0.3, "train_per_class": 0, "split_seed": 2022, "pixel_range": 1.0, "augmentation": "colour",
    "cache": True, "top_epochs": 1, "top_learning_rate": 1e-4, "fine_epochs": 2, "fine_learning_rate": 1e-5,
    "fine_momentum": 0.9, "monitor": "val_binary_accuracy", "patience": 20, "min_delta": 1e-3, "start_from_epoch": 0,
    "reduce_patience": 10, "reduce_factor": 0.1, "least_learning_rate": 0.0, "limit_s": 0.0, "ram_limit_gb": 0.0,
    "ram_limit_by": "cgroup",
}  # fmt: skip


@pytest.fixture(scope="module")
def squares_data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """WATTLAB_DATA as prepare.py leaves it: 50 squares of two classes, no weights of ImageNet."""
    folder = tmp_path_factory.mktemp("squares")
    squares.write_set(folder / "set", 50, 3, lambda _line: None)
    files = dataset.index_of(folder / "set", squares.CLASSES)
    record = {"schema": 1, "kind": "generated", "folder": "set", "digest": dataset.digest_of(files), "files": files}
    (folder / "binary.json").write_text(json.dumps(record))
    (folder / "imagenet.json").write_text(json.dumps({"schema": 1, "kind": "untrained", "files": {}}))
    return folder


def started(
    folder: Path, data: Path, command: list[str], orders: str = "", changes: dict[str, Any] | None = None
) -> subprocess.CompletedProcess[str]:
    """What the agent starts, with the files of finetune.py copied flat into an empty work folder (`folder/work`)."""
    work = folder / "work"
    work.mkdir()
    for program in (
        *(ROOT / "workloads" / "training").glob("*.py"),
        ROOT / "workloads" / "trackers" / "tracking.py",
        ROOT / "workloads" / "markers" / "wattlab_markers.py",
    ):
        shutil.copy(program, work)
    given = {
        "WATTLAB_PARAMETERS": json.dumps(PARAMETERS | (changes or {})),
        "WATTLAB_SEED": "5",
        "WATTLAB_DATA": str(data),
        "WATTLAB_MARKERS": str(folder / "markers"),
        "WATTLAB_ARTIFACTS": str(folder / "artifacts"),
    }
    return subprocess.run(
        [sys.executable, "within_memory.py", *command], cwd=work, env=os.environ | given, input=orders,
        capture_output=True, text=True, check=False,
    )  # fmt: skip


def both(*names: str) -> list[str]:
    return [f"{name} {edge}" for name in names for edge in ("begin", "end")]


def test_want_of_memory_is_told_from_every_other_end(tmp_path: Path, squares_data: Path, sut_python: str) -> None:
    limited = {"ram_limit_gb": 1.5, "ram_limit_by": "ulimit", "image_size": 512}
    done = started(tmp_path, squares_data, [sut_python, "finetune.py"], changes=limited)
    assert done.returncode != 0
    assert "out of memory in this cell" in done.stderr.splitlines()[-1], done.stderr[-2000:]
    assert not (tmp_path / "artifacts" / "summary.json").exists()


SMALL = {"images_per_class": 12, "batch_size": 4}
TRAININGS: dict[str, dict[str, Any]] = {
    # No epoch is better than the first by all there is: the patience ends the step, and half of it lowers the rate.
    "early": SMALL | {
        "top_epochs": 0, "fine_epochs": 40, "patience": 4, "reduce_patience": 2, "min_delta": 1.0,
        "monitor": "val_loss", "fine_learning_rate": 1e-9, "cache": False,
    },
    "limit": SMALL | {"top_epochs": 10_000, "fine_epochs": 10, "patience": 10_000, "limit_s": 0.5},
}  # fmt: skip
REFUSALS: list[tuple[dict[str, Any], str]] = [
    ({"architecture": "vgg19"}, "architecture: found 'vgg19', expected one of mobilenet_v2,"),
    ({"architecture": "xception"}, "image_size: found 32, xception takes 71 and more"),
    ({"batch_size": 64}, "35 pictures for training are less than one batch of 64"),
    ({"top_epochs": 0, "fine_epochs": 0}, "expected an epoch to train"),
    ({"cache": "yes"}, "cache: found 'yes', expected bool"),
    ({"data": "nothing"}, "nothing.json: no such file; run `wattlab sut prepare`"),
    ({"test_fraction": 0.01}, "50 pictures leave none for the test"),
    ({"ram_limit_gb": 1.0}, "start the program by within_memory.py"),
    ({"depth": 3}, "unexpected keyword argument 'depth'"),
]
ONE_AFTER_THE_OTHER = """
import contextlib, io, json, os, runpy, sys
try:
    runpy.run_path("finetune.py", run_name="__main__")
    status = 0
except SystemExit as end:
    status = end.code or 0
print(json.dumps([status, ""]), flush=True)
import finetune
del os.environ["WATTLAB_MARKERS"]
for folder, changed in json.loads(sys.stdin.read()):
    os.environ["WATTLAB_PARAMETERS"], os.environ["WATTLAB_ARTIFACTS"] = json.dumps(changed), folder
    with contextlib.redirect_stderr(io.StringIO()) as told:
        status = finetune.main()
    print(json.dumps([status, told.getvalue()]), flush=True)
"""
"""The program as a script, then its main function for each order: one start of TensorFlow."""


@dataclass(frozen=True)
class Several:
    """What became of a whole run, of TRAININGS and of REFUSALS, one after the other in one process."""

    folder: Path
    whole: int
    answers: list[tuple[int, str]]
    stderr: str

    def read(self, training: str, name: str) -> dict[str, Any]:
        found: dict[str, Any] = json.loads((self.folder / training / f"{name}.json").read_text())
        return found


@pytest.fixture(scope="module")
def several(tmp_path_factory: pytest.TempPathFactory, squares_data: Path, sut_python: str) -> Several:
    folder = tmp_path_factory.mktemp("several")
    orders = [*TRAININGS.items(), *(("refused", changes) for changes, _ in REFUSALS)]
    given = json.dumps([[str(folder / name), PARAMETERS | changes] for name, changes in orders])
    done = started(folder, squares_data, [sut_python, "-c", ONE_AFTER_THE_OTHER], given)
    assert done.returncode == 0, done.stderr
    (whole, _), *answers = (json.loads(line) for line in done.stdout.splitlines() if line.startswith("["))
    return Several(folder, whole, [(status, told) for status, told in answers], done.stderr)


def test_both_steps_are_trained_marked_and_recorded(several: Several) -> None:
    assert several.whole == 0, several.stderr
    lines = [json.loads(line) for line in (several.folder / "markers").read_text().splitlines()]
    order = [f"{line['action']}{line['index']} {line['edge']}" for line in lines if "action" in line]
    assert order == [
        *both("image_preparation0", "net_creation0"),
        "training0 begin",
        "top_training0 begin", *both("epoch0"), "top_training0 end",
        "fine_tuning0 begin", *both("epoch1", "epoch2"), "fine_tuning0 end",
        "training0 end",
        *both("evaluation0", "export0", "reset0"),
    ]  # fmt: skip
    summary = several.read("artifacts", "summary")
    # 50 pictures: 15 for the test, 35 for training; of these whole batches of 8
    assert (summary["dataset"]["images_train"], summary["dataset"]["images_test"]) == (35, 15)
    assert summary["images_per_epoch"] == 35 - 35 % 8 + 15 - 15 % 8
    assert (summary["epochs"], summary["images"]) == (3, 3 * 40)
    assert sum(line.get("work", {}).get("images", 0) for line in lines) == summary["images"]
    assert [(step["step"], step["epochs"], step["stopped_by"]) for step in summary["steps"]] == [
        ("top_training", 1, "max_epochs"), ("fine_tuning", 2, "max_epochs"),
    ]  # fmt: skip
    assert [step["restored"] for step in summary["steps"]] == [False, True]
    assert (summary["weights"]["kind"], summary["dataset"]["kind"]) == ("untrained", "generated")
    assert (summary["restored"], summary["loss_finite"]) == (True, True)
    assert summary["parameters_total"] == 14_714_688 + 513
    quality = summary["quality"]
    assert (quality["classified"], quality["positive"]) == (15, "occupied")
    matrix = quality["confusion"]
    assert quality["accuracy"] == pytest.approx((matrix[0][0] + matrix[1][1]) / 15)
    hits, said, there = matrix[1][1], matrix[0][1] + matrix[1][1], sum(matrix[1])
    assert quality["precision"] == pytest.approx(hits / said if said else 0.0)
    assert quality["recall"] == pytest.approx(hits / there)
    assert 0 <= quality["auc"] <= 1
    assert summary["ram_limit"] == {"bytes": None, "by": None}
    assert summary["peak_resident_bytes"] > 100_000_000
    history = several.read("artifacts", "history")
    assert {"loss", "val_loss", "binary_accuracy", "val_precision", "val_recall", "val_auc"} <= set(history)
    assert [len(values) for values in history.values()] == [3] * len(history)
    rates = history["learning_rate"]
    assert rates == pytest.approx([1e-4] + [1e-5] * 2)
    assert not (several.folder / "work" / "model.keras").exists()


def test_a_step_ends_early_and_goes_back_to_its_best_epoch_and_its_rate_falls_before(several: Several) -> None:
    assert several.answers[0] == (0, "")
    (step,) = several.read("early", "summary")["steps"]
    assert (step["step"], step["stopped_by"]) == ("fine_tuning", "early_stopping")
    assert (step["epochs"], step["best_epoch"], step["restored"]) == (5, 0, True)
    rates = several.read("early", "history")["learning_rate"]
    assert rates == pytest.approx([1e-9, 1e-9, 1e-9, 1e-10, 1e-10])


def test_the_time_that_is_given_ends_a_warm_up_with_its_epoch(several: Several) -> None:
    assert several.answers[1] == (0, "")
    (step,) = several.read("limit", "summary")["steps"]
    assert (step["step"], step["stopped_by"]) == ("top_training", "limit")
    assert step["epochs"] < 10_000


def test_a_wrong_order_is_one_sentence(several: Several) -> None:
    for (_, sentence), (status, told) in zip(REFUSALS, several.answers[len(TRAININGS) :], strict=True):
        assert status == 1
        assert sentence in told
        assert told.count("\n") == 1
    assert not (several.folder / "refused" / "summary.json").exists()
