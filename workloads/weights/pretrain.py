"""Pretrains MobileNetV2 on generated shapes and writes `mobilenetv2-generated.npz` with its digest file beside it.

Knows the pretraining: three heads (shape, texture, hue) on the pooled features, pictures rendered afresh for
every step, first small and then larger, batch-normalization statistics taken again at the end over pictures of
two sizes, kernels stored as float16 and everything of batch normalization as float32. Does not know flowers.
Floating-point sums on several threads are not reproducible to the bit, so a second run gives weights of the same
quality and another digest; the committed digest names the file that is committed, not every rerun.

Run as `python pretrain.py`, in the environment of the SUT (TensorFlow, pillow).
"""

from __future__ import annotations

import hashlib
import json
import math
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import keras
import numpy as np
import shapes
import tensorflow as tf
from numpy.typing import NDArray

Model = Any  # Keras has no types
SEED = 20260611
BATCH = 32
SCHEDULE = ((96, 1000),)  # (picture size in pixels, steps)
PEAK_LEARNING_RATE = 1e-3
LOSS_WEIGHTS = {"shape": 1.0, "texture": 1.0, "hue": 0.3}  # hue is easy and would crowd the others out
NORMALIZATION_MOMENTUM = 0.95  # 0.999 of Keras' MobileNetV2 needs thousands of steps to forget its start
NORMALIZATION_SIZES = (96, 160)
HELD_OUT = 10_000_000  # numbers from here on are never trained on
OUTPUT = Path(__file__).with_name("mobilenetv2-generated.npz")

Batch = tuple[NDArray[np.float32], dict[str, NDArray[np.int64]]]


def batch_of(first: int, count: int, size: int) -> Batch:
    """Pictures `first` to `first + count`, float32 (count, size, size, 3) in -1..1, and their labels per head."""
    made = [shapes.render(number, size, SEED) for number in range(first, first + count)]
    pictures = np.stack([picture for picture, _ in made]).astype(np.float32) / 127.5 - 1.0
    return pictures, {head: np.array([labels[head] for _, labels in made]) for head in shapes.HEADS}


def build() -> tuple[Model, Model]:
    """MobileNetV2 (alpha 1.0, no top, average pooling, any input size) and the model with the three heads."""
    base = keras.applications.MobileNetV2(input_shape=(None, None, 3), weights=None, include_top=False, pooling="avg")
    for layer in base.layers:
        if isinstance(layer, keras.layers.BatchNormalization):
            layer.momentum = NORMALIZATION_MOMENTUM
    heads = {h: keras.layers.Dense(n, activation="softmax", name=h)(base.output) for h, n in shapes.HEADS.items()}
    return base, keras.Model(base.input, heads)


def _batches() -> Iterator[tuple[int, Batch]]:
    number = 0
    for size, steps in SCHEDULE:
        for _ in range(steps):
            yield size, batch_of(number, BATCH, size)
            number += BATCH


def train(model: Model) -> None:
    """Train over the whole schedule with a cosine learning rate; one progress line every 20 steps."""
    steps = sum(count for _, count in SCHEDULE)
    optimizer = keras.optimizers.Adam(PEAK_LEARNING_RATE)
    metrics = {head: ["accuracy"] for head in shapes.HEADS}
    loss = dict.fromkeys(shapes.HEADS, "sparse_categorical_crossentropy")
    model.compile(optimizer, loss=loss, loss_weights=LOSS_WEIGHTS, metrics=metrics)
    began = time.monotonic()
    for step, (size, (pictures, labels)) in enumerate(_batches()):
        warm_up = min(1.0, (step + 1) / 20)
        optimizer.learning_rate = PEAK_LEARNING_RATE * warm_up * 0.5 * (1 + math.cos(math.pi * step / steps))
        logs = model.train_on_batch(pictures, labels, return_dict=True)
        if (step + 1) % 20 == 0:
            shown = " ".join(f"{name}={value:.3f}" for name, value in logs.items() if "accuracy" in name)
            print(f"step {step + 1}/{steps} size={size} {shown} {time.monotonic() - began:.0f} s", flush=True)
            model.reset_metrics()


def settle_normalization(base: Model) -> None:
    """Take the moving statistics of batch normalization again, with the final weights."""
    forward = tf.function(lambda pictures: base(pictures, training=True), reduce_retracing=True)
    for step in range(60):
        size = NORMALIZATION_SIZES[step % len(NORMALIZATION_SIZES)]
        forward(tf.constant(batch_of(HELD_OUT * 2 + step * 32, 32, size)[0]))


def evaluate(model: Model) -> dict[str, float]:
    """Accuracy per head on 1024 held-out pictures of 96 pixels."""
    pictures, labels = batch_of(HELD_OUT, 1024, 96)
    outputs = model.predict(pictures, batch_size=64, verbose=0)
    return {head: float((outputs[head].argmax(axis=1) == labels[head]).mean()) for head in shapes.HEADS}


def store(base: Model, path: Path) -> str:
    """Write every weight as `<layer>/<weight>` and return the file's sha256."""
    arrays: dict[str, NDArray[Any]] = {}
    for layer in base.layers:
        kind = np.float32 if isinstance(layer, keras.layers.BatchNormalization) else np.float16
        for weight in layer.weights:
            arrays[f"{layer.name}/{weight.name}"] = weight.numpy().astype(kind)
    with path.open("wb") as file:
        np.savez_compressed(file, **arrays)  # type: ignore[arg-type]  # names are array names here
    return hashlib.sha256(path.read_bytes()).hexdigest()


def main() -> None:
    """Pretrain, evaluate, store."""
    keras.utils.set_random_seed(SEED)
    base, model = build()
    began = time.monotonic()
    train(model)
    settle_normalization(base)
    accuracy = evaluate(model)
    facts = {
        "sha256": store(base, OUTPUT),
        "bytes": OUTPUT.stat().st_size,
        "seed": SEED,
        "batch": BATCH,
        "schedule": SCHEDULE,
        "held_out_accuracy": accuracy,
        "duration_s": round(time.monotonic() - began),
        "tensorflow": tf.__version__,
    }
    OUTPUT.with_suffix(".json").write_text(json.dumps(facts, indent=2) + "\n", encoding="utf-8")
    print(json.dumps(facts), file=sys.stdout)


if __name__ == "__main__":
    main()
