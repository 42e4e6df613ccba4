"""The program of the scenarios cnn, transfer and idle: prepares pictures, makes a net, trains it, exports, resets.

Knows the order of the actions, the stop criterion and what is recorded of a run (history.json, summary.json). Does not
know how it is measured, but runs the trackers named in WATTLAB_TRACKERS from before the first action to after the last.
`train.py cnn | transfer | idle`, in an empty work folder, with WATTLAB_PARAMETERS,
WATTLAB_SEED, WATTLAB_DATA and WATTLAB_ARTIFACTS; idle is the same program as cnn, asleep instead of training.

Uses a GPU where TensorFlow finds one. The seed fixes initial weights, order, augmentation and dropout; sums on
several threads and most GPU kernels still differ in the last bits, so two runs of one seed are close, not equal
(TensorFlow's deterministic mode would cost time and energy and is therefore not used).
A target that is not reached within `max_epochs` is a result: exit status 0, `reached` false.
"""

from __future__ import annotations

import os
import sys
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

import keras
import numpy as np
import tensorflow as tf
from counts import count_flops, count_parameters
from course import Course
from images import epochs_of, prepare, remove, stream
from networks import CLASSES, WeightsProblem, cnn, transfer
from pictures import DataProblem, read_record
from quality import confusion, quality
from task import ParameterProblem, Task, file_of_model, read_task, step, write_json
from tracking import TrackerProblem, Trackers, of_environment
from wattlab_markers import MarkerError

Model = Any  # Keras has no types
MODES = ("cnn", "transfer", "idle")
MODEL = Path("model.keras")
LIMITS = {
    "image_size": (32, 4096),
    "batch_size": (1, 65536),
    "images_per_class": (0, 10**7),
    "validation_fraction": (0.01, 0.99),
    "target": (0.0, 1.0),
    "max_epochs": (1, 10**6),
    "fixed_epochs": (0, 10**6),
    "idle_s": (0.0, 10**7),
}
"""The least and the largest value of each parameter."""


@dataclass(frozen=True, slots=True)
class Parameters:
    """What scenario.toml and lab.toml decide. Pixels, pictures, epochs, s."""

    image_size: int
    batch_size: int
    images_per_class: int
    validation_fraction: float
    target: float
    max_epochs: int
    fixed_epochs: int
    idle_s: float = 0.0


class Target:
    """The stop criterion: the target counts at the end of an epoch, and ends a training whose epochs are not fixed."""

    def __init__(self, parameters: Parameters) -> None:
        self._parameters = parameters
        self.reached = False

    def ends(self, logs: dict[str, Any]) -> str | None:
        """Why the training ends after an epoch with these metrics; None: it goes on."""
        self.reached = self.reached or logs["val_accuracy"] >= self._parameters.target
        return "target" if self.reached and not self._parameters.fixed_epochs else None


def create(task: Task[Parameters]) -> tuple[Model, dict[str, Any]]:
    """The compiled network of the task and the record of its weights."""
    record = {"kind": "random", "sha256": None}
    if task.mode == "transfer":
        record = read_record(task.data / "weights.json")
        model = transfer(task.parameters.image_size, task.data / str(record["file"]))
    else:
        model = cnn(task.parameters.image_size)
    model.compile("adam", loss="sparse_categorical_crossentropy", metrics=["accuracy"])
    return model, {"kind": record["kind"], "sha256": record["sha256"]}


def train(task: Task[Parameters], model: Model, trackers: Trackers) -> tuple[dict[str, list[float]], dict[str, Any]]:
    """Train by the rule of the parameters; history per epoch, and how it ended."""
    given = task.parameters
    sides = {side: stream(side, given.image_size, given.batch_size, task.seed) for side in ("train", "validation")}
    target = Target(given)
    course = Course(trackers, target.ends)
    epochs = given.fixed_epochs or given.max_epochs
    training, validation = (epochs_of(batches, given.image_size) for batches in sides.values())
    # The stream shuffles itself, from its own seed.
    result = model.fit(
        training, validation_data=validation, epochs=epochs, shuffle=False, verbose=0, callbacks=[course]
    )
    history = {name: [float(value) for value in values] for name, values in result.history.items()}
    ran = len(history["loss"])
    facts = {
        "epochs": ran,
        "reached": target.reached,
        "stopped_by": course.stopped_by or ("fixed_epochs" if given.fixed_epochs else "max_epochs"),
        "loss_finite": bool(np.isfinite(history["loss"]).all()),
        "val_accuracy": history["val_accuracy"][-1],
        "images_seen_train": sides["train"].samples * ran,
        "images_seen_validation": sides["validation"].samples * ran,
    }
    return history, facts


def evaluate(task: Task[Parameters], model: Model) -> dict[str, Any]:
    """Quality of the trained network on the validation pictures."""
    validation = stream("validation", task.parameters.image_size, task.parameters.batch_size, task.seed)
    predictions = model.predict(validation, verbose=0).argmax(axis=1)
    names = sorted(validation.class_indices, key=validation.class_indices.__getitem__)
    result: dict[str, Any] = quality(confusion(validation.classes, predictions, CLASSES), names)
    return result


def export(task: Task[Parameters], model: Model, history: dict[str, list[float]]) -> dict[str, Any]:
    """Save model and history; the model's digest and size stay when it is deleted."""
    model.save(MODEL)
    write_json(task.artifacts / "history.json", history)
    saved: dict[str, Any] = file_of_model(MODEL)
    return saved


def run(task: Task[Parameters]) -> None:
    """One run, every action marked, the trackers around all of them."""
    keras.utils.set_random_seed(task.seed)
    with of_environment(task.artifacts, epochs=task.mode != "idle") as trackers:
        model, summary = act(task, trackers)
    summary["restored"] = not (Path("images").exists() or MODEL.exists())
    summary.update(count_parameters(model) | count_flops(model))
    devices = [device.name for device in tf.config.list_physical_devices("GPU")]
    summary["software"] = {"tensorflow": tf.__version__, "keras": keras.__version__, "gpus": devices}
    write_json(task.artifacts / "summary.json", summary)


def act(task: Task[Parameters], trackers: Trackers) -> tuple[Model, dict[str, Any]]:
    """Every action in order; the network and what is recorded of the run."""
    given = task.parameters
    summary: dict[str, Any] = {"mode": task.mode, "seed": task.seed, "parameters": asdict(given)}
    history: dict[str, list[float]] = {}
    with step("image_preparation", trackers):
        summary["dataset"] = prepare(task.data, given.images_per_class, given.validation_fraction)
    with step("net_creation", trackers):
        model, summary["weights"] = create(task)
    if task.mode == "idle":
        with step("sleep", trackers):
            time.sleep(given.idle_s)
    else:
        with step("training", trackers) as metrics:
            history, facts = train(task, model, trackers)
            metrics.update(epochs=facts["epochs"], val_accuracy=facts["val_accuracy"], reached=facts["reached"])
        summary.update(facts)
        with step("evaluation", trackers):
            summary["quality"] = evaluate(task, model)
    with step("export", trackers):
        summary["model"] = export(task, model, history)
    with step("reset", trackers):
        remove()
        MODEL.unlink()
    return model, summary


def main() -> int:
    """0 when the run is complete, 1 with one sentence on stderr when it cannot be."""
    try:
        run(read_task(sys.argv[1:], MODES, Parameters, LIMITS))
    except (ParameterProblem, DataProblem, WeightsProblem, MarkerError, TrackerProblem, OSError) as error:
        print(f"train.py: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
