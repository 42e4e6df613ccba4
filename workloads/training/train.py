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

import hashlib
import json
import math
import os
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

import keras
import numpy as np
import tensorflow as tf
from images import DataProblem, epochs_of, prepare, read_record, remove, stream
from networks import CLASSES, WeightsProblem, cnn, count_flops, count_parameters, transfer
from quality import confusion, quality
from tracking import TrackerProblem, Trackers, of_environment
from wattlab_markers import MarkerError, action, keras_callback

Model = Any  # Keras has no types
MODES = ("cnn", "transfer", "idle")
MODEL = Path("model.keras")


class ParameterProblem(Exception):
    """The environment of the program is not what it needs; one sentence."""


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

    def check(self) -> None:
        """Refuse impossible values, naming each."""
        limits = {
            "image_size": (32, 4096),
            "batch_size": (1, 65536),
            "images_per_class": (0, 10**7),
            "validation_fraction": (0.01, 0.99),
            "target": (0.0, 1.0),
            "max_epochs": (1, 10**6),
            "fixed_epochs": (0, 10**6),
            "idle_s": (0.0, 10**7),
        }
        for field in fields(self):
            value, (low, high) = getattr(self, field.name), limits[field.name]
            is_number = isinstance(value, (int, float)) and not isinstance(value, bool)
            if not is_number or (field.type == "int" and not isinstance(value, int)) or not low <= value <= high:
                raise ParameterProblem(f"{field.name}: found {value!r}, expected {field.type} in {low} to {high}")


@dataclass(frozen=True, slots=True)
class Task:
    """One run as ordered: mode, parameters, seed, folders."""

    mode: str
    parameters: Parameters
    seed: int
    data: Path
    artifacts: Path


class Course(keras.callbacks.Callback):  # type: ignore[misc]  # Keras has no types
    """Marks every epoch, prints one line for it, and ends the training by the rule of the parameters."""

    def __init__(self, parameters: Parameters, trackers: Trackers) -> None:
        super().__init__()
        self._parameters, self._marks, self._trackers = parameters, keras_callback(), trackers
        self.stopped_by = "fixed_epochs" if parameters.fixed_epochs else "max_epochs"
        self.reached = False

    def on_epoch_begin(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """Mark."""
        self._marks.on_epoch_begin(epoch, logs)
        self._trackers.interval_begin("epoch", epoch)

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """Mark, then decide: the target counts at the end of an epoch; a loss that is not finite ends everything."""
        self._trackers.interval_end("epoch", epoch)
        self._marks.on_epoch_end(epoch, logs)
        logs = logs or {}
        print(f"epoch {epoch}: " + " ".join(f"{name} {value:.4f}" for name, value in logs.items()), flush=True)
        self.reached = self.reached or logs["val_accuracy"] >= self._parameters.target
        if not math.isfinite(logs["loss"]):
            self._end("loss-not-finite")
        elif self.reached and not self._parameters.fixed_epochs:
            self._end("target")

    def _end(self, reason: str) -> None:
        self.stopped_by = reason
        self.model.stop_training = True


def read_task(arguments: list[str]) -> Task:
    """The task from command line and environment.

    Raises:
        ParameterProblem: naming what is missing or wrong.
    """
    if len(arguments) != 1 or arguments[0] not in MODES:
        raise ParameterProblem(f"found the arguments {arguments}, expected one of {', '.join(MODES)}")
    missing = [name for name in ("PARAMETERS", "SEED", "DATA", "ARTIFACTS") if not os.environ.get(f"WATTLAB_{name}")]
    if missing:
        raise ParameterProblem("not set: " + ", ".join(f"WATTLAB_{name}" for name in missing))
    try:
        parameters = Parameters(**json.loads(os.environ["WATTLAB_PARAMETERS"]))
        seed = int(os.environ["WATTLAB_SEED"])
    except (TypeError, ValueError) as error:
        raise ParameterProblem(f"WATTLAB_PARAMETERS or WATTLAB_SEED: {error}") from error
    parameters.check()
    if not 0 <= seed < 2**32:
        raise ParameterProblem(f"WATTLAB_SEED: found {seed}, expected 0 to 2**32 - 1")
    folders = Path(os.environ["WATTLAB_DATA"]), Path(os.environ["WATTLAB_ARTIFACTS"])
    return Task(arguments[0], parameters, seed, *folders)


def create(task: Task) -> tuple[Model, dict[str, Any]]:
    """The compiled network of the task and the record of its weights."""
    record = {"kind": "random", "sha256": None}
    if task.mode == "transfer":
        record = read_record(task.data / "weights.json")
        model = transfer(task.parameters.image_size, task.data / str(record["file"]))
    else:
        model = cnn(task.parameters.image_size)
    model.compile("adam", loss="sparse_categorical_crossentropy", metrics=["accuracy"])
    return model, {"kind": record["kind"], "sha256": record["sha256"]}


def train(task: Task, model: Model, trackers: Trackers) -> tuple[dict[str, list[float]], dict[str, Any]]:
    """Train by the rule of the parameters; history per epoch, and how it ended."""
    given = task.parameters
    sides = {side: stream(side, given.image_size, given.batch_size, task.seed) for side in ("train", "validation")}
    course = Course(given, trackers)
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
        "reached": course.reached,
        "stopped_by": course.stopped_by,
        "loss_finite": bool(np.isfinite(history["loss"]).all()),
        "val_accuracy": history["val_accuracy"][-1],
        "images_seen_train": sides["train"].samples * ran,
        "images_seen_validation": sides["validation"].samples * ran,
    }
    return history, facts


