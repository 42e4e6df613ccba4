"""Bayesian search by the probability of improvement (Yarally, section 3.2.2, equation 3.1 and algorithm 1), with the
acquisition of bayesian-optimization and the Gaussian process of scikit-learn.

Of `candidates` random points the one is tried whose objective most probably exceeds the best so far by more than xi:
PI = Phi((mu - best - xi) / (sigma + 1e-9)). Before any trial gave a number, the point is that of the random search.

Decisions
- The process is fitted to the unit cube (a fraction of the way between the bounds; a choice as one coordinate each, 0
  or 1) and to the objective less its mean, over its standard deviation: the same function in J and in kWh is searched
  alike, and xi has no unit. The thesis does not say whether its inputs were scaled.
- The process of the thesis is scikit-learn's default, 1.0 * RBF(1.0) and a noise of 1e-10. Up to 1.8 that kernel was
  fixed; 1.9 fits it, and on a unit cube its length collapses to 1e-5. So it is written out here, and fixed.
- `fitted`: height and length (0.05 to 20, so that it cannot collapse) and a noise of the observations are fitted.
- A trial without a number tells the process nothing. Of trials at one point their mean is told.
"""

import warnings
from collections.abc import Sequence
from typing import Any

import numpy as np
from bayes_opt.acquisition import ProbabilityOfImprovement
from bayes_opt.target_space import TargetSpace
from numpy.typing import NDArray
from sklearn.gaussian_process import GaussianProcessRegressor
from sklearn.gaussian_process.kernels import RBF, ConstantKernel, WhiteKernel

from workloads.search import random
from workloads.search.space import Bounds, Choices, Space, Told, Value

EPSILON = 1e-9
"""Added to sigma, as in the thesis: at a point that was tried sigma is 0."""
NOISE = 1e-10
"""scikit-learn's default variance of the observations."""
LENGTH, FITTED_NOISE = (0.05, 20.0), (1e-6, 1.0)
"""Between which the fitted kernel's length and noise lie."""


class _Improvement(ProbabilityOfImprovement):
    """The acquisition with the thesis' epsilon."""

    def base_acq(self, mean: NDArray[Any], std: NDArray[Any]) -> NDArray[Any]:
        """PI at points of this mean and standard deviation."""
        return super().base_acq(mean, std + EPSILON)


def suggested(
    space: Space, history: Sequence[Told], seed: int, trial: int, *,
    maximise: bool, candidates: int, xi: float, fitted: bool,
) -> dict[str, Value]:  # fmt: skip
    """The point of one trial, after the trials of `history`; `trial` counts from 1."""
    points = _means_of(space, history, sign=1.0 if maximise else -1.0)
    if not points:
        return random.drawn(space, seed, trial)
    objectives = np.array(list(points.values()))
    away, spread = objectives - objectives.mean(), objectives.std()
    scaled = away / spread if spread > 0 else away
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # choices are experimental there: they are corners of the cube, and tested
        told = TargetSpace(None, {name: _as_dimension(one) for name, one in space.items()})
        for point, objective in zip(points, scaled.tolist(), strict=True):
            told.register(dict(zip(space, point, strict=True)), objective)
        state = np.random.RandomState(np.random.SeedSequence([seed, trial]).generate_state(1))
        best = _Improvement(xi=xi).suggest(process(fitted=fitted), told, candidates, 0, True, state)
    return {name: _value(one, told.array_to_params(best)[name]) for name, one in space.items()}


def process(*, fitted: bool) -> GaussianProcessRegressor:
    """The Gaussian process, not yet told anything."""
    if fitted:
        kernel = ConstantKernel(1.0) * RBF(1.0, LENGTH) + WhiteKernel(1e-2, FITTED_NOISE)
        return GaussianProcessRegressor(kernel, alpha=NOISE)
    kernel = ConstantKernel(1.0, "fixed") * RBF(1.0, "fixed")
    return GaussianProcessRegressor(kernel, alpha=NOISE, optimizer=None)


def _means_of(space: Space, history: Sequence[Told], sign: float) -> dict[tuple[float | str, ...], float]:
    """Point in the unit cube -> mean of its objectives, those that are numbers, larger being better."""
    found: dict[tuple[float | str, ...], list[float]] = {}
    for one in history:
        if one.objective is not None:
            point = tuple(_coordinate(of, one.values[name]) for name, of in space.items())
            found.setdefault(point, []).append(sign * one.objective)
    return {point: float(np.mean(values)) for point, values in found.items()}


def _as_dimension(one: Bounds | Choices) -> Any:  # noqa: ANN401  what the library takes
    return (0.0, 1.0) if isinstance(one, Bounds) else [str(place) for place in range(len(one.levels))]


def _coordinate(one: Bounds | Choices, value: Value) -> float | str:
    return one.fraction_of(float(value)) if isinstance(one, Bounds) else str(one.levels.index(value))


def _value(one: Bounds | Choices, coordinate: Any) -> Value:  # noqa: ANN401  what the library gives
    return one.at(float(coordinate)) if isinstance(one, Bounds) else one.levels[int(coordinate)]
