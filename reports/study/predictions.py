"""Predictions of a study: models fitted to a response, and scored on runs that they had not seen.

Knows which rows belong to a prediction, and its splits. Every model comes from `reports.inference.regression`.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from reports.inference import regression
from reports.inference.regression import Floats, Rows
from reports.results.prediction import (
    Model,
    NoPrediction,
    PredictionPoints,
    PredictionResult,
    PredictionScore,
    PredictionSplit,
)
from reports.study.cells import cells
from reports.study.file import StudyFile
from reports.study.formula import times_scale
from reports.study.rows import Runs, filter_of, matching

Split = Sequence[tuple[Rows, Rows]]


def predict(path: str, declared: StudyFile, runs: Runs, name: str) -> PredictionResult:
    """The prediction `name`.

    Raises:
        ConfigError: target and `times` do not make a quantity of the kind that is to be scored.
    """
    part = declared.predictions[name]
    scale = times_scale(path, name, declared)
    mask = matching(runs, part)
    for response in (part.target, *part.features, *filter(None, (part.times, part.total))):
        mask &= np.isfinite(runs.values[response])
    columns = [runs.values[feature][mask] for feature in part.features]
    features = np.column_stack(columns) if columns else np.empty((0, 0))
    target, times = runs.values[part.target][mask], scale * runs.values[part.times][mask] if part.times else scale
    measured = runs.values[part.total or part.target][mask]
    splits: list[tuple[tuple[str, ...], Split]] = []
    if measured.size:
        splits.append(((), [regression.at_random(measured.size, part.seed)]))
    for factors in part.hold_out:
        groups = [rows[mask] for _, rows in cells(declared, runs, factors, mask)]
        splits.append((tuple(factors), list(regression.left_out(groups))))
    said = [
        {
            model: _said(model, features, target, split, part.seed) * times
            for model in part.models
            if _why(split, model) is None
        }
        for _, split in splits
    ]
    scores = [
        tuple(_score(model, of.get(model), measured, _why(split, model)) for model in part.models)
        for (_, split), of in zip(splits, said, strict=True)
    ]
    fitted = [score for score in scores[0] if score.rmse is not None] if scores else []
    best = min(fitted, key=lambda score: score.rmse or 0.0).model if fitted else None
    return PredictionResult(
        name=name, title=part.title, target=part.target, features=tuple(part.features), times=part.times or None,
        scored=part.total or part.target, filter=filter_of(part), n=int(measured.size), seed=part.seed,
        splits=tuple(
            PredictionSplit(factors, len(split), of_split, _points(best, of, measured))
            for (factors, split), of_split, of in zip(splits, scores, said, strict=True)
        ),
        best=best,
    )  # fmt: skip


def _why(split: Split, model: Model) -> NoPrediction | None:
    """Why a model is not fitted in a split."""
    if len(split) == 1 and not split[0][0].size:
        return "one-level"
    sizes = [fitted.size for fitted, scored in split if scored.size]
    if not sizes or min(sizes) < regression.FEWEST:
        return "too-few-runs"
    return "too-many-runs" if model in regression.KERNELS and max(sizes) > regression.MOST else None


def _said(model: Model, features: Floats, target: Floats, split: Split, seed: int) -> Floats:
    """What it says of every run that is scored, in the target's unit; NaN of the others."""
    found = np.full(target.size, np.nan)
    for fitted, scored in split:
        found[scored] = regression.predicted(model, features[fitted], target[fitted], features[scored], seed)
    return found


def _score(
    model: Model, said: NDArray[np.float64] | None, measured: Floats, refused: NoPrediction | None
) -> PredictionScore:
    if said is None:
        return PredictionScore(model, refused, 0, None, None, None, None)
    scored = np.isfinite(said)
    values, error = measured[scored], said[scored] - measured[scored]
    spread = float(((values - values.mean()) ** 2).sum())
    squares = float((error**2).sum())
    return PredictionScore(
        model, None, int(scored.sum()),
        rmse=float(np.sqrt(squares / error.size)),
        mae=float(np.abs(error).mean()),
        mape_percent=float(100 * np.abs(error / values).mean()) if values.min() > 0 else None,
        r2=1 - squares / spread if spread > 0 else None,
    )  # fmt: skip


def _points(best: Model | None, said: dict[Model, Floats], measured: Floats) -> PredictionPoints | None:
    if best is None or best not in said:
        return None
    scored = np.isfinite(said[best])
    return PredictionPoints(best, tuple(measured[scored].tolist()), tuple(said[best][scored].tolist()))
