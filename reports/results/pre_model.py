"""A model that tells what a training will take before it begins (PRE), as `wattlab estimate fit` writes it.

Knows the shape of the file. Computes nothing. Energies stand in joules. The file holds the trainings that the model was
fitted to, not what a library made of them: who predicts fits again, to the same trainings with the same parameters.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, TypeAlias

from harness.record.documents import Json
from reports.results.codec import document_in
from reports.results.estimation import Score
from reports.results.prediction import Model, NoPrediction
from reports.results.software import Software

SCHEMA: Literal[1] = 1
"""Schema history: 1, 2026-11-30, first version."""
Split: TypeAlias = Literal["random", "configuration", "machine"]
"""What a model had not seen: 30 % of the trainings at random; in turn each scenario; in turn each machine."""
TargetName: TypeAlias = Literal["power", "epoch"]
"""What is told: mean power, which is multiplied by the duration; mean energy of an epoch, by the number of epochs."""


@dataclass(frozen=True, slots=True)
class FittedTraining:
    """A training that a model is fitted to."""

    campaign: str
    """The campaign's folder."""
    run: str
    """The run's folder."""
    configuration: str
    """Its scenario."""
    machine: str
    """The SUT, with its GPUs."""
    features: tuple[float, ...]
    """What was known beforehand, in the order of `features` of the model."""
    epochs: int
    """How many it had."""
    duration_s: float
    """Length, s."""
    epochs_j: float
    """Energy of its epochs together, J."""
    energy_j: float
    """All that it took, J."""


@dataclass(frozen=True, slots=True)
class ModelScore:
    """One model on trainings that it had not seen: the energy of each, its length known."""

    model: Model
    """Which model."""
    split: Split
    """What it had not seen."""
    refused: NoPrediction | None
    """Code of why it was not fitted; null where it was."""
    score: Score | None
    """Null where it was not fitted."""


@dataclass(frozen=True, slots=True)
class FittedTarget:
    """What tells one target."""

    model: Model
    """The one with the least RMSE for scenarios that it had not seen."""
    parameters: Mapping[str, float]
    """Its parameters, as the search found them on all trainings."""
    relative_spread: float
    """Root of the mean squared error over the estimate, for scenarios that it had not seen: mean over the trainings of
    each, then over the scenarios."""
    groups: int
    """Scenarios that this rests on."""
    scores: tuple[ModelScore, ...]
    """Every model in every split."""


@dataclass(frozen=True, slots=True)
class FittedCampaign:
    """A campaign that a model is fitted to."""

    folder: str
    """Its folder."""
    chain_head: str
    """Digest of the last entry of its log."""


@dataclass(frozen=True, slots=True)
class PreModel:
    """A fitted model."""

    schema: Literal[1]
    """Version of this form."""
    software: Software
    """Which wattlab fitted it."""
    source: Literal["meter", "gpu"]
    """Whose energy: that of the power meters, or that of the GPUs by NVML."""
    origins: tuple[str, ...]
    """The origins of the readings."""
    seed: int
    """Of the random split, and of the search for parameters."""
    features: tuple[str, ...]
    """What has to be known of a training."""
    ranges: Mapping[str, tuple[float, float]]
    """Feature -> its least and greatest value: outside nobody has measured anything."""
    campaigns: tuple[FittedCampaign, ...]
    """What it was fitted to."""
    facts_sha256: str | None
    """SHA-256 of the table that says what was known beforehand; null: the runs said it themselves."""
    targets: Mapping[str, FittedTarget]
    """`power` and `epoch` -> what tells it."""
    trainings: tuple[FittedTraining, ...]
    """What it was fitted to."""


def pre_model_of(written: Json, name: str) -> PreModel:
    """A model's file, read; `name` is for messages.

    Raises:
        NewerSchema: a newer wattlab wrote it.
        DocumentError: it is none; with the place.
    """
    return document_in(PreModel, written, name, SCHEMA)
