"""Makes or fetches, once per SUT, the pictures and the weights that the scenarios use, or some of them.

Knows the folder WATTLAB_DATA and the records in it: of the core study `dataset.json` (kind, digest, digest of every
file) and `weights.json` (kind, file, digest); of del Rey et al. a NAME.json for each picture set, of the same form, and
`imagenet.json` (kind, and file and digest for each network). Does not know scenarios or runs. Standard library only,
numpy and pillow where pictures are generated. Run on the SUT with its interpreter, beside the other programs of this
folder and `mobilenetv2-generated.npz`; does only what is missing; the last line of its output is a JSON object.

tf_flowers and ImageNet weights are taken where they can be had: in WATTLAB_DATA, from a given file, or from their
publishers where these answer within 3 s. Otherwise the flowers are generated and the weights are wattlab's own. The
picture sets of del Rey et al. are taken as they lie in WATTLAB_DATA, in a folder NAME with a folder for each class or
in their published archive; of two classes a set is generated otherwise. Networks without ImageNet's weights begin
untrained.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import sys
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import dataset
import flowers
import squares
from published import APPLICATIONS_URL, IMAGENET, PICTURE_SETS

FLOWERS_SEED = 20210416
SQUARES_SEED = 20230711
DEFAULT_IMAGES = 34010  # of the generated set of two classes; as many as the private one of the study has
DEFAULT_IMAGES_PER_CLASS = 200  # of the generated set; tf_flowers has 633 to 898 a class, 734 on average
IMAGENET_URL = (
    "https://storage.googleapis.com/tensorflow/keras-applications/mobilenet_v2/"
    "mobilenet_v2_weights_tf_dim_ordering_tf_kernels_1.0_224_no_top.h5"
)
OWN_WEIGHTS = "mobilenetv2-generated.npz"
WEIGHT_SUFFIXES = (".h5", ".keras")

Json = dict[str, Any]


def say(line: str) -> None:
    """One progress line."""
    print(line, flush=True)


def prepare_data(data: Path, choice: str, archive: Path | None, url: str, images_per_class: int) -> Json:
    """Bring a picture set to `data` and return its record (`dataset.json`)."""
    found = None if choice == "generated" else dataset.fetch_tf_flowers(data, archive, url, say)
    if found is None and choice == "tf_flowers":
        raise dataset.DataError(f"tf_flowers: {url} does not answer; give flower_photos.tgz with --archive")
    if found is not None:
        record: Json = {"kind": "tf_flowers", **found}
    else:
        folder = data / f"flowers-generated-{FLOWERS_SEED}-{images_per_class}"
        if not folder.is_dir():
            say(f"generating {images_per_class} flowers per class")
            flowers.write_set(folder, images_per_class, FLOWERS_SEED, say)
        record = {"kind": "generated", "folder": folder.name, "seed": FLOWERS_SEED}
    return _pictures_record(data, record, dataset.CLASSES)


def prepare_weights(data: Path, choice: str, url: str, beside: Path) -> Json:
    """Bring MobileNetV2 weights to `data` and return their record (`weights.json`)."""
    imagenet = data / Path(url).name
    if choice not in ("auto", "imagenet", "wattlab"):
        return _weights_record(data, "file", Path(choice))
    if choice != "wattlab":
        if not imagenet.is_file() and dataset.is_reachable(url):
            say(f"ImageNet weights: fetching {url}")
            dataset.download(url, imagenet, say)
        if imagenet.is_file():
            return _weights_record(data, "imagenet", imagenet)
        if choice == "imagenet":
            raise dataset.DataError(
                f"ImageNet weights: {url} does not answer; give a .h5 or .keras file with --weights"
            )
        say("ImageNet weights: their publisher does not answer; wattlab's own are taken")
    own = next(
        (folder / OWN_WEIGHTS for folder in (beside, beside / "weights") if (folder / OWN_WEIGHTS).is_file()), None
    )
    if own is None:
        raise dataset.DataError(f"{beside / OWN_WEIGHTS}: no such file; copy it beside prepare.py")
    return _weights_record(data, "wattlab-pretrained", own)


def prepare_pictures(data: Path, name: str, images: int) -> Json:
    """A picture set of del Rey et al. as it lies in `data`, unpacked, or, of two classes, generated; its record.

    A set that was generated before stays as it is where `images` is 0.
    """
    known, folder, record = PICTURE_SETS[name], data / name, _read_json(data / f"{name}.json")
    if not folder.is_dir() and known.archive and (data / known.archive).is_file():
        say(f"{name}: {dataset.unpack(data / known.archive, folder, known.inside, ())} pictures from {known.archive}")
    if folder.is_dir():
        classes = dataset.classes_of(folder)
        if len(classes) < 2:
            raise dataset.DataError(f"{folder}: found {len(classes)} folders, expected one for each class")
        kind = name if len(classes) == known.classes and not known.is_private else "folder"
        found: Json = {"kind": kind, "folder": folder.name}
    elif not known.is_private:
        raise dataset.DataError(
            f"{name}: not there; put {known.archive}, or a folder {name} with a folder for each class, into {data}"
        )
    elif record is not None and not images and (data / str(record["folder"])).is_dir():
        return record
    else:
        images = images or DEFAULT_IMAGES
        folder, classes = data / f"squares-generated-{SQUARES_SEED}-{images}", list(squares.CLASSES)
        if not folder.is_dir():
            say(f"generating {images} squares of two classes")
            squares.write_set(folder, images, SQUARES_SEED, say)
        found = {"kind": "generated", "folder": folder.name, "seed": SQUARES_SEED}
    return _pictures_record(data, found, classes)


def _pictures_record(data: Path, found: Json, classes: Sequence[str]) -> Json:
    files = dataset.index_of(data / str(found["folder"]), classes)
    counts = {name: sum(file.startswith(f"{name}/") for file in files) for name in classes}
    return {"schema": 1, **found, "digest": dataset.digest_of(files), "classes": counts, "files": files}


def prepare_imagenet(data: Path, base: str) -> Json:
    """ImageNet's weights of every network of del Rey et al. that can be had, and their record; below `base` lie those
    that keras fetches."""
    folder = data / "imagenet"
    folder.mkdir(exist_ok=True)
    targets = {name: folder / Path(path).name for name, path in IMAGENET.items()}
    lacking = [name for name, target in targets.items() if not target.is_file()]
    if lacking and dataset.is_reachable(base):
        for name in lacking:
            say(f"ImageNet weights of {name}: fetching {base}{IMAGENET[name]}")
            dataset.download(base + IMAGENET[name], targets[name], say)
    elif lacking:
        say(f"ImageNet weights of {', '.join(lacking)}: {base} does not answer; these networks begin untrained,")
        say(f"unless you put into {folder} {', '.join(targets[name].name for name in lacking)}")
    sums = {name: dataset.sha256_of(target) for name, target in targets.items() if target.is_file()}
    files = {name: {"file": f"{folder.name}/{targets[name].name}", "sha256": sha256} for name, sha256 in sums.items()}
    kind = "untrained" if not files else "imagenet" if len(files) == len(IMAGENET) else "partly imagenet"
    return {"schema": 1, "kind": kind, "folder": folder.name, "digest": dataset.digest_of(sums), "files": files}


def _weights_record(data: Path, kind: str, source: Path) -> Json:
    if not source.is_file():
        raise dataset.DataError(f"{source}: no such file; expected MobileNetV2 weights as .h5 or .keras")
    if kind == "file" and source.suffix not in WEIGHT_SUFFIXES:
        raise dataset.DataError(f"{source}: found the ending {source.suffix!r}, expected one of {WEIGHT_SUFFIXES}")
    target = data / source.name
    if source.resolve() != target.resolve():
        shutil.copyfile(source, target)
    return {"schema": 1, "kind": kind, "file": target.name, "sha256": dataset.sha256_of(target)}


def _read_json(path: Path) -> Json | None:
    """A record that an earlier call left; None where there is none to read."""
    try:
        record: Json = json.loads(path.read_text(encoding="utf-8"))
    except (FileNotFoundError, ValueError):
        return None
    return record


def _write_json(path: Path, record: Json) -> None:
    part = path.with_name(path.name + ".part")
    part.write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")
    part.replace(path)


def _parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Pictures and weights into WATTLAB_DATA, once.")
    parser.add_argument(
        "--only", choices=tuple(PARTS), action="append", help=f"one of them (default: {', '.join(DEFAULT_PARTS)})"
    )
    parser.add_argument("--data", choices=("auto", "tf_flowers", "generated"), default="auto")
    parser.add_argument("--archive", type=Path, help="flower_photos.tgz, where it is at hand")
    parser.add_argument("--images-per-class", type=int, default=DEFAULT_IMAGES_PER_CLASS, help="of the generated set")
    parser.add_argument("--images", type=int, default=0, help=f"of a generated set of squares ({DEFAULT_IMAGES})")
    parser.add_argument("--weights", default="auto", help="auto, imagenet, wattlab, or a .h5 or .keras file")
    parser.add_argument("--flowers-url", default=dataset.ARCHIVE_URL)
    parser.add_argument("--imagenet-url", default=IMAGENET_URL)
    parser.add_argument("--applications-url", default=APPLICATIONS_URL)
    arguments = parser.parse_args()
    if arguments.images_per_class < 5:
        parser.error(f"--images-per-class {arguments.images_per_class}: at least 5, or the split leaves a side empty")
    if arguments.images < 0 or arguments.images % 2:
        parser.error(f"--images {arguments.images}: an even number, for half of them are of each class")
    if not os.environ.get("WATTLAB_DATA"):
        parser.error("the environment variable WATTLAB_DATA must name the data folder")
    return arguments


def main() -> int:
    """Prepare what is asked for; 0, or 1 with one sentence on stderr."""
    arguments = _parse()
    data = Path(os.environ["WATTLAB_DATA"])
    try:
        data.mkdir(parents=True, exist_ok=True)
        for leftover in data.glob("*.part"):
            shutil.rmtree(leftover) if leftover.is_dir() else leftover.unlink()
        records = {
            name: bring(arguments, data) for name, bring in PARTS.items() if name in (arguments.only or DEFAULT_PARTS)
        }
    except (dataset.DataError, OSError) as error:
        print(f"prepare: {error}", file=sys.stderr)
        return 1
    print(json.dumps(records), flush=True)
    return 0


def _bring_dataset(arguments: argparse.Namespace, data: Path) -> Json:
    pictures = prepare_data(data, arguments.data, arguments.archive, arguments.flowers_url, arguments.images_per_class)
    _write_json(data / "dataset.json", pictures)
    return {key: value for key, value in pictures.items() if key != "files"}


def _bring_weights(arguments: argparse.Namespace, data: Path) -> Json:
    weights = prepare_weights(data, arguments.weights, arguments.imagenet_url, Path(__file__).resolve().parent)
    _write_json(data / "weights.json", weights)
    return weights


def _bring_pictures(name: str, arguments: argparse.Namespace, data: Path) -> Json:
    pictures = prepare_pictures(data, name, arguments.images)
    _write_json(data / f"{name}.json", pictures)
    return {key: value for key, value in pictures.items() if key != "files"}


def _bring_imagenet(arguments: argparse.Namespace, data: Path) -> Json:
    weights = prepare_imagenet(data, arguments.applications_url)
    _write_json(data / "imagenet.json", weights)
    return weights


PARTS: dict[str, Callable[[argparse.Namespace, Path], Json]] = {
    "dataset": _bring_dataset,
    "weights": _bring_weights,
    **{name: partial(_bring_pictures, name) for name in PICTURE_SETS},
    "imagenet": _bring_imagenet,
}
DEFAULT_PARTS = ("dataset", "weights")


if __name__ == "__main__":
    sys.exit(main())
