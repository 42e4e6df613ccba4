"""The three networks of Yarally's first study (section 3.3.1), in Keras, and the optimiser that trains them.

Knows layers, weights and PyTorch's rules for both. Knows no pictures and no training.

The thesis gives the networks in a sentence each. Its accuracies (.84 on FashionMNIST, .40 on CIFAR-10 for the dense
ones) are those of a purely linear classifier, and it names no activation, so the dense networks have none. What it
leaves open is decided here, and counted by hand in the tests:

- `dense-linear`: N linear layers, widths on the straight line from the pixels to the classes, rounded.
- `dense-poly`: N linear layers, each half as wide as the one before, the last the classes.
- `simple-cnn`: M blocks of convolution 3x3 (padding 1, channels * 3^depth filters, depth from 1), batch normalisation,
  ReLU where asked for, pooling 2; then N linear layers as in `dense-poly`.
- Halving ends at the number of classes: a layer of fewer units could not tell them apart.

Weights and biases are drawn as PyTorch draws them, uniform within 1/sqrt(inputs); batch normalisation has PyTorch's
momentum and epsilon; weight decay is PyTorch's Adam's, a part of the gradient (Keras' own decouples it).
"""

from __future__ import annotations

import math
from typing import Any

import keras

Model = Any  # Keras has no types
NETWORKS = ("dense-linear", "dense-poly", "simple-cnn")
CLASSES = 10


class CoupledAdam(keras.optimizers.Adam):  # type: ignore[misc]  # Keras has no types
    """Adam whose weight decay is added to the gradient, as torch.optim.Adam does it."""

    def __init__(self, decay: float, **settings: float) -> None:
        super().__init__(**settings)
        self._decay = decay

    def update_step(self, gradient: Any, variable: Any, learning_rate: Any) -> None:  # noqa: ANN401
        """One step of one variable."""
        super().update_step(gradient + self._decay * variable, variable, learning_rate)


def linear_widths(inputs: int, layers: int) -> list[int]:
    """Units of each layer of `dense-linear`."""
    return [round(inputs + (CLASSES - inputs) * place / layers) for place in range(1, layers + 1)]


def halving_widths(inputs: int, layers: int) -> list[int]:
    """Units of each layer of `dense-poly` and of the end of `simple-cnn`."""
    return [max(inputs >> place, CLASSES) for place in range(1, layers)] + [CLASSES]


def network(
    name: str, shape: tuple[int, int, int], linear_layers: int, conv_layers: int, relu: bool
) -> Model:  # fmt: skip
    """A network that gives ten logits, not compiled. `shape`: of a picture; `conv_layers` and `relu` are the CNN's."""
    layers: list[Any] = [keras.Input(shape)]
    if name == "simple-cnn":
        layers += _blocks(shape, conv_layers, relu)
        height, width, channels = (shape[0] >> conv_layers, shape[1] >> conv_layers, shape[2] * 3**conv_layers)
        inputs = height * width * channels
        widths = halving_widths(inputs, linear_layers)
    else:
        inputs = math.prod(shape)
        widths = (linear_widths if name == "dense-linear" else halving_widths)(inputs, linear_layers)
    layers.append(keras.layers.Flatten())
    for units in widths:
        layers.append(keras.layers.Dense(units, **_drawn(inputs)))
        inputs = units
    return keras.Sequential(layers)


def _blocks(shape: tuple[int, int, int], conv_layers: int, relu: bool) -> list[Any]:
    channels, found = shape[2], list[Any]()
    for depth in range(1, conv_layers + 1):
        filters = shape[2] * 3**depth
        found.append(keras.layers.Conv2D(filters, 3, padding="same", **_drawn(9 * channels)))
        found.append(keras.layers.BatchNormalization(momentum=0.9, epsilon=1e-5))
        found += [keras.layers.ReLU()] if relu else []
        found.append(keras.layers.MaxPooling2D(2))
        channels = filters
    return found


def _drawn(inputs: int) -> dict[str, Any]:
    """Initialisers of a layer with so many inputs a unit."""
    bound = 1.0 / math.sqrt(inputs)
    drawn = keras.initializers.RandomUniform
    return {"kernel_initializer": drawn(-bound, bound), "bias_initializer": drawn(-bound, bound)}
