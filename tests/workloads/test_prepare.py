"""`prepare.py` as the SUT starts it: a program beside its files, with WATTLAB_DATA."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

from tests.workloads.test_dataset import closed_port, make_archive

PROGRAM = Path(__file__).parents[2] / "workloads" / "prepare.py"


def prepare(data: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    nowhere = f"http://127.0.0.1:{closed_port()}/"
    unreachable = ["--flowers-url", f"{nowhere}flower_photos.tgz", "--imagenet-url", f"{nowhere}imagenet_no_top.h5"]
    return subprocess.run(
        [sys.executable, str(PROGRAM), *unreachable, *arguments],
        env={**os.environ, "WATTLAB_DATA": str(data)},
        capture_output=True,
        text=True,
        check=False,
    )


def result_of(done: subprocess.CompletedProcess[str]) -> dict[str, Any]:
    assert done.returncode == 0, done.stderr
    result: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return result


def test_without_a_network_flowers_are_generated_and_own_weights_taken_once(tmp_path: Path) -> None:
    first = prepare(tmp_path, "--images-per-class", "5")
    result = result_of(first)
    assert result["dataset"]["kind"] == "generated"
    assert set(result["dataset"]["classes"].values()) == {5}
    assert result["weights"]["kind"] == "wattlab-pretrained"
    published = json.loads((PROGRAM.parent / "weights" / "mobilenetv2-generated.json").read_text())
    assert result["weights"]["sha256"] == published["sha256"]
    pictures = sorted((tmp_path / result["dataset"]["folder"]).rglob("*.jpg"))
    stamps = [path.stat().st_mtime_ns for path in pictures]
    again = prepare(tmp_path, "--images-per-class", "5")
    assert result_of(again) == result
    assert [path.stat().st_mtime_ns for path in pictures] == stamps
    assert "generating" not in again.stdout


def test_what_nothing_reads_is_not_brought(tmp_path: Path) -> None:
    assert list(result_of(prepare(tmp_path, "--only", "weights"))) == ["weights"]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["mobilenetv2-generated.npz", "weights.json"]


def test_an_archive_at_hand_is_tf_flowers(tmp_path: Path) -> None:
    archive = make_archive(tmp_path / "flower_photos.tgz")
    result = result_of(prepare(tmp_path / "data", "--archive", str(archive)))
    assert (result["dataset"]["kind"], result["dataset"]["published"]) == ("tf_flowers", False)
    assert set(result["dataset"]["classes"].values()) == {3}


def test_imagenet_weights_that_lie_in_the_data_folder_are_taken(tmp_path: Path) -> None:
    (tmp_path / "imagenet_no_top.h5").write_bytes(b"weights")
    result = result_of(prepare(tmp_path, "--images-per-class", "5"))
    assert (result["weights"]["kind"], result["weights"]["file"]) == ("imagenet", "imagenet_no_top.h5")


def test_given_weights_are_kept_beside_the_data(tmp_path: Path) -> None:
    mine = tmp_path / "mine.keras"
    mine.write_bytes(b"weights")
    result = result_of(prepare(tmp_path / "data", "--images-per-class", "5", "--weights", str(mine)))
    assert (result["weights"]["kind"], result["weights"]["file"]) == ("file", "mine.keras")
    assert (tmp_path / "data" / "mine.keras").read_bytes() == b"weights"


def test_what_cannot_be_had_is_one_sentence(tmp_path: Path) -> None:
    small = ["--images-per-class", "5", "--data"]
    refused = {
        "give flower_photos.tgz with --archive": ["--data", "tf_flowers"],
        "give a .h5 or .keras file": [*small, "generated", "--weights", "imagenet"],
        "no such file; expected MobileNetV2": [*small, "generated", "--weights", str(tmp_path / "no.h5")],
        "no such file; expected flower_photos.tgz": ["--archive", str(tmp_path / "no.tgz")],
        "at least 5": ["--images-per-class", "2"],
    }
    for sentence, arguments in refused.items():
        done = prepare(tmp_path / "data", *arguments)
        assert done.returncode != 0
        assert sentence in done.stderr
        assert "Traceback" not in done.stderr
