"""The program of the scenario yarally: reads a picture set, makes a network, trains it with Adam, tests it.

Knows the order of the actions and what is recorded (history.json, summary.json). `learn.py`, in a work folder, with
WATTLAB_PARAMETERS, WATTLAB_SEED, WATTLAB_DATA and WATTLAB_ARTIFACTS.

A training that leaves the numbers (a learning rate that is too high) is a result: exit status 0, `val_accuracy` null.
The seed fixes weights and order; sums on several threads differ in the last bits.
"""

from __future__ import annotations

import json
import math
import os
import sys
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

import keras
import numpy as np
import tensorflow as tf
from classifiers import NETWORKS, CoupledAdam, network
from counts import count_parameters
from picture_sets import SHAPES, DataProblem, PictureSet, load
from wattlab_markers import MarkerError, action, keras_callback


class ParameterProblem(Exception):
    """The environment of the program is not what it needs; one sentence."""


@dataclass(frozen=True, slots=True)
class Parameters:
    """What scenario.toml, lab.toml and a search decide."""

    network: str
    dataset: str
    linear_layers: int
    conv_layers: int
    relu: bool
    epochs: int
    batch_size: int
    train_images: int
    test_images: int
    learning_rate: float
    beta_1: float
    beta_2: float
    epsilon: float
    weight_decay: float

    def check(self) -> None:
        """Refuse impossible values, naming each."""
        words = {"network": NETWORKS, "dataset": tuple(SHAPES), "relu": (True, False)}
        limits = {
            "linear_layers": (1, 64), "conv_layers": (0, 4), "epochs": (1, 10**6), "batch_size": (1, 10**6),
            "train_images": (0, 10**6), "test_images": (0, 10**6), "learning_rate": (0.0, 10.0), "beta_1": (0.0, 1.0),
            "beta_2": (0.0, 1.0), "epsilon": (0.0, 1.0), "weight_decay": (0.0, 10.0),
        }  # fmt: skip
        for field in fields(self):
            value = getattr(self, field.name)
            if field.name in words:
                if value not in words[field.name] or isinstance(value, bool) != (field.name == "relu"):
                    raise ParameterProblem(f"{field.name}: found {value!r}, expected one of {words[field.name]}")
                continue
            low, high = limits[field.name]
            is_number = isinstance(value, (int, float)) and not isinstance(value, bool)
            if not is_number or (field.type == "int" and not isinstance(value, int)) or not low <= value <= high:
                raise ParameterProblem(f"{field.name}: found {value!r}, expected {field.type} in {low} to {high}")


@dataclass(frozen=True, slots=True)
class Task:
    """One run as ordered."""

    parameters: Parameters
    seed: int
    data: Path
    artifacts: Path


def read_task() -> Task:
    """The task from the environment.

    Raises:
        ParameterProblem: naming what is missing or wrong.
    """
    missing = [name for name in ("PARAMETERS", "SEED", "DATA", "ARTIFACTS") if not os.environ.get(f"WATTLAB_{name}")]
    if missing:
        raise ParameterProblem("not set: " + ", ".join(f"WATTLAB_{name}" for name in missing))
    try:
        parameters = Parameters(**json.loads(os.environ["WATTLAB_PARAMETERS"]))
        seed = int(os.environ["WATTLAB_SEED"])
    except (TypeError, ValueError) as error:
        raise ParameterProblem(f"WATTLAB_PARAMETERS or WATTLAB_SEED: {error}") from error
    parameters.check()
    return Task(parameters, seed, Path(os.environ["WATTLAB_DATA"]), Path(os.environ["WATTLAB_ARTIFACTS"]))


def create(given: Parameters) -> Any:  # noqa: ANN401  Keras has no types
    """The compiled network."""
    model = network(given.network, SHAPES[given.dataset], given.linear_layers, given.conv_layers, given.relu)
    optimizer = CoupledAdam(
        given.weight_decay, learning_rate=given.learning_rate, beta_1=given.beta_1, beta_2=given.beta_2,
        epsilon=given.epsilon,
    )  # fmt: skip
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(optimizer, loss=loss, metrics=["accuracy"])
    return model


def batches(side: tuple[Any, Any], size: int, seed: int | None) -> Any:  # noqa: ANN401
    """Pictures as 0..1 in batches, shuffled anew in each epoch where a seed is given."""
    pictures, classes = side
    given = tf.data.Dataset.from_tensor_slices((pictures, classes.astype(np.int32)))
    if seed is not None:
        given = given.shuffle(len(classes), seed=seed)
    given = given.batch(size).map(lambda x, y: (tf.cast(x, tf.float32) / 255.0, y))
    return given.prefetch(2)


def tested(model: Any, pictures: PictureSet, size: int) -> dict[str, Any]:  # noqa: ANN401
    """Accuracy on the test set; NaN where the network gives no numbers any more."""
    logits = model.predict(batches(pictures.test, size, None), verbose=0)
    if not np.isfinite(logits).all():
        return {"val_accuracy": math.nan, "correct": 0}
    correct = int((logits.argmax(axis=1) == pictures.test[1]).sum())
    return {"val_accuracy": correct / len(pictures.test[1]), "correct": correct}


def run(task: Task) -> None:
    """One run, every action marked."""
    given = task.parameters
    keras.utils.set_random_seed(task.seed)
    summary: dict[str, Any] = {"seed": task.seed, "parameters": asdict(given), "epochs": given.epochs}
    with action("image_preparation"):
        pictures = load(task.data, given.dataset, given.train_images, given.test_images)
        summary["dataset"] = pictures.record
    with action("net_creation"):
        model = create(given)
        summary.update(count_parameters(model))
    with action("training"):
        shown = batches(pictures.train, given.batch_size, task.seed)
        # The batches shuffle themselves, from the seed.
        result = model.fit(shown, epochs=given.epochs, shuffle=False, verbose=0, callbacks=[keras_callback()])
    history = {name: [float(value) for value in values] for name, values in result.history.items()}
    summary["loss_finite"] = bool(np.isfinite(history["loss"]).all())
    summary["images_seen_train"] = pictures.record["images_train"] * len(history["loss"])
    with action("evaluation") as metrics:
        summary.update(tested(model, pictures, given.batch_size))
        metrics.update(val_accuracy=summary["val_accuracy"])
    devices = [device.name for device in tf.config.list_physical_devices("GPU")]
    summary["software"] = {"tensorflow": tf.__version__, "keras": keras.__version__, "gpus": devices}
    task.artifacts.mkdir(parents=True, exist_ok=True)
    _write_json(task.artifacts / "history.json", history)
    _write_json(task.artifacts / "summary.json", summary)


def _write_json(path: Path, content: dict[str, Any]) -> None:
    finite = json.loads(json.dumps(content), parse_constant=lambda _name: None)
    path.write_text(json.dumps(finite, indent=1) + "\n", encoding="utf-8")


def main() -> int:
    """0 when the run is complete, 1 with one sentence on stderr when it cannot be."""
    try:
        run(read_task())
    except (ParameterProblem, DataProblem, MarkerError, OSError) as error:
        print(f"learn.py: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
