"""The network in Keras 3, on TensorFlow or JAX: KERAS_BACKEND says which, before this is imported.

Knows how Keras is given weights, batches in their order, and who is told of epochs. Does not know marks or files.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import keras
import numpy as np
from epochs import ADAM_EPSILON, Epochs, FrameworkProblem
from network import CHANNELS, KERNEL, Network, Weights
from numpy.typing import NDArray
from pixels import Reals, Side


class Batches(keras.utils.PyDataset):  # type: ignore[misc]  # Keras has no types
    """The batches of the epoch that runs, which a callback says: on JAX Keras calls `on_epoch_end` of a data set once
    before the first epoch too (3.15), on TensorFlow it does not."""

    def __init__(self, side: Side, orders: list[NDArray[np.int64]]) -> None:
        super().__init__()
        self._side, self._orders, self.epoch = side, orders, 0

    def __len__(self) -> int:
        return len(self._orders[0])

    def __getitem__(self, index: int) -> tuple[Reals, NDArray[np.int64]]:
        pictures, labels = self._side.batch(self._orders[self.epoch][index])
        return pictures, labels


class Training:
    """A network that is trained."""

    def __init__(self, network: Network, weights: Weights, learning_rate: float, batch_size: int, *, gpu: bool) -> None:
        self._batch_size = batch_size
        if gpu and not devices():
            raise FrameworkProblem(f"{keras.backend.backend()} finds no GPU")
        self._model = _built(network)
        self._model.set_weights([array for pair in weights for array in pair])
        optimizer = keras.optimizers.Adam(learning_rate, epsilon=ADAM_EPSILON)
        loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
        self._model.compile(optimizer, loss=loss)

    @property
    def parameters(self) -> int:
        """As Keras counts them."""
        return int(self._model.count_params())

    def probabilities(self, pictures: Reals) -> NDArray[np.float64]:
        """Of each class, (n, classes)."""
        logits = np.asarray(self._model.predict(pictures, batch_size=self._batch_size, verbose=0), dtype=np.float64)
        raised = np.exp(logits - logits.max(axis=1, keepdims=True))
        found: NDArray[np.float64] = raised / raised.sum(axis=1, keepdims=True)
        return found

    def train(self, side: Side, orders: list[NDArray[np.int64]], epochs: Epochs) -> None:
        """Every epoch, told to `epochs`."""
        training, batches = self, Batches(side, orders)
        is_tensorflow = keras.backend.backend() == "tensorflow"

        class Told(keras.callbacks.Callback):  # type: ignore[misc]
            """Tells it."""

            def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:  # noqa: ANN401
                """Its begin."""
                batches.epoch = epoch
                epochs.begin(epoch)

            def on_epoch_end(self, epoch: int, logs: Any = None) -> None:  # noqa: ANN401
                """Its end, and whether to go on."""
                epochs.end(epoch, float(logs["loss"]), training.probabilities)
                self.model.stop_training = not math.isfinite(logs["loss"])

        given, steps = (_dataset(side, orders), len(batches)) if is_tensorflow else (batches, None)
        self._model.fit(given, epochs=len(orders), steps_per_epoch=steps, shuffle=False, verbose=0, callbacks=[Told()])


def _built(network: Network) -> Any:  # noqa: ANN401  Keras has no types
    layers, blocks = keras.layers, []
    for filters in network.filters:
        blocks += [layers.Conv2D(filters, KERNEL, padding="same", activation="relu"), layers.MaxPooling2D(2)]
    drops = [[layers.Dropout(network.dropout)] if network.dropout else [] for _ in range(2)]
    return keras.Sequential(
        [
            keras.Input((network.image_size, network.image_size, CHANNELS)),
            *blocks,
            layers.Flatten(),
            *drops[0],
            layers.Dense(network.hidden_units, activation="relu"),
            *drops[1],
            layers.Dense(network.classes),
        ]
    )


def _dataset(side: Side, orders: list[NDArray[np.int64]]) -> Any:  # noqa: ANN401
    """The same batches, of every epoch one behind the other, as TensorFlow reads them: what Keras makes of a PyDataset
    itself waits for a thread of its own between epochs (workloads/training/images.py)."""
    import tensorflow as tf

    def every() -> Iterator[tuple[Reals, NDArray[np.int64]]]:
        for order in orders:
            yield from map(side.batch, order)

    pictures = tf.TensorSpec((None, *side.pictures.shape[1:]), tf.float32)
    options = tf.data.Options()
    options.autotune.enabled = False
    made = tf.data.Dataset.from_generator(every, output_signature=(pictures, tf.TensorSpec((None,), tf.int64)))
    return made.prefetch(2).with_options(options)


def devices() -> list[str]:
    """The GPUs that are used."""
    if keras.backend.backend() == "tensorflow":
        import tensorflow as tf

        return [device.name for device in tf.config.list_physical_devices("GPU")]
    import jax

    return [str(device) for device in jax.devices() if device.platform == "gpu"]


def software() -> dict[str, object]:
    """Versions, and what computes."""
    backend = keras.backend.backend()
    module = __import__(backend)
    return {backend: module.__version__, "keras": keras.__version__, "gpus": devices()}
