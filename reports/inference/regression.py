"""Regression models that tell a value from features, and groups of values that they are scored on.

Knows scikit-learn, where models and their search come from. Knows no study and no energy.

As PRE has it (del Rey et al., Computer Standards & Interfaces 99, 104170): features are brought to mean 0 and spread 1;
parameters are searched at random, 100 draws, five parts of what is fitted, the largest R^2; alpha of ridge and kernel
ridge is drawn of an exponential distribution with scale .1, gamma of .01, C of 300, epsilon of 1. Unlike there, mean
and spread of the features are those of the fitted part alone, within the search too.
"""

import warnings
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from reports.results.prediction import Model

Floats = NDArray[np.float64]
Rows = NDArray[np.int64]
SEARCHED, PARTS = 100, 5
FEWEST = 2 * PARTS
"""Values that a model is fitted to."""
MOST = 2000
"""Above so many values a model with a kernel takes minutes and gigabytes."""
KERNELS = frozenset({"kernel-ridge", "svr"})
SCORED_SHARE = 0.3
"""Of a random split."""
_SCALES: Mapping[Model, Mapping[str, float]] = {
    "ridge": {"alpha": 0.1},
    "kernel-ridge": {"alpha": 0.1, "gamma": 0.01},
    "svr": {"C": 300.0, "epsilon": 1.0, "gamma": 0.01},
}


def predicted(model: Model, features: Floats, target: Floats, others: Floats, seed: int) -> Floats:
    """What a model that is fitted to `features` (n, k) and `target` (n,) says of `others` (m, k); shape (m,)."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of a singular draw in the search: it is the worst of the draws, and not taken
        return np.asarray(_fitted(model, features, target, seed).predict(others), dtype=np.float64)


def searched(model: Model, features: Floats, target: Floats, seed: int) -> dict[str, float]:
    """The parameters that the search finds for `features` (n, k) and `target` (n,); none where a model has none."""
    if model not in _SCALES:
        return {}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        best = _fitted(model, features, target, seed).best_params_
    return {name.removeprefix("model__"): float(value) for name, value in best.items()}


def refitted(model: Model, parameters: Mapping[str, float], features: Floats, target: Floats, others: Floats) -> Floats:
    """What a model of known parameters, fitted to `features` (n, k) and `target` (n,), says of `others` (m, k)."""
    steps = _steps(model).set_params(**{f"model__{name}": value for name, value in parameters.items()})
    return np.asarray(steps.fit(features, target).predict(others), dtype=np.float64)


def _fitted(model: Model, features: Floats, target: Floats, seed: int) -> Any:  # noqa: ANN401  scikit-learn has no types
    from scipy.stats import expon
    from sklearn.model_selection import KFold, RandomizedSearchCV

    steps = _steps(model)
    if model not in _SCALES:
        return steps.fit(features, target)
    drawn = {f"model__{name}": expon(scale=scale) for name, scale in _SCALES[model].items()}
    parts = KFold(PARTS, shuffle=True, random_state=seed)
    search = RandomizedSearchCV(steps, drawn, n_iter=SEARCHED, cv=parts, scoring="r2", random_state=seed)
    return search.fit(features, target)


def _steps(model: Model) -> Any:  # noqa: ANN401  scikit-learn has no types
    from sklearn.dummy import DummyRegressor  # takes a second, and only what predicts needs it
    from sklearn.kernel_ridge import KernelRidge
    from sklearn.linear_model import LinearRegression, Ridge
    from sklearn.pipeline import Pipeline
    from sklearn.preprocessing import StandardScaler
    from sklearn.svm import SVR

    made: Mapping[Model, Any] = {
        "mean": DummyRegressor, "linear": LinearRegression, "ridge": Ridge,
        "kernel-ridge": lambda: KernelRidge(kernel="rbf"), "svr": lambda: SVR(kernel="rbf"),
    }  # fmt: skip
    return Pipeline([("scaled", StandardScaler()), ("model", made[model]())])


def at_random(count: int, seed: int) -> tuple[Rows, Rows]:
    """Which of `count` rows are fitted, and which are scored."""
    order = np.random.default_rng(seed).permutation(count)
    scored = round(SCORED_SHARE * count)
    return np.sort(order[scored:]), np.sort(order[:scored])


def left_out(groups: Sequence[NDArray[np.bool_]]) -> Iterator[tuple[Rows, Rows]]:
    """The same for each group in turn: all others are fitted. A group is a mask, shape (n,)."""
    for rows in groups:
        yield np.flatnonzero(~rows), np.flatnonzero(rows)
