"""`prepare.py` as the SUT starts it: a program beside its files, with WATTLAB_DATA."""

import io
import json
import os
import subprocess
import sys
import tarfile
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


APPLICATIONS = "http://127.0.0.1:9/"


def delrey(data: Path, *parts: str, more: tuple[str, ...] = ()) -> subprocess.CompletedProcess[str]:
    only = [word for part in parts for word in ("--only", part)]
    return prepare(data, "--applications-url", APPLICATIONS, *only, *more)


def write_folders(folder: Path, classes: int) -> None:
    for number in range(classes):
        (folder / f"class{number:03d}").mkdir(parents=True)
        (folder / f"class{number:03d}" / "a.JPG").write_bytes(f"picture {number}".encode())
        (folder / f"class{number:03d}" / "notes.txt").write_text("no picture")


def test_two_classes_are_generated_once_in_the_number_that_is_asked_for(tmp_path: Path) -> None:
    first = result_of(delrey(tmp_path, "binary", more=("--images", "12")))["binary"]
    assert (first["kind"], first["classes"]) == ("generated", {"empty": 6, "occupied": 6})
    record = json.loads((tmp_path / "binary.json").read_text())
    assert len(record["files"]) == 12
    again = delrey(tmp_path, "binary")
    assert result_of(again)["binary"] == first
    assert "generating" not in again.stdout


def test_any_folder_of_two_classes_takes_the_generated_ones_place(tmp_path: Path) -> None:
    result_of(delrey(tmp_path, "binary", more=("--images", "2")))
    write_folders(tmp_path / "binary", 2)
    found = result_of(delrey(tmp_path, "binary"))["binary"]
    assert (found["kind"], found["folder"], found["classes"]) == ("folder", "binary", {"class000": 1, "class001": 1})


def test_a_published_set_has_its_name_where_its_classes_are_as_many(tmp_path: Path) -> None:
    write_folders(tmp_path / "caltech101", 102)
    write_folders(tmp_path / "stanford_dogs", 3)
    found = result_of(delrey(tmp_path, "caltech101", "stanford_dogs"))
    assert (found["caltech101"]["kind"], found["stanford_dogs"]["kind"]) == ("caltech101", "folder")


def test_a_published_archive_is_unpacked_and_nothing_of_it_lands_elsewhere(tmp_path: Path) -> None:
    data = tmp_path / "data"
    data.mkdir()
    with tarfile.open(data / "images.tar", "w") as tar:
        for name in (
            "Images/n1-a/1.jpg",
            "Images/n2-b/2.jpg",
            "Images/../../out.jpg",
            "Images/n3-c/3.txt",
            "x/y/4.jpg",
        ):
            member = tarfile.TarInfo(name)
            member.size = 1
            tar.addfile(member, io.BytesIO(b"x"))
    found = result_of(delrey(data, "stanford_dogs"))["stanford_dogs"]
    assert found["classes"] == {"n1-a": 1, "n2-b": 1}
    assert not (tmp_path / "out.jpg").exists()


def test_imagenet_says_which_networks_have_their_weights(tmp_path: Path) -> None:
    none = result_of(delrey(tmp_path, "imagenet"))["imagenet"]
    assert (none["kind"], none["files"]) == ("untrained", {})
    (tmp_path / "imagenet" / "NASNet-mobile-no-top.h5").write_bytes(b"weights")
    some = result_of(delrey(tmp_path, "imagenet"))["imagenet"]
    assert some["kind"] == "partly imagenet"
    assert some["files"]["NASNetMobile"]["file"] == "imagenet/NASNet-mobile-no-top.h5"


def test_a_set_of_del_rey_that_cannot_be_had_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "binary" / "only").mkdir(parents=True)
    refused = {
        "put 101_ObjectCategories.tar.gz, or a folder caltech101": ("caltech101",),
        "found 1 folders, expected one for each class": ("binary",),
        "an even number": ("binary", "--images", "3"),
    }
    for sentence, (part, *more) in refused.items():
        done = delrey(tmp_path, part, more=tuple(more))
        assert done.returncode != 0
        assert sentence in done.stderr
        assert "Traceback" not in done.stderr
