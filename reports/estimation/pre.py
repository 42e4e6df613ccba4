"""PRE: what a training will take, told before it begins by a regression on what is known of network and machine.

Knows trainings with their features, and models. Knows no campaign. Source: del Rey et al., Computer Standards &
Interfaces 99 (104170), and their program; models and their search are those of `reports.inference.regression`.

    power   E = f(features) x duration          f: mean power
    epoch   E = f(features) x N                 f: mean energy of an epoch

The paper scores at random: repetitions of what is scored were among what a model was fitted to. Beside that, every
training of a scenario, and of a machine, is told by a model that has seen none of it. Of these errors an estimate's
interval is made:

    U = t(.975, G) s E ,    s^2 = mean over the G scenarios of the mean of ((e - y) / e)^2 over the trainings of each,

e: estimated, y: measured. It takes the error to be a share of the estimate, and what is to come to be as far from what
was measured as the scenarios there are from each other.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from harness.record.errors import AnalysisError
from reports.estimation.facts import EPOCHS
from reports.estimation.scores import score
from reports.estimation.step import Estimate
from reports.inference import regression
from reports.inference.regression import Floats, Rows
from reports.results.distributions import stdtrit
from reports.results.pre_model import FittedTarget, FittedTraining, ModelScore, PreModel, Split, TargetName
from reports.results.prediction import Model, NoPrediction

MODELS: tuple[Model, ...] = ("mean", "linear", "ridge", "kernel-ridge", "svr")
FEWEST_GROUPS = 2
DURATION = "duration_s"
"""Column that says with `epochs` how long a training is to be."""
PER: Mapping[TargetName, Callable[[FittedTraining], tuple[float, float]]] = {
    "power": lambda one: (one.energy_j / one.duration_s, one.duration_s),
    "epoch": lambda one: (one.epochs_j / one.epochs, float(one.epochs)),
}
"""Target -> what it is of a training, and by what it is multiplied."""


def fitted_targets(
    trainings: Sequence[FittedTraining], seed: int, models: Sequence[Model] = MODELS
) -> dict[str, FittedTarget]:
    """Power and energy of an epoch, each with the model that tells scenarios best which it had not seen.

    Raises:
        AnalysisError: there are too few trainings or scenarios.
    """
    configurations = {one.configuration for one in trainings}
    if len(configurations) < FEWEST_GROUPS:
        raise AnalysisError(
            f"all {len(trainings)} trainings are of one scenario ({next(iter(configurations))}): what another one "
            "takes cannot be told of them; give campaigns that measured at least two"
        )
    return {name: _fitted(name, trainings, seed, models) for name in PER}


def _fitted(name: TargetName, trainings: Sequence[FittedTraining], seed: int, models: Sequence[Model]) -> FittedTarget:
    features, target, times = _arrays(name, trainings)
    energy_j = np.array([one.energy_j for one in trainings])
    scores, told = list[ModelScore](), dict[Model, Floats]()
    for split, parts in _splits(trainings, seed).items():
        for model in models:
            if (refused := _why(model, parts)) is not None:
                scores.append(ModelScore(model, split, refused, None))
                continue
            said_j = np.full(target.size, np.nan)
            for fitted, scored in parts:
                found = regression.predicted(model, features[fitted], target[fitted], features[scored], seed)
                said_j[scored] = found * times[scored]
            known = np.isfinite(said_j)
            of_model = score(said_j[known], np.full(int(known.sum()), np.nan), energy_j[known])
            scores.append(ModelScore(model, split, None, of_model))
            if split == "configuration":
                told[model] = said_j
    if not told:
        raise AnalysisError(
            f"{len(trainings)} trainings are too few: without those of one scenario fewer than {regression.FEWEST} are "
            "left to fit a model to; give campaigns with more repetitions, or more scenarios"
        )
    best = min(told, key=lambda model: float(np.square(told[model] - energy_j).mean()))
    relative, groups = _spread(told[best], energy_j, [one.configuration for one in trainings])
    return FittedTarget(best, regression.searched(best, features, target, seed), relative, groups, tuple(scores))


def _arrays(name: TargetName, trainings: Sequence[FittedTraining]) -> tuple[Floats, Floats, Floats]:
    """Features (n, k), target (n,), and by what it is multiplied (n,)."""
    pairs = np.array([PER[name](one) for one in trainings])
    return np.array([one.features for one in trainings], dtype=np.float64), pairs[:, 0], pairs[:, 1]


def _splits(trainings: Sequence[FittedTraining], seed: int) -> dict[Split, list[tuple[Rows, Rows]]]:
    """Which trainings are fitted, and which are scored."""

    def in_turn(names: Sequence[str]) -> list[tuple[Rows, Rows]]:
        of = np.array(names)
        return list(regression.left_out([of == name for name in dict.fromkeys(names)]))

    return {
        "random": [regression.at_random(len(trainings), seed)],
        "configuration": in_turn([one.configuration for one in trainings]),
        "machine": in_turn([one.machine for one in trainings]),
    }


def _why(model: Model, parts: Sequence[tuple[Rows, Rows]]) -> NoPrediction | None:
    """Why a model is not fitted in a split."""
    if len(parts) == 1 and not parts[0][0].size:
        return "one-level"
    sizes = [fitted.size for fitted, _ in parts]
    if min(sizes) < regression.FEWEST:
        return "too-few-runs"
    return "too-many-runs" if model in regression.KERNELS and max(sizes) > regression.MOST else None


def _spread(said_j: Floats, energy_j: Floats, configurations: Sequence[str]) -> tuple[float, int]:
    """Root of the mean squared error over the estimate, every scenario counted once; an estimate that is not above 0
    is as far off as can be."""
    names = np.array(configurations)
    squares = np.where(said_j > 0, np.square((said_j - energy_j) / said_j), np.inf)
    of_each = [float(squares[names == name].mean()) for name in dict.fromkeys(configurations)]
    spread = float(np.sqrt(np.mean(of_each)))
    if not np.isfinite(spread):
        raise AnalysisError(
            "the best model tells a scenario that it has not seen an energy below 0: the features do not tell what "
            "these trainings take; give others (--features), or more scenarios"
        )
    return spread, len(of_each)


@dataclass(frozen=True, slots=True)
class Told:
    """What a model says of one training that is planned: mean power (W) and energy of an epoch (J), and of these the
    energy with its 95 % interval where the duration or the number of epochs is known."""

    power_w: float
    epoch_j: float
    by_power: Estimate | None
    by_epoch: Estimate | None


def filled(model: PreModel, facts: Mapping[str, float]) -> dict[str, float]:
    """The facts, and of features that were the same in all trainings that value, where nothing else is said of them."""
    return {name: low for name, (low, high) in model.ranges.items() if low == high} | dict(facts)


def outside(model: PreModel, facts: Mapping[str, float]) -> list[str]:
    """Why a training cannot be told: a sentence for each feature that is not known, or that nobody has measured."""
    reasons = [f"`{name}` is not known" for name in model.features if name not in facts]
    for name in (name for name in model.features if name in facts):
        low, high = model.ranges[name]
        if not low <= facts[name] <= high:
            reach = f"{low:g}" if low == high else f"{low:g} to {high:g}"
            reasons.append(f"{name} is {facts[name]:g}, and nobody measured any but {reach}")
    return reasons


def predict(model: PreModel, facts: Mapping[str, float]) -> Told:
    """What a training will take of which these facts are known, `epochs` and `duration_s` among them where they are.
    All features are known; where one is outside of what was measured (`outside`), the interval does not hold."""
    said = {name: _predicted(model, name, facts) for name in PER}
    times = {"power": facts.get(DURATION), "epoch": facts.get(EPOCHS)}
    estimates = {name: _estimate(model.targets[name], said[name], times[name]) for name in PER}
    return Told(said["power"], said["epoch"], estimates["power"], estimates["epoch"])


def _predicted(model: PreModel, name: TargetName, facts: Mapping[str, float]) -> float:
    features, target, _ = _arrays(name, model.trainings)
    asked = np.array([[facts[feature] for feature in model.features]])
    fitted = model.targets[name]
    return float(regression.refitted(fitted.model, fitted.parameters, features, target, asked)[0])


def _estimate(fitted: FittedTarget, said: float, times: float | None) -> Estimate | None:
    if times is None:
        return None
    energy_j = said * times
    return Estimate(energy_j, float(stdtrit(fitted.groups, 0.975)) * fitted.relative_spread * abs(energy_j))
