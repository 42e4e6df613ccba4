"""The program of the scenarios of del Rey et al.: transfer learning in two steps, the top alone, then all layers.

Knows the order of the actions, the two steps, their ends and what is recorded of a run (history.json, summary.json).
Does not know how it is measured, but runs the trackers named in WATTLAB_TRACKERS from before the first action to after
the last. Started in an empty work folder, with WATTLAB_PARAMETERS, WATTLAB_SEED, WATTLAB_DATA and WATTLAB_ARTIFACTS.

The test set is what each epoch is validated on, as in the study, which had no third part. A training that stops early
goes back to the weights of its best epoch (the last step only). Want of memory that TensorFlow notices ends the program
with `out of memory in this cell`; want of it that the kernel ends is told by `within_memory.py` and by the lab.
"""

from __future__ import annotations

import math
import os
import resource
import sys
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

import keras
import numpy as np
import tensorflow as tf
from architectures import ARCHITECTURES, WeightsProblem, network
from counts import count_flops, count_parameters
from course import Course
from folders import Pictures, Role, batches, prepare
from pictures import DataProblem, read_record
from quality import confusion, quality
from task import ParameterProblem, Task, file_of_model, read_task, step, write_json
from tracking import TrackerProblem, Trackers, of_environment
from wattlab_markers import MarkerError
from within_memory import in_force

Model = Any  # Keras has no types
Json = dict[str, Any]
MODEL = Path("model.keras")
OUT_OF_MEMORY = "out of memory in this cell"
AUGMENTATIONS = ("none", "flip", "colour")
LIMITS = {
    "image_size": (32, 4096),
    "batch_size": (1, 65536),
    "images_per_class": (0, 10**7),
    "test_fraction": (0.01, 0.99),
    "train_per_class": (0, 10**6),
    "split_seed": (0, 2**31),
    "pixel_range": (1.0, 255.0),
    "top_epochs": (0, 10**6),
    "top_learning_rate": (1e-9, 10.0),
    "fine_epochs": (0, 10**6),
    "fine_learning_rate": (1e-9, 10.0),
    "fine_momentum": (0.0, 1.0),
    "patience": (1, 10**6),
    "min_delta": (0.0, 1.0),
    "start_from_epoch": (0, 10**6),
    "reduce_patience": (1, 10**6),
    "reduce_factor": (1e-6, 0.99),
    "least_learning_rate": (0.0, 1.0),
    "limit_s": (0.0, 10**7),
    "ram_limit_gb": (0.0, 10**5),
}
"""The least and the largest value of each number among the parameters."""


@dataclass(frozen=True, slots=True)
class Parameters:
    """What scenario.toml and lab.toml decide. Pixels, pictures, epochs, s, GB."""

    architecture: str
    data: str
    image_size: int
    batch_size: int
    images_per_class: int
    test_fraction: float
    train_per_class: int
    split_seed: int
    pixel_range: float
    augmentation: str
    cache: bool
    top_epochs: int
    top_learning_rate: float
    fine_epochs: int
    fine_learning_rate: float
    fine_momentum: float
    monitor: str
    patience: int
    min_delta: float
    start_from_epoch: int
    reduce_patience: int
    reduce_factor: float
    least_learning_rate: float
    limit_s: float
    ram_limit_gb: float
    ram_limit_by: str

    def check(self) -> None:
        """Refuse words that are not known, and sizes that the network cannot take."""
        for name, known in (("architecture", tuple(ARCHITECTURES)), ("augmentation", AUGMENTATIONS)):
            if getattr(self, name) not in known:
                raise ParameterProblem(f"{name}: found {getattr(self, name)!r}, expected one of {', '.join(known)}")
        least = ARCHITECTURES[self.architecture].least_size
        if self.image_size < least:
            raise ParameterProblem(f"image_size: found {self.image_size}, {self.architecture} takes {least} and more")
        if self.ram_limit_gb and in_force()["bytes"] is None:
            text = f"ram_limit_gb: found {self.ram_limit_gb}, and the kernel knows of no limit"
            raise ParameterProblem(f"{text}; start the program by within_memory.py")
        if not self.top_epochs + self.fine_epochs:
            raise ParameterProblem("top_epochs, fine_epochs: found 0 and 0, expected an epoch to train")


@dataclass(frozen=True, slots=True)
class Step:
    """One of the two steps: its action, its last epoch (those of the first step count), whether all layers train."""

    action: str
    until_epoch: int
    trains_all: bool
    is_last: bool


