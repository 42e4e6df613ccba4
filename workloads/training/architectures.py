"""The networks of del Rey et al.: keras.applications without their tops, the tops of the authors, and their weights.

Knows layers, what `preprocess_input` belongs to which network, and files of weights. Does not know pictures, training
or where weights come from.

The first study (arXiv:2307.05520 and its package): five networks, global average pooling, dense layers with relu, one
sigmoid. MobileNetV2 512 (and alpha .5), NASNetMobile 512, Xception 1024, ResNet50 1024 and 512, VGG16 none.
The later one (its package on estimating energy): Inception V3, whose feature map is flattened, with dropout and batch
normalisation, for Caltech101 (2048, 1024) and Stanford Dogs (2048, 2048).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType
from typing import Any

import keras

Model = Any  # Keras has no types
Tensor = Any
FLATTENED_DROPOUTS = (0.4, 0.4, 0.2)
"""Before the first, the second, the last dense layer of a flattened top."""


class WeightsProblem(Exception):
    """Weights that do not fit the network; one sentence with the remedy."""


@dataclass(frozen=True, slots=True)
class Architecture:
    """A network of keras.applications and its top: the units of its hidden dense layers."""

    module: ModuleType
    """Where its function and its `preprocess_input` are."""
    function: str
    dense: tuple[int, ...]
    arguments: Mapping[str, float] = field(default_factory=dict)
    is_flattened: bool = False
    """The top of the later study."""
    least_size: int = 32
    """Pixels a side."""


_APPS = keras.applications
ARCHITECTURES = {
    "mobilenet_v2": Architecture(_APPS.mobilenet_v2, "MobileNetV2", (512,), {"alpha": 0.5}),
    "nasnet_mobile": Architecture(_APPS.nasnet, "NASNetMobile", (512,)),
    "xception": Architecture(_APPS.xception, "Xception", (1024,), least_size=71),
    "resnet50": Architecture(_APPS.resnet50, "ResNet50", (1024, 512)),
    "vgg16": Architecture(_APPS.vgg16, "VGG16", ()),
    "inception_v3_caltech101": Architecture(
        _APPS.inception_v3, "InceptionV3", (2048, 1024), is_flattened=True, least_size=75
    ),
    "inception_v3_stanford_dogs": Architecture(
        _APPS.inception_v3, "InceptionV3", (2048, 2048), is_flattened=True, least_size=75
    ),
}


def network(name: str, image_size: int, classes: int, weights: Path | None) -> tuple[Model, Model]:
    """The network, not compiled, with its base frozen, and that base; for two classes one sigmoid, else a softmax.

    The base always works as in inference (batch normalisation by its stored means), as the authors' does; what is
    trained of it in the second step are its weights. `weights` None: random ones.

    Raises:
        WeightsProblem: the file is unreadable or belongs to another network.
    """
    kind = ARCHITECTURES[name]
    shape = (image_size, image_size, 3)
    base = getattr(kind.module, kind.function)(input_shape=shape, include_top=False, weights=None, **kind.arguments)
    if weights is not None:
        _load(base, weights, name)
    base.trainable = False
    pictures = keras.Input(shape)
    features = base(kind.module.preprocess_input(pictures), training=False)
    answer = keras.layers.Dense(1, "sigmoid") if classes == 2 else keras.layers.Dense(classes, "softmax")
    values = _flattened(features, kind) if kind.is_flattened else _pooled(features, kind)
    return keras.Model(pictures, answer(values)), base


def _pooled(features: Tensor, kind: Architecture) -> Tensor:
    values = keras.layers.GlobalAveragePooling2D()(features)
    for units in kind.dense:
        values = keras.layers.Dense(units, "relu")(values)
    return values


def _flattened(features: Tensor, kind: Architecture) -> Tensor:
    values = keras.layers.Flatten()(features)
    *between, last = FLATTENED_DROPOUTS
    for units, rate in zip(kind.dense, between, strict=True):
        values = keras.layers.Dense(units, "relu")(keras.layers.Dropout(rate)(values))
        values = keras.layers.BatchNormalization()(values)
    return keras.layers.Dropout(last)(values)


def _load(base: Model, path: Path, name: str) -> None:
    try:
        base.load_weights(path)
    except (OSError, ValueError, KeyError) as error:
        reason = str(error).splitlines()[0]
        raise WeightsProblem(f"{path}: not the weights of {name} without top ({reason})") from error
