"""The two networks of the core study and where the weights of the second come from.

Knows layers and the weight formats. Does not know pictures or training.

- cnn: three blocks Conv2D 3x3 same relu (16, 32, 64) + MaxPool 2, Flatten, dropout .2, Dense 512 relu, dropout .2,
  Dense 5: 25,716,773 parameters at 224 pixels, the number the core study prints (l05c04 of the Udacity course).
- transfer: MobileNetV2 (alpha 1.0, average pooling, 1280 features), frozen, + Dense 5: 2,264,389 parameters, 6,405 of
  them trainable. Pictures come as 0..1 and are brought to the -1..1 of these weights inside the network.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import keras
import numpy as np

Model = Any  # Keras has no types
CLASSES = 5


class WeightsProblem(Exception):
    """Weights that do not fit MobileNetV2; one sentence with the remedy."""


def cnn(image_size: int) -> Model:
    """The network trained from scratch, not compiled."""
    layers = keras.layers
    blocks = [
        layer
        for filters in (16, 32, 64)
        for layer in (layers.Conv2D(filters, 3, padding="same", activation="relu"), layers.MaxPooling2D(2))
    ]
    return keras.Sequential(
        [
            keras.Input((image_size, image_size, 3)),
            *blocks,
            layers.Flatten(),
            layers.Dropout(0.2),
            layers.Dense(512, activation="relu"),
            layers.Dropout(0.2),
            layers.Dense(CLASSES, activation="softmax"),
        ]
    )


def transfer(image_size: int, weights: Path | None) -> Model:
    """The network with the frozen MobileNetV2, not compiled. `weights` None: random (for comparison only)."""
    base = keras.applications.MobileNetV2(
        input_shape=(image_size, image_size, 3), weights=None, include_top=False, pooling="avg"
    )
    if weights is not None:
        load_weights(base, weights)
    base.trainable = False
    return keras.Sequential(
        [
            keras.Input((image_size, image_size, 3)),
            keras.layers.Rescaling(2.0, offset=-1.0),
            base,
            keras.layers.Dense(CLASSES, activation="softmax"),
        ]
    )


def load_weights(base: Model, path: Path) -> None:
    """Load MobileNetV2 weights: wattlab's .npz, Keras' .h5 or .weights.h5, or a saved model (.keras, .h5).

    Raises:
        WeightsProblem: the file is unreadable or belongs to another network.
    """
    try:
        if path.suffix == ".npz":
            _load_npz(base, path)
        elif path.suffix == ".keras":
            base.set_weights(keras.models.load_model(path, compile=False).get_weights())
        else:
            base.load_weights(path)
    except (OSError, ValueError, KeyError) as error:
        reason = str(error).splitlines()[0]
        raise WeightsProblem(f"{path}: not the weights of MobileNetV2 without top, alpha 1.0 ({reason})") from error


def _load_npz(base: Model, path: Path) -> None:
    with np.load(path) as arrays:
        for layer in base.layers:
            if layer.weights:
                layer.set_weights([arrays[f"{layer.name}/{w.name}"].astype(np.float32) for w in layer.weights])