def steps_of(given: Parameters) -> Iterator[Step]:
    """The steps that have epochs."""
    if given.top_epochs:
        yield Step("top_training", given.top_epochs, trains_all=False, is_last=not given.fine_epochs)
    if given.fine_epochs:
        yield Step("fine_tuning", given.top_epochs + given.fine_epochs, trains_all=True, is_last=True)


def create(task: Task[Parameters], classes: int) -> tuple[Model, Model, Json]:
    """The network, its base, and the record of the weights that it begins with: ImageNet's where they were prepared."""
    given = task.parameters
    name = ARCHITECTURES[given.architecture].function
    record = read_record(task.data / "imagenet.json")["files"].get(name)
    path = None if record is None else task.data / str(record["file"])
    model, base = network(given.architecture, given.image_size, classes, path)
    found = (
        {"kind": "untrained", "sha256": None} if record is None else {"kind": "imagenet", "sha256": record["sha256"]}
    )
    return model, base, found


def compile_for(model: Model, base: Model, which: Step, given: Parameters, classes: int) -> None:
    """The optimiser of a step, and what it trains."""
    base.trainable = which.trains_all
    optimizer = (
        keras.optimizers.SGD(given.fine_learning_rate, momentum=given.fine_momentum)
        if which.trains_all
        else keras.optimizers.Adam(given.top_learning_rate)
    )
    metrics = keras.metrics
    if classes == 2:
        told = [metrics.BinaryAccuracy("binary_accuracy"), metrics.Precision(name="precision")]
        told += [metrics.Recall(name="recall"), metrics.AUC(name="auc")]
    else:
        told = [metrics.CategoricalAccuracy("accuracy"), metrics.AUC(name="auc")]
    loss = "binary_crossentropy" if classes == 2 else "categorical_crossentropy"
    model.compile(optimizer, loss=loss, metrics=told)


def train(
    task: Task[Parameters], model: Model, base: Model, pictures: Pictures, trackers: Trackers
) -> tuple[dict[str, list[float]], Json]:
    """Both steps; history per epoch, and how each step ended."""
    given, classes = task.parameters, len(pictures.classes)
    sides = pictures.train, pictures.test
    per_epoch = sum(side.whole(given.batch_size) for side in sides)
    # An epoch trains and validates whole batches only; the evaluation afterwards takes every picture.
    training, validation = _batches("training", pictures, task), _batches("validation", pictures, task)
    end_s = time.monotonic() + given.limit_s if given.limit_s else math.inf

    def rule(_logs: Json) -> str | None:
        return "limit" if time.monotonic() > end_s else None

    history: dict[str, list[float]] = {}
    told: list[Json] = []
    for which in steps_of(given):
        done = len(history.get("loss", []))
        if told and told[-1]["stopped_by"] in ("loss-not-finite", "limit"):
            break
        compile_for(model, base, which, given, classes)
        stop = _early_stopping(given, restores=which.is_last)
        course = Course(trackers, rule, {"images": per_epoch})
        with step(which.action, trackers) as metrics:
            result = model.fit(
                training, steps_per_epoch=pictures.train.whole(given.batch_size) // given.batch_size,
                validation_data=validation, validation_steps=pictures.test.whole(given.batch_size) // given.batch_size,
                initial_epoch=done, epochs=which.until_epoch, shuffle=False, verbose=0,
                callbacks=[course, stop, _reducing(given)],
            )  # fmt: skip
            for name, values in result.history.items():
                history.setdefault(name, []).extend(float(value) for value in values)
            metrics["epochs"] = len(result.epoch)
        told.append({
            "step": which.action,
            "epochs": len(result.epoch),
            "stopped_by": course.stopped_by or ("early_stopping" if stop.stopped_epoch else "max_epochs"),
            "best_epoch": int(stop.best_epoch),
            "restored": which.is_last and stop.best_weights is not None,
        })  # fmt: skip
    epochs = len(history["loss"])
    facts = {
        "steps": told,
        "epochs": epochs,
        "stopped_by": told[-1]["stopped_by"],
        "loss_finite": bool(np.isfinite(history["loss"]).all()),
        "images_per_epoch": per_epoch,
        "images": per_epoch * epochs,
    }
    return history, facts


