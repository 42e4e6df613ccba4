"""Generated trials in the shape of Yarally's thesis, chapter 3: searches for hyper-parameters, and layers crossed.

The numbers are drawn: nothing of them is of the thesis but sizes and levels.
"""

import csv
from collections.abc import Iterator
from itertools import product
from pathlib import Path

import numpy as np

from tests.analysis.studies import in_folder, start

STRATEGIES, NETS, SETS, PARAMETERS = ("random", "grid", "bayes"), ("poly", "linear", "cnn"), ("fashion", "cifar"), "35"
ARCHITECTURES = [(linear, conv, relu) for linear in "37" for conv in "14" for relu in ("no", "yes")]
SEARCHES = start(
    {"energy": ("energy", "J"), "u": ("u", "J"), "shared": ("shared", "J"), "accuracy": ("accuracy", "1"),
     "round": ("round", "1")},
    {"strategy": ("Strategy", STRATEGIES), "net": ("Network", NETS), "set": ("Data set", SETS),
     "parameters": ("Parameters", PARAMETERS)},
    {"accuracy": ("Accuracy", "accuracy", "1"), "energy": ("Energy", "energy", "kJ"), "round": ("Round", "round", "1"),
     "own": ("u of a run", "u", "kJ"), "shared": ("shared u of a run", "shared", "kJ")},
    {"accuracy": "higher", "energy": "lower"},
)  # fmt: skip
LAYERS = start(
    {"energy": ("energy", "J"), "accuracy": ("accuracy", "1")},
    {"linear": ("Linear layers", "37"), "conv": ("Convolutional layers", "14"), "relu": ("ReLU", ("no", "yes"))},
    {"energy": ("Energy", "energy", "J"), "accuracy": ("Accuracy", "accuracy", "1")},
    {"accuracy": "higher", "energy": "lower"},
)  # fmt: skip


def searches(rounds: int = 64, repetitions: int = 8, seed: int = 1) -> Iterator[tuple[object, ...]]:
    """Rows of every strategy, network, data set and number of parameters: accuracy grows with luck, energy with the
    network; one trial in 200 gives no accuracy."""
    draw = np.random.default_rng(seed)
    for strategy, net, data, parameters in product(STRATEGIES, NETS, SETS, PARAMETERS):
        for number in range(1, rounds + 1):
            luck = draw.beta(2, 3) + (0.02 * min(number, 20) if strategy == "bayes" else 0.0)
            for repetition in range(1, repetitions + 1):
                accuracy = 0.3 + 0.4 * luck + draw.normal(0, 0.01)
                joules = 900 * (1 + NETS.index(net)) * draw.normal(1, 0.01)
                shown = "nan" if draw.random() < 0.005 else f"{accuracy:.5f}"
                yield strategy, net, data, parameters, repetition, number, f"{joules:.3f}", 2.0, 1.0, shown


SEARCH_HEADER = "strategy,net,set,parameters,repetition,round,energy,u,shared,accuracy"


def layers(repetitions: int = 24, rounds: int = 16, seed: int = 2) -> Iterator[tuple[object, ...]]:
    """Rows of the factorial: the published increases of FashionMNIST hold in the mean, convolutions part the runs."""
    draw = np.random.default_rng(seed)
    for linear, conv, relu in ARCHITECTURES:
        joules = 800 * (1.953 if conv == "4" else 1) * (1.049 if linear == "7" else 1) * (1.027 if relu == "yes" else 1)
        for _ in range(rounds * repetitions):
            yield linear, conv, relu, f"{joules * draw.normal(1, 0.009):.3f}", f"{draw.normal(0.86, 0.01):.5f}"


LAYER_HEADER = "linear,conv,relu,energy,accuracy"


def search_study(folder: Path, more: str, rounds: int = 64, repetitions: int = 8) -> Path:
    """The study file of generated searches, with more parts in it; its table is beside it."""
    return in_folder(folder, SEARCHES + more, SEARCH_HEADER, searches(rounds, repetitions))


def layer_study(folder: Path, more: str, repetitions: int = 24, rounds: int = 16) -> Path:
    """The same of the factorial of layers."""
    return in_folder(folder, LAYERS + more, LAYER_HEADER, layers(repetitions, rounds))


def rows_of(folder: Path) -> list[dict[str, str]]:
    """The table of a study in a folder."""
    with (folder / "runs.csv").open(newline="") as file:
        return list(csv.DictReader(file))
