"""train.py as a run starts it: actions in order, what it records, what it leaves behind, how it refuses."""

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from tests.workloads.conftest import Start


def read_markers(tmp_path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (tmp_path / "markers").read_text().splitlines()]


def read_summary(tmp_path: Path) -> dict[str, Any]:
    summary: dict[str, Any] = json.loads((tmp_path / "artifacts" / "summary.json").read_text())
    return summary


def order(tmp_path: Path) -> list[str]:
    return [f"{m['action']}{m['index']} {m['edge']}" for m in read_markers(tmp_path)]


def both(*names: str) -> list[str]:
    return [f"{name} {edge}" for name in names for edge in ("begin", "end")]


AFTERWARDS = both("evaluation0", "export0", "reset0")
BEFORE = both("image_preparation0", "net_creation0")


def test_a_run_of_the_cnn_marks_every_action_and_leaves_nothing_behind(tmp_path: Path, start: Start) -> None:
    done = start("cnn")
    assert done.returncode == 0, done.stderr
    training = ["training0 begin", *both("epoch0", "epoch1"), "training0 end"]
    assert order(tmp_path) == [*BEFORE, *training, *AFTERWARDS]
    epochs = [m for m in read_markers(tmp_path) if m["action"] == "epoch" and m["edge"] == "end"]
    assert all(set(m["metrics"]) == {"loss", "accuracy", "val_loss", "val_accuracy"} for m in epochs)
    work = {path.name for path in (tmp_path / "work").iterdir()}
    assert not work & {"images", "model.keras"}
    summary = read_summary(tmp_path)
    assert (summary["epochs"], summary["stopped_by"], summary["reached"]) == (2, "max_epochs", False)
    assert (summary["images_seen_train"], summary["images_seen_validation"]) == (80, 20)
    assert (summary["dataset"]["images_train"], summary["dataset"]["images_validation"]) == (40, 10)
    assert summary["dataset"]["used_digest"] == summary["dataset"]["digest"]
    assert (summary["restored"], summary["loss_finite"], summary["weights"]["kind"]) == (True, True, "random")
    assert summary["model"]["bytes"] > 100_000
    assert len(summary["model"]["sha256"]) == 64
    assert summary["quality"]["accuracy"] == pytest.approx(summary["val_accuracy"])
    assert summary["quality"]["classified"] == 10
    history = json.loads((tmp_path / "artifacts" / "history.json").read_text())
    assert history["val_loss"] == pytest.approx([m["metrics"]["val_loss"] for m in epochs])


def test_the_target_ends_the_training_at_the_end_of_an_epoch(tmp_path: Path, start: Start) -> None:
    done = start("transfer", {"target": 0.0, "max_epochs": 50, "images_per_class": 5})
    assert done.returncode == 0, done.stderr
    summary = read_summary(tmp_path)
    assert (summary["epochs"], summary["stopped_by"], summary["reached"]) == (1, "target", True)
    assert (summary["parameters_total"], summary["parameters_trainable"]) == (2_264_389, 6_405)
    assert summary["weights"]["kind"] == "wattlab-pretrained"
    assert summary["dataset"]["images_train"] == 20
    assert summary["dataset"]["used_digest"] != summary["dataset"]["digest"]


def test_fixed_epochs_are_run_whatever_is_reached(tmp_path: Path, start: Start) -> None:
    done = start("cnn", {"target": 0.0, "fixed_epochs": 3})
    assert done.returncode == 0, done.stderr
    summary = read_summary(tmp_path)
    assert (summary["epochs"], summary["stopped_by"], summary["reached"]) == (3, "fixed_epochs", True)


def test_idle_sleeps_instead_of_training(tmp_path: Path, start: Start) -> None:
    done = start("idle", {"idle_s": 0.5})
    assert done.returncode == 0, done.stderr
    assert order(tmp_path) == [*BEFORE, *both("sleep0"), *both("export0", "reset0")]
    begin, end = (m["sut_ns"] for m in read_markers(tmp_path) if m["action"] == "sleep")
    assert end - begin >= 500_000_000
    assert "epochs" not in read_summary(tmp_path)


def test_without_markers_the_program_runs_the_same(tmp_path: Path, start: Start) -> None:
    done = start("idle", {"idle_s": 0.0}, WATTLAB_MARKERS="")
    assert done.returncode == 0, done.stderr
    assert not (tmp_path / "markers").exists()
    assert read_summary(tmp_path)["restored"]


def test_a_changed_picture_stops_the_run(tmp_path: Path, data: Path, start: Start) -> None:
    changed = shutil.copytree(data, tmp_path / "changed")
    with (changed / "set" / "roses" / "00003.jpg").open("ab") as file:
        file.write(b"x")
    done = start("cnn", WATTLAB_DATA=str(changed))
    assert done.returncode == 1
    assert "roses/00003.jpg: sha256" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    ("changes", "environment", "sentence"),
    [
        ({"image_size": "big"}, {}, "image_size: found 'big', expected int"),
        ({"target": 80}, {}, "target: found 80, expected float in 0.0 to 1.0"),
        ({"learning_rate": 1}, {}, "learning_rate"),
        ({"images_per_class": 11}, {}, "10 pictures, 11 wanted"),
        ({}, {"WATTLAB_SEED": "-1"}, "WATTLAB_SEED: found -1"),
        ({}, {"WATTLAB_DATA": ""}, "not set: WATTLAB_DATA"),
        ({}, {"WATTLAB_DATA": "/nowhere"}, "run `wattlab sut prepare`"),
    ],
)
def test_a_wrong_order_is_one_sentence(
    changes: dict[str, Any], environment: dict[str, str], sentence: str, start: Start
) -> None:
    done = start("cnn", changes, **environment)
    assert done.returncode == 1
    assert sentence in done.stderr
    assert "Traceback" not in done.stderr
