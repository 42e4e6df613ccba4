"""The network that every framework builds, and the numbers that it begins with: no framework is imported here.

Knows layers, their shapes and counts, and how the initial weights follow from the seed. Does not know pictures.

- cnn: the network of the core study (25,716,773 parameters at 224 pixels): blocks Conv 3x3 same relu + MaxPool 2 with
  16, 32, 64 filters, Flatten, dropout, Dense 512 relu, dropout, Dense of the classes.
- mlp: its last layers alone, on the pixels: what scikit-learn's MLPClassifier can build.

The last layer gives logits: softmax is part of the loss, in every framework.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from math import prod

import numpy as np
from numpy.typing import NDArray

CHANNELS = 3
KERNEL = 3
FILTERS = {"mlp": (), "cnn": (16, 32, 64)}
"""Of the blocks before Flatten, by the network's name."""
Weights = list[tuple[NDArray[np.float32], NDArray[np.float32]]]
"""Of each layer kernel and bias: (3, 3, in, out) or (in, out), and (out,), as Keras has them; pixels are channels-last
also where they are flattened."""


@dataclass(frozen=True, slots=True)
class Network:
    """A network by its sizes; `dropout` stands before every dense layer."""

    image_size: int
    filters: tuple[int, ...]
    hidden_units: int
    classes: int
    dropout: float

    @property
    def grid(self) -> tuple[int, int, int]:
        """Height, width and channels where it is flattened."""
        side = self.image_size // 2 ** len(self.filters)
        return side, side, self.filters[-1] if self.filters else CHANNELS

    @property
    def shapes(self) -> list[tuple[int, ...]]:
        """Of each layer's kernel."""
        inputs = (CHANNELS, *self.filters)
        convolutions = [(KERNEL, KERNEL, before, after) for before, after in zip(inputs, self.filters, strict=False)]
        return [*convolutions, (prod(self.grid), self.hidden_units), (self.hidden_units, self.classes)]

    @property
    def parameters(self) -> int:
        """How many numbers are trained."""
        return sum(prod(shape) + shape[-1] for shape in self.shapes)

    def drawn_weights(self, seed: int) -> Weights:
        """Kernels by Glorot's uniform rule (the default of Keras), biases 0: the same numbers from the same seed."""
        rng = np.random.default_rng([seed, 0])
        return [(_glorot(shape, rng), np.zeros(shape[-1], dtype=np.float32)) for shape in self.shapes]


def _glorot(shape: tuple[int, ...], rng: np.random.Generator) -> NDArray[np.float32]:
    field = prod(shape[:-2])
    limit = np.sqrt(6 / (field * (shape[-2] + shape[-1])))
    return rng.uniform(-limit, limit, shape).astype(np.float32)


def digest_of(arrays: Sequence[NDArray[np.generic]]) -> str:
    """SHA-256 over the bytes of arrays, one behind the other."""
    state = hashlib.sha256()
    for array in arrays:
        state.update(np.ascontiguousarray(array).tobytes())
    return state.hexdigest()
