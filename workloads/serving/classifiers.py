"""The five classifiers of Yarally's second study (section 4.2.1) in Keras, as PyTorch's torchvision has them.

Knows layers, published parameter counts and files of weights. Knows no picture, no queue and no training.

AlexNet (2014, the single-tower one), DenseNet-121 (2016), ShuffleNetV2 x0.5 (2018), ViT-B/16 (2020) and ConvNeXt-Base
(2022): 1000 classes of ImageNet. Each takes pictures of bytes, of shape (n, side, side, 3), and normalises them by
ImageNet's means inside. Papers: Krizhevsky, arXiv:1404.5997; Huang, arXiv:1608.06993; Ma, arXiv:1807.11164;
Dosovitskiy, arXiv:2010.11929; Liu, arXiv:2201.03545.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import keras
from keras import layers

Model = Any  # Keras has no types
Tensor = Any
CLASSES = 1000
MEANS = (0.485, 0.456, 0.406)
SPREADS = (0.229, 0.224, 0.225)
"""Of ImageNet's pictures, red, green, blue, in 0..1."""
LAYER_NORM_EPSILON = 1e-6


class WeightsProblem(Exception):
    """Weights that do not fit the network; one sentence with the remedy."""


@dataclass(frozen=True, slots=True)
class Classifier:
    """A network by its name. `parameters`: what is trained of it, as published; `year`: of its paper; `top1_percent`:
    the accuracy that torchvision's documentation prints for its first ImageNet weights, for comparison by age alone;
    `step`: a side of its pictures is a multiple of it, `least_size` or more."""

    build: Callable[[int], Model]
    parameters: int
    year: int
    top1_percent: float
    least_size: int
    step: int = 1


def classifier(name: str, image_size: int, weights: Path | None) -> Model:
    """The network, which gives a probability for each class. `weights` None: random ones, of Keras' seed.

    Raises:
        WeightsProblem: the file is unreadable or belongs to another network.
    """
    model = CLASSIFIERS[name].build(image_size)
    if weights is not None:
        try:
            model.load_weights(weights)
        except (OSError, ValueError, KeyError) as error:
            reason = str(error).splitlines()[0]
            raise WeightsProblem(f"{weights}: not the weights of {name} with its top ({reason})") from error
    return model


def _pictures(image_size: int) -> tuple[Tensor, Tensor]:
    """The input, and its values normalised."""
    pictures = keras.Input((image_size, image_size, 3))
    values = layers.Rescaling(1 / 255)(pictures)
    return pictures, layers.Normalization(mean=MEANS, variance=[spread**2 for spread in SPREADS])(values)


class AdaptivePooling(layers.Layer):  # type: ignore[misc]  # Keras has no types
    """Means over `side` x `side` fields that cover a feature map of any size, as torch.nn.AdaptiveAvgPool2d; nothing to
    do where the map has that size. Keras' own layer wants to know how many pictures there are (seen with 3.15.1)."""

    def __init__(self, side: int) -> None:
        super().__init__()
        self._side = side

    def call(self, values: Tensor) -> Tensor:
        """Shape (n, height, width, channels) -> (n, side, side, channels)."""
        height, width = values.shape[1:3]
        if (height, width) == (self._side, self._side):
            return values
        rows, columns = (keras.ops.convert_to_tensor(_fields(length, self._side)) for length in (height, width))
        return keras.ops.einsum("ih,nhwc,jw->nijc", rows, values, columns)


