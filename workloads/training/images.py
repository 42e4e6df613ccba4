"""Image preparation: the prepared pictures of the SUT, grouped by label and split, streamed with augmentation.

Knows `dataset.json`, the split (in order of name, the first 80 % of each class to training, as in the notebook the
published network comes from; so the split is the same in every run) and the augmentation of method.md section 1.
Does not know networks. Pictures are read from disk batch by batch; nothing but one batch is held as float32.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import tensorflow as tf
from pictures import DataProblem, checked, choose, digest_of, read_record
from tensorflow.keras.preprocessing.image import ImageDataGenerator

Stream = Any  # Keras has no types
FOLDER = Path("images")
"""In the work folder: images/{train,validation}/<class>/<name>.jpg."""
AUGMENTATION = {
    "rotation_range": 45,
    "width_shift_range": 0.15,
    "height_shift_range": 0.15,
    "zoom_range": 0.5,
    "horizontal_flip": True,
}


def prepare(data: Path, images_per_class: int, validation_fraction: float) -> dict[str, Any]:
    """Group and split the pictures into FOLDER and return what was used: kind, digest, counts.

    Every file is compared with the digest of `dataset.json` on its way.

    Raises:
        DataProblem: nothing prepared, a file missing or changed, or a side of the split empty.
    """
    record = read_record(data / "dataset.json")
    counts = {"train": 0, "validation": 0}
    used: dict[str, str] = {}
    for name, members in choose(record["files"], images_per_class).items():
        first = round(len(members) * (1 - validation_fraction))
        if not 0 < first < len(members):
            raise DataProblem(f"class {name}: {len(members)} pictures cannot be split at {validation_fraction}")
        for position, relative in enumerate(members):
            side = "train" if position < first else "validation"
            used[relative] = _copy(
                data / record["folder"] / relative, FOLDER / side / relative, record["files"][relative]
            )
            counts[side] += 1
    return {
        "kind": record["kind"],
        "digest": record["digest"],
        "used_digest": digest_of(used),
        "images_train": counts["train"],
        "images_validation": counts["validation"],
    }


def _copy(source: Path, target: Path, sha256: str) -> str:
    content = checked(source, sha256)
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_bytes(content)
    return sha256


def stream(side: str, image_size: int, batch_size: int, seed: int) -> Stream:
    """Batches (n, image_size, image_size, 3) float32 in 0..1 with integer labels; only training is augmented."""
    augmentation = AUGMENTATION if side == "train" else {}
    return ImageDataGenerator(rescale=1 / 255, **augmentation).flow_from_directory(
        FOLDER / side,
        target_size=(image_size, image_size),
        batch_size=batch_size,
        class_mode="sparse",
        shuffle=side == "train",
        seed=seed,
    )


def remove() -> None:
    """Delete the prepared folders."""
    shutil.rmtree(FOLDER)


def epochs_of(batches: Stream, image_size: int) -> Any:  # noqa: ANN401  TensorFlow has no types
    """The stream as a tf.data.Dataset, one pass an epoch, the next two batches read ahead.

    Without autotuning: its thread, waited for at the end of each pass, made about every second epoch stand still for
    3 to 5 s (seen with TensorFlow 2.21 where Model.fit wraps the stream itself), which is no part of the training.
    """

    def one_epoch() -> Iterator[Any]:
        for index in range(len(batches)):
            yield batches[index]
        batches.on_epoch_end()

    images = tf.TensorSpec((None, image_size, image_size, 3), tf.float32)
    labels = tf.TensorSpec((None,), tf.float32)
    options = tf.data.Options()
    options.autotune.enabled = False
    dataset = tf.data.Dataset.from_generator(one_epoch, output_signature=(images, labels))
    counted = dataset.apply(tf.data.experimental.assert_cardinality(len(batches)))
    return counted.prefetch(2).with_options(options)
