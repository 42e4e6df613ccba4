"""A small language model with random weights: a transformer over bytes, one step for many texts at a time.

Knows layers and tokens. Knows no HTTP and no queue. It says nothing that makes sense; it does for each token the work
that its size says: every step runs over the whole window, so that a token costs the same wherever it stands.

A prompt's tokens are the bytes of its UTF-8 text. A token of an answer is a syllable, so that any answer is text.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from keras import layers
from numpy.typing import NDArray

Model = Any  # Keras has no types
VOCABULARY = 256
SYLLABLES = tuple(
    first + vowel + last for first in "bdfgklmnprstvwyz" for vowel in "aeio" for last in ("", "l", "n", "s")
)


class Positions(layers.Layer):  # type: ignore[misc]  # Keras has no types
    """The place of each token, added to it."""

    def build(self, shape: tuple[int | None, int, int]) -> None:
        """A vector for each place."""
        drawn = keras.initializers.RandomNormal(stddev=0.02)
        self._places = self.add_weight(shape=(1, shape[1], shape[2]), initializer=drawn, name="places")

    def call(self, tokens: Any) -> Any:  # noqa: ANN401
        """Shape (n, window, width) -> the same."""
        return tokens + self._places


def language_model(window: int, width: int, depth: int, heads: int) -> Model:
    """A decoder: tokens of shape (n, window) -> logits of shape (n, window, VOCABULARY)."""
    tokens = keras.Input((window,), dtype="int32")
    values = Positions()(layers.Embedding(VOCABULARY, width)(tokens))
    for _ in range(depth):
        within = layers.LayerNormalization()(values)
        values = values + layers.MultiHeadAttention(heads, width // heads)(within, within, use_causal_mask=True)
        within = layers.LayerNormalization()(values)
        values = values + layers.Dense(width)(layers.Dense(4 * width, "gelu")(within))
    return keras.Model(tokens, layers.Dense(VOCABULARY)(layers.LayerNormalization()(values)))


class Speaker:
    """The model, compiled to one step for many texts."""

    def __init__(self, model: Model, window: int) -> None:
        self._window = window
        shapes = [tf.TensorSpec((None, window), tf.int32), tf.TensorSpec((None,), tf.int32)]
        self._step = tf.function(
            lambda tokens, lasts: tf.gather(model(tokens, training=False), lasts, batch_dims=1), input_signature=shapes
        )

    def next_tokens(
        self, texts: Sequence[Sequence[int]], temperatures: Sequence[float], dice: Sequence[np.random.Generator]
    ) -> list[int]:
        """The token that follows each text: the likeliest, or at a temperature above 0 a drawn one."""
        tokens = np.zeros((len(texts), self._window), dtype=np.int32)
        lasts = np.zeros(len(texts), dtype=np.int32)
        for row, text in enumerate(texts):
            seen = list(text[-self._window :]) or [0]
            tokens[row, : len(seen)], lasts[row] = seen, len(seen) - 1
        logits = self._step(tokens, lasts).numpy().astype(np.float64)
        chosen = zip(logits, temperatures, dice, strict=True)
        return [_drawn(own, temperature, die) for own, temperature, die in chosen]


def _drawn(logits: NDArray[np.float64], temperature: float, die: np.random.Generator) -> int:
    if temperature <= 0:
        return int(logits.argmax())
    odds = np.exp((logits - logits.max()) / temperature)
    return int(die.choice(VOCABULARY, p=odds / odds.sum()))
