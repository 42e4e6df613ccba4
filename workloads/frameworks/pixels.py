"""The prepared pictures as arrays, and the order in which batches of them are trained on: the same in every framework.

Knows Pillow and the split (the first part of each class, in order of name, to training). Does not know networks.
Pictures are decoded and resized once, kept as bytes, and become numbers from 0 to 1 batch by batch.
"""

from __future__ import annotations

import io
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from network import digest_of
from numpy.typing import NDArray
from pictures import DataProblem, checked, choose, read_record
from pictures import digest_of as digest_of_files
from PIL import Image

Bytes = NDArray[np.uint8]
Reals = NDArray[np.float32]
Labels = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Side:
    """Pictures (n, size, size, 3) and their classes (n,)."""

    pictures: Bytes
    labels: Labels

    def batch(self, places: NDArray[np.int64]) -> tuple[Reals, Labels]:
        """These of them, from 0 to 1."""
        return reals(self.pictures[places]), self.labels[places]


@dataclass(frozen=True, slots=True)
class Pixels:
    """Both sides of the split, the names of the classes, and what goes into summary.json."""

    train: Side
    validation: Side
    classes: tuple[str, ...]
    facts: dict[str, object]


def reals(pictures: Bytes) -> Reals:
    """From 0 to 1."""
    return pictures.astype(np.float32) / np.float32(255)


def read(data: Path, image_size: int, images_per_class: int, validation_fraction: float) -> Pixels:
    """Every picture that is used, compared with its digest, decoded and resized (bilinear).

    Raises:
        DataProblem: nothing prepared, a file missing or changed, or a side of the split empty.
    """
    record = read_record(data / "dataset.json")
    chosen, folder = choose(record["files"], images_per_class), data / str(record["folder"])
    sides: dict[str, list[tuple[Bytes, int]]] = {"train": [], "validation": []}
    for label, (name, members) in enumerate(chosen.items()):
        first = round(len(members) * (1 - validation_fraction))
        if not 0 < first < len(members):
            raise DataProblem(f"class {name}: {len(members)} pictures cannot be split at {validation_fraction}")
        for position, relative in enumerate(members):
            content = checked(folder / relative, record["files"][relative])
            side = "train" if position < first else "validation"
            sides[side].append((_decoded(content, image_size), label))
    train, validation = (_side(sides[name]) for name in ("train", "validation"))
    used = {relative: record["files"][relative] for members in chosen.values() for relative in members}
    facts: dict[str, object] = {
        "kind": record["kind"],
        "digest": record["digest"],
        "used_digest": digest_of_files(used),
        "images_train": len(train.labels),
        "images_validation": len(validation.labels),
        "pixels_sha256": digest_of([train.pictures, train.labels, validation.pictures, validation.labels]),
    }
    return Pixels(train, validation, tuple(chosen), facts)


def _decoded(content: bytes, image_size: int) -> Bytes:
    with Image.open(io.BytesIO(content)) as picture:
        sized = picture.convert("RGB").resize((image_size, image_size), Image.Resampling.BILINEAR)
        return np.asarray(sized, dtype=np.uint8)


def _side(pictures: list[tuple[Bytes, int]]) -> Side:
    return Side(np.stack([picture for picture, _ in pictures]), np.array([label for _, label in pictures]))


def orders(count: int, batch_size: int, epochs: int, seed: int) -> list[NDArray[np.int64]]:
    """Of each epoch the places of its batches' pictures, (batches, batch_size): all of them, drawn anew, less what does
    not fill a batch.

    Raises:
        DataProblem: there is not one batch.
    """
    batches = count // batch_size
    if not batches:
        raise DataProblem(f"{count} pictures for training are less than one batch of {batch_size}")
    drawn = (np.random.default_rng([seed, 1, epoch]).permutation(count) for epoch in range(epochs))
    return [order[: batches * batch_size].reshape(batches, batch_size) for order in drawn]
