"""What happens around each epoch, the same in every framework: marks, validation, what is kept of it.

Knows the marks and the quality of a classifier. Does not know frameworks.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray
from pixels import Labels, Reals, Side, reals
from quality import confusion
from wattlab_markers import mark

ADAM_EPSILON = 1e-7
"""Of Adam, in every framework: Keras's own; the others' is 1e-8."""
Probabilities: TypeAlias = Callable[[Reals], NDArray[np.float64]]


class FrameworkProblem(Exception):
    """The framework cannot do what is asked of it; one sentence."""


class Epochs:
    """The epochs of a training."""

    def __init__(self, validation: Side, classes: int) -> None:
        self._pictures, self._labels, self._classes = reals(validation.pictures), validation.labels, classes
        self.losses: list[float] = []
        """Of the training batches, their mean, epoch by epoch."""
        self.accuracies: list[float] = []
        """Of the validation."""

    def begin(self, epoch: int) -> None:
        """An epoch begins."""
        mark("epoch", epoch, "begin")

    def end(self, epoch: int, loss: float, probabilities: Probabilities) -> None:
        """Its batches are done; the validation is part of it."""
        found = probabilities(self._pictures)
        self.losses.append(loss)
        self.accuracies.append(float((found.argmax(axis=1) == self._labels).mean()))
        metrics = {"loss": loss, "val_loss": cross_entropy(found, self._labels), "val_accuracy": self.accuracies[-1]}
        mark("epoch", epoch, "end", metrics)
        print(f"epoch {epoch}: " + " ".join(f"{name} {value:.4f}" for name, value in metrics.items()), flush=True)

    @property
    def is_finite(self) -> bool:
        """Whether every loss was."""
        return all(map(math.isfinite, self.losses))

    def confusion(self, probabilities: Probabilities) -> NDArray[np.int64]:
        """Of the validation, (classes, classes)."""
        predicted = probabilities(self._pictures).argmax(axis=1)
        found: NDArray[np.int64] = confusion(self._labels, predicted, self._classes)
        return found


def cross_entropy(probabilities: NDArray[np.float64], labels: Labels) -> float:
    """Mean of -log(probability of the true class)."""
    chosen = probabilities[np.arange(len(labels)), labels]
    return float(-np.log(np.maximum(chosen, np.finfo(np.float64).tiny)).mean())