def evaluate(task: Task, model: Model) -> dict[str, Any]:
    """Quality of the trained network on the validation pictures."""
    validation = stream("validation", task.parameters.image_size, task.parameters.batch_size, task.seed)
    predictions = model.predict(validation, verbose=0).argmax(axis=1)
    names = sorted(validation.class_indices, key=validation.class_indices.__getitem__)
    result: dict[str, Any] = quality(confusion(validation.classes, predictions, CLASSES), names)
    return result


def export(task: Task, model: Model, history: dict[str, list[float]]) -> dict[str, Any]:
    """Save model and history; the model's digest and size stay when it is deleted."""
    model.save(MODEL)
    task.artifacts.mkdir(parents=True, exist_ok=True)
    _write_json(task.artifacts / "history.json", history)
    with MODEL.open("rb") as file:
        sha256 = hashlib.file_digest(file, "sha256").hexdigest()
    return {"sha256": sha256, "bytes": MODEL.stat().st_size}


def _write_json(path: Path, content: dict[str, Any]) -> None:
    finite = json.loads(json.dumps(content), parse_constant=lambda _name: None)
    path.write_text(json.dumps(finite, indent=1) + "\n", encoding="utf-8")


@contextmanager
def step(name: str, trackers: Trackers) -> Iterator[dict[str, Any]]:
    """One action, marked and told to the trackers."""
    with action(name) as metrics, trackers.interval(name):
        yield metrics


def run(task: Task) -> None:
    """One run, every action marked, the trackers around all of them."""
    keras.utils.set_random_seed(task.seed)
    with of_environment(task.artifacts, epochs=task.mode != "idle") as trackers:
        model, summary = act(task, trackers)
    summary["restored"] = not (Path("images").exists() or MODEL.exists())
    summary.update(count_parameters(model), flops_per_image=count_flops(model))
    devices = [device.name for device in tf.config.list_physical_devices("GPU")]
    summary["software"] = {"tensorflow": tf.__version__, "keras": keras.__version__, "gpus": devices}
    _write_json(task.artifacts / "summary.json", summary)


def act(task: Task, trackers: Trackers) -> tuple[Model, dict[str, Any]]:
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
        run(read_task(sys.argv[1:]))
    except (ParameterProblem, DataProblem, WeightsProblem, MarkerError, TrackerProblem, OSError) as error:
        print(f"train.py: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
