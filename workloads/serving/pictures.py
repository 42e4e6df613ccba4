"""The pictures that a classifier is asked about, in memory: those of a prepared folder, or generated ones.

Knows folders with a folder for each class, and noise. A request names a picture by its number, so that neither network
nor parsing of pixels is measured with the classifier.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

NOISE_SEED = 2022
"""The same pictures in every run."""
ENDINGS = (".jpg", ".jpeg", ".png")


class DataProblem(Exception):
    """Pictures that cannot be had; one sentence with the remedy."""


@dataclass(frozen=True, slots=True)
class Pictures:
    """`pixels`: bytes of shape (n, side, side, 3); `classes`: of each its class, None where nobody knows; `record`: for
    summary.json."""

    pixels: NDArray[np.uint8]
    classes: NDArray[np.int64] | None
    record: dict[str, Any]


def load(data: Path, folder: str, count: int, side: int) -> Pictures:
    """`count` pictures of a folder below `data`, evenly over its classes; without a folder noise, which has no class.

    Raises:
        DataProblem: the folder has no pictures.
    """
    if not folder:
        pixels = np.random.default_rng(NOISE_SEED).integers(0, 256, (count, side, side, 3), dtype=np.uint8)
        return Pictures(pixels, None, _record("generated", pixels))
    classes = sorted(path for path in (data / folder).glob("*") if path.is_dir())
    files = [
        (number, file)
        for number, path in enumerate(classes)
        for file in sorted(path.iterdir()) if file.suffix.lower() in ENDINGS
    ]  # fmt: skip
    if not files:
        raise DataProblem(
            f"{data / folder}: found no pictures, expected a folder for each class, in order of the classes"
        )
    chosen = [files[place * len(files) // count] for place in range(min(count, len(files)))]
    pixels = np.stack([_read(file, side) for _, file in chosen])
    return Pictures(pixels, np.array([number for number, _ in chosen]), _record(folder, pixels))


def _read(file: Path, side: int) -> NDArray[np.uint8]:
    """The middle square of a picture, scaled."""
    import keras  # only where there are pictures

    loaded = keras.utils.load_img(file, target_size=(side, side), interpolation="bilinear", keep_aspect_ratio=True)
    return np.asarray(loaded, dtype=np.uint8)


def _record(kind: str, pixels: NDArray[np.uint8]) -> dict[str, Any]:
    digest = hashlib.sha256(pixels.tobytes()).hexdigest()
    return {"kind": kind, "pictures": len(pixels), "used_digest": digest}
