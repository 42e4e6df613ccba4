"""The network in PyTorch, by a plain loop.

Knows how PyTorch lays out weights and pictures (channels first). Does not know marks or files.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import torch
from epochs import ADAM_EPSILON, Epochs, FrameworkProblem
from network import CHANNELS, KERNEL, Network, Weights
from numpy.typing import NDArray
from pixels import Reals, Side
from torch import nn


class Training:
    """A network that is trained."""

    def __init__(self, network: Network, weights: Weights, learning_rate: float, batch_size: int, *, gpu: bool) -> None:
        self._batch_size = batch_size
        if gpu and not torch.cuda.is_available():
            raise FrameworkProblem("PyTorch finds no GPU")
        self._device = torch.device("cuda" if gpu else "cpu")
        self._model = _built(network)
        _set_weights(self._model, network, weights)
        self._model.to(self._device)
        self._optimizer = torch.optim.Adam(self._model.parameters(), lr=learning_rate, eps=ADAM_EPSILON)

    @property
    def parameters(self) -> int:
        """As PyTorch counts them."""
        return sum(one.numel() for one in self._model.parameters())

    def probabilities(self, pictures: Reals) -> NDArray[np.float64]:
        """Of each class, (n, classes)."""
        self._model.eval()
        with torch.inference_mode():
            parts = [self._model(self._tensor(part)) for part in _parts(pictures, self._batch_size)]
            found: NDArray[np.float64] = torch.cat(parts).double().softmax(dim=1).cpu().numpy()
        return found

    def train(self, side: Side, orders: list[NDArray[np.int64]], epochs: Epochs) -> None:
        """Every epoch, told to `epochs`."""
        for epoch, order in enumerate(orders):
            epochs.begin(epoch)
            self._model.train()
            total = torch.zeros((), device=self._device)
            for places in order:
                pictures, labels = side.batch(places)
                logits = self._model(self._tensor(pictures))
                loss = nn.functional.cross_entropy(logits, torch.from_numpy(labels).to(self._device))
                self._optimizer.zero_grad()
                loss.backward()
                self._optimizer.step()
                total += loss.detach()
            mean = float(total) / len(order)
            epochs.end(epoch, mean, self.probabilities)
            if not math.isfinite(mean):
                break

    def _tensor(self, pictures: Reals) -> Any:  # noqa: ANN401
        return torch.from_numpy(np.ascontiguousarray(pictures.transpose(0, 3, 1, 2))).to(self._device)


def _parts(pictures: Reals, size: int) -> list[Reals]:
    return [pictures[first : first + size] for first in range(0, len(pictures), size)]


def _built(network: Network) -> Any:  # noqa: ANN401
    inputs = (CHANNELS, *network.filters)
    blocks: list[nn.Module] = []
    for before, after in zip(inputs, network.filters, strict=False):
        blocks += [nn.Conv2d(before, after, KERNEL, padding="same"), nn.ReLU(), nn.MaxPool2d(2)]
    drops = [[nn.Dropout(network.dropout)] if network.dropout else [] for _ in range(2)]
    height, width, channels = network.grid
    return nn.Sequential(
        *blocks,
        nn.Flatten(),
        *drops[0],
        nn.Linear(height * width * channels, network.hidden_units),
        nn.ReLU(),
        *drops[1],
        nn.Linear(network.hidden_units, network.classes),
    )


def _set_weights(model: Any, network: Network, weights: Weights) -> None:  # noqa: ANN401
    """Kernels of convolutions as (out, in, 3, 3), of dense layers as (out, in); what is flattened is channels-first."""
    layers = [layer for layer in model if isinstance(layer, nn.Conv2d | nn.Linear)]
    with torch.no_grad():
        for place, (layer, (kernel, bias)) in enumerate(zip(layers, weights, strict=True)):
            if kernel.ndim == 4:
                turned = kernel.transpose(3, 2, 0, 1)
            elif place == len(network.filters):
                turned = kernel.reshape(*network.grid, -1).transpose(3, 2, 0, 1).reshape(kernel.shape[1], -1)
            else:
                turned = kernel.T
            layer.weight.copy_(torch.from_numpy(np.ascontiguousarray(turned)))
            layer.bias.copy_(torch.from_numpy(bias))


def software() -> dict[str, object]:
    """Versions, and what computes."""
    gpus = [torch.cuda.get_device_name(index) for index in range(torch.cuda.device_count())]
    return {"torch": torch.__version__, "threads": torch.get_num_threads(), "gpus": gpus}