def _batches(role: Role, pictures: Pictures, task: Task[Parameters]) -> Any:  # noqa: ANN401  TensorFlow has no types
    given = task.parameters
    return batches(
        pictures, role, image_size=given.image_size, batch_size=given.batch_size, pixel_range=given.pixel_range,
        is_kept=given.cache, augmentation=given.augmentation, seed=task.seed,
    )  # fmt: skip


def _early_stopping(given: Parameters, *, restores: bool) -> Any:  # noqa: ANN401  Keras has no types
    return keras.callbacks.EarlyStopping(
        given.monitor, min_delta=given.min_delta, patience=given.patience, mode=_mode(given.monitor),
        start_from_epoch=given.start_from_epoch, restore_best_weights=restores,
    )  # fmt: skip


def _reducing(given: Parameters) -> Any:  # noqa: ANN401  Keras has no types
    return keras.callbacks.ReduceLROnPlateau(
        given.monitor, factor=given.reduce_factor, patience=given.reduce_patience, min_delta=given.min_delta,
        mode=_mode(given.monitor), min_lr=given.least_learning_rate,
    )  # fmt: skip


def _mode(monitor: str) -> str:
    return "min" if monitor.endswith("loss") else "max"


def evaluate(task: Task[Parameters], model: Model, pictures: Pictures) -> Json:
    """Quality of the trained network on every picture of the test set; of two classes that of the second, as the study
    has it, else the mean of the classes. The area under the curve as Keras counts it, with 200 thresholds."""
    classes = len(pictures.classes)
    told = np.asarray(model.predict(_batches("test", pictures, task), verbose=0))
    guesses = (told[:, 0] > 0.5).astype(np.int64) if classes == 2 else told.argmax(axis=1)
    found = quality(confusion(pictures.test.labels, guesses, classes), list(pictures.classes))
    if classes == 2:
        found |= found["classes"][pictures.classes[1]] | {"positive": pictures.classes[1]}
    auc = keras.metrics.AUC()
    truth = pictures.test.labels[:, None] if classes == 2 else np.eye(classes)[pictures.test.labels]
    auc.update_state(truth, told)
    return {**found, "auc": float(auc.result())}


def run(task: Task[Parameters]) -> None:
    """One run, every action marked, the trackers around all of them."""
    keras.utils.set_random_seed(task.seed)
    with of_environment(task.artifacts, epochs=True) as trackers:
        model, summary = act(task, trackers)
    summary["restored"] = not MODEL.exists()
    summary.update(count_parameters(model) | count_flops(model))
    summary["ram_limit"] = in_force()
    summary["peak_resident_bytes"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    devices = [device.name for device in tf.config.list_physical_devices("GPU")]
    summary["software"] = {"tensorflow": tf.__version__, "keras": keras.__version__, "gpus": devices}
    write_json(task.artifacts / "summary.json", summary)


def act(task: Task[Parameters], trackers: Trackers) -> tuple[Model, Json]:
    """Every action in order; the network and what is recorded of the run."""
    given = task.parameters
    summary: Json = {"mode": given.architecture, "seed": task.seed, "parameters": asdict(given)}
    with step("image_preparation", trackers):
        pictures = prepare(
            task.data, given.data, given.images_per_class, given.test_fraction, given.train_per_class, given.split_seed
        )
        summary["dataset"] = pictures.facts
    with step("net_creation", trackers):
        model, base, summary["weights"] = create(task, len(pictures.classes))
    with step("training", trackers) as metrics:
        history, facts = train(task, model, base, pictures, trackers)
        metrics.update(epochs=facts["epochs"])
    summary.update(facts)
    with step("evaluation", trackers):
        summary["quality"] = evaluate(task, model, pictures)
    with step("export", trackers):
        model.save(MODEL)
        write_json(task.artifacts / "history.json", history)
        summary["model"] = file_of_model(MODEL)
    with step("reset", trackers):
        MODEL.unlink()
    return model, summary


def main() -> int:
    """0 when the run is complete, 1 with one sentence on stderr when it cannot be."""
    try:
        task = read_task(sys.argv[1:], (), Parameters, LIMITS)
        task.parameters.check()
        run(task)
    except (MemoryError, tf.errors.ResourceExhaustedError) as error:
        first = str(error).splitlines()[0] if str(error) else type(error).__name__
        print(f"finetune.py: {OUT_OF_MEMORY}: {first[:200]}", file=sys.stderr)
        return 1
    except (ParameterProblem, DataProblem, WeightsProblem, MarkerError, TrackerProblem, OSError) as error:
        print(f"finetune.py: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
