"""One training in the framework that the parameter `framework` names: `train.py mlp | cnn`.

Knows the order of the actions and what is recorded of a run (summary.json). From the seed follow initial weights and
the order of the pictures, in numpy and not in the framework: both are the same numbers in every framework, and digests
of them stand in summary.json beside the loss of the first batch before any step, which therefore agree (`check`).
Dropout is each framework's own, and sums are made in other orders: from the second step on trainings differ.
"""

from __future__ import annotations

import os
import sys
from dataclasses import asdict, dataclass
from importlib import import_module
from typing import Any

from epochs import Epochs, FrameworkProblem, cross_entropy
from network import FILTERS, Network, digest_of
from pictures import DataProblem
from pixels import Pixels, orders, read
from quality import quality
from task import ParameterProblem, Task, read_task, write_json
from wattlab_markers import MarkerError, action

MODULES = {"tensorflow": "in_keras", "jax": "in_keras", "torch": "in_torch", "sklearn": "in_sklearn"}
DEVICES = ("cpu", "gpu")
LIMITS = {
    "image_size": (8, 4096),
    "batch_size": (1, 65536),
    "images_per_class": (0, 10**7),
    "validation_fraction": (0.01, 0.99),
    "hidden_units": (1, 65536),
    "dropout": (0.0, 0.99),
    "learning_rate": (1e-9, 10.0),
    "epochs": (1, 10**6),
}


@dataclass(frozen=True, slots=True)
class Parameters:
    """What scenario.toml and lab.toml decide. Pixels, pictures, epochs."""

    framework: str
    device: str
    image_size: int
    batch_size: int
    images_per_class: int
    validation_fraction: float
    hidden_units: int
    dropout: float
    learning_rate: float
    epochs: int


def framework_of(parameters: Parameters) -> Any:  # noqa: ANN401  a module
    """The module of the framework, imported where it sees the device that is asked for and no other.

    Raises:
        ParameterProblem: there is no such framework or device. FrameworkProblem: it is not installed.
    """
    if parameters.framework not in MODULES or parameters.device not in DEVICES:
        found = f"{parameters.framework!r} on {parameters.device!r}"
        raise ParameterProblem(f"framework, device: found {found}, expected {', '.join(MODULES)}; cpu, gpu")
    os.environ["KERAS_BACKEND"] = parameters.framework
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    if parameters.device == "cpu":
        os.environ.update(CUDA_VISIBLE_DEVICES="", JAX_PLATFORMS="cpu")
    try:
        return import_module(MODULES[parameters.framework])
    except ImportError as error:
        text = f"{parameters.framework} cannot be imported by {sys.executable} ({error}); run `wattlab sut prepare`"
        raise FrameworkProblem(text) from error


def run(task: Task[Parameters]) -> dict[str, Any]:
    """Every action in order; what is recorded of the run."""
    given = task.parameters
    with action("import"):
        framework = framework_of(given)
    with action("image_preparation"):
        pixels = read(task.data, given.image_size, given.images_per_class, given.validation_fraction)
        order = orders(len(pixels.train.labels), given.batch_size, given.epochs, task.seed)
        epochs = Epochs(pixels.validation, len(pixels.classes))
    with action("net_creation"):
        filters = FILTERS[task.mode]
        network = Network(given.image_size, filters, given.hidden_units, len(pixels.classes), given.dropout)
        weights = network.drawn_weights(task.seed)
        training = framework.Training(
            network, weights, given.learning_rate, given.batch_size, gpu=given.device == "gpu"
        )
    with action("check"):
        pictures, labels = pixels.train.batch(order[0][0])
        first = cross_entropy(training.probabilities(pictures), labels)
    with action("training") as metrics:
        training.train(pixels.train, order, epochs)
        metrics.update(epochs=len(epochs.losses), val_accuracy=epochs.accuracies[-1])
    with action("evaluation"):
        found = quality(epochs.confusion(training.probabilities), list(pixels.classes))
    return {
        "mode": task.mode,
        "seed": task.seed,
        "parameters": asdict(given),
        "dataset": pixels.facts,
        "weights": {"kind": "random", "sha256": digest_of([array for pair in weights for array in pair])},
        "order_sha256": digest_of(order),
        "parameters_total": training.parameters,
        "first_batch_loss": first,
        **_facts(epochs, order[0].shape, pixels),
        "quality": found,
        "software": framework.software(),
    }


def _facts(epochs: Epochs, shape: tuple[int, ...], pixels: Pixels) -> dict[str, Any]:
    (batches, batch_size), done = shape, len(epochs.losses)
    return {
        "epochs": done,
        "losses": epochs.losses,
        "val_accuracies": epochs.accuracies,
        "val_accuracy": epochs.accuracies[-1],
        "loss_finite": epochs.is_finite,
        "batches": batches,
        "images_seen_train": batches * batch_size * done,
        "images_seen_validation": len(pixels.validation.labels) * done,
    }


def main() -> int:
    """0 when the run is complete, 1 with one sentence on stderr when it cannot be."""
    try:
        task = read_task(sys.argv[1:], tuple(FILTERS), Parameters, LIMITS)
        write_json(task.artifacts / "summary.json", run(task))
    except (ParameterProblem, DataProblem, FrameworkProblem, MarkerError, OSError) as error:
        print(f"train.py: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
