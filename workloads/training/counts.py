"""How large a network is: parameters, and floating-point operations of a forward pass by two counters.

Knows Keras' layers and TensorFlow's profiler; knows no network of ours. A multiply-add is two operations in both.

- `tensorflow-profiler`: of the graph of one picture, every operation for which TensorFlow has a statistic: what the
  published studies print. It has none for a convolution in groups and for `Einsum`, which count 0 (seen with 2.21).
- `formula`: the multiply-adds of convolutions (in groups too), dense layers and attention, from their shapes; no bias,
  activation, pooling or normalisation, so where the profiler sees everything it lies a little below it.
"""

from __future__ import annotations

from collections.abc import Iterator
from math import prod
from typing import Any

import keras
import tensorflow as tf

Model = Any  # Keras has no types
Layer = Any
PROFILER, FORMULA = "tensorflow-profiler", "formula"


def count_parameters(model: Model) -> dict[str, int]:
    """Total and trainable parameters."""
    trainable = sum(_size(weight) for weight in model.trainable_weights)
    return {"parameters_total": int(model.count_params()), "parameters_trainable": trainable}


def count_flops(model: Model) -> dict[str, Any]:
    """Floating-point operations of one forward pass of one picture: the figure (`flops_per_image`), whose it is
    (`flops_counter`), and what both counters say (`flops_by`; None: there is a layer that the formula does not know).

    The profiler's, unless the network has what it does not see; then the formula's.
    """
    layers = list(layers_of(model))
    by: dict[str, int | None] = {PROFILER: by_profiler(model), FORMULA: by_formula(layers)}
    unseen = any(getattr(layer, "groups", 1) > 1 or _is_attention(layer) for layer in layers)
    counter = FORMULA if unseen and by[FORMULA] is not None else PROFILER
    return {"flops_per_image": by[counter], "flops_counter": counter, "flops_by": by}


def by_profiler(model: Model) -> int:
    """What TensorFlow's profiler counts."""
    specification = tf.TensorSpec((1, *model.input_shape[1:]), tf.float32)
    graph = tf.function(lambda pictures: model(pictures, training=False)).get_concrete_function(specification).graph
    profiler = tf.compat.v1.profiler
    options = profiler.ProfileOptionBuilder(profiler.ProfileOptionBuilder.float_operation()).with_empty_output()
    return int(profiler.profile(graph, options=options.build()).total_float_ops)


def layers_of(model: Model) -> Iterator[Layer]:
    """Every layer, those of models inside it among them."""
    for layer in model.layers:
        if hasattr(layer, "layers"):
            yield from layers_of(layer)
        else:
            yield layer


def by_formula(layers: list[Layer]) -> int | None:
    """Twice the multiply-adds of the layers; None where one has weights that multiply in a way not known here."""
    counted = [_multiply_adds(layer) for layer in layers]
    return None if None in counted else 2 * sum(count for count in counted if count is not None)


def _multiply_adds(layer: Layer) -> int | None:
    kinds = keras.layers
    if _is_attention(layer):
        return _attention(layer)
    if isinstance(layer, (kinds.SeparableConv1D, kinds.SeparableConv2D)):
        return _places(layer.output) * (_size(layer.depthwise_kernel) + _size(layer.pointwise_kernel))
    if isinstance(layer, (kinds.Conv1DTranspose, kinds.Conv2DTranspose, kinds.Conv3DTranspose)):
        return _places(layer.input) * _size(layer.kernel)
    if isinstance(layer, (kinds.Conv1D, kinds.Conv2D, kinds.Conv3D, kinds.DepthwiseConv1D, kinds.DepthwiseConv2D)):
        return _places(layer.output) * _size(layer.kernel)  # its channels in are those of one group
    if isinstance(layer, kinds.Dense):
        return _places(layer.output) * _size(layer.kernel)
    is_cheap = isinstance(layer, (kinds.BatchNormalization, kinds.LayerNormalization, kinds.Normalization))
    return 0 if is_cheap or not layer.weights else None


def _size(weight: Any) -> int:  # noqa: ANN401
    return prod(int(length) for length in weight.shape)


def _places(tensor: Any) -> int:  # noqa: ANN401
    """Positions of one picture's feature map, channels last."""
    return prod(int(length) for length in tensor.shape[1:-1])


def _is_attention(layer: Layer) -> bool:
    return isinstance(layer, keras.layers.MultiHeadAttention)


def _attention(layer: Layer) -> int:
    """The projections of query, key, value and output, and the two products."""
    given = layer.input if isinstance(layer.input, (list, tuple)) else [layer.input]
    queries, features = (int(length) for length in given[0].shape[1:])
    keys, features_in = (int(length) for length in given[1 if len(given) > 1 else 0].shape[1:])
    config = layer.get_config()
    of_key, of_value = (int(config["num_heads"]) * int(config[name]) for name in ("key_dim", "value_dim"))
    projections = queries * features * of_key + keys * features_in * (of_key + of_value)
    return projections + queries * keys * (of_key + of_value) + queries * of_value * int(layer.output.shape[-1])
