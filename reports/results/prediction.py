"""Whether a response can be told beforehand, as study.json has it: models, and their scores on runs they had not seen.

Knows its keys. Computes nothing: `reports.study.predictions` does.
"""

from dataclasses import dataclass
from typing import Literal, TypeAlias

from reports.results.cell import Filter

Model: TypeAlias = Literal["mean", "linear", "ridge", "kernel-ridge", "svr"]
"""The mean of the runs it was fitted to; least squares; ridge regression; kernel ridge regression and support vector
regression with radial basis functions."""
NoPrediction: TypeAlias = Literal["too-few-runs", "one-level", "too-many-runs"]


@dataclass(frozen=True, slots=True)
class PredictionScore:
    """One model on the runs of one split, in the unit of the response that is scored."""

    model: Model
    """Which model."""
    refused: NoPrediction | None
    """Code of why it was not fitted; null where it was."""
    n: int
    """Runs that it was scored on."""
    rmse: float | None
    """Root of the mean squared error."""
    mae: float | None
    """Mean of the absolute error."""
    mape_percent: float | None
    """Mean of the absolute error over the value, %; null where a value is not above 0."""
    r2: float | None
    """1 less the error's sum of squares over that of the values; null where they do not differ."""


@dataclass(frozen=True, slots=True)
class PredictionPoints:
    """What a model said of runs that it had not seen."""

    model: Model
    """Which model."""
    measured: tuple[float, ...]
    """Values."""
    predicted: tuple[float, ...]
    """What was said of each."""


@dataclass(frozen=True, slots=True)
class PredictionSplit:
    """What the models had not seen."""

    held_out: tuple[str, ...]
    """Factors of which each combination of levels was left out in turn; empty: 30 % of the runs, drawn at random."""
    groups: int
    """How many combinations there are; 1 of a random split."""
    scores: tuple[PredictionScore, ...]
    """Every model."""
    points: PredictionPoints | None
    """Of the model that is best at random; null where none was fitted."""


@dataclass(frozen=True, slots=True)
class PredictionResult:
    """Can a response be told beforehand?"""

    name: str
    """As in the file."""
    title: str
    """As in the file."""
    target: str
    """Name of the response that models are fitted to."""
    features: tuple[str, ...]
    """Names of the responses that they are told."""
    times: str | None
    """Name of the response by which a prediction is multiplied before it is scored; null: none."""
    scored: str
    """Name of the response that is scored."""
    filter: Filter
    """Which rows it uses."""
    n: int
    """Rows that have all of these."""
    seed: int
    """Of the random split, and of the search for the models' parameters."""
    splits: tuple[PredictionSplit, ...]
    """The random split, then those that leave something out."""
    best: Model | None
    """The model with the least RMSE at random, which the figure shows; null where none was fitted."""