def _fields(length: int, side: int) -> list[list[float]]:
    """Weights of a line's places in each of its fields: from floor(i L / S) to ceil((i + 1) L / S)."""
    edges = [(i * length // side, -(-(i + 1) * length // side)) for i in range(side)]
    return [[1 / (end - begin) if begin <= place < end else 0.0 for place in range(length)] for begin, end in edges]


def _alexnet(image_size: int) -> Model:
    pictures, values = _pictures(image_size)
    for filters, kernel, stride, padding, is_pooled in (
        (64, 11, 4, 2, True), (192, 5, 1, 2, True), (384, 3, 1, 1, False), (256, 3, 1, 1, False), (256, 3, 1, 1, True),
    ):  # fmt: skip
        values = layers.ZeroPadding2D(padding)(values)
        values = layers.Conv2D(filters, kernel, strides=stride, activation="relu")(values)
        values = layers.MaxPooling2D(3, strides=2)(values) if is_pooled else values
    values = layers.Flatten()(AdaptivePooling(6)(values))
    for _ in range(2):
        values = layers.Dense(4096, "relu")(layers.Dropout(0.5)(values))
    return keras.Model(pictures, layers.Dense(CLASSES, "softmax")(values), name="alexnet")


def _densenet121(image_size: int) -> Model:
    pictures, values = _pictures(image_size)
    shape = (image_size, image_size, 3)
    network = keras.applications.DenseNet121(input_shape=shape, weights=None, classes=CLASSES)
    return keras.Model(pictures, network(values), name="densenet121")


SHUFFLENET_STAGES = ((48, 4), (96, 8), (192, 4))
"""Channels and units of the three stages at x0.5."""


def _shufflenet(image_size: int) -> Model:
    pictures, values = _pictures(image_size)
    values = _normed(layers.Conv2D(24, 3, strides=2, padding="same", use_bias=False)(values))
    values = layers.MaxPooling2D(3, strides=2, padding="same")(values)
    for channels, units in SHUFFLENET_STAGES:
        values = _shuffled(_halving_unit(values, channels // 2), channels)
        for _ in range(units - 1):
            values = _shuffled(_unit(values, channels // 2), channels)
    values = _normed(layers.Conv2D(1024, 1, use_bias=False)(values))
    values = layers.GlobalAveragePooling2D()(values)
    return keras.Model(pictures, layers.Dense(CLASSES, "softmax")(values), name="shufflenet_v2")


def _normed(values: Tensor, *, is_activated: bool = True) -> Tensor:
    values = layers.BatchNormalization(epsilon=1e-5)(values)
    return layers.ReLU()(values) if is_activated else values


def _depthwise(values: Tensor, stride: int) -> Tensor:
    convolved = layers.DepthwiseConv2D(3, strides=stride, padding="same", use_bias=False)(values)
    return _normed(convolved, is_activated=False)


def _pointwise(values: Tensor, channels: int) -> Tensor:
    return _normed(layers.Conv2D(channels, 1, use_bias=False)(values))


def _halving_unit(values: Tensor, channels: int) -> tuple[Tensor, Tensor]:
    beside = _pointwise(_depthwise(values, 2), channels)
    return beside, _pointwise(_depthwise(_pointwise(values, channels), 2), channels)


def _unit(values: Tensor, channels: int) -> tuple[Tensor, Tensor]:
    return values[..., :channels], _pointwise(_depthwise(_pointwise(values[..., channels:], channels), 1), channels)


def _shuffled(halves: tuple[Tensor, Tensor], channels: int) -> Tensor:
    """The channels of both halves in turn."""
    values = layers.Concatenate()(halves)
    height, width = values.shape[1:3]
    values = layers.Reshape((height, width, 2, channels // 2))(values)
    values = layers.Permute((1, 2, 4, 3))(values)
    return layers.Reshape((height, width, channels))(values)


class Positions(layers.Layer):  # type: ignore[misc]  # Keras has no types
    """The class token in front of the patches, and the place of each added to it."""

    def build(self, shape: tuple[int | None, int, int]) -> None:
        """Weights: a token, and a vector for each place."""
        self._token = self.add_weight(shape=(1, 1, shape[2]), initializer="zeros", name="token")
        drawn = keras.initializers.RandomNormal(stddev=0.02)
        self._places = self.add_weight(shape=(1, shape[1] + 1, shape[2]), initializer=drawn, name="places")

    def call(self, patches: Tensor) -> Tensor:
        """Shape (n, patches, width) -> (n, patches + 1, width)."""
        token = keras.ops.repeat(self._token, keras.ops.shape(patches)[0], axis=0)
        return keras.ops.concatenate([token, patches], axis=1) + self._places


VIT_PATCH, VIT_WIDTH, VIT_DEPTH, VIT_HEADS, VIT_HIDDEN = 16, 768, 12, 12, 3072


def _vit_b_16(image_size: int) -> Model:
    pictures, values = _pictures(image_size)
    values = layers.Conv2D(VIT_WIDTH, VIT_PATCH, strides=VIT_PATCH)(values)
    values = Positions()(layers.Reshape((-1, VIT_WIDTH))(values))
    for _ in range(VIT_DEPTH):
        within = layers.LayerNormalization(epsilon=LAYER_NORM_EPSILON)(values)
        values = values + layers.MultiHeadAttention(VIT_HEADS, VIT_WIDTH // VIT_HEADS)(within, within)
        within = layers.LayerNormalization(epsilon=LAYER_NORM_EPSILON)(values)
        values = values + layers.Dense(VIT_WIDTH)(layers.Dense(VIT_HIDDEN, "gelu")(within))
    values = layers.LayerNormalization(epsilon=LAYER_NORM_EPSILON)(values)[:, 0]
    return keras.Model(pictures, layers.Dense(CLASSES, "softmax")(values), name="vit_b_16")


def _convnext_base(image_size: int) -> Model:
    shape = (image_size, image_size, 3)  # it normalises by the same means itself
    return keras.applications.ConvNeXtBase(
        input_shape=shape, weights=None, classes=CLASSES, classifier_activation="softmax"
    )


CLASSIFIERS = {
    "alexnet": Classifier(_alexnet, 61_100_840, 2014, 56.522, 63),
    "densenet121": Classifier(_densenet121, 7_978_856, 2016, 74.434, 32),
    "shufflenet_v2": Classifier(_shufflenet, 1_366_792, 2018, 60.552, 32),
    "vit_b_16": Classifier(_vit_b_16, 86_567_656, 2020, 81.072, 16, VIT_PATCH),
    "convnext_base": Classifier(_convnext_base, 88_591_464, 2022, 84.062, 32),
}
"""In the order of their papers, as the thesis has them."""
