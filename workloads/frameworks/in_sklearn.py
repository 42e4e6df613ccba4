"""The network in scikit-learn: MLPClassifier, one `partial_fit` an epoch.

Knows how MLPClassifier is brought to begin with given weights. Does not know marks or files. It has dense layers only,
no dropout, no GPU, and of two classes another network.
"""

from __future__ import annotations

import math

import numpy as np
import sklearn
from epochs import ADAM_EPSILON, Epochs, FrameworkProblem
from network import Network, Weights
from numpy.typing import NDArray
from pixels import Reals, Side
from sklearn.neural_network import MLPClassifier


class Training:
    """A network that is trained."""

    def __init__(self, network: Network, weights: Weights, learning_rate: float, batch_size: int, *, gpu: bool) -> None:
        asked = {
            "convolutions": bool(network.filters),
            "dropout": network.dropout > 0,
            "GPU": gpu,
            "unit for each of two classes": network.classes < 3,
        }
        if lacking := [what for what, is_asked in asked.items() if is_asked]:
            raise FrameworkProblem(f"scikit-learn's MLPClassifier has no {' and no '.join(lacking)}")
        # partial_fit goes through what it is given once, in batches, in the order in which it lies.
        self._model = MLPClassifier(
            (network.hidden_units,), solver="adam", alpha=0.0, batch_size=batch_size, shuffle=False,
            learning_rate_init=learning_rate, epsilon=ADAM_EPSILON,
        )  # fmt: skip
        self._classes = np.arange(network.classes)
        self._begin_with(weights, batch_size)

    def _begin_with(self, weights: Weights, batch_size: int) -> None:
        """Its own first weights are made by a first step, on nothing but zeros; they and that step's moments go."""
        features = weights[0][0].shape[0]
        empty = np.zeros((batch_size, features), dtype=np.float32)
        self._model.partial_fit(empty, np.resize(self._classes, batch_size), classes=self._classes)
        self._model.coefs_ = [kernel.copy() for kernel, _ in weights]
        self._model.intercepts_ = [bias.copy() for _, bias in weights]
        # No public way: without it the next partial_fit makes a fresh one (BaseMultilayerPerceptron._fit_stochastic).
        del self._model._optimizer

    @property
    def parameters(self) -> int:
        """As scikit-learn holds them."""
        return sum(array.size for array in (*self._model.coefs_, *self._model.intercepts_))

    def probabilities(self, pictures: Reals) -> NDArray[np.float64]:
        """Of each class, (n, classes)."""
        found: NDArray[np.float64] = self._model.predict_proba(_flat(pictures)).astype(np.float64)
        return found

    def train(self, side: Side, orders: list[NDArray[np.int64]], epochs: Epochs) -> None:
        """Every epoch, told to `epochs`."""
        for epoch, order in enumerate(orders):
            epochs.begin(epoch)
            pictures, labels = side.batch(order.ravel())
            self._model.partial_fit(_flat(pictures), labels)
            epochs.end(epoch, float(self._model.loss_), self.probabilities)
            if not math.isfinite(self._model.loss_):
                break


def _flat(pictures: Reals) -> Reals:
    return pictures.reshape(len(pictures), -1)


def software() -> dict[str, object]:
    """Versions, and what computes."""
    return {"scikit-learn": sklearn.__version__, "gpus": []}
