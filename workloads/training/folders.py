"""Pictures of any classes in folders, split once, as batches for a training: decoded, resized, kept, augmented.

Knows the record of prepare.py (NAME.json: which files, their digests), the split, the two augmentations of del Rey et
al. and tf.data. Does not know networks. Every picture that is used is compared with its digest first.

As in the authors' package: pictures become float32 of the network's size, batches are made once and, with `cache`, are
kept decoded in memory; the augmentation is drawn anew for each batch of each epoch; what does not fill a batch is left
out of an epoch. Other than there no batch of an epoch is smaller, and the split is the same on every machine.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
import tensorflow as tf
from numpy.typing import NDArray
from pictures import DataProblem, checked, choose, digest_of, read_record

Dataset = Any  # TensorFlow has no types
Tensor = Any
Role = Literal["training", "validation", "test"]
READ_AHEAD = 2
"""Batches. Without autotuning (docs/workloads.md): its thread made epochs of our other programs stand still."""


@dataclass(frozen=True, slots=True)
class Side:
    """One side of the split: absolute paths, and the class of each."""

    paths: tuple[str, ...]
    labels: NDArray[np.int64]

    def whole(self, batch_size: int) -> int:
        """Pictures of the whole batches."""
        return len(self.paths) // batch_size * batch_size


@dataclass(frozen=True, slots=True)
class Pictures:
    """A set of pictures, split: for training and for the test, and what of it goes into summary.json."""

    classes: tuple[str, ...]
    train: Side
    test: Side
    facts: dict[str, Any]


def prepare(
    data: Path, name: str, images_per_class: int, test_fraction: float, train_per_class: int, split_seed: int
) -> Pictures:
    """Read the record `NAME.json`, compare every picture that is used with its digest, and split them.

    The split is drawn from `split_seed` alone: `train_per_class` of each class for training and the others for the
    test, or for 0 the fraction `test_fraction`, rounded down, of all of them for the test.

    Raises:
        DataProblem: nothing prepared, a file missing or changed, fewer than two classes, or a side empty.
    """
    record = read_record(data / f"{name}.json")
    chosen = choose(record["files"], images_per_class)
    classes = tuple(chosen)
    if len(classes) < 2:
        raise DataProblem(f"{data / name}: found {len(classes)} class, expected a folder for each of two or more")
    files = [(relative, label) for label, members in enumerate(chosen.values()) for relative in members]
    folder = data / str(record["folder"])
    for relative, _ in files:
        checked(folder / relative, record["files"][relative])
    order = np.random.default_rng(split_seed).permutation(len(files)).tolist()
    is_test = _of_test([files[place] for place in order], test_fraction, train_per_class)
    train, test = (
        _side(folder, [files[place] for place, of_test in zip(order, is_test, strict=True) if of_test is wanted])
        for wanted in (False, True)
    )
    for named, side in (("training", train), ("test", test)):
        if not side.paths:
            raise DataProblem(f"{folder}: {len(files)} pictures leave none for the {named}; take more of them")
    facts = {
        "kind": record["kind"],
        "digest": record["digest"],
        "used_digest": digest_of({relative: record["files"][relative] for relative, _ in files}),
        "classes": len(classes),
        "images_train": len(train.paths),
        "images_test": len(test.paths),
    }
    return Pictures(classes, train, test, facts)


def _side(folder: Path, files: list[tuple[str, int]]) -> Side:
    return Side(
        tuple(str(folder / relative) for relative, _ in files), np.array([label for _, label in files], dtype=np.int64)
    )


def _of_test(shuffled: list[tuple[str, int]], test_fraction: float, train_per_class: int) -> list[bool]:
    """Whether each picture, in its drawn order, is for the test."""
    if not train_per_class:
        of_test = int(len(shuffled) * test_fraction)
        return [place >= len(shuffled) - of_test for place in range(len(shuffled))]
    seen: dict[int, int] = {}
    answer = []
    for _, label in shuffled:
        seen[label] = seen.get(label, 0) + 1
        answer.append(seen[label] > train_per_class)
    return answer


def batches(
    pictures: Pictures,
    role: Role,
    *,
    image_size: int,
    batch_size: int,
    pixel_range: float,
    is_kept: bool,
    augmentation: str,
    seed: int,
) -> Dataset:
    """Batches (n, image_size, image_size, 3) float32 from 0 to `pixel_range` with their labels (n, 1), or (n, classes)
    for more than two.

    `training`: whole batches, augmented (`colour`, `flip`, `none`), in an order drawn from `seed`, for ever;
    `validation`: whole batches of the test side, for ever; `test`: every picture of it once, nothing of it kept.

    Raises:
        DataProblem: the side has less than one batch.
    """
    side, classes = pictures.train if role == "training" else pictures.test, len(pictures.classes)
    if role != "test" and not side.whole(batch_size):
        text = f"{len(side.paths)} pictures for {role} are less than one batch of {batch_size}"
        raise DataProblem(f"{text}; take more pictures or a smaller batch_size")
    places = np.arange(len(side.paths))
    if role == "training":
        places = np.random.default_rng(seed).permutation(places)
    files = tf.data.Dataset.from_tensor_slices((np.array(side.paths)[places], _encoded(side.labels[places], classes)))
    if role == "training" and not is_kept:
        files = files.shuffle(len(places), seed=seed)
    read = files.map(
        lambda path, label: (_read(path, image_size), label), num_parallel_calls=os.cpu_count(), deterministic=True
    )
    made = read.batch(batch_size, drop_remainder=role != "test")
    if role != "test":
        made = (made.cache() if is_kept else made).repeat()
    drawn = augmentation if role == "training" else "none"
    # One after the other: what is drawn at random follows from the seed.
    finished = made.map(lambda batch, label: (_augmented(batch, drawn) * pixel_range, label))
    options = tf.data.Options()
    options.autotune.enabled = False
    return finished.prefetch(READ_AHEAD).with_options(options)


def _encoded(labels: NDArray[np.int64], classes: int) -> NDArray[np.float32]:
    return labels[:, None].astype(np.float32) if classes == 2 else np.eye(classes, dtype=np.float32)[labels]


def _read(path: Tensor, image_size: int) -> Tensor:
    """A picture, 0 to 1."""
    decoded = tf.io.decode_image(tf.io.read_file(path), channels=3, expand_animations=False)
    return tf.image.resize(tf.image.convert_image_dtype(decoded, tf.float32), (image_size, image_size))


def _augmented(batch: Tensor, augmentation: str) -> Tensor:
    """A batch, turned at random; with `colour` its brightness, contrast, saturation and hue change too."""
    if augmentation in ("flip", "colour"):
        batch = tf.image.random_flip_left_right(batch)
    if augmentation == "colour":
        batch = tf.image.random_brightness(batch, 0.2)
        batch = tf.image.random_contrast(batch, 0.5, 2.0)
        batch = tf.image.random_saturation(batch, 0.75, 1.25)
        batch = tf.image.random_hue(batch, 0.1)
        batch = tf.clip_by_value(batch, 0.0, 1.0)
    return batch
